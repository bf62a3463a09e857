"""What follows a positive pool in the demonstration: retests, new extractions, the second laboratory."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from lims import clock
from lims.demo.bench import Bench
from lims.demo.province import CONFIRMING, Setting
from lims.extensions import db
from lims.intake.actions import boxes, lots, reception
from lims.intake.models import Tube
from lims.intake.receiving import ReceivedTube
from lims.pooling.models import Pool, PoolMember

# a screening pool is repeated once, then its tubes are retested, each at most twice
MOST_ROUNDS = 5


def play(setting: Setting, bench: Bench, *, starts_at: datetime, hours: float) -> None:
    """Test again what a batch's pools ask for, and send on what only a second laboratory may say.

    Args:
        setting: where it is played.
        bench: of the batch, its pools called.
        starts_at: when the first results were released.
        hours: in how many hours all of it is done.
    """
    step = timedelta(hours=hours / (MOST_ROUNDS + 2))
    for number in range(MOST_ROUNDS):
        with clock.at(starts_at + step * number):
            bench.members = _waiting_pools(bench, purposes=("screen", "retest"))
            if not bench.members:
                break
            _test(bench)
    with clock.at(starts_at + step * MOST_ROUNDS):
        _confirm(setting, bench)
        bench.finish()


def _test(bench: Bench) -> None:
    bench.plan()
    bench.start()
    bench.read()
    bench.review()
    bench.verify()
    bench.release()


def _waiting_pools(bench: Bench, *, purposes: Sequence[str]) -> dict[str, Sequence[str]]:
    """Return the closed pools of a batch's tubes, with their tubes."""
    rows = db.session.execute(
        select(Pool.code, Tube.code)
        .join(PoolMember, PoolMember.pool_id == Pool.id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .where(Pool.status == "closed", Pool.purpose.in_(purposes), Tube.code.in_(bench.truth))
        .order_by(Pool.opened_at, Pool.code, PoolMember.position)
    ).all()
    found: dict[str, list[str]] = {}
    for pool, tube in rows:
        found.setdefault(pool, []).append(tube)
    return dict(found)


def _confirm(setting: Setting, bench: Bench) -> None:
    waiting = _waiting_pools(bench, purposes=("confirm",))
    if not waiting:
        return
    second = replace(
        bench,
        laboratory_id=setting.laboratory_ids[CONFIRMING],
        technician=setting.actors[f"technician.{CONFIRMING.lower()}"],
        supervisor=setting.actors[f"supervisor.{CONFIRMING.lower()}"],
        members=waiting,
        plates=[],
        done=[],
    )
    if second.laboratory_id != bench.laboratory_id:
        _send_on(setting, bench, second.laboratory_id, [tube for tubes in waiting.values() for tube in tubes])
    for _ in range(2):
        if not second.members:
            return
        _test(second)
        second.members = _waiting_pools(second, purposes=("confirm",))


def _send_on(setting: Setting, bench: Bench, laboratory_id: uuid.UUID, tubes: Sequence[str]) -> None:
    coordinator, courier = setting.actors["coordinator"], setting.actors["courier"]
    technician = setting.actors[f"technician.{CONFIRMING.lower()}"]
    (box,) = lots.mint_boxes(actor=coordinator, campaign_id=setting.campaign_id, count=1)["boxes"]
    boxes.pack_tubes(actor=bench.technician, box_code=box, place_id=bench.laboratory_id, tube_codes=tubes)
    boxes.seal_box(actor=bench.technician, box_code=box)
    boxes.dispatch_box(actor=courier, box_code=box, laboratory_id=laboratory_id, temperature_c=4.0)
    reception.receive_box(actor=technician, box_code=box, laboratory_id=laboratory_id, temperature_c=5.0)
    reception.receive_tubes(
        actor=technician,
        laboratory_id=laboratory_id,
        box_code=box,
        tubes=[ReceivedTube(tube) for tube in tubes],
    )
    reception.reconcile_box(actor=technician, box_code=box)
