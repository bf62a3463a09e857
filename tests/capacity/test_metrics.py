"""/metrics: the text format with the board's numbers, for a token that may see the board, and nothing of a person."""

from __future__ import annotations

import re

from factories import MORNING
from pooling import bench
from pooling.received import receive
from prometheus_client.parser import text_string_to_metric_families
from results import desk
from signing import bearer, sign_in

from lims import clock
from lims.capacity.counting.folding import fold_all
from lims.capacity.models.alarms import Alarm
from lims.tables import new_id
from lims.transaction import writing


def scrape(client, actor) -> dict[tuple[str, ...], float]:
    """Return metric and labels → value."""
    answer = client.get("/metrics", headers=bearer(actor))
    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_the_numbers_are_those_of_the_board_and_rise_as_work_is_done(world, client):
    with clock.at(MORNING):
        bench.install(world)
        run, _tubes = desk.run_tubes(world, 2)
        receive(world, 3)
        before = scrape(client, world.actor("administrator"))
        assert before["lims_uncounted",] > 0
        assert before["lims_samples", "received"] == 0
        fold_all()
        found = scrape(client, world.actor("administrator"))
        assert (found["lims_samples", "received"], found["lims_samples", "to_verify"]) == (3, 2)
        assert (
            found["lims_uncounted",],
            found["lims_uncounted_age_seconds",],
            found["lims_fold_age_seconds",],
        ) == (0, 0, 0)
        assert found["lims_reactions", "Phòng xét nghiệm A", "screening", "used"] == 1
        assert found["lims_reactions_capacity", "Phòng xét nghiệm A", "screening"] == 800
        assert found["lims_day", "received"] == 5
        desk.verify_and_release(world, run)
        fold_all()
        told = scrape(client, world.actor("administrator"))
        assert told["lims_day", "released"] == 2
        assert ("lims_messages", "sms", "queued") in told


def test_a_supervisor_scrapes_the_own_laboratory(world, client):
    bench.install(world)
    names = {
        key[1] for key in scrape(client, world.actor("supervisor")) if key[0] == "lims_reactions_capacity"
    }
    assert names == {"Phòng xét nghiệm A"}
    with writing() as session:
        session.add(
            Alarm(
                id=new_id(),
                kind="box_late",
                subject="",
                place_id=world.confirming_id,
                numbers={},
                raised_at=clock.now(),
                looked_at=clock.now(),
            )
        )
    open_now = {
        role: scrape(client, world.actor(role)).get(("lims_alarms_open", "box_late"))
        for role in ("supervisor", "administrator")
    }
    assert open_now == {"supervisor": None, "administrator": 1}


def test_nobody_without_the_permission_reads_them(world, client):
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=bearer(world.actor("collector"))).status_code == 403
    assert sign_in(client, world.actor("coordinator")).get("/metrics").status_code == 200


def test_nothing_of_a_person_is_told(world, client):
    bench.install(world)
    _run, tubes = desk.run_tubes(world, 2, finding="detected")
    fold_all()
    text = client.get("/metrics", headers=bearer(world.actor("administrator"))).text
    assert not any(tube in text for tube in tubes)
    labels = set(re.findall(r'(\w+)="', text))
    assert labels <= {"station", "measure", "laboratory", "purpose", "state", "channel", "kind"}
