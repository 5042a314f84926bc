"""Settings > Auto-Assignment."""

from datetime import date

import pytest
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from dispatch.actions import assignment_rules
from dispatch.models import AssignmentRule, DispatchSettings, Priority
from dispatch.smart.example import example_scores
from dispatch.smart.scoring import Weights
from dispatch.travel import StraightLine
from tests.pages import html_of, text_of, typed

URL = "/settings/auto-assignment/"
Mode = AssignmentRule.Mode


@pytest.fixture
def save(client, ada):
    """Ada saves the page with some fields changed, as her browser would."""
    client.force_login(ada)
    return lambda **changes: client.post(URL, typed(client.get(URL)) | changes)


def test_admin_sets_rules_weights_and_limits(save, ada):
    response = save(**{"rule-low": "automatic", "skill_weight": "50", "automatic_minimum_score": "60"})
    assert response.status_code == 302
    settings = DispatchSettings.load()
    assert (settings.skill_weight, settings.automatic_minimum_score, settings.proximity_weight) == (50, 60, 30)
    modes = dict(AssignmentRule.objects.values_list("priority", "mode"))
    assert modes == {
        Priority.LOW: "automatic",
        Priority.NORMAL: "suggest",
        Priority.HIGH: "suggest",
        Priority.URGENT: "suggest",
    }
    said = set(LogEntry.objects.filter(user=ada).values_list("change_message", flat=True))
    assert said == {
        "Low: Automatic: assign to the best match",
        "skill_weight = 50, automatic_minimum_score = 60",
    }


def test_saving_has_waiting_jobs_looked_at_and_saving_nothing_does_not(save, monkeypatch):
    asked = []
    monkeypatch.setattr(
        assignment_rules, "enqueue", lambda task: transaction.on_commit(lambda: None) or asked.append(task)
    )
    save()
    assert asked == []
    save(**{"rule-low": "suggest"})
    assert asked == ["dispatch.tasks.dispatch_waiting_jobs"]


def test_all_weights_zero_is_refused_with_the_reason(save):
    zero = {f"{kind}_weight": "0" for kind in ("skill", "proximity", "availability", "workload", "sla")}
    response = save(**zero)
    assert response.status_code == 422
    assert "At least one weight must be above 0" in text_of(response)
    assert DispatchSettings.load().skill_weight == 25


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("skill_weight", "101"),
        ("skill_weight", "-1"),
        ("skill_weight", "x"),
        ("automatic_minimum_score", "101"),
        ("suggestion_minutes", "0"),
        ("detour_factor", "0.5"),
        ("average_speed_kmh", "500"),
        ("rule-high", "sometimes"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_saved(save, name, value):
    response = save(**{"rule-low": "automatic", name: value})
    assert response.status_code == 422
    assert AssignmentRule.mode_for(Priority.LOW) == Mode.MANUAL


@pytest.mark.parametrize("username", ["omar", "dana"])
def test_others_see_it_and_change_nothing(request, client, username):
    client.force_login(request.getfixturevalue(username))
    page = client.get(URL)
    assert "Administrators change it" in text_of(page)
    assert ">Save<" not in html_of(page)
    assert 'name="skill_weight"' in html_of(page)
    assert client.post(URL, typed(page) | {"skill_weight": "50"}).status_code == 403
    assert DispatchSettings.load().skill_weight == 25


def test_example_follows_the_weights_that_are_tried_out(client, omar):
    client.force_login(omar)
    query = {f"{kind}_weight": "0" for kind in ("skill", "proximity", "availability", "sla")} | {"workload_weight": "7"}
    page = client.get(reverse("score_example"), query)
    assert "Workload 75 of 100" in text_of(page) or "Workload 88 of 100" in text_of(page)
    assert "Skill " not in text_of(page).partition("Three technicians")[2]


def test_example_says_what_is_wrong(client, omar):
    client.force_login(omar)
    response = client.get(reverse("score_example"), {"skill_weight": "900"})
    assert response.status_code == 422
    assert "Weights are whole numbers from 0 to 100." in text_of(response)


@given(st.builds(Weights, *[st.integers(0, 100)] * 5))
def test_example_adds_up_for_any_weights(weights):
    for _, score in example_scores(weights, StraightLine(1.3, 35), day=date(2026, 3, 9)):
        assert sum(factor.out_of for factor in score.factors) == 100
        assert score.total == sum(factor.points for factor in score.factors) <= 100


def test_page_is_linked_from_the_menu_the_palette_and_the_admin(client, ada):
    client.force_login(ada)
    for url in (reverse("dashboard"), reverse("palette") + "?q=auto", reverse("admin:index")):
        assert f'href="{URL}"' in html_of(client.get(url, headers={"HX-Request": "true"})), url


def test_technician_does_not_know_of_it(client, tess):
    client.force_login(tess.user)
    assert client.get(URL).status_code == 403
