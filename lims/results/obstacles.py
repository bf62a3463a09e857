"""What stands between a result and its verification or release, in words (DESIGN §3, rules 1, 6, 7, 10, 11). Pure."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lims import codes
from lims.msgid import N_

HOLDS: Mapping[str, str] = {
    "confirmation": N_("It waits for confirmation by a laboratory that may confirm."),
    "discordance": N_("All members were negative after a positive pool. A supervisor settles it first."),
    "discrepancy": N_("A discrepancy of its tube or person is not settled. Settle it first."),
    "supervisor": N_("A supervisor put it on hold. Take it off hold first."),
}
# These holds end by what they wait for, never by hand.
ENDS_BY_ITSELF = frozenset({"confirmation", "discordance"})
CALLED = frozenset({"called", "resolved"})
LOOKED_AT = frozenset({"reviewed", "verified"})


@dataclass(frozen=True)
class Standing:
    """All that decides about one result, read and locked in one go.

    Args:
        result_id: the version looked at.
        status: word of `rules.RESULT`.
        finding: what would be reported.
        hold_reason: word of `rules.HOLD_REASONS` while it is held.
        entered_by_id: who entered the readings, or made the amendment.
        verified_by_id: who verified it.
        is_amendment: a person changed what the call said, with a reason.
        sample_id: whose finding it is.
        tube_id, pool_id, run_id: what it hangs on.
        sample_status: word of `intake.rules.SAMPLE`.
        declaration_id: what a release closes.
        tube_code: printed on the sample's tube.
        tube_mode: "single" or "mixed".
        names_bound: people bound to that tube.
        closed_count: people its collector closed it with; None while it was not closed.
        discrepancies: kinds of the open discrepancies that hold results of this tube or person.
        pool_status: word of `pooling.rules.POOL`.
        pool_finding: what was found in the pool the result hangs on.
        pool_size: tubes in that pool.
        is_in_pool: the sample's own tube is a member of that pool.
        run_status: word of `pooling.rules.RUN`.
        laboratory_id: place whose people may decide.
        may_confirm: whether that laboratory has the right to confirm.
    """

    result_id: uuid.UUID
    status: str
    finding: str
    hold_reason: str | None
    entered_by_id: uuid.UUID | None
    verified_by_id: uuid.UUID | None
    is_amendment: bool
    sample_id: uuid.UUID
    tube_id: uuid.UUID
    pool_id: uuid.UUID
    run_id: uuid.UUID
    sample_status: str
    declaration_id: uuid.UUID
    tube_code: str
    tube_mode: str
    names_bound: int
    closed_count: int | None
    discrepancies: tuple[str, ...]
    pool_status: str
    pool_finding: str | None
    pool_size: int
    is_in_pool: bool
    run_status: str
    laboratory_id: uuid.UUID
    may_confirm: bool


@dataclass(frozen=True)
class Obstacle:
    """One reason why a step is not possible.

    Args:
        code: word a program can tell it by.
        message: msgid that says what to do.
        parameters: values for the message.
    """

    code: str
    message: str
    parameters: dict[str, object] = field(default_factory=dict)


def list_obstacles_to_verify(standing: Standing, *, verifier_id: uuid.UUID | None) -> list[Obstacle]:
    """Say why a result cannot be verified by somebody; empty when it can.

    Args:
        standing: the result and what it hangs on.
        verifier_id: who wants to verify.
    """
    found = _list_obstacles_of_state(standing, wanted="preliminary")
    if verifier_id is None or verifier_id == standing.entered_by_id:
        found.append(
            Obstacle(
                "four_eyes",
                N_("This amendment was written with this account. A second person verifies it.")
                if standing.is_amendment
                else N_("These readings were entered with this account. A second person verifies them."),
            )
        )
    return found + _list_obstacles_of_evidence(standing)


def list_obstacles_to_release(standing: Standing, *, looked: bool) -> list[Obstacle]:
    """Say why a result cannot be released; empty when it can.

    Args:
        standing: the result and what it hangs on.
        looked: whoever releases says to have seen its curves; asked of a positive only (DESIGN §3, rule 10).
    """
    found = _list_obstacles_of_state(standing, wanted="verified")
    if standing.verified_by_id is None or standing.verified_by_id == standing.entered_by_id:
        found.append(
            Obstacle("not_verified", N_("No second person has verified it yet. Have it verified first."))
        )
    found += _list_obstacles_of_evidence(standing)
    if standing.finding == "detected" and not looked:
        found.append(
            Obstacle(
                "not_looked_at",
                N_("Look at the curves of tube %(tube)s, then say that you have seen them."),
                {"tube": codes.grouped(standing.tube_code)},
            )
        )
    return found


def list_obstacles(standing: Standing, *, verifier_id: uuid.UUID | None) -> list[Obstacle]:
    """Say why the next step with a result is not possible for somebody; empty when it is.

    Args:
        standing: the result and what it hangs on.
        verifier_id: who would take the step.
    """
    if standing.status == "verified":
        return list_obstacles_to_release(standing, looked=True)
    return list_obstacles_to_verify(standing, verifier_id=verifier_id)


@dataclass(frozen=True)
class Blocked:
    """What stands between some results and their next step: one line of the release desk.

    Args:
        code: the obstacle's word.
        count: results that it blocks.
        first: some of these results, each with the obstacle as it is said of it.
    """

    code: str
    count: int
    first: tuple[tuple[Standing, Obstacle], ...]


def gather_obstacles(found: Sequence[tuple[Standing, Sequence[Obstacle]]], *, most: int = 3) -> list[Blocked]:
    """Return what blocks some results, each obstacle once, what blocks most of them first.

    Args:
        found: results, each with the obstacles of its next step.
        most: results named for each obstacle.
    """
    # one code may have several sentences, as holds do
    gathered: defaultdict[tuple[str, str], list[tuple[Standing, Obstacle]]] = defaultdict(list)
    for standing, obstacles in found:
        for obstacle in obstacles:
            gathered[obstacle.code, obstacle.message].append((standing, obstacle))
    rows = [Blocked(code, len(some), tuple(some[:most])) for (code, _message), some in gathered.items()]
    return sorted(rows, key=lambda row: (-row.count, row.code))


def _list_obstacles_of_state(standing: Standing, *, wanted: str) -> list[Obstacle]:
    if standing.status == "held":
        return [Obstacle("held", HOLDS[standing.hold_reason or "supervisor"])]
    if standing.status != wanted:
        return [
            Obstacle(
                "wrong_state",
                N_("This result is %(state)s. Load the list again to see what waits."),
                {"state": standing.status},
            )
        ]
    return []


def _list_obstacles_of_evidence(standing: Standing) -> list[Obstacle]:
    """Return what is wrong with the thing the result stands on: names, discrepancies, sample, pool and run."""
    tube: dict[str, object] = {"tube": codes.grouped(standing.tube_code)}
    found = [
        Obstacle(
            "late_binding" if kind == "late_binding" else "discrepancy",
            N_("A name came to tube %(tube)s after its test. A supervisor settles it first.")
            if kind == "late_binding"
            else N_(
                "A discrepancy of tube %(tube)s or its person is not settled (%(kind)s). Settle it first."
            ),
            tube | {"kind": kind},
        )
        for kind in standing.discrepancies
    ]
    expected = 1 if standing.tube_mode == "single" else standing.closed_count
    if expected is None:
        found.append(
            Obstacle(
                "tube_not_closed",
                N_("Tube %(tube)s was never closed by its collector. Ask for its count."),
                tube,
            )
        )
    elif standing.names_bound != expected:
        found.append(
            Obstacle(
                "names_missing",
                N_(
                    "Tube %(tube)s has %(bound)s of %(expected)s names. Wait for the others, or have them declared."
                ),
                tube | {"bound": standing.names_bound, "expected": expected},
            )
        )
    if standing.sample_status != "resulted":
        found.append(
            Obstacle(
                "sample_closed",
                N_("The sample of tube %(tube)s is %(state)s. Nothing is reported for it."),
                tube | {"state": standing.sample_status},
            )
        )
    if not standing.is_in_pool or standing.pool_status not in CALLED or standing.run_status not in LOOKED_AT:
        found.append(
            Obstacle(
                "no_valid_test", N_("No valid test of tube %(tube)s stands behind it. Look at its run."), tube
            )
        )
    elif (
        standing.finding == "not_detected"
        and standing.pool_finding != "not_detected"
        and not standing.is_amendment
    ):
        found.append(
            Obstacle(
                "pool_not_negative", N_("The pool of tube %(tube)s was not negative. Look at its run."), tube
            )
        )
    if standing.finding == "detected" and max(standing.pool_size, standing.names_bound, expected or 1) > 1:
        found.append(
            Obstacle(
                "more_than_one_person",
                N_(
                    "Tube %(tube)s was tested together with others. Nobody is told “detected” from such a test."
                ),
                tube,
            )
        )
    if standing.finding == "detected" and not standing.may_confirm:
        found.append(
            Obstacle(
                "may_not_confirm",
                N_("This laboratory may not confirm. Tube %(tube)s is to be tested by one that may."),
                tube,
            )
        )
    return found


@dataclass(frozen=True)
class Unreported:
    """A sample of a tested pool that has no result yet.

    Args:
        pool_finding: what was found in the pool of this run.
        pool_purpose: screen, retest or confirm.
        names_bound: people bound to its tube.
        closed_count: people its collector closed it with.
        tube_mode: "single" or "mixed".
        came_after_call: the name was bound after the pool was called.
    """

    pool_finding: str | None
    pool_purpose: str
    names_bound: int
    closed_count: int | None
    tube_mode: str
    came_after_call: bool


def say_why_unreported(sample: Unreported) -> str:
    """Return the msgid that says what a tested sample without a result waits for."""
    expected = 1 if sample.tube_mode == "single" else sample.closed_count
    if sample.came_after_call:
        return N_("Its name came after the test: a supervisor settles it.")
    if sample.names_bound != expected:
        return N_("Its tube waits for more names.")
    if sample.pool_finding == "not_detected":
        return N_("It waits for the other members of its positive pool.")
    return N_("It needs a second test.")
