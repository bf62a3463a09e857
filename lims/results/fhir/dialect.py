"""How we speak FHIR: our address, the systems of our identifiers and the codes we use, each of them a setting. Pure.

The defaults of the identity papers are those of VN Core 0.6.0, a draft; no conformance to it is claimed (EXCHANGE
§1.1). What is ours alone lies below our own address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VN_CORE = "http://fhir.hl7.org.vn/core/sid"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UUIDS = "urn:ietf:rfc3986"
PAPERS = ("cccd", "cmnd", "passport")
OURS = ("identity", "declaration", "household", "tube", "pool", "campaign", "place", "laboratory")
SYSTEM_NAMES = (*PAPERS, *OURS)

# name → (system, default code); what a setting may change
CODES: Mapping[str, tuple[str, str]] = {
    "test": (LOINC, "94500-6"),
    "specimen": (SNOMED, "258500001"),
    "detected": (SNOMED, "260373001"),
    "not_detected": (SNOMED, "260415000"),
    "pooled_not_detected": (SNOMED, "895231008"),
    "inconclusive": (SNOMED, "419984006"),
    "invalid": (SNOMED, "419984006"),
}
# Only the codes used are kept here: SNOMED's are of its Global Patient Set (CC BY 4.0), LOINC's come with its notice.
_RESPIRATORY = "in Respiratory system specimen by NAA with probe detection"
DISPLAYS: Mapping[str, str] = {
    "94500-6": f"SARS-CoV-2 (COVID-19) RNA [Presence] {_RESPIRATORY}",
    "94309-2": "SARS-CoV-2 (COVID-19) RNA [Presence] in Specimen by NAA with probe detection",
    "94531-1": "SARS-CoV-2 (COVID-19) RNA panel - Respiratory system specimen by NAA with probe detection",
    "94745-7": f"SARS-CoV-2 (COVID-19) RNA [Cycle Threshold #] {_RESPIRATORY}",
    "94510-5": "SARS-CoV-2 (COVID-19) N gene [Cycle Threshold #] in Specimen by NAA with probe detection",
    "94642-6": f"SARS-CoV-2 (COVID-19) S gene [Cycle Threshold #] {_RESPIRATORY}",
    "94645-9": "SARS-CoV-2 (COVID-19) RdRp gene [Cycle Threshold #] in Specimen by NAA with probe detection",
    "258500001": "Nasopharyngeal swab",
    "258529004": "Throat swab",
    "697989009": "Anterior nares swab",
    "119342007": "Saliva specimen",
    "260373001": "Detected",
    "260415000": "Not detected",
    "419984006": "Inconclusive",
    "895231008": "Not detected in pooled specimen",
    "108252007": "Laboratory procedure",
    "386661006": "Fever",
    "49727002": "Cough",
    "162397003": "Pain in throat",
    "267036007": "Dyspnea",
    "36955009": "Loss of taste",
    "84229001": "Fatigue",
    "840546002": "Exposure to severe acute respiratory syndrome coronavirus 2",
}
ORDERABLE = ("94500-6", "94309-2", "94531-1")
SYMPTOMS: Mapping[str, str] = {
    "fever": "386661006",
    "cough": "49727002",
    "sore_throat": "162397003",
    "short_breath": "267036007",
    "loss_of_taste": "36955009",
    "fatigue": "84229001",
}
EXPOSURE = "840546002"

Resource = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    """The settings of one installation.

    Args:
        base: address of the FHIR server, without a slash at the end.
        systems: identifier systems by the names of `SYSTEM_NAMES`.
        codes: codes by the names of `CODES`.
    """

    base: str
    systems: Mapping[str, str]
    codes: Mapping[str, str]

    def identifier(self, name: str, value: str) -> Resource:
        """Return an Identifier of one of our systems."""
        return {"system": self.systems[name], "value": value}

    def find_system(self, url: str) -> str:
        """Return the name of a system, "" for one that is not ours."""
        return next((name for name, system in self.systems.items() if system == url), "")

    def concept(self, name: str, text: str = "") -> Resource:
        """Return the CodeableConcept of a name of `CODES`."""
        return concept(CODES[name][0], self.codes[name], text)


def make_dialect(base_url: str, systems: Mapping[str, str], codes: Mapping[str, str]) -> Dialect:
    """Return the dialect of an installation.

    Args:
        base_url: its public address.
        systems: those that differ from the defaults.
        codes: those that differ from the defaults.

    Raises:
        ValueError: a name that there is not.
    """
    base = f"{base_url}/fhir"
    for name in [*systems, *codes]:
        if name not in SYSTEM_NAMES and name not in CODES:
            raise ValueError(f"{name} is neither an identifier system nor a code of ours")
    return Dialect(
        base=base,
        systems={name: f"{VN_CORE}/{name}" for name in PAPERS}
        | {name: f"{base}/sid/{name}" for name in OURS}
        | dict(systems),
        codes={name: code for name, (_, code) in CODES.items()} | dict(codes),
    )


def coding(system: str, code: str) -> Resource:
    """Return a Coding, with its name where it is one of `DISPLAYS`."""
    display = DISPLAYS.get(code)
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(system: str, code: str, text: str = "") -> Resource:
    """Return a CodeableConcept of one code."""
    return {"coding": [coding(system, code)]} | ({"text": text} if text else {})


def reference(kind: str, key: object, display: str = "") -> Resource:
    """Return a Reference to one of our resources."""
    made: Resource = {"reference": f"{kind}/{key}", "type": kind}
    return made | ({"display": display} if display else {})


def without_empty(resource: Mapping[str, Any]) -> Resource:
    """Return a resource without what it does not say: FHIR knows neither null nor empty lists."""
    return {name: value for name, value in resource.items() if value not in (None, "", [], {})}
