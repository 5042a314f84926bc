"""What a customer opens by the link to their job. No login and no cookie: the token in the address is the key."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.actions import ActionRefused
from dispatch.customer_link.door import LIVE_HEADER, company_context, through_link, token_of
from dispatch.customer_link.forms import MessageForm, OtherTimeForm, RatingForm
from dispatch.customer_link.visit import load_visit
from dispatch.models import CustomerLink

SAID = {
    "message": "Sent. Thank you.",
    "ready": "Thank you: we know that you are ready.",
    "time": "Sent. We will answer here and let you know.",
    "rating": "Thank you for telling us.",
}
TYPED = ("kind", "text", "day", "begins", "ends")
STARS = [(1, "bad"), (2, "poor"), (3, "all right"), (4, "good"), (5, "very good")]


@through_link("GET")
def visit(request, link):
    # Neither the page's own questions for news nor a colleague who has a look is the customer opening it.
    if request.method == "GET" and LIVE_HEADER not in request.headers and not request.user.is_authenticated:
        actions.note_opened(link, now=timezone.now())
    return render_visit(request, link, said=SAID.get(request.GET.get("done", ""), ""))


@through_link("POST")
def write_message(request, link):
    form = MessageForm(request.POST)
    if not form.is_valid():
        return render_visit(request, link, form=form, about="message", status=422)
    kind, text = form.cleaned_data["kind"], form.cleaned_data["text"]
    return _done(request, link, "message", form, kind, lambda: actions.write_as_customer(link, kind, text))


@through_link("POST")
def ask_other_time(request, link):
    form = OtherTimeForm(request.POST)
    if not form.is_valid():
        return render_visit(request, link, form=form, about="time", status=422)
    data = form.cleaned_data
    wanted = {"starts_at": data["starts_at"], "ends_at": data["ends_at"], "text": data["text"]}
    return _done(request, link, "time", form, "time", lambda: actions.ask_other_time(link, **wanted))


@through_link("POST")
def rate_visit(request, link):
    form = RatingForm(request.POST)
    if not form.is_valid():
        return render_visit(request, link, form=form, about="rating", status=422)
    data = form.cleaned_data
    return _done(
        request, link, "rating", form, "rating", lambda: actions.rate_visit(link, data["stars"], data["comment"])
    )


def _done(request, link: CustomerLink, about: str, form, word: str, act) -> HttpResponse:
    try:
        act()
    except ActionRefused as refused:
        form.add_error(None, refused.reason)
        return render_visit(request, link, form=form, about=about, status=409)
    word = word if word in SAID else about
    return redirect(f"{reverse('visit', args=[token_of(link)])}?done={word}#said")


def render_visit(request, link, *, said="", form=None, about="", status=200) -> HttpResponse:
    errors = [error for messages in form.errors.values() for error in messages] if form else []
    context = visit_context(link.job, said_since=link.created_at) | {
        "base_url": reverse("visit", args=[token_of(link)]),
        "said": said,
        "errors": errors,
        "about": about,
        "typed": {name: request.POST.get(name, "") for name in TYPED},
    }
    if said == SAID["time"] and context["visit"].open_wish is None:
        context["said"] = ""  # it has been answered since
    return render(request, "customer/visit.html", context, status=status)


def visit_context(job, *, said_since=None) -> dict:
    now = timezone.now()
    return company_context() | {
        "visit": load_visit(job, said_since=said_since, now=now),
        "now": now,
        "today": timezone.localdate(now),
        "stars": STARS,
        "is_preview": False,
    }
