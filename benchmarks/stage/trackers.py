"""Many phones with Traccar Client, and one board that listens: python trackers.py HOST PORT PLAN.json RESULT.json

The plan: secrets, seconds, how many fixes a second they send in all (0: each the next as soon as the last is answered),
whether they are of this moment or of the hour before, and the cookie of the board. Says "ready" when connected, begins
at a line on its input and then writes what was acknowledged and what the board heard.
"""

import asyncio
import json
import random
import sys
import time
from datetime import datetime
from pathlib import Path

from websockets.asyncio.client import connect

METRE = 1 / 111_195  # of latitude, in degrees
STEP_M = 14  # from fix to fix: 50 km/h and a fix a second


class Phone:
    def __init__(self, host: str, port: int, number: int, secret: str, *, begins_at: float, is_now: bool):
        self.host, self.port, self.number = host, port, number
        self.head = f"POST /gps/{secret}/ HTTP/1.1\r\nHost: {host}:{port}\r\n"
        self.head += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
        self.begins_at, self.is_now = begins_at, is_now
        self.count = 0
        self.sent: list[tuple[int, float, float, int]] = []  # recorded_at, when sent, how long it took, status

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)

    async def send(self) -> None:
        self.count += 1
        at = time.time()
        recorded_at = int(at) if self.is_now else int(self.begins_at) + self.count
        latitude = 40.3 + self.number / 5000 + self.count * STEP_M * METRE
        body = f"id=1&lat={latitude:.6f}&lon=-80.1&timestamp={recorded_at}&accuracy=8.0&altitude=230.0&speed=27.0"
        body += "&bearing=0.0&batt=81.0"
        answer = await self.ask(f"{self.head}{len(body)}\r\n\r\n{body}".encode())
        self.sent.append((recorded_at, at, time.time() - at, int(answer[9:12])))

    async def ask(self, request: bytes) -> bytes:
        """The server closes what is idle."""
        try:
            self.writer.write(request)
            return await self.reader.readuntil(b"\r\n\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            await self.open()
            self.writer.write(request)
            return await self.reader.readuntil(b"\r\n\r\n")

    async def send_until(self, end: float) -> None:
        while time.time() < end:
            await self.send()

    async def send_every(self, seconds: float, end: float) -> None:
        await asyncio.sleep(min(random.random() * seconds, end - time.time()))
        while time.time() < end:
            begun = time.time()
            await self.send()
            await asyncio.sleep(max(0, min(begun + seconds, end) - time.time()))


async def listen(url: str, cookie: str, origin: str, heard: list, live: asyncio.Event) -> None:
    headers = {"Cookie": cookie, "Origin": origin}
    async with connect(url, additional_headers=headers, max_queue=None) as socket:
        async for text in socket:
            event, at = json.loads(text), time.time()
            live.set()
            if event["event"] == "technician-moved":
                for move in event.get("moves", [event]):
                    heard.append((move["technician"], datetime.fromisoformat(move["recorded_at"]).timestamp(), at))


async def main(host: str, port: str, plan_file: str, result: str) -> None:
    plan = json.loads(Path(plan_file).read_text())
    begins_at = time.time() - 3000
    phones = [
        Phone(host, int(port), number, secret, begins_at=begins_at, is_now=plan["is_now"])
        for number, secret in enumerate(plan["secrets"])
    ]
    heard, live = [], asyncio.Event()
    board = asyncio.create_task(listen(f"ws://{host}:{port}/ws/", plan["cookie"], f"http://{host}:{port}", heard, live))
    for start in range(0, len(phones), 50):
        await asyncio.gather(*(phone.open() for phone in phones[start : start + 50]))
    await live.wait()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    begun, end = time.time(), time.time() + plan["seconds"]
    if plan["per_second"]:
        each = len(phones) / plan["per_second"]
        await asyncio.gather(*(phone.send_every(each, end) for phone in phones))
    else:
        await asyncio.gather(*(phone.send_until(end) for phone in phones))
    took = time.time() - begun
    await asyncio.sleep(3)  # what the board has still to hear
    board.cancel()
    story = {"seconds": took, "sent": [phone.sent for phone in phones], "heard": heard}
    Path(result).write_text(json.dumps(story))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
