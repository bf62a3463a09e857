"""The release desk: one run, or one list, with all that a second person looks at on one page."""

from __future__ import annotations

import uuid

import pytest
from outbox.town import give_phones
from pooling import bench
from pooling.received import samples_of
from reconciled import assert_reconciled
from results import desk
from results.test_pages_and_api import press, send
from results.test_verification import detected_and_confirmed
from signing import bearer, sign_in
from sqlalchemy import func, select, update
from statements import count_statements

from lims import codes
from lims.errors import AlreadyDone, InvalidInput, NotFound
from lims.extensions import db
from lims.intake.actions.discrepancies import Finding, open_discrepancies
from lims.intake.models import Declaration, Sample, Tube
from lims.outbox.actions.receivers import add_webhook
from lims.outbox.models import Message
from lims.results.actions.release import (
    hold_results,
    release_list,
    release_results,
    release_run,
    unhold_results,
)
from lims.results.actions.verification import verify_list, verify_results, verify_run
from lims.transaction import writing


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def household_of(tubes: list[str]) -> str:
    """Make the people of some tubes one household; return its code."""
    code = codes.mint("household")
    with writing() as session:
        ids = session.scalars(
            select(Sample.declaration_id).join(Tube, Tube.id == Sample.tube_id).where(Tube.code.in_(tubes))
        ).all()
        session.execute(update(Declaration).where(Declaration.id.in_(ids)).values(household_code=code))
    return code


def doubt(world, tube: str) -> None:
    """Open a discrepancy of a tube."""
    with writing() as session:
        session.info["actor"] = world.actor("collector")
        found = Finding(kind="tube_reused", tube_id=samples_of(tube)[0].tube_id, place_id=world.laboratory_id)
        open_discrepancies(session, findings=[found])


def test_the_desk_of_a_run_shows_controls_charts_and_what_stays_behind(lab, client):
    run, tubes = desk.run_tubes(lab, 12)
    doubt(lab, tubes[0])
    ids = [desk.result_of(tubes[1]).id]
    hold_results(actor=lab.actor("supervisor"), result_ids=ids, note="label torn")
    sign_in(client, lab.actor("supervisor"))
    page = client.get(f"/runs/{run}/release", headers={"Accept-Language": "en"}).text
    assert 'class="state good"' in page  # its controls
    assert "data-control-chart" in page
    assert f"/results/{desk.result_of(tubes[0]).id}" in page
    press(client, f"/runs/{run}/verify")
    assert [desk.result_of(tube).status for tube in tubes] == ["preliminary", "held", *["verified"] * 10]


def test_the_desk_costs_the_same_for_2_results_and_for_200(lab, client):
    sign_in(client, lab.actor("supervisor"))
    small, _ = desk.run_tubes(lab, 2, size=1)
    large, _ = desk.run_tubes(lab, 200, size=10)
    client.get(f"/runs/{small}/release")
    spent = []
    for run in (small, large):
        with count_statements() as sent:
            assert client.get(f"/runs/{run}/release").status_code == 200
        spent.append(len(sent))
    assert abs(spent[0] - spent[1]) <= 1  # the signed-in moment is noted now and then


def test_a_release_with_all_its_messages_costs_the_same_for_2_people_and_for_300(lab):
    add_webhook(
        actor=lab.actor("administrator"),
        name="Hệ thống khác",
        url="https://example.org/lims",
        events=["result.released"],
        place_id=None,
    )
    spent = []
    for count in (2, 300):
        run, tubes = desk.run_tubes(lab, count)
        give_phones(tubes)
        verify_run(actor=lab.actor("supervisor"), run_code=run)
        with count_statements() as sent:
            release_run(actor=lab.actor("supervisor"), run_code=run)
        spent.append(len(sent))
        assert db.session.scalar(select(func.count()).select_from(Message)) in (4, 604)
    assert spent[0] == spent[1]


def test_a_household_on_two_plates_is_verified_and_released_in_two_steps(lab):
    _first, some = desk.run_tubes(lab, 3)
    _second, others = desk.run_tubes(lab, 3)
    code = household_of([some[0], others[0]])
    wanted = {"kind": "household", "key": codes.grouped(code)}
    assert verify_list(actor=lab.actor("supervisor"), **wanted)["verified"] == 2
    assert release_list(actor=lab.actor("supervisor"), **wanted) == {
        "list": code,
        "released": 2,
        "verdicts": [],
    }
    assert [desk.result_of(tube).status for tube in (some[0], others[0], some[1])] == [
        "released",
        "released",
        "preliminary",
    ]
    assert_reconciled(db.session())
    with pytest.raises(AlreadyDone, match="Verify first"):
        release_list(actor=lab.actor("supervisor"), **wanted)


def test_a_list_takes_only_its_clean_negatives_of_the_own_laboratory(lab):
    positive = detected_and_confirmed(lab)
    _run, tubes = desk.run_tubes(lab, 3)
    doubt(lab, tubes[0])
    wanted = {"kind": "commune", "key": str(lab.commune_id)}
    answer = verify_list(actor=lab.actor("supervisor"), **wanted)
    assert (answer["verified"], [verdict["code"] for verdict in answer["verdicts"]]) == (2, ["discrepancy"])
    with pytest.raises(AlreadyDone):
        verify_list(actor=lab.actor("supervisor_confirming"), **wanted)
    assert desk.result_of(positive).status == "preliminary"


def test_who_entered_the_values_does_not_verify_a_list(lab):
    _run, tubes = desk.run_tubes(lab, 2)
    wanted = {"kind": "household", "key": household_of(tubes)}
    answer = verify_list(actor=lab.actor("technician"), **wanted)
    assert (answer["verified"], {verdict["code"] for verdict in answer["verdicts"]}) == (0, {"four_eyes"})


@pytest.mark.parametrize(
    ("kind", "key", "error", "field"),
    [
        ("street", "x", InvalidInput, "kind"),
        ("household", "nonsense", InvalidInput, "key"),
        ("box", codes.mint("tube"), InvalidInput, "key"),
        ("commune", "6655", InvalidInput, "key"),
        ("household", codes.mint("household"), NotFound, "key"),
        ("commune", str(uuid.uuid4()), NotFound, "key"),
    ],
    # the codes are drawn at random, and each process must give its tests the same names
    ids=[
        "no such kind",
        "no code",
        "of a tube",
        "no key of a commune",
        "unknown household",
        "unknown commune",
    ],
)
def test_a_list_that_is_none_is_refused_by_its_field(lab, kind, key, error, field):
    for step in (verify_list, release_list):
        with pytest.raises(error) as refused:
            step(actor=lab.actor("supervisor"), kind=kind, key=key)
        assert refused.value.field == field


def test_the_page_of_a_list_and_its_buttons(lab, client):
    run, tubes = desk.run_tubes(lab, 3)
    wanted = {"kind": "household", "key": household_of(tubes[:2])}
    sign_in(client, lab.actor("supervisor"))
    page = client.get("/release/list", query_string=wanted).text
    assert f"/runs/{run}/release" in page
    press(client, "/release/list/verify", **wanted)
    press(client, "/release/list/release", **wanted)
    assert [desk.result_of(tube).status for tube in tubes] == ["released", "released", "preliminary"]
    assert client.get("/release/list", query_string={"kind": "box", "key": "x"}).status_code == 422
    sign_in(client, lab.actor("supervisor_confirming"))
    assert client.get("/release/list", query_string=wanted).status_code == 404


def test_programs_read_and_release_a_list_and_a_desk(lab, client):
    run, tubes = desk.run_tubes(lab, 3)
    wanted = {"kind": "household", "key": household_of(tubes[:2])}
    headers = bearer(lab.actor("supervisor"))
    shown = client.get(f"/api/v1/runs/{run}/desk", headers=headers).json
    assert (shown["clean_to_verify"], shown["clean_to_release"], shown["blocked"]) == (3, 0, [])
    assert all(control["is_right"] for control in shown["controls"])
    shown = client.get("/api/v1/results/lists", query_string=wanted, headers=headers).json
    assert (shown["clean_to_verify"], shown["runs"]) == (2, [run])
    supervisor = lab.actor("supervisor")
    assert send(client, supervisor, "/results/lists/verify", **wanted).json["verified"] == 2
    assert send(client, supervisor, "/results/lists/release", **wanted).json["released"] == 2
    assert send(client, lab.actor("technician"), "/results/lists/verify", **wanted).status_code == 403


def test_a_positive_is_released_only_by_who_has_looked_and_that_is_kept(lab):
    tube = detected_and_confirmed(lab)
    ids = [desk.result_of(tube).id]
    actor = lab.actor("supervisor_confirming")
    verify_results(actor=actor, result_ids=ids)
    verdict = release_results(actor=actor, result_ids=ids)["verdicts"][0]
    assert (verdict["verdict"], verdict["code"]) == ("wrong", "not_looked_at")
    assert desk.result_of(tube).status == "verified"
    assert release_results(actor=actor, result_ids=ids, looked=True)["released"] == 1
    released = desk.result_of(tube)
    assert (released.look, released.released_by_id) == ("ct", actor.user_id)


def test_after_one_positive_the_next_of_the_same_run_is_offered(lab, client):
    tubes = desk.run_tubes(lab, 2, size=1, finding="detected")[1]
    bench.send_on(lab, tubes)
    pools = [bench.pools_of(tube)[-1].code for tube in tubes]
    desk.run_plate(lab, dict.fromkeys(pools, "detected"), confirming=True)
    first, second = (f"/results/{desk.result_of(tube).id}" for tube in tubes)
    sign_in(client, lab.actor("supervisor_confirming"))
    assert f'href="{second}"' in client.get(first).text
    press(client, f"{first}/verify")
    page = press(client, f"{first}/release", looked="yes").text
    assert f'href="{second}"' in page
    assert f'href="{first}"' not in client.get(second).text


def test_a_hold_and_its_end_are_kept_with_who_when_and_why(lab):
    _run, (tube,) = desk.run_tubes(lab, 1)
    ids = [desk.result_of(tube).id]
    hold_results(actor=lab.actor("supervisor"), result_ids=ids, note="label torn")
    with pytest.raises(InvalidInput):
        unhold_results(actor=lab.actor("supervisor_2"), result_ids=ids, note=" ")
    unhold_results(actor=lab.actor("supervisor_2"), result_ids=ids, note="printed anew")
    held = desk.result_of(tube)
    assert (held.status, held.hold_note, held.hold_end_note) == ("preliminary", "label torn", "printed anew")
    assert (held.held_by_id, held.hold_ended_by_id) == (
        lab.actor("supervisor").user_id,
        lab.actor("supervisor_2").user_id,
    )
    assert held.held_at <= held.hold_ended_at


def test_the_journey_of_a_tube_tells_what_was_found_to_the_laboratory_alone(lab, client):
    _run, (tube,) = desk.run_tubes(lab, 1)
    record = f"/people/{samples_of(tube)[0].declaration.code}"

    def read(role: str, path: str) -> str:
        sign_in(client, lab.actor(role))
        answer = client.get(path)
        assert answer.status_code == 200, path
        return answer.text.lower()

    for role, path in (
        ("collector", f"/tubes/{tube}"),
        ("health_worker", f"/tubes/{tube}"),
        ("health_worker", record),
    ):
        assert "không phát hiện" not in read(role, path), role
    for path in (f"/tubes/{tube}", record):
        assert "không phát hiện" in read("coordinator", path), path
