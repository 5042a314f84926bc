from django.forms.renderers import TemplatesSetting


class TruckrollFormRenderer(TemplatesSetting):
    """Form fields drawn by templates/forms/, so that every form looks and speaks alike."""

    field_template_name = "forms/_field.html"
