"""Grants of roles with area and period; approvals by several people."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

from vouchers.models.roles import NOTE_GRANTS
from vouchers.sql.functions import install
from vouchers.sql.operations import AddTriggers
from vouchers.sql.privileges import grant


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("merchants", "0002_triggers"),
        ("vouchers", "0007_indexes_of_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Grant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_at", models.DateTimeField(verbose_name="from")),
                ("until_at", models.DateTimeField(blank=True, null=True, verbose_name="until")),
                ("why", models.CharField(max_length=200, verbose_name="why")),
                ("given_at", models.DateTimeField(verbose_name="given at")),
                (
                    "withdrawn_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="withdrawn at"),
                ),
                (
                    "withdrawn_why",
                    models.CharField(blank=True, max_length=200, verbose_name="why withdrawn"),
                ),
            ],
            options={
                "verbose_name": "grant of a role",
                "verbose_name_plural": "grants of roles",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ProposalSignature",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seen_sha256", models.BinaryField(max_length=32, verbose_name="SHA-256 seen")),
                ("comment", models.CharField(blank=True, max_length=500, verbose_name="comment")),
                ("signed_at", models.DateTimeField(verbose_name="signed at")),
            ],
            options={
                "verbose_name": "signature",
                "verbose_name_plural": "signatures",
                "ordering": ["id"],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="terms_were_approved",
        ),
        migrations.AddField(
            model_name="proposal",
            name="signatures_needed",
            field=models.PositiveSmallIntegerField(default=1, verbose_name="approvals needed"),
        ),
        migrations.AddField(
            model_name="termsversion",
            name="signatures_needed",
            field=models.PositiveSmallIntegerField(default=1, verbose_name="approvals needed"),
        ),
        migrations.AddField(
            model_name="grant",
            name="district",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="merchants.district",
                verbose_name="district",
            ),
        ),
        migrations.AddField(
            model_name="grant",
            name="given_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="given by",
            ),
        ),
        migrations.AddField(
            model_name="grant",
            name="role",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="role_grants",
                to="auth.group",
                verbose_name="role",
            ),
        ),
        migrations.AddField(
            model_name="grant",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="role_grants",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
        migrations.AddField(
            model_name="grant",
            name="withdrawn_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="withdrawn by",
            ),
        ),
        migrations.AddField(
            model_name="proposalsignature",
            name="proposal",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="signatures",
                to="vouchers.proposal",
            ),
        ),
        migrations.AddField(
            model_name="proposalsignature",
            name="signed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="signed by",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("until_at__isnull", True),
                    ("until_at__gt", models.F("from_at")),
                    _connector="OR",
                ),
                name="grant_ends_after_it_begins",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(("given_by", models.F("user")), _negated=True),
                name="grant_by_another_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("withdrawn_at__isnull", True), ("withdrawn_by__isnull", True)),
                    models.Q(("withdrawn_at__isnull", False), ("withdrawn_by__isnull", False)),
                    _connector="OR",
                ),
                name="grant_withdrawn_by_a_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposalsignature",
            constraint=models.UniqueConstraint(
                fields=("proposal", "signed_by"), name="one_signature_per_person"
            ),
        ),
        AddTriggers(
            {
                "campaign": [
                    pgtrigger.compiler.Trigger(
                        name="terms_were_approved",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.state NOT IN ('draft', 'submitted'))",
                            func="\n                    PERFORM FROM vouchers_approval a JOIN vouchers_termsversion v\n                        ON v.id = a.terms_id\n                      WHERE v.id = NEW.terms_id AND v.campaign_id = NEW.id\n                        AND a.decision = 'approved'\n                      GROUP BY v.id HAVING count(*) >= v.signatures_needed;\n                    IF NOT FOUND THEN\n                        RAISE EXCEPTION 'the terms of campaign % were not approved', NEW.id\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_were_approved';\n                    END IF;\n                    RETURN NULL;\n                ",
                            hash="6e809616d0e0cf93074adb7e3c4e3700e8a0ccfb",
                            operation="INSERT OR UPDATE",
                            pgid="pgtrigger_terms_were_approved_332f1",
                            table="vouchers_campaign",
                            when="AFTER",
                        ),
                    ),
                ],
                "proposaldecision": [
                    pgtrigger.compiler.Trigger(
                        name="decision_with_all_signatures",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n            IF EXISTS (SELECT FROM vouchers_proposalsignature s WHERE (s.proposal_id, s.signed_by_id) = (NEW.proposal_id, NEW.decided_by_id)) OR NEW.decision = 'approved' AND (SELECT p.signatures_needed - 1 FROM vouchers_proposal p WHERE p.id = NEW.proposal_id) > (SELECT count(*) FROM vouchers_proposalsignature s WHERE s.proposal_id = NEW.proposal_id) THEN\n                RAISE EXCEPTION 'others have to approve before it is decided'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'decision_with_all_signatures';\n            END IF; RETURN NEW;",
                            hash="5d15b4871e771a86a72f4c3d8b38712c93277dbb",
                            operation="INSERT",
                            pgid="pgtrigger_decision_with_all_signatures_44d44",
                            table="vouchers_proposaldecision",
                            when="BEFORE",
                        ),
                    ),
                ],
                "grant": [
                    pgtrigger.compiler.Trigger(
                        name="grant_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.user_id IS DISTINCT FROM NEW.user_id OR OLD.role_id IS DISTINCT FROM NEW.role_id OR OLD.district_id IS DISTINCT FROM NEW.district_id OR OLD.from_at IS DISTINCT FROM NEW.from_at OR OLD.until_at IS DISTINCT FROM NEW.until_at OR OLD.why IS DISTINCT FROM NEW.why OR OLD.given_by_id IS DISTINCT FROM NEW.given_by_id OR OLD.given_at IS DISTINCT FROM NEW.given_at)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="0aa57ef47d280117717025181127ee98be550d3c",
                            operation="UPDATE",
                            pgid="pgtrigger_grant_frozen_a5929",
                            table="vouchers_grant",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="grant_withdrawn_once",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.withdrawn_at IS NOT NULL)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="ee770ac4b1c0adc35c6e3d5e595517b889a838a2",
                            operation="UPDATE",
                            pgid="pgtrigger_grant_withdrawn_once_05a78",
                            table="vouchers_grant",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="grant_not_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="fdd73ed7b43482c9fcfc18530f70b969dcfad450",
                            operation="DELETE",
                            pgid="pgtrigger_grant_not_deleted_19a2a",
                            table="vouchers_grant",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="grant_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="30024721eeeb09863b7097fd0b8c26e3757fbc1e",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_grant_no_truncate_04c51",
                            table="vouchers_grant",
                            when="BEFORE",
                        ),
                    ),
                ],
                "proposalsignature": [
                    pgtrigger.compiler.Trigger(
                        name="proposal_signature_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="d00da49698ba4a667533ba8ccde2a3845a8fd29e",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_proposal_signature_append_only_c6f92",
                            table="vouchers_proposalsignature",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="proposal_signature_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="d8fd9979a89aec689b4b7deefb0ee406b6289d0f",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_proposal_signature_no_truncate_1a154",
                            table="vouchers_proposalsignature",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="signature_by_another_person",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n            IF EXISTS (SELECT FROM vouchers_proposal p WHERE p.id = NEW.proposal_id AND (p.proposed_by_id = NEW.signed_by_id OR p.sha256 <> NEW.seen_sha256)) THEN\n                RAISE EXCEPTION 'a signature is another person''s, on what was seen'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'signature_by_another_person';\n            END IF; RETURN NEW;",
                            hash="b475d28ec18b80ae8853d46989743762141d537d",
                            operation="INSERT",
                            pgid="pgtrigger_signature_by_another_person_e68af",
                            table="vouchers_proposalsignature",
                            when="BEFORE",
                        ),
                    ),
                ],
            }
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
        migrations.RunSQL(NOTE_GRANTS, migrations.RunSQL.noop),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
