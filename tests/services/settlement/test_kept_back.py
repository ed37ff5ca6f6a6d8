"""What late refunds keep back from a merchant's settlements."""

import csv
import io
from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.refunds import assert_ties, bought, campaign_with, fens, refund_of
from tests.support.settlements import MIDNIGHT, TODAY, TOMORROW, send_cash
from vouchers.models import (
    Campaign,
    Settlement,
    SettlementLine,
    Transfer,
)
from vouchers.services.settlement.days import pay, settle_and_pay_day, settle_day
from vouchers.states import AccountKind, RefundPolicy, SettlementState

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """Funded 60 to 40 by city and group; stores of two merchants take part."""
    stores = (cast.nanjing_road(), cast.rival_shop())
    return cast.running_campaign(funding=cast.CO_FUNDED, stores=stores)


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def cash(campaign: Campaign) -> None:
    """Every source sends more than enough."""
    for source in campaign.sources.all():
        send_cash(campaign, source.code, 1_000_000)


def paid_day(campaign: Campaign, day: date, at: datetime) -> list[Settlement]:
    settlements = settle_and_pay_day(campaign=campaign, business_day=day, at=at)
    assert {row.state for row in settlements} == {SettlementState.PAID}
    return settlements


@pytest.fixture
def refunding() -> Campaign:
    """Huilian and Rival take part; a refund calls back the subsidy in proportion."""
    stores = (cast.nanjing_road(), cast.xujiahui(), cast.rival_shop())
    return campaign_with(RefundPolicy.PRO_RATA, stores=stores, tier_counts={"off50": 100})


def rows_of(settlement: Settlement) -> list[tuple[str, str, str, str]]:
    """(kind, refund no., business day, amount) by line of the stored file."""
    content = bytes(Settlement.objects.get(pk=settlement.pk).content).decode()
    names = ("kind", "refund_no", "business_day", "amount_yuan")
    rows = csv.DictReader(io.StringIO(content, newline=""))
    return [(row[names[0]], row[names[1]], row[names[2]], row[names[3]]) for row in rows]


def test_a_line_is_what_earlier_refunds_have_left(refunding: Campaign) -> None:
    redemption, gone = bought(refunding, who="alice"), bought(refunding, who="carol")
    refund_of(redemption, 19_000)
    refund_of(gone)
    city, group = settle_day(campaign=refunding, business_day=TODAY, at=MIDNIGHT)
    assert [row.amount_fen for row in SettlementLine.objects.order_by("id")] == [2_400, 1_600]
    assert (city.total_fen, group.total_fen) == (2_400, 1_600)
    assert rows_of(city) == [("redemption", "0", "2026-04-01", "24.00")]
    assert_ties(refunding)


def test_a_late_refund_is_kept_back_from_the_merchants_next_settlement(
    refunding: Campaign,
) -> None:
    redemption = bought(refunding, who="alice")
    cash(refunding)
    paid_day(refunding, TODAY, MIDNIGHT)
    refund_of(redemption, 19_000, refund_no="=R-1", at=NOON + DAY)
    bought(refunding, who="carol", at=NOON + DAY)
    city, _ = settle_day(campaign=refunding, business_day=TOMORROW, at=MIDNIGHT + DAY)
    assert rows_of(city) == [
        ("redemption", "0", "2026-04-02", "30.00"),
        ("refund", "'=R-1", "2026-04-02", "-6.00"),
    ]
    assert (city.line_count, city.total_fen) == (2, 2_400)
    assert_ties(refunding)
    free_fen = fens(refunding, AccountKind.FREE)["city"]
    assert pay(settlement=city, at=MIDNIGHT + DAY)
    assert fens(refunding, AccountKind.RECOVERABLE) == {"city": 0, "group": 400}
    assert fens(refunding, AccountKind.FREE)["city"] == free_fen + 600
    assert_ties(refunding)


def test_what_a_settlement_cannot_cover_waits_for_the_next_ones(refunding: Campaign) -> None:
    """The city is owed ¥30 and pays ¥12 a day: two days go whole, of the third the rest."""
    redemption = bought(refunding, who="alice")
    cash(refunding)
    paid_day(refunding, TODAY, MIDNIGHT)
    refund_of(redemption, refund_no="R-1", at=NOON + DAY)
    totals = []
    for day in range(1, 5):
        bought(refunding, who=f"buyer-{day}", tier="off20", at=NOON + day * DAY)
        city, _ = paid_day(refunding, TODAY + timedelta(days=day), MIDNIGHT + day * DAY)
        totals.append((city.total_fen, [fen for *_, fen in rows_of(city)]))
        assert_ties(refunding)
    assert totals == [
        (0, ["12.00", "-12.00"]),
        (0, ["12.00", "-12.00"]),
        (600, ["12.00", "-6.00"]),
        (1_200, ["12.00"]),
    ]
    assert fens(refunding, AccountKind.RECOVERABLE) == {"city": 0, "group": 0}


def test_the_oldest_refund_is_kept_back_first(refunding: Campaign) -> None:
    first, second = bought(refunding, who="alice"), bought(refunding, who="carol")
    cash(refunding)
    paid_day(refunding, TODAY, MIDNIGHT)
    refund_of(second, 19_000, refund_no="R-1", at=NOON + DAY)
    refund_of(first, 57_000, refund_no="R-2", at=NOON + DAY)
    bought(refunding, who="buyer", tier="off20", at=NOON + DAY)
    city, _ = paid_day(refunding, TOMORROW, MIDNIGHT + DAY)
    assert [(no, fen) for _, no, _, fen in rows_of(city)] == [
        ("0", "12.00"),
        ("R-1", "-6.00"),
        ("R-2", "-6.00"),
    ]
    assert_ties(refunding)


def test_one_merchants_debt_is_not_kept_back_from_another(refunding: Campaign) -> None:
    redemption = bought(refunding, who="alice")
    cash(refunding)
    paid_day(refunding, TODAY, MIDNIGHT)
    refund_of(redemption, at=NOON + DAY)
    bought(refunding, who="carol", store=cast.rival_shop(), at=NOON + DAY)
    city, _ = paid_day(refunding, TOMORROW, MIDNIGHT + DAY)
    assert (city.merchant.code, city.total_fen) == ("rival", 3_000)
    assert fens(refunding, AccountKind.RECOVERABLE)["city"] == 3_000


def test_a_refund_after_the_cut_off_goes_to_the_settlement_after(refunding: Campaign) -> None:
    first = bought(refunding, who="alice")
    cash(refunding)
    paid_day(refunding, TODAY, MIDNIGHT)
    bought(refunding, who="carol", at=NOON + DAY)
    refund_of(first, 19_000, at=NOON + 2 * DAY)
    city, _ = paid_day(refunding, TOMORROW, NOON + 2 * DAY)
    assert city.total_fen == 3_000
    bought(refunding, who="buyer", at=NOON + 2 * DAY)
    city, _ = paid_day(refunding, TODAY + timedelta(days=2), MIDNIGHT + 2 * DAY)
    assert city.total_fen == 2_400
    assert_ties(refunding)


def test_a_refund_while_the_settlement_waits_for_cash_leaves_its_file_as_it_is(
    refunding: Campaign,
) -> None:
    """The merchant is paid what the file says, and owes what was refunded."""
    redemption = bought(refunding, who="alice")
    city, _ = settle_day(campaign=refunding, business_day=TODAY, at=MIDNIGHT)
    refund_of(redemption, 19_000, at=NOON + DAY)
    assert fens(refunding, AccountKind.PAYABLE)["city"] == 2_400
    cash(refunding)
    assert pay(settlement=city, at=NOON + DAY)
    assert Settlement.objects.get(pk=city.pk).total_fen == 3_000
    assert fens(refunding, AccountKind.SETTLED)["city"] == 2_400
    assert fens(refunding, AccountKind.RECOVERABLE)["city"] == 600
    assert_ties(refunding)


def test_a_settlement_refunded_whole_while_it_waits_is_paid_without_a_posting(
    refunding: Campaign,
) -> None:
    redemption = bought(refunding, who="alice")
    city, _ = settle_day(campaign=refunding, business_day=TODAY, at=MIDNIGHT)
    refund_of(redemption, at=NOON + DAY)
    cash(refunding)
    assert pay(settlement=city, at=NOON + DAY)
    assert not Transfer.objects.filter(reason="settle").exists()
    assert_ties(refunding)


def test_what_is_kept_back_needs_no_cash_and_what_is_collected_is_cash(
    refunding: Campaign,
) -> None:
    redemption = bought(refunding, who="alice")
    send_cash(refunding, "city", 3_000)
    city, _ = settle_day(campaign=refunding, business_day=TODAY, at=MIDNIGHT)
    assert pay(settlement=city, at=MIDNIGHT)
    refund_of(redemption, at=NOON + DAY)
    bought(refunding, who="carol", at=NOON + DAY)
    bought(refunding, who="buyer", at=NOON + DAY)
    city, _ = settle_day(campaign=refunding, business_day=TOMORROW, at=MIDNIGHT + DAY)
    with pytest.raises(Refused) as refused:
        pay(settlement=city, at=MIDNIGHT + DAY)
    assert refused.value.refusal.facts["missing_fen"] == 3_000
    send_cash(refunding, "city", 2_999)
    with pytest.raises(Refused, match="cash_not_received"):
        pay(settlement=city, at=MIDNIGHT + DAY)
    send_cash(refunding, "city", 1)
    assert pay(settlement=city, at=MIDNIGHT + DAY)
    assert_ties(refunding)


def test_the_database_lets_no_line_keep_back_more_than_is_owed(refunding: Campaign) -> None:
    redemption = bought(refunding, who="alice")
    cash(refunding)
    city, _ = paid_day(refunding, TODAY, MIDNIGHT)
    refund_of(redemption, 19_000, at=NOON + DAY)
    with pytest.raises(IntegrityError, match="too much"), transaction.atomic():
        SettlementLine.objects.create(
            settlement=city,
            redemption=redemption,
            voucher_id=redemption.voucher_id,
            source=city.source,
            kind="refund",
            refund_id=redemption.refunds.get().pk,
            amount_fen=-601,
        )
