"""A coordinator enrols collectors for a site and a day, and withdraws what must no longer be used."""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from lims import audit, clock, codes
from lims.auth import queries as auth_queries
from lims.auth.actors import Actor
from lims.auth.models import Assignment, User
from lims.errors import AlreadyDone, InvalidInput
from lims.extensions import vault
from lims.field import enrolling
from lims.field.enrolling import CollectorRow
from lims.field.keys import enrolment_code
from lims.field.models import Enrolment
from lims.field.queries import devices as device_queries
from lims.field.queries import enrolments as queries
from lims.field.rules import WITHDRAWAL_REASONS, calculate_expiry
from lims.intake.new_codes import mint_free
from lims.names import fold
from lims.places import queries as place_queries
from lims.places.models import Campaign, Place
from lims.tables import new_id
from lims.transaction import action

# No hash of a password begins so: such an account is reached through a phone alone.
NO_PASSWORD = "!"  # noqa: S105
FARTHEST = timedelta(days=60)


@action
def enrol_collectors(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    campaign_id: uuid.UUID,
    place_id: uuid.UUID,
    day: date,
    team: str,
    user_ids: Sequence[uuid.UUID],
) -> dict[str, Any]:
    """Enrol collectors who have an account for a site and a day.

    Args:
        actor: the coordinator.
        client_id: id made by the sender.
        campaign_id: an open campaign of the site's province.
        place_id: the site.
        day: today, or at most 60 days ahead.
        team: name under which they are listed.
        user_ids: accounts that may collect at the site.

    Returns:
        `enrolments`, their keys as text, in the order of the accounts.

    Raises:
        NotFound: the site or the campaign is not among the actor's.
        InvalidInput: a day that cannot be, no team, nobody chosen, or an account that does not collect there.
    """
    place, campaign = _check_where(session, actor, campaign_id=campaign_id, place_id=place_id, day=day)
    team = enrolling.clean_team(team)
    if not user_ids:
        raise InvalidInput("Choose at least one collector.", field="user_ids")
    for user_id in user_ids:
        collector = auth_queries.get_actor(session, user_id=user_id)
        if not (collector.can("collect") and collector.sees(place.id)):
            raise InvalidInput(
                "%(name)s does not collect at this site. Choose from the list.",
                field="user_ids",
                name=collector.display_name,
            )
    rows = [_row(actor, campaign, place.id, day, team, user_id) for user_id in user_ids]
    _insert(session, rows)
    return {"enrolments": [str(row["id"]) for row in rows]}


@action
def enrol_list(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    campaign_id: uuid.UUID,
    place_id: uuid.UUID | None,
    day: date,
    rows: Sequence[CollectorRow],
) -> list[dict[str, Any]]:
    """Enrol a list of borrowed collectors; whoever has no account gets one, without a password.

    The same name with the same team, site and day is enrolled once, however often the list comes. The number of SQL
    statements does not grow with the list.

    Args:
        actor: the coordinator.
        client_id: id made by the sender.
        campaign_id: an open campaign of the sites' province.
        place_id: site of rows that name none.
        day: today, or at most 60 days ahead.
        rows: as read by `enrolling.read_collectors`.

    Returns:
        A verdict for each row: `line`, `name`, `verdict`, `message`, `parameters`.

    Raises:
        NotFound: the campaign or the site is not among the actor's.
        InvalidInput: a day that cannot be.
    """
    campaign = _check_campaign(session, actor, campaign_id=campaign_id, day=day)
    sites = place_queries.list_sites(session, actor=actor, province_id=campaign.province_id, most=5_000)
    chosen = next((site for site in sites if site.id == place_id), None)
    by_name = _sites_by_name(sites)
    known = {
        (fold(row.display_name), row.team, row.place_id)
        for row in queries.list_enrolled(session, day=day, place_ids={site.id for site in sites})
    }
    badges = device_queries.map_users_by_badge(session, badges={row.badge for row in rows if row.badge})
    fresh_badges = iter(mint_free(session, User.badge_code, kind="badge", count=len(rows)))  # type: ignore[arg-type]
    users: list[dict[str, Any]] = []
    assignments: list[dict[str, Any]] = []
    enrolments: list[dict[str, Any]] = []
    verdicts = []
    for row in rows:
        try:
            site = _site_of(row, chosen, by_name)
            if row.badge and row.badge not in badges:
                raise InvalidInput(enrolling.UNKNOWN_BADGE, field="badge", code=codes.grouped(row.badge))
        except InvalidInput as refusal:
            verdicts.append(_verdict(row, "wrong", refusal.message, dict(refusal.parameters)))
            continue
        key = (fold(row.name), row.team, site.id)
        if key in known:
            verdicts.append(_verdict(row, "again", enrolling.ENROLLED_BEFORE))
            continue
        known.add(key)
        user_id = badges.get(row.badge)
        if user_id is None:
            user_id = new_id()
            users.append(_account(user_id, row.name, next(fresh_badges)))
            assignments.append({"id": new_id(), "user_id": user_id, "role": "collector", "place_id": site.id})
        enrolments.append(_row(actor, campaign, site.id, day, row.team, user_id))
        verdicts.append(_verdict(row, "good", enrolling.ENROLLED))
    if users:
        session.execute(insert(User), users)
        session.execute(insert(Assignment), assignments)
    for user in users:
        audit.note(session, "user", user["id"], "created", roles=["collector"])
    _insert(session, enrolments)
    return verdicts


def _account(user_id: uuid.UUID, name: str, badge: str) -> dict[str, Any]:
    return {
        "id": user_id,
        "username": f"c-{badge.lower()}",
        "display_name": name,
        "password_hash": NO_PASSWORD,
        "badge_code": badge,
        "language": "vi",
        "is_active": True,
        "is_demo": False,
        "created_at": clock.now(),
    }


def _verdict(
    row: CollectorRow, verdict: str, message: str, parameters: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "line": row.line,
        "name": row.name,
        "team": row.team,
        "verdict": verdict,
        "message": message,
        "parameters": parameters or {},
    }


def _sites_by_name(sites: Sequence[Place]) -> dict[str, list[Place]]:
    found: defaultdict[str, list[Place]] = defaultdict(list)
    for site in sites:
        found[site.name_folded].append(site)
        found[fold(site.full_name)].append(site)
        found[fold(site.code)].append(site)
    return found


def _site_of(row: CollectorRow, chosen: Place | None, by_name: dict[str, list[Place]]) -> Place:
    if not row.site:
        if chosen is None:
            raise InvalidInput(enrolling.NO_SITE, field="site")
        return chosen
    found = {
        site.id: site
        for site in by_name.get(fold(row.site), by_name.get(fold(codes.normalise(row.site)), []))
    }
    if not found:
        raise InvalidInput(enrolling.UNKNOWN_SITE, field="site", site=row.site)
    if len(found) > 1:
        raise InvalidInput(enrolling.SITE_TWICE, field="site", site=row.site)
    return next(iter(found.values()))


def _check_campaign(session: Session, actor: Actor, *, campaign_id: uuid.UUID, day: date) -> Campaign:
    campaign = place_queries.get_campaign(session, campaign_id=campaign_id, actor=actor)
    today = clock.today()
    if not today <= day <= today + FARTHEST:
        raise InvalidInput("Choose today or a day within the next 60 days.", field="day")
    if not campaign.is_open or day < campaign.starts_on or (campaign.ends_on and day > campaign.ends_on):
        raise InvalidInput(
            "The campaign is not open on that day. Choose another day or campaign.", field="day"
        )
    return campaign


def _check_where(
    session: Session, actor: Actor, *, campaign_id: uuid.UUID, place_id: uuid.UUID, day: date
) -> tuple[Place, Campaign]:
    campaign = _check_campaign(session, actor, campaign_id=campaign_id, day=day)
    place = place_queries.get_place(session, place_id=place_id, kind="site")
    actor.check_place(place.id)
    if place.province_id != campaign.province_id or not place.is_open:
        raise InvalidInput("Choose an open site of the campaign's province.", field="place_id")
    return place, campaign


def _row(
    actor: Actor, campaign: Campaign, place_id: uuid.UUID, day: date, team: str, user_id: uuid.UUID
) -> dict[str, Any]:
    key = new_id()
    return {
        "id": key,
        "code_hash": hashlib.sha256(enrolment_code(vault(), key).encode()).digest(),
        "user_id": user_id,
        "campaign_id": campaign.id,
        "place_id": place_id,
        "team": team,
        "day": day,
        "expires_at": calculate_expiry(day, zone=clock.ZONE),
        "created_by_id": actor.user_id,
        "created_at": clock.now(),
        "withdrawn_at": None,
    }


def _insert(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(Enrolment), rows)
    for row in rows:
        audit.note(session, "enrolment", row["id"], "created", place=str(row["place_id"]))


@action
def withdraw_enrolment(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, enrolment_id: uuid.UUID
) -> dict[str, Any]:
    """Withdraw an enrolment that no phone may use any more; the phone that used it is withdrawn with it.

    Args:
        actor: the coordinator.
        client_id: id made by the sender.
        enrolment_id: which.

    Returns:
        `id`.

    Raises:
        NotFound: it is not among the actor's places.
        AlreadyDone: it was withdrawn before.
    """
    enrolment = queries.get_enrolment(session, actor=actor, enrolment_id=enrolment_id, lock=True)
    if enrolment.withdrawn_at:
        raise AlreadyDone("This enrolment was withdrawn before. Nothing was changed.", field="enrolment_id")
    enrolment.withdrawn_at = clock.now()
    audit.note(session, "enrolment", enrolment.id, "withdrawn")
    if enrolment.device and enrolment.device.withdrawn_at is None:
        enrolment.device.withdrawn_at, enrolment.device.withdrawn_by_id = clock.now(), actor.user_id
        audit.note(session, "device", enrolment.device.id, "withdrawn", reason="other")
    return {"id": str(enrolment.id)}


@action
def withdraw_device(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    device_id: uuid.UUID,
    reason: str,
) -> dict[str, Any]:
    """Withdraw a phone: from now on its token opens nothing, and its scans are kept and not let in.

    Args:
        actor: the coordinator.
        client_id: id made by the sender.
        device_id: which.
        reason: a word of `rules.WITHDRAWAL_REASONS`.

    Returns:
        `id`.

    Raises:
        NotFound: it is not among the actor's places.
        AlreadyDone: it was withdrawn before.
        InvalidInput: no such reason.
    """
    device = queries.get_device(session, actor=actor, device_id=device_id, lock=True)
    if reason not in WITHDRAWAL_REASONS:
        raise InvalidInput("Choose a reason from the list.", field="reason")
    if device.withdrawn_at:
        raise AlreadyDone("This phone was withdrawn before. Nothing was changed.", field="device_id")
    device.withdrawn_at, device.withdrawn_by_id = clock.now(), actor.user_id
    audit.note(session, "device", device.id, "withdrawn", reason=reason)
    return {"id": str(device.id)}
