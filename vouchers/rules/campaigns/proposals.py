"""Proposed acts on a campaign: whether they may be done on the figures as they stand. Pure.

A proposal's document names the figures its author saw. They are compared when it is proposed, and
again, under the locks, when another person approves it; a figure changed meanwhile is refused.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from merchants.errors import Refusal
from vouchers.rules.campaigns.soundness import broken_nests, cells_do_not_nest
from vouchers.rules.campaigns.terms import CellTerms, canonical_json
from vouchers.rules.ledger.amounts import check_amount_fen
from vouchers.states import CampaignState, ProposalKind

_LIVE: Final = frozenset({CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.PAUSED})
_BEFORE: Final = frozenset({CampaignState.DRAFT, CampaignState.SUBMITTED, CampaignState.APPROVED})
_OVER: Final = frozenset({CampaignState.ENDED, CampaignState.SETTLED})

STATES: Final[Mapping[ProposalKind, frozenset[CampaignState]]] = {
    ProposalKind.APPROPRIATION: _LIVE | _OVER,
    ProposalKind.QUOTAS: _LIVE,
    # What comes back after the closing is repaid too.
    ProposalKind.REPAYMENT: _LIVE | _OVER | {CampaignState.CLOSED},
    # From the first redemption on, so they are approved before the launch too.
    ProposalKind.RISK_RULES: _BEFORE | _LIVE,
}
"""In which states of the campaign something of a kind may be proposed and done."""


@dataclass(frozen=True, slots=True)
class Cap:
    """Fen and vouchers of a cell: its caps, or what is left of them; None is unlimited."""

    fen: int | None
    count: int | None

    @classmethod
    def of(cls, document: Mapping[str, int | None]) -> "Cap":
        """From `{"fen": …, "count": …}`."""
        return cls(document["fen"], document["count"])


@dataclass(frozen=True, slots=True)
class CellState:
    """A quota cell as it stands: its slice by the codes people use, its caps, what is left."""

    slice: Mapping[str, str]
    cap: Cap
    room: Cap

    @property
    def name(self) -> str:
        """The slice as one readable line."""
        return CellTerms(frozenset(self.slice.items()), None, None).name


@dataclass(frozen=True, slots=True)
class Change:
    """A cell's caps as they were seen and as they are to be."""

    cell_id: int
    expected: Cap
    target: Cap

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Change":
        """From `{"cell": id, "expected": {…}, "target": {…}}`."""
        return cls(document["cell"], Cap.of(document["expected"]), Cap.of(document["target"]))


Shares = Mapping[str, Mapping[str, int]]
"""By tier code what each source (by code) pays of one face, in fen."""


def document_sha256(document: Mapping[str, Any]) -> bytes:
    """SHA-256 of the document's canonical JSON: what a decision binds to."""
    return hashlib.sha256(canonical_json(document)).digest()


def allowed(kind: ProposalKind, state: CampaignState) -> Refusal | None:
    """Whether a campaign in this state can have such a change; of money, only a launched one."""
    if state in STATES[kind]:
        return None
    return Refusal("campaign_state", "launched", {"state": state.value})


def decide(
    *, proposer_id: int, approver_id: int, sha256: bytes, seen_sha256: bytes, is_decided: bool
) -> Refusal | None:
    """Whether a person may decide: on another person's proposal, as they saw it, and once."""
    if is_decided:
        return Refusal("proposal_decided", "one_decision")
    if proposer_id == approver_id:
        return Refusal("approver_proposed", "another_person")
    if sha256 != seen_sha256:
        return Refusal("proposal_not_as_seen", "seen_hash")
    return None


def appropriation(
    *, current_fen: int, free_fen: int, expected_fen: int, target_fen: int
) -> Refusal | None:
    """Setting what a source appropriates: up by anything, down only by what is free."""
    if refusal := check_amount_fen(target_fen, least_fen=0):
        return refusal
    if refusal := _unchanged(current_fen, expected_fen):
        return refusal
    if target_fen == expected_fen:
        return Refusal("nothing_to_change", "another_figure")
    if current_fen - target_fen > free_fen:
        return _not_free(free_fen, current_fen - target_fen)
    return None


def repayment(
    *, free_fen: int, cash_fen: int, expected_free_fen: int, amount_fen: int
) -> Refusal | None:
    """Returning left-over to the treasury: out of what is free, and of cash that is there.

    `cash_fen` is what has come in, was neither paid out nor repaid, and is owed to no merchant;
    negative where merchants wait for cash. What never came is cut.
    """
    if refusal := check_amount_fen(amount_fen):
        return refusal
    if refusal := _unchanged(free_fen, expected_free_fen):
        return refusal
    if amount_fen > free_fen:
        return _not_free(free_fen, amount_fen)
    if amount_fen > cash_fen:
        return Refusal(
            "cash_not_received", "repaid_within_cash", {"missing_fen": amount_fen - cash_fen}
        )
    return None


def quotas(
    cells: Mapping[int, CellState],
    changes: Sequence[Change],
    *,
    free_fen: Mapping[str, int],
    shares: Shares,
) -> Refusal | None:
    """Moving room between the cells of a campaign, and resizing them.

    Every changed cell must be as it was seen and keep what counts in it; afterwards none may
    promise more than a cell it lies in. A round that grows must be covered by `free_fen` (by
    source): free money must cover all it could still issue.
    """
    for change in changes:
        if refusal := _change(cells[change.cell_id], change):
            return refusal
    if refusal := _nesting(cells, changes):
        return refusal
    return _rounds_covered(cells, changes, free_fen=free_fen, shares=shares)


def _change(cell: CellState, change: Change) -> Refusal | None:
    if set(cell.slice) == {"source"}:
        return Refusal("cell_of_appropriation", "own_proposal", {"cell": cell.name})
    for part, unit in (("fen", "_fen"), ("count", "")):
        cap, expected, target = (
            getattr(figures, part) for figures in (cell.cap, change.expected, change.target)
        )
        if cap != expected:
            facts = {f"expected{unit}": expected, f"actual{unit}": cap}
            return Refusal("figure_changed", "as_seen", facts)
        if (cap is None) != (target is None):
            return Refusal("cap_unlimited", "cap_stays", {"cell": cell.name})
        if cap is None:
            continue
        if refusal := check_amount_fen(target, least_fen=0):
            return refusal
        used = cap - getattr(cell.room, part)
        if target < used:
            facts = {"cell": cell.name, f"used{unit}": used, f"target{unit}": target}
            return Refusal("cap_below_use", "keeps_what_counts", facts)
    if change.target == change.expected:
        return Refusal("nothing_to_change", "another_figure")
    return None


def _nesting(cells: Mapping[int, CellState], changes: Iterable[Change]) -> Refusal | None:
    caps_after = {change.cell_id: change.target for change in changes}
    changed = {frozenset(cells[cell_id].slice.items()) for cell_id in caps_after}
    after = []
    for cell_id, cell in cells.items():
        cap = caps_after.get(cell_id, cell.cap)
        after.append(CellTerms(frozenset(cell.slice.items()), cap.fen, cap.count))
    for narrow, wide in broken_nests(after):
        if narrow.slice in changed or wide.slice in changed:
            return cells_do_not_nest(narrow, wide)
    return None


def _rounds_covered(
    cells: Mapping[int, CellState],
    changes: Iterable[Change],
    *,
    free_fen: Mapping[str, int],
    shares: Shares,
) -> Refusal | None:
    """Cells that name the same dimensions do not overlap, so what they could issue adds up."""
    wanted: dict[frozenset[str], Counter[str]] = defaultdict(Counter)
    for change in changes:
        cell = cells[change.cell_id]
        if "round" in cell.slice and _grows(change):
            room = Cap(_after(cell, change, "fen"), _after(cell, change, "count"))
            wanted[frozenset(cell.slice)].update(_promise(cell.slice, room, shares))
    free = {**free_fen, _ALL: sum(free_fen.values())}
    for needs in wanted.values():
        for source, fen in sorted(needs.items()):
            if fen > free[source]:
                return _not_free(free[source], fen)
    return None


_ALL: Final = ""
"""Stands for all sources together, where a cell names none."""


def _grows(change: Change) -> bool:
    before, after = change.expected, change.target
    return (after.fen or 0) > (before.fen or 0) or (after.count or 0) > (before.count or 0)


def _after(cell: CellState, change: Change, part: str) -> int | None:
    cap, room = getattr(cell.cap, part), getattr(cell.room, part)
    target = getattr(change.target, part)
    return None if room is None else int(room + target - cap)


def _promise(slice_: Mapping[str, str], room: Cap, shares: Shares) -> dict[str, int]:
    """The money in fen needed to issue a cell's headroom: of its source, of each source that pays
    for its tier, or of all together. Of several tiers the cheapest is the least it takes."""
    source, tier = slice_.get("source"), slice_.get("tier")
    tiers = [shares[tier]] if tier else list(shares.values())
    if source:
        return {source: _least(room, min(split.get(source, 0) for split in tiers))}
    if not tier:
        return {_ALL: _least(room, min(sum(split.values()) for split in tiers))}
    face_fen = sum(shares[tier].values())
    vouchers = _least(room, face_fen) // face_fen
    return {code: share_fen * vouchers for code, share_fen in shares[tier].items()}


def _least(room: Cap, each_fen: int) -> int:
    by_count = None if room.count is None else room.count * each_fen
    return min(fen for fen in (room.fen, by_count) if fen is not None)


def _unchanged(current_fen: int, expected_fen: int) -> Refusal | None:
    if current_fen == expected_fen:
        return None
    facts = {"expected_fen": expected_fen, "actual_fen": current_fen}
    return Refusal("figure_changed", "as_seen", facts)


def _not_free(free_fen: int, wanted_fen: int) -> Refusal:
    return Refusal("not_free", "free_money", {"free_fen": free_fen, "wanted_fen": wanted_fen})
