"""Label sheets: every label can be scanned both ways, on every grid, and every bar is whole printer dots."""

import unicodedata
from itertools import groupby

import pytest

from lims import codes
from lims.errors import InvalidInput
from lims.labels import (
    A4_8,
    A4_21,
    A4_70,
    SHEETS,
    Label,
    box_sheet_pdf,
    pool_labels_pdf,
    tube_sheet_pdf,
)
from lims.labels.paper import BOLD, MONO, REGULAR, dots, fit, text_width, wrap

WORDS = ("Lô QN-0421 · Cẩm Phả", "Ống gộp 10 · ữ ẫ ợ ễ Ỷ")


def make_labels(kind, count, lines=WORDS):
    return [Label(code, lines) for code in codes.mint_many(kind, count)]


def crop(page, sheet, place):
    """The picture of one label of a page of 300 dpi."""
    row, column = divmod(place, sheet.columns)
    left = dots(sheet.left_mm + column * sheet.column_step_mm)
    top = dots(sheet.top_mm + row * sheet.row_step_mm)
    return page.crop((left, top, left + dots(sheet.width_mm), top + dots(sheet.height_mm)))


def both(code):
    return {("QR Code", code), ("Code 128", code)}


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
def test_both_symbols_of_every_label_of_a_sheet_say_its_code(sheet, rasterise, scan):
    labels = make_labels("tube", sheet.places)
    (page,) = rasterise(tube_sheet_pdf(labels, sheet=sheet))
    assert page.size == (2480, 3508)
    for place, label in enumerate(labels):
        assert scan(crop(page, sheet, place)) == both(label.code), place


def stretches(row):
    """Lengths of the dark and light stretches between the first and the last dark dot of a row."""
    inked = [value < 128 for value in row]
    if not any(inked):
        return set()
    inked = inked[inked.index(True) : len(inked) - inked[::-1].index(True)]
    return {len(list(dots_alike)) for _, dots_alike in groupby(inked)}


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
def test_every_module_is_a_whole_number_of_printer_dots(sheet, rasterise):
    (page,) = rasterise(tube_sheet_pdf(make_labels("tube", sheet.places, lines=()), sheet=sheet))
    square = 25 * sheet.qr_module
    for place in range(sheet.places):
        label = crop(page, sheet, place)
        pixels = label.tobytes()
        rows = [pixels[start : start + label.width] for start in range(0, len(pixels), label.width)]
        bars = rows[dots(sheet.height_mm - sheet.bar_height_mm / 2)]
        assert set(bars) == {0, 255}, place
        assert not {length % sheet.bar_module for length in stretches(bars)} - {0}, place
        for row in rows[:square]:
            assert not {length % sheet.qr_module for length in stretches(row[:square])} - {0}, place


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
def test_labels_lie_on_the_page_and_keep_the_quiet_zones(sheet):
    assert sheet.left_mm + (sheet.columns - 1) * sheet.column_step_mm + sheet.width_mm <= 210
    assert sheet.top_mm + (sheet.rows - 1) * sheet.row_step_mm + sheet.height_mm <= 297
    assert (134 + 2 * 10) * sheet.bar_module <= dots(sheet.width_mm)
    # Above the bars, the QR code with four modules around it.
    assert 29 * sheet.qr_module + dots(sheet.bar_height_mm) <= dots(sheet.height_mm)


def test_an_office_printer_of_600_dpi_prints_the_same(rasterise, scan):
    labels = make_labels("tube", 3)
    (page,) = rasterise(tube_sheet_pdf(labels), dpi=600)
    strip = page.crop((0, 0, page.width, dots(30) * 2))
    assert {text for _, text in scan(strip)} == {label.code for label in labels}


def test_a_sheet_that_was_begun_is_used_up(rasterise, scan):
    labels = make_labels("tube", 3)
    first, second = rasterise(tube_sheet_pdf(labels, first=69))
    assert [scan(crop(first, A4_70, place)) for place in (67, 68, 69)] == [
        set(),
        both(labels[0].code),
        both(labels[1].code),
    ]
    assert scan(crop(second, A4_70, 0)) == both(labels[2].code)


@pytest.mark.parametrize("first", [0, -1, 71])
def test_a_first_place_off_the_sheet_is_refused(first):
    with pytest.raises(InvalidInput) as caught:
        tube_sheet_pdf(make_labels("tube", 1), first=first)
    assert caught.value.field == "first"


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (70, 1), (71, 2), (140, 2)])
def test_a_lot_takes_as_many_pages_as_it_needs(count, pages, rasterise):
    assert len(rasterise(tube_sheet_pdf(make_labels("tube", count)), dpi=20)) == pages


def test_people_can_read_the_code_and_the_words(words_in, fonts_in):
    (label,) = make_labels("tube", 1)
    pdf = tube_sheet_pdf([label], title="Tem ống")
    words = words_in(pdf)
    assert codes.grouped(label.code) in words
    assert all(line in words for line in WORDS)
    assert fonts_in(pdf) == {REGULAR: True, MONO: True}


def test_marks_typed_apart_are_printed_composed(words_in):
    typed = unicodedata.normalize("NFD", "Cẩm Phả")
    words = words_in(tube_sheet_pdf(make_labels("tube", 1, lines=(typed,))))
    assert unicodedata.normalize("NFC", "Cẩm Phả") in words


def test_box_and_pool_labels_say_their_codes(rasterise, scan):
    (box,) = make_labels("box", 1)
    (pool,) = make_labels("pool", 1)
    assert scan(crop(rasterise(box_sheet_pdf([box]))[0], A4_8, 0)) == both(box.code)
    assert scan(crop(rasterise(box_sheet_pdf([box], sheet=A4_21))[0], A4_21, 0)) == both(box.code)
    assert scan(crop(rasterise(pool_labels_pdf([pool]))[0], A4_70, 0)) == both(pool.code)


def test_a_wrong_code_is_never_printed():
    with pytest.raises(InvalidInput):
        tube_sheet_pdf([Label("T3K9F2C7X")])


def test_the_same_labels_give_the_same_bytes():
    labels = make_labels("tube", 5)
    assert tube_sheet_pdf(labels) == tube_sheet_pdf(labels)


@pytest.mark.parametrize("lines", [("x" * 10_000,), ("từ " * 900, "b" * 80, "c"), ("",), (" ", "\x00\n\x07")])
def test_words_that_are_too_long_never_reach_the_symbols(lines, rasterise, scan):
    labels = make_labels("tube", 7, lines=lines)
    (page,) = rasterise(tube_sheet_pdf(labels))
    for place, label in enumerate(labels):
        assert scan(crop(page, A4_70, place)) == both(label.code)


def test_a_text_is_broken_between_words_and_fits_its_column():
    text = "Công Tằng Tôn Nữ Thị Phương Hồng Ngọc Diễm Quỳnh " + "X" * 60
    lines = wrap(text, font=BOLD, size=30, width=400)
    assert all(text_width(line, BOLD, 30) <= 400 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_text_takes_the_largest_size_that_fits():
    assert fit("ngắn", font=BOLD, sizes=(40, 30, 20), width=500, height=60) == (40, ("ngắn",))
    size, lines = fit("dài " * 100, font=BOLD, sizes=(40, 30, 20), width=500, height=60)
    assert size == 20
    assert len(lines) == 2
    assert lines[-1].endswith("…")
