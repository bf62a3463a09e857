"""What an e-mail to staff on call says, Vietnamese first, English second; codes only, no names. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lims.codes import grouped
from lims.outbox.rules import PREPARED, STUCK_ALERT


def say_alert(template: str, data: Mapping[str, object], *, base_url: str) -> tuple[str, str]:
    """Return the subject and the text of an alert.

    Args:
        template: a word of `rules.ALERTS`.
        data: as of `sms_text.say_alert`; of a prepared one `subject`, `vi`, `en` and the `path` of its page.
        base_url: where staff sign in.
    """
    if template in PREPARED:
        link = f"{base_url}{data['path']}"
        return str(data["subject"]), f"{data['vi']}\nXem: {link}\n\n{data['en']}\nLook: {link}\n"
    laboratory = data["laboratory"]
    if template == STUCK_ALERT:
        return (
            f"Có thông báo không chắc đã đến nơi – {laboratory}",
            f"Phòng xét nghiệm {laboratory}: có thông báo không gửi được, hoặc không chắc đã đến nơi.\n"
            f"Đăng nhập và mở trang Thông báo để quyết định: {base_url}\n\n"
            f"Laboratory {laboratory}: some messages could not be sent, or may not have arrived.\n"
            f"Sign in and open the page of messages to decide: {base_url}\n",
        )
    if template == "positive_result":
        tube, commune = grouped(str(data["tube"])), data["commune"]
        return (
            f"Kết quả dương tính đã trả – {laboratory}",
            f"Một kết quả dương tính đã được trả: ống {tube}, phòng xét nghiệm {laboratory}, xã {commune}.\n"
            f"Xem: {base_url}\n\n"
            f"A result “detected” was released: tube {tube}, laboratory {laboratory}, commune {commune}.\n"
            f"Look: {base_url}\n",
        )
    pools = data["pools"]
    if not isinstance(pools, Sequence):
        raise TypeError("pools are a list of codes")
    listed = ", ".join(grouped(str(code)) for code in pools)
    run = grouped(str(data["run"]))
    return (
        f"{len(pools)} mẫu gộp dương tính – {laboratory}",
        f"{len(pools)} mẫu gộp dương tính, phòng xét nghiệm {laboratory}, mẻ chạy {run}: {listed}.\n"
        f"Xem: {base_url}\n\n"
        f"{len(pools)} positive pools, laboratory {laboratory}, run {run}: {listed}.\n"
        f"Look: {base_url}\n",
    )
