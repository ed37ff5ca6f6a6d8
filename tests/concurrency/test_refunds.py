"""Refunds meeting each other, voids, settlements, payouts, holds and collections: each fen once."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import pytest

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.concurrency.threads import at_once
from tests.support.refunds import (
    BUDGET_FEN,
    DISCOUNT_FEN,
    PAID_FEN,
    assert_ties,
    bought,
    campaign_with,
    refund_of,
    refunded,
    send_cash,
    settled,
    total_fen,
)
from tests.support.till import till_of, voided
from vouchers.models import (
    Campaign,
    Collection,
    Redemption,
    Refund,
    RefundPart,
    Settlement,
    SettlementLine,
    Voucher,
)
from vouchers.queries.ledger.recoverables import owed_rows
from vouchers.services.issuing.expiry import expire_tranche
from vouchers.services.redemption.holds import hold
from vouchers.services.settlement.collection import collect
from vouchers.services.settlement.days import pay, settle_and_pay_day, settle_day
from vouchers.states import AccountKind, RedemptionState, RefundPolicy, VoucherState

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 6
TODAY, TOMORROW = date(2026, 4, 1), date(2026, 4, 2)
MIDNIGHT = NOON + DAY / 2
END = NOON + timedelta(hours=1)


@pytest.fixture
def campaign() -> Campaign:
    return campaign_with(RefundPolicy.RETURN, limits={}, tier_counts={"off50": 1_000})


def refund(redemption: Redemption, amount_fen: int = PAID_FEN) -> int:
    return refunded(redemption, amount_fen).status


def void(redemption: Redemption) -> int:
    return voided(redemption, caller=till_of(cast.nanjing_road())).status


def settle(campaign: Campaign) -> int:
    return len(settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT))


def together(*acts: Callable[[], object]) -> list[object]:
    """Different acts in the same moment."""
    return at_once(acts)


def refusal_of(act: Callable[[], object]) -> str:
    """The code an act is refused with; empty when it is done."""
    try:
        act()
    except Refused as refused:
        return refused.refusal.code
    return ""


def purchases(campaign: Campaign, number: int = ROUNDS) -> list[Redemption]:
    return [bought(campaign, who=f"buyer-{n}", valid_until_at=END) for n in range(number)]


def spent_fen(campaign: Campaign) -> int:
    """What merchants have, or will be paid, or owe."""
    kinds = (
        AccountKind.PAYABLE,
        AccountKind.RISK_HELD,
        AccountKind.SETTLED,
        AccountKind.RECOVERABLE,
    )
    return sum(total_fen(campaign, kind) for kind in kinds)


def test_two_refunds_that_exceed_the_payment_together(campaign: Campaign) -> None:
    for redemption in purchases(campaign):
        acts = [partial(refund, redemption, 60_000)] * 3
        assert sorted(at_once(acts)) == [200, 422, 422]
    assert_ties(campaign)


def test_many_refunds_of_small_parts_lose_no_fen(campaign: Campaign) -> None:
    (redemption,) = purchases(campaign, 1)
    statuses = at_once([partial(refund, redemption, PAID_FEN // 19)] * 19)
    assert statuses == [200] * 19
    assert Redemption.objects.get().state == RedemptionState.REFUNDED
    assert total_fen(campaign, AccountKind.FREE) == BUDGET_FEN
    assert_ties(campaign)


def test_whole_refunds_of_one_redemption_refund_once(campaign: Campaign) -> None:
    for redemption in purchases(campaign):
        assert sorted(at_once([partial(refund, redemption)] * 4)) == [200, 409, 409, 409]
    assert total_fen(campaign, AccountKind.OUTSTANDING) == ROUNDS * DISCOUNT_FEN
    assert_ties(campaign)


def test_one_refund_number_at_two_orders_serves_one(campaign: Campaign) -> None:
    for first, second in zip(*[iter(purchases(campaign))] * 2, strict=True):
        number = f"R-{first.pk}"
        answers = at_once(
            [partial(refunded, each, 19_000, refund_no=number) for each in (first, second)]
        )
        assert sorted(answer.status for answer in answers) == [200, 409]
    assert_ties(campaign)


def test_one_key_sent_many_times_refunds_once(campaign: Campaign) -> None:
    (redemption,) = purchases(campaign, 1)
    again = partial(refunded, redemption, 19_000, key="k", refund_no="R-1")
    answers = at_once([again] * 6)
    assert {answer.status for answer in answers} <= {200, 409}
    assert len({answer.body for answer in answers if answer.status == 200}) == 1
    assert Refund.objects.count() == 1
    assert_ties(campaign)


@pytest.mark.parametrize("amount_fen", [19_000, PAID_FEN])
def test_refund_against_void(campaign: Campaign, amount_fen: int) -> None:
    """One of them is too late, and the voucher is worth its face or what it was used for."""
    for redemption in purchases(campaign):
        statuses = at_once([partial(void, redemption), partial(refund, redemption, amount_fen)])
        assert sorted(statuses) == [200, 409]
    assert_ties(campaign)


def test_refund_against_expiry(campaign: Campaign) -> None:
    """Given back or lost: in the end the money is free, and once."""
    for redemption in purchases(campaign):
        tranche_id = redemption.voucher.tranche_id
        expire = partial(expire_tranche, tranche_id=tranche_id, at=END)
        status, *_ = together(partial(refund, redemption), expire, expire)
        assert status == 200
    assert total_fen(campaign, AccountKind.FREE) == BUDGET_FEN
    assert_ties(campaign)


@pytest.mark.parametrize("amount_fen", [19_000, PAID_FEN])
def test_refund_against_settlement(campaign: Campaign, amount_fen: int) -> None:
    """Before it the line is less; after it the merchant owes."""
    redemptions = purchases(campaign)
    refunds = [partial(refund, redemption, amount_fen) for redemption in redemptions]
    at_once([*refunds, partial(settle, campaign), partial(settle, campaign)])
    assert Refund.objects.count() == ROUNDS
    for redemption in redemptions:
        lines = SettlementLine.objects.filter(redemption=redemption, source__code="city")
        part = RefundPart.objects.get(refund__redemption=redemption, source__code="city")
        whole = [line.amount_fen for line in lines] == [3_000]
        assert (part.target == "recoverable") == whole
    assert_ties(campaign)


def test_refund_against_payout(campaign: Campaign) -> None:
    """The clawback comes out of what the payout left, wherever that is."""
    send_cash(campaign)
    redemptions = purchases(campaign)
    settlements = settled(campaign, TODAY, MIDNIGHT, is_paid=False)
    refunds = [partial(refund, redemption, 19_000) for redemption in redemptions]
    payouts = [partial(pay, settlement=row, at=MIDNIGHT) for row in settlements]
    together(*refunds, *payouts, *payouts)
    assert {row.state for row in Settlement.objects.all()} == {"paid"}
    assert total_fen(campaign, AccountKind.PAYABLE) == 0
    assert total_fen(campaign, AccountKind.RECOVERABLE) == ROUNDS * 1_000
    assert total_fen(campaign, AccountKind.SETTLED) == ROUNDS * 4_000
    assert_ties(campaign)


def test_refund_against_hold(campaign: Campaign) -> None:
    """A hold keeps what the refund left, or the refund takes it out of the hold."""
    rosa = cast.member("rosa", "risk officer")
    for redemption in purchases(campaign):
        holding = partial(hold, redemption=redemption, reason="odd", by=rosa, at=NOON)
        together(partial(refund, redemption, 19_000), holding)
    assert total_fen(campaign, AccountKind.RISK_HELD) == ROUNDS * 4_000
    assert_ties(campaign)


def test_hold_against_settlement(campaign: Campaign) -> None:
    """What is held is not settled and what is settled is not held."""
    rosa = cast.member("rosa", "risk officer")
    redemptions = purchases(campaign)

    holds = [
        partial(refusal_of, partial(hold, redemption=redemption, reason="odd", by=rosa, at=NOON))
        for redemption in redemptions
    ]
    refusals = together(*holds, partial(settle, campaign))
    lines = SettlementLine.objects.filter(source__code="city")
    settled_ids = set(lines.values_list("redemption_id", flat=True))
    for redemption, refusal in zip(redemptions, refusals, strict=False):
        assert refusal == ("already_settled" if redemption.pk in settled_ids else "")
    assert_ties(campaign)


def test_late_refunds_compete_for_the_last_free_money() -> None:
    """Six vouchers could come back and two faces are free: two come back, none promised twice."""
    campaign = campaign_with(
        RefundPolicy.RETURN,
        limits={},
        tiers={"off50": (5_000, 20_000)},
        tier_counts={"off50": ROUNDS + 2},
        budget_fen=(ROUNDS + 2) * DISCOUNT_FEN,
    )
    redemptions = purchases(campaign)
    send_cash(campaign)
    settled(campaign, TODAY, MIDNIGHT, is_paid=True)
    statuses = at_once([partial(refund, redemption) for redemption in redemptions])
    assert statuses == [200] * ROUNDS
    states = sorted(Voucher.objects.values_list("state", flat=True))
    assert states == [VoucherState.ISSUED] * 2 + [VoucherState.WITHDRAWN] * (ROUNDS - 2)
    assert total_fen(campaign, AccountKind.FREE) == 0
    assert_ties(campaign)


# What is owed is recovered once


@pytest.fixture
def owing(campaign: Campaign) -> Campaign:
    """Huilian owes ¥50 after a payout, and has sold for another ¥50 since."""
    redemption = bought(campaign, who="alice", valid_until_at=END)
    send_cash(campaign)
    settled(campaign, TODAY, MIDNIGHT, is_paid=True)
    refund_of(redemption, at=NOON + DAY)
    bought(campaign, who="carol", at=NOON + DAY)
    return campaign


def collect_from_city(campaign: Campaign, number: int, amount_fen: int) -> str:
    act = partial(
        collect,
        campaign=campaign,
        merchant=cast.huilian(),
        source=campaign.sources.get(code="city"),
        amount_fen=amount_fen,
        document_no=f"B-{number}",
        request_id=f"q-{number}",
        by=cast.mei(),
        at=MIDNIGHT + DAY,
    )
    return refusal_of(act)


def test_collection_against_netting(owing: Campaign) -> None:
    """The city's ¥30 are collected, or kept back from the payout, or partly each; never twice."""
    net = partial(settle_and_pay_day, campaign=owing, business_day=TOMORROW, at=MIDNIGHT + DAY)
    acts = [partial(collect_from_city, owing, number, 1_000) for number in range(4)]
    together(*acts, net, net)
    collected_fen = sum(row.amount_fen for row in Collection.objects.all())
    lines = SettlementLine.objects.filter(kind="refund", source__code="city")
    assert collected_fen - sum(line.amount_fen for line in lines) == 3_000
    assert [row for row in owed_rows(owing.pk) if row.fen] == []
    assert_ties(owing)


def test_collections_of_one_debt_take_it_once(owing: Campaign) -> None:
    acts = [partial(collect_from_city, owing, number, 2_000) for number in range(4)]
    assert sorted(at_once(acts)) == ["", *["more_than_owed"] * 3]
    assert_ties(owing)


def test_one_collection_sent_many_times_is_recorded_once(owing: Campaign) -> None:
    acts = [partial(collect_from_city, owing, 7, 2_000)] * 4
    assert at_once(acts) == [""] * 4
    assert Collection.objects.count() == 1
    assert_ties(owing)


def test_everything_at_once_leaves_every_fen_somewhere(campaign: Campaign) -> None:
    """Refunds in parts, voids, holds, a settlement and its payout on the same redemptions."""
    rosa = cast.member("rosa", "risk officer")
    send_cash(campaign)
    redemptions = purchases(campaign)

    acts: list[Callable[[], object]] = []
    for number, redemption in enumerate(redemptions):
        odd = partial(hold, redemption=redemption, reason="odd", by=rosa, at=NOON)
        other = (partial(void, redemption), partial(refusal_of, odd), partial(refund, redemption))
        acts += [partial(refund, redemption, 19_000), other[number % 3]]
    close = partial(settle_and_pay_day, campaign=campaign, business_day=TODAY, at=MIDNIGHT)
    together(*acts, close, close)
    standing = total_fen(campaign, AccountKind.FREE) + total_fen(campaign, AccountKind.OUTSTANDING)
    assert standing + spent_fen(campaign) == BUDGET_FEN
    assert_ties(campaign)
