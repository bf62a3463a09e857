"""What a result sheet says, as plain words for the template. Pure.

The labels in both languages stand in `sheet.typ`, which a laboratory may replace; here is only what differs from
person to person.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Sheet:
    """One person's sheet; every text as it is printed, empty where there is nothing to print.

    Args:
        name, born: of the person; the birth date as exactly as it is known.
        declaration, tube: codes in groups.
        campaign, site, laboratory, kit: names.
        pooled: how many people's samples were tested together.
        finding: detected or not_detected.
        sampled_at, valid_until: local times; only "not detected" has an end.
        verified_by, verified_at, released_by, released_at: who agreed, who released, when.
        version: of the result.
        is_amended, amendment_reason: an earlier version was released; why.
        qr: the certificate as an SVG of one path.
        uvci, certificate_until: of the certificate.
        verify_at, read_at: addresses to be typed.
    """

    name: str
    born: str
    declaration: str
    tube: str
    campaign: str
    site: str
    laboratory: str
    kit: str
    pooled: int
    finding: str
    sampled_at: str
    valid_until: str
    verified_by: str
    verified_at: str
    released_by: str
    released_at: str
    version: int
    is_amended: bool
    amendment_reason: str
    qr: str
    uvci: str
    certificate_until: str
    verify_at: str
    read_at: str

    def for_template(self) -> Mapping[str, Any]:
        """Return all fields by name, marks composed: the font has ữ, not u with horn and tilde."""
        return {
            name: unicodedata.normalize("NFC", value) if isinstance(value, str) else value
            for name, value in asdict(self).items()
        }


def shorten_address(address: str) -> str:
    """Return an address as people type it: without its scheme."""
    return address.partition("://")[2] or address
