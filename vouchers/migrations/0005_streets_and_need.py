"""Streets to stay within, and the weights of the need score; rights of the new table."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from vouchers.sql.privileges import grant


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0003_streets"),
        ("vouchers", "0004_privileges"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="campaign_terms_frozen",
        ),
        migrations.RemoveConstraint(
            model_name="geofence",
            name="geofence_has_its_area",
        ),
        migrations.AddField(
            model_name="campaign",
            name="need_weights",
            field=models.JSONField(blank=True, default=dict, verbose_name="need is counted by"),
        ),
        migrations.AddField(
            model_name="geofence",
            name="street",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="merchants.street",
                verbose_name="street (街镇)",
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="selection_method",
            field=models.CharField(
                choices=[
                    ("nearest", "nearest to a participating store (就近)"),
                    ("random", "by lot (随机)"),
                    ("need", "highest need (按需)"),
                    ("districts", "districts in proportion to population (按区人口)"),
                ],
                default="nearest",
                max_length=9,
                verbose_name="who comes first",
            ),
        ),
        migrations.AlterField(
            model_name="geofence",
            name="kind",
            field=models.CharField(
                choices=[
                    ("include_polygon", "also inside this polygon"),
                    ("within_district", "only within this district"),
                    ("within_street", "only within this street (街镇)"),
                ],
                max_length=16,
                verbose_name="kind",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="campaign_terms_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state <> 'draft' AND (OLD.starts_at IS DISTINCT FROM NEW.starts_at OR OLD.radius_m IS DISTINCT FROM NEW.radius_m OR OLD.point_kinds IS DISTINCT FROM NEW.point_kinds OR OLD.audience_filter IS DISTINCT FROM NEW.audience_filter OR OLD.selection_method IS DISTINCT FROM NEW.selection_method OR OLD.need_weights IS DISTINCT FROM NEW.need_weights OR OLD.senior_share_bp IS DISTINCT FROM NEW.senior_share_bp OR OLD.small_shop_share_bp IS DISTINCT FROM NEW.small_shop_share_bp OR OLD.hold_out_bp IS DISTINCT FROM NEW.hold_out_bp OR OLD.order_kinds IS DISTINCT FROM NEW.order_kinds OR OLD.excluded_categories IS DISTINCT FROM NEW.excluded_categories OR OLD.order_numbers IS DISTINCT FROM NEW.order_numbers OR OLD.presence_required IS DISTINCT FROM NEW.presence_required OR OLD.refund_policy IS DISTINCT FROM NEW.refund_policy OR OLD.authorise_ttl_s IS DISTINCT FROM NEW.authorise_ttl_s OR OLD.anchor_recipients IS DISTINCT FROM NEW.anchor_recipients OR OLD.terms_id IS NOT DISTINCT FROM NEW.terms_id AND (OLD.ends_at IS DISTINCT FROM NEW.ends_at OR OLD.validity_s IS DISTINCT FROM NEW.validity_s)))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="50d24c02139c6a32534df38506964a6c51b899ad",
                    operation="UPDATE",
                    pgid="pgtrigger_campaign_terms_frozen_4651d",
                    table="vouchers_campaign",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="geofence",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("district__isnull", True),
                        ("geometry__isnull", False),
                        ("kind", "include_polygon"),
                        ("street__isnull", True),
                    ),
                    models.Q(
                        ("district__isnull", False),
                        ("geometry__isnull", True),
                        ("kind", "within_district"),
                        ("street__isnull", True),
                    ),
                    models.Q(
                        ("district__isnull", True),
                        ("geometry__isnull", False),
                        ("kind", "within_street"),
                        ("street__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="geofence_has_its_area",
            ),
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
