"""The command line speaks to scripts: one sentence on standard error, exit 0 only when it did what was asked."""

from __future__ import annotations

import json
from contextvars import Context

import pytest
from click.testing import CliRunner, Result
from engines import SECRET_KEY
from stating import declare, make_form

from lims import audit, codes
from lims.auth import queries as auth_queries
from lims.cli import main
from lims.extensions import db
from lims.places import queries as place_queries
from lims.transaction import writing


@pytest.fixture
def environment(database_url, tmp_path) -> dict[str, str]:
    """The environment of a command on a fresh database."""
    return {
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url,
        "LIMS_INSTANCE": str(tmp_path),
        "DEMO": "",
    }


@pytest.fixture
def lims(app, environment):
    """Run a command on the test's database and return click's result."""

    def run(*arguments: str, **more: str) -> Result:
        # in a context of its own, as the application of the test is not that of the command
        return Context().run(CliRunner().invoke, main, list(arguments), env={**environment, **more})

    return run


def _one_sentence(result: Result) -> str:
    assert result.exit_code != 0
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    return result.stderr


def test_a_sound_code_is_told_by_kind():
    code = codes.mint("tube")
    result = CliRunner().invoke(main, ["codes", "check", code.lower(), "--json"])
    assert (result.exit_code, json.loads(result.stdout)["kind"]) == (0, "tube")


def test_a_wrong_code_is_one_sentence_and_exit_1():
    assert "check characters" in _one_sentence(CliRunner().invoke(main, ["codes", "check", "T3K9F2C7X"]))


def test_without_a_secret_key_a_command_says_what_to_set(lims):
    assert "SECRET_KEY" in _one_sentence(lims("audit", "verify", SECRET_KEY=""))


def test_a_database_out_of_reach_is_one_sentence(lims):
    url = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    assert "does not answer" in _one_sentence(lims("audit", "verify", DATABASE_URL=url))


def test_a_database_without_tables_says_how_to_make_them(lims, tmp_path):
    url = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    assert "lims db upgrade" in _one_sentence(lims("audit", "verify", DATABASE_URL=url))


def test_an_administrator_is_created_once(lims):
    arguments = ("admin", "create", "mai", "--name", "Nguyễn Thị Mai")
    made = lims(*arguments, "--json", LIMS_PASSWORD="một câu đủ dài")
    assert made.exit_code == 0, made.output
    user = auth_queries.find_user(db.session(), username="mai")
    assert [assignment.role for assignment in user.assignments] == ["administrator"]
    assert json.loads(made.stdout)["badge_code"] == user.badge_code
    assert "taken" in _one_sentence(lims(*arguments, LIMS_PASSWORD="một câu đủ dài"))
    listed = json.loads(lims("admin", "list", "--json").stdout)
    assert [account["username"] for account in listed] == ["mai"]


def test_a_weak_password_is_refused_and_nothing_is_created(lims):
    assert "characters" in _one_sentence(
        lims("admin", "create", "mai", "--name", "Mai", LIMS_PASSWORD="short")
    )
    assert auth_queries.count_users(db.session()) == 0


def test_a_role_can_be_given_at_a_place(lims):
    assert lims("places", "load", "22").exit_code == 0
    made = lims(
        *(
            "admin",
            "create",
            "lan",
            "--name",
            "Trần Thị Lan",
            "--role",
            "coordinator",
            "--place",
            "province:22",
        ),
        LIMS_PASSWORD="một câu đủ dài",
    )
    assert made.exit_code == 0, made.output
    user = auth_queries.find_user(db.session(), username="lan")
    actor = auth_queries.get_actor(db.session(), user_id=user.id)
    assert (actor.everywhere, len(actor.place_ids)) == (False, 1 + 13 + 177)


def test_quang_ninh_is_loaded_once_with_its_177_communes(lims):
    first = json.loads(lims("places", "load", "22", "--json").stdout)
    again = json.loads(lims("places", "load", "22", "--json").stdout)
    assert first == {"province": 1, "district": 13, "commune": 177}
    assert again == {"province": 0, "district": 0, "commune": 0}
    names = [place.name for place in place_queries.list_communes(db.session(), text="ha khanh")]
    assert names == ["Phường Hà Khánh"]


def test_the_whole_edition_has_10599_communes(lims):
    loaded = json.loads(lims("places", "load", "--all", "--json").stdout)
    assert loaded == {"province": 63, "district": 705, "commune": 10599}


def test_an_untouched_chain_verifies_and_a_changed_line_is_named(lims, world):
    lims("places", "load", "24")
    assert lims("audit", "seal").exit_code == 0
    sound = lims("audit", "verify", "--json")
    assert (sound.exit_code, json.loads(sound.stdout)["faults"]) == (0, [])
    with writing() as session:
        # as someone with the database's own tools would: the trigger is put aside first
        _without_triggers(session)
        line = session.query(audit.Event).filter_by(verb="loaded").one()
        session.execute(
            audit.Event.__table__.update().where(audit.Event.id == line.id).values(details={"places": 1})
        )
        subject = line.subject_id
    broken = lims("audit", "verify")
    assert broken.exit_code == 1
    assert f"changed: place {subject}, line 1" in broken.stderr


def _without_triggers(session) -> None:
    from sqlalchemy import text

    if session.bind.dialect.name == "sqlite":
        rows = session.execute(
            text("select name from sqlite_master where type = 'trigger' and tbl_name = 'event'")
        ).scalars()
        for name in rows.all():
            session.execute(text(f"drop trigger {name}"))
    else:
        session.execute(text("alter table event disable trigger all"))


def test_serving_needs_a_secret_key(lims):
    assert "SECRET_KEY" in _one_sentence(lims("serve", SECRET_KEY="", DEMO="1"))


def test_serving_refuses_demonstration_accounts(lims, world):
    from sqlalchemy import update

    from lims.auth.models import User

    with writing() as session:
        session.execute(update(User).where(User.username == "courier").values(is_demo=True))
    assert "1 demonstration accounts" in _one_sentence(lims("serve"))


def test_serving_refuses_another_secret_key_than_the_one_people_were_sealed_with(lims, world, monkeypatch):
    started = []
    monkeypatch.setattr("lims.serving.serve", lambda *_args, **_more: started.append(True))
    lims("serve", SECRET_KEY="another key of at least 32 characters")
    assert started == [True]  # nobody is sealed yet
    declare(world, make_form())
    lims("serve")
    assert started == [True, True]
    said = _one_sentence(lims("serve", SECRET_KEY="another key of at least 32 characters"))
    assert "SECRET_KEY is not the one" in said
    assert started == [True, True]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_serving_refuses_an_sqlite_that_can_corrupt_its_file(lims, monkeypatch):
    monkeypatch.setattr("lims.transaction.SAFE_SQLITE", (99, 0, 0))
    assert "can corrupt" in _one_sentence(lims("serve"))


def test_serving_refuses_a_database_that_was_not_migrated(lims, tmp_path):
    url = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    assert "lims db upgrade" in _one_sentence(lims("serve", DATABASE_URL=url))
