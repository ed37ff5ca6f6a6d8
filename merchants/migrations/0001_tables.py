"""Tables of merchants, stores, terminals and credentials."""

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="District",
            fields=[
                (
                    "adcode",
                    models.IntegerField(primary_key=True, serialize=False, verbose_name="adcode"),
                ),
                ("name", models.CharField(max_length=40, unique=True, verbose_name="name")),
                (
                    "population",
                    models.IntegerField(blank=True, null=True, verbose_name="population (census)"),
                ),
                (
                    "boundary",
                    models.JSONField(
                        blank=True, null=True, verbose_name="boundary (GeoJSON, WGS-84)"
                    ),
                ),
            ],
            options={
                "verbose_name": "district",
                "verbose_name_plural": "districts",
                "ordering": ["adcode"],
            },
        ),
        migrations.CreateModel(
            name="Street",
            fields=[
                (
                    "code",
                    models.IntegerField(primary_key=True, serialize=False, verbose_name="code"),
                ),
                ("name", models.CharField(max_length=40, verbose_name="name")),
                ("boundary", models.JSONField(verbose_name="boundary (GeoJSON, WGS-84)")),
                (
                    "district",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="streets",
                        to="merchants.district",
                        verbose_name="district",
                    ),
                ),
            ],
            options={
                "verbose_name": "street (街镇)",
                "verbose_name_plural": "streets (街镇)",
                "ordering": ["code"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("district", "name"), name="one_street_name_per_district"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Merchant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=40, unique=True, verbose_name="code")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "credit_code",
                    models.CharField(
                        blank=True, max_length=18, verbose_name="unified social credit code"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("suspended", "suspended"),
                            ("closed", "closed"),
                        ],
                        default="active",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("is_test", models.BooleanField(default=False, verbose_name="test")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                (
                    "suspended_until_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="suspended until"
                    ),
                ),
            ],
            options={
                "verbose_name": "merchant",
                "verbose_name_plural": "merchants",
                "ordering": ["code"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["active", "suspended", "closed"])),
                        name="merchant_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("suspended_until_at__isnull", True),
                            ("state", "suspended"),
                            _connector="OR",
                        ),
                        name="merchant_deadline_of_suspension",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("suspended_until_at__isnull", False)),
                        fields=["suspended_until_at"],
                        name="merchant_suspension_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Store",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stores",
                        to="merchants.merchant",
                        verbose_name="merchant",
                    ),
                ),
                ("external_id", models.CharField(max_length=40, verbose_name="store no.")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("brand", models.CharField(blank=True, max_length=80, verbose_name="brand")),
                ("category", models.CharField(max_length=40, verbose_name="category")),
                (
                    "district",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="merchants.district",
                        verbose_name="district",
                    ),
                ),
                (
                    "street",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stores",
                        to="merchants.street",
                        verbose_name="street (街镇)",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("suspended", "suspended"),
                            ("closed", "closed"),
                        ],
                        default="active",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                (
                    "suspended_until_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="suspended until"
                    ),
                ),
            ],
            options={
                "verbose_name": "store",
                "verbose_name_plural": "stores",
                "ordering": ["external_id"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("merchant"),
                        django.db.models.functions.text.Upper("external_id"),
                        name="one_store_number_per_merchant",
                        violation_error_message="The merchant has a store of that number already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["active", "suspended", "closed"])),
                        name="store_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("suspended_until_at__isnull", True),
                            ("state", "suspended"),
                            _connector="OR",
                        ),
                        name="store_deadline_of_suspension",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("suspended_until_at__isnull", False)),
                        fields=["suspended_until_at"],
                        name="store_suspension_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StoreLocation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="locations",
                        to="merchants.store",
                        verbose_name="store",
                    ),
                ),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                ("valid_from_at", models.DateTimeField(verbose_name="valid from")),
                ("longitude_deg", models.FloatField(verbose_name="longitude, WGS-84 °")),
                ("latitude_deg", models.FloatField(verbose_name="latitude, WGS-84 °")),
                (
                    "datum",
                    models.CharField(
                        choices=[("WGS-84", "WGS-84"), ("GCJ-02", "GCJ-02"), ("BD-09", "BD-09")],
                        max_length=8,
                        verbose_name="datum as given",
                    ),
                ),
                ("raw_longitude", models.FloatField(verbose_name="longitude as given")),
                ("raw_latitude", models.FloatField(verbose_name="latitude as given")),
                (
                    "outside_district",
                    models.BooleanField(null=True, verbose_name="outside its stated district"),
                ),
            ],
            options={
                "verbose_name": "store location",
                "verbose_name_plural": "store locations",
                "ordering": ["store", "version"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("store", "version"), name="one_location_per_version"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("latitude_deg__range", (-90, 90)),
                            ("longitude_deg__range", (-180, 180)),
                        ),
                        name="store_location_on_earth",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Terminal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="terminals",
                        to="merchants.store",
                        verbose_name="store",
                    ),
                ),
                ("code", models.CharField(max_length=40, verbose_name="terminal no.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("suspended", "suspended"),
                            ("closed", "closed"),
                        ],
                        default="active",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                (
                    "suspended_until_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="suspended until"
                    ),
                ),
            ],
            options={
                "verbose_name": "terminal",
                "verbose_name_plural": "terminals",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("store", "code"), name="one_terminal_code_per_store"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("suspended_until_at__isnull", True),
                            ("state", "suspended"),
                            _connector="OR",
                        ),
                        name="terminal_deadline_of_suspension",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("suspended_until_at__isnull", False)),
                        fields=["suspended_until_at"],
                        name="terminal_suspension_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Credential",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("terminal", "terminal"),
                            ("merchant", "merchant"),
                            ("integrator", "integrator"),
                            ("channel", "channel"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("scopes", models.JSONField(default=list, verbose_name="scopes")),
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
                (
                    "channel_code",
                    models.CharField(blank=True, max_length=20, verbose_name="channel"),
                ),
                ("is_test", models.BooleanField(default=False, verbose_name="test")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("suspended", "suspended"),
                            ("closed", "closed"),
                        ],
                        default="active",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                (
                    "merchants",
                    models.ManyToManyField(
                        blank=True,
                        related_name="credentials",
                        to="merchants.merchant",
                        verbose_name="merchants it acts for",
                    ),
                ),
                (
                    "stores",
                    models.ManyToManyField(
                        blank=True,
                        related_name="credentials",
                        to="merchants.store",
                        verbose_name="stores it is limited to",
                    ),
                ),
                (
                    "suspended_until_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="suspended until"
                    ),
                ),
            ],
            options={
                "verbose_name": "credential",
                "verbose_name_plural": "credentials",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("channel_code__gt", ""), ("kind", "channel")),
                            models.Q(("kind", "channel"), _negated=True),
                            _connector="OR",
                        ),
                        name="channel_credential_names_its_channel",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "terminal"), ("terminal__isnull", False)),
                            models.Q(("kind", "terminal"), _negated=True),
                            _connector="OR",
                        ),
                        name="terminal_credential_names_its_terminal",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("suspended_until_at__isnull", True),
                            ("state", "suspended"),
                            _connector="OR",
                        ),
                        name="credential_deadline_of_suspension",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("suspended_until_at__isnull", False)),
                        fields=["suspended_until_at"],
                        name="credential_suspension_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CredentialKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "credential",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="keys",
                        to="merchants.credential",
                        verbose_name="credential",
                    ),
                ),
                (
                    "key_sha256",
                    models.BinaryField(max_length=32, unique=True, verbose_name="key hash"),
                ),
                ("hint", models.CharField(max_length=32, verbose_name="first characters")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="expires at"),
                ),
                (
                    "revoked_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="revoked at"),
                ),
            ],
            options={
                "verbose_name": "key",
                "verbose_name_plural": "keys",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_at__isnull", True),
                            ("expires_at__gt", models.F("created_at")),
                            _connector="OR",
                        ),
                        name="key_expires_after_creation",
                    )
                ],
            },
        ),
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
