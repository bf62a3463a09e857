"""Playing the campaign: batches of people, each brought through the actions as far as its last station.

The clock is turned back for each batch, so that the demonstration has a yesterday and a this morning. The same seed
gives the same people, findings and stages; codes and keys are drawn afresh each time.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from tqdm import tqdm

from lims import clock
from lims.capacity.counting.folding import fold_all
from lims.demo.batches import Batch, Invention
from lims.demo.messages import put_on_call, send_until_noon
from lims.demo.people import invent_people
from lims.demo.phones import enrol_phones
from lims.demo.province import LABORATORIES, PROVINCE_CODE, Setting, set_up
from lims.demo.stations import FOLLOW_UP_HOURS, FOLLOWED_UP, STATIONS
from lims.demo.trouble import FEWEST_PEOPLE, Trouble

PEOPLE, PREVALENCE, SEED = 600, 0.02, 2021
# A batch fills about one plate: 93 wells beside the controls, pools of ten and the people tested alone.
MOST_IN_BATCH = 700
SHARE_UNFINISHED = 0.55


@dataclass(frozen=True)
class Played:
    """What the demonstration made.

    Args:
        people: invented people.
        infected: how many a perfect test would find.
        batches: groups that went the way together.
        seconds: it took.
    """

    people: int
    infected: int
    batches: int
    seconds: float


def play(*, people: int, prevalence: float, seed: int, quiet: bool = False) -> Played:
    """Set up the province and play the campaign in an empty database.

    Args:
        people: how many, 1 or more.
        prevalence: share of the infected, 0 to 1.
        seed: of everything that chance decides.
        quiet: without a progress bar.

    Returns:
        Figures for the command that asked.
    """
    began = datetime.now(clock.ZONE)
    dice = random.Random(seed)
    invented = list(
        invent_people(count=people, prevalence=prevalence, seed=seed, province_code=PROVINCE_CODE)
    )
    with tqdm(total=people, disable=quiet or None, unit=" people", desc="Setting up", leave=False) as bar:
        with clock.at(clock.now() - timedelta(days=2)):
            setting = set_up()
            put_on_call(setting)
        batches = plan(setting, invented, dice)
        for batch in batches:
            bar.set_description(f"{batch.laboratory} {batch.last}")
            batch.play()
            bar.update(len(batch.people))
        trouble = Trouble(setting, dice) if people >= FEWEST_PEOPLE else None
        if trouble:
            bar.set_description("Trouble")
            trouble.play()
        enrol_phones(setting)
        send_until_noon()
        fold_all()
        if trouble:
            trouble.look()
            trouble.report()
    return Played(
        people=people,
        infected=sum(person.is_infected for person in invented),
        batches=len(batches),
        seconds=(datetime.now(clock.ZONE) - began).total_seconds(),
    )


def plan(setting: Setting, invented: Invention, dice: random.Random) -> list[Batch]:
    """Share people among batches, laboratories and communes.

    About half of the people, but at most one plate's worth for each station, are left on their way; all others are
    done, the positive ones followed up. Finished batches come first.

    Args:
        setting: where it is played.
        invented: everybody, in order.
        dice: the source of chance.
    """
    unfinished = [*STATIONS]
    waiting = min(MOST_IN_BATCH, max(1, math.ceil(len(invented) * SHARE_UNFINISHED / len(unfinished))))
    rest = list(invented)
    groups = []
    for last in unfinished:
        taken, rest = rest[:waiting], rest[waiting:]
        groups.append((last, taken))
    finished = [
        (FOLLOWED_UP, rest[start : start + MOST_IN_BATCH]) for start in range(0, len(rest), MOST_IN_BATCH)
    ]
    weights = [screening for _, _, screening, _ in LABORATORIES]
    codes = [code for code, _, _, _ in LABORATORIES]
    communes = dice.sample(list(setting.communes), len(setting.communes))
    batches = []
    for number, (last, group) in enumerate([*finished, *groups]):
        if not group:
            continue
        # the first two are those that the printed sign-ins see
        laboratory = codes[0] if last != FOLLOWED_UP and number % 2 else dice.choices(codes, weights)[0]
        wanted = max(1, min(len(group) // 8, math.ceil(len(communes) / (len(finished) + len(groups)))))
        some = [communes[(number * wanted + step) % len(communes)] for step in range(wanted)]
        if number % 2:
            some[0] = next(
                place for place in setting.communes if place.id in setting.actors["health_worker"].place_ids
            )
        batches.append(
            Batch(
                setting=setting,
                people=group,
                laboratory=laboratory,
                communes=some,
                last=last,
                starts_at=_start(last, number, len(finished)),
                dice=dice,
            )
        )
    return batches


def _start(last: str, number: int, finished: int) -> datetime:
    """Return when a batch declared: so that its last station was reached a little while ago."""
    if last == FOLLOWED_UP:
        back = STATIONS["released"] + FOLLOW_UP_HOURS + 1 + 20 * (1 - number / max(1, finished))
    else:
        back = STATIONS[last] + 0.3
    return clock.now() - timedelta(hours=back)
