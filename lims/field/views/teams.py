"""Pages of whoever leads the teams: phones live, enrolments with their QR, lists of collectors, one phone's record."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims import clock, labels
from lims.errors import InvalidInput, LimsError
from lims.extensions import db, settings, vault
from lims.field import enrolling
from lims.field.actions import enrolments as actions
from lims.field.keys import enrolment_code
from lims.field.models import Device, Enrolment
from lims.field.queries import enrolments as queries
from lims.field.queries import teams as team_queries
from lims.field.queries.teams import TeamFilter
from lims.field.rules import CLOCK_TOLD_FROM, WITHDRAWAL_REASONS, calculate_standing
from lims.field.views import field
from lims.intake.views.sent import sent_id
from lims.labels.enrolments import EnrolmentCard, EnrolmentWords, enrolment_sheet_pdf
from lims.language import say, say_error
from lims.places import queries as place_queries
from lims.security import current_actor, needs
from lims.timeline import read_timeline


@field.get("/teams")
@needs("manage_teams")
def list_teams() -> str:
    """Show a day's teams and phones, and who is still to be sampled; a script keeps it up to date."""
    actor, session, wanted = current_actor(), db.session(), read_filter()
    rows = team_queries.list_phones(session, actor=actor, wanted=wanted)
    following = team_queries.next_cursor(rows)
    kept: dict[str, Any] = {
        "day": wanted.day.isoformat(),
        "place_id": wanted.place_id or "",
        "team": wanted.team,
    }
    return render_template(
        "field/teams.html",
        rows=rows,
        totals=team_queries.count_totals(session, actor=actor, wanted=wanted),
        left=team_queries.list_left(session, actor=actor, wanted=wanted),
        sites=place_queries.list_sites(session, actor=actor),
        teams=team_queries.list_teams(session, actor=actor, day=wanted.day),
        wanted=wanted,
        kept=kept,
        more_url=url_for("field.list_teams", **kept, after=following) if following else None,
    )


def read_filter() -> TeamFilter:
    """Return what the address narrows the list to; what cannot be read is left out."""
    day, place_id = clock.today(), None
    with suppress(ValueError):
        day = date.fromisoformat(request.args.get("day", ""))
    with suppress(ValueError):
        place_id = uuid.UUID(request.args.get("place_id", ""))
    team = request.args.get("team", "")[: enrolling.LONGEST_TEAM]
    return TeamFilter(day, place_id, team, request.args.get("after", ""))


@field.route("/teams/enrolments/new", methods=["GET", "POST"])
@needs("manage_teams")
def enrol_collectors() -> str | tuple[str, int] | Response:
    """Show who can be enrolled at a site, or enrol those chosen; one leads to its QR, several to the sheet."""
    if request.method == "GET":
        return _enrolment_page()
    try:
        answer = actions.enrol_collectors(
            actor=current_actor(),
            client_id=sent_id(),
            campaign_id=sent_id("campaign_id", missing=_("Choose a campaign.")),
            place_id=sent_id("place_id", missing=_("Choose a site.")),
            day=_sent_day(),
            team=request.form.get("team", ""),
            user_ids=_sent_users(),
        )
    except LimsError as refusal:
        return _enrolment_page(mistake=say_error(refusal)), refusal.status
    keys = answer["enrolments"]
    if len(keys) == 1:
        return redirect(url_for("field.show_enrolment", enrolment_id=keys[0]))
    flash(_("%(count)s collectors are enrolled. Print their sheet.", count=len(keys)), "good")
    return redirect(url_for("field.list_teams", day=_sent_day().isoformat()))


def _sent_day() -> date:
    try:
        return date.fromisoformat(request.form.get("day", ""))
    except ValueError:
        raise InvalidInput("Choose a day.", field="day") from None


def _sent_users() -> list[uuid.UUID]:
    try:
        return [uuid.UUID(key) for key in request.form.getlist("user_ids")]
    except ValueError:
        raise InvalidInput(actions.NOT_COLLECTING, field="user_ids") from None


def _enrolment_page(mistake: str = "") -> str:
    actor, session = current_actor(), db.session()
    sites = place_queries.list_sites(session, actor=actor)
    chosen = request.values.get("place_id", "") or (str(sites[0].id) if sites else "")
    site = next((one for one in sites if str(one.id) == chosen), None)
    return render_template(
        "field/enrolment_new.html",
        sites=sites,
        site=site,
        campaigns=_campaigns(),
        collectors=queries.list_collectors(session, place_id=site.id) if site else [],
        day=request.values.get("day") or clock.today().isoformat(),
        mistake=mistake,
    )


def _campaigns() -> list[Any]:
    actor = current_actor()
    return [one for one in place_queries.list_open_campaigns(db.session()) if actor.sees(one.province_id)]


@field.get("/teams/enrolments/<uuid:enrolment_id>")
@needs("manage_teams")
def show_enrolment(enrolment_id: uuid.UUID) -> str:
    """Show an enrolment's QR on the screen, for the phone that is to use it."""
    found = queries.get_enrolment(db.session(), actor=current_actor(), enrolment_id=enrolment_id)
    is_open = found.device is None and _standing(found) == "waiting"
    return render_template(
        "field/enrolment.html",
        enrolment=found,
        is_open=is_open,
        qr=labels.qr_svg(_address(found), label=_("QR to enrol a phone")) if is_open else "",
        address=_address(found) if is_open else "",
        events=read_timeline(db.session(), subject_ids=[found.id]),
    )


def _standing(enrolment: Enrolment) -> str:
    device = enrolment.device
    return calculate_standing(
        withdrawn=bool(enrolment.withdrawn_at or (device and device.withdrawn_at)),
        expires_at=enrolment.expires_at,
        last_seen_at=device.last_seen_at if device else None,
        now=clock.now(),
    )


def _address(enrolment: Enrolment) -> str:
    code = enrolment_code(vault(), enrolment.id)
    return f"{settings().base_url}/field/{enrolment.user.language}#enrol={code}"


@field.post("/teams/enrolments/<uuid:enrolment_id>/withdrawal")
@needs("manage_teams")
def withdraw_enrolment(enrolment_id: uuid.UUID) -> Response:
    """Withdraw an enrolment and the phone that used it."""
    actions.withdraw_enrolment(actor=current_actor(), client_id=sent_id(), enrolment_id=enrolment_id)
    flash(_("The enrolment is withdrawn."), "good")
    return redirect(url_for("field.show_enrolment", enrolment_id=enrolment_id))


@field.route("/teams/list", methods=["GET", "POST"])
@needs("manage_teams")
def enrol_list() -> str | tuple[str, int]:
    """Show the form, or check or enrol a list of collectors, and say of every row what became of it."""
    if request.method == "GET":
        return _list_page()
    try:
        read, refused = enrolling.read_collectors(_sent_list())
        verdicts = [
            {"line": one.line, "name": "", "team": "", "verdict": "wrong", "message": say_error(one.reason)}
            for one in refused
        ]
        asked: dict[str, Any] = {
            "actor": current_actor(),
            "campaign_id": sent_id("campaign_id", missing=_("Choose a campaign.")),
            "place_id": _optional_site(),
            "day": _sent_day(),
            "rows": read,
        }
        if request.form.get("dry_run"):
            decided = actions.check_list(db.session(), **asked)
        else:
            decided = actions.enrol_list(client_id=sent_id(), **asked)
        verdicts += [one | {"message": say(one["message"], one["parameters"])} for one in decided]
    except LimsError as refusal:
        return _list_page(mistake=say_error(refusal)), refusal.status
    return _list_page(verdicts=sorted(verdicts, key=lambda one: one["line"]), read=len(read))


def _sent_list() -> bytes:
    file = request.files.get("file")
    content = file.read() if file and file.filename else request.form.get("pasted", "").encode()
    if not content.strip():
        raise InvalidInput("Choose a file, or paste the list.", field="list")
    return content


def _optional_site() -> uuid.UUID | None:
    with suppress(ValueError):
        return uuid.UUID(request.form.get("place_id", ""))
    return None


def _list_page(mistake: str = "", verdicts: list[dict[str, Any]] | None = None, read: int = 0) -> str:
    return render_template(
        "field/enrolment_list.html",
        sites=place_queries.list_sites(db.session(), actor=current_actor()),
        campaigns=_campaigns(),
        day=request.values.get("day") or clock.today().isoformat(),
        mistake=mistake,
        verdicts=verdicts,
        read=read,
        checked_only=bool(request.form.get("dry_run")),
    )


@field.get("/teams/sheet.pdf")
@needs("manage_teams")
def print_sheet() -> Response:
    """Print the QR sheet of a day's enrolments that no phone has used."""
    wanted = read_filter()
    found = queries.list_unused(
        db.session(), actor=current_actor(), day=wanted.day, place_id=wanted.place_id, team=wanted.team
    )
    if not found:
        raise InvalidInput("No enrolment of that day waits for a phone. Enrol collectors first.", field="day")
    if len(found) > queries.MOST_ON_SHEET:
        raise InvalidInput(
            "These are more than %(most)s cards. Choose a site or a team, and print its sheet.",
            field="place_id",
            most=queries.MOST_ON_SHEET,
        )
    cards = [
        EnrolmentCard(
            address=_address(one),
            badge_code=one.user.badge_code or "",
            name=one.user.display_name,
            lines=(one.team, one.place.full_name, f"{one.day:%d/%m/%Y}"),
        )
        for one in found
    ]
    words = EnrolmentWords(
        title=_("Enrolment of phones"),
        advice=_("Scan this QR with the phone's camera and open the page. It works once, on that day."),
        badge=_("Badge"),
    )
    return Response(enrolment_sheet_pdf(cards, words=words), mimetype="application/pdf")


@field.get("/teams/devices/<uuid:device_id>")
@needs("manage_teams")
def show_device(device_id: uuid.UUID) -> str:
    """Show a phone: whose, where, what it sent and how it was judged."""
    session = db.session()
    found = queries.get_device(session, actor=current_actor(), device_id=device_id)
    return render_template(
        "field/device.html",
        device=found,
        standing_now=_standing(found.enrolment),
        clock_off_minutes=_clock_off(found),
        counts=team_queries.count_verdicts(session, device_id=found.id),
        missing=team_queries.count_missing(session, device_id=found.id),
        scans=team_queries.list_last_scans(session, device_id=found.id),
        reasons=WITHDRAWAL_REASONS,
        events=read_timeline(session, subject_ids=[found.id]),
    )


def _clock_off(device: Device) -> int:
    """Return by how many minutes a phone's clock is off, where that is worth telling."""
    off = abs(timedelta(milliseconds=device.offset_ms))
    return round(off / timedelta(minutes=1)) if off > CLOCK_TOLD_FROM else 0


@field.post("/teams/devices/<uuid:device_id>/withdrawal")
@needs("manage_teams")
def withdraw_device(device_id: uuid.UUID) -> Response:
    """Withdraw a phone: its token opens nothing from now on."""
    actions.withdraw_device(
        actor=current_actor(),
        client_id=sent_id(),
        device_id=device_id,
        reason=request.form.get("reason", "")[:24],
    )
    flash(_("The phone is withdrawn. Its scans are kept and not let in."), "good")
    return redirect(url_for("field.show_device", device_id=device_id))
