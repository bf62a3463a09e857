"""A list of borrowed collectors: name, team, site, and a badge where somebody has an account already. Pure.

Every row is read and decided, or named with its line and what to mend; nothing is left out.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from lims import codes
from lims.delimited import DELIMITERS, decode_text, read_records
from lims.errors import InvalidInput
from lims.intake.people_list import sniff_format
from lims.msgid import N_
from lims.names import clean_name, clean_text, fold
from lims.spreadsheet import read_sheets

MOST_ROWS = 2_000
LONGEST_TEAM = 60
HEADER_LINES = 10
FIELD = "list"
_SPELLINGS = {
    "name": "ho va ten/ho ten/ho va ten nguoi lay mau/nguoi lay mau/ten/name/full name/collector",
    "team": "to/doi/to doi/to lay mau/doi lay mau/nhom/team",
    "site": "diem lay mau/diem/noi lay mau/dia diem/site/collection site",
    "badge": "ma the/the/the nhan vien/ma the nhan vien/badge",
}
_COLUMNS = {spelling: column for column, text in _SPELLINGS.items() for spelling in text.split("/")}


@dataclass(frozen=True, slots=True)
class CollectorRow:
    """One collector of a list.

    Args:
        line: its line in the file, from 1.
        name: cleaned full name.
        team: name of the team.
        site: name or code of the site, as written; '' where the list is for one site.
        badge: code of a badge, or ''.
    """

    line: int
    name: str
    team: str
    site: str
    badge: str


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that cannot be read: its line, and what to mend."""

    line: int
    reason: InvalidInput


@dataclass(frozen=True, slots=True)
class Site:
    """A site that a row may name.

    Args:
        id: its key.
        spellings: its name, its full name and its code, folded.
        within: its key and that of every place above it.
    """

    id: uuid.UUID
    spellings: frozenset[str]
    within: frozenset[uuid.UUID]


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a badge is: an open account, and the places it collects at with all below them; None: everywhere."""

    user_id: uuid.UUID
    name: str
    places: frozenset[uuid.UUID | None]

    def collects_at(self, site: Site) -> bool:
        """Tell whether the account may be enrolled there."""
        return None in self.places or not self.places.isdisjoint(site.within)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a row: enrolled ("good"), enrolled before ("again"), or to be mended ("wrong").

    Args:
        row: as read.
        verdict, message, parameters: as of every verdict.
        column: of the row, where it has to be mended.
        place_id: the site; None where it has to be mended.
        user_id: account of the badge; None: a new one.
    """

    row: CollectorRow
    verdict: str
    message: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    column: str = ""
    place_id: uuid.UUID | None = None
    user_id: uuid.UUID | None = None


def read_collectors(content: bytes) -> tuple[list[CollectorRow], list[RefusedRow]]:
    """Read a list of collectors.

    Args:
        content: the bytes of a CSV or XLSX file, or of what was pasted from one.

    Returns:
        The rows that can be read, and the others.

    Raises:
        InvalidInput: the file as a whole cannot be read, has no header with names and teams, or too many rows.
    """
    for grid in _read_grids(content):
        found = _find_header(grid)
        if found is None:
            continue
        first, places = found
        rows = [
            row for row in enumerate(grid[first:], start=first + 1) if any(cell.strip() for cell in row[1])
        ]
        if len(rows) > MOST_ROWS:
            raise InvalidInput(
                "The list has more than %(most)s rows. Split it into several files.",
                field=FIELD,
                most=MOST_ROWS,
            )
        return _read_rows(rows, places)
    raise InvalidInput(
        "No header with names and teams was found. Title the columns, for example Họ và tên, Tổ, Điểm lấy mẫu.",
        field=FIELD,
    )


def _read_grids(content: bytes) -> list[list[Sequence[str]]]:
    if sniff_format(content) == "xlsx":
        return [
            list(islice(sheet.rows(), MOST_ROWS + HEADER_LINES + 2))
            for sheet in read_sheets(content, field=FIELD)
        ]
    text, _encoding = decode_text(content, field=FIELD)
    return [
        [
            record.cells
            for record in islice(read_records(text, delimiter=delimiter), MOST_ROWS + HEADER_LINES + 2)
        ]
        for delimiter in DELIMITERS
    ]


def _find_header(grid: Sequence[Sequence[str]]) -> tuple[int, dict[str, int]] | None:
    for index, row in enumerate(grid[:HEADER_LINES]):
        places: dict[str, int] = {}
        for place, title in enumerate(row):
            column = _COLUMNS.get(" ".join(fold(title).split()).rstrip(" .:"), "")
            if column:
                places.setdefault(column, place)
        if {"name", "team"} <= places.keys():
            return index + 1, places
    return None


def _read_rows(
    rows: Sequence[tuple[int, Sequence[str]]], places: dict[str, int]
) -> tuple[list[CollectorRow], list[RefusedRow]]:
    read, refused = [], []
    for line, cells in rows:
        values = {column: cells[place] if place < len(cells) else "" for column, place in places.items()}
        try:
            read.append(_read_row(line, values))
        except InvalidInput as reason:
            refused.append(RefusedRow(line, reason))
    return read, refused


def _read_row(line: int, values: dict[str, str]) -> CollectorRow:
    badge = values.get("badge", "").strip()
    return CollectorRow(
        line=line,
        name=clean_name(values["name"], field="name"),
        team=clean_team(values["team"]),
        site=clean_text(values.get("site", ""), field="site", longest=120),
        badge=codes.parse(badge, expect="badge", field="badge").text if badge else "",
    )


def clean_team(text: str) -> str:
    """Return the name of a team.

    Raises:
        InvalidInput: none, or too long.
    """
    team = clean_text(text, field="team", longest=LONGEST_TEAM)
    if not team:
        raise InvalidInput("Every collector belongs to a team. Write its name.", field="team")
    return team


def decide_rows(
    rows: Iterable[CollectorRow],
    *,
    sites: Sequence[Site],
    chosen: Site | None,
    holders: Mapping[str, Holder],
    enrolled: Iterable[tuple[uuid.UUID, str, str, uuid.UUID]],
) -> list[Decision]:
    """Decide what becomes of the rows of a list.

    Somebody with a badge is known by the account, anybody else by the name: the same team and site are given once.

    Args:
        rows: as read.
        sites: that rows may name.
        chosen: of rows that name none.
        holders: of badges, by code.
        enrolled: account, name, team and site of whoever is enrolled for that day already.

    Returns:
        A decision for each row, in their order.
    """
    by_name: dict[str, dict[uuid.UUID, Site]] = {}
    for site in sites:
        for spelling in site.spellings:
            by_name.setdefault(spelling, {})[site.id] = site
    known: set[tuple[object, str, uuid.UUID]] = set()
    for account, name, team, place_id in enrolled:
        known |= {(account, team, place_id), (fold(name), team, place_id)}
    decisions = []
    for row in rows:
        try:
            site = _site_of(row, chosen, by_name)
            holder = _holder_of(row, site, holders)
        except InvalidInput as refusal:
            decisions.append(
                Decision(row, "wrong", refusal.message, dict(refusal.parameters), str(refusal.field))
            )
            continue
        if (holder.user_id if holder else fold(row.name), row.team, site.id) in known:
            decisions.append(Decision(row, "again", ENROLLED_BEFORE, place_id=site.id))
            continue
        known.add((fold(holder.name if holder else row.name), row.team, site.id))
        if holder:
            known.add((holder.user_id, row.team, site.id))
        user_id = holder.user_id if holder else None
        decisions.append(Decision(row, "good", ENROLLED, place_id=site.id, user_id=user_id))
    return decisions


def _site_of(row: CollectorRow, chosen: Site | None, by_name: Mapping[str, Mapping[uuid.UUID, Site]]) -> Site:
    if not row.site:
        if chosen is None:
            raise InvalidInput(NO_SITE, field="site")
        return chosen
    found = by_name.get(fold(row.site)) or by_name.get(fold(codes.normalise(row.site)), {})
    if not found:
        raise InvalidInput(UNKNOWN_SITE, field="site", site=row.site)
    if len(found) > 1:
        raise InvalidInput(SITE_TWICE, field="site", site=row.site)
    return next(iter(found.values()))


def _holder_of(row: CollectorRow, site: Site, holders: Mapping[str, Holder]) -> Holder | None:
    if not row.badge:
        return None
    holder = holders.get(row.badge)
    # A badge of somebody who does not collect there is answered like one that nobody has.
    if holder is None or not holder.collects_at(site):
        raise InvalidInput(UNKNOWN_BADGE, field="badge", code=codes.grouped(row.badge))
    return holder


UNKNOWN_SITE = N_(
    "There is no site “%(site)s” among your places. Write its name as on the list of sites, or its code."
)
SITE_TWICE = N_("Several sites are called “%(site)s”. Write the code of the one that is meant.")
NO_SITE = N_("This row names no site. Write one, or choose a site for rows that name none.")
UNKNOWN_BADGE = N_(
    "The badge %(code)s belongs to no collector of this site. Leave it empty to make a new account."
)
ENROLLED = N_("Enrolled.")
ENROLLED_BEFORE = N_("Enrolled before with this team, site and day. Nothing was added.")
