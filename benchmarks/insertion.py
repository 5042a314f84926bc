"""One urgent job into 100 routes with 1,000 stops: all of it against loading those rows, and the search alone.

python benchmarks/insertion.py [--smoke]
"""

import argparse
import time
from datetime import timedelta

import stage

SLACK_OF_FEW_ROUNDS = 1.4
RATIO_AT_MOST = 3.0  # the whole answer, of the time that loading those rows takes
MINUTES = 40  # of a job: ten of them and the driving fit into a day


def measure(company, report, *, routes: int, stops: int, rounds: int, at_most: float) -> None:
    from django.utils import timezone

    from dispatch.models import Job, Status
    from dispatch.planning.insertion import cheapest_insertions
    from dispatch.planning.urgent import _Asked, insertions_for
    from dispatch.smart.facts import with_days
    from technicians.models import Technician

    day = company.today + timedelta(days=1)
    urgent = add_urgent_job(company, day)
    dispatcher = company.dispatcher("dora", zones=None)
    now = timezone.now()

    def load():
        people = list(with_days(Technician.objects.active(), days={day}))
        jobs = Job.objects.filter(status=Status.ASSIGNED, technician__in=people, scheduled_on=day)
        return people, list(jobs.with_board_info())

    def answer():
        return insertions_for(urgent, user=dispatcher, now=now)

    people, jobs = load()
    options = answer()
    asked = _Asked.of(urgent, Technician.objects.active(), by=dispatcher, now=now)
    queries, (loading, answering) = queries_of(answer), fastest([load, answer], rounds)
    searching = fastest([lambda: cheapest_insertions(asked.problem, asked.routes, asked.stop)], rounds)[0]
    can_be_done = sum(map(bool, asked.routes))
    ratio = round(answering / loading, 2)
    Technician.objects.exclude(pk__in=[person.pk for person in company.technicians[:5]]).update(is_active=False)
    queries_of_few = queries_of(answer)
    Technician.objects.update(is_active=True)
    report.line(
        what="insertion",
        routes=can_be_done,
        stops=sum(map(len, asked.routes)),
        options=len(options.found),
        queries=queries,
        ms={
            name: round(seconds * 1000, 1)
            for name, seconds in (("load", loading), ("answer", answering), ("search", searching))
        },
        ratio=ratio,
    )
    report.check((len(people), len(jobs)) == (routes, stops), f"{routes} routes have {stops} stops")
    report.check(len(options.found) == 5, "five technicians are offered")
    report.check(queries == queries_of_few, f"as many queries for {routes} routes as for 5")
    report.check(ratio <= at_most, f"the answer takes at most {at_most} of the time to load those rows")


def in_ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def fastest(calls, rounds: int) -> list[float]:
    """Seconds of the quickest of some rounds of each, in turns: the others were disturbed by whatever else goes on."""
    taken = [[] for _ in calls]
    for _ in range(rounds):
        for call, times in zip(calls, taken, strict=True):
            begun = time.perf_counter()
            call()
            times.append(time.perf_counter() - begun)
    return [min(times) for times in taken]


def queries_of(call) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    call()
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


def fill_tomorrow(company, stops: int) -> None:
    """Everybody may go anywhere and has a full day in one part of the area."""
    from dispatch.models import Job
    from technicians.models import Technician

    Technician.objects.update(daily_maximum=20)
    through = company.technicians[0].zones.through
    through.objects.all().delete()
    through.objects.bulk_create(
        through(technician=person, servicezone=zone) for person in company.technicians for zone in company.zones
    )
    each, jobs, day = stops // len(company.technicians), [], company.today + timedelta(days=1)
    everywhere = [site for site in company.sites if site.zone]
    for number, person in enumerate(company.technicians):
        zone = company.zones[number % len(company.zones)]
        company.sites = [site for site in everywhere if site.zone == zone]
        fields = {"technician": person, "assigned_at": company.now, "created_at": company.now}
        for place in range(each):
            job = company._job(day, status="assigned", **fields)
            job.window_starts_at = job.window_ends_at = None
            job.planned_starts_at = company._at(day, 7) + timedelta(minutes=58 * place)
            job.duration_minutes = MINUTES
            jobs.append(job)
    Job.objects.bulk_create(jobs)


def add_urgent_job(company, day):
    from dispatch.models import Job, Priority, Status

    job = company._job(day, status=Status.CREATED, created_at=company.now)
    job.window_starts_at = job.window_ends_at = job.planned_starts_at = None
    job.priority, job.duration_minutes = Priority.URGENT, MINUTES
    job.save()
    return Job.objects.with_board_info().get(pk=job.pk)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="a run of seconds: fewer rounds")
    smoke = parser.parse_args().smoke
    report = stage.Report("insertion")
    with stage.services():
        from stage.company import Company

        company = Company(technicians=100, customers=2000)
        fill_tomorrow(company, 1000)
        at_most = RATIO_AT_MOST * (SLACK_OF_FEW_ROUNDS if smoke else 1)
        measure(company, report, routes=100, stops=1000, rounds=5 if smoke else 20, at_most=at_most)
    report.exit()


if __name__ == "__main__":
    main()
