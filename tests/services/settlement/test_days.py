"""A business day is settled once, whole, per merchant and source."""

import csv
import hashlib
import io
from collections.abc import Sequence

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.settlements import MIDNIGHT, TODAY, TOMORROW, redeemed
from tests.support.till import decoded, till_of, voided
from vouchers.models import (
    Campaign,
    Redemption,
    Settlement,
    SettlementLine,
    Voucher,
)
from vouchers.queries.ledger.balances import balances
from vouchers.services.redemption.holds import hold, release
from vouchers.services.settlement.days import settle_day
from vouchers.states import RedemptionState

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """Funded 60 to 40 by city and group; stores of two merchants take part."""
    stores = (cast.nanjing_road(), cast.rival_shop())
    return cast.running_campaign(funding=cast.CO_FUNDED, stores=stores)


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def owed(settlements: Sequence[Settlement]) -> dict[tuple[str, str], tuple[int, int]]:
    """(merchant, source) → (lines, total)."""
    return {
        (row.merchant.code, row.source.code): (row.line_count, row.total_fen) for row in settlements
    }


def test_each_merchant_gets_a_settlement_from_each_source(campaign: Campaign) -> None:
    here, there = cast.nanjing_road(), cast.rival_shop()
    redeemed(campaign, [here, here, there])
    assert owed(settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)) == {
        ("huilian", "city"): (2, 6_000),
        ("huilian", "group"): (2, 4_000),
        ("rival", "city"): (1, 3_000),
        ("rival", "group"): (1, 2_000),
    }


def test_each_merchant_is_settled_in_a_transaction_of_its_own(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road(), cast.rival_shop()])
    with CaptureQueriesContext(connection) as captured:
        settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)
    asked = [query["sql"] for query in captured.captured_queries]
    assert len([sql for sql in asked if sql.endswith("FOR NO KEY UPDATE")]) == 2
    made = [sql for sql in asked if sql.startswith('INSERT INTO "vouchers_settlement"')]
    assert len(made) == 2


def test_a_run_goes_on_with_the_merchants_that_one_before_it_left(campaign: Campaign) -> None:
    here, there = cast.nanjing_road(), cast.rival_shop()
    redeemed(campaign, [here, there])
    (left,) = redeemed(campaign, [there])
    rosa = cast.member("rosa", "risk officer")
    opened = [
        hold(redemption=one, reason="check", by=rosa, at=NOON)
        for one in Redemption.objects.filter(store=there)
    ]
    assert len(settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)) == 2
    for one in opened:
        release(hold=one, by=rosa, at=MIDNIGHT)
    made = settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT + DAY)
    assert owed(made)["rival", "city"] == (2, 6_000)
    assert SettlementLine.objects.filter(redemption_id=left.pk).count() == 2
    assert SettlementLine.objects.count() == 6


def test_the_stored_file_lists_the_lines_and_is_the_one_that_was_hashed(campaign: Campaign) -> None:
    made = redeemed(campaign, [cast.nanjing_road(), cast.nanjing_road()])
    settlement = settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)[0]
    content = bytes(Settlement.objects.get(pk=settlement.pk).content)
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert [row["redemption_id"] for row in rows] == [str(item.pk) for item in made]
    assert {row["amount_fen"] for row in rows} == {"3000"}
    assert {row["amount_yuan"] for row in rows} == {"30.00"}
    assert {row["redeemed_at"] for row in rows} == {"2026-04-01T12:00:00.000+08:00"}
    assert hashlib.sha256(content).digest() == bytes(settlement.sha256)


def test_settling_twice_changes_nothing(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road()])
    first = settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)
    again = settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT + DAY)
    assert [row.pk for row in again] == [row.pk for row in first]
    assert {row.closed_at for row in again} == {MIDNIGHT}
    assert SettlementLine.objects.count() == 2


def test_what_is_captured_after_the_close_goes_to_the_next_day(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road()])
    settle_day(campaign=campaign, business_day=TODAY, at=NOON)
    (late,) = redeemed(campaign, [cast.nanjing_road()])
    assert late.business_day == TODAY
    assert (
        sum(r.line_count for r in settle_day(campaign=campaign, business_day=TODAY, at=NOON)) == 2
    )
    next_day = settle_day(campaign=campaign, business_day=TOMORROW, at=MIDNIGHT + DAY)
    lines = SettlementLine.objects.filter(settlement__in=next_day)
    assert set(lines.values_list("redemption_id", flat=True)) == {late.pk}


def test_a_day_that_was_not_closed_is_taken_by_the_next(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road()])
    redeemed(campaign, [cast.rival_shop()], at=NOON + DAY)
    settlements = settle_day(campaign=campaign, business_day=TOMORROW, at=MIDNIGHT + DAY)
    assert sum(row.total_fen for row in settlements) == 10_000


def test_a_day_that_has_not_begun_is_not_settled(campaign: Campaign) -> None:
    with pytest.raises(Refused) as refused:
        settle_day(campaign=campaign, business_day=TOMORROW, at=MIDNIGHT - DAY / 24)
    assert refused.value.refusal.code == "day_not_begun"


def test_a_voided_redemption_never_appears(campaign: Campaign) -> None:
    kept, gone = redeemed(campaign, [cast.nanjing_road(), cast.nanjing_road()])
    assert voided(gone, caller=till_of(cast.nanjing_road())).status == 200
    settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)
    assert set(SettlementLine.objects.values_list("redemption_id", flat=True)) == {kept.pk}


def test_a_settled_redemption_is_not_voided_any_more(campaign: Campaign) -> None:
    (made,) = redeemed(campaign, [cast.nanjing_road()])
    settle_day(campaign=campaign, business_day=TODAY, at=NOON)
    before = balances(campaign.pk)
    status, body = decoded(voided(made, caller=till_of(cast.nanjing_road())))
    assert (status, body["code"], body["rule"]) == (409, "redemption_state", "void_settled")
    assert balances(campaign.pk) == before
    assert Voucher.objects.get(pk=made.voucher_id).state == 3


def test_the_database_itself_keeps_a_settled_redemption(campaign: Campaign) -> None:
    (made,) = redeemed(campaign, [cast.nanjing_road()])
    settle_day(campaign=campaign, business_day=TODAY, at=NOON)
    with pytest.raises(IntegrityError, match="is settled"):
        Redemption.objects.filter(pk=made.pk).update(state=RedemptionState.VOIDED)


def test_held_money_waits_for_its_release(campaign: Campaign) -> None:
    (made,) = redeemed(campaign, [cast.nanjing_road()])
    rosa = cast.member("rosa", "risk officer")
    opened = hold(redemption=made, reason="check", by=rosa, at=NOON)
    assert settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT) == []
    release(hold=opened, by=rosa, at=NOON + DAY)
    assert len(settle_day(campaign=campaign, business_day=TOMORROW, at=MIDNIGHT + DAY)) == 2


def test_another_campaigns_redemptions_are_left_alone(campaign: Campaign) -> None:
    stores = (cast.nanjing_road(),)
    other = cast.running_campaign(code="autumn-2026", stores=stores)
    redeemed(campaign, stores)
    assert settle_day(campaign=other, business_day=TODAY, at=MIDNIGHT) == []
