"""Pages and API of review, verification and release: the way of a plate, who sees what, what is said."""

from __future__ import annotations

import uuid

import pytest
from pooling import bench
from results import desk
from results.test_verification import detected_and_confirmed
from signing import bearer, sign_in

from lims.pooling.rules import FINDINGS


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def press(client, address: str, **more: str):
    """Press a page's button: send its form, follow to the page that says what happened."""
    client.application.config["WTF_CSRF_ENABLED"] = False
    return client.post(address, data={"client_id": str(uuid.uuid4()), **more}, follow_redirects=True)


def send(client, actor, address: str, **body: object):
    """Post to the API as a program of an account."""
    return client.post(
        f"/api/v1{address}", json={"client_id": str(uuid.uuid4()), **body}, headers=bearer(actor)
    )


def test_a_supervisor_verifies_and_releases_a_plate_by_two_buttons(lab, client):
    run, tubes = desk.run_tubes(lab, 3)
    sign_in(client, lab.actor("supervisor"))
    assert f"/runs/{run}/release" in client.get("/release").text
    assert press(client, f"/runs/{run}/verify").status_code == 200
    assert {desk.result_of(tube).status for tube in tubes} == {"verified"}
    press(client, f"/runs/{run}/release")
    assert {desk.result_of(tube).status for tube in tubes} == {"released"}


def test_a_positive_is_looked_at_on_its_record(lab, client):
    tube = detected_and_confirmed(lab)
    record = f"/results/{desk.result_of(tube).id}"
    sign_in(client, lab.actor("supervisor_confirming"))
    assert f"{record}/verify" in client.get(record).text
    press(client, f"{record}/verify")
    press(client, f"{record}/release")
    assert desk.result_of(tube).status == "verified"
    page = press(client, f"{record}/release", looked="yes")
    assert (desk.result_of(tube).status, desk.result_of(tube).look) == ("released", "ct")
    assert f"{record}/release" not in page.text


def test_a_record_names_what_blocks_and_offers_no_button_for_it(lab, client):
    _run, tubes = desk.run_tubes(lab, 1)
    record = f"/results/{desk.result_of(tubes[0]).id}"
    sign_in(client, lab.actor("technician"))
    assert f"{record}/verify" not in client.get(record).text
    page = press(client, f"{record}/verify")
    assert page.status_code == 403
    assert desk.result_of(tubes[0]).status == "preliminary"


def test_holding_and_amending_by_the_record_show_every_version(lab, client):
    _run, tubes = desk.run_tubes(lab, 1)
    first = desk.result_of(tubes[0]).id
    sign_in(client, lab.actor("supervisor"))
    press(client, f"/results/{first}/hold", note="label torn")
    assert desk.result_of(tubes[0]).status == "held"
    press(client, f"/results/{first}/unhold", note="printed anew")
    page = press(client, f"/results/{first}/amend", finding="inconclusive", reason="curve")
    assert [version.version for version in desk.results_of(tubes[0])] == [2, 1]
    assert f"/results/{first}" in page.text
    assert "curve" in page.text


def test_a_form_without_its_id_changes_nothing(lab, client):
    run, tubes = desk.run_tubes(lab, 1)
    sign_in(client, lab.actor("supervisor"))
    client.application.config["WTF_CSRF_ENABLED"] = False
    client.post(f"/runs/{run}/verify")
    assert desk.result_of(tubes[0]).status == "preliminary"


@pytest.mark.parametrize("page", ["/runs/{run}/release", "/results/{result}"])
def test_another_laboratorys_page_is_like_one_that_does_not_exist(lab, client, page):
    run, tubes = desk.run_tubes(lab, 1)
    sign_in(client, lab.actor("supervisor_confirming"))
    real = client.get(page.format(run=run, result=desk.result_of(tubes[0]).id))
    assert real.status_code == 404
    if "{result}" in page:
        nobody = str(uuid.uuid4())
        none = client.get(page.format(result=nobody))
        assert (none.status_code, _bare(none.text, nobody)) == (
            404,
            _bare(real.text, str(desk.result_of(tubes[0]).id)),
        )


def _bare(text: str, key: str) -> str:
    """Return a page without what differs on every request: the form's token and the id that was asked for."""
    return "\n".join(line for line in text.replace(key, "").splitlines() if "csrf" not in line)


def test_a_program_reviews_verifies_and_releases(lab, client):
    from pooling.received import receive

    made = desk.pool_up(lab, receive(lab, 4), size=2)
    planned = bench.plan(lab)
    bench.read(lab, planned)
    run = planned["run"]
    reviewed = send(client, lab.actor("technician"), f"/runs/{run}/review").json
    assert (reviewed["status"], reviewed["results"]) == ("reviewed", 4)
    assert {pool["pool"]: pool["finding"] for pool in reviewed["pools"]} == dict.fromkeys(
        made, "not_detected"
    )
    assert send(client, lab.actor("supervisor"), f"/runs/{run}/verify").json["verified"] == 4
    assert send(client, lab.actor("supervisor"), f"/runs/{run}/release").json["released"] == 4


def test_a_program_lists_and_verifies_results_page_by_page(lab, client):
    run, _tubes = desk.run_tubes(lab, 5)
    headers = bearer(lab.actor("supervisor"))
    seen, after = [], ""
    while after is not None:
        address = f"/api/v1/results?run={run}&status=preliminary&most=2" + (
            f"&after={after}" if after else ""
        )
        page = client.get(address, headers=headers).json
        seen += [row["id"] for row in page["results"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) == 5
    answer = send(client, lab.actor("supervisor"), "/results/verify", results=seen).json
    assert (answer["verified"], {verdict["verdict"] for verdict in answer["verdicts"]}) == (5, {"good"})
    assert send(client, lab.actor("supervisor"), "/results/release", results=seen).json["released"] == 5


def test_a_program_is_told_why_in_its_language(lab, client):
    _run, tubes = desk.run_tubes(lab, 1)
    verdict = send(
        client, lab.actor("supervisor"), "/results/release", results=[str(desk.result_of(tubes[0]).id)]
    ).json["verdicts"][0]
    assert verdict["verdict"] == "wrong"
    assert "%(" not in verdict["message"]
    assert "parameters" not in verdict


def test_a_failed_run_is_told_with_its_reasons(lab, client):
    from pooling.received import receive

    desk.pool_up(lab, receive(lab, 1))
    planned = bench.plan(lab)
    bench.read(lab, planned, spoilt="NTC")
    answer = send(client, lab.actor("technician"), f"/runs/{planned['run']}/review").json
    assert answer["status"] == "failed"
    assert all("%(" not in reason["message"] for reason in answer["failure"])


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/results/verify", {"results": []}),
        ("/results/verify", {"results": ["not an id"]}),
        ("/results/hold", {"results": [str(uuid.uuid4())]}),
        ("/runs/XXXX/verify", {}),
    ],
)
def test_what_cannot_be_understood_is_refused_by_its_field(lab, client, address, body):
    answer = send(client, lab.actor("supervisor"), address, **body)
    assert answer.status_code == 422


@pytest.mark.parametrize("role", ["collector", "courier", "health_worker", "technician"])
def test_who_may_not_verify_or_release_is_refused(lab, client, role):
    run, tubes = desk.run_tubes(lab, 1)
    for step in ("verify", "release"):
        assert send(client, lab.actor(role), f"/runs/{run}/{step}").status_code == 403
    assert desk.result_of(tubes[0]).status == "preliminary"


def test_a_collector_never_receives_a_result(lab, client):
    desk.run_tubes(lab, 1)
    answer = client.get("/api/v1/results", headers=bearer(lab.actor("collector")))
    assert answer.status_code == 403
    assert not any(word in answer.text for word in FINDINGS)
