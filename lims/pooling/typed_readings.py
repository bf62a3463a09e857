"""A run's readings, typed or from a plain CSV, checked against its plate. Pure.

A list with a mistake is refused as a whole, with every mistake at once: half a plate's readings would look like a
plate.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from lims.errors import InvalidInput
from lims.msgid import N_
from lims.names import fold
from lims.plates import parse_well
from lims.pooling.assays import Assay
from lims.pooling.plate_calls import PlateWell, group_wells
from lims.pooling.readings import Reading, parse_ct, read_readings_csv

MOST_TYPED = 384 * 8
Problem = dict[str, Any]


class ReadingsRefused(InvalidInput):
    """The readings have mistakes; nothing of them was used.

    Args:
        problems: each with `line` (from 1; 0 where a reading is missing), `column`, `message` and `parameters`.
    """

    code = "readings_refused"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(
            N_("Readings to mend: %(count)s. Mend them and send everything again; nothing was used."),
            field="readings",
            count=len(problems),
        )
        self.problems = list(problems)


def read_readings(
    kit: Assay,
    plate: Sequence[PlateWell],
    *,
    size: int,
    typed: Sequence[Mapping[str, Any]] | None,
    content: bytes | None,
) -> list[Reading]:
    """Read and check all readings of a plate.

    Args:
        kit: the assay's rules.
        plate: its wells, in filling order.
        size: 96 or 384.
        typed: each with `well`, `target` and `ct`.
        content: a CSV's bytes instead.

    Returns:
        One reading for each target of each well (or set of wells) of the plate, and no other.

    Raises:
        ReadingsRefused: with every mistake.
        InvalidInput: the file cannot be read at all, or nothing was sent.
    """
    names = [target.name for target in kit.targets]
    problems: list[Problem] = []
    if content is not None:
        file = read_readings_csv(content, size=size, targets=names)
        readings = list(file.readings)
        problems.extend(
            _problem(found.line, found.column, found.message, found.parameters) for found in file.problems
        )
    else:
        readings = _read_typed(typed or (), names, size=size, problems=problems)
    known = {well.position for well in plate}
    problems.extend(
        _problem(reading.line, "well", N_("%(well)s is empty on this plate."), {"well": reading.well})
        for reading in readings
        if reading.well not in known
    )
    # what stands in a row that was refused is not missing as well
    if not problems:
        problems.extend(_find_missing(kit, plate, readings))
    if problems:
        raise ReadingsRefused(sorted(problems, key=lambda problem: problem["line"]))
    return readings


def _problem(line: int, column: str, message: str, parameters: Mapping[str, object]) -> Problem:
    return {"line": line, "column": column, "message": message, "parameters": dict(parameters)}


def _read_typed(
    typed: Sequence[Mapping[str, Any]], names: Sequence[str], *, size: int, problems: list[Problem]
) -> list[Reading]:
    if not 0 < len(typed) <= MOST_TYPED:
        raise InvalidInput("Enter a Ct for each target of each well, or send a file.", field="readings")
    spelling = {fold(name): name for name in names}
    readings: dict[tuple[str, str], Reading] = {}
    for line, row in enumerate(typed, start=1):
        raw = "" if row.get("ct") is None else str(row["ct"])
        try:
            well = parse_well(str(row.get("well", "")), size=size)
            target = spelling.get(fold(str(row.get("target", ""))))
            if target is None:
                raise InvalidInput(
                    "“%(text)s” is not a target of this assay (%(targets)s).",
                    field="target",
                    text=str(row.get("target", ""))[:40],
                    targets=", ".join(names),
                )
            ct = parse_ct(raw)
            if (well, target) in readings:
                raise InvalidInput(
                    "%(well)s %(target)s stands in line %(line)s already.",
                    field="well",
                    well=well,
                    target=target,
                    line=readings[well, target].line,
                )
        except InvalidInput as refusal:
            problems.append(_problem(line, refusal.field, refusal.message, refusal.parameters))
            continue
        readings[well, target] = Reading(well, target, ct, raw.strip(), line)
    return list(readings.values())


def _find_missing(kit: Assay, plate: Sequence[PlateWell], readings: Sequence[Reading]) -> list[Problem]:
    """Find targets that were read in none of the wells that are read together: missing is not "no Ct"."""
    read = {(reading.well, reading.target) for reading in readings}
    problems = []
    for group in group_wells(kit, plate):
        missing = [
            target.name
            for target in kit.targets
            if not any((well.position, target.name) in read for well in group)
        ]
        if missing:
            words = {"well": "+".join(well.position for well in group), "targets": ", ".join(missing)}
            problems.append(_problem(0, "well", N_("%(well)s: no reading of %(targets)s."), words))
    return problems


def write_csv(typed: Sequence[Mapping[str, Any]]) -> bytes:
    """Write typed readings as the CSV that would have said the same, to be kept as they came."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("well", "target", "ct"))
    for row in typed:
        ct = row.get("ct")
        writer.writerow((row.get("well", ""), row.get("target", ""), "" if ct is None else ct))
    return text.getvalue().encode()
