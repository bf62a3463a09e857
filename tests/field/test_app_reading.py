"""static/js/field reads cards, birth dates and names as lims.intake does, and tells all that is scanned apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from field import phone_site
from playwright.sync_api import Page

from lims import codes
from lims.errors import InvalidInput
from lims.intake.identity import IdentityCard, normalise_phone, parse_birth_date, parse_person_qr
from lims.names import clean_name, fold

TODAY = "2021-08-16"
TRY = """async ([module, name, calls]) => {
  const { CodeError } = await import("/static/js/codes.js");
  const made = (await import(`/static/js/field/${module}.js`))[name];
  return calls.map((call) => {
    try {
      return made(...call);
    } catch (problem) {
      if (!(problem instanceof CodeError)) throw problem;
      return { refused: problem.sentence() };
    }
  });
}"""

CARDS = [
    "022085001234|101234567|Nguyễn Văn An|17051985|Nam|Thôn 7, Hạ Long, Quảng Ninh|01072021",
    "024190000001||Trần Thị Hoà|00001990|Nữ|Xã Việt Tiến|15082021",
    "024190000001||Trần Thị Hòa|00051990|nữ|Xã Việt Tiến|",
    " 022085001234 | 022085009999 |  Lê   Văn  Bảy | 29021984 |NAM| Hạ Long | 01072021 |Cha: X|Mẹ: Y",
    "022085001234|101234567|Nguyễn Văn An|31021985|Nam|Hạ Long|01072021",
    "022085001234|101234567|Nguyễn Văn An|1705198|Nam|Hạ Long|01072021",
    "022085001234|101234567|Nguyễn Văn An|17131985|Nam|Hạ Long|01072021",
    "022085001234|101234567|Nguyễn Văn An|17000000|Nam|Hạ Long|01072021",
    "02208500123|101234567|Nguyễn Văn An|17051985|Nam|Hạ Long|01072021",
    "022085001234|10123456|Nguyễn Văn An|17051985|Nam|Hạ Long|01072021",
    "022085001234|101234567||17051985|Nam|Hạ Long|01072021",
    "022085001234|101234567|12345|17051985|Nam|Hạ Long|01072021",
    "022085001234|101234567|Nguyễn Văn An|17051985|Khác|Hạ Long|01072021",
    "022085001234|101234567|Nguyễn Văn An|17051985|Nam|Hạ Long",
    "022085001234|NGUYEN VAN AN|1985-05-17|0|Q123|<1<HS4<0912345678<x",
    "******001234|NGUYEN VAN AN|1985-**-**|1|Q123|",
    "******001234|NGUYEN VAN AN|****-**-**|0|Q123",
    "022085001234|NGUYEN VAN AN|1985-02-31|0|Q123",
    "022085001234|NGUYEN VAN AN|1985-05-17|0|Q123|<x",
    "0220*5|NGUYEN VAN AN|1985-05-17|0|Q123|<2",
    "02208500#1234|NGUYEN VAN AN|1985-05-17|0|Q123",
    "022085001234|NGUYEN VAN AN|1985-05-17|2|Q123",
    "a|b|c",
    "|" * 10,
    "022085001234|101234567|Nguyễn\u200b Văn\u0007 An|17051985|Nam|Hạ Long|01072021",
    "022085001234|101234567|Nguyễn V\ufffdn An|17051985|Nam|Hạ Long|01072021",
    "022085001234|101234567|" + "An " * 60 + "|17051985|Nam|Hạ Long|01072021",
    "x|" * 1200,
]
BIRTHS = [
    "17/05/1985",
    "17-5-1985",
    "17.05.1985",
    "1985-05-17",
    "05/1985",
    "1985-05",
    "1985",
    "17051985",
    "12/25/1990",
    "31/02/1985",
    "29/02/2021",
    "29/02/2020",
    "1/1/1899",
    "16/08/2021",
    "17/08/2021",
    "2022",
    "85",
    "17/05/85",
    "a",
    "0000",
    "00/1985",
    "1985/13",
    "08/2021",
    "09/2021",
    "29/02/1900",
    "",
    " 17 / 05 / 1985 ",
    "17 05 1985",
    "١٧/٠٥/١٩٨٥",
]
PHONES = [
    "",
    "0912 345 678",
    "912345678",
    "+84912345678",
    "84 0912345678",
    "0084912345678",
    "01682345678",
    "01302345678",
    "0203 3825 678",
    "+4915112345678",
    "+841",
    "12345",
    "abc",
    "0612345678",
    "(091) 234-5678",
    "09123456789",
    "+84 (0) 912.345.678",
]
NAMES = [
    "Hòa",
    "Hoà",
    "ĐẶNG  THỊ ĐÀO",
    "Nguyễn Văn Ưởng",
    "Y' Moan Êñuôl",
    "  a\u00a0b ",
    "Ðặng",
    "İstanbul",
    "123",
    "",
]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with phone_site.open_modules() as opened:
        yield opened


def _try(page: Page, module: str, name: str, calls: list[list[Any]]) -> list[Any]:
    return page.evaluate(TRY, [module, name, calls])


def _card_in_python(text: str) -> dict[str, Any]:
    try:
        card = parse_person_qr(text)
    except InvalidInput as refusal:
        return {"refused": str(refusal)}
    number = card.number if isinstance(card, IdentityCard) else card.qid or card.number
    birth = card.birth.iso if card.birth else ""
    year = card.birth.year if card.birth else None
    return {"number": number, "name": card.name, "year": year, "birth": birth, "sex": card.sex}


def test_a_card_is_read_on_the_phone_as_on_the_server(page: Page) -> None:
    for text, found in zip(
        CARDS, _try(page, "cards", "readPersonQr", [[text] for text in CARDS]), strict=True
    ):
        assert found == _card_in_python(text), text


def test_a_birth_date_is_read_on_the_phone_as_on_the_server(page: Page) -> None:
    found = _try(page, "births", "readBirthDate", [[text, TODAY] for text in BIRTHS])
    for text, read in zip(BIRTHS, found, strict=True):
        try:
            expected = parse_birth_date(text, field="birth_date", today=date.fromisoformat(TODAY)).iso
        except InvalidInput as refusal:
            expected = str(refusal)
        assert read.get("iso", read.get("refused")) == expected, text
        if "written" in read:
            again = parse_birth_date(read["written"], field="birth_date", today=date.fromisoformat(TODAY))
            assert again.iso == expected, "what the slip carries must mean the same on the server"


def test_a_telephone_number_is_taken_on_the_phone_as_on_the_server(page: Page) -> None:
    for text, found in zip(
        PHONES, _try(page, "telephones", "isTelephone", [[one] for one in PHONES]), strict=True
    ):
        try:
            normalise_phone(text, field="phone")
        except InvalidInput:
            assert not found, text
        else:
            assert found, text


def test_names_fold_and_clean_on_the_phone_as_on_the_server(page: Page) -> None:
    assert _try(page, "names", "fold", [[name] for name in NAMES]) == [fold(name) for name in NAMES]
    for name, found in zip(NAMES, _try(page, "names", "cleanName", [[name] for name in NAMES]), strict=True):
        try:
            expected: Any = clean_name(name, field="name")
        except InvalidInput as refusal:
            expected = {"refused": str(refusal)}
        assert found == expected, name


def test_what_was_read_is_told_by_its_text(page: Page) -> None:
    tube = codes.mint_many("tube", 1)[0]
    texts = [codes.grouped(tube).lower(), " cmd-undo ", "CMD-DONE", CARDS[0]]
    enrolment = "https://xn.example.vn/field/vi#enrol=" + "A" * 43
    found = _try(page, "reading", "read", [[text] for text in [*texts, enrolment]])
    assert found[0] == {"is": "code", "kind": "tube", "code": tube}
    assert [one.get("command") for one in found[1:3]] == ["undo", "done"]
    assert (found[3]["is"], found[3]["card"]["name"], found[3]["text"]) == ("card", "Nguyễn Văn An", CARDS[0])
    assert found[4] == {"is": "enrolment", "code": "A" * 43}


def test_what_is_nothing_of_ours_is_refused_with_the_reason(page: Page) -> None:
    tube = codes.mint_many("tube", 1)[0]
    misread = ("X" if tube[0] != "X" else "P") + tube[1:]
    secret = "https://example.org/r#" + codes.mint_result_code()
    texts = ["https://vnexpress.net/abc?x=1", "WWW.example.org", misread, secret, "TẾ23ÂƯ789", "hello"]
    found = [one["refused"] for one in _try(page, "reading", "read", [[text] for text in texts])]
    assert found[0].startswith("This is a web address (vnexpress.net)")
    assert found[1].startswith("This is a web address (example.org)")
    assert "Did you mean" in found[2] and codes.grouped(tube) in found[2]
    assert found[3].startswith("This is a secret result code")
    assert found[4].startswith("Switch off the Vietnamese input method")
    assert "is not a code of this system" in found[5]


def test_a_label_in_view_is_one_read_even_when_two_are_seen_by_turns(page: Page) -> None:
    answers = page.evaluate(
        """async (sightings) => {
          const { Repeats } = await import("/static/js/field/repeats.js");
          const repeats = new Repeats();
          return sightings.map(([key, how, now]) => (key ? repeats.isRepeat(key, how, now) : repeats.forget()) ?? null);
        }""",
        [
            ["K", "camera", 0],
            ["T", "camera", 100],
            ["K", "camera", 1400],
            ["T", "camera", 1500],
            ["K", "camera", 2800],
            ["K", "camera", 4301],
            ["S", "scanner", 5000],
            ["", "", 0],
            ["S", "scanner", 5100],
            ["K", "camera", 5100],
        ],
    )
    assert answers == [False, False, True, True, True, False, False, None, False, True]
