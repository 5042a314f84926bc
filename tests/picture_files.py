"""Files as phones send them, and as nobody should."""

import struct
import zlib
from io import BytesIO
from typing import Final

from PIL import ExifTags, Image

GPS: Final = {
    ExifTags.GPS.GPSLatitudeRef: "N",
    ExifTags.GPS.GPSLatitude: (40.0, 6.0, 0.0),
    ExifTags.GPS.GPSLongitudeRef: "W",
    ExifTags.GPS.GPSLongitude: (75.0, 7.0, 30.0),
}
SCRIPT: Final = b"<script>alert('hello')</script>"


def saved(image: Image.Image, kind: str, **options) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def half_and_half(width: int = 80, height: int = 40) -> Image.Image:
    """Black on the left, white on the right."""
    image = Image.new("RGB", (width, height), "white")
    image.paste("black", (0, 0, width // 2, height))
    return image


def photo(width: int = 80, height: int = 40, *, kind: str = "JPEG", **options) -> bytes:
    return saved(half_and_half(width, height), kind, **options)


def photo_with_exif(*, orientation: int = 1, gps: dict | None = GPS) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Spyphone"
    exif[ExifTags.Base.Orientation] = orientation
    if gps is not None:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps)
    return photo(exif=exif)


def signature(*, ink: str = "black") -> bytes:
    image = Image.new("RGBA", (300, 100), (0, 0, 0, 0))
    image.paste(ink, (40, 45, 260, 52))
    return saved(image, "PNG")


def animation(kind: str) -> bytes:
    return saved(half_and_half(), kind, save_all=True, append_images=[Image.new("RGB", (80, 40), "red")])


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_saying(width: int, height: int, *, chunks: bytes = b"") -> bytes:
    """A header that promises so many pixels, and a few bytes that would unpack to a great deal of nothing."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    bomb = png_chunk(b"IDAT", zlib.compress(bytes(20_000_000), 9))
    return b"\x89PNG\r\n\x1a\n" + header + chunks + bomb + png_chunk(b"IEND", b"")


def webp_saying(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_of_many_scans(count: int) -> bytes:
    """Progressive; the last scan again and again, which costs time and hardly any bytes."""
    whole = photo(400, 300, progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * count + whole[-2:]


NOT_PICTURES: Final = {
    "empty": (b"", "is empty"),
    "svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>", "an SVG drawing"),
    "html": (b"<!DOCTYPE html><html>" + SCRIPT + b"</html>", "a web page"),
    "html after a space": (b"\xef\xbb\xbf\n  <html>", "a web page"),
    "heic": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "Most Compatible"),
    "heic of a burst": (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "Most Compatible"),
    "avif": (b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00", "an AVIF picture"),
    "video": (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00", "a video"),
    "gif": (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "a GIF animation"),
    "tiff": (b"II*\x00\x08\x00\x00\x00", "a TIFF picture"),
    "pdf": (b"%PDF-1.7\n", "a PDF"),
    "zip": (b"PK\x03\x04" + bytes(30), "a ZIP or Office file"),
    "program": (b"MZ" + bytes(100), "a program"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n(%pipe%id) (w) file", "not a photo"),
    "noise": (b"\x17\x42\x00\x99" * 100, "not a photo"),
}
