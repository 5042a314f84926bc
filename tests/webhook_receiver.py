"""Another company's system on loopback, that is told of events: it verifies signatures as the help page says."""

import hashlib
import hmac
import json
import socket
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_SECONDS = 300


@dataclass(frozen=True)
class Call:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict:
        return json.loads(self.body)

    @property
    def event_id(self) -> str:
        return self.headers["truckroll-event-id"]


def is_signed(call: Call, *, secret: str, at: float) -> bool:
    """As a receiver would write it, without a line of ours."""
    fields = [part.split("=", 1) for part in call.headers["truckroll-signature"].split(",")]
    [sent_at] = [value for name, value in fields if name == "t"]
    if abs(at - int(sent_at)) > TOLERANCE_SECONDS:
        return False
    expected = hmac.new(secret.encode(), sent_at.encode() + b"." + call.body, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(expected, value) for name, value in fields if name == "v1")


class WebhookReceiver:
    """Keeps what it gets; `status` is what it answers, `headers` and `answer` go with it. It can be down.

    To events of a kind in `refuses` it answers 400.
    """

    def __init__(self):
        self.calls: list[Call] = []
        self.status, self.answer, self.headers = 200, b"ok", {}
        self.refuses: set[str] = set()
        self.drips = self.is_rude = False
        self._server = None
        self.port = 0
        self.up()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/hooks?of=truckroll"

    @property
    def taken(self) -> list[Call]:
        return [call for call in self.calls if call.headers["answered"].startswith("2")]

    def up(self) -> None:
        """At the same address as before."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def down(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = 400 if self.headers["Truckroll-Event"] in receiver.refuses else receiver.status
                headers = {k.lower(): v for k, v in self.headers.items()} | {"answered": str(status)}
                receiver.calls.append(Call(self.path, headers, body))
                if receiver.drips:
                    self._drip()
                elif receiver.is_rude:
                    self.wfile.write(b"SSH\0-2.0\r\n")
                else:
                    self._answer(status)

            def _answer(self, status):
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(receiver.answer)))
                self.end_headers()
                self.wfile.write(receiver.answer)

            def _drip(self):
                """A byte now and then, so that no single read of the other side takes long."""
                try:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
                    while receiver.drips:
                        self.wfile.write(b"x")
                        time.sleep(0.05)
                except OSError:
                    pass

            def log_message(self, *args):
                pass

        return Handler


def unused_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
