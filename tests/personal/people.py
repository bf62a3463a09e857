"""One person with everything that can be kept of one, and the same database looked through for what is left."""

from __future__ import annotations

import base64
import subprocess
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from engines import POSTGRESQL_BIN
from factories import World
from field.phones import enrolled
from flask.testing import FlaskClient
from intake.people import collect, print_tubes, scan
from sqlalchemy import select, text
from stating import declare, make_form

from lims import clock
from lims.auth.actors import RESIDENT
from lims.extensions import db
from lims.intake.actions.lists import import_people
from lims.intake.models import Declaration, Person
from lims.names import fold
from lims.personal.actions.requests import ask_about_data
from lims.places.models import Campaign
from lims.transaction import writing

NAME = "Trịnh Xuân Bách"
PHONE = "0977123451"
NUMBER = "022090123451"
STREET = "17 ngõ Bưởi"
BORN = "17/05/1990"
REFUSED = "Quách Thu Lựu"  # stands in a list's refused row alone


@dataclass(frozen=True)
class Somebody:
    """A person who declared: keys, the declaration's code, the secret result code."""

    person_id: uuid.UUID
    declaration_id: uuid.UUID
    code: str
    secret: str


def declare_somebody(world: World, **changes: object) -> Somebody:
    """Declare the person with every value that can be stated."""
    stated = {
        "name": NAME,
        "birth_date": BORN,
        "phone": PHONE,
        "identity_number": NUMBER,
        "address": STREET,
        "household_code": "",
    }
    (verdict,) = declare(world, make_form(**stated | changes))
    row = db.session.execute(
        select(Declaration.id, Declaration.person_id).where(Declaration.code == verdict["declaration_code"])
    ).one()
    db.session.rollback()
    return Somebody(row.person_id, row.id, verdict["declaration_code"], verdict["result_code"])


def fill_everything(world: World, client: FlaskClient) -> Somebody:
    """Leave the person's traces wherever the product keeps any: lists, scans, discrepancies, requests, phones."""
    somebody = declare_somebody(world)
    tubes = print_tubes(world, 3)
    collect(world, [scan(tubes[0], somebody.code)])
    # a second tube of one person on one day: a discrepancy with the scan as it came
    collect(world, [scan(tubes[1], somebody.code)])
    phone = enrolled(world, client)
    # a phone's slips: one that binds, and one that declares somebody from their card
    phone.send(phone.bind(tubes[2], somebody.code))
    card = f"{NUMBER}||{NAME}|17051990|Nam|{STREET}|01012022"
    phone.send(phone.write("declare", card=card, consent=True))
    import_people(
        actor=world.actor("health_worker"),
        client_id=uuid.uuid4(),
        campaign_id=world.campaign_id,
        commune_id=world.commune_id,
        file_name=f"{NAME}.csv",
        content=f"Họ và tên,Năm sinh,Điện thoại\n{REFUSED},,{PHONE}\n".encode(),
    )
    ask_about_data(
        actor=RESIDENT,
        declaration_id=somebody.declaration_id,
        kind="correction",
        note=f"{NAME} sinh năm 1991, số {PHONE}",
    )
    return somebody


def end_campaign(world: World, *, retention_days: int = 30, ended_days_ago: int = 40) -> None:
    """Let a campaign have ended, with a term."""
    with writing() as session:
        campaign = session.get(Campaign, world.campaign_id)
        campaign.ends_on = clock.today() - timedelta(days=ended_days_ago)
        campaign.starts_on = campaign.ends_on - timedelta(days=10)
        campaign.retention_days, campaign.is_open = retention_days, False


def encodings(word: str) -> list[bytes]:
    """Return every way in which a word could stand in a file: marks composed or not, folded, escaped, hexadecimal."""
    texts = {word, unicodedata.normalize("NFD", word), fold(word), word.upper(), word.replace(" ", "")}
    if word.isdigit():
        texts = {word, f"+84{word[1:]}", f"84{word[1:]}", f"{word[:4]} {word[4:7]} {word[7:]}"}
    found = set()
    for one in texts:
        for raw in (one.encode(), one.encode("utf-16-le"), one.encode("unicode_escape")):
            found |= {raw, raw.hex().encode(), raw.hex().upper().encode()}
            for start in range(3):
                # base64 of a text that begins anywhere in a group of three bytes
                found.add(base64.b64encode(b"\0" * start + raw)[4 if start else 0 : -4])
    return sorted(one for one in found if len(one) >= 6)


def whole_database(tmp_path: Path) -> bytes:
    """Return all that the database holds: SQLite's file with its log, PostgreSQL's dump of all tables."""
    engine = db.engine
    db.session.rollback()
    if engine.dialect.name == "sqlite":
        file = Path(engine.url.database)
        return b"".join(path.read_bytes() for path in sorted(file.parent.glob(file.name + "*")))
    url = engine.url
    address = f"postgresql://{url.username}@{url.host}:{url.port}/{url.database}"
    dump = subprocess.run([POSTGRESQL_BIN / "pg_dump", address], check=True, capture_output=True)
    with engine.connect() as connection:
        folder = connection.execute(text("show data_directory")).scalar_one()
        number = connection.execute(
            text("select oid from pg_database where datname = current_database()")
        ).scalar_one()
        connection.execute(text("checkpoint"))
    files = [path for path in (Path(folder) / "base" / str(number)).iterdir() if path.is_file()]
    return dump.stdout + b"".join(path.read_bytes() for path in files)


def found_in(content: bytes, *words: str) -> list[str]:
    """Return which words stand in a file in any encoding."""
    return [word for word in words if any(form in content for form in encodings(word))]


def person_of(somebody: Somebody) -> Person:
    """Return the person as they are kept now."""
    db.session.rollback()
    return db.session.get(Person, somebody.person_id, populate_existing=True)
