"""What a person sees on a page and what their browser would send back."""

import re
from html import unescape
from html.parser import HTMLParser


def html_of(response) -> str:
    return response.content.decode()


def text_of(response) -> str:
    """The words on the page, with single spaces."""
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", html_of(response)).split()))


def job_rows(response) -> list[int]:
    """The ids of the board's rows, from top to bottom."""
    return [int(pk) for pk in re.findall(r'<tr id="job-row-(\d+)" data-job', html_of(response))]


def links_of(response) -> list[str]:
    return [unescape(href) for href in re.findall(r'<a[^>]*?\shref="([^"]*)"', html_of(response))]


def typed(response, **changes) -> dict:
    """The fields of the page's job form as a browser would post them, with some changed; None leaves a field out."""
    reader = _FormReader()
    reader.feed(html_of(response))
    data = reader.data | changes
    return {name: value for name, value in data.items() if value is not None}


class _FormReader(HTMLParser):
    """Reads the fields inside <main>."""

    def __init__(self):
        super().__init__()
        self.data: dict[str, str] = {}
        self._in_main = False
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag, attributes):
        attrs = dict(attributes)
        name = attrs.get("name", "")
        if tag == "main":
            self._in_main = True
        elif not self._in_main:
            return
        elif tag == "select":
            self._select = name
        elif tag == "option" and (self._select not in self.data or "selected" in attrs):
            self.data[self._select] = attrs.get("value", "")
        elif tag == "textarea":
            self._textarea = name
            self.data[name] = ""
        elif tag == "input" and name:
            self._read_input(name, attrs)

    def _read_input(self, name, attrs):
        if attrs.get("type") not in ("checkbox", "radio"):
            self.data[name] = attrs.get("value") or ""
        elif "checked" in attrs:
            self.data[name] = attrs.get("value", "on")

    def handle_endtag(self, tag):
        if tag == "main":
            self._in_main = False
        elif tag == "textarea":
            self.data[self._textarea] = self.data[self._textarea].removeprefix("\n")
            self._textarea = ""

    def handle_data(self, data):
        if self._textarea:
            self.data[self._textarea] += data
