"""A day is settled once, whole and per merchant and source; cash that has not come pays nobody."""

import csv
import hashlib
import io
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction

from merchants.errors import Refused
from merchants.models import Store
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.refunds import assert_ties, bought, campaign_with, fens, refund_of
from tests.support.till import answer_to, decoded, issue_vouchers, order, till_of, voided
from vouchers.models import (
    Campaign,
    Redemption,
    Resident,
    Settlement,
    SettlementLine,
    Transfer,
    Voucher,
)
from vouchers.queries.ledger.balances import balances, identity_rows
from vouchers.services.ledger import funding
from vouchers.services.redemption.holds import hold, release
from vouchers.services.settlement.days import pay, settle_and_pay_day, settle_day
from vouchers.states import AccountKind, RedemptionState, RefundPolicy, SettlementState

pytestmark = pytest.mark.django_db

TODAY = date(2026, 4, 1)
TOMORROW = date(2026, 4, 2)
MIDNIGHT = NOON + DAY / 2
"""The end of the business day in Shanghai."""


@pytest.fixture
def campaign() -> Campaign:
    """Funded 60 to 40 by city and group; stores of two merchants take part."""
    stores = (cast.nanjing_road(), cast.rival_shop())
    return cast.running_campaign(funding=cast.CO_FUNDED, stores=stores)


def people(number: int) -> list[Resident]:
    return [cast.resident(f"resident-{n}") for n in range(number)]


def redeemed(
    campaign: Campaign, stores: Sequence[Store], *, at: datetime = NOON
) -> list[Redemption]:
    """A 满200减50 used in each of `stores`, by as many residents."""
    residents = people(len(stores))
    vouchers = issue_vouchers(campaign, residents, tier="off50")
    made = []
    for voucher, store, resident in zip(vouchers, stores, residents, strict=True):
        status, body = answer_to(order(voucher, store, resident, at=at))
        assert status == 201, body
        made.append(Redemption.objects.get(pk=body["id"]))
    return made


def send_cash(campaign: Campaign, source: str, amount_fen: int) -> None:
    funding.receive_cash(
        source=campaign.sources.get(code=source),
        amount_fen=amount_fen,
        document_no="R-1",
        request_id=f"{source}-{amount_fen}",
        by="mei",
        at=NOON,
    )


def cash(campaign: Campaign) -> None:
    """Every source sends more than enough."""
    for source in campaign.sources.all():
        send_cash(campaign, source.code, 1_000_000)


def paid_day(campaign: Campaign, day: date, at: datetime) -> list[Settlement]:
    settlements = settle_and_pay_day(campaign=campaign, business_day=day, at=at)
    assert {row.state for row in settlements} == {SettlementState.PAID}
    return settlements


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


def test_a_day_that_nobody_closed_is_taken_by_the_next(campaign: Campaign) -> None:
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


def test_paying_moves_payable_to_settled(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road()])
    send_cash(campaign, "city", 3_000)
    settlement = settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT)[0]
    assert pay(settlement=settlement, at=MIDNIGHT)
    city = balances(campaign.pk)["city"]
    assert (city[AccountKind.PAYABLE], city[AccountKind.SETTLED]) == (0, 3_000)
    assert (settlement.state, settlement.paid_at) == (SettlementState.PAID, MIDNIGHT)
    assert {row.off_fen for row in identity_rows(campaign.pk)} == {0}


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


# What refunds take from settlements


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


# The command


def run_command(*arguments: str) -> str:
    output = StringIO()
    call_command("settle_day", *arguments, stdout=output)
    return output.getvalue()


def test_the_command_settles_and_pays_a_day(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road()])
    send_cash(campaign, "city", 3_000)
    printed = run_command(campaign.code, TODAY.isoformat(), "--pay")
    assert "¥30.00" in printed
    states = Settlement.objects.order_by("source_id").values_list("state", flat=True)
    assert list(states) == [SettlementState.PAID, SettlementState.READY]


def test_the_command_says_what_it_cannot_do(campaign: Campaign) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        run_command("nowhere")
    with pytest.raises(CommandError, match="2999-01-01"):
        run_command(campaign.code, "2999-01-01")
