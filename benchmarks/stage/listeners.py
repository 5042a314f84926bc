"""Many sockets of the bare fan-out: python listeners.py HOST PORT COUNT RESULT.json, ended by a line on its input."""

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from websockets.asyncio.client import connect


async def listen(socket, took: list[float]) -> None:
    async for text in socket:
        took.append(time.time() - json.loads(text)["sent_at"])


async def main(host: str, port: str, count: str, result: str) -> None:
    took: list[float] = []
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(connect(f"ws://{host}:{port}/")) for _ in range(int(count))]
        tasks = [asyncio.create_task(listen(socket, took)) for socket in sockets]
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        for task in tasks:
            task.cancel()
    Path(result).write_text(json.dumps(took))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
