"""A plate as pages draw it: its wells with what stands in them and what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import url_for

from lims import codes
from lims.language import say_word
from lims.pooling.models import Well

SHOWN_AS = {"detected": "stop", "not_detected": "good", "inconclusive": "look", "invalid": "invalid"}


def draw_plate(wells: Iterable[Well], findings: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return well → what `components/pictures.html` needs to draw it.

    Args:
        wells: with their pools.
        findings: well → finding; empty before the plate was read.
    """
    return {well.position: _draw(well, findings.get(well.position)) for well in wells}


def _draw(well: Well, finding: str | None) -> dict[str, Any]:
    if well.pool is None:
        return {
            "label": well.control,
            "state": "invalid" if finding == "invalid" else "filled",
            "control": True,
            "title": say_word(well.control),
            "href": "",
        }
    return {
        "label": well.pool.code[:6],
        "state": SHOWN_AS[finding] if finding else "filled",
        "control": False,
        "title": codes.grouped(well.pool.code) + (f": {say_word(finding)}" if finding else ""),
        "href": url_for("pooling.show_pool", pool_code=well.pool.code),
    }
