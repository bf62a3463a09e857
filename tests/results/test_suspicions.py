"""What looks too odd to be released is held until a supervisor settles it with a reason."""

from __future__ import annotations

import pytest
from pooling import bench
from pooling.received import receive, samples_of
from reconciled import assert_reconciled
from results import desk
from sqlalchemy import select

from lims.errors import AlreadyDone, InvalidInput, NotFound
from lims.extensions import db
from lims.intake.models import Discrepancy
from lims.intake.settling import settler_of
from lims.pooling.actions.control_limits import approve_limits
from lims.pooling.actions.readings import record_readings
from lims.pooling.models import Run
from lims.results.actions.release import release_run
from lims.results.actions.review import review_run
from lims.results.actions.verification import verify_run


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def open_kinds() -> list[str]:
    db.session.rollback()
    return sorted(db.session.scalars(select(Discrepancy.kind).where(Discrepancy.status == "open")))


def read_with(world, planned, cts) -> None:
    """Record readings in which some wells show other Ct values than a negative's."""
    rows = bench.readings_for(planned["wells"], {})
    for row in rows:
        row["ct"] = cts.get((row["well"], row["target"]), row["ct"])
    record_readings(actor=world.actor("technician"), run_code=planned["run"], readings=rows)


def splashed(world) -> tuple[dict, str, str]:
    """Review a plate with a very strong pool beside a late positive one; return (plate, strong, late)."""
    made = desk.pool_up(world, receive(world, 30))
    planned = bench.plan(world, pool_codes=made)
    wells = {well["pool"]: well["position"] for well in planned["wells"] if well["pool"]}
    strong, late = made[0], made[1]
    read_with(
        world,
        planned,
        {
            (wells[strong], "ORF1ab"): 14.0,
            (wells[strong], "N"): 14.5,
            (wells[late], "ORF1ab"): 36.0,
            (wells[late], "N"): 36.5,
        },
    )
    answer = review_run(actor=world.actor("technician"), run_code=planned["run"])
    assert answer["suspicious"] == 1
    return planned, strong, late


def settle(world, kind: str, settlement: str, role: str = "supervisor") -> dict:
    db.session.rollback()
    found = db.session.scalars(
        select(Discrepancy).where(Discrepancy.kind == kind, Discrepancy.status == "open")
    ).one()
    return settler_of(kind)(
        actor=world.actor(role),
        discrepancy_id=found.id,
        settlement=settlement,
        note="the plate was looked at",
    )


def test_a_late_positive_beside_a_very_strong_one_is_carry_over_of_that_pool(lab):
    _, _, late = splashed(lab)
    assert open_kinds() == ["carry_over"]
    found = db.session.scalars(select(Discrepancy)).one()
    assert found.details["pool"] == late
    assert found.holds_results


def test_what_is_about_one_pool_holds_that_pool_and_not_the_plate(lab):
    planned, _, _ = splashed(lab)
    verified = verify_run(actor=lab.actor("supervisor"), run_code=planned["run"])
    assert (verified["verified"], verified["verdicts"]) == (10, [])
    assert_reconciled(db.session())


def plate_of_negatives(world, pc: float | None = None, *, instrument: str = "Cycler 1") -> dict:
    """Review a plate of one negative pool, its positive control at a Ct."""
    planned = bench.plan(
        world, pool_codes=desk.pool_up(world, receive(world, 2)), instrument=instrument, kit_lot="L1"
    )
    control = next(well["position"] for well in planned["wells"] if well["control"] == "PC")
    read_with(world, planned, {(control, "ORF1ab"): pc, (control, "N"): pc} if pc else {})
    review_run(actor=world.actor("technician"), run_code=planned["run"])
    return planned


def charted(world, *, blocking=("1-3s",)) -> None:
    """Read twenty runs whose positive control moves a little, and approve its limits."""
    for place in range(20):
        plate_of_negatives(world, 26.0 + (place % 5 - 2) * 0.1)
    approve_limits(
        actor=world.actor("supervisor"),
        laboratory_id=world.laboratory_id,
        assay_name="Screening ORF1ab + N",
        kit_lot="L1",
        instrument="Cycler 1",
        control="PC",
        target="N",
        blocking=blocking,
    )


def test_a_control_outside_its_limits_holds_the_whole_run(lab):
    charted(lab)
    good = plate_of_negatives(lab, 26.05)
    assert open_kinds() == []
    assert verify_run(actor=lab.actor("supervisor"), run_code=good["run"])["verified"] == 2
    bad = plate_of_negatives(lab, 29.0)
    assert open_kinds() == ["control_drift"]
    verified = verify_run(actor=lab.actor("supervisor"), run_code=bad["run"])
    assert verified["verified"] == 0
    assert {verdict["code"] for verdict in verified["verdicts"]} == {"discrepancy"}
    settle(lab, "control_drift", "accepted")
    assert verify_run(actor=lab.actor("supervisor"), run_code=bad["run"])["verified"] == 2
    assert release_run(actor=lab.actor("supervisor"), run_code=bad["run"])["released"] == 2
    assert_reconciled(db.session())


def test_rules_that_are_not_set_to_hold_only_warn(lab):
    charted(lab, blocking=())
    plate_of_negatives(lab, 29.0)
    assert open_kinds() == []


def test_another_instrument_has_its_own_chart(lab):
    charted(lab)
    plate_of_negatives(lab, 29.0, instrument="Cycler 2")
    assert open_kinds() == []


def test_asked_again_nobody_is_told_anything_from_the_run(lab):
    charted(lab)
    bad = plate_of_negatives(lab, 29.0)
    answer = settle(lab, "control_drift", "resample")
    assert answer["asked_again"] == 2
    run = db.session.scalars(select(Run).where(Run.code == bad["run"])).one()
    pool = next(well.pool for well in run.wells if well.pool)
    tubes = [member.tube.code for member in pool.members]
    assert {samples_of(tube)[0].status for tube in tubes} == {"superseded"}
    assert {desk.result_of(tube).status for tube in tubes} == {"withdrawn"}
    assert_reconciled(db.session())


def test_a_plate_with_far_more_positives_than_before_is_held(lab):
    for _ in range(3):
        made = desk.pool_up(lab, receive(lab, 40), size=2)
        desk.run_plate(lab, dict.fromkeys(made, "not_detected"))
    assert open_kinds() == []
    made = desk.pool_up(lab, receive(lab, 20), size=2)
    planned = bench.plan(lab, pool_codes=made)
    bench.read(lab, planned, dict.fromkeys(made[:8], "detected"))
    review_run(actor=lab.actor("technician"), run_code=planned["run"])
    assert "positivity_jump" in open_kinds()
    blocked = verify_run(actor=lab.actor("supervisor"), run_code=planned["run"])
    assert blocked["verified"] == 0


def test_a_suspicion_is_settled_once_with_a_reason_and_by_its_own_laboratory(lab):
    splashed(lab)
    found = db.session.scalars(select(Discrepancy)).one().id
    settle_it = settler_of("carry_over")
    with pytest.raises(InvalidInput):
        settle_it(actor=lab.actor("supervisor"), discrepancy_id=found, settlement="accepted", note=" ")
    with pytest.raises(NotFound):
        settle_it(
            actor=lab.actor("supervisor_confirming"), discrepancy_id=found, settlement="accepted", note="mine"
        )
    settle(lab, "carry_over", "dismissed")
    with pytest.raises(AlreadyDone):
        settle_it(
            actor=lab.actor("supervisor"), discrepancy_id=found, settlement="accepted", note="once more"
        )


def test_a_lot_that_was_settled_is_not_asked_about_again_for_a_day(lab):
    for _ in range(3):
        made = desk.pool_up(lab, receive(lab, 40), size=2)
        planned = bench.plan(lab, pool_codes=made, kit_lot="OLD")
        bench.read(lab, planned)
        review_run(actor=lab.actor("technician"), run_code=planned["run"])

    def plate_of_the_new_lot() -> list[str]:
        made = desk.pool_up(lab, receive(lab, 20), size=2)
        planned = bench.plan(lab, pool_codes=made, kit_lot="NEW")
        bench.read(lab, planned, dict.fromkeys(made[:8], "detected"))
        review_run(actor=lab.actor("technician"), run_code=planned["run"])
        db.session.rollback()
        found = db.session.scalars(
            select(Discrepancy).where(Discrepancy.kind == "positivity_jump", Discrepancy.status == "open")
        ).all()
        for one in found:
            settler_of(one.kind)(
                actor=lab.actor("supervisor"),
                discrepancy_id=one.id,
                settlement="accepted",
                note="an outbreak",
            )
        return ["lot" if "lot" in one.details["parameters"] else "plate" for one in found]

    assert sorted(plate_of_the_new_lot()) == ["lot", "plate"]
    assert "lot" not in plate_of_the_new_lot()
