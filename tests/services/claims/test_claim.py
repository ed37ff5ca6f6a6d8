"""Claims one after another: who gets a voucher, who is refused and why, and what is posted."""

from datetime import datetime, timedelta

import pytest

from merchants.auth import Caller
from merchants.errors import Refused
from merchants.models import Credential
from tests.support import cast
from tests.support.cast import DAY, NOON, PEOPLES_SQUARE, north_of
from tests.support.claims import (
    CLOSING,
    FACE_FEN,
    TEN,
    app,
    asking,
    claimed,
    grab,
    neighbours,
    position,
    refusal,
    statuses,
    verdict,
)
from tests.support.concurrency.invariants import assert_proven, totals_fen
from tests.support.till import answer_to, decoded, nothing_moves, order
from vouchers.models import Attempt, Campaign, Claim, RequestRecord, Voucher
from vouchers.models.issuing.runs import TRANCHE_MAX_VOUCHERS
from vouchers.queries.redemption import redemptions_of
from vouchers.services.campaigns import stops
from vouchers.services.claims.offers import offers
from vouchers.services.issuing.expiry import expire_due
from vouchers.services.issuing.runs import request_run
from vouchers.services.residents.exclusions import exclude
from vouchers.services.residents.merges import merge
from vouchers.states import AccountKind, CampaignState, RoundWay

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """A round of ten units that is claimed from ten o'clock, and who asks for them."""
    cast.alice(), cast.bob(), cast.carol(), app()
    return grab(code="open-2026")


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def test_a_claimed_voucher_is_answered_booked_and_can_be_used(campaign: Campaign) -> None:
    alice = cast.alice()
    status, body = verdict(asking(alice, campaign))
    assert status == 201
    voucher = Voucher.objects.get(resident=alice)
    assert (body["campaign"], body["tier"], body["round"], body["face_fen"]) == (
        campaign.code,
        "off20",
        1,
        FACE_FEN,
    )
    assert totals_fen(campaign)[AccountKind.OUTSTANDING] == FACE_FEN
    claim = Claim.objects.get()
    assert (claim.voucher_id, claim.resident_id, claim.number) == (voucher.pk, alice.pk, 1)
    assert (claim.place_kind, claim.ring) == ("home", "A")
    assert claim.distance_m == pytest.approx(1_000, abs=5)
    used = answer_to(order(body["voucher"], cast.nanjing_road(), alice, at=NOON))
    assert used[0] == 201, used
    assert_proven()


def test_the_last_numbers_of_a_tranche_are_given_out_and_then_another_is_opened(
    campaign: Campaign,
) -> None:
    """A tranche that had fewer left than a batch asked for took none of it, for ever."""
    nearly_full = TRANCHE_MAX_VOUCHERS - 2
    campaign.tranches.update(voucher_count=nearly_full)
    batch = [asking(each, campaign) for each in neighbours(4)]
    assert statuses(claimed(batch)) == [201, 201, 503, 503]
    assert campaign.tranches.get().voucher_count == TRANCHE_MAX_VOUCHERS
    assert statuses(claimed(batch)) == [201] * 4
    sizes = campaign.tranches.order_by("id").values_list("voucher_count", flat=True)
    assert list(sizes) == [TRANCHE_MAX_VOUCHERS, 2]
    assert Claim.objects.count() == 4


def test_a_unit_is_found_in_whichever_sub_bucket_it_lies() -> None:
    campaign = grab(units=3, bucket_count=4)
    answers = [claimed([asking(each, campaign)]) for each in neighbours(4)]
    assert [statuses(one) for one in answers] == [[201], [201], [201], [409]]
    assert_proven()


def test_the_same_key_gets_the_same_bytes_and_another_body_422(campaign: Campaign) -> None:
    alice, carol = cast.alice(), cast.carol()
    first, again = (
        claimed([asking(alice, campaign, key="k", at=at)])[0] for at in (TEN, TEN + DAY)
    )
    assert (again.status, again.body, again.is_replay) == (201, first.body, True)
    assert verdict(asking(carol, campaign, key="k"))[1]["code"] == "idempotency_key_reused"
    copies = claimed([asking(carol, campaign, key="c"), asking(carol, campaign, key="c")])
    assert copies[0].body == copies[1].body
    assert Claim.objects.count() == 2


def test_one_batch_serves_in_order_of_arrival_and_leaves_no_unit_over() -> None:
    campaign = grab(units=3)
    answers = claimed([asking(each) for each in neighbours(5)])
    assert statuses(answers) == [201, 201, 201, 409, 409]
    assert verdict(asking("claimant-4"))[1]["code"] == "sold_out"
    assert campaign.tranches.get().voucher_count == 3
    assert_proven()


def test_no_redemption_is_found_under_the_key_of_a_claim() -> None:
    """A key may be a channel's and a till's at once."""
    grab()
    assert verdict(asking(cast.alice(), key="k"))[0] == 201
    assert list(redemptions_of(app(), key="k")) == []


def test_sold_out_is_not_stored_and_the_same_key_wins_a_unit_that_comes_back() -> None:
    grab(units=1)
    first, second = neighbours(2)
    assert verdict(asking(first))[0] == 201
    assert refusal(asking(second, key="patient")) == ("sold_out", "sold_out")
    assert RequestRecord.objects.count() == 1


def test_the_tiers_limit_per_resident_holds_within_and_across_batches() -> None:
    grab(per_resident=2, units=10)
    alice = cast.alice()
    answers = claimed([asking(alice) for _ in range(3)])
    assert statuses(answers) == [201, 201, 422]
    assert refusal(asking(alice)) == ("resident_limit", "resident_round")
    assert sorted(Claim.objects.values_list("number", flat=True)) == [1, 2]
    assert Attempt.objects.filter(code="resident_limit").count() == 2
    assert_proven()


def test_merged_residents_are_one_person(campaign: Campaign) -> None:
    alice, carol = cast.alice(), cast.carol()
    assert verdict(asking(alice, campaign))[0] == 201
    merge(kept=carol, member=alice, reason="one person", by=cast.ren(), at=TEN)
    assert refusal(asking(carol, campaign)) == ("resident_limit", "resident_round")
    assert refusal(asking(alice, campaign)) == ("not_targeted", "merged")


def test_each_channel_counts_for_itself_where_quotas_tell_channels_apart() -> None:
    grab(units=4, channels=("alipay", "wechat"))
    alice = cast.alice()
    assert verdict(asking(alice, caller=app("alipay")))[0] == 201
    assert verdict(asking(alice, caller=app("wechat")))[0] == 201
    assert refusal(asking(alice, caller=app("alipay"))) == ("resident_limit", "resident_round")
    assert_proven()


@pytest.mark.parametrize(
    ("at", "rule"),
    [(TEN - SECOND, "round_not_open"), (CLOSING, "round_over")],
)
def test_a_round_opens_and_closes_on_the_second(
    at: datetime, rule: str, campaign: Campaign
) -> None:
    alice = cast.alice()
    with nothing_moves():
        assert refusal(asking(alice, campaign, key="k", at=at)) == ("campaign_not_running", rule)
    assert verdict(asking(alice, campaign, key="k", at=TEN))[0] == 201
    assert verdict(asking(cast.carol(), campaign, at=CLOSING - timedelta(microseconds=1)))[0] == 201


def test_a_paused_campaign_gives_nothing_at_the_next_request(campaign: Campaign) -> None:
    assert verdict(asking(cast.alice(), campaign))[0] == 201
    type(campaign).objects.filter(pk=campaign.pk).update(state=CampaignState.PAUSED.value)
    with nothing_moves():
        assert refusal(asking(cast.carol(), campaign))[0] == "campaign_not_running"


class TestWho:
    """Claims are for the audience, judged as runs judge it."""

    def test_who_lives_outside_is_refused(self, campaign: Campaign) -> None:
        with nothing_moves():
            assert refusal(asking(cast.bob(), campaign)) == ("not_targeted", "outside")

    def test_without_consent_nothing_is_looked_at(self, campaign: Campaign) -> None:
        shy = cast.resident("shy", consents=False)
        assert refusal(asking(shy, campaign)) == ("not_targeted", "no_consent")

    def test_who_is_excluded_is_refused(self, campaign: Campaign) -> None:
        alice = cast.alice()
        exclude(resident=alice, campaign=campaign, reason="staff", by=cast.ren(), at=TEN)
        assert refusal(asking(alice, campaign)) == ("not_targeted", "excluded")

    def test_the_dead_get_nothing(self, campaign: Campaign) -> None:
        assert refusal(asking(cast.dan(), campaign))[0] == "resident_not_active"

    def test_unknown_residents_and_offers_are_not_found(self, campaign: Campaign) -> None:
        assert refusal(asking("nobody", campaign)) == ("not_found", "resident_unknown")
        assert refusal(asking(cast.alice(), campaign, tier="off99")) == (
            "not_found",
            "offer_unknown",
        )
        assert refusal(asking(cast.alice(), "elsewhere")) == ("not_found", "offer_unknown")

    def test_a_sandbox_key_sees_no_live_offer(self, campaign: Campaign) -> None:
        asked = asking(cast.ada(), campaign, caller=app(is_test=True))
        assert refusal(asked) == ("not_found", "offer_unknown")

    def test_a_sandbox_key_claims_and_sees_offers_for_no_live_resident(self) -> None:
        campaign, tester = grab(is_test=True), app(is_test=True)
        with nothing_moves():
            asked = asking(cast.alice(), campaign, caller=tester)
            assert refusal(asked) == ("not_found", "resident_unknown")
        with pytest.raises(Refused, match="not_found"):
            offers(caller=tester, resident="alice", at=TEN)
        own = asking(cast.ada(), campaign, caller=tester)
        assert verdict(own)[0] == 201

    def test_nor_does_a_live_key_for_a_resident_of_the_sandbox(self, campaign: Campaign) -> None:
        tester = cast.ada()
        assert refusal(asking(tester, campaign)) == ("not_found", "resident_unknown")
        with pytest.raises(Refused, match="not_found"):
            offers(caller=app(), resident=tester.external_id, at=TEN)


class TestSwitchedOff:
    """The key of a channel that is suspended acts no more, whatever the doors remember of it."""

    @pytest.fixture
    def campaign(self) -> Campaign:
        return grab(units=1)

    @pytest.fixture
    def suspended(self, campaign: Campaign) -> Caller:
        caller = app()
        assert verdict(asking(cast.carol(), key="won"))[0] == 201
        credential = Credential.objects.get(pk=caller.credential_id)
        stops.suspend(row=credential, why="lost", by=cast.ren(), at=NOON, until_at=None)
        return caller

    def test_it_claims_nothing_and_is_not_even_told_that_all_is_gone(
        self, suspended: Caller
    ) -> None:
        with nothing_moves():
            answers = claimed(
                [
                    asking(cast.alice(), caller=suspended),
                    asking(cast.alice(), caller=suspended, at=CLOSING),
                    asking(cast.carol(), caller=suspended, key="won"),
                ]
            )
        assert [decoded(answer)[1]["code"] for answer in answers] == ["unauthenticated"] * 3

    def test_nothing_is_stored_and_the_same_key_is_good_again_with_the_credential(
        self, suspended: Caller
    ) -> None:
        asked = asking(cast.carol(), caller=suspended, key="won")
        assert verdict(asked)[0] == 401
        credential = Credential.objects.get(pk=suspended.credential_id)
        stops.lift(row=credential, why="found", by=cast.ren(), at=NOON)
        assert verdict(asked)[0] == 201
        assert RequestRecord.objects.count() == 1


class TestOnTheSpot:
    """A round that is claimed on the spot asks where the resident is now."""

    HERE = position(PEOPLES_SQUARE)

    def test_the_position_sent_decides_and_not_the_home(self) -> None:
        grab(way=RoundWay.CLAIM_ON_SPOT)
        assert verdict(asking(cast.bob(), **self.HERE))[0] == 201
        claim = Claim.objects.get()
        assert (claim.place_kind, claim.distance_m < 1) == ("spot", True)
        alice = asking(cast.alice(), **position(north_of(PEOPLES_SQUARE, km=6)))
        assert refusal(alice) == ("not_targeted", "outside")
        assert_proven()

    def test_without_a_position_it_fails_closed(self) -> None:
        grab(way=RoundWay.CLAIM_ON_SPOT)
        with nothing_moves():
            assert refusal(asking(cast.alice())) == ("not_targeted", "no_point")

    def test_where_a_resident_was_lately_is_no_position(self) -> None:
        grab(way=RoundWay.CLAIM_ON_SPOT)
        cast.alice().points.update(kind="recent")
        with nothing_moves():
            assert refusal(asking(cast.alice())) == ("not_targeted", "no_point")

    def test_the_datum_moves_the_position(self) -> None:
        """The same figures are 4.9 km away in WGS-84, and 5.1 km in GCJ-02."""
        grab(way=RoundWay.CLAIM_ON_SPOT)
        edge = north_of(PEOPLES_SQUARE, km=4.9)
        assert refusal(asking(cast.alice(), **position(edge, "GCJ-02")))[1] == "outside"
        assert verdict(asking(cast.alice(), **position(edge)))[0] == 201

    def test_consent_is_asked_for_here_too(self) -> None:
        grab(way=RoundWay.CLAIM_ON_SPOT)
        shy = cast.resident("shy", consents=False)
        assert refusal(asking(shy, **self.HERE)) == ("not_targeted", "no_consent")


def test_unused_claimed_vouchers_expire_with_their_tranche_and_the_units_come_back() -> None:
    campaign = grab(units=2)
    claimed([asking(each) for each in neighbours(3)])
    tranche = campaign.tranches.get()
    assert tranche.valid_until_at == min(CLOSING + 14 * DAY, campaign.ends_at)
    assert expire_due(at=tranche.valid_until_at) == 2
    assert totals_fen(campaign)[AccountKind.OUTSTANDING] == 0
    assert_proven()


def test_a_run_cannot_distribute_a_round_that_is_claimed(campaign: Campaign) -> None:
    with pytest.raises(Refused, match="round_unknown") as refused:
        request_run(campaign=campaign, round=campaign.rounds.get(), seed="1", by=cast.mei(), at=TEN)
    assert refused.value.refusal.rule == "round_is_claimed"
