"""What the demo company does, who works there and how its customers sound."""

from dataclasses import dataclass
from typing import Final

from dispatch.demo.area import DOWNTOWN, EAST, MON, NORTH, SOUTH, WEST
from sla.models import Priority
from technicians.models import Proficiency

BEGINNER, INTERMEDIATE, ADVANCED, EXPERT = Proficiency
LOW, NORMAL, HIGH, URGENT = Priority

SKILLS: Final = ("HVAC", "Plumbing", "Electrical", "Gas", "Refrigeration", "Boiler", "Telecom", "Lift")


@dataclass(frozen=True)
class Work:
    """A job type and the calls by which it comes in, each with its priority."""

    name: str
    minutes: int
    skills: dict[str, int]
    calls: tuple[tuple[str, int], ...]
    fixed_price: int | None = None
    is_for_business: bool = False


WORK: Final = (
    Work(
        "No heat",
        60,
        {"HVAC": INTERMEDIATE},
        (
            ("No heat, infant in home", URGENT),
            ("No heat upstairs, downstairs fine", NORMAL),
            ("Furnace starts, stops after a minute", HIGH),
            ("Burning smell when the furnace comes on, switched off now", HIGH),
        ),
    ),
    Work(
        "Furnace tune-up",
        45,
        {"HVAC": BEGINNER},
        (
            ("Yearly tune-up, filter 16x25x4 is on site", LOW),
            ("Tune-up before the house is sold", NORMAL),
            ("Yearly tune-up, two furnaces", NORMAL),
        ),
        fixed_price=129,
    ),
    Work(
        "Heat pump repair",
        70,
        {"HVAC": ADVANCED},
        (
            ("Outdoor unit iced over", NORMAL),
            ("Heat pump trips its breaker", HIGH),
            ("Rattles at night, neighbours complain", LOW),
        ),
    ),
    Work(
        "Boiler repair",
        75,
        {"Boiler": ADVANCED},
        (
            ("Boiler loses pressure every two days", NORMAL),
            ("Boiler locked out, error 28", HIGH),
            ("No hot water in the whole building, 14 flats", URGENT),
        ),
    ),
    Work(
        "Boiler inspection",
        40,
        {"Boiler": INTERMEDIATE},
        (
            ("Insurance inspection, certificate needed", NORMAL),
            ("Yearly inspection, caretaker has the key", LOW),
        ),
        fixed_price=149,
    ),
    Work(
        "Gas leak check",
        30,
        {"Gas": ADVANCED},
        (
            ("Smells gas near the meter, windows open", URGENT),
            ("Gas smell in the cellar, utility has shut it off", HIGH),
            ("Pressure test after the kitchen was rebuilt", NORMAL),
        ),
    ),
    Work(
        "Leak repair",
        45,
        {"Plumbing": INTERMEDIATE},
        (
            ("Kitchen ceiling drips, water is shut off", HIGH),
            ("Slow leak under the sink", NORMAL),
            ("Pipe burst in the laundry room", URGENT),
            ("Toilet keeps running", LOW),
        ),
    ),
    Work(
        "Drain cleaning",
        40,
        {"Plumbing": BEGINNER},
        (
            ("Main drain backs up into the basement", HIGH),
            ("Shower drains slowly", LOW),
            ("Kitchen drain blocked, tried a plunger", NORMAL),
        ),
        fixed_price=189,
    ),
    Work(
        "Water heater replacement",
        120,
        {"Plumbing": ADVANCED, "Gas": INTERMEDIATE},
        (
            ("50 gallon gas heater rusted through, unit is on the van", NORMAL),
            ("No hot water since yesterday, heater is 17 years old", HIGH),
        ),
        fixed_price=1480,
    ),
    Work(
        "Electrical fault",
        50,
        {"Electrical": INTERMEDIATE},
        (
            ("Half the house has no power", HIGH),
            ("Lights flicker on the second floor", NORMAL),
            ("Outlet sparks, breaker is off", URGENT),
            ("Outdoor light does not come on", LOW),
        ),
    ),
    Work(
        "Panel upgrade",
        120,
        {"Electrical": EXPERT},
        (
            ("Replace fuse box by 200 A panel, permit is posted", NORMAL),
            ("Sub-panel for the car charger", LOW),
        ),
    ),
    Work(
        "Walk-in cooler repair",
        70,
        {"Refrigeration": ADVANCED},
        (
            ("Cooler at 52 F, stock has to be moved by noon", URGENT),
            ("Freezer ices up around the door", NORMAL),
            ("Compressor short-cycles since the weekend", HIGH),
        ),
        is_for_business=True,
    ),
    Work(
        "Internet outage",
        40,
        {"Telecom": INTERMEDIATE},
        (
            ("Card terminals are down, cash only", HIGH),
            ("Slow in the afternoon, wants the line measured", LOW),
            ("No signal since the roof was done", NORMAL),
        ),
    ),
    Work(
        "Lift inspection",
        60,
        {"Lift": ADVANCED},
        (
            ("Quarterly inspection, two cars", NORMAL),
            ("Door closes too hard, third floor", HIGH),
            ("Person stuck between floors 2 and 3, calm", URGENT),
        ),
        fixed_price=240,
        is_for_business=True,
    ),
)


@dataclass(frozen=True)
class Crew:
    first_name: str
    last_name: str
    zones: tuple[str, ...]
    skills: dict[str, int]


CREW: Final = (
    Crew("Tess", "Moreau", (NORTH, DOWNTOWN), {"HVAC": EXPERT, "Boiler": ADVANCED, "Gas": ADVANCED}),
    Crew("Tom", "Kowalski", (SOUTH, MON), {"Plumbing": EXPERT, "Gas": INTERMEDIATE, "Boiler": INTERMEDIATE}),
    Crew("Maria", "Alvarez", (DOWNTOWN, EAST), {"Electrical": EXPERT, "Telecom": ADVANCED}),
    Crew("Jamal", "Whitfield", (NORTH, WEST), {"Plumbing": ADVANCED, "HVAC": INTERMEDIATE, "Gas": ADVANCED}),
    Crew("Priya", "Nair", (EAST, DOWNTOWN), {"Refrigeration": EXPERT, "HVAC": ADVANCED, "Electrical": INTERMEDIATE}),
    Crew("Hannah", "Cole", (SOUTH, MON), {"HVAC": ADVANCED, "Refrigeration": ADVANCED}),
    Crew("Luke", "Novak", (WEST, SOUTH), {"HVAC": ADVANCED, "Gas": ADVANCED, "Boiler": ADVANCED}),
    Crew("Sofia", "Rossi", (EAST, NORTH), {"Plumbing": ADVANCED, "Gas": ADVANCED}),
    Crew("Grace", "O'Connor", (DOWNTOWN, NORTH, EAST), {"Lift": EXPERT, "Electrical": ADVANCED}),
    Crew("Ben", "Fischer", (MON, EAST), {"Plumbing": INTERMEDIATE, "Boiler": ADVANCED, "Gas": INTERMEDIATE}),
    Crew("Andre", "Baptiste", (SOUTH, WEST), {"Electrical": ADVANCED, "Telecom": INTERMEDIATE}),
    Crew("Wei", "Zhang", (NORTH, DOWNTOWN), {"Telecom": EXPERT, "Electrical": INTERMEDIATE, "Refrigeration": BEGINNER}),
)
SICK, ON_VACATION = "Hannah", "Sofia"
RUNNING_BEHIND, SILENT_GPS = "Ben", "Andre"

FIRST_NAMES: Final = (
    *("Alice", "Robert", "Carmen", "David", "Elena", "Frank", "Gloria", "Henry", "Irene", "Joseph", "Karen", "Leo"),
    *("Monica", "Nathan", "Olivia", "Peter", "Quinn", "Ruth", "Samuel", "Teresa", "Victor", "Wanda", "Yusuf", "Zoe"),
)
LAST_NAMES: Final = (
    *("Adams", "Bianchi", "Carter", "Dvorak", "Evans", "Ferraro", "Gallagher", "Hughes", "Ivanov", "Jackson"),
    *("Kaminski", "Lewis", "Murphy", "Nguyen", "Ortiz", "Petrov", "Quigley", "Russo", "Schmidt", "Thomas"),
    *("Usher", "Vargas", "Weiss", "Young"),
)
BUSINESS_NAMES: Final = (
    *("Steel City", "Three Rivers", "Allegheny", "Golden Triangle", "Keystone", "Iron Bridge", "Fort Pitt", "Duquesne"),
    *("Confluence", "Hilltop", "Riverfront", "Market Square"),
)
BUSINESS_KINDS: Final = (
    *("Bakery", "Dental", "Apartments", "Brewing", "Day Care", "Hotel", "Market", "Offices", "Grill", "Care Home"),
    *("Print Shop", "Gym"),
)
ACCESS_NOTES: Final = (
    *("Gate code 4471", "Dog in the yard, ring first", "Park in the alley", "Key at the front desk"),
    *("Side entrance, bell does not work", "Loading dock only before 15:00", "Third floor, no lift"),
)
NOTES: Final = (
    *("Customer prefers a call 20 minutes before.", "Part is in the van, bin 12.", "Landlord must agree above $500."),
)
