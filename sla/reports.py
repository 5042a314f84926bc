"""SLA compliance of a period, read from the clock tables alone and in the same number of queries however much it is."""

from sla.figures import Figure, Filters, Period, Report, Step


def load_report(
    user,
    filters: Filters,
    period: Period,
    comparison: Period | None = None,
    *,
    step: Step | None = None,
    most: int | None = 10,
) -> Report:
    """`most`: so many technicians, job types, customers and zones each; none: all of them."""
    raise NotImplementedError


def figure_of(params) -> Figure:
    """What a query string of a figure says, from request.GET; ValueError where it says nothing sensible."""
    raise NotImplementedError


def clocks_behind(user, figure: Figure):
    """(job id, kind, decided_at) of each clock that a number counts, latest first; to be counted and sliced."""
    raise NotImplementedError
