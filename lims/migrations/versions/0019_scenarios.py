"""scenarios that were kept"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "scenario",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("province_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("kept_by_id", sa.Uuid(), nullable=True),
        sa.Column("kept_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["province_id"], ["place.id"], name=op.f("fk_scenario_province_id_place")),
        sa.ForeignKeyConstraint(
            ["kept_by_id"], ["user_account.id"], name=op.f("fk_scenario_kept_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenario")),
    )
    op.create_index(op.f("ix_scenario_province_id_kept_at"), "scenario", ["province_id", "kept_at"])


def downgrade() -> None:
    """Take the table away."""
    op.drop_index(op.f("ix_scenario_province_id_kept_at"), table_name="scenario")
    op.drop_table("scenario")
