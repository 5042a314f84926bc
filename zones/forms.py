import json

from django import forms

from zones.geometry import BoundaryError, outline, read_boundary
from zones.models import ServiceZone
from zones.widgets import BoundaryWidget


class BoundaryField(forms.Field):
    """GeoJSON text in, a checked Polygon or MultiPolygon out. What cannot be read is shown again as it was written."""

    widget = BoundaryWidget
    default_error_messages = {"required": "Draw an area on the map, paste GeoJSON or choose a file."}

    def to_python(self, value):
        if not value or not value.strip():
            return None
        try:
            return read_boundary(value).as_geojson()
        except BoundaryError as error:
            raise forms.ValidationError(str(error)) from None

    def prepare_value(self, value):
        return value if value is None or isinstance(value, str) else json.dumps(value)

    def has_changed(self, initial, data):
        try:
            return self.to_python(data) != initial
        except forms.ValidationError:
            return True


class ServiceZoneForm(forms.ModelForm):
    boundary = BoundaryField()

    class Meta:
        model = ServiceZone
        fields = ["name", "colour", "is_active", "boundary"]
        widgets = {"colour": forms.TextInput(attrs={"type": "color"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "boundary" in self.fields:
            self.fields["boundary"].widget.others = outlines_beside(self.instance)


def outlines_beside(zone: ServiceZone) -> list[dict]:
    """The other active zones, coarsely: they only show where this one may begin."""
    others = ServiceZone.objects.active().exclude(pk=zone.pk)
    return [{"name": other.name, "colour": other.colour, "boundary": outline(other.boundary)} for other in others]
