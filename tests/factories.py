"""A small world to test in: a province, two communes, a site, two laboratories, a campaign, its accounts.

Later stations are reached by calling the actions, as the product's users would; nothing here writes samples.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from lims import clock, codes, names
from lims.auth import queries as auth_queries
from lims.auth.actors import Actor
from lims.auth.models import Assignment, User
from lims.auth.rules import ROLES
from lims.extensions import db
from lims.places.models import Campaign, Laboratory, Place
from lims.tables import new_id
from lims.transaction import writing

MORNING = datetime(2021, 8, 16, 1, 0, tzinfo=UTC)  # 08:00 in Vietnam
FAST_HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$ZmFrZWZha2VmYWtlZmFrZQ"


@dataclass(frozen=True)
class World:
    """Keys of the small world, and its people as actors."""

    province_id: uuid.UUID
    commune_id: uuid.UUID
    other_commune_id: uuid.UUID
    site_id: uuid.UUID
    laboratory_id: uuid.UUID  # may only screen
    confirming_id: uuid.UUID  # may confirm
    campaign_id: uuid.UUID
    actors: dict[str, Actor]
    commune_code: str = "06655"

    def actor(self, role: str) -> Actor:
        """Return the account of a role; `_2` is a second one, `_confirming` one at the other laboratory."""
        return self.actors[role]


def make_place(
    kind: str, code: str, name: str, parent: uuid.UUID | None, province: uuid.UUID | None
) -> Place:
    """Return an unsaved place."""
    return Place(
        id=new_id(),
        edition="2021",
        kind=kind,
        code=code,
        name=name,
        name_key=names.sort_key(name),
        name_folded=names.fold(name),
        parent_id=parent,
        province_id=province,
    )


def make_user(username: str, role: str, place_id: uuid.UUID | None) -> tuple[User, Assignment]:
    """Return an unsaved account with one role; it cannot sign in with a password."""
    user = User(
        id=new_id(),
        username=username,
        display_name=username.replace("_", " ").title(),
        password_hash=FAST_HASH,
        badge_code=codes.mint("badge"),
        created_at=clock.now(),
    )
    return user, Assignment(id=new_id(), user_id=user.id, role=role, place_id=place_id)


def make_world(**policy: object) -> World:
    """Save a small world and return its keys.

    Args:
        policy: columns of the campaign, as pool_size=5.
    """
    province = make_place("province", "22", "Quảng Ninh", None, None)
    province.province_id = province.id
    district = make_place("district", "193", "Thành phố Hạ Long", province.id, province.id)
    commune = make_place("commune", "06655", "Phường Hà Khánh", district.id, province.id)
    other = make_place("commune", "06658", "Phường Hà Phong", district.id, province.id)
    site = make_place("site", codes.mint("site"), "Nhà văn hoá khu 3", commune.id, province.id)
    screening = make_place("laboratory", "QN01", "Phòng xét nghiệm A", province.id, province.id)
    confirming = make_place("laboratory", "QN02", "Phòng xét nghiệm B", province.id, province.id)
    campaign = Campaign(
        id=new_id(),
        name="Đợt thử",
        province_id=province.id,
        starts_on=date(2021, 8, 1),
        created_at=clock.now(),
        **policy,
    )
    at = {
        "health_worker": commune.id,
        "collector": site.id,
        "courier": province.id,
        "technician": screening.id,
        "supervisor": screening.id,
        "coordinator": province.id,
        "administrator": None,
    }
    accounts = {role: make_user(role, role, at[role]) for role in ROLES}
    for extra, role, place in (
        ("collector_2", "collector", site.id),
        ("technician_2", "technician", screening.id),
        ("supervisor_2", "supervisor", screening.id),
        ("technician_confirming", "technician", confirming.id),
        ("supervisor_confirming", "supervisor", confirming.id),
    ):
        accounts[extra] = make_user(extra, role, place)
    with writing() as session:
        for place in (province, district, commune, other, site, screening, confirming):
            session.add(place)
            session.flush()
        session.add(campaign)
        for place, screened, confirmed in ((screening, 800, 0), (confirming, 400, 100)):
            session.add(
                Laboratory(
                    place_id=place.id,
                    screening_per_day=screened,
                    confirmation_per_day=confirmed,
                    can_confirm=confirmed > 0,
                )
            )
        session.add_all(user for user, _ in accounts.values())
        session.flush()
        session.add_all(assignment for _, assignment in accounts.values())
        ids = {name: user.id for name, (user, _) in accounts.items()}
        keys = [place.id for place in (province, commune, other, site, screening, confirming)] + [campaign.id]
    actors = {name: auth_queries.get_actor(db.session(), user_id=key) for name, key in ids.items()}
    db.session.rollback()
    return World(*keys, actors=actors)


@pytest.fixture
def world(app) -> World:
    """A small world with the usual policy."""
    return make_world()
