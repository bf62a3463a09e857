"""Pages of staff: people and their records, result codes issued anew, lists, labels."""

from __future__ import annotations

import io
import re
import uuid

import pytest
from signing import sign_in
from sqlalchemy import func, select
from stating import declare, make_form

from lims import codes
from lims.extensions import db, vault
from lims.intake.models import Declaration, PeopleImport, ResultCode, TubeLot
from lims.intake.result_codes import hash_result_code

CSV = "Họ và tên,Năm sinh,Xã\nNguyễn Văn An,1980,Hà Khánh\nTrần Bình,1890,Hà Khánh\n=cmd,1990,Không Có"


@pytest.fixture
def staff(client, world):
    """A browser signed in as the commune's health worker."""
    return sign_in(client, world.actor("health_worker"))


def hidden(page: str) -> dict[str, str]:
    """Return the last form token and client id of a page."""
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page)[-1]
    ids = re.findall(r'name="client_id"[^>]*value="([^"]+)"', page)
    return {"csrf_token": token, **({"client_id": ids[-1]} if ids else {})}


def plain(page: str) -> str:
    return page.replace("</span><span>", "")


def test_people_are_found_by_name_without_marks_and_by_code(world, staff):
    (verdict,) = declare(world, make_form())
    assert "Nguyễn Thị Ánh" in staff.get("/people?q=anh").text
    assert "Nguyễn Thị Ánh" not in staff.get("/people?q=binh").text
    answer = staff.get(f"/people?q={verdict['declaration_code'].lower()}")
    assert answer.location.endswith(f"/people/{verdict['declaration_code']}")


def test_who_sees_many_communes_chooses_one_first(world, client):
    declare(world, make_form())
    sign_in(client, world.actor("coordinator"))
    assert "Nguyễn Thị Ánh" not in client.get("/people").text
    assert "Nguyễn Thị Ánh" in client.get(f"/people?commune={world.commune_id}").text


def test_the_list_of_people_is_not_for_couriers(world, client):
    assert sign_in(client, world.actor("courier")).get("/people").status_code == 403


def test_a_record_shows_what_was_stated_and_its_journey(world, staff):
    (verdict,) = declare(
        world, make_form(identity_number="022190001234", phone="0912345678", symptoms=("fever",))
    )
    page = staff.get(f"/people/{verdict['declaration_code']}").text
    for said in ("Nguyễn Thị Ánh", "17/05/1990", "022190001234", "0912 345 678", '<ol class="timeline">'):
        assert said in page
    assert verdict["result_code"] not in plain(page)


def test_a_record_of_others_and_one_that_is_not_there_look_the_same(world, staff):
    (verdict,) = declare(world, make_form(commune_code="06658"))
    there, nowhere = (
        staff.get(f"/people/{verdict['declaration_code']}"),
        staff.get(f"/people/{codes.mint('declaration')}"),
    )
    assert (there.status_code, nowhere.status_code) == (404, 404)


def test_a_declaration_is_taken_back_on_its_record(world, staff):
    code = declare(world)[0]["declaration_code"]
    page = staff.get(f"/people/{code}").text
    form = {**hidden(page), "reason": "mistake"}
    assert staff.post(f"/people/{code}/withdrawal", data=form).status_code == 302
    assert db.session.scalars(select(Declaration.status)).one() == "withdrawn"
    assert "/withdrawal" not in staff.get(f"/people/{code}").text


def test_a_new_result_code_is_shown_once_to_who_ticked_that_the_identity_was_checked(world, staff):
    (verdict,) = declare(world)
    code = verdict["declaration_code"]
    form = hidden(staff.get(f"/people/{code}").text)
    refused = staff.post(f"/people/{code}/result-code", data=form)
    assert refused.status_code == 422 and "identity_checked-error" in refused.text
    page = staff.post(f"/people/{code}/result-code", data={**form, "identity_checked": "y"}).text
    fresh = re.search(r'name="result_code" value="(\w{14})"', page)[1]
    assert fresh != verdict["result_code"] and fresh in plain(page)
    live = db.session.scalars(select(ResultCode).where(ResultCode.revoked_at.is_(None))).one()
    assert live.code_hash == hash_result_code(vault(), fresh)
    assert fresh not in plain(staff.get(f"/people/{code}").text)


def test_a_slip_is_printed_with_a_live_result_code_or_with_none(world, staff):
    (verdict,) = declare(world)
    url = f"/people/{verdict['declaration_code']}/slip.pdf"
    assert staff.get(url).data.startswith(b"%PDF")
    form = hidden(staff.get("/declare/for-others?step=who").text)
    with_code = staff.post(url, data={**form, "result_code": verdict["result_code"]})
    assert with_code.data.startswith(b"%PDF") and len(with_code.data) > len(staff.get(url).data)
    (other,) = declare(world)
    wrong = staff.post(url, data={**form, "result_code": other["result_code"]})
    assert wrong.status_code == 422


def send_list(client, content: str = CSV, **form):
    page = client.get("/lists").text
    campaign = re.search(r'<option value="([^"]+)"', page)[1]
    values = {"consent": "y", "consent_given": "signed_list", "campaign_id": campaign, **form}
    file = (io.BytesIO(content.encode()), "tổ 3.csv")
    return client.post("/lists", data={**hidden(page), **values, "file": file})


def test_a_list_is_sent_and_its_refused_rows_come_back_with_line_column_and_reason(world, staff):
    answer = send_list(staff)
    assert answer.status_code == 302
    page = staff.get(answer.location).text
    assert "Năm sinh" in page and "1890" in page
    download = staff.get(f"{answer.location}/refused.csv")
    lines = download.data.decode("utf-8-sig").splitlines()
    assert lines[0] == "Họ và tên,Năm sinh,Xã,line,reason"
    assert lines[1].startswith("Trần Bình,1890,Hà Khánh,3,")
    assert lines[2].startswith("'=cmd,")


def test_a_dry_run_shows_the_refused_rows_and_keeps_nothing(world, staff):
    answer = send_list(staff, dry_run="y")
    assert answer.status_code == 200 and "1890" in answer.text
    assert db.session.scalar(select(func.count()).select_from(PeopleImport)) == 0
    assert db.session.scalar(select(func.count()).select_from(Declaration)) == 0


def test_a_list_needs_a_file_that_is_one_and_the_people_s_consent(world, staff):
    assert 'href="#file"' in send_list(staff, content="").text
    assert 'href="#consent"' in send_list(staff, consent="").text
    page = staff.get("/lists").text
    agreed = {"consent": "y", "consent_given": "signed_list"}
    assert 'href="#file"' in staff.post("/lists", data={**hidden(page), **agreed}).text


def test_a_list_of_others_is_not_shown(world, staff, app):
    location = send_list(staff).location
    other = sign_in(app.test_client(), world.actor("administrator"))
    assert other.get(location).status_code == 403


def test_a_lot_is_minted_and_printed_in_ranges(world, staff):
    page = staff.get("/labels").text
    first = re.search(r'name="client_id"[^>]*value="([^"]+)"', page)[1]
    form = {**hidden(page), "client_id": first, "campaign_id": str(world.campaign_id), "mode": "single"}
    answer = staff.post("/labels", data={**form, "count": "80", "place_id": str(world.site_id)})
    assert answer.status_code == 302
    assert "80" in staff.get(answer.location).text
    pdf = staff.get(f"{answer.location}.pdf?first=1&last=70")
    assert pdf.data.startswith(b"%PDF") and pdf.data.count(b"/Type /Page\n") == 1
    zpl = staff.get(f"{answer.location}.zpl?first=71&last=80").data
    assert zpl.count(b"^XA") == 10
    assert staff.get(f"{answer.location}.pdf?first=81").status_code == 422
    assert staff.get(f"{answer.location}.exe").status_code == 422
    assert staff.get(f"{answer.location}.zpl?dots=9").status_code == 422


def test_a_lot_of_too_many_tubes_is_refused_beside_its_field(world, staff):
    form = {**hidden(staff.get("/labels").text), "campaign_id": str(world.campaign_id), "mode": "single"}
    for count in ("100001", "0", "-1", "many", ""):
        answer = staff.post("/labels", data={**form, "client_id": str(uuid.uuid4()), "count": count})
        assert answer.status_code == 422 and 'href="#count"' in answer.text
    assert db.session.scalar(select(func.count()).select_from(TubeLot)) == 0


def test_box_labels_are_minted_and_printed(world, staff):
    form = {**hidden(staff.get("/labels").text), "campaign_id": str(world.campaign_id), "count": "3"}
    first, second = (staff.post("/labels/boxes.pdf", data=form) for _ in range(2))
    assert first.data.startswith(b"%PDF") and second.status_code == 200
    assert staff.get("/labels/boxes.pdf?code=T00000000").status_code == 422


def test_box_labels_without_a_box_are_refused_and_no_empty_page_is_printed(world, staff):
    answer = staff.get("/labels/boxes.pdf")
    assert answer.status_code == 422
    assert answer.mimetype == "text/html"


def test_slips_of_a_list_are_printed_once_each_and_again_by_the_same_page(world, staff):
    send_list(staff)
    page = staff.get("/labels/slips").text
    form = {
        **hidden(page),
        "campaign_id": str(world.campaign_id),
        "commune_id": str(world.commune_id),
        "most": "50",
    }
    assert staff.post("/labels/slips.pdf", data=form).data.startswith(b"%PDF")
    assert staff.post("/labels/slips.pdf", data=form).data.startswith(b"%PDF")
    assert db.session.scalar(select(func.count()).select_from(ResultCode)) == 1
    answer = staff.post("/labels/slips.pdf", data={**form, "client_id": str(uuid.uuid4())})
    assert answer.status_code == 422
