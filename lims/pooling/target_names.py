"""An assay's targets by every name that a file may give them. Pure."""

from __future__ import annotations

from lims.names import fold
from lims.pooling.assays import Assay


class TargetNames:
    """The assay's targets by all their names, and by their dyes where each has its own.

    Args:
        kit: the assay's rules.
    """

    def __init__(self, kit: Assay) -> None:
        self._names = {
            fold(name): target.name for target in kit.targets for name in (target.name, *target.aliases)
        }
        dyes = [fold(target.dye) for target in kit.targets]
        self._dyes = (
            {fold(target.dye): target.name for target in kit.targets if target.dye}
            if len(set(dyes)) == len(dyes)
            else {}
        )

    def find(self, name: str, dye: str) -> str | None:
        """Return the assay's spelling of a target; by its dye where it has no name or is called by it."""
        written = fold(name)
        if written in self._names:
            return self._names[written]
        dye = fold(dye)
        return self._dyes.get(dye) or self._names.get(dye) if written in ("", dye) else None
