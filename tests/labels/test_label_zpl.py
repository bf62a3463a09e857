"""Thermal labels: only codes travel as text; every other word is a picture."""

import re

import pytest
from PIL import Image

from lims import codes
from lims.errors import InvalidInput
from lims.labels import Label, zpl
from lims.labels.zpl import text_graphic


def picture_of(command):
    """Draw a ^GFA command as the printer would."""
    total, count, row_bytes, pixels = re.fullmatch(r"\^GFA,(\d+),(\d+),(\d+),([0-9A-F]+)", command).groups()
    assert total == count
    assert len(pixels) == 2 * int(total)
    width = int(row_bytes) * 8
    return Image.frombytes("1", (width, int(total) // int(row_bytes)), bytes.fromhex(pixels))


@pytest.mark.parametrize("dots_per_mm", [8, 12])
def test_each_label_is_one_format_with_its_code_in_both_symbols(dots_per_mm):
    minted = codes.mint_many("tube", 3)
    formats = zpl([Label(code) for code in minted], dots_per_mm=dots_per_mm).decode().splitlines()
    assert len(formats) == 3
    for code, text in zip(minted, formats, strict=True):
        assert text.startswith("^XA")
        assert text.endswith("^XZ")
        assert re.findall(r"\^FD([^^]*)\^FS", text) == [f"HA,{code}", codes.grouped(code), code]
        assert f"^PW{40 * dots_per_mm}^LL{20 * dots_per_mm}" in text


@pytest.mark.parametrize(("dots_per_mm", "bar", "module"), [(8, 2, 4), (12, 3, 6)])
def test_bars_and_modules_are_whole_dots_and_lie_on_the_label(dots_per_mm, bar, module):
    text = zpl([Label(codes.mint("tube"))], dots_per_mm=dots_per_mm).decode()
    assert f"^BY{bar},2," in text
    assert f"^BQN,2,{module},H," in text
    left = int(re.search(r"\^FO(\d+),\d+\^BCN", text)[1])
    assert left >= 10 * bar
    assert left + 134 * bar + 10 * bar <= 40 * dots_per_mm


@pytest.mark.parametrize("words", ["Cẩm Phả ễ ị ế", "^XZ^XA^FDevil^FS~JA", "\n\x00^"])
def test_what_people_type_reaches_the_printer_only_as_a_picture(words):
    written = zpl([Label(codes.mint("tube"), (words,))])
    assert written.isascii()
    assert written.count(b"^XA") == written.count(b"^XZ") == 1
    assert written.count(b"^FD") == 3
    assert b"~" not in written


def test_the_picture_shows_the_marks_of_the_letters():
    def ink(text):
        return picture_of(text_graphic(text, width=184, height=68, size=19)).getbbox()

    assert ink("  ") is None
    assert ink("Ệ")[1] < ink("E")[1]
    assert ink("Ệ")[3] > ink("E")[3]


def test_long_words_get_smaller_until_they_fit():
    def ink(text):
        left, upper, right, lower = picture_of(text_graphic(text, width=184, height=68, size=19)).getbbox()
        return right - left, lower - upper

    width, height = ink("Phường Cẩm Bình, Cẩm Phả")
    assert width <= 184
    assert height < ink("Phường Cẩm")[1]
    assert ink("x" * 10_000)[0] <= 184


def test_a_wrong_code_or_resolution_is_refused():
    with pytest.raises(InvalidInput):
        zpl([Label("^XA^FD")])
    with pytest.raises(InvalidInput) as caught:
        zpl([Label(codes.mint("tube"))], dots_per_mm=10)
    assert caught.value.field == "dots_per_mm"
