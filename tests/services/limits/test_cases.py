"""Signals gather in cases: one open case for each subject, rule and week; officers act on it."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from merchants.errors import Refused
from tests.support import cast
from tests.support.cases import at_noon, opened, seen, used, watched
from tests.support.cast import DAY, NOON
from tests.support.history import in_words
from tests.support.risk import rule
from tests.support.till import till_of
from vouchers.models import Campaign, Case, CaseSignal, Signal
from vouchers.rules.limits.cases import CaseSeverity
from vouchers.services.limits.cases import assign, decide, gather_signals, set_deadline
from vouchers.states import CaseState, RiskKind, RiskSetting, RiskVerdict

pytestmark = pytest.mark.django_db

FACE_FEN = 2_000


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """A campaign whose rule has noticed two orders of one store."""
    campaign = watched(at_noon())
    used(campaign, [cast.alice(), cast.bob()])
    return campaign


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.fixture
def rosa() -> User:
    return cast.member("rosa", "risk officer")


class TestGathering:
    def test_signals_about_one_store_are_one_case(self, campaign: Campaign) -> None:
        assert gather_signals(at=NOON) == 2
        case = campaign.cases.get()
        assert (case.kind, case.subject) == (RiskKind.NIGHT_HOURS, "store")
        assert case.subject_id == case.store_id == cast.nanjing_road().pk
        assert (case.signal_count, case.subsidy_fen) == (2, 2 * FACE_FEN)
        assert (case.state, case.severity) == (CaseState.OPEN, CaseSeverity.MEDIUM)
        assert (case.opened_at, case.deadline_at) == (NOON, NOON + 3 * DAY)
        assert CaseSignal.objects.count() == Signal.objects.count() == 2

    def test_a_second_sweep_finds_nothing(self, campaign: Campaign) -> None:
        gather_signals(at=NOON)
        assert gather_signals(at=NOON) == 0

    def test_what_comes_later_in_the_week_joins_the_open_case(self, campaign: Campaign) -> None:
        case = opened(campaign)
        used(campaign, [cast.carol()], at=NOON + DAY)
        assert opened(campaign, at=NOON + DAY).pk == case.pk
        case.refresh_from_db()
        assert (case.signal_count, case.subsidy_fen) == (3, 3 * FACE_FEN)
        assert case.deadline_at == NOON + 3 * DAY

    def test_another_store_and_another_week_are_other_cases(self, campaign: Campaign) -> None:
        used(campaign, [cast.carol()], store=cast.xujiahui())
        used(campaign, [cast.alice()], at=NOON + 6 * DAY)
        gather_signals(at=NOON + 6 * DAY)
        found = campaign.cases.values_list("subject_id", "signal_count")
        here, there = cast.nanjing_road().pk, cast.xujiahui().pk
        assert sorted(found) == sorted([(here, 2), (here, 1), (there, 1)])

    def test_a_new_case_is_given_to_the_officer_with_the_fewest_open_ones(
        self, campaign: Campaign, rosa: User
    ) -> None:
        ren, gone = cast.ren(), cast.member("tian", "risk officer")
        gone.is_active = False
        gone.save()
        used(campaign, [cast.carol()], store=cast.xujiahui())
        gather_signals(at=NOON)
        used(campaign, [cast.alice()], at=NOON + 7 * DAY)
        gather_signals(at=NOON + 7 * DAY)
        given = [case.assignee for case in campaign.cases.order_by("id")]
        assert {*given[:2]} == {ren, rosa}
        assert given[2] == min(ren, rosa, key=lambda officer: officer.pk)

    def test_where_there_is_no_officer_a_case_waits_for_one(self, campaign: Campaign) -> None:
        assert opened(campaign).assignee is None

    def test_after_a_decision_the_next_signal_opens_another(
        self, campaign: Campaign, rosa: User
    ) -> None:
        case = opened(campaign)
        decide(
            case=case,
            decision=CaseState.CLEARED,
            reason="a street festival",
            seen=seen(case),
            by=rosa,
            at=NOON,
        )
        used(campaign, [cast.carol()])
        assert opened(campaign).pk != case.pk

    def test_shadow_rules_open_none_and_keep_none_from_opening(self, campaign: Campaign) -> None:
        shadow = watched(at_noon(setting=RiskSetting.SHADOW))
        used(shadow, [cast.alice()])
        assert gather_signals(at=NOON) == 2
        assert campaign.cases.exists()
        assert not shadow.cases.exists()

    def test_the_sandbox_opens_none(self) -> None:
        sandbox = watched(at_noon(), is_test=True)
        used(sandbox, [cast.ada()], caller=till_of(cast.nanjing_road(), is_test=True))
        assert Signal.objects.filter(campaign=sandbox).exists()
        gather_signals(at=NOON)
        assert not sandbox.cases.exists()

    def test_refused_orders_count_without_money(self) -> None:
        refusing = watched(at_noon(RiskVerdict.REFUSE))
        assert used(refusing, [cast.alice()]) == []
        case = opened(refusing)
        assert (case.signal_count, case.subsidy_fen) == (1, 0)

    def test_a_device_gathers_over_all_stores(self) -> None:
        shared = watched(rule(RiskKind.DEVICE_SHARED, people=1, verdict=RiskVerdict.HOLD))
        used(shared, [cast.alice(), cast.bob()], device="d")
        used(shared, [cast.carol()], store=cast.xujiahui(), device="d")
        assert opened(shared).signal_count == 2

    def test_much_money_makes_a_case_grave_and_its_deadline_near(
        self, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        case = opened(campaign)
        used(campaign, [cast.carol()])
        monkeypatch.setattr("vouchers.rules.limits.cases.MUCH_FEN", 3 * FACE_FEN)
        gather_signals(at=NOON + timedelta(hours=1))
        case.refresh_from_db()
        assert case.severity == CaseSeverity.HIGH
        assert case.deadline_at == NOON + timedelta(hours=25)


class TestActs:
    def test_an_officer_is_assigned_with_a_reason_that_is_kept(
        self, campaign: Campaign, rosa: User
    ) -> None:
        case = opened(campaign)
        assign(case=case, assignee=rosa, reason="her area", seen_acts=0, by=cast.ren(), at=NOON)
        assert (case.assignee, case.act_count) == (rosa, 1)
        entry = LogEntry.objects.filter(object_id=str(case.pk)).latest("id")
        assert in_words(entry) == "Assigned to rosa: her area"

    def test_an_act_on_an_outdated_case_is_refused(self, campaign: Campaign, rosa: User) -> None:
        case = opened(campaign)
        ren, later = cast.ren(), NOON + 2 * DAY
        assign(case=case, assignee=rosa, reason="her area", seen_acts=0, by=rosa, at=NOON)
        with pytest.raises(Refused) as refused:
            set_deadline(case=case, deadline_at=later, reason="soon", seen_acts=0, by=ren, at=NOON)
        assert refused.value.refusal.rule == "case_as_seen"
        assert Case.objects.get(pk=case.pk).deadline_at == NOON + 3 * DAY

    def test_a_deadline_lies_ahead(self, campaign: Campaign, rosa: User) -> None:
        case = opened(campaign)
        with pytest.raises(Refused) as refused:
            set_deadline(case=case, deadline_at=NOON, reason="x", seen_acts=0, by=rosa, at=NOON)
        assert refused.value.refusal.rule == "case_deadline_ahead"
        later = NOON + 9 * DAY
        set_deadline(case=case, deadline_at=later, reason="x", seen_acts=0, by=rosa, at=NOON)
        assert case.deadline_at == later

    @pytest.mark.parametrize("person", [cast.mei, cast.li])
    def test_only_risk_officers_act_and_are_assigned(
        self, campaign: Campaign, rosa: User, person: object
    ) -> None:
        case, other = opened(campaign), person()  # type: ignore[operator]
        for by, assignee in ((other, rosa), (rosa, other)):
            with pytest.raises(Refused) as refused:
                assign(case=case, assignee=assignee, reason="x", seen_acts=0, by=by, at=NOON)
            assert refused.value.refusal.code == "not_permitted"

    def test_a_decision_needs_a_reason_and_all_signals_seen(
        self, campaign: Campaign, rosa: User
    ) -> None:
        case = opened(campaign)
        before = seen(case)
        used(campaign, [cast.carol()])
        opened(campaign)
        for reason, known, rule_ in (
            ("why", before, "case_signals_seen"),
            (" ", seen(case), "case_reason"),
        ):
            with pytest.raises(Refused) as refused:
                decide(
                    case=case,
                    decision=CaseState.CONFIRMED,
                    reason=reason,
                    seen=known,
                    by=rosa,
                    at=NOON,
                )
            assert refused.value.refusal.rule == rule_
        assert Case.objects.get(pk=case.pk).state == CaseState.OPEN
