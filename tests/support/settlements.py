"""Redemptions to settle, cash to pay them with, and what settlements owe."""

from collections.abc import Sequence
from datetime import date, datetime

from merchants.models import Store
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.till import answer_to, issue_vouchers, order
from vouchers.models import (
    Campaign,
    Redemption,
    Resident,
)
from vouchers.services.ledger import funding

TODAY = date(2026, 4, 1)
TOMORROW = date(2026, 4, 2)
MIDNIGHT = NOON + DAY / 2
"""The end of the business day in Shanghai."""


def people(number: int) -> list[Resident]:
    return [cast.resident(f"resident-{n}") for n in range(number)]


def redeemed(
    campaign: Campaign, stores: Sequence[Store], *, at: datetime = NOON
) -> list[Redemption]:
    """A 满200减50 used in each of `stores`, by as many residents."""
    residents = people(len(stores))
    vouchers = issue_vouchers(campaign, residents, tier="off50")
    made = []
    for voucher, store, resident in zip(vouchers, stores, residents, strict=True):
        status, body = answer_to(order(voucher, store, resident, at=at))
        assert status == 201, body
        made.append(Redemption.objects.get(pk=body["id"]))
    return made


def send_cash(campaign: Campaign, source: str, amount_fen: int) -> None:
    funding.receive_cash(
        source=campaign.sources.get(code=source),
        amount_fen=amount_fen,
        document_no="R-1",
        request_id=f"{source}-{amount_fen}",
        by=cast.mei(),
        at=NOON,
    )
