"""The command palette: what can be done and gone to, found by its name, within what the user may see."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db.models import BigIntegerField, Case, Q, When
from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from dispatch.board.filters import JobFilter
from dispatch.board.frame import VIEWS
from dispatch.crew import narrowed
from dispatch.models import Customer, Job, Priority, Status, User
from dispatch.models.customers import phone_digits
from dispatch.models.jobs import OPEN
from technicians.models import Technician

AT_MOST = 8  # of each group
ROUTE_WORDS = ("optimize", "optimise", "route")
INSERT_WORD = "insert"


@dataclass(frozen=True)
class Option:
    key: str  # "job.12": how the browser remembers it
    label: str
    detail: str = ""
    url: str = ""
    drawer: str = ""  # where a board is open this comes into its drawer instead of the page at `url`
    is_dialog: bool = False  # the page at `url` can be shown as a dialog
    field: str = ""  # with `value`: a POST of this to `url`
    value: str = ""
    words: str = ""  # other names for it


@dataclass(frozen=True)
class Group:
    name: str
    options: list[Option]


def load_palette(user, *, text: str, here: str, recent: list[str]) -> list[Group]:
    """`here` is the path and query that the browser shows, `recent` the keys of what was chosen last, newest first."""
    text = text.strip()
    commands = commands_for(user, here=here)
    views = [_view(view) for view in user.saved_views.all()]
    groups = [
        Group("Commands", [option for option in commands if _is_meant(option, text)]),
        Group("Saved views", [option for option in views if _is_meant(option, text)]),
    ]
    if text:
        groups += [
            Group("Jobs", find_jobs(user, text)),
            Group("Technicians", find_technicians(user, text)),
            Group("Optimize Route", find_routes(user, text)),
            Group("Insert into a route", find_insertions(user, text)),
            Group("Customers", find_customers(user, text)),
        ]
    else:
        groups.insert(0, Group("Recent", load_recent(user, recent, known=[*commands, *views])))
    return [Group(group.name, group.options[:AT_MOST]) for group in groups if group.options]


def _is_meant(option: Option, text: str) -> bool:
    """Every word that is typed begins one of its words."""
    names = f" {option.label} {option.words}".casefold()
    return all(f" {word}" in names for word in text.casefold().split())


def commands_for(user, *, here: str) -> list[Option]:
    return [*_here(here), *_pages(user), *_settings(user)]


def _here(here: str) -> list[Option]:
    """What is done with the view that is open, or with today's where none is."""
    at = urlsplit(here)
    names = {reverse(name): name for name, _ in VIEWS}
    view = names.get(at.path, "board_list")
    chosen = QueryDict(at.query if at.path in names else "", mutable=True)
    chosen.pop("page", None)
    query = chosen.urlencode()
    day = f"?{urlencode({'day': chosen['day']})}" if chosen.get("day") else ""
    saving = urlencode({"page": view, "query": query})
    for name in JobFilter.DATES:
        chosen.pop(name, None)
    today = reverse(view if at.path in names else "board") + (f"?{chosen.urlencode()}" if chosen else "")
    return [
        Option("command.today", "Today", "T", today, words="day now"),
        Option("command.save-view", "Save this view…", "", f"{reverse('save_view')}?{saving}", is_dialog=True),
        Option(
            "command.export", "Export this list", "CSV", f"{reverse('export_jobs')}?{query}", words="csv excel jobs"
        ),
        Option("command.day-sheets", "Print day sheets", "", reverse("day_sheets") + day, words="technicians paper"),
    ]


def _pages(user) -> list[Option]:
    keys = {"board": "G B", "board_list": "G L", "calendar_week": "G C", "map": "G M"}
    pages = [("new_job", "New job", "N", "dispatch.add_job", "create add")]
    pages += [("dashboard", "Go to dashboard", "G D", "dispatch.view_job", "start figures")]
    pages += [
        (name, f"Go to {label.lower()}", keys.get(name, ""), "dispatch.view_job", "board") for name, label in VIEWS
    ]
    pages += [
        ("morning_review", "Go to morning review", "", "dispatch.view_job", "day plan"),
        ("plan_day", "Plan the day", "P", "dispatch.change_job", "replan routes optimize"),
        ("plans", "Go to plans", "", "dispatch.change_job", "routes proposals"),
        ("close_out", "Go to close-out", "", "dispatch.view_job", "day evening end"),
        ("sla", "Go to SLA", "G S", "sla.view_violation", "clocks deadlines at risk breached"),
        ("violations", "Go to violations", "", "sla.view_violation", "sla breached missed acknowledge"),
        ("maintenance_plans", "Go to maintenance plans", "", "dispatch.view_maintenanceplan", "recurring visits"),
        ("new_maintenance_plan", "New maintenance plan", "", "dispatch.add_maintenanceplan", "recurring create add"),
        ("technicians", "Go to technicians", "", "technicians.view_technician", "crew people"),
        ("sla_report", "Go to SLA report", "", "sla.view_sla_report", "compliance breaches reports"),
        ("financial_report", "Go to financial report", "", "dispatch.view_financial_report", "money revenue"),
        ("assignment_settings", "Auto-Assignment settings", "", "dispatch.view_assignmentrule", "rules weights smart"),
        ("planning_settings", "Route planning settings", "", "dispatch.view_planningsettings", "weights speeds"),
        ("customers", "Go to customers", "", "dispatch.view_customer", "clients sites addresses"),
        ("unclear_places", "Go to unclear addresses", "", "dispatch.change_site", "geocoding places locations map"),
        ("imports", "Go to imports", "", "dispatch.add_fileimport", "csv upload file customers jobs technicians plans"),
        ("webhooks", "Go to webhooks", "", "dispatch.change_webhookendpoint", "settings integrations events"),
        ("api_tokens", "Go to API tokens", "", "dispatch.view_apitoken", "settings integrations rest programs"),
        ("api_docs", "How the API works", "", "dispatch.view_apitoken", "docs documentation rest openapi"),
        ("recalculations", "Go to SLA deadlines", "", "sla.change_slapolicy", "settings policies recompute open jobs"),
        ("admin:index", "Go to settings", "", "dispatch.view_dispatchsettings", "admin configuration job types zones"),
        ("saved_views", "Go to saved views", "", "dispatch.view_job", "rename delete"),
        ("notifications", "Go to notifications", "", "dispatch.view_job", "bell unread told"),
        ("notification_preferences", "What I am told of", "", "dispatch.view_job", "notifications push e-mail account"),
    ]
    return [
        Option(f"page.{name}", label, key, reverse(name), words=words)
        for name, label, key, permission, words in pages
        if user.has_perm(permission)
    ]


def _settings(user) -> list[Option]:
    themes = {User.Theme.LIGHT: "Light theme", User.Theme.DARK: "Dark theme", User.Theme.SYSTEM: "Theme of the device"}
    densities = {User.Density.COMFORTABLE: "Comfortable density", User.Density.COMPACT: "Compact density"}
    choices = [("theme", "set_theme", theme, label) for theme, label in themes.items() if theme != user.theme]
    choices += [("density", "set_density", kind, label) for kind, label in densities.items() if kind != user.density]
    return [
        *(
            Option(f"{field}.{value}", label, "", reverse(name), field=field, value=value, words=f"{field} switch")
            for field, name, value, label in choices
        ),
        Option("command.help", "Keyboard help", "?", reverse("keyboard_help"), is_dialog=True, words="keys shortcuts"),
        Option("command.password", "Change password", "", reverse("password_change"), words="account"),
    ]


def _view(view) -> Option:
    return Option(f"view.{view.pk}", view.name, view.get_page_display(), view.url)


def find_jobs(user, text: str) -> list[Option]:
    """Open ones first, then the newest."""
    open_first = Case(When(status__in=OPEN, then=0), default=1)
    jobs = Job.objects.visible_to(user).matching(text).order_by(open_first, "-scheduled_on", "-pk")
    return [_job(job) for job in _with_names(jobs)[:AT_MOST]]


def _with_names(jobs):
    return jobs.select_related("customer", "site", "job_type")


def _job(job: Job) -> Option:
    return Option(
        f"job.{job.pk}",
        f"{job.number} {job.title}",
        f"{job.get_status_display()} · {job.customer}, {job.site.address}",
        reverse("job", args=[job.pk]),
        drawer=reverse("job_drawer", args=[job.pk]),
    )


def visible_technicians(user):
    return Technician.objects.visible_to(user).active().by_name()


def find_technicians(user, text: str) -> list[Option]:
    return [_technician(technician) for technician in narrowed(visible_technicians(user), {"q": text})[:AT_MOST]]


def _technician(technician: Technician) -> Option:
    url = f"{reverse('board')}?technician={technician.pk}"
    return Option(f"technician.{technician.pk}", str(technician), technician.phone, url)


def find_routes(user, text: str) -> list[Option]:
    """“route tess”: whoever is named beside the word."""
    words = text.casefold().split()
    meant = [word for word in words if len(word) > 2 and any(name.startswith(word) for name in ROUTE_WORDS)]
    others = [word for word in words if word not in (*meant, "of", "the")]
    if not meant or not user.has_perm("dispatch.change_job"):
        return []
    return [_route(one) for one in narrowed(visible_technicians(user), {"q": " ".join(others)})[:AT_MOST]]


def _route(technician: Technician) -> Option:
    url = reverse("optimize_route", args=[technician.pk])
    return Option(f"route.{technician.pk}", f"Optimize the route of {technician}", "R", url)


def find_insertions(user, text: str) -> list[Option]:
    """“insert boiler”: jobs that have not begun; with nothing beside the word, urgent ones that nobody has."""
    word, _, rest = text.casefold().partition(" ")
    if len(word) < 3 or not INSERT_WORD.startswith(word) or not user.has_perm("dispatch.change_job"):
        return []
    jobs = Job.objects.dispatchable_by(user).filter(status__in=(Status.CREATED, Status.ASSIGNED))
    found = jobs.matching(rest) if rest.strip() else jobs.filter(priority=Priority.URGENT, status=Status.CREATED)
    return [_insertion(job) for job in _with_names(found).order_by("-priority", "scheduled_on", "pk")[:AT_MOST]]


def _insertion(job: Job) -> Option:
    return Option(
        f"insert.{job.pk}",
        f"Insert {job.number} {job.title} into a route",
        f"{job.get_priority_display()} · {job.customer}",
        reverse("insert_job", args=[job.pk]),
        is_dialog=True,
    )


def visible_customers(user):
    return (
        Customer.objects.order_by("name", "pk") if user.has_perm("dispatch.view_customer") else Customer.objects.none()
    )


def find_customers(user, text: str) -> list[Option]:
    match = Q(name__icontains=text)
    if len(digits := phone_digits(text)) >= 4:
        match |= Q(phone_digits__contains=digits)
    return [_customer(customer) for customer in visible_customers(user).filter(match)[:AT_MOST]]


def _customer(customer: Customer) -> Option:
    return Option(f"customer.{customer.pk}", customer.name, customer.phone, reverse("customer", args=[customer.pk]))


def load_recent(user, keys: list[str], *, known: Iterable[Option]) -> list[Option]:
    """In the given order; what is gone, or no longer for this user, is left out."""
    keys = keys[:AT_MOST]
    options = {option.key: option for option in known if option.key in keys}
    found = (
        (_job, _with_names(Job.objects.visible_to(user)).filter(pk__in=_ids(keys, "job"))),
        (_technician, visible_technicians(user).filter(pk__in=_ids(keys, "technician"))),
        (_route, visible_technicians(user).filter(pk__in=_ids(keys, "route"))),
        (_insertion, _with_names(Job.objects.dispatchable_by(user)).filter(pk__in=_ids(keys, "insert"))),
        (_customer, visible_customers(user).filter(pk__in=_ids(keys, "customer"))),
    )
    for as_option, rows in found:
        options |= {option.key: option for option in map(as_option, rows)}
    return [options[key] for key in dict.fromkeys(keys) if key in options]


def _ids(keys: list[str], kind: str) -> list[int]:
    ids = (int(match[1]) for key in keys if (match := re.fullmatch(rf"{kind}\.([0-9]{{1,19}})", key)))
    return [pk for pk in ids if pk <= BigIntegerField.MAX_BIGINT]
