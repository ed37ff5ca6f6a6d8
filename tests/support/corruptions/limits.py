"""Corrupted limits, settlements and targeting (invariants 8, 9, 11, 12); unreadable rows."""

CORRUPTIONS = {
    # Invariants 8 and 9
    "a resident got more than the limit": (
        "UPDATE vouchers_limitrule SET limit_count = 1 WHERE kind = 1",
        {
            "campaign_keeps_terms",
            "resident_limits",
        },
    ),
    "a store redeemed faster than the limit": (
        "UPDATE vouchers_limitrule SET limit_count = 1 WHERE kind = 4",
        {
            "campaign_keeps_terms",
            "store_limits",
        },
    ),
    "a redemption notes a link that nothing counts": (
        (
            "UPDATE vouchers_redemption SET links = '{7}' WHERE id ="
            " (SELECT min(id) FROM vouchers_redemption)"
        ),
        {
            "links_noted",
        },
    ),
    "a device was used more often than it may be": (
        (
            "WITH capped AS (INSERT INTO vouchers_limitrule (campaign_id, kind, limit_count)"
            " SELECT id, 8, 1 FROM vouchers_campaign WHERE code = 'spring-2026'"
            " RETURNING campaign_id)"
            " INSERT INTO vouchers_limitcounter"
            " (kind, campaign_id, subject_id, window_no, used_count, used_fen)"
            " SELECT 8, campaign_id, 7, 0, 2, 0 FROM capped"
        ),
        {
            "campaign_keeps_terms",
            "counters_are_their_rows",
            "link_limits",
            "links_noted",
        },
    ),
    "an unapproved rule held nothing": (
        (
            "INSERT INTO vouchers_signal"
            " (campaign_id, version_id, kind, setting, verdict, subject, subject_id, store_id,"
            " redemption_id, voucher_id, order_no, facts, raised_at)"
            " SELECT campaign_id, 0, 'night_hours', 'live', 'hold', 'store', store_id, store_id,"
            " id, voucher_id, order_no, '{}', redeemed_at"
            " FROM vouchers_redemption WHERE state = 2 ORDER BY id LIMIT 1"
        ),
        {
            "noticed_is_held",
            "signals_of_rules",
        },
    ),
    # Invariant 11
    "a line is gone": (
        (
            "DELETE FROM vouchers_settlementline WHERE id ="
            " (SELECT min(id) FROM vouchers_settlementline)"
        ),
        {
            "payable_tie",
            "settled_once",
            "settled_tie",
            "settlement_posted",
            "settlement_totals",
        },
    ),
    "a line says another amount": (
        (
            "UPDATE vouchers_settlementline SET amount_fen = amount_fen + 1 WHERE id ="
            " (SELECT min(id) FROM vouchers_settlementline)"
        ),
        {
            "line_is_its_redemption",
            "payable_tie",
            "settled_once",
            "settled_tie",
            "settlement_posted",
            "settlement_totals",
        },
    ),
    "a settlement's file is exchanged": (
        "UPDATE vouchers_settlement SET content = content || 'x'::bytea",
        {"settlement_totals"},
    ),
    "more was paid than had come": (
        "DELETE FROM vouchers_cashreceipt",
        {"paid_within_cash"},
    ),
    "a refund was kept back before it was made": (
        (
            "UPDATE vouchers_refund SET business_day = business_day + 9,"
            " refunded_at = refunded_at + interval '9 days' WHERE NOT gives_voucher_back AND id IN"
            " (SELECT refund_id FROM vouchers_settlementline WHERE kind = 'refund')"
        ),
        {"line_is_its_redemption"},
    ),
    "more was kept back than was owed": (
        (
            "UPDATE vouchers_settlementline SET amount_fen = 1000 * amount_fen WHERE id ="
            " (SELECT min(id) FROM vouchers_settlementline WHERE kind = 'refund')"
        ),
        {
            "recoverable_tie",
            "recovered_within_owed",
            "settlement_posted",
            "settlement_totals",
        },
    ),
    "what a collection cleared is gone": (
        (
            "DELETE FROM vouchers_collectionline WHERE id ="
            " (SELECT min(id) FROM vouchers_collectionline)"
        ),
        {
            "collection_lines",
            "recoverable_tie",
        },
    ),
    "a collection was posted under another": (
        ("UPDATE vouchers_transfer SET cause_id = cause_id + 1000 WHERE reason = 'collect'"),
        {
            "collection_lines",
        },
    ),
    "a held redemption was settled": (
        (
            "INSERT INTO vouchers_hold"
            " (redemption_id, voucher_id, reason, opened_by, opened_at, released_by)"
            " SELECT redemption_id, voucher_id, 'odd', 'rosa', now(), ''"
            " FROM vouchers_settlementline ORDER BY redemption_id LIMIT 1"
        ),
        {
            "held_tie",
            "hold_once",
            "hold_posted",
            "line_is_its_redemption",
        },
    ),
    # Invariant 12
    "a voucher went to a resident outside the audience": (
        (
            "DELETE FROM vouchers_audiencemember WHERE resident_id ="
            " (SELECT min(resident_id) FROM vouchers_voucher)"
        ),
        {"voucher_was_targeted", "choice_repeats"},
    ),
    "a distance is two millimetres off": (
        "UPDATE vouchers_audiencemember SET distance_m = distance_m + 0.002",
        {"targeting_exact"},
    ),
    "a ring is wrong": (
        "UPDATE vouchers_audiencemember SET ring = 'B' WHERE ring = 'A'",
        {"targeting_exact"},
    ),
    "a resident outside the radius was targeted": (
        "UPDATE vouchers_campaign SET radius_m = 3000",
        {
            "campaign_keeps_terms",
            "targeting_exact",
        },
    ),
    "a resident's point was moved under the run": (
        "UPDATE vouchers_residentpoint SET latitude_deg = latitude_deg + 1e-9",
        {"claims_exact", "targeting_exact"},
    ),
    "a store's version was moved under the run": (
        "UPDATE merchants_storelocation SET latitude_deg = latitude_deg + 1e-6",
        {"claims_exact", "targeting_exact"},
    ),
    "a run gave vouchers for which there was no room": (
        (
            "UPDATE vouchers_run SET selection = jsonb_set(selection, '{chosen_from,rooms}',"
            " (SELECT jsonb_object_agg(key, '[0, 0]'::jsonb)"
            "    FROM jsonb_each(selection#>'{chosen_from,rooms}')))"
            " WHERE selection ? 'chosen_from'"
        ),
        {"choice_repeats"},
    ),
    "what a run chose from is no longer whole": (
        (
            "UPDATE vouchers_run SET selection = selection #- '{chosen_from,day}'"
            " WHERE selection ? 'chosen_from'"
        ),
        {"choice_repeats"},
    ),
    # Damage that cannot be read at all
    "a split is no list of shares": (
        (
            "UPDATE vouchers_redemption SET split = '7'"
            " WHERE id = (SELECT min(redemption_id) FROM vouchers_refund)"
        ),
        {
            "books_readable",
            "line_is_its_redemption",
            "redeemed_amounts",
            "redemption_legal",
            "refund_parts",
        },
    ),
}
