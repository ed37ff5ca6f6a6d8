"""How many people have to approve, by the money that is moved."""

import pytest

from vouchers.rules.campaigns.approvals import (
    may_sign,
    proposal_fen,
    signatures_needed,
    terms_fen,
)
from vouchers.states import ProposalKind

WHOLE_FEN = 1_000_000


@pytest.mark.parametrize(
    ("amount_fen", "needed"), [(0, 1), (99, 1), (100, 2), (499, 2), (500, 3), (10**15, 3)]
)
def test_each_threshold_that_is_reached_asks_for_one_more(amount_fen: int, needed: int) -> None:
    assert signatures_needed(amount_fen, from_fen=(100, 500)) == needed


def test_without_thresholds_one_is_enough() -> None:
    assert signatures_needed(10**15, from_fen=()) == 1


def test_terms_move_what_all_their_sources_appropriate() -> None:
    sources = [{"appropriated_fen": 70}, {"appropriated_fen": 30}]
    assert terms_fen({"sources": sources}) == 100


def cap(fen: int | None, count: int | None) -> dict[str, int | None]:
    return {"fen": fen, "count": count}


@pytest.mark.parametrize(
    ("kind", "document", "moved_fen"),
    [
        (ProposalKind.APPROPRIATION, {"expected_fen": 500, "target_fen": 200}, 300),
        (ProposalKind.APPROPRIATION, {"expected_fen": 500, "target_fen": 900}, 400),
        (ProposalKind.REPAYMENT, {"amount_fen": 77}, 77),
        (
            ProposalKind.QUOTAS,
            {
                "changes": [
                    {"expected": cap(100, None), "target": cap(160, None)},
                    {"expected": cap(100, None), "target": cap(40, None)},
                ]
            },
            60,
        ),
        (
            ProposalKind.QUOTAS,
            {"changes": [{"expected": cap(None, 5), "target": cap(None, 6)}]},
            WHOLE_FEN,
        ),
        (ProposalKind.RISK_RULES, {"rules": []}, WHOLE_FEN),
    ],
)
def test_a_proposal_moves_what_it_says_and_all_where_it_does_not_say(
    kind: ProposalKind, document: dict[str, object], moved_fen: int
) -> None:
    assert proposal_fen(kind, document, campaign_fen=WHOLE_FEN) == moved_fen


def test_a_second_signature_by_one_person_is_refused() -> None:
    assert may_sign(signers=[1, 2], approver_id=3) is None
    refusal = may_sign(signers=[1, 2], approver_id=2)
    assert refusal is not None
    assert refusal.code == "already_decided"
