"""Whether the PL/pgSQL baseline keeps the engine's rules: only then its figure counts.

The same requests go to the engine and to the PL/pgSQL call, each on a copy of the same database;
then every verdict and every row written is compared. Left out of the comparison are numbers drawn
from sequences and the sentences of refusals, which are text for people. The textbook endpoint is a
baseline for speed alone and is not compared.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any, NamedTuple

import msgspec
from django.db import connection
from django.test import override_settings

from tests.benchmarks import ground, pgbench
from tests.benchmarks.orders import Sent, build_world, requests
from tests.support.till import redeem
from vouchers.http.redemption import redeem_request
from vouchers.http.requests import fingerprint
from vouchers.services.redemption.requests import RedeemOrder

PATH = "/api/v1/redemptions"
BATCH_MAX = 128
SEED = 20260401
SHOWN = 3

Verdict = tuple[int, bytes | None]
Rows = Mapping[str, list[tuple[Any, ...]]]

CALL = """
SELECT status, answer FROM bench_redeem(
    %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
OF_REDEMPTION = "r.store_id, r.order_no, r.voucher_id, r.redeemed_at"
TABLES = {
    "redemption": """
        SELECT store_id, merchant_id, campaign_id, voucher_id, allocation_id, resident_id,
               shown_by_id, caller_id, terminal, device, order_no, order_amount_fen,
               eligible_amount_fen, order_kind, category, channel, payment_ref, receipt_no,
               discount_fen, split::text, state, business_day, redeemed_at
          FROM vouchers_redemption""",
    "order claim": f"""
        SELECT c.store_id, c.order_no, c.claimed_at, {OF_REDEMPTION} FROM vouchers_orderclaim c
          LEFT JOIN vouchers_redemption r ON r.id = c.redemption_id""",
    "voucher": "SELECT id, state FROM vouchers_voucher WHERE state <> 1",
    "limit counter": """
        SELECT kind, campaign_id, subject_id, window_no, used_count, used_fen, limit_count,
               limit_fen FROM vouchers_limitcounter""",
    "transfer": f"""
        SELECT t.at, t.campaign_id, t.reason, t.cause, {OF_REDEMPTION} FROM vouchers_transfer t
          JOIN vouchers_redemption r ON r.id = t.cause_id WHERE t.cause = 'redemption'""",
    "leg": f"""
        SELECT l.line_no, l.at, l.account_id, l.allocation_id, l.amount_fen, {OF_REDEMPTION}
          FROM vouchers_leg l JOIN vouchers_transfer t ON t.id = l.transfer_id AND t.at = l.at
          JOIN vouchers_redemption r ON r.id = t.cause_id WHERE t.cause = 'redemption'""",
    "attempt": """
        SELECT at, caller_id, key, store_id, campaign_id, voucher_id, resident_id, code, rule,
               facts::text FROM vouchers_attempt""",
    "request": """
        SELECT caller_id, key, fingerprint, status, answer, created_at
          FROM vouchers_requestrecord""",
}
ANSWER_PLACE = 4
SAID_OF_KEYS = {422: "idempotency_key_reused", 409: "request_in_flight"}


class Outcome(NamedTuple):
    """What a contender answered and wrote."""

    verdicts: list[tuple[int, str]]
    rows: Rows


class Report(NamedTuple):
    """How many requests were compared, what came of them, and what differs."""

    requests: int
    verdicts: Counter[str]
    differences: list[str]


# The baseline counts no wrong codes, and one request in ten has one.
@override_settings(HUIMIN_WRONG_CODES=1_000_000)
def by_engine(sent: Sequence[Sent]) -> list[Verdict]:
    """The engine, in batches of any size."""
    rng = Random(SEED)
    answers: list[Verdict] = []
    while len(answers) < len(sent):
        size = rng.randint(1, BATCH_MAX)
        batch = [
            redeem_request(caller=s.caller, key=s.key, path=PATH, body=s.body, at=s.at)
            for s in sent[len(answers) : len(answers) + size]
        ]
        answers += [(answer.status, answer.body) for answer in redeem(requests=batch)]
    return answers


def by_pgbench(sent: Sequence[Sent]) -> list[Verdict]:
    """The PL/pgSQL call, one at a time."""
    return [_called(request) for request in sent]


def _called(sent: Sent) -> Verdict:
    caller, order = sent.caller, msgspec.json.decode(sent.body, type=RedeemOrder)
    with connection.cursor() as cursor:
        cursor.execute(
            CALL,
            [
                caller.credential_id,
                sorted(caller.merchant_ids),
                None if caller.store_ids is None else sorted(caller.store_ids),
                caller.is_test,
                caller.terminal_code,
                sent.key,
                fingerprint("POST", PATH, sent.body),
                sent.at,
                order.voucher,
                order.store,
                order.order_no,
                order.order_amount_fen,
                order.resident,
                order.eligible_amount_fen,
                order.order_kind,
                order.category,
            ],
        )
        status, answer = cursor.fetchone()
    return status, answer and bytes(answer)


CONTENDERS: Mapping[str, Callable[[Sequence[Sent]], list[Verdict]]] = {
    "engine": by_engine,
    "pgbench": by_pgbench,
}


def compare(
    *,
    template: str,
    count: int,
    name: str,
    on_progress: Callable[[str], None] = lambda sentence: None,
) -> Report:
    """Send `count` requests to every contender, on copies of the migrated database `template`.

    The databases it makes are called `name` and something; they are dropped at the end, and the
    database that was in use is in use again.
    """
    before = connection.settings_dict["NAME"]
    try:
        ground.copy(name, template)
        ground.use(name)
        pgbench.install()
        sent = requests(build_world(count), count, SEED)
        ground.close()
        outcomes = {}
        for contender, work in CONTENDERS.items():
            on_progress(f"{count} requests to the {contender}")
            outcomes[contender] = _tried(f"{name}_{contender}", name, work, sent)
    finally:
        for suffix in ("", *(f"_{contender}" for contender in CONTENDERS)):
            ground.drop(name + suffix)
        ground.use(before)
    engine = outcomes.pop("engine")
    return Report(
        requests=count,
        verdicts=Counter(_code(verdict) for verdict in engine.verdicts),
        differences=[
            difference
            for contender, outcome in outcomes.items()
            for difference in _differences(contender, engine, outcome, sent)
        ],
    )


def _tried(
    database: str,
    template: str,
    work: Callable[[Sequence[Sent]], list[Verdict]],
    sent: Sequence[Sent],
) -> Outcome:
    ground.copy(database, template)
    ground.use(database)
    verdicts = [(status, _said(status, body)) for status, body in work(sent)]
    return Outcome(verdicts, {table: _rows(table, query) for table, query in TABLES.items()})


def _rows(table: str, query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        rows: list[tuple[Any, ...]] = [
            tuple(bytes(item) if isinstance(item, memoryview) else item for item in row)
            for row in cursor.fetchall()
        ]
    if table == "request":
        rows = [
            (*row[:ANSWER_PLACE], _said(row[3], row[ANSWER_PLACE]), *row[ANSWER_PLACE + 1 :])
            for row in rows
        ]
    return sorted(rows, key=repr)


def _said(status: int, body: bytes | None) -> str:
    """An answer in canonical JSON without what may differ: numbers drawn, sentences, the spelling
    of an instant. The baseline has no words for a key in use."""
    said = {} if body is None else msgspec.json.decode(body)
    if body is None or said.get("code") in SAID_OF_KEYS.values():
        return SAID_OF_KEYS[status]
    left_out = {"id", "title", "title_zh"}
    said = {name: value for name, value in said.items() if name not in left_out}
    if "redeemed_at" in said:
        said["redeemed_at"] = datetime.fromisoformat(said["redeemed_at"]).timestamp()
    return msgspec.json.encode(said, order="sorted").decode()


def _code(verdict: tuple[int, str]) -> str:
    status, said = verdict
    if said in SAID_OF_KEYS.values():
        return said
    return "redeemed" if status == 201 else str(msgspec.json.decode(said)["code"])


def _differences(
    contender: str, engine: Outcome, other: Outcome, sent: Sequence[Sent]
) -> Iterable[str]:
    wrong = [
        f"{contender}, request {number} {sent[number].body.decode()}: {theirs}, not {ours}"
        for number, (ours, theirs) in enumerate(zip(engine.verdicts, other.verdicts, strict=True))
        if ours != theirs
    ]
    yield from wrong[:SHOWN]
    for table, rows in engine.rows.items():
        ours, theirs = (Counter(map(repr, side)) for side in (rows, other.rows[table]))
        yield from [f"{contender} lacks the {table} {row}" for row in list(ours - theirs)[:SHOWN]]
        yield from [f"{contender} wrote the {table} {row}" for row in list(theirs - ours)[:SHOWN]]
