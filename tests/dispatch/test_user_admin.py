import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from dispatch.models import User
from dispatch.roles import Role, role_of
from technicians.models import Technician
from tests.admin_pages import adding, deletion_of, errors_on, filled, listing, page_of, queries_for
from tests.factories import PASSWORD, ServiceZoneFactory, UserFactory, make_job
from zones import access
from zones.access import grant_zones


def password_page_of(user):
    return reverse("admin:auth_user_password_change", args=[user.pk])


def new_account(**fields):
    return {
        "username": "new",
        "first_name": "New",
        "last_name": "Person",
        "email": "new@example.com",
        "password1": PASSWORD,
        "password2": PASSWORD,
        **fields,
    }


def can_log_in(client, username, password) -> bool:
    client.logout()
    response = client.post(reverse("login"), {"username": username, "password": password})
    return response.status_code == 302 and "_auth_user_id" in client.session


@pytest.fixture
def superuser(db):
    return UserFactory(username="root", is_superuser=True, is_staff=True)


# Who is kept out ----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["dana", "omar"])
def test_dispatching_roles_see_no_accounts(client, request, nick, who):
    client.force_login(request.getfixturevalue(who))
    for url in (listing(User), adding(User), page_of(nick), deletion_of(nick), password_page_of(nick)):
        assert client.get(url).status_code == 403, url
        assert client.post(url, new_account(role="admin")).status_code == 403, url
    assert not User.objects.filter(username="new").exists()
    assert "dispatch/user" not in client.get(reverse("admin:index")).content.decode()


def test_technician_and_stranger_are_refused_at_the_door(client, tess, nick):
    for user in (tess.user, nick):
        client.force_login(user)
        assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_whoever_is_not_logged_in_is_sent_to_the_one_login_page(client, db):
    for url in (listing(User), reverse("admin:login")):
        last, _ = client.get(url, follow=True).redirect_chain[-1]
        assert last.startswith(f"{reverse('login')}?next=/admin/")


def test_admin_cannot_change_their_own_role_or_lock_themselves_out(client, ada):
    client.force_login(ada)
    data = filled(client.get(page_of(ada)), role="technician", is_active=None, is_superuser="on", first_name="Adele")
    assert client.post(page_of(ada), data).status_code == 302
    ada.refresh_from_db()
    assert (ada.first_name, ada.is_active, ada.is_staff, ada.is_superuser) == ("Adele", True, True, False)
    assert role_of(User.objects.get(pk=ada.pk)) == Role.ADMIN


def test_admin_cannot_make_anyone_a_superuser_or_give_single_permissions(client, ada, dana):
    client.force_login(ada)
    page = client.get(page_of(dana))
    assert not {"is_superuser", "is_staff", "groups", "user_permissions"} & set(page.context["adminform"].form.fields)
    extra = {"is_superuser": "on", "is_staff": "on", "groups": ["1"], "user_permissions": ["1"]}
    client.post(page_of(dana), filled(page, **extra))
    dana = User.objects.get(pk=dana.pk)
    assert not dana.is_superuser
    assert [group.name for group in dana.groups.all()] == ["dispatcher"]
    assert not dana.user_permissions.exists()
    client.post(adding(User), new_account(role="manager", is_superuser="on"))
    assert not User.objects.get(username="new").is_superuser


def test_admin_cannot_take_over_or_remove_a_superuser(client, ada, superuser):
    client.force_login(ada)
    assert client.get(page_of(superuser)).status_code == 200
    assert client.post(page_of(superuser), {"username": "mine"}).status_code == 403
    assert client.get(password_page_of(superuser)).status_code == 403
    assert client.post(deletion_of(superuser), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [superuser.pk], "post": "yes"}
    text = client.post(listing(User), chosen, follow=True).content.decode()
    assert "only a superuser may delete a superuser" in text
    assert User.objects.filter(username="root").exists()


def test_nobody_deletes_their_own_account(client, ada):
    client.force_login(ada)
    text = client.post(deletion_of(ada), {"post": "yes"}, follow=True).content.decode()
    assert "it is your own account" in text
    assert User.objects.filter(pk=ada.pk).exists()


def test_account_with_history_stays(client, ada, omar, tess):
    client.force_login(ada)
    make_job(by=omar)
    assert "cannot be deleted: it is used by" in client.post(deletion_of(omar), follow=True).content.decode()
    assert "1 technician" in client.post(deletion_of(tess.user), follow=True).content.decode()
    other = UserFactory(username="bea", role=Role.ADMIN)
    client.force_login(other)
    client.post(page_of(omar), filled(client.get(page_of(omar)), first_name="O"))
    client.force_login(ada)
    assert "it has changed things here" in client.post(deletion_of(other), follow=True).content.decode()


def test_groups_and_queues_have_no_page(client, superuser):
    client.force_login(superuser)
    for path in ("auth/group/", "django_rq/dashboard/", "django_rq/dashboard/queues/0/"):
        assert client.get(f"/admin/{path}").status_code == 404, path


def test_passwords_cannot_be_guessed_by_filtering(client, ada, caplog):
    client.force_login(ada)
    with caplog.at_level("CRITICAL", logger="django.security"):
        assert client.get(listing(User), {"password__startswith": "pbkdf2"}).status_code == 400


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "This field is required."),
        ({"role": "emperor"}, "Select a valid choice."),
        ({"role": "manager", "password2": "another"}, "The two password fields didn’t match."),
        ({"role": "manager", "password1": "12345678", "password2": "12345678"}, "This password is too common."),
        ({"role": "manager", "username": "dana"}, "A user with that username already exists."),
        ({"role": "dispatcher", "reach": "some"}, "Choose at least one zone, or all zones."),
        ({"role": "dispatcher", "reach": "some", "zones": ["999"]}, "Select a valid choice."),
    ],
)
def test_incomplete_account_is_refused_with_the_reason(client, ada, dana, fields, reason):
    client.force_login(ada)
    response = client.post(adding(User), new_account(**fields))
    assert reason in errors_on(response)
    assert not User.objects.filter(username="new").exists()


def test_superuser_keeps_the_admin_role(client, superuser, ada):
    client.force_login(superuser)
    response = client.post(page_of(ada), filled(client.get(page_of(ada)), role="dispatcher", is_superuser="on"))
    assert "A superuser may do everything and so has the admin role." in errors_on(response)


# What works ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "is_staff"), [("admin", True), ("manager", True), ("technician", False)])
def test_admin_adds_an_account_that_can_log_in_with_its_role(client, ada, role, is_staff):
    client.force_login(ada)
    response = client.post(adding(User), new_account(role=role))
    assert response.status_code == 302, errors_on(response)
    user = User.objects.get(username="new")
    assert (user.get_full_name(), user.email, role_of(user), user.is_staff) == (
        "New Person", "new@example.com", role, is_staff,
    )  # fmt: skip
    assert can_log_in(client, "new", PASSWORD)


def test_admin_adds_a_dispatcher_for_all_zones(client, ada, north, south):
    client.force_login(ada)
    client.post(adding(User), new_account(role="dispatcher", reach="all", zones=[north.pk]))
    assert access.dispatch_zone_ids(User.objects.get(username="new")) is access.ALL_ZONES


def test_admin_adds_a_dispatcher_for_some_zones(client, ada, north, south):
    client.force_login(ada)
    client.post(adding(User), new_account(role="dispatcher", reach="some", zones=[north.pk]))
    assert access.dispatch_zone_ids(User.objects.get(username="new")) == {north.pk}


def test_dispatcher_without_a_choice_gets_all_zones(client, ada, north):
    client.force_login(ada)
    client.post(adding(User), new_account(role="dispatcher"))
    assert access.dispatch_zone_ids(User.objects.get(username="new")) is access.ALL_ZONES


def test_zones_given_with_another_role_are_not_granted(client, ada, north):
    client.force_login(ada)
    client.post(adding(User), new_account(role="technician", reach="some", zones=[north.pk]))
    assert access.dispatch_zone_ids(User.objects.get(username="new")) == frozenset()


def test_dispatchers_page_shows_her_zones_and_saves_others(client, ada, dana, north, south):
    client.force_login(ada)
    page = client.get(page_of(dana))
    form = page.context["adminform"].form
    assert (form["role"].value(), form["reach"].value()) == ("dispatcher", "some")
    assert form["zones"].value() == [north.pk]
    client.post(page_of(dana), filled(page, zones=[south.pk]))
    assert access.dispatch_zone_ids(User.objects.get(pk=dana.pk)) == {south.pk}
    client.post(page_of(dana), filled(client.get(page_of(dana)), reach="all"))
    assert access.dispatch_zone_ids(User.objects.get(pk=dana.pk)) is access.ALL_ZONES


def test_dispatcher_on_leave_keeps_her_zones(client, ada, dana, north):
    client.force_login(ada)
    client.post(page_of(dana), filled(client.get(page_of(dana)), zones=[north.pk], is_active=None))
    page = client.get(page_of(dana))
    assert page.context["adminform"].form["zones"].value() == [north.pk]
    client.post(page_of(dana), filled(page, zones=[north.pk], is_active="on"))
    assert access.dispatch_zone_ids(User.objects.get(pk=dana.pk)) == {north.pk}


def test_new_technician_gets_a_profile_to_complete(client, ada):
    client.force_login(ada)
    response = client.post(adding(User), new_account(role="technician"), follow=True)
    technician = Technician.objects.get(user__username="new")
    link = reverse("admin:technicians_technician_change", args=[technician.pk])
    assert response.content.decode().count(link) == 2  # in the message and on the page


def test_whoever_leaves_the_technicians_is_given_no_more_work_and_may_come_back(client, ada, omar, tess, north):
    make_job("assigned", by=omar, zone=north, technician=tess)
    client.force_login(ada)
    data = filled(client.get(page_of(tess.user)), role="manager")
    text = client.post(page_of(tess.user), data, follow=True).content.decode()
    assert "1 open job is still assigned to them" in text
    assert not Technician.objects.get(pk=tess.pk).is_active
    client.post(page_of(tess.user), data | {"role": "technician"})
    assert Technician.objects.get(pk=tess.pk).is_active


def test_saving_a_technicians_account_leaves_a_deactivated_profile_alone(client, ada, tess):
    Technician.objects.update(is_active=False)
    client.force_login(ada)
    client.post(page_of(tess.user), filled(client.get(page_of(tess.user)), first_name="T"))
    assert not Technician.objects.get().is_active


def test_admin_sets_a_password(client, ada, dana):
    client.force_login(ada)
    client.post(password_page_of(dana), {"password1": "something-else-9", "password2": "something-else-9"})
    assert can_log_in(client, "dana", "something-else-9")


def test_superuser_makes_an_admin_a_superuser(client, superuser, ada):
    client.force_login(superuser)
    client.post(page_of(ada), filled(client.get(page_of(ada)), is_superuser="on"))
    assert User.objects.get(pk=ada.pk).is_superuser


def test_list_shows_role_and_zones(client, ada, dana, omar, tess, nick, superuser):
    client.force_login(ada)
    admin = client.get(listing(User)).context["cl"].model_admin
    shown = {user.username: (admin.role_name(user), admin.zone_names(user)) for user in admin.get_queryset(None)}
    assert shown == {
        "ada": ("Admin", "All zones"),
        "dana": ("Dispatcher", "North"),
        "omar": ("Manager", "All zones"),
        "tess": ("Technician", ""),
        "nick": ("No role", ""),
        "root": ("Admin (superuser)", "All zones"),
    }


@pytest.mark.parametrize(("role", "expected"), [("dispatcher", ["dana"]), ("none", ["nick"]), ("admin", ["ada"])])
def test_list_is_filtered_by_role(client, ada, dana, nick, role, expected):
    client.force_login(ada)
    found = client.get(listing(User), {"role": role}).context["cl"].result_list
    assert [user.username for user in found] == expected


def test_list_of_accounts_takes_as_many_queries_for_fifty_as_for_five(client, ada):
    def hire(count):
        for user in UserFactory.create_batch(count, role=Role.DISPATCHER):
            grant_zones(user, [ServiceZoneFactory(), ServiceZoneFactory()])

    client.force_login(ada)
    hire(5)
    few = queries_for(client, listing(User))
    hire(45)
    assert queries_for(client, listing(User)) == few


def test_permissions_of_accounts_belong_to_the_admin_role_alone(db):
    for permission in Permission.objects.filter(content_type__app_label="dispatch", content_type__model="user"):
        assert [group.name for group in permission.group_set.all()] == ["admin"], permission
