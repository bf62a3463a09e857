"""Words of figures for people."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext

HOURS_UNTIL_DAYS = 48


def say_duration(minutes: float | None) -> str:
    """Return minutes as "3 h 12 min", from two days on in days; a dash for None."""
    if minutes is None:
        return "–"
    hours, rest = divmod(round(minutes), 60)
    if hours >= HOURS_UNTIL_DAYS:
        return ngettext("%(num)s day", "%(num)s days", round(hours / 24))
    if hours:
        return _("%(hours)s h %(minutes)s min", hours=hours, minutes=rest)
    return _("%(minutes)s min", minutes=rest)
