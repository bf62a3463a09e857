"""Where kept tubes stand: storages with their temperature, and racks filled place by place."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lims import audit, codes
from lims.auth.actors import Actor
from lims.errors import AlreadyDone, InvalidInput, NotFound
from lims.intake.models import Storage, Tube
from lims.msgid import N_
from lims.places.queries import get_laboratory
from lims.tables import new_id
from lims.transaction import action

COLDEST_C, WARMEST_C = -90.0, 30.0
MOST_IN_RACK = 999
RACK = re.compile(r"[A-Za-z0-9]{1,8}")
# a tube in one of these stands in the laboratory
HERE = ("received", "stored")


@action
def add_storage(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    laboratory_id: uuid.UUID,
    name: str,
    temperature_c: float,
) -> dict[str, Any]:
    """Name a refrigerator or a freezer.

    Args:
        actor: technician or supervisor.
        client_id: id made by the sender.
        laboratory_id: where it stands.
        name: as on its door.
        temperature_c: what it is set to, in degrees Celsius.

    Raises:
        NotFound: the laboratory is not among the actor's.
        InvalidInput: no name, or an impossible temperature.
        AlreadyDone: there is one of that name.
    """
    get_laboratory(session, laboratory_id=laboratory_id, actor=actor)
    written = name.strip()
    if not 1 <= len(written) <= 40:
        raise InvalidInput("Enter the name on its door, at most 40 characters.", field="name")
    if not COLDEST_C <= temperature_c <= WARMEST_C:
        raise InvalidInput("A storage has between -90 and 30 °C.", field="temperature_c")
    known = session.scalars(select(Storage.name).where(Storage.laboratory_id == laboratory_id))
    if written.casefold() in {one.casefold() for one in known}:
        raise AlreadyDone("“%(name)s” is there already.", field="name", name=written)
    row = Storage(id=new_id(), laboratory_id=laboratory_id, name=written, temperature_c=temperature_c)
    session.add(row)
    audit.note(session, "storage", row.id, "added", name=written, temperature_c=temperature_c)
    return {"storage_id": str(row.id), "name": written}


@action
def store_tubes(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    laboratory_id: uuid.UUID,
    storage_id: uuid.UUID,
    rack: str,
    tube_codes: Sequence[str],
) -> dict[str, Any]:
    """Note where tubes stand: in a rack, in the order scanned, in a storage.

    Args:
        actor: technician.
        client_id: id made by the sender.
        laboratory_id: where the tubes stand.
        storage_id: the refrigerator or freezer.
        rack: its name, letters and digits.
        tube_codes: in the order of the places, 1 to 999.

    Returns:
        `stored` (how many) and `verdicts` in the order sent, each with `tube`, `verdict`, `code`, `message`,
        `parameters`.

    Raises:
        NotFound: the laboratory or the storage is not among the actor's.
        InvalidInput: no rack, or too many tubes.
    """
    actor.check_place(laboratory_id)
    storage = session.get(Storage, storage_id)
    if storage is None or storage.laboratory_id != laboratory_id:
        raise NotFound("There is no such storage here. Choose one from the list.", field="storage_id")
    if not RACK.fullmatch(rack.strip()):
        raise InvalidInput("Enter the rack's name: up to 8 letters and digits.", field="rack")
    if not 1 <= len(tube_codes) <= MOST_IN_RACK:
        raise InvalidInput("Scan 1 to 999 tubes of one rack.", field="tubes")
    name = rack.strip().upper()
    wanted = [codes.normalise(code) for code in tube_codes]
    tubes = {
        tube.code: tube
        for tube in session.scalars(
            select(Tube).where(Tube.code.in_(set(wanted))).order_by(Tube.id).with_for_update(of=Tube)
        )
    }
    verdicts: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    seen: set[str] = set()
    for place, code in enumerate(wanted, start=1):
        tube = tubes.get(code)
        shown: dict[str, object] = {"tube": codes.grouped(code[:40]), "rack": name, "place": place}
        if code in seen:
            verdicts.append(
                _verdict(code, "again", "scanned_twice", N_("%(tube)s was scanned before."), shown)
            )
        elif tube is None or tube.laboratory_id != laboratory_id or tube.status not in HERE:
            message = N_("%(tube)s does not stand in this laboratory. Put it aside.")
            verdicts.append(_verdict(code, "wrong", "not_here", message, shown))
        else:
            message = N_("%(tube)s stands in rack %(rack)s, place %(place)s.")
            verdicts.append(_verdict(code, "good", "stored", message, shown))
            moved.append({"id": tube.id, "storage_id": storage.id, "rack_position": f"{name}-{place:02}"})
        seen.add(code)
    if moved:
        session.execute(update(Tube), moved)
        for row in moved:
            audit.note(
                session, "tube", row["id"], "put_away", rack=row["rack_position"], storage=storage.name
            )
    return {"stored": len(moved), "verdicts": verdicts}


def _verdict(
    code: str, verdict: str, word: str, message: str, parameters: dict[str, object]
) -> dict[str, Any]:
    return {"tube": code, "verdict": verdict, "code": word, "message": message, "parameters": parameters}
