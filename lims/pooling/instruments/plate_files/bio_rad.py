"""Set-up of Bio-Rad's CFX: a CSV for each fluorophore, with CRLF.

Source: four independent laboratories' programs (notes on instruments, section 5).
"""

from __future__ import annotations

from lims.pooling.instruments.plate_files.planned import PlannedPlate, write_lines, zip_files

COLUMNS = ("Row", "Column", "*Target Name", "*Sample Name", "*Biological Group")


def write_dyes(plate: PlannedPlate) -> dict[str, bytes]:
    """Write a file for each dye that is read on a plate.

    Returns:
        Dye → file.
    """
    return {dye: _write(plate, dye) for dye in plate.dyes}


def write(plate: PlannedPlate) -> bytes:
    """Write all dyes' files as one zip, each named by the run and the dye."""
    return zip_files(
        {f"{plate.run_code}-{dye.replace('/', '-')}.csv": file for dye, file in write_dyes(plate).items()}
    )


def _write(plate: PlannedPlate, dye: str) -> bytes:
    wells = [
        (well.position[0], int(well.position[1:]), target.name, well.sample, "")
        for well in plate.wells
        for target in well.targets
        if target.dye == dye
    ]
    return write_lines([COLUMNS, *wells], separator=",")
