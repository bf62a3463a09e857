"""State tables: which move is allowed, said once, read by actions, tests and the diagrams in docs/.

Pure. A package's `rules.py` makes one `States` per thing that moves; actions call `check` before any change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lims.errors import AlreadyDone, WrongState


@dataclass(frozen=True)
class States:
    """The allowed moves of one kind of thing.

    Args:
        thing: the word of DESIGN §2, as in "tube".
        moves: state → states that may follow it; a state that leads nowhere has an empty tuple.
    """

    thing: str
    moves: Mapping[str, tuple[str, ...]]

    @property
    def words(self) -> tuple[str, ...]:
        """All states, in the order of the table."""
        return tuple(self.moves)

    def can(self, before: str, after: str) -> bool:
        """Tell whether the table allows the move."""
        return after in self.moves[before]

    def check(self, before: str, after: str, *, code: str, field: str = "") -> None:
        """Refuse a move that the table does not have.

        Args:
            before: state the thing is in.
            after: state it should go to.
            code: printed code (or another name) of the thing, for the message.
            field: input at fault.

        Raises:
            AlreadyDone: it is in that state already.
            WrongState: the table has no such move.
        """
        if before == after:
            raise AlreadyDone(
                "%(code)s is already %(state)s. Nothing was changed.", field=field, code=code, state=before
            )
        if not self.can(before, after):
            raise WrongState(
                "%(code)s is %(state)s and cannot become %(wanted)s. Look at its record to see what came before.",
                field=field,
                code=code,
                state=before,
                wanted=after,
            )

    def before(self, after: str) -> tuple[str, ...]:
        """Return the states from which `after` can be reached in one move."""
        return tuple(state for state, following in self.moves.items() if after in following)

    def diagram(self) -> str:
        """Return the table as a Mermaid state diagram, for docs/states.md."""
        lines = ["stateDiagram-v2"]
        for state, following in self.moves.items():
            lines.extend(f"    {state} --> {after}" for after in following)
            if not following:
                lines.append(f"    {state} --> [*]")
        return "\n".join(lines)


def check_words(tables: Iterable[States]) -> None:
    """Refuse tables that lead to a state they do not list; run by the house tests.

    Raises:
        ValueError: a move leads to an unlisted state.
    """
    for table in tables:
        for following in table.moves.values():
            for state in following:
                if state not in table.moves:
                    raise ValueError(f"{table.thing}: {state} is reached but not listed")
