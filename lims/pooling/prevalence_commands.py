"""Figures of pooling from the command line: how many are infected, and what a pool size costs. No database."""

from __future__ import annotations

from dataclasses import asdict

import click

from lims.commands.output import json_option, say
from lims.pooling.prevalence import PoolCounts, Prevalence, estimate_prevalence
from lims.pooling.strategies import STRATEGIES, best_size, expected_reactions, expected_sensitivity


@click.group("pooling")
def pooling_group() -> None:
    """Estimate how many are infected from findings of pools, and what a pool size costs.

    Example: lims pooling prevalence --pools 5,42,22
    """


def _read_pools(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> list[PoolCounts]:
    pools = []
    for text in texts:
        numbers = text.split(",")
        # ten digits hold every number allowed, and no text is turned into a number of a million digits
        if len(numbers) != 3 or not all(number.isdecimal() and len(number) <= 10 for number in numbers):
            raise click.BadParameter(f"“{text[:40]}” is not SIZE,TESTED,POSITIVE, such as 10,94,3.")
        pools.append(PoolCounts(*map(int, numbers)))
    return pools


@pooling_group.command("prevalence")
@click.option(
    "--pools",
    multiple=True,
    required=True,
    metavar="SIZE,TESTED,POSITIVE",
    callback=_read_pools,
    help="Pools of one size: people in each, pools tested, pools positive. Give it once for each size.",
)
@click.option("--confidence", type=float, default=0.95, show_default=True, help="Of the interval.")
@json_option
def prevalence(pools: list[PoolCounts], confidence: float, as_json: bool) -> None:
    """Estimate the share of infected people from the findings of pools.

    firth is the maximum likelihood estimate without its bias (Hepworth and Biggerstaff 2017), and the one to report;
    the interval is the skewness-corrected score interval. People are taken to be infected independently of each other.

    Example: lims pooling prevalence --pools 5,42,22 --pools 10,94,3 --json
    """
    estimated = estimate_prevalence(pools, confidence=confidence)
    say(asdict(estimated), as_json=as_json, sentence=lambda: _tell(estimated))


def _tell(estimated: Prevalence) -> str:
    interval = estimated.interval
    return (
        f"{estimated.people} people in {estimated.pools} pools: {estimated.firth:.4%} infected "
        f"({interval.confidence:.4g} interval {interval.low:.4%} to {interval.high:.4%}, {interval.method}; "
        f"maximum likelihood {estimated.mle:.4%})."
    )


@pooling_group.command("expected")
@click.option("--size", type=int, required=True, help="People in a pool, 1 to 20.")
@click.option("--prevalence", "share", type=float, required=True, help="Share infected, such as 0.01.")
@click.option("--sensitivity", type=float, default=1.0, show_default=True, help="Of one test.")
@click.option("--specificity", type=float, default=1.0, show_default=True, help="Of one test.")
@click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    default="singles",
    show_default=True,
    help="How positive pools are resolved.",
)
@json_option
def expected(
    size: int, share: float, sensitivity: float, specificity: float, strategy: str, as_json: bool
) -> None:
    """Tell how many reactions each person will cost, and which pool size would cost least.

    Controls, repeats of invalid pools and confirmations are not counted.

    Example: lims pooling expected --size 10 --prevalence 0.01 --strategy halves --json
    """
    figures = {
        "strategy": strategy,
        "size": size,
        "prevalence": share,
        "reactions_per_person": expected_reactions(
            strategy, size=size, prevalence=share, sensitivity=sensitivity, specificity=specificity
        ),
        "sensitivity": expected_sensitivity(strategy, size=size, sensitivity=sensitivity),
        "best_size": best_size(share, strategy=strategy, sensitivity=sensitivity, specificity=specificity),
    }
    say(
        figures,
        as_json=as_json,
        sentence=lambda: (
            f"Pools of {size}: {figures['reactions_per_person']:.4f} reactions for each person; of the infected "
            f"{figures['sensitivity']:.1%} are found. Pools of {figures['best_size']} would cost least."
        ),
    )
