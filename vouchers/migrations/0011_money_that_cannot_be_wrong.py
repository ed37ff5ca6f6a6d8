"""Refunds, proposals and the authorised redemption; what changes but never leaves is guarded."""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import vouchers.sql.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0002_store_locations_not_truncated"),
        ("vouchers", "0010_sequences_in_blocks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Collection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="amount, fen")),
                ("document_no", models.CharField(max_length=60, verbose_name="document no.")),
                (
                    "request_id",
                    models.CharField(max_length=64, unique=True, verbose_name="request no."),
                ),
                ("recorded_by", models.CharField(max_length=150, verbose_name="recorded by")),
                ("received_at", models.DateTimeField(verbose_name="received at")),
            ],
            options={
                "verbose_name": "collection",
                "verbose_name_plural": "collections",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="CollectionLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="amount, fen")),
            ],
            options={
                "verbose_name": "collection line",
                "verbose_name_plural": "collection lines",
            },
        ),
        migrations.CreateModel(
            name="Proposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("appropriation", "change of an appropriation (批复额度调整)"),
                            ("caps", "change of quotas (配额调整)"),
                            ("repayment", "left-over to the treasury (缴回)"),
                        ],
                        max_length=13,
                        verbose_name="kind",
                    ),
                ),
                ("document", models.JSONField(verbose_name="document")),
                ("sha256", models.BinaryField(max_length=32, verbose_name="SHA-256")),
                ("why", models.CharField(max_length=500, verbose_name="why")),
                (
                    "request_id",
                    models.CharField(max_length=64, unique=True, verbose_name="request no."),
                ),
                ("proposed_at", models.DateTimeField(verbose_name="proposed at")),
            ],
            options={
                "verbose_name": "proposal",
                "verbose_name_plural": "proposals",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ProposalDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "decision",
                    models.CharField(
                        choices=[("approved", "approved"), ("rejected", "rejected")],
                        max_length=8,
                        verbose_name="decision",
                    ),
                ),
                ("seen_sha256", models.BinaryField(max_length=32, verbose_name="SHA-256 seen")),
                ("comment", models.CharField(blank=True, max_length=500, verbose_name="comment")),
                ("decided_at", models.DateTimeField(verbose_name="decided at")),
                (
                    "xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "decision",
                "verbose_name_plural": "decisions",
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("refund_no", models.CharField(max_length=64, verbose_name="refund no.")),
                ("amount_fen", models.BigIntegerField(verbose_name="refunded to the shopper, fen")),
                ("clawback_fen", models.BigIntegerField(verbose_name="subsidy called back, fen")),
                (
                    "policy",
                    models.CharField(
                        choices=[
                            ("return", "a whole refund gives the voucher back (退券)"),
                            ("pro_rata", "the subsidy is returned in proportion (按比例退回)"),
                            ("forfeit", "whole refunds only, the voucher is lost (退款作废)"),
                        ],
                        max_length=8,
                        verbose_name="policy",
                    ),
                ),
                ("gives_voucher_back", models.BooleanField(verbose_name="voucher given back")),
                ("business_day", models.DateField(verbose_name="business day")),
                ("refunded_at", models.DateTimeField(verbose_name="refunded at")),
                (
                    "xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "refund",
                "verbose_name_plural": "refunds",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RefundPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="amount, fen")),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("appropriated", "appropriated"),
                            ("free", "free"),
                            ("reserved", "reserved"),
                            ("outstanding", "outstanding"),
                            ("authorised", "authorised"),
                            ("payable", "payable"),
                            ("risk_held", "held for risk"),
                            ("settled", "settled"),
                            ("recoverable", "recoverable"),
                            ("repaid", "repaid"),
                        ],
                        max_length=12,
                        verbose_name="from",
                    ),
                ),
                (
                    "target",
                    models.CharField(
                        choices=[
                            ("appropriated", "appropriated"),
                            ("free", "free"),
                            ("reserved", "reserved"),
                            ("outstanding", "outstanding"),
                            ("authorised", "authorised"),
                            ("payable", "payable"),
                            ("risk_held", "held for risk"),
                            ("settled", "settled"),
                            ("recoverable", "recoverable"),
                            ("repaid", "repaid"),
                        ],
                        max_length=12,
                        verbose_name="to",
                    ),
                ),
            ],
            options={
                "verbose_name": "share of a refund",
                "verbose_name_plural": "shares of a refund",
            },
        ),
        migrations.AlterModelOptions(
            name="seal",
            options={
                "ordering": ["campaign", "number"],
                "verbose_name": "seal",
                "verbose_name_plural": "seals",
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="campaign_identity_frozen",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="campaign_terms_frozen",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="leg",
            name="legs_balance",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="redemption",
            name="redemption_arrows",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="redemption",
            name="redemption_facts_frozen",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="redemption",
            name="settled_redemption_stands",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="run",
            name="run_identity_frozen",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="voucher",
            name="voucher_arrows",
        ),
        migrations.RemoveConstraint(
            model_name="settlementline",
            name="settled_once",
        ),
        migrations.AddField(
            model_name="campaign",
            name="anchor_recipients",
            field=models.JSONField(blank=True, default=list, verbose_name="recipients of seals"),
        ),
        migrations.AddField(
            model_name="campaign",
            name="authorise_ttl_s",
            field=models.PositiveIntegerField(
                default=900, verbose_name="authorisation lasts, seconds"
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="currency",
            field=models.CharField(default="CNY", max_length=3, verbose_name="currency"),
        ),
        migrations.AddField(
            model_name="campaign",
            name="refund_policy",
            field=models.CharField(
                choices=[
                    ("return", "a whole refund gives the voucher back (退券)"),
                    ("pro_rata", "the subsidy is returned in proportion (按比例退回)"),
                    ("forfeit", "whole refunds only, the voucher is lost (退款作废)"),
                ],
                default="return",
                max_length=8,
                verbose_name="refunds",
            ),
        ),
        migrations.AddField(
            model_name="cashreceipt",
            name="recorded_by",
            field=models.CharField(blank=True, max_length=150, verbose_name="recorded by"),
        ),
        migrations.AddField(
            model_name="quotacell",
            name="bucket_count",
            field=models.PositiveSmallIntegerField(default=1, verbose_name="sub-buckets"),
        ),
        migrations.AddField(
            model_name="redemption",
            name="authorised_fen",
            field=models.BigIntegerField(null=True, verbose_name="authorised, fen"),
        ),
        migrations.AddField(
            model_name="redemption",
            name="captured_at",
            field=models.DateTimeField(null=True, verbose_name="captured at"),
        ),
        migrations.AddField(
            model_name="redemption",
            name="links",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), null=True, size=None, verbose_name="links"
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="channel",
            field=models.CharField(blank=True, max_length=20, null=True, verbose_name="channel"),
        ),
        migrations.AddField(
            model_name="seal",
            name="campaign",
            field=models.ForeignKey(
                default="",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="seals",
                to="vouchers.campaign",
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="capcounter",
            name="kind",
            field=models.SmallIntegerField(
                choices=[
                    (1, "per resident and day"),
                    (2, "per resident and week"),
                    (3, "per resident and campaign"),
                    (4, "per store and minute"),
                    (5, "per store and day"),
                    (6, "per merchant and day"),
                    (7, "per merchant and campaign"),
                    (8, "per device, phone or card and day"),
                    (9, "per device, phone or card and campaign"),
                    (10, "per store and week"),
                    (11, "per store and campaign"),
                    (12, "per merchant and week"),
                    (13, "per device, phone or card and week"),
                ],
                verbose_name="counts",
            ),
        ),
        migrations.AlterField(
            model_name="caprule",
            name="kind",
            field=models.SmallIntegerField(
                choices=[
                    (1, "per resident and day"),
                    (2, "per resident and week"),
                    (3, "per resident and campaign"),
                    (4, "per store and minute"),
                    (5, "per store and day"),
                    (6, "per merchant and day"),
                    (7, "per merchant and campaign"),
                    (8, "per device, phone or card and day"),
                    (9, "per device, phone or card and campaign"),
                    (10, "per store and week"),
                    (11, "per store and campaign"),
                    (12, "per merchant and week"),
                    (13, "per device, phone or card and week"),
                ],
                verbose_name="counts",
            ),
        ),
        migrations.AlterField(
            model_name="redemption",
            name="state",
            field=models.SmallIntegerField(
                choices=[
                    (1, "authorised"),
                    (2, "captured"),
                    (3, "voided"),
                    (4, "reversed"),
                    (5, "refunded"),
                ],
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="seal",
            name="number",
            field=models.PositiveBigIntegerField(verbose_name="number"),
        ),
        migrations.AlterField(
            model_name="transfer",
            name="cause",
            field=models.CharField(
                choices=[
                    ("source", "source"),
                    ("proposal", "proposal"),
                    ("run", "run"),
                    ("shard", "shard"),
                    ("tranche", "tranche"),
                    ("redemption", "redemption"),
                    ("refund", "refund"),
                    ("hold", "hold"),
                    ("settlement", "settlement"),
                    ("collection", "collection"),
                ],
                max_length=20,
                verbose_name="cause",
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
        migrations.AddIndex(
            model_name="redemption",
            index=models.Index(
                condition=models.Q(("state", 1)),
                fields=["expires_at"],
                name="redemption_to_capture",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="campaign_identity_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.code IS DISTINCT FROM NEW.code OR OLD.is_test IS DISTINCT FROM NEW.is_test OR OLD.zone IS DISTINCT FROM NEW.zone OR OLD.currency IS DISTINCT FROM NEW.currency)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="cade9e067759f424dc0528ede979e44d4d754d92",
                    operation="UPDATE",
                    pgid="pgtrigger_campaign_identity_frozen_091b0",
                    table="vouchers_campaign",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="campaign_terms_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state <> 'draft' AND OLD.terms_id IS NOT DISTINCT FROM NEW.terms_id AND (OLD.starts_at, OLD.ends_at, OLD.validity_s, OLD.radius_m, OLD.point_kinds, OLD.audience_filter, OLD.excluded_categories, OLD.order_kinds, OLD.refund_policy, OLD.authorise_ttl_s, OLD.anchor_recipients) IS DISTINCT FROM (NEW.starts_at, NEW.ends_at, NEW.validity_s, NEW.radius_m, NEW.point_kinds, NEW.audience_filter, NEW.excluded_categories, NEW.order_kinds, NEW.refund_policy, NEW.authorise_ttl_s, NEW.anchor_recipients))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="f5642f871e8835884b10bc1c9909928653c1d79c",
                    operation="UPDATE",
                    pgid="pgtrigger_campaign_terms_frozen_4651d",
                    table="vouchers_campaign",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="capcounter",
            trigger=pgtrigger.compiler.Trigger(
                name="cap_counter_not_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="4a8e4e60f3594ff6063df2b25ac0d4f7f5e5cc58",
                    operation="DELETE",
                    pgid="pgtrigger_cap_counter_not_deleted_5a6bc",
                    table="vouchers_capcounter",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="capcounter",
            trigger=pgtrigger.compiler.Trigger(
                name="cap_counter_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="182d7940cb561cb6193d1d978e5e18c02cd90de3",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_cap_counter_no_truncate_4f063",
                    table="vouchers_capcounter",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="hold",
            trigger=pgtrigger.compiler.Trigger(
                name="hold_not_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="8212fc64ebd9416713e04311514b5dc93c5539b8",
                    operation="DELETE",
                    pgid="pgtrigger_hold_not_deleted_d0023",
                    table="vouchers_hold",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="hold",
            trigger=pgtrigger.compiler.Trigger(
                name="hold_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="1db6b146e5a2562290f30b1b113cc45dd61efdf4",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_hold_no_truncate_a2e62",
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
                    condition="WHEN (OLD.redemption_id IS DISTINCT FROM NEW.redemption_id OR OLD.reason IS DISTINCT FROM NEW.reason OR OLD.opened_by IS DISTINCT FROM NEW.opened_by OR OLD.opened_at IS DISTINCT FROM NEW.opened_at)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="a65a1ce3604e076230a8572de7c5821d4e182c4b",
                    operation="UPDATE",
                    pgid="pgtrigger_hold_facts_frozen_29413",
                    table="vouchers_hold",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="hold",
            trigger=pgtrigger.compiler.Trigger(
                name="hold_released_once",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.released_at IS NOT NULL)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="124eab6e9ffcd2622b907ba6291bcf7278d8132f",
                    operation="UPDATE",
                    pgid="pgtrigger_hold_released_once_3bc69",
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
                    declare="DECLARE broken bigint; strays boolean;",
                    func="\n                    SELECT f.transfer_id, sum(f.amount_fen) = 0 AND a.source_id IS NOT NULL\n                      INTO broken, strays\n                      FROM fresh f\n                      LEFT JOIN vouchers_transfer t\n                             ON t.id = f.transfer_id AND t.at = f.at\n                            AND t.xid = pg_current_xact_id()\n                      LEFT JOIN vouchers_account a\n                             ON a.id = f.account_id AND a.campaign_id = t.campaign_id\n                     GROUP BY f.transfer_id, a.source_id\n                    HAVING sum(f.amount_fen) <> 0 OR a.source_id IS NULL\n                        OR bool_or(\n                           t.reason || CASE WHEN f.amount_fen < 0 THEN '-' ELSE '+' END || a.kind\n                           <> ALL ('{appropriate+free,appropriate-appropriated,authorise+authorised,authorise-outstanding,capture+free,capture+outstanding,capture+payable,capture-authorised,collect+free,collect-recoverable,cut+appropriated,cut-free,expire+free,expire-outstanding,hold+risk_held,hold-payable,lapse+free,lapse+outstanding,lapse-authorised,mint+outstanding,mint-reserved,net+free,net-recoverable,recover+recoverable,recover-payable,recover-settled,redeem+payable,redeem-outstanding,refund+free,refund+outstanding,refund-outstanding,refund-payable,refund-risk_held,reissue+outstanding,reissue-free,release+free,release-reserved,repay+repaid,repay-free,reserve+reserved,reserve-free,reverse+free,reverse+outstanding,reverse-authorised,reverse-payable,reverse-risk_held,settle+settled,settle-payable,unhold+payable,unhold-risk_held,void+free,void+outstanding,void-authorised,void-payable,void-risk_held}'::text[]))\n                     LIMIT 1;\n                    IF FOUND AND strays THEN\n                        RAISE EXCEPTION 'transfer % moves money where its reason may not', broken\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'money_arrows';\n                    ELSIF FOUND THEN\n                        RAISE EXCEPTION 'the legs of transfer % do not balance', broken\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'legs_balance';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="fa977d7e43313c8f5064f9979f75d7107d15ce43",
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
                name="tombstone_stands",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.redemption_id IS NULL)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="8c32c742ed8f822cec7e31779ef0cd1ebc6137f5",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_tombstone_stands_864ab",
                    table="vouchers_orderclaim",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="quotabucket",
            trigger=pgtrigger.compiler.Trigger(
                name="quota_bucket_not_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="00f51a553740f270a907523376aec0ed1d32c28b",
                    operation="DELETE",
                    pgid="pgtrigger_quota_bucket_not_deleted_d62a0",
                    table="vouchers_quotabucket",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="quotabucket",
            trigger=pgtrigger.compiler.Trigger(
                name="quota_bucket_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="1d36f5e745e7418c57a94a5c41f2f74c96389658",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_quota_bucket_no_truncate_2c613",
                    table="vouchers_quotabucket",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redemption",
            trigger=pgtrigger.compiler.Trigger(
                name="redemption_arrows",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN ((1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (2, 5)))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="d00cd432ce2a349f2d6c2454610c76793b7cd12c",
                    operation="UPDATE",
                    pgid="pgtrigger_redemption_arrows_a6b69",
                    table="vouchers_redemption",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redemption",
            trigger=pgtrigger.compiler.Trigger(
                name="redemption_not_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="2c65ce689d433b146930638b03a3825123b5ddae",
                    operation="DELETE",
                    pgid="pgtrigger_redemption_not_deleted_4937c",
                    table="vouchers_redemption",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redemption",
            trigger=pgtrigger.compiler.Trigger(
                name="redemption_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="3f086be57f1895a678132d4834f9c53956cad73b",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_redemption_no_truncate_4982c",
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
                    condition="WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.store_id IS DISTINCT FROM NEW.store_id OR OLD.merchant_id IS DISTINCT FROM NEW.merchant_id OR OLD.campaign_id IS DISTINCT FROM NEW.campaign_id OR OLD.voucher_id IS DISTINCT FROM NEW.voucher_id OR OLD.allocation_id IS DISTINCT FROM NEW.allocation_id OR OLD.resident_id IS DISTINCT FROM NEW.resident_id OR OLD.shown_by_id IS DISTINCT FROM NEW.shown_by_id OR OLD.caller_id IS DISTINCT FROM NEW.caller_id OR OLD.terminal IS DISTINCT FROM NEW.terminal OR OLD.device IS DISTINCT FROM NEW.device OR OLD.order_no IS DISTINCT FROM NEW.order_no OR OLD.order_kind IS DISTINCT FROM NEW.order_kind OR OLD.category IS DISTINCT FROM NEW.category OR OLD.channel IS DISTINCT FROM NEW.channel OR OLD.payment_ref IS DISTINCT FROM NEW.payment_ref OR OLD.receipt_no IS DISTINCT FROM NEW.receipt_no OR OLD.business_day IS DISTINCT FROM NEW.business_day OR OLD.redeemed_at IS DISTINCT FROM NEW.redeemed_at OR OLD.authorised_fen IS DISTINCT FROM NEW.authorised_fen OR OLD.expires_at IS DISTINCT FROM NEW.expires_at OR OLD.links IS DISTINCT FROM NEW.links)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="34964c0f6b62063aff4ae98c8193b27e5b8070c7",
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
                name="redemption_amounts_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT (OLD.state = 1 AND NEW.state = 2) AND (OLD.order_amount_fen, OLD.eligible_amount_fen, OLD.discount_fen, OLD.split, OLD.captured_at) IS DISTINCT FROM (NEW.order_amount_fen, NEW.eligible_amount_fen, NEW.discount_fen, NEW.split, NEW.captured_at))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="915ec225f08d0ae0580d887cf456b23bf607576f",
                    operation="UPDATE",
                    pgid="pgtrigger_redemption_amounts_frozen_4749c",
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
                    func="\n                    PERFORM FROM vouchers_settlementline WHERE redemption_id = NEW.id;\n                    IF FOUND THEN\n                        RAISE EXCEPTION 'redemption % is settled', NEW.id\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'settled_redemption_stands';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="f87819efd76a36bfba0bb5e0822baff81df694a2",
                    operation="UPDATE",
                    pgid="pgtrigger_settled_redemption_stands_736e8",
                    table="vouchers_redemption",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="run",
            trigger=pgtrigger.compiler.Trigger(
                name="run_identity_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.campaign_id IS DISTINCT FROM NEW.campaign_id OR OLD.round_id IS DISTINCT FROM NEW.round_id OR OLD.channel IS DISTINCT FROM NEW.channel OR OLD.terms_id IS DISTINCT FROM NEW.terms_id OR OLD.seed IS DISTINCT FROM NEW.seed)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="d9c0b684397194abe9ddc9449f07435d6822ce45",
                    operation="UPDATE",
                    pgid="pgtrigger_run_identity_frozen_7b82b",
                    table="vouchers_run",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlement",
            trigger=pgtrigger.compiler.Trigger(
                name="settlement_not_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="854204a8ab3941c35f987c3def96398fe3cdf232",
                    operation="DELETE",
                    pgid="pgtrigger_settlement_not_deleted_6acb9",
                    table="vouchers_settlement",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlement",
            trigger=pgtrigger.compiler.Trigger(
                name="settlement_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="4778d74853d45b774fd0a030aa820939809b3523",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_settlement_no_truncate_8b37f",
                    table="vouchers_settlement",
                    when="BEFORE",
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
                    func="\n            PERFORM FROM vouchers_redemption WHERE id = (\n                    SELECT redemption_id FROM vouchers_refund WHERE id = NEW.refund_id)\n                FOR NO KEY UPDATE;\n            SELECT COALESCE((SELECT sum(p.amount_fen) FROM vouchers_refundpart p\n                              WHERE p.refund_id = NEW.refund_id AND p.source_id = NEW.source_id\n                                AND p.target = 'recoverable'), 0)\n                 + COALESCE((SELECT sum(l.amount_fen) FROM vouchers_settlementline l\n                              WHERE l.refund_id = NEW.refund_id AND l.source_id = NEW.source_id\n                                AND l.kind = 'refund'), 0)\n                 - COALESCE((SELECT sum(c.amount_fen) FROM vouchers_collectionline c\n                              WHERE c.refund_id = NEW.refund_id AND c.source_id = NEW.source_id), 0)\n              INTO off_fen;\n            IF off_fen < 0 THEN\n                RAISE EXCEPTION 'refund % is recovered by % fen too much', NEW.refund_id, -off_fen\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'recovered_within_owed';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="f1e27156a05c46680fb72982621875457cb5ad5e",
                    operation="INSERT",
                    pgid="pgtrigger_netted_within_owed_5f5ea",
                    table="vouchers_settlementline",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tranche",
            trigger=pgtrigger.compiler.Trigger(
                name="tranche_not_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="a4df8d93a521cc902e6f5d14dba60b1ec2776eb7",
                    operation="DELETE",
                    pgid="pgtrigger_tranche_not_deleted_7ae11",
                    table="vouchers_tranche",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tranche",
            trigger=pgtrigger.compiler.Trigger(
                name="tranche_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="a9b4f4b4dca11a7871f32154ced611d22b9cc876",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_tranche_no_truncate_9f413",
                    table="vouchers_tranche",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="proposal_was_approved",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.cause = 'proposal')",
                    func="\n                    PERFORM FROM vouchers_proposaldecision d\n                       JOIN vouchers_proposal p ON p.id = d.proposal_id\n                      WHERE p.id = NEW.cause_id AND p.campaign_id = NEW.campaign_id\n                        AND d.decision = 'approved';\n                    IF NOT FOUND THEN\n                        RAISE EXCEPTION 'nobody approved proposal %', NEW.cause_id\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'proposal_was_approved';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="dfd1f0f6cba0e28ed52d06c9e65ce9841e386dcb",
                    operation="INSERT",
                    pgid="pgtrigger_proposal_was_approved_a3807",
                    table="vouchers_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="voucher",
            trigger=pgtrigger.compiler.Trigger(
                name="voucher_arrows",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN ((1, 2), (1, 3), (1, 4), (2, 1), (2, 3), (3, 1), (3, 4)))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="286f3f1c135d7c2312adad712e80cd3ca61e5a23",
                    operation="UPDATE",
                    pgid="pgtrigger_voucher_arrows_cde51",
                    table="vouchers_voucher",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("refund_policy__in", ["return", "pro_rata", "forfeit"])),
                name="refund_policy_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("authorise_ttl_s__gt", 0)), name="authorisation_lasts_a_while"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("released_at__isnull", True),
                    ("released_at__gte", models.F("opened_at")),
                    _connector="OR",
                ),
                name="hold_released_after_opening",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotacell",
            constraint=models.CheckConstraint(
                condition=models.Q(("bucket_count__range", (1, 64))), name="cell_bucket_count_valid"
            ),
        ),
        migrations.AddConstraint(
            model_name="redemption",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("authorised_fen__isnull", True),
                    ("discount_fen__lte", models.F("authorised_fen")),
                    _connector="OR",
                ),
                name="captured_within_authorised",
            ),
        ),
        migrations.AddConstraint(
            model_name="redemption",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", 1), _negated=True),
                    models.Q(("authorised_fen__isnull", False), ("expires_at__isnull", False)),
                    _connector="OR",
                ),
                name="authorisation_has_an_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="seal",
            constraint=models.UniqueConstraint(
                fields=("campaign", "number"), name="one_seal_per_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="seal",
            constraint=models.CheckConstraint(
                condition=models.Q(("until_xid__gt", models.F("from_xid"))),
                name="seal_goes_forward",
            ),
        ),
        migrations.AddConstraint(
            model_name="settlement",
            constraint=models.CheckConstraint(
                condition=models.Q(("total_fen__gte", 0)), name="settlement_total_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="settlementline",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "redemption")),
                fields=("redemption", "source"),
                name="settled_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="settlementline",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "refund")),
                fields=("refund_id", "source", "settlement"),
                name="netted_once_per_settlement",
            ),
        ),
        migrations.AddField(
            model_name="collection",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="collections",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="collection",
            name="merchant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="merchants.merchant",
            ),
        ),
        migrations.AddField(
            model_name="collection",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="collections",
                to="vouchers.fundingsource",
            ),
        ),
        migrations.AddField(
            model_name="collectionline",
            name="collection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="vouchers.collection",
            ),
        ),
        migrations.AddField(
            model_name="collectionline",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.fundingsource",
            ),
        ),
        migrations.AddField(
            model_name="proposal",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="proposals",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="proposal",
            name="proposed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="proposed by",
            ),
        ),
        migrations.AddField(
            model_name="proposaldecision",
            name="decided_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="decided by",
            ),
        ),
        migrations.AddField(
            model_name="proposaldecision",
            name="proposal",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="decision",
                to="vouchers.proposal",
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="caller",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="merchants.credential",
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="merchant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="merchants.merchant",
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="redemption",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="refunds",
                to="vouchers.redemption",
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="store",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="merchants.store"
            ),
        ),
        migrations.AddField(
            model_name="collectionline",
            name="refund",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="collected",
                to="vouchers.refund",
            ),
        ),
        migrations.AddField(
            model_name="refundpart",
            name="refund",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="parts",
                to="vouchers.refund",
            ),
        ),
        migrations.AddField(
            model_name="refundpart",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.fundingsource",
            ),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_fen__gt", 0)), name="collection_positive"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="collection",
            trigger=pgtrigger.compiler.Trigger(
                name="collection_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="802d7aab329443858d737131743a3db50cda2ae7",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_collection_append_only_71f2e",
                    table="vouchers_collection",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="collection",
            trigger=pgtrigger.compiler.Trigger(
                name="collection_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="6ae417a58fbcb67d3a74e1a4df57fd047adbd4c6",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_collection_no_truncate_3b2c3",
                    table="vouchers_collection",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposal",
            trigger=pgtrigger.compiler.Trigger(
                name="proposal_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="a130df8d1fc775439770255126b62b17fcb0b0e4",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_proposal_append_only_844f2",
                    table="vouchers_proposal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposal",
            trigger=pgtrigger.compiler.Trigger(
                name="proposal_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="f675dab5d604667b4e349a49ce796969fb395744",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_proposal_no_truncate_48bf7",
                    table="vouchers_proposal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposaldecision",
            trigger=pgtrigger.compiler.Trigger(
                name="proposal_decision_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="780d888aff5c7bb4698804f41aa67676bd81b285",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_proposal_decision_append_only_97180",
                    table="vouchers_proposaldecision",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposaldecision",
            trigger=pgtrigger.compiler.Trigger(
                name="proposal_decision_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="4e879e9641ebc18526547ef3786c658e54ff39ee",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_proposal_decision_no_truncate_6b869",
                    table="vouchers_proposaldecision",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposaldecision",
            trigger=pgtrigger.compiler.Trigger(
                name="decision_by_another_person",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE asked vouchers_proposal%ROWTYPE;",
                    func="\n                    SELECT * INTO STRICT asked FROM vouchers_proposal WHERE id = NEW.proposal_id;\n                    IF asked.proposed_by_id = NEW.decided_by_id THEN\n                        RAISE EXCEPTION 'who proposed something cannot decide on it'\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'decision_by_another_person';\n                    END IF;\n                    IF asked.sha256 <> NEW.seen_sha256 THEN\n                        RAISE EXCEPTION 'the decision is about something else'\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'decision_of_what_was_seen';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="d039c8b6c313c3aac50ac81f4e2da0d019aaacce",
                    operation="INSERT",
                    pgid="pgtrigger_decision_by_another_person_dbaba",
                    table="vouchers_proposaldecision",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.UniqueConstraint(
                fields=("merchant", "refund_no"), name="one_refund_per_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_fen__gt", 0)), name="refund_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("clawback_fen__gte", 0)), name="clawback_not_negative"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="refund_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="74d071bd357f196fef7b05229d2f329985d5ccd7",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_refund_append_only_ceb16",
                    table="vouchers_refund",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="refund_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="2c9d4aa5ced5df004e32a9fe11c30dfb6ebc6edb",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_refund_no_truncate_2dba3",
                    table="vouchers_refund",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="refunds_within_payment",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE paid_fen bigint; subsidy_fen bigint; off boolean;",
                    func="\n                    SELECT order_amount_fen - discount_fen, discount_fen INTO paid_fen, subsidy_fen\n                      FROM vouchers_redemption WHERE id = NEW.redemption_id FOR NO KEY UPDATE;\n                    SELECT sum(amount_fen) > paid_fen OR sum(clawback_fen) > subsidy_fen INTO off\n                      FROM vouchers_refund WHERE redemption_id = NEW.redemption_id;\n                    IF off THEN\n                        RAISE EXCEPTION 'refunds of redemption % exceed it', NEW.redemption_id\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'refunds_within_payment';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="9d580bfbb36e0d75a26c3af7757c1771ba1128ec",
                    operation="INSERT",
                    pgid="pgtrigger_refunds_within_payment_cc92e",
                    table="vouchers_refund",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="collectionline",
            constraint=models.UniqueConstraint(
                fields=("collection", "refund"), name="collected_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="collectionline",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_fen__gt", 0)), name="collection_line_positive"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="collectionline",
            trigger=pgtrigger.compiler.Trigger(
                name="collection_line_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="3ad82d713ad71a70d587697858bdb7298a930ef3",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_collection_line_append_only_16eef",
                    table="vouchers_collectionline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="collectionline",
            trigger=pgtrigger.compiler.Trigger(
                name="collection_line_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="ff3eb66496df166b788b1429ce13fc6a26f37a3c",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_collection_line_no_truncate_50545",
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
                    func="\n            PERFORM FROM vouchers_redemption WHERE id = (\n                    SELECT redemption_id FROM vouchers_refund WHERE id = NEW.refund_id)\n                FOR NO KEY UPDATE;\n            SELECT COALESCE((SELECT sum(p.amount_fen) FROM vouchers_refundpart p\n                              WHERE p.refund_id = NEW.refund_id AND p.source_id = NEW.source_id\n                                AND p.target = 'recoverable'), 0)\n                 + COALESCE((SELECT sum(l.amount_fen) FROM vouchers_settlementline l\n                              WHERE l.refund_id = NEW.refund_id AND l.source_id = NEW.source_id\n                                AND l.kind = 'refund'), 0)\n                 - COALESCE((SELECT sum(c.amount_fen) FROM vouchers_collectionline c\n                              WHERE c.refund_id = NEW.refund_id AND c.source_id = NEW.source_id), 0)\n              INTO off_fen;\n            IF off_fen < 0 THEN\n                RAISE EXCEPTION 'refund % is recovered by % fen too much', NEW.refund_id, -off_fen\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'recovered_within_owed';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="a737652fb970edde9d2687fb2adc5c854ff6ceed",
                    operation="INSERT",
                    pgid="pgtrigger_collected_within_owed_f3f64",
                    table="vouchers_collectionline",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="refundpart",
            constraint=models.UniqueConstraint(
                fields=("refund", "source"), name="one_refund_part_per_source"
            ),
        ),
        migrations.AddConstraint(
            model_name="refundpart",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_fen__gt", 0)), name="refund_part_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="refundpart",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("origin__in", ["payable", "risk_held", "settled"]),
                    ("target__in", ["free", "outstanding", "recoverable"]),
                    models.Q(
                        models.Q(("origin", "settled"), _negated=True),
                        ("target", "recoverable"),
                        _connector="OR",
                    ),
                ),
                name="refund_part_accounts",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refundpart",
            trigger=pgtrigger.compiler.Trigger(
                name="refund_part_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="d0556cbe1f6c6d0b292f624efe6be0a592819819",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_refund_part_append_only_f7c87",
                    table="vouchers_refundpart",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refundpart",
            trigger=pgtrigger.compiler.Trigger(
                name="refund_part_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="ba451c2feedbcea2f159aab9ed4f78bd94720a9a",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_refund_part_no_truncate_44583",
                    table="vouchers_refundpart",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refundpart",
            trigger=pgtrigger.compiler.Trigger(
                name="clawback_within_share",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE the_redemption bigint; off_fen bigint;",
                    func="\n                    SELECT redemption_id INTO STRICT the_redemption\n                      FROM vouchers_refund WHERE id = NEW.refund_id;\n                    SELECT COALESCE((SELECT sum((share->>1)::bigint)\n                              FROM vouchers_redemption r\n                             CROSS JOIN jsonb_array_elements(r.split) AS share\n                             WHERE r.id = the_redemption\n                               AND (share->>0)::bigint = NEW.source_id), 0)\n                         - (SELECT sum(p.amount_fen) FROM vouchers_refundpart p\n                              JOIN vouchers_refund f ON f.id = p.refund_id\n                             WHERE f.redemption_id = the_redemption\n                               AND p.source_id = NEW.source_id)\n                      INTO off_fen;\n                    IF off_fen < 0 THEN\n                        RAISE EXCEPTION 'source % gets back more than it paid', NEW.source_id\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'clawback_within_share';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="0402d3bf182d8e210825d13dba58fa5b81f534a6",
                    operation="INSERT",
                    pgid="pgtrigger_clawback_within_share_23fe6",
                    table="vouchers_refundpart",
                    when="AFTER",
                ),
            ),
        ),
    ]
