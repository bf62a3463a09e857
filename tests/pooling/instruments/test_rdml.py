"""RDML: real files must give what an independent reader found in them; made ones show each trap."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from lims import codes
from lims.pooling.instruments import rdml
from lims.pooling.instruments.run_file import FileRefused, RunFile

DATA = Path(__file__).parents[4] / "shared" / "data" / "qpcr"
ENTRIES = (
    [entry for entry in json.loads((DATA / "manifest.json").read_text()) if entry["dest"].endswith(".rdml")]
    if DATA.exists()
    else []
)
FORMAT_96 = "<pcrFormat><rows>8</rows><columns>12</columns></pcrFormat>"
GUID = "9c93d5da-1797-44c1-b46c-05d501af4e22"


def real(name: str) -> RunFile:
    path = DATA / name
    if not path.exists():
        pytest.skip("the real files are not here")
    return rdml.read(path.read_bytes())


def curve(cycles: int = 3) -> str:
    return "".join(
        f"<adp><cyc>{cycle}</cyc><fluor>{cycle / 10}</fluor></adp>" for cycle in range(1, cycles + 1)
    )


def react(
    well: str, cq: str | None = None, *, sample: str = "S1", target: str = "N", more: str | None = None
) -> str:
    written = "" if cq is None else f"<cq>{cq}</cq>"
    data = f'<data><tar id="{target}"/>{written}{curve() if more is None else more}</data>'
    return f'<react id="{well}"><sample id="{sample}"/>{data}</react>'


def run(body: str, *, name: str = "Run 1", format: str = FORMAT_96) -> str:
    return f'<run id="{name}">{format}{body}</run>'


def document(
    *runs: str, samples: str = "", targets: str = "", experiment: str = "E", version: str = "1.2"
) -> bytes:
    return (
        f'<rdml version="{version}" xmlns="http://www.rdml.org">{samples}{targets}'
        f'<experiment id="{experiment}">{"".join(runs)}</experiment></rdml>'
    ).encode()


def zipped(content: bytes, name: str = "rdml_data.xml", **more: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, text in more.items():
            archive.writestr(f"{other}.xml", text)
        archive.writestr(name, content)
    return packed.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(FileRefused) as refused:
        rdml.read(content)
    return refused.value.reason


@pytest.mark.skipif(not ENTRIES, reason="the real files are not here")
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["dest"])
def test_real_file_is_read_as_the_independent_reader_did(entry):
    content, expected = (DATA / entry["dest"]).read_bytes(), entry["expect"]
    assert rdml.looks_like(content)
    read = rdml.read(content)
    written = [reading.raw_ct for reading in read.readings if reading.raw_ct]
    assert {
        "version": read.information["version"],
        "data": len(read.readings),
        "cq": len(written),
        "amplification_points": sum(len(found.values) for found in read.curves),
        "first_cq": written[0] if written else None,
        "last_cq": written[-1] if written else None,
    } == {
        key: expected[key] for key in ("version", "data", "cq", "amplification_points", "first_cq", "last_cq")
    }
    assert {problem.code for problem in read.problems} <= {"other_run"}
    assert not read.set_up_only


def test_every_rdml_of_the_manifest_is_there():
    if not DATA.exists():
        pytest.skip("the real files are not here")
    assert len(ENTRIES) == 11


def test_cfx_keeps_a_run_for_each_dye_of_one_plate():
    read = real("RDML_R/BioRad_qPCR_melt.rdml")
    assert {(reading.place.sheet, reading.dye) for reading in read.readings} == {
        ("Amp Step 3_FAM", "FAM"),
        ("Amp Step 3_Cy5", "Cy5"),
    }
    assert read.size == 96
    assert not read.problems


def test_lightcycler_96_writes_100_for_no_ct_and_people_into_the_description():
    read = real("RDML_R/lc96_bACTXY.rdml")
    assert sum(reading.raw_ct == "100" for reading in read.readings) == 58
    none = [reading for reading in read.readings if reading.ct is None]
    assert sorted({reading.raw_ct for reading in none}) == ["100", "68.85", "72.55"]
    assert {r.raw_ct for r in none if r.flags == (rdml.AFTER_THE_END,)} == {"68.85", "72.55"}
    assert "Sample 39" in {reading.sample for reading in read.readings}
    assert not any("-" in reading.sample for reading in read.readings)
    assert {(reading.target, reading.dye) for reading in read.readings} >= {("bACT", "FAM"), ("", "Cy5")}
    assert read.started_at == "2014-08-19T11:30:20"


def test_stepone_writes_the_cycle_count_for_no_ct_and_the_target_behind_the_sample():
    read = real("RDML_R/stepone_std.rdml")
    assert [(r.well, r.sample, r.task) for r in read.readings if r.ct is None] == [
        (well, "NTC", "ntc") for well in ("A01", "A02", "A03")
    ]
    assert {reading.sample for reading in read.readings} == {"NTC", "STD", "pop1", "pop2"}


def test_runs_of_one_plate_with_a_target_each_have_no_problem():
    read = real("rdmlpython/data_vermeulen_std_150000_15.rdml")
    assert len({reading.place.sheet for reading in read.readings}) == 64
    assert not read.problems


def test_runs_of_other_plates_are_told_by_name():
    read = real("rdmlpython/volume_machine.rdml")
    assert [problem.place.sheet for problem in read.problems] == [
        "EMBL Heidelberg DE - 384 Wells: Run 1",
        "EMBL Heidelberg DE - 96 Wells: Run 1",
    ]


@pytest.mark.parametrize(
    ("number", "format", "well"),
    [
        ("1", FORMAT_96, "A01"),
        ("13", FORMAT_96, "B01"),
        ("96", FORMAT_96, "H12"),
        ("25", FORMAT_96.replace(">8<", ">16<").replace(">12<", ">24<"), "B01"),
        ("h12", FORMAT_96, "H12"),
        ("72", "<pcrFormat><rows>1</rows><columns>72</columns></pcrFormat>", "72"),
        ("B3", "<pcrFormat>free format</pcrFormat>", "B03"),
    ],
)
def test_a_reaction_is_numbered_row_by_row_or_named(number, format, well):
    (reading,) = rdml.read(document(run(react(number, "20"), format=format))).readings
    assert reading.well == well


@pytest.mark.parametrize("number", ["0", "97", "I1", "A13", "", "x"])
def test_a_reaction_outside_the_plate_is_a_problem(number):
    read = rdml.read(document(run(react(number, "20") + react("1", "21"))))
    assert [(problem.code, problem.place.sheet) for problem in read.problems] == [("unknown_well", "Run 1")]
    assert [reading.well for reading in read.readings] == ["A01"]


def test_a_number_without_the_width_of_the_plate_is_not_guessed():
    read = rdml.read(document(run(react("13", "20"), format="")))
    assert [problem.code for problem in read.problems] == ["unknown_well"]
    assert not read.readings


@pytest.mark.parametrize(
    ("text", "ct"),
    [(None, None), ("", None), ("31.5", 31.5), ("3.15E1", 31.5), ("100", None), ("100.0", None), ("3", None)],
)
def test_ct(text, ct):
    (reading,) = rdml.read(document(run(react("1", text)))).readings
    assert (reading.ct, reading.raw_ct, reading.flags) == (ct, text or "", ())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NaN", "not_a_ct"),
        ("Undetermined", "not_a_ct"),
        ("31,5", "not_a_ct"),
        ("INF", "not_a_ct"),
        ("1e999", "not_a_ct"),
        ("-1", "ct_out_of_range"),
        ("0", "ct_out_of_range"),
    ],
)
def test_bad_ct_is_a_problem_at_its_place_and_no_reading(text, code):
    read = rdml.read(document(run("\n" + react("1", text) + react("2", "20"))))
    (problem,) = read.problems
    assert (problem.code, problem.place.row, problem.place.column) == (code, 2, "cq")
    assert str(problem).startswith("A01 N: ")
    assert [reading.well for reading in read.readings] == ["A02"]


def test_a_ct_beyond_any_protocol_without_a_curve_is_a_problem():
    (problem,) = rdml.read(document(run(react("1", "68.85", more="")))).problems
    assert problem.code == "ct_out_of_range"


@pytest.mark.parametrize(
    ("points", "code"),
    [
        (
            "<adp><cyc>1</cyc><fluor>0.1</fluor></adp><adp><cyc>2</cyc><fluor>abc</fluor></adp>",
            "not_a_number",
        ),
        ("<adp><cyc>1</cyc></adp>", "not_a_number"),
        ("<adp><cyc>1</cyc><fluor>NaN</fluor></adp>", "not_a_number"),
        (curve() + curve(1), "cycles_out_of_order"),
    ],
)
def test_a_curve_with_a_bad_point_is_left_out_and_told(points, code):
    read = rdml.read(document(run(react("1", "20", more=points))))
    assert [(problem.code, problem.place.column) for problem in read.problems] == [(code, "adp")]
    assert not read.curves
    assert len(read.readings) == 1


def test_sample_types_of_each_target():
    kinds = {
        "unkn": "unknown",
        "ntc": "ntc",
        "ntp": "negative",
        "pos": "positive",
        "std": "standard",
        "nac": "other",
        "nrt": "other",
    }
    samples = "".join(f'<sample id="{kind}"><type>{kind}</type></sample>' for kind in kinds)
    samples += '<sample id="mixed"><type targetId="N">pos</type><type>ntc</type></sample>'
    wells = "".join(
        react(str(place), sample=sample) for place, sample in enumerate([*kinds, "mixed", "nowhere"], start=1)
    )
    wells += react("20", sample="mixed", target="E")
    read = rdml.read(document(run(wells), samples=samples))
    assert [reading.task for reading in read.readings] == [*kinds.values(), "positive", "", "ntc"]


def test_names_of_samples_and_targets():
    samples = f'<sample id="{GUID}"><description>P3K 9F2 C7H</description><type>unkn</type></sample>'
    targets = (
        '<target id="FAM@bACT"><dyeId id="FAM"/></target>'
        f'<target id="Cy5@{GUID}"><dyeId id="Cy5"/></target>'
        '<target id="a@b"><dyeId>HEX</dyeId></target>'
    )
    wells = "".join(
        react(str(place), sample=GUID, target=target)
        for place, target in enumerate(["FAM@bACT", f"Cy5@{GUID}", "a@b", "other"], start=1)
    )
    read = rdml.read(document(run(wells), samples=samples, targets=targets))
    assert {reading.sample for reading in read.readings} == {"P3K 9F2 C7H"}
    assert [(r.target, r.dye) for r in read.readings] == [
        ("bACT", "FAM"),
        ("", "Cy5"),
        ("a@b", "HEX"),
        ("other", ""),
    ]
    assert [found.target for found in read.curves] == ["bACT", "Cy5", "a@b", "other"]


def test_a_name_that_ends_like_a_target_by_chance_is_kept():
    wells = react("1", sample="pool_N") + react("2", sample="other")
    assert [reading.sample for reading in rdml.read(document(run(wells))).readings] == ["pool_N", "other"]


def test_excluded_data_is_omitted():
    read = rdml.read(document(run(react("1", more="<excl>bubble</excl>") + react("2"))))
    assert [reading.omit for reading in read.readings] == [True, False]


def test_two_runs_of_one_plate_and_two_of_different_ones():
    fam = run(react("1", "20", target="N"), name="FAM")
    assert not rdml.read(document(fam, run(react("1", "21", target="E"), name="HEX"))).problems
    again = run(react("1", "21", target="N"), name="again")
    other = run(react("1", "21", target="E", sample="S2"), name="other")
    wide = run(
        react("2", target="E"), name="wide", format=FORMAT_96.replace(">8<", ">16<").replace(">12<", ">24<")
    )
    for second in (again, other, wide):
        read = rdml.read(document(fam, second))
        assert [problem.code for problem in read.problems] == ["other_run"]
        assert len(read.readings) == 2


def test_plate_code_given_to_the_run():
    code = "G000001" + codes.check_characters("G000001")
    assert rdml.read(document(run(react("1"), name=codes.grouped(code)))).plate == code
    assert rdml.read(document(run(react("1")), experiment=code)).plate == code
    assert rdml.read(document(run(react("1")))).plate == ""


def test_a_set_up_without_results_says_so():
    assert rdml.read(document(run(react("1", more="")))).set_up_only
    assert not rdml.read(document(run(react("1", "20", more="")))).set_up_only
    assert not rdml.read(document(run(react("1")))).set_up_only


def test_melt_only_has_readings_and_no_curves():
    read = rdml.read(document(run(react("1", more="<mdp><tmp>60</tmp><fluor>3</fluor></mdp>"))))
    assert (len(read.readings), read.curves, read.problems, read.set_up_only) == (1, (), (), False)


@pytest.mark.parametrize(
    "pack",
    [
        lambda content: content,
        lambda content: b"\xef\xbb\xbf" + content,
        lambda content: content.decode().encode("utf-16"),
        lambda content: b"<?xml version='1.0'?>\n" + content,
        zipped,
        lambda content: zipped(content, "bio_rad_384.xml"),
        lambda content: zipped(content, "folder/x.XML", app_data=b"<other/>"),
        lambda content: (
            content.replace(b"<rdml", b"<r:rdml")
            .replace(b"</rdml", b"</r:rdml")
            .replace(b"xmlns=", b'xmlns="http://www.rdml.org" xmlns:r=')
        ),
    ],
)
def test_containers(pack):
    content = pack(document(run(react("1", "20"))))
    assert rdml.looks_like(content)
    assert rdml.read(content).readings[0].ct == 20


@pytest.mark.parametrize(
    "content",
    [b"", b"well,target,ct\n", b"<html><rdmlx/></html>", b"PK\x03\x04 cut", zipped(b"<a/>", "a.xml")],
)
def test_what_is_not_rdml_does_not_look_like_it(content):
    assert not rdml.looks_like(content)


def test_files_refused_as_a_whole():
    good = document(run(react("1", "20")))
    doctype = b'<!DOCTYPE rdml [<!ENTITY a "b">]>' + good
    assert refusal(b"  ") == "empty"
    assert refusal(good[:-20]) == "damaged"
    assert refusal(zipped(good)[:-40]) == "damaged"
    assert refusal(doctype) == "damaged"
    assert refusal(b'<!DOCTYPE rdml SYSTEM "file:///etc/passwd">' + good) == "damaged"
    assert refusal(b"<?xml version='1.0' encoding='none-such'?>" + good) == "damaged"
    assert refusal(b"<?xml version='1.0' encoding='utf-7'?>" + good) == "damaged"
    assert refusal(b"<other/>") == "unknown_format"
    assert refusal(zipped(b"<other/>", "x.xml")) == "unknown_format"
    assert refusal(document(run(""))) == "no_readings"
    assert refusal(document()) == "no_readings"
    cut = zipped(good)[:-40]
    assert rdml.looks_like(cut)


def test_an_encrypted_archive_is_refused():
    packed = bytearray(zipped(document(run(react("1", "20")))))
    # the flag of encryption, in the member's own head and in the directory
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(packed)) == "encrypted"


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(rdml, "MOST_BYTES", 1000)
    content = document(run(react("1", "20"))) + b" " * 2000
    assert refusal(content) == "too_big"
    assert refusal(zipped(content)) == "too_big"
    lying = bytearray(zipped(content))
    at = lying.index(b"PK\x01\x02") + 24
    lying[at : at + 4] = (100).to_bytes(4, "little")
    assert refusal(bytes(lying)) in ("too_big", "damaged")
