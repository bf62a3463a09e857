"""Which commune a list means: names as people write them, matched to the communes of one province. Pure.

"P. Hà Khánh", "Hà Khánh" and "phường ha khanh" are one; a name that two districts share needs its district.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from lims.errors import InvalidInput
from lims.names import fold

_KIND = re.compile(r"^(phuong|xa|thi tran|thi xa|thanh pho|quan|huyen|tp|tx|tt|[pxqh])[. ]\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class CommuneName:
    """A commune as it can be named.

    Args:
        id: its key.
        code: its five-digit code.
        name: its name, as "Phường Hà Khánh".
        district: its district's name.
    """

    id: uuid.UUID
    code: str
    name: str
    district: str


def bare_name(text: str) -> str:
    """Return a place's name folded and without the word for its kind: "P. Hà Khánh" is "ha khanh"."""
    folded = fold(text)
    bare = _KIND.sub("", folded)
    # "Phường 1" is named by its number; "xã" alone is no name
    return bare or folded


class CommuneFinder:
    """Finds the commune a row of a list means.

    Args:
        communes: those of the campaign's province.
    """

    def __init__(self, communes: Iterable[CommuneName]) -> None:
        self._by_code: dict[str, CommuneName] = {}
        self._by_name: dict[str, list[CommuneName]] = {}
        for commune in communes:
            self._by_code[commune.code] = commune
            for key in {fold(commune.name), bare_name(commune.name)}:
                self._by_name.setdefault(key, []).append(commune)

    def find(self, *, commune: str, district: str) -> uuid.UUID:
        """Return the key of the commune that a row names.

        Args:
            commune: as written, a name or a five-digit code.
            district: as written, or ''.

        Raises:
            InvalidInput: no commune of the province is called so, or several are and the district does not say which.
        """
        named = self._by_code.get(commune.strip())
        found = [named] if named else self._named(commune)
        if len(found) > 1 and district:
            found = [one for one in found if bare_name(one.district) == bare_name(district)] or found
        if not found:
            raise InvalidInput(
                "There is no commune “%(text)s” in this campaign's province. Correct its name.",
                field="commune",
                text=commune[:60],
            )
        if len(found) > 1:
            raise InvalidInput(
                "Several communes are called “%(text)s”. Write the district, too.",
                field="commune",
                text=commune[:60],
            )
        return found[0].id

    def _named(self, commune: str) -> list[CommuneName]:
        # With its kind the name is exact: "Xã Hồng Thái" and "Phường Hồng Thái" may lie in one district.
        return self._by_name.get(fold(commune)) or self._by_name.get(bare_name(commune)) or []
