"""A coordinator enrols collectors for a site and a day, and withdraws what must no longer be used."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.auth.models import Assignment, User
from lims.errors import AlreadyDone, InvalidInput, NotFound
from lims.extensions import vault
from lims.field import enrolling
from lims.field.enrolling import CollectorRow, Decision, Site
from lims.field.keys import enrolment_code
from lims.field.models import Enrolment
from lims.field.queries import enrolments as queries
from lims.field.rules import WITHDRAWAL_REASONS, calculate_expiry
from lims.intake.new_codes import mint_free
from lims.msgid import N_
from lims.names import fold
from lims.places import queries as place_queries
from lims.places.models import Campaign, Place
from lims.tables import new_id
from lims.transaction import action

# No hash of a password begins so: such an account is reached through a phone alone.
NO_PASSWORD = "!"  # noqa: S105
FARTHEST = timedelta(days=60)
# More than any province has.
MOST_SITES = 5_000
# One sentence for an account that is closed, collects elsewhere, or does not exist.
NOT_COLLECTING = N_("Somebody chosen does not collect at this site, or not any more. Choose from the list.")


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
    """Enrol collectors who have an account for a site and a day, each once however often named.

    Args:
        actor: the coordinator.
        client_id: id made by the sender.
        campaign_id: an open campaign of the site's province.
        place_id: the site.
        day: today, or at most 60 days ahead.
        team: name under which they are listed.
        user_ids: open accounts that may collect at the site.

    Returns:
        `enrolments`, their keys as text, in the order of the accounts.

    Raises:
        NotFound: the site or the campaign is not among the actor's.
        InvalidInput: a day that cannot be, no team, nobody chosen, or an account that does not collect there.
    """
    campaign = _check_campaign(session, actor, campaign_id=campaign_id, day=day)
    place = _check_site(session, actor, campaign, place_id=place_id)
    team = enrolling.clean_team(team)
    chosen = list(dict.fromkeys(user_ids))
    if not chosen:
        raise InvalidInput("Choose at least one collector.", field="user_ids")
    able = {one.id for one in queries.list_collectors(session, place_id=place.id, user_ids=chosen)}
    if not able.issuperset(chosen):
        raise InvalidInput(NOT_COLLECTING, field="user_ids")
    rows = [_row(actor, campaign, place.id, day, team, user_id) for user_id in chosen]
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
        A verdict for each row: `line`, `name`, `team`, `verdict`, `field`, `message`, `parameters`.

    Raises:
        NotFound: the campaign or the site is not among the actor's.
        InvalidInput: a day that cannot be.
    """
    campaign = _check_campaign(session, actor, campaign_id=campaign_id, day=day)
    queries.lock_lists(session, campaign_id=campaign.id)
    decisions = _decide(session, actor, campaign, place_id=place_id, day=day, rows=rows)
    good = [(one, one.place_id) for one in decisions if one.verdict == "good" and one.place_id]
    fresh = [(one.row.name, place_id) for one, place_id in good if one.user_id is None]
    badges = mint_free(session, User.badge_code, kind="badge", count=len(fresh))  # type: ignore[arg-type]
    users = [_account(name, badge) for (name, _), badge in zip(fresh, badges, strict=True)]
    _insert_accounts(session, users, place_ids=[place_id for _, place_id in fresh])
    made = iter(users)
    _insert(
        session,
        [
            _row(actor, campaign, place_id, day, one.row.team, one.user_id or next(made)["id"])
            for one, place_id in good
        ],
    )
    return [_verdict(one) for one in decisions]


def check_list(
    session: Session,
    *,
    actor: Actor,
    campaign_id: uuid.UUID,
    place_id: uuid.UUID | None,
    day: date,
    rows: Sequence[CollectorRow],
) -> list[dict[str, Any]]:
    """Say what `enrol_list` would answer; nothing is written.

    Args:
        session: reading session.
        actor, campaign_id, place_id, day, rows: as of `enrol_list`.

    Returns:
        A verdict for each row, "good" where somebody would be enrolled.

    Raises:
        NotFound, InvalidInput: as `enrol_list`.
    """
    campaign = _check_campaign(session, actor, campaign_id=campaign_id, day=day)
    return [_verdict(one) for one in _decide(session, actor, campaign, place_id=place_id, day=day, rows=rows)]


def _decide(
    session: Session,
    actor: Actor,
    campaign: Campaign,
    *,
    place_id: uuid.UUID | None,
    day: date,
    rows: Sequence[CollectorRow],
) -> list[Decision]:
    places = place_queries.list_sites(session, actor=actor, province_id=campaign.province_id, most=MOST_SITES)
    sites = [_site(place) for place in places]
    chosen = _site(_check_site(session, actor, campaign, place_id=place_id)) if place_id else None
    enrolled = queries.list_enrolled(session, day=day, place_ids={site.id for site in sites})
    return enrolling.decide_rows(
        rows,
        sites=sites,
        chosen=chosen,
        holders=queries.map_holders(session, badges={row.badge for row in rows if row.badge}),
        enrolled=[tuple(row) for row in enrolled],
    )


def _site(place: Place) -> Site:
    within = {place.id}
    above = place.parent
    while above:
        within.add(above.id)
        above = above.parent
    spellings = {place.name_folded, fold(place.full_name), fold(place.code)}
    return Site(place.id, frozenset(spellings), frozenset(within))


def _account(name: str, badge: str) -> dict[str, Any]:
    return {
        "id": new_id(),
        "username": f"c-{badge.lower()}",
        "display_name": name,
        "password_hash": NO_PASSWORD,
        "badge_code": badge,
        "language": "vi",
        "is_active": True,
        "is_demo": False,
        "created_at": clock.now(),
    }


def _insert_accounts(
    session: Session, users: Sequence[dict[str, Any]], *, place_ids: Sequence[uuid.UUID]
) -> None:
    """Save accounts of collectors, each at its place."""
    if not users:
        return
    session.execute(insert(User), users)
    session.execute(
        insert(Assignment),
        [
            {"id": new_id(), "user_id": user["id"], "role": "collector", "place_id": place_id}
            for user, place_id in zip(users, place_ids, strict=True)
        ],
    )
    for user in users:
        audit.note(session, "user", user["id"], "created", roles=["collector"])


def _verdict(decision: Decision) -> dict[str, Any]:
    return {
        "line": decision.row.line,
        "name": decision.row.name,
        "team": decision.row.team,
        "verdict": decision.verdict,
        "field": decision.column,
        "message": decision.message,
        "parameters": dict(decision.parameters),
    }


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


def _check_site(session: Session, actor: Actor, campaign: Campaign, *, place_id: uuid.UUID) -> Place:
    place = place_queries.get_place(session, place_id=place_id, kind="site")
    # to a letter as for a site that does not exist
    missing = NotFound("There is no such place. Choose one from the list.", field="place_id")
    actor.check_place(place.id, missing=missing)
    if place.province_id != campaign.province_id or not place.is_open:
        raise InvalidInput("Choose an open site of the campaign's province.", field="place_id")
    return place


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
