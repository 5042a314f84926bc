"""What `manage.py rqcron config/cron.py` enqueues, and how often.

RQ's cron cannot give its jobs an id per time slot, so two of them enqueue everything twice. That is harmless: every
task finds out for itself what is due and may run twice. By interval, not by cron expression: an interval also runs once
at the start and so catches up on what was missed while the cron was down.
"""

from rq.cron import register

from dispatch.tasks import (
    check_sla,
    clock_out_forgotten,
    deliver_due,
    deliver_due_to_customers,
    deliver_due_webhooks,
    dispatch_waiting_jobs,
    expire_suggestions,
    forget_old_data,
    look_up_addresses,
    make_maintenance_visits,
    predict_arrivals,
    predict_later_arrivals,
    rezone_open_jobs,
    send_due_sla_report,
    sweep_auto_assign,
    sweep_imports,
    sweep_pictures,
    sweep_plans,
    sweep_recalculations,
    tell_of_delays,
    watch_technicians,
)

MINUTE = 60
FIVE_MINUTES = 5 * 60
HOUR = 60 * 60
DAY = 24 * 60 * 60

register(deliver_due, "default", interval=MINUTE)
register(deliver_due_webhooks, "default", interval=MINUTE)
register(deliver_due_to_customers, "default", interval=MINUTE)
register(tell_of_delays, "default", interval=MINUTE)
register(predict_arrivals, "default", interval=MINUTE)
register(clock_out_forgotten, "default", interval=MINUTE)
register(watch_technicians, "default", interval=MINUTE)
register(predict_later_arrivals, "default", interval=HOUR)
register(expire_suggestions, "default", interval=MINUTE)
register(sweep_auto_assign, "default", interval=MINUTE)
register(sweep_plans, "default", interval=MINUTE)
register(sweep_imports, "default", interval=MINUTE)
register(look_up_addresses, "background", interval=MINUTE)
register(sweep_recalculations, "default", interval=MINUTE)
register(check_sla, "default", interval=FIVE_MINUTES)
register(dispatch_waiting_jobs, "default", interval=FIVE_MINUTES)
register(rezone_open_jobs, "default", interval=FIVE_MINUTES)
register(send_due_sla_report, "default", interval=HOUR)
register(make_maintenance_visits, "default", interval=HOUR)
register(forget_old_data, "default", interval=DAY)
register(sweep_pictures, "default", interval=DAY)
