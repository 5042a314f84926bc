import json

import pytest
from django.urls import reverse

from dispatch.board.frame import VIEW_OF, VIEWS
from dispatch.models import SavedView
from dispatch.views.saved_views import QUERY_LENGTH, VIEWS_AT_MOST
from tests.pages import html_of, links_of, text_of

LIST = reverse("board_list")


@pytest.fixture
def her(client, dana):
    client.force_login(dana)
    return client


def save(client, name, query="", page="board_list", **fields):
    return client.post(reverse("save_view"), {"name": name, "page": page, "query": query, **fields})


def views_of(user) -> dict[str, str]:
    return {view.name: view.url for view in user.saved_views.all()}


# Only one's own -----------------------------------------------------------------------------------


def test_nobody_sees_renames_or_deletes_the_views_of_others(client, dana, omar):
    view = omar.saved_views.create(name="Omar's mornings", page="board", query="status=created")
    client.force_login(dana)
    assert "Omar" not in html_of(client.get(LIST)).partition("<main")[2]
    assert client.get(reverse("rename_view", args=[view.pk])).status_code == 404
    assert client.post(reverse("rename_view", args=[view.pk]), {"name": "Mine"}).status_code == 404
    assert client.post(reverse("delete_view", args=[view.pk])).status_code == 404
    view.refresh_from_db()
    assert view.name == "Omar's mornings"


def test_two_users_may_have_views_of_one_name(client, dana, omar):
    omar.saved_views.create(name="Late", page="board")
    client.force_login(dana)
    save(client, "Late", "late=true")
    assert views_of(dana) == {"Late": LIST + "?late=true"}
    assert views_of(omar) == {"Late": reverse("board")}


# Saving -------------------------------------------------------------------------------------------


def test_dispatcher_saves_the_filters_and_finds_them_in_the_menu(her, dana):
    response = save(her, "Urgent, mine", "status=created&priority=4&priority=3&sort=-when")
    assert response.url == LIST + "?status=created&priority=4&priority=3&sort=-when"
    page = her.get(LIST)
    assert response.url in links_of(page)
    assert "Urgent, mine" in text_of(page)


def test_day_and_page_are_left_out_unless_the_day_is_kept(her, dana):
    query = "day=2026-03-01&from=2026-03-01&to=&page=3&q=leak"
    save(her, "Leaks", query)
    save(her, "Leaks in March", query, keep_day="on")
    assert views_of(dana) == {
        "Leaks": LIST + "?q=leak",
        "Leaks in March": LIST + "?day=2026-03-01&from=2026-03-01&q=leak",
    }


@pytest.mark.parametrize(("query", "is_asked"), [("day=2026-03-01", True), ("q=leak", False), ("day=", False)])
def test_keeping_the_day_is_offered_where_one_is_chosen(her, query, is_asked):
    dialog = her.get(reverse("save_view"), {"page": "board_list", "query": query})
    assert ("Keep the day" in text_of(dialog)) is is_asked


def test_same_name_asks_before_it_replaces(her, dana):
    save(her, "Late", "late=true")
    asked = save(her, "Late", "hold=true")
    assert asked.status_code == 409
    assert "You have a view “Late” already" in text_of(asked)
    assert views_of(dana) == {"Late": LIST + "?late=true"}
    assert save(her, "Late", "hold=true", replace="Late").status_code == 302
    assert views_of(dana) == {"Late": LIST + "?hold=true"}


def test_consent_to_replace_one_view_does_not_replace_another(her, dana):
    save(her, "Late", "late=true")
    save(her, "Held", "hold=true")
    assert save(her, "Held", "q=x", replace="Late").status_code == 409
    assert views_of(dana)["Held"] == LIST + "?hold=true"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "x" * 61},
        {"name": "a\0b"},
        {"page": "admin:index"},
        {"page": ""},
        {"query": "q=" + "x" * QUERY_LENGTH},
    ],
)
def test_what_is_not_a_view_is_refused(her, fields):
    response = her.post(reverse("save_view"), {"name": "Late", "page": "board_list", "query": ""} | fields)
    assert response.status_code == 422
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("query", ["//evil.example", "javascript:alert(1)", "&&&=", "%00=%00", "a=<script>"])
def test_odd_queries_stay_queries_of_our_page(her, dana, query):
    save(her, "Odd", query)
    assert views_of(dana)["Odd"].partition("?")[0] == LIST
    assert her.get(views_of(dana)["Odd"]).status_code == 200


def test_there_is_an_end_to_saving(her, dana):
    SavedView.objects.bulk_create(SavedView(user=dana, name=f"{n}", page="board") for n in range(VIEWS_AT_MOST))
    response = save(her, "One more")
    assert response.status_code == 422
    assert "Delete one first" in text_of(response)
    assert save(her, "1", "q=x", replace="1").status_code == 302


def test_htmx_is_told_to_close_the_dialog_and_to_load_the_menu(her):
    response = her.post(
        reverse("save_view"), {"name": "Late", "page": "board_list", "query": ""}, headers={"HX-Request": "true"}
    )
    assert response.status_code == 204
    assert set(json.loads(response["HX-Trigger"])) == {"close-dialog", "toast", "views-changed"}


def test_dialog_takes_the_filters_that_the_browser_shows(her):
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{LIST}?q=now"}
    dialog = her.get(reverse("save_view"), {"page": "board_list", "query": "q=before"}, headers=headers)
    assert 'value="q=now"' in html_of(dialog)
    elsewhere = headers | {"HX-Current-URL": "http://testserver/technicians/?q=now"}
    dialog = her.get(reverse("save_view"), {"page": "board_list", "query": "q=before"}, headers=elsewhere)
    assert 'value="q=before"' in html_of(dialog)


def test_every_view_of_the_board_can_be_saved(her, dana):
    pages = [*dict(VIEWS), *VIEW_OF]
    for page in pages:
        save(her, page, page=page)
    assert views_of(dana) == {page: reverse(page) for page in pages}
    assert set(pages) <= set(SavedView.Page.values)


# Renaming and deleting ----------------------------------------------------------------------------


def test_dispatcher_renames_and_deletes_a_view(her, dana):
    save(her, "Lates", "late=true")
    view = dana.saved_views.get()
    her.post(reverse("rename_view", args=[view.pk]), {"name": "Late"})
    assert views_of(dana) == {"Late": LIST + "?late=true"}
    her.post(reverse("rename_view", args=[view.pk]), {"name": "Late"})
    her.post(reverse("delete_view", args=[view.pk]))
    assert views_of(dana) == {}


def test_view_cannot_take_the_name_of_another(her, dana):
    save(her, "Late", "late=true")
    save(her, "Held", "hold=true")
    response = her.post(reverse("rename_view", args=[dana.saved_views.get(name="Held").pk]), {"name": "Late"})
    assert response.status_code == 422
    assert "Another view of yours has this name." in text_of(response)


def test_menu_and_page_of_views_are_one(her, dana):
    save(her, "Late", "late=true")
    page = her.get(reverse("saved_views"))
    menu = her.get(reverse("saved_views"), headers={"HX-Request": "true"})
    assert html_of(menu).strip() in html_of(page)
    assert "<html" not in html_of(menu)


def test_board_asks_as_often_for_fifty_views_as_for_one(her, dana, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    save(her, "Late", "late=true")
    with CaptureQueriesContext(connection) as few:
        her.get(LIST)
    SavedView.objects.bulk_create(SavedView(user=dana, name=f"{n}", page="board") for n in range(49))
    with django_assert_num_queries(len(few)):
        her.get(LIST)
