"""What becomes of held money when a case is cleared or confirmed; who and what is stopped."""

import msgspec
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User

from merchants.errors import Refused
from merchants.models import Credential, State, Store
from merchants.services import enrol_terminal, issue_credential
from tests.support import cast
from tests.support.cases import at_noon, opened, seen, used, watched
from tests.support.cast import DAY, NOON
from tests.support.concurrency.invariants import assert_proven
from tests.support.history import in_words
from tests.support.risk import rule
from tests.support.standing import fen, state_of, voucher_state
from tests.support.till import (
    answer_to,
    authorised,
    captured,
    issue_vouchers,
    order,
    refunded,
    till_of,
)
from vouchers.models import Campaign, Case, Hold, Redemption
from vouchers.services.limits.cases import CASES, assign, gather_signals
from vouchers.services.redemption import case_decisions, holds
from vouchers.services.redemption.holds import claw_back_as, release
from vouchers.states import (
    AccountKind,
    CaseState,
    RedemptionState,
    RiskKind,
    RiskVerdict,
    VoucherState,
)
from vouchers.tasks import gather_cases

pytestmark = pytest.mark.django_db

FACE_FEN = 2_000
OWED = (AccountKind.PAYABLE, AccountKind.RISK_HELD)


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """A campaign whose rule has held the money of two orders of one store."""
    campaign = watched(at_noon())
    used(campaign, [cast.alice(), cast.bob()])
    gather_signals(at=NOON)
    return campaign


@pytest.fixture
def case(standing: Campaign) -> Case:
    return Case.objects.get()


@pytest.fixture
def rosa() -> User:
    return cast.member("rosa", "risk officer")


def decided(case: Case, by: User, decision: CaseState, at: object = NOON) -> int:
    act = case_decisions.clear if decision is CaseState.CLEARED else case_decisions.confirm
    return act(case=case, reason="looked into it", seen=seen(case), by=by, at=at)  # type: ignore[arg-type]


class TestClearing:
    def test_the_money_is_owed_again(self, case: Case, rosa: User) -> None:
        assert fen(case.campaign, *OWED) == (0, 2 * FACE_FEN)
        assert decided(case, rosa, CaseState.CLEARED) == 2
        assert fen(case.campaign, *OWED) == (2 * FACE_FEN, 0)
        assert (case.state, case.decided_by, case.reason) == ("cleared", "rosa", "looked into it")
        assert set(Hold.objects.values_list("released_by", flat=True)) == {"rosa"}
        assert_proven()

    def test_what_another_open_case_is_about_stays_held(self, rosa: User) -> None:
        pairs = rule(RiskKind.DEVICE_SHARED, people=1, verdict=RiskVerdict.HOLD)
        campaign = watched(at_noon(), pairs)
        used(campaign, [cast.alice(), cast.bob()], device="d")
        gather_signals(at=NOON)
        of_store, of_device = (campaign.cases.get(subject=name) for name in ("store", "device"))
        assert decided(of_store, rosa, CaseState.CLEARED) == 1
        assert fen(campaign, *OWED) == (FACE_FEN, FACE_FEN)
        assert case_decisions.finish_decided(at=NOON) == 0
        assert decided(of_device, rosa, CaseState.CLEARED) == 1
        assert fen(campaign, *OWED) == (2 * FACE_FEN, 0)

    @pytest.mark.parametrize("decision", [CaseState.CLEARED, CaseState.CONFIRMED])
    def test_what_was_held_for_another_reason_stays_held(
        self, rosa: User, decision: CaseState
    ) -> None:
        campaign = watched(at_noon(RiskVerdict.PAY))
        (redemption,) = used(campaign, [cast.alice()])
        case = opened(campaign)
        holds.hold(redemption=redemption, reason="died before", by=rosa, at=NOON)
        assert decided(case, rosa, decision) == 0
        assert case_decisions.finish_decided(at=NOON) == 0
        assert fen(campaign, *OWED) == (0, FACE_FEN)

    @pytest.mark.parametrize("decision", [CaseState.CLEARED, CaseState.CONFIRMED])
    def test_a_hold_of_an_officer_is_not_the_cases_whatever_its_words_and_her_name(
        self, decision: CaseState
    ) -> None:
        campaign = watched(at_noon(RiskVerdict.PAY))
        (redemption,) = used(campaign, [cast.alice()])
        case = opened(campaign)
        rosa = cast.member("risk rules v1", "risk officer")
        holds.hold(redemption=redemption, reason=f"case {case.pk}: died", by=rosa, at=NOON)
        assert decided(case, rosa, decision) == 0
        assert fen(campaign, *OWED) == (0, FACE_FEN)


class TestConfirming:
    def test_the_money_goes_back_and_the_orders_are_refused_for_ever(
        self, case: Case, rosa: User
    ) -> None:
        redemption = Redemption.objects.earliest("id")
        assert decided(case, rosa, CaseState.CONFIRMED, NOON + 2 * DAY) == 2
        assert fen(case.campaign, *OWED) == (0, 0)
        assert state_of(redemption) is RedemptionState.REVERSED
        assert voucher_state(redemption.voucher) is VoucherState.ISSUED
        again = order(
            redemption.voucher,
            cast.nanjing_road(),
            cast.alice(),
            order_no=redemption.order_no,
            at=NOON + DAY,
        )
        assert answer_to(again)[1]["code"] == "order_reversed"
        assert_proven()

    def test_what_is_not_held_is_not_called_back(self, case: Case, rosa: User) -> None:
        hold = Hold.objects.earliest("id")
        release(hold=hold, by=rosa, at=NOON)
        with pytest.raises(Refused) as refused:
            claw_back_as(hold=hold, by="rosa", at=NOON)
        assert refused.value.refusal.code == "not_held"
        assert fen(case.campaign, *OWED) == (FACE_FEN, FACE_FEN)

    def test_a_refund_of_a_fen_keeps_no_money_from_being_called_back(
        self, case: Case, rosa: User
    ) -> None:
        """Else it stayed held for ever, and its campaign could never be settled."""
        first, second = Redemption.objects.order_by("id")
        answer = refunded(first, caller=till_of(first.store), amount_fen=1)
        assert answer.status == 200, answer.body
        assert decided(case, rosa, CaseState.CONFIRMED, NOON + 2 * DAY) == 2
        assert (state_of(first), state_of(second)) == (
            RedemptionState.REFUNDED,
            RedemptionState.REVERSED,
        )
        assert voucher_state(first.voucher) is VoucherState.WITHDRAWN
        assert fen(case.campaign, *OWED) == (0, 0)
        assert set(Hold.objects.values_list("released_by", flat=True)) == {"rosa"}
        rest = first.refunds.get(amount_fen=0)
        assert (rest.clawback_fen, rest.refund_no, rest.caller_id) == (FACE_FEN, "", None)
        again = refunded(first, caller=till_of(first.store), amount_fen=1)
        assert msgspec.json.decode(again.body)["rule"] == "refund_state"
        assert_proven()

    def test_what_a_rule_only_recorded_is_held_first(self, rosa: User) -> None:
        campaign = watched(at_noon(RiskVerdict.PAY))
        used(campaign, [cast.alice()])
        case = opened(campaign)
        held = case_decisions.hold_rest(case=case, reason="too many", seen_acts=0, by=rosa, at=NOON)
        assert held == 1
        assert fen(campaign, *OWED) == (0, FACE_FEN)
        with pytest.raises(Refused) as refused:
            case_decisions.hold_rest(case=case, reason="x", seen_acts=1, by=rosa, at=NOON)
        assert refused.value.refusal.rule == "case_holds"
        case.refresh_from_db()
        assert decided(case, rosa, CaseState.CONFIRMED) == 1


def test_a_long_reason_is_kept_whole_in_the_history_and_shortened_with_each_hold(
    rosa: User,
) -> None:
    campaign, reason = watched(at_noon(RiskVerdict.PAY)), "因" * 5_000
    before = set(Hold.objects.values_list("pk", flat=True))
    used(campaign, [cast.alice()])
    case = opened(campaign)
    assign(case=case, assignee=rosa, reason=reason, seen_acts=0, by=rosa, at=NOON)
    assert case_decisions.hold_rest(case=case, reason=reason, seen_acts=1, by=rosa, at=NOON) == 1
    assert len(Hold.objects.exclude(pk__in=before).get().reason) == 200
    newest = LogEntry.objects.filter(object_id=str(case.pk)).latest("id")
    assert in_words(newest) == f"Redemptions to be held, in all 1: {reason}"


def test_the_second_of_two_decisions_is_refused(case: Case, rosa: User) -> None:
    both = seen(case)
    case_decisions.clear(case=case, reason="a festival", seen=both, by=rosa, at=NOON)
    with pytest.raises(Refused) as refused:
        case_decisions.confirm(case=case, reason="no", seen=both, by=cast.ren(), at=NOON)
    assert refused.value.refusal.rule == "case_open"
    assert fen(case.campaign, *OWED) == (2 * FACE_FEN, 0)


def test_a_decision_needs_the_right_to_release_holds(case: Case) -> None:
    """Of two permissions that the role of a risk officer has together."""
    role = Group.objects.create(name="halfway")
    role.permissions.add(Permission.objects.get(codename="change_case"))
    halfway = cast.grant(User.objects.create_user("halfway"), "halfway")
    assert halfway.has_perm(CASES)
    with pytest.raises(Refused) as refused:
        decided(case, halfway, CaseState.CLEARED)
    assert refused.value.refusal.code == "not_permitted"
    assert Case.objects.get(pk=case.pk).state == CaseState.OPEN


@pytest.mark.parametrize("person", [cast.mei, cast.li])
def test_only_a_risk_officer_decides_a_case(case: Case, person: object) -> None:
    with pytest.raises(Refused) as refused:
        decided(case, person(), CaseState.CONFIRMED)  # type: ignore[operator]
    assert refused.value.refusal.code == "not_permitted"
    assert fen(case.campaign, *OWED) == (0, 2 * FACE_FEN)


def test_a_sweep_carries_out_what_a_killed_process_left(
    case: Case, rosa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(case_decisions, "_carry_out", lambda *_: 0)
        decided(case, rosa, CaseState.CONFIRMED)
    assert fen(case.campaign, *OWED) == (0, 2 * FACE_FEN)
    gather_cases()
    assert fen(case.campaign, *OWED) == (0, 0)
    assert set(Hold.objects.values_list("released_by", flat=True)) == {"rosa"}


def test_what_is_captured_after_the_decision_follows_it(rosa: User) -> None:
    campaign = watched(at_noon())
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    redemption = authorised(voucher, cast.nanjing_road(), cast.alice())
    assert decided(opened(campaign), rosa, CaseState.CONFIRMED) == 0
    captured(redemption, caller=till_of(redemption.store), at=NOON)
    assert fen(campaign, *OWED) == (0, FACE_FEN)
    assert case_decisions.finish_decided(at=NOON) == 1
    assert fen(campaign, *OWED) == (0, 0)


class TestStopping:
    def test_the_store_and_its_merchant_are_suspended(self, case: Case, rosa: User) -> None:
        store = cast.nanjing_road()
        case_decisions.suspend_store(
            case=case, store=store, reason="cash out", seen_acts=0, by=rosa, at=NOON
        )
        case_decisions.suspend_merchant(
            case=case, merchant=store.merchant, reason="all of it", seen_acts=1, by=rosa, at=NOON
        )
        store.refresh_from_db()
        assert (store.state, store.merchant.state) == (State.SUSPENDED, State.SUSPENDED)
        acts = LogEntry.objects.filter(object_repr=str(case)).order_by("id")
        assert [in_words(act) for act in acts][-2:] == [
            f"Store {store} suspended: cash out",
            f"Merchant {store.merchant.name} ({store.merchant.code}) suspended: all of it",
        ]

    def test_a_store_the_case_is_not_about_goes_on(self, case: Case, rosa: User) -> None:
        with pytest.raises(Refused) as refused:
            case_decisions.suspend_store(
                case=case, store=cast.xujiahui(), reason="x", seen_acts=0, by=rosa, at=NOON
            )
        assert refused.value.refusal.rule == "case_subject"
        assert Store.objects.get(pk=cast.xujiahui().pk).state == State.ACTIVE

    def test_an_enrolled_till_is_suspended(self, rosa: User) -> None:
        store = cast.nanjing_road()
        credential, _key = issue_credential(
            name="till",
            kind=Credential.Kind.TERMINAL,
            scopes=["redeem"],
            terminal=enrol_terminal(store=store, code="T1"),
            at=NOON,
            expires_at=NOON + DAY,
        )
        campaign = watched(at_noon())
        used(campaign, [cast.alice()], caller=till_of(store, credential_id=credential.pk))
        case_decisions.suspend_till(
            case=opened(campaign),
            credential=credential,
            reason="one hand",
            seen_acts=0,
            by=rosa,
            at=NOON,
        )
        credential.refresh_from_db()
        assert credential.state == State.SUSPENDED
