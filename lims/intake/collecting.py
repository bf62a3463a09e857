"""Binding people to tubes: what each scan of a collector means. Pure: facts in, a decision out.

`decide` is asked once per scan, in the order of scanning, and the facts it is given grow with each decision, so that a
batch of five hundred scans is judged like five hundred single ones. Nothing here reads or writes; the UNIQUE indexes of
`intake.models.Sample` have the last word when two collectors are quicker than the locks.

A scan that contradicts what is known is never dropped: the decision names the kind of discrepancy that keeps it
(DESIGN §3, rule 6; `intake.rules.DISCREPANCY_KINDS`).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from lims import codes
from lims.errors import InvalidInput
from lims.msgid import N_

# A telephone's clock may be a little fast; more than this and its times cannot be believed.
CLOCK_TOLERANCE = timedelta(minutes=5)
# The sample still stands for what the person gave: scanning the same pair again changes nothing.
STANDING = frozenset({"bound", "resulted"})
# A tube in one of these may still learn whose it is; in any other state it is out of use.
NAMEABLE = frozenset({"printed", "used", "boxed", "received", "stored"})
CAME_BEFORE_ITS_NAMES = frozenset({"received", "stored"})
MOST_PEOPLE = 20


@dataclass(frozen=True)
class CollectionScan:
    """One scan of a collector: this person's swab is in this tube.

    Args:
        client_id: id made by the device; the same one again is answered the same.
        tube: tube code as scanned.
        declaration: declaration code as scanned.
        occurred_at: aware moment of the scan, by the device's clock.
    """

    client_id: uuid.UUID
    tube: str
    declaration: str
    occurred_at: datetime


@dataclass(frozen=True)
class TubeClosing:
    """A mixed tube was closed with so many people in it.

    Args:
        client_id: id made by the device.
        tube: tube code as scanned.
        count: swabs in the tube, as its collector counted them.
    """

    client_id: uuid.UUID
    tube: str
    count: int


@dataclass(frozen=True)
class CampaignFacts:
    """What a campaign allows at collection; `mixed_tube_size` is in people."""

    id: uuid.UUID
    starts_on: date
    ends_on: date | None
    mixed_tube_size: int


@dataclass(frozen=True)
class Binding:
    """A sample that counts (not void): a person in a slot of a tube. `sampled_at` is in the campaign's zone."""

    tube_id: uuid.UUID
    declaration_id: uuid.UUID
    person_id: uuid.UUID
    slot: int
    attempt: int
    status: str
    sampled_at: datetime

    @property
    def sampled_on(self) -> date:
        """The calendar day of the sample."""
        return self.sampled_at.date()


@dataclass
class TubeFacts:
    """A tube as a scan finds it; `bindings` grows while a batch is judged."""

    id: uuid.UUID
    code: str
    campaign_id: uuid.UUID
    mode: str
    status: str
    session_id: uuid.UUID | None
    closed_count: int | None
    place_id: uuid.UUID | None = None
    laboratory_id: uuid.UUID | None = None
    box_id: uuid.UUID | None = None
    collected_at: datetime | None = None
    bindings: list[Binding] = field(default_factory=list)

    @property
    def free_slot(self) -> int:
        """The lowest slot nobody holds, from 1."""
        held = {binding.slot for binding in self.bindings}
        return next(slot for slot in range(1, MOST_PEOPLE + 2) if slot not in held)


@dataclass
class DeclarationFacts:
    """A declaration as a scan finds it; `bindings` are all samples of its person that count."""

    id: uuid.UUID
    code: str
    campaign_id: uuid.UUID
    person_id: uuid.UUID
    commune_id: uuid.UUID
    status: str
    attempt: int
    bindings: list[Binding] = field(default_factory=list)


@dataclass(frozen=True)
class Decision:
    """What a scan means.

    Args:
        verdict: "good" (bind them), "again" (they are bound already) or "wrong".
        code: word a program can tell the decision by.
        message: English msgid.
        parameters: of the message; codes, numbers, times and words only, never a name.
        discrepancy: kind of discrepancy that keeps the scan; None where nothing is to be settled.
    """

    verdict: str
    code: str
    message: str
    parameters: dict[str, Any]
    discrepancy: str | None = None


def read_scan(scan: CollectionScan) -> tuple[str, str]:
    """Return the tube's and the declaration's code of a scan, normalised.

    Raises:
        InvalidInput: one of them is no code, misread, or the code of another kind; the field says which.
    """
    tube = codes.parse(scan.tube, expect="tube", field="tube").text
    return tube, codes.parse(scan.declaration, expect="declaration", field="declaration").text


def decide(
    *,
    tube: TubeFacts,
    declaration: DeclarationFacts,
    campaign: CampaignFacts,
    session_id: uuid.UUID,
    occurred_at: datetime,
    now: datetime,
) -> Decision:
    """Judge one scan of a known tube and a known declaration.

    Args:
        tube: the tube, with whoever is bound to it.
        declaration: the declaration, with every sample of its person.
        campaign: the tube's campaign.
        session_id: collection session the scan belongs to.
        occurred_at: moment of the scan, in the campaign's zone.
        now: present moment, in the campaign's zone.

    Returns:
        The decision; "good" means that the pair may be bound in `tube.free_slot`.
    """
    again = _find_pair(tube, declaration)
    if again:
        return Decision(
            "again",
            "bound_already",
            N_("This person and tube %(tube)s belong together since %(time)s. Nothing was changed."),
            {"tube": codes.grouped(tube.code), "time": spoken_time(again.sampled_at, now)},
        )
    return (
        _refuse_moment(campaign, occurred_at, now)
        or _refuse_campaign(tube, declaration)
        or _refuse_state(tube, declaration)
        or _refuse_tube(tube, campaign, session_id, now)
        or _refuse_person(tube, declaration, occurred_at, now)
        or _accept(tube, campaign)
    )


def refuse_unknown(kind: str, code: str) -> Decision:
    """Return the decision about a well-formed code that was never minted here: kept, never minted afterwards."""
    shown = {"code": codes.grouped(code)}
    if kind == "tube":
        message = N_(
            "Tube %(code)s was never printed here. Put it aside and take another tube; a supervisor is told."
        )
    else:
        message = N_(
            "Declaration %(code)s is not known here. Let the person declare anew; a supervisor is told."
        )
    return Decision("wrong", "unknown_code", message, shown, "unknown_code")


def refuse_unreadable(error: InvalidInput) -> Decision:
    """Return the decision about a scan that is no code at all: the reader says it again, nothing is kept."""
    return Decision("wrong", "unreadable", error.message, dict(error.parameters))


def spoken_time(moment: datetime, now: datetime) -> str:
    """Return "08:42", with the day before it when that is not today; both moments in the campaign's zone."""
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment:%H:%M} {moment.day}/{moment.month}"


def _find_pair(tube: TubeFacts, declaration: DeclarationFacts) -> Binding | None:
    for binding in tube.bindings:
        same = (binding.declaration_id, binding.attempt) == (declaration.id, declaration.attempt)
        if same and binding.status in STANDING:
            return binding
    return None


def _refuse_moment(campaign: CampaignFacts, occurred_at: datetime, now: datetime) -> Decision | None:
    shown = {"time": spoken_time(occurred_at, now)}
    if occurred_at > now + CLOCK_TOLERANCE:
        message = N_(
            "The scan is dated %(time)s, but it is not that late yet. Set this device's clock and scan again."
        )
        return Decision("wrong", "in_future", message, shown)
    if occurred_at.date() < campaign.starts_on:
        message = N_(
            "The scan is dated %(time)s, before the campaign began. Set this device's clock and scan again."
        )
        return Decision("wrong", "before_campaign", message, shown)
    if campaign.ends_on is not None and occurred_at.date() > campaign.ends_on:
        message = N_("The campaign ended on %(day)s. Ask your coordinator before you go on.")
        return Decision("wrong", "after_campaign", message, {"day": f"{campaign.ends_on:%d/%m/%Y}"})
    return None


def _refuse_campaign(tube: TubeFacts, declaration: DeclarationFacts) -> Decision | None:
    if tube.campaign_id == declaration.campaign_id:
        return None
    return Decision(
        "wrong",
        "other_campaign",
        N_("Tube %(tube)s belongs to another campaign than this declaration. Take a tube of this campaign."),
        {"tube": codes.grouped(tube.code)},
        "other_campaign",
    )


def _refuse_state(tube: TubeFacts, declaration: DeclarationFacts) -> Decision | None:
    if tube.status not in NAMEABLE:
        message = N_("Tube %(tube)s is %(state)s and can no longer be used. Take a new tube.")
        return Decision(
            "wrong", "tube_gone", message, {"tube": codes.grouped(tube.code), "state": tube.status}
        )
    if declaration.status in ("withdrawn", "expired"):
        message = N_("The declaration is %(state)s. Let the person declare anew before the swab.")
        return Decision("wrong", "declaration_over", message, {"state": declaration.status})
    return None


def _refuse_tube(
    tube: TubeFacts, campaign: CampaignFacts, session_id: uuid.UUID, now: datetime
) -> Decision | None:
    shown: dict[str, Any] = {"tube": codes.grouped(tube.code)}
    if tube.mode == "single":
        if not tube.bindings:
            return None
        shown["time"] = spoken_time(tube.bindings[0].sampled_at, now)
        message = N_("Tube %(tube)s was used for somebody else at %(time)s. Take a new tube.")
        return Decision("wrong", "tube_reused", message, shown, "tube_reused")
    if tube.session_id is not None and tube.session_id != session_id:
        message = N_("Tube %(tube)s was begun by another collection session. Take a new tube.")
        return Decision("wrong", "other_session", message, shown, "other_session")
    limit = campaign.mixed_tube_size if tube.closed_count is None else tube.closed_count
    if len(tube.bindings) < limit:
        return None
    shown["count"] = limit
    if tube.closed_count is None:
        message = N_(
            "Tube %(tube)s already holds %(count)s people, the most allowed. Close it and take a new tube."
        )
    else:
        message = N_("Tube %(tube)s was closed with %(count)s people. Take a new tube.")
    return Decision("wrong", "tube_overfull", message, shown, "tube_overfull")


def _refuse_person(
    tube: TubeFacts, declaration: DeclarationFacts, occurred_at: datetime, now: datetime
) -> Decision | None:
    for binding in declaration.bindings:
        # The same asking twice, on whatever day; or another declaration of the person on the same day. A sample
        # that answers an asking again has a higher attempt and is exempt (DESIGN §3, rule 6).
        same_asking = (binding.declaration_id, binding.attempt) == (declaration.id, declaration.attempt)
        same_day = (binding.sampled_on, binding.attempt) == (occurred_at.date(), declaration.attempt)
        if same_asking or same_day:
            message = N_(
                "This person was already sampled at %(time)s. Put tube %(tube)s aside; a supervisor is told."
            )
            return Decision(
                "wrong",
                "sampled_twice",
                message,
                {"time": spoken_time(binding.sampled_at, now), "tube": codes.grouped(tube.code)},
                "sampled_twice",
            )
    return None


def _accept(tube: TubeFacts, campaign: CampaignFacts) -> Decision:
    shown: dict[str, Any] = {"tube": codes.grouped(tube.code)}
    if tube.mode == "single":
        return Decision("good", "bound", N_("Person and tube %(tube)s belong together."), shown)
    shown |= {"count": len(tube.bindings) + 1, "limit": campaign.mixed_tube_size}
    return Decision("good", "bound", N_("Person %(count)s of %(limit)s is in tube %(tube)s."), shown)


def bind(
    tube: TubeFacts,
    declaration: DeclarationFacts,
    *,
    session_id: uuid.UUID,
    sampled_at: datetime,
) -> Binding:
    """Add a binding that was decided "good" to the facts, so that the next scan of the batch sees it."""
    binding = Binding(
        tube.id,
        declaration.id,
        declaration.person_id,
        tube.free_slot,
        declaration.attempt,
        "bound",
        sampled_at,
    )
    tube.bindings.append(binding)
    declaration.bindings.append(binding)
    tube.session_id = tube.session_id or session_id
    if tube.mode == "single":
        tube.closed_count = 1
    return binding


def decide_closing(
    *, tube: TubeFacts, campaign: CampaignFacts, session_id: uuid.UUID, count: int
) -> Decision:
    """Judge the count a collector closes a mixed tube with.

    Args:
        tube: the tube, with whoever is bound to it.
        campaign: its campaign.
        session_id: session that closes it.
        count: swabs counted, from 1.

    Returns:
        "good" with code "closed", or "names_missing" when more were counted than are bound: the tube waits for the
        others' names and releases nothing before (DESIGN §3, rule 7).
    """
    bound = len(tube.bindings)
    shown: dict[str, Any] = {
        "tube": codes.grouped(tube.code),
        "count": count,
        "bound": bound,
        "limit": campaign.mixed_tube_size,
    }
    if tube.mode == "single":
        return Decision(
            "wrong", "single_tube", N_("Tube %(tube)s is for one person and needs no closing."), shown
        )
    if tube.session_id != session_id:
        message = N_("Tube %(tube)s is not being filled by this session. Scan a person into it first.")
        return Decision("wrong", "other_session", message, shown)
    if tube.closed_count == count:
        message = N_("Tube %(tube)s is already closed with %(count)s people. Nothing was changed.")
        return Decision("again", "closed_already", message, shown)
    if tube.closed_count is not None and tube.status != "used":
        shown["closed"] = tube.closed_count
        message = N_("Tube %(tube)s left with %(closed)s people counted. Ask a supervisor to correct it.")
        return Decision("wrong", "already_left", message, shown)
    if not 1 <= count <= campaign.mixed_tube_size:
        message = N_("A tube holds 1 to %(limit)s people. Count the swabs in tube %(tube)s again.")
        return Decision("wrong", "impossible_count", message, shown)
    if count < bound:
        message = N_(
            "%(bound)s people are bound to tube %(tube)s, but you counted %(count)s. Count again, or undo a scan."
        )
        return Decision("wrong", "count_below_names", message, shown)
    if count > bound:
        message = N_(
            "Tube %(tube)s is closed with %(count)s people; %(bound)s are known. Scan the others, or count again."
        )
        return Decision("good", "names_missing", message, shown)
    return Decision("good", "closed", N_("Tube %(tube)s is closed with %(count)s people."), shown)
