"""What a person is told who reads their result: one word, the way of the sample, how long it holds. Pure.

Nobody is told "detected" before the release, and nobody is told what was found in a pool (DESIGN §3, rule 1).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from lims.intake.birth_dates import BirthDate
from lims.intake.rules import REJECTION_REASONS
from lims.msgid import N_
from lims.results.rules import UNCLEAR


class Advice(NamedTuple):
    """A campaign's own words in both languages; empty where it has none."""

    vi: str
    en: str

    def in_language(self, language: str) -> str:
        """Return the words in a language, else in the other one; '' where there are none."""
        own, other = (self.en, self.vi) if language == "en" else (self.vi, self.en)
        return own or other


STEPS = (
    ("declared", N_("Declared")),
    ("collected", N_("Sample taken")),
    ("on_the_road", N_("On the road to the laboratory")),
    ("received", N_("Arrived at the laboratory")),
    ("in_test", N_("In test")),
    ("verified", N_("Checked by a second person")),
    ("released", N_("Result released")),
)


@dataclass(frozen=True)
class Facts:
    """What is known of a declaration's latest sample.

    Args:
        declaration_status: word of `intake.rules.DECLARATION`.
        asked_again: a new sample is asked for and not taken yet.
        declared_at, collected_at, dispatched_at, received_at, in_test_at: aware moments, None while not reached.
        result_status: status of the current version, None while there is none.
        finding: the current version's; shown only when it is released.
        verified_at, released_at: of the current version.
        tested_again: the result is withdrawn, and the sample waits for the test that replaces it.
        needs_second_test: the sample is on its way through a second test.
        is_amended: an earlier version was released before.
        before: finding of the latest of them.
        before_released_at: when that one was released.
        resample_reason: word why a new sample is asked for; empty while none is.
        validity_hours: how long "not detected" holds, from the sampling on.
    """

    declaration_status: str
    asked_again: bool
    declared_at: datetime
    collected_at: datetime | None = None
    dispatched_at: datetime | None = None
    received_at: datetime | None = None
    in_test_at: datetime | None = None
    result_status: str | None = None
    finding: str | None = None
    verified_at: datetime | None = None
    released_at: datetime | None = None
    tested_again: bool = False
    needs_second_test: bool = False
    is_amended: bool = False
    before: str | None = None
    before_released_at: datetime | None = None
    resample_reason: str = ""
    validity_hours: int = 72


@dataclass(frozen=True)
class Step:
    """One step of the sample's way.

    Args:
        name: word for programs.
        label: msgid.
        at: when it was reached; None while not, or where the moment is not known.
        reached: whether it lies behind.
    """

    name: str
    label: str
    at: datetime | None
    reached: bool


@dataclass(frozen=True)
class Amended:
    """What was told before a result was amended.

    Args:
        before: detected, not_detected or inconclusive.
        told_at: when that was released.
    """

    before: str
    told_at: datetime


@dataclass(frozen=True)
class Told:
    """What the person is told.

    Args:
        status: not_detected, detected, inconclusive, waiting, second_test, new_sample, withdrawn, checked_again,
            not_sampled or closed.
        finding: only of a released result: detected, not_detected or inconclusive.
        sampled_at: when the sample was taken.
        valid_until: only for "not detected".
        steps: the way of the sample.
        why: of new_sample: rejected, lost, shared_tube or unclear; of closed: withdrawn or expired; else empty.
        reason: of a rejected tube: the laboratory's word for what was wrong with it.
        amended: only of a released result that replaces another.
    """

    status: str
    finding: str | None
    sampled_at: datetime | None
    valid_until: datetime | None
    steps: tuple[Step, ...]
    why: str = ""
    reason: str = ""
    amended: Amended | None = None


def tell(facts: Facts) -> Told:
    """Return what a person may know at this moment."""
    finding = _released_finding(facts)
    valid_until = None
    if finding == "not_detected" and facts.collected_at is not None:
        valid_until = calculate_valid_until(facts.collected_at, validity_hours=facts.validity_hours)
    status = _status(facts, finding)
    why = _why(status, facts)
    return Told(
        status=status,
        finding=finding,
        sampled_at=facts.collected_at,
        valid_until=valid_until,
        steps=list_steps(facts),
        why=why,
        reason=facts.resample_reason if why == "rejected" else "",
        amended=_amended(facts, finding),
    )


def calculate_valid_until(sampled_at: datetime, *, validity_hours: int) -> datetime:
    """Return until when "not detected" holds: counted from the sampling, not from the release."""
    return sampled_at + timedelta(hours=validity_hours)


def _released_finding(facts: Facts) -> str | None:
    """Return what was found, once it is released; an invalid test tells a person the same as an inconclusive one."""
    return _said(facts.finding) if facts.result_status == "released" else None


def _said(finding: str | None) -> str | None:
    return "inconclusive" if finding in UNCLEAR else finding


def _why(status: str, facts: Facts) -> str:
    if status == "closed":
        return facts.declaration_status
    if status != "new_sample":
        return ""
    if facts.resample_reason in REJECTION_REASONS:
        return "rejected"
    return {"tube_missing": "lost", "mixed_positive": "shared_tube"}.get(facts.resample_reason, "unclear")


def _amended(facts: Facts, finding: str | None) -> Amended | None:
    """Return what was told before, once something else is; what was found before is never told of a result in work."""
    before = _said(facts.before)
    if finding is None or before is None or facts.before_released_at is None:
        return None
    return Amended(before, facts.before_released_at)


def _status(facts: Facts, finding: str | None) -> str:
    if facts.declaration_status in ("withdrawn", "expired"):
        return "closed"
    if facts.asked_again:
        return "new_sample"
    if finding is not None:
        return finding
    if facts.result_status == "withdrawn" and not facts.tested_again:
        return "withdrawn"
    if facts.collected_at is None:
        return "not_sampled"
    if facts.is_amended or (facts.tested_again and facts.released_at is not None):
        return "checked_again"
    return "second_test" if facts.needs_second_test else "waiting"


def list_steps(facts: Facts) -> tuple[Step, ...]:
    """Return the seven steps; one is reached when it or a later one has its moment."""
    moments = (
        facts.declared_at,
        facts.collected_at,
        facts.dispatched_at,
        facts.received_at,
        facts.in_test_at,
        facts.verified_at,
        facts.released_at if facts.result_status == "released" else None,
    )
    furthest = max(index for index, moment in enumerate(moments) if moment is not None)
    return tuple(
        Step(name=name, label=label, at=moment, reached=index <= furthest)
        for index, ((name, label), moment) in enumerate(zip(STEPS, moments, strict=True))
    )


def birth_date_fits(stored: BirthDate, typed: BirthDate) -> bool:
    """Tell whether a typed birth date is the one that is kept, as exactly as that is known.

    Where only the year is known, a full date of that year fits; where the day is known, the year alone does not:
    it would make the second fact guessable.
    """
    return hmac.compare_digest(typed.iso[: len(stored.iso)].encode(), stored.iso.encode())
