"""What a redemption costs with twenty million on file, beside the same city with a twentieth of it.

Two copies of one city, into which redemptions with their order claims and requests were
written by SQL, as the services would have left them. Both then redeem in turn, in process and in
batches, so that only what the tables' size costs differs. SIZE in the environment writes fewer.
"""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Final

import msgspec
from django.db import connections

from merchants.auth import Caller, authenticate
from tests.benchmarks import city, ground
from tests.benchmarks.audit import without_triggers
from tests.benchmarks.figures import Figure, paired
from vouchers.http.answers import render
from vouchers.http.redemption import redeem_request
from vouchers.services.redemption import RedeemRequest, redeem

SMALL: Final = "huimin_bench_size_small"
SMALL_PART: Final = 20
FULL: Final = "huimin_bench_size_full"
NAMES: Final = (SMALL, FULL)
REDEMPTIONS: Final = 20_000_000
RESIDENTS: Final = 10_000
PER_RESIDENT: Final = 2
STEP: Final = 1_000_000
BATCH: Final = 32
BATCHES: Final = 60
WARM_UP: Final = 20
PATH: Final = "/api/v1/redemptions"
FIGURE: Final = "size_20m_redeem_us"
GOAL: Final = "≤ 1.2"
SHOWN: Final = ("vouchers_redemption", "vouchers_orderclaim", "vouchers_requestrecord")

OnProgress = Callable[[str], None]

# Vouchers of tranches that no run will reach. Ids go on from the last, as in a day's work.
FILL: Final = (
    """
    INSERT INTO vouchers_redemption (
        id, store_id, merchant_id, campaign_id, voucher_id, allocation_id, resident_id, shown_by_id,
        caller_id, terminal, device, order_no, order_amount_fen, eligible_amount_fen, order_kind,
        category, channel, payment_ref, receipt_no, discount_fen, split, state, business_day,
        redeemed_at)
    SELECT n, s.id, s.merchant_id, c.id, (800000::bigint << 20) + n, 1, n %% 10000000,
           n %% 10000000, s.id, 'T1', '', 'F' || n, 60000, 60000, 'in_store',
           'department store', '', 'P' || n, '', 2000, '[[1, 1200], [2, 800]]', 2,
           (at AT TIME ZONE 'Asia/Shanghai')::date, at
      FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
     CROSS JOIN LATERAL (
           SELECT now() - interval '20 days' + n * interval '50 milliseconds') AS t(at)
      JOIN (SELECT id, merchant_id, row_number() OVER (ORDER BY id) - 1 AS place,
                   count(*) OVER () AS places FROM merchants_store) AS s ON s.place = n %% s.places
     CROSS JOIN (SELECT min(id) AS id FROM vouchers_campaign) AS c
    """,
    """
    INSERT INTO vouchers_orderclaim (store_id, order_no, redemption_id, voucher_id, claimed_at)
    SELECT store_id, upper(order_no), id, voucher_id, redeemed_at FROM vouchers_redemption
     WHERE id BETWEEN %(first)s AND %(last)s
    """,
    """
    INSERT INTO vouchers_requestrecord (caller_id, key, fingerprint, status, answer, created_at)
    SELECT caller_id, 'till-' || id, sha256(order_no::bytea), 201,
           convert_to('{"id":' || id || repeat(' ', 300) || '}', 'UTF8'), redeemed_at
      FROM vouchers_redemption WHERE id BETWEEN %(first)s AND %(last)s
    """,
    "SELECT setval('vouchers_redemption_id_seq', %(last)s)",
)


def wanted_size() -> int:
    """How many redemptions are on file."""
    return int(os.environ.get("SIZE") or REDEMPTIONS)


def name_of(size: int) -> str:
    """The figure's name; a smaller run does not pass for the whole."""
    return FIGURE if size == REDEMPTIONS else f"size_{size}_redeem_us"


def measure(*, size: int, rounds: int, on_progress: OnProgress) -> Figure:
    """Microseconds a redemption, with `size` on file against a twentieth."""
    on_progress("a city of its own")
    ground.create(SMALL)
    built = city.build(residents=RESIDENTS, per_resident=PER_RESIDENT)
    orders = orders_of(built)
    fill(1, size // SMALL_PART)
    ground.close()
    ground.copy(FULL, SMALL)
    ground.use(FULL)
    started_s = time.perf_counter()
    fill(size // SMALL_PART + 1, size)
    on_progress(
        f"{size:,} redemptions on file in {time.perf_counter() - started_s:.0f} s: {_sizes()}"
    )
    share = len(orders) // (rounds + 1)
    found: dict[str, list[float]] = {SMALL: [], FULL: []}
    for number in range(rounds):
        for name in NAMES:
            ground.use(name)
            mine = orders[number * share : (number + 1) * share]
            found[name].append(redeem_all(mine[: BATCH * (WARM_UP + BATCHES)]))
            on_progress(f"{name}: {found[name][-1]:,.0f} µs a redemption")
    return paired(found[FULL], found[SMALL], unit="µs", goal=GOAL)


def fill(first_id: int, last_id: int) -> None:
    """Write redemptions with these ids into the database in use, then let it rest."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    for first in range(first_id, last_id + 1, STEP):
        with without_triggers(), connections["owner"].cursor() as cursor:
            for statement in FILL:
                cursor.execute(statement, {"first": first, "last": min(first + STEP - 1, last_id)})
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def orders_of(built: city.City, *, most: int | None = None) -> list[RedeemRequest]:
    """A request for every voucher, or for so many of them, in random order."""
    return list(islice(_orders(built), most))


def _orders(built: city.City) -> Iterator[RedeemRequest]:
    at = datetime.now(UTC)
    callers = [_caller(till.key_text, at) for till in built.tills]
    drawn = city.orders(built)
    codes = drawn.codes(0, len(drawn))
    for number, (code, resident, place) in enumerate(
        zip(codes, drawn.resident_no.tolist(), drawn.till.tolist(), strict=True)
    ):
        body = {
            "voucher": code,
            "store": built.tills[place].store.external_id,
            "order_no": f"O{number}",
            "order_amount_fen": city.ORDER_FEN,
            "resident": resident,
        }
        yield redeem_request(
            caller=callers[place],
            key=f"key-{number}",
            path=PATH,
            body=msgspec.json.encode(body),
            at=at,
        )


def _caller(key_text: str, at: datetime) -> Caller:
    caller = authenticate(key_text, at=at)
    assert caller is not None
    return caller


def redeem_all(orders: list[RedeemRequest]) -> float:
    """Microseconds a redemption, commit included; the first batches fill caches and don't count."""
    batches = [orders[start : start + BATCH] for start in range(0, len(orders), BATCH)]
    started_s, counted = 0.0, 0
    for number, batch in enumerate(batches):
        if number == WARM_UP:
            started_s = time.perf_counter()
        answers = redeem(requests=batch, render=render)
        if any(answer.status != 201 for answer in answers):
            raise RuntimeError(f"a redemption was refused: {answers[0].body.decode()}")
        counted += len(batch) if number >= WARM_UP else 0
    return (time.perf_counter() - started_s) / counted * 1e6


def _sizes() -> str:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT parent, pg_size_pretty(sum(pg_total_relation_size(inhrelid)))"
            " FROM unnest(%s::text[]) AS parent JOIN pg_inherits ON inhparent = parent::regclass"
            " GROUP BY parent ORDER BY parent",
            [list(SHOWN)],
        )
        return ", ".join(f"{parent} {size}" for parent, size in cursor.fetchall())
