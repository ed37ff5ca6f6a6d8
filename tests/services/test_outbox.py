"""Anchors reach their recipients: by mail, or by a signed POST over TLS; again until they do."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from standardwebhooks import Webhook

from config import env
from tests.support import cast
from tests.support.cast import NOON
from tests.support.receiver import Receiver
from vouchers.models import Campaign, Outbox
from vouchers.services.outbox import (
    LEASE_S,
    RETRY_S,
    deliver,
    lease_message,
    webhook_secret,
)
from vouchers.services.proofs.seals import anchor_day

MAIL = "audit@city.example"


def campaign_for(*recipients: str) -> Campaign:
    """A running campaign whose anchors go there, with one queued."""
    draft = cast.spring_campaign()
    draft.anchor_recipients = list(recipients)
    draft.save(update_fields=["anchor_recipients"])
    return cast.launched(draft)


def queue(to: str) -> Outbox:
    """A message of its own."""
    body = {"campaign": "spring-2026", "day": "2026-04-01", "number": 1, "sha256": "00"}
    return Outbox.objects.create(
        topic="anchor", key=to, payload={"to": to, "body": body}, created_at=NOON
    )


def send_due(*, at: datetime) -> int:
    """One sweep, as the task runs it; the number of messages delivered."""
    delivered = 0
    while message := lease_message(at=at):
        delivered += deliver(message=message, at=at)
    return delivered


@pytest.mark.django_db(transaction=True)
def test_an_anchor_goes_by_mail() -> None:
    campaign = campaign_for(MAIL)
    anchor_day(at=NOON)
    assert send_due(at=NOON) == 1
    (letter,) = mail.outbox
    assert letter.to == ["audit@city.example"]
    (line,) = [line for line in letter.body.splitlines() if line.startswith("{")]
    seal = campaign.seals.get()
    assert json.loads(line) == {
        "campaign": "spring-2026",
        "cell": "main",
        "day": "2026-04-01",
        "number": 1,
        "sha256": bytes(seal.sha256).hex(),
        "until_xid": seal.until_xid,
    }
    assert send_due(at=NOON) == 0


@pytest.mark.django_db
class TestPost:
    def test_a_delivery_carries_a_valid_signature(self, receiver: Receiver) -> None:
        message = queue(receiver.url)
        now = datetime.now(UTC)
        assert send_due(at=now) == 1
        ((headers, body),) = receiver.got
        assert headers["webhook-id"] == f"msg_{message.pk}"
        verified = Webhook(webhook_secret(receiver.url)).verify(body.decode(), headers)
        assert verified == message.payload["body"]

    @pytest.mark.parametrize("status", [500, 404, 302])
    def test_whatever_is_not_taken_is_sent_again(self, receiver: Receiver, status: int) -> None:
        message = queue(receiver.url)
        receiver.status = status
        assert send_due(at=NOON) == 0
        message.refresh_from_db()
        assert (message.tries, message.last_error, message.sent_at) == (1, f"HTTP {status}", None)
        receiver.status = 200
        later = NOON + timedelta(seconds=RETRY_S)
        assert send_due(at=later - timedelta(seconds=1)) == 0
        assert send_due(at=later) == 1
        message.refresh_from_db()
        assert (message.tries, message.last_error, message.sent_at) == (2, "", later)

    def test_no_request_keeps_the_others_waiting(self, receiver: Receiver) -> None:
        dead = queue("https://127.0.0.1:9/")
        odd = queue("carrier pigeon")
        queue(receiver.url)
        assert send_due(at=NOON) == 1
        assert set(Outbox.objects.filter(sent_at=None)) == {dead, odd}
        odd.refresh_from_db()
        assert "no way to reach" in odd.last_error

    def test_an_invalid_address_fails_like_an_unreachable_one(self) -> None:
        queue("https://127.0.0.1:port/")
        assert send_due(at=NOON) == 0
        assert "Invalid port" in Outbox.objects.get().last_error

    def test_a_certificate_of_an_unknown_authority_is_not_trusted(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")
        message = queue(receiver.url)
        assert send_due(at=NOON) == 0
        message.refresh_from_db()
        assert "CERTIFICATE_VERIFY_FAILED" in message.last_error
        assert receiver.got == []


@pytest.mark.django_db
class TestLease:
    def test_a_message_belongs_to_one_sweep_until_its_lease_ends(self) -> None:
        message = queue(MAIL)
        assert lease_message(at=NOON) == message
        assert lease_message(at=NOON) is None
        assert lease_message(at=NOON + timedelta(seconds=LEASE_S - 1)) is None
        assert lease_message(at=NOON + timedelta(seconds=LEASE_S)) == message

    def test_a_report_under_an_outdated_lease_is_not_written(self) -> None:
        queue("carrier pigeon")
        slow = lease_message(at=NOON)
        later = NOON + timedelta(seconds=LEASE_S)
        quick = lease_message(at=later)
        assert slow is not None
        assert quick is not None
        assert not deliver(message=quick, at=later)
        assert not deliver(message=slow, at=later)
        assert Outbox.objects.get().tries == 1

    def test_every_further_failure_doubles_the_wait_up_to_an_hour(self) -> None:
        message, at = queue("carrier pigeon"), NOON
        for wait_s in (60, 120, 240, 480, 960, 1920, 3600, 3600):
            assert send_due(at=at) == 0
            message.refresh_from_db()
            assert message.lease_until_at == at + timedelta(seconds=wait_s)
            at = message.lease_until_at


def test_the_secret_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("anchor_secret", "https://anchor.example/hook")
    assert capsys.readouterr().out.strip() == webhook_secret("https://anchor.example/hook")
    assert webhook_secret("https://anchor.example/hook") != webhook_secret("https://a.example/")


def test_a_mail_server_is_one_variable() -> None:
    found = env.mail_server("EMAIL_URL", "submission://me%40x:pass@mail.example")
    assert found == {
        "EMAIL_HOST": "mail.example",
        "EMAIL_PORT": 587,
        "EMAIL_HOST_USER": "me@x",
        "EMAIL_HOST_PASSWORD": "pass",
        "EMAIL_USE_TLS": True,
        "EMAIL_USE_SSL": False,
    }
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        env.mail_server("EMAIL_URL", "imap://mail.example")
