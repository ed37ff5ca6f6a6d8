"""Channels hear which residents got vouchers: in batches, once, and only what is committed."""

from typing import Any

import pytest
from django.db import transaction

from tests.support import cast
from tests.support.cast import NOON
from tests.support.distribution import crowd, distribute, mint_all, reserve
from vouchers.models import Outbox, WebhookEndpoint
from vouchers.rules.webhooks import EventType
from vouchers.services.issuing import leases, minting, notices
from vouchers.services.webhooks import endpoints

pytestmark = pytest.mark.django_db


def listening(
    code: str = "wechat", events: tuple[EventType, ...] = (EventType.VOUCHERS_ISSUED,)
) -> WebhookEndpoint:
    """A channel's endpoint."""
    return endpoints.add_endpoint(
        url="https://app.example/hook", events=list(events), channel_code=code, at=NOON
    )


def heard() -> list[dict[str, Any]]:
    rows = Outbox.objects.filter(topic=EventType.VOUCHERS_ISSUED).order_by("id")
    return [row.payload["body"]["data"] for row in rows]


def named(told: list[dict[str, Any]]) -> dict[str, int]:
    """Vouchers by resident."""
    return {each["resident"]: each["count"] for data in told for each in data["vouchers"]}


def test_every_resident_is_named_once_a_tranche_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "RESIDENTS_A_MESSAGE", 2)
    listening()
    people = crowd(5)
    distribute(cast.running_campaign(tiers={"off20": (2_000, 10_000)}, per_resident=2))
    told = heard()
    assert [len(data["vouchers"]) for data in told] == [2, 2, 1]
    assert named(told) == {person.external_id: 2 for person in people}
    assert {data["tier"] for data in told} == {"off20"}
    assert told[0]["face_fen"] == 2_000


def test_nothing_is_written_where_no_channel_listens_to_it() -> None:
    listening(events=(EventType.CAMPAIGN_CHANGED,))
    crowd(2)
    distribute(cast.running_campaign())
    assert heard() == []


def test_a_run_of_one_channel_is_announced_to_that_channel_only() -> None:
    listening("wechat")
    mine = listening("alipay")
    crowd(2)
    distribute(cast.running_campaign(), channel="alipay")
    rows = Outbox.objects.filter(topic=EventType.VOUCHERS_ISSUED)
    assert {row.endpoint_id for row in rows} == {mine.pk}


def test_only_committed_vouchers_are_announced_and_only_once() -> None:
    listening()
    crowd(2)
    reserve(cast.running_campaign(tiers={"off20": (2_000, 10_000)}))
    lease = leases.lease_shard(at=NOON, lease_s=60)
    assert lease is not None
    with transaction.atomic():
        minting.mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=NOON)
        transaction.set_rollback(True)
    assert heard() == []
    minting.mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=NOON)
    mint_all()
    assert len(heard()) == 1
