"""What the laboratory's addresses share: what is sent once, verdicts and refusals spoken in the reader's language."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from lims.language import say
from lims.pooling.actions.pools import MOST_CODES


class Once(BaseModel):
    """What is sent once: the id its sender made."""

    client_id: uuid.UUID


class Tubes(Once):
    """Tubes in the order scanned."""

    tubes: list[str] = Field(min_length=1, max_length=MOST_CODES)


class Reason(Once):
    """Why something is given up; no names of people."""

    reason: str = Field(default="", max_length=200)


class AtLaboratory(BaseModel):
    """Whose bench is asked about."""

    laboratory_id: uuid.UUID


class Verdict(BaseModel):
    """What became of one tube."""

    tube: str
    verdict: Literal["good", "again", "wrong"]
    code: str
    message: str


def spoken(verdicts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return verdicts with their sentences in the reader's language."""
    return [
        {name: value for name, value in verdict.items() if name != "parameters"}
        | {"message": say(verdict["message"], dict(verdict["parameters"]))}
        for verdict in verdicts
    ]


def spoken_failure(failure: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return why a run failed, sentence by sentence."""
    return [say(str(reason["message"]), dict(reason.get("parameters") or {})) for reason in failure]


def spoken_problems(problems: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the problems of refused readings with their sentences in the reader's language."""
    return [
        {
            "line": problem["line"],
            "column": problem["column"],
            "message": say(problem["message"], dict(problem["parameters"])),
        }
        for problem in problems
    ]
