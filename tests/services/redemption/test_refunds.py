"""A refund returns each payer its own share, from wherever the money has got to by then."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction

from tests.support import cast
from tests.support.cast import NOON
from tests.support.refund_stages import (
    HOUR,
    LATER,
    NOTHING,
    STAGES,
    WHOLE,
    state_of,
    taken_to,
    voucher_of,
    with_policy,
)
from tests.support.refunds import (
    BUDGET_FEN,
    DISCOUNT_FEN,
    PAID_FEN,
    assert_ties,
    bought,
    campaign_with,
    fens,
    refund_of,
    total_fen,
)
from tests.support.till import answer_to, order
from vouchers.models import (
    Campaign,
    QuotaBucket,
    Redemption,
    Refund,
    Transfer,
)
from vouchers.services.issuing.expiry import expire_due, expire_tranche
from vouchers.states import (
    AccountKind,
    LimitKind,
    RedemptionState,
    RefundPolicy,
    VoucherState,
)

pytestmark = pytest.mark.django_db

Under = Callable[[RefundPolicy], Campaign]


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> dict[RefundPolicy, int]:
    """A campaign under each policy, by number; a hundred 满200减50 at most."""
    return {policy: with_policy(policy).pk for policy in RefundPolicy}


@pytest.fixture
def under(standing: dict[RefundPolicy, int]) -> Under:
    """The campaign under a policy."""
    return lambda policy: Campaign.objects.get(pk=standing[policy])


@pytest.fixture
def campaign(under: Under) -> Campaign:
    """Under it a whole refund gives the voucher back."""
    return under(RefundPolicy.RETURN)


@pytest.mark.parametrize("stage", STAGES)
def test_a_whole_refund_in_time_gives_the_voucher_back(stage: str, campaign: Campaign) -> None:
    redemption = bought(campaign)
    taken_to(stage, campaign, redemption)
    body = refund_of(redemption, refund_no="R-1", at=LATER)
    assert body == {
        "id": redemption.pk,
        "refund_no": "R-1",
        "amount_fen": PAID_FEN,
        "clawback_fen": DISCOUNT_FEN,
        "by_source": [{"source": "city", "fen": 3_000}, {"source": "group", "fen": 2_000}],
        "voucher_usable": True,
        "state": "refunded",
        "refunded_at": "2026-04-03T04:00:00Z",
    }
    assert (voucher_of(redemption), state_of(redemption)) == (
        VoucherState.ISSUED,
        RedemptionState.REFUNDED,
    )
    assert fens(campaign, AccountKind.OUTSTANDING) == WHOLE
    owes = WHOLE if stage in ("ready", "paid") else NOTHING
    assert fens(campaign, AccountKind.RECOVERABLE) == owes
    assert_ties(campaign)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("policy", [RefundPolicy.PRO_RATA, RefundPolicy.FORFEIT])
def test_under_other_policies_the_voucher_is_lost(
    stage: str, policy: RefundPolicy, under: Under
) -> None:
    campaign = under(policy)
    redemption = bought(campaign)
    taken_to(stage, campaign, redemption)
    body = refund_of(redemption, at=LATER)
    assert (body["voucher_usable"], body["state"]) == (False, "refunded")
    assert voucher_of(redemption) is VoucherState.WITHDRAWN
    is_settled = stage in ("ready", "paid")
    target = AccountKind.RECOVERABLE if is_settled else AccountKind.FREE
    before_fen = 0 if is_settled else BUDGET_FEN - DISCOUNT_FEN
    assert total_fen(campaign, target) == before_fen + DISCOUNT_FEN
    assert_ties(campaign)


@pytest.mark.parametrize("stage", STAGES)
def test_after_the_window_the_money_is_free_or_owed(stage: str, campaign: Campaign) -> None:
    redemption = bought(campaign, valid_until_at=NOON + HOUR)
    taken_to(stage, campaign, redemption)
    body = refund_of(redemption, at=LATER)
    assert (body["voucher_usable"], body["clawback_fen"]) == (False, DISCOUNT_FEN)
    assert voucher_of(redemption) is VoucherState.WITHDRAWN
    assert fens(campaign, AccountKind.OUTSTANDING) == NOTHING
    assert_ties(campaign)
    expire_due(at=LATER)
    assert_ties(campaign)


def test_a_voucher_given_back_can_be_used_and_refunded_again(campaign: Campaign) -> None:
    first = bought(campaign)
    refund_of(first)
    status, body = answer_to(order(first.voucher, cast.xujiahui(), cast.resident("alice")))
    assert status == 201
    second = Redemption.objects.get(pk=body["id"])
    assert_ties(campaign)
    refund_of(second)
    assert fens(campaign, AccountKind.OUTSTANDING) == WHOLE
    assert_ties(campaign)


def test_a_voucher_given_back_expires_like_any_other(campaign: Campaign) -> None:
    redemption = bought(campaign, valid_until_at=NOON + HOUR)
    refund_of(redemption)
    assert expire_tranche(tranche_id=redemption.voucher.tranche_id, at=NOON + HOUR) == 1
    assert total_fen(campaign, AccountKind.FREE) == BUDGET_FEN
    assert_ties(campaign)


def test_a_refund_after_expiry_frees_money_and_place(campaign: Campaign) -> None:
    redemption = bought(campaign, valid_until_at=NOON + HOUR)
    expire_tranche(tranche_id=redemption.voucher.tranche_id, at=NOON + HOUR)
    assert refund_of(redemption, at=LATER)["voucher_usable"] is False
    assert total_fen(campaign, AccountKind.FREE) == BUDGET_FEN
    assert_ties(campaign)


def test_a_voucher_given_back_after_its_payout_is_promised_out_of_free_money(
    campaign: Campaign,
) -> None:
    redemption = bought(campaign)
    taken_to("paid", campaign, redemption)
    refund_of(redemption, at=LATER)
    assert total_fen(campaign, AccountKind.FREE) == BUDGET_FEN - 2 * DISCOUNT_FEN
    assert Transfer.objects.get(reason="reissue").cause == "refund"


def test_without_free_money_the_voucher_does_not_come_back() -> None:
    """The whole budget is one face, and that is with the merchant."""
    campaign = campaign_with(
        RefundPolicy.RETURN,
        tiers={"off50": (5_000, 20_000)},
        tier_counts={"off50": 1},
        budget_fen=DISCOUNT_FEN,
    )
    redemption = bought(campaign)
    taken_to("paid", campaign, redemption)
    body = refund_of(redemption, at=LATER)
    assert (body["voucher_usable"], body["state"]) == (False, "refunded")
    assert voucher_of(redemption) is VoucherState.WITHDRAWN
    assert not Refund.objects.get().gives_voucher_back
    assert fens(campaign, AccountKind.RECOVERABLE) == WHOLE
    assert_ties(campaign)


def test_counters_lose_the_money_at_once_and_the_place_at_the_end(campaign: Campaign) -> None:
    redemption = bought(campaign)
    refund_of(redemption, 19_000)
    assert_ties(campaign)
    refund_of(redemption, 76_000)
    assert_ties(campaign)


def test_a_resident_at_the_limit_may_buy_again_after_a_whole_refund() -> None:
    campaign = campaign_with(RefundPolicy.RETURN, limits={LimitKind.RESIDENT_DAY: 1})
    first = bought(campaign)
    again = order(first.voucher, cast.nanjing_road(), cast.resident("alice"))
    refund_of(first)
    assert answer_to(again)[0] == 201


def test_the_place_of_a_lost_voucher_is_issuable_again(under: Under) -> None:
    campaign = under(RefundPolicy.PRO_RATA)
    redemption = bought(campaign)
    tier = QuotaBucket.objects.get(cell__campaign=campaign, cell__tier__code="off50")
    assert tier.headroom_count == 99
    refund_of(redemption, 19_000)
    tier.refresh_from_db()
    assert tier.headroom_count == 99
    refund_of(redemption, 76_000)
    tier.refresh_from_db()
    assert tier.headroom_count == 100


def test_the_database_refuses_refunds_beyond_the_payment(campaign: Campaign) -> None:
    redemption = bought(campaign)
    refund_of(redemption, 19_000, refund_no="R-1")
    row = Refund.objects.values().get()
    facts = {name: value for name, value in row.items() if name not in ("id", "xid")}
    too_much = {**facts, "refund_no": "R-2", "amount_fen": PAID_FEN - 18_999}
    with pytest.raises(IntegrityError, match="exceed it"), transaction.atomic():
        Refund.objects.create(**too_much)
