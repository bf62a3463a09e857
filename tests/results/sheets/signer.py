"""A signing key for tests: requested, signed by a root of its own, installed through the actions; people's keys."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from lims import clock
from lims.extensions import db, vault
from lims.intake.models import Person
from lims.results.certificates.actions.keys import install_key, request_key
from lims.results.certificates.authorities import make_root, sign_request
from lims.results.certificates.trust import Trust, make_trust
from lims.transaction import writing

ORGANISATION = "Trung tâm thử nghiệm"


def install_signer(world, *, at: datetime | None = None) -> Trust:
    """Install a key that signs from now on; return whom a verifier is to trust."""
    actor, now = world.actor("administrator"), (at or clock.now()) - timedelta(days=1)
    request = request_key(actor=actor, organisation=ORGANISATION)["request"]
    root_key, root = make_root(organisation=ORGANISATION, now=now)
    signed = sign_request(x509.load_pem_x509_csr(request.encode()), root_key=root_key, root=root, now=now)
    install_key(actor=actor, certificate=_pem(signed), root=_pem(root))
    return make_trust([signed, root])


def give_keys() -> None:
    """Give everybody the key under which what is theirs is sealed; people of the bench's tests have none."""
    db.session.rollback()
    with writing() as session:
        for person in session.scalars(select(Person).where(Person.person_key.is_(None))):
            person.person_key = vault().new_person_key(person.id)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
