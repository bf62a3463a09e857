"""What phones send: each scan is judged once, answered the same for ever, and kept whatever it is."""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from factories import MORNING
from field.phones import Phone, badge_of, enrolled, make_enrolment, point_of
from intake.people import collect, declare, print_boxes, print_tubes, scan
from reconciled import assert_reconciled
from signing import bearer
from sqlalchemy import select, update
from statements import count_statements

from lims import clock, codes
from lims.extensions import db
from lims.field.models import Device, FieldScan
from lims.intake.models import Box, Declaration, Discrepancy, Sample, Tube
from lims.transaction import writing


@pytest.fixture(autouse=True)
def morning():
    with clock.at(MORNING):
        yield


@pytest.fixture
def phone(world, client) -> Phone:
    return enrolled(world, client)


def samples() -> list[Sample]:
    found = list(db.session.scalars(select(Sample).where(Sample.status != "void")))
    db.session.rollback()
    return found


def discrepancies() -> list[Discrepancy]:
    found = list(db.session.scalars(select(Discrepancy).order_by(Discrepancy.opened_at, Discrepancy.id)))
    db.session.rollback()
    return found


def withdraw(phone: Phone) -> None:
    with writing() as session:
        session.get(Device, uuid.UUID(phone.device)).withdrawn_at = clock.now()
    db.session.rollback()


def test_a_pair_is_bound_with_the_time_of_its_phone_and_its_name_comes_back(world, phone):
    (tube,), (code,) = print_tubes(world), declare(world)
    slip = phone.bind(tube, code, at=MORNING - timedelta(minutes=40))
    with clock.at(MORNING + timedelta(hours=5)):
        (verdict,) = phone.send(slip)
    assert (verdict["verdict"], verdict["code"], verdict["tube"]) == ("good", "bound", tube)
    assert verdict["person"]["birth_year"] == 1980
    (sample,) = samples()
    assert sample.client_id == uuid.UUID(slip["id"])
    assert sample.collected_by_id == world.actor("collector").user_id


def test_the_same_batch_again_changes_nothing_and_is_answered_the_same(world, phone):
    slips = [phone.bind(*pair) for pair in zip(print_tubes(world, 3), declare(world, 3), strict=True)]
    first = phone.send(*slips)
    assert phone.send(*slips) == first
    assert phone.send(*reversed(slips)) == list(reversed(first))
    assert len(samples()) == 3
    assert discrepancies() == []


def test_a_batch_that_was_kept_and_not_judged_is_judged_with_the_next_one(world, phone, monkeypatch):
    from lims.field import handing_in

    (first, second), people = print_tubes(world, 2), declare(world, 2)
    slips = [phone.bind(first, people[0]), phone.bind(second, people[1])]

    def end_here(**_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(handing_in, "judge_kept", end_here)
        with pytest.raises(KeyboardInterrupt):
            phone.send(slips[0])
    assert samples() == []
    assert [verdict["verdict"] for verdict in phone.send(slips[1])] == ["good"]
    assert len(samples()) == 2, "the one that was cut off is judged first"
    assert phone.send(slips[0])[0]["verdict"] == "good"


def test_a_batch_costs_the_same_number_of_statements_for_one_scan_and_for_eighty(world, phone):
    def send(count: int) -> int:
        slips = [
            phone.bind(*pair) for pair in zip(print_tubes(world, count), declare(world, count), strict=True)
        ]
        with count_statements() as counted:
            phone.send(*slips)
        return len(counted)

    send(1)
    assert send(80) == send(1)


def test_two_phones_that_bound_one_tube_are_found(world, client):
    one, other = enrolled(world, client), enrolled(world, client, "collector_2")
    (tube,), (first, second) = print_tubes(world), declare(world, 2)
    late, early = other.bind(tube, second), one.bind(tube, first)
    assert one.send(early)[0]["verdict"] == "good"
    (verdict,) = other.send(late)
    assert (verdict["verdict"], verdict["code"]) == ("wrong", "tube_reused")
    assert "Take a new tube" in verdict["message"]
    (found,) = discrepancies()
    assert (str(found.id), found.holds_results) == (verdict["discrepancy"], True)


def test_a_person_in_two_tubes_is_found_even_when_the_first_tube_was_refused(world, client):
    """Two claims on one tube, and the loser is then bound to another: that swab may be in either."""
    one, other = enrolled(world, client), enrolled(world, client, "collector_2")
    (shared, spare), (first, second) = print_tubes(world, 2), declare(world, 2)
    one.send(one.bind(shared, first))
    other.send(other.bind(shared, second), other.bind(spare, second))
    assert sorted(found.kind for found in discrepancies()) == ["sampled_twice", "tube_reused"]


def test_a_scan_taken_back_frees_both_and_may_come_before_its_scan(world, phone):
    (tube,), people = print_tubes(world), declare(world, 2)
    wrong = phone.bind(tube, people[0])
    undo = phone.write("undo", undoes=wrong["id"])
    right = phone.bind(tube, people[1])
    verdicts = phone.send(wrong, undo, right)
    assert [verdict["code"] for verdict in verdicts] == ["taken_back_before", "taken_back", "bound"]
    assert [sample.declaration.code for sample in map(_again, samples())] == [people[1]]
    # sent and bound before it is taken back
    (verdict,) = phone.send(phone.write("undo", undoes=right["id"]))
    assert (verdict["verdict"], verdict["code"], samples()) == ("good", "taken_back", [])
    assert phone.send(phone.write("undo", undoes=right["id"]))[0]["verdict"] == "again"
    assert phone.send(phone.bind(tube, people[0]))[0]["verdict"] == "good"
    # a file may overtake the network
    (tube,) = print_tubes(world)
    wrong = phone.bind(tube, people[0])
    undo = phone.write("undo", undoes=wrong["id"])
    assert [verdict["code"] for verdict in (*phone.send(undo), *phone.send(wrong))] == [
        "taken_back_before"
    ] * 2
    assert len(samples()) == 1
    assert discrepancies() == []


def _again(sample: Sample) -> Sample:
    return db.session.get(Sample, sample.id)


def test_a_mixed_tube_is_filled_and_closed(world, phone):
    (tube,), people = print_tubes(world, 1, "mixed"), declare(world, 3)
    slips = [phone.bind(tube, person) for person in people]
    verdicts = phone.send(*slips, phone.write("close", tube=tube, count=3))
    assert [verdict["verdict"] for verdict in verdicts] == ["good"] * 4
    assert (verdicts[2]["count"], verdicts[2]["limit"]) == (3, 10)
    kept = db.session.scalar(select(Tube).where(Tube.code == tube))
    assert kept.closed_count == 3


def test_people_are_declared_on_the_spot_and_bound_in_the_same_batch(world, phone):
    (tube, other) = print_tubes(world, 2)
    card = "001080012345||Người Thử Thẻ|15041980|Nữ|Tổ 1, Phường Thử|01012021"
    typed = phone.write(
        "declare", person={"name": "Người Thử Gõ", "birth_date": "1975", "symptoms": ["fever"]}
    )
    by_card = phone.write("declare", card=card)
    verdicts = phone.send(
        typed,
        phone.write("bind", tube=tube, declared=typed["id"]),
        by_card,
        phone.write("bind", tube=other, declared=by_card["id"]),
    )
    assert [verdict["verdict"] for verdict in verdicts] == ["good"] * 4
    assert verdicts[1]["person"] == {"name": "Người Thử Gõ", "birth_year": 1975}
    declared = db.session.scalars(select(Declaration).order_by(Declaration.created_at)).all()
    assert {one.declared_by for one in declared} == {"health_worker"}
    assert sorted(one.has_symptoms for one in declared) == [False, True]
    answers = [scan.answer for scan in db.session.scalars(select(FieldScan))]
    assert "result_code" not in json.dumps(answers)
    # the card again: the same person, no second declaration
    again = phone.write("declare", card=card)
    phone.send(again)
    assert len(db.session.scalars(select(Declaration)).all()) == 2 + 1, (
        "the first one is sampled: a new asking"
    )


def test_a_card_finds_the_person_of_the_roster_and_not_a_namesake(world, phone):
    (known,) = declare(world)
    db.session.rollback()
    person = db.session.scalar(select(Declaration).where(Declaration.code == known)).person
    name = person.name
    db.session.rollback()
    card = f"001080012345||{name}|15041980|Nữ|Tổ 1|01012021"
    same, other = (
        phone.write("declare", card=text, likely=known)
        for text in (card, card.replace("15041980", "15041981"))
    )
    verdicts = phone.send(same, other)
    assert [verdict["declaration"] == known for verdict in verdicts] == [True, False]
    assert [verdict["verdict"] for verdict in verdicts] == ["again", "good"]


def test_a_person_who_cannot_be_declared_leaves_a_tube_that_waits_for_its_name(world, phone):
    (tube,) = print_tubes(world)
    nobody = phone.write("declare", person={"name": "", "birth_date": "32/13/1980"})
    verdicts = phone.send(nobody, phone.write("bind", tube=tube, declared=nobody["id"]))
    assert [verdict["verdict"] for verdict in verdicts] == ["wrong", "wrong"]
    assert verdicts[1]["code"] == "person_not_declared"
    assert all(verdict["discrepancy"] for verdict in verdicts)


def test_boxes_are_packed_sealed_and_handed_over_with_their_own_times(world, phone):
    tubes, people, (box,) = print_tubes(world, 2), declare(world, 2), print_boxes(world)
    binds = [phone.bind(*pair) for pair in zip(tubes, people, strict=True)]
    steps = [
        *(phone.write("pack", box=box, tube=tube) for tube in tubes),
        phone.write("take_out", box=box, tube=tubes[0]),
        phone.write("pack", box=box, tube=tubes[0]),
        phone.write("seal", box=box),
        phone.write(
            "hand_over", box=box, courier=badge_of(world, "courier"), laboratory=str(world.laboratory_id)
        ),
    ]
    with clock.at(MORNING + timedelta(hours=3)):
        phone.offset_ms = 0
        verdicts = phone.send(*binds, *steps)
    assert [verdict["verdict"] for verdict in verdicts] == ["good"] * 8
    kept = db.session.scalar(select(Box).where(Box.code == box))
    assert (kept.status, kept.sealed_count, kept.laboratory_id) == ("dispatched", 2, world.laboratory_id)
    assert kept.sealed_at == kept.dispatched_at == MORNING
    assert kept.courier_id == world.actor("courier").user_id
    with clock.at(MORNING + timedelta(hours=3)):
        assert phone.send(*binds, *steps) == verdicts


def test_a_wrong_clock_is_corrected_and_its_own_time_kept(world, client):
    phone = Phone(client, badge_of(world), clock_off=timedelta(hours=-5))
    phone.enrol(make_enrolment(world))
    (tube,), (code,) = print_tubes(world), declare(world)
    slip = phone.bind(tube, code)
    with clock.at(MORNING + timedelta(minutes=10)):
        assert phone.send(slip)[0]["verdict"] == "good"
    kept = db.session.get(FieldScan, uuid.UUID(slip["id"]))
    assert kept.device_at == MORNING - timedelta(hours=5)
    assert kept.occurred_at == MORNING
    assert samples()[0].sampled_at == MORNING
    assert db.session.get(Device, uuid.UUID(phone.device)).offset_ms == 5 * 3600 * 1000


def test_a_shared_phone_changes_hands_by_badge(world, phone):
    tubes, people = print_tubes(world, 2), declare(world, 2)
    mine = phone.bind(tubes[0], people[0])
    phone.badge = badge_of(world, "collector_2")
    phone.send(mine, phone.bind(tubes[1], people[1]))
    assert {sample.collected_by_id for sample in samples()} == {
        world.actor("collector").user_id,
        world.actor("collector_2").user_id,
    }


# ---- What is not let in, and not lost ----


def _tamper(phone: Phone, world, case: str, client) -> list[dict[str, str]]:
    tube, person = print_tubes(world)[0], declare(world)[0]
    if case == "unreadable":
        return [phone.sign("not a slip", "x"), phone.sign('{"v": 1, "kind": "bind"}', "y")]
    if case == "unknown_device":
        return [phone.bind(tube, person, device=str(uuid.uuid4()))]
    if case == "wrong_signature":
        slip = phone.bind(tube, person)
        return [slip | {"text": slip["text"].replace(tube, print_tubes(world)[0])}]
    if case == "other_device":
        other = enrolled(world, client, "collector_2")
        return [other.bind(tube, person, device=phone.device)]
    if case == "unknown_collector":
        return [phone.bind(tube, person, badge=badge_of(world, "technician"))]
    if case == "enrolment_expired":
        # its clock was measured, and it was right
        phone.offset_ms = 0
        return [phone.bind(tube, person, at=clock.now() - timedelta(minutes=1))]
    raise AssertionError(case)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("unreadable", "unreadable"),
        ("unknown_device", "unknown_device"),
        ("wrong_signature", "wrong_signature"),
        ("other_device", "wrong_signature"),
        ("unknown_collector", "unknown_collector"),
        ("enrolment_expired", "enrolment_expired"),
    ],
)
def test_what_is_not_let_in_is_named_and_kept_once(world, client, phone, case, reason):
    later = timedelta(days=2) if case == "enrolment_expired" else timedelta()
    with clock.at(MORNING + later):
        slips = _tamper(phone, world, case, client)
        verdicts = phone.send(*slips)
        assert {(verdict["verdict"], verdict["code"]) for verdict in verdicts} == {("wrong", reason)}
        assert phone.send(*slips) == verdicts
    assert samples() == []
    (found,) = discrepancies()
    assert (found.kind, found.details["reason"], found.details["count"]) == (
        "scan_refused",
        reason,
        len(slips),
    )
    from lims.extensions import vault

    raw = json.loads(vault().unseal_record(found.raw_sealed, record_id=found.id, column="discrepancy.raw"))
    assert [slip["text"] for slip in raw["slips"]] == [slip["text"] for slip in slips]


def test_a_withdrawn_phone_adds_nothing_whoever_carries_its_scans(world, client, phone):
    slips = [phone.bind(*pair) for pair in zip(print_tubes(world, 2), declare(world, 2), strict=True)]
    phone.send(slips[0])
    withdraw(phone)
    assert phone.post(slips).status_code == 401, "its token opens nothing"
    answer = client.post(
        "/api/v1/field/files",
        json={"file": phone.make_file(slips)},
        headers=bearer(world.actor("health_worker")) | {"Accept-Language": "en"},
    )
    assert answer.status_code == 200, answer.text
    assert (answer.json["good"], answer.json["wrong"]) == (1, 1), "what was taken before stays so"
    assert answer.json["verdicts"][1]["code"] == "withdrawn_device"
    assert len(samples()) == 1


def test_a_stolen_token_without_the_key_lets_nothing_in(world, client, phone):
    thief = Phone(client, phone.badge)
    thief.token, thief.device = phone.token, phone.device
    (verdict,) = thief.send(thief.bind(print_tubes(world)[0], declare(world)[0]))
    assert verdict["code"] == "wrong_signature"
    assert samples() == []


def test_a_forged_id_cannot_block_the_scan_that_has_it(world, client, phone):
    tubes, people = print_tubes(world, 2), declare(world, 2)
    true = phone.bind(tubes[0], people[0])
    forger = enrolled(world, client, "collector_2")
    assert (
        forger.send(
            forger.bind(tubes[1], people[1], device=phone.device, id=true["id"]) | {"id": true["id"]}
        )[0]["verdict"]
        == "wrong"
    )
    assert phone.send(true)[0]["verdict"] == "good"
    # the same id with other content, rightly signed: named, kept, not let in
    reused = phone.bind(tubes[1], people[1], id=true["id"]) | {"id": true["id"]}
    assert phone.send(reused)[0]["code"] == "id_reused"
    assert len(samples()) == 1


def test_a_tube_of_another_campaign_is_named_and_not_bound(world, phone):
    from lims.places.models import Campaign
    from lims.tables import new_id

    other = new_id()
    with writing() as session:
        session.add(
            Campaign(
                id=other,
                name="Đợt khác",
                province_id=world.province_id,
                starts_on=MORNING.date(),
                created_at=MORNING,
            )
        )
    (tube,), (person,) = print_tubes(world, campaign_id=other), declare(world, campaign_id=other)
    (verdict,) = phone.send(phone.bind(tube, person))
    assert (verdict["verdict"], verdict["code"]) == ("wrong", "other_campaign")
    assert [found.kind for found in discrepancies()] == ["other_campaign"]
    assert samples() == []


def test_every_wrong_scan_is_kept_as_a_discrepancy(world, phone):
    (used,), people = print_tubes(world), declare(world, 2)
    collect(world, [scan(used, people[0])])
    never = "T000001" + codes.check_characters("T000001")
    verdicts = phone.send(
        phone.bind(never, people[1]),
        phone.bind("T3K9F2", people[1]),
        phone.write("undo", undoes=str(uuid.uuid4())),
        phone.write("close", tube=used, count=2),
        phone.write("seal", box=print_boxes(world)[0]),
    )
    wrong = [verdict for verdict in verdicts if verdict["verdict"] == "wrong"]
    assert len(wrong) == 4
    assert {verdict["discrepancy"] for verdict in wrong} == {str(found.id) for found in discrepancies()}


def test_a_hand_over_file_that_is_none_or_was_changed_takes_nothing(world, client, phone):
    slip = phone.bind(print_tubes(world)[0], declare(world)[0])
    good = phone.make_file([slip])
    broken = good[:-20] + "AAAA" + good[-16:]
    foreign = phone.make_file([slip], server_key=point_of(phone.key))
    for text in ("", "{}", "[1]", "x" * 100, good[:200], broken, foreign):
        answer = client.post("/api/v1/field/files", json={"file": text}, headers=phone.headers)
        assert (answer.status_code, answer.json["field"]) == (422, "file"), text[:40]
    assert samples() == []
    other = enrolled(world, client, "collector_2")
    answer = client.post("/api/v1/field/files", json={"file": good}, headers=other.headers)
    assert answer.json["good"] == 1
    assert phone.send(slip)[0]["verdict"] == "good", "its own phone is answered the same later"
    assert len(samples()) == 1


# ---- Enrolling ----


def test_an_enrolment_serves_one_phone_and_answers_it_again(world, client):
    code = make_enrolment(world)
    phone, other = Phone(client, badge_of(world)), Phone(client, badge_of(world))
    first = phone.enrol(code)
    assert first.status_code == 200
    assert first.json["collector"]["badge"] == phone.badge
    assert phone.enrol(code).json["device"] == first.json["device"]
    refused = other.enrol(code)
    assert (refused.status_code, refused.json["field"]) == (409, "code")
    assert "Another phone" in refused.json["message"]


@pytest.mark.parametrize(
    ("columns", "later", "words"),
    [
        ({"withdrawn_at": MORNING}, timedelta(), "withdrawn"),
        ({}, timedelta(days=1), "16/08/2021"),
    ],
)
def test_an_enrolment_that_is_over_enrols_nobody(world, client, columns, later, words):
    code = make_enrolment(world, **columns)
    with clock.at(MORNING + later):
        answer = Phone(client, badge_of(world)).enrol(code)
    assert answer.status_code == 409
    assert words in answer.json["message"]


def test_an_unknown_code_and_a_broken_key_are_named(world, client):
    phone = Phone(client, badge_of(world))
    assert phone.enrol("nothing").json["field"] == "code"
    body = {"code": make_enrolment(world), "public_key": "AAAA", "token": phone.token}
    assert client.post("/api/v1/field/enrolments", json=body).json["field"] == "public_key"


def test_a_phones_token_opens_nothing_but_the_phones_addresses(world, client, phone):
    assert client.get("/api/v1/field/packet", headers=phone.headers).status_code == 200
    body = {"session_id": str(uuid.uuid4()), "place_id": str(world.site_id), "scans": []}
    assert client.post("/api/v1/collections", json=body, headers=phone.headers).status_code == 403
    assert client.get("/api/v1/campaigns", headers=phone.headers).status_code == 403
    assert client.get("/home", headers=phone.headers).status_code == 403


def test_the_packet_holds_the_sites_people_tubes_and_badges(world, client, phone):
    people, tubes = declare(world, 3), print_tubes(world, 2)
    (elsewhere,) = declare(world)
    with writing() as session:
        moved = update(Declaration).where(Declaration.code == elsewhere)
        session.execute(moved.values(commune_id=world.other_commune_id))
    phone.send(phone.bind(tubes[0], people[0]))
    answer = client.get("/api/v1/field/packet", headers=phone.headers)
    packet = answer.json
    assert {row[0]: row[4] for row in packet["people"]} == {
        people[0]: "sampled",
        people[1]: "open",
        people[2]: "open",
    }
    assert elsewhere not in answer.text
    assert packet["tubes"] == {"single": tubes[1], "mixed": ""}
    assert [phone.badge, "Collector"] in packet["collectors"]
    assert packet["couriers"]
    again = client.get(
        "/api/v1/field/packet", headers=phone.headers | {"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304
    with clock.at(MORNING + timedelta(days=1)):
        over = client.get("/api/v1/field/packet", headers=phone.headers)
        assert (over.status_code, phone.post([]).json["device"]["status"]) == (409, "ended")


# ---- What a coordinator decides ----


def test_scans_of_a_withdrawn_phone_are_let_in_by_a_person_or_never(world, client, phone):
    from lims.intake.settling import settler_of

    slips = [phone.bind(*pair) for pair in zip(print_tubes(world, 2), declare(world, 2), strict=True)]
    withdraw(phone)
    headers = bearer(world.actor("health_worker")) | {"Accept-Language": "en"}
    client.post("/api/v1/field/files", json={"file": phone.make_file(slips)}, headers=headers)
    (found,) = discrepancies()
    assert samples() == []
    settled = settler_of("scan_refused")(
        actor=world.actor("coordinator"),
        client_id=uuid.uuid4(),
        discrepancy_id=found.id,
        settlement="accepted",
        note="Máy thu hồi nhầm",
    )
    assert settled["scans"] == 2
    assert len(samples()) == 2
    answer = client.post("/api/v1/field/files", json={"file": phone.make_file(slips)}, headers=headers)
    assert (answer.json["good"], len(discrepancies())) == (2, 1), "now they are scans like any other"


def test_scans_that_nobody_signed_are_closed_and_never_let_in(world, phone):
    from lims.intake.settling import settler_of

    slip = phone.bind(print_tubes(world)[0], declare(world)[0])
    phone.send(slip | {"signature": "AAAA"})
    (found,) = discrepancies()
    words = {"discrepancy_id": found.id, "settlement": "accepted", "note": "đã xem"}
    settler_of("scan_refused")(actor=world.actor("coordinator"), client_id=uuid.uuid4(), **words)
    assert samples() == []
    assert phone.send(slip)[0]["verdict"] == "good", "the true one still counts"


def test_two_phones_two_thousand_scans_and_every_one_is_a_sample_or_a_discrepancy(world, client):
    """One in twenty contradicts the other phone's: a tube that both bound, or a person that both sampled."""
    chance = random.Random(7)
    count, conflicts = 1_000, 50
    phones = [enrolled(world, client), enrolled(world, client, "collector_2")]
    tubes, people = print_tubes(world, 2 * count), declare(world, 2 * count)
    pairs = [
        list(zip(tubes[:count], people[:count], strict=True)),
        list(zip(tubes[count:], people[count:], strict=True)),
    ]
    for place in chance.sample(range(count), 2 * conflicts):
        tube, person = pairs[1][place]
        rival_tube, rival_person = pairs[0][place]
        pairs[1][place] = (rival_tube, person) if place % 2 else (tube, rival_person)
    waiting = []
    for phone, own in zip(phones, pairs, strict=True):
        chance.shuffle(own)
        waiting.append([phone.bind(*pair) for pair in own])
    verdicts = {}
    while any(waiting):
        number = chance.choice([index for index in (0, 1) if waiting[index]])
        batch = waiting[number][:50]
        answered = phones[number].send(*batch)
        if chance.random() < 0.1:
            continue  # the answer was lost: the same batch comes again
        waiting[number] = waiting[number][50:]
        verdicts |= {verdict["id"]: verdict for verdict in answered}
    assert len(verdicts) == 2 * count
    good = {key for key, verdict in verdicts.items() if verdict["verdict"] == "good"}
    wrong = {key for key, verdict in verdicts.items() if verdict["verdict"] == "wrong"}
    assert (len(good), len(wrong)) == (2 * count - 2 * conflicts, 2 * conflicts)
    assert {str(sample.client_id) for sample in samples()} == good
    found = discrepancies()
    assert {str(one.id) for one in found} == {verdicts[key]["discrepancy"] for key in wrong}
    assert Counter(one.kind for one in found)["sampled_twice"] + Counter(one.kind for one in found)[
        "tube_reused"
    ] == len(found)
    assert_reconciled(db.session())
