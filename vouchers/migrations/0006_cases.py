"""Cases opened from signals, the index a sweep finds these by, and back-tests of risk rules."""

import django.db.models.deletion
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models

from vouchers.sql.operations import AddTriggers
from vouchers.sql.privileges import grant


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0002_triggers"),
        ("vouchers", "0005_streets_and_need"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BackTest",
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
                        verbose_name="rule",
                    ),
                ),
                ("rule", models.JSONField(verbose_name="rule")),
                ("first_day", models.DateField(verbose_name="from")),
                ("last_day", models.DateField(verbose_name="to")),
                ("requested_by", models.CharField(max_length=150, verbose_name="requested by")),
                ("requested_at", models.DateTimeField(verbose_name="requested at")),
                ("done_count", models.IntegerField(default=0, verbose_name="looked at")),
                ("total_count", models.IntegerField(default=0, verbose_name="redemptions")),
                ("fence", models.IntegerField(default=0, verbose_name="token")),
                ("lease_until_at", models.DateTimeField(null=True, verbose_name="leased until")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished at")),
                ("result", models.JSONField(default=dict, verbose_name="result")),
            ],
            options={
                "verbose_name": "back-test",
                "verbose_name_plural": "back-tests",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Case",
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
                        verbose_name="rule",
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        choices=[
                            ("store", "store"),
                            ("merchant", "merchant"),
                            ("resident", "resident"),
                            ("device", "device"),
                        ],
                        max_length=20,
                        verbose_name="concerns",
                    ),
                ),
                ("subject_id", models.BigIntegerField(verbose_name="subject no.")),
                ("window_no", models.BigIntegerField(verbose_name="week")),
                (
                    "severity",
                    models.SmallIntegerField(
                        choices=[(3, "high"), (2, "medium"), (1, "low")], verbose_name="severity"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("cleared", "cleared"),
                            ("confirmed", "fraud confirmed"),
                        ],
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("signal_count", models.IntegerField(verbose_name="signals")),
                ("subsidy_fen", models.BigIntegerField(verbose_name="subsidy concerned")),
                ("opened_at", models.DateTimeField(verbose_name="opened at")),
                ("deadline_at", models.DateTimeField(verbose_name="deadline")),
                ("act_count", models.IntegerField(default=0, verbose_name="acts")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                (
                    "decided_by",
                    models.CharField(blank=True, max_length=150, verbose_name="decided by"),
                ),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="reason")),
            ],
            options={
                "verbose_name": "case",
                "verbose_name_plural": "cases",
                "ordering": ["deadline_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="CaseSignal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
            ],
            options={
                "verbose_name": "signal of a case",
                "verbose_name_plural": "signals of cases",
            },
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(
                condition=models.Q(("setting", "live")), fields=["id"], name="signal_of_live_rule"
            ),
        ),
        migrations.AddField(
            model_name="backtest",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="assignee",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="assigned to",
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cases",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="store",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="merchants.store",
                verbose_name="store",
            ),
        ),
        migrations.AddField(
            model_name="casesignal",
            name="case",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="members",
                to="vouchers.case",
            ),
        ),
        migrations.AddField(
            model_name="casesignal",
            name="signal",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="membership",
                to="vouchers.signal",
            ),
        ),
        migrations.AddIndex(
            model_name="backtest",
            index=models.Index(
                condition=models.Q(("finished_at", None)),
                fields=["id"],
                name="back_test_that_waits",
            ),
        ),
        migrations.AddConstraint(
            model_name="backtest",
            constraint=models.CheckConstraint(
                condition=models.Q(("last_day__gte", models.F("first_day"))),
                name="back_test_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="backtest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at", None), ("result", {})),
                    models.Q(
                        models.Q(("finished_at", None), _negated=True),
                        models.Q(("result", {}), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="back_test_finished_with_result",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["state", "deadline_at"], name="case_by_deadline"),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")),
                fields=("campaign", "kind", "subject", "subject_id", "window_no"),
                name="one_open_case_per_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("act_count__gte", 0), ("signal_count__gt", 0), ("subsidy_fen__gte", 0)
                ),
                name="case_counts_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decided_at", None), ("decided_by", ""), ("reason", ""), ("state", "open")
                    ),
                    models.Q(
                        models.Q(("state", "open"), _negated=True),
                        ("decided_at__gte", models.F("opened_at")),
                        models.Q(("decided_by", ""), _negated=True),
                        models.Q(("reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="case_decided_with_reason",
            ),
        ),
        AddTriggers(
            triggers={
                "backtest": [
                    pgtrigger.compiler.Trigger(
                        name="back_test_not_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="88c2076e28a649e69d156ef1b4ddefa18737efa0",
                            operation="DELETE",
                            pgid="pgtrigger_back_test_not_deleted_367c6",
                            table="vouchers_backtest",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="back_test_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="77525f1700a789aea9763db80375707b60929fe4",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_back_test_no_truncate_dbe5b",
                            table="vouchers_backtest",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="back_test_question_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.campaign_id IS DISTINCT FROM NEW.campaign_id OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.rule IS DISTINCT FROM NEW.rule OR OLD.first_day IS DISTINCT FROM NEW.first_day OR OLD.last_day IS DISTINCT FROM NEW.last_day OR OLD.requested_by IS DISTINCT FROM NEW.requested_by OR OLD.requested_at IS DISTINCT FROM NEW.requested_at)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="ab6dced42c3c97e8ea8fe9c99a7a51abc78d9a66",
                            operation="UPDATE",
                            pgid="pgtrigger_back_test_question_frozen_5c279",
                            table="vouchers_backtest",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="back_test_finished_once",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.finished_at IS NOT NULL)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="3fa18d85201c322033df3c9ded842680a0b3f218",
                            operation="UPDATE",
                            pgid="pgtrigger_back_test_finished_once_816dc",
                            table="vouchers_backtest",
                            when="BEFORE",
                        ),
                    ),
                ],
                "case": [
                    pgtrigger.compiler.Trigger(
                        name="case_not_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="405ea6baf9bbb24533a3d9881cc8c6848115f20e",
                            operation="DELETE",
                            pgid="pgtrigger_case_not_deleted_b3303",
                            table="vouchers_case",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="case_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="8a8f783d43f7187eefc161503ac37d77553692e4",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_case_no_truncate_8522d",
                            table="vouchers_case",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="case_begins_open",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.state NOT IN ('open'))",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;",
                            hash="7c2751d024573347082d6e5c3e3cefcf5069935d",
                            operation="INSERT",
                            pgid="pgtrigger_case_begins_open_15954",
                            table="vouchers_case",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="case_arrows",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN (('open', 'cleared'), ('open', 'confirmed')))",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="133ff425c1fa6fa472ed00489e7c13f126609fd9",
                            operation="UPDATE",
                            pgid="pgtrigger_case_arrows_753e3",
                            table="vouchers_case",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="case_subject_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.campaign_id IS DISTINCT FROM NEW.campaign_id OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.subject IS DISTINCT FROM NEW.subject OR OLD.subject_id IS DISTINCT FROM NEW.subject_id OR OLD.window_no IS DISTINCT FROM NEW.window_no OR OLD.store_id IS DISTINCT FROM NEW.store_id OR OLD.opened_at IS DISTINCT FROM NEW.opened_at)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="fe877b04c5f5113d5da5b1e65d48713908dac95d",
                            operation="UPDATE",
                            pgid="pgtrigger_case_subject_frozen_24037",
                            table="vouchers_case",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="case_decided_once",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.state <> 'open')",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="d47ae005457f249cc81d86e484e511fac60ea96c",
                            operation="UPDATE",
                            pgid="pgtrigger_case_decided_once_4cef2",
                            table="vouchers_case",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="case_counts_never_fall",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.signal_count < OLD.signal_count OR NEW.subsidy_fen < OLD.subsidy_fen OR NEW.act_count < OLD.act_count OR NEW.severity < OLD.severity)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="482282b0e0de4c233251cbce04c19f6b3dc5e3e7",
                            operation="UPDATE",
                            pgid="pgtrigger_case_counts_never_fall_4e93a",
                            table="vouchers_case",
                            when="BEFORE",
                        ),
                    ),
                ],
                "casesignal": [
                    pgtrigger.compiler.Trigger(
                        name="case_signal_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="0944241ffe212bd903048737932fea00eed73a3e",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_case_signal_append_only_2ed32",
                            table="vouchers_casesignal",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="case_signal_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="1bf89f139733fc209d6a42700cc278bb05589867",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_case_signal_no_truncate_82ac6",
                            table="vouchers_casesignal",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="case_signal_fits",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n            IF NOT EXISTS (SELECT FROM vouchers_case c JOIN vouchers_signal s USING (campaign_id, kind, subject, subject_id) WHERE c.id = NEW.case_id AND s.id = NEW.signal_id AND c.state = 'open' AND s.setting = 'live') THEN\n                RAISE EXCEPTION 'not a live signal about the subject of an open case'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'case_signal_fits';\n            END IF; RETURN NEW;",
                            hash="15987881a7ae0fac9749a6c47880b1e293846bbb",
                            operation="INSERT",
                            pgid="pgtrigger_case_signal_fits_7e2c2",
                            table="vouchers_casesignal",
                            when="BEFORE",
                        ),
                    ),
                ],
            }
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
