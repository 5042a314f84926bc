# ruff: noqa: S608 (all that is put together here is written here)
"""Years of jobs with decided SLA clocks, and open ones of which some just came due; by set-based SQL on PostgreSQL.

Import after `stage.services` began. All targets are in hours round the clock and nothing is on hold, so that plain
arithmetic gives the deadlines that the product's clock would.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction

from dispatch.roles import Role, give_role
from sla.models import CLOCKS, BusinessCalendar, ClockKind, Priority, SLAPolicy, SLATarget

HOURS = {Priority.LOW: (48, 120), Priority.NORMAL: (24, 72), Priority.HIGH: (4, 24), Priority.URGENT: (1, 4)}
SINCE_LAST_CHECK = timedelta(minutes=5)


def fill(company, *, jobs: int, open_clocks: int, due: int, at_risk: int = 0, days: int = 1460, now: datetime) -> None:
    """`jobs` of the past `days` are done or cancelled. `open_clocks` run, of which `due` came due in the last five
    minutes and `at_risk` came to be at risk; half of each are responses and half resolutions.
    """
    facts = {"now": now, "policy": _policy().pk, "manager": _manager().pk}
    with transaction.atomic(), connection.cursor() as cursor:
        # Everything refers to rows that are there: the keys are not checked a million times.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SELECT setseed(0.311)")
        choices = _choices(company)
        for name, rows in choices.items():
            cursor.execute(f"CREATE TEMPORARY TABLE any_{name} (n int PRIMARY KEY, {COLUMNS[name]}) ON COMMIT DROP")
            place = ", ".join(["%s"] * (len(rows[0]) + 1))
            cursor.executemany(
                f"INSERT INTO any_{name} VALUES ({place})",
                [(number, *row) for number, row in enumerate(rows)],
            )
        facts |= {name: len(rows) for name, rows in choices.items()}
        for statement in [*PAST_JOBS, *_for_each_kind(PAST_CLOCK), *_for_each_kind(VIOLATIONS_OF), DROP]:
            cursor.execute(statement, facts | {"jobs": jobs, "days": days})
        facts |= {"due": due // 2, "at_risk": at_risk // 2, "recently": SINCE_LAST_CHECK}
        facts["jobs"] = (open_clocks + facts["due"] + facts["at_risk"]) // 2  # theirs run one clock each
        for statement in [*OPEN_JOBS, *_for_each_kind(OPEN_CLOCK), *_for_each_kind(VIOLATIONS_OF), DROP]:
            cursor.execute(statement, facts)
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('dispatch_job', 'id'), (SELECT max(id) FROM dispatch_job))"
        )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _policy() -> SLAPolicy:
    calendar = BusinessCalendar.objects.first()
    policy = SLAPolicy.objects.create(name="Round the clock", calendar=calendar)
    SLATarget.objects.bulk_create(
        SLATarget(policy=policy, priority=priority, response_amount=response, resolution_amount=resolution)
        for priority, (response, resolution) in HOURS.items()
    )
    return policy


def _manager():
    from dispatch.models import User

    manager = User.objects.create(username="history-manager", password="!")
    give_role(manager, Role.MANAGER)
    return manager


def _choices(company) -> dict[str, list[tuple]]:
    return {
        "site": [(site.pk, site.customer_id, site.zone_id) for site in company.sites],
        "person": [(one.pk,) for one in company.technicians],
        "type": [(one.pk,) for one in company.job_types],
        # In ten jobs two are low, five normal, two high, one urgent.
        "priority": [(int(p), *HOURS[p]) for p in Priority for _ in range({1: 2, 2: 5, 3: 2, 4: 1}[p])],
    }


COLUMNS = {
    "site": "site_id bigint, customer_id bigint, zone_id bigint",
    "person": "technician_id bigint",
    "type": "job_type_id bigint",
    "priority": "priority int, response int, resolution int",
}
# Few customers and technicians have many jobs.
ANYTHING = """
    (SELECT (SELECT coalesce(max(id), 0) FROM dispatch_job) + n AS id, n,
        floor(random() * random() * %(site)s)::int AS site, floor(power(random(), 1.5) * %(person)s)::int AS person,
        floor(random() * %(type)s)::int AS type, floor(random() * %(priority)s)::int AS priority_n,
        random() AS a, random() AS b, random() AS c, random() AS d, random() AS e
        FROM generate_series(1, %(jobs)s) AS n OFFSET 0) AS made
    JOIN any_site ON any_site.n = made.site JOIN any_person ON any_person.n = made.person
    JOIN any_type ON any_type.n = made.type JOIN any_priority ON any_priority.n = made.priority_n
"""
NAMES = "id, site_id, customer_id, zone_id, technician_id, job_type_id, priority, created_at"
# What a target's time is used by has an exponential distribution: about one in twelve takes longer.
PAST_JOBS = [
    f"""
    CREATE TEMPORARY TABLE drawn ON COMMIT DROP AS
    WITH created AS (
        SELECT *, date_trunc('day', %(now)s) - interval '1 day' * (2 + floor(a * %(days)s))
            + interval '1 hour' * (CASE WHEN b < 0.15 THEN b / 0.15 * 24 ELSE 12 + (b - 0.15) / 0.85 * 10 END)
            AS created_at
        FROM {ANYTHING}
    ), responded AS (
        SELECT *, least(created_at - 0.4 * ln(1 - c * 0.9999) * response * interval '1 hour',
            %(now)s - interval '2 minutes') AS responded_at
        FROM created
    )
    SELECT {NAMES}, responded_at, least(
            greatest(responded_at + interval '20 minutes',
                created_at - 0.4 * ln(1 - d * 0.9999) * resolution * interval '1 hour'),
            %(now)s - interval '1 minute') AS ended_at,
        created_at + response * interval '1 hour' AS response_due_at,
        created_at + resolution * interval '1 hour' AS resolution_due_at,
        response, resolution, e < 0.04 AS is_cancelled
    FROM responded
    """,
    """
    INSERT INTO dispatch_job (
        id, site_id, customer_id, zone_id, technician_id, job_type_id, priority, created_at, status, scheduled_on,
        assigned_at, en_route_at, started_at, completed_at, cancelled_at, sla_policy_id, description, duration_minutes,
        is_fixed, is_time_pinned, is_technician_pinned, hold_reason, why_unassigned, source, external_id, version)
    SELECT id, site_id, customer_id, zone_id, technician_id, job_type_id, priority, created_at,
        CASE WHEN is_cancelled THEN 'cancelled' ELSE 'completed' END, ended_at::date,
        created_at, CASE WHEN NOT is_cancelled THEN responded_at END, CASE WHEN NOT is_cancelled THEN responded_at END,
        CASE WHEN NOT is_cancelled THEN ended_at END, CASE WHEN is_cancelled THEN responded_at END, %(policy)s,
        'From the past', 60, false, false, false, '', '', 'dispatcher', '', 1
    FROM drawn
    """,
]
PAST_CLOCK = """
    INSERT INTO {table} (
        job_id, policy_id, priority, amount, unit, state, started_at, at_risk_at, due_at, is_at_risk, ended_at,
        decided_at, wall_seconds, counted_seconds, technician_id, zone_id, job_type_id, customer_id)
    SELECT id, %(policy)s, priority, {name}, 'hours', state, created_at,
        created_at + {name} * interval '45 minutes', {name}_due_at, false, ended,
        CASE state WHEN 'met' THEN ended WHEN 'breached' THEN {name}_due_at END, seconds, seconds,
        CASE WHEN NOT is_cancelled THEN technician_id END, CASE WHEN NOT is_cancelled THEN zone_id END,
        CASE WHEN NOT is_cancelled THEN job_type_id END, CASE WHEN NOT is_cancelled THEN customer_id END
    FROM drawn, LATERAL (SELECT
        CASE WHEN is_cancelled THEN responded_at ELSE {ended} END AS ended,
        CASE WHEN is_cancelled THEN 'stopped' WHEN {ended} > {name}_due_at THEN 'breached' ELSE 'met' END AS state,
        CASE WHEN NOT is_cancelled THEN floor(extract(epoch FROM {ended} - created_at)) END AS seconds) AS found
"""
# The first jobs have a response that came due, the next ones a resolution (the response was breached long before), the
# next two lots are newly at risk, and the others have half their time left or more.
OPEN_JOBS = [
    f"""
    CREATE TEMPORARY TABLE drawn ON COMMIT DROP AS
    SELECT {NAMES}, response, resolution, case_n, a < 0.6 AS is_assigned,
        created_at + response * interval '1 hour' AS response_due_at,
        created_at + resolution * interval '1 hour' AS resolution_due_at
    FROM {ANYTHING}, LATERAL (SELECT CASE
            WHEN made.n <= %(due)s THEN 1 WHEN made.n <= 2 * %(due)s THEN 2
            WHEN made.n <= 2 * %(due)s + %(at_risk)s THEN 3 WHEN made.n <= 2 * (%(due)s + %(at_risk)s) THEN 4
            ELSE 5 END AS case_n) AS numbered,
        LATERAL (SELECT CASE case_n
            WHEN 1 THEN %(now)s - (0.01 + 0.98 * b) * %(recently)s - response * interval '60 minutes'
            WHEN 2 THEN %(now)s - (0.01 + 0.98 * b) * %(recently)s - resolution * interval '60 minutes'
            WHEN 3 THEN %(now)s - (0.01 + 0.98 * b) * %(recently)s - response * interval '45 minutes'
            WHEN 4 THEN %(now)s - (0.01 + 0.98 * b) * %(recently)s - resolution * interval '45 minutes'
            ELSE %(now)s - b * response * interval '30 minutes' END AS created_at) AS dated
    """,
    """
    INSERT INTO dispatch_job (
        id, site_id, customer_id, zone_id, technician_id, job_type_id, priority, created_at, status, scheduled_on,
        assigned_at, sla_policy_id, description, duration_minutes,
        is_fixed, is_time_pinned, is_technician_pinned, hold_reason, why_unassigned, source, external_id, version)
    SELECT id, site_id, customer_id, zone_id, CASE WHEN is_assigned THEN technician_id END, job_type_id, priority,
        created_at, CASE WHEN is_assigned THEN 'assigned' ELSE 'created' END, %(now)s::date,
        CASE WHEN is_assigned THEN created_at END, %(policy)s,
        'Open', 60, false, false, false, '', '', 'dispatcher', '', 1
    FROM drawn
    """,
]
# Of a breached one, what its check noted.
OPEN_CLOCK = """
    INSERT INTO {table} (
        job_id, policy_id, priority, amount, unit, state, started_at, at_risk_at, due_at, is_at_risk, decided_at,
        technician_id, zone_id, job_type_id, customer_id)
    SELECT id, %(policy)s, priority, {name}, 'hours', CASE WHEN over THEN 'breached' ELSE 'running' END, created_at,
        created_at + {name} * interval '45 minutes', {name}_due_at, over, CASE WHEN over THEN {name}_due_at END,
        CASE WHEN over AND is_assigned THEN technician_id END, CASE WHEN over THEN zone_id END,
        CASE WHEN over THEN job_type_id END, CASE WHEN over THEN customer_id END
    FROM drawn, LATERAL (SELECT {name}_due_at < %(now)s - %(recently)s AS over) AS found
"""
# Most of what is older than two weeks was acknowledged, a day later.
VIOLATIONS_OF = """
    INSERT INTO sla_violation (
        job_id, kind, breached_at, recorded_at, told_at, policy_id, technician_id, zone_id, job_type_id, priority,
        acknowledged_at, acknowledged_by_id)
    SELECT job_id, '{name}', due_at, due_at, due_at, policy_id, clock.technician_id, clock.zone_id, clock.job_type_id,
        clock.priority, CASE WHEN is_known THEN due_at + interval '1 day' END, CASE WHEN is_known THEN %(manager)s END
    FROM {table} AS clock JOIN drawn ON drawn.id = job_id,
        LATERAL (SELECT due_at < %(now)s - interval '14 days' AND job_id %% 10 > 0 AS is_known) AS found
    WHERE state = 'breached'
"""
DROP = "DROP TABLE drawn"


def _for_each_kind(statement: str) -> list[str]:
    ended = {ClockKind.RESPONSE: "drawn.responded_at", ClockKind.RESOLUTION: "drawn.ended_at"}
    return [
        statement.format(table=model._meta.db_table, name=model.kind.value, ended=ended[model.kind]) for model in CLOCKS
    ]
