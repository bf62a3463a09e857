"""What stands on a tube's label besides its code, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from lims import clock
from lims.intake.models import TubeLot
from lims.labels import Label
from lims.language import say_word


def make_tube_labels(lot: TubeLot, codes: Iterable[str]) -> list[Label]:
    """Return the labels of some of a lot's tubes: code, mixed or single, where to, when minted."""
    where = lot.place.name if lot.place else ""
    day = clock.local(lot.minted_at).strftime("%d/%m/%Y")
    words = tuple(line for line in (say_word(lot.mode), where, day) if line)
    return [Label(code, words) for code in codes]
