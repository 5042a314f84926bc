import pytest

from dispatch.models import Customer, User
from dispatch.roles import Role, role_of
from technicians.models import Proficiency, Skill, Technician
from tests.dispatch.importing import Importer, counts
from tests.factories import CustomerFactory, SkillFactory

pytestmark = pytest.mark.django_db

TECHNICIANS = """
kind = "technicians"
create_skills = true
[fields]
external_id = "no"
username = "login"
name = "name"
phone = "phone"
home_address = "home"
latitude = "lat"
longitude = "lon"
zones = "areas"
skills = "skills"
"""
CUSTOMERS = """
kind = "customers"
[fields]
external_id = "no"
name = "name"
phone = "phone"
email = "mail"
"""
TESS = "T1,tess,Tess Moreau,555 0101,1 Ash St,40.1,-75.1,North; South,Plumbing: Expert; HVAC"
TOM = "T2,tom,Tom,,,,,South,"


@pytest.fixture
def import_technicians(tmp_path, north, south):
    header = "no,login,name,phone,home,lat,lon,areas,skills"
    return Importer(tmp_path, kind="technicians", mapping=TECHNICIANS, header=header)


@pytest.fixture
def import_customers(tmp_path):
    return Importer(tmp_path, kind="customers", mapping=CUSTOMERS, header="no,name,phone,mail")


def levels(technician) -> dict:
    return dict(technician.skills.values_list("skill__name", "level"))


def test_a_row_becomes_a_technician_with_zones_and_skills_who_cannot_log_in_yet(import_technicians, north, south):
    summary, _ = import_technicians(TESS, TOM)
    tess = Technician.objects.get(external_id="T1")
    assert counts(summary) == {"read": 2, "created": 2, "without_location": 1}
    assert (str(tess), tess.user.username, role_of(tess.user)) == ("Tess Moreau", "tess", Role.TECHNICIAN)
    assert set(tess.zones.all()) == {north, south}
    assert levels(tess) == {"Plumbing": Proficiency.EXPERT, "HVAC": Proficiency.INTERMEDIATE}
    assert (tess.home_latitude, tess.home_longitude) == (40.1, -75.1)
    assert not tess.user.has_usable_password()


def test_a_second_run_changes_no_technician(import_technicians):
    import_technicians(TESS, TOM)
    summary, _ = import_technicians(TESS, TOM)
    assert counts(summary) == {"read": 2, "unchanged": 2, "without_location": 1}
    assert (User.objects.count(), Skill.objects.count()) == (2, 2)


def test_a_technician_gets_what_has_changed_in_the_file_and_keeps_a_certificates_date(import_technicians, south):
    import_technicians(TESS)
    tess = Technician.objects.get()
    tess.skills.filter(skill__name="Plumbing").update(certificate_expires_on="2027-01-01")
    changed = TESS.replace("Moreau", "Hill").replace("North; South", "south").replace("Expert; HVAC", "Advanced")
    summary, _ = import_technicians(changed)
    tess = Technician.objects.get()
    assert counts(summary) == {"read": 1, "updated": 1}
    assert (str(tess), list(tess.zones.all())) == ("Tess Hill", [south])
    assert levels(tess) == {"Plumbing": Proficiency.ADVANCED}
    assert str(tess.skills.get().certificate_expires_on) == "2027-01-01"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (TESS.replace("tess,", "nick,"), "username: “nick” is taken by another account."),
        (TESS.replace("tess,", "Nick,"), "username: “Nick” is taken by another account."),
        (TESS.replace("tess,", "te ss,"), "username (login): may have letters, digits and @.+-_ only: “te ss”."),
        (TESS.replace("South", "Atlantis"), "zones: there is no service zone “Atlantis”."),
        (TESS.replace("Expert", "Wizard"), "skills: “Wizard” is none of Beginner, Intermediate, Advanced, Expert."),
        (TESS.replace("40.1", "140.1"), "latitude (lat): is off the globe"),
        (TESS.replace("tess,", "tom,").replace("T1", "T3"), "username: “tom” is taken by another account."),
    ],
)
def test_a_bad_technician_is_reported_and_the_rest_is_imported(import_technicians, nick, row, reason):
    summary, said = import_technicians(TOM, row)
    assert counts(summary) == {"read": 2, "created": 1, "rejected": 1, "without_location": 1}
    assert reason in said
    assert set(User.objects.values_list("username", flat=True)) == {"nick", "tom"}


def test_who_has_no_number_is_found_by_user_name_and_made_once(import_technicians):
    for _ in range(2):
        summary, _ = import_technicians(TESS.replace("T1", ""), TOM)
    assert (counts(summary)["unchanged"], Technician.objects.count()) == (2, 2)
    assert counts(import_technicians(TESS.replace("T1", "").replace("0101", "0199"))[0]) == {"read": 1, "updated": 1}
    assert Technician.objects.get(user__username="tess").phone == "555 0199"


def test_customer_without_a_number_is_found_by_name_and_phone_and_never_made(import_customers):
    ann = CustomerFactory(name="Ann Hill", phone="412 555 0101")
    CustomerFactory(name="Ann Hill", phone="412 555 0102", external_id="C9")
    summary, said = import_customers(
        ",Ann Hill,(412) 555-0101,ann@example.com", ",Ann Hill,412 555 0102,x@example.com", "C1,Bo,1,"
    )
    assert counts(summary) == {"read": 3, "created": 1, "updated": 1, "rejected": 1}
    assert "Line 3: external_id: is empty, and no customer without a number has this name and phone." in said
    ann.refresh_from_db()
    assert (ann.email, Customer.objects.count()) == ("ann@example.com", 3)
    assert "is on line 2 already" in import_customers(*[",Ann Hill,412 555 0101,a@example.com"] * 2)[1]


def test_no_file_changes_the_account_of_a_superuser(import_technicians):
    import_technicians(TESS)
    User.objects.update(is_superuser=True)
    summary, said = import_technicians(TESS.replace("tess,", "mallory,"))
    assert (counts(summary), User.objects.get().username) == ({"read": 1, "rejected": 1}, "tess")
    assert "superuser" in said
    assert counts(import_technicians(TESS.replace("555 0101", "555 0102"))[0]) == {"read": 1, "updated": 1}


def test_a_skill_that_is_not_known_is_rejected_where_the_mapping_creates_none(import_technicians):
    import_technicians.mapping = TECHNICIANS.replace("create_skills = true", "")
    SkillFactory(name="Plumbing")
    _, said = import_technicians(TESS)
    assert "Line 2: skills: there is no skill “HVAC”." in said


def test_a_dry_run_makes_no_technician(import_technicians):
    summary, _ = import_technicians(TESS, arguments=["--dry-run"])
    assert counts(summary) == {"read": 1, "created": 1}
    assert not User.objects.exists()
    assert not Skill.objects.exists()


def test_customers_are_made_updated_and_left_alone(import_customers):
    old = CustomerFactory(external_id="C1", name="Ann", phone="1", email="ann@example.com", notes="Has a dog")
    CustomerFactory(external_id="C2", name="Bob", phone="555 0102", email="")
    summary, said = import_customers(
        "C1,Ann Lee,(212) 555-0101,ann@example.com", "C2,Bob,555 0102,", "C3,Cy,,cy@example.com", "C4,Di,,di(at)x"
    )
    old.refresh_from_db()
    assert counts(summary) == {"read": 4, "created": 1, "updated": 1, "unchanged": 1, "rejected": 1}
    assert (old.name, old.phone_digits, old.notes) == ("Ann Lee", "2125550101", "Has a dog")
    assert Customer.objects.get(external_id="C3").email == "cy@example.com"
    assert "Line 5: email (mail): is not an e-mail address: “di(at)x”." in said


def test_a_second_run_changes_no_customer(import_customers):
    import_customers("C1,Ann,212 555 0101,")
    assert counts(import_customers("C1,Ann,212 555 0101,")[0]) == {"read": 1, "unchanged": 1}
