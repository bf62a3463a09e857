"""What the assay's rules make of Ct values: calls of wells, controls, runs and pools.

Pure. The order of evaluation is fixed: controls first (a failed run never yields a result), then the quality
of the well, its targets, the well, and last the pool over its wells. Every call carries its sentence, so that
nobody has to guess why. Anything that is not a clean negative is not a negative.

A pool keeps the kit's own cut-offs: relaxing them for the dilution would have turned two all-negative pools
of ten into positives (PMC7454965).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from lims.errors import InvalidInput
from lims.msgid import N_
from lims.pooling.assays import Assay, Control, Expectation, Target

URGENCY = ("detected", "inconclusive", "invalid", "not_detected")
"""Of several wells of one pool the most alarming finding stands."""


@dataclass(frozen=True, slots=True)
class Call:
    """A finding and its reason.

    Args:
        finding: 'detected', 'not_detected', 'inconclusive' or 'invalid'.
        reason: English msgid.
        parameters: the message's parameters; plain JSON values.
    """

    finding: str
    reason: str
    parameters: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.reason % self.parameters


@dataclass(frozen=True, slots=True)
class ControlReading:
    """The Ct values of one control.

    Args:
        kind: NTC, PC and so on.
        well: its well.
        cts: target name → Ct, None for no Ct.
        block: code of the extraction that it went through; "" where none is known.
    """

    kind: str
    well: str
    cts: Mapping[str, float | None]
    block: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a control: an English msgid with its parameters (plain JSON values)."""

    message: str
    parameters: Mapping[str, object]

    def __str__(self) -> str:
        return self.message % self.parameters


@dataclass(frozen=True, slots=True)
class RunControls:
    """Whether a run may be believed, and all that speaks against it.

    Args:
        valid: False where the whole run is lost.
        problems: why it is.
        blocks: code of an extraction → why only what was extracted with it is lost.
    """

    valid: bool
    problems: tuple[Problem, ...]
    blocks: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)


def call_target(target: Target, ct: float | None) -> str:
    """Say what one Ct means: 'found', 'grey', 'none', or 'early' for below the floor.

    Args:
        target: the target's rules.
        ct: cycles, None for no Ct.
    """
    if ct is None:
        return "none"
    if ct < target.floor:
        return "early"
    if ct < target.cutoff or (target.comparison == "<=" and ct == target.cutoff):
        return "found"
    if (
        target.grey_from is not None
        and target.grey_to is not None
        and target.grey_from <= ct <= target.grey_to
    ):
        return "grey"
    return "none"


def call_well(assay: Assay, cts: Mapping[str, float | None]) -> Call:
    """Call one well that holds all the targets of the assay.

    Args:
        assay: the rules.
        cts: target name → Ct, None for no Ct. A target that is missing was not measured, which is not "no
            Ct".

    Returns:
        The finding with a sentence like "N Ct 36.2 < 38, ORF1ab –: only 1 of the 2 viral targets needed".

    Raises:
        InvalidInput: a target the assay does not have.
    """
    _check_targets(assay, cts)
    missing = [target.name for target in assay.targets if target.name not in cts]
    if missing:
        return Call(
            "invalid",
            N_("No reading of %(targets)s: enter it, or test again."),
            {"targets": ", ".join(missing)},
        )
    states = {target.name: call_target(target, cts[target.name]) for target in assay.targets}
    viral = Counter(states[target.name] for target in assay.viral)
    internal = all(states[target.name] == "found" for target in assay.internal)
    parameters: dict[str, object] = {
        "readings": _write(assay, cts),
        "found": viral["found"],
        "needed": assay.min_viral_detected,
    }
    if assay.internal_control == "always" and not internal:
        return Call("invalid", N_("%(readings)s: the internal control is missing."), parameters)
    if viral["found"] >= assay.min_viral_detected:
        return Call(
            "detected", N_("%(readings)s: %(found)s viral targets found, %(needed)s needed."), parameters
        )
    if viral["early"]:
        return Call("invalid", N_("%(readings)s: a Ct is too early to be true."), parameters)
    if viral["found"]:
        return Call(
            "inconclusive",
            N_("%(readings)s: only %(found)s of the %(needed)s viral targets needed."),
            parameters,
        )
    if viral["grey"]:
        return Call("inconclusive", N_("%(readings)s: in the grey zone."), parameters)
    if not internal:
        return Call("invalid", N_("%(readings)s: the internal control is missing."), parameters)
    return Call("not_detected", N_("%(readings)s: no viral target, internal control found."), parameters)


def call_pool(calls: Sequence[Call]) -> Call:
    """Combine the calls of a pool's wells: the most alarming one stands, a negative needs all of them.

    Args:
        calls: one of each well, at least one.

    Raises:
        InvalidInput: no call at all.
    """
    if not calls:
        raise InvalidInput("The pool has no reading on this plate.", field="wells")
    return min(calls, key=lambda call: URGENCY.index(call.finding))


def call_pool_wells(assay: Assay, wells: Sequence[Mapping[str, float | None]]) -> Call:
    """Call a pool from the Ct values of its wells.

    Wells that share no target are parts of one reaction set (CDC: N1, N2 and RP in a well each) and are read
    together; otherwise each well stands for itself.

    Args:
        assay: the rules.
        wells: of each well, target name → Ct; at least one.

    Raises:
        InvalidInput: no well, or a target the assay does not have.
    """
    seen = Counter(target for well in wells for target in well)
    if len(wells) > 1 and max(seen.values(), default=0) <= 1:
        return call_well(assay, {target: ct for well in wells for target, ct in well.items()})
    return call_pool([call_well(assay, well) for well in wells])


def call_control(assay: Assay, reading: ControlReading) -> tuple[Problem, ...]:
    """Check one control against what it must show.

    Args:
        assay: the rules.
        reading: the control's Ct values.

    Returns:
        All that is wrong with it; empty when it is right.

    Raises:
        InvalidInput: a target the assay does not have.
    """
    _check_targets(assay, reading.cts)
    rule = next((control for control in assay.controls if control.kind == reading.kind), None)
    where = {"kind": reading.kind, "well": reading.well}
    if rule is None:
        return (Problem(N_("%(kind)s in %(well)s: the assay has no such control."), where),)
    return tuple(
        Problem(message, {**where, **parameters})
        for target in assay.targets
        for message, parameters in _check_expectation(target, rule, reading.cts)
    )


def check_run_controls(assay: Assay, readings: Sequence[ControlReading]) -> RunControls:
    """Say whether a run may be believed.

    Every kind of control must be there often enough, and every control on the plate must be right: one spoilt
    control among several good ones fails the run too, or the extraction it went through where the assay says so.

    Args:
        assay: the rules.
        readings: all controls of the plate. The wells of one control (a target in a well each) come as one
            reading.

    Raises:
        InvalidInput: a target the assay does not have.
    """
    problems = []
    present = Counter(reading.kind for reading in readings)
    for control in assay.controls:
        if present[control.kind] < control.required_count:
            message = N_("%(kind)s: %(required)s needed on the plate, %(present)s found.")
            counts = {"required": control.required_count, "present": present[control.kind]}
            problems.append(Problem(message, {"kind": control.kind, **counts}))
    stopping_blocks = {control.kind for control in assay.controls if control.stops == "block"}
    blocks: dict[str, tuple[Problem, ...]] = {}
    for reading in readings:
        found = call_control(assay, reading)
        if found and reading.block and reading.kind in stopping_blocks:
            blocks[reading.block] = blocks.get(reading.block, ()) + found
        else:
            problems.extend(found)
    return RunControls(not problems, tuple(problems), blocks)


def _check_expectation(
    target: Target, rule: Control, cts: Mapping[str, float | None]
) -> list[tuple[str, dict[str, object]]]:
    expectation = rule.targets.get(target.name, Expectation("any"))
    if expectation.shows == "any":
        return []
    if target.name not in cts:
        return [(N_("%(kind)s in %(well)s: no reading of %(target)s."), {"target": target.name})]
    ct = cts[target.name]
    state = call_target(target, ct)
    parameters: dict[str, object] = {"target": target.name, "reading": _write_one(target, ct)}
    if expectation.shows == "none":
        # A grey or an impossibly early Ct is a signal all the same where nothing may be.
        if state == "none":
            return []
        return [(N_("%(kind)s in %(well)s: %(reading)s, but there must be no %(target)s."), parameters)]
    if state != "found":
        return [(N_("%(kind)s in %(well)s: %(reading)s, but %(target)s must be found."), parameters)]
    if expectation.min is not None and ct is not None and ct < expectation.min:
        parameters["limit"] = _number(expectation.min)
        return [(N_("%(kind)s in %(well)s: %(reading)s, earlier than Ct %(limit)s."), parameters)]
    if expectation.max is not None and ct is not None and ct > expectation.max:
        parameters["limit"] = _number(expectation.max)
        return [(N_("%(kind)s in %(well)s: %(reading)s, later than Ct %(limit)s."), parameters)]
    return []


def _check_targets(assay: Assay, cts: Mapping[str, float | None]) -> None:
    known = {target.name for target in assay.targets}
    strange = sorted(set(cts) - known)
    if strange:
        raise InvalidInput(
            "%(assay)s has no target %(targets)s. Check the assay of this run.",
            field="target",
            assay=assay.name,
            targets=", ".join(strange),
        )


def _write(assay: Assay, cts: Mapping[str, float | None]) -> str:
    """Write Ct values without a word that would need translating: "N Ct 36.2 < 38, ORF1ab –"."""
    return ", ".join(_write_one(target, cts[target.name]) for target in (*assay.viral, *assay.internal))


def _write_one(target: Target, ct: float | None) -> str:
    if ct is None:
        return f"{target.name} –"
    below, above = ("<", "≥") if target.comparison == "<" else ("≤", ">")
    state = call_target(target, ct)
    if state == "early":
        return f"{target.name} Ct {_number(ct)} < {_number(target.floor)}"
    if state == "found":
        return f"{target.name} Ct {_number(ct)} {below} {_number(target.cutoff)}"
    shown = _number(ct, ROUND_DOWN if above == "≥" else ROUND_UP)
    return f"{target.name} Ct {shown} {above} {_number(target.cutoff)}"


def _number(value: float, rounding: str = ROUND_DOWN) -> str:
    # Two decimals, but never written on the other side of the cut-off: 37.9999 < 38 must not read 38 < 38.
    rounded = Decimal(str(value)).quantize(Decimal("0.01"), rounding)
    return f"{rounded:f}".rstrip("0").rstrip(".")
