"""Broken files: whatever happens to a real file on its way, it is read or refused by name, and soon.

Over 20,000 mutants with fixed seeds: bytes changed, pieces cut off, repeated or swapped, lines and cells exchanged; of
archives the members too, packed anew. Then files made to exhaust memory, in a process with a limit of its own.
"""

from __future__ import annotations

import gc
import gzip
import io
import json
import random
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.pooling.instruments import read_run_file
from lims.pooling.instruments.run_file import REASONS, FileRefused, RunFile

FOLDER = Path(__file__).parents[4] / "shared/data/qpcr"
needs_files = pytest.mark.skipif(
    not FOLDER.exists(), reason=f"the instruments' real files are not at {FOLDER}; these tests need them"
)
LONGEST_SECONDS = 2.0
MUTANTS_BY_BYTES = ((8_000, 800), (60_000, 360), (130_000, 150), (450_000, 50))
FEWEST_MUTANTS = 16
LEAST_MUTANTS = 20_000

Mutation = Callable[[random.Random, bytearray], bytearray]


def real_files() -> list[Path]:
    if not FOLDER.exists():
        return []
    return [path for path in sorted(FOLDER.rglob("*")) if path.is_file() and path.name != "manifest.json"]


def name_of(path: Path) -> str:
    return str(path.relative_to(FOLDER))


def count_of(path: Path) -> int:
    """How many mutants a file gets: as many as its size allows in the time."""
    size = path.stat().st_size * (12 if path.suffix == ".gz" and path.stat().st_size > 100_000 else 1)
    return next((count for most, count in MUTANTS_BY_BYTES if size <= most), FEWEST_MUTANTS)


def change_bytes(chance: random.Random, content: bytearray) -> bytearray:
    for _ in range(chance.choice((1, 1, 2, 5, 30))):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return content


def change_digits(chance: random.Random, content: bytearray) -> bytearray:
    """Change characters to those that tables are made of: the mutants that get furthest."""
    for _ in range(chance.choice((1, 3, 10))):
        content[chance.randrange(len(content))] = chance.choice(b'0123456789.,;\t\n"-AHNe= \xd1\x00')
    return content


def cut_off(chance: random.Random, content: bytearray) -> bytearray:
    return content[: chance.randrange(len(content))]


def cut_out(chance: random.Random, content: bytearray) -> bytearray:
    start = chance.randrange(len(content))
    del content[start : start + chance.choice((1, 2, 10, 200, len(content) // 3))]
    return content


def repeat(chance: random.Random, content: bytearray) -> bytearray:
    start, end = sorted(chance.randrange(len(content)) for _ in range(2))
    end = min(end, start + 20_000)
    return content[:end] + content[start:end] + content[end:]


def swap_lines(chance: random.Random, content: bytearray) -> bytearray:
    lines = content.splitlines(keepends=True)
    for _ in range(chance.choice((1, 5))):
        first, second = (chance.randrange(len(lines)) for _ in range(2))
        lines[first], lines[second] = lines[second], lines[first]
    return bytearray(b"".join(lines))


def swap_cells(chance: random.Random, content: bytearray) -> bytearray:
    mark = max(b"\t;,>", key=content.count)
    pieces = content.split(bytes([mark]))
    first, second = (chance.randrange(len(pieces)) for _ in range(2))
    pieces[first], pieces[second] = pieces[second], pieces[first]
    return bytearray(bytes([mark]).join(pieces))


def drop_column(chance: random.Random, content: bytearray) -> bytearray:
    """Take one cell out of some lines, so that all after it stand under another title."""
    mark = bytes([max(b"\t;,", key=content.count)])
    lines = content.split(b"\n")
    for place in range(chance.randrange(len(lines)), len(lines), chance.choice((1, 2, 7))):
        cells = lines[place].split(mark)
        del cells[chance.randrange(len(cells))]
        lines[place] = mark.join(cells)
    return bytearray(b"\n".join(lines))


MUTATIONS: tuple[Mutation, ...] = (
    change_bytes,
    change_digits,
    cut_off,
    cut_out,
    repeat,
    swap_lines,
    swap_cells,
    drop_column,
)


def mutate_members(chance: random.Random, content: bytes) -> bytes:
    """Break one or two members of an archive and pack it again."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        names = [info.filename for info in old.infolist() if info.file_size]
        # images and the like say nothing: their mutants would be copies
        told = [name for name in names if name.endswith((".xml", ".txt", ".json", ".rels"))] or names
        broken = {chance.choice(told) for _ in range(2)}
        for name in names[:40] if len(names) > 100 else names:
            member = old.read(name)
            if name in broken:
                member = bytes(chance.choice(MUTATIONS)(chance, bytearray(member)))
            new.writestr(name, member)
    return packed.getvalue()


def make_mutant(seed: str, content: bytes) -> bytes:
    chance = random.Random(seed)
    if content[:2] == b"\x1f\x8b" and chance.random() < 0.9:
        unpacked = bytearray(gzip.decompress(content))
        broken = bytes(chance.choice(MUTATIONS)(chance, unpacked))
        return gzip.compress(broken, 1) if chance.random() < 0.5 else broken
    if content[:2] == b"PK" and chance.random() < 0.7:
        return mutate_members(chance, content)
    return bytes(chance.choice(MUTATIONS)(chance, bytearray(content)))


def test_there_are_enough_mutants():
    if real_files():
        assert sum(count_of(path) for path in real_files()) >= LEAST_MUTANTS


@needs_files
@pytest.mark.parametrize("path", real_files(), ids=name_of)
def test_a_broken_file_is_read_or_refused_by_name(path: Path):
    content = path.read_bytes()
    slowest = 0.0
    for number in range(count_of(path)):
        seed = f"{path.name}:{number}"
        mutant = make_mutant(seed, content)
        started = time.process_time()
        try:
            found = read_run_file(mutant, file_name=path.name)
        except FileRefused as refusal:
            assert refusal.reason in REASONS, seed
            assert str(refusal), seed
        except BaseException as error:
            error.add_note(f"{path} with the seed {seed!r}")
            raise
        else:
            check(found, seed)
        took = time.process_time() - started
        if took > LONGEST_SECONDS:
            took = measure_again(mutant, path.name)
        slowest = max(slowest, took)
    assert slowest < LONGEST_SECONDS, f"{path}: {slowest:.2f} s"


def measure_again(mutant: bytes, file_name: str) -> float:
    """The time of reading without what the other tests of this process have left to be collected."""
    gc.collect()
    gc.freeze()
    started = time.process_time()
    with suppress(FileRefused):
        read_run_file(mutant, file_name=file_name)
    took = time.process_time() - started
    gc.unfreeze()
    return took


def check(found: RunFile, seed: str) -> None:
    """What was read is what a `RunFile` may hold, and can be kept as JSON."""
    assert isinstance(found, RunFile), seed
    for reading in found.readings:
        assert reading.ct is None or 0 < reading.ct <= 60, seed
        assert reading.well, seed
        assert "\x00" not in reading.sample + reading.target, seed
    for curve in found.curves:
        assert len(curve.cycles) == len(curve.values), seed
        assert all(a < b for a, b in zip(curve.cycles, curve.cycles[1:], strict=False)), seed
    for problem in found.problems:
        assert str(problem), seed
        json.dumps(dict(problem.parameters), allow_nan=False)


# the peak of this process's own memory: what getrusage tells is that of its parent where that was larger
LIMITED = """
import re, resource, sys, time
sys.path.insert(0, sys.argv[2])
from lims.pooling.instruments import read_run_file
from lims.pooling.instruments.run_file import FileRefused
content = open(sys.argv[1], "rb").read()
resource.setrlimit(resource.RLIMIT_AS, (900 << 20, 900 << 20))
started = time.process_time()
try:
    read_run_file(content)
except FileRefused as refusal:
    peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
    print(refusal.reason, time.process_time() - started, peak)
"""


def refuse_in_child(path: Path) -> str:
    """Read a file in a child process; return the reason of its refusal, within two seconds and 500 MB."""
    root = Path(__file__).parents[3]
    answer = subprocess.run(
        [sys.executable, "-c", LIMITED, path, root], capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    reason, seconds, kilobytes = answer.stdout.split()
    assert float(seconds) < LONGEST_SECONDS
    assert int(kilobytes) < 500 * 1024
    return reason


SHEET = '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


def workbook(sheet: bytes, **more: bytes) -> bytes:
    """Pack the least that is a workbook around the XML of one sheet."""
    names = {
        "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        b'<Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
        b'officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": b'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r='
        b'"http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
        b'<sheet name="Results" sheetId="1" r:id="a"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": b"<Relationships xmlns="
        b'"http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="a" Type='
        b'"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
        b'Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in {
            **names,
            **{key.replace("__", "/"): value for key, value in more.items()},
        }.items():
            archive.writestr(name, content)
    return packed.getvalue()


def cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def rows(*rows: dict[str, str]) -> bytes:
    written = "".join(
        f'<row r="{number}">' + "".join(cell(key, value) for key, value in row.items()) + "</row>"
        for number, row in enumerate(rows, 1)
    )
    return (SHEET + written + "</sheetData></worksheet>").encode()


def test_the_least_workbook_is_one():
    found = read_run_file(workbook(rows({"A1": "Well", "B1": "Ct"}, {"A2": "A1", "B2": "31.5"})))
    assert [(reading.well, reading.ct) for reading in found.readings] == [("A01", 31.5)]


def zip_bomb() -> bytes:
    """A workbook of 4 MB that unpacks to 900."""
    packed = io.BytesIO(workbook(SHEET.encode()))
    with (
        zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/more.xml", "w") as member,
    ):
        for _ in range(900):
            member.write(b" " * (1 << 20))
    return packed.getvalue()


def text_bomb() -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    piece = b"A1,1\n" * 200_000
    return b"".join(packer.compress(piece) for _ in range(400)) + packer.flush()


def entities() -> str:
    declared = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE Row [<!ENTITY a0 "aaaaaaaaaa">{declared}]>'


def bombs() -> dict[str, tuple[Callable[[], bytes], set[str]]]:
    far = rows({"A1": "Well", "B1": "Ct"}, {"A2": "A1", "XFD1048576": "1"})
    return {
        "zip": (zip_bomb, {"too_big"}),
        "gzip": (text_bomb, {"too_big"}),
        "xml": (lambda: (entities() + "<x><Row><Cq>&a11;</Cq></Row></x>").encode(), {"damaged"}),
        "xml in utf-16": (
            lambda: (entities() + "<x><Row><Cq>&a11;</Cq></Row></x>").encode("utf-16"),
            {"damaged"},
        ),
        "rdml": (
            lambda: (entities() + '<rdml version="1.2" xmlns="http://www.rdml.org">&a11;</rdml>').encode(),
            {"damaged", "unknown_format"},
        ),
        "xml in a workbook": (
            lambda: workbook((entities() + "<worksheet><sheetData>&a11;</sheetData></worksheet>").encode()),
            {"damaged", "unknown_format"},
        ),
        "100 MB": (lambda: workbook(b"") + random.Random(1).randbytes(100 << 20), {"too_big"}),
        "a cell far away": (lambda: workbook(far), {"too_big"}),
        "a cell far away, written oddly": (
            lambda: workbook(far.replace(b'<c r="XFD', b"<c  s='0' r='XFD")),
            {"too_big"},
        ),
        "a row of tabs": (lambda: b"Well\tCt\n" + b"\t" * (19 << 20), {"too_big"}),
        "lines without end": (lambda: b"Well\tCt\n" + b"\n" * (19 << 20), {"too_big"}),
    }


@pytest.mark.parametrize("name", bombs())
def test_a_file_made_to_exhaust_memory_is_refused_soon(name: str, tmp_path: Path):
    make, reasons = bombs()[name]
    path = tmp_path / "bomb"
    path.write_bytes(make())
    assert refuse_in_child(path) in reasons


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters='\t\r\n"', exclude_categories=["Cs"]), max_size=12
)
CTS = st.one_of(
    st.none(), st.decimals(min_value="0.1", max_value="60", places=3, allow_nan=False, allow_infinity=False)
)
WELLS = st.lists(
    st.tuples(st.integers(1, 384), st.sampled_from(("N", "ORF1ab", "RP"))),
    unique=True,
    min_size=1,
    max_size=40,
)


@given(
    data=st.data(),
    places=WELLS,
    comma=st.booleans(),
    foot=st.booleans(),
    newline=st.sampled_from(("\n", "\r\n", "\r")),
)
def test_every_row_of_a_quantstudio_text_comes_out_as_it_went_in(
    data: st.DataObject, places: list[tuple[int, str]], comma: bool, foot: bool, newline: str
):
    from lims.plates import well_at

    lines = [
        "* Block Type = 384-Well Block",
        "* Instrument Type = QuantStudio(TM) 7 Flex System",
        "",
        "[Results]",
    ]
    lines.append("Well\tWell Position\tOmit\tSample Name\tTarget Name\tTask\tReporter\tCT\tCt Mean")
    expected = []
    for index, target in places:
        sample, ct = data.draw(CELLS), data.draw(CTS)
        name = well_at(index, size=384)
        written = "Undetermined" if ct is None else str(ct).replace(".", "," if comma else ".")
        lines.append(
            f"{index}\t{name[0]}{int(name[1:])}\tfalse\t{sample}\t{target}\tUNKNOWN\tFAM\t{written}\t"
        )
        expected.append((name, target, None if ct is None else float(ct)))
    if foot:
        lines += ["RQ Min/Max Confidence Level\t95", "Reference Sample = P3K"]
    found = read_run_file(newline.join([*lines, ""]).encode())
    assert [(reading.well, reading.target, reading.ct) for reading in found.readings] == expected
    assert not found.problems
