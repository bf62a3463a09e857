"""The QR sheet of a day's collectors: both symbols of each card are read back off the paper."""

from __future__ import annotations

from lims import codes
from lims.labels.enrolments import EnrolmentCard, EnrolmentWords, enrolment_sheet_pdf

WORDS = EnrolmentWords(
    "Mã nhận máy", "Quét mã này bằng máy ảnh của điện thoại rồi mở trang. Dùng một lần.", "Thẻ"
)


def make_card(number: int) -> EnrolmentCard:
    """Return a card as the province prints it, with a name and a site that are long."""
    return EnrolmentCard(
        address=f"https://xet-nghiem.example.org/field/vi#enrol={number:043d}",
        badge_code=f"C{number:06d}" + codes.check_characters(f"C{number:06d}"),
        name="Nguyễn Thị Người Thử Có Tên Rất Dài",
        lines=("Tổ 12", "Nhà văn hoá khu 3, Phường Hà Khánh, Thành phố Hạ Long", "16/08/2021"),
    )


def test_both_symbols_of_every_card_are_read_off_the_paper(rasterise, scan):
    cards = [make_card(number) for number in range(1, 11)]
    pages = rasterise(enrolment_sheet_pdf(cards, words=WORDS))
    assert len(pages) == 2, "eight to a page"
    read = {text for page in pages for _form, text in scan(page)}
    assert read == {card.address for card in cards} | {card.badge_code for card in cards}


def test_a_card_says_whose_it_is_and_what_to_do(words_in):
    text = " ".join(words_in(enrolment_sheet_pdf([make_card(1)], words=WORDS)).split())
    for part in (
        "Nguyễn Thị Người Thử",
        "Tổ 12",
        "16/08/2021",
        "Quét mã này",
        codes.grouped(make_card(1).badge_code),
    ):
        assert part in text
