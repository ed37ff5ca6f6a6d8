"""What the other actors do at once: holds, issues, expiries, settlements, cash, the budget."""

from dataclasses import dataclass
from datetime import date, datetime

from merchants.models import Merchant
from tests.support import cast
from tests.support.concurrency.client_acts import YES, Figures, Place, Said, the, use_of
from tests.support.quota_room import NoRoomError
from tests.support.reference_model import Batch, Model, Settlement, Voucher
from tests.support.small_city import MERCHANTS
from tests.support.till import issue_vouchers
from vouchers.models import FundingSource, Hold, Redemption, SettlementLine
from vouchers.models import Settlement as SettlementRow
from vouchers.services.campaigns import proposals
from vouchers.services.issuing.expiry import expire_tranche
from vouchers.services.ledger import funding
from vouchers.services.redemption import holds
from vouchers.services.settlement import collection, days

NO_ROOM = "no room"
"""The code of a run that finds a quota cell full."""


@dataclass(frozen=True, slots=True)
class KeepBack:
    """A redemption's money is held."""

    redemption_id: int
    at: datetime

    def do(self) -> Said:
        redemption = Redemption.objects.get(pk=self.redemption_id)
        rui = cast.member("rui", "risk officer")
        hold = holds.hold(redemption=redemption, reason="odd", by=rui, at=self.at)
        return Said(YES, mark=f"vouchers_hold INSERT {hold.pk}")

    def verdict(self, model: Model) -> str:
        return model.hold_verdict(use_of(model, self.redemption_id))

    def happen(self, model: Model, said: Said) -> Figures:
        use_of(model, self.redemption_id).is_held = True
        return {}


@dataclass(frozen=True, slots=True)
class LetGo:
    """A hold ends, unless it has."""

    hold: Hold
    at: datetime

    def do(self) -> Said:
        holds.release(hold=self.hold, by=cast.member("rui", "risk officer"), at=self.at)
        return Said(YES, mark=f"vouchers_hold UPDATE {self.hold.pk}")

    def verdict(self, model: Model) -> str:
        # Which of several holds it was does not matter: a redemption has one open hold at most.
        return YES if use_of(model, self.hold.redemption_id).is_held else "not_held"

    def happen(self, model: Model, said: Said) -> Figures:
        use_of(model, self.hold.redemption_id).is_held = False
        return {}


@dataclass(frozen=True, slots=True)
class Issue:
    """One more voucher for a resident, by a run that locks every sub-bucket."""

    place: Place
    tier: str
    holder: str
    until: datetime

    def do(self) -> Said:
        try:
            (row,) = issue_vouchers(
                self.place.campaign,
                [self.place.people[self.holder]],
                tier=self.tier,
                valid_until_at=self.until,
            )
        except NoRoomError:
            return Said(NO_ROOM)
        mark = f"vouchers_tranche INSERT {row.tranche_id}"
        return Said(YES, {"voucher": row.pk, "batch": row.tranche_id}, mark)

    def verdict(self, model: Model) -> str:
        return YES if model.fits(self.place.tiers[self.tier], 1) else NO_ROOM

    def happen(self, model: Model, said: Said) -> Figures:
        voucher_id, batch_id = said.figures["voucher"], said.figures["batch"]
        assert isinstance(voucher_id, int)
        assert isinstance(batch_id, int)
        since = self.until - model.validity
        batch = Batch(batch_id, self.place.tiers[self.tier], since, self.until)
        model.vouchers.append(Voucher(voucher_id, self.holder, batch))
        return said.figures


@dataclass(frozen=True, slots=True)
class Expire:
    """A sweep comes by a tranche."""

    tranche_id: int
    at: datetime

    def do(self) -> Said:
        ended = expire_tranche(tranche_id=self.tranche_id, at=self.at)
        if ended is None:
            return Said("not due, or ended before")
        return Said(YES, {"ended": ended}, f"vouchers_tranche UPDATE {self.tranche_id}")

    def _batch(self, model: Model) -> Batch:
        return the(model.batches(), lambda batch: batch.id == self.tranche_id)

    def verdict(self, model: Model) -> str:
        batch = self._batch(model)
        is_due = not batch.is_expired and batch.until <= self.at
        return YES if is_due else "not due, or ended before"

    def happen(self, model: Model, said: Said) -> Figures:
        model.now = self.at
        return {"ended": model.expire(self._batch(model))}


@dataclass(frozen=True, slots=True)
class SettleDay:
    """A day is closed. An act that finds it closed gets the same settlements: its own are those
    closed at its own instant, which no other act has. It looks for merchants and stores first and
    then closes them one by one: what comes and goes meanwhile, the next close finds."""

    place: Place
    day: date
    at: datetime

    def do(self) -> Said:
        found = days.settle_day(campaign=self.place.campaign, business_day=self.day, at=self.at)
        own = [row for row in found if row.closed_at == self.at]
        if not own:
            return Said("nothing to close", {"lines": {}})
        lines = SettlementLine.objects.filter(settlement__in=own).values_list(
            "source__code", "redemption_id", "refund_id", "amount_fen"
        )
        figures = {
            "lines": {(source, use): fen for source, use, refund, fen in lines if not refund},
            "kept": {(source, refund): -fen for source, _, refund, fen in lines if refund},
        }
        return Said(YES, figures, f"vouchers_settlement INSERT {own[0].pk}")

    def verdict(self, model: Model) -> str:
        return YES if model.lines_of(self.day, MERCHANTS) else "nothing to close"

    def unseen(self, model: Model, figures: Figures) -> set[object]:
        lines = figures["lines"]
        assert isinstance(lines, dict)
        return {line for line in model.lines_of(self.day, MERCHANTS) if line not in lines}

    def happen(self, model: Model, said: Said) -> Figures:
        lines, kept = said.figures["lines"], said.figures["kept"]
        assert isinstance(lines, dict)
        assert isinstance(kept, dict)
        here = model.lines_of(self.day, MERCHANTS)
        taken = {key: here[key] for key in lines if key in here}
        made = model.settle(self.day, MERCHANTS, taken, kept)
        return {
            "lines": {(it.source, use): fen for it in made for use, fen in it.lines.items()},
            "kept": {(it.source, refund.id): fen for it in made for refund, fen in it.kept},
        }


@dataclass(frozen=True, slots=True)
class Pay:
    """A settlement is paid, if the cash is there and no other act was faster."""

    row: SettlementRow
    at: datetime

    def do(self) -> Said:
        if not days.pay(settlement=self.row, at=self.at):
            return Said("paid before")
        return Said(YES, mark=f"vouchers_settlement UPDATE {self.row.pk}")

    def _settlement(self, model: Model) -> Settlement:
        key = self.row.merchant.code, self.row.source.code, self.row.business_day
        return the(model.settlements, lambda it: (it.merchant, it.source, it.day) == key)

    def verdict(self, model: Model) -> str:
        mine = self._settlement(model)
        if mine.is_paid:
            return "paid before"
        return "cash_not_received" if model.short_fen(mine) else YES

    def unseen(self, model: Model, figures: Figures) -> set[object]:
        verdict = self.verdict(model)
        return set() if verdict == YES else {verdict}

    def happen(self, model: Model, said: Said) -> Figures:
        self._settlement(model).is_paid = True
        return {}


@dataclass(frozen=True, slots=True)
class Cash:
    """An instalment arrives."""

    source: FundingSource
    amount_fen: int
    request_id: str
    at: datetime

    def do(self) -> Said:
        funding.receive_cash(
            source=self.source,
            amount_fen=self.amount_fen,
            document_no="R",
            request_id=self.request_id,
            by=cast.mei(),
            at=self.at,
        )
        return Said(YES, mark=f"vouchers_cashreceipt INSERT {self.request_id}")

    def verdict(self, model: Model) -> str:
        return YES

    def happen(self, model: Model, said: Said) -> Figures:
        model.received[self.source.code] += self.amount_fen
        return {}


@dataclass(frozen=True, slots=True)
class Collect:
    """A merchant pays back some of what it owes."""

    place: Place
    source: FundingSource
    amount_fen: int
    request_id: str
    at: datetime

    def do(self) -> Said:
        collection.collect(
            campaign=self.place.campaign,
            merchant=Merchant.objects.get(code="huilian"),
            source=self.source,
            amount_fen=self.amount_fen,
            document_no="C",
            request_id=self.request_id,
            by=cast.mei(),
            at=self.at,
        )
        return Said(YES, mark=f"vouchers_collection INSERT {self.request_id}")

    def verdict(self, model: Model) -> str:
        owed_fen = model.owed_fen("huilian", self.source.code, MERCHANTS)
        return YES if self.amount_fen <= owed_fen else "more_than_owed"

    def happen(self, model: Model, said: Said) -> Figures:
        model.collect("huilian", self.source.code, self.amount_fen, MERCHANTS)
        return {}


@dataclass(frozen=True, slots=True)
class Appropriate:
    """A source's figure is changed: one proposes, another approves."""

    source: FundingSource
    seen_fen: int
    change_fen: int
    request_id: str
    at: datetime

    def do(self) -> Said:
        proposal = proposals.propose_appropriation(
            source=self.source,
            expected_fen=self.seen_fen,
            target_fen=self.seen_fen + self.change_fen,
            why="needed",
            request_id=self.request_id,
            by=cast.mei(),
            at=self.at,
        )
        proposals.approve_proposal(
            proposal=proposal, by=cast.li(), seen_sha256=bytes(proposal.sha256), at=self.at
        )
        return Said(YES, mark=f"vouchers_proposaldecision INSERT {proposal.pk}")

    def verdict(self, model: Model) -> str:
        target_fen = self.seen_fen + self.change_fen
        return model.appropriation_verdict(self.source.code, self.seen_fen, target_fen)

    def happen(self, model: Model, said: Said) -> Figures:
        model.appropriate(self.source.code, self.seen_fen + self.change_fen)
        return {}
