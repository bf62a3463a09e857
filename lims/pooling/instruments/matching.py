"""Does a thermocycler's file belong to the plate that was planned? Pure.

Everything that speaks against it is told at once, and with anything that does, nothing of the file is used: half a
plate's readings would look like a plate. A control that fails is no matter of matching: the run fails by the assay's
rules. Only where the controls would all be right on a turned or a shifted plate, that is what is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite

from lims import codes
from lims.errors import InvalidInput
from lims.msgid import N_
from lims.names import fold
from lims.plates import parse_well, well_names
from lims.pooling.assays import CONTROL_KINDS, HIGHEST_CT, Assay
from lims.pooling.calls import ControlReading, call_control, call_target
from lims.pooling.instruments.moves import (
    Move,
    find_move_of_codes,
    find_move_of_controls,
    find_move_of_roles,
)
from lims.pooling.instruments.run_file import Curve, FileProblem, Place, RunFile, WellReading
from lims.pooling.plate_calls import PlateWell, group_wells
from lims.pooling.readings import Reading
from lims.pooling.target_names import TargetNames

POSITIVE_CONTROLS = ("PC", "weak_PC", "PEC")
_ROLES = {kind: "positive" if kind in POSITIVE_CONTROLS else "negative" for kind in CONTROL_KINDS}
_ROLE_OF_NAME = {fold(kind): role for kind, role in _ROLES.items()}
_ROLE_OF_TASK = {"ntc": "negative", "negative": "negative", "positive": "positive"}
_NO_SAMPLE_TASKS = frozenset(("standard", "ipc", "other"))
_NOTHING = "–"
_NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class MatchProblem:
    """Why a file is not used.

    Args:
        code: "unknown_well", "missing_well", "unknown_target", "control_missing", "wrong_plate", "rotated_plate",
            "shifted_plate", "other_run", "barcode_mismatch", "ct_out_of_range", "duplicate", "omitted_well",
            "no_readings", or the code of a problem of the file itself (`run_file.FileProblem`).
        message: English msgid.
        parameters: of the message; plain JSON values.
        place: where it stands in the file.
    """

    code: str
    message: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    place: Place = _NOWHERE

    def __str__(self) -> str:
        return self.message % self.parameters if self.parameters else self.message


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know of a file that does not speak against it: an English msgid with its parameters."""

    message: str
    parameters: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message % self.parameters if self.parameters else self.message


@dataclass(frozen=True)
class Match:
    """What a file gives a plate.

    Args:
        readings: one for each target of each well, or set of wells; none where there is a problem.
        curves: of the plate's wells, the targets in the assay's spelling; none where there is a problem.
        problems: all that speaks against the file.
        by: "barcode" where each pool's well carries its code in the file, else "position".
        notes: what was left out or is worth a look.
        thresholds: the assay's target → threshold.
    """

    readings: tuple[Reading, ...]
    curves: tuple[Curve, ...]
    problems: tuple[MatchProblem, ...]
    by: str
    notes: tuple[Note, ...]
    thresholds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Row:
    """A reading of the file in this plate's and this assay's words; target None where the assay has no such."""

    position: str
    target: str | None
    source: WellReading


def match_plate(
    kit: Assay, plate: Sequence[PlateWell], file: RunFile, *, size: int, run_code: str = ""
) -> Match:
    """Match a file to a plate.

    Args:
        kit: the assay's rules.
        plate: its wells, in filling order.
        file: what was read.
        size: 96 or 384.
        run_code: of the run, to be compared with the code that the file carries.

    Returns:
        The readings that `plate_calls.call_plate` needs, or the problems.
    """
    problem = _check_whole(file, size=size, run_code=run_code)
    if problem is not None:
        return Match((), (), (problem,), "position", ())
    names = TargetNames(kit)
    problems: list[MatchProblem] = []
    rows = list(_place_rows(file, names, size=size, problems=problems))
    found = _Found(kit, plate, rows, size=size)
    misplaced = found.find_misplaced()
    if misplaced is not None:
        return Match((), (), (misplaced,), "position", ())
    notes: list[Note] = []
    problems.extend(found.list_mismatches())
    problems.extend(_take_file_problems(file, found, notes, size=size))
    sorting = _Sorting(kit, plate, rows, found, problems, notes, size=size)
    readings = sorting.take()
    _note_flags(readings, notes)
    if rows and not any(row.source.ct is not None for row in rows):
        notes.append(Note(N_("No well of the file has a Ct. Was the run analysed before the export?")))
    by = "barcode" if found.all_coded else "position"
    if problems:
        return Match((), (), tuple(problems), by, tuple(notes))
    curves = tuple(_take_curves(file, names, found, size=size))
    thresholds = {
        target: threshold
        for written, threshold in file.thresholds.items()
        if (target := names.find(written, written)) is not None
    }
    return Match(readings, curves, (), by, tuple(notes), thresholds)


def _check_whole(file: RunFile, *, size: int, run_code: str) -> MatchProblem | None:
    """Find what makes it needless to look at the wells."""
    if file.set_up_only:
        message = N_(
            "The file only describes the plate and holds no result. Export the results after the run."
        )
        return MatchProblem("no_readings", message)
    if file.size is not None and file.size != size:
        message = N_("The file is of a plate of %(found)s wells; the plate of this run has %(size)s.")
        return MatchProblem("wrong_plate", message, {"found": file.size, "size": size})
    try:
        code = codes.parse(file.plate, expect="plate").text
    except InvalidInput:
        # a name that somebody gave the plate proves nothing
        return None
    if run_code and code != codes.normalise(run_code):
        message = N_("The file is of run %(found)s, not of %(run)s. Choose the export of this run.")
        words = {"found": codes.grouped(code), "run": codes.grouped(codes.normalise(run_code))}
        return MatchProblem("wrong_plate", message, words)
    return None


def _place_rows(
    file: RunFile, names: TargetNames, *, size: int, problems: list[MatchProblem]
) -> Iterator[_Row]:
    for reading in file.readings:
        try:
            position = parse_well(reading.well, size=size)
        except InvalidInput as refusal:
            problems.append(MatchProblem("unknown_well", refusal.message, refusal.parameters, reading.place))
            continue
        yield _Row(position, names.find(reading.target, reading.dye), reading)


@lru_cache(maxsize=4096)
def _pool_code(sample: str) -> str | None:
    """Read the pool's code that a sample is named by; one with a wrong character is still a code, of no pool."""
    try:
        return codes.parse(sample, expect="pool").text
    except InvalidInput:
        code = codes.normalise(sample)
    is_like_one = len(code) == codes.LENGTH and code[0] == codes.PREFIXES["pool"]
    return code if is_like_one and set(code) <= set(codes.ALPHABET) else None


def _role(reading: WellReading) -> str:
    """Say what kind of control the file takes a well for, by the instrument's task, else by its name; "" for none."""
    return _ROLE_OF_TASK.get(reading.task) or _ROLE_OF_NAME.get(fold(reading.sample), "")


class _Found:
    """What the file says of each well, beside what was planned."""

    def __init__(self, kit: Assay, plate: Sequence[PlateWell], rows: Sequence[_Row], *, size: int) -> None:
        self._kit, self._size = kit, size
        self.planned = {well.position: well for well in plate}
        self._controls = [group for group in group_wells(kit, plate) if group[0].control is not None]
        self._codes: defaultdict[str, dict[str, Place]] = defaultdict(dict)
        self._roles: dict[str, tuple[str, Place]] = {}
        self._cts: defaultdict[str, dict[str, float | None]] = defaultdict(dict)
        for row in rows:
            code, role = _pool_code(row.source.sample), _role(row.source)
            if code is not None:
                self._codes[row.position].setdefault(code, row.source.place)
            if role:
                self._roles.setdefault(row.position, (role, row.source.place))
            if row.target is not None and not row.source.omit:
                self._cts[row.position].setdefault(row.target, row.source.ct)

    @property
    def all_coded(self) -> bool:
        """Whether each pool's well carries its own code and there is a pool."""
        pools = {well.position: well.pool for well in self.planned.values() if well.pool is not None}
        return bool(pools) and all(set(self._codes.get(well, ())) == {pool} for well, pool in pools.items())

    def find_misplaced(self) -> MatchProblem | None:
        """Find the one fault of the whole plate that explains all others."""
        found = {well: next(iter(carried)) for well, carried in self._codes.items()}
        pools = {well.position: well.pool for well in self.planned.values()}
        move = find_move_of_codes(found, pools, size=self._size)
        if move is None:
            unknown = set(found.values()) - set(pools.values())
            if 2 * len(unknown) > len(set(found.values())):
                message = N_(
                    "%(count)s of %(all)s pool codes of the file are not on this plate, such as %(code)s. "
                    "Choose the export of this run."
                )
                code = next(code for code in found.values() if code in unknown)
                words = {
                    "count": len(unknown),
                    "all": len(set(found.values())),
                    "code": codes.grouped(code),
                }
                return MatchProblem("other_run", message, words)
            roles = {well: role for well, (role, _) in self._roles.items()}
            move = find_move_of_roles(roles, self._planned_roles(), size=self._size)
        if move is None:
            move = find_move_of_controls(self._controls_pass)
        return None if move is None else self._describe(move)

    def list_mismatches(self) -> Iterator[MatchProblem]:
        """Tell each well that carries another pool's code, or is a control in the file and not in the plan."""
        for well, carried in self._codes.items():
            planned = self.planned.get(well)
            for code, place in carried.items():
                if planned is None or planned.pool != code:
                    message = N_("%(well)s carries %(found)s in the file; planned there: %(planned)s.")
                    words = {
                        "well": well,
                        "found": codes.grouped(code),
                        "planned": self._describe_planned(well),
                    }
                    yield MatchProblem("barcode_mismatch", message, words, place)
        expected = self._planned_roles()
        for well, (role, place) in self._roles.items():
            if expected.get(well) != role:
                message = (
                    N_("The file takes %(well)s for a positive control; planned there: %(planned)s.")
                    if role == "positive"
                    else N_("The file takes %(well)s for a negative control; planned there: %(planned)s.")
                )
                words = {"well": well, "planned": self._describe_planned(well)}
                yield MatchProblem("barcode_mismatch", message, words, place)

    def is_contradicted(self, well: str) -> bool:
        """Whether a well's code or role in the file was told as a mismatch, where nothing is planned."""
        return well in self._codes or well in self._roles

    def _describe_planned(self, well: str) -> str:
        planned = self.planned.get(well)
        if planned is None:
            return _NOTHING
        return codes.grouped(planned.pool) if planned.pool is not None else planned.control or _NOTHING

    def _planned_roles(self) -> dict[str, str]:
        return {
            well.position: _ROLES.get(well.control, "negative")
            for well in self.planned.values()
            if well.control is not None
        }

    def _controls_pass(self, move: Move) -> bool:
        """Whether every control shows what it must where a move has brought it.

        Where each target has its own well the file names what was set up there, which on a turned plate is not what
        stands there; so both readings of it are tried.
        """
        for group in self._controls:
            wells = [(well.position, move.of(well.position, size=self._size)) for well in group]
            by_name = {
                target: ct
                for _, moved in wells
                if moved is not None
                for target, ct in self._cts.get(moved, {}).items()
            }
            readings = [by_name]
            if self._kit.wells_per_pool > 1:
                readings.append(self._read_as_planned(wells))
            kind, name = group[0].control or "", "+".join(well.position for well in group)
            if all(call_control(self._kit, ControlReading(kind, name, cts)) for cts in readings):
                return False
        return True

    def _read_as_planned(self, wells: Iterable[tuple[str, str | None]]) -> dict[str, float | None]:
        cts: dict[str, float | None] = {}
        for position, moved in wells:
            targets = list(self._cts.get(position, {}))
            values = list(self._cts.get(moved or "", {}).values())
            if len(targets) == len(values) == 1:
                cts[targets[0]] = values[0]
        return cts

    def _describe(self, move: Move) -> MatchProblem:
        if move.turned:
            message = N_(
                "The plate was read the wrong way round: what is planned for %(planned)s stands in %(found)s. "
                "Check how it lay in the instrument and how it was set up."
            )
        else:
            message = N_(
                "The plate is shifted (columns: %(columns)s, rows: %(rows)s): what is planned for %(planned)s stands "
                "in %(found)s. Check how it lay in the instrument and how it was set up."
            )
        wells = ((well, move.of(well, size=self._size)) for well in self.planned)
        planned, found = next((pair for pair in wells if pair[1] is not None), (_NOTHING, _NOTHING))
        words: dict[str, object] = {"planned": planned, "found": found}
        if move.turned:
            return MatchProblem("rotated_plate", message, words)
        words |= {"columns": f"{move.right:+d}", "rows": f"{move.down:+d}"}
        return MatchProblem("shifted_plate", message, words)


class _Sorting:
    """Goes through the rows of a file: taken, told as a problem, or noted as left out."""

    def __init__(
        self,
        kit: Assay,
        plate: Sequence[PlateWell],
        rows: Sequence[_Row],
        found: _Found,
        problems: list[MatchProblem],
        notes: list[Note],
        *,
        size: int,
    ) -> None:
        self._kit, self._rows, self._found = kit, rows, found
        self._problems, self._notes = problems, notes
        self._groups = group_wells(kit, plate)
        # what a problem was told of is not missing as well
        self._told = {_named_well(problem.parameters, size=size) for problem in problems}
        self._omitted: defaultdict[str, dict[str, Place]] = defaultdict(dict)
        self._taken: dict[tuple[str, str], _Row] = {}

    def take(self) -> tuple[Reading, ...]:
        """Return the plate's readings, having told and noted all else."""
        self._take_rows()
        self._pass_over_extra_wells()
        for group in self._groups:
            self._check_group(group)
        return tuple(
            Reading(
                position,
                target,
                row.source.ct,
                row.source.raw_ct,
                row.source.place.row,
                row.source.flags,
            )
            for (position, target), row in self._taken.items()
        )

    def _take_rows(self) -> None:
        unknown: dict[str, list[_Row]] = {}
        for row in self._rows:
            if row.position not in self._found.planned:
                continue
            if row.target is None:
                unknown.setdefault(row.source.target or row.source.dye, []).append(row)
            elif row.source.omit:
                self._omitted[row.position].setdefault(row.target, row.source.place)
            else:
                self._take_row(row, row.target)
        for name, rows in unknown.items():
            self._tell_unknown_target(name, rows)

    def _take_row(self, row: _Row, target: str) -> None:
        ct, words = row.source.ct, {"well": row.position, "target": target}
        first = self._taken.setdefault((row.position, target), row)
        if first is not row:
            message = N_(
                "%(well)s %(target)s is in the file more than once: first with Ct %(first)s, then with %(ct)s."
            )
            values = {"first": _written(first), "ct": _written(row)}
            self._problems.append(MatchProblem("duplicate", message, {**words, **values}, row.source.place))
        elif ct is not None and not (isfinite(ct) and 0 < ct <= HIGHEST_CT):
            message = N_("%(well)s %(target)s: a Ct lies between 0 and 60, %(text)s does not.")
            values = {"text": row.source.raw_ct[:40] or str(ct)}
            self._problems.append(
                MatchProblem("ct_out_of_range", message, {**words, **values}, row.source.place)
            )

    def _tell_unknown_target(self, name: str, rows: Sequence[_Row]) -> None:
        self._told |= {row.position for row in rows}
        words = {
            "text": name[:40],
            "targets": ", ".join(target.name for target in self._kit.targets),
            "wells": _list_wells(row.position for row in rows),
        }
        message = (
            N_(
                "“%(text)s” is not a target of this assay (%(targets)s); it stands in %(wells)s. Name the targets as "
                "the assay does, or add the name to the assay."
            )
            if name
            else N_(
                "The file does not say which target was read in %(wells)s. Export the targets' names: %(targets)s."
            )
        )
        self._problems.append(MatchProblem("unknown_target", message, words, rows[0].source.place))

    def _pass_over_extra_wells(self) -> None:
        """Leave out wells that the plate has empty; a target found in one was not there by chance."""
        rules = {target.name: target for target in self._kit.targets}
        extra: list[str] = []
        standards: list[str] = []
        for row in self._rows:
            if row.position in self._found.planned or self._found.is_contradicted(row.position):
                continue
            if row.source.task in _NO_SAMPLE_TASKS:
                standards.append(row.position)
            elif (
                row.target is not None
                and not row.source.omit
                and call_target(rules[row.target], row.source.ct) == "found"
            ):
                message = N_(
                    "%(well)s is empty on this plate, but the file has %(target)s in it with Ct %(ct)s."
                )
                words = {"well": row.position, "target": row.target, "ct": _written(row)}
                self._problems.append(MatchProblem("unknown_well", message, words, row.source.place))
            else:
                extra.append(row.position)
        if standards:
            message = N_("Standards and other wells that are not of this plate were left out: %(wells)s.")
            self._notes.append(Note(message, {"wells": _list_wells(standards)}))
        if extra:
            message = N_("Wells that are empty on this plate were left out: %(wells)s.")
            self._notes.append(Note(message, {"wells": _list_wells(extra)}))

    def _check_group(self, group: Sequence[PlateWell]) -> None:
        """Check that nothing is missing of the wells that are read together: missing is not "no Ct"."""
        if self._kit.wells_per_pool > 1:
            self._check_set(group)
            return
        lacking = {
            well: self._lacking([well])
            for well in group
            if self._lacking([well]) and not self._is_told([well])
        }
        some_whole = len(lacking) < len(group)
        for well, missing in lacking.items():
            omitted = [target for target in missing if target in self._omitted[well.position]]
            if some_whole and omitted == missing:
                message = N_("%(well)s was left out on the instrument; the pool's other wells count.")
                self._notes.append(Note(message, {"well": well.position}))
            else:
                self._tell_missing([well], missing)

    def _check_set(self, group: Sequence[PlateWell]) -> None:
        if self._is_told(group):
            return
        missing = self._lacking(group)
        if missing:
            self._tell_missing(group, missing)
            return
        for well in group:
            if self._lacking([well]) == [target.name for target in self._kit.targets]:
                self._tell_missing([well], [])
        if len(group) != len(self._kit.targets):
            return
        for target in self._kit.targets:
            wells = [well.position for well in group if (well.position, target.name) in self._taken]
            if len(wells) > 1:
                message = N_("%(target)s was read in %(wells)s, but each of them is for a target of its own.")
                words = {"target": target.name, "wells": _list_wells(wells)}
                place = self._taken[wells[1], target.name].source.place
                self._problems.append(MatchProblem("duplicate", message, words, place))

    def _is_told(self, wells: Iterable[PlateWell]) -> bool:
        return any(well.position in self._told for well in wells)

    def _lacking(self, wells: Sequence[PlateWell]) -> list[str]:
        return [
            target.name
            for target in self._kit.targets
            if not any((well.position, target.name) in self._taken for well in wells)
        ]

    def _tell_missing(self, wells: Sequence[PlateWell], missing: Sequence[str]) -> None:
        names = "+".join(well.position for well in wells)
        omitted = [
            place
            for well in wells
            for target, place in self._omitted[well.position].items()
            if target in missing
        ]
        if omitted:
            message = N_("%(well)s was left out on the instrument. Take it in again there, and export anew.")
            self._problems.append(MatchProblem("omitted_well", message, {"well": names}, omitted[0]))
            return
        kind = wells[0].control
        nothing = all(self._lacking([well]) == [t.name for t in self._kit.targets] for well in wells)
        if kind is not None and nothing:
            message = N_("The file has no reading of the control %(kind)s in %(well)s.")
            self._problems.append(MatchProblem("control_missing", message, {"kind": kind, "well": names}))
            return
        if nothing:
            self._problems.append(
                MatchProblem("missing_well", N_("The file has no reading of %(well)s."), {"well": names})
            )
            return
        words = {"well": names, "targets": ", ".join(missing)}
        self._problems.append(MatchProblem("missing_well", N_("%(well)s: no reading of %(targets)s."), words))


def _take_file_problems(
    file: RunFile, found: _Found, notes: list[Note], *, size: int
) -> Iterator[MatchProblem]:
    """Tell what could not be read, unless it is of a well that the plate has empty."""
    for problem in file.problems:
        if _is_beside(problem, found, size=size):
            notes.append(Note(problem.message, problem.parameters))
        else:
            yield MatchProblem(problem.code, problem.message, problem.parameters, problem.place)


def _is_beside(problem: FileProblem, found: _Found, *, size: int) -> bool:
    well = _named_well(problem.parameters, size=size)
    return well is not None and well not in found.planned


def _named_well(parameters: Mapping[str, object], *, size: int) -> str | None:
    """Return the well that a problem is told of, None where it is of no single one."""
    try:
        return parse_well(str(parameters.get("well", "")), size=size)
    except InvalidInput:
        return None


def _take_curves(file: RunFile, names: TargetNames, found: _Found, *, size: int) -> Iterator[Curve]:
    seen: set[tuple[str, str]] = set()
    for curve in file.curves:
        try:
            position = parse_well(curve.well, size=size)
        except InvalidInput:
            continue
        target = names.find(curve.target, curve.target)
        if target is None and not _is_named(file, curve.target):
            target = _only_target(file, names, curve.well)
        if target is not None and position in found.planned and (position, target) not in seen:
            seen.add((position, target))
            yield Curve(position, target, curve.cycles, curve.values, curve.quantity)


def _is_named(file: RunFile, target: str) -> bool:
    return any(reading.target == target for reading in file.readings)


def _only_target(file: RunFile, names: TargetNames, well: str) -> str | None:
    """Return the target of a well that holds one only, for curves that are named by a dye that several have."""
    targets = {names.find(r.target, r.dye) for r in file.readings if r.well == well}
    return targets.pop() if len(targets) == 1 else None


def _note_flags(readings: Iterable[Reading], notes: list[Note]) -> None:
    wells: dict[str, list[str]] = {}
    for reading in readings:
        for flag in reading.flags:
            wells.setdefault(flag, []).append(reading.well)
    for flag, marked in wells.items():
        message = N_("The instrument marks %(flag)s: %(wells)s.")
        notes.append(Note(message, {"flag": flag, "wells": _list_wells(marked)}))


def _list_wells(wells: Iterable[str]) -> str:
    """Write wells in plate order, each once, a long list shortened."""
    shown = 12
    order = {well: place for place, well in enumerate(well_names(384))}
    listed = sorted(set(wells), key=lambda well: order[well])
    return ", ".join(listed[:shown]) + (f" … ({len(listed)})" if len(listed) > shown else "")


def _written(row: _Row) -> str:
    return row.source.raw_ct[:40] or (_NOTHING if row.source.ct is None else str(row.source.ct))
