"""How many people have to approve something: more, the more money it moves. Pure.

The thresholds stand in one setting, HUIMIN_APPROVERS. How many are needed is written down with what
they decide on, so that a change of the setting does not touch what waits already.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from merchants.errors import Refusal
from vouchers.states import ProposalKind


def signatures_needed(amount_fen: int, *, from_fen: Sequence[int]) -> int:
    """One, and one more for each threshold that the amount reaches; `from_fen` is in order."""
    return 1 + sum(amount_fen >= threshold_fen for threshold_fen in from_fen)


def terms_fen(document: Mapping[str, Any]) -> int:
    """What a campaign's terms promise at most: all that its sources appropriate."""
    return sum(source["appropriated_fen"] for source in document["sources"])


def proposal_fen(kind: ProposalKind, document: Mapping[str, Any], *, campaign_fen: int) -> int:
    """How much money a proposal moves. Where that is not said in the document (more vouchers of a
    cell that caps no money, risk rules), all of the campaign's, `campaign_fen`."""
    if kind == ProposalKind.APPROPRIATION:
        return abs(int(document["target_fen"]) - int(document["expected_fen"]))
    if kind == ProposalKind.REPAYMENT:
        return int(document["amount_fen"])
    if kind == ProposalKind.QUOTAS:
        return min(campaign_fen, sum(_moved_fen(it, campaign_fen) for it in document["changes"]))
    return campaign_fen


def _moved_fen(change: Mapping[str, Any], campaign_fen: int) -> int:
    expected, target = change["expected"], change["target"]
    if expected["fen"] is None or target["fen"] is None or expected["fen"] == target["fen"]:
        return campaign_fen
    return max(0, int(target["fen"]) - int(expected["fen"]))


def may_sign(*, signers: Iterable[int], approver_id: int) -> Refusal | None:
    """Whether a person may sign: a second signature by the same person is refused."""
    if approver_id in signers:
        return Refusal("already_decided", "one_decision")
    return None
