"""A redemption locked for an act on it, in the common order, with the facts the rules ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

from vouchers.models import Hold, Redemption, Refund, SettlementLine
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.models.issuing.vouchers import LOCK_VOUCHERS
from vouchers.models.locks import SHARE_TRANCHES
from vouchers.rules.limits.limits import CounterKey, Subjects, counter_keys
from vouchers.rules.redemption.undo import RedemptionFacts
from vouchers.services.limits.counters import lock_counters
from vouchers.services.redemption.tranche_terms import TrancheTerms, terms_of
from vouchers.sql.pipeline import pipeline


@dataclass(frozen=True, slots=True)
class LockedRedemption:
    """A redemption locked with its tranche (shared) and voucher, and its terms as they stand."""

    redemption: Redemption
    terms: TrancheTerms
    facts: RedemptionFacts
    # The limit counters it was counted in, whatever the limits are by now; ascending.
    counters: Sequence[CounterKey]

    def lock_counters(self) -> None:
        """Lock the limit counters it was counted in, but those that people share."""
        with pipeline() as raw:
            lock_counters(raw, self.counters)


def lock_redemption(*, redemption_id: int, voucher_id: int) -> LockedRedemption:
    """Lock tranche, voucher and redemption, in this order, and read the facts."""
    tranche_id = voucher_id >> SERIAL_BITS
    with pipeline() as raw:
        SHARE_TRANCHES.send(raw, {"tranche_ids": [tranche_id]})
        LOCK_VOUCHERS.send(raw, {"voucher_ids": [voucher_id]})
    terms = terms_of(tranche_id)
    redemption = Redemption.objects.select_for_update(no_key=True).get(
        pk=redemption_id, voucher_id=voucher_id
    )
    tranche = terms.facts
    facts = RedemptionFacts(
        state=redemption.state,
        business_day=redemption.business_day,
        zone=tranche.zone,
        is_settled=SettlementLine.objects.filter(redemption=redemption).exists(),
        is_refunded=Refund.objects.filter(redemption=redemption).exists(),
        expires_at=redemption.expires_at,
        is_held=Hold.objects.filter(redemption=redemption, released_at=None).exists(),
        tranche_state=tranche.state,
        valid_until_at=tranche.valid_until_at,
        campaign_state=tranche.campaign_state,
    )
    return LockedRedemption(redemption, terms, facts, _counters(redemption, terms))


def _counters(redemption: Redemption, terms: TrancheTerms) -> list[CounterKey]:
    subjects = Subjects(
        redemption.resident_id,
        redemption.store_id,
        redemption.merchant_id,
        tuple(redemption.links or ()),
    )
    counted = counter_keys(
        terms.campaign.limits, subjects, redemption.redeemed_at, terms.facts.zone
    )
    return sorted(key for key, _ in counted)
