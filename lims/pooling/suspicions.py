"""What on a plate looks too odd to be released without a look by a person. Pure.

Nothing here changes a call: a suspicion asks for eyes, and says where to look.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from lims import codes
from lims.errors import InvalidInput
from lims.msgid import N_
from lims.plates import neighbours
from lims.pooling.assays import Assay, Target
from lims.pooling.calls import Call, call_target
from lims.pooling.instruments.run_file import Curve
from lims.pooling.plate_calls import PlateWell, group_wells
from lims.pooling.readings import Reading

KINDS = ("carry_over", "weak_positives", "flat_curve", "positivity_jump")
SUSPECTED = ("detected", "inconclusive")

HOT_CT = 20.0
"""A well that may splash has a mean viral Ct below this."""
SPLASHES = ((1, 10.0), (3, 22.0))
"""(wells away, cycles later): within so many wells, and more than so many cycles later, it may be a splash."""

WEAK_CYCLES = 3.0
"""A Ct at most so many cycles below the cut-off is weak."""
WEAK_SHARE = 0.02
"""Share of a plate's pools that are weak positives in an ordinary week."""
LEAST_WEAK = 4
UNLIKELY = 0.001

LEAST_IN_JUMP = 5
JUMP = 2
"""At least so many times the earlier share."""

BASELINE_CYCLES = (3, 10)
BASELINE_SDS = 10
LEAST_BASELINE = 3
"""Cycles without which a baseline has no spread."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Something odd.

    Args:
        kind: a word of `KINDS`.
        pool: code of the pool it is about; None where it is about a control, a plate or a laboratory.
        message: English msgid.
        parameters: the message's parameters; plain JSON values.
    """

    kind: str
    pool: str | None
    message: str
    parameters: Mapping[str, object]

    def __str__(self) -> str:
        return self.message % self.parameters


@dataclass(frozen=True, slots=True)
class Counts:
    """How many were tested and how many of them are positive.

    Args:
        tested: pools or people.
        positive: of them.
    """

    tested: int
    positive: int


@dataclass(frozen=True, slots=True)
class _Signal:
    """The mean viral Ct of one well of a pool."""

    pool: str
    well: str
    ct: float


def find_suspicions(
    kit: Assay,
    plate: Sequence[PlateWell],
    calls: Mapping[str, Call],
    readings: Iterable[Reading],
    *,
    size: int,
    expected_weak_share: float | None = None,
) -> tuple[Suspicion, ...]:
    """Look for splashes from strong positives and for too many weak positives on a plate.

    "carry_over": a detected or inconclusive well beside one of another pool with a mean viral Ct below 20, its own
    mean viral Ct more than 10 cycles later, or within three wells and more than 22 cycles later. Source: the "hot
    well" rule of CZ Biohub's laboratory (notes on instruments, section 4.2). A pool is named once, with its nearest
    and then strongest neighbour.

    "weak_positives": at least 4 pools whose viral Ct values all lie within 3 cycles of the cut-off or in the grey
    band, and so many of them that, with the share that is usual, a plate has them less than once in 1,000 times
    (binomial tail).

    Args:
        kit: the rules the plate was called by.
        plate: its wells.
        calls: well → call, as `plate_calls.call_plate` makes them.
        readings: of the plate.
        size: 96 or 384.
        expected_weak_share: usual share of pools that are weak positives, 0 to 1; None for 2 %.

    Returns:
        Splashes in the plate's order, then what is about the whole plate.

    Raises:
        InvalidInput: an impossible share, or a well that is not on such a plate.
    """
    share = WEAK_SHARE if expected_weak_share is None else expected_weak_share
    if not 0 <= share <= 1:
        raise InvalidInput(
            "Enter a share from 0 to 1, such as 0.02 for 2 percent.", field="expected_weak_share"
        )
    cts = _by_well(readings)
    return (
        *_find_splashes(kit, plate, calls, cts, size),
        *_find_weak(kit, plate, calls, cts, share),
    )


def _by_well(readings: Iterable[Reading]) -> Mapping[str, Mapping[str, float | None]]:
    cts: defaultdict[str, dict[str, float | None]] = defaultdict(dict)
    for reading in readings:
        cts[reading.well][reading.target] = reading.ct
    return cts


def _rules_for(kit: Assay, well: PlateWell) -> Assay:
    return kit.for_pools() if well.tubes > 1 else kit


def _viral(kit: Assay, cts: Mapping[str, float | None]) -> list[tuple[Target, float]]:
    """Return the viral targets with a Ct that says something: found or grey."""
    return [
        (target, ct)
        for target in kit.viral
        if (ct := cts.get(target.name)) is not None and call_target(target, ct) in ("found", "grey")
    ]


def _find_splashes(
    kit: Assay,
    plate: Sequence[PlateWell],
    calls: Mapping[str, Call],
    cts: Mapping[str, Mapping[str, float | None]],
    size: int,
) -> list[Suspicion]:
    signals: dict[str, _Signal] = {}
    for well in plate:
        found = _viral(_rules_for(kit, well), cts.get(well.position, {}))
        if well.pool is not None and found:
            signals[well.position] = _Signal(well.pool, well.position, fmean(ct for _, ct in found))
    suspicions: dict[str, Suspicion] = {}
    for position, signal in signals.items():
        suspected = position in calls and calls[position].finding in SUSPECTED
        source = _find_source(signal, signals, size) if suspected else None
        if source is not None:
            suspicions.setdefault(signal.pool, _splash(signal, source))
    return list(suspicions.values())


def _find_source(signal: _Signal, signals: Mapping[str, _Signal], size: int) -> _Signal | None:
    for distance, later in SPLASHES:
        sources = [
            other
            for well in neighbours(signal.well, size=size, distance=distance)
            if (other := signals.get(well)) is not None
            and other.pool != signal.pool
            and other.ct < HOT_CT
            and signal.ct - other.ct > later
        ]
        if sources:
            return min(sources, key=lambda other: other.ct)
    return None


def _splash(signal: _Signal, source: _Signal) -> Suspicion:
    return Suspicion(
        "carry_over",
        signal.pool,
        N_(
            "%(pool)s in %(well)s has Ct %(ct)s near %(other)s in %(other_well)s with Ct %(other_ct)s: "
            "perhaps a splash. Test this pool again before it is released."
        ),
        {
            "pool": codes.grouped(signal.pool),
            "well": signal.well,
            "ct": f"{signal.ct:.1f}",
            "other": codes.grouped(source.pool),
            "other_well": source.well,
            "other_ct": f"{source.ct:.1f}",
        },
    )


def _find_weak(
    kit: Assay,
    plate: Sequence[PlateWell],
    calls: Mapping[str, Call],
    cts: Mapping[str, Mapping[str, float | None]],
    share: float,
) -> list[Suspicion]:
    groups = [group for group in group_wells(kit, plate) if group[0].pool is not None]
    weak = 0
    for group in groups:
        rules = _rules_for(kit, group[0])
        found = [pair for well in group for pair in _viral(rules, cts.get(well.position, {}))]
        call = calls.get(group[0].position)
        if call is not None and call.finding in SUSPECTED and found:
            weak += all(ct >= target.cutoff - WEAK_CYCLES for target, ct in found)
    if weak < LEAST_WEAK or _binomial_tail(len(groups), weak, share) >= UNLIKELY:
        return []
    return [
        Suspicion(
            "weak_positives",
            None,
            N_(
                "%(count)s of %(pools)s pools on this plate are weak positives; about %(expected)s would be usual. "
                "Perhaps something was contaminated: look at the curves and the controls."
            ),
            {"count": weak, "pools": len(groups), "expected": f"{len(groups) * share:.1f}"},
        )
    ]


def _binomial_tail(trials: int, least: int, share: float) -> float:
    """Return the probability of at least so many successes."""
    return math.fsum(
        math.comb(trials, count) * share**count * (1 - share) ** (trials - count)
        for count in range(least, trials + 1)
    )


def find_jump(earlier: Counts, now: Counts) -> Suspicion | None:
    """Tell whether far more are positive than before: in a laboratory, with a lot of a kit, on a plate.

    At least 5 are positive, their share is at least twice the earlier one, and Fisher's exact test, one-sided,
    gives p < 0.001 (Fisher 1935, The Design of Experiments).

    Args:
        earlier: what it is compared with; nothing tested gives no suspicion.
        now: the last hours, the lot, the plate; not counted in `earlier` too.

    Raises:
        InvalidInput: negative numbers, or more positive than tested.
    """
    for counts in (earlier, now):
        if not 0 <= counts.positive <= counts.tested:
            raise InvalidInput(
                "Of %(tested)s tested %(positive)s cannot be positive.",
                field="positive",
                tested=counts.tested,
                positive=counts.positive,
            )
    doubled = now.positive * earlier.tested >= JUMP * earlier.positive * now.tested
    if not earlier.tested or now.positive < LEAST_IN_JUMP or not doubled:
        return None
    if _fisher_tail(earlier, now) >= UNLIKELY:
        return None
    return Suspicion(
        "positivity_jump",
        None,
        N_(
            "%(positive)s of %(tested)s are positive; before, %(earlier_positive)s of %(earlier_tested)s were. "
            "Look for contamination or a bad lot before results are released."
        ),
        {
            "positive": now.positive,
            "tested": now.tested,
            "earlier_positive": earlier.positive,
            "earlier_tested": earlier.tested,
        },
    )


def _fisher_tail(earlier: Counts, now: Counts) -> float:
    """Return the hypergeometric probability of so many positives among those of now, or more."""
    positive, tested = earlier.positive + now.positive, earlier.tested + now.tested
    count = now.positive
    term = math.exp(
        _log_choose(positive, count)
        + _log_choose(tested - positive, now.tested - count)
        - _log_choose(tested, now.tested)
    )
    total = term
    while count < min(positive, now.tested):
        term *= (positive - count) * (now.tested - count)
        term /= (count + 1) * (tested - positive - now.tested + count + 1)
        count += 1
        total += term
        if term < total * 1e-17:
            break
    return total


def _log_choose(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)


def find_flat_curves(
    kit: Assay, plate: Sequence[PlateWell], readings: Iterable[Reading], curves: Iterable[Curve]
) -> tuple[Suspicion, ...]:
    """Look for Ct values whose curve never leaves its baseline.

    A curve leaves its baseline where, after it, a value lies above the mean and 10 SD of cycles 3 to 10 (source: the
    curves of inmegen's pipeline, notes on instruments, section 4.2). Of an early Ct the baseline ends three cycles
    before it, else the rise itself would count as noise. Looked at are Ct values that count for the call, of pools
    and controls; without a curve, or with fewer than 3 cycles of baseline, nothing is said.

    Args:
        kit: the rules the plate was called by.
        plate: its wells.
        readings: of the plate.
        curves: in the assay's spelling of the targets; NaN where a cycle is missing.

    Returns:
        One suspicion for each such Ct, in the plate's order and the assay's order of targets.
    """
    cts = _by_well(readings)
    by_place = {(curve.well, curve.target): curve for curve in curves}
    return tuple(
        _flat(well, target, ct)
        for well in plate
        for target in _rules_for(kit, well).targets
        if (ct := cts.get(well.position, {}).get(target.name)) is not None
        and call_target(target, ct) != "none"
        and (curve := by_place.get((well.position, target.name))) is not None
        and _is_flat(curve, ct)
    )


def _flat(well: PlateWell, target: Target, ct: float) -> Suspicion:
    return Suspicion(
        "flat_curve",
        well.pool,
        N_(
            "%(target)s in %(well)s has Ct %(ct)s, but its curve never leaves the baseline. "
            "Look at the curve before this Ct is believed."
        ),
        {"target": target.name, "well": well.position, "ct": f"{ct:.1f}"},
    )


def _is_flat(curve: Curve, ct: float) -> bool:
    first, last = BASELINE_CYCLES
    end = min(last, math.ceil(ct) - 3)
    points = [
        (cycle, value)
        for cycle, value in zip(curve.cycles, curve.values, strict=True)
        if math.isfinite(value)
    ]
    baseline = [value for cycle, value in points if first <= cycle <= end]
    later = [value for cycle, value in points if cycle > end]
    if len(baseline) < LEAST_BASELINE or not later:
        return False
    return max(later) <= fmean(baseline) + BASELINE_SDS * stdev(baseline)
