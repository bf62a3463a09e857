"""what is counted, folded and measured; all that is there already is queued to be counted"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

import lims.tables

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

WAITING = sa.text("station <> ''")
COUNTED = ("declaration", "sample", "pool", "run", "discrepancy")
ORDERED = (
    ("collected_at", "id"),
    ("station", "collected_at", "id"),
    ("laboratory_id", "collected_at", "id"),
    ("laboratory_id", "station", "collected_at", "id"),
    ("commune_id", "collected_at", "id"),
)
# table → its own columns of the key
SUMMARIES: dict[str, tuple[tuple[str, Any], ...]] = {
    "level": (("station", sa.String(24)),),
    "hour_count": (
        ("hour_at", lims.tables.Moment(timezone=True)),
        ("measure", sa.String(24)),
        ("detail", sa.String(24)),
    ),
    "day_count": (
        ("day", sa.Date()),
        ("measure", sa.String(24)),
        ("detail", sa.String(24)),
        ("known_on", sa.Date()),
    ),
    "leg_count": (
        ("day", sa.Date()),
        ("leg", sa.String(24)),
        ("bucket", sa.Integer()),
        ("known_on", sa.Date()),
    ),
}
PLACES: tuple[tuple[str, Any], ...] = (
    ("grain", sa.Integer()),
    ("campaign_id", sa.Uuid()),
    ("laboratory_id", sa.Uuid()),
    ("commune_id", sa.Uuid()),
    ("site_id", sa.Uuid()),
    ("team", sa.String(60)),
)
INDEXES: dict[str, tuple[tuple[str, ...], ...]] = {
    "level": (("grain", "laboratory_id"), ("commune_id",)),
    "hour_count": (("grain", "hour_at"), ("commune_id", "hour_at"), ("site_id", "hour_at")),
    "day_count": (("grain", "day"), ("commune_id", "day"), ("site_id", "day")),
    "leg_count": (("grain", "day"), ("commune_id", "day"), ("site_id", "day")),
}


def _index(table: str, columns: Sequence[str], **options: Any) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns), **options)


def upgrade() -> None:
    """Add the tables, and queue what there is."""
    op.create_table(
        "uncounted",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_kind", sa.String(24), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uncounted")),
    )
    _index("uncounted", ("recorded_at", "id"))
    op.create_table(
        "counted",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("station", sa.String(24), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("laboratory_id", sa.Uuid(), nullable=False),
        sa.Column("commune_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("team", sa.String(60), nullable=False),
        sa.Column("collected_at", lims.tables.Moment(timezone=True), nullable=False),
        sa.Column("happened", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counted")),
    )
    for columns in ORDERED:
        _index("counted", columns, sqlite_where=WAITING, postgresql_where=WAITING)
    turn = op.create_table(
        "counting_turn",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("folded_at", lims.tables.Moment(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counting_turn")),
    )
    op.bulk_insert(turn, [{"id": 1, "folded_at": None}])
    for table, own in SUMMARIES.items():
        key = [*own, *PLACES]
        op.create_table(
            table,
            *(
                sa.Column(
                    name, kind, nullable=False, autoincrement=False if name in ("grain", "bucket") else "auto"
                )
                for name, kind in key
            ),
            sa.Column("number", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint(*(name for name, _ in key), name=op.f(f"pk_{table}")),
        )
        for indexed in INDEXES[table]:
            _index(table, indexed)
    now = datetime.now(UTC)
    for counted in COUNTED:
        op.execute(
            sa.text(
                "insert into uncounted (id, subject_kind, subject_id, recorded_at) "  # noqa: S608  (names of ours)
                f"select id, '{counted}', id, :now from {counted}"
            ).bindparams(sa.bindparam("now", now, type_=lims.tables.Moment(timezone=True)))
        )


def downgrade() -> None:
    """Take the tables away."""
    for table in ("leg_count", "day_count", "hour_count", "level", "counting_turn", "counted", "uncounted"):
        op.drop_table(table)
