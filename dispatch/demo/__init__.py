"""A believable day of a field-service company around Pittsburgh, for trying the product out.

Imported before Django is set up, too: only words and numbers here.
"""

from typing import Final

# Known to everyone who reads this: only seed_demo gives it, and only to accounts that it creates itself.
DEMO_PASSWORD: Final = "demo-dispatch-day"  # noqa: S105
DEMO_LOGINS: Final = [
    ("dana", "Dispatcher of North Hills and Downtown"),
    ("dora", "Dispatcher of all zones"),
    ("omar", "Manager: progress, SLA and reports"),
    ("ada", "Admin: zones, skills, technicians, policies and accounts"),
    ("tess", "Technician, between two jobs: the phone page"),
    ("tom", "Technician, in the middle of a job"),
]
