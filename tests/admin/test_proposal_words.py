"""Proposals in words: names that people know, figures with their units, no word of a program."""

from typing import Any

import pytest
from django.utils import translation

from tests.support import cast
from vouchers.admin.campaigns.proposal_words import proposal_lines
from vouchers.models import Campaign, Proposal
from vouchers.states import ProposalKind

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def campaign(rows_of_module: None) -> Campaign:
    return cast.spring_campaign()


REPAID = "Back to the treasury from 市财政: ¥0.08 of the ¥0.09 that are free, under document no. 7"
RESIZED = "Quota for tier “满100减20”: money from ¥1.00 to unlimited, from unlimited to 1 voucher"
CHANGE: dict[str, Any] = {
    "slice": {"tier": "off20"},
    "expected": {"fen": 100, "count": None},
    "target": {"fen": None, "count": 1},
}


@pytest.mark.parametrize(
    ("kind", "document", "english", "chinese"),
    [
        (
            ProposalKind.APPROPRIATION,
            {"source": "city", "expected_fen": 500, "target_fen": 1_500},
            "市财政 appropriates in all: ¥5.00 → ¥15.00 (¥10.00 more)",
            "市财政批复总额：¥5.00 → ¥15.00（增加 ¥10.00）",
        ),
        (
            ProposalKind.APPROPRIATION,
            {"source": "city", "expected_fen": 500, "target_fen": 0},
            "市财政 appropriates in all: ¥5.00 → ¥0.00 (¥5.00 less)",
            "市财政批复总额：¥5.00 → ¥0.00（减少 ¥5.00）",
        ),
        (
            ProposalKind.REPAYMENT,
            {"source": "city", "expected_free_fen": 9, "amount_fen": 8, "document_no": "7"},
            REPAID,
            "市财政缴回国库：可用的 ¥0.09 中的 ¥0.08，文号 7",
        ),
        (
            ProposalKind.QUOTAS,
            {"changes": [CHANGE]},
            RESIZED,
            "券种“满100减20”的配额：金额由 ¥1.00 改为 不限，由 不限 改为 1 张",
        ),
    ],
)
def test_a_proposal_says_what_would_change(
    campaign: Campaign, kind: ProposalKind, document: dict[str, Any], english: str, chinese: str
) -> None:
    proposal = Proposal(campaign=campaign, kind=kind.value, document=document)
    with translation.override("en"):
        assert [": ".join(line) for line in proposal_lines(proposal)] == [english]
    with translation.override("zh-hans"):
        assert ["：".join(line) for line in proposal_lines(proposal)] == [chinese]
