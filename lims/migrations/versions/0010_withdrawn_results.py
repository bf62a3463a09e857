"""who withdrew a result, when and why"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("result") as table:
        table.add_column(sa.Column("withdrawn_by_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("withdrawn_at", lims.tables.Moment(timezone=True), nullable=True))
        table.add_column(
            sa.Column("withdrawal_reason", sa.String(length=500), nullable=False, server_default="")
        )
        table.create_foreign_key(
            table.f("fk_result_withdrawn_by_id_user_account"), "user_account", ["withdrawn_by_id"], ["id"]
        )
    with op.batch_alter_table("result") as table:
        table.alter_column("withdrawal_reason", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("result") as table:
        table.drop_constraint(table.f("fk_result_withdrawn_by_id_user_account"), type_="foreignkey")
        table.drop_column("withdrawal_reason")
        table.drop_column("withdrawn_at")
        table.drop_column("withdrawn_by_id")
