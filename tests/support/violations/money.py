"""What breaks the triggers that guard money, by the trigger's own name."""

from collections.abc import Mapping

from tests.support.violations.constraints import (
    AT_COMMIT,
    DRAFT,
    OF_RUNNING,
    RUNNING,
    UNMINTED,
    again,
)

RIVAL_SHOP = "(SELECT id FROM merchants_store WHERE external_id = 'rival_shop')"
GROUP = f"(SELECT id FROM vouchers_fundingsource WHERE code = 'group' AND {OF_RUNNING})"
HELD = "(SELECT redemption_id FROM vouchers_hold)"
SECOND = "(SELECT id FROM vouchers_refund WHERE refund_no = 'R2')"
FORGED_XID = "'7'"


def money_triggers() -> Mapping[str, str]:
    """By name of a trigger that guards money: statements it must refuse."""
    return {
        **_of_postings(),
        **_of_redemptions(),
        **_of_refunds(),
        **_of_settlements(),
        **_of_campaigns(),
        **_of_evidence(),
    }


def decision(*, decided_by_id: str, seen_sha256: str = "p.sha256") -> str:
    """An approval of the proposal that has not been decided on."""
    return (
        "INSERT INTO vouchers_proposaldecision"
        " (proposal_id, decided_by_id, decision, seen_sha256, comment, decided_at)"
        f" SELECT p.id, {decided_by_id}, 'approved', {seen_sha256}, '', p.proposed_at"
        " FROM vouchers_proposal p WHERE p.request_id = 'undecided'"
    )


def signature(*, signed_by_id: str, seen_sha256: str = "p.sha256") -> str:
    """An approval of the proposal that has not been decided on, which does not decide."""
    return (
        "INSERT INTO vouchers_proposalsignature"
        " (proposal_id, signed_by_id, seen_sha256, comment, signed_at)"
        f" SELECT p.id, {signed_by_id}, {seen_sha256}, '', p.proposed_at"
        " FROM vouchers_proposal p WHERE p.request_id = 'undecided'"
    )


APPROVER = "(SELECT id FROM auth_user WHERE username = 'li')"
SIGNED = signature(signed_by_id=APPROVER)


def of_proposal(request_id: str, campaign: str = RUNNING) -> str:
    """A transfer that says it was proposed."""
    return (
        "INSERT INTO vouchers_transfer (at, campaign_id, reason, cause, cause_id)"
        f" SELECT p.proposed_at, {campaign}, 'repay', 'proposal', p.id FROM vouchers_proposal p"
        f" WHERE p.request_id = '{request_id}'"
    )


def second_refund(clawback_fen: int, *parts: str) -> str:
    """Another refund of one fen of the same redemption, with a fen from each source in `parts`."""
    refund = again(
        "vouchers_refund", refund_no="'R2'", amount_fen="1", clawback_fen=f"{clawback_fen}"
    )
    return "; ".join([refund, *(_part(source) for source in parts)])


def _part(source: str) -> str:
    return again("vouchers_refundpart", refund_id=SECOND, source_id=source, amount_fen="1")


def _of_postings() -> dict[str, str]:
    return {
        "account_of_own_source": again("vouchers_account", campaign_id=DRAFT),
        "funding_only_in_draft": (
            "INSERT INTO vouchers_transfer (at, campaign_id, reason, cause, cause_id)"
            " SELECT created_at, id, 'appropriate', 'source', 1 FROM vouchers_campaign"
            f" WHERE id = {RUNNING}"
        ),
        "legs_balance": again("vouchers_leg", line_no="99"),
        "transfer_xid_is_its_own": again("vouchers_transfer", xid=FORGED_XID),
        "decision_by_another_person": decision(decided_by_id="p.proposed_by_id"),
        "decision_with_all_signatures": (f"{SIGNED};{decision(decided_by_id=APPROVER)}"),
        "signature_by_another_person": signature(signed_by_id="p.proposed_by_id"),
        "proposal_decision_xid_is_its_own": again("vouchers_proposaldecision", xid=FORGED_XID),
        "proposal_was_approved": of_proposal("undecided"),
    }


def _of_redemptions() -> dict[str, str]:
    authorised = ("vouchers_redemption", "state = 1")
    return {
        "hold_facts_frozen": "UPDATE vouchers_hold SET redemption_id = redemption_id + 1",
        "hold_of_what_is_owed": again(
            "vouchers_hold", redemption_id="(SELECT id FROM vouchers_redemption WHERE state = 3)"
        ),
        "hold_released_once": (
            "UPDATE vouchers_hold SET released_at = opened_at, released_by = 'rosa';"
            "UPDATE vouchers_hold SET released_at = NULL"
        ),
        "order_claim_of_undone": "DELETE FROM vouchers_orderclaim WHERE redemption_id IS NOT NULL",
        "order_claim_only_reversed": (
            f"UPDATE vouchers_redemption SET state = 4 WHERE id = {HELD};"
            "UPDATE vouchers_orderclaim SET redemption_id = NULL, order_no = 'X'"
            f" WHERE redemption_id = {HELD}"
        ),
        "redemption_amounts_frozen": (
            "UPDATE vouchers_redemption SET discount_fen = discount_fen - 1 WHERE state = 2"
        ),
        "redemption_begins_live": again(*authorised, voucher_id="1", state="3"),
        "redemption_xid_is_its_own": again(*authorised, voucher_id="1", xid=FORGED_XID),
        "refunded_is_all_back": "UPDATE vouchers_redemption SET state = 5 WHERE state = 2"
        + AT_COMMIT,
        "tombstone_stands": "DELETE FROM vouchers_orderclaim WHERE redemption_id IS NULL",
    }


def _of_refunds() -> dict[str, str]:
    city = "source_id"
    return {
        "clawback_within_share": again(
            "vouchers_refundpart", source_id="source_id + 1000", amount_fen="1"
        ),
        "collected_from_its_merchant": again("vouchers_collectionline", source_id=GROUP),
        "collected_within_owed": (
            again("vouchers_collection", request_id="'x'")
            + ";"
            + again(
                "vouchers_collectionline",
                collection_id="(SELECT id FROM vouchers_collection WHERE request_id = 'x')",
                amount_fen="1",
            )
        ),
        "collection_adds_up": again("vouchers_collection", request_id="'x'") + AT_COMMIT,
        "collection_line_adds_up": ";".join(
            [
                second_refund(2, city, GROUP),
                again("vouchers_collectionline", refund_id=SECOND, amount_fen="1") + AT_COMMIT,
            ]
        ),
        "refund_adds_up": second_refund(2, city) + AT_COMMIT,
        "clawback_of_its_hold": again(
            "vouchers_refund",
            refund_no="''",
            amount_fen="0",
            caller_id="NULL",
            gives_voucher_back="false",
            hold_id="(SELECT min(id) FROM vouchers_hold)",
        ),
        "refund_by_its_merchant": again("vouchers_refund", refund_no="'x'", store_id=RIVAL_SHOP),
        "refund_part_adds_up": (
            f"{second_refund(1, city)}{AT_COMMIT}; SET CONSTRAINTS ALL DEFERRED;"
            f"{_part(GROUP)}{AT_COMMIT}"
        ),
        "refund_xid_is_its_own": again("vouchers_refund", refund_no="'x'", xid=FORGED_XID),
        "refunds_within_payment": again(
            "vouchers_refund", refund_no="'x'", amount_fen="1000000", clawback_fen="0"
        ),
    }


def _of_settlements() -> dict[str, str]:
    later = {"business_day": "business_day + 100"}
    return {
        "line_is_its_redemption": again(
            "vouchers_settlementline", "kind = 'redemption'", redemption_id=HELD
        ),
        "netted_within_owed": again(
            "vouchers_settlementline",
            "kind = 'refund'",
            settlement_id="settlement_id - 1",
            amount_fen="-1",
        ),
        "settlement_adds_up": again("vouchers_settlement", "state = 'ready'", **later) + AT_COMMIT,
        "settlement_arrows": (
            "UPDATE vouchers_settlement SET state = 'ready' WHERE state = 'paid'"
        ),
        "settlement_begins_ready": again("vouchers_settlement", **later, state="'paid'"),
        "settlement_figures_frozen": "UPDATE vouchers_settlement SET total_fen = total_fen + 1",
        "settlement_of_own_source": again("vouchers_settlement", campaign_id=DRAFT),
    }


def _of_campaigns() -> dict[str, str]:
    return {
        "allocation_of_own_campaign": again("vouchers_allocation", campaign_id=DRAFT),
        "cell_of_own_campaign": again(
            "vouchers_quotacell", f"source_id IS NOT NULL AND {OF_RUNNING}", campaign_id=DRAFT
        ),
        "cell_identity_frozen": "UPDATE vouchers_quotacell SET channel = 'x'",
        "run_of_own_campaign": again(
            "vouchers_run", round_id=f"(SELECT id FROM vouchers_round WHERE campaign_id = {DRAFT})"
        ),
        "terms_were_approved": (
            f"UPDATE vouchers_campaign SET state = 'submitted' WHERE id = {DRAFT};"
            "UPDATE vouchers_campaign SET state = 'approved', terms_id ="
            f" (SELECT terms_id FROM vouchers_campaign WHERE id = {RUNNING}) WHERE id = {DRAFT}"
        ),
        "tranche_of_own_campaign": again(
            "vouchers_tranche", shard_id=UNMINTED, id="99", campaign_id=DRAFT
        ),
    }


def _of_evidence() -> dict[str, str]:
    return {
        "clock_never_back": "UPDATE vouchers_sandboxclock SET ahead = '0 days'",
        "clock_of_test_campaign": (f"UPDATE vouchers_sandboxclock SET campaign_id = {RUNNING}"),
        "endpoint_owner_frozen": "UPDATE vouchers_webhookendpoint SET is_test = NOT is_test",
        "message_frozen": "UPDATE vouchers_outbox SET payload = '{}'",
        "message_sent_before_it_leaves": "DELETE FROM vouchers_outbox",
        "outbox_xid_is_its_own": again("vouchers_outbox", key="'x'", xid=FORGED_XID),
        "seal_follows_the_last": again("vouchers_seal", number="2", sha256="'9'"),
    }
