"""A browser's connection to the server: HTTP/1.1, kept open. A full client takes too much of the measured machine."""

import asyncio


class Connection:
    def __init__(self, host: str, port: int, *, cookie: str):
        self.host, self.port, self.cookie = host, port, cookie
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        """Status, headers by lower-case name, text."""
        lines = [f"GET {path} HTTP/1.1", f"Host: {self.host}:{self.port}", f"Cookie: {self.cookie}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        request = "\r\n".join([*lines, "", ""]).encode()
        if self._writer is None or self._reader.at_eof():
            await self._open()
        try:
            return await self._ask(request)
        except (ConnectionError, asyncio.IncompleteReadError):  # the server closes what is idle
            await self._open()
            return await self._ask(request)

    async def close(self) -> None:
        if self._writer:
            self._writer.close()

    async def _open(self) -> None:
        await self.close()
        self._reader, self._writer = await asyncio.open_connection(self.host, self.port)

    async def _ask(self, request: bytes) -> tuple[int, dict[str, str], str]:
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await self._reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers, body.decode()
