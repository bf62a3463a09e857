"""signing keys, certificates and their revocations"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY_STATES = ("requested", "active", "retired", "revoked")


def upgrade() -> None:
    moment = lims.tables.Moment(timezone=True)
    listed = ", ".join(f"'{word}'" for word in KEY_STATES)
    op.create_table(
        "signing_key",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("kid", sa.LargeBinary(length=8), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.Column("root_certificate", sa.LargeBinary(), nullable=True),
        sa.Column("private_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("not_before", moment, nullable=True),
        sa.Column("not_after", moment, nullable=True),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("end_reason", sa.String(length=200), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(f"state IN ({listed})", name=op.f("ck_signing_key_state_known")),
        sa.CheckConstraint(
            "state = 'requested' OR (kid IS NOT NULL AND certificate IS NOT NULL AND root_certificate IS NOT NULL)",
            name=op.f("ck_signing_key_signed_by_a_root"),
        ),
        sa.CheckConstraint(
            "(state IN ('requested', 'active')) = (private_sealed IS NOT NULL)",
            name=op.f("ck_signing_key_private_while_it_signs"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
        sa.UniqueConstraint("kid", name=op.f("uq_signing_key_kid")),
    )
    active = sa.text("state = 'active'")
    op.create_index(
        "uq_signing_key_active",
        "signing_key",
        ["state"],
        unique=True,
        sqlite_where=active,
        postgresql_where=active,
    )
    op.create_table(
        "certificate",
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("signing_key_id", sa.Uuid(), nullable=False),
        sa.Column("uvci", sa.String(length=72), nullable=False),
        sa.Column("uvci_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("issued_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("revoked_at", moment, nullable=True),
        sa.Column("revoked_reason", sa.String(length=500), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("expires_at > issued_at", name=op.f("ck_certificate_expires_later")),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_reason IS NULL)", name=op.f("ck_certificate_revoked_says_why")
        ),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name=op.f("fk_certificate_result_id_result")),
        sa.ForeignKeyConstraint(
            ["signing_key_id"], ["signing_key.id"], name=op.f("fk_certificate_signing_key_id_signing_key")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("uvci", name=op.f("uq_certificate_uvci")),
    )
    op.create_index(op.f("ix_certificate_result_id"), "certificate", ["result_id"])
    op.create_index(op.f("ix_certificate_revoked_at_expires_at"), "certificate", ["revoked_at", "expires_at"])
    op.create_index(op.f("ix_certificate_signing_key_id"), "certificate", ["signing_key_id"])
    revoked = sa.text("revoked_at IS NULL")
    op.create_index(
        "uq_certificate_live",
        "certificate",
        ["result_id"],
        unique=True,
        sqlite_where=revoked,
        postgresql_where=revoked,
    )


def downgrade() -> None:
    op.drop_table("certificate")
    op.drop_table("signing_key")
