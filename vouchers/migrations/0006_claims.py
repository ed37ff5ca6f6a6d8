"""Claims; rounds that are claimed; tranches that grow by claims."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import vouchers.sql.fields
import vouchers.sql.operations
from django.db import migrations, models

from vouchers.sql.functions import install
from vouchers.sql.privileges import grant


CAUSES_OF_CLAIMS = """
ALTER TABLE vouchers_transfer DROP CONSTRAINT transfer_cause_fits_reason;
ALTER TABLE vouchers_transfer ADD CONSTRAINT transfer_cause_fits_reason
    CHECK (reason || '/' || cause = ANY (ARRAY[
        'appropriate/proposal', 'appropriate/source', 'authorise/redemption',
        'capture/redemption', 'claim/tranche', 'collect/collection', 'cut/proposal',
        'cut/source', 'expire/tranche', 'hold/hold', 'lapse/redemption', 'mint/shard',
        'net/settlement', 'recover/refund', 'redeem/redemption', 'refund/refund',
        'reissue/refund', 'release/shard', 'repay/proposal', 'reserve/run',
        'reverse/redemption', 'settle/settlement', 'unhold/hold', 'void/redemption']));
"""


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0002_triggers"),
        ("vouchers", "0005_till"),
    ]

    operations = [
        migrations.CreateModel(
            name="Claim",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(blank=True, max_length=20, verbose_name="channel")),
                ("number", models.PositiveSmallIntegerField(verbose_name="number")),
                ("voucher_id", models.BigIntegerField(unique=True, verbose_name="voucher")),
                (
                    "place_kind",
                    models.CharField(
                        choices=[
                            ("home", "home"),
                            ("work", "work"),
                            ("recent", "recent"),
                            ("spot", "where the claim was made"),
                        ],
                        max_length=6,
                        verbose_name="place",
                    ),
                ),
                ("distance_m", models.FloatField(verbose_name="distance, metres")),
                ("ring", models.CharField(blank=True, max_length=8, verbose_name="ring")),
                (
                    "commitment",
                    models.BinaryField(max_length=32, verbose_name="commitment to the place"),
                ),
                ("claimed_at", models.DateTimeField(verbose_name="claimed at")),
                (
                    "xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "claim",
                "verbose_name_plural": "claims",
                "ordering": ["-id"],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="leg",
            name="legs_balance",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="tranche",
            name="tranche_terms_frozen",
        ),
        migrations.RemoveConstraint(
            model_name="tranche",
            name="tranche_size_in_range",
        ),
        migrations.AddField(
            model_name="round",
            name="way",
            field=models.CharField(
                choices=[
                    ("run", "distributed by runs (发放)"),
                    ("claim", "claimed first come, first served, by places on file (先到先得)"),
                    ("claim_on_spot", "claimed first come, first served, on the spot (现场领取)"),
                ],
                default="run",
                max_length=13,
                verbose_name="handed out",
            ),
        ),
        migrations.AlterField(
            model_name="tranche",
            name="shard",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tranche",
                to="vouchers.shard",
            ),
        ),
        migrations.AlterField(
            model_name="transfer",
            name="reason",
            field=models.CharField(
                choices=[
                    ("appropriate", "appropriate"),
                    ("cut", "cut"),
                    ("reserve", "reserve"),
                    ("release", "release"),
                    ("mint", "mint"),
                    ("claim", "claim"),
                    ("authorise", "authorise"),
                    ("capture", "capture"),
                    ("lapse", "lapse"),
                    ("redeem", "redeem"),
                    ("void", "void"),
                    ("reverse", "reverse"),
                    ("refund", "refund"),
                    ("expire", "expire"),
                    ("hold", "hold"),
                    ("unhold", "unhold"),
                    ("settle", "settle"),
                    ("recover", "recover"),
                    ("reissue", "reissue"),
                    ("net", "net"),
                    ("collect", "collect"),
                    ("repay", "repay"),
                ],
                max_length=12,
                verbose_name="reason",
            ),
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "leg": [
                    pgtrigger.compiler.Trigger(
                        name="legs_balance",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE broken bigint; rule text;",
                            func="\n                    SELECT f.transfer_id,\n                           CASE WHEN sum(f.amount_fen) <> 0 OR a.source_id IS NULL\n                                THEN 'legs_balance'\n                                WHEN bool_or((al.id IS NULL) <> (t.reason IN ('appropriate', 'cut', 'repay')))\n                                THEN 'legs_count_in_their_slices'\n                                ELSE 'money_arrows' END\n                      INTO broken, rule\n                      FROM fresh f\n                      LEFT JOIN vouchers_transfer t\n                             ON t.id = f.transfer_id AND t.at = f.at\n                            AND t.xid = pg_current_xact_id()\n                      LEFT JOIN vouchers_account a\n                             ON a.id = f.account_id AND a.campaign_id = t.campaign_id\n                      LEFT JOIN vouchers_allocation al\n                             ON al.id = f.allocation_id AND al.campaign_id = t.campaign_id\n                     GROUP BY f.transfer_id, a.source_id, f.allocation_id\n                    HAVING sum(f.amount_fen) <> 0 OR a.source_id IS NULL\n                        OR bool_or((al.id IS NULL) <> (t.reason IN ('appropriate', 'cut', 'repay')))\n                        OR bool_or(\n                           t.reason || CASE WHEN f.amount_fen < 0 THEN '-' ELSE '+' END || a.kind\n                           <> ALL ('{appropriate+free,appropriate-appropriated,authorise+authorised,authorise-outstanding,capture+free,capture+outstanding,capture+payable,capture-authorised,claim+outstanding,claim-free,collect+free,collect-recoverable,cut+appropriated,cut-free,expire+free,expire-outstanding,hold+risk_held,hold-payable,lapse+free,lapse+outstanding,lapse-authorised,mint+outstanding,mint-reserved,net+free,net-recoverable,recover+recoverable,recover-payable,recover-settled,redeem+payable,redeem-outstanding,refund+free,refund+outstanding,refund-outstanding,refund-payable,refund-risk_held,reissue+outstanding,reissue-free,release+free,release-reserved,repay+repaid,repay-free,reserve+reserved,reserve-free,reverse+free,reverse+outstanding,reverse-authorised,reverse-payable,reverse-risk_held,settle+settled,settle-payable,unhold+payable,unhold-risk_held,void+free,void+outstanding,void-authorised,void-payable,void-risk_held}'::text[]))\n                     LIMIT 1;\n                    IF FOUND THEN\n                        RAISE EXCEPTION 'the legs of transfer % are not in order: %', broken, rule\n                            USING ERRCODE = 'check_violation', CONSTRAINT = rule;\n                    END IF;\n                    RETURN NULL;\n                ",
                            hash="35fbbc31eef6d470f4816396cdd866d116963488",
                            level="STATEMENT",
                            operation="INSERT",
                            pgid="pgtrigger_legs_balance_cc4a0",
                            referencing="REFERENCING NEW TABLE AS fresh ",
                            table="vouchers_leg",
                            when="AFTER",
                        ),
                    )
                ]
            }
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "tranche": [
                    pgtrigger.compiler.Trigger(
                        name="tranche_terms_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.campaign_id IS DISTINCT FROM NEW.campaign_id OR OLD.tier_id IS DISTINCT FROM NEW.tier_id OR OLD.shard_id IS DISTINCT FROM NEW.shard_id OR OLD.terms_id IS DISTINCT FROM NEW.terms_id OR OLD.round_id IS DISTINCT FROM NEW.round_id OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.face_fen IS DISTINCT FROM NEW.face_fen OR OLD.threshold_fen IS DISTINCT FROM NEW.threshold_fen OR OLD.threshold_basis IS DISTINCT FROM NEW.threshold_basis OR OLD.percent_bp IS DISTINCT FROM NEW.percent_bp OR OLD.split IS DISTINCT FROM NEW.split OR OLD.valid_from_at IS DISTINCT FROM NEW.valid_from_at)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="ac3590683c79bd69aabd1368054d7dd856f14eea",
                            operation="UPDATE",
                            pgid="pgtrigger_tranche_terms_frozen_c79da",
                            table="vouchers_tranche",
                            when="BEFORE",
                        ),
                    )
                ]
            }
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "tranche": [
                    pgtrigger.compiler.Trigger(
                        name="tranche_grows_by_claims",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.voucher_count <> OLD.voucher_count AND (OLD.shard_id IS NOT NULL OR NEW.voucher_count < OLD.voucher_count OR OLD.state <> 'outstanding'))",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="ccb8f7dfe452ccfcf30efd12ebdcb1c9c9aff8f1",
                            operation="UPDATE",
                            pgid="pgtrigger_tranche_grows_by_claims_d540b",
                            table="vouchers_tranche",
                            when="BEFORE",
                        ),
                    )
                ]
            }
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "voucher": [
                    pgtrigger.compiler.Trigger(
                        name="voucher_was_claimed",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE broken bigint;",
                            func="\n                    SELECT f.id INTO broken FROM fresh f\n                      LEFT JOIN vouchers_claim c\n                             ON c.voucher_id = f.id AND c.resident_id = f.resident_id\n                            AND c.xid = pg_current_xact_id()\n                      LEFT JOIN vouchers_tranche t\n                             ON t.id = f.id >> 20 AND t.shard_id IS NULL\n                            AND t.tier_id = c.tier_id AND t.round_id = c.round_id\n                            AND t.state = 'outstanding'\n                            AND f.id & 1048575 < t.voucher_count\n                      LEFT JOIN vouchers_allocation a\n                             ON a.id = f.allocation_id AND a.tier_id = t.tier_id\n                      LEFT JOIN vouchers_resident r\n                             ON r.id = f.resident_id AND r.bucket = f.bucket\n                     WHERE f.state <> 1\n                        OR c.id IS NULL OR t.id IS NULL OR a.id IS NULL OR r.id IS NULL\n                     LIMIT 1;\n                    IF FOUND THEN\n                        RAISE EXCEPTION 'voucher % has no claim', broken\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'voucher_was_claimed';\n                    END IF;\n                    RETURN NULL;\n                ",
                            hash="277083f4369d17e96e12b105b8137298b9b91d7e",
                            level="STATEMENT",
                            operation="INSERT",
                            pgid="pgtrigger_voucher_was_claimed_9602f",
                            referencing="REFERENCING NEW TABLE AS fresh ",
                            table="vouchers_voucher",
                            when="AFTER",
                        ),
                    )
                ]
            }
        ),
        migrations.AddConstraint(
            model_name="round",
            constraint=models.CheckConstraint(
                condition=models.Q(("way__in", ["run", "claim", "claim_on_spot"])),
                name="round_way_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="tranche",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("voucher_count__range", (1, 1000000)),
                    models.Q(("shard__isnull", True), ("voucher_count", 0)),
                    _connector="OR",
                ),
                name="tranche_size_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="tranche",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("shard__isnull", False), ("round__isnull", False), _connector="OR"
                ),
                name="claimed_tranche_has_a_round",
            ),
        ),
        migrations.AddField(
            model_name="claim",
            name="caller",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="merchants.credential",
            ),
        ),
        migrations.AddField(
            model_name="claim",
            name="resident",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.resident",
            ),
        ),
        migrations.AddField(
            model_name="claim",
            name="round",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.round",
            ),
        ),
        migrations.AddField(
            model_name="claim",
            name="store_location",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="merchants.storelocation",
            ),
        ),
        migrations.AddField(
            model_name="claim",
            name="tier",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.tier",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.UniqueConstraint(
                fields=("resident", "round", "tier", "channel", "number"),
                name="one_claim_per_number",
            ),
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "claim": [
                    pgtrigger.compiler.Trigger(
                        name="claim_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="1c0405fc7c32d08c7480e8836312a00e377b7c50",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_claim_append_only_7ff31",
                            table="vouchers_claim",
                            when="BEFORE",
                        ),
                    )
                ]
            }
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "claim": [
                    pgtrigger.compiler.Trigger(
                        name="claim_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="20f05fd569c9ff02c7daec640838fa1af0b6ea6b",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_claim_no_truncate_3f9ac",
                            table="vouchers_claim",
                            when="BEFORE",
                        ),
                    )
                ]
            }
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "claim": [
                    pgtrigger.compiler.Trigger(
                        name="claim_xid_is_its_own",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.xid IS DISTINCT FROM pg_current_xact_id())",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;",
                            hash="add1e08d5f2d755d4b54f22e105d595074b2bba8",
                            operation="INSERT",
                            pgid="pgtrigger_claim_xid_is_its_own_cadc3",
                            table="vouchers_claim",
                            when="BEFORE",
                        ),
                    )
                ]
            }
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "claim": [
                    pgtrigger.compiler.Trigger(
                        name="claim_within_its_offer",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE broken bigint;",
                            func="\n                    SELECT f.voucher_id INTO broken FROM fresh f\n                      LEFT JOIN vouchers_round r\n                             ON r.id = f.round_id AND r.way IN ('claim', 'claim_on_spot')\n                            AND f.claimed_at >= r.opens_at AND f.claimed_at < r.closes_at\n                      LEFT JOIN vouchers_tier t\n                             ON t.id = f.tier_id AND t.campaign_id = r.campaign_id\n                            AND f.number BETWEEN 1 AND t.per_resident\n                      LEFT JOIN merchants_storelocation s ON s.id = f.store_location_id\n                      LEFT JOIN merchants_credential c ON c.id = f.caller_id\n                     WHERE r.id IS NULL OR t.id IS NULL OR s.id IS NULL OR c.id IS NULL\n                     LIMIT 1;\n                    IF FOUND THEN\n                        RAISE EXCEPTION 'the claim of voucher % is outside its offer', broken\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'claim_within_its_offer';\n                    END IF;\n                    RETURN NULL;\n                ",
                            hash="6a36410b367a73902f013924ec8a8732a22cbe5c",
                            level="STATEMENT",
                            operation="INSERT",
                            pgid="pgtrigger_claim_within_its_offer_55ce6",
                            referencing="REFERENCING NEW TABLE AS fresh ",
                            table="vouchers_claim",
                            when="AFTER",
                        ),
                    )
                ]
            }
        ),
        migrations.RunSQL(CAUSES_OF_CLAIMS, migrations.RunSQL.noop),
        migrations.RunPython(install, migrations.RunPython.noop),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
