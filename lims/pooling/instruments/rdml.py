"""RDML 1.0 to 1.4, the instruments' common exchange format. Pure: bytes in, a `RunFile` out.

Source: the schemas of rdml.org and what real files do otherwise (notes on instruments, 1.8). The file is a zip or the
bare XML; the member may have any name. Every `data` element becomes a reading, of whichever run: CFX keeps a run for
each dye. A run that shows another plate is told as a problem, and the name of the run stands in each place.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from lims import codes
from lims.errors import InvalidInput
from lims.msgid import N_
from lims.plates import COLUMNS, ROWS, parse_well
from lims.pooling.assays import HIGHEST_CT
from lims.pooling.instruments.run_file import (
    Curve,
    FileProblem,
    FileRefused,
    Place,
    RunFile,
    WellReading,
)

MOST_BYTES = 200 * 1024 * 1024
"""Unpacked; 384 wells in five channels are about 15 MB."""
MOST_MEMBERS = 100

_HEAD_BYTES = 4096
_ROOT = re.compile(r"<(?:[\w.-]+:)?rdml[\s>/]")
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?")

_NO_CT = 100.0
"""LightCycler 96 writes it for no amplification."""
AFTER_THE_END = "after_last_cycle"
"""Flag of a reading whose Ct was reckoned beyond any protocol and counts as none."""

_TASKS = {
    "unkn": "unknown",
    "ntc": "ntc",
    "ntp": "negative",
    "pos": "positive",
    "std": "standard",
    "nac": "other",
    "nrt": "other",
    "opt": "other",
}
"""Sample types of the schema; "ntp" is a sample in which the target is known to be absent."""

_WHOLE = frozenset(
    (
        "sample",
        "target",
        "react",
        "pcrFormat",
        "instrument",
        "dataCollectionSoftware",
        "runDate",
        "dateMade",
        "cqDetectionMethod",
        "backgroundDeterminationMethod",
    )
)
"""Elements that are read as a whole; those around them only open and close a place."""

_PLATE_TEXT = {96: re.compile(r"\b96-well\b"), 384: re.compile(r"\b384-well\b")}


def looks_like(content: bytes) -> bool:
    """Say whether bytes are RDML, by what is inside; the name of the file counts for nothing.

    Args:
        content: the bytes of the file.
    """
    if not content.startswith(b"PK"):
        return _has_root(content[:_HEAD_BYTES])
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _find_member(archive) is not None
    except _BROKEN_ZIP:
        # cut off, but named as the standard names it: to be refused as damaged, not as unknown
        return b"rdml_data.xml" in content


def read(content: bytes) -> RunFile:
    """Read an RDML file.

    Args:
        content: its bytes, a zip or XML.

    Returns:
        One reading for each `data` element that can be understood, in the file's order. No Ct is a missing `cq`, 100
        (LightCycler 96) or the number of cycles of the curve (StepOne); `raw_ct` keeps what was written.

    Raises:
        FileRefused: encrypted, damaged, too big, with a DTD, or without a single reaction.
    """
    document = _parse(_unpack(content))
    if not document.reactions:
        raise FileRefused(
            "no_readings", N_("The RDML file holds no reaction. Export it again with the results of the run.")
        )
    return _interpret(document)


_BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    NotImplementedError,
)


def _has_root(head: bytes) -> bool:
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return _ROOT.search(head.decode(encoding, "replace")) is not None


def _find_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo | None:
    """Find the member that is RDML: by its usual name, else by its root element; None where there is none."""
    members = archive.infolist()[:MOST_MEMBERS]
    usual = next((member for member in members if member.filename == "rdml_data.xml"), None)
    if usual is not None:
        return usual
    for member in members:
        if member.flag_bits & 1 or not member.filename.lower().endswith((".xml", ".rdml")):
            continue
        with archive.open(member) as stream:
            if _has_root(stream.read(_HEAD_BYTES)):
                return member
    return None


def _unpack(content: bytes) -> bytes:
    if not content.strip():
        raise FileRefused("empty", N_("The file is empty."))
    if not content.startswith(b"PK"):
        if len(content) > MOST_BYTES:
            raise _too_big()
        return content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            member = _find_member(archive)
            if member is None:
                raise FileRefused("unknown_format", N_("The archive holds no RDML."))
            if member.flag_bits & 1:
                raise FileRefused(
                    "encrypted", N_("The RDML file is encrypted. Export it again without a password.")
                )
            if member.file_size > MOST_BYTES:
                raise _too_big()
            with archive.open(member) as stream:
                # what the directory says of the size is not to be believed
                unpacked = stream.read(MOST_BYTES + 1)
    except _BROKEN_ZIP as error:
        raise _damaged() from error
    if len(unpacked) > MOST_BYTES:
        raise _too_big()
    return unpacked


def _too_big() -> FileRefused:
    return FileRefused(
        "too_big", N_("The RDML file is too big: at most %(most)s MB unpacked."), most=MOST_BYTES // 1024**2
    )


def _damaged() -> FileRefused:
    return FileRefused(
        "damaged", N_("The RDML file is damaged or was cut off. Export it from the instrument again.")
    )


@dataclass
class _Run:
    """A run of the file: a plate, or one dye of a plate."""

    name: str
    experiment: str
    texts: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    columns: int = 0
    format: str = ""

    @property
    def size(self) -> int | None:
        for size in ROWS:
            if (self.rows, self.columns) == (ROWS[size], COLUMNS[size]):
                return size
            if not self.rows and _PLATE_TEXT[size].search(self.format):
                return size
        return None


@dataclass(frozen=True)
class _Reaction:
    """A `data` element as written: what was read of one target in one reaction."""

    run: int
    react: str
    sample: str
    target: str
    cq: str
    excluded: bool
    points: tuple[tuple[str, str], ...]
    melted: bool
    line: int


@dataclass
class _Document:
    version: str = ""
    made: str = ""
    samples: dict[str, Element] = field(default_factory=dict)
    targets: dict[str, Element] = field(default_factory=dict)
    runs: list[_Run] = field(default_factory=list)
    reactions: list[_Reaction] = field(default_factory=list)


def _parse(content: bytes) -> _Document:
    """Go through the XML once, keeping of each reaction what is needed.

    expat itself instead of `ElementTree.iterparse`: it tells of a DTD before anything in it is obeyed, and it knows the
    line.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_dtd
    parser.StartElementHandler = lambda tag, attributes: reader.start(
        tag, attributes, parser.CurrentLineNumber
    )
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        # the last two: the declared encoding is unknown, or none that expat can take
        raise _damaged() from error
    return reader.document


def _refuse_dtd(*_: object) -> None:
    raise FileRefused(
        "damaged", N_("The RDML file declares a document type, which no instrument writes. Export it again.")
    )


class _Reader:
    """Takes the parser's events and fills a document."""

    def __init__(self) -> None:
        self.document = _Document()
        self._depth = 0
        self._builder: TreeBuilder | None = None
        self._opened = 0
        self._experiment = ""

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        tag = name.rpartition("}")[2]
        self._depth += 1
        if self._builder is None:
            if self._depth == 1:
                self._check_root(tag, attributes)
            elif tag == "experiment":
                self._experiment = attributes.get("id", "")
            elif tag == "run":
                self.document.runs.append(_Run(attributes.get("id", ""), self._experiment))
            if tag not in _WHOLE:
                return
            self._builder, self._opened = TreeBuilder(), self._depth
        self._builder.start(tag, {**attributes, "line": str(line)} if tag == "data" else attributes)

    def text(self, characters: str) -> None:
        if self._builder is not None:
            self._builder.data(characters)

    def end(self, name: str) -> None:
        if self._builder is not None:
            self._builder.end(name.rpartition("}")[2])
            if self._depth == self._opened:
                self._keep(self._builder.close())
                self._builder = None
        self._depth -= 1

    def _check_root(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag != "rdml":
            raise FileRefused("unknown_format", N_("The file is not RDML."))
        self.document.version = attributes.get("version", "")

    def _keep(self, element: Element) -> None:
        document = self.document
        if element.tag == "sample":
            document.samples[element.get("id", "")] = element
        elif element.tag == "target":
            document.targets[element.get("id", "")] = element
        elif element.tag == "dateMade":
            document.made = _text(element)
        elif not document.runs:
            return
        elif element.tag == "react":
            run = len(document.runs) - 1
            document.reactions.extend(_list_reactions(element, run))
        elif element.tag == "pcrFormat":
            latest = document.runs[-1]
            latest.rows, latest.columns = (_count(_child_text(element, name)) for name in ("rows", "columns"))
            latest.format = _text(element)
        else:
            whole = [_text(element), *map(_text, element)]
            document.runs[-1].texts[element.tag] = " ".join(part for part in whole if part)


def _list_reactions(react: Element, run: int) -> Iterable[_Reaction]:
    sample = react.find("sample")
    for data in react.findall("data"):
        target = data.find("tar")
        yield _Reaction(
            run=run,
            react=react.get("id", "").strip(),
            sample="" if sample is None else sample.get("id", ""),
            target="" if target is None else target.get("id", ""),
            cq=_child_text(data, "cq"),
            excluded=data.find("excl") is not None,
            points=tuple(
                (_child_text(point, "cyc"), _child_text(point, "fluor")) for point in data.findall("adp")
            ),
            melted=data.find("mdp") is not None,
            line=int(data.get("line", "0")),
        )


def _text(element: Element) -> str:
    return (element.text or "").strip()


def _child_text(element: Element, name: str) -> str:
    child = element.find(name)
    return "" if child is None else _text(child)


def _count(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text) else 0


def _interpret(document: _Document) -> RunFile:
    names = _Names(document)
    readings: list[WellReading] = []
    curves: list[Curve] = []
    problems: list[FileProblem] = []
    for reaction in document.reactions:
        run = document.runs[reaction.run]
        place = Place(_run_name(run, document), reaction.line)
        try:
            well = _well(reaction.react, run)
        except InvalidInput as refusal:
            problems.append(FileProblem("unknown_well", refusal.message, place, refusal.parameters))
            continue
        target, dye = names.target(reaction.target)
        words = {"well": well, "target": target or dye}
        cycles, values, problem = _read_curve(reaction, words, place)
        if problem is not None:
            problems.append(problem)
        if values:
            curves.append(Curve(well, target or dye, cycles, values, "RFU"))
        try:
            ct, flags = _read_ct(reaction.cq, cycles, words)
        except _NotACt as refusal:
            problems.append(
                FileProblem(
                    refusal.code, refusal.message, Place(place.sheet, place.row, "cq"), refusal.parameters
                )
            )
            continue
        readings.append(
            WellReading(
                well,
                names.sample(reaction),
                target,
                dye,
                names.task(reaction),
                ct,
                reaction.cq,
                flags,
                omit=reaction.excluded,
                place=place,
            )
        )
    first = document.runs[document.reactions[0].run]
    return RunFile(
        format="rdml",
        instrument=", ".join(first.texts.get("instrument", "").split(", ")[:2]),
        started_at=first.texts.get("runDate") or document.made or None,
        size=first.size,
        plate=_plate_code(document.runs),
        readings=tuple(readings),
        curves=tuple(curves),
        problems=(*problems, *_find_other_plates(document)),
        information=_information(document, first),
        set_up_only=not any(
            reaction.cq or reaction.points or reaction.melted for reaction in document.reactions
        ),
    )


class _Names:
    """What the file's ids mean: samples and targets as people called them."""

    def __init__(self, document: _Document) -> None:
        self._document = document
        # StepOne makes an id of the sample's name, the target and a standard's quantity: "STD_RNase P_625.0"
        self._suffixed = all(reaction.target and _suffix(reaction) for reaction in document.reactions)

    def sample(self, reaction: _Reaction) -> str:
        name = reaction.sample.strip()
        if self._suffixed:
            return name.removesuffix(_suffix(reaction)).strip()
        if _GUID.fullmatch(name):
            element = self._document.samples.get(reaction.sample)
            return "" if element is None else _child_text(element, "description")
        return name

    def task(self, reaction: _Reaction) -> str:
        """Say what the sample is for this target; since 1.3 a sample may be another thing for each."""
        element = self._document.samples.get(reaction.sample)
        types = [] if element is None else element.findall("type")
        own = [kind for kind in types if kind.get("targetId") == reaction.target]
        general = [kind for kind in types if kind.get("targetId") is None]
        written = next((_text(kind) for kind in (*own, *general)), "")
        return _TASKS.get(written, "other" if written else "")

    def target(self, name: str) -> tuple[str, str]:
        """Return a target's name and dye; LightCycler 96 writes "FAM@bACT", and a GUID where nobody named it."""
        element = self._document.targets.get(name)
        link = None if element is None else element.find("dyeId")
        dye = "" if link is None else link.get("id", "").strip() or _text(link)
        head, at, tail = name.partition("@")
        if at and head.strip() == dye:
            name = tail
        if _GUID.fullmatch(name.strip()):
            name = "" if element is None else _child_text(element, "description")
        return name.strip(), dye


def _suffix(reaction: _Reaction) -> str:
    """Return what follows the name in a sample's id: the target, with or without a quantity; "" where nothing does."""
    before, target, after = reaction.sample.rpartition(f"_{reaction.target}")
    return target + after if before and re.fullmatch(r"(_[0-9.]+)?", after) else ""


def _run_name(run: _Run, document: _Document) -> str:
    """Name a run for people; with its experiment where another run has the same name."""
    names = [other.name for other in document.runs]
    return run.name if names.count(run.name) == 1 else f"{run.experiment}: {run.name}"


def _well(react: str, run: _Run) -> str:
    """Name the well of a reaction: from a number counted row by row from 1, or from "A1".

    Raises:
        InvalidInput: it is no well of the run's plate, or a number in a run that does not say how wide its plate is.
    """
    where = {"text": react[:20], "run": run.name[:60]}
    if not re.fullmatch(r"[0-9]{1,5}", react):
        return parse_well(react, size=run.size or 384)
    number = int(react)
    if not run.columns or not run.rows:
        raise InvalidInput(
            N_("Reaction %(text)s of the run %(run)s: the file does not say how wide the plate is."), **where
        )
    if not 1 <= number <= run.rows * run.columns:
        raise InvalidInput(
            N_("Reaction %(text)s of the run %(run)s lies outside the plate of %(rows)s × %(columns)s."),
            **where,
            rows=run.rows,
            columns=run.columns,
        )
    if min(run.rows, run.columns) == 1 or run.rows > ROWS[384] or run.columns > COLUMNS[384]:
        # a rotor, or a chip: its own number
        return str(number)
    row, column = divmod(number - 1, run.columns)
    return f"{'ABCDEFGHIJKLMNOP'[row]}{column + 1:02}"


class _NotACt(InvalidInput):
    """Text in `cq` that is no Ct; `code` says whether it is text or a number that cannot be."""

    def __init__(self, code: str, message: str, **parameters: object) -> None:
        super().__init__(message, field="ct", **parameters)
        self.code = code


def _read_ct(
    text: str, cycles: tuple[float, ...], words: Mapping[str, object]
) -> tuple[float | None, tuple[str, ...]]:
    """Read a Ct and what is to be said of it.

    LightCycler 96 goes on reckoning: 68.85 of 50 cycles was met. What no protocol reaches was not found in this run; a
    value that lies after the last cycle but could be is kept, for the cut-off to judge.
    """
    if not text:
        return None, ()
    ct = _read_number(text)
    if ct is None:
        raise _NotACt("not_a_ct", N_("%(well)s %(target)s: “%(text)s” is not a Ct."), text=text[:40], **words)
    if ct == _NO_CT or (cycles and ct == cycles[-1]):
        return None, ()
    if cycles and ct > max(cycles[-1], HIGHEST_CT):
        return None, (AFTER_THE_END,)
    if not 0 < ct <= HIGHEST_CT:
        raise _NotACt(
            "ct_out_of_range",
            N_("%(well)s %(target)s: a Ct lies between 0 and 60, %(text)s does not."),
            text=text[:40],
            **words,
        )
    return ct, ()


def _read_number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if isfinite(number) else None


def _read_curve(
    reaction: _Reaction, words: Mapping[str, object], place: Place
) -> tuple[tuple[float, ...], tuple[float, ...], FileProblem | None]:
    """Read a curve's cycles and values; with one bad point the curve is left out and the point is told."""
    cycles: list[float] = []
    values: list[float] = []
    for written_cycle, written_value in reaction.points:
        cycle, value = _read_number(written_cycle), _read_number(written_value)
        if cycle is None or value is None:
            bad = written_cycle if cycle is None else written_value
            return _bad_curve(
                "not_a_number",
                N_("%(well)s %(target)s: the curve holds “%(text)s”, which is not a number."),
                {**words, "text": bad[:40]},
                place,
            )
        if cycles and cycle <= cycles[-1]:
            return _bad_curve(
                "cycles_out_of_order",
                N_("%(well)s %(target)s: the cycles of the curve do not rise after %(cycle)s."),
                {**words, "cycle": f"{cycles[-1]:g}"},
                place,
            )
        cycles.append(cycle)
        values.append(value)
    return tuple(cycles), tuple(values), None


def _bad_curve(
    code: str, message: str, parameters: dict[str, object], place: Place
) -> tuple[tuple[float, ...], tuple[float, ...], FileProblem]:
    return (), (), FileProblem(code, message, Place(place.sheet, place.row, "adp"), parameters)


def _find_other_plates(document: _Document) -> list[FileProblem]:
    """Find runs of another plate: a run that reads a well's target once more, or names another sample in a well.

    CFX keeps a run for each dye of one plate; other programs collect the runs of weeks in one file.
    """
    targets: dict[tuple[str, str], int] = {}
    samples: dict[str, tuple[str, int]] = {}
    others: dict[int, int] = {}
    sizes: dict[int, object] = {}
    shapes = [(run.rows, run.columns, run.format) for run in document.runs]
    names = _Names(document)
    for reaction in document.reactions:
        sizes.setdefault(reaction.run, shapes[reaction.run])
        first = targets.setdefault((reaction.react, reaction.target), reaction.run)
        sample, by = samples.setdefault(reaction.react, (names.sample(reaction), reaction.run))
        if first != reaction.run:
            others.setdefault(reaction.run, first)
        elif by != reaction.run and sample != names.sample(reaction):
            others.setdefault(reaction.run, by)
    earliest = next(iter(sizes))
    for run, shape in sizes.items():
        if shape != sizes[earliest]:
            others.setdefault(run, earliest)
    return [
        FileProblem(
            "other_run",
            N_("The run %(run)s is of another plate than %(first)s. Export each plate as a file of its own."),
            Place(_run_name(document.runs[run], document)),
            {
                "run": _run_name(document.runs[run], document),
                "first": _run_name(document.runs[first], document),
            },
        )
        for run, first in sorted(others.items())
    ]


def _plate_code(runs: Iterable[_Run]) -> str:
    """Return the plate's code where somebody gave it to the run or the experiment as its name."""
    for run in runs:
        for name in (run.name, run.experiment):
            try:
                return codes.parse(name, expect="plate").text
            except InvalidInput:
                continue
    return ""


def _information(document: _Document, run: _Run) -> dict[str, str]:
    known: dict[str, Callable[[], str]] = {
        "version": lambda: document.version,
        "experiment": lambda: run.experiment,
        "runs": lambda: str(len({reaction.run for reaction in document.reactions})),
        "software": lambda: run.texts.get("dataCollectionSoftware", ""),
        "cq_method": lambda: run.texts.get("cqDetectionMethod", ""),
        "background_method": lambda: run.texts.get("backgroundDeterminationMethod", ""),
    }
    return {key: text()[:200] for key, text in known.items() if text()}
