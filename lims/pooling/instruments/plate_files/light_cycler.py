"""Set-up of Roche's LightCycler 480: the text with tabs that its sample editor imports.

Source: a clinical laboratory's program (mll-lab/php-utils, MIT; notes on instruments, section 5) for the columns and
the filter 465-510. The other filters are those of the LightCycler 480 II as commonly listed: try the file once.
"""

from __future__ import annotations

from lims.errors import Refused
from lims.pooling.instruments.plate_files.planned import PlannedPlate, PlannedWell, write_lines

COLUMNS = (
    "General:Pos",
    "General:Sample Name",
    "General:Repl. Of",
    "General:Filt. Comb.",
    "Sample Preferences:Color",
    "Abs Quant:Sample Type",
    "Abs Quant:Concentration",
)
FILTERS = {
    "FAM": "465-510",
    "SYBR": "465-510",
    "VIC": "533-580",
    "HEX": "533-580",
    "JOE": "533-580",
    "ROX": "533-610",
    "TEXAS RED": "533-610",
    "CY5": "618-660",
}
"""Dye → excitation and emission, in nm."""
_COLORS = {"negative": "$008080FF", "positive": "$000000FF", "unknown": "$00FF378A"}


def write(plate: PlannedPlate) -> bytes:
    """Write a plate for the LightCycler 480, a line for each filter of each well.

    Raises:
        Refused: no filter is known for a dye of the assay.
    """
    unknown = [dye for dye in plate.dyes if dye.upper() not in FILTERS]
    if unknown:
        raise Refused(
            "No filter of the LightCycler 480 is known for %(dyes)s. Choose another format.",
            field="name",
            dyes=", ".join(unknown),
        )
    wells = [row for well in plate.wells for row in _write_well(well)]
    return write_lines([[f'"{title}"' for title in COLUMNS], *wells], separator="\t")


def _write_well(well: PlannedWell) -> list[tuple[str, ...]]:
    kinds = {None: ("unknown", "Unknown"), "NTC": ("negative", "Negative Control")}
    kinds |= dict.fromkeys(("NEC", "HSC"), ("negative", "Negative Control"))
    role, kind = kinds.get(well.control, ("positive", "Positive Control"))
    filters = dict.fromkeys(FILTERS[target.dye.upper()] for target in well.targets)
    return [
        (well.short_position, f'"{well.sample}"', '""', filter_pair, _COLORS[role], f'"{kind}"', "")
        for filter_pair in filters
    ]
