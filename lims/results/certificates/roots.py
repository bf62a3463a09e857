"""A root as a folder of two files, and what it is needed for: making a signer where the folder is at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from lims import clock
from lims.auth.actors import Actor
from lims.errors import InvalidInput, Refused
from lims.results.certificates import authorities
from lims.results.certificates.actions.keys import install_key, request_key

KEY_FILE, CERTIFICATE_FILE = "root.key", "root.pem"
Root = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]


def save_root(folder: Path, *, organisation: str, passphrase: str) -> Root:
    """Make a root and write it into a folder; its key is readable for nobody else, and under the passphrase.

    Raises:
        InvalidInput: no name, or a longer one than 64 characters.
        Refused: the folder has a root already.
    """
    key, certificate = authorities.make_root(organisation=organisation, now=clock.now())
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_new(folder / KEY_FILE, authorities.write_private_key(key, passphrase=passphrase), mode=0o600)
    write_new(folder / CERTIFICATE_FILE, certificate.public_bytes(Encoding.PEM))
    return key, certificate


def open_root(folder: Path, *, passphrase: str) -> Root:
    """Return the root in a folder.

    Raises:
        InvalidInput: there is none, or another passphrase opens it.
    """
    for name in (KEY_FILE, CERTIFICATE_FILE):
        if not (folder / name).is_file():
            raise InvalidInput(
                "%(folder)s has no %(file)s. `lims keys root` makes a root.", folder=folder, file=name
            )
    key = authorities.read_private_key((folder / KEY_FILE).read_bytes(), passphrase=passphrase)
    return key, authorities.read_certificate((folder / CERTIFICATE_FILE).read_bytes())


def make_signer(
    *, actor: Actor, organisation: str, root: Root, days: int = authorities.SIGNER_DAYS
) -> dict[str, Any]:
    """Make a key, have its request signed, and install it; two actions, one after the other.

    Args:
        actor: administrator.
        organisation: who signs.
        root: of `open_root`.
        days: how long the signer's certificate is good.

    Returns:
        What `install_key` answers.
    """
    root_key, certificate = root
    asked = request_key(actor=actor, organisation=organisation)["request"]
    signed = authorities.sign_request(
        authorities.read_request(asked.encode()),
        root_key=root_key,
        root=certificate,
        now=clock.now(),
        days=days,
    )
    return install_key(
        actor=actor,
        certificate=signed.public_bytes(Encoding.PEM).decode("ascii"),
        root=certificate.public_bytes(Encoding.PEM).decode("ascii"),
    )


def write_new(file: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file that must not exist yet: no key is ever overwritten.

    Raises:
        Refused: it exists.
    """
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    except FileExistsError:
        raise Refused("%(file)s exists already and is left as it is. Name another one.", file=file) from None
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
