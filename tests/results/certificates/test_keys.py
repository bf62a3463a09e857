"""`lims keys`: a root made apart, signers requested, signed, installed, replaced, published and taken back."""

from __future__ import annotations

import json
import stat
from contextvars import Context
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from engines import SECRET_KEY
from sqlalchemy import select

from lims import audit, clock
from lims.auth.actors import SYSTEM
from lims.cli import main
from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused, WrongState
from lims.extensions import db, vault
from lims.results.certificates import authorities
from lims.results.certificates.actions.keys import install_key, request_key, retire_key, revoke_key
from lims.results.certificates.models import SigningKey
from lims.results.certificates.publishing import write_revocations, write_trust
from lims.results.certificates.queries.keys import find_signer
from lims.results.certificates.trust import read_trust
from lims.results.certificates.verifying import verify_list

PASSPHRASE = "bốn từ dài và lạ"
ORGANISATION = "Trung tâm thử nghiệm"


@pytest.fixture
def lims(app, database_url, tmp_path):
    """Run a command on the test's database and return click's result."""
    environment = {
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url,
        "LIMS_INSTANCE": str(tmp_path),
        "DEMO": "",
        "LIMS_ROOT_PASSPHRASE": PASSPHRASE,
    }

    def run(*arguments: str, **more: str) -> Result:
        db.session.rollback()
        return Context().run(CliRunner().invoke, main, list(arguments), env={**environment, **more})

    return run


@pytest.fixture
def root(lims, tmp_path) -> Path:
    folder = tmp_path / "root"
    assert lims("keys", "root", "--organisation", ORGANISATION, "--out", str(folder)).exit_code == 0
    return folder


def read(answer: Result) -> Any:
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def make(lims, root: Path) -> str:
    """Make the first signer; return its kid."""
    return read(lims("keys", "make", "--organisation", ORGANISATION, "--root", str(root), "--json"))["kid"]


def test_a_roots_key_is_under_its_passphrase_and_never_overwritten(lims, root):
    key, certificate = (
        (root / "root.key").read_bytes(),
        x509.load_pem_x509_certificate((root / "root.pem").read_bytes()),
    )
    assert key.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert stat.S_IMODE((root / "root.key").stat().st_mode) == 0o600
    with pytest.raises(TypeError):
        load_pem_private_key(key, None)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    again = lims("keys", "root", "--organisation", ORGANISATION, "--out", str(root))
    assert (again.exit_code, "exists already" in again.stderr) == (1, True)
    assert (root / "root.key").read_bytes() == key


@pytest.mark.parametrize(
    ("passphrase", "organisation"), [("short", ORGANISATION), (PASSPHRASE, " "), (PASSPHRASE, "N" * 65)]
)
def test_a_root_wants_a_name_and_a_long_passphrase(lims, tmp_path, passphrase, organisation):
    answer = lims(
        "keys",
        "root",
        "--organisation",
        organisation,
        "--out",
        str(tmp_path / "r"),
        LIMS_ROOT_PASSPHRASE=passphrase,
    )
    assert answer.exit_code == 1
    assert not (tmp_path / "r" / "root.key").exists()


def test_a_signer_is_for_tests_only(lims, root):
    kid = make(lims, root)
    document = json.loads(write_trust(db.session()))
    (signer,) = document["signers"]
    assert (signer["kid"], signer["usages"]) == (kid, ["t"])
    certificate = db.session.scalars(select(SigningKey.certificate).where(SigningKey.state == "active")).one()
    usage = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(
        x509.ExtendedKeyUsage
    )
    assert ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in usage.value


def test_a_signer_never_outlives_its_root():
    now = clock.now()
    root_key, root = authorities.make_root(organisation=ORGANISATION, now=now)
    _key, asked = authorities.make_request(organisation=ORGANISATION)
    later = now + timedelta(days=365 * 3)
    signed = authorities.sign_request(asked, root_key=root_key, root=root, now=later)
    assert signed.not_valid_after_utc == root.not_valid_after_utc


def test_another_passphrase_opens_nothing_and_leaves_nothing(lims, root):
    answer = lims(
        "keys",
        "make",
        "--organisation",
        ORGANISATION,
        "--root",
        str(root),
        LIMS_ROOT_PASSPHRASE="một câu khác hẳn",
    )
    assert (answer.exit_code, "cannot be opened" in answer.stderr) == (1, True)
    assert read(lims("keys", "list", "--json")) == []


def test_the_private_half_is_sealed_and_goes_when_the_key_signs_no_more(lims, root):
    make(lims, root)
    db.session.rollback()
    row = db.session.scalars(select(SigningKey)).one()
    signer = find_signer(db.session(), vault=vault(), now=clock.now())
    number = signer.private_key.private_numbers().private_value.to_bytes(32)
    assert number not in row.private_sealed
    assert lims("keys", "rotate", "--root", str(root)).exit_code == 0
    db.session.rollback()
    states = dict(db.session.execute(select(SigningKey.state, SigningKey.private_sealed)).all())
    assert states["retired"] is None
    assert states["active"] is not None


def test_make_is_for_the_first_and_rotate_for_the_next(lims, root):
    early = lims("keys", "rotate", "--root", str(root))
    assert (early.exit_code, "`lims keys make`" in early.stderr) == (1, True)
    first = make(lims, root)
    twice = lims("keys", "make", "--organisation", ORGANISATION, "--root", str(root))
    assert (twice.exit_code, "`lims keys rotate`" in twice.stderr) == (1, True)
    answer = read(lims("keys", "rotate", "--root", str(root), "--json"))
    assert answer["retired"] == first
    states = {key["kid"]: key["state"] for key in read(lims("keys", "list", "--json"))}
    assert states == {first: "retired", answer["kid"]: "active"}


def test_with_the_root_elsewhere_request_sign_install(lims, root, tmp_path):
    request, signed = tmp_path / "signer.csr", tmp_path / "signer.pem"
    assert lims("keys", "request", "--organisation", ORGANISATION, "--out", str(request)).exit_code == 0
    assert b"PRIVATE" not in request.read_bytes()
    nowhere = {
        "DATABASE_URL": "sqlite:////nowhere/none.sqlite",
        "SECRET_KEY": "",
    }  # no database where the root is
    assert (
        lims("keys", "sign", str(request), "--root", str(root), "--out", str(signed), **nowhere).exit_code
        == 0
    )
    kid = read(lims("keys", "install", str(signed), "--root", str(root / "root.pem"), "--json"))["kid"]
    assert [key["kid"] for key in read(lims("keys", "list", "--json"))] == [kid]
    again = lims("keys", "install", str(signed), "--root", str(root / "root.pem"))
    assert (again.exit_code, "already active" in again.stderr) == (1, True)


def test_a_certificate_that_nobody_asked_for_or_that_another_root_signed_is_refused(app):
    now = clock.now() - timedelta(days=1)
    root_key, root = authorities.make_root(organisation=ORGANISATION, now=now)
    other_key, other = authorities.make_root(organisation=ORGANISATION, now=now)
    asked = authorities.read_request(request_key(actor=SYSTEM, organisation=ORGANISATION)["request"].encode())
    _key, strange = authorities.make_request(organisation=ORGANISATION)

    def sign(request, by=root_key, of=root, at=now, days=30) -> str:
        return pem(authorities.sign_request(request, root_key=by, root=of, now=at, days=days))

    for certificate, issuer, error in (
        (sign(strange), root, NotFound),
        (sign(asked, by=other_key, of=other), root, InvalidInput),
        (sign(asked, at=now - timedelta(days=31)), root, InvalidInput),
        (sign(asked, at=clock.now() + timedelta(hours=2)), root, InvalidInput),  # the root's clock is fast
        ("no certificate", root, InvalidInput),
    ):
        with pytest.raises(error):
            install_key(actor=SYSTEM, certificate=certificate, root=pem(issuer))
    assert find_signer(db.session(), vault=vault(), now=clock.now()) is None
    install_key(actor=SYSTEM, certificate=sign(asked), root=pem(root))


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(authorities.Encoding.PEM).decode()


def test_a_request_that_was_changed_or_of_another_kind_is_not_signed(app):
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.hashes import SHA256

    root_key, root = authorities.make_root(organisation=ORGANISATION, now=clock.now())
    name = x509.Name([])
    for key in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, SHA256())
        with pytest.raises(InvalidInput):
            authorities.sign_request(request, root_key=root_key, root=root, now=clock.now())
    with pytest.raises(InvalidInput):
        _key, request = authorities.make_request(organisation=ORGANISATION)
        authorities.sign_request(
            request, root_key=root_key, root=root, now=clock.now() + timedelta(days=2000)
        )


def test_what_a_key_may_become(lims, root):
    kid = make(lims, root)
    retire_key(actor=SYSTEM, kid=kid)
    with pytest.raises(AlreadyDone):
        retire_key(actor=SYSTEM, kid=kid)
    with pytest.raises(InvalidInput):
        revoke_key(actor=SYSTEM, kid=kid, reason="  ")
    with pytest.raises(Refused):
        revoke_key(actor=SYSTEM, kid=kid, reason="x" * 201)
    revoke_key(actor=SYSTEM, kid=kid, reason="mất")
    with pytest.raises(WrongState):
        retire_key(actor=SYSTEM, kid=kid)
    with pytest.raises(AlreadyDone):
        revoke_key(actor=SYSTEM, kid=kid, reason="mất")
    with pytest.raises(NotFound):
        revoke_key(actor=SYSTEM, kid="00" * 8, reason="mất")
    with pytest.raises(InvalidInput):
        revoke_key(actor=SYSTEM, kid="không phải", reason="mất")


def test_what_is_done_with_keys_stands_in_the_chain_of_custody(lims, root):
    first = make(lims, root)
    assert lims("keys", "rotate", "--root", str(root)).exit_code == 0
    assert lims("keys", "revoke", first, "--reason", "mất").exit_code == 0
    db.session.rollback()
    events = db.session.execute(
        select(audit.Event.verb, audit.Event.details).where(audit.Event.subject_kind == "signing_key")
    ).all()
    assert sorted(event.verb for event in events) == [
        "created", "created", "key_installed", "key_installed", "key_retired", "key_revoked",
    ]  # fmt: skip
    assert audit.verify(db.session(), vault=vault())[1] == []


def test_publishing_gives_verifiers_all_they_need_and_takes_away_what_holds_no_more(lims, root, tmp_path):
    folder = tmp_path / "trust"
    first = make(lims, root)
    second = read(lims("keys", "rotate", "--root", str(root), "--json"))["kid"]
    assert lims("keys", "publish", str(folder)).exit_code == 0
    (folder / "readme.txt").write_text("of somebody else")
    assert {file.name for file in folder.glob("signer-*.pem")} == {
        f"signer-{first}.pem",
        f"signer-{second}.pem",
    }
    trust, unread = read_trust({file.name: file.read_bytes() for file in folder.iterdir()})
    assert {kid.hex() for kid in trust.signers} >= {first, second}
    assert unread == []
    revoked = verify_list((folder / "revocations.txt").read_text(), trust=trust)
    assert (revoked.kids, revoked.certificates) == (frozenset(), frozenset())

    assert lims("keys", "revoke", first, "--reason", "mất").exit_code == 0
    said = read(lims("keys", "publish", str(folder), "--json"))
    assert said["removed"] == [f"signer-{first}.pem"]
    assert verify_list((folder / "revocations.txt").read_text(), trust=trust).kids == {bytes.fromhex(first)}
    assert [one["kid"] for one in json.loads((folder / "trust.json").read_bytes())["signers"]] == [second]

    assert lims("keys", "revoke", second, "--reason", "mất").exit_code == 0
    answer = lims("keys", "publish", str(folder))
    assert "there is no revocation list" in answer.stdout
    assert sorted(file.name for file in folder.iterdir()) == ["readme.txt", "trust.json"]
    db.session.rollback()
    with pytest.raises(Refused):
        write_revocations(db.session())


def test_the_trust_document_stays_the_same_while_no_key_changes(lims, root):
    make(lims, root)
    first = write_trust(db.session())
    with clock.at(datetime(2030, 1, 1, tzinfo=UTC)):
        assert write_trust(db.session()) == first
