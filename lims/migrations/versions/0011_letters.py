"""messages of one household leave as one letter"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("letter_id", sa.Uuid(), nullable=True))
    op.create_index(op.f("ix_message_letter_id"), "message", ["letter_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_message_letter_id"), "message")
    op.drop_column("message", "letter_id")
