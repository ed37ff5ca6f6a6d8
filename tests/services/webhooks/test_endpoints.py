"""Endpoints get what they subscribe to, again until they take it, and rest when they don't."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from merchants.errors import Refused
from tests.services.test_outbox import send_due
from tests.support import cast
from tests.support.cast import NOON
from tests.support.receiver import Receiver
from vouchers.models import Outbox, WebhookDelivery, WebhookEndpoint
from vouchers.rules.webhooks import DISABLED_AFTER, WAITS_S, EventType
from vouchers.services.outbox import deliver, lease_message
from vouchers.services.webhooks import Event, endpoints, publish

pytestmark = pytest.mark.django_db

URL = "https://pos.example/hook"
SECOND = timedelta(seconds=1)
State = WebhookEndpoint.State


def endpoint_at(url: str = URL) -> WebhookEndpoint:
    """Huilian's, for every event."""
    return endpoints.add_endpoint(url=url, events=list(EventType), merchant=cast.huilian(), at=NOON)


def happen(number: int = 1, *, at: datetime = NOON) -> Outbox:
    """A settlement of Huilian's is paid."""
    event = Event(
        type=EventType.SETTLEMENT_PAID,
        subject=str(number),
        at=at,
        is_test=False,
        data={"id": number},
        merchant_ids=(cast.huilian().pk,),
    )
    publish([event])
    return Outbox.objects.latest("id")


class TestSignature:
    def test_a_message_is_signed_with_the_endpoints_own_secret(self, receiver: Receiver) -> None:
        endpoint = endpoint_at(receiver.url)
        now = datetime.now(UTC)
        message = happen(at=now)
        assert send_due(at=now) == 1
        ((headers, body),) = receiver.got
        assert headers["webhook-id"] == f"msg_{message.pk}"
        assert headers["host"] == receiver.url.split("/")[2]
        secret = endpoints.secret_of(endpoint, 1)
        verified = Webhook(secret).verify(body.decode(), headers)
        assert verified["type"] == "settlement.paid"
        assert verified["data"] == {"id": 1}

    def test_both_secrets_sign_while_they_overlap(self, receiver: Receiver) -> None:
        endpoint = endpoint_at(receiver.url)
        old, now = endpoints.secret_of(endpoint, 1), datetime.now(UTC)
        new = endpoints.rotate_secret(endpoint=endpoint, overlap_s=60, at=now)
        happen(at=now)
        send_due(at=now)
        ((headers, body),) = receiver.got
        assert Webhook(old).verify(body.decode(), headers) == Webhook(new).verify(
            body.decode(), headers
        )
        assert endpoints.secrets_of(endpoint, at=now + timedelta(seconds=60)) == [new]

    def test_no_two_endpoints_share_a_secret(self, receiver: Receiver) -> None:
        one, other = endpoint_at(receiver.url), endpoint_at()
        now = datetime.now(UTC)
        happen(at=now)
        message = Outbox.objects.get(endpoint=one)
        deliver(message=message, at=now)
        ((headers, body),) = receiver.got
        with pytest.raises(WebhookVerificationError):
            Webhook(endpoints.secret_of(other, 1)).verify(body.decode(), headers)


class TestRetries:
    def test_a_message_is_tried_over_days_then_given_up_and_every_try_is_logged(
        self, receiver: Receiver
    ) -> None:
        endpoint_at(receiver.url)
        message, at = happen(), NOON
        receiver.status = 500
        for _ in range(len(WAITS_S)):
            assert send_due(at=at) == 0
            message.refresh_from_db()
            assert message.lease_until_at is not None
            at = max(message.lease_until_at, WebhookEndpoint.objects.get().rests_until_at or at)
        assert send_due(at=at) == 0
        message.refresh_from_db()
        assert (message.given_up_at, message.sent_at) == (at, None)
        assert at - NOON > timedelta(days=3)
        assert send_due(at=at + timedelta(days=9)) == 0
        assert [row.status for row in WebhookDelivery.objects.all()] == [500] * (len(WAITS_S) + 1)

    def test_an_endpoint_that_asks_for_time_gets_it(self, receiver: Receiver) -> None:
        endpoint_at(receiver.url)
        happen()
        receiver.status, receiver.more_headers = 503, {"Retry-After": "120"}
        send_due(at=NOON)
        receiver.status = 200
        assert send_due(at=NOON + 119 * SECOND) == 0
        assert send_due(at=NOON + 120 * SECOND) == 1

    def test_a_dead_endpoint_is_tried_once_while_others_get_their_messages(
        self, receiver: Receiver
    ) -> None:
        dead = endpoint_at("https://127.0.0.1:9/")
        endpoint_at(receiver.url)
        for number in range(5):
            happen(number)
        assert send_due(at=NOON) == 5
        assert WebhookDelivery.objects.filter(message__endpoint=dead).count() == 1
        dead.refresh_from_db()
        assert (dead.failures, dead.failing_since_at) == (1, NOON)

    def test_an_endpoint_that_recovers_has_nothing_to_make_up_for(self, receiver: Receiver) -> None:
        endpoint = endpoint_at(receiver.url)
        happen()
        receiver.status = 500
        send_due(at=NOON)
        receiver.status = 200
        assert send_due(at=NOON + timedelta(minutes=1)) == 1
        endpoint.refresh_from_db()
        assert (endpoint.failures, endpoint.failing_since_at) == (0, None)

    def test_an_endpoint_that_is_gone_is_disabled_and_hears_nothing_more(
        self, receiver: Receiver
    ) -> None:
        endpoint = endpoint_at(receiver.url)
        happen(1)
        receiver.status = 410
        send_due(at=NOON)
        endpoint.refresh_from_db()
        assert endpoint.state == State.DISABLED
        happen(2)
        assert Outbox.objects.count() == 1
        receiver.status = 200
        assert send_due(at=NOON + timedelta(days=1)) == 0
        endpoints.change_endpoint(
            endpoint=endpoint, url=receiver.url, events=endpoint.events, state=State.ACTIVE
        )
        assert send_due(at=NOON + timedelta(days=1)) == 1

    def test_an_endpoint_that_takes_nothing_for_days_is_disabled(self, receiver: Receiver) -> None:
        endpoint = endpoint_at(receiver.url)
        receiver.status = 500
        happen(1)
        send_due(at=NOON)
        happen(2)
        send_due(at=NOON + DISABLED_AFTER)
        endpoint.refresh_from_db()
        assert endpoint.state == State.DISABLED


class TestReplay:
    def test_a_message_goes_again_under_the_same_id(self, receiver: Receiver) -> None:
        endpoint_at(receiver.url)
        message = happen()
        assert not endpoints.replay(message=message), "it waits still"
        send_due(at=NOON)
        assert endpoints.replay(message=message)
        assert send_due(at=NOON + SECOND) == 1
        first, second = receiver.got
        assert first[0]["webhook-id"] == second[0]["webhook-id"]
        assert first[1] == second[1]
        assert WebhookDelivery.objects.filter(message=message).count() == 2

    def test_a_replay_begins_the_table_of_waits_anew(self, receiver: Receiver) -> None:
        endpoint_at(receiver.url)
        message = happen()
        send_due(at=NOON)
        Outbox.objects.filter(pk=message.pk).update(tries=9)
        endpoints.replay(message=message)
        receiver.status = 500
        send_due(at=NOON)
        message.refresh_from_db()
        assert message.given_up_at is None
        assert message.tries == 10

    def test_a_range_goes_again_and_nothing_outside_of_it(self, receiver: Receiver) -> None:
        endpoint = endpoint_at(receiver.url)
        for hour in range(4):
            happen(hour, at=NOON + timedelta(hours=hour))
        later = NOON + timedelta(days=1)
        assert send_due(at=later) == 4
        span = {"from_at": NOON + timedelta(hours=1), "until_at": NOON + timedelta(hours=3)}
        assert endpoints.replay_range(endpoint=endpoint, **span) == 2
        receiver.got.clear()
        assert send_due(at=later) == 2

    def test_a_sweep_with_an_old_lease_does_not_undo_a_replay(self, receiver: Receiver) -> None:
        endpoint_at(receiver.url)
        happen()
        slow = lease_message(at=NOON)
        assert slow is not None
        later = NOON + timedelta(minutes=5)
        send_due(at=later)
        endpoints.replay(message=slow)
        assert not deliver(message=slow, at=later), "its report is not written"
        assert send_due(at=later) == 1


class TestPrivateNetworks:
    def test_an_endpoint_in_a_private_network_gets_nothing(
        self, receiver: Receiver, settings: Any
    ) -> None:
        settings.HUIMIN_WEBHOOK_NETWORKS = []
        endpoint_at(receiver.url)
        happen()
        assert send_due(at=NOON) == 0
        assert receiver.got == []
        assert "private address" in WebhookDelivery.objects.get().error

    def test_a_name_of_this_machine_is_judged_by_what_it_resolves_to(
        self, receiver: Receiver, settings: Any
    ) -> None:
        settings.HUIMIN_WEBHOOK_NETWORKS = [ip_network("10.0.0.0/8")]
        endpoint_at(receiver.url.replace("127.0.0.1", "localhost"))
        happen()
        assert send_due(at=NOON) == 0
        assert "private address" in WebhookDelivery.objects.get().error


class TestWhatCannotBeSaved:
    @pytest.mark.parametrize(
        "url",
        [
            "http://pos.example/",
            "https://",
            "https://me:secret@pos.example/",
            "https://pos.example/#part",
            "https://pos.example/a b",
            "ftp://pos.example/",
            "https://惠民.example/",
            "https://pos.example/" + "x" * 300,
        ],
    )
    def test_an_address_that_is_not_plain_https(self, url: str) -> None:
        with pytest.raises(Refused, match="webhook_invalid"):
            endpoint_at(url)
        assert not WebhookEndpoint.objects.exists()

    @pytest.mark.parametrize("port", ["0", "65536", "99999", "x", "-1"])
    def test_an_address_with_a_port_that_there_is_not(self, port: str) -> None:
        with pytest.raises(Refused) as refused:
            endpoint_at(f"https://pos.example:{port}/")
        assert refused.value.refusal.rule == "endpoint_has_port"
        endpoint_at("https://pos.example:65535/")

    @pytest.mark.parametrize("events", [[], ["redemption.dreamt"]])
    def test_no_event_or_an_unknown_one(self, events: list[str]) -> None:
        with pytest.raises(Refused) as refused:
            endpoints.add_endpoint(url=URL, events=events, merchant=cast.huilian(), at=NOON)
        assert refused.value.refusal.rule == "event_unknown"

    def test_an_owner_twice_or_none(self) -> None:
        for merchant, channel_code in ((None, ""), (cast.huilian(), "app")):
            with pytest.raises(Refused) as refused:
                endpoints.add_endpoint(
                    url=URL,
                    events=["campaign.changed"],
                    merchant=merchant,
                    channel_code=channel_code,
                    at=NOON,
                )
            assert refused.value.refusal.rule == "endpoint_of_merchant_or_channel"

    def test_the_same_address_twice(self) -> None:
        endpoint_at()
        with pytest.raises(Refused) as refused:
            endpoint_at()
        assert refused.value.refusal.rule == "one_endpoint_per_address"
