"""Bad input of those who run campaigns: each a refusal with its own code, and nothing changed."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from django.db import transaction

from merchants.errors import Refused
from tests.support import cast, draft_rows
from tests.support.cast import DAY, NOON
from tests.support.till import issue_vouchers
from tests.support.whole_database import nothing_changes
from vouchers.errors import CATALOGUE
from vouchers.models import Campaign, Proposal, QuotaCell, TermsVersion
from vouchers.rules.ledger.amounts import MOST_FEN
from vouchers.services.campaigns import amendments, lifecycle, proposals, terms
from vouchers.services.ledger import funding
from vouchers.states import LimitKind

Act = Callable[["Office"], object]

pytestmark = pytest.mark.django_db

BUDGET_FEN = 500_000_000


class Office(NamedTuple):
    """What lies on the desks: a draft, terms submitted, a campaign that runs, a proposal."""

    draft: Campaign
    submitted: TermsVersion
    running: Campaign
    cell: QuotaCell
    proposal: Proposal
    amendment: TermsVersion

    def both(self) -> Any:
        """Mei with Li's role as well."""
        user = cast.mei()
        user = cast.grant(user, "approver")
        return type(user).objects.get(pk=user.pk)


@pytest.fixture
def office() -> Office:
    waiting = cast.spring_campaign(code="waiting")
    running = cast.running_campaign(code="running", tier_counts={"off20": 10})
    issue_vouchers(running, [cast.alice()] * 4)
    made = Office(
        draft=cast.spring_campaign(code="draft", tier_counts={"off20": 10}),
        submitted=lifecycle.submit(campaign=waiting, by=cast.mei(), at=NOON),
        running=running,
        cell=running.cells.get(tier__code="off20"),
        proposal=proposals.propose_appropriation(
            source=running.sources.get(),
            expected_fen=BUDGET_FEN,
            target_fen=BUDGET_FEN + 1,
            why="more",
            request_id="waiting",
            by=cast.mei(),
            at=NOON,
        ),
        amendment=amendments.propose_amendment(
            campaign=running, validity_s=15 * 24 * 3600, by=cast.mei(), at=NOON
        ),
    )
    cast.li()
    made.both()
    return made


def cash(
    office: Office, amount_fen: Any = 1, currency: str = "CNY", document_no: str = "C-1"
) -> None:
    funding.receive_cash(
        source=office.running.sources.get(),
        amount_fen=amount_fen,
        currency=currency,
        document_no=document_no,
        request_id="cash",
        by=cast.mei(),
        at=NOON,
    )


def draft_figure(office: Office, target_fen: Any) -> None:
    terms.set_appropriation(
        source=office.draft.sources.get(),
        expected_fen=BUDGET_FEN,
        target_fen=target_fen,
        by=cast.mei(),
        at=NOON,
    )


def figure(
    office: Office, target_fen: Any, *, expected_fen: Any = BUDGET_FEN, why: str = "w"
) -> None:
    proposals.propose_appropriation(
        source=office.running.sources.get(),
        expected_fen=expected_fen,
        target_fen=target_fen,
        why=why,
        request_id="figure",
        by=cast.mei(),
        at=NOON,
    )


def repay(office: Office, amount_fen: Any, *, document_no: str = "D-1") -> None:
    proposals.propose_repayment(
        source=office.running.sources.get(),
        expected_free_fen=BUDGET_FEN - 4 * 2_000,
        amount_fen=amount_fen,
        document_no=document_no,
        why="w",
        request_id="repay",
        by=cast.mei(),
        at=NOON,
    )


def count(office: Office, target: Any, *, expected: Any = 10, cell: Any = None) -> None:
    proposals.propose_quotas(
        campaign=office.running,
        changes=[
            {
                "cell": cell or office.cell.pk,
                "expected": {"fen": None, "count": expected},
                "target": {"fen": None, "count": target},
            }
        ],
        why="w",
        request_id="quotas",
        by=cast.mei(),
        at=NOON,
    )


def tier(office: Office, **change: Any) -> None:
    given = {"face_fen": 100, "threshold_fen": 200, "split": {"city": 100}, **change}
    terms.add_tier(campaign=office.draft, code="t", name="t", by=cast.mei(), at=NOON, **given)


def cell(office: Office, **change: Any) -> None:
    draft_rows.add("cells", campaign=office.draft, by=cast.mei(), at=NOON, **change)


def submit_with(edit: Callable[[Campaign], object]) -> Act:
    """Submits the draft after an edit; the edit itself is undone with the submission."""

    def act(office: Office) -> None:
        with transaction.atomic():
            edit(office.draft)
            lifecycle.submit(campaign=office.draft, by=cast.mei(), at=NOON)

    return act


def round_of(campaign: Campaign, number: int, opens_days: int, closes_days: int) -> None:
    draft_rows.add(
        "rounds",
        campaign=campaign,
        number=number,
        opens_at=campaign.starts_at + opens_days * DAY,
        closes_at=campaign.starts_at + closes_days * DAY,
        by=cast.mei(),
        at=NOON,
    )


def rounds_that_overlap(campaign: Campaign) -> None:
    round_of(campaign, 1, 0, 3)
    round_of(campaign, 2, 2, 4)


def cell_larger_than_its_tier(campaign: Campaign) -> None:
    draft_rows.add(
        "cells",
        campaign=campaign,
        tier=campaign.tiers.get(code="off20"),
        district=cast.district(),
        cap_count=11,
        by=cast.mei(),
        at=NOON,
    )


def amend(office: Office, **change: Any) -> None:
    amendments.propose_amendment(campaign=office.running, by=cast.mei(), at=NOON, **change)


def approve(office: Office, by: Any, seen_sha256: bytes | None = None) -> None:
    version = office.submitted
    lifecycle.approve(
        terms=version, by=by, seen_sha256=seen_sha256 or bytes(version.sha256), at=NOON
    )


def approve_amendment(office: Office, by: Any, seen_sha256: bytes | None = None) -> None:
    version = office.amendment
    amendments.approve_amendment(
        terms=version, by=by, seen_sha256=seen_sha256 or bytes(version.sha256), at=NOON
    )


def approve_proposal(office: Office, by: Any, seen_sha256: bytes | None = None) -> None:
    proposal = office.proposal
    proposals.approve_proposal(
        proposal=proposal, by=by, seen_sha256=seen_sha256 or bytes(proposal.sha256), at=NOON
    )


OTHER = bytes(32)
AMOUNTS = (
    (0, "amount_not_positive"),
    (-1, "amount_not_positive"),
    (1.5, "amount_not_whole"),
    (Decimal("1.00"), "amount_not_whole"),
    ("100", "amount_not_whole"),
    (True, "amount_not_whole"),
    (MOST_FEN + 1, "amount_too_large"),
    (2**63, "amount_too_large"),
)
FIGURES = tuple(item for item in AMOUNTS if item[0] != 0)

CASES: list[tuple[str, Act, str]] = [
    *((f"cash {amount!r}", lambda o, a=amount: cash(o, a), code) for amount, code in AMOUNTS),
    *((f"repay {amount!r}", lambda o, a=amount: repay(o, a), code) for amount, code in AMOUNTS),
    *(
        (f"face {amount!r}", lambda o, a=amount: tier(o, face_fen=a), code)
        for amount, code in AMOUNTS
    ),
    *((f"figure {amount!r}", lambda o, a=amount: figure(o, a), code) for amount, code in FIGURES),
    *(
        (f"draft {amount!r}", lambda o, a=amount: draft_figure(o, a), code)
        for amount, code in FIGURES
    ),
    *(
        (f"cap {amount!r}", lambda o, a=amount: cell(o, cap_fen=a), code)
        for amount, code in FIGURES
    ),
    *((f"move {amount!r}", lambda o, a=amount: count(o, a), code) for amount, code in FIGURES),
    ("a share of nothing", lambda o: tier(o, split={"city": 0}), "amount_not_positive"),
    (
        "a limit below zero",
        lambda o: draft_rows.add(
            "limits",
            campaign=o.draft,
            kind=LimitKind.MERCHANT_DAY,
            limit_fen=-1,
            by=cast.mei(),
            at=NOON,
        ),
        "amount_not_positive",
    ),
    ("cash in dollars", lambda o: cash(o, currency="USD"), "currency_mismatch"),
    ("a figure seen otherwise", lambda o: figure(o, 1, expected_fen=7), "figure_changed"),
    ("a figure without a reason", lambda o: figure(o, 1, why=" "), "why_missing"),
    (
        "a figure with a novel for a reason",
        lambda o: figure(o, BUDGET_FEN + 9, why="x" * 501),
        "text_too_long",
    ),
    ("cash with a long document", lambda o: cash(o, document_no="x" * 61), "text_too_long"),
    ("a figure as it is", lambda o: figure(o, BUDGET_FEN), "nothing_to_change"),
    ("a cut of what is promised", lambda o: figure(o, 7_999), "not_free"),
    ("repaying more than is free", lambda o: repay(o, BUDGET_FEN), "not_free"),
    ("repaying what never came", lambda o: repay(o, 1), "cash_not_received"),
    ("repaying without a document", lambda o: repay(o, 1, document_no=" "), "document_no_missing"),
    ("a cap below use", lambda o: count(o, 3), "cap_below_use"),
    ("a cap seen otherwise", lambda o: count(o, 9, expected=11), "figure_changed"),
    ("a cap made unlimited", lambda o: count(o, None), "cap_unlimited"),
    ("a cap of nowhere", lambda o: count(o, 9, cell=10**9), "cell_unknown"),
    ("a cell larger than its tier", submit_with(cell_larger_than_its_tier), "cells_do_not_nest"),
    ("rounds that overlap", submit_with(rounds_that_overlap), "dates_cross"),
    ("a round after the end", submit_with(lambda c: round_of(c, 1, 0, 99)), "dates_cross"),
    ("a round that closes first", lambda o: round_of(o.draft, 1, 3, 2), "dates_cross"),
    (
        "a campaign that ends first",
        lambda o: cast.spring_campaign(code="backwards", ends_at=NOON - 16 * DAY),
        "dates_cross",
    ),
    ("an earlier end", lambda o: amend(o, ends_at=NOON + DAY), "amendment_worsens"),
    ("a shorter validity", lambda o: amend(o, validity_s=60), "amendment_worsens"),
    ("no amendment at all", lambda o: amend(o), "nothing_to_change"),
    ("own terms approved", lambda o: approve(o, cast.mei()), "approver_edited"),
    ("other terms approved", lambda o: approve(o, cast.li(), OTHER), "terms_not_as_seen"),
    ("own amendment approved", lambda o: approve_amendment(o, cast.mei()), "approver_edited"),
    (
        "other amendment approved",
        lambda o: approve_amendment(o, cast.li(), OTHER),
        "terms_not_as_seen",
    ),
    ("own proposal approved", lambda o: approve_proposal(o, cast.mei()), "approver_proposed"),
    (
        "other proposal approved",
        lambda o: approve_proposal(o, cast.li(), OTHER),
        "proposal_not_as_seen",
    ),
    (
        "closed before settled",
        lambda o: lifecycle.close(campaign=o.running, document_no="Z", by=cast.mei(), at=NOON),
        "campaign_state",
    ),
]


def test_bad_input_is_refused_by_its_code_and_changes_nothing(office: Office) -> None:
    """One office for all, since none of them leaves a trace."""
    for name, act, code in CASES:
        with nothing_changes(), pytest.raises(Refused) as refused:
            act(office)
        assert refused.value.refusal.code == code, name
        assert code in CATALOGUE, name


def test_the_same_acts_with_sound_input_are_done(office: Office) -> None:
    """What the cases spoil is otherwise good."""
    cash(office)
    figure(office, BUDGET_FEN + 1)
    draft_figure(office, BUDGET_FEN + 1)
    repay(office, 1)
    count(office, 9)
    tier(office)
    cell(office, district=cast.district(), cap_fen=1)
    amend(office, ends_at=office.running.ends_at + timedelta(days=1))
    approve(office, cast.li())
    approve_proposal(office, cast.li())
