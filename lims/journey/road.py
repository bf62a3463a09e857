"""From the declaration to the laboratory's door, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lims.journey.caller import Caller, JourneyError, new_client_id
from lims.journey.crew import Crew
from lims.journey.travellers import Team, Traveller

SCANS_AT_ONCE = 25
IN_A_MIXED_TUBE = 10
COLD_C = 4.5


def declare(crew: Crew, traveller: Traveller, *, commune_code: str) -> None:
    """Declare one person, as the person would.

    Raises:
        JourneyError: it was not accepted as new.
    """
    person = traveller.person
    answer = crew.resident.post_items(
        "/declarations",
        campaign_id=crew.campaign_id,
        declarations=[
            {
                "client_id": new_client_id(),
                "name": person.name,
                "birth_date": person.birth_date,
                "sex": person.sex,
                "identity_number": person.identity_number,
                "phone": person.phone,
                "address": person.address,
                "commune_code": commune_code,
                "symptoms": list(person.symptoms),
                "is_contact": person.is_contact,
                "consent": True,
                "declared_by": "self" if person.identity_number else "relative",
            }
        ],
    )
    (verdict,) = answer["verdicts"]
    if verdict["verdict"] != "good":
        raise JourneyError(f"A declaration was answered: {verdict['message']} Try another --seed.")
    traveller.declaration, traveller.result_code = verdict["declaration_code"], verdict["result_code"]


def hand_out_tubes(crew: Crew, team: Team) -> None:
    """Mint the labels of a team's tubes and box."""
    size = IN_A_MIXED_TUBE if team.mode == "mixed" else 1
    count = -(-len(team.people) // size)
    lot = crew.coordinator.post(
        "/tube-lots", campaign_id=crew.campaign_id, mode=team.mode, count=count, place_id=team.site_id
    )
    team.tubes = {
        tube: team.people[number * size : (number + 1) * size] for number, tube in enumerate(lot["tubes"])
    }
    team.box = mint_box(crew)


def mint_box(crew: Crew) -> str:
    """Mint the label of a box."""
    boxes: list[str] = crew.coordinator.post("/box-labels", campaign_id=crew.campaign_id, count=1)["boxes"]
    return boxes[0]


def collect(crew: Crew, team: Team) -> None:
    """Scan person and tube, batch by batch as a phone sends them, and close the mixed tubes.

    Raises:
        JourneyError: a scan was not accepted.
    """
    pairs = [(tube, who.declaration) for tube, people in team.tubes.items() for who in people]
    for start in range(0, len(pairs), SCANS_AT_ONCE):
        answer = crew.collector.post_items(
            "/collections",
            session_id=team.session_id,
            place_id=team.site_id,
            scans=[
                {
                    "client_id": new_client_id(),
                    "tube": tube,
                    "declaration": declaration,
                    "occurred_at": _now(),
                }
                for tube, declaration in pairs[start : start + SCANS_AT_ONCE]
            ],
        )
        check_verdicts("collection", answer["verdicts"])
    if team.mode == "mixed":
        closings = [
            {"client_id": new_client_id(), "tube": tube, "count": len(people)}
            for tube, people in team.tubes.items()
        ]
        answer = crew.collector.post_items("/tube-closings", session_id=team.session_id, closings=closings)
        check_verdicts("closing", answer["verdicts"])


def send(
    crew: Crew, *, box: str, tubes: Sequence[str], packer: Caller, place_id: str, laboratory_id: str
) -> None:
    """Pack, seal and dispatch a box.

    Args:
        crew: everybody.
        box: its code.
        tubes: what is packed.
        packer: who packs it.
        place_id: where it is packed.
        laboratory_id: where it goes.

    Raises:
        JourneyError: a tube was not accepted.
    """
    answer = packer.post(f"/boxes/{box}/tubes", place_id=place_id, tubes=list(tubes))
    check_verdicts("packing", answer["verdicts"])
    packer.post(f"/boxes/{box}/seal")
    crew.courier.post(f"/boxes/{box}/dispatch", laboratory_id=laboratory_id, temperature_c=COLD_C)


def receive(*, technician: Caller, box: str, tubes: Sequence[str], laboratory_id: str) -> None:
    """Receive a box, then each of its tubes, and compare with its list.

    Raises:
        JourneyError: a tube was not accepted.
    """
    technician.post(f"/boxes/{box}/receive", laboratory_id=laboratory_id, temperature_c=COLD_C + 1)
    answer = technician.post(
        f"/boxes/{box}/received-tubes",
        laboratory_id=laboratory_id,
        tubes=[{"code": tube, "condition": "good", "rack_position": ""} for tube in tubes],
    )
    check_verdicts("reception", answer["verdicts"])
    technician.post(f"/boxes/{box}/reconcile")


def check_verdicts(station: str, verdicts: Sequence[dict[str, str]]) -> None:
    """Stop where something was refused.

    Raises:
        JourneyError: names the first refusal.
    """
    for verdict in verdicts:
        if verdict["verdict"] == "wrong":
            raise JourneyError(f"{station}: {verdict['message']}")


def _now() -> str:
    return datetime.now(UTC).isoformat()
