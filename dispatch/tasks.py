"""RQ tasks: each takes ids or nothing, reads the database anew and leaves the work to an action. All may run twice."""

from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone

from dispatch import actions
from dispatch.models import DispatchSettings
from dispatch.queueing import enqueue as enqueue
from technicians.positions import forget_positions


def rezone_open_jobs() -> int:
    return actions.rezone_open_jobs()


def predict_arrivals() -> int:
    return actions.predict_arrivals()


def predict_later_arrivals() -> int:
    return actions.predict_arrivals(is_today_only=False)


def predict_moved() -> int:
    return actions.predict_moved(now=timezone.now())


def clock_out_forgotten() -> int:
    return actions.clock_out_forgotten()


def watch_technicians() -> dict[str, int]:
    return actions.watch_technicians()


def dispatch_jobs(job_ids: list[int]) -> None:
    for pk in job_ids:
        actions.dispatch_new_job(pk)


def dispatch_waiting_jobs() -> int:
    return actions.dispatch_waiting_jobs()


def expire_suggestions() -> int:
    return actions.expire_suggestions()


def work_out_auto_assign(run_id: int) -> None:
    actions.work_out_auto_assign(run_id)


def sweep_auto_assign() -> int:
    return actions.sweep_auto_assign()


def work_out_plan(plan_id: int) -> None:
    actions.work_out_plan(plan_id)


def tell_of_killed(task: str, args: tuple) -> None:
    """Called by the worker whose process for that task was killed; most tasks are found again by a scheduled one."""
    if task == "dispatch.tasks.work_out_plan":
        actions.fail_plan_of_dead_worker(*args)
    elif task == "dispatch.tasks.work_out_import":
        actions.take_import_from_dead_worker(*args)


def sweep_plans() -> int:
    return actions.sweep_plans()


def work_out_recalculation(recalculation_id: int) -> None:
    actions.work_out_recalculation(recalculation_id)


def work_out_import(import_id: int) -> None:
    actions.work_out_import(import_id)


def look_up_addresses() -> int:
    return actions.look_up_addresses()


def sweep_imports() -> int:
    return actions.sweep_imports()


def sweep_recalculations() -> int:
    return actions.sweep_recalculations()


def make_maintenance_visits() -> int:
    return actions.make_maintenance_visits()


def learn_roads(pairs: list[tuple[str, str]], technician_ids: list[int]) -> int:
    return actions.learn_roads(pairs, technician_ids, now=timezone.now())


def deliver(delivery_id: int) -> str:
    return actions.deliver(delivery_id)


def deliver_due() -> int:
    return actions.deliver_due()


def deliver_to_customer(delivery_id: int) -> str:
    return actions.deliver_to_customer(delivery_id)


def deliver_due_to_customers() -> int:
    return actions.deliver_due_to_customers()


def tell_of_delays() -> int:
    return actions.tell_of_delays()


def deliver_webhooks(endpoint_id: int) -> int:
    return actions.deliver_webhooks(endpoint_id)


def deliver_due_webhooks() -> int:
    return actions.deliver_due_webhooks()


def check_sla() -> dict[str, int]:
    return actions.check_sla()


def tell_of_sla() -> dict[str, int]:
    return actions.tell_of_sla()


def send_due_sla_report() -> int:
    return actions.send_due_sla_report()


def sweep_pictures() -> int:
    return actions.sweep_pictures()


def forget_old_data() -> dict[str, int]:
    """Positions and roads past their time, old notifications, what smart dispatch has done with, expired sessions."""
    days = DispatchSettings.load().position_retention_days
    forgotten = forget_positions(before=timezone.now() - timedelta(days=days))
    notices = actions.forget_old_notices()
    call_command("clearsessions")
    roads = actions.forget_old_roads(now=timezone.now())
    actions.forget_old_imports()
    return {"positions": forgotten, "notifications": notices, "roads": roads, **actions.forget_old_records()}
