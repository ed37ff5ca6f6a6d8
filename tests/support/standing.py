"""Where a redemption, its voucher, its money and its counters stand."""

from datetime import timedelta
from typing import Any

from tests.support.cast import NOON
from tests.support.concurrency.invariants import totals_fen
from tests.support.till import (
    decoded,
)
from vouchers.models import (
    Campaign,
    LimitCounter,
    Redemption,
    Voucher,
)
from vouchers.states import (
    AccountKind,
    RedemptionState,
    VoucherState,
)

FACE_FEN = 2_000
TTL = timedelta(minutes=15)
INSTANT = timedelta(microseconds=1)
MIDNIGHT = NOON + timedelta(hours=12)
END = NOON + timedelta(minutes=10)
"""Some vouchers' end: later than they are authorised, earlier than they are captured."""


def fen(campaign: Campaign, *kinds: AccountKind) -> tuple[int, ...]:
    totals = totals_fen(campaign)
    return tuple(totals[kind] for kind in kinds)


def state_of(redemption: Redemption) -> RedemptionState:
    return RedemptionState(Redemption.objects.get(pk=redemption.pk).state)


def voucher_state(voucher: Voucher) -> VoucherState:
    return VoucherState(Voucher.objects.get(pk=voucher.pk).state)


def counted() -> set[tuple[int, int]]:
    """What the counters hold: redemptions and fen."""
    return set(LimitCounter.objects.values_list("used_count", "used_fen"))


def said(answer: Any) -> tuple[int, str, str]:
    """Status, code and rule of a refusal."""
    status, body = decoded(answer)
    return status, body.get("code", ""), body.get("rule", "")


OUTSTANDING_AUTHORISED_PAYABLE = (
    AccountKind.OUTSTANDING,
    AccountKind.AUTHORISED,
    AccountKind.PAYABLE,
)
