"""Plan the day on the real requests of one night in New York: 1,000 jobs, 40 technicians, checked independently.

python benchmarks/new_york.py [--seconds 30] [--screenshots FOLDER] [--smoke]

Heating and plumbing are given out first, by the joint assignment, so that there is a plan to better.
"""

import argparse
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import stage
from stage import night

JOBS_A_DAY = 14  # more than fits, so that time decides and not the number
SCHEMES = ("light", "dark")


def plan_the_night(report, *, seconds: int, screenshots: Path | None) -> None:
    from dispatch import actions
    from dispatch.models import Job, Plan
    from technicians.models import Technician

    manager, now = night.import_night(), night.at(6)
    give_out_some(manager, now)
    begun = time.perf_counter()
    people = Technician.objects.active()
    people.update(daily_maximum=JOBS_A_DAY)
    plan = actions.ask_for_plan(Plan.Kind.DAY, night.NIGHT, people, by=manager, seconds=seconds, now=now)
    plan = actions.work_out_plan(plan.pk, now=now)
    took = time.perf_counter() - begun
    faults = faults_by_the_checker(plan, now)
    tell(report, plan, jobs=Job.objects.count(), seconds=round(took, 1))
    if screenshots:
        take_screenshots(manager, plan, now, screenshots)
    begun = time.perf_counter()
    applied = actions.apply_plan(plan, by=manager, now=now)
    applying = time.perf_counter() - begun
    planned = [stop["job"] for route in plan.result["routes"] for stop in route["stops"]]
    broken = night.broken_rules(planned)
    report.line(what="applied", jobs=len(applied), seconds=round(applying, 1))
    everything = {job["job"] for job in (*plan.result["left_out"], *plan.result["left_aside"])} | set(planned)
    report.check(everything == set(Job.objects.values_list("pk", flat=True)), "every job is planned or said to be left")
    report.check(not faults and not broken, f"no rule is broken: {(faults + broken)[:3]}")
    report.check(all(row["reasons"] for row in plan.result["left_out"]), "every job that is left out has a reason")
    report.check(len(applied) > 0, "the plan can be applied")


def give_out_some(manager, now: datetime) -> None:
    from dispatch import actions
    from dispatch.models import Job, Status

    wanted = Job.objects.filter(job_type__name__in=night.TRADES, status=Status.CREATED).values_list("pk", flat=True)
    run = actions.ask_for_auto_assign(list(wanted), by=manager, now=now)
    run = actions.work_out_auto_assign(run.pk, now=now, seconds=3)
    actions.apply_auto_assign(run, set(wanted), by=manager, now=now)


def faults_by_the_checker(plan, now: datetime) -> list[str]:
    """Of the plan as it is stored, read back into the problem."""
    from dispatch.actions.plans import build_for
    from dispatch.planning.check import faults_of

    case = build_for(plan, now=now)
    routes = [()] * len(case.technicians)
    for route in plan.result["routes"]:
        stops = tuple(case.stop_of[stop["job"]] for stop in route["stops"] if stop["job"] in case.stop_of)
        routes[case.crew_of[route["technician"]]] = stops
    return faults_of(case.problem, tuple(routes))


def tell(report, plan, *, jobs: int, seconds: float) -> None:
    from technicians.models import Technician

    result = plan.result
    changes = Counter(stop["change"] for route in result["routes"] for stop in route["stops"])
    reasons = Counter(reason["kind"] for row in result["left_out"] for reason in row["reasons"][:1])
    report.line(
        what="night in New York",
        jobs=jobs,
        technicians=Technician.objects.active().count(),
        seconds=seconds,
        before=result["before"],
        after=result["after"],
        changes=changes,
        left_out=len(result["left_out"]),
        first_reasons=reasons,
        left_aside=Counter(row["text"] for row in result["left_aside"]),
    )
    print(f"\n| {'':14} | before | after |\n| --- | ---: | ---: |")
    for key, name in (
        ("jobs", "jobs"),
        ("km", "kilometres"),
        ("minutes", "min of driving"),
        ("late_jobs", "late jobs"),
        ("late_minutes", "minutes late"),
        ("fuel", "fuel cost"),
    ):
        print(f"| {name:14} | {result['before'][key]:,} | {result['after'][key]:,} |")
    texts = Counter(reason["text"] for row in result["left_out"] for reason in row["reasons"][:1])
    for text, count in texts.most_common(12):
        print(f"left out {count:4}: {text}")


def take_screenshots(user, plan, now: datetime, folder: Path) -> None:
    """The proposal with its map, as the night's dispatcher would see it."""
    from stage.browser import Browser

    with Browser(user, now=now) as browser:
        for scheme in SCHEMES:
            page = browser.context.new_page()
            page.emulate_media(color_scheme=scheme)
            page.goto(f"{browser.url}/plans/{plan.pk}/")
            page.wait_for_selector(".plan-pin", state="attached", timeout=90_000)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=folder / f"new-york-plan-{scheme}-desk.png")
            page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=30, help="time to search")
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER", help="photographs the proposal")
    parser.add_argument("--smoke", action="store_true", help="two seconds of search")
    options = parser.parse_args()
    report = stage.Report("new_york")
    with stage.services():
        plan_the_night(report, seconds=2 if options.smoke else options.seconds, screenshots=options.screenshots)
    report.exit()


if __name__ == "__main__":
    main()
