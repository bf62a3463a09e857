"""Every vector of the outside collection gives what it says it must; errors of the collection are listed by name."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import cbor2
import pytest
import zxingcpp
from PIL import Image, UnidentifiedImageError
from results.certificates.vectors import FOLDER, Vector, list_vectors

from lims.results.certificates.container import PREFIX, decode_base45, inflate, read_claims, read_cose, unpack
from lims.results.certificates.examining import examine
from lims.results.certificates.refusals import NotValid
from lims.results.certificates.schema import list_faults
from lims.results.certificates.signing import calculate_kid
from lims.results.certificates.verifying import (
    check_key_usage,
    check_root,
    check_signature,
    check_signer_time,
    check_time,
    get_content,
)

VECTORS = {vector.name: vector for vector in list_vectors()}
# (step, vector) → why the vector itself is wrong
UPSTREAM_ERRORS = {
    ("EXPECTEDVERIFY", "ES/402"): "a P-384 key under the algorithm of P-256 (known_issues.csv, 228)",
    ("EXPECTEDVALIDJSON", "FR/test_pcr_ok"): "the JSON has other times (known_issues.csv, 141)",
    ("EXPECTEDVALIDJSON", "PL/1.3.0/5"): "the JSON has another person's name",
    ("EXPECTEDSCHEMAVALIDATION", "HU/3"): "a name longer than 80 characters (known_issues.csv, 340)",
    ("EXPECTEDSCHEMAVALIDATION", "PL/1.0.0/7"): "wants value sets, which the schema does not hold",
    ("EXPECTEDSCHEMAVALIDATION", "PL/1.2.1/7"): "wants value sets, which the schema does not hold",
    ("EXPECTEDSCHEMAVALIDATION", "PL/1.3.0/7"): "wants value sets, which the schema does not hold",
    ("EXPECTEDKEYUSAGE", "IS/3"): "its signer names no usage, so it may sign all",
}
# the picture or the CBOR that a step needs is not in the file
LACKING = {
    ("EXPECTEDPICTUREDECODE", "FR/test_pcr_ok"),
    ("EXPECTEDPICTUREDECODE", "IE/Raw/2"),
    ("EXPECTEDPICTUREDECODE", "IE/Raw/3"),
    ("EXPECTEDPICTUREDECODE", "LV/2"),
    ("EXPECTEDPICTUREDECODE", "common/B1"),
    ("EXPECTEDDECODE", "PT/1.0.0/4"),
    ("EXPECTEDDECODE", "PT/1.0.0/5"),
    ("EXPECTEDDECODE", "PT/1.3.0/4"),
    ("EXPECTEDDECODE", "PT/1.3.0/5"),
}
# misspelt upstream; the same file says what it means elsewhere
NO_STEPS = {("EXPECTEDRESULTS", "ES/1002"), ("EXPTECTEDEXPIRED", "ES/202")}
# what is wrong with vectors that say nothing of it: signed after their own clock, or by a key for vaccinations
UNSAID = {
    "ES/1103": "not_yet_valid",
    "ES/2103": "not_yet_valid",
    "FR/test_pcr_ok": "not_yet_valid",
    "LI/4": "key_usage",
}


def cose(vector: Vector) -> bytes:
    if "COSE" in vector.fields:
        return bytes.fromhex(vector.fields["COSE"])
    return unpack(vector.fields["PREFIX"])


def claims(vector: Vector) -> dict[Any, Any]:
    return read_claims(read_cose(cose(vector)).payload)


def compare(found: object, expected: object) -> None:
    if found != expected:
        raise NotValid("structure")


def unprefix(vector: Vector) -> None:
    text = vector.fields["PREFIX"]
    if not text.startswith(PREFIX):
        raise NotValid("prefix")
    if "BASE45" in vector.fields:
        compare(text.removeprefix(PREFIX), vector.fields["BASE45"])


def decode(vector: Vector) -> None:
    text = vector.fields.get("BASE45", vector.fields["PREFIX"].removeprefix(PREFIX))
    found = decode_base45(text)
    if "COMPRESSED" in vector.fields:
        compare(found, bytes.fromhex(vector.fields["COMPRESSED"]))


def decompress(vector: Vector) -> None:
    if "COMPRESSED" in vector.fields:
        found = inflate(bytes.fromhex(vector.fields["COMPRESSED"]))
    else:
        found = unpack(vector.fields["PREFIX"])
    if "COSE" in vector.fields:
        compare(found, bytes.fromhex(vector.fields["COSE"]))


def read_content(vector: Vector) -> None:
    found, content = claims(vector), get_content(claims(vector))
    expected = plain(cbor2.loads(bytes.fromhex(vector.fields["CBOR"])))
    # many countries write all claims there
    compare(expected in (plain(found), plain(content)), True)


def read_json(vector: Vector) -> None:
    written = vector.fields["JSON"]
    compare(
        plain(get_content(claims(vector))),
        plain(json.loads(written) if isinstance(written, str) else written),
    )


def plain(value: Any) -> Any:
    """Return a value with all its moments read, as CBOR may hold them read already and JSON as texts."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, str) and len(value) >= len("2021-01-01"):
        try:
            return plain(datetime.fromisoformat(value))
        except ValueError:
            return value
    if isinstance(value, datetime):
        return value.timestamp() if value.tzinfo else value.isoformat()
    return value.isoformat() + "T00:00:00" if isinstance(value, date) else value


def check_signed(vector: Vector) -> None:
    signer = check_signature(read_cose(cose(vector)), trust=vector.trust)
    check_root(signer, trust=vector.trust)
    check_signer_time(signer, at=vector.at)


def check_expiry(vector: Vector) -> None:
    check_time(claims(vector), at=vector.at)


def check_usage(vector: Vector) -> None:
    check_key_usage(vector.certificate, get_content(claims(vector)))


def check_schema(vector: Vector) -> None:
    compare(list_faults(get_content(claims(vector))), [])


def scan(vector: Vector) -> None:
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(vector.fields["2DCODE"]))).convert("L")
    except UnidentifiedImageError:
        raise NotValid("prefix") from None
    texts = [found.text for found in zxingcpp.read_barcodes(picture)]
    compare(vector.fields["PREFIX"] in texts, True)


STEPS: dict[str, Callable[[Vector], None]] = {
    "EXPECTEDUNPREFIX": unprefix,
    "EXPECTEDB45DECODE": decode,
    "EXPECTEDCOMPRESSION": decompress,
    "EXPECTEDDECODE": read_content,
    "EXPECTEDVALIDJSON": read_json,
    "EXPECTEDVERIFY": check_signed,
    "EXPECTEDEXPIRATIONCHECK": check_expiry,
    "EXPECTEDKEYUSAGE": check_usage,
    "EXPECTEDSCHEMAVALIDATION": check_schema,
    "EXPECTEDPICTUREDECODE": scan,
}


def outcome(vector: Vector, step: str) -> bool:
    """Return whether a step succeeds."""
    try:
        STEPS[step](vector)
    except NotValid:
        return False
    return True


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_gives_what_it_says(name):
    vector = VECTORS[name]
    wrong = {
        step
        for step, wanted in vector.expected.items()
        if (step, name) not in LACKING | NO_STEPS and outcome(vector, step) != wanted
    }
    assert wrong == {step for step, known in UPSTREAM_ERRORS if known == name}


def test_the_collection_is_whole():
    assert len(VECTORS) == 137
    assert sum(len(vector.expected) for vector in VECTORS.values()) > 900
    assert {name for _, name in [*UPSTREAM_ERRORS, *LACKING, *NO_STEPS]} <= VECTORS.keys()


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_is_verified_as_a_whole(name):
    """All steps of a verifier one after another: valid only where none of them is to fail."""
    vector = VECTORS[name]
    steps = ("EXPECTEDUNPREFIX", "EXPECTEDB45DECODE", "EXPECTEDCOMPRESSION", "EXPECTEDVERIFY")
    later = ("EXPECTEDEXPIRATIONCHECK", "EXPECTEDKEYUSAGE")
    if not {"EXPECTEDVERIFY", "EXPECTEDUNPREFIX"} & vector.expected.keys() or name == "IS/3":
        pytest.skip("it says nothing of the signature")
    refused = any(vector.expected.get(step) is False for step in (*steps, *later)) or name == "ES/402"
    if refused:
        assert not examine(vector.fields["PREFIX"], trust=vector.trust, at=vector.at)["valid"]
        return
    found = examine(vector.fields["PREFIX"], trust=vector.trust, at=vector.at)
    assert found["reason"] == UNSAID.get(name)
    assert found["kid"] == calculate_kid(vector.certificate).hex()


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_the_schemas_own_examples(kind):
    faults = {
        file.name: list_faults(json.loads(file.read_text(encoding="utf-8")))
        for file in (FOLDER / "schema/test" / kind).glob("*.json")
    }
    assert len(faults) > 5
    assert [name for name, found in faults.items() if bool(found) == (kind == "valid")] == []


def test_the_schemas_own_tests_of_test_entries():
    files = list((FOLDER / "schema/examples-test").glob("*.json"))
    assert len(files) > 5
    assert {file.name: list_faults(json.loads(file.read_text(encoding="utf-8"))) for file in files} == {
        file.name: [] for file in files
    }
