"""What an approved proposal does to a campaign, one act a kind.

Each kind is judged on figures read under their locks: when it is proposed, so that nothing stale or
impossible waits for a decision, and again in the transaction of the approval, which then does it.
The campaign's row is locked first, so the budget of a campaign changes one act at a time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from merchants.errors import Refused
from vouchers.models import Campaign, FundingSource, Proposal, QuotaCell
from vouchers.queries.campaigns.terms import shares_of, slice_of
from vouchers.rules.campaigns import proposals as rules
from vouchers.rules.campaigns.proposals import Cap, CellState, Change
from vouchers.rules.ledger.quotas import Need
from vouchers.services.campaigns import risk_rules
from vouchers.services.ledger import funding, quotas, transfers
from vouchers.services.ledger.funding import LockedSource
from vouchers.services.ledger.quotas import Buckets
from vouchers.services.refusals import refuse
from vouchers.states import AccountKind, CampaignState, Cause, ProposalKind, TransferReason

Document = Mapping[str, Any]


def check(*, campaign: Campaign, kind: ProposalKind, document: Document) -> None:
    """Refuse what could not be done as things stand. The caller holds the campaign's row.

    Refuses `campaign_state`, and what the rules of the kind in `rules.campaigns.proposals` refuse.
    """
    refuse(rules.allowed(kind, CampaignState(campaign.state)))
    judge, _ = _KINDS[kind]
    judge(campaign, document)


def execute(*, campaign: Campaign, proposal: Proposal, at: datetime) -> None:
    """Do what was approved in the caller's transaction, which holds the campaign's row and has
    written the decision. Refuses as `check` does."""
    kind = ProposalKind(proposal.kind)
    refuse(rules.allowed(kind, CampaignState(campaign.state)))
    _, act = _KINDS[kind]
    act(campaign, proposal, at)


def source_of(campaign: Campaign, document: Document) -> FundingSource:
    """The source a document names by its code."""
    return campaign.sources.get(code=document["source"])


# A source's figure: topped up, or cut


def _judge_appropriation(campaign: Campaign, document: Document) -> None:
    funding.judge_appropriation(
        source=source_of(campaign, document),
        expected_fen=document["expected_fen"],
        target_fen=document["target_fen"],
    )


def _appropriate(campaign: Campaign, proposal: Proposal, at: datetime) -> None:
    funding.appropriate(
        source=source_of(campaign, proposal.document),
        expected_fen=proposal.document["expected_fen"],
        target_fen=proposal.document["target_fen"],
        proposal_id=proposal.pk,
        at=at,
    )


# Left-over to the treasury


def _judge_repayment(campaign: Campaign, document: Document, deciding: int = 0) -> LockedSource:
    """The source, locked: its payouts queue there too, so no cash is both paid out and repaid."""
    source = campaign.sources.select_for_update(no_key=True).get(code=document["source"])
    # It sums the journal, so it comes before the buckets are locked: issuing waits for those.
    cash_fen = funding.spare_cash_fen(source, deciding=deciding)
    held = funding.lock_cell(source)
    refuse(
        rules.repayment(
            free_fen=held.free_fen,
            cash_fen=cash_fen,
            expected_free_fen=document["expected_free_fen"],
            amount_fen=document["amount_fen"],
        )
    )
    return held


def _repay(campaign: Campaign, proposal: Proposal, at: datetime) -> None:
    held = _judge_repayment(campaign, proposal.document, deciding=proposal.pk)
    amount_fen = proposal.document["amount_fen"]
    quotas.take_locked(buckets=held.buckets, needs={held.cell_id: Need(amount_fen, 0)})
    transfers.post_move(
        held.source,
        amount_fen,
        (Cause.PROPOSAL, proposal.pk),
        at,
        reason=TransferReason.REPAY,
        arrow=(AccountKind.FREE, AccountKind.REPAID),
    )


# Room between quota cells


@dataclass(frozen=True, slots=True)
class _Quotas:
    """The changes asked for, and the buckets of every cell of the campaign, locked."""

    changes: list[Change]
    buckets: Buckets


def _judge_quotas(campaign: Campaign, document: Document) -> _Quotas:
    changes = [Change.of(item) for item in document["changes"]]
    cells = list(cells_with_names(campaign))
    known = {cell.pk for cell in cells}
    for change in changes:
        if change.cell_id not in known:
            raise Refused("cell_unknown", cell=change.cell_id)
    buckets = quotas.lock_buckets(cell_ids=known)
    rooms = quotas.rooms_of(buckets)
    states = {
        cell.pk: CellState(
            slice=slice_of(cell),
            cap=Cap(cell.cap_fen, cell.cap_count),
            room=Cap(rooms[cell.pk].fen, rooms[cell.pk].count),
        )
        for cell in cells
    }
    free_fen = {
        state.slice["source"]: state.room.fen or 0
        for state in states.values()
        if set(state.slice) == {"source"}
    }
    refuse(rules.quotas(states, changes, free_fen=free_fen, shares=shares_of(campaign)))
    return _Quotas(changes, buckets)


def cells_with_names(campaign: Campaign) -> list[QuotaCell]:
    """Every cell with the rows that name its slice, in order of id."""
    named = campaign.cells.select_related("tier", "round", "store__merchant", "source")
    return list(named.order_by("id"))


def _move_quotas(campaign: Campaign, proposal: Proposal, at: datetime) -> None:
    asked = _judge_quotas(campaign, proposal.document)
    quotas.resize_cells(
        buckets=asked.buckets,
        changes={
            change.cell_id: Need(
                _step(change.expected.fen, change.target.fen),
                _step(change.expected.count, change.target.count),
            )
            for change in asked.changes
        },
    )


def _step(before: int | None, after: int | None) -> int:
    """How far a cap moves; an unlimited one stays where it is."""
    return 0 if before is None or after is None else after - before


_KINDS: Mapping[
    ProposalKind,
    tuple[
        Callable[[Campaign, Document], object],
        Callable[[Campaign, Proposal, datetime], None],
    ],
] = {
    ProposalKind.APPROPRIATION: (_judge_appropriation, _appropriate),
    ProposalKind.QUOTAS: (_judge_quotas, _move_quotas),
    ProposalKind.REPAYMENT: (_judge_repayment, _repay),
    ProposalKind.RISK_RULES: (risk_rules.judge, risk_rules.bring_into_force),
}
"""How each kind is judged, and done."""
