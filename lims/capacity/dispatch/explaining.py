"""Why a box goes where it goes, in one sentence: when it is done there, and what the next best would cost. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lims.capacity.dispatch.finishing import UNFINISHED, Choice, Queue, Stay, collect_arrivals
from lims.capacity.dispatch.hours import EDGES
from lims.capacity.dispatch.problem import Bench, Box, Laboratory, find_open
from lims.msgid import N_

SENTENCES: Mapping[str, str] = {
    "only": N_("To %(laboratory)s: tested by %(done)s; no other laboratory can take it now."),
    "waits": N_(
        "To %(laboratory)s: tested by %(done)s; %(other)s would be %(age)s later because %(count)s samples wait "
        "there."
    ),
    "road": N_(
        "To %(laboratory)s: tested by %(done)s; %(other)s would be %(age)s later because the way there takes "
        "%(count)s minutes."
    ),
    "hours": N_(
        "To %(laboratory)s: tested by %(done)s; %(other)s would be %(age)s later because it is closed for part of "
        "that time."
    ),
    "slower": N_(
        "To %(laboratory)s: tested by %(done)s; %(other)s would be %(age)s later because it tests fewer samples an "
        "hour."
    ),
    "same": N_("To %(laboratory)s: tested by %(done)s; %(other)s would be as quick."),
    "others": N_(
        "To %(laboratory)s: tested by %(done)s; %(other)s would be %(age)s earlier for this box, but all boxes "
        "together would be later."
    ),
    "unfinished": N_("To %(laboratory)s: not tested within 30 days; too much waits everywhere."),
}
"""Why not the next best laboratory."""

CHOSEN: Mapping[str, str] = {
    "only": N_(
        "To %(laboratory)s, as chosen by hand: tested by %(done)s; no other laboratory can take it now."
    ),
    "later": N_(
        "To %(laboratory)s, as chosen by hand: tested by %(done)s; %(other)s would be %(age)s later."
    ),
    "same": N_("To %(laboratory)s, as chosen by hand: tested by %(done)s; %(other)s would be as quick."),
    "others": N_(
        "To %(laboratory)s, as chosen by hand: tested by %(done)s; %(other)s would be %(age)s earlier."
    ),
    "unfinished": N_("To %(laboratory)s, as chosen by hand: not tested within 30 days."),
}
"""The same for a box for which somebody has chosen."""

LEFT: Mapping[str, str] = {
    "no_laboratory": N_("There is no laboratory that it could go to. Keep it cool at the site."),
    "no_way": N_("Only the laboratory that it comes from is there. Keep it cool."),
    "no_right": N_(
        "It carries tubes to be confirmed, and no laboratory with the right to confirm is there. Keep it cool."
    ),
    "closed": N_("Every laboratory that could take it is closed. Keep it cool until one is opened again."),
    "no_capacity": N_(
        "No laboratory that could take it has any capacity. Enter the reactions a day and the opening hours."
    ),
}
"""Why a box goes nowhere."""

WORDS = (*SENTENCES, "later", *LEFT)
"""All that a line of a plan may say."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a box goes and why.

    Args:
        box_id: the box.
        laboratory_id: where it goes.
        done: when its last sample is tested, in minutes from now; None: not until the horizon.
        word: key of `SENTENCES`, or of `CHOSEN` where somebody has chosen.
        other_id: the next best laboratory for this box; None where there is none.
        minutes: how much later or earlier it would be done there, 0 or more; None where it would not be done.
        number: samples that wait there, or minutes of the way.
    """

    box_id: uuid.UUID
    laboratory_id: uuid.UUID
    done: float | None
    word: str
    other_id: uuid.UUID | None = None
    minutes: float = 0.0
    number: int = 0


def explain(boxes: Sequence[Box], laboratories: Sequence[Laboratory], choice: Choice) -> list[Explanation]:
    """Return the explanation of each box that goes somewhere, in their order.

    Args:
        boxes: all boxes.
        laboratories: all that there are.
        choice: box → laboratory.
    """
    by_id = {one.id: one for one in laboratories}
    queues = {
        (key, kind): Queue(bench, sent, key)
        for (key, kind), sent in collect_arrivals(boxes, laboratories, choice).items()
        if (bench := by_id[key].bench(kind)) is not None
    }
    found = []
    for box in boxes:
        if box.id not in choice:
            continue
        keys = [choice[box.id], *(one.id for one in find_open(box, laboratories))]
        stays = {key: queues[key, box.confirms].stay(box) for key in dict.fromkeys(keys)}
        found.append(_explain(box, by_id, choice[box.id], stays))
    return found


def _explain(
    box: Box, by_id: Mapping[uuid.UUID, Laboratory], chosen: uuid.UUID, stays: Mapping[uuid.UUID, Stay]
) -> Explanation:
    mine = stays[chosen]
    by_hand = box.fixed == chosen
    if mine.done >= UNFINISHED:
        return Explanation(box.id, chosen, None, "unfinished")
    others = [(stay.done, box.minutes[key], str(key), key) for key, stay in stays.items() if key != chosen]
    if not others:
        return Explanation(box.id, chosen, mine.done, "only")
    done, _minutes, _text, other = min(others)
    if done >= UNFINISHED:
        return Explanation(box.id, chosen, mine.done, "only")
    later = done - mine.done
    number = 0
    if later == 0:
        word = "same"
    elif later < 0:
        word = "others"
    elif by_hand:
        word = "later"
    else:
        word, number = _find_reason(box, by_id, chosen, other, mine, stays[other])
    return Explanation(box.id, chosen, mine.done, word, other, abs(later), number)


def _find_reason(
    box: Box,
    by_id: Mapping[uuid.UUID, Laboratory],
    chosen: uuid.UUID,
    other: uuid.UUID,
    mine: Stay,
    theirs: Stay,
) -> tuple[str, int]:
    """Return what costs most of the difference to another laboratory, and its number."""
    here, there = by_id[chosen].bench(box.confirms), by_id[other].bench(box.confirms)
    if here is None or there is None:
        return "slower", 0
    pace_here, pace_there = _find_pace(here), _find_pace(there)
    costs = {
        "waits": theirs.ahead / pace_there - mine.ahead / pace_here,
        "road": box.minutes[other] - box.minutes[chosen],
        "slower": box.samples / pace_there - box.samples / pace_here,
    }
    whole = (theirs.done - mine.done) - sum(costs.values())
    word = max({**costs, "hours": whole}.items(), key=lambda item: item[1])[0]
    return word, {"waits": round(theirs.ahead), "road": round(box.minutes[other])}.get(word, 0)


def _find_pace(bench: Bench) -> float:
    """Return the samples that a bench tests in a minute in which it is open: the fastest of its steps."""
    return float((bench.capacities / (EDGES[1:] - EDGES[:-1])).max())
