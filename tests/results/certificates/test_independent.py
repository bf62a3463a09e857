"""Readers that others wrote (tests/independent/certificates) find our certificates good, and changed ones not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from results.certificates.made import Signer, a_signer, make_signer

from lims import clock
from lims.results.certificates.container import pack, read_claims, read_cose, unpack
from lims.results.certificates.examining import examine
from lims.results.certificates.payload import HEALTH

FOLDER = Path(__file__).resolve().parents[2] / "independent/certificates"
IS_THERE = shutil.which("node") is not None and (FOLDER / "node_modules").is_dir()
pytestmark = pytest.mark.skipif(
    not IS_THERE and not os.environ.get("CI"),
    reason="the independent readers need node and `npm ci` in tests/independent/certificates",
)
NAMES = ("Nguyễn Thị Thử Nghiệm", "Đỗ Ư", "Y", "Lê " + "Thử " * 15, "H'Thử Niê-Kđăm")


def ask(requests: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answers of verify.js, all in one process."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    run = subprocess.run(
        ["node", str(FOLDER / "verify.js")], input=lines, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in run.stdout.splitlines()]


def pem(signer: Signer) -> str:
    return signer.certificate.public_bytes(Encoding.PEM).decode()


def content(text: str) -> dict[str, Any]:
    return read_claims(read_cose(unpack(text)).payload)[HEALTH][1]


def test_ours_are_read_and_found_good_by_two_others():
    signer = a_signer()
    texts = [
        signer.write(finding=finding, name=name) for finding in ("detected", "not_detected") for name in NAMES
    ]
    for text, said in zip(texts, ask({"verify": text, "pem": pem(signer)} for text in texts), strict=True):
        assert said["dccUtils"] == {
            "valid": True,
            "tr": content(text)["t"][0]["tr"],
            "kid": signer.kid.hex(),
        }
        assert said["dccSdk"] == {"valid": True}


def test_changed_ones_are_refused_by_all():
    signer, other = a_signer(), make_signer()
    cose = unpack(signer.write(finding="detected"))
    changed = [
        pack(cose.replace(b"260373001", b"260415000")),
        pack(cose.replace(b"THU<NGHIEM", b"THU<NGHIEN")),
        pack(cose[:-1] + bytes([cose[-1] ^ 1])),
    ]
    requests = [{"verify": text, "pem": pem(signer)} for text in changed]
    requests.append({"verify": pack(cose), "pem": pem(other)})
    for said in ask(requests):
        assert (said["dccUtils"]["valid"], said["dccSdk"]["valid"]) == (False, False)
    for text in changed:
        assert examine(text, trust=signer.trust, at=clock.now())["reason"] == "signature"


def test_one_that_another_program_signed_is_good_for_us():
    signer = make_signer(at=clock.now())
    key = signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    said = content(signer.write())
    (made,) = ask([{"sign": said, "pem": pem(signer), "key": key}])
    at = clock.now() + timedelta(minutes=1)
    found = examine(made["text"], trust=signer.trust, at=at)
    assert (found["reason"], found["kid"]) == (None, signer.kid.hex())
    assert (found["payload"], found["schema_faults"]) == (said, [])
    assert examine(made["text"], trust=signer.trust, at=at + timedelta(days=40))["reason"] == "expired"
    changed = pack(unpack(made["text"]).replace(b"260415000", b"260373001"))
    assert examine(changed, trust=signer.trust, at=at)["reason"] == "signature"
