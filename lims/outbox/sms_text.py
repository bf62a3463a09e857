"""What an SMS says: Vietnamese without its marks, in one segment (3GPP TS 23.038: 160 characters of the GSM alphabet).

With marks the same text would need UCS-2 and three segments. It says that a result is ready and where it can be read:
never the finding, never a name. The declaration's code stands on the person's slip; it tells a household with one
telephone whose result it is, and opens nothing. A second test is not said to be one either: it would say what was found
in the pool. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lims.codes import grouped
from lims.outbox.rules import MOST_TOGETHER, PREPARED, STUCK_ALERT

# 3GPP TS 23.038, 6.2.1 (basic) and 6.2.1.1 (each of these takes two places)
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("^{}\\[~]|€")
ONE_SEGMENT, EACH_OF_SEVERAL = 160, 153
ONE_SEGMENT_UCS2, EACH_OF_SEVERAL_UCS2 = 70, 67
PORTAL_PATH = "/results"
LONGEST_CODE = "D00000000"

PEOPLE = {
    "result_ready": "Da co ket qua xet nghiem, to khai {code}. Xem bang ma xem ket qua va ngay sinh: {url}",
    "result_amended": "Ket qua xet nghiem, to khai {code}, da co ban moi thay ban cu. Xem lai: {url}",
    "result_checked_again": "Ket qua xet nghiem, to khai {code}, dang duoc kiem tra lai. Ban cu khong con dung: {url}",
    "second_test": "Co thong bao moi ve mau, to khai {code}. Xem bang ma xem ket qua va ngay sinh: {url}",
}
HOUSEHOLDS = {
    "result_ready": "Da co ket qua cua {count} to khai{codes}. Xem bang ma xem ket qua va ngay sinh: {url}",
    "result_amended": "Ket qua cua {count} to khai{codes} da co ban moi thay ban cu. Xem lai: {url}",
    "result_checked_again": "Ket qua cua {count} to khai{codes} dang duoc kiem tra lai. Ban cu khong con dung: {url}",
    "second_test": "Co thong bao moi ve mau cua {count} to khai{codes}. Xem bang ma xem ket qua va ngay sinh: {url}",
}


def count_segments(text: str) -> int:
    """Return how many SMS a text takes, as the network counts them."""
    if all(character in BASIC or character in EXTENSION for character in text):
        length = len(text) + sum(character in EXTENSION for character in text)
        return 1 if length <= ONE_SEGMENT else -(-length // EACH_OF_SEVERAL)
    length = len(text.encode("utf-16-be")) // 2
    return 1 if length <= ONE_SEGMENT_UCS2 else -(-length // EACH_OF_SEVERAL_UCS2)


def say_to_people(template: str, *, declaration_codes: Sequence[str], base_url: str) -> str:
    """Return what a person is told, or a household with one telephone: as many codes as fit.

    Args:
        template: a word of `rules.TO_PEOPLE`.
        declaration_codes: printed on the slips, at least one.
        base_url: where the portal is, without a slash at its end.
    """
    count, url = len(declaration_codes), f"{base_url}{PORTAL_PATH}"
    if count == 1:
        return PEOPLE[template].format(code=grouped(declaration_codes[0]), url=url)
    for shown in range(count, -1, -1):
        listed = ", ".join(grouped(code) for code in declaration_codes[:shown])
        codes = f" ({listed}{' ...' if shown < count else ''})" if shown else ""
        text = HOUSEHOLDS[template].format(count=count, codes=codes, url=url)
        if count_segments(text) == 1:
            break
    return text


def fits(base_url: str) -> bool:
    """Tell whether every text for people is one segment with this address of the portal."""
    return all(
        count_segments(say_to_people(name, declaration_codes=[LONGEST_CODE] * count, base_url=base_url)) == 1
        for name in PEOPLE
        for count in (1, MOST_TOGETHER)
    )


def say_alert(template: str, data: Mapping[str, object]) -> str:
    """Return what staff on call are told: codes only, in one segment.

    Args:
        template: a word of `rules.ALERTS`.
        data: `laboratory` (its code), and `pools` and `run`, or `tube` and `commune` (codes); of a prepared one `sms`.
    """
    if template in PREPARED:
        return str(data["sms"])
    laboratory = data["laboratory"]
    if template == STUCK_ALERT:
        return f"KHAN: co thong bao khong chac da den noi, PXN {laboratory}. Dang nhap, mo trang Thong bao."
    if template == "positive_result":
        tube = grouped(str(data["tube"]))
        return f"KHAN: mot ket qua duong tinh da tra, ong {tube}, PXN {laboratory}, xa {data['commune']}."
    pools = data["pools"]
    if not isinstance(pools, Sequence):
        raise TypeError("pools are a list of codes")
    start = f"KHAN: {len(pools)} mau gop duong tinh, PXN {laboratory}, me chay {grouped(str(data['run']))}: "
    for shown in range(len(pools), 0, -1):
        left = len(pools) - shown
        listed = ", ".join(grouped(str(code)) for code in pools[:shown])
        text = f"{start}{listed}" + (f" va {left} mau gop khac." if left else ".")
        if count_segments(text) == 1:
            return text
    return start[:-2] + "."
