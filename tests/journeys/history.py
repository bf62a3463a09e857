"""A campaign played by chance through the real actions: everything that may happen to a sample, in any order."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from factories import MORNING, World
from intake import people, rows
from pooling import bench
from sqlalchemy import func, select

from lims import clock
from lims.errors import LimsError
from lims.extensions import db
from lims.intake.actions.boxes import dispatch_box, pack_tubes, seal_box
from lims.intake.actions.collections import close_tubes
from lims.intake.actions.reception import receive_box, receive_tubes, reconcile_box, reject_tubes
from lims.intake.collecting import TubeClosing
from lims.intake.models import Declaration, Sample, Tube
from lims.intake.receiving import ReceivedTube
from lims.intake.settling import settler_of
from lims.pooling.actions import pools, runs
from lims.pooling.actions.extractions import fail_extraction, make_extraction
from lims.pooling.models import Pool, PoolMember, Run
from lims.pooling.rules import WITHDRAWAL_CAUSES
from lims.results.actions.release import hold_results, release_results, release_run, unhold_results
from lims.results.actions.review import review_run
from lims.results.actions.verification import verify_results, verify_run
from lims.results.actions.withdrawal import withdraw_run
from lims.results.models import Result

FINDINGS = (*["not_detected"] * 3, *["detected"] * 3, "inconclusive", "invalid")
# How a tube comes out of its box; None: it is not in it.
ARRIVALS = (*["good"] * 14, "broken", "empty", None)


class History:
    """Two laboratories, a site, and whatever happens there.

    Args:
        world: a small world with its assays installed.
        seed: of everything that is left to chance.
    """

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.chance, self.minutes = world, random.Random(seed), 0
        self.sessions: dict[str, uuid.UUID] = {}

    def play(self, steps: Sequence[str]) -> None:
        """Take the steps, a minute apart; what is refused changes nothing and is gone over."""
        for step in steps:
            self.minutes += 1
            with clock.at(MORNING + timedelta(minutes=self.minutes)):
                getattr(self, step)()

    def attempt(self, step: Callable[..., Any], **arguments: Any) -> Any:
        """Do one thing; None where it is refused."""
        try:
            return step(**arguments)
        except LimsError:
            return None

    def pick(self, found: Sequence[Any], most: int = 4) -> list[Any]:
        """Return a few of what was found, by chance."""
        return self.chance.sample(list(found), min(len(found), self.chance.randint(1, most)))

    def find(self, query: Any) -> list[Any]:
        db.session.rollback()
        found = list(db.session.scalars(query).unique())
        db.session.rollback()
        return found

    def at(self, confirming: bool) -> tuple[Any, uuid.UUID]:
        """Return the technician and the key of one of the two laboratories."""
        if confirming:
            return self.world.actor("technician_confirming"), self.world.confirming_id
        return self.world.actor("technician"), self.world.laboratory_id

    # ---- the site ----

    def collect_alone(self) -> None:
        """Sample some people, each in a tube of their own: new ones, and those who were asked again."""
        asked = self.find(
            select(Declaration.code).where(Declaration.status == "open").order_by(Declaration.id)
        )
        codes = asked[:3] + people.declare(self.world, self.chance.randint(2, 5))
        for code, tube in zip(codes, people.print_tubes(self.world, len(codes)), strict=True):
            self.bind(tube, [code])

    def collect_together(self) -> None:
        """Fill a mixed tube; not all names may come at once, nor the count."""
        count = self.chance.randint(1, 3)
        codes, [tube] = people.declare(self.world, count), people.print_tubes(self.world, 1, "mixed")
        self.bind(tube, codes[: self.chance.choice((count, count, count - 1))] or codes)
        if self.chance.random() < 0.7:
            self.count_tube(tube, count)

    def arrive_without_names(self) -> None:
        """Receive a tube that nobody was bound to."""
        actor, place = self.at(False)
        tubes = [ReceivedTube(code, "good") for code in people.print_tubes(self.world, 1)]
        self.attempt(receive_tubes, actor=actor, laboratory_id=place, tubes=tubes)

    def name_late(self) -> None:
        """Bind a name to a tube that lacks one, wherever it is."""
        bound = select(func.count()).where(Sample.tube_id == Tube.id, Sample.status != "void")
        lacking = bound.correlate(Tube).scalar_subquery() < func.coalesce(Tube.closed_count, 1)
        for tube in self.pick(self.find(select(Tube.code).where(lacking).order_by(Tube.id)), 2):
            self.bind(tube, people.declare(self.world, 1))

    def count_late(self) -> None:
        """Count a mixed tube that was not counted."""
        uncounted = select(Tube).where(Tube.mode == "mixed", Tube.closed_count.is_(None)).order_by(Tube.id)
        for tube in self.pick(self.find(uncounted), 2):
            self.count_tube(tube.code, max(1, len(rows.samples(tube.code))))

    def bind(self, tube: str, declarations: Sequence[str]) -> None:
        session_id = self.sessions.setdefault(tube, uuid.uuid4())
        scans = [people.scan(tube, code, clock.now()) for code in declarations]
        people.collect(self.world, scans, session_id)

    def count_tube(self, tube: str, count: int) -> None:
        session_id = self.sessions.setdefault(tube, uuid.uuid4())
        closing = TubeClosing(uuid.uuid4(), tube, count)
        close_tubes(actor=self.world.actor("collector"), session_id=session_id, closings=[closing])

    # ---- the road ----

    def send(self) -> None:
        """Send what lies at the site."""
        self.transport(
            self.find(select(Tube.code).where(Tube.status == "used").order_by(Tube.id)),
            self.world.site_id,
            False,
        )

    def send_on(self) -> None:
        """Send the tubes whose confirmation waits to the laboratory that may confirm."""
        waiting = (
            select(Tube.code)
            .join(PoolMember, PoolMember.tube_id == Tube.id)
            .join(Pool, Pool.id == PoolMember.pool_id)
            .where(
                Pool.purpose == "confirm",
                Pool.status == "closed",
                Tube.laboratory_id == self.world.laboratory_id,
                Tube.status.in_(("received", "stored")),
            )
            .order_by(Tube.id)
        )
        self.transport(self.find(waiting), self.world.laboratory_id, True)

    def transport(self, tubes: Sequence[str], origin_id: uuid.UUID, confirming: bool) -> None:
        actor, place = self.world.actor("coordinator"), self.at(confirming)[1]
        if not tubes:
            return
        [box] = people.print_boxes(self.world)
        self.attempt(pack_tubes, actor=actor, box_code=box, place_id=origin_id, tube_codes=tubes)
        self.attempt(seal_box, actor=actor, box_code=box)
        self.attempt(dispatch_box, actor=actor, box_code=box, laboratory_id=place)
        if self.chance.random() < 0.9:
            self.attempt(receive_box, actor=actor, box_code=box, laboratory_id=place, temperature_c=4.0)
            came = [(tube, self.chance.choice(ARRIVALS)) for tube in tubes]
            scanned = [ReceivedTube(tube, condition) for tube, condition in came if condition]
            self.attempt(receive_tubes, actor=actor, laboratory_id=place, box_code=box, tubes=scanned)
            self.attempt(reconcile_box, actor=actor, box_code=box)

    def find_again(self) -> None:
        """Receive tubes that were missing."""
        missing = self.find(select(Tube.code).where(Tube.status == "missing").order_by(Tube.id))
        if missing:
            actor, place = self.at(self.chance.random() < 0.3)
            tubes = [
                ReceivedTube(code, self.chance.choice(("good", "broken"))) for code in self.pick(missing)
            ]
            self.attempt(receive_tubes, actor=actor, laboratory_id=place, tubes=tubes)

    # ---- the bench ----

    def reject(self) -> None:
        """Reject some tubes that stand in a laboratory."""
        for confirming in (False, True):
            actor, place = self.at(confirming)
            here = select(Tube.code).where(Tube.laboratory_id == place).order_by(Tube.id)
            tubes = self.find(here.where(Tube.status.in_(("received", "stored"))))
            if tubes:
                self.attempt(reject_tubes, actor=actor, tube_codes=self.pick(tubes, 2), reason="leaked")

    def pool(self) -> None:
        """Pool what waits, and close what is open."""
        for confirming in (False, True):
            actor, place = self.at(confirming)
            opened = select(Pool.code).where(Pool.status == "open", Pool.laboratory_id == place)
            for pool in self.find(opened.order_by(Pool.id)):
                self.attempt(pools.close_pool, actor=actor, pool_code=pool)
            close = self.chance.random() < 0.8
            self.attempt(pools.propose_pools, actor=actor, laboratory_id=place, close=close)

    def plate(self) -> None:
        """Plate what waits, or a part of it; the run may be left, end early, fail its controls or be reviewed."""
        for confirming in (False, True):
            actor, place = self.at(confirming)
            planned = self.attempt(runs.plan_run, actor=actor, laboratory_id=place)
            if planned is None:
                continue
            if self.chance.random() < 0.15:
                self.attempt(runs.void_run, actor=actor, run_code=planned["run"], reason="spilt")
                continue
            codes = sorted({well["pool"] for well in planned["wells"] if well["pool"]})
            found = {code: self.chance.choice(FINDINGS) for code in codes}
            spoilt = "NTC" if self.chance.random() < 0.15 else ""
            bench.read(self.world, planned, found, confirming=confirming, spoilt=spoilt)
            if self.chance.random() < 0.75:
                self.attempt(review_run, actor=actor, run_code=planned["run"])

    def plate_one(self) -> None:
        """Plate one pool alone, so that siblings are called at different times."""
        closed = self.find(select(Pool.code).where(Pool.status == "closed").order_by(Pool.id))
        for code in self.pick(closed, 2):
            for confirming in (False, True):
                actor, place = self.at(confirming)
                planned = self.attempt(runs.plan_run, actor=actor, laboratory_id=place, pool_codes=[code])
                if planned:
                    bench.read(
                        self.world, planned, {code: self.chance.choice(FINDINGS)}, confirming=confirming
                    )
                    self.attempt(review_run, actor=actor, run_code=planned["run"])

    def end_runs(self) -> None:
        """Review or fail the runs whose readings are in."""
        for run in self.find(select(Run).where(Run.status == "imported").order_by(Run.id)):
            actor, _ = self.at(run.laboratory_id == self.world.confirming_id)
            if self.chance.random() < 0.7:
                self.attempt(review_run, actor=actor, run_code=run.code)
            else:
                self.attempt(runs.fail_run, actor=actor, run_code=run.code, reason="power cut")

    def extract(self) -> None:
        """Extract some of what waits; an extraction may be given up."""
        for confirming in (False, True):
            actor, place = self.at(confirming)
            most = self.chance.randint(1, 6)
            made = self.attempt(make_extraction, actor=actor, laboratory_id=place, most=most)
            if made and self.chance.random() < 0.2:
                self.attempt(fail_extraction, actor=actor, extraction_code=made["extraction"], reason="spilt")

    # ---- the desk ----

    def withdraw(self) -> None:
        """Withdraw a run that was reviewed, whatever has become of it since."""
        reviewed = select(Run).where(Run.status.in_(("reviewed", "verified"))).order_by(Run.id)
        for run in self.pick(self.find(reviewed), 1):
            role = "supervisor_confirming" if run.laboratory_id == self.world.confirming_id else "supervisor"
            self.attempt(
                withdraw_run,
                actor=self.world.actor(role),
                run_code=run.code,
                cause=self.chance.choice(WITHDRAWAL_CAUSES),
                reason="two plates were swapped",
            )

    def release(self) -> None:
        """Verify and release what can be, or hold one."""
        for run in self.find(select(Run).where(Run.status.in_(("reviewed", "verified"))).order_by(Run.id)):
            role = "supervisor_confirming" if run.laboratory_id == self.world.confirming_id else "supervisor"
            actor = self.world.actor(role)
            self.attempt(verify_run, actor=actor, run_code=run.code)
            self.attempt(release_run, actor=actor, run_code=run.code)
            waiting = select(Result.id).where(
                Result.run_id == run.id, Result.status.in_(("preliminary", "verified", "held"))
            )
            for result_id in self.find(waiting.order_by(Result.id)):
                if self.chance.random() < 0.1:
                    self.attempt(hold_results, actor=actor, result_ids=[result_id], note="look again")
                self.attempt(unhold_results, actor=actor, result_ids=[result_id], note="looked at")
                self.attempt(verify_results, actor=actor, result_ids=[result_id])
                self.attempt(release_results, actor=actor, result_ids=[result_id], looked=True)

    def settle(self) -> None:
        """Settle some of what is open."""
        for item in self.pick(rows.discrepancies(status="open")):
            self.attempt(
                settler_of(item.kind),
                actor=self.world.actor("coordinator"),
                discrepancy_id=item.id,
                settlement=self.chance.choice(("accepted", "dismissed", "resample")),
                note="settled by chance",
            )


STEPS = (
    "collect_alone",
    "collect_together",
    "arrive_without_names",
    "name_late",
    "count_late",
    "send",
    "send_on",
    "find_again",
    "reject",
    "pool",
    "plate",
    "plate_one",
    "extract",
    "end_runs",
    "release",
    "withdraw",
    "settle",
)
# A sample's usual way, so that chance begins with something in every state.
USUAL = (
    "collect_alone",
    "collect_together",
    "send",
    "pool",
    "plate",
    "collect_alone",
    "collect_together",
    "send",
    "pool",
    "plate",
    "send_on",
)
