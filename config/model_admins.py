"""What several admin pages have in common."""

import json

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.utils import unquote
from django.db.models import PROTECT
from django.shortcuts import redirect
from django.urls import reverse


class ReadOnlyAdmin(admin.ModelAdmin):
    """A log: nobody adds, changes or deletes rows here, superusers included."""

    actions = None
    list_per_page = 50
    show_full_result_count = False  # logs grow long

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class SingleRowAdmin(admin.ModelAdmin):
    """Settings kept in one row: the list goes straight to it."""

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def changelist_view(self, request, extra_context=None):
        if not self.has_view_or_change_permission(request):
            return super().changelist_view(request, extra_context)
        row = self.model.load()
        return redirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk]))


class GuardedFieldsAdmin(admin.ModelAdmin):
    """Fields that exist only for whoever has a permission: in no form, list, filter, history or address elsewhere."""

    guarded_fields: dict[str, str] = {}

    def hidden_fields(self, request) -> set[str]:
        return {name for name, permission in self.guarded_fields.items() if not request.user.has_perm(permission)}

    def get_fieldsets(self, request, obj=None):
        hidden = self.hidden_fields(request)
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name not in hidden]})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_exclude(self, request, obj=None):
        return [*(super().get_exclude(request, obj) or []), *self.hidden_fields(request)]

    def get_list_display(self, request):
        hidden = self.hidden_fields(request)
        return [name for name in super().get_list_display(request) if name not in hidden]

    def lookup_allowed(self, lookup, value, request):
        return lookup.split("__")[0] not in self.hidden_fields(request) and super().lookup_allowed(
            lookup, value, request
        )

    def history_view(self, request, object_id, extra_context=None):
        response = super().history_view(request, object_id, extra_context)
        hidden = {self._label(name) for name in self.hidden_fields(request)}
        if hidden and "action_list" in getattr(response, "context_data", {}):
            page = response.context_data["action_list"]
            page.object_list = [entry for entry in page.object_list if self._keep(entry, hidden)]
        return response

    def _label(self, name: str) -> str:
        """As Django's history calls the field."""
        label = self.model._meta.get_field(name).verbose_name
        return label[:1].upper() + label[1:]

    @staticmethod
    def _keep(entry, hidden: set[str]) -> bool:
        """Strikes the hidden fields from the entry's message; False if it told of nothing else."""
        if not entry.change_message.startswith("["):
            return True
        parts = json.loads(entry.change_message)
        for part in parts:
            if "fields" in (changed := part.get("changed", {})):
                changed["fields"] = [name for name in changed["fields"] if name not in hidden]
        kept = [part for part in parts if part.get("changed", {}).get("fields", True)]
        entry.change_message = json.dumps(kept)
        return bool(kept) or not parts


def delete_unused(model_admin, request, queryset):
    """Django's delete_selected, for objects that nothing refers to."""
    return None if model_admin.refuse_to_delete(request, queryset) else delete_selected(model_admin, request, queryset)


class KeepUsedAdmin(admin.ModelAdmin):
    """What history refers to stays: deleting it says why not and what to do instead, rather than listing objects."""

    instead_of_deleting = ""

    def reason_to_keep(self, request, obj) -> str:
        """Another reason not to delete than the rows that refer to it."""
        return ""

    def get_actions(self, request):
        actions = super().get_actions(request)
        if "delete_selected" in actions:
            _, name, description = actions["delete_selected"]
            actions[name] = (delete_unused, name, description)
        return actions

    def delete_view(self, request, object_id, extra_context=None):
        obj = self.get_object(request, unquote(object_id))
        if obj and self.has_delete_permission(request, obj) and self.refuse_to_delete(request, [obj]):
            return redirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[obj.pk]))
        return super().delete_view(request, object_id, extra_context)

    def refuse_to_delete(self, request, objects) -> bool:
        """True, with a message for each that must stay, if any must."""
        reasons = [(obj, self.reason_to_keep(request, obj) or self._reason_of_use(obj)) for obj in objects]
        for obj, reason in reasons:
            if reason:
                self.message_user(request, f"“{obj}” cannot be deleted: {reason}", messages.ERROR)
        return any(reason for _, reason in reasons)

    def _reason_of_use(self, obj) -> str:
        uses = []
        for relation in self.opts.get_fields(include_hidden=True):
            if self._must_outlive(relation):
                model = relation.related_model
                if count := model._base_manager.filter(**{relation.field.name: obj}).count():
                    uses.append(
                        f"{count} {model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural}"
                    )
        return f"it is used by {', '.join(uses)}. {self.instead_of_deleting}".strip() if uses else ""

    def _must_outlive(self, relation) -> bool:
        """Whether rows that refer to the object by this relation stand in the way: protected ones and logs."""
        if not (relation.auto_created and (relation.one_to_many or relation.one_to_one)):
            return False
        is_log = isinstance(self.admin_site._registry.get(relation.related_model), ReadOnlyAdmin)
        return is_log or relation.on_delete is PROTECT
