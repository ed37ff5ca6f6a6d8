"""Corrupted money: identity, quotas, proposals, postings and ties (invariants 1, 3 and 4)."""

from tests.support.corruptions.rows import ANY_REDEMPTION, ANY_VOUCHER

OUTSTANDING = "(SELECT id FROM vouchers_account WHERE kind = 'outstanding' ORDER BY id LIMIT 1)"

CORRUPTIONS = {
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
    "a proposer decided on their own proposal": (
        (
            "UPDATE vouchers_proposaldecision SET decided_by_id = p.proposed_by_id"
            " FROM vouchers_proposal p WHERE p.id = proposal_id"
        ),
        {
            "proposals_decided",
        },
    ),
    "a proposal was approved by too few": (
        "UPDATE vouchers_proposal SET signatures_needed = 2 WHERE kind = 'repayment'",
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
        ("UPDATE vouchers_proposal SET document = document - 'changes' WHERE kind = 'quotas'"),
        {
            "caps_approved",
            "proposals_decided",
        },
    ),
    "money was cut without approval": (
        (
            "UPDATE vouchers_proposaldecision SET decision = 'rejected' WHERE proposal_id ="
            " (SELECT max(id) FROM vouchers_proposal WHERE kind = 'appropriation')"
        ),
        {
            "proposals_done",
        },
    ),
    "caps were changed without approval": (
        (
            "UPDATE vouchers_proposaldecision SET decision = 'rejected' WHERE proposal_id ="
            " (SELECT id FROM vouchers_proposal WHERE kind = 'quotas')"
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
    "an issued voucher vanishes from the sum": (
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
            "UPDATE vouchers_limitcounter SET used_count = used_count - 1"
            " WHERE kind = 1 AND used_count > 0"
        ),
        {"counters_are_their_rows"},
    ),
    "a counter is gone": (
        "DELETE FROM vouchers_limitcounter WHERE kind = 2 AND used_count > 0",
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
            "tallies_are_their_rows",
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
}
