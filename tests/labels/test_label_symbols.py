"""The symbols themselves: what is encoded is what a scanner reads."""

import io
import xml.etree.ElementTree as ET
from contextlib import suppress

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lims import codes
from lims.errors import InvalidInput
from lims.labels import symbols

work_codes = st.sampled_from(sorted(codes.PREFIXES)).map(codes.mint)
SVG = "{http://www.w3.org/2000/svg}"


def draw(rows, row_height=1):
    """A picture of module rows with a quiet zone of ten modules."""
    picture = Image.new("L", (len(rows[0]) + 20, len(rows) * row_height + 20), 255)
    for top, row in enumerate(rows):
        for start, length in symbols.runs(row):
            left, upper = start + 10, top * row_height + 10
            picture.paste(0, (left, upper, left + length, upper + row_height))
    return picture.resize((picture.width * 3, picture.height * 3), Image.Resampling.NEAREST)


# the symbols that the phones' app looks for; among all, X8FHH8NCH would be read as an EAN-13 in some of its pictures
OURS = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.Code128, zxingcpp.BarcodeFormat.QRCode])


def read(picture):
    return [found.text for found in zxingcpp.read_barcodes(picture, formats=OURS)]


def read_svg(svg):
    """Draw the path of an SVG of ours (M, h, v, h, z only) and read it."""
    root = ET.fromstring(svg)
    _, _, width, height = (int(length) for length in root.get("viewBox").split())
    picture = Image.new("L", (width, height), 255)
    for stretch in root.findall(f"{SVG}path")[1].get("d").removeprefix("M").split("M"):
        place, right, rest = stretch.replace("v", "h").split("h")[:3]
        left, top = (int(number) for number in place.split())
        picture.paste(0, (left, top, left + int(right), top + int(rest)))
    return read(picture.resize((width * 4, height * 4), Image.Resampling.NEAREST))


@settings(max_examples=60, deadline=None)
@given(work_codes)
def test_bars_say_the_code_and_fit_a_label_of_40_mm(code):
    modules = symbols.code128_modules(code)
    assert len(modules) <= 134
    assert read(draw([modules], row_height=25)) == [code]


@settings(max_examples=60, deadline=None)
@given(st.text("0123456789ABC", min_size=4, max_size=14).filter(lambda text: not text.startswith("99")))
def test_bars_of_any_mixture_of_letters_and_digits_say_the_text(text):
    assert read(draw([symbols.code128_modules(text)], row_height=25)) == [text]


@pytest.mark.parametrize("text", ["9912345678", "99MK6J8D92", "9999", "9999999999", "99A"])
def test_python_barcode_drops_a_leading_99_and_our_encoder_does_not(text):
    assert read(draw(symbols.SoundCode128(text).build(), row_height=25)) == [text]


@pytest.mark.parametrize("text", ["9912345678", "99", "", "T3K\n9F2", "ống", "x" * 49, "\x00"])
def test_a_bar_code_that_may_be_read_wrongly_is_refused(text):
    with pytest.raises(InvalidInput):
        symbols.code128_modules(text)


@settings(max_examples=60, deadline=None)
@given(work_codes)
def test_the_fast_table_gives_the_matrix_that_qrcode_gives(code):
    fast = symbols.code_matrix(code)
    assert fast == symbols.qr_matrix(code, version=1, level="H")
    assert read(draw(fast)) == [code]


def test_the_fast_table_is_right_for_every_character_at_every_place():
    for place in range(codes.LENGTH):
        for character in codes.ALPHABET:
            text = "T3K9F2C7H"[:place] + character + "T3K9F2C7H"[place + 1 :]
            assert symbols.code_matrix(text) == symbols.qr_matrix(text, version=1, level="H")


@pytest.mark.parametrize("level", "LMQH")
@pytest.mark.parametrize("text", ["T3K9F2C7H", "https://example.org/results#X427PMKM45F4MR", "Ống gộp ễ"])
def test_a_qr_code_says_its_text_at_every_level(text, level):
    assert read(draw(symbols.qr_matrix(text, level=level))) == [text]


@pytest.mark.parametrize(("text", "version"), [("", None), ("", 1), ("x" * 5_000, None), ("X" * 99, 1)])
def test_what_does_not_fit_a_qr_code_is_refused(text, version):
    with pytest.raises(InvalidInput):
        symbols.qr_matrix(text, version=version)


@pytest.mark.parametrize("level", symbols.LEVELS)
def test_the_version_of_a_plain_text_is_the_one_that_qrcode_finds(level):
    for length in [1, 25, 26, 150, 366, 367, 370, 630, 700, 1222, 1223, 1852]:
        searched = symbols.qrcode.QRCode(error_correction=symbols.LEVELS[level], border=0)
        searched.add_data(symbols.QRData(b"A" * length, mode=symbols.MODE_ALPHA_NUM), optimize=0)
        with suppress(symbols.DataOverflowError):
            searched.best_fit()
        expected = None if searched.version == 41 else searched.version
        assert symbols._smallest_version(length, level) == expected


def test_a_picture_of_a_qr_code_says_its_text():
    png = symbols.qr_png("K3K9F2C7H", module_px=6)
    picture = Image.open(io.BytesIO(png))
    assert picture.size == (29 * 6, 29 * 6)
    assert read(picture.convert("L")) == ["K3K9F2C7H"]


def test_the_svg_of_a_page_says_its_text():
    assert read_svg(symbols.qr_svg("K3K9F2C7H", label="QR")) == ["K3K9F2C7H"]
    assert read_svg(symbols.code128_svg("T3K9F2C7H", label="Bars")) == ["T3K9F2C7H"]


def test_the_label_of_an_svg_cannot_break_out_of_it():
    svg = symbols.qr_svg("K3K9F2C7H", label='"><script>alert(1)</script>')
    root = ET.fromstring(svg)
    assert root.get("aria-label") == '"><script>alert(1)</script>'
    assert {child.tag for child in root} == {f"{SVG}path"}
