"""The pack's records: what people did about signals of fraud, and to the set-up."""

from vouchers.queries.proofs.pack.sheet import Sheet

CASE_SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "cases",
        """
        SELECT id, kind, subject, CASE WHEN subject = 'resident' THEN subject_id END AS resident,
               CASE WHEN subject IN ('store', 'merchant') THEN subject_id END AS place,
               CASE WHEN subject NOT IN ('resident', 'store', 'merchant') THEN subject_id END
                   AS link,
               window_no, store_id AS store, severity, state, signal_count, subsidy_fen,
               assignee_id AS assignee, opened_at, deadline_at, act_count, decided_at, decided_by,
               reason
          FROM vouchers_case WHERE campaign_id = %(campaign_id)s ORDER BY id
        """,
        {"resident": "resident", "link": "link"},
    ),
    Sheet(
        "case_signals",
        """
        SELECT m.id, m.case_id AS "case", m.signal_id AS signal
          FROM vouchers_casesignal m JOIN vouchers_case c ON c.id = m.case_id
         WHERE c.campaign_id = %(campaign_id)s ORDER BY m.id
        """,
    ),
    Sheet(
        "case_acts",
        """
        SELECT l.id, l.action_time AS at, l.user_id AS "user", c.id AS "case",
               l.change_message AS change
          FROM django_admin_log l
          JOIN django_content_type t ON t.id = l.content_type_id
               AND t.app_label = 'vouchers' AND t.model = 'case'
          JOIN vouchers_case c ON c.id::text = l.object_id
         WHERE c.campaign_id = %(campaign_id)s ORDER BY l.id
        """,
    ),
)

# Of the campaign, and of the stores that ever took part with their merchants: also what was done
# before the campaign began.
SETUP_SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "setup_changes",
        """
        SELECT h.id, h.table_name AS "table", h.row_id AS "row", h.operation, h.before, h.after,
               h.at, h.user_id AS "user", h.username, h.origin, h.request_id AS request,
               h.database_role
          FROM vouchers_setupchange h
         WHERE (h.page_table = 'vouchers_campaign' AND h.page_id = %(campaign_id)s)
            OR (h.page_table = 'merchants_store'
                AND h.page_id IN (SELECT store_id FROM vouchers_campaignstore
                                   WHERE campaign_id = %(campaign_id)s))
            OR (h.page_table = 'merchants_merchant'
                AND h.page_id IN (SELECT s.merchant_id FROM vouchers_campaignstore p
                                    JOIN merchants_store s ON s.id = p.store_id
                                   WHERE p.campaign_id = %(campaign_id)s))
         ORDER BY h.id
        """,
    ),
)
