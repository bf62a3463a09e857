"""The outside vectors (shared data, eu-digital-green-certificates/dgc-testdata): where they are and what they hold."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from lims.results.certificates.trust import Trust, make_trust

FOLDER = Path(__file__).parents[4] / "shared/data/dcc"


@dataclass(frozen=True)
class Vector:
    """One vector; `name` is its path without "2DCode/raw" and its ending, as FR/test_pcr_ok."""

    name: str
    fields: dict[str, Any]

    @property
    def expected(self) -> dict[str, bool]:
        """What must succeed (true) and fail (false), without the steps that are for makers of certificates."""
        return {
            step: wanted
            for step, wanted in self.fields["EXPECTEDRESULTS"].items()
            if wanted is not None and step not in ("EXPECTEDVALIDOBJECT", "EXPECTEDENCODE")
        }

    @property
    def certificate(self) -> x509.Certificate:
        """Who is said to have signed."""
        return x509.load_der_x509_certificate(base64.b64decode(self.fields["TESTCTX"]["CERTIFICATE"]))

    @property
    def trust(self) -> Trust:
        """A trust list of that one signer."""
        return make_trust([self.certificate])

    @property
    def at(self) -> datetime:
        """At which time it is to be checked."""
        moment = datetime.fromisoformat(self.fields["TESTCTX"]["VALIDATIONCLOCK"])
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def list_vectors() -> Iterator[Vector]:
    """Yield all vectors in the order of their names."""
    root = FOLDER / "vectors"
    for file in sorted(root.rglob("*.json")):
        parts = [
            part for part in file.relative_to(root).with_suffix("").parts if part not in ("2DCode", "raw")
        ]
        yield Vector("/".join(parts), json.loads(file.read_text(encoding="utf-8-sig")))
