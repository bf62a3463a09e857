"""Certificates from the command line: any HC1 certificate is verified, without network and database."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lims import clock
from lims.commands.output import json_option, say
from lims.results.certificates.container import MOST_BYTES
from lims.results.certificates.examining import examine
from lims.results.certificates.refusals import NotValid
from lims.results.certificates.revocation_list import MOST_BYTES as MOST_OF_A_LIST
from lims.results.certificates.revocation_list import NOTHING_REVOKED, Revoked
from lims.results.certificates.trust import Trust, read_trust
from lims.results.certificates.verifying import verify_list

MOST_OF_A_FILE = 4 * 1024 * 1024


class Moment(click.ParamType[datetime]):
    """A moment as ISO 8601; without an offset it is UTC."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return an aware moment."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value).strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"“{value}” is not a time such as 2021-08-20T10:00:00+07:00.", param, ctx)


@click.group("certificate")
def certificate_group() -> None:
    """Verify certificates in the HC1 format, ours and others'.

    Example: lims certificate verify - --trust trust/ < qr.txt
    """


@certificate_group.command("verify")
@click.argument("text")
@click.option(
    "--trust",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with the PEM certificates of accepted signers, and of their roots.",
)
@click.option("--at", type=Moment(), help="When it is to hold, ISO 8601; now when left out.")
@click.option(
    "--revocations",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A signed revocation list (LR1:…), as `lims keys publish` writes it.",
)
@json_option
@click.pass_context
def verify_text(
    ctx: click.Context, text: str, folder: Path, at: datetime | None, revocations: Path | None, as_json: bool
) -> None:
    """Verify TEXT, what a reader finds in the QR (HC1:…); `-` reads it from standard input.

    Exits with 0 where it is valid, with 1 where it is not. A signer whose root is in the folder must be signed by it.

    Example: lims certificate verify "HC1:NCF…" --trust trust/ --at 2021-08-20T10:00:00+07:00 --json
    """
    trust, unread = read_trust(_read_folder(folder))
    revoked = _read_revocations(revocations, trust) if revocations else NOTHING_REVOKED
    if text == "-":
        text = sys.stdin.buffer.read(4 * MOST_BYTES).decode("utf-8", errors="replace")
    # the blank is a character of base45, but never the last one: its value is more than a last digit can be
    found = examine(text.strip(), trust=trust, at=at or clock.now(), revoked=revoked)
    found["revocations_made_at"] = revoked.made_at.isoformat() if revoked.made_at else None
    found["unread_files"] = unread
    say(found, as_json=as_json, sentence=lambda: _say(found))
    if not found["valid"]:
        ctx.exit(1)


def _read_folder(folder: Path) -> Mapping[str, bytes]:
    files = sorted(file for file in folder.iterdir() if file.is_file())
    return {file.name: file.read_bytes() for file in files if file.stat().st_size <= MOST_OF_A_FILE}


def _read_revocations(file: Path, trust: Trust) -> Revoked:
    """Return a list that a trusted signer has signed.

    Raises:
        click.ClickException: it is not to be believed; a certificate is then not verified at all.
    """
    with file.open("rb") as stream:
        text = stream.read(2 * MOST_OF_A_LIST).decode("ascii", errors="replace")
    try:
        return verify_list(text.strip(), trust=trust)
    except NotValid as error:
        raise click.ClickException(
            f"The revocation list {file} cannot be believed ({error.reason}). Take a new one from whoever publishes it."
        ) from error


def _say(found: Mapping[str, Any]) -> str:
    unread = f" Not read: {', '.join(found['unread_files'])}." if found["unread_files"] else ""
    if not found["valid"]:
        return f"Not valid ({found['reason']}): {found['message']}{unread}"
    return f"Valid until {found['expires_at']}, signed by {found['signer']} (key {found['kid']}).{unread}"
