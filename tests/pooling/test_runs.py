"""Plates and runs: what is plated first, what is refused, and that readings are all used or not at all."""

from __future__ import annotations

import uuid

import pytest
from pooling import bench
from pooling.received import receive
from sqlalchemy import func, select
from statements import count_statements

from lims import audit
from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused, WrongState
from lims.extensions import db
from lims.pooling.actions import assays, pools, readings, runs
from lims.pooling.models import Assay, Pool, Reading, ResultFile, Run, WellCall
from lims.pooling.queries import runs as queries
from lims.pooling.seed_assays import cdc_n1_n2_rp
from lims.pooling.typed_readings import ReadingsRefused


@pytest.fixture
def technician(world):
    bench.install(world)
    return world.actor("technician")


def pool_up(world, count: int, **more) -> list[str]:
    """Receive tubes, make closed pools of them and return the pools' codes."""
    receive(world, count, **more)
    made = pools.propose_pools(actor=world.actor("technician"), laboratory_id=world.laboratory_id)
    return [pool["pool"] for pool in made["pools"]]


def run_events(code: str) -> list[str]:
    db.session.rollback()
    run = queries.get_run(db.session, code=code)
    return [event.verb for event in audit.list_events(db.session, subject_ids=[run.id])]


def test_a_plate_holds_its_pools_and_its_controls_and_the_pools_know_it(world, technician):
    made = pool_up(world, 25)
    planned = bench.plan(world)
    assert [well["pool"] for well in planned["wells"] if well["pool"]] == made
    assert [well["control"] for well in planned["wells"] if well["control"]] == ["NTC", "NEC", "PC"]
    assert [bench.status_of(code)[0] for code in made] == ["on_plate"] * 3
    assert run_events(planned["run"]) == ["planned"]


def test_two_plates_never_hold_the_same_pool(world, technician):
    made = pool_up(world, 10)
    bench.plan(world)
    with pytest.raises(Refused):
        bench.plan(world)
    with pytest.raises(AlreadyDone):
        bench.plan(world, pool_codes=made)
    assert db.session.scalar(select(func.count()).select_from(Run)) == 1


def test_a_plate_of_96_takes_93_pools_and_leaves_the_newest_waiting(world, technician):
    made = pool_up(world, 95, symptoms=True)
    planned = bench.plan(world)
    on_plate = [well["pool"] for well in planned["wells"] if well["pool"]]
    assert len(planned["wells"]) == 96
    assert sorted(on_plate + [code for code in made if bench.status_of(code)[0] == "closed"]) == sorted(made)
    assert len(bench.plan(world, size=384)["wells"]) == 2 + 3


def test_confirmations_and_retests_go_before_screening(world, technician):
    first = pool_up(world, 3)
    bench.plate_all(world, {first[0]: "detected"})
    pool_up(world, 4)
    planned = bench.plan(world)
    purposes = [queries_purpose(well["pool"]) for well in planned["wells"] if well["pool"]]
    assert purposes == ["retest"] * 3 + ["screen"]


def queries_purpose(code: str) -> str:
    db.session.rollback()
    return db.session.scalar(select(Pool.purpose).where(Pool.code == code))


def test_a_laboratory_that_may_not_confirm_gets_no_confirmation(world, technician):
    [single] = pool_up(world, 1)
    bench.plate_all(world, {single: "detected"})
    db.session.rollback()
    confirm = db.session.scalars(select(Pool).where(Pool.purpose == "confirm")).one()
    with pytest.raises(Refused):
        bench.plan(world)
    with pytest.raises(Refused, match="may not do"):
        bench.plan(world, pool_codes=[confirm.code])


@pytest.mark.parametrize("size", [95, 1, 1536])
def test_a_plate_has_96_or_384_wells(world, technician, size):
    pool_up(world, 1)
    with pytest.raises(InvalidInput):
        bench.plan(world, size=size)


def test_an_open_pool_an_unknown_one_and_one_of_another_laboratory_are_refused(world, technician):
    opened = pools.open_pool(actor=technician, laboratory_id=world.laboratory_id)["pool"]
    with pytest.raises(WrongState):
        bench.plan(world, pool_codes=[opened])
    with pytest.raises(InvalidInput):
        bench.plan(world, pool_codes=["P00"])
    [closed] = pool_up(world, 2)
    with pytest.raises(Refused):
        bench.plan(world, confirming=True, pool_codes=[closed])
    with pytest.raises(NotFound):
        runs.plan_run(actor=technician, laboratory_id=world.confirming_id)
    assert bench.status_of(closed)[0] == "closed"


def test_a_draft_a_retired_and_an_absent_assay_are_refused(world, technician):
    pool_up(world, 1)
    by_name = {assay.name: assay.id for assay in db.session.scalars(select(Assay)).all()}
    draft = by_name["N S ORF1ab MS2, two of three"]
    with pytest.raises(Refused, match="not agreed"):
        bench.plan(world, assay_id=draft)
    old = by_name["CDC N1 N2 RP"]
    newer = assays.draft_assay(actor=world.actor("supervisor"), definition=cdc_n1_n2_rp().to_definition())
    assays.agree_assay(actor=world.actor("supervisor_2"), assay_id=uuid.UUID(newer["assay_id"]))
    with pytest.raises(Refused, match="replaced"):
        bench.plan(world, assay_id=old)
    with pytest.raises(NotFound):
        bench.plan(world, assay_id=uuid.uuid4())


def test_an_assay_needs_two_people(world, technician):
    drafted = assays.draft_assay(actor=world.actor("supervisor"), definition=cdc_n1_n2_rp().to_definition())
    with pytest.raises(Refused, match="second person"):
        assays.agree_assay(actor=world.actor("supervisor"), assay_id=uuid.UUID(drafted["assay_id"]))
    assert (
        assays.install_seed_assays(actor=world.actor("supervisor"), second=world.actor("supervisor_2")) == []
    )


def test_pools_can_be_placed_by_hand_but_not_on_a_control(world, technician):
    [first] = pool_up(world, 2)
    with pytest.raises(InvalidInput, match="taken"):
        bench.plan(world, wells={"H12": first})
    planned = bench.plan(world, wells={"C5": first})
    assert [well["position"] for well in planned["wells"] if well["pool"]] == ["C05"]


def test_readings_are_kept_called_and_stamped_with_the_assay(world, technician):
    first, second = pool_up(world, 11)
    planned = bench.plan(world)
    runs.start_run(actor=technician, run_code=planned["run"])
    answer = bench.read(world, planned, {second: "detected"})
    assert (answer["valid"], answer["version"], answer["status"]) == (True, 1, "imported")
    assert {pool["pool"]: pool["finding"] for pool in answer["pools"]} == {
        first: "not_detected",
        second: "detected",
    }
    db.session.rollback()
    call = db.session.scalars(
        select(WellCall).where(WellCall.finding == "detected", WellCall.position < "C")
    ).one()
    run = queries.get_run(db.session, code=planned["run"])
    assert call.assay_id == run.assay_id
    assert "24.8" in call.reason % call.reason_parameters
    assert run_events(planned["run"]) == ["planned", "started", "readings_recorded"]


def test_a_comma_is_a_point_and_the_text_is_kept_beside_the_value(world, technician):
    [code] = pool_up(world, 2)
    planned = bench.plan(world)
    bench.read(world, planned, {code: "detected"})
    reading = db.session.scalars(
        select(Reading).where(Reading.position == "A01", Reading.target == "N")
    ).one()
    assert (reading.ct, reading.raw_ct) == (24.8, "24,8")


def test_a_second_entry_is_a_new_version_beside_the_first(world, technician):
    [code] = pool_up(world, 2)
    planned = bench.plan(world)
    bench.read(world, planned, {code: "detected"})
    answer = bench.read(world, planned)
    assert (answer["version"], answer["pools"][0]["finding"]) == (2, "not_detected")
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(ResultFile)) == 2
    assert db.session.scalar(select(func.count()).select_from(WellCall)) == 8


def test_every_mistake_is_named_with_line_and_column_and_nothing_is_used(world, technician):
    pool_up(world, 2)
    planned = bench.plan(world)
    rows = bench.readings_for(planned["wells"], {})
    rows += [
        {"well": "A01", "target": "N", "ct": ""},
        {"well": "B7", "target": "N", "ct": 20},
        {"well": "Z1", "target": "N", "ct": 20},
        {"well": "A01", "target": "MS2", "ct": 20},
        {"well": "A01", "target": "N", "ct": "abc"},
        {"well": "A01", "target": "N", "ct": 61},
    ]
    with pytest.raises(ReadingsRefused) as refused:
        readings.record_readings(actor=technician, run_code=planned["run"], readings=rows)
    first = len(rows) - 6
    assert [(problem["line"] - first, problem["column"]) for problem in refused.value.problems] == [
        (1, "well"), (2, "well"), (3, "well"), (4, "target"), (5, "ct"), (6, "ct"),
    ]  # fmt: skip
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Reading)) == 0
    assert queries.get_run(db.session, code=planned["run"]).status == "planned"
    assert run_events(planned["run"]) == ["planned"]


def test_a_well_without_a_reading_is_missing_and_not_negative(world, technician):
    pool_up(world, 2)
    planned = bench.plan(world)
    rows = [row for row in bench.readings_for(planned["wells"], {}) if row["well"] != "A01"]
    with pytest.raises(ReadingsRefused) as refused:
        readings.record_readings(actor=technician, run_code=planned["run"], readings=rows)
    assert refused.value.problems[0]["parameters"] == {"well": "A01", "targets": "ORF1ab, N, IC"}


def csv_of(rows) -> bytes:
    lines = ["Giếng;Đích;Ct"] + [f"{row['well']};{row['target']};{row['ct'] or ''}" for row in rows]
    return "\r\n".join(lines).encode("utf-8-sig")


def test_a_plain_csv_says_the_same_as_typing_and_is_kept_as_it_came(world, technician):
    [code] = pool_up(world, 2)
    planned = bench.plan(world)
    content = csv_of(bench.readings_for(planned["wells"], {code: "inconclusive"}))
    answer = readings.record_readings(
        actor=technician, run_code=planned["run"], file_name="mẻ 1.csv", content=content
    )
    assert answer["pools"] == [{"pool": code, "finding": "inconclusive"}]
    db.session.rollback()
    assert db.session.scalars(select(ResultFile.content)).one() == content


def test_a_csv_with_a_mistake_is_refused_as_a_whole_with_its_line(world, technician):
    pool_up(world, 2)
    planned = bench.plan(world)
    rows = bench.readings_for(planned["wells"], {})
    rows[1]["ct"] = "high"
    with pytest.raises(ReadingsRefused) as refused:
        readings.record_readings(actor=technician, run_code=planned["run"], content=csv_of(rows))
    assert [(problem["line"], problem["column"]) for problem in refused.value.problems] == [(3, "ct")]


def test_a_spoilt_control_makes_the_run_not_valid(world, technician):
    pool_up(world, 2)
    planned = bench.plan(world)
    answer = bench.read(world, planned, spoilt="NTC")
    assert not answer["valid"]
    assert "NTC" in answer["failure"][0]["message"] % answer["failure"][0]["parameters"]


def test_the_pools_of_a_failed_run_wait_for_another_plate(world, technician):
    made = pool_up(world, 12)
    planned = bench.plan(world)
    runs.start_run(actor=technician, run_code=planned["run"])
    with pytest.raises(InvalidInput):
        runs.fail_run(actor=technician, run_code=planned["run"], reason=" ")
    runs.fail_run(actor=technician, run_code=planned["run"], reason="power cut")
    assert [bench.status_of(code)[0] for code in made] == ["closed", "closed"]
    assert run_events(planned["run"]) == ["planned", "started", "failed"]
    again = bench.plan(world)
    assert [well["pool"] for well in again["wells"] if well["pool"]] == made
    with pytest.raises(WrongState):
        bench.read(world, planned)


def test_a_planned_run_is_voided_not_failed(world, technician):
    [code] = pool_up(world, 1)
    planned = bench.plan(world)
    with pytest.raises(WrongState):
        runs.fail_run(actor=technician, run_code=planned["run"], reason="x")
    runs.void_run(actor=technician, run_code=planned["run"], reason="wrong plate")
    assert bench.status_of(code)[0] == "closed"


def test_a_kit_with_a_well_for_each_target_takes_three_wells_a_pool(world, technician):
    [first] = pool_up(world, 4)
    kit = db.session.scalars(select(Assay).where(Assay.name == "CDC N1 N2 RP")).one()
    planned = bench.plan(world, assay_id=kit.id)
    assert [well["pool"] for well in planned["wells"]][:3] == [first] * 3
    cts = {first: (30, 31, 25), "NTC": (None,) * 3, "PC": (26, 26, 26), "HSC": (None, None, 25)}
    rows, seen = [], {}
    for well in planned["wells"]:
        item = well["pool"] or well["control"]
        place = seen[item] = seen.get(item, -1) + 1
        rows.append({"well": well["position"], "target": ("N1", "N2", "RP")[place], "ct": cts[item][place]})
    answer = readings.record_readings(actor=technician, run_code=planned["run"], readings=rows)
    assert answer["valid"], answer["failure"]
    assert answer["pools"] == [{"pool": first, "finding": "detected"}]


def test_a_plate_of_93_pools_costs_as_many_statements_as_one_of_one(world, technician):
    def cost(count):
        pool_up(world, count, symptoms=True)
        with count_statements() as planning:
            planned = bench.plan(world)
        with count_statements() as reading:
            bench.read(world, planned)
        return len(planning), len(reading)

    assert cost(1) == cost(93)
