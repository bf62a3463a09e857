"""What a pool's finding leads to: the decision, and what the results package is told to write. Pure.

The rules are those of DESIGN §3 (rules 1 to 5, 7 and 11) and docs/architecture.md, "How findings become results".
One decision is made for each pool that was called, from plain values only, and it is total: every combination of
purpose, attempt, tubes, people and finding has exactly one step.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from lims.pooling.rules import MOST_ATTEMPTS


@dataclass(frozen=True)
class Outcome:
    """A result to be written for one sample.

    Args:
        sample_id: whose.
        finding: a word of `rules.FINDINGS`.
        pool_id: the pool that was called and on which the result hangs.
        hold_reason: "confirmation" or "discordance" where the result must wait on hold, else None.
        run_id: the run that tested this pool; not always the run under review, as negative retests wait for their
            siblings on other plates.
    """

    sample_id: uuid.UUID
    finding: str
    pool_id: uuid.UUID
    hold_reason: str | None
    run_id: uuid.UUID


@dataclass(frozen=True)
class Resolution:
    """What a reviewed run leads to.

    Args:
        run_valid: False where a run control failed: there are no outcomes, and the pools are closed again.
        failure: why the run is not valid, one mapping per reason (`control`, `position`, `message`, `parameters`).
        outcomes: results to write, at most one for each sample.
        ask_again: (sample id, reason) of samples to be closed as superseded and asked for anew.
        discordant_pool_ids: pools on which a discrepancy of kind "discordance" is to be opened, each once.
        pool_ids: pools to give to `resolution.close_resolved` after the results are written.
    """

    run_valid: bool
    failure: list[dict[str, object]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    ask_again: list[tuple[uuid.UUID, str]] = field(default_factory=list)
    discordant_pool_ids: list[uuid.UUID] = field(default_factory=list)
    pool_ids: list[uuid.UUID] = field(default_factory=list)


class Step(StrEnum):
    """What follows from one pool's finding."""

    REPORT = "report"  # every person of the pool gets its finding
    CONFIRM = "confirm"  # reported on hold; the tube goes on to a laboratory that may confirm
    HOLD = "hold"  # reported on hold: it contradicts what was found before
    AWAIT = "await"  # negative after a positive pool: waits until all its siblings are called
    REPEAT = "repeat"  # the same tubes once more, from a new extraction
    HALVES = "halves"  # the kept tubes in two halves, each tested as a pool
    RETEST_EACH = "retest_each"  # each kept tube alone
    CONFIRM_EACH = "confirm_each"  # each kept tube alone, in a laboratory that may confirm
    ASK_AGAIN = "ask_again"  # each person is sampled again, alone


@dataclass(frozen=True)
class Tested:
    """One called pool, as the decision needs it.

    Args:
        purpose: screen, retest or confirm.
        attempt: 1 for a first test, 2 for the repeat.
        tubes: member tubes, 1 to 20.
        people: people in these tubes, by their collector's count; at least 1.
        finding: a word of `rules.FINDINGS`.
        group_finding: finding of the pool of several tubes that this one answers; None where it answers none.
        may_confirm: whether the laboratory has the right to confirm.
        confirm_all_members: the campaign's policy: all members of a positive pool go on, not only who is detected.
        strategy: the campaign's policy for positive pools, a word of `places.rules.STRATEGIES`.
    """

    purpose: str
    attempt: int
    tubes: int
    people: int
    finding: str
    group_finding: str | None
    may_confirm: bool
    confirm_all_members: bool
    strategy: str = "singles"
    is_orphan: bool = False


SMALLEST_HALVED = 4
"""Halves of fewer tubes would cost more reactions than testing each tube alone."""


def decide(tested: Tested) -> Step:
    """Return what follows from a pool's finding."""
    if tested.tubes > 1:
        return _decide_several_tubes(tested)
    if tested.people > 1:
        return _decide_mixed_tube(tested)
    if tested.purpose == "confirm" and tested.group_finding is None and not tested.is_orphan:
        return _decide_confirmation(tested)
    return _decide_one_person(tested)


def _decide_several_tubes(tested: Tested) -> Step:
    if tested.finding == "not_detected":
        return Step.AWAIT if tested.group_finding == "detected" else Step.REPORT
    if tested.finding == "invalid":
        return Step.REPEAT if tested.attempt < MOST_ATTEMPTS else Step.RETEST_EACH
    if tested.confirm_all_members and not tested.may_confirm:
        return Step.CONFIRM_EACH
    if tested.strategy == "halves" and tested.purpose == "screen" and tested.tubes >= SMALLEST_HALVED:
        return Step.HALVES
    return Step.RETEST_EACH


def _decide_mixed_tube(tested: Tested) -> Step:
    if tested.finding == "not_detected":
        return Step.REPORT
    if tested.finding == "invalid" and tested.attempt < MOST_ATTEMPTS:
        return Step.REPEAT
    return Step.ASK_AGAIN


def _decide_confirmation(tested: Tested) -> Step:
    """Decide for a person who was detected elsewhere; what is not detected again contradicts that."""
    if tested.finding == "detected":
        return Step.REPORT
    unclear = tested.finding in ("inconclusive", "invalid")
    return Step.REPEAT if unclear and tested.attempt < MOST_ATTEMPTS else Step.HOLD


def _decide_one_person(tested: Tested) -> Step:
    if tested.finding == "detected":
        return Step.REPORT if tested.may_confirm or tested.purpose == "confirm" else Step.CONFIRM
    if tested.finding == "not_detected":
        return Step.AWAIT if tested.group_finding == "detected" else Step.REPORT
    return Step.REPEAT if tested.attempt < MOST_ATTEMPTS else Step.REPORT


def settle_group(latest_findings: Iterable[str | None]) -> str:
    """Tell what the tests of a positive pool's single tubes say together (DESIGN §3, rule 4).

    Args:
        latest_findings: the finding of each tube's last test; None while that is not called.

    Returns:
        "waits" while one is open; "agrees" where somebody was detected; "discordant" where nobody was.
    """
    findings = list(latest_findings)
    if None in findings:
        return "waits"
    return "agrees" if "detected" in findings else "discordant"


def ask_reason(finding: str) -> str:
    """Return why the people of a mixed tube are asked for new samples."""
    return "invalid" if finding == "invalid" else "mixed_positive"
