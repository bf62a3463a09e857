"""Instruments' files from the command line, without an application or a database: a look before anything is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lims.commands.output import json_option, say
from lims.pooling.instruments import read_run_file
from lims.pooling.instruments.run_file import FileRefused, RunFile


@click.group("instruments")
def instruments_group() -> None:
    """Read thermocyclers' files.

    Example: lims instruments read plate.xlsx --json
    """


@instruments_group.command("read")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@json_option
def read(files: tuple[Path, ...], as_json: bool) -> None:
    """Tell what each FILE holds: readings, curves, problems. Nothing is kept.

    With --json every file is one object on one line. A file that is refused is told as well, and the exit status is 1
    when all have been read.

    Example: lims instruments read run1.eds run2.csv --json
    """
    refused = False
    for path in files:
        try:
            content = path.read_bytes()
            found = describe(str(path), read_run_file(content, file_name=path.name))
            sentence = _sentence(found)
        except FileRefused as refusal:
            refused = True
            found = {"file": str(path), "error": str(refusal), "reason": refusal.reason}
            sentence = f"{path}: {refusal}"
        except OSError as error:
            refused = True
            told = error.strerror or type(error).__name__
            found = {"file": str(path), "error": told, "reason": "unreadable"}
            sentence = f"{path}: {told}"
        say(found, as_json=as_json, sentence=sentence, one_line=True)
    if refused:
        raise SystemExit(1)


def describe(file: str, run: RunFile) -> dict[str, Any]:
    """Return what a file holds as plain JSON values.

    Args:
        file: its path, as it was asked for.
        run: as it was read.
    """
    return {
        "file": file,
        "format": run.format,
        "instrument": run.instrument,
        "started_at": run.started_at,
        "wells": [
            {
                "well": reading.well,
                "sample": reading.sample,
                "target": reading.target,
                "dye": reading.dye,
                "task": reading.task,
                "ct": reading.ct,
                "raw_ct": reading.raw_ct,
                "flags": list(reading.flags),
            }
            for reading in run.readings
        ],
        "curves": {"curves": len(run.curves), "points": sum(len(curve.cycles) for curve in run.curves)},
        "problems": [
            {
                "code": problem.code,
                "message": str(problem),
                "sheet": problem.place.sheet,
                "row": problem.place.row,
                "column": problem.place.column,
            }
            for problem in run.problems
        ],
    }


def _sentence(found: dict[str, Any]) -> str:
    detected = sum(well["ct"] is not None for well in found["wells"])
    parts = [
        f"{len(found['wells'])} readings, {detected} with a Ct",
        f"{found['curves']['curves']} curves",
        f"{len(found['problems'])} problems",
    ]
    return f"{found['file']}: {found['format']}, " + ", ".join(parts) + "."
