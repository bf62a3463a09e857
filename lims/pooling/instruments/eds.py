"""Applied Biosystems' own experiment files (.eds): results where the analysis was saved, else the set-up.

Format: INSTRUMENTS.md 1.4. An unlocked zip. The well is counted from 0 (24 is C1 on 96 wells), and no Ct is written
as the count of cycles. Of the newer kind (Design & Analysis 2) the export is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from lims.errors import InvalidInput
from lims.msgid import N_
from lims.plates import well_at
from lims.pooling.instruments import cells, xml_tables
from lims.pooling.instruments.cells import text, title
from lims.pooling.instruments.run_file import Curve, FileRefused, Place, RunFile, WellReading
from lims.pooling.instruments.tables import Document, Sheet
from lims.pooling.instruments.well_rows import Gathering, Header, find_header, no_readings

_RESULTS = "apldbio/sds/analysis_result.txt"
_SETUP = "apldbio/sds/plate_setup.xml"
_EXPERIMENT = "apldbio/sds/experiment.xml"
_NEWER = ("primary/analysis_result.json", "run/run_summary.json", "setup/plate_setup.json")
_ROLES = {
    "well": "well",
    "sample": "sample name/sample",
    "target": "detector/target name/target",
    "task": "task",
    "ct": "ct/cq",
}


def looks_like(document: Document) -> bool:
    """Tell whether an archive has the members of an experiment."""
    names = document.members
    return any(name in names for name in (_RESULTS, _SETUP, _EXPERIMENT, *_NEWER))


def read(document: Document) -> RunFile:
    """Read results with their curves, or the set-up of a run that was not analysed.

    Raises:
        FileRefused: the newer kind, damaged, or nothing in it.
    """
    if not any(name in document.members for name in (_RESULTS, _SETUP)):
        raise FileRefused(
            "no_readings",
            N_(
                "The results inside this experiment file cannot be read. Export them as XLSX and hand that in."
            ),
        )
    found = Gathering("eds")
    started, size = _read_experiment(document)
    found.size = size
    if _RESULTS in document.members:
        _read_results(found, Document(document.member(_RESULTS)).lines)
    if not (found.readings or found.problems) and _SETUP in document.members:
        _read_setup(found, xml_tables.parse(_member_text(document, _SETUP)))
        found.set_up_only = bool(found.readings)
        if not found.readings:
            raise no_readings()
    return found.run_file(started_at=started)


def _member_text(document: Document, name: str) -> str:
    return Document(document.member(name) or b" ").text


def _read_experiment(document: Document) -> tuple[str | None, int | None]:
    started, size = None, None
    if _EXPERIMENT in document.members:
        root = xml_tables.parse(_member_text(document, _EXPERIMENT))
        stamp = cells.number(root.findtext("RunStartTime") or root.findtext("RunEndTime"))
        started = cells.moment_of_milliseconds(stamp) if stamp else None
    if _SETUP in document.members:
        root = xml_tables.parse(_member_text(document, _SETUP))
        rows, columns = (cells.number(root.findtext(name)) for name in ("Rows", "Columns"))
        size = {(8.0, 12.0): 96, (16.0, 24.0): 384}.get((rows or 0.0, columns or 0.0))
    return started, size


def _read_results(found: Gathering, sheet: Sheet) -> None:
    header = find_header(sheet, _ROLES, ("well", "target", "ct"))
    if header is None:
        return
    for index, block in _blocks(sheet, header):
        place = Place(_RESULTS, sheet.line(index))
        row = sheet.rows[index]
        try:
            number = cells.number(row[header.places["well"]])
            well = well_at(int(-1 if number is None else number) + 1, size=found.size or 96)
            curve = [
                value for value in map(cells.number, block.get("delta rn values", ())) if value is not None
            ]
            count = len(block.get("rn values", ())) or len(curve)
            ct, raw = cells.read_ct(
                row[header.places["ct"]] if header.places["ct"] < len(row) else "", none_at=(float(count),)
            )
        except InvalidInput as refusal:
            found.refuse("unknown_well" if refusal.field == "well" else "not_a_ct", refusal, place)
            continue
        names = {
            role: text(row[column]) if (column := header.places.get(role, len(row))) < len(row) else ""
            for role in ("sample", "target", "task")
        }
        found.add(
            WellReading(
                well, names["sample"], names["target"], "", cells.task(names["task"]), ct, raw, place=place
            )
        )
        if curve and len(curve) == len(block["delta rn values"]):
            cycles = tuple(float(cycle) for cycle in range(1, len(curve) + 1))
            found.curves.append(Curve(well, names["target"], cycles, tuple(curve), "dRn"))


def _blocks(sheet: Sheet, header: Header) -> Iterator[tuple[int, dict[str, list[object]]]]:
    """Yield each result's row with the lines of values that follow it."""
    current: tuple[int, dict[str, list[object]]] | None = None
    for index in range(header.place + 1, len(sheet.rows)):
        row = sheet.rows[index]
        name = title(row[0]) if row else ""
        if name.endswith("values"):
            if current:
                current[1][name] = [cell for cell in row[1:] if text(cell)]
        elif name and cells.number(row[0]) is not None:
            if current:
                yield current
            current = (index, {})
    if current:
        yield current


def _read_setup(found: Gathering, root: ElementTree.Element) -> None:
    size = found.size or 96
    samples: dict[str, str] = {}
    tasks: list[tuple[str, ElementTree.Element]] = []
    for features in root.iter("FeatureMap"):
        kind = features.findtext("Feature/Id")
        for value in features.iter("FeatureValue"):
            index = value.findtext("Index") or ""
            if kind == "sample":
                samples[index] = (value.findtext(".//Sample/Name") or "").strip()
            elif kind == "detector-task":
                tasks.extend((index, task) for task in value.iter("DetectorTask"))
    for index, task in tasks:
        try:
            well = well_at(int(cells.number(index) or 0) + 1, size=size)
        except InvalidInput as refusal:
            found.refuse("unknown_well", refusal, Place(_SETUP))
            continue
        found.add(
            WellReading(
                well,
                samples.get(index, ""),
                (task.findtext("Detector/Name") or "").strip(),
                (task.findtext("Detector/Reporter") or "").strip(),
                cells.task(task.findtext("Task")),
                None,
                "",
                place=Place(_SETUP),
            )
        )
