"""A yes to a proposal moves money once, in its own transaction; a source funds only a draft."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0013_seals_outbox_and_roles"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="transfer",
            name="proposal_was_approved",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="proposal_was_approved",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.cause = 'proposal')",
                    func="\n                    PERFORM FROM vouchers_proposaldecision d\n                       JOIN vouchers_proposal p ON p.id = d.proposal_id\n                      WHERE p.id = NEW.cause_id AND p.campaign_id = NEW.campaign_id\n                        AND p.kind = CASE NEW.reason\n                                     WHEN 'repay' THEN 'repayment' ELSE 'appropriation' END\n                        AND d.decision = 'approved' AND d.xid = pg_current_xact_id();\n                    IF NOT FOUND THEN\n                        RAISE EXCEPTION 'nobody approved proposal %', NEW.cause_id\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'proposal_was_approved';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="f76b3d73c05cabc7789113ad6df0e9b257487638",
                    operation="INSERT",
                    pgid="pgtrigger_proposal_was_approved_a3807",
                    table="vouchers_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="funding_only_in_draft",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.cause = 'source')",
                    func="\n                    PERFORM FROM vouchers_campaign\n                      WHERE id = NEW.campaign_id AND state = 'draft' FOR SHARE;\n                    IF NOT FOUND THEN\n                        RAISE EXCEPTION 'only a draft is funded without a proposal'\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'funding_only_in_draft';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="c3fb7cc5aa80af24ed649bb5d2c9dcc2b39273ce",
                    operation="INSERT",
                    pgid="pgtrigger_funding_only_in_draft_6fe79",
                    table="vouchers_transfer",
                    when="BEFORE",
                ),
            ),
        ),
    ]
