"""plans of boxes and what was overruled"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

WAYS = ("simple", "solver", "moves")
WORDS = (
    "only",
    "waits",
    "road",
    "hours",
    "slower",
    "same",
    "others",
    "unfinished",
    "later",
    "no_laboratory",
    "no_way",
    "no_right",
    "closed",
    "no_capacity",
)
STILL_CLOSED = sa.text("opened_at IS NULL")
STILL_HOLDS = sa.text("ended_at IS NULL")


def _refers(table: str, column: str, to: str = "place") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, lims.tables.Moment(timezone=True), nullable=nullable)


def _key(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _known(table: str, column: str, words: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{one}'" for one in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}_known"))


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "laboratory_hours",
        _key("laboratory_id"),
        sa.Column("opens_hour", sa.Integer(), nullable=False),
        sa.Column("closes_hour", sa.Integer(), nullable=False),
        sa.Column("days", sa.String(length=7), nullable=False),
        _key("changed_by_id", nullable=True),
        _moment("changed_at"),
        sa.CheckConstraint(
            "opens_hour BETWEEN 0 AND 23 AND closes_hour BETWEEN 1 AND 24",
            name=op.f("ck_laboratory_hours_hours_of_a_day"),
        ),
        sa.CheckConstraint("days <> ''", name=op.f("ck_laboratory_hours_opens_some_day")),
        _refers("laboratory_hours", "laboratory_id"),
        _refers("laboratory_hours", "changed_by_id", "user_account"),
        sa.PrimaryKeyConstraint("laboratory_id", name=op.f("pk_laboratory_hours")),
    )
    op.create_table(
        "laboratory_closure",
        _key("laboratory_id"),
        sa.Column("reason", sa.String(length=200), nullable=False),
        _key("closed_by_id", nullable=True),
        _moment("closed_at"),
        _key("opened_by_id", nullable=True),
        _moment("opened_at", nullable=True),
        _key("id"),
        _refers("laboratory_closure", "laboratory_id"),
        _refers("laboratory_closure", "closed_by_id", "user_account"),
        _refers("laboratory_closure", "opened_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_laboratory_closure")),
    )
    op.create_index(
        "uq_laboratory_closure_open",
        "laboratory_closure",
        ["laboratory_id"],
        unique=True,
        sqlite_where=STILL_CLOSED,
        postgresql_where=STILL_CLOSED,
    )
    op.create_table(
        "travel_time",
        _key("origin_id"),
        _key("laboratory_id"),
        sa.Column("minutes", sa.Integer(), nullable=False),
        _key("changed_by_id", nullable=True),
        _moment("changed_at"),
        _key("id"),
        sa.CheckConstraint("minutes BETWEEN 1 AND 2880", name=op.f("ck_travel_time_minutes_possible")),
        _refers("travel_time", "origin_id"),
        _refers("travel_time", "laboratory_id"),
        _refers("travel_time", "changed_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_travel_time")),
        sa.UniqueConstraint(
            "origin_id", "laboratory_id", name=op.f("uq_travel_time_origin_id_laboratory_id")
        ),
    )
    op.create_table(
        "dispatch_plan",
        _key("province_id"),
        _key("planned_by_id", nullable=True),
        _moment("planned_at"),
        sa.Column("way", sa.String(length=24), nullable=False),
        sa.Column("cost", sa.Double(), nullable=False),
        sa.Column("simple_cost", sa.Double(), nullable=False),
        sa.Column("bound", sa.Double(), nullable=True),
        _key("id"),
        _known("dispatch_plan", "way", WAYS),
        _refers("dispatch_plan", "province_id"),
        _refers("dispatch_plan", "planned_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch_plan")),
    )
    op.create_index(
        op.f("ix_dispatch_plan_province_id_planned_at"), "dispatch_plan", ["province_id", "planned_at"]
    )
    op.create_table(
        "dispatch_plan_box",
        _key("plan_id"),
        _key("box_id"),
        _key("laboratory_id", nullable=True),
        _moment("done_at", nullable=True),
        sa.Column("word", sa.String(length=24), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        _key("other_id", nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _known("dispatch_plan_box", "word", WORDS),
        _refers("dispatch_plan_box", "plan_id", "dispatch_plan"),
        _refers("dispatch_plan_box", "box_id", "box"),
        _refers("dispatch_plan_box", "laboratory_id"),
        _refers("dispatch_plan_box", "other_id"),
        sa.PrimaryKeyConstraint("plan_id", "box_id", name=op.f("pk_dispatch_plan_box")),
    )
    op.create_index(op.f("ix_dispatch_plan_box_box_id"), "dispatch_plan_box", ["box_id"])
    op.create_table(
        "dispatch_overrule",
        _key("box_id"),
        _key("laboratory_id"),
        sa.Column("reason", sa.String(length=200), nullable=False),
        _key("overruled_by_id", nullable=True),
        _moment("overruled_at"),
        _key("ended_by_id", nullable=True),
        _moment("ended_at", nullable=True),
        _key("id"),
        _refers("dispatch_overrule", "box_id", "box"),
        _refers("dispatch_overrule", "laboratory_id"),
        _refers("dispatch_overrule", "overruled_by_id", "user_account"),
        _refers("dispatch_overrule", "ended_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch_overrule")),
    )
    op.create_index(
        "uq_dispatch_overrule_holds",
        "dispatch_overrule",
        ["box_id"],
        unique=True,
        sqlite_where=STILL_HOLDS,
        postgresql_where=STILL_HOLDS,
    )


def downgrade() -> None:
    """Take the tables away."""
    op.drop_index("uq_dispatch_overrule_holds", table_name="dispatch_overrule")
    op.drop_table("dispatch_overrule")
    op.drop_index(op.f("ix_dispatch_plan_box_box_id"), table_name="dispatch_plan_box")
    op.drop_table("dispatch_plan_box")
    op.drop_index(op.f("ix_dispatch_plan_province_id_planned_at"), table_name="dispatch_plan")
    op.drop_table("dispatch_plan")
    op.drop_table("travel_time")
    op.drop_index("uq_laboratory_closure_open", table_name="laboratory_closure")
    op.drop_table("laboratory_closure")
    op.drop_table("laboratory_hours")
