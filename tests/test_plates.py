"""Wells have one name each, and a layout puts everything on the plate exactly once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.errors import InvalidInput, Refused
from lims.plates import (
    columns,
    layout,
    neighbours,
    parse_well,
    rotated,
    rows,
    well_at,
    well_index,
    well_names,
)

SIZES = st.sampled_from([96, 384])


@pytest.mark.parametrize("size", [96, 384])
@pytest.mark.parametrize("order", ["column", "row"])
def test_every_well_has_its_own_name(size, order):
    assert len(set(well_names(size, order))) == size


def test_plates_are_filled_by_column_or_by_row():
    assert well_names(96)[:9] == ("A01", "B01", "C01", "D01", "E01", "F01", "G01", "H01", "A02")
    assert well_names(96, "row")[11:13] == ("A12", "B01")
    assert well_names(384)[-1] == well_names(384, "row")[-1] == "P24"
    assert (rows(96), list(columns(96))) == ("ABCDEFGH", list(range(1, 13)))


@pytest.mark.parametrize(
    ("text", "well"), [("A1", "A01"), ("a01", "A01"), (" H12 ", "H12"), ("h9", "H09"), ("b10", "B10")]
)
def test_a_well_is_read_in_any_spelling(text, well):
    assert parse_well(text) == well


@pytest.mark.parametrize(
    "text", ["", "A0", "A13", "I1", "A001", "1A", "95", "A1B", "A-1", "A1\x00", "Á1", "A²"]
)
def test_what_is_no_well_of_the_plate_is_refused(text):
    with pytest.raises(InvalidInput) as refusal:
        parse_well(text, field="well")
    assert refusal.value.field == "well"


def test_a_larger_plate_has_more_wells():
    assert parse_well("p24", size=384) == "P24"
    with pytest.raises(InvalidInput):
        parse_well("Q1", size=384)


@pytest.mark.parametrize(
    ("size", "index", "well"), [(96, 1, "A01"), (96, 13, "B01"), (384, 25, "B01"), (96, 96, "H12")]
)
def test_wells_are_numbered_row_by_row_from_one(size, index, well):
    assert well_at(index, size=size) == well


@pytest.mark.parametrize("index", [0, 97, -1])
def test_a_number_beyond_the_plate_is_refused(index):
    with pytest.raises(InvalidInput):
        well_at(index)


@given(SIZES, st.data())
def test_number_and_name_lead_to_each_other(size, data):
    index = data.draw(st.integers(1, size))
    assert well_index(well_at(index, size=size), size=size) == index
    assert rotated(rotated(well_at(index, size=size), size=size), size=size) == well_at(index, size=size)


def test_the_neighbours_are_the_wells_a_drop_can_reach():
    assert neighbours("A1") == ("A02", "B01", "B02")
    assert len(neighbours("D06")) == 8
    assert len(neighbours("D06", distance=3)) == 48
    assert neighbours("H12") == ("G11", "G12", "H11")


def test_controls_take_the_last_wells_by_default():
    plate = layout(96, ["P1", "P2"], ["NTC", "PC"])
    assert plate == {"A01": "P1", "B01": "P2", "G12": "NTC", "H12": "PC"}
    assert list(plate) == ["A01", "B01", "G12", "H12"]


def test_controls_can_stand_in_any_well():
    plate = layout(96, ["P1", "P2"], {"a1": "NTC", "C5": "PC"}, "row")
    assert plate == {"A01": "NTC", "A02": "P1", "A03": "P2", "C05": "PC"}


def test_a_kit_with_one_target_a_well_takes_several_wells_for_each():
    assert list(layout(96, ["P1", "P2"], [], "row", wells_per_item=3).values()) == ["P1"] * 3 + ["P2"] * 3


def test_an_overfull_plate_is_refused_and_says_by_how_much():
    assert len(layout(96, [f"P{number}" for number in range(94)], ["NTC", "PC"])) == 96
    with pytest.raises(Refused) as refusal:
        layout(96, [f"P{number}" for number in range(95)], ["NTC", "PC"])
    assert refusal.value.parameters == {"free": 94, "needed": 95}


@pytest.mark.parametrize(
    ("items", "controls", "size", "order"),
    [
        (["P1", "P1"], [], 96, "column"),
        (["P1"], {"A1": "NTC", "A01": "PC"}, 96, "column"),
        (["P1"], {"I1": "NTC"}, 96, "column"),
        (["P1"], [], 48, "column"),
        (["P1"], [], 96, "diagonal"),
    ],
)
def test_double_and_unknown_places_are_refused(items, controls, size, order):
    with pytest.raises(InvalidInput):
        layout(size, items, controls, order)


def test_controls_that_would_hide_a_turned_plate_are_refused():
    with pytest.raises(Refused, match="wrong way round"):
        layout(96, ["P1"], {"A1": "NTC", "H12": "NTC"})
    assert layout(96, ["P1"], {"A1": "NTC", "H12": "PC"})


@given(SIZES, st.sampled_from(["column", "row"]), st.data())
def test_every_item_and_control_is_on_the_plate_once_and_a_turn_is_noticed(size, order, data):
    controls = data.draw(st.lists(st.sampled_from(["NTC", "PC", "NEC"]), min_size=1, max_size=8))
    items = [f"P{number}" for number in range(data.draw(st.integers(0, size - len(controls))))]
    try:
        plate = layout(size, items, controls, order)
    except Refused:
        # Only a plate nearly all of whose places are controls can look the same turned round.
        assert len(controls) > size // 2
        return
    assert sorted(plate.values()) == sorted([*items, *controls])
    assert [plate[well] for well in well_names(size, order) if plate.get(well) in items] == items
    turned = {rotated(well, size=size): what for well, what in plate.items()}
    assert any(turned.get(well) != what for well, what in plate.items() if what in controls)
