"""In the laboratory, over HTTP: pools, plates, simulated readings, review, verification, release."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from lims.demo.cycler import simulate_readings
from lims.journey.caller import Caller, JourneyError, Refusal
from lims.journey.crew import Crew
from lims.journey.road import mint_box, receive, send
from lims.journey.travellers import Laboratory, Plate, Traveller

# a 96-well plate less the three controls of the usual assay
PLATE = 93
# verified and released one by one
NOT_NEGATIVE = ("detected", "inconclusive", "invalid")
Truth = Mapping[str, Sequence[Traveller]]


def pool(technician: Caller, *, laboratory_id: str, tubes: Sequence[str]) -> None:
    """Make the pools of a rack.

    Raises:
        JourneyError: a tube was left out.
    """
    answer = technician.post("/pool-proposals", laboratory_id=laboratory_id, tubes=list(tubes))
    left_out = [verdict for verdict in answer["verdicts"] if verdict["verdict"] == "wrong"]
    if left_out:
        raise JourneyError(f"pooling: {left_out[0]['message']}")


def list_waiting(crew: Crew, laboratory: Laboratory, truth: Truth) -> tuple[dict[str, list[str]], list[str]]:
    """Return the journey's own pools that wait at a laboratory.

    Args:
        crew: everybody.
        laboratory: where.
        truth: tube code → whose swabs are in it; other people's tubes are left alone.

    Returns:
        Pools that can be plated there (code → tubes), and tubes that must go on to a laboratory that may confirm.
    """
    waiting = crew.technicians[laboratory.code].get(f"/laboratories/{laboratory.id}/waiting")["pools"]
    to_plate: dict[str, list[str]] = {}
    to_send: list[str] = []
    for item in waiting:
        tubes: list[str] = item["members"]
        if item["status"] != "closed" or not all(tube in truth for tube in tubes):
            continue
        if item["purpose"] == "confirm" and not laboratory.can_confirm:
            to_send += tubes
        else:
            to_plate[item["pool"]] = tubes
    return to_plate, to_send


def send_on(crew: Crew, laboratory: Laboratory, tubes: Sequence[str]) -> None:
    """Send tubes of people who were detected on to a laboratory that may confirm, and receive them there."""
    second, box = crew.second_laboratory, mint_box(crew)
    packer = crew.technicians[laboratory.code]
    send(crew, box=box, tubes=tubes, packer=packer, place_id=laboratory.id, laboratory_id=second.id)
    receive(technician=crew.technicians[second.code], box=box, tubes=tubes, laboratory_id=second.id)


def plan(crew: Crew, laboratory: Laboratory, pools: Mapping[str, list[str]], truth: Truth) -> Plate:
    """Fill a plate with some pools."""
    answer = crew.technicians[laboratory.code].post(
        "/runs", laboratory_id=laboratory.id, size=96, pools=list(pools), kit_lot="JOURNEY"
    )
    people = sum(len(truth[tube]) for tubes in pools.values() for tube in tubes)
    return Plate(laboratory, pools, answer, people)


def run(crew: Crew, plate: Plate, truth: Truth, *, seed: int) -> None:
    """Put a plate into the cycler and record what it reads; the same seed and plate give the same readings."""
    technician = crew.technicians[plate.laboratory.code]
    technician.post(f"/runs/{plate.run}/start")
    people = {pool: [who for tube in tubes for who in truth[tube]] for pool, tubes in plate.pools.items()}
    readings = simulate_readings(
        wells=plate.answer["wells"],
        targets=plate.answer["targets"],
        infected_by_pool={pool: sum(who.person.is_infected for who in them) for pool, them in people.items()},
        size_by_pool={pool: len(them) for pool, them in people.items()},
        dice=random.Random(seed),
    )
    technician.post(f"/runs/{plate.run}/readings", readings=readings)


def review(crew: Crew, plate: Plate) -> None:
    """Look at a plate.

    Raises:
        JourneyError: its controls failed, which the simulated cycler never does.
    """
    answer = crew.technicians[plate.laboratory.code].post(f"/runs/{plate.run}/review")
    if answer["status"] != "reviewed":
        raise JourneyError(f"The run {plate.run} is {answer['status']} after its review: {answer['failure']}")


def verify(crew: Crew, plate: Plate) -> None:
    """Verify the negatives in one step and everything else one by one, as a second person."""
    supervisor = crew.supervisors[plate.laboratory.code]
    _unless_done(supervisor, f"/runs/{plate.run}/verify")
    for result in _others(supervisor, plate, "preliminary"):
        supervisor.post("/results/verify", results=[result["id"]])


def release(crew: Crew, plate: Plate) -> None:
    """Release the negatives in one step and everything else one by one."""
    supervisor = crew.supervisors[plate.laboratory.code]
    _unless_done(supervisor, f"/runs/{plate.run}/release")
    for result in _others(supervisor, plate, "verified"):
        supervisor.post("/results/release", results=[result["id"]], looked=True)


def finish(crew: Crew, plate: Plate) -> None:
    """Verify and release what came to a plate later: negatives that waited for a sibling on another plate."""
    waiting = crew.supervisors[plate.laboratory.code].get(
        "/results", run=plate.run, status="preliminary", most=1
    )
    if waiting["results"]:
        verify(crew, plate)
        release(crew, plate)


def _unless_done(supervisor: Caller, path: str) -> None:
    """Post a step of a whole run; a run without negatives has nothing to be done in one step."""
    try:
        supervisor.post(path)
    except Refusal as refusal:
        if refusal.code != "already_done":
            raise


def _others(supervisor: Caller, plate: Plate, status: str) -> list[dict[str, Any]]:
    found = supervisor.get("/results", run=plate.run, status=status, most=1000)["results"]
    return [result for result in found if result["finding"] in NOT_NEGATIVE]
