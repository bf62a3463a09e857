"""A town whose people have telephones and released results, so that messages about them wait to be sent."""

from __future__ import annotations

from collections.abc import Iterable

from factories import World, make_world
from pooling import bench
from results import desk
from sqlalchemy import bindparam, select, update

from lims.extensions import db, vault
from lims.intake.models import Person, Sample, Tube
from lims.intake.people import PHONE, phone_index
from lims.outbox.models import Message
from lims.outbox.queueing import Draft, queue_messages
from lims.transaction import writing

NO_NIGHT = {"quiet_from_hour": 0, "quiet_until_hour": 0}


def wakeful_world(**policy: object) -> World:
    """Save a small world in which people may be told at any hour, with its assays."""
    world = make_world(**(NO_NIGHT | policy))
    bench.install(world)
    return world


def give_phones(tubes: Iterable[str], *, of_household: int = 1) -> dict[str, str]:
    """Give everybody in some tubes a telephone, so many people the same; return it by the tube's code."""
    with writing() as session:
        people = session.execute(
            select(Sample.person_id, Tube.code)
            .join(Tube, Tube.id == Sample.tube_id)
            .where(Tube.code.in_(list(tubes)))
            .order_by(Tube.code)
        ).all()
        phones = {row.code: f"+8491{number // of_household:07}" for number, row in enumerate(people)}
        rows = []
        for row in people:
            key = vault().new_person_key(row.person_id)
            sealed = vault().seal(phones[row.code], person_key=key, person_id=row.person_id, column=PHONE)
            index = phone_index(vault(), phones[row.code])
            rows.append(
                {"key": row.person_id, "person_key": key, "phone_sealed": sealed, "phone_index": index}
            )
        session.connection().execute(
            update(Person.__table__).where(Person.__table__.c.id == bindparam("key")), rows
        )
    return phones


def released_people(
    world: World, count: int, *, size: int = 10, of_household: int = 1
) -> tuple[str, list[str]]:
    """Test, verify and release negatives of people with telephones; return the run's code and the tubes'."""
    tubes = desk.receive(world, count)
    give_phones(tubes, of_household=of_household)
    made = desk.pool_up(world, tubes, size=size)
    run = desk.run_plate(world, dict.fromkeys(made, "not_detected"))["run"]
    desk.verify_and_release(world, run)
    return run, tubes


def queue_copies(copies: int) -> None:
    """Queue so many more messages of each that waits, under keys of their own: a thousand without a thousand tubes."""
    with writing() as session:
        waiting = session.scalars(select(Message).where(Message.kind == "sms", Message.status == "queued"))
        drafts = [
            Draft(
                kind="sms",
                channel="sms",
                template=one.template,
                key=f"{one.key}:{copy}",
                subject_kind=one.subject_kind,
                subject_id=one.subject_id,
                campaign_id=one.campaign_id,
                laboratory_id=one.laboratory_id,
                commune_id=one.commune_id,
                receiver_id=one.person_id,
                data=one.data,
            )
            for one in waiting
            for copy in range(copies)
        ]
        queue_messages(session, drafts)


def messages(**wanted: object) -> list[Message]:
    """Return messages by their columns, oldest first; no reading stays open, which would keep SQLite's log growing."""
    db.session.rollback()
    query = select(Message).order_by(Message.id)
    for name, value in wanted.items():
        query = query.where(getattr(Message, name) == value)
    found = list(db.session.scalars(query))
    db.session.expunge_all()
    db.session.rollback()
    return found
