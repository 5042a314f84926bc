"""The technicians as rows of a CSV file, named as an import finds them; without where they live."""

from collections.abc import Iterator

from django.db.models import Prefetch

from dispatch.crew import CrewFilter, narrowed
from dispatch.csv_files import text_cell
from technicians.models import Technician, TechnicianSkill

COLUMNS = ["staff_no", "username", "name", "phone", "email", "zones", "skills", "jobs_a_day"]
ROWS_AT_ONCE = 500


def rows_of_export(request) -> Iterator[list]:
    chosen = CrewFilter(request.GET, user=request.user)
    chosen.full_clean()
    skills = TechnicianSkill.objects.select_related("skill").order_by("-level", "skill__name")
    found = narrowed(Technician.objects.visible_to(request.user).active(), chosen.cleaned_data).by_name()
    rows = found.prefetch_related("zones", Prefetch("skills", skills))
    return (_row(technician) for technician in rows.iterator(chunk_size=ROWS_AT_ONCE))


def _row(technician: Technician) -> list:
    held = (f"{one.skill}: {one.get_level_display()}" for one in technician.skills.all())
    texts = [
        technician.external_id,
        technician.user.username,
        str(technician),
        technician.phone,
        technician.user.email,
        ";".join(str(zone) for zone in technician.zones.all()),
        ";".join(held),
    ]
    return [*map(text_cell, texts), technician.daily_maximum]
