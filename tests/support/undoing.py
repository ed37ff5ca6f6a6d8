"""Undoing commits in place: the rows that came are deleted, the tables of tranches dropped and the
sequences set back.

That costs a tenth of a new copy of the template, and the test's own session keeps its plans. It
takes a superuser, since the triggers of the ledger refuse everyone else. Where a row of the
template is missing, or the schema differs from the template's in more than tranches, nothing is
undone: then the database has to be replaced.
"""

from dataclasses import dataclass
from typing import Any

import psycopg

Session = psycopg.Connection[Any]
"""A superuser's, on the test database, in autocommit."""

OTHER_SESSIONS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend'
   AND pid <> pg_backend_pid() AND NOT (pid = ANY(%(spared)s) AND state = 'idle')
"""
NEWEST = "SELECT max(oid)::bigint FROM pg_class"
NEXT_XID = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint % 4294967296"
NOT_EMPTY = """
SELECT relname, pg_relation_size(oid) FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND oid <= %(newest)s
   AND pg_relation_size(oid) > 0
"""
NEW_RELATIONS = """
SELECT relname FROM pg_class
 WHERE oid > %(newest)s AND relkind NOT IN ('i', 'I', 't') AND relpersistence <> 't'
"""
TRANCHE = "vouchers_voucher_t"
LAST_VALUES = "SELECT seqrelid::regclass::text, pg_sequence_last_value(seqrelid) FROM pg_sequence"
SET_LAST_VALUE = "SELECT setval(%(name)s, coalesce(%(value)s, 1), %(value)s::bigint IS NOT NULL)"
# DDL leaves the number of its transaction in the catalogues. Rows of pg_class change with less.
SCHEMA = """
SELECT (SELECT sum(hashtextextended(concat_ws(' ', oid, relname, relkind, relowner, relacl,
               reloptions, relispartition, relrowsecurity), 0))
          FROM pg_class WHERE oid <= %(newest)s),
       (SELECT sum(xmin::text::bigint) FROM pg_attribute WHERE attrelid <= %(newest)s),
       (SELECT sum(xmin::text::bigint) FROM pg_constraint WHERE conrelid <= %(newest)s),
       (SELECT sum(xmin::text::bigint) FROM pg_index WHERE indrelid <= %(newest)s),
       (SELECT sum(xmin::text::bigint) FROM pg_trigger WHERE tgrelid <= %(newest)s),
       (SELECT sum(xmin::text::bigint) FROM pg_proc)
"""
MANY_BYTES = 512 * 1024
"""A table of that size is vacuumed: later tests would have to read what was deleted."""


@dataclass(frozen=True)
class Ground:
    """What the template is like, as far as must be known to come back to it."""

    newest: int
    """The highest oid: whatever is above was made by a test."""
    next_xid: int
    """Rows of this and later transactions were written by a test."""
    counts: dict[str, int]
    last_values: dict[str, int | None]
    schema: tuple[Any, ...]

    @classmethod
    def of(cls, session: Session) -> "Ground":
        """The ground that the session's database is now."""
        (newest,) = _row(session, NEWEST)
        (next_xid,) = _row(session, NEXT_XID)
        known = {"newest": newest}
        tables = [name for name, _ in session.execute(NOT_EMPTY, known)]
        return cls(
            newest=newest,
            next_xid=next_xid,
            counts=_counts(session, tables, next_xid),
            last_values=dict(session.execute(LAST_VALUES).fetchall()),
            schema=_row(session, SCHEMA, known),
        )

    def come_back(self, session: Session, *, spared: list[int]) -> bool:
        """Undo what tests have committed; false, and nothing undone, if that is not enough.

        Every other session is ended but those of the backends `spared` that do nothing.
        """
        session.execute(OTHER_SESSIONS, {"spared": spared})
        known = {"newest": self.newest}
        new = [name for (name,) in session.execute(NEW_RELATIONS, known)]
        if not all(name.startswith(TRANCHE) for name in new):
            return False
        if _row(session, SCHEMA, known) != self.schema:
            return False
        if _counts(session, list(self.counts), self.next_xid) != self.counts:
            return False
        sizes = dict(session.execute(NOT_EMPTY, known).fetchall())
        undoing = [
            "SET LOCAL session_replication_role = replica",
            *(f"DELETE FROM {name} WHERE {_is_new(self.next_xid)}" for name in sizes),
            *(f"DROP TABLE {name}" for name in new),
        ]
        with session.transaction():
            session.execute("; ".join(undoing))
            for name, value in session.execute(LAST_VALUES).fetchall():
                if value != self.last_values[name]:
                    session.execute(SET_LAST_VALUE, {"name": name, "value": self.last_values[name]})
        for name, size in sizes.items():
            if size >= MANY_BYTES:
                session.execute(f"VACUUM {name}")
        return True


def _counts(session: Session, tables: list[str], next_xid: int) -> dict[str, int]:
    """By table its rows from before a transaction."""
    counting = " UNION ALL ".join(
        f"SELECT '{name}', count(*) FROM {name} WHERE NOT {_is_new(next_xid)}" for name in tables
    )
    return dict(session.execute(counting).fetchall())


def _is_new(next_xid: int) -> str:
    return f"(xmin::text::bigint >= {next_xid})"


def _row(session: Session, query: str, parameters: dict[str, Any] | None = None) -> Any:
    row = session.execute(query, parameters).fetchone()
    assert row is not None
    return row
