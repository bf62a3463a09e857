"""The chain of custody from the command line."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click
from flask.cli import with_appcontext

from lims import audit
from lims.commands.output import json_option, say
from lims.extensions import db, vault
from lims.transaction import writing


@click.group("audit")
def audit_group() -> None:
    """Verify or seal the chain of custody.

    Example: lims audit verify --json
    """


@audit_group.command("verify")
@click.option(
    "--seals",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Digests kept outside, as `lims audit seal --json` printed them, one a line.",
)
@json_option
@with_appcontext
def verify(seals: Path | None, as_json: bool) -> None:
    """Walk every line and every seal; name a changed, removed or added line and exit with 1.

    Example: lims audit verify --seals /mnt/other-disk/seals.jsonl
    """
    count, faults = audit.verify(db.session(), vault=vault())
    if seals:
        faults += audit.compare_seals(db.session(), kept=_read_kept(seals))
    named = [dataclasses.asdict(fault) for fault in faults]
    say(
        {"lines": count, "faults": named},
        as_json=as_json,
        sentence=f"{count} lines read, {len(faults)} faults.",
    )
    for fault in faults:
        click.echo(f"{fault.what}: {fault.subject}, line {fault.seq}", err=True)
    if faults:
        raise SystemExit(1)


def _read_kept(file: Path) -> dict[int, str]:
    """Return digest by number from lines of JSON; lines of a sealing that had nothing to seal are passed over."""
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        return {line["number"]: line["digest"] for line in lines if "number" in line}
    except (ValueError, TypeError, KeyError) as error:
        raise click.ClickException(
            f"{file} does not hold seals, one line of JSON each. Write it with `lims audit seal --json >> {file}`."
        ) from error


@audit_group.command("seal")
@json_option
@with_appcontext
def seal(as_json: bool) -> None:
    """Seal all lines that no seal covers yet; keep the printed digest outside this machine.

    Example: lims audit seal --json >> /mnt/other-disk/seals.jsonl
    """
    with writing() as session:
        made = audit.seal_events(session, vault=vault())
        figures = (
            {"number": made.number, "events": made.event_count, "digest": made.digest.hex()}
            if made
            else {"events": 0}
        )
    say(
        figures,
        as_json=as_json,
        sentence=f"Seal {figures['number']} over {figures['events']} lines: {figures['digest']}"
        if made
        else "Nothing to seal.",
        one_line=True,
    )
