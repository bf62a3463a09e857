"""A detected result opens the person's case and asks for contacts; one that is taken back closes it."""

from __future__ import annotations

import pytest
from pooling import bench
from pooling.received import samples_of
from results import desk
from results.test_verification import detected_and_confirmed
from sqlalchemy import select
from stating import declare, make_form

from lims import clock
from lims.audit import Event
from lims.extensions import db
from lims.intake.contacts import actions, queries
from lims.intake.contacts.models import FollowUp
from lims.intake.contacts.queries import FollowUpFilter
from lims.intake.models import Declaration
from lims.results.actions.amendment import amend_result
from lims.results.actions.result_withdrawal import withdraw_result


@pytest.fixture
def released(world) -> str:
    """A tube whose person's result "detected" is released."""
    bench.install(world)
    tube = detected_and_confirmed(world)
    assert cases() == []
    assert desk.verify_and_release_one(world, tube, role="supervisor_confirming")["verdict"] == "good"
    return tube


def cases() -> list[FollowUp]:
    db.session.rollback()
    return list(db.session.scalars(select(FollowUp).where(FollowUp.contact_class == "f0")).unique())


def unlisted(world) -> list[FollowUp]:
    wanted = FollowUpFilter(show="unlisted")
    return list(queries.list_follow_ups(db.session(), actor=world.actor("health_worker"), wanted=wanted)[0])


def verbs(key) -> list[str]:
    return list(db.session.scalars(select(Event.verb).where(Event.subject_id == key).order_by(Event.seq)))


def test_a_released_detected_opens_a_case_and_asks_for_contacts_until_one_is_listed(world, released):
    (case,) = cases()
    (sample,) = samples_of(released)
    assert (case.sample_id, case.person_id, case.since) == (sample.id, sample.person_id, sample.sampled_on)
    assert (case.status, case.known_by, case.listed_at) == ("open", "result", None)
    assert [one.id for one in unlisted(world)] == [case.id]
    code = declare(world, make_form())[0]["declaration_code"]
    actions.add_follow_up(
        actor=world.actor("health_worker"),
        declaration_code=code,
        of_id=case.id,
        since=clock.today(),
        known_by="named",
    )
    db.session.rollback()
    assert unlisted(world) == [] and verbs(case.id) == ["case_opened", "contact_listed"]
    assert db.session.scalar(select(Declaration.is_contact).where(Declaration.code == code))


def test_an_amended_result_closes_the_case_and_detected_again_opens_the_same(world, released):
    (case,) = cases()
    # who amends does not verify; the laboratory of this world has one supervisor
    actor = world.actor("administrator")
    for finding, status in (("not_detected", "ended"), ("detected", "open")):
        result = desk.result_of(released)
        amend_result(actor=actor, result_id=result.id, finding=finding, reason="Nhầm ống")
        assert cases()[0].status == "ended", "what is checked again is no case meanwhile"
        desk.verify_and_release_one(world, released, role="supervisor_confirming")
        (now,) = cases()
        assert (now.id, now.status) == (case.id, status), desk.result_of(released).status
    assert cases()[0].end_reason is None
    assert verbs(case.id) == ["case_opened", "ended", "reopened"]


def test_a_withdrawn_result_closes_the_case_and_the_contacts_stay(world, released):
    (case,) = cases()
    code = declare(world, make_form())[0]["declaration_code"]
    answer = actions.add_follow_up(
        actor=world.actor("health_worker"),
        declaration_code=code,
        of_id=case.id,
        since=clock.today(),
        known_by="named",
    )
    withdraw_result(
        actor=world.actor("supervisor_confirming"),
        result_id=desk.result_of(released).id,
        then="resample",
        reason="Nhầm ống",
    )
    (now,) = cases()
    assert (now.status, now.end_reason) == ("ended", "result_taken_back")
    contact = db.session.scalars(select(FollowUp).where(FollowUp.contact_class == "f1")).unique().one()
    assert (str(contact.id), contact.status) == (answer["follow_up"], "open")


def test_a_negative_opens_no_case(world):
    bench.install(world)
    run, _tubes = desk.run_tubes(world, 2)
    desk.verify_and_release(world, run)
    assert cases() == []
