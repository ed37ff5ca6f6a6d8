"""A rush over HTTP: winners beside a hot-row function, losers beside a bare server, the last units.

The hot-row function does the least that a claim can do in one call: a row of the person's, a
voucher's row, and the quota, updated last; it knows no audience, no key and no ledger.
"""

import asyncio
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import msgspec
import psycopg
from django.db import connections
from django.db.models import Sum
from django.utils import timezone

from merchants.models import Credential
from merchants.services import issue_credential
from tests.benchmarks import ground, load, pgbench, web
from tests.benchmarks.figures import Figure, paired
from tests.support import cast, draft_rows
from tests.support.environment import environment
from vouchers.models import Campaign, Claim, Consent, QuotaBucket, Resident, ResidentPoint
from vouchers.states import RoundWay

WINNERS, LOSERS, LAST_UNIT = "claim_winners_vs_hot_row", "claim_losers_vs_hello", "last_unit"
FIGURES = (WINNERS, LOSERS, LAST_UNIT)
PATH = "/api/v1/claims"
CLIENTS = 64
WINNERS_MAX_PER_S = 8_000
LOSERS_MAX_PER_S = 20_000
RUSH, UNITS, CROWD = 10_000, 100, 256
HELLO = ("--interface", "asginl", "--workers", "2", "tests.benchmarks.hello:application")
HOT_ROW = """
CREATE TABLE bench_quota (id int PRIMARY KEY, headroom bigint CHECK (headroom >= 0));
INSERT INTO bench_quota VALUES (1, 1000000000);
CREATE TABLE bench_claim (person bigint PRIMARY KEY, at timestamptz NOT NULL);
CREATE TABLE bench_voucher (id bigserial PRIMARY KEY, person bigint NOT NULL, state smallint);
CREATE FUNCTION bench_claim(who bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bench_claim VALUES (who, now()) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO bench_voucher (person, state) VALUES (who, 1);
    UPDATE bench_quota SET headroom = headroom - 1 WHERE id = 1;
    RETURN true;
END $$;
"""
CALL = "\\set who random(1, 9000000000)\nSELECT bench_claim(:who);\n"


class Rush(NamedTuple):
    """What became of the claims on the last units."""

    claimed: int
    sold_out: int
    others: int
    vouchers: int
    left: int
    vouchers_at_first_sold_out: int

    @property
    def is_exact(self) -> bool:
        """Whether every unit was handed out, none twice, and "sold out" said only afterwards."""
        counts = (self.claimed, self.vouchers, self.vouchers_at_first_sold_out, self.left)
        return counts == (UNITS, UNITS, UNITS, 0) and self.claimed + self.sold_out == RUSH


class Ground:
    """A channel's key, and residents next to a store who have not claimed yet."""

    def __init__(self, residents: int) -> None:
        self.names = _people(residents)
        _, self.key = issue_credential(
            name="rush",
            kind=Credential.Kind.CHANNEL,
            scopes=["claim"],
            channel_code="app",
            at=timezone.now() - timedelta(days=1),
        )
        self._next, self._requests = 0, 0

    def take(self, count: int) -> list[str]:
        """Numbers of the next residents; from the first again when all have been taken."""
        taken = [self.names[(self._next + n) % len(self.names)] for n in range(count)]
        self._next += count
        return taken

    def line(self, resident: str, tier: str) -> str:
        """A request as the load generators read it."""
        self._requests += 1
        body = msgspec.json.encode({"resident": resident, "tier": tier}).decode()
        return f"{self.key}\tclaim-{self._requests}\t{body}"


def measure(
    wanted: Callable[[str], bool],
    *,
    rounds: int,
    seconds: int,
    on_progress: Callable[[str], None],
) -> dict[str, Figure]:
    """The figures of claims that are wanted."""
    ground.create()
    place = Ground(max(RUSH, rounds * seconds * WINNERS_MAX_PER_S // 2))
    _install()
    figures: dict[str, Figure] = {}
    with web.serving(web.ENGINE) as engine, web.serving(HELLO) as hello:
        if wanted(WINNERS):
            on_progress(f"claims of winners ({rounds} × {seconds} s)")
            winners, hot_row = [], []
            for number in range(rounds):
                code = _open(f"plenty-{number}", 10_000_000)
                winners.append(_winners(place, engine, code, seconds))
                hot_row.append(_hot_row(seconds))
            figures[WINNERS] = paired(winners, hot_row, unit="claims/s", goal="≥ 10")
        if wanted(LOSERS):
            on_progress(f"claims of losers ({rounds} × {seconds} s)")
            losers, greetings = [], []
            for number in range(rounds):
                code = _open(f"nothing-{number}", 0)
                losers.append(_refused(place, engine, code, seconds))
                greetings.append(_greeted(place, hello, code, seconds))
            figures[LOSERS] = paired(losers, greetings, unit="answers/s", goal="≥ 0.3")
        if wanted(LAST_UNIT):
            on_progress(f"{RUSH:,} claims on {UNITS} units")
            rush = _rush(place, engine, _open("last-units", UNITS))
            on_progress(str(rush))
            if not rush.is_exact:
                raise RuntimeError(f"not exactly {UNITS}: {rush}")
            figures[LAST_UNIT] = paired([rush.vouchers], [UNITS], unit="vouchers", goal="= 1")
    return figures


def _people(count: int) -> list[str]:
    """Residents at distances up to two kilometres from a store, who have agreed to be found."""
    cast.nanjing_road()
    before = timezone.now() - timedelta(days=30)
    places = [cast.north_of(cast.PEOPLES_SQUARE, km=0.1 + 1.9 * n / count) for n in range(count)]
    people = Resident.objects.bulk_create(
        [Resident(external_id=f"R{n}", bucket=n % 1024, created_at=before) for n in range(count)],
        batch_size=5_000,
    )
    ResidentPoint.objects.bulk_create(
        [
            ResidentPoint(
                resident=each,
                bucket=each.bucket,
                kind=ResidentPoint.Kind.HOME,
                longitude_deg=place[0],
                latitude_deg=place[1],
                datum="WGS-84",
                raw_longitude=place[0],
                raw_latitude=place[1],
                observed_at=before,
            )
            for each, place in zip(people, places, strict=True)
        ],
        batch_size=5_000,
    )
    Consent.objects.bulk_create(
        [
            Consent(
                resident=each,
                bucket=each.bucket,
                purpose=Consent.Purpose.TARGETING,
                text_version="1",
                granted_at=before,
            )
            for each in people
        ],
        batch_size=5_000,
    )
    ground.analyze()
    return [each.external_id for each in people]


def _open(code: str, units: int) -> str:
    """A running campaign whose round is open; the name of its tier for claims."""
    now, by = timezone.now(), cast.mei()
    draft: Campaign = cast.spring_campaign(
        code=code,
        budget_fen=20_000 * 10_000_000,
        tiers={"off20": (2_000, 10_000)},
        limits={},
        starts_at=now - timedelta(days=2),
        ends_at=now + timedelta(days=30),
    )
    opened = draft_rows.add(
        "rounds",
        campaign=draft,
        number=1,
        opens_at=now - timedelta(hours=1),
        closes_at=now + timedelta(days=1),
        way=RoundWay.CLAIM.value,
        by=by,
        at=now,
    )
    draft_rows.add("cells", campaign=draft, round=opened, cap_count=units, by=by, at=now)
    cast.launched(draft, at=now)
    return f"{code}/off20"


def _winners(place: Ground, port: int, tier: str, seconds: int) -> float:
    before = Claim.objects.count()
    with _file(place, place.take(seconds * WINNERS_MAX_PER_S // 2), tier) as file:
        outcome = load.send(file, port=port, connections=CLIENTS, seconds=seconds, path=PATH)
    made = Claim.objects.count() - before
    # wrk does not wait for the answers under way when the time is over.
    if outcome.refused or outcome.broken or not outcome.answered <= made <= outcome.sent:
        raise RuntimeError(f"{made} claims of a run that went wrong: {outcome}")
    return outcome.per_s


def _refused(place: Ground, port: int, tier: str, seconds: int) -> float:
    with _file(place, place.take(seconds * LOSERS_MAX_PER_S), tier) as file:
        outcome = load.send(file, port=port, connections=CLIENTS, seconds=seconds, path=PATH)
    if outcome.broken or outcome.refused != outcome.answered:
        raise RuntimeError(f"a run that went wrong: {outcome}")
    return outcome.per_s


def _greeted(place: Ground, port: int, tier: str, seconds: int) -> float:
    with _file(place, place.take(seconds * LOSERS_MAX_PER_S), tier) as file:
        return load.send(file, port=port, connections=CLIENTS, seconds=seconds, path=PATH).per_s


@contextmanager
def _file(place: Ground, residents: list[str], tier: str) -> Iterator[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.write("\n".join(place.line(resident, tier) for resident in residents))
        file.flush()
        yield file.name


def _install() -> None:
    role = connections.settings["default"]["USER"]
    with connections["owner"].cursor() as cursor:
        cursor.execute(HOT_ROW)
        for table in ("bench_quota", "bench_claim", "bench_voucher"):
            cursor.execute(f'GRANT SELECT, INSERT, UPDATE ON {table} TO "{role}"')
        cursor.execute(f'GRANT USAGE ON SEQUENCE bench_voucher_id_seq TO "{role}"')


def _hot_row(seconds: int) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(CALL)
        script.flush()
        output = subprocess.run(
            [
                *(str(pgbench.program("pgbench")), "--no-vacuum", "--protocol", "prepared"),
                *("--client", str(CLIENTS), "--jobs", "2", "--time", str(seconds)),
                *("--file", script.name),
            ],
            env=pgbench.environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return pgbench.figure(output, r"tps = ([\d.]+)")


def _rush(place: Ground, port: int, tier: str) -> Rush:
    """All claims as fast as so many connections send them; at the first "sold out" the vouchers
    that are committed are counted."""
    requests = iter([place.line(resident, tier) for resident in place.take(RUSH)])
    kinds: Counter[int] = Counter()
    counted: list[int] = []
    address = environment()["DATABASE_URL"]

    def count() -> int:
        with psycopg.connect(address) as reader:
            row = reader.execute(
                "SELECT sum(t.voucher_count) FROM vouchers_tranche t"
                " JOIN vouchers_campaign c ON c.id = t.campaign_id WHERE c.code = %s",
                [tier.partition("/")[0]],
            ).fetchone()
        return int(row[0]) if row else 0

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for line in requests:
            key, id_, body = line.split("\t", 2)
            writer.write(
                f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                f"Authorization: Bearer {key}\r\nIdempotency-Key: {id_}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(size)
            kinds[status] += 1
            if status == 409 and not counted:
                counted.append(count())
        writer.close()

    async def crowd() -> None:
        await asyncio.gather(*(connection() for _ in range(CROWD)))

    asyncio.run(crowd())
    left = QuotaBucket.objects.filter(
        cell__campaign__code=tier.partition("/")[0], cell__round__isnull=False
    ).aggregate(left=Sum("headroom_count"))["left"]
    return Rush(
        claimed=kinds[201],
        sold_out=kinds[409],
        others=kinds.total() - kinds[201] - kinds[409],
        vouchers=count(),
        left=left,
        vouchers_at_first_sold_out=counted[0] if counted else -1,
    )
