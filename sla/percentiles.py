"""Percentiles as an aggregate of the ORM: PostgreSQL's own, and the same by Python for SQLite, which has none."""

from django.db.models import Aggregate, FloatField


class Percentile(Aggregate):
    """Interpolated between two neighbours, as spreadsheets do it. `share`: 0.5 is the median."""

    function = "PERCENTILE_CONT"
    output_field = FloatField()

    def __init__(self, expression, *, share: float, **extra):
        super().__init__(expression, share=float(share), **extra)

    def as_sql(self, compiler, connection, **extra):
        return super().as_sql(
            compiler,
            connection,
            template="%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)",
            **extra,
        )

    def as_sqlite(self, compiler, connection, **extra):
        return super().as_sql(compiler, connection, template="%(function)s(%(expressions)s, %(share)s)", **extra)


class _PercentileCont:
    """What SQLite calls for each row and at the end."""

    def __init__(self):
        self.values: list[float] = []
        self.share = 0.0

    def step(self, value: float | None, share: float) -> None:
        self.share = share
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | None:
        if not self.values:
            return None
        ordered = sorted(self.values)
        place = self.share * (len(ordered) - 1)
        below = ordered[int(place)]
        above = ordered[min(int(place) + 1, len(ordered) - 1)]
        return below + (place - int(place)) * (above - below)


def teach_sqlite(connection, **kwargs) -> None:
    """As Django itself does with the aggregates that it adds."""
    if connection.vendor == "sqlite":
        connection.connection.create_aggregate("PERCENTILE_CONT", 2, _PercentileCont)
