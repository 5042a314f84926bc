from django import template

from dispatch.field import work as field_work

register = template.Library()


@register.simple_tag
def material_names():
    """What there is to choose from."""
    return field_work.material_names()
