"""Plates of 96 and 384 wells: names, order, neighbours, and what goes where.

Pure. A well is named by its row letter and two digits, `A01`: instruments write A1, A01, a1 or a number, and
one of them in the same workbook both ways, so everything is brought to this one form. Numbers count row by
row from 1, as Applied Biosystems and RDML do (B1 is 13 on 96 wells and 25 on 384).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lims.errors import InvalidInput, Refused

ROWS = {96: 8, 384: 16}
COLUMNS = {96: 12, 384: 24}
ORDERS = ("column", "row")
"""By column (A01, B01, C01 …) suits eight-channel pipettes and most extraction decks; it is the default."""

_WELL = re.compile(r"([A-P])0?([1-9]|1[0-9]|2[0-4])")


def rows(size: int) -> str:
    """Return the row letters of a plate, 'ABCDEFGH' for 96 wells."""
    _check_size(size)
    return "ABCDEFGHIJKLMNOP"[: ROWS[size]]


def columns(size: int) -> range:
    """Return the column numbers of a plate, 1 to 12 for 96 wells."""
    _check_size(size)
    return range(1, COLUMNS[size] + 1)


def well_names(size: int, order: str = "column") -> tuple[str, ...]:
    """Name every well of a plate in filling order.

    Args:
        size: 96 or 384.
        order: 'column' or 'row'.

    Raises:
        InvalidInput: another size or order.
    """
    if order not in ORDERS:
        raise InvalidInput("A plate is filled by column or by row.", field="order")
    if order == "row":
        return tuple(f"{letter}{number:02}" for letter in rows(size) for number in columns(size))
    return tuple(f"{letter}{number:02}" for number in columns(size) for letter in rows(size))


def parse_well(text: str, *, size: int = 96, field: str = "well") -> str:
    """Read a well's name in any usual spelling.

    Args:
        text: A1, a01, H12, with blanks around.
        size: 96 or 384; a well that is not on this plate is refused.
        field: name of the input, for the error.

    Returns:
        The name with two digits, `A01`.

    Raises:
        InvalidInput: it is no well of this plate.
    """
    match = _WELL.fullmatch(text.strip().upper())
    if not match or match[1] not in rows(size) or int(match[2]) not in columns(size):
        raise InvalidInput(
            "“%(text)s” is not a well of a plate of %(size)s. Wells are named A1 to %(last)s.",
            field=field,
            text=text.strip()[:20],
            size=size,
            last=f"{rows(size)[-1]}{columns(size)[-1]}",
        )
    return f"{match[1]}{int(match[2]):02}"


def well_at(index: int, *, size: int = 96) -> str:
    """Return the well with a number, counted row by row from 1.

    Args:
        index: 1 to the plate's size.
        size: 96 or 384.

    Raises:
        InvalidInput: no such number on this plate.
    """
    _check_size(size)
    if not 1 <= index <= size:
        raise InvalidInput("A plate of %(size)s has no well %(index)s.", field="well", size=size, index=index)
    row, column = divmod(index - 1, COLUMNS[size])
    return f"{rows(size)[row]}{column + 1:02}"


def well_index(well: str, *, size: int = 96) -> int:
    """Return the number of a well, counted row by row from 1; the inverse of `well_at`."""
    name = parse_well(well, size=size)
    return rows(size).index(name[0]) * COLUMNS[size] + int(name[1:])


def neighbours(well: str, *, size: int = 96, distance: int = 1) -> tuple[str, ...]:
    """Name the wells around a well, diagonals included, in reading order.

    A strong positive beside a late one is how splashed drops show themselves.

    Args:
        well: the well in the middle.
        size: 96 or 384.
        distance: how many wells away, counted as a chess king moves.

    Raises:
        InvalidInput: it is no well of this plate.
    """
    middle = parse_well(well, size=size)
    row, column = rows(size).index(middle[0]), int(middle[1:])
    return tuple(
        f"{letter}{number:02}"
        for place, letter in enumerate(rows(size))
        for number in columns(size)
        if (place, number) != (row, column)
        and abs(place - row) <= distance
        and abs(number - column) <= distance
    )


def rotated(well: str, *, size: int = 96) -> str:
    """Return where a well lands when the plate is put in the wrong way round (turned by 180 degrees)."""
    return well_at(size + 1 - well_index(well, size=size), size=size)


def layout(
    size: int,
    items: Sequence[str],
    controls: Sequence[str] | Mapping[str, str],
    order: str = "column",
    *,
    wells_per_item: int = 1,
) -> dict[str, str]:
    """Lay samples and controls out on a plate.

    Controls may be given their wells (anywhere). Without wells they take the last ones in filling order,
    which on a plate turned round are the first ones: samples would lie there, so the turn is noticed as soon
    as the controls are read. Controls that would look the same on a turned plate are refused.

    Args:
        size: 96 or 384.
        items: what to test, in order (pool codes), each once.
        controls: kinds of control in order, or well → kind for controls placed by hand.
        order: 'column' or 'row'.
        wells_per_item: reactions of each item, for kits with one target a well.

    Returns:
        Well → item or kind of control, in filling order.

    Raises:
        InvalidInput: an unknown well, size or order, the same well or the same item twice.
        Refused: too many for the plate, or controls that hide a turned plate.
    """
    placed = _place_controls(size, controls, order)
    free = [well for well in well_names(size, order) if well not in placed]
    twice = next((item for place, item in enumerate(items) if item in items[:place]), None)
    if twice is not None:
        raise InvalidInput("%(item)s is on this plate twice.", field="items", item=twice)
    needed = len(items) * wells_per_item
    if needed > len(free):
        raise Refused(
            "The plate has %(free)s wells beside its controls; %(needed)s are needed. Start another plate.",
            field="items",
            free=len(free),
            needed=needed,
        )
    filled = {free[place]: items[place // wells_per_item] for place in range(needed)}
    if placed and all(placed.get(rotated(well, size=size)) == kind for well, kind in placed.items()):
        raise Refused(
            "If this plate were put in the wrong way round, its controls would stay in the same wells and nobody "
            "would notice. Move one control.",
            field="controls",
        )
    return {
        well: (placed | filled)[well] for well in well_names(size, order) if well in placed or well in filled
    }


def _place_controls(size: int, controls: Sequence[str] | Mapping[str, str], order: str) -> dict[str, str]:
    if not isinstance(controls, Mapping):
        names = well_names(size, order)
        if len(controls) > size:
            raise Refused("There are more controls than wells.", field="controls")
        return dict(zip(names[len(names) - len(controls) :], controls, strict=True))
    placed: dict[str, str] = {}
    for text, kind in controls.items():
        well = parse_well(text, size=size, field="controls")
        if well in placed:
            raise InvalidInput("The well %(well)s is given twice.", field="controls", well=well)
        placed[well] = kind
    return placed


def _check_size(size: int) -> None:
    if size not in ROWS:
        raise InvalidInput("A plate has 96 or 384 wells.", field="size")
