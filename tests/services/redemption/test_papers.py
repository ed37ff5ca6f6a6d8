"""A voucher on paper: good with four digits of its holder's identity number, five tries, replaced
when it is lost."""

import pytest
from django.contrib.auth.models import User

from merchants.errors import Refused
from tests.support import cast
from tests.support.presenting import APP, ZHANG, identified, paper_of, shown
from tests.support.till import code_of, decoded, issue_vouchers, nothing_moves, order, redeem
from vouchers.models import Attempt, Campaign, Paper, Redemption, Voucher, WrongCodes
from vouchers.queries.redemption import IssuedPaper
from vouchers.services import residents
from vouchers.services.redemption import replace_paper

pytestmark = pytest.mark.django_db

RIGHT, WRONG = "002X", "0021"


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return cast.running_campaign()


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.fixture
def alices(campaign: Campaign) -> Voucher:
    identified(cast.alice())
    return issue_vouchers(campaign, [cast.alice()])[0]


def codes_of_tries(code: str, *digits: str) -> list[str]:
    """How a till is refused, try by try; "" for a redemption."""
    answers = [shown(code, cast.nanjing_road(), id_digits=one) for one in digits]
    return [str(decoded(answer)[1].get("code", "")) for answer in answers]


def refused(voucher: Voucher, national_id: str = ZHANG) -> str:
    with pytest.raises(Refused) as caught:
        paper_of(voucher, cast.alice(), national_id=national_id)
    return caught.value.refusal.rule


class TestAtTheTill:
    @pytest.mark.parametrize("digits", ["002X", "002x"])
    def test_a_paper_and_four_digits_redeem_for_the_holder(
        self, alices: Voucher, digits: str
    ) -> None:
        code = paper_of(alices, cast.alice())
        status, body = decoded(shown(code, cast.nanjing_road(), id_digits=digits))
        assert (status, body["voucher"]) == (201, code_of(alices))
        assert Redemption.objects.get(pk=body["id"]).shown_by == cast.alice()

    def test_a_volunteer_brings_the_paper_and_is_on_file_as_who_showed_it(
        self, alices: Voucher
    ) -> None:
        residents.declare_proxy(
            holder=cast.alice(), proxy=cast.bob(), relation="volunteer", at=cast.NOON
        )
        code = paper_of(alices, cast.alice())
        answer = shown(code, cast.nanjing_road(), by=cast.bob(), id_digits=RIGHT)
        _, body = decoded(answer)
        assert Redemption.objects.get(pk=body["id"]).shown_by == cast.bob()

    def test_a_stranger_who_knows_the_digits_may_not_bring_it(self, alices: Voucher) -> None:
        code = paper_of(alices, cast.alice())
        with nothing_moves():
            answer = shown(code, cast.nanjing_road(), by=cast.bob(), id_digits=RIGHT)
        assert decoded(answer)[1]["code"] == "voucher_not_usable"

    def test_five_wrong_tries_lock_it_and_a_new_paper_opens_it(self, alices: Voucher) -> None:
        code = paper_of(alices, cast.alice())
        with nothing_moves():
            tries = codes_of_tries(code, *[WRONG] * 5, RIGHT)
        assert tries == ["voucher_not_usable"] * 5 + ["too_many_wrong_codes"]
        assert Attempt.objects.latest("id").rule == "paper_locked"
        fresh = paper_of(alices, cast.alice())
        assert codes_of_tries(fresh, WRONG, RIGHT) == ["voucher_not_usable", ""]

    def test_six_tries_in_one_batch_are_five(self, alices: Voucher) -> None:
        code, store = paper_of(alices, cast.alice()), cast.nanjing_road()
        digits = [*[WRONG] * 5, RIGHT]
        asked = [order(code, store, None, id_digits=one) for one in digits]
        answers = [decoded(answer)[1]["code"] for answer in redeem(requests=asked)]
        assert answers == ["voucher_not_usable"] * 5 + ["too_many_wrong_codes"]
        assert Paper.objects.get().wrong_count == 5

    def test_a_replaced_paper_is_refused(self, alices: Voucher) -> None:
        lost = paper_of(alices, cast.alice())
        found = paper_of(alices, cast.alice())
        with nothing_moves():
            assert codes_of_tries(lost, RIGHT) == ["voucher_not_usable"]
        assert codes_of_tries(found, RIGHT) == [""]

    def test_where_presence_is_asked_for_a_paper_is_good(self) -> None:
        campaign = cast.running_campaign(presence_required=True)
        identified(cast.alice())
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        assert codes_of_tries(paper_of(voucher, cast.alice()), RIGHT) == [""]

    def test_without_digits_the_body_is_incomplete(self, alices: Voucher) -> None:
        code = paper_of(alices, cast.alice())
        with pytest.raises(Refused) as caught:
            shown(code, cast.nanjing_road())
        assert caught.value.refusal.facts["field"] == "$.id_digits"
        assert Paper.objects.get().wrong_count == 0


class TestIssuing:
    def test_only_the_holders_own_identity_number_makes_a_paper(self, alices: Voucher) -> None:
        assert refused(alices, national_id="110105194912310021") == "holder_or_proxy"
        assert not Paper.objects.exists()

    def test_none_is_made_for_a_proxy_or_a_stranger(self, alices: Voucher) -> None:
        residents.declare_proxy(holder=cast.alice(), proxy=cast.bob(), relation="", at=cast.NOON)
        with pytest.raises(Refused):
            paper_of(alices, cast.bob())
        with pytest.raises(Refused):
            paper_of(alices, cast.carol())
        assert not Paper.objects.exists()

    def test_none_is_made_for_who_has_no_identity_on_file(self, campaign: Campaign) -> None:
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        assert refused(voucher) == "holder_or_proxy"

    def test_only_one_paper_of_a_voucher_is_live(self, alices: Voucher) -> None:
        for _ in range(3):
            paper_of(alices, cast.alice())
        assert Paper.objects.filter(replaced_at=None).count() == 1

    def test_the_digits_are_kept_as_a_keyed_hash(self, alices: Voucher) -> None:
        paper_of(alices, cast.alice())
        kept = bytes(Paper.objects.get().digits_hmac)
        assert len(kept) == 32
        assert RIGHT.encode() not in kept


class TestReplacing:
    def test_at_the_counter_the_holders_number_makes_another_and_voids_the_lost_one(
        self, alices: Voucher
    ) -> None:
        lost = paper_of(alices, cast.alice())
        made = replaced(Paper.objects.get())
        assert (made.voucher, made.has_replaced) == (code_of(alices), True)
        assert codes_of_tries(lost, RIGHT) == ["voucher_not_usable"]
        assert codes_of_tries(made.code, RIGHT) == [""]

    def test_a_wrong_number_replaces_nothing_and_is_counted(self, alices: Voucher) -> None:
        paper_of(alices, cast.alice())
        with pytest.raises(Refused, match="voucher_not_usable"):
            replaced(Paper.objects.get(), national_id="110105194912310021")
        assert Paper.objects.get().replaced_at is None
        assert WrongCodes.objects.get().subject_id == APP.credential_id

    def test_it_takes_an_operator_or_a_risk_officer(self, alices: Voucher) -> None:
        paper_of(alices, cast.alice())
        for person in (cast.mei(), cast.li(), cast.member("audrey", "auditor")):
            with pytest.raises(Refused, match="not_permitted"):
                replaced(Paper.objects.get(), by=person)
        replaced(Paper.objects.get(), by=cast.member("olga", "operator"))
        assert Paper.objects.count() == 2


def replaced(paper: Paper, *, national_id: str = ZHANG, by: User | None = None) -> IssuedPaper:
    return replace_paper(paper=paper, national_id=national_id, by=by or cast.ren(), at=cast.NOON)
