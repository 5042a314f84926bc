from datetime import UTC, date, datetime

import pytest

from dispatch.imports.mapping import SHIPPED, MappingError, parse_mapping, read_mapping
from dispatch.imports.rows import RowError, build_row
from dispatch.imports.sources import Template, ValueMap
from tests.dispatch.importing import MAPPING

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FIELDS = """
[fields]
external_id = "id"
customer_name = { constant = "City hall" }
address = "street"
job_type = { constant = "Repair" }
"""


def read(text: str, kind="jobs"):
    return parse_mapping(text, kind=kind, time_zone="America/New_York")


def row(extra: str = "", before: str = "", **cells):
    mapping = read(before + FIELDS + extra)
    return build_row({"id": "1", "street": "1 Ash St", **cells}, mapping, now=NOW)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("fields = [", "it is not TOML: "),
        ("", r"a \[fields\] table is expected"),
        ("colums = 1" + FIELDS, r"unknown key “colums” in the file; known are create_job_types, .*time_zone"),
        (FIELDS + 'prio = "x"', r"unknown key “prio” in \[fields\]; known are access_notes, address"),
        ('[fields]\nexternal_id = "id"', r"must also say where customer_name, address, job_type comes from"),
        ('kind = "customers"' + FIELDS, "it is for customers, not for jobs"),
        (FIELDS + "priority = 3", "priority must be the name of a column or a table"),
        (FIELDS + 'priority = { constant = "Asap" }', "priority: “Asap” is none of Low, Normal, High, Urgent"),
        (FIELDS + 'priority = { column = "p", default = "Soon" }', "priority: “Soon” is none of"),
        (FIELDS + 'priority = { column = "p", values = { "1" = "Hot" } }', "priority: “Hot” is none of"),
        (FIELDS + 'priority = { column = "p", valeus = {} }', "unknown key “valeus” in priority"),
        (FIELDS + 'priority = { column = "p", constant = "Low" }', "priority needs exactly one of column"),
        (FIELDS + 'priority = { column = "p", values = { "1" = 4 } }', "everything in priority must be text"),
        (FIELDS + 'description = { template = "[{a}" }', "“\\[” has no partner in the template"),
        (FIELDS + 'description = { template = "{a" }', "“{” has no partner in the template"),
        ('time_zone = "Mars/Olympus"' + FIELDS, "“Mars/Olympus” is not a time zone"),
        ('encoding = "utf-99"' + FIELDS, "“utf-99” is not an encoding"),
        ('delimiter = "||"' + FIELDS, "one character each"),
        ("create_job_types = 1" + FIELDS, "create_job_types must be true or false"),
        ("default_duration_minutes = 2" + FIELDS, "between 5 and 1440"),
        ('date_formats = ["dd.mm.yyyy"]' + FIELDS, "date_formats is a list of texts as in"),
        (FIELDS + 'latitude = { constant = "north" }', "latitude: is not a number: “north”"),
    ],
)
def test_a_wrong_mapping_is_one_clear_sentence(text, sentence):
    with pytest.raises(MappingError, match=sentence):
        read(text)


def test_a_mapping_that_is_missing_or_not_text_is_one_clear_sentence(tmp_path):
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    for name in ("nothing.toml", "bad.toml", "."):
        with pytest.raises(MappingError, match="cannot be read"):
            read_mapping(tmp_path / name, kind="jobs", time_zone="UTC")


def test_every_shipped_mapping_can_be_read():
    for path in SHIPPED.glob("*.toml"):
        kind = path.read_text().split('kind = "')[1].split('"')[0]
        assert read_mapping(path, kind=kind, time_zone="UTC").columns


def test_only_columns_that_the_mapping_names_are_needed():
    assert set(read(MAPPING).columns) == {
        "id", "customer", "phone", "street", "lat", "lon", "work", "notes", "opened", "urgency",
    }  # fmt: skip


def test_a_template_leaves_out_optional_parts_and_fails_over_to_the_next():
    template = Template.parse("{street}[, {city}[]][ {zip}]".replace("[]", ""))
    assert template.fill({"street": "1 Ash St", "city": "Ayr", "zip": "1"}) == "1 Ash St, Ayr 1"
    assert template.fill({"street": "1 Ash St", "city": " ", "zip": ""}) == "1 Ash St"
    assert template.fill({"street": "", "city": "Ayr", "zip": "1"}) == ""
    second = FIELDS.replace('address = "street"', 'address = { template = ["{street}, {city}", "{city}"] }')
    assert build_row({"id": "1", "street": "", "city": "Ayr"}, read(second), now=NOW).address == "Ayr"


def test_value_maps_ignore_case_and_take_the_exact_word_before_a_pattern():
    values = ValueMap({"Noise*": "a", "*[x]*": "b", "NOISE - loud": "c"})
    assert [values.find(text) for text in ("noise", "Noise - Loud", "an [X] b", "x")] == ["a", "c", "b", None]


def test_a_value_that_is_not_listed_takes_the_default_or_rejects_the_row():
    listed = 'priority = { column = "p", values = { "1" = "Urgent" }'
    assert row(listed + ', default = "Low" }', p="9").priority == "low"
    assert row(listed + ', default = "Low" }', p="").priority == "low"
    assert row(listed + " }", p="1").priority == "urgent"
    with pytest.raises(RowError, match=r"^priority \(p\): “9” is not listed in the mapping's values\.$"):
        row(listed + " }", p="9")


def test_times_without_a_zone_are_local_and_those_with_one_are_not():
    opened = 'created_at = "at"\nscheduled_on = "at"'
    assert row(opened, at="2026-01-10T22:00:00").created_at == datetime(2026, 1, 11, 3, tzinfo=UTC)
    assert row(opened, at="2026-01-10T22:00:00Z").created_at == datetime(2026, 1, 10, 22, tzinfo=UTC)
    assert row(opened, at="2026-01-10T02:00:00Z").scheduled_on == date(2026, 1, 9)


def test_dates_are_read_in_the_formats_that_the_mapping_names_and_in_no_other():
    formats = 'date_formats = ["%d.%m.%Y %H:%M", "%d.%m.%Y"]\n'
    assert row('scheduled_on = "at"', formats, at="03.02.2026").scheduled_on == date(2026, 2, 3)
    with pytest.raises(RowError, match=r"as in %d.%m.%Y %H:%M or %d.%m.%Y: “2026-02-03”"):
        row('scheduled_on = "at"', formats, at="2026-02-03")


def test_a_time_block_may_be_times_of_the_rows_day():
    block = 'scheduled_on = "day"\nwindow_starts_at = "from"\nwindow_ends_at = "to"'
    made = row(block, **{"day": "2026-07-01", "from": "08:00", "to": "10:00"})
    assert made.window_starts_at == datetime(2026, 7, 1, 12, tzinfo=UTC)
    for wrong, reason in [
        ({"from": "10:00", "to": "08:00"}, "must end after it starts"),
        ({"from": "10:00", "to": ""}, "only one of the two"),
        ({"day": "", "from": "10:00", "to": "11:00"}, "the row has no date"),
    ]:
        with pytest.raises(RowError, match=reason):
            row(block, **{"day": "2026-07-01", **wrong})


def test_a_time_block_that_the_clocks_turn_round_is_refused():
    block = 'scheduled_on = "day"\nwindow_starts_at = "from"\nwindow_ends_at = "to"'
    with pytest.raises(RowError, match="must end after it starts"):
        row(block, **{"day": "2027-03-14", "from": "02:30", "to": "03:15"})


def test_a_time_block_with_dates_gives_the_job_its_day():
    made = row(
        'window_starts_at = "from"\nwindow_ends_at = "to"', **{"from": "2026-07-01T23:00", "to": "2026-07-02T01:00"}
    )
    assert made.scheduled_on == date(2026, 7, 1)
