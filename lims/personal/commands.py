"""`lims retention`: erase identities whose term is over, keep the list of whom, erase them again after a restore."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from lims.personal import retention


@click.group("retention")
def retention_group() -> None:
    """Erase identities when their campaign's term is over; counts, results and the chain of custody stay.

    Example: lims retention run --dry-run
    """


@retention_group.command("run")
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
@click.option(
    "--compact",
    is_flag=True,
    help="Then write the tables anew, so that no free page keeps what was erased. Needs room and a quiet hour.",
)
@with_appcontext
def run(dry_run: bool, compact: bool) -> None:
    """Erase what is due now: names, birth dates but the year, numbers, telephones, addresses, scans as they came.

    `lims worker` does the same every night. What is left of requests past their term is said on standard error.

    Example: lims retention run --dry-run
    """
    found = retention.count_due() if dry_run else retention.erase_due()
    verb = "Would erase" if dry_run else "Erased"
    click.echo(
        f"{verb} the identities of {found.people} people, the lists and scans of {found.campaigns} campaigns, "
        f"the refused rows of {found.lists} lists."
    )
    if compact and not dry_run:
        retention.write_anew()
        click.echo("The tables were written anew.")
    if found.overdue:
        click.echo(f"{found.overdue} requests of people about their data are past their term.", err=True)


@retention_group.command("list")
@with_appcontext
def list_erased() -> None:
    """Print whom has been erased, as keys without anything of them; keep the list beside the backups.

    Example: lims retention list > erased.txt
    """
    for line in retention.list_erased_lines():
        click.echo(line)


@retention_group.command("replay")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--compact", is_flag=True, help="Then write the tables anew, as with `lims retention run`.")
@with_appcontext
def replay(file: Path, compact: bool) -> None:
    """Erase again everybody on a list, after an older backup was restored.

    Example: lims retention replay erased.txt
    """
    found = retention.replay(file.read_text(encoding="utf-8").splitlines())
    if compact:
        retention.write_anew()
    click.echo(
        f"Erased again the identities of {found.people} people, the records of {found.campaigns} campaigns."
    )
