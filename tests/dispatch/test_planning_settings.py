"""Settings > Route planning."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from dispatch.models import DispatchSettings, PlanningSettings
from dispatch.planning.describe import PRESETS, compare, minutes_by_stability, what_stability_means
from dispatch.planning.weights import Preferences, minutes_a_moved_job, presets
from tests.pages import html_of, text_of, typed

URL = "/settings/planning/"


@pytest.fixture
def save(client, ada):
    """Ada saves the page with some fields changed, as her browser would."""
    client.force_login(ada)
    return lambda **changes: client.post(URL, typed(client.get(URL)) | changes)


def test_admin_sets_weights_speeds_and_time_limits(save, ada):
    assert save(late_minute="5", hour_8="60", average_speed_kmh="40", returns_home="on").status_code == 302
    settings = PlanningSettings.load()
    assert (settings.late_minute, settings.returns_home, settings.sla_minute) == (5, True, 4)
    assert settings.speed_percent_by_hour == [100] * 8 + [60] + [100] * 15
    assert DispatchSettings.load().average_speed_kmh == 40
    said = set(LogEntry.objects.filter(user=ada).values_list("object_repr", "change_message"))
    speeds = ", ".join(["100"] * 8 + ["60"] + ["100"] * 15)
    assert said == {
        ("Planning settings", f"late_minute = 5, returns_home = True, speed_percent_by_hour = [{speeds}]"),
        ("Dispatch settings", "average_speed_kmh = 40.0"),
    }


def test_who_changed_what_is_on_the_page(save, client):
    save(stability="70")
    assert "Ada stability = 70" in text_of(client.get(URL))


def test_saving_nothing_remembers_nothing(save):
    assert save().status_code == 302
    assert not LogEntry.objects.exists()


def test_same_speed_all_day_is_kept_as_none_at_all(save):
    save(hour_8="60")
    save(hour_8="100")
    assert PlanningSettings.load().speed_percent_by_hour == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("late_minute", "61"),
        ("sla_minute", "-1"),
        ("left_out_minutes", "x"),
        ("left_out_minutes", ""),
        ("stability", "101"),
        ("fuel_cost_per_km", "-0.1"),
        ("fuel_cost_per_km", "1e9"),
        ("hour_0", "9"),
        ("hour_23", "301"),
        ("hour_12", ""),
        ("route_seconds", "0"),
        ("day_seconds", "481"),
        ("average_speed_kmh", "4"),
        ("detour_factor", "0.9"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_saved(save, name, value):
    response = save(**{"km_seconds": "7", name: value})
    assert response.status_code == 422
    assert "Nothing was saved" in text_of(response)
    assert PlanningSettings.load().km_seconds == 0
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("username", ["omar", "dana"])
def test_others_see_it_and_change_nothing(request, client, username):
    client.force_login(request.getfixturevalue(username))
    page = client.get(URL)
    assert "Administrators change it" in text_of(page)
    assert ">Save<" not in html_of(page)
    assert client.post(URL, typed(page) | {"late_minute": "9"}).status_code == 403
    assert PlanningSettings.load().late_minute == 2


def test_technician_does_not_know_of_it(client, tess):
    client.force_login(tess.user)
    assert client.get(URL).status_code == 403
    assert client.get(reverse("planning_presets")).status_code == 403


def test_presets_follow_the_weights_that_are_tried_out(client, omar):
    client.force_login(omar)
    tried = {name: getattr(Preferences(), name) for name in PlanningSettings.WEIGHTS} | {"left_out_minutes": 90}
    page = text_of(client.get(reverse("planning_presets"), tried))
    assert "A Low job left out 1 h 30 1 h 30 16 h (not as usual) 1 h 30" in page
    assert PlanningSettings.load().left_out_minutes == 240


def test_presets_say_what_is_wrong(client, omar):
    client.force_login(omar)
    response = client.get(reverse("planning_presets"), {"late_minute": "900"})
    assert response.status_code == 422
    assert "less than or equal to 60" in text_of(response)


def test_page_is_linked_from_the_menu_the_palette_and_the_admin(client, ada):
    client.force_login(ada)
    for url in (reverse("dashboard"), reverse("palette") + "?q=route", reverse("admin:index")):
        assert f'href="{URL}"' in html_of(client.get(url, headers={"HX-Request": "true"})), url


def test_each_preset_is_described():
    assert [preset.key for preset in PRESETS] == list(presets(Preferences()))
    assert {len(line.values) for line in compare(presets(Preferences()))} == {len(PRESETS)}


def test_stability_is_told_in_driving():
    assert minutes_by_stability() == [minutes_a_moved_job(number) for number in range(100)]
    said = [what_stability_means(number, retime_after_minutes=15) for number in (0, 30, 100)]
    assert "any job may go to anybody" in said[0]
    assert "saves 18 min of driving" in said[1]
    assert "over 15 min earlier or later" in said[1]
    assert "cannot stay" in said[2]
