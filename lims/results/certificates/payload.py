"""What a certificate says: the claims of one test result (EU DCC schema 1.3.0, entry `t`). Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import cbor2

from lims.intake.birth_dates import BirthDate
from lims.results.certificates.rules import CERTIFIED_FINDINGS
from lims.results.certificates.transliteration import transliterate

VERSION = "1.3.0"
COUNTRY = "VN"
ISSUER, EXPIRES, ISSUED, HEALTH = 1, 4, 6, -260
COVID = "840539006"  # SNOMED CT
NUCLEIC_ACID_TEST = "LP6464-4"  # LOINC part
RESULTS = {"not_detected": "260415000", "detected": "260373001"}  # SNOMED CT
LONGEST_TEXT = 80


@dataclass(frozen=True)
class Tested:
    """What is certified.

    Args:
        name: full name, family name first.
        born: as exactly as it is known.
        finding: detected or not_detected.
        sampled_at: aware moment, in the zone in which it is to be read.
        test: name of the kit, and of how many people's mixed samples it was made of.
        laboratory: where it was tested.
        issuer: who signs.
    """

    name: str
    born: BirthDate
    finding: str
    sampled_at: datetime
    test: str
    laboratory: str
    issuer: str


def name_test(*, kit: str, pooled: int) -> str:
    """Return how the test is called: the kit, and how many were tested together, which is never cut off.

    Args:
        kit: name of the assay.
        pooled: how many people the reaction was made of.
    """
    kind = f"RT-PCR pool of {pooled}" if pooled > 1 else "RT-PCR"
    return f"{kit[: LONGEST_TEXT - len(kind) - 2]}, {kind}"


def build_claims(tested: Tested, *, uvci: str, issued_at: datetime, expires_at: datetime) -> dict[int, Any]:
    """Return the claims; the same for the same arguments.

    Raises:
        ValueError: a finding that is never certified.
    """
    if tested.finding not in CERTIFIED_FINDINGS:
        raise ValueError(f"{tested.finding} is never certified")
    entry = {
        "tg": COVID,
        "tt": NUCLEIC_ACID_TEST,
        "nm": tested.test[:LONGEST_TEXT],
        "sc": tested.sampled_at.replace(microsecond=0).isoformat(),
        "tr": RESULTS[tested.finding],
        "tc": tested.laboratory[:LONGEST_TEXT],
        "co": COUNTRY,
        "is": tested.issuer[:LONGEST_TEXT],
        "ci": uvci,
    }
    content = {"ver": VERSION, "nam": split_name(tested.name), "dob": tested.born.iso, "t": [entry]}
    return {
        ISSUER: COUNTRY,
        EXPIRES: int(expires_at.timestamp()),
        ISSUED: int(issued_at.timestamp()),
        HEALTH: {1: content},
    }


def encode_claims(claims: dict[int, Any]) -> bytes:
    """Return claims as they are signed."""
    return cbor2.dumps(claims)


def split_name(name: str) -> dict[str, str]:
    """Return a name's parts: the first word is the family name in Vietnam, all others are given names."""
    family, _, given = unicodedata.normalize("NFC", name).strip().partition(" ")
    parts = {"fn": family[:LONGEST_TEXT], "fnt": transliterate(family)}
    if given:
        parts |= {"gn": given[:LONGEST_TEXT], "gnt": transliterate(given)}
    return parts
