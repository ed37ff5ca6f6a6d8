"""What somebody with the owner's rights could do to `tests.books.healthy_book`, and who notices.

Per lie the statement that tells it, and exactly the checks of the audit that it breaks.
"""

ANY_REDEMPTION = "id = (SELECT min(id) FROM vouchers_redemption)"
OUTSTANDING = "(SELECT id FROM vouchers_account WHERE kind = 'outstanding' ORDER BY id LIMIT 1)"
LIES = {
    # Invariant 1
    "a leg says one fen more": (
        (
            f"UPDATE vouchers_leg SET amount_fen = amount_fen + 1 WHERE (transfer_id, line_no) ="
            f" (SELECT transfer_id, line_no FROM vouchers_leg WHERE account_id = {OUTSTANDING}"
            f"  ORDER BY 1, 2 LIMIT 1)"
        ),
        {
            "allocation_identity",
            "budget_identity",
            "cell_headroom",
            "distribution_posted",
            "legs_balance",
            "outstanding_tie",
        },
    ),
    "an account is overdrawn by a pair of legs": (
        (
            "INSERT INTO vouchers_leg (transfer_id, line_no, at, account_id, amount_fen)"
            " SELECT t.id, 100 + n, t.at, a.id, CASE n WHEN 0 THEN -5 ELSE 5 END"
            "   FROM (SELECT * FROM vouchers_transfer WHERE reason = 'settle' LIMIT 1) t"
            "   CROSS JOIN generate_series(0, 1) n"
            "   JOIN vouchers_account a ON a.campaign_id = t.campaign_id"
            "    AND a.kind = CASE n WHEN 0 THEN 'repaid' ELSE 'recoverable' END"
            "    AND a.source_id = (SELECT min(source_id) FROM vouchers_account)"
        ),
        {
            "allocation_identity",
            "budget_identity",
            "cell_headroom",
            "money_arrows",
            "recoverable_tie",
        },
    ),
    "legs are moved to another allocation": (
        (
            f"UPDATE vouchers_leg SET allocation_id ="
            f" (SELECT max(id) FROM vouchers_allocation) WHERE account_id = {OUTSTANDING}"
            f" AND allocation_id = (SELECT min(id) FROM vouchers_allocation)"
        ),
        {
            "allocation_identity",
            "distribution_posted",
            "outstanding_tie",
        },
    ),
    "a source's figure is raised": (
        (
            "UPDATE vouchers_fundingsource SET appropriated_fen = appropriated_fen + 1"
            " WHERE code = 'city'"
        ),
        {
            "appropriated_figure",
            "caps_approved",
        },
    ),
    "a cell has more fen left than it should": (
        (
            "UPDATE vouchers_quotabucket SET headroom_fen = headroom_fen + 1"
            " WHERE id = (SELECT min(id) FROM vouchers_quotabucket WHERE headroom_fen > 0)"
        ),
        {"cell_headroom"},
    ),
    "a cell has more vouchers left than it should": (
        (
            "UPDATE vouchers_quotabucket SET headroom_count = headroom_count + 1"
            " WHERE headroom_count > 0"
        ),
        {"cell_headroom"},
    ),
    # Invariant 3
    "a transfer has lost its legs": (
        (
            "DELETE FROM vouchers_leg WHERE transfer_id ="
            " (SELECT id FROM vouchers_transfer WHERE reason = 'settle')"
        ),
        {
            "legs_balance",
            "payable_tie",
            "settled_tie",
            "settlement_posted",
        },
    ),
    "legs have lost their transfer": (
        "DELETE FROM vouchers_transfer WHERE reason = 'settle'",
        {
            "legs_balance",
            "settlement_posted",
        },
    ),
    "a leg names an account that does not exist": (
        f"UPDATE vouchers_leg SET account_id = 999999 WHERE account_id = {OUTSTANDING}",
        {
            "allocation_identity",
            "budget_identity",
            "cell_headroom",
            "distribution_posted",
            "legs_balance",
            "outstanding_tie",
        },
    ),
    # Invariant 4
    "a shard that was never minted is called done": (
        "UPDATE vouchers_shard SET state = 'done' WHERE state = 'waiting'",
        {
            "distribution_posted",
            "reserved_tie",
        },
    ),
    "a voucher in somebody's hand vanishes from the sum": (
        (
            "UPDATE vouchers_voucher SET state = 4 WHERE id ="
            " (SELECT max(id) FROM vouchers_voucher WHERE state = 1)"
        ),
        {
            "outstanding_tie",
            "voucher_redeems_once",
        },
    ),
    "a voucher is called authorised": (
        (
            "UPDATE vouchers_voucher SET state = 2 WHERE id ="
            " (SELECT max(id) FROM vouchers_voucher WHERE state = 1)"
        ),
        {
            "outstanding_tie",
            "voucher_redeems_once",
        },
    ),
    "a redemption is called undone without a posting": (
        f"UPDATE vouchers_redemption SET state = 3 WHERE {ANY_REDEMPTION}",
        {
            "counters_are_their_rows",
            "line_is_its_redemption",
            "order_claimed",
            "payable_tie",
            "redemption_amounts",
            "redemption_posted",
            "voucher_redeems_once",
        },
    ),
    "a paid settlement is called unpaid": (
        "UPDATE vouchers_settlement SET state = 'ready' WHERE state = 'paid'",
        {
            "payable_tie",
            "settled_tie",
            "settlement_posted",
        },
    ),
    "a posting is put under another redemption": (
        (
            "UPDATE vouchers_transfer SET cause_id = cause_id + 1000 WHERE id ="
            " (SELECT max(id) FROM vouchers_transfer WHERE reason = 'redeem')"
        ),
        {
            "redemption_amounts",
            "redemption_posted",
        },
    ),
    "a counter has forgotten a redemption": (
        (
            "UPDATE vouchers_capcounter SET used_count = used_count - 1"
            " WHERE kind = 1 AND used_count > 0"
        ),
        {"counters_are_their_rows"},
    ),
    "a counter is gone": (
        "DELETE FROM vouchers_capcounter WHERE kind = 2 AND used_count > 0",
        {"counters_are_their_rows"},
    ),
    # Invariant 5
    "a used voucher is called unused": (
        (
            "UPDATE vouchers_voucher SET state = 1 WHERE id ="
            " (SELECT min(id) FROM vouchers_voucher WHERE state = 3)"
        ),
        {"voucher_redeems_once", "outstanding_tie"},
    ),
    "a redemption took place before its voucher was valid": (
        "UPDATE vouchers_tranche SET valid_from_at = valid_from_at + interval '90 minutes'",
        {
            "redemption_legal",
            "tranche_validity",
        },
    ),
    "a redemption took place after its voucher had expired": (
        "UPDATE vouchers_tranche SET valid_until_at = valid_from_at + interval '1 hour'",
        {
            "redemption_legal",
            "tranche_validity",
        },
    ),
    "a redemption is booked on another day": (
        f"UPDATE vouchers_redemption SET business_day = business_day - 1 WHERE {ANY_REDEMPTION}",
        {"redemption_legal", "counters_are_their_rows"},
    ),
    "an order was below the threshold": (
        f"UPDATE vouchers_redemption SET eligible_amount_fen = 1 WHERE {ANY_REDEMPTION}",
        {"redemption_legal"},
    ),
    "a redemption claims another holder": (
        (
            f"UPDATE vouchers_redemption SET resident_id = resident_id + 1,"
            f" shown_by_id = resident_id + 1 WHERE {ANY_REDEMPTION}"
        ),
        {"redemption_legal", "counters_are_their_rows"},
    ),
    "the shop sold what the campaign excludes": (
        "UPDATE vouchers_campaign SET excluded_categories = '[\"department store\"]'",
        {
            "campaign_keeps_terms",
            "redemption_legal",
        },
    ),
    "the volunteer was declared too late": (
        "UPDATE vouchers_proxy SET declared_at = declared_at + interval '2 days'",
        {"shown_by_holder_or_proxy"},
    ),
    "a stranger showed it": (
        (
            f"UPDATE vouchers_redemption SET shown_by_id ="
            f" (SELECT max(id) FROM vouchers_resident) WHERE {ANY_REDEMPTION}"
        ),
        {"shown_by_holder_or_proxy"},
    ),
    "the store had left the campaign": (
        "UPDATE vouchers_campaignstore SET valid_until_at = valid_from_at + interval '1 minute'",
        {"store_took_part"},
    ),
    # Invariant 6
    "a voucher is deleted": (
        "DELETE FROM vouchers_voucher WHERE id = (SELECT max(id) FROM vouchers_voucher)",
        {
            "distribution_posted",
            "outstanding_tie",
            "tranche_holds",
        },
    ),
    "a voucher is doubled in another bucket": (
        (
            "INSERT INTO vouchers_voucher (id, resident_id, allocation_id, bucket, state)"
            " SELECT id, resident_id, allocation_id, bucket + 1, 4 FROM vouchers_voucher"
            " ORDER BY id DESC LIMIT 1"
        ),
        {
            "distribution_posted",
            "serials_distinct",
            "tranche_holds",
            "voucher_has_holder",
            "voucher_redeems_once",
            "voucher_was_targeted",
        },
    ),
    "vouchers count in another tier's allocation": (
        (
            "UPDATE vouchers_voucher SET allocation_id = (SELECT min(id) FROM vouchers_allocation)"
            " WHERE id = (SELECT max(id) FROM vouchers_voucher)"
        ),
        {
            "cell_headroom",
            "distribution_posted",
            "outstanding_tie",
            "voucher_allocations",
        },
    ),
    "a voucher belongs to nobody": (
        (
            "UPDATE vouchers_voucher SET resident_id = 999999 WHERE id ="
            " (SELECT max(id) FROM vouchers_voucher)"
        ),
        {"voucher_has_holder", "voucher_was_targeted"},
    ),
    "a tranche's threshold is lowered": (
        "UPDATE vouchers_tranche SET threshold_fen = threshold_fen - 1",
        {"tranche_keeps_terms"},
    ),
    "a tranche's shares are shifted to one source": (
        (
            "UPDATE vouchers_tranche SET split = jsonb_build_array("
            " jsonb_build_array(split->0->0, (split->0->>1)::int + 1),"
            " jsonb_build_array(split->1->0, (split->1->>1)::int - 1))"
            " WHERE id = (SELECT max(id) FROM vouchers_tranche)"
        ),
        {
            "distribution_posted",
            "outstanding_tie",
            "redemption_legal",
            "tranche_keeps_terms",
        },
    ),
    "nobody approved the terms": (
        "DELETE FROM vouchers_approval",
        {"terms_approved"},
    ),
    "the terms were rewritten": (
        (
            "UPDATE vouchers_termsversion"
            " SET document = jsonb_set(document, '{campaign,name}', '\"Other\"')"
        ),
        {"terms_hashed"},
    ),
    # Invariant 7
    "a request's record is gone": (
        (
            "DELETE FROM vouchers_requestrecord WHERE key ="
            " (SELECT min(key) FROM vouchers_requestrecord WHERE status = 201)"
        ),
        {"request_recorded"},
    ),
    "a stored answer is garbage": (
        (
            r"UPDATE vouchers_requestrecord SET answer = '\xff00' WHERE key ="
            " (SELECT min(key) FROM vouchers_requestrecord WHERE status = 201)"
        ),
        {"request_recorded"},
    ),
    "a live redemption's order is free": (
        (
            "DELETE FROM vouchers_orderclaim WHERE redemption_id ="
            " (SELECT min(id) FROM vouchers_redemption)"
        ),
        {"order_claimed"},
    ),
    "an undone redemption still holds its order": (
        (
            "INSERT INTO vouchers_orderclaim (store_id, order_no, redemption_id, claimed_at)"
            " SELECT store_id, order_no, id, redeemed_at FROM vouchers_redemption WHERE state = 3"
        ),
        {"order_claimed"},
    ),
    # Invariants 8 and 9
    "a resident got more than the limit": (
        "UPDATE vouchers_caprule SET limit_count = 1 WHERE kind = 1",
        {
            "campaign_keeps_terms",
            "resident_limits",
        },
    ),
    "a store redeemed faster than the limit": (
        "UPDATE vouchers_caprule SET limit_count = 1 WHERE kind = 4",
        {
            "campaign_keeps_terms",
            "store_limits",
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
    # Invariant 12
    "a voucher went to somebody outside the audience": (
        (
            "DELETE FROM vouchers_audiencemember WHERE resident_id ="
            " (SELECT min(resident_id) FROM vouchers_voucher)"
        ),
        {"voucher_was_targeted"},
    ),
    "a distance is two millimetres off": (
        "UPDATE vouchers_audiencemember SET distance_m = distance_m + 0.002",
        {"targeting_exact"},
    ),
    "a ring is wrong": (
        "UPDATE vouchers_audiencemember SET ring = 'B' WHERE ring = 'A'",
        {"targeting_exact"},
    ),
    "somebody outside the radius was targeted": (
        "UPDATE vouchers_campaign SET radius_m = 3000",
        {
            "campaign_keeps_terms",
            "targeting_exact",
        },
    ),
    "a resident's point was moved under the run": (
        "UPDATE vouchers_residentpoint SET latitude_deg = latitude_deg + 1e-9",
        {"targeting_exact"},
    ),
    "a store's version was moved under the run": (
        "UPDATE merchants_storelocation SET latitude_deg = latitude_deg + 1e-6",
        {"targeting_exact"},
    ),
    # Damage that cannot be read at all
    "a split is no list of shares": (
        f"UPDATE vouchers_redemption SET split = '7' WHERE {ANY_REDEMPTION}",
        {
            "books_readable",
            "line_is_its_redemption",
            "redemption_amounts",
            "redemption_legal",
        },
    ),
}
