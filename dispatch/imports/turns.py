"""Batches of imports one after the other, whoever runs them: two at the same moment would both find a site missing."""

from django.db import connection

# A process that says nothing for so long in the middle of a batch loses it, and the others go on.
LONGEST_SILENCE = "3min"
_NUMBER = 7_205_759_403_792  # of the lock: any, as long as nobody else uses it


def take_turn() -> None:
    """Until the end of the transaction. With SQLite whoever writes is alone anyway."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [LONGEST_SILENCE])
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_NUMBER])
