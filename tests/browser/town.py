"""The small invented world that the browser's journey plays in, made by calling the actions.

A commune with a site, a laboratory that may only screen, one that may confirm, agreed assays, an account for each
role with a password everybody in the tests knows, tube lots and boxes. No person and no sample: these come from the
pages.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from lims import clock
from lims.auth import actions as auth_actions
from lims.auth import passwords
from lims.auth import queries as auth_queries
from lims.auth.actors import SYSTEM
from lims.extensions import db
from lims.intake.actions.lots import mint_boxes, mint_tubes
from lims.intake.queries.lots import list_tube_codes
from lims.places import actions as place_actions
from lims.places import queries as place_queries
from lims.pooling.actions.assays import install_seed_assays

PASSWORD = "mat-khau-cua-bai-thu"
COMMUNE = "Phường Hà Khánh"
COMMUNE_CODE = "06649"
SITE = "Nhà văn hoá khu 3"
SCREENING, CONFIRMING = "Phòng xét nghiệm Bãi Cháy", "Phòng xét nghiệm Hạ Long"


@dataclass(frozen=True)
class Account:
    """Somebody who signs in.

    Args:
        username: what is typed.
        name: what the pages show.
        badge_code: what a courier's badge is scanned as.
        user_id: key of the account.
    """

    username: str
    name: str
    badge_code: str
    user_id: uuid.UUID


@dataclass(frozen=True)
class Town:
    """What the people of the journey hold in their hands.

    Args:
        accounts: by role; `_2` is a second person, `_confirming` works at the other laboratory.
        single_tubes: codes of a lot of tubes for one person each.
        mixed_tubes: codes of a lot of tubes for swabs mixed at collection.
        boxes: codes of box labels.
    """

    accounts: Mapping[str, Account]
    single_tubes: list[str]
    mixed_tubes: list[str]
    boxes: list[str]


def fill_town() -> Town:
    """Fill a migrated, empty database; inside an application context."""
    place_actions.load_provinces(actor=SYSTEM, province_codes=["22"])
    province = place_queries.find_place(db.session(), kind="province", code="22")
    communes = place_queries.list_communes(db.session(), province_id=province.id)
    commune = next(place for place in communes if place.code == COMMUNE_CODE)
    keys = {"": None, "province": province.id, "commune": commune.id}
    keys["site"] = _id(place_actions.create_site(actor=SYSTEM, commune_id=commune.id, name=SITE))
    for word, code, name, screening, confirmation in (
        ("screening", "QN02", SCREENING, 800, 0),
        ("confirming", "QN01", CONFIRMING, 400, 100),
    ):
        keys[word] = _id(
            place_actions.create_laboratory(
                actor=SYSTEM,
                province_id=province.id,
                code=code,
                name=name,
                screening_per_day=screening,
                confirmation_per_day=confirmation,
                can_confirm=confirmation > 0,
            )
        )
    campaign_id = _id(
        place_actions.create_campaign(
            actor=SYSTEM,
            name="Đợt xét nghiệm Hà Khánh",
            province_id=province.id,
            starts_on=clock.today() - timedelta(days=1),
        )
    )
    accounts = _open_accounts(keys)
    one, other = (
        auth_queries.get_actor(db.session(), user_id=accounts[word].user_id)
        for word in ("supervisor", "supervisor_2")
    )
    install_seed_assays(actor=one, second=other)
    singles, mixed = (
        mint_tubes(actor=SYSTEM, campaign_id=campaign_id, mode=mode, count=count, place_id=keys["site"])
        for mode, count in (("single", 40), ("mixed", 4))
    )
    boxes = mint_boxes(actor=SYSTEM, campaign_id=campaign_id, count=4)["boxes"]
    return Town(accounts, _codes(singles), _codes(mixed), boxes)


def _open_accounts(keys: Mapping[str, uuid.UUID | None]) -> dict[str, Account]:
    stored = passwords.hash_password(PASSWORD)  # one for all: it takes its time on purpose
    accounts = {}
    for word, name, role, place in (
        ("health_worker", "Y tế phường Hà Khánh", "health_worker", "commune"),
        ("collector", "Tổ lấy mẫu khu 3", "collector", "site"),
        ("courier", "Tổ vận chuyển", "courier", "province"),
        ("technician", "Kỹ thuật viên Bãi Cháy", "technician", "screening"),
        ("supervisor", "Phụ trách Bãi Cháy", "supervisor", "screening"),
        ("supervisor_2", "Người duyệt Bãi Cháy", "supervisor", "screening"),
        ("technician_confirming", "Kỹ thuật viên Hạ Long", "technician", "confirming"),
        ("supervisor_confirming", "Phụ trách Hạ Long", "supervisor", "confirming"),
        ("coordinator", "Điều phối tỉnh", "coordinator", "province"),
        ("administrator", "Quản trị hệ thống", "administrator", ""),
    ):
        username = word.replace("_", ".")
        made = auth_actions.create_user(
            actor=SYSTEM,
            username=username,
            display_name=name,
            password_hash=stored,
            roles=[(role, keys[place])],
            is_demo=True,
        )
        accounts[word] = Account(username, name, made["badge_code"], uuid.UUID(made["id"]))
    return accounts


def _id(answer: Mapping[str, str]) -> uuid.UUID:
    return uuid.UUID(answer["id"])


def _codes(lot: Mapping[str, str]) -> list[str]:
    return list(list_tube_codes(db.session(), lot_id=uuid.UUID(lot["lot_id"]), first=1, most=1000))
