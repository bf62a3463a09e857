"""Tables with a row for each well and target, and tables of curves: the walk that all families share. Pure.

Every row of a table ends up as a reading, as a problem with its place, or among the words under the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lims.errors import InvalidInput
from lims.msgid import N_
from lims.plates import columns, parse_well, rows
from lims.pooling.instruments import cells
from lims.pooling.instruments.cells import text, title
from lims.pooling.instruments.run_file import Curve, FileProblem, FileRefused, Place, RunFile, WellReading
from lims.pooling.instruments.tables import Sheet, is_blank

MOST_PROBLEMS = 1000
"""A file with more is listed up to here; the last one says how many more there are."""

_HIDDEN_KEYS = ("operator", "user", "exported by", "analyst", "modified by", "created by", "comment", "path")
_LONGEST_VALUE = 200

Roles = Mapping[str, str]
"""Role of a column → its titles in order of preference, separated by "/"."""


@dataclass(frozen=True, slots=True)
class Header:
    """The row of titles.

    Args:
        place: its place in the sheet's rows.
        places: role → place of its column.
        titles: folded titles in order.
        written: titles as they stand.
    """

    place: int
    places: Mapping[str, int]
    titles: tuple[str, ...]
    written: tuple[str, ...]

    def name(self, role: str) -> str:
        """Return the title of a role's column as it stands; "" where there is none."""
        return self.written[self.places[role]] if role in self.places else ""


def find_header(sheet: Sheet, roles: Roles, needed: Collection[str], *, within: int = 200) -> Header | None:
    """Find the row of titles by their names, never by its number: heads are 1 to 47 lines long.

    Args:
        sheet: where to look.
        roles: titles of each role.
        needed: roles without which it is not the row.
        within: how many rows to look at.

    Returns:
        The header, or None.
    """
    wanted = {role: names.split("/") for role, names in roles.items()}
    for place in range(min(within, len(sheet.rows))):
        titles = sheet.titles(place)
        if not all(any(name in titles for name in wanted[role]) for role in needed):
            continue
        places = {}
        for role, names in wanted.items():
            name = next((name for name in names if name in titles), None)
            if name is not None:
                places[role] = titles.index(name)
        return Header(place, places, titles, tuple(text(cell) for cell in sheet.rows[place]))
    return None


@dataclass
class Gathering:
    """What has been found in a file so far.

    Args:
        format: word of the format, for the `RunFile`.
        size: 96, 384 or None.
    """

    format: str
    size: int | None = None
    readings: list[WellReading] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)
    thresholds: dict[str, float] = field(default_factory=dict)
    information: dict[str, str] = field(default_factory=dict)
    empty_wells: int = 0
    set_up_only: bool = False
    _first: dict[tuple[str, str, str], WellReading] = field(default_factory=dict)
    _told: set[tuple[str, Place]] = field(default_factory=set)

    def problem(self, code: str, message: str, place: Place, **parameters: object) -> None:
        """Note something that is no reading; once, where a row is walked once for each of its Ct columns."""
        if (code, place) not in self._told:
            self._told.add((code, place))
            self.problems.append(FileProblem(code, message, place, parameters))

    def refuse(self, code: str, refusal: InvalidInput, place: Place) -> None:
        """Note a value that was refused, with the refusal's own sentence."""
        self.problem(code, refusal.message, place, **refusal.parameters)

    def add(self, reading: WellReading) -> None:
        """Keep a reading; the same well and target a second time is a problem, whatever it says."""
        key = (reading.well, reading.target, reading.dye)
        first = self._first.setdefault(key, reading)
        if first is reading:
            self.readings.append(reading)
        else:
            self.problem(
                "duplicate",
                N_("%(well)s %(target)s stands in line %(line)s already."),
                reading.place,
                well=reading.well,
                target=reading.target or reading.dye,
                line=first.place.row,
            )

    def inform(self, key: str, value: str) -> None:
        """Keep a line of the head or foot, unless it names a person or a folder; of a path only its last part."""
        folded = title(key)
        if not folded or not value or any(word in folded for word in _HIDDEN_KEYS):
            return
        if "file" in folded or "document" in folded:
            value = value.replace("\\", "/").rsplit("/", 1)[-1]
        self.information.setdefault(key.strip(" *#:")[:80], value[:_LONGEST_VALUE])

    def first_of(self, *keys: str) -> str:
        """Return the value of the first of these keys (folded) that the head has."""
        known = {title(key): value for key, value in self.information.items()}
        return next((known[key] for key in keys if known.get(key)), "")

    def run_file(self, *, instrument: str = "", started_at: str | None = None, plate: str = "") -> RunFile:
        """Make the value that readers return.

        Raises:
            FileRefused: nothing was found in the file.
        """
        if not (self.readings or self.curves or self.problems):
            raise no_readings()
        problems = self.problems
        if len(problems) > MOST_PROBLEMS:
            more = len(problems) - MOST_PROBLEMS
            last = FileProblem(
                "more", N_("%(count)s more problems are not listed."), Place(), {"count": more}
            )
            problems = [*problems[:MOST_PROBLEMS], last]
        if self.empty_wells:
            self.information["empty wells"] = str(self.empty_wells)
        return RunFile(
            self.format,
            instrument=instrument,
            started_at=started_at,
            size=self.size,
            plate=plate,
            readings=tuple(self.readings),
            curves=tuple(self.curves),
            thresholds=self.thresholds,
            problems=tuple(problems),
            information=self.information,
            set_up_only=self.set_up_only,
        )


def no_readings() -> FileRefused:
    """Return the refusal of a known format without anything that can be used."""
    return FileRefused("no_readings", N_("This file holds no Ct and no curve. Export the table of results."))


def melt_only() -> FileRefused:
    """Return the refusal of a file of melt curves."""
    return FileRefused("melt_only", N_("This file holds melt curves only. Export the table of results."))


def read_wells(
    found: Gathering,
    sheet: Sheet,
    header: Header,
    *,
    well: Callable[[object], str],
    no_ct: Collection[str] = (),
    none_at: Collection[float] = (),
    target: str = "",
    dye: str = "",
    flag_titles: Collection[str] = (),
    flags: Callable[[Sequence[object]], Iterable[str]] | None = None,
    name_target: Callable[[Sequence[object]], str] | None = None,
    is_omitted: Callable[[Sequence[object]], bool] | None = None,
    skip_empty: bool = False,
    short_rows: bool = False,
) -> None:
    """Read a table with a row for each well and target.

    Args:
        found: where readings and problems go.
        sheet: the table's sheet.
        header: its titles; roles are well, sample, target, dye, task, ct, omit, threshold; a role that is missing
            is empty.
        well: reads a well, raises InvalidInput.
        no_ct: words of the format for no Ct.
        none_at: numbers that mean no Ct.
        target: for tables that name no target.
        dye: for tables that name no dye.
        flag_titles: folded titles of columns that hold Y or N.
        flags: makes more flags from a row.
        name_target: makes the target from a row where no single column has it.
        is_omitted: tells a well that was left out where no column says so by Y or true.
        skip_empty: rows of a well without sample, target, task and Ct are empty wells of the plate.
        short_rows: rows may end before the Ct, which is then none; elsewhere such a row was cut off.
    """
    roles = ("well", "sample", "target", "dye", "task", "ct", "omit", "threshold")
    columns_of = [header.places.get(role, -1) for role in roles]
    flag_columns = [
        (place, header.written[place]) for place, name in enumerate(header.titles) if name in flag_titles
    ]
    length = max(columns_of[0], columns_of[5]) + 1
    ct_title, well_title = header.name("ct"), header.name("well")
    last = len(sheet.rows) - 1
    for index in range(header.place + 1, len(sheet.rows)):
        row = sheet.rows[index]
        if index in sheet.broken:
            found.problem("damaged", sheet.broken[index], Place(sheet.name, sheet.line(index)))
            continue
        if is_blank(row):
            continue
        values = [row[column] if 0 <= column < len(row) else "" for column in columns_of]
        try:
            name = well(values[0])
        except InvalidInput as refusal:
            _note_no_well(found, sheet, index, refusal, well_title)
            continue
        sample, gene = text(values[1]), name_target(row) if name_target else text(values[2])
        if skip_empty and not (sample or gene or text(values[4]) or text(values[5])):
            found.empty_wells += 1
            continue
        place = Place(sheet.name, sheet.line(index))
        cut_off = index == last and sheet.cut_off and index > 0 and len(row) < len(sheet.rows[index - 1])
        if cut_off or (len(row) < length and not short_rows):
            _note_cut_off(found, place, len(row), max(length, len(header.titles)))
            continue
        if not sheet.padded and any(text(cell) for cell in row[len(header.titles) :]):
            found.problem(
                "too_many_cells",
                N_(
                    "The row has more cells than the table has columns. Is a comma both decimal sign and separator?"
                ),
                place,
            )
            continue
        try:
            ct, raw = cells.read_ct(values[5], no_ct=no_ct, none_at=none_at)
        except InvalidInput as refusal:
            code = "not_a_ct" if cells.number(values[5]) is None else "ct_out_of_range"
            found.refuse(code, refusal, Place(sheet.name, sheet.line(index), ct_title))
            continue
        marks = [
            written for column, written in flag_columns if column < len(row) and cells.is_set(row[column])
        ]
        if flags is not None:
            marks.extend(flags(row))
        reading = WellReading(
            name,
            sample,
            gene or target,
            text(values[3]) or dye,
            cells.task(values[4]),
            ct,
            raw,
            tuple(marks),
            is_omitted(row) if is_omitted else cells.is_set(values[6]),
            place,
        )
        found.add(reading)
        threshold = cells.number(values[7])
        if threshold is not None and (reading.target or reading.dye):
            found.thresholds.setdefault(reading.target or reading.dye, threshold)


def _note_no_well(found: Gathering, sheet: Sheet, index: int, refusal: InvalidInput, column: str) -> None:
    """Tell a line under the table from a row with a wrong well."""
    row = sheet.rows[index]
    filled = [written for written in (text(value) for value in row) if written]
    if len(filled) <= 2 and not cells.is_like_a_well(filled[0]):
        key, _, value = filled[0].partition(" = ")
        found.inform(key, value or (filled[1] if len(filled) == 2 else ""))
        return
    found.refuse("unknown_well", refusal, Place(sheet.name, sheet.line(index), column))


def _note_cut_off(found: Gathering, place: Place, length: int, columns: int) -> None:
    found.problem(
        "cut_off",
        N_("The row ends too early: %(cells)s cells instead of %(columns)s. Was the file cut off?"),
        place,
        cells=length,
        columns=columns,
    )


def read_head(found: Gathering, rows_above: Sequence[Sequence[object]]) -> None:
    """Keep the lines above a table: "* Key = value", "# Key: value", "Key: value" or two cells."""
    for row in rows_above:
        filled = [written for written in (text(cell) for cell in row[:4]) if written]
        if not filled:
            continue
        key, value = filled[0], filled[1] if len(filled) > 1 else ""
        for mark in (" = ", " =", ": "):
            if mark in key:
                # a comma in the value was taken for a delimiter
                key, _, rest = key.partition(mark)
                value = ", ".join(filter(None, (rest.strip(), *filled[1:])))
                break
        found.inform(key, value)


class CurvePoints:
    """Points of curves, collected until each curve is whole.

    Args:
        found: where the curves and one problem for all unreadable points go.
        sheet: where they stand.
        quantity: "dRn", "Rn" or "RFU".
    """

    def __init__(self, found: Gathering, sheet: Sheet, quantity: str) -> None:
        self._found, self._sheet, self._quantity = found, sheet, quantity
        self._points: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
        self._unreadable: Counter[str] = Counter()
        self._where: dict[str, int] = {}

    def add(self, well: str, target: str, cycle: float | None, value: float | None, index: int) -> None:
        """Keep a point, in the order of rising cycles; `index` is its row in the sheet."""
        if cycle is None or value is None:
            self._miss("not_a_number", index)
            return
        key = (well, target)
        if key not in self._points:
            self._points[key] = ([], [])
        cycles, values = self._points[key]
        if cycles and cycle <= cycles[-1]:
            self._miss("duplicate", index)
            return
        cycles.append(cycle)
        values.append(value)

    def miss_well(self, index: int) -> None:
        """Note a point of no well."""
        self._miss("unknown_well", index)

    def _miss(self, code: str, index: int) -> None:
        self._unreadable[code] += 1
        self._where.setdefault(code, index)

    def close(self) -> None:
        """Hand the curves over."""
        messages = {
            "not_a_number": N_(
                "%(count)s points of the curves are no numbers, the first of them in this row."
            ),
            "duplicate": N_(
                "%(count)s points of the curves come twice or out of order, the first in this row."
            ),
            "unknown_well": N_("%(count)s points of the curves belong to no well, the first in this row."),
        }
        for code, count in self._unreadable.items():
            place = Place(self._sheet.name, self._sheet.line(self._where[code]))
            self._found.problem(code, messages[code], place, count=count)
        self._found.curves.extend(
            Curve(well, target, tuple(cycles), tuple(values), self._quantity)
            for (well, target), (cycles, values) in self._points.items()
        )


def read_long_curves(
    found: Gathering, sheet: Sheet, header: Header, *, well: Callable[[object], str]
) -> None:
    """Read curves with a row for each well, target and cycle.

    Args:
        found: where they go.
        sheet: their sheet.
        header: roles well, cycle, target and drn or rn; baseline-subtracted values are preferred.
        well: reads a well, raises InvalidInput.
    """
    role = "drn" if "drn" in header.places else "rn"
    points = CurvePoints(found, sheet, "dRn" if role == "drn" else "Rn")
    well_at, cycle_at, value_at = (header.places[name] for name in ("well", "cycle", role))
    target_at = header.places.get("target", -1)
    names: dict[object, str] = {}
    for index in range(header.place + 1, len(sheet.rows)):
        row = sheet.rows[index]
        target = text(row[target_at]) if 0 <= target_at < len(row) else ""
        value = row[value_at] if value_at < len(row) else ""
        if value == "" and not target:
            # the cycles of an empty well, or the words under the table
            continue
        cell = row[well_at]
        if cell not in names:
            try:
                names[cell] = well(cell)
            except InvalidInput:
                names[cell] = ""
        if not names[cell]:
            points.miss_well(index)
            continue
        points.add(names[cell], target, cells.number(row[cycle_at]), cells.number(value), index)
    points.close()


def read_wide_curves(
    found: Gathering, sheet: Sheet, header: Header, *, target: str, size: int | None
) -> None:
    """Read curves with a row for each cycle and a column for each well.

    Args:
        found: where they go.
        sheet: their sheet.
        header: role cycle; every other column whose title is a well is a curve.
        target: of all curves: the dye, where the file keeps one table a dye.
        size: 96, 384 or None.
    """
    points = CurvePoints(found, sheet, "RFU")
    wells = [
        (place, cells.well(name, size)) for place, name in enumerate(header.written) if is_named_well(name)
    ]
    cycle_at = header.places["cycle"]
    for index in range(header.place + 1, len(sheet.rows)):
        row = sheet.rows[index]
        cycle = cells.number(row[cycle_at]) if cycle_at < len(row) else None
        if cycle is None:
            if not is_blank(row):
                points.add("", "", None, None, index)
            continue
        for place, name in wells:
            cell = row[place] if place < len(row) else ""
            points.add(name, target, cycle, cells.number(cell), index)
    points.close()


def is_named_well(cell: object) -> bool:
    """Tell whether a title is the name of a well such as A1 or P24."""
    try:
        parse_well(text(cell), size=384)
    except InvalidInput:
        return False
    return True


def size_of_wells(wells: Iterable[str], said: str = "") -> int | None:
    """Tell a plate's size from what the head says of its block, or from a well that only 384 have.

    Args:
        wells: names such as `A01`.
        said: text of the block, such as "384-Well Block" or "96fast".

    Returns:
        96, 384, or None where neither tells.
    """
    if "384" in said or "array card" in said.casefold():
        return 384
    for name in wells:
        if name[0] not in rows(96) or int(name[1:]) not in columns(96):
            return 384
    return 96 if "96" in said else None
