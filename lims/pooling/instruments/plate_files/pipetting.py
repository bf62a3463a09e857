"""A pipetting list for a liquid handler: which tube goes into which well, and how much of it. A CSV with CRLF."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

from lims.errors import InvalidInput
from lims.pooling.instruments.plate_files.planned import to_ascii, write_lines

COLUMNS = (
    "source_barcode",
    "source_rack",
    "source_position",
    "destination_plate",
    "destination_well",
    "volume_ul",
)


@dataclass(frozen=True, slots=True)
class Transfer:
    """One step of the robot.

    Args:
        source_barcode: of the tube or pool.
        source_rack: code or name of the rack it stands in.
        source_position: its place there, as the robot's deck names it.
        destination_plate: code of the run or the extraction.
        destination_well: `A01`.
        volume_ul: microlitres.
    """

    source_barcode: str
    source_rack: str
    source_position: str
    destination_plate: str
    destination_well: str
    volume_ul: float


def write_transfers(transfers: Iterable[Transfer]) -> bytes:
    """Write a pipetting list, in the order given.

    Args:
        transfers: the steps.

    Raises:
        InvalidInput: a volume that is no amount of liquid.
    """
    return write_lines([COLUMNS, *map(_write, transfers)], separator=",")


def _write(transfer: Transfer) -> tuple[str, ...]:
    volume = transfer.volume_ul
    if not (isfinite(volume) and volume > 0):
        raise InvalidInput(
            "%(volume)s µl cannot be pipetted from %(code)s. Enter a volume above 0.",
            field="volume_ul",
            volume=str(volume),
            code=transfer.source_barcode,
        )
    texts = (
        transfer.source_barcode,
        transfer.source_rack,
        transfer.source_position,
        transfer.destination_plate,
        transfer.destination_well,
    )
    return (*map(to_ascii, texts), f"{volume:.2f}".rstrip("0").rstrip("."))
