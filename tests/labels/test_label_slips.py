"""Declaration slips: the collector's part has the work code, only the person's part has the secret."""

import pytest

from lims import codes
from lims.errors import InvalidInput
from lims.labels import Slip, SlipWords, declaration_slip_pdf, declaration_slips_pdf
from lims.labels.paper import HEIGHT, MONO, REGULAR
from lims.labels.slips import CUT, SLIPS_PER_PAGE

ADDRESS = "https://xetnghiem.example.org"
WORDS = SlipWords(
    title="Phiếu khai báo",
    collector_heading="Phần của người lấy mẫu",
    person_heading="Phần của bạn: giữ kín",
    born="Sinh năm",
    result_code="Mã tra cứu kết quả",
    advice="Quét mã để xem kết quả, hoặc vào trang dưới đây và nhập mã cùng ngày sinh. Không đưa mã cho ai.",
)


def make_slip(name="Nguyễn Thị Ữ Ễ", **more):
    return Slip(
        codes.mint("declaration"), codes.mint_result_code(), name, 1987, ("Tổ 5, phường Cẩm Bình",), **more
    )


def parts(page, place):
    """The collector's and the person's part of one slip."""
    height = HEIGHT // SLIPS_PER_PAGE
    top = place * height
    return page.crop((0, top, CUT, top + height)), page.crop((CUT, top, page.width, top + height))


@pytest.mark.parametrize("name", ["Lê A", "Công Tằng Tôn Nữ Thị Phương Hồng Ngọc Diễm Quỳnh", "X" * 10_000])
def test_each_part_says_its_own_code_and_no_other(name, rasterise, scan):
    slips = [make_slip(name) for _ in range(5)]
    pages = rasterise(declaration_slips_pdf(slips, words=WORDS, base_url=ADDRESS))
    assert len(pages) == 2
    for number, slip in enumerate(slips):
        collector, person = parts(pages[number // 4], number % 4)
        assert scan(collector) == {("QR Code", slip.declaration_code), ("Code 128", slip.declaration_code)}
        assert scan(person) == {("QR Code", f"{ADDRESS}/results#{slip.result_code}")}


def test_the_secret_is_written_on_the_persons_part_alone(words_in):
    slip = make_slip()
    pdf = declaration_slip_pdf(slip, words=WORDS, base_url=ADDRESS)
    cut = CUT * 0.24
    collector, person = words_in(pdf, (0, 0, cut, 842)), words_in(pdf, (cut, 0, 596 - cut, 842))
    shown, secret = codes.grouped(slip.declaration_code), codes.grouped(slip.result_code)
    assert shown in collector
    assert shown not in person
    assert secret in person
    assert not set(secret.split()) & set(collector.split())
    for words in (collector, person):
        assert slip.name in words
        assert "Sinh năm 1987" in words
    assert "Tổ 5, phường Cẩm Bình" in collector
    assert f"{ADDRESS}/results" in person


def test_every_font_travels_in_the_document(fonts_in):
    fonts = fonts_in(declaration_slip_pdf(make_slip(), words=WORDS, base_url=ADDRESS))
    assert all(fonts.values())
    assert {REGULAR, MONO} <= set(fonts)


def test_a_long_name_is_printed_whole(words_in):
    name = "Công Tằng Tôn Nữ Thị Phương Hồng Ngọc Diễm Quỳnh Maximiliane"
    words = words_in(declaration_slip_pdf(make_slip(name), words=WORDS, base_url=ADDRESS))
    assert words.replace("\n", " ").count(name) == 2


def test_swapped_codes_are_never_printed():
    slip = make_slip()
    swapped = Slip(slip.result_code, slip.declaration_code, slip.name, slip.birth_year)
    with pytest.raises(InvalidInput):
        declaration_slip_pdf(swapped, words=WORDS, base_url=ADDRESS)
    tube = Slip(codes.mint("tube"), slip.result_code, slip.name, slip.birth_year)
    with pytest.raises(InvalidInput, match="code of a tube"):
        declaration_slip_pdf(tube, words=WORDS, base_url=ADDRESS)
