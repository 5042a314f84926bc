import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dispatch.models import SavedView, Status
from tests.factories import CustomerFactory, SiteFactory, TechnicianFactory, make_job
from tests.pages import html_of, text_of

OPTION = re.compile(r'<(?:a|button) class="palette-option".*?</(?:a|button)>', re.S)


def ask(client, q="", recent="", here="/board/"):
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{here}"}
    return client.get(reverse("palette"), {"q": q, "recent": recent}, headers=headers)


def keys(response) -> list[str]:
    return re.findall(r'data-palette-key="([^"]*)"', html_of(response))


def urls(response) -> dict[str, str]:
    """Where each option leads, by its key."""
    found = {}
    for option in OPTION.findall(html_of(response)):
        where = re.search(r'(?:href|formaction)="([^"]*)"', option)[1]
        found[re.search(r'data-palette-key="([^"]*)"', option)[1]] = unescape(where)
    return found


def groups(response) -> list[str]:
    return re.findall(r'class="palette-group"[^>]*>([^<]*)<', html_of(response))


@pytest.fixture
def his(client, omar):
    client.force_login(omar)
    return client


# What others may not see --------------------------------------------------------------------------


def test_dispatcher_finds_nothing_of_other_zones(client, dana, omar, tess, tom, north, south):
    mine = make_job(by=omar, zone=north, description="Leak in the cellar")
    foreign = make_job(by=omar, zone=south, description="Leak in the attic")
    client.force_login(dana)
    assert keys(ask(client, "leak")) == [f"job.{mine.pk}"]
    assert keys(ask(client, foreign.number)) == []
    assert f"technician.{tom.pk}" not in keys(ask(client, "tom"))
    assert keys(ask(client, "tess")) == [f"technician.{tess.pk}"]


def test_what_was_chosen_once_is_not_shown_when_it_is_no_longer_for_them(client, dana, omar, tom, north, south):
    mine, foreign = make_job(by=omar, zone=north), make_job(by=omar, zone=south)
    view = omar.saved_views.create(name="Omar's", page="board")
    client.force_login(dana)
    recent = f"job.{foreign.pk},technician.{tom.pk},view.{view.pk},page.financial_report,job.{mine.pk},job.999999"
    shown = ask(client, recent=recent)
    assert keys(shown)[0] == f"job.{mine.pk}"
    assert not {f"job.{foreign.pk}", f"technician.{tom.pk}", f"view.{view.pk}"} & set(keys(shown))


def test_money_is_a_command_for_those_who_may_see_it(client, dana, omar):
    client.force_login(dana)
    assert keys(ask(client, "financial")) == []
    client.force_login(omar)
    assert keys(ask(client, "financial")) == ["page.financial_report"]


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("notif", "notifications"),
        ("told", "notification_preferences"),
        ("settings", "admin:index"),
        ("sla dead", "recalculations"),
        ("webhooks", "webhooks"),
        ("docs", "api_docs"),
        ("tokens", "api_tokens"),
        ("imports", "imports"),
    ],
)
def test_admin_finds_each_page_of_the_menus_by_its_name(client, ada, text, page):
    client.force_login(ada)
    assert urls(ask(client, text))[f"page.{page}"] == reverse(page)


def test_dispatcher_finds_no_page_that_would_refuse_them(client, dana):
    client.force_login(dana)
    for text in ("go to", "how", "settings", "webhooks", "tokens", "imports", "sla", "told", "notif"):
        for key, url in urls(ask(client, text)).items():
            assert client.get(url).status_code in (200, 302, 405), key


# Finding ------------------------------------------------------------------------------------------


@pytest.fixture
def job(omar):
    customer = CustomerFactory(name="Bea Brook", phone="(412) 555-0100")
    return make_job(by=omar, site=SiteFactory(customer=customer, address="12 Quince Lane"), description="No heat")


@pytest.mark.parametrize("how", ["{job.number}", "j-{job.pk}", "bea br", "4125550100", "quince", "no heat"])
def test_job_is_found_by_number_customer_phone_address_and_words(his, job, how):
    found = ask(his, how.format(job=job))
    assert f"job.{job.pk}" in keys(found)
    assert urls(found)[f"job.{job.pk}"] == reverse("job", args=[job.pk])
    assert f'data-drawer="{reverse("job_drawer", args=[job.pk])}"' in html_of(found)


def test_customers_are_found_by_name_and_phone_and_lead_to_their_jobs(his, job):
    for text in ("bea", "555 0100"):
        found = urls(ask(his, text))
        assert found[f"customer.{job.customer_id}"] == reverse("customer", args=[job.customer_id])


def test_technician_leads_to_their_day_on_the_board(his, tess):
    assert urls(ask(his, "tess")) == {f"technician.{tess.pk}": f"{reverse('board')}?technician={tess.pk}"}


def test_open_jobs_come_first_and_eight_are_enough(his, omar):
    site = SiteFactory(address="1 Elm Street")
    closed = make_job(Status.COMPLETED, by=omar, site=site)
    opened = [make_job(by=omar, site=site) for _ in range(9)]
    found = keys(ask(his, "elm street"))
    assert found == [f"job.{job.pk}" for job in reversed(opened[1:])]
    assert f"job.{closed.pk}" not in found


def test_former_technicians_are_not_found(his):
    TechnicianFactory(user__username="gone", is_active=False)
    assert keys(ask(his, "gone")) == []


def test_nothing_found_is_an_empty_list(his):
    assert html_of(ask(his, "zzz")).strip() == ""


@pytest.mark.parametrize("text", ["\0", "%", "'", "<script>", "x" * 101, "9" * 40, "²", "((("])
def test_odd_words_are_answered(his, job, text):
    assert ask(his, text).status_code == 200
    assert "<script>" not in html_of(ask(his, text))


# Commands -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("new job", "page.new_job"),
        ("go to cal", "page.calendar_week"),
        ("dashboard", "page.dashboard"),
        ("dark", "theme.dark"),
        ("switch theme", "theme.dark"),
        ("compact", "density.compact"),
        ("day sheets", "command.day-sheets"),
        ("export", "command.export"),
        ("shortcuts", "command.help"),
        ("today", "command.today"),
        ("save view", "command.save-view"),
    ],
)
def test_commands_are_found_by_their_words_in_any_order(his, text, key):
    assert key in keys(ask(his, text))


def test_theme_and_density_that_are_on_already_are_not_offered(his, omar):
    omar.theme, omar.density = "dark", "compact"
    omar.save()
    assert set(keys(ask(his, "theme"))) == {"theme.light", "theme.system"}
    assert keys(ask(his, "density")) == ["density.comfortable"]


def test_what_changes_something_is_sent_as_a_form(his):
    shown = html_of(ask(his, "dark"))
    assert re.search(
        r'<button[^>]*type="submit" form="palette-form" formaction="/account/theme/" name="theme" value="dark"', shown
    )


def test_commands_are_about_the_view_that_is_open(his):
    found = urls(ask(his, here="/board/list/?day=2026-03-01&status=created&page=2"))
    assert found["command.today"] == "/board/list/?status=created"
    assert found["command.export"] == "/board/export.csv?day=2026-03-01&status=created"
    assert found["command.day-sheets"] == reverse("day_sheets") + "?day=2026-03-01"
    assert found["command.save-view"] == (
        reverse("save_view") + "?page=board_list&query=day%3D2026-03-01%26status%3Dcreated"
    )


def test_elsewhere_today_is_the_board(his):
    found = urls(ask(his, here="/technicians/?q=tess"))
    assert found["command.today"] == reverse("board")
    assert found["command.export"] == reverse("export_jobs") + "?"


def test_saved_views_are_found_by_name(his, omar):
    view = omar.saved_views.create(name="Urgent in North", page="board_list", query="priority=4")
    assert urls(ask(his, "north")) == {f"view.{view.pk}": "/board/list/?priority=4"}


def test_recent_choices_come_first_in_their_order(his, job, tess):
    recent = f"technician.{tess.pk},theme.dark,job.{job.pk},technician.{tess.pk},customer.{job.customer_id}"
    shown = ask(his, recent=recent)
    assert groups(shown)[0] == "Recent"
    assert keys(shown)[:4] == [f"technician.{tess.pk}", "theme.dark", f"job.{job.pk}", f"customer.{job.customer_id}"]
    assert "Recent" not in groups(ask(his, "tess", recent=recent))


@pytest.mark.parametrize("recent", ["", ",,,", "job.", "job.x", "job." + "9" * 30, "job.-1", "a" * 600, "\0", "job.²"])
def test_odd_memories_are_forgotten(his, recent):
    assert "Recent" not in groups(ask(his, recent=recent))


def test_without_script_the_words_are_looked_for_in_the_list(his):
    response = his.get(reverse("palette"), {"q": "quince lane"})
    assert response.url == reverse("board_list") + "?day=all&q=quince+lane"


def test_palette_costs_the_same_queries_for_5_and_50_of_everything(his, omar, django_assert_num_queries):
    def add(count):
        for number in range(count):
            CustomerFactory(name=f"Smith {number}")
            make_job(by=omar, description="Smith")
            TechnicianFactory(user__first_name="Smith")
        SavedView.objects.bulk_create(
            SavedView(user=omar, name=f"Smith {SavedView.objects.count() + number}", page="board")
            for number in range(count)
        )

    add(5)
    with CaptureQueriesContext(connection) as few:
        assert len(keys(ask(his, "smith"))) == 20
    add(45)
    with django_assert_num_queries(len(few)):
        assert len(keys(ask(his, "smith"))) == 32


# Help ---------------------------------------------------------------------------------------------


def test_help_lists_the_keys_as_a_page_and_as_a_dialog(his):
    page = his.get(reverse("keyboard_help"))
    dialog = his.get(reverse("keyboard_help"), headers={"HX-Request": "true"})
    assert html_of(dialog).strip() in html_of(page)
    words = text_of(dialog)
    for told in ("Next job, previous job", "Undo", "Pick it up", "Find a job, a customer or a command"):
        assert told in words


def test_technician_has_no_palette_and_no_help(client, tess):
    client.force_login(tess.user)
    page = html_of(client.get(reverse("phone")))
    assert "palette" not in page
    assert "keys.js" not in page
