"""Enrolment codes, signatures of phones, and what is sealed to the server: every key of field collection.

Curves and forms are those that WebCrypto has in every browser: P-256, raw signatures of 64 bytes, points of 65.
"""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lims.errors import InvalidInput
from lims.msgid import N_
from lims.vault import Vault

CURVE = ec.SECP256R1()
# Order of the group of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3); private keys are 1 to this less one.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
POINT_BYTES = 65
SIGNATURE_BYTES = 64
FILE_INFO = b"lims field file v1"
UNREADABLE_FILE = N_("This is not a hand-over file of a phone, or it is damaged. Save it on the phone again.")
NOT_OURS = N_(
    "This hand-over file was made for another installation or was changed on its way. Nothing was taken from it."
)


def enrolment_code(vault: Vault, enrolment_id: uuid.UUID) -> str:
    """Return the code behind an enrolment's QR, the same each time, so that a sheet can be printed again.

    Returns:
        43 characters of base64url, 256 bits.
    """
    digest = vault.digest(str(enrolment_id), purpose="enrolment")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def read_point(text: str, *, field: str) -> bytes:
    """Return a public key of P-256 as its uncompressed point, 65 bytes.

    Args:
        text: base64.
        field: name of the input, for the error.

    Raises:
        InvalidInput: it is no point of the curve.
    """
    try:
        point = base64.b64decode(text, validate=True)
        if len(point) != POINT_BYTES:
            raise ValueError("length")
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)
    except (ValueError, binascii.Error):
        raise InvalidInput(
            "This phone's key cannot be read. Scan the coordinator's QR again.", field=field
        ) from None
    return point


def is_signed(text: str, signature: str, *, public_key: bytes) -> bool:
    """Tell whether a phone signed a text.

    Args:
        text: as signed, of any length.
        signature: base64 of r and s, 32 bytes each.
        public_key: the phone's point, 65 bytes.
    """
    try:
        raw = base64.b64decode(signature, validate=True)
        if len(raw) != SIGNATURE_BYTES:
            return False
        pair = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public_key)
        key.verify(pair, text.encode(), ec.ECDSA(SHA256()))
    except (ValueError, binascii.Error, InvalidSignature):
        return False
    return True


def server_key(vault: Vault) -> ec.EllipticCurvePrivateKey:
    """Return the installation's key that hand-over files are sealed to, derived from its secret."""
    number = int.from_bytes(vault.digest("ecdh-p256", purpose="field-file-key"))
    return ec.derive_private_key(number % (ORDER - 1) + 1, CURVE)


def server_point(vault: Vault) -> str:
    """Return the public half of `server_key` as base64 of its point."""
    point = server_key(vault).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.b64encode(point).decode()


def open_file(vault: Vault, text: str) -> dict[str, Any]:
    """Open a hand-over file.

    Args:
        vault: keyed work of this installation.
        text: the whole file, as docs/field.md describes it.

    Returns:
        `device`, `made_at` and `slips`, as the phone wrote them; nothing in it is trusted yet.

    Raises:
        InvalidInput: it is no such file, was changed, or was sealed to another installation.
    """
    try:
        outer = json.loads(text)
        ephemeral = base64.b64decode(outer["ephemeral"], validate=True)
        nonce = base64.b64decode(outer["iv"], validate=True)
        sealed = base64.b64decode(outer["sealed"], validate=True)
        peer = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, ephemeral)
        if outer["v"] != 1 or len(nonce) != 12:
            raise ValueError("version")
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise InvalidInput(UNREADABLE_FILE, field="file") from None
    shared = server_key(vault).exchange(ec.ECDH(), peer)
    key = HKDF(algorithm=SHA256(), length=32, salt=bytes(32), info=FILE_INFO).derive(shared)
    try:
        content = json.loads(AESGCM(key).decrypt(nonce, sealed, None))
    except InvalidTag:
        raise InvalidInput(NOT_OURS, field="file") from None
    except (ValueError, RecursionError):
        raise InvalidInput(UNREADABLE_FILE, field="file") from None
    if not isinstance(content, dict) or not isinstance(content.get("slips"), list):
        raise InvalidInput(UNREADABLE_FILE, field="file")
    return content
