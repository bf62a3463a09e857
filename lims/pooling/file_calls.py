"""An assay's rules applied to a thermocycler's file alone, without any plate that was planned. Pure.

Controls are recognised by what the instrument says of a well, else by the sample's name. Wells of one sample are called
together, as the wells of a pool are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from lims.errors import InvalidInput
from lims.names import fold
from lims.pooling.assays import Assay
from lims.pooling.calls import (
    Call,
    ControlReading,
    Problem,
    call_control,
    call_pool_wells,
    check_run_controls,
)
from lims.pooling.instruments.run_file import RunFile, WellReading
from lims.pooling.target_names import TargetNames

# what the instrument calls a control → the kinds it may be, the first one that the assay has
_OF_TASK = {"ntc": ("NTC",), "negative": ("NEC", "HSC"), "positive": ("PC", "PEC", "weak_PC")}
# how people name controls, folded
_OF_NAME = {
    "ntc": ("NTC",),
    "no template control": ("NTC",),
    "no template": ("NTC",),
    "blank": ("NTC",),
    "nec": ("NEC", "HSC"),
    "negative extraction control": ("NEC", "HSC"),
    "neg ctrl": ("NEC", "NTC"),
    "negative control": ("NEC", "NTC"),
    "nc": ("NEC", "NTC"),
    "hsc": ("HSC",),
    "pc": ("PC",),
    "pos": ("PC",),
    "pos ctrl": ("PC",),
    "positive control": ("PC",),
    "ncovpc": ("PC",),
    "pec": ("PEC",),
    "weak pc": ("weak_PC",),
}


@dataclass(frozen=True)
class ControlCall:
    """One control of a file: its wells, its kind, and what is wrong with it."""

    wells: str
    kind: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class SampleCall:
    """One sample of a file: its name, or its well where it has none; its wells; its call."""

    sample: str
    wells: tuple[str, ...]
    call: Call


@dataclass(frozen=True)
class FileCalls:
    """What the rules make of a file.

    Args:
        controls: in the file's order.
        problems: why nothing of the run may be used; empty where it is valid.
        samples: in the file's order.
        unknown_targets: targets of the file that the assay does not have; their readings were not used.
    """

    controls: tuple[ControlCall, ...]
    problems: tuple[Problem, ...]
    samples: tuple[SampleCall, ...]
    unknown_targets: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether the run may be believed."""
        return not self.problems


def call_file(kit: Assay, file: RunFile) -> FileCalls:
    """Call every sample of a file.

    Args:
        kit: the assay's rules.
        file: as a reader leaves it; wells that the instrument was told to leave out are left out.

    Raises:
        InvalidInput: the file holds no reading of any target of the assay.
    """
    spelling = _spell(kit, file)
    readings = [one for one in file.readings if not one.omit and (one.target, one.dye) in spelling]
    if not readings:
        raise InvalidInput(
            "The file holds no target of %(assay)s (%(targets)s). Choose the assay that was run.",
            field="assay",
            assay=kit.name,
            targets=", ".join(target.name for target in kit.targets),
        )
    cts: defaultdict[str, dict[str, float | None]] = defaultdict(dict)
    first: dict[str, WellReading] = {}
    for one in readings:
        cts[one.well][spelling[one.target, one.dye]] = one.ct
        first.setdefault(one.well, one)
    controls, samples = _group(kit, first)
    read = [
        ControlReading(kind, "+".join(wells), {name: ct for well in wells for name, ct in cts[well].items()})
        for kind, wells in controls
    ]
    return FileCalls(
        tuple(ControlCall(one.well, one.kind, call_control(kit, one)) for one in read),
        check_run_controls(kit, read).problems,
        tuple(
            SampleCall(name, wells, call_pool_wells(kit, [cts[well] for well in wells]))
            for name, wells in samples
        ),
        tuple(
            sorted(
                {one.target for one in file.readings if (one.target, one.dye) not in spelling and one.target}
            )
        ),
    )


def _spell(kit: Assay, file: RunFile) -> Mapping[tuple[str, str], str]:
    """Return (target, dye) as written → target of the assay."""
    names = TargetNames(kit)
    return {
        (one.target, one.dye): name
        for one in file.readings
        if (name := names.find(one.target, one.dye)) is not None
    }


def _group(
    kit: Assay, wells: Mapping[str, WellReading]
) -> tuple[list[tuple[str, tuple[str, ...]]], list[tuple[str, tuple[str, ...]]]]:
    """Put the wells that are read together together: controls by kind, as many wells as a pool takes; samples."""
    kinds = {control.kind for control in kit.controls}
    of_kind: defaultdict[str, list[str]] = defaultdict(list)
    of_sample: defaultdict[str, list[str]] = defaultdict(list)
    for well, reading in wells.items():
        kind = _kind_of(reading, kinds)
        if kind:
            of_kind[kind].append(well)
        elif reading.task != "standard":
            of_sample[reading.sample or well].append(well)
    step = kit.wells_per_pool
    controls = [
        (kind, tuple(found[start : start + step]))
        for kind, found in of_kind.items()
        for start in range(0, len(found), step)
    ]
    return controls, [(name, tuple(found)) for name, found in of_sample.items()]


def _kind_of(reading: WellReading, kinds: set[str]) -> str:
    # "NTC-1", "PC 2": the number only tells one from the other
    named = re.sub(r"[\s_#-]*[0-9]{1,2}$", "", fold(reading.sample))
    wanted = _OF_NAME.get(named, ()) or _OF_TASK.get(reading.task, ())
    return next((kind for kind in wanted if kind in kinds), "")
