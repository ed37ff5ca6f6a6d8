"""What many clients did at once, written down so that it can be put in one order afterwards.

Every act is noted with what was visible to anybody when it was asked for and when it was answered.
The order itself comes from the database: triggers that wait for the commit draw a number while all
of the transaction's locks are still held, so that of two transactions in each other's way the one
that others waited for has the lower number. (Transaction numbers would not do: one is given at the
first write, long before the last lock is waited for.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.db import connection

from tests.support.books import as_owner

NOTED = (
    ("vouchers_requestrecord", "INSERT", "key"),
    ("vouchers_tranche", "INSERT", "id"),
    ("vouchers_tranche", "UPDATE", "id"),
    ("vouchers_settlement", "INSERT", "id"),
    ("vouchers_settlement", "UPDATE", "id"),
    ("vouchers_hold", "INSERT", "id"),
    ("vouchers_hold", "UPDATE", "id"),
    ("vouchers_cashreceipt", "INSERT", "request_id"),
    ("vouchers_collection", "INSERT", "request_id"),
    ("vouchers_proposaldecision", "INSERT", "proposal_id"),
)
"""Rows that show what a transaction did: table, act, and the column that names the row."""

NOTE_ORDER = """
    CREATE TABLE linear_order (
        no bigint GENERATED ALWAYS AS IDENTITY, xid xid8 NOT NULL, what text NOT NULL);
    GRANT SELECT ON linear_order TO PUBLIC;
    CREATE FUNCTION linear_note(what text) RETURNS void LANGUAGE sql SECURITY DEFINER AS
        'INSERT INTO linear_order (xid, what) VALUES (pg_current_xact_id(), what)';
    CREATE FUNCTION linear_note_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            -- In a partition the trigger has the partition's name.
            PERFORM linear_note(concat_ws(' ', regexp_replace(TG_TABLE_NAME, '_p[0-9]+$', ''),
                                          TG_OP, to_jsonb(NEW)->>TG_ARGV[0]));
            RETURN NULL;
        END $$;
"""

Act = TypeVar("Act")


class Seen:
    """Which transactions had committed at a moment, by PostgreSQL's own snapshot."""

    def __init__(self, snapshot: str) -> None:
        low, high, under_way = snapshot.split(":")
        self._low, self._high = int(low), int(high)
        self._under_way = {int(xid) for xid in under_way.split(",") if xid}

    @classmethod
    def now(cls) -> "Seen":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_snapshot()::text")
            return cls(cursor.fetchone()[0])

    def has(self, xid: int) -> bool:
        return xid < self._low or (xid < self._high and xid not in self._under_way)


BELOW_ZERO = """
    WITH placed AS (
        SELECT l.account_id, l.amount_fen, a.kind, t.reason,
               COALESCE((SELECT min(o.no) FROM linear_order o WHERE o.xid = t.xid), 0) AS place
          FROM vouchers_leg l
          JOIN vouchers_transfer t ON t.id = l.transfer_id
          JOIN vouchers_account a ON a.id = l.account_id
         WHERE a.kind <> 'appropriated'),
    running AS (
        SELECT kind, reason, place,
               sum(amount_fen) OVER (PARTITION BY account_id ORDER BY place) AS fen
          FROM placed)
    SELECT place, kind, reason, fen FROM running WHERE place > 0 AND fen < 0 ORDER BY place LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Report(Generic[Act]):
    """An act with its answer: a code, figures, and the row that marks its commit, if any."""

    act: Act
    code: str
    asked: Seen
    answered: Seen
    figures: Mapping[str, object] = field(default_factory=dict)
    mark: str = ""


def note_order() -> None:
    """Make the database of this test number its commits."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(NOTE_ORDER)
        for number, (table, act, column) in enumerate(NOTED):
            cursor.execute(
                f"CREATE CONSTRAINT TRIGGER linear_{number} AFTER {act} ON {table}"
                " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                f" EXECUTE FUNCTION linear_note_row('{column}')"
            )


class Order(Generic[Act]):
    """The commits as the database numbered them."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT what, xid::text::bigint FROM linear_order ORDER BY no")
            rows = cursor.fetchall()
        self._xids: dict[str, int] = {}
        self._places: dict[int, int] = {}
        for what, xid in rows:
            self._xids.setdefault(what, xid)
            self._places.setdefault(xid, len(self._places))

    def in_order(self, tales: Sequence[Report[Act]]) -> list[Report[Act]]:
        """Acts that did something, as one after the other."""
        return sorted(tales, key=lambda report: self._places[self._xids[report.mark]])

    def window(self, report: Report[Act], done: Sequence[Report[Act]]) -> range:
        """After how many of the acts `done` an act can have happened that left no mark: at least
        up to the last that had been committed when it was asked for, at most up to the last that
        had been when it was answered. One numbered before that last may have committed after the
        answer; it had begun before, so that the answer may stand behind it."""
        xids = [self._xids[other.mark] for other in done]
        asked = [place + 1 for place, xid in enumerate(xids) if report.asked.has(xid)]
        answered = [place + 1 for place, xid in enumerate(xids) if report.answered.has(xid)]
        return range(max(asked, default=0), max(answered, default=0) + 1)


def first_below_zero() -> tuple[object, ...] | None:
    """The first commit after which an account of the ledger held less than nothing, if any did."""
    with connection.cursor() as cursor:
        cursor.execute(BELOW_ZERO)
        found: tuple[object, ...] | None = cursor.fetchone()
    return found
