"""Running an import command in a test."""

import json
import os
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

HEADER = "id,customer,phone,street,lat,lon,work,urgency,notes,opened"
MAPPING = """
kind = "jobs"
time_zone = "America/New_York"
create_job_types = true
[fields]
external_id = "id"
customer_name = "customer"
customer_phone = "phone"
address = "street"
latitude = "lat"
longitude = "lon"
job_type = "work"
description = "notes"
created_at = "opened"
scheduled_on = "opened"
[fields.priority]
column = "urgency"
values = { "now" = "Urgent", "some*" = "Low" }
default = "Normal"
"""


def real_file(name: str) -> Path:
    """A file of real data; where it is missing the test is skipped, on CI it fails."""
    path = DATA / name
    if not path.exists():
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"{path} is missing.")
        pytest.skip(f"{path} is not here.")
    return path


def run_import(kind: str, path: Path, *arguments) -> tuple[dict, str]:
    """The summary and what was said beside it."""
    out, err = StringIO(), StringIO()
    call_command(f"import_{kind}", str(path), *map(str, arguments), stdout=out, stderr=err)
    return json.loads(out.getvalue().splitlines()[-1]), err.getvalue()


class Importer:
    """Writes its files into a folder and imports them."""

    def __init__(self, folder: Path, *, kind: str = "jobs", mapping: str = MAPPING, header: str = HEADER):
        self.folder, self.kind, self.mapping, self.header = folder, kind, mapping, header

    def __call__(self, *lines: str, arguments=()) -> tuple[dict, str]:
        return self.bytes("\n".join([self.header, *lines]).encode(), arguments=arguments)

    def bytes(self, content: bytes, arguments=()) -> tuple[dict, str]:
        path, mapping = self.folder / "rows.csv", self.folder / "mapping.toml"
        path.write_bytes(content)
        mapping.write_text(self.mapping)
        return run_import(self.kind, path, "--mapping", mapping, *arguments)


def counts(summary: dict) -> dict:
    """Without the zeros."""
    return {name: number for name, number in summary.items() if number}
