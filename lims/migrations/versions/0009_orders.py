"""orders that came from other systems; what was changed since a moment"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "foreign_identifier",
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("system", sa.String(length=200), nullable=False),
        sa.Column("value_index", sa.LargeBinary(length=32), nullable=False),
        sa.Column("value_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("declaration_id", sa.Uuid(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("sent_by_id", sa.Uuid(), nullable=True),
        sa.Column("received_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('person', 'order')", name=op.f("ck_foreign_identifier_kind_known")),
        sa.CheckConstraint(
            "(kind = 'order') = (declaration_id IS NOT NULL)",
            name=op.f("ck_foreign_identifier_order_has_its_declaration"),
        ),
        sa.ForeignKeyConstraint(
            ["declaration_id"],
            ["declaration.id"],
            name=op.f("fk_foreign_identifier_declaration_id_declaration"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_foreign_identifier_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["sent_by_id"], ["user_account.id"], name=op.f("fk_foreign_identifier_sent_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_foreign_identifier")),
        sa.UniqueConstraint(
            "kind", "system", "value_index", name=op.f("uq_foreign_identifier_kind_system_value_index")
        ),
    )
    for column in ("person_id", "declaration_id"):
        op.create_index(op.f(f"ix_foreign_identifier_{column}"), "foreign_identifier", [column])
    # lines are added in the order of time: the index only grows at its end
    op.create_index(op.f("ix_event_recorded_at"), "event", ["recorded_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_event_recorded_at"), table_name="event")
    op.drop_table("foreign_identifier")
