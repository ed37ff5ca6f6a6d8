"""The whole audit of a large database, three times: it must find nothing, within a minute.

Campaign, audience, vouchers and their ledger are made by the product's own services; a million
redemptions with all that follows them by `audit_rows`. SIZE in the environment makes fewer
vouchers, to try things out.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db import connections, transaction
from psycopg import sql

from tests.benchmarks import city, ground
from tests.benchmarks.audit_rows import STEPS
from tests.support import cast
from vouchers.rules.proofs.audit.facts import Finding
from vouchers.services import partitions
from vouchers.services.issuing import leases
from vouchers.services.proofs import seals
from vouchers.services.proofs.audit import Report, audit

NAME = "huimin_bench_audit"
VOUCHERS = 10_000_000
PER_RESIDENT = 3
STORES = 500
SHARDS_PER_TIER = 4
MOST_S = 60.0
FIGURE = "audit_10m_s"

OnProgress = Callable[[str], None]

COUNTED = (
    "vouchers_voucher",
    "vouchers_resident",
    "vouchers_audiencemember",
    "vouchers_redemption",
    "vouchers_requestrecord",
    "vouchers_transfer",
    "vouchers_leg",
    "vouchers_limitcounter",
    "vouchers_settlementline",
    "vouchers_refund",
    "vouchers_seal",
)


def wanted_size() -> int:
    """How many vouchers."""
    return int(os.environ.get("SIZE") or VOUCHERS)


def measure(seed: int) -> Report:
    """One audit; raises when the books are not proven, since then nothing was measured."""
    report = audit(at=datetime.now(UTC), seed=seed)
    if report.first_broken is not None:
        raise RuntimeError(f"the books are not proven: {report.first_broken}")
    return report


def longest(report: Report, most: int = 12) -> list[Finding]:
    """The checks that took longest."""
    return sorted(report.findings, key=lambda finding: -finding.took_s)[:most]


def build(size: int, on_progress: OnProgress) -> None:
    """The database, in place of one of the same name, at rest: analysed and vacuumed."""
    start = time.perf_counter()
    on_progress(f"a database of {size:,} vouchers")
    ground.create(NAME)
    city.build(
        stores=STORES,
        residents=-(-size // (len(cast.TIERS_FEN) * PER_RESIDENT)),
        per_resident=PER_RESIDENT,
        shards_per_tier=SHARDS_PER_TIER,
    )
    now = datetime.now(UTC)
    while leases.waiting_shards(at=now):
        city.mint_next()
    partitions.open_months(at=now)
    on_progress("redemptions, refunds, settlements")
    live()
    on_progress("seals")
    seals.seal_all(at=now)
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    on_progress(f"seeded in {time.perf_counter() - start:.0f} s: {_sizes()}")


def live() -> None:
    """Let the vouchers be used."""
    with without_triggers(), connections["owner"].cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '256MB'; SET LOCAL synchronous_commit = off")
        cursor.execute("SELECT max(id) FROM vouchers_transfer")
        (transfer_id,) = cursor.fetchone()
        for step in STEPS:
            cursor.execute(step % {"redemption": 0, "transfer": transfer_id})


@contextmanager
def without_triggers() -> Iterator[None]:
    """A transaction of the owner's in which the tables' own guards are off."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relname ~ '^vouchers_'"
        )
        tables = [sql.Identifier(name) for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table))
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(table))


def _sizes() -> str:
    with connections["owner"].cursor() as cursor:
        parts = []
        for table in COUNTED:
            cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
            (count,) = cursor.fetchone()
            parts.append(f"{count:,} {table.removeprefix('vouchers_')}")
        cursor.execute("SELECT pg_size_pretty(pg_database_size(current_database()))")
        (size,) = cursor.fetchone()
    return f"{', '.join(parts)}; {size}"
