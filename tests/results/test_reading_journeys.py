"""From the declaration to the answer by the real actions, read on the page at every step; a household on one page."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from factories import MORNING
from intake import people
from pooling import bench
from results import desk
from results.test_portal import lab  # noqa: F401  (a fixture)

from lims import clock, codes
from lims.auth.actors import RESIDENT
from lims.auth.throttles import READ_CODE
from lims.extensions import db
from lims.intake.actions.collections import close_tubes
from lims.intake.actions.declarations import (
    declare_people,
    reissue_result_code,
    withdraw_declaration,
)
from lims.intake.actions.reception import receive_box, receive_tubes, reconcile_box
from lims.intake.collecting import TubeClosing
from lims.intake.declaring import DeclarationForm
from lims.intake.models import Declaration
from lims.intake.receiving import ReceivedTube
from lims.personal.actions.erasing import erase_people
from lims.places.actions import set_telling
from lims.results.actions.amendment import amend_result
from lims.results.actions.release import release_run
from lims.results.actions.review import review_run
from lims.results.actions.verification import verify_run
from lims.results.actions.withdrawal import withdraw_run
from lims.tickets import LASTS
from lims.transaction import writing

BIRTHS = ("17/5/1958", "3/1990", "2015")


@pytest.fixture
def client(lab, client):  # noqa: F811
    """A phone in English, that need not send form tokens."""
    client.application.config["WTF_CSRF_ENABLED"] = False
    with client.session_transaction() as session:
        session["language"] = "en"
    return client


def declare(world, count: int = 1) -> list[tuple[str, str]]:
    """Declare people as they do themselves; return declaration and result codes."""
    forms = [
        DeclarationForm(
            client_id=uuid.uuid4(),
            name=f"Người Thử {place}",
            birth_date=BIRTHS[place % 3],
            sex="",
            commune_code=world.commune_code,
            consent=True,
        )
        for place in range(count)
    ]
    made = declare_people(actor=RESIDENT, campaign_id=world.campaign_id, declarations=forms)
    return [(one["declaration_code"], one["result_code"]) for one in made]


def collect(world, declarations, mode: str = "single") -> list[str]:
    """Sample people, each into a tube of their own or all into one; return the tubes."""
    tubes = people.print_tubes(world, 1 if mode == "mixed" else len(declarations), mode)
    session_id = uuid.uuid4()
    scans = [
        people.scan(tubes[0 if mode == "mixed" else place], code, clock.now())
        for place, code in enumerate(declarations)
    ]
    assert all(one["verdict"] == "good" for one in people.collect(world, scans, session_id))
    if mode == "mixed":
        closing = TubeClosing(uuid.uuid4(), tubes[0], len(declarations))
        close_tubes(actor=world.actor("collector"), session_id=session_id, closings=[closing])
    return tubes


def arrive(world, tubes, condition: str = "good") -> None:
    """Bring tubes to the laboratory in a box."""
    box = people.send_box(world, tubes)
    receive(world, box, tubes, condition)


def receive(world, box: str, tubes, condition: str = "good") -> None:
    """Unpack a box."""
    technician = world.actor("technician")
    receive_box(actor=technician, box_code=box, laboratory_id=world.laboratory_id, temperature_c=4.0)
    scanned = [ReceivedTube(tube, condition) for tube in tubes]
    receive_tubes(actor=technician, laboratory_id=world.laboratory_id, box_code=box, tubes=scanned)
    reconcile_box(actor=technician, box_code=box)


def born(birth: str) -> dict[str, str]:
    """Return a birth date as the page's three fields."""
    parts = birth.split("/")
    return dict(zip(("birth_year", "birth_month", "birth_day"), reversed(parts), strict=False))


def read(client, code: str, birth: str = BIRTHS[0], opened=(), status: int = 200) -> str:
    """Read a result on the page; return the page."""
    db.session.rollback()
    form = {"result_code": code, "opened": list(opened), **born(birth)}
    page = client.post("/results", data=form)
    assert page.status_code == status, page.text
    return page.text


def headlines(page: str) -> list[str]:
    """Return the large words of a page."""
    return re.findall(r'<h2 id="told-\d+">.*?<span>(.*?)</span></h2>', page, re.DOTALL)


def reached(page: str) -> list[str]:
    """Return the steps that lie behind."""
    return re.findall(r'<div class="what">([^<]+)<span class="visually-hidden">: done', page)


def tickets(page: str) -> list[str]:
    """Return what a page keeps open, each once."""
    return list(dict.fromkeys(re.findall(r'name="opened" value="([^"]+)"', page)))


STEPS = [
    "Declared",
    "Sample taken",
    "On the road to the laboratory",
    "Arrived at the laboratory",
    "In test",
    "Checked by a second person",
    "Result released",
]


def test_each_of_the_seven_steps_is_shown_with_its_time_while_the_person_waits(lab, client):  # noqa: F811
    hours = iter(MORNING + timedelta(hours=hour, minutes=12) for hour in range(9))
    seen = []

    def look(code: str) -> None:
        page = read(client, code)
        seen.append((headlines(page), reached(page), len(re.findall(r'class="who"><time', page))))

    with clock.at(next(hours)):
        ((declaration, code),) = declare(lab)
        look(code)
    with clock.at(next(hours)):
        tubes = collect(lab, [declaration])
        look(code)
    with clock.at(next(hours)):
        box = people.send_box(lab, tubes)
        look(code)
    with clock.at(next(hours)):
        receive(lab, box, tubes)
        desk.pool_up(lab, tubes)
        look(code)
    with clock.at(next(hours)):
        planned = bench.plan(lab)
        look(code)
        bench.read(lab, planned)
    with clock.at(next(hours)):
        review_run(actor=lab.actor("technician"), run_code=planned["run"])
        verify_run(actor=lab.actor("supervisor"), run_code=planned["run"])
        look(code)
    with clock.at(next(hours)):
        release_run(actor=lab.actor("supervisor"), run_code=planned["run"])
        look(code)
    waiting = ["Your result is not ready yet"]
    assert [one[0] for one in seen] == [["You have not been sampled yet"], *[waiting] * 5, ["Not detected"]]
    assert [one[1] for one in seen] == [STEPS[:place] for place in range(1, 8)]
    assert [one[2] for one in seen] == list(range(1, 8))


def test_validity_is_counted_from_the_sampling_and_its_end_is_said(lab, client):  # noqa: F811
    with clock.at(MORNING):
        ((declaration, code),) = declare(lab)
        tubes = collect(lab, [declaration])
        arrive(lab, tubes)
        pool = desk.pool_up(lab, tubes)[0]
    with clock.at(MORNING + timedelta(hours=30)):
        desk.verify_and_release(lab, desk.run_plate(lab, {pool: "not_detected"})["run"])
    with clock.at(MORNING + timedelta(hours=71, minutes=59)):
        page = read(client, code)
        assert "19/8/2021 08:00" in page
        assert "no longer valid" not in page
    with clock.at(MORNING + timedelta(hours=72, minutes=1)):
        assert "no longer valid" in read(client, code)


def test_members_of_an_unresolved_pool_are_told_of_a_second_test_and_where_to_go(lab, client):  # noqa: F811
    made = declare(lab, 3)
    tubes = collect(lab, [declaration for declaration, _ in made])
    arrive(lab, tubes)
    pool = desk.pool_up(lab, tubes)[0]
    desk.run_plate(lab, {pool: "detected"})
    for place, (_declaration, code) in enumerate(made):
        page = read(client, code, BIRTHS[place])
        assert headlines(page) == ["Your sample needs a second test"]
        assert "detected" not in page.casefold()
        assert "Nhà văn hoá khu 3" in page
    set_words(lab, second_test_advice_en="Come to the school by 16:00.", second_test_advice_vi="Đến trường.")
    assert "Come to the school by 16:00." in read(client, made[0][1])


def test_several_people_of_one_tube_are_asked_again_without_a_word_of_what_was_found(lab, client):  # noqa: F811
    made = declare(lab, 2)
    tubes = collect(lab, [declaration for declaration, _ in made], "mixed")
    arrive(lab, tubes)
    pool = desk.pool_up(lab, tubes)[0]
    desk.run_plate(lab, {pool: "detected"})
    page = read(client, made[0][1])
    assert headlines(page) == ["A new sample is needed"]
    assert "one tube" in page
    assert "detected" not in page.casefold()


def set_words(world, **advice: str) -> None:
    """Write a campaign's own advice."""
    set_telling(
        actor=world.actor("coordinator"),
        campaign_id=world.campaign_id,
        tells_people=True,
        quiet_from_hour=21,
        quiet_until_hour=6,
        certificate_hours=72,
        **advice,
    )


def make_detected(world) -> tuple[str, str]:
    """Bring somebody to a released "detected"; return the tube and the result code."""
    ((declaration, code),) = declare(world)
    tubes = collect(world, [declaration])
    arrive(world, tubes)
    pool = desk.pool_up(world, tubes)[0]
    desk.run_plate(world, {pool: "detected"})
    bench.send_on(world, tubes)
    confirmation = desk.bench.pools_of(tubes[0])[-1]
    desk.run_plate(world, {confirmation.code: "detected"}, confirming=True)
    desk.verify_and_release_one(world, tubes[0], role="supervisor_confirming")
    return tubes[0], code


def test_detected_says_what_to_do_next_in_the_products_or_the_campaigns_words(lab, client):  # noqa: F811
    _tube, code = make_detected(lab)
    page = read(client, code)
    assert headlines(page) == ["Detected"]
    assert "Call 115 at once" in page
    set_words(lab, detected_advice_vi="Gọi đường dây nóng <1022>.")
    page = read(client, code)
    assert "Gọi đường dây nóng &lt;1022&gt;." in page, "the other language where one is missing, and escaped"
    assert "Call 115 at once" not in page


def test_an_amended_result_says_so_and_what_was_told_before(lab, client):  # noqa: F811
    tube, code = make_detected(lab)
    amend_result(
        actor=lab.actor("technician_confirming"),
        result_id=desk.result_of(tube).id,
        finding="not_detected",
        reason="Nhầm đĩa của bà Bình",
    )
    page = read(client, code)
    assert headlines(page) == ["Your result is being checked again"]
    assert "Detected" not in page
    desk.verify_and_release_one(lab, tube, role="supervisor_confirming")
    page = read(client, code)
    assert headlines(page) == ["Not detected"]
    assert re.search(r"Amended.*Before: Detected, released .*Now: Not detected", page, re.DOTALL)
    assert "bà Bình" not in page, "staff's own words are not the person's"


def test_a_rejected_tube_a_cancelled_declaration_and_a_withdrawn_run_say_what_to_do(lab, client):  # noqa: F811
    (kept, code), (declared, other) = declare(lab, 2)
    withdraw_declaration(actor=lab.actor("health_worker"), declaration_code=declared, reason="mistake")
    page = read(client, other, BIRTHS[1])
    assert (headlines(page), "taken back" in page) == (["This declaration is closed"], True)
    tubes = collect(lab, [kept])
    arrive(lab, tubes, "leaked")
    page = read(client, code)
    assert headlines(page) == ["A new sample is needed"]
    assert "could not use your tube: leaked" in page
    tubes = collect(lab, [kept])
    assert headlines(read(client, code)) == ["Your result is not ready yet"]
    arrive(lab, tubes)
    pool = desk.pool_up(lab, tubes)[0]
    run = desk.run_plate(lab, {pool: "not_detected"})["run"]
    desk.verify_and_release(lab, run)
    withdraw_run(actor=lab.actor("supervisor"), run_code=run, cause="kit_lot", reason="bad lot")
    page = read(client, code)
    assert headlines(page) == ["Your result is being checked again"]
    assert "not found" not in page
    assert "new sample" not in page, "the kept tube is tested once more"


def test_a_run_withdrawn_before_its_release_tells_nobody_that_what_they_read_is_wrong(lab, client):  # noqa: F811
    ((kept, code),) = declare(lab, 1)
    tubes = collect(lab, [kept])
    arrive(lab, tubes)
    pool = desk.pool_up(lab, tubes)[0]
    run = desk.run_plate(lab, {pool: "not_detected"})["run"]
    withdraw_run(actor=lab.actor("supervisor"), run_code=run, cause="kit_lot", reason="bad lot")
    page = read(client, code)
    assert headlines(page) == ["Your sample needs a second test"]
    assert "What you read before" not in page, "nothing was released before"


def test_an_erased_person_is_answered_like_an_unknown_code(lab, client):  # noqa: F811
    ((declaration, code),) = declare(lab)
    opened = tickets(read(client, code))
    person_id = db.session.scalar(db.select(Declaration.person_id).where(Declaration.code == declaration))
    with writing() as session:
        erase_people(session, person_ids=[person_id], reason="request", erased_at=clock.now())
    unknown = codes.mint_result_code()
    pages = [read(client, one, status=404).replace(one, "") for one in (code, unknown)]
    assert pages[0] == pages[1]
    assert "half an hour" in client.post("/results", data={"opened": opened}).text, "nor by an open page"


def test_a_household_is_read_on_one_page_each_by_its_own_birth_date(lab, client):  # noqa: F811
    made = declare(lab, 3)
    collect(lab, [made[0][0]])
    first = read(client, made[0][1], BIRTHS[0])
    both = read(client, made[1][1], BIRTHS[1], tickets(first))
    assert headlines(both) == ["You have not been sampled yet", "Your result is not ready yet"]
    refused = read(client, made[2][1], BIRTHS[0], tickets(both), status=404)
    assert headlines(refused) == headlines(both), "a wrong birth date closes nobody"
    assert 'id="result_code-error"' in refused
    three = read(client, made[2][1], BIRTHS[2], tickets(refused))
    assert len(headlines(three)) == 3
    again = read(client, made[0][1], BIRTHS[0], tickets(three))
    assert len(headlines(again)) == 3, "the same code twice is shown once"
    assert not any(code in again for _, code in made)
    assert len(headlines(client.post("/results", data={"opened": tickets(again)}).text)) == 3


def test_too_many_tries_for_one_code_close_no_result_that_is_open(lab, client):  # noqa: F811
    (_, mine), (_, other) = declare(lab, 2)
    opened = tickets(read(client, mine))
    for _ in range(READ_CODE.failures):
        read(client, other, "1931", opened, status=404)
    page = read(client, other, BIRTHS[1], opened, status=429)
    assert len(headlines(page)) == 1


def test_what_is_open_stays_so_for_half_an_hour_after_the_last_look(lab, client):  # noqa: F811
    (_, mine), (_, other) = declare(lab, 2)
    with clock.at(MORNING):
        opened = tickets(read(client, mine))
    with clock.at(MORNING + LASTS - timedelta(minutes=1)):
        both = read(client, other, BIRTHS[1], opened)
        assert len(headlines(both)) == 2
    with clock.at(MORNING + LASTS + timedelta(minutes=1)):
        page = read(client, other, BIRTHS[1], opened)
        assert len(headlines(page)) == 1
        assert "half an hour" in page
        assert len(headlines(client.post("/results", data={"opened": tickets(both)}).text)) == 2


def test_a_ticket_of_a_code_that_was_replaced_or_that_is_none_opens_nothing(lab, client):  # noqa: F811
    ((declaration, code),) = declare(lab)
    (ticket,) = tickets(read(client, code))
    forged = ticket[:-1] + ("0" if ticket[-1] != "0" else "1")
    for nothing in (forged, "x", "", "a.b.c", ticket.replace(".", "..")):
        assert headlines(client.post("/results", data={"opened": [nothing]}).text) == []
    reissue_result_code(
        actor=lab.actor("health_worker"),
        client_id=uuid.uuid4(),
        declaration_code=declaration,
        identity_checked=True,
    )
    assert headlines(client.post("/results", data={"opened": [ticket]}).text) == []


def test_a_page_holds_a_household_and_not_a_village(lab, client):  # noqa: F811
    made = declare(lab, 13)
    opened: list[str] = []
    for place, (_, code) in enumerate(made[:12]):
        opened = tickets(read(client, code, BIRTHS[place % 3], opened))
    assert len(opened) == 12
    page = read(client, made[12][1], BIRTHS[0], opened, status=422)
    assert len(headlines(page)) == 12


def test_a_page_that_is_kept_says_the_same_as_one_that_is_drawn(lab, client):  # noqa: F811
    made = declare(lab, 3)
    collect(lab, [made[0][0]])

    def look(place: int, opened=()) -> str:
        page = read(client, made[place][1], BIRTHS[place], opened)
        return re.sub(r'(name="(?:csrf_token|opened)" (?:type="hidden" )?value=)"[^"]+"', r"\1", page)

    shown: dict[bool, list[str]] = {}
    for drawn in (True, False):
        client.application.config["TEMPLATES_AUTO_RELOAD"] = drawn
        first = read(client, made[0][1])
        shown[drawn] = [look(0), look(1), look(2), look(1, tickets(first))]
    assert shown[True] == shown[False]
