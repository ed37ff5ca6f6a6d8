"""Limits are exact under a crowd: not one too many, and not one too few."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pytest

from merchants.references import folded
from tests.support import cast, draft_rows
from tests.support.cast import NOON
from tests.support.concurrency.invariants import assert_proven, spent_fen
from tests.support.concurrency.threads import at_once
from tests.support.till import decoded, issue_vouchers, order, redeem, till_of
from vouchers.models import Campaign, LimitCounter, Link, Redemption, ResidentMerge, Voucher
from vouchers.rules.limits.limits import OF_CLAIMS, window_no
from vouchers.services.campaigns.amendments import approve_amendment, propose_amendment
from vouchers.services.redemption import RedeemRequest
from vouchers.services.residents.identity import keyed_hash
from vouchers.states import LimitKind

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 16
LIMIT = 5
FACE_FEN = 2_000
CODES: Mapping[LimitKind, str] = {
    kind: {"LINK": "resident_limit"}.get(subject, f"{subject.lower()}_limit")
    for kind in sorted(set(LimitKind) - OF_CLAIMS)
    for subject in [kind.name.split("_")[0]]
}


def codes(requests: Sequence[RedeemRequest]) -> list[str]:
    """Send each from a thread of its own; the refusal codes, or "201"."""
    answered = at_once([partial(redeem, requests=[request]) for request in requests])
    return sorted(decoded(answer)[1].get("code", "201") for (answer,) in answered)


def orders(
    vouchers: Sequence[Voucher], *, devices: Sequence[str] = ("shared",)
) -> list[RedeemRequest]:
    """Each voucher on an order of its own, at a till of its own, shown by turns on the devices."""
    store = cast.nanjing_road()
    return [
        order(
            voucher,
            store,
            cast.alice(),
            caller=till_of(store, credential_id=till),
            device=devices[till % len(devices)],
        )
        for till, voucher in enumerate(vouchers)
    ]


@pytest.mark.parametrize("kind", CODES, ids=lambda kind: kind.name.lower())
def test_exactly_the_limit_is_redeemed(kind: LimitKind) -> None:
    campaign = cast.running_campaign(limits={kind: LIMIT})
    vouchers = issue_vouchers(campaign, [cast.alice()] * CROWD)
    devices = ("shared",) if kind.name.startswith("LINK") else ("phone", "tablet")
    answered = codes(orders(vouchers, devices=devices))
    assert answered == sorted(["201"] * LIMIT + [CODES[kind]] * (CROWD - LIMIT))
    assert Redemption.objects.count() == LimitCounter.objects.get().used_count == LIMIT
    assert spent_fen(campaign) == LIMIT * FACE_FEN
    assert_proven()


def test_a_limit_by_money_is_exact_and_used_to_the_last_fen() -> None:
    draft = cast.spring_campaign(limits={})
    draft_rows.add(
        "limits",
        campaign=draft,
        kind=LimitKind.RESIDENT_DAY,
        limit_fen=LIMIT * FACE_FEN + FACE_FEN - 1,
        by=cast.mei(),
        at=NOON,
    )
    campaign = cast.launched(draft)
    vouchers = issue_vouchers(campaign, [cast.alice()] * CROWD)
    assert codes(orders(vouchers)).count("201") == LIMIT
    assert LimitCounter.objects.get().used_fen == spent_fen(campaign) == LIMIT * FACE_FEN


def test_the_last_place_is_given_to_exactly_one() -> None:
    """Never over and never under, again and again: one voucher each, one place left."""
    campaign = cast.running_campaign(limits={LimitKind.RESIDENT_CAMPAIGN: 3})
    for expected in (1, 2, 3):
        people = [cast.resident(f"guest{expected}")] * CROWD
        vouchers = issue_vouchers(campaign, people)
        store = cast.nanjing_road()
        for voucher in vouchers[:2]:
            (answer,) = redeem(requests=[order(voucher, store, people[0])])
            assert answer.status == 201
        requests = [order(voucher, store, people[0]) for voucher in vouchers[2:]]
        assert codes(requests).count("201") == 1
        assert Redemption.objects.count() == 3 * expected


def test_two_who_are_one_person_share_one_limit() -> None:
    """Each of a merged pair has counters of their own; together they get no more than one may."""
    campaign = cast.running_campaign(limits={LimitKind.RESIDENT_WEEK: LIMIT})
    pair = [cast.resident("kept"), cast.resident("member")]
    ResidentMerge.objects.create(
        kept=pair[0], member=pair[1], reason="same passport", merged_by="mei", merged_at=NOON
    )
    vouchers = issue_vouchers(campaign, pair * (CROWD // 2))
    store = cast.nanjing_road()
    requests = [order(voucher, store, voucher.resident) for voucher in vouchers]
    assert codes(requests).count("201") == LIMIT
    assert sum(LimitCounter.objects.values_list("used_count", flat=True)) == LIMIT
    assert_proven()


def test_many_people_of_one_device_share_its_limit() -> None:
    """A number from the till and one on file are one, in any case of letters: one counter."""
    campaign = cast.running_campaign(limits={LimitKind.LINK_CAMPAIGN: LIMIT})
    people = [cast.resident(f"guest{number}") for number in range(CROWD)]
    for person in people[::2]:
        Link.objects.create(
            resident=person,
            bucket=person.bucket,
            kind=Link.Kind.DEVICE,
            value_hmac=keyed_hash("device", folded("shared")),
            first_seen_at=NOON,
            last_seen_at=NOON,
        )
    vouchers, store = issue_vouchers(campaign, people), cast.nanjing_road()
    requests = [
        order(voucher, store, person, device="" if number % 2 == 0 else "Shared")
        for number, (voucher, person) in enumerate(zip(vouchers, people, strict=True))
    ]
    assert codes(requests).count("201") == LIMIT
    assert LimitCounter.objects.get().used_count == LIMIT
    assert_proven()


@pytest.mark.parametrize(
    "kind", [LimitKind.RESIDENT_DAY, LimitKind.STORE_DAY], ids=lambda kind: kind.name
)
def test_a_limit_raised_under_a_crowd_is_the_old_or_the_new_one_and_never_more(
    kind: LimitKind,
) -> None:
    """Redemptions are under way when the approval commits; afterwards the rest is there to use. A
    store's counter is held by its row, which may carry the old limit or the new."""
    campaign = cast.running_campaign(limits={kind: 2})
    vouchers = issue_vouchers(campaign, [cast.alice()] * (2 * CROWD))
    first, second = orders(vouchers[:CROWD]), orders(vouchers[CROWD:])
    terms = propose_amendment(
        campaign=campaign,
        limits={kind: {"limit_count": LIMIT}},
        by=cast.mei(),
        at=NOON,
    )
    approve = partial(
        approve_amendment, terms=terms, by=cast.li(), seen_sha256=bytes(terms.sha256), at=NOON
    )
    acts: list[Callable[[], object]] = [partial(redeem, requests=[each]) for each in first]
    acts.insert(CROWD // 2, approve)
    at_once(acts)
    meanwhile = Redemption.objects.count()
    assert 2 <= meanwhile <= LIMIT
    assert codes(second).count("201") == LIMIT - meanwhile
    assert LimitCounter.objects.get().used_count == LIMIT
    assert_proven()


def count_naively(campaign: Campaign, resident_id: int, _number: int) -> bool:
    """Read the counter, decide, save it: every step right by itself."""
    key = {
        "kind": LimitKind.RESIDENT_DAY.value,
        "campaign": campaign,
        "subject_id": resident_id,
        "window_no": window_no(LimitKind.RESIDENT_DAY, NOON, campaign.zone),
    }
    counter = LimitCounter.objects.get(**key)
    if counter.used_count >= LIMIT:
        return False
    LimitCounter.objects.filter(**key).update(used_count=counter.used_count + 1)
    return True


def test_control_a_naive_counter_lets_too_many_through() -> None:
    campaign = cast.running_campaign(limits={LimitKind.RESIDENT_DAY: LIMIT})
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    redeem(requests=orders([voucher]))
    LimitCounter.objects.update(used_count=0)
    yes = at_once(
        [partial(count_naively, campaign, cast.alice().pk, number) for number in range(CROWD)]
    )
    assert sum(yes) > LIMIT, "the tills never met: the races above would prove nothing"
