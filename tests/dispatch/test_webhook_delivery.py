"""Webhooks, against a receiver on loopback: each event at least once, signed, in order, and no call to where none may go."""

import ssl
import uuid
from datetime import timedelta
from io import BytesIO
from ipaddress import ip_address

import pytest
from django.db import transaction
from django.utils import timezone

from dispatch import actions
from dispatch.actions import webhook_delivery
from dispatch.actions.webhook_delivery import MOST_ATTEMPTS, TAKEN_FOR
from dispatch.field.taps import Moment
from dispatch.models import Notification, Status, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from dispatch.notices.notify import Kind
from dispatch.webhooks import addresses, events, post
from dispatch.webhooks.sign import secret_of
from tests.factories import make_job
from tests.picture_files import photo
from tests.push_service import PushService
from tests.threads import at_the_same_time
from tests.webhook_receiver import WebhookReceiver, is_signed, unused_port

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
State = WebhookDelivery.State


@pytest.fixture
def receiver(settings):
    receiver = WebhookReceiver()
    settings.WEBHOOK_HOSTS = [receiver.host]
    yield receiver
    receiver.drips = False
    receiver.down()


@pytest.fixture
def endpoint(ada, receiver):
    return actions.add_webhook(receiver.url, by=ada)


def stored(endpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.get(pk=endpoint.pk)


def run(endpoint, *, until, every=MINUTE, since=None):
    """What cron and workers would do until then."""
    at = since or timezone.now()
    while at <= until:
        actions.deliver_webhooks(endpoint.pk, now=at)
        at += every
    return at


def test_the_receiver_learns_of_a_new_job_and_of_each_step_in_their_order(receiver, endpoint, dana, tess, north):
    job = make_job(Status.COMPLETED, by=dana, technician=tess, zone=north)
    assert actions.deliver_webhooks(endpoint.pk) == 4
    told = [call.event for call in receiver.calls]
    assert [event["kind"] for event in told] == ["job.created", *["job.status_changed"] * 3]
    steps = [(event["content"]["from"]["status"], event["content"]["to"]["status"]) for event in told[1:]]
    assert steps == [("created", "assigned"), ("assigned", "in_progress"), ("in_progress", "completed")]
    versions = [event["content"]["job"]["version"] for event in told]
    assert versions == sorted(set(versions))
    assert told[-1]["content"]["job"]["number"] == job.number
    assert told[-1]["content"]["job"]["technician_id"] == tess.pk
    assert WebhookDelivery.objects.filter(state=State.DELIVERED).count() == 4
    assert actions.deliver_webhooks(endpoint.pk) == 0


def test_nothing_about_the_customer_leaves_but_their_id(receiver, endpoint, dana):
    job = make_job(by=dana)
    actions.deliver_webhooks(endpoint.pk)
    said = receiver.calls[0].body.decode()
    assert job.customer.name not in said and job.site.address not in said
    assert receiver.calls[0].event["content"]["job"]["customer_id"] == job.customer_id


def test_each_call_is_signed_over_time_and_body(receiver, endpoint, dana):
    make_job(by=dana)
    now = timezone.now()
    actions.deliver_webhooks(endpoint.pk, now=now)
    [call] = receiver.calls
    assert call.path == "/hooks?of=truckroll"
    assert call.headers["host"] == receiver.host
    assert call.headers["content-type"] == "application/json"
    secret = secret_of(endpoint.nonce)
    assert is_signed(call, secret=secret, at=now.timestamp())
    assert not is_signed(call, secret="another", at=now.timestamp())
    assert not is_signed(call, secret=secret, at=now.timestamp() + 3600)  # replayed
    forged = type(call)(call.path, call.headers, call.body.replace(b"created", b"erased!"))
    assert not is_signed(forged, secret=secret, at=now.timestamp())


def test_after_a_roll_both_secrets_sign_for_a_day(receiver, endpoint, ada):
    now = timezone.now()
    earlier = secret_of(endpoint.nonce)
    actions.roll_webhook_secret(endpoint, by=ada, now=now)
    newer = secret_of(stored(endpoint).nonce)
    assert newer != earlier
    for at in (now, now + 25 * HOUR):
        actions.send_test_event(stored(endpoint), by=ada, now=at)
        actions.deliver_webhooks(endpoint.pk, now=at)
    soon, later = receiver.calls
    assert is_signed(soon, secret=earlier, at=now.timestamp()) and is_signed(soon, secret=newer, at=now.timestamp())
    at = (now + 25 * HOUR).timestamp()
    assert is_signed(later, secret=newer, at=at) and not is_signed(later, secret=earlier, at=at)


def test_receiver_that_was_down_gets_everything_in_order_once_it_is_back(receiver, endpoint, dana, tess, north):
    receiver.down()
    now = timezone.now()
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, zone=north)
    other = make_job(by=dana)
    at = run(endpoint, until=now + 20 * MINUTE)
    assert WebhookDelivery.objects.filter(state=State.QUEUED).count() == 4
    assert WebhookAttempt.objects.count() < 20  # it is left in peace meanwhile
    assert "No answer" in WebhookAttempt.objects.first().error
    assert stored(endpoint).failing_since and stored(endpoint).rests_until
    receiver.up()
    run(endpoint, since=at, until=now + 2 * HOUR)
    assert not WebhookDelivery.objects.exclude(state=State.DELIVERED).exists()
    assert stored(endpoint).failing_since is None and stored(endpoint).rests_until is None
    told = [call.event for call in receiver.calls]
    assert len(told) == 4
    assert {event["id"] for event in told} == {str(pk) for pk in WebhookEvent.objects.values_list("pk", flat=True)}
    of_job = [event["content"]["job"] for event in told if event["content"]["job"]["id"] == job.pk]
    assert [each["status"] for each in of_job] == ["created", "assigned", "en_route"]
    assert other.pk in {event["content"]["job"]["id"] for event in told}


def test_an_attempt_again_has_the_same_id_and_body(receiver, endpoint, dana):
    receiver.status = 500
    make_job(by=dana)
    now = timezone.now()
    at = run(endpoint, until=now + 5 * MINUTE)
    receiver.status = 200
    run(endpoint, since=at, until=now + HOUR)
    assert len(receiver.calls) > 2 and len(receiver.taken) == 1
    assert len({call.event_id for call in receiver.calls}) == len({call.body for call in receiver.calls}) == 1
    assert receiver.calls[0].event["id"] == receiver.calls[0].event_id
    signatures = {call.headers["truckroll-signature"] for call in receiver.calls}
    assert len(signatures) == len(receiver.calls)  # of each attempt's own time


def test_worker_killed_after_sending_sends_again_under_the_same_id(receiver, endpoint, dana, monkeypatch):
    make_job(by=dana)

    def killed(*args, **kwargs):
        raise SystemExit

    now = timezone.now()
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(webhook_delivery, "_settle", killed)
        actions.deliver_webhooks(endpoint.pk, now=now)
    assert actions.deliver_webhooks(endpoint.pk, now=now) == 0  # it is taken
    assert actions.deliver_webhooks(endpoint.pk, now=now + TAKEN_FOR + MINUTE) == 1
    assert len(receiver.calls) == 2 and len({call.event_id for call in receiver.calls}) == 1


def test_event_that_the_receiver_never_takes_holds_up_its_job_for_an_hour_at_most(receiver, endpoint, dana, tess):
    receiver.status = 400
    job = make_job(by=dana)
    now = timezone.now()
    actions.deliver_webhooks(endpoint.pk, now=now)
    actions.assign_job(job, tess, by=dana, now=now)
    other = make_job(by=dana)
    at = run(endpoint, since=now + timedelta(seconds=1), until=now + timedelta(seconds=1))
    assert [call.event["content"]["job"]["id"] for call in receiver.calls] == [job.pk, other.pk]  # others do not wait
    run(endpoint, since=at, until=now + HOUR)
    assert "job.status_changed" in {call.event["kind"] for call in receiver.calls}
    assert stored(endpoint).rests_until is None  # it answers: only what it refused waits


def test_redirects_are_not_followed(receiver, endpoint, ada):
    receiver.status, receiver.headers = 302, {"Location": f"http://{receiver.host}/elsewhere"}
    actions.send_test_event(endpoint, by=ada)
    actions.deliver_webhooks(endpoint.pk)
    assert [call.path for call in receiver.calls] == ["/hooks?of=truckroll"]
    attempt = WebhookAttempt.objects.get()
    assert (attempt.status, attempt.error) == (302, "Redirects are not followed.")


def test_receiver_that_drips_its_answer_is_hung_up_on(receiver, endpoint, ada, monkeypatch):
    monkeypatch.setattr(post, "ANSWER_SECONDS", 0.4)
    receiver.drips = True
    actions.send_test_event(endpoint, by=ada)
    actions.deliver_webhooks(endpoint.pk)
    attempt = WebhookAttempt.objects.get()
    assert attempt.status is None and "No answer within" in attempt.error
    assert attempt.took_ms < 3000


def test_of_an_endless_answer_only_the_beginning_is_kept(receiver, endpoint, ada):
    receiver.answer = b"\x00<script>" + b"x" * 5_000_000
    actions.send_test_event(endpoint, by=ada)
    actions.deliver_webhooks(endpoint.pk)
    attempt = WebhookAttempt.objects.get()
    assert attempt.status == 200 and len(attempt.answer) == 500 and "\x00" not in attempt.answer


def test_what_is_no_answer_at_all_is_kept_without_what_cannot_be_stored(receiver, endpoint, ada):
    receiver.is_rude = True
    actions.send_test_event(endpoint, by=ada)
    actions.deliver_webhooks(endpoint.pk)
    attempt = WebhookAttempt.objects.get()
    assert "SSH" in attempt.error and "\x00" not in attempt.error


def test_endpoint_deleted_while_it_is_called_leaves_nothing(receiver, endpoint, ada, monkeypatch):
    def deleted_meanwhile(*args):
        actions.delete_webhook(endpoint, by=ada)
        return post.Answer(200)

    actions.send_test_event(endpoint, by=ada)
    monkeypatch.setattr(webhook_delivery, "post", deleted_meanwhile)
    assert actions.deliver_webhooks(endpoint.pk) == 1
    assert not WebhookAttempt.objects.exists()


def test_receiver_that_asks_for_patience_is_given_it(receiver, endpoint, ada):
    now = timezone.now()
    receiver.status, receiver.headers = 429, {"Retry-After": "900"}
    actions.send_test_event(endpoint, by=ada, now=now)
    actions.deliver_webhooks(endpoint.pk, now=now)
    receiver.status = 200
    actions.deliver_webhooks(endpoint.pk, now=now + 14 * MINUTE)
    assert len(receiver.calls) == 1
    actions.deliver_webhooks(endpoint.pk, now=now + 15 * MINUTE + timedelta(seconds=1))
    assert len(receiver.taken) == 1


def test_receiver_that_takes_nothing_for_three_days_is_stopped_and_the_admins_told_once(receiver, endpoint, ada, dana):
    receiver.down()
    make_job(by=dana)
    now = timezone.now()
    run(endpoint, since=now, until=now + 4 * DAY, every=HOUR)
    assert not stored(endpoint).is_active and stored(endpoint).stopped_at
    assert {delivery.state for delivery in WebhookDelivery.objects.all()} == {State.FAILED}
    [notice] = Notification.objects.filter(kind=Kind.WEBHOOK_STOPPED)
    assert notice.recipient == ada and receiver.url in notice.text
    make_job(by=dana)
    assert WebhookDelivery.objects.count() == 1  # nothing piles up for it
    receiver.up()
    with pytest.raises(actions.ActionRefused):
        actions.redeliver_failed_webhooks(stored(endpoint), by=ada)
    actions.start_webhook(endpoint, by=ada)
    assert actions.redeliver_failed_webhooks(stored(endpoint), by=ada) == 1
    actions.deliver_webhooks(endpoint.pk)
    assert [call.event["kind"] for call in receiver.taken] == ["job.created"]


def test_one_event_is_given_up_on_after_three_days_while_others_arrive(receiver, endpoint, ada, dana):
    receiver.refuses = {"job.created"}
    make_job(by=dana)
    refused = WebhookDelivery.objects.get()
    now = timezone.now()
    for hour in range(24 * 4):
        if hour % 24 == 1:
            actions.send_test_event(endpoint, by=ada, now=now + hour * HOUR)
        actions.deliver_webhooks(endpoint.pk, now=now + hour * HOUR)
    refused.refresh_from_db()
    assert (refused.state, refused.attempts) == (State.FAILED, MOST_ATTEMPTS)
    assert refused.log.last().tried_at - now > 3 * DAY
    assert stored(endpoint).is_active
    assert endpoint.deliveries.filter(state=State.DELIVERED).count() == 4


def test_stopped_webhook_gets_what_waited_when_it_is_started_again_and_nothing_of_between(receiver, ada, dana):
    endpoint = actions.add_webhook(receiver.url, by=ada)
    waiting = make_job(by=dana)
    actions.stop_webhook(endpoint, by=ada)
    make_job(by=dana)
    assert actions.deliver_webhooks(endpoint.pk) == 0
    actions.roll_webhook_secret(endpoint, by=ada)
    actions.start_webhook(stored(endpoint), by=ada)
    assert actions.deliver_webhooks(endpoint.pk) == 1
    [call] = receiver.calls
    assert call.event["content"]["job"]["id"] == waiting.pk
    assert is_signed(call, secret=secret_of(stored(endpoint).nonce), at=timezone.now().timestamp())


def test_gone_means_gone(receiver, endpoint, ada):
    receiver.status = 410
    actions.send_test_event(endpoint, by=ada)
    actions.deliver_webhooks(endpoint.pk)
    assert not stored(endpoint).is_active
    assert "410" in Notification.objects.get(kind=Kind.WEBHOOK_STOPPED).text


def test_delivered_event_can_be_sent_again_under_its_id(receiver, endpoint, ada, dana):
    make_job(by=dana)
    actions.deliver_webhooks(endpoint.pk)
    actions.redeliver_webhook(WebhookDelivery.objects.get(), by=ada)
    actions.deliver_webhooks(endpoint.pk)
    assert len(receiver.calls) == 2 and len({call.event_id for call in receiver.calls}) == 1
    assert WebhookAttempt.objects.count() == 2


def test_each_address_gets_only_the_events_that_it_chose(receiver, ada, dana):
    chosen = actions.add_webhook(receiver.url, kinds=["job.note_added"], by=ada)
    everything = actions.add_webhook(f"{receiver.url}&all", by=ada)
    actions.add_note(make_job(by=dana), "Ring twice", by=dana)
    told = {each: [row.event.kind for row in each.deliveries.order_by("pk")] for each in (chosen, everything)}
    assert told == {chosen: ["job.note_added"], everything: ["job.created", "job.note_added"]}


def test_change_that_is_taken_back_is_not_told(receiver, endpoint, dana):
    with pytest.raises(RuntimeError), transaction.atomic():
        make_job(by=dana)
        raise RuntimeError
    assert not WebhookEvent.objects.exists()


def test_where_nobody_listens_nothing_is_written_and_one_query_asks(ada, dana, receiver, django_assert_num_queries):
    stopped = actions.add_webhook(receiver.url, by=ada)
    actions.stop_webhook(stopped, by=ada)
    events.forget_listeners()
    now = timezone.now()
    with django_assert_num_queries(1):
        events.tell(events.Kind.PLAN_APPLIED, content={"plan_id": 1}, now=now)
        events.tell(events.Kind.PLAN_APPLIED, content={"plan_id": 2}, now=now)
    assert not WebhookEvent.objects.exists()


def test_fifty_events_at_once_cost_the_queries_of_five(endpoint, dana, django_assert_num_queries):
    jobs = [make_job(by=dana) for _ in range(50)]
    now = timezone.now()
    for some in (jobs[:5], jobs):
        with django_assert_num_queries(3):
            events.tell_each(events.Kind.JOB_CHANGED, [(job.pk, {}) for job in some], now=now)


def test_the_sweep_finds_what_the_queue_has_lost(receiver, endpoint, dana, django_capture_on_commit_callbacks):
    now = timezone.now()
    make_job(by=dana, now=now)
    assert actions.deliver_due_webhooks(now=now + timedelta(seconds=30)) == 0  # the queue still has it
    with django_capture_on_commit_callbacks() as hooks:
        assert actions.deliver_due_webhooks(now=now + MINUTE) == 1
    [send] = [hook for hook in hooks if hasattr(hook, "calls")]
    assert send.calls == ("dispatch.tasks.deliver_webhooks", "default", [(endpoint.pk,)])


# Who may be called --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1"),
        *("224.0.0.1", "255.255.255.255", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "2001:0:1::1"),
        *("192.0.0.192", "192.88.99.1", "168.63.129.16"),
    ],
)
def test_private_addresses_are_not_called(address):
    assert not addresses.is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111"])
def test_public_addresses_are_called(address):
    assert addresses.is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "ftp://example.com/", "https://", "file:///etc/passwd", "example.com"),
        *("https://user:pw@example.com/", "https://example.com:99999/", "https://exa mple.com/", "https://a\r\nb.com"),
        *("https://example.com\\@127.0.0.1/", "https://[::1/", ""),
        *("https://localhost/", "https://erp.localhost:8443/", "https://10.1.2.3/", "https://[::1]/"),
    ],
)
def test_what_is_no_address_of_a_receiver_is_refused(url, ada):
    with pytest.raises(actions.ActionRefused):
        actions.add_webhook(url, by=ada)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
def test_name_of_a_private_address_is_not_connected_to(host, ada, receiver, settings):
    settings.WEBHOOK_HOSTS = []
    endpoint = actions.add_webhook("https://erp.example.com/", by=ada)
    WebhookEndpoint.objects.update(url=f"https://{host}:{receiver.port}/")
    actions.send_test_event(endpoint, by=ada)
    actions.deliver_webhooks(endpoint.pk)
    assert not receiver.calls
    attempt = WebhookAttempt.objects.get()
    assert attempt.status is None and ("private network" in attempt.error or "not known" in attempt.error)


def test_connection_goes_to_the_address_that_was_checked(monkeypatch, receiver, endpoint, ada):
    """A name that answers differently the second time (DNS rebinding) is only asked once."""
    asked, getaddrinfo = [], addresses.socket.getaddrinfo

    def once(host, *args, **kwargs):
        asked.append(host)
        return getaddrinfo("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(addresses.socket, "getaddrinfo", once)
    WebhookEndpoint.objects.update(url=f"http://erp.example:{receiver.port}/")
    monkeypatch.setattr("django.conf.settings.WEBHOOK_HOSTS", ["erp.example"])
    actions.send_test_event(stored(endpoint), by=ada)
    actions.deliver_webhooks(endpoint.pk)
    assert [name for name in asked if name == "erp.example"] == ["erp.example"]
    assert receiver.calls[0].headers["host"] == f"erp.example:{receiver.port}"


def test_certificate_must_be_the_hosts(tmp_path, settings, ada, monkeypatch):
    service = PushService(tmp_path)
    settings.WEBHOOK_HOSTS = [service.host]
    endpoint = actions.add_webhook(service.endpoint(), by=ada)
    actions.send_test_event(endpoint, by=ada)
    now = timezone.now()
    actions.deliver_webhooks(endpoint.pk, now=now)
    assert "certificate" in WebhookAttempt.objects.get().error and not service.received
    trusting = ssl.create_default_context(cafile=service.certificate)
    monkeypatch.setattr(post, "_trust", lambda: trusting)
    actions.deliver_webhooks(endpoint.pk, now=now + HOUR)
    service.stop()
    assert len(service.received) == 1


def test_nobody_at_the_address_is_said(ada, settings):
    host = f"127.0.0.1:{unused_port()}"
    settings.WEBHOOK_HOSTS = [host]
    endpoint = actions.add_webhook(f"http://{host}/", by=ada)
    actions.send_test_event(endpoint, by=ada)
    actions.deliver_webhooks(endpoint.pk)
    assert "refused" in WebhookAttempt.objects.get().error


# At once ------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_event_once_and_each_job_in_order(receiver, ada, dana, tess):
    endpoint = actions.add_webhook(receiver.url, by=ada)
    jobs = [make_job(by=dana) for _ in range(3)]
    for job in jobs:
        actions.assign_job(job, tess, by=dana)
    at_the_same_time(*[lambda: actions.deliver_webhooks(endpoint.pk)] * 3)
    actions.deliver_webhooks(endpoint.pk)
    assert len(receiver.calls) == len({call.event_id for call in receiver.calls}) == 6
    for job in jobs:
        kinds = [call.event["kind"] for call in receiver.calls if call.event["content"]["job"]["id"] == job.pk]
        assert kinds == ["job.created", "job.status_changed"]


# What is told -------------------------------------------------------------------------------------


def told(kind=None) -> list[dict]:
    found = WebhookEvent.objects.filter(**({"kind": kind} if kind else {}))
    return [event.content for event in found.order_by("happened_at", "deliveries__pk")]


def test_edits_holds_pins_and_moves_are_told_with_what_was_and_is(endpoint, omar, tess):
    job = make_job(by=omar)
    job = actions.edit_job(job, {"description": "Boiler"}, by=omar, base_version=job.version)
    actions.hold_job(job, "Waiting for a part", by=omar)
    actions.release_job(job, by=omar)
    actions.assign_job(job, tess, by=omar)
    actions.pin_job(job, time=False, technician=True, by=omar)
    changes = [content["changes"] for content in told("job.changed")]
    assert [list(change) for change in changes] == [["description"], ["hold"], ["hold"], ["pinned"]]
    assert changes[0]["description"] == ["", "Boiler"]


def test_undo_is_told_as_the_change_that_it_is(endpoint, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    actions.undo_action(actions.last_to_undo(omar), by=omar)
    last = told("job.status_changed")[-1]
    assert (last["from"]["status"], last["to"]["status"]) == ("assigned", "created")
    assert last["job"]["id"] == job.pk and last["job"]["technician_id"] is None


def test_clocking_in_and_out_and_breaks_are_told(endpoint, omar, tess):
    actions.clock_in(tess)
    actions.begin_break(tess)
    make_job(Status.EN_ROUTE, by=omar, technician=tess)  # which ends the break
    assert [content["what"] for content in told("technician.duty_changed")] == [
        "clocked_in",
        "break_began",
        "break_ended",
    ]
    assert {content["technician_id"] for content in told("technician.duty_changed")} == {tess.pk}


def test_breach_is_told_once(endpoint, omar):
    now = timezone.now()
    job = make_job(by=omar, priority=4, created_at=now - 3 * DAY, now=now)
    for minutes in (1, 6):
        actions.check_sla(now=now + minutes * MINUTE)
    breaches = told("sla.breached")
    assert sorted(content["target"] for content in breaches) == ["resolution", "response"]
    assert {content["job"]["id"] for content in breaches} == {job.pk}


def test_customers_words_and_stars_are_told_but_not_how_to_get_in(endpoint, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    actions.send_link(job, by=omar)
    link = job.customer_links.get()
    actions.write_as_customer(link, "access", "Key under the mat")
    actions.write_as_customer(link, "message", "The dog bites")
    said = told("job.customer_wrote")
    assert [(content["kind"], content["text"]) for content in said] == [("access", ""), ("message", "The dog bites")]
    for to in (Status.IN_PROGRESS, Status.COMPLETED):
        job = actions.change_status(job, to, by=omar)
    actions.rate_visit(link, 4, "Quick")
    assert [(content["stars"], content["comment"]) for content in told("job.rated")] == [(4, "Quick")]


def test_photo_is_told_once_however_often_the_phone_sends_it(endpoint, omar, tess):
    job = make_job(Status.IN_PROGRESS, by=omar, technician=tess)
    now, data, pk = timezone.now(), photo(), uuid.uuid4()
    for _ in range(2):
        sent = actions.SentPicture(pk, "photo", BytesIO(data), len(data), Moment(now, now), name="Boiler")
        actions.keep_picture(tess, job.pk, sent, by=tess.user, now=now)
    [content] = told("job.picture_added")
    assert content["picture"] == {"id": str(pk), "kind": "photo", "name": "Boiler", "taken_at": now.isoformat()}
    assert content["job"]["id"] == job.pk
