"""Pictures are made anew: what is no picture, or too much of one, ends in a sentence."""

import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from dispatch.pictures import remake
from dispatch.pictures.kinds_of_file import size_of_webp
from dispatch.pictures.remake import NotAPicture, Place, TooBusy, remake_photo, remake_signature
from tests import picture_files as files

pytestmark = pytest.mark.once


def remade(data: bytes, *, of=remake_photo):
    return of(BytesIO(data), size_bytes=len(data))


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def refusal(data: bytes, *, of=remake_photo) -> str:
    with pytest.raises(NotAPicture) as refused:
        remade(data, of=of)
    return str(refused.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "MPO"])
def test_what_cameras_make_becomes_a_jpeg_of_the_same_size(kind):
    done = remade(files.photo(kind=kind))
    image = opened(done.content)
    assert (image.format, image.size, (done.width, done.height)) == ("JPEG", (80, 40), (80, 40))
    assert image.getpixel((10, 20))[0] < 20
    assert image.getpixel((70, 20))[0] > 235


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (4000, 3000)])
def test_a_picture_of_any_shape_fits_into_the_largest_that_is_kept(size):
    done = remade(files.photo(*size))
    assert max(done.width, done.height) <= 2048
    assert max(opened(done.small).size) <= 320


@pytest.mark.parametrize(("orientation", "dark_at"), [(1, (10, 20)), (3, (70, 20)), (6, (20, 10)), (8, (20, 70))])
def test_a_photo_taken_with_the_phone_turned_stands_upright(orientation, dark_at):
    image = opened(remade(files.photo_with_exif(orientation=orientation)).content)
    assert image.size == ((80, 40) if orientation in (1, 3) else (40, 80))
    assert image.getpixel(dark_at)[0] < 20


def test_no_metadata_survives_and_the_place_is_told_apart():
    data = files.photo_with_exif()
    assert b"Spyphone" in data
    done = remade(data)
    for kept in (done.content, done.small):
        assert b"Spyphone" not in kept
        assert b"Exif" not in kept
        assert not opened(kept).getexif()
    assert done.place == Place(40.1, -75.125)


@pytest.mark.parametrize(
    "gps", [{}, files.GPS | {2: (400.0, 0.0, 0.0)}, files.GPS | {2: (1.0,)}, files.GPS | {2: (IFDRational(0, 0),) * 3}]
)
def test_a_place_that_makes_no_sense_is_none_and_the_photo_counts(gps):
    assert remade(files.photo_with_exif(gps=gps)).place is None


def test_comments_texts_and_profiles_do_not_survive():
    jpeg = files.photo(comment=files.SCRIPT, icc_profile=b"profile" + files.SCRIPT)
    png = files.png_saying(40, 20, chunks=files.png_chunk(b"tEXt", b"Comment\x00" + files.SCRIPT))
    for data in (jpeg, png):
        assert files.SCRIPT in data
        assert files.SCRIPT not in remade(data).content


@pytest.mark.parametrize("behind", [files.SCRIPT, b"PK\x03\x04 a whole archive", b"<?php system($_GET[0]); ?>"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_is_hidden_behind_a_picture_dies(kind, behind):
    done = remade(files.photo(kind=kind) + behind)
    assert behind not in done.content
    assert behind not in done.small


@pytest.mark.parametrize("name", files.NOT_PICTURES)
def test_other_files_are_refused_by_what_they_are(name):
    data, words = files.NOT_PICTURES[name]
    assert words in refusal(data)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_no_photo(kind):
    assert "an animation" in refusal(files.animation(kind))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_a_truncated_picture_is_damaged(kind, share):
    data = files.photo(600, 400, kind=kind)
    assert "damaged or incomplete" in refusal(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    "data",
    [files.png_saying(4001, 4000), files.png_saying(60_000, 60_000), files.webp_saying(16_000, 16_000)],
    ids=["a little", "a bomb", "webp"],
)
def test_too_many_pixels_are_refused_by_the_header(data):
    assert "megapixels" in refusal(data)


def test_a_webp_of_too_many_pixels_is_refused_before_its_reader_sets_memory_aside():
    assert "16000 × 16000 pixels" in refusal(files.webp_saying(16_000, 16_000))


@pytest.mark.parametrize("options", [{"lossless": True}, {"lossless": False}, {"exif": b"Exif\0\0"}])
def test_the_header_of_a_webp_is_read_as_it_was_written(options):
    data = files.photo(321, 123, kind="WEBP", **options)
    assert size_of_webp(data[:512]) == (321, 123)
    assert size_of_webp(files.photo()[:512]) is None


def test_a_jpeg_that_is_decoded_whole_may_have_fewer_pixels():
    """In several scans, progressive or not, all coefficients are held at once."""
    plain = files.photo(5000, 4000)
    assert remade(plain).width == 2048
    assert "5000 × 4000" in refusal(files.photo(5000, 4000, progressive=True))
    start = plain.index(b"\xff\xda") + 4
    assert plain[start] == 3
    assert "5000 × 4000" in refusal(plain[:start] + b"\x01" + plain[start + 1 :])


def test_a_bomb_of_texts_is_refused():
    text = files.png_chunk(b"zTXt", b"a\0\0" + files.zlib.compress(bytes(100_000_000), 9))
    assert "damaged" in refusal(files.png_saying(10, 10, chunks=text))


def test_a_jpeg_of_thousands_of_scans_is_refused_at_once():
    assert remade(files.photo(400, 300, progressive=True)).width == 400
    assert "damaged" in refusal(files.jpeg_of_many_scans(2000))


def test_too_many_bytes_are_refused_without_reading_them():
    with pytest.raises(NotAPicture, match="At most 25 MB"):
        remake_photo(BytesIO(files.photo()), size_bytes=remake.MAX_BYTES + 1)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_colours_can_be_read(mode):
    image = (
        files.half_and_half().convert("L").convert("I;16") if mode == "I;16" else files.half_and_half().convert(mode)
    )
    kind = "JPEG" if mode == "CMYK" else "WEBP" if mode == "PA" else "PNG"
    assert opened(remade(files.saved(image.convert("RGBA") if mode == "PA" else image, kind)).content).mode in (
        "RGB",
        "L",
    )


def test_a_signature_is_dark_on_white_and_an_empty_one_is_none():
    done = remade(files.signature(), of=remake_signature)
    image = opened(done.content)
    assert (image.format, image.mode) == ("PNG", "L")
    assert image.getpixel((150, 48)) < 20
    assert image.getpixel((5, 5)) > 235
    assert "is empty" in refusal(files.signature(ink="#00000000"), of=remake_signature)


@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP"]),
    at=st.floats(0, 1),
    junk=st.binary(min_size=1, max_size=40),
)
def test_a_damaged_picture_is_remade_or_refused_and_nothing_else(kind, at, junk):
    data = bytearray(files.photo(200, 100, kind=kind, **({"exif": Image.Exif()} if kind == "JPEG" else {})))
    place = int(at * len(data))
    data[place : place + len(junk)] = junk
    try:
        done = remade(bytes(data))
    except NotAPicture as refused:
        assert str(refused).endswith(".")
    else:
        assert opened(done.content).format == "JPEG"


def test_whoever_waits_too_long_for_their_turn_is_told_to_come_again(monkeypatch):
    monkeypatch.setattr(remake, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(remake, "_turns", threading.BoundedSemaphore(1))
    with remake._turns, pytest.raises(TooBusy):
        remade(files.photo())
    assert remade(files.photo()).width == 80


MEMORY = """
import resource, sys, threading
from pathlib import Path
from dispatch.pictures.remake import NotAPicture, remake_photo
paths = [Path(name) for name in sys.argv[1:]]
said = []

def remake(path):
    try:
        with path.open("rb") as upload:
            said.append(f"{path.name} {remake_photo(upload, size_bytes=path.stat().st_size).width}")
    except NotAPicture as refused:
        said.append(f"{path.name} {refused}")

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
threads = [threading.Thread(target=remake, args=[path]) for path in paths]
for thread in threads: thread.start()
for thread in threads: thread.join()
for line in said: print(line)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def peak_of(*paths: Path) -> tuple[float, list[str]]:
    """Megabytes that a process needs on top for making them all at once, and what became of each."""
    command = [sys.executable, "-c", MEMORY, *map(str, paths)]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True, timeout=120)
    *said, kilobytes = done.stdout.splitlines()
    return int(kilobytes) / 1024, said


def test_a_server_without_memory_asks_for_the_picture_again(monkeypatch):
    def fail(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(remake, "_check_header", fail)
    with pytest.raises(TooBusy):
        remade(files.photo())


def test_twenty_photos_of_50_megapixels_at_once_take_the_memory_of_one(tmp_path):
    data = files.photo(8160, 6144)
    paths = [tmp_path / f"{number}.jpg" for number in range(20)]
    for path in paths:
        path.write_bytes(data)
    peak, said = peak_of(*paths)
    assert sorted(said) == sorted(f"{path.name} 2048" for path in paths)
    assert peak < 150


def test_the_largest_that_is_decoded_whole_and_a_bomb_stay_within_bounds(tmp_path):
    large, bomb = tmp_path / "large.webp", tmp_path / "bomb.png"
    large.write_bytes(files.photo(4000, 4000, kind="WEBP", method=0))
    bomb.write_bytes(files.png_saying(30_000, 30_000))
    peak, said = peak_of(large, bomb)
    assert "large.webp 2048" in said
    assert any("megapixels" in line for line in said)
    assert peak < 400
