"""A geocoding service on loopback that speaks as Nominatim does, and every kind of trouble on demand."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


def place(label: str, latitude: float, longitude: float, *, rank: int = 30) -> dict:
    """As Nominatim has them: numbers as texts. A rank below 26 is a district or a town."""
    return {"display_name": label, "lat": str(latitude), "lon": str(longitude), "place_rank": rank, "importance": 0.1}


class GeocodingServer:
    """`known`: the answers by the address in lower case. `trouble`: (status, headers, body), once for each in the list."""

    def __init__(self):
        self.known: dict[str, list[dict]] = {}
        self.trouble: list[tuple[int, dict, bytes]] = []
        self.asked: list[dict] = []
        self.times: list[float] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def addresses(self) -> list[str]:
        return [query["q"] for query in self.asked]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                query = {name: texts[0] for name, texts in parse_qs(urlsplit(self.path).query).items()}
                query["agent"] = self.headers["User-Agent"]
                service.asked.append(query)
                service.times.append(time.monotonic())
                found = service.known.get(query.get("q", "").casefold(), [])
                answer = (200, {}, json.dumps(found).encode())
                status, headers, body = service.trouble.pop(0) if service.trouble else answer
                self.send_response(status)
                for name, text in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                """Quiet."""

        return Handler
