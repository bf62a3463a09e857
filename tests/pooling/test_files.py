"""A cycler's file is kept, looked at, and then used, or refused with every reason at once."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta

import pytest
from pooling import bench, cycler
from pooling.received import receive
from results import desk
from sqlalchemy import func, select

from lims import clock
from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused, WrongState
from lims.extensions import db
from lims.plates import rotated, well_at, well_index
from lims.pooling.actions.files import decline_file
from lims.pooling.actions.kit_lots import add_kit_lot
from lims.pooling.actions.pools import propose_pools
from lims.pooling.curves import pack_curve, unpack_points
from lims.pooling.handing_in import accept, hand_in, read_kept
from lims.pooling.instruments.run_file import Curve
from lims.pooling.models import AmplificationCurve, FileImport, Reading, ResultFile, Run
from lims.pooling.queries.kit_lots import list_stock
from lims.results.actions.review import review_run


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


@pytest.fixture
def plate(lab):
    """A plate of five pools of ten."""
    desk.pool_up(lab, receive(lab, 50))
    return bench.plan(lab)


def send(world, planned, content: bytes, name: str = "run.txt") -> dict:
    """Hand a file in."""
    return hand_in(actor=world.actor("technician"), run_code=planned["run"], file_name=name, content=content)


def use(world, staged) -> dict:
    """Accept a staged file."""
    return accept(actor=world.actor("technician"), file_id=uuid.UUID(staged["file"]))


def reasons(answer) -> list[str]:
    """Return the words of what a file was refused for, each once."""
    return list(dict.fromkeys(problem["code"] for problem in answer["problems"]))


def count(model) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_file_is_staged_then_used_with_its_curves(lab, plate):
    first = next(well["pool"] for well in plate["wells"] if well["pool"])
    content = cycler.export(plate, {first: "detected"})
    staged = send(lab, plate, content, name="C:\\Users\\Somebody\\run 7.txt")
    assert (staged["status"], staged["format"], staged["matched_by"]) == ("staged", "quantstudio", "barcode")
    assert count(Reading) == 0
    answer = use(lab, staged)
    assert (answer["valid"], answer["version"], answer["status"]) == (True, 1, "imported")
    assert {one["finding"] for one in answer["pools"] if one["pool"] == first} == {"detected"}
    file = db.session.scalars(select(ResultFile)).one()
    assert (file.file_name, file.sha256) == ("run 7.txt", hashlib.sha256(content).digest())
    assert count(AmplificationCurve) == 8 * 3
    known = db.session.scalars(select(FileImport)).one()
    assert (known.status, known.version, known.quantity) == ("accepted", 1, "dRn")
    assert known.thresholds == {"ORF1ab": 0.2, "N": 0.2, "IC": 0.2}
    assert db.session.scalars(select(Run.instrument)).one() == "QuantStudio 5"


def test_a_file_that_nobody_can_read_is_kept_and_refused(lab, plate):
    answer = send(lab, plate, b"\x00\x01 nothing that a cycler writes")
    assert answer["status"] == "refused"
    assert count(ResultFile) == 1
    assert count(Reading) == 0
    with pytest.raises(InvalidInput):
        use(lab, answer)


def test_a_second_import_is_a_new_version_beside_the_first(lab, plate):
    use(lab, send(lab, plate, cycler.export(plate)))
    first = next(well["pool"] for well in plate["wells"] if well["pool"])
    answer = use(lab, send(lab, plate, cycler.export(plate, {first: "detected"})))
    assert answer["version"] == 2
    assert count(ResultFile) == 2
    assert db.session.scalars(select(Reading.version).distinct().order_by(Reading.version)).all() == [1, 2]


def test_the_same_bytes_are_a_duplicate_whatever_they_are_called(lab, plate):
    content = cycler.export(plate)
    use(lab, send(lab, plate, content))
    again = send(lab, plate, content, name="another name.txt")
    assert (again["status"], reasons(again)) == ("refused", ["duplicate_file"])


def test_bytes_that_another_laboratory_uses_are_refused_without_naming_its_run(lab):
    desk.pool_up(lab, receive(lab, 10))
    planned = bench.plan(lab)
    content = cycler.export(planned)
    use(lab, send(lab, planned, content))
    actor = lab.actor("technician_confirming")
    receive(lab, 2, laboratory_id=lab.confirming_id)
    propose_pools(actor=actor, laboratory_id=lab.confirming_id)
    theirs = bench.plan(lab, confirming=True)
    answer = hand_in(actor=actor, run_code=theirs["run"], file_name="x.txt", content=content)
    duplicate = answer["problems"][0]
    assert (duplicate["code"], duplicate["parameters"]) == ("duplicate_file", {})


def test_the_file_of_another_run_is_refused_as_such(lab, plate):
    desk.pool_up(lab, receive(lab, 50))
    other = bench.plan(lab)
    answer = send(lab, plate, cycler.export(other))
    assert (answer["status"], reasons(answer)) == ("refused", ["other_run"])
    assert count(Reading) == 0


def test_a_plate_put_in_the_wrong_way_round_is_recognised(lab, plate):
    turned = [{**well, "position": rotated(well["position"])} for well in plate["wells"]]
    rows = bench.readings_for(turned, {})
    answer = send(lab, plate, cycler.export(plate, wells=turned, rows=rows))
    assert (answer["status"], reasons(answer)) == ("refused", ["rotated_plate"])


def test_a_plate_shifted_by_a_column_is_recognised(lab):
    desk.pool_up(lab, receive(lab, 60))
    planned = bench.plan(lab)
    # the controls stand in the last column: of a plate moved to the left all wells are still on it
    wells = [
        {**well, "position": well_at(well_index(well["position"]) - 1)}
        for well in planned["wells"]
        if not well["position"].endswith("01")
    ]
    answer = send(lab, planned, cycler.export(planned, wells=wells, rows=bench.readings_for(wells, {})))
    assert answer["status"] == "refused"
    assert set(reasons(answer)) <= {"shifted_plate", "missing_well", "barcode_mismatch"}


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (lambda rows: rows[:-1], "missing_well"),
        (lambda rows: [{**rows[0], "ct": "77"}, *rows[1:]], "ct_out_of_range"),
    ],
    ids=["a reading is missing", "an impossible Ct"],
)
def test_nothing_of_a_file_with_a_mistake_is_used(lab, plate, break_it, code):
    rows = break_it(bench.readings_for(plate["wells"], {}))
    answer = send(lab, plate, cycler.export(plate, rows=rows))
    assert answer["status"] == "refused"
    assert code in reasons(answer)
    assert count(Reading) == 0


def test_a_declined_file_stays_kept_and_is_never_used(lab, plate):
    staged = send(lab, plate, cycler.export(plate))
    decline_file(actor=lab.actor("technician"), file_id=uuid.UUID(staged["file"]))
    with pytest.raises(WrongState):
        use(lab, staged)
    assert count(ResultFile) == 1


def test_a_file_is_accepted_once_and_never_after_the_review(lab, plate):
    staged, other = (
        send(lab, plate, cycler.export(plate)),
        send(lab, plate, cycler.export(plate, {}, spoilt="PC")),
    )
    use(lab, staged)
    with pytest.raises(AlreadyDone):
        use(lab, staged)
    review_run(actor=lab.actor("technician"), run_code=plate["run"])
    with pytest.raises(WrongState):
        use(lab, other)


def test_other_laboratories_files_are_as_if_they_were_not_there(lab, plate):
    staged = send(lab, plate, cycler.export(plate))
    with pytest.raises(NotFound):
        accept(actor=lab.actor("technician_confirming"), file_id=uuid.UUID(staged["file"]))
    with pytest.raises(NotFound):
        hand_in(actor=lab.actor("technician_confirming"), run_code=plate["run"], file_name="x", content=b"x")


def test_columns_are_named_once_and_the_next_file_of_the_instrument_is_read_by_them(lab):
    def table(planned) -> bytes:
        rows = ["Lo;Mau;Kenh do;Ket qua do"]
        rows += [
            f"{row['well']};{row['target']};x;{'' if row['ct'] is None else row['ct']}"
            for row in bench.readings_for(planned["wells"], {})
        ]
        return "\n".join(rows).encode()

    desk.pool_up(lab, receive(lab, 10))
    first = bench.plan(lab, instrument="Gentier 96E")
    unknown = send(lab, first, table(first))
    assert (unknown["status"], unknown["problems"][0]["code"]) == ("refused", "unknown_format")
    columns = {"sheet": "", "header_row": 1, "columns": {"well": 1, "target": 2, "ct": 4}}
    staged = read_kept(actor=lab.actor("technician"), file_id=uuid.UUID(unknown["file"]), column_map=columns)
    assert staged["status"] == "staged", staged["problems"]
    assert use(lab, staged)["valid"]
    desk.pool_up(lab, receive(lab, 10))
    second = bench.plan(lab, instrument="Gentier 96E")
    # another plate never has the same values throughout
    assert send(lab, second, table(second).replace(b"27.5", b"27.6"))["status"] == "staged"


def test_curves_keep_their_values_and_their_gaps():
    packed = pack_curve(Curve("A01", "N", (3.0, 4.0, 6.0), (0.5, 1.25, -2.0), "dRn"))
    assert packed["first_cycle"] == 3
    first, second, gap, last = unpack_points(packed["points"])
    assert (first, second, last) == (0.5, 1.25, -2.0)
    assert gap != gap  # NaN


def lots(world, **more) -> uuid.UUID:
    """Add a lot of the usual kit."""
    values = {"lot": "L-1", "expires_on": clock.today() + timedelta(days=30), "reactions": 200} | more
    made = add_kit_lot(
        actor=world.actor("technician"),
        laboratory_id=world.laboratory_id,
        assay_name="Screening ORF1ab + N",
        **values,
    )
    return uuid.UUID(made["lot_id"])


def test_a_lot_is_counted_down_by_wells_and_runs_out(lab):
    lots(lab, reactions=30)
    desk.pool_up(lab, receive(lab, 20), size=1)
    bench.plan(lab, kit_lot="l-1")
    (stock,) = list_stock(db.session(), laboratory_id=lab.laboratory_id)
    assert (stock.used, stock.left, stock.days_left) == (23, 7, 0)
    desk.pool_up(lab, receive(lab, 20), size=1)
    with pytest.raises(Refused, match="7"):
        bench.plan(lab, kit_lot="L-1")


def test_an_expired_lot_cannot_be_planned_nor_one_that_nobody_added(lab):
    lots(lab, expires_on=clock.today())
    desk.pool_up(lab, receive(lab, 1))
    with pytest.raises(Refused, match="among"):
        bench.plan(lab, kit_lot="L-2")
    with clock.at(clock.now() + timedelta(days=1)), pytest.raises(Refused, match="expired"):
        bench.plan(lab, kit_lot="L-1")
    assert bench.plan(lab, kit_lot="L-1")["status"] == "planned"


@pytest.mark.parametrize(
    "more",
    [
        {"lot": " "},
        {"expires_on": clock.today() - timedelta(days=400)},
        {"reactions": 0},
        {"reactions": 10**9},
    ],
    ids=["no number", "expired", "no reactions", "too many"],
)
def test_a_lot_that_cannot_be_is_refused_with_its_field(lab, more):
    with pytest.raises(InvalidInput) as refused:
        lots(lab, **more)
    assert refused.value.field == next(iter(more))


def test_the_same_lot_is_added_once(lab):
    lots(lab)
    with pytest.raises(AlreadyDone):
        lots(lab, lot="l-1")
