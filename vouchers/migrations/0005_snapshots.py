"""Packed snapshots of residents, and targeting cut into parts for any number of workers."""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import vouchers.sql.fields
import vouchers.sql.operations
from django.db import migrations, models
from vouchers.sql.privileges import grant

# Packed columns are read one by one and do not compress: each apart from the row, as it is.
STORED_APART = "ALTER TABLE vouchers_snapshotblock " + ", ".join(
    f"ALTER {name} SET STORAGE EXTERNAL"
    for name in (
        "resident_id",
        "bucket",
        "flags",
        "consented_at",
        "district_id",
        "birth_year",
        "need_score",
        "tags",
        "home_longitude_deg",
        "work_longitude_deg",
        "recent_longitude_deg",
        "home_latitude_deg",
        "work_latitude_deg",
        "recent_latitude_deg",
    )
)


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0002_triggers"),
        ("vouchers", "0004_privileges"),
    ]

    operations = [
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
            ],
            options={
                "verbose_name": "block of residents",
                "verbose_name_plural": "blocks of residents",
                "ordering": ["snapshot", "number"],
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
            ],
            options={
                "verbose_name": "part of a targeting",
                "verbose_name_plural": "parts of a targeting",
                "ordering": ["run", "number"],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="run",
            name="run_arrows",
        ),
        migrations.AlterField(
            model_name="run",
            name="state",
            field=models.CharField(
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
        migrations.AddIndex(
            model_name="resident",
            index=models.Index(fields=["changed_xid"], name="resident_by_change"),
        ),
        migrations.AddField(
            model_name="snapshotblock",
            name="snapshot",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="blocks",
                to="vouchers.residentsnapshot",
            ),
        ),
        migrations.AddField(
            model_name="targeting",
            name="snapshot",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.residentsnapshot",
            ),
        ),
        migrations.AddField(
            model_name="targetingpart",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="targeting_parts",
                to="vouchers.run",
            ),
        ),
        migrations.AddConstraint(
            model_name="snapshotblock",
            constraint=models.UniqueConstraint(
                fields=("snapshot", "number"), name="one_block_per_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="snapshotblock",
            constraint=models.CheckConstraint(
                condition=models.Q(("resident_count__lte", 16384)), name="block_not_too_large"
            ),
        ),
        migrations.AddIndex(
            model_name="targetingpart",
            index=models.Index(
                condition=models.Q(("state", "done"), _negated=True),
                fields=["run", "number"],
                name="parts_left",
            ),
        ),
        migrations.AddConstraint(
            model_name="targetingpart",
            constraint=models.UniqueConstraint(
                fields=("run", "number"), name="one_part_per_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="targetingpart",
            constraint=models.CheckConstraint(
                condition=models.Q(("block_numbers", b""), ("resident_ids", b""), _connector="OR"),
                name="part_of_one_kind",
            ),
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "consent": [
                    pgtrigger.compiler.Trigger(
                        name="consent_added_dated",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n            UPDATE vouchers_resident SET changed_xid = pg_current_xact_id()\n             WHERE id = ANY (ARRAY(SELECT resident_id FROM rows_changed))\n               AND changed_xid <> pg_current_xact_id();\n            RETURN NULL;",
                            hash="a475649cc76e8631d10c240401643cf84a1508c9",
                            level="STATEMENT",
                            operation="INSERT",
                            pgid="pgtrigger_consent_added_dated_87be1",
                            referencing="REFERENCING NEW TABLE AS rows_changed ",
                            table="vouchers_consent",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="consent_changed_dated",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n            UPDATE vouchers_resident SET changed_xid = pg_current_xact_id()\n             WHERE id = ANY (ARRAY(SELECT resident_id FROM rows_changed))\n               AND changed_xid <> pg_current_xact_id();\n            RETURN NULL;",
                            hash="c95631050e24c70a9ca0e83226e60759bc0d87c5",
                            level="STATEMENT",
                            operation="UPDATE",
                            pgid="pgtrigger_consent_changed_dated_06203",
                            referencing="REFERENCING NEW TABLE AS rows_changed ",
                            table="vouchers_consent",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="consent_taken_out_dated",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n            UPDATE vouchers_resident SET changed_xid = pg_current_xact_id()\n             WHERE id = ANY (ARRAY(SELECT resident_id FROM rows_changed))\n               AND changed_xid <> pg_current_xact_id();\n            RETURN NULL;",
                            hash="d49ec5ec5a7f94d62354529fbd665570b02111da",
                            level="STATEMENT",
                            operation="DELETE",
                            pgid="pgtrigger_consent_taken_out_dated_d7634",
                            referencing="REFERENCING OLD TABLE AS rows_changed ",
                            table="vouchers_consent",
                            when="AFTER",
                        ),
                    ),
                ],
                "resident": [
                    pgtrigger.compiler.Trigger(
                        name="resident_not_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="87379545b78d008eb42242e76027b8c4ac940369",
                            operation="DELETE",
                            pgid="pgtrigger_resident_not_deleted_9d2cc",
                            table="vouchers_resident",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="resident_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="54ab5e3e40a1e856e9e82bf373356464c0c2e902",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_resident_no_truncate_cb247",
                            table="vouchers_resident",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="resident_change_dated",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="NEW.changed_xid = pg_current_xact_id(); RETURN NEW;",
                            hash="7c7b6865ee8bfc171a540b0cb4e1112a97091e02",
                            operation="UPDATE",
                            pgid="pgtrigger_resident_change_dated_81658",
                            table="vouchers_resident",
                            when="BEFORE",
                        ),
                    ),
                ],
                "residentpoint": [
                    pgtrigger.compiler.Trigger(
                        name="point_added_dated",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n            UPDATE vouchers_resident SET changed_xid = pg_current_xact_id()\n             WHERE id = ANY (ARRAY(SELECT resident_id FROM rows_changed))\n               AND changed_xid <> pg_current_xact_id();\n            RETURN NULL;",
                            hash="f875e8936fdfbb808bc9c2c5b737596a9443c651",
                            level="STATEMENT",
                            operation="INSERT",
                            pgid="pgtrigger_point_added_dated_354db",
                            referencing="REFERENCING NEW TABLE AS rows_changed ",
                            table="vouchers_residentpoint",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="point_changed_dated",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n            UPDATE vouchers_resident SET changed_xid = pg_current_xact_id()\n             WHERE id = ANY (ARRAY(SELECT resident_id FROM rows_changed))\n               AND changed_xid <> pg_current_xact_id();\n            RETURN NULL;",
                            hash="e6a946c1ab0f37e452cb5e6c085dd9a51a407770",
                            level="STATEMENT",
                            operation="UPDATE",
                            pgid="pgtrigger_point_changed_dated_bd5c5",
                            referencing="REFERENCING NEW TABLE AS rows_changed ",
                            table="vouchers_residentpoint",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="point_taken_out_dated",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n            UPDATE vouchers_resident SET changed_xid = pg_current_xact_id()\n             WHERE id = ANY (ARRAY(SELECT resident_id FROM rows_changed))\n               AND changed_xid <> pg_current_xact_id();\n            RETURN NULL;",
                            hash="3f70c31a40b86bf883f24b07ae82b48f7ae30fcd",
                            level="STATEMENT",
                            operation="DELETE",
                            pgid="pgtrigger_point_taken_out_dated_cf15b",
                            referencing="REFERENCING OLD TABLE AS rows_changed ",
                            table="vouchers_residentpoint",
                            when="AFTER",
                        ),
                    ),
                ],
                "run": [
                    pgtrigger.compiler.Trigger(
                        name="run_arrows",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN (('queued', 'cancelled'), ('queued', 'targeting'), ('reserved', 'cancelled'), ('reserved', 'done'), ('targeted', 'cancelled'), ('targeted', 'reserved'), ('targeting', 'cancelled'), ('targeting', 'targeted')))",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="cda207b7606e99e84c7cb7e4677ec46ac0f7f570",
                            operation="UPDATE",
                            pgid="pgtrigger_run_arrows_cd46b",
                            table="vouchers_run",
                            when="BEFORE",
                        ),
                    ),
                ],
                "residentsnapshot": [
                    pgtrigger.compiler.Trigger(
                        name="resident_snapshot_not_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="65f756f10132ae0de188111da04c7856766a8bd2",
                            operation="DELETE",
                            pgid="pgtrigger_resident_snapshot_not_deleted_d0558",
                            table="vouchers_residentsnapshot",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="resident_snapshot_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="6687b6d0f92da8050ebe4cbe932ce959340d5c7a",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_resident_snapshot_no_truncate_cbade",
                            table="vouchers_residentsnapshot",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="resident_snapshot_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.built_at IS DISTINCT FROM NEW.built_at OR OLD.as_of IS DISTINCT FROM NEW.as_of OR OLD.xid IS DISTINCT FROM NEW.xid OR OLD.server IS DISTINCT FROM NEW.server)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="4c5369442615a06853316c57f9b7bfd516764ef1",
                            operation="UPDATE",
                            pgid="pgtrigger_resident_snapshot_frozen_43202",
                            table="vouchers_residentsnapshot",
                            when="BEFORE",
                        ),
                    ),
                ],
                "targeting": [
                    pgtrigger.compiler.Trigger(
                        name="targeting_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="8bd87d979ac64f6d5b18fd415a96a8883b876299",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_targeting_append_only_cd0b1",
                            table="vouchers_targeting",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="targeting_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="3c218394703cd2274d42d67087e6e77ce17ec1d1",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_targeting_no_truncate_9fc48",
                            table="vouchers_targeting",
                            when="BEFORE",
                        ),
                    ),
                ],
                "targetingpart": [
                    pgtrigger.compiler.Trigger(
                        name="targeting_part_not_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="c4207953a51b2cf2d49e39f243e33d06fa04084e",
                            operation="DELETE",
                            pgid="pgtrigger_targeting_part_not_deleted_dcdbb",
                            table="vouchers_targetingpart",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="targeting_part_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="50aab501c7c6ae4ff14efa6bc55b0b910317ff2e",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_targeting_part_no_truncate_0c2e3",
                            table="vouchers_targetingpart",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="targeting_part_arrows",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN (('leased', 'done'), ('leased', 'waiting'), ('waiting', 'leased')))",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="afafed6e990486256d13ae7e017e7c09273a8b11",
                            operation="UPDATE",
                            pgid="pgtrigger_targeting_part_arrows_34180",
                            table="vouchers_targetingpart",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="targeting_part_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.run_id IS DISTINCT FROM NEW.run_id OR OLD.number IS DISTINCT FROM NEW.number OR OLD.block_numbers IS DISTINCT FROM NEW.block_numbers OR OLD.resident_ids IS DISTINCT FROM NEW.resident_ids)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="cfbbb4c733858b2bd720dfa644cebf599af55fcb",
                            operation="UPDATE",
                            pgid="pgtrigger_targeting_part_frozen_7ca78",
                            table="vouchers_targetingpart",
                            when="BEFORE",
                        ),
                    ),
                ],
            }
        ),
        migrations.RunSQL(STORED_APART, migrations.RunSQL.noop),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
