"""A planned plate as a plain CSV, for instruments and tables that nothing else fits."""

from __future__ import annotations

from lims.pooling.instruments.plate_files.planned import PlannedPlate, write_lines

COLUMNS = ("well", "pool_id", "control", "target", "dye")


def write(plate: PlannedPlate) -> bytes:
    """Write a line for each target of each well."""
    wells = [
        (
            well.short_position,
            "" if well.control else well.sample,
            well.control or "",
            target.name,
            target.dye,
        )
        for well in plate.wells
        for target in well.targets
    ]
    return write_lines([COLUMNS, *wells], separator=",")
