"""What is written to the outbox of redemptions, settlements and campaigns, and for whom."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support import cast
from tests.support.cast import NOON
from tests.support.till import answer_to, decoded, issue_vouchers, order, redeem, till_of
from vouchers.http.answers import render
from vouchers.http.redemption import reverse_request, void_request
from vouchers.models import Allocation, Campaign, Outbox, Resident, Voucher, WebhookEndpoint
from vouchers.rules.webhooks import EventType
from vouchers.services import redemption as redemptions
from vouchers.services.campaigns import lifecycle
from vouchers.services.redemption import RefundRequest
from vouchers.services.settlement import days
from vouchers.services.webhooks import LISTENERS, Event, endpoints, publish
from vouchers.states import LimitKind

pytestmark = pytest.mark.django_db

DAY = NOON.date()


def endpoint_of(merchant: Any = None, *, events: Any = None, **owner: Any) -> WebhookEndpoint:
    """Huilian's, for every event, unless said otherwise."""
    if not owner.get("channel_code"):
        owner["merchant"] = merchant or cast.huilian()
    return endpoints.add_endpoint(
        url="https://pos.example/hook", events=events or list(EventType), at=NOON, **owner
    )


def queued() -> list[tuple[str, dict[str, Any]]]:
    """Topics and data of what waits, campaigns' changes left out."""
    rows = Outbox.objects.exclude(topic=EventType.CAMPAIGN_CHANGED).order_by("id")
    return [(row.topic, row.payload["body"]["data"]) for row in rows]


def voucher_of(resident: Resident, campaign: Campaign) -> Voucher:
    return issue_vouchers(campaign, [resident])[0]


def test_a_redemption_is_queued_with_the_answer_the_till_got_but_for_the_voucher() -> None:
    endpoint = endpoint_of()
    voucher = voucher_of(cast.alice(), cast.running_campaign())
    status, body = answer_to(order(voucher, cast.nanjing_road(), cast.alice()))
    assert status == 201
    ((topic, data),) = queued()
    assert topic == "redemption.captured"
    assert data == {name: value for name, value in body.items() if name != "voucher"}
    message = Outbox.objects.get(topic=topic)
    assert message.endpoint == endpoint
    assert message.payload["body"]["type"] == "redemption.captured"
    assert message.payload["body"]["timestamp"] == body["redeemed_at"]
    assert cast.alice().external_id not in str(message.payload)


def test_without_a_listener_nothing_is_queued_and_a_redemption_asks_nothing_more() -> None:
    first, second = issue_vouchers(cast.running_campaign(), [cast.alice()] * 2)
    LISTENERS.current()
    with CaptureQueriesContext(connection) as queries:
        answer_to(order(first, cast.nanjing_road(), cast.alice()))
    assert not [query for query in queries if "webhook" in query["sql"]]
    endpoint_of(cast.rival())
    LISTENERS.current()
    answer_to(order(second, cast.nanjing_road(), cast.alice()))
    assert queued() == []


def test_a_batch_queues_all_it_wrote_and_a_replay_queues_nothing() -> None:
    endpoint_of(events=["redemption.captured"])
    vouchers = issue_vouchers(cast.running_campaign(), [cast.alice()] * 3)
    requests = [order(voucher, cast.nanjing_road(), cast.alice()) for voucher in vouchers]
    assert {status for status, *_ in redeem(requests=requests)} == {201}
    assert len(queued()) == 3
    redeem(requests=requests)
    assert len(queued()) == 3


def test_what_is_refused_or_lost_queues_nothing() -> None:
    endpoint_of()
    voucher = voucher_of(cast.alice(), cast.running_campaign())
    status, _ = answer_to(order(voucher, cast.nanjing_road(), cast.alice(), amount_fen=100))
    assert status == 422
    assert queued() == []


def test_an_authorisation_is_followed_to_its_capture_and_void() -> None:
    endpoint_of()
    store, campaign = cast.nanjing_road(), cast.running_campaign()
    voucher = voucher_of(cast.alice(), campaign)
    _, body = answer_to(order(voucher, store, cast.alice(), capture=False))
    request = void_request(
        caller=till_of(store),
        key="void",
        path=f"/api/v1/redemptions/{body['id']}/void",
        body=b"",
        at=NOON,
        redemption_id=body["id"],
    )
    status, _ = decoded(redemptions.void(request=request, render=render))
    assert status == 200
    (authorised, _), (voided, data) = queued()
    assert (authorised, voided) == ("redemption.authorised", "redemption.voided")
    assert (data["id"], data["reason"], data["state"]) == (body["id"], "void", "voided")


def test_a_lapsed_authorisation_says_why_it_is_void() -> None:
    endpoint_of(events=["redemption.voided"])
    voucher = voucher_of(cast.alice(), cast.running_campaign())
    answer_to(order(voucher, cast.nanjing_road(), cast.alice(), capture=False))
    assert redemptions.lapse_due(at=NOON + timedelta(days=1)) == 1
    ((_, data),) = queued()
    assert data["reason"] == "lapse"


def test_a_reversal_and_a_refund_are_queued() -> None:
    endpoint_of(events=["redemption.reversed", "redemption.refunded"])
    store = cast.nanjing_road()
    first, second = issue_vouchers(cast.running_campaign(), [cast.alice()] * 2)
    _, body = answer_to(order(first, store, cast.alice(), order_no="A-1"))
    reversal = reverse_request(
        caller=till_of(store),
        key="reverse",
        path="/api/v1/redemptions/reverse",
        body=b'{"store": "%s", "order_no": "A-1"}' % store.external_id.encode(),
        at=NOON,
    )
    assert redemptions.reverse(request=reversal, render=render).status == 200
    _, body = answer_to(order(second, store, cast.alice()))
    refund = RefundRequest(
        caller=till_of(store),
        key="refund",
        fingerprint=bytes(32),
        at=NOON,
        redemption_id=body["id"],
        store=store.external_id,
        merchant="",
        refund_no="R-1",
        amount_fen=body["payable_fen"],
    )
    assert redemptions.refund(request=refund, render=render).status == 200
    (_, reversed_), (_, refunded) = queued()
    assert (reversed_["state"], reversed_["order_no"]) == ("reversed", "A-1")
    assert (refunded["refund_no"], refunded["amount_fen"]) == ("R-1", body["payable_fen"])


@pytest.mark.parametrize("kind", [LimitKind.RESIDENT_DAY, LimitKind.LINK_DAY])
def test_an_order_that_a_limit_refuses_is_queued_without_the_person(kind: LimitKind) -> None:
    endpoint_of(events=["limit.reached"])
    campaign = cast.running_campaign(limits={kind: 1})
    first, second = issue_vouchers(campaign, [cast.alice()] * 2)
    answer_to(order(first, cast.nanjing_road(), cast.alice(), device="d"))
    status, body = answer_to(order(second, cast.nanjing_road(), cast.alice(), device="d"))
    assert (status, body["code"]) == (422, "resident_limit")
    ((topic, data),) = queued()
    assert topic == "limit.reached"
    assert (data["code"], data["rule"]) == ("resident_limit", "resident_day")
    assert cast.alice().external_id not in str(data)


def test_a_test_endpoint_hears_nothing_of_live_campaigns() -> None:
    endpoint_of(is_test=True)
    voucher = voucher_of(cast.alice(), cast.running_campaign())
    answer_to(order(voucher, cast.nanjing_road(), cast.alice()))
    assert Outbox.objects.count() == 0


def test_settlements_are_queued_when_closed_and_when_paid() -> None:
    endpoint_of(events=["settlement.closed", "settlement.paid"])
    campaign = cast.running_campaign()
    voucher = voucher_of(cast.alice(), campaign)
    answer_to(order(voucher, cast.nanjing_road(), cast.alice()))
    at = NOON + timedelta(days=1)
    today = NOON.date()
    settlements = days.settle_day(campaign=campaign, business_day=today, at=at)
    topics = [topic for topic, _ in queued()]
    assert topics == ["settlement.closed"] * len(settlements)
    days.settle_day(campaign=campaign, business_day=today, at=at)
    assert len(queued()) == len(settlements)
    _, data = queued()[0]
    assert data["total_fen"] == settlements[0].total_fen
    assert data["sha256"] == bytes(settlements[0].sha256).hex()


def test_a_campaigns_changes_go_to_its_merchants_and_to_channels() -> None:
    campaign = cast.running_campaign()
    of_merchant = endpoint_of()
    endpoint_of(cast.merchant("elsewhere"))
    of_channel = endpoint_of(channel_code="app")
    lifecycle.pause(campaign=campaign, by=cast.mei(), at=NOON)
    messages = Outbox.objects.filter(topic=EventType.CAMPAIGN_CHANGED)
    assert {message.endpoint for message in messages} == {of_merchant, of_channel}
    assert messages[0].payload["body"]["data"]["state"] == "paused"


def test_a_channel_hears_of_the_vouchers_that_came_through_it() -> None:
    campaign = cast.running_campaign()
    endpoint_of(channel_code="app")
    tier = campaign.tiers.get(code="off20")
    for channel in ("app", "bank", None):
        through = Allocation.objects.create(campaign=campaign, tier=tier, channel=channel, day=DAY)
        event = Event(
            type=EventType.REDEMPTION_CAPTURED,
            subject=f"of {channel}",
            at=NOON,
            is_test=False,
            data={},
            allocation_id=through.pk,
        )
        publish([event])
    assert [message.key.split("/")[1] for message in Outbox.objects.all()] == ["of app"]
