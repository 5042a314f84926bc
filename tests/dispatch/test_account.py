import pytest
from django.urls import reverse

from dispatch.models import User
from tests.factories import PASSWORD, make_job
from tests.pages import html_of, text_of

ATTEMPTS = 10


def log_in(client, username, password=PASSWORD, next_page="", **extra):
    fields = {"username": username, "password": password, "next": next_page}
    return client.post(reverse("login"), fields, **extra)


def is_logged_in(client) -> bool:
    return "_auth_user_id" in client.session


# Logging in ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("username", "password"), [("dana", "wrong"), ("nobody", PASSWORD), ("dana", ""), ("", "")])
def test_wrong_name_or_password_does_not_log_in(client, dana, username, password):
    response = log_in(client, username, password)
    assert response.status_code == 200
    assert not is_logged_in(client)


def test_unknown_name_and_wrong_password_get_the_same_answer(client, dana):
    answers = [text_of(log_in(client, name, "wrong")) for name in ("dana", "nobody")]
    assert answers[0] == answers[1]


def test_disabled_account_does_not_log_in(client, dana):
    dana.is_active = False
    dana.save()
    log_in(client, "dana")
    assert not is_logged_in(client)


def test_ten_wrong_passwords_lock_the_account_out_from_there(client, dana):
    for _ in range(ATTEMPTS - 1):
        assert log_in(client, "dana", "wrong").status_code == 200
    locked = log_in(client, "dana", "wrong")
    assert locked.status_code == 429
    assert "Too many attempts" in text_of(locked)
    assert log_in(client, "dana").status_code == 429
    assert not is_logged_in(client)


def test_lock_out_is_of_one_account_at_one_place(client, dana, omar):
    for _ in range(ATTEMPTS):
        log_in(client, "dana", "wrong")
    assert log_in(client, "omar").status_code == 302
    client.logout()
    assert log_in(client, "dana", REMOTE_ADDR="10.0.0.9").status_code == 302


def test_nine_wrong_passwords_and_the_right_one_log_in_and_are_forgotten(client, dana):
    for _ in range(2):
        for _ in range(ATTEMPTS - 1):
            log_in(client, "dana", "wrong")
        assert log_in(client, "dana").status_code == 302
        client.logout()


@pytest.mark.parametrize(
    ("who", "page"), [("dana", "dashboard"), ("omar", "dashboard"), ("ada", "dashboard"), ("tess", "phone")]
)
def test_everyone_lands_where_their_role_works(client, request, who, page):
    request.getfixturevalue(who)
    response = client.get(log_in(client, who).url)
    assert response.url == reverse(page)
    assert client.get(response.url).status_code == 200


def test_account_without_a_role_is_told_so(client, nick):
    response = client.get(log_in(client, "nick").url)
    assert response.status_code == 403


def test_superuser_without_a_role_can_work_everywhere(client, db):
    User.objects.create_superuser("root", password=PASSWORD)
    response = client.get(log_in(client, "root").url)
    assert response.url == reverse("dashboard")


def test_login_leads_to_the_page_that_was_asked_for(client, omar):
    asked = reverse("job", args=[make_job(by=omar).pk])
    to_login = client.get(asked)
    assert to_login.url == f"{reverse('login')}?next={asked}"
    assert log_in(client, "omar", next_page=asked).url == asked


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_login_never_leads_to_another_site(client, omar, elsewhere):
    assert log_in(client, "omar", next_page=elsewhere).url == reverse("home")


def test_who_is_logged_in_is_not_asked_again(client, omar):
    client.force_login(omar)
    assert client.get(reverse("login")).url == reverse("home")


# Sessions -----------------------------------------------------------------------------------------


def test_expired_session_sends_the_whole_page_to_the_login(client, omar):
    job = make_job(by=omar)
    urls = [reverse("board"), reverse("board_rows"), reverse("job_drawer", args=[job.pk])]
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/board/?day=all&q=a%20b"}
    for url in [*urls, reverse("assign_job", args=[job.pk])]:
        response = client.get(url, headers=headers)
        assert response.status_code == 200
        assert response.content == b""
        assert response["HX-Redirect"] == "/login/?next=%2Fboard%2F%3Fday%3Dall%26q%3Da%2520b"


def test_expired_session_leads_nowhere_else(client):
    headers = {"HX-Request": "true", "HX-Current-URL": "https://evil.example/board/"}
    assert client.get(reverse("board"), headers=headers)["HX-Redirect"] == "/login/?next=%2F"


def test_page_without_htmx_is_redirected_to_the_login(client):
    response = client.get(reverse("board") + "?day=all")
    assert response.status_code == 302
    assert response.url == "/login/?next=/board/%3Fday%3Dall"


def test_logging_out_ends_the_session(client, omar):
    client.force_login(omar)
    assert client.get(reverse("logout")).status_code == 405
    assert client.post(reverse("logout")).url == reverse("login")
    assert not is_logged_in(client)
    assert client.get(reverse("board")).status_code == 302


# Theme and password -------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["", "pink", "LIGHT"])
def test_unknown_theme_is_refused(client, omar, theme):
    client.force_login(omar)
    assert client.post(reverse("set_theme"), {"theme": theme}).status_code == 422
    omar.refresh_from_db()
    assert omar.theme == "system"


def test_theme_is_kept_for_this_user_and_shown_at_once(client, omar, dana):
    client.force_login(omar)
    response = client.post(
        reverse("set_theme"), {"theme": "dark"}, headers={"Referer": "http://testserver/board/?day=all"}
    )
    assert response.url == "http://testserver/board/?day=all"
    assert 'data-theme="dark"' in html_of(client.get(reverse("board")))
    assert client.get(reverse("set_theme")).status_code == 405
    client.force_login(dana)
    assert 'data-theme="system"' in html_of(client.get(reverse("board")))


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_theme_leads_back_to_our_own_pages_only(client, omar, page):
    client.force_login(omar)
    response = client.post(reverse("set_theme"), {"theme": "dark"}, headers={"Referer": page})
    assert response.url == reverse("home")


def change_password(client, old, new, again=None):
    fields = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return client.post(reverse("password_change"), fields)


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [("wrong", "another-good-one", None), (PASSWORD, "another-good-one", "different"), (PASSWORD, "password", None)],
)
def test_password_is_not_changed_without_the_old_one_or_to_a_bad_one(client, tess, old, new, again):
    client.force_login(tess.user)
    assert change_password(client, old, new, again).status_code == 200
    tess.user.refresh_from_db()
    assert tess.user.check_password(PASSWORD)


def test_everyone_can_change_their_own_password_and_stays_logged_in(client, tess):
    client.force_login(tess.user)
    page = client.get(change_password(client, PASSWORD, "another-good-one").url, follow=True)
    assert "Your password is changed." in text_of(page)
    tess.user.refresh_from_db()
    assert tess.user.check_password("another-good-one")
