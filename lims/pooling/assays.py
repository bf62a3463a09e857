"""An assay's rules as data: targets, cut-offs, the internal control and the run's controls.

Pure. Kits differ in everything a program would like to fix: `<` or `≤`, how many viral targets are needed, a
grey band, whether a missing internal control voids a positive (CDC: no, Huo-Yan: yes), whether the positive
control must show the internal control (CDC) or must not (TaqPath). So all of it is in the definition, which
two people agree on and which never changes: a correction is the next version.

Source of the model: the kits' leaflets and laboratory code compared in the notes on instruments, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from lims.errors import InvalidInput
from lims.msgid import N_

HIGHEST_CT = 60.0
"""No protocol runs longer."""

ROLES = ("viral", "internal")
COMPARISONS = ("<", "<=")
INTERNAL_CONTROLS = ("needed_for_negative", "always")
"""When the internal control must be there: only to believe a negative, or always, even for a positive."""

CONTROL_KINDS = ("NTC", "NEC", "PC", "weak_PC", "PEC", "HSC")
EXTRACTED_CONTROLS = ("NEC", "PEC", "HSC")
"""Controls that went through an extraction, and so speak for what was extracted with them."""
STOPS = ("run", "block")
"""What a failed control makes worthless: everything, or what was extracted together with it."""
EXPECTATIONS = ("none", "present", "any")
MOST_IN_POOL = 20


@dataclass(frozen=True, slots=True)
class Target:
    """One target of an assay.

    Args:
        name: as the instrument writes it.
        dye: channel, for example FAM.
        role: 'viral' or 'internal'.
        cutoff: the Ct up to which the target counts as found.
        comparison: '<' or '<=' the cut-off.
        floor: a Ct below this is too early to be true; 0 for none.
        grey_from: first Ct of the grey band, not below the cut-off; None without a band.
        grey_to: last Ct of the grey band.
        aliases: other names of the target that instruments are set up with.
        pool_cutoff: the cut-off in pools of several tubes, where the laboratory has validated another; else None.
    """

    name: str
    dye: str
    role: str
    cutoff: float
    comparison: str = "<"
    floor: float = 0.0
    grey_from: float | None = None
    grey_to: float | None = None
    aliases: tuple[str, ...] = ()
    pool_cutoff: float | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a control must show in one target.

    Args:
        shows: 'none' (no Ct that counts), 'present' (found by the target's own cut-off) or 'any'.
        min: lowest Ct allowed for 'present', or None.
        max: highest Ct allowed for 'present', or None.
    """

    shows: str
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A control that every run needs.

    Args:
        kind: one of CONTROL_KINDS.
        required_count: at least how many on a plate.
        targets: target name → what it must show; a target left out may show anything.
        stops: "run": when it fails nothing of the plate is used; "block": only what was extracted with it is lost
            (for controls that went through an extraction).
    """

    kind: str
    required_count: int
    targets: Mapping[str, Expectation]
    stops: str = "run"


@dataclass(frozen=True, slots=True)
class Assay:
    """A kit's rules in one version.

    Args:
        name: of the kit, as staff call it.
        targets: viral and internal ones.
        min_viral_detected: how many viral targets make it detected; fewer, but not none, is inconclusive.
        internal_control: 'needed_for_negative' or 'always'.
        controls: what every run must carry.
        max_pool_size: most people in one pool with this kit.
        wells_per_pool: 1 where all targets are in one well; more where each has its own (CDC: 3).
        source: where its numbers come from, for whoever agrees to it.
    """

    name: str
    targets: tuple[Target, ...]
    min_viral_detected: int
    internal_control: str
    controls: tuple[Control, ...]
    max_pool_size: int
    wells_per_pool: int = 1
    source: str = ""

    def for_pools(self) -> Assay:
        """Return the rules for a pool of several tubes: each target's validated cut-off, else the kit's own."""
        if all(target.pool_cutoff is None for target in self.targets):
            return self
        return replace(self, targets=tuple(_for_pool(target) for target in self.targets))

    @property
    def viral(self) -> tuple[Target, ...]:
        """The targets of the virus."""
        return tuple(target for target in self.targets if target.role == "viral")

    @property
    def internal(self) -> tuple[Target, ...]:
        """The internal controls."""
        return tuple(target for target in self.targets if target.role == "internal")

    def to_definition(self) -> dict[str, Any]:
        """Return the assay as plain JSON; `read_definition` is the way back."""
        definition = asdict(self)
        definition["targets"] = [
            {**target, "aliases": list(target["aliases"])} for target in definition["targets"]
        ]
        definition["controls"] = [
            {
                "kind": control.kind,
                "required_count": control.required_count,
                "targets": {name: asdict(expectation) for name, expectation in control.targets.items()},
                "stops": control.stops,
            }
            for control in self.controls
        ]
        return definition


def _for_pool(target: Target) -> Target:
    """Return a target as it counts in pools; a grey band that the other cut-off reaches into begins after it."""
    if target.pool_cutoff is None:
        return target
    grey_from, grey_to = target.grey_from, target.grey_to
    if grey_from is not None and grey_to is not None and grey_from < target.pool_cutoff:
        grey_from = target.pool_cutoff
        grey_from, grey_to = (grey_from, grey_to) if grey_from < grey_to else (None, None)
    return replace(target, cutoff=target.pool_cutoff, grey_from=grey_from, grey_to=grey_to)


def read_definition(definition: Mapping[str, Any]) -> Assay:
    """Read an assay from its JSON and check it.

    Args:
        definition: as `Assay.to_definition` writes it; fields with a default may be left out.

    Raises:
        InvalidInput: a field is missing, unknown or of the wrong type, or the rules contradict each other.
    """
    try:
        fields = dict(definition)
        fields["targets"] = tuple(
            Target(**{**target, "aliases": tuple(target.get("aliases", ()))}) for target in fields["targets"]
        )
        fields["controls"] = tuple(
            Control(
                **{
                    **control,
                    "targets": {name: Expectation(**wanted) for name, wanted in control["targets"].items()},
                }
            )
            for control in fields["controls"]
        )
        assay = Assay(**fields)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise InvalidInput(
            "The definition of the assay lacks a part or has an unknown one. Compare it with an agreed assay.",
            field="definition",
        ) from error
    validate_definition(assay)
    return assay


def validate_definition(assay: Assay) -> None:
    """Refuse rules that contradict themselves or would let an uncontrolled run pass.

    Args:
        assay: the assay; its types are checked too, because it may come from JSON.

    Raises:
        InvalidInput: the first thing wrong, with its field.
    """
    names = [target.name for target in assay.targets]
    _require(
        isinstance(assay.name, str) and 0 < len(assay.name.strip()) <= 80,
        "name",
        N_("The assay needs a name."),
    )
    for target in assay.targets:
        _check_target(target)
    called = [name.casefold() for target in assay.targets for name in (target.name, *target.aliases)]
    _require(len(set(called)) == len(called), "targets", N_("Two targets have the same name."))
    _require(bool(assay.viral), "targets", N_("The assay needs a target of the virus."))
    _require(
        bool(assay.internal),
        "targets",
        N_("The assay needs an internal control: without one no negative can be believed."),
    )
    _require(
        _is_count(assay.min_viral_detected) and 1 <= assay.min_viral_detected <= len(assay.viral),
        "min_viral_detected",
        N_("The number of viral targets needed must be between 1 and the number there are."),
    )
    _require(
        assay.internal_control in INTERNAL_CONTROLS,
        "internal_control",
        N_("Say whether the internal control is needed for a negative or always."),
    )
    _require(
        _is_count(assay.max_pool_size) and 1 <= assay.max_pool_size <= MOST_IN_POOL,
        "max_pool_size",
        N_("A pool holds 1 to 20 people."),
    )
    _require(
        _is_count(assay.wells_per_pool) and 1 <= assay.wells_per_pool <= len(names),
        "wells_per_pool",
        N_("A pool needs at least one well, and at most one for each target."),
    )
    _check_controls(assay)


def _check_target(target: Target) -> None:
    field = "targets"
    name = isinstance(target.name, str) and 0 < len(target.name.strip()) <= 40 and isinstance(target.dye, str)
    _require(name, field, N_("Every target needs a name of at most 40 letters."))
    _require(
        all(isinstance(alias, str) and 0 < len(alias.strip()) <= 40 for alias in target.aliases),
        field,
        N_("%(target)s: every other name has at most 40 letters."),
        target=target.name,
    )
    _require(
        target.role in ROLES, field, N_("%(target)s: the role is viral or internal."), target=target.name
    )
    _require(
        target.comparison in COMPARISONS,
        field,
        N_("%(target)s: the comparison is < or <=."),
        target=target.name,
    )
    _require(
        _is_ct(target.cutoff) and _is_ct(target.floor) and target.floor < target.cutoff,
        field,
        N_("%(target)s: the cut-off must lie between the floor and 60."),
        target=target.name,
    )
    _require(
        target.pool_cutoff is None or (_is_ct(target.pool_cutoff) and target.floor < target.pool_cutoff),
        field,
        N_("%(target)s: the cut-off for pools must lie between the floor and 60."),
        target=target.name,
    )
    band = (target.grey_from, target.grey_to)
    if band != (None, None):
        _require(
            all(map(_is_ct, band)) and target.cutoff <= band[0] < band[1],  # type: ignore[operator]
            field,
            N_("%(target)s: the grey band begins at or above the cut-off and ends above its beginning."),
            target=target.name,
        )


def _check_controls(assay: Assay) -> None:
    field = "controls"
    kinds = [control.kind for control in assay.controls]
    _require(len(set(kinds)) == len(kinds), field, N_("A kind of control is named twice."))
    for control in assay.controls:
        _require(
            control.kind in CONTROL_KINDS, field, N_("%(kind)s is not a kind of control."), kind=control.kind
        )
        _require(
            _is_count(control.required_count) and control.required_count >= 1,
            field,
            N_("%(kind)s: at least one well is required."),
            kind=control.kind,
        )
        _require(
            control.stops in STOPS and (control.stops == "run" or control.kind in EXTRACTED_CONTROLS),
            field,
            N_("%(kind)s: only a control that was extracted can stop a block instead of the run."),
            kind=control.kind,
        )
        for name, expectation in control.targets.items():
            known = any(target.name == name for target in assay.targets)
            _require(
                known,
                field,
                N_("%(kind)s: the assay has no target %(target)s."),
                kind=control.kind,
                target=name,
            )
            limits = [limit for limit in (expectation.min, expectation.max) if limit is not None]
            _require(
                expectation.shows in EXPECTATIONS
                and all(map(_is_ct, limits))
                and limits == sorted(limits)
                and (not limits or expectation.shows == "present"),
                field,
                N_("%(kind)s: what %(target)s must show cannot be understood."),
                kind=control.kind,
                target=name,
            )
    _require(
        any(_expects(control, assay, "none") for control in assay.controls),
        field,
        N_("The assay needs a negative control in which every viral target shows none."),
    )
    _require(
        any(_expects(control, assay, "present") for control in assay.controls),
        field,
        N_("The assay needs a positive control in which every viral target is present."),
    )


def _expects(control: Control, assay: Assay, shows: str) -> bool:
    wanted = [control.targets.get(target.name) for target in assay.viral]
    return all(expectation is not None and expectation.shows == shows for expectation in wanted)


def _is_ct(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= HIGHEST_CT


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _require(condition: bool, field: str, message: str, **parameters: object) -> None:
    if not condition:
        raise InvalidInput(message, field=field, **parameters)
