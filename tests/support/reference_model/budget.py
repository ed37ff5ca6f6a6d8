"""What may be done to a launched campaign's budget: the figure of a source, caps, repayments."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.support.reference_model.claims import Claims
from tests.support.reference_model.money import Cap
from vouchers.states import AccountKind, RedemptionState

NOT_UNDER_WAY = {
    AccountKind.APPROPRIATED,
    AccountKind.FREE,
    AccountKind.SETTLED,
    AccountKind.RECOVERABLE,
    AccountKind.REPAID,
}


class Change(NamedTuple):
    """A cell's caps as the proposer saw them, and as they are to be."""

    code: str
    seen: Cap
    target: Cap


class Model(Claims):
    """The city as it should be."""

    def appropriation_verdict(self, source: str, seen_fen: int, target_fen: int) -> str:
        """Yes, or why a source's figure can't be set so."""
        if target_fen < 0:
            return "amount_not_positive"
        if seen_fen != self.appropriated[source]:
            return "figure_changed"
        if target_fen == seen_fen:
            return "nothing_to_change"
        return "not_free" if self.free_fen(source) + target_fen - seen_fen < 0 else "yes"

    def appropriate(self, source: str, target_fen: int) -> None:
        self.appropriated[source] = target_fen

    def repayment_verdict(self, source: str, seen_free_fen: int, amount_fen: int) -> str:
        """Yes, or why so much can't go back to the treasury: it must be free, and have come."""
        if seen_free_fen != self.free_fen(source):
            return "figure_changed"
        if amount_fen > seen_free_fen:
            return "not_free"
        return "cash_not_received" if amount_fen > self.spare_cash_fen(source) else "yes"

    def spare_cash_fen(self, source: str) -> int:
        """What of it no merchant waits for, whether or not the day has been settled."""
        owed_fen = sum(
            use.left[source]
            for use in self.in_state(RedemptionState.CAPTURED)
            if source in use.left and not use.settlements
        )
        waiting = [it.total_fen for it in self.unpaid() if it.source == source]
        return self.cash_on_hand_fen(source) - owed_fen - sum(waiting)

    def cash_on_hand_fen(self, source: str) -> int:
        """What has come and has not been paid out."""
        paid = [it for it in self.settlements if it.source == source and it.is_paid]
        return self.cash_fen(source) - sum(it.total_fen for it in paid)

    def repay(self, source: str, amount_fen: int) -> None:
        self.repaid[source] += amount_fen

    def limits_verdict(self, changes: Sequence[Change]) -> str:
        """Yes, or why the caps can't be changed so."""
        if self.is_over:
            return "campaign_state"
        room = self.room()
        for change in changes:
            if refusal := self._limit_refusal(change, room):
                return refusal
        grown = [c for c in changes if c.code.startswith("round") and _more_places(c)]
        return "yes" if all(self._free_money_covers(c, room) for c in grown) else "not_free"

    def _limit_refusal(self, change: Change, room: Mapping[str, Cap]) -> str:
        cap = self.caps[change.code]
        left_of = room[change.code]
        for now, left, seen, target in (
            (cap.fen, left_of.fen, change.seen.fen, change.target.fen),
            (cap.count, left_of.count, change.seen.count, change.target.count),
        ):
            if now != seen:
                return "figure_changed"
            if target is not None and target < 0:
                return "amount_not_positive"
            if now is not None and left is not None and target is not None and target < now - left:
                return "cap_below_use"
        return "nothing_to_change" if change.seen == change.target else ""

    def _free_money_covers(self, change: Change, room: Mapping[str, Cap]) -> bool:
        """A round may only grow to what free money would pay, were it all of the cheapest tier."""
        places = (room[change.code].count or 0) + _more_places(change)
        free_fen = sum(self.free_fen(source) for source in self.appropriated)
        return places * min(tier.face_fen for tier in self.tiers) <= free_fen

    def change_quotas(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self.caps[change.code] = change.target

    # The end

    def settling_verdict(self) -> str:
        """Yes, or why the campaign can't be called settled: something is promised or owed."""
        under_way = set(AccountKind) - NOT_UNDER_WAY
        return "money_under_way" if self._any_in(under_way) or self.unpaid() else "yes"

    def closing_verdict(self) -> str:
        """Yes, or why the books can't be closed."""
        if self.settling_verdict() != "yes":
            return "money_under_way"
        has_cash = any(map(self.cash_on_hand_fen, self.appropriated))
        is_left = has_cash or self._any_in({AccountKind.FREE, AccountKind.RECOVERABLE})
        return "left_over" if is_left else "yes"

    def _any_in(self, kinds: set[AccountKind]) -> bool:
        return any(by_kind[kind] for by_kind in self.balances().values() for kind in kinds)


def _more_places(change: Change) -> int:
    return max(0, (change.target.count or 0) - (change.seen.count or 0))
