"""An assay's rules, as data, decide what wells, controls, runs and pools mean."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.errors import InvalidInput
from lims.pooling.assays import Control, Expectation, Target, read_definition, validate_definition
from lims.pooling.calls import (
    Call,
    ControlReading,
    call_control,
    call_pool,
    call_pool_wells,
    call_target,
    call_well,
    check_run_controls,
)
from lims.pooling.readings import parse_ct, read_readings_csv
from lims.pooling.seed_assays import (
    cdc_n1_n2_rp,
    list_seed_assays,
    screening_two_targets,
    three_targets_two_needed,
)

SCREEN, CDC, THREE = screening_two_targets(), cdc_n1_n2_rp(), three_targets_two_needed()
CT = st.one_of(st.none(), st.floats(0.1, 60, allow_nan=False))


def screen(orf1ab, n, internal):
    return call_well(SCREEN, {"ORF1ab": orf1ab, "N": n, "IC": internal})


@pytest.mark.parametrize("assay", list_seed_assays(), ids=lambda assay: assay.name)
def test_the_assays_shipped_are_valid_and_travel_as_json(assay):
    validate_definition(assay)
    assert read_definition(json.loads(json.dumps(assay.to_definition()))) == assay


@pytest.mark.parametrize(
    ("orf1ab", "n", "internal", "finding"),
    [
        (30.0, 31.0, 28.0, "detected"),
        (30.0, 31.0, None, "detected"),
        (None, 31.0, 28.0, "inconclusive"),
        (None, 31.0, None, "inconclusive"),
        (37.99, 37.99, 28.0, "detected"),
        (38.0, 37.99, 28.0, "inconclusive"),
        (38.0, 38.0, 28.0, "inconclusive"),
        (None, 40.0, 28.0, "inconclusive"),
        (None, 40.01, 28.0, "not_detected"),
        (None, None, 28.0, "not_detected"),
        (None, None, None, "invalid"),
        (None, None, 40.0, "invalid"),
        (None, None, 3.0, "invalid"),
        (None, 39.0, None, "inconclusive"),
        (2.3, None, 28.0, "invalid"),
        (2.3, 30.0, 28.0, "invalid"),
        (2.3, 2.3, 28.0, "invalid"),
    ],
)
def test_a_well_of_the_screening_kit_is_called_by_its_cut_offs(orf1ab, n, internal, finding):
    assert screen(orf1ab, n, internal).finding == finding


def test_a_call_explains_itself():
    assert str(screen(None, 36.2, 28.0)) == (
        "ORF1ab –, N Ct 36.2 < 38, IC Ct 28 < 40: only 1 of the 2 viral targets needed."
    )
    assert str(screen(None, 39.0, 28.0)) == "ORF1ab –, N Ct 39 ≥ 38, IC Ct 28 < 40: in the grey zone."
    assert str(screen(2.3, None, 28.0)).startswith("ORF1ab Ct 2.3 < 8,")


def test_a_ct_is_never_written_on_the_other_side_of_its_cut_off():
    assert "N Ct 37.99 < 38" in str(screen(None, 37.9999, 28.0))
    included = replace(SCREEN, targets=(replace(N, comparison="<="), *SCREEN.internal), min_viral_detected=1)
    assert "N Ct 38.01 > 38" in str(call_well(included, {"N": 38.0001, "IC": 28.0}))


def test_what_was_not_measured_is_not_taken_for_no_ct():
    call = call_well(SCREEN, {"ORF1ab": None, "IC": 28.0})
    assert (call.finding, call.parameters["targets"]) == ("invalid", "N")


def test_a_target_of_another_kit_is_refused():
    with pytest.raises(InvalidInput, match="no target S"):
        call_well(SCREEN, {"ORF1ab": None, "N": None, "IC": 28.0, "S": 30.0})


def test_a_kit_may_need_its_internal_control_always():
    strict = replace(SCREEN, internal_control="always")
    assert call_well(strict, {"ORF1ab": 30.0, "N": 30.0, "IC": None}).finding == "invalid"
    assert call_well(strict, {"ORF1ab": 30.0, "N": 30.0, "IC": 30.0}).finding == "detected"


@pytest.mark.parametrize(("comparison", "state"), [("<", "none"), ("<=", "found")])
def test_a_ct_on_the_cut_off_follows_the_comparison(comparison, state):
    assert call_target(Target("N", "FAM", "viral", 40.0, comparison), 40.0) == state


@pytest.mark.parametrize(
    ("n", "s", "orf1ab", "finding"),
    [(30, 31, None, "detected"), (30, None, None, "inconclusive"), (None, None, None, "not_detected")],
)
def test_two_of_three_targets_are_needed_where_the_kit_says_so(n, s, orf1ab, finding):
    assert call_well(THREE, {"N": n, "S": s, "ORF1ab": orf1ab, "MS2": 27.0}).finding == finding


@given(st.sampled_from([SCREEN, CDC, THREE]), st.data())
def test_a_negative_always_has_its_internal_control_and_no_viral_signal(assay, data):
    cts = {target.name: data.draw(CT) for target in assay.targets}
    call = call_well(assay, cts)
    if call.finding == "not_detected":
        assert all(call_target(target, cts[target.name]) == "none" for target in assay.viral)
        assert all(call_target(target, cts[target.name]) == "found" for target in assay.internal)
    if call.finding == "detected":
        found = [target for target in assay.viral if call_target(target, cts[target.name]) == "found"]
        assert len(found) >= assay.min_viral_detected
    assert str(call)
    assert json.dumps(dict(call.parameters))


@given(st.lists(st.sampled_from(["detected", "not_detected", "inconclusive", "invalid"]), min_size=1))
def test_a_pool_is_negative_only_if_all_its_wells_are(findings):
    call = call_pool([Call(finding, "") for finding in findings])
    assert (call.finding == "not_detected") == (set(findings) == {"not_detected"})
    assert (call.finding == "detected") == ("detected" in findings)


def test_a_pool_without_a_well_has_no_call():
    with pytest.raises(InvalidInput):
        call_pool([])
    with pytest.raises(InvalidInput):
        call_pool_wells(SCREEN, [])


def test_wells_with_one_target_each_are_read_together_and_replicates_apart():
    assert call_pool_wells(CDC, [{"N1": None}, {"N2": None}, {"RP": 27.0}]).finding == "not_detected"
    assert call_pool_wells(CDC, [{"N1": 30.0}, {"N2": 31.0}, {"RP": None}]).finding == "detected"
    assert call_pool_wells(CDC, [{"N1": None}, {"RP": 27.0}]).finding == "invalid"
    clean, faint = {"ORF1ab": None, "N": None, "IC": 28.0}, {"ORF1ab": None, "N": 36.0, "IC": 28.0}
    assert call_pool_wells(SCREEN, [clean, faint]).finding == "inconclusive"
    assert call_pool_wells(SCREEN, [clean, {"IC": 28.0}]).finding == "invalid"


NTC = ControlReading("NTC", "F12", {"ORF1ab": None, "N": None, "IC": None})
NEC = ControlReading("NEC", "G12", {"ORF1ab": None, "N": None, "IC": 30.0})
PC = ControlReading("PC", "H12", {"ORF1ab": 27.0, "N": 27.5, "IC": None})


def with_ct(reading, **cts):
    return replace(reading, cts={**reading.cts, **cts})


def test_a_run_with_all_its_controls_right_is_valid():
    assert check_run_controls(SCREEN, [NTC, NEC, PC]).valid


@pytest.mark.parametrize(
    ("controls", "sentence"),
    [
        ([NTC, NEC], "PC: 1 needed on the plate, 0 found."),
        ([NTC, NEC, PC, with_ct(NTC, N=35.0)], "NTC in F12: N Ct 35 < 38, but there must be no N."),
        ([with_ct(NTC, N=39.0), NEC, PC], "NTC in F12: N Ct 39 ≥ 38, but there must be no N."),
        ([with_ct(NTC, N=2.0), NEC, PC], "NTC in F12: N Ct 2 < 8, but there must be no N."),
        ([NTC, with_ct(NEC, ORF1ab=30.0), PC], "NEC in G12: ORF1ab Ct 30 < 38, but there must be no ORF1ab."),
        ([NTC, NEC, with_ct(PC, N=None)], "PC in H12: N –, but N must be found."),
        ([NTC, NEC, replace(PC, cts={"ORF1ab": 27.0})], "PC in H12: no reading of N."),
        ([NTC, NEC, PC, replace(PC, kind="HSC")], "HSC in H12: the assay has no such control."),
    ],
)
def test_a_run_with_a_spoilt_or_missing_control_is_not_believed(controls, sentence):
    outcome = check_run_controls(SCREEN, controls)
    assert not outcome.valid
    assert [str(problem) for problem in outcome.problems] == [sentence]


def test_a_plate_put_in_the_wrong_way_round_fails_by_its_controls():
    turned = [replace(NTC, cts=PC.cts), NEC, replace(PC, cts=NTC.cts)]
    assert not check_run_controls(SCREEN, turned).valid


def test_a_positive_control_must_be_free_of_ms2_where_the_kit_says_so():
    cts = {"N": 27.0, "S": 27.0, "ORF1ab": 27.0, "MS2": 27.0}
    assert len(call_control(THREE, ControlReading("PC", "H12", cts))) == 1
    assert not call_control(THREE, ControlReading("PC", "H12", {**cts, "MS2": None}))


@pytest.mark.parametrize(
    ("ct", "word"), [(19.0, "earlier than Ct 20"), (31.0, "later than Ct 30"), (25.0, "")]
)
def test_a_positive_control_may_have_a_window(ct, word):
    wanted = {name: Expectation("present", 20.0, 30.0) for name in ("ORF1ab", "N")}
    assay = replace(SCREEN, controls=(SCREEN.controls[0], Control("PC", 1, wanted)))
    validate_definition(assay)
    problems = call_control(assay, ControlReading("PC", "H12", {"ORF1ab": 25.0, "N": ct, "IC": None}))
    assert [word in str(problem) for problem in problems] == ([True] if word else [])


N = SCREEN.targets[1]


@pytest.mark.parametrize(
    "change",
    [
        {"name": " "},
        {"targets": SCREEN.viral},
        {"targets": SCREEN.internal},
        {"targets": (*SCREEN.targets, replace(N, name="n"))},
        {"targets": (replace(N, role="bacterial"), *SCREEN.internal)},
        {"targets": (replace(N, cutoff=70.0), *SCREEN.internal)},
        {"targets": (replace(N, cutoff="38"), *SCREEN.internal)},
        {"targets": (replace(N, comparison=">"), *SCREEN.internal)},
        {"targets": (replace(N, floor=38.0), *SCREEN.internal)},
        {"targets": (replace(N, grey_from=36.0), *SCREEN.internal)},
        {"targets": (replace(N, grey_to=None), *SCREEN.internal)},
        {"min_viral_detected": 0},
        {"min_viral_detected": 3},
        {"min_viral_detected": True},
        {"internal_control": "never"},
        {"max_pool_size": 21},
        {"max_pool_size": 0},
        {"wells_per_pool": 4},
        {"controls": ()},
        {"controls": SCREEN.controls[:2]},
        {"controls": SCREEN.controls[2:]},
        {"controls": (*SCREEN.controls, SCREEN.controls[0])},
        {"controls": (*SCREEN.controls, Control("XXX", 1, {}))},
        {"controls": (*SCREEN.controls, Control("HSC", 0, {}))},
        {"controls": (*SCREEN.controls, Control("HSC", 1, {"S": Expectation("none")}))},
        {"controls": (*SCREEN.controls, Control("HSC", 1, {"N": Expectation("some")}))},
        {"controls": (*SCREEN.controls, Control("HSC", 1, {"N": Expectation("present", 30.0, 20.0)}))},
        {"controls": (*SCREEN.controls, Control("HSC", 1, {"N": Expectation("none", None, 20.0)}))},
    ],
)
def test_rules_that_contradict_themselves_are_refused(change):
    with pytest.raises(InvalidInput) as refusal:
        validate_definition(replace(SCREEN, **change))
    assert refusal.value.field
    assert str(refusal.value)


@pytest.mark.parametrize(
    "definition", [{}, {"name": "x"}, {**SCREEN.to_definition(), "cutof": 3}, {"targets": [3]}]
)
def test_an_incomplete_definition_is_refused(definition):
    with pytest.raises(InvalidInput) as refusal:
        read_definition(definition)
    assert refusal.value.field == "definition"


@pytest.mark.parametrize(
    ("text", "ct"),
    [("31.4", 31.4), ("31,4", 31.4), (" 31 ", 31.0), (",08", 0.08), ("60", 60.0), ("31.", 31.0)],
)
def test_a_ct_is_read_with_a_point_or_a_comma(text, ct):
    assert parse_ct(text) == ct


@pytest.mark.parametrize(
    "text", ["", "  ", "Undetermined", "UNDETERMINED", "Undet.", "N/A", "NaN", "NoCt", "-", "Không"]
)
def test_no_ct_has_many_words(text):
    assert parse_ct(text) is None


@pytest.mark.parametrize(
    "text", ["-3", "0", "0,00", "60.01", "1e3", "abc", "31.4.1", "1.234,5", "inf", ".", "٣١", "9" * 99]
)
def test_what_is_no_ct_is_refused(text):
    with pytest.raises(InvalidInput) as refusal:
        parse_ct(text, field="ct")
    assert refusal.value.field == "ct"


@given(st.floats(0.01, 60))
def test_a_ct_survives_being_written_with_a_comma(ct):
    assert parse_ct(f"{ct:.4f}".replace(".", ",")) == pytest.approx(ct, abs=0.0001)


@pytest.mark.parametrize(
    "text",
    [
        "well,target,Ct\nA1,N,31.4\na01,orf1AB,\n",
        "Ct;Giếng;Đích\n31,4;A01;N\nUndetermined;A1;ORF1ab\n",
        "* Lab export\n\nTarget Name\tCт\tWell Position\nN\t31,4\tA1\nORF1ab\tNaN\tA1\n",
    ],
)
def test_readings_come_in_any_order_case_and_language(text):
    got = read_readings_csv(text.encode(), targets=("ORF1ab", "N"))
    assert not got.problems
    assert {(reading.well, reading.target, reading.ct) for reading in got.readings} == {
        ("A01", "N", 31.4),
        ("A01", "ORF1ab", None),
    }


def test_every_row_is_a_reading_or_a_named_problem():
    bad = ["A1,N,32", "Z9,N,31", "A2,S,31", "A3,N,-1", "A4,N", 'A5,"N,3', "A6,N,no", "A7,,3"]
    text = "\n".join(["well,target,Ct", "A1,N,31", "", *bad, "A8,N,30", ""])
    got = read_readings_csv(text.encode(), targets=("ORF1ab", "N"))
    assert [reading.line for reading in got.readings] == [2, 12]
    assert [problem.line for problem in got.problems] == [4, 5, 6, 7, 8, 9, 10, 11]
    assert got.empty_lines == 1
    assert "line 2" in str(got.problems[0])
    assert all(str(problem) for problem in got.problems)


def test_the_text_of_a_ct_is_kept_beside_its_value():
    (reading,) = read_readings_csv(b"well,target,Ct\nA1,N, Undetermined \n").readings
    assert (reading.ct, reading.raw, reading.target) == (None, "Undetermined", "N")


@pytest.mark.parametrize(
    "content", [b"", b"well,Ct\nA1,3\n", b"well,target,Ct,Cq\nA1,N,3,4\n", b"x" * (3 * 1024 * 1024)]
)
def test_a_file_without_readings_is_refused(content):
    with pytest.raises(InvalidInput) as refusal:
        read_readings_csv(content)
    assert refusal.value.field == "file"
