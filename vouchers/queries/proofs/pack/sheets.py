"""Every file of the auditor's pack, in the order they are written."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from vouchers.models import Shard
from vouchers.queries.proofs.pack.books import (
    DISTRIBUTION_SHEETS,
    PEOPLE_SHEETS,
    REDEMPTION_SHEETS,
    SETTLEMENT_SHEETS,
)
from vouchers.queries.proofs.pack.papers import (
    MONEY_SHEETS,
    PLACE_SHEETS,
    STAFF_SHEETS,
    TERMS_SHEETS,
)
from vouchers.queries.proofs.pack.records import CASE_SHEETS, SETUP_SHEETS
from vouchers.sql.statements import Statement

SHEETS = (
    *TERMS_SHEETS,
    *STAFF_SHEETS,
    *MONEY_SHEETS,
    *PLACE_SHEETS,
    *DISTRIBUTION_SHEETS,
    *PEOPLE_SHEETS,
    *REDEMPTION_SHEETS,
    *SETTLEMENT_SHEETS,
    *CASE_SHEETS,
    *SETUP_SHEETS,
)
JOURNAL = "journal"
SHARDS = "shards"
FINDINGS = "findings"
FILE_COUNT = len(SHEETS) + 3

SNAPSHOT = Statement("SELECT pg_current_snapshot()::text", lambda row: str(row[0]))


def shards(campaign_id: int) -> Iterator[dict[str, Any]]:
    """Shards with the number of their vouchers by allocation; the people are in the vouchers."""
    rows = Shard.objects.filter(run__campaign_id=campaign_id).order_by("id")
    for shard in rows.defer("resident_ids", "buckets").iterator(chunk_size=100):
        ids, counts = np.unique(np.frombuffer(shard.allocation_ids, "<i8"), return_counts=True)
        yield {
            "allocations": [list(pair) for pair in zip(ids.tolist(), counts.tolist(), strict=True)],
            "id": shard.pk,
            "number": shard.number,
            "run": shard.run_id,
            "state": shard.state,
            "tier": shard.tier_id,
            "voucher_count": shard.voucher_count,
        }
