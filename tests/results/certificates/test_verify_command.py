"""`lims certificate verify`: any certificate, a folder of PEM files, no database, no settings, no network."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding
from results.certificates.made import NOW, Signer, a_signer, make_signer
from results.certificates.vectors import list_vectors

from lims.cli import main
from lims.results.certificates.revocation_list import write_list
from lims.results.certificates.uvci import hash_uvci, make_uvci

FIELDS = {
    "valid", "reason", "message", "kid", "signer", "issuer", "issued_at", "expires_at", "checked_at", "payload",
    "schema_faults", "revocations_made_at", "unread_files",
}  # fmt: skip


def save_trust(folder: Path, *signers: Signer, roots: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    for signer in signers:
        (folder / f"{signer.kid.hex()}.pem").write_bytes(signer.certificate.public_bytes(Encoding.PEM))
        if roots:
            (folder / f"{signer.kid.hex()}-root.pem").write_bytes(signer.root.public_bytes(Encoding.PEM))
    return folder


@pytest.fixture
def trust(tmp_path) -> Path:
    return save_trust(tmp_path / "trust", a_signer())


def check(text: str, trust: Path, *more: str, stdin: bytes | None = None) -> Result:
    arguments = ["certificate", "verify", text, "--trust", str(trust), "--at", NOW.isoformat(), *more]
    return CliRunner().invoke(main, arguments, input=stdin, env={})


def found(text: str, trust: Path, *more: str, stdin: bytes | None = None) -> dict[str, object]:
    """Return the JSON, after comparing what it says with the exit status."""
    answer = check(text, trust, *more, "--json", stdin=stdin)
    said = json.loads(answer.stdout)
    assert said.keys() == FIELDS
    assert answer.exit_code == (0 if said["valid"] else 1)
    return said


def test_a_good_one_says_what_is_in_it(trust):
    signer = a_signer()
    said = found(signer.write(uvci="URN:UVCI:01:VN:TEST#A"), trust)
    assert (said["valid"], said["reason"], said["kid"]) == (True, None, signer.kid.hex())
    assert (said["issuer"], said["issued_at"], said["checked_at"]) == ("VN", NOW.isoformat(), NOW.isoformat())
    assert said["expires_at"] == (NOW + timedelta(hours=62)).isoformat()
    (entry,) = said["payload"]["t"]
    assert (entry["tr"], entry["ci"], entry["sc"]) == (
        "260415000",
        "URN:UVCI:01:VN:TEST#A",
        "2021-08-20T00:00:00+07:00",
    )


def test_text_from_standard_input_with_its_line_end(trust):
    assert found("-", trust, stdin=f"  {a_signer().write()}\r\n".encode())["valid"]
    assert found("-", trust, stdin=bytes(range(256)))["reason"] == "prefix"
    assert found("-", trust, stdin=b"HC1:" + b"0" * 2_000_000)["reason"] == "too_large"


def test_a_sentence_for_people(trust):
    good, bad = check(a_signer().write(), trust), check("HC1:" + "A" * 300, trust)
    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert good.stdout.startswith("Valid until 2021-08-22T17:00:00+00:00, signed by CN=")
    assert bad.stdout.startswith("Not valid (")


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        ("2021-08-20T03:00:00Z", None),
        ("2021-08-20T10:00:00+07:00", None),
        ("2021-08-20T09:59:59+07:00", "not_yet_valid"),
        ("2021-08-20T03:00:00", None),
        ("2021-08-22T17:00:01", "expired"),
        ("2031-01-01", "expired"),
    ],
)
def test_the_time_asked_for_counts(trust, at, reason):
    assert found(a_signer().write(), trust, "--at", at)["reason"] == reason


@pytest.mark.parametrize("at", ["", "tomorrow", "0001-01-01T00:00:00+14:00", "99999-01-01"])
def test_a_time_that_is_none_is_refused(trust, at):
    answer = check("HC1:", trust, "--at", at)
    assert (answer.exit_code, "such as 2021-08-20T10:00:00+07:00" in answer.stderr) == (2, True)


def test_a_folder_without_the_signer_with_other_things_and_with_a_broken_certificate(tmp_path, trust):
    other = save_trust(tmp_path / "other", make_signer(organisation="Nơi khác"))
    (other / "readme.txt").write_text("no certificate")
    (other / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (other / "folder").mkdir()
    text = a_signer().write()
    said = found(text, other)
    assert (said["reason"], said["unread_files"], said["signer"]) == ("unknown_signer", ["broken.pem"], None)
    assert (said["kid"], said["payload"]["nam"]["fn"]) == (a_signer().kid.hex(), "Nguyễn")
    bundle = b"".join(file.read_bytes() for file in trust.iterdir())
    (other / "bundle.crt").write_bytes(bundle)
    assert found(text, other)["valid"]


def test_a_folder_that_is_not_there_is_another_failure_than_a_bad_certificate(tmp_path):
    assert check(a_signer().write(), tmp_path / "none").exit_code == 2


def write_revocations(file: Path, signer: Signer, *uvcis: str, kids: tuple[bytes, ...] = ()) -> str:
    file.write_text(
        write_list(
            certificates=[hash_uvci(uvci) for uvci in uvcis],
            kids=kids,
            made_at=NOW,
            kid=signer.kid,
            private_key=signer.key,
        )
    )
    return str(file)


def test_a_revoked_certificate_and_a_revoked_signer(tmp_path, trust):
    signer, uvci = a_signer(), make_uvci()
    other = make_signer()
    listed = write_revocations(tmp_path / "list", signer, uvci)
    assert found(signer.write(uvci=uvci), trust)["valid"]
    said = found(signer.write(uvci=uvci), trust, "--revocations", listed)
    assert (said["reason"], said["revocations_made_at"]) == ("revoked", NOW.isoformat())
    assert found(signer.write(), trust, "--revocations", listed)["valid"]
    both = save_trust(tmp_path / "both", signer, other)
    listed = write_revocations(tmp_path / "list", signer, kids=(other.kid,))
    assert found(other.write(), both, "--revocations", listed)["reason"] == "signer_revoked"


def test_a_list_speaks_of_its_own_roots_signers_only(tmp_path):
    signer, foreign, uvci = a_signer(), make_signer(organisation="Nơi khác"), make_uvci()
    both = save_trust(tmp_path / "both", signer, foreign)
    listed = write_revocations(tmp_path / "list", foreign, uvci, kids=(signer.kid,))
    assert found(signer.write(uvci=uvci), both, "--revocations", listed)["valid"]
    assert found(foreign.write(uvci=uvci), both, "--revocations", listed)["reason"] == "revoked"


def test_a_list_that_cannot_be_believed_stops_the_check(tmp_path, trust):
    signer, stranger, uvci = a_signer(), make_signer(organisation="Kẻ lạ"), make_uvci()
    for content in (
        Path(write_revocations(tmp_path / "a", stranger, uvci)).read_text(),
        Path(write_revocations(tmp_path / "b", signer, uvci)).read_text()[:-3],
        Path(write_revocations(tmp_path / "c", signer, kids=(signer.kid,))).read_text(),
        signer.write().replace("HC1:", "LR1:"),
        "",
    ):
        (tmp_path / "list").write_text(content)
        answer = check(signer.write(), trust, "--revocations", str(tmp_path / "list"), "--json")
        assert (answer.exit_code, answer.stdout) == (1, "")
        assert "cannot be believed" in answer.stderr


def test_a_list_is_no_certificate_and_a_certificate_no_list(tmp_path, trust):
    listed = Path(write_revocations(tmp_path / "list", a_signer())).read_text()
    assert found(listed.replace("LR1:", "HC1:"), trust)["reason"] == "structure"


def test_certificates_of_other_countries(tmp_path):
    """Some vectors as files on a disk, as anybody would lay them there."""
    wanted = {
        "AT/3",
        "DK/2",
        "FI/4",
        "FR/DCC_Test_0001",
        "IE/Raw/2",
        "common/CO28",
        "common/CO22",
        "common/CO16",
    }
    said = {}
    for vector in list_vectors():
        if vector.name not in wanted:
            continue
        folder = tmp_path / vector.name.replace("/", "-")
        folder.mkdir()
        (folder / "signer.pem").write_bytes(vector.certificate.public_bytes(Encoding.PEM))
        said[vector.name] = found(
            vector.fields["PREFIX"], folder, "--at", vector.fields["TESTCTX"]["VALIDATIONCLOCK"]
        )["reason"]
    assert said.pop("common/CO22") == "unknown_signer"  # the key id is not the certificate's
    assert said.pop("common/CO16") == "not_yet_valid"
    assert said == dict.fromkeys(said)


def test_it_needs_neither_settings_nor_a_database(trust, tmp_path):
    command = [sys.executable, "-m", "lims.cli", "certificate", "verify", "-", "--trust", str(trust)]
    run = subprocess.run(
        [*command, "--at", NOW.isoformat()],
        input=a_signer().write(),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "LIMS_INSTANCE": str(tmp_path / "nowhere")},
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert not (tmp_path / "nowhere").exists()
