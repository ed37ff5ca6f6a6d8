"""Holds, refunds, settlement lines, signals and order claims name the voucher of their redemption.

Redemptions are partitioned by it next.
"""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0017_resident_acts"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="collectionline",
            name="collected_within_owed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="collectionline",
            name="collected_from_its_merchant",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="hold",
            name="hold_facts_frozen",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="hold",
            name="hold_of_what_is_owed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="orderclaim",
            name="order_claim_only_reversed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="orderclaim",
            name="order_claim_of_undone",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="refund",
            name="refunds_within_payment",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="refund",
            name="refund_by_its_merchant",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="refund",
            name="refund_adds_up",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="refundpart",
            name="clawback_within_share",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="refundpart",
            name="refund_part_adds_up",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="settlementline",
            name="netted_within_owed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="settlementline",
            name="line_is_its_redemption",
        ),
        migrations.AddField(
            model_name="hold",
            name="voucher",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                default=0,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.voucher",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="orderclaim",
            name="voucher",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.voucher",
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="voucher",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                default=0,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.voucher",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="settlementline",
            name="voucher",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                default=0,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.voucher",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="signal",
            name="voucher",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.voucher",
            ),
        ),
        migrations.AlterField(
            model_name="hold",
            name="redemption",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="holds",
                to="vouchers.redemption",
            ),
        ),
        migrations.AlterField(
            model_name="refund",
            name="redemption",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="refunds",
                to="vouchers.redemption",
            ),
        ),
        migrations.AlterField(
            model_name="settlementline",
            name="redemption",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="vouchers.redemption",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="collectionline",
            trigger=pgtrigger.compiler.Trigger(
                name="collected_from_its_merchant",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NOT EXISTS (SELECT FROM vouchers_collection c, vouchers_refund f JOIN vouchers_redemption r ON r.id = f.redemption_id AND r.voucher_id = f.voucher_id WHERE c.id = NEW.collection_id AND f.id = NEW.refund_id AND (c.source_id, c.merchant_id, c.campaign_id) = (NEW.source_id, f.merchant_id, r.campaign_id)) THEN\n                RAISE EXCEPTION 'a refund of somebody else'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'collected_from_its_merchant';\n            END IF; RETURN NEW;",
                    hash="4e3612e129281fddc464881c7587cabfdec3ac7d",
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
                name="collected_within_owed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE off_fen bigint;",
                    func="\n            PERFORM FROM vouchers_redemption WHERE (id, voucher_id) = (\n                    SELECT redemption_id, voucher_id FROM vouchers_refund WHERE id = NEW.refund_id)\n                FOR NO KEY UPDATE;\n            SELECT COALESCE((SELECT sum(p.amount_fen) FROM vouchers_refundpart p\n                              WHERE p.refund_id = NEW.refund_id AND p.source_id = NEW.source_id\n                                AND p.target = 'recoverable'), 0)\n                 + COALESCE((SELECT sum(l.amount_fen) FROM vouchers_settlementline l\n                              WHERE l.refund_id = NEW.refund_id AND l.source_id = NEW.source_id\n                                AND l.kind = 'refund'), 0)\n                 - COALESCE((SELECT sum(c.amount_fen) FROM vouchers_collectionline c\n                              WHERE c.refund_id = NEW.refund_id AND c.source_id = NEW.source_id), 0)\n              INTO off_fen;\n            IF off_fen < 0 THEN\n                RAISE EXCEPTION 'refund % is recovered by % fen too much', NEW.refund_id, -off_fen\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'recovered_within_owed';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="991190d9a6efa18b682c393a457db32978757683",
                    operation="INSERT",
                    pgid="pgtrigger_collected_within_owed_f3f64",
                    table="vouchers_collectionline",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="hold",
            trigger=pgtrigger.compiler.Trigger(
                name="hold_of_what_is_owed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NOT EXISTS (SELECT FROM vouchers_redemption WHERE id = NEW.redemption_id AND voucher_id = NEW.voucher_id AND state = 2) OR EXISTS (SELECT FROM vouchers_settlementline WHERE redemption_id = NEW.redemption_id) THEN\n                RAISE EXCEPTION 'only a captured redemption that is not settled can be held'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'hold_of_what_is_owed';\n            END IF; RETURN NEW;",
                    hash="ffe765d450e94be68c05356e00805bcacbadc077",
                    operation="INSERT",
                    pgid="pgtrigger_hold_of_what_is_owed_5c16b",
                    table="vouchers_hold",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="hold",
            trigger=pgtrigger.compiler.Trigger(
                name="hold_facts_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.redemption_id IS DISTINCT FROM NEW.redemption_id OR OLD.voucher_id IS DISTINCT FROM NEW.voucher_id OR OLD.reason IS DISTINCT FROM NEW.reason OR OLD.opened_by IS DISTINCT FROM NEW.opened_by OR OLD.opened_at IS DISTINCT FROM NEW.opened_at)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="5ba1c17cee5ae718d7fda03a74c36bfd8a568c43",
                    operation="UPDATE",
                    pgid="pgtrigger_hold_facts_frozen_29413",
                    table="vouchers_hold",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="orderclaim",
            trigger=pgtrigger.compiler.Trigger(
                name="order_claim_only_reversed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.redemption_id IS NOT NULL OR (OLD.store_id, OLD.order_no, OLD.voucher_id, OLD.claimed_at) IS DISTINCT FROM (NEW.store_id, NEW.order_no, NEW.voucher_id, NEW.claimed_at))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="9d11631ac0a8d8ca040a01dedf619db24a9cd214",
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
                    func="\n            IF NOT EXISTS (SELECT FROM vouchers_redemption WHERE id = OLD.redemption_id AND voucher_id = OLD.voucher_id AND state = CASE TG_OP WHEN 'DELETE' THEN 3 ELSE 4 END) THEN\n                RAISE EXCEPTION 'the redemption of this order stands'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'order_claim_of_undone';\n            END IF; RETURN COALESCE(NEW, OLD);",
                    hash="d5f2220c54eb0c7463992249ffc912a8bcd0a5af",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_order_claim_of_undone_fc5a0",
                    table="vouchers_orderclaim",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="refund_by_its_merchant",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NOT EXISTS (SELECT FROM vouchers_redemption r JOIN merchants_store s ON s.merchant_id = r.merchant_id WHERE r.id = NEW.redemption_id AND r.voucher_id = NEW.voucher_id AND r.merchant_id = NEW.merchant_id AND s.id = NEW.store_id AND r.state IN (2, 5)) THEN\n                RAISE EXCEPTION 'not a captured redemption of that store''s merchant'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_by_its_merchant';\n            END IF; RETURN NEW;",
                    hash="8c64c37ce51b635dde17ca8aee95db1e2a3e0cff",
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
                    func="\n            IF EXISTS (\n                SELECT FROM vouchers_refund f\n                  JOIN vouchers_redemption r\n                    ON r.id = f.redemption_id AND r.voucher_id = f.voucher_id\n                 WHERE f.id = NEW.id\n                   AND (f.clawback_fen <> COALESCE((SELECT sum(amount_fen) FROM vouchers_refundpart\n                                                     WHERE refund_id = f.id), 0)\n                    OR (r.state = 5)\n                       <> (r.discount_fen = (SELECT sum(clawback_fen) FROM vouchers_refund\n                                              WHERE redemption_id = r.id)))) THEN\n                RAISE EXCEPTION 'the parts of a refund are its clawback, and all of them the discount'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_adds_up';\n            END IF; RETURN NULL;",
                    hash="aa8b83384b45a3cf1e34167107477238ecf6cdd8",
                    operation="INSERT",
                    pgid="pgtrigger_refund_adds_up_c7745",
                    table="vouchers_refund",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="refunds_within_payment",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE paid_fen bigint; subsidy_fen bigint; off boolean;",
                    func="\n                    SELECT order_amount_fen - discount_fen, discount_fen INTO paid_fen, subsidy_fen\n                      FROM vouchers_redemption\n                     WHERE id = NEW.redemption_id AND voucher_id = NEW.voucher_id\n                       FOR NO KEY UPDATE;\n                    SELECT sum(amount_fen) > paid_fen OR sum(clawback_fen) > subsidy_fen INTO off\n                      FROM vouchers_refund WHERE redemption_id = NEW.redemption_id;\n                    IF off THEN\n                        RAISE EXCEPTION 'refunds of redemption % exceed it', NEW.redemption_id\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'refunds_within_payment';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="ca1298dc7b34d4efe918dd1ded33540467fc982f",
                    operation="INSERT",
                    pgid="pgtrigger_refunds_within_payment_cc92e",
                    table="vouchers_refund",
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
                    func="\n            IF EXISTS (\n                SELECT FROM vouchers_refund f\n                  JOIN vouchers_redemption r\n                    ON r.id = f.redemption_id AND r.voucher_id = f.voucher_id\n                 WHERE f.id = NEW.refund_id\n                   AND (f.clawback_fen <> COALESCE((SELECT sum(amount_fen) FROM vouchers_refundpart\n                                                     WHERE refund_id = f.id), 0)\n                    OR (r.state = 5)\n                       <> (r.discount_fen = (SELECT sum(clawback_fen) FROM vouchers_refund\n                                              WHERE redemption_id = r.id)))) THEN\n                RAISE EXCEPTION 'the parts of a refund are its clawback, and all of them the discount'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_adds_up';\n            END IF; RETURN NULL;",
                    hash="731529992ea4a9647d0740d574ecd04dc165d525",
                    operation="INSERT",
                    pgid="pgtrigger_refund_part_adds_up_3f3f3",
                    table="vouchers_refundpart",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refundpart",
            trigger=pgtrigger.compiler.Trigger(
                name="clawback_within_share",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE the_redemption bigint; the_voucher bigint; off_fen bigint;",
                    func="\n                    SELECT redemption_id, voucher_id INTO STRICT the_redemption, the_voucher\n                      FROM vouchers_refund WHERE id = NEW.refund_id;\n                    SELECT COALESCE((SELECT sum((share->>1)::bigint)\n                              FROM vouchers_redemption r\n                             CROSS JOIN jsonb_array_elements(r.split) AS share\n                             WHERE r.id = the_redemption AND r.voucher_id = the_voucher\n                               AND (share->>0)::bigint = NEW.source_id), 0)\n                         - (SELECT sum(p.amount_fen) FROM vouchers_refundpart p\n                              JOIN vouchers_refund f ON f.id = p.refund_id\n                             WHERE f.redemption_id = the_redemption\n                               AND p.source_id = NEW.source_id)\n                      INTO off_fen;\n                    IF off_fen < 0 THEN\n                        RAISE EXCEPTION 'source % gets back more than it paid', NEW.source_id\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'clawback_within_share';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="3528a82b39fe75728d7303bc10e035fb55d615b2",
                    operation="INSERT",
                    pgid="pgtrigger_clawback_within_share_23fe6",
                    table="vouchers_refundpart",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlementline",
            trigger=pgtrigger.compiler.Trigger(
                name="line_is_its_redemption",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF EXISTS (\n        SELECT FROM fresh n\n          JOIN vouchers_settlement z ON z.id = n.settlement_id\n          JOIN vouchers_redemption r ON r.id = n.redemption_id AND r.voucher_id = n.voucher_id\n         WHERE (n.source_id, r.merchant_id, r.campaign_id)\n            <> (z.source_id, z.merchant_id, z.campaign_id)\n            OR n.kind = 'refund' AND NOT EXISTS (\n               SELECT FROM vouchers_refund f\n                WHERE f.id = n.refund_id AND f.redemption_id = n.redemption_id)\n            OR n.kind = 'redemption' AND (\n               r.state <> 2\n               OR EXISTS (SELECT FROM vouchers_hold h\n                           WHERE h.redemption_id = r.id AND h.released_at IS NULL)\n               OR n.amount_fen IS DISTINCT FROM (\n                  SELECT sum((share->>1)::bigint) FROM jsonb_array_elements(r.split) AS share\n                   WHERE (share->>0)::bigint = n.source_id) - COALESCE((\n                  SELECT sum(p.amount_fen) FROM vouchers_refundpart p\n                    JOIN vouchers_refund f ON f.id = p.refund_id\n                   WHERE f.redemption_id = r.id AND p.source_id = n.source_id), 0))) THEN\n                RAISE EXCEPTION 'a settlement line is what is left of a captured redemption''s share'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'line_is_its_redemption';\n            END IF;\n            IF EXISTS (\n        SELECT FROM vouchers_settlement z\n         WHERE z.id IN (SELECT settlement_id FROM fresh)\n           AND z.line_count < (SELECT count(*) FROM vouchers_settlementline\n                                WHERE settlement_id = z.id)) THEN\n                RAISE EXCEPTION 'a settlement that was made takes no more lines'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_is_fixed';\n            END IF; RETURN NULL;",
                    hash="02dc41ad4ce093575c7e4b0634d41320dbfe71f4",
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
            model_name="settlementline",
            trigger=pgtrigger.compiler.Trigger(
                name="netted_within_owed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.kind = 'refund')",
                    declare="DECLARE off_fen bigint;",
                    func="\n            PERFORM FROM vouchers_redemption WHERE (id, voucher_id) = (\n                    SELECT redemption_id, voucher_id FROM vouchers_refund WHERE id = NEW.refund_id)\n                FOR NO KEY UPDATE;\n            SELECT COALESCE((SELECT sum(p.amount_fen) FROM vouchers_refundpart p\n                              WHERE p.refund_id = NEW.refund_id AND p.source_id = NEW.source_id\n                                AND p.target = 'recoverable'), 0)\n                 + COALESCE((SELECT sum(l.amount_fen) FROM vouchers_settlementline l\n                              WHERE l.refund_id = NEW.refund_id AND l.source_id = NEW.source_id\n                                AND l.kind = 'refund'), 0)\n                 - COALESCE((SELECT sum(c.amount_fen) FROM vouchers_collectionline c\n                              WHERE c.refund_id = NEW.refund_id AND c.source_id = NEW.source_id), 0)\n              INTO off_fen;\n            IF off_fen < 0 THEN\n                RAISE EXCEPTION 'refund % is recovered by % fen too much', NEW.refund_id, -off_fen\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'recovered_within_owed';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="5ddcc255fd76b978ca851251cefb88d1c5414360",
                    operation="INSERT",
                    pgid="pgtrigger_netted_within_owed_5f5ea",
                    table="vouchers_settlementline",
                    when="AFTER",
                ),
            ),
        ),
    ]
