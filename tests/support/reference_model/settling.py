"""A day is settled once per merchant and paid within the cash; debts kept back or collected."""

from collections.abc import Mapping
from datetime import date
from itertools import count

from tests.support.reference_model.things import Refund, Settlement, Use
from tests.support.reference_model.undoing import Undoing
from vouchers.states import RedemptionState

Lines = Mapping[tuple[str, int], int]
"""Fen by source and redemption, or by source and refund."""


class Settling(Undoing):
    """Redemptions as they are paid, and late refunds as they are paid back."""

    _settlement_numbers = count(1)

    def settle(
        self,
        day: date,
        merchants: Mapping[str, str],
        lines: Lines | None = None,
        kept: Lines | None = None,
    ) -> list[Settlement]:
        """Close a day for every merchant it has not been closed for; `merchants` by store. With
        `lines` and `kept`, just these are taken, and just so much is kept back of debts."""
        lines = self.lines_of(day, merchants) if lines is None else lines
        drafts: dict[tuple[str, str], Settlement] = {}
        for (source, use_id), fen in lines.items():
            use = next(use for use in self.uses if use.id == use_id)
            key = merchants[use.store], source
            draft = drafts.setdefault(key, Settlement(*key, day, 0))
            draft.lines[use_id] = fen
            use.settlements[source] = draft
        for key in sorted(drafts):
            self._close(drafts[key], merchants, kept)
        return [drafts[key] for key in sorted(drafts)]

    def lines_of(self, day: date, merchants: Mapping[str, str]) -> Lines:
        """What closing a day would take, by source and redemption."""
        return {
            (source, use.id): fen
            for use in self.to_settle()
            if use.day <= day and (merchants[use.store], day) not in self.closed
            for source, fen in use.left.items()
            if fen
        }

    def to_settle(self) -> list[Use]:
        """Redemptions whose day can be settled: captured, not held, and not settled yet."""
        captured = self.in_state(RedemptionState.CAPTURED)
        return [use for use in captured if not use.settlements and not use.is_held]

    def _close(
        self, settlement: Settlement, merchants: Mapping[str, str], only: Lines | None
    ) -> None:
        for refund in self.debts(settlement.merchant, settlement.source, merchants):
            fen = min(self.owed(refund, settlement.source), settlement.total_fen)
            if only is not None:
                fen = min(fen, only.get((settlement.source, refund.id), 0))
            if fen and refund.day <= settlement.day:
                settlement.kept.append((refund, fen))
        settlement.number = next(self._settlement_numbers)
        self.settlements.append(settlement)
        self.closed.add((settlement.merchant, settlement.day))

    def debts(self, merchant: str, source: str, merchants: Mapping[str, str]) -> list[Refund]:
        """Late refunds for which a merchant owes a source something, the oldest first."""
        late = [
            refund
            for use in self.uses
            if merchants[use.store] == merchant
            for refund in use.refunds
            if refund.is_late and self.owed(refund, source)
        ]
        return sorted(late, key=lambda refund: refund.id)

    def unpaid(self) -> list[Settlement]:
        return [settlement for settlement in self.settlements if not settlement.is_paid]

    def debtors(self, merchants: Mapping[str, str]) -> list[tuple[str, str, int]]:
        """Merchant, source, and what the one owes the other, where it owes anything."""
        return [
            (merchant, source, owed_fen)
            for merchant in sorted(set(merchants.values()))
            for source in self.appropriated
            if (owed_fen := self.owed_fen(merchant, source, merchants))
        ]

    def owed_fen(self, merchant: str, source: str, merchants: Mapping[str, str]) -> int:
        """What a merchant owes a source in all."""
        debts = self.debts(merchant, source, merchants)
        return sum(self.owed(refund, source) for refund in debts)

    def short_fen(self, settlement: Settlement) -> int:
        """What its source has yet to send before it, everything paid and everything settled
        earlier is covered."""
        place = (settlement.day, settlement.number)
        owed_fen = sum(
            other.total_fen
            for other in self.settlements
            if other.source == settlement.source
            and (other.is_paid or (other.day, other.number) <= place)
        )
        return max(0, owed_fen - self.cash_fen(settlement.source))

    def cash_fen(self, source: str) -> int:
        """What a source has sent and merchants have paid back to it, less what it took back."""
        refunds: list[Refund] = [refund for use in self.uses for refund in use.refunds]
        collected_fen = sum(refund.collected.get(source, 0) for refund in refunds)
        return self.received[source] + collected_fen - self.repaid[source]

    def collect(
        self, merchant: str, source: str, amount_fen: int, merchants: Mapping[str, str]
    ) -> bool:
        """A merchant pays back what it owes, the oldest debt first; False when that is less."""
        if amount_fen > self.owed_fen(merchant, source, merchants):
            return False
        for refund in self.debts(merchant, source, merchants):
            fen = min(self.owed(refund, source), amount_fen)
            refund.collected[source] += fen
            amount_fen -= fen
        return True
