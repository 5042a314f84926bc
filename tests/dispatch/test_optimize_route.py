"""Optimize Route: the day as it is, the better order that is proposed, changing that by hand, and doing it."""

from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import BoardAction, Job, Plan, Status
from dispatch.palette import load_palette
from technicians.models import WorkingHours
from tests.factories import SiteFactory, TechnicianFactory, make_job
from tests.pages import html_of, text_of

DAY = timezone.localdate() + timedelta(days=3)

pytestmark = pytest.mark.django_db


def at(hour: int, minute: int = 0, *, day: date = DAY):
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


@pytest.fixture
def working_tess(tess):
    """She begins at home, in the south-west of North, and works from 8 to 18."""
    tess.home_latitude, tess.home_longitude = 40.02, -75.18
    tess.save()
    for weekday in range(7):
        WorkingHours.objects.create(technician=tess, weekday=weekday, starts_at=time(8), ends_at=time(18))
    return tess


@pytest.fixture
def job_at(dana, working_tess, north):
    """A job of Tess that lies so many hundredths of a degree east of her home."""

    def make(east: int, starts_at=None, *, technician=None, **fields):
        site = SiteFactory(latitude=40.02, longitude=-75.18 + east / 100)
        given = {"scheduled_on": DAY, "planned_starts_at": starts_at, "duration_minutes": 30} | fields
        return make_job(Status.ASSIGNED, by=dana, technician=technician or working_tess, site=site, **given)

    return make


@pytest.fixture
def zigzag(job_at):
    """Far, near, farther, in between: the planned order drives the same road again and again."""
    return [job_at(east, at(9 + hour)) for hour, east in enumerate((10, 2, 14, 6))]


@pytest.fixture
def proposed(dana, working_tess, zigzag):
    plan = actions.ask_for_plan(Plan.Kind.ROUTE, DAY, [working_tess], by=dana, with_unassigned=False)
    actions.work_out_plan(plan.pk)
    plan.refresh_from_db()
    assert plan.state == Plan.State.PROPOSED
    return plan


@pytest.fixture
def as_dana(client, dana):
    client.force_login(dana)
    return client


def day_url(technician, day=DAY) -> str:
    return f"{reverse('optimize_route', args=[technician.pk])}?day={day}"


def order_of(plan) -> list[int]:
    plan.refresh_from_db()
    return [stop["job"] for stop in plan.result["routes"][0]["stops"]]


def orders(client, plan, order, **more):
    technician = plan.technicians.get()
    return client.post(reverse("reorder_route", args=[plan.pk, technician.pk]), {"job": order} | more)


# The day as it is ---------------------------------------------------------------------------------


def test_dispatcher_sees_the_stops_in_todays_order_and_what_they_cost(as_dana, working_tess, zigzag):
    page = as_dana.get(day_url(working_tess))
    text = text_of(page)
    places = [text.index(job.number) for job in zigzag]
    assert places == sorted(places)
    assert "4 still to do" in text
    assert "best order of the 4 jobs still to do" in text


def test_a_day_with_one_job_has_no_order_to_choose(as_dana, working_tess, job_at):
    job_at(3, at(9))
    page = as_dana.get(day_url(working_tess))
    assert "there is no order to choose" in text_of(page)
    assert "disabled" in html_of(page)[html_of(page).index('data-key="r"') :][:60]


def test_what_lies_in_other_zones_is_counted_and_not_shown(as_dana, omar, working_tess, zigzag, south):
    working_tess.zones.add(south)
    site = SiteFactory(latitude=39.9, longitude=-75.1)
    hidden = make_job(
        Status.ASSIGNED, by=omar, technician=working_tess, site=site, scheduled_on=DAY, description="Secret"
    )
    text = text_of(as_dana.get(day_url(working_tess)))
    assert "1 more job of this day lies in zones where you do not dispatch" in text
    assert "Secret" not in text
    assert hidden.number not in text


def test_dispatcher_cannot_open_the_route_of_a_technician_of_another_zone(as_dana, tom):
    assert as_dana.get(day_url(tom)).status_code == 404
    assert as_dana.post(day_url(tom)).status_code == 404


def test_another_technician_is_a_choice_away(as_dana, working_tess, north):
    uma = TechnicianFactory(user__username="uma", zones=[north])
    page = as_dana.get(f"{day_url(working_tess)}&to={uma.pk}")
    assert page.url == day_url(uma)
    assert as_dana.get(f"{day_url(working_tess)}&to={working_tess.pk}").status_code == 200


@pytest.mark.parametrize("query", ["?day=", "?day=x", "?day=9999-12-31", "?day=0001-01-01", "?to=x", "?to=²", "?to="])
def test_odd_addresses_show_a_page(as_dana, working_tess, query):
    assert as_dana.get(reverse("optimize_route", args=[working_tess.pk]) + query).status_code == 200


def test_nobody_is_sent_to_a_technician_who_is_not_there(as_dana, working_tess, tom):
    for to in ("9" * 30, str(tom.pk)):
        assert as_dana.get(f"{day_url(working_tess)}&to={to}").status_code == 404


@pytest.mark.parametrize("pk", [0, 2**63, int("9" * 30)])
def test_numbers_of_nothing_are_answered(as_dana, pk):
    assert as_dana.get(reverse("optimize_route", args=[pk])).status_code == 404
    assert as_dana.get(reverse("plan_map", args=[pk])).status_code == 404
    for name, args in (
        ("optimize_route", [pk]),
        ("reorder_route", [pk, 1]),
        ("apply_route", [pk]),
        ("discard_route", [pk]),
    ):
        assert as_dana.post(reverse(name, args=args)).status_code == 404


def test_query_count_of_the_day_does_not_grow(as_dana, working_tess, job_at):
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert as_dana.get(day_url(working_tess)).status_code == 200
        return len(queries)

    for number in range(3):
        job_at(number + 1, at(8 + number))
    first = count()
    for number in range(12):
        job_at(number + 1, at(11, 4 * number))
    assert count() == first


def test_palette_finds_routes_by_the_technicians_name(dana, working_tess, tom):
    def routes(text):
        groups = load_palette(dana, text=text, here="/board/", recent=[])
        return [option.label for group in groups if group.name == "Optimize Route" for option in group.options]

    assert routes("route tess") == routes("optim") == routes("optimize the route of Tess")
    assert routes("route tess") == ["Optimize the route of Tess"]
    assert routes("ro") == routes("tess") == []
    recent = load_palette(dana, text="", here="/board/", recent=[f"route.{working_tess.pk}", f"route.{tom.pk}"])
    assert [option.label for option in recent[0].options] == ["Optimize the route of Tess"]


# Asking -------------------------------------------------------------------------------------------


def test_optimizing_asks_for_a_plan_of_this_route_alone(as_dana, dana, working_tess, zigzag):
    answer = as_dana.post(day_url(working_tess))
    plan = Plan.objects.get()
    assert answer.url == reverse("plan", args=[plan.pk])
    assert (plan.kind, plan.day, plan.created_by, plan.with_unassigned) == (Plan.Kind.ROUTE, DAY, dana, False)
    assert list(plan.technicians.all()) == [working_tess]


def test_asked_twice_the_second_hears_who_is_at_it_and_how_far(as_dana, working_tess, zigzag):
    as_dana.post(day_url(working_tess))
    again = as_dana.post(day_url(working_tess))
    assert again.status_code == 409
    assert "is planning that day of Tess already" in text_of(again)
    assert Plan.objects.count() == 1


def test_a_day_that_is_over_is_not_planned(as_dana, working_tess):
    yesterday = timezone.localdate() - timedelta(days=1)
    assert as_dana.post(day_url(working_tess, yesterday)).status_code == 409
    assert "That day is over" in text_of(as_dana.get(day_url(working_tess, yesterday)))


# The proposal -------------------------------------------------------------------------------------


def test_the_proposal_says_what_it_saves_and_when_everybody_is_reached(as_dana, proposed, zigzag):
    far, near, farther, between = zigzag
    assert order_of(proposed) == [near.pk, between.pk, far.pk, farther.pk]
    text = text_of(as_dana.get(reverse("plan", args=[proposed.pk])))
    assert "Saves" in text
    assert "km" in text
    assert "was 10:00" in text
    places = [text.index(job.number) for job in (near, between, far, farther)]
    assert places == sorted(places)
    assert all(Job.objects.get(pk=job.pk).planned_starts_at == job.planned_starts_at for job in zigzag)


def test_a_proposal_that_changes_nothing_offers_nothing_to_apply(as_dana, dana, proposed, working_tess):
    actions.apply_plan(proposed, by=dana)
    plan = actions.ask_for_plan(Plan.Kind.ROUTE, DAY, [working_tess], by=dana, with_unassigned=False)
    actions.work_out_plan(plan.pk)
    page = as_dana.get(reverse("plan", args=[plan.pk]))
    assert "The planned order is the best that was found: there is nothing to change" in text_of(page)
    assert "Keep the plan" in text_of(page)
    assert "data-apply" not in html_of(page)


def test_where_only_the_times_would_change_that_is_said(as_dana, dana, working_tess, job_at):
    for hour, east in enumerate((2, 6, 10)):
        job_at(east, at(12 + hour))
    plan = actions.ask_for_plan(Plan.Kind.ROUTE, DAY, [working_tess], by=dana, with_unassigned=False)
    actions.work_out_plan(plan.pk)
    text = text_of(as_dana.get(reverse("plan", args=[plan.pk])))
    assert "Only the times would change" in text
    assert "Apply the times" in text


def test_dispatcher_reorders_by_hand_and_the_times_follow(as_dana, proposed, zigzag):
    order = order_of(proposed)
    new = [order[1], order[0], *order[2:]]
    page = orders(as_dana, proposed, new, headers={"HX-Request": "true", "HX-Target": "route-review"})
    assert order_of(proposed) == new
    stops = proposed.result["routes"][0]["stops"]
    assert stops == sorted(stops, key=lambda stop: stop["starts_at"])
    assert page.status_code == 302, "without htmx back to the proposal"
    assert "Changed by hand" in text_of(as_dana.get(page.url))


def test_the_answer_to_a_move_holds_the_list_the_figures_and_the_buttons(as_dana, proposed):
    order = order_of(proposed)
    url = reverse("reorder_route", args=[proposed.pk, proposed.technicians.get().pk])
    headers = {"HX-Request": "true", "HX-Target": "route-review"}
    page = html_of(as_dana.post(url, {"job": order[::-1]}, headers=headers))
    assert page.strip().startswith('<div id="route-review"')
    assert 'id="route-summary" class="route-summary" hx-swap-oob="true"' in page
    assert 'id="route-actions" hx-swap-oob="true"' in page
    assert "<html" not in page


def test_a_move_without_a_script_is_a_button_of_the_form(as_dana, proposed):
    order = order_of(proposed)
    orders(as_dana, proposed, order, move=f"{order[0]}:1")
    assert order_of(proposed) == [order[1], order[0], *order[2:]]
    orders(as_dana, proposed, order, move=f"{order[0]}:-1")
    assert order_of(proposed) == order, "the first goes no further"


def test_a_rule_that_the_order_breaks_is_said_beside_the_stop(as_dana, dana, proposed, working_tess, zigzag):
    Job.objects.filter(pk=zigzag[1].pk).update(is_fixed=True, planned_starts_at=at(9))
    actions.discard_plan(proposed, by=dana)
    plan = actions.ask_for_plan(Plan.Kind.ROUTE, DAY, [working_tess], by=dana, with_unassigned=False)
    actions.work_out_plan(plan.pk)
    rest = [pk for pk in order_of(plan) if pk != zigzag[1].pk]
    page = as_dana.get(orders(as_dana, plan, [*rest, zigzag[1].pk]).url)
    assert "after its fixed time" in text_of(page)
    assert f'id="fault-{zigzag[1].pk}-1"' in html_of(page)
    assert "Apply although 1 rule is broken" in text_of(page)


@pytest.mark.parametrize("sent", [[], ["x"], ["²"], ["9" * 40], ["-1"], ["1", "2"]])
def test_an_odd_order_changes_nothing(as_dana, proposed, sent):
    before = order_of(proposed)
    assert orders(as_dana, proposed, sent).status_code in (409, 422)
    assert order_of(proposed) == before


@pytest.mark.parametrize("move", ["", "x", ":", "0:1", "x:1", "1:99", "²:1"])
def test_an_odd_move_changes_nothing(as_dana, proposed, move):
    before = order_of(proposed)
    assert orders(as_dana, proposed, before, move=move).status_code == 302
    assert order_of(proposed) == before


def test_whoever_dispatches_elsewhere_does_not_know_of_the_proposal(proposed, south):
    from dispatch.roles import Role
    from tests.factories import UserFactory
    from zones.access import grant_zones

    other = UserFactory(username="olga", role=Role.DISPATCHER)
    grant_zones(other, [south])
    client = Client()
    client.force_login(other)
    assert client.get(reverse("plan_map", args=[proposed.pk])).status_code == 404
    for name in ("apply_route", "discard_route"):
        assert client.post(reverse(name, args=[proposed.pk])).status_code == 404
    assert orders(client, proposed, [1]).status_code == 404
    proposed.refresh_from_db()
    assert proposed.state == Plan.State.PROPOSED


def test_only_the_routes_of_the_plan_are_put_in_order(as_dana, proposed, tom):
    assert as_dana.post(reverse("reorder_route", args=[proposed.pk, tom.pk]), {"job": [1]}).status_code == 404


# The map ------------------------------------------------------------------------------------------


def test_the_map_numbers_the_stops_as_the_list_does_and_keeps_todays_line(as_dana, proposed, zigzag):
    drawn = as_dana.get(reverse("plan_map", args=[proposed.pk])).json()
    (route,) = drawn["routes"]
    assert [stop["job"] for stop in route["stops"]] == order_of(proposed)
    assert [stop["number"] for stop in route["stops"]] == [1, 2, 3, 4]
    assert route["line"] == [route["start"], *(stop["at"] for stop in route["stops"])]
    assert [round(longitude + 75.18, 2) for _, longitude in route["was"]] == [0, 0.10, 0.02, 0.14, 0.06]


def test_the_map_names_no_job_of_another_zone(as_dana, omar, working_tess, zigzag, south):
    working_tess.zones.add(south)
    site = SiteFactory(latitude=39.99, longitude=-75.15)
    make_job(
        Status.ASSIGNED,
        by=omar,
        technician=working_tess,
        site=site,
        scheduled_on=DAY,
        planned_starts_at=at(14),
        description="Secret",
    )
    plan = actions.ask_for_plan(Plan.Kind.ROUTE, DAY, [working_tess], by=omar, with_unassigned=False)
    actions.work_out_plan(plan.pk)
    Plan.objects.filter(pk=plan.pk).update(created_by=as_dana.get("/board/").wsgi_request.user)
    for url in (reverse("plan_map", args=[plan.pk]), reverse("plan", args=[plan.pk])):
        answer = html_of(as_dana.get(url))
        assert "Secret" not in answer
        assert "job in another zone" in answer


def test_query_counts_of_the_proposal_do_not_grow(as_dana, dana, working_tess, job_at):
    def counts() -> list[int]:
        plan = actions.ask_for_plan(Plan.Kind.ROUTE, DAY, [working_tess], by=dana, with_unassigned=False)
        actions.work_out_plan(plan.pk)
        found = []
        for ask in (
            lambda: as_dana.get(reverse("plan", args=[plan.pk])),
            lambda: as_dana.get(reverse("plan_map", args=[plan.pk])),
            lambda: orders(as_dana, plan, order_of(plan)[::-1]),
        ):
            with CaptureQueriesContext(connection) as queries:
                assert ask().status_code in (200, 302)
            found.append(len(queries))
        actions.discard_plan(plan, by=dana)
        return found

    for number in range(3):
        job_at(number + 1, at(8 + number))
    counts()  # what every process asks once
    first = counts()
    for number in range(8):
        job_at(14 - number, at(11, 5 * number))
    assert counts() == first


# Doing it -----------------------------------------------------------------------------------------


def test_applying_is_one_action_and_one_undo_takes_it_back(as_dana, dana, proposed, zigzag):
    was = {job.pk: job.planned_starts_at for job in zigzag}
    done = BoardAction.objects.count()
    answer = as_dana.post(reverse("apply_route", args=[proposed.pk]))
    assert answer.url == reverse("plan", args=[proposed.pk])
    assert "The route is applied" in text_of(as_dana.get(answer.url))
    now = {job.pk: job.planned_starts_at for job in Job.objects.all()}
    assert sorted(now, key=now.get) == order_of(proposed)
    assert BoardAction.objects.count() == done + 1
    as_dana.post(reverse("undo_last"))
    assert {job.pk: job.planned_starts_at for job in Job.objects.all()} == was


def test_on_the_page_applying_offers_the_undo_at_once(as_dana, proposed):
    headers = {"HX-Request": "true", "HX-Target": "route-plan"}
    answer = as_dana.post(reverse("apply_route", args=[proposed.pk]), headers=headers)
    assert "data-undo-applied" in html_of(answer)
    assert '"undo": true' in answer.headers["HX-Trigger"]


def test_a_day_that_changed_is_not_overwritten_and_says_what_changed(as_dana, dana, proposed, zigzag):
    actions.change_status(zigzag[0], Status.CANCELLED, by=dana, note="Moved away")
    page = as_dana.get(reverse("plan", args=[proposed.pk]))
    assert f"{zigzag[0].number} was cancelled by Dana" in text_of(page)
    answer = as_dana.post(reverse("apply_route", args=[proposed.pk]))
    assert answer.status_code == 409
    assert f"{zigzag[0].number} was cancelled by Dana" in text_of(answer)
    assert Job.objects.get(pk=zigzag[1].pk).planned_starts_at == zigzag[1].planned_starts_at


def test_an_order_made_by_hand_is_what_is_applied(as_dana, proposed):
    wanted = order_of(proposed)[::-1]
    orders(as_dana, proposed, wanted)
    as_dana.post(reverse("apply_route", args=[proposed.pk]))
    now = {job.pk: job.planned_starts_at for job in Job.objects.all()}
    assert sorted(now, key=now.get) == wanted


def test_discarding_goes_back_to_the_day(as_dana, proposed, working_tess):
    assert as_dana.post(reverse("discard_route", args=[proposed.pk])).url == day_url(working_tess)
    proposed.refresh_from_db()
    assert proposed.state == Plan.State.DISCARDED
    # In another tab it is still open.
    for name in ("apply_route", "discard_route"):
        assert as_dana.post(reverse(name, args=[proposed.pk])).url == reverse("plan", args=[proposed.pk])
    assert orders(as_dana, proposed, order_of(proposed)).url == reverse("plan", args=[proposed.pk])
    assert "was discarded" in text_of(as_dana.get(reverse("plan", args=[proposed.pk])))


def test_applied_twice_says_so_and_changes_nothing_more(as_dana, proposed):
    as_dana.post(reverse("apply_route", args=[proposed.pk]))
    done = BoardAction.objects.count()
    again = as_dana.post(reverse("apply_route", args=[proposed.pk]))
    assert again.status_code == 409
    assert "applied already" in text_of(again)
    assert BoardAction.objects.count() == done
