"""Applied Biosystems: 7500, 7500 Fast, StepOne, 7900, SDS 1.x, ViiA 7 and QuantStudio (Design & Analysis 1.x).

Text with sections in brackets, CSV, XLS or XLSX with the same tables as sheets. Formats: INSTRUMENTS.md 1.1 and
1.2. The titles decide, as the set of columns varies with the type of experiment. Design & Analysis 2.x is in
`design_and_analysis`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from lims.errors import InvalidInput
from lims.msgid import N_
from lims.plates import well_at
from lims.pooling.instruments import cells
from lims.pooling.instruments.cells import text
from lims.pooling.instruments.run_file import Place, RunFile
from lims.pooling.instruments.tables import Document, Sheet
from lims.pooling.instruments.well_rows import (
    Gathering,
    Header,
    find_header,
    melt_only,
    read_head,
    read_long_curves,
    read_wells,
    size_of_wells,
)

_WELL_ROLES = {
    "well": "well position/well",
    "sample": "sample name",
    "target": "target name/detector name/detector",
    "dye": "reporter",
    "task": "task",
    "omit": "omit",
}
_RESULT_ROLES = _WELL_ROLES | {"ct": "ct/crt/cq", "threshold": "ct threshold/crt threshold/threshold"}
_GENOTYPE_ROLES = {
    "well": "well position/well",
    "sample": "sample name",
    "assay": "snp assay name",
    "task": "task",
    "omit": "omit",
    "first": "allele1 ct/allele1 crt",
    "second": "allele2 ct/allele2 crt",
}
_SETUP_ROLES = _WELL_ROLES | {
    "sample": "sample name",
    "assay": "snp assay name",
    "first": "allele1 name",
    "second": "allele2 name",
}
_CURVE_ROLES = {
    "well": "well position/well",
    "cycle": "cycle",
    "target": "target name/detector",
    "rn": "rn",
    "drn": "delta rn/drn",
}
_FLAG_TITLES = frozenset(
    (
        "cqconf",
        "expfail",
        "prflow",
        "noise",
        "highsd",
        "spike",
        "drnmin",
        "noamp",
        "badrox",
        "prfdrop",
        "ctfail",
        "offscale",
        "thaltfail",
        "thholdfail",
        "blfail",
        "outlierrg",
        "highqt",
        "mtp",
        "ampnc",
        "rnfail",
    )
)
"""Marks of the vendor's quality checks; Y where the well fails one."""

_BIG_SHEETS = frozenset(("raw data", "multicomponent data", "melt curve raw data"))
_MOST_WELLS_NAMED = 6
_ALLELES = ("Allele 1", "Allele 2")


def looks_like(document: Document) -> bool:
    """Tell whether a file is of this family: a table of results, curves or set-up by this maker's titles."""
    if document.is_xml:
        return False
    return any(
        _find_results(sheet) or _find_genotypes(sheet) or _find_curves(sheet) or _find_setup(sheet)
        for sheet in _small_sheets(document)
    ) or (
        document.is_text and any("melt curve raw data" in cells.title(name) for name in document.sheet_names)
    )


def read(document: Document) -> RunFile:
    """Read results, curves, or a set-up where there is nothing else.

    Raises:
        FileRefused: it holds melt curves only, or nothing.
    """
    found = Gathering("applied_biosystems")
    sheets = list(_small_sheets(document))
    for sheet in sheets:
        header = _find_results(sheet) or _find_genotypes(sheet) or _find_curves(sheet) or _find_setup(sheet)
        read_head(found, sheet.rows[: header.place if header else 0])
        if document.is_text and not header and not sheet.name:
            read_head(found, sheet.rows)
    said = found.first_of("block type", "plate type")
    numbers = _number_wells(sheets)
    found.size = size_of_wells(numbers.values(), said)
    read_well = _well_reader(found.size, numbers)
    planned: dict[str, set[str]] = defaultdict(set)
    setup: Gathering | None = None
    for sheet in sheets:
        if header := _find_results(sheet):
            _read_results(found, sheet, header, read_well)
        elif header := _find_genotypes(sheet):
            _read_genotypes(found, sheet, header, read_well, _allele_names(sheets))
        elif header := _find_curves(sheet):
            read_long_curves(found, sheet, header, well=read_well)
        elif (header := _find_setup(sheet)) and setup is None:
            setup = Gathering(found.format)
            named = "well position" in header.titles
            read_wells(
                setup,
                sheet,
                header,
                well=cells.named_well if named else read_well,
                skip_empty=True,
                short_rows=True,
            )
            for reading in setup.readings:
                planned[reading.well].add(reading.target)
    if found.size is None:
        found.size = size_of_wells({reading.well for reading in found.readings})
    _compare(found, planned)
    if setup is not None and setup.readings and not (found.readings or found.curves):
        found.set_up_only = True
        found.readings, found.problems = setup.readings, setup.problems + found.problems
    if not (found.readings or found.curves or found.problems) and any(
        "melt" in cells.title(name) for name in document.sheet_names
    ):
        raise melt_only()
    instrument = found.first_of("instrument type", "instrument name")
    if "quantstudio" in instrument.casefold() or "viia" in instrument.casefold():
        found.format = "quantstudio"
    return found.run_file(
        instrument=instrument,
        started_at=cells.moment(
            found.first_of(
                "experiment run start time",
                "experiment run end time",
                "experiment run stop time",
                "run date",
                "date created",
                "last modified",
            )
        ),
        plate=found.first_of("experiment barcode", "barcode"),
    )


def _small_sheets(document: Document) -> list[Sheet]:
    return [document.sheet(name) for name in document.sheet_names if cells.title(name) not in _BIG_SHEETS]


def _find_results(sheet: Sheet) -> Header | None:
    return find_header(sheet, _RESULT_ROLES, ("well", "target", "ct"))


def _find_genotypes(sheet: Sheet) -> Header | None:
    return find_header(sheet, _GENOTYPE_ROLES, ("well", "assay", "first", "second"))


def _find_curves(sheet: Sheet) -> Header | None:
    header = find_header(sheet, _CURVE_ROLES, ("well", "cycle", "target"))
    return header if header and ("rn" in header.places or "drn" in header.places) else None


def _find_setup(sheet: Sheet) -> Header | None:
    header = find_header(sheet, _SETUP_ROLES, ("well", "sample"))
    if header is None or "ct" in header.titles or not ("task" in header.places or "target" in header.places):
        return None
    return header


def _number_wells(sheets: list[Sheet]) -> dict[int, str]:
    """Return what the tables that give both say of number and name: in others a well is its number alone."""
    numbers: dict[int, str] = {}
    for sheet in sheets:
        header = find_header(sheet, {"number": "well", "name": "well position"}, ("number", "name"))
        if header is None:
            continue
        number_at, name_at = header.places["number"], header.places["name"]
        for row in sheet.rows[header.place + 1 :]:
            if len(row) <= max(number_at, name_at):
                continue
            index = cells.number(row[number_at])
            if index is not None and index.is_integer() and isinstance(row[name_at], str):
                try:
                    numbers.setdefault(int(index), cells.well(row[name_at]))
                except InvalidInput:
                    continue
        if numbers:
            break
    return numbers


def _well_reader(size: int | None, numbers: Mapping[int, str]) -> Callable[[object], str]:
    # B1 is number 13 on 96 wells and 25 on 384: one well that has both tells which
    if size is None:
        for index, name in numbers.items():
            if index > 12:
                size = next(
                    (plate for plate in (96, 384) if well_at(min(index, plate), size=plate) == name), None
                )
                break

    def read_well(cell: object) -> str:
        index = cells.number(cell)
        if index is not None and int(index) in numbers:
            return numbers[int(index)]
        return cells.well(cell, size)

    return read_well


def _read_results(found: Gathering, sheet: Sheet, header: Header, read_well: Callable[[object], str]) -> None:
    named = "well position" in header.titles
    read_wells(
        found,
        sheet,
        header,
        well=cells.named_well if named else read_well,
        flag_titles=_FLAG_TITLES,
        skip_empty=True,
    )


def _read_genotypes(
    found: Gathering,
    sheet: Sheet,
    header: Header,
    read_well: Callable[[object], str],
    alleles: Mapping[str, tuple[str, str]],
) -> None:
    """Read a genotyping experiment: one row a well, two alleles; each is a target as its curves call it."""
    assay_at = header.places["assay"]
    for place, role in enumerate(("first", "second")):

        def name_target(row: Sequence[object], place: int = place) -> str:
            assay = text(row[assay_at]) if assay_at < len(row) else ""
            return f"{assay}-{alleles.get(assay, _ALLELES)[place]}"

        read_wells(
            found,
            sheet,
            replace(header, places={**header.places, "ct": header.places[role]}),
            well=cells.named_well if "well position" in header.titles else read_well,
            flag_titles=_FLAG_TITLES,
            name_target=name_target,
        )


def _allele_names(sheets: list[Sheet]) -> dict[str, tuple[str, str]]:
    names: dict[str, tuple[str, str]] = {}
    for sheet in sheets:
        header = _find_setup(sheet)
        if header and all(role in header.places for role in ("assay", "first", "second")):
            at = [header.places[role] for role in ("assay", "first", "second")]
            for row in sheet.rows[header.place + 1 :]:
                if len(row) > max(at) and text(row[at[0]]):
                    names.setdefault(text(row[at[0]]), (text(row[at[1]]), text(row[at[2]])))
    return names


def _compare(found: Gathering, planned: Mapping[str, set[str]]) -> None:
    """Show where the set-up names other targets than the results: somebody renamed them in one place only."""
    measured: dict[str, set[str]] = defaultdict(set)
    for reading in found.readings:
        measured[reading.well].add(reading.target)
    differing: dict[tuple[str, str], list[str]] = defaultdict(list)
    for well, targets in measured.items():
        expected = {target for target in planned.get(well, ()) if target}
        if expected and not targets <= expected and not any("-" in target for target in targets - expected):
            differing[", ".join(sorted(expected)), ", ".join(sorted(targets))].append(well)
    for (expected_names, measured_names), wells in differing.items():
        shown = ", ".join(wells[:_MOST_WELLS_NAMED]) + (" …" if len(wells) > _MOST_WELLS_NAMED else "")
        found.problem(
            "sheets_disagree",
            N_("In %(wells)s the set-up has %(planned)s and the results have %(found)s. The results count."),
            Place("Sample Setup"),
            wells=shown,
            planned=expected_names,
            found=measured_names,
        )
