"""Set-up files: written as the notes say, and read back as the plate that was planned."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from lims import codes
from lims.errors import InvalidInput, Refused
from lims.plates import layout, well_names
from lims.pooling import instruments
from lims.pooling.instruments import rdml
from lims.pooling.instruments.matching import match_plate
from lims.pooling.instruments.plate_files import list_formats, plan_of
from lims.pooling.instruments.plate_files.bio_rad import write_dyes
from lims.pooling.instruments.plate_files.pipetting import Transfer, write_transfers
from lims.pooling.instruments.plate_files.planned import to_ascii
from lims.pooling.plate_calls import PlateWell, call_plate
from lims.pooling.seed_assays import cdc_n1_n2_rp, screening_two_targets, three_targets_two_needed

RUN = "G000001" + codes.check_characters("G000001")
KIT = screening_two_targets()
KITS = {"screening": KIT, "CDC": cdc_n1_n2_rp(), "three": three_targets_two_needed()}
CONTROLS = {"screening": ["NTC", "NEC", "PC"], "CDC": ["NTC", "PC", "HSC"], "three": ["NTC", "NEC", "PC"]}
FORMATS = {one.name: one for one in list_formats()}


def pool_code(number: int) -> str:
    body = f"P{number:06}"
    return body + codes.check_characters(body)


def planned(kit: str = "screening", *, pools: int = 20, size: int = 96):
    assay = KITS[kit]
    step = assay.wells_per_pool
    kinds = [kind for kind in CONTROLS[kit] for _ in range(step)]
    laid = layout(size, [pool_code(number) for number in range(pools)], kinds, wells_per_item=step)
    plate = [
        PlateWell(well, None, item) if item in kinds else PlateWell(well, item, None)
        for well, item in laid.items()
    ]
    return plan_of(assay, plate, run_code=RUN, size=size)


def lines(content: bytes) -> list[str]:
    text = content.decode("ascii")
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")
    return text.split("\r\n")[:-1]


def table(content: bytes, *, after: str = "", separator: str = "\t") -> list[dict[str, str]]:
    found = lines(content)
    start = found.index(after) + 1 if after else 0
    return list(csv.DictReader(found[start:], delimiter=separator))


def test_7500_begins_as_its_software_writes():
    plan = planned("three")
    found = lines(FORMATS["7500_fast"].write(plan))
    assert found[:10] == [
        "* Block Type = 96fast",
        "* Chemistry = TAQMAN",
        r"* Experiment File Name = C:\Applied Biosystems\7500\bin\Untitled",
        "* Experiment Run End Time = Not Started",
        "* Instrument Type = sds7500fast",
        "* Passive Reference = ROX",
        "",
        "[Sample Setup]",
        "Well\tSample Name\tSample Color\tBiogroup Name\tBiogroup Color\tTarget Name\tTarget Color\tTask\tReporter\t"
        "Quencher\tQuantity\tComments",
        f'A1\t{pool_code(0)}\t\t\t\tN\t"RGB(139,189,249)"\tUNKNOWN\tVIC\tNone\t\t',
    ]
    plain = lines(FORMATS["7500"].write(plan))
    assert (plain[0], plain[4]) == ("* Block Type = 96alum", "* Instrument Type = sds7500")


def test_7500_has_no_passive_reference_where_a_target_has_its_dye():
    assert "* Passive Reference = None" in lines(FORMATS["7500"].write(planned()))


def test_7500_takes_no_plate_of_384():
    for name in ("7500", "7500_fast"):
        with pytest.raises(Refused):
            FORMATS[name].write(planned(size=384))


def test_quantstudio_begins_as_the_notes_say():
    found = lines(FORMATS["quantstudio"].write(planned()))
    assert found[:5] == [
        "* Block Type = 96-Well 0.2-mL Block",
        "",
        "[Sample Setup]",
        "Well\tWell Position\tSample Name\tSample Color\tBiogroup Name\tBiogroup Color\tTarget Name\tTarget Color\t"
        "Task\tReporter\tQuencher\tQuantity\tComments",
        f"1\tA1\t{pool_code(0)}\t\t\t\tORF1ab\t\tUNKNOWN\tFAM\tNone\t\t",
    ]
    assert lines(FORMATS["quantstudio"].write(planned(size=384)))[0] == "* Block Type = 384-Well Block"


@pytest.mark.parametrize("kit", KITS)
@pytest.mark.parametrize(
    ("name", "size"), [("7500", 96), ("7500_fast", 96), ("quantstudio", 96), ("quantstudio", 384)]
)
def test_applied_biosystems_say_what_is_planned(name, kit, size):
    plan = planned(kit, size=size)
    rows = table(FORMATS[name].write(plan), after="[Sample Setup]")
    position = "Well Position" if name == "quantstudio" else "Well"
    assert [
        (row[position], row["Sample Name"], row["Target Name"], row["Reporter"], row["Task"]) for row in rows
    ] == [
        (w.short_position, w.sample, t.name, t.dye, "NTC" if w.control == "NTC" else "UNKNOWN")
        for w in plan.wells
        for t in w.targets
    ]
    if name == "quantstudio":
        order = well_names(size, "row")
        assert all(
            order[int(row["Well"]) - 1] == f"{row[position][0]}{int(row[position][1:]):02}" for row in rows
        )


@pytest.mark.parametrize("size", [96, 384])
def test_cfx_has_a_file_for_each_dye(size):
    plan = planned(size=size)
    files = write_dyes(plan)
    assert list(files) == ["FAM", "ROX", "VIC"]
    assert lines(files["ROX"])[:2] == [
        "Row,Column,*Target Name,*Sample Name,*Biological Group",
        f"A,1,N,{pool_code(0)},",
    ]
    rows = table(files["FAM"], separator=",")
    assert [f"{row['Row']}{int(row['Column']):02}" for row in rows] == [well.position for well in plan.wells]
    with zipfile.ZipFile(io.BytesIO(FORMATS["cfx"].write(plan))) as archive:
        assert archive.namelist() == [f"{RUN}-{dye}.csv" for dye in files]
        assert archive.read(f"{RUN}-VIC.csv") == files["VIC"]


def test_cfx_has_one_file_where_all_targets_have_one_dye():
    files = write_dyes(planned("CDC"))
    rows = table(files["FAM"], separator=",")
    assert list(files) == ["FAM"]
    assert [row["*Target Name"] for row in rows if row["*Sample Name"] == pool_code(0)] == ["N1", "N2", "RP"]


def test_lightcycler_begins_as_the_notes_say():
    found = lines(FORMATS["lightcycler"].write(planned()))
    assert found[:2] == [
        '"General:Pos"\t"General:Sample Name"\t"General:Repl. Of"\t"General:Filt. Comb."\t"Sample Preferences:Color"\t'
        '"Abs Quant:Sample Type"\t"Abs Quant:Concentration"',
        f'A1\t"{pool_code(0)}"\t""\t465-510\t$00FF378A\t"Unknown"\t',
    ]


def test_lightcycler_has_a_line_for_each_filter_and_knows_controls():
    rows = table(FORMATS["lightcycler"].write(planned()))
    assert [row["General:Filt. Comb."] for row in rows[:3]] == ["465-510", "533-610", "533-580"]
    kinds = {row["General:Sample Name"]: row["Abs Quant:Sample Type"] for row in rows}
    assert {kind: kinds[kind] for kind in ("NTC", "NEC", "PC", pool_code(3))} == {
        "NTC": "Negative Control",
        "NEC": "Negative Control",
        "PC": "Positive Control",
        pool_code(3): "Unknown",
    }
    cdc = table(FORMATS["lightcycler"].write(planned("CDC")))
    assert len(cdc) == 20 * 3 + 9


def test_lightcycler_refuses_a_dye_without_a_filter():
    with pytest.raises(Refused) as refused:
        FORMATS["lightcycler"].write(planned("three"))
    assert refused.value.parameters == {"dyes": "ABY, JUN"}


@pytest.mark.parametrize("size", [96, 384])
@pytest.mark.parametrize("kit", KITS)
def test_rdml_is_read_back_as_planned(kit, size):
    plan = planned(kit, size=size)
    content = FORMATS["rdml"].write(plan)
    assert rdml.looks_like(content)
    read = rdml.read(content)
    assert (read.set_up_only, read.size, read.plate, read.problems) == (True, size, RUN, ())
    tasks = {
        None: "unknown",
        "NTC": "ntc",
        "NEC": "negative",
        "HSC": "negative",
        "PC": "positive",
    }
    assert [(r.well, r.sample, r.target, r.dye, r.task) for r in read.readings] == [
        (w.position, w.sample, t.name, t.dye, tasks[w.control]) for w in plan.wells for t in w.targets
    ]


@pytest.mark.parametrize("size", [96, 384])
def test_plain_csv(size):
    plan = planned(size=size)
    rows = table(FORMATS["plain"].write(plan), separator=",")
    assert lines(FORMATS["plain"].write(plan))[:2] == [
        "well,pool_id,control,target,dye",
        f"A1,{pool_code(0)},,ORF1ab,FAM",
    ]
    assert [(row["well"], row["pool_id"] or row["control"], row["target"]) for row in rows] == [
        (w.short_position, w.sample, t.name) for w in plan.wells for t in w.targets
    ]
    assert {row["control"] for row in rows if not row["pool_id"]} == {"NTC", "NEC", "PC"}


@pytest.mark.parametrize("name", ["7500", "7500_fast", "quantstudio", "rdml"])
def test_what_is_written_is_read_by_the_reader_of_its_family(name):
    """The instrument's own software adds results; here the plate must come back as a set-up, not as negatives."""
    plan = planned()
    read = instruments.read_run_file(FORMATS[name].write(plan), file_name=FORMATS[name].file_name)
    assert read.set_up_only
    assert not read.problems
    samples = {reading.well: reading.sample for reading in read.readings}
    assert not samples or samples == {well.position: well.sample for well in plan.wells}


@pytest.mark.parametrize("name", ["cfx", "lightcycler", "plain"])
def test_a_set_up_is_never_taken_for_results(name):
    plan = planned()
    files = [FORMATS[name].write(plan), *(write_dyes(plan).values() if name == "cfx" else [])]
    for content in files:
        try:
            read = instruments.read_run_file(content, file_name=FORMATS[name].file_name)
        except InvalidInput:
            continue
        assert read.set_up_only


def test_every_format_is_ascii_the_same_each_time_and_named_once():
    plan = planned()
    for one in list_formats():
        content = one.write(plan)
        assert content == one.write(plan)
        assert one.file_name.isascii()
        if not content.startswith(b"PK"):
            assert content.isascii()
    assert len(FORMATS) == len(list_formats()) == len({one.file_name for one in list_formats()})


def test_targets_are_shared_out_where_a_pool_takes_several_wells():
    plan = planned("CDC", pools=2)
    of_pool = [well.targets for well in plan.wells if well.sample == pool_code(1)]
    assert [[target.name for target in targets] for targets in of_pool] == [["N1"], ["N2"], ["RP"]]
    assert {len(well.targets) for well in planned().wells} == {3}


def test_all_targets_stand_in_each_well_where_nobody_says_which():
    kit = replace(KITS["CDC"], wells_per_pool=2)
    plate = [PlateWell("A01", pool_code(0), None), PlateWell("B01", pool_code(0), None)]
    plan = plan_of(kit, plate, run_code=RUN, size=96)
    assert [len(well.targets) for well in plan.wells] == [3, 3]


def test_names_become_ascii_without_separators():
    assert to_ascii('Gen đích "N",\t2;') == "Gen dich N 2"
    assert to_ascii("Δ-N") == "?-N"


def test_pipetting_list():
    steps = [
        Transfer("T000001XX", "R1", "A1", RUN, "A01", 20.0),
        Transfer("T000002XX", "Giá 2", "A, 2", RUN, "B01", 12.346),
    ]
    assert lines(write_transfers(steps)) == [
        "source_barcode,source_rack,source_position,destination_plate,destination_well,volume_ul",
        f"T000001XX,R1,A1,{RUN},A01,20",
        f"T000002XX,Gia 2,A 2,{RUN},B01,12.35",
    ]


@pytest.mark.parametrize("volume", [0.0, -1.0, float("nan"), float("inf")])
def test_a_volume_that_is_none_is_refused(volume):
    with pytest.raises(InvalidInput):
        write_transfers([Transfer("T1", "R1", "A1", RUN, "A01", volume)])


def test_a_plate_set_up_by_rdml_comes_back_with_its_results_and_is_matched():
    """As an instrument does it: the set-up is taken in, each `data` gets its cq, and the whole is exported."""
    laid = layout(96, [pool_code(number) for number in range(12)], ["NTC", "NEC", "PC"])
    plate = [
        PlateWell(well, None, item) if item in ("NTC", "NEC", "PC") else PlateWell(well, item, None)
        for well, item in laid.items()
    ]
    set_up = FORMATS["rdml"].write(plan_of(KIT, plate, run_code=RUN, size=96))
    with zipfile.ZipFile(io.BytesIO(set_up)) as archive:
        root = ElementTree.fromstring(archive.read("rdml_data.xml"))
    space = "{http://www.rdml.org}"
    for react in root.iter(f"{space}react"):
        sample = react.find(f"{space}sample").get("id")
        for data in react.iter(f"{space}data"):
            target = data.find(f"{space}tar").get("id")
            if target == "IC" and sample != "NTC":
                ElementTree.SubElement(data, f"{space}cq").text = "25.5"
            elif sample in ("PC", pool_code(7)):
                ElementTree.SubElement(data, f"{space}cq").text = "30.25"
    matched = match_plate(KIT, plate, rdml.read(ElementTree.tostring(root)), size=96, run_code=RUN)
    assert (matched.problems, matched.by) == ((), "barcode")
    called = call_plate(KIT, plate, matched.readings)
    assert called.valid
    found = {well.pool for well in plate if well.pool and called.calls[well.position].finding == "detected"}
    assert found == {pool_code(7)}
