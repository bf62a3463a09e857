"""A forecast in sentences and as what JSON holds; page, API and command tell the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lims.capacity.forecast.forecasting import Forecast, Spread, StationLoad, WhatIf
from lims.capacity.forecast.simulation import STATION_WORDS
from lims.msgid import N_

Sentence = tuple[str, Mapping[str, object]]

ADDED = N_("One more laboratory")

_GROWS = {
    "teams": N_("The sampling teams do not keep up: %(count)s more people wait for them every day."),
    "pooling": N_(
        "Pooling in %(laboratory)s does not keep up: %(count)s more samples wait for it every day."
    ),
    "reactions": N_(
        "The reactions of %(laboratory)s do not suffice: %(count)s more samples wait for them every day."
    ),
    "cyclers": N_(
        "The thermocyclers of %(laboratory)s do not suffice: %(count)s more samples wait every day."
    ),
    "confirmation": N_(
        "The confirmations of %(laboratory)s do not suffice: %(count)s more samples wait for them every day."
    ),
    "confirmation_cyclers": N_(
        "The thermocyclers for confirmation of %(laboratory)s do not suffice: %(count)s more samples wait every day."
    ),
    "stuck": N_("No laboratory may confirm: %(count)s more detected samples wait for it every day."),
}
_BUSY = {
    "teams": N_("Nothing grows. The sampling teams are closest to their limit: %(percent)s of their time."),
    "pooling": N_(
        "No queue grows. Closest to its limit is pooling in %(laboratory)s: %(percent)s of its time."
    ),
    "reactions": N_(
        "No queue grows. Closest to their limit are the reactions of %(laboratory)s: %(percent)s of its capacity."
    ),
    "cyclers": N_(
        "No queue grows. Closest to their limit are the thermocyclers of %(laboratory)s: %(percent)s of their time."
    ),
    "confirmation": N_(
        "No queue grows. Closest to their limit are the confirmations of %(laboratory)s: %(percent)s of its capacity."
    ),
    "confirmation_cyclers": N_(
        "No queue grows. Closest to their limit are the thermocyclers for confirmation of %(laboratory)s: "
        "%(percent)s of their time."
    ),
}
_NONE = N_("Nothing is a bottleneck: no station works for half of its time.")
CHANGES = {
    "shift": N_("One more shift in every laboratory"),
    "laboratory": N_("One more laboratory beside the busiest"),
    "pool_size": N_("Pools of %(size)s"),
}
_FEWER = N_("%(count)s fewer samples wait at the end.")
_MORE = N_("%(count)s more samples wait at the end.")
_SAME = N_("About as many samples wait at the end.")


def tell_bottleneck(told: Forecast, *, added: str = ADDED) -> Sentence:
    """Return the sentence that names the bottleneck.

    Args:
        told: the forecast.
        added: name of a laboratory that a what-if has added.
    """
    one = told.bottleneck
    if one is None:
        return _NONE, {}
    name = one.laboratory_name or added
    if told.bottleneck_word == "grows":
        return _GROWS[one.station], {"laboratory": name, "count": round(one.grows_per_day)}
    return _BUSY[one.station], {"laboratory": name, "percent": f"{100 * (one.utilisation or 0):.0f} %"}


def tell_change(one: WhatIf) -> Sentence:
    """Return the name of a change."""
    return CHANGES[one.change], {"size": one.pool_size}


def tell_effect(one: WhatIf) -> Sentence:
    """Return what a change would do; why it cannot be done, where it cannot."""
    if one.refusal is not None:
        return one.refusal.message, one.refusal.parameters
    difference = round(one.backlog.median or 0) if one.backlog else 0
    low, high = (one.backlog.low or 0, one.backlog.high or 0) if one.backlog else (0, 0)
    if low <= 0 <= high:
        return _SAME, {}
    return (_FEWER if difference < 0 else _MORE), {"count": abs(difference)}


def as_figures(told: Forecast) -> dict[str, Any]:
    """Return a forecast as what JSON holds."""
    bottleneck, words = tell_bottleneck(told)
    return {
        "seed": told.seed,
        "replications": told.replications,
        "what_if_replications": told.what_if_replications,
        "days": told.days,
        "samples_together": told.box_people,
        "standing": told.state.standing,
        "collected_per_day": round(told.state.collected_per_day, 1),
        "prevalence": told.assumptions.prevalence,
        "pool_size": told.assumptions.pool_size,
        "reactions_per_person": told.assumptions.reactions_per_person,
        "reactions_per_day": round(told.reactions_per_day, 1),
        "half_released_after_minutes": _round(told.half_of_standing),
        "most_released_after_minutes": _round(told.most_of_standing),
        "hours": [
            {
                "begins_after_minutes": one.begins_after,
                "hour": one.hour,
                "released": _round(one.released),
                "so_far": _round(one.so_far),
            }
            for one in told.hours
        ],
        "daily": [
            {
                "day": one.number,
                "collected": _round(one.collected),
                "released": _round(one.released),
                "backlog": _round(one.backlog),
            }
            for one in told.daily
        ],
        "bottleneck": {
            "word": told.bottleneck_word,
            "sentence": bottleneck % words,
            "station": told.bottleneck and told.bottleneck.station,
            "laboratory_id": told.bottleneck and told.bottleneck.laboratory,
        },
        "stations": [_station(one) for one in told.stations],
        "what_ifs": [
            {
                "change": one.change,
                "pool_size": one.pool_size,
                "refusal": None if one.refusal is None else str(one.refusal),
                "backlog": one.backlog and _round(one.backlog),
                "backlog_with": one.backlog_with and _round(one.backlog_with),
                "released_first_day": one.released_first_day and _round(one.released_first_day),
            }
            for one in told.what_ifs
        ],
        "checks": {"little_gap": told.little_gap, "in_is_out_and_inside": told.is_conserved},
    }


def _station(one: StationLoad) -> dict[str, Any]:
    return {
        "laboratory_id": one.laboratory,
        "laboratory": one.laboratory_name or (ADDED if one.laboratory else ""),
        "station": one.station,
        "utilisation": None if one.utilisation is None else round(one.utilisation, 4),
        "stood": round(one.stood),
        "stands": round(one.stands),
        "grows_per_day": round(one.grows_per_day, 1),
    }


def _round(spread: Spread) -> dict[str, float | None]:
    return {name: None if number is None else round(number, 1) for name, number in asdict(spread).items()}


def tell(told: Forecast) -> str:
    """Return a forecast as English text, for the command line."""
    bottleneck, words = tell_bottleneck(told)
    lines = [
        f"{told.state.standing} samples wait, about {told.state.collected_per_day:.0f} are collected a day.",
        f"{told.replications} runs of {told.days} days, seed {told.seed}.",
        bottleneck % words,
        "",
        "Released, by hour (median, in 8 of 10 runs between):",
    ]
    lines += [f"  {one.hour:02}:00 {_span(one.released)}, together {_span(one.so_far)}" for one in told.hours]
    lines += ["", "Without a result at the end of the day:"]
    lines += [f"  day {one.number}: {_span(one.backlog)}" for one in told.daily]
    lines += ["", "What a change would do:"]
    for one in told.what_ifs:
        (name, parameters), (effect, numbers) = tell_change(one), tell_effect(one)
        lines.append(f"  {name % parameters}: {effect % numbers}")
    lines += ["", "Busiest stations:"]
    lines += [
        f"  {STATION_WORDS[one.station]}"
        f"{', ' + (one.laboratory_name or ADDED) if one.laboratory else ''}: {one.utilisation:.0%}"
        for one in told.stations[:5]
        if one.utilisation is not None
    ]
    return "\n".join(lines)


def _span(spread: Spread) -> str:
    numbers = ["later" if one is None else f"{one:.0f}" for one in (spread.median, spread.low, spread.high)]
    return f"{numbers[0]} ({numbers[1]} to {numbers[2]})"
