"""Enrolment codes of terminals, the count of wrong ones, and callers' own numbers."""

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0002_triggers"),
    ]

    operations = [
        migrations.CreateModel(
            name="EnrolmentGuess",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("address", models.GenericIPAddressField(verbose_name="address")),
                ("hour_at", models.DateTimeField(verbose_name="hour")),
                ("wrong", models.PositiveIntegerField(default=0, verbose_name="wrong codes")),
            ],
            options={
                "verbose_name": "wrong enrolment codes",
                "verbose_name_plural": "wrong enrolment codes",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("address", "hour_at"), name="one_count_of_guesses"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="EnrolmentCode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "code_sha256",
                    models.BinaryField(max_length=32, unique=True, verbose_name="code hash"),
                ),
                ("scopes", models.JSONField(default=list, verbose_name="scopes")),
                ("is_test", models.BooleanField(default=False, verbose_name="test")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("used_at", models.DateTimeField(blank=True, null=True, verbose_name="used at")),
                (
                    "terminal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="enrolment_codes",
                        to="merchants.terminal",
                        verbose_name="terminal",
                    ),
                ),
            ],
            options={
                "verbose_name": "enrolment code",
                "verbose_name_plural": "enrolment codes",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("used_at__isnull", True)),
                        fields=("terminal", "is_test"),
                        name="one_open_code_per_terminal",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))),
                        name="code_expires_after_creation",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OwnNumber",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("store_no", models.CharField(max_length=40, verbose_name="its own store no.")),
                (
                    "terminal_no",
                    models.CharField(blank=True, max_length=40, verbose_name="its own till no."),
                ),
                (
                    "credential",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="own_numbers",
                        to="merchants.credential",
                        verbose_name="credential",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="own_numbers",
                        to="merchants.store",
                        verbose_name="store",
                    ),
                ),
                (
                    "terminal",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="merchants.terminal",
                        verbose_name="terminal",
                    ),
                ),
            ],
            options={
                "verbose_name": "own number",
                "verbose_name_plural": "own numbers",
                "constraints": [
                    models.UniqueConstraint(
                        models.F("credential"),
                        django.db.models.functions.text.Upper("store_no"),
                        django.db.models.functions.text.Upper("terminal_no"),
                        name="one_store_per_own_number",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("terminal__isnull", True), ("terminal_no", "")),
                            models.Q(("terminal__isnull", False), ("terminal_no__gt", "")),
                            _connector="OR",
                        ),
                        name="own_till_number_names_a_till",
                    ),
                ],
            },
        ),
    ]
