"""Codes shown once, papers, counters of wrong codes; a campaign that asks for presence."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import vouchers.sql.operations
from vouchers.sql.privileges import grant


class Migration(migrations.Migration):
    dependencies = [("merchants", "0002_triggers"), ("vouchers", "0006_claims")]

    operations = [
        migrations.CreateModel(
            name="Paper",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "digits_hmac",
                    models.BinaryField(max_length=32, verbose_name="hash of the digits"),
                ),
                (
                    "wrong_count",
                    models.PositiveSmallIntegerField(default=0, verbose_name="wrong tries"),
                ),
                ("issued_at", models.DateTimeField(verbose_name="issued at")),
                (
                    "replaced_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="replaced at"),
                ),
                (
                    "caller",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="merchants.credential",
                    ),
                ),
                (
                    "holder",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.resident",
                    ),
                ),
                (
                    "voucher",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.voucher",
                    ),
                ),
            ],
            options={
                "verbose_name": "voucher on paper",
                "verbose_name_plural": "vouchers on paper",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id__range", (1, 9999999999))), name="paper_number_fits"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("wrong_count__lte", 5)), name="paper_within_tries"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("replaced_at__isnull", True)),
                        fields=("voucher",),
                        name="one_live_paper_per_voucher",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Presentation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("presented_at", models.DateTimeField(verbose_name="presented at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("redemption_id", models.BigIntegerField(null=True, verbose_name="redemption")),
                (
                    "caller",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="merchants.credential",
                    ),
                ),
                (
                    "shown_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.resident",
                    ),
                ),
                (
                    "voucher",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.voucher",
                    ),
                ),
            ],
            options={
                "verbose_name": "presented code",
                "verbose_name_plural": "presented codes",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id__range", (1, 9999999999))),
                        name="presentation_number_fits",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("presented_at"))),
                        name="presentation_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WrongCodes",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "kind",
                        "subject_id",
                        "window_no",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "kind",
                    models.SmallIntegerField(
                        choices=[
                            (1, "by a terminal's key"),
                            (2, "by another key"),
                            (3, "in a store"),
                            (4, "naming a voucher"),
                        ],
                        verbose_name="counts",
                    ),
                ),
                ("subject_id", models.BigIntegerField(verbose_name="subject")),
                ("window_no", models.IntegerField(verbose_name="hour")),
                ("wrong_count", models.IntegerField(verbose_name="wrong codes")),
                ("last_at", models.DateTimeField(verbose_name="last at")),
            ],
            options={
                "verbose_name": "wrong codes",
                "verbose_name_plural": "wrong codes",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("wrong_count__gt", 0)), name="wrong_codes_positive"
                    )
                ],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(model_name="campaign", name="campaign_terms_frozen"),
        migrations.AddField(
            model_name="campaign",
            name="presence_required",
            field=models.BooleanField(default=False, verbose_name="vouchers are shown in person"),
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "campaign": [
                    pgtrigger.compiler.Trigger(
                        name="campaign_terms_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.state <> 'draft' AND (OLD.starts_at IS DISTINCT FROM NEW.starts_at OR OLD.radius_m IS DISTINCT FROM NEW.radius_m OR OLD.point_kinds IS DISTINCT FROM NEW.point_kinds OR OLD.audience_filter IS DISTINCT FROM NEW.audience_filter OR OLD.order_kinds IS DISTINCT FROM NEW.order_kinds OR OLD.excluded_categories IS DISTINCT FROM NEW.excluded_categories OR OLD.presence_required IS DISTINCT FROM NEW.presence_required OR OLD.refund_policy IS DISTINCT FROM NEW.refund_policy OR OLD.authorise_ttl_s IS DISTINCT FROM NEW.authorise_ttl_s OR OLD.anchor_recipients IS DISTINCT FROM NEW.anchor_recipients OR OLD.terms_id IS NOT DISTINCT FROM NEW.terms_id AND (OLD.ends_at IS DISTINCT FROM NEW.ends_at OR OLD.validity_s IS DISTINCT FROM NEW.validity_s)))",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="a1f85efb1e73ac342b5178e8563c38527053ed86",
                            operation="UPDATE",
                            pgid="pgtrigger_campaign_terms_frozen_4651d",
                            table="vouchers_campaign",
                            when="BEFORE",
                        ),
                    )
                ],
                "paper": [
                    pgtrigger.compiler.Trigger(
                        name="paper_not_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="4cf362a9d86878eb81759603cb6f3b53b67288f1",
                            operation="DELETE",
                            pgid="pgtrigger_paper_not_deleted_61717",
                            table="vouchers_paper",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="paper_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="da4827c5d31102b0baf5e4a59caa05c3ce4fb03e",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_paper_no_truncate_69ddd",
                            table="vouchers_paper",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="paper_facts_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.voucher_id IS DISTINCT FROM NEW.voucher_id OR OLD.holder_id IS DISTINCT FROM NEW.holder_id OR OLD.caller_id IS DISTINCT FROM NEW.caller_id OR OLD.digits_hmac IS DISTINCT FROM NEW.digits_hmac OR OLD.issued_at IS DISTINCT FROM NEW.issued_at)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="c9cf638b639ba039edabaf1b3654984a25a51216",
                            operation="UPDATE",
                            pgid="pgtrigger_paper_facts_frozen_fa90f",
                            table="vouchers_paper",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="paper_never_easier",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.replaced_at IS NOT NULL OR NEW.wrong_count < OLD.wrong_count)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="715565f1af6f36456645c50963bd3fe97b77d9e4",
                            operation="UPDATE",
                            pgid="pgtrigger_paper_never_easier_9d6f6",
                            table="vouchers_paper",
                            when="BEFORE",
                        ),
                    ),
                ],
                "presentation": [
                    pgtrigger.compiler.Trigger(
                        name="presentation_facts_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.voucher_id IS DISTINCT FROM NEW.voucher_id OR OLD.shown_by_id IS DISTINCT FROM NEW.shown_by_id OR OLD.caller_id IS DISTINCT FROM NEW.caller_id OR OLD.presented_at IS DISTINCT FROM NEW.presented_at OR OLD.expires_at IS DISTINCT FROM NEW.expires_at)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="c4dfc9a027f69d327f60e3855183cc0412def7d4",
                            operation="UPDATE",
                            pgid="pgtrigger_presentation_facts_frozen_f0fed",
                            table="vouchers_presentation",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="presentation_used_once",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.redemption_id IS NOT NULL)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="9033fd94b484a192636a454ed7158de11fe211f9",
                            operation="UPDATE",
                            pgid="pgtrigger_presentation_used_once_b2cf5",
                            table="vouchers_presentation",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="presentation_fits_redemption",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.redemption_id IS NOT NULL)",
                            func="\n            IF NOT EXISTS (SELECT FROM vouchers_redemption r WHERE r.id = NEW.redemption_id AND r.voucher_id = NEW.voucher_id AND r.shown_by_id = NEW.shown_by_id AND r.redeemed_at < NEW.expires_at) THEN\n                RAISE EXCEPTION 'a code redeems the voucher it was made for, by who showed it, in its time'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'presentation_fits_redemption';\n            END IF; RETURN NEW;",
                            hash="7ec0c046866f47c56f836a35c73a76d273c55a33",
                            operation="INSERT OR UPDATE",
                            pgid="pgtrigger_presentation_fits_redemption_ae366",
                            table="vouchers_presentation",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="presentation_used_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.redemption_id IS NOT NULL)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="819a6a747d990810ab19d8fb2e4573feae02041d",
                            operation="DELETE",
                            pgid="pgtrigger_presentation_used_stays_d9471",
                            table="vouchers_presentation",
                            when="BEFORE",
                        ),
                    ),
                ],
            }
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
