"""What nobody may do to the books, with the services' role or with the owner's.

A row says which transaction wrote it because the database does; parts belong to the campaign of their
whole; refunds, collections and settlements add up when they commit; an order stays claimed while its
redemption stands; a seal goes on from the last. A tranche's table is counted while nobody can write to it.
"""

from typing import Any

import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations

# As before, but for two lines: rows that another session has yet to commit are waited for before the
# count, and the partition cannot be emptied behind its parent's back.
ATTACH = """
CREATE OR REPLACE FUNCTION huimin_attach_tranche(tranche bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    child text := 'vouchers_voucher_t' || lpad(tranche::text, 6, '0');
    first_id bigint := tranche << 20;
    promised integer;
    is_exact boolean;
BEGIN
    SELECT voucher_count INTO STRICT promised FROM vouchers_tranche WHERE id = tranche;
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', child);
    EXECUTE format(
        'SELECT count(*) = %s AND min(id) = %s AND max(id) = %s AND min(state) = 1 AND max(state) = 1'
        ' FROM %I', promised, first_id, first_id + promised - 1, child) INTO is_exact;
    IF is_exact IS NOT TRUE THEN
        RAISE EXCEPTION 'tranche % does not hold the % vouchers it promises', tranche, promised
            USING ERRCODE = 'check_violation', CONSTRAINT = 'tranche_holds_what_it_promises';
    END IF;
    EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (id, bucket)', child);
    EXECUTE format('CREATE INDEX ON %I (resident_id)', child);
    -- Where one role both owns the schema and runs the services there is nothing to take back.
    IF session_user <> current_user THEN
        EXECUTE format('REVOKE ALL ON %I FROM %I', child, session_user);
    END IF;
    EXECUTE format(
        'ALTER TABLE vouchers_voucher ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
        child, first_id, (tranche + 1) << 20);
    EXECUTE format(
        'CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I'
        ' FOR EACH STATEMENT EXECUTE FUNCTION huimin_refuse_truncate()', child);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT in_range', child);
    EXECUTE format('ANALYZE %I', child);
END $$
"""
# Who did what in the admin is evidence too.
HISTORY = """
CREATE FUNCTION huimin_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'history is not rewritten'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'history_append_only';
END $$;
CREATE TRIGGER history_append_only BEFORE UPDATE OR DELETE ON django_admin_log
    FOR EACH ROW EXECUTE FUNCTION huimin_refuse_rewriting();
CREATE TRIGGER history_no_truncate BEFORE TRUNCATE ON django_admin_log
    FOR EACH STATEMENT EXECUTE FUNCTION huimin_refuse_truncate();
"""
NO_HISTORY = "DROP FUNCTION huimin_refuse_rewriting() CASCADE"
# They come into being and, of some, the state changes; none ever leaves.
LASTING = ["vouchers_allocation", "vouchers_run", "vouchers_shard"]
FIXED = ["vouchers_allocation"]


def revoke_from_services(apps: Any, schema_editor: Any) -> None:
    """Skipped where one role both owns the schema and runs the services."""
    role = settings.DATABASES["default"]["USER"]
    if role == schema_editor.connection.settings_dict["USER"]:
        return
    quoted = schema_editor.quote_name(role)
    schema_editor.execute(f"REVOKE DELETE ON {', '.join(LASTING)} FROM {quoted}")
    schema_editor.execute(f"REVOKE UPDATE ON {', '.join(FIXED)} FROM {quoted}")


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0014_approvals_used_once"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="leg",
            name="legs_balance",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="redemption",
            name="redemption_facts_frozen",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="redemption",
            name="settled_redemption_stands",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="account",
            trigger=pgtrigger.compiler.Trigger(
                name="account_of_own_source",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF EXISTS (SELECT FROM vouchers_fundingsource WHERE id = NEW.source_id AND campaign_id <> NEW.campaign_id) THEN\n                RAISE EXCEPTION 'a part of another campaign'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'account_of_own_source';\n            END IF; RETURN NEW;",
                    hash="a8380910192403abc79222119f3cce22ea73492f",
                    operation="INSERT",
                    pgid="pgtrigger_account_of_own_source_bda11",
                    table="vouchers_account",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="allocation",
            trigger=pgtrigger.compiler.Trigger(
                name="allocation_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="e6bac198b3dd8d6886d583633099f619bfca5f93",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_allocation_append_only_2083b",
                    table="vouchers_allocation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="allocation",
            trigger=pgtrigger.compiler.Trigger(
                name="allocation_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="bbc51cceb7022c39f1b5e300252841780348a933",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_allocation_no_truncate_fd779",
                    table="vouchers_allocation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="allocation",
            trigger=pgtrigger.compiler.Trigger(
                name="allocation_of_own_campaign",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF EXISTS (SELECT FROM vouchers_tier WHERE id = NEW.tier_id AND campaign_id <> NEW.campaign_id UNION ALL SELECT FROM vouchers_round WHERE id = NEW.round_id AND campaign_id <> NEW.campaign_id) THEN\n                RAISE EXCEPTION 'a part of another campaign'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_of_own_campaign';\n            END IF; RETURN NEW;",
                    hash="f2d79483b33dab1526139561340c49afd972cf22",
                    operation="INSERT",
                    pgid="pgtrigger_allocation_of_own_campaign_ed7b6",
                    table="vouchers_allocation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="terms_were_approved",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state NOT IN ('draft', 'submitted'))",
                    func="\n                    PERFORM FROM vouchers_approval a JOIN vouchers_termsversion v\n                        ON v.id = a.terms_id\n                      WHERE v.id = NEW.terms_id AND v.campaign_id = NEW.id\n                        AND a.decision = 'approved';\n                    IF NOT FOUND THEN\n                        RAISE EXCEPTION 'nobody approved the terms of campaign %', NEW.id\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_were_approved';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="e7fa6b5485b0e1b4df865235913b3480eb56a57b",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_terms_were_approved_332f1",
                    table="vouchers_campaign",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="collection",
            trigger=pgtrigger.compiler.Trigger(
                name="collection_adds_up",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n            IF EXISTS (\n                SELECT FROM vouchers_collection c\n                 WHERE c.id = NEW.id\n                   AND c.amount_fen IS DISTINCT FROM (SELECT sum(amount_fen)\n                       FROM vouchers_collectionline WHERE collection_id = c.id)) THEN\n                RAISE EXCEPTION 'the lines of a collection are its amount'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'collection_adds_up';\n            END IF; RETURN NULL;",
                    hash="ebce02f01c273ebeb8ad409f03ae8b53f12533af",
                    operation="INSERT",
                    pgid="pgtrigger_collection_adds_up_b7235",
                    table="vouchers_collection",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="collectionline",
            trigger=pgtrigger.compiler.Trigger(
                name="collected_from_its_merchant",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NOT EXISTS (SELECT FROM vouchers_collection c, vouchers_refund f JOIN vouchers_redemption r ON r.id = f.redemption_id WHERE c.id = NEW.collection_id AND f.id = NEW.refund_id AND (c.source_id, c.merchant_id, c.campaign_id) = (NEW.source_id, f.merchant_id, r.campaign_id)) THEN\n                RAISE EXCEPTION 'a refund of somebody else'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'collected_from_its_merchant';\n            END IF; RETURN NEW;",
                    hash="d51b8cf3db3c3a0fe29abc4b24b0f216ba1c2b91",
                    operation="INSERT",
                    pgid="pgtrigger_collected_from_its_merchant_fb671",
                    table="vouchers_collectionline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="collectionline",
            trigger=pgtrigger.compiler.Trigger(
                name="collection_line_adds_up",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n            IF EXISTS (\n                SELECT FROM vouchers_collection c\n                 WHERE c.id = NEW.collection_id\n                   AND c.amount_fen IS DISTINCT FROM (SELECT sum(amount_fen)\n                       FROM vouchers_collectionline WHERE collection_id = c.id)) THEN\n                RAISE EXCEPTION 'the lines of a collection are its amount'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'collection_adds_up';\n            END IF; RETURN NULL;",
                    hash="f4252542645bd03ab936fd1498eacf3349e60858",
                    operation="INSERT",
                    pgid="pgtrigger_collection_line_adds_up_700b2",
                    table="vouchers_collectionline",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="hold",
            trigger=pgtrigger.compiler.Trigger(
                name="hold_of_what_is_owed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NOT EXISTS (SELECT FROM vouchers_redemption WHERE id = NEW.redemption_id AND state = 2) OR EXISTS (SELECT FROM vouchers_settlementline WHERE redemption_id = NEW.redemption_id) THEN\n                RAISE EXCEPTION 'only a captured redemption that is not settled can be held'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'hold_of_what_is_owed';\n            END IF; RETURN NEW;",
                    hash="bc1fcee83d80cf93e9b284777988748958093c59",
                    operation="INSERT",
                    pgid="pgtrigger_hold_of_what_is_owed_5c16b",
                    table="vouchers_hold",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leg",
            trigger=pgtrigger.compiler.Trigger(
                name="legs_balance",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE broken bigint; rule text;",
                    func="\n                    SELECT f.transfer_id,\n                           CASE WHEN sum(f.amount_fen) <> 0 OR a.source_id IS NULL\n                                THEN 'legs_balance'\n                                WHEN bool_or((al.id IS NULL) <> (t.reason IN ('appropriate', 'cut', 'repay')))\n                                THEN 'legs_count_in_their_slices'\n                                ELSE 'money_arrows' END\n                      INTO broken, rule\n                      FROM fresh f\n                      LEFT JOIN vouchers_transfer t\n                             ON t.id = f.transfer_id AND t.at = f.at\n                            AND t.xid = pg_current_xact_id()\n                      LEFT JOIN vouchers_account a\n                             ON a.id = f.account_id AND a.campaign_id = t.campaign_id\n                      LEFT JOIN vouchers_allocation al\n                             ON al.id = f.allocation_id AND al.campaign_id = t.campaign_id\n                     GROUP BY f.transfer_id, a.source_id, f.allocation_id\n                    HAVING sum(f.amount_fen) <> 0 OR a.source_id IS NULL\n                        OR bool_or((al.id IS NULL) <> (t.reason IN ('appropriate', 'cut', 'repay')))\n                        OR bool_or(\n                           t.reason || CASE WHEN f.amount_fen < 0 THEN '-' ELSE '+' END || a.kind\n                           <> ALL ('{appropriate+free,appropriate-appropriated,authorise+authorised,authorise-outstanding,capture+free,capture+outstanding,capture+payable,capture-authorised,collect+free,collect-recoverable,cut+appropriated,cut-free,expire+free,expire-outstanding,hold+risk_held,hold-payable,lapse+free,lapse+outstanding,lapse-authorised,mint+outstanding,mint-reserved,net+free,net-recoverable,recover+recoverable,recover-payable,recover-settled,redeem+payable,redeem-outstanding,refund+free,refund+outstanding,refund-outstanding,refund-payable,refund-risk_held,reissue+outstanding,reissue-free,release+free,release-reserved,repay+repaid,repay-free,reserve+reserved,reserve-free,reverse+free,reverse+outstanding,reverse-authorised,reverse-payable,reverse-risk_held,settle+settled,settle-payable,unhold+payable,unhold-risk_held,void+free,void+outstanding,void-authorised,void-payable,void-risk_held}'::text[]))\n                     LIMIT 1;\n                    IF FOUND THEN\n                        RAISE EXCEPTION 'the legs of transfer % are not in order: %', broken, rule\n                            USING ERRCODE = 'check_violation', CONSTRAINT = rule;\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="2df7968252943b66eb85ed53a454bbad43f6ce58",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_legs_balance_cc4a0",
                    referencing="REFERENCING NEW TABLE AS fresh ",
                    table="vouchers_leg",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="orderclaim",
            trigger=pgtrigger.compiler.Trigger(
                name="order_claim_only_reversed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.redemption_id IS NOT NULL OR (OLD.store_id, OLD.order_no, OLD.claimed_at) IS DISTINCT FROM (NEW.store_id, NEW.order_no, NEW.claimed_at))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="354473beea415264d70d97e12b6155556e2f2a84",
                    operation="UPDATE",
                    pgid="pgtrigger_order_claim_only_reversed_a0512",
                    table="vouchers_orderclaim",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="orderclaim",
            trigger=pgtrigger.compiler.Trigger(
                name="order_claim_of_undone",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.redemption_id IS NOT NULL)",
                    func="\n            IF NOT EXISTS (SELECT FROM vouchers_redemption WHERE id = OLD.redemption_id AND state = CASE TG_OP WHEN 'DELETE' THEN 3 ELSE 4 END) THEN\n                RAISE EXCEPTION 'the redemption of this order stands'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'order_claim_of_undone';\n            END IF; RETURN COALESCE(NEW, OLD);",
                    hash="46b1af4158bc42cbb77eaf191100524ef6aee395",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_order_claim_of_undone_fc5a0",
                    table="vouchers_orderclaim",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="orderclaim",
            trigger=pgtrigger.compiler.Trigger(
                name="order_claim_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="694603f9c1125e985e98aba85ee231f9fbd0f5f2",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_order_claim_no_truncate_ff5b4",
                    table="vouchers_orderclaim",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="outbox",
            trigger=pgtrigger.compiler.Trigger(
                name="outbox_xid_is_its_own",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.xid IS DISTINCT FROM pg_current_xact_id())",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;",
                    hash="8ab66fcfa9559d70d419adcabf2bcef2d574af53",
                    operation="INSERT",
                    pgid="pgtrigger_outbox_xid_is_its_own_a5488",
                    table="vouchers_outbox",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="outbox",
            trigger=pgtrigger.compiler.Trigger(
                name="message_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.topic IS DISTINCT FROM NEW.topic OR OLD.key IS DISTINCT FROM NEW.key OR OLD.payload IS DISTINCT FROM NEW.payload OR OLD.created_at IS DISTINCT FROM NEW.created_at OR OLD.xid IS DISTINCT FROM NEW.xid)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="cc8342d44e474eeb00696fceaab396450b714dc5",
                    operation="UPDATE",
                    pgid="pgtrigger_message_frozen_3acb1",
                    table="vouchers_outbox",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="outbox",
            trigger=pgtrigger.compiler.Trigger(
                name="message_sent_before_it_leaves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.sent_at IS NULL)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="87185d2fa68d328dd88d641788d76cbd81a01156",
                    operation="DELETE",
                    pgid="pgtrigger_message_sent_before_it_leaves_ef4f0",
                    table="vouchers_outbox",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="outbox",
            trigger=pgtrigger.compiler.Trigger(
                name="outbox_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="22bcd0aea85d07c3ed61c7fda72ace58943d940b",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_outbox_no_truncate_2c167",
                    table="vouchers_outbox",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposaldecision",
            trigger=pgtrigger.compiler.Trigger(
                name="proposal_decision_xid_is_its_own",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.xid IS DISTINCT FROM pg_current_xact_id())",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;",
                    hash="f208d50e851aa4f00c3f020f293562bdf5129039",
                    operation="INSERT",
                    pgid="pgtrigger_proposal_decision_xid_is_its_own_f50a8",
                    table="vouchers_proposaldecision",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="quotacell",
            trigger=pgtrigger.compiler.Trigger(
                name="cell_of_own_campaign",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF EXISTS (SELECT FROM vouchers_tier WHERE id = NEW.tier_id AND campaign_id <> NEW.campaign_id UNION ALL SELECT FROM vouchers_round WHERE id = NEW.round_id AND campaign_id <> NEW.campaign_id UNION ALL SELECT FROM vouchers_fundingsource WHERE id = NEW.source_id AND campaign_id <> NEW.campaign_id) THEN\n                RAISE EXCEPTION 'a part of another campaign'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'cell_of_own_campaign';\n            END IF; RETURN NEW;",
                    hash="f118480eb2d18eeaa82a79cf4f190b3025f311a6",
                    operation="INSERT",
                    pgid="pgtrigger_cell_of_own_campaign_f67ef",
                    table="vouchers_quotacell",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="quotacell",
            trigger=pgtrigger.compiler.Trigger(
                name="cell_identity_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.campaign_id IS DISTINCT FROM NEW.campaign_id OR OLD.tier_id IS DISTINCT FROM NEW.tier_id OR OLD.round_id IS DISTINCT FROM NEW.round_id OR OLD.district_id IS DISTINCT FROM NEW.district_id OR OLD.store_id IS DISTINCT FROM NEW.store_id OR OLD.source_id IS DISTINCT FROM NEW.source_id OR OLD.channel IS DISTINCT FROM NEW.channel OR OLD.day IS DISTINCT FROM NEW.day)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="9468a4472ab715e46bc754f825a28c909f3816f6",
                    operation="UPDATE",
                    pgid="pgtrigger_cell_identity_frozen_dd2b8",
                    table="vouchers_quotacell",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redemption",
            trigger=pgtrigger.compiler.Trigger(
                name="redemption_begins_live",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state NOT IN (1, 2))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;",
                    hash="4b982b2a4a87d2ed0ec64dda33c012bd27aab5b4",
                    operation="INSERT",
                    pgid="pgtrigger_redemption_begins_live_18f88",
                    table="vouchers_redemption",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redemption",
            trigger=pgtrigger.compiler.Trigger(
                name="redemption_xid_is_its_own",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.xid IS DISTINCT FROM pg_current_xact_id())",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;",
                    hash="65651aeaacab6bf9c47efbb875da67a2b6ac55e0",
                    operation="INSERT",
                    pgid="pgtrigger_redemption_xid_is_its_own_ec887",
                    table="vouchers_redemption",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redemption",
            trigger=pgtrigger.compiler.Trigger(
                name="redemption_facts_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.store_id IS DISTINCT FROM NEW.store_id OR OLD.merchant_id IS DISTINCT FROM NEW.merchant_id OR OLD.campaign_id IS DISTINCT FROM NEW.campaign_id OR OLD.voucher_id IS DISTINCT FROM NEW.voucher_id OR OLD.allocation_id IS DISTINCT FROM NEW.allocation_id OR OLD.resident_id IS DISTINCT FROM NEW.resident_id OR OLD.shown_by_id IS DISTINCT FROM NEW.shown_by_id OR OLD.caller_id IS DISTINCT FROM NEW.caller_id OR OLD.terminal IS DISTINCT FROM NEW.terminal OR OLD.device IS DISTINCT FROM NEW.device OR OLD.order_no IS DISTINCT FROM NEW.order_no OR OLD.order_kind IS DISTINCT FROM NEW.order_kind OR OLD.category IS DISTINCT FROM NEW.category OR OLD.channel IS DISTINCT FROM NEW.channel OR OLD.payment_ref IS DISTINCT FROM NEW.payment_ref OR OLD.receipt_no IS DISTINCT FROM NEW.receipt_no OR OLD.business_day IS DISTINCT FROM NEW.business_day OR OLD.redeemed_at IS DISTINCT FROM NEW.redeemed_at OR OLD.authorised_fen IS DISTINCT FROM NEW.authorised_fen OR OLD.expires_at IS DISTINCT FROM NEW.expires_at OR OLD.links IS DISTINCT FROM NEW.links OR OLD.xid IS DISTINCT FROM NEW.xid)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="91e8ab4f6ef56917f4359c9822734d58fbedbc92",
                    operation="UPDATE",
                    pgid="pgtrigger_redemption_facts_frozen_dd154",
                    table="vouchers_redemption",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redemption",
            trigger=pgtrigger.compiler.Trigger(
                name="settled_redemption_stands",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.state IN (3, 4))",
                    func="\n                    PERFORM FROM vouchers_settlementline WHERE redemption_id = NEW.id;\n                    IF FOUND THEN\n                        RAISE EXCEPTION 'redemption % is settled', NEW.id\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'settled_redemption_stands';\n                    END IF;\n                    PERFORM FROM vouchers_refund WHERE redemption_id = NEW.id;\n                    IF FOUND THEN\n                        RAISE EXCEPTION 'redemption % has refunds', NEW.id\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'refunded_redemption_stands';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="f60c41070cddca4381084c55218ee13d809ef970",
                    operation="UPDATE",
                    pgid="pgtrigger_settled_redemption_stands_736e8",
                    table="vouchers_redemption",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redemption",
            trigger=pgtrigger.compiler.Trigger(
                name="refunded_is_all_back",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.state = 5)",
                    constraint="CONSTRAINT",
                    func="\n            IF NEW.discount_fen IS DISTINCT FROM (SELECT sum(clawback_fen) FROM vouchers_refund WHERE redemption_id = NEW.id) THEN\n                RAISE EXCEPTION 'a redemption is refunded when all of its subsidy is back'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'refunded_is_all_back';\n            END IF; RETURN NULL;",
                    hash="5803afe378dc65eff073b9bb41c152ed7284c5a7",
                    operation="UPDATE",
                    pgid="pgtrigger_refunded_is_all_back_580e7",
                    table="vouchers_redemption",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="refund_xid_is_its_own",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.xid IS DISTINCT FROM pg_current_xact_id())",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;",
                    hash="d382f4d9aceea41a504e2d998e72ca246e2cd42c",
                    operation="INSERT",
                    pgid="pgtrigger_refund_xid_is_its_own_a6ed4",
                    table="vouchers_refund",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="refund_by_its_merchant",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NOT EXISTS (SELECT FROM vouchers_redemption r JOIN merchants_store s ON s.merchant_id = r.merchant_id WHERE r.id = NEW.redemption_id AND r.merchant_id = NEW.merchant_id AND s.id = NEW.store_id AND r.state IN (2, 5)) THEN\n                RAISE EXCEPTION 'not a captured redemption of that store''s merchant'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_by_its_merchant';\n            END IF; RETURN NEW;",
                    hash="aa9e2345f31d5b9c8171e526415bfba354c31015",
                    operation="INSERT",
                    pgid="pgtrigger_refund_by_its_merchant_5233f",
                    table="vouchers_refund",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="refund_adds_up",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n            IF EXISTS (\n                SELECT FROM vouchers_refund f JOIN vouchers_redemption r ON r.id = f.redemption_id\n                 WHERE f.id = NEW.id\n                   AND (f.clawback_fen <> COALESCE((SELECT sum(amount_fen) FROM vouchers_refundpart\n                                                     WHERE refund_id = f.id), 0)\n                    OR (r.state = 5)\n                       <> (r.discount_fen = (SELECT sum(clawback_fen) FROM vouchers_refund\n                                              WHERE redemption_id = r.id)))) THEN\n                RAISE EXCEPTION 'the parts of a refund are its clawback, and all of them the discount'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_adds_up';\n            END IF; RETURN NULL;",
                    hash="ce51f9a105219d62676aca22ea750757d426c101",
                    operation="INSERT",
                    pgid="pgtrigger_refund_adds_up_c7745",
                    table="vouchers_refund",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refundpart",
            trigger=pgtrigger.compiler.Trigger(
                name="refund_part_adds_up",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n            IF EXISTS (\n                SELECT FROM vouchers_refund f JOIN vouchers_redemption r ON r.id = f.redemption_id\n                 WHERE f.id = NEW.refund_id\n                   AND (f.clawback_fen <> COALESCE((SELECT sum(amount_fen) FROM vouchers_refundpart\n                                                     WHERE refund_id = f.id), 0)\n                    OR (r.state = 5)\n                       <> (r.discount_fen = (SELECT sum(clawback_fen) FROM vouchers_refund\n                                              WHERE redemption_id = r.id)))) THEN\n                RAISE EXCEPTION 'the parts of a refund are its clawback, and all of them the discount'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_adds_up';\n            END IF; RETURN NULL;",
                    hash="46a79f3de78fd597a6ec1a29da274d2300423d09",
                    operation="INSERT",
                    pgid="pgtrigger_refund_part_adds_up_3f3f3",
                    table="vouchers_refundpart",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="run",
            trigger=pgtrigger.compiler.Trigger(
                name="run_not_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="80317b9ec4b5949d881db85dc4a4ba49dfa9673d",
                    operation="DELETE",
                    pgid="pgtrigger_run_not_deleted_f9baa",
                    table="vouchers_run",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="run",
            trigger=pgtrigger.compiler.Trigger(
                name="run_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="c77aab6c31ef4aad2ce01646b7db7de386d1ca76",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_run_no_truncate_da560",
                    table="vouchers_run",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="run",
            trigger=pgtrigger.compiler.Trigger(
                name="run_of_own_campaign",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF EXISTS (SELECT FROM vouchers_round WHERE id = NEW.round_id AND campaign_id <> NEW.campaign_id UNION ALL SELECT FROM vouchers_termsversion WHERE id = NEW.terms_id AND campaign_id <> NEW.campaign_id) THEN\n                RAISE EXCEPTION 'a part of another campaign'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'run_of_own_campaign';\n            END IF; RETURN NEW;",
                    hash="d5c835f466370e1442fbdcc4fdcbb1f47218c760",
                    operation="INSERT",
                    pgid="pgtrigger_run_of_own_campaign_18ee5",
                    table="vouchers_run",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="seal",
            trigger=pgtrigger.compiler.Trigger(
                name="seal_follows_the_last",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE last vouchers_seal%ROWTYPE;",
                    func="SELECT * INTO last FROM vouchers_seal WHERE campaign_id = NEW.campaign_id AND id <> NEW.id ORDER BY number DESC LIMIT 1;\n            IF (NEW.number, NEW.from_xid, NEW.previous_sha256) IS DISTINCT FROM (COALESCE(last.number, 0) + 1, COALESCE(last.until_xid, 0), COALESCE(last.sha256, decode(repeat('00', 32), 'hex'))) OR NEW.until_xid > pg_snapshot_xmin(pg_current_snapshot())::text::bigint THEN\n                RAISE EXCEPTION 'a seal goes on from the last one, below the oldest transaction still running'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'seal_follows_the_last';\n            END IF; RETURN NULL;",
                    hash="29247a4f971218c67ff51e836dfe562fa824c83c",
                    operation="INSERT",
                    pgid="pgtrigger_seal_follows_the_last_f5026",
                    table="vouchers_seal",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlement",
            trigger=pgtrigger.compiler.Trigger(
                name="settlement_begins_ready",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state NOT IN ('ready'))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;",
                    hash="cb6c300ec4e5ee71a6dec096b20cac07dba865d7",
                    operation="INSERT",
                    pgid="pgtrigger_settlement_begins_ready_84f51",
                    table="vouchers_settlement",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlement",
            trigger=pgtrigger.compiler.Trigger(
                name="settlement_of_own_source",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF EXISTS (SELECT FROM vouchers_fundingsource WHERE id = NEW.source_id AND campaign_id <> NEW.campaign_id) THEN\n                RAISE EXCEPTION 'a part of another campaign'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_of_own_source';\n            END IF; RETURN NEW;",
                    hash="0d90c340f50596d7f1a65153bd9686d2fff193de",
                    operation="INSERT",
                    pgid="pgtrigger_settlement_of_own_source_aa095",
                    table="vouchers_settlement",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlement",
            trigger=pgtrigger.compiler.Trigger(
                name="settlement_adds_up",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n            IF (SELECT (count(*), COALESCE(sum(amount_fen), 0)) <> (NEW.line_count, NEW.total_fen) FROM vouchers_settlementline WHERE settlement_id = NEW.id) THEN\n                RAISE EXCEPTION 'the lines of a settlement are its count and its total'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_adds_up';\n            END IF; RETURN NULL;",
                    hash="6e3611352a2149e9c047dc1131e599542069de58",
                    operation="INSERT",
                    pgid="pgtrigger_settlement_adds_up_77efd",
                    table="vouchers_settlement",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlementline",
            trigger=pgtrigger.compiler.Trigger(
                name="line_is_its_redemption",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF EXISTS (\n        SELECT FROM fresh n\n          JOIN vouchers_settlement z ON z.id = n.settlement_id\n          JOIN vouchers_redemption r ON r.id = n.redemption_id\n         WHERE (n.source_id, r.merchant_id, r.campaign_id)\n            <> (z.source_id, z.merchant_id, z.campaign_id)\n            OR n.kind = 'refund' AND NOT EXISTS (\n               SELECT FROM vouchers_refund f\n                WHERE f.id = n.refund_id AND f.redemption_id = n.redemption_id)\n            OR n.kind = 'redemption' AND (\n               r.state <> 2\n               OR EXISTS (SELECT FROM vouchers_hold h\n                           WHERE h.redemption_id = r.id AND h.released_at IS NULL)\n               OR n.amount_fen IS DISTINCT FROM (\n                  SELECT sum((share->>1)::bigint) FROM jsonb_array_elements(r.split) AS share\n                   WHERE (share->>0)::bigint = n.source_id) - COALESCE((\n                  SELECT sum(p.amount_fen) FROM vouchers_refundpart p\n                    JOIN vouchers_refund f ON f.id = p.refund_id\n                   WHERE f.redemption_id = r.id AND p.source_id = n.source_id), 0))) THEN\n                RAISE EXCEPTION 'a settlement line is what is left of a captured redemption''s share'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'line_is_its_redemption';\n            END IF;\n            IF EXISTS (\n        SELECT FROM vouchers_settlement z\n         WHERE z.id IN (SELECT settlement_id FROM fresh)\n           AND z.line_count < (SELECT count(*) FROM vouchers_settlementline\n                                WHERE settlement_id = z.id)) THEN\n                RAISE EXCEPTION 'a settlement that was made takes no more lines'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_is_fixed';\n            END IF; RETURN NULL;",
                    hash="a8b15205fa14a537b21bd1693b36098d04282ac3",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_line_is_its_redemption_d4b5f",
                    referencing="REFERENCING NEW TABLE AS fresh ",
                    table="vouchers_settlementline",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="shard",
            trigger=pgtrigger.compiler.Trigger(
                name="shard_not_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="53915845806086963468b0bbb5c616b0bcd5ab0f",
                    operation="DELETE",
                    pgid="pgtrigger_shard_not_deleted_c58fa",
                    table="vouchers_shard",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="shard",
            trigger=pgtrigger.compiler.Trigger(
                name="shard_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="d753d85cc6dd1d52043d6544838e2eaec24f6022",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_shard_no_truncate_ca43f",
                    table="vouchers_shard",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tranche",
            trigger=pgtrigger.compiler.Trigger(
                name="tranche_of_own_campaign",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF EXISTS (SELECT FROM vouchers_tier WHERE id = NEW.tier_id AND campaign_id <> NEW.campaign_id UNION ALL SELECT FROM vouchers_termsversion WHERE id = NEW.terms_id AND campaign_id <> NEW.campaign_id) THEN\n                RAISE EXCEPTION 'a part of another campaign'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'tranche_of_own_campaign';\n            END IF; RETURN NEW;",
                    hash="800a685e8444ec57f5cc5abd94326bfa13047b9d",
                    operation="INSERT",
                    pgid="pgtrigger_tranche_of_own_campaign_3c26e",
                    table="vouchers_tranche",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_xid_is_its_own",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.xid IS DISTINCT FROM pg_current_xact_id())",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;",
                    hash="cfea0360bec0dfb5724f73a78b7e8d3c2449e27c",
                    operation="INSERT",
                    pgid="pgtrigger_transfer_xid_is_its_own_35766",
                    table="vouchers_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="voucher",
            trigger=pgtrigger.compiler.Trigger(
                name="voucher_not_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="7bb048ce930b6114ae67941678283989dd46e405",
                    operation="DELETE",
                    pgid="pgtrigger_voucher_not_deleted_4bb05",
                    table="vouchers_voucher",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="voucher",
            trigger=pgtrigger.compiler.Trigger(
                name="voucher_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="da72df66069832ea34a4a795bfb0b715fdf1dc53",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_voucher_no_truncate_cc628",
                    table="vouchers_voucher",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(ATTACH, migrations.RunSQL.noop),
        migrations.RunSQL(HISTORY, NO_HISTORY),
        migrations.RunPython(revoke_from_services, migrations.RunPython.noop),
    ]
