"""The technician's day on an old phone: what it weighs, how many requests, how long until it can be used.

python benchmarks/phone.py [--times 5] [--smoke]
A Chromium with a processor four times slower, on DevTools' "Slow 3G": 2 s until an answer, 50 KB/s. The floor is a bare
page with one button, from the same machine under the same conditions.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import stage

HOST = "127.0.0.1"
PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
SLOW_3G = {"offline": False, "latency": 2000, "downloadThroughput": 51_200, "uploadThroughput": 51_200}
SLOWER = 4
BUDGET_KB = 100
BARE = b"<!doctype html><title>Bare</title><main data-phone-root data-waiting='0'><button>En route</button></main>"
# Usable: the script that keeps taps runs, and the page shows what it believes.
WATCH = """
  const look = () => {
    const isUsable = document.querySelector('[data-phone-root][data-waiting]');
    if (isUsable) document.documentElement.dataset.usableAt = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
USABLE = "Number(document.documentElement.dataset.usableAt)"
READY_WITHIN_MS = 120_000


class BarePage(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(BARE)))
        self.end_headers()
        self.wfile.write(BARE)

    def log_message(self, *_):
        pass


@contextmanager
def bare_server():
    server = ThreadingHTTPServer((HOST, 0), BarePage)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{HOST}:{server.server_port}/"
    server.shutdown()


@contextmanager
def web_server(folder: Path):
    """The production command with production's static files: compressed, their names with a hash."""
    from config import processes
    from tests.e2e.live import _free_port, _wait_until_listening

    env = os.environ | {"STATIC_FROM_PACKAGES": "0", "STATIC_ROOT": str(folder / "static")}
    collect = [sys.executable, str(stage.PROJECT / "manage.py"), "collectstatic", "--no-input", "-v0"]
    subprocess.run(collect, env=env, check=True)
    port = _free_port()
    child = processes.Child.start("web", processes.web(host=HOST, port=port, processes=1), env=env, log_dir=folder)
    try:
        _wait_until_listening(child, port)
        yield f"http://{HOST}:{port}"
    finally:
        processes.stop([child])


class Visit:
    """One page in a phone of its own, under the conditions; counts what comes over the network."""

    def __init__(self, browser, *, cookie: str | None, url: str, is_slow: bool):
        self.context = browser.new_context(**PHONE)
        if cookie:
            name, _, value = cookie.partition("=")
            self.context.add_cookies([{"name": name, "value": value, "url": url}])
        self.is_slow = is_slow
        self.bytes, self.requests = {}, {}

    def open(self, url: str) -> dict[str, float]:
        page = self.context.new_page()
        session = self.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.responseReceived", lambda event: self.requests.update({event["requestId"]: event["type"]}))
        session.on(
            "Network.loadingFinished",
            lambda event: self.bytes.update({event["requestId"]: event["encodedDataLength"]}),
        )
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER if self.is_slow else 1})
        if self.is_slow:
            session.send("Network.emulateNetworkConditions", SLOW_3G)
        page.add_init_script(WATCH)
        page.goto(url, wait_until="load", timeout=READY_WITHIN_MS)
        page.wait_for_selector("html[data-usable-at]", timeout=READY_WITHIN_MS)
        figures = {"first_paint_ms": page.evaluate(PAINT), "usable_ms": page.evaluate(USABLE)}
        self.page = page
        return figures

    @property
    def kilobytes(self) -> float:
        return round(sum(self.bytes.get(request, 0) for request in self.requests) / 1024, 1)

    def close(self) -> None:
        self.context.close()


def weigh(browser, site: str, cookie: str) -> dict:
    """The first visit, and what the phone fetches afterwards to have the day without signal."""
    visit = Visit(browser, cookie=cookie, url=site, is_slow=False)
    visit.open(f"{site}/my-day/")
    first = {"kilobytes": visit.kilobytes, "requests": len(visit.requests)}
    sizes = visit.page.evaluate(
        "performance.getEntriesByType('resource').map((one) => [one.name.split('/').pop(), one.encodedBodySize])"
    )
    visit.close()
    return first | {"largest": sorted(sizes, key=lambda size: -size[1])[:5]}


def medians(figures: list[dict[str, float]]) -> dict[str, int]:
    return {name: round(stage.percentile([each[name] for each in figures], 50)) for name in figures[0]}


def times_of_first_visits(browser, url: str, cookie: str | None, times: int) -> dict[str, int]:
    figures = []
    for _ in range(times):
        visit = Visit(browser, cookie=cookie, url=url, is_slow=True)
        figures.append(visit.open(url))
        visit.close()
    return medians(figures)


def times_without_signal(browser, site: str, cookie: str, times: int) -> dict[str, int]:
    """The day as the phone has kept it."""
    visit = Visit(browser, cookie=cookie, url=site, is_slow=False)
    visit.open(f"{site}/my-day/")
    visit.page.wait_for_selector("[data-phone-root][data-is-kept]", timeout=READY_WITHIN_MS)
    visit.context.set_offline(True)
    visit.page.close()
    figures = []
    for _ in range(times):
        page = visit.context.new_page()
        visit.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.add_init_script(WATCH)
        page.goto(f"{site}/my-day/")
        page.wait_for_selector("html[data-usable-at]", timeout=READY_WITHIN_MS)
        figures.append({"first_paint_ms": page.evaluate(PAINT), "usable_ms": page.evaluate(USABLE)})
        page.close()
    visit.close()
    return medians(figures)


def prepare() -> tuple[str, str]:
    """The demo's day. The session of its technician, and the address of one of her jobs."""
    from django.core.management import call_command
    from live import log_in

    from dispatch.models import Job
    from technicians.models import Technician

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs an event loop in this thread
    call_command("seed_demo", verbosity=0)
    tess = Technician.objects.get(user__username="tess")
    return log_in(tess.user), f"/my-day/jobs/{Job.objects.of(tess).filter(status='assigned').first().pk}/"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--smoke", action="store_true", help="each once")
    options = parser.parse_args()
    times = 1 if options.smoke else options.times
    report = stage.Report("phone")
    with stage.services(), tempfile.TemporaryDirectory(prefix="truckroll-bench-") as folder:
        from playwright.sync_api import sync_playwright

        from tests.services import find_chromium

        cookie, job_page = prepare()
        with web_server(Path(folder)) as site, bare_server() as bare, sync_playwright() as playwright:
            arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
            weight = weigh(browser, site, cookie)
            report.line(what="weight of the day", **weight)
            floor = times_of_first_visits(browser, bare, None, times)
            report.line(what="bare page, slow 3G, slow processor", **floor)
            first = times_of_first_visits(browser, f"{site}/my-day/", cookie, times)
            report.line(what="day, first visit", **first, over_floor=round(first["usable_ms"] / floor["usable_ms"], 2))
            job = times_of_first_visits(browser, site + job_page, cookie, times)
            report.line(what="job, first visit", **job, over_floor=round(job["usable_ms"] / floor["usable_ms"], 2))
            kept = times_without_signal(browser, site, cookie, times)
            report.line(what="day, without signal", **kept)
            browser.close()
    report.check(weight["kilobytes"] < BUDGET_KB, f"the day weighs less than {BUDGET_KB} KB compressed")
    report.check(kept["usable_ms"] < first["usable_ms"], "the kept day is there sooner than one from the network")
    report.exit()


if __name__ == "__main__":
    main()
