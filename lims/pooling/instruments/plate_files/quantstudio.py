"""Set-up of QuantStudio 3, 5, 6 and 7 Flex (Design & Analysis 1): text with tabs and CRLF.

Source: a sample database's writer and the sheets that the instruments export (notes on instruments, 5 and 1.2).
"""

from __future__ import annotations

from lims.plates import well_index
from lims.pooling.instruments.plate_files.planned import PlannedPlate, write_lines
from lims.pooling.instruments.plate_files.seven_thousand_five_hundred import COLUMNS as COLUMNS_OF_7500
from lims.pooling.instruments.plate_files.seven_thousand_five_hundred import task_of

BLOCKS = {96: "96-Well 0.2-mL Block", 384: "384-Well Block"}
COLUMNS = ("Well", "Well Position", *COLUMNS_OF_7500[1:])


def write(plate: PlannedPlate) -> bytes:
    """Write a plate for QuantStudio; wells are numbered row by row from 1."""
    wells = [
        (
            well_index(well.position, size=plate.size),
            well.short_position,
            well.sample,
            "",
            "",
            "",
            target.name,
            "",
            task_of(well.control),
            target.dye,
            "None",
            "",
            "",
        )
        for well in plate.wells
        for target in well.targets
    ]
    head = (f"* Block Type = {BLOCKS[plate.size]}",)
    return write_lines([head, (), ("[Sample Setup]",), COLUMNS, *wells], separator="\t")
