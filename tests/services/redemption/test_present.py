"""A voucher shown in an app: its code redeems once, within a minute, and needs no resident."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models import Q

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import NOON
from tests.support.presenting import APP, presented, shown
from tests.support.till import (
    code_of,
    decoded,
    issue_vouchers,
    nothing_moves,
    order,
    redeem,
    refusal_of,
    till_of,
    voided,
)
from vouchers.models import Attempt, Campaign, Presentation, Proxy, Redemption, Resident, Voucher
from vouchers.rules.issuing.numbered_codes import PRESENTED, encode
from vouchers.services import residents
from vouchers.services.campaigns import lifecycle
from vouchers.services.redemption import PresentRequest, forget_codes, present

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return cast.running_campaign()


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.fixture
def alices(campaign: Campaign) -> Voucher:
    return issue_vouchers(campaign, [cast.alice()])[0]


def rule_of_last() -> str:
    return Attempt.objects.latest("id").rule


def refused(voucher: Voucher | str, by: Resident | str, **change: object) -> tuple[str, str]:
    """Code and rule with which no code is made."""
    asked = {
        "caller": APP,
        "code": voucher if isinstance(voucher, str) else code_of(voucher),
        "resident_no": by if isinstance(by, str) else by.external_id,
        "at": NOON,
        **change,
    }
    with pytest.raises(Refused) as caught:
        present(request=PresentRequest(**asked))  # type: ignore[arg-type]
    return caught.value.refusal.code, caught.value.refusal.rule


class TestAtTheTill:
    def test_the_code_alone_redeems_for_its_holder(self, alices: Voucher) -> None:
        code = presented(alices, cast.alice())
        status, body = decoded(shown(code, cast.nanjing_road()))
        assert (status, body["voucher"]) == (201, code_of(alices))
        redemption = Redemption.objects.get(pk=body["id"])
        assert redemption.shown_by == cast.alice()
        assert Presentation.objects.get().redemption_id == redemption.pk

    def test_a_proxys_code_says_who_showed_it(self, alices: Voucher) -> None:
        residents.declare_proxy(holder=cast.alice(), proxy=cast.bob(), relation="son", at=NOON)
        status, body = decoded(shown(presented(alices, cast.bob()), cast.nanjing_road()))
        assert status == 201
        redemption = Redemption.objects.get(pk=body["id"])
        assert (redemption.resident, redemption.shown_by) == (cast.alice(), cast.bob())

    def test_a_code_typed_in_groups_is_the_same_code(self, alices: Voucher) -> None:
        code = presented(alices, cast.alice())
        typed = f" {code[:6]}-{code[6:12]} {code[12:]} "
        assert shown(typed, cast.nanjing_road()).status == 201

    @pytest.mark.parametrize(("seconds", "is_good"), [(59, True), (60, False), (3600, False)])
    def test_a_code_is_good_for_a_minute(
        self, alices: Voucher, seconds: int, is_good: bool
    ) -> None:
        code = presented(alices, cast.alice())
        answer = shown(code, cast.nanjing_road(), at=NOON + timedelta(seconds=seconds))
        assert (answer.status == 201) is is_good
        assert is_good or rule_of_last() == "presentation_expired"

    def test_a_code_is_good_once_even_if_the_voucher_comes_back(self, alices: Voucher) -> None:
        store, code = cast.nanjing_road(), presented(alices, cast.alice())
        _, body = decoded(shown(code, store))
        voided(Redemption.objects.get(pk=body["id"]), caller=till_of(store))
        with nothing_moves():
            assert shown(code, store).status == 404
        assert rule_of_last() == "presentation_used"
        assert shown(presented(alices, cast.alice()), store).status == 201

    def test_two_orders_of_one_batch_do_not_both_have_it(self, alices: Voucher) -> None:
        store, code = cast.nanjing_road(), presented(alices, cast.alice())
        asked = [order(code, store, None) for _ in range(2)]
        assert sorted(answer.status for answer in redeem(requests=asked)) == [201, 404]

    def test_a_refused_order_does_not_use_the_code_up(self, alices: Voucher) -> None:
        store, code = cast.nanjing_road(), presented(alices, cast.alice())
        assert decoded(shown(code, store, order_amount_fen=500))[1]["code"] == "below_threshold"
        assert shown(code, store).status == 201

    def test_the_same_request_again_has_the_same_answer(self, alices: Voucher) -> None:
        store, code = cast.nanjing_road(), presented(alices, cast.alice())
        request = order(code, store, None)
        first, again = (redeem(requests=[request])[0] for _ in range(2))
        assert (first.status, again.body, again.is_replay) == (201, first.body, True)

    def test_a_resident_who_is_named_has_to_be_the_one_who_shows_it(self, alices: Voucher) -> None:
        store = cast.nanjing_road()
        code = presented(alices, cast.alice())
        with nothing_moves():
            assert shown(code, store, by=cast.bob()).status == 404
        assert shown(code, store, by=cast.alice()).status == 201

    def test_expired_used_forged_and_unknown_codes_read_alike(
        self, campaign: Campaign, alices: Voucher
    ) -> None:
        store = cast.nanjing_road()
        late = NOON + timedelta(minutes=5)
        used, expired = (presented(alices, cast.alice()) for _ in range(2))
        assert shown(used, store).status == 201
        key = b"another key of thirty-two bytes!"
        forged = encode(PRESENTED, Presentation.objects.latest("id").pk, key)
        answers = [shown(code, store, at=late) for code in (used, expired, forged)]
        answers += [shown("9" + "0" * 17, store, at=late)]
        assert {(answer.status, answer.body) for answer in answers} == {
            (404, answers[0].body),
        }
        rules = list(Attempt.objects.order_by("id").values_list("rule", flat=True))
        assert rules == [
            "presentation_used",
            "presentation_expired",
            "voucher_unknown",
            "voucher_unknown",
        ]

    def test_a_proxy_who_is_one_no_longer_shows_nothing(self, alices: Voucher) -> None:
        proxy = residents.declare_proxy(holder=cast.alice(), proxy=cast.bob(), relation="", at=NOON)
        code = presented(alices, cast.bob())
        residents.end_proxy(proxy=proxy, at=NOON)
        assert shown(code, cast.nanjing_road()).status == 404
        assert rule_of_last() == "holder_or_proxy"


class TestPresenting:
    def test_a_stranger_gets_no_code_and_no_reason(self, alices: Voucher) -> None:
        cast.bob()
        assert refused(alices, cast.bob()) == ("voucher_not_usable", "holder_or_proxy")
        assert refused(alices, "nobody") == ("voucher_not_usable", "resident_unknown")
        assert refused("8" + "0" * 19, cast.alice()) == ("voucher_not_usable", "voucher_unknown")
        assert not Presentation.objects.exists()

    def test_the_sandbox_gets_no_code_of_a_live_voucher(self, alices: Voucher) -> None:
        sandbox = replace(APP, is_test=True)
        told = refused(alices, cast.ada(), caller=sandbox)
        assert told == ("voucher_not_usable", "voucher_unknown")

    def test_nor_does_a_live_resident_in_the_sandbox(self) -> None:
        campaign = cast.running_campaign(code="sandbox", is_test=True)
        (own,) = issue_vouchers(campaign, [cast.ada()])
        sandbox = replace(APP, is_test=True)
        told = refused(own, cast.alice(), caller=sandbox)
        assert told == ("voucher_not_usable", "resident_unknown")
        assert presented(own, cast.ada(), caller=sandbox)

    def test_a_used_voucher_has_no_code(self, alices: Voucher) -> None:
        assert shown(presented(alices, cast.alice()), cast.nanjing_road()).status == 201
        assert refused(alices, cast.alice())[0] == "voucher_redeemed"

    def test_an_ended_or_paused_voucher_has_no_code(
        self, campaign: Campaign, alices: Voucher
    ) -> None:
        late = NOON + 20 * cast.DAY
        assert refused(alices, cast.alice(), at=late)[0] == "voucher_expired"
        lifecycle.pause(campaign=campaign, by=cast.mei(), at=NOON)
        assert refused(alices, cast.alice())[0] == "campaign_not_running"

    def test_a_frozen_holders_voucher_can_not_be_presented(self, alices: Voucher) -> None:
        residents.declare_proxy(holder=cast.alice(), proxy=cast.bob(), relation="", at=NOON)
        Resident.objects.filter(external_id="alice").update(state="frozen")
        assert refused(alices, cast.bob())[0] == "resident_not_active"
        assert Proxy.objects.exists()

    def test_a_code_ends_with_its_voucher(self, campaign: Campaign) -> None:
        end = NOON + timedelta(hours=1)
        (voucher,) = issue_vouchers(campaign, [cast.alice()], valid_until_at=end)
        presented(voucher, cast.alice(), at=end - timedelta(seconds=10))
        assert Presentation.objects.get().expires_at == end

    def test_codes_that_came_to_nothing_are_forgotten_after_a_day(self, alices: Voucher) -> None:
        presented(alices, cast.alice())
        used = presented(alices, cast.alice())
        assert shown(used, cast.nanjing_road()).status == 201
        assert forget_codes(at=NOON + timedelta(days=1)) == 0
        assert forget_codes(at=NOON + timedelta(days=1, minutes=2)) == 1
        assert Presentation.objects.filter(~Q(redemption_id=None)).count() == 1


class TestPresence:
    def test_where_presence_is_asked_for_the_printed_code_is_refused_and_a_shown_one_is_not(
        self,
    ) -> None:
        campaign = cast.running_campaign(presence_required=True)
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        with nothing_moves():
            request = order(voucher, cast.nanjing_road(), cast.alice())
            assert refusal_of(request) == "presence_required"
        assert shown(presented(voucher, cast.alice()), cast.nanjing_road()).status == 201

    def test_a_stranger_with_a_printed_code_learns_nothing_of_it(self) -> None:
        campaign = cast.running_campaign(presence_required=True)
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        request = order(voucher, cast.nanjing_road(), cast.bob())
        assert refusal_of(request) == "voucher_not_usable"
