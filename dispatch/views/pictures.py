"""Photos and signatures: taken from the phone, and shown to whoever may see the job, asked at each request."""

import logging
import uuid

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_POST, require_safe

from dispatch import actions
from dispatch.field.tap_forms import NOT_UNDERSTOOD, read_fix
from dispatch.field.taps import instant, moment_of, offset_in, read_tap
from dispatch.models import Job, Picture, Tap
from dispatch.views.phone import own_jobs
from dispatch.views.phone_door import kept_out, shut_out_user, technician_of
from dispatch.views.taps import answer_to
from technicians.models import Technician

log = logging.getLogger(__name__)

RETRY_SECONDS = 30
LONGEST_NAME = Picture._meta.get_field("name").max_length


class PictureForm(forms.Form):
    """A page without script sends no times. The file is not Django's ImageField: that one decodes before any limit."""

    id = forms.UUIDField()
    kind = forms.ChoiceField(choices=Picture.Kind.choices)
    name = forms.CharField(required=False)
    file = forms.FileField(allow_empty_file=True)

    def clean_name(self) -> str:
        return self.cleaned_data["name"][:LONGEST_NAME]


@login_not_required  # a phone's own request is answered in its own language, not with the page to log in
@require_POST
def add_picture(request, pk):
    is_page = request.accepts("text/html")
    if not request.user.is_authenticated and not shut_out_user(request):
        return redirect_to_login(reverse("phone_job", args=[pk])) if is_page else refusal("Log in again.", status=401)
    try:
        technician, form = technician_of(request), PictureForm(request.POST, request.FILES)
    except PermissionDenied as why:
        if is_page:
            raise
        return kept_out(why)
    if not form.is_valid() and "id" in form.errors:
        return back(request, pk, NOT_UNDERSTOOD) if is_page else refusal("A picture needs an id.", status=400)
    try:
        tap = keep_sent(request, technician, pk, form)
    except actions.PictureNotStored as error:
        return back(request, pk, f"{error} Send it once more.") if is_page else refusal(str(error), status=503)
    if is_page:
        return back(request, pk, tap.answer, is_refused=tap.outcome == Tap.Outcome.REFUSED)
    job = own_jobs(request).filter(pk=tap.job_id).first()
    return JsonResponse({"now": int(timezone.now().timestamp() * 1000), "taps": [answer_to(tap, job)]})


def refusal(sentence: str, *, status: int) -> JsonResponse:
    headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
    return JsonResponse({"error": sentence}, status=status, headers=headers)


def back(request, pk: int, said: str, *, is_refused: bool = True) -> HttpResponse:
    """A page without script comes back to the job, if it is still theirs."""
    messages.add_message(request, messages.ERROR if is_refused else messages.SUCCESS, said)
    return redirect("phone_job", pk) if own_jobs(request).filter(pk=pk).exists() else redirect("phone")


def keep_sent(request, technician: Technician, pk: int, form: PictureForm) -> Tap:
    data, now = form.cleaned_data, timezone.now()
    if not form.is_valid():
        said = "Choose a picture first." if list(form.errors) == ["file"] else NOT_UNDERSTOOD
        return Tap(id=data["id"], outcome=Tap.Outcome.REFUSED, answer=said)
    upload: UploadedFile = data["file"]
    tapped_at = instant(request.POST.get("tapped_at")) if "tapped_at" in request.POST else now
    sent_at, offset = instant(request.POST.get("sent_at")), offset_in(request.POST)
    moment = moment_of(tapped_at, sent_at=sent_at, now=now, offset=offset)
    sent = actions.SentPicture(
        id=data["id"],
        kind=data["kind"],
        upload=upload,
        size_bytes=upload.size,
        moment=moment,
        name=data["name"],
        fix=read_fix(read_tap(request.POST.dict()), offset=moment.offset),
    )
    return actions.keep_picture(technician, pk, sent, by=request.user, now=now)


# Files --------------------------------------------------------------------------------------------


@require_safe
def picture(request, pk: uuid.UUID):
    shown = visible_picture(request, pk)
    is_photo = shown.kind == Picture.Kind.PHOTO
    name = f"{shown.job.number}-{shown.kind}-{shown.pk.hex[:8]}.{'jpg' if is_photo else 'png'}"
    return file_response(request, shown.file, "image/jpeg" if is_photo else "image/png", name)


@require_safe
def picture_thumbnail(request, pk: uuid.UUID):
    shown = visible_picture(request, pk)
    return file_response(request, shown.thumbnail, "image/jpeg", f"{shown.job.number}-{shown.pk.hex[:8]}-small.jpg")


def visible_picture(request, pk: uuid.UUID) -> Picture:
    pictures = Picture.objects.filter(job__in=Job.objects.visible_to(request.user)).select_related("job")
    return get_object_or_404(pictures, pk=pk)


def away() -> HttpResponse:
    headers = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store", "Content-Type": "text/plain"}
    return HttpResponse("The picture cannot be read just now. Try again.", status=503, headers=headers)


def file_response(request, file, content_type: str, name: str) -> HttpResponse:
    """Browsers may keep it, but ask each time, so that whoever may not see the job any more sees nothing."""
    etag = f'"{file.name}"'
    response = get_conditional_response(request, etag=etag)
    if response is None:
        try:
            with file.storage.open(file.name) as stored:
                response = HttpResponse(stored.read(), content_type=content_type)
        except FileNotFoundError:
            raise Http404("The file of this picture is gone.") from None
        except Exception:  # each storage has its own errors
            log.exception("A picture could not be read")
            return away()
        is_wanted_whole = "download" in request.GET
        response["Content-Disposition"] = f'{"attachment" if is_wanted_whole else "inline"}; filename="{name}"'
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
