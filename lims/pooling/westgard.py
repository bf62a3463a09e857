"""Control charts: limits from the first runs, and the rules by which a run falls out of them. Pure.

Source of the rules and their names: Westgard, Barry, Hunt and Groth 1981 (Clin Chem 27:493). Here each rule is looked
at for every run; the paper's technician began with 1-2s to save work, which a program need not. Limits are those of a
Levey-Jennings chart: mean and sample standard deviation (SD) of the first 20 runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from lims.errors import InvalidInput
from lims.msgid import N_

RUNS_FOR_LIMITS = 20
LEAST_RUNS = 2
RULES = ("1-2s", "1-3s", "2-2s", "R-4s", "4-1s", "10-x")
WARNINGS = ("1-2s",)
"""Rules that ask for a look; the others reject the run."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A control's limits.

    Args:
        mean: of its values.
        sd: their sample standard deviation, not negative.
        count: from how many runs.
    """

    mean: float
    sd: float
    count: int

    @property
    def is_provisional(self) -> bool:
        """Whether fewer runs stand behind it than limits need."""
        return self.count < RUNS_FOR_LIMITS


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a run has broken.

    Args:
        rule: a word of `RULES`.
        run: index of the run in the values, from 0; the rule is broken with this run, not before it.
        levels: the controls concerned.
        message: English msgid.
        parameters: the message's parameters; plain JSON values.
        is_warning: True where the run need not be rejected.
    """

    rule: str
    run: int
    levels: tuple[str, ...]
    message: str
    parameters: Mapping[str, object]
    is_warning: bool

    def __str__(self) -> str:
        return self.message % self.parameters


@dataclass(frozen=True, slots=True)
class _Row:
    """A rule of several values in a row beyond a line, all on the same side."""

    rule: str
    values: int
    distance: float
    one_control: str
    several_controls: str


_ROWS = (
    _Row(
        "2-2s",
        2,
        2.0,
        N_(
            "%(controls)s: %(count)s runs in a row lie more than 2 SD from the mean, on the same side. "
            "Look for the cause before results are released."
        ),
        N_(
            "%(controls)s: all lie more than 2 SD from their means in one run, on the same side. "
            "Look for the cause before results are released."
        ),
    ),
    _Row(
        "4-1s",
        4,
        1.0,
        N_(
            "%(controls)s: %(count)s runs in a row lie more than 1 SD from the mean, on the same side. "
            "Reagents or instrument have shifted."
        ),
        N_(
            "%(controls)s: the last %(count)s values lie more than 1 SD from their means, on the same side. "
            "Reagents or instrument have shifted."
        ),
    ),
    _Row(
        "10-x",
        10,
        0.0,
        N_(
            "%(controls)s: %(count)s runs in a row lie on the same side of the mean. "
            "Reagents or instrument have shifted."
        ),
        N_(
            "%(controls)s: the last %(count)s values lie on the same side of their means. "
            "Reagents or instrument have shifted."
        ),
    ),
)
_FAR = {
    "1-2s": N_(
        "%(controls)s: %(value)s lies more than 2 SD from the mean of %(mean)s. Watch the next runs closely."
    ),
    "1-3s": N_(
        "%(controls)s: %(value)s lies more than 3 SD from the mean of %(mean)s. "
        "Look for the cause before results are released."
    ),
}
_APART = N_(
    "%(high)s lies more than 2 SD above its mean and %(low)s more than 2 SD below, in one run. "
    "Look for the cause before results are released."
)

_Scores = dict[str, list[float | None]]


def limits_of(values: Sequence[float]) -> Limits:
    """Return limits from the first 20 runs of a control; from fewer they are provisional.

    Args:
        values: Ct of the control, one a run, the oldest first. What comes after the 20th is not looked at.

    Raises:
        InvalidInput: fewer than two values, or one that is no number.
    """
    first = list(values[:RUNS_FOR_LIMITS])
    if len(first) < LEAST_RUNS:
        raise InvalidInput("Limits need at least two runs.", field="values")
    _check_numbers(first)
    return Limits(fmean(first), stdev(first), len(first))


def check(
    values_by_level: Mapping[str, Sequence[float | None]], limits: Mapping[str, Limits]
) -> tuple[Violation, ...]:
    """Look for broken rules in the runs of one instrument with one lot.

    A value exactly on a line has not passed it. 1-2s and 1-3s are about one value. 2-2s, 4-1s and 10-x are about 2, 4
    and 10 values in a row of one control, or of all controls together: both of one run, the last two runs, the last
    five (of three controls as many whole runs as hold that many values; for 2-2s any two of one run). R-4s is about two
    controls of one run. A control whose SD is 0 has no lines and is left out.

    Args:
        values_by_level: control → its value in each run, the oldest first; None where a run has none. All as long.
        limits: control → its limits.

    Returns:
        What was broken, by run, in the order of `RULES`; a rule broken by one control is not told of all together.

    Raises:
        InvalidInput: a control without limits, of other length, or with a value that is no number.
    """
    scores = _score_all(values_by_level, limits)
    runs = max(map(len, scores.values()), default=0)
    return tuple(
        violation
        for run in range(runs)
        for violation in sorted(
            (
                *_find_far(run, scores, values_by_level, limits),
                *_find_apart(run, scores),
                *_find_rows(run, scores),
            ),
            key=lambda violation: RULES.index(violation.rule),
        )
    )


def _check_numbers(values: Sequence[float | None]) -> None:
    if any(value is not None and not math.isfinite(value) for value in values):
        raise InvalidInput("A value of a control is no number.", field="values")


def _score_all(
    values_by_level: Mapping[str, Sequence[float | None]], limits: Mapping[str, Limits]
) -> _Scores:
    """Return the distances from the mean in SD."""
    if len({len(values) for values in values_by_level.values()}) > 1:
        raise InvalidInput("Every control needs a value or a gap for each run.", field="values")
    scores: _Scores = {}
    for level, values in values_by_level.items():
        _check_numbers(values)
        if level not in limits:
            raise InvalidInput("%(control)s has no limits yet.", field="limits", control=level)
        mean, sd = limits[level].mean, limits[level].sd
        if sd > 0:
            scores[level] = [None if value is None else (value - mean) / sd for value in values]
    return scores


def _violation(rule: str, run: int, levels: Sequence[str], message: str, **parameters: object) -> Violation:
    words = {"controls": ", ".join(levels), **parameters}
    return Violation(rule, run, tuple(levels), message, words, rule in WARNINGS)


def _find_far(
    run: int,
    scores: _Scores,
    values: Mapping[str, Sequence[float | None]],
    limits: Mapping[str, Limits],
) -> Iterator[Violation]:
    for level, distances in scores.items():
        distance, value = distances[run], values[level][run]
        if distance is None or value is None:
            continue
        for rule, far in (("1-2s", 2), ("1-3s", 3)):
            if abs(distance) > far:
                words = {"value": f"{value:.2f}", "mean": f"{limits[level].mean:.2f}"}
                yield _violation(rule, run, [level], _FAR[rule], **words)


def _find_apart(run: int, scores: _Scores) -> Iterator[Violation]:
    high = [level for level, distances in scores.items() if (distances[run] or 0) > 2]
    low = [level for level, distances in scores.items() if (distances[run] or 0) < -2]
    if high and low:
        yield _violation("R-4s", run, [*high, *low], _APART, high=", ".join(high), low=", ".join(low))


def _find_rows(run: int, scores: _Scores) -> Iterator[Violation]:
    for row in _ROWS:
        alone = [level for level, distances in scores.items() if _has_row(row, distances[: run + 1])]
        for level in alone:
            yield _violation(row.rule, run, [level], row.one_control, count=row.values)
        if alone:
            continue
        for beyond in (_above(row.distance), _below(row.distance)):
            levels, count = _find_together(row, run, scores, beyond)
            if len(levels) > 1:
                yield _violation(row.rule, run, levels, row.several_controls, count=count)


def _above(distance: float) -> Callable[[float], bool]:
    return lambda score: score > distance


def _below(distance: float) -> Callable[[float], bool]:
    return lambda score: score < -distance


def _has_row(row: _Row, distances: Sequence[float | None]) -> bool:
    """Tell whether the last values of one control, gaps left out, are beyond the line, and the last run has one."""
    if not distances or distances[-1] is None:
        return False
    last: list[float] = []
    for distance in reversed(distances):
        if distance is not None:
            last.append(distance)
        if len(last) == row.values:
            break
    return len(last) == row.values and (
        all(map(_above(row.distance), last)) or all(map(_below(row.distance), last))
    )


def _find_together(
    row: _Row, run: int, scores: _Scores, beyond: Callable[[float], bool]
) -> tuple[list[str], int]:
    """Return the controls that break a rule together and how many values do; nothing where they do not."""
    if row.rule == "2-2s":
        levels = [
            level
            for level, distances in scores.items()
            if (distance := distances[run]) is not None and beyond(distance)
        ]
        return (levels, len(levels)) if len(levels) >= row.values else ([], 0)
    seen: dict[str, None] = {}
    count = 0
    for earlier in range(run, -1, -1):
        of_run = {
            level: distance
            for level, distances in scores.items()
            if (distance := distances[earlier]) is not None
        }
        if not all(map(beyond, of_run.values())) or (earlier == run and not of_run):
            break
        seen.update(dict.fromkeys(of_run))
        count += len(of_run)
        if count >= row.values:
            return [level for level in scores if level in seen], count
    return [], 0
