import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from guardian.shortcuts import get_objects_for_user

from dispatch.models import User
from dispatch.roles import ROLES, Role, apply_roles, give_role, role_of
from tests.factories import ServiceZoneFactory, UserFactory
from zones import access
from zones.access import ALL_ZONES, DISPATCH, grant_zones
from zones.models import ServiceZone


def table() -> dict[str, set[str]]:
    """What the groups hold, as the code writes it."""
    return {
        group.name: {
            f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.select_related("content_type")
        }
        for group in Group.objects.all()
    }


def reload(user) -> User:
    return User.objects.get(pk=user.pk)


# The table ----------------------------------------------------------------------------------------


def test_table_names_only_permissions_that_exist(db):
    named = {name for names in ROLES.values() for name in names}
    known = {f"{p.content_type.app_label}.{p.codename}" for p in Permission.objects.select_related("content_type")}
    assert named <= known


@pytest.mark.parametrize("role", [Role.MANAGER, Role.DISPATCHER, Role.TECHNICIAN])
@pytest.mark.parametrize(
    "permission",
    [
        "technicians.view_commission_rate",
        "dispatch.view_billingsettings",
        "dispatch.change_billingsettings",
        "dispatch.view_user",
        "dispatch.add_user",
        "dispatch.change_user",
        "zones.change_servicezone",
        "sla.change_slapolicy",
        "technicians.change_technician",
        "dispatch.change_dispatchsettings",
    ],
)
def test_only_the_admin_role_configures_and_sees_rates(role, permission):
    assert permission not in ROLES[role]
    assert permission in ROLES[Role.ADMIN]


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.TECHNICIAN])
def test_financial_reports_are_for_managers_and_admins(role):
    assert "dispatch.view_financial_report" not in ROLES[role]
    assert "dispatch.view_financial_report" in ROLES[Role.MANAGER]


def test_no_role_may_touch_a_log():
    logs = ("statuschange", "fieldchange", "jobnote", "violation", "clockrecord", "position")
    touching = tuple(f"{action}_{log}" for action in ("add", "change", "delete") for log in logs)
    for role, names in ROLES.items():
        assert not [name for name in names if name.endswith(touching)], role


def test_no_zoned_role_holds_the_model_wide_zone_permission():
    assert DISPATCH not in ROLES[Role.DISPATCHER]
    assert DISPATCH not in ROLES[Role.TECHNICIAN]


def test_groups_hold_the_table_after_migrating(db):
    assert table() == {role.value: set(names) for role, names in ROLES.items()}


def test_applying_the_table_twice_changes_nothing(db):
    before = table()
    apply_roles()
    call_command("apply_roles")
    assert table() == before


def test_applying_the_table_removes_strays_and_brings_back_what_is_missing(db):
    before = table()
    dispatchers = Group.objects.get(name="dispatcher")
    dispatchers.permissions.add(Permission.objects.get(codename="view_billingsettings"))
    dispatchers.permissions.remove(Permission.objects.get(codename="change_job"))
    Group.objects.get(name="manager").delete()
    apply_roles()
    assert table() == before


# Roles of people ----------------------------------------------------------------------------------


def test_account_without_a_role_may_do_nothing(nick):
    assert role_of(nick) is None
    assert nick.get_all_permissions() == set()


def test_stray_group_is_no_role(nick):
    nick.groups.add(Group.objects.create(name="choir"))
    assert role_of(reload(nick)) is None


def test_superuser_without_a_role_counts_as_an_admin(db):
    assert role_of(UserFactory(is_superuser=True)) == Role.ADMIN


@pytest.mark.parametrize("role", Role)
def test_giving_a_role_makes_it_the_only_one(db, role):
    for former in Role:
        user = UserFactory(role=former)
        give_role(user, role)
        user = reload(user)
        assert role_of(user) == role
        assert [group.name for group in user.groups.all()] == [role]
        assert user.is_staff == (role != Role.TECHNICIAN)


def test_losing_the_dispatcher_role_takes_the_zones_too(dana, north):
    give_role(dana, Role.TECHNICIAN)
    assert access.dispatch_zone_ids(reload(dana)) == frozenset()
    give_role(dana, Role.DISPATCHER)
    assert access.dispatch_zone_ids(reload(dana)) is ALL_ZONES


def test_giving_a_dispatcher_her_role_again_keeps_her_zones(dana, north):
    give_role(reload(dana), Role.DISPATCHER)
    assert access.dispatch_zone_ids(reload(dana)) == {north.pk}


# Zones of people ----------------------------------------------------------------------------------


def test_technician_and_stranger_dispatch_nowhere(tess, nick, north):
    for user in (tess.user, nick):
        assert not ServiceZone.objects.dispatchable_by(user).exists()


def test_inactive_manager_dispatches_nowhere(omar, north):
    omar.is_active = False
    omar.save()
    assert not ServiceZone.objects.dispatchable_by(reload(omar)).exists()


def test_new_zone_is_for_those_who_have_all_zones_only(dana, omar, ada, north):
    everywhere = UserFactory(role=Role.DISPATCHER)
    new = ServiceZoneFactory(name="East")
    for user in (omar, ada, everywhere):
        assert new in ServiceZone.objects.dispatchable_by(reload(user))
    assert list(ServiceZone.objects.dispatchable_by(reload(dana))) == [north]


def test_granting_other_zones_replaces_the_former_ones(dana, north, south):
    grant_zones(dana, [south])
    assert access.dispatch_zone_ids(dana) == {south.pk}  # on the same object too
    grant_zones(dana, ALL_ZONES)
    assert access.dispatch_zone_ids(dana) is ALL_ZONES
    grant_zones(dana, [])
    assert access.dispatch_zone_ids(dana) == frozenset()


def test_grant_goes_with_its_zone(dana, north):
    north.delete()
    assert access.dispatch_zone_ids(reload(dana)) == frozenset()


@pytest.mark.parametrize("who", ["dana", "omar", "ada", "nick", "tess", "everywhere", "root"])
def test_asking_about_one_zone_agrees_with_asking_for_all(request, north, south, who):
    people = {
        "everywhere": lambda: UserFactory(role=Role.DISPATCHER),
        "root": lambda: UserFactory(is_superuser=True),
        "tess": lambda: request.getfixturevalue("tess").user,
    }
    user = reload(people.get(who, lambda: request.getfixturevalue(who))())
    by_guardian = set(get_objects_for_user(user, DISPATCH, ServiceZone))
    one_by_one = {zone for zone in (north, south) if user.has_perm(DISPATCH, zone)}
    assert by_guardian == one_by_one == set(ServiceZone.objects.dispatchable_by(user))
