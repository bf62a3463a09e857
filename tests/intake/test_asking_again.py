"""Asking for a new sample ends the old one by name and opens the declaration once."""

from __future__ import annotations

import pytest
from factories import MORNING
from intake import rows
from intake.people import collect_people
from sqlalchemy import select, update
from statements import count_statements

from lims import clock
from lims.intake.asking_again import ask_for_new_samples, closure_for
from lims.intake.models import Declaration, Sample, Tube
from lims.transaction import writing


@pytest.fixture(autouse=True)
def eight_in_the_morning():
    with clock.at(MORNING):
        yield


def ask(tube, reason, **more):
    with writing() as session:
        samples = list(session.scalars(select(Sample).join(Tube).where(Tube.code == tube)))
        return ask_for_new_samples(session, samples=samples, reason=reason, **more)


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        ("leaked", "rejected"),
        ("tube_missing", "lost"),
        ("mixed_positive", "superseded"),
        ("tube_reused", "superseded"),
    ],
)
def test_the_old_sample_ends_by_the_name_of_its_reason(world, reason, end):
    (person,), (tube,) = collect_people(world, 1)
    ask(tube, reason)
    assert closure_for(reason) == end
    assert rows.samples(tube)[0].status == end
    assert rows.verbs(rows.samples(tube)[0].id) == ["bound", end]
    found = rows.declaration(person)
    assert (found.status, found.attempt, found.resample_reason) == ("open", 2, reason)


def test_a_result_that_stands_keeps_its_sample(world):
    (person,), (tube,) = collect_people(world, 1)
    with writing() as session:
        session.execute(update(Sample).values(status="resulted"))
        session.execute(update(Declaration).values(status="closed", closed_at=MORNING))
    ask(tube, "inconclusive", keep_results=True)
    assert rows.samples(tube)[0].status == "resulted"
    assert (rows.declaration(person).status, rows.declaration(person).closed_at) == ("open", None)


@pytest.mark.parametrize("status", ["withdrawn", "expired"])
def test_a_declaration_that_is_over_is_not_opened_again(world, status):
    (person,), (tube,) = collect_people(world, 1)
    with writing() as session:
        session.execute(update(Declaration).values(status=status))
    assert ask(tube, "leaked") == []
    assert (rows.declaration(person).status, rows.declaration(person).attempt) == (status, 1)


def test_asking_five_hundred_again_costs_the_statements_of_one(world):
    def cost(count):
        _, tubes = collect_people(world, count)
        with writing() as session:
            samples = list(session.scalars(select(Sample).join(Tube).where(Tube.code.in_(tubes))))
            with count_statements() as sent:
                ask_for_new_samples(session, samples=samples, reason="leaked")
        return len(sent)

    assert cost(1) == cost(500)


def test_asking_twice_asks_once(world):
    (person,), (tube,) = collect_people(world, 1)
    for _ in range(2):
        with writing() as session:
            samples = list(session.scalars(select(Sample).join(Tube).where(Tube.code == tube)))
            ask_for_new_samples(session, samples=samples, reason="leaked")
    assert rows.declaration(person).attempt == 2
    assert rows.verbs(rows.declaration(person).id) == ["sampled", "opened_again"]
