"""Whom a verifier trusts: certificates of signers, by key id, and of their roots. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from lims.results.certificates.signing import calculate_kid

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Trust:
    """The signers a verifier accepts.

    Args:
        signers: certificates by key id.
        roots: certificates that may sign others.
    """

    signers: dict[bytes, tuple[x509.Certificate, ...]]
    roots: tuple[x509.Certificate, ...]
    # what was found of a signer before: a signature each, as long as the one to be checked
    _found: dict[x509.Certificate, bool] = field(default_factory=dict, repr=False, compare=False)

    def signed_by_a_root(self, signer: x509.Certificate) -> bool:
        """Tell whether a signer's certificate was signed by its root, where that root is among the trusted ones.

        A folder may hold signers alone, as the EU's trust lists do; being in it is then what they are trusted for.
        """
        if signer not in self._found:
            named = [root for root in self.roots if root.subject == signer.issuer]
            self._found[signer] = not named or any(_was_issued_by(signer, root) for root in named)
        return self._found[signer]


def read_trust(files: Mapping[str, bytes]) -> tuple[Trust, list[str]]:
    """Return the trust in some PEM files, each with one certificate or several.

    Files without a certificate are passed over: a folder may hold other things. One certificate that cannot be read
    must not make all others unknown.

    Args:
        files: content by name.

    Returns:
        The trust, and the names of files with a certificate that cannot be read.
    """
    certificates: list[x509.Certificate] = []
    unread: list[str] = []
    for name, content in files.items():
        for pem in _PEM.findall(content):
            try:
                certificates.append(x509.load_pem_x509_certificate(pem))
            except ValueError:
                unread.append(name)
    return make_trust(certificates), list(dict.fromkeys(unread))


def make_trust(certificates: Sequence[x509.Certificate]) -> Trust:
    """Return the trust in some certificates."""
    signers: defaultdict[bytes, list[x509.Certificate]] = defaultdict(list)
    for certificate in certificates:
        signers[calculate_kid(certificate)].append(certificate)
    return Trust(
        signers={kid: tuple(found) for kid, found in signers.items()},
        roots=tuple(certificate for certificate in certificates if _may_sign_others(certificate)),
    )


def is_valid_at(certificate: x509.Certificate, at: datetime) -> bool:
    """Tell whether a certificate's own time includes a moment."""
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _may_sign_others(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _was_issued_by(signer: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        signer.verify_directly_issued_by(root)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True
