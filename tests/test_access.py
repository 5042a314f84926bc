"""Every URL x every role. A URL that the table does not know fails, so that nothing is left out."""

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from dispatch.actions import add_device, add_webhook, make_calendar_feed, send_test_event, upload_import
from dispatch.actions.customer_links import send_link
from dispatch.customer_link.door import token_of
from dispatch.models import AutoAssignRun, BoardAction, Geocoding, Plan, Status
from sla.models import ClockRecalculation, SLAPolicy, Violation
from tests.factories import SiteFactory, keep_photo, make_job, make_plan

pytestmark = pytest.mark.once  # who may open what is not the database's to say

ANYONE = {"anonymous", "nick", "tess", "dana", "omar", "ada"}
ACCOUNTS = ANYONE - {"anonymous"}
BOARD = {"dana", "omar", "ada"}
TECHNICIAN = {"tess"}
MONEY = {"omar", "ada"}
STAFF = BOARD  # they see the configuration in the admin, each as far as their permissions go


@dataclass(frozen=True)
class Access:
    allowed: set[str]
    method: str = "get"
    pk: str = ""  # which of the fixture's objects, or several
    query: str = ""


TABLE = {
    "home": [Access(ACCOUNTS - {"nick"})],
    "login": [Access(ANYONE)],
    "logout": [Access(ACCOUNTS, "post")],
    "password_change": [Access(ACCOUNTS), Access(ACCOUNTS, "post")],
    "set_theme": [Access(ACCOUNTS, "post")],
    "set_density": [Access(ACCOUNTS, "post")],
    "set_columns": [Access(BOARD, "post")],
    "palette": [Access(BOARD)],
    "keyboard_help": [Access(BOARD)],
    "saved_views": [Access(BOARD)],
    "save_view": [Access(BOARD), Access(BOARD, "post")],
    "rename_view": [Access({"dana"}, pk="saved_view"), Access({"dana"}, "post", pk="saved_view")],
    "delete_view": [Access({"dana"}, "post", pk="saved_view")],
    "healthz": [Access(ANYONE)],
    "readyz": [Access(ANYONE)],
    "dashboard": [Access(BOARD)],
    "morning_review": [Access(BOARD)],
    "send_day": [Access(BOARD, "post")],
    "close_out": [Access(BOARD)],
    "move_jobs": [Access(BOARD, "post")],
    "mark_sick": [Access(BOARD, pk="technician"), Access(BOARD, "post", pk="technician")],
    "clock_out_for": [Access(BOARD, pk="technician"), Access(BOARD, "post", pk="technician")],
    "end_sickness": [Access(BOARD, "post", pk="absence")],
    "redistribute": [Access(BOARD, pk="absence"), Access(BOARD, "post", pk="absence")],
    "board": [Access(BOARD)],
    "board_list": [Access(BOARD)],
    "board_rows": [Access(BOARD)],
    "calendar_week": [Access(BOARD)],
    "calendar_rows": [Access(BOARD)],
    "calendar_month": [Access(BOARD)],
    "export_jobs": [Access(BOARD)],
    "new_job": [Access(BOARD), Access(BOARD, "post")],
    "job_type_defaults": [Access(BOARD, query="?job_type={job_type}")],
    "job": [Access(BOARD, pk="job")],
    "job_drawer": [Access(BOARD, pk="job")],
    "edit_job": [Access(BOARD, pk="job"), Access(BOARD, "post", pk="job")],
    "add_note": [Access(BOARD, "post", pk="job")],
    "assign_job": [Access(BOARD, pk="job"), Access(BOARD, "post", pk="job")],
    "best_matches": [Access(BOARD, pk="job")],
    "call_to_job": [Access(BOARD, "post", pk="job")],
    "insert_job": [Access(BOARD, pk="job"), Access(BOARD, "post", pk="job")],
    "new_job_candidates": [Access(BOARD, "post")],
    "change_status": [Access(BOARD, pk="job"), Access(BOARD, "post", pk="job")],
    "board_lanes": [Access(BOARD, query="?axis=7-18")],
    "map": [Access(BOARD)],
    "map_data": [Access(BOARD)],
    "map_technician": [Access(BOARD, pk="technician")],
    "job_card": [Access(BOARD, pk="job")],
    "place_job": [Access(BOARD, pk="job"), Access(BOARD, "post", pk="job")],
    "reorder_job": [Access(BOARD, "post", pk="job")],
    "placement_preview": [Access(BOARD, pk="job")],
    "board_actions": [Access(BOARD)],
    "undo_action": [Access(BOARD, "post", pk="board_action")],
    "undo_last": [Access(BOARD, "post")],
    "redo_last": [Access(BOARD, "post")],
    "notifications": [Access(ACCOUNTS)],
    "bell": [Access(ACCOUNTS)],
    "open_notice": [Access({"tess"}, pk="notice")],
    "read_notice": [Access({"tess"}, "post", pk="notice")],
    "read_notices": [Access(ACCOUNTS, "post")],
    "notification_preferences": [Access(ACCOUNTS), Access(ACCOUNTS, "post")],
    "add_push_device": [Access(ACCOUNTS, "post")],
    "remove_this_device": [Access(ACCOUNTS, "post")],
    "remove_push_device": [Access(ACCOUNTS, "post", pk="push_device")],
    "service_worker": [Access(ANYONE)],
    "hold_job": [Access(BOARD, pk="job"), Access(BOARD, "post", pk="job")],
    "answer_hint": [Access(BOARD, "post", pk="job")],
    "job_menu": [Access(BOARD, pk="job")],
    "pin_job": [Access(BOARD, pk="job"), Access(BOARD, "post", pk="job")],
    "set_priority": [Access(BOARD, pk="job"), Access(BOARD, "post", pk="job")],
    "follow_up_job": [Access(BOARD, pk="job"), Access(BOARD, "post", pk="job")],
    "duplicate_job": [Access(BOARD, pk="job"), Access(BOARD, "post", pk="job")],
    "cancel_job": [Access(BOARD, pk="job"), Access(BOARD, "post", pk="job")],
    "interrupt_job": [Access(BOARD, pk="job"), Access(BOARD, "post", pk="job")],
    "reopen_job": [Access(BOARD, pk="job"), Access(BOARD, "post", pk="job")],
    "auto_assign": [Access(BOARD), Access(BOARD, "post")],
    "auto_assign_run": [Access({"dana"}, pk="auto_assign_run")],
    "apply_auto_assign": [Access({"dana"}, "post", pk="auto_assign_run")],
    "discard_auto_assign": [Access({"dana"}, "post", pk="auto_assign_run")],
    "confirm_suggestion": [Access(BOARD, "post", pk="suggestion")],
    "dismiss_suggestion": [Access(BOARD, pk="suggestion"), Access(BOARD, "post", pk="suggestion")],
    "assignment_settings": [Access(STAFF), Access({"ada"}, "post")],
    "score_example": [Access(STAFF)],
    "plan_day": [Access(BOARD), Access(BOARD, "post")],
    "plan_scope": [Access(BOARD)],
    "plan_absence": [Access(BOARD, "post", pk="absence")],
    "plans": [Access(BOARD)],
    "plan": [Access(BOARD, pk="plan")],
    "plan_map": [Access(BOARD, pk="route_plan")],
    "optimize_route": [Access(BOARD, pk="technician"), Access(BOARD, "post", pk="technician")],
    "reorder_route": [Access(BOARD, "post", pk="route_plan technician")],
    "apply_route": [Access(BOARD, "post", pk="route_plan")],
    "discard_route": [Access(BOARD, "post", pk="route_plan")],
    "plan_changes": [Access(BOARD, pk="plan")],
    **{name: [Access(BOARD, "post", pk="plan")] for name in ("apply_plan", "cancel_plan", "discard_plan")},
    "recompute_plan": [Access(BOARD, "post", pk="plan")],
    "planning_settings": [Access(STAFF), Access({"ada"}, "post")],
    "webhooks": [Access({"ada"}), Access({"ada"}, "post")],
    "webhook": [Access({"ada"}, pk="webhook"), Access({"ada"}, "post", pk="webhook")],
    "webhook_deliveries": [Access({"ada"}, pk="webhook")],
    "webhook_secret": [Access({"ada"}, pk="webhook"), Access({"ada"}, "post", pk="webhook")],
    "switch_webhook": [Access({"ada"}, "post", pk="webhook")],
    "test_webhook": [Access({"ada"}, "post", pk="webhook")],
    "redeliver_failed": [Access({"ada"}, "post", pk="webhook")],
    "delete_webhook": [Access({"ada"}, pk="webhook"), Access({"ada"}, "post", pk="webhook")],
    "webhook_delivery": [Access({"ada"}, pk="webhook_delivery")],
    "redeliver_webhook": [Access({"ada"}, "post", pk="webhook_delivery")],
    "planning_presets": [Access(STAFF)],
    "maintenance_plans": [Access(BOARD), Access(BOARD, query="?state=all")],
    "export_maintenance": [Access(BOARD)],
    "new_maintenance_plan": [Access(BOARD), Access(BOARD, "post")],
    "maintenance_preview": [Access(BOARD)],
    "maintenance_sites": [Access(BOARD)],
    "maintenance_plan": [Access(BOARD, pk="maintenance_plan")],
    "edit_maintenance_plan": [Access(BOARD, pk="maintenance_plan"), Access(BOARD, "post", pk="maintenance_plan")],
    "pause_maintenance": [Access(BOARD, pk="maintenance_plan"), Access(BOARD, "post", pk="maintenance_plan")],
    "skip_visit": [Access(BOARD, pk="maintenance_plan"), Access(BOARD, "post", pk="maintenance_plan")],
    "unskip_visit": [Access(BOARD, "post", pk="maintenance_plan")],
    "bulk_jobs": [Access(BOARD, query="?do=hold&jobs={job}"), Access(BOARD, "post")],
    "visit": [Access(ANYONE, pk="visit")],
    "visit_message": [Access(ANYONE, "post", pk="visit")],
    "visit_time": [Access(ANYONE, "post", pk="visit")],
    "visit_rating": [Access(ANYONE, "post", pk="visit")],
    "send_customer_link": [Access(BOARD, "post", pk="job")],
    "revoke_customer_link": [Access(BOARD, "post", pk="job")],
    "preview_visit": [Access(BOARD, pk="job")],
    "accept_other_time": [Access(BOARD, pk="wish"), Access(BOARD, "post", pk="wish")],
    "decline_other_time": [Access(BOARD, pk="wish"), Access(BOARD, "post", pk="wish")],
    "customers": [Access(BOARD), Access(BOARD, query="?q=ash&lost=on")],
    **{name: [Access(BOARD)] for name in ("export_customers", "export_technicians", "export_violations")},
    **{name: [Access(BOARD)] for name in ("export_plans", "export_sla", "export_unclear_places")},
    "customer": [Access(BOARD, pk="customer")],
    "edit_customer": [Access(BOARD, pk="customer"), Access(BOARD, "post", pk="customer")],
    "customer_search": [Access(BOARD)],
    "phone_owners": [Access(BOARD)],
    "customer_sites": [Access(BOARD, pk="customer")],
    "edit_site": [Access(BOARD, pk="site"), Access(BOARD, "post", pk="site")],
    "zone_at": [Access(BOARD)],
    "zones_geojson": [Access(BOARD)],
    "technicians": [Access(BOARD)],
    "day_sheets": [Access(BOARD)],
    "day_sheet": [Access(BOARD, pk="technician")],
    "gps": [Access(ANYONE, pk="secret", query="?id=1"), Access(ANYONE, "post", pk="secret", query="?id=1")],
    "calendar": [Access(ANYONE, pk="calendar_token")],
    "calendar_feed": [Access(BOARD | TECHNICIAN, pk="technician")],
    "make_calendar_feed": [Access(BOARD | TECHNICIAN, "post", pk="technician")],
    "revoke_calendar_feed": [Access(BOARD | TECHNICIAN, "post", pk="technician")],
    "devices": [Access(BOARD | TECHNICIAN, pk="technician")],
    "add_device": [Access(BOARD | TECHNICIAN, "post", pk="technician")],
    "device": [Access(BOARD | TECHNICIAN, pk="device")],
    "revoke_device": [Access(BOARD | TECHNICIAN, pk="device"), Access(BOARD | TECHNICIAN, "post", pk="device")],
    "track": [Access(BOARD, pk="technician")],
    "own_track": [Access(TECHNICIAN)],
    "phone": [Access(TECHNICIAN)],
    "manifest": [Access(ANYONE)],
    "share_position": [Access(TECHNICIAN, "post")],
    "phone_offline": [Access(ANYONE)],
    "take_taps": [Access(TECHNICIAN, "post")],
    "phone_job": [Access(TECHNICIAN, pk="job")],
    "refuse_hint": [Access(TECHNICIAN, "post", pk="job")],
    "add_picture": [Access(TECHNICIAN, "post", pk="job")],
    "picture": [Access(BOARD | TECHNICIAN, pk="picture"), Access(BOARD | TECHNICIAN, pk="picture", query="?download")],
    "picture_thumbnail": [Access(BOARD | TECHNICIAN, pk="picture")],
    "sla": [Access(BOARD)],
    "violations": [Access(BOARD), Access(BOARD, query="?state=all")],
    "violation": [Access(BOARD, pk="violation")],
    "acknowledge_violations": [Access(BOARD, query="?violations={violation}"), Access(BOARD, "post")],
    "add_violation_note": [Access(BOARD, "post", pk="violation")],
    "sla_report": [Access(BOARD), Access(BOARD, query="?csv=trend")],
    "sla_report_jobs": [Access(BOARD, query="?from=2026-01-01&to=2026-12-31")],
    "sla_report_week": [Access(MONEY)],
    "api_docs": [Access(ANYONE)],
    "api_tokens": [Access({"ada"}), Access({"ada"}, "post")],
    "revoke_api_token": [Access({"ada"}, pk="api_token"), Access({"ada"}, "post", pk="api_token")],
    "financial_report": [Access(MONEY), Access(MONEY, query="?format=csv")],
    "recalculations": [Access({"ada"}), Access({"ada"}, "post")],
    "recalculation": [Access({"ada"}, pk="recalculation"), Access({"ada"}, "post", pk="recalculation")],
    "unclear_places": [Access(BOARD)],
    **{name: [Access(BOARD, "post", pk="unclear")] for name in ("choose_place", "dismiss_place", "ask_again")},
    "imports": [Access({"ada"}), Access({"ada"}, "post")],
    "import_sample": [Access({"ada"}, pk="import_kind")],
    "file_import": [Access({"ada"}, pk="file_import")],
    "map_import": [Access({"ada"}, pk="file_import"), Access({"ada"}, "post", pk="file_import")],
    **{name: [Access({"ada"}, "post", pk="file_import")] for name in ("run_import", "stop_import")},
    "import_report": [Access({"ada"}, pk="file_import")],
    "admin:index": [Access(STAFF)],
    "admin:zones_servicezone_changelist": [Access(STAFF)],
    "admin:zones_servicezone_add": [Access({"ada"})],
    "admin:technicians_technician_changelist": [Access(STAFF)],
    "admin:technicians_technician_add": [Access({"ada"})],
    "admin:technicians_skill_add": [Access({"ada"})],
    "admin:dispatch_jobtype_changelist": [Access(STAFF)],
    "admin:dispatch_jobtype_add": [Access({"ada"})],
    "admin:dispatch_material_changelist": [Access(STAFF)],
    "admin:dispatch_material_add": [Access({"ada"})],
    "admin:dispatch_tap_changelist": [Access(STAFF)],
    "admin:dispatch_tap_add": [Access(set())],
    "admin:dispatch_assignmentrule_changelist": [Access(STAFF)],
    "admin:dispatch_dispatchsettings_changelist": [Access(STAFF)],
    "admin:dispatch_billingsettings_changelist": [Access({"ada"})],
    "admin:dispatch_user_changelist": [Access({"ada"})],
    "admin:dispatch_user_add": [Access({"ada"})],
    "admin:dispatch_statuschange_changelist": [Access(STAFF)],
    "admin:dispatch_statuschange_add": [Access(set())],
    "admin:sla_slapolicy_changelist": [Access(STAFF)],
    "admin:sla_slapolicy_add": [Access({"ada"})],
    "admin:sla_violation_changelist": [Access(STAFF)],
    "admin:sla_violation_add": [Access(set())],
}
CASES = [
    pytest.param(name, access, id=f"{name}-{access.method}{number or ''}")
    for name, rows in TABLE.items()
    for number, access in enumerate(rows)
]


def url_names(resolver=None) -> set[str]:
    """All names outside the admin, whose pages are the framework's own; those that matter are in the table.

    Of the API's operations tests/test_api_access.py has a table.
    """
    names = set()
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLPattern):
            names.add(pattern.name)
        elif isinstance(pattern, URLResolver) and pattern.app_name not in ("admin", "ninja"):
            names |= url_names(pattern)
    return names


def test_table_knows_every_url():
    assert url_names() - {name for name in TABLE if ":" not in name} == set()


@pytest.fixture
def scene(dana, omar, ada, tess, tom, nick, north, south):
    """A job of North that tess has, one of South that tom has."""
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess)
    foreign = make_job(Status.ASSIGNED, by=omar, zone=south, technician=tom)
    users = {"dana": dana, "omar": omar, "ada": ada, "tess": tess.user, "nick": nick}
    ids = {"job": job.pk, "customer": job.customer_id, "site": job.site_id, "job_type": job.job_type_id}
    ids["board_action"] = BoardAction.objects.filter(changed_jobs__job=job).latest("pk").pk
    ids["saved_view"] = dana.saved_views.create(name="Mine", page="board_list").pk
    ids["auto_assign_run"] = AutoAssignRun.objects.create(created_by=dana, created_at=timezone.now(), job_ids=[]).pk
    ids["plan"] = Plan.objects.create(
        kind="day", day=timezone.localdate(), created_by=dana, created_at=timezone.now()
    ).pk
    ids["route_plan"] = proposed_route(tess, by=dana).pk
    ids["technician"] = tess.pk
    ids["picture"] = keep_photo(job).pk
    new_device = add_device(tess, "osmand", by=omar)
    ids |= {"device": new_device.device.pk, "secret": new_device.secret}
    ids["violation"] = breached(job).pk
    ids["api_token"] = ada.api_tokens.create(name="ERP", token_hash="x", created_at=timezone.now()).pk
    send_link(job, by=omar)
    ids["visit"] = token_of(job.customer_links.get())
    wanted_at = timezone.now() + timedelta(days=2)
    wanted = {"wanted_starts_at": wanted_at, "wanted_ends_at": wanted_at + timedelta(hours=2)}
    ids["wish"] = job.customer_messages.create(
        customer=job.customer, kind="other_time", sent_at=timezone.now(), **wanted
    ).pk
    ids["notice"] = tess.user.notifications.latest("pk").pk
    ids["push_device"] = tess.user.push_subscriptions.create(endpoint="https://web.push.apple.com/x").pk
    now = timezone.now()
    open_job = make_job(by=omar, zone=north)
    ids["suggestion"] = open_job.suggestions.create(
        technician=tess, score=80, job_version=open_job.version, created_at=now
    ).pk
    ids["calendar_token"] = make_calendar_feed(tess, by=omar)
    webhook = add_webhook("https://erp.example.com/", by=ada)
    ids |= {"webhook": webhook.pk, "webhook_delivery": send_test_event(webhook, by=ada).pk}
    ids |= {"file_import": uploaded_file(by=ada).pk, "import_kind": "jobs"}
    ids["unclear"] = unclear_place().pk
    ids["maintenance_plan"] = make_plan(by=omar, zone=north, days_ahead=1).pk
    ids["recalculation"] = ClockRecalculation.objects.create(asked_at=now).pk
    ids["absence"] = tess.time_off.create(kind="sick", starts_at=now, ends_at=now + timedelta(days=1)).pk
    return users, ids, foreign


def unclear_place() -> Geocoding:
    asked = {"asked_at": timezone.now(), "due_at": timezone.now()}
    return Geocoding.objects.create(site=SiteFactory(), address="1 Ash St", state="ambiguous", **asked)


def uploaded_file(*, by):
    return upload_import(SimpleUploadedFile("rows.csv", b"id,name\n1,Bakery\n"), kind="customers", by=by)


def breached(job) -> Violation:
    policy, now = SLAPolicy.objects.get(is_default=True), timezone.now()
    where = {"zone": job.zone, "job_type": job.job_type, "priority": job.priority}
    return Violation.objects.create(job=job, kind="response", breached_at=now, recorded_at=now, policy=policy, **where)


def proposed_route(technician, *, by) -> Plan:
    """One without stops: who may look at it is not the planner's to say."""
    totals = dict.fromkeys(("jobs", "km", "minutes", "late_jobs", "late_minutes", "fuel", "points"), 0)
    route = {
        "technician": technician.pk,
        "before": totals,
        "after": totals,
        "stops": [],
        "was": [],
        "is_adjusted": False,
    }
    route |= dict.fromkeys(("start", "end", "starts_at", "ends_at", "shape", "was_shape", "applied_at"))
    result = {"before": totals, "after": totals, "routes": [route], "left_out": [], "left_aside": []}
    result["seen"] = {"jobs": {}, "known": [], "technicians": {}, "at": None}
    asked = {"day": timezone.localdate(), "created_by": by, "created_at": timezone.now(), "scope": str(technician.pk)}
    plan = Plan.objects.create(kind="route", state="proposed", result=result, **asked)
    plan.technicians.add(technician)
    return plan


def request(client, scene, name, access, role):
    users, ids, _ = scene
    if role != "anonymous":
        client.force_login(users[role])
    args = [ids[name] for name in access.pk.split()]
    return getattr(client, access.method)(reverse(name, args=args) + access.query.format(**ids))


@pytest.mark.parametrize(("name", "access"), CASES)
def test_only_the_allowed_may(scene, name, access):
    """Each role on the same scene, which takes longer to set than to ask."""
    for role in sorted(ANYONE):
        with undone():
            response = request(Client(), scene, name, access, role)
        goes_to_login = response.status_code == 302 and "/login/" in response.url
        if role in access.allowed:
            assert response.status_code in (200, 204, 302, 409, 422), (role, response.content[:300])
            assert not goes_to_login or name == "logout", role
        elif role == "anonymous":
            assert goes_to_login
        else:
            # Django's admin sends accounts that are not staff to log in with another one.
            assert response.status_code in (403, 404) or (name.startswith("admin:") and goes_to_login), role


@contextmanager
def undone():
    """What happens inside has not happened afterwards."""
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)


FOREIGN = [
    ("dana", name)
    for name in ("job", "job_drawer", "edit_job", "assign_job", "insert_job", "change_status", "hold_job")
]
FOREIGN += [("dana", "place_job"), ("dana", "placement_preview"), ("dana", "job_card")]
FOREIGN += [("tess", "phone_job")]


@pytest.mark.parametrize(("role", "name"), FOREIGN)
def test_other_zones_and_other_technicians_jobs_do_not_exist(client, scene, role, name):
    users, _, foreign = scene
    client.force_login(users[role])
    assert client.get(reverse(name, args=[foreign.pk])).status_code == 404


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("dana", "assign_job"),
        ("dana", "change_status"),
        ("dana", "add_note"),
        ("dana", "answer_hint"),
    ],
)
def test_other_zones_and_other_technicians_jobs_cannot_be_changed(client, scene, role, name):
    users, _, foreign = scene
    client.force_login(users[role])
    assert client.post(reverse(name, args=[foreign.pk]), {"text": "x", "to": "en_route"}).status_code == 404
    foreign.refresh_from_db()
    assert (foreign.status, foreign.notes.count()) == (Status.ASSIGNED, 0)


def test_sites_of_other_zones_do_not_exist(client, scene):
    users, _, foreign = scene
    client.force_login(users["dana"])
    assert client.get(reverse("edit_site", args=[foreign.site_id])).status_code == 404


def test_changing_requests_need_the_csrf_token(scene):
    users, ids, _ = scene
    client = Client(enforce_csrf_checks=True)
    client.force_login(users["dana"])
    assert client.post(reverse("change_status", args=[ids["job"]]), {"to": "en_route"}).status_code == 403


def test_pages_forbid_inline_script(client, scene):
    users, _, _ = scene
    client.force_login(users["omar"])
    policy = client.get(reverse("board")).headers["Content-Security-Policy"]
    script = next(part for part in policy.split("; ") if part.startswith("script-src "))
    assert "'unsafe-inline'" not in script
    assert "'unsafe-eval'" not in script
