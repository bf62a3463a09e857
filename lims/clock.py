"""The one source of time. Tests and the demonstration turn it; nothing else calls `datetime.now`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_fixed: ContextVar[datetime | None] = ContextVar("lims_fixed_time", default=None)


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return _fixed.get() or datetime.now(UTC)


def today() -> date:
    """Return the calendar day in the campaign's time zone."""
    return local(now()).date()


def local(moment: datetime) -> datetime:
    """Return an aware moment in the campaign's time zone."""
    return moment.astimezone(ZONE)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Hold the clock at a moment (aware) for the code inside, as tests and `lims demo` need."""
    token = _fixed.set(moment)
    try:
        yield
    finally:
        _fixed.reset(token)
