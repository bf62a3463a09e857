"""Why a text is not a valid certificate: one error, one word for programs, one sentence for people. Pure."""

from __future__ import annotations

from typing import Any

from lims.errors import InvalidInput
from lims.msgid import N_

# reason → what is said
REASONS = {
    "prefix": N_("It does not begin with HC1:, so it is not a certificate."),
    "base45": N_("It has characters that a certificate cannot have, or is cut off."),
    "compression": N_("It cannot be unpacked: it is damaged or cut off."),
    "too_large": N_("It is far larger than a certificate."),
    "structure": N_("Its inside is not that of a certificate."),
    "algorithm": N_("It is signed in a way that is not accepted."),
    "unknown_signer": N_("It is signed by somebody who is not on the list of trusted signers."),
    "untrusted_signer": N_("Its signer's own certificate is not signed by its root."),
    "signer_expired": N_("Its signer's own certificate was not valid at that time."),
    "signature": N_("Its signature is wrong: it was changed or forged."),
    "key_usage": N_("Its signer may not sign certificates of this kind."),
    "not_yet_valid": N_("It was signed after that time."),
    "expired": N_("It is out of date."),
    "revoked": N_("It was revoked: the result was corrected or taken back."),
    "signer_revoked": N_("Its signer's key was revoked."),
}


class NotValid(InvalidInput):
    """A certificate does not hold; `reason` is a word of `REASONS`.

    Args:
        reason: why.
        claims: what was read before it failed, for showing; None where nothing could be read.
        kid: whose key it names, 8 bytes; None where none could be read.
    """

    code = "not_valid"

    def __init__(
        self, reason: str, *, claims: dict[Any, Any] | None = None, kid: bytes | None = None
    ) -> None:
        super().__init__(REASONS[reason], field="certificate")
        self.reason = reason
        self.claims = claims
        self.kid = kid
