"""Searching and reading: each resource once, nothing of another place, and every refusal says what was at fault."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from factories import MORNING, make_place, make_user
from intake.people import collect_people
from pooling import bench
from pooling.received import receive, samples_of
from results import desk
from results.fhir.sent import CCCD, DIALECT, HOSPITAL, make_bundle
from results.fhir.validator import needs_validator, validate
from signing import bearer, sign_in
from sqlalchemy import select, update
from statements import count_statements

from lims import clock, create_app
from lims.auth import queries as auth_queries
from lims.config import Settings, SettingsError
from lims.extensions import db
from lims.intake.models import Declaration, Person, PersonAccess
from lims.results.actions.amendment import amend_result
from lims.results.actions.withdrawal import withdraw_run
from lims.results.fhir.dialect import make_dialect
from lims.results.fhir.search import PARAMETERS, BadSearch, parse_period, parse_search
from lims.transaction import writing


class Program:
    """Reads from /fhir as an account."""

    def __init__(self, app, actor) -> None:
        self.client, self.headers = app.test_client(use_cookies=False), bearer(actor)

    def get(self, address: str):
        """Return what is answered."""
        return self.client.get(address.removeprefix("http://127.0.0.1:8000"), headers=self.headers)

    def ids(self, address: str) -> list[str]:
        """Return the ids found on the first page."""
        answer = self.get(address)
        assert answer.status_code == 200, answer.text
        return [
            entry["resource"]["id"]
            for entry in answer.json.get("entry", [])
            if entry["search"]["mode"] == "match"
        ]


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


@pytest.fixture
def program(app, lab):
    """A program that sees the province."""
    return Program(app, lab.actor("coordinator"))


def next_link(page) -> str:
    """Return the address of the next page, "" at the end."""
    return {link["relation"]: link["url"] for link in page["link"]}.get("next", "")


@pytest.mark.parametrize("kind", ["Patient", "ServiceRequest", "Specimen", "DiagnosticReport", "Observation"])
def test_paging_meets_each_once_while_others_arrive(program, lab, kind):
    desk.pool_up(lab, receive(lab, 14), size=7)
    before = set(program.ids(f"/fhir/{kind}?_count=500"))
    met: list[str] = []
    address = f"/fhir/{kind}?_count=4"
    while address:
        page = program.get(address).json
        met += [entry["resource"]["id"] for entry in page["entry"]]
        assert len(page["entry"]) <= 4
        address = next_link(page)
        if len(met) < 30:
            receive(lab, 2)
    assert len(met) == len(set(met))
    assert before <= set(met)
    assert len(before) >= 14


def test_a_page_costs_the_same_statements_for_one_as_for_fifty(program, lab):
    run, _ = desk.run_tubes(lab, 60)
    desk.verify_and_release(lab, run)
    for kind in PARAMETERS:
        counts = []
        for most in (1, 50):
            with count_statements() as sent:
                program.get(f"/fhir/{kind}?_count={most}")
            # the transaction of the request before is still open where that one only read
            counts.append(len([one for one in sent if not one.startswith("BEGIN")]))
        assert counts[0] == counts[1] < 25, kind


def test_people_are_found_by_the_numbers_of_their_papers_and_of_other_systems(app, program, lab):
    sender = Program(app, lab.actor("coordinator"))
    answer = sender.client.post("/fhir", json=make_bundle(lab, (1, 2)), headers=sender.headers).json
    locations = [entry["response"]["location"] for entry in answer["entry"]]
    patient, order = (location.split("/")[1] for location in locations[:2])
    for asked in (f"{CCCD}|022190000001", "022190000001", f"{HOSPITAL}/patients|BN00001", "BN00001"):
        assert program.ids(f"/fhir/Patient?identifier={asked}") == [patient], asked
    other = DIALECT.systems["passport"]
    for asked in (f"{other}|022190000001", f"{CCCD}|BN00001", "https://else.example.org|BN00001", "x", "|x"):
        assert program.ids(f"/fhir/Patient?identifier={asked}") == [], asked
    assert len(program.ids(f"/fhir/Patient?identifier={CCCD}|022190000001,{CCCD}|022190000002")) == 2
    assert program.ids(f"/fhir/ServiceRequest?identifier={HOSPITAL}/orders|CD00001") == [order]
    code = program.get(f"/fhir/ServiceRequest/{order}").json["identifier"][0]["value"]
    assert program.ids(f"/fhir/ServiceRequest?identifier={code}") == [order]
    assert program.ids(f"/fhir/ServiceRequest?patient=Patient/{patient}") == [order]
    assert program.ids(f"/fhir/ServiceRequest?patient={patient}") == [order]
    posted = program.client.post(
        "/fhir/Patient/_search", data={"identifier": f"{CCCD}|022190000001"}, headers=program.headers
    )
    assert [entry["resource"]["id"] for entry in posted.json["entry"]] == [patient]


def test_tubes_pools_and_reports_are_found(program, lab):
    run, tubes = desk.run_tubes(lab, 10)
    desk.verify_and_release(lab, run)
    (sample,) = samples_of(tubes[0])
    key, pool = str(sample.id), bench.pools_of(tubes[0])[0]
    assert program.ids(f"/fhir/Specimen?identifier={DIALECT.systems['tube']}|{tubes[0]}") == [key]
    assert program.ids(f"/fhir/Specimen?identifier={pool.code}") == [str(pool.id)]
    assert program.ids(f"/fhir/DiagnosticReport?patient={sample.person_id}") == [key]
    assert program.ids(f"/fhir/DiagnosticReport?based-on=ServiceRequest/{sample.declaration_id}") == [key]
    assert program.ids(f"/fhir/Observation?identifier=urn:ietf:rfc3986|urn:uuid:{key}") == [key]
    assert len(program.ids(f"/fhir/Provenance?target=DiagnosticReport/{key}")) == 1
    assert program.ids(f"/fhir/DiagnosticReport?_id={key},{uuid.uuid4()}") == [key]
    assert program.ids("/fhir/Organization?identifier=QN01") == [str(lab.laboratory_id)]
    assert program.ids("/fhir/Location?identifier=06655") == [str(lab.commune_id)]
    page = program.get(
        f"/fhir/DiagnosticReport?_id={key}&_include=DiagnosticReport:patient&_include=DiagnosticReport:specimen"
    ).json
    included = [e["resource"]["resourceType"] for e in page["entry"] if e["search"]["mode"] == "include"]
    assert sorted(included) == ["Patient", "Specimen", "Specimen"]


def test_what_was_changed_since_a_moment_is_found_and_nothing_else(program, lab):
    with clock.at(MORNING):
        run, tubes = desk.run_tubes(lab, 5)
        collect_people(lab, 2)
    later = MORNING + timedelta(hours=2)
    with clock.at(later):
        desk.verify_and_release(lab, run)
    last = MORNING + timedelta(hours=4)
    with clock.at(last):
        amend_result(
            actor=lab.actor("supervisor"),
            result_id=desk.result_of(tubes[0]).id,
            finding="inconclusive",
            reason="đọc lại",
        )
    keys = [str(samples_of(tube)[0].id) for tube in tubes]
    reports = "/fhir/DiagnosticReport?_lastUpdated="
    assert sorted(program.ids(reports + "ge2021-08-16T03:00:00Z")) == sorted(keys)
    assert program.ids(reports + "gt2021-08-16T03:00:00Z") == [keys[0]]
    assert program.ids(
        reports + "ge2021-08-16T10:00:00%2B07:00&_lastUpdated=lt2021-08-16T05:00:00Z"
    ) == sorted(keys[1:])
    assert program.ids(reports + "gt2021-08-16") == []
    assert len(program.ids(reports + "2021-08-16")) == 7
    assert len(program.ids(reports + "2021-08")) == len(program.ids(reports + "2021")) == 7
    assert len(program.ids(reports + "lt2021-08-16T02:00Z")) == 2
    told = program.get(f"/fhir/DiagnosticReport/{keys[0]}").json["meta"]["lastUpdated"]
    assert told == "2021-08-16T05:00:00.000000Z"
    assert program.ids(f"{reports}gt{told}") == []
    assert program.ids(f"{reports}ge{told}") == [keys[0]]


def test_a_report_is_followed_through_its_life(program, lab):
    (tube,) = receive(lab, 1)
    key = samples_of(tube)[0].id
    seen = []

    def look():
        report = program.get(f"/fhir/DiagnosticReport/{key}").json
        seen.append((report["status"], bool(report.get("conclusionCode"))))

    look()
    desk.pool_up(lab, [tube], size=1)
    run = desk.run_plate(lab)["run"]
    look()
    desk.verify_and_release(lab, run)
    look()
    amend_result(
        actor=lab.actor("supervisor"),
        result_id=desk.result_of(tube).id,
        finding="not_detected",
        reason="tên sai chính tả",
    )
    look()
    desk.verify_and_release_one(lab, tube, role="supervisor_2")
    look()
    withdraw_run(actor=lab.actor("supervisor"), run_code=run, cause="kit_lot", reason="x")
    look()
    assert seen == [
        ("registered", False),
        ("partial", False),
        ("final", True),
        ("partial", False),
        ("amended", True),
        ("entered-in-error", False),
    ]


@pytest.fixture
def foreign(app, lab):
    """A program of another province, and one of the laboratory that tested nothing."""
    province = make_place("province", "24", "Bắc Giang", None, None)
    province.province_id = province.id
    user, assignment = make_user("other_coordinator", "coordinator", province.id)
    with writing() as session:
        for row in (province, user, assignment):
            session.add(row)
            session.flush()
        key = user.id
    db.session.rollback()
    actor = auth_queries.get_actor(db.session(), user_id=key)
    db.session.rollback()
    return [Program(app, actor), Program(app, lab.actor("supervisor_confirming"))]


def test_another_place_sees_nothing_and_cannot_tell(program, lab, foreign):
    run, tubes = desk.run_tubes(lab, 10)
    desk.verify_and_release(lab, run)
    known = {kind: program.ids(f"/fhir/{kind}") for kind in PARAMETERS}
    assert all(known.values())
    for other in foreign:
        for kind, ids in known.items():
            if kind in ("Location", "Organization"):
                continue
            assert other.ids(f"/fhir/{kind}") == [], kind
            assert other.ids(f"/fhir/{kind}?_id={','.join(ids)}") == []
            for key in (ids[0], str(uuid.uuid4()), "x", ids[0].upper()):
                answer = other.get(f"/fhir/{kind}/{key}")
                missing = other.get(f"/fhir/{kind}/{uuid.uuid4()}")
                assert (answer.status_code, answer.json) == (404, missing.json)
        key = known["DiagnosticReport"][0]
        everything = other.get(f"/fhir/DiagnosticReport/{key}/$everything")
        assert everything.status_code == 404
        assert everything.json == other.get(f"/fhir/DiagnosticReport/{uuid.uuid4()}/$everything").json
        assert other.ids(f"/fhir/Specimen?identifier={tubes[0]}") == []
    db.session.rollback()
    assert (
        db.session.scalars(
            select(PersonAccess.id).where(PersonAccess.user_id.not_in([lab.actor("coordinator").user_id]))
        ).all()
        == []
    )


def test_a_laboratory_sees_its_reports_and_no_names(app, lab):
    run, tubes = desk.run_tubes(lab, 10)
    desk.verify_and_release(lab, run)
    laboratory = Program(app, lab.actor("supervisor"))
    assert len(laboratory.ids("/fhir/DiagnosticReport")) == 10
    assert len(laboratory.ids("/fhir/Specimen")) == 11
    assert laboratory.ids("/fhir/Patient") == []
    page = laboratory.get("/fhir/DiagnosticReport?_include=DiagnosticReport:patient").text
    assert "Nguyễn" not in page
    (sample,) = samples_of(tubes[0])
    assert laboratory.get(f"/fhir/Patient/{sample.person_id}").status_code == 404


def test_somebody_whose_identity_was_erased_is_gone_and_the_report_stays(program, lab):
    (tube,) = receive(lab, 1)
    (sample,) = samples_of(tube)
    with writing() as session:
        session.execute(
            update(Person)
            .where(Person.id == sample.person_id)
            .values(name="", person_key=None, erased_at=clock.now())
        )
    key, person = str(sample.id), sample.person_id
    db.session.rollback()
    answer = program.get(f"/fhir/Patient/{person}")
    assert answer.status_code == 410, answer.text
    assert answer.json["issue"][0]["code"] == "deleted"
    assert program.ids("/fhir/Patient") == []
    assert program.ids("/fhir/DiagnosticReport") == [key]


def test_somebody_who_asked_that_their_data_be_only_kept_is_named_by_nothing(program, lab):
    (tube,) = receive(lab, 1)
    (sample,) = samples_of(tube)
    person = sample.person_id
    with writing() as session:
        session.execute(update(Person).values(restricted_at=clock.now()))
    db.session.rollback()
    told = program.get(f"/fhir/Patient/{person}").json
    assert set(told) == {"resourceType", "id", "meta", "active"}
    assert told["meta"]["security"][0]["code"] == "R"


def test_whose_data_a_program_was_shown_is_written_down(app, program, lab):
    receive(lab, 3)
    program.get("/fhir/DiagnosticReport?_count=2")
    db.session.rollback()
    rows = db.session.scalars(select(PersonAccess)).all()
    assert {(row.shown_by, row.user_id) for row in rows} == {("program", lab.actor("coordinator").user_id)}
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("address", "status", "issue", "path"),
    [
        ("/fhir/Patient?name=x", 400, "invalid", "name"),
        ("/fhir/Patient?patient=x", 400, "invalid", "patient"),
        ("/fhir/Patient?_count=0", 400, "invalid", "_count"),
        ("/fhir/Patient?_count=-1", 400, "invalid", "_count"),
        ("/fhir/Patient?_lastUpdated=yesterday", 400, "invalid", "_lastUpdated"),
        ("/fhir/Patient?_lastUpdated=ne2021", 400, "invalid", "_lastUpdated"),
        ("/fhir/Patient?_lastUpdated=2021-13", 400, "invalid", "_lastUpdated"),
        ("/fhir/Patient?_lastUpdated=0000", 400, "invalid", "_lastUpdated"),
        ("/fhir/Patient?_lastUpdated=9999", 400, "invalid", "_lastUpdated"),
        ("/fhir/Location?_lastUpdated=2021", 400, "invalid", "_lastUpdated"),
        ("/fhir/DiagnosticReport?_include=Patient:link", 400, "invalid", "_include"),
        ("/fhir/DiagnosticReport?patient=Location/x", 400, "invalid", "patient"),
        ("/fhir/Patient?_format=xml", 400, "invalid", "_format"),
        ("/fhir/Patient/1?_format=xml", 400, "invalid", "_format"),
        ("/fhir/metadata?_format=text/html", 400, "invalid", "_format"),
        ("/fhir/Patient?identifier=a&identifier=b", 400, "invalid", "identifier"),
        ("/fhir/Patient?identifier=%00", 422, "invalid", "identifier"),
        ("/fhir/Encounter", 404, "not-found", None),
        ("/fhir/Encounter/1", 404, "not-found", None),
        ("/fhir/Patient/1", 404, "not-found", "Patient.id"),
        ("/fhir/Patient/1/_history", 404, "not-found", None),
        ("/fhir", 405, "not-supported", None),
        ("/fhir/", 404, "not-found", None),
    ],
)
def test_every_refusal_is_an_outcome_that_says_what_was_at_fault(program, address, status, issue, path):
    answer = program.get(address)
    assert answer.status_code == status
    assert answer.mimetype == "application/fhir+json"
    (said,) = answer.json["issue"]
    assert (said["code"], said.get("expression")) == (issue, [path] if path else None)
    assert said["details"]["text"]


@pytest.mark.parametrize(
    ("method", "address", "more", "status"),
    [
        ("GET", "/fhir/Patient", {"headers": {"Accept": "application/fhir+xml"}}, 406),
        ("GET", "/fhir/metadata", {"headers": {"Accept": "text/html"}}, 406),
        ("GET", "/fhir/Patient", {"headers": {"Accept": "text/html, application/fhir+json;q=0.1"}}, 200),
        ("GET", "/fhir/Patient?_format=json", {"headers": {"Accept": "text/html"}}, 200),
        ("POST", "/fhir/Patient", {"json": {}}, 405),
        ("PUT", "/fhir/Patient/1", {"json": {}}, 405),
        ("DELETE", "/fhir/Patient/1", {}, 405),
        ("PATCH", "/fhir", {"json": []}, 405),
        # a condition that is not read would answer everybody
        ("POST", "/fhir/Patient/_search", {"json": {"identifier": "x"}}, 415),
        ("POST", "/fhir/Patient/_search", {"data": "identifier=x", "content_type": "text/plain"}, 415),
        ("POST", "/fhir/Patient/_search", {"data": {"_count": "0"}}, 400),
        ("POST", "/fhir", {"data": "x" * 40_000_000, "content_type": "application/fhir+json"}, 413),
    ],
)
def test_what_is_asked_in_another_way_is_refused_with_an_outcome(app, lab, method, address, more, status):
    headers = bearer(lab.actor("coordinator")) | more.get("headers", {})
    answer = app.test_client(use_cookies=False).open(address, method=method, **more | {"headers": headers})
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/fhir+json"
    assert answer.json["resourceType"] == ("OperationOutcome" if status != 200 else "Bundle")
    if status == 405:
        assert answer.headers["Allow"]


def test_programs_without_a_token_a_scope_or_a_form_token_are_refused(app, lab):
    nobody = app.test_client(use_cookies=False)
    for answer in (nobody.get("/fhir/Patient"), nobody.post("/fhir", json={}), nobody.get("/fhir/Patient/1")):
        assert (answer.status_code, answer.json["issue"][0]["code"]) == (401, "login")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    technician = Program(app, lab.actor("technician"))
    answer = technician.get("/fhir/Patient")
    assert (answer.status_code, answer.json["issue"][0]["code"]) == (403, "forbidden")
    app.config["WTF_CSRF_CHECK_DEFAULT"] = True
    browser = sign_in(app.test_client(), lab.actor("coordinator"))
    answer = browser.post("/fhir", json=make_bundle(lab))
    assert (answer.status_code, answer.json["issue"][0]["code"]) == (400, "security")
    for method in ("put", "patch", "delete"):
        answer = getattr(technician.client, method)("/fhir/Patient/1", headers=technician.headers)
        assert (answer.status_code, answer.json["issue"][0]["code"]) == (405, "not-supported")
        assert "GET" in answer.headers["Allow"]


def test_a_crash_is_an_outcome_without_details(app, program, monkeypatch):
    app.testing = False
    monkeypatch.setattr("lims.results.fhir.views.make_searchset", lambda *_, **__: 1 / 0)
    answer = program.get("/fhir/Patient")
    assert (answer.status_code, answer.json["issue"][0]["code"]) == (500, "exception")
    assert "division" not in answer.text


@needs_validator
def test_the_capability_statement_is_open_and_right(client, tmp_path):
    answer = client.get("/fhir/metadata")
    assert (answer.status_code, answer.mimetype) == (200, "application/fhir+json")
    assert answer.json["fhirVersion"] == "4.0.1"
    assert {one["type"] for one in answer.json["rest"][0]["resource"]} == set(PARAMETERS)
    assert validate([answer.json], tmp_path) == [[]]


def test_systems_and_codes_are_settings(lab):
    dialect = make_dialect("https://x.example.org", {"cccd": "urn:x"}, {"pooled_not_detected": "260415000"})
    assert dialect.identifier("cccd", "1") == {"system": "urn:x", "value": "1"}
    assert dialect.concept("pooled_not_detected")["coding"][0]["display"] == "Not detected"
    assert dialect.systems["tube"] == "https://x.example.org/fhir/sid/tube"
    with pytest.raises(ValueError, match="cccp"):
        make_dialect("https://x.example.org", {"cccp": "urn:x"}, {})


def test_a_system_that_there_is_not_stops_the_start(tmp_path):
    settings = Settings.from_environment(
        {"DEMO": "1", "LIMS_INSTANCE": str(tmp_path), "FHIR_SYSTEMS": "cccp=urn:x"}
    )
    assert settings.fhir_systems == {"cccp": "urn:x"}
    with pytest.raises(SettingsError, match="cccp"):
        create_app(settings)
    with pytest.raises(SettingsError, match="FHIR_CODES"):
        Settings.from_environment({"DEMO": "1", "FHIR_CODES": "test"})


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2021", "2021-01-01T00:00:00+07:00", "2022-01-01T00:00:00+07:00"),
        ("ge2021-12", "2021-12-01T00:00:00+07:00", "2022-01-01T00:00:00+07:00"),
        ("2021-08-16", "2021-08-16T00:00:00+07:00", "2021-08-17T00:00:00+07:00"),
        ("2021-08-16T08:30", "2021-08-16T08:30:00+07:00", "2021-08-16T08:31:00+07:00"),
        ("2021-08-16T08:30:15Z", "2021-08-16T08:30:15+00:00", "2021-08-16T08:30:16+00:00"),
        ("2021-08-16T08:30:15 02:00", "2021-08-16T08:30:15+02:00", "2021-08-16T08:30:16+02:00"),
        ("2021-08-16T08:30:15.250Z", "2021-08-16T08:30:15.250+00:00", "2021-08-16T08:30:15.250001+00:00"),
    ],
)
def test_a_date_is_as_long_as_it_is_written(text, first, after):
    from datetime import datetime

    found = parse_period(text, zone=clock.ZONE)
    assert found[1:] == (datetime.fromisoformat(first), datetime.fromisoformat(after))


def test_a_count_is_bounded():
    assert parse_search("Patient", [("_count", "100000")], zone=clock.ZONE).count == 500
    with pytest.raises(BadSearch):
        parse_search("Patient", [("_count", "9" * 30)], zone=clock.ZONE)


def test_people_declared_for_a_commune_are_seen_there_although_they_live_elsewhere(app, lab):
    (tube,) = receive(lab, 1)
    (sample,) = samples_of(tube)
    with writing() as session:
        session.execute(update(Person).values(commune_id=lab.other_commune_id))
        user, assignment = make_user("commune_coordinator", "coordinator", lab.commune_id)
        session.add(user)
        session.flush()
        session.add(assignment)
        key = user.id
    db.session.rollback()
    actor = auth_queries.get_actor(db.session(), user_id=key)
    db.session.rollback()
    assert Program(app, actor).ids("/fhir/Patient") == [str(sample.person_id)]
    db.session.rollback()
    with writing() as session:
        session.execute(update(Declaration).values(commune_id=lab.other_commune_id))
    assert Program(app, actor).ids("/fhir/Patient") == []
