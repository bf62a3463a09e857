"""programs with tokens of their own, exports, requests of people about their data"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_clients()


def downgrade() -> None:
    _drop_clients()


def _make_clients() -> None:
    op.add_column(
        "user_account", sa.Column("is_service", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "api_client",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.Column("last_used_at", lims.tables.Moment(timezone=True), nullable=True),
        sa.Column("revoked_at", lims.tables.Moment(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_api_client_expires_later")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_api_client_created_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_api_client_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_client")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_client_token_hash")),
    )
    op.create_index(op.f("ix_api_client_user_id"), "api_client", ["user_id"])


def _drop_clients() -> None:
    op.drop_index(op.f("ix_api_client_user_id"), table_name="api_client")
    op.drop_table("api_client")
    op.drop_column("user_account", "is_service")
