"""Every real file at hand is read for what it holds, or refused for a named reason.

What an independent reader found (the manifest: pandas, openpyxl, xlrd, ElementTree) is compared to the row; what the
manifest does not count stands in the table below, counted by hand. The files are others' work and stay outside.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lims.pooling.instruments import read_run_file
from lims.pooling.instruments.cells import task, well
from lims.pooling.instruments.run_file import FileRefused, RunFile, WellReading

FOLDER = Path(__file__).parents[4] / "shared/data/qpcr"
MANIFEST = FOLDER / "manifest.json"
pytestmark = pytest.mark.skipif(
    not MANIFEST.exists(), reason=f"the instruments' real files are not at {FOLDER}; these tests need them"
)


class Held(NamedTuple):
    """What a file holds: kind ("readings", "curves", "set_up" or the reason of its refusal) and counts."""

    kind: str
    format: str = ""
    readings: int = 0
    detected: int = 0
    curves: int = 0
    points: int = 0
    problems: int = 0


TXT = "allotropy/appbio_quantstudio/"
DNA = "allotropy/appbio_quantstudio_designandanalysis/"
GZ = "tidyqpcr_LC480/"
ED = GZ + "Edward_qPCR_"
READ = "readings"
HELD: dict[str, Held] = {
    "RDML_R/BioRad_384.rdml": Held(READ, "rdml", 48, 48, 48, 1920, 0),
    "RDML_R/BioRad_qPCR_melt.rdml": Held(READ, "rdml", 60, 26, 60, 2460, 0),
    "RDML_R/from_abi7500/7500_std.xls": Held("set_up", "applied_biosystems", 24, 0),
    "RDML_R/from_abi7500/sce.eds": Held("set_up", "eds", 24, 0),
    "RDML_R/lc96_bACTXY.rdml": Held(READ, "rdml", 384, 324, 384, 19200, 0),
    "RDML_R/stepone_std.rdml": Held(READ, "rdml", 24, 21, 24, 960, 0),
    "RDML_R/test_rdml.rdml": Held(READ, "rdml", 48, 36, 48, 1920, 0),
    TXT + "appbio_quantstudio_example01.txt": Held(READ, "quantstudio", 16, 16, 8, 24, 0),
    TXT + "appbio_quantstudio_example02.txt": Held(READ, "quantstudio", 96, 68, 6, 240, 0),
    TXT + "appbio_quantstudio_example03.txt": Held(READ, "quantstudio", 192, 176, 6, 240, 0),
    TXT + "appbio_quantstudio_example04.txt": Held(READ, "quantstudio", 95, 91, 6, 240, 0),
    TXT + "appbio_quantstudio_example05.txt": Held(READ, "quantstudio", 16, 10, 2, 6, 0),
    TXT + "appbio_quantstudio_example06.txt": Held(READ, "quantstudio", 9, 9, 9, 9, 0),
    TXT + "appbio_quantstudio_example07.txt": Held(READ, "quantstudio", 16, 13, 8, 24, 0),
    TXT + "appbio_quantstudio_example08.xlsx": Held(READ, "quantstudio", 36, 36, 36, 1800, 0),
    TXT + "appbio_quantstudio_example09.xlsx": Held(READ, "quantstudio", 36, 36, 36, 1800, 0),
    TXT + "example_quantsudio_results_only.txt": Held(READ, "quantstudio", 24, 24),
    DNA + "Diomni_v4.3_Presence_Absence.xlsx": Held(READ, "design_and_analysis", 8, 1, 8, 320, 0),
    DNA + "QS1_Standard_Curve_example01.xlsx": Held(READ, "design_and_analysis", 96, 92, 96, 3840, 0),
    DNA + "QS3_Relative_Quantification_example02.xlsx": Held(
        READ, "design_and_analysis", 156, 152, 156, 6240, 0
    ),
    DNA + "QS5_Standard_Curve_4Plex_example03.xlsx": Held(
        READ, "design_and_analysis", 384, 384, 384, 15360, 0
    ),
    DNA + "QS6Pro_Standard_Curve_example05.xlsx": Held(READ, "design_and_analysis", 384, 383, 384, 15360, 0),
    DNA + "QS7Pro_Multiplex_example08.xlsx": Held(READ, "design_and_analysis", 384, 384, 384, 15360, 0),
    DNA + "QS7Pro_Presence_and_Absence_autoexport.xls": Held(
        READ, "design_and_analysis", 216, 97, 216, 8640, 0
    ),
    DNA + "QS7Pro_Presence_and_Absence_example10.xlsx": Held(
        READ, "design_and_analysis", 168, 130, 168, 6720, 0
    ),
    DNA + "QS7Pro_Primary_Analysis_example18.xlsx": Held(READ, "design_and_analysis", 96, 84),
    DNA + "QS7Pro_Standard_Curve_example14.xlsx": Held(READ, "design_and_analysis", 96, 92, 96, 3840, 0),
    "allotropy/cfxmaestro/example01.csv": Held(READ, "cfx_cq", 48, 48),
    "lighthouse_FIXTURE/MK_sanger_report_200518_2205.csv": Held("no_readings"),
    "lighthouse_FIXTURE/TEST_sanger_report_200515_2205.csv": Held("unknown_format"),
    "lighthouse_FIXTURE/TEST_sanger_report_200518_2207.csv": Held("no_readings"),
    "lighthouse_FIXTURE/TEST_sanger_report_200518_2208_with_whitespace.csv": Held("no_readings"),
    "lighthouse_FIXTURE/lw-randox-biocentre-box-17-00001-with-byte-order-mark.csv": Held(
        READ, "lighthouse", 2, 2
    ),
    "pyqpcr/AppliedBiosystems/raw_data_AB7500.csv": Held(READ, "applied_biosystems", 46, 46, 46, 1840, 0),
    "pyqpcr/AppliedBiosystems/raw_data_AB7500_2.csv": Held(READ, "applied_biosystems", 46, 46),
    "pyqpcr/AppliedBiosystems/raw_data_AB7500_3.csv": Held(READ, "applied_biosystems", 81, 81),
    "pyqpcr/Biorad/raw_data_biorad_MyIq2.csv": Held(READ, "cfx_cq", 75, 55),
    "pyqpcr/Biorad/raw_data_biorad_c1000_2.txt": Held(READ, "cfx_cq", 96, 37),
    "pyqpcr/Cepheid/raw_data_cepheid1.csv": Held(READ, "smartcycler", 56, 25, 56, 2520, 0),
    "pyqpcr/Cepheid/raw_data_cepheid2.csv": Held(READ, "smartcycler", 64, 11, 64, 2880, 0),
    "pyqpcr/Cepheid/raw_data_cepheid3.csv": Held(READ, "smartcycler", 56, 22, 56, 2520, 10),
    "pyqpcr/Eppendorf/raw_data_eppendorf.csv": Held(READ, "eppendorf", 96, 78),
    "pyqpcr/Qiagen/raw_data_corbett1.csv": Held(READ, "rotor_gene", 72, 70),
    "rdmlpython/data_vermeulen_std_150000_15.rdml": Held(READ, "rdml", 960, 0, 960, 47925, 0),
    "rdmlpython/matrix_gaps.rdml": Held(READ, "rdml", 72, 0, 71, 3010, 0),
    "rdmlpython/probes.rdml": Held(READ, "rdml", 504, 0, 504, 33120, 1),
    "rdmlpython/probes_results.tsv": Held("unknown_format"),
    "rdmlpython/shifted_baseline.rdml": Held(READ, "rdml", 144, 72, 144, 8640, 0),
    "rdmlpython/shifted_baseline.tsv": Held(READ, "plain", 144, 72, 144, 8640, 0),
    "rdmlpython/test_mca_1_raw_data.rdml": Held(READ, "rdml", 50, 0),
    "rdmlpython/volume_machine.rdml": Held(READ, "rdml", 172, 0, 172, 7740, 2),
    "rdmlpython/volume_machine_cq.tsv": Held(READ, "plain", 27, 27, 0, 0, 87),
    ED + "Nrd1_calibration_2019-02-02.txt.gz": Held("curves", "lightcycler_raw", 0, 0, 384, 15360, 0),
    ED + "Nrd1_calibration_2019-02-02_Cq.txt.gz": Held(READ, "lightcycler", 384, 279),
    ED + "TxnInhibitors_HS_2018-06-15_plate1.txt.gz": Held("curves", "lightcycler_raw", 0, 0, 384, 15360, 0),
    ED + "TxnInhibitors_HS_2018-06-15_plate1_Cq.txt.gz": Held(READ, "lightcycler", 384, 323),
    GZ + "Stuart_dAgr_glyS_spoVG_5S_individualWells_Cq.txt.gz": Held(READ, "lightcycler", 96, 90),
    GZ + "Stuart_dAgr_glyS_spoVG_5S_individualWells_Cq_select.txt.gz": Held(READ, "plain", 90, 90),
}


def entries() -> list[dict[str, Any]]:
    return json.loads(MANIFEST.read_bytes()) if MANIFEST.exists() else []


def read(name: str) -> RunFile:
    path = FOLDER / name
    return read_run_file(path.read_bytes(), file_name=path.name)


def is_same(reading: WellReading, expected: list[Any]) -> bool:
    """Compare with the manifest's [well, sample, target, dye, task, ct], in which "" is what its reader left out."""
    name, sample, target, dye, kind, ct = expected
    found_well = well(reading.well) if reading.well[1:].isdigit() else reading.well
    return (
        found_well == well(name)
        and sample in ("", reading.sample)
        and target in ("", reading.target)
        and dye in ("", reading.dye)
        and (not kind or task(kind) == reading.task)
        and reading.ct == ct
    )


def test_every_file_has_its_row_in_the_table():
    assert {entry["dest"] for entry in entries()} == set(HELD)


@pytest.mark.parametrize("name", HELD)
def test_a_file_is_read_for_what_it_holds(name: str):
    held = HELD[name]
    if held.kind not in ("readings", "curves", "set_up"):
        with pytest.raises(FileRefused) as refusal:
            read(name)
        assert refusal.value.reason == held.kind
        return
    found = read(name)
    kind = "set_up" if found.set_up_only else "readings" if found.readings else "curves"
    detected = sum(reading.ct is not None for reading in found.readings)
    points = sum(len(curve.cycles) for curve in found.curves)
    assert held == Held(
        kind,
        found.format,
        len(found.readings),
        detected,
        len(found.curves),
        points,
        len(found.problems),
    )


@pytest.mark.parametrize("entry", [e for e in entries() if "probe" in e["expect"]], ids=lambda e: e["dest"])
def test_text_files_give_the_rows_of_an_independent_reader(entry: dict[str, Any]):
    expected, found = entry["expect"], read(entry["dest"])
    probe = expected["probe"]
    detected = [reading for reading in found.readings if reading.ct is not None]
    counts = (len(found.readings), len(detected), len(found.readings) - len(detected))
    assert counts == (probe["n"], probe["detected"], probe["none"])
    assert is_same(found.readings[0], expected["first"])
    assert is_same(found.readings[-1], expected["last"])
    if probe["targets"]:
        # the manifest lists the first six
        targets = sorted({reading.target for reading in found.readings} - {""})
        assert targets[: len(probe["targets"])] == probe["targets"]
    if independent := expected.get("indep_pandas"):
        for reading, (name, ct) in (
            (detected[0], independent["first_det"]),
            (detected[-1], independent["last_det"]),
        ):
            assert (well(reading.well), reading.ct) == (well(name), ct)


@pytest.mark.parametrize("entry", [e for e in entries() if "ct" in e["expect"]], ids=lambda e: e["dest"])
def test_workbooks_give_the_rows_of_an_independent_reader(entry: dict[str, Any]):
    expected, found = entry["expect"]["ct"], read(entry["dest"])
    detected = [reading for reading in found.readings if reading.ct is not None]
    assert (len(found.readings), len(detected)) == (expected["rows"], expected["detected"])
    assert len(found.readings) - len(detected) == expected["not_detected"]
    for reading, key in ((detected[0], "first_detected"), (detected[-1], "last_detected")):
        name, ct = expected[key]
        assert (reading.well, reading.ct) == (well(name), float(ct))
        assert reading.place.sheet == expected["sheet"]
    targets = [reading.target for reading in found.readings]
    assert {target: targets.count(target) for target in set(targets)} == expected["targets"]
    first_row = min(reading.place.row for reading in found.readings)
    assert first_row == expected["header_row_1based"] + 1


@pytest.mark.parametrize("entry", [e for e in entries() if "curve" in e["expect"]], ids=lambda e: e["dest"])
def test_curves_of_workbooks_have_the_values_of_an_independent_reader(entry: dict[str, Any]):
    expected, found = entry["expect"]["curve"], read(entry["dest"])
    assert {len(curve.cycles) for curve in found.curves} == {expected["cycles"]}
    check = expected["check"]
    curve = next(curve for curve in found.curves if curve.well == well(check["well"]))
    assert curve.quantity == "dRn"
    assert curve.values[curve.cycles.index(check["cycle"])] == pytest.approx(check["dRn"], rel=1e-9)


@pytest.mark.parametrize(
    "entry", [e for e in entries() if e["dest"].endswith(".rdml")], ids=lambda e: e["dest"]
)
def test_rdml_gives_the_data_of_an_independent_reader(entry: dict[str, Any]):
    expected, found = entry["expect"], read(entry["dest"])
    assert len(found.readings) == expected["data"]
    written = [reading.raw_ct for reading in found.readings if reading.raw_ct]
    assert len(written) == expected["cq"]
    assert sum(len(curve.cycles) for curve in found.curves) == expected["amplification_points"]
    if written:
        assert (written[0], written[-1]) == (expected["first_cq"], expected["last_cq"])


def test_the_pcr_is_taken_from_a_raw_file_and_the_melt_left():
    for name in HELD:
        if HELD[name].format == "lightcycler_raw":
            curves = read(name).curves
            assert {curve.cycles for curve in curves} == {tuple(map(float, range(1, 41)))}
    first = read(ED + "Nrd1_calibration_2019-02-02.txt.gz").curves[0]
    assert (first.well, first.values[:3], first.values[-1]) == ("A01", (0.59, 0.57, 0.56), 4.87)


def test_a_standard_of_another_run_takes_no_samples_place():
    found = read("pyqpcr/Cepheid/raw_data_cepheid3.csv")
    first = next(reading for reading in found.readings if reading.well == "A1" and reading.dye == "FAM")
    assert (first.sample, first.ct) == ("dotA- 455", 38.93)
    assert {problem.code for problem in found.problems} == {"other_run"}
    assert [problem.place.row for problem in found.problems] == list(range(61, 71))
    alone = read("pyqpcr/Cepheid/raw_data_cepheid1.csv")
    # the same run without the standards: its curves are the same, but for Cy3, whose baseline was drawn anew
    mine, theirs = (
        {(curve.well, curve.target): curve.values for curve in run.curves if curve.target != "Cy3"}
        for run in (found, alone)
    )
    assert len(mine) == 42
    assert mine == theirs


def test_heads_keep_no_paths_and_no_names_of_people():
    for name in HELD:
        if HELD[name].kind in ("readings", "curves", "set_up"):
            for key, value in read(name).information.items():
                if not name.endswith(".rdml"):
                    assert not any(word in key.casefold() for word in ("operator", "user", "exported by"))
                    assert "\\" not in value, (name, key)


def test_what_the_head_says_is_found():
    assert read("pyqpcr/AppliedBiosystems/raw_data_AB7500.csv").started_at == "2010-01-27T19:30:32"
    assert read("pyqpcr/AppliedBiosystems/raw_data_AB7500_3.csv").started_at == "2011-02-27T17:29:36"
    assert read("pyqpcr/Qiagen/raw_data_corbett1.csv").started_at == "2010-09-22T16:33:56"
    diomni = read(DNA + "Diomni_v4.3_Presence_Absence.xlsx")
    assert (diomni.plate, diomni.size) == ("BARCODE1", 384)
    assert diomni.readings[0].flags == ("LOW_PASSIVE_REFERENCE",)
    assert diomni.readings[-1].task == "positive"
    assert diomni.thresholds == {"Globin": 0.04, "T4": 0.03}
