"""What a dispatcher of one zone is told of the others: that a technician is busy, and nothing more."""

from datetime import datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch.actions import change_status, clock_in
from dispatch.models import Status
from technicians.models import TimeOff
from tests.factories import CustomerFactory, SiteFactory, make_job

NAME, ADDRESS, WORK = "Zebulon", "Quarry", "Xylophone"


@pytest.fixture
def day():
    return timezone.localdate() + timedelta(days=1)


@pytest.fixture
def foreign(omar, tess, north, south, day):
    """A job in South of a technician who covers both; it makes `own` late."""
    tess.zones.add(south)
    site = SiteFactory(customer=CustomerFactory(name=NAME), address=ADDRESS, latitude=39.9, longitude=-75.1)
    planned = timezone.make_aware(datetime.combine(day, time(10)))
    return make_job(
        Status.ASSIGNED,
        by=omar,
        site=site,
        technician=tess,
        description=WORK,
        scheduled_on=day,
        planned_starts_at=planned,
    )


@pytest.fixture
def own(omar, tess, north, day, foreign):
    planned = timezone.make_aware(datetime.combine(day, time(10, 15)))
    return make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, scheduled_on=day, planned_starts_at=planned)


def addresses(own, foreign, absence, day):
    on_day = {"day": day.isoformat()}
    drop = {"technician": own.technician_id, "day": day.isoformat(), "at": "09:30"}
    yield from ((page, [], on_day) for page in ("board", "board_list", "calendar_week", "calendar_month", "map"))
    yield from ((page, [], on_day) for page in ("map_data", "export_jobs", "morning_review", "close_out", "day_sheets"))
    yield from ((page, [], {"day": "all", "q": WORK}) for page in ("board_list", "export_jobs", "palette"))
    yield from (("board", [], on_day | {"tray": tab}) for tab in ("alerts", "hold", "cancelled"))
    yield from ((page, [], {}) for page in ("dashboard", "board_actions", "technicians"))
    yield "board_lanes", [], on_day | {"jobs": foreign.pk, "lanes": own.technician_id, "axis": "7-18"}
    yield "board_rows", [], on_day | {"ids": foreign.pk, "present": foreign.pk}
    yield "calendar_rows", [], on_day | {"ids": foreign.pk, "present": own.technician_id}
    yield "bulk_jobs", [], {"do": "assign", "jobs": f"{own.pk},{foreign.pk}"}
    yield "palette", [], {"recent": f"job.{foreign.pk}"}
    yield "redistribute", [absence.pk], {}
    yield "day_sheet", [own.technician_id], on_day
    yield "map_technician", [own.technician_id], {}
    yield from (
        (page, [own.pk], {}) for page in ("job", "job_drawer", "job_card", "job_menu", "assign_job", "place_job")
    )
    yield "placement_preview", [own.pk], drop


def test_dispatcher_of_north_reads_nothing_of_a_job_in_south(client, dana, own, foreign, tess, day):
    starts_at = timezone.make_aware(datetime.combine(day, time.min))
    absence = TimeOff.objects.create(
        technician=tess, kind="sick", starts_at=starts_at, ends_at=starts_at + timedelta(1)
    )
    client.force_login(dana)
    told = []
    for page, keys, sent in addresses(own, foreign, absence, day):
        headers = {"HX-Request": "true"} if page == "palette" else {}
        answer = client.get(reverse(page, args=keys), sent, headers=headers)
        text = answer.getvalue().decode()
        # A search is shown again, and so is whom the page itself was asked for.
        secrets = [NAME, ADDRESS, foreign.number] + ([WORK] if sent.get("q") != WORK else [f"{WORK} is"])
        told += [(page, sent, secret) for secret in secrets if secret in text]
        assert answer.status_code == 200, page
    assert told == []


@pytest.mark.parametrize(
    "page", ["job", "job_drawer", "job_card", "job_menu", "assign_job", "place_job", "placement_preview", "pin_job"]
)
def test_job_in_south_is_not_there_for_a_dispatcher_of_north(client, dana, foreign, page):
    client.force_login(dana)
    assert client.get(reverse(page, args=[foreign.pk])).status_code == 404


@pytest.mark.parametrize(
    "page",
    ["place_job", "reorder_job", "pin_job", "set_priority", "follow_up_job", "duplicate_job", "cancel_job", "edit_job"],
)
def test_dispatcher_of_north_changes_no_job_in_south(client, dana, foreign, page):
    client.force_login(dana)
    assert client.post(reverse(page, args=[foreign.pk]), {"to": "top", "priority": 4}).status_code == 404
    assert type(foreign).objects.get(pk=foreign.pk).version == foreign.version


@pytest.mark.parametrize(("page", "more"), [("bulk_jobs", {"do": "reschedule"}), ("move_jobs", {"anyway": "on"})])
def test_dispatcher_of_north_moves_no_job_of_south_among_others(client, dana, own, foreign, day, page, more):
    client.force_login(dana)
    later = (day + timedelta(days=7)).isoformat()
    client.post(reverse(page), {"jobs": f"{own.pk},{foreign.pk}", "day": later, "anyway": "on"} | more)
    own.refresh_from_db()
    foreign.refresh_from_db()
    assert (own.scheduled_on.isoformat(), foreign.scheduled_on) == (later, day)


def test_refusals_name_no_job_in_south(client, dana, omar, own, foreign, tess):
    clock_in(tess)
    change_status(foreign, Status.EN_ROUTE, by=omar)
    client.force_login(dana)
    at = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    clock = client.post(reverse("clock_out_for", args=[tess.pk]), {"at": at, "reason": "Gone"})
    start = client.post(reverse("change_status", args=[own.pk]), {"to": Status.EN_ROUTE, "seen": own.seen})
    for answer in (clock, start):
        assert answer.status_code == 409
        assert "a job in another zone" in answer.content.decode()
        assert foreign.number not in answer.content.decode()
