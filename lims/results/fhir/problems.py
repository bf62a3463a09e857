"""What is wrong with something that was sent in: all of it at once, each with the path of what is at fault. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lims.errors import LimsError, NotFound


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Args:
        kind: of R4's issue types.
        message: msgid.
        expression: FHIRPath of what is at fault.
        parameters: values for the message.
        diagnostics: what a library said, in English, "" for nothing.
    """

    kind: str
    message: str
    expression: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    diagnostics: str = ""


class Unacceptable(LimsError):
    """A Bundle cannot be taken in; nothing was changed. `found` holds everything that is wrong with it."""

    status = 422
    code = "invalid_input"

    def __init__(self, found: Sequence[Problem]) -> None:
        first = found[0]
        super().__init__(first.message, field=first.expression, **first.parameters)
        self.found = tuple(found)
        if any(problem.kind in ("conflict", "duplicate") for problem in found):
            self.status = 409


class Gone(NotFound):
    """It was there, and its identity was erased since."""

    status = 410
    code = "gone"
