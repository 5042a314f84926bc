"""What customers are told by e-mail and text message, when, and that it arrives or says why not."""

import json
import threading
from datetime import datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core import mail
from django.utils import timezone

from dispatch import actions, sms
from dispatch.actions.customer_deliveries import ONLY_LOGGED
from dispatch.checks import check_text_messages
from dispatch.customer_link.door import token_of
from dispatch.models import Arrival, Customer, CustomerDelivery, CustomerLink, DispatchSettings, Job, Status
from dispatch.placement import Placement
from tests.factories import CustomerFactory, SiteFactory, TechnicianFactory, make_job, make_plan

Kind = CustomerDelivery.Kind


@pytest.fixture(autouse=True)
def reachable(settings):
    settings.EMAIL_HOST, settings.SITE_URL = "mail.example", "https://dispatch.example.com"
    settings.COMPANY_NAME = "Hill Heating"


@pytest.fixture
def site(north):
    customer = CustomerFactory(name="Rivera", email="rivera@example.com", phone="")
    return SiteFactory(customer=customer, address="118 Ash St", latitude=40.1, longitude=-75.1)


@pytest.fixture
def from_assignment(db):
    DispatchSettings.objects.update_or_create(pk=1, defaults={"customer_link_from": "assigned"})


def kinds() -> list[tuple[str, str]]:
    return list(CustomerDelivery.objects.order_by("pk").values_list("kind", "state"))


def send_all(**later) -> None:
    actions.deliver_due_to_customers(now=timezone.now() + timedelta(**(later or {"minutes": 3})))


def test_customer_gets_the_link_when_the_technician_sets_out(dana, tess, site):
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site)
    assert not CustomerLink.objects.exists()
    actions.change_status(job, Status.EN_ROUTE, by=dana)
    send_all()
    [letter] = mail.outbox
    link = job.customer_links.get()
    assert letter.to == ["rivera@example.com"]
    assert letter.subject.startswith("Tess is on the way, expected today between")
    assert f"https://dispatch.example.com/visit/{token_of(link)}/" in letter.body
    assert "Hill Heating" in letter.body
    assert kinds() == [("en_route", "sent")]


def test_customer_gets_the_link_when_somebody_has_the_job_where_the_settings_say_so(dana, tess, site, from_assignment):
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site)
    send_all()
    assert [letter.subject.split(" today")[0] for letter in mail.outbox] == ["Tess is coming"]
    actions.change_status(job, Status.EN_ROUTE, by=dana)
    send_all()
    assert len(mail.outbox) == 2
    assert job.customer_links.count() == 1


def test_customer_gets_no_link_where_the_settings_say_never(dana, tess, site):
    DispatchSettings.objects.update_or_create(pk=1, defaults={"customer_link_from": "never"})
    make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    assert not CustomerLink.objects.exists()


def test_customer_without_address_and_number_gets_no_link(dana, tess, north):
    nobody = SiteFactory(customer=CustomerFactory(phone=""), latitude=40.1, longitude=-75.1)
    make_job(Status.EN_ROUTE, by=dana, technician=tess, site=nobody)
    assert not CustomerLink.objects.exists()


def test_customer_is_told_only_of_the_last_one_when_a_dispatcher_tries_several(
    dana, tess, site, north, from_assignment
):
    uma = TechnicianFactory(user__username="uma", zones=[north])
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site)
    actions.assign_job(job, uma, by=dana)
    assert actions.deliver_due_to_customers() == 0, "it waits whether somebody else gets the job"
    send_all()
    [letter] = mail.outbox
    assert "Uma is coming" in letter.subject
    assert kinds() == [("coming", "failed"), ("coming", "sent")]


def test_customer_hears_that_somebody_else_comes(dana, tess, site, north):
    uma = TechnicianFactory(user__username="uma", zones=[north])
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    send_all()
    actions.assign_job(job, uma, by=dana)
    send_all()
    assert "Uma is coming" in mail.outbox[-1].subject
    assert job.customer_links.count() == 1, "the address stays the same"


def test_undoing_an_assignment_tells_the_customer_who_comes_after_all(dana, tess, site, north, from_assignment):
    uma = TechnicianFactory(user__username="uma", zones=[north])
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site)
    send_all()
    actions.assign_job(job, uma, by=dana)
    send_all()
    actions.undo_action(actions.last_to_undo(dana), by=dana)
    send_all()
    assert [letter.subject.split()[0] for letter in mail.outbox] == ["Tess", "Uma", "Tess"]


def test_customer_is_asked_once_how_it_was(dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    actions.change_status(job, Status.IN_PROGRESS, by=dana)
    actions.change_status(job, Status.COMPLETED, by=dana)
    actions.change_status(job, Status.IN_PROGRESS, by=dana, note="Forgot the valve")
    actions.change_status(job, Status.COMPLETED, by=dana)
    send_all()
    assert [letter.subject for letter in mail.outbox] == ["Your visit is done. How was it?"]


def test_customer_who_was_told_of_a_visit_is_told_that_it_is_cancelled(dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    send_all()
    actions.change_status(job, Status.CANCELLED, by=dana, note="Never mind why")
    send_all()
    assert mail.outbox[-1].subject == "Your visit is cancelled"
    assert "Never mind why" not in mail.outbox[-1].body


def test_customer_told_of_a_time_hears_once_that_it_takes_longer(dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    send_all()
    told = CustomerDelivery.objects.get()
    assert told.said_until is not None
    assert actions.tell_of_delays() == 0
    late = told.said_until + timedelta(minutes=25)
    times = {"arrives_at": late, "starts_at": late, "ends_at": late + timedelta(hours=1)}
    Arrival.objects.filter(job=job).update(**times)
    assert actions.tell_of_delays() == 1
    assert actions.tell_of_delays() == 0
    send_all()
    assert mail.outbox[-1].subject.startswith("Sorry, it takes longer than we said: Tess is now expected")


def test_customer_does_not_hear_of_hours_that_a_wrong_fix_gave(dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    send_all()
    far = timezone.now() + timedelta(hours=7)
    Arrival.objects.filter(job=job).update(arrives_at=far, starts_at=far, ends_at=far + timedelta(hours=1))
    assert actions.tell_of_delays() == 0


def test_second_click_sends_a_link_no_second_time(dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    first = actions.send_link(job, by=dana)
    with pytest.raises(actions.ActionRefused, match="just been sent"):
        actions.send_link(job, by=dana)
    later = timezone.now() + timedelta(minutes=1)
    assert actions.send_link(job, by=dana, now=later) != first


def test_what_is_no_longer_true_is_not_sent(dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    actions.change_status(job, Status.IN_PROGRESS, by=dana)
    send_all()
    assert mail.outbox == []
    assert kinds() == [("en_route", "failed")]


def test_revoked_link_is_sent_to_nobody(dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    actions.revoke_link(job, by=dana)
    send_all()
    assert mail.outbox == []
    assert CustomerDelivery.objects.get().error == "Not sent: the link was revoked."


def test_new_link_after_a_revoked_one_has_another_address(dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    old = token_of(job.customer_links.get())
    actions.revoke_link(job, by=dana)
    actions.send_link(job, by=dana)
    assert token_of(job.customer_links.get(revoked_at=None)) != old


def test_mail_server_that_is_away_is_tried_again_and_in_the_end_given_up(dana, tess, site, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("Connection refused")

    monkeypatch.setattr("dispatch.actions.customer_deliveries.send_mail", fail)
    make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    now = timezone.now()
    for _ in range(5):
        now += timedelta(hours=1)
        actions.deliver_due_to_customers(now=now)
    delivery = CustomerDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("failed", 5)
    assert "Connection refused (tried 5 times)" in delivery.error


def test_delivery_taken_by_one_worker_is_not_sent_by_another(dana, tess, site):
    make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    pk = CustomerDelivery.objects.get().pk
    assert [actions.deliver_to_customer(pk), actions.deliver_to_customer(pk)] == ["sent", ""]
    assert len(mail.outbox) == 1


def test_without_an_address_of_the_site_nothing_is_sent_and_the_job_says_so(client, settings, dana, tess, site):
    settings.SITE_URL = ""
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    assert not CustomerDelivery.objects.exists()
    client.force_login(dana)
    assert "Messages need SITE_URL" in client.get(f"/jobs/{job.pk}/").content.decode()


def test_made_up_history_tells_no_customer(dana, tess, site):
    with actions.unjournalled():
        make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    assert not CustomerLink.objects.exists()


# Text messages --------------------------------------------------------------------------------------


class Noted:
    is_real = True
    sent: list[tuple[str, str]] = []

    def send(self, *, to, text):
        self.sent.append((to, text))


@pytest.fixture
def noted(settings):
    Noted.sent = []
    settings.SMS_BACKEND = f"{__name__}.Noted"
    return Noted.sent


def test_customer_with_a_number_gets_a_text_message_too(dana, tess, site, noted):
    site.customer.phone = "555-0123"
    site.customer.save()
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    send_all()
    [(to, text)] = noted
    assert to == "555-0123"
    assert text.startswith("Hill Heating: Tess is on the way")
    assert text.endswith(f"/visit/{token_of(job.customer_links.get())}/")
    assert len(mail.outbox) == 1


def test_console_says_that_nobodys_phone_rang_and_keeps_the_number_to_itself(dana, tess, site, caplog):
    site.customer.phone = "555-0123"
    site.customer.save()
    make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    with caplog.at_level("INFO", logger="dispatch.sms"):
        send_all()
    assert CustomerDelivery.objects.get(channel="sms").error == ONLY_LOGGED
    assert "555-0123" not in caplog.text


class SmsServer(BaseHTTPRequestHandler):
    answer, heard = 200, []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).heard.append((self.headers["Authorization"], json.loads(body)))
        self.send_response(type(self).answer)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def sms_server(settings):
    SmsServer.heard, SmsServer.answer = [], 200
    server = HTTPServer(("127.0.0.1", 0), SmsServer)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{server.server_port}/send"
    settings.SMS_GATEWAY_TOKEN = "t0ken"
    yield SmsServer
    server.shutdown()
    server.server_close()


def test_http_gateway_hands_the_message_over(sms_server):
    sms.HttpGateway().send(to="555-0123", text="Tess is on the way")
    [(authorization, message)] = sms_server.heard
    assert authorization == "Bearer t0ken"
    assert message == {"to": "555-0123", "text": "Tess is on the way", "from": "Hill Heating"}


@pytest.mark.parametrize(
    ("answer", "error"), [(503, OSError), (429, OSError), (400, sms.SmsRefused), (302, sms.SmsRefused)]
)
def test_http_gateway_knows_what_to_try_again(sms_server, answer, error):
    sms_server.answer = answer
    with pytest.raises(error):
        sms.HttpGateway().send(to="555-0123", text="x")
    assert len(sms_server.heard) == 1


def test_gateway_that_answers_nonsense_is_tried_again(sms_server, monkeypatch):
    monkeypatch.setattr(sms_server, "do_POST", lambda self: self.wfile.write(b"what?\r\n\r\n"))
    with pytest.raises(OSError, match="nonsense"):
        sms.HttpGateway().send(to="555-0123", text="x")


def test_a_setting_that_names_no_gateway_is_said_at_the_start(settings):
    assert check_text_messages(None) == []
    settings.SMS_BACKEND = "dispatch.sms.HttpGateway"
    assert [error.id for error in check_text_messages(None)] == ["dispatch.E014"]
    settings.SMS_BACKEND = "twilio"
    assert [error.id for error in check_text_messages(None)] == ["dispatch.E013"]
    settings.SMS_BACKEND = ""
    assert check_text_messages(None) == []


def test_old_links_are_forgotten_with_what_was_sent_by_them(dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    now = timezone.now()
    assert actions.forget_old_records(now=now + timedelta(days=90))["customer_links"] == 0
    assert actions.forget_old_records(now=now + timedelta(days=100))["customer_links"] == 1
    assert not job.customer_links.exists()
    assert not CustomerDelivery.objects.exists()


# When a job becomes somebody else's, and other turns ---------------------------------------------------


def give_to_another_customer(job, *, by) -> Job:
    other = SiteFactory(customer=CustomerFactory(name="Okafor", email="okafor@example.com", phone=""))
    current = Job.objects.get(pk=job.pk)
    changes = {"customer": other.customer, "site": other}
    return actions.edit_job(current, changes, by=by, base_version=current.version)


def test_customer_no_longer_sees_a_job_that_has_become_another_customers(client, dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    old = job.customer_links.get()
    actions.write_as_customer(old, "access", "Gate 4711")
    give_to_another_customer(job, by=dana)
    assert client.get(f"/visit/{token_of(old)}/").status_code == 404
    new = job.customer_links.get(revoked_at=None)
    page = client.get(f"/visit/{token_of(new)}/")
    assert page.status_code == 200
    assert "4711" not in page.content.decode()
    send_all()
    assert [letter.to for letter in mail.outbox] == [["okafor@example.com"]]


def test_undoing_the_change_of_customer_leads_back_to_the_first_by_a_new_link(client, dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    give_to_another_customer(job, by=dana)
    of_the_second = job.customer_links.get(revoked_at=None)
    actions.undo_action(actions.last_to_undo(dana), by=dana)
    assert client.get(f"/visit/{token_of(of_the_second)}/").status_code == 404
    assert "118 Ash St" in client.get(f"/visit/{token_of(job.customer_links.get(revoked_at=None))}/").content.decode()


def test_nothing_goes_to_an_address_that_was_corrected_meanwhile(dana, tess, site):
    make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    Customer.objects.filter(pk=site.customer_id).update(email="right@example.com")
    send_all()
    assert mail.outbox == []
    assert "another address" in CustomerDelivery.objects.get().error


def test_customer_hears_of_each_cancellation_and_that_somebody_comes_after_all(dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    send_all()
    actions.change_status(job, Status.ASSIGNED, by=dana)
    send_all()
    for _ in range(2):
        actions.change_status(job, Status.CANCELLED, by=dana, note="No")
        send_all()
        actions.undo_action(actions.last_to_undo(dana), by=dana)
        send_all()
    said = [" ".join(letter.subject.split()[:3]) for letter in mail.outbox]
    assert said == ["Tess is on", "Tess is coming", *["Your visit is", "Tess is coming"] * 2]


def test_customer_hears_nothing_of_a_cancellation_that_was_taken_back_at_once(dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    send_all()
    actions.change_status(job, Status.ASSIGNED, by=dana)
    actions.change_status(job, Status.CANCELLED, by=dana, note="No")
    actions.undo_action(actions.last_to_undo(dana), by=dana)
    send_all()
    assert [letter.subject for letter in mail.outbox if "cancelled" in letter.subject] == []


def test_customer_is_asked_how_it_was_when_the_first_end_was_none(dana, tess, site):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    actions.change_status(job, Status.IN_PROGRESS, by=dana)
    actions.change_status(job, Status.COMPLETED, by=dana)
    actions.change_status(job, Status.IN_PROGRESS, by=dana, note="Forgot the valve")
    send_all()
    actions.change_status(job, Status.COMPLETED, by=dana)
    send_all()
    assert [letter.subject for letter in mail.outbox] == ["Your visit is done. How was it?"]


@pytest.mark.parametrize("address", ["tess@exa\nmple.com", "tess@" + "a" * 64 + "é.example"])
def test_address_that_no_mail_can_go_to_holds_up_nobody_else(dana, tess, site, north, address):
    Customer.objects.filter(pk=site.customer_id).update(email=address)
    make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    uma = TechnicianFactory(user__username="uma", zones=[north])
    other = SiteFactory(customer=CustomerFactory(email="okafor@example.com", phone=""))
    make_job(Status.EN_ROUTE, by=dana, technician=uma, site=other)
    send_all()
    assert [state for _, state in kinds()] == ["failed", "sent"]
    assert [letter.to for letter in mail.outbox] == [["okafor@example.com"]]


def test_skipped_maintenance_visit_is_cancelled_for_the_customer_too(dana, tess, site, from_assignment):
    plan = make_plan(by=dana, site=site)
    job = plan.visits.select_related("job").earliest("due_on").job
    actions.assign_job(job, tess, by=dana)
    actions.send_link(job, by=dana)
    send_all()
    actions.skip_visit(plan, plan.visits.earliest("due_on").due_on, "Customer on holiday", by=dana)
    send_all()
    assert mail.outbox[-1].subject == "Your visit is cancelled"
    assert "holiday" not in mail.outbox[-1].body


def test_customer_told_of_a_day_hears_once_that_it_is_another(dana, tess, site, from_assignment):
    today = timezone.localdate()
    evening = timezone.make_aware(datetime.combine(today + timedelta(days=4), time(22)))
    block = {"window_starts_at": evening, "window_ends_at": evening + timedelta(hours=4)}
    job = make_job(
        Status.ASSIGNED, by=dana, technician=tess, site=site, scheduled_on=timezone.localdate(evening), **block
    )
    actions.send_link(job, by=dana)
    send_all()
    assert actions.tell_of_delays() == 0
    for days, starts_with in ((2, "Tess is coming on "), (1, "Tess is coming tomorrow")):
        actions.place_job(job, Placement(tess, today + timedelta(days=days), None), by=dana, on_conflict="anyway")
        assert actions.tell_of_delays() == 1
        assert actions.tell_of_delays() == 0, "it is on its way to the customer already"
        send_all()
        assert mail.outbox[-1].subject.startswith(starts_with)
        assert actions.tell_of_delays() == 0
    assert len(mail.outbox) == 3


def test_delay_that_could_not_be_told_keeps_nothing_newer_from_the_customer(dana, tess, site, north):
    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    send_all()
    told = CustomerDelivery.objects.get()
    late = told.said_until + timedelta(minutes=25)
    Arrival.objects.filter(job=job).update(arrives_at=late, starts_at=late, ends_at=late + timedelta(hours=1))
    assert actions.tell_of_delays() == 1
    CustomerDelivery.objects.filter(kind="late").update(state="failed")
    once_key = {"once_key": "newer", "queued_at": timezone.now(), "due_at": timezone.now()}
    CustomerDelivery.objects.create(link=told.link, kind="coming", channel="email", to=told.to, **once_key)
    assert actions.tell_of_delays() == 0
    assert CustomerDelivery.objects.get(once_key="newer").state == "queued"
