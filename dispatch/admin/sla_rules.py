"""SLA rules: saving some that open jobs do not have yet leads to the question whether those follow."""

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.db.models import Model
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from dispatch.actions.clock_cases import has_to_be_asked
from dispatch.views.recalculations import address_of
from sla.admin import BusinessCalendarAdmin, SLAPolicyAdmin
from sla.models import BusinessCalendar, ClockRecalculation, Holiday, OpeningInterval, SLAPolicy, SLATarget


class AsksAboutOpenJobs(admin.ModelAdmin):
    scope_name = ""  # by which field of ClockRecalculation the saved row says whose jobs
    rule_fields: frozenset[str] = frozenset()
    rule_rows: tuple[type[Model], ...] = ()  # what is edited beside the row

    def save_related(self, request, form, formsets, change):
        of_rules = [formset for formset in formsets if formset.model in self.rule_rows]
        is_other_rule = self.rule_fields & set(form.changed_data) or any(one.has_changed() for one in of_rules)
        super().save_related(request, form, formsets, change)
        form.instance.open_jobs_may_follow = bool(is_other_rule)

    def response_add(self, request, obj, post_url_continue=None):
        return self._ask(request, obj, super().response_add(request, obj, post_url_continue))

    def response_change(self, request, obj):
        return self._ask(request, obj, super().response_change(request, obj))

    def _ask(self, request, obj, response: HttpResponse) -> HttpResponse:
        scope = ClockRecalculation(**{self.scope_name: obj})
        if not (obj.open_jobs_may_follow and has_to_be_asked(scope, now=timezone.now())):
            return response
        if IS_POPUP_VAR in request.POST:  # the page beneath it goes on
            text = f"Open jobs have other deadlines than “{obj}” says now. SLA deadlines, above, asks about them."
            self.message_user(request, text, messages.WARNING)
            return response
        return redirect(address_of(scope))


@admin.register(SLAPolicy)
class AskingSLAPolicyAdmin(AsksAboutOpenJobs, SLAPolicyAdmin):
    scope_name = "policy"
    rule_fields = frozenset({"calendar", "is_default", "hold_pauses_response"})
    rule_rows = (SLATarget,)


@admin.register(BusinessCalendar)
class AskingBusinessCalendarAdmin(AsksAboutOpenJobs, BusinessCalendarAdmin):
    scope_name = "calendar"
    rule_fields = frozenset({"time_zone", "country", "subdivision"})
    rule_rows = (OpeningInterval, Holiday)
