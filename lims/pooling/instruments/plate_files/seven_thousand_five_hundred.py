"""Set-up of the Applied Biosystems 7500 and 7500 Fast, software 2: text with tabs and CRLF.

Source: what two laboratories' programs write and the software's own exports (notes on instruments, 5 and 1.1).
"""

from __future__ import annotations

from lims.errors import Refused
from lims.pooling.instruments.plate_files.planned import PlannedPlate, write_lines

COLUMNS = (
    "Well",
    "Sample Name",
    "Sample Color",
    "Biogroup Name",
    "Biogroup Color",
    "Target Name",
    "Target Color",
    "Task",
    "Reporter",
    "Quencher",
    "Quantity",
    "Comments",
)
_COLORS = ("139,189,249", "208,243,98", "98,25,27", "255,168,96", "204,150,206", "96,186,171")


def write(plate: PlannedPlate) -> bytes:
    """Write a plate for the 7500.

    Raises:
        Refused: the plate has not 96 wells.
    """
    return _write(plate, block="96alum", instrument="sds7500")


def write_fast(plate: PlannedPlate) -> bytes:
    """Write a plate for the 7500 Fast.

    Raises:
        Refused: the plate has not 96 wells.
    """
    return _write(plate, block="96fast", instrument="sds7500fast")


def task_of(control: str | None) -> str:
    """Return what Applied Biosystems' software calls a well; it knows no positive and no extraction control."""
    return "NTC" if control == "NTC" else "UNKNOWN"


def passive_reference(plate: PlannedPlate) -> str:
    """Return the passive reference: ROX, unless a target is read in its channel."""
    return "None" if "ROX" in (dye.upper() for dye in plate.dyes) else "ROX"


def _write(plate: PlannedPlate, *, block: str, instrument: str) -> bytes:
    if plate.size != 96:
        raise Refused("The 7500 takes plates of 96 wells. Choose another format.", field="name")
    colors = {target.name: _COLORS[place % len(_COLORS)] for place, target in enumerate(plate.targets)}
    head = {
        "Block Type": block,
        "Chemistry": "TAQMAN",
        "Experiment File Name": r"C:\Applied Biosystems\7500\bin\Untitled",
        "Experiment Run End Time": "Not Started",
        "Instrument Type": instrument,
        "Passive Reference": passive_reference(plate),
    }
    wells = [
        (
            well.short_position,
            well.sample,
            "",
            "",
            "",
            target.name,
            f'"RGB({colors[target.name]})"',
            task_of(well.control),
            target.dye,
            "None",
            "",
            "",
        )
        for well in plate.wells
        for target in well.targets
    ]
    lines = [
        *((f"* {key} = {value}",) for key, value in head.items()),
        (),
        ("[Sample Setup]",),
        COLUMNS,
        *wells,
    ]
    return write_lines(lines, separator="\t")
