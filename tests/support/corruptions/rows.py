"""Corrupted rows: redemptions, refunds, vouchers, terms, requests (invariants 5 to 7 and 12)."""

from tests.support.till import BY_HAND

ANY_REDEMPTION = "id = (SELECT min(id) FROM vouchers_redemption)"
MINTED = (
    "(SELECT max(t.id) FROM vouchers_tranche t JOIN vouchers_shard s ON s.id = t.shard_id"
    f" JOIN vouchers_run r ON r.id = s.run_id WHERE NOT starts_with(r.seed, '{BY_HAND}'))"
)
ANY_VOUCHER = f"(SELECT max(id) FROM vouchers_voucher WHERE id >> 20 = {MINTED} AND state = 1)"

CORRUPTIONS = {
    # Invariant 12
    "a tester holds a live voucher": (
        (
            "UPDATE vouchers_resident SET external_id = 'test-' || external_id WHERE id ="
            f" (SELECT resident_id FROM vouchers_voucher WHERE id = {ANY_VOUCHER})"
        ),
        {"vouchers_within_sandbox"},
    ),
    "residents of the city hold vouchers of the sandbox": (
        (
            "UPDATE vouchers_campaign SET is_test = true WHERE id ="
            f" (SELECT campaign_id FROM vouchers_tranche WHERE id = {MINTED})"
        ),
        # Orders of the sandbox are claimed apart from live ones.
        {"campaign_keeps_terms", "vouchers_within_sandbox", "order_claimed"},
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
    "the campaign took no such orders": (
        "UPDATE vouchers_campaign SET order_kinds = '[\"delivered\"]'",
        {
            "campaign_keeps_terms",
            "redemption_legal",
        },
    ),
    "the campaign asked for receipts": (
        "UPDATE vouchers_campaign SET order_numbers = '[\"receipt_no\"]'",
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
    "a refund is called the end of a case": (
        (
            "UPDATE vouchers_refund SET amount_fen = 0, caller_id = NULL, refund_no = '',"
            " gives_voucher_back = false, hold_id = (SELECT min(id) FROM vouchers_hold)"
            " WHERE id = (SELECT max(id) FROM vouchers_refund WHERE NOT gives_voucher_back)"
        ),
        {"refund_legal"},
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
    "a voucher belongs to no resident": (
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
    "the terms were not approved": (
        "DELETE FROM vouchers_approval",
        {"terms_approved"},
    ),
    "the terms were approved by too few": (
        "UPDATE vouchers_termsversion SET signatures_needed = 3",
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
    "an amendment lowers a limit": (
        (
            "UPDATE vouchers_termsversion"
            " SET document = jsonb_set(document, '{limits,0,limit_count}', '1')"
            " WHERE amends_id > 0"
        ),
        {
            "amendments_widen",
            "campaign_keeps_terms",
            "terms_hashed",
        },
    ),
    "a limit was raised without approval": (
        "UPDATE vouchers_limitrule SET limit_count = limit_count + 1 WHERE kind = 3",
        {"campaign_keeps_terms"},
    ),
    "a store joined without approval": (
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
        "UPDATE vouchers_tranche SET valid_until_at = valid_until_at + interval '1 second'",
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
            "INSERT INTO vouchers_orderclaim"
            " (store_id, order_no, redemption_id, voucher_id, claimed_at)"
            " SELECT store_id, upper(order_no), id, voucher_id, redeemed_at"
            " FROM vouchers_redemption WHERE state = 3"
        ),
        {"order_claimed"},
    ),
    "an order was paid twice under numbers that look alike": (
        (
            "UPDATE vouchers_redemption SET order_no = CASE id % 2 WHEN 0 THEN 'Ａ-1'"
            r" ELSE E' a\u200b-1' END WHERE state IN (1, 2) AND store_id = (SELECT store_id"
            " FROM vouchers_redemption WHERE state IN (1, 2)"
            " GROUP BY store_id HAVING count(*) > 1 LIMIT 1)"
        ),
        {"numbers_alike", "order_claimed"},
    ),
    "a reversed order could be used again": (
        (
            "DELETE FROM vouchers_orderclaim"
            " WHERE redemption_id IS NULL AND order_no <> 'NEVER-CAME'"
        ),
        {
            "reversed_order_stays",
        },
    ),
}
