"""The demonstration: Quảng Ninh's size, every stage, the same for the same seed, and in order by its own identities."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from lims import audit
from lims.auth.models import User
from lims.auth.rules import ROLES
from lims.capacity.queries.reconciliation import reconcile
from lims.demo import campaign, province
from lims.demo.people import invent_people
from lims.extensions import db, vault
from lims.intake.identity import identity_warnings
from lims.intake.models import Declaration, Person, Sample, Tube
from lims.pooling.models import Pool, Run
from lims.results.models import Result


def test_the_capacities_are_those_of_the_plan():
    assert len(province.LABORATORIES) == 8
    assert sum(screening for _, _, screening, _ in province.LABORATORIES) == 6186
    assert sum(confirmation for _, _, _, confirmation in province.LABORATORIES) == 550


def test_a_sign_in_is_shown_for_every_role_and_only_one():
    assert Counter(account.role for account in province.ACCOUNTS if account.shown) == Counter(ROLES)


@given(count=st.integers(1, 300), prevalence=st.floats(0, 1), seed=st.integers(0, 10**6))
def test_the_same_seed_invents_the_same_people_with_the_prevalence_asked_for(count, prevalence, seed):
    arguments = {"count": count, "prevalence": prevalence, "seed": seed, "province_code": "22"}
    people = list(invent_people(**arguments))
    assert people == list(invent_people(**arguments))
    assert sum(person.is_infected for person in people) == round(count * prevalence)


def test_invented_identity_numbers_have_a_sound_structure():
    for person in invent_people(count=500, prevalence=0.1, seed=1, province_code="22"):
        if person.identity_number:
            assert (
                identity_warnings(person.identity_number, sex=person.sex, birth_year=person.birth_on.year)
                == ()
            )


@pytest.fixture
def played(app):
    """A small campaign."""
    return campaign.play(people=300, prevalence=0.03, seed=7, quiet=True)


def _by(column) -> Counter:
    return Counter(dict(db.session.execute(select(column, func.count()).group_by(column)).all()))


def test_the_demonstration_has_people_at_every_stage_and_every_row_in_one_class(played):
    assert (played.people, played.infected) == (300, 9)
    assert _by(Declaration.status).total() == 300
    assert set(_by(Declaration.status)) >= {"open", "sampled", "closed"}
    assert set(_by(Tube.status)) >= {"printed", "used", "boxed", "received", "stored", "missing"}
    assert set(_by(Pool.status)) >= {"closed", "on_plate", "called", "resolved"}
    assert set(_by(Run.status)) >= {"planned", "running", "imported", "reviewed", "verified"}
    assert set(_by(Result.status)) >= {"preliminary", "verified", "released"}
    identities = reconcile(db.session())
    assert [identity.name for identity in identities if not identity.holds or identity.fault_count] == []
    count, faults = audit.verify(db.session(), vault=vault())
    assert (count > 1000, faults) == (True, [])


def test_nobody_is_released_with_what_a_perfect_test_would_not_find(played):
    infected = {
        (person.name, person.birth_on): person.is_infected
        for person in invent_people(count=300, prevalence=0.03, seed=7, province_code="22")
    }
    rows = db.session.execute(
        select(Person.name, Person.birth_on, Result.finding)
        .join(Sample, Sample.person_id == Person.id)
        .join(Result, Result.sample_id == Sample.id)
        .where(Result.status == "released")
    ).all()
    assert len(rows) > 50
    wrong = [row for row in rows if (row.finding == "detected") != infected[row.name, row.birth_on]]
    assert wrong == []


def test_all_accounts_are_marked_as_demonstration(played):
    assert _by(User.is_demo) == {True: len(province.ACCOUNTS)}
