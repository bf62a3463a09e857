"""the laboratory bench: instruments' files, curves, extractions, kit lots, control charts, storage, second swabs

Discrepancies get the suspicions that hold a release: five more kinds, and the run they are about.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS = (
    "tube_reused",
    "sampled_twice",
    "tube_overfull",
    "other_session",
    "unknown_code",
    "other_campaign",
    "tube_missing",
    "tube_extra",
    "too_warm",
    "too_old",
    "late_binding",
    "discordance",
    "scan_refused",
)
AGREED = sa.text("status = 'agreed'")
SUSPICIONS = ("carry_over", "weak_positives", "positivity_jump", "flat_curve", "control_drift")


def _allow_kinds(kinds: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    with op.batch_alter_table("discrepancy") as table:
        table.drop_constraint(op.f("ck_discrepancy_kind_known"), type_="check")
        table.create_check_constraint(op.f("ck_discrepancy_kind_known"), f"kind IN ({listed})")


def _keep_append_only(table: str) -> None:
    """Have the database itself refuse changes, as migration 0002 did for the tables of its time."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(
                f"create trigger if not exists {table}_no_{verb} before {verb} on {table} "
                f"begin select raise(abort, '{table} is append-only'); end"
            )
        return
    _forget_append_only(table)
    op.execute(
        f"create trigger {table}_append_only before update or delete on {table} "
        "for each row execute function refuse_change()"
    )
    op.execute(
        f"create trigger {table}_no_truncate before truncate on {table} "
        "for each statement execute function refuse_change()"
    )


def _forget_append_only(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(f"drop trigger if exists {table}_no_{verb}")
        return
    op.execute(f"drop trigger if exists {table}_append_only on {table}")
    op.execute(f"drop trigger if exists {table}_no_truncate on {table}")


def upgrade() -> None:
    _allow_kinds((*KINDS, *SUSPICIONS))
    op.create_index(
        "uq_assay_agreed", "assay", ["name"], unique=True, sqlite_where=AGREED, postgresql_where=AGREED
    )
    op.create_table(
        "control_limits",
        sa.Column("laboratory_id", sa.Uuid(), nullable=False),
        sa.Column("assay_name", sa.String(length=80), nullable=False),
        sa.Column("kit_lot", sa.String(length=40), nullable=False),
        sa.Column("instrument", sa.String(length=80), nullable=False),
        sa.Column("control", sa.String(length=24), nullable=False),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("mean", sa.Double(), nullable=False),
        sa.Column("sd", sa.Double(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("blocking", sa.JSON(), nullable=False),
        sa.Column("approved_by_id", sa.Uuid(), nullable=True),
        sa.Column("approved_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("sd >= 0 AND count >= 2", name=op.f("ck_control_limits_spread_possible")),
        sa.ForeignKeyConstraint(
            ["approved_by_id"],
            ["user_account.id"],
            name=op.f("fk_control_limits_approved_by_id_user_account"),
        ),
        sa.ForeignKeyConstraint(
            ["laboratory_id"], ["place.id"], name=op.f("fk_control_limits_laboratory_id_place")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_limits")),
        sa.UniqueConstraint(
            "laboratory_id",
            "assay_name",
            "kit_lot",
            "instrument",
            "control",
            "target",
            name="uq_control_limits_chart",
        ),
    )
    op.create_table(
        "extraction",
        sa.Column("code", sa.String(length=9), nullable=False),
        sa.Column("laboratory_id", sa.Uuid(), nullable=False),
        sa.Column("kit_lot", sa.String(length=40), nullable=False),
        sa.Column("instrument", sa.String(length=80), nullable=False),
        sa.Column("made_by_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.Column("failed_at", lims.tables.Moment(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=200), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["laboratory_id"], ["place.id"], name=op.f("fk_extraction_laboratory_id_place")
        ),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["user_account.id"], name=op.f("fk_extraction_made_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extraction")),
        sa.UniqueConstraint("code", name=op.f("uq_extraction_code")),
    )
    with op.batch_alter_table("extraction") as table:
        table.create_index(
            table.f("ix_extraction_laboratory_id_made_at"), ["laboratory_id", "made_at"], unique=False
        )

    op.create_table(
        "instrument",
        sa.Column("laboratory_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("column_map", sa.JSON(), nullable=False),
        sa.Column("mapped_by_id", sa.Uuid(), nullable=True),
        sa.Column("mapped_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["laboratory_id"], ["place.id"], name=op.f("fk_instrument_laboratory_id_place")
        ),
        sa.ForeignKeyConstraint(
            ["mapped_by_id"], ["user_account.id"], name=op.f("fk_instrument_mapped_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instrument")),
        sa.UniqueConstraint("laboratory_id", "name", name=op.f("uq_instrument_laboratory_id_name")),
    )
    op.create_table(
        "kit_lot",
        sa.Column("laboratory_id", sa.Uuid(), nullable=False),
        sa.Column("assay_name", sa.String(length=80), nullable=False),
        sa.Column("lot", sa.String(length=40), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("reactions", sa.Integer(), nullable=False),
        sa.Column("withdrawn_reason", sa.String(length=200), nullable=False),
        sa.Column("withdrawn_at", lims.tables.Moment(timezone=True), nullable=True),
        sa.Column("added_by_id", sa.Uuid(), nullable=True),
        sa.Column("added_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("reactions BETWEEN 1 AND 1000000", name=op.f("ck_kit_lot_reactions_possible")),
        sa.ForeignKeyConstraint(
            ["added_by_id"], ["user_account.id"], name=op.f("fk_kit_lot_added_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(["laboratory_id"], ["place.id"], name=op.f("fk_kit_lot_laboratory_id_place")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kit_lot")),
        sa.UniqueConstraint(
            "laboratory_id", "assay_name", "lot", name=op.f("uq_kit_lot_laboratory_id_assay_name_lot")
        ),
    )
    op.create_table(
        "storage",
        sa.Column("laboratory_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("temperature_c", sa.Double(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["laboratory_id"], ["place.id"], name=op.f("fk_storage_laboratory_id_place")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage")),
        sa.UniqueConstraint("laboratory_id", "name", name=op.f("uq_storage_laboratory_id_name")),
    )
    op.create_table(
        "amplification_curve",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.String(length=3), nullable=False),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("first_cycle", sa.Integer(), nullable=False),
        sa.Column("points", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_amplification_curve_run_id_run")),
        sa.PrimaryKeyConstraint(
            "run_id", "version", "position", "target", name=op.f("pk_amplification_curve")
        ),
    )
    op.create_table(
        "extracted_pool",
        sa.Column("extraction_id", sa.Uuid(), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["extraction_id"], ["extraction.id"], name=op.f("fk_extracted_pool_extraction_id_extraction")
        ),
        sa.ForeignKeyConstraint(["pool_id"], ["pool.id"], name=op.f("fk_extracted_pool_pool_id_pool")),
        sa.PrimaryKeyConstraint("extraction_id", "pool_id", name=op.f("pk_extracted_pool")),
        sa.UniqueConstraint(
            "extraction_id", "position", name=op.f("uq_extracted_pool_extraction_id_position")
        ),
    )
    with op.batch_alter_table("extracted_pool") as table:
        table.create_index(table.f("ix_extracted_pool_pool_id"), ["pool_id"], unique=False)

    op.create_table(
        "second_swab",
        sa.Column("tube_id", sa.Uuid(), nullable=False),
        sa.Column("second_tube_id", sa.Uuid(), nullable=False),
        sa.Column("noted_by_id", sa.Uuid(), nullable=True),
        sa.Column("noted_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.CheckConstraint("tube_id <> second_tube_id", name=op.f("ck_second_swab_two_tubes")),
        sa.ForeignKeyConstraint(
            ["noted_by_id"], ["user_account.id"], name=op.f("fk_second_swab_noted_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["second_tube_id"], ["tube.id"], name=op.f("fk_second_swab_second_tube_id_tube")
        ),
        sa.ForeignKeyConstraint(["tube_id"], ["tube.id"], name=op.f("fk_second_swab_tube_id_tube")),
        sa.PrimaryKeyConstraint("tube_id", name=op.f("pk_second_swab")),
        sa.UniqueConstraint("second_tube_id", name=op.f("uq_second_swab_second_tube_id")),
    )
    with op.batch_alter_table("campaign") as table:
        table.add_column(
            sa.Column(
                "positive_pool_strategy", sa.String(length=24), nullable=False, server_default="singles"
            )
        )
        table.create_check_constraint(
            op.f("ck_campaign_positive_pool_strategy_known"),
            "positive_pool_strategy IN ('singles', 'halves', 'second_swab')",
        )
    with op.batch_alter_table("campaign") as table:
        table.alter_column("positive_pool_strategy", server_default=None)

    with op.batch_alter_table("discrepancy") as table:
        table.add_column(sa.Column("run_id", sa.Uuid(), nullable=True))
        table.create_index(table.f("ix_discrepancy_run_id"), ["run_id"], unique=False)

    # a table that is rebuilt loses its triggers; this way it keeps them
    op.add_column("reading", sa.Column("flags", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "file_import",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("format", sa.String(length=40), nullable=False),
        sa.Column("instrument", sa.String(length=80), nullable=False),
        sa.Column("started_at", sa.String(length=40), nullable=False),
        sa.Column("matched_by", sa.String(length=24), nullable=False),
        sa.Column("problems", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("thresholds", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("quantity", sa.String(length=12), nullable=False),
        sa.Column("column_map", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('staged', 'refused', 'set_aside', 'accepted')",
            name=op.f("ck_file_import_status_known"),
        ),
        sa.CheckConstraint(
            "(status = 'accepted') = (version IS NOT NULL)", name=op.f("ck_file_import_accepted_is_a_version")
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["result_file.id"], name=op.f("fk_file_import_file_id_result_file")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_file_import_run_id_run")),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_file_import")),
        sa.UniqueConstraint("run_id", "version", name=op.f("uq_file_import_run_id_version")),
    )
    op.execute(
        "INSERT INTO file_import (file_id, run_id, status, version, format, instrument, started_at, matched_by, quantity) "
        "SELECT id, run_id, 'accepted', version, '', '', '', '', '' FROM result_file"
    )
    with op.batch_alter_table("result_file") as table:
        table.drop_constraint(op.f("uq_result_file_run_id_version"), type_="unique")
        table.drop_column("version")
        table.create_index(op.f("ix_result_file_sha256"), ["sha256"], unique=False)
        table.create_index(op.f("ix_result_file_run_id"), ["run_id"], unique=False)
    _keep_append_only("result_file")
    _keep_append_only("amplification_curve")
    with op.batch_alter_table("run") as table:
        table.add_column(sa.Column("kit_lot_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("withdrawn_by_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("withdrawn_at", lims.tables.Moment(timezone=True), nullable=True))
        table.add_column(sa.Column("withdrawal", sa.JSON(none_as_null=True), nullable=True))
        table.create_index(table.f("ix_run_kit_lot_id"), ["kit_lot_id"], unique=False)
        table.create_foreign_key(
            table.f("fk_run_withdrawn_by_id_user_account"), "user_account", ["withdrawn_by_id"], ["id"]
        )
        table.create_foreign_key(table.f("fk_run_kit_lot_id_kit_lot"), "kit_lot", ["kit_lot_id"], ["id"])

    with op.batch_alter_table("tube") as table:
        table.add_column(sa.Column("storage_id", sa.Uuid(), nullable=True))
        table.create_foreign_key(table.f("fk_tube_storage_id_storage"), "storage", ["storage_id"], ["id"])

    with op.batch_alter_table("well") as table:
        table.add_column(sa.Column("extraction_id", sa.Uuid(), nullable=True))
        table.create_foreign_key(
            table.f("fk_well_extraction_id_extraction"), "extraction", ["extraction_id"], ["id"]
        )


def downgrade() -> None:
    op.drop_index("uq_assay_agreed", table_name="assay")
    with op.batch_alter_table("well") as table:
        table.drop_constraint(table.f("fk_well_extraction_id_extraction"), type_="foreignkey")
        table.drop_column("extraction_id")

    with op.batch_alter_table("tube") as table:
        table.drop_constraint(table.f("fk_tube_storage_id_storage"), type_="foreignkey")
        table.drop_column("storage_id")

    with op.batch_alter_table("run") as table:
        table.drop_constraint(table.f("fk_run_kit_lot_id_kit_lot"), type_="foreignkey")
        table.drop_constraint(table.f("fk_run_withdrawn_by_id_user_account"), type_="foreignkey")
        table.drop_index(table.f("ix_run_kit_lot_id"))
        table.drop_column("withdrawal")
        table.drop_column("withdrawn_at")
        table.drop_column("withdrawn_by_id")
        table.drop_column("kit_lot_id")

    _forget_append_only("amplification_curve")
    _forget_append_only("result_file")
    op.drop_index(op.f("ix_result_file_run_id"), table_name="result_file")
    op.drop_index(op.f("ix_result_file_sha256"), table_name="result_file")
    op.add_column("result_file", sa.Column("version", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE result_file SET version = (SELECT version FROM file_import WHERE file_import.file_id = result_file.id)"
    )
    op.drop_table("file_import")
    # before this version only accepted files were kept
    op.execute("DELETE FROM result_file WHERE version IS NULL")
    with op.batch_alter_table("result_file") as table:
        table.alter_column("version", existing_type=sa.Integer(), nullable=False)
        table.create_unique_constraint(op.f("uq_result_file_run_id_version"), ["run_id", "version"])
    _keep_append_only("result_file")
    op.drop_column("reading", "flags")
    with op.batch_alter_table("discrepancy") as table:
        table.drop_index(table.f("ix_discrepancy_run_id"))
        table.drop_column("run_id")

    with op.batch_alter_table("campaign") as table:
        table.drop_constraint(op.f("ck_campaign_positive_pool_strategy_known"), type_="check")
        table.drop_column("positive_pool_strategy")

    op.drop_table("second_swab")
    with op.batch_alter_table("extracted_pool") as table:
        table.drop_index(table.f("ix_extracted_pool_pool_id"))

    op.drop_table("extracted_pool")
    op.drop_table("amplification_curve")
    op.drop_table("storage")
    op.drop_table("kit_lot")
    op.drop_table("instrument")
    with op.batch_alter_table("extraction") as table:
        table.drop_index(table.f("ix_extraction_laboratory_id_made_at"))

    op.drop_table("extraction")
    op.drop_table("control_limits")
    kinds: sa.ColumnClause[str] = sa.column("kind")
    op.execute(sa.delete(sa.table("discrepancy", kinds)).where(kinds.in_(SUSPICIONS)))
    _allow_kinds(KINDS)
