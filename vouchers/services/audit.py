"""The books proved from their rows, in one snapshot; what was found is kept as a report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from time import perf_counter
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import DataError, connection, transaction
from django.utils.translation import gettext_noop as _

from vouchers.models import AuditReport, TermsVersion
from vouchers.models.statements import Statement
from vouchers.queries import audit as sums
from vouchers.queries import audit_targeting as targeting
from vouchers.queries.audit_check import Check
from vouchers.queries.audit_checks import CHECKS
from vouchers.rules import audit as rules
from vouchers.rules.audit import Finding, Row
from vouchers.rules.audit_targeting import Measured, MemberFacts, judge_member
from vouchers.rules.campaigns import terms_sha256

SHOWN_ROWS: Final = 20
SAMPLE_MEMBERS: Final = 2_000


class BookCheck(NamedTuple):
    """A check on sums."""

    invariant: int
    name: str
    says: str
    broken: Callable[[rules.Books], Iterator[Row]]


BOOK_CHECKS: Final = (
    BookCheck(
        1,
        "budget_identity",
        _("per source, appropriated is the sum of all other accounts, and none is negative"),
        rules.budget_identity,
    ),
    BookCheck(
        1,
        "allocation_identity",
        _("per source and allocation, what left free money is somewhere else, never below zero"),
        rules.allocation_identity,
    ),
    BookCheck(
        1,
        "appropriated_figure",
        _("a source's appropriated figure is what its account says"),
        rules.appropriated_figure,
    ),
    BookCheck(
        1,
        "cell_headroom",
        _("every quota cell's headroom is its cap minus what counts in it, and not negative"),
        rules.cell_headroom,
    ),
    BookCheck(
        4,
        "reserved_tie",
        _("the face of vouchers waiting in shards is the reserved account"),
        rules.reserved_tie,
    ),
    BookCheck(
        4,
        "outstanding_tie",
        _("the face of vouchers in people's hands is the outstanding account"),
        rules.outstanding_tie,
    ),
    BookCheck(
        4,
        "authorised_tie",
        _("the face of authorised vouchers is the authorised account"),
        rules.authorised_tie,
    ),
    BookCheck(
        4,
        "payable_tie",
        _("redemptions captured and not paid are the payable and held accounts"),
        rules.payable_tie,
    ),
    BookCheck(
        4,
        "settled_tie",
        _("the lines of paid settlements are the settled and recoverable accounts"),
        rules.settled_tie,
    ),
    BookCheck(
        6,
        "tranche_holds",
        _("every tranche holds as many vouchers as it says, numbered without a gap"),
        rules.tranche_holds,
    ),
    BookCheck(
        6,
        "voucher_allocations",
        _("vouchers count in an allocation of their own campaign and tier"),
        rules.voucher_allocations,
    ),
)
TERMS_HASHED: Final = (6, "terms_hashed", _("the terms' document has the hash that was approved"))
TARGETING_EXACT: Final = (
    12,
    "targeting_exact",
    _("sampled members are where the run says: geodesic distance, radius and ring"),
)
READABLE: Final = (1, "books_readable", _("the rows can be read and summed"))


@dataclass(frozen=True, slots=True)
class Report:
    """What one audit found. `sampled` members were measured again, `unmeasured` could not be."""

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


def audit(*, at: datetime, seed: int, sample: int = SAMPLE_MEMBERS) -> Report:
    """Recompute what rows can show of the invariants, all in one snapshot of the database.

    The sums are judged by `rules/audit`, row by row statements by PostgreSQL, and `sample` random
    members of audiences by measuring their distance again. The same `seed` draws the same sample.
    Called inside a transaction it reads in that one, as isolated as that one is.
    """
    start = perf_counter()
    with _snapshot():
        findings = [*_judge_books(), *map(_run, CHECKS), _judge_terms()]
        sampled, unmeasured, targeted = _judge_sample(sample, seed)
    return Report(
        started_at=at,
        took_s=perf_counter() - start,
        seed=seed,
        sampled=sampled,
        unmeasured=unmeasured,
        findings=tuple(sorted([*findings, targeted], key=lambda finding: finding.invariant)),
    )


def record(*, report: Report) -> AuditReport:
    """Keep a report; it can't be changed afterwards."""
    return AuditReport.objects.create(
        started_at=report.started_at,
        took_s=report.took_s,
        is_proven=report.is_proven,
        report=report.document(),
    )


@contextmanager
def _snapshot() -> Iterator[None]:
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            if is_outermost:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # Whole tables are joined and hardly a row comes back, so workers in parallel pay off.
            cursor.execute(
                "SET LOCAL work_mem = '128MB'; SET LOCAL jit = off;"
                "SET LOCAL parallel_tuple_cost = 0; SET LOCAL enable_partitionwise_aggregate = on"
            )
        yield


def _judge_books() -> list[Finding]:
    try:
        with transaction.atomic():
            books = sums.books()
    except DataError as error:
        return [Finding(*READABLE, broken_count=1, rows=({"error": str(error)},))]
    return [_finding(check[:3], check.broken(books)) for check in BOOK_CHECKS]


def _finding(check: tuple[int, str, str], broken: Iterator[Row]) -> Finding:
    rows = tuple(islice(broken, SHOWN_ROWS))
    return Finding(*check, broken_count=len(rows) + sum(1 for _ in broken), rows=rows)


def _run(check: Check) -> Finding:
    """Runs a statement; rows too damaged to be read break the check as well."""
    columns = (*check.columns, "broken_count")
    names = ", ".join(f'"{name}"' for name in check.columns)
    statement: Statement[Row] = Statement(
        f"SELECT *, count(*) OVER () FROM ({check.text}) AS broken({names}) LIMIT {SHOWN_ROWS}",
        lambda row: dict(zip(columns, map(_scalar, row), strict=True)),
    )
    head = (check.invariant, check.name, check.says)
    try:
        with transaction.atomic(), connection.wrap_database_errors:
            rows = statement.send(sums.raw_connection(), {}).rows()
    except DataError as error:
        return Finding(*head, broken_count=1, rows=({"error": str(error)},))
    count = int(rows[0]["broken_count"] or 0) if rows else 0
    shown = tuple({name: row[name] for name in check.columns} for row in rows)
    return Finding(*head, broken_count=count, rows=shown)


def _scalar(value: Any) -> str | int | float | None:
    return value if isinstance(value, str | int | float | None) else str(value)


def _judge_terms() -> Finding:
    broken = (
        {"terms": version.pk, "campaign": version.campaign_id}
        for version in TermsVersion.objects.order_by("id").iterator()
        if terms_sha256(version.document) != bytes(version.sha256)
    )
    return _finding(TERMS_HASHED, broken)


def _judge_sample(members: int, seed: int) -> tuple[int, int, Finding]:
    """How many sampled members were measured, how many could not be, and what is wrong."""
    raw = sums.raw_connection()
    with connection.wrap_database_errors:
        drawn = targeting.sample(raw, members=members, seed=seed)
        points = targeting.points_of(raw, drawn)
    rings = targeting.rings()
    outcomes = [
        judge_member(
            member,
            points[member.resident_id, member.point_kind],
            rings[member.campaign_id],
            settings.HUIMIN_PII_KEY,
        )
        for member in drawn
    ]
    measured = sum(1 for outcome in outcomes if outcome.distance_m is not None)
    broken = (
        _misplaced(member, outcome)
        for member, outcome in zip(drawn, outcomes, strict=True)
        if outcome.wrong
    )
    return measured, len(drawn) - measured, _finding(TARGETING_EXACT, broken)


def _misplaced(member: MemberFacts, outcome: Measured) -> Row:
    return {
        "run": member.run_id,
        "resident": member.resident_id,
        "why": outcome.wrong,
        "stored_m": member.distance_m,
        "measured_m": outcome.distance_m,
        "ring": member.ring,
    }
