"""A till's bad day: the line is cut between commit and answer, and before anything arrives.

Played with the sample till of `docs/client`, over HTTP, on a line that can be cut. In every case
a voucher is used once, and after catching up service and till agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.utils import timezone

from docs.client.huimin import Client, Order, OutcomeUnknown, Refused
from docs.client.till import Entry, Journal, Sale, Till
from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.cut_line import CutLine, Line, cut_line
from tests.support.http_till import HttpTill, http_till, open_campaign, till_key
from tests.support.web_server import Server
from vouchers.models import OrderClaim, Redemption, Voucher
from vouchers.states import RedemptionState, VoucherState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

VOUCHERS = 4
AMOUNT_FEN, DISCOUNT_FEN = 25_000, 2_000
SOON_S = (0, 0.01, 0.01, 0.01)


@dataclass
class Day:
    """A till in Nanjing Road behind a line, and a customer with vouchers."""

    line: CutLine
    client: Client
    journal: Journal
    hand: HttpTill

    def till(self, *, takes_offline_fen: int = 0) -> Till:
        """The till, as if just switched on: what it knows is in the journal."""
        return Till(
            self.client, self.journal, store="nanjing_road", takes_offline_fen=takes_offline_fen
        )

    def sell(self, till: Till, number: int, order_no: str) -> Sale:
        """An order of ¥250, and voucher `number` of Alice's."""
        return till.sell(
            order_no=order_no,
            amount_fen=AMOUNT_FEN,
            voucher=self.hand.codes[number],
            resident="alice",
        )


@pytest.fixture
def day(service: Server, tmp_path: Path) -> Iterator[Day]:
    key = till_key(cast.nanjing_road())
    hand = http_till(open_campaign(timezone.now()), "day", key, size=VOUCHERS, holder=cast.alice())
    with cut_line(service.url) as line, Client(line.url, key, pauses_s=SOON_S) as client:
        yield Day(line, client, Journal(tmp_path / "journal.jsonl"), hand)
    assert_proven()


def states() -> list[tuple[str, int]]:
    """Every redemption's order and state."""
    return list(Redemption.objects.order_by("id").values_list("order_no", "state"))


def usable() -> int:
    """Vouchers that can be used."""
    return Voucher.objects.filter(state=VoucherState.ISSUED).count()


def test_an_answer_that_is_lost_is_asked_for_again_and_nothing_is_done_twice(day: Day) -> None:
    day.line.state = Line.NO_ANSWER_ONCE
    sale = day.sell(day.till(), 0, "A-1")
    assert (sale.payable_fen, sale.discount_fen) == (AMOUNT_FEN - DISCOUNT_FEN, DISCOUNT_FEN)
    assert states() == [("A-1", RedemptionState.CAPTURED)]
    assert Redemption.objects.get().pk == sale.redemption_id
    assert day.till().catch_up() == []


def test_full_price_was_paid_so_the_redemption_is_reversed_and_the_voucher_comes_back(
    day: Day,
) -> None:
    till = day.till()
    day.line.state = Line.NO_ANSWER
    sale = day.sell(till, 0, "A-1")
    assert (sale.payable_fen, sale.discount_fen) == (AMOUNT_FEN, 0)
    # It was done all the same: only the answers were lost.
    assert states() == [("A-1", RedemptionState.CAPTURED)]
    with pytest.raises(OutcomeUnknown):
        till.catch_up()
    day.line.state = Line.WHOLE
    assert till.catch_up() == []
    assert states() == [("A-1", RedemptionState.REVERSED)]
    assert usable() == VOUCHERS
    assert day.sell(till, 0, "A-2").discount_fen == DISCOUNT_FEN


def test_an_order_that_never_arrived_is_reversed_and_its_late_original_refused(day: Day) -> None:
    till = day.till()
    day.line.state = Line.DEAD
    assert day.sell(till, 0, "A-1").discount_fen == 0
    day.line.state = Line.WHOLE
    till.catch_up()
    assert states() == []
    assert OrderClaim.objects.get().redemption_id is None
    # The first request was held somewhere in the net, and arrives only now.
    held = Order(day.hand.codes[0], "nanjing_road", "A-1", AMOUNT_FEN, "alice")
    with pytest.raises(Refused) as refused:
        day.client.redeem(held, key="nanjing_road-A-1-held")
    assert refused.value.code == "order_reversed"
    assert usable() == VOUCHERS


def test_what_was_taken_offline_is_sent_in_a_batch_and_the_merchant_bears_what_is_refused(
    day: Day,
) -> None:
    till = day.till(takes_offline_fen=DISCOUNT_FEN)
    day.line.state = Line.NO_ANSWER
    arrived = day.sell(till, 0, "A-1")
    day.line.state = Line.DEAD
    taken = day.sell(till, 1, "A-2")
    used_elsewhere = day.sell(till, 2, "A-3")
    assert [sale.discount_fen for sale in (arrived, taken, used_elsewhere)] == [DISCOUNT_FEN] * 3
    assert states() == [("A-1", RedemptionState.CAPTURED)]
    # The third customer goes on to another till, where the line is whole.
    day.line.state = Line.WHOLE
    elsewhere = Order(day.hand.codes[2], "nanjing_road", "B-9", AMOUNT_FEN, "alice")
    day.client.redeem(elsewhere, key="B-9")
    day.line.state = Line.NO_ANSWER
    with pytest.raises(OutcomeUnknown):
        till.catch_up()
    day.line.state = Line.WHOLE
    refused = till.catch_up()
    assert [each.code for each in refused] == ["voucher_redeemed"]
    assert states() == [(no, RedemptionState.CAPTURED) for no in ("A-1", "B-9", "A-2")]
    assert till.catch_up() == []
    assert usable() == VOUCHERS - 3


def test_after_a_power_cut_the_till_finds_in_its_journal_what_it_may_have_done(day: Day) -> None:
    day.line.state = Line.NO_ANSWER
    entry = Entry(Order(day.hand.codes[0], "nanjing_road", "A-1", AMOUNT_FEN, "alice"), "sent")
    day.journal.write(entry)
    with pytest.raises(OutcomeUnknown):
        day.client.redeem(entry.order, key=entry.key)
    # The power goes before anything else is written down.
    assert states() == [("A-1", RedemptionState.CAPTURED)]
    day.line.state = Line.WHOLE
    day.till().catch_up()
    assert states() == [("A-1", RedemptionState.REVERSED)]
    assert usable() == VOUCHERS
