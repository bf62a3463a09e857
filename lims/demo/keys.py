"""The demonstration's signing key, so that result sheets carry their QR code. Its root has an open passphrase."""

from __future__ import annotations

from lims.auth.actors import SYSTEM
from lims.extensions import db, settings
from lims.results.certificates.queries.keys import list_keys
from lims.results.certificates.roots import CERTIFICATE_FILE, make_signer, open_root, save_root

ORGANISATION = "Thử nghiệm, không có giá trị (demonstration)"
PASSPHRASE = "demonstration only"  # noqa: S105  (open on purpose)
FOLDER = "demo-root"


def make_keys() -> None:
    """Make a root beside the data and a signer, where the database has no key yet."""
    made = bool(list_keys(db.session()))
    db.session.rollback()
    if made:
        return
    folder = settings().instance_path / FOLDER
    if (folder / CERTIFICATE_FILE).is_file():
        root = open_root(folder, passphrase=PASSPHRASE)
    else:
        root = save_root(folder, organisation=ORGANISATION, passphrase=PASSPHRASE)
    make_signer(actor=SYSTEM, organisation=ORGANISATION, root=root)
