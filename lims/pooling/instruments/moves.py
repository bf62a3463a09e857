"""A plate that was put in the wrong way round, or set up some columns or rows away: found by what stands where. Pure.

Three kinds of evidence, from the surest to the weakest: the pools' codes in the file, what the instrument takes for a
control, and whether the controls show what they must.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lims.plates import COLUMNS, ROWS, rotated, rows

FARTHEST = 3
"""Columns or rows that controls alone can tell a shift by; farther, chance would find one."""
FEWEST_WELLS = 2
MOST_FIT = 0.8
"""Share of the coded wells that must fit after a move: a list that slipped by one line fits but for the last row."""


@dataclass(frozen=True, slots=True)
class Move:
    """Where a plate's content was read instead of where it was planned.

    Args:
        turned: by 180 degrees.
        down: rows towards the last one; negative towards A.
        right: columns towards the last one; negative towards 1.
    """

    turned: bool = False
    down: int = 0
    right: int = 0

    def of(self, well: str, *, size: int) -> str | None:
        """Return where the content planned for a well is read; None where that is beside the plate."""
        if self.turned:
            return rotated(well, size=size)
        row, column = rows(size).index(well[0]) + self.down, int(well[1:]) + self.right
        if not (0 <= row < ROWS[size] and 1 <= column <= COLUMNS[size]):
            return None
        return f"{rows(size)[row]}{column:02}"


TURNED = Move(turned=True)


def near_moves() -> Iterator[Move]:
    """Return the turn, and then the shifts by up to `FARTHEST` columns or rows, the nearest first."""
    yield TURNED
    for far in range(1, FARTHEST + 1):
        for sign in (1, -1):
            yield Move(right=sign * far)
            yield Move(down=sign * far)


def find_move_of_codes(
    found: Mapping[str, str], planned: Mapping[str, str | None], *, size: int
) -> Move | None:
    """Find the move after which nearly all codes of a file stand where they were planned.

    Args:
        found: well → pool's code in the file.
        planned: well → pool's code, None for a control.
        size: 96 or 384.

    Returns:
        None where the codes fit as they stand, or no move makes at least two of them and four fifths fit.
    """
    wells: dict[str, list[str]] = {}
    for well, code in planned.items():
        if code is not None:
            wells.setdefault(code, []).append(well)
    fits: Counter[Move] = Counter()
    for well, code in found.items():
        for origin in wells.get(code, ()):
            fits[Move(down=ord(well[0]) - ord(origin[0]), right=int(well[1:]) - int(origin[1:]))] += 1
            if rotated(origin, size=size) == well:
                fits[TURNED] += 1
    as_planned = fits.pop(Move(), 0)
    if not fits:
        return None
    best, count = max(fits.items(), key=lambda fit: (fit[1], fit[0].turned))
    enough = count > as_planned and count >= FEWEST_WELLS and count >= MOST_FIT * len(found)
    return best if enough else None


def find_move_of_roles(found: Mapping[str, str], planned: Mapping[str, str], *, size: int) -> Move | None:
    """Find the near move after which all that the instrument takes for controls was planned as such.

    Args:
        found: well → "negative" or "positive", of at least two wells.
        planned: well → the same for the plate's controls.
        size: 96 or 384.

    Returns:
        None where they fit as they stand, or after no near move.
    """
    if len(found) < FEWEST_WELLS or found.items() <= planned.items():
        return None
    for move in near_moves():
        moved = {move.of(well, size=size): role for well, role in planned.items()}
        if all(moved.get(well) == role for well, role in found.items()):
            return move
    return None


def find_move_of_controls(passes: Callable[[Move], bool]) -> Move | None:
    """Find the near move after which every control shows what it must, where as planned some do not.

    Args:
        passes: whether all controls of the plate pass where a move has brought them.
    """
    if passes(Move()):
        return None
    return next((move for move in near_moves() if passes(move)), None)
