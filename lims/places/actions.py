"""Loading places, and setting up sites, laboratories and campaigns."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from lims import audit, clock, codes, names
from lims.auth.actors import Actor
from lims.errors import InvalidInput
from lims.places import queries, rules
from lims.places.loading import Division, list_province
from lims.places.models import EDITION_2021, Campaign, Laboratory, Place
from lims.tables import new_id
from lims.transaction import action


@action
def load_provinces(session: Session, *, actor: Actor, province_codes: Sequence[str]) -> dict[str, int]:
    """Load provinces of the 2021 edition with their districts and communes; what is there already stays as it is.

    Args:
        actor: who loads them.
        province_codes: two digits each.

    Returns:
        How many places of each kind were added.

    Raises:
        InvalidInput: the edition has no such province.
    """
    added = {"province": 0, "district": 0, "commune": 0}
    for province_code in province_codes:
        divisions = list_province(province_code)
        known: dict[tuple[str, str], uuid.UUID] = {}
        for kind in added:
            listed = [item.code for item in divisions if item.kind == kind]
            known |= {
                (kind, code): place.id
                for code, place in queries.map_places(session, kind=kind, codes=listed).items()
            }
        rows = _rows(divisions, known)
        if rows:
            session.execute(insert(Place), rows)
        for row in rows:
            added[str(row["kind"])] += 1
        audit.note(session, "place", known["province", province_code], "loaded", places=len(rows))
    return added


def _rows(divisions: Sequence[Division], known: dict[tuple[str, str], uuid.UUID]) -> list[dict[str, object]]:
    """Return the rows of the places not known yet, parents first; their keys are added to `known`."""
    above = {"province": "", "district": "province", "commune": "district"}
    rows = []
    for item in divisions:
        if (item.kind, item.code) in known:
            continue
        key = known[item.kind, item.code] = new_id()
        rows.append(
            {
                "id": key,
                "edition": EDITION_2021,
                "kind": item.kind,
                "code": item.code,
                "name": item.name,
                "name_key": rules.name_key(item.bare_name),
                "name_folded": names.fold(item.name),
                "parent_id": known.get((above[item.kind], item.parent_code)),
                "province_id": known["province", divisions[0].code],
                "is_open": True,
            }
        )
    return rows


@action
def create_site(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, commune_id: uuid.UUID, name: str
) -> dict[str, str]:
    """Open a collection site in a commune; its code is minted here.

    Returns:
        `id` and `code` of the site.

    Raises:
        NotFound: there is no such commune among the actor's places.
        InvalidInput: the name is empty or too long.
    """
    commune = queries.get_place(session, place_id=commune_id, kind="commune")
    actor.check_place(commune.id)
    return _add_place(session, kind="site", code=codes.mint("site"), name=name, parent=commune)


@action
def create_laboratory(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    province_id: uuid.UUID,
    code: str,
    name: str,
    screening_per_day: int,
    confirmation_per_day: int = 0,
    can_confirm: bool = False,
) -> dict[str, str]:
    """Add a laboratory with what it can do in a day.

    Args:
        actor: who adds it.
        client_id: made by the sender.
        province_id: where it lies.
        code: its short name, as QN01.
        name: its full name.
        screening_per_day: reactions a day.
        confirmation_per_day: reactions a day; 0 without the right to confirm.
        can_confirm: whether it has that right.

    Returns:
        `id` and `code`.

    Raises:
        NotFound: there is no such province among the actor's places.
        InvalidInput: a code that is taken or cannot be one, or an impossible capacity.
    """
    province = queries.get_place(session, place_id=province_id, kind="province")
    actor.check_place(province.id)
    rules.check_capacity(
        screening_per_day=screening_per_day,
        confirmation_per_day=confirmation_per_day,
        can_confirm=can_confirm,
    )
    code = rules.check_laboratory_code(code)
    if queries.find_place(session, kind="laboratory", code=code):
        raise InvalidInput("The code %(code)s is taken. Choose another.", field="code", code=code)
    made = _add_place(session, kind="laboratory", code=code, name=name, parent=province)
    session.add(
        Laboratory(
            place_id=uuid.UUID(made["id"]),
            screening_per_day=screening_per_day,
            confirmation_per_day=confirmation_per_day,
            can_confirm=can_confirm,
        )
    )
    return made


def _add_place(session: Session, *, kind: str, code: str, name: str, parent: Place) -> dict[str, str]:
    name = names.clean_name(name, field="name")
    place = Place(
        id=new_id(),
        kind=kind,
        code=code,
        name=name,
        name_key=rules.name_key(name),
        name_folded=names.fold(name),
        parent_id=parent.id,
        province_id=parent.province_id,
    )
    session.add(place)
    session.flush()
    audit.note(session, "place", place.id, "created", kind=kind, code=code)
    return {"id": str(place.id), "code": code}


@action
def set_capacity(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    laboratory_id: uuid.UUID,
    screening_per_day: int,
    confirmation_per_day: int,
    can_confirm: bool,
) -> dict[str, str]:
    """Change what a laboratory can do in a day.

    Returns:
        `id` of the laboratory.

    Raises:
        NotFound: there is no such laboratory among the actor's places.
        InvalidInput: an impossible capacity.
    """
    session.execute(
        select(Laboratory.place_id).where(Laboratory.place_id == laboratory_id).with_for_update(of=Laboratory)
    )
    laboratory = queries.get_laboratory(session, laboratory_id=laboratory_id, actor=actor)
    rules.check_capacity(
        screening_per_day=screening_per_day,
        confirmation_per_day=confirmation_per_day,
        can_confirm=can_confirm,
    )
    laboratory.screening_per_day = screening_per_day
    laboratory.confirmation_per_day = confirmation_per_day
    laboratory.can_confirm = can_confirm
    audit.note(
        session,
        "place",
        laboratory.place_id,
        "capacity_set",
        screening_per_day=screening_per_day,
        confirmation_per_day=confirmation_per_day,
        can_confirm=can_confirm,
    )
    return {"id": str(laboratory.place_id)}


@action
def create_campaign(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    name: str,
    province_id: uuid.UUID,
    starts_on: date,
    ends_on: date | None = None,
    pool_size: int = 10,
    mixed_tube_size: int = 10,
    symptomatic_alone: bool = True,
    contacts_alone: bool = False,
    confirm_all_members: bool = False,
    positive_pool_strategy: str = "singles",
    validity_hours: int = 72,
    hold_limit_hours: int = 48,
) -> dict[str, str]:
    """Open a campaign in a province with its pooling policy.

    Args:
        actor: who opens it.
        client_id: made by the sender.
        name: shown to residents.
        province_id: a campaign stays inside one province.
        starts_on: first day.
        ends_on: last day, if known.
        pool_size: most tubes in a pool.
        mixed_tube_size: most people in a tube mixed at collection.
        symptomatic_alone: whether people with symptoms are tested alone.
        contacts_alone: whether contacts are.
        confirm_all_members: whether all members of a positive pool go on to be confirmed.
        positive_pool_strategy: how a positive pool is resolved, a word of `rules.STRATEGIES`.
        validity_hours: how long a result counts, from sampling.
        hold_limit_hours: how old a tube may be at reception.

    Returns:
        `id` of the campaign.

    Raises:
        NotFound: there is no such province among the actor's places.
        InvalidInput: a policy that cannot be.
    """
    province = queries.get_place(session, place_id=province_id, kind="province")
    actor.check_place(province.id)
    rules.check_campaign(
        starts_on=starts_on,
        ends_on=ends_on,
        pool_size=pool_size,
        mixed_tube_size=mixed_tube_size,
        hours={"validity_hours": validity_hours, "hold_limit_hours": hold_limit_hours},
    )
    if positive_pool_strategy not in rules.STRATEGIES:
        raise InvalidInput(
            "Choose how a positive pool is resolved: one of the list.", field="positive_pool_strategy"
        )
    campaign = Campaign(
        id=new_id(),
        name=names.clean_name(name, field="name"),
        province_id=province.id,
        starts_on=starts_on,
        ends_on=ends_on,
        pool_size=pool_size,
        mixed_tube_size=mixed_tube_size,
        symptomatic_alone=symptomatic_alone,
        contacts_alone=contacts_alone,
        confirm_all_members=confirm_all_members,
        positive_pool_strategy=positive_pool_strategy,
        validity_hours=validity_hours,
        hold_limit_hours=hold_limit_hours,
        created_at=clock.now(),
    )
    session.add(campaign)
    audit.note(
        session, "campaign", campaign.id, "created", pool_size=pool_size, mixed_tube_size=mixed_tube_size
    )
    return {"id": str(campaign.id)}


@action
def set_telling(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    campaign_id: uuid.UUID,
    detected_advice_vi: str = "",
    detected_advice_en: str = "",
    second_test_advice_vi: str = "",
    second_test_advice_en: str = "",
    tells_people: bool,
    quiet_from_hour: int,
    quiet_until_hour: int,
    certificate_hours: int,
    retention_days: int | None = None,
) -> dict[str, str]:
    """Change what a campaign's people are told, when, and how long their identities are kept.

    Args:
        actor: who changes it.
        client_id: made by the sender.
        campaign_id: the campaign.
        detected_advice_vi, detected_advice_en: what to do next when something was found; empty: the product's words.
        second_test_advice_vi, second_test_advice_en: what members of an unresolved pool do and where they go.
        tells_people: whether people are told by SMS that a result is ready.
        quiet_from_hour, quiet_until_hour: hours of the local day between which nobody is told, 0 to 23.
        certificate_hours: how long a certificate can be verified, from the sampling on.
        retention_days: from the campaign's end to the erasure of identities; None: never by itself.

    Returns:
        `id` of the campaign.

    Raises:
        NotFound: there is no such campaign among the actor's places.
        InvalidInput: names the field.
    """
    campaign = queries.get_campaign(session, campaign_id=campaign_id, actor=actor)
    advice = {
        "detected_advice_vi": detected_advice_vi,
        "detected_advice_en": detected_advice_en,
        "second_test_advice_vi": second_test_advice_vi,
        "second_test_advice_en": second_test_advice_en,
    }
    advice = {name: "\n".join(text.split("\r\n")).strip() for name, text in advice.items()}
    rules.check_telling(
        advice=advice,
        quiet_from_hour=quiet_from_hour,
        quiet_until_hour=quiet_until_hour,
        certificate_hours=certificate_hours,
        retention_days=retention_days,
    )
    numbers = {
        "tells_people": tells_people,
        "quiet_from_hour": quiet_from_hour,
        "quiet_until_hour": quiet_until_hour,
        "certificate_hours": certificate_hours,
        "retention_days": retention_days,
    }
    changed = [name for name, value in (advice | numbers).items() if getattr(campaign, name) != value]
    for name in changed:
        setattr(campaign, name, (advice | numbers)[name])
    audit.note(
        session,
        "campaign",
        campaign.id,
        "telling_set",
        changed=changed,
        tells_people=tells_people,
        quiet_from_hour=quiet_from_hour,
        quiet_until_hour=quiet_until_hour,
        certificate_hours=certificate_hours,
        retention_days=retention_days,
    )
    return {"id": str(campaign.id)}


@action
def close_campaign(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, campaign_id: uuid.UUID
) -> dict[str, str]:
    """Close a campaign: nobody can declare for it any more; what was sampled is still tested.

    Returns:
        `id` of the campaign.

    Raises:
        NotFound: there is no such campaign among the actor's places.
    """
    campaign = queries.get_campaign(session, campaign_id=campaign_id, actor=actor)
    campaign.is_open = False
    audit.note(session, "campaign", campaign.id, "closed")
    return {"id": str(campaign.id)}
