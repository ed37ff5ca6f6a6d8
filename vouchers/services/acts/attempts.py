"""Refused attempts: each refusal is recorded with its rule and facts."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from merchants.errors import Fact, Refusal
from vouchers.models.limits.limits import INSERT_ATTEMPTS
from vouchers.services.acts.answers import ActRequest
from vouchers.sql.wire import Wire


class Attempt(NamedTuple):
    """A refusal to record, and the rows it is about as far as they are known."""

    request: ActRequest
    refusal: Refusal
    facts: dict[str, Fact]
    store_id: int | None = None
    campaign_id: int | None = None
    voucher_id: int | None = None
    resident_id: int | None = None


def record_attempts(raw: Wire, attempts: Sequence[Attempt]) -> None:
    """Write refused attempts, inside the caller's transaction."""
    INSERT_ATTEMPTS.send(
        raw,
        {
            "ats": [each.request.at for each in attempts],
            "caller_ids": [each.request.caller.credential_id for each in attempts],
            "keys": [each.request.key for each in attempts],
            "store_ids": [each.store_id for each in attempts],
            "campaign_ids": [each.campaign_id for each in attempts],
            "voucher_ids": [each.voucher_id for each in attempts],
            "resident_ids": [each.resident_id for each in attempts],
            "codes": [each.refusal.code for each in attempts],
            "rules": [each.refusal.rule or each.refusal.code for each in attempts],
            "facts": [msgspec.json.encode(each.facts).decode() for each in attempts],
        },
    )
