"""The books proved from their rows, in one snapshot; what was found is kept as a report."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache, partial
from itertools import islice
from time import perf_counter
from typing import Any, Final, Protocol

import structlog
from django.conf import settings
from django.db import DataError, connection, transaction
from django.utils.translation import gettext_noop as _

from vouchers.models import AuditReport
from vouchers.queries.proofs.audit import selection as selection
from vouchers.queries.proofs.audit import targeting as targeting
from vouchers.queries.proofs.audit.books import BOOK_CHECKS, BookCheck, Facts, read
from vouchers.queries.proofs.audit.check import CheckTitle, Scan
from vouchers.queries.proofs.audit.checks import SCANS
from vouchers.queries.proofs.audit.sums import raw_connection
from vouchers.rules.proofs.audit.facts import Finding, Row
from vouchers.rules.proofs.audit.selection import differences
from vouchers.rules.proofs.audit.targeting import Measured, MemberFacts, judge_member
from vouchers.sql.pipeline import attempt
from vouchers.sql.snapshots import Work
from vouchers.sql.statements import Statement

log = structlog.get_logger(__name__)

SEED_BITS: Final = 31
SHOWN_ROWS: Final = 20
SAMPLE_MEMBERS: Final = 2_000


class Sample(Protocol):
    """Draws up to `size` people to be measured, by `seed`."""

    def __call__(self, raw: Any, *, size: int, seed: int) -> list[MemberFacts]: ...


OnProgress = Callable[[int, int], None]
"""Called with the number of pieces done and the number of all."""

TARGETING_EXACT: Final = (
    12,
    "targeting_exact",
    _("sampled members are where the run says: geodesic distance, radius and ring"),
)
CLAIMS_EXACT: Final = (
    12,
    "claims_exact",
    _("sampled claims were made where they say: geodesic distance, radius and ring"),
)
CHOICE_REPEATS: Final = (
    12,
    "choice_repeats",
    _("sampled runs chose those whom method, seed and quota choose again"),
)
READABLE: Final = (1, "books_readable", _("the rows can be read and summed"))


@dataclass(frozen=True, slots=True)
class Report:
    """What one audit found. `sampled` members and claims were measured again, `unmeasured` could
    not be."""

    started_at: datetime
    took_s: float
    seed: int
    sampled: int
    unmeasured: int
    findings: tuple[Finding, ...]

    @property
    def first_broken(self) -> Finding | None:
        """The first finding, in the order of the invariants, that is not clean."""
        return next((finding for finding in self.findings if finding.broken_count), None)

    @property
    def is_proven(self) -> bool:
        """Whether every check held."""
        return self.first_broken is None

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "started_at": self.started_at.isoformat(),
            "took_s": round(self.took_s, 3),
            "is_proven": self.is_proven,
            "seed": self.seed,
            "sampled": self.sampled,
            "unmeasured": self.unmeasured,
            "findings": [asdict(finding) for finding in self.findings],
        }


def audit(
    *,
    at: datetime,
    seed: int,
    sample: int = SAMPLE_MEMBERS,
    on_progress: OnProgress = lambda done, of: None,
) -> Report:
    """Recompute what rows can show of the invariants, all in one snapshot of the database.

    The sums are judged by `rules/proofs/audit*`, row by row statements by PostgreSQL, and `sample`
    random members of audiences, and as many claims, by measuring their distance again; a few runs
    choose again. The same `seed` draws the same samples. `vouchers/sql/snapshots` shares the work
    out. Called inside a transaction it reads in that one, as isolated as that one is.
    """
    start = perf_counter()
    drawn: list[Sequence[Measured]] = []
    work: Work[Finding] = Work(
        [
            _judge_books,
            *(partial(_run, scan) for scan in SCANS),
            partial(_judge_sample, TARGETING_EXACT, targeting.sample_members, sample, seed, drawn),
            partial(_judge_sample, CLAIMS_EXACT, targeting.sample_claims, sample, seed, drawn),
            partial(_judge_choices, seed),
        ],
        on_progress,
    )
    work.do()
    outcomes = [outcome for measured in drawn for outcome in measured]
    sampled = sum(1 for outcome in outcomes if outcome.distance_m is not None)
    return Report(
        started_at=at,
        took_s=perf_counter() - start,
        seed=seed,
        sampled=sampled,
        unmeasured=len(outcomes) - sampled,
        findings=tuple(sorted(work.found, key=lambda found: (found.invariant, found.name))),
    )


def record(*, report: Report) -> AuditReport:
    """Keep a report; it can't be changed afterwards. A broken check is logged as an error, which
    operators should alert on."""
    broken = report.first_broken
    if broken is not None:
        log.error(
            "books_not_proven",
            invariant=broken.invariant,
            check=broken.name,
            statement=broken.statement,
            broken_rows=broken.broken_count,
            first_row=broken.rows[0],
            checks_broken=[found.name for found in report.findings if found.broken_count],
        )
    return AuditReport.objects.create(
        started_at=report.started_at,
        took_s=report.took_s,
        is_proven=report.is_proven,
        report=report.document(),
    )


def _judge_books() -> Iterator[Finding]:
    start = perf_counter()
    try:
        with transaction.atomic():
            facts = read()
    except DataError as error:
        yield Finding(*READABLE, broken_count=1, rows=({"error": str(error)},))
        return
    yield Finding(*READABLE, took_s=perf_counter() - start)
    for check in BOOK_CHECKS:
        yield _judge(check, facts)


def _judge(check: BookCheck, facts: Facts) -> Finding:
    """Documents too damaged to be read break the check as well."""
    start = perf_counter()
    try:
        return _finding(check[:3], check.broken(facts), start)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return Finding(*check[:3], broken_count=1, rows=({"error": repr(error)},))


def _finding(check: tuple[int, str, str], broken: Iterator[Row], start: float) -> Finding:
    rows = tuple(islice(broken, SHOWN_ROWS))
    count = len(rows) + sum(1 for _ in broken)
    return Finding(*check, broken_count=count, rows=rows, took_s=perf_counter() - start)


def _run(scan: Scan) -> list[Finding]:
    """Runs a statement; rows too damaged to be read break its checks as well."""
    start = perf_counter()
    try:
        rows = attempt(_statement_of(scan), {})
    except DataError as error:
        unread: Row = {"error": str(error)}
        return [Finding(*head, broken_count=1, rows=(unread,)) for head in scan.checks]
    took_s = (perf_counter() - start) / len(scan.checks)
    return [_found(head, scan, rows, took_s) for head in scan.checks]


@cache
def _statement_of(scan: Scan) -> Statement[Row]:
    columns = ("check", *scan.columns, "broken_count", "place")
    names = ", ".join(f'"{name}"' for name in columns[:-2])
    return Statement(
        f"""
        SELECT * FROM (
            SELECT *, count(*) OVER (PARTITION BY "check"),
                   row_number() OVER (PARTITION BY "check") AS place
              FROM ({scan.text}) AS broken({names})) AS counted
         WHERE place <= {SHOWN_ROWS}
        """,
        lambda row: dict(zip(columns, map(_scalar, row), strict=True)),
    )


def _found(head: CheckTitle, scan: Scan, rows: Sequence[Row], took_s: float) -> Finding:
    own = [row for row in rows if row["check"] == head.name]
    count = int(own[0]["broken_count"] or 0) if own else 0
    shown = tuple({name: row[name] for name in scan.columns} for row in own)
    return Finding(*head, broken_count=count, rows=shown, took_s=took_s)


def _scalar(value: Any) -> str | int | float | None:
    return value if isinstance(value, str | int | float | None) else str(value)


def _judge_sample(
    check: tuple[int, str, str],
    sample: Sample,
    size: int,
    seed: int,
    drawn: list[Sequence[Measured]],
) -> list[Finding]:
    """The faults of a sample; its outcomes are added to `drawn`."""
    start = perf_counter()
    raw = raw_connection()
    with connection.wrap_database_errors:
        members = sample(raw, size=size, seed=seed)
        points = targeting.points_of(raw, members)
    rings, streets = targeting.rings(), targeting.streets()
    outcomes = [
        judge_member(
            member,
            points[member.resident_id, member.point_kind],
            rings[member.campaign_id],
            settings.HUIMIN_PII_KEY,
            streets[member.campaign_id],
        )
        for member in members
    ]
    drawn.append(outcomes)
    broken = (
        _misplaced(member, outcome)
        for member, outcome in zip(members, outcomes, strict=True)
        if outcome.wrong
    )
    return [_finding(check, broken, start)]


def _misplaced(member: MemberFacts, outcome: Measured) -> Row:
    return {
        "run" if member.issue_id > 0 else "tranche": abs(member.issue_id),
        "resident": member.resident_id,
        "why": outcome.wrong,
        "stored_m": member.distance_m,
        "measured_m": outcome.distance_m,
        "ring": member.ring,
    }


def _judge_choices(seed: int) -> list[Finding]:
    """What sampled runs stored must be whole enough to choose again."""
    start = perf_counter()
    drawn = selection.choices(raw_connection(), seed=seed)
    try:
        return [_finding(CHOICE_REPEATS, (row for one in drawn for row in differences(one)), start)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        unread: Row = {"error": repr(error)}
        return [Finding(*CHOICE_REPEATS, broken_count=1, rows=(unread,))]
