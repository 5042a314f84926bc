"""Everything that changes a job: one verb a function, atomic, logged, published after commit.

Views, RQ tasks, commands and tests all come through here; there is no second way to change a status. `by` is the user
who does it, or None for the system itself. An action that cannot be done raises ActionRefused with the reason.
"""

from dispatch.actions.absence import Handing, end_sickness, hand_over_jobs, mark_sick
from dispatch.actions.adjusting import adjust_route
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
from dispatch.actions.call import assign_as_proposed, call_to_job
from dispatch.actions.create import create_job
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
from dispatch.actions.follow_up import duplicate_job, follow_up_job
from dispatch.actions.following import predict_moved
from dispatch.actions.forgetting import forget_old_records
from dispatch.actions.hints import dismiss_hint
from dispatch.actions.insert import insert_job
from dispatch.actions.journal import board_action, unjournalled
from dispatch.actions.mark import pin_job, set_priority
from dispatch.actions.notices import choose_channels, forget_old_notices, mark_read, subscribe, unsubscribe
from dispatch.actions.past import PastJob, remember_jobs
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
from dispatch.actions.undo import applied_last, last_to_redo, last_to_undo, undo_action
from dispatch.actions.violations import Acknowledged, acknowledge_violations, add_violation_note
from dispatch.actions.watch import watch_technicians
from dispatch.actions.zoning import locate_site, rezone_open_jobs, save_site

__all__ = [
    "ANYWAY",
    "ASK",
    "SHIFT",
    "Acknowledged",
    "ActionRefused",
    "BulkResult",
    "EditConflict",
    "Handing",
    "PastJob",
    "PlacementConflict",
    "PlanOutdated",
    "SkillNeed",
    "acknowledge_violations",
    "add_device",
    "add_note",
    "add_violation_note",
    "adjust_route",
    "announce_jobs",
    "applied_last",
    "apply_auto_assign",
    "apply_plan",
    "ask_for_auto_assign",
    "ask_for_plan",
    "ask_for_recalculation",
    "assign_as_proposed",
    "assign_job",
    "assign_waiting_job",
    "begin_break",
    "board_action",
    "call_to_job",
    "cancel_plan",
    "change_assignment_rules",
    "change_jobs",
    "change_planning_settings",
    "change_status",
    "check_sla",
    "choose_channels",
    "clock_in",
    "clock_out",
    "clock_out_for",
    "clock_out_forgotten",
    "confirm_suggestion",
    "create_job",
    "create_jobs",
    "deliver",
    "deliver_due",
    "describe_state",
    "discard_auto_assign",
    "discard_plan",
    "dismiss_hint",
    "dismiss_suggestion",
    "dispatch_new_job",
    "dispatch_waiting_jobs",
    "duplicate_job",
    "edit_job",
    "email_day",
    "end_break",
    "end_sickness",
    "expire_suggestions",
    "fail_plan_of_dead_worker",
    "follow_moves",
    "follow_up_job",
    "forget_old_notices",
    "forget_old_records",
    "forget_old_roads",
    "go_on_with_recalculation",
    "hand_over_jobs",
    "hold_job",
    "insert_job",
    "last_to_redo",
    "last_to_undo",
    "learn_roads",
    "locate_site",
    "mark_read",
    "mark_sick",
    "may_change_planning",
    "may_change_rules",
    "may_manage_devices",
    "note_seen",
    "pin_job",
    "place_job",
    "predict_arrivals",
    "predict_moved",
    "receive_posts",
    "recompute_plan",
    "record_track_view",
    "release_job",
    "remember_jobs",
    "revoke_device",
    "rezone_open_jobs",
    "save_site",
    "send_day",
    "send_due_sla_report",
    "send_sla_report",
    "set_priority",
    "subscribe",
    "sweep_auto_assign",
    "sweep_plans",
    "sweep_recalculations",
    "take_position",
    "take_positions",
    "tell_of_sla",
    "unassign_job",
    "undo_action",
    "unjournalled",
    "unsubscribe",
    "update_created_jobs",
    "watch_technicians",
    "work_out_auto_assign",
    "work_out_plan",
    "work_out_recalculation",
]
