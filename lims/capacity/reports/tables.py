"""A report as tables and charts in the reader's language: the one form of page, PDF and workbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import format_date, format_decimal
from flask_babel import gettext as _

from lims.capacity.measures import STATIONS
from lims.language import say, say_word

Value = str | int | float | None


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        label: in the reader's language.
        kind: text, number, percent or minutes.
    """

    label: str
    kind: str = "number"


@dataclass(frozen=True)
class Table:
    """A table of a report.

    Args:
        name: fixed word.
        title: in the reader's language.
        columns: the first holds the rows' names.
        rows: values as they are; `show` writes them.
        empty: what is said where there is no row.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    empty: str = ""


@dataclass(frozen=True)
class Chart:
    """Bars of a report, drawn from a table's columns.

    Args:
        table: name of the table.
        title: in the reader's language.
        columns: numbers of its columns that are drawn.
    """

    table: str
    title: str
    columns: Sequence[int]


def make_tables(content: Mapping[str, Any]) -> list[Table]:
    """Return a report's tables, in their order.

    Args:
        content: as of `content.write_content`.
    """
    return [
        _summary(content),
        _standing(content),
        _legs(content),
        _laboratories(content),
        _days(content),
        _rejected(content),
        _communes(content),
    ]


def make_charts() -> list[Chart]:
    """Return the charts of every report."""
    return [
        Chart("days", _("Collected and released by day"), (1, 3)),
        Chart("laboratories", _("Screening reactions of each laboratory against its capacity"), (2, 3)),
    ]


def show(value: Value, kind: str) -> str:
    """Return a value as people read it; a dash where there is none."""
    if value is None:
        return "–"
    if kind == "text" or isinstance(value, str):
        return str(value)
    if kind == "percent":
        return f"{format_decimal(value)} %"
    if kind == "minutes":
        hours, minutes = divmod(round(value), 60)
        return (
            _("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes)
            if hours
            else _("%(minutes)s min", minutes=minutes)
        )
    return str(format_decimal(value))


def title_of(content: Mapping[str, Any]) -> str:
    """Return a report's title."""
    first, last = (date.fromisoformat(content[name]) for name in ("first_on", "last_on"))
    if content["kind"] == "daily":
        return _(
            "Daily report, %(province)s, %(day)s",
            province=content["province"],
            day=format_date(first, "dd/MM/yyyy"),
        )
    return _(
        "Weekly report, %(province)s, %(first)s to %(last)s",
        province=content["province"],
        first=format_date(first, "dd/MM/yyyy"),
        last=format_date(last, "dd/MM/yyyy"),
    )


def _summary(content: Mapping[str, Any]) -> Table:
    counts, pools = content["counts"], content["pools"]
    findings, reactions = counts["released_by_finding"], counts["reactions"]
    rows: list[Sequence[Value]] = [
        (_("people declared"), counts["declared"]),
        (_("samples collected"), counts["collected"]),
        (_("samples received by laboratories"), counts["received"]),
        (_("samples rejected"), counts["rejected"]),
        (_("reactions: screening"), reactions["screen"]),
        (_("reactions: second tests"), reactions["retest"]),
        (_("reactions: confirmation"), reactions["confirm"]),
        (_("pools tested"), pools["tested"]),
        (_("positive pools"), pools["positive"]),
        (_("positive pools, percent"), pools["positive_percent"]),
        (_("infected of those tested, percent (estimate)"), pools["prevalence_percent"]),
        (_("95 % interval: from, percent"), pools["prevalence_low"]),
        (_("95 % interval: to, percent"), pools["prevalence_high"]),
        (_("results released"), counts["released"]),
        *((_("released: %(finding)s", finding=say_word(word)), findings[word]) for word in findings),
        (_("results amended"), counts["amended"]),
        (_("results withdrawn"), counts["withdrawn"]),
        (_("discrepancies opened"), counts["discrepancies_opened"]),
        (_("discrepancies settled"), counts["discrepancies_settled"]),
    ]
    return Table("summary", _("In numbers"), [Column(_("Figure"), "text"), Column(_("Number"))], rows)


def _standing(content: Mapping[str, Any]) -> Table:
    rows = [(say(STATIONS[name]), number) for name, number in content["standing"].items()]
    return Table(
        "standing",
        _("Where samples without a result stood at the end"),
        [Column(_("Station"), "text"), Column(_("Samples"))],
        [*rows, (_("Together"), sum(content["standing"].values()))],
    )


def _legs(content: Mapping[str, Any]) -> Table:
    columns = [
        Column(_("Leg of the way"), "text"),
        Column(_("Samples")),
        Column(_("Median"), "minutes"),
        Column(_("75 of 100 within"), "minutes"),
        Column(_("90 of 100 within"), "minutes"),
        Column(_("Within 24 hours"), "percent"),
    ]
    rows = [
        (
            _leg_word(row["leg"]),
            row["number"],
            row["median"],
            row["p75"],
            row["p90"],
            row["within_percent"],
        )
        for row in content["legs"]
    ]
    return Table("legs", _("How long it took"), columns, rows)


def _leg_word(leg: str) -> str:
    return {
        "collected_received": _("from collection to the laboratory"),
        "received_pooled": _("from the laboratory’s door into a pool"),
        "pooled_tested": _("from the pool to a reading"),
        "tested_verified": _("from the reading to the second person"),
        "verified_released": _("from the second person to the release"),
        "collected_released": _("from collection to the release"),
    }[leg]


def _laboratories(content: Mapping[str, Any]) -> Table:
    columns = [
        Column(_("Laboratory"), "text"),
        Column(_("Received")),
        Column(_("Screening reactions")),
        Column(_("Capacity")),
        Column(_("Used"), "percent"),
        Column(_("Confirmations")),
        Column(_("Capacity")),
        Column(_("Positive pools"), "percent"),
        Column(_("Released")),
        Column(_("Detected")),
        Column(_("Waiting at the end")),
        Column(_("90 of 100 within"), "minutes"),
    ]
    rows = [
        (
            row["name"],
            row["received"],
            row["screening"],
            row["screening_capacity"],
            row["screening_percent"],
            row["confirmation"],
            row["confirmation_capacity"],
            row["pools"]["positive_percent"],
            row["released"],
            row["detected"],
            row["standing"],
            row["p90"],
        )
        for row in content["laboratories"]
    ]
    return Table("laboratories", _("Laboratories"), columns, rows, _("No laboratory is among your places."))


def _days(content: Mapping[str, Any]) -> Table:
    columns = [
        Column(_("Day"), "text"),
        Column(_("Collected")),
        Column(_("Received")),
        Column(_("Released")),
        Column(_("Detected")),
        Column(_("Reactions")),
    ]
    rows = [
        (
            format_date(date.fromisoformat(row["day"]), "dd/MM"),
            row["collected"],
            row["received"],
            row["released"],
            row["detected"],
            row["reactions"],
        )
        for row in content["days"]
    ]
    return Table("days", _("Day by day"), columns, rows)


def _rejected(content: Mapping[str, Any]) -> Table:
    rows = [(say_word(word), number) for word, number in content["counts"]["rejected_by_reason"].items()]
    return Table(
        "rejected",
        _("Rejected samples by reason"),
        [Column(_("Reason"), "text"), Column(_("Samples"))],
        rows,
        _("None was rejected."),
    )


def _communes(content: Mapping[str, Any]) -> Table:
    columns = [
        Column(_("Commune"), "text"),
        Column(_("Declared")),
        Column(_("Collected")),
        Column(_("Released")),
        Column(_("Detected")),
    ]
    rows = [
        (row["name"], row["declared"], row["collected"], row["released"], row["detected"])
        for row in content["communes"]
    ]
    return Table(
        "communes",
        _("Communes in which something happened"),
        columns,
        rows,
        _("Nothing happened in any commune on these days."),
    )
