"""What must hold of a campaign's books after any race."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Sum

from tests.support.cast import NOON
from vouchers.models import Campaign, Leg, Redemption
from vouchers.queries.ledger.balances import balances
from vouchers.services.proofs.audit import audit
from vouchers.states import AccountKind, RedemptionState


def assert_proven() -> None:
    """The audit finds nothing, in the whole database.

    Nobody writes any more, so the test's own session reads it all: a second one, as audits have
    outside transactions, would plan every statement anew.
    """
    with transaction.atomic():
        broken = audit(at=NOON, seed=1).first_broken
    assert broken is None, broken


def totals_fen(campaign: Campaign) -> Mapping[AccountKind, int]:
    """Fen by kind of account, all sources together."""
    found = balances(campaign.pk).values()
    return {kind: sum(by_kind[kind] for by_kind in found) for kind in AccountKind}


def live_fen(campaign: Campaign) -> int:
    """Σ of the discounts of redemptions that stand."""
    live = Redemption.objects.filter(campaign=campaign, state=RedemptionState.CAPTURED)
    return live.aggregate(fen=Sum("discount_fen"))["fen"] or 0


def spent_fen(campaign: Campaign) -> int:
    """What the ledger says is owed to merchants."""
    legs = Leg.objects.filter(account__campaign=campaign, account__kind=AccountKind.PAYABLE)
    return legs.aggregate(fen=Sum("amount_fen"))["fen"] or 0
