"""A planned plate as instruments need to know it: codes and kinds of control, targets and dyes, nobody's name. Pure."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lims.plates import well_index
from lims.pooling.assays import Assay
from lims.pooling.plate_calls import PlateWell, group_wells

CRLF = "\r\n"
_PARTING = str.maketrans(dict.fromkeys("\t\r\n,;\"'|", " "))


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """A target as instruments are set up for it: plain ASCII.

    Args:
        name: as the assay spells it.
        dye: its reporter.
        role: "viral" or "internal".
    """

    name: str
    dye: str
    role: str


@dataclass(frozen=True, slots=True)
class PlannedWell:
    """A well that is filled.

    Args:
        position: `A01`.
        sample: what the instrument is to call it: the pool's code, or the kind of control.
        control: the kind of control; None for a pool.
        targets: what is read in it; all of the assay's, or one where each has a well of its own.
    """

    position: str
    sample: str
    control: str | None
    targets: tuple[PlannedTarget, ...]

    @property
    def short_position(self) -> str:
        """The well as most instruments write it, `A1`."""
        return f"{self.position[0]}{int(self.position[1:])}"


@dataclass(frozen=True, slots=True)
class PlannedPlate:
    """A plate to be run.

    Args:
        run_code: of the run.
        size: 96 or 384.
        wells: filled ones, row by row.
        targets: of the assay.
    """

    run_code: str
    size: int
    wells: tuple[PlannedWell, ...]
    targets: tuple[PlannedTarget, ...]

    @property
    def dyes(self) -> tuple[str, ...]:
        """Each dye once, in the assay's order."""
        return tuple(dict.fromkeys(target.dye for target in self.targets))


def plan_of(kit: Assay, plate: Sequence[PlateWell], *, run_code: str, size: int) -> PlannedPlate:
    """Plan a plate for the instruments.

    Where a pool takes a well for each target, they go to its wells in the assay's order; otherwise all stand in each
    well, as on the page for typing readings.

    Args:
        kit: the assay's rules.
        plate: its wells, in filling order.
        run_code: of the run.
        size: 96 or 384.
    """
    targets = tuple(
        PlannedTarget(to_ascii(target.name), to_ascii(target.dye), target.role) for target in kit.targets
    )
    shares = _share(kit, targets)
    wells = [
        PlannedWell(
            well.position,
            to_ascii(well.pool or well.control or ""),
            well.control,
            shares[place % len(shares)],
        )
        for group in group_wells(kit, plate)
        for place, well in enumerate(group)
    ]
    wells.sort(key=lambda well: well_index(well.position, size=size))
    return PlannedPlate(to_ascii(run_code), size, tuple(wells), targets)


def _share(kit: Assay, targets: Sequence[PlannedTarget]) -> list[tuple[PlannedTarget, ...]]:
    if kit.wells_per_pool != len(targets):
        return [tuple(targets)]
    return [(target,) for target in targets]


def to_ascii(text: str) -> str:
    """Write a text with what every instrument's software reads: ASCII, no separators, no quotation marks.

    Args:
        text: a code, a target or a dye; "ΔN" becomes "?N".
    """
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    ascii_only = letters.encode("ascii", "replace").decode()
    return " ".join(ascii_only.translate(_PARTING).split())


def write_lines(rows: Sequence[Sequence[object]], *, separator: str) -> bytes:
    """Write rows of a text file with the line ends of Windows, where all these programs run.

    Args:
        rows: cells that `to_ascii` has been through, or that hold no separator.
        separator: between cells.
    """
    return "".join(separator.join(map(str, row)) + CRLF for row in rows).encode("ascii")


def zip_files(files: Mapping[str, bytes]) -> bytes:
    """Pack files into a zip that is the same each time.

    Args:
        files: name → content.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return packed.getvalue()
