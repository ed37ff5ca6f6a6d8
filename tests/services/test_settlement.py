"""A day is settled once, whole and per merchant and source; cash that has not come pays nobody."""

import csv
import hashlib
import io
from collections.abc import Sequence
from datetime import date, datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError

from merchants.errors import Refused
from merchants.models import Store
from tests import cast
from tests.cast import DAY, NOON
from tests.till import answer_to, decoded, hand_out, order, till_of, voided
from vouchers.models import (
    Campaign,
    Hold,
    Redemption,
    Resident,
    Settlement,
    SettlementLine,
    Transfer,
    Voucher,
)
from vouchers.queries.balances import balances, identity_rows
from vouchers.services import ledger
from vouchers.services.settlement import pay, settle_and_pay_day, settle_day
from vouchers.states import AccountKind, RedemptionState, SettlementState

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
    vouchers = hand_out(campaign, residents, tier="off50")
    made = []
    for voucher, store, resident in zip(vouchers, stores, residents, strict=True):
        status, body = answer_to(order(voucher, store, resident, at=at))
        assert status == 201, body
        made.append(Redemption.objects.get(pk=body["id"]))
    return made


def send_cash(campaign: Campaign, source: str, amount_fen: int) -> None:
    ledger.receive_cash(
        source=campaign.sources.get(code=source),
        amount_fen=amount_fen,
        document_no="R-1",
        request_id=f"{source}-{amount_fen}",
        by="mei",
        at=NOON,
    )


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
    hold = Hold.objects.create(redemption=made, reason="check", opened_by="rosa", opened_at=NOON)
    assert settle_day(campaign=campaign, business_day=TODAY, at=MIDNIGHT) == []
    Hold.objects.filter(pk=hold.pk).update(released_at=NOON + DAY, released_by="rosa")
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
