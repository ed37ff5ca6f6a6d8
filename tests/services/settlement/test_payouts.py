"""A settlement is paid once, out of cash received from its source, the oldest day first."""

from datetime import datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.settlements import MIDNIGHT, TODAY, TOMORROW, redeemed, send_cash
from vouchers.models import (
    Campaign,
    Settlement,
    Transfer,
)
from vouchers.queries.ledger.balances import balances, identity_rows
from vouchers.services.settlement.days import pay, settle_and_pay_day, settle_day
from vouchers.states import AccountKind, SettlementState

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """Funded 60 to 40 by city and group; stores of two merchants take part."""
    stores = (cast.nanjing_road(), cast.rival_shop())
    return cast.running_campaign(funding=cast.CO_FUNDED, stores=stores)


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def history_of(row: Campaign | Settlement) -> list[tuple[str, datetime]]:
    """Who did something about settling and paying, and when."""
    entries = LogEntry.objects.filter(
        Q(change_message__contains="settled") | Q(change_message__contains="payout"),
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
    )
    return list(entries.values_list("user__username", "action_time"))


def test_paying_moves_payable_to_settled(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road()])
    send_cash(campaign, "city", 3_000)
    settlement = settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)[0]
    assert pay(settlement=settlement, at=MIDNIGHT)
    city = balances(campaign.pk)["city"]
    assert (city[AccountKind.PAYABLE], city[AccountKind.SETTLED]) == (0, 3_000)
    assert (settlement.state, settlement.paid_at) == (SettlementState.PAID, MIDNIGHT)
    assert {row.off_fen for row in identity_rows(campaign.pk)} == {0}


def test_who_settled_a_day_and_who_instructed_its_payout_is_on_record(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road()])
    send_cash(campaign, "city", 3_000)
    settled = settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT, by=cast.mei())
    assert pay(settlement=settled[0], at=MIDNIGHT + DAY, by=cast.mei())
    assert not pay(settlement=settled[0], at=MIDNIGHT + DAY, by=cast.li())
    settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT, by=cast.li())
    assert history_of(campaign) == [("mei", MIDNIGHT)]
    assert history_of(settled[0]) == [("mei", MIDNIGHT + DAY)]


def test_what_no_person_asked_for_is_on_record_as_the_clocks(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road()])
    send_cash(campaign, "city", 3_000)
    city = settle_and_pay_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)[0]
    assert history_of(campaign) == history_of(city) == [("clock", MIDNIGHT)]


def test_paying_twice_pays_once(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road()])
    send_cash(campaign, "city", 10_000)
    settlement = settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)[0]
    assert pay(settlement=settlement, at=MIDNIGHT)
    assert not pay(settlement=Settlement.objects.get(pk=settlement.pk), at=MIDNIGHT)
    assert Transfer.objects.filter(reason="settle").count() == 1


def test_nothing_is_paid_with_money_that_has_not_come(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road()])
    send_cash(campaign, "city", 2_999)
    settlement = settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)[0]
    before = balances(campaign.pk)
    with pytest.raises(Refused) as refused:
        pay(settlement=settlement, at=MIDNIGHT)
    assert refused.value.refusal.code == "cash_not_received"
    assert refused.value.refusal.facts["missing_fen"] == 1
    assert balances(campaign.pk) == before
    assert Settlement.objects.get(pk=settlement.pk).state == SettlementState.READY


def test_one_sources_cash_does_not_pay_for_another(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road()])
    send_cash(campaign, "city", 1_000_000)
    _, groups = settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)
    with pytest.raises(Refused, match="cash_not_received"):
        pay(settlement=groups, at=MIDNIGHT)


def test_cash_pays_the_oldest_day_first(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road(), cast.nanjing_road()])
    older = settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)[0]
    redeemed(campaign, [cast.nanjing_road()], at=NOON + DAY)
    newer = settle_day(campaign=campaign, business_day=TOMORROW, at=MIDNIGHT + DAY)[0]
    send_cash(campaign, "city", older.total_fen)
    with pytest.raises(Refused) as refused:
        pay(settlement=newer, at=MIDNIGHT + DAY)
    assert refused.value.refusal.facts["missing_fen"] == newer.total_fen
    assert pay(settlement=older, at=MIDNIGHT + DAY)
    send_cash(campaign, "city", newer.total_fen)
    assert pay(settlement=newer, at=MIDNIGHT + DAY)


def test_a_day_is_paid_as_far_as_the_cash_goes(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road(), cast.rival_shop()])
    send_cash(campaign, "city", 5_000)
    send_cash(campaign, "group", 4_000)
    settlements = settle_and_pay_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)
    assert [(row.source.code, row.state) for row in settlements] == [
        ("city", "paid"),
        ("group", "paid"),
        ("city", "ready"),
        ("group", "paid"),
    ]
    send_cash(campaign, "city", 1_000)
    settlements = settle_and_pay_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT + DAY)
    assert {row.state for row in settlements} == {"paid"}
