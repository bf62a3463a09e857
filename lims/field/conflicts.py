"""Claims that cannot all be true, whoever came first. Pure.

The server takes the first claim on a tube and refuses the next (`intake.collecting`); which of two phones was first
is chance. What is wrong is not: two people in a single tube, two sessions in one mixed tube, one person in two tubes.
So conflicts are found over all claims, taken or refused, and are the same in every order of arrival.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """A person's swab is said to be in a tube, and nobody took it back.

    Args:
        tube: tube code.
        mode: "single" or "mixed".
        limit: people that the tube may hold.
        declaration: declaration code.
        attempt: which asking of the person it answers; another asking is another sample.
        session_id: collection session that made the claim.
    """

    tube: str
    mode: str
    limit: int
    declaration: str
    attempt: int
    session_id: uuid.UUID | None


@dataclass(frozen=True)
class Conflict:
    """What cannot be, and about which tube or declaration.

    Args:
        kind: a word of `intake.rules.DISCREPANCY_KINDS`.
        tube: tube code; of a person's second tube, the latest in the order of codes.
        declaration: declaration code for `sampled_twice`, else ''.
    """

    kind: str
    tube: str
    declaration: str = ""


def find_conflicts(claims: Iterable[Claim]) -> set[Conflict]:
    """Return what cannot be true of some claims; the order of the claims does not matter.

    Args:
        claims: every claim on the tubes and on the declarations in question.
    """
    in_tube: defaultdict[str, list[Claim]] = defaultdict(list)
    of_asking: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for claim in claims:
        in_tube[claim.tube].append(claim)
        of_asking[claim.declaration, claim.attempt].add(claim.tube)
    found = {
        Conflict("sampled_twice", max(tubes), declaration)
        for (declaration, _attempt), tubes in of_asking.items()
        if len(tubes) > 1
    }
    for tube, held in in_tube.items():
        people = {claim.declaration for claim in held}
        sessions = {claim.session_id for claim in held}
        if held[0].mode == "single":
            if len(people) > 1:
                found.add(Conflict("tube_reused", tube))
            continue
        if len(sessions) > 1:
            found.add(Conflict("other_session", tube))
        elif len(people) > held[0].limit:
            found.add(Conflict("tube_overfull", tube))
    return found
