"""A redemption that was settled cannot be voided any more."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0007_names_and_days"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="redemption",
            trigger=pgtrigger.compiler.Trigger(
                name="settled_redemption_stands",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.state = 3)",
                    func="\n                    PERFORM FROM vouchers_settlementline WHERE redemption_id = NEW.id;\n                    IF FOUND THEN\n                        RAISE EXCEPTION 'redemption % is settled', NEW.id\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'settled_redemption_stands';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="11da890065191f8d311e6c2107e00e2cfb182ef2",
                    operation="UPDATE",
                    pgid="pgtrigger_settled_redemption_stands_736e8",
                    table="vouchers_redemption",
                    when="BEFORE",
                ),
            ),
        ),
    ]
