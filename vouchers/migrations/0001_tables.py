"""Tables of campaigns, residents, vouchers and money."""

import datetime
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.text
import vouchers.models.campaigns.campaigns
import vouchers.sql.fields
import vouchers.states
from django.conf import settings
from django.db import migrations, models
from vouchers.sql.operations import with_tables_at_once


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "__first__"),
        ("merchants", "0001_tables"),
    ]

    operations = [
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
                (
                    "district",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.district",
                        verbose_name="district of residence",
                    ),
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
                (
                    "guardian",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.resident",
                        verbose_name="guardian",
                    ),
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
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("bucket__gte", 0), ("bucket__lt", 1024)),
                        name="resident_bucket_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["active", "frozen", "deceased", "erased"])
                        ),
                        name="resident_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("guardian__isnull", True),
                            models.Q(("guardian", models.F("id")), _negated=True),
                            _connector="OR",
                        ),
                        name="guardian_is_another_resident",
                    ),
                    models.UniqueConstraint(fields=("bucket", "id"), name="resident_by_bucket"),
                ],
                "indexes": [
                    models.Index(fields=["changed_xid"], name="resident_by_change"),
                    models.Index(
                        condition=models.Q(("external_id__startswith", "test-")),
                        fields=["id"],
                        name="resident_of_sandbox",
                    ),
                    models.Index(fields=["district", "street"], name="resident_by_street"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(verbose_name="at")),
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
                ("key", models.CharField(max_length=255, verbose_name="idempotency key")),
                ("store_id", models.BigIntegerField(null=True, verbose_name="store")),
                ("campaign_id", models.BigIntegerField(null=True, verbose_name="campaign")),
                ("voucher_id", models.BigIntegerField(null=True, verbose_name="voucher")),
                ("resident_id", models.BigIntegerField(null=True, verbose_name="resident")),
                ("code", models.CharField(max_length=40, verbose_name="refusal")),
                ("rule", models.CharField(max_length=40, verbose_name="rule")),
                ("facts", models.JSONField(default=dict, verbose_name="facts")),
            ],
            options={
                "verbose_name": "refused attempt",
                "verbose_name_plural": "refused attempts",
                "ordering": ["-id"],
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(
                        autosummarize=True, fields=["at"], name="attempt_by_at"
                    ),
                    models.Index(fields=["code", "-id"], name="attempt_by_code"),
                    models.Index(fields=["voucher_id", "-id"], name="attempt_by_voucher"),
                ],
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
                ("key", models.CharField(max_length=400, unique=True, verbose_name="key")),
                ("payload", models.JSONField(verbose_name="payload")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent at")),
                ("tries", models.PositiveIntegerField(default=0, verbose_name="tries")),
                (
                    "last_error",
                    models.CharField(blank=True, max_length=200, verbose_name="last error"),
                ),
                (
                    "lease_until_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="leased until"),
                ),
                (
                    "xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
                ),
                (
                    "given_up_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="given up at"),
                ),
                (
                    "tries_before",
                    models.PositiveIntegerField(default=0, verbose_name="tries before the replay"),
                ),
            ],
            options={
                "verbose_name": "outbox message",
                "verbose_name_plural": "outbox messages",
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("given_up_at__isnull", True), ("sent_at__isnull", True)
                        ),
                        fields=["tries", "id"],
                        name="outbox_waiting",
                    ),
                    models.Index(
                        condition=models.Q(("given_up_at__isnull", False)),
                        fields=["-id"],
                        name="outbox_given_up",
                    ),
                ],
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
            name="RoleChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("user_id", models.BigIntegerField(verbose_name="user no.")),
                ("username", models.CharField(max_length=150, verbose_name="user")),
                ("role", models.CharField(max_length=150, verbose_name="role")),
                ("is_granted", models.BooleanField(verbose_name="granted")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("database_role", models.CharField(max_length=63, verbose_name="database role")),
            ],
            options={
                "verbose_name": "change of role",
                "verbose_name_plural": "changes of roles",
                "ordering": ["id"],
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
                ("key", models.CharField(max_length=255, verbose_name="idempotency key")),
                ("fingerprint", models.BinaryField(max_length=32, verbose_name="fingerprint")),
                ("status", models.SmallIntegerField(verbose_name="HTTP status")),
                ("answer", models.BinaryField(verbose_name="answer")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
            ],
            options={
                "verbose_name": "request",
                "verbose_name_plural": "requests",
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(
                        autosummarize=True, fields=["created_at"], name="request_by_time"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RequestArchive",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("before_at", models.DateTimeField(unique=True, verbose_name="requests before")),
                ("name", models.CharField(max_length=100, unique=True, verbose_name="file")),
                ("row_count", models.PositiveBigIntegerField(verbose_name="requests")),
                ("sha256", models.BinaryField(max_length=32, verbose_name="SHA-256")),
                ("archived_at", models.DateTimeField(verbose_name="archived at")),
            ],
            options={
                "verbose_name": "archive of requests",
                "verbose_name_plural": "archives of requests",
                "ordering": ["-before_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "before_at__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("archived_at"),
                                    "-",
                                    models.Value(datetime.timedelta(days=30)),
                                ),
                            )
                        ),
                        name="archive_of_the_past",
                    )
                ],
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
                (
                    "resident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="points",
                        to="vouchers.resident",
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
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("superseded_at__isnull", True)),
                        fields=("bucket", "resident", "kind"),
                        name="one_current_point_per_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("latitude_deg__range", (-90, 90)),
                            ("longitude_deg__range", (-180, 180)),
                        ),
                        name="resident_point_on_earth",
                    ),
                ],
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
                (
                    "resident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consents",
                        to="vouchers.resident",
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
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("withdrawn_at__isnull", True)),
                        fields=("bucket", "resident", "purpose"),
                        name="one_live_consent_per_purpose",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("withdrawn_at__isnull", True),
                            ("withdrawn_at__gte", models.F("granted_at")),
                            _connector="OR",
                        ),
                        name="consent_withdrawn_after_grant",
                    ),
                ],
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
                (
                    "resident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="links",
                        to="vouchers.resident",
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
                "indexes": [models.Index(fields=["kind", "value_hmac"], name="link_by_value")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("bucket", "resident", "kind", "value_hmac"),
                        name="one_link_per_value",
                    )
                ],
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
                (
                    "holder",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="proxies",
                        to="vouchers.resident",
                        verbose_name="holder",
                    ),
                ),
                (
                    "proxy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="proxy_for",
                        to="vouchers.resident",
                        verbose_name="proxy",
                    ),
                ),
                ("relation", models.CharField(blank=True, max_length=40, verbose_name="relation")),
                ("declared_at", models.DateTimeField(verbose_name="declared at")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
            ],
            options={
                "verbose_name": "proxy",
                "verbose_name_plural": "proxies",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("holder", "proxy"),
                        name="one_live_proxy_per_pair",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("holder", models.F("proxy")), _negated=True),
                        name="proxy_is_another_resident",
                    ),
                ],
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
                (
                    "kept",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merged_members",
                        to="vouchers.resident",
                        verbose_name="counted as",
                    ),
                ),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merges",
                        to="vouchers.resident",
                        verbose_name="same person",
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
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at__isnull", True)),
                        fields=("member",),
                        name="one_live_merge_per_member",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kept", models.F("member")), _negated=True),
                        name="merge_joins_two_residents",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StandingChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("frozen", "frozen"),
                            ("deceased", "deceased"),
                            ("erased", "erased"),
                        ],
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "resident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="standing_changes",
                        to="vouchers.resident",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of standing",
                "verbose_name_plural": "changes of standing",
                "ordering": ["id"],
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
                ("validity_s", models.PositiveIntegerField(verbose_name="validity of a voucher")),
                (
                    "radius_m",
                    models.PositiveIntegerField(default=3000, verbose_name="radius around stores"),
                ),
                (
                    "point_kinds",
                    models.JSONField(
                        default=vouchers.models.campaigns.campaigns.only_home,
                        verbose_name="places that count",
                    ),
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
                    models.JSONField(blank=True, default=list, verbose_name="orders accepted"),
                ),
                (
                    "currency",
                    models.CharField(default="CNY", max_length=3, verbose_name="currency"),
                ),
                (
                    "refund_policy",
                    models.CharField(
                        choices=[
                            ("return", "a whole refund gives the voucher back (退券)"),
                            ("pro_rata", "the subsidy is returned in proportion (按比例退回)"),
                            ("forfeit", "whole refunds only, the voucher is lost (退款作废)"),
                        ],
                        default="return",
                        max_length=8,
                        verbose_name="refunds",
                    ),
                ),
                (
                    "authorise_ttl_s",
                    models.PositiveIntegerField(default=900, verbose_name="an authorisation lasts"),
                ),
                (
                    "anchor_recipients",
                    models.JSONField(blank=True, default=list, verbose_name="recipients of seals"),
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
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                (
                    "closing_document_no",
                    models.CharField(
                        blank=True, max_length=60, verbose_name="closing document no."
                    ),
                ),
                (
                    "order_numbers",
                    models.JSONField(
                        blank=True, default=list, verbose_name="numbers asked of an order"
                    ),
                ),
                (
                    "presence_required",
                    models.BooleanField(default=False, verbose_name="vouchers are shown in person"),
                ),
                (
                    "hold_out_bp",
                    models.PositiveSmallIntegerField(
                        default=0, verbose_name="control group without vouchers"
                    ),
                ),
                (
                    "selection_method",
                    models.CharField(
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
                (
                    "senior_share_bp",
                    models.PositiveSmallIntegerField(
                        default=0, verbose_name="guaranteed to residents of 60 and more"
                    ),
                ),
                (
                    "small_shop_share_bp",
                    models.PositiveSmallIntegerField(
                        default=0, verbose_name="guaranteed to residents nearest to small shops"
                    ),
                ),
                (
                    "need_weights",
                    models.JSONField(blank=True, default=dict, verbose_name="need is counted by"),
                ),
                (
                    "paused_until_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="paused until"
                    ),
                ),
            ],
            options={
                "verbose_name": "campaign",
                "verbose_name_plural": "campaigns",
                "ordering": ["-starts_at"],
                "permissions": [("pause_campaign", "Can pause campaign")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="campaign_ends_after_start",
                    ),
                    models.CheckConstraint(
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
                    models.CheckConstraint(
                        condition=models.Q(("radius_m__gt", 0)), name="campaign_radius_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refund_policy__in", ["return", "pro_rata", "forfeit"])
                        ),
                        name="refund_policy_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("authorise_ttl_s__gt", 0)),
                        name="authorisation_lasts_a_while",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("selection_method__in", ["nearest", "random", "need", "districts"])
                        ),
                        name="selection_method_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("hold_out_bp__lte", 2000)), name="hold_out_in_range"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "senior_share_bp__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.Value(10000), "-", models.F("small_shop_share_bp")
                                ),
                            )
                        ),
                        name="guaranteed_shares_fit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("paused_until_at__isnull", True), ("state", "paused"), _connector="OR"
                        ),
                        name="campaign_deadline_of_pause",
                    ),
                ],
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
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rounds",
                        to="vouchers.campaign",
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("opens_at", models.DateTimeField(verbose_name="opens at")),
                ("closes_at", models.DateTimeField(verbose_name="closes at")),
                (
                    "way",
                    models.CharField(
                        choices=[
                            ("run", "distributed by runs (发放)"),
                            ("drop", "distributed by itself when it opens (定时发放)"),
                            (
                                "claim",
                                "claimed first come, first served, by places on file (先到先得)",
                            ),
                            (
                                "claim_on_spot",
                                "claimed first come, first served, on the spot (现场领取)",
                            ),
                        ],
                        default="run",
                        max_length=13,
                        verbose_name="handed out",
                    ),
                ),
            ],
            options={
                "verbose_name": "round",
                "verbose_name_plural": "rounds",
                "ordering": ["campaign", "number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "number"), name="one_round_per_number"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("closes_at__gt", models.F("opens_at"))),
                        name="round_closes_after_opening",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("way__in", ["run", "drop", "claim", "claim_on_spot"])),
                        name="round_way_known",
                    ),
                ],
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
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="participations",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="participations",
                        to="merchants.store",
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
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="own radius"),
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
                "indexes": [
                    models.Index(fields=["campaign", "store"], name="participation_by_store")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("valid_until_at__isnull", True)),
                        fields=("campaign", "store"),
                        name="one_open_participation_per_store",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_until_at__isnull", True),
                            ("valid_until_at__gt", models.F("valid_from_at")),
                            _connector="OR",
                        ),
                        name="participation_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("radius_m__isnull", True), ("radius_m__gt", 0), _connector="OR"
                        ),
                        name="participation_radius_positive",
                    ),
                ],
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
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rings",
                        to="vouchers.campaign",
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "label"), name="one_ring_per_label"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("to_m__gt", models.F("from_m"))), name="ring_not_empty"
                    ),
                ],
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
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="geofences",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("include_polygon", "also inside this polygon"),
                            ("within_district", "only within this district"),
                            ("within_street", "only within this street (街镇)"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("geometry", models.JSONField(blank=True, null=True, verbose_name="geometry")),
                (
                    "district",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.district",
                    ),
                ),
                (
                    "street",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.street",
                        verbose_name="street (街镇)",
                    ),
                ),
            ],
            options={
                "verbose_name": "geofence",
                "verbose_name_plural": "geofences",
                "constraints": [
                    models.CheckConstraint(
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
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LimitRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="limits",
                        to="vouchers.campaign",
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
                            (10, "per store and week"),
                            (11, "per store and campaign"),
                            (12, "per merchant and week"),
                            (13, "per device, phone or card and week"),
                            (14, "claims per device, phone or card and day"),
                            (15, "claims per device, phone or card and week"),
                            (16, "claims per device, phone or card and campaign"),
                        ],
                        verbose_name="counts",
                    ),
                ),
                (
                    "limit_count",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="most vouchers"
                    ),
                ),
                (
                    "limit_fen",
                    models.BigIntegerField(blank=True, null=True, verbose_name="most subsidy, fen"),
                ),
            ],
            options={
                "verbose_name": "limit",
                "verbose_name_plural": "limits",
                "constraints": [
                    models.UniqueConstraint(fields=("campaign", "kind"), name="one_limit_per_kind"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit_fen__isnull", True), ("limit_fen__gte", 0), _connector="OR"
                        ),
                        name="limit_fen_not_negative",
                    ),
                ],
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
                (
                    "resident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exclusions",
                        to="vouchers.resident",
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="vouchers.campaign",
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
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at__isnull", True)),
                        fields=("resident", "campaign"),
                        name="one_live_exclusion",
                        nulls_distinct=False,
                    )
                ],
                "indexes": [models.Index(fields=["campaign", "-id"], name="exclusion_by_campaign")],
            },
        ),
        migrations.CreateModel(
            name="Proposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("appropriation", "change of an appropriation (批复额度调整)"),
                            ("quotas", "change of quotas (配额调整)"),
                            ("repayment", "left-over to the treasury (缴回)"),
                            ("risk_rules", "risk rules (风控规则)"),
                        ],
                        max_length=13,
                        verbose_name="kind",
                    ),
                ),
                ("document", models.JSONField(verbose_name="document")),
                ("sha256", models.BinaryField(max_length=32, verbose_name="SHA-256")),
                ("why", models.CharField(max_length=500, verbose_name="why")),
                (
                    "request_id",
                    models.CharField(max_length=64, unique=True, verbose_name="request no."),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="proposed by",
                    ),
                ),
                ("proposed_at", models.DateTimeField(verbose_name="proposed at")),
                (
                    "signatures_needed",
                    models.PositiveSmallIntegerField(default=1, verbose_name="approvals needed"),
                ),
            ],
            options={
                "verbose_name": "proposal",
                "verbose_name_plural": "proposals",
                "ordering": ["-id"],
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
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="edits",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
        migrations.CreateModel(
            name="PreviewCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("terms_sha256", models.BinaryField(max_length=32, verbose_name="SHA-256")),
                ("targeted", models.IntegerField(null=True, verbose_name="people reached")),
                ("examined", models.IntegerField(null=True, verbose_name="people looked at")),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="previews",
                        to="vouchers.campaign",
                    ),
                ),
            ],
            options={
                "verbose_name": "counted audience",
                "verbose_name_plural": "counted audiences",
                "ordering": ["id"],
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
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="vouchers.campaign",
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("document", models.JSONField(verbose_name="document")),
                ("sha256", models.BinaryField(max_length=32, verbose_name="SHA-256")),
                ("edited_by", models.JSONField(verbose_name="ids of the users who edited it")),
                (
                    "amends",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="vouchers.termsversion",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                (
                    "signatures_needed",
                    models.PositiveSmallIntegerField(default=1, verbose_name="approvals needed"),
                ),
            ],
            options={
                "verbose_name": "terms version",
                "verbose_name_plural": "terms versions",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "number"), name="one_terms_per_number"
                    )
                ],
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
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sources",
                        to="vouchers.campaign",
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "code"), name="one_source_per_code"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("appropriated_fen__gte", 0)),
                        name="appropriated_not_negative",
                    ),
                ],
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
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tiers",
                        to="vouchers.campaign",
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
                "constraints": [
                    models.UniqueConstraint(fields=("campaign", "code"), name="one_tier_per_code"),
                    models.CheckConstraint(
                        condition=models.Q(("face_fen__gt", 0)), name="face_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("threshold_fen__gte", 0)), name="threshold_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "threshold"), _negated=True),
                            ("threshold_fen__gt", models.F("face_fen")),
                            _connector="OR",
                        ),
                        name="threshold_above_face",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind", "percent"),
                                ("percent_bp__isnull", False),
                                ("percent_bp__range", (1, 9999)),
                            ),
                            models.Q(
                                models.Q(("kind", "percent"), _negated=True),
                                ("percent_bp__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="percentage_only_for_percent_tiers",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("per_resident__gte", 1)), name="per_resident_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(verbose_name="at")),
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
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("appropriate", "appropriate"),
                            ("cut", "cut"),
                            ("reserve", "reserve"),
                            ("release", "release"),
                            ("mint", "mint"),
                            ("claim", "claim"),
                            ("authorise", "authorise"),
                            ("capture", "capture"),
                            ("lapse", "lapse"),
                            ("redeem", "redeem"),
                            ("void", "void"),
                            ("reverse", "reverse"),
                            ("refund", "refund"),
                            ("expire", "expire"),
                            ("hold", "hold"),
                            ("unhold", "unhold"),
                            ("settle", "settle"),
                            ("recover", "recover"),
                            ("reissue", "reissue"),
                            ("net", "net"),
                            ("collect", "collect"),
                            ("repay", "repay"),
                        ],
                        max_length=12,
                        verbose_name="reason",
                    ),
                ),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("source", "source"),
                            ("proposal", "proposal"),
                            ("run", "run"),
                            ("shard", "shard"),
                            ("tranche", "tranche"),
                            ("redemption", "redemption"),
                            ("refund", "refund"),
                            ("hold", "hold"),
                            ("settlement", "settlement"),
                            ("collection", "collection"),
                        ],
                        max_length=20,
                        verbose_name="cause",
                    ),
                ),
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
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(
                        django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast("xid", models.TextField()),
                            models.BigIntegerField(),
                        ),
                        autosummarize=True,
                        name="transfer_by_xid",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LimitCounter",
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
                            (10, "per store and week"),
                            (11, "per store and campaign"),
                            (12, "per merchant and week"),
                            (13, "per device, phone or card and week"),
                            (14, "claims per device, phone or card and day"),
                            (15, "claims per device, phone or card and week"),
                            (16, "claims per device, phone or card and campaign"),
                        ],
                        verbose_name="counts",
                    ),
                ),
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
                ("subject_id", models.BigIntegerField(verbose_name="subject")),
                ("window_no", models.BigIntegerField(verbose_name="window")),
                ("used_count", models.IntegerField(verbose_name="redemptions")),
                ("used_fen", models.BigIntegerField(verbose_name="subsidy, fen")),
                ("limit_count", models.IntegerField(null=True, verbose_name="most vouchers")),
                ("limit_fen", models.BigIntegerField(null=True, verbose_name="most subsidy, fen")),
            ],
            options={
                "verbose_name": "limit counter",
                "verbose_name_plural": "limit counters",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("used_count__gte", 0), ("used_fen__gte", 0)),
                        name="limit_use_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit_count__isnull", True),
                            ("used_count__lte", models.F("limit_count")),
                            _connector="OR",
                        ),
                        name="counter_within_limit_count",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit_fen__isnull", True),
                            ("used_fen__lte", models.F("limit_fen")),
                            _connector="OR",
                        ),
                        name="counter_within_limit_fen",
                    ),
                ],
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
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="seals",
                        to="vouchers.campaign",
                    ),
                ),
                ("cell", models.CharField(max_length=12, verbose_name="cell")),
                ("number", models.PositiveBigIntegerField(verbose_name="number")),
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
                "ordering": ["campaign", "number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "number"), name="one_seal_per_number"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("until_xid__gt", models.F("from_xid"))),
                        name="seal_goes_forward",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProposalDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "proposal",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decision",
                        to="vouchers.proposal",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
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
                    "xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "decision",
                "verbose_name_plural": "decisions",
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
                    "terms",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals",
                        to="vouchers.termsversion",
                    ),
                ),
                (
                    "approver",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="approver",
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
            ],
            options={
                "verbose_name": "approval",
                "verbose_name_plural": "approvals",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("terms", "approver"), name="one_decision_per_approver"
                    )
                ],
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
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="receipts",
                        to="vouchers.fundingsource",
                    ),
                ),
                (
                    "request_id",
                    models.CharField(max_length=64, unique=True, verbose_name="request no."),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="amount, fen")),
                ("document_no", models.CharField(max_length=60, verbose_name="document no.")),
                ("received_at", models.DateTimeField(verbose_name="received at")),
                (
                    "recorded_by",
                    models.CharField(blank=True, max_length=150, verbose_name="recorded by"),
                ),
            ],
            options={
                "verbose_name": "cash receipt",
                "verbose_name_plural": "cash receipts",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gt", 0)), name="receipt_positive"
                    )
                ],
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
                (
                    "tier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="splits",
                        to="vouchers.tier",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.fundingsource",
                    ),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="share of the face, fen")),
            ],
            options={
                "verbose_name": "share of the face",
                "verbose_name_plural": "shares of the face",
                "constraints": [
                    models.UniqueConstraint(fields=("tier", "source"), name="one_share_per_source"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gt", 0)), name="share_positive"
                    ),
                ],
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
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="vouchers.round",
                    ),
                ),
                (
                    "channel",
                    models.CharField(blank=True, max_length=20, null=True, verbose_name="channel"),
                ),
                (
                    "terms",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.termsversion",
                    ),
                ),
                ("seed", models.CharField(max_length=64, verbose_name="seed")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "waiting for a worker"),
                            ("targeting", "finding the audience"),
                            ("targeted", "audience found"),
                            ("reserved", "money reserved, minting"),
                            ("done", "done"),
                            ("cancelled", "cancelled"),
                        ],
                        default="queued",
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
                (
                    "paused_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="paused at"),
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
            name="QuotaCell",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cells",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "tier",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.tier",
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.round",
                    ),
                ),
                (
                    "district",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.district",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.store",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.fundingsource",
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
                (
                    "bucket_count",
                    models.PositiveSmallIntegerField(default=1, verbose_name="sub-buckets"),
                ),
            ],
            options={
                "verbose_name": "quota cell",
                "verbose_name_plural": "quota cells",
                "constraints": [
                    models.UniqueConstraint(
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
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cap_fen__isnull", True), ("cap_fen__gte", 0), _connector="OR"
                        ),
                        name="cell_cap_fen_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cap_count__isnull", True), ("cap_count__gte", 0), _connector="OR"
                        ),
                        name="cell_cap_count_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("bucket_count__range", (1, 64))),
                        name="cell_bucket_count_valid",
                    ),
                ],
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
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "tier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.tier",
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.round",
                    ),
                ),
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
                ("channel", models.CharField(max_length=20, null=True, verbose_name="channel")),
                ("day", models.DateField(null=True, verbose_name="day")),
            ],
            options={
                "verbose_name": "allocation",
                "verbose_name_plural": "allocations",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "tier", "round", "district", "store", "channel", "day"),
                        name="one_allocation_per_combination",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
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
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to="vouchers.fundingsource",
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "source", "kind"), name="one_account_per_kind"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Collection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="collections",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.merchant",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="collections",
                        to="vouchers.fundingsource",
                    ),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="amount, fen")),
                ("document_no", models.CharField(max_length=60, verbose_name="document no.")),
                (
                    "request_id",
                    models.CharField(max_length=64, unique=True, verbose_name="request no."),
                ),
                ("recorded_by", models.CharField(max_length=150, verbose_name="recorded by")),
                ("received_at", models.DateTimeField(verbose_name="received at")),
            ],
            options={
                "verbose_name": "collection",
                "verbose_name_plural": "collections",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gt", 0)), name="collection_positive"
                    )
                ],
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
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlements",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlements",
                        to="merchants.merchant",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.fundingsource",
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "merchant", "source", "business_day"),
                        name="one_settlement_per_day",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("total_fen__gte", 0)),
                        name="settlement_total_not_negative",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["business_day", "-id"], name="settlement_by_day"),
                    models.Index(fields=["campaign", "-id"], name="settlement_by_campaign"),
                ],
            },
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
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="members",
                        to="vouchers.run",
                    ),
                ),
                ("bucket", models.SmallIntegerField(verbose_name="bucket")),
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
                    "point_kind",
                    models.CharField(
                        choices=[("home", "home"), ("work", "work"), ("recent", "recent")],
                        max_length=6,
                        verbose_name="point",
                    ),
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
                ("distance_m", models.FloatField(verbose_name="distance, metres")),
                ("ring", models.CharField(max_length=8, verbose_name="ring")),
                (
                    "commitment",
                    models.BinaryField(max_length=32, verbose_name="commitment to the point"),
                ),
            ],
            options={
                "verbose_name": "audience member",
                "verbose_name_plural": "audience members",
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
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shards",
                        to="vouchers.run",
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                (
                    "tier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.tier",
                    ),
                ),
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
                "constraints": [
                    models.UniqueConstraint(fields=("run", "number"), name="one_shard_per_number"),
                    models.CheckConstraint(
                        condition=models.Q(("voucher_count__range", (1, 1000000))),
                        name="shard_fits_a_tranche",
                    ),
                ],
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
                (
                    "cell",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="buckets",
                        to="vouchers.quotacell",
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("cell", "number"), name="one_bucket_per_number"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("headroom_fen__isnull", True),
                            ("headroom_fen__gte", 0),
                            _connector="OR",
                        ),
                        name="headroom_fen_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("headroom_count__isnull", True),
                            ("headroom_count__gte", 0),
                            _connector="OR",
                        ),
                        name="headroom_count_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Voucher",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("bucket", models.SmallIntegerField(verbose_name="bucket")),
                (
                    "resident",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="vouchers",
                        to="vouchers.resident",
                    ),
                ),
                (
                    "allocation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.allocation",
                    ),
                ),
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
                ("line_no", models.SmallIntegerField(verbose_name="line")),
                ("at", models.DateTimeField(verbose_name="at")),
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
                ("amount_fen", models.BigIntegerField(verbose_name="amount, fen")),
            ],
            options={
                "verbose_name": "leg",
                "verbose_name_plural": "legs",
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
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tranches",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "tier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.tier",
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.round",
                    ),
                ),
                (
                    "shard",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tranche",
                        to="vouchers.shard",
                    ),
                ),
                (
                    "terms",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.termsversion",
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
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id__range", (1, 999999))), name="tranche_number_fits"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valid_until_at__gt", models.F("valid_from_at"))),
                        name="tranche_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("voucher_count__range", (1, 1000000)),
                            models.Q(("shard__isnull", True), ("voucher_count", 0)),
                            _connector="OR",
                        ),
                        name="tranche_size_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("shard__isnull", False), ("round__isnull", False), _connector="OR"
                        ),
                        name="claimed_tranche_has_a_round",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Redemption",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
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
                    "merchant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="merchants.merchant",
                    ),
                ),
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
                (
                    "allocation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.allocation",
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
                    "shown_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.resident",
                        verbose_name="shown by",
                    ),
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
                            (5, "refunded"),
                        ],
                        verbose_name="state",
                    ),
                ),
                ("business_day", models.DateField(verbose_name="business day")),
                ("redeemed_at", models.DateTimeField(verbose_name="redeemed at")),
                (
                    "authorised_fen",
                    models.BigIntegerField(null=True, verbose_name="authorised, fen"),
                ),
                (
                    "expires_at",
                    models.DateTimeField(null=True, verbose_name="authorisation expires at"),
                ),
                ("captured_at", models.DateTimeField(null=True, verbose_name="captured at")),
                (
                    "links",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        null=True,
                        size=None,
                        verbose_name="links",
                    ),
                ),
                ("undone_at", models.DateTimeField(null=True, verbose_name="undone at")),
                (
                    "xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
                ),
                ("occurred_at", models.DateTimeField(null=True, verbose_name="taken offline at")),
            ],
            options={
                "verbose_name": "redemption",
                "verbose_name_plural": "redemptions",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["store", "business_day"], name="redemption_by_store_day"),
                    django.contrib.postgres.indexes.BrinIndex(
                        autosummarize=True, fields=["business_day"], name="redemption_by_day"
                    ),
                    models.Index(
                        condition=models.Q(("state", 1)),
                        fields=["expires_at"],
                        name="redemption_to_capture",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
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
                    models.CheckConstraint(
                        condition=models.Q(
                            ("discount_fen__gt", 0),
                            ("order_amount_fen__gt", models.F("discount_fen")),
                        ),
                        name="payable_at_least_one_fen",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("eligible_amount_fen__gte", 0),
                            ("eligible_amount_fen__lte", models.F("order_amount_fen")),
                        ),
                        name="eligible_within_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("authorised_fen__isnull", True),
                            ("discount_fen__lte", models.F("authorised_fen")),
                            _connector="OR",
                        ),
                        name="captured_within_authorised",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", 1), _negated=True),
                            models.Q(
                                ("authorised_fen__isnull", False), ("expires_at__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="authorisation_has_an_end",
                    ),
                ],
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
                ("order_no", models.CharField(max_length=65, verbose_name="order no.")),
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
                (
                    "voucher",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.voucher",
                    ),
                ),
                ("claimed_at", models.DateTimeField(verbose_name="claimed at")),
            ],
            options={
                "verbose_name": "order claim",
                "verbose_name_plural": "order claims",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("order_no", django.db.models.functions.text.Upper("order_no"))
                        ),
                        name="order_claim_folded",
                    )
                ],
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
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("terminal_minute", "redemptions of a till in a minute"),
                            ("merchant_day", "subsidy of a merchant in a day"),
                            ("device_shared", "residents of one device"),
                            ("store_distance", "shown far from the store"),
                            ("impossible_travel", "one person at two stores too soon"),
                            ("threshold_hugging", "orders just above the threshold"),
                            ("split_orders", "one purchase in several orders"),
                            ("night_hours", "at night"),
                            ("few_people", "the same few people at one till"),
                            ("terminal_roaming", "one till in several stores"),
                            ("refund_rate", "many refunds of a store"),
                        ],
                        max_length=20,
                        verbose_name="kind",
                    ),
                ),
                (
                    "setting",
                    models.CharField(
                        choices=[
                            ("off", "off"),
                            ("shadow", "only watched (shadow)"),
                            ("live", "in force"),
                        ],
                        max_length=6,
                        verbose_name="setting",
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("pay", "pay"),
                            ("hold", "pay, hold the merchant's money"),
                            ("refuse", "refuse"),
                        ],
                        max_length=6,
                        verbose_name="verdict",
                    ),
                ),
                ("subject", models.CharField(max_length=20, verbose_name="subject")),
                ("subject_id", models.BigIntegerField(verbose_name="subject no.")),
                ("order_no", models.CharField(max_length=64, verbose_name="order no.")),
                ("facts", models.JSONField(default=dict, verbose_name="facts")),
                ("raised_at", models.DateTimeField(verbose_name="raised at")),
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
                "verbose_name": "signal",
                "verbose_name_plural": "signals",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["subject", "subject_id"], name="signal_by_subject"),
                    models.Index(fields=["campaign", "-id"], name="signal_by_campaign"),
                    models.Index(
                        condition=models.Q(("setting", "live")),
                        fields=["id"],
                        name="signal_of_live_rule",
                    ),
                    models.Index(fields=["kind", "-id"], name="signal_by_kind"),
                ],
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
                (
                    "redemption",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="vouchers.redemption",
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
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("released_at__isnull", True)),
                        fields=("redemption",),
                        name="one_open_hold_per_redemption",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("released_at__isnull", True),
                            ("released_at__gte", models.F("opened_at")),
                            _connector="OR",
                        ),
                        name="hold_released_after_opening",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "redemption",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="vouchers.redemption",
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
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.merchant",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.store",
                    ),
                ),
                (
                    "refund_no",
                    models.CharField(blank=True, max_length=64, verbose_name="refund no."),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="refunded to the shopper, fen")),
                ("clawback_fen", models.BigIntegerField(verbose_name="subsidy called back, fen")),
                (
                    "policy",
                    models.CharField(
                        choices=[
                            ("return", "a whole refund gives the voucher back (退券)"),
                            ("pro_rata", "the subsidy is returned in proportion (按比例退回)"),
                            ("forfeit", "whole refunds only, the voucher is lost (退款作废)"),
                        ],
                        max_length=8,
                        verbose_name="policy",
                    ),
                ),
                ("gives_voucher_back", models.BooleanField(verbose_name="voucher given back")),
                (
                    "caller",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="merchants.credential",
                    ),
                ),
                ("business_day", models.DateField(verbose_name="business day")),
                ("refunded_at", models.DateTimeField(verbose_name="refunded at")),
                (
                    "xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
                ),
                (
                    "hold",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.hold",
                        verbose_name="hold",
                    ),
                ),
                ("is_test", models.BooleanField(default=False, verbose_name="test")),
            ],
            options={
                "verbose_name": "refund",
                "verbose_name_plural": "refunds",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("clawback_fen__gte", 0)), name="clawback_not_negative"
                    ),
                    models.UniqueConstraint(
                        models.F("merchant"),
                        models.F("is_test"),
                        django.db.models.functions.text.Upper("refund_no"),
                        condition=models.Q(("hold", None)),
                        name="one_refund_per_number",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("amount_fen__gt", 0), ("caller__isnull", False), ("hold", None)
                            ),
                            models.Q(
                                ("amount_fen", 0),
                                ("caller", None),
                                ("gives_voucher_back", False),
                                ("hold__isnull", False),
                                ("refund_no", ""),
                            ),
                            _connector="OR",
                        ),
                        name="refund_positive",
                    ),
                ],
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
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="vouchers.settlement",
                    ),
                ),
                (
                    "redemption",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="vouchers.redemption",
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
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.fundingsource",
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
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "redemption")),
                        fields=("redemption", "source"),
                        name="settled_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "refund")),
                        fields=("refund_id", "source", "settlement"),
                        name="netted_once_per_settlement",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("amount_fen__gt", 0), ("kind", "redemption"), ("refund_id", 0)
                            ),
                            models.Q(("amount_fen__lt", 0), ("kind", "refund")),
                            _connector="OR",
                        ),
                        name="settlement_line_sign",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RefundPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "refund",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="parts",
                        to="vouchers.refund",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.fundingsource",
                    ),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="amount, fen")),
                (
                    "origin",
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
                        verbose_name="from",
                    ),
                ),
                (
                    "target",
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
                        verbose_name="to",
                    ),
                ),
            ],
            options={
                "verbose_name": "share of a refund",
                "verbose_name_plural": "shares of a refund",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("refund", "source"), name="one_refund_part_per_source"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gt", 0)), name="refund_part_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("origin__in", ["payable", "risk_held", "settled"]),
                            ("target__in", ["free", "outstanding", "recoverable"]),
                            models.Q(
                                models.Q(("origin", "settled"), _negated=True),
                                ("target", "recoverable"),
                                _connector="OR",
                            ),
                        ),
                        name="refund_part_accounts",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CollectionLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "collection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="vouchers.collection",
                    ),
                ),
                (
                    "refund",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="collected",
                        to="vouchers.refund",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.fundingsource",
                    ),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="amount, fen")),
            ],
            options={
                "verbose_name": "collection line",
                "verbose_name_plural": "collection lines",
                "constraints": [
                    models.UniqueConstraint(fields=("collection", "refund"), name="collected_once"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gt", 0)), name="collection_line_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Claim",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(blank=True, max_length=20, verbose_name="channel")),
                ("number", models.PositiveSmallIntegerField(verbose_name="number")),
                ("voucher_id", models.BigIntegerField(unique=True, verbose_name="voucher")),
                (
                    "place_kind",
                    models.CharField(
                        choices=[
                            ("home", "home"),
                            ("work", "work"),
                            ("recent", "recent"),
                            ("spot", "where the claim was made"),
                        ],
                        max_length=6,
                        verbose_name="place",
                    ),
                ),
                ("distance_m", models.FloatField(verbose_name="distance, metres")),
                ("ring", models.CharField(blank=True, max_length=8, verbose_name="ring")),
                (
                    "commitment",
                    models.BinaryField(max_length=32, verbose_name="commitment to the place"),
                ),
                ("claimed_at", models.DateTimeField(verbose_name="claimed at")),
                (
                    "links",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        null=True,
                        size=None,
                        verbose_name="links",
                    ),
                ),
                (
                    "xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
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
                    "round",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.round",
                    ),
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
                    "tier",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="vouchers.tier",
                    ),
                ),
            ],
            options={
                "verbose_name": "claim",
                "verbose_name_plural": "claims",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("resident", "round", "tier", "channel", "number"),
                        name="one_claim_per_number",
                    )
                ],
            },
        ),
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
                "indexes": [models.Index(fields=["voucher"], name="paper_by_voucher")],
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
                "indexes": [models.Index(fields=["voucher"], name="presentation_by_voucher")],
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
        migrations.CreateModel(
            name="RiskVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="version")),
                ("rules", models.JSONField(verbose_name="rules")),
                ("in_force_at", models.DateTimeField(verbose_name="in force from")),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="risk_versions",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "proposal",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.proposal",
                    ),
                ),
            ],
            options={
                "verbose_name": "risk rules",
                "verbose_name_plural": "risk rules",
                "ordering": ["campaign", "-number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "number"), name="one_risk_version_per_number"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RiskTally",
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
                ("kind", models.SmallIntegerField(verbose_name="counts")),
                ("subject_id", models.BigIntegerField(verbose_name="subject")),
                ("window_no", models.BigIntegerField(verbose_name="window")),
                ("used_count", models.IntegerField(verbose_name="redemptions")),
                ("used_fen", models.BigIntegerField(verbose_name="subsidy, fen")),
                ("last_at", models.DateTimeField(null=True, verbose_name="latest at")),
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
                (
                    "last_store",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="merchants.store",
                    ),
                ),
            ],
            options={
                "verbose_name": "risk tally",
                "verbose_name_plural": "risk tallies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("used_count__gte", 0), ("used_fen__gte", 0)),
                        name="tally_not_negative",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
                ("status", models.PositiveSmallIntegerField(null=True, verbose_name="HTTP status")),
                ("error", models.CharField(blank=True, max_length=200, verbose_name="error")),
                ("took_ms", models.PositiveIntegerField(verbose_name="took, ms")),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="vouchers.outbox",
                        verbose_name="message",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook delivery",
                "verbose_name_plural": "webhook deliveries",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "channel_code",
                    models.CharField(blank=True, max_length=20, verbose_name="channel"),
                ),
                ("url", models.CharField(max_length=300, verbose_name="address")),
                ("events", models.JSONField(verbose_name="events")),
                ("is_test", models.BooleanField(default=False, verbose_name="test")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("paused", "paused"),
                            ("disabled", "disabled"),
                        ],
                        default="active",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                (
                    "secret_number",
                    models.PositiveIntegerField(default=1, verbose_name="secret no."),
                ),
                (
                    "previous_secret_until_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="previous secret until"
                    ),
                ),
                (
                    "failures",
                    models.PositiveIntegerField(default=0, verbose_name="failures in a row"),
                ),
                (
                    "failing_since_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="failing since"),
                ),
                (
                    "rests_until_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="rests until"),
                ),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                (
                    "merchant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="webhook_endpoints",
                        to="merchants.merchant",
                        verbose_name="merchant",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook endpoint",
                "verbose_name_plural": "webhook endpoints",
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("channel_code", ""), ("merchant__isnull", False)),
                            models.Q(("channel_code__gt", ""), ("merchant__isnull", True)),
                            _connector="OR",
                        ),
                        name="endpoint_of_merchant_or_channel",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("url__regex", "^https://[^/?#@\\s]+(/[^#\\s]*)?$")),
                        name="endpoint_is_https",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["active", "paused", "disabled"])),
                        name="endpoint_state_known",
                    ),
                    models.UniqueConstraint(
                        fields=("merchant", "channel_code", "is_test", "url"),
                        name="one_endpoint_per_address",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SandboxClock",
            fields=[
                (
                    "campaign",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="sandbox_clock",
                        serialize=False,
                        to="vouchers.campaign",
                    ),
                ),
                ("ahead", models.DurationField(verbose_name="ahead of the real time")),
                ("moved_by", models.CharField(max_length=150, verbose_name="moved by")),
                ("moved_at", models.DateTimeField(verbose_name="moved at")),
            ],
            options={
                "verbose_name": "sandbox clock",
                "verbose_name_plural": "sandbox clocks",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ahead__gte", datetime.timedelta(0)),
                            ("ahead__lte", datetime.timedelta(days=1098)),
                        ),
                        name="clock_within_bounds",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ResidentSnapshot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("built_at", models.DateTimeField(verbose_name="built at")),
                (
                    "as_of",
                    models.TextField(
                        db_default=vouchers.sql.fields.CurrentSnapshot(),
                        editable=False,
                        verbose_name="has seen",
                    ),
                ),
                (
                    "xid",
                    vouchers.sql.fields.Xid8Field(
                        db_default=vouchers.sql.fields.CurrentXid(), editable=False
                    ),
                ),
                ("server", models.BigIntegerField(verbose_name="server")),
                (
                    "cleared_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="blocks deleted at"),
                ),
            ],
            options={
                "verbose_name": "snapshot of residents",
                "verbose_name_plural": "snapshots of residents",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="SnapshotBlock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("resident_count", models.PositiveIntegerField(verbose_name="residents")),
                (
                    "boxes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.FloatField(null=True), size=12
                    ),
                ),
                (
                    "last_consented_at",
                    models.DateTimeField(null=True, verbose_name="last consent at"),
                ),
                ("resident_id", models.BinaryField()),
                ("bucket", models.BinaryField()),
                ("flags", models.BinaryField()),
                ("consented_at", models.BinaryField()),
                ("district_id", models.BinaryField()),
                ("birth_year", models.BinaryField()),
                ("need_score", models.BinaryField()),
                ("tags", models.BinaryField()),
                (
                    "street",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), size=None
                    ),
                ),
                ("home_longitude_deg", models.BinaryField(null=True)),
                ("work_longitude_deg", models.BinaryField(null=True)),
                ("recent_longitude_deg", models.BinaryField(null=True)),
                ("home_latitude_deg", models.BinaryField(null=True)),
                ("work_latitude_deg", models.BinaryField(null=True)),
                ("recent_latitude_deg", models.BinaryField(null=True)),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="blocks",
                        to="vouchers.residentsnapshot",
                    ),
                ),
            ],
            options={
                "verbose_name": "block of residents",
                "verbose_name_plural": "blocks of residents",
                "ordering": ["snapshot", "number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("snapshot", "number"), name="one_block_per_number"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("resident_count__lte", 16384)),
                        name="block_not_too_large",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Targeting",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="targeting",
                        serialize=False,
                        to="vouchers.run",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="as of")),
                ("location_ids", models.BinaryField(verbose_name="store locations, int64")),
                ("radii_m", models.BinaryField(verbose_name="radii, float64")),
                (
                    "beyond_reach",
                    models.PositiveIntegerField(verbose_name="beyond every store's reach"),
                ),
                (
                    "snapshot",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.residentsnapshot",
                    ),
                ),
            ],
            options={
                "verbose_name": "targeting",
                "verbose_name_plural": "targetings",
            },
        ),
        migrations.CreateModel(
            name="TargetingPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                (
                    "block_numbers",
                    models.BinaryField(default=bytes, verbose_name="block numbers, int32"),
                ),
                (
                    "resident_ids",
                    models.BinaryField(default=bytes, verbose_name="resident ids, int64"),
                ),
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
                ("counts", models.JSONField(default=dict, verbose_name="counts")),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="targeting_parts",
                        to="vouchers.run",
                    ),
                ),
            ],
            options={
                "verbose_name": "part of a targeting",
                "verbose_name_plural": "parts of a targeting",
                "ordering": ["run", "number"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "done"), _negated=True),
                        fields=["run", "number"],
                        name="parts_left",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "number"), name="one_part_per_number"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("block_numbers", b""), ("resident_ids", b""), _connector="OR"
                        ),
                        name="part_of_one_kind",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BackTest",
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
                            ("terminal_minute", "redemptions of a till in a minute"),
                            ("merchant_day", "subsidy of a merchant in a day"),
                            ("device_shared", "residents of one device"),
                            ("store_distance", "shown far from the store"),
                            ("impossible_travel", "one person at two stores too soon"),
                            ("threshold_hugging", "orders just above the threshold"),
                            ("split_orders", "one purchase in several orders"),
                            ("night_hours", "at night"),
                            ("few_people", "the same few people at one till"),
                            ("terminal_roaming", "one till in several stores"),
                            ("refund_rate", "many refunds of a store"),
                        ],
                        max_length=20,
                        verbose_name="rule",
                    ),
                ),
                ("rule", models.JSONField(verbose_name="rule")),
                ("first_day", models.DateField(verbose_name="from")),
                ("last_day", models.DateField(verbose_name="to")),
                ("requested_by", models.CharField(max_length=150, verbose_name="requested by")),
                ("requested_at", models.DateTimeField(verbose_name="requested at")),
                ("done_count", models.IntegerField(default=0, verbose_name="looked at")),
                ("total_count", models.IntegerField(default=0, verbose_name="redemptions")),
                ("fence", models.IntegerField(default=0, verbose_name="token")),
                ("lease_until_at", models.DateTimeField(null=True, verbose_name="leased until")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished at")),
                ("result", models.JSONField(default=dict, verbose_name="result")),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.campaign",
                    ),
                ),
            ],
            options={
                "verbose_name": "back-test",
                "verbose_name_plural": "back-tests",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("finished_at", None)),
                        fields=["id"],
                        name="back_test_that_waits",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("last_day__gte", models.F("first_day"))),
                        name="back_test_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at", None), ("result", {})),
                            models.Q(
                                models.Q(("finished_at", None), _negated=True),
                                models.Q(("result", {}), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="back_test_finished_with_result",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Case",
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
                            ("terminal_minute", "redemptions of a till in a minute"),
                            ("merchant_day", "subsidy of a merchant in a day"),
                            ("device_shared", "residents of one device"),
                            ("store_distance", "shown far from the store"),
                            ("impossible_travel", "one person at two stores too soon"),
                            ("threshold_hugging", "orders just above the threshold"),
                            ("split_orders", "one purchase in several orders"),
                            ("night_hours", "at night"),
                            ("few_people", "the same few people at one till"),
                            ("terminal_roaming", "one till in several stores"),
                            ("refund_rate", "many refunds of a store"),
                        ],
                        max_length=20,
                        verbose_name="rule",
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        choices=[
                            ("store", "store"),
                            ("merchant", "merchant"),
                            ("resident", "resident"),
                            ("device", "device"),
                        ],
                        max_length=20,
                        verbose_name="concerns",
                    ),
                ),
                ("subject_id", models.BigIntegerField(verbose_name="subject no.")),
                ("window_no", models.BigIntegerField(verbose_name="week")),
                (
                    "severity",
                    models.SmallIntegerField(
                        choices=[(3, "high"), (2, "medium"), (1, "low")], verbose_name="severity"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("cleared", "cleared"),
                            ("confirmed", "fraud confirmed"),
                        ],
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("signal_count", models.IntegerField(verbose_name="signals")),
                ("subsidy_fen", models.BigIntegerField(verbose_name="subsidy concerned")),
                ("opened_at", models.DateTimeField(verbose_name="opened at")),
                ("deadline_at", models.DateTimeField(verbose_name="deadline")),
                ("act_count", models.IntegerField(default=0, verbose_name="acts")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                (
                    "decided_by",
                    models.CharField(blank=True, max_length=150, verbose_name="decided by"),
                ),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="reason")),
                (
                    "assignee",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="assigned to",
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cases",
                        to="vouchers.campaign",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "case",
                "verbose_name_plural": "cases",
                "ordering": ["deadline_at", "id"],
                "indexes": [models.Index(fields=["state", "deadline_at"], name="case_by_deadline")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("campaign", "kind", "subject", "subject_id", "window_no"),
                        name="one_open_case_per_subject",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("act_count__gte", 0), ("signal_count__gt", 0), ("subsidy_fen__gte", 0)
                        ),
                        name="case_counts_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at", None),
                                ("decided_by", ""),
                                ("reason", ""),
                                ("state", "open"),
                            ),
                            models.Q(
                                models.Q(("state", "open"), _negated=True),
                                ("decided_at__gte", models.F("opened_at")),
                                models.Q(("decided_by", ""), _negated=True),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="case_decided_with_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CaseSignal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="members",
                        to="vouchers.case",
                    ),
                ),
                (
                    "signal",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="membership",
                        to="vouchers.signal",
                    ),
                ),
            ],
            options={
                "verbose_name": "signal of a case",
                "verbose_name_plural": "signals of cases",
            },
        ),
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
                (
                    "district",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.district",
                        verbose_name="district",
                    ),
                ),
                (
                    "street",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.street",
                        verbose_name="street (街镇)",
                    ),
                ),
                (
                    "given_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="given by",
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="role_grants",
                        to="auth.group",
                        verbose_name="role",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="role_grants",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="withdrawn by",
                    ),
                ),
            ],
            options={
                "verbose_name": "grant of a role",
                "verbose_name_plural": "grants of roles",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until_at__isnull", True),
                            ("until_at__gt", models.F("from_at")),
                            _connector="OR",
                        ),
                        name="grant_ends_after_it_begins",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("given_by", models.F("user")), _negated=True),
                        name="grant_by_another_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("withdrawn_at__isnull", True), ("withdrawn_by__isnull", True)
                            ),
                            models.Q(
                                ("withdrawn_at__isnull", False), ("withdrawn_by__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="grant_withdrawn_by_a_person",
                    ),
                ],
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
                (
                    "proposal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signatures",
                        to="vouchers.proposal",
                    ),
                ),
                (
                    "signed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="signed by",
                    ),
                ),
            ],
            options={
                "verbose_name": "signature",
                "verbose_name_plural": "signatures",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("proposal", "signed_by"), name="one_signature_per_person"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SetupChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("page_table", models.CharField(max_length=63, verbose_name="page of")),
                ("page_id", models.BigIntegerField(verbose_name="page no.")),
                ("table_name", models.CharField(max_length=63, verbose_name="table")),
                ("row_id", models.BigIntegerField(verbose_name="row no.")),
                (
                    "operation",
                    models.CharField(
                        choices=[("insert", "added"), ("update", "changed"), ("delete", "deleted")],
                        max_length=6,
                        verbose_name="what",
                    ),
                ),
                ("before", models.JSONField(null=True, verbose_name="before")),
                ("after", models.JSONField(null=True, verbose_name="after")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("user_id", models.BigIntegerField(null=True, verbose_name="user no.")),
                ("username", models.CharField(max_length=150, verbose_name="user")),
                ("origin", models.CharField(max_length=100, verbose_name="by way of")),
                ("request_id", models.CharField(max_length=128, verbose_name="request no.")),
                ("database_role", models.CharField(max_length=63, verbose_name="database role")),
            ],
            options={
                "verbose_name": "change of the set-up",
                "verbose_name_plural": "changes of the set-up",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        fields=["page_table", "page_id", "-id"], name="setup_change_by_page"
                    ),
                    models.Index(fields=["username", "-id"], name="setup_change_by_user"),
                ],
            },
        ),
        migrations.AddField(
            model_name="Outbox",
            name="endpoint",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="vouchers.webhookendpoint",
                verbose_name="endpoint",
            ),
        ),
        migrations.AddField(
            model_name="Campaign",
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
        migrations.AddConstraint(
            model_name="Campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["draft", "submitted"]), ("terms__isnull", False), _connector="OR"
                ),
                name="approved_campaign_has_terms",
            ),
        ),
        migrations.AddField(
            model_name="Signal",
            name="version",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.riskversion",
                verbose_name="rules",
            ),
        ),
        migrations.AddField(
            model_name="Hold",
            name="case",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.case",
                verbose_name="case",
            ),
        ),
        migrations.AddField(
            model_name="Hold",
            name="rule_version",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.riskversion",
                verbose_name="risk rules",
            ),
        ),
        migrations.AddConstraint(
            model_name="Hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("case", None), ("rule_version", None), _connector="OR"),
                name="hold_of_case_or_rules",
            ),
        ),
    ]
    operations = with_tables_at_once(operations)
