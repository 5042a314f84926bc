"""Everything that changes a job: one verb a function, atomic, logged, published after commit.

Views, RQ tasks, commands and tests all come through here; there is no second way to change a status. `by` is the user
who does it, or None for the system itself. An action that cannot be done raises ActionRefused with the reason.
"""

from dispatch.actions.absence import Handing, call_in_sick, end_sickness, hand_over_jobs, mark_sick
from dispatch.actions.adjusting import adjust_route
from dispatch.actions.api_tokens import create_api_token, find_api_token, revoke_api_token
from dispatch.actions.applying import PlanOutdated, apply_plan
from dispatch.actions.assignment_rules import change_assignment_rules, may_change_rules
from dispatch.actions.auto_assign import (
    apply_auto_assign,
    ask_for_auto_assign,
    discard_auto_assign,
    sweep_auto_assign,
    work_out_auto_assign,
)
from dispatch.actions.base import ActionRefused, SkillNeed, describe_state
from dispatch.actions.bulk import announce_jobs, create_jobs, update_created_jobs
from dispatch.actions.bulk_board import BulkResult, assign_waiting_job, change_jobs
from dispatch.actions.calendar_feeds import make_calendar_feed, note_calendar_read, revoke_calendar_feed
from dispatch.actions.call import assign_as_proposed, call_to_job
from dispatch.actions.checks import check_item
from dispatch.actions.create import create_job
from dispatch.actions.customer_deliveries import deliver_due_to_customers, deliver_to_customer
from dispatch.actions.customer_links import note_opened, revoke_link, send_link, tell_of_delays
from dispatch.actions.customer_messages import (
    accept_other_time,
    ask_other_time,
    decline_other_time,
    rate_visit,
    write_as_customer,
)
from dispatch.actions.customers import ExternalIdTaken, create_customer, create_site, save_customer
from dispatch.actions.day_plan import email_day, send_day
from dispatch.actions.deliver import deliver, deliver_due
from dispatch.actions.devices import add_device, may_manage_devices, record_track_view, revoke_device
from dispatch.actions.duty import (
    begin_break,
    clock_in,
    clock_out,
    clock_out_for,
    clock_out_forgotten,
    end_break,
    predict_arrivals,
)
from dispatch.actions.edit import EditConflict, add_note, edit_job, hold_job, release_job
from dispatch.actions.file_imports import (
    forget_old_imports,
    map_import,
    run_import,
    stop_import,
    sweep_imports,
    take_import_from_dead_worker,
    upload_import,
    work_out_import,
)
from dispatch.actions.follow_up import duplicate_job, follow_up_job
from dispatch.actions.following import predict_moved
from dispatch.actions.forgetting import forget_old_records
from dispatch.actions.geocoding import ask_again, choose_place, dismiss_place, look_up_addresses
from dispatch.actions.hints import dismiss_hint
from dispatch.actions.insert import insert_job
from dispatch.actions.journal import board_action, unjournalled
from dispatch.actions.late import say_late
from dispatch.actions.maintenance import (
    FOLLOW,
    STAY,
    MadeAlready,
    save_maintenance_plan,
    set_maintenance_active,
    skip_visit,
    unskip_visit,
)
from dispatch.actions.maintenance_visits import make_maintenance_visits
from dispatch.actions.mark import pin_job, set_priority
from dispatch.actions.materials import use_material, withdraw_material
from dispatch.actions.notices import choose_channels, forget_old_notices, mark_read, subscribe, unsubscribe
from dispatch.actions.past import PastJob, remember_jobs
from dispatch.actions.pictures import PictureNotStored, SentPicture, keep_picture, sweep_pictures
from dispatch.actions.place import ANYWAY, ASK, SHIFT, PlacementConflict, place_job
from dispatch.actions.planning_settings import change_planning_settings, may_change_planning
from dispatch.actions.plans import (
    ask_for_plan,
    cancel_plan,
    discard_plan,
    fail_plan_of_dead_worker,
    note_seen,
    recompute_plan,
    sweep_plans,
    work_out_plan,
)
from dispatch.actions.positions import follow_moves, receive_posts, take_position, take_positions
from dispatch.actions.recalculation import (
    ask_for_recalculation,
    go_on_with_recalculation,
    sweep_recalculations,
    work_out_recalculation,
)
from dispatch.actions.roads import forget_old_roads, learn_roads
from dispatch.actions.sla_check import check_sla, tell_of_sla
from dispatch.actions.sla_report import send_due_sla_report, send_sla_report
from dispatch.actions.smart import dispatch_new_job, dispatch_waiting_jobs, expire_suggestions
from dispatch.actions.status import assign_job, change_status, unassign_job
from dispatch.actions.suggestions import confirm_suggestion, dismiss_suggestion
from dispatch.actions.taps import receive_taps
from dispatch.actions.undo import applied_last, last_to_redo, last_to_undo, undo_action
from dispatch.actions.violations import Acknowledged, acknowledge_violations, add_violation_note
from dispatch.actions.watch import watch_technicians
from dispatch.actions.webhook_delivery import deliver_due_webhooks, deliver_webhooks
from dispatch.actions.webhooks import (
    add_webhook,
    delete_webhook,
    edit_webhook,
    redeliver_failed_webhooks,
    redeliver_webhook,
    roll_webhook_secret,
    send_test_event,
    start_webhook,
    stop_webhook,
)
from dispatch.actions.zoning import locate_site, rezone_open_jobs, save_site

__all__ = [
    "ANYWAY",
    "ASK",
    "FOLLOW",
    "SHIFT",
    "STAY",
    "Acknowledged",
    "ActionRefused",
    "BulkResult",
    "EditConflict",
    "ExternalIdTaken",
    "Handing",
    "MadeAlready",
    "PastJob",
    "PictureNotStored",
    "PlacementConflict",
    "PlanOutdated",
    "SentPicture",
    "SkillNeed",
    "accept_other_time",
    "acknowledge_violations",
    "add_device",
    "add_note",
    "add_violation_note",
    "add_webhook",
    "adjust_route",
    "announce_jobs",
    "applied_last",
    "apply_auto_assign",
    "apply_plan",
    "ask_again",
    "ask_for_auto_assign",
    "ask_for_plan",
    "ask_for_recalculation",
    "ask_other_time",
    "assign_as_proposed",
    "assign_job",
    "assign_waiting_job",
    "begin_break",
    "board_action",
    "call_in_sick",
    "call_to_job",
    "cancel_plan",
    "change_assignment_rules",
    "change_jobs",
    "change_planning_settings",
    "change_status",
    "check_item",
    "check_sla",
    "choose_channels",
    "choose_place",
    "clock_in",
    "clock_out",
    "clock_out_for",
    "clock_out_forgotten",
    "confirm_suggestion",
    "create_api_token",
    "create_customer",
    "create_job",
    "create_jobs",
    "create_site",
    "decline_other_time",
    "delete_webhook",
    "deliver",
    "deliver_due",
    "deliver_due_to_customers",
    "deliver_due_webhooks",
    "deliver_to_customer",
    "deliver_webhooks",
    "describe_state",
    "discard_auto_assign",
    "discard_plan",
    "dismiss_hint",
    "dismiss_place",
    "dismiss_suggestion",
    "dispatch_new_job",
    "dispatch_waiting_jobs",
    "duplicate_job",
    "edit_job",
    "edit_webhook",
    "email_day",
    "end_break",
    "end_sickness",
    "expire_suggestions",
    "fail_plan_of_dead_worker",
    "find_api_token",
    "follow_moves",
    "follow_up_job",
    "forget_old_imports",
    "forget_old_notices",
    "forget_old_records",
    "forget_old_roads",
    "go_on_with_recalculation",
    "hand_over_jobs",
    "hold_job",
    "insert_job",
    "keep_picture",
    "last_to_redo",
    "last_to_undo",
    "learn_roads",
    "locate_site",
    "look_up_addresses",
    "make_calendar_feed",
    "make_maintenance_visits",
    "map_import",
    "mark_read",
    "mark_sick",
    "may_change_planning",
    "may_change_rules",
    "may_manage_devices",
    "note_calendar_read",
    "note_opened",
    "note_seen",
    "pin_job",
    "place_job",
    "predict_arrivals",
    "predict_moved",
    "rate_visit",
    "receive_posts",
    "receive_taps",
    "recompute_plan",
    "record_track_view",
    "redeliver_failed_webhooks",
    "redeliver_webhook",
    "release_job",
    "remember_jobs",
    "revoke_api_token",
    "revoke_calendar_feed",
    "revoke_device",
    "revoke_link",
    "rezone_open_jobs",
    "roll_webhook_secret",
    "run_import",
    "save_customer",
    "save_maintenance_plan",
    "save_site",
    "say_late",
    "send_day",
    "send_due_sla_report",
    "send_link",
    "send_sla_report",
    "send_test_event",
    "set_maintenance_active",
    "set_priority",
    "skip_visit",
    "start_webhook",
    "stop_import",
    "stop_webhook",
    "subscribe",
    "sweep_auto_assign",
    "sweep_imports",
    "sweep_pictures",
    "sweep_plans",
    "sweep_recalculations",
    "take_import_from_dead_worker",
    "take_position",
    "take_positions",
    "tell_of_delays",
    "tell_of_sla",
    "unassign_job",
    "undo_action",
    "unjournalled",
    "unskip_visit",
    "unsubscribe",
    "update_created_jobs",
    "upload_import",
    "use_material",
    "watch_technicians",
    "withdraw_material",
    "work_out_auto_assign",
    "work_out_import",
    "work_out_plan",
    "work_out_recalculation",
    "write_as_customer",
]
