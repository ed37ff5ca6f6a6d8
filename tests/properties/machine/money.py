"""Money in and out of the budget, and room moved between cells: one proposes, another approves."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.machine.ground import Ground, pick
from tests.support import cast
from tests.support.reference_model import Cap, Change
from tests.support.small_city import which
from vouchers.models import FundingSource, Proposal, QuotaCell
from vouchers.services.campaigns import proposals
from vouchers.services.ledger import funding

sources = st.sampled_from(["city", "group"])
when = st.sampled_from(["at once", "at once", "later"])


@dataclass(frozen=True, slots=True)
class Waits:
    """A proposal that has not been decided on: what the model says of it now, and what it does."""

    proposal: Proposal
    verdict: Callable[[], str]
    do: Callable[[], None]


class Money(Ground):
    """What the sources give and take back, and how much of what may be handed out."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[Waits] = []

    @rule(code=sources, amount_fen=st.sampled_from([1, 700, 5_000, 100_000]))
    def receive_cash(self, code: str, amount_fen: int) -> None:
        """An instalment arrives; recorded twice, it has arrived once."""
        document_no, request_id = self.number("R"), self.number("cash")
        for _ in range(2):
            funding.receive_cash(
                source=self.source(code),
                amount_fen=amount_fen,
                document_no=document_no,
                request_id=request_id,
                by=cast.mei(),
                at=self.model.now,
            )
        self.model.received[code] += amount_fen

    @rule(
        code=sources,
        change=st.integers(-30_000, 30_000) | st.sampled_from(["all", "one too many"]),
        stale_by_fen=st.sampled_from([0, 0, 0, 1, -10_000]),
        when=when,
    )
    def top_up_or_cut(self, code: str, change: int | str, stale_by_fen: int, when: str) -> None:
        """At most what is free can be cut, and only the figure that was seen changes."""
        free_fen = self.model.free_fen(code)
        cuts_fen = {"all": -free_fen, "one too many": -free_fen - 1}
        change_fen = change if isinstance(change, int) else cuts_fen[change]
        seen_fen = self.model.appropriated[code] + stale_by_fen
        target_fen = seen_fen + change_fen

        def propose() -> Proposal:
            return proposals.propose_appropriation(
                source=self.source(code),
                expected_fen=seen_fen,
                target_fen=target_fen,
                why="needed",
                request_id=self.number("proposal"),
                by=cast.mei(),
                at=self.model.now,
            )

        self._propose(
            f"appropriation {'up' if change_fen > 0 else 'down'}",
            propose,
            lambda: self.model.appropriation_verdict(code, seen_fen, target_fen),
            lambda: self.model.appropriate(code, target_fen),
            when,
        )

    @rule(code=sources, more_fen=st.sampled_from([0, 0, 0, 1, -700, -50_000]), when=when)
    def repay(self, code: str, more_fen: int, when: str) -> None:
        """Left-over goes to the treasury: at most what is free and has come."""
        seen_fen = self.model.free_fen(code)
        most_fen = min(seen_fen, self.model.spare_cash_fen(code))
        amount_fen = max(1, most_fen + more_fen)

        def propose() -> Proposal:
            return proposals.propose_repayment(
                source=self.source(code),
                expected_free_fen=seen_fen,
                amount_fen=amount_fen,
                document_no=self.number("treasury"),
                why="left over",
                request_id=self.number("proposal"),
                by=cast.mei(),
                at=self.model.now,
            )

        self._propose(
            "repayment",
            propose,
            lambda: self.model.repayment_verdict(code, seen_fen, amount_fen),
            lambda: self.model.repay(code, amount_fen),
            when,
        )

    @rule(places=st.integers(-5, 5), fen=st.sampled_from([-3_001, 0, 1, 3_001]), when=when)
    def move_between_cells(self, places: int, fen: int, when: str) -> None:
        """One tier gives up places or money, the other gets some."""
        seen = self.model.caps
        changes = [
            Change("off20", seen["off20"], Cap(count=(seen["off20"].count or 0) - places)),
            Change("off15pc", seen["off15pc"], Cap(fen=(seen["off15pc"].fen or 0) + fen)),
        ]
        if fen == 0:
            changes.pop()
        self._propose_quotas(f"caps moved by {places:+} and {fen:+}", changes, when)

    @rule(
        code=st.sampled_from(["round 1", "round 2", "round 3"]),
        places=st.sampled_from([-1, 1, 2, 5, 1_000]),
        when=when,
    )
    def reissue(self, code: str, places: int, when: str) -> None:
        """A round grows from money that has come back, by one approved act; or shrinks."""
        seen = self.model.caps[code]
        target = Cap(count=max(0, (seen.count or 0) + places))
        self._propose_quotas("round resized", [Change(code, seen, target)], when)

    def _propose_quotas(self, what: str, changes: Sequence[Change], when: str) -> None:
        def propose() -> Proposal:
            return proposals.propose_quotas(
                campaign=self.campaign,
                changes=[
                    {
                        "cell": self._cell(change.code).pk,
                        "expected": asdict(change.seen),
                        "target": asdict(change.target),
                    }
                    for change in changes
                ],
                why="needed elsewhere",
                request_id=self.number("proposal"),
                by=cast.mei(),
                at=self.model.now,
            )

        self._propose(
            what,
            propose,
            lambda: self.model.limits_verdict(changes),
            lambda: self.model.change_quotas(changes),
            when,
        )

    def _propose(
        self,
        what: str,
        propose: Callable[[], Proposal],
        verdict: Callable[[], str],
        do: Callable[[], None],
        when: str,
    ) -> None:
        """What is impossible is refused at once; else it is approved, at once or later."""
        expected = verdict()
        hypothesis.event(f"{what.split(' by ')[0]}: {expected}")
        with self.refused(expected if expected != "yes" else ""):
            self.waits.append(Waits(propose(), verdict, do))
            if when == "at once":
                self.decide(0, is_approved=True)

    @precondition(lambda self: self.waits)
    @rule(which=which, is_approved=st.sampled_from([True, True, True, False]))
    def decide(self, which: int, is_approved: bool) -> None:
        """Li says yes to what Mei proposed, and it is done unless the figures have moved; or no."""
        waits = pick(self.waits, which)
        decide = proposals.approve_proposal if is_approved else proposals.reject_proposal
        verdict = waits.verdict() if is_approved else "no"
        with self.refused(verdict if verdict not in ("yes", "no") else ""):
            decide(
                proposal=waits.proposal,
                by=cast.li(),
                seen_sha256=bytes(waits.proposal.sha256),
                at=self.model.now,
            )
            self.waits.remove(waits)
            if verdict == "yes":
                waits.do()

    def _cell(self, code: str) -> QuotaCell:
        cells = QuotaCell.objects.filter(campaign=self.campaign)
        if code.startswith("round "):
            return cells.get(round__number=code.removeprefix("round "))
        return cells.get(tier__code=code)

    def source(self, code: str) -> FundingSource:
        return FundingSource.objects.get(campaign=self.campaign, code=code)
