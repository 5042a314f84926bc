"""Taking positions."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from dispatch.actions.following import follow
from technicians.models import Technician
from technicians.positions import Fix, take_fix


@transaction.atomic
def take_position(technician: Technician, fix: Fix, *, source: str, now: datetime | None = None) -> bool:
    """Stores the fix and tells the boards where the technician is; False if it is implausible or known already.

    An older fix than the newest one, as a phone sends that had no signal, is kept and moves nobody.
    """
    now = now or timezone.now()
    if not take_fix(technician, fix, source=source, now=now):
        return False
    if Technician.objects.filter(pk=technician.pk, position_at=fix.recorded_at).exists():
        follow([technician.pk], now=now, promptly=True)
    return True
