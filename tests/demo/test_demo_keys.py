"""The demonstration can show certificates: it has a key from its first start on, and keeps it."""

from __future__ import annotations

from results.certificates.made import NOW

from lims import clock
from lims.auth.actors import SYSTEM
from lims.demo.keys import FOLDER, PASSPHRASE, make_keys
from lims.extensions import db, vault
from lims.results.certificates.actions.keys import revoke_key
from lims.results.certificates.queries.keys import find_signer, list_keys
from lims.results.certificates.roots import make_signer, open_root


def test_a_key_is_made_once_and_can_be_rotated_with_the_open_passphrase(app, tmp_path):
    make_keys()
    first = find_signer(db.session(), vault=vault(), now=clock.now())
    make_keys()
    assert len(list_keys(db.session())) == 1
    db.session.rollback()
    root = open_root(tmp_path / FOLDER, passphrase=PASSPHRASE)
    made = make_signer(actor=SYSTEM, organisation="Thử", root=root)
    assert made["retired"] == first.kid.hex()


def test_a_root_of_before_is_taken_for_a_new_database_and_a_revoked_key_is_not_replaced(app, tmp_path):
    make_keys()
    before = (tmp_path / FOLDER / "root.pem").read_bytes()
    (key,) = list_keys(db.session())
    revoke_key(actor=SYSTEM, kid=key.kid.hex(), reason="thử")
    make_keys()
    assert (tmp_path / FOLDER / "root.pem").read_bytes() == before
    assert find_signer(db.session(), vault=vault(), now=clock.now()) is None


def test_it_says_that_it_is_worth_nothing(app):
    with clock.at(NOW):
        make_keys()
        signer = find_signer(db.session(), vault=vault(), now=NOW)
    assert "không có giá trị" in signer.organisation
