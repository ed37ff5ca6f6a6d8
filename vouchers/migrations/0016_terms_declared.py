"""Triggers that freeze terms are made from the declaration of the terms."""

import pgtrigger.compiler
import pgtrigger.migrations
import vouchers.models.campaigns
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0015_what_hostile_hands_may_not"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="caprule",
            options={"verbose_name": "limit", "verbose_name_plural": "limits"},
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="campaign_identity_frozen",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="campaign_terms_frozen",
        ),
        migrations.AlterField(
            model_name="campaign",
            name="authorise_ttl_s",
            field=models.PositiveIntegerField(default=900, verbose_name="an authorisation lasts"),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="order_kinds",
            field=models.JSONField(blank=True, default=list, verbose_name="orders accepted"),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="point_kinds",
            field=models.JSONField(
                default=vouchers.models.campaigns.only_home, verbose_name="places that count"
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="radius_m",
            field=models.PositiveIntegerField(default=3000, verbose_name="radius around stores"),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="validity_s",
            field=models.PositiveIntegerField(verbose_name="validity of a voucher"),
        ),
        migrations.AlterField(
            model_name="campaignstore",
            name="radius_m",
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name="own radius"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="campaign_identity_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.code IS DISTINCT FROM NEW.code OR OLD.zone IS DISTINCT FROM NEW.zone OR OLD.is_test IS DISTINCT FROM NEW.is_test OR OLD.currency IS DISTINCT FROM NEW.currency)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="036fbf1c81110f89a72b4804399b6774b5aabc20",
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
                    condition="WHEN (OLD.state <> 'draft' AND (OLD.starts_at IS DISTINCT FROM NEW.starts_at OR OLD.radius_m IS DISTINCT FROM NEW.radius_m OR OLD.point_kinds IS DISTINCT FROM NEW.point_kinds OR OLD.audience_filter IS DISTINCT FROM NEW.audience_filter OR OLD.order_kinds IS DISTINCT FROM NEW.order_kinds OR OLD.excluded_categories IS DISTINCT FROM NEW.excluded_categories OR OLD.refund_policy IS DISTINCT FROM NEW.refund_policy OR OLD.authorise_ttl_s IS DISTINCT FROM NEW.authorise_ttl_s OR OLD.anchor_recipients IS DISTINCT FROM NEW.anchor_recipients OR OLD.terms_id IS NOT DISTINCT FROM NEW.terms_id AND (OLD.ends_at IS DISTINCT FROM NEW.ends_at OR OLD.validity_s IS DISTINCT FROM NEW.validity_s)))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="170abc180aed98abc2ec421f18293d6b5b76a0b4",
                    operation="UPDATE",
                    pgid="pgtrigger_campaign_terms_frozen_4651d",
                    table="vouchers_campaign",
                    when="BEFORE",
                ),
            ),
        ),
    ]
