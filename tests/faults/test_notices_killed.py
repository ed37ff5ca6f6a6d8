"""kill −9 while vouchers are minted, and while a notice of them is sent: what the channel gets.

Delivery is at least once. A worker killed between the POST and the commit sends the message again
under the same id; a channel that drops ids it knows hears of every voucher exactly once.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from django.utils import timezone

from tests.faults.test_worker_killed import held_up, let_leases_run_out, state_of
from tests.support import cast
from tests.support.celery_worker import eventually, kill_children, worker
from tests.support.distribution import crowd, reserve
from tests.support.receiver import Receiver
from vouchers import tasks
from vouchers.models import Outbox, Tranche
from vouchers.rules.webhooks import EventType
from vouchers.services.webhooks.endpoints import add_endpoint
from vouchers.states import RunState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

RESIDENTS = 12
SHARD_SIZE = 2
NOTICES = RESIDENTS * len(cast.TIERS_FEN) // SHARD_SIZE
FATAL = 5
"""Which message costs its sender's life."""


@pytest.fixture
def environment(process_environment: dict[str, str], receiver: Receiver) -> dict[str, str]:
    """Of a worker that may reach the receiver and trusts its certificate."""
    trusted = {"SSL_CERT_FILE": os.environ["SSL_CERT_FILE"]}
    return process_environment | trusted | {"HUIMIN_WEBHOOK_NETWORKS": "127.0.0.0/8"}


def let_messages_be_due() -> None:
    past = timezone.now() - timedelta(seconds=1)
    Outbox.objects.filter(sent_at=None).update(lease_until_at=past)


def vouchers_told(bodies: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    """Tier and resident of each."""
    for body in bodies.values():
        data = json.loads(body)["data"]
        for told in data["vouchers"]:
            yield from [(data["tier"], told["resident"])] * told["count"]


def test_a_channel_that_drops_known_ids_hears_of_every_voucher_exactly_once(
    environment: dict[str, str], receiver: Receiver, redis_client: redis.Redis
) -> None:
    at = timezone.now()
    campaign = cast.running_campaign(starts_at=at - cast.DAY, ends_at=at + 30 * cast.DAY, at=at)
    people = crowd(RESIDENTS)
    add_endpoint(url=receiver.url, events=[EventType.VOUCHERS_ISSUED], channel_code="wechat", at=at)
    run = reserve(campaign, shard_size=SHARD_SIZE, at=at)
    messages = Outbox.objects.filter(topic=EventType.VOUCHERS_ISSUED)
    tasks.wake(tasks.mint_shards)
    with worker(environment) as sender:
        eventually(lambda: Tranche.objects.count() >= 3)
        # Its message is written by then, and not committed.
        with held_up(environment, "vouchers_voucher", "SHARE UPDATE EXCLUSIVE") as session_waits:
            eventually(session_waits)
            kill_children(sender)
        let_leases_run_out()
        assert messages.count() == Tranche.objects.count() < NOTICES
        tasks.wake(tasks.sweep_runs)
        eventually(lambda: state_of(run) == RunState.DONE)
        assert messages.count() == NOTICES

        def kill_once() -> None:
            if len(receiver.got) == FATAL:
                kill_children(sender)

        receiver.before_answer = kill_once
        tasks.wake(tasks.send_messages)
        eventually(lambda: len(receiver.got) == FATAL)
        eventually(lambda: messages.filter(sent_at=None).count() == NOTICES - FATAL + 1)
        let_messages_be_due()
        tasks.wake(tasks.send_messages)
        eventually(lambda: not messages.filter(sent_at=None).exists())

    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    bodies = dict(zip(ids, (body for _, body in receiver.got), strict=True))
    assert len(bodies) == NOTICES
    assert Counter(ids) == dict.fromkeys(bodies, 1) | {ids[FATAL - 1]: 2}
    assert all(bodies[id_] == body for id_, (_, body) in zip(ids, receiver.got, strict=True))
    assert Counter(vouchers_told(bodies)) == {
        (tier, person.external_id): 1 for tier in cast.TIERS_FEN for person in people
    }
