from django import forms
from django.contrib.auth.decorators import permission_required
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from dispatch.palette import load_palette


class PaletteForm(forms.Form):
    q = forms.CharField(required=False, max_length=100)
    recent = forms.CharField(required=False, max_length=500)


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def palette(request):
    """The options that fit what is typed, for the listbox; whoever has no script searches in the list instead."""
    form = PaletteForm(request.GET)
    typed = form.cleaned_data if form.is_valid() else {"q": "", "recent": ""}
    if not request.htmx:
        return redirect(f"{reverse('board_list')}?{urlencode({'day': 'all', 'q': typed['q']})}")
    groups = load_palette(
        request.user,
        text=typed["q"],
        here=request.htmx.current_url_abs_path or "",
        recent=typed["recent"].split(","),
    )
    return render(request, "dispatch/palette.html", {"groups": groups})
