"""exports of extractions, kit lots, messages, requests about data, and of the log of accesses"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BEFORE = (
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
NEW = ("extractions", "kit_lots", "messages", "data_requests", "accesses")
# in the order of a sample's way, as `lims.exports.rules.KINDS`
SINCE = (
    *BEFORE[:7],
    "extractions",
    *BEFORE[7:11],
    "kit_lots",
    "discrepancies",
    "messages",
    "data_requests",
    "accesses",
    "events",
)


def _allow(kinds: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    with op.batch_alter_table("export") as table:
        table.drop_constraint(table.f("ck_export_kind_known"), type_="check")
        table.create_check_constraint(table.f("ck_export_kind_known"), f"kind IN ({listed})")


def upgrade() -> None:
    _allow(SINCE)


def downgrade() -> None:
    gone = ", ".join(f"'{kind}'" for kind in NEW)
    op.execute(f"DELETE FROM export WHERE kind IN ({gone})")  # noqa: S608  (words of ours)
    _allow(BEFORE)
