"""A rush on few units: never one too many, never one left over, "sold out" never said early."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any

import pytest
import redis
from django.db import transaction

from tests.support.cast import NOON
from tests.support.claims import (
    app,
    asking,
    claimed,
    grab,
    neighbours,
    refusal,
    said,
    statuses,
    verdict,
)
from tests.support.concurrency.invariants import assert_proven
from tests.support.concurrency.threads import PATIENCE_S, at_once
from tests.support.till import issue_vouchers
from vouchers.models import Campaign, Claim, LimitCounter, QuotaBucket, Tranche, Voucher
from vouchers.services import sold_out
from vouchers.services.acts import Answer
from vouchers.services.claims import ClaimRequest, batch_effects, batch_facts
from vouchers.services.ledger import quotas
from vouchers.services.proofs.audit import audit
from vouchers.states import LimitKind

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_client", "talkative"),
]

CROWD = 16
UNITS = 5


@pytest.fixture
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Valkey is asked at once, whatever it failed to answer in an earlier test."""
    monkeypatch.setattr(sold_out.VALKEY, "_silent_until_s", 0.0)


def one(request: ClaimRequest) -> Answer:
    return claimed([request])[0]


def crowd(campaign: Campaign) -> list[Callable[[], Answer]]:
    """One request of each resident, all at the same moment."""
    return [partial(one, asking(each, campaign)) for each in neighbours(CROWD)]


@pytest.mark.parametrize("bucket_count", [1, 4], ids=["one bucket", "sub-buckets"])
@pytest.mark.parametrize("units", [1, UNITS])
def test_of_a_crowd_exactly_as_many_win_as_there_are_units(units: int, bucket_count: int) -> None:
    campaign = grab(units=units, bucket_count=bucket_count)
    answers = at_once(crowd(campaign))
    assert Counter(map(said, answers)) == {"claimed": units, "sold_out": CROWD - units}
    assert Voucher.objects.count() == Claim.objects.count() == units
    assert Tranche.objects.get().voucher_count == units
    assert_proven()


def test_claims_that_leave_the_quota_as_they_read_it_overspend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: the same rush, with nothing taken from the buckets, hands out more than there
    is."""
    campaign = grab(units=1)
    monkeypatch.setattr(quotas, "send_buckets", lambda raw, buckets: None)
    answers = at_once(crowd(campaign))
    assert Counter(map(said, answers))["claimed"] > 1
    broken = audit(at=NOON, seed=1).first_broken
    assert broken is not None


def test_sold_out_is_never_answered_while_a_unit_is_left() -> None:
    campaign = grab(units=UNITS, bucket_count=4)

    def ask(request: ClaimRequest) -> tuple[str, int]:
        answer = said(one(request))
        return answer, Claim.objects.count()

    heard = at_once([partial(ask, asking(each, campaign)) for each in neighbours(CROWD)])
    assert {count for answer, count in heard if answer == "sold_out"} == {UNITS}


def test_a_resident_on_many_devices_gets_no_more_than_one() -> None:
    """By the apps of two channels, several times each."""
    campaign = grab(units=CROWD)
    (alice,), apps = neighbours(1), [app("alipay"), app("wechat")]
    requests = [asking(alice, campaign, caller=caller) for caller in apps * (CROWD // 4)]
    answers = at_once([partial(one, request) for request in requests])
    assert Counter(map(said, answers)) == {"claimed": 1, "resident_limit": CROWD // 2 - 1}
    assert_proven()


def test_control_who_counts_before_giving_gives_a_resident_too_many() -> None:
    campaign = grab(units=CROWD)
    (alice,) = neighbours(1)

    def give_naively() -> bool:
        """Count, decide, give: every step right by itself."""
        if Voucher.objects.filter(resident=alice).exists():
            return False
        issue_vouchers(campaign, [alice])
        return True

    given = sum(at_once([give_naively] * (CROWD // 2)))
    assert given > 1, "the devices never met: the race above would prove nothing"


def on_one_device(campaign: Campaign) -> Counter[str]:
    """What a crowd hears whose claims are all made on one telephone, at the same moment."""
    spellings = ("phone-1", "PHONE-1")
    requests = [
        asking(each, campaign, device=spellings[number % 2])
        for number, each in enumerate(neighbours(CROWD))
    ]
    return Counter(map(said, at_once([partial(one, request) for request in requests])))


@pytest.mark.parametrize("kind", [LimitKind.CLAIM_DAY, LimitKind.CLAIM_CAMPAIGN])
def test_many_residents_on_one_device_get_no_more_than_its_limit(kind: LimitKind) -> None:
    campaign = grab(units=CROWD, bucket_count=4, limits={kind: 2})
    assert on_one_device(campaign) == {"claimed": 2, "resident_limit": CROWD - 2}
    assert LimitCounter.objects.get(kind=kind).used_count == Claim.objects.count() == 2
    assert_proven()


def test_control_claims_that_leave_the_counters_as_they_read_them_give_a_device_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campaign = grab(units=CROWD, limits={LimitKind.CLAIM_DAY: 2})
    monkeypatch.setattr(batch_effects, "send_taken", lambda raw, taken: None)
    assert on_one_device(campaign)["claimed"] > 2
    broken = audit(at=NOON, seed=1).first_broken
    assert broken is not None
    assert broken.name == "counters_are_their_rows"


def test_control_without_their_lock_the_counters_are_held_by_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campaign = grab(units=CROWD, limits={LimitKind.CLAIM_DAY: 2})
    monkeypatch.setattr(batch_facts, "lock_counters", lambda raw, keys: None)
    assert on_one_device(campaign)["claimed"] <= 2


def test_one_key_in_flight_many_times_claims_once() -> None:
    campaign = grab(units=CROWD)
    (alice,) = neighbours(1)
    answers = at_once([partial(one, asking(alice, campaign, key="k")) for _ in range(6)])
    kinds = Counter(map(said, answers))
    assert set(kinds) <= {"claimed", "request_in_flight"}
    assert len({answer.body for answer in answers if answer.status == 201}) == 1
    assert Claim.objects.count() == 1


def test_the_first_claims_open_one_tranche_between_them() -> None:
    campaign = grab(units=CROWD, is_opened=False)
    answers = at_once(crowd(campaign))
    assert Counter(map(said, answers)) == {"claimed": CROWD}
    assert Tranche.objects.count() == 1
    assert_proven()


class TestMemoryOfWhatIsSoldOut:
    """Valkey remembers what PostgreSQL has committed, and decides nothing."""

    @pytest.fixture
    def campaign(self) -> Campaign:
        """One unit, claimed; that nothing is left has been found twice, and so is remembered."""
        campaign = grab(units=1)
        first, *others = neighbours(4)
        assert verdict(asking(first, campaign, key="first"))[0] == 201
        for each in others[:2]:
            assert refusal(asking(each, campaign))[0] == "sold_out"
        return campaign

    def ask_while_quotas_are_locked(self, campaign: Campaign) -> list[str]:
        """The answer while another transaction holds every bucket; a claim that needed one would
        wait too long."""
        is_locked, is_answered = Event(), Event()

        def hold() -> str:
            with transaction.atomic():
                list(QuotaBucket.objects.select_for_update().filter(cell__campaign=campaign))
                is_locked.set()
                is_answered.wait(PATIENCE_S)
            return "held"

        def ask() -> str:
            is_locked.wait(PATIENCE_S)
            try:
                return said(one(asking(neighbours(4)[3], campaign)))
            finally:
                is_answered.set()

        return at_once([hold, ask])

    def test_who_comes_later_is_turned_away_without_a_lock(self, campaign: Campaign) -> None:
        assert self.ask_while_quotas_are_locked(campaign) == ["held", "sold_out"]

    def test_the_winners_key_still_gets_its_answer(self, campaign: Campaign) -> None:
        again = one(asking(neighbours(1)[0], campaign, key="first"))
        assert (again.status, again.is_replay) == (201, True)

    def test_a_unit_that_comes_back_is_claimable_at_once(self, campaign: Campaign) -> None:
        allocation_id = Voucher.objects.get().allocation_id
        late = neighbours(4)[3]
        assert refusal(asking(late, campaign, key="late"))[0] == "sold_out"
        with transaction.atomic():
            quotas.give_back(vouchers={allocation_id: 1})
        assert verdict(asking(late, campaign, key="late"))[0] == 201

    def test_what_was_found_before_a_unit_came_back_is_not_remembered(
        self, campaign: Campaign, redis_client: redis.Redis
    ) -> None:
        """A verdict that is overtaken by a return is remembered under a mark that is gone."""
        cell = campaign.cells.get(round__isnull=False)
        shortage = sold_out.Shortage(cell.pk, campaign.tiers.get().pk)
        before = sold_out.recall({shortage})
        assert before.shortages == {shortage}
        sold_out.lift([cell.pk])
        sold_out.remember([shortage], before.marks)
        assert sold_out.recall({shortage}).shortages == frozenset()

    def test_a_memory_that_is_lost_is_made_anew(
        self, campaign: Campaign, redis_client: redis.Redis
    ) -> None:
        redis_client.flushdb()
        late = neighbours(4)[3]
        found = [refusal(asking(late, campaign))[0] for _ in range(3)]
        assert set(found) == {"sold_out"}
        assert self.ask_while_quotas_are_locked(campaign) == ["held", "sold_out"]

    def test_without_valkey_claims_go_on(self, campaign: Campaign, settings: Any) -> None:
        settings.REDIS_URL = "unix:///nowhere/valkey.sock"
        late = neighbours(4)[3]
        assert refusal(asking(late, campaign))[0] == "sold_out"
        with transaction.atomic():
            quotas.give_back(vouchers={Voucher.objects.get().allocation_id: 1})
        assert statuses(claimed([asking(late, campaign)])) == [201]
