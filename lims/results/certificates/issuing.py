"""Making one certificate: from what is certified to the text of its QR, and whether an older one still says the same.

Pure: the signer and the moment are handed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from lims.results.certificates.container import pack, read_claims, read_cose, unpack
from lims.results.certificates.payload import Tested, build_claims, encode_claims, split_name
from lims.results.certificates.signing import sign
from lims.results.certificates.verifying import get_content


@dataclass(frozen=True)
class Stamp:
    """What makes a certificate itself.

    Args:
        uvci: its identifier.
        issued_at, expires_at: aware moments.
    """

    uvci: str
    issued_at: datetime
    expires_at: datetime


def write_certificate(
    tested: Tested, stamp: Stamp, *, kid: bytes, private_key: ec.EllipticCurvePrivateKey
) -> str:
    """Return the text of a certificate; the same for the same arguments.

    Raises:
        ValueError: a finding that is never certified.
    """
    claims = build_claims(tested, uvci=stamp.uvci, issued_at=stamp.issued_at, expires_at=stamp.expires_at)
    return pack(sign(encode_claims(claims), kid=kid, private_key=private_key))


def says_the_same(text: str, tested: Tested) -> bool:
    """Tell whether a certificate of ours still names the person as they are named now.

    Names and birth dates are corrected; what was tested, where and when is a new version of the result.
    """
    content = get_content(read_claims(read_cose(unpack(text)).payload))
    return content.get("nam") == split_name(tested.name) and content.get("dob") == tested.born.iso
