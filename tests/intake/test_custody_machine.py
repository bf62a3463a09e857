"""Whatever collectors, couriers and laboratories do in whatever order, nothing is in two places or in none."""

from __future__ import annotations

import uuid
from datetime import timedelta

from factories import MORNING, make_world
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from intake import people, rows
from sqlalchemy import select

from lims import audit, clock
from lims.errors import LimsError
from lims.extensions import db, vault
from lims.intake.actions import boxes as transport
from lims.intake.actions import reception
from lims.intake.actions.collections import close_tubes, undo_collection
from lims.intake.actions.discrepancies import settle_discrepancy
from lims.intake.collecting import STANDING, TubeClosing
from lims.intake.models import Box, BoxTube, Declaration, Sample, Tube
from lims.intake.receiving import ReceivedTube

MIXED_SIZE = 2
SESSIONS = [uuid.uuid4(), uuid.uuid4()]


class Custody(RuleBasedStateMachine):
    """A site, two laboratories, and everything that may go wrong between them."""

    persons, tubes, boxes, scans = Bundle("persons"), Bundle("tubes"), Bundle("boxes"), Bundle("scans")

    def __init__(self, world):
        super().__init__()
        self.world = world
        self.minutes = 0
        self.codes = {"persons": [], "tubes": [], "boxes": []}

    def attempt(self, step, **arguments):
        """Do a step a minute later; a refusal must leave no event."""
        self.minutes += 1
        before = rows.count_events()
        with clock.at(MORNING + timedelta(minutes=self.minutes)):
            try:
                return step(**arguments)
            except LimsError:
                assert rows.count_events() == before
        return None

    def remember(self, kind, code):
        self.codes[kind].append(code)
        return code

    @rule(target=persons)
    def declare(self):
        return self.remember("persons", people.declare(self.world)[0])

    @rule(target=tubes, mode=st.sampled_from(["single", "mixed"]))
    def print_tube(self, mode):
        return self.remember("tubes", people.print_tubes(self.world, 1, mode)[0])

    @rule(target=boxes)
    def print_box(self):
        return self.remember("boxes", people.print_boxes(self.world)[0])

    @rule(target=scans, tube=tubes, person=persons, session=st.sampled_from(SESSIONS))
    def collect(self, tube, person, session):
        one = people.scan(tube, person, MORNING)
        self.attempt(lambda: people.collect(self.world, [one], session))
        return one.client_id

    @rule(scan=scans)
    def undo(self, scan):
        self.attempt(undo_collection, actor=self.world.actor("collector"), scan_client_id=scan)

    @rule(tube=tubes, session=st.sampled_from(SESSIONS), count=st.integers(1, MIXED_SIZE))
    def close(self, tube, session, count):
        closing = TubeClosing(uuid.uuid4(), tube, count)
        self.attempt(close_tubes, actor=self.world.actor("collector"), session_id=session, closings=[closing])

    @rule(box=boxes, tube=tubes, role=st.sampled_from(["collector", "technician"]))
    def pack(self, box, tube, role):
        place = self.world.site_id if role == "collector" else self.world.laboratory_id
        self.attempt(
            transport.pack_tubes,
            actor=self.world.actor(role),
            box_code=box,
            place_id=place,
            tube_codes=[tube, tube],
        )

    @rule(box=boxes, tube=tubes)
    def take_out(self, box, tube):
        self.attempt(
            transport.take_out_tubes, actor=self.world.actor("collector"), box_code=box, tube_codes=[tube]
        )

    @rule(box=boxes)
    def send(self, box):
        actor = self.world.actor("coordinator")
        self.attempt(transport.seal_box, actor=actor, box_code=box)
        self.attempt(
            transport.dispatch_box, actor=actor, box_code=box, laboratory_id=self.world.laboratory_id
        )

    @rule(box=boxes)
    def receive_box(self, box):
        self.attempt(
            reception.receive_box,
            actor=self.world.actor("technician"),
            box_code=box,
            laboratory_id=self.world.laboratory_id,
            temperature_c=12.0,
        )

    @rule(
        tube=tubes,
        box=st.none() | boxes,
        condition=st.sampled_from(["good", "good", "broken", "empty"]),
        confirming=st.booleans(),
    )
    def receive_tube(self, tube, box, condition, confirming):
        self.attempt(
            reception.receive_tubes,
            actor=self.world.actor("technician_confirming" if confirming else "technician"),
            laboratory_id=self.world.confirming_id if confirming else self.world.laboratory_id,
            box_code=box,
            tubes=[ReceivedTube(tube, condition)],
        )

    @rule(box=boxes)
    def reconcile(self, box):
        self.attempt(reception.reconcile_box, actor=self.world.actor("technician"), box_code=box)

    @rule(tube=tubes)
    def reject(self, tube):
        self.attempt(
            reception.reject_tubes, actor=self.world.actor("technician"), tube_codes=[tube], reason="too_old"
        )

    @rule(settlement=st.sampled_from(["accepted", "dismissed", "resample"]))
    def settle(self, settlement):
        waiting = rows.discrepancies(status="open")
        if waiting:
            self.attempt(
                settle_discrepancy,
                actor=self.world.actor("coordinator"),
                discrepancy_id=waiting[0].id,
                settlement=settlement,
                note="for the test",
            )

    @invariant()
    def a_declaration_is_sampled_exactly_while_a_sample_of_its_asking_stands(self):
        db.session.rollback()
        for declaration in self.listed(Declaration, "persons"):
            samples = db.session.scalars(
                select(Sample).where(Sample.declaration_id == declaration.id, Sample.status != "void")
            ).all()
            standing = [item for item in samples if item.attempt == declaration.attempt]
            assert len(standing) == (1 if declaration.status == "sampled" else 0)
            assert all(item.status not in STANDING for item in samples if item not in standing)

    @invariant()
    def a_tube_holds_no_more_than_its_mode_allows_and_an_unused_one_holds_nobody(self):
        db.session.rollback()
        for tube in self.listed(Tube, "tubes"):
            held = [item for item in tube.samples if item.status != "void"]
            assert len(held) <= (1 if tube.mode == "single" else MIXED_SIZE)
            assert not (tube.status == "printed" and held)
            assert not (tube.status == "used" and not held)
            assert (tube.laboratory_id is not None) >= (tube.status in ("received", "stored"))

    @invariant()
    def a_tube_is_on_the_list_of_exactly_the_box_it_is_in(self):
        db.session.rollback()
        for tube in self.listed(Tube, "tubes"):
            packed = db.session.execute(
                select(BoxTube.box_id).where(BoxTube.tube_id == tube.id, BoxTube.state == "packed")
            ).scalars()
            assert list(packed) == ([tube.box_id] if tube.status == "boxed" else [])

    @invariant()
    def a_reconciled_box_has_nothing_unaccounted_for(self):
        db.session.rollback()
        for box in self.listed(Box, "boxes"):
            if box.status == "reconciled":
                assert "packed" not in rows.box_states(box.code).values()

    def listed(self, model, kind):
        return db.session.scalars(select(model).where(model.code.in_(self.codes[kind]))).unique().all()

    def teardown(self):
        db.session.rollback()
        _, faults = audit.verify(db.session(), vault=vault())
        assert faults == []


def test_custody_holds_in_any_order_of_steps(app):
    world = make_world(mixed_tube_size=MIXED_SIZE)
    run_state_machine_as_test(
        lambda: Custody(world),
        settings=settings(
            max_examples=10,
            stateful_step_count=25,
            deadline=None,
            # every step is a commit to a real disk: shrinking would take minutes
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
