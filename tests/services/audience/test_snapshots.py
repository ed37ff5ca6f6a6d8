"""Packed snapshots answer as the rows do: after any change, during an import, after an erasure."""

import contextlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import numpy as np
import pytest
from django.db import connection, connections, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from merchants.errors import Refused
from merchants.geo import Datum
from tests.support import cast
from tests.support.concurrency.threads import PATIENCE_S
from vouchers.models import (
    Campaign,
    Exclusion,
    Resident,
    ResidentMerge,
    ResidentPoint,
    ResidentSnapshot,
    SnapshotBlock,
)
from vouchers.rules.audience.filters import TARGETED, AudienceFilter, Untargeted
from vouchers.services import residents
from vouchers.services.audience import snapshots
from vouchers.services.audience.residents import Sources, TargetingContext
from vouchers.services.residents.acts import Place

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

PEOPLE = 12
FAR = cast.north_of(cast.PEOPLES_SQUARE, km=100)
Answer = dict[int, tuple[object, ...]]


def campaign(**options: Any) -> Campaign:
    draft = cast.spring_campaign()
    wanted = {"point_kinds": ["home", "work"], **options}
    Campaign.objects.filter(pk=draft.pk).update(**wanted)
    return cast.launched(Campaign.objects.get(pk=draft.pk))


def crowd() -> list[Resident]:
    """Some near, some a little too far, and some beyond every store's reach."""
    return [
        cast.resident(
            f"r{n}", home=cast.north_of(cast.PEOPLES_SQUARE, km=n * 0.7) if n < 9 else FAR
        )
        for n in range(PEOPLE)
    ]


def build(block_residents: int = 3) -> ResidentSnapshot:
    built = snapshots.build_snapshot(at=cast.NOON, block_residents=block_residents)
    assert built is not None
    return built


def judged(context: TargetingContext, sources: Sources) -> Answer:
    answer: Answer = {}
    for block in context.blocks(sources):
        found = context.judge(block)
        columns = (found.reason, found.kind, found.store, found.distance_m, found.ring)
        for row, resident_id in enumerate(block.resident_id.tolist()):
            assert resident_id not in answer
            answer[resident_id] = tuple(column[row].item() for column in columns)
    return answer


def answers(context: TargetingContext) -> tuple[Answer, Answer, Sources]:
    """From the newest snapshot, and from every row; and where the first came from."""
    with transaction.atomic():
        sources = context.sources()
        everyone = np.array(sorted(Resident.objects.values_list("pk", flat=True)), dtype=np.int64)
        by_row = Sources(None, np.empty(0, np.int32), everyone, 0)
        return judged(context, sources), judged(context, by_row), sources


def assert_same(of: Campaign) -> Sources:
    packed, by_row, sources = answers(TargetingContext.of(of, cast.NOON))
    unread = by_row.keys() - packed.keys()
    assert packed == {pk: by_row[pk] for pk in packed}
    assert len(unread) == sources.beyond_reach
    assert all(by_row[pk][0] != TARGETED for pk in unread)
    return sources


def place(km: float) -> Place:
    return Place(*cast.north_of(cast.PEOPLES_SQUARE, km=km), datum=Datum.WGS_84)


def _withdraw(one: Resident) -> None:
    residents.withdraw_consent(resident=one, at=cast.NOON + timedelta(seconds=2))


def _agree(one: Resident, number: int) -> None:
    """In time for the campaign, or a second too late."""
    _withdraw(one)
    at = cast.NOON + timedelta(seconds=number % 2)
    residents.give_consent(resident=one, text_version=f"v{number}", at=at)


def _toggle_merge(one: Resident, number: int) -> None:
    live = ResidentMerge.objects.filter(member=one, undone_at=None).first()
    if live:
        residents.undo_merge(merge=live, by=cast.ren(), at=cast.NOON)
        return
    kept = Resident.objects.exclude(pk=one.pk).order_by("pk")[number % (PEOPLE - 1)]
    residents.merge(member=one, kept=kept, reason="same", by=cast.ren(), at=cast.NOON)


def _toggle_exclusion(one: Resident, number: int) -> None:
    live = Exclusion.objects.filter(resident=one, lifted_at=None).first()
    if live:
        residents.lift_exclusion(exclusion=live, by=cast.ren(), at=cast.NOON)
        return
    residents.exclude(resident=one, campaign=None, reason="r", by=cast.ren(), at=cast.NOON)


STANDING: Mapping[str, tuple[Callable[..., None], dict[str, str]]] = {
    "freeze": (residents.freeze, {"reason": "r"}),
    "unfreeze": (residents.unfreeze, {"reason": "r"}),
    "die": (residents.record_death, {"document_no": "D"}),
    "erase": (residents.erase, {"reason": "r"}),
}


def _standing(act: Callable[..., None], said: dict[str, str]) -> Callable[[Resident, int], object]:
    at = cast.NOON + timedelta(seconds=2)
    return lambda one, _number: act(resident=one, by=cast.ren(), at=at, **said)


ACTS: Mapping[str, Callable[[Resident, int], object]] = {
    "move home": lambda one, n: residents.move_point(
        resident=one, kind=ResidentPoint.Kind.HOME, place=place(n % 100), at=cast.NOON
    ),
    "move work": lambda one, n: residents.move_point(
        resident=one, kind=ResidentPoint.Kind.WORK, place=place(n % 7), at=cast.NOON
    ),
    "agree": _agree,
    "withdraw": lambda one, _n: _withdraw(one),
    "tags, behind the services": lambda one, n: Resident.objects.filter(pk=one.pk).update(tags=n),
    "coarsen, behind the services": lambda one, _n: one.points.update(coarsened_at=cast.NOON),
    "merge or undo": _toggle_merge,
    "exclude or lift": _toggle_exclusion,
    **{name: _standing(act, said) for name, (act, said) in STANDING.items()},
    "register": lambda _one, n: cast.resident(f"new{n}", home=cast.north_of(FAR, km=-n)),
    "build": lambda _one, n: build(1 + n % 5),
}
PICKED = st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, PEOPLE - 1), st.integers(0, 200))


def test_the_snapshot_answers_as_the_rows_after_any_changes() -> None:
    people, of = crowd(), campaign(audience_filter={"tags_any": [0, 3], "age_min": 18})
    Resident.objects.update(tags=1)
    build()

    @settings(max_examples=25)
    @given(st.lists(PICKED, min_size=1, max_size=8))
    def check(picked: list[tuple[str, int, int]]) -> None:
        for act, number, value in picked:
            with contextlib.suppress(Refused):
                ACTS[act](people[number], value)
        assert_same(of)

    check()


FILTERS: list[dict[str, object]] = [
    {"age_min": 41, "age_max": 41},
    {"districts": [310101]},
    {"streets": ["Nanjing East Road", "r1's"]},
    {"is_registered": False},
    {"has_residence_permit": True},
    {"need_score_min": 2},
    {"tags_all": [63]},
]


def test_every_attribute_is_packed_as_it_stands() -> None:
    for number, one in enumerate(crowd()):
        Resident.objects.filter(pk=one.pk).update(
            street=f"r{number}'s",
            birth_year=1985 - number % 2,
            district=cast.district() if number % 2 else None,
            is_registered=(None, False, True)[number % 3],
            has_residence_permit=(True, None, False)[number % 3],
            need_score=number,
            tags=-(1 << 63) if number % 2 else 5,
        )
    build()
    terms = TargetingContext.of(campaign(), cast.NOON)

    for wanted in FILTERS:
        conditions = replace(terms.conditions, wanted=AudienceFilter.of(wanted))
        packed, by_row, sources = answers(replace(terms, conditions=conditions))
        assert (sources.changed.size, len(packed)) == (0, 9)
        assert packed == {pk: by_row[pk] for pk in packed}
        assert {Untargeted.FILTERED, TARGETED} <= {reason for reason, *_ in packed.values()}


def test_blocks_beyond_every_stores_reach_are_not_read_and_counted_once() -> None:
    people, of = crowd(), campaign()
    build()
    sources = assert_same(of)
    assert (sources.beyond_reach, sources.changed.size) == (3, 0)

    residents.move_point(
        resident=people[-1], kind=ResidentPoint.Kind.HOME, place=place(1), at=cast.NOON
    )

    sources = assert_same(of)
    assert (sources.beyond_reach, sources.changed.tolist()) == (2, [people[-1].pk])


def test_what_an_import_writes_counts_from_the_moment_it_commits() -> None:
    people, of = crowd(), campaign()
    written, may_commit = Event(), Event()

    def load() -> None:
        try:
            with transaction.atomic():
                residents.move_point(
                    resident=people[0], kind=ResidentPoint.Kind.HOME, place=place(50), at=cast.NOON
                )
                cast.resident("arriving")
                written.set()
                assert may_commit.wait(PATIENCE_S)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load)
        assert written.wait(PATIENCE_S)
        # Built while the load is under way, whose transaction is older than the snapshot.
        cast.resident("meanwhile")
        build()
        assert assert_same(of).changed.size == 0
        may_commit.set()
        loading.result(PATIENCE_S)

    arriving = Resident.objects.get(external_id="arriving")
    assert sorted(assert_same(of).changed.tolist()) == [people[0].pk, arriving.pk]


def holders(resident_id: int) -> list[int]:
    """Blocks in which a resident stands."""
    return [
        block.pk
        for block in SnapshotBlock.objects.all()
        if resident_id in np.frombuffer(bytes(block.resident_id), ">i8")
    ]


def test_erasure_takes_a_resident_out_of_every_block_at_once() -> None:
    people, of = crowd(), campaign()
    build()
    other = SnapshotBlock.objects.get(number=0)
    (held,) = holders(people[8].pk)

    with transaction.atomic():
        residents.erase(resident=people[8], reason="asked", by=cast.ren(), at=cast.NOON)
        assert holders(people[8].pk) == []

    block = SnapshotBlock.objects.get(pk=held)
    assert block.resident_count == len(bytes(block.resident_id)) // 8 == 2
    north = cast.north_of(cast.PEOPLES_SQUARE, km=7 * 0.7)[1]
    assert block.boxes[:4] == [
        cast.PEOPLES_SQUARE[0],
        pytest.approx(north, abs=0.01),
        *[cast.PEOPLES_SQUARE[0], pytest.approx(north)],
    ]
    assert bytes(SnapshotBlock.objects.get(pk=other.pk).resident_id) == bytes(other.resident_id)
    assert_same(of)


def test_a_resident_erased_during_a_build_is_in_no_block() -> None:
    people, of = crowd(), campaign()
    erased, may_commit = Event(), Event()

    def erase() -> None:
        try:
            with transaction.atomic():
                residents.erase(resident=people[1], reason="asked", by=cast.ren(), at=cast.NOON)
                erased.set()
                assert may_commit.wait(PATIENCE_S)
        finally:
            connections.close_all()

    def build_apart() -> None:
        try:
            build()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        erasing = pool.submit(erase)
        assert erased.wait(PATIENCE_S)
        building = pool.submit(build_apart)
        until(a_session_waits_for_an_advisory_lock)
        may_commit.set()
        erasing.result(PATIENCE_S)
        building.result(PATIENCE_S)

    assert holders(people[1].pk) == []
    assert len(holders(people[2].pk)) == 1
    assert_same(of)


def until(what: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < give_up_at, "it never came true"
        time.sleep(0.01)


def a_session_waits_for_an_advisory_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return bool(cursor.fetchone() == (1,))


def test_a_new_snapshot_is_built_when_it_is_due() -> None:
    people = crowd()
    first = snapshots.refresh_snapshot(at=cast.NOON)
    assert first is not None
    assert snapshots.refresh_snapshot(at=cast.NOON + cast.DAY) is None

    Resident.objects.filter(pk=people[0].pk).update(tags=1)
    second = snapshots.refresh_snapshot(at=cast.NOON)
    assert second is not None

    first.refresh_from_db()
    assert (first.cleared_at, first.blocks.exists()) == (cast.NOON, False)
    assert second.blocks.count() == 1


def test_one_session_builds_and_the_other_leaves_it_to_it() -> None:
    crowd()
    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        build()

        def build_apart() -> ResidentSnapshot | None:
            try:
                return snapshots.build_snapshot(at=cast.NOON)
            finally:
                connections.close_all()

        assert pool.submit(build_apart).result(PATIENCE_S) is None


def test_a_snapshot_from_another_server_is_not_read() -> None:
    of = campaign()
    crowd()
    build()
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE vouchers_residentsnapshot DISABLE TRIGGER USER")
        cursor.execute("UPDATE vouchers_residentsnapshot SET server = server + 1")

    assert assert_same(of).snapshot_id is None
