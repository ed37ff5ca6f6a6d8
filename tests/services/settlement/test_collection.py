"""What a merchant owes is paid back once, the oldest refund first, and never more than is owed."""

from datetime import date
from typing import Any

import pytest

from merchants.errors import Refused
from merchants.models import Merchant, State
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.refunds import (
    PAID_FEN,
    assert_ties,
    bought,
    campaign_with,
    fens,
    refund_of,
    send_cash,
    settled,
)
from tests.support.till import nothing_moves
from vouchers.models import Campaign, Collection, CollectionLine, Transfer
from vouchers.queries.ledger.recoverables import owed_fen, owed_rows
from vouchers.services.ledger import funding
from vouchers.services.settlement.collection import collect
from vouchers.states import AccountKind, RefundPolicy

pytestmark = pytest.mark.django_db

TODAY, TOMORROW = date(2026, 4, 1), date(2026, 4, 2)
MIDNIGHT = NOON + DAY / 2
LATER = NOON + 2 * DAY


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """Huilian's two redemptions of ¥50 were paid out and then refunded: first ¥10, then ¥50."""
    campaign = campaign_with(RefundPolicy.PRO_RATA, tier_counts={"off50": 100})
    first, second = bought(campaign, who="alice"), bought(campaign, who="carol")
    send_cash(campaign)
    settled(campaign, TODAY, MIDNIGHT, is_paid=True)
    refund_of(first, 19_000, refund_no="R-1", at=LATER)
    refund_of(second, PAID_FEN, refund_no="R-2", at=LATER)
    return campaign


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def collected(campaign: Campaign, amount_fen: int, **options: Any) -> Collection:
    facts: dict[str, Any] = {
        "merchant": cast.huilian(),
        "source": campaign.sources.get(code="city"),
        "document_no": "B-1",
        "request_id": "q-1",
        "by": cast.mei(),
        "at": LATER,
    }
    return collect(campaign=campaign, amount_fen=amount_fen, **{**facts, **options})


def city_owed_fen(campaign: Campaign, merchant: Merchant | None = None) -> int:
    source = campaign.sources.get(code="city")
    return owed_fen(
        campaign_id=campaign.pk,
        merchant_id=(merchant or cast.huilian()).pk,
        source_id=source.pk,
    )


def refused(campaign: Campaign, amount_fen: int, **options: Any) -> str:
    with nothing_moves(), pytest.raises(Refused) as caught:
        collected(campaign, amount_fen, **options)
    return caught.value.refusal.code


def test_what_is_owed_is_known_by_merchant_and_source(campaign: Campaign) -> None:
    city, group = campaign.sources.order_by("id")
    assert owed_rows(campaign.pk) == [
        (cast.huilian().pk, city.pk, 3_600),
        (cast.huilian().pk, group.pk, 2_400),
    ]
    assert city_owed_fen(campaign, cast.rival()) == 0


def test_who_may_not_record_what_is_paid_back_records_nothing(campaign: Campaign) -> None:
    assert refused(campaign, 700, by=cast.li()) == "not_permitted"


def test_a_collection_clears_the_oldest_refund_first(campaign: Campaign) -> None:
    collected(campaign, 700)
    lines = CollectionLine.objects.order_by("id").values_list("refund__refund_no", "amount_fen")
    assert list(lines) == [("R-1", 600), ("R-2", 100)]
    assert city_owed_fen(campaign) == 2_900
    assert_ties(campaign)


def test_what_is_collected_is_free_issuable_and_in_cash(campaign: Campaign) -> None:
    city = campaign.sources.get(code="city")
    cash_fen, free_fen = funding.cash_on_hand_fen(city), fens(campaign, AccountKind.FREE)["city"]
    made = collected(campaign, 3_600)
    assert (made.amount_fen, made.recorded_by, made.received_at) == (3_600, "mei", LATER)
    assert funding.cash_on_hand_fen(city) == cash_fen + 3_600
    assert fens(campaign, AccountKind.FREE)["city"] == free_fen + 3_600
    assert fens(campaign, AccountKind.RECOVERABLE) == {"city": 0, "group": 2_400}
    assert Transfer.objects.get(reason="collect").cause_id == made.pk
    assert_ties(campaign)


def test_a_closed_merchant_that_gets_no_more_settlements_pays_back(campaign: Campaign) -> None:
    merchant = cast.huilian()
    merchant.state = State.CLOSED
    merchant.save()
    collected(campaign, 3_600)
    collected(campaign, 2_400, source=campaign.sources.get(code="group"), request_id="q-2")
    assert owed_rows(campaign.pk) == []
    assert_ties(campaign)


def test_the_same_request_again_returns_the_first(campaign: Campaign) -> None:
    first = collected(campaign, 700)
    with nothing_moves():
        assert collected(campaign, 700, at=LATER + DAY) == first
    assert Collection.objects.count() == 1


@pytest.mark.parametrize("changed", [{"amount_fen": 701}, {"document_no": "B-2"}])
def test_the_same_request_with_other_words_is_refused(
    campaign: Campaign, changed: dict[str, Any]
) -> None:
    collected(campaign, 700)
    assert refused(campaign, **{"amount_fen": 700, **changed}) == "request_id_reused"


def test_more_than_is_owed_is_not_taken(campaign: Campaign) -> None:
    assert refused(campaign, 3_601) == "more_than_owed"
    assert not Collection.objects.exists()
    collected(campaign, 3_600)
    assert refused(campaign, 1, request_id="q-2") == "more_than_owed"


def test_who_owes_nothing_pays_nothing_back(campaign: Campaign) -> None:
    assert refused(campaign, 1, merchant=cast.rival()) == "more_than_owed"


def test_a_source_of_another_campaign_is_owed_nothing(campaign: Campaign) -> None:
    other = campaign_with(RefundPolicy.RETURN, code="autumn-2026")
    assert refused(campaign, 1, source=other.sources.get(code="city")) == "more_than_owed"


@pytest.mark.parametrize(
    ("amount_fen", "code"),
    [(0, "amount_not_positive"), (-1, "amount_not_positive"), (10**18, "amount_too_large")],
)
def test_an_amount_must_be_one(campaign: Campaign, amount_fen: int, code: str) -> None:
    assert refused(campaign, amount_fen) == code


def test_what_a_settlement_keeps_back_is_not_collected_too(campaign: Campaign) -> None:
    """Also while that settlement waits for its cash."""
    bought(campaign, who="bob", at=LATER)
    settlements = settled(campaign, date(2026, 4, 3), LATER + DAY / 2, is_paid=False)
    assert [row.total_fen for row in settlements] == [0, 0]
    assert city_owed_fen(campaign) == 600
    assert refused(campaign, 601) == "more_than_owed"
    collected(campaign, 600)
    assert_ties(campaign)
