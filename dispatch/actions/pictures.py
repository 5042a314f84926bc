"""Photos and signatures from the field: made anew, kept once each, never lost."""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.db import IntegrityError, transaction
from django.utils import timezone

from dispatch.actions.base import bump, describe_state, fresh, publish_job
from dispatch.actions.field_notes import keep_for_dispatcher
from dispatch.actions.taps import DOUBTED, NOT_YOURS, as_answered, job_of
from dispatch.field.taps import Moment
from dispatch.models import DispatchSettings, Job, Picture, Status, Tap
from dispatch.pictures.remake import NotAPicture, Remade, TooBusy, remake_photo, remake_signature
from dispatch.smart import suggestions
from dispatch.webhooks import events
from technicians.models import Technician
from technicians.positions import Fix, is_plausible

log = logging.getLogger(__name__)

MOST_ON_JOB: Final = 60
SAID_ONCE: Final = timedelta(hours=1)  # of pictures one after the other on a job that is not theirs any more
ORPHAN_AFTER: Final = timedelta(days=1)
FOLDER: Final = "jobs"
FULL: Final = f"This job has {MOST_ON_JOB} pictures, which is the most."
REMAKE: Final = {Picture.Kind.PHOTO: remake_photo, Picture.Kind.SIGNATURE: remake_signature}


class PictureNotStored(Exception):
    """Not the picture's fault: the phone keeps it and sends it again. Says why in a sentence."""


@dataclass(frozen=True)
class SentPicture:
    """`name` is a photo's caption or who signed; `fix` is where the phone was."""

    id: uuid.UUID
    kind: str
    upload: BinaryIO
    size_bytes: int
    moment: Moment
    name: str = ""
    fix: Fix | None = None


def keep_picture(technician: Technician, job_id: int, sent: SentPicture, *, by, now: datetime | None = None) -> Tap:
    """What became of it; sent again, what became of it the first time.

    A picture of a job that somebody else has by now, or that is cancelled, is kept on it and the dispatchers are told.
    """
    now = now or timezone.now()
    if earlier := Tap.objects.filter(pk=sent.id).first():
        return as_answered(earlier, technician)
    tap = _tap(technician, sent, now=now)
    tap.job = job_of(technician, job_id, Job.objects.all())
    try:
        if reason := _reason_against(tap, sent):
            raise NotAPicture(reason)
        remade = REMAKE[sent.kind](sent.upload, size_bytes=sent.size_bytes)
        with _stored(tap, remade) as picture, transaction.atomic():
            return _keep(tap, picture, by=by, now=now)
    except NotAPicture as refused:
        tap.outcome, tap.answer = Tap.Outcome.REFUSED, str(refused)
        return _written_once(tap)
    except TooBusy:
        raise PictureNotStored("Many pictures arrive at once. This one waits its turn.") from None
    except IntegrityError:
        if earlier := Tap.objects.filter(pk=sent.id).first():
            return as_answered(earlier, technician)
        raise


def _tap(technician: Technician, sent: SentPicture, *, now: datetime) -> Tap:
    where = {}
    if sent.fix and is_plausible(sent.fix, now=now):
        where = {"latitude": sent.fix.latitude, "longitude": sent.fix.longitude, "accuracy_m": sent.fix.accuracy_m}
    return Tap(
        id=sent.id,
        technician=technician,
        kind=sent.kind,
        content={"name": sent.name},
        tapped_at=sent.moment.tapped_at,
        happened_at=sent.moment.happened_at,
        received_at=now,
        outcome=Tap.Outcome.DONE,
        answer=DOUBTED.strip() if sent.moment.is_doubted else "",
        **where,
    )


def _reason_against(tap: Tap, sent: SentPicture) -> str:
    if tap.job is None:
        return NOT_YOURS
    if sent.kind == Picture.Kind.SIGNATURE and not sent.name:
        return "Write the name of whoever signs."
    return FULL if tap.job.pictures.count() >= MOST_ON_JOB else ""


def _written_once(tap: Tap) -> Tap:
    try:
        with transaction.atomic():
            tap.save()
    except IntegrityError:  # the same one at the same moment
        return Tap.objects.get(pk=tap.pk)
    return tap


# Files --------------------------------------------------------------------------------------------


def storage_of_pictures() -> Storage:
    return Picture._meta.get_field("file").storage


@contextmanager
def _stored(tap: Tap, remade: Remade) -> Iterator[Picture]:
    """The picture with its files, which go again if what happens inside fails."""
    picture = Picture(
        id=tap.pk,
        job=tap.job,
        kind=tap.kind,
        name=tap.content["name"],
        taken_at=tap.happened_at,
        received_at=tap.received_at,
        width=remade.width,
        height=remade.height,
        size_bytes=len(remade.content),
        author_id=tap.technician.user_id,
    )
    if tap.kind == Picture.Kind.PHOTO and DispatchSettings.load().keeps_photo_location:
        place = remade.place or tap
        picture.latitude, picture.longitude = place.latitude, place.longitude
    storage, files = storage_of_pictures(), []
    try:
        for field, content in (("file", remade.content), ("thumbnail", remade.small)):
            path = Picture._meta.get_field(field).generate_filename(picture, "")
            files.append(storage.save(path, ContentFile(content)))
    except Exception as error:  # each storage has its own errors; none of them is a reason to lose the picture
        log.exception("A picture could not be stored")
        _delete_files(files)
        raise PictureNotStored("The server cannot store pictures now. Your phone keeps it and tries again.") from error
    picture.file, picture.thumbnail = files
    try:
        yield picture
    except BaseException:
        _delete_files(files)
        raise


def _delete_files(names: list[str]) -> None:
    for name in names:
        try:
            storage_of_pictures().delete(name)
        except Exception:
            log.warning("%s is left for the sweep", name, exc_info=True)


# The job ------------------------------------------------------------------------------------------


def _keep(tap: Tap, picture: Picture, *, by, now: datetime) -> Tap:
    """Inside a transaction. The job's row is written first: of many at once none is then one too many."""
    before = fresh(tap.job)
    bump(before)
    suggestions.keep_beside_note(before)
    if before.pictures.count() >= MOST_ON_JOB:
        raise NotAPicture(FULL)
    said = "Photo added." if tap.kind == Tap.Kind.PHOTO else f"Signature of {picture.name} added."
    if before.technician_id != tap.technician_id or before.status == Status.CANCELLED:
        what = tap.get_kind_display().lower()
        said = f"{describe_state(before)} now. The {what} is kept for the dispatcher."
        tap.outcome = Tap.Outcome.KEPT
        if not _was_told_lately(tap):
            keep_for_dispatcher(before, f"Sent a {what}", at=tap.happened_at, by=by, now=now)
    tap.answer = f"{said} {tap.answer}".strip()
    tap.save()
    picture.save(force_insert=True)
    events.tell(events.Kind.PICTURE_ADDED, job=before, content=_as_told(picture), now=now)
    publish_job(fresh(before), now=now)
    return tap


def _was_told_lately(tap: Tap) -> bool:
    """One note and one notice for all that come one after the other."""
    kept = Tap.objects.filter(technician=tap.technician, job=tap.job, kind=tap.kind, outcome=Tap.Outcome.KEPT)
    return kept.filter(received_at__gt=tap.received_at - SAID_ONCE).exists()


def _as_told(picture: Picture) -> dict[str, str]:
    taken_at = picture.taken_at.isoformat()
    return {"picture": {"id": str(picture.pk), "kind": picture.kind, "name": picture.name, "taken_at": taken_at}}


# Sweeping -----------------------------------------------------------------------------------------


def sweep_pictures(*, now: datetime | None = None) -> int:
    """Deletes files that belong to no picture: of whoever was killed between storing and committing."""
    before = (now or timezone.now()) - ORPHAN_AFTER
    storage, swept = storage_of_pictures(), 0
    try:
        folders = storage.listdir(FOLDER)[0]
    except FileNotFoundError:
        return 0
    for folder in folders:
        path = PurePosixPath(FOLDER, folder)
        rows = Picture.objects.filter(job=folder) if folder.isdecimal() else Picture.objects.none()
        known = {name for names in rows.values_list("file", "thumbnail") for name in names}
        orphans = [str(path / name) for name in storage.listdir(str(path))[1] if str(path / name) not in known]
        old = [name for name in orphans if storage.get_modified_time(name) < before]
        _delete_files(old)
        swept += len(old)
    return swept
