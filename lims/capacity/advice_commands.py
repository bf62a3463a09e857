"""`lims capacity advise`: what a pool size costs at a prevalence, and where sizes change places. No database."""

from __future__ import annotations

from typing import Any

import click

from lims.capacity.advice import LEAST_FOUND, SIZES, Accuracy, Advice, Dilution, Measured, advise
from lims.commands.output import json_option, say
from lims.errors import InvalidInput
from lims.pooling.strategies import STRATEGIES


def _read_sizes(_context: click.Context, _option: click.Parameter, text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and len(part) <= 3 for part in parts):
        raise click.BadParameter(f"“{text[:40]}” is no list of sizes. Write them as in 1,5,10,20.")
    return tuple(map(int, parts))


@click.command("advise")
@click.option("--prevalence", type=float, required=True, help="Share infected, such as 0.01.")
@click.option("--low", type=float, help="Lower limit of its interval; without it the share is certain.")
@click.option("--high", type=float, help="Upper limit of its interval.")
@click.option("--sensitivity", type=float, default=1.0, show_default=True, help="Of one test alone.")
@click.option("--specificity", type=float, default=1.0, show_default=True, help="Of one test.")
@click.option(
    "--sizes",
    default=",".join(map(str, SIZES)),
    show_default=True,
    callback=_read_sizes,
    help="Pool sizes to compare.",
)
@click.option("--size", type=int, help="The one in use.")
@click.option("--reactions", type=int, help="Screening reactions a day; tells people a day.")
@click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    default="singles",
    show_default=True,
    help="How positive pools are resolved.",
)
@click.option(
    "--dilution", "dilutes", is_flag=True, help="Samples are mixed in the laboratory: pools lose weak ones."
)
@click.option("--cutoff", type=float, default=38.0, show_default=True, help="With --dilution: Ct cut-off.")
@click.option(
    "--least-found",
    type=float,
    default=LEAST_FOUND,
    show_default=True,
    help="Of what single tests find, what a size has to find to be advised.",
)
@json_option
def advise_command(
    prevalence: float,
    low: float | None,
    high: float | None,
    sensitivity: float,
    specificity: float,
    sizes: tuple[int, ...],
    size: int | None,
    reactions: int | None,
    strategy: str,
    dilutes: bool,
    cutoff: float,
    least_found: float,
    as_json: bool,
) -> None:
    """Tell how many reactions each person costs by pool size, and which size needs the fewest.

    Controls, repeats of invalid pools and confirmations are not counted. Nothing is changed.

    Example: lims capacity advise --prevalence 0.01 --sizes 1,5,10,20 --reactions 6186 --json
    """
    if reactions is not None and reactions < 1:
        raise InvalidInput(
            "No reactions a day test nobody. Enter at least 1, or leave it out.", field="reactions"
        )
    measured = Measured(prevalence, prevalence if low is None else low, prevalence if high is None else high)
    advice = advise(
        measured,
        sizes=sizes,
        test=Accuracy(sensitivity, specificity, strategy, Dilution(cutoff=cutoff) if dilutes else None),
        size=size,
        reactions=reactions or 0,
        least_found=least_found,
    )
    say(
        {"prevalence": prevalence, "reactions": reactions} | as_figures(advice),
        as_json=as_json,
        sentence=lambda: _tell(advice, reactions or 0),
    )


def as_figures(advice: Advice) -> dict[str, Any]:
    """Return an advice as what JSON holds; the API answers the same."""
    return {
        "best_size": advice.best,
        "size_in_use": advice.size,
        "advice": advice.word,
        "is_sure": advice.is_sure,
        "sizes": [
            {
                "size": cost.size,
                "reactions_per_person": cost.reactions,
                "reactions_per_person_low": cost.low,
                "reactions_per_person_high": cost.high,
                "reactions_per_person_diluted": cost.diluted,
                "found": cost.found,
                "finds_enough": cost.is_enough,
                "people_per_day": cost.people,
            }
            for cost in advice.costs
        ],
        "break_even": [
            {"smaller": one.smaller, "larger": one.larger, "prevalence": one.prevalence}
            for one in advice.break_even
        ],
        "freed_reactions": advice.freed,
        "freed_reactions_low": advice.freed_low,
        "freed_reactions_high": advice.freed_high,
        "more_people": advice.more_people,
    }


def _tell(advice: Advice, reactions: int) -> str:
    lines = [
        f"Pools of {cost.size}: {cost.reactions:.4f} reactions for each person"
        + (f", {cost.people} people a day" if reactions else "")
        + f"; {cost.found:.1%} of the infected are found"
        + ("." if cost.is_enough else ", too few to be advised.")
        for cost in advice.costs
    ]
    lines += [
        f"Pools of {one.larger} need more than pools of {one.smaller} above {one.prevalence:.2%} infected."
        for one in advice.break_even
        if one.prevalence is not None
    ]
    lines.append(f"The fewest reactions of those that find enough: pools of {advice.best}.")
    if not advice.is_sure:
        lines.append("It is not sure: another size is better somewhere within the interval.")
    return "\n".join(lines)
