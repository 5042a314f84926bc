from importlib import import_module

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from dispatch import tasks
from dispatch.models import (
    AssignmentRule,
    BillingSettings,
    Customer,
    DispatchSettings,
    JobType,
    JobTypeSkill,
    Priority,
    Site,
    User,
)
from tests.admin_pages import adding, deletion_of, errors_on, filled, listing, page_of
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, SkillFactory, make_job


@pytest.fixture
def enqueued(monkeypatch):
    seen = []
    monkeypatch.setattr(tasks, "enqueue", lambda task, *args: seen.append(task))
    return seen


@pytest.fixture
def superuser(ada):
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    return User.objects.get(pk=ada.pk)


# Who is kept out of what --------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["dana", "omar"])
def test_dispatching_roles_are_kept_out_of_billing_settings(client, db, request, who):
    row = BillingSettings.load()
    client.force_login(request.getfixturevalue(who))
    for url in (listing(BillingSettings), page_of(row), page_of(row).replace("change", "history")):
        assert client.get(url).status_code == 403, url
    assert client.post(page_of(row), {"labour_rate": "1"}).status_code == 403
    assert "illing" not in client.get(reverse("admin:index")).content.decode()


@pytest.mark.parametrize("who", ["dana", "omar"])
def test_dispatching_roles_see_no_prices_on_job_types(client, request, ada, who):
    repair = JobTypeFactory(fixed_price="123.45")
    client.force_login(request.getfixturevalue(who))
    for url in (page_of(repair), listing(JobType)):
        text = client.get(url).content.decode()
        assert "123.45" not in text
        assert "ixed price" not in text


@pytest.mark.parametrize("who", ["dana", "omar"])
@pytest.mark.parametrize("model", [DispatchSettings, AssignmentRule, JobType])
def test_dispatching_roles_look_at_the_configuration_and_change_nothing(client, db, request, who, model):
    JobTypeFactory()
    DispatchSettings.load()
    row = model.objects.first()
    client.force_login(request.getfixturevalue(who))
    assert client.get(page_of(row)).status_code == 200
    assert client.post(page_of(row), {}).status_code == 403
    assert client.post(deletion_of(row), {"post": "yes"}).status_code == 403
    assert client.get(adding(model)).status_code == 403


@pytest.mark.parametrize("who", ["dana", "omar"])
def test_dispatching_roles_work_on_customers_on_the_board_and_not_here(client, db, request, who):
    site = SiteFactory()
    client.force_login(request.getfixturevalue(who))
    for url in (listing(Customer), page_of(site.customer), adding(Customer), listing(Site), page_of(site)):
        assert client.get(url).status_code == 403, url


def test_jobs_are_not_in_the_admin():
    assert not [model for model in admin.site._registry if model.__name__ in ("Job", "JobClock", "BillingRecord")]


# Single rows and rules ----------------------------------------------------------------------------


@pytest.mark.parametrize("model", [DispatchSettings, BillingSettings])
def test_settings_are_one_row_that_is_neither_added_nor_deleted(client, superuser, model):
    client.force_login(superuser)
    response = client.get(listing(model))
    row = model.objects.get()
    assert response.url == page_of(row)
    assert client.get(adding(model)).status_code == 403
    assert client.post(deletion_of(row), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (dict.fromkeys([f"{n}_weight" for n in ("skill", "proximity", "availability", "workload", "sla")], "0"), "At least one weight"),
        ({"skill_weight": "101"}, "less than or equal to 100"),
        ({"skill_weight": "-1"}, "greater than or equal to 0"),
        ({"detour_factor": "0.9"}, "greater than or equal to 1"),
        ({"average_speed_kmh": "900"}, "less than or equal to 130"),
    ],
)  # fmt: skip
def test_impossible_dispatch_settings_are_refused_with_the_reason(client, ada, changes, reason):
    client.force_login(ada)
    page = page_of(DispatchSettings.load())
    response = client.post(page, filled(client.get(page), **changes))
    assert reason in errors_on(response)
    assert "onstraint" not in errors_on(response)


def test_impossible_billing_settings_are_refused_with_the_reason(client, ada):
    client.force_login(ada)
    page = page_of(BillingSettings.load())
    response = client.post(page, filled(client.get(page), labour_rate="-1", currency="usd", tax_rate="101"))
    for reason in ("greater than or equal to 0", "Three capital letters, as in USD.", "less than or equal to 100"):
        assert reason in errors_on(response)


def test_admin_saves_dispatch_and_billing_settings(client, ada):
    client.force_login(ada)
    for row, change in (
        (DispatchSettings.load(), {"skill_weight": "70"}),
        (BillingSettings.load(), {"labour_rate": "99.5"}),
    ):
        response = client.post(page_of(row), filled(client.get(page_of(row)), **change), follow=True)
        assert response.redirect_chain[-1] == (page_of(row), 302)  # by way of the list that goes to the one row
        assert "was changed successfully" in response.content.decode()
    assert (DispatchSettings.load().skill_weight, BillingSettings.load().labour_rate) == (70, 99.5)


def test_rules_are_changed_in_the_list_and_neither_added_nor_deleted(client, ada):
    client.force_login(ada)
    rules = AssignmentRule.objects.all()
    data = {"form-TOTAL_FORMS": 4, "form-INITIAL_FORMS": 4, "_save": "Save"}
    for number, rule in enumerate(rules):
        data |= {f"form-{number}-id": rule.pk, f"form-{number}-mode": "automatic"}
    client.post(listing(AssignmentRule), data)
    assert {rule.mode for rule in AssignmentRule.objects.all()} == {"automatic"}
    assert client.get(adding(AssignmentRule)).status_code == 403
    assert client.post(deletion_of(rules[0]), {"post": "yes"}).status_code == 403


def test_missing_rule_is_added_and_its_priority_never_changes(client, ada):
    AssignmentRule.objects.filter(priority=Priority.LOW).delete()
    client.force_login(ada)
    client.post(adding(AssignmentRule), {"priority": Priority.LOW, "mode": "manual"})
    rule = AssignmentRule.objects.get(priority=Priority.LOW)
    client.post(page_of(rule), {"priority": Priority.URGENT, "mode": "suggest"})
    rule.refresh_from_db()
    assert (rule.priority, rule.mode) == (Priority.LOW, "suggest")


def test_new_database_has_a_rule_for_each_priority_and_seeding_again_changes_none(db):
    AssignmentRule.objects.filter(priority=Priority.HIGH).update(mode="automatic")
    import_module("dispatch.migrations.0004_assignment_rules").seed(apps, None)
    assert dict(AssignmentRule.objects.values_list("priority", "mode")) == {
        Priority.LOW: "manual",
        Priority.NORMAL: "suggest",
        Priority.HIGH: "automatic",
        Priority.URGENT: "suggest",
    }


# Job types, customers, sites ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "Repair"}, "already exists"),
        ({"default_duration_minutes": "4"}, "greater than or equal to 5"),
        ({"fixed_price": "-1"}, "greater than or equal to 0"),
    ],
)
def test_impossible_job_type_is_refused_with_the_reason(client, ada, changes, reason):
    JobTypeFactory(name="Repair")
    client.force_login(ada)
    response = client.post(adding(JobType), filled(client.get(adding(JobType)), **{"name": "Tune-up"} | changes))
    assert reason in errors_on(response)
    assert "onstraint" not in errors_on(response)


def test_job_type_in_use_stays(client, ada):
    job = make_job(by=ada)
    client.force_login(ada)
    text = client.post(deletion_of(job.job_type), {"post": "yes"}, follow=True).content.decode()
    assert "“Repair” cannot be deleted: it is used by 1 job." in text


def test_admin_adds_a_job_type_with_the_skills_it_requires(client, ada):
    skill = SkillFactory(name="HVAC")
    client.force_login(ada)
    data = filled(client.get(adding(JobType)), name="Tune-up", fixed_price="80")
    data |= {"required_skills-TOTAL_FORMS": 1, "required_skills-0-skill": skill.pk, "required_skills-0-level": 3}
    response = client.post(adding(JobType), data)
    assert response.status_code == 302, errors_on(response)
    assert JobTypeSkill.objects.get(job_type__name="Tune-up").level == 3


def test_job_type_that_requires_a_skill_twice_is_refused(client, ada):
    skill = SkillFactory(name="HVAC")
    client.force_login(ada)
    data = filled(client.get(adding(JobType)), name="Tune-up") | {"required_skills-TOTAL_FORMS": 2}
    for number in (0, 1):
        data |= {f"required_skills-{number}-skill": skill.pk, f"required_skills-{number}-level": 3}
    assert "duplicate" in errors_on(client.post(adding(JobType), data))


def test_site_with_half_a_position_is_refused(client, ada):
    site = SiteFactory()
    client.force_login(ada)
    response = client.post(page_of(site), filled(client.get(page_of(site)), latitude="40.1", longitude=""))
    assert errors_on(response) == "Give both the latitude and the longitude, or neither."


def test_moved_site_is_in_its_new_zone_and_takes_its_jobs_along(client, ada, north, enqueued):
    site = SiteFactory()
    client.force_login(ada)
    client.post(page_of(site), filled(client.get(page_of(site)), latitude="40.1", longitude="-75.1"))
    assert Site.objects.get().zone == north
    assert enqueued == [tasks.rezone_open_jobs]


def test_admin_adds_a_customer_with_a_site(client, ada, north, enqueued):
    client.force_login(ada)
    data = filled(client.get(adding(Customer)), name="Ash Bakery", phone="+1 (555) 010-0000")
    data |= {
        "sites-TOTAL_FORMS": 1,
        "sites-0-address": "1 Ash St",
        "sites-0-latitude": "40.1",
        "sites-0-longitude": "-75.1",
    }
    response = client.post(adding(Customer), data)
    assert response.status_code == 302, errors_on(response)
    customer = Customer.objects.get()
    assert (customer.phone_digits, customer.sites.get().zone) == ("5550100000", north)


def test_customer_with_jobs_stays(client, ada):
    job = make_job(by=ada)
    client.force_login(ada)
    text = client.post(deletion_of(job.customer), {"post": "yes"}, follow=True).content.decode()
    assert "cannot be deleted" in text


def test_every_page_of_the_admin_opens_for_an_admin(client, ada, tess, north):
    make_job("completed", by=ada, zone=north, technician=tess)
    CustomerFactory()
    client.force_login(ada)
    for model, model_admin in admin.site._registry.items():
        request = client.get(reverse("admin:index")).wsgi_request
        if model_admin.has_view_or_change_permission(request):
            assert client.get(listing(model), follow=True).status_code == 200, model
        if model_admin.has_add_permission(request):
            assert client.get(adding(model)).status_code == 200, model
        if model_admin.has_view_or_change_permission(request) and (row := model.objects.first()):
            assert client.get(page_of(row)).status_code == 200, model


def test_header_is_truckrolls_and_leads_back(client, ada):
    client.force_login(ada)
    text = client.get(reverse("admin:index")).content.decode()
    assert "Truckroll administration" in text
    assert "Back to the board" in text


def test_admin_can_set_everything_in_the_dispatch_settings(client, ada):
    client.force_login(ada)
    page = client.get(page_of(DispatchSettings.load())).context["adminform"].form
    columns = {field.name for field in DispatchSettings._meta.fields if field.editable and not field.primary_key}
    assert columns - set(page.fields) == set()
