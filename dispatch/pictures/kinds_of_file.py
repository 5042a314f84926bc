"""What a file is by its first bytes, never by its name: which pictures are taken, and a sentence for the others."""

from typing import Final

TAKEN: Final = ("JPEG", "PNG", "WEBP")
HEIC_BRANDS: Final = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
HEIC: Final = (
    "This is a HEIC picture, which cannot be read here. On the iPhone choose Settings, Camera, Formats, "
    "“Most Compatible”, and take it again."
)
WANTED: Final = "Send a photo as JPEG, PNG or WebP."
BY_FIRST_BYTES: Final = (
    (b"GIF8", "GIF animation"),
    (b"BM", "BMP picture"),
    (b"II*\x00", "TIFF picture"),
    (b"MM\x00*", "TIFF picture"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP or Office file"),
    (b"\x1f\x8b", "compressed file"),
    (b"MZ", "program"),
    (b"\x7fELF", "program"),
    (b"\x1aE\xdf\xa3", "video"),
)


def format_of(head: bytes) -> str:
    """One of TAKEN, or nothing. `head` are the first 512 bytes."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    return "WEBP" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else ""


def size_of_webp(head: bytes) -> tuple[int, int] | None:
    """Width and height as its header says, if it is one. Source: RFC 9649."""
    if format_of(head) != "WEBP" or len(head) < 30:
        return None
    if head[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF


def why_not(head: bytes) -> str:
    """Why a file that is none of TAKEN is not, in a sentence."""
    if not head:
        return f"The file is empty. {WANTED}"
    if head[4:8] == b"ftyp":
        if head[8:12] in HEIC_BRANDS:
            return HEIC
        return f"This is {'an AVIF picture' if head[8:12] in (b'avif', b'avis') else 'a video'}. {WANTED}"
    for start, name in BY_FIRST_BYTES:
        if head.startswith(start):
            return f"This is a {name}. {WANTED}"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text:
        return f"This is an SVG drawing. {WANTED}"
    if text.startswith((b"<!doctype html", b"<html", b"<script", b"<")):
        return f"This is a web page or XML. {WANTED}"
    return f"This is not a photo. {WANTED}"
