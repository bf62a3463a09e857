"""Every pair of a state and an action, for every role: pools, runs and results do exactly what this table says.

The table is written from the laboratory's rules, not from the code. What it does not allow leaves no trace at all.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from engines import Engines
from pooling import bench
from pooling.received import receive
from pysqlite3 import dbapi2 as sqlite
from results import desk
from security import stage as staging
from security.stage import NOON, Stage
from sqlalchemy import select

from lims import clock
from lims.auth.rules import PERMISSIONS, ROLES
from lims.extensions import db
from lims.pooling import rules as pooling
from lims.pooling.actions import runs
from lims.pooling.models import Pool, Run, Well
from lims.results import rules as results
from lims.results.actions.amendment import amend_result
from lims.results.actions.release import hold_results, release_run
from lims.results.actions.verification import verify_run
from lims.results.actions.withdrawal import withdraw_run
from lims.results.models import Result

# roles whose account belongs to the laboratory of the stage, or stands above it
HERE = ("technician", "supervisor", "coordinator", "administrator")


@dataclass(frozen=True)
class Deed:
    """One action as it is asked for over the API.

    Args:
        address: with the thing's code or key as `{}`.
        permission: what a role must have.
        moves: state before → state after; any other state refuses.
        body: what is sent along, from the stage.
        refuses_softly: answers 200 with a verdict "wrong" where it refuses.
    """

    address: str
    permission: str
    moves: Mapping[str, str]
    body: Callable[[Scene, str], dict[str, Any]] = lambda scene, thing: {}
    refuses_softly: bool = False


class Scene:
    """The stage with a thing in every state, put back after every change.

    Args:
        stage: on SQLite, so that putting back costs milliseconds.
        path: of its database.
    """

    def __init__(self, stage: Stage, path: Path) -> None:
        self.stage, self._path = stage, path
        for role in ROLES:
            stage.bearer(role)  # signed in before the picture is taken, so that putting back signs nobody out
        self._saved = sqlite.connect(":memory:")
        with sqlite.connect(path) as now:
            now.backup(self._saved)
        self.before = stage.picture()
        self.spare = stage.things["spare_tube"]

    def put_back(self) -> None:
        """Let the database be as it was."""
        with self.stage.app.app_context():
            db.session.remove()
        self.stage.engine.dispose()
        with sqlite.connect(self._path) as now:
            self._saved.backup(now)

    def ask(self, role: str, address: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Send one request as a role; return its status and what it said."""
        answer = self.stage.app.test_client(use_cookies=False).post(
            f"/api/v1{address}", json={"client_id": str(uuid.uuid4())} | body, headers=self.stage.bearer(role)
        )
        return answer.status_code, answer.json


POOLS = {
    "add tubes": Deed(
        "/pools/{}/tubes", "pool_tubes", {"open": "open"}, lambda scene, _: {"tubes": [scene.spare]}, True
    ),
    "close": Deed("/pools/{}/close", "pool_tubes", {"open": "closed"}),
    "void": Deed(
        "/pools/{}/void", "pool_tubes", {"open": "void", "closed": "void"}, lambda *_: {"reason": "spilt"}
    ),
    "fill a plate": Deed(
        "/runs",
        "fill_plates",
        {"closed": "on_plate"},
        lambda scene, pool: {"laboratory_id": str(scene.stage.world.laboratory_id), "pools": [pool]},
    ),
    "extract": Deed(
        "/extractions",
        "fill_plates",
        {"closed": "closed"},
        lambda scene, pool: {"laboratory_id": str(scene.stage.world.laboratory_id), "pools": [pool]},
    ),
}
BEFORE_REVIEW = {"planned": "imported", "running": "imported", "imported": "imported"}
RUNS = {
    "start": Deed("/runs/{}/start", "fill_plates", {"planned": "running"}),
    "record readings": Deed(
        "/runs/{}/readings",
        "record_readings",
        BEFORE_REVIEW,
        lambda scene, run: {"readings": _readings(scene, run)},
    ),
    "hand in a file": Deed(
        "/runs/{}/files",
        "record_readings",
        {state: state for state in BEFORE_REVIEW},
        lambda *_: {"file_name": "x", "content_base64": "eA=="},
    ),
    "fail": Deed(
        "/runs/{}/fail",
        "record_readings",
        {"running": "failed", "imported": "failed"},
        lambda *_: {"reason": "power cut"},
    ),
    "void": Deed(
        "/runs/{}/void",
        "fill_plates",
        {"planned": "void", "running": "void", "imported": "void"},
        lambda *_: {"reason": "wrong plate"},
    ),
    "review": Deed("/runs/{}/review", "record_readings", {"imported": "reviewed"}),
    "verify": Deed("/runs/{}/verify", "verify_results", {"reviewed": "verified"}),
    "release": Deed("/runs/{}/release", "release_results", {"verified": "verified"}),
    "withdraw": Deed(
        "/runs/{}/withdraw",
        "amend_results",
        {"reviewed": "void", "verified": "void"},
        lambda *_: {"cause": "kit_lot", "reason": "recalled"},
    ),
}
RESULTS = {
    "verify": Deed(
        "/results/verify",
        "verify_results",
        {"preliminary": "verified"},
        lambda _, key: {"results": [key]},
        True,
    ),
    "release": Deed(
        "/results/release",
        "release_results",
        {"verified": "released"},
        lambda _, key: {"results": [key]},
        True,
    ),
    "hold": Deed(
        "/results/hold",
        "verify_results",
        {"preliminary": "held", "verified": "held"},
        lambda _, key: {"results": [key], "note": "look again"},
        True,
    ),
    "unhold": Deed(
        "/results/unhold",
        "verify_results",
        {"held": "preliminary"},
        lambda _, key: {"results": [key], "note": "looked"},
        True,
    ),
    "withdraw": Deed(
        "/results/{}/withdraw",
        "amend_results",
        dict.fromkeys(("preliminary", "held", "verified", "released"), "withdrawn"),
        lambda *_: {"then": "retest", "reason": "labels exchanged"},
    ),
    "amend": Deed(
        "/results/{}/amend",
        "amend_results",
        dict.fromkeys(("preliminary", "verified", "released"), "superseded"),
        lambda *_: {"finding": "inconclusive", "reason": "read again"},
    ),
}


def _readings(scene: Scene, run: str) -> list[dict[str, Any]]:
    with scene.stage.app.app_context():
        rows = db.session.execute(
            select(Well.position, Well.control, Pool.code)
            .join(Run, Run.id == Well.run_id)
            .outerjoin(Pool, Pool.id == Well.pool_id)
            .where(Run.code == run)
        ).all()
        wells = [{"position": row[0], "control": row[1], "pool": row[2]} for row in rows]
        return bench.readings_for(wells, {})


@pytest.fixture(scope="module")
def scene(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A thing in every state."""
    folder = tmp_path_factory.mktemp("states")
    with staging.staged(engines, "sqlite", folder) as stage, clock.at(NOON):
        with stage.app.app_context():
            _fill_states(stage)
            db.session.remove()
        yield Scene(stage, Path(str(stage.engine.url.database)))


def _fill_states(stage: Stage) -> None:
    world, things = stage.world, stage.things
    technician, supervisor = world.actor("technician"), world.actor("supervisor")
    (things["spare_tube"],) = receive(world, 1)
    things["failed_run"] = _plan(world)
    runs.start_run(actor=technician, run_code=things["failed_run"])
    runs.fail_run(actor=technician, run_code=things["failed_run"], reason="power cut")
    things["void_run"] = _plan(world)
    runs.void_run(actor=technician, run_code=things["void_run"], reason="wrong plate")
    # one with verified negatives that were not released yet is the stage's own
    for name in ("preliminary", "held", "amended", "withdrawn"):
        run, (tube,) = staging.tested(world, 1)
        key = desk.result_of(tube).id
        if name == "held":
            hold_results(actor=supervisor, result_ids=[key], note="look again")
        if name == "amended":
            amend_result(actor=supervisor, result_id=key, finding="inconclusive", reason="read again")
        if name == "withdrawn":
            verify_run(actor=supervisor, run_code=run)
            release_run(actor=supervisor, run_code=run)
            withdraw_run(actor=supervisor, run_code=run, cause="kit_lot", reason="recalled")
        things[f"{name}_one"] = key
    # a positive pool of two stays called until its members are tested alone
    (pool,) = desk.pool_up(world, receive(world, 2))
    planned = runs.plan_run(actor=technician, laboratory_id=world.laboratory_id, pool_codes=[pool])
    bench.read(world, planned, {pool: "detected"})
    desk.review_run(actor=technician, run_code=planned["run"])


def _plan(world: Any) -> str:
    (pool,) = desk.pool_up(world, receive(world, 1))
    planned = runs.plan_run(
        actor=world.actor("technician"), laboratory_id=world.laboratory_id, pool_codes=[pool]
    )
    return str(planned["run"])


def _pools(stage: Stage) -> dict[str, str]:
    """Return a pool in each state."""
    with stage.app.app_context():
        on_plate, resolved = (
            db.session.scalars(
                select(Pool.code)
                .join(Well, Well.pool_id == Pool.id)
                .join(Run, Run.id == Well.run_id)
                .where(Run.code == stage.things[run])
            ).first()
            for run in ("planned_run", "verified_run")
        )
        called = db.session.scalars(select(Pool.code).where(Pool.status == "called")).first()
    return {
        "open": stage.things["open_pool"],
        "closed": stage.things["closed_pool"],
        "on_plate": str(on_plate),
        "called": str(called),
        "resolved": str(resolved),
        "void": stage.things["void_pool"],
    }


def _runs(stage: Stage) -> dict[str, str]:
    return {
        state: stage.things[f"{state}_run"]
        for state in ("planned", "running", "imported", "reviewed", "verified", "failed", "void")
    }


def _results(stage: Stage) -> dict[str, str]:
    return {
        "preliminary": str(stage.things["preliminary_one"]),
        "held": str(stage.things["held_one"]),
        "verified": str(stage.things["verified_result"]),
        "released": str(stage.things["released_result"]),
        "withdrawn": str(stage.things["withdrawn_one"]),
        "superseded": str(stage.things["amended_one"]),
    }


def _status(stage: Stage, thing: str, key: str) -> str:
    column = {"pool": (Pool.status, Pool.code), "run": (Run.status, Run.code)}
    with stage.app.app_context():
        db.session.remove()
        if thing == "result":
            return str(db.session.scalar(select(Result.status).where(Result.id == uuid.UUID(key))))
        status, code = column[thing]
        return str(db.session.scalar(select(status).where(code == key)))


CASES = [
    (thing, name, deed)
    for thing, deeds in (("pool", POOLS), ("run", RUNS), ("result", RESULTS))
    for name, deed in deeds.items()
]


@pytest.mark.parametrize(
    ("thing", "name", "deed"), CASES, ids=[f"{thing}-{name.replace(' ', '-')}" for thing, name, _ in CASES]
)
def test_an_action_does_in_every_state_and_for_every_role_what_the_table_says(scene, thing, name, deed):
    states = {"pool": _pools, "run": _runs, "result": _results}[thing](scene.stage)
    wrong = []
    for state, key in states.items():
        assert _status(scene.stage, thing, key) == state, f"the stage has no {thing} that is {state}"
        body = deed.body(scene, key)
        for role in ROLES:
            status, said = scene.ask(role, deed.address.format(key), body)
            may = deed.permission in PERMISSIONS[role]
            after = _status(scene.stage, thing, key)
            done = status == 200 and not _is_soft_refusal(said)
            if may and role in HERE and state in deed.moves:
                if not done or after != deed.moves[state]:
                    wrong.append((role, state, status, after, said))
                scene.put_back()
                continue
            if done or after != state or (not may and status != 403):
                wrong.append((role, state, status, after, said))
            if scene.stage.picture() != scene.before:
                wrong.append((role, state, "left a trace"))
                scene.put_back()
    assert wrong == []


def _is_soft_refusal(said: Any) -> bool:
    verdicts = said.get("verdicts") if isinstance(said, dict) else None
    return bool(verdicts) and all(verdict["verdict"] != "good" for verdict in verdicts)


def test_the_table_knows_every_state():
    stage_states = {
        "pool": {"open", "closed", "on_plate", "called", "resolved", "void"},
        "run": {"planned", "running", "imported", "reviewed", "verified", "failed", "void"},
        "result": {"preliminary", "held", "verified", "released", "withdrawn", "superseded"},
    }
    for table in (pooling.POOL, pooling.RUN, results.RESULT):
        assert set(table.words) == stage_states[table.thing]
