"""who looked at a positive before its release; who held a result, who ended the hold, and why"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

PEOPLE = ("held_by_id", "hold_ended_by_id")
RULES = {
    "look_known": "look IN ('curve', 'ct', 'unrecorded')",
    "detected_was_looked_at": "finding <> 'detected' OR released_at IS NULL OR look IS NOT NULL",
}


def upgrade() -> None:
    with op.batch_alter_table("result") as table:
        table.add_column(sa.Column("look", sa.String(length=24), nullable=True))
        table.add_column(sa.Column("held_by_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("held_at", lims.tables.Moment(timezone=True), nullable=True))
        table.add_column(sa.Column("hold_ended_by_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("hold_ended_at", lims.tables.Moment(timezone=True), nullable=True))
        table.add_column(sa.Column("hold_end_note", sa.String(length=500), nullable=False, server_default=""))
        for column in PEOPLE:
            table.create_foreign_key(
                table.f(f"fk_result_{column}_user_account"), "user_account", [column], ["id"]
            )
    # what was released before is not said to have been looked at
    op.execute("UPDATE result SET look = 'unrecorded' WHERE finding = 'detected' AND released_at IS NOT NULL")
    with op.batch_alter_table("result") as table:
        table.alter_column("hold_end_note", server_default=None)
        for name, rule in RULES.items():
            table.create_check_constraint(table.f(f"ck_result_{name}"), rule)


def downgrade() -> None:
    with op.batch_alter_table("result") as table:
        for name in RULES:
            table.drop_constraint(table.f(f"ck_result_{name}"), type_="check")
        for column in PEOPLE:
            table.drop_constraint(table.f(f"fk_result_{column}_user_account"), type_="foreignkey")
        for column in ("hold_end_note", "hold_ended_at", "hold_ended_by_id", "held_at", "held_by_id", "look"):
            table.drop_column(column)
