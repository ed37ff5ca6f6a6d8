"""Targeting from PostgreSQL to ids by two processes, the preview, and the import of a million.

The packed blocks are written as a build would have left them; nobody stands in the residents' own
table, so that only what targeting reads is there. SIZE in the environment makes fewer residents.
"""

import csv
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.db import transaction

from merchants.geo import Datum
from merchants.models import State, Store, StoreLocation
from tests.benchmarks import ground
from tests.benchmarks.figures import Figure, paired, under
from tests.benchmarks.targeting import STORES, Town
from tests.support import cast
from vouchers.models import Campaign, SnapshotBlock
from vouchers.models.audience.facts import DTYPES, SENT_AS
from vouchers.models.audience.snapshots import BLOCK_RESIDENTS, READ_PACKED
from vouchers.rules.audience.facts import CONSENT
from vouchers.rules.audience.filters import TARGETED
from vouchers.services.audience import snapshots
from vouchers.services.audience.preview import preview
from vouchers.services.audience.residents import BLOCKS_A_READ, TargetingContext
from vouchers.services.residents import import_residents
from vouchers.sql.pipeline import raw_connection

NAME: Final = "huimin_bench_snapshot"
CITY: Final = 10_000_000
WHOLE_CITY: Final = 25_000_000
IMPORTED: Final = 1_000_000
PROCESSES: Final = 2
TO_IDS: Final = "target_pg_to_ids_10m_s"
TO_IDS_WHOLE: Final = "target_pg_to_ids_25m_s"
AGAINST_READING: Final = "target_pg_to_ids_vs_reading"
PREVIEW: Final = "preview_10m_s"
IMPORT: Final = "import_1m_s"
FIGURES: Final = (TO_IDS, TO_IDS_WHOLE, AGAINST_READING, PREVIEW, IMPORT)

OnProgress = Callable[[str], None]


def measure(
    wants: Callable[[str], bool], *, folder: Path, rounds: int, on_progress: OnProgress
) -> dict[str, Figure]:
    """The figures that are asked for, each in a database of its own."""
    found: dict[str, Figure] = {}
    if any(wants(name) for name in (TO_IDS, AGAINST_READING, PREVIEW)):
        found |= _in_city(wanted_size(CITY), rounds, on_progress)
    if wants(TO_IDS_WHOLE):
        campaign = build(wanted_size(WHOLE_CITY), on_progress)
        seconds = [_shared(campaign, target)[0] for _ in range(rounds)]
        found[TO_IDS_WHOLE] = under(seconds, 8.0, unit="s", goal="≤ 8")
    if wants(IMPORT):
        found[IMPORT] = _import(folder, on_progress)
    return {name: figure for name, figure in found.items() if wants(name)}


def wanted_size(usual: int) -> int:
    """How many residents."""
    return int(os.environ.get("SIZE") or usual)


def _in_city(residents: int, rounds: int, on_progress: OnProgress) -> dict[str, Figure]:
    campaign = build(residents, on_progress)
    seconds, reading, shown = [], [], []
    for _ in range(rounds):
        seconds.append(_shared(campaign, target)[0])
        reading.append(_shared(campaign, read_only)[0])
        started = time.perf_counter()
        preview(campaign=campaign, by=cast.mei(), at=datetime.now(UTC))
        shown.append(time.perf_counter() - started)
    return {
        TO_IDS: under(seconds, 3.0, unit="s", goal="≤ 3"),
        AGAINST_READING: paired(seconds, reading, unit="s", goal="≤ 2"),
        PREVIEW: under(shown, 6.0, unit="s", goal="≤ 6"),
    }


def build(residents: int, on_progress: OnProgress) -> Campaign:
    """A database with so many residents in blocks, and a running campaign of 500 stores."""
    on_progress(f"a snapshot of {residents:,} residents")
    ground.create(NAME)
    town, now = Town.of(STORES), datetime.now(UTC)
    empty = snapshots.build_snapshot(at=now)
    assert empty is not None
    lon, lat = town.people(residents)
    for number, start in enumerate(range(0, residents, BLOCK_RESIDENTS)):
        part = slice(start, start + BLOCK_RESIDENTS)
        _add_block(empty.pk, number, start, lon[part], lat[part])
    ground.analyze()
    return _campaign(town, now)


def _add_block(snapshot_id: int, number: int, start: int, lon: Any, lat: Any) -> None:
    ids = np.arange(start + 1, start + lon.size + 1)
    zeros = np.zeros(lon.size)
    columns = {
        "resident_id": ids,
        "bucket": ids % 1024,
        "flags": zeros + CONSENT,
        "consented_at": zeros,
        "district_id": zeros + 310101,
        "birth_year": zeros + 1985,
        "need_score": zeros,
        "tags": zeros,
        "home_longitude_deg": lon,
        "home_latitude_deg": lat,
    }
    SnapshotBlock.objects.create(
        snapshot_id=snapshot_id,
        number=number,
        resident_count=lon.size,
        boxes=[lon.min(), lat.min(), lon.max(), lat.max(), *[None] * 8],
        last_consented_at=datetime(2026, 1, 1, tzinfo=UTC),
        street=[""] * lon.size,
        **{
            name: values.astype(DTYPES[SENT_AS[name]]).tobytes() for name, values in columns.items()
        },
    )


def _campaign(town: Town, now: datetime) -> Campaign:
    merchant, district = cast.huilian(), cast.district()
    stores = Store.objects.bulk_create(
        Store(
            merchant=merchant,
            external_id=f"S{number}",
            name=f"S{number}",
            category="department store",
            state=State.ACTIVE,
            district=district,
        )
        for number in range(STORES)
    )
    StoreLocation.objects.bulk_create(
        StoreLocation(
            store=store,
            version=1,
            valid_from_at=now - timedelta(days=365),
            longitude_deg=lon,
            latitude_deg=lat,
            datum="WGS-84",
            raw_longitude=lon,
            raw_latitude=lat,
        )
        for store, lon, lat in zip(stores, *town.stores, strict=True)
    )
    return cast.running_campaign(
        stores=tuple(stores),
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=30),
        at=now,
    )


def _shared(campaign: Campaign, work: Callable[[int, int], int]) -> tuple[float, int]:
    """Wall seconds, and residents, of two processes that each take every other block."""
    ground.close()
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        started = time.perf_counter()
        jobs = [pool.apply_async(work, (campaign.pk, share)) for share in range(PROCESSES)]
        residents = sum(job.get() for job in jobs)
        return time.perf_counter() - started, residents


def target(campaign_id: int, share: int) -> int:
    """Ids of those targeted among a share of the blocks: how many there are."""
    at = datetime.now(UTC)
    with transaction.atomic():
        context = TargetingContext.of(Campaign.objects.get(pk=campaign_id), at)
        sources = context.sources()
        mine = replace(sources, block_numbers=sources.block_numbers[share::PROCESSES])
        found = [
            block.resident_id[context.judge(block).reason == TARGETED]
            for block in context.blocks(mine, attributes=())
        ]
    return sum(ids.size for ids in found)


def read_only(campaign_id: int, share: int) -> int:
    """The same columns of the same blocks read and no more: bytes."""
    at = datetime.now(UTC)
    with transaction.atomic():
        context = TargetingContext.of(Campaign.objects.get(pk=campaign_id), at)
        sources = context.sources()
        mine = sources.block_numbers[share::PROCESSES]
        asked = {
            "snapshot_id": sources.snapshot_id,
            "at": at,
            "columns": ["home_longitude_deg", "home_latitude_deg"],
        }
        size = 0
        for start in range(0, mine.size, BLOCKS_A_READ):
            numbers = {"numbers": mine[start : start + BLOCKS_A_READ].tolist()}
            for packed in READ_PACKED.send(raw_connection(), {**asked, **numbers}).rows():
                size += sum(len(column or b"") for column in packed.columns.values())
    return size


def _import(folder: Path, on_progress: OnProgress) -> Figure:
    """A million residents, new, with a home, from a file."""
    size = wanted_size(IMPORTED)
    on_progress(f"importing {size:,} residents")
    ground.create(NAME)
    path = folder / "residents.csv"
    lon, lat = Town.of(STORES).people(size)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["external_id", "birth_year", "home_longitude", "home_latitude", "consent_targeting"]
        )
        places = zip(lon.round(6).tolist(), lat.round(6).tolist(), strict=True)
        rows.writerows(
            (f"R{n:08d}", 1940 + n % 70, *place, "2026-01") for n, place in enumerate(places)
        )
    started = time.perf_counter()
    summary = import_residents(
        path=path, datum=Datum.WGS_84, at=datetime.now(UTC), on_fault=lambda fault: None
    )
    seconds = time.perf_counter() - started
    assert summary.new == size
    return under([seconds], 60.0, unit="s", goal="≤ 60")
