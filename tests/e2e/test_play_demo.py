"""A day played in front of open boards: what they show live is what a fresh page shows, all day long."""

import time
from collections import defaultdict, deque

import pytest
from playwright.sync_api import expect

from config import processes
from config.processes import Child
from dispatch.demo import DEMO_PASSWORD
from dispatch.demo.seed import seed_demo
from dispatch.models import StatusChange
from tests.e2e.live import in_thread, log_in

pytestmark = [pytest.mark.browser, pytest.mark.interaction]

DESK = {"width": 1440, "height": 900}
SETTLING = 10  # seconds: a board rests up to four between two requests, and each takes its time
NOTHING = "-"

# A flat list of facts of what is shown, whatever changes by the clock alone left out.
LANES = """() => {
  const facts = {};
  const text = (element) => element?.textContent.trim().replace(/\\s+/g, " ") ?? "";
  for (const tile of document.querySelectorAll("[data-tile]")) facts[`tile ${tile.dataset.tile}`] = text(tile);
  for (const tab of document.querySelectorAll("[data-tray-tab]")) facts[`tray ${tab.dataset.trayTab}`] = text(tab);
  for (const card of document.querySelectorAll(".tray-card")) facts[`job ${card.dataset.job} in the tray`] = `${card.className.replace(" flash", "")}, ${card.dataset.seen}`;
  for (const lane of document.querySelectorAll("[data-lane]")) {
    facts[`lane ${lane.dataset.lane}`] = `${text(lane.querySelector(".lane-name"))} ${lane.className}`;
    for (const job of lane.querySelectorAll("[data-job]")) {
      const classes = [...job.classList].filter((name) => name !== "flash").join(" ");
      const late = text(job.querySelector(".block-late"));
      const where = `lane ${lane.dataset.lane}`;
      facts[`job ${job.dataset.job} in ${where}`] = `${classes}, ${job.dataset.starts ?? "no time"}, ${late}, ${job.dataset.seen}`;
    }
  }
  return facts;
}"""
LIST = """() => {
  const facts = {};
  for (const tile of document.querySelectorAll("[data-tile]")) facts[`tile ${tile.dataset.tile}`] = tile.textContent.trim();
  for (const row of document.querySelectorAll("tr[data-job]")) {
    const cell = (name) => row.querySelector(`[data-column="${name}"]`)?.textContent.trim().replace(/\\s+/g, " ");
    facts[`job ${row.dataset.job}`] = `${cell("status")}, ${cell("technician")}`;
  }
  return facts;
}"""
BY_THE_CLOCK = {"tile late", "tray alerts"}  # a promised hour passes without anybody doing anything


class Comparison:
    """A live page beside fresh ones of the same address.

    While the day goes on the live page is always a little behind. It is wrong where, for longer than it may take to
    settle, it shows what no fresh page has shown lately.
    """

    def __init__(self, name: str, live, fresh, *, url: str, facts: str, announces_new: bool = False):
        self.name, self.live, self.fresh, self.url, self.facts = name, live, fresh, url, facts
        self.seen: dict[str, deque] = defaultdict(deque)  # fact -> (when, what a fresh page showed)
        self.wrong_since: dict[str, float] = {}
        self.known = set(self._facts(live)) if announces_new else None

    def _facts(self, page) -> dict[str, str]:
        return {name: value for name, value in page.evaluate(self.facts).items() if name not in BY_THE_CLOCK}

    def _pair(self) -> tuple[dict, dict, list[str]]:
        self.fresh.goto(self.url)
        fresh, live = self._facts(self.fresh), self._facts(self.live)
        names = sorted(fresh.keys() | live.keys() | self.seen.keys())
        if self.known is not None:  # a new row is announced and waits for a click
            names = [name for name in names if name in self.known or name in live]
        return fresh, live, names

    def look(self) -> None:
        fresh, live, names = self._pair()
        now = time.monotonic()
        for name in names:
            seen = self.seen[name]
            seen.append((now, fresh.get(name, NOTHING)))
            while seen[0][0] < now - SETTLING:
                seen.popleft()
            if live.get(name, NOTHING) in {value for _, value in seen}:
                self.wrong_since.pop(name, None)
            else:
                self.wrong_since.setdefault(name, now)
        lasting = [name for name, since in self.wrong_since.items() if now - since > SETTLING]
        assert not lasting, self._told(lasting, live, fresh)

    def must_agree(self) -> None:
        deadline = time.monotonic() + SETTLING
        while True:
            fresh, live, names = self._pair()
            differing = [name for name in names if live.get(name, NOTHING) != fresh.get(name, NOTHING)]
            if not differing:
                return
            assert time.monotonic() < deadline, self._told(differing, live, fresh)

    def _told(self, names: list[str], live: dict, fresh: dict) -> str:
        rows = [
            f"  {name}\n    live:  {live.get(name, NOTHING)}\n    fresh: {fresh.get(name, NOTHING)}" for name in names
        ]
        return "\n".join([f"{self.name} shows for {SETTLING} s what is not so:", *rows])


@pytest.fixture
def played(live_site):
    """Plays on the site's database for so many real seconds, as `manage.py play_demo` does."""
    children = []

    def start(*, seconds: float, speed: int, seed: int = 1) -> Child:
        options = ("--speed", str(speed), "--seed", str(seed), "--minutes", f"{seconds / 60:.3f}")
        command = processes.manage("play_demo", *options)
        children.append(Child.start("play", command, env=live_site.env, log_dir=live_site.folder))
        return children[0]

    yield start
    for child in children:
        child.kill()


def test_a_played_day_leaves_no_open_board_behind(live_site, new_context, played):
    in_thread(seed_demo, technicians=6, jobs=24)
    context = new_context(viewport=DESK)
    lanes, rows, fresh = context.new_page(), context.new_page(), context.new_page()
    log_in(lanes, live_site.url, "omar", password=DEMO_PASSWORD)
    board, listing = f"{live_site.url}/board/", f"{live_site.url}/board/list/"
    for page, url in ((lanes, board), (rows, listing)):
        page.goto(url)
        expect(page.locator("[data-live-text]")).to_have_text("Live")
    comparisons = [
        Comparison("The board of lanes", lanes, fresh, url=board, facts=LANES),
        Comparison("The list", rows, fresh, url=listing, facts=LIST, announces_new=True),
    ]
    before = in_thread(StatusChange.objects.count)
    play = played(seconds=20, speed=600)
    while play.is_running:
        for comparison in comparisons:
            comparison.look()
        fresh.wait_for_timeout(500)
    assert play.process.returncode == 0, play.log.read_text()
    for comparison in comparisons:
        comparison.must_agree()
    assert in_thread(StatusChange.objects.count) >= before + 15, play.log.read_text()
