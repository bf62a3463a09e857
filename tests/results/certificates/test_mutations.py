"""A changed certificate is never valid, and nothing that is sent in place of one crashes, hangs or fills the memory."""

from __future__ import annotations

import random
import time
import tracemalloc
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta

import base45
import cbor2
import pytest
from results.certificates.made import NOW, Signer, a_signer, make_signer

from lims.results.certificates.container import PREFIX, TAG_SIGN1, pack, signed_bytes, unpack
from lims.results.certificates.examining import examine
from lims.results.certificates.refusals import REASONS, NotValid
from lims.results.certificates.signing import sign
from lims.results.certificates.verifying import verify

COUNT = 20_000
MOST_SECONDS = 40
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
Chance = random.Random


def change_text(text: str, chance: Chance) -> str:
    """Change one character, take one out, put one in, swap two, or cut the text off."""
    at = chance.randrange(len(text))
    strange = chance.choice(ALPHABET) if chance.random() < 0.9 else chr(chance.randrange(1, 0x2FFF))
    match chance.randrange(5):
        case 0:
            return text[:at] + strange + text[at + 1 :]
        case 1:
            return text[:at] + text[at + 1 :]
        case 2:
            return text[:at] + strange + text[at:]
        case 3:
            return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]
    return text[:at]


def change_bytes(content: bytes, chance: Chance) -> bytes:
    """Turn one bit, set one byte, take one out, put one in, cut off, or add some at the end."""
    at = chance.randrange(len(content))
    byte = bytes([chance.randrange(256)])
    match chance.randrange(8):
        case 0:
            return content[:at] + byte + content[at + 1 :]
        case 1:
            return content[:at] + content[at + 1 :]
        case 2:
            return content[:at] + byte + content[at:]
        case 3:
            return content[:at] if chance.random() < 0.5 else content + byte * chance.randrange(1, 5)
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def change_packed(text: str, chance: Chance) -> str:
    packed = base45.b45decode(text.removeprefix(PREFIX))
    return PREFIX + base45.b45encode(change_bytes(packed, chance)).decode()


def change_cose(text: str, chance: Chance) -> str:
    return pack(change_bytes(unpack(text), chance))


def change_part(text: str, chance: Chance) -> str:
    """Change the protected header, the payload or the signature, and wrap them as they were."""
    parts = list(cbor2.loads(unpack(text)).value)
    part = chance.choice((0, 2, 2, 3))
    parts[part] = change_bytes(parts[part], chance)
    return pack(cbor2.dumps(cbor2.CBORTag(TAG_SIGN1, parts)))


CHANGES: tuple[Callable[[str, Chance], str], ...] = (change_text, change_packed, change_cose, change_part)


def originals(signer: Signer) -> list[str]:
    return [
        signer.write(finding=finding, name=name)
        for finding in ("detected", "not_detected")
        for name in ("Nguyễn Thị Thử Nghiệm", "Đỗ Ư", "Lê " + "Thử " * 15)
    ]


def test_no_change_of_a_certificate_verifies():
    signer, chance = a_signer(), random.Random(5)
    trust, texts = signer.trust, originals(signer)
    for text in texts:
        assert verify(text, trust=trust, at=NOW).signer == signer.certificate
    reasons: dict[str, int] = {}
    began = time.process_time()
    for number in range(COUNT):
        text = texts[number % len(texts)]
        changed = CHANGES[number % len(CHANGES)](text, chance)
        if changed == text:
            changed = text[:-1]
        found = examine(changed, trust=trust, at=NOW)
        assert not found["valid"], changed
        reasons[found["reason"]] = reasons.get(found["reason"], 0) + 1
    assert time.process_time() - began < MOST_SECONDS
    # all layers were reached
    assert {"prefix", "base45", "compression", "structure", "unknown_signer", "signature"} <= reasons.keys()
    assert reasons["signature"] > COUNT // 20


def test_every_bit_of_a_packed_certificate_counts():
    signer = a_signer()
    trust, text = signer.trust, signer.write()
    packed = base45.b45decode(text.removeprefix(PREFIX))
    for bit in range(8 * len(packed)):
        changed = bytearray(packed)
        changed[bit // 8] ^= 1 << bit % 8
        assert not examine(PREFIX + base45.b45encode(bytes(changed)).decode(), trust=trust, at=NOW)["valid"]


def test_a_payload_changed_before_it_is_signed_crashes_nothing():
    """The worst a trusted signer can do: good signatures on broken claims."""
    signer, chance = a_signer(), random.Random(6)
    trust = signer.trust
    payload = cbor2.loads(unpack(signer.write())).value[2]
    for _ in range(3_000):
        claims = payload
        for _ in range(chance.randrange(1, 4)):
            claims = change_bytes(claims, chance) or payload
        found = examine(pack(sign(claims, kid=signer.kid, private_key=signer.key)), trust=trust, at=NOW)
        assert found["reason"] is None or found["reason"] in REASONS


HEALTH = {1: {"ver": "1.3.0", "t": [{"ci": "URN:UVCI:01:VN:1#A"}]}}
LATER = int(NOW.timestamp()) + 3600
STRANGE_CLAIMS = {
    "claims are a list": [1, 2, 3],
    "nothing": None,
    "no health claim": {4: LATER},
    "health is a text": {4: LATER, -260: "x"},
    "entries are a number": {4: LATER, -260: {1: {"t": 5}}},
    "entries are texts": {4: LATER, -260: {1: {"t": ["x"]}}, 6: "x"},
    "no end": {-260: HEALTH},
    "the end is no number": {4: float("nan"), -260: HEALTH},
    "no end for ever": {4: float("inf"), -260: HEALTH},
    "the end is a text": {4: "2030", -260: HEALTH},
    "the end is true": {4: True, -260: HEALTH},
    "a huge negative end": {4: -(2**20_000), -260: HEALTH},
    "a huge beginning": {4: LATER, 6: 2**20_000, -260: HEALTH},
}


@pytest.mark.parametrize("name", STRANGE_CLAIMS)
def test_strange_claims_under_a_good_signature_are_refused(name):
    signer = a_signer()
    text = pack(sign(cbor2.dumps(STRANGE_CLAIMS[name]), kid=signer.kid, private_key=signer.key))
    found = examine(text, trust=signer.trust, at=NOW)
    assert not found["valid"]
    assert found["kid"] == signer.kid.hex()


def reference(count: int, *, as_key: bool) -> bytes:
    """Return a map with a list of two lists that are one and the same, and so on: 2**count values in few bytes."""
    inner = b"\xd8\x1c\x82" * count + b"\x01\x02"
    inner += b"".join(b"\xd8\x1d" + cbor2.dumps(number) for number in range(count - 1, 0, -1))
    return b"\xa1" + inner + b"\x01" if as_key else b"\xa1\x01" + inner


HOSTILE = {
    "deep lists": b"\x81" * 60_000,
    "deep maps": b"\xa1\x01" * 30_000,
    "deep tags": b"\xc6" * 60_000,
    "endless list": b"\x9f" * 60_000,
    "list of 2**64": bytes.fromhex("9bffffffffffffffff"),
    "bytes of 2**63": bytes.fromhex("5b7fffffffffffffff"),
    "map of 2**64": bytes.fromhex("bbffffffffffffffff"),
    "huge integer": cbor2.dumps({1: 2**480_000, 4: LATER}),
    "huge exponent": cbor2.dumps({4: cbor2.CBORTag(5, [10**9, 3])}),
    "huge decimal": cbor2.dumps({4: cbor2.CBORTag(4, [10**18, 3])}),
    "huge moment": cbor2.dumps({4: cbor2.CBORTag(1, 10**30)}),
    "fraction of nothing": cbor2.dumps({4: cbor2.CBORTag(30, [1, 0])}),
    "pattern": cbor2.dumps({1: cbor2.CBORTag(35, "(((")}),
    "mail": cbor2.dumps({1: cbor2.CBORTag(36, "x")}),
    "a list that holds itself": bytes.fromhex("a101d81c81d81d00"),
    "2**31 values": reference(31, as_key=False),
    "2**31 values as a key": reference(31, as_key=True),
    "a key twice": bytes.fromhex("a204010402"),
    "text that is no text": bytes.fromhex("a10161ff"),
    "nothing at all": b"",
    "something after the end": cbor2.dumps({4: LATER, -260: HEALTH}) + b"\x00",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("layer", ["message", "header", "claims"])
def test_hostile_content_is_refused_at_once(name, layer):
    content = HOSTILE[name]
    signer = a_signer()
    if layer == "message":
        cose = content
    else:
        protected = content if layer == "header" else cbor2.dumps({1: -7, 4: signer.kid})
        payload = content if layer == "claims" else cbor2.dumps({4: LATER, -260: HEALTH})
        cose = cbor2.dumps(cbor2.CBORTag(TAG_SIGN1, [protected, {}, payload, bytes(64)]))
        assert signed_bytes(protected, payload)
    began = time.process_time()
    found = examine(pack(cose), trust=signer.trust, at=NOW)
    assert not found["valid"]
    assert time.process_time() - began < 1


def test_a_bomb_is_not_unpacked():
    bomb = PREFIX + base45.b45encode(zlib.compress(bytes(50 * 1024 * 1024), 9)).decode()
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(NotValid) as refused:
            unpack(bomb)
        assert tracemalloc.get_traced_memory()[1] < 2 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert refused.value.reason == "too_large"


@pytest.mark.parametrize(
    "text", ["", "HC1", "HC1:", "HC1:0", "HC1:::::", "HC1:" + "0" * 10_000_000, "hc1:abc", "\0"]
)
def test_texts_that_are_none(text):
    assert not examine(text, trust=a_signer().trust, at=NOW)["valid"]


def test_an_expired_certificate_and_one_of_tomorrow():
    signer = a_signer()
    text = signer.write(hours=72)
    ends = (NOW - timedelta(hours=10)) + timedelta(hours=72)
    assert reason(signer, text, ends) is None
    assert reason(signer, text, ends + timedelta(seconds=1)) == "expired"
    assert reason(signer, text, NOW - timedelta(seconds=1)) == "not_yet_valid"


def reason(signer: Signer, text: str, at: datetime) -> str | None:
    return examine(text, trust=signer.trust, at=at)["reason"]


def test_only_the_signer_named_by_the_key_id_counts():
    one, other = a_signer(), make_signer(organisation="Nơi khác")
    payload = cbor2.loads(unpack(one.write())).value[2]
    forged = pack(sign(payload, kid=one.kid, private_key=other.key))
    both = {**one.trust.signers, **other.trust.signers}
    trust = type(one.trust)(signers=both, roots=one.trust.roots + other.trust.roots)
    assert examine(forged, trust=trust, at=NOW)["reason"] == "signature"
    assert examine(other.write(), trust=one.trust, at=NOW)["reason"] == "unknown_signer"


def test_a_signer_that_its_root_did_not_sign_is_refused():
    one, impostor = a_signer(), make_signer()  # a root of the same name
    trust = type(one.trust)(signers=impostor.trust.signers, roots=one.trust.roots)
    assert examine(impostor.write(), trust=trust, at=NOW)["reason"] == "untrusted_signer"


def test_a_signer_whose_own_certificate_has_ended_is_refused():
    short = make_signer(days=2)
    text = short.write(hours=2_000)
    assert examine(text, trust=short.trust, at=NOW)["valid"]
    assert examine(text, trust=short.trust, at=NOW + timedelta(days=2))["reason"] == "signer_expired"
