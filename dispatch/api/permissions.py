"""What the token's user must be allowed to; without it the answer is 403, whatever the scopes say."""

from django.core.exceptions import PermissionDenied


def check_permission(user, permission: str) -> None:
    if not user.has_perm(permission):
        raise PermissionDenied("This token's user may not do this.")


def check_any(user, *permissions: str) -> None:
    if not any(map(user.has_perm, permissions)):
        raise PermissionDenied("This token's user may not do this.")
