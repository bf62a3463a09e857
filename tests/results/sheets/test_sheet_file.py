"""The PDF of a result sheet: what it says, that it can be kept for years, that its QR code is read and verifies."""

from __future__ import annotations

import unicodedata

import pytest
from pooling import bench
from results import desk
from results.sheets.paper import list_fonts, read_facts, read_words, scan
from results.sheets.signer import ORGANISATION, give_keys, install_signer
from results.test_verification import detected_and_confirmed
from sqlalchemy import update

from lims import clock, codes
from lims.extensions import db
from lims.intake.models import Person
from lims.places.models import Campaign, Laboratory, Place
from lims.results.actions.amendment import amend_result
from lims.results.actions.release import release_results
from lims.results.actions.verification import verify_results
from lims.results.certificates.actions.certificates import issue_certificates
from lims.results.certificates.publishing import write_revocations
from lims.results.certificates.refusals import NotValid
from lims.results.certificates.verifying import get_content, verify, verify_list
from lims.results.sheets.preparing import draw, prepare_sheets
from lims.transaction import writing

OWN_TEMPLATE = """
#let sheets = json(bytes(sys.inputs.sheets))
#set text(font: "Be Vietnam Pro")
Bệnh viện: #sheets.first().name
"""


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


@pytest.fixture
def trust(lab):
    return install_signer(lab)


def sheet_of(world, tube: str) -> bytes:
    """Return the sheet of a released result, its certificate issued."""
    give_keys()
    key = desk.result_of(tube).id
    issue_certificates(actor=world.actor("coordinator"), result_ids=[key])
    return draw(prepare_sheets(db.session(), result_ids=[key]))


def rename(**names: str) -> None:
    """Give the people, the laboratory, the site, the campaign other names."""
    with writing() as session:
        session.execute(update(Person).values(name=names["person"]))
        session.execute(update(Place).values(name=names["place"]))
        session.execute(update(Campaign).values(name=names["campaign"]))
    db.session.rollback()


def amend(world, tube: str, reason: str) -> None:
    """Amend a released result, verify and release its next version."""
    result = desk.result_of(tube)
    with writing() as session:
        session.execute(update(Laboratory).values(can_confirm=True))
    answer = amend_result(
        actor=world.actor("supervisor"), result_id=result.id, finding="detected", reason=reason
    )
    ids = [desk.result_of(tube).id]
    assert str(ids[0]) == answer["result"]
    verify_results(actor=world.actor("supervisor_2"), result_ids=ids)
    verdict = release_results(actor=world.actor("supervisor_2"), result_ids=ids, looked=True)["verdicts"][0]
    assert verdict["verdict"] == "good", verdict


def test_a_sheet_says_in_vietnamese_and_english_what_was_found(lab, trust):
    run, tubes = desk.run_tubes(lab, 3, size=3)
    desk.verify_and_release(lab, run)
    with writing() as session:
        session.execute(update(Person).values(name="Nguyễn Thị Hồng Ánh Hữu Ngẫm Cự Dễ Lợ"))
    words = read_words(sheet_of(lab, tubes[0]))
    result = desk.result_of(tubes[0])
    sampled = f"{clock.local(result.sample.sampled_at):%H:%M %d/%m/%Y}"
    for expected in (
        "PHIẾU KẾT QUẢ XÉT NGHIỆM",
        "ÂM TÍNH",
        "Không phát hiện vi rút SARS-CoV-2 · Not detected",
        "Nguyễn Thị Hồng Ánh Hữu Ngẫm Cự Dễ Lợ",
        "Ngày sinh 1980",
        codes.grouped(tubes[0]),
        sampled,
        "Nhà văn hoá khu 3, Phường Hà Khánh",
        "Phòng xét nghiệm A",
        "Xét nghiệm mẫu gộp 3 người · Pooled test of 3 people",
        "Supervisor",
        "Phiếu kết quả có chữ ký số (định dạng HC1)",
        "/verify",
    ):
        assert expected in words, expected
    assert "Đã sửa" not in words


def test_a_detected_persons_sheet_has_no_end_of_validity(lab, trust):
    tube = detected_and_confirmed(lab)
    desk.verify_and_release_one(lab, tube, role="supervisor_confirming")
    words = read_words(sheet_of(lab, tube))
    assert "DƯƠNG TÍNH" in words
    assert "Có giá trị đến" not in words
    assert "mẫu gộp" not in words


def test_a_sheet_can_be_kept_for_years(lab, trust):
    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    pdf = sheet_of(lab, tubes[0])
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in pdf
    fonts = list_fonts(pdf)
    assert set(fonts) == {"BeVietnamPro-Regular", "BeVietnamPro-Bold"}
    assert all(fonts.values())
    assert read_facts(pdf)["Pages"] == "1"


def test_the_same_sheet_has_the_same_bytes_in_any_process_and_at_any_time(lab, trust):
    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    first = sheet_of(lab, tubes[0])
    from lims.results.sheets import drawing

    drawing._compiler.cache_clear()
    assert sheet_of(lab, tubes[0]) == first


@pytest.mark.parametrize("letter", ["W", "Ễ "], ids=["one word", "many words"])
def test_the_longest_names_stay_on_one_page_with_a_code_that_is_read(lab, trust, letter):
    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    long = (letter * 120)[:120].strip()
    rename(person=long, place=long, campaign=long)
    amend(lab, tubes[0], reason=(letter * 500)[:500])
    pdf = sheet_of(lab, tubes[0])
    assert read_facts(pdf)["Pages"] == "1"
    assert long.replace(" ", "") in read_words(pdf).replace(" ", "")
    assert len(scan(pdf, dpi=100)) == 1


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("Ksor H’Ƀiă", "Ksor H’□iă"),
        ("Nguyễn 王小明", "Nguyễn □□□"),
        ("Лев 😀 An", "Лев □ An"),
        ("An\u200b \u2066Bình\u2069", "An Bình"),
    ],
    ids=["a letter of Gia Rai", "Chinese", "Cyrillic", "unseen"],
)
def test_a_letter_that_no_font_has_keeps_nobody_from_a_sheet(lab, trust, name, printed):
    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    rename(person=name, place="Nhà văn hoá", campaign="Hà Khánh")
    pdf = sheet_of(lab, tubes[0])
    words = "".join(letter for letter in read_words(pdf) if unicodedata.category(letter) != "Cf")
    assert printed in words
    assert all(list_fonts(pdf).values())
    (text,) = scan(pdf, dpi=150)
    assert get_content(verify(text, trust=trust, at=clock.now()).claims)["nam"]["fn"] == name.split()[0]


@pytest.mark.parametrize("dpi", [100, 150, 300])
def test_the_printed_code_is_read_and_verifies(lab, trust, dpi):
    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    (text,) = scan(sheet_of(lab, tubes[0]), dpi=dpi)
    content = get_content(verify(text, trust=trust, at=clock.now()).claims)
    (entry,) = content["t"]
    assert (entry["tr"], entry["is"], entry["tc"]) == ("260415000", ORGANISATION, "Phòng xét nghiệm A")


def test_an_amended_result_says_so_with_the_reason(lab, trust):
    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    (old,) = scan(sheet_of(lab, tubes[0]), dpi=150)
    amend(lab, tubes[0], reason="Đọc nhầm đường cong")
    pdf = sheet_of(lab, tubes[0])
    words = read_words(pdf)
    assert "2 · Đã sửa · Amended" in words
    assert "Đọc nhầm đường cong" in words
    (new,) = scan(pdf, dpi=150)
    assert new != old
    db.session.rollback()
    revoked = verify_list(write_revocations(db.session()).decode(), trust=trust)
    assert verify(new, trust=trust, at=clock.now(), revoked=revoked)
    with pytest.raises(NotValid) as refused:
        verify(old, trust=trust, at=clock.now(), revoked=revoked)
    assert refused.value.reason == "revoked"


def test_without_a_signing_key_the_sheet_says_that_it_has_no_code(lab):
    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    pdf = sheet_of(lab, tubes[0])
    assert "không kèm mã QR" in read_words(pdf)
    assert scan(pdf, dpi=150) == []


def test_a_batch_has_a_page_a_person_each_with_its_own_code(lab, trust):
    run, tubes = desk.run_tubes(lab, 3, size=1)
    desk.verify_and_release(lab, run)
    give_keys()
    ids = [desk.result_of(tube).id for tube in tubes]
    issue_certificates(actor=lab.actor("coordinator"), result_ids=ids)
    pdf = draw(prepare_sheets(db.session(), result_ids=ids))
    assert read_facts(pdf)["Pages"] == "3"
    texts = {scan(pdf, dpi=150, page=page)[0] for page in (1, 2, 3)}
    assert len(texts) == 3


def test_a_laboratorys_own_template_is_used_and_its_mistake_is_said(app, lab, trust):
    from lims.errors import Refused

    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    own = app.extensions["lims.settings"].instance_path / "sheet.typ"
    own.write_text(OWN_TEMPLATE)
    try:
        assert "Bệnh viện:" in read_words(sheet_of(lab, tubes[0]))
        own.write_text("#let broken = (")
        with pytest.raises(Refused, match="mistake"):
            sheet_of(lab, tubes[0])
    finally:
        own.unlink()
