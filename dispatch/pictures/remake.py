"""Makes a picture anew from what was sent, so that nothing but its pixels survives.

What is not pixels is dropped: metadata with the place, thumbnails, whatever was hidden behind the picture. What would
take too much memory or time is refused by its header, before it is decoded. A JPEG in one scan, which is what cameras
make, is decoded line by line at a fraction of its size, so that it may be much larger than the others.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Final

from PIL import ExifTags, Image, ImageOps

from dispatch.pictures.kinds_of_file import TAKEN, format_of, size_of_webp, why_not

MAX_BYTES: Final = 25 * 1024 * 1024
MAX_PIXELS: Final = 16_000_000
MAX_PIXELS_JPEG_IN_ONE_SCAN: Final = 64_000_000
MAX_SIDE: Final = 20_000
MAX_SCANS: Final = 100  # of a progressive JPEG: each goes over the whole picture, and a small file may hold thousands
LONGEST_SIDE: Final = 2048
SMALL_SIDE: Final = 320
AT_ONCE: Final = 1  # picture decoded by a process at the same time: one may take 300 MB for a second
PATIENCE_SECONDS: Final = 20
START_OF_SCAN: Final = 0xDA

BROKEN: Final = "This picture is damaged or incomplete and cannot be opened. Take it again."
_turns = threading.BoundedSemaphore(AT_ONCE)


class NotAPicture(Exception):
    """Why it is not taken, in a sentence for whoever sent it."""


class TooBusy(Exception):
    """Others are being made, and not within our patience, or there is no memory left for this one now."""


@dataclass(frozen=True)
class Place:
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Remade:
    content: bytes
    small: bytes  # JPEG
    width: int
    height: int
    place: Place | None  # where the photo's own metadata says that it was taken


def remake_photo(upload: BinaryIO, *, size_bytes: int) -> Remade:
    """A JPEG of at most 2048 pixels, the right way up."""
    with _decoded(upload, size_bytes) as image:
        place = _place_of(image)
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BILINEAR)
        upright = _on_white(ImageOps.exif_transpose(image) if _is_turned(image) else image)
        return Remade(_jpeg(upright), _small(upright), upright.width, upright.height, place)


def remake_signature(upload: BinaryIO, *, size_bytes: int) -> Remade:
    """A PNG in shades of grey. An empty one is no signature."""
    with _decoded(upload, size_bytes) as image:
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BILINEAR)
        grey = _on_white(image).convert("L")
        darkest, lightest = grey.getextrema()
        if lightest - darkest < 32:
            raise NotAPicture("The signature is empty. Sign once more.")
        return Remade(_saved(grey, "PNG", optimize=True), _small(grey), grey.width, grey.height, None)


@contextmanager
def _decoded(upload: BinaryIO, size_bytes: int) -> Iterator[Image.Image]:
    """Few at a time: the memory that twenty take who send at once is that of two."""
    head = upload.read(512)
    upload.seek(0)
    if not format_of(head):
        raise NotAPicture(why_not(head))
    if size_bytes > MAX_BYTES:
        raise NotAPicture(f"This picture has {_megabytes(size_bytes)}. At most {_megabytes(MAX_BYTES)} are taken.")
    if size := size_of_webp(head):  # its reader sets memory aside before it can be asked
        _check_size(*size, most=MAX_PIXELS)
    if not _turns.acquire(timeout=PATIENCE_SECONDS):
        raise TooBusy
    try:
        with Image.open(upload, formats=TAKEN) as image:
            _check_header(image, upload)
            image.draft("RGB", _within(image.size, LONGEST_SIDE))
            image.load()
            yield image
    except NotAPicture:
        raise
    except MemoryError:  # not the picture's fault, which is within the limits
        raise TooBusy from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):  # what no limit of ours let through
        raise NotAPicture(
            f"This picture is too large. At most {MAX_PIXELS // 1_000_000} megapixels are taken."
        ) from None
    except Exception as error:  # Pillow's readers raise whatever damaged bytes make them stumble over
        raise NotAPicture(BROKEN) from error
    finally:
        _turns.release()


def _check_header(image: Image.Image, upload: BinaryIO) -> None:
    """Before anything is decoded."""
    is_jpeg = image.format in ("JPEG", "MPO")
    if not is_jpeg:
        _check_size(*image.size, most=MAX_PIXELS)
        if getattr(image, "n_frames", 1) > 1:
            raise NotAPicture("This is an animation. Send a photo.")
        return
    scans, in_first = _scans(upload)
    is_in_one_scan = not image.info.get("progressive") and in_first == image.layers
    _check_size(*image.size, most=MAX_PIXELS_JPEG_IN_ONE_SCAN if is_in_one_scan else MAX_PIXELS)
    if scans > MAX_SCANS:
        raise NotAPicture(BROKEN)


def _within(size: tuple[int, int], side: int) -> tuple[int, int]:
    width, height = size
    return max(1, width * side // max(size)), max(1, height * side // max(size))


def _check_size(width: int, height: int, *, most: int) -> None:
    if width * height > most or max(width, height) > MAX_SIDE:
        asked = "" if most == MAX_PIXELS_JPEG_IN_ONE_SCAN else ", or an ordinary JPEG"
        raise NotAPicture(
            f"This picture has {width} × {height} pixels. Send one of at most {most // 1_000_000} megapixels{asked}."
        )


def _scans(upload: BinaryIO) -> tuple[int, int]:
    """How many a JPEG has, at most, and how many components are in the first; the mark is never in compressed data."""
    at = upload.tell()
    upload.seek(0)
    data = upload.read(MAX_BYTES)
    upload.seek(at)
    place = 2
    while place + 4 < len(data) and data[place] == 0xFF and data[place + 1] != START_OF_SCAN:
        is_padding = data[place + 1] == 0xFF
        place += 1 if is_padding else 2 + int.from_bytes(data[place + 2 : place + 4])
    components = data[place + 4] if place + 4 < len(data) else 0
    return data.count(bytes([0xFF, START_OF_SCAN])), components


def _is_turned(image: Image.Image) -> bool:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
    except Exception:  # as damaged as it may be: the picture itself can be read
        return False


def _place_of(image: Image.Image) -> Place | None:
    try:
        gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef] == "S")
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef] == "W")
    except Exception:  # none, or a damaged one
        return None
    is_on_globe = -90 <= latitude <= 90 and -180 <= longitude <= 180 and (latitude or longitude)
    return Place(latitude, longitude) if is_on_globe else None


def _degrees(parts, is_negative: bool) -> float:
    degrees, minutes, seconds = map(float, parts)
    whole = degrees + minutes / 60 + seconds / 3600
    return round(-whole if is_negative else whole, 6)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "L":
        return image
    if not image.has_transparency_data:
        return image.convert("RGB")
    seen = image.convert("RGBA")
    paper = Image.new("RGB", seen.size, "white")
    paper.paste(seen, mask=seen.getchannel("A"))
    return paper


def _jpeg(image: Image.Image, *, quality: int = 82) -> bytes:
    return _saved(image, "JPEG", quality=quality, optimize=True)


def _small(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((SMALL_SIDE, SMALL_SIDE))
    return _jpeg(small, quality=75)


def _saved(image: Image.Image, kind: str, **options) -> bytes:
    image.info.clear()  # what it holds would be written along: metadata, comments, colour profiles
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _megabytes(count: int) -> str:
    return f"{count / 1024 / 1024:.0f} MB"
