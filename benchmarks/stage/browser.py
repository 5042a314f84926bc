"""A real Chromium in front of a real web process: how long until something is seen, and until a drop is confirmed."""

import os
import socket
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import stage
from config import processes
from config.processes import Child
from tests.services import find_chromium

HOST = "127.0.0.1"
RENDERED = {
    "lanes": ".block",
    "week": "[data-drag-job]",
    "month": "[data-drop-day]",
    "map": ".leaflet-marker-icon",
}
AT_ANOTHER_TIME = """
import sys
from datetime import datetime
import time_machine, uvicorn
time_machine.travel(datetime.fromisoformat(sys.argv[1])).start()
uvicorn.run("config.asgi:application", port=int(sys.argv[2]), ws="websockets-sansio", access_log=False)
"""
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


class Browser:
    """Logged in as `user`; use it as a context manager. `now`: the server's clock, if it is to show another day."""

    def __init__(self, user, *, now=None):
        from live import log_in

        self.cookie, self.now = log_in(user), now

    def __enter__(self):
        from playwright.sync_api import sync_playwright

        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs an event loop in this thread
        self.folder = tempfile.TemporaryDirectory(prefix="truckroll-browser-")
        self.port = 18_000 + os.getpid() % 2000
        command = processes.web(host=HOST, port=self.port, processes=1)
        if self.now:
            command = [sys.executable, "-c", AT_ANOTHER_TIME, self.now.isoformat(), str(self.port)]
        self.web = Child.start("web", command, env=dict(os.environ), log_dir=Path(self.folder.name))
        self._wait()
        self.playwright = sync_playwright().start()
        self.browser = self.playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        self.context = self.browser.new_context(viewport={"width": 1440, "height": 900})
        name, _, value = self.cookie.partition("=")
        self.context.add_cookies([{"name": name, "value": value, "url": self.url}])
        return self

    def __exit__(self, *_):
        self.browser.close()
        self.playwright.stop()
        processes.stop([self.web])
        self.folder.cleanup()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def open(self, path: str, view: str, *, times: int = 3) -> dict:
        """Medians: to the first paint, and to lay out and style everything until the jobs are there."""
        paints, layouts, scripts = [], [], []
        for _ in range(times):
            page = self.context.new_page()
            session = self.context.new_cdp_session(page)
            session.send("Performance.enable")
            page.goto(self.url + path)
            page.wait_for_selector(RENDERED[view], state="attached")
            page.wait_for_function(PAINT)
            metrics = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
            paints.append(page.evaluate(PAINT))
            layouts.append((metrics["LayoutDuration"] + metrics["RecalcStyleDuration"]) * 1000)
            scripts.append(metrics["ScriptDuration"] * 1000)
            page.close()
        return {
            "first_render_ms": round(stage.percentile(paints, 50)),
            "layout_ms": round(stage.percentile(layouts, 50)),
            "script_ms": round(stage.percentile(scripts, 50)),
        }

    def drop(self, path: str, *, drops: int) -> dict:
        """From letting go of a job of the tray to its block in the lane, drawn by the server."""
        page = self.context.new_page()
        page.goto(self.url + path)
        page.wait_for_selector("[data-state=live]")
        seconds = []
        for number in range(drops):
            card = page.locator(".tray-card").first
            job = card.get_attribute("data-job")
            track = page.locator("[data-track]").nth(number % 8)
            here, there = card.bounding_box(), track.bounding_box()
            page.mouse.move(here["x"] + 20, here["y"] + 12)
            page.mouse.down()
            page.mouse.move(here["x"] + 40, here["y"] + 20)
            page.mouse.move(there["x"] + there["width"] - 60, there["y"] + 20, steps=4)
            page.wait_for_selector(".drop-preview .placement")
            begun = time.perf_counter()
            page.mouse.up()
            block = page.locator(f".lane [data-job='{job}']")
            anyway = page.get_by_role("button", name="Do it anyway")
            block.or_(anyway).first.wait_for(state="attached")
            if anyway.is_visible():
                begun = time.perf_counter()
                anyway.click()
                block.wait_for(state="attached")
            seconds.append(time.perf_counter() - begun)
        page.close()
        return {"drops": drops, **stage.percentiles_ms(seconds, 50, 95)}

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.web.is_running:
            with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
                return
            time.sleep(0.05)
        raise SystemExit(f"The web process does not listen:\n{self.web.log.read_text()}")
