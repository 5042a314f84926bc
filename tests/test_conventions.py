"""House rules that a machine can check. Each rule returns what offends it, and is shown here to find its offender."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
APPS = ("config", "zones", "technicians", "sla", "dispatch")
SOURCES = sorted(
    path.relative_to(ROOT) for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts
)
TEMPLATES = sorted(path.relative_to(ROOT) for path in (ROOT / "templates").rglob("*.html"))

# What an app may not import. `dispatch` may import all the others.
FORBIDDEN_IMPORTS = {
    "zones": {"technicians", "sla", "dispatch"},
    "technicians": {"sla", "dispatch"},
    "sla": {"dispatch"},
}
PURE = (
    "zones/geometry.py",
    "technicians/availability.py",
    "technicians/fixes.py",
    "technicians/gps/limits.py",
    "technicians/gps/messages.py",
    "technicians/gps/osmand.py",
    "technicians/gps/owntracks.py",
    "technicians/gps/protocols.py",
    "technicians/gps/traccar.py",
    "technicians/tracks.py",
    "sla/clock.py",
    "sla/opening_hours.py",
    "sla/public_holidays.py",
    "dispatch/day/burn_down.py",
    "dispatch/demo/routes.py",
    "dispatch/durations.py",
    "dispatch/pictures/kinds_of_file.py",
    "dispatch/pictures/remake.py",
    "dispatch/maintenance/due.py",
    "dispatch/maintenance/rule.py",
    "dispatch/progress.py",
    "dispatch/field/taps.py",
    "dispatch/field/time_on_site.py",
    "dispatch/travel/__init__.py",
    "dispatch/travel/great_circle.py",
    "dispatch/travel/places.py",
)
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "misc", "routing"}
STATUS_FIELDS = {"status", "technician", "technician_id"}
LOCAL_CLOCKS = {("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}


def offends(rule, source: str, *, path: str) -> bool:
    return bool(rule(ast.parse(source), Path(path)))


def imports(tree: ast.AST) -> set[str]:
    """Full names of what is imported anywhere in the file, inside functions too."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names}
    return names


def imports_against_the_grain(tree, path):
    forbidden = FORBIDDEN_IMPORTS.get(path.parts[0], set())
    return [name for name in imports(tree) if name.split(".")[0] in forbidden]


def django_in_pure_modules(tree, path):
    return [name for name in imports(tree) if path.as_posix() in PURE and name.split(".")[0] == "django"]


def relative_imports(tree, path):
    return [name for name in imports(tree) if name.startswith(".")]


def names_used(tree) -> set[str]:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return names | {name.rsplit(".", 1)[-1] for name in imports(tree)}


def channel_layer_outside_realtime(tree, path):
    found = names_used(tree) & {"get_channel_layer", "group_send", "group_add"}
    return found if path.as_posix() != "dispatch/realtime.py" else []


def publishing_outside_actions(tree, path):
    publishers = ("dispatch/realtime.py", "dispatch/notices/notify.py", "sla/check.py")
    may = path.parts[:2] == ("dispatch", "actions") or path.as_posix() in publishers
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    found = [call for call in calls if call.func.attr == "publish" and ast.unparse(call.func.value) == "realtime"]
    return [] if may else found


def granting_outside_access(tree, path):
    granting = {"assign_perm", "remove_perm", "bulk_assign_perm"}
    return names_used(tree) & granting if path.as_posix() != "zones/access.py" else []


def written_fields(node: ast.AST) -> set[str]:
    """Which model fields a statement writes: by attribute, `.update(...)`, `update_fields=[...]` or bulk_update."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {target.attr for target in targets if isinstance(target, ast.Attribute)}
    if not isinstance(node, ast.Call):
        return set()
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    listed = [keyword.value for keyword in node.keywords if keyword.arg == "update_fields"]
    written = {keyword.arg for keyword in node.keywords if keyword.arg} if called == "update" else set()
    if called in ("bulk_update", "setattr"):
        listed += node.args[1:2]
    constants = (part for value in listed for part in ast.walk(value) if isinstance(part, ast.Constant))
    return written | {part.value for part in constants}


def status_written_outside_actions(tree, path):
    if path.parts[0] == "config" or path.parts[:2] == ("dispatch", "actions"):
        return []
    return [node.lineno for node in ast.walk(tree) if "status" in written_fields(node)]


def technician_of_a_job_written_outside_actions(tree, path):
    if path.parts[0] != "dispatch" or path.parts[:2] == ("dispatch", "actions"):
        return []
    return [node.lineno for node in ast.walk(tree) if {"technician", "technician_id"} & written_fields(node)]


def clocks_of_the_machine(tree, path):
    """`datetime.now()` without a zone, and dates of the server's zone instead of the business's."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    found = []
    for call in calls:
        whose = ast.unparse(call.func.value).rsplit(".", 1)[-1]
        naive = (whose, call.func.attr) == ("datetime", "now") and not (call.args or call.keywords)
        if naive or (whose, call.func.attr) in LOCAL_CLOCKS:
            found.append(call.lineno)
    return found


def vague_names(tree, path):
    return VAGUE_NAMES & {path.stem, *path.parts[:-1]}


# rule: (path, source) pairs that offend it
RULES = {
    imports_against_the_grain: [
        ("zones/x.py", "from technicians.models import Skill"),
        ("technicians/x.py", "def f():\n    import dispatch.models"),
        ("sla/x.py", "from dispatch import actions"),
    ],
    django_in_pure_modules: [("zones/geometry.py", "from django.db import models")],
    relative_imports: [("dispatch/x.py", "from .models import Job"), ("dispatch/x.py", "from . import board")],
    channel_layer_outside_realtime: [
        ("dispatch/views/x.py", "from channels.layers import get_channel_layer"),
        ("dispatch/x.py", "import channels\nchannels.layers.get_channel_layer()"),
    ],
    publishing_outside_actions: [("dispatch/views/x.py", "realtime.publish('x', groups=[])")],
    granting_outside_access: [
        ("dispatch/roles.py", "from guardian.shortcuts import assign_perm"),
        ("dispatch/x.py", "import guardian.shortcuts as g\ng.assign_perm(1, 2, 3)"),
    ],
    status_written_outside_actions: [
        ("dispatch/views/x.py", "job.status = 'completed'"),
        ("dispatch/x.py", "Job.objects.filter(pk=1).update(status='created')"),
        ("sla/x.py", "job.save(update_fields=['status'])"),
        ("dispatch/imports/x.py", "Job.objects.bulk_update(jobs, ['status'])"),
        ("dispatch/x.py", "setattr(job, 'status', 'created')"),
    ],
    technician_of_a_job_written_outside_actions: [
        ("dispatch/planning/x.py", "job.technician = tess"),
        ("dispatch/planning/x.py", "Job.objects.update(technician_id=3)"),
    ],
    clocks_of_the_machine: [
        ("dispatch/x.py", "from datetime import datetime\nnow = datetime.now()"),
        ("dispatch/x.py", "import datetime\nnow = datetime.datetime.utcnow()"),
        ("dispatch/x.py", "from datetime import date\nday = date.today()"),
    ],
    vague_names: [("dispatch/utils.py", ""), ("dispatch/common/x.py", ""), ("dispatch/planning/routing.py", "")],
}
ALLOWED = [
    (imports_against_the_grain, "dispatch/x.py", "from zones.models import ServiceZone"),
    (imports_against_the_grain, "sla/x.py", "from technicians.models import Technician"),
    (channel_layer_outside_realtime, "dispatch/realtime.py", "from channels.layers import get_channel_layer"),
    (publishing_outside_actions, "dispatch/actions/x.py", "realtime.publish('x', groups=[])"),
    (granting_outside_access, "zones/access.py", "from guardian.shortcuts import assign_perm"),
    (status_written_outside_actions, "dispatch/actions/status.py", "jobs.update(status='x')"),
    (status_written_outside_actions, "dispatch/x.py", "render(request, 'x', {}, status=422)"),
    (clocks_of_the_machine, "dispatch/x.py", "from datetime import UTC, datetime\nnow = datetime.now(UTC)"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_code_keeps_the_rule(rule):
    offenders = {str(path): found for path in SOURCES if (found := rule(ast.parse((ROOT / path).read_text()), path))}
    assert not offenders


@pytest.mark.parametrize(
    "rule, path, source",
    [(rule, *offender) for rule, offenders in RULES.items() for offender in offenders],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_rule_finds_its_offender(rule, path, source):
    assert offends(rule, source, path=path)


@pytest.mark.parametrize("rule, path, source", ALLOWED, ids=lambda value: getattr(value, "__name__", None))
def test_the_rule_lets_others_be(rule, path, source):
    assert not offends(rule, source, path=path)


# Templates ----------------------------------------------------------------------------------------


def inline_code(html: str) -> list[str]:
    """What the Content-Security-Policy would block: handlers in attributes, scripts without a source, javascript: URLs."""
    tags = re.findall(r"<[a-zA-Z][^>]*>", re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", html, flags=re.S))
    handlers = [tag for tag in tags if re.search(r"\s(on[a-z]+|hx-on[:-][^=\s]*)\s*=", tag)]
    scripts = [tag for tag in tags if re.match(r"<script\b", tag) and not re.search(r"\ssrc\s*=", tag)]
    return handlers + scripts + [tag for tag in tags if re.search(r"=\s*[\"']?\s*javascript:", tag, re.I)]


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_templates_hold_no_code(path):
    assert not inline_code((ROOT / path).read_text())


@pytest.mark.parametrize(
    "html",
    [
        '<button onclick="go()">',
        "<body\n  onload = 'x'>",
        '<div hx-on:click="x">',
        '<div hx-on--after-swap="x">',
        "<script>go()</script>",
        '<script nonce="{{ csp_nonce }}">go()</script>',
        '<a href="javascript:go()">',
    ],
)
def test_code_in_a_template_is_found(html):
    assert inline_code(html)


def test_scripts_from_files_are_no_inline_code():
    assert not inline_code(
        '<script src="{% static \'js/board_list.js\' %}" defer></script>{{ x|json_script:"x" }} <p>on=1</p>'
    )


# The shape of the project --------------------------------------------------------------------------


def test_only_partials_that_pages_share_have_an_underscore():
    """A `_name.html` that nothing includes is a page, or forgotten."""
    everything = "".join((ROOT / path).read_text() for path in (*TEMPLATES, *SOURCES))
    shared = [path for path in TEMPLATES if path.name.startswith("_")]
    assert not [str(path) for path in shared if path.relative_to("templates").as_posix() not in everything]


def test_no_business_hides_in_signals():
    """`ready()` may hook what Django offers no other way to: applying the roles after migrate."""
    allowed = {"dispatch/apps.py"}
    for path in SOURCES:
        found = {
            name
            for name in imports(ast.parse((ROOT / path).read_text()))
            if name.startswith("django.db.models.signals")
        }
        assert not found or path.as_posix() in allowed, f"{path} uses signals"
