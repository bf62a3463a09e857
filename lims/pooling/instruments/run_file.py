"""What a thermocycler's file holds, whatever wrote it: one value for every family of instruments. Pure.

A reader (one module a family) turns bytes into a `RunFile` or raises `FileRefused`. It drops nothing silently: each
row of its table is a reading or a problem with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lims.errors import InvalidInput

TASKS = ("unknown", "ntc", "positive", "negative", "standard", "ipc", "other")
"""What an instrument says of a well; "negative" is a control that went through the extraction, "ntc" never did."""

REASONS = (
    "empty",
    "too_big",
    "unknown_format",
    "encrypted",
    "damaged",
    "no_readings",
    "melt_only",
)
"""Why a file is refused as a whole; a word a program can tell it by."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file, for people who look it up.

    Args:
        sheet: name of the worksheet, section or member of the archive; "" where a file has one table only.
        row: line of the file or row of the sheet, from 1; 0 where it is about no single row.
        column: title of the column; "" where it is about the whole row.
    """

    sheet: str = ""
    row: int = 0
    column: str = ""


@dataclass(frozen=True, slots=True)
class WellReading:
    """What the instrument found for one target in one well.

    Args:
        well: `A01`; a rotor's own label ("A1", "72") where the instrument has no plate.
        sample: as written in the file, blanks around it removed; a spreadsheet's 206.0 is "206".
        target: as written; "" where the file names none.
        dye: as written; "" where the file names none.
        task: a word of `TASKS`; "unknown" for a sample under test, "" where the file does not say.
        ct: cycles; None for no Ct.
        raw_ct: the text of the Ct as it stands in the file.
        flags: the instrument's own marks that are set, such as "BADROX", "EXPFAIL", "CQCONF", "uncertain".
        omit: the instrument was told to leave this well out.
        place: where it stands.
    """

    well: str
    sample: str
    target: str
    dye: str
    task: str
    ct: float | None
    raw_ct: str
    flags: tuple[str, ...] = ()
    omit: bool = False
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Curve:
    """An amplification curve.

    Args:
        well: as of `WellReading`.
        target: as of `WellReading`; the dye where the file keeps curves by dye only.
        cycles: rising; usually 1, 2, 3 …
        values: as many as cycles; baseline-subtracted where the file has that.
        quantity: what the values are: "dRn", "Rn" or "RFU".
    """

    well: str
    target: str
    cycles: tuple[float, ...]
    values: tuple[float, ...]
    quantity: str


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Something in the file that is no reading, or contradicts another place of it.

    Args:
        code: a word a program can tell it by: "unknown_well", "not_a_ct", "ct_out_of_range", "duplicate", "cut_off",
            "sheets_disagree", "not_a_number" …
        message: English msgid.
        place: where.
        parameters: the message's parameters; plain JSON values.
    """

    code: str
    message: str
    place: Place = Place()
    parameters: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message % self.parameters if self.parameters else self.message


@dataclass(frozen=True)
class RunFile:
    """All that is known of a run from one file.

    Args:
        format: word of the format, such as "rdml", "quantstudio", "cfx_cq".
        instrument: model or name of the instrument as the file says; "" where it does not.
        started_at: ISO 8601 text of when the run started, ended or was exported, whichever the file has first; None
            where it has none.
        size: 96 or 384; None where the file is of a rotor or does not say.
        plate: code or name of the plate that the file carries (a barcode field, never a path); "".
        readings: one for each target of each well, in the file's order.
        curves: amplification curves, in the file's order; none where the file holds none.
        thresholds: target → threshold in the unit of its curves.
        problems: what could not be read.
        information: what else the head of the file says, key → text, without paths or operators' names.
        set_up_only: True for a file that describes a plate and holds no Ct and no curve.
    """

    format: str
    instrument: str = ""
    started_at: str | None = None
    size: int | None = None
    plate: str = ""
    readings: tuple[WellReading, ...] = ()
    curves: tuple[Curve, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[FileProblem, ...] = ()
    information: Mapping[str, str] = field(default_factory=dict)
    set_up_only: bool = False


class FileRefused(InvalidInput):
    """A file that cannot be read as a whole; nothing of it is used.

    Args:
        reason: a word of `REASONS`.
        message: English msgid that says what to do.
    """

    code = "file_refused"

    def __init__(self, reason: str, message: str, **parameters: object) -> None:
        super().__init__(message, field="file", **parameters)
        self.reason = reason
