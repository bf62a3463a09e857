"""Certificates signed and verified per second, against the bare signature on the same bytes.

Prints medians of rounds that take turns in one process, in processor time, and their ratios. The goal was signing at
least half as fast as `cryptography`'s ECDSA alone; "bare signature and zlib" shows how much of that the format itself
allows, as every certificate is deflated.

    python bench/certificates.py [COUNT]
"""

from __future__ import annotations

import statistics
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: E402
from cryptography.hazmat.primitives.hashes import SHA256  # noqa: E402
from results.certificates.made import NOW, TESTED, a_signer  # noqa: E402

from lims.results.certificates.container import read_cose, unpack  # noqa: E402
from lims.results.certificates.issuing import Stamp, write_certificate  # noqa: E402
from lims.results.certificates.uvci import make_uvci  # noqa: E402
from lims.results.certificates.verifying import verify  # noqa: E402

ROUNDS = 15


def measure(works: dict[str, Callable[[], object]], count: int) -> dict[str, float]:
    """Return how many a second each work does: the median of rounds, all works in each round."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            began = time.process_time()
            work()
            seconds[name].append(time.process_time() - began)
    return {name: count / statistics.median(times) for name, times in seconds.items()}


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    signer = a_signer()
    trust, public, kid = signer.trust, signer.key.public_key(), signer.kid
    people = [replace(TESTED, name=f"Nguyễn Thị Thử {number}") for number in range(count)]
    stamps = [Stamp(make_uvci(), NOW, NOW.replace(year=NOW.year + 1)) for _ in people]

    def write() -> Sequence[str]:
        return [
            write_certificate(tested, stamp, kid=kid, private_key=signer.key)
            for tested, stamp in zip(people, stamps, strict=True)
        ]

    texts = write()
    read = [read_cose(unpack(text)) for text in texts]
    halves = [(one.signature[:32], one.signature[32:]) for one in read]
    signatures = [encode_dss_signature(*(int.from_bytes(half) for half in pair)) for pair in halves]
    payloads = [one.to_be_signed for one in read]
    messages = [unpack(text) for text in texts]
    random_nonce, fixed_nonce = ec.ECDSA(SHA256()), ec.ECDSA(SHA256(), deterministic_signing=True)
    works: dict[str, Callable[[], object]] = {
        "bare signature": lambda: [signer.key.sign(payload, random_nonce) for payload in payloads],
        "bare signature, RFC 6979": lambda: [signer.key.sign(payload, fixed_nonce) for payload in payloads],
        "bare signature and zlib": lambda: [
            (signer.key.sign(payload, random_nonce), zlib.compress(message, 9))
            for payload, message in zip(payloads, messages, strict=True)
        ],
        "certificates signed": write,
        "bare verification": lambda: [
            public.verify(signature, payload, random_nonce)
            for signature, payload in zip(signatures, payloads, strict=True)
        ],
        "certificates verified": lambda: [verify(text, trust=trust, at=NOW) for text in texts],
    }
    speeds = measure(works, count)
    print(f"{count} certificates, median of {ROUNDS} rounds, {len(texts[0])} characters each")
    for name, speed in speeds.items():
        bare = speeds["bare verification" if "verif" in name else "bare signature"]
        print(f"{name:28} {speed:8,.0f}/s   {speed / bare:5.2f} of the bare one")


if __name__ == "__main__":
    main()
