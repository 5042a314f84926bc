from django import template

register = template.Library()


@register.filter
def to_the_second(seconds: int) -> str:
    """“45 s”, “12 min”, “1 h 05 min 10 s”: to the second, so that what stands in a column adds up."""
    hours, rest = divmod(abs(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{hours} h"] if hours else []
    parts += [f"{minutes:02d} min" if hours else f"{minutes} min"] if minutes else []
    parts += [f"{seconds} s"] if seconds else []
    return " ".join(parts) or "0 min"


@register.filter
def about(seconds: int) -> str:
    """“<1 min”, “35 min”, “2 h 05 min”, “3 days 4 h”: rounded down."""
    minutes = abs(seconds) // 60
    hours, rest = divmod(minutes, 60)
    if not minutes:
        return "<1 min"
    if not hours:
        return f"{rest} min"
    if hours < 48:
        return f"{hours} h {rest:02d} min" if rest else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h" if hours else f"{days} days"
