"""Audit checks of codes shown once and of papers (invariant 5)."""

from typing import Final

from django.utils.translation import gettext_noop as _

from vouchers.queries.proofs.audit.check import Check

PAPER_TRIES: Final = 5

PRESENTED_ONCE = Check(
    5,
    "presented_once",
    _("a presented code redeemed once: its own voucher, by who showed it, before its end"),
    ("presentation", "redemption", "why"),
    """
    SELECT * FROM (
        SELECT p.id, p.redemption_id, CASE
                 WHEN r.id IS NULL THEN 'no such redemption of its voucher'
                 WHEN r.shown_by_id <> p.shown_by_id THEN 'another person'
                 WHEN r.redeemed_at >= p.expires_at THEN 'after its end'
                 WHEN count(*) OVER (PARTITION BY p.redemption_id) > 1 THEN 'two codes'
               END AS why
          FROM vouchers_presentation p
          LEFT JOIN vouchers_redemption r
                 ON r.voucher_id = p.voucher_id AND r.id = p.redemption_id
         WHERE p.redemption_id IS NOT NULL) AS judged
     WHERE why IS NOT NULL
    """,
)
PRESENCE_SHOWN = Check(
    5,
    "presence_shown",
    _("where presence is asked for, every redemption used a presented code or a paper"),
    ("redemption", "voucher"),
    """
    SELECT r.id, r.voucher_id
      FROM vouchers_redemption r
      JOIN vouchers_campaign c ON c.id = r.campaign_id AND c.presence_required
      LEFT JOIN vouchers_presentation p
             ON p.redemption_id = r.id AND p.voucher_id = r.voucher_id
     WHERE p.id IS NULL AND r.voucher_id NOT IN (SELECT voucher_id FROM vouchers_paper)
    """,
)
PAPERS_OF_HOLDERS = Check(
    5,
    "papers_of_holders",
    _("a voucher has one good paper at most, its holder's, with no more wrong tries than allowed"),
    ("paper", "voucher", "why"),
    f"""
    SELECT * FROM (
        SELECT q.id, q.voucher_id, CASE
                 WHEN v.resident_id IS DISTINCT FROM q.holder_id THEN 'another holder'
                 WHEN q.wrong_count > {PAPER_TRIES} THEN 'too many tries'
                 WHEN q.replaced_at IS NULL AND count(*) FILTER (WHERE q.replaced_at IS NULL)
                      OVER (PARTITION BY q.voucher_id) > 1 THEN 'two good papers'
               END AS why
          FROM vouchers_paper q
          LEFT JOIN vouchers_voucher v ON v.id = q.voucher_id) AS judged
     WHERE why IS NOT NULL
    """,
)
PRESENTATION_CHECKS = (PRESENTED_ONCE, PRESENCE_SHOWN, PAPERS_OF_HOLDERS)
