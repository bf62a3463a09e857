"""reports as they were made, when they are made, and who hears of them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, lims.tables.Moment(timezone=True), nullable=False)


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


def upgrade() -> None:
    """Add the tables; whoever is on call now goes on hearing of alarms."""
    op.create_table(
        "report",
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("province_id", sa.Uuid(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("made_by_id", sa.Uuid(), nullable=True),
        _moment("made_at"),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('daily', 'weekly')", name=op.f("ck_report_kind_known")),
        _refers("report", "province_id", "place"),
        _refers("report", "made_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint(
            "province_id", "kind", "first_on", name=op.f("uq_report_province_id_kind_first_on")
        ),
    )
    op.create_table(
        "report_plan",
        sa.Column("province_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("changed_by_id", sa.Uuid(), nullable=True),
        _moment("changed_at"),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name=op.f("ck_report_plan_hour_possible")),
        _refers("report_plan", "province_id", "place"),
        _refers("report_plan", "changed_by_id", "user_account"),
        sa.PrimaryKeyConstraint("province_id", name=op.f("pk_report_plan")),
    )
    with op.batch_alter_table("on_call") as table:
        table.add_column(sa.Column("hears", sa.String(length=24), nullable=False, server_default="alarms"))
        table.create_check_constraint(table.f("ck_on_call_hears_known"), "hears IN ('alarms', 'reports')")
    with op.batch_alter_table("on_call") as table:
        table.alter_column("hears", server_default=None)


def downgrade() -> None:
    """Take the tables away; who heard of reports hears of nothing."""
    op.execute("delete from message where on_call_id in (select id from on_call where hears = 'reports')")
    op.execute("delete from on_call where hears = 'reports'")
    with op.batch_alter_table("on_call") as table:
        table.drop_constraint(table.f("ck_on_call_hears_known"), type_="check")
        table.drop_column("hears")
    op.drop_table("report_plan")
    op.drop_table("report")
