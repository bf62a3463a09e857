"""Reconciliation finds every row that is in none or in two classes, and only those."""

from __future__ import annotations

import json

import pytest
from pooling import bench
from pooling.received import receive, samples_of
from reconciled import assert_reconciled
from results import desk
from signing import bearer, sign_in
from sqlalchemy import update
from statements import count_statements
from stating import declare

from lims.capacity.commands import reconcile_command
from lims.capacity.queries.reconciliation import reconcile
from lims.capacity.rules import CLASS_WORDS, TITLES
from lims.extensions import db
from lims.intake.models import Declaration, Sample, Tube
from lims.pooling.models import PoolMember
from lims.results.models import Result
from lims.transaction import writing


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def identities() -> dict:
    """Return the identities by name, as they are now."""
    db.session.rollback()
    return {identity.name: identity for identity in reconcile(db.session())}


def spoil(model, **columns: object) -> None:
    """Change rows past all actions, as a defect would."""
    with writing() as session:
        session.execute(update(model).values(**columns))


def test_an_empty_database_adds_up(world):
    assert all(identity.holds and identity.total == 0 for identity in identities().values())


def test_every_identity_and_every_class_has_its_words(world):
    found = identities()
    assert set(found) == set(TITLES)
    assert {name for identity in found.values() for name in identity.classes} == set(CLASS_WORDS)


def test_people_and_tubes_are_counted_at_every_station(lab):
    run, _released = desk.run_tubes(lab, 3)
    desk.verify_and_release(lab, run)
    desk.run_tubes(lab, 1, finding="detected")
    desk.run_tubes(lab, 2, size=2, finding="detected")
    receive(lab, 4)
    receive(lab, 1, named=False)
    declare(lab)
    found = identities()
    assert found["declarations"].classes == {"open": 1, "sampled": 10, "closed_without_sample": 0}
    assert found["samples"].classes == {"waiting": 6, "held": 1, "released": 3, "closed_otherwise": 0}
    assert found["results"].classes == {"told": 0, "not_yet_told": 3}
    tubes = found["tubes"].classes
    assert (tubes["done"], tubes["in_test"], tubes["waiting_at_laboratory"]) == (3, 3, 5)
    assert found["tubes_without_names"].classes == {"not_received": 0, "not_tested": 1, "tested": 0}
    assert_reconciled(db.session())


@pytest.mark.parametrize(
    ("model", "columns", "identity"),
    [
        (Declaration, {"status": "open"}, "declarations"),
        (Declaration, {"status": "withdrawn"}, "declarations"),
        (Sample, {"status": "bound"}, "samples"),
        (Sample, {"status": "superseded"}, "samples"),
        (Tube, {"status": "printed"}, "tubes"),
        (Tube, {"status": "used"}, "tubes"),
        (Tube, {"received_at": None}, "tubes"),
        (Tube, {"status": "boxed", "received_at": None}, "tubes"),
        (PoolMember, {"in_test": True}, None),
    ],
)
def test_a_row_that_a_defect_moved_is_named(lab, model, columns, identity):
    _run, tubes = desk.run_tubes(lab, 1)
    spoil(model, **columns)
    broken = {name: found for name, found in identities().items() if not found.holds}
    if identity is None:
        assert broken == {}
        return
    assert identity in broken
    assert broken[identity].fault_count == 1
    assert broken[identity].faults[0].classes == ()
    codes = {tubes[0], samples_of(tubes[0])[0].declaration.code}
    assert broken[identity].faults[0].key in codes
    with pytest.raises(AssertionError, match="no class"):
        assert_reconciled(db.session())


def test_a_resulted_sample_without_a_result_is_named(lab):
    receive(lab, 1)
    spoil(Sample, status="resulted")
    assert identities()["samples"].fault_count == 1


def test_a_reading_before_the_release_is_named(lab):
    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    spoil(Result, first_read_at=samples_of(tubes[0])[0].recorded_at)
    assert identities()["results"].fault_count == 1


def test_a_name_whose_tube_is_missing_is_counted_as_a_name_without_a_tube(lab):
    receive(lab, 1)
    spoil(Tube, status="missing")
    assert identities()["names_without_tubes"].classes == {"tube_gone": 1, "tube_unused": 0}


def test_the_cost_does_not_grow_with_the_rows(lab):
    spent = []
    for count in (1, 200):
        receive(lab, count)
        db.session.rollback()
        with count_statements() as sent:
            reconcile(db.session())
        spent.append(len([statement for statement in sent if statement.startswith(("SELECT", "select"))]))
    assert spent == [7, 7]


def test_the_command_ends_with_0_when_all_adds_up_and_with_1_when_not(app, lab):
    receive(lab, 2)
    runner = app.test_cli_runner()
    good = runner.invoke(reconcile_command, ["--json"])
    assert good.exit_code == 0
    assert json.loads(good.stdout)["holds"] is True
    spoil(Sample, status="resulted")
    db.session.rollback()
    bad = runner.invoke(reconcile_command, [])
    assert bad.exit_code == 1
    assert "DEFECT" in bad.stdout
    assert "2 rows are in none or in two classes." in bad.stderr


def test_the_page_and_the_address_for_programs_show_a_defect(lab, client):
    tube = receive(lab, 1)[0]
    spoil(Sample, status="resulted")
    coordinator = lab.actor("coordinator")
    answer = client.get("/api/v1/reconciliation", headers=bearer(coordinator)).json
    assert answer["holds"] is False
    assert [fault for one in answer["identities"] for fault in one["faults"]] == [
        {"key": tube, "classes": []}
    ]
    page = sign_in(client, coordinator).get("/reconciliation")
    assert page.status_code == 200
    assert 'id="faults"' in page.text


def test_another_provinces_figures_are_not_counted(lab):
    receive(lab, 1)
    db.session.rollback()
    assert all(identity.total == 0 for identity in reconcile(db.session(), campaign_ids=[]))
