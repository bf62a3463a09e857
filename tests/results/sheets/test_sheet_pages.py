"""Who gets a sheet: the person with code and birth date, staff of the commune; and for what there is none."""

from __future__ import annotations

import re
import uuid

import pytest
from pooling import bench
from pooling.received import person_of, receive, samples_of
from results import desk
from results.sheets.paper import read_facts, read_words, scan
from results.sheets.signer import give_keys, install_signer
from results.test_portal import issue_code
from signing import sign_in
from sqlalchemy import func, select

from lims import clock
from lims.extensions import db
from lims.intake.models import Person, PersonAccess
from lims.results.actions.amendment import amend_result
from lims.results.actions.withdrawal import withdraw_run
from lims.results.certificates.models import Certificate
from lims.results.views import sheets as views
from lims.transaction import writing

BORN = "1980"


@pytest.fixture
def lab(world):
    bench.install(world)
    install_signer(world)
    return world


@pytest.fixture
def browser(app):
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def released(world, count: int = 1) -> tuple[str, list[str]]:
    """Return a run and its tubes, their negatives released."""
    run, tubes = desk.run_tubes(world, count, size=1)
    desk.verify_and_release(world, run)
    give_keys()
    return run, tubes


def take(client, code: str, born: str = BORN, **more: str):
    return client.post("/results/sheet", data={"result_code": code, "birth_date": born, **more})


def count(column) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(column)))


def test_a_person_takes_the_sheet_with_code_and_birth_date(lab, browser):
    _run, tubes = released(lab)
    code = issue_code(tubes[0])
    answer = take(browser, code)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert "ÂM TÍNH" in read_words(answer.data)
    (text,) = scan(answer.data, dpi=150)
    page = browser.post("/results/sheet", data={"result_code": code, "birth_year": BORN, "as": "page"})
    assert "Phiếu kết quả có chữ ký số" in page.text
    assert code not in page.text
    again = take(browser, code)
    assert again.data == answer.data, "asked again, the same certificate is given"
    assert (count(Certificate.id), text[:4]) == (1, "HC1:")


def test_the_page_that_was_read_gives_the_sheet_by_its_ticket(lab, browser):
    _run, tubes = released(lab)
    page = browser.post("/results", data={"result_code": issue_code(tubes[0]), "birth_year": BORN})
    assert 'action="/results/sheet"' in page.text
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)[1]
    assert browser.post("/results/sheet", data={"ticket": ticket}).mimetype == "application/pdf"
    forged = browser.post(
        "/results/sheet", data={"ticket": ticket[:-1] + ("0" if ticket[-1] != "0" else "1")}
    )
    assert (forged.status_code, forged.mimetype) == (422, "text/html")


def test_where_nothing_is_left_to_be_printed_the_page_says_so(lab, browser):
    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    # a person without a key has no sheet, as one whose result was taken back a moment ago
    answer = take(browser, issue_code(tubes[0]))
    assert (answer.status_code, answer.mimetype) == (409, "text/html")


def test_anothers_code_or_birth_date_gets_nothing(lab, browser):
    _run, tubes = released(lab, 2)
    code = issue_code(tubes[0])
    wrong_date = take(browser, code, born="1981")
    from lims import codes

    unknown = take(browser, codes.mint_result_code())
    assert (wrong_date.status_code, unknown.status_code) == (404, 404)
    assert wrong_date.mimetype == unknown.mimetype == "text/html"
    assert count(Certificate.id) == 0


def test_guesses_are_limited(lab, browser):
    _run, tubes = released(lab)
    code = issue_code(tubes[0])
    statuses = [take(browser, code, born=str(1900 + guess)).status_code for guess in range(12)]
    assert statuses[-1] == 429


@pytest.mark.parametrize("step", ["reviewed", "unclear", "amended", "withdrawn"])
def test_there_is_no_sheet_of_what_is_not_released_unclear_or_taken_back(lab, browser, step):
    if step == "unclear":
        tube = inconclusive(lab)
        desk.verify_and_release_one(lab, tube)
        give_keys()
    elif step == "reviewed":
        _run, (tube,) = desk.run_tubes(lab, 1)
        give_keys()
    else:
        run, (tube,) = released(lab)
        if step == "amended":
            amend_result(
                actor=lab.actor("supervisor"),
                result_id=desk.result_of(tube).id,
                finding="inconclusive",
                reason="curve",
            )
        else:
            withdraw_run(
                actor=lab.actor("supervisor"), run_code=run, cause="pool_map", reason="Bản đồ mẫu gộp sai"
            )
    answer = take(browser, issue_code(tube))
    assert (answer.status_code, answer.mimetype) == (409, "text/html")
    sign_in(browser, lab.actor("health_worker"))
    for version in desk.results_of(tube):
        answer = browser.get(f"/results/{version.id}/sheet.pdf")
        assert (answer.status_code, answer.mimetype) == (409, "text/html"), version.status
        browser.post(f"/results/{version.id}/sheet")
    assert count(Certificate.id) == 0


def inconclusive(world) -> str:
    """Return a tube whose second test was inconclusive too."""
    _run, (tube,) = desk.run_tubes(world, 1, finding="inconclusive")
    retest = bench.pools_of(tube)[-1].code
    desk.run_plate(world, {retest: "inconclusive"})
    return tube


def test_staff_of_the_commune_print_a_sheet_and_that_is_written_down(lab, browser):
    _run, tubes = released(lab)
    result = desk.result_of(tubes[0])
    sign_in(browser, lab.actor("health_worker"))
    before = count(Certificate.id)
    assert "không kèm mã QR" in read_words(browser.get(f"/results/{result.id}/sheet.pdf").data)
    assert count(Certificate.id) == before, "reading issues nothing"
    made = browser.post(f"/results/{result.id}/sheet", follow_redirects=True)
    assert (made.status_code, made.mimetype) == (200, "application/pdf")
    assert len(scan(made.data, dpi=150)) == 1
    page = browser.post(f"/results/{result.id}/sheet", data={"as": "page"}, follow_redirects=True)
    assert "<svg" in page.text
    db.session.rollback()
    seen = db.session.execute(select(PersonAccess.person_id, PersonAccess.shown_by)).all()
    assert seen == [(person_of(tubes[0]), "paper")] * 3


def test_of_a_restricted_person_only_the_person_takes_a_sheet(lab, browser):
    run, tubes = released(lab, 2)
    with writing() as session:
        session.get(Person, person_of(tubes[0])).restricted_at = clock.now()
    assert take(browser, issue_code(tubes[0])).mimetype == "application/pdf"
    sign_in(browser, lab.actor("health_worker"))
    result = desk.result_of(tubes[0])
    assert browser.get(f"/results/{result.id}/sheet.pdf").status_code == 409
    answer = browser.post("/results/sheets", data={"run_code": run})
    assert read_facts(answer.data)["Pages"] == "1"


def test_the_sheet_is_printed_from_a_persons_record(lab, browser):
    _run, tubes = released(lab)
    declaration = desk.result_of(tubes[0]).sample.declaration.code
    sign_in(browser, lab.actor("health_worker"))
    address = f"/people/{declaration}/sheet"
    assert f'action="{address}"' in browser.get(f"/people/{declaration}").text
    assert "ÂM TÍNH" in read_words(browser.post(address, follow_redirects=True).data)
    (waiting,) = receive(lab, 1)
    unread = samples_of(waiting)[0].declaration.code
    assert browser.post(f"/people/{unread}/sheet").status_code == 409


@pytest.mark.parametrize("role", ["technician", "supervisor", "collector", "courier", "administrator"])
def test_who_may_not_see_names_prints_no_sheet(lab, browser, role):
    _run, tubes = released(lab)
    result = desk.result_of(tubes[0])
    sign_in(browser, lab.actor(role))
    for address in (f"/results/{result.id}/sheet.pdf", f"/results/{result.id}/sheet", "/results/sheets"):
        assert browser.get(address).status_code == 403, address


def test_all_sheets_of_a_run_or_a_commune_come_as_one_file(lab, browser):
    run, _tubes = released(lab, 3)
    sign_in(browser, lab.actor("health_worker"))
    for form in ({"run_code": run}, {"commune_id": str(lab.commune_id)}):
        answer = browser.post("/results/sheets", data=form)
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        assert read_facts(answer.data)["Pages"] == "3"
    assert count(Certificate.id) == 3
    assert count(PersonAccess.id) == 6


def test_many_sheets_come_in_parts(lab, browser, monkeypatch):
    monkeypatch.setattr(views, "A_FILE", 2)
    run, _tubes = released(lab, 3)
    sign_in(browser, lab.actor("coordinator"))
    page = browser.post("/results/sheets", data={"run_code": run})
    assert page.text.count('name="part"') == 2
    parts = [browser.post("/results/sheets", data={"run_code": run, "part": str(part)}) for part in (1, 2)]
    assert [read_facts(part.data)["Pages"] for part in parts] == ["2", "1"]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"run_code": "X"},
        {"commune_id": str(uuid.uuid4())},
        {"commune_id": "x"},
        {"commune_id": "COMMUNE", "sampled_on": "tomorrow"},
        {"commune_id": "COMMUNE", "sampled_on": "2001-01-01"},
    ],
)
def test_what_cannot_be_printed_is_said_beside_its_field(lab, browser, form):
    released(lab)
    sign_in(browser, lab.actor("health_worker"))
    form = {name: str(lab.commune_id) if value == "COMMUNE" else value for name, value in form.items()}
    answer = browser.post("/results/sheets", data=form)
    assert answer.status_code in (404, 422)
    assert "is-invalid" in answer.text
