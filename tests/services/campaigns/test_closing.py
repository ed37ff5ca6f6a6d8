"""Left-over goes back to the treasury; a campaign is settled, closed, and still tidied up after."""

from datetime import datetime

import pytest

from merchants.errors import Refused
from tests.support import cast
from tests.support.budgets import (
    BUDGET_FEN,
    FACE_FEN,
    cash,
    cut,
    fen,
    refused_code,
    repay,
    small_campaign,
)
from tests.support.cast import DAY, NOON
from tests.support.concurrency.invariants import assert_proven
from tests.support.distribution import crowd, distribute
from tests.support.refunds import DISCOUNT_FEN, bought, refund_of, settled
from tests.support.till import answer_to, issue_vouchers, order
from vouchers.models import Campaign, Redemption, Settlement
from vouchers.queries.settlement import source_payouts
from vouchers.rules.limits.limits import business_day
from vouchers.services.campaigns import lifecycle
from vouchers.services.issuing.expiry import expire_due
from vouchers.services.ledger import funding
from vouchers.services.settlement import days
from vouchers.services.settlement.collection import collect
from vouchers.states import AccountKind, CampaignState, RefundPolicy

pytestmark = pytest.mark.django_db


def test_left_over_is_repaid_with_its_document() -> None:
    campaign = small_campaign()
    cash(campaign, BUDGET_FEN)
    proposal = repay(campaign, amount_fen=30_000)
    assert proposal.document["document_no"] == "R-2026-1"
    cast.approved(proposal)
    assert fen(campaign, AccountKind.REPAID) == 30_000
    assert fen(campaign, AccountKind.FREE) == BUDGET_FEN - 30_000
    issue_vouchers(campaign, [cast.alice()] * 34)
    crowd(2)
    run = distribute(campaign)
    assert run.selection["vouchers"] == 1
    assert run.selection["tiers"]["off20"]["passed_over"]["quota"] == 1
    assert_proven()


def test_no_more_is_repaid_than_is_free_or_has_arrived() -> None:
    campaign = small_campaign()
    issue_vouchers(campaign, [cast.alice()] * 10)
    cash(campaign, 50_000)
    with pytest.raises(Refused) as refused:
        repay(campaign, amount_fen=80_001)
    assert refused_code(refused) == "not_free"
    with pytest.raises(Refused) as refused:
        repay(campaign, amount_fen=50_001)
    assert refused_code(refused) == "cash_not_received"
    cast.approved(repay(campaign, amount_fen=50_000))
    with pytest.raises(Refused) as refused:
        repay(campaign, amount_fen=1)
    assert refused_code(refused) == "cash_not_received"
    assert refused.value.refusal.facts == {"missing_fen": 1}


def test_what_is_free_must_be_as_it_was_seen() -> None:
    campaign = small_campaign()
    cash(campaign, BUDGET_FEN)
    proposal = repay(campaign, amount_fen=1_000)
    issue_vouchers(campaign, [cast.alice()])
    with pytest.raises(Refused) as refused:
        cast.approved(proposal)
    assert refused_code(refused) == "figure_changed"
    assert fen(campaign, AccountKind.REPAID) == 0


def test_cash_that_merchants_are_owed_is_not_repaid() -> None:
    campaign = small_campaign()
    cash(campaign, 10_000)
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    status, _ = answer_to(order(voucher, cast.nanjing_road(), cast.alice()))
    assert status == 201
    source, day = campaign.sources.get(code="city"), business_day(NOON, campaign.zone)
    for is_settled in (False, True):
        if is_settled:
            settled(campaign, day, NOON, is_paid=False)
        with pytest.raises(Refused) as refused:
            repay(campaign, amount_fen=10_000 - FACE_FEN + 1)
        assert refused_code(refused) == "cash_not_received"
        assert refused.value.refusal.facts == {"missing_fen": 1}
    cast.approved(repay(campaign, amount_fen=10_000 - FACE_FEN))
    assert funding.cash_on_hand_fen(source) == FACE_FEN
    (shown,) = source_payouts(campaign.pk)
    assert (shown.cash_fen, shown.waiting_fen, shown.missing_fen) == (FACE_FEN, FACE_FEN, 0)
    days.settle_and_pay_day(campaign=campaign, business_day=day, at=NOON)
    assert Settlement.objects.get().state == "paid"
    assert funding.cash_on_hand_fen(source) == 0


def test_a_merchant_who_waits_for_cash_is_paid_before_the_books_close_whatever_was_refunded() -> (
    None
):
    """Else a debt is paid back for money that never came."""
    campaign, by = cast.launched(_of_one_voucher()), cast.mei()
    redemption, day = bought(campaign), business_day(NOON, campaign.zone)
    settled(campaign, day, NOON, is_paid=False)
    refund_of(redemption, at=NOON)
    lifecycle.end(campaign=campaign, by=by, at=NOON)
    with pytest.raises(Refused) as refused:
        lifecycle.settle(campaign=campaign, by=by, at=NOON)
    assert (refused_code(refused), refused.value.refusal.rule) == (
        "money_under_way",
        "settlements_unpaid",
    )
    assert refused.value.refusal.facts == {"settlements": 1, "amount_fen": DISCOUNT_FEN}
    collected(campaign, redemption)
    (shown,) = source_payouts(campaign.pk)
    assert (shown.cash_fen, shown.missing_fen) == (DISCOUNT_FEN, 0)
    with pytest.raises(Refused) as refused:
        repay(campaign, amount_fen=DISCOUNT_FEN)
    assert refused.value.refusal.facts == {"missing_fen": DISCOUNT_FEN}
    days.settle_and_pay_day(campaign=campaign, business_day=day, at=NOON)
    assert Settlement.objects.get().state == "paid"
    lifecycle.settle(campaign=campaign, by=by, at=NOON)
    assert_proven()


def test_books_are_not_closed_over_a_sources_cash() -> None:
    """A cut takes what never came; what came is repaid."""
    campaign, by = small_campaign(), cast.mei()
    cash(campaign, BUDGET_FEN)
    cut(campaign, to_fen=0)
    lifecycle.end(campaign=campaign, by=by, at=NOON)
    lifecycle.settle(campaign=campaign, by=by, at=NOON)
    with pytest.raises(Refused) as refused:
        lifecycle.close(campaign=campaign, document_no="Z-1", by=by, at=NOON)
    assert (refused_code(refused), refused.value.refusal.rule) == ("left_over", "cash_on_hand")
    assert refused.value.refusal.facts == {"source": "city", "amount_fen": BUDGET_FEN}
    cut(campaign, to_fen=BUDGET_FEN)
    cast.approved(repay(campaign, amount_fen=BUDGET_FEN))
    lifecycle.close(campaign=campaign, document_no="Z-1", by=by, at=NOON)
    with pytest.raises(Refused) as refused:
        cash(campaign, 1)
    assert refused_code(refused) == "campaign_state"
    assert funding.cash_on_hand_fen(campaign.sources.get()) == 0
    assert_proven()


def test_a_campaign_is_settled_when_no_merchant_waits_for_money_and_closed_when_none_is_left() -> (
    None
):
    campaign = small_campaign()
    cash(campaign, 10 * FACE_FEN)
    first, _ = issue_vouchers(campaign, [cast.alice()] * 2, valid_until_at=NOON + DAY)
    status, _ = answer_to(order(first, cast.nanjing_road(), cast.alice()))
    assert status == 201
    by = cast.mei()
    with pytest.raises(Refused) as refused:
        lifecycle.settle(campaign=campaign, by=by, at=NOON)
    assert refused_code(refused) == "campaign_state"
    lifecycle.end(campaign=campaign, by=by, at=NOON)

    def cannot_settle_for(account: AccountKind) -> None:
        with pytest.raises(Refused) as refused:
            lifecycle.settle(campaign=campaign, by=by, at=NOON)
        assert (refused_code(refused), refused.value.refusal.facts["account"]) == (
            "money_under_way",
            account.value,
        )

    cannot_settle_for(AccountKind.OUTSTANDING)
    expire_due(at=NOON + DAY)
    cannot_settle_for(AccountKind.PAYABLE)
    days.settle_and_pay_day(
        campaign=campaign, business_day=business_day(NOON, campaign.zone), at=NOON
    )
    assert Settlement.objects.get().state == "paid"
    lifecycle.settle(campaign=campaign, by=by, at=NOON)
    with pytest.raises(Refused) as refused:
        lifecycle.close(campaign=campaign, document_no="Z-1", by=by, at=NOON)
    assert refused_code(refused) == "left_over"
    cast.approved(repay(campaign, amount_fen=9 * FACE_FEN))
    # The rest was appropriated and never sent.
    cut(campaign, to_fen=10 * FACE_FEN)
    with pytest.raises(Refused) as refused:
        lifecycle.close(campaign=campaign, document_no=" ", by=by, at=NOON)
    assert refused_code(refused) == "document_no_missing"
    lifecycle.close(campaign=campaign, document_no="Z-1", by=by, at=NOON)
    closed = Campaign.objects.get()
    assert (closed.state, closed.closing_document_no) == (CampaignState.CLOSED, "Z-1")
    with pytest.raises(Refused) as refused:
        cut(campaign, to_fen=20 * FACE_FEN)
    assert refused_code(refused) == "campaign_state"
    assert_proven()


def _of_one_voucher() -> Campaign:
    """A draft with the money of one voucher, which a refund forfeits."""
    draft = cast.spring_campaign(
        budget_fen=DISCOUNT_FEN, tiers={"off50": (DISCOUNT_FEN, 20_000)}, limits={}
    )
    Campaign.objects.filter(pk=draft.pk).update(refund_policy=RefundPolicy.FORFEIT)
    draft.refresh_from_db()
    return draft


def collected(campaign: Campaign, redemption: Redemption, *, at: datetime = NOON) -> None:
    """The merchant pays its whole discount back."""
    collect(
        campaign=campaign,
        merchant=redemption.merchant,
        source=campaign.sources.get(),
        amount_fen=DISCOUNT_FEN,
        document_no="B-1",
        request_id="back",
        by=cast.mei(),
        at=at,
    )


def test_money_refunded_after_the_closing_is_collected_and_repaid() -> None:
    campaign, by = cast.launched(_of_one_voucher()), cast.mei()
    cash(campaign, DISCOUNT_FEN)
    redemption = bought(campaign)
    settled(campaign, business_day(NOON, campaign.zone), NOON, is_paid=True)
    lifecycle.end(campaign=campaign, by=by, at=NOON)
    lifecycle.settle(campaign=campaign, by=by, at=NOON)
    lifecycle.close(campaign=campaign, document_no="Z-1", by=by, at=NOON)
    later = NOON + 300 * DAY
    refund_of(redemption, at=later)
    assert fen(campaign, AccountKind.RECOVERABLE) == DISCOUNT_FEN
    collected(campaign, redemption, at=later)
    cast.approved(repay(campaign, amount_fen=DISCOUNT_FEN, at=later), at=later)
    assert fen(campaign, AccountKind.REPAID) == DISCOUNT_FEN
    assert funding.cash_on_hand_fen(campaign.sources.get()) == 0
    assert_proven()
