"""Whatever the network does to the scans of three phones: none is lost, none counts twice, and the same conflicts are
found whoever came first.

One small campaign is made once; each example plays on copies of its file.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from engines import Engines, make_app
from factories import MORNING, World, make_world
from field.phones import Phone, Slip, enrolled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake.people import declare, print_tubes
from reconciled import assert_reconciled
from sqlalchemy import select

from lims import clock
from lims.extensions import db
from lims.field.conflicts import Claim, Conflict, find_conflicts
from lims.field.models import FieldScan
from lims.intake.models import Declaration, Discrepancy, Sample, Tube

PHONES = 3
CONFLICTS = ("tube_reused", "sampled_twice", "other_session", "tube_overfull")
FATES = ("ok", "ok", "answer_lost", "request_lost", "by_another", "twice")


@dataclass
class Stage:
    """A campaign in a file, and the phones that know its codes."""

    file: Path
    folder: Path
    world: World
    phones: list[Phone]
    people: list[str]
    tubes: list[str]
    mixed: list[str]

    def begin(self) -> None:
        """Put the campaign back to its beginning."""
        db.session.remove()
        db.engine.dispose()
        for ending in ("-wal", "-shm"):
            (self.folder / f"lims.sqlite{ending}").unlink(missing_ok=True)
        shutil.copy(self.file, self.folder / "lims.sqlite")


@pytest.fixture(scope="module")
def stage(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("interleavings")
    with engines.fresh("sqlite", folder) as url:
        app = make_app(url, folder)
        with app.app_context(), clock.at(MORNING):
            world = make_world(mixed_tube_size=3)
            client = app.test_client()
            phones = [enrolled(world, client) for _ in range(PHONES)]
            people, tubes = declare(world, 6), print_tubes(world, 5)
            mixed = print_tubes(world, 2, "mixed")
            with db.engine.connect() as connection:
                connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
            db.session.remove()
            db.engine.dispose()
            file = folder / "beginning.sqlite"
            shutil.copy(folder / "lims.sqlite", file)
            yield Stage(file, folder, world, phones, people, tubes, mixed)
            db.session.remove()
            db.engine.dispose()


Step = tuple[str, int, int]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("bind"), st.integers(0, 5), st.integers(0, 6)),
        st.tuples(st.just("undo"), st.just(0), st.just(0)),
    ),
    max_size=7,
)
deliveries = st.lists(
    st.tuples(st.integers(0, PHONES - 1), st.integers(1, 4), st.sampled_from(FATES)), max_size=12
)


def write(stage: Stage, phone: Phone, wanted: list[Step], *, may_undo: bool) -> list[Slip]:
    """Write what a collector scanned, in order; an undo takes the last bind back that still stands."""
    phone.session, phone.seq = str(uuid.uuid4()), 0
    slips, standing = [], []
    for kind, person, tube in wanted:
        if kind == "bind":
            slips.append(phone.bind((stage.tubes + stage.mixed)[tube], stage.people[person]))
            standing.append(slips[-1]["id"])
        elif may_undo and standing:
            slips.append(phone.write("undo", undoes=standing.pop()))
    return slips


class Network:
    """Carries what phones have not been answered for, as badly as it is told to."""

    def __init__(self, stage: Stage, written: list[list[Slip]]) -> None:
        self.stage = stage
        self.unsent = [list(slips) for slips in written]
        self.answers: dict[str, dict] = {}

    def carry(self, number: int, count: int, fate: str) -> None:
        """Deliver the first scans of a phone, or lose the request, or only the answer."""
        phone, batch = self.stage.phones[number], self.unsent[number][:count]
        if fate == "request_lost" or not batch:
            return
        if fate == "by_another":
            carrier = self.stage.phones[(number + 1) % PHONES]
            answer = carrier.client.post(
                "/api/v1/field/files", json={"file": phone.make_file(batch)}, headers=carrier.headers
            )
            assert answer.status_code == 200, answer.text
            return
        verdicts = phone.send(*batch)
        if fate == "answer_lost":
            return
        if fate == "twice":
            assert phone.send(*batch) == verdicts
        for verdict in verdicts:
            before = self.answers.setdefault(verdict["id"], verdict)
            assert before == verdict, "a scan is answered the same for ever"
        self.unsent[number] = self.unsent[number][count:]


def play(stage: Stage, written: list[list[Slip]], schedule: list, last: list[int]) -> set[Conflict]:
    """Play one schedule from the beginning, until every scan is answered; return the conflicts found."""
    stage.begin()
    network = Network(stage, written)
    for number, count, fate in schedule:
        network.carry(number, count, fate)
    for number in last:
        while network.unsent[number]:
            network.carry(number, 3, "ok")
    check_nothing_lost_or_doubled(written, network.answers)
    return found_conflicts()


def check_nothing_lost_or_doubled(written: list[list[Slip]], answers: dict[str, dict]) -> None:
    db.session.rollback()
    sent = {slip["id"] for slips in written for slip in slips}
    scans = {str(scan.id): scan for scan in db.session.scalars(select(FieldScan))}
    assert scans.keys() == sent == answers.keys()
    standing = {
        str(key) for key in db.session.scalars(select(Sample.client_id).where(Sample.status != "void"))
    }
    bound = {
        key
        for key, scan in scans.items()
        if scan.kind == "bind" and scan.verdict == "good" and not scan.taken_back
    }
    assert standing == bound
    kept = {str(key) for key in db.session.scalars(select(Discrepancy.id))}
    for key, scan in scans.items():
        assert answers[key]["verdict"] == scan.verdict
        assert scan.verdict != "wrong" or answers[key]["discrepancy"] in kept
    assert_reconciled(db.session())


def found_conflicts() -> set[Conflict]:
    rows = db.session.execute(
        select(Discrepancy.kind, Tube.code, Declaration.code)
        .join(Tube, Tube.id == Discrepancy.tube_id)
        .outerjoin(Declaration, Declaration.id == Discrepancy.declaration_id)
        .where(Discrepancy.kind.in_(CONFLICTS))
    )
    return {
        Conflict(kind, "", person) if kind == "sampled_twice" else Conflict(kind, tube)
        for kind, tube, person in rows
    }


def true_conflicts(stage: Stage, written: list[list[Slip]]) -> set[Conflict]:
    """Return the conflicts of the claims that stand in the end, computed from what was scanned alone."""
    said = [json.loads(slip["text"]) for slips in written for slip in slips]
    undone = {one["undoes"] for one in said if one["kind"] == "undo"}
    claims = [
        Claim(
            one["tube"],
            "mixed" if one["tube"] in stage.mixed else "single",
            3 if one["tube"] in stage.mixed else 1,
            one["declaration"],
            1,
            uuid.UUID(one["session"]),
        )
        for one in said
        if one["kind"] == "bind" and one["id"] not in undone
    ]
    return {
        Conflict(one.kind, "" if one.declaration else one.tube, one.declaration)
        for one in find_conflicts(claims)
    }


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    scanned=st.lists(steps, min_size=PHONES, max_size=PHONES),
    schedules=st.tuples(deliveries, deliveries),
    orders=st.tuples(st.permutations(range(PHONES)), st.permutations(range(PHONES))),
)
def test_the_same_conflicts_are_found_in_every_order_of_arrival(stage, scanned, schedules, orders):
    with clock.at(MORNING):
        stage.begin()
        written = [
            write(stage, phone, wanted, may_undo=False)
            for phone, wanted in zip(stage.phones, scanned, strict=True)
        ]
        expected = true_conflicts(stage, written)
        for schedule, order in zip(schedules, orders, strict=True):
            assert play(stage, written, schedule, order) == expected


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    scanned=st.lists(steps, min_size=PHONES, max_size=PHONES),
    schedule=deliveries,
    order=st.permutations(range(PHONES)),
)
def test_nothing_is_lost_or_doubled_when_scans_are_taken_back(stage, scanned, schedule, order):
    """A conflict that stood when a scan came stays for a person to settle, even if one is taken back later."""
    with clock.at(MORNING):
        stage.begin()
        written = [
            write(stage, phone, wanted, may_undo=True)
            for phone, wanted in zip(stage.phones, scanned, strict=True)
        ]
        assert play(stage, written, schedule, order) >= true_conflicts(stage, written)
