"""Photos and signatures of the demo, drawn: what technicians would have taken on today's jobs."""

import math
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from random import Random
from typing import Final

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from dispatch import actions
from dispatch.demo.stage import Stage
from dispatch.field.taps import Moment
from dispatch.models import Job, Picture, Status

SIZE: Final = (1200, 900)
MOST_JOBS: Final = 10
Scene = Callable[[ImageDraw.ImageDraw, Random], None]


def take_pictures(stage: Stage) -> None:
    rng = Random(stage.day.toordinal())  # noqa: S311 - the same day looks the same
    today = Job.objects.filter(scheduled_on=stage.day).select_related("technician__user", "customer").order_by("pk")
    for job in today.filter(status=Status.COMPLETED)[:MOST_JOBS]:
        at = job.completed_at - timedelta(minutes=6)
        for caption in rng.sample(list(SCENES), k=rng.choice((1, 2, 2, 3))):
            _keep(job, "photo", caption, _photo(SCENES[caption], rng), at=at)
            at += timedelta(minutes=1)
        _keep(job, "signature", job.customer.name, _signature(rng), at=job.completed_at)
    for job in today.filter(status=Status.IN_PROGRESS)[:2]:
        at = job.started_at + timedelta(minutes=2)
        _keep(job, "photo", "As found", _photo(_gauge, rng), at=at)


def _keep(job: Job, kind: str, name: str, data: bytes, *, at: datetime) -> None:
    sent = actions.SentPicture(
        id=uuid.uuid4(),
        kind=Picture.Kind(kind),
        upload=BytesIO(data),
        size_bytes=len(data),
        moment=Moment(at, at),
        name=name,
    )
    actions.keep_picture(job.technician, job.pk, sent, by=job.technician.user, now=at)


def _photo(scene: Scene, rng: Random) -> bytes:
    """On a wall that is lit from a corner, with the grain of a small sensor."""
    light = Image.linear_gradient("L").rotate(rng.choice((0, 90, 180, 270))).resize(SIZE)
    wall = rng.choice(("#8d8a83", "#7d8790", "#9a9184"))
    image = Image.composite(Image.new("RGB", SIZE, wall), Image.new("RGB", SIZE, "#4c4b49"), light)
    scene(ImageDraw.Draw(image), rng)
    image = image.rotate(rng.uniform(-3, 3), Image.Resampling.BILINEAR).crop((40, 40, 1160, 860))
    grain = Image.effect_noise(image.size, 26).convert("RGB")
    return _saved(Image.blend(image.filter(ImageFilter.GaussianBlur(1.2)), grain, 0.08), "JPEG")


def _gauge(draw: ImageDraw.ImageDraw, rng: Random) -> None:
    centre, radius = (600, 430), 270
    draw.rectangle((560, 660, 640, 900), fill="#b87333")
    draw.circle(centre, radius + 28, fill="#2e3238")
    draw.circle(centre, radius, fill="#f4f1e8")
    font = ImageFont.load_default(40)
    for bar in range(9):
        draw.line((_on(centre, radius - 20, bar), _on(centre, radius - 55, bar)), fill="#222", width=7)
        draw.text(_on(centre, radius - 95, bar), str(bar), fill="#222", font=font, anchor="mm")
    draw.text((600, 560), "bar", fill="#222", font=font, anchor="mm")
    draw.line((centre, _on(centre, radius - 70, rng.uniform(1.2, 3.2))), fill="#c62828", width=12)
    draw.circle(centre, 22, fill="#222")


def _on(centre: tuple[int, int], radius: float, bar: float) -> tuple[float, float]:
    angle = math.radians(135 + bar / 8 * 270)
    return centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)


def _nameplate(draw: ImageDraw.ImageDraw, rng: Random) -> None:
    draw.rounded_rectangle((190, 200, 1010, 720), 24, fill="#c9ccd0", outline="#6d7278", width=8)
    for x, y in ((230, 240), (970, 240), (230, 680), (970, 680)):
        draw.circle((x, y), 14, fill="#7c8187")
    made = f"{rng.choice(('HX', 'GX', 'TR'))}-{rng.randrange(40, 120, 10)}"
    lines = [f"MODEL   {made}", f"SERIAL  {rng.randrange(10**7, 10**8)}", "INPUT   88 000 BTU/h", "115 V  60 Hz  12 A"]
    for row, line in enumerate(lines):
        draw.text((280, 270 + 105 * row), line, fill="#2b2e33", font=ImageFont.load_default(58))


def _filters(draw: ImageDraw.ImageDraw, rng: Random) -> None:
    for left, paper in ((120, "#6b6257"), (640, "#eef0ee")):
        draw.rectangle((left, 150, left + 440, 760), fill=paper, outline="#3c3a37", width=26)
        for x in range(left + 40, left + 420, 28):
            draw.line((x, 176, x, 734), fill="#57504a" if left < 500 else "#c9cecb", width=6)


def _valve(draw: ImageDraw.ImageDraw, rng: Random) -> None:
    for y in (300, 470):
        draw.rectangle((0, y, 1200, y + 62), fill="#b87333")
        draw.rectangle((0, y + 10, 1200, y + 20), fill="#dca06a")
    draw.rounded_rectangle((480, 430, 720, 575), 30, fill="#c9a227", outline="#8a6d12", width=8)
    draw.rectangle((585, 350, 615, 440), fill="#8a8f96")
    draw.rounded_rectangle((430, 320, 770, 372), 24, fill="#c62828")


def _signature(rng: Random) -> bytes:
    image = Image.new("RGB", (600, 220), "white")
    sway, tilt = rng.uniform(0.7, 1.4), rng.uniform(-20, 20)
    points = [
        (70 + 460 * t, 115 + tilt * t + 55 * math.sin(sway * 19 * t) * math.cos(7 * t + sway) * (1.1 - t))
        for t in (step / 220 for step in range(221))
    ]
    ImageDraw.Draw(image).line(points, fill="#10182b", width=5, joint="curve")
    return _saved(image, "PNG")


def _saved(image: Image.Image, kind: str) -> bytes:
    out = BytesIO()
    image.save(out, kind)
    return out.getvalue()


SCENES: Final[dict[str, Scene]] = {
    "Nameplate": _nameplate,
    "Pressure afterwards": _gauge,
    "Old filter, new filter": _filters,
    "New valve": _valve,
}
