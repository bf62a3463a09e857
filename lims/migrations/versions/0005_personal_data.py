"""personal data: who has read it, erased identities; what a campaign tells people and for how long it keeps them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ACCESSES = ("record", "list", "export", "program", "paper", "own")
TEXTS = ("detected_advice_vi", "detected_advice_en", "second_test_advice_vi", "second_test_advice_en")
CHECKS = {
    "quiet_hours_possible": "quiet_from_hour BETWEEN 0 AND 23 AND quiet_until_hour BETWEEN 0 AND 23",
    "certificate_hours_possible": "certificate_hours BETWEEN 1 AND 8760",
    "retention_possible": "retention_days IS NULL OR retention_days >= 0",
}
NUMBERS = {"quiet_from_hour": "21", "quiet_until_hour": "6", "certificate_hours": "72"}


def upgrade() -> None:
    with op.batch_alter_table("campaign") as table:
        for name in TEXTS:
            table.add_column(sa.Column(name, sa.String(length=1000), nullable=False, server_default=""))
        table.add_column(sa.Column("tells_people", sa.Boolean(), nullable=False, server_default=sa.true()))
        for name, value in NUMBERS.items():
            table.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default=value))
        table.add_column(sa.Column("retention_days", sa.Integer(), nullable=True))
        table.add_column(sa.Column("identities_erased_at", lims.tables.Moment(timezone=True), nullable=True))
    with op.batch_alter_table("campaign") as table:
        for name in (*TEXTS, "tells_people", *NUMBERS):
            table.alter_column(name, server_default=None)
        for name, condition in CHECKS.items():
            table.create_check_constraint(op.f(f"ck_campaign_{name}"), condition)
    with op.batch_alter_table("person") as table:
        table.add_column(sa.Column("erased_at", lims.tables.Moment(timezone=True), nullable=True))
    listed = ", ".join(f"'{word}'" for word in ACCESSES)
    op.create_table(
        "person_access",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("shown_by", sa.String(length=24), nullable=False),
        sa.Column("accessed_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(f"shown_by IN ({listed})", name=op.f("ck_person_access_shown_by_known")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_access_person_id_person")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_person_access_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_access")),
    )
    op.create_index(
        op.f("ix_person_access_person_id_accessed_at"), "person_access", ["person_id", "accessed_at"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_person_access_person_id_accessed_at"), table_name="person_access")
    op.drop_table("person_access")
    with op.batch_alter_table("person") as table:
        table.drop_column("erased_at")
    with op.batch_alter_table("campaign") as table:
        for name in CHECKS:
            table.drop_constraint(op.f(f"ck_campaign_{name}"), type_="check")
        for name in (*TEXTS, "tells_people", *NUMBERS, "retention_days", "identities_erased_at"):
            table.drop_column(name)
