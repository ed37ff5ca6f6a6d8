"""A small launched campaign for the tests, and the acts on its money that Mei proposes."""

from datetime import datetime

import pytest

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import NOON
from vouchers.models import Campaign, Proposal
from vouchers.queries.ledger.balances import balances
from vouchers.services.campaigns import proposals
from vouchers.services.ledger import funding
from vouchers.states import AccountKind

BUDGET_FEN = 100_000
FACE_FEN = 2_000
OFF20 = {"off20": (FACE_FEN, 10_000)}


def small_campaign(**options: object) -> Campaign:
    """¥1,000 of the city's for vouchers of ¥20."""
    given = {"budget_fen": BUDGET_FEN, "tiers": OFF20, "limits": {}, **options}
    return cast.running_campaign(**given)  # type: ignore[arg-type]


def fen(campaign: Campaign, kind: AccountKind, source: str = "city") -> int:
    return balances(campaign.pk)[source][kind]


def cut(campaign: Campaign, *, to_fen: int) -> None:
    cast.topped_up(campaign, to_fen=to_fen)


def repay(
    campaign: Campaign,
    *,
    amount_fen: int,
    expected_free_fen: int | None = None,
    document_no: str = "R-2026-1",
    at: datetime = NOON,
) -> Proposal:
    """Mei wants left-over of the city's returned."""
    free_fen = fen(campaign, AccountKind.FREE)
    return proposals.propose_repayment(
        source=campaign.sources.get(code="city"),
        expected_free_fen=free_fen if expected_free_fen is None else expected_free_fen,
        amount_fen=amount_fen,
        document_no=document_no,
        why="left over",
        request_id=f"{document_no}-{amount_fen}",
        by=cast.mei(),
        at=at,
    )


def cash(campaign: Campaign, amount_fen: int) -> None:
    funding.receive_cash(
        source=campaign.sources.get(code="city"),
        amount_fen=amount_fen,
        document_no="C-1",
        request_id=f"cash-{amount_fen}",
        by=cast.mei(),
        at=NOON,
    )


def refused_code(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.refusal.code
