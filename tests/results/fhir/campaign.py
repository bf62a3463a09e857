"""A campaign of 500 people, ordered by FHIR and brought through the stations by their actions, with a report in every
state that there is."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from intake.people import collect, scan, send_box
from pooling import bench
from results import desk
from results.fhir.sent import make_bundle

from lims.extensions import db
from lims.intake.actions.collections import close_tubes, undo_collection
from lims.intake.actions.lots import mint_tubes
from lims.intake.actions.reception import receive_box, receive_tubes, reject_tubes
from lims.intake.collecting import TubeClosing
from lims.intake.models import Declaration
from lims.intake.queries.lots import list_tube_codes
from lims.intake.receiving import ReceivedTube
from lims.pooling.actions.runs import plan_run
from lims.results.actions.amendment import amend_result
from lims.results.actions.release import release_run
from lims.results.actions.review import review_run
from lims.results.actions.verification import verify_results, verify_run
from lims.results.actions.withdrawal import withdraw_run

PEOPLE = 500
AT_ONCE = 100


class Walk:
    """Brings people through the campaign, as many at a time as are asked for.

    Args:
        world: the small world.
        client: of a program.
        headers: its token, of an account that sees the whole province.
    """

    def __init__(self, world, client, headers) -> None:
        self.world, self.client, self.headers = world, client, headers
        self.waiting: list[str] = []

    def order(self) -> list[dict]:
        """Send the orders of all people in, and return the answers."""
        answers = [
            self.client.post(
                "/fhir",
                json=make_bundle(self.world, range(first, first + AT_ONCE)),
                headers=self.headers,
            )
            for first in range(1, PEOPLE + 1, AT_ONCE)
        ]
        assert [answer.status_code for answer in answers] == [200] * len(answers), answers[0].text
        db.session.rollback()
        self.waiting = [row.code for row in db.session.query(Declaration).order_by(Declaration.id)]
        db.session.rollback()
        return [answer.json for answer in answers]

    def collect(self, count: int) -> list[str]:
        """Sample people, each into a tube of their own."""
        tubes = self.mint(count)
        verdicts = collect(self.world, [scan(tube, self.waiting.pop(0)) for tube in tubes])
        assert {verdict["verdict"] for verdict in verdicts} == {"good"}
        return tubes

    def collect_mixed(self, people: int) -> str:
        """Sample people into one tube."""
        (tube,), session = self.mint(1, "mixed"), uuid.uuid4()
        collect(self.world, [scan(tube, self.waiting.pop(0)) for _ in range(people)], session)
        actor = self.world.actor("collector")
        close_tubes(actor=actor, session_id=session, closings=[TubeClosing(uuid.uuid4(), tube, people)])
        return tube

    def undo(self) -> None:
        """Sample somebody and take the scan back."""
        (tube,), key = self.mint(1), uuid.uuid4()
        collect(self.world, [scan(tube, self.waiting[0], client_id=key)])
        undo_collection(actor=self.world.actor("collector"), scan_client_id=key)

    def mint(self, count: int, mode: str = "single") -> list[str]:
        """Mint tubes."""
        made = mint_tubes(
            actor=self.world.actor("coordinator"),
            campaign_id=self.world.campaign_id,
            mode=mode,
            count=count,
        )
        found = list_tube_codes(db.session(), lot_id=uuid.UUID(made["lot_id"]), first=1, most=count)
        db.session.rollback()
        return list(found)

    def bring(self, tubes: Sequence[str]) -> Sequence[str]:
        """Send tubes to the laboratory and receive them there."""
        technician, place = self.world.actor("technician"), self.world.laboratory_id
        for first in range(0, len(tubes), AT_ONCE):
            some = tubes[first : first + AT_ONCE]
            box = send_box(self.world, some)
            receive_box(actor=technician, box_code=box, laboratory_id=place)
            receive_tubes(
                actor=technician,
                laboratory_id=place,
                box_code=box,
                tubes=[ReceivedTube(code) for code in some],
            )
        return tubes

    def test(self, tubes: Sequence[str], *, size: int = 10, positive: int = 0) -> str:
        """Pool, plate, read and review tubes, the first pools being positive; return the run's code."""
        made = desk.pool_up(self.world, tubes, size=size)
        actor = self.world.actor("technician")
        planned = plan_run(actor=actor, laboratory_id=self.world.laboratory_id, pool_codes=made)
        bench.read(self.world, planned, dict.fromkeys(made[:positive], "detected"))
        review_run(actor=actor, run_code=planned["run"])
        return str(planned["run"])


def build(walk: Walk) -> None:
    """Bring the campaign's people to every state of a report."""
    world = walk.world
    first, second = world.actor("supervisor"), world.actor("supervisor_2")
    walk.undo()
    walk.collect(20)  # at the site
    walk.bring(walk.collect(15))  # received, waiting
    (rejected,) = walk.bring(walk.collect(1))
    _screen_and_second_test(walk)
    singles = walk.bring(walk.collect(30))
    desk.verify_and_release(world, walk.test(singles, size=1))
    _amend(walk, singles)
    verified = walk.test(walk.bring(walk.collect(20)))
    verify_run(actor=first, run_code=verified)
    walk.test(walk.bring(walk.collect(10)))  # reviewed: preliminary
    mixed = walk.bring([walk.collect_mixed(8), walk.collect_mixed(5)])
    run = walk.test(mixed, size=1)
    verify_run(actor=second, run_code=run)
    release_run(actor=second, run_code=run)
    reject_tubes(actor=world.actor("technician"), tube_codes=[rejected], reason="leaked")
    _withdraw(walk, released=True)
    _withdraw(walk, released=False)


def _screen_and_second_test(walk: Walk) -> None:
    """Three hundred in pools of ten, two pools positive; their members alone, three of the first pool positive, two of
    them confirmed; none of the second pool is, which a supervisor has to settle."""
    world = walk.world
    tubes = walk.bring(walk.collect(300))
    desk.verify_and_release(world, walk.test(tubes, positive=2))
    alone = {bench.pools_of(tube)[-1].code: tube for tube in tubes[:20]}
    positive = list(alone)[:3]
    desk.verify_and_release(world, desk.run_plate(world, dict.fromkeys(positive, "detected"))["run"])
    confirmed = [alone[code] for code in positive[:2]]
    bench.send_on(world, confirmed)
    pools = [bench.pools_of(tube)[-1].code for tube in confirmed]
    desk.run_plate(world, dict.fromkeys(pools, "detected"), confirming=True)
    for tube in confirmed:
        answer = desk.verify_and_release_one(world, tube, role="supervisor_confirming")
        assert answer["verdict"] == "good", answer


def _amend(walk: Walk, tubes: Sequence[str]) -> None:
    """Amend four released results: changed, the same with a reason, verified, and one that waits."""
    first, second = walk.world.actor("supervisor"), walk.world.actor("supervisor_2")
    for place, finding in enumerate(("inconclusive", "not_detected", "inconclusive", "inconclusive")):
        amend_result(
            actor=first,
            result_id=desk.result_of(tubes[place]).id,
            finding=finding,
            reason="đọc lại đường cong",
        )
    for place in (0, 1):
        answer = desk.verify_and_release_one(walk.world, tubes[place], role="supervisor_2")
        assert answer["verdict"] == "good", answer
    verify_results(actor=second, result_ids=[desk.result_of(tubes[2]).id])


def _withdraw(walk: Walk, *, released: bool) -> None:
    run = walk.test(walk.bring(walk.collect(20)))
    if released:
        desk.verify_and_release(walk.world, run)
    withdraw_run(
        actor=walk.world.actor("supervisor"), run_code=run, cause="swapped_plates", reason="two plates"
    )
