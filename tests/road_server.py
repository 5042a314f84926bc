"""A travel-time server on loopback that speaks as OSRM and as Valhalla do, and every kind of nonsense on demand.

Its roads run north to south and east to west, at 36 km/h: a degree of latitude is 111.2 km of road.
"""

import json
import math
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import polyline

METRES_A_DEGREE = 111_195.08
METRES_A_SECOND = 10


def metres(origin, target) -> float:
    (a, b), (c, d) = origin, target
    return (abs(c - a) + abs(d - b) * math.cos(math.radians(a))) * METRES_A_DEGREE


class RoadServer:
    """`islands`: places from which no road leads away. `at_sea`: places with no road near them.

    `trouble` takes the handler and what would have been the answer, and answers otherwise.
    """

    def __init__(self):
        self.asked: list[str] = []
        self.cells: list[tuple[int, int]] = []  # of each matrix that was asked for
        self.islands: set = set()
        self.at_sea: set = set()
        self.trouble: Callable | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def way(self, origin, target) -> float | None:
        """Metres; None where there is none."""
        is_cut_off = (origin in self.islands or target in self.islands) and origin != target
        return None if is_cut_off else metres(origin, target)

    # OSRM -----------------------------------------------------------------------------------------

    def osrm(self, path: str, query: dict) -> tuple[int, dict]:
        _, service, version, profile, coordinates = path.split("/")
        assert (version, profile) == ("v1", "driving")
        places = [tuple(map(float, reversed(pair.split(",")))) for pair in coordinates.split(";")]
        for number, place in enumerate(places):
            if place in self.at_sea:
                text = f"Could not find a matching segment for coordinate {number}"
                return 400, {"code": "NoSegment", "message": text}
        return getattr(self, f"osrm_{service}")(places, query)

    def osrm_table(self, places, query) -> tuple[int, dict]:
        assert query["annotations"] == ["duration,distance"]
        sources, targets = ([places[int(n)] for n in query[name][0].split(";")] for name in ("sources", "destinations"))
        self.cells.append((len(sources), len(targets)))
        ways = [[self.way(origin, target) for target in targets] for origin in sources]
        return 200, {
            "code": "Ok",
            "durations": [[None if way is None else round(way / METRES_A_SECOND, 1) for way in row] for row in ways],
            "distances": [[None if way is None else round(way, 1) for way in row] for row in ways],
            "sources": [{"location": [b, a], "name": ""} for a, b in sources],
            "destinations": [{"location": [b, a], "name": ""} for a, b in targets],
        }

    def osrm_route(self, places, query) -> tuple[int, dict]:
        assert (query["overview"], query["geometries"]) == (["full"], ["polyline"])
        origin, target = places
        way = self.way(origin, target)
        if way is None:
            return 400, {"code": "NoRoute", "message": "Impossible route between points"}
        route = {
            "distance": round(way, 1),
            "duration": round(way / METRES_A_SECOND, 1),
            "geometry": polyline.encode(self.road(origin, target), 5),
            "legs": [],
        }
        return 200, {"code": "Ok", "routes": [route], "waypoints": []}

    @staticmethod
    def road(origin, target) -> list:
        return [origin, (target[0], origin[1]), target]

    # Valhalla -------------------------------------------------------------------------------------

    def valhalla(self, path: str, question: dict) -> tuple[int, dict]:
        assert question["costing"] == "auto"
        names = ("locations",) if path == "/route" else ("sources", "targets")
        sides = [[(place["lat"], place["lon"]) for place in question[name]] for name in names]
        if any(place in self.at_sea for side in sides for place in side):
            error = {"error_code": 171, "error": "No suitable edges near location", "status_code": 400}
            return 400, error | {"status": "Bad Request"}
        return self.valhalla_route(*sides) if path == "/route" else self.valhalla_matrix(*sides)

    def valhalla_matrix(self, sources, targets) -> tuple[int, dict]:
        self.cells.append((len(sources), len(targets)))
        rows = [[self.valhalla_cell(a, b, n, m) for m, b in enumerate(targets)] for n, a in enumerate(sources)]
        return 200, {"algorithm": "costmatrix", "units": "kilometers", "sources_to_targets": rows}

    def valhalla_cell(self, origin, target, row, column) -> dict:
        way = self.way(origin, target)
        times = {"time": None, "distance": None}
        if way is not None:
            times = {"time": round(way / METRES_A_SECOND), "distance": round(way / 1000, 3)}
        return {"from_index": row, "to_index": column, **times}

    def valhalla_route(self, places) -> tuple[int, dict]:
        origin, target = places
        way = self.way(origin, target)
        if way is None:
            return 400, {"error_code": 442, "error": "No path could be found for input", "status_code": 400}
        leg = {"shape": polyline.encode(self.road(origin, target), 6)}
        summary = {"time": way / METRES_A_SECOND, "length": way / 1000}
        trip = {"status": 0, "units": "kilometers", "summary": summary, "legs": [leg]}
        return 200, {"trip": trip}

    # HTTP -----------------------------------------------------------------------------------------

    def _handler(self):
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                url = urlsplit(self.path)
                self.answer(*service.osrm(url.path, parse_qs(url.query)))

            def do_POST(self):
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.answer(*service.valhalla(self.path, question))

            def answer(self, status: int, answer: dict):
                service.asked.append(self.path)
                if service.trouble:
                    service.trouble(self, answer)
                else:
                    self.send(answer, status=status)

            def send(self, answer, *, status: int = 200, **headers):
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": len(body), **headers}.items():
                    self.send_header(name.replace("_", "-"), str(value))
                self.end_headers()
                self.wfile.write(body)

            def drip(self):
                """A byte now and then, for as long as anybody listens."""
                self.send_response(200)
                self.send_header("Content-Length", "100000")
                self.end_headers()
                try:
                    for _ in range(800):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                        time.sleep(0.05)
                except OSError:
                    self.close_connection = True

            def log_message(self, *args):
                pass

            def handle(self):
                try:
                    super().handle()
                except OSError:  # whoever asked has gone
                    self.close_connection = True

        return Handler
