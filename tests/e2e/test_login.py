import re

from playwright.sync_api import expect

from tests.e2e.live import log_in_by_form


def test_dispatcher_logs_in_and_leaves_the_login_page(page, live_site, dana):
    log_in_by_form(page, live_site.url, "dana")
    expect(page).not_to_have_url(re.compile("/login/"))


def test_wrong_password_says_so_and_stays(page, live_site, dana):
    page.goto(f"{live_site.url}/login/")
    page.fill("[name=username]", "dana")
    page.fill("[name=password]", "wrong")
    page.locator("form:has([name=password]) [type=submit]").click()
    expect(page).to_have_url(re.compile("/login/"))
    expect(page.get_by_text("correct username and password")).to_be_visible()
