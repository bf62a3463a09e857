"""A root, a signer and certificates for tests, without database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from lims import clock
from lims.intake.birth_dates import BirthDate
from lims.results.certificates.authorities import make_request, make_root, sign_request
from lims.results.certificates.issuing import Stamp, write_certificate
from lims.results.certificates.payload import Tested, name_test
from lims.results.certificates.signing import calculate_kid
from lims.results.certificates.trust import Trust, make_trust
from lims.results.certificates.uvci import make_uvci

ORGANISATION = "Trung tâm thử nghiệm"
NOW = datetime(2021, 8, 20, 3, 0, tzinfo=UTC)
TESTED = Tested(
    name="Nguyễn Thị Thử Nghiệm",
    born=BirthDate(1980, 2, 29),
    finding="not_detected",
    sampled_at=clock.local(NOW - timedelta(hours=10)),
    test=name_test(kit="Bộ xét nghiệm thử", pooled=10),
    laboratory="Phòng xét nghiệm thử",
    issuer=ORGANISATION,
)


@dataclass(frozen=True)
class Signer:
    """A signer with its root."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    root_key: ec.EllipticCurvePrivateKey
    root: x509.Certificate

    @property
    def trust(self) -> Trust:
        """Whom a verifier is to trust."""
        return make_trust([self.certificate, self.root])

    @property
    def kid(self) -> bytes:
        """The key's id."""
        return calculate_kid(self.certificate)

    def write(self, *, uvci: str = "", hours: int = 72, **changes: Any) -> str:
        """Return a certificate of a result; `changes` are fields of `Tested`."""
        tested = replace(TESTED, **changes)
        stamp = Stamp(uvci or make_uvci(), NOW, tested.sampled_at + timedelta(hours=hours))
        return write_certificate(tested, stamp, kid=self.kid, private_key=self.key)


def make_signer(*, organisation: str = ORGANISATION, at: datetime = NOW, days: int = 730) -> Signer:
    """Return a new signer under a new root, both made the day before."""
    now = at - timedelta(days=1)
    root_key, root = make_root(organisation=organisation, now=now)
    key, request = make_request(organisation=organisation)
    certificate = sign_request(request, root_key=root_key, root=root, now=now, days=days)
    return Signer(key, certificate, root_key, root)


@cache
def a_signer() -> Signer:
    """Return one signer for all tests that need no other."""
    return make_signer()
