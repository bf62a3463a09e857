"""States of a signing key, and for which results there is a certificate. Pure."""

from __future__ import annotations

from lims.states import States

SIGNING_KEY = States(
    "signing_key",
    {
        "requested": ("active", "revoked"),
        "active": ("retired", "revoked"),
        "retired": ("revoked",),
        "revoked": (),
    },
)
STATES = (SIGNING_KEY,)

# Nobody is given a certificate of a test that found nothing clear.
CERTIFIED_FINDINGS = frozenset({"detected", "not_detected"})
