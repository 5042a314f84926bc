import re

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.job_entry import JobEntry
from dispatch.models import Customer, Job, JobTypeSkill, Priority, Site, Status, StatusChange
from technicians.models import Proficiency
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, SkillFactory, UserFactory, make_job
from tests.pages import html_of, text_of, typed

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def enter(client, dana):
    """Dana opens the form, types, and saves: everything as without htmx."""
    JobTypeFactory(name="Repair")
    client.force_login(dana)

    def send(**changes):
        page = client.get(reverse("new_job"))
        return client.post(reverse("new_job"), typed(page, **{**TYPED, **the_only_type(), **changes}))

    return send


TYPED = {
    "customer-name": "Ann Ames",
    "customer-phone": "412 555 0100",
    "site-address": "1 Elm Street",
    "description": "No heat",
    "again": None,
}


def the_only_type():
    return {"job_type": JobTypeFactory(name="Repair").pk}


def the_job() -> Job:
    return Job.objects.get()


def nothing_is_left() -> bool:
    return not (Job.objects.exists() or Customer.objects.exists() or Site.objects.exists())


# Refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"customer-name": ""}, "This field is required"),
        ({"customer-email": "ann@"}, "Enter a valid email address"),
        ({"site-address": "  "}, "This field is required"),
        ({"job_type": ""}, "This field is required"),
        ({"job_type": "999999"}, "Select a valid choice"),
        ({"priority": "5"}, "Select a valid choice"),
        ({"duration_minutes": "4"}, "greater than or equal to 5"),
        ({"duration_minutes": "1441"}, "less than or equal to 1440"),
        ({"duration_minutes": ""}, "This field is required"),
        ({"scheduled_on": "2026-02-30"}, "Enter a valid date"),
        ({"planned_time": "25:00"}, "Enter a valid time"),
        ({"block_from": "10:00", "block_to": "09:00"}, "ends before it begins"),
        ({"block_from": "10:00", "block_to": "10:00"}, "ends before it begins"),
        ({"block_from": "10:00"}, "has a beginning and an end"),
        ({"block_to": "10:00"}, "has a beginning and an end"),
        ({"scheduled_on": "", "planned_time": "10:00"}, "Choose the date that these times are on"),
        ({"scheduled_on": "", "block_from": "10:00", "block_to": "12:00"}, "Choose the date that these times are on"),
        ({"is_fixed": "on"}, "needs a time block or a planned start"),
        ({"site-latitude": "91", "site-longitude": "0"}, "less than or equal to 90"),
        ({"site-latitude": "0", "site-longitude": "-181"}, "greater than or equal to -180"),
        ({"site-latitude": "40.1"}, "Give both latitude and longitude, or neither"),
        ({"site-longitude": "-75"}, "Give both latitude and longitude, or neither"),
        ({"site-latitude": "nan", "site-longitude": "0"}, "Enter a number"),
        ({"technician": "999999"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_saved(enter, changes, said):
    response = enter(**changes)
    assert response.status_code == 422
    assert "Not saved yet" in text_of(response)
    assert said in text_of(response)
    assert nothing_is_left()


def test_all_mistakes_show_at_once_and_the_rest_is_kept(enter):
    response = enter(**{"customer-name": "", "site-address": "", "duration_minutes": "1", "planned_time": "9:30"})
    assert text_of(response).count("This field is required") == 2
    assert "greater than or equal to 5" in text_of(response)
    kept = typed(response)
    assert kept["customer-phone"] == "412 555 0100"
    assert kept["description"] == "No heat"
    assert kept["planned_time"] == "9:30"


@pytest.mark.parametrize("active", [True, False])
def test_dispatcher_of_north_cannot_assign_a_technician_she_cannot_see(enter, tom, active):
    tom.is_active = active
    tom.save()
    response = enter(technician=tom.pk)
    assert response.status_code == 422
    assert "Select a valid choice" in text_of(response)
    assert nothing_is_left()


def test_dispatcher_of_north_is_not_offered_technicians_of_south(client, dana, tess, tom):
    client.force_login(dana)
    offered = re.findall(r'<option value="(\d+)">(\w+)</option>', html_of(client.get(reverse("new_job"))))
    assert (str(tess.pk), "Tess") in offered
    assert "Tom" not in [name for _, name in offered]


def entry_by(user, **changes) -> JobEntry:
    data = {"scheduled_on": "", "duration_minutes": "60", "priority": "2", **TYPED, **the_only_type(), **changes}
    entry = JobEntry(data, user=user)
    assert entry.is_valid()
    return entry


def test_refused_assignment_leaves_no_customer_behind(dana, tess):
    entry = entry_by(dana, technician=str(tess.pk))
    entry.technician_form.cleaned_data["technician"].is_active = False  # switched off in this very moment
    with pytest.raises(actions.ActionRefused, match="no longer active"):
        entry.create()
    assert nothing_is_left()


def test_who_may_not_dispatch_leaves_no_customer_behind(nick):
    with pytest.raises(PermissionDenied):
        entry_by(nick).create()
    assert nothing_is_left()


def test_customer_of_the_page_is_not_mixed_with_the_site_of_another(enter):
    foreign = SiteFactory()
    customer = CustomerFactory()
    response = enter(customer=customer.pk, site=foreign.pk, **{"site-address": ""})
    assert response.status_code == 422
    assert not Job.objects.exists()


# Who and where ------------------------------------------------------------------------------------


def test_customer_and_site_are_made_with_the_job(enter, dana):
    response = enter(**{"customer-email": "ann@example.org", "site-access_notes": "Dog"})
    job = the_job()
    assert response.url == reverse("board")
    assert (job.customer.name, job.customer.phone, job.customer.email) == (
        "Ann Ames",
        "412 555 0100",
        "ann@example.org",
    )
    assert (job.site.address, job.site.access_notes, job.site.customer) == ("1 Elm Street", "Dog", job.customer)
    assert (job.status, job.created_by, job.source) == (Status.CREATED, dana, Job.Source.DISPATCHER)
    assert StatusChange.objects.get().actor == dana


def test_board_says_what_was_saved(enter, client):
    page = client.get(enter().url)
    assert f"{the_job().number} is Created." in text_of(page)


def test_known_phone_is_asked_about_however_it_is_spelled(enter):
    CustomerFactory(name="Bea Known", phone="(412) 555-0100")
    response = enter(**{"customer-phone": "+1 412.555.0100"})
    assert response.status_code == 422
    assert "Bea Known has this phone already" in text_of(response)
    assert "Use Bea Known" in text_of(response)
    assert Customer.objects.count() == 1


def test_known_phone_is_taken_for_another_customer_when_told_so(enter):
    CustomerFactory(name="Bea Known", phone="(412) 555-0100")
    assert enter(**{"customer-create_anyway": "on"}).status_code == 302
    assert {customer.name for customer in Customer.objects.all()} == {"Bea Known", "Ann Ames"}


def test_saying_so_survives_another_mistake_on_the_form(enter):
    CustomerFactory(name="Bea Known", phone="(412) 555-0100")
    response = enter(**{"customer-create_anyway": "on", "duration_minutes": "1"})
    assert typed(response)["customer-create_anyway"] == "on"


def test_known_customer_can_be_used_without_htmx(enter):
    known = CustomerFactory(name="Bea Known", phone="(412) 555-0100")
    button = re.search(r'<button[^>]*name="customer" value="(\d+)"', html_of(enter()))
    response = enter(customer=button[1])
    assert response.status_code == 302
    assert (the_job().customer, the_job().site.address) == (known, "1 Elm Street")
    assert Customer.objects.count() == 1


def test_short_or_missing_phones_are_nobodys(enter):
    CustomerFactory(phone="911")
    CustomerFactory(phone="")
    assert enter(**{"customer-phone": "911"}).status_code == 302


def test_chosen_customer_and_site_are_used(enter):
    site = SiteFactory()
    response = enter(customer=site.customer_id, site=site.pk, **{"customer-name": None, "site-address": ""})
    assert response.status_code == 302
    assert (the_job().customer, the_job().site) == (site.customer, site)
    assert Customer.objects.count() == Site.objects.count() == 1


def test_chosen_customer_gets_a_new_site(enter):
    site = SiteFactory()
    enter(customer=site.customer_id, site="", **{"site-address": "9 New Road"})
    assert the_job().site.address == "9 New Road"
    assert the_job().customer == site.customer
    assert Site.objects.count() == 2


def test_chosen_customer_and_site_survive_a_mistake(enter):
    first = SiteFactory()
    second = SiteFactory(customer=first.customer)
    response = enter(customer=first.customer_id, site=second.pk, duration_minutes="1")
    assert response.status_code == 422
    kept = typed(response)
    assert (kept["customer"], kept["site"]) == (str(first.customer_id), str(second.pk))
    assert not re.search(r'<input[^>]*name="site-address"[^>]*required', html_of(response))


def test_zone_is_found_from_the_pin(enter, north):
    enter(**{"site-latitude": "40.1", "site-longitude": "-75.1"})
    assert the_job().zone == the_job().site.zone == north


def test_dispatcher_cannot_create_outside_her_zones(enter, south):
    answer = enter(**{"site-latitude": "39.9", "site-longitude": "-75.1"})
    assert answer.status_code == 409
    assert "1 Elm Street lies in South, where you do not dispatch." in text_of(answer)
    assert nothing_is_left()


def test_job_outside_all_zones_or_without_a_pin_is_kept_without_a_zone(enter, north):
    enter(**{"site-latitude": "1", "site-longitude": "1"})
    enter(**{"customer-phone": ""})
    assert [job.zone for job in Job.objects.all()] == [None, None]


# What, when, and by whom --------------------------------------------------------------------------


def test_times_are_the_businesss_own(enter):
    enter(
        scheduled_on="2026-07-01",
        planned_time="09:30",
        block_from="09:00",
        block_to="11:00",
        is_fixed="on",
        priority=Priority.URGENT,
        duration_minutes="95",
    )
    job = the_job()
    local = [timezone.localtime(at) for at in (job.planned_starts_at, job.window_starts_at, job.window_ends_at)]
    assert [f"{at:%Y-%m-%d %H:%M}" for at in local] == ["2026-07-01 09:30", "2026-07-01 09:00", "2026-07-01 11:00"]
    assert (job.is_fixed, job.priority, job.duration_minutes) == (True, Priority.URGENT, 95)


def test_form_starts_with_today_and_normal_priority(client, dana):
    client.force_login(dana)
    fields = typed(client.get(reverse("new_job")))
    assert fields["scheduled_on"] == timezone.localdate().isoformat()
    assert fields["priority"] == str(Priority.NORMAL)


def test_job_may_have_no_date(enter):
    enter(scheduled_on="")
    assert the_job().scheduled_on is None


def test_first_line_of_the_description_is_the_title(enter):
    enter(description="No heat upstairs\r\nDog in the yard")
    assert the_job().title == "No heat upstairs"


def test_inactive_types_and_skills_are_not_offered(client, dana):
    JobTypeFactory(name="Forgotten", is_active=False)
    SkillFactory(name="Telegraphy", is_active=False)
    client.force_login(dana)
    page = text_of(client.get(reverse("new_job")))
    assert "Forgotten" not in page
    assert "Telegraphy" not in page


def test_chosen_skills_are_required_at_their_level(enter):
    hvac, _ = SkillFactory(name="HVAC"), SkillFactory(name="Plumbing")
    enter(**{f"skill_{hvac.pk}": Proficiency.ADVANCED})
    assert [str(need) for need in the_job().required_skills.all()] == ["HVAC from Advanced"]


def test_skill_at_a_level_that_does_not_exist_is_refused(enter):
    hvac = SkillFactory(name="HVAC")
    assert enter(**{f"skill_{hvac.pk}": "9"}).status_code == 422
    assert nothing_is_left()


def test_skills_left_empty_stay_empty_though_the_type_has_some(enter):
    hvac = SkillFactory(name="HVAC")
    JobTypeSkill.objects.create(job_type=JobTypeFactory(name="Repair"), skill=hvac)
    enter()
    assert not the_job().required_skills.exists()


def test_technician_is_assigned_at_once(enter, tess):
    enter(technician=tess.pk)
    assert (the_job().status, the_job().technician) == (Status.ASSIGNED, tess)
    assert [change.to_status for change in the_job().status_changes.all()] == [Status.CREATED, Status.ASSIGNED]


def test_save_and_new_gives_an_empty_form_that_says_what_was_saved(enter, client):
    response = enter(again="1")
    assert response.url == reverse("new_job")
    page = client.get(response.url)
    assert f"{the_job().number} is Created." in text_of(page)
    assert typed(page)["customer-name"] == ""


# The type's defaults ------------------------------------------------------------------------------


@pytest.mark.parametrize("job_type", ["", "0", "999999", "abc", "9" * 30])
def test_defaults_of_no_type_are_not_found(client, dana, job_type):
    client.force_login(dana)
    assert client.get(reverse("job_type_defaults"), {"job_type": job_type}).status_code == 404


def test_type_brings_its_duration_and_skills(client, dana):
    hvac, plumbing = SkillFactory(name="HVAC"), SkillFactory(name="Plumbing")
    install = JobTypeFactory(name="Install", default_duration_minutes=240)
    JobTypeSkill.objects.create(job_type=install, skill=hvac, level=Proficiency.EXPERT)
    client.force_login(dana)
    response = client.get(reverse("job_type_defaults"), {"job_type": install.pk})
    assert 'data-duration="240"' in html_of(response)
    assert chosen_levels(response) == {f"skill_{hvac.pk}": "4", f"skill_{plumbing.pk}": ""}


def chosen_levels(response) -> dict[str, str]:
    selects = re.findall(r'<select name="(skill_\d+)".*?</select>', html_of(response), flags=re.S)
    found = re.findall(r'<select name="(skill_\d+)".*?<option value="(\d?)" selected', html_of(response), flags=re.S)
    assert len(selects) == len(found)
    return dict(found)


# Markup in names ----------------------------------------------------------------------------------


def test_customer_named_in_markup_is_escaped_everywhere(enter, client, omar, tess):
    UserFactory(username="x", first_name=SCRIPT)
    enter(
        **{
            "customer-name": SCRIPT,
            "customer-phone": "412 555 0100",
            "site-address": SCRIPT,
            "site-access_notes": SCRIPT,
            "description": SCRIPT,
        }
    )
    job = the_job()
    actions.add_note(job, SCRIPT, by=omar)
    actions.hold_job(job, SCRIPT, by=omar)
    actions.edit_job(job, {"description": f"{SCRIPT}!"}, by=omar, base_version=99)
    make_job(by=omar, site=job.site, description=SCRIPT)
    pages = [
        reverse("board"),
        *(reverse(name, args=[job.pk]) for name in ("job", "job_drawer", "edit_job", "assign_job", "change_status")),
        reverse("hold_job", args=[job.pk]),
        reverse("edit_site", args=[job.site_id]),
        reverse("customer_sites", args=[job.customer_id]),
        reverse("customer_search") + "?customer-name=script",
        reverse("phone_owners") + "?customer-phone=4125550100",
    ]
    for url in pages:
        page = client.get(url)
        assert page.status_code == 200
        assert "<script>alert" not in html_of(page), url
        assert "&lt;script&gt;alert" in html_of(page), url
    refused = html_of(enter(**{"customer-name": SCRIPT, "description": "</textarea>" + SCRIPT}))
    assert "<script>alert" not in refused
