"""Which controls a plate needs for what stands on it: each extraction its own. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lims.pooling.assays import EXTRACTED_CONTROLS, Assay

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class ControlWell(Generic[Batch]):
    """A control's well: its kind, and the extraction it went through where that is known."""

    kind: str
    extraction: Batch | None


def list_controls(kit: Assay, extractions: Sequence[Batch | None]) -> list[ControlWell[Batch]]:
    """Return the controls of a plate, a well each, in the order of the assay's list.

    A control that goes through the extraction is needed once for each extraction on the plate; pools of which no
    extraction is known share one.

    Args:
        kit: the assay's rules.
        extractions: of each pool on the plate, in order; None where none is known.
    """
    batches = list(dict.fromkeys(extractions)) or [None]
    return [
        ControlWell(control.kind, batch)
        for control in kit.controls
        for batch in (batches if control.kind in EXTRACTED_CONTROLS else [None])
        for _ in range(control.required_count * kit.wells_per_pool)
    ]
