"""Predefined queries on a campaign's redemptions: what an auditor checks first.

None of them proves a fault; each lists rows to be checked. The date of a death is not on file, so
every redemption by a resident recorded as deceased is listed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from django.utils.translation import gettext_noop as _

from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.sql.statements import Statement
from vouchers.sql.streams import Row, stream
from vouchers.states import RedemptionState, TrancheState, VoucherState

OPENS_MINUTE: Final = 8 * 60
CLOSES_MINUTE: Final = 22 * 60

_LIVE = f"({RedemptionState.AUTHORISED.value}, {RedemptionState.CAPTURED.value})"
_LOCAL = "(r.redeemed_at AT TIME ZONE c.zone)"


@dataclass(frozen=True, slots=True)
class Question:
    """`text` selects the rows found, in columns `columns`; `description` names what they are."""

    name: str
    statement: str
    columns: tuple[str, ...]
    text: str


DECEASED = Question(
    "deceased",
    _("redemptions of vouchers held or shown by a person on file as deceased"),
    ("redemption", "store", "redeemed_at", "discount_fen"),
    f"""
    SELECT r.id, r.store_id, r.redeemed_at, r.discount_fen
      FROM vouchers_redemption r
     WHERE r.campaign_id = %(campaign_id)s AND r.state IN {_LIVE}
       AND EXISTS (SELECT FROM vouchers_resident p
                    WHERE p.id IN (r.resident_id, r.shown_by_id) AND p.state = 'deceased')
     ORDER BY r.id
    """,
)
OFF_LIST = Question(
    "off_list",
    _("redemptions at a store that did not take part at that time"),
    ("redemption", "store", "redeemed_at", "discount_fen"),
    """
    SELECT r.id, r.store_id, r.redeemed_at, r.discount_fen
      FROM vouchers_redemption r
     WHERE r.campaign_id = %(campaign_id)s
       AND NOT EXISTS (SELECT FROM vouchers_campaignstore p
                        WHERE p.campaign_id = r.campaign_id AND p.store_id = r.store_id
                          AND p.valid_from_at <= r.redeemed_at
                          AND (p.valid_until_at IS NULL OR p.valid_until_at > r.redeemed_at))
     ORDER BY r.id
    """,
)
EXCLUDED_CATEGORY = Question(
    "excluded_category",
    _("redemptions in a category that the terms exclude"),
    ("redemption", "store", "category", "discount_fen"),
    """
    SELECT r.id, r.store_id, COALESCE(NULLIF(r.category, ''), s.category), r.discount_fen
      FROM vouchers_redemption r
      JOIN vouchers_campaign c ON c.id = r.campaign_id
      JOIN merchants_store s ON s.id = r.store_id
     WHERE r.campaign_id = %(campaign_id)s
       AND c.excluded_categories @> to_jsonb(COALESCE(NULLIF(r.category, ''), s.category))
     ORDER BY r.id
    """,
)
AFTER_HOURS = Question(
    "after_hours",
    _("redemptions in store outside the usual hours"),
    ("redemption", "store", "local_time", "discount_fen"),
    f"""
    SELECT r.id, r.store_id, {_LOCAL}::text, r.discount_fen
      FROM vouchers_redemption r JOIN vouchers_campaign c ON c.id = r.campaign_id
     WHERE r.campaign_id = %(campaign_id)s AND r.order_kind = 'in_store'
       AND extract(hour FROM {_LOCAL}) * 60 + extract(minute FROM {_LOCAL})
           NOT BETWEEN %(opens_minute)s::int AND %(closes_minute)s::int - 1
     ORDER BY r.id
    """,
)
DUPLICATES = Question(
    "duplicates",
    _("one order, receipt or payment with several redemptions that stand"),
    ("what", "store", "number", "redemptions"),
    f"""
    WITH named AS (
        -- Upper and lower case are one number.
        SELECT 'order' AS what, store_id, upper(order_no) AS number, id
          FROM vouchers_redemption
         WHERE campaign_id = %(campaign_id)s AND state IN {_LIVE}
         UNION ALL
        SELECT 'receipt', store_id, upper(receipt_no), id
          FROM vouchers_redemption
         WHERE campaign_id = %(campaign_id)s AND state IN {_LIVE} AND receipt_no <> ''
         UNION ALL
        -- A payment is a person's: its number is not shown.
        SELECT 'payment', NULL, encode(
               sha256(convert_to(upper(payment_ref), 'UTF8')), 'hex'), id
          FROM vouchers_redemption
         WHERE campaign_id = %(campaign_id)s AND state IN {_LIVE} AND payment_ref <> '')
    SELECT what, store_id, number, array_agg(id ORDER BY id)
      FROM named GROUP BY 1, 2, 3 HAVING count(*) > 1 ORDER BY 1, 2, 3
    """,
)
LEFT_OVERS = Question(
    "left_overs",
    _("money still free, reserved or promised, by source"),
    ("source", "account", "fen"),
    """
    SELECT s.code, a.kind, sum(l.amount_fen)::bigint
      FROM vouchers_account a
      JOIN vouchers_fundingsource s ON s.id = a.source_id
      JOIN vouchers_leg l ON l.account_id = a.id
     WHERE a.campaign_id = %(campaign_id)s
       AND a.kind IN ('free', 'reserved', 'outstanding', 'authorised')
     GROUP BY 1, 2 HAVING sum(l.amount_fen) <> 0 ORDER BY 1, 2
    """,
)
UNEXPIRED = Question(
    "unexpired",
    _("tranches past their end whose unspent vouchers were not returned yet"),
    ("tranche", "valid_until_at", "unspent"),
    f"""
    SELECT t.id, t.valid_until_at, count(v.id)
      FROM vouchers_tranche t
      LEFT JOIN vouchers_voucher v
        ON v.id >= t.id << {SERIAL_BITS} AND v.id < (t.id + 1) << {SERIAL_BITS}
       AND v.state = {VoucherState.ISSUED.value}
     WHERE t.campaign_id = %(campaign_id)s AND t.state = '{TrancheState.OUTSTANDING.value}'
       AND t.valid_until_at <= %(at)s
     GROUP BY t.id ORDER BY t.id
    """,
)

QUESTIONS: Final = (
    DECEASED,
    OFF_LIST,
    EXCLUDED_CATEGORY,
    AFTER_HOURS,
    DUPLICATES,
    LEFT_OVERS,
    UNEXPIRED,
)


def answer_to(
    raw: psycopg.Connection[Any], question: Question, *, campaign_id: int, at: datetime
) -> Iterator[Sequence[Row]]:
    """The rows of one question, in its columns and in blocks; in the transaction that is open."""
    parameters = {
        "campaign_id": campaign_id,
        "at": at,
        "opens_minute": OPENS_MINUTE,
        "closes_minute": CLOSES_MINUTE,
    }
    return stream(raw, question.text, parameters)


def answers(
    raw: psycopg.Connection[Any],
    *,
    campaign_id: int,
    at: datetime,
    opens_minute: int = OPENS_MINUTE,
    closes_minute: int = CLOSES_MINUTE,
) -> Iterator[tuple[Question, list[dict[str, Any]]]]:
    """What each question finds. Hours are minutes of the campaign's local day."""
    parameters = {
        "campaign_id": campaign_id,
        "at": at,
        "opens_minute": opens_minute,
        "closes_minute": closes_minute,
    }
    for question in QUESTIONS:
        statement: Statement[Any] = Statement(question.text)
        rows = statement.send(raw, parameters).rows()
        yield question, [dict(zip(question.columns, row, strict=True)) for row in rows]
