"""How long something takes or is away, as dispatchers say it. Pure."""


def span(minutes: int) -> str:
    """“45 min”, “2 h”, “7 h 30”"""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest:02d}" if rest else f"{hours} h"
