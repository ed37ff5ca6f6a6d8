"""Notices of new vouchers, sent to the channels by webhook."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vouchers.models import Resident, Shard, Tranche
from vouchers.rules.webhooks import EventType
from vouchers.services.webhooks import LISTENERS, Event, publish

RESIDENTS_A_MESSAGE: Final = 500


def announce_vouchers(
    *, shard: Shard, tranche: Tranche, resident_ids: NDArray[np.int64], at: datetime
) -> None:
    """Queue messages of up to 500 residents each, in the transaction that mints their vouchers:
    committed vouchers are announced once, others never.

    The channel of the run gets it, or every channel where the run has none.
    """
    listeners = [found for each in LISTENERS.current().of_channels.values() for found in each]
    if not any(EventType.VOUCHERS_ISSUED in listener.events for listener in listeners):
        return
    run = shard.run
    for number, vouchers in enumerate(_batches(resident_ids), start=1):
        event = Event(
            type=EventType.VOUCHERS_ISSUED,
            subject=f"{tranche.pk}/{number}",
            at=at,
            is_test=run.campaign.is_test,
            data={
                "campaign": run.campaign.code,
                "tier": shard.tier.code,
                "face_fen": tranche.face_fen,
                "threshold_fen": tranche.threshold_fen,
                "valid_from_at": tranche.valid_from_at,
                "valid_until_at": tranche.valid_until_at,
                "vouchers": vouchers,
            },
            channel=run.channel,
            is_for_all_channels=run.channel is None,
        )
        publish([event])


def _batches(resident_ids: NDArray[np.int64]) -> Iterator[list[dict[str, object]]]:
    """Residents by number with how many vouchers each got, 500 at a time."""
    counts = Counter(resident_ids.tolist())
    ids = sorted(counts)
    for start in range(0, len(ids), RESIDENTS_A_MESSAGE):
        told = ids[start : start + RESIDENTS_A_MESSAGE]
        numbers = dict(Resident.objects.filter(pk__in=told).values_list("id", "external_id"))
        yield [{"resident": numbers[id_], "count": counts[id_]} for id_ in told]
