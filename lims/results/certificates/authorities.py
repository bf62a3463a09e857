"""Roots and signers: a root's key may live offline, in a file under a passphrase; it signs signers' requests. Pure.

Profile: eHN Electronic Health Certificate Specification 1.0.5, annex A: P-256, the root a CA, the signer's extended
key usage "test" only.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from lims.errors import InvalidInput
from lims.results.certificates.payload import COUNTRY

ROOT_YEARS = 4
SIGNER_DAYS = 730
SIGNS_TESTS = x509.ObjectIdentifier("1.3.6.1.4.1.1847.2021.1.1")
LONGEST_NAME = 64  # of an organisation in a certificate (X.520)


def make_root(*, organisation: str, now: datetime) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Return a new root's key and its certificate, good for four years.

    Args:
        organisation: who answers for it, at most 64 characters.
        now: aware moment.

    Raises:
        InvalidInput: no name, or a longer one.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(organisation, suffix=" CSCA")
    builder = _builder(name, name, key.public_key(), now, timedelta(days=365 * ROOT_YEARS + 1))
    usage = _key_usage(signs_certificates=True)
    certificate = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, SHA256())
    )
    return key, certificate


def make_request(*, organisation: str) -> tuple[ec.EllipticCurvePrivateKey, x509.CertificateSigningRequest]:
    """Return a new signer's key and the request that its root is to sign.

    Raises:
        InvalidInput: no name, or one longer than 64 characters.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(_name(organisation, suffix=" DSC"))
    return key, request.sign(key, SHA256())


def sign_request(
    request: x509.CertificateSigningRequest,
    *,
    root_key: ec.EllipticCurvePrivateKey,
    root: x509.Certificate,
    now: datetime,
    days: int = SIGNER_DAYS,
) -> x509.Certificate:
    """Return a signer's certificate: for tests only, never longer than its root's.

    Args:
        request: as it came; only its name and its public key are taken over.
        root_key, root: who signs.
        now: aware moment.
        days: how long it is good.

    Raises:
        InvalidInput: the request is not signed by its own key, or that is no P-256 key; or the root has ended.
    """
    key = request.public_key()
    if not (
        request.is_signature_valid
        and isinstance(key, ec.EllipticCurvePublicKey)
        and isinstance(key.curve, ec.SECP256R1)
    ):
        raise InvalidInput("The request was changed on its way. Make a new one.", field="request")
    left = root.not_valid_after_utc - now
    if left <= timedelta(0):
        raise InvalidInput("The root's own certificate has ended. Make a new root.", field="root")
    builder = _builder(request.subject, root.subject, key, now, min(timedelta(days=days), left))
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([SIGNS_TESTS]), critical=False)
        .add_extension(authority, critical=False)
        .sign(root_key, SHA256())
    )


def check_issued_by(signer: x509.Certificate, root: x509.Certificate) -> None:
    """Refuse a signer's certificate that another root has signed.

    Raises:
        InvalidInput: it was not signed by this one.
    """
    try:
        signer.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        raise InvalidInput("This certificate was not signed by that root.", field="certificate") from None


def write_private_key(key: ec.EllipticCurvePrivateKey, *, passphrase: str) -> bytes:
    """Return a key as PEM, encrypted (PKCS#8) under a passphrase."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))


def read_private_key(pem: bytes, *, passphrase: str) -> ec.EllipticCurvePrivateKey:
    """Return the key in a PEM file.

    Raises:
        InvalidInput: another passphrase, or no such key.
    """
    try:
        key = load_pem_private_key(pem, passphrase.encode())
    except (ValueError, TypeError):
        raise InvalidInput(
            "The root's key cannot be opened with this passphrase.", field="passphrase"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidInput("The root's key is of another kind; it must be on P-256.", field="root")
    return key


def read_certificate(pem: bytes) -> x509.Certificate:
    """Return the certificate in a PEM file.

    Raises:
        InvalidInput: there is none.
    """
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise InvalidInput("This file holds no certificate (PEM).", field="certificate") from None


def read_request(pem: bytes) -> x509.CertificateSigningRequest:
    """Return the request in a PEM file.

    Raises:
        InvalidInput: there is none.
    """
    try:
        return x509.load_pem_x509_csr(pem)
    except ValueError:
        raise InvalidInput("This file holds no request (PEM).", field="request") from None


def _name(organisation: str, *, suffix: str) -> x509.Name:
    organisation = organisation.strip()
    if not organisation or len(organisation) > LONGEST_NAME:
        raise InvalidInput(
            "Write who signs, with at most %(most)s characters.", field="organisation", most=LONGEST_NAME
        )
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, COUNTRY),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, organisation[: LONGEST_NAME - len(suffix)] + suffix),
        ]
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    lasts: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
