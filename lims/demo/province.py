"""Quảng Ninh as the demonstration has it: its communes, eight laboratories, a site in each commune, open accounts.

The capacities are August 2021's in all: 6,186 screening and 550 confirmation reactions a day. How they are shared
among the eight is invented, and so are the laboratories' names.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lims import clock
from lims.auth import actions as auth_actions
from lims.auth import passwords
from lims.auth import queries as auth_queries
from lims.auth.actors import SYSTEM, Actor
from lims.extensions import db
from lims.places import actions as place_actions
from lims.places import queries as place_queries
from lims.places.models import Place
from lims.pooling.actions.assays import install_seed_assays

PROVINCE_CODE = "22"
CAMPAIGN_NAME = "Xét nghiệm diện rộng Quảng Ninh"
PASSWORD = "xet-nghiem-thu"  # noqa: S105  (open on purpose; production refuses to start on accounts that have it)
# code, name, screening and confirmation reactions a day; no confirmations: no right to confirm
LABORATORIES = (
    ("QN01", "Phòng xét nghiệm Hạ Long", 1500, 300),
    ("QN02", "Phòng xét nghiệm Cẩm Phả", 1200, 150),
    ("QN03", "Phòng xét nghiệm Uông Bí", 900, 100),
    ("QN04", "Phòng xét nghiệm Móng Cái", 800, 0),
    ("QN05", "Phòng xét nghiệm Đông Triều", 700, 0),
    ("QN06", "Phòng xét nghiệm Quảng Yên", 486, 0),
    ("QN07", "Phòng xét nghiệm Vân Đồn", 350, 0),
    ("QN08", "Phòng xét nghiệm Tiên Yên", 250, 0),
)
CONFIRMING = "QN01"
HOME_COMMUNE = (
    "06649"  # Phường Hà Khánh, Hạ Long: where the health worker and the collector of the demonstration work
)


@dataclass(frozen=True)
class Account:
    """An open account of the demonstration.

    Args:
        username: what is typed.
        name: what is shown.
        role: a word of `auth.rules.ROLES`.
        place: "province", "commune", "site", a laboratory's code, or "" for everywhere.
        shown: whether `make run` prints it: one for each role.
    """

    username: str
    name: str
    role: str
    place: str
    shown: bool = True


ACCOUNTS = (
    Account("health_worker", "Y tế phường Hà Khánh", "health_worker", "commune"),
    Account("collector", "Tổ lấy mẫu Hà Khánh", "collector", "site"),
    Account("courier", "Tổ vận chuyển", "courier", "province"),
    Account("technician", "Kỹ thuật viên Hạ Long", "technician", "QN01"),
    Account("supervisor", "Phụ trách xét nghiệm Hạ Long", "supervisor", "QN01"),
    Account("coordinator", "Điều phối tỉnh", "coordinator", "province"),
    Account("administrator", "Quản trị hệ thống", "administrator", ""),
    Account("technician2", "Kỹ thuật viên thứ hai Hạ Long", "technician", "QN01", shown=False),
    Account("supervisor2", "Người duyệt thứ hai Hạ Long", "supervisor", "QN01", shown=False),
    Account("team", "Đội lấy mẫu lưu động", "collector", "province", shown=False),
    *(
        Account(
            f"{role}.{code.lower()}",
            f"{title} {name.removeprefix('Phòng xét nghiệm ')}",
            role,
            code,
            shown=False,
        )
        for code, name, _, _ in LABORATORIES
        for role, title in (("technician", "Kỹ thuật viên"), ("supervisor", "Phụ trách xét nghiệm"))
    ),
)


@dataclass(frozen=True)
class Setting:
    """Where the demonstration is played, and by whom.

    Args:
        campaign_id: its campaign.
        province_id: where it is.
        laboratory_ids: by code.
        communes: all of the province, in the order of their names.
        site_ids: by commune.
        actors: by user name.
    """

    campaign_id: uuid.UUID
    province_id: uuid.UUID
    laboratory_ids: Mapping[str, uuid.UUID]
    communes: Sequence[Place]
    site_ids: Mapping[uuid.UUID, uuid.UUID]
    actors: Mapping[str, Actor]


def set_up() -> Setting:
    """Make the province, its laboratories and sites, the campaign, the assays and the accounts, through the actions."""
    place_actions.load_provinces(actor=SYSTEM, province_codes=[PROVINCE_CODE])
    province = place_queries.find_place(db.session(), kind="province", code=PROVINCE_CODE)
    if province is None:
        raise LookupError(f"province {PROVINCE_CODE} was loaded and is not there")
    province_id = province.id
    laboratory_ids = {
        code: _id_of(
            place_actions.create_laboratory(
                actor=SYSTEM,
                province_id=province_id,
                code=code,
                name=name,
                screening_per_day=screening,
                confirmation_per_day=confirmation,
                can_confirm=confirmation > 0,
            )
        )
        for code, name, screening, confirmation in LABORATORIES
    }
    communes = list(place_queries.list_communes(db.session(), province_id=province_id))
    named = [(commune.id, commune.code, f"Điểm lấy mẫu {commune.name}") for commune in communes]
    site_ids = {
        key: _id_of(place_actions.create_site(actor=SYSTEM, commune_id=key, name=name))
        for key, _, name in named
    }
    campaign_id = _id_of(
        place_actions.create_campaign(
            actor=SYSTEM,
            name=CAMPAIGN_NAME,
            province_id=province_id,
            starts_on=clock.today() - timedelta(days=7),
        )
    )
    home = next(key for key, code, _ in named if code == HOME_COMMUNE)
    places = {"": None, "province": province_id, "commune": home, "site": site_ids[home], **laboratory_ids}
    actors = _create_accounts(places)
    install_seed_assays(actor=actors["supervisor"], second=actors["supervisor2"])
    communes = list(place_queries.list_communes(db.session(), province_id=province_id))
    return Setting(campaign_id, province_id, laboratory_ids, communes, site_ids, actors)


def _id_of(answer: Mapping[str, str]) -> uuid.UUID:
    return uuid.UUID(answer["id"])


def _create_accounts(places: Mapping[str, uuid.UUID | None]) -> dict[str, Actor]:
    # one hash for all: the password is printed on the screen anyway, and a hash takes its time on purpose
    password_hash = passwords.hash_password(PASSWORD)
    actors = {}
    for account in ACCOUNTS:
        made = auth_actions.create_user(
            actor=SYSTEM,
            username=account.username,
            display_name=account.name,
            password_hash=password_hash,
            roles=[(account.role, places[account.place])],
            is_demo=True,
        )
        actors[account.username] = auth_queries.get_actor(db.session(), user_id=uuid.UUID(made["id"]))
    return actors
