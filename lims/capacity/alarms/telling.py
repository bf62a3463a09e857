"""What an alarm says on a page, in a mail and in one SMS. Pure but for the language.

The SMS has no marks and fits one segment, like all of them (`lims.outbox.sms_text`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from flask_babel import force_locale

from lims.capacity.alarms.rules import KINDS
from lims.codes import grouped
from lims.language import say
from lims.outbox.sms_text import ONE_SEGMENT

PATH = "/alarms"
LONGEST_PLACE = 40
BY_CODE = ("box_late", "box_warm")
"""Kinds whose subject is a printed code."""
SMS = {
    "backlog_old": "mau cho qua lau",
    "arrivals_above_capacity": "mau den nhieu hon cong suat",
    "box_late": "thung di duong qua lau",
    "box_warm": "nhiet do thung ngoai gioi han",
    "team_silent": "doi lay mau mat lien lac",
    "positivity_shift": "ti le duong tinh lech bat thuong",
    "coverage_low": "xa lay mau cham",
    "tubes_without_names": "ong chua co ten",
    "names_without_tubes": "nguoi da lay mau chua thay ong",
}


def say_alarm(kind: str, *, subject: str, place: str, numbers: Mapping[str, object]) -> str:
    """Return an alarm's sentence in the reader's language.

    Args:
        kind: key of `rules.KINDS`.
        subject: as of `rules.Finding`.
        place: its name.
        numbers: as of `rules.Finding`.
    """
    shown = {**numbers, "subject": _shown(kind, subject), "place": place}
    if "tube" in shown:
        shown["tube"] = grouped(str(shown["tube"]))
    return say(KINDS[kind].sentence, shown)


def prepare(kind: str, *, subject: str, place: str, numbers: Mapping[str, object]) -> dict[str, str]:
    """Return what an alert of the outbox says: `sms`, `subject`, `vi`, `en` and the `path` of its page.

    Args: as of `say_alarm`.
    """
    texts = {}
    for language in ("vi", "en"):
        with force_locale(language):
            texts[language] = say_alarm(kind, subject=subject, place=place, numbers=numbers)
    with force_locale("vi"):
        title = say(KINDS[kind].title)
    return {
        "sms": _write_sms(kind, subject, place),
        "subject": f"{title} – {place}",
        "path": PATH,
        **texts,
    }


def _shown(kind: str, subject: str) -> str:
    return grouped(subject) if kind in BY_CODE else subject


def _write_sms(kind: str, subject: str, place: str) -> str:
    about = f"{_plain(_shown(kind, subject))}, " if subject else ""
    return f"CANH BAO: {SMS[kind]}, {about}{_plain(place)}. Dang nhap, mo trang Canh bao."[:ONE_SEGMENT]


def _plain(text: str) -> str:
    """Return a name without its marks, in letters that every network sends as one."""
    bare = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return bare.encode("ascii", "ignore").decode()[:LONGEST_PLACE]
