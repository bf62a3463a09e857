"""Set-up as RDML 1.2: samples, targets and reactions without results.

Source: the schema of rdml.org (notes on instruments, 1.8); which instruments import it is not confirmed.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

from lims.plates import COLUMNS, ROWS, well_index
from lims.pooling.instruments.plate_files.planned import PlannedPlate, zip_files

NAMESPACE = "http://www.rdml.org"
_TYPES = {"NTC": "ntc", "NEC": "ntp", "HSC": "ntp", "PC": "pos", "PEC": "pos", "weak_PC": "pos"}
"""Sample types of the schema; "ntp" is a sample in which the target is known to be absent."""


def write(plate: PlannedPlate) -> bytes:
    """Write a plate as a zip with `rdml_data.xml`; the run is named by its code."""
    root = Element("rdml", {"version": "1.2", "xmlns": NAMESPACE})
    for dye in plate.dyes:
        SubElement(root, "dye", id=dye)
    kinds = {well.sample: well.control for well in plate.wells}
    for sample, control in kinds.items():
        element = SubElement(root, "sample", id=sample)
        SubElement(element, "type").text = "unkn" if control is None else _TYPES[control]
    for target in plate.targets:
        element = SubElement(root, "target", id=target.name)
        SubElement(element, "type").text = "ref" if target.role == "internal" else "toi"
        SubElement(element, "dyeId", id=target.dye)
    experiment = SubElement(root, "experiment", id=plate.run_code)
    _add_run(experiment, plate)
    content = tostring(root, encoding="us-ascii", xml_declaration=True)
    return zip_files({"rdml_data.xml": content})


def _add_run(experiment: Element, plate: PlannedPlate) -> None:
    run = SubElement(experiment, "run", id=plate.run_code)
    shape = SubElement(run, "pcrFormat")
    format_ = {
        "rows": str(ROWS[plate.size]),
        "columns": str(COLUMNS[plate.size]),
        "rowLabel": "ABC",
        "columnLabel": "123",
    }
    for name, text in format_.items():
        SubElement(shape, name).text = text
    for well in plate.wells:
        react = SubElement(run, "react", id=str(well_index(well.position, size=plate.size)))
        SubElement(react, "sample", id=well.sample)
        for target in well.targets:
            SubElement(SubElement(react, "data"), "tar", id=target.name)
