"""What goes wrong in the demonstration, so that the board's alarms have something to say.

A laboratory whose cyclers stand still while boxes go on arriving, one whose positivity leaves its own past and the
others', and a box that has been on the road for hours.
"""

from __future__ import annotations

import random
from datetime import timedelta

from lims import clock
from lims.auth.actors import SYSTEM
from lims.capacity.alarms.actions import set_threshold, watch
from lims.capacity.reports.actions import make_report
from lims.demo.batches import Batch
from lims.demo.people import invent_people
from lims.demo.province import PROVINCE_CODE, Setting
from lims.demo.stations import STATIONS
from lims.intake.actions.boxes import seal_box
from lims.places.actions import set_capacity

OVERLOADED, SHIFTED, LATE = "QN08", "QN05", "QN06"
LEFT_PER_DAY = 24
"""Reactions a day that the overloaded laboratory can still do."""
BACKLOG, ARRIVING, BEFORE, TODAY, ON_THE_ROAD, SEALED = 40, 12, 320, 100, 10, 120
"""People: waiting since yesterday, arriving in each hour, tested before, tested today, in the late box, in boxes that
wait for a laboratory."""
PREVALENCE_BEFORE, PREVALENCE_TODAY = 0.01, 0.3
LATE_HOURS = 7.0
FEWEST_PEOPLE = 400
"""A smaller demonstration is left as it is."""


class Trouble:
    """The demonstration's faults.

    Args:
        setting: where it is played.
        dice: the source of chance.
    """

    def __init__(self, setting: Setting, dice: random.Random) -> None:
        self._setting = setting
        self._dice = dice

    def play(self) -> None:
        """Let everything go wrong, and look at it as the worker does every minute."""
        self._overload()
        self._shift()
        self._send(LATE, ON_THE_ROAD, 0.0, last="dispatched", hours_ago=LATE_HOURS)
        self._seal()

    def look(self) -> None:
        """Raise the alarms, with thresholds that fit a small campaign."""
        set_threshold(
            actor=self._setting.actors["coordinator"],
            province_id=self._setting.province_id,
            kind="positivity_shift",
            limits={"sigma": 3, "fewest": 8},
        )
        watch(actor=SYSTEM)

    def report(self) -> None:
        """Keep the report of the day before, which the worker makes at its hour."""
        make_report(
            actor=SYSTEM,
            province_id=self._setting.province_id,
            kind="daily",
            day=clock.today() - timedelta(days=1),
        )

    def _overload(self) -> None:
        with clock.at(clock.now() - timedelta(hours=30)):
            set_capacity(
                actor=self._setting.actors["coordinator"],
                laboratory_id=self._setting.laboratory_ids[OVERLOADED],
                screening_per_day=LEFT_PER_DAY,
                confirmation_per_day=0,
                can_confirm=False,
            )
        self._send(OVERLOADED, BACKLOG, 0.0, last="received", hours_ago=28.0)
        # in the middle of each of the last whole hours
        past = clock.local(clock.now()).minute / 60
        for hours in (3, 2, 1):
            self._send(OVERLOADED, ARRIVING, 0.0, last="received", hours_ago=hours - 0.5 + past)

    def _seal(self) -> None:
        """Leave sealed boxes at their sites, for which the coordinator chooses a laboratory."""
        batch = self._send(LATE, SEALED, 0.0, last="boxed", hours_ago=0.2)
        for team in batch.teams:
            if team.tubes:
                seal_box(actor=self._setting.actors["team"], box_code=team.box)

    def _shift(self) -> None:
        self._send(SHIFTED, BEFORE, PREVALENCE_BEFORE, last="released", hours_ago=24.0)
        # read today, even where the demonstration is made soon after midnight
        now = clock.local(clock.now())
        today = now.hour + now.minute / 60
        self._send(SHIFTED, TODAY, PREVALENCE_TODAY, last="reviewed", hours_ago=min(0.4, today / 2))

    def _send(self, laboratory: str, people: int, prevalence: float, *, last: str, hours_ago: float) -> Batch:
        """Bring invented people so far that they came to their last station so long ago."""
        communes = self._dice.sample(list(self._setting.communes), max(1, people // 40))
        batch = Batch(
            setting=self._setting,
            people=list(
                invent_people(
                    count=people,
                    prevalence=prevalence,
                    seed=self._dice.getrandbits(32),
                    province_code=PROVINCE_CODE,
                )
            ),
            laboratory=laboratory,
            communes=communes,
            last=last,
            starts_at=clock.now() - timedelta(hours=STATIONS[last] + hours_ago),
            dice=self._dice,
        )
        batch.play()
        return batch
