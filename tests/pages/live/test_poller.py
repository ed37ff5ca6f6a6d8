"""What viewers are told: each alert once, of boards the newest, and when they fell behind."""

import asyncio
from datetime import timedelta

import pytest

from tests.support import cast
from tests.support.cast import NOON
from tests.support.risk import rule, with_rules
from tests.support.till import answer_to, issue_vouchers, order
from vouchers.models import Campaign, Voucher
from vouchers.pages.live.poller import ALERTS_MOST, RESET, Client, Event, _Round
from vouchers.pages.live.screen import cursor_of, cursor_text
from vouchers.queries.live.alerts import Cursor, Numbers, alerts_since, newest_cursor
from vouchers.queries.live.board import board
from vouchers.queries.roles import CITY
from vouchers.states import RiskKind, RiskVerdict

ORDERS = 3


def client(loop: asyncio.AbstractEventLoop) -> Client:
    return Client("en", CITY, loop)


def told(*events: Event) -> list[Event]:
    """What a stream would send after its client was told these."""

    async def run() -> list[Event]:
        viewer = client(asyncio.get_running_loop())
        for event in events:
            viewer.push(event)
        await asyncio.sleep(0)
        return viewer.waiting()

    return asyncio.run(run())


def test_alerts_wait_in_their_order_and_only_the_newest_board() -> None:
    first, second = Event("alert", "1"), Event("alert", "2")
    assert told(first, Event("board", "old"), second, Event("board", "new")) == [
        first,
        second,
        Event("board", "new"),
    ]


def test_a_viewer_that_falls_behind_loads_the_page_again() -> None:
    assert told(*[Event("alert", str(number)) for number in range(ALERTS_MOST + 1)]) == [RESET]


def test_an_event_for_a_client_whose_loop_has_ended_is_dropped() -> None:
    loop = asyncio.new_event_loop()
    gone = client(loop)
    loop.close()
    gone.push(RESET)
    assert gone.waiting() == []


def test_an_event_of_several_lines_is_one_event() -> None:
    assert Event("alert", "a\nb", "1.2").encode() == b"id: 1.2\nevent: alert\ndata: a\ndata: b\n\n"


@pytest.mark.parametrize("text", ["", "1", "1.2.3", "-1.2", "a.b", "²." + "1", "9" * 30 + ".1"])
def test_an_invalid_cursor_is_ignored(text: str) -> None:
    assert cursor_of(text) is None


def test_a_cursor_comes_back() -> None:
    assert cursor_of(cursor_text(Cursor(12, 5))) == Cursor(12, 5)


@pytest.mark.django_db
class TestRound:
    @pytest.fixture
    def campaign(self) -> Campaign:
        """Every order of the tests' noon is held."""
        figures = {"from_hour": 12, "to_hour": 13}
        noon = rule(RiskKind.NIGHT_HOURS, verdict=RiskVerdict.HOLD, figures=figures)
        return with_rules(cast.running_campaign(limits={}), noon)

    @pytest.fixture
    def vouchers(self, campaign: Campaign) -> list[Voucher]:
        return issue_vouchers(campaign, [cast.alice()] * ORDERS)

    def test_each_alert_is_found_once_also_one_of_a_smaller_number(
        self, vouchers: list[Voucher]
    ) -> None:
        self.bought(vouchers[0])
        round_ = _Round()
        assert round_._fresh() == []

        self.bought(vouchers[1])
        found = round_._fresh()
        assert [alert.id.partition("-")[0] for alert in found] == ["hold", "signal"]
        assert round_._fresh() == []

        # As if its transaction, which took the number before, had ended only now.
        late = found[-1]
        round_._known = round_._known.without(Numbers(frozenset({late.cursor.signal_id})))
        assert round_._fresh() == [late]

    def test_the_cursor_and_an_overlap_in_time(self, vouchers: list[Voucher]) -> None:
        self.bought(vouchers[0])
        newest = newest_cursor()
        assert alerts_since(newest, most=9) == []
        again = alerts_since(newest, overlap=9, overlap_since=NOON - timedelta(minutes=1), most=9)
        assert len(again) == 2
        assert alerts_since(newest, overlap=9, overlap_since=NOON, most=9) == []

    def test_the_board_counts_the_day(self, vouchers: list[Voucher]) -> None:
        for voucher in vouchers:
            self.bought(voucher)
        answer_to(order(vouchers[0], cast.nanjing_road(), cast.alice(), key="again"))

        shown = board(at=NOON + timedelta(seconds=30))

        assert (shown.rates.redeemed, shown.rates.refused) == (ORDERS, 1)
        assert shown.rates.by_minute[-1] == ORDERS
        assert shown.rates.today_fen == 2_000 * ORDERS
        assert [row.vouchers for row in shown.stores] == [ORDERS]
        assert shown.refusals == [("voucher_redeemed", 1)]
        assert all(money.is_balanced for money in shown.campaigns)
        assert (shown.is_campaign_day, shown.troubles) == (True, [])

    def bought(self, voucher: Voucher) -> None:
        status, body = answer_to(order(voucher, cast.nanjing_road(), cast.alice()))
        assert status == 201, body


@pytest.mark.django_db
def test_an_empty_city_is_an_everyday_one() -> None:
    shown = board(at=NOON)
    assert (shown.is_campaign_day, shown.troubles, shown.campaigns) == (False, [], [])
