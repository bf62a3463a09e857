"""Set-up files of a planned plate, one module a format, for the software of thermocyclers and liquid handlers.

The formats are as laboratories' own programs write them (notes on instruments, section 5); none could be tried against
a vendor's software here, so each laboratory tries its own once. In each the sample is the pool's code or the kind of
control: with that the instrument's export says of each well whose it is, and `matching` can check it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lims.msgid import N_
from lims.pooling.instruments.plate_files import (
    bio_rad,
    light_cycler,
    plain,
    quantstudio,
    rdml,
    seven_thousand_five_hundred,
)
from lims.pooling.instruments.plate_files.planned import PlannedPlate, PlannedTarget, PlannedWell, plan_of

__all__ = ["PlannedPlate", "PlannedTarget", "PlannedWell", "PlateFormat", "list_formats", "plan_of"]


@dataclass(frozen=True, slots=True)
class PlateFormat:
    """A format a plate can be written in.

    Args:
        name: a word for addresses and programs.
        title: English msgid, for people.
        file_name: what the file is called, after the run's code.
        write: the plate as the file's bytes; raises `Refused` where the instrument takes no such plate.
    """

    name: str
    title: str
    file_name: str
    write: Callable[[PlannedPlate], bytes]


_FORMATS = (
    PlateFormat("7500", N_("Applied Biosystems 7500"), "7500.txt", seven_thousand_five_hundred.write),
    PlateFormat(
        "7500_fast",
        N_("Applied Biosystems 7500 Fast"),
        "7500-fast.txt",
        seven_thousand_five_hundred.write_fast,
    ),
    PlateFormat("quantstudio", N_("QuantStudio 3, 5, 6, 7 Flex"), "quantstudio.txt", quantstudio.write),
    PlateFormat("cfx", N_("Bio-Rad CFX (a file for each dye)"), "cfx.zip", bio_rad.write),
    PlateFormat("lightcycler", N_("Roche LightCycler 480"), "lightcycler.txt", light_cycler.write),
    PlateFormat("rdml", N_("RDML 1.2 (other instruments)"), "plate.rdml", rdml.write),
    PlateFormat("plain", N_("Plain CSV (well, pool, control, target, dye)"), "plate.csv", plain.write),
)


def list_formats() -> tuple[PlateFormat, ...]:
    """Return all formats that a plate can be written in."""
    return _FORMATS
