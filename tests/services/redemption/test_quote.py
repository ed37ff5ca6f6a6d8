"""A quote: what redeeming would give or be refused, by the same rules, and nothing done."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec
import pytest

from tests.support import cast
from tests.support.cast import NOON
from tests.support.presenting import identified, paper_of, presented
from tests.support.risk import rule, with_rules
from tests.support.till import (
    answer_to,
    authorised,
    issue_vouchers,
    nothing_moves,
    order,
    till_of,
    voided,
)
from vouchers.models import (
    Attempt,
    Campaign,
    Paper,
    Presentation,
    RequestRecord,
    RiskTally,
    Signal,
    WrongCodes,
)
from vouchers.services.campaigns import lifecycle
from vouchers.services.redemption import RedeemRequest, quote
from vouchers.services.redemption.outcomes import Quoted
from vouchers.states import LimitKind, RiskKind, RiskSetting, WrongCodeKind

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return cast.running_campaign(funding=cast.CO_FUNDED, limits={LimitKind.RESIDENT_DAY: 1})


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def quoted(request: RedeemRequest) -> Any:
    return quote(request=request)


def test_a_quote_is_what_redeeming_gives_and_moves_nothing(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    request = order(voucher, cast.nanjing_road(), cast.alice())
    with nothing_moves():
        found = quoted(request)
    assert isinstance(found, Quoted)
    assert not RequestRecord.objects.exists()
    assert not Attempt.objects.exists()
    status, body = answer_to(request)
    assert status == 201
    for name in found.__struct_fields__:
        assert body[name] == _plain(getattr(found, name)), name


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [{"source": share.source, "fen": share.fen} for share in value]
    return value


def _used(campaign: Campaign) -> RedeemRequest:
    first, second = issue_vouchers(campaign, [cast.alice()] * 2)
    assert answer_to(order(first, cast.nanjing_road(), cast.alice()))[0] == 201
    return order(second, cast.nanjing_road(), cast.alice())


def _paused(campaign: Campaign) -> RedeemRequest:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    lifecycle.pause(campaign=campaign, by=cast.mei(), at=NOON)
    return order(voucher, cast.nanjing_road(), cast.alice())


def _on(*, at: datetime = NOON, **change: Any) -> Callable[[Campaign], RedeemRequest]:
    def request(campaign: Campaign) -> RedeemRequest:
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        asked = order(voucher, cast.nanjing_road(), cast.alice(), at=at)
        return replace(asked, order=msgspec.structs.replace(asked.order, **change))

    return request


@pytest.mark.parametrize(
    ("asking", "code"),
    [
        (_used, "resident_limit"),
        (_paused, "campaign_not_running"),
        (_on(order_amount_fen=9_999), "below_threshold"),
        (_on(at=NOON + timedelta(days=15)), "voucher_expired"),
        (_on(store="nowhere"), "store_not_found"),
        (_on(store="rival_shop"), "store_not_found"),
        (_on(resident="bob"), "voucher_not_usable"),
        (_on(voucher="8" + "0" * 19), "voucher_not_usable"),
    ],
)
def test_a_quote_is_refused_as_redeeming_would_be(
    campaign: Campaign, asking: Callable[[Campaign], RedeemRequest], code: str
) -> None:
    cast.rival_shop(), cast.bob()
    request = asking(campaign)
    before = Attempt.objects.count()
    with nothing_moves():
        found = quoted(request)
    assert found.code == code
    recorded = Attempt.objects.count() - before
    assert recorded == (1 if code == "voucher_not_usable" else 0)
    assert answer_to(request)[1]["code"] == code


def test_a_wrong_code_is_recorded_whichever_call_it_is_guessed_by(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    request = order(voucher, cast.nanjing_road(), cast.bob())
    quoted(request)
    attempt = Attempt.objects.get()
    assert (attempt.code, attempt.rule) == ("voucher_not_usable", "holder_or_proxy")
    assert (attempt.caller_id, attempt.voucher_id) == (request.caller.credential_id, voucher.pk)
    assert attempt.facts["act"] == "quote"


class TestWrongCodes:
    FREE = 2

    @pytest.fixture(autouse=True)
    def few_are_free(self, settings: Any) -> None:
        settings.HUIMIN_WRONG_CODES = self.FREE

    def counted(self) -> dict[int, int]:
        return dict(WrongCodes.objects.values_list("kind", "wrong_count"))

    def test_guesses_at_quotes_are_counted_of_till_store_and_voucher_and_slow_all_three(
        self, campaign: Campaign
    ) -> None:
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        wrong = order(voucher, cast.nanjing_road(), cast.bob())
        heard = [quoted(wrong).code for _ in range(self.FREE + 2)]
        assert heard == ["voucher_not_usable"] * self.FREE + ["too_many_wrong_codes"] * 2
        kinds = (WrongCodeKind.TERMINAL, WrongCodeKind.STORE, WrongCodeKind.VOUCHER)
        # What had to wait was not looked at, so it is no guess.
        assert self.counted() == dict.fromkeys(kinds, self.FREE)
        assert Attempt.objects.count() == self.FREE
        asked = order(voucher, cast.nanjing_road(), cast.alice())
        assert answer_to(asked)[0] == 429
        assert isinstance(quoted(replace(asked, at=NOON + timedelta(seconds=2))), Quoted)

    def test_a_presented_code_quoted_with_anothers_name_counts_and_is_not_used(
        self, campaign: Campaign
    ) -> None:
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        code = presented(voucher, cast.alice())
        assert quoted(order(code, cast.nanjing_road(), cast.bob())).code == "voucher_not_usable"
        kinds = (WrongCodeKind.TERMINAL, WrongCodeKind.STORE)
        assert self.counted() == dict.fromkeys(kinds, 1)
        assert Presentation.objects.get().redemption_id is None
        assert isinstance(quoted(order(code, cast.nanjing_road(), None)), Quoted)

    def test_a_code_that_was_good_once_counts_as_no_guess(self, campaign: Campaign) -> None:
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        code = presented(voucher, cast.alice())
        late = order(code, cast.nanjing_road(), None, at=NOON + timedelta(minutes=2))
        assert quoted(late).code == "voucher_not_usable"
        assert Attempt.objects.get().rule == "presentation_expired"
        assert self.counted() == {}

    def test_a_refusal_for_another_reason_does_not_count_as_a_guess(
        self, campaign: Campaign
    ) -> None:
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        assert quoted(order(voucher, cast.nanjing_road(), cast.alice(), amount_fen=1)).code == (
            "below_threshold"
        )
        assert self.counted() == {}

    def test_a_papers_digits_have_five_tries_whichever_call_they_are_tried_by(
        self, campaign: Campaign, settings: Any
    ) -> None:
        settings.HUIMIN_WRONG_CODES = 30
        (voucher,) = issue_vouchers(campaign, [identified(cast.alice())])
        code, store = paper_of(voucher, cast.alice()), cast.nanjing_road()
        heard = [quoted(order(code, store, None, id_digits="0021")).code for _ in range(6)]
        assert heard == ["voucher_not_usable"] * 5 + ["too_many_wrong_codes"]
        assert Paper.objects.get().wrong_count == 5
        right = answer_to(order(code, store, None, id_digits="002X"))
        assert (right[0], right[1]["code"]) == (429, "too_many_wrong_codes")


class TestRiskRules:
    AT_NOON: ClassVar = {"from_hour": 12, "to_hour": 13}

    def test_a_live_rule_refuses_a_quote_as_it_would_the_order_and_leaves_no_trace(
        self, campaign: Campaign
    ) -> None:
        with_rules(campaign, rule(RiskKind.NIGHT_HOURS, figures=self.AT_NOON))
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        request = order(voucher, cast.nanjing_road(), cast.alice())
        with nothing_moves():
            found = quoted(request)
        assert (found.code, found.rule) == ("risk_refused", "night_hours")
        for model in (Attempt, RequestRecord, RiskTally, Signal, WrongCodes):
            assert not model.objects.exists(), model
        assert answer_to(request)[1]["code"] == "risk_refused"

    def test_a_quote_far_from_the_store_is_refused_as_the_order_would_be(
        self, campaign: Campaign
    ) -> None:
        with_rules(campaign, rule(RiskKind.STORE_DISTANCE))
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        beijing: Any = {"longitude": 116.4074, "latitude": 39.9042, "datum": "WGS-84"}
        request = order(voucher, cast.nanjing_road(), cast.alice(), **beijing)
        found = quoted(request)
        assert (found.code, found.rule) == ("risk_refused", "store_distance")
        assert answer_to(request)[1]["code"] == "risk_refused"

    def test_a_rule_in_shadow_refuses_no_quote(self, campaign: Campaign) -> None:
        shadow = rule(RiskKind.NIGHT_HOURS, setting=RiskSetting.SHADOW, figures=self.AT_NOON)
        with_rules(campaign, shadow)
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        assert isinstance(quoted(order(voucher, cast.nanjing_road(), cast.alice())), Quoted)
        assert not Signal.objects.exists()

    def test_quotes_are_judged_on_the_tallies_there_are_and_add_nothing_to_them(
        self, campaign: Campaign
    ) -> None:
        with_rules(campaign, rule(RiskKind.TERMINAL_MINUTE, orders=1))
        first, second = issue_vouchers(campaign, [cast.alice(), cast.carol()])
        store = cast.nanjing_road()
        for _ in range(2):
            assert isinstance(quoted(order(first, store, cast.alice())), Quoted)
        assert answer_to(order(first, store, cast.alice()))[0] == 201
        before = list(RiskTally.objects.values())
        assert quoted(order(second, store, cast.carol())).code == "risk_refused"
        assert list(RiskTally.objects.values()) == before


def test_a_quote_sees_what_became_of_the_voucher(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    store = cast.nanjing_road()
    request = order(voucher, store, cast.alice())
    redemption = authorised(voucher, store, cast.alice())
    assert quoted(request).code == "voucher_redeemed"
    voided(redemption, caller=till_of(store))
    assert isinstance(quoted(request), Quoted)
