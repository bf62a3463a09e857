"""Stations and API of collection, boxes, reception and discrepancies answer whoever may use them, and nobody else."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from factories import MORNING
from flask_babel import force_locale
from intake import rows
from intake.people import collect, collect_people, declare, print_boxes, print_tubes, scan, send_box
from signing import bearer, sign_in

from lims import clock, codes
from lims.errors import Refused
from lims.intake.actions.reception import receive_box
from lims.intake.receiving import ReceivedTube
from lims.language import say_error


@pytest.fixture(autouse=True)
def eight_in_the_morning():
    with clock.at(MORNING):
        yield


def post(client, actor, url, **body):
    headers = bearer(actor) | {"Accept-Language": "en"}
    return client.post(f"/api/v1{url}", json={"client_id": str(uuid.uuid4())} | body, headers=headers)


def post_scans(client, world, given, role="collector", **more):
    body = {
        "session_id": str(uuid.uuid4()),
        "place_id": str(world.site_id),
        "scans": [
            {
                "client_id": str(one.client_id),
                "tube": one.tube,
                "declaration": one.declaration,
                "occurred_at": one.occurred_at.isoformat(),
            }
            for one in given
        ],
    } | more
    return post(client, world.actor(role), "/collections", **body)


def test_a_batch_of_scans_is_answered_scan_by_scan_with_the_person_to_check(client, world):
    people, (tube,) = declare(world, 2), print_tubes(world)
    answer = post_scans(client, world, [scan(tube, people[0]), scan(tube, people[1])])
    assert answer.status_code == 200
    good, wrong = answer.json["verdicts"]
    assert good["verdict"] == "good"
    assert good["person"]["birth_year"] == 1980
    assert good["person"]["name"].startswith("Người Thử")
    assert wrong["message"].startswith(f"Tube {codes.grouped(tube)} was used for somebody else at 08:00.")
    assert wrong["discrepancy"] == str(rows.discrepancies()[0].id)
    assert "parameters" not in wrong


def test_names_are_not_kept_with_the_answers(client, world):
    from lims.inbox import Inbound

    (person,), (tube,) = declare(world), print_tubes(world)
    one = scan(tube, person)
    name = post_scans(client, world, [one]).json["verdicts"][0]["person"]["name"]
    assert name not in str(rows.find(Inbound, id=one.client_id).answer)


@pytest.mark.parametrize("role", ["technician", "courier", "health_worker"])
def test_only_collectors_register(client, world, role):
    (person,), (tube,) = declare(world), print_tubes(world)
    assert post_scans(client, world, [scan(tube, person)], role).status_code == 403
    assert rows.samples(tube) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scans": []}, "scans"),
        ({"place_id": "here"}, "place_id"),
        ({"session_id": None}, "session_id"),
        ({"scans": [{"client_id": "1", "tube": "T", "declaration": "K", "occurred_at": "now"}]}, "scans"),
        (
            {
                "scans": [
                    {
                        "client_id": str(uuid.uuid4()),
                        "tube": "T",
                        "declaration": "K",
                        "occurred_at": "2021-08-16T08:00:00",
                    }
                ]
            },
            "occurred_at",
        ),
    ],
)
def test_a_malformed_batch_names_its_field(client, world, change, field):
    answer = post_scans(client, world, [scan("T", "K")], **change)
    assert answer.status_code == 422
    assert field in answer.get_data(as_text=True)


def test_a_tube_goes_from_the_site_to_the_laboratory_through_the_api(client, world):
    _, tubes = collect_people(world, 2)
    (box,) = print_boxes(world)
    collector, technician = world.actor("collector"), world.actor("technician")
    packed = post(client, collector, f"/boxes/{box}/tubes", place_id=str(world.site_id), tubes=tubes)
    assert packed.json["count"] == 2
    out = post(client, collector, f"/boxes/{box}/removed-tubes", tubes=tubes[:1])
    assert out.json["count"] == 1
    post(client, collector, f"/boxes/{box}/tubes", place_id=str(world.site_id), tubes=tubes[:1])
    for step in ("seal", "open", "seal"):
        assert post(client, collector, f"/boxes/{box}/{step}").status_code == 200
    laboratory = str(world.laboratory_id)
    sent = post(client, collector, f"/boxes/{box}/dispatch", laboratory_id=laboratory, temperature_c=4)
    assert sent.json["status"] == "dispatched"
    here = post(client, technician, f"/boxes/{box}/receive", laboratory_id=laboratory, temperature_c=12)
    assert here.json["outside_limits"] is True
    tube = {"code": tubes[0], "condition": "good", "rack_position": "1-01"}
    got = post(client, technician, f"/boxes/{box}/received-tubes", laboratory_id=laboratory, tubes=[tube])
    assert (got.json["count"], got.json["of"]) == (1, 2)
    done = post(client, technician, f"/boxes/{box}/reconcile")
    assert (done.json["missing"], done.json["too_warm"]) == ([tubes[1]], True)
    rejected = post(client, technician, "/tube-rejections", tubes=tubes[:1], reason="too_warm")
    assert rejected.json["asked_again"] == 1


def test_a_tube_without_a_box_and_a_closing_and_an_undoing_through_the_api(client, world):
    (person,), (tube,), session = declare(world), print_tubes(world, 1, "mixed"), str(uuid.uuid4())
    one = scan(tube, person)
    post_scans(client, world, [one], session_id=session)
    closing = {"client_id": str(uuid.uuid4()), "tube": tube, "count": 2}
    closed = post(client, world.actor("collector"), "/tube-closings", session_id=session, closings=[closing])
    assert closed.json["verdicts"][0]["code"] == "names_missing"
    undone = post(client, world.actor("collector"), "/collection-undoings", scan_client_id=str(one.client_id))
    assert undone.json == {"tube": tube, "declaration": person, "count": 0}
    answer = post(
        client,
        world.actor("technician"),
        "/received-tubes",
        laboratory_id=str(world.laboratory_id),
        tubes=[{"code": tube}],
    )
    assert answer.json["verdicts"][0]["code"] == "waits_for_names"


def test_the_first_code_of_a_pair_is_looked_up_and_nothing_is_kept(client, world):
    (person,), (tube,) = declare(world), print_tubes(world)
    events = rows.count_events()
    place = str(world.site_id)
    who = post(client, world.actor("collector"), "/collection-look-ups", place_id=place, code=person)
    assert (who.json["kind"], who.json["person"]["birth_year"]) == ("declaration", 1980)
    what = post(client, world.actor("collector"), "/collection-look-ups", place_id=place, code=tube)
    assert (what.json["mode"], what.json["limit"], what.json["known"]) == ("single", 1, True)
    nobody = codes.mint("declaration")
    none = post(client, world.actor("collector"), "/collection-look-ups", place_id=place, code=nobody)
    assert none.json["known"] is False
    assert rows.count_events() <= events + 3  # the three sign-ins


def page(client, url, status=200):
    answer = client.get(url)
    text = answer.get_data(as_text=True)
    assert answer.status_code == status, text[:2000]
    return text


def test_the_collection_station_asks_for_its_session_once(client, world):
    sign_in(client, world.actor("collector"))
    assert str(world.site_id) in page(client, "/collection")
    (person,), (tube,) = declare(world), print_tubes(world)
    one = scan(tube, person)
    collect(world, [one])
    start = client.get(f"/collection?place={world.site_id}&mode=single&order=person")
    assert start.status_code == 302
    text = page(client, start.location)
    assert str(one.client_id) in text
    assert "Người Thử" in text
    assert 'data-mode="mixed"' in page(
        client, f"/collection?place={world.site_id}&mode=mixed&session={uuid.uuid4()}"
    )


def test_a_box_is_packed_sealed_sent_and_handed_over_on_its_pages(client, world):
    _, tubes = collect_people(world, 1)
    (box,) = print_boxes(world)
    client.application.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, world.actor("collector"))
    page(client, "/boxes")
    assert client.get(f"/boxes?code={codes.grouped(box)}").location == f"/boxes/{box}"
    assert f'data-box="{box}"' in page(client, f"/boxes/{box}")
    post(client, world.actor("collector"), f"/boxes/{box}/tubes", place_id=str(world.site_id), tubes=tubes)

    def send(step, **form):
        return client.post(f"/boxes/{box}/{step}", data={"client_id": str(uuid.uuid4())} | form)

    assert send("seal").status_code == 302
    assert tubes[0][:3] in page(client, f"/boxes/{box}/manifest")
    assert send("dispatch", laboratory_id=str(world.laboratory_id), temperature_c="warm").status_code == 422
    sent = send("dispatch", laboratory_id=str(world.laboratory_id), temperature_c="4,5")
    assert sent.status_code == 302
    assert rows.box(box).temperature_out_c == 4.5
    assert send("hand-over", badge="nobody").status_code == 422
    page(client, f"/boxes/{box}")


def test_a_refused_form_of_a_box_comes_back_with_its_sentence_and_what_was_typed(client, world):
    _, tubes = collect_people(world, 1)
    (box,) = print_boxes(world)
    client.application.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, world.actor("collector"))
    with client.session_transaction() as kept:
        kept["language"] = "en"
    post(client, world.actor("collector"), f"/boxes/{box}/tubes", place_id=str(world.site_id), tubes=tubes)
    laboratory = str(world.laboratory_id)

    def send(step, **form):
        answer = client.post(f"/boxes/{box}/{step}", data={"client_id": str(uuid.uuid4())} | form)
        return answer.status_code, answer.text

    send("seal")
    status, shown = send("dispatch", temperature_c="4,5")
    assert status == 422 and "Choose a laboratory." in shown and "open for too long" not in shown
    assert 'value="4,5"' in shown and 'id="laboratory-error"' in shown
    status, shown = send("dispatch", laboratory_id=laboratory, temperature_c="12")
    assert status == 409 and 'id="temperature-error"' in shown and "warmer than" in shown
    assert f'<option value="{laboratory}" selected>' in shown and 'name="anyway"' in shown
    status, shown = send("hand-over", badge="nobody")
    assert status == 422 and 'id="badge-error"' in shown and 'value="nobody"' in shown
    assert send("dispatch", laboratory_id=laboratory, temperature_c="12", anyway="yes")[0] == 302
    status, shown = send("dispatch", laboratory_id=laboratory)
    assert status == 409 and "data-error-summary" in shown and f"/boxes/{box}/hand-over" in shown


def test_a_temperature_is_said_with_the_decimal_sign_of_the_language(app):
    refusal = Refused("%(temperature)s °C", temperature=12.5)
    for language, said in (("vi", "12,5 °C"), ("en", "12.5 °C")):
        with app.test_request_context(), force_locale(language):
            assert say_error(refusal) == said


def test_a_refused_form_of_the_reception_comes_back_with_its_sentence_and_what_was_typed(client, world):
    _, tubes = collect_people(world, 1)
    box = send_box(world, tubes)
    client.application.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, world.actor("technician"))
    form = {"client_id": str(uuid.uuid4()), "laboratory_id": str(world.laboratory_id)}
    for typed in ("900", "warm"):
        refused = client.post(f"/reception/{box}", data=form | {"temperature_c": typed})
        assert refused.status_code == 422
        assert 'id="temperature-error"' in refused.text and f'value="{typed}"' in refused.text
    refused = client.post("/reception/rejections", data=form | {"tubes": tubes[0], "reason": "bored"})
    assert refused.status_code == 422
    assert 'id="reason-error"' in refused.text and tubes[0] in refused.text
    assert rows.box(box).status == "dispatched"


def test_a_refused_form_leads_back_to_its_page(client, world):
    (box,) = print_boxes(world)
    sign_in(client, world.actor("collector"))
    before = f"http://localhost/boxes/{box}?place={world.site_id}"
    refused = client.post(f"/boxes/{box}/seal", headers={"Referer": before})
    assert refused.status_code >= 400
    assert f'href="/boxes/{box}?place={world.site_id}"' in refused.text
    for elsewhere in ("http://other.example/boxes", ""):
        refused = client.post(f"/boxes/{box}/seal", headers={"Referer": elsewhere})
        assert 'href="/boxes' not in refused.text.split("<main")[1].split("</main")[0]


def test_a_box_is_received_and_finished_on_its_pages(client, world):
    _, tubes = collect_people(world, 2)
    box = send_box(world, tubes)
    client.application.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, world.actor("technician"))
    assert box[:3] in page(client, "/reception")
    page(client, f"/reception/{box}")
    form = {"client_id": str(uuid.uuid4()), "laboratory_id": str(world.laboratory_id), "temperature_c": "5"}
    assert client.post(f"/reception/{box}", data=form).status_code == 302
    assert f'data-tube="{tubes[1]}"' in page(client, f"/reception/{box}")
    url = f"/reception/{box}/reconciliation"
    assert client.post(url, data={"client_id": str(uuid.uuid4())}).status_code == 302
    assert rows.box(box).status == "reconciled"
    page(client, f"/reception/{box}")


def test_an_unsealed_box_at_the_door_shows_the_way_on_instead_of_a_button_that_is_refused(client, world):
    _, tubes = collect_people(world, 1)
    (box,) = print_boxes(world)
    post(client, world.actor("collector"), f"/boxes/{box}/tubes", place_id=str(world.site_id), tubes=tubes)
    sign_in(client, world.actor("technician"))
    shown = page(client, f"/reception/{box}")
    assert f'href="/reception?laboratory_id={world.laboratory_id}"' in shown
    assert 'name="temperature_c"' not in shown


def test_a_box_for_another_laboratory_is_received_only_when_asked_twice(client, world):
    _, tubes = collect_people(world, 1)
    box = send_box(world, tubes)
    client.application.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, world.actor("technician_confirming"))
    form = {"client_id": str(uuid.uuid4()), "laboratory_id": str(world.confirming_id)}
    refused = client.post(f"/reception/{box}", data=form)
    assert refused.status_code == 409
    assert "Phòng xét nghiệm A" in refused.get_data(as_text=True)
    again = form | {"client_id": str(uuid.uuid4()), "anyway": "yes"}
    assert client.post(f"/reception/{box}", data=again).status_code == 302


def test_laboratory_staff_see_codes_on_a_tubes_record_and_no_names(client, world):
    from lims.intake.actions.reception import receive_tubes

    people, tubes = collect_people(world, 1)
    receive_tubes(
        actor=world.actor("technician"), laboratory_id=world.laboratory_id, tubes=[ReceivedTube(tubes[0])]
    )
    name = rows.declaration(people[0]).person.name
    sign_in(client, world.actor("technician"))
    text = page(client, f"/tubes/{tubes[0]}")
    assert name not in text
    sign_in(client, world.actor("coordinator"))
    assert name in page(client, f"/tubes/{tubes[0]}")
    sign_in(client, world.actor("technician_confirming"))
    page(client, f"/tubes/{tubes[0]}", 404)


def test_a_discrepancy_is_listed_and_settled_on_its_page(client, world):
    people, (tube,) = declare(world, 2), print_tubes(world)
    collect(world, [scan(tube, person) for person in people])
    (found,) = rows.discrepancies()
    client.application.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, world.actor("coordinator"))
    assert str(found.id) in page(client, "/discrepancies?kind=tube_reused")
    page(client, f"/discrepancies/{found.id}")
    page(client, "/discrepancies?after=yesterday", 422)
    form = {"client_id": str(uuid.uuid4()), "settlement": "dismissed", "note": "read twice"}
    assert client.post(f"/discrepancies/{found.id}/settlement", data=form).status_code == 302
    assert str(found.id) in page(client, "/discrepancies?status=settled")


def test_tubes_rejected_on_the_page_ask_for_new_samples(client, world):
    people, tubes = collect_people(world, 1)
    box = send_box(world, tubes)
    with clock.at(MORNING + timedelta(hours=1)):
        receive_box(actor=world.actor("technician"), box_code=box, laboratory_id=world.laboratory_id)
        headers = world.actor("technician")
        post(
            client,
            headers,
            "/received-tubes",
            laboratory_id=str(world.laboratory_id),
            tubes=[{"code": tubes[0]}],
        )
    client.application.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, world.actor("technician"))
    form = {"client_id": str(uuid.uuid4()), "tubes": f"{tubes[0]}\r\n", "reason": "leaked"}
    assert client.post("/reception/rejections", data=form).status_code == 302
    assert rows.declaration(people[0]).resample_reason == "leaked"
