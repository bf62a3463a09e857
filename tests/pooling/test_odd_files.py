"""Files as a tired technician exports them: used where they can only mean one thing, else refused with the reason."""

from __future__ import annotations

import io
import random
import uuid

import openpyxl
import pytest
from pooling import bench, cycler
from pooling.received import receive
from reconciled import assert_reconciled
from results import desk
from sqlalchemy import func, select

from lims.demo.cycler_file import write_instrument_file
from lims.errors import AlreadyDone, InvalidInput, LimsError, Refused, WrongState
from lims.extensions import db
from lims.pooling.actions.extractions import fail_extraction, make_extraction
from lims.pooling.actions.files import decline_file
from lims.pooling.actions.pools import void_pool
from lims.pooling.actions.readings import record_readings
from lims.pooling.actions.runs import fail_run, void_run
from lims.pooling.handing_in import accept, hand_in, read_kept
from lims.pooling.models import Assay, Instrument, Pool, Reading, ResultFile, Run
from lims.results.actions.review import review_run
from lims.results.actions.withdrawal import withdraw_run


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


@pytest.fixture
def plate(lab):
    """A plate of three pools of ten."""
    desk.pool_up(lab, receive(lab, 30))
    return bench.plan(lab)


def send(world, planned, content: bytes, name: str = "run.txt") -> dict:
    """Hand a file in; whatever comes of it, it is kept, and the books balance."""
    before = count(ResultFile)
    answer = hand_in(
        actor=world.actor("technician"), run_code=planned["run"], file_name=name, content=content
    )
    assert count(ResultFile) == before + 1
    assert_reconciled(db.session())
    return answer


def use(world, staged) -> dict:
    """Accept a staged file."""
    assert staged["status"] == "staged", said(staged)
    answer = accept(actor=world.actor("technician"), file_id=uuid.UUID(staged["file"]))
    assert_reconciled(db.session())
    return answer


def reasons(answer) -> list[str]:
    """Return the words of what a file was refused for, each once."""
    return list(dict.fromkeys(problem["code"] for problem in answer["problems"]))


def said(answer) -> list[str]:
    """Return what is told of a file, in English."""
    return [problem["message"] % problem["parameters"] for problem in answer["problems"]]


def count(model) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def pools_on(planned) -> list[str]:
    """Return the pools of a plate in its order."""
    return list(dict.fromkeys(well["pool"] for well in planned["wells"] if well["pool"]))


def findings(answer) -> dict[str, str]:
    """Return pool → finding."""
    return {one["pool"]: one["finding"] for one in answer["pools"]}


def plain(planned, rows=None, *, findings=None, sample=None, sep=",", head="Well,Sample,Target,Ct") -> str:
    """Return a plain table of a plate's readings."""
    of_well = {well["position"]: well["pool"] or well["control"] for well in planned["wells"]}
    lines = [head.replace(",", sep)]
    for row in rows or bench.readings_for(planned["wells"], findings or {}):
        name = of_well[row["well"]]
        ct = "" if row["ct"] is None else str(row["ct"]).replace(",", ".")
        lines.append(sep.join((row["well"], sample(name) if sample else name, row["target"], ct)))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("old", "new", "fits"),
    [
        (b"\tORF1ab\t", b"\torf1AB\t", True),
        (b"\tORF1ab\t", b"\t ORF1ab \t", True),
        (b"\tORF1ab\t", b"\tE gene\t", False),
        (b"\tORF1ab\t", b"\t\t", False),
        (b"\tN\t", b"\tORF1ab\t", False),
    ],
    ids=["other letters", "blanks", "another gene", "no name", "two of one name"],
)
def test_a_renamed_target_is_understood_or_refused_never_left_out(lab, plate, old, new, fits):
    first = pools_on(plate)[0]
    answer = send(lab, plate, cycler.export(plate, {first: "detected"}, with_curves=False).replace(old, new))
    if not fits and answer["status"] == "staged":
        # without a name the dye says which target it is, but then the finding is the same
        assert new == b"\t\t"
    elif not fits:
        assert answer["status"] == "refused"
        assert set(reasons(answer)) & {"unknown_target", "file_problem", "duplicate"}
        assert count(Reading) == 0
        return
    assert findings(use(lab, answer))[first] == "detected"


def test_each_well_that_is_missing_is_named_once(lab, plate):
    wells = [well["position"] for well in plate["wells"] if well["pool"]]
    rows = [row for row in bench.readings_for(plate["wells"], {}) if row["well"] not in wells[1:]]
    answer = send(lab, plate, cycler.export(plate, rows=rows))
    assert reasons(answer) == ["missing_well"]
    assert [problem["parameters"]["well"] for problem in answer["problems"]] == wells[1:]


def test_a_file_without_the_controls_is_refused_and_says_which(lab, plate):
    controls = {well["position"]: well["control"] for well in plate["wells"] if well["control"]}
    rows = [row for row in bench.readings_for(plate["wells"], {}) if row["well"] not in controls]
    answer = send(lab, plate, cycler.export(plate, rows=rows))
    assert set(reasons(answer)) == {"control_missing"}
    assert {problem["parameters"]["kind"] for problem in answer["problems"]} == set(controls.values())


def test_the_file_of_a_plate_of_384_is_not_one_of_96(lab, plate):
    content = write_instrument_file(
        wells=plate["wells"],
        targets=cycler.TARGETS,
        readings=bench.readings_for(plate["wells"], {}),
        size=384,
        dice=random.Random(1),
    )
    answer = send(lab, plate, content)
    assert reasons(answer) == ["wrong_plate"]


@pytest.mark.parametrize("glue", [b"", b"\r\n", b"\r\n\r\n"], ids=["at once", "a line", "two lines"])
def test_two_runs_in_one_file_are_refused(lab, plate, glue):
    desk.pool_up(lab, receive(lab, 30))
    other = bench.plan(lab)
    both = cycler.export(plate) + glue + cycler.export(other)
    for planned, content in ((plate, both), (other, both)):
        answer = send(lab, planned, content)
        assert answer["status"] == "refused"
    assert count(Reading) == 0


def test_the_same_run_twice_in_one_file_with_other_cts_is_refused(lab, plate):
    first = pools_on(plate)[0]
    both = cycler.export(plate, with_curves=False) + cycler.export(
        plate, {first: "detected"}, with_curves=False
    )
    answer = send(lab, plate, both)
    assert answer["status"] == "refused"
    assert count(Reading) == 0


def test_exported_twice_with_other_cts_the_last_one_accepted_counts_and_both_are_kept(lab, plate):
    first = pools_on(plate)[0]
    one = send(lab, plate, cycler.export(plate, {first: "detected"}))
    two = send(lab, plate, cycler.export(plate))
    assert use(lab, two)["version"] == 1
    assert use(lab, one)["version"] == 2
    review_run(actor=lab.actor("technician"), run_code=plate["run"])
    db.session.rollback()
    found = db.session.scalars(select(Pool).where(Pool.code == first)).one()
    assert found.finding == "detected"
    assert_reconciled(db.session())


def test_after_the_review_neither_a_new_file_nor_a_staged_one_changes_anything(lab, plate):
    staged = send(lab, plate, cycler.export(plate, {pools_on(plate)[0]: "detected"}))
    use(lab, send(lab, plate, cycler.export(plate)))
    review_run(actor=lab.actor("technician"), run_code=plate["run"])
    for step in (
        lambda: send(lab, plate, cycler.export(plate, with_curves=False)),
        lambda: accept(actor=lab.actor("technician"), file_id=uuid.UUID(staged["file"])),
        lambda: decline_file(actor=lab.actor("technician"), file_id=uuid.UUID(staged["file"])),
        lambda: read_kept(actor=lab.actor("technician"), file_id=uuid.UUID(staged["file"])),
    ):
        with pytest.raises(WrongState):
            step()
    assert_reconciled(db.session())


@pytest.mark.parametrize("end", ["void", "failed", "withdrawn"])
def test_a_run_that_is_over_takes_no_file(lab, plate, end):
    actor = lab.actor("technician")
    staged = send(lab, plate, cycler.export(plate, {pools_on(plate)[0]: "detected"}))
    if end == "void":
        void_run(actor=actor, run_code=plate["run"], reason="planned by mistake")
    else:
        use(lab, send(lab, plate, cycler.export(plate)))
        if end == "failed":
            fail_run(actor=actor, run_code=plate["run"], reason="power cut")
        else:
            review_run(actor=actor, run_code=plate["run"])
            withdraw_run(
                actor=lab.actor("supervisor"), run_code=plate["run"], cause="kit_lot", reason="bad lot"
            )
    with pytest.raises(WrongState):
        hand_in(actor=actor, run_code=plate["run"], file_name="x.txt", content=cycler.export(plate))
    with pytest.raises(WrongState):
        accept(actor=actor, file_id=uuid.UUID(staged["file"]))
    assert_reconciled(db.session())


def test_a_pool_on_a_plate_is_not_voided_under_its_run(lab, plate):
    with pytest.raises(LimsError):
        void_pool(actor=lab.actor("technician"), pool_code=pools_on(plate)[0], reason="a tube was opened")
    assert use(lab, send(lab, plate, cycler.export(plate)))["valid"]


def test_the_old_file_of_pools_that_were_tested_again_is_of_another_run(lab, plate):
    use(lab, send(lab, plate, cycler.export(plate)))
    review_run(actor=lab.actor("technician"), run_code=plate["run"])
    withdraw_run(actor=lab.actor("supervisor"), run_code=plate["run"], cause="kit_lot", reason="bad lot")
    again = bench.plan(lab)
    answer = send(lab, again, cycler.export(plate, with_curves=False))
    assert reasons(answer) == ["other_run"]


ENCODINGS = {
    "UTF-8 with a mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16 little": lambda text: text.encode("utf-16"),
    "UTF-16 big": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "Mac line ends": lambda text: text.replace("\r\n", "\n").replace("\n", "\r").encode(),
    "Latin-1": lambda text: ("* Comment = Zürich\r\n" + text).encode("latin-1"),
    "no last line end": lambda text: text.rstrip().encode(),
    "blank lines and blanks at the end": lambda text: (text + "\r\n \r\n\t\t\r\n").encode(),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_the_encoding_changes_no_finding(lab, plate, encode):
    first = pools_on(plate)[0]
    text = cycler.export(plate, {first: "detected"}, with_curves=False).decode()
    found = findings(use(lab, send(lab, plate, encode(text))))
    assert [code for code, finding in found.items() if finding == "detected"] == [first]


@pytest.mark.parametrize(
    "write",
    [
        lambda code: code.lower(),
        lambda code: f"  {code[:3]} {code[3:6]} {code[6:]}  ",
        lambda code: f"{code[:3]}-{code[3:6]}-{code[6:]}",
        lambda code: f"{code[:3]}\u00a0{code[3:6]}\u00a0{code[6:]}",
    ],
    ids=["small letters", "blanks", "hyphens", "no-break spaces"],
)
def test_a_pool_code_is_known_however_it_was_typed(lab, plate, write):
    pools = set(pools_on(plate))
    content = plain(plate, sample=lambda name: write(name) if name in pools else name.lower())
    answer = send(lab, plate, content.encode())
    assert answer["matched_by"] == "barcode", said(answer)
    assert use(lab, answer)["valid"]


def test_a_code_with_one_wrong_character_is_refused_and_both_are_told(lab, plate):
    first = pools_on(plate)[0]
    wrong = first[:-1] + ("2" if first[-1] != "2" else "3")
    answer = send(lab, plate, plain(plate).replace(first, wrong).encode())
    assert "barcode_mismatch" in reasons(answer)
    told = " ".join(said(answer))
    assert f"{wrong[:3]} {wrong[3:6]} {wrong[6:]}" in told
    assert f"{first[:3]} {first[3:6]} {first[6:]}" in told


def test_two_pools_swapped_on_the_plate_are_both_told(lab, plate):
    one, two = pools_on(plate)[:2]
    swap = {one: two, two: one}
    answer = send(lab, plate, plain(plate, sample=lambda name: swap.get(name, name)).encode())
    assert reasons(answer) == ["barcode_mismatch"]
    assert len(answer["problems"]) == 2
    assert count(Reading) == 0


def test_swapped_controls_are_refused_where_named_and_fail_the_run_where_not(lab, plate):
    named = send(
        lab, plate, plain(plate, sample=lambda name: {"PC": "NTC", "NTC": "PC"}.get(name, name)).encode()
    )
    assert reasons(named) == ["barcode_mismatch"]
    kinds = {well["position"]: well["control"] for well in plate["wells"]}
    swap = {"PC": "NTC", "NTC": "PC"}
    moved = [
        {**well, "control": swap.get(kinds[well["position"]], kinds[well["position"]])}
        for well in plate["wells"]
    ]
    rows = bench.readings_for(moved, {})
    answer = send(lab, plate, plain(plate, rows, sample=lambda _name: "").encode())
    if answer["status"] == "staged":
        used = use(lab, answer)
        assert not used["valid"]
        assert review_run(actor=lab.actor("technician"), run_code=plate["run"])["status"] == "failed"
    assert_reconciled(db.session())


@pytest.mark.parametrize("sep", [";", "\t"], ids=["semicolons", "tabs"])
def test_comma_decimals_and_small_wells_are_read_right(lab, plate, sep):
    first = pools_on(plate)[0]
    rows = [
        {**row, "ct": None if row["ct"] is None else str(row["ct"]).replace(".", ",")}
        for row in bench.readings_for(plate["wells"], {first: "inconclusive"})
    ]
    of_well = {well["position"]: well["pool"] or well["control"] for well in plate["wells"]}
    lines = [sep.join(("Well", "Sample", "Target", "Ct"))]
    lines += [
        sep.join(
            (
                row["well"][0].lower() + str(int(row["well"][1:])),
                of_well[row["well"]],
                row["target"],
                row["ct"] or "Undetermined",
            )
        )
        for row in rows
    ]
    found = findings(use(lab, send(lab, plate, "\n".join(lines).encode())))
    assert found[first] == "inconclusive"
    db.session.rollback()
    cts = db.session.scalars(select(Reading.ct).where(Reading.ct.is_not(None))).all()
    assert max(cts) <= 40 and 36.0 in [float(ct) for ct in cts]


def workbook(planned, *, sample, ct=lambda value: value, found=None) -> bytes:
    """Return a workbook of a plate's readings, with numbers as numbers."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Results"
    sheet.append(["Well", "Sample Name", "Target Name", "CT"])
    of_well = {well["position"]: well["pool"] or well["control"] for well in planned["wells"]}
    for row in bench.readings_for(planned["wells"], found or {}):
        value = None if row["ct"] is None else float(str(row["ct"]).replace(",", "."))
        sheet.append([row["well"], sample(of_well[row["well"]]), row["target"], ct(value)])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_a_workbook_whose_samples_are_numbers_is_matched_by_position(lab, plate):
    first = pools_on(plate)[0]
    numbers = {code: 1000.0 + place for place, code in enumerate(pools_on(plate))}
    content = workbook(plate, sample=lambda name: numbers.get(name, name), found={first: "detected"})
    answer = send(lab, plate, content, name="run.xlsx")
    assert answer["matched_by"] == "position", said(answer)
    assert findings(use(lab, answer))[first] == "detected"


@pytest.mark.parametrize(
    "ct",
    [
        lambda value: "" if value is None else f"{value:.2f}".replace(".", ","),
        lambda value: "N/A" if value is None else f" {value} ",
        lambda value: "NaN" if value is None else value,
    ],
    ids=["comma text", "text with blanks", "NaN"],
)
def test_a_workbook_with_cts_as_text_gives_the_same_findings(lab, plate, ct):
    first = pools_on(plate)[0]
    content = workbook(plate, sample=str, ct=ct, found={first: "detected"})
    found = findings(use(lab, send(lab, plate, content, name="run.xlsx")))
    assert [code for code, finding in found.items() if finding == "detected"] == [first]


def test_a_name_that_is_a_path_or_odd_is_kept_short_and_harmless(lab, plate):
    answer = send(lab, plate, cycler.export(plate), name="../../etc/" + "ả" * 300 + ".txt")
    assert answer["status"] == "staged"
    db.session.rollback()
    name = db.session.scalars(select(ResultFile.file_name)).one()
    assert len(name) <= 200 and "/" not in name


def test_an_empty_file_is_not_even_kept(lab, plate):
    with pytest.raises(InvalidInput):
        hand_in(actor=lab.actor("technician"), run_code=plate["run"], file_name="x", content=b"")
    assert count(ResultFile) == 0


def mapped(world, file: str, **more) -> dict:
    """Read a kept file by named columns."""
    columns = {"sheet": "", "header_row": 1, "columns": {"well": 1, "target": 2, "ct": 4}} | more
    return read_kept(actor=world.actor("technician"), file_id=uuid.UUID(file), column_map=columns)


def strange(planned, rows=None) -> bytes:
    """Return a table that no reader knows."""
    lines = ["Lo;Mau;Kenh do;Ket qua do"]
    lines += [
        f"{row['well']};{row['target']};x;{'' if row['ct'] is None else row['ct']}"
        for row in rows or bench.readings_for(planned["wells"], {})
    ]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    "more",
    [
        {"columns": {"well": 1, "target": 2, "ct": 1}},
        {"columns": {"well": 4, "target": 2, "ct": 1}},
        {"columns": {"well": 1, "target": 1, "ct": 4}},
        {"columns": {"well": 1, "target": 2, "ct": 40}},
        {"columns": {"well": 1, "target": 2}},
        {"columns": {"well": 0, "ct": -1}},
        {"columns": {"well": 1, "target": 2, "ct": 10**9}},
        {"columns": {"well": True, "target": 2, "ct": 4}},
        {"columns": {}},
        {"columns": [1, 2, 3]},
        {"columns": {"well": "1", "ct": "4"}},
        {"sheet": "Sheet 7"},
        {"header_row": 99999},
        {"header_row": -5},
        {"header_row": "first"},
        {"no_ct": "abc"},
        {"no_ct": None},
    ],
    ids=str,
)
def test_a_map_that_contradicts_itself_or_the_file_is_refused_with_a_reason(lab, plate, more):
    unknown = send(lab, plate, strange(plate))
    assert unknown["status"] == "refused"
    answer = mapped(lab, unknown["file"], **more)
    if answer["status"] == "staged":
        assert more["columns"] == {"well": True, "target": 2, "ct": 4}  # True counts as 1
    else:
        assert said(answer)
    assert count(Reading) == 0
    assert_reconciled(db.session())


def test_after_a_wrong_map_the_right_one_reads_the_file(lab, plate):
    unknown = send(lab, plate, strange(plate))
    wrong = mapped(lab, unknown["file"], columns={"well": 1, "target": 2, "ct": 3})
    assert wrong["status"] == "refused"
    assert use(lab, mapped(lab, unknown["file"]))["valid"]


CDC = ("N1", "N2", "RP")
CDC_CTS = {
    "not_detected": (None, None, 27.1),
    "detected": (24.2, 25.0, 28.0),
    "inconclusive": (37.9, None, 28.0),
    "NTC": (None, None, None),
    "PC": (27.0, 27.2, 26.8),
    "HSC": (None, None, 26.5),
}


@pytest.fixture
def cdc(lab):
    """A plate of two people by the CDC's kit: a target in a well each."""
    tubes = receive(lab, 2)
    desk.pool_up(lab, tubes, size=1)
    db.session.rollback()
    assay = db.session.scalars(select(Assay).where(Assay.name == "CDC N1 N2 RP")).one()
    return tubes, bench.plan(lab, assay_id=assay.id)


def cdc_rows(planned, found=None):
    """Return (well, sample, target, Ct) as the CDC's template lays them out: each set N1, N2, RP."""
    seen: dict[str, int] = {}
    rows = []
    for well in planned["wells"]:
        name = well["pool"] or well["control"]
        place = seen.get(name, 0) % 3
        seen[name] = seen.get(name, 0) + 1
        kind = well["control"] or (found or {}).get(well["pool"], "not_detected")
        rows.append((well["position"], name, CDC[place], CDC_CTS[kind][place]))
    return rows


def cdc_file(rows) -> bytes:
    """Return a 7500's export, FAM in each well, as its software 2.x writes it."""
    lines = [
        "Block Type\t96fast",
        "Chemistry\tTAQMAN",
        "Experiment File Name\tD:\\runs\\2019-nCoV.eds",
        "Experiment Run End Time\t2020-03-14 11:02:33 AM EST",
        "Instrument Type\tsds7500fast",
        "Passive Reference\t",
        "",
        "[Results]",
        "Well\tSample Name\tTarget Name\tTask\tReporter\tQuencher\tC\u0442\tC\u0442 Threshold",
    ]
    for well, sample, target, ct in rows:
        task = "NTC" if sample == "NTC" else "UNKNOWN"
        name = well[0] + str(int(well[1:]))
        shown = "Undetermined" if ct is None else str(ct)
        lines.append("\t".join((name, sample, target, task, "FAM", "NFQ-MGB", shown, "0.05")))
    return "\r\n".join(lines).encode()


def test_a_kit_with_one_target_a_well_is_called_over_its_three_wells(lab, cdc):
    _, planned = cdc
    one, two = pools_on(planned)
    answer = use(lab, send(lab, planned, cdc_file(cdc_rows(planned, {one: "detected"}))))
    assert answer["valid"], answer["failure"]
    assert findings(answer) == {one: "detected", two: "not_detected"}
    assert db.session.scalar(select(func.count()).select_from(Reading)) == 15
    review_run(actor=lab.actor("technician"), run_code=planned["run"])
    assert_reconciled(db.session())


def test_a_lone_n1_is_inconclusive_and_a_missing_rp_is_refused(lab, cdc):
    _, planned = cdc
    one, _ = pools_on(planned)
    rows = cdc_rows(planned, {one: "inconclusive"})
    for whose in ("HSC", one):
        lacking = [row for row in rows if not (row[1] == whose and row[2] == "RP")]
        answer = send(lab, planned, cdc_file(lacking))
        assert reasons(answer) == ["missing_well"]
    assert findings(use(lab, send(lab, planned, cdc_file(rows))))[one] == "inconclusive"


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [(well, sample, "N1", ct) for well, sample, _, ct in rows],
        lambda rows: [
            (well, sample, {"N1": "RP", "RP": "N1"}.get(target, target), ct)
            for well, sample, target, ct in rows
        ],
        lambda rows: [(well, sample, "", ct) for well, sample, _, ct in rows],
    ],
    ids=["all called N1", "N1 and RP exchanged", "no targets named"],
)
def test_targets_that_stand_in_the_wrong_wells_give_no_finding(lab, cdc, change):
    _, planned = cdc
    answer = send(lab, planned, cdc_file(change(cdc_rows(planned))))
    if answer["status"] == "staged":
        # exchanged throughout the controls show it
        assert not use(lab, answer)["valid"]
    else:
        assert said(answer)
        assert count(Reading) == 0


def extract(world, pools=None, **more) -> dict:
    """Extract some pools, or what waits."""
    return make_extraction(
        actor=world.actor("technician"), laboratory_id=world.laboratory_id, pool_codes=pools, **more
    )


def test_two_extractions_a_lost_block_and_the_file_of_both(lab):
    one, two = (desk.pool_up(lab, receive(lab, 10)) for _ in range(2))
    codes = [extract(lab, pools)["extraction"] for pools in (one, two)]
    planned = bench.plan(lab, extraction_codes=codes)
    rows = bench.readings_for(planned["wells"], {one[0]: "detected"})
    spoilt = next(well["position"] for well in planned["wells"] if well["control"] == "NEC")
    rows = [{**row, "ct": 30.0} if row["well"] == spoilt and row["target"] == "N" else row for row in rows]
    answer = use(lab, send(lab, planned, cycler.export(planned, rows=rows)))
    assert answer["valid"]
    assert findings(answer) == {one[0]: "invalid", two[0]: "not_detected"}
    assert review_run(actor=lab.actor("technician"), run_code=planned["run"])["results"] == 10
    withdraw_run(actor=lab.actor("supervisor"), run_code=planned["run"], cause="kit_lot", reason="bad lot")
    assert_reconciled(db.session())
    db.session.rollback()
    waiting = db.session.scalars(select(Pool).where(Pool.status == "closed")).all()
    assert [(pool.member_count, pool.new_extraction) for pool in waiting] == [(10, True)] * 2


def test_an_extraction_fills_plates_one_after_the_other(lab):
    desk.pool_up(lab, receive(lab, 95), size=1)
    made = extract(lab)
    assert len(made["pools"]) == 95
    first = bench.plan(lab)
    second = bench.plan(lab)
    assert len(pools_on(first)) + len(pools_on(second)) == 95
    assert sum(well["control"] == "NEC" for well in second["wells"]) == 1


def test_extractions_are_refused_twice_on_a_plate_or_of_nothing(lab):
    pools = desk.pool_up(lab, receive(lab, 20))
    for wrong in ([], [*pools, "P00000000"], ["not a code"]):
        with pytest.raises(LimsError):
            extract(lab, wrong)
    with pytest.raises(InvalidInput):
        extract(lab, most=0)
    code = extract(lab, [pools[0], pools[0].lower()])["extraction"]
    with pytest.raises(Refused):
        extract(lab, pools)
    planned = bench.plan(lab, extraction_codes=[code, code])
    assert pools_on(planned) == [pools[0]]
    with pytest.raises(LimsError):
        bench.plan(lab, extraction_codes=[code])


def test_typed_readings_after_a_file_are_the_next_version(lab, plate):
    first = pools_on(plate)[0]
    use(lab, send(lab, plate, cycler.export(plate)))
    answer = record_readings(
        actor=lab.actor("technician"),
        run_code=plate["run"],
        readings=bench.readings_for(plate["wells"], {first: "detected"}),
    )
    assert answer["version"] == 2
    db.session.rollback()
    assert db.session.scalars(select(Run.readings_version)).one() == 2


def test_accepted_once_and_set_aside_never(lab, plate):
    staged = send(lab, plate, cycler.export(plate))
    use(lab, staged)
    with pytest.raises(AlreadyDone):
        accept(actor=lab.actor("technician"), file_id=uuid.UUID(staged["file"]))
    with pytest.raises(LimsError):
        decline_file(actor=lab.actor("technician"), file_id=uuid.UUID(staged["file"]))


def test_a_wrong_map_is_not_kept_for_the_instruments_next_files(lab):
    desk.pool_up(lab, receive(lab, 10))
    planned = bench.plan(lab, instrument="Gentier 96E")
    unknown = send(lab, planned, strange(planned))
    assert mapped(lab, unknown["file"], columns={"well": 1, "target": 3, "ct": 4})["status"] == "refused"
    assert count(Instrument) == 0


def test_a_staged_file_that_was_read_by_wrong_columns_can_be_read_by_others(lab):
    desk.pool_up(lab, receive(lab, 10))
    planned = bench.plan(lab, instrument="Gentier 96E")
    lines = ["Lo;Mau;Do lech;Ket qua do"]
    lines += [
        f"{row['well']};{row['target']};{'' if row['ct'] is None else 26.1};{row['ct'] or ''}"
        for row in bench.readings_for(planned["wells"], {})
    ]
    unknown = send(lab, planned, "\n".join(lines).encode())
    staged = mapped(lab, unknown["file"], columns={"well": 1, "target": 2, "ct": 3})
    assert staged["status"] == "staged", said(staged)
    again = mapped(lab, unknown["file"])
    assert again["status"] == "staged"
    use(lab, again)
    db.session.rollback()
    assert 27.5 in [float(ct) for ct in db.session.scalars(select(Reading.ct)) if ct is not None]


def test_the_same_file_staged_twice_says_that_it_was_used_already(lab, plate):
    content = cycler.export(plate)
    one, two = send(lab, plate, content), send(lab, plate, content)
    use(lab, one)
    with pytest.raises(LimsError) as refused:
        accept(actor=lab.actor("technician"), file_id=uuid.UUID(two["file"]))
    assert "already" in str(refused.value)


def test_an_extraction_whose_pools_are_reported_is_not_given_up_without_a_word(lab):
    pools = desk.pool_up(lab, receive(lab, 10))
    code = extract(lab, pools)["extraction"]
    planned = bench.plan(lab)
    bench.read(lab, planned)
    review_run(actor=lab.actor("technician"), run_code=planned["run"])
    with pytest.raises(LimsError):
        fail_extraction(actor=lab.actor("technician"), extraction_code=code, reason="bad lot")


def test_an_extraction_keeps_what_is_left_when_one_of_its_pools_is_void(lab):
    pools = desk.pool_up(lab, receive(lab, 20))
    code = extract(lab, pools)["extraction"]
    void_pool(actor=lab.actor("technician"), pool_code=pools[0], reason="mixed up")
    planned = bench.plan(lab, extraction_codes=[code])
    assert pools_on(planned) == pools[1:]
