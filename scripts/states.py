"""Write docs/states.md from the state tables, so that the diagrams are never older than the code."""

from __future__ import annotations

from pathlib import Path

from lims.intake import rules as intake
from lims.outbox import rules as outbox
from lims.pooling import rules as pooling
from lims.results import rules as results

TARGET = Path(__file__).resolve().parent.parent / "docs/states.md"


def render() -> str:
    """Return the page: one diagram per thing that moves, in the order of a sample's way."""
    parts = [
        "# How things move",
        "Written by `python scripts/states.py` from the tables in `rules.py` of each package; do not edit.",
    ]
    for table in (*intake.STATES, *pooling.STATES, *results.STATES, *outbox.STATES):
        parts.append(f"## {table.thing.capitalize()}\n\n```mermaid\n{table.diagram()}\n```")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
