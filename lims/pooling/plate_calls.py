"""From a plate's readings to a call for each of its wells, the controls judged first. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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
    """What stands in a well: a pool's code or a kind of control.

    Args:
        position: `A01`.
        pool: its code, or None.
        control: its kind, or None.
        tubes: how many tubes the pool holds.
        block: code of the extraction that the pool or the control went through; "" where none is known.
    """

    position: str
    pool: str | None
    control: str | None
    tubes: int = 1
    block: str = ""


@dataclass(frozen=True)
class PlateCalls:
    """The calls by well, and what is wrong with the run's controls (nothing where it is valid).

    Args:
        calls: well → call.
        problems: why the whole run is lost.
        blocks: code of an extraction → why what was extracted with it is lost.
    """

    calls: Mapping[str, Call]
    problems: tuple[Problem, ...]
    blocks: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)

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
    controls: defaultdict[tuple[str, str], list[PlateWell]] = defaultdict(list)
    for well in plate:
        if well.pool is not None:
            pools[well.pool].append(well)
        elif well.control is not None:
            controls[well.control, well.block].append(well)
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
    groups = group_wells(kit, plate)
    controls = [
        ControlReading(
            group[0].control,
            "+".join(well.position for well in group),
            {target: ct for well in group for target, ct in cts[well.position].items()},
            group[0].block,
        )
        for group in groups
        if group[0].control is not None
    ]
    checked = check_run_controls(kit, controls)
    of_control = {control.well.split("+")[0]: control for control in controls}
    calls: dict[str, Call] = {}
    for group in groups:
        first = group[0]
        if first.position in of_control:
            call = _control_call(kit, of_control[first.position])
        elif first.block in checked.blocks:
            call = _lost_with_its_block(checked.blocks[first.block][0])
        else:
            rules = kit.for_pools() if first.tubes > 1 else kit
            call = call_pool_wells(rules, [cts[well.position] for well in group])
        calls.update(dict.fromkeys((well.position for well in group), call))
    return PlateCalls(calls, checked.problems, checked.blocks)


def _lost_with_its_block(problem: Problem) -> Call:
    """Call a pool whose extraction's control failed: it says nothing, neither a positive nor a negative."""
    return Call("invalid", problem.message, problem.parameters)


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
