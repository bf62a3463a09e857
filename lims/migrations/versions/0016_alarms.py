"""alarms, their thresholds and what was raised"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

KINDS = (
    "backlog_old",
    "arrivals_above_capacity",
    "box_late",
    "box_warm",
    "team_silent",
    "positivity_shift",
    "coverage_low",
    "tubes_without_names",
    "names_without_tubes",
)
OPEN = sa.text("ended_at IS NULL")


def _kinds(table: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{kind}'" for kind in KINDS)
    return sa.CheckConstraint(f"kind IN ({listed})", name=op.f(f"ck_{table}_kind_known"))


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


def _moment(name: str, *, nullable: bool) -> sa.Column[object]:
    return sa.Column(name, lims.tables.Moment(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "alarm",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("numbers", sa.JSON(), nullable=False),
        _moment("raised_at", nullable=False),
        _moment("looked_at", nullable=False),
        _moment("ended_at", nullable=True),
        sa.Column("seen_by_id", sa.Uuid(), nullable=True),
        _moment("seen_at", nullable=True),
        sa.Column("seen_note", sa.String(length=500), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        _kinds("alarm"),
        sa.CheckConstraint(
            "(seen_at IS NULL) = (seen_by_id IS NULL)", name=op.f("ck_alarm_seen_by_somebody")
        ),
        _refers("alarm", "place_id", "place"),
        _refers("alarm", "campaign_id", "campaign"),
        _refers("alarm", "seen_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index(
        "uq_alarm_open",
        "alarm",
        ["kind", "place_id", "subject"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index(op.f("ix_alarm_ended_at_raised_at"), "alarm", ["ended_at", "raised_at"])
    op.create_table(
        "alarm_threshold",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("province_id", sa.Uuid(), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("changed_by_id", sa.Uuid(), nullable=True),
        _moment("changed_at", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        _kinds("alarm_threshold"),
        _refers("alarm_threshold", "province_id", "place"),
        _refers("alarm_threshold", "changed_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_threshold")),
        sa.UniqueConstraint("kind", "province_id", name=op.f("uq_alarm_threshold_kind_province_id")),
    )


def downgrade() -> None:
    """Take the tables away."""
    op.drop_table("alarm_threshold")
    op.drop_index(op.f("ix_alarm_ended_at_raised_at"), table_name="alarm")
    op.drop_index("uq_alarm_open", table_name="alarm")
    op.drop_table("alarm")
