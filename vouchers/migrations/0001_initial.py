"""Every table, with its constraints and triggers. Partitioning follows in 0002."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import vouchers.sql.fields
import vouchers.states
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("merchants", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("appropriated", "appropriated"),
                            ("free", "free"),
                            ("reserved", "reserved"),
                            ("outstanding", "outstanding"),
                            ("authorised", "authorised"),
                            ("payable", "payable"),
                            ("risk_held", "held for risk"),
                            ("settled", "settled"),
                            ("recoverable", "recoverable"),
                            ("repaid", "repaid"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
            ],
            options={
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
            },
        ),
        migrations.CreateModel(
            name="AuditReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField(verbose_name="started at")),
                ("took_s", models.FloatField(verbose_name="took, seconds")),
                ("is_proven", models.BooleanField(verbose_name="books proven")),
                ("report", models.JSONField(verbose_name="report")),
            ],
            options={
                "verbose_name": "audit report",
                "verbose_name_plural": "audit reports",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Campaign",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(max_length=40, unique=True, verbose_name="code")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "organiser",
                    models.CharField(blank=True, max_length=120, verbose_name="organiser (主办)"),
                ),
                (
                    "operator",
                    models.CharField(blank=True, max_length=120, verbose_name="operator (承办)"),
                ),
                (
                    "zone",
                    models.CharField(
                        default="Asia/Shanghai", max_length=40, verbose_name="time zone"
                    ),
                ),
                ("starts_at", models.DateTimeField(verbose_name="starts at")),
                ("ends_at", models.DateTimeField(verbose_name="ends at")),
                (
                    "validity_s",
                    models.PositiveIntegerField(verbose_name="validity of a voucher, seconds"),
                ),
                (
                    "radius_m",
                    models.PositiveIntegerField(
                        default=3000, verbose_name="radius around stores, metres"
                    ),
                ),
                (
                    "point_kinds",
                    models.JSONField(default=list, verbose_name="kinds of points that count"),
                ),
                (
                    "audience_filter",
                    models.JSONField(blank=True, default=dict, verbose_name="audience filter"),
                ),
                (
                    "excluded_categories",
                    models.JSONField(blank=True, default=list, verbose_name="excluded categories"),
                ),
                (
                    "order_kinds",
                    models.JSONField(blank=True, default=list, verbose_name="order kinds accepted"),
                ),
                ("is_test", models.BooleanField(default=False, verbose_name="test campaign")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("submitted", "submitted"),
                            ("approved", "approved"),
                            ("scheduled", "scheduled"),
                            ("running", "running"),
                            ("paused", "paused"),
                            ("ended", "ended"),
                            ("settled", "settled"),
                            ("closed", "closed"),
                        ],
                        default="draft",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                (
                    "closing_document_no",
                    models.CharField(
                        blank=True, max_length=60, verbose_name="closing document no."
                    ),
                ),
            ],
            options={
                "verbose_name": "campaign",
                "verbose_name_plural": "campaigns",
                "ordering": ["-starts_at"],
            },
        ),
        migrations.CreateModel(
            name="CampaignStore",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "category",
                    models.CharField(
                        blank=True, max_length=40, verbose_name="category in the campaign"
                    ),
                ),
                (
                    "radius_m",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="own radius, metres"
                    ),
                ),
                ("valid_from_at", models.DateTimeField(verbose_name="from")),
                (
                    "valid_until_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="until"),
                ),
            ],
            options={
                "verbose_name": "participating store",
                "verbose_name_plural": "participating stores",
            },
        ),
        migrations.CreateModel(
            name="CapRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.SmallIntegerField(
                        choices=[
                            (1, "per resident and day"),
                            (2, "per resident and week"),
                            (3, "per resident and campaign"),
                            (4, "per store and minute"),
                            (5, "per store and day"),
                            (6, "per merchant and day"),
                            (7, "per merchant and campaign"),
                            (8, "per device, phone or card and day"),
                            (9, "per device, phone or card and campaign"),
                        ],
                        verbose_name="counts",
                    ),
                ),
                (
                    "limit_count",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="most redemptions"
                    ),
                ),
                (
                    "limit_fen",
                    models.BigIntegerField(blank=True, null=True, verbose_name="most subsidy, fen"),
                ),
            ],
            options={
                "verbose_name": "cap",
                "verbose_name_plural": "caps",
            },
        ),
        migrations.CreateModel(
            name="CashReceipt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "request_id",
                    models.CharField(max_length=64, unique=True, verbose_name="request no."),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="amount, fen")),
                ("document_no", models.CharField(max_length=60, verbose_name="document no.")),
                ("received_at", models.DateTimeField(verbose_name="received at")),
            ],
            options={
                "verbose_name": "cash receipt",
                "verbose_name_plural": "cash receipts",
            },
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("bucket", models.SmallIntegerField(verbose_name="bucket")),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("targeting", "targeting by place"),
                            ("contact", "being contacted"),
                        ],
                        max_length=12,
                        verbose_name="purpose",
                    ),
                ),
                ("text_version", models.CharField(max_length=20, verbose_name="text version")),
                ("granted_at", models.DateTimeField(verbose_name="granted at")),
                (
                    "withdrawn_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="withdrawn at"),
                ),
            ],
            options={
                "verbose_name": "consent",
                "verbose_name_plural": "consents",
            },
        ),
        migrations.CreateModel(
            name="Exclusion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
                ("created_by", models.CharField(max_length=150, verbose_name="created by")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                (
                    "lifted_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="lifted at"),
                ),
            ],
            options={
                "verbose_name": "exclusion",
                "verbose_name_plural": "exclusions",
            },
        ),
        migrations.CreateModel(
            name="FundingSource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(max_length=20, verbose_name="code")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "appropriated_fen",
                    models.BigIntegerField(default=0, verbose_name="appropriated, fen"),
                ),
            ],
            options={
                "verbose_name": "funding source",
                "verbose_name_plural": "funding sources",
            },
        ),
        migrations.CreateModel(
            name="Geofence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("include_polygon", "also inside this polygon"),
                            ("within_district", "only within this district"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("geometry", models.JSONField(blank=True, null=True, verbose_name="geometry")),
            ],
            options={
                "verbose_name": "geofence",
                "verbose_name_plural": "geofences",
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
                ("opened_by", models.CharField(max_length=150, verbose_name="opened by")),
                ("opened_at", models.DateTimeField(verbose_name="opened at")),
                (
                    "released_by",
                    models.CharField(blank=True, max_length=150, verbose_name="released by"),
                ),
                (
                    "released_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="released at"),
                ),
            ],
            options={
                "verbose_name": "hold",
                "verbose_name_plural": "holds",
            },
        ),
        migrations.CreateModel(
            name="Link",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("bucket", models.SmallIntegerField(verbose_name="bucket")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("device", "device"),
                            ("phone", "phone"),
                            ("card", "card"),
                            ("account", "account"),
                        ],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                ("value_hmac", models.BinaryField(max_length=32, verbose_name="value hash")),
                ("first_seen_at", models.DateTimeField(verbose_name="first seen at")),
                ("last_seen_at", models.DateTimeField(verbose_name="last seen at")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
            ],
            options={
                "verbose_name": "link",
                "verbose_name_plural": "links",
            },
        ),
        migrations.CreateModel(
            name="Outbox",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("topic", models.CharField(max_length=60, verbose_name="topic")),
                ("payload", models.JSONField(verbose_name="payload")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent at")),
                (
                    "xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "outbox message",
                "verbose_name_plural": "outbox messages",
            },
        ),
        migrations.CreateModel(
            name="Proxy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("relation", models.CharField(blank=True, max_length=40, verbose_name="relation")),
                ("declared_at", models.DateTimeField(verbose_name="declared at")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
            ],
            options={
                "verbose_name": "proxy",
                "verbose_name_plural": "proxies",
            },
        ),
        migrations.CreateModel(
            name="QuotaBucket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.SmallIntegerField(default=0, verbose_name="number")),
                ("headroom_fen", models.BigIntegerField(null=True, verbose_name="headroom, fen")),
                (
                    "headroom_count",
                    models.BigIntegerField(null=True, verbose_name="headroom, vouchers"),
                ),
            ],
            options={
                "verbose_name": "quota bucket",
                "verbose_name_plural": "quota buckets",
            },
        ),
        migrations.CreateModel(
            name="QuotaCell",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "channel",
                    models.CharField(blank=True, max_length=20, null=True, verbose_name="channel"),
                ),
                ("day", models.DateField(blank=True, null=True, verbose_name="day")),
                ("cap_fen", models.BigIntegerField(blank=True, null=True, verbose_name="cap, fen")),
                (
                    "cap_count",
                    models.BigIntegerField(blank=True, null=True, verbose_name="cap, vouchers"),
                ),
            ],
            options={
                "verbose_name": "quota cell",
                "verbose_name_plural": "quota cells",
            },
        ),
        migrations.CreateModel(
            name="Redemption",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("terminal", models.CharField(blank=True, max_length=40, verbose_name="terminal")),
                ("device", models.CharField(blank=True, max_length=80, verbose_name="device")),
                ("order_no", models.CharField(max_length=64, verbose_name="order no.")),
                ("order_amount_fen", models.BigIntegerField(verbose_name="order amount, fen")),
                (
                    "eligible_amount_fen",
                    models.BigIntegerField(verbose_name="eligible amount, fen"),
                ),
                ("order_kind", models.CharField(max_length=12, verbose_name="order kind")),
                ("category", models.CharField(blank=True, max_length=40, verbose_name="category")),
                ("channel", models.CharField(blank=True, max_length=20, verbose_name="channel")),
                (
                    "payment_ref",
                    models.CharField(blank=True, max_length=64, verbose_name="payment reference"),
                ),
                (
                    "receipt_no",
                    models.CharField(blank=True, max_length=64, verbose_name="receipt no."),
                ),
                ("discount_fen", models.BigIntegerField(verbose_name="discount, fen")),
                ("split", models.JSONField(verbose_name="discount by source")),
                (
                    "state",
                    models.SmallIntegerField(
                        choices=[
                            (1, "authorised"),
                            (2, "captured"),
                            (3, "voided"),
                            (4, "reversed"),
                        ],
                        verbose_name="state",
                    ),
                ),
                ("business_day", models.DateField(verbose_name="business day")),
                ("redeemed_at", models.DateTimeField(verbose_name="redeemed at")),
                (
                    "expires_at",
                    models.DateTimeField(null=True, verbose_name="authorisation expires at"),
                ),
                ("undone_at", models.DateTimeField(null=True, verbose_name="undone at")),
                (
                    "xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "redemption",
                "verbose_name_plural": "redemptions",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Resident",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "external_id",
                    models.CharField(max_length=64, unique=True, verbose_name="resident no."),
                ),
                ("bucket", models.SmallIntegerField(verbose_name="bucket")),
                (
                    "identity_hmac",
                    models.BinaryField(
                        max_length=32, null=True, unique=True, verbose_name="identity hash"
                    ),
                ),
                (
                    "phone_hmac",
                    models.BinaryField(max_length=32, null=True, verbose_name="phone hash"),
                ),
                ("identity_cipher", models.BinaryField(null=True)),
                ("phone_cipher", models.BinaryField(null=True)),
                ("data_key", models.BinaryField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("frozen", "frozen"),
                            ("deceased", "deceased"),
                            ("erased", "erased"),
                        ],
                        default="active",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "birth_year",
                    models.SmallIntegerField(blank=True, null=True, verbose_name="birth year"),
                ),
                ("street", models.CharField(blank=True, max_length=40, verbose_name="street")),
                (
                    "is_registered",
                    models.BooleanField(null=True, verbose_name="registered household (户籍)"),
                ),
                (
                    "has_residence_permit",
                    models.BooleanField(null=True, verbose_name="residence permit"),
                ),
                ("need_score", models.SmallIntegerField(default=0, verbose_name="need score")),
                ("tags", models.BigIntegerField(default=0, verbose_name="tags (64 bits)")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                (
                    "changed_xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "resident",
                "verbose_name_plural": "residents",
            },
        ),
        migrations.CreateModel(
            name="ResidentMerge",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
                ("merged_by", models.CharField(max_length=150, verbose_name="merged by")),
                ("merged_at", models.DateTimeField(verbose_name="merged at")),
                (
                    "undone_by",
                    models.CharField(blank=True, max_length=150, verbose_name="undone by"),
                ),
                (
                    "undone_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="undone at"),
                ),
            ],
            options={
                "verbose_name": "merge of residents",
                "verbose_name_plural": "merges of residents",
            },
        ),
        migrations.CreateModel(
            name="ResidentPoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("bucket", models.SmallIntegerField(verbose_name="bucket")),
                (
                    "kind",
                    models.CharField(
                        choices=[("home", "home"), ("work", "work"), ("recent", "recent")],
                        max_length=6,
                        verbose_name="kind",
                    ),
                ),
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
                ("observed_at", models.DateTimeField(verbose_name="observed at")),
                (
                    "superseded_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="superseded at"),
                ),
                (
                    "coarsened_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="coarsened at"),
                ),
                (
                    "changed_xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "resident's point",
                "verbose_name_plural": "residents' points",
            },
        ),
        migrations.CreateModel(
            name="Ring",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("label", models.CharField(max_length=8, verbose_name="label")),
                ("from_m", models.PositiveIntegerField(verbose_name="from, metres")),
                ("to_m", models.PositiveIntegerField(verbose_name="to, metres")),
            ],
            options={
                "verbose_name": "ring",
                "verbose_name_plural": "rings",
                "ordering": ["campaign", "from_m"],
            },
        ),
        migrations.CreateModel(
            name="Round",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("opens_at", models.DateTimeField(verbose_name="opens at")),
                ("closes_at", models.DateTimeField(verbose_name="closes at")),
            ],
            options={
                "verbose_name": "round",
                "verbose_name_plural": "rounds",
                "ordering": ["campaign", "number"],
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seed", models.CharField(max_length=64, verbose_name="seed")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("queued", "waiting for a worker"),
                            ("targeted", "audience found"),
                            ("reserved", "money reserved, minting"),
                            ("done", "done"),
                            ("cancelled", "cancelled"),
                        ],
                        default="draft",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("requested_by", models.CharField(max_length=150, verbose_name="requested by")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="finished at"),
                ),
                ("audience", models.JSONField(default=dict, verbose_name="audience")),
                ("selection", models.JSONField(default=dict, verbose_name="selection")),
                (
                    "progress_pct",
                    models.PositiveSmallIntegerField(default=0, verbose_name="progress, %"),
                ),
                (
                    "lease_until_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="leased until"),
                ),
                ("fence", models.PositiveIntegerField(default=0, verbose_name="fencing token")),
            ],
            options={
                "verbose_name": "distribution run",
                "verbose_name_plural": "distribution runs",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveBigIntegerField(unique=True, verbose_name="number")),
                ("from_xid", models.BigIntegerField(verbose_name="from transaction")),
                ("until_xid", models.BigIntegerField(verbose_name="until transaction")),
                ("transfer_count", models.PositiveBigIntegerField(verbose_name="transfers")),
                (
                    "previous_sha256",
                    models.BinaryField(max_length=32, verbose_name="previous SHA-256"),
                ),
                ("sha256", models.BinaryField(max_length=32, unique=True, verbose_name="SHA-256")),
                ("sealed_at", models.DateTimeField(verbose_name="sealed at")),
            ],
            options={
                "verbose_name": "seal",
                "verbose_name_plural": "seals",
                "ordering": ["number"],
            },
        ),
        migrations.CreateModel(
            name="Settlement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("business_day", models.DateField(verbose_name="business day")),
                ("line_count", models.PositiveIntegerField(verbose_name="lines")),
                ("total_fen", models.BigIntegerField(verbose_name="total, fen")),
                ("content", models.BinaryField(verbose_name="file")),
                ("sha256", models.BinaryField(max_length=32, verbose_name="SHA-256")),
                (
                    "state",
                    models.CharField(
                        choices=[("ready", "waiting for cash"), ("paid", "payout instructed")],
                        default="ready",
                        max_length=6,
                        verbose_name="state",
                    ),
                ),
                ("closed_at", models.DateTimeField(verbose_name="closed at")),
                (
                    "paid_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="payout instructed at"
                    ),
                ),
            ],
            options={
                "verbose_name": "settlement",
                "verbose_name_plural": "settlements",
                "ordering": ["-business_day", "merchant"],
            },
        ),
        migrations.CreateModel(
            name="SettlementLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("redemption", "redemption"), ("refund", "refund")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("refund_id", models.BigIntegerField(default=0, verbose_name="refund")),
                ("amount_fen", models.BigIntegerField(verbose_name="amount, fen")),
            ],
            options={
                "verbose_name": "settlement line",
                "verbose_name_plural": "settlement lines",
            },
        ),
        migrations.CreateModel(
            name="Shard",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("voucher_count", models.PositiveIntegerField(verbose_name="vouchers")),
                ("resident_ids", models.BinaryField(verbose_name="resident ids, int64")),
                ("buckets", models.BinaryField(verbose_name="buckets, int16")),
                ("allocation_ids", models.BinaryField(verbose_name="allocation ids, int64")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("leased", "being minted"),
                            ("done", "done"),
                        ],
                        default="waiting",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                (
                    "lease_until_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="leased until"),
                ),
                ("fence", models.PositiveIntegerField(default=0, verbose_name="fencing token")),
            ],
            options={
                "verbose_name": "shard",
                "verbose_name_plural": "shards",
                "ordering": ["run", "number"],
            },
        ),
        migrations.CreateModel(
            name="Signal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40, verbose_name="kind")),
                ("subject", models.CharField(max_length=20, verbose_name="subject")),
                ("subject_id", models.BigIntegerField(verbose_name="subject no.")),
                ("score", models.SmallIntegerField(default=0, verbose_name="score")),
                ("facts", models.JSONField(default=dict, verbose_name="facts")),
                ("raised_at", models.DateTimeField(verbose_name="raised at")),
            ],
            options={
                "verbose_name": "signal",
                "verbose_name_plural": "signals",
            },
        ),
        migrations.CreateModel(
            name="TermsVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("document", models.JSONField(verbose_name="document")),
                ("sha256", models.BinaryField(max_length=32, verbose_name="SHA-256")),
                ("edited_by", models.JSONField(verbose_name="ids of the users who edited it")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
            ],
            options={
                "verbose_name": "terms version",
                "verbose_name_plural": "terms versions",
            },
        ),
        migrations.CreateModel(
            name="Tier",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(max_length=20, verbose_name="code")),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("threshold", "money off above a threshold (满减)"),
                            ("flat", "money off (立减)"),
                            ("percent", "percentage off (折扣)"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("face_fen", models.BigIntegerField(verbose_name="face value, fen")),
                ("threshold_fen", models.BigIntegerField(default=0, verbose_name="threshold, fen")),
                (
                    "threshold_basis",
                    models.CharField(
                        choices=[
                            ("pre_discount", "before the shop's discounts"),
                            ("post_discount", "after the shop's discounts"),
                        ],
                        default="post_discount",
                        max_length=13,
                        verbose_name="threshold on",
                    ),
                ),
                (
                    "percent_bp",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="percentage, ‱"
                    ),
                ),
                (
                    "per_resident",
                    models.PositiveSmallIntegerField(
                        default=1, verbose_name="vouchers per resident"
                    ),
                ),
            ],
            options={
                "verbose_name": "tier",
                "verbose_name_plural": "tiers",
                "ordering": ["campaign", "face_fen"],
            },
        ),
        migrations.CreateModel(
            name="TierSplit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="share of the face, fen")),
            ],
            options={
                "verbose_name": "share of the face",
                "verbose_name_plural": "shares of the face",
            },
        ),
        migrations.CreateModel(
            name="Tranche",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("voucher_count", models.PositiveIntegerField(verbose_name="vouchers")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("threshold", "money off above a threshold (满减)"),
                            ("flat", "money off (立减)"),
                            ("percent", "percentage off (折扣)"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("face_fen", models.BigIntegerField(verbose_name="face value, fen")),
                ("threshold_fen", models.BigIntegerField(verbose_name="threshold, fen")),
                (
                    "threshold_basis",
                    models.CharField(
                        choices=[
                            ("pre_discount", "before the shop's discounts"),
                            ("post_discount", "after the shop's discounts"),
                        ],
                        max_length=13,
                        verbose_name="threshold on",
                    ),
                ),
                (
                    "percent_bp",
                    models.PositiveSmallIntegerField(null=True, verbose_name="percentage, ‱"),
                ),
                ("split", models.JSONField(verbose_name="shares of the face")),
                ("valid_from_at", models.DateTimeField(verbose_name="valid from")),
                ("valid_until_at", models.DateTimeField(verbose_name="valid until")),
                (
                    "state",
                    models.CharField(
                        choices=[("outstanding", "outstanding"), ("expired", "expired")],
                        default="outstanding",
                        max_length=11,
                        verbose_name="state",
                    ),
                ),
                ("minted_at", models.DateTimeField(verbose_name="minted at")),
                (
                    "expired_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="expired at"),
                ),
            ],
            options={
                "verbose_name": "tranche",
                "verbose_name_plural": "tranches",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("appropriate", "appropriate"),
                            ("cut", "cut"),
                            ("reserve", "reserve"),
                            ("release", "release"),
                            ("mint", "mint"),
                            ("authorise", "authorise"),
                            ("capture", "capture"),
                            ("redeem", "redeem"),
                            ("void", "void"),
                            ("reverse", "reverse"),
                            ("refund", "refund"),
                            ("expire", "expire"),
                            ("hold", "hold"),
                            ("unhold", "unhold"),
                            ("settle", "settle"),
                            ("recover", "recover"),
                            ("net", "net"),
                            ("repay", "repay"),
                        ],
                        max_length=12,
                        verbose_name="reason",
                    ),
                ),
                ("cause", models.CharField(max_length=20, verbose_name="cause")),
                ("cause_id", models.BigIntegerField(verbose_name="cause no.")),
                (
                    "xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "transfer",
                "verbose_name_plural": "transfers",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Voucher",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("bucket", models.SmallIntegerField(verbose_name="bucket")),
                (
                    "state",
                    models.SmallIntegerField(
                        choices=[
                            (1, "issued"),
                            (2, "authorised"),
                            (3, "redeemed"),
                            (4, "withdrawn"),
                        ],
                        verbose_name="state",
                    ),
                ),
            ],
            options={
                "verbose_name": "voucher",
                "verbose_name_plural": "vouchers",
            },
        ),
        migrations.CreateModel(
            name="Allocation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=20, null=True, verbose_name="channel")),
                ("day", models.DateField(null=True, verbose_name="day")),
                (
                    "district",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.district",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.store",
                    ),
                ),
            ],
            options={
                "verbose_name": "allocation",
                "verbose_name_plural": "allocations",
            },
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "decision",
                    models.CharField(
                        choices=[("approved", "approved"), ("rejected", "rejected")],
                        max_length=8,
                        verbose_name="decision",
                    ),
                ),
                ("seen_sha256", models.BinaryField(max_length=32, verbose_name="SHA-256 seen")),
                ("comment", models.CharField(blank=True, max_length=500, verbose_name="comment")),
                ("decided_at", models.DateTimeField(verbose_name="decided at")),
                (
                    "approver",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "approval",
                "verbose_name_plural": "approvals",
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(verbose_name="at")),
                ("key", models.CharField(max_length=255, verbose_name="idempotency key")),
                ("store_id", models.BigIntegerField(null=True, verbose_name="store")),
                ("campaign_id", models.BigIntegerField(null=True, verbose_name="campaign")),
                ("voucher_id", models.BigIntegerField(null=True, verbose_name="voucher")),
                ("resident_id", models.BigIntegerField(null=True, verbose_name="resident")),
                ("code", models.CharField(max_length=40, verbose_name="refusal")),
                ("rule", models.CharField(max_length=40, verbose_name="rule")),
                ("facts", models.JSONField(default=dict, verbose_name="facts")),
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
            ],
            options={
                "verbose_name": "refused attempt",
                "verbose_name_plural": "refused attempts",
                "ordering": ["-id"],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditreport",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_report_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="d43429256668acd5e22e27ce3dd789946ed45ec7",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_report_append_only_c8574",
                    table="vouchers_auditreport",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditreport",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_report_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="35a72304069e5c5af63f5ca0d6f477401fc476b3",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_audit_report_no_truncate_5116f",
                    table="vouchers_auditreport",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.CreateModel(
            name="AudienceMember",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "run_id",
                        "bucket",
                        "resident_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("bucket", models.SmallIntegerField(verbose_name="bucket")),
                (
                    "point_kind",
                    models.CharField(
                        choices=[("home", "home"), ("work", "work"), ("recent", "recent")],
                        max_length=6,
                        verbose_name="point",
                    ),
                ),
                ("distance_m", models.FloatField(verbose_name="distance, metres")),
                ("ring", models.CharField(max_length=8, verbose_name="ring")),
                (
                    "commitment",
                    models.BinaryField(max_length=32, verbose_name="commitment to the point"),
                ),
                (
                    "store_location",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="merchants.storelocation",
                    ),
                ),
                (
                    "resident",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.resident",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="members",
                        to="vouchers.run",
                    ),
                ),
            ],
            options={
                "verbose_name": "audience member",
                "verbose_name_plural": "audience members",
            },
        ),
        migrations.CreateModel(
            name="Leg",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "transfer_id",
                        "line_no",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("line_no", models.SmallIntegerField(verbose_name="line")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("amount_fen", models.BigIntegerField(verbose_name="amount, fen")),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="legs",
                        to="vouchers.account",
                    ),
                ),
                (
                    "allocation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.allocation",
                    ),
                ),
                (
                    "transfer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="legs",
                        to="vouchers.transfer",
                    ),
                ),
            ],
            options={
                "verbose_name": "leg",
                "verbose_name_plural": "legs",
            },
        ),
        migrations.CreateModel(
            name="CapCounter",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "kind",
                        "campaign_id",
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
                            (1, "per resident and day"),
                            (2, "per resident and week"),
                            (3, "per resident and campaign"),
                            (4, "per store and minute"),
                            (5, "per store and day"),
                            (6, "per merchant and day"),
                            (7, "per merchant and campaign"),
                            (8, "per device, phone or card and day"),
                            (9, "per device, phone or card and campaign"),
                        ],
                        verbose_name="counts",
                    ),
                ),
                ("subject_id", models.BigIntegerField(verbose_name="subject")),
                ("window_no", models.BigIntegerField(verbose_name="window")),
                ("used_count", models.IntegerField(verbose_name="redemptions")),
                ("used_fen", models.BigIntegerField(verbose_name="subsidy, fen")),
                ("limit_count", models.IntegerField(null=True, verbose_name="most redemptions")),
                ("limit_fen", models.BigIntegerField(null=True, verbose_name="most subsidy, fen")),
                (
                    "campaign",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.campaign",
                    ),
                ),
            ],
            options={
                "verbose_name": "cap counter",
                "verbose_name_plural": "cap counters",
            },
        ),
        migrations.CreateModel(
            name="OrderClaim",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "store_id",
                        "order_no",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("order_no", models.CharField(max_length=64, verbose_name="order no.")),
                ("claimed_at", models.DateTimeField(verbose_name="claimed at")),
                (
                    "store",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="merchants.store",
                    ),
                ),
                (
                    "redemption",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.redemption",
                    ),
                ),
            ],
            options={
                "verbose_name": "order claim",
                "verbose_name_plural": "order claims",
            },
        ),
        migrations.CreateModel(
            name="RequestRecord",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "caller_id",
                        "key",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("key", models.CharField(max_length=255, verbose_name="idempotency key")),
                ("fingerprint", models.BinaryField(max_length=32, verbose_name="fingerprint")),
                ("status", models.SmallIntegerField(verbose_name="HTTP status")),
                ("answer", models.BinaryField(verbose_name="answer")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
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
            ],
            options={
                "verbose_name": "request",
                "verbose_name_plural": "requests",
            },
        ),
        migrations.AddField(
            model_name="campaign",
            name="created_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="created by",
            ),
        ),
        migrations.AddField(
            model_name="allocation",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="allocations",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="accounts",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="campaignstore",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="participations",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="campaignstore",
            name="store",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="participations",
                to="merchants.store",
            ),
        ),
        migrations.AddField(
            model_name="caprule",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="caps",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="exclusion",
            name="campaign",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="fundingsource",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sources",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="cashreceipt",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="receipts",
                to="vouchers.fundingsource",
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="accounts",
                to="vouchers.fundingsource",
            ),
        ),
        migrations.AddField(
            model_name="geofence",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="geofences",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="geofence",
            name="district",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="merchants.district",
            ),
        ),
        migrations.AddIndex(
            model_name="outbox",
            index=models.Index(
                condition=models.Q(("sent_at__isnull", True)), fields=["id"], name="outbox_unsent"
            ),
        ),
        migrations.AddField(
            model_name="quotacell",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cells",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="quotacell",
            name="district",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="merchants.district",
            ),
        ),
        migrations.AddField(
            model_name="quotacell",
            name="source",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.fundingsource",
            ),
        ),
        migrations.AddField(
            model_name="quotacell",
            name="store",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="merchants.store",
            ),
        ),
        migrations.AddField(
            model_name="quotabucket",
            name="cell",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="buckets",
                to="vouchers.quotacell",
            ),
        ),
        migrations.AddField(
            model_name="redemption",
            name="allocation",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.allocation",
            ),
        ),
        migrations.AddField(
            model_name="redemption",
            name="caller",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="merchants.credential",
            ),
        ),
        migrations.AddField(
            model_name="redemption",
            name="campaign",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="redemption",
            name="merchant",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="merchants.merchant",
            ),
        ),
        migrations.AddField(
            model_name="redemption",
            name="store",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="merchants.store",
            ),
        ),
        migrations.AddField(
            model_name="hold",
            name="redemption",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="holds",
                to="vouchers.redemption",
            ),
        ),
        migrations.AddField(
            model_name="resident",
            name="district",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="merchants.district",
                verbose_name="district of residence",
            ),
        ),
        migrations.AddField(
            model_name="resident",
            name="guardian",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.resident",
            ),
        ),
        migrations.AddField(
            model_name="redemption",
            name="resident",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.resident",
            ),
        ),
        migrations.AddField(
            model_name="redemption",
            name="shown_by",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.resident",
            ),
        ),
        migrations.AddField(
            model_name="proxy",
            name="holder",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="proxies",
                to="vouchers.resident",
            ),
        ),
        migrations.AddField(
            model_name="proxy",
            name="proxy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="proxy_for",
                to="vouchers.resident",
            ),
        ),
        migrations.AddField(
            model_name="link",
            name="resident",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="links",
                to="vouchers.resident",
            ),
        ),
        migrations.AddField(
            model_name="exclusion",
            name="resident",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="exclusions",
                to="vouchers.resident",
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="resident",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="consents",
                to="vouchers.resident",
            ),
        ),
        migrations.AddField(
            model_name="residentmerge",
            name="kept",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged_members",
                to="vouchers.resident",
            ),
        ),
        migrations.AddField(
            model_name="residentmerge",
            name="member",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merges",
                to="vouchers.resident",
            ),
        ),
        migrations.AddField(
            model_name="residentpoint",
            name="resident",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="points",
                to="vouchers.resident",
            ),
        ),
        migrations.AddField(
            model_name="ring",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="rings",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="round",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rounds",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="quotacell",
            name="round",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.round",
            ),
        ),
        migrations.AddField(
            model_name="allocation",
            name="round",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.round",
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="runs",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="round",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="runs",
                to="vouchers.round",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="seal",
            trigger=pgtrigger.compiler.Trigger(
                name="seal_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="021e43e07cbac5b72c20645252640ccdf21b16db",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_seal_append_only_b3a9e",
                    table="vouchers_seal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="seal",
            trigger=pgtrigger.compiler.Trigger(
                name="seal_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="d6288f2f10d3fec1177387429bb78971a843b5b1",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_seal_no_truncate_24f92",
                    table="vouchers_seal",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="settlement",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="settlements",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="settlement",
            name="merchant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="settlements",
                to="merchants.merchant",
            ),
        ),
        migrations.AddField(
            model_name="settlement",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.fundingsource",
            ),
        ),
        migrations.AddField(
            model_name="settlementline",
            name="redemption",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="vouchers.redemption",
            ),
        ),
        migrations.AddField(
            model_name="settlementline",
            name="settlement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="vouchers.settlement",
            ),
        ),
        migrations.AddField(
            model_name="settlementline",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.fundingsource",
            ),
        ),
        migrations.AddField(
            model_name="shard",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="shards",
                to="vouchers.run",
            ),
        ),
        migrations.AddField(
            model_name="signal",
            name="redemption",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.redemption",
            ),
        ),
        migrations.AddField(
            model_name="termsversion",
            name="amends",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="vouchers.termsversion",
            ),
        ),
        migrations.AddField(
            model_name="termsversion",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="versions",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="terms",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.termsversion",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="terms",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.termsversion",
                verbose_name="terms in force",
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="terms",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="approvals",
                to="vouchers.termsversion",
            ),
        ),
        migrations.AddField(
            model_name="tier",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tiers",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="shard",
            name="tier",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="vouchers.tier"
            ),
        ),
        migrations.AddField(
            model_name="quotacell",
            name="tier",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.tier",
            ),
        ),
        migrations.AddField(
            model_name="allocation",
            name="tier",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="vouchers.tier"
            ),
        ),
        migrations.AddField(
            model_name="tiersplit",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.fundingsource",
            ),
        ),
        migrations.AddField(
            model_name="tiersplit",
            name="tier",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="splits",
                to="vouchers.tier",
            ),
        ),
        migrations.AddField(
            model_name="tranche",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tranches",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="tranche",
            name="round",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.round",
            ),
        ),
        migrations.AddField(
            model_name="tranche",
            name="shard",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tranche",
                to="vouchers.shard",
            ),
        ),
        migrations.AddField(
            model_name="tranche",
            name="terms",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.termsversion",
            ),
        ),
        migrations.AddField(
            model_name="tranche",
            name="tier",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="vouchers.tier"
            ),
        ),
        migrations.AddField(
            model_name="transfer",
            name="campaign",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.campaign",
            ),
        ),
        migrations.AddField(
            model_name="voucher",
            name="allocation",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.allocation",
            ),
        ),
        migrations.AddField(
            model_name="voucher",
            name="resident",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="vouchers",
                to="vouchers.resident",
            ),
        ),
        migrations.AddField(
            model_name="redemption",
            name="voucher",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.voucher",
            ),
        ),
        migrations.AddIndex(
            model_name="campaignstore",
            index=models.Index(fields=["campaign", "store"], name="participation_by_store"),
        ),
        migrations.AddConstraint(
            model_name="campaignstore",
            constraint=models.UniqueConstraint(
                condition=models.Q(("valid_until_at__isnull", True)),
                fields=("campaign", "store"),
                name="one_open_participation_per_store",
            ),
        ),
        migrations.AddConstraint(
            model_name="campaignstore",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_until_at__isnull", True),
                    ("valid_until_at__gt", models.F("valid_from_at")),
                    _connector="OR",
                ),
                name="participation_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="campaignstore",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("radius_m__isnull", True), ("radius_m__gt", 0), _connector="OR"
                ),
                name="participation_radius_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="capcounter",
            constraint=models.CheckConstraint(
                condition=models.Q(("used_count__gte", 0), ("used_fen__gte", 0)),
                name="cap_use_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="capcounter",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("limit_count__isnull", True),
                    ("used_count__lte", models.F("limit_count")),
                    _connector="OR",
                ),
                name="cap_count_within_limit",
            ),
        ),
        migrations.AddConstraint(
            model_name="capcounter",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("limit_fen__isnull", True),
                    ("used_fen__lte", models.F("limit_fen")),
                    _connector="OR",
                ),
                name="cap_fen_within_limit",
            ),
        ),
        migrations.AddConstraint(
            model_name="caprule",
            constraint=models.UniqueConstraint(
                fields=("campaign", "kind"), name="one_cap_per_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="caprule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("limit_count__isnull", False), ("limit_fen__gte", 0), _connector="OR"
                ),
                name="cap_limits",
            ),
        ),
        migrations.AddConstraint(
            model_name="fundingsource",
            constraint=models.UniqueConstraint(
                fields=("campaign", "code"), name="one_source_per_code"
            ),
        ),
        migrations.AddConstraint(
            model_name="fundingsource",
            constraint=models.CheckConstraint(
                condition=models.Q(("appropriated_fen__gte", 0)), name="appropriated_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="cashreceipt",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_fen__gt", 0)), name="receipt_positive"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cashreceipt",
            trigger=pgtrigger.compiler.Trigger(
                name="receipt_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="53107dab5102f04461d1468fc2ea3ff5a90a85d1",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_receipt_append_only_b11c7",
                    table="vouchers_cashreceipt",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cashreceipt",
            trigger=pgtrigger.compiler.Trigger(
                name="receipt_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="878b29f0758cc899234b7813937d553106dc78f3",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_receipt_no_truncate_0b197",
                    table="vouchers_cashreceipt",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                fields=("campaign", "source", "kind"), name="one_account_per_kind"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="account",
            trigger=pgtrigger.compiler.Trigger(
                name="account_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="6f7f5e99e0d7931ec2684e675aaec0f0bfd9abb5",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_account_append_only_0e21b",
                    table="vouchers_account",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="account",
            trigger=pgtrigger.compiler.Trigger(
                name="account_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="ca4f37df16bc97e1a86b79fbc005d2defb9f0e62",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_account_no_truncate_96a10",
                    table="vouchers_account",
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
                    ),
                    models.Q(
                        ("district__isnull", False),
                        ("geometry__isnull", True),
                        ("kind", "within_district"),
                    ),
                    _connector="OR",
                ),
                name="geofence_has_its_area",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotabucket",
            constraint=models.UniqueConstraint(
                fields=("cell", "number"), name="one_bucket_per_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="quotabucket",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("headroom_fen__isnull", True), ("headroom_fen__gte", 0), _connector="OR"
                ),
                name="headroom_fen_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotabucket",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("headroom_count__isnull", True), ("headroom_count__gte", 0), _connector="OR"
                ),
                name="headroom_count_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.UniqueConstraint(
                condition=models.Q(("released_at__isnull", True)),
                fields=("redemption",),
                name="one_open_hold_per_redemption",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="requestrecord",
            trigger=pgtrigger.compiler.Trigger(
                name="request_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="78e195a4d1819a31f923a0901d450f0b2a99ab0e",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_request_append_only_0b7b8",
                    table="vouchers_requestrecord",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="requestrecord",
            trigger=pgtrigger.compiler.Trigger(
                name="request_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="459afb203584957141acc406e17a0518f0396fcb",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_request_no_truncate_67e67",
                    table="vouchers_requestrecord",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="resident",
            constraint=models.CheckConstraint(
                condition=models.Q(("bucket__gte", 0), ("bucket__lt", 1024)),
                name="resident_bucket_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="resident",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["active", "frozen", "deceased", "erased"])),
                name="resident_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="resident",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("guardian__isnull", True),
                    models.Q(("guardian", models.F("id")), _negated=True),
                    _connector="OR",
                ),
                name="nobody_is_their_own_guardian",
            ),
        ),
        migrations.AddConstraint(
            model_name="resident",
            constraint=models.UniqueConstraint(fields=("bucket", "id"), name="resident_by_bucket"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="resident",
            trigger=pgtrigger.compiler.Trigger(
                name="resident_identity_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.bucket IS DISTINCT FROM NEW.bucket OR OLD.external_id IS DISTINCT FROM NEW.external_id)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="0f92b3872a60a244ce56c020d92b9f3a8bd9c00e",
                    operation="UPDATE",
                    pgid="pgtrigger_resident_identity_frozen_681a3",
                    table="vouchers_resident",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="proxy",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("holder", "proxy"),
                name="one_live_proxy_per_pair",
            ),
        ),
        migrations.AddConstraint(
            model_name="proxy",
            constraint=models.CheckConstraint(
                condition=models.Q(("holder", models.F("proxy")), _negated=True),
                name="nobody_is_their_own_proxy",
            ),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(fields=["kind", "value_hmac"], name="link_by_value"),
        ),
        migrations.AddConstraint(
            model_name="link",
            constraint=models.UniqueConstraint(
                fields=("bucket", "resident", "kind", "value_hmac"), name="one_link_per_value"
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.UniqueConstraint(
                condition=models.Q(("withdrawn_at__isnull", True)),
                fields=("bucket", "resident", "purpose"),
                name="one_live_consent_per_purpose",
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("withdrawn_at__isnull", True),
                    ("withdrawn_at__gte", models.F("granted_at")),
                    _connector="OR",
                ),
                name="consent_withdrawn_after_grant",
            ),
        ),
        migrations.AddConstraint(
            model_name="residentmerge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("undone_at__isnull", True)),
                fields=("member",),
                name="one_live_merge_per_member",
            ),
        ),
        migrations.AddConstraint(
            model_name="residentmerge",
            constraint=models.CheckConstraint(
                condition=models.Q(("kept", models.F("member")), _negated=True),
                name="nobody_merges_with_themselves",
            ),
        ),
        migrations.AddConstraint(
            model_name="residentpoint",
            constraint=models.UniqueConstraint(
                condition=models.Q(("superseded_at__isnull", True)),
                fields=("bucket", "resident", "kind"),
                name="one_current_point_per_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="residentpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("latitude_deg__range", (-90, 90)), ("longitude_deg__range", (-180, 180))
                ),
                name="resident_point_on_earth",
            ),
        ),
        migrations.AddConstraint(
            model_name="ring",
            constraint=models.UniqueConstraint(
                fields=("campaign", "label"), name="one_ring_per_label"
            ),
        ),
        migrations.AddConstraint(
            model_name="ring",
            constraint=models.CheckConstraint(
                condition=models.Q(("to_m__gt", models.F("from_m"))), name="ring_not_empty"
            ),
        ),
        migrations.AddConstraint(
            model_name="round",
            constraint=models.UniqueConstraint(
                fields=("campaign", "number"), name="one_round_per_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="round",
            constraint=models.CheckConstraint(
                condition=models.Q(("closes_at__gt", models.F("opens_at"))),
                name="round_closes_after_opening",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="audiencemember",
            trigger=pgtrigger.compiler.Trigger(
                name="audience_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="f0ca12754b05ce9ba47d56bbb1a912767c14e6f8",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audience_append_only_d7fd8",
                    table="vouchers_audiencemember",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="audiencemember",
            trigger=pgtrigger.compiler.Trigger(
                name="audience_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="2369b71ff25504f68a477dda13ca057f4f6565d3",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_audience_no_truncate_c3d90",
                    table="vouchers_audiencemember",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="settlement",
            constraint=models.UniqueConstraint(
                fields=("campaign", "merchant", "source", "business_day"),
                name="one_settlement_per_day",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlement",
            trigger=pgtrigger.compiler.Trigger(
                name="settlement_arrows",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN (('ready', 'paid')))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="dc1b968710aa0968571169b81f29bff9db5f49d8",
                    operation="UPDATE",
                    pgid="pgtrigger_settlement_arrows_b5bf5",
                    table="vouchers_settlement",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlement",
            trigger=pgtrigger.compiler.Trigger(
                name="settlement_figures_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.campaign_id IS DISTINCT FROM NEW.campaign_id OR OLD.merchant_id IS DISTINCT FROM NEW.merchant_id OR OLD.source_id IS DISTINCT FROM NEW.source_id OR OLD.business_day IS DISTINCT FROM NEW.business_day OR OLD.line_count IS DISTINCT FROM NEW.line_count OR OLD.total_fen IS DISTINCT FROM NEW.total_fen OR OLD.content IS DISTINCT FROM NEW.content OR OLD.sha256 IS DISTINCT FROM NEW.sha256)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="7fb22c8ec24c87a1ed1106dbee0ce2135ddb824a",
                    operation="UPDATE",
                    pgid="pgtrigger_settlement_figures_frozen_888f3",
                    table="vouchers_settlement",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="settlementline",
            constraint=models.UniqueConstraint(
                fields=("redemption", "source", "kind", "refund_id"), name="settled_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="settlementline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_fen__gt", 0), ("kind", "redemption"), ("refund_id", 0)),
                    models.Q(("amount_fen__lt", 0), ("kind", "refund")),
                    _connector="OR",
                ),
                name="settlement_line_sign",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlementline",
            trigger=pgtrigger.compiler.Trigger(
                name="settlement_line_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="1768da72a949bf0fec8cc5db189090a45cc1af42",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_settlement_line_append_only_6172d",
                    table="vouchers_settlementline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlementline",
            trigger=pgtrigger.compiler.Trigger(
                name="settlement_line_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="cd64176188d046128335de7f5c9c8e45f5a73a9a",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_settlement_line_no_truncate_8f057",
                    table="vouchers_settlementline",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(fields=["subject", "subject_id"], name="signal_by_subject"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="signal",
            trigger=pgtrigger.compiler.Trigger(
                name="signal_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="80b93383a77eebad55de700f40dad076c52d0ec6",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_signal_append_only_e7606",
                    table="vouchers_signal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="signal",
            trigger=pgtrigger.compiler.Trigger(
                name="signal_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="7ebdb7e9a01999335ee3843699bf2aad83f4fffe",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_signal_no_truncate_65d22",
                    table="vouchers_signal",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="termsversion",
            constraint=models.UniqueConstraint(
                fields=("campaign", "number"), name="one_terms_per_number"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="termsversion",
            trigger=pgtrigger.compiler.Trigger(
                name="terms_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="14941abfc7eb004955aabab5aa8817bcf94fff9b",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_terms_append_only_8249b",
                    table="vouchers_termsversion",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="termsversion",
            trigger=pgtrigger.compiler.Trigger(
                name="terms_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="5bb7f35a2c8f198c0a5e4a453291665fe2366bef",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_terms_no_truncate_e3acc",
                    table="vouchers_termsversion",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="run",
            trigger=pgtrigger.compiler.Trigger(
                name="run_arrows",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN (('draft', 'cancelled'), ('draft', 'queued'), ('queued', 'cancelled'), ('queued', 'targeted'), ('reserved', 'done'), ('targeted', 'cancelled'), ('targeted', 'reserved')))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="63fb62e9bc3de2a1cb4b5e40742a97348b276132",
                    operation="UPDATE",
                    pgid="pgtrigger_run_arrows_cd46b",
                    table="vouchers_run",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="run",
            trigger=pgtrigger.compiler.Trigger(
                name="run_identity_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.campaign_id IS DISTINCT FROM NEW.campaign_id OR OLD.round_id IS DISTINCT FROM NEW.round_id OR OLD.terms_id IS DISTINCT FROM NEW.terms_id OR OLD.seed IS DISTINCT FROM NEW.seed)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="6ec4458761ab8166886ef4569b879fb169fb882c",
                    operation="UPDATE",
                    pgid="pgtrigger_run_identity_frozen_7b82b",
                    table="vouchers_run",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                name="campaign_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "draft",
                            "submitted",
                            "approved",
                            "scheduled",
                            "running",
                            "paused",
                            "ended",
                            "settled",
                            "closed",
                        ],
                    )
                ),
                name="campaign_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("radius_m__gt", 0)), name="campaign_radius_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["draft", "submitted"]), ("terms__isnull", False), _connector="OR"
                ),
                name="approved_campaign_has_terms",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="campaign_arrows",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN (('approved', 'draft'), ('approved', 'running'), ('approved', 'scheduled'), ('draft', 'submitted'), ('ended', 'settled'), ('paused', 'ended'), ('paused', 'running'), ('running', 'ended'), ('running', 'paused'), ('scheduled', 'running'), ('settled', 'closed'), ('submitted', 'approved'), ('submitted', 'draft')))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="1a0ce13da9fd1ba4ab93a0687f74b82bb225e926",
                    operation="UPDATE",
                    pgid="pgtrigger_campaign_arrows_76eb4",
                    table="vouchers_campaign",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="campaign_identity_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.code IS DISTINCT FROM NEW.code OR OLD.is_test IS DISTINCT FROM NEW.is_test OR OLD.zone IS DISTINCT FROM NEW.zone)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="638a4b4979615d4e1e5a6851534ae36ec56ac8a3",
                    operation="UPDATE",
                    pgid="pgtrigger_campaign_identity_frozen_091b0",
                    table="vouchers_campaign",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                fields=("terms", "approver"), name="one_decision_per_approver"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="approval_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="f70bc8683abd33fdacd02c4e6987d027421decbb",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_approval_append_only_20d73",
                    table="vouchers_approval",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="approval_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="0f55493546ad1827db171f8120d73e13600e7bb4",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_approval_no_truncate_9e31e",
                    table="vouchers_approval",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="approval_by_another_person",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE version vouchers_termsversion%ROWTYPE;",
                    func="\n                    SELECT * INTO STRICT version FROM vouchers_termsversion WHERE id = NEW.terms_id;\n                    IF version.edited_by @> to_jsonb(NEW.approver_id) THEN\n                        RAISE EXCEPTION 'who edited terms cannot decide on them'\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_by_another_person';\n                    END IF;\n                    IF version.sha256 <> NEW.seen_sha256 THEN\n                        RAISE EXCEPTION 'the decision is about other terms'\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_of_what_was_seen';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="e9935bfed9a1785fa5ecce82a4355fc7f9c7dbf7",
                    operation="INSERT",
                    pgid="pgtrigger_approval_by_another_person_ce673",
                    table="vouchers_approval",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="tier",
            constraint=models.UniqueConstraint(
                fields=("campaign", "code"), name="one_tier_per_code"
            ),
        ),
        migrations.AddConstraint(
            model_name="tier",
            constraint=models.CheckConstraint(
                condition=models.Q(("face_fen__gt", 0)), name="face_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="tier",
            constraint=models.CheckConstraint(
                condition=models.Q(("threshold_fen__gte", 0)), name="threshold_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="tier",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "threshold"), _negated=True),
                    ("threshold_fen__gt", models.F("face_fen")),
                    _connector="OR",
                ),
                name="threshold_above_face",
            ),
        ),
        migrations.AddConstraint(
            model_name="tier",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "percent"), ("percent_bp__range", (1, 9999))),
                    models.Q(
                        models.Q(("kind", "percent"), _negated=True), ("percent_bp__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="percentage_only_for_percent_tiers",
            ),
        ),
        migrations.AddConstraint(
            model_name="tier",
            constraint=models.CheckConstraint(
                condition=models.Q(("per_resident__gte", 1)), name="per_resident_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="shard",
            constraint=models.UniqueConstraint(
                fields=("run", "number"), name="one_shard_per_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="shard",
            constraint=models.CheckConstraint(
                condition=models.Q(("voucher_count__range", (1, 1000000))),
                name="shard_fits_a_tranche",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="shard",
            trigger=pgtrigger.compiler.Trigger(
                name="shard_arrows",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN (('leased', 'done'), ('leased', 'waiting'), ('waiting', 'leased')))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="69801f64886ddddf919e3db924d0fe5d9529221d",
                    operation="UPDATE",
                    pgid="pgtrigger_shard_arrows_833b7",
                    table="vouchers_shard",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="shard",
            trigger=pgtrigger.compiler.Trigger(
                name="shard_people_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.resident_ids IS DISTINCT FROM NEW.resident_ids OR OLD.buckets IS DISTINCT FROM NEW.buckets OR OLD.allocation_ids IS DISTINCT FROM NEW.allocation_ids OR OLD.voucher_count IS DISTINCT FROM NEW.voucher_count)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="141ae239a69c5d8ac31c392d6d6800701fb4fd88",
                    operation="UPDATE",
                    pgid="pgtrigger_shard_people_frozen_bfad7",
                    table="vouchers_shard",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="quotacell",
            constraint=models.UniqueConstraint(
                fields=(
                    "campaign",
                    "tier",
                    "round",
                    "district",
                    "store",
                    "source",
                    "channel",
                    "day",
                ),
                name="one_cell_per_slice",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="quotacell",
            constraint=models.CheckConstraint(
                condition=models.Q(("cap_fen__isnull", True), ("cap_fen__gte", 0), _connector="OR"),
                name="cell_cap_fen_valid",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotacell",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("cap_count__isnull", True), ("cap_count__gte", 0), _connector="OR"
                ),
                name="cell_cap_count_valid",
            ),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.UniqueConstraint(
                fields=("campaign", "tier", "round", "district", "store", "channel", "day"),
                name="one_allocation_per_combination",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="tiersplit",
            constraint=models.UniqueConstraint(
                fields=("tier", "source"), name="one_share_per_source"
            ),
        ),
        migrations.AddConstraint(
            model_name="tiersplit",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_fen__gt", 0)), name="share_positive"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tiersplit",
            trigger=pgtrigger.compiler.Trigger(
                name="shares_add_up_to_face",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    declare="DECLARE the_tier bigint; off_fen bigint;",
                    func="\n                    the_tier := COALESCE(NEW.tier_id, OLD.tier_id);\n                    SELECT t.face_fen - COALESCE(sum(s.amount_fen), 0) INTO off_fen\n                      FROM vouchers_tier t LEFT JOIN vouchers_tiersplit s ON s.tier_id = t.id\n                     WHERE t.id = the_tier GROUP BY t.face_fen;\n                    IF off_fen <> 0 THEN\n                        RAISE EXCEPTION 'shares of tier % miss its face by % fen', the_tier, off_fen\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'shares_add_up_to_face';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="638c3dbd00935cb0d61219635460b4ca22b98b38",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_shares_add_up_to_face_e914a",
                    table="vouchers_tiersplit",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="tranche",
            constraint=models.CheckConstraint(
                condition=models.Q(("voucher_count__range", (1, 1000000))),
                name="tranche_size_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="tranche",
            constraint=models.CheckConstraint(
                condition=models.Q(("id__range", (1, 999999))), name="tranche_number_fits"
            ),
        ),
        migrations.AddConstraint(
            model_name="tranche",
            constraint=models.CheckConstraint(
                condition=models.Q(("valid_until_at__gt", models.F("valid_from_at"))),
                name="tranche_ends_after_start",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tranche",
            trigger=pgtrigger.compiler.Trigger(
                name="tranche_arrows",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN (('outstanding', 'expired')))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="4dba1db32ba46ad71506d7dcde424e41932c0ad3",
                    operation="UPDATE",
                    pgid="pgtrigger_tranche_arrows_92d87",
                    table="vouchers_tranche",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tranche",
            trigger=pgtrigger.compiler.Trigger(
                name="tranche_terms_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.campaign_id IS DISTINCT FROM NEW.campaign_id OR OLD.tier_id IS DISTINCT FROM NEW.tier_id OR OLD.shard_id IS DISTINCT FROM NEW.shard_id OR OLD.terms_id IS DISTINCT FROM NEW.terms_id OR OLD.voucher_count IS DISTINCT FROM NEW.voucher_count OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.face_fen IS DISTINCT FROM NEW.face_fen OR OLD.threshold_fen IS DISTINCT FROM NEW.threshold_fen OR OLD.threshold_basis IS DISTINCT FROM NEW.threshold_basis OR OLD.percent_bp IS DISTINCT FROM NEW.percent_bp OR OLD.split IS DISTINCT FROM NEW.split OR OLD.valid_from_at IS DISTINCT FROM NEW.valid_from_at)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="79c2124e304a5860e981c63104052d0d40fde38f",
                    operation="UPDATE",
                    pgid="pgtrigger_tranche_terms_frozen_c79da",
                    table="vouchers_tranche",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tranche",
            trigger=pgtrigger.compiler.Trigger(
                name="tranche_validity_never_shorter",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.valid_until_at < OLD.valid_until_at)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="0dd5c259f282a08b91b5e8672e968bb5f889d3b5",
                    operation="UPDATE",
                    pgid="pgtrigger_tranche_validity_never_shorter_7bbb7",
                    table="vouchers_tranche",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="redemption",
            index=models.Index(fields=["store", "business_day"], name="redemption_by_store_day"),
        ),
        migrations.AddConstraint(
            model_name="redemption",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            vouchers.states.RedemptionState["AUTHORISED"],
                            vouchers.states.RedemptionState["CAPTURED"],
                        ],
                    )
                ),
                fields=("voucher",),
                name="voucher_redeems_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="redemption",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("discount_fen__gt", 0), ("order_amount_fen__gt", models.F("discount_fen"))
                ),
                name="payable_at_least_one_fen",
            ),
        ),
        migrations.AddConstraint(
            model_name="redemption",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("eligible_amount_fen__gte", 0),
                    ("eligible_amount_fen__lte", models.F("order_amount_fen")),
                ),
                name="eligible_within_order",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redemption",
            trigger=pgtrigger.compiler.Trigger(
                name="redemption_arrows",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN ((1, 2), (1, 3), (1, 4), (2, 3), (2, 4)))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="f923c6cdc838b57203ed49429ce5a7f76c158e24",
                    operation="UPDATE",
                    pgid="pgtrigger_redemption_arrows_a6b69",
                    table="vouchers_redemption",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redemption",
            trigger=pgtrigger.compiler.Trigger(
                name="redemption_facts_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.store_id IS DISTINCT FROM NEW.store_id OR OLD.merchant_id IS DISTINCT FROM NEW.merchant_id OR OLD.campaign_id IS DISTINCT FROM NEW.campaign_id OR OLD.voucher_id IS DISTINCT FROM NEW.voucher_id OR OLD.allocation_id IS DISTINCT FROM NEW.allocation_id OR OLD.resident_id IS DISTINCT FROM NEW.resident_id OR OLD.order_no IS DISTINCT FROM NEW.order_no OR OLD.business_day IS DISTINCT FROM NEW.business_day OR OLD.redeemed_at IS DISTINCT FROM NEW.redeemed_at)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="c031ec2e12a2630588b05ffa5e76c6cbb695d9ba",
                    operation="UPDATE",
                    pgid="pgtrigger_redemption_facts_frozen_dd154",
                    table="vouchers_redemption",
                    when="BEFORE",
                ),
            ),
        ),
    ]
