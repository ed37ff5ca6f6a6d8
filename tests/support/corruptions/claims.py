"""Corrupted claims, codes shown once, papers and tallies (invariants 1, 2, 5, 8, 9 and 12)."""

_CLAIMS = "vouchers_claim SET {} WHERE id = (SELECT max(id) FROM vouchers_claim)"
_USED = "vouchers_presentation SET {} WHERE id = (SELECT min(id) FROM vouchers_presentation)"
_TALLIES = "vouchers_risktally SET {} WHERE kind = {} AND used_count > 0"


def _claim(change: str) -> str:
    return f"UPDATE {_CLAIMS.format(change)}"


def _presentation(change: str) -> str:
    return f"UPDATE {_USED.format(change)}"


def _tally(kind: int, change: str) -> str:
    return f"UPDATE {_TALLIES.format(change, kind)}"


CORRUPTIONS = {
    # Claims
    "a claim is of another resident than its voucher": (
        _claim("resident_id = resident_id + 1"),
        {"claims_have_vouchers", "claims_exact"},
    ),
    "a voucher was claimed before its round had opened": (
        _claim("claimed_at = '2026-03-31 00:00Z'"),
        {"claims_in_time"},
    ),
    "a campaign began after it was claimed": (
        "UPDATE vouchers_campaign SET starts_at = '2026-04-01 03:00Z' WHERE code = 'grab-2026'",
        {"campaign_keeps_terms", "claims_in_time"},
    ),
    "a resident has claimed more than one may": (
        _claim("number = 9, resident_id = (SELECT min(resident_id) FROM vouchers_claim)"),
        {"claims_within_limit", "claims_have_vouchers", "claims_exact"},
    ),
    "a claim counts by a channel that quotas don't tell apart": (
        _claim("channel = 'other'"),
        {"claims_by_channel"},
    ),
    "a channel of the sandbox claimed live vouchers": (
        "UPDATE merchants_credential SET is_test = true WHERE kind = 'channel'",
        {"claims_by_channel"},
    ),
    "a claim at home was made on the spot": (
        _claim("place_kind = 'spot'"),
        {"claims_at_their_place"},
    ),
    "a claimed voucher counts on another day": (
        (
            "UPDATE vouchers_allocation SET day = '2026-01-01' WHERE id IN"
            " (SELECT allocation_id FROM vouchers_voucher"
            " WHERE id IN (SELECT voucher_id FROM vouchers_claim))"
        ),
        {"claims_in_their_slice"},
    ),
    "a claim's distance is two millimetres off": (
        "UPDATE vouchers_claim SET distance_m = distance_m + 0.002",
        {"claims_exact"},
    ),
    "a claim on the spot was beyond the radius": (
        (
            "WITH moved AS (UPDATE vouchers_round SET way = 'claim_on_spot' WHERE way = 'claim'"
            " RETURNING id)"
            " UPDATE vouchers_claim SET place_kind = 'spot', distance_m = 5000.1"
            " WHERE round_id IN (SELECT id FROM moved)"
        ),
        {"claims_exact"},
    ),
    # Codes shown once, and papers
    "a code was good for longer than a minute": (
        _presentation("presented_at = presented_at - interval '1 hour', expires_at = presented_at"),
        {"presented_once"},
    ),
    "a code was shown by somebody else": (
        _presentation("shown_by_id = shown_by_id + 1"),
        {"presented_once"},
    ),
    "a code redeemed another voucher": (
        _presentation("voucher_id = voucher_id + 1"),
        {"presented_once", "presence_shown"},
    ),
    "a redemption used two codes": (
        (
            "INSERT INTO vouchers_presentation"
            " (voucher_id, shown_by_id, caller_id, presented_at, expires_at, redemption_id)"
            " SELECT voucher_id, shown_by_id, caller_id, presented_at, expires_at, redemption_id"
            " FROM vouchers_presentation LIMIT 1"
        ),
        {"presented_once"},
    ),
    "a redemption's code was never used": (
        _presentation("redemption_id = NULL"),
        {"presence_shown"},
    ),
    "a paper is another's": (
        "UPDATE vouchers_paper SET holder_id = holder_id + 1",
        {"papers_of_holders"},
    ),
    # Tallies
    "a merchant's tally forgot a redemption": (
        _tally(2, "used_count = used_count - 1"),
        {"tallies_are_their_rows"},
    ),
    "a till's tally forgot a fen": (
        _tally(1, "used_fen = used_fen - 1"),
        {"tallies_are_their_rows"},
    ),
    "a shopper was there at another time": (
        _tally(8, "last_at = last_at - interval '1 minute'"),
        {"tallies_are_their_rows"},
    ),
    "a store's tally is gone": (
        "DELETE FROM vouchers_risktally WHERE kind = 14",
        {"tallies_are_their_rows"},
    ),
    "a person was tallied twice at a till": (
        _tally(10, "used_count = 2"),
        {"tallied_pairs_tie"},
    ),
    "a person of a device was never tallied": (
        (
            "WITH gone AS (DELETE FROM vouchers_risktally WHERE kind = 3 RETURNING 1)"
            " UPDATE vouchers_risktally SET used_count = 0"
            " WHERE kind = 4 AND (SELECT count(*) FROM gone) > 0"
        ),
        {"tallied_devices"},
    ),
    "a refund was never tallied": (
        _tally(15, "used_count = 0"),
        {"tallied_refunds"},
    ),
}
