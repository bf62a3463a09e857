"""Families of instruments by small files made by hand after the notes, and the traps that real files set."""

# the lines of files stand here as they are in the files
# ruff: noqa: E501

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import xlsxwriter
from click.testing import CliRunner

from lims.errors import InvalidInput
from lims.pooling.instrument_commands import instruments_group
from lims.pooling.instruments import cells, read_run_file
from lims.pooling.instruments.column_map import FIELDS, ColumnMap, preview, read_mapped
from lims.pooling.instruments.run_file import FileRefused, RunFile
from lims.pooling.instruments.tables import find_delimiter

QUANTSTUDIO = """* Block Type = 96-Well Block (0.2mL)
* Experiment Barcode = PL0042
* Experiment File Name = D:\\Users\\Nguyen Thi Hoa\\Covid\\plate 42.eds
* Experiment Run End Time = 2021-08-25 13:03:42 PM EST
* Instrument Type = QuantStudio(TM) 5 System
* User Name = hoa

[Results]
Well	Well Position	Omit	Sample Name	Target Name	Task	Reporter	CT	Ct Mean	Ct Threshold	BADROX	EXPFAIL
1	A1	false	P3K9F2C7H	N	UNKNOWN	FAM	31.5	31.4	0.2	N	N
1	A1	false	P3K9F2C7H	RP	UNKNOWN	VIC	27.25	27.2	0.1	N	N
13	B1	true	P3K9F2C8G	N	UNKNOWN	FAM	Undetermined		0.2	Y	Y
14	B2	false		N	NTC	FAM	Undetermined		0.2	N	N
15	B3	false
Analysis Type = Singleplex
Endogenous Control = RP
RQ Min/Max Confidence Level	95
Reference Sample	P3K9F2C7H
"""


def cts(found: RunFile) -> list[tuple[str, str, float | None]]:
    return [(reading.well, reading.target or reading.dye, reading.ct) for reading in found.readings]


def codes_of(found: RunFile) -> list[str]:
    return [problem.code for problem in found.problems]


def read_text(text: str, file_name: str = "") -> RunFile:
    return read_run_file(text.encode(), file_name=file_name)


def refused(content: bytes) -> str:
    with pytest.raises(FileRefused) as refusal:
        read_run_file(content)
    return refusal.value.reason


def workbook(**sheets: list[list[object]]) -> bytes:
    """Write a workbook; of a sheet's name the two underscores are a blank."""
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name.replace("__", " "))
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, row)
    return packed.getvalue()


def rows_of(text: str) -> list[list[object]]:
    return [list(line.split("\t")) for line in text.split("\n")]


EXPECTED = [("A01", "N", 31.5), ("A01", "RP", 27.25), ("B01", "N", None), ("B02", "N", None)]


class TestQuantStudio:
    def test_results_are_read_and_the_foot_is_not(self):
        found = read_text(QUANTSTUDIO)
        assert cts(found) == EXPECTED
        assert found.problems == (), "a row of a well without target and sample is an empty well"
        assert (found.format, found.size, found.plate) == ("quantstudio", 96, "PL0042")
        assert found.started_at == "2021-08-25T13:03:42"
        assert found.thresholds == {"N": 0.2, "RP": 0.1}
        assert found.information["empty wells"] == "1"
        assert found.information["RQ Min/Max Confidence Level"] == "95"
        assert found.information["Experiment File Name"] == "plate 42.eds"
        assert "hoa" not in json.dumps(dict(found.information)).casefold()

    def test_marks_and_omitted_wells_are_kept(self):
        third = read_text(QUANTSTUDIO).readings[2]
        assert (third.flags, third.omit, third.raw_ct) == (("BADROX", "EXPFAIL"), True, "Undetermined")
        assert third.place.sheet == "Results"
        assert third.place.row == QUANTSTUDIO[: QUANTSTUDIO.index("13\tB1")].count("\n") + 1

    @pytest.mark.parametrize(
        "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252", "cp1258"]
    )
    def test_any_encoding_is_read(self, encoding: str):
        written = (
            QUANTSTUDIO.replace("P3K9F2C8G", "P3K°") if encoding in ("latin-1", "cp1252") else QUANTSTUDIO
        )
        found = read_run_file(written.encode(encoding))
        assert cts(found) == EXPECTED
        assert found.readings[2].sample in ("P3K9F2C8G", "P3K°")

    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
    def test_any_newline_and_delimiter_is_read(self, newline: str, delimiter: str):
        written = QUANTSTUDIO.replace("\t", delimiter).replace("\n", newline)
        assert cts(read_run_file(written.encode())) == EXPECTED

    @pytest.mark.parametrize("delimiter", ["\t", ";"])
    def test_a_comma_may_be_the_decimal_sign(self, delimiter: str):
        head, table = QUANTSTUDIO.split("[Results]")
        written = head + "[Results]" + table.replace(".", ",").replace("\t", delimiter)
        assert cts(read_run_file(written.encode())) == EXPECTED

    def test_gzip_is_unpacked(self):
        assert cts(read_run_file(gzip.compress(QUANTSTUDIO.encode()))) == EXPECTED
        assert refused(gzip.compress(QUANTSTUDIO.encode())[:-30]) == "damaged"

    def test_a_workbook_under_any_name_is_read(self):
        head, table = QUANTSTUDIO.split("[Results]\n")
        rows = [line.removeprefix("* ").split(" = ") for line in head.split("\n")]
        content = workbook(Results=[*rows, *rows_of(table)])
        found = read_run_file(content, file_name="results.csv")
        assert cts(found) == EXPECTED
        assert found.plate == "PL0042"

    def test_the_letter_t_of_ct_may_be_cyrillic(self):
        assert cts(read_text(QUANTSTUDIO.replace("\tCT\t", "\tCт\t"))) == EXPECTED

    def test_numbers_of_wells_are_of_the_block(self):
        written = (
            "* Block Type = 384-Well Block\n* Instrument Type = ViiA 7\n\n[Results]\n"
            "Well\tSample Name\tTarget Name\tTask\tCT\n25\tx\tN\tUNKNOWN\t20\n384\ty\tN\tUNKNOWN\t21\n"
        )
        assert [reading.well for reading in read_text(written).readings] == ["B01", "P24"]
        small = written.replace("384-Well", "96-Well").replace("384\ty", "96\ty")
        assert [reading.well for reading in read_text(small).readings] == ["C01", "H12"]

    def test_curves_by_number_find_their_wells(self):
        written = QUANTSTUDIO.replace("* Block Type = 96-Well Block (0.2mL)\n", "") + (
            "\n[Amplification Data]\nWell\tCycle\tTarget Name\tRn\tDelta Rn\n"
            "13\t1\tN\t1.5\t0.01\n13\t2\tN\t1.6\t1,234.5\n15\t1\n14\t1\tN\t1.5\t?\n"
        )
        found = read_text(written)
        assert [(curve.well, curve.target, curve.cycles, curve.values) for curve in found.curves] == [
            ("B01", "N", (1.0, 2.0), (0.01, 1234.5))
        ]
        assert codes_of(found) == ["not_a_number"]
        assert found.problems[0].parameters == {"count": 1}

    def test_a_set_up_that_names_other_targets_is_told(self):
        written = QUANTSTUDIO.replace(
            "[Results]",
            "[Sample Setup]\nWell\tWell Position\tSample Name\tTarget Name\tTask\tReporter\n"
            "1\tA1\tP3K9F2C7H\tN1\tUNKNOWN\tFAM\n1\tA1\tP3K9F2C7H\tRP\tUNKNOWN\tVIC\n\n[Results]",
        )
        found = read_text(written)
        assert cts(found) == EXPECTED
        assert codes_of(found) == ["sheets_disagree"]
        assert "A01" in str(found.problems[0])
        assert "N1, RP" in str(found.problems[0])

    def test_a_set_up_alone_is_no_result(self):
        found = read_text(
            "* Instrument Type = sds7500\n\n[Sample Setup]\nWell\tSample Name\tTarget Name\tTask\n"
            "A1\tP3K9F2C7H\tN\tUNKNOWN\n"
        )
        assert found.set_up_only
        assert cts(found) == [("A01", "N", None)]

    def test_a_row_that_is_none_is_told_with_its_place(self):
        written = QUANTSTUDIO.replace("13\tB1\ttrue", "13\tZ9\ttrue").replace("\t27.25\t", "\t27.2x5\t")
        found = read_text(written)
        assert cts(found) == [EXPECTED[0], EXPECTED[3]]
        assert codes_of(found) == ["not_a_ct", "unknown_well"]
        assert [(one.place.row, one.place.column) for one in found.problems] == [
            (11, "CT"),
            (12, "Well Position"),
        ]

    @pytest.mark.parametrize(
        ("ct", "code"), [("75.2", "ct_out_of_range"), ("-3", "ct_out_of_range"), ("?", "not_a_ct")]
    )
    def test_a_ct_that_is_none_makes_no_reading(self, ct: str, code: str):
        found = read_text(QUANTSTUDIO.replace("\t31.5\t", f"\t{ct}\t"))
        assert cts(found) == EXPECTED[1:]
        assert codes_of(found) == [code]

    def test_a_well_twice_is_told(self):
        line = QUANTSTUDIO.split("\n")[9]
        found = read_text(QUANTSTUDIO.replace(line, f"{line}\n{line.replace('31.5', '12.0')}"))
        assert cts(found) == EXPECTED
        assert codes_of(found) == ["duplicate"]

    @pytest.mark.parametrize("cut", range(1, 30))
    def test_a_file_cut_off_in_a_row_never_makes_a_reading_of_the_half_row(self, cut: int):
        whole = QUANTSTUDIO[: QUANTSTUDIO.index("13\tB1")]
        row = "13\tB1\tfalse\tP3K9F2C8G\tN\tUNKNOWN\tFAM\t31.25\t31.2\t0.2\tN\tN"
        found = read_text(whole + row[:-cut])
        assert cts(found)[:2] == EXPECTED[:2]
        assert all(ct in (None, 31.25) for _, _, ct in cts(found)[2:])
        if row[:-cut].count("\t") < row.count("\t"):
            assert len(found.readings) == 2
            assert len(found.problems) == 1


class TestOlderAppliedBiosystems:
    def test_a_french_stepone_without_task_is_read(self):
        written = (
            "* Block Type = 96well\n* Instrument Type = steponeplus\n\n[Results]\n"
            "Well\tSample Name\tTarget Name\tCт\tCт Mean\tHIGHSD\nA1\teau\tN\t19,7085\t19,7\tY\nH12\t\tN\tUndetermined\t\tN\n"
        )
        found = read_text(written)
        assert cts(found) == [("A01", "N", 19.7085), ("H12", "N", None)]
        assert found.readings[0].flags == ("HIGHSD",)
        assert found.readings[0].task == ""

    def test_an_rq_study_in_latin_1_says_undet(self):
        written = "Plate Type: RQ Study\nTm at 60 °C\n\nWell,Sample Name,Detector,Task,Ct\nA1,mẫu,N,Unknown,Undet.\nA2,é,N,NTC,38.4\n"
        content = written.replace("ẫ", "a").encode("latin-1")
        assert cts(read_run_file(content)) == [("A01", "N", None), ("A02", "N", 38.4)]

    def test_sds_of_the_7900_counts_wells(self):
        written = "SDS 2.3\tAQ Results\t1\nPlate Type\t384 Wells Plate\n\nWell\tSample Name\tDetector Name\tTask\tCt\n1\tA1\tN\tUnknown\t25.5\n384\tP24\tN\tUnknown\tUndetermined\n"
        assert cts(read_text(written)) == [("A01", "N", 25.5), ("P24", "N", None)]

    def test_genotypes_are_two_targets_a_well(self):
        written = (
            "[Results]\nWell\tWell Position\tSample Name\tSNP Assay Name\tTask\tAllele1 Ct\tAllele2 Ct\n"
            "1\tA1\ts\tCYP\tUNKNOWN\t27.5\tUndetermined\n"
        )
        assert cts(read_text(written)) == [("A01", "CYP-Allele 1", 27.5), ("A01", "CYP-Allele 2", None)]

    def test_an_experiment_counts_wells_from_0_and_says_40_for_no_ct(self):
        lines = ["Well\tSample Name\tDetector\tTask\tCt\tAvg Ct"]
        for well, ct in ((0, "40.0"), (24, "33.1")):
            lines.append(f"{well}\tP3K\tN\tUNKNOWN\t{ct}\t")
            lines.append("Rn values\t" + "\t".join(["1.0"] * 40))
            lines.append("Delta Rn values\t" + "\t".join(str(number / 100) for number in range(40)))
            lines.append("DDCT Values\t")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("apldbio/sds/analysis_result.txt", "\n".join(lines))
        found = read_run_file(packed.getvalue())
        assert cts(found) == [("A01", "N", None), ("C01", "N", 33.1)]
        assert [(curve.well, len(curve.cycles), curve.values[-1]) for curve in found.curves] == [
            ("A01", 40, 0.39),
            ("C01", 40, 0.39),
        ]

    def test_of_a_newer_experiment_the_export_is_asked_for(self):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("primary/analysis_result.json", "{}")
        assert refused(packed.getvalue()) == "no_readings"


class TestDesignAndAnalysis:
    TABLE = (
        "Well\tWell Position\tOmit\tSample\tTarget\tTask\tReporter\tAmp Status\tResult Quality Issues\tCq\tThreshold\n"
        "1\tA1\tFALSE\tP3K\tN\tUNKNOWN\tFAM\tAMP\t\t31.5\t0.2\n"
        "25\tB1\tFALSE\tP4K\tN\tPOSITIVE_CONTROL\tFAM\tINCONCLUSIVE\tLOW_ROX, NOISE\tUNDETERMINED\t0.2"
    )

    def test_wells_are_numbers_in_one_sheet_and_names_in_another(self):
        curves = "Well\tWell Position\tCycle Number\tTarget\tRn\tdRn\n25\tB1\t1\tN\t1.0\t0.5"
        called = "Well\tOmit\tSample\tTarget\tTask\tCall\tCq\nA1\tFALSE\tP3K\tN\tUNKNOWN\tPresence\t31.5"
        content = workbook(
            Results=[["Block Type", "384-Well Block"], ["Operator", "hoa"], [], *rows_of(self.TABLE)],
            Amplification__Data=rows_of(curves),
            Target__Call=rows_of(called),
        )
        found = read_run_file(content)
        assert (found.format, found.size) == ("design_and_analysis", 384)
        assert cts(found) == [("A01", "N", 31.5), ("B01", "N", None)]
        assert found.readings[1].flags == ("LOW_ROX", "NOISE", "INCONCLUSIVE")
        assert found.readings[1].task == "positive"
        assert [(curve.well, curve.values) for curve in found.curves] == [("B01", (0.5,))]
        assert "hoa" not in found.information.values()

    def test_a_text_with_marked_lines_is_read(self):
        found = read_text("# Block Type: 384-Well Block\n# Barcode: X1\n\n" + self.TABLE + "\n")
        assert cts(found) == [("A01", "N", 31.5), ("B01", "N", None)]
        assert (found.size, found.plate) == (384, "X1")


class TestCfx:
    CQ = (
        ",Well,Fluor,Target,Content,Sample,Biological Set Name,Cq,Cq Mean\n"
        ",A01,FAM,N,Unkn-01,P3K,,31.5,31.5\n,A01,HEX,RP,Unkn-01,P3K,,27.2,27.2\n"
        ",B01,FAM,N,NTC-01,,,NaN,0\n,H12,FAM,N,Pos Ctrl-1,206,,22.0,22.0\n,G12,FAM,N,NRT,,,,\n"
    )
    EXPECTED = [
        ("A01", "N", 31.5),
        ("A01", "RP", 27.2),
        ("B01", "N", None),
        ("H12", "N", 22.0),
        ("G12", "N", None),
    ]

    def test_content_is_the_task_and_controls_without_a_sample_stay(self):
        found = read_text(self.CQ.replace("\n", "\r\n"))
        assert cts(found) == self.EXPECTED
        assert [reading.task for reading in found.readings] == [
            "unknown",
            "unknown",
            "ntc",
            "positive",
            "other",
        ]
        assert found.readings[3].sample == "206"

    def test_the_european_form_is_read(self):
        european = self.CQ.replace(",", ";").replace(".", ",")
        assert cts(read_text(european)) == self.EXPECTED

    def test_numeric_samples_of_a_workbook_stay_as_they_look(self):
        rows: list[list[object]] = [list(line.split(",")) for line in self.CQ.strip().split("\n")]
        rows[4][5] = 206.0
        found = read_run_file(workbook(**{"0": rows}))
        assert [reading.sample for reading in found.readings] == ["P3K", "P3K", "", "206", ""]

    def test_amplification_is_wide_and_its_dye_in_the_name(self):
        written = ",Cycle,A1,A2,P24\n,1,-1.5,2.0,3\n,2,0.5,,4\n"
        found = read_text(written, "run -  Quantification Amplification Results_Texas Red.csv")
        assert [(curve.well, curve.target, curve.values) for curve in found.curves] == [
            ("A01", "Texas Red", (-1.5, 0.5)),
            ("A02", "Texas Red", (2.0,)),
            ("P24", "Texas Red", (3.0, 4.0)),
        ]
        assert (found.format, found.size, codes_of(found)) == ("cfx_amplification", 384, ["not_a_number"])

    def test_xml_of_the_opus_is_read(self):
        row = "<Row><Well>{}</Well><Fluor>FAM</Fluor><Target>N</Target><Content>{}</Content><Sample>P3K</Sample><Cq>{}</Cq><Cq_x0020_Mean>1</Cq_x0020_Mean></Row>"
        written = f'<?xml version="1.0" encoding="utf-16"?><_x0030_>{row.format("A01", "Unkn-01", "31.5")}{row.format("B01", "NTC", "NaN")}</_x0030_>'
        for encoding in ("utf-8", "utf-16"):
            assert cts(read_run_file(written.encode(encoding))) == [("A01", "N", 31.5), ("B01", "N", None)]
        curves = "<FAM><Row><Cycle>1</Cycle><A1>5.5</A1><B12>6</B12></Row><Row><Cycle>2</Cycle><A1>7</A1><B12>8</B12></Row></FAM>"
        found = read_text(curves)
        assert [(curve.well, curve.target, curve.values) for curve in found.curves] == [
            ("A01", "FAM", (5.5, 7.0)),
            ("B12", "FAM", (6.0, 8.0)),
        ]

    def test_a_melt_table_alone_is_refused_by_name(self):
        assert refused(b",Temperature,A1,A2\n,65,1,2\n,65.5,1,2\n") == "melt_only"


class TestRoche:
    def test_the_table_of_cp_keeps_marks_and_left_out_wells(self):
        written = (
            "Experiment: P42  Selected Filter: FAM (465-510)\nInclude\tColor\tPos\tName\tCp\tConcentration\tStandard\tStatus\n"
            "True\t255\tA1\tP3K\t31,5\t\t0\t\nTrue\t65280\tA2\tP4K\t\t\t0\t\nFalse\t255\tA3\tP5K\t39.9\t\t0\t>\n"
        )
        found = read_text(written)
        assert [reading.ct for reading in found.readings] == [31.5, None, 39.9]
        assert [reading.omit for reading in found.readings] == [False, False, True]
        assert found.readings[2].flags == (">",)
        assert {reading.dye for reading in found.readings} == {"FAM (465-510)"}

    def test_the_sql_like_table_is_read(self):
        written = (
            '"Experiment Name"\t"Analysis Name"\tIncluded\tPosition\t"SampleName"\tCrossingPoint\tCall\tCpUncertain\n'
            '"e"\t"a"\tTrue\tA1\t"P3K"\t31.5\tpdcPositive\tTrue\n"e"\t"a"\tTrue\tB1\t"P4K"\t\tpdcNegative\tFalse\n'
        )
        found = read_text(written)
        assert [(reading.well, reading.ct, reading.flags) for reading in found.readings] == [
            ("A01", 31.5, ("pdcPositive", "uncertain")),
            ("B01", None, ("pdcNegative",)),
        ]

    def test_xml_is_read(self):
        sample = '<AnalysisSample><prop name="Position">{}</prop><prop name="CrossingPoint">{}</prop></AnalysisSample>'
        written = f"<analyses><analysis><AnalysisSamples>{sample.format('A1', '31.5')}{sample.format('B2', '')}</AnalysisSamples></analysis></analyses>"
        assert [(r.well, r.ct) for r in read_run_file(written.encode("utf-16")).readings] == [
            ("A01", 31.5),
            ("B02", None),
        ]

    def test_a_raw_file_of_a_melt_alone_is_refused(self):
        lines = ["SamplePos\tSampleName\tProg#\tSeg#\tCycle#\tTime\tTemp\t465-510"]
        lines += [f"A1\tx\t3\t1\t1\t{time}\t60\t5" for time in range(50)]
        assert refused("\n".join([*lines, ""]).encode()) == "melt_only"

    def test_a_cobas_file_is_never_read_as_no_ct(self):
        written = (
            '"Order Number"\t"Sample ID"\t"Sample Type"\t"Test"\t"Result"\t"Unit"\t"Flags"\t"Accepted Date/Time"\n'
            '"1"\t"P3K"\t"S"\t"HCV"\t"Target Not Detected"\t""\t""\t""\n"2"\t"P4K"\t"S"\t"HCV"\t"7.95E+2 (2.90) "\t""\t""\t""\n'
        )
        assert refused(written.encode()) == "no_readings"


class TestOthers:
    def test_rotor_gene_has_a_block_a_channel_and_no_plate(self):
        block = '"Quantitative analysis of Cycling A.{} (Page 1)"\n\n"No.";"Name";"Type";"Ct";"Given Conc (ng/ul)"\n"A1";"P3K";"Unknown";"{}";""\n"72";"NTC";"NTC";"";""\n\n'
        written = (
            '"Date";"22/09/2010"\n"Time";"16:33:56"\n'
            + block.format("Green", "31,5")
            + block.format("Yellow", ",08")
        )
        found = read_text(written)
        assert [(r.well, r.dye, r.ct) for r in found.readings] == [
            ("A1", "Green", 31.5),
            ("72", "Green", None),
            ("A1", "Yellow", 0.08),
            ("72", "Yellow", None),
        ]
        assert (found.size, found.started_at) == (None, "2010-09-22T16:33:56")

    def test_mxpro_pads_with_blanks_and_says_no_ct(self):
        written = (
            "Well\tWell Name\tWell Type\tReplicate\tThreshold (dRn)\tCt (dRn)\n"
            "A1 \tP3K   \tUnknown \t1\t0.05\t31.5 \nA2 \t  \tNTC \t-\t0.05\tNo Ct \n"
        )
        found = read_text(written)
        assert [(r.well, r.sample, r.task, r.ct) for r in found.readings] == [
            ("A01", "P3K", "unknown", 31.5),
            ("A02", "", "ntc", None),
        ]

    def test_mxpro_plots_are_read(self):
        rows = [
            ["A1, Repl. 1, P3K, FAM", "", "B1, Repl. 2, x, y, HEX", ""],
            ["Cycles", "Fluorescence (dRn)"] * 2,
        ]
        rows += [[cycle, cycle / 10, cycle, cycle / 5] for cycle in (1, 2)]
        found = read_run_file(workbook(Chart=rows))
        assert [(c.well, c.target, c.values) for c in found.curves] == [
            ("A01", "FAM", (0.1, 0.2)),
            ("B01", "HEX", (0.2, 0.4)),
        ]

    def test_eppendorf_has_a_column_a_dye(self):
        written = '"Pos";"Name";"Ct FAM";"Ct Mean FAM";"Target FAM";"Ct HEX";"Target HEX"\n"A1";"P3K";31,50;31,5;"N";27,2;"RP"\n"H12";"";"";"";"";"";""\n'
        found = read_text(written)
        assert [(r.well, r.target, r.dye, r.ct) for r in found.readings] == [
            ("A01", "N", "FAM", 31.5),
            ("H12", "", "FAM", None),
            ("A01", "RP", "HEX", 27.2),
            ("H12", "", "HEX", None),
        ]

    def test_lighthouse_channels_are_targets(self):
        written = (
            "\ufeffRoot Sample,RNA ID,Result,Date Tested,Lab ID,CH1-Target,CH1-Result,CH1-Cq,CH2-Target,CH2-Result,CH2-Cq\n"
            " P3K ,PL_A09,Positive,2021-04-16 14:30:40 UTC,MK,N,Positive,23.0,S,Negative,\n"
            "P4K,PL_A10,Positive,2021-04-16 14:30:40 UTC,MK,N,Positive,,S,Inconclusive,39.9\n"
        )
        found = read_text(written)
        assert cts(found) == [("A09", "N", 23.0), ("A09", "S", None), ("A10", "S", 39.9)]
        assert found.readings[2].flags == ("Inconclusive",)
        assert codes_of(found) == ["not_a_ct"], "positive without a Cq is no negative"
        assert (found.plate, found.readings[0].sample) == ("PL", "P3K")

    def test_slan_has_a_row_a_channel(self):
        titles = ["反应孔", "", "样本编号", *[""] * 6, "样本类型", "", "", "Ct"]
        rows: list[list[object]] = [["实验", "P42"], [], ["日期", "2021-08-25 10:00:00"], *[[]] * 10, titles]
        for well, sample, cts_ in (("A1", "P3K", ("31.5", "NoCt")), ("B1", "NC", ("-", "27.2"))):
            for place, ct in enumerate(cts_):
                rows.append(
                    [
                        well if not place else "",
                        "",
                        sample,
                        *[""] * 6,
                        "阴性对照" if sample == "NC" else "",
                        "",
                        "",
                        ct,
                    ]
                )
        found = read_run_file(workbook(实验数据=rows))
        assert [(r.well, r.sample, r.dye, r.ct) for r in found.readings] == [
            ("A01", "P3K", "FAM", 31.5),
            ("A01", "P3K", "VIC", None),
            ("B01", "NC", "FAM", None),
            ("B01", "NC", "VIC", 27.2),
        ]
        assert found.readings[2].task == "negative"
        assert found.started_at == "2021-08-25T10:00:00"

    def test_molarray_and_the_unnamed_export_are_read_by_their_places(self):
        data: list[list[object]] = [
            ["x"],
            ["Well", "", "", "Sample", "", "Ct"],
            ["A1", "", "", "P3K", "", 31.5],
        ]
        found = read_run_file(
            workbook(**{"Data&Graph": data, "Protocol&Plate": [[], [], ["", "2021-08-25"]]})
        )
        assert (cts(found), found.started_at) == ([("A01", "FAM", 31.5)], "2021-08-25")
        unnamed: list[list[object]] = [
            ["孔位", *[""] * 3, "Ct", *[""] * 5, "样本号"],
            ["B2", *[""] * 3, "NoCt", *[""] * 5, "P3K"],
        ]
        found = read_run_file(workbook(定量结果=unnamed, 样本信息=[["x"]]))
        assert [(r.well, r.sample, r.ct) for r in found.readings] == [("B02", "P3K", None)]

    def test_a_plain_table_in_vietnamese_is_read(self):
        found = read_text("Giếng;Mẫu;Gen đích;Giá trị Ct\nA1;P3K;N;31,5\nA2;P4K;N;không có\n")
        assert cts(found) == [("A01", "N", 31.5), ("A02", "N", None)]

    def test_opticon_leaves_two_rows_blank_under_its_titles(self):
        found = read_text("Well,Description,C(t)\n\n\nA1,P3K,31.5\nA2,NTC,None\n")
        assert [(r.well, r.sample, r.ct) for r in found.readings] == [
            ("A01", "P3K", 31.5),
            ("A02", "NTC", None),
        ]

    def test_eco_has_a_mark_and_short_rows(self):
        found = read_text(
            "\ufeffWell,Sample Name,Assay Name,Cq,Cq Mean,Notes\nA1,P3K,N,31.5\nA2,P4K,N\nA3,P5K,N,\n"
        )
        assert cts(found) == [("A01", "N", 31.5), ("A03", "N", None)]
        assert codes_of(found) == ["cut_off"], "a row that ends before its Cq is not a negative"

    def test_rows_of_another_run_are_told(self):
        found = read_text("Run\tWell\tTarget\tCq\n1\tA1\tN\t31.5\n2\tA1\tN\t12.0\n")
        assert cts(found) == [("A01", "N", 31.5)]
        assert codes_of(found) == ["other_run"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "empty"),
            (b" \r\n\t", "empty"),
            (b"Lieber Herr Doktor,\nanbei die Werte.\n", "unknown_format"),
            (b"This, Content, Is, Not, Valid\n", "unknown_format"),
            (b"\x00\x01\x02" * 400, "unknown_format"),
            (b"PK\x03\x04 and no more", "damaged"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000), "damaged"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
            (b"<html><table><tr><td>Well</td></tr></table></html>", "unknown_format"),
            (b"x" * (20 * 1024 * 1024 + 1), "too_big"),
        ],
    )
    def test_each_has_its_word(self, content: bytes, reason: str):
        assert refused(content) == reason

    def test_an_archive_of_something_else_is_of_no_known_format(self):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("photo.jpg", b"x")
        assert refused(packed.getvalue()) == "unknown_format"


class TestCells:
    @pytest.mark.parametrize(
        ("cell", "size", "name"),
        [
            ("A1", 96, "A01"),
            ("a01", 96, "A01"),
            ("<H12>", 96, "H12"),
            ("13 B1", 96, "B01"),
            (" P24 ", None, "P24"),
            ("13", 96, "B01"),
            (13.0, 96, "B01"),
            ("25.0", 384, "B01"),
            ("97", None, "E01"),
            ("B:07", 96, "B07"),
        ],
    )
    def test_a_well_in_any_spelling(self, cell: object, size: int | None, name: str):
        assert cells.well(cell, size) == name

    @pytest.mark.parametrize(
        ("cell", "size"),
        [("A13", 96), ("I1", 96), ("97", 96), ("0", 96), ("Q1", 384), ("A", 96), ("", 96), ("385", 384)],
    )
    def test_no_well_is_refused(self, cell: object, size: int):
        with pytest.raises(InvalidInput):
            cells.well(cell, size)

    @pytest.mark.parametrize(
        ("cell", "value"),
        [
            (",08", 0.08),
            ("19,7085", 19.7085),
            ("36,431.130", 36431.13),
            ("1.234,5", 1234.5),
            ("1,234,567", 1234567.0),
            ("\u22123.5", -3.5),
            ("1E-3", 0.001),
            (5, 5.0),
            ("1_000", None),
            ("nan", None),
            (float("inf"), None),
            (True, None),
            ("", None),
        ],
    )
    def test_a_number_in_any_spelling(self, cell: object, value: float | None):
        assert cells.number(cell) == value

    @pytest.mark.parametrize(
        ("written", "moment"),
        [
            ("2016-08-25 02:19:21 AM EDT", "2016-08-25T02:19:21"),
            ("2021-08-25 13:03:42 PM PDT", "2021-08-25T13:03:42"),
            ("2021-08-25 12:03:42 AM", "2021-08-25T00:03:42"),
            ("Sunday, February 27, 2011 17:29:36", "2011-02-27T17:29:36"),
            ("Oct 11, 2010 11:54 AM", "2010-10-11T11:54:00"),
            ("22/09/2010", "2010-09-22"),
            ("09/22/2010 16:33", "2010-09-22T16:33:00"),
            ("03/04/2021", None),
            ("2020-04-16 14:30:40 UTC", "2020-04-16T14:30:40+00:00"),
            ("Not Started", None),
            ("2021-02-31", None),
        ],
    )
    def test_a_moment_in_any_spelling(self, written: str, moment: str | None):
        assert cells.moment(written) == moment

    @pytest.mark.parametrize(
        ("written", "task"),
        [
            ("Unkn-01", "unknown"),
            ("UNKNOWN", "unknown"),
            ("NTC-2", "ntc"),
            ("Neg Ctrl", "negative"),
            ("POSITIVE_CONTROL", "positive"),
            ("PC_ALLELE_1", "positive"),
            ("Std-1", "standard"),
            ("IPC", "ipc"),
            ("BlockedIPC", "other"),
            ("NRT", "other"),
            ("", ""),
        ],
    )
    def test_a_task_in_any_spelling(self, written: str, task: str):
        assert cells.task(written) == task

    def test_a_comma_is_a_delimiter_only_where_nothing_better_is(self):
        assert find_delimiter('"A1";18,00;18,02\n"A2";18,05;18,02\n') == ";"
        assert find_delimiter('a,"x;y",c\nd,"e;f",g\n') == ","
        assert find_delimiter("no table at all") == "\t"


class TestColumnMap:
    CONTENT = "Máy lạ\nLỗ\tMã\tKết quả\tGen\nA1\tP3K\t31,5\tN\nB1\tP4K\tâm\tN\nC1\tP5K\t1.031,5\tN\n".encode()
    MAP = ColumnMap("", 2, {"well": 1, "sample": 2, "ct": 3, "target": 4}, no_ct=("Âm",))

    def test_the_first_rows_are_shown_with_the_files_line_numbers(self):
        assert preview(self.CONTENT) == [
            {
                "name": "",
                "rows": [
                    ["Máy lạ"],
                    ["Lỗ", "Mã", "Kết quả", "Gen"],
                    ["A1", "P3K", "31,5", "N"],
                    ["B1", "P4K", "âm", "N"],
                    ["C1", "P5K", "1.031,5", "N"],
                ],
            }
        ]
        book = workbook(One=[["a", 206.0, True]], Two=[[f"{row}"] for row in range(100)])
        assert [(sheet["name"], len(sheet["rows"])) for sheet in preview(book)] == [("One", 1), ("Two", 30)]
        assert preview(book)[0]["rows"] == [["a", "206", "true"]]

    def test_named_columns_are_read(self):
        assert refused(self.CONTENT) == "unknown_format"
        found = read_mapped(self.CONTENT, self.MAP)
        assert cts(found) == [("A01", "N", 31.5), ("B01", "N", None)]
        assert codes_of(found) == ["ct_out_of_range"]
        assert (found.problems[0].place.row, found.problems[0].place.column) == (5, "Kết quả")

    def test_a_decimal_comma_takes_points_for_thousands(self):
        assert cts(
            read_mapped(self.CONTENT.replace(b"1.031,5", b"3.1,5"), replace(self.MAP, decimal_comma=True))
        )[-1] == (
            "C01",
            "N",
            31.5,
        )

    def test_a_map_survives_being_kept(self):
        kept = json.loads(json.dumps(self.MAP.to_json()))
        assert ColumnMap.from_json(kept) == self.MAP
        assert ColumnMap.from_json({}) == ColumnMap()
        assert set(kept["columns"]) <= set(FIELDS)

    @pytest.mark.parametrize(
        "wrong",
        [
            replace(MAP, header_row=99),
            replace(MAP, header_row=-5),
            replace(MAP, sheet="Results"),
            replace(MAP, columns={"well": 1}),
            replace(MAP, columns={"well": 0, "ct": 3}),
        ],
    )
    def test_a_map_that_does_not_fit_is_refused(self, wrong: ColumnMap):
        with pytest.raises(FileRefused) as refusal:
            read_mapped(self.CONTENT, wrong)
        assert refusal.value.reason == "no_readings"

    @pytest.mark.parametrize(
        "kept", [{"columns": [1]}, {"columns": {"well": "x"}}, {"header_row": "2"}, {"no_ct": 3}]
    )
    def test_what_is_no_map_is_refused(self, kept: dict[str, object]):
        with pytest.raises(FileRefused):
            ColumnMap.from_json(kept)


class TestCommand:
    def test_every_file_is_one_object_on_one_line(self, tmp_path: Path):
        good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
        good.write_text(QUANTSTUDIO)
        bad.write_text("nothing")
        answer = CliRunner().invoke(
            instruments_group, ["read", str(good), str(bad), str(tmp_path / "gone"), "--json"]
        )
        first, second, third = (json.loads(line) for line in answer.stdout.splitlines())
        assert answer.exit_code == 1
        assert list(first) == ["file", "format", "instrument", "started_at", "wells", "curves", "problems"]
        assert first["wells"][2] == {
            "well": "B01",
            "sample": "P3K9F2C8G",
            "target": "N",
            "dye": "FAM",
            "task": "unknown",
            "ct": None,
            "raw_ct": "Undetermined",
            "flags": ["BADROX", "EXPFAIL"],
        }
        assert first["curves"] == {"curves": 0, "points": 0}
        assert second["file"] == str(bad)
        assert second["reason"] == "unknown_format"
        assert third["reason"] == "unreadable"

    def test_without_json_it_is_a_sentence_a_file(self, tmp_path: Path):
        path = tmp_path / "good.txt"
        path.write_text(QUANTSTUDIO.replace("13\tB1", "13\tZ1"))
        answer = CliRunner().invoke(instruments_group, ["read", str(path)])
        assert answer.exit_code == 0
        assert answer.stdout == f"{path}: quantstudio, 3 readings, 2 with a Ct, 0 curves, 1 problems.\n"


class TestOldWorkbooks:
    """Claims of an .xls that its reader would believe; made from a container written here."""

    @staticmethod
    def container(*records: tuple[int, bytes]) -> bytes:
        from lims.pooling.instruments.old_workbooks import _pack

        begin = (0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
        return _pack(b"".join(struct.pack("<HH", kind, len(data)) + data for kind, data in (begin, *records)))

    @pytest.mark.parametrize(
        ("record", "reason"),
        [
            ((0x0203, struct.pack("<HHHd", 15714, 15104, 0, 1.0)), "damaged"),
            ((0x00BE, struct.pack("<HHHHH", 5, 0, 0, 0, 40_000)), "damaged"),
            ((0x00FC, struct.pack("<II", 1, 0x7FFFFFFF)), "damaged"),
            ((0x0200, struct.pack("<IIHHH", 0, 0xFFFFFFF0, 0, 256, 0)), "damaged"),
            ((0x002F, bytes(6)), "encrypted"),
            ((0x0203, struct.pack("<HHHd", 65_535, 255, 0, 1.0)), "too_big"),
        ],
    )
    def test_a_claim_beyond_reason_is_refused(self, record: tuple[int, bytes], reason: str):
        assert refused(self.container(record)) == reason

    def test_a_chain_that_bites_its_tail_is_refused(self):
        content = bytearray(self.container())
        links = 4096
        # the directory is sector 1: let it follow itself
        struct.pack_into("<I", content, links + 4, 1)
        assert refused(bytes(content)) == "damaged"
