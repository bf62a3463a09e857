"""A stage for tests that must change nothing: one small campaign with a thing in every state, and its database seen
whole, so that hundreds of refused requests share it and each can be proved to have left no trace.

Requests are sent outside any application context, as real ones are.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from engines import ENGINES, Engines, make_app
from factories import MORNING, World, make_place, make_user, make_world
from field.phones import enrolled
from flask.testing import FlaskClient
from intake.people import collect, collect_people, declare, print_boxes, print_tubes, scan, send_box
from itsdangerous import URLSafeTimedSerializer
from pooling import bench
from pooling.received import person_of, receive, samples_of
from results import desk
from signing import bearer, sign_in
from sqlalchemy import Engine, select, text

from lims import clock, codes
from lims.auth import queries as auth_queries
from lims.auth.actions import create_user
from lims.auth.actors import RESIDENT, Actor
from lims.auth.clients.actions import add_client
from lims.auth.models import User
from lims.auth.rules import ROLES
from lims.capacity.models.alarms import Alarm
from lims.capacity.scenarios.actions import keep_scenario
from lims.extensions import db
from lims.field.actions.enrolments import enrol_collectors
from lims.intake.actions.boxes import pack_tubes, seal_box
from lims.intake.actions.collections import close_tubes
from lims.intake.actions.declarations import reissue_result_code
from lims.intake.actions.lists import import_people
from lims.intake.actions.reception import receive_box, reconcile_box
from lims.intake.actions.storing import add_storage
from lims.intake.collecting import TubeClosing
from lims.intake.contacts.actions import add_follow_up
from lims.intake.models import Declaration, Discrepancy, Tube
from lims.intake.result_codes import result_code_for
from lims.outbox.actions import receivers
from lims.outbox.models import Message
from lims.personal.actions.requests import ask_about_data
from lims.places.models import Campaign, Laboratory
from lims.pooling.actions import pools, runs
from lims.pooling.actions.extractions import make_extraction
from lims.pooling.actions.files import keep_file
from lims.pooling.actions.kit_lots import add_kit_lot
from lims.pooling.models import Assay
from lims.results.actions.release import release_run
from lims.results.actions.verification import verify_run
from lims.tables import Base, new_id
from lims.transaction import writing

NOON = MORNING + timedelta(hours=4)
BORN = "1980"  # as the rows of tests/intake and tests/pooling keep it
# What a refused request may leave: who was seen when, and what was answered to whom.
TRACES = frozenset({"throttle", "sign_in", "inbound"})
# What differs from page to page: form tokens, and ids.
TOKEN = re.compile(r'"[\w-]+\.[\w-]{6}\.[\w-]{20,}"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')


class Stage:
    """The campaign's things by name, signed-in clients, and pictures of the database."""

    def __init__(self, app: APIFlask, engine: Engine, world: World) -> None:
        self.app = app
        self.engine = engine
        self.world = world
        self.outsiders: dict[str, Actor] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.things: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["things"][name]
        except KeyError:
            raise AttributeError(name) from None

    def actor(self, role: str) -> Actor:
        """Return an account: a role of the world, or "other_<role>", who works in another province."""
        return self.outsiders[role] if role.startswith("other_") else self.world.actor(role)

    def bearer(self, role: str | None) -> dict[str, str]:
        """Return a program's headers for an account; none for a resident."""
        if role is None:
            return {}
        if role not in self.headers:
            with self.app.app_context():
                self.headers[role] = bearer(self.actor(role))
        return self.headers[role]

    def browser(self, role: str | None, language: str = "vi") -> FlaskClient:
        """Return a fresh browser, signed in as an account or as nobody, in a language."""
        client = self.app.test_client()
        if role is not None:
            with self.app.app_context():
                sign_in(client, self.actor(role))
        with client.session_transaction() as session:
            session["language"] = language
            session["csrf_token"] = "stage"
        return client

    def form_token(self) -> str:
        """Return the form token of the browsers of this stage."""
        return str(URLSafeTimedSerializer(self.app.secret_key, salt="wtf-csrf-token").dumps("stage"))

    def picture(self, *, without: frozenset[str] = TRACES) -> dict[str, frozenset[str]]:
        """Return every row of every table, so that two pictures are equal only if nothing was changed."""
        with self.engine.connect() as connection:
            return {
                name: frozenset(map(repr, connection.execute(text(f'select * from "{name}"'))))
                for name in Base.metadata.tables
                if name not in without
            }


def without_tokens(body: str, *asked_for: str) -> str:
    """Return a page without what differs each time: form tokens, ids, and the codes it was asked for."""
    body = TOKEN.sub("…", body)
    for code in asked_for:
        body = body.replace(codes.grouped(code), "…").replace(code, "…")
    return body


@pytest.fixture(scope="session", params=ENGINES)
def built_stage(
    request: pytest.FixtureRequest, engines: Engines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """A thing in every state, on each engine; built once, as its tests leave it as it was."""
    with staged(engines, request.param, tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture
def stage(built_stage: Stage) -> Iterator[Stage]:
    """The stage, with the clock held at noon of its day."""
    with clock.at(NOON):
        yield built_stage


@contextmanager
def staged(engines: Engines, engine: str, folder: Path) -> Iterator[Stage]:
    """Yield a stage on a fresh database, at noon of the first morning.

    Args:
        engines: the session's engines.
        engine: "sqlite" or "postgresql".
        folder: for the database's file.
    """
    with engines.fresh(engine, folder) as url:
        app = make_app(url, folder)
        app.testing = False  # a crash must answer 500 and not end the test
        with app.app_context(), clock.at(NOON):
            with clock.at(MORNING):
                stage = Stage(app, db.engine, make_world())
                bench.install(stage.world)
            _people(stage)
            _transport(stage)
            _bench(stage)
            _receivers(stage)
            _results(stage)
            _messages(stage)
            _alarms(stage)
            _scenarios(stage)
            _phones(stage)
            _elsewhere(stage)
            _programs(stage)
            db.session.remove()
        yield stage
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def _people(stage: Stage) -> None:
    world, things = stage.world, stage.things
    things["open"] = declare(world, 30)
    (things["withdrawn"],) = declare(world, 1, status="withdrawn", closed_at=NOON)
    things["printed"] = print_tubes(world, 5)
    things["mixed_printed"] = print_tubes(world, 2, "mixed")
    (things["sampled"],), (things["used"],) = collect_people(world, 1)
    things["session"] = uuid.uuid4()
    things["full_mixed"], things["closed_mixed"] = print_tubes(world, 2, "mixed")
    collect(world, [scan(things["full_mixed"], code) for code in declare(world, 10)], things["session"])
    collect(world, [scan(things["closed_mixed"], code) for code in declare(world, 2)], things["session"])
    close_tubes(
        actor=world.actor("collector"),
        session_id=things["session"],
        closings=[TubeClosing(uuid.uuid4(), things["closed_mixed"], 2)],
    )
    made = import_people(
        actor=world.actor("health_worker"),
        client_id=uuid.uuid4(),
        campaign_id=world.campaign_id,
        commune_id=world.commune_id,
        file_name="to-12.csv",
        content="Họ và tên,Năm sinh\nTrần Thị Sáu,1975\n,1980\n".encode(),
    )
    things["import_id"] = uuid.UUID(made["import_id"])
    (closed,) = _campaigns(world, "Đợt đã đóng", is_open=False)
    things["closed_campaign"] = closed
    followed = add_follow_up(
        actor=world.actor("health_worker"),
        declaration_code=things["sampled"],
        contact_class="f0",
        since=clock.today(),
        known_by="reported",
    )
    things["follow_up_id"] = uuid.UUID(followed["follow_up"])
    (later,) = _campaigns(world, "Đợt khác")
    (things["tube_of_another_campaign"],) = print_tubes(world, 1, campaign_id=later)
    things["scan_id"] = uuid.uuid4()
    (code,), (tube,) = declare(world), print_tubes(world)
    collect(world, [scan(tube, code, client_id=things["scan_id"])], things["session"])
    things["scanned"] = (tube, code)


def _campaigns(world: World, name: str, **more: object) -> list[uuid.UUID]:
    key = new_id()
    with writing() as session:
        session.add(
            Campaign(
                id=key,
                name=name,
                province_id=world.province_id,
                starts_on=MORNING.date() - timedelta(days=30),
                created_at=MORNING - timedelta(days=30),
                **more,
            )
        )
    return [key]


def _transport(stage: Stage) -> None:
    world, things = stage.world, stage.things
    collector, technician = world.actor("collector"), world.actor("technician")
    things["empty_box"], things["open_box"], things["sealed_box"] = print_boxes(world, 3)
    for name in ("open_box", "sealed_box"):
        tubes = collect_people(world, 2)[1]
        things[f"tubes_of_{name}"] = tubes
        pack_tubes(actor=collector, box_code=things[name], place_id=world.site_id, tube_codes=tubes)
    seal_box(actor=collector, box_code=things["sealed_box"])
    things["sent_box"] = send_box(world, collect_people(world, 2)[1])
    things["box_for_another"] = send_box(world, collect_people(world, 1)[1], world.confirming_id)
    for name in ("received_box", "reconciled_box"):
        things[name] = send_box(world, collect_people(world, 1)[1])
        receive_box(actor=technician, box_code=things[name], laboratory_id=world.laboratory_id)
    reconcile_box(actor=technician, box_code=things["reconciled_box"])


def _programs(stage: Stage) -> None:
    administrator = stage.world.actor("administrator")
    made = create_user(
        actor=administrator,
        username="hospital",
        display_name="Hospital system",
        password_hash="",
        roles=[("supervisor", stage.world.laboratory_id)],
        is_service=True,
    )
    stage.things["service_id"] = uuid.UUID(made["id"])
    token = add_client(
        actor=administrator,
        name="Hospital system",
        user_id=stage.things["service_id"],
        scopes=["see_laboratory"],
        days=30,
    )
    stage.things["api_client_id"] = uuid.UUID(token["id"])


def _phones(stage: Stage) -> None:
    world, things = stage.world, stage.things
    phone = enrolled(world, stage.app.test_client())
    phone.send(phone.bind(print_tubes(world)[0], declare(world)[0]))
    things["device_id"], things["device_token"] = uuid.UUID(phone.device), phone.token
    things["other_device_id"] = uuid.UUID(enrolled(world, stage.app.test_client()).device)
    (things["enrolment_id"],) = enrol_collectors(
        actor=world.actor("coordinator"),
        campaign_id=world.campaign_id,
        place_id=world.site_id,
        day=clock.today(),
        team="Tổ 1",
        user_ids=[world.actor("collector_2").user_id],
    )["enrolments"]


def _bench(stage: Stage) -> None:
    world, things = stage.world, stage.things
    technician = world.actor("technician")
    things["waiting"] = receive(world, 4)
    (things["rejected_tube"],) = receive(world, 1, status="rejected")
    (things["symptomatic"],) = receive(world, 1, symptoms=True)
    (things["mixed_received"],) = receive(world, 1, mode="mixed", people=3)
    (things["tube_elsewhere"],) = receive(world, 1, laboratory_id=world.confirming_id)
    things["members"] = receive(world, 10)
    things["full_pool"] = _pool(world, things["members"])
    (tube,) = receive(world, 1)
    things["open_pool"] = _pool(world, [tube])
    (things["same_person"],) = receive(world, 1, person_ids=[person_of(tube)])
    (things["closed_pool"],) = desk.pool_up(world, receive(world, 1))
    (things["void_pool"],) = desk.pool_up(world, receive(world, 1))
    pools.void_pool(actor=technician, pool_code=things["void_pool"], reason="spilt")
    actor = world.actor("technician_confirming")
    things["pool_elsewhere"] = pools.open_pool(actor=actor, laboratory_id=world.confirming_id)["pool"]
    (extra,) = desk.pool_up(world, receive(world, 1))
    things["planned_run"] = _plan(world, extra)["run"]
    things["planned"] = _plan(world, desk.pool_up(world, receive(world, 1))[0])
    things["running_run"] = things["planned"]["run"]
    runs.start_run(actor=technician, run_code=things["running_run"])
    imported = _plan(world, desk.pool_up(world, receive(world, 1))[0])
    bench.read(world, imported)
    things["imported_run"] = imported["run"]
    things["file_id"] = uuid.UUID(
        keep_file(actor=technician, run_code=things["running_run"], file_name="run.txt", content=b"no run")[
            "file"
        ]
    )
    things["extraction"] = make_extraction(
        actor=technician,
        laboratory_id=world.laboratory_id,
        pool_codes=desk.pool_up(world, receive(world, 1)),
    )["extraction"]
    things["kit_lot_id"] = uuid.UUID(
        add_kit_lot(
            actor=technician,
            laboratory_id=world.laboratory_id,
            assay_name="CDC N1 N2 RP",
            lot="C-1",
            expires_on=clock.today() + timedelta(days=90),
            reactions=100,
        )["lot_id"]
    )
    storage = add_storage(
        actor=technician,
        client_id=uuid.uuid4(),
        laboratory_id=world.laboratory_id,
        name="Tủ 1",
        temperature_c=4.0,
    )
    things["storage_id"] = uuid.UUID(storage["storage_id"])
    things["assay_id"] = db.session.scalar(select(Assay.id).where(Assay.status == "draft"))
    (tube,) = receive(world, 1, laboratory_id=world.confirming_id)
    code = pools.open_pool(actor=actor, laboratory_id=world.confirming_id)["pool"]
    pools.add_tubes(actor=actor, pool_code=code, tube_codes=[tube])
    pools.close_pool(actor=actor, pool_code=code)
    things["run_elsewhere"] = runs.plan_run(
        actor=actor, laboratory_id=world.confirming_id, pool_codes=[code]
    )["run"]


def _pool(world: World, tubes: list[str]) -> str:
    actor = world.actor("technician")
    code = pools.open_pool(actor=actor, laboratory_id=world.laboratory_id)["pool"]
    pools.add_tubes(actor=actor, pool_code=code, tube_codes=tubes)
    return str(code)


def _plan(world: World, pool: str) -> dict[str, Any]:
    return runs.plan_run(
        actor=world.actor("technician"), laboratory_id=world.laboratory_id, pool_codes=[pool]
    )


def tested(world: World, count: int, finding: str = "not_detected") -> tuple[str, list[str]]:
    """Bring some tubes, each in a pool of its own, through a plate of their own to reviewed results."""
    tubes = receive(world, count)
    made = desk.pool_up(world, tubes, size=1)
    planned = runs.plan_run(
        actor=world.actor("technician"), laboratory_id=world.laboratory_id, pool_codes=made
    )
    bench.read(world, planned, dict.fromkeys(made, finding))
    desk.review_run(actor=world.actor("technician"), run_code=planned["run"])
    return planned["run"], tubes


def _receivers(stage: Stage) -> None:
    world, things = stage.world, stage.things
    entry = receivers.add_on_call(
        actor=world.actor("supervisor"),
        place_id=world.laboratory_id,
        channel="sms",
        address="0912 000 111",
        label="Trực xét nghiệm",
    )
    webhook = receivers.add_webhook(
        actor=world.actor("administrator"),
        name="Hệ thống khác",
        url="https://example.org/lims",
        events=["result.released"],
        place_id=None,
    )
    things |= {"on_call_id": uuid.UUID(entry["id"]), "webhook_id": uuid.UUID(webhook["id"])}


def _messages(stage: Stage) -> None:
    """Leave one message that was given up; all others wait to be sent."""
    with writing() as session:
        message = session.scalars(select(Message).where(Message.kind == "webhook")).first()
        assert message is not None
        message.status, message.attempts = "given_up", 16
        stage.things["message_id"] = message.id


def _scenarios(stage: Stage) -> None:
    """Keep one scenario of the province."""
    kept = keep_scenario(
        actor=stage.world.actor("coordinator"),
        province_id=stage.world.province_id,
        document={"name": "Một nghìn ca"},
    )
    stage.things["scenario_id"] = uuid.UUID(kept["scenario"])


def _alarms(stage: Stage) -> None:
    """Leave one open alarm of the laboratory."""
    stage.things["alarm_id"] = new_id()
    with writing() as session:
        session.add(
            Alarm(
                id=stage.things["alarm_id"],
                kind="backlog_old",
                place_id=stage.world.laboratory_id,
                numbers={"hours": 30, "tube": "T" * 9},
                raised_at=NOON,
                looked_at=NOON,
            )
        )


def _results(stage: Stage) -> None:
    world, things = stage.world, stage.things
    supervisor = world.actor("supervisor")
    for name, steps in (
        ("reviewed", ()),
        ("verified", (verify_run,)),
        ("released", (verify_run, release_run)),
    ):
        run, tubes = tested(world, 1)
        for step in steps:
            step(actor=supervisor, run_code=run)
        things[f"{name}_run"], things[f"{name}_tube"] = run, tubes[0]
        things[f"{name}_result"] = desk.result_of(tubes[0]).id
        things[f"{name}_declaration"] = samples_of(tubes[0])[0].declaration.code
        things[f"{name}_sample"] = samples_of(tubes[0])[0].id
    _run, (tube,) = tested(world, 1, "detected")
    things["held_result"] = desk.result_of(tube).id
    things["confirmation"] = bench.pools_of(tube)[-1].code
    things["lot_id"] = db.session.scalar(select(Tube.lot_id).where(Tube.code == things["printed"][0]))
    things["discrepancy_id"] = db.session.scalar(select(Discrepancy.id))
    db.session.rollback()
    key = uuid.uuid4()
    with_code = things["released_declaration"]
    reissue_result_code(actor=world.actor("health_worker"), client_id=key, declaration_code=with_code)
    things["result_code"] = result_code_for(stage.app.extensions["lims.vault"], client_id=key)
    asked_by = db.session.scalar(select(Declaration.id).where(Declaration.code == with_code))
    asked = ask_about_data(actor=RESIDENT, declaration_id=asked_by, kind="restriction", note="")
    things["request_id"] = uuid.UUID(asked["request"])


def _elsewhere(stage: Stage) -> None:
    """Another province with an account of every role, none of whom may see anything of the first."""
    province = make_place("province", "24", "Bắc Giang", None, None)
    province.province_id = province.id
    district = make_place("district", "213", "Thành phố Bắc Giang", province.id, province.id)
    commune = make_place("commune", "07201", "Phường Thọ Xương", district.id, province.id)
    site = make_place("site", codes.mint("site"), "Trường tiểu học", commune.id, province.id)
    laboratory = make_place("laboratory", "BG01", "Phòng xét nghiệm C", province.id, province.id)
    at = {"health_worker": commune.id, "collector": site.id, "courier": province.id}
    at |= {"technician": laboratory.id, "supervisor": laboratory.id, "coordinator": province.id}
    made = {role: make_user(f"other_{role}", role, at[role]) for role in ROLES if role in at}
    with writing() as session:
        for place in (province, district, commune, site, laboratory):
            session.add(place)
            session.flush()
        figures = {"screening_per_day": 100, "confirmation_per_day": 0, "can_confirm": False}
        session.add(Laboratory(place_id=laboratory.id, **figures))
        session.add_all(user for user, _ in made.values())
        session.flush()
        session.add_all(assignment for _, assignment in made.values())
        ids = {role: user.id for role, (user, _) in made.items()}
        stage.things |= {"other_site_id": site.id, "other_commune_id": commune.id}
        stage.things["other_laboratory_id"] = laboratory.id
        stage.things["user_id"] = session.scalar(select(User.id).where(User.username == "collector_2"))
    db.session.rollback()
    stage.outsiders = {
        f"other_{role}": auth_queries.get_actor(db.session(), user_id=key) for role, key in ids.items()
    }
    db.session.rollback()
