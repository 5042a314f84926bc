from datetime import date, time, timedelta

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from dispatch.models import User
from dispatch.roles import Role
from technicians.models import ClockRecord, OnCall, Position, Technician, TechnicianSkill
from tests.admin_pages import adding, deletion_of, errors_on, filled, listing, page_of, queries_for
from tests.factories import ServiceZoneFactory, SkillFactory, TechnicianFactory, UserFactory, make_job


def row(prefix, number, **fields):
    return {f"{prefix}-{number}-{name}": value for name, value in fields.items()}


def with_hours(response, *shifts):
    """Each shift: weekday, start, end and perhaps the break's start and end."""
    names = ["weekday", "starts_at", "ends_at", "break_starts_at", "break_ends_at"]
    data = filled(response, **{"working_hours-TOTAL_FORMS": len(shifts)})
    for number, shift in enumerate(shifts):
        data |= row("working_hours", number, **dict(zip(names, shift, strict=False)))
    return data


def test_technician_is_refused(client, tess):
    client.force_login(tess.user)
    assert client.get(page_of(tess), follow=True).status_code == 403


@pytest.mark.parametrize("who", ["dana", "omar"])
def test_dispatching_roles_never_see_a_commission_rate(client, request, ada, tess, who):
    client.force_login(ada)
    client.post(page_of(tess), filled(client.get(page_of(tess)), commission_rate="17.25", phone="555-0100"))
    client.post(page_of(tess), filled(client.get(page_of(tess)), commission_rate="18.75"))
    assert Technician.objects.get().commission_rate == 18.75

    client.force_login(request.getfixturevalue(who))
    history = reverse("admin:technicians_technician_history", args=[tess.pk])
    for url in (page_of(tess), listing(Technician), history):
        text = client.get(url).content.decode()
        assert "ommission" not in text, url
        assert "18.75" not in text, url
    assert "Changed Phone." in client.get(history).content.decode()


@pytest.mark.expects_error_logs
@pytest.mark.parametrize("lookup", ["commission_rate", "commission_rate__gte"])
def test_commission_rate_cannot_be_guessed_by_filtering(client, omar, tess, lookup):
    client.force_login(omar)
    assert client.get(listing(Technician), {lookup: "0"}).status_code == 400


def test_admin_sees_that_a_commission_rate_changed(client, ada, tess):
    client.force_login(ada)
    client.post(page_of(tess), filled(client.get(page_of(tess)), commission_rate="12.5"))
    history = client.get(reverse("admin:technicians_technician_history", args=[tess.pk])).content.decode()
    assert "Commission rate (%)" in history
    assert "12.5" in client.get(listing(Technician)).content.decode()


@pytest.mark.parametrize("who", ["dana", "omar"])
def test_dispatching_roles_change_no_technician(client, request, tess, who):
    client.force_login(request.getfixturevalue(who))
    assert client.get(page_of(tess)).status_code == 200
    assert client.post(page_of(tess), {"daily_maximum": "1"}).status_code == 403
    assert client.get(adding(Technician)).status_code == 403


def test_dispatcher_sees_no_technician_outside_her_zones(client, dana, tess, tom):
    client.force_login(dana)
    assert [technician.pk for technician in client.get(listing(Technician)).context["cl"].result_list] == [tess.pk]
    assert client.get(page_of(tom), follow=True).redirect_chain  # as if there were none


@pytest.mark.parametrize(
    ("home", "reason"),
    [
        ({"home_latitude": "", "home_longitude": "-75"}, "Give both the latitude and the longitude, or neither."),
        ({"home_latitude": "40", "home_longitude": ""}, "Give both the latitude and the longitude, or neither."),
        ({"home_latitude": "91"}, "Must lie between -90 and 90 degrees."),
        ({"home_longitude": "-181"}, "Must lie between -180 and 180 degrees."),
        ({"commission_rate": "101"}, "less than or equal to 100"),
        ({"daily_maximum": "0"}, "greater than or equal to 1"),
    ],
)
def test_technician_with_a_wrong_value_is_refused_with_the_reason(client, ada, tess, home, reason):
    client.force_login(ada)
    response = client.post(page_of(tess), filled(client.get(page_of(tess)), **home))
    assert errors_on(response).count(reason) == 1
    assert "onstraint" not in errors_on(response)


@pytest.mark.parametrize(
    ("shifts", "reason"),
    [
        ([(0, "08:00", "08:00")], "A shift cannot end at the minute at which it starts."),
        ([(0, "08:00", "17:00", "12:00")], "Give both the start and the end of the break, or neither."),
        ([(0, "08:00", "17:00", "13:00", "12:00")], "The break must end after it starts"),
        ([(0, "08:00", "17:00", "06:00", "07:00")], "The break must end after it starts and lie within the shift."),
        ([(0, "22:00", "06:00", "07:00", "08:00")], "The break must end after it starts and lie within the shift."),
        ([(0, "08:00", "12:00"), (0, "11:00", "17:00")], "The shift on Monday from 08:00 to 12:00 overlaps"),
        ([(0, "22:00", "06:00"), (1, "05:00", "09:00")], "The shift on Monday from 22:00 to 06:00 overlaps"),
        ([(0, "05:00", "09:00"), (6, "22:00", "06:00")], "The shift on Sunday from 22:00 to 06:00 overlaps"),
    ],
)
def test_impossible_working_hours_are_refused_with_the_reason(client, ada, tess, shifts, reason):
    client.force_login(ada)
    response = client.post(page_of(tess), with_hours(client.get(page_of(tess)), *shifts))
    assert reason in errors_on(response)
    assert not tess.working_hours.exists()


def test_time_off_that_ends_before_it_starts_is_refused(client, ada, tess):
    client.force_login(ada)
    data = filled(client.get(page_of(tess)), **{"time_off-TOTAL_FORMS": 1}) | row(
        "time_off",
        0,
        kind="vacation",
        starts_at_0="2026-07-02",
        starts_at_1="08:00",
        ends_at_0="2026-07-01",
        ends_at_1="08:00",
    )
    response = client.post(page_of(tess), data)
    assert errors_on(response) == "Time off must end after it starts."


@pytest.mark.parametrize(
    ("spans", "reason"),
    [
        ([("08:00", "08:00")], "Being on call must end after it starts."),
        ([("08:00", "12:00"), ("12:00", "13:00")], ""),
        (
            [("12:00", "14:00"), ("08:00", "12:01")],
            "On call from 01 Jul 08:00 to 01 Jul 12:01 overlaps from 01 Jul 12:00 to 01 Jul 14:00.",
        ),
    ],
)
def test_being_on_call_twice_at_once_is_refused(client, ada, tess, spans, reason):
    client.force_login(ada)
    data = filled(client.get(page_of(tess)), **{"on_call-TOTAL_FORMS": len(spans)})
    for number, (start, end) in enumerate(spans):
        data |= row(
            "on_call",
            number,
            starts_at_0="2026-07-01",
            starts_at_1=start,
            ends_at_0="2026-07-01",
            ends_at_1=end,
        )
    response = client.post(page_of(tess), data)
    assert tess.on_call.count() == (0 if reason else len(spans))
    assert not reason or errors_on(response) == reason


def test_being_on_call_can_be_entered_by_itself_but_not_twice(client, ada, tess):
    client.force_login(ada)
    times = {"starts_at_0": "2026-07-01", "starts_at_1": "18:00", "ends_at_0": "2026-07-02", "ends_at_1": "08:00"}
    for _ in range(2):
        response = client.post(adding(OnCall), {"technician": tess.pk, **times})
    assert "Tess is on call already from 01 Jul 18:00 to 02 Jul 08:00." in errors_on(response)
    assert tess.on_call.count() == 1
    assert "Tess" in client.get(listing(OnCall)).content.decode()


def test_certificate_date_with_a_mistyped_year_is_refused(client, ada, tess):
    client.force_login(ada)
    data = filled(client.get(page_of(tess)), **{"skills-TOTAL_FORMS": 1}) | row(
        "skills", 0, skill=SkillFactory().pk, level=2, certificate_expires_on="0202-01-01"
    )
    assert "Check the year" in errors_on(client.post(page_of(tess), data))


def test_technician_with_history_stays(client, ada, tess):
    ClockRecord.objects.create(technician=tess, clocked_in_at=timezone.now())
    client.force_login(ada)
    url = deletion_of(tess)
    text = client.post(url, {"post": "yes"}, follow=True).content.decode()
    assert "“Tess” cannot be deleted: it is used by 1 clock record. Untick “Active” instead" in text
    assert Technician.objects.filter(pk=tess.pk).exists()


def test_skill_in_use_stays(client, ada, tess):
    held = TechnicianSkill.objects.create(technician=tess, skill=SkillFactory(name="HVAC"))
    client.force_login(ada)
    url = reverse("admin:technicians_skill_delete", args=[held.skill_id])
    assert "“HVAC” cannot be deleted" in client.post(url, {"post": "yes"}, follow=True).content.decode()


@pytest.mark.parametrize("log", ["clockrecord", "break"])
def test_logs_are_read_only_even_for_a_superuser(client, ada, tess, log):
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    client.force_login(ada)
    assert client.get(reverse(f"admin:technicians_{log}_changelist")).status_code == 200
    assert client.get(reverse(f"admin:technicians_{log}_add")).status_code == 403


def test_nobody_looks_at_positions_in_the_admin_where_looks_are_not_recorded(client, ada, omar, tess):
    for user in (ada, omar):
        client.force_login(user)
        assert "technicians/position" not in client.get(reverse("admin:index")).content.decode()
        assert client.get("/admin/technicians/position/").status_code == 404
    assert not admin.site.is_registered(Position)


def test_admin_adds_a_technician_with_all_that_belongs_to_one(client, ada, north):
    account = UserFactory(username="tina", role=Role.TECHNICIAN)
    UserFactory(username="dora", role=Role.DISPATCHER)
    skill = SkillFactory(name="HVAC")
    client.force_login(ada)
    page = client.get(adding(Technician))
    assert list(page.context["adminform"].form.fields["user"].queryset) == [account]
    data = with_hours(page, (0, "08:00", "17:00", "12:00", "12:30"), (4, "22:00", "06:00", "23:30", "00:30"))
    data |= {"user": account.pk, "zones": [north.pk], "skills-TOTAL_FORMS": 1, "time_off-TOTAL_FORMS": 1}
    data |= row("skills", 0, skill=skill.pk, level=4, certificate_expires_on="2039-12-31")
    data |= row(
        "time_off",
        0,
        kind="sick",
        starts_at_0="2026-07-01",
        starts_at_1="00:00",
        ends_at_0="2026-07-02",
        ends_at_1="00:00",
    )
    response = client.post(adding(Technician), data)
    assert response.status_code == 302, errors_on(response)
    tina = Technician.objects.get(user=account)
    assert list(tina.zones.all()) == [north]
    assert tina.skills.get().certificate_expires_on == date(2039, 12, 31)
    assert [hours.ends_at for hours in tina.working_hours.all()] == [time(17), time(6)]
    assert tina.time_off.get().kind == "sick"


def test_admin_is_told_of_an_expired_certificate(client, ada, tess):
    yesterday = timezone.localdate() - timedelta(days=1)
    TechnicianSkill.objects.create(technician=tess, skill=SkillFactory(name="HVAC"), certificate_expires_on=yesterday)
    client.force_login(ada)
    response = client.post(page_of(tess), filled(client.get(page_of(tess))), follow=True)
    assert "The HVAC certificate expired on" in response.content.decode()


def test_whose_profile_it_is_does_not_change(client, ada, tess):
    other = UserFactory(username="tina", role=Role.TECHNICIAN)
    client.force_login(ada)
    client.post(page_of(tess), filled(client.get(page_of(tess)), user=other.pk))
    assert Technician.objects.get().user == tess.user


def test_list_of_technicians_takes_as_many_queries_for_fifty_as_for_five(client, ada):
    def hire(count):
        for technician in TechnicianFactory.create_batch(count, zones=[ServiceZoneFactory()]):
            TechnicianSkill.objects.create(technician=technician, skill=SkillFactory())

    client.force_login(ada)
    hire(5)
    few = queries_for(client, listing(Technician))
    hire(45)
    assert queries_for(client, listing(Technician)) == few


def test_page_of_a_technician_takes_as_many_queries_for_twenty_skills_as_for_two(client, ada, tess):
    def learn(count):
        for _ in range(count):
            TechnicianSkill.objects.create(technician=tess, skill=SkillFactory())

    client.force_login(ada)
    learn(2)
    few = queries_for(client, page_of(tess))
    learn(18)
    assert queries_for(client, page_of(tess)) == few


def test_technician_with_a_job_stays(client, ada, omar, north, tess):
    make_job("assigned", by=omar, zone=north, technician=tess)
    client.force_login(ada)
    url = deletion_of(tess)
    assert "1 job" in client.post(url, {"post": "yes"}, follow=True).content.decode()
