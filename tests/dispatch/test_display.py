import re

import pytest
from django.urls import reverse

from dispatch.board.board_list import COLUMNS, HIDEABLE
from dispatch.board.filters import SORTS
from tests.factories import make_job
from tests.pages import html_of

LIST = reverse("board_list")


def shown_in_menu(page) -> set[str]:
    return set(re.findall(r'name="shown" value="(\w+)" checked', html_of(page)))


@pytest.fixture
def his(client, omar):
    client.force_login(omar)
    return client


@pytest.mark.parametrize("density", ["", "tiny", "COMPACT"])
def test_unknown_density_is_refused(his, omar, density):
    assert his.post(reverse("set_density"), {"density": density}).status_code == 422
    omar.refresh_from_db()
    assert omar.density == "comfortable"


def test_density_is_kept_for_this_user(client, his, dana):
    headers = {"Referer": "http://testserver/board/list/?day=all"}
    response = his.post(reverse("set_density"), {"density": "compact"}, headers=headers)
    assert response.url == "http://testserver/board/list/?day=all"
    assert 'data-density="compact"' in html_of(his.get(LIST))
    client.force_login(dana)
    assert 'data-density="comfortable"' in html_of(client.get(LIST))


def test_manager_hides_columns_for_himself_alone(client, his, dana, omar):
    his.post(reverse("set_columns"), {"shown": ["priority", "status", "when"]})
    page = his.get(LIST)
    assert 'data-hidden-columns="sla technician customer zone skills"' in html_of(page)
    assert shown_in_menu(page) == {"priority", "status", "when"}
    client.force_login(dana)
    page = client.get(LIST)
    assert 'data-hidden-columns=""' in html_of(page)
    assert shown_in_menu(page) == set(HIDEABLE)


def test_job_itself_cannot_be_hidden_nor_what_is_no_column(his, omar):
    assert his.post(reverse("set_columns"), {"shown": ["number", "password"]}).status_code == 302
    omar.refresh_from_db()
    assert omar.hidden_columns == HIDEABLE
    assert "number" not in HIDEABLE


def test_htmx_needs_no_new_page_for_a_column(his):
    response = his.post(reverse("set_columns"), {"shown": HIDEABLE}, headers={"HX-Request": "true"})
    assert response.status_code == 204


def test_every_column_can_be_hidden_in_the_head_and_in_the_rows(his, omar, settings):
    """The stylesheet hides them, since the rows are drawn once for all users."""
    make_job(by=omar)
    page = html_of(his.get(LIST))
    rules = (settings.BASE_DIR / "static/css/board_list.css").read_text()
    for key in HIDEABLE:
        assert re.search(rf'<th[^>]* data-column="{key}"', page), key
        assert re.search(rf'<td[^>]* data-column="{key}"', page), key
        assert f'[data-hidden-columns~="{key}"] .jobs [data-column="{key}"]' in rules, key


def test_columns_have_one_key_each_and_skills_do_not_sort(his, omar):
    make_job(by=omar)
    keys = [key for key, _ in COLUMNS]
    assert len(set(keys)) == len(keys)
    assert "skills" in keys
    assert "skills" not in SORTS
    assert "sort=skills" not in html_of(his.get(LIST))
