"""Ranking, the joint assignment against one by one, and a real night of New York given out.

python benchmarks/dispatch.py [--smoke]
"""

import argparse
import time
from collections import Counter
from datetime import datetime, timedelta
from datetime import time as clock

import stage
from stage import night

RATIO_AT_MOST = 3.0  # ranking everybody, of the time that loading them takes


def fastest(call, rounds: int) -> float:
    """Seconds of the quickest of some calls: the others were disturbed by whatever else the machine does."""
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def queries_of(call) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    call()
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


# Ranking ------------------------------------------------------------------------------------------


def measure_ranking(company, report, *, few: int, rounds: int) -> None:
    from dispatch.models import Job, Status
    from dispatch.smart.candidates import candidates_for
    from dispatch.smart.facts import with_days
    from technicians.models import Technician

    job = Job.objects.filter(status=Status.CREATED, scheduled_on=company.today).with_board_info().first()
    everybody = len(company.technicians)

    def rank():
        return candidates_for(job, user=None, now=company.now)

    def load():
        return list(with_days(Technician.objects.active(), days={company.today}))

    many = queries_of(rank)
    loading, ranking = fastest(load, rounds), fastest(rank, rounds)
    Technician.objects.exclude(pk__in=[person.pk for person in company.technicians[:few]]).update(is_active=False)
    with_few = queries_of(rank)
    Technician.objects.update(is_active=True)
    ratio = round(ranking / loading, 2)
    report.line(
        what="ranking",
        technicians=everybody,
        queries=many,
        ms={"load": round(loading * 1000, 1), "rank": round(ranking * 1000, 1)},
        ratio=ratio,
    )
    report.check(many == with_few, f"ranking takes as many queries for {everybody} as for {few} technicians")
    report.check(ratio <= RATIO_AT_MOST, f"ranking takes at most {RATIO_AT_MOST} of the time to load the technicians")


# Together and one by one --------------------------------------------------------------------------


def measure_batch(company, report, *, jobs: int, seconds: float) -> None:
    from dispatch.assigning.build import build
    from dispatch.assigning.check import faults_of
    from dispatch.assigning.jointly import assign_jointly
    from dispatch.assigning.one_by_one import assign_one_by_one
    from dispatch.models import Job, Status

    tomorrow = company.today + timedelta(days=1)
    wanted = Job.objects.filter(status=Status.CREATED, scheduled_on=tomorrow).with_board_info().order_by("pk")[:jobs]
    begun = time.perf_counter()
    case = build(wanted, user=None, now=company.now)
    built = time.perf_counter()
    floor = assign_one_by_one(case.problem)
    floored = time.perf_counter()
    joint = assign_jointly(case.problem, seconds=seconds)
    ended = time.perf_counter()
    report.line(
        what="batch",
        jobs=len(case.problem.visits),
        technicians=len(company.technicians),
        seconds={
            "build": round(built - begun, 2),
            "one_by_one": round(floored - built, 2),
            "jointly": round(ended - floored, 2),
        },
        one_by_one=_told(case.problem, floor),
        jointly=_told(case.problem, joint),
        gain=round(joint.value(case.problem) / max(1, floor.value(case.problem)), 3),
    )
    report.check(len(case.problem.visits) == jobs, f"the batch has {jobs} jobs")
    report.check(not faults_of(case.problem, floor) and not faults_of(case.problem, joint), "no rule is broken")
    better = joint.value(case.problem) >= floor.value(case.problem)
    report.check(better, "together is worth at least as much as one by one")
    higher = joint.total_score(case.problem) >= floor.total_score(case.problem)
    report.check(higher, "together has at least the total score of one by one")


def _told(problem, solution) -> dict[str, int]:
    return {
        "assigned": len(solution.assigned),
        "total_score": solution.total_score(problem),
        "value": solution.value(problem),
    }


# A night in New York ------------------------------------------------------------------------------


def give_out_a_night(report, *, seconds: float) -> None:
    """The real requests for heating and plumbing, by the same way as the button goes."""
    from dispatch import actions
    from dispatch.models import Job, Status

    manager = night.import_night()
    now = night.at(6)
    jobs = Job.objects.filter(job_type__name__in=night.TRADES, status=Status.CREATED)
    wanted = list(jobs.values_list("pk", flat=True))
    begun = time.perf_counter()
    run = actions.ask_for_auto_assign(wanted, by=manager, now=now)
    run = actions.work_out_auto_assign(run.pk, now=now, seconds=seconds)
    worked_out = time.perf_counter()
    results = actions.apply_auto_assign(run, set(wanted), by=manager, now=now)
    applied = time.perf_counter()
    faults = night.broken_rules(wanted)
    left = [row for row in run.result if row["technician"] is None]
    print_table(wanted, left)
    report.line(
        what="night in New York",
        jobs=len(wanted),
        technicians=night.PEOPLE,
        assigned=Job.objects.filter(pk__in=wanted, status=Status.ASSIGNED).count(),
        refused=[result.sentence for result in results if not result.is_done],
        unassigned=Counter(row["text"].split(":")[0] for row in left),
        total_score=run.total_score,
        one_by_one=run.greedy_score,
        seconds={"work_out": round(worked_out - begun, 2), "apply": round(applied - worked_out, 2)},
        broken_rules=faults,
    )
    report.check(len(wanted) > 100, "the file has more than a hundred of these requests")
    report.check(not faults, "no assignment violates a hard rule")
    report.check(all(row["text"] for row in left), "every unassigned job has a reason")
    report.check(all(result.is_done for result in results), "what was proposed can be applied")
    report.check(run.total_score >= run.greedy_score, "together is at least as good as one by one")


def print_table(job_ids: list[int], left: list[dict]) -> None:
    from dispatch.models import Job, Status

    rows = Counter()
    for job in Job.objects.filter(pk__in=job_ids).select_related("zone", "job_type"):
        borough = job.zone.name.split(" ", 1)[-1].title() if job.zone else "No location"
        rows[borough, job.job_type.name, job.status == Status.ASSIGNED] += 1
    print(f"{'borough':16} {'work':16} {'assigned':>8} {'left':>5}")
    for borough, work in sorted({key[:2] for key in rows}):
        print(f"{borough:16} {work:16} {rows[borough, work, True]:8} {rows[borough, work, False]:5}")
    for why, count in Counter(row["text"] for row in left).most_common():
        print(f"left {count:3}: {why}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="fewer technicians and jobs, less time to search")
    options = parser.parse_args()
    people, rounds, jobs, crew, seconds = (100, 3, 40, 15, 2) if options.smoke else (1000, 15, 200, 50, 15)
    report = stage.Report("dispatch")
    with stage.services():
        from stage.company import Company

        company = Company(technicians=people, customers=500)
        company.fill_days(company.today, 1, people * 4)
        measure_ranking(company, report, few=people // 10, rounds=rounds)
        keep_only(company, crew)
        add_waiting_jobs(company, jobs)
        measure_batch(company, report, jobs=jobs, seconds=seconds)
        close_down(company)
        give_out_a_night(report, seconds=seconds)
    report.exit()


def keep_only(company, crew: int) -> None:
    """The first so many technicians; each covers half of the zones, so that jobs have several candidates."""
    from technicians.models import Technician

    company.technicians = company.technicians[:crew]
    Technician.objects.exclude(pk__in=[person.pk for person in company.technicians]).update(is_active=False)
    for person in company.technicians:
        person.zones.set(company.chance.sample(company.zones, 6))


def add_waiting_jobs(company, count: int) -> None:
    """Tomorrow's, that nobody has; every third with a two-hour time block."""
    from django.utils import timezone

    from dispatch.models import Job, Priority, RequiredSkill, Status

    tomorrow, made = company.today + timedelta(days=1), []
    for number in range(count):
        block = {}
        if number % 3 == 0:
            opens = timezone.make_aware(datetime.combine(tomorrow, clock(company.chance.randint(8, 14))))
            block = {"window_starts_at": opens, "window_ends_at": opens + timedelta(hours=2)}
        site = company.chance.choice(company.sites)
        made.append(
            Job(
                customer_id=site.customer_id,
                site=site,
                zone_id=site.zone_id,
                job_type=company.chance.choice(company.job_types),
                status=Status.CREATED,
                scheduled_on=tomorrow,
                priority=company.chance.choice([*Priority.values, Priority.NORMAL, Priority.NORMAL]),
                duration_minutes=company.chance.choice([45, 60, 90]),
                created_at=company.now,
                **block,
            )
        )
    RequiredSkill.objects.bulk_create(
        RequiredSkill(job=job, skill=company.chance.choice(company.skills), level=company.chance.randint(1, 2))
        for job in Job.objects.bulk_create(made)
        if company.chance.random() < 0.5
    )


def close_down(company) -> None:
    """The made-up company must not help out in New York."""
    from technicians.models import Technician
    from zones.models import ServiceZone

    Technician.objects.update(is_active=False)
    ServiceZone.objects.update(is_active=False)


if __name__ == "__main__":
    main()
