"""What is answered for each result of a batch. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lims.msgid import N_
from lims.results.obstacles import Obstacle, Standing

GOOD = {
    "verified": N_("Verified."),
    "released": N_("Released."),
    "held": N_("On hold."),
    "preliminary": N_("Off hold."),
}
AGAIN = N_("It was done already. Nothing was changed.")


def give_verdict(standing: Standing, obstacles: Sequence[Obstacle], *, wanted: str) -> dict[str, Any]:
    """Return the verdict on one result: the first obstacle names what is to be done, all are listed.

    Args:
        standing: the result before the step.
        obstacles: why the step is not possible; empty when it was done.
        wanted: the state it was to get.

    Returns:
        `result`, `verdict` ("good", "again" or "wrong"), `code`, `message`, `parameters`, `obstacles` (codes).
    """
    answer: dict[str, Any] = {"result": str(standing.result_id), "tube": standing.tube_code}
    answer |= {"parameters": {}, "obstacles": []}
    if standing.status == wanted:
        return answer | {"verdict": "again", "code": "already_done", "message": AGAIN}
    if obstacles:
        first = obstacles[0]
        return answer | {
            "verdict": "wrong",
            "code": first.code,
            "message": first.message,
            "parameters": dict(first.parameters),
            "obstacles": [obstacle.code for obstacle in obstacles],
        }
    return answer | {"verdict": "good", "code": wanted, "message": GOOD[wanted]}
