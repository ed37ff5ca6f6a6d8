"""Who is calling: one query, one answer for every bad key, and a memory of seconds."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from merchants.auth import (
    CALLERS,
    Cached,
    Caller,
    CallerCache,
    HasScope,
    KeyAuthentication,
    authenticate,
)
from merchants.geo import Datum
from merchants.models import Credential, State, Terminal
from merchants.services import (
    enrol_merchant,
    enrol_terminal,
    issue_credential,
    open_store,
    rotate_key,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 4, 1, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
UNKNOWN_KEY = "vk_live_main_" + "A" * 43


@pytest.fixture
def till() -> Terminal:
    merchant = enrol_merchant(code="m", name="m", at=NOON)
    store = open_store(
        merchant=merchant,
        external_id="S1",
        name="s",
        category="dining",
        longitude=121.5,
        latitude=31.2,
        datum=Datum.WGS_84,
        at=NOON,
    )
    return enrol_terminal(store=store, code="T1")


@pytest.fixture
def issued(till: Terminal) -> tuple[Credential, str]:
    return issue_credential(
        name="till",
        kind=Credential.Kind.TERMINAL,
        scopes=["redeem", "quote"],
        terminal=till,
        at=NOON,
    )


def test_a_till_is_known_by_its_key_in_one_query(
    till: Terminal,
    issued: tuple[Credential, str],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    credential, key = issued
    with django_assert_num_queries(1):
        caller = authenticate(key, at=NOON)
    assert caller is not None
    assert caller.credential_id == credential.pk
    assert caller.kind == "terminal"
    assert caller.scopes == {"redeem", "quote"}
    assert caller.merchant_ids == {till.store.merchant_id}
    assert caller.store_ids == frozenset({till.store_id})
    assert (caller.terminal_code, caller.channel_code, caller.is_test) == ("T1", "", False)


def test_a_merchants_key_without_stores_acts_for_all_of_them(till: Terminal) -> None:
    _, key = issue_credential(
        name="chain",
        kind=Credential.Kind.MERCHANT,
        scopes=["settlements"],
        merchants=[till.store.merchant],
        is_test=True,
        at=NOON,
    )
    caller = authenticate(key, at=NOON)
    assert caller is not None
    assert caller.store_ids is None
    assert caller.is_test


def test_a_till_without_a_store_acts_for_none(issued: tuple[Credential, str]) -> None:
    credential, key = issued
    credential.stores.clear()
    caller = authenticate(key, at=NOON)
    assert caller is not None
    assert caller.store_ids == frozenset()


def test_the_identity_survives_rotation(issued: tuple[Credential, str]) -> None:
    credential, old = issued
    new = rotate_key(credential=credential, overlap_s=60, at=NOON)
    assert authenticate(old, at=NOON) == authenticate(new, at=NOON)
    assert authenticate(old, at=NOON + 59 * SECOND) is not None
    assert authenticate(old, at=NOON + 60 * SECOND) is None
    assert authenticate(new, at=NOON + 60 * SECOND) is not None


def suspend(credential: Credential) -> None:
    Credential.objects.filter(pk=credential.pk).update(state=State.SUSPENDED)


def suspend_till(credential: Credential) -> None:
    Terminal.objects.update(state=State.SUSPENDED)


def revoke(credential: Credential) -> None:
    rotate_key(credential=credential, overlap_s=0, at=NOON)


def make_test(credential: Credential) -> None:
    Credential.objects.filter(pk=credential.pk).update(is_test=True)


@pytest.mark.parametrize("spoil", [suspend, suspend_till, revoke, make_test])
def test_a_spoilt_key_is_as_good_as_none(
    issued: tuple[Credential, str], spoil: Callable[[Credential], None]
) -> None:
    credential, key = issued
    spoil(credential)
    assert authenticate(key, at=NOON) is None


@pytest.mark.parametrize(
    "guess",
    [
        "",
        "vk_live_main_",
        "x" * 56,
        "vk_live_sha_" + "A" * 43,
        "vk_live_else_" + "A" * 43,
        "vk_live_main_" + "字" * 43,
    ],
)
def test_what_cant_be_a_key_costs_no_query(
    guess: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert authenticate(guess, at=NOON) is None
        assert CallerCache().get(guess, at=NOON) is None


# The cache


class Clock:
    """Seconds that pass when the test says so."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_caller_is_remembered_for_its_time_and_no_longer(
    issued: tuple[Credential, str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    credential, key = issued
    clock = Clock()
    cache = CallerCache(ttl_s=5, clock=clock)
    assert cache.peek(key) is Cached.MISS
    with django_assert_num_queries(1):
        caller = cache.get(key, at=NOON)
        clock.now_s += 4.9
        assert cache.get(key, at=NOON) is caller
        assert cache.peek(key) is caller
    revoke(credential)
    clock.now_s += 0.2
    assert cache.get(key, at=NOON) is None


def test_a_stranger_is_remembered_shorter(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    clock = Clock()
    cache = CallerCache(ttl_s=5, negative_ttl_s=1, clock=clock)
    with django_assert_num_queries(2):
        for _ in range(2):
            assert cache.get(UNKNOWN_KEY, at=NOON) is None
            assert cache.get(UNKNOWN_KEY, at=NOON) is None
            assert cache.peek(UNKNOWN_KEY) is None
            clock.now_s += 1.1


def test_a_flood_of_guesses_pushes_no_caller_out(
    issued: tuple[Credential, str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    cache = CallerCache(size=3, clock=Clock())
    cache.get(issued[1], at=NOON)
    for number in range(20):
        cache.get(f"vk_live_main_{number:043}", at=NOON)
    with django_assert_num_queries(0):
        assert cache.get(issued[1], at=NOON) is not None
    assert cache.peek(f"vk_live_main_{0:043}") is Cached.MISS
    assert cache.peek(f"vk_live_main_{19:043}") is None


@pytest.mark.django_db(transaction=True)
def test_threads_share_one_cache() -> None:
    cache = CallerCache()
    answers: list[Caller | None] = []

    def ask() -> None:
        answers.extend(cache.get(UNKNOWN_KEY, at=NOON) for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [None] * 200


# REST framework


class Refund(APIView):
    authentication_classes = [KeyAuthentication]
    permission_classes = [HasScope.of("refund")]

    def get(self, request: object) -> Response:
        return Response("refunded")


class Quote(Refund):
    permission_classes = [HasScope.of("quote")]


class Open(Refund):
    permission_classes = [AllowAny]


def call(view: type[APIView], authorization: str = "") -> int:
    CALLERS.clear()
    headers = {"Authorization": authorization} if authorization else {}
    return view.as_view()(RequestFactory().get("/", headers=headers)).status_code


def test_scopes_open_doors(issued: tuple[Credential, str]) -> None:
    key = issued[1]
    assert call(Quote, f"Bearer {key}") == 200
    assert call(Quote, f"bearer  {key} ") == 200
    assert call(Refund, f"Bearer {key}") == 403


@pytest.mark.parametrize("authorization", ["", "Basic eDp5", f"Bearer {UNKNOWN_KEY}", "Bearer ü"])
def test_without_a_good_key_it_is_401(authorization: str) -> None:
    assert call(Refund, authorization) == 401


def test_an_open_door_needs_no_key_but_a_bad_one_is_refused() -> None:
    assert call(Open) == 200
    assert call(Open, f"Bearer {UNKNOWN_KEY}") == 401


def test_a_scope_that_does_not_exist_is_a_programmers_error() -> None:
    with pytest.raises(ValueError, match="print_money"):
        HasScope.of("print_money")
