"""What a forecast starts from and what it supposes, as plain values with their checks. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lims.errors import InvalidInput
from lims.pooling.strategies import STRATEGIES, expected_reactions

HOURS = 24
DAY_MINUTES = 60 * HOURS
MOST_PEOPLE_A_DAY = 2_000_000
MOST_LABORATORIES = 200
MOST_DAYS = 14
MOST_IN_POOL = 20
BOX_PEOPLE = 96
"""Tubes in a full box, as in a rack."""


@dataclass(frozen=True)
class LaboratoryState:
    """What a laboratory can do and what stands there, in samples.

    Args:
        key: its key, for programs.
        name: as shown.
        screening_per_day, confirmation_per_day: declared capacity in reactions.
        can_confirm: whether what it detects needs no confirmation elsewhere.
        opens_hour, worked_hours: when it begins and for how long it works; None: as the assumptions say.
        share: weight of the new samples that are sent to it, 0 or more.
        on_the_road, received, pooled, on_plate: samples on their way to it and at its stations.
        to_retest: samples of positive pools that wait to be tested alone.
        to_confirm: detected samples that wait for their confirmation, here or on the way here.
        to_verify, to_release: results at those stations.
    """

    key: str
    name: str
    screening_per_day: int
    confirmation_per_day: int = 0
    can_confirm: bool = False
    opens_hour: int | None = None
    worked_hours: float | None = None
    share: float = 1.0
    on_the_road: int = 0
    received: int = 0
    pooled: int = 0
    on_plate: int = 0
    to_retest: int = 0
    to_confirm: int = 0
    to_verify: int = 0
    to_release: int = 0

    @property
    def standing(self) -> int:
        """All samples that stand there or are on their way to it."""
        return (
            self.on_the_road
            + self.received
            + self.pooled
            + self.on_plate
            + self.to_retest
            + self.to_confirm
            + self.to_verify
            + self.to_release
        )


@dataclass(frozen=True)
class State:
    """Where everything stands when the forecast begins.

    Args:
        minute: local minute of the day, 0 to 1439.
        laboratories: at least one.
        collected_by_hour: samples expected in each local hour of a day, 24 numbers.
        at_the_site: samples that wait at sites to be sent.
        held: samples on hold, or without a laboratory: nothing here moves them on.
    """

    minute: int
    laboratories: Sequence[LaboratoryState]
    collected_by_hour: Sequence[float]
    at_the_site: int = 0
    held: int = 0

    @property
    def standing(self) -> int:
        """All samples without a released result."""
        return self.at_the_site + self.held + sum(one.standing for one in self.laboratories)

    @property
    def collected_per_day(self) -> float:
        """Samples expected in a day."""
        return sum(self.collected_by_hour)


@dataclass(frozen=True)
class Assumptions:
    """How things go, as far as it is not in the state. Defaults are settings, not measurements.

    Args:
        prevalence: share of people infected, 0 to 1.
        pool_size: tubes in a pool, 1 to 20.
        usual_pool_size: the size for which the laboratories have their technicians; None: `pool_size`.
        strategy: how positive pools are resolved, a word of `pooling.strategies.STRATEGIES`.
        confirm_all_members: True where all members of a positive pool are confirmed, not only who is detected.
        opens_hour: local hour at which laboratories begin that have not said when, 0 to 23.
        worked_hours: hours for which these work in a day, in which the declared capacity is reached.
        shift_hours: hours of one more shift.
        more_shifts: shifts after the usual hours, at the same pace; at most the 24 hours of a day.
        teams: collecting at the same time; 0: as many as there is need of.
        people_per_team_hour: people that one team samples in an hour.
        road_minutes: from the sample to the reception, typically.
        tubes_per_technician_hour: tubes that one technician pools in an hour.
        plate_wells: pools on a full plate, 94 of 96 or 382 of 384.
        run_minutes: from a finished plate to its readings.
        patience_minutes: how long a pool waits for its plate to fill.
        verify_minutes, release_minutes: from the readings to two signatures, typically, in working hours.
    """

    prevalence: float
    pool_size: int
    usual_pool_size: int | None = None
    strategy: str = "singles"
    confirm_all_members: bool = False
    opens_hour: int = 6
    worked_hours: float = 16.0
    shift_hours: float = 8.0
    more_shifts: int = 0
    teams: int = 0
    people_per_team_hour: float = 60.0
    road_minutes: float = 120.0
    tubes_per_technician_hour: float = 120.0
    plate_wells: int = 94
    run_minutes: float = 110.0
    patience_minutes: float = 60.0
    verify_minutes: float = 45.0
    release_minutes: float = 30.0

    @property
    def reactions_per_person(self) -> float:
        """Screening and retests together, as the closed form has it; confirmations are not in it."""
        return expected_reactions(self.strategy, size=self.pool_size, prevalence=self.prevalence)


def usual_hours(laboratory: LaboratoryState, assumptions: Assumptions) -> float:
    """Return the hours of a day in which a laboratory reaches its declared capacity."""
    hours = laboratory.worked_hours
    return assumptions.worked_hours if hours is None else hours


def worked_hours(laboratory: LaboratoryState, assumptions: Assumptions) -> float:
    """Return the hours of a day for which a laboratory works, with the shifts added."""
    usual = usual_hours(laboratory, assumptions)
    return min(float(HOURS), usual + assumptions.more_shifts * assumptions.shift_hours)


def count_technicians(laboratory: LaboratoryState, assumptions: Assumptions) -> int:
    """Return how many technicians pool in a laboratory: as many as its capacity takes at the usual pool size."""
    tubes = laboratory.screening_per_day * (assumptions.usual_pool_size or assumptions.pool_size)
    by_one = assumptions.tubes_per_technician_hour * usual_hours(laboratory, assumptions)
    return max(1, math.ceil(tubes / by_one))


def count_cyclers(reactions_per_day: int, hours: float, assumptions: Assumptions) -> int:
    """Return how many cyclers a laboratory has: as many as its capacity takes on full plates, and one more.

    The one more is for plates that are begun half full: the declared capacity, not the cyclers, is the limit.

    Args:
        reactions_per_day: the declared capacity.
        hours: in which it is reached.
        assumptions: wells of a plate and minutes of a run.
    """
    plates = reactions_per_day / assumptions.plate_wells
    runs_by_one = max(1.0, hours * 60 / assumptions.run_minutes)
    return math.ceil(plates / runs_by_one) + 1


def check_state(state: State) -> None:
    """Refuse a state that cannot be.

    Raises:
        InvalidInput: names the field.
    """
    if not state.laboratories:
        raise InvalidInput(
            "No laboratory is among your places, so that nothing can be forecast. Add one under Campaigns.",
            field="laboratories",
        )
    if len(state.laboratories) > MOST_LABORATORIES:
        raise InvalidInput(
            "A forecast holds at most %(most)s laboratories.", field="laboratories", most=MOST_LABORATORIES
        )
    if len(state.collected_by_hour) != HOURS:
        raise InvalidInput(
            "A day has 24 hours, not %(hours)s: give one number of samples for each.",
            field="collected_by_hour",
            hours=len(state.collected_by_hour),
        )
    if not all(number >= 0 and math.isfinite(number) for number in state.collected_by_hour):
        raise InvalidInput("The samples of an hour are 0 or more.", field="collected_by_hour")
    if not 0 <= state.minute < DAY_MINUTES:
        raise InvalidInput("A day has 24 hours: its minutes are 0 to 1,439.", field="minute")
    for laboratory in state.laboratories:
        hours = laboratory.worked_hours
        if (hours is not None and not 0 < hours <= HOURS) or not 0 <= (laboratory.opens_hour or 0) < HOURS:
            raise InvalidInput(
                "A day has 24 hours: a laboratory works more than 0 and at most 24 of them.",
                field="worked_hours",
            )
    if (
        any(_has_negative(laboratory) for laboratory in state.laboratories)
        or min(state.at_the_site, state.held) < 0
    ):
        raise InvalidInput("Samples and reactions are 0 or more.", field="laboratories")
    if max(state.standing, state.collected_per_day) > MOST_PEOPLE_A_DAY:
        raise InvalidInput(
            "A forecast holds at most %(most)s samples a day.",
            field="collected_by_hour",
            most=MOST_PEOPLE_A_DAY,
        )
    if not any(laboratory.screening_per_day for laboratory in state.laboratories):
        raise InvalidInput(
            "The laboratories have a capacity of 0 reactions a day: nothing would ever be released. "
            "Enter their capacity under Campaigns.",
            field="screening_per_day",
        )
    if not state.standing and not state.collected_per_day:
        raise InvalidInput(
            "Nothing waits and nothing was collected in the last days, so that there is nothing to forecast. "
            "The forecast appears here once samples are collected.",
            field="collected_by_hour",
        )


def _has_negative(laboratory: LaboratoryState) -> bool:
    numbers = (
        laboratory.screening_per_day,
        laboratory.confirmation_per_day,
        laboratory.share,
        laboratory.on_the_road,
        laboratory.received,
        laboratory.pooled,
        laboratory.on_plate,
        laboratory.to_retest,
        laboratory.to_confirm,
        laboratory.to_verify,
        laboratory.to_release,
    )
    return not all(number >= 0 and math.isfinite(number) for number in numbers)


def check_assumptions(assumptions: Assumptions) -> None:
    """Refuse assumptions that cannot be. A prevalence of 0 or of 1 can.

    Raises:
        InvalidInput: names the field.
    """
    if not 0 <= assumptions.prevalence <= 1:
        raise InvalidInput("Enter a share from 0 to 1, such as 0.02 for 2 percent.", field="prevalence")
    for field in ("pool_size", "usual_pool_size"):
        size = getattr(assumptions, field)
        if size is not None and not 1 <= size <= MOST_IN_POOL:
            raise InvalidInput("A pool holds 1 to 20 people.", field=field)
    if assumptions.strategy not in STRATEGIES:
        raise InvalidInput(
            "“%(strategy)s” is not a way of resolving positive pools. Choose one of %(known)s.",
            field="strategy",
            strategy=assumptions.strategy,
            known=", ".join(STRATEGIES),
        )
    if not 0 <= assumptions.opens_hour < HOURS:
        raise InvalidInput("A day begins at an hour from 0 to 23.", field="opens_hour")
    for field in ("worked_hours", "shift_hours"):
        if not 0 < getattr(assumptions, field) <= HOURS:
            raise InvalidInput(
                "A day has 24 hours: a laboratory works more than 0 and at most 24 of them.", field=field
            )
    if not 0 <= assumptions.more_shifts <= 2:
        raise InvalidInput("Add 0 to 2 shifts: a day has 24 hours.", field="more_shifts")
    if assumptions.plate_wells not in (94, 382):
        raise InvalidInput("A plate holds 94 or 382 pools beside its controls.", field="plate_wells")
    if assumptions.teams < 0:
        raise InvalidInput("The number of teams is 0 or more.", field="teams")
    for field, least in (
        ("people_per_team_hour", 1.0),
        ("tubes_per_technician_hour", 1.0),
        ("run_minutes", 1.0),
        ("road_minutes", 0.0),
        ("patience_minutes", 0.0),
        ("verify_minutes", 0.0),
        ("release_minutes", 0.0),
    ):
        value = getattr(assumptions, field)
        if not (least <= value <= 14 * DAY_MINUTES):
            raise InvalidInput(
                "Enter a number from %(least)s to %(most)s.",
                field=field,
                least=f"{least:g}",
                most=14 * DAY_MINUTES,
            )


def check_length(*, days: int, replications: int, seed: int, most_replications: int) -> None:
    """Refuse a forecast that is too long, or of no length.

    Raises:
        InvalidInput: names the field.
    """
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput("A forecast reaches 1 to %(most)s days.", field="days", most=MOST_DAYS)
    if not 1 <= replications <= most_replications:
        raise InvalidInput(
            "Repeat the simulation 1 to %(most)s times.", field="replications", most=most_replications
        )
    if not 0 <= seed < 2**31:
        raise InvalidInput("A seed is a whole number from 0 to 2,147,483,647.", field="seed")
