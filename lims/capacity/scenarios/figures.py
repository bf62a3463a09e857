"""A plan as what JSON holds; the command and the API answer the same."""

from __future__ import annotations

from typing import Any

from lims.capacity.scenarios.calculation import STATIONS, Plan, tell_end, tell_first_break


def as_figures(plan: Plan) -> dict[str, Any]:
    """Return a plan as what JSON holds, its two sentences left to whoever shows them."""
    scenario = plan.scenario
    return {
        "name": scenario.name,
        "starts_on": scenario.starts_on.isoformat(),
        "policy": scenario.policy,
        "screening_per_day": scenario.screening_per_day,
        "confirmation_per_day": scenario.confirmation_per_day,
        "confirmations_per_case": plan.confirmations_per_case,
        "case_days": round(plan.case_days, 2),
        "totals": dict(plan.totals),
        "breaks": [
            {
                "what": one.what,
                "day": one.number,
                "on": one.on.isoformat(),
                "short": one.short,
                "worst": one.worst,
            }
            for one in plan.breaks
        ],
        "done_on": {name: on and on.isoformat() for name, on in plan.done_on.items()},
        "days": [
            {
                "day": day.number,
                "on": day.on.isoformat(),
                "cases": day.cases,
                "contact_tests": round(day.contact_tests, 2),
                "community": round(day.community, 2),
                "samplers": day.samplers,
                "tubes": day.tubes,
                "boxes": day.boxes,
                "kits": day.kits,
            }
            | {
                name: {
                    "asked": round(day.stations[name].asked, 2),
                    "done": round(day.stations[name].done, 2),
                    "waiting": round(day.stations[name].waiting, 2),
                }
                for name in STATIONS
            }
            for day in plan.days
        ],
    }


def say_in_english(plan: Plan) -> str:
    """Return what breaks first and when all is done, in the language of programs."""
    return " ".join(message % parameters for message, parameters in (tell_first_break(plan), tell_end(plan)))
