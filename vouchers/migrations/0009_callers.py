"""Webhooks: endpoints, deliveries, what the outbox knows of both. The clocks of test campaigns."""

import datetime
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import vouchers.sql.operations
from django.db import migrations, models

from vouchers.sql.privileges import grant


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0003_terminals"),
        ("vouchers", "0008_risk_rules"),
    ]

    operations = [
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
                ("status", models.PositiveSmallIntegerField(null=True, verbose_name="HTTP status")),
                ("error", models.CharField(blank=True, max_length=200, verbose_name="error")),
                ("took_ms", models.PositiveIntegerField(verbose_name="took, ms")),
            ],
            options={
                "verbose_name": "webhook delivery",
                "verbose_name_plural": "webhook deliveries",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "channel_code",
                    models.CharField(blank=True, max_length=20, verbose_name="channel"),
                ),
                ("url", models.CharField(max_length=300, verbose_name="address")),
                ("events", models.JSONField(verbose_name="events")),
                ("is_test", models.BooleanField(default=False, verbose_name="test")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("paused", "paused"),
                            ("disabled", "disabled"),
                        ],
                        default="active",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                (
                    "secret_number",
                    models.PositiveIntegerField(default=1, verbose_name="secret no."),
                ),
                (
                    "previous_secret_until_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="previous secret until"
                    ),
                ),
                (
                    "failures",
                    models.PositiveIntegerField(default=0, verbose_name="failures in a row"),
                ),
                (
                    "failing_since_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="failing since"),
                ),
                (
                    "rests_until_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="rests until"),
                ),
                ("created_at", models.DateTimeField(verbose_name="created at")),
            ],
            options={
                "verbose_name": "webhook endpoint",
                "verbose_name_plural": "webhook endpoints",
                "ordering": ["id"],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="outbox",
            name="message_frozen",
        ),
        migrations.RemoveIndex(
            model_name="outbox",
            name="outbox_unsent",
        ),
        migrations.AddField(
            model_name="outbox",
            name="given_up_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="given up at"),
        ),
        migrations.AddField(
            model_name="outbox",
            name="tries_before",
            field=models.PositiveIntegerField(default=0, verbose_name="tries before the replay"),
        ),
        migrations.AddField(
            model_name="webhookdelivery",
            name="message",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="vouchers.outbox",
                verbose_name="message",
            ),
        ),
        migrations.AddField(
            model_name="webhookendpoint",
            name="merchant",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="webhook_endpoints",
                to="merchants.merchant",
                verbose_name="merchant",
            ),
        ),
        migrations.AddField(
            model_name="outbox",
            name="endpoint",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="vouchers.webhookendpoint",
                verbose_name="endpoint",
            ),
        ),
        migrations.AddIndex(
            model_name="outbox",
            index=models.Index(
                condition=models.Q(("given_up_at__isnull", True), ("sent_at__isnull", True)),
                fields=["tries", "id"],
                name="outbox_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("channel_code", ""), ("merchant__isnull", False)),
                    models.Q(("channel_code__gt", ""), ("merchant__isnull", True)),
                    _connector="OR",
                ),
                name="endpoint_of_merchant_or_channel",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("url__regex", "^https://[^/?#@\\s]+(/[^#\\s]*)?$")),
                name="endpoint_is_https",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["active", "paused", "disabled"])),
                name="endpoint_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.UniqueConstraint(
                fields=("merchant", "channel_code", "is_test", "url"),
                name="one_endpoint_per_address",
                nulls_distinct=False,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="outbox",
            trigger=pgtrigger.compiler.Trigger(
                name="message_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.topic IS DISTINCT FROM NEW.topic OR OLD.key IS DISTINCT FROM NEW.key OR OLD.payload IS DISTINCT FROM NEW.payload OR OLD.endpoint_id IS DISTINCT FROM NEW.endpoint_id OR OLD.created_at IS DISTINCT FROM NEW.created_at OR OLD.xid IS DISTINCT FROM NEW.xid)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="05d5f5cd62c91ebc3c369ece3fdd1f5d0cb60a9a",
                    operation="UPDATE",
                    pgid="pgtrigger_message_frozen_3acb1",
                    table="vouchers_outbox",
                    when="BEFORE",
                ),
            ),
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "webhookdelivery": [
                    pgtrigger.compiler.Trigger(
                        name="webhook_delivery_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="f7307b95e70aff8edec5caac52370b7ddbc4faef",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_webhook_delivery_append_only_8e56d",
                            table="vouchers_webhookdelivery",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="webhook_delivery_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="c912c061400b728dbecbaff14717210a61a063e0",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_webhook_delivery_no_truncate_5bfb1",
                            table="vouchers_webhookdelivery",
                            when="BEFORE",
                        ),
                    ),
                ],
                "webhookendpoint": [
                    pgtrigger.compiler.Trigger(
                        name="webhook_endpoint_not_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="65059b25b94d51de69a8d52e63b2c5ec79695667",
                            operation="DELETE",
                            pgid="pgtrigger_webhook_endpoint_not_deleted_a802d",
                            table="vouchers_webhookendpoint",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="webhook_endpoint_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="914a8b9e3a16de6413e1e5cee3ba00234926a352",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_webhook_endpoint_no_truncate_f7f58",
                            table="vouchers_webhookendpoint",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="endpoint_owner_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.merchant_id IS DISTINCT FROM NEW.merchant_id OR OLD.channel_code IS DISTINCT FROM NEW.channel_code OR OLD.is_test IS DISTINCT FROM NEW.is_test OR OLD.created_at IS DISTINCT FROM NEW.created_at)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="af4c4850a911835099ebe22c58a7adf5594adf0d",
                            operation="UPDATE",
                            pgid="pgtrigger_endpoint_owner_frozen_c6a70",
                            table="vouchers_webhookendpoint",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SandboxClock",
            fields=[
                (
                    "campaign",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="sandbox_clock",
                        serialize=False,
                        to="vouchers.campaign",
                    ),
                ),
                ("ahead", models.DurationField(verbose_name="ahead of the real time")),
                ("moved_by", models.CharField(max_length=150, verbose_name="moved by")),
                ("moved_at", models.DateTimeField(verbose_name="moved at")),
            ],
            options={
                "verbose_name": "sandbox clock",
                "verbose_name_plural": "sandbox clocks",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ahead__gte", datetime.timedelta(0)),
                            ("ahead__lte", datetime.timedelta(days=1098)),
                        ),
                        name="clock_within_bounds",
                    )
                ],
            },
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "sandboxclock": [
                    pgtrigger.compiler.Trigger(
                        name="clock_never_back",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.ahead < OLD.ahead)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="e17b2250583c28aa659afccdd223adb40549a1a6",
                            operation="UPDATE",
                            pgid="pgtrigger_clock_never_back_8d39f",
                            table="vouchers_sandboxclock",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="clock_of_test_campaign",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n            IF NOT EXISTS (SELECT FROM vouchers_campaign WHERE id = NEW.campaign_id AND is_test AND state NOT IN ('draft', 'submitted', 'approved')) THEN\n                RAISE EXCEPTION 'only a launched test campaign has a clock of its own'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'clock_of_test_campaign';\n            END IF; RETURN NEW;",
                            hash="b88994a947bfa75cca2b2dcfff71eea69ec0e854",
                            operation="INSERT OR UPDATE",
                            pgid="pgtrigger_clock_of_test_campaign_fea7b",
                            table="vouchers_sandboxclock",
                            when="BEFORE",
                        ),
                    ),
                ]
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
