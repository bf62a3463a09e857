"""classes of contact, links between people, schedules of tests"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

CLASSES = "'f0', 'f1', 'f2', 'f3', 'quarantined'"
OPEN_LINK = sa.text("status = 'open' AND of_id IS NOT NULL")


def _foreign(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "follow_up",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("commune_id", sa.Uuid(), nullable=False),
        sa.Column("contact_class", sa.String(24), nullable=False),
        sa.Column("of_id", sa.Uuid(), nullable=True),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("known_by", sa.String(24), nullable=False),
        sa.Column("sample_id", sa.Uuid(), nullable=True),
        sa.Column("listed_at", lims.tables.Moment(timezone=True), nullable=True),
        sa.Column("symptoms", sa.JSON(), nullable=False),
        sa.Column("symptoms_on", sa.Date(), nullable=True),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("opened_by_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.Column("ended_at", lims.tables.Moment(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(24), nullable=True),
        sa.Column("ended_by_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(f"contact_class IN ({CLASSES})", name=op.f("ck_follow_up_contact_class_known")),
        sa.CheckConstraint(
            "known_by IN ('named', 'household', 'traced', 'reported', 'result')",
            name=op.f("ck_follow_up_known_by_known"),
        ),
        sa.CheckConstraint("status IN ('open', 'ended')", name=op.f("ck_follow_up_status_known")),
        sa.CheckConstraint(
            "end_reason IN ('finished', 'mistake', 'moved', 'died', 'result_taken_back', 'erased')",
            name=op.f("ck_follow_up_end_reason_known"),
        ),
        sa.CheckConstraint(
            "(status = 'ended') = (end_reason IS NOT NULL)", name=op.f("ck_follow_up_ended_says_why")
        ),
        sa.CheckConstraint(
            "of_id IS NULL OR contact_class IN ('f1', 'f2', 'f3')",
            name=op.f("ck_follow_up_link_has_class"),
        ),
        _foreign("follow_up", "campaign_id", "campaign"),
        _foreign("follow_up", "person_id", "person"),
        _foreign("follow_up", "commune_id", "place"),
        _foreign("follow_up", "of_id", "follow_up"),
        _foreign("follow_up", "sample_id", "sample"),
        _foreign("follow_up", "opened_by_id", "user_account"),
        _foreign("follow_up", "ended_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint("sample_id", name=op.f("uq_follow_up_sample_id")),
    )
    op.create_index(op.f("ix_follow_up_person_id"), "follow_up", ["person_id"])
    op.create_index(op.f("ix_follow_up_of_id"), "follow_up", ["of_id"])
    op.create_index(
        op.f("ix_follow_up_commune_id_status_contact_class"),
        "follow_up",
        ["commune_id", "status", "contact_class"],
    )
    op.create_index(
        "uq_follow_up_one_open_link",
        "follow_up",
        ["of_id", "person_id"],
        unique=True,
        sqlite_where=OPEN_LINK,
        postgresql_where=OPEN_LINK,
    )
    op.create_table(
        "due_test",
        sa.Column("follow_up_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("commune_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("declaration_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("day >= 0", name=op.f("ck_due_test_day_not_before_the_first")),
        _foreign("due_test", "follow_up_id", "follow_up"),
        _foreign("due_test", "person_id", "person"),
        _foreign("due_test", "commune_id", "place"),
        _foreign("due_test", "declaration_id", "declaration"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_due_test")),
        sa.UniqueConstraint("follow_up_id", "day", name=op.f("uq_due_test_follow_up_id_day")),
    )
    op.create_index(op.f("ix_due_test_commune_id_due_on"), "due_test", ["commune_id", "due_on"])
    op.create_index(op.f("ix_due_test_person_id_due_on"), "due_test", ["person_id", "due_on"])
    op.create_table(
        "follow_up_schedule",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("contact_class", sa.String(24), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("set_by_id", sa.Uuid(), nullable=True),
        sa.Column("set_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            f"contact_class IN ({CLASSES})", name=op.f("ck_follow_up_schedule_contact_class_known")
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_follow_up_schedule_version_counts_from_one")),
        _foreign("follow_up_schedule", "campaign_id", "campaign"),
        _foreign("follow_up_schedule", "set_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_schedule")),
        sa.UniqueConstraint(
            "campaign_id",
            "contact_class",
            "valid_from",
            "version",
            name=op.f("uq_follow_up_schedule_campaign_id_contact_class_valid_from_version"),
        ),
    )


def downgrade() -> None:
    """Take the tables away."""
    for table in ("follow_up_schedule", "due_test", "follow_up"):
        op.drop_table(table)
