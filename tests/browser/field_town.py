"""The town with a site whose people are declared and whose collectors are enrolled for today."""

from __future__ import annotations

import sqlite3
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from browser.town import COMMUNE_CODE, SITE, Town, fill_town

from lims import clock, codes, create_app, database
from lims.auth.actors import SYSTEM
from lims.config import DEMO_SECRET_KEY, Settings
from lims.extensions import db, vault
from lims.field.actions.enrolments import enrol_collectors
from lims.field.keys import enrolment_code
from lims.intake.actions.declarations import MOST_AT_ONCE, declare_people
from lims.intake.actions.lots import mint_boxes, mint_tubes
from lims.intake.declaring import DeclarationForm
from lims.intake.queries.lots import list_tube_codes
from lims.places import queries as place_queries

ENROLMENTS = 8


@dataclass(frozen=True)
class FieldTown:
    """What a collector of the town has in hand.

    Args:
        town: its accounts.
        people: declaration codes of the site's people, households of three beside each other.
        names: their names, in the same order.
        tubes: codes of single tubes.
        mixed: codes of mixed tubes.
        boxes: codes of boxes.
        enrolments: codes of enrolments that no phone has used.
        file: the database.
    """

    town: Town
    people: list[str]
    names: list[str]
    tubes: list[str]
    mixed: list[str]
    boxes: list[str]
    enrolments: list[str]
    file: Path

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the server's database from outside."""
        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=20) as connection:
            return connection.execute(query, values).fetchall()


def fill_field_town(folder: Path, *, people: int, role: str = "collector") -> FieldTown:
    """Make the town in a folder: the product's own actions fill its database.

    Args:
        folder: for the SQLite file.
        people: declared at the site.
        role: whose enrolments.
    """
    file = folder / "lims.sqlite"
    settings = Settings(
        secret_key=DEMO_SECRET_KEY, database_url=f"sqlite:///{file}", instance_path=folder, demo=True
    )
    with create_app(settings).app_context():
        database.upgrade()
        town = fill_town()
        campaign_id = place_queries.list_open_campaigns(db.session())[0].id
        site = next(place for place in place_queries.list_sites(db.session()) if place.name == SITE)
        site_id = site.id
        names = [f"Người Thử Số {number}" for number in range(1, people + 1)]
        households = codes.mint_many("household", people // 3 + 1)
        forms = [
            DeclarationForm(
                client_id=uuid.uuid4(),
                name=name,
                birth_date=str(1950 + number % 60),
                sex="",
                commune_code=COMMUNE_CODE,
                consent=True,
                household_code=households[number // 3],
            )
            for number, name in enumerate(names)
        ]
        declared = [
            one
            for start in range(0, people, MOST_AT_ONCE)
            for one in declare_people(
                actor=SYSTEM, campaign_id=campaign_id, declarations=forms[start : start + MOST_AT_ONCE]
            )
        ]
        lots = {
            mode: mint_tubes(actor=SYSTEM, campaign_id=campaign_id, mode=mode, count=count, place_id=site_id)
            for mode, count in (("single", people + 40), ("mixed", 10))
        }
        tubes = {
            mode: list(list_tube_codes(db.session(), lot_id=uuid.UUID(lot["lot_id"]), first=1, most=9_000))
            for mode, lot in lots.items()
        }
        boxes = mint_boxes(actor=SYSTEM, campaign_id=campaign_id, count=4)["boxes"]
        enrolments = []
        for number in range(ENROLMENTS):
            made = enrol_collectors(
                actor=SYSTEM,
                campaign_id=campaign_id,
                place_id=site_id,
                day=clock.today(),
                team=f"Tổ {number + 1}",
                user_ids=[town.accounts[role].user_id],
            )["enrolments"]
            enrolments.append(enrolment_code(vault(), uuid.UUID(made[0])))
        db.session.remove()
        db.engine.dispose()
    return FieldTown(
        town,
        [one["declaration_code"] for one in declared],
        names,
        tubes["single"],
        tubes["mixed"],
        boxes,
        enrolments,
        file,
    )
