"""Terms are edited in a draft only, and who edited them is written down for good."""

from typing import Any

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


def grant_to_services(apps: Any, schema_editor: Any) -> None:
    """The services add edits and never change one; skipped where one role does both."""
    role = settings.DATABASES["default"]["USER"]
    if role == schema_editor.connection.settings_dict["USER"]:
        return
    role = schema_editor.quote_name(role)
    schema_editor.execute(f"GRANT SELECT, INSERT ON vouchers_campaignedit TO {role}")
    schema_editor.execute(f"GRANT USAGE ON SEQUENCE vouchers_campaignedit_id_seq TO {role}")


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0004_privileges"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="campaign",
            options={
                "ordering": ["-starts_at"],
                "permissions": [("pause_campaign", "Can pause campaign")],
                "verbose_name": "campaign",
                "verbose_name_plural": "campaigns",
            },
        ),
        migrations.CreateModel(
            name="CampaignEdit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("what", models.CharField(max_length=80, verbose_name="what")),
                ("at", models.DateTimeField(verbose_name="at")),
            ],
            options={
                "verbose_name": "edit",
                "verbose_name_plural": "edits",
                "ordering": ["id"],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="campaign_terms_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state <> 'draft' AND OLD.terms_id IS NOT DISTINCT FROM NEW.terms_id AND (OLD.starts_at, OLD.ends_at, OLD.validity_s, OLD.radius_m, OLD.point_kinds, OLD.audience_filter, OLD.excluded_categories, OLD.order_kinds) IS DISTINCT FROM (NEW.starts_at, NEW.ends_at, NEW.validity_s, NEW.radius_m, NEW.point_kinds, NEW.audience_filter, NEW.excluded_categories, NEW.order_kinds))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="c5782e3ce28271f262499acfaf42197af601b5c6",
                    operation="UPDATE",
                    pgid="pgtrigger_campaign_terms_frozen_4651d",
                    table="vouchers_campaign",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="caprule",
            trigger=pgtrigger.compiler.Trigger(
                name="cap_only_in_draft",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE campaign_state text;",
                    func="\n            SELECT state INTO campaign_state FROM vouchers_campaign WHERE id = COALESCE(NEW.campaign_id, OLD.campaign_id) FOR SHARE;\n            IF campaign_state <> 'draft' THEN\n                RAISE EXCEPTION 'terms of a % campaign cannot be edited', campaign_state\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_only_in_draft';\n            END IF;\n            RETURN COALESCE(NEW, OLD);\n        ",
                    hash="f490cbf3b9d8d6d46c949de4c644ab7a7bef2eca",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_cap_only_in_draft_77587",
                    table="vouchers_caprule",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="fundingsource",
            trigger=pgtrigger.compiler.Trigger(
                name="source_identity_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.campaign_id IS DISTINCT FROM NEW.campaign_id OR OLD.code IS DISTINCT FROM NEW.code)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="5177e236f5eb1435afaaccabecf941af4596575c",
                    operation="UPDATE",
                    pgid="pgtrigger_source_identity_frozen_ee3d0",
                    table="vouchers_fundingsource",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="fundingsource",
            trigger=pgtrigger.compiler.Trigger(
                name="source_only_in_draft",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE campaign_state text;",
                    func="\n            SELECT state INTO campaign_state FROM vouchers_campaign WHERE id = COALESCE(NEW.campaign_id, OLD.campaign_id) FOR SHARE;\n            IF campaign_state <> 'draft' THEN\n                RAISE EXCEPTION 'terms of a % campaign cannot be edited', campaign_state\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_only_in_draft';\n            END IF;\n            RETURN COALESCE(NEW, OLD);\n        ",
                    hash="45b6dc9f036c805346603b1f83de538000b1cf28",
                    operation="INSERT OR DELETE",
                    pgid="pgtrigger_source_only_in_draft_3b4cd",
                    table="vouchers_fundingsource",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="geofence",
            trigger=pgtrigger.compiler.Trigger(
                name="geofence_only_in_draft",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE campaign_state text;",
                    func="\n            SELECT state INTO campaign_state FROM vouchers_campaign WHERE id = COALESCE(NEW.campaign_id, OLD.campaign_id) FOR SHARE;\n            IF campaign_state <> 'draft' THEN\n                RAISE EXCEPTION 'terms of a % campaign cannot be edited', campaign_state\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_only_in_draft';\n            END IF;\n            RETURN COALESCE(NEW, OLD);\n        ",
                    hash="e24be0cbf271f7708039b8b8cd8ed05f93cb9625",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_geofence_only_in_draft_812cb",
                    table="vouchers_geofence",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ring",
            trigger=pgtrigger.compiler.Trigger(
                name="ring_only_in_draft",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE campaign_state text;",
                    func="\n            SELECT state INTO campaign_state FROM vouchers_campaign WHERE id = COALESCE(NEW.campaign_id, OLD.campaign_id) FOR SHARE;\n            IF campaign_state <> 'draft' THEN\n                RAISE EXCEPTION 'terms of a % campaign cannot be edited', campaign_state\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_only_in_draft';\n            END IF;\n            RETURN COALESCE(NEW, OLD);\n        ",
                    hash="b2d6462d276e83029d5c3f589f463d519ef4b639",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_ring_only_in_draft_e5e3b",
                    table="vouchers_ring",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="round",
            trigger=pgtrigger.compiler.Trigger(
                name="round_only_in_draft",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE campaign_state text;",
                    func="\n            SELECT state INTO campaign_state FROM vouchers_campaign WHERE id = COALESCE(NEW.campaign_id, OLD.campaign_id) FOR SHARE;\n            IF campaign_state <> 'draft' THEN\n                RAISE EXCEPTION 'terms of a % campaign cannot be edited', campaign_state\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_only_in_draft';\n            END IF;\n            RETURN COALESCE(NEW, OLD);\n        ",
                    hash="23ce2ef6641a5095386bc992d99e612c6bc95246",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_round_only_in_draft_3c7d3",
                    table="vouchers_round",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tier",
            trigger=pgtrigger.compiler.Trigger(
                name="tier_only_in_draft",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE campaign_state text;",
                    func="\n            SELECT state INTO campaign_state FROM vouchers_campaign WHERE id = COALESCE(NEW.campaign_id, OLD.campaign_id) FOR SHARE;\n            IF campaign_state <> 'draft' THEN\n                RAISE EXCEPTION 'terms of a % campaign cannot be edited', campaign_state\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_only_in_draft';\n            END IF;\n            RETURN COALESCE(NEW, OLD);\n        ",
                    hash="037a186f9ddfe9d98265c9049e9d1d060065a358",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_tier_only_in_draft_d3f98",
                    table="vouchers_tier",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tiersplit",
            trigger=pgtrigger.compiler.Trigger(
                name="share_only_in_draft",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE campaign_state text;",
                    func="\n            SELECT state INTO campaign_state FROM vouchers_campaign WHERE id = (SELECT campaign_id FROM vouchers_tier WHERE id = COALESCE(NEW.tier_id, OLD.tier_id)) FOR SHARE;\n            IF campaign_state <> 'draft' THEN\n                RAISE EXCEPTION 'terms of a % campaign cannot be edited', campaign_state\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_only_in_draft';\n            END IF;\n            RETURN COALESCE(NEW, OLD);\n        ",
                    hash="068040b3dcca0f259408ef12900ec4725f8c73a2",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_share_only_in_draft_a078d",
                    table="vouchers_tiersplit",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="campaignedit",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="edits",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="campaignedit",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaignedit",
            trigger=pgtrigger.compiler.Trigger(
                name="edit_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="b5672ba21840d3baa99bd462db3baee4aa021860",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_edit_append_only_cca04",
                    table="vouchers_campaignedit",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaignedit",
            trigger=pgtrigger.compiler.Trigger(
                name="edit_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="91875f03a9cc711fbf38a3abdad665f06a54d12e",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_edit_no_truncate_ce875",
                    table="vouchers_campaignedit",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunPython(grant_to_services, migrations.RunPython.noop),
    ]
