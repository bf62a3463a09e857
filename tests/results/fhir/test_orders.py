"""Orders come in by a transaction: all of it or nothing, once however often it is sent, and never for another place."""

from __future__ import annotations

import copy
import uuid

import pytest
from results.fhir.sent import CCCD, DIALECT, HOSPITAL, make_bundle, make_entry, make_order, make_patient
from results.fhir.validator import needs_validator, validate
from signing import bearer
from sqlalchemy import func, select, text
from statements import count_statements

from lims import clock
from lims.extensions import db
from lims.intake.models import Declaration, Person, PersonIdentity, ResultCode
from lims.personal.actions.erasing import erase_people
from lims.places.models import Campaign
from lims.results.fhir.models import ForeignIdentifier
from lims.tables import Base
from lims.transaction import writing

# What reading and signing in leave.
TRACES = {"sign_in", "throttle", "person_access", "event", "event_head"}


@pytest.fixture
def system(app, world):
    """A hospital's system: a program that speaks for a coordinator."""
    return System(app, world)


class System:
    """Sends to /fhir as a program."""

    def __init__(self, app, world, role: str = "coordinator") -> None:
        self.world = world
        self.client = app.test_client(use_cookies=False)
        self.headers = bearer(world.actor(role)) | {"Content-Type": "application/fhir+json"}

    def send(self, bundle):
        """Send a Bundle."""
        return self.client.post("/fhir", json=bundle, headers=self.headers)

    def ask(self, address: str):
        """Read or search."""
        return self.client.get(address, headers=self.headers)


def picture() -> dict[str, int]:
    """Return how many rows each table has, without traces."""
    db.session.rollback()
    counts = {
        name: db.session.scalar(text(f'select count(*) from "{name}"'))
        for name in Base.metadata.tables
        if name not in TRACES
    }
    db.session.rollback()
    return counts


def issues(answer) -> list[tuple[str, str]]:
    """Return kind and path of what an OperationOutcome says."""
    assert answer.mimetype == "application/fhir+json"
    assert answer.json["resourceType"] == "OperationOutcome"
    assert all(issue["details"]["text"] for issue in answer.json["issue"])
    return [(issue["code"], *issue.get("expression", [])) for issue in answer.json["issue"]]


def test_a_bundle_of_orders_becomes_people_and_declarations(system):
    answer = system.send(make_bundle(system.world, range(1, 4)))
    assert answer.status_code == 200
    assert answer.json["type"] == "transaction-response"
    responses = [entry["response"] for entry in answer.json["entry"]]
    assert [one["status"] for one in responses] == ["201 Created"] * 6
    kinds = [one["location"].split("/")[0] for one in responses]
    assert kinds == ["Patient", "ServiceRequest"] * 3
    patient = system.ask(f"/fhir/{responses[0]['location']}").json
    assert patient["name"][0]["text"] == "Nguyễn Thử 1"
    assert patient["birthDate"] == "1941-03-17"
    numbers = {(one["system"], one["value"]) for one in patient["identifier"]}
    assert numbers == {(CCCD, "022190000001"), (f"{HOSPITAL}/patients", "BN00001")}
    order = system.ask(f"/fhir/{responses[1]['location']}").json
    assert (order["status"], order["subject"]["reference"]) == ("active", responses[0]["location"])
    assert {"system": f"{HOSPITAL}/orders", "value": "CD00001"} in order["identifier"]
    assert order["locationReference"][0]["identifier"]["value"] == system.world.commune_code


def test_their_result_codes_are_printed_on_slips_as_of_people_on_a_list(system):
    system.send(make_bundle(system.world))
    db.session.rollback()
    (declaration,) = db.session.scalars(select(Declaration)).unique().all()
    assert (declaration.declared_by, declaration.consent_given) == ("list", "asked_by_sender")
    assert db.session.scalar(select(func.count()).select_from(ResultCode)) == 0


def test_symptoms_and_exposure_come_with_the_order(system):
    codes = ["386661006", "840546002"]
    reasons = [{"coding": [{"system": "http://snomed.info/sct", "code": code}]} for code in codes]
    bundle = make_bundle(system.world)
    bundle["entry"][1]["resource"]["reasonCode"] = reasons
    location = system.send(bundle).json["entry"][1]["response"]["location"]
    db.session.rollback()
    (declaration,) = db.session.scalars(select(Declaration)).unique().all()
    assert (declaration.symptoms, declaration.has_symptoms, declaration.is_contact) == (["fever"], True, True)
    told = system.ask(f"/fhir/{location}").json["reasonCode"]
    assert [one["coding"][0]["code"] for one in told] == codes


def test_members_of_a_household_share_its_code(system):
    bundle = make_bundle(system.world, range(1, 4))
    for place, house in ((1, "7"), (3, "7"), (5, "8")):
        number = {"system": f"{HOSPITAL}/houses", "value": house}
        bundle["entry"][place]["resource"]["requisition"] = number
    answers = system.send(bundle).json["entry"][1::2]
    orders = [system.ask(f"/fhir/{answer['response']['location']}").json for answer in answers]
    found = [order["requisition"]["value"] for order in orders]
    assert found[0] == found[1] != found[2]
    assert all(code.startswith("H") for code in found)


def test_the_same_bundle_again_is_answered_the_same_and_adds_nothing(system):
    bundle = make_bundle(system.world, (1, 2), identifier={"system": f"{HOSPITAL}/sent", "value": "7"})
    first = system.send(bundle)
    before = picture()
    assert system.send(bundle).json == first.json
    assert picture() == before


def test_the_same_orders_in_another_bundle_are_taken_once(system):
    first = system.send(make_bundle(system.world, (1, 2)))
    before = picture()
    # other fullUrls, and one order more
    again = system.send(make_bundle(system.world, (1, 2, 3)))
    assert again.status_code == 200
    responses = [entry["response"] for entry in again.json["entry"]]
    assert [one["status"] for one in responses] == ["200 OK"] * 4 + ["201 Created"] * 2
    assert [one["location"] for one in responses[:4]] == [
        entry["response"]["location"] for entry in first.json["entry"]
    ]
    after = picture()
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "person": 1,
        "person_identity": 1,
        "declaration": 1,
        "foreign_identifier": 2,
        "inbound": 1,
        "uncounted": 1,
    }


def test_a_number_that_comes_back_with_other_content_is_refused(system):
    system.send(make_bundle(system.world, identifier={"system": f"{HOSPITAL}/sent", "value": "7"}))
    before = picture()
    other = make_bundle(system.world, (2,), identifier={"system": f"{HOSPITAL}/sent", "value": "7"})
    answer = system.send(other)
    assert (answer.status_code, issues(answer)) == (409, [("conflict", "Bundle.identifier")])
    other = make_bundle(system.world)
    other["entry"][0]["resource"]["name"] = [{"text": "Trần Thử Khác"}]
    answer = system.send(other)
    assert answer.status_code == 409
    assert issues(answer) == [("conflict", "Bundle.entry[1].resource.identifier[0]")]
    assert picture() == before


def test_somebody_the_hospital_has_sent_before_is_the_same_person(system):
    """By the hospital's own number, without any identity paper; the next order may also name the person here."""
    number = [{"system": f"{HOSPITAL}/patients", "value": "BN1"}]
    bundle = make_bundle(system.world)
    bundle["entry"][0] = make_entry(make_patient(1, identifier=number), bundle["entry"][0]["fullUrl"])
    patient = system.send(bundle).json["entry"][0]["response"]["location"]
    db.session.rollback()
    with writing() as session:
        for declaration in session.scalars(select(Declaration)).unique():
            declaration.status = "closed"
    url = "urn:uuid:0b0f7a5e-2f2c-4a46-9f5e-6a8f5f6ad001"
    again = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            make_entry(
                make_patient(1, identifier=number), url, ifNoneExist=f"identifier={HOSPITAL}/patients|BN1"
            ),
            make_entry(make_order(system.world, 2, url), "urn:uuid:0b0f7a5e-2f2c-4a46-9f5e-6a8f5f6ad002"),
        ],
    }
    responses = [entry["response"] for entry in system.send(again).json["entry"]]
    assert (responses[0]["status"], responses[0]["location"]) == ("200 OK", patient)
    assert responses[1]["status"] == "201 Created"
    with writing() as session:
        for declaration in session.scalars(select(Declaration)).unique():
            declaration.status = "closed"
    third = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            make_entry(make_order(system.world, 3, patient), "urn:uuid:0b0f7a5e-2f2c-4a46-9f5e-6a8f5f6ad003")
        ],
    }
    answer = system.send(third)
    assert answer.json["entry"][0]["response"]["status"] == "201 Created", answer.text
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Person)) == 1


def test_a_patients_number_with_another_name_is_nobody_elses(system):
    system.send(make_bundle(system.world))
    other = make_bundle(system.world, (2,))
    other["entry"][0]["resource"]["identifier"] = [{"system": f"{HOSPITAL}/patients", "value": "BN00001"}]
    del other["entry"][0]["request"]["ifNoneExist"]
    answer = system.send(other)
    assert answer.status_code == 409
    assert issues(answer) == [("conflict", "Bundle.entry[0].resource.identifier[0]")]


def test_an_order_of_somebody_who_was_erased_is_not_taken_again(system):
    bundle = make_bundle(system.world)
    system.send(bundle)
    with writing() as session:
        erase_people(
            session,
            person_ids=list(session.scalars(select(Person.id))),
            reason="request",
            erased_at=clock.now(),
        )
    before = picture()
    again = make_bundle(system.world)
    answer = system.send(again)
    assert answer.status_code == 409
    assert issues(answer) == [("conflict", "Bundle.entry[1].resource.identifier[0]")]
    assert picture() == before


def test_numbers_of_other_systems_are_sealed(system):
    system.send(make_bundle(system.world))
    db.session.rollback()
    rows = db.session.scalars(select(ForeignIdentifier)).all()
    assert {row.kind for row in rows} == {"person", "order"}
    assert all(b"BN00001" not in row.value_sealed and b"CD00001" not in row.value_sealed for row in rows)
    assert db.session.scalar(select(func.count()).select_from(PersonIdentity)) == 1


def test_orders_for_a_commune_of_another_place_are_refused_like_unknown_ones(app, world):
    """Without its communes a laboratory orders nothing; the answer is that of a commune that does not exist."""
    supervisor = System(app, world, "supervisor")
    answers = []
    for code in (world.commune_code, "99999"):
        bundle = make_bundle(world)
        bundle["entry"][1]["resource"]["locationReference"][0]["identifier"]["value"] = code
        answers.append(supervisor.send(bundle))
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json == answers[1].json
    assert issues(answers[0]) == [("not-found", "Bundle.entry[1].resource.locationReference")]


def test_orders_cost_the_same_statements_for_one_as_for_fifty(system):
    counts = []
    for numbers in (range(1, 2), range(101, 151)):
        with count_statements() as sent:
            assert system.send(make_bundle(system.world, numbers)).status_code == 200
        counts.append(len(sent))
    assert counts[0] == counts[1]


@needs_validator
def test_the_bundles_of_these_tests_are_right_in_themselves(world, tmp_path):
    assert validate([make_bundle(world, range(3))], tmp_path) == [[]]


# One change to a bundle of one patient and one order, and the issue and path that are answered. The first twelve are
# those of the validators' comparison.
REPORT = {
    "resourceType": "DiagnosticReport",
    "status": "final",
    "code": {"text": "PCR"},
    "specimen": [{"reference": "Specimen/1"}],
}
OBSERVATION = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "PCR"},
    "valueQuantity": {"value": 25.1},
}


def _report(**more):
    return lambda bundle: bundle["entry"].append(make_entry(REPORT | more, "urn:uuid:r"))


def _observation(**more):
    return lambda bundle: bundle["entry"].append(make_entry(OBSERVATION | more, "urn:uuid:o"))


def _without_code(bundle):
    bundle["entry"].append(make_entry({k: v for k, v in REPORT.items() if k != "code"}, "urn:uuid:r"))


def _set(path: str, value):
    """Return a change that sets the value at a path such as "0.resource.gender"; None removes it."""

    def change(bundle):
        *parents, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
        holder = bundle["entry"]
        for part in parents:
            holder = holder[part]
        if value is None:
            del holder[last]
        else:
            holder[last] = value

    return change


def _twice(bundle):
    bundle["entry"] += copy.deepcopy(bundle["entry"])
    bundle["entry"][2]["fullUrl"] = "urn:uuid:second"
    bundle["entry"][3]["fullUrl"] = "urn:uuid:third"
    bundle["entry"][3]["resource"]["subject"]["reference"] = "urn:uuid:second"


def _for_somebody_unknown(bundle):
    del bundle["entry"][0]
    bundle["entry"][0]["resource"]["subject"]["reference"] = f"Patient/{uuid.uuid4()}"


ENTRY = "Bundle.entry"
PATIENT, ORDER, MORE = f"{ENTRY}[0].resource", f"{ENTRY}[1].resource", f"{ENTRY}[2].resource"
CAMPAIGN = {"identifier": {"system": DIALECT.systems["campaign"], "value": str(uuid.uuid4())}}
COMMUNE = {"identifier": {"system": DIALECT.systems["place"], "value": "00000"}}
WRONG = {
    "report without a code": (_without_code, "required", f"{MORE}.code"),
    "unknown status": (_report(status="finished"), "code-invalid", f"{MORE}.status"),
    "unknown element": (_report(colour="red"), "structure", f"{MORE}.colour"),
    "text for a number": (
        _observation(valueQuantity={"value": "25.1"}),
        "value",
        f"{MORE}.value.value",
    ),
    "two values": (_observation(valueString="x"), "structure", f"{MORE}.value"),
    "date of another form": (_set("0.resource.birthDate", "30/04/1988"), "value", f"{PATIENT}.birthDate"),
    "list for one": (_observation(code=[{"text": "PCR"}]), "structure", f"{MORE}.code"),
    "specimen is a patient": (
        _report(specimen=[{"reference": "Patient/1"}]),
        "value",
        f"{MORE}.specimen[0].reference",
    ),
    "value and its absence": (
        _observation(dataAbsentReason={"text": "x"}),
        "invariant",
        f"{MORE}.dataAbsentReason",
    ),
    "entry without a request": (_set("1.request", None), "invariant", f"{ENTRY}[1].request"),
    "dangling urn": (
        _set("1.resource.subject.reference", "urn:uuid:nobody"),
        "not-found",
        f"{ORDER}.subject.reference",
    ),
    "gender F": (_set("0.resource.gender", "F"), "code-invalid", f"{PATIENT}.gender"),
    # those about the order
    "unknown campaign": (_set("1.resource.basedOn", [CAMPAIGN]), "not-found", f"{ORDER}.basedOn"),
    "no campaign": (_set("1.resource.basedOn", None), "required", f"{ORDER}.basedOn"),
    "unknown commune": (
        _set("1.resource.locationReference", [COMMUNE]),
        "not-found",
        f"{ORDER}.locationReference",
    ),
    "no name": (_set("0.resource.name", None), "value", f"{PATIENT}.name"),
    "born tomorrow": (_set("0.resource.birthDate", "2199-01-01"), "value", f"{PATIENT}.birthDate"),
    "born on no day": (_set("0.resource.birthDate", "1988-02-31"), "value", f"{PATIENT}.birthDate"),
    "born before 1900": (_set("0.resource.birthDate", "1899"), "value", f"{PATIENT}.birthDate"),
    "the same numbers twice": (_twice, "duplicate", f"{MORE}.identifier[0]"),
    "no order number": (_set("1.resource.identifier", None), "required", f"{ORDER}.identifier"),
    "number without its system": (
        _set("1.resource.identifier", [{"value": "7"}]),
        "value",
        f"{ORDER}.identifier[0]",
    ),
    "our own number": (
        _set("1.resource.identifier.0.system", DIALECT.systems["declaration"]),
        "value",
        f"{ORDER}.identifier[0]",
    ),
    "another test": (
        _set("1.resource.code", {"coding": [{"system": "http://loinc.org", "code": "94558-4"}]}),
        "code-invalid",
        f"{ORDER}.code",
    ),
    "a draft": (_set("1.resource.status", "draft"), "business-rule", f"{ORDER}.status"),
    "a proposal": (_set("1.resource.intent", "proposal"), "business-rule", f"{ORDER}.intent"),
    "an order not to": (_set("1.resource.doNotPerform", True), "business-rule", f"{ORDER}.doNotPerform"),
    "unknown reason": (
        _set("1.resource.reasonCode", [{"text": "x"}]),
        "code-invalid",
        f"{ORDER}.reasonCode[0]",
    ),
    "order for a place": (
        _set("1.resource.subject", {"reference": "Location/1"}),
        "not-found",
        f"{ORDER}.subject.reference",
    ),
    "patient of another place": (_for_somebody_unknown, "not-found", f"{PATIENT}.subject.reference"),
    "patient without an order": (lambda bundle: bundle["entry"].pop(), "business-rule", PATIENT),
    "a report": (_report(), "not-supported", MORE),
    "a type that there is not": (
        _set("0.resource.resourceType", "Pacient"),
        "structure",
        f"{PATIENT}.resourceType",
    ),
    "a type that is none": (_set("0.resource", 5), "structure", PATIENT),
    "no resource": (_set("0.resource", None), "required", PATIENT),
    "a change": (_set("0.request.method", "PUT"), "not-supported", f"{ENTRY}[0].request.method"),
    "another address": (_set("0.request.url", "Person"), "value", f"{ENTRY}[0].request.url"),
    "a condition of another kind": (
        _set("0.request.ifNoneExist", "name=x"),
        "not-supported",
        f"{ENTRY}[0].request.ifNoneExist",
    ),
    "the same fullUrl twice": (
        lambda bundle: bundle["entry"][1].update(fullUrl=bundle["entry"][0]["fullUrl"]),
        "duplicate",
        f"{ENTRY}[1].fullUrl",
    ),
    "something that changes the meaning": (
        _set("1.resource.modifierExtension", [{"url": "https://example.org/not", "valueBoolean": True}]),
        "not-supported",
        f"{ORDER}.modifierExtension",
    ),
    "text for true": (_set("0.resource.active", "true"), "value", f"{PATIENT}.active"),
    "an empty list": (_set("0.resource.name", []), "structure", f"{PATIENT}.name"),
    "a null": (_set("0.resource.birthDate", [None]), "structure", f"{PATIENT}.birthDate"),
    "a telephone that cannot be one": (
        _set("0.resource.telecom", [{"system": "phone", "value": "12"}]),
        "value",
        f"{PATIENT}.telecom",
    ),
    "a collection": (lambda bundle: bundle.update(type="collection"), "not-supported", "Bundle.type"),
    "no entries": (lambda bundle: bundle.pop("entry"), "required", "Bundle.entry"),
    "entries of another kind": (lambda bundle: bundle.update(entry={}), "structure", "Bundle.entry"),
    "no bundle": (lambda bundle: bundle.update(resourceType="Patient"), "structure", "Bundle"),
    "unknown type": (lambda bundle: bundle.update(type="transactions"), "code-invalid", "Bundle.type"),
}


def test_every_wrong_bundle_is_refused_with_the_path_and_leaves_nothing(system):
    before, wrong = picture(), []
    for name, (change, issue, path) in WRONG.items():
        bundle = make_bundle(system.world)
        change(bundle)
        answer = system.send(bundle)
        if answer.status_code not in (409, 422) or (issue, path) not in issues(answer):
            wrong.append((name, answer.status_code, answer.text[:500]))
    assert wrong == []
    assert picture() == before
    assert len(WRONG) >= 40


def test_a_closed_campaign_takes_no_orders(system):
    with writing() as session:
        session.get(Campaign, system.world.campaign_id).is_open = False
    answer = system.send(make_bundle(system.world))
    assert answer.status_code == 422
    assert issues(answer) == [("business-rule", f"{ORDER}.basedOn")]


def test_one_wrong_order_among_many_stops_them_all_and_all_mistakes_are_told(system):
    bundle = make_bundle(system.world, range(1, 11))
    before = picture()
    bundle["entry"][4]["resource"]["birthDate"] = "2199"
    bundle["entry"][7]["resource"]["basedOn"] = [CAMPAIGN]
    del bundle["entry"][8]["resource"]["name"]
    answer = system.send(bundle)
    assert issues(answer) == [
        ("value", f"{ENTRY}[4].resource.birthDate"),
        ("value", f"{ENTRY}[8].resource.name"),
    ]
    assert picture() == before


@pytest.mark.parametrize(
    ("body", "media_type", "status", "issue"),
    [
        ("{", "application/fhir+json", 400, "structure"),
        ("", "application/fhir+json", 400, "structure"),
        ("[]", "application/fhir+json", 422, "structure"),
        ("5", "application/json", 422, "structure"),
        ("{}", "text/plain", 415, "not-supported"),
        ("<Bundle/>", "application/fhir+xml", 415, "not-supported"),
        ("[" * 60_000, "application/fhir+json", 422, "invalid"),
        ('{"resourceType":"Bundle","type":"transaction\\u0000"}', "application/fhir+json", 422, "invalid"),
    ],
)
def test_what_is_no_bundle_at_all_is_refused(system, body, media_type, status, issue):
    answer = system.client.post("/fhir", data=body, headers=system.headers | {"Content-Type": media_type})
    assert (answer.status_code, issues(answer)[0][0]) == (status, issue)


def test_nesting_without_end_is_refused(system):
    deep: dict = {"url": "https://example.org/x", "valueString": "x"}
    for _ in range(200):
        deep = {"url": "https://example.org/x", "extension": [deep]}
    bundle = make_bundle(system.world)
    bundle["entry"][0]["resource"]["extension"] = [deep]
    answer = system.send(bundle)
    assert answer.status_code == 422
    assert issues(answer)[0][1].startswith(f"{PATIENT}.extension[0].extension[0]")
