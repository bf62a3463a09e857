"""messages, webhooks and who is on call"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KINDS = ("sms", "alert", "webhook")
CHANNELS = ("sms", "email", "webhook")
STATES = ("queued", "sending", "sent", "unsure", "given_up", "delivered", "cancelled")
INDEXES = (
    ("webhook_id",),
    ("subject_id",),
    ("provider_id",),
    ("status", "urgency", "run_at"),
    ("laboratory_id", "status", "created_at"),
    ("commune_id", "status", "created_at"),
)


def _one_of(table: str, column: str, words: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}_known"))


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


def _moment(name: str, *, nullable: bool) -> sa.Column[object]:
    return sa.Column(name, lims.tables.Moment(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=True),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        _moment("created_at", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        _refers("webhook", "place_id", "place"),
        _refers("webhook", "created_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_table(
        "on_call",
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=24), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        _moment("created_at", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        _one_of("on_call", "channel", ("sms", "email")),
        _refers("on_call", "place_id", "place"),
        _refers("on_call", "created_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_on_call")),
    )
    op.create_index(op.f("ix_on_call_place_id"), "on_call", ["place_id"])
    _create_messages()


def _create_messages() -> None:
    op.create_table(
        "message",
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("channel", sa.String(length=24), nullable=False),
        sa.Column("template", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("on_call_id", sa.Uuid(), nullable=True),
        sa.Column("webhook_id", sa.Uuid(), nullable=True),
        sa.Column("subject_kind", sa.String(length=24), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("laboratory_id", sa.Uuid(), nullable=False),
        sa.Column("commune_id", sa.Uuid(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _moment("run_at", nullable=False),
        _moment("locked_until", nullable=True),
        sa.Column("worker", sa.String(length=80), nullable=False),
        sa.Column("provider_id", sa.String(length=120), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=False),
        _moment("created_at", nullable=False),
        _moment("sent_at", nullable=True),
        _moment("delivered_at", nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        _one_of("message", "kind", KINDS),
        _one_of("message", "channel", CHANNELS),
        _one_of("message", "status", STATES),
        sa.CheckConstraint(
            "(kind = 'sms') = (person_id IS NOT NULL) AND (kind = 'alert') = (on_call_id IS NOT NULL) "
            "AND (kind = 'webhook') = (webhook_id IS NOT NULL)",
            name=op.f("ck_message_one_receiver"),
        ),
        sa.CheckConstraint(
            "(status = 'sending') = (locked_until IS NOT NULL)", name=op.f("ck_message_in_hand_while_sending")
        ),
        sa.CheckConstraint("sent_at IS NULL OR attempts > 0", name=op.f("ck_message_sent_by_an_attempt")),
        _refers("message", "on_call_id", "on_call"),
        _refers("message", "webhook_id", "webhook"),
        _refers("message", "campaign_id", "campaign"),
        _refers("message", "laboratory_id", "place"),
        _refers("message", "commune_id", "place"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("key", name=op.f("uq_message_key")),
    )
    for columns in INDEXES:
        op.create_index(op.f(f"ix_message_{'_'.join(columns)}"), "message", list(columns))


def downgrade() -> None:
    op.drop_table("message")
    op.drop_table("on_call")
    op.drop_table("webhook")
