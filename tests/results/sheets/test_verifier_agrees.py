"""The page's script judges as `lims.results.certificates.verifying` does: others' vectors, our own, and broken ones."""

from __future__ import annotations

import base64
import json
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import sync_playwright

from lims.intake.birth_dates import BirthDate
from lims.results.certificates import payload
from lims.results.certificates.authorities import make_request, make_root, sign_request
from lims.results.certificates.issuing import Stamp, write_certificate
from lims.results.certificates.publishing import _describe_signer
from lims.results.certificates.refusals import NotValid
from lims.results.certificates.revocation_list import Revoked, write_list
from lims.results.certificates.signing import calculate_kid
from lims.results.certificates.trust import make_trust
from lims.results.certificates.uvci import hash_uvci, make_uvci
from lims.results.certificates.verifying import verify, verify_list
from lims.results.verifier.bundle import bundle

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "static" / "js" / "certificate"
VECTORS = ROOT.parent / "shared" / "data" / "dcc" / "vectors"
CHROMIUM = shutil.which("chromium")
NOW = datetime(2021, 8, 16, 12, tzinfo=UTC)

# the page's own script asks what tests ask: verify with what was published
ENTRY = """
import { readPublished } from "SCRIPTS/published.js";
import { verify } from "SCRIPTS/verifying.js";
export async function judge(text, published, at) {
  const read = await readPublished(published);
  if (read.damaged) return "damaged";
  try {
    await verify(text, read, at);
    return "valid";
  } catch (error) {
    if (!error.reason) throw error;
    return error.reason;
  }
}
"""
JUDGE_ALL = """async ([script, questions]) => {
  const { judge } = await import("data:text/javascript;base64," + script);
  const answers = [];
  for (const { text, published, at } of questions) answers.push(await judge(text, published, at));
  return answers;
}"""


@pytest.fixture(scope="module")
def judge_all(tmp_path_factory):
    """Return a function that asks the script in a real browser."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        entry = tmp_path_factory.mktemp("entry") / "judge.js"
        entry.with_name("empty.html").write_text("<!doctype html>")
        page.goto(
            entry.with_name("empty.html").as_uri()
        )  # a file has the browser's cryptography, about:blank has not
        entry.write_text(ENTRY.replace("SCRIPTS", str(SCRIPTS)))
        script = base64.b64encode(bundle(entry).encode()).decode()
        yield lambda questions: page.evaluate(JUDGE_ALL, [script, questions])
        browser.close()


def question(text, certificates, at, revoked=""):
    document = {"signers": [_describe_signer(one) for one in certificates]}
    return {
        "text": text,
        "at": at.timestamp(),
        "published": {"made_at": int(at.timestamp()), "trust": document, "revoked": revoked},
    }


def judge_in_python(text, certificates, at, listed="") -> str:
    trust = make_trust(certificates)
    try:
        revoked = verify_list(listed, trust=trust) if listed else Revoked()
        verify(text, trust=trust, at=at, revoked=revoked)
    except NotValid as error:
        return error.reason
    return "valid"


def read_vectors() -> list[tuple[str, x509.Certificate, datetime]]:
    """Return text, signer and clock of all vectors that name a signer."""
    found = []
    for file in sorted(VECTORS.rglob("*.json")):
        vector = json.loads(file.read_text(encoding="utf-8"))
        context, text = vector["TESTCTX"], vector.get("PREFIX")
        if not text or not context.get("CERTIFICATE"):
            continue
        clock = context.get("VALIDATIONCLOCK")
        at = datetime.fromisoformat(clock) if clock else NOW
        certificate = x509.load_der_x509_certificate(base64.b64decode(context["CERTIFICATE"]))
        found.append((text, certificate, at if at.tzinfo else at.replace(tzinfo=UTC)))
    return found


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_of_others_vectors_page_and_python_think_the_same(judge_all):
    if not VECTORS.is_dir():
        pytest.skip("the outside vectors are not here")
    vectors = read_vectors()
    ours = [judge_in_python(text, [signer], at) for text, signer, at in vectors]
    theirs = judge_all([question(text, [signer], at) for text, signer, at in vectors])
    assert theirs == ours
    assert len(vectors) > 100
    assert len(set(ours)) > 5, "they are refused for many reasons"


class Ours:
    """A signer of our own and its certificates."""

    def __init__(self, root=None) -> None:
        self.root_key, self.root = root or make_root(organisation="Thử", now=NOW - timedelta(days=2))
        self.key, request = make_request(organisation="Thử")
        self.signer = sign_request(
            request, root_key=self.root_key, root=self.root, now=NOW - timedelta(days=1)
        )

    def write(self, *, issued: datetime = NOW, hours: int = 72, uvci: str = "") -> str:
        tested = payload.Tested(
            "Nguyễn Thị Hồng Ánh", BirthDate(1958, 3, 27), "not_detected", NOW, "Kit", "PXN", "Thử"
        )
        stamp = Stamp(uvci or make_uvci(), issued, issued + timedelta(hours=hours))
        return write_certificate(tested, stamp, kid=calculate_kid(self.signer), private_key=self.key)

    def write_list(self, *, certificates=(), kids=(), key=None) -> str:
        return write_list(
            certificates=certificates,
            kids=kids,
            made_at=NOW,
            kid=calculate_kid(self.signer),
            private_key=key or self.key,
        )


@pytest.fixture(scope="module")
def ours():
    return Ours()


@pytest.mark.browser
def test_ours_hold_and_end_and_are_revoked_on_the_page_as_in_python(judge_all, ours):
    uvci = make_uvci()
    text, listed = ours.write(uvci=uvci), ours.write_list(certificates=[hash_uvci(uvci)])
    cases = [
        (text, [ours.signer], NOW, "", "valid"),
        (text, [ours.signer], NOW + timedelta(hours=72), "", "valid"),
        (text, [ours.signer], NOW + timedelta(hours=72, seconds=1), "", "expired"),
        (text, [ours.signer], NOW - timedelta(seconds=1), "", "not_yet_valid"),
        (ours.write(hours=24 * 3000), [ours.signer], NOW + timedelta(days=2000), "", "signer_expired"),
        (text, [], NOW, "", "unknown_signer"),
        (text, [ours.signer], NOW, listed, "revoked"),
        (ours.write(), [ours.signer], NOW, listed, "valid"),
        (f"  {text}\r\n", [ours.signer], NOW, "", "prefix"),
        ("HC2:" + text[4:], [ours.signer], NOW, "", "prefix"),
        (text.lower(), [ours.signer], NOW, "", "prefix"),
        ("HC1:" + "0" * 200_000, [ours.signer], NOW, "", "too_large"),
    ]
    expected = [case[-1] for case in cases]
    assert [judge_in_python(*case[:4]) for case in cases] == expected
    assert judge_all([question(*case[:4]) for case in cases]) == expected


@pytest.mark.browser
def test_a_signer_that_was_revoked_by_another_of_its_root_is_refused(judge_all, ours):
    other = Ours(root=(ours.root_key, ours.root))
    listed = other.write_list(kids=[calculate_kid(ours.signer)])
    case = (ours.write(), [ours.signer, other.signer], NOW, listed)
    assert judge_in_python(*case) == "signer_revoked"
    assert judge_all([question(*case)]) == ["signer_revoked"]


@pytest.mark.browser
def test_a_list_that_nobody_trusted_has_signed_makes_the_page_trust_nobody(judge_all, ours):
    own = ours.write_list(kids=[calculate_kid(ours.signer)])  # a revoked signer speaks for nobody
    forged = ours.write_list(key=ec.generate_private_key(ec.SECP256R1()))
    questions = [
        question(ours.write(), [ours.signer], NOW, text) for text in (forged, ours.write(), "LR1:X", own)
    ]
    assert judge_all(questions) == ["damaged"] * 4


@pytest.mark.browser
def test_no_change_of_one_character_verifies_and_both_refuse_it_for_the_same_reason(judge_all, ours):
    text, dice = ours.write(), random.Random(11)
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
    broken = []
    for _ in range(400):
        at = dice.randrange(4, len(text))
        changed = text[:at] + dice.choice(letters.replace(text[at], "")) + text[at + 1 :]
        broken.append(changed)
    theirs = judge_all([question(changed, [ours.signer], NOW) for changed in broken])
    assert "valid" not in theirs
    assert theirs == [judge_in_python(changed, [ours.signer], NOW) for changed in broken]
