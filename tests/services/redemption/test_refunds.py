"""A refund returns each payer its own share, from wherever the money has got to by then."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from merchants.errors import Refused
from merchants.models import State
from tests.support import cast, draft_rows
from tests.support.cast import DAY, NOON
from tests.support.refunds import (
    BUDGET_FEN,
    DISCOUNT_FEN,
    ORDER_FEN,
    PAID_FEN,
    assert_ties,
    bought,
    campaign_with,
    fens,
    refund_of,
    refunded,
    send_cash,
    settled,
    total_fen,
)
from tests.support.till import answer_to, decoded, nothing_moves, order, till_of, voided
from vouchers.http.redemption import refund_request
from vouchers.models import (
    Attempt,
    Campaign,
    Hold,
    QuotaBucket,
    Redemption,
    Refund,
    RefundPart,
    Transfer,
    Voucher,
)
from vouchers.services.campaigns import terms
from vouchers.services.issuing.expiry import expire_due, expire_tranche
from vouchers.services.redemption.holds import hold
from vouchers.services.settlement.days import pay
from vouchers.states import (
    AccountKind,
    LimitKind,
    RedemptionState,
    RefundPolicy,
    TierKind,
    VoucherState,
)

pytestmark = pytest.mark.django_db

TODAY = date(2026, 4, 1)
MIDNIGHT = NOON + DAY / 2
HOUR = timedelta(hours=1)
LATER = NOON + 2 * DAY
WHOLE = {"city": 3_000, "group": 2_000}
NOTHING = {"city": 0, "group": 0}
STAGES = ("payable", "held", "ready", "paid")


@pytest.fixture
def campaign() -> Campaign:
    """Under it a whole refund gives the voucher back; a hundred 满200减50 at most."""
    return campaign_with(RefundPolicy.RETURN, tier_counts={"off50": 100})


def with_policy(policy: RefundPolicy) -> Campaign:
    return campaign_with(policy, tier_counts={"off50": 100})


def rosa() -> Any:
    """Rosa holds what looks odd."""
    return cast.member("rosa", "risk officer")


def taken_to(stage: str, campaign: Campaign, redemption: Redemption) -> None:
    """The redemption's money moved on: held, settled, or paid out."""
    if stage == "held":
        hold(redemption=redemption, reason="odd", by=rosa(), at=NOON)
    if stage in ("ready", "paid"):
        send_cash(campaign)
        settled(campaign, TODAY, MIDNIGHT, is_paid=stage == "paid")
    assert_ties(campaign)


def voucher_of(redemption: Redemption) -> VoucherState:
    return VoucherState(Voucher.objects.get(pk=redemption.voucher_id).state)


def state_of(redemption: Redemption) -> RedemptionState:
    return RedemptionState(Redemption.objects.get(pk=redemption.pk).state)


# Everything at once, wherever the money is


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
def test_under_other_policies_the_voucher_is_lost(stage: str, policy: RefundPolicy) -> None:
    campaign = with_policy(policy)
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


# A voucher that comes back while its money is with the merchant


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


# In parts


@pytest.mark.parametrize("policy", [RefundPolicy.RETURN, RefundPolicy.PRO_RATA])
@pytest.mark.parametrize("stage", STAGES)
def test_parts_call_back_their_proportion_and_in_the_end_everything(
    stage: str, policy: RefundPolicy
) -> None:
    campaign = with_policy(policy)
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


# Room in counters and quotas


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


def test_the_place_of_a_lost_voucher_is_issuable_again() -> None:
    campaign = with_policy(RefundPolicy.PRO_RATA)
    redemption = bought(campaign)
    tier = QuotaBucket.objects.get(cell__campaign=campaign, cell__tier__code="off50")
    assert tier.headroom_count == 99
    refund_of(redemption, 19_000)
    tier.refresh_from_db()
    assert tier.headroom_count == 99
    refund_of(redemption, 76_000)
    tier.refresh_from_db()
    assert tier.headroom_count == 100


# Percentages


@pytest.fixture
def percent() -> Campaign:
    """15 % off, at most ¥50, paid 60 to 40; what a small order leaves of the face waits."""
    draft = cast.spring_campaign(funding=cast.CO_FUNDED, tiers={})
    tier = terms.add_tier(
        campaign=draft,
        code="off15pc",
        name="八五折",
        kind=TierKind.PERCENT,
        percent_bp=1_500,
        face_fen=5_000,
        split={"city": 3_000, "group": 2_000},
        by=cast.mei(),
        at=NOON,
    )
    draft_rows.add("cells", campaign=draft, tier=tier, cap_count=10, by=cast.mei(), at=NOON)
    return cast.launched(draft)


@pytest.mark.parametrize("stage", STAGES)
def test_the_rest_of_the_face_goes_with_the_voucher(stage: str, percent: Campaign) -> None:
    redemption = bought(percent, tier="off15pc", amount_fen=10_000)
    taken_to(stage, percent, redemption)
    assert total_fen(percent, AccountKind.OUTSTANDING) == 3_500
    refund_of(redemption, 1_000, at=LATER)
    assert total_fen(percent, AccountKind.OUTSTANDING) == 3_500
    refund_of(redemption, 7_500, at=LATER)
    assert total_fen(percent, AccountKind.OUTSTANDING) == 0
    assert_ties(percent)


@pytest.mark.parametrize("stage", STAGES)
def test_a_percentage_given_back_is_worth_its_whole_face_again(
    stage: str, percent: Campaign
) -> None:
    redemption = bought(percent, tier="off15pc", amount_fen=10_000)
    taken_to(stage, percent, redemption)
    assert refund_of(redemption, 8_500, at=LATER)["voucher_usable"] is True
    assert total_fen(percent, AccountKind.OUTSTANDING) == 5_000
    assert_ties(percent)


def test_after_expiry_no_rest_is_freed_twice(percent: Campaign) -> None:
    redemption = bought(percent, tier="off15pc", amount_fen=10_000, valid_until_at=NOON + HOUR)
    expire_due(at=NOON + HOUR)
    refund_of(redemption, 8_500, at=LATER)
    assert total_fen(percent, AccountKind.FREE) == BUDGET_FEN
    assert_ties(percent)


# When and where


def test_across_the_end_of_the_year_it_is_still_the_same_money() -> None:
    new_years_eve = datetime(2026, 12, 31, 4, 0, tzinfo=UTC)
    campaign = campaign_with(
        RefundPolicy.RETURN,
        starts_at=NOON,
        ends_at=new_years_eve + 30 * DAY,
        tier_counts={"off50": 100},
    )
    redemption = bought(campaign, at=new_years_eve)
    send_cash(campaign)
    settled(campaign, date(2026, 12, 31), new_years_eve + DAY, is_paid=True)
    body = refund_of(redemption, at=new_years_eve + 5 * DAY)
    assert body["voucher_usable"] is True
    assert Refund.objects.get().business_day == date(2027, 1, 5)
    bought(campaign, who="carol", at=new_years_eve + 5 * DAY)
    settled(campaign, date(2027, 1, 5), new_years_eve + 6 * DAY, is_paid=True)
    assert fens(campaign, AccountKind.RECOVERABLE) == NOTHING
    assert_ties(campaign)


@pytest.mark.parametrize("state", ["ended", "settled", "closed"])
def test_a_campaign_that_is_over_still_takes_refunds(state: str, campaign: Campaign) -> None:
    redemption = bought(campaign, valid_until_at=NOON + HOUR)
    taken_to("paid", campaign, redemption)
    expire_due(at=LATER)
    for step in ("ended", "settled", "closed"):
        Campaign.objects.filter(pk=campaign.pk).update(state=step)
        if step == state:
            break
    assert refund_of(redemption, at=LATER + 60 * DAY)["voucher_usable"] is False
    assert fens(campaign, AccountKind.RECOVERABLE) == WHOLE
    assert_ties(campaign)


def test_a_voucher_given_back_in_a_campaign_that_ended_early_cannot_be_used(
    campaign: Campaign,
) -> None:
    redemption = bought(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(state="ended")
    body = refund_of(redemption, at=LATER)
    assert (body["voucher_usable"], body["state"]) == (False, "refunded")
    assert voucher_of(redemption) is VoucherState.ISSUED
    again = order(redemption.voucher, cast.nanjing_road(), cast.resident("alice"))
    status, refusal = answer_to(again)
    assert (status, refusal["rule"], refusal["retryable"]) == (409, "campaign_over", False)
    assert_ties(campaign)


def test_a_merchant_that_has_closed_still_refunds(campaign: Campaign) -> None:
    redemption = bought(campaign)
    merchant = cast.huilian()
    merchant.state = State.CLOSED
    merchant.save()
    assert refund_of(redemption)["state"] == "refunded"


def test_any_store_of_the_merchant_may_refund(campaign: Campaign) -> None:
    redemption = bought(campaign)
    refund_of(redemption, store=cast.xujiahui())
    assert Refund.objects.get().store == cast.xujiahui()


def test_another_merchants_redemption_is_as_if_absent(campaign: Campaign) -> None:
    redemption = bought(campaign)
    with nothing_moves():
        status, body = decoded(refunded(redemption, store=cast.rival_shop()))
        assert (status, body["code"]) == (404, "not_found")


def test_a_store_the_key_does_not_act_for_is_as_if_absent(campaign: Campaign) -> None:
    redemption = bought(campaign)
    caller = till_of(cast.nanjing_road())
    for store in (cast.xujiahui(), cast.rival_shop()):
        with nothing_moves():
            status, body = decoded(refunded(redemption, store=store, caller=caller))
            assert (status, body["code"]) == (404, "store_not_found")


def test_the_sandbox_and_the_real_books_do_not_see_each_other(campaign: Campaign) -> None:
    redemption = bought(campaign)
    caller = till_of(cast.nanjing_road(), is_test=True)
    assert refunded(redemption, caller=caller).status == 404


# Once, and not too much


def test_the_same_key_gets_the_same_answer_and_one_refund(campaign: Campaign) -> None:
    redemption = bought(campaign)
    first = refunded(redemption, 19_000, key="k", refund_no="R-1")
    again = refunded(redemption, 19_000, key="k", refund_no="R-1", at=LATER)
    assert (again.status, again.body, again.is_replay) == (200, first.body, True)
    assert Refund.objects.count() == 1
    assert_ties(campaign)


def test_the_same_key_for_another_refund_is_refused(campaign: Campaign) -> None:
    redemption = bought(campaign)
    refund_of(redemption, 19_000, key="k", refund_no="R-1")
    with nothing_moves():
        status, body = decoded(refunded(redemption, 18_000, key="k", refund_no="R-1"))
    assert (status, body["code"]) == (422, "idempotency_key_reused")


def test_a_refund_number_serves_once_per_merchant(campaign: Campaign) -> None:
    first, second = bought(campaign, who="alice"), bought(campaign, who="carol")
    refund_of(first, 19_000, refund_no="R-1")
    for redemption in (first, second):
        with nothing_moves():
            status, body = decoded(refunded(redemption, 1_000, refund_no="R-1"))
        assert (status, body["code"], body["rule"]) == (409, "redemption_state", "refund_no_used")


def test_two_merchants_may_number_their_refunds_alike() -> None:
    stores = (cast.nanjing_road(), cast.rival_shop())
    campaign = campaign_with(RefundPolicy.RETURN, stores=stores)
    for store, who in zip(stores, ("alice", "carol"), strict=True):
        refund_of(bought(campaign, store=store, who=who), refund_no="R-1")
    assert Refund.objects.count() == 2


def test_no_more_is_refunded_than_was_paid(campaign: Campaign) -> None:
    redemption = bought(campaign)
    refund_of(redemption, 19_000)
    with nothing_moves():
        status, body = decoded(refunded(redemption, PAID_FEN - 18_999))
    assert (status, body["code"]) == (422, "refund_too_large")
    assert body["facts"]["left_fen"] == PAID_FEN - 19_000
    assert refund_of(redemption, PAID_FEN - 19_000)["state"] == "refunded"
    assert ORDER_FEN - DISCOUNT_FEN == PAID_FEN


def test_what_is_refunded_is_not_refunded_again(campaign: Campaign) -> None:
    redemption = bought(campaign)
    refund_of(redemption)
    with nothing_moves():
        status, body = decoded(refunded(redemption, 1))
    assert (status, body["code"], body["rule"]) == (409, "redemption_state", "refund_state")


def test_what_is_voided_is_not_refunded(campaign: Campaign) -> None:
    redemption = bought(campaign)
    voided(redemption, caller=till_of(cast.nanjing_road()))
    with nothing_moves():
        assert decoded(refunded(redemption))[1]["rule"] == "refund_state"


def test_what_is_refunded_in_part_is_not_voided(campaign: Campaign) -> None:
    redemption = bought(campaign)
    refund_of(redemption, 1)
    with nothing_moves():
        status, body = decoded(voided(redemption, caller=till_of(cast.nanjing_road())))
    assert (status, body["code"]) == (409, "redemption_state")


def test_under_forfeit_part_of_an_order_is_refused() -> None:
    campaign = with_policy(RefundPolicy.FORFEIT)
    redemption = bought(campaign)
    with nothing_moves():
        status, body = decoded(refunded(redemption, PAID_FEN - 1))
    assert (status, body["code"], body["rule"]) == (409, "redemption_state", "refund_whole_only")


def test_a_refusal_is_noted_and_stays_one_under_its_key(campaign: Campaign) -> None:
    redemption = bought(campaign)
    first = refunded(redemption, PAID_FEN + 1, key="k", refund_no="R-1")
    noted = Attempt.objects.get()
    assert (noted.code, noted.facts["redemption"]) == ("refund_too_large", redemption.pk)
    again = refunded(redemption, PAID_FEN + 1, key="k", refund_no="R-1")
    assert (again.body, again.is_replay) == (first.body, True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount_fen", -1),
        ("amount_fen", 0),
        ("amount_fen", 0.5),
        ("amount_fen", "100"),
        ("amount_fen", 10**12),
        ("amount_fen", None),
        ("currency", "USD"),
        ("refund_no", ""),
        ("refund_no", "R" * 65),
        ("refund_no", "R\x001"),
        ("refund_no", "R-1 "),
        ("refund_no", "R-1\u200b"),
        ("refund_no", "Ｒ-1"),
        ("store", " nanjing_road"),
        ("store", 7),
    ],
)
def test_what_is_no_refund_is_not_understood(campaign: Campaign, field: str, value: object) -> None:
    redemption = bought(campaign)
    body = {"store": "nanjing_road", "amount_fen": 100, "refund_no": "R-1", field: value}
    with nothing_moves(), pytest.raises(Refused) as refused:
        refund_request(
            caller=till_of(cast.nanjing_road()),
            key="k",
            path=f"/api/v1/redemptions/{redemption.pk}/refunds",
            body=json.dumps(body).encode(),
            at=NOON,
            redemption_id=redemption.pk,
        )
    assert refused.value.refusal.code == "malformed_request"
    assert refused.value.refusal.facts["field"] == f"$.{field}"


# The database's own word


def test_the_database_refuses_refunds_beyond_the_payment(campaign: Campaign) -> None:
    redemption = bought(campaign)
    refund_of(redemption, 19_000, refund_no="R-1")
    row = Refund.objects.values().get()
    facts = {name: value for name, value in row.items() if name not in ("id", "xid")}
    too_much = {**facts, "refund_no": "R-2", "amount_fen": PAID_FEN - 18_999}
    with pytest.raises(IntegrityError, match="exceed it"), transaction.atomic():
        Refund.objects.create(**too_much)
