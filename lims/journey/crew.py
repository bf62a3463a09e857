"""Everybody who works on the journey, signed in: one account of the demonstration for each task."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from lims.journey.caller import Caller, JourneyError, sign_in
from lims.journey.travellers import Laboratory


@dataclass
class Crew:
    """Accounts and places of one journey.

    Args:
        resident: nobody's session.
        coordinator, collector, courier: province-wide accounts.
        technicians, supervisors: by laboratory code.
        campaign_id: the campaign.
        communes: codes.
        sites: keys.
        laboratories: those the boxes go to; one of them at least may confirm.
    """

    resident: Caller
    coordinator: Caller
    collector: Caller
    courier: Caller
    campaign_id: str
    communes: list[str]
    sites: list[str]
    laboratories: list[Laboratory]
    technicians: dict[str, Caller] = field(default_factory=dict)
    supervisors: dict[str, Caller] = field(default_factory=dict)

    @property
    def second_laboratory(self) -> Laboratory:
        """Where tubes go on to be confirmed."""
        return next(laboratory for laboratory in self.laboratories if laboratory.can_confirm)


def assemble(http: httpx.Client, *, password: str, clients: int, patience_s: float) -> Crew:
    """Sign everybody in and ask the server what there is.

    Args:
        http: way to the server.
        password: of the demonstration's accounts.
        clients: how many work at once; as many laboratories are used, two at least.
        patience_s: of each request.

    Raises:
        JourneyError: an account, a campaign or a confirming laboratory is missing.
    """

    def enter(username: str) -> Caller:
        return sign_in(http, username=username, password=password, patience_s=patience_s)

    coordinator, collector = enter("coordinator"), enter("team")
    campaigns = coordinator.get("/campaigns")["campaigns"]
    known = [
        Laboratory(item["id"], item["code"], item["can_confirm"])
        for item in coordinator.get("/laboratories")["laboratories"]
    ]
    chosen = _choose(known, count=max(2, clients))
    if not campaigns or not chosen:
        raise JourneyError(
            "The server has no open campaign, or no laboratory that may confirm. Run `lims demo` first."
        )
    crew = Crew(
        resident=Caller(http, patience_s=patience_s),
        coordinator=coordinator,
        collector=collector,
        courier=enter("courier"),
        campaign_id=campaigns[0]["id"],
        communes=[
            item["code"] for item in coordinator.get("/communes", campaign_id=campaigns[0]["id"])["communes"]
        ],
        sites=[item["id"] for item in collector.get("/sites")["sites"]],
        laboratories=chosen,
    )
    for laboratory in chosen:
        crew.technicians[laboratory.code] = enter(f"technician.{laboratory.code.lower()}")
        crew.supervisors[laboratory.code] = enter(f"supervisor.{laboratory.code.lower()}")
    return crew


def _choose(known: list[Laboratory], *, count: int) -> list[Laboratory]:
    """Take laboratories with and without the right to confirm in turn, so that both ways are gone."""
    confirming = [laboratory for laboratory in known if laboratory.can_confirm]
    screening = [laboratory for laboratory in known if not laboratory.can_confirm]
    if not confirming:
        return []
    mixed = [one for pair in zip(screening, confirming, strict=False) for one in pair]
    rest = [laboratory for laboratory in known if laboratory not in mixed]
    return (mixed + rest)[: max(count, 2)]
