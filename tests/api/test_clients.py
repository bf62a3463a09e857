"""Programs' tokens: narrowed to scopes, ended by the clock, revoked at once, taken for nothing else."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from api.programs import make_account, make_program
from factories import MORNING
from signing import bearer, sign_in
from sqlalchemy import select, text

from lims import clock
from lims.audit import Event
from lims.auth import actions as auth_actions
from lims.auth.clients import actions
from lims.auth.clients.commands import clients_group
from lims.auth.models import ApiClient
from lims.auth.scopes import LONGEST_DAYS, SOON
from lims.auth.views import sign_in_user
from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused
from lims.extensions import db
from lims.home import count_waiting

LISTED = "/api/v1/laboratories"


@pytest.fixture(autouse=True)
def at_morning():
    with clock.at(MORNING):
        yield


def ask(app, program, address: str = LISTED, **headers: str) -> int:
    client = app.test_client(use_cookies=False)
    return client.get(address, headers=program.headers | headers).status_code


def test_a_token_opens_what_its_scopes_name_and_nothing_else(app, world):
    program = make_program(world, "home")
    assert ask(app, program) == 200
    answer = app.test_client().get("/api/v1/results", headers=program.headers)
    assert (answer.status_code, answer.json["code"]) == (403, "not_allowed")
    assert "see_laboratory" in answer.json["message"], "it says which scope is missing"


def test_a_token_never_does_more_than_its_accounts_roles(app, world):
    account = make_account(world, "technician", world.laboratory_id)
    with pytest.raises(InvalidInput, match="release_results"):
        make_program(world, "release_results", user_id=account)
    program = make_program(world, "see_laboratory", "home", user_id=account)
    with db.engine.begin() as connection:
        connection.execute(
            text("update assignment set role = 'courier' where user_id = :id"), {"id": _key(account)}
        )
    assert ask(app, program, "/api/v1/results") == 403, (
        "a role taken from the account is taken from its programs"
    )
    assert ask(app, program) == 200


def _key(user_id: uuid.UUID) -> str:
    return user_id.hex if db.engine.dialect.name == "sqlite" else str(user_id)


def test_a_token_sees_the_places_of_its_account_alone(app, world):
    program = make_program(world)
    for laboratory_id, status in ((world.laboratory_id, 200), (world.confirming_id, 404)):
        assert ask(app, program, f"/api/v1/laboratories/{laboratory_id}/waiting") == status
    told = app.test_client().get("/api/v1/me", headers=program.headers).json
    assert told["scopes"] == told["permissions"] == ["home", "see_laboratory"]
    assert told["place_ids"] == [str(world.laboratory_id)]


@pytest.mark.parametrize("scope", ["manage_accounts", "manage_clients", "use_field_app", "everything"])
def test_no_token_is_given_what_makes_accounts_or_tokens(world, scope):
    account = make_account(world, "administrator", None)
    with pytest.raises(InvalidInput, match=scope):
        make_program(world, scope, user_id=account)


def test_a_token_ends_by_the_clock(app, world):
    program = make_program(world, days=30)
    for days, status in ((29, 200), (30, 401)):
        with clock.at(MORNING + timedelta(days=days)):
            assert ask(app, program) == status


@pytest.mark.parametrize("days", [-1, 0, LONGEST_DAYS + 1, 2**40])
def test_no_token_lasts_longer_than_a_year_or_less_than_a_day(world, days):
    with pytest.raises(InvalidInput):
        make_program(world, days=days)


def test_a_revoked_token_is_dead_at_once(app, world):
    program = make_program(world)
    assert ask(app, program) == 200
    actions.revoke_client(actor=world.actor("administrator"), api_client_id=program.id)
    assert ask(app, program) == 401
    with pytest.raises(AlreadyDone):
        actions.revoke_client(actor=world.actor("administrator"), api_client_id=program.id)
    with pytest.raises(NotFound):
        actions.revoke_client(actor=world.actor("administrator"), api_client_id=uuid.uuid4())


def test_closing_the_account_ends_its_tokens_and_opening_it_does_not_wake_them(app, world):
    program = make_program(world)
    for is_active in (False, True):
        auth_actions.set_user_active(
            actor=world.actor("administrator"), user_id=program.user_id, is_active=is_active
        )
        assert ask(app, program) == 401
    with pytest.raises(Refused):
        auth_actions.set_user_active(
            actor=world.actor("administrator"), user_id=program.user_id, is_active=False
        )
        make_program(world, user_id=program.user_id)


def test_a_token_is_no_cookie_no_phone_and_opens_no_page(app, world):
    program = make_program(world, "see_laboratory", "home")
    client = app.test_client(use_cookies=False)
    assert client.get(LISTED, headers={"Cookie": f"lims-sign-in={program.token}"}).status_code == 401
    assert client.get(LISTED, headers={"Authorization": f"Device {program.token}"}).status_code == 401
    assert client.get("/home", headers=program.headers).status_code == 302, "pages are for people"
    session = bearer(world.actor("technician"))["Authorization"].removeprefix("Bearer ")
    forged = {"Authorization": f"Bearer {actions.PREFIX}{session}"}
    assert client.get(LISTED, headers=forged).status_code == 401
    assert client.get(LISTED, headers={"Authorization": "Bearer "}).status_code == 401


def test_the_answer_to_a_dead_token_says_how_to_ask(app, world):
    answer = app.test_client().get(LISTED, headers={"Authorization": f"Bearer {actions.PREFIX}x"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_token_has_256_bits_and_only_its_hash_is_kept(world):
    program = make_program(world)
    assert len(program.token.removeprefix(actions.PREFIX)) >= 43
    with db.engine.connect() as connection:
        rows = [
            repr(row)
            for table in db.metadata.tables
            for row in connection.execute(text(f'select * from "{table}"'))
        ]
    assert not any(program.token in row or program.token.removeprefix(actions.PREFIX) in row for row in rows)


def test_being_used_is_written_at_most_every_five_minutes(app, world):
    program = make_program(world)
    used = []
    for minutes in (0, 4, 6):
        with clock.at(MORNING + timedelta(minutes=minutes)):
            ask(app, program)
            db.session.rollback()
            used.append(db.session.scalars(select(ApiClient.last_used_at)).one())
    assert used == [MORNING, MORNING, MORNING + timedelta(minutes=6)]


def test_only_a_programs_account_has_tokens_and_it_never_signs_in(world):
    with pytest.raises(Refused, match="person's account"):
        make_program(world, user_id=world.actor("supervisor").user_id)
    account = make_account(world, "supervisor", world.laboratory_id)
    with pytest.raises(Refused, match="program"):
        auth_actions.set_password(actor=world.actor("administrator"), user_id=account, password_hash="x")
    for password in ("", "ba con gà trống 2021"):
        with pytest.raises(InvalidInput):
            sign_in_user(username="hospital", password=password, address="127.0.0.1", kind="program")


def test_making_and_revoking_are_events(world):
    program = make_program(world)
    actions.revoke_client(actor=world.actor("administrator"), api_client_id=program.id)
    events = db.session.scalars(select(Event).where(Event.subject_id == program.id).order_by(Event.seq)).all()
    assert [event.verb for event in events] == ["created", "revoked"]
    assert {event.actor_id for event in events} == {world.actor("administrator").user_id}
    assert program.token not in repr([event.details for event in events])


def test_an_administrator_makes_lists_and_revokes_over_the_api(app, world):
    make_account(world, "supervisor", world.laboratory_id)
    client, headers = app.test_client(use_cookies=False), bearer(world.actor("administrator"))
    sent = {"name": "Hospital system", "username": "hospital", "scopes": ["home"], "days": 10}
    made = client.post("/api/v1/clients", json=sent, headers=headers)
    assert made.status_code == 200
    speaks = {"Authorization": f"Bearer {made.json['token']}"}
    assert client.get(LISTED, headers=speaks).status_code == 200
    listed = client.get("/api/v1/clients", headers=headers).json["clients"]
    assert [(one["name"], one["standing"]) for one in listed] == [("Hospital system", "ending")]
    assert "token" not in listed[0]
    revoked = client.post(f"/api/v1/clients/{made.json['id']}/revoke", headers=headers)
    assert (revoked.status_code, revoked.json["standing"]) == (200, "revoked")
    assert client.get(LISTED, headers=speaks).status_code == 401
    for person in ("coordinator", "supervisor"):
        refused = client.get("/api/v1/clients", headers=bearer(world.actor(person)))
        assert refused.status_code == 403


def test_an_administrator_makes_lists_and_revokes_on_the_pages(app, world):
    app.config["WTF_CSRF_ENABLED"] = False
    account = make_account(world, "supervisor", world.laboratory_id)
    client = sign_in(app.test_client(), world.actor("administrator"))
    form = {"name": "Hệ thống bệnh viện", "account": str(account), "scopes": ["home"], "days": "10"}
    assert client.post("/clients/new", data=form | {"days": "400"}).status_code == 422
    page = client.post("/clients/new", data=form)
    token = page.text.partition('user-select-all">')[2].partition("<")[0]
    assert page.status_code == 200
    speaks = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get(LISTED, headers=speaks).status_code == 200
    listed = client.get("/clients").text
    assert "Hệ thống bệnh viện" in listed
    assert token not in listed
    assert "exclamation-triangle" in listed, "it ends within two weeks"
    key = db.session.scalars(select(ApiClient.id)).one()
    assert client.post(f"/clients/{key}/revocation").status_code == 302
    assert app.test_client().get(LISTED, headers=speaks).status_code == 401


def test_the_home_page_counts_the_tokens_that_end_soon(app, world):
    make_program(world, days=SOON.days + 1)
    client = sign_in(app.test_client(), world.actor("administrator"))
    administrator = world.actor("administrator")
    assert count_waiting(db.session(), actor=administrator, endpoint="clients.list_clients") == 0
    with clock.at(MORNING + timedelta(days=2)):
        assert count_waiting(db.session(), actor=administrator, endpoint="clients.list_clients") == 1
    assert "/clients" in client.get("/home").text


def test_the_commands_make_list_and_revoke(app, world):
    make_account(world, "supervisor", world.laboratory_id)
    runner = app.test_cli_runner()
    made = runner.invoke(clients_group, ["add", "Bệnh viện", "--account", "hospital", "--scope", "home"])
    assert made.exit_code == 0, made.output
    token = made.output.split("\n")[0]
    speaks = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get(LISTED, headers=speaks).status_code == 200
    listed = runner.invoke(clients_group, ["list"]).output
    assert "Bệnh viện (hospital): live" in listed
    assert runner.invoke(clients_group, ["revoke", listed.split()[0]]).exit_code == 0
    assert app.test_client().get(LISTED, headers=speaks).status_code == 401
