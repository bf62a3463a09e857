"""Release of 5,000 negatives, one action: what it takes beside a plain bulk write of the very same rows.

Everybody has a telephone and a webhook listens, so 10,000 messages are written with the results, besides the chain of
custody. The plain write puts the same rows into a copy of the same database with SQLAlchemy's bulk statements, in one
transaction, and reads and decides nothing. Prints seconds, the processor's too, and the ratio of these, as the clock's
depend on who else is at work:

    python bench/release.py [results]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from factories import make_world  # noqa: E402
from outbox.town import give_phones  # noqa: E402
from pooling import bench  # noqa: E402
from pooling.received import receive  # noqa: E402
from sqlalchemy import func, insert, select, text, update  # noqa: E402
from statements import count_statements  # noqa: E402

from lims import create_app, database  # noqa: E402
from lims.audit import Event, EventHead  # noqa: E402
from lims.config import Settings  # noqa: E402
from lims.extensions import db  # noqa: E402
from lims.intake.models import Declaration  # noqa: E402
from lims.outbox.actions.receivers import add_webhook  # noqa: E402
from lims.outbox.models import Message  # noqa: E402
from lims.pooling.actions.pools import propose_pools  # noqa: E402
from lims.results.actions.release import release_list  # noqa: E402
from lims.results.actions.review import review_run  # noqa: E402
from lims.results.actions.verification import verify_list  # noqa: E402
from lims.results.models import Result  # noqa: E402
from lims.transaction import writing  # noqa: E402

COUNT = 5000
RELEASED = ("status", "released_by_id", "released_at", "look")
CLOSED = ("status", "closed_at")


def make(folder: Path) -> Any:
    """Return the application on a database in a folder."""
    return create_app(
        Settings(secret_key="b" * 40, database_url=f"sqlite:///{folder}/lims.sqlite", instance_path=folder)
    )


def prepare(count: int) -> Any:
    """Bring so many people's negatives to verified results, and return the world they live in."""
    world = make_world()
    bench.install(world)
    tubes = receive(world, count)
    give_phones(tubes)
    add_webhook(
        actor=world.actor("administrator"),
        name="Other system",
        url="https://example.org/lims",
        events=["result.released"],
        place_id=None,
    )
    technician = world.actor("technician")
    propose_pools(actor=technician, laboratory_id=world.laboratory_id, tube_codes=tubes)
    for _ in range(-(-count // (10 * 380))):
        planned = bench.plan(world, size=384)
        bench.read(world, planned)
        review_run(actor=technician, run_code=planned["run"])
    wanted = {"kind": "commune", "key": str(world.commune_id)}
    verify_list(actor=world.actor("supervisor"), **wanted)
    return world


def rows_of(model: Any, *criteria: Any) -> list[dict[str, Any]]:
    """Return rows as bulk statements take them."""
    columns = [column.name for column in model.__table__.columns]
    found = db.session.execute(select(*(getattr(model, name) for name in columns)).where(*criteria))
    return [dict(zip(columns, row, strict=True)) for row in found]


def keep(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return some columns of a row."""
    return {name: row[name] for name in names}


def timed(step: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what a step answers, and its seconds by the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    answer = step()
    return answer, time.perf_counter() - clock, time.process_time() - processor


def write_plainly(written: dict[str, list[dict[str, Any]]]) -> None:
    """Write the same rows and decide nothing."""
    with writing() as session:
        for model, name, columns in ((Result, "result", RELEASED), (Declaration, "declaration", CLOSED)):
            rows = written[name]
            session.execute(
                update(model).where(model.id.in_([row["id"] for row in rows])).values(keep(rows[0], columns))
            )
        session.execute(insert(Message), written["message"])
        session.execute(insert(Event), written["event"])
        heads = written["event_head"]
        fresh, known = [row for row in heads if row["seq"] == 1], [row for row in heads if row["seq"] > 1]
        session.execute(insert(EventHead), fresh)
        session.execute(update(EventHead), known)


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        app = make(Path(first))
        with app.app_context():
            database.upgrade()
            world = prepare(count)
            with db.engine.connect() as connection:
                connection.execute(text("pragma wal_checkpoint(truncate)"))
            known = db.session.scalar(select(func.max(Event.recorded_at)))
            db.session.remove()
            shutil.copy(f"{first}/lims.sqlite", f"{second}/lims.sqlite")
            with count_statements() as sent:
                wanted = {"kind": "commune", "key": str(world.commune_id)}
                answer, *released = timed(lambda: release_list(actor=world.actor("supervisor"), **wanted))
            assert answer["released"] == count, answer
            events = rows_of(Event, Event.recorded_at > known)
            written = {
                "result": rows_of(Result),
                "declaration": rows_of(Declaration),
                "message": rows_of(Message),
                "event": events,
                "event_head": rows_of(
                    EventHead, EventHead.subject_id.in_({row["subject_id"] for row in events})
                ),
            }
            db.session.remove()
            db.engine.dispose()
        copy = make(Path(second))
        with copy.app_context():
            _, *plain = timed(lambda: write_plainly(written))
            db.session.remove()
            db.engine.dispose()
    rows = ", ".join(f"{len(some)} of {name}" for name, some in written.items())
    print(f"{count} negatives: rows {rows}")
    print("                                       by the clock   processor   ratio")
    for words, (clock, processor) in (
        ("plain bulk write of the same rows", plain),
        (f"release_list, {len(sent)} statements", released),
    ):
        print(f"{words:38} {clock:8.2f} s   {processor:8.2f} s   {processor / plain[1]:5.2f}")


if __name__ == "__main__":
    main()
