"""A file is matched to the plate that was planned: what is read right matches, and nothing else ever does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims import codes
from lims.plates import layout, rotated, well_names
from lims.pooling.instruments.matching import Match, match_plate
from lims.pooling.instruments.moves import Move, near_moves
from lims.pooling.instruments.run_file import Curve, FileProblem, Place, RunFile, WellReading
from lims.pooling.plate_calls import PlateWell, call_plate
from lims.pooling.seed_assays import cdc_n1_n2_rp, screening_two_targets, three_targets_two_needed

KIT = screening_two_targets()
CDC = cdc_n1_n2_rp()
CONTROLS = ("NTC", "NEC", "PC")
Content = Mapping[str, float | None]

NEGATIVE: Content = {"ORF1ab": None, "N": None, "IC": 25.0}
POSITIVE: Content = {"ORF1ab": 30.0, "N": 29.5, "IC": 26.0}
NOTHING: Content = {"ORF1ab": None, "N": None, "IC": None}
OF_CONTROL: dict[str, Content] = {
    "NTC": NOTHING,
    "NEC": {**NEGATIVE, "IC": 24.0},
    "PC": {"ORF1ab": 25.0, "N": 25.5, "IC": 28.0},
}


def pool_code(number: int) -> str:
    body = f"P{number:06}"
    return body + codes.check_characters(body)


def make_plate(
    pools: int, *, size: int = 96, order: str = "column", controls=CONTROLS, wells: int = 1
) -> list[PlateWell]:
    laid = layout(
        size,
        [pool_code(number) for number in range(pools)],
        controls,
        order,
        wells_per_item=wells,
    )
    kinds = set(controls.values() if isinstance(controls, dict) else controls)
    return [
        PlateWell(well, None, item) if item in kinds else PlateWell(well, item, None)
        for well, item in laid.items()
    ]


def contents(plate: list[PlateWell], positive: set[int] = frozenset()) -> dict[str, Content]:
    """What is really in each well of the plate."""
    pools = [pool_code(number) for number in positive]
    return {
        well.position: OF_CONTROL[well.control]
        if well.control
        else POSITIVE
        if well.pool in pools
        else NEGATIVE
        for well in plate
    }


def labels(plate: list[PlateWell]) -> dict[str, str]:
    return {well.position: well.pool or well.control or "" for well in plate}


def make_file(
    held: Mapping[str, Content],
    names: Mapping[str, str] | None = None,
    *,
    tasks: Mapping[str, str] | None = None,
    wells=None,
    kit=KIT,
    **more,
) -> RunFile:
    """A file with a reading for each target of each well; wells that hold nothing are read as nothing."""
    nothing = dict.fromkeys(target.name for target in kit.targets)
    readings = [
        WellReading(
            well,
            (names or {}).get(well, ""),
            target,
            next(one.dye for one in kit.targets if one.name == target),
            (tasks or {}).get(well, ""),
            ct,
            "" if ct is None else str(ct),
            place=Place(row=place + 2),
        )
        for place, well in enumerate(wells or held)
        for target, ct in held.get(well, nothing).items()
    ]
    return RunFile(**{"format": "test", "readings": tuple(readings), **more})


def match(plate: list[PlateWell], file: RunFile, *, kit=KIT, size: int = 96, run_code: str = "") -> Match:
    matched = match_plate(kit, plate, file, size=size, run_code=run_code)
    for sentence in (*matched.problems, *matched.notes):
        assert "%(" not in str(sentence)
    if matched.problems:
        assert not matched.readings
        assert not matched.curves
    return matched


def problem_codes(matched: Match) -> list[str]:
    return [problem.code for problem in matched.problems]


def move(held: Mapping[str, object], by: Move, size: int = 96) -> dict[str, object]:
    moved = {by.of(well, size=size): content for well, content in held.items()}
    return {well: content for well, content in moved.items() if well is not None}


def change(file: RunFile, well: str, target: str | None = None, **changes) -> RunFile:
    return replace(
        file,
        readings=tuple(
            replace(reading, **changes)
            if reading.well == well and target in (None, reading.target)
            else reading
            for reading in file.readings
        ),
    )


def drop(file: RunFile, *wells: str, target: str | None = None) -> RunFile:
    return replace(
        file,
        readings=tuple(
            reading
            for reading in file.readings
            if reading.well not in wells or target not in (None, reading.target)
        ),
    )


# a plate read right


@given(
    pools=st.integers(1, 93),
    positive=st.sets(st.integers(0, 92)),
    coded=st.booleans(),
    order=st.sampled_from(["column", "row"]),
    whole=st.booleans(),
    size=st.sampled_from([96, 384]),
)
def test_a_plate_read_right_matches(pools, positive, coded, order, whole, size):
    plate = make_plate(pools, size=size, order=order)
    held = contents(plate, positive)
    matched = match(
        plate,
        make_file(
            held, labels(plate) if coded else None, wells=well_names(size) if whole else None, size=size
        ),
        size=size,
    )
    assert not matched.problems
    assert matched.by == ("barcode" if coded else "position")
    assert {(r.well, r.target): r.ct for r in matched.readings} == {
        (well, target): ct for well, content in held.items() for target, ct in content.items()
    }
    assert call_plate(KIT, plate, matched.readings).valid


@pytest.mark.parametrize("spell", [codes.grouped, str.lower, lambda code: f" {code[:3]}-{code[3:]} "])
def test_codes_are_read_in_any_spelling(spell):
    plate = make_plate(10)
    names = {well: spell(name) if len(name) == 9 else name for well, name in labels(plate).items()}
    assert match(plate, make_file(contents(plate), names)).by == "barcode"


def test_one_well_without_its_code_is_matched_by_position():
    plate = make_plate(10)
    names = {well: name for well, name in labels(plate).items() if well != "A01"}
    matched = match(plate, make_file(contents(plate), names))
    assert (matched.by, matched.problems) == ("position", ())


def test_targets_are_matched_by_folded_name_alias_and_dye():
    kit = replace(
        KIT, targets=(*KIT.targets[:2], replace(KIT.targets[2], aliases=("RNase P",))), source=KIT.source
    )
    plate = make_plate(3)
    file = make_file(contents(plate))
    spelt = {"ORF1ab": ("orf1AB", "anything"), "N": ("", "rox"), "IC": ("RNASE  P", "")}
    changed = tuple(
        replace(reading, target=spelt[reading.target][0], dye=spelt[reading.target][1])
        for reading in file.readings
    )
    matched = match(plate, replace(file, readings=changed), kit=kit)
    assert not matched.problems
    assert {reading.target for reading in matched.readings} == {"ORF1ab", "N", "IC"}


def test_dyes_that_several_targets_have_name_none():
    plate = make_plate(1, controls=("NTC", "PC", "HSC") * 3, wells=3)
    held = {well.position: {"N1": None} for well in plate}
    file = make_file(held, kit=CDC)
    unnamed = replace(file, readings=tuple(replace(reading, target="") for reading in file.readings))
    assert problem_codes(match(plate, unnamed, kit=CDC)) == ["unknown_target"]


def test_an_unknown_target_is_told_once_with_its_wells():
    plate = make_plate(3)
    file = make_file(contents(plate))
    renamed = replace(
        file,
        readings=tuple(replace(r, target="S") if r.target == "N" else r for r in file.readings),
    )
    (problem,) = match(plate, renamed).problems
    assert problem.code == "unknown_target"
    assert problem.parameters["text"] == "S"
    assert str(problem.parameters["wells"]) == "A01, B01, C01, F12, G12, H12"


def test_curves_and_thresholds_come_in_the_assays_spelling():
    plate = make_plate(3)
    curves = tuple(
        Curve(well, target, (1.0, 2.0), (0.1, 0.2), "dRn")
        for well, target in (
            ("A1", "FAM"),
            ("A1", "n"),
            ("D1", "N"),
            ("X9", "N"),
            ("A1", "other"),
            ("A01", "N"),
        )
    )
    file = make_file(contents(plate), curves=curves, thresholds={"orf1ab": 0.2, "VIC": 0.1, "S": 3.0})
    matched = match(plate, file)
    assert [(curve.well, curve.target) for curve in matched.curves] == [("A01", "ORF1ab"), ("A01", "N")]
    assert matched.thresholds == {"ORF1ab": 0.2, "IC": 0.1}


# the wrong way round, shifted, swapped


@given(
    pools=st.integers(3, 93),
    positive=st.sets(st.integers(0, 92)),
    labelled=st.sampled_from(["not", "as planned", "with the plate"]),
    order=st.sampled_from(["column", "row"]),
    whole=st.booleans(),
    size=st.sampled_from([96, 384]),
)
def test_a_turned_plate_never_matches(pools, positive, labelled, order, whole, size):
    plate = make_plate(pools, size=size, order=order)
    planned = contents(plate, positive)
    held = {rotated(well, size=size): content for well, content in planned.items()}
    names = {"not": {}, "as planned": labels(plate), "with the plate": move(labels(plate), Move(True), size)}
    wells = (
        well_names(size)
        if whole
        else (move(planned, Move(True), size) if labelled != "as planned" else planned)
    )
    matched = match(plate, make_file(held, names[labelled], wells=list(wells), size=size), size=size)
    assert problem_codes(matched) == ["rotated_plate"]


@given(
    by=st.sampled_from([move for move in near_moves() if not move.turned]),
    positive=st.sets(st.integers(0, 92)),
)
def test_a_shifted_plate_never_matches(by, positive):
    plate = make_plate(93, controls={"D06": "NTC", "E06": "NEC", "D07": "PC"})
    held = move(contents(plate, positive), by)
    for names in ({}, labels(plate), move(labels(plate), by)):
        (problem,) = match(plate, make_file(held, names, wells=well_names(96))).problems
        assert problem.code == "shifted_plate"
        assert problem.parameters["columns"] == f"{by.right:+d}"
        assert problem.parameters["rows"] == f"{by.down:+d}"


@given(pair=st.sets(st.integers(0, 59), min_size=2, max_size=2))
def test_two_swapped_codes_never_match(pair):
    plate = make_plate(60)
    one, other = (plate[place].position for place in pair)
    names = labels(plate)
    names[one], names[other] = names[other], names[one]
    matched = match(plate, make_file(contents(plate), names))
    assert problem_codes(matched) == ["barcode_mismatch"] * 2
    assert {problem.parameters["well"] for problem in matched.problems} == {one, other}


def test_a_list_that_slipped_by_one_line_is_a_shift_by_a_row():
    plate = make_plate(40)
    wells = [well.position for well in plate if well.pool]
    following = well_names(96)[1:41]
    names = {after: pool_code(number) for number, after in enumerate(following)}
    (problem,) = match(plate, make_file(contents(plate), names)).problems
    assert wells[0] == "A01"
    assert (problem.code, problem.parameters["rows"]) == ("shifted_plate", "+1")


def test_a_code_shifted_beyond_what_controls_can_tell():
    plate = make_plate(24)
    names = move({well.position: well.pool for well in plate if well.pool}, Move(right=6))
    (problem,) = match(plate, make_file(contents(plate), names, wells=well_names(96))).problems
    assert (problem.code, problem.parameters["columns"]) == ("shifted_plate", "+6")


def test_a_file_of_another_run():
    plate = make_plate(20)
    names = {well.position: pool_code(1000 + place) for place, well in enumerate(plate) if well.pool}
    (problem,) = match(plate, make_file(contents(plate), names)).problems
    assert problem.code == "other_run"
    assert problem.parameters["count"] == 20


def test_a_single_wrong_code_is_told_even_with_a_wrong_character():
    plate = make_plate(10)
    wrong = pool_code(3)[:-1] + ("0" if pool_code(3)[-1] != "0" else "1")
    names = {**labels(plate), "D01": wrong, "E01": "no code at all"}
    (problem,) = match(plate, make_file(contents(plate), names)).problems
    assert (problem.code, problem.parameters["well"]) == ("barcode_mismatch", "D01")


def test_a_pool_code_in_a_controls_or_an_empty_well_is_a_mismatch():
    plate = make_plate(10)
    names = {**labels(plate), "H12": pool_code(0), "A05": pool_code(1)}
    matched = match(plate, make_file(contents(plate), names, wells=well_names(96)))
    assert [(p.code, p.parameters["well"]) for p in matched.problems] == [
        ("barcode_mismatch", "A05"),
        ("barcode_mismatch", "H12"),
    ]


@pytest.mark.parametrize("named", ["task", "sample"])
def test_what_the_instrument_takes_for_controls_tells_a_turned_plate(named):
    plate = make_plate(10)
    roles = {"F12": "ntc", "G12": "negative", "H12": "positive"}
    turned = {rotated(well): task for well, task in roles.items()}
    word = {"ntc": "NTC", "negative": "NEC", "positive": "PC"}
    names, tasks = ({}, turned) if named == "task" else ({w: word[t] for w, t in turned.items()}, {})
    file = make_file(contents(plate), names, tasks=tasks)
    assert problem_codes(match(plate, file)) == ["rotated_plate"]
    assert not match(plate, make_file(contents(plate), tasks=roles)).problems


@pytest.mark.parametrize(
    ("tasks", "wells"),
    [
        ({"A01": "ntc"}, ["A01"]),
        ({"H12": "ntc"}, ["H12"]),
        ({"F12": "ntc", "B04": "positive"}, ["B04"]),
        ({"A01": "positive", "H12": "positive"}, ["A01"]),
    ],
)
def test_a_control_of_the_instrument_where_none_is_planned_is_a_mismatch(tasks, wells):
    plate = make_plate(10)
    matched = match(plate, make_file(contents(plate), tasks=tasks, wells=well_names(96)))
    assert [(p.code, p.parameters["well"]) for p in matched.problems] == [
        ("barcode_mismatch", well) for well in wells
    ]


def test_a_control_that_simply_fails_is_no_matter_of_matching():
    plate = make_plate(30)
    for well, content in (("H12", NOTHING), ("F12", POSITIVE), ("G12", POSITIVE)):
        matched = match(plate, make_file({**contents(plate, {2}), well: content}))
        assert not matched.problems
        assert not call_plate(KIT, plate, matched.readings).valid


def test_a_few_unknown_codes_are_told_each():
    plate = make_plate(20)
    names = {**labels(plate), "A01": pool_code(1000), "B01": pool_code(1001), "C01": pool_code(1002)}
    assert problem_codes(match(plate, make_file(contents(plate), names))) == ["barcode_mismatch"] * 3


def test_one_code_alone_and_half_of_them_tell_no_turn():
    plate = make_plate(10)
    file = make_file(contents(plate), {"H12": pool_code(0)}, wells=well_names(96))
    assert problem_codes(match(plate, file)) == ["barcode_mismatch"]
    half = {rotated(well): name for well, name in list(labels(plate).items())[:3]}
    mixed = {**labels(plate), **half, "A01": "", "B01": "", "C01": ""}
    file = make_file(contents(plate), mixed, wells=well_names(96))
    assert problem_codes(match(plate, file)) == ["barcode_mismatch"] * 3


def test_controls_that_are_right_as_planned_are_not_looked_for_elsewhere():
    # turned, they would be right as well: nothing, nothing, and a positive pool
    plate = make_plate(1)
    matched = match(plate, make_file(contents(plate, {0}), wells=well_names(96)))
    assert not matched.problems
    several = make_plate(10, controls={"A05": "NTC", "B05": "NTC", "C05": "NTC", "A07": "NEC", "H12": "PC"})
    tasks = {"B05": "ntc", "C05": "ntc"}
    assert not match(several, make_file(contents(several), tasks=tasks)).problems


def test_an_omitted_control_is_no_evidence():
    plate = make_plate(10)
    held = move(contents(plate), Move(turned=True))
    file = make_file(held, wells=well_names(96))
    right = tuple(
        WellReading(well.position, "", target, "", "", ct, "", omit=True)
        for well in plate
        if well.control
        for target, ct in OF_CONTROL[well.control].items()
    )
    turned = replace(file, readings=(*right, *file.readings))
    assert problem_codes(match(plate, turned)) == ["rotated_plate"]


# a target in a well each


def cdc_content(kind: str, target: str) -> float | None:
    virus = kind in ("PC", "positive")
    return {"NTC": None}.get(kind, 24.0 if target == "RP" or virus else None)


def cdc(moved: Move | None = None) -> tuple[list[PlateWell], RunFile]:
    """A plate of the CDC's kit; moved, its wells keep the targets that were set up for them."""
    plate = make_plate(6, controls=["NTC"] * 3 + ["PC"] * 3 + ["HSC"] * 3, wells=3)
    seen: dict[str, int] = {}
    target_of, held = {}, {}
    for well in plate:
        name = well.pool or well.control
        target_of[well.position] = CDC.targets[seen.get(name, 0)].name
        seen[name] = seen.get(name, 0) + 1
        held[well.position] = cdc_content(well.control or "negative", target_of[well.position])
    if moved is not None:
        held = move(held, moved)
    file = make_file({well: {target: held.get(well)} for well, target in target_of.items()}, kit=CDC)
    return plate, file


def test_a_target_in_a_well_each():
    plate, file = cdc()
    matched = match(plate, file, kit=CDC)
    assert not matched.problems
    assert len(matched.readings) == 27
    assert call_plate(CDC, plate, matched.readings).valid


def test_a_turned_plate_with_a_target_in_a_well_each():
    plate, file = cdc(Move(turned=True))
    assert problem_codes(match(plate, file, kit=CDC)) == ["rotated_plate"]


def test_a_missing_well_and_a_target_read_twice_in_a_set():
    plate, file = cdc()
    (missing,) = match(plate, drop(file, "B01"), kit=CDC).problems
    assert (missing.code, missing.parameters) == ("missing_well", {"well": "A01+B01+C01", "targets": "N2"})
    more = WellReading("A01", "", "N2", "FAM", "", None, "")
    (twice,) = match(plate, replace(file, readings=(*file.readings, more)), kit=CDC).problems
    assert (twice.code, twice.parameters["wells"]) == ("duplicate", "A01, B01")
    controls = [well.position for well in plate if well.control == "PC"]
    (gone,) = match(plate, drop(file, *controls), kit=CDC).problems
    assert (gone.code, gone.parameters["well"]) == ("control_missing", "+".join(controls))


def test_curves_of_a_dye_that_all_targets_have_follow_the_well():
    plate, file = cdc()
    curves = tuple(Curve(well, "FAM", (1.0,), (0.1,), "RFU") for well in ("A01", "B01", "C01"))
    matched = match(plate, replace(file, curves=curves), kit=CDC)
    assert [(curve.well, curve.target) for curve in matched.curves] == [
        ("A01", "N1"),
        ("B01", "N2"),
        ("C01", "RP"),
    ]


# single faults


def test_missing_wells_targets_and_controls_are_told_together():
    plate = make_plate(5)
    file = drop(make_file(contents(plate)), "B01", "H12")
    file = drop(file, "C01", target="N")
    matched = match(plate, file)
    assert [(p.code, p.parameters["well"]) for p in matched.problems] == [
        ("missing_well", "B01"),
        ("missing_well", "C01"),
        ("control_missing", "H12"),
    ]
    assert "N" in str(matched.problems[1])


def test_a_target_read_twice_is_a_duplicate():
    plate = make_plate(5)
    file = make_file(contents(plate))
    again = WellReading("A1", "", "n", "", "", 31.0, "31.0", place=Place("Results", 99))
    (problem,) = match(plate, replace(file, readings=(*file.readings, again))).problems
    assert (problem.code, problem.place) == ("duplicate", Place("Results", 99))


@pytest.mark.parametrize("ct", [0.0, -3.0, 60.5, float("nan"), float("inf")])
def test_a_ct_that_cannot_be(ct):
    plate = make_plate(5)
    file = change(make_file(contents(plate)), "A01", "N", ct=ct, raw_ct=str(ct))
    assert problem_codes(match(plate, file)) == ["ct_out_of_range"]


def test_an_omitted_well_is_told_and_not_missing_as_well():
    plate = make_plate(5)
    matched = match(plate, change(make_file(contents(plate)), "B01", omit=True))
    assert [(p.code, p.parameters["well"]) for p in matched.problems] == [("omitted_well", "B01")]


def test_an_omitted_well_of_a_pool_with_another_is_noted():
    plate = [*make_plate(5), PlateWell("A02", pool_code(0), None)]
    matched = match(plate, change(make_file(contents(plate)), "A02", omit=True))
    assert not matched.problems
    assert [note.parameters for note in matched.notes] == [{"well": "A02"}]
    assert "A02" not in {reading.well for reading in matched.readings}
    assert call_plate(KIT, plate, matched.readings).calls["A01"].finding == "not_detected"


def test_a_well_that_is_not_of_the_plate():
    plate = make_plate(5)
    file = make_file(contents(plate))
    beyond = WellReading("I01", "", "N", "", "", None, "")
    assert problem_codes(match(plate, replace(file, readings=(*file.readings, beyond)))) == ["unknown_well"]


def test_empty_wells_are_noted_but_not_with_a_target_found_in_them():
    plate = make_plate(5)
    file = make_file(contents(plate), {"A05": "Sample 33"}, wells=well_names(96), tasks={"A06": "standard"})
    matched = match(plate, change(file, "A06", ct=20.0))
    assert not matched.problems
    assert [str(note.parameters["wells"])[:3] for note in matched.notes] == ["A06", "F01"]
    late = match(plate, change(file, "A05", "N", ct=39.5, raw_ct="39.5"))
    assert not late.problems
    (problem,) = match(plate, change(file, "A05", "N", ct=31.0, raw_ct="31.0")).problems
    assert (problem.code, problem.parameters["well"]) == ("unknown_well", "A05")


def test_problems_of_the_file_count_in_wells_of_the_plate():
    plate = make_plate(5)
    problems = tuple(
        FileProblem("not_a_ct", "%(well)s: bad.", Place("Results", row), {"well": well})
        for row, well in ((7, "A1"), (8, "A09"))
    )
    file = drop(make_file(contents(plate), problems=problems), "A01", target="N")
    matched = match(plate, file)
    assert [(p.code, p.place.row) for p in matched.problems] == [("not_a_ct", 7)]
    assert [str(note) for note in matched.notes] == ["A09: bad."]
    general = FileProblem("cut_off", "The file ends too early.")
    assert problem_codes(match(plate, make_file(contents(plate), problems=(general,)))) == ["cut_off"]


def test_flags_and_a_file_without_any_ct_are_noted():
    plate = make_plate(5)
    file = change(make_file(contents(plate)), "A01", "N", flags=("BADROX",))
    assert [note.parameters for note in match(plate, file).notes] == [{"flag": "BADROX", "wells": "A01"}]
    assert len(match(plate, make_file(dict.fromkeys(contents(plate), NOTHING))).notes) == 1


# the file as a whole


def test_the_plate_that_the_file_names():
    plate = make_plate(5)
    own, other = (f"G00000{n}" + codes.check_characters(f"G00000{n}") for n in (1, 2))
    good = make_file(contents(plate), plate=codes.grouped(own))
    assert not match(plate, good, run_code=own).problems
    assert not match(plate, replace(good, plate="Tuesday"), run_code=own).problems
    assert problem_codes(match(plate, replace(good, plate=other), run_code=own)) == ["wrong_plate"]


def test_a_file_of_another_size_or_without_results():
    plate = make_plate(5)
    assert problem_codes(match(plate, make_file(contents(plate), size=384))) == ["wrong_plate"]
    assert problem_codes(match(plate, make_file(contents(plate), set_up_only=True))) == ["no_readings"]
    missing = match(plate, RunFile("test"))
    assert problem_codes(missing) == ["missing_well"] * 5 + ["control_missing"] * 3


def test_a_kit_whose_positive_control_has_no_internal_control():
    kit = three_targets_two_needed()
    plate = make_plate(20)
    viral = {"N": None, "S": None, "ORF1ab": None}
    found = dict.fromkeys(viral, 25.0)
    of_control = {
        "NTC": {**viral, "MS2": None},
        "NEC": {**viral, "MS2": 26.0},
        "PC": {**found, "MS2": None},
    }
    held = {
        well.position: of_control[well.control] if well.control else {**viral, "MS2": 25.0} for well in plate
    }
    assert not match(plate, make_file(held, kit=kit), kit=kit).problems
    turned = make_file(move(held, Move(True)), wells=well_names(96), kit=kit)
    assert problem_codes(match(plate, turned, kit=kit)) == ["rotated_plate"]
