"""Signing keys from the command line: a root made apart, signers made, replaced, published and taken back.

`root` and `sign` need no database: they are meant for a machine without network.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from cryptography.hazmat.primitives.serialization import Encoding
from flask.cli import with_appcontext

from lims import clock
from lims.auth.actors import SYSTEM
from lims.commands.output import json_option, say
from lims.extensions import db
from lims.results.certificates import authorities
from lims.results.certificates.actions.keys import install_key, request_key, retire_key, revoke_key
from lims.results.certificates.models import SigningKey
from lims.results.certificates.publishing import DOCUMENT_FILE, REVOCATIONS_FILE, publish
from lims.results.certificates.queries.keys import find_active, list_keys
from lims.results.certificates.roots import (
    CERTIFICATE_FILE,
    KEY_FILE,
    make_signer,
    open_root,
    save_root,
    write_new,
)

SHORTEST_PASSPHRASE = 12
SOON = timedelta(days=60)
_PUBLISHED = re.compile(r"(signer|root)-[0-9a-f]{16}\.pem")

folder_option = click.option(
    "--root",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help=f"Folder with {KEY_FILE} and {CERTIFICATE_FILE}, as `lims keys root` makes it.",
)
organisation_option = click.option(
    "--organisation", required=True, help="Who signs, at most 64 characters; certificates name it."
)
days_option = click.option(
    "--days",
    default=authorities.SIGNER_DAYS,
    show_default=True,
    type=click.IntRange(1, 365 * authorities.ROOT_YEARS),
    help="How long the signer's certificate is good; never longer than its root's.",
)


def _passphrase_option(*, twice: bool = False) -> Callable[[Any], Any]:
    return click.option(
        "--passphrase",
        envvar="LIMS_ROOT_PASSPHRASE",
        prompt="Passphrase of the root's key",
        hide_input=True,
        confirmation_prompt=twice,
        help="Asked for when left out; LIMS_ROOT_PASSPHRASE for scripts.",
    )


@click.group("keys")
def keys_group() -> None:
    """Make, replace, publish and revoke the keys that sign certificates.

    Example: lims keys list
    """


@keys_group.command("root")
@organisation_option
@click.option("--out", "folder", required=True, type=click.Path(file_okay=False, path_type=Path))
@_passphrase_option(twice=True)
def make_root(organisation: str, folder: Path, passphrase: str) -> None:
    """Make a root: its key under a passphrase, and its certificate, good for four years. Needs no database.

    Do it on a machine without network, and keep the folder there.

    Example: lims keys root --organisation "Sở Y tế" --out /media/usb/root
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise click.ClickException(f"The passphrase needs at least {SHORTEST_PASSPHRASE} characters.")
    save_root(folder, organisation=organisation, passphrase=passphrase)
    click.echo(
        f"{folder / KEY_FILE} is the root's key: keep it apart. {folder / CERTIFICATE_FILE} may be given to anybody."
    )


@keys_group.command("make")
@organisation_option
@folder_option
@days_option
@_passphrase_option()
@json_option
@with_appcontext
def make(organisation: str, folder: Path, days: int, passphrase: str, as_json: bool) -> None:
    """Make the first signer, where the root's folder is at hand: request, sign and install in one.

    Example: lims keys make --organisation "Sở Y tế" --root /media/usb/root
    """
    if find_active(db.session()) is not None:
        raise click.ClickException("A key signs already. `lims keys rotate` replaces it.")
    root = open_root(folder, passphrase=passphrase)
    made = make_signer(actor=SYSTEM, organisation=organisation, root=root, days=days)
    _say_installed(made, as_json=as_json)


@keys_group.command("rotate")
@folder_option
@days_option
@_passphrase_option()
@json_option
@with_appcontext
def rotate(folder: Path, days: int, passphrase: str, as_json: bool) -> None:
    """Replace the signer by a new one of the same name; what the old one signed stays valid, its key is destroyed.

    Example: lims keys rotate --root /media/usb/root
    """
    active = find_active(db.session())
    if active is None:
        raise click.ClickException("No key signs yet. `lims keys make` makes the first.")
    root = open_root(folder, passphrase=passphrase)
    made = make_signer(actor=SYSTEM, organisation=active.name, root=root, days=days)
    _say_installed(made, as_json=as_json)


@keys_group.command("request")
@organisation_option
@click.option("--out", "file", type=click.Path(dir_okay=False, path_type=Path), help="Printed when left out.")
@with_appcontext
def request(organisation: str, file: Path | None) -> None:
    """Make a key here and the request that the root is to sign elsewhere; the key itself never leaves the database.

    Example: lims keys request --organisation "Sở Y tế" --out signer.csr
    """
    made = request_key(actor=SYSTEM, organisation=organisation)["request"]
    if file is None:
        click.echo(made, nl=False)
        return
    write_new(file, made.encode())
    click.echo(f"{file}: have it signed (`lims keys sign`), then `lims keys install` its certificate.")


@keys_group.command("sign")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@folder_option
@days_option
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@_passphrase_option()
def sign(file: Path, folder: Path, days: int, out: Path, passphrase: str) -> None:
    """Sign the request in FILE by the root. Needs no database.

    Example: lims keys sign signer.csr --root /media/usb/root --out signer.pem
    """
    root_key, root = open_root(folder, passphrase=passphrase)
    asked = authorities.read_request(file.read_bytes())
    signed = authorities.sign_request(asked, root_key=root_key, root=root, now=clock.now(), days=days)
    write_new(out, signed.public_bytes(Encoding.PEM))
    click.echo(f"{out}: good until {signed.not_valid_after_utc.isoformat()}.")


@keys_group.command("install")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--root",
    "root_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"The root's certificate, {CERTIFICATE_FILE}.",
)
@json_option
@with_appcontext
def install(file: Path, root_file: Path, as_json: bool) -> None:
    """Take in the signed certificate in FILE: its key signs from now on, the one before no more.

    Example: lims keys install signer.pem --root root.pem
    """
    certificate, root = (one.read_text(encoding="ascii", errors="replace") for one in (file, root_file))
    installed = install_key(actor=SYSTEM, certificate=certificate, root=root)
    _say_installed(installed, as_json=as_json)


@keys_group.command("list")
@json_option
@with_appcontext
def list_all(as_json: bool) -> None:
    """List the keys, the newest first.

    Example: lims keys list --json
    """
    keys = list_keys(db.session())
    say(
        [_describe(key) for key in keys],
        as_json=as_json,
        sentence=lambda: "\n".join(map(_line, keys)) or "No key. `lims keys make` makes the first.",
    )


@keys_group.command("publish")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@json_option
@with_appcontext
def publish_all(folder: Path, as_json: bool) -> None:
    """Write what verifiers need into FOLDER: PEM certificates, trust.json, revocations.txt; what no longer holds goes.

    Example: lims keys publish /srv/trust
    """
    published = publish(db.session())
    files = {**published.certificates, DOCUMENT_FILE: published.document}
    if published.revocations is not None:
        files[REVOCATIONS_FILE] = published.revocations
    folder.mkdir(parents=True, exist_ok=True)
    gone = [name for name in _list_published(folder) if name not in files]
    for name in gone:
        (folder / name).unlink()
    for name, content in files.items():
        _write_over(folder / name, content)
    no_list = "" if published.revocations else " No key signs now, so there is no revocation list."
    say(
        {"folder": str(folder), "written": sorted(files), "removed": gone},
        as_json=as_json,
        sentence=f"{len(files)} files written to {folder}, {len(gone)} removed.{no_list}",
    )


@keys_group.command("retire")
@click.argument("kid")
@with_appcontext
def retire(kid: str) -> None:
    """Let the key KID sign no more; what it signed stays valid.

    Example: lims keys retire 1f2e3d4c5b6a7988
    """
    retire_key(actor=SYSTEM, kid=kid)
    click.echo(f"{kid} signs no more; what it signed stays valid.")


@keys_group.command("revoke")
@click.argument("kid")
@click.option("--reason", required=True, help="Why, at most 200 characters; stays in the record.")
@json_option
@with_appcontext
def revoke(kid: str, reason: str, as_json: bool) -> None:
    """Take back the key KID, which somebody else may have, with every certificate that it signed.

    Then make a new one, and publish. People get new certificates when they next ask.

    Example: lims keys revoke 1f2e3d4c5b6a7988 --reason "server stolen"
    """
    answer = revoke_key(actor=SYSTEM, kid=kid, reason=reason)
    say(
        answer,
        as_json=as_json,
        sentence=f"{kid} is revoked, with {answer['certificates']} certificates. Make a new key, then publish.",
    )


def _say_installed(installed: dict[str, Any], *, as_json: bool) -> None:
    before = (
        f" {installed['retired']} is retired; what it signed stays valid." if installed["retired"] else ""
    )
    say(installed, as_json=as_json, sentence=f"The key {installed['kid']} signs from now on.{before}")


def _describe(key: SigningKey) -> dict[str, Any]:
    moments = ("made_at", "not_before", "not_after", "ended_at")
    return {
        "kid": key.kid.hex() if key.kid else None,
        "organisation": key.name,
        "state": key.state,
        **{name: moment.isoformat() if (moment := getattr(key, name)) else None for name in moments},
        "end_reason": key.end_reason or None,
    }


def _line(key: SigningKey) -> str:
    until = f", until {key.not_after:%Y-%m-%d}" if key.not_after else ""
    soon = key.state == "active" and key.not_after is not None and key.not_after - clock.now() < SOON
    reason = f" ({key.end_reason})" if key.end_reason else ""
    waits = "waits for its certificate" if key.kid is None else key.kid.hex()
    return f"{waits}: {key.name}, {key.state}{until}{reason}{'. It ends soon: rotate it.' if soon else ''}"


def _list_published(folder: Path) -> list[str]:
    """Return which files of a folder an earlier publication has written and this one may remove."""
    names = sorted(file.name for file in folder.iterdir())
    return [name for name in names if _PUBLISHED.fullmatch(name) or name == REVOCATIONS_FILE]


def _write_over(file: Path, content: bytes) -> None:
    """Replace a file as a whole, so that nobody reads half of it."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_bytes(content)
    beside.replace(file)
