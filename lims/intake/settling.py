"""Who settles which kind of discrepancy.

Intake settles what was found between the swab and the laboratory's door. What was found in the laboratory
(a name that came after the call, a discordance) is settled by an action of the results package, and scans of phones
that were not let in by the field package; each registers its own when it is imported:

    from lims.intake import settling
    settling.settle_with("discordance", settle_discordance)    # an @action with the same keywords as settle_discrepancy

The view asks `settler_of(kind)` and calls what it gets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lims.errors import Refused

# Settled by others: here they would be closed without what must follow in the laboratory.
SUSPICIONS = frozenset({"carry_over", "weak_positives", "positivity_jump", "flat_curve", "control_drift"})
OF_THE_LABORATORY = frozenset({"late_binding", "discordance"}) | SUSPICIONS
# Intake could close these, but whoever kept them can do more.
OF_OTHERS = OF_THE_LABORATORY | {"scan_refused"}

Settler = Callable[..., dict[str, Any]]
_settlers: dict[str, Settler] = {}


def settle_with(kind: str, action: Settler) -> None:
    """Name the action that settles a kind that others have kept.

    Args:
        kind: a word of `OF_OTHERS`.
        action: takes `actor`, `client_id`, `discrepancy_id`, `settlement` and `note`, as `settle_discrepancy` does, and
            ends with `actions.discrepancies.mark_settled`.

    Raises:
        ValueError: intake settles that kind itself.
    """
    if kind not in OF_OTHERS:
        raise ValueError(f"{kind} is settled by intake")
    _settlers[kind] = action


def settler_of(kind: str) -> Settler:
    """Return the action that settles a kind of discrepancy.

    Raises:
        Refused: it is a kind of the laboratory and no action was named for it.
    """
    if kind in _settlers:
        return _settlers[kind]
    if kind in OF_THE_LABORATORY:
        raise Refused("This kind of discrepancy is settled in the laboratory.", field="kind")
    from lims.intake.actions.discrepancies import settle_discrepancy

    return settle_discrepancy
