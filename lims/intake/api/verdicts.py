"""Verdicts as programs get them: the message in the reader's language, the parameters no longer needed."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from pydantic import BaseModel, Field

from lims.language import say

# More in one request would hold the locks of too many tubes at once.
MOST_AT_ONCE = 500
# A scan is longer than nine characters only when it is wrong; more than this is not kept.
LONGEST_SCAN = 200


class TubeVerdict(BaseModel):
    """What became of one tube."""

    tube: str
    verdict: Literal["good", "again", "wrong"]
    code: str
    message: str
    discrepancy: uuid.UUID | None = None


class ScannedTubes(BaseModel):
    """Tubes as scanned."""

    client_id: uuid.UUID
    tubes: list[str] = Field(min_length=1, max_length=MOST_AT_ONCE)


def speak(verdict: dict[str, Any]) -> dict[str, Any]:
    """Return a verdict with its message in the reader's language and without parameters."""
    spoken = {name: value for name, value in verdict.items() if name != "parameters"}
    return spoken | {"message": say(verdict["message"], verdict["parameters"])}


def speak_all(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an action's answer with all its verdicts spoken."""
    return answer | {"verdicts": [speak(verdict) for verdict in answer["verdicts"]]}
