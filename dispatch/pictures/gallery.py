"""What a job's pages show of its pictures, in one query."""

from dataclasses import dataclass

from dispatch.models import Job, Picture


@dataclass(frozen=True)
class Gallery:
    photos: list[Picture]
    signatures: list[Picture]

    def __bool__(self) -> bool:
        return bool(self.photos or self.signatures)


def gallery_of(job: Job) -> Gallery:
    pictures = list(job.pictures.select_related("author").order_by("taken_at", "pk"))
    is_photo = [picture.kind == Picture.Kind.PHOTO for picture in pictures]
    return Gallery(
        photos=[picture for picture, yes in zip(pictures, is_photo, strict=True) if yes],
        signatures=[picture for picture, yes in zip(pictures, is_photo, strict=True) if not yes],
    )
