"""What asks for a look before release: splashes, too many weak positives, jumps, curves without a rise."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.errors import InvalidInput
from lims.plates import well_names
from lims.pooling.instruments.run_file import Curve
from lims.pooling.plate_calls import PlateWell, call_plate
from lims.pooling.readings import Reading
from lims.pooling.seed_assays import cdc_n1_n2_rp, screening_two_targets
from lims.pooling.suspicions import Counts, find_flat_curves, find_jump, find_suspicions

KIT = screening_two_targets()


def readings_of(cts: dict[str, dict[str, float | None]]) -> list[Reading]:
    return [
        Reading(well, target, ct, "", 0)
        for well, by_target in cts.items()
        for target, ct in by_target.items()
    ]


def suspect(wells: dict[str, float | tuple[float | None, float | None] | None], *, kit=KIT, tubes=10, **more):
    """Look at a plate of pools given by their viral Ct, one for both targets or one for each."""
    cts = {}
    for well, ct in wells.items():
        first, second = ct if isinstance(ct, tuple) else (ct, ct)
        cts[well] = {"ORF1ab": first, "N": second, "IC": 27.0}
    plate = [PlateWell(well, f"P{well}", None, tubes) for well in wells]
    readings = readings_of(cts)
    calls = call_plate(kit, plate, readings).calls
    return find_suspicions(kit, plate, calls, readings, **{"size": 96, **more})


@pytest.mark.parametrize(
    ("late", "ct", "hot", "hot_ct", "suspected"),
    [
        ("B02", 31.0, "B03", 18.0, True),
        ("B02", 31.0, "C03", 18.0, True),  # diagonally
        ("B02", 31.0, "A01", 18.0, True),
        ("B02", 27.9, "B03", 18.0, False),  # 9.9 cycles
        ("B02", 28.0, "B03", 18.0, False),  # exactly 10
        ("B02", 32.0, "B03", 20.0, False),  # not hot
        ("B02", 32.0, "B03", 19.9, True),
        ("B02", 31.0, "B04", 18.0, False),  # two wells away, 13 cycles
        ("B02", 37.5, "B04", 15.0, True),  # 22.5 cycles
        ("B02", 37.5, "E05", 15.0, True),  # three wells away
        ("B02", 37.5, "B06", 15.0, False),  # four
        ("B02", 37.5, "E05", 15.5, False),  # exactly 22
        ("B12", 31.0, "C01", 18.0, False),  # the next number, the other end of the plate
    ],
)
def test_a_late_pool_near_a_very_early_one_may_be_a_splash(late, ct, hot, hot_ct, suspected):
    found = suspect({late: ct, hot: hot_ct})
    assert [(one.kind, one.pool) for one in found] == ([("carry_over", f"P{late}")] if suspected else [])
    assert all(late in str(one) and hot in str(one) for one in found)


def test_one_target_alone_is_an_inconclusive_splash_and_a_negative_is_none():
    assert [one.pool for one in suspect({"B02": (None, 36.0), "B03": 18.0})] == ["PB02"]
    assert suspect({"B02": None, "B03": 18.0}) == ()
    # after the grey band nothing was found, though there is a Ct
    assert suspect({"B02": 41.0, "B03": 18.0}) == ()


def test_a_pool_is_named_once_with_its_nearest_and_strongest_neighbour():
    (found,) = suspect({"C03": 36.5, "C04": 17.0, "D04": 16.0, "C06": 12.0})
    assert (found.parameters["other_well"], found.parameters["other_ct"]) == ("D04", "16.0")


def test_a_plate_of_384_has_other_neighbours():
    assert [one.pool for one in suspect({"P23": 31.0, "P24": 18.0}, size=384)] == ["PP23"]


def test_wells_of_one_pool_do_not_suspect_each_other():
    kit = cdc_n1_n2_rp()
    plate = [PlateWell(f"A0{place}", "P1", None) for place in (1, 2, 3)]
    readings = readings_of({"A01": {"N1": 18.0}, "A02": {"N2": 31.0}, "A03": {"RP": 25.0}})
    calls = call_plate(kit, plate, readings).calls
    assert calls["A01"].finding == "detected"
    assert find_suspicions(kit, plate, calls, readings, size=96) == ()
    other = [PlateWell(f"B0{place}", "P2", None) for place in (1, 2, 3)]
    both = [*readings, *readings_of({"B01": {"N1": 30.0}, "B02": {"N2": 29.0}, "B03": {"RP": 25.0}})]
    found = find_suspicions(kit, plate + other, call_plate(kit, plate + other, both).calls, both, size=96)
    assert [one.pool for one in found] == ["P2"]


def plate_of(count: int, weak: int, ct: float | tuple[float | None, float | None] = 36.0):
    return {well: (ct if place < weak else None) for place, well in enumerate(well_names(96)[:count])}


@pytest.mark.parametrize(
    ("pools", "weak", "suspected"),
    [
        (94, 7, False),  # so many or more: probability 0.0029
        (94, 8, True),  # 0.0006
        (20, 4, True),  # 0.0006
        (40, 5, False),  # 0.0012
        (40, 6, True),
        (10, 3, False),  # fewer than four
        (10, 4, True),
    ],
)
def test_too_many_weak_positives_on_one_plate(pools, weak, suspected):
    found = suspect(plate_of(pools, weak))
    assert [(one.kind, one.pool) for one in found] == ([("weak_positives", None)] if suspected else [])


def test_the_usual_share_of_weak_positives_is_the_laboratorys():
    wells = plate_of(94, 12)
    assert suspect(wells, expected_weak_share=0.02)
    assert suspect(wells, expected_weak_share=0.1) == ()
    with pytest.raises(InvalidInput) as refusal:
        suspect(wells, expected_weak_share=2)
    assert refusal.value.field == "expected_weak_share"


@pytest.mark.parametrize(
    ("ct", "weak"),
    [
        (35.0, True),
        (34.9, False),
        (39.0, True),  # grey
        ((None, 36.0), True),
        ((30.0, 36.0), False),  # one target is strong
        ((None, None), False),
        ((41.0, 41.0), False),  # nothing was found
    ],
)
def test_weak_is_three_cycles_below_the_cut_off_or_grey(ct, weak):
    assert bool(suspect(plate_of(20, 6, ct))) is weak


def test_pools_are_weak_by_the_cut_off_of_pools():
    kit = replace(
        KIT,
        targets=tuple(
            replace(target, pool_cutoff=36.0, grey_from=None, grey_to=None)
            if target.role == "viral"
            else target
            for target in KIT.targets
        ),
    )
    assert suspect(plate_of(20, 6, 34.0), kit=kit)
    assert suspect(plate_of(20, 6, 34.0), kit=kit, tubes=1) == ()


def exact_tail(earlier: Counts, now: Counts) -> float:
    positive, tested = earlier.positive + now.positive, earlier.tested + now.tested
    return sum(
        math.comb(positive, k) * math.comb(tested - positive, now.tested - k)
        for k in range(now.positive, min(positive, now.tested) + 1)
    ) / math.comb(tested, now.tested)


@pytest.mark.parametrize(
    ("earlier", "now", "jumped"),
    [
        (Counts(1000, 10), Counts(94, 9), True),
        (Counts(1000, 10), Counts(94, 2), False),
        (Counts(1000, 0), Counts(94, 4), False),  # fewer than five
        (Counts(1000, 0), Counts(94, 5), True),
        (Counts(1000, 100), Counts(900, 170), False),  # certain, but not doubled
        (Counts(20, 1), Counts(20, 5), False),  # doubled, but not certain
        (Counts(0, 0), Counts(94, 94), False),  # nothing to compare with
        (Counts(1000, 10), Counts(0, 0), False),
        (Counts(1000, 900), Counts(94, 94), False),
        (Counts(1_000_000, 1000), Counts(100_000, 5000), True),
    ],
)
def test_a_jump_is_certain_doubled_and_of_five(earlier, now, jumped):
    found = find_jump(earlier, now)
    assert (found is not None) is jumped
    if found:
        assert (found.kind, found.pool) == ("positivity_jump", None)
        assert str(now.positive) in str(found)


@st.composite
def counts(draw) -> Counts:
    tested = draw(st.integers(0, 200))
    return Counts(tested, draw(st.integers(0, tested)))


@given(counts(), counts())
def test_a_jump_is_told_exactly_where_fisher_and_the_two_limits_say_so(earlier, now):
    wanted = (
        earlier.tested > 0
        and now.positive >= 5
        and now.positive * earlier.tested >= 2 * earlier.positive * now.tested
        and exact_tail(earlier, now) < 0.001
    )
    assert (find_jump(earlier, now) is not None) is wanted


@pytest.mark.parametrize("wrong", [Counts(5, 6), Counts(-1, -1), Counts(5, -1)])
def test_impossible_counts_are_refused(wrong):
    for pair in ((wrong, Counts(10, 1)), (Counts(10, 1), wrong)):
        with pytest.raises(InvalidInput) as refusal:
            find_jump(*pair)
        assert refusal.value.field == "positive"


def curve(well: str, target: str, *, ct: float | None, cycles=range(1, 46), plateau=40.0) -> Curve:
    """Return a curve over small regular noise; it crosses 1 at its Ct and levels off."""
    noise = [0.02 * math.sin(7 * cycle) for cycle in cycles]
    rise = [0.0 if ct is None else 1 / (2.0 ** (ct - cycle) + 1 / plateau) for cycle in cycles]
    values = tuple(a + b for a, b in zip(noise, rise, strict=True))
    return Curve(well, target, tuple(float(cycle) for cycle in cycles), values, "dRn")


def look(ct: float | None, one: Curve, *, target: str = "N", control: str | None = None):
    plate = [PlateWell("A01", None if control else "P1", control)]
    return find_flat_curves(KIT, plate, [Reading("A01", target, ct, "", 0)], [one])


def test_a_ct_without_a_rise_is_suspicious():
    (found,) = look(33.0, curve("A01", "N", ct=None))
    assert (found.kind, found.pool) == ("flat_curve", "P1")
    assert str(found) == (
        "N in A01 has Ct 33.0, but its curve never leaves the baseline. "
        "Look at the curve before this Ct is believed."
    )


@pytest.mark.parametrize("ct", [8.2, 9.0, 11.5, 14.0, 25.0, 37.5])
def test_a_curve_that_rises_is_believed_at_any_ct(ct):
    assert look(ct, curve("A01", "N", ct=ct)) == ()
    assert look(ct, curve("A01", "N", ct=None)) != ()


def test_controls_and_the_internal_control_are_looked_at_too():
    assert [one.pool for one in look(26.0, curve("A01", "N", ct=None), control="PC")] == [None]
    assert len(look(27.0, curve("A01", "IC", ct=None), target="IC")) == 1


@pytest.mark.parametrize(
    ("ct", "one"),
    [
        (None, curve("A01", "N", ct=None)),  # no Ct, no rise: as it should be
        (43.0, curve("A01", "N", ct=None)),  # a Ct that counts for nothing
        (33.0, curve("A02", "N", ct=None)),  # the curve of another well
        (33.0, curve("A01", "ORF1ab", ct=None)),
        (33.0, curve("A01", "N", ct=None, cycles=range(9, 46))),  # no baseline
        (33.0, curve("A01", "N", ct=None, cycles=range(1, 11))),  # nothing after the baseline
    ],
)
def test_where_there_is_nothing_to_judge_nothing_is_said(ct, one):
    assert look(ct, one) == ()


def test_missing_cycles_are_passed_over():
    rising = curve("A01", "N", ct=30.0)
    gaps = replace(rising, values=tuple(math.nan if i % 5 == 0 else v for i, v in enumerate(rising.values)))
    assert look(30.0, gaps) == ()
    flat = curve("A01", "N", ct=None)
    gaps = replace(flat, values=tuple(math.nan if i % 5 == 0 else v for i, v in enumerate(flat.values)))
    assert len(look(30.0, gaps)) == 1


def test_a_baseline_without_any_noise_is_left_by_any_rise():
    level = Curve("A01", "N", tuple(map(float, range(1, 41))), (1.0,) * 40, "RFU")
    assert len(look(30.0, level)) == 1
    step = replace(level, values=(1.0,) * 30 + (1.5,) * 10)
    assert look(30.0, step) == ()
