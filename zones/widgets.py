from django import forms
from django.conf import settings

MAXIMUM_UPLOAD_BYTES = 5 * 1024 * 1024


class BoundaryWidget(forms.Textarea):
    """A boundary as GeoJSON: drawn on a map, pasted, or read from a file.

    `others` are the zones drawn faintly beside it: dicts of name, colour and boundary. The file is read into the text
    by the browser; without JavaScript it is sent along and read here.
    """

    template_name = "zones/boundary_widget.html"
    needs_multipart_form = True
    others: list[dict] = []

    class Media:
        css = {"all": ["leaflet/leaflet.css", "leaflet/draw/leaflet.draw.css", "css/zone_widget.css"]}
        js = ["leaflet/leaflet.js", "leaflet/draw/leaflet.draw.js", "js/zone_widget.js"]

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, {"rows": 6, "spellcheck": "false", **(attrs or {})})
        context["widget"] |= {
            "is_read_only": "readonly" in context["widget"]["attrs"],
            "others": self.others,
            "others_id": f"{name}-others",
            "tiles": settings.MAP_TILE_URL,
            "attribution": settings.MAP_ATTRIBUTION,
        }
        return context

    def value_from_datadict(self, data, files, name):
        upload = files.get(f"{name}_file")
        if upload is None:
            return super().value_from_datadict(data, files, name)
        if upload.size > MAXIMUM_UPLOAD_BYTES:
            return "The file is larger than 5 MB"
        return upload.read().decode("utf-8-sig", errors="replace")

    def value_omitted_from_data(self, data, files, name):
        return super().value_omitted_from_data(data, files, name) and f"{name}_file" not in files
