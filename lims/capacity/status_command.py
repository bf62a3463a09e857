"""`lims capacity status`: the board for a terminal and for scripts."""

from __future__ import annotations

from datetime import datetime

import click
from flask.cli import with_appcontext

from lims.auth.actors import SYSTEM
from lims.capacity.board_figures import as_figures
from lims.capacity.measures import STATIONS
from lims.capacity.queries.board import Board, read_board
from lims.commands.output import json_option, say
from lims.extensions import db


@click.command("status")
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="Local day of the day's figures; today by default."
)
@json_option
@with_appcontext
def status_command(day: datetime | None, as_json: bool) -> None:
    """What stands where, how fast it goes, each laboratory's day; the JSON is that of GET /api/v1/board.

    Example: lims capacity status --json
    """
    board = read_board(db.session(), actor=SYSTEM, day=day.date() if day else None)
    say(as_figures(board), as_json=as_json, sentence=lambda: _as_text(board))


def _as_text(board: Board) -> str:
    lines = [f"{board.day}: {board.waiting} samples wait, {board.total('released')} were released."]
    lines += [f"  {board.to_sample:>9}  declared, not sampled"]
    lines += [f"  {board.stations[name]:>9}  {word}{_oldest(board, name)}" for name, word in STATIONS.items()]
    lines.append(f"In laboratories: {_pace(board)}")
    for row in board.laboratories:
        load = row.screening
        lines.append(
            f"  {row.name}: {row.standing} samples; screening {load.used} used, {load.planned} planned, "
            f"{load.free} free of {load.capacity}; confirmations {row.confirmation.used} of {row.confirmation.capacity}"
        )
    if not board.laboratories:
        lines.append("  There is no laboratory yet.")
    if board.effective is None:
        lines.append("People a day: known as soon as pools were tested.")
    else:
        lines.append(f"People a day: {board.effective.people}, bound by {board.effective.bound_by}.")
    lines.append(f"Discrepancies open: {board.discrepancies}.")
    return "\n".join(lines)


def _oldest(board: Board, station: str) -> str:
    found = board.oldest_by_station.get(station)
    if found is None:
        return ""
    minutes = int((board.at - found.since).total_seconds() // 60)
    return f"; oldest {found.tube}, {minutes // 60} h {minutes % 60} min"


def _pace(board: Board) -> str:
    pace = board.pace
    rates = f"{pace.arrivals_per_hour:.1f} come and {pace.done_per_hour:.1f} are done an hour"
    if pace.standing == "empty":
        return f"nothing waits; {rates}."
    if pace.hours_to_clear is None:
        return f"{pace.waiting} wait and never end at this pace; {rates}."
    return f"{pace.waiting} wait, done in {pace.hours_to_clear:.1f} h; {rates}."
