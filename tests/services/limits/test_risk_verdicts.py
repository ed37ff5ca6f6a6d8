"""What becomes of an order that a risk rule noticed: shadow, pay, hold, refuse."""

from datetime import date, timedelta

import pytest

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.concurrency.invariants import assert_proven
from tests.support.refunds import fens, settled
from tests.support.risk import QUIET, Watched, proposed, rule, with_rules
from tests.support.till import (
    answer_to,
    authorised,
    captured,
    issue_vouchers,
    nothing_moves,
    order,
    redeem,
    till_of,
    voided,
)
from vouchers.http.answers import problem
from vouchers.models import Attempt, Campaign, Hold, Redemption, RiskTally, RiskVersion, Signal
from vouchers.rules.limits.risk_rules import RiskRule
from vouchers.services.campaigns.proposals import approve_proposal, propose_risk_rule
from vouchers.services.redemption.holds import release
from vouchers.states import AccountKind, RiskKind, RiskSetting, RiskVerdict

pytestmark = pytest.mark.django_db

TODAY = date(2026, 4, 1)
FACE_FEN = 2_000
AT_NOON = {"from_hour": 12, "to_hour": 13}


def at_noon(
    verdict: RiskVerdict = RiskVerdict.REFUSE, setting: RiskSetting = RiskSetting.LIVE
) -> RiskRule:
    """A rule that notices every order of the tests' noon."""
    return rule(RiskKind.NIGHT_HOURS, setting=setting, verdict=verdict, figures=AT_NOON)


def held_fen(campaign: Campaign) -> tuple[int, int]:
    """Of the city's money what is payable, and what is held."""
    payable, held = (fens(campaign, kind) for kind in (AccountKind.PAYABLE, AccountKind.RISK_HELD))
    return payable["city"], held["city"]


class TestRefuse:
    def test_nothing_moves_and_the_till_does_not_learn_the_rule(self, watched: Watched) -> None:
        campaign = watched(at_noon())
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        with nothing_moves():
            status, body = answer_to(order(voucher, cast.nanjing_road(), cast.alice()))
        assert (status, body["code"], body["rule"]) == (422, "risk_refused", "risk_refused")
        assert body["facts"] == {}
        assert not any(kind.value in str(body) for kind in RiskKind)
        assert (Attempt.objects.get().code, Attempt.objects.get().rule) == (
            "risk_refused",
            "night_hours",
        )
        assert not RiskTally.objects.exists()

    def test_the_signal_has_the_facts_and_no_redemption(self, watched: Watched) -> None:
        campaign = watched(at_noon())
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        answer_to(order(voucher, cast.nanjing_road(), cast.alice(), order_no="N-1"))
        signal = Signal.objects.get()
        assert signal.facts == {"local_time": "12:00", **AT_NOON}
        assert (signal.campaign, signal.version.number) == (campaign, 1)
        assert (signal.redemption_id, signal.voucher_id) == (None, voucher.pk)
        assert (signal.setting, signal.verdict, signal.order_no) == ("live", "refuse", "N-1")
        assert (signal.subject, signal.subject_id) == ("store", cast.nanjing_road().pk)

    def test_the_same_key_gets_the_same_refusal_after_the_rule_is_off(
        self, watched: Watched
    ) -> None:
        campaign = watched(at_noon())
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        request = order(voucher, cast.nanjing_road(), cast.alice())
        (first,) = redeem(requests=[request])
        with_rules(campaign, at_noon(setting=RiskSetting.OFF))
        (again,) = redeem(requests=[request])
        assert (again.status, again.body) == (first.status, first.body)
        assert answer_to(order(voucher, cast.nanjing_road(), cast.alice()))[0] == 201
        assert Signal.objects.count() == 1

    def test_every_other_refusal_comes_first_and_leaves_no_signal(self, watched: Watched) -> None:
        campaign = watched(at_noon())
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        _, body = answer_to(order(voucher, cast.nanjing_road(), cast.alice(), amount_fen=1))
        assert body["code"] == "below_threshold"
        assert not Signal.objects.exists()


class TestShadow:
    @pytest.mark.parametrize("verdict", RiskVerdict)
    def test_it_leaves_a_signal_and_changes_nothing_else(
        self, verdict: RiskVerdict, watched: Watched
    ) -> None:
        campaign = watched(at_noon(verdict, RiskSetting.SHADOW))
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        assert answer_to(order(voucher, cast.nanjing_road(), cast.alice()))[0] == 201
        assert held_fen(campaign) == (FACE_FEN, 0)
        assert not Hold.objects.exists()
        signal = Signal.objects.get()
        assert (signal.setting, signal.verdict) == ("shadow", verdict.value)
        assert signal.redemption == Redemption.objects.get()
        assert_proven()

    def test_off_leaves_none(self, watched: Watched) -> None:
        campaign = watched(at_noon(setting=RiskSetting.OFF))
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        assert answer_to(order(voucher, cast.nanjing_road(), cast.alice()))[0] == 201
        assert not Signal.objects.exists()


class TestPay:
    def test_it_leaves_a_signal_only(self, watched: Watched) -> None:
        campaign = watched(at_noon(RiskVerdict.PAY))
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        assert answer_to(order(voucher, cast.nanjing_road(), cast.alice()))[0] == 201
        assert held_fen(campaign) == (FACE_FEN, 0)
        assert Signal.objects.get().verdict == "pay"


class TestHold:
    def test_the_shopper_pays_less_and_the_merchants_money_is_held(self, watched: Watched) -> None:
        campaign = watched(at_noon(RiskVerdict.HOLD))
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        status, body = answer_to(order(voucher, cast.nanjing_road(), cast.alice()))
        assert (status, body["discount_fen"]) == (201, FACE_FEN)
        assert "hold" not in str(body)
        assert held_fen(campaign) == (0, FACE_FEN)
        hold = Hold.objects.get()
        assert (hold.redemption_id, hold.released_at) == (body["id"], None)
        assert (hold.opened_by, hold.opened_at) == ("risk rules v1", NOON)
        assert hold.rule_version == campaign.risk_versions.get()
        assert hold.reason.startswith("night_hours: local_time 12:00")
        assert_proven()

    def test_no_settlement_takes_it_until_the_risk_officer_releases_it(
        self, watched: Watched
    ) -> None:
        campaign = watched(at_noon(RiskVerdict.HOLD))
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        answer_to(order(voucher, cast.nanjing_road(), cast.alice()))
        assert settled(campaign, TODAY, NOON + DAY / 2, is_paid=False) == []
        release(hold=Hold.objects.get(), by=cast.ren(), at=NOON + DAY)
        assert held_fen(campaign) == (FACE_FEN, 0)
        (settlement,) = settled(campaign, TODAY + DAY, NOON + 3 * DAY / 2, is_paid=False)
        assert settlement.total_fen == FACE_FEN
        assert_proven()

    def test_a_void_ends_it(self, watched: Watched) -> None:
        campaign = watched(at_noon(RiskVerdict.HOLD))
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        answer_to(order(voucher, cast.nanjing_road(), cast.alice()))
        till = till_of(cast.nanjing_road())
        assert voided(Redemption.objects.get(), caller=till).status == 200
        assert held_fen(campaign) == (0, 0)
        assert Hold.objects.get().released_at is not None
        assert_proven()

    def test_of_an_authorisation_the_money_is_held_when_it_is_captured(
        self, watched: Watched
    ) -> None:
        campaign = watched(at_noon(RiskVerdict.HOLD))
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        redemption = authorised(voucher, cast.nanjing_road(), cast.alice())
        assert not Hold.objects.exists()
        with_rules(campaign, at_noon(setting=RiskSetting.OFF))
        at = NOON + timedelta(minutes=5)
        assert captured(redemption, caller=till_of(cast.nanjing_road()), at=at).status == 200
        assert held_fen(campaign) == (0, FACE_FEN)
        assert Hold.objects.get().opened_by == "risk rules v1"
        assert_proven()

    def test_one_batch_holds_some_and_pays_others(self, watched: Watched) -> None:
        campaign = watched(
            rule(RiskKind.TERMINAL_MINUTE, orders=1, verdict=RiskVerdict.HOLD),
            rule(RiskKind.DEVICE_SHARED, people=2, verdict=RiskVerdict.REFUSE),
        )
        people = [cast.alice(), cast.carol(), cast.bob()]
        vouchers = issue_vouchers(campaign, people)
        store = cast.nanjing_road()
        requests = [
            order(voucher, store, person, device="d")
            for voucher, person in zip(vouchers, people, strict=True)
        ]
        assert [answer.status for answer in redeem(requests=requests)] == [201, 201, 422]
        assert held_fen(campaign) == (FACE_FEN, FACE_FEN)
        # The third tripped both rules; the graver one decided.
        noticed = Signal.objects.values_list("kind", "redemption_id")
        assert sorted((kind, redemption is None) for kind, redemption in noticed) == [
            ("device_shared", True),
            ("terminal_minute", False),
            ("terminal_minute", True),
        ]
        assert_proven()


class TestVersions:
    def test_a_version_is_the_one_before_with_one_rule_changed(self, watched: Watched) -> None:
        campaign = watched(at_noon(), rule(RiskKind.SPLIT_ORDERS, minutes=5))
        with_rules(campaign, at_noon(RiskVerdict.HOLD))
        third, second, first = RiskVersion.objects.filter(campaign=campaign)
        assert [version.number for version in (first, second, third)] == [1, 2, 3]
        assert [item["kind"] for item in first.rules] == ["night_hours"]
        assert [item["kind"] for item in third.rules] == ["split_orders", "night_hours"]
        assert [item["verdict"] for item in third.rules] == ["refuse", "hold"]

    def test_rules_that_changed_meanwhile_are_not_overwritten(self, campaign: Campaign) -> None:
        waiting = proposed(campaign, at_noon())
        with_rules(campaign, rule(RiskKind.SPLIT_ORDERS))
        with pytest.raises(Refused, match="figure_changed"):
            cast.approved(waiting)
        assert RiskVersion.objects.count() == 1

    def test_who_proposed_it_cannot_approve_it(self, campaign: Campaign) -> None:
        both = cast.mei()
        both = cast.grant(both, "approver")
        waiting = proposed(campaign, at_noon())
        with pytest.raises(Refused, match="approver_proposed"):
            approve_proposal(
                proposal=waiting,
                by=type(both).objects.get(pk=both.pk),
                seen_sha256=bytes(waiting.sha256),
                at=NOON,
            )
        assert not RiskVersion.objects.exists()

    def test_rules_are_in_force_from_the_launch_when_approved_in_the_draft(self) -> None:
        draft = cast.spring_campaign(limits={})
        with_rules(draft, at_noon(), at=NOON - 20 * DAY)
        campaign = cast.launched(draft)
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        assert answer_to(order(voucher, cast.nanjing_road(), cast.alice()))[0] == 422

    @pytest.mark.parametrize(
        ("kind", "parameters", "rule_broken"),
        [
            (RiskKind.SPLIT_ORDERS, {"minutes": 0}, "bounds"),
            (RiskKind.SPLIT_ORDERS, {"minutes": 1_441}, "bounds"),
            (RiskKind.SPLIT_ORDERS, {"hours": 1}, "parameters"),
            (RiskKind.NIGHT_HOURS, {"to_hour": 24}, "bounds"),
        ],
    )
    def test_a_rule_out_of_bounds_is_refused(
        self, kind: RiskKind, parameters: dict[str, int], rule_broken: str, campaign: Campaign
    ) -> None:
        with pytest.raises(Refused) as refused:
            proposed(campaign, rule(kind, figures=parameters))
        assert refused.value.refusal.code == "risk_rule_invalid"
        assert refused.value.refusal.rule == rule_broken
        assert problem(refused.value.refusal).status == 422

    def test_an_approver_alone_cannot_propose(self, campaign: Campaign) -> None:
        with pytest.raises(Refused, match="not_permitted"):
            propose_risk_rule(
                campaign=campaign,
                rule=at_noon(),
                expected_version=0,
                why="why",
                request_id="r",
                by=cast.li(),
                at=NOON,
            )

    def test_the_risk_officer_may_propose_and_the_same_request_is_the_same_proposal(
        self, campaign: Campaign
    ) -> None:
        asked = {
            "campaign": campaign,
            "rule": at_noon(),
            "expected_version": 0,
            "why": "seen last week",
            "request_id": "r",
            "by": cast.ren(),
            "at": NOON,
        }
        first = propose_risk_rule(**asked)  # type: ignore[arg-type]
        cast.approved(first)
        assert propose_risk_rule(**asked) == first  # type: ignore[arg-type]


def test_all_rules_with_wide_figures_notice_nothing(watched: Watched) -> None:
    campaign = watched(*(rule(kind, figures=QUIET[kind]) for kind in RiskKind))
    for person, at in ((cast.alice(), NOON), (cast.carol(), NOON + DAY)):
        (voucher,) = issue_vouchers(campaign, [person])
        request = order(voucher, cast.nanjing_road(), person, at=at, device="d")
        assert answer_to(request)[0] == 201
    assert not Signal.objects.exists()
    assert_proven()
