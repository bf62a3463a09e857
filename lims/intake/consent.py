"""What people agree to when they declare: every text there ever was, word for word, in both languages. Pure.

A declaration keeps the version of the text that stood on its page. A new text is a new version at the end of `TEXTS`
and `rules.CONSENT_VERSION`; the old ones stay, so that anybody can be shown what they agreed to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from lims.intake.rules import CONSENT_VERSION


@dataclass(frozen=True)
class ConsentText:
    """One version of the text.

    Args:
        version: what declarations keep.
        since: the day from which it was shown.
        vi: in Vietnamese, one paragraph an item.
        en: in English.
    """

    version: str
    since: date
    vi: tuple[str, ...]
    en: tuple[str, ...]

    def paragraphs(self, language: str) -> tuple[str, ...]:
        """Return the text in a language; Vietnamese where there is no other."""
        return self.en if language == "en" else self.vi


_TEXTS = (
    ConsentText(
        "2021-07",
        date(2021, 7, 1),
        vi=("Tôi đồng ý được xét nghiệm, và những gì tôi khai được lưu cho đợt xét nghiệm này.",),
        en=("I agree to be tested, and that what I have stated is kept for the campaign.",),
    ),
    ConsentText(
        "2026-11",
        date(2026, 11, 1),
        vi=(
            "Tôi đồng ý được lấy mẫu và xét nghiệm, và đồng ý cho trạm y tế, điểm lấy mẫu, phòng xét nghiệm và cơ quan"
            " phòng chống dịch của đợt này dùng những gì tôi khai và kết quả của tôi, chỉ để xét nghiệm, trả kết quả và"
            " phòng chống dịch.",
            "Thông tin về sức khoẻ là dữ liệu cá nhân nhạy cảm. Số giấy tờ, số điện thoại và địa chỉ được mã hoá; phòng"
            " xét nghiệm không thấy tên. Ai xem thông tin của tôi đều được ghi lại.",
            "Tên và các thông tin nhận ra tôi được xoá sau khi đợt kết thúc, theo thời hạn của đợt; các con số thống kê"
            " vẫn còn. Điều gì luật buộc phải giữ thì được giữ đến hết thời hạn đó.",
            "Tôi có quyền xem, lấy bản sao, sửa, phản đối, hạn chế hoặc yêu cầu xoá thông tin của mình, và rút lại sự"
            " đồng ý trước khi lấy mẫu, ở trang “Thông tin của tôi” hoặc tại trạm y tế. Không đồng ý thì không bị xét"
            " nghiệm bằng tờ khai này.",
            "Với trẻ em và người không tự quyết định được, người đại diện theo pháp luật đồng ý thay.",
        ),
        en=(
            "I agree to be sampled and tested, and that the health station, the collection site, the laboratory and the"
            " epidemic control of this campaign use what I state and my result, only to test, to give the result and to"
            " control the epidemic.",
            "What concerns health is sensitive personal data. Identity numbers, telephone and address are encrypted;"
            " the laboratory sees no name. Whoever looks at my data is written down.",
            "My name and what else identifies me is erased after the end of the campaign, when its term is over;"
            " figures stay. What the law says must be kept is kept until that term has ended.",
            "I may see, take, correct, object to, restrict or have erased what is mine, and take my consent back before"
            " the sample, on the page “My data” or at the health station. Without consent nobody is tested by this"
            " declaration.",
            "For children, and for those who cannot decide, the legal representative agrees.",
        ),
    ),
)
TEXTS: Mapping[str, ConsentText] = {text.version: text for text in _TEXTS}


def get_current_text() -> ConsentText:
    """Return the text that is agreed to now."""
    return TEXTS[CONSENT_VERSION]


def find_text(version: str) -> ConsentText | None:
    """Return a version of the text, or None where this installation never had it."""
    return TEXTS.get(version)


def usual_way(declared_by: str) -> str:
    """Return how consent is given where nothing else is said: a word of `rules.CONSENT_WAYS`.

    Args:
        declared_by: a word of `rules.DECLARED_BY`.
    """
    return {"health_worker": "asked", "list": "asked_by_sender"}.get(declared_by, "ticked")
