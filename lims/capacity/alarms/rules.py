"""What is an alarm, from which number on, and what its sentence says. Pure.

A kind has one or two thresholds, kept in the table `alarm_threshold` where somebody has changed them. A rule looks at
figures of one subject (a laboratory, a box, a team, a commune) and answers with a finding or with nothing.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lims.errors import InvalidInput
from lims.msgid import N_
from lims.pooling.prevalence import PoolCounts, estimate_prevalence


@dataclass(frozen=True)
class Threshold:
    """A number from which on a kind is an alarm.

    Args:
        name: word of the number.
        label: message id, with its unit.
        preset: what holds until somebody changes it.
        least, most: between which it may be set.
    """

    name: str
    label: str
    preset: float
    least: float
    most: float


@dataclass(frozen=True)
class Kind:
    """A kind of alarm.

    Args:
        title: message id.
        sentence: message id with the finding's numbers: what happened and what to do.
        endpoint: the page behind it.
        thresholds: at least one.
    """

    title: str
    sentence: str
    endpoint: str
    thresholds: tuple[Threshold, ...]


KINDS: Mapping[str, Kind] = {
    "backlog_old": Kind(
        N_("Backlog older than the target"),
        N_("%(place)s: the oldest sample, tube %(tube)s, has waited %(hours)s hours. Test it next."),
        "capacity.list_waiting_samples",
        (Threshold("hours", N_("Oldest waiting sample, hours"), 24, 1, 240),),
    ),
    "arrivals_above_capacity": Kind(
        N_("More arrives than can be tested"),
        N_(
            "%(place)s: %(received)s samples arrived in the last %(hours)s hours, %(possible)s can be tested in that "
            "time. Send the next boxes elsewhere, or add a shift."
        ),
        "capacity.board",
        (Threshold("hours", N_("Hours in a row"), 3, 1, 23),),
    ),
    "box_late": Kind(
        N_("A box is on the road too long"),
        N_("Box %(subject)s to %(place)s has been on the road for %(hours)s hours. Call the courier."),
        "intake.show_box",
        (Threshold("hours", N_("On the road, hours"), 4, 0.5, 72),),
    ),
    "box_warm": Kind(
        N_("A box is too warm or too cold"),
        N_("Box %(subject)s to %(place)s: %(temperature)s °C. Look at its tubes before they are tested."),
        "intake.show_box",
        (Threshold("degrees", N_("Beyond the campaign's limits, °C"), 0, 0, 20),),
    ),
    "team_silent": Kind(
        N_("A team is silent"),
        N_(
            "Team %(subject)s at %(place)s: nothing has come from its phones for %(minutes)s minutes. Call it."
        ),
        "field.list_teams",
        (Threshold("minutes", N_("No contact, minutes"), 90, 10, 720),),
    ),
    "positivity_shift": Kind(
        N_("A laboratory's positivity has shifted"),
        N_(
            "%(place)s: %(positive)s of %(tested)s pools are positive; by its own last weeks %(own)s were expected, by "
            "the other laboratories %(others)s. Look at controls, kit lots and plates."
        ),
        "pooling.list_control_charts",
        (
            Threshold("sigma", N_("Limits of the control chart, standard deviations"), 3, 2, 6),
            Threshold("fewest", N_("Fewest pools of a day"), 20, 5, 1000),
        ),
    ),
    "coverage_low": Kind(
        N_("A commune is behind"),
        N_(
            "%(place)s: %(percent)s %% of %(declared)s people declared are sampled. Send a team, or call them."
        ),
        "intake.list_people",
        (
            Threshold("percent", N_("Sampled of those declared, percent"), 80, 1, 100),
            Threshold("days", N_("Days after the first declaration"), 3, 1, 60),
        ),
    ),
    "tubes_without_names": Kind(
        N_("Tubes without names"),
        N_(
            "%(place)s: %(number)s tubes have waited for their names longer than %(hours)s hours. Look for the scans."
        ),
        "capacity.reconciliation",
        (
            Threshold("number", N_("Tubes, more than"), 5, 0, 10_000),
            Threshold("hours", N_("Received before, hours"), 2, 0, 72),
        ),
    ),
    "names_without_tubes": Kind(
        N_("Names without tubes"),
        N_(
            "%(place)s: the tubes of %(number)s people have not come to a laboratory for %(hours)s hours. Find them."
        ),
        "capacity.reconciliation",
        (
            Threshold("number", N_("People, more than"), 5, 0, 10_000),
            Threshold("hours", N_("Collected before, hours"), 24, 1, 240),
        ),
    ),
}
FEWEST_POOLS_BEFORE = 30
"""Of a baseline; with fewer its own uncertainty would raise alarms."""
FEWEST_DECLARED = 50
WORKING_HOURS = (7, 18)
"""Local hours in which a team is expected to scan."""


@dataclass(frozen=True)
class Finding:
    """Something that is an alarm at this moment.

    Args:
        kind: key of `KINDS`.
        subject: what it is about, one open alarm of a kind for each: a printed code, a team, or '' for the place.
        place_id: where.
        campaign_id: whose; None where it is nobody's alone.
        numbers: of its sentence.
        tube: printed code of a tube that its sentence names.
    """

    kind: str
    subject: str
    place_id: uuid.UUID
    campaign_id: uuid.UUID | None
    numbers: Mapping[str, float] = field(default_factory=dict)
    tube: str = ""


def check_threshold(kind: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return a kind's thresholds as they may be kept.

    Args:
        kind: key of `KINDS`.
        values: by the threshold's name; all of them.

    Raises:
        InvalidInput: there is no such kind, or a number is missing or not possible; names the field.
    """
    if kind not in KINDS:
        raise InvalidInput("There is no such alarm. Choose one of the list.", field="kind")
    kept = {}
    for threshold in KINDS[kind].thresholds:
        value = values.get(threshold.name)
        if value is None or not math.isfinite(value) or not threshold.least <= value <= threshold.most:
            raise InvalidInput(
                "“%(field_label)s” lies between %(least)s and %(most)s.",
                field=threshold.name,
                field_label=threshold.label,
                least=threshold.least,
                most=threshold.most,
            )
        kept[threshold.name] = float(value)
    return kept


def is_backlog_old(collected_at: datetime, *, now: datetime, limits: Mapping[str, float]) -> int | None:
    """Return the whole hours the oldest sample has waited, where that is longer than the limit."""
    waited = now - collected_at
    return int(waited / timedelta(hours=1)) if waited > timedelta(hours=limits["hours"]) else None


def is_above_capacity(
    received: Sequence[int], *, people_per_day: float, limits: Mapping[str, float]
) -> tuple[int, int] | None:
    """Tell whether in each of the last hours more people's samples arrived than can be tested in one.

    Args:
        received: by whole hour, oldest first.
        people_per_day: effective capacity; 0 where nothing can be tested, and then every arrival is above it.
        limits: with `hours` in a row.

    Returns:
        How many arrived and how many can be tested in that time; None where it is no alarm.
    """
    hours = int(limits["hours"])
    last = list(received)[-hours:]
    if len(last) < hours or not all(number > people_per_day / 24 for number in last):
        return None
    return sum(last), int(people_per_day / 24 * hours)


def is_too_warm(
    temperatures_c: Sequence[float | None], *, coldest_c: float, warmest_c: float, limits: Mapping[str, float]
) -> float | None:
    """Return the temperature that is furthest beyond a campaign's limits, where one is; in °C."""
    beyond = {
        value: max(coldest_c - value, value - warmest_c) for value in temperatures_c if value is not None
    }
    worst = max(beyond, key=lambda value: beyond[value], default=None)
    return worst if worst is not None and beyond[worst] > limits["degrees"] else None


@dataclass(frozen=True)
class Shift:
    """Pools of a day against what was to be expected.

    Args:
        tested, positive: of the day.
        own: positive pools expected by the laboratory's own last weeks.
        others: expected by what the other laboratories find.
    """

    tested: int
    positive: int
    own: float
    others: float


def find_shift(
    day: Sequence[PoolCounts],
    *,
    own: Sequence[PoolCounts],
    others: Sequence[PoolCounts],
    limits: Mapping[str, float],
) -> Shift | None:
    """Tell whether a laboratory's positive pools leave the limits of both charts on the same side.

    A wave of infections moves all laboratories, and a laboratory of a hot district has always differed: only what
    differs from its own weeks *and* from the others is a fault to look for, as a contaminated plate or a bad lot
    (CAMPAIGN.md §4.2: 43,000 false negatives of one laboratory went unseen for five weeks). Each chart is a p-chart
    (Shewhart; Montgomery, Introduction to Statistical Quality Control, §7.2) with exact binomial limits in place of
    the normal ones, as positive pools are few. Pools of different sizes are compared by the prevalence behind them.

    Args:
        day: the laboratory's pools of the day, by size.
        own: its pools of the weeks before.
        others: pools of the other laboratories, of the same days as `own` and of the day.
        limits: with `sigma` and `fewest`.
    """
    tested, positive = sum(row.tested for row in day), sum(row.positive for row in day)
    if tested < limits["fewest"]:
        return None
    expected = [_expect_positive(day, before) for before in (own, others)]
    if any(number is None for number in expected):
        return None
    by_own, by_others = (number or 0.0 for number in expected)
    sides = {_side(positive, tested, number / tested, limits["sigma"]) for number in (by_own, by_others)}
    return Shift(tested, positive, by_own, by_others) if sides in ({1}, {-1}) else None


def _expect_positive(day: Sequence[PoolCounts], before: Sequence[PoolCounts]) -> float | None:
    """Return how many of a day's pools would be positive at the prevalence of earlier pools; None of too few."""
    counted = [row for row in before if row.tested]
    pools = sum(row.tested for row in counted)
    if pools < FEWEST_POOLS_BEFORE:
        return None
    mean_size = sum(row.size * row.tested for row in counted) / pools
    # half a positive pool among them all: after weeks without any, one positive pool is no proof of a fault
    floor = 1 - (1 - 0.5 / (pools + 1)) ** (1 / mean_size)
    prevalence = min(max(estimate_prevalence(counted).firth, floor), 1 - 1e-9)
    return sum(row.tested * (1 - (1 - prevalence) ** row.size) for row in day)


def _side(positive: int, tested: int, share: float, sigma: float) -> int:
    """Return 1 above the upper limit, −1 below the lower one, 0 between them."""
    tail = 0.5 * math.erfc(sigma / math.sqrt(2))
    if _at_least(positive, tested, share) < tail:
        return 1
    return -1 if 1 - _at_least(positive + 1, tested, share) < tail else 0


def _at_least(positive: int, tested: int, share: float) -> float:
    """Return the probability of at least so many of a binomial."""
    if positive <= 0:
        return 1.0
    if not 0 < share < 1:
        return 1.0 if share >= 1 else 0.0
    logs = [
        math.lgamma(tested + 1)
        - math.lgamma(number + 1)
        - math.lgamma(tested - number + 1)
        + number * math.log(share)
        + (tested - number) * math.log1p(-share)
        for number in range(positive, tested + 1)
    ]
    return min(1.0, math.fsum(math.exp(value) for value in logs))


def is_coverage_low(
    *, declared: int, sampled: int, days: int, limits: Mapping[str, float]
) -> dict[str, int] | None:
    """Return the numbers of a commune that is behind: enough people, long enough, too few of them sampled.

    Args:
        declared, sampled: people of one commune in one campaign.
        days: since its first declaration.
        limits: with `percent` and `days`.
    """
    if declared < FEWEST_DECLARED or days < limits["days"]:
        return None
    percent = 100 * min(sampled, declared) / declared
    return {"percent": int(percent), "declared": declared} if percent < limits["percent"] else None
