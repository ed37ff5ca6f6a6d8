"""What a campaign asks of an order, orders taken offline, and numbers that a capture brings."""

import pgtrigger.compiler
import pgtrigger.migrations
import vouchers.sql.operations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0004_privileges"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="campaign_terms_frozen",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="redemption",
            name="redemption_amounts_frozen",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="redemption",
            name="redemption_facts_frozen",
        ),
        migrations.AddField(
            model_name="campaign",
            name="order_numbers",
            field=models.JSONField(
                blank=True, default=list, verbose_name="numbers asked of an order"
            ),
        ),
        migrations.AddField(
            model_name="redemption",
            name="occurred_at",
            field=models.DateTimeField(null=True, verbose_name="taken offline at"),
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "campaign": [
                    pgtrigger.compiler.Trigger(
                        name="campaign_terms_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.state <> 'draft' AND (OLD.starts_at IS DISTINCT FROM NEW.starts_at OR OLD.radius_m IS DISTINCT FROM NEW.radius_m OR OLD.point_kinds IS DISTINCT FROM NEW.point_kinds OR OLD.audience_filter IS DISTINCT FROM NEW.audience_filter OR OLD.order_kinds IS DISTINCT FROM NEW.order_kinds OR OLD.excluded_categories IS DISTINCT FROM NEW.excluded_categories OR OLD.order_numbers IS DISTINCT FROM NEW.order_numbers OR OLD.refund_policy IS DISTINCT FROM NEW.refund_policy OR OLD.authorise_ttl_s IS DISTINCT FROM NEW.authorise_ttl_s OR OLD.anchor_recipients IS DISTINCT FROM NEW.anchor_recipients OR OLD.terms_id IS NOT DISTINCT FROM NEW.terms_id AND (OLD.ends_at IS DISTINCT FROM NEW.ends_at OR OLD.validity_s IS DISTINCT FROM NEW.validity_s)))",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="54a91ff319d08b50bc68d7445f6da66011b338cb",
                            operation="UPDATE",
                            pgid="pgtrigger_campaign_terms_frozen_4651d",
                            table="vouchers_campaign",
                            when="BEFORE",
                        ),
                    ),
                ],
                "redemption": [
                    pgtrigger.compiler.Trigger(
                        name="redemption_facts_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.store_id IS DISTINCT FROM NEW.store_id OR OLD.merchant_id IS DISTINCT FROM NEW.merchant_id OR OLD.campaign_id IS DISTINCT FROM NEW.campaign_id OR OLD.voucher_id IS DISTINCT FROM NEW.voucher_id OR OLD.allocation_id IS DISTINCT FROM NEW.allocation_id OR OLD.resident_id IS DISTINCT FROM NEW.resident_id OR OLD.shown_by_id IS DISTINCT FROM NEW.shown_by_id OR OLD.caller_id IS DISTINCT FROM NEW.caller_id OR OLD.terminal IS DISTINCT FROM NEW.terminal OR OLD.device IS DISTINCT FROM NEW.device OR OLD.order_no IS DISTINCT FROM NEW.order_no OR OLD.order_kind IS DISTINCT FROM NEW.order_kind OR OLD.category IS DISTINCT FROM NEW.category OR OLD.channel IS DISTINCT FROM NEW.channel OR OLD.business_day IS DISTINCT FROM NEW.business_day OR OLD.redeemed_at IS DISTINCT FROM NEW.redeemed_at OR OLD.authorised_fen IS DISTINCT FROM NEW.authorised_fen OR OLD.expires_at IS DISTINCT FROM NEW.expires_at OR OLD.links IS DISTINCT FROM NEW.links OR OLD.occurred_at IS DISTINCT FROM NEW.occurred_at OR OLD.xid IS DISTINCT FROM NEW.xid)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="ca60f893d70ddcd87f56de1995273297c84a0e90",
                            operation="UPDATE",
                            pgid="pgtrigger_redemption_facts_frozen_dd154",
                            table="vouchers_redemption",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="redemption_amounts_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NOT (OLD.state = 1 AND NEW.state = 2) AND (OLD.order_amount_fen, OLD.eligible_amount_fen, OLD.discount_fen, OLD.split, OLD.captured_at, OLD.payment_ref, OLD.receipt_no) IS DISTINCT FROM (NEW.order_amount_fen, NEW.eligible_amount_fen, NEW.discount_fen, NEW.split, NEW.captured_at, NEW.payment_ref, NEW.receipt_no))",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="cfe449177b10610662bd722522e8f392f1059b74",
                            operation="UPDATE",
                            pgid="pgtrigger_redemption_amounts_frozen_4749c",
                            table="vouchers_redemption",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
    ]
