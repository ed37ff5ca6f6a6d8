"""What breaks each guard of the database, by the guard's own name."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DatabaseError, connection, transaction

from vouchers.services.refusals import PARTITION

RUNNING = "(SELECT id FROM vouchers_campaign WHERE code = 'spring-2026')"
DRAFT = "(SELECT id FROM vouchers_campaign WHERE code = 'draft')"
OF_RUNNING, OF_DRAFT = f"campaign_id = {RUNNING}", f"campaign_id = {DRAFT}"
# Said by one trigger of each of several tables.
SHARED_NAMES = {
    "collection_adds_up",
    "recovered_within_owed",
    "refund_adds_up",
    "terms_only_in_draft",
}
AT_COMMIT = "; SET CONSTRAINTS ALL IMMEDIATE"
TRIGGER = re.compile(r"function (?:pgtrigger_(\w+)_[0-9a-f]{5}|huimin_refuse_(\w+))\(\)")


def guard_that_refuses(statements: str) -> str:
    """The name of the constraint or trigger that refuses; a text that says so if none does."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statements)
            changed = cursor.rowcount
    except DatabaseError as error:
        said = error.__cause__.diag  # type: ignore[union-attr]
        name = PARTITION.sub("", said.constraint_name or "")
        if name and name not in SHARED_NAMES:
            return name
        found = TRIGGER.search(said.context or "")
        return f"{found[1] or found[2]}" if found else f"{said.sqlstate} {said.message_primary}"
    return f"nothing refused it ({changed} rows)"


def rows(query: str, *parameters: Any) -> list[Any]:
    """The first column of a query."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [row[0] for row in cursor.fetchall()]


UNMINTED = "(SELECT id FROM vouchers_shard WHERE state <> 'done')"
"""The one shard of the book that waits."""


def again(table: str, where: str = "true", **change: str) -> str:
    """A copy of a row that fits, with `change`; a changed redemption brings its voucher."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
            " AND column_name <> 'id' AND column_name <> 'xid' ORDER BY ordinal_position",
            [table],
        )
        columns = [name for (name,) in cursor.fetchall()]
    if "redemption_id" in change and "voucher_id" in columns:
        of = change["redemption_id"]
        voucher_id = f"(SELECT voucher_id FROM vouchers_redemption WHERE id = {of})"
        change = {"voucher_id": voucher_id, **change}
    columns += [name for name in change if name not in columns]
    values = ", ".join(f"{change[name]}" if name in change else name for name in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)})"
        f" SELECT {values} FROM {table} WHERE {where} LIMIT 1"
    )


def constraints() -> Mapping[str, str]:
    """By name of a CHECK or UNIQUE constraint: statements it must refuse."""
    return {
        **_checks_of_campaigns(),
        **_checks_of_people(),
        **_checks_of_redemptions(),
        **_checks_of_books(),
        **_uniques(),
    }


def unknowns() -> Sequence[tuple[str, str]]:
    """A CHECK is content with "unknown": a missing value is tried where that matters."""
    tier = f"UPDATE vouchers_tier SET %s WHERE {OF_DRAFT}"
    return [
        ("percentage_only_for_percent_tiers", tier % "kind = 'percent', percent_bp = NULL"),
        ("percentage_only_for_percent_tiers", tier % "kind = 'percent', percent_bp = 10000"),
        ("geofence_has_its_area", "UPDATE vouchers_geofence SET kind = 'within_district'"),
        ("geofence_has_its_area", "UPDATE vouchers_geofence SET street_id = NULL"),
        ("authorisation_has_an_end", _authorised(authorised_fen="NULL")),
        ("authorisation_has_an_end", _authorised(expires_at="NULL")),
    ]


def _checks_of_campaigns() -> dict[str, str]:
    def draft(table: str, change: str) -> str:
        return f"UPDATE {table} SET {change} WHERE {OF_DRAFT}"

    def tier(change: str) -> str:
        return draft("vouchers_tier", change)

    campaign = f"UPDATE vouchers_campaign SET %s WHERE id = {DRAFT}"
    running = f"id = {RUNNING}"
    return {
        "approved_campaign_has_terms": (
            f"UPDATE vouchers_campaign SET terms_id = NULL WHERE {running}"
        ),
        "campaign_ends_after_start": campaign % "ends_at = starts_at",
        "campaign_radius_positive": campaign % "radius_m = 0",
        "authorisation_lasts_a_while": campaign % "authorise_ttl_s = 0",
        "refund_policy_known": campaign % "refund_policy = 'haggle'",
        "selection_method_known": campaign % "selection_method = 'friends'",
        "hold_out_in_range": campaign % "hold_out_bp = 2001",
        "guaranteed_shares_fit": campaign % "senior_share_bp = 5001, small_shop_share_bp = 5000",
        "campaign_state_known": again("vouchers_campaign", running, code="'x'", state="'dreamt'"),
        "participation_ends_after_start": (
            "UPDATE vouchers_campaignstore SET valid_until_at = valid_from_at"
        ),
        "participation_radius_positive": "UPDATE vouchers_campaignstore SET radius_m = 0",
        "limit_fen_not_negative": draft("vouchers_limitrule", "limit_fen = -1"),
        "geofence_has_its_area": draft("vouchers_geofence", "geometry = NULL"),
        "ring_not_empty": draft("vouchers_ring", "to_m = from_m"),
        "round_closes_after_opening": draft("vouchers_round", "closes_at = opens_at"),
        "round_way_known": draft("vouchers_round", "way = 'lottery'"),
        "face_positive": tier("face_fen = 0"),
        "threshold_above_face": tier("threshold_fen = face_fen"),
        "threshold_not_negative": tier("kind = 'flat', threshold_fen = -1"),
        "percentage_only_for_percent_tiers": tier("percent_bp = 100"),
        "per_resident_positive": tier("per_resident = 0"),
        "share_positive": (
            "UPDATE vouchers_tiersplit SET amount_fen = 0 WHERE tier_id IN"
            f" (SELECT id FROM vouchers_tier WHERE {OF_DRAFT})"
        ),
        "appropriated_not_negative": "UPDATE vouchers_fundingsource SET appropriated_fen = -1",
        "cell_cap_fen_valid": "UPDATE vouchers_quotacell SET cap_fen = -1",
        "cell_cap_count_valid": "UPDATE vouchers_quotacell SET cap_count = -1",
        "cell_bucket_count_valid": "UPDATE vouchers_quotacell SET bucket_count = 0",
        "headroom_fen_not_negative": "UPDATE vouchers_quotabucket SET headroom_fen = -1",
        "headroom_count_not_negative": "UPDATE vouchers_quotabucket SET headroom_count = -1",
        "shard_fits_a_tranche": again("vouchers_shard", number="99", voucher_count="0"),
        "tranche_ends_after_start": _tranche(valid_until_at="valid_from_at"),
        "tranche_number_fits": _tranche(id="1000000"),
        "tranche_size_in_range": _tranche(voucher_count="0"),
        "claimed_tranche_has_a_round": again("vouchers_tranche", shard_id="NULL", round_id="NULL"),
    }


def _tranche(**change: str) -> str:
    return again("vouchers_tranche", shard_id=UNMINTED, **change)


def _checks_of_people() -> dict[str, str]:
    return {
        "channel_credential_names_its_channel": (
            "UPDATE merchants_credential SET kind = 'channel', terminal_id = NULL"
        ),
        "terminal_credential_names_its_terminal": (
            "UPDATE merchants_credential SET terminal_id = NULL"
        ),
        "key_expires_after_creation": "UPDATE merchants_credentialkey SET expires_at = created_at",
        "merchant_state_known": "UPDATE merchants_merchant SET state = 'dreamt'",
        "store_state_known": "UPDATE merchants_store SET state = 'dreamt'",
        "store_location_on_earth": again(
            "merchants_storelocation", version="9", latitude_deg="90.1"
        ),
        "consent_withdrawn_after_grant": (
            "UPDATE vouchers_consent SET withdrawn_at = granted_at - interval '1 second'"
        ),
        "proxy_is_another_resident": "UPDATE vouchers_proxy SET proxy_id = holder_id",
        "guardian_is_another_resident": "UPDATE vouchers_resident SET guardian_id = id",
        "merge_joins_two_residents": "UPDATE vouchers_residentmerge SET kept_id = member_id",
        "order_claim_folded": again("vouchers_orderclaim", order_no="'small'"),
        "resident_bucket_in_range": again(
            "vouchers_resident", external_id="'x'", identity_hmac="NULL", bucket="1024"
        ),
        "resident_state_known": again(
            "vouchers_resident", external_id="'zoe'", identity_hmac="NULL", state="'dreamt'"
        ),
        "block_not_too_large": "UPDATE vouchers_snapshotblock SET resident_count = 16385",
        "part_of_one_kind": again(
            "vouchers_targetingpart", number="9", block_numbers="'1'", resident_ids="'2'"
        ),
        "resident_point_on_earth": "UPDATE vouchers_residentpoint SET latitude_deg = 'NaN'",
    }


def _authorised(**change: str) -> str:
    """A second authorised redemption, like the first but for the voucher and what is named."""
    return again("vouchers_redemption", "state = 1", voucher_id="1", **change)


def _checks_of_redemptions() -> dict[str, str]:
    return {
        "authorisation_has_an_end": _authorised(expires_at="NULL"),
        "captured_within_authorised": _authorised(authorised_fen="discount_fen - 1"),
        "eligible_within_order": _authorised(eligible_amount_fen="order_amount_fen + 1"),
        "payable_at_least_one_fen": _authorised(
            eligible_amount_fen="1",
            discount_fen="order_amount_fen",
            authorised_fen="NULL",
            state="2",
        ),
        "refund_positive": again("vouchers_refund", refund_no="'x'", amount_fen="0"),
        "clawback_not_negative": again("vouchers_refund", refund_no="'x'", clawback_fen="-1"),
        "refund_part_positive": again("vouchers_refundpart", amount_fen="0"),
        "refund_part_accounts": again("vouchers_refundpart", origin="'settled'", target="'free'"),
        "collection_positive": again("vouchers_collection", request_id="'x'", amount_fen="-1"),
        "collection_line_positive": again("vouchers_collectionline", amount_fen="0"),
        "settlement_total_not_negative": again(
            "vouchers_settlement", "state = 'ready'", total_fen="-1"
        ),
        "presentation_number_fits": again("vouchers_presentation", id="0"),
        "presentation_ends_after_start": again(
            "vouchers_presentation", "redemption_id IS NULL", expires_at="presented_at"
        ),
        "paper_number_fits": again("vouchers_paper", id="0", replaced_at="issued_at"),
        "paper_within_tries": "UPDATE vouchers_paper SET wrong_count = 6",
        "wrong_codes_positive": "UPDATE vouchers_wrongcodes SET wrong_count = 0",
        "hold_of_case_or_rules": again("vouchers_hold", case_id="1", rule_version_id="1"),
        "hold_released_after_opening": "UPDATE vouchers_hold SET released_at = '2000-01-01'",
    }


def _checks_of_books() -> dict[str, str]:
    return {
        "archive_of_the_past": again(
            "vouchers_requestarchive",
            name="'x'",
            before_at="archived_at - interval '29 days'",
        ),
        "counter_within_limit_count": (
            "UPDATE vouchers_limitcounter SET used_count = limit_count + 1"
        ),
        "counter_within_limit_fen": (
            "UPDATE vouchers_limitcounter SET limit_fen = used_fen - 1 WHERE used_fen > 0"
        ),
        "tally_not_negative": again("vouchers_risktally", window_no="9", used_fen="-1"),
        "limit_use_not_negative": "UPDATE vouchers_limitcounter SET used_count = -1",
        "receipt_positive": again("vouchers_cashreceipt", request_id="'x'", amount_fen="0"),
        "leg_not_zero": again("vouchers_leg", line_no="99", amount_fen="0"),
        "code_expires_after_creation": (
            "UPDATE merchants_enrolmentcode SET expires_at = created_at"
        ),
        "own_till_number_names_a_till": again("merchants_ownnumber", terminal_no="'T'"),
        "clock_within_bounds": "UPDATE vouchers_sandboxclock SET ahead = '9999 days'",
        "endpoint_is_https": again("vouchers_webhookendpoint", url="'http://pos.example/'"),
        "endpoint_of_merchant_or_channel": again("vouchers_webhookendpoint", channel_code="'app'"),
        "endpoint_state_known": again(
            "vouchers_webhookendpoint", url="url || 'x'", state="'asleep'"
        ),
        "seal_goes_forward": again("vouchers_seal", number="9", sha256="'9'", until_xid="from_xid"),
        "transfer_cause_fits_reason": again("vouchers_transfer", cause="'settlement'"),
        "settlement_line_sign": again("vouchers_settlementline", kind="'refund'", refund_id="1"),
    }


def _uniques() -> dict[str, str]:
    live = "state IN (1, 2)"
    of_draft = {
        "one_limit_per_kind": "limitrule",
        "one_ring_per_label": "ring",
        "one_round_per_number": "round",
        "one_source_per_code": "fundingsource",
        "one_tier_per_code": "tier",
    }
    share_of_draft = f"tier_id IN (SELECT id FROM vouchers_tier WHERE {OF_DRAFT})"
    return {
        **{name: again(f"vouchers_{table}", OF_DRAFT) for name, table in of_draft.items()},
        "one_share_per_source": again("vouchers_tiersplit", share_of_draft),
        "one_account_per_kind": again("vouchers_account"),
        "one_allocation_per_combination": again("vouchers_allocation"),
        "one_bucket_per_number": again("vouchers_quotabucket"),
        "one_cell_per_slice": again("vouchers_quotacell"),
        "one_claim_per_number": again("vouchers_claim", voucher_id="1"),
        "one_current_point_per_kind": again("vouchers_residentpoint"),
        "one_count_of_guesses": again("merchants_enrolmentguess"),
        "one_open_code_per_terminal": again("merchants_enrolmentcode", code_sha256="'9'"),
        "one_store_per_own_number": again("merchants_ownnumber"),
        "one_endpoint_per_address": again("vouchers_webhookendpoint"),
        "one_decision_per_approver": again("vouchers_approval"),
        "one_refund_per_number": again("vouchers_refund"),
        "one_refund_part_per_source": again("vouchers_refundpart"),
        "collected_once": again("vouchers_collectionline"),
        "netted_once_per_settlement": again("vouchers_settlementline", "kind = 'refund'"),
        "one_seal_per_number": again("vouchers_seal", sha256="'9'"),
        "one_link_per_value": again("vouchers_link"),
        "one_live_consent_per_purpose": again("vouchers_consent"),
        "one_live_merge_per_member": again("vouchers_residentmerge"),
        "one_live_exclusion": again("vouchers_exclusion"),
        "one_live_proxy_per_pair": again("vouchers_proxy"),
        "one_location_per_version": again("merchants_storelocation"),
        "one_open_hold_per_redemption": again("vouchers_hold"),
        "one_live_paper_per_voucher": again("vouchers_paper"),
        "one_open_participation_per_store": again("vouchers_campaignstore"),
        "one_settlement_per_day": again("vouchers_settlement"),
        "one_shard_per_number": again("vouchers_shard"),
        "one_block_per_number": again("vouchers_snapshotblock"),
        "one_part_per_number": again("vouchers_targetingpart"),
        "one_street_name_per_district": again("merchants_street", code="310101999"),
        "one_store_number_per_merchant": again("merchants_store", external_id="lower(external_id)"),
        "one_terminal_code_per_store": again("merchants_terminal"),
        "one_risk_version_per_number": again("vouchers_riskversion"),
        "one_terms_per_number": again("vouchers_termsversion"),
        "settled_once": again("vouchers_settlementline", "kind = 'redemption'"),
        "voucher_redeems_once": again("vouchers_redemption", live),
    }


def triggers() -> Mapping[str, str]:
    """By name of a trigger that guards changes: statements it must refuse."""
    running = f"id = {RUNNING}"
    return {
        "approval_by_another_person": again(
            "vouchers_approval",
            approver_id="(SELECT id FROM auth_user WHERE username = 'mei')",
        ),
        "claim_within_its_offer": again("vouchers_claim", number="2", voucher_id="1"),
        "claim_xid_is_its_own": again("vouchers_claim", voucher_id="1", xid="'1'"),
        "campaign_arrows": f"UPDATE vouchers_campaign SET state = 'closed' WHERE {running}",
        "campaign_identity_frozen": f"UPDATE vouchers_campaign SET zone = 'UTC' WHERE {running}",
        "campaign_terms_frozen": (
            f"UPDATE vouchers_campaign SET ends_at = ends_at + interval '1 day' WHERE {running}"
        ),
        "limit_has_a_figure": f"UPDATE vouchers_limitrule SET limit_count = NULL WHERE {OF_DRAFT}",
        "limit_only_widened": f"UPDATE vouchers_limitrule SET limit_count = 99 WHERE {OF_RUNNING}",
        "limit_only_in_draft": f"DELETE FROM vouchers_limitrule WHERE {OF_RUNNING}",
        "geofence_only_in_draft": again("vouchers_geofence", campaign_id=RUNNING),
        "paper_facts_frozen": "UPDATE vouchers_paper SET voucher_id = voucher_id + 1",
        "paper_never_easier": (
            "UPDATE vouchers_paper SET wrong_count = 2; UPDATE vouchers_paper SET wrong_count = 1"
        ),
        "presentation_facts_frozen": (
            "UPDATE vouchers_presentation SET expires_at = expires_at + interval '1 hour'"
        ),
        "presentation_used_once": (
            "UPDATE vouchers_presentation SET redemption_id = NULL WHERE redemption_id > 0"
        ),
        "presentation_fits_redemption": again(
            "vouchers_presentation", "redemption_id > 0", shown_by_id="shown_by_id + 1"
        ),
        "presentation_used_stays": "DELETE FROM vouchers_presentation WHERE redemption_id > 0",
        "redemption_arrows": "UPDATE vouchers_redemption SET state = 2 WHERE state = 3",
        "request_archived_first": "DELETE FROM vouchers_requestrecord",
        "redemption_facts_frozen": "UPDATE vouchers_redemption SET order_no = 'x'",
        "resident_arrows": (
            "UPDATE vouchers_resident SET state = 'erased';"
            "UPDATE vouchers_resident SET state = 'active'"
        ),
        "resident_identity_frozen": "UPDATE vouchers_resident SET bucket = (bucket + 1) % 1024",
        "resident_snapshot_frozen": "UPDATE vouchers_residentsnapshot SET server = server + 1",
        "risk_version_was_approved": again("vouchers_riskversion", number="number + 9"),
        "ring_only_in_draft": f"UPDATE vouchers_ring SET to_m = to_m + 1 WHERE {OF_RUNNING}",
        "round_only_in_draft": again("vouchers_round", campaign_id=RUNNING),
        "run_arrows": "UPDATE vouchers_run SET state = 'queued' WHERE state <> 'queued'",
        "run_identity_frozen": "UPDATE vouchers_run SET seed = 'chosen'",
        "tally_never_falls": "UPDATE vouchers_risktally SET used_fen = used_fen - 1",
        "settled_redemption_stands": (
            "UPDATE vouchers_redemption SET state = 3 WHERE state = 2"
            " AND id IN (SELECT redemption_id FROM vouchers_settlementline)"
        ),
        "shard_arrows": "UPDATE vouchers_shard SET state = 'waiting' WHERE state = 'done'",
        "shard_people_frozen": "UPDATE vouchers_shard SET voucher_count = voucher_count + 1",
        "share_only_in_draft": (
            "UPDATE vouchers_tiersplit SET amount_fen = amount_fen + 1 WHERE tier_id IN"
            f" (SELECT id FROM vouchers_tier WHERE {OF_RUNNING})"
        ),
        "shares_add_up_to_face": (
            "UPDATE vouchers_tiersplit SET amount_fen = amount_fen + 1 WHERE tier_id IN"
            f" (SELECT id FROM vouchers_tier WHERE {OF_DRAFT}); SET CONSTRAINTS ALL IMMEDIATE"
        ),
        "source_identity_frozen": "UPDATE vouchers_fundingsource SET code = 'other'",
        "source_only_in_draft": again("vouchers_fundingsource", OF_RUNNING, code="'third'"),
        "targeting_part_arrows": (
            "UPDATE vouchers_targetingpart SET state = 'waiting' WHERE state = 'done'"
        ),
        "targeting_part_frozen": "UPDATE vouchers_targetingpart SET number = number + 1",
        "tier_only_in_draft": f"UPDATE vouchers_tier SET face_fen = 1 WHERE {OF_RUNNING}",
        "tranche_arrows": (
            "UPDATE vouchers_tranche SET state = 'expired';"
            "UPDATE vouchers_tranche SET state = 'outstanding'"
        ),
        "tranche_grows_by_claims": (
            "UPDATE vouchers_tranche SET voucher_count = voucher_count + 1"
            " WHERE shard_id IS NOT NULL"
        ),
        "tranche_terms_frozen": "UPDATE vouchers_tranche SET face_fen = face_fen + 1",
        "tranche_validity_never_shorter": (
            "UPDATE vouchers_tranche SET valid_until_at = valid_until_at - interval '1 second'"
        ),
        "voucher_arrows": "UPDATE vouchers_voucher SET state = 2 WHERE state = 3",
        "voucher_identity_frozen": "UPDATE vouchers_voucher SET resident_id = resident_id + 1",
        "voucher_was_claimed": again(
            "vouchers_voucher",
            "id = (SELECT voucher_id FROM vouchers_claim)",
            id="(SELECT voucher_id + 1 FROM vouchers_claim)",
        ),
    }
