"""What leaves a campaign of 500 people is R4, says what was found only when it may, and agrees with itself."""

from __future__ import annotations

from collections import Counter

import pytest
from engines import make_app
from factories import MORNING, make_world
from pooling import bench
from results.fhir.campaign import PEOPLE, Walk, build
from results.fhir.validator import needs_validator, validate
from signing import bearer
from sqlalchemy import select

from lims import clock
from lims.extensions import db
from lims.intake.models import PersonAccess, Sample
from lims.results.fhir.search import PARAMETERS
from lims.results.models import Result

FOUND = {"260373001", "260415000", "895231008", "419984006"}


@pytest.fixture(scope="module")
def campaign(engines, tmp_path_factory):
    """The campaign, built once on SQLite; a program that sees the province, and what it was answered."""
    folder = tmp_path_factory.mktemp("campaign")
    with engines.fresh("sqlite", folder) as url:
        app = make_app(url, folder)
        with app.app_context(), clock.at(MORNING):
            world = make_world()
            bench.install(world)
            client = app.test_client(use_cookies=False)
            headers = bearer(world.actor("coordinator"))
            walk = Walk(world, client, headers)
            answers = walk.order()
            build(walk)
            yield {"walk": walk, "answers": answers}
            db.session.remove()
            db.engine.dispose()


def ask(campaign, address: str):
    """Return the JSON that a program is answered."""
    answer = campaign["walk"].client.get(address, headers=campaign["walk"].headers)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/fhir+json"
    return answer.json


def read_all(campaign, kind: str, query: str = "") -> list[dict]:
    """Return all pages of a search."""
    pages, address = [], f"/fhir/{kind}?_count=200{query}"
    while address:
        pages.append(ask(campaign, address))
        links = {link["relation"]: link["url"] for link in pages[-1]["link"]}
        address = links.get("next", "").removeprefix("http://127.0.0.1:8000")
    return pages


def matches(pages) -> list[dict]:
    """Return the resources found, without those included."""
    return [
        entry["resource"]
        for page in pages
        for entry in page.get("entry", [])
        if entry["search"]["mode"] == "match"
    ]


@needs_validator
def test_every_bundle_of_the_campaign_passes_the_independent_validator(campaign, tmp_path):
    bundles = [page for kind in PARAMETERS for page in read_all(campaign, kind)]
    for kind, names in (
        ("DiagnosticReport", ("patient", "result", "specimen", "based-on", "performer")),
        ("Specimen", ("parent",)),
        ("Provenance", ("target",)),
    ):
        bundles += read_all(campaign, kind, "".join(f"&_include={kind}:{name}" for name in names))
    reports = [entry["id"] for entry in matches(read_all(campaign, "DiagnosticReport"))]
    bundles += [ask(campaign, f"/fhir/DiagnosticReport/{key}/$everything") for key in reports]
    bundles += campaign["answers"]
    bundles.append(ask(campaign, "/fhir/metadata"))
    bundles.append(campaign["walk"].client.get("/fhir/Patient?x=1", headers=campaign["walk"].headers).json)
    assert len(bundles) > 450
    wrong = [
        (bundle, errors)
        for bundle, errors in zip(bundles, validate(bundles, tmp_path), strict=True)
        if errors
    ]
    assert wrong == [], wrong[0]


def test_reports_are_in_every_status_and_only_told_ones_say_what_was_found(campaign):
    reports = matches(read_all(campaign, "DiagnosticReport"))
    counts = Counter(report["status"] for report in reports)
    # final: screened, tested again, confirmed, alone, in mixed tubes; partial: reviewed, held, a discordance, amended
    assert counts == {
        "registered": 20 + 15 + 20,
        "partial": 10 + 1 + 10 + 1,
        "preliminary": 20 + 1,
        "final": 280 + 7 + 2 + 26 + 13,
        "corrected": 1,
        "amended": 1,
        "entered-in-error": 20,
        "cancelled": 2,
    }
    for report in reports:
        told = report["status"] in ("final", "amended", "corrected")
        assert bool(report.get("conclusionCode")) == told, report
        assert ("result" in report) == told
        assert ("issued" in report) == told
    again = [report for report in reports if "kiểm tra lại" in report.get("conclusion", "")]
    assert sorted(report["status"] for report in again) == ["partial", "preliminary"]


def test_an_observation_says_what_was_found_only_once_it_is_released(campaign):
    observations = matches(read_all(campaign, "Observation"))
    values: Counter[str] = Counter()
    for observation in observations:
        told = observation["status"] in ("final", "amended", "corrected")
        assert ("valueCodeableConcept" in observation) == told
        assert ("dataAbsentReason" in observation) != told
        assert ("component" in observation) <= told
        text = str(observation)
        assert told or not any(code in text for code in FOUND)
        if told:
            values[observation["valueCodeableConcept"]["coding"][0]["code"]] += 1
    assert values == {"895231008": 280 + 13, "260415000": 7 + 26 + 1, "260373001": 2, "419984006": 1}
    detected = [one for one in observations if "260373001" in str(one)]
    cts = {
        component["code"]["coding"][0]["code"]: component["valueQuantity"]["value"]
        for component in detected[0]["component"]
    }
    assert cts == {"94745-7": 25.1, "94510-5": 24.8}


def test_nothing_that_waits_in_the_laboratory_is_told_as_final(campaign):
    db.session.rollback()
    unreleased = {
        str(key)
        for key in db.session.scalars(
            select(Result.sample_id).where(Result.status.not_in(("released", "superseded")))
        )
    }
    found = {entry["id"]: entry["status"] for entry in matches(read_all(campaign, "DiagnosticReport"))}
    assert unreleased
    assert {found[key] for key in unreleased}.isdisjoint({"final", "amended", "corrected"})


def test_pools_name_their_members_and_no_patient(campaign):
    specimens = matches(read_all(campaign, "Specimen"))
    pools = [one for one in specimens if "extension" in one]
    sizes = Counter(len(pool["parent"]) for pool in pools)
    # the withdrawn runs' pools are made again
    assert sizes == {10: 30 + 2 + 1 + 2 * 4, 8: 1, 5: 1}
    assert all("subject" not in pool for pool in pools)
    assert all(pool["extension"][0]["valueCode"] == "pooled" for pool in pools)
    keys = {one["id"] for one in specimens}
    assert {
        parent["reference"].removeprefix("Specimen/") for pool in pools for parent in pool["parent"]
    } <= keys
    assert len(specimens) - len(pools) == len(matches(read_all(campaign, "DiagnosticReport")))


def test_a_release_names_three_people_and_no_report_is_without_one(campaign):
    releases = matches(read_all(campaign, "Provenance"))
    for release in releases:
        roles = {agent["type"]["coding"][0]["code"]: agent["who"]["display"] for agent in release["agent"]}
        assert set(roles) == {"enterer", "verifier", "attester"}
        assert roles["enterer"] != roles["verifier"]
    told = {
        f"DiagnosticReport/{report['id']}"
        for report in matches(read_all(campaign, "DiagnosticReport"))
        if report["status"] in ("final", "amended", "corrected", "entered-in-error")
    }
    assert {release["target"][0]["reference"] for release in releases} == told


def test_everything_of_a_report_refers_to_nothing_outside(campaign):
    final = next(
        report
        for report in matches(read_all(campaign, "DiagnosticReport"))
        if report["status"] == "final" and len(report["specimen"]) == 2
    )
    bundle = ask(campaign, f"/fhir/DiagnosticReport/{final['id']}/$everything")
    resources = [entry["resource"] for entry in bundle["entry"]]
    kinds = Counter(resource["resourceType"] for resource in resources)
    assert kinds == {
        "DiagnosticReport": 1,
        "Observation": 1,
        "Patient": 1,
        "ServiceRequest": 1,
        "Specimen": 2,
        "Organization": 1,
        "Location": 1,
        "Provenance": 1,
    }
    there = {f"{resource['resourceType']}/{resource['id']}" for resource in resources}
    # the other members of the pool are other people's; the commune lies in a district
    mine = [one for one in resources if "parent" not in one and one["resourceType"] != "Location"]
    assert {reference for resource in mine for reference in _references(resource)} <= there


def _references(value):
    if isinstance(value, list):
        return [one for item in value for one in _references(item)]
    if isinstance(value, dict):
        here = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return here + [one for item in value.values() for one in _references(item)]
    return []


def test_what_was_shown_of_people_is_written_down(campaign):
    db.session.rollback()
    shown = set(db.session.scalars(select(PersonAccess.person_id).where(PersonAccess.shown_by == "program")))
    assert len(shown) == PEOPLE
    assert db.session.scalars(select(Sample.person_id).where(Sample.person_id.not_in(shown))).all() == []
