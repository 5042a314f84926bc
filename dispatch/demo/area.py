"""Pittsburgh as six service zones that meet along its rivers and ridges, and where in them people live and work."""

from dataclasses import dataclass
from typing import Final

# Corners (longitude, latitude), each written once so that neighbouring zones share their border exactly.
_POINT = (-80.0128, 40.4417)  # where Allegheny and Monongahela become the Ohio
_STRIP, _LAWRENCEVILLE = (-79.9850, 40.4565), (-79.9600, 40.4725)
_ASPINWALL, _OAKMONT = (-79.9150, 40.4890), (-79.8400, 40.5130)
_BRUNOT, _NEVILLE, _SEWICKLEY = (-80.0450, 40.4580), (-80.1150, 40.5070), (-80.2000, 40.5450)
_SOUTH_SIDE, _HOT_METAL = (-79.9800, 40.4310), (-79.9500, 40.4280)
_HOMESTEAD, _RANKIN = (-79.9250, 40.4080), (-79.8800, 40.4080)
_OAKLAND, _CHURCHILL, _FOREST_HILLS = (-79.9480, 40.4500), (-79.7900, 40.4350), (-79.8300, 40.4150)
_HAYS, _PLEASANT_HILLS, _CLAIRTON = (-79.9450, 40.3650), (-79.9350, 40.3000), (-79.8600, 40.2350)
_BANKSVILLE, _CARNEGIE, _BRIDGEVILLE = (-80.0400, 40.4120), (-80.0850, 40.3600), (-80.1300, 40.3000)


@dataclass(frozen=True)
class Zone:
    name: str
    colour: str
    corners: tuple[tuple[float, float], ...]

    def as_geojson(self) -> dict:
        ring = [list(corner) for corner in (*self.corners, self.corners[0])]
        return {"type": "Polygon", "coordinates": [ring]}


NORTH, DOWNTOWN, EAST = "North Hills", "Downtown", "East End"
SOUTH, WEST, MON = "South Hills", "West End", "Mon Valley"

ZONES: Final = (
    Zone(DOWNTOWN, "#8e24aa", (_POINT, _SOUTH_SIDE, _HOT_METAL, _OAKLAND, _LAWRENCEVILLE, _STRIP)),
    Zone(
        NORTH,
        "#1565c0",
        (
            *(_POINT, _STRIP, _LAWRENCEVILLE, _ASPINWALL, _OAKMONT),
            *((-79.8200, 40.6000), (-79.9600, 40.6400), (-80.1400, 40.6250)),
            *(_SEWICKLEY, _NEVILLE, _BRUNOT),
        ),
    ),
    Zone(
        EAST,
        "#ef6c00",
        (
            *(_LAWRENCEVILLE, _OAKLAND, _HOT_METAL, _HOMESTEAD, _RANKIN, _FOREST_HILLS, _CHURCHILL),
            *((-79.8000, 40.4800), _OAKMONT, _ASPINWALL),
        ),
    ),
    Zone(
        SOUTH,
        "#2e7d32",
        (
            *(_POINT, _BANKSVILLE, _CARNEGIE, _BRIDGEVILLE, (-79.9900, 40.2650)),
            *(_PLEASANT_HILLS, _HAYS, _HOMESTEAD, _HOT_METAL, _SOUTH_SIDE),
        ),
    ),
    Zone(
        WEST,
        "#c62828",
        (
            *(_POINT, _BRUNOT, _NEVILLE, _SEWICKLEY, (-80.2550, 40.5000), (-80.2600, 40.4200), (-80.2100, 40.3300)),
            *(_BRIDGEVILLE, _CARNEGIE, _BANKSVILLE),
        ),
    ),
    Zone(
        MON,
        "#00838f",
        (
            *(_HOMESTEAD, _HAYS, _PLEASANT_HILLS, _CLAIRTON, (-79.7700, 40.2800), (-79.7400, 40.3800)),
            *(_CHURCHILL, _FOREST_HILLS, _RANKIN),
        ),
    ),
)


@dataclass(frozen=True)
class Place:
    """A neighbourhood: its middle, and streets one may find there. `city` is what stands in the address."""

    zone: str
    city: str
    latitude: float
    longitude: float
    streets: tuple[str, ...]


def _pittsburgh(zip_code: int) -> str:
    return f"Pittsburgh, PA {zip_code}"


PLACES: Final = (
    Place(DOWNTOWN, _pittsburgh(15222), 40.4430, -79.9960, ("Penn Ave", "Liberty Ave", "Smithfield St", "Wood St")),
    Place(DOWNTOWN, _pittsburgh(15219), 40.4410, -79.9780, ("Centre Ave", "Wylie Ave", "Bedford Ave", "Fifth Ave")),
    Place(DOWNTOWN, _pittsburgh(15213), 40.4405, -79.9590, ("Forbes Ave", "Atwood St", "Bates St", "Craft Ave")),
    Place(DOWNTOWN, _pittsburgh(15224), 40.4600, -79.9640, ("Main St", "Liberty Ave", "Friendship Ave")),
    Place(NORTH, _pittsburgh(15212), 40.4640, -80.0150, ("Brighton Rd", "Federal St", "East St", "Perrysville Ave")),
    Place(NORTH, _pittsburgh(15237), 40.5480, -80.0370, ("McKnight Rd", "Babcock Blvd", "Siebert Rd", "Nelson Run Rd")),
    Place(NORTH, _pittsburgh(15215), 40.5020, -79.9180, ("Freeport Rd", "Main St", "Field Club Rd", "Kittanning Pike")),
    Place(NORTH, "Wexford, PA 15090", 40.6080, -80.0560, ("Perry Hwy", "Wallace Rd", "Swinderman Rd", "Brooker Dr")),
    Place(NORTH, _pittsburgh(15202), 40.5020, -80.0700, ("Lincoln Ave", "California Ave", "Forest Ave")),
    Place(EAST, _pittsburgh(15217), 40.4330, -79.9230, ("Murray Ave", "Shady Ave", "Beacon St", "Wightman St")),
    Place(EAST, _pittsburgh(15206), 40.4690, -79.9180, ("Highland Ave", "Negley Ave", "Stanton Ave", "Bryant St")),
    Place(EAST, _pittsburgh(15221), 40.4410, -79.8800, ("Wood St", "South Ave", "Swissvale Ave", "Ross Ave")),
    Place(EAST, _pittsburgh(15235), 40.4580, -79.8270, ("Frankstown Rd", "Rodi Rd", "Saltsburg Rd", "Graham Blvd")),
    Place(
        SOUTH, _pittsburgh(15216), 40.4010, -80.0300, ("Potomac Ave", "Broadway Ave", "Beechview Ave", "Voelkel Ave")
    ),
    Place(SOUTH, _pittsburgh(15228), 40.3760, -80.0480, ("Washington Rd", "Beverly Rd", "Cochran Rd", "Cedar Blvd")),
    Place(SOUTH, "Bethel Park, PA 15102", 40.3260, -80.0330, ("Library Rd", "South Park Rd", "Oakhurst Rd")),
    Place(SOUTH, _pittsburgh(15210), 40.4080, -79.9850, ("Brownsville Rd", "Arlington Ave", "Warrington Ave")),
    Place(WEST, _pittsburgh(15220), 40.4190, -80.0600, ("Greentree Rd", "Noblestown Rd", "Poplar St", "Mansfield Ave")),
    Place(
        WEST, _pittsburgh(15205), 40.4390, -80.0980, ("Steubenville Pike", "Crafton Blvd", "Ingram Ave", "Oakwood Rd")
    ),
    Place(WEST, "Coraopolis, PA 15108", 40.5080, -80.1650, ("State Ave", "Fifth Ave", "Montour St", "Thorn Run Rd")),
    Place(WEST, "Carnegie, PA 15106", 40.4010, -80.0950, ("Main St", "Chestnut St", "Washington Ave", "Rosslyn Ave")),
    Place(MON, "Homestead, PA 15120", 40.4010, -79.9050, ("East Eighth Ave", "Amity St", "Ann St", "Whitaker St")),
    Place(MON, "McKeesport, PA 15132", 40.3440, -79.8500, ("Fifth Ave", "Walnut St", "Evans St", "Jenny Lind St")),
    Place(MON, "West Mifflin, PA 15122", 40.3620, -79.8920, ("Lebanon Church Rd", "Bettis Rd", "Buttermilk Hollow Rd")),
    Place(MON, "White Oak, PA 15131", 40.3400, -79.8080, ("Lincoln Way", "Jacks Run Rd", "McClure St")),
)

UNMAPPED_ADDRESSES: Final = (
    "Lot 14, Deer Creek Crossing (new street, not on the map yet), Gibsonia, PA 15044",
    "Trailer behind the old mill yard, gate 3, Duquesne, PA 15110",
)
# What a look-up makes of them: nothing at all, or several places (label, latitude, longitude).
LOOKED_UP: Final = {
    UNMAPPED_ADDRESSES[0]: (),
    UNMAPPED_ADDRESSES[1]: (
        ("Mill yard, gate 3, South Linden Street, Duquesne, Pennsylvania 15110", 40.3768, -79.8482),
        ("Old mill yard, Grant Avenue, Duquesne, Pennsylvania 15110", 40.3722, -79.8556),
        ("Gate 3, Mon Valley Works, West Mifflin, Pennsylvania 15122", 40.3947, -79.8561),
    ),
}
