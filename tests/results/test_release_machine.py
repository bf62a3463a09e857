"""Any order of verifying, holding, releasing, amending, withdrawing, doubting and settling: what always holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from outbox.town import give_phones
from pooling import bench
from pooling.received import samples_of
from reconciled import assert_reconciled
from results import desk
from results.sheets.signer import give_keys, install_signer
from sqlalchemy import select

from lims.errors import LimsError
from lims.extensions import db
from lims.intake.actions.discrepancies import Finding, open_discrepancies, settle_discrepancy
from lims.intake.models import Discrepancy, Sample, Tube
from lims.outbox.models import Message
from lims.pooling.models import Run
from lims.results.actions.amendment import amend_result
from lims.results.actions.release import hold_results, release_results, release_run, unhold_results
from lims.results.actions.result_withdrawal import withdraw_result
from lims.results.actions.verification import verify_results, verify_run
from lims.results.certificates.actions.certificates import issue_certificates
from lims.results.certificates.models import Certificate
from lims.results.models import Result
from lims.transaction import writing

TUBES = 3
tube_numbers = st.integers(0, TUBES - 1)
supervisors = st.sampled_from(("supervisor", "supervisor_2"))
people = st.sampled_from(("technician", "supervisor", "supervisor_2"))
SAID_ONCE = ("result_ready", "result_amended")


class Desk(RuleBasedStateMachine):
    """Three people, each in a pool of one, and those who decide about their results."""

    world: Any

    @initialize()
    def test_them(self) -> None:
        """Bring them to reviewed results."""
        self.run, self.tubes = desk.run_tubes(self.world, TUBES, size=1)
        give_phones(self.tubes)
        give_keys()
        self.done = 0

    def attempt(self, step: Callable[..., Any], who: str, **values: Any) -> None:
        """Take a step; whatever is refused is refused and changes nothing."""
        try:
            step(actor=self.world.actor(who), **values)
            self.done += 1
        except LimsError:
            db.session.rollback()

    def key(self, number: int) -> Any:
        """Return the latest version of somebody's result."""
        return desk.result_of(self.tubes[number]).id

    @rule(who=people)
    def verify_run(self, who: str) -> None:
        """All negatives of the plate."""
        self.attempt(verify_run, who, run_code=self.run)

    @rule(who=supervisors)
    def release_run(self, who: str) -> None:
        """All verified negatives of the plate."""
        self.attempt(release_run, who, run_code=self.run)

    @rule(number=tube_numbers, who=people)
    def verify(self, number: int, who: str) -> None:
        """One."""
        self.attempt(verify_results, who, result_ids=[self.key(number)])

    @rule(number=tube_numbers, who=supervisors, looked=st.booleans())
    def release(self, number: int, who: str, looked: bool) -> None:
        """One."""
        self.attempt(release_results, who, result_ids=[self.key(number)], looked=looked)

    @rule(number=tube_numbers, who=supervisors)
    def hold(self, number: int, who: str) -> None:
        """One."""
        self.attempt(hold_results, who, result_ids=[self.key(number)], note="look again")

    @rule(number=tube_numbers, who=supervisors)
    def unhold(self, number: int, who: str) -> None:
        """One."""
        self.attempt(unhold_results, who, result_ids=[self.key(number)], note="looked")

    @rule(number=tube_numbers, who=supervisors, finding=st.sampled_from(("not_detected", "inconclusive")))
    def amend(self, number: int, who: str, finding: str) -> None:
        """One."""
        self.attempt(amend_result, who, result_id=self.key(number), finding=finding, reason="seen again")

    @rule(number=tube_numbers, who=supervisors, then=st.sampled_from(("retest", "resample")))
    def withdraw(self, number: int, who: str, then: str) -> None:
        """One."""
        self.attempt(withdraw_result, who, result_id=self.key(number), then=then, reason="exchanged")

    @rule()
    def test_again(self) -> None:
        """Plate what waits to be tested again."""
        try:
            self.run = desk.run_plate(self.world)["run"]
        except LimsError:
            db.session.rollback()

    @rule(number=tube_numbers)
    def certify(self, number: int) -> None:
        """Somebody asks for the sheet."""
        issue_certificates(actor=self.world.actor("coordinator"), result_ids=[self.key(number)])

    @rule(number=tube_numbers)
    def doubt(self, number: int) -> None:
        """Something does not fit."""
        tube_id = samples_of(self.tubes[number])[0].tube_id
        with writing() as session:
            session.info["actor"] = self.world.actor("collector")
            found = Finding(kind="tube_reused", tube_id=tube_id, place_id=self.world.laboratory_id)
            open_discrepancies(session, findings=[found])

    @rule(how=st.sampled_from(("accepted", "dismissed", "resample")))
    def settle(self, how: str) -> None:
        """A supervisor settles the oldest doubt."""
        key = db.session.scalar(
            select(Discrepancy.id).where(Discrepancy.status == "open").order_by(Discrepancy.opened_at)
        )
        if key:
            self.attempt(settle_discrepancy, "coordinator", discrepancy_id=key, settlement=how, note="looked")

    @invariant()
    def everything_holds(self) -> None:
        """What is true after every step."""
        db.session.rollback()
        own = select(Sample.id).join(Tube, Tube.id == Sample.tube_id).where(Tube.code.in_(self.tubes))
        results = list(
            db.session.scalars(
                select(Result).where(Result.sample_id.in_(own)).order_by(Result.sample_id, Result.version)
            )
        )
        self._versions_are_whole(results)
        self._nothing_is_released_by_one_person(results)
        self._everything_told_is_told_once(results)
        self._certificates_follow_their_versions(results)

    def _versions_are_whole(self, results: list[Result]) -> None:
        of_sample: defaultdict[Any, list[Result]] = defaultdict(list)
        for one in results:
            of_sample[one.sample_id].append(one)
        for versions in of_sample.values():
            assert [one.version for one in versions] == list(range(1, len(versions) + 1))
            assert [one.status != "superseded" for one in versions[:-1]] == [False] * (len(versions) - 1)
            assert versions[-1].status != "superseded"

    def _nothing_is_released_by_one_person(self, results: list[Result]) -> None:
        for one in results:
            if one.released_at is not None:
                assert one.verified_by_id not in (None, one.entered_by_id)
                assert one.released_by_id is not None
            assert (one.status == "withdrawn") <= (one.withdrawn_at is not None)
            assert (one.status == "released") <= (one.released_at is not None)

    def _everything_told_is_told_once(self, results: list[Result]) -> None:
        told = Counter(
            (message.subject_id, "said" if message.template in SAID_ONCE else message.template)
            for message in db.session.scalars(select(Message).where(Message.kind == "sms"))
        )
        for one in results:
            assert told[one.id, "said"] == (one.released_at is not None)
            taken_back = one.released_at is not None and one.status != "released"
            assert told[one.id, "result_checked_again"] == taken_back

    def _certificates_follow_their_versions(self, results: list[Result]) -> None:
        states = {one.id: one.status for one in results}
        of_these = select(Certificate).where(Certificate.result_id.in_(states))
        for certificate in db.session.scalars(of_these):
            assert (certificate.revoked_at is None) == (states[certificate.result_id] == "released")

    def teardown(self) -> None:
        """Everybody and every tube is in exactly one class."""
        if hasattr(self, "run"):
            assert_reconciled(db.session())
            assert db.session.scalar(select(Run.id).limit(1)) is not None


@pytest.fixture
def lab(world):
    bench.install(world)
    install_signer(world)
    return world


def test_whatever_is_decided_in_whatever_order(lab):
    machine = type("DeskOfLab", (Desk,), {"world": lab})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=16,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
