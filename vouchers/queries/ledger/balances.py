"""Where each source's money is, summed from the legs; nothing keeps a running balance."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection

from vouchers.sql.statements import Statement
from vouchers.states import AccountKind

# The legs of a campaign's accounts are summed first: few sums are joined, not many legs.
SUM_ACCOUNTS: Statement[Any] = Statement(
    """
    WITH sums AS (
        SELECT l.account_id, sum(l.amount_fen)::bigint AS fen
          FROM vouchers_leg l
         WHERE l.account_id IN (
               SELECT id FROM vouchers_account WHERE campaign_id = %(campaign_id)s::bigint)
           AND l.at <= %(at)s::timestamptz
         GROUP BY l.account_id)
    SELECT s.code, s.name, a.kind, COALESCE(sums.fen, 0)
      FROM vouchers_account a
      JOIN vouchers_fundingsource s ON s.id = a.source_id
      LEFT JOIN sums ON sums.account_id = a.id
     WHERE a.campaign_id = %(campaign_id)s::bigint
     ORDER BY s.code
    """
)


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """One source's line of the budget identity: appropriated = Σ parts, when `off_fen` is zero."""

    source: str
    name: str
    appropriated_fen: int
    parts_fen: Mapping[AccountKind, int]

    @property
    def off_fen(self) -> int:
        """What the identity is off by; anything but zero is a broken book."""
        return self.appropriated_fen - sum(self.parts_fen.values())


EVER: Final = datetime.max.replace(tzinfo=UTC)
"""After every posting."""


def balances(campaign_id: int) -> dict[str, dict[AccountKind, int]]:
    """Fen by source code and kind of account; `appropriated` is the contra account, negative."""
    found: dict[str, dict[AccountKind, int]] = {}
    for code, _, kind, fen in _sums(campaign_id, EVER):
        found.setdefault(code, {})[AccountKind(kind)] = fen
    return found


def identity_rows(campaign_id: int, *, at: datetime = EVER) -> list[IdentityRow]:
    """The budget identity of a campaign by what was posted until `at`, that instant included: one
    row per source in the order of their codes."""
    names: dict[str, str] = {}
    by_source: dict[str, dict[AccountKind, int]] = {}
    for code, name, kind, fen in _sums(campaign_id, at):
        names[code] = name
        by_source.setdefault(code, {})[AccountKind(kind)] = fen
    return [
        IdentityRow(
            source=code,
            name=names[code],
            appropriated_fen=-parts_fen[AccountKind.APPROPRIATED],
            parts_fen={
                kind: parts_fen[kind] for kind in AccountKind if kind != AccountKind.APPROPRIATED
            },
        )
        for code, parts_fen in by_source.items()
    ]


def _sums(campaign_id: int, at: datetime) -> list[tuple[str, str, str, int]]:
    connection.ensure_connection()
    raw = connection.connection
    assert raw is not None
    with connection.wrap_database_errors:
        return SUM_ACCOUNTS.send(raw, {"campaign_id": campaign_id, "at": at}).rows()
