"""Writing imported technicians, each with an account that cannot log in until somebody sets its password.

The file is their truth: what it maps is set at each import, zones and skills included, and nothing else.
"""

from collections import defaultdict

from django.db.models import Q
from django.db.models.functions import Lower

from dispatch.imports.mapping import Mapping
from dispatch.imports.outcome import Outcome, rejected
from dispatch.imports.rows import TechnicianRow
from dispatch.models import User
from dispatch.roles import Role, give_role
from technicians.models import Proficiency, Skill, Technician, TechnicianSkill
from zones.models import ServiceZone

# Our field -> the row's; those of the user, then those of the technician.
USER_FIELDS = {"username": "username", "first_name": "name", "last_name": "name", "email": "email"}
TECHNICIAN_FIELDS = {
    "phone": "phone",
    "home_address": "home_address",
    "home_latitude": "latitude",
    "home_longitude": "longitude",
}


class TechnicianWriter:
    def __init__(self, mapping: Mapping):
        self.mapping = mapping
        self._user_fields = [ours for ours, theirs in USER_FIELDS.items() if theirs in mapping.fields]
        self._technician_fields = [ours for ours, theirs in TECHNICIAN_FIELDS.items() if theirs in mapping.fields]

    def write(self, rows: list[TechnicianRow]) -> list[Outcome]:
        known = _known(rows)
        owners = _owners([row.username for row in rows])
        zones = {name.casefold(): pk for pk, name in ServiceZone.objects.values_list("pk", "name")}
        skills = {name.casefold(): pk for pk, name in Skill.objects.values_list("pk", "name")}
        outcomes = []
        for row in rows:
            technician = known.get((row.external_id, "" if row.external_id else row.username))
            reason = self._reason_against(row, technician, owners=owners, zones=zones, skills=skills)
            outcomes.append(rejected(reason) if reason else self._write_one(row, technician, owners, zones, skills))
        return outcomes

    def announce(self) -> None:
        """Boards load their technicians with their next reload."""

    def _reason_against(self, row, technician, *, owners, zones, skills) -> str:
        is_renamed = technician is None or technician.user.username != row.username
        if is_renamed and owners.get(row.username.lower(), set()) - {technician and technician.user_id}:
            return f"username: “{row.username}” is taken by another account."
        if technician and technician.user.is_superuser and self._changes_account(technician.user, row):
            return "username: this is a superuser's account, and no file changes that."
        if unknown := [name for name in row.zones if name.casefold() not in zones]:
            return f"zones: there is no service zone “{unknown[0]}”."
        unknown = [name for name, _ in row.skills if name.casefold() not in skills]
        if unknown and not self.mapping.create_skills:
            return f"skills: there is no skill “{unknown[0]}”."
        return ""

    def _changes_account(self, user: User, row: TechnicianRow) -> bool:
        values = _user_values(row)
        return any(getattr(user, name) != values[name] for name in self._user_fields)

    def _write_one(self, row, technician, owners, zones, skills) -> Outcome:
        is_new = technician is None
        technician = technician or Technician(user=User(), external_id=row.external_id)
        user_changed = _set(technician.user, _user_values(row), self._user_fields)
        technician_changed = _set(technician, _technician_values(row), self._technician_fields)
        if is_new:
            _create(technician)
        elif user_changed or technician_changed:
            technician.user.save(update_fields=user_changed)
            technician.save(update_fields=technician_changed)
        owners[row.username.lower()].add(technician.user_id)
        covers_changed = "zones" in self.mapping.fields and _set_zones(technician, row, zones, is_new=is_new)
        skills_changed = "skills" in self.mapping.fields and _set_skills(technician, row, skills, is_new=is_new)
        changed = user_changed or technician_changed or covers_changed or skills_changed
        what = "created" if is_new else "updated" if changed else "unchanged"
        return Outcome(what, technician.home_latitude is not None)


def _known(rows: list[TechnicianRow]) -> dict[tuple[str, str], Technician]:
    """By number; who has none, by user name."""
    numbered = Q(external_id__in=[row.external_id for row in rows if row.external_id])
    others = Q(external_id="", user__username__in=[row.username for row in rows if not row.external_id])
    found = Technician.objects.filter(numbered | others).select_related("user").prefetch_related("zones", "skills")
    return {(one.external_id, "" if one.external_id else one.user.username): one for one in found}


def _owners(usernames: list[str]) -> defaultdict[str, set[int]]:
    """By name in lower case: two that differ in nothing else would be taken for each other."""
    owners = defaultdict(set)
    wanted = {name.lower() for name in usernames}
    known = User.objects.annotate(lower=Lower("username")).filter(lower__in=wanted)
    for lower, pk in known.values_list("lower", "pk"):
        owners[lower].add(pk)
    return owners


def _user_values(row: TechnicianRow) -> dict[str, str]:
    first_name, _, last_name = row.name.partition(" ")
    return {"username": row.username, "first_name": first_name, "last_name": last_name, "email": row.email}


def _technician_values(row: TechnicianRow) -> dict[str, object]:
    return {ours: getattr(row, theirs) for ours, theirs in TECHNICIAN_FIELDS.items()}


def _set(target, values: dict[str, object], names: list[str]) -> list[str]:
    different = [name for name in names if getattr(target, name) != values[name]]
    for name in different:
        setattr(target, name, values[name])
    return different


def _create(technician: Technician) -> None:
    technician.user.set_unusable_password()
    technician.user.save()
    technician.user_id = technician.user.pk
    technician.save()
    give_role(technician.user, Role.TECHNICIAN)


def _set_zones(technician: Technician, row: TechnicianRow, zones: dict[str, int], *, is_new: bool) -> bool:
    wanted = {zones[name.casefold()] for name in row.zones}
    has = set() if is_new else {zone.pk for zone in technician.zones.all()}
    if wanted != has:
        technician.zones.set(wanted)
    return wanted != has


def _set_skills(technician: Technician, row: TechnicianRow, skills: dict[str, int], *, is_new: bool) -> bool:
    for name, _ in row.skills:
        if name.casefold() not in skills:
            skills[name.casefold()] = Skill.objects.create(name=name).pk
    wanted = {skills[name.casefold()]: Proficiency[level.upper()] for name, level in row.skills}
    has = {} if is_new else {known.skill_id: known.level for known in technician.skills.all()}
    technician.skills.filter(skill__in=has.keys() - wanted.keys()).delete()
    for skill_id, level in wanted.items():
        if has.get(skill_id) != level:  # a certificate's date stays with its skill
            TechnicianSkill.objects.update_or_create(
                technician=technician, skill_id=skill_id, defaults={"level": level}
            )
    return wanted != has
