"""Photos and signatures from the field: kept once each, shown to whoever may see the job, never lost."""

import os
import uuid
from datetime import timedelta
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.actions import pictures
from dispatch.field.taps import Moment
from dispatch.models import DispatchSettings, Notification, Picture, Status, Tap
from tests import picture_files as files
from tests.factories import TechnicianFactory, make_job
from tests.pages import html_of, text_of
from tests.threads import at_the_same_time

JSON = {"Accept": "application/json"}


@pytest.fixture
def job(omar, tess, north):
    return make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north)


@pytest.fixture
def phone(client, tess):
    client.force_login(tess.user)
    return client


@pytest.fixture
def stored(own_files):
    """The names of all files."""
    return lambda: sorted(str(path.relative_to(own_files)) for path in own_files.rglob("*") if path.is_file())


def milliseconds(instant) -> int:
    return int(instant.timestamp() * 1000)


def picture_of(data=None, *, kind="photo", **fields) -> dict:
    data = (files.signature() if kind == "signature" else files.photo()) if data is None else data
    now = milliseconds(timezone.now())
    upload = SimpleUploadedFile("../../etc/passwd.php", data, content_type="text/html")
    fields = {"id": str(uuid.uuid4()), "kind": kind, "tapped_at": now, "sent_at": now, "file": upload} | fields
    return {name: value for name, value in fields.items() if value is not None}


def send(client, job, data=None, *, headers=JSON, **fields):
    return client.post(reverse("add_picture", args=[job.pk]), picture_of(data, **fields), headers=headers)


def answer(response) -> dict:
    assert response.status_code == 200, response.content
    (tap,) = response.json()["taps"]
    return tap


# Taking --------------------------------------------------------------------------------------------


def test_a_photo_is_kept_with_its_caption_its_time_and_its_author(phone, tess, job, stored):
    taken = timezone.now() - timedelta(hours=2)
    said = answer(send(phone, job, name="Rusted valve", tapped_at=milliseconds(taken)))
    assert (said["outcome"], said["answer"]) == ("done", "Photo added.")
    assert said["job"] == {"id": job.pk, "seen": job.seen, "status": "assigned"}
    (picture,) = job.pictures.all()
    assert (picture.name, picture.author, picture.kind) == ("Rusted valve", tess.user, "photo")
    assert abs(picture.taken_at - taken) < timedelta(seconds=1)
    assert (picture.width, picture.height, picture.size_bytes) == (80, 40, picture.file.size)
    assert stored() == [f"jobs/{job.pk}/{picture.pk}-small.jpg", f"jobs/{job.pk}/{picture.pk}.jpg"]
    tap = Tap.objects.get(pk=picture.pk)
    assert (tap.kind, tap.outcome, tap.job) == ("photo", "done", job)


def test_the_same_picture_sent_twice_is_kept_once_and_answered_alike(phone, job, stored):
    known = str(uuid.uuid4())
    first, second = (answer(send(phone, job, id=known)) for _ in range(2))
    assert first == second
    assert job.pictures.count() == 1
    assert len(stored()) == 2


def test_a_refused_picture_is_refused_again_in_the_same_words(phone, job):
    known = str(uuid.uuid4())
    first = answer(send(phone, job, b"%PDF-1.7", id=known))
    assert (first["outcome"], first["answer"]) == ("refused", "This is a PDF. Send a photo as JPEG, PNG or WebP.")
    assert answer(send(phone, job, id=known)) == first


def test_an_id_that_another_phone_has_used_gives_nothing_away(phone, omar, tom, job):
    foreign = make_job(Status.ASSIGNED, by=omar, technician=tom)
    known = uuid.uuid4()
    moment = Moment(timezone.now(), timezone.now())
    upload = SimpleUploadedFile("x", files.photo())
    sent = actions.SentPicture(known, "photo", upload, upload.size, moment, name="Tom's own")
    actions.keep_picture(tom, foreign.pk, sent, by=tom.user)
    said = answer(send(phone, job, id=str(known)))
    assert said["outcome"] == "refused"
    assert said["job"] is None
    assert job.pictures.count() == 0


@pytest.mark.parametrize("name", files.NOT_PICTURES)
def test_a_file_that_is_no_picture_is_refused_and_nothing_is_kept(phone, job, stored, name):
    data, words = files.NOT_PICTURES[name]
    said = answer(send(phone, job, data))
    assert said["outcome"] == "refused"
    assert words in said["answer"]
    assert (job.pictures.count(), stored()) == (0, [])


def test_a_page_in_a_picture_is_never_served(phone, job):
    said = answer(send(phone, job, files.photo(comment=files.SCRIPT) + b"<html>" + files.SCRIPT))
    for name in ("picture", "picture_thumbnail"):
        response = phone.get(reverse(name, args=[said["id"]]))
        assert b"script" not in response.content
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_signature_needs_the_name_of_whoever_signs(phone, job):
    assert "name" in answer(send(phone, job, kind="signature"))["answer"]
    assert answer(send(phone, job, kind="signature", name="Mia Wong"))["answer"] == "Signature of Mia Wong added."
    assert "is empty" in answer(send(phone, job, files.signature(ink="#fff"), kind="signature", name="M"))["answer"]
    (signature,) = job.pictures.all()
    assert (signature.kind, signature.name, signature.file.name[-4:]) == ("signature", "Mia Wong", ".png")


def test_a_caption_is_cut_and_never_a_reason_to_refuse(phone, job):
    assert answer(send(phone, job, name="x" * 500))["outcome"] == "done"
    assert len(job.pictures.get().name) == 120


@pytest.mark.parametrize("fields", [{"file": None}, {"kind": "step"}, {"kind": "check"}, {"kind": None}])
def test_a_tap_without_a_picture_is_refused_in_a_sentence(phone, job, fields):
    said = answer(send(phone, job, **fields))
    assert said["outcome"] == "refused"
    assert said["answer"].endswith((".", "again."))


@pytest.mark.parametrize("known", ["", None, "1", "x" * 36])
def test_a_picture_without_an_id_cannot_be_answered(phone, job, known):
    response = send(phone, job, id=known)
    assert response.status_code == 400
    assert response.json()["error"]


@pytest.mark.parametrize("tapped_at", ["", "yesterday", "-5", "1e400", "99999999999999", "1000"])
def test_a_time_that_makes_no_sense_is_replaced_by_that_of_arrival_and_it_says_so(phone, job, tapped_at):
    said = answer(send(phone, job, tapped_at=tapped_at))
    assert said["outcome"] == "done"
    assert said["answer"].startswith("Photo added. When it was cannot be right")
    assert timezone.now() - job.pictures.get().taken_at < timedelta(minutes=1)


def test_a_phone_an_hour_ahead_is_put_right(phone, job):
    ahead = timezone.now() + timedelta(hours=1)
    taken = ahead - timedelta(minutes=10)
    answer(send(phone, job, tapped_at=milliseconds(taken), sent_at=milliseconds(ahead)))
    assert abs(timezone.now() - timedelta(minutes=10) - job.pictures.get().taken_at) < timedelta(seconds=30)


@pytest.mark.parametrize("pk", ["9" * 30, "0"])
def test_a_number_of_no_job_is_no_server_error(phone, job, pk):
    url = reverse("add_picture", args=[job.pk]).replace(f"/{job.pk}/", f"/{pk}/")
    assert answer(phone.post(url, picture_of(), headers=JSON))["outcome"] == "refused"


@pytest.mark.parametrize("fields", [{"name": "a\0b"}, {"latitude": "nan", "longitude": "1e999", "fix_at": "x"}])
def test_nonsense_beside_a_photo_is_no_server_error(phone, job, fields):
    assert answer(send(phone, job, **fields))["outcome"] in ("done", "refused")


def test_where_a_photo_was_taken_is_kept_only_if_the_settings_want_it(phone, job):
    answer(send(phone, job, files.photo_with_exif()))
    assert job.pictures.get().latitude is None
    DispatchSettings.load()
    DispatchSettings.objects.update(keeps_photo_location=True)
    known = answer(send(phone, job, files.photo_with_exif()))["id"]
    picture = job.pictures.get(pk=known)
    assert (picture.latitude, picture.longitude) == (40.1, -75.125)
    answer(send(phone, job, kind="signature", name="Mia"))
    assert job.pictures.get(kind="signature").latitude is None


def test_a_job_takes_so_many_pictures_and_no_more(phone, job, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_ON_JOB", 2)
    outcomes = [answer(send(phone, job))["outcome"] for _ in range(3)]
    assert outcomes == ["done", "done", "refused"]
    assert job.pictures.count() == 2


# What no longer fits -------------------------------------------------------------------------------


def test_a_photo_of_a_job_given_to_somebody_else_is_kept_and_the_dispatcher_told(phone, omar, dana, tess, tom, job):
    actions.assign_job(job, tom, by=omar)
    said = [answer(send(phone, job)) for _ in range(3)]
    assert {one["outcome"] for one in said} == {"kept"}
    assert "Assigned to Tom" in said[0]["answer"]
    assert said[0]["job"] is None
    assert job.pictures.count() == 3
    (note,) = job.notes.all()
    assert note.author == tess.user
    assert note.text.startswith("Sent a photo at ")
    assert dana.notifications.filter(kind=Notification.Kind.FIELD_CONFLICT).count() == 1
    job.refresh_from_db()
    assert (job.technician, job.status) == (tom, Status.ASSIGNED)


def test_a_photo_of_a_cancelled_job_is_kept(phone, omar, job):
    actions.change_status(job, Status.CANCELLED, by=omar, note="Customer called")
    assert answer(send(phone, job))["outcome"] == "kept"
    assert job.pictures.count() == 1


def test_a_photo_after_completing_is_simply_added(phone, omar, tess):
    job = make_job(Status.COMPLETED, by=omar, technician=tess)
    assert answer(send(phone, job))["outcome"] == "done"
    assert job.notes.count() == 0


def test_jobs_that_never_were_theirs_and_jobs_that_are_not_look_the_same(phone, omar, tom, tess):
    foreign = make_job(Status.ASSIGNED, by=omar, technician=tom)
    there, nowhere = (
        answer(phone.post(reverse("add_picture", args=[pk]), picture_of(), headers=JSON))
        for pk in (foreign.pk, 999_999)
    )
    assert {**there, "id": ""} == {**nowhere, "id": ""}
    assert there["answer"] == "This job is not among yours."
    assert foreign.pictures.count() == 0


# When things fail ----------------------------------------------------------------------------------


@pytest.mark.expects_error_logs
def test_a_server_that_cannot_store_says_so_and_the_phone_keeps_the_picture(phone, job, own_files, stored):
    (own_files / "jobs").write_text("a file where a folder should be")
    known = str(uuid.uuid4())
    response = send(phone, job, id=known)
    assert response.status_code == 503
    assert "cannot store" in response.json()["error"]
    assert response.headers["Retry-After"]
    assert not Tap.objects.filter(pk=known).exists()
    (own_files / "jobs").unlink()
    assert answer(send(phone, job, id=known))["outcome"] == "done"


@pytest.mark.expects_error_logs
def test_a_disk_that_fills_up_between_picture_and_thumbnail_leaves_nothing_behind(phone, job, monkeypatch, stored):
    storage = pictures.storage_of_pictures()
    save = storage.save

    def full(name, content):
        if "small" in name:
            raise OSError(28, "No space left on device")
        return save(name, content)

    monkeypatch.setattr(storage._wrapped if hasattr(storage, "_wrapped") else storage, "save", full)
    assert send(phone, job).status_code == 503
    assert stored() == []


@pytest.mark.expects_error_logs
def test_what_cannot_be_written_down_leaves_no_files(phone, tess, job, monkeypatch, stored):
    monkeypatch.setattr(pictures, "publish_job", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        send(phone, job)
    assert (stored(), Tap.objects.count(), Picture.objects.count()) == ([], 0, 0)


@pytest.mark.expects_error_logs
def test_too_many_at_once_wait_on_their_phones(phone, job, monkeypatch):
    monkeypatch.setattr(pictures, "REMAKE", {"photo": lambda *args, **kwargs: (_ for _ in ()).throw(pictures.TooBusy)})
    response = send(phone, job)
    assert response.status_code == 503
    assert "waits its turn" in response.json()["error"]


def test_files_of_no_picture_are_swept_after_a_day(phone, job, own_files, stored):
    answer(send(phone, job))
    kept = stored()
    orphans = [own_files / f"jobs/{job.pk}/{uuid.uuid4()}.jpg", own_files / "jobs/999/x.jpg"]
    for path in orphans:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    assert actions.sweep_pictures() == 0
    long_ago = (timezone.now() - timedelta(days=2)).timestamp()
    for path in own_files.rglob("*.jpg"):
        os.utime(path, (long_ago, long_ago))
    assert actions.sweep_pictures() == 2
    assert stored() == kept


def test_sweeping_before_there_is_any_picture_is_fine(own_files):
    assert actions.sweep_pictures() == 0


# Who may -------------------------------------------------------------------------------------------


def test_a_phone_that_is_logged_out_is_told_so_and_a_browser_goes_to_the_login(client, job):
    assert send(client, job).status_code == 401
    response = send(client, job, headers={"Accept": "text/html"})
    assert response.status_code == 302
    assert response.url.startswith(reverse("login"))


@pytest.mark.parametrize("who", ["ada", "omar", "dana", "nick"])
def test_only_technicians_send_pictures(client, request, job, who):
    client.force_login(request.getfixturevalue(who))
    assert send(client, job).status_code == 403
    assert job.pictures.count() == 0


def test_a_file_is_shown_to_whoever_sees_the_job_and_exists_for_nobody_else(
    client, phone, request, omar, tom, tess, job
):
    known = answer(send(phone, job))["id"]
    urls = [reverse(name, args=[known]) for name in ("picture", "picture_thumbnail")]
    eve = TechnicianFactory().user
    shown = {"dana": 200, "omar": 200, "ada": 200, "nick": 404, "tom": 404, "eve": 404, "tess": 200}
    users = {name: request.getfixturevalue(name) for name in ("dana", "ada", "nick")}
    users |= {"omar": omar, "tom": tom.user, "eve": eve, "tess": tess.user}
    for name, status in shown.items():
        client.force_login(users[name])
        assert [client.get(url).status_code for url in urls] == [status, status], name
    client.logout()
    assert all(client.get(url).status_code == 302 for url in urls)


def test_a_dispatcher_of_other_zones_does_not_see_the_pictures(client, phone, dana, omar, tom, south):
    foreign = make_job(Status.ASSIGNED, by=omar, technician=tom, zone=south)
    client.force_login(tom.user)
    known = answer(send(client, foreign))["id"]
    client.force_login(dana)
    assert client.get(reverse("picture", args=[known])).status_code == 404


def test_whoever_loses_the_job_loses_its_pictures_even_from_the_browsers_memory(phone, omar, tom, job):
    url = reverse("picture", args=[answer(send(phone, job))["id"]])
    first = phone.get(url)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = {"If-None-Match": first.headers["ETag"]}
    assert phone.get(url, headers=again).status_code == 304
    actions.assign_job(job, tom, by=omar)
    assert phone.get(url, headers=again).status_code == 404


def test_a_file_says_what_it_is_and_is_named_after_the_job(phone, job):
    known = answer(send(phone, job, kind="signature", name="Mia"))["id"]
    url = reverse("picture", args=[known])
    response = phone.get(url)
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Content-Disposition"] == f'inline; filename="{job.number}-signature-{known[:8]}.png"'
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert phone.get(url + "?download").headers["Content-Disposition"].startswith("attachment")
    assert phone.head(url).content == b""


def test_a_file_that_is_gone_is_not_found(phone, job, own_files):
    known = answer(send(phone, job))["id"]
    for path in own_files.rglob("*.jpg"):
        path.unlink()
    assert phone.get(reverse("picture", args=[known])).status_code == 404


@pytest.mark.expects_error_logs
@pytest.mark.parametrize("error", [PermissionError, TimeoutError, RuntimeError("The bucket does not answer.")])
@pytest.mark.parametrize("page", ["picture", "picture_thumbnail"])
def test_a_file_that_cannot_be_read_just_now_can_be_asked_for_again(phone, job, monkeypatch, page, error):
    known = answer(send(phone, job))["id"]

    def fail(*args):
        raise error

    monkeypatch.setattr(Picture._meta.get_field("file").storage, "_open", fail)
    shown = phone.get(reverse(page, args=[known]))
    assert (shown.status_code, shown["Retry-After"], shown["Cache-Control"]) == (503, "30", "no-store")
    assert shown.content == b"The picture cannot be read just now. Try again."


@pytest.mark.parametrize("path", ["files/", "media/", "jobs/{job}/{picture}.jpg", "files/jobs/{job}/{picture}.jpg"])
def test_no_folder_of_files_is_served(client, phone, ada, job, path):
    known = answer(send(phone, job))["id"]
    client.force_login(ada)
    assert client.get("/" + path.format(job=job.pk, picture=known)).status_code == 404


def test_files_belong_to_the_server_alone(phone, job, own_files):
    answer(send(phone, job))
    assert {oct(path.stat().st_mode & 0o777) for path in own_files.rglob("*.jpg")} == {"0o600"}


def test_a_page_without_script_sends_one_and_comes_back(phone, job):
    response = send(phone, job, headers=None, tapped_at=None, sent_at=None)
    assert response.status_code == 302
    assert response.url == reverse("phone_job", args=[job.pk])
    assert "Photo added." in text_of(phone.get(response.url))
    response = phone.post(reverse("add_picture", args=[job.pk]), picture_of(file=None))
    assert "Choose a picture first." in text_of(phone.get(response.url))


# Where they are shown ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["job", "job_drawer"])
def test_the_job_shows_its_pictures_to_the_dispatcher(client, phone, dana, job, name):
    photo = answer(send(phone, job, name="<b>Valve</b>"))["id"]
    signature = answer(send(phone, job, kind="signature", name="Mia Wong"))["id"]
    client.force_login(dana)
    page = html_of(client.get(reverse(name, args=[job.pk])))
    assert reverse("picture_thumbnail", args=[photo]) in page
    assert reverse("picture", args=[signature]) in page
    assert "&lt;b&gt;Valve&lt;/b&gt;" in page
    assert "Signed by Mia Wong" in page


def test_the_phone_shows_the_pictures_of_its_job(phone, job):
    known = answer(send(phone, job, name="Valve"))["id"]
    page = html_of(phone.get(reverse("phone_job", args=[job.pk])))
    assert reverse("picture_thumbnail", args=[known]) in page


@pytest.mark.parametrize("name", ["job", "job_drawer", "phone_job"])
def test_fifty_pictures_take_as_many_queries_as_five(
    client, phone, omar, tess, job, name, django_assert_num_queries, django_assert_max_num_queries
):
    client.force_login(tess.user if name == "phone_job" else omar)
    url, counts = reverse(name, args=[job.pk]), []
    for count in (5, 45):
        now = timezone.now()
        job.pictures.bulk_create(
            Picture(
                id=uuid.uuid4(),
                job=job,
                kind="photo",
                file="x.jpg",
                thumbnail="y.jpg",
                width=8,
                height=4,
                size_bytes=9,
                taken_at=now,
                received_at=now,
                author=TechnicianFactory().user,
            )
            for _ in range(count)
        )
        client.get(url)
        with django_assert_max_num_queries(100) as seen:
            assert client.get(url).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_sending_takes_the_same_number_of_queries_whatever_is_there(phone, job, django_assert_max_num_queries):
    counts = []
    for _ in range(4):
        with django_assert_max_num_queries(100) as seen:
            answer(send(phone, job))
        counts.append(len(seen))
    assert len(set(counts[1:])) == 1


def test_the_drawer_shows_the_first_six_photos_and_leads_to_all(client, phone, dana, job):
    for number in range(7):
        answer(send(phone, job, name=f"No. {number}"))
    client.force_login(dana)
    page = html_of(client.get(reverse("job_drawer", args=[job.pk])))
    assert page.count("data-picture ") == 6
    assert "All 7 photos" in page
    assert html_of(client.get(reverse("job", args=[job.pk]))).count("data-picture ") == 7


# At the same moment --------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_same_picture_arriving_twice_at_once_is_kept_once(tess, job, stored):
    known, now = uuid.uuid4(), timezone.now()

    def keep():
        data = BytesIO(files.photo())
        sent = actions.SentPicture(known, "photo", data, len(data.getvalue()), Moment(now, now))
        return actions.keep_picture(tess, job.pk, sent, by=tess.user, now=now)

    taps = at_the_same_time(*[keep] * 4)
    assert {(tap.pk, tap.outcome, tap.answer) for tap in taps} == {(known, "done", "Photo added.")}
    assert (job.pictures.count(), len(stored())) == (1, 2)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_pictures_at_once_none_is_one_too_many(tess, job, stored, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_ON_JOB", 2)
    now = timezone.now()

    def keep():
        data = BytesIO(files.photo())
        sent = actions.SentPicture(uuid.uuid4(), "photo", data, len(data.getvalue()), Moment(now, now))
        return actions.keep_picture(tess, job.pk, sent, by=tess.user, now=now)

    taps = at_the_same_time(*[keep] * 6)
    assert sorted(tap.outcome for tap in taps) == ["done"] * 2 + ["refused"] * 4
    assert (job.pictures.count(), len(stored())) == (2, 4)
