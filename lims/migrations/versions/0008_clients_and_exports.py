"""programs with tokens of their own, exports, requests of people about their data"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_clients()
    _make_exports()
    _make_personal_data()


def downgrade() -> None:
    _drop_personal_data()
    _drop_exports()
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


EXPORT_KINDS = (
    "people",
    "declarations",
    "commune_results",
    "samples",
    "tubes",
    "boxes",
    "pools",
    "runs",
    "readings",
    "calls",
    "results",
    "discrepancies",
    "events",
)
CONSENT_WAYS = ("ticked", "asked", "signed_list", "asked_by_sender")


def _one_of(table: str, column: str, words: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}_known"))


def _key(table: str, column: str, referred: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{referred}")
    return sa.ForeignKeyConstraint([column], [f"{referred}.id"], name=name)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, lims.tables.Moment(timezone=True), nullable=nullable)


def _make_exports() -> None:
    op.create_table(
        "export",
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=True),
        _moment("asked_at"),
        sa.Column("rows_expected", sa.Integer(), nullable=False),
        sa.Column("rows_written", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=True),
        _moment("finished_at", nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        _one_of("export", "kind", EXPORT_KINDS),
        _one_of("export", "format", ("csv", "xlsx", "ndjson")),
        sa.CheckConstraint("rows_expected >= 0", name=op.f("ck_export_count_possible")),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (sha256 IS NULL) AND (finished_at IS NULL) = (rows_written IS NULL)",
            name=op.f("ck_export_finished_says_what"),
        ),
        sa.CheckConstraint(
            "rows_written IS NULL OR rows_written = rows_expected", name=op.f("ck_export_every_row_written")
        ),
        _key("export", "asked_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export")),
    )
    op.create_index(op.f("ix_export_asked_by_id_asked_at"), "export", ["asked_by_id", "asked_at"])
    op.create_index(op.f("ix_export_asked_at"), "export", ["asked_at"])


def _drop_exports() -> None:
    op.drop_index(op.f("ix_export_asked_at"), table_name="export")
    op.drop_index(op.f("ix_export_asked_by_id_asked_at"), table_name="export")
    op.drop_table("export")


def _make_personal_data() -> None:
    op.create_table(
        "data_request",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("commune_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        _moment("asked_at"),
        _moment("answer_due_at"),
        _moment("done_due_at"),
        sa.Column("answered_by_id", sa.Uuid(), nullable=True),
        _moment("answered_at", nullable=True),
        sa.Column("decision", sa.String(length=24), nullable=True),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("settled_by_id", sa.Uuid(), nullable=True),
        _moment("settled_at", nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        _one_of("data_request", "kind", ("correction", "objection", "restriction", "erasure")),
        _one_of("data_request", "status", ("open", "answered", "settled")),
        _one_of("data_request", "decision", ("granted", "declined_by_law", "identity_unclear", "taken_back")),
        sa.CheckConstraint(
            "(status = 'settled') = (decision IS NOT NULL)", name=op.f("ck_data_request_settled_says_how")
        ),
        sa.CheckConstraint(
            "(status = 'settled') = (settled_at IS NOT NULL)", name=op.f("ck_data_request_settled_says_when")
        ),
        _key("data_request", "person_id", "person"),
        _key("data_request", "declaration_id", "declaration"),
        _key("data_request", "commune_id", "place"),
        _key("data_request", "answered_by_id", "user_account"),
        _key("data_request", "settled_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_request")),
    )
    op.create_index(op.f("ix_data_request_person_id"), "data_request", ["person_id"])
    op.create_index(
        op.f("ix_data_request_status_commune_id_done_due_at"),
        "data_request",
        ["status", "commune_id", "done_due_at"],
    )
    op.create_table(
        "person_correction",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("before_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("corrected_by_id", sa.Uuid(), nullable=True),
        _moment("corrected_at"),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_person_correction_version_counts_from_one")),
        _key("person_correction", "person_id", "person"),
        _key("person_correction", "request_id", "data_request"),
        _key("person_correction", "corrected_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_correction")),
    )
    op.create_index(
        "uq_person_correction_person_id_version", "person_correction", ["person_id", "version"], unique=True
    )
    op.add_column("person", sa.Column("restricted_at", lims.tables.Moment(timezone=True), nullable=True))
    with op.batch_alter_table("declaration") as table:
        table.add_column(
            sa.Column("consent_given", sa.String(length=24), nullable=False, server_default="ticked")
        )
    op.execute("update declaration set consent_given = 'asked' where declared_by = 'health_worker'")
    op.execute("update declaration set consent_given = 'asked_by_sender' where declared_by = 'list'")
    with op.batch_alter_table("declaration") as table:
        table.alter_column("consent_given", server_default=None)
        listed = ", ".join(f"'{word}'" for word in CONSENT_WAYS)
        table.create_check_constraint(
            op.f("ck_declaration_consent_given_known"), f"consent_given IN ({listed})"
        )


def _drop_personal_data() -> None:
    with op.batch_alter_table("declaration") as table:
        table.drop_constraint(op.f("ck_declaration_consent_given_known"), type_="check")
        table.drop_column("consent_given")
    op.drop_column("person", "restricted_at")
    op.drop_index("uq_person_correction_person_id_version", table_name="person_correction")
    op.drop_table("person_correction")
    op.drop_index(op.f("ix_data_request_status_commune_id_done_due_at"), table_name="data_request")
    op.drop_index(op.f("ix_data_request_person_id"), table_name="data_request")
    op.drop_table("data_request")
