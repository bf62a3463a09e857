"""Fresh codes that nothing has yet: drawn at random, and those already taken drawn again.

Of 148 million codes of a kind a campaign of a million has used one in 150, so that a lot of 100,000 would meet
hundreds of them. They are looked for beforehand; the UNIQUE constraint settles what remains of the race.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from lims import codes

LOOKED_UP_AT_ONCE = 10_000


def mint_free(session: Session, column: InstrumentedAttribute[str], *, kind: str, count: int) -> list[str]:
    """Draw codes that the table has not.

    Args:
        session: writing session.
        column: where codes of this kind are kept, as `Tube.code`.
        kind: a key of `codes.PREFIXES`.
        count: how many.

    Returns:
        `count` different codes; one statement for every 10,000 (two where some were taken).
    """
    free: dict[str, None] = {}
    while len(free) < count:
        drawn = codes.mint_many(kind, min(count - len(free), LOOKED_UP_AT_ONCE))
        taken = set(session.scalars(select(column).where(column.in_(drawn))))
        free.update(dict.fromkeys(code for code in drawn if code not in taken))
    return list(free)
