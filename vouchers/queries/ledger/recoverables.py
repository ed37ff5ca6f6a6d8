"""What merchants owe for refunds that came after their settlements (应追回补贴)."""

from django.db import connection

from vouchers.models.settlement import SUM_OWED, OwedRow


def owed_rows(campaign_id: int) -> list[OwedRow]:
    """By merchant and source, in the order of their ids; who owes nothing is absent.

    What a settlement keeps back is not owed any more, also while that settlement waits for cash.
    """
    connection.ensure_connection()
    raw = connection.connection
    assert raw is not None
    with connection.wrap_database_errors:
        return SUM_OWED.send(raw, {"campaign_id": campaign_id}).rows()


def owed_fen(*, campaign_id: int, merchant_id: int, source_id: int) -> int:
    """What one merchant owes one source, in fen."""
    return sum(
        row.fen
        for row in owed_rows(campaign_id)
        if (row.merchant_id, row.source_id) == (merchant_id, source_id)
    )
