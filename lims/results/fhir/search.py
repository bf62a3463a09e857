"""What a search asks for. Pure.

A parameter that is not known here is refused: leaving it out would answer more than was asked for, and a program would
take it for less.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from lims.errors import InvalidInput

MOST = 500
USUAL = 100
# What every type answers, what only some do, and what may be included.
COMMON = ("_id", "_lastUpdated", "_count", "_cursor", "_include", "_format")
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "Patient": ("identifier",),
    "ServiceRequest": ("identifier", "patient"),
    "Specimen": ("identifier", "patient"),
    "DiagnosticReport": ("identifier", "patient", "based-on"),
    "Observation": ("identifier", "patient", "based-on"),
    "Provenance": ("target",),
    "Location": ("identifier",),
    "Organization": ("identifier",),
}
INCLUDES: Mapping[str, tuple[str, ...]] = {
    "Patient": (),
    "ServiceRequest": ("patient", "subject", "location"),
    "Specimen": ("patient", "subject", "parent", "request"),
    "DiagnosticReport": ("patient", "subject", "based-on", "specimen", "result", "performer"),
    "Observation": ("patient", "subject", "based-on", "specimen", "performer"),
    "Provenance": ("target",),
    "Location": (),
    "Organization": (),
}
# Places do not say when they were changed.
WITHOUT_TIME = frozenset({"Location", "Organization"})
REFERENCES = {"patient": "Patient", "based-on": "ServiceRequest", "target": "DiagnosticReport"}
# prefix → which end of the written period it is compared with, and how
COMPARISONS = ("eq", "gt", "ge", "lt", "le", "sa", "eb")
_MOMENT = re.compile(
    r"(?P<prefix>[a-z]{2})?(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<time>\d\d:\d\d(?P<seconds>:\d\d(?P<fraction>\.\d{1,6})?)?)(?P<zone>Z|[+ -]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)


class BadSearch(InvalidInput):
    """A parameter of a search cannot be understood, or is not answered here."""

    status = 400


@dataclass(frozen=True)
class Token:
    """An identifier asked for; `system` is None where any will do."""

    system: str | None
    value: str


@dataclass(frozen=True)
class Search:
    """What is asked for of one type.

    Args:
        kind: type of the resources.
        ids: only these; None: all.
        identifiers: only what has one of these; None: all.
        references: keys of what is referred to, by parameter; all must fit.
        since: changed at this moment or later.
        before: changed before this moment.
        includes: names of references to follow.
        count: resources a page.
        after: where the page before ended, "" for the first.
    """

    kind: str
    ids: tuple[uuid.UUID, ...] | None = None
    identifiers: tuple[Token, ...] | None = None
    references: tuple[tuple[str, tuple[uuid.UUID, ...]], ...] = ()
    since: datetime | None = None
    before: datetime | None = None
    includes: tuple[str, ...] = ()
    count: int = USUAL
    after: str = ""


def parse_search(kind: str, pairs: Iterable[tuple[str, str]], *, zone: tzinfo) -> Search:
    """Read the parameters of a search.

    Args:
        kind: type of the resources, one of `PARAMETERS`.
        pairs: names and values, as they were sent; the same name again narrows further.
        zone: of dates without one.

    Raises:
        BadSearch: names the parameter.
    """
    search = Search(kind)
    for name, value in pairs:
        if name not in (*COMMON, *PARAMETERS[kind]) or (name == "_lastUpdated" and kind in WITHOUT_TIME):
            raise BadSearch(
                "%(kind)s cannot be searched by %(parameter)s. See /fhir/metadata for what can be asked.",
                field=name[:60],
                parameter=name[:60],
                kind=kind,
            )
        search = _read(search, name, value, zone)
    return search


def _read(search: Search, name: str, value: str, zone: tzinfo) -> Search:
    match name:
        case "_id":
            return replace(search, ids=_both(search.ids, _keys(value)))
        case "_lastUpdated":
            return _read_moment(search, value, zone)
        case "_count":
            return replace(search, count=_read_count(value))
        case "_cursor":
            return replace(search, after=value)
        case "_include":
            return replace(search, includes=(*search.includes, _read_include(search.kind, value)))
        case "_format":
            check_format(value)
            return search
        case "identifier":
            if search.identifiers is not None:
                raise BadSearch("Ask for identifier once; several with commas between.", field=name)
            return replace(search, identifiers=tuple(_read_token(part) for part in value.split(",") if part))
        case _:
            keys = tuple(_read_reference(name, part) for part in value.split(",") if part)
            found = tuple(key for key in keys if key)
            return replace(search, references=(*search.references, (name, found)))


def _keys(value: str) -> tuple[uuid.UUID, ...]:
    found = (read_key(part) for part in value.split(","))
    return tuple(key for key in found if key)


def _both(before: tuple[uuid.UUID, ...] | None, now: tuple[uuid.UUID, ...]) -> tuple[uuid.UUID, ...]:
    return now if before is None else tuple(key for key in now if key in before)


def read_key(text: str) -> uuid.UUID | None:
    """Return the key in the id of a resource, None for what cannot be one of ours."""
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):
        return None
    return uuid.UUID(text)


def _read_count(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) < 1:
        raise BadSearch("_count is a whole number of 1 or more.", field="_count")
    return min(int(value), MOST)


def _read_include(kind: str, value: str) -> str:
    source, _, rest = value.partition(":")
    name = rest.partition(":")[0]
    if source != kind or name not in INCLUDES[kind]:
        raise BadSearch(
            "%(text)s cannot be included. See /fhir/metadata for what can be asked.",
            field="_include",
            text=value[:80],
        )
    return name


def check_format(value: str) -> None:
    """Refuse every format but JSON.

    Raises:
        BadSearch: another one was asked for.
    """
    if value not in ("json", "application/json", "application/fhir+json", "application/fhir json"):
        raise BadSearch("Only JSON is spoken here. Ask for application/fhir+json.", field="_format")


def _read_token(text: str) -> Token:
    system, bar, value = text.partition("|")
    return Token(system if bar else None, value if bar else system)


def _read_reference(name: str, text: str) -> uuid.UUID | None:
    kind, _, key = text.rpartition("/")
    if kind and kind.rpartition("/")[2] != REFERENCES[name]:
        raise BadSearch(
            "%(parameter)s asks for a %(kind)s, as %(kind)s/….",
            field=name,
            parameter=name,
            kind=REFERENCES[name],
        )
    return read_key(key)


def _read_moment(search: Search, value: str, zone: tzinfo) -> Search:
    prefix, first, after = parse_period(value, zone=zone)
    since, before = search.since, search.before
    if prefix in ("eq", "ge"):
        since = max(since or first, first)
    elif prefix in ("gt", "sa"):
        since = max(since or after, after)
    if prefix in ("eq", "le"):
        before = min(before or after, after)
    elif prefix in ("lt", "eb"):
        before = min(before or first, first)
    return replace(search, since=since, before=before)


def parse_period(text: str, *, zone: tzinfo) -> tuple[str, datetime, datetime]:
    """Read a date of a search with its prefix, as exactly as it is written.

    Args:
        text: as "gt2021-08-16T08:30:00+07:00"; the plus may have become a blank on its way.
        zone: of what names none.

    Returns:
        The prefix, the first moment of the period and the first moment after it.

    Raises:
        BadSearch: it is none.
    """
    found = _MOMENT.fullmatch(text)
    try:
        if found is None or (found["prefix"] or "eq") not in COMPARISONS:
            raise ValueError(text)
        first, after = _period(found, zone)
    except (ValueError, OverflowError):
        raise BadSearch(
            "_lastUpdated is a date such as gt2021-08-16 or ge2021-08-16T08:30:00+07:00.",
            field="_lastUpdated",
        ) from None
    return found["prefix"] or "eq", first, after


def _period(found: re.Match[str], zone: tzinfo) -> tuple[datetime, datetime]:
    year, month, day = int(found["year"]), found["month"], found["day"]
    if found["time"] is None:
        first = date(year, int(month or 1), int(day or 1))
        if day:
            after = first + timedelta(days=1)
        elif month:
            after = date(year + first.month // 12, first.month % 12 + 1, 1)
        else:
            after = date(year + 1, 1, 1)
        return _midnight(first, zone), _midnight(after, zone)
    offset = (found["zone"] or "").replace(" ", "+").replace("Z", "+00:00")
    moment = datetime.fromisoformat(f"{year:04}-{month}-{day}T{found['time']}{offset}")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    if found["fraction"]:
        return moment, moment + timedelta(microseconds=1)
    return moment, moment + (timedelta(seconds=1) if found["seconds"] else timedelta(minutes=1))


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
