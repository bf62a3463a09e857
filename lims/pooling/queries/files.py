"""Reading what was handed in for runs, and what is known of instruments."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, undefer

from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.pooling.models import FileImport, Instrument, ResultFile, Run


def get_file(session: Session, *, actor: Actor, file_id: uuid.UUID, with_content: bool = False) -> ResultFile:
    """Return a file of the actor's laboratories.

    Args:
        session: reading or writing session.
        actor: who asks.
        file_id: its key.
        with_content: read its bytes too.

    Raises:
        NotFound: there is none among them.
    """
    query = select(ResultFile).where(ResultFile.id == file_id).options(joinedload(ResultFile.run))
    if with_content:
        query = query.options(undefer(ResultFile.content))
    file = session.scalars(query).unique().first()
    if file is None or not actor.sees(file.run.laboratory_id):
        raise NotFound("There is no such file. Open the run and choose one.", field="file")
    return file


def find_import(session: Session, *, file_id: uuid.UUID) -> FileImport | None:
    """Return what became of a file; None while it was not read."""
    return session.get(FileImport, file_id)


def find_accepted(session: Session, *, run: Run) -> FileImport | None:
    """Return the file whose readings count for a run; None before there are any."""
    return session.scalars(
        select(FileImport).where(
            FileImport.run_id == run.id,
            FileImport.version == run.readings_version,
            FileImport.status == "accepted",
        )
    ).first()


def find_instrument(session: Session, *, laboratory_id: uuid.UUID, name: str) -> Instrument | None:
    """Return a laboratory's instrument whose columns were named, by its name."""
    return session.scalars(
        select(Instrument).where(Instrument.laboratory_id == laboratory_id, Instrument.name == name)
    ).first()
