"""Any history through the real actions, folded at any moment: the summaries are what a recount of the tables gives."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from capacity.standing_of_tables import count_standing
from engines import ENGINES, make_app
from factories import MORNING, make_world
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from intake import people
from journeys.history import STEPS, USUAL, History
from pooling import bench
from reconciled import assert_reconciled
from sqlalchemy import case, exists, func, or_, select
from sqlalchemy.orm import aliased

from lims import clock
from lims.auth.actors import SYSTEM
from lims.capacity.counting.folding import fold, fold_all
from lims.capacity.counting.recounting import recount
from lims.capacity.figures import Scope
from lims.capacity.queries import figures
from lims.capacity.queries.reconciliation import reconcile
from lims.extensions import db
from lims.intake.actions.collections import undo_collection
from lims.intake.models import Box, Declaration, Discrepancy, Sample, Tube
from lims.pooling.actions import pools
from lims.pooling.models import Pool, PoolMember, Run, Well
from lims.results.actions.amendment import amend_result
from lims.results.actions.result_withdrawal import withdraw_result
from lims.results.models import Result
from lims.transaction import open_snapshot

FIRST, LAST = MORNING.date() - timedelta(days=3), MORNING.date() + timedelta(days=60)
OWN_STEPS = (
    "scan_late",
    "undo",
    "mix_by_hand",
    "take_out",
    "void_a_pool",
    "amend",
    "withdraw_one",
    "wait_for_hours",
    "fold_some",
    "fold_everything",
    "fold_everything",
)
steps = st.lists(st.sampled_from((*STEPS, *OWN_STEPS)), min_size=12, max_size=30)


class CountedHistory(History):
    """A history whose counts are folded now and then, and which remembers what was known at the end of each day."""

    def __init__(self, world, seed: int) -> None:
        super().__init__(world, seed)
        self.known: dict[date, Counter] = {}
        self.scans: list[uuid.UUID] = []

    # ---- what the other history has not ----

    def scan_late(self) -> None:
        """Receive scans of a phone that was offline: they happened hours or days ago."""
        codes = people.declare(self.world, 2)
        tubes = people.print_tubes(self.world, 2)
        hours = self.chance.choice((1, 5, 20, 40))
        for tube, code in zip(tubes, codes, strict=True):
            key = uuid.uuid4()
            at = clock.now() - timedelta(hours=hours, minutes=self.chance.randint(0, 50))
            people.collect(self.world, [people.scan(tube, code, at, key)], uuid.uuid4())
            self.scans.append(key)

    def undo(self) -> None:
        """Take scans back."""
        for key in self.pick(self.scans, 2) if self.scans else []:
            self.attempt(undo_collection, actor=self.world.actor("collector"), scan_client_id=key)

    def mix_by_hand(self) -> None:
        """Open a pool and put some tubes in."""
        actor, place = self.at(False)
        waiting = select(Tube.code).where(Tube.laboratory_id == place, Tube.status == "received")
        tubes = self.find(waiting.order_by(Tube.id))
        opened = self.attempt(pools.open_pool, actor=actor, laboratory_id=place)
        if opened and tubes:
            self.attempt(
                pools.add_tubes, actor=actor, pool_code=opened["pool"], tube_codes=self.pick(tubes, 3)
            )

    def take_out(self) -> None:
        """Take a tube out of an open pool."""
        actor, _ = self.at(False)
        for pool in self.pick(self.find(select(Pool).where(Pool.status == "open").order_by(Pool.id)), 1):
            inside = select(Tube.code).join(PoolMember, PoolMember.tube_id == Tube.id)
            tubes = self.find(inside.where(PoolMember.pool_id == pool.id).order_by(Tube.id))
            if tubes:
                self.attempt(pools.remove_tubes, actor=actor, pool_code=pool.code, tube_codes=tubes[:1])

    def void_a_pool(self) -> None:
        """Void a pool that was mixed wrongly."""
        actor, _ = self.at(False)
        wrong = select(Pool.code).where(Pool.status.in_(("open", "closed"))).order_by(Pool.id)
        for code in self.pick(self.find(wrong), 1):
            self.attempt(pools.void_pool, actor=actor, pool_code=code, reason="mixed wrongly")

    def amend(self) -> None:
        """Amend a result, released or not."""
        current = select(Result.id).where(Result.status.in_(("released", "preliminary", "verified")))
        for key in self.pick(self.find(current.order_by(Result.id)), 2):
            self.attempt(
                amend_result,
                actor=self.world.actor("supervisor_2"),
                result_id=key,
                finding=self.chance.choice(("not_detected", "inconclusive")),
                reason="exchanged",
            )

    def withdraw_one(self) -> None:
        """Withdraw one result."""
        current = select(Result.id).where(Result.status == "released").order_by(Result.id)
        for key in self.pick(self.find(current), 1):
            self.attempt(
                withdraw_result,
                actor=self.world.actor("supervisor"),
                result_id=key,
                then=self.chance.choice(("retest", "resample")),
                reason="exchanged",
            )

    # ---- the counts ----

    def wait_for_hours(self) -> None:
        """Let hours pass; if the day ends, remember what was known of it."""
        today = clock.today()
        fold_all()
        later = self.minutes + self.chance.choice((45, 300, 720))
        if clock.local(MORNING + timedelta(minutes=later)).date() > today:
            self.known[today] = self.counts(known_on=today)
        self.minutes = later

    def fold_some(self) -> None:
        """Fold a few of the changes."""
        fold(actor=SYSTEM, most=self.chance.randint(1, 7))
        self.check()

    def fold_everything(self) -> None:
        """Fold all changes."""
        fold_all()
        self.check()
        self.check_identities()
        assert fold(actor=SYSTEM)["folded"] == 0

    def check(self) -> None:
        """What is counted equals a recount, whatever is queued."""
        db.session.rollback()
        with open_snapshot() as session:
            found = recount(session)
        assert found.holds, (found.stale, list(found.differences.items())[:10])

    def day(self, **more):
        db.session.rollback()
        everywhere = self.world.actor("administrator")
        return figures.read_day(
            db.session(), actor=everywhere, scope=Scope(), first_on=FIRST, last_on=LAST, **more
        )

    def counts(self, **more) -> Counter:
        day = self.day(**more)
        found = Counter(dict(day.counts))
        for leg, histogram in day.legs.items():
            for bucket, number in histogram.counts.items():
                found[leg, str(bucket)] += number
        return found

    def check_identities(self) -> None:
        """All is folded: the figures are those of other statements over the tables, which know no summaries."""
        day = self.day()
        session = db.session()
        classes = {identity.name: identity.classes for identity in reconcile(session)}
        samples = classes["samples"]
        assert sum(day.standing.values()) == samples["waiting"] + samples["held"]
        assert dict(day.standing) == count_standing(session)
        assert day.standing["held"] == samples["held"]
        assert day.total("declared") == count(select(func.count()).select_from(Declaration))
        alive = select(func.count()).select_from(Sample).where(Sample.status != "void")
        assert day.total("collected") == count(alive)
        received = alive.join(Tube, Tube.id == Sample.tube_id)
        assert day.total("received") == count(received.where(Tube.received_at.is_not(None)))
        assert day.total("rejected") == count(received.where(Tube.status.in_(("rejected", "damaged"))))
        wells = select(func.count()).select_from(Well).join(Run, Run.id == Well.run_id)
        assert day.total("reactions") == count(
            wells.where(Run.entered_at.is_not(None), Well.pool_id.is_not(None))
        )
        amended = select(func.count()).select_from(Result).where(Result.amendment_reason != "")
        assert day.total("amended") == count(amended.join(Sample).where(Sample.status != "void"))
        for finding in ("detected", "not_detected", "inconclusive", "invalid"):
            released = select(func.count()).select_from(Result).where(Result.status == "released")
            rest = day.total("released", finding) - count(released.where(Result.finding == finding))
            # released once, and amended since
            assert 0 <= rest <= count(select(func.count()).where(Result.version > 1))
        for status, measure in (("opened_at", "opened"), ("settled_at", "settled")):
            column = getattr(Discrepancy, status)
            assert day.total(f"discrepancies_{measure}") == count(
                select(func.count()).where(column.is_not(None))
            )


def count_stations() -> dict[str, int]:
    """Count where samples stand in SQL of its own, which shares nothing with the rules of the counting."""
    past = aliased(PoolMember)
    tested = exists(select(past.tube_id).where(past.tube_id == Tube.id, past.in_test.is_(False)))
    station = case(
        (Pool.status == "on_plate", "on_plate"),
        (Pool.status.in_(("open", "closed")), "pooled"),
        (tested, "next_test"),
        (Tube.status.in_(("received", "stored")), "received"),
        (or_(Tube.status == "used", Box.status.in_(("open", "sealed"))), "at_the_site"),
        else_="on_the_road",
    )
    bound = db.session.execute(
        select(station, func.count())
        .select_from(Sample)
        .join(Tube, Tube.id == Sample.tube_id)
        .outerjoin(Box, Box.id == Tube.box_id)
        .outerjoin(PoolMember, (PoolMember.tube_id == Tube.id) & PoolMember.in_test)
        .outerjoin(Pool, Pool.id == PoolMember.pool_id)
        .where(Sample.status == "bound")
        .group_by(station)
    )
    resulted = db.session.execute(
        select(Result.status, func.count())
        .where(Result.status.in_(("preliminary", "verified", "held")))
        .group_by(Result.status)
    )
    words = {"preliminary": "to_verify", "verified": "to_release", "held": "held"}
    return dict(bound.all()) | {words[name]: number for name, number in resulted}


def count(query) -> int:
    """Return the number of a statement."""
    return int(db.session.scalar(query) or 0)


def play_and_check(engines, engine: str, seed: int, chosen: list[str]) -> None:
    """Play a history in a fresh database, and check at its end what must hold then."""
    with (
        TemporaryDirectory() as folder,
        engines.fresh(engine, Path(folder)) as url,
        make_app(url, Path(folder)).app_context(),
    ):
        world = make_world(pool_size=3, mixed_tube_size=3)
        bench.install(world)
        history = CountedHistory(world, seed)
        history.play([*USUAL, *chosen, "wait_for_hours", "fold_everything"])
        assert_reconciled(db.session())
        for day, known in history.known.items():
            assert history.counts(known_on=day) == known, day
        db.session.remove()
        db.engine.dispose()


# every step commits to a real disk: shrinking would take minutes, and a failure says what it found
PHASES = [Phase.explicit, Phase.generate]


@settings(max_examples=5, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**20), chosen=steps)
def test_whatever_happens_the_summaries_equal_a_recount(engines, seed, chosen):
    play_and_check(engines, "sqlite", seed, chosen)


@pytest.mark.skipif("postgresql" not in ENGINES, reason="no PostgreSQL here")
@settings(max_examples=1, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**20), chosen=steps)
def test_so_they_do_on_postgresql(engines, seed, chosen):
    play_and_check(engines, "postgresql", seed, chosen)


def test_a_long_history_with_every_step_leaves_nothing_out(engines):
    play_and_check(engines, "sqlite", 7, [*OWN_STEPS, *STEPS, "release", *OWN_STEPS, "release", *OWN_STEPS])
