"""Reading a result: a code and a birth date; every failure looks the same and is counted."""

from __future__ import annotations

import uuid

import pytest
from pooling import bench
from pooling.received import receive, samples_of
from results import desk
from sqlalchemy import func, select
from statements import count_statements

from lims import clock, codes
from lims.audit import Event
from lims.auth.models import Throttle
from lims.auth.throttles import READ_CODE
from lims.errors import InvalidInput, NotFound, TooManyTries
from lims.extensions import db, vault
from lims.intake.asking_again import ask_for_new_samples
from lims.intake.models import Declaration, Person, ResultCode, Sample
from lims.intake.result_codes import hash_result_code
from lims.personal.actions.erasing import erase_people
from lims.results import portal
from lims.results.models import Result
from lims.results.queries import portal as queries
from lims.tables import new_id
from lims.transaction import writing

ADDRESS = "203.0.113.7"
BORN = "1980"  # as receive() keeps it: only the year is known


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def issue_code(tube_code: str, *, slot: int = 0) -> str:
    """Give the person of a tube a result code and return it."""
    code = codes.mint_result_code()
    declaration_id = samples_of(tube_code)[slot].declaration_id
    db.session.rollback()
    with writing() as session:
        session.add(
            ResultCode(
                id=new_id(),
                declaration_id=declaration_id,
                code_hash=hash_result_code(vault(), code),
                issued_at=clock.now(),
            )
        )
    return code


def read(code: str, born: str = BORN, address: str = ADDRESS):
    """Read a result as the page does, in a request of its own."""
    db.session.rollback()
    return portal.read_result(result_code=code, birth_date=born, address=address)


def test_a_released_negative_is_read_with_its_validity(lab):
    run, tubes = desk.run_tubes(lab, 1)
    code = issue_code(tubes[0])
    desk.verify_and_release(lab, run)
    told = read(code).told
    sampled_at = samples_of(tubes[0])[0].sampled_at
    assert (told.status, told.finding, told.sampled_at) == ("not_detected", "not_detected", sampled_at)
    assert (told.valid_until - sampled_at).total_seconds() == 72 * 3600
    assert all(step.reached for step in told.steps)


def test_a_code_is_read_from_the_fragment_of_the_slips_qr(lab):
    _run, tubes = desk.run_tubes(lab, 1)
    code = issue_code(tubes[0])
    assert read(f"https://example.test/results#{code}").told.status == "waiting"


def test_before_the_release_only_the_way_of_the_sample_is_told(lab):
    tube = receive(lab, 1)[0]
    code = issue_code(tube)
    assert [step.name for step in read(code).told.steps if step.reached][-1] == "received"
    pool = desk.pool_up(lab, [tube])[0]
    planned = bench.plan(lab)
    assert [step.name for step in read(code).told.steps if step.reached][-1] == "in_test"
    bench.read(lab, planned, {pool: "detected"})
    assert (read(code).told.status, read(code).told.finding) == ("waiting", None)


def test_members_of_a_positive_pool_are_told_of_a_second_test_and_nothing_more(lab):
    _run, tubes = desk.run_tubes(lab, 3, size=3, finding="detected")
    told = read(issue_code(tubes[0])).told
    assert (told.status, told.finding) == ("second_test", None)


def test_a_held_detected_is_not_told(lab):
    tube = desk.run_tubes(lab, 1, finding="detected")[1][0]
    assert desk.result_of(tube).finding == "detected"
    told = read(issue_code(tube)).told
    assert (told.status, told.finding) == ("second_test", None)


def test_a_new_sample_is_told_with_the_place(lab):
    tube = receive(lab, 1)[0]
    code = issue_code(tube)
    with writing() as session:
        samples = session.scalars(select(Sample)).all()
        ask_for_new_samples(session, samples=samples, reason="leaked")
    answer = read(code)
    assert (answer.told.status, list(answer.where)) == ("new_sample", ["Nhà văn hoá khu 3"])


def test_an_amended_result_is_not_shown_in_its_old_version(lab):
    from lims.results.actions.amendment import amend_result

    run, tubes = desk.run_tubes(lab, 1)
    code = issue_code(tubes[0])
    desk.verify_and_release(lab, run)
    amend_result(
        actor=lab.actor("supervisor"),
        result_id=desk.result_of(tubes[0]).id,
        finding="inconclusive",
        reason="curve",
    )
    assert (read(code).told.status, read(code).told.finding) == ("checked_again", None)


@pytest.fixture
def failures(lab) -> list[tuple[str, str]]:
    """A wrong birth date, an unknown code, a revoked one, and that of somebody whose identity was erased."""
    _run, tubes = desk.run_tubes(lab, 3)
    known, revoked, erased = (issue_code(tube) for tube in tubes)
    with writing() as session:
        session.scalars(
            select(ResultCode).where(ResultCode.code_hash == hash_result_code(vault(), revoked))
        ).one().revoked_at = clock.now()
        person_id = samples_of(tubes[2])[0].person_id
        erase_people(session, person_ids=[person_id], reason="request", erased_at=clock.now())
    return [(known, "1981"), (codes.mint_result_code(), BORN), (revoked, BORN), (erased, BORN)]


def test_unknown_codes_wrong_dates_revoked_codes_and_erased_people_are_told_apart_by_nothing(failures):
    seen = []
    for wrong in failures:
        with count_statements() as sent, pytest.raises(NotFound) as refused:
            read(*wrong, address=f"203.0.113.{len(seen) + 1}")
        seen.append((str(refused.value), refused.value.field, sent))
    assert len(seen[0][2]) > 2
    assert all(one == seen[0] for one in seen)


def test_the_tenth_failure_and_one_too_many_cost_the_same_whatever_the_code(failures):
    seen: list[list[tuple[str, int]]] = []
    for place, wrong in enumerate(failures):
        seen.append([])
        for _ in range(READ_CODE.failures + 1):
            with count_statements() as sent, pytest.raises((NotFound, TooManyTries)) as refused:
                read(*wrong, address=f"203.0.113.{place + 1}")
            seen[-1].append((refused.typename, len(sent)))
    assert all(one == seen[0] for one in seen)
    assert [name for name, _ in seen[0]] == ["NotFound"] * 10 + ["TooManyTries"]


def test_every_failure_costs_one_keyed_hash(failures, monkeypatch):
    counted = []
    whole = type(vault()).digest
    monkeypatch.setattr(
        type(vault()),
        "digest",
        lambda self, text, *, purpose: counted.append(purpose) or whole(self, text, purpose=purpose),
    )
    for wrong in failures:
        with pytest.raises(NotFound):
            read(*wrong)
    assert counted == ["result-code"] * 4


def test_a_code_is_closed_for_a_while_after_ten_failures_even_with_the_right_date(lab):
    _run, tubes = desk.run_tubes(lab, 1)
    code = issue_code(tubes[0])
    for place in range(10):
        with pytest.raises(NotFound):
            read(code, "1981", address=f"198.51.100.{place}")
    with pytest.raises(TooManyTries):
        read(code, address="198.51.100.200")


def test_guessing_from_one_address_ends_after_sixty_failures_and_finds_nothing(lab):
    _run, tubes = desk.run_tubes(lab, 1)
    issue_code(tubes[0])
    refused = []
    for _ in range(65):
        with pytest.raises((NotFound, TooManyTries)) as error:
            read(codes.mint_result_code())
        refused.append(error.type)
    assert refused == [NotFound] * 60 + [TooManyTries] * 5


def test_no_code_is_kept_in_clear_by_the_limit_on_tries(lab):
    code = codes.mint_result_code()
    with pytest.raises(NotFound):
        read(code)
    assert not any(code in key for key in db.session.scalars(select(Throttle.key)))


def test_a_mistyped_code_or_date_is_said_before_anything_is_asked(lab):
    with count_statements() as sent:
        with pytest.raises(InvalidInput) as mistyped:
            read("12345")
        with pytest.raises(InvalidInput) as no_date:
            read(codes.mint_result_code(), "31/02/1980")
    assert (mistyped.value.field, no_date.value.field, sent) == ("result_code", "birth_date", [])


def test_a_reading_is_planned_once_as_only_the_declaration_differs(app):
    compiled = queries._FACTS.compile(dialect=db.engine.dialect)
    assert set(compiled.params) == {"declaration_id"}


def test_a_revoked_code_is_dead(lab):
    _run, tubes = desk.run_tubes(lab, 1)
    code = issue_code(tubes[0])
    with writing() as session:
        session.scalars(select(ResultCode)).one().revoked_at = clock.now()
    with pytest.raises(NotFound):
        read(code)


def test_the_first_reading_is_remembered_once(lab):
    run, tubes = desk.run_tubes(lab, 1)
    code = issue_code(tubes[0])
    read(code)
    assert desk.result_of(tubes[0]).first_read_at is None
    desk.verify_and_release(lab, run)
    read(code)
    first = desk.result_of(tubes[0]).first_read_at
    assert first is not None
    read(code)
    assert desk.result_of(tubes[0]).first_read_at == first
    assert db.session.scalar(select(func.count()).where(Event.verb == "read")) == 1


def test_one_persons_code_never_shows_another_of_the_same_tube(lab):
    _run, tubes = desk.run_tubes(lab, 1, mode="mixed", people=2)
    mine = issue_code(tubes[0], slot=0)
    other = samples_of(tubes[0])[1]
    with writing() as session:
        session.get(Declaration, other.declaration_id).status = "withdrawn"
    assert read(mine).told.status == "waiting"


def post(client, code: str, **born: str):
    """Send the page's form."""
    client.application.config["WTF_CSRF_ENABLED"] = False
    return client.post("/results", data={"result_code": code, **born})


def test_the_page_says_the_finding_in_words(lab, client):
    run, tubes = desk.run_tubes(lab, 1)
    code = issue_code(tubes[0])
    assert "answer wait" in post(client, code, birth_year="1980").text
    desk.verify_and_release(lab, run)
    page = post(client, code, birth_year="1980")
    assert (page.status_code, "answer good" in page.text) == (200, True)
    assert code not in page.text
    assert db.session.scalars(select(Person.name)).first() not in page.text


def test_the_page_answers_an_unknown_code_and_a_wrong_date_alike(lab, client):
    _run, tubes = desk.run_tubes(lab, 1)
    known, unknown = issue_code(tubes[0]), codes.mint_result_code()
    pages = [post(client, known, birth_year="1981"), post(client, unknown, birth_year="1981")]
    assert {page.status_code for page in pages} == {404}
    bodies = [page.text.replace(known, "").replace(unknown, "") for page in pages]
    assert next(_without_token(body) for body in bodies) == _without_token(bodies[1])


def _without_token(body: str) -> str:
    return "\n".join(line for line in body.splitlines() if "csrf" not in line)


def test_the_page_names_the_field_that_is_missing(lab, client):
    page = post(client, codes.mint_result_code(), birth_year="")
    assert page.status_code == 422
    assert 'href="#birth_year"' in page.text


def test_programs_read_the_same(lab, client):
    run, tubes = desk.run_tubes(lab, 1)
    code = issue_code(tubes[0])
    desk.verify_and_release(lab, run)
    good = client.post("/api/v1/results/read", json={"result_code": code, "birth_date": "1980"})
    assert (good.status_code, good.json["status"], good.json["finding"]) == (
        200,
        "not_detected",
        "not_detected",
    )
    assert good.json["valid_until"]
    bad = [
        client.post("/api/v1/results/read", json={"result_code": sent, "birth_date": "1981"})
        for sent in (code, codes.mint_result_code())
    ]
    assert [answer.status_code for answer in bad] == [404, 404]
    assert bad[0].json == bad[1].json


def test_a_result_of_nobody_cannot_be_marked_as_read(lab):
    from lims.auth.actors import RESIDENT
    from lims.results.actions.portal import note_first_reading

    desk.run_tubes(lab, 1)
    key = db.session.scalars(select(Result.id)).one()
    assert note_first_reading(actor=RESIDENT, result_id=key) is False
    assert note_first_reading(actor=RESIDENT, result_id=uuid.uuid4()) is False
