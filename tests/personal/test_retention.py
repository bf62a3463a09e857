"""Retention: identities are erased in every form, and counts, pools, results and the chain of custody stay."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from personal.people import (
    BORN,
    NAME,
    NUMBER,
    PHONE,
    REFUSED,
    STREET,
    declare_somebody,
    encodings,
    end_campaign,
    fill_everything,
    found_in,
    person_of,
    whole_database,
)
from pooling import bench
from reconciled import assert_reconciled
from results import desk
from sqlalchemy import func, select
from statements import count_statements
from stating import declare, make_form

from lims import audit, clock
from lims.capacity.commands import as_figures
from lims.capacity.queries.reconciliation import reconcile
from lims.errors import InvalidInput
from lims.extensions import db, vault
from lims.field.models import FieldScan
from lims.intake.models import Declaration, Discrepancy, PeopleImport, Person, PersonIdentity, Sample
from lims.personal import retention
from lims.personal.actions.corrections import Corrected, correct_person
from lims.personal.actions.erasing import without_names
from lims.personal.commands import retention_group
from lims.places.models import Campaign
from lims.results.actions.release import hold_results
from lims.results.models import Result
from lims.tables import new_id
from lims.transaction import writing

WORDS = (NAME, PHONE, NUMBER, STREET, REFUSED)


@pytest.fixture
def full(world, client):
    """A campaign with one person's traces everywhere, and others' results."""
    bench.install(world)
    desk.run_tubes(world, 3, size=1)
    somebody = fill_everything(world, client)
    return world, somebody


def _figures() -> str:
    db.session.rollback()
    return json.dumps(as_figures(reconcile(db.session())), sort_keys=True)


def _verify() -> list[audit.Fault]:
    db.session.rollback()
    return audit.verify(db.session(), vault=vault())[1]


def test_the_search_finds_what_is_there(full, tmp_path):
    """Without this the greps below would prove nothing: what stands in clear is found, what is sealed is not."""
    kept = db.session.scalars(select(FieldScan.raw_sealed)).all()
    assert len(kept) == 2
    assert all(kept)
    assert db.session.scalar(select(func.count()).where(Discrepancy.raw_sealed.is_not(None))) >= 2
    assert db.session.scalar(select(func.count()).where(PeopleImport.refused_sealed.is_not(None))) == 1
    found = found_in(whole_database(tmp_path), *WORDS)
    assert NAME in found
    assert set(found) & {PHONE, NUMBER, STREET, REFUSED} == set()
    for form in (NAME.encode(), NAME.encode().hex().encode(), NAME.encode("unicode_escape")):
        assert form in encodings(NAME)


def test_after_the_term_no_name_phone_or_number_is_left_in_any_encoding(full, tmp_path):
    world, somebody = full
    with writing() as session:
        audit.seal_events(session, vault=vault())
    end_campaign(world)
    before, counted = _figures(), _counts()
    erased = retention.erase_due()
    assert (erased.people, erased.campaigns) == (counted["person"], 1)
    retention.write_anew()
    content = whole_database(tmp_path)
    assert found_in(content, *WORDS) == []
    assert found_in(content, "Người Thử") == []
    assert _figures() == before
    assert _counts() == counted | {"person_identity": 0}
    assert _verify() == []
    assert_reconciled(db.session())
    person = person_of(somebody)
    assert (person.name, person.person_key, person.phone_index, person.birth_on.year) == (
        "",
        None,
        None,
        1990,
    )
    assert (person.birth_on.month, person.birth_on.day, person.birth_precision) == (1, 1, "year")
    assert db.session.get(Campaign, world.campaign_id).identities_erased_at is not None


def _counts() -> dict[str, int]:
    db.session.rollback()
    tables = (Person, PersonIdentity, Declaration, Sample, Result, Discrepancy, PeopleImport)
    return {
        table.__tablename__: db.session.scalar(select(func.count()).select_from(table)) for table in tables
    }


def test_a_second_run_finds_nothing(full):
    world, _ = full
    end_campaign(world)
    retention.erase_due()
    again = retention.erase_due()
    assert (again.people, again.campaigns, again.lists) == (0, 0, 0)


@pytest.mark.parametrize(
    ("days", "ago", "due"), [(30, 30, False), (30, 31, True), (0, 1, True), (0, 0, False), (None, 900, False)]
)
def test_the_term_counts_from_the_end(world, days, ago, due):
    declare_somebody(world)
    end_campaign(world, retention_days=days, ended_days_ago=ago)
    assert retention.count_due().people == int(due)
    assert retention.count_due().campaigns == int(due)


def test_a_person_of_a_campaign_that_goes_on_is_kept_until_that_one_ends(world):
    somebody = declare_somebody(world)
    with writing() as session:
        later = Campaign(
            id=new_id(),
            name="Đợt sau",
            province_id=world.province_id,
            starts_on=clock.today(),
            created_at=clock.now(),
        )
        session.add(later)
        session.flush()
        kept = session.get(Declaration, somebody.declaration_id)
        values = {
            column.name: getattr(kept, column.name)
            for column in Declaration.__table__.columns
            if column.name not in ("id", "code", "client_id", "campaign_id", "natural_key")
        }
        key = new_id()
        session.add(Declaration(**values, id=key, code="D00000000", client_id=key, campaign_id=later.id))
        later_id = later.id
    end_campaign(world)
    assert retention.erase_due().people == 0
    assert person_of(somebody).name == NAME
    with writing() as session:
        later = session.get(Campaign, later_id)
        later.ends_on, later.retention_days = clock.today() - timedelta(days=2), 1
        later.starts_on = later.ends_on
    assert retention.erase_due().people == 1


def test_erasing_costs_the_same_for_one_and_for_many(world):
    declare_somebody(world)
    end_campaign(world)
    with count_statements() as one:
        retention.erase_due()
    with writing() as session:
        campaign = session.get(Campaign, world.campaign_id)
        campaign.is_open, campaign.ends_on = True, None
    declare(world, *(make_form(name=f"Người Thứ {place}", phone=PHONE) for place in range(60)))
    end_campaign(world)
    with count_statements() as many:
        assert retention.erase_due().people == 60
    assert len(many) <= len(one) + 2


def test_an_old_backup_that_comes_back_is_erased_again_from_the_list(full, tmp_path):
    world, somebody = full
    if db.engine.dialect.name != "sqlite":
        pytest.skip("the copy of a file stands for a backup")
    file = Path(db.engine.url.database)
    with writing():
        pass
    db.session.remove()
    with db.engine.connect() as connection:
        connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
    backup = tmp_path / "backup.sqlite"
    shutil.copy(file, backup)
    end_campaign(world)
    retention.erase_due()
    listed = list(retention.list_erased_lines())
    assert found_in("\n".join(listed).encode(), *WORDS) == []
    assert any(line.startswith(f"person {somebody.person_id} ") for line in listed)
    db.session.remove()
    db.engine.dispose()
    for path in file.parent.glob(file.name + "-*"):
        path.unlink()
    shutil.copy(backup, file)
    assert person_of(somebody).name == NAME
    again = retention.replay(listed)
    assert (again.people, again.campaigns) == (len(listed) - 1, 1)
    retention.write_anew()
    assert found_in(whole_database(tmp_path), *WORDS) == []
    assert _verify() == []
    assert retention.replay(listed).people == 0


@pytest.mark.parametrize(
    "line", ["person", "person x 2021-01-01T00:00:00+00:00", "name A 2021", "person {} 2021"]
)
def test_a_list_that_is_none_is_refused_whole(world, line):
    somebody = declare_somebody(world)
    good = f"person {somebody.person_id} {clock.now().isoformat()}"
    with pytest.raises(InvalidInput):
        retention.replay([good, line])
    assert person_of(somebody).name == NAME


def test_refused_rows_are_kept_for_a_month(full):
    _world, _ = full
    assert retention.erase_due().lists == 0
    with clock.at(clock.now() + timedelta(days=31)):
        assert retention.count_due().lists == 1
        assert retention.erase_due().lists == 1
    assert db.session.scalar(select(PeopleImport.refused_sealed)) is None


def test_a_name_that_staff_wrote_after_all_is_cut_out(world):
    assert without_names(f"{NAME} called twice", [NAME]) == "… called twice"
    assert without_names("trinh xuan bach called", [NAME]) == "…"
    assert without_names("called", [NAME]) == "called"
    bench.install(world)
    _run, (tube,) = desk.run_tubes(world, 1, size=1)
    result = desk.result_of(tube)
    result_id, person_id = result.id, result.sample.person_id
    name, code = db.session.get(Person, person_id).name, result.sample.declaration.code
    hold_results(actor=world.actor("supervisor"), result_ids=[result_id], note=f"ask {name} again")
    # the note keeps the name that was wrong
    correct_person(
        actor=world.actor("health_worker"),
        declaration_code=code,
        corrected=Corrected(name=NAME, birth_date=BORN),
    )
    end_campaign(world)
    retention.erase_due()
    assert db.session.scalar(select(Result.hold_note).where(Result.id == result_id)) == "ask … again"


def test_the_commands_say_first_and_then_do(full, app):
    world, _ = full
    end_campaign(world)
    runner = app.test_cli_runner()
    said = runner.invoke(retention_group, ["run", "--dry-run"])
    assert said.output.startswith("Would erase the identities of ")
    assert retention.count_due().people > 0
    said = runner.invoke(retention_group, ["run", "--compact"])
    assert said.output.startswith("Erased the identities of "), said.output
    assert retention.count_due().people == 0
    listed = runner.invoke(retention_group, ["list"]).output.splitlines()
    assert {line.split()[0] for line in listed} == {"person", "campaign"}
