"""`lims capacity fold` and `lims capacity rebuild`: the counts, by hand."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from lims.auth.actors import SYSTEM
from lims.capacity.counting.folding import fold_all
from lims.capacity.counting.parts import Key
from lims.capacity.counting.recounting import Recount, rebuild, recount
from lims.commands.output import json_option, say
from lims.transaction import open_snapshot

SHOWN = 50


@click.command("fold")
@json_option
@with_appcontext
def fold_command(as_json: bool) -> None:
    """Count what was changed since the last time, as `lims worker` does every second.

    Example: lims capacity fold
    """
    folded = fold_all()
    say({"folded": folded}, as_json=as_json, sentence=f"{folded} changes were counted.")


@click.command("rebuild")
@click.option("--check", is_flag=True, help="Only compare; exit 1 if a number differs.")
@json_option
@with_appcontext
def rebuild_command(check: bool, as_json: bool) -> None:
    """Count everything anew and compare it with the summaries; without --check, correct them.

    What is corrected becomes known today: reports of past days stay as they were known then. What was changed a moment
    ago and is not folded yet is no difference.

    Example: lims capacity rebuild --check
    """
    if not check:
        fold_all()
        done = rebuild(actor=SYSTEM)
        say(
            done,
            as_json=as_json,
            sentence=f"{done['things']} things were counted, {done['changed']} of them otherwise than before; "
            f"{done['numbers']} numbers were corrected.",
        )
        return
    with open_snapshot() as session:
        found = recount(session)
    say(as_figures(found), as_json=as_json, sentence=lambda: _as_text(found))
    if not found.holds:
        raise SystemExit(1)


def as_figures(found: Recount) -> dict[str, object]:
    """Return a recount as what JSON holds."""
    return {
        "holds": found.holds,
        "things": found.things,
        "numbers": found.numbers,
        "stale": {kind: [str(key) for key in keys] for kind, keys in found.stale.items()},
        "differences": [
            {**{name: str(value) for name, value in key._asdict().items()}, "difference": number}
            for key, number in sorted(found.differences.items(), key=lambda item: str(item[0]))
        ],
    }


def _as_text(found: Recount) -> str:
    lines = [f"{found.things} things make {found.numbers} numbers."]
    lines += [
        f"{len(keys)} of kind {kind} stand otherwise than counted." for kind, keys in found.stale.items()
    ]
    shown = sorted(found.differences.items(), key=lambda item: str(item[0]))
    lines += [f"{number:+} {_name(key)}" for key, number in shown[:SHOWN]]
    if len(shown) > SHOWN:
        lines.append(f"… and {len(shown) - SHOWN} more.")
    lines.append("The summaries equal a recount." if found.holds else "The summaries differ from a recount.")
    return "\n".join(lines)


def _name(key: Key) -> str:
    return " ".join(str(part) for part in key if part not in (None, ""))
