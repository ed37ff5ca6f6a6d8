"""What callers' own numbers of stores and tills mean: rows of `merchants.models.OwnNumber`."""

from typing import NamedTuple

from vouchers.sql.statements import Statement


class OwnNumberRow(NamedTuple):
    """A number as it was asked for (folded), and the store, or the till of it, that it means."""

    credential_id: int
    store_no: str
    terminal_no: str
    merchant: str
    store: str
    terminal: str


# Of each (caller, store no.) the store itself, and the till where its own number is known.
FIND_OWN_NUMBERS = Statement(
    """
    SELECT o.credential_id, wanted.store_no, upper(o.terminal_no), m.code, s.external_id,
           COALESCE(t.code, '')
      FROM unnest(%(credential_ids)s::bigint[], %(store_nos)s::text[], %(terminal_nos)s::text[])
        AS wanted(credential_id, store_no, terminal_no)
      JOIN merchants_ownnumber o ON o.credential_id = wanted.credential_id
       AND upper(o.store_no) = wanted.store_no
       AND upper(o.terminal_no) IN ('', wanted.terminal_no)
      JOIN merchants_store s ON s.id = o.store_id
      JOIN merchants_merchant m ON m.id = s.merchant_id
      LEFT JOIN merchants_terminal t ON t.id = o.terminal_id
    """,
    OwnNumberRow._make,
)
