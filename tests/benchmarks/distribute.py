"""Distribution end to end: from the request of a run to its last voucher, by real Celery workers.

Targeted from a packed snapshot, reserved, minted, posted in the ledger, and a channel's notices
queued with the vouchers. Every resident of the city gets one voucher. SIZE in the environment makes
fewer residents than a million.
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection

from config.celery import app as celery_app
from merchants.geo import Datum
from merchants.models import Store
from merchants.services.enrolment import enrol_merchant, open_store
from tests.benchmarks import ground
from tests.benchmarks.city import ADD_RESIDENTS, SEED
from tests.benchmarks.figures import Figure, paired, under
from tests.benchmarks.snapshot import wanted_size
from tests.support import cast
from tests.support.celery_worker import eventually, worker
from tests.support.environment import environment
from vouchers import tasks
from vouchers.models import Campaign, Outbox, Run, Tranche
from vouchers.rules.webhooks import EventType
from vouchers.services.audience.snapshots import build_snapshot
from vouchers.services.issuing.notices import RESIDENTS_A_MESSAGE
from vouchers.services.issuing.runs import request_run
from vouchers.services.webhooks.endpoints import add_endpoint
from vouchers.states import RunState

NAME: Final = "huimin_bench_distribute"
SHARD: Final = 131_072
MILLION: Final = 1_000_000
STORES: Final = 16
FACE_FEN: Final = 2_000
SMALL: Final = f"distribute_{SHARD}_s"
LARGE: Final = "distribute_1m_s"
WORKERS: Final = "workers_2_vs_1"
FIGURES: Final = (SMALL, LARGE, WORKERS)

OnProgress = Callable[[str], None]


def measure(
    wants: Callable[[str], bool], *, folder: Path, rounds: int, on_progress: OnProgress
) -> dict[str, Figure]:
    """The figures that are asked for. A worker is one process; a million is shared by two, as on
    two cores, and by one for the comparison."""
    found: dict[str, Figure] = {}
    if wants(SMALL):
        build(SHARD, on_progress)
        seconds = [_seconds(SHARD, workers=1) for _ in range(rounds)]
        found[SMALL] = under(seconds, 10.0, unit="s", goal="≤ 10")
    if wants(LARGE) or wants(WORKERS):
        residents = wanted_size(MILLION)
        build(residents, on_progress)
        alone, together = [], []
        for _ in range(rounds):
            together.append(_seconds(residents, workers=2))
            if wants(WORKERS):
                alone.append(_seconds(residents, workers=1))
        found[LARGE] = under(together, 60.0, unit="s", goal="≤ 60")
        if alone:
            found[WORKERS] = paired(together, alone, unit="s", goal="≤ 0.7")
    return {name: figure for name, figure in found.items() if wants(name)}


def build(residents: int, on_progress: OnProgress) -> None:
    """A database with so many residents, all within reach, packed, and a channel that listens."""
    on_progress(f"{residents:,} residents to distribute to")
    ground.create(NAME)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    merchant = enrol_merchant(code="M", name="M", at=yesterday)
    for number in range(STORES):
        open_store(
            merchant=merchant,
            external_id=f"S{number}",
            name=f"S{number}",
            category="department store",
            longitude=121.40 + 0.1 * (number % 4) / 4,
            latitude=31.15 + 0.1 * (number // 4) / 4,
            datum=Datum.WGS_84,
            at=yesterday,
        )
    with connection.cursor() as cursor:
        cursor.execute(ADD_RESIDENTS, {"count": residents, "at": yesterday})
    add_endpoint(
        url="https://app.example/hook",
        events=[EventType.VOUCHERS_ISSUED],
        channel_code="app",
        at=yesterday,
    )
    build_snapshot(at=datetime.now(UTC))
    ground.analyze()


def _seconds(residents: int, *, workers: int) -> float:
    """From the request to the last commit, of a campaign of its own."""
    campaign = _campaign(residents)
    with _ready(workers):
        started_s = time.perf_counter()
        run = request_run(campaign=campaign, seed=str(SEED), by=cast.mei(), at=datetime.now(UTC))
        tasks.wake(tasks.sweep_runs)
        eventually(Run.objects.filter(pk=run.pk, state=RunState.DONE).exists, patience_s=3_600)
        seconds = time.perf_counter() - started_s
    run.refresh_from_db()
    if run.selection["vouchers"] != residents:
        raise RuntimeError(f"{run.selection['vouchers']} vouchers for {residents} residents")
    queued = Outbox.objects.filter(
        topic=EventType.VOUCHERS_ISSUED, payload__body__data__campaign=campaign.code
    )
    sizes = Tranche.objects.filter(shard__run=run).values_list("voucher_count", flat=True)
    due = sum(math.ceil(size / RESIDENTS_A_MESSAGE) for size in sizes)
    if queued.count() != due:
        raise RuntimeError(f"{queued.count()} notices instead of {due}")
    return seconds


def _campaign(residents: int) -> Campaign:
    now = datetime.now(UTC)
    draft = cast.spring_campaign(
        budget_fen=residents * FACE_FEN,
        tiers={"off20": (FACE_FEN, 10_000)},
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(days=30),
        stores=tuple(Store.objects.order_by("id")),
    )
    return cast.launched(draft, at=now)


@contextlib.contextmanager
def _ready(workers: int) -> Iterator[None]:
    """Workers on the database in use that have started and answer."""
    celery_app.conf.update(broker_url=settings.CELERY_BROKER_URL)
    with contextlib.ExitStack() as stack:
        for number in range(workers):
            stack.enter_context(worker(environment(), name=f"bench{number}"))
        eventually(lambda: len(celery_app.control.ping(timeout=0.5) or ()) == workers)
        yield
