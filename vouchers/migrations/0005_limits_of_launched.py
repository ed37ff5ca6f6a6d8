"""Limits of a launched campaign: raised or lifted as an approved amendment says, never otherwise."""

import pgtrigger.compiler
import pgtrigger.migrations
import vouchers.sql.operations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0004_privileges"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(model_name="limitrule", name="limit_only_in_draft"),
        migrations.RemoveConstraint(model_name="limitrule", name="limit_has_a_figure"),
        migrations.AddConstraint(
            model_name="limitrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("limit_fen__isnull", True), ("limit_fen__gte", 0), _connector="OR"
                ),
                name="limit_fen_not_negative",
            ),
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "limitrule": [
                    pgtrigger.compiler.Trigger(
                        name="limit_only_in_draft",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE campaign_state text;",
                            func="\n            SELECT state INTO campaign_state FROM vouchers_campaign WHERE id = COALESCE(NEW.campaign_id, OLD.campaign_id) FOR SHARE;\n            IF campaign_state <> 'draft' THEN\n                RAISE EXCEPTION 'terms of a % campaign cannot be edited', campaign_state\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_only_in_draft';\n            END IF;\n            RETURN COALESCE(NEW, OLD);\n        ",
                            hash="fddce96d949d39a19a044300edf3b2d8f0a4a184",
                            operation="INSERT OR DELETE",
                            pgid="pgtrigger_limit_only_in_draft_f53c6",
                            table="vouchers_limitrule",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="limit_only_widened",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE campaign_state text; in_force bigint;",
                            func="\n            SELECT state, terms_id INTO campaign_state, in_force FROM vouchers_campaign\n             WHERE id = OLD.campaign_id FOR SHARE;\n            IF OLD.campaign_id IS DISTINCT FROM NEW.campaign_id\n               OR campaign_state <> 'draft' AND (OLD.kind IS DISTINCT FROM NEW.kind OR NEW.limit_count IS NOT NULL AND (OLD.limit_count IS NULL OR NEW.limit_count < OLD.limit_count) OR NEW.limit_fen IS NOT NULL AND (OLD.limit_fen IS NULL OR NEW.limit_fen < OLD.limit_fen) OR NOT EXISTS (\n                   SELECT FROM vouchers_termsversion v\n                    CROSS JOIN jsonb_array_elements(v.document -> 'limits') AS said\n                    WHERE v.id = in_force AND said = jsonb_build_object('kind', CASE NEW.kind WHEN 1 THEN 'resident_day' WHEN 2 THEN 'resident_week' WHEN 3 THEN 'resident_campaign' WHEN 4 THEN 'store_minute' WHEN 5 THEN 'store_day' WHEN 6 THEN 'merchant_day' WHEN 7 THEN 'merchant_campaign' WHEN 8 THEN 'link_day' WHEN 9 THEN 'link_campaign' WHEN 10 THEN 'store_week' WHEN 11 THEN 'store_campaign' WHEN 12 THEN 'merchant_week' WHEN 13 THEN 'link_week' END, 'limit_count', NEW.limit_count, 'limit_fen', NEW.limit_fen)))\n            THEN\n                RAISE EXCEPTION 'terms of a % campaign change as an amendment says', campaign_state\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_only_in_draft';\n            END IF;\n            RETURN NEW;\n        ",
                            hash="a5a8685101a28bf567b84fd9afcf99c4c2a1bda6",
                            operation="UPDATE",
                            pgid="pgtrigger_limit_only_widened_66b9b",
                            table="vouchers_limitrule",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="limit_has_a_figure",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.limit_count IS NULL AND NEW.limit_fen IS NULL)",
                            func="\n            IF EXISTS (SELECT FROM vouchers_campaign WHERE id = NEW.campaign_id AND state = 'draft') THEN\n                RAISE EXCEPTION 'a limit of a draft has a figure'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'limit_has_a_figure';\n            END IF; RETURN NEW;",
                            hash="b94b900f4f97fdd28b185b50d3a5c616eb6de05f",
                            operation="INSERT OR UPDATE",
                            pgid="pgtrigger_limit_has_a_figure_5b04f",
                            table="vouchers_limitrule",
                            when="BEFORE",
                        ),
                    ),
                ]
            }
        ),
    ]
