"""Many open boards in one process, each doing what live.js, board_list.js and pace.js do in a browser.

python boards.py HOST PORT COOKIES.json RESULT.json. Says "ready" when every board is live, ends at a line on its
standard input and writes what it saw: for each board its rows, the fragments and the events with their instants.
"""

import asyncio
import html
import json
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path

from http_connection import Connection
from websockets.asyncio.client import connect

PROJECT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = [PROJECT / "static/js" / name for name in ("live.js", "pace.js")]
NUMBER = re.compile(r"const ([A-Z_]+) = (\d+);")
NUMBERS = {name: int(value) for script in SCRIPTS for name, value in NUMBER.findall(script.read_text())}
ROW = re.compile(r'<tr id="job-row-(\d+)"[^>]*? data-version="(\d+)"')
GONE = re.compile(r'<tr id="job-row-(\d+)" hx-swap-oob="delete">')
ROWS_PER_REQUEST = 200


class Board:
    def __init__(self, host: str, port: int, cookie: str):
        self.connections = {kind: Connection(host, port, cookie=cookie) for kind in ("page", "rows")}
        self.url = f"ws://{host}:{port}/ws/"
        self.headers = {"Cookie": cookie, "Origin": f"http://{host}:{port}"}
        self.rows: dict[int, int] = {}
        self.counted: dict[str, int] = {}
        self.gathered: set[int] = set()
        self.waiting: set[int] = set()
        self.flushing: asyncio.TimerHandle | None = None
        self.is_asking = self.is_refreshing = self.wants_refresh = False
        self.live = asyncio.Event()
        self.shown: list[tuple[int, int, float]] = []  # job, version, instant
        self.heard: list[tuple[int, float]] = []  # job, instant
        self.requests = Counter()
        self.took: list[float] = []
        self.tasks: set[asyncio.Task] = set()

    async def open(self) -> None:
        _, _, page = await self._get("page", "/board/list/")
        self.counted = json.loads(html.unescape(re.search(r'data-live-versions="([^"]*)"', page)[1]))
        self._take_rows(page, whole=True)
        self._start(self._listen())
        await self.live.wait()

    async def _listen(self) -> None:
        async with connect(self.url, additional_headers=self.headers, max_queue=None) as socket:
            async for text in socket:
                self._hear(json.loads(text), time.time())

    # live.js

    def _hear(self, event: dict, at: float) -> None:
        if event["event"] == "heartbeat":
            self.live.set()
            if self._has_missed(event["versions"]):
                self._start(self._compare(event["versions"]))
            return
        self.counted[event["group"]] = self.counted.get(event["group"], 0) + 1
        if "jobs" in event:
            self.heard += [(job, at) for job in event["jobs"]]
            self.gathered |= set(event["jobs"])
            if self.flushing is None:
                delay = NUMBERS["WINDOW_MS"] / 1000 * (0.5 + random.random())
                self.flushing = asyncio.get_running_loop().call_later(delay, self._flush)
        elif "technician" not in event:
            self._start(self._refresh())

    def _has_missed(self, versions: dict[str, int]) -> bool:
        return any(number > self.counted.get(group, 0) for group, number in versions.items())

    async def _compare(self, versions: dict[str, int]) -> None:
        await asyncio.sleep(NUMBERS["SETTLE_MS"] / 1000 * (1 + random.random()))
        if not self._has_missed(versions):
            return
        for group, number in versions.items():
            self.counted[group] = max(self.counted.get(group, 0), number)
        await self._refresh()

    async def _refresh(self) -> None:
        self.wants_refresh = True
        if self.is_refreshing:  # htmx waits, and then asks once
            return
        self.is_refreshing = True
        while self.wants_refresh:
            self.wants_refresh = False
            await self._get_content()
        self.is_refreshing = False

    async def _get_content(self) -> None:
        headers = {"HX_Request": "true", "HX_Target": "board-content"}
        _, _, page = await self._get("page", "/board/list/", **headers)
        self._take_rows(page, whole=True)

    def _flush(self) -> None:
        self.flushing = None
        self.waiting |= self.gathered
        self.gathered = set()
        self._start(self._ask())

    # board_list.js

    async def _ask(self) -> None:
        if self.is_asking:
            return
        self.is_asking = True
        in_a_row = 0
        while self.waiting:
            begun = time.perf_counter()
            ids = list(self.waiting)[:ROWS_PER_REQUEST]
            self.waiting -= set(ids)
            present = ",".join(str(job) for job in ids if job in self.rows)
            path = f"/board/rows/?ids={','.join(map(str, ids))}&present={present}".replace(",", "%2C")
            _, _, text = await self._get("rows", path, HX_Request="true", HX_Target="board-content")
            self._take_rows(text, whole=False)
            in_a_row += 1
            rest = (time.perf_counter() - begun) * min(NUMBERS["REST"], in_a_row) * (0.5 + random.random())
            await asyncio.sleep(min(NUMBERS["REST_MAX_MS"] / 1000, rest))
        self.is_asking = False

    # What is seen

    def _take_rows(self, text: str, *, whole: bool) -> None:
        at = time.time()
        rows = {int(job): int(version) for job, version in ROW.findall(text)}
        self.shown += [(job, version, at) for job, version in rows.items()]
        if whole:
            self.rows = rows
        else:
            self.rows |= {job: version for job, version in rows.items() if version >= self.rows.get(job, 0)}
            for job in GONE.findall(text):
                self.rows.pop(int(job), None)

    async def _get(self, kind: str, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        begun = time.perf_counter()
        answer = await self.connections[kind].get(path, **headers)
        if answer[0] != 200:
            raise RuntimeError(f"{path}: {answer[0]}")
        self.requests[kind] += 1
        if kind == "rows":
            self.took.append(time.perf_counter() - begun)
        return answer

    def _start(self, coroutine) -> None:
        task = asyncio.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            raise task.exception()

    @property
    def story(self) -> dict:
        seen = {"rows": self.rows, "shown": self.shown, "heard": self.heard}
        return {**seen, "requests": self.requests, "took": self.took}


async def main(host: str, port: str, cookies: str, result: str) -> None:
    boards = [Board(host, int(port), cookie) for cookie in json.loads(Path(cookies).read_text())]
    for start in range(0, len(boards), 10):
        await asyncio.gather(*(board.open() for board in boards[start : start + 10]))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    Path(result).write_text(json.dumps([board.story for board in boards]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
