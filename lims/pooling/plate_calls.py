"""From a plate's readings to a call for each of its wells, the controls judged first. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lims.msgid import N_
from lims.pooling.assays import Assay
from lims.pooling.calls import (
    Call,
    ControlReading,
    Problem,
    call_control,
    call_pool_wells,
    check_run_controls,
)
from lims.pooling.readings import Reading


@dataclass(frozen=True)
class PlateWell:
    """What stands in a well: a pool's code or a kind of control."""

    position: str
    pool: str | None
    control: str | None


@dataclass(frozen=True)
class PlateCalls:
    """The calls by well, and what is wrong with the run's controls (nothing where it is valid)."""

    calls: Mapping[str, Call]
    problems: tuple[Problem, ...]

    @property
    def valid(self) -> bool:
        """Whether the run may be believed."""
        return not self.problems


def group_wells(kit: Assay, plate: Sequence[PlateWell]) -> list[list[PlateWell]]:
    """Put together the wells that are read together.

    Args:
        kit: whose `wells_per_pool` says how many wells one reaction set takes.
        plate: in filling order.

    Returns:
        All wells of each pool; the wells of each control, `wells_per_pool` at a time.
    """
    pools: defaultdict[str, list[PlateWell]] = defaultdict(list)
    controls: defaultdict[str, list[PlateWell]] = defaultdict(list)
    for well in plate:
        if well.pool is not None:
            pools[well.pool].append(well)
        elif well.control is not None:
            controls[well.control].append(well)
    step = kit.wells_per_pool
    return [
        *pools.values(),
        *(wells[start : start + step] for wells in controls.values() for start in range(0, len(wells), step)),
    ]


def call_plate(kit: Assay, plate: Sequence[PlateWell], readings: Iterable[Reading]) -> PlateCalls:
    """Call a plate.

    The wells of one pool carry the same call, as they are read together. A control's call says whether it shows
    what it must.

    Args:
        kit: the assay's rules.
        plate: its wells, in filling order.
        readings: complete, as `typed_readings.read_readings` leaves them.
    """
    cts: defaultdict[str, dict[str, float | None]] = defaultdict(dict)
    for reading in readings:
        cts[reading.well][reading.target] = reading.ct
    calls: dict[str, Call] = {}
    controls = []
    for group in group_wells(kit, plate):
        kind = group[0].control
        if kind is None:
            call = call_pool_wells(kit, [cts[well.position] for well in group])
        else:
            merged = {target: ct for well in group for target, ct in cts[well.position].items()}
            control = ControlReading(kind, "+".join(well.position for well in group), merged)
            controls.append(control)
            call = _control_call(kit, control)
        calls.update(dict.fromkeys((well.position for well in group), call))
    checked = check_run_controls(kit, controls)
    return PlateCalls(calls, checked.problems)


def _control_call(kit: Assay, control: ControlReading) -> Call:
    problems = call_control(kit, control)
    if problems:
        return Call("invalid", problems[0].message, problems[0].parameters)
    rule = next(item for item in kit.controls if item.kind == control.kind)
    virus = any(rule.targets[t.name].shows == "present" for t in kit.viral if t.name in rule.targets)
    return Call(
        "detected" if virus else "not_detected",
        N_("%(kind)s in %(well)s shows what it must."),
        {"kind": control.kind, "well": control.well},
    )
