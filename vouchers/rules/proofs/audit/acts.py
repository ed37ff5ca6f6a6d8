"""Postings of single acts compared with their rows and documents. Pure.

Distribution (runs, shards, tranches), appropriations, proposals. Redemptions and settlements are
too many to be judged one by one here; their postings are checked by statements.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from vouchers.rules.proofs.audit.facts import WHOLE, Books, Row, Slot, Split
from vouchers.states import (
    Cause,
    Decision,
    ProposalKind,
    RunState,
    ShardState,
    TrancheState,
    TransferReason,
)

Act = tuple[str, str, int]
"""(reason, cause, cause id)."""

Cap = tuple[int | None, int | None]
"""Fen and vouchers of a quota cell; None is unlimited."""

Slots = Mapping[Slot, int]

DISTRIBUTION: Final = frozenset(
    {TransferReason.RESERVE, TransferReason.MINT, TransferReason.RELEASE, TransferReason.CLAIM}
)


class Proposed(NamedTuple):
    """A proposal and what was decided about it; None while undecided. `signers` approved before
    the one who decided."""

    id: int
    campaign_id: int
    kind: str
    document: Mapping[str, Any]
    sha256: bytes
    proposed_by: int
    signatures_needed: int
    signers: Sequence[int]
    decided_by: int | None
    decision: str | None
    seen_sha256: bytes | None


class Terms(NamedTuple):
    """A version of the terms; `amends` is the version it widens."""

    id: int
    campaign_id: int
    document: Mapping[str, Any]
    sha256: bytes
    amends: int | None


def document_sha256(document: Any) -> bytes:
    """SHA-256 of the canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def distribution_posted(books: Books) -> Iterator[Row]:
    """Runs reserved, shards minted or released, and claims posted, exactly the faces of their
    vouchers, once."""
    posted: dict[Act, dict[Slot, int]] = defaultdict(dict)
    for item in books.posted:
        if item.reason in DISTRIBUTION:
            slot = (item.campaign_id, item.source_id, item.allocation_id)
            posted[item.reason, item.cause, item.cause_id][slot] = item.fen
    wanted = _distributed(books)
    for act in sorted(posted.keys() | wanted.keys()):
        booked, rows = posted.get(act, {}), wanted.get(act, {})
        for slot in booked.keys() | rows.keys():
            if booked.get(slot, 0) != rows.get(slot, 0):
                campaign_id, source_id, allocation_id = slot
                yield {
                    "reason": act[0],
                    "cause": act[1],
                    "cause_no": act[2],
                    "campaign": campaign_id,
                    "source": source_id,
                    "allocation": allocation_id,
                    "posted_fen": booked.get(slot, 0),
                    "rows_fen": rows.get(slot, 0),
                }


def _distributed(books: Books) -> Mapping[Act, Mapping[Slot, int]]:
    """What should have been posted, from the vouchers there are and those that wait."""
    wanted: dict[Act, dict[Slot, int]] = defaultdict(lambda: defaultdict(int))
    minted: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for item in books.vouchers:
        minted[item.tranche_id][item.allocation_id] += item.size
    runs = {shard.id: shard.run_id for shard in books.shards}

    def add(reason: TransferReason, cause: Cause, cause_id: int | None, face_sums: Slots) -> None:
        for slot, fen in face_sums.items():
            wanted[reason, cause, cause_id or 0][slot] += fen

    for tranche in books.tranches:
        face_sums = _face_sums(tranche.campaign_id, tranche.split, minted[tranche.id].items())
        if tranche.shard_id is None:
            add(TransferReason.CLAIM, Cause.TRANCHE, tranche.id, face_sums)
            continue
        add(TransferReason.RESERVE, Cause.RUN, runs.get(tranche.shard_id), face_sums)
        add(TransferReason.MINT, Cause.SHARD, tranche.shard_id, face_sums)
    for shard in books.shards:
        if shard.state != ShardState.DONE:
            face_sums = _face_sums(shard.campaign_id, shard.split, shard.sizes)
            add(TransferReason.RESERVE, Cause.RUN, shard.run_id, face_sums)
            if shard.run_state in {RunState.DONE, RunState.CANCELLED}:
                add(TransferReason.RELEASE, Cause.SHARD, shard.id, face_sums)
    return wanted


def _face_sums(campaign_id: int, split: Split, sizes: Any) -> Slots:
    return {
        (campaign_id, source_id, allocation_id): fen * size
        for allocation_id, size in sizes
        for source_id, fen in split
        if fen and size
    }


def expired_once(books: Books) -> Iterator[Row]:
    """Only tranches that have expired gave money back, once for each of their allocations."""
    expired = {item.id for item in books.tranches if item.state == TrancheState.EXPIRED}
    for item in books.posted:
        if item.reason != TransferReason.EXPIRE:
            continue
        if item.cause_id not in expired or item.transfers != 1:
            yield {
                "tranche": item.cause_id,
                "source": item.source_id,
                "allocation": item.allocation_id,
                "transfers": item.transfers,
                "fen": item.fen,
            }


def sources_own(books: Books) -> Iterator[Row]:
    """What was appropriated or cut in a draft is on the accounts of the source it names."""
    for item in books.posted:
        if item.cause == Cause.SOURCE and item.cause_id != item.source_id:
            yield {"cause_no": item.cause_id, "source": item.source_id, "fen": item.fen}


def proposals_decided(proposals: Sequence[Proposed]) -> Iterator[Row]:
    """What was decided was decided by another person, on the document that is there."""
    for item in proposals:
        why = _undecidable(item)
        if why:
            yield {"proposal": item.id, "campaign": item.campaign_id, "why": why}


def _undecidable(item: Proposed) -> str | None:
    if document_sha256(item.document) != item.sha256:
        return "the document has another hash"
    if item.decision is None:
        return None
    if item.proposed_by in {item.decided_by, *item.signers}:
        return "decided by its author"
    if item.decision == Decision.APPROVED and (
        len({item.decided_by, *item.signers}) < item.signatures_needed
    ):
        return "approved by too few"
    if item.seen_sha256 != item.sha256:
        return "decided on another document"
    return None


def proposals_done(books: Books, proposals: Sequence[Proposed]) -> Iterator[Row]:
    """Approved proposals posted exactly the amounts of their documents; the others posted
    nothing."""
    codes = {(source.campaign_id, source.code): source.id for source in books.sources}
    wanted: dict[tuple[int, str, int | None], int] = {}
    for item in proposals:
        if item.decision == Decision.APPROVED:
            wanted.update(_moves(item, codes))
    posted: dict[tuple[int, str, int | None], int] = defaultdict(int)
    for act in books.posted:
        if act.cause == Cause.PROPOSAL:
            posted[act.cause_id, act.reason, act.source_id] += act.fen
    for key in sorted(wanted.keys() | posted.keys(), key=str):
        if wanted.get(key, 0) != posted.get(key, 0):
            proposal_id, reason, source_id = key
            yield {
                "proposal": proposal_id,
                "reason": reason,
                "source": source_id,
                "document_fen": wanted.get(key, 0),
                "posted_fen": posted.get(key, 0),
            }


def _moves(
    item: Proposed, codes: Mapping[tuple[int, str], int]
) -> dict[tuple[int, str, int | None], int]:
    """(proposal, reason, source) → fen that the document says; caps move no money."""
    source_id = codes.get((item.campaign_id, str(item.document.get("source"))))
    if item.kind == ProposalKind.REPAYMENT:
        return {(item.id, TransferReason.REPAY, source_id): item.document["amount_fen"]}
    if item.kind != ProposalKind.APPROPRIATION:
        return {}
    change_fen = item.document["target_fen"] - item.document["expected_fen"]
    reason = TransferReason.APPROPRIATE if change_fen > 0 else TransferReason.CUT
    return {(item.id, reason, source_id): abs(change_fen)}


def caps_approved(
    books: Books, proposals: Sequence[Proposed], approved: Mapping[int, Cap]
) -> Iterator[Row]:
    """Every cell has the caps approved last: by its campaign's terms (`approved`, by cell), by a
    proposal since, or, where it holds all of a source's money, with the appropriation."""
    said = dict(approved)
    figures = {source.id: source.appropriated_fen for source in books.sources}
    for item in proposals:
        if item.kind == ProposalKind.QUOTAS and item.decision == Decision.APPROVED:
            for change in item.document["changes"]:
                said[change["cell"]] = (change["target"]["fen"], change["target"]["count"])
    for cell in books.cells:
        if cell.id not in said:
            continue
        fen, count = said[cell.id]
        if cell.source_id is not None and cell.slice == WHOLE:
            fen = figures.get(cell.source_id)
        if (fen, count) != (cell.cap_fen, cell.cap_count):
            yield {
                "campaign": cell.campaign_id,
                "cell": cell.id,
                "cap_fen": cell.cap_fen,
                "approved_fen": fen,
                "cap_count": cell.cap_count,
                "approved_count": count,
            }


LATER: Final = ("ends_at", "validity_s")
"""Fields of a campaign that an amendment may only raise."""
HIGHER: Final = ("limit_count", "limit_fen")
"""Figures of a limit that an amendment may only raise, or take away."""


def terms_hashed(versions: Sequence[Terms]) -> Iterator[Row]:
    """Each version's document has the hash that was approved."""
    for version in versions:
        if document_sha256(version.document) != version.sha256:
            yield {"terms": version.id, "campaign": version.campaign_id}


def amendments_widen(versions: Sequence[Terms]) -> Iterator[Row]:
    """An amendment only widens: later ends, higher limits, more stores, all else equal."""
    by_id = {version.id: version for version in versions}
    for version in versions:
        if version.amends is None:
            continue
        amended = by_id.get(version.amends)
        why = _worsens(amended and amended.document, version.document)
        if amended is None or amended.campaign_id != version.campaign_id or why:
            yield {
                "terms": version.id,
                "campaign": version.campaign_id,
                "amends": version.amends,
                "why": why or "terms of another campaign",
            }


def _worsens(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str | None:
    if before is None:
        return "no such terms"
    for name, value in before["campaign"].items():
        now = after["campaign"].get(name)
        if now != value and not (name in LATER and _is_later(now, value)):
            return str(name)
    for part in sorted((before.keys() | after.keys()) - {"campaign", "limits", "stores"}):
        if before.get(part) != after.get(part):
            return part
    if not _keeps_limits(before.get("limits", ()), after.get("limits", ())):
        return "limits"
    return None if _keeps_stores(before["stores"], after["stores"]) else "stores"


def _is_later(now: Any, before: Any) -> bool:
    if isinstance(before, str):
        return datetime.fromisoformat(now) > datetime.fromisoformat(before)
    return bool(now > before)


def _keeps_limits(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> bool:
    """The limits of before, in their order, none with a figure that is lower or new."""
    return len(before) == len(after) and all(map(_is_no_lower, before, after))


def _is_no_lower(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    for name in before.keys() | after.keys():
        was, now = before.get(name), after.get(name)
        if name not in HIGHER:
            if was != now:
                return False
        elif now is not None and (was is None or now < was):
            return False
    return True


def _keeps_stores(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> bool:
    """Every store of before stands among those of after, as it stood."""
    return all(store in after for store in before)
