"""Risk rules, their tallies, and signals that say what was decided on."""

import django.db.models.deletion
import pgtrigger.compiler
import vouchers.sql.operations
from vouchers.sql.privileges import grant
from django.db import migrations, models


FILL = "ALTER TABLE vouchers_risktally SET (fillfactor = 50)"


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0002_triggers"),
        ("vouchers", "0007_present"),
    ]

    operations = [
        migrations.DeleteModel(
            name="Signal",
        ),
        migrations.AlterField(
            model_name="proposal",
            name="kind",
            field=models.CharField(
                choices=[
                    ("appropriation", "change of an appropriation (批复额度调整)"),
                    ("quotas", "change of quotas (配额调整)"),
                    ("repayment", "left-over to the treasury (缴回)"),
                    ("risk_rules", "risk rules (风控规则)"),
                ],
                max_length=13,
                verbose_name="kind",
            ),
        ),
        migrations.CreateModel(
            name="RiskVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="version")),
                ("rules", models.JSONField(verbose_name="rules")),
                ("in_force_at", models.DateTimeField(verbose_name="in force from")),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="risk_versions",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "proposal",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.proposal",
                    ),
                ),
            ],
            options={
                "verbose_name": "risk rules",
                "verbose_name_plural": "risk rules",
                "ordering": ["campaign", "-number"],
            },
        ),
        migrations.CreateModel(
            name="Signal",
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
                            ("terminal_minute", "redemptions of a till in a minute"),
                            ("merchant_day", "subsidy of a merchant in a day"),
                            ("device_shared", "residents of one device"),
                            ("store_distance", "shown far from the store"),
                            ("impossible_travel", "one person at two stores too soon"),
                            ("threshold_hugging", "orders just above the threshold"),
                            ("split_orders", "one purchase in several orders"),
                            ("night_hours", "at night"),
                            ("few_people", "the same few people at one till"),
                            ("terminal_roaming", "one till in several stores"),
                            ("refund_rate", "many refunds of a store"),
                        ],
                        max_length=20,
                        verbose_name="kind",
                    ),
                ),
                (
                    "setting",
                    models.CharField(
                        choices=[
                            ("off", "off"),
                            ("shadow", "shadow: recorded only"),
                            ("live", "live"),
                        ],
                        max_length=6,
                        verbose_name="setting",
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("pay", "pay"),
                            ("hold", "pay, hold the merchant's money"),
                            ("refuse", "refuse"),
                        ],
                        max_length=6,
                        verbose_name="verdict",
                    ),
                ),
                ("subject", models.CharField(max_length=20, verbose_name="subject")),
                ("subject_id", models.BigIntegerField(verbose_name="subject no.")),
                ("order_no", models.CharField(max_length=64, verbose_name="order no.")),
                ("facts", models.JSONField(default=dict, verbose_name="facts")),
                ("raised_at", models.DateTimeField(verbose_name="raised at")),
                (
                    "campaign",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "redemption",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.redemption",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="merchants.store",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.riskversion",
                        verbose_name="rules",
                    ),
                ),
                (
                    "voucher",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.voucher",
                    ),
                ),
            ],
            options={
                "verbose_name": "signal",
                "verbose_name_plural": "signals",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RiskTally",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "kind",
                        "campaign_id",
                        "subject_id",
                        "window_no",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("kind", models.SmallIntegerField(verbose_name="counts")),
                ("subject_id", models.BigIntegerField(verbose_name="subject")),
                ("window_no", models.BigIntegerField(verbose_name="window")),
                ("used_count", models.IntegerField(verbose_name="redemptions")),
                ("used_fen", models.BigIntegerField(verbose_name="subsidy, fen")),
                ("last_at", models.DateTimeField(null=True, verbose_name="latest at")),
                (
                    "campaign",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "last_store",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="merchants.store",
                    ),
                ),
            ],
            options={
                "verbose_name": "risk tally",
                "verbose_name_plural": "risk tallies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("used_count__gte", 0), ("used_fen__gte", 0)),
                        name="tally_not_negative",
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="riskversion",
            constraint=models.UniqueConstraint(
                fields=("campaign", "number"), name="one_risk_version_per_number"
            ),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(fields=["subject", "subject_id"], name="signal_by_subject"),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(fields=["campaign", "-id"], name="signal_by_campaign"),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "risktally": [
                    pgtrigger.compiler.Trigger(
                        name="risk_tally_not_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="23fd61e9b7f5f1353a13fc8c081d28a9f8766755",
                            operation="DELETE",
                            pgid="pgtrigger_risk_tally_not_deleted_a8300",
                            table="vouchers_risktally",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="risk_tally_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="03b375ac392bf967b95769db0e39679a184156fb",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_risk_tally_no_truncate_57950",
                            table="vouchers_risktally",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tally_never_falls",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.used_count < OLD.used_count OR NEW.used_fen < OLD.used_fen OR NEW.last_at < OLD.last_at)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="fe401e85500d86bd70594e710cb8e7a8de629ede",
                            operation="UPDATE",
                            pgid="pgtrigger_tally_never_falls_885e2",
                            table="vouchers_risktally",
                            when="BEFORE",
                        ),
                    ),
                ],
                "riskversion": [
                    pgtrigger.compiler.Trigger(
                        name="risk_version_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="09bdd2d97b1bf44ccf2a36fa2f9481b405123d93",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_risk_version_append_only_3bd7f",
                            table="vouchers_riskversion",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="risk_version_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="feb6d52398a2b75270c0a31859d6ae32f2bea075",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_risk_version_no_truncate_d043c",
                            table="vouchers_riskversion",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="risk_version_was_approved",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n            IF NOT EXISTS (SELECT FROM vouchers_proposal p JOIN vouchers_proposaldecision d ON d.proposal_id = p.id WHERE p.id = NEW.proposal_id AND p.campaign_id = NEW.campaign_id AND p.kind = 'risk_rules' AND d.decision = 'approved' AND (p.document ->> 'expected_version')::int + 1 = NEW.number AND p.document -> 'rules' = NEW.rules) THEN\n                RAISE EXCEPTION 'these risk rules were not approved'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'risk_version_was_approved';\n            END IF; RETURN NEW;",
                            hash="46e98afd210ec695ce4f7ea517da80c0452866b8",
                            operation="INSERT",
                            pgid="pgtrigger_risk_version_was_approved_32bf2",
                            table="vouchers_riskversion",
                            when="BEFORE",
                        ),
                    ),
                ],
                "signal": [
                    pgtrigger.compiler.Trigger(
                        name="signal_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="80b93383a77eebad55de700f40dad076c52d0ec6",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_signal_append_only_e7606",
                            table="vouchers_signal",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="signal_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="7ebdb7e9a01999335ee3843699bf2aad83f4fffe",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_signal_no_truncate_65d22",
                            table="vouchers_signal",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
