from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import urlencode


class HtmxLoginMiddleware:
    """An expired session answers htmx with a redirect of the whole page, never with a login form inside a card."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        login_url = resolve_url(settings.LOGIN_URL)
        if request.htmx and response.status_code == 302 and response.url.partition("?")[0] == login_url:
            back = request.htmx.current_url_abs_path or "/"
            return HttpResponse(headers={"HX-Redirect": f"{login_url}?{urlencode({'next': back})}"})
        return response
