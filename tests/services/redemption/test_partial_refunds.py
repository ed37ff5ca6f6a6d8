"""A refund of part of an order calls back its proportion of the subsidy."""

from collections.abc import Callable

import pytest

from tests.support.cast import NOON
from tests.support.refund_stages import (
    LATER,
    MIDNIGHT,
    NOTHING,
    STAGES,
    TODAY,
    WHOLE,
    state_of,
    taken_to,
    voucher_of,
    with_policy,
)
from tests.support.refunds import (
    assert_ties,
    bought,
    fens,
    refund_of,
    send_cash,
    settled,
)
from vouchers.models import (
    Campaign,
    Hold,
    RefundPart,
    Transfer,
)
from vouchers.services.settlement.days import pay
from vouchers.states import (
    AccountKind,
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


@pytest.mark.parametrize("policy", [RefundPolicy.RETURN, RefundPolicy.PRO_RATA])
@pytest.mark.parametrize("stage", STAGES)
def test_parts_call_back_their_proportion_and_in_the_end_everything(
    stage: str, policy: RefundPolicy, under: Under
) -> None:
    campaign = under(policy)
    redemption = bought(campaign)
    taken_to(stage, campaign, redemption)
    clawed = []
    for amount_fen in (31_667, 31_667, 31_666):
        body = refund_of(redemption, amount_fen, at=LATER)
        clawed.append(body["clawback_fen"])
        assert body["voucher_usable"] is False
        assert_ties(campaign)
    assert clawed == [1_666, 1_667, 1_667]
    assert (voucher_of(redemption), state_of(redemption)) == (
        VoucherState.WITHDRAWN,
        RedemptionState.REFUNDED,
    )
    parts = RefundPart.objects.values_list("source__code", "amount_fen")
    assert {code: sum(fen for source, fen in parts if source == code) for code in WHOLE} == WHOLE


def test_a_part_leaves_the_voucher_used_and_the_redemption_standing(campaign: Campaign) -> None:
    redemption = bought(campaign)
    body = refund_of(redemption, 19_000)
    assert (body["state"], body["clawback_fen"]) == ("captured", 1_000)
    assert body["by_source"] == [{"source": "city", "fen": 600}, {"source": "group", "fen": 400}]
    assert voucher_of(redemption) is VoucherState.REDEEMED
    assert fens(campaign, AccountKind.PAYABLE) == {"city": 2_400, "group": 1_600}
    assert_ties(campaign)


def test_a_refund_too_small_for_a_fen_of_subsidy_is_written_all_the_same(
    campaign: Campaign,
) -> None:
    redemption = bought(campaign)
    transfers = Transfer.objects.count()
    assert refund_of(redemption, 18)["clawback_fen"] == 0
    assert Transfer.objects.count() == transfers
    assert refund_of(redemption, 1)["clawback_fen"] == 1
    assert_ties(campaign)


def test_parts_before_and_after_the_settlement_and_the_payout(campaign: Campaign) -> None:
    """Each part comes out of where the money is by then; the file pays what was left when it was
    made."""
    redemption = bought(campaign)
    send_cash(campaign)
    refund_of(redemption, 19_000)
    settlements = settled(campaign, TODAY, MIDNIGHT, is_paid=False)
    assert [row.total_fen for row in settlements] == [2_400, 1_600]
    refund_of(redemption, 19_000, at=LATER)
    assert_ties(campaign)
    settled(campaign, TODAY, LATER, is_paid=True)
    assert_ties(campaign)
    refund_of(redemption, 57_000, at=LATER)
    assert_ties(campaign)
    arrows = RefundPart.objects.filter(source__code="city").order_by("id")
    assert list(arrows.values_list("origin", "target", "amount_fen")) == [
        ("payable", "free", 600),
        ("payable", "recoverable", 600),
        ("settled", "recoverable", 1_800),
    ]
    assert fens(campaign, AccountKind.SETTLED) == NOTHING
    assert fens(campaign, AccountKind.RECOVERABLE) == {"city": 2_400, "group": 1_600}


def test_what_is_held_stays_held_but_for_the_part(campaign: Campaign) -> None:
    redemption = bought(campaign)
    taken_to("held", campaign, redemption)
    refund_of(redemption, 19_000)
    assert fens(campaign, AccountKind.RISK_HELD) == {"city": 2_400, "group": 1_600}
    assert Hold.objects.get().released_at is None
    refund_of(redemption, 76_000)
    assert fens(campaign, AccountKind.RISK_HELD) == NOTHING
    assert Hold.objects.get().released_at == NOON
    assert_ties(campaign)


def test_one_source_paid_and_the_other_waiting_for_cash(campaign: Campaign) -> None:
    redemption = bought(campaign)
    send_cash(campaign)
    settlements = settled(campaign, TODAY, MIDNIGHT, is_paid=False)
    assert pay(settlement=settlements[0], at=MIDNIGHT)
    refund_of(redemption, 19_000, at=LATER)
    origins = RefundPart.objects.order_by("source_id").values_list("origin", flat=True)
    assert list(origins) == ["settled", "payable"]
    assert_ties(campaign)
    assert pay(settlement=settlements[1], at=LATER)
    assert_ties(campaign)
