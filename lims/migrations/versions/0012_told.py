"""who told a person of a result, and when"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("result") as table:
        table.add_column(sa.Column("told_by_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("told_at", lims.tables.Moment(timezone=True), nullable=True))
        table.create_foreign_key(
            table.f("fk_result_told_by_id_user_account"), "user_account", ["told_by_id"], ["id"]
        )
        table.create_check_constraint(
            table.f("ck_result_told_after_release"), "told_at IS NULL OR released_at IS NOT NULL"
        )


def downgrade() -> None:
    with op.batch_alter_table("result") as table:
        table.drop_constraint(table.f("ck_result_told_after_release"), type_="check")
        table.drop_constraint(table.f("fk_result_told_by_id_user_account"), type_="foreignkey")
        table.drop_column("told_at")
        table.drop_column("told_by_id")
