"""The city the benchmarks redeem in: shops with tills, people with vouchers, orders to come.

Built by the product's own services: campaign, targeting, reservation and minting. Only residents
are written by SQL, since nothing here measures their import.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray

from merchants.geo import Datum
from merchants.models import Credential, Merchant, Store
from merchants.services.credentials import issue_credential
from merchants.services.enrolment import enrol_merchant, enrol_terminal, open_store
from tests.benchmarks import ground
from tests.support import cast
from vouchers.models import Campaign
from vouchers.rules.issuing.codes import encode
from vouchers.services.audience.targeting import target_run
from vouchers.services.issuing import leases
from vouchers.services.issuing.minting import mint_shard
from vouchers.services.issuing.runs import request_run, reserve_run
from vouchers.states import LimitKind

STORES = 240
MERCHANTS = 12
RESIDENTS = 60_000
PER_RESIDENT = 8
"""Vouchers of each of three tiers: 60,000 × 3 × 8 = 1,440,000."""

SHARDS_PER_TIER = 5
SPARE_SHARDS = 3
"""Left to mint, for the figures of issuing."""

ORDER_FEN = 60_000
"""Above every threshold."""

ZIPF_EXPONENT = 1.0
SEED = 20260401
LEASE_S = 600

# All three kinds of limits are on and exact; they are wide, since a refusal is not a redemption.
LIMITS = {
    LimitKind.RESIDENT_DAY: 1_000,
    LimitKind.STORE_MINUTE: 1_000_000,
    LimitKind.RESIDENT_CAMPAIGN: 1_000,
}

ADD_RESIDENTS = """
WITH fresh AS (
    INSERT INTO vouchers_resident (external_id, bucket, state, birth_year, street, need_score,
                                   tags, created_at)
    SELECT 'R' || to_char(n, 'FM00000000'), n %% 1024, 'active', 1985, '', 0, 0, %(at)s
      FROM generate_series(1, %(count)s) AS n
    RETURNING id, bucket
), consent AS (
    INSERT INTO vouchers_consent (resident_id, bucket, purpose, text_version, granted_at)
    SELECT id, bucket, 'targeting', '2026-01', %(at)s FROM fresh
)
INSERT INTO vouchers_residentpoint (resident_id, bucket, kind, longitude_deg, latitude_deg, datum,
                                    raw_longitude, raw_latitude, observed_at)
SELECT id, bucket, 'home', lon, lat, 'WGS-84', lon, lat, %(at)s
  FROM (SELECT id, bucket, 121.40 + 0.001 * (id %% 100) AS lon, 31.15 + 0.001 * (id %% 97) AS lat
          FROM fresh) AS placed
"""


@dataclass(frozen=True, slots=True)
class Till:
    """A store and the key of the terminal in it."""

    store: Store
    credential: Credential
    key_text: str


@dataclass(frozen=True, slots=True)
class City:
    """What there is."""

    campaign: Campaign
    tills: Sequence[Till]


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders to come, one for every voucher, in random order. Columns of one length."""

    voucher_id: NDArray[np.int64]
    resident_no: NDArray[np.str_]
    till: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.voucher_id.size)

    def codes(self, start: int, stop: int) -> list[str]:
        """The printed codes of some of them."""
        return [
            encode(id_, settings.HUIMIN_CODE_KEY) for id_ in self.voucher_id[start:stop].tolist()
        ]


def build(
    *,
    stores: int = STORES,
    residents: int = RESIDENTS,
    per_resident: int = PER_RESIDENT,
    shards_per_tier: int = SHARDS_PER_TIER,
) -> City:
    """The city in the database in use, which must be empty."""
    now = datetime.now(UTC)
    yesterday = now - timedelta(days=1)
    tills = _open_tills(stores, yesterday)
    with connection.cursor() as cursor:
        cursor.execute(ADD_RESIDENTS, {"count": residents, "at": yesterday})
    ground.analyze()
    campaign = cast.spring_campaign(
        budget_fen=residents * per_resident * sum(face for face, _ in cast.TIERS_FEN.values()),
        funding=cast.CO_FUNDED,
        limits=LIMITS,
        per_resident=per_resident,
        starts_at=yesterday,
        ends_at=now + timedelta(days=60),
        stores=tuple(till.store for till in tills),
    )
    cast.launched(campaign, at=now)
    _reserve(campaign, now, residents * per_resident // shards_per_tier)
    while leases.waiting_shards(at=now) > SPARE_SHARDS:
        mint_next()
    ground.analyze()
    return City(campaign, tills)


def mint_next() -> tuple[int, float]:
    """Mint a shard that waits; its vouchers, and the seconds it took, lease and commit included."""
    at = datetime.now(UTC)
    started_s = time.perf_counter()
    lease = leases.lease_shard(at=at, lease_s=LEASE_S)
    if lease is None:
        raise RuntimeError("no shard is left to mint")
    tranche = mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=at)
    return tranche.voucher_count, time.perf_counter() - started_s


def _open_tills(count: int, at: datetime) -> list[Till]:
    merchants = [
        enrol_merchant(code=f"M{n}", name=f"Merchant {n}", at=at) for n in range(MERCHANTS)
    ]
    return [_open_till(n, merchants[n % MERCHANTS], at) for n in range(count)]


def _open_till(number: int, merchant: Merchant, at: datetime) -> Till:
    store = open_store(
        merchant=merchant,
        external_id=f"S{number:04d}",
        name=f"Store {number}",
        category="department store",
        longitude=121.40 + 0.1 * (number % 16) / 16,
        latitude=31.15 + 0.1 * (number // 16) / 16,
        datum=Datum.WGS_84,
        at=at,
    )
    terminal = enrol_terminal(store=store, code="T1")
    credential, key_text = issue_credential(
        name=f"till of {store.external_id}",
        kind=Credential.Kind.TERMINAL,
        scopes={"redeem"},
        terminal=terminal,
        at=at,
    )
    return Till(store, credential, key_text)


def _reserve(campaign: Campaign, at: datetime, shard_size: int) -> None:
    """Every resident is to get one."""
    run = request_run(campaign=campaign, seed=str(SEED), by=cast.mei(), at=at)
    target_run(run_id=run.pk, fence=_fence(at), at=at)
    reserve_run(run_id=run.pk, fence=_fence(at), at=at, shard_size=shard_size)


def _fence(at: datetime) -> int:
    lease = leases.lease_run(at=at, lease_s=LEASE_S)
    assert lease is not None
    return lease.fence


def orders(city: City) -> Orders:
    """An order for every voucher, shuffled; stores drawn by Zipf."""
    rng = np.random.default_rng(SEED)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT v.id, r.external_id FROM vouchers_voucher v"
            " JOIN vouchers_resident r ON r.id = v.resident_id ORDER BY v.id"
        )
        rows = cursor.fetchall()
    mixed = rng.permutation(len(rows))
    weights = 1 / np.arange(1, len(city.tills) + 1) ** ZIPF_EXPONENT
    return Orders(
        voucher_id=np.array([row[0] for row in rows], dtype=np.int64)[mixed],
        resident_no=np.array([row[1] for row in rows])[mixed],
        till=rng.choice(len(city.tills), size=len(rows), p=weights / weights.sum()),
    )
