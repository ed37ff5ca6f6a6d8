"""What somebody with the owner's rights could do to `tests.books.healthy_book`, and who notices.

Per lie the statement that tells it, and exactly the checks of the audit that it breaks.
"""

ANY_REDEMPTION = "id = (SELECT min(id) FROM vouchers_redemption)"
OUTSTANDING = "(SELECT id FROM vouchers_account WHERE kind = 'outstanding' ORDER BY id LIMIT 1)"
MINTED = "(SELECT max(id) FROM vouchers_tranche WHERE shard_id > 0)"
ANY_VOUCHER = f"(SELECT max(id) FROM vouchers_voucher WHERE id >> 20 = {MINTED} AND state = 1)"
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
            "cell_headroom",
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
    "a cell's cap is raised without asking": (
        (
            "WITH raised AS (UPDATE vouchers_quotacell SET cap_count = cap_count + 1"
            " WHERE cap_count = 60 RETURNING id)"
            " UPDATE vouchers_quotabucket SET headroom_count = headroom_count + 1"
            " WHERE cell_id IN (SELECT id FROM raised) AND number = 0"
        ),
        {
            "caps_approved",
        },
    ),
    "somebody decided on their own proposal": (
        (
            "UPDATE vouchers_proposaldecision SET decided_by_id = p.proposed_by_id"
            " FROM vouchers_proposal p WHERE p.id = proposal_id"
        ),
        {
            "proposals_decided",
        },
    ),
    "a proposal's reason is rewritten": (
        (
            "UPDATE vouchers_proposal SET document = jsonb_set(document, '{why}', '\"Other\"')"
            " WHERE kind = 'repayment'"
        ),
        {
            "proposals_decided",
        },
    ),
    "a proposal's document has lost its changes": (
        ("UPDATE vouchers_proposal SET document = document - 'changes' WHERE kind = 'caps'"),
        {
            "caps_approved",
            "proposals_decided",
        },
    ),
    "money was cut that nobody approved to cut": (
        (
            "UPDATE vouchers_proposaldecision SET decision = 'rejected' WHERE proposal_id ="
            " (SELECT max(id) FROM vouchers_proposal WHERE kind = 'appropriation')"
        ),
        {
            "proposals_done",
        },
    ),
    "caps were changed that nobody approved to change": (
        (
            "UPDATE vouchers_proposaldecision SET decision = 'rejected' WHERE proposal_id ="
            " (SELECT id FROM vouchers_proposal WHERE kind = 'caps')"
        ),
        {
            "caps_approved",
        },
    ),
    # Invariant 3
    "a transfer has lost its legs": (
        (
            "DELETE FROM vouchers_leg WHERE transfer_id ="
            " (SELECT min(id) FROM vouchers_transfer WHERE reason = 'settle')"
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
    "a cut is called an appropriation": (
        ("UPDATE vouchers_transfer SET reason = 'appropriate' WHERE reason = 'cut'"),
        {
            "money_arrows",
            "proposals_done",
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
        (f"UPDATE vouchers_voucher SET state = 4 WHERE id = {ANY_VOUCHER}"),
        {
            "outstanding_tie",
            "voucher_redeems_once",
        },
    ),
    "a voucher is called authorised": (
        (f"UPDATE vouchers_voucher SET state = 2 WHERE id = {ANY_VOUCHER}"),
        {
            "outstanding_tie",
            "voucher_redeems_once",
        },
    ),
    "a redemption is called undone without a posting": (
        f"UPDATE vouchers_redemption SET state = 3 WHERE {ANY_REDEMPTION}",
        {
            "counters_are_their_rows",
            "lifecycle_amounts",
            "line_is_its_redemption",
            "order_claimed",
            "payable_tie",
            "redemption_posted",
            "voucher_redeems_once",
        },
    ),
    "a paid settlement is called unpaid": (
        "UPDATE vouchers_settlement SET state = 'ready' WHERE state = 'paid'",
        {
            "payable_tie",
            "recoverable_tie",
            "refund_accounts",
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
            "redeemed_amounts",
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
    "a shard's minting is put under another": (
        (
            "UPDATE vouchers_transfer SET cause_id = cause_id + 1000 WHERE id ="
            " (SELECT max(id) FROM vouchers_transfer WHERE cause = 'shard')"
        ),
        {
            "distribution_posted",
        },
    ),
    "an expiry names a tranche that lasts": (
        (
            "UPDATE vouchers_transfer SET cause_id ="
            " (SELECT max(id) FROM vouchers_tranche WHERE state = 'outstanding')"
            " WHERE reason = 'expire'"
        ),
        {
            "expired_once",
        },
    ),
    "an appropriation names another source": (
        (
            "UPDATE vouchers_transfer SET cause_id = cause_id + 1000 WHERE id ="
            " (SELECT max(id) FROM vouchers_transfer WHERE cause = 'source')"
        ),
        {
            "sources_own",
        },
    ),
    "an authorisation is called captured": (
        ("UPDATE vouchers_redemption SET state = 2, captured_at = redeemed_at WHERE state = 1"),
        {
            "authorised_tie",
            "lifecycle_amounts",
            "payable_tie",
            "redemption_posted",
            "voucher_redeems_once",
        },
    ),
    "an authorisation was for a fen more": (
        ("UPDATE vouchers_redemption SET authorised_fen = authorised_fen + 1 WHERE state = 1"),
        {
            "lifecycle_amounts",
        },
    ),
    "an open hold is called released": (
        ("UPDATE vouchers_hold SET released_at = opened_at WHERE released_at IS NULL"),
        {
            "held_tie",
            "hold_posted",
        },
    ),
    "a hold was opened twice": (
        (
            "INSERT INTO vouchers_transfer (at, campaign_id, reason, cause, cause_id)"
            " SELECT at, campaign_id, reason, cause, cause_id FROM vouchers_transfer"
            " WHERE reason = 'hold' LIMIT 1"
        ),
        {
            "hold_once",
            "legs_balance",
        },
    ),
    "a refund took from one source what the other should give": (
        (
            "UPDATE vouchers_refundpart p SET amount_fen = p.amount_fen + f.sign"
            " FROM (SELECT id, 2 * row_number() OVER (ORDER BY id) - 3 AS sign"
            " FROM vouchers_refundpart"
            " WHERE refund_id = (SELECT min(id) FROM vouchers_refund)) f WHERE f.id = p.id"
        ),
        {
            "line_is_its_redemption",
            "payable_tie",
            "refund_parts",
            "refund_posted",
        },
    ),
    "what a merchant owes is called free": (
        (
            "UPDATE vouchers_refundpart SET target = 'free'"
            " WHERE target = 'recoverable' AND origin = 'payable'"
        ),
        {
            "line_is_its_redemption",
            "payable_tie",
            "recoverable_tie",
            "recovered_within_owed",
            "refund_posted",
            "settled_once",
            "settled_tie",
            "settlement_posted",
        },
    ),
    "a refund's posting is put under another refund": (
        (
            "UPDATE vouchers_transfer SET cause_id = cause_id + 1000 WHERE id ="
            " (SELECT max(id) FROM vouchers_transfer WHERE reason = 'recover')"
        ),
        {
            "refund_posted",
        },
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
        (
            "UPDATE vouchers_tranche SET valid_from_at = valid_from_at + interval '90 minutes'"
            " WHERE shard_id > 0"
        ),
        {
            "redemption_legal",
            "tranche_validity",
        },
    ),
    "a redemption took place after its voucher had expired": (
        "UPDATE vouchers_tranche SET valid_until_at = valid_from_at + interval '1 hour'",
        {
            "redemption_legal",
            "refund_legal",
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
    "a percentage is shared out otherwise": (
        (
            "UPDATE vouchers_redemption SET split = jsonb_build_array("
            " jsonb_build_array(split->0->0, (split->0->>1)::int + 1),"
            " jsonb_build_array(split->1->0, (split->1->>1)::int - 1))"
            " WHERE captured_at IS NOT NULL"
        ),
        {
            "lifecycle_amounts",
            "line_is_its_redemption",
            "outstanding_tie",
            "payable_tie",
            "split_follows_shares",
        },
    ),
    "a refund called back a fen less": (
        (
            "UPDATE vouchers_refund SET clawback_fen = clawback_fen - 1 WHERE id ="
            " (SELECT min(id) FROM vouchers_refund)"
        ),
        {
            "counters_are_their_rows",
            "refund_legal",
            "refund_parts",
        },
    ),
    "a refund is twice what it was": (
        (
            "UPDATE vouchers_refund SET amount_fen = 2 * amount_fen WHERE id ="
            " (SELECT max(id) FROM vouchers_refund)"
        ),
        {
            "refund_legal",
        },
    ),
    "a refund was made by another merchant": (
        (
            "UPDATE vouchers_refund SET store_id = (SELECT id FROM merchants_store"
            " WHERE external_id = 'rival_shop') WHERE id = (SELECT min(id) FROM vouchers_refund)"
        ),
        {
            "refund_legal",
        },
    ),
    "a lost voucher is said to have been given back": (
        (
            "UPDATE vouchers_refund SET gives_voucher_back = true WHERE redemption_id IN ("
            "SELECT r.id FROM vouchers_redemption r JOIN vouchers_voucher v ON v.id = r.voucher_id"
            " WHERE v.state = 4)"
        ),
        {
            "refund_legal",
            "voucher_redeems_once",
        },
    ),
    "a refunded redemption is called captured": (
        (
            "UPDATE vouchers_redemption SET state = 2 WHERE id ="
            " (SELECT max(id) FROM vouchers_redemption WHERE state = 5)"
        ),
        {
            "counters_are_their_rows",
            "refunded_whole",
            "voucher_redeems_once",
        },
    ),
    # Invariant 6
    "a voucher is deleted": (
        f"DELETE FROM vouchers_voucher WHERE id = {ANY_VOUCHER}",
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
            f" WHERE id = {ANY_VOUCHER}"
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
            f" WHERE id = {ANY_VOUCHER}"
        ),
        {
            "cell_headroom",
            "distribution_posted",
            "outstanding_tie",
            "voucher_allocations",
        },
    ),
    "a voucher belongs to nobody": (
        (f"UPDATE vouchers_voucher SET resident_id = 999999 WHERE id = {ANY_VOUCHER}"),
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
            f" WHERE id = {MINTED}"
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
    "an amendment takes a store away": (
        (
            "UPDATE vouchers_termsversion SET document = document #- '{stores,0}'"
            " WHERE amends_id > 0"
        ),
        {
            "amendments_widen",
            "campaign_keeps_terms",
            "terms_hashed",
        },
    ),
    "a store joined that nobody approved": (
        (
            "INSERT INTO vouchers_campaignstore (campaign_id, store_id, category, valid_from_at)"
            " SELECT c.id, s.id, '', c.starts_at FROM vouchers_campaign c, merchants_store s"
            " WHERE c.code = 'spring-2026' AND s.external_id = 'xujiahui'"
        ),
        {
            "campaign_keeps_terms",
        },
    ),
    "vouchers are good for longer than approved": (
        (
            "UPDATE vouchers_tranche SET valid_until_at = valid_until_at + interval '1 second'"
            " WHERE shard_id > 0"
        ),
        {
            "tranche_validity",
        },
    ),
    "vouchers expired before their time": (
        (
            "UPDATE vouchers_tranche SET expired_at = valid_until_at - interval '1 second'"
            " WHERE state = 'expired'"
        ),
        {
            "tranche_validity",
        },
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
    "a reversed order could be used again": (
        (
            "DELETE FROM vouchers_orderclaim"
            " WHERE redemption_id IS NULL AND order_no <> 'never-came'"
        ),
        {
            "reversed_order_stays",
        },
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
            "WITH capped AS (INSERT INTO vouchers_caprule (campaign_id, kind, limit_count)"
            " SELECT id, 8, 1 FROM vouchers_campaign WHERE code = 'spring-2026'"
            " RETURNING campaign_id)"
            " INSERT INTO vouchers_capcounter"
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
            "INSERT INTO vouchers_hold (redemption_id, reason, opened_by, opened_at, released_by)"
            " SELECT min(redemption_id), 'odd', 'rosa', now(), '' FROM vouchers_settlementline"
        ),
        {
            "held_tie",
            "hold_once",
            "hold_posted",
            "line_is_its_redemption",
        },
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
            "redeemed_amounts",
            "redemption_legal",
            "refund_parts",
        },
    ),
}
