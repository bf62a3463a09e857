"""`lims exports`: is a file that was exported whole, and who took it?"""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from lims import clock
from lims.errors import InvalidInput
from lims.exports.checking import check_file
from lims.exports.queries.written import find_export_by_hash
from lims.extensions import db


@click.group("exports")
def exports_group() -> None:
    """Check files that were exported.

    Example: lims exports check people-20260816-0600-an.csv
    """


@exports_group.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def check(file: Path) -> None:
    """Say whether a CSV or NDJSON file is whole, how many rows it has, and who took it when.

    Exits with 1 if the file was cut off or changed.

    Example: lims exports check people-20260816-0600-an.csv
    """
    try:
        with file.open("rb") as lines:
            whole = check_file(lines)
    except InvalidInput as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Whole: {whole.rows} rows, SHA-256 {whole.sha256.hex()}.")
    known = find_export_by_hash(db.session(), sha256=whole.sha256)
    if known is None:
        click.echo("This installation did not write it.")
        return
    who = known.asked_by.display_name if known.asked_by else "system"
    click.echo(f"Written here by {who} on {clock.local(known.asked_at):%Y-%m-%d %H:%M}, {known.kind}.")
