"""Who acts: a frozen value that views and the command line give to actions. Pure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from lims.auth.rules import PERMISSIONS
from lims.errors import NotAllowed, NotFound


@dataclass(frozen=True)
class Actor:
    """A signed-in person, a device or the system itself, with what they may do and where.

    Args:
        user_id: account; None for a resident or the system.
        display_name: shown on pages and on release records.
        roles: words of `auth.rules.ROLES`.
        place_ids: every place below the ones the account is assigned to, the assigned ones included.
        everywhere: True for administrators and the system: all places.
        language: "vi" or "en".
        device_id: the phone that speaks for the account, if one does.
        scopes: permissions that a program's token is narrowed to; None where nothing is narrowed.
    """

    user_id: uuid.UUID | None
    display_name: str
    roles: frozenset[str] = frozenset()
    place_ids: frozenset[uuid.UUID] = field(default=frozenset(), repr=False)
    everywhere: bool = False
    language: str = "vi"
    device_id: uuid.UUID | None = None
    scopes: frozenset[str] | None = None

    @property
    def permissions(self) -> frozenset[str]:
        """All permissions of all roles held, narrowed to the scopes."""
        held = frozenset().union(*(PERMISSIONS[role] for role in self.roles))
        return held if self.scopes is None else held & self.scopes

    def can(self, permission: str) -> bool:
        """Tell whether one of the roles includes the permission, and the scopes as well where there are any."""
        within = self.scopes is None or permission in self.scopes
        return within and any(permission in PERMISSIONS[role] for role in self.roles)

    def check(self, permission: str) -> None:
        """Refuse what the roles, or a token's scopes, do not include.

        Raises:
            NotAllowed: no role of the actor has the permission, or its token lacks the scope.
        """
        if self.scopes is not None and permission not in self.scopes:
            raise NotAllowed(
                "This token may not do this: it lacks the scope %(scope)s. Ask an administrator for another token.",
                scope=permission,
            )
        if not self.can(permission):
            raise NotAllowed("Your account may not do this. Ask your coordinator for the role that may.")

    def sees(self, place_id: uuid.UUID | None) -> bool:
        """Tell whether a place is among the actor's; a thing without a place is seen by all staff."""
        return self.everywhere or place_id is None or place_id in self.place_ids

    def check_place(self, *place_ids: uuid.UUID | None, missing: NotFound | None = None) -> None:
        """Refuse a thing none of whose places is the actor's, as if it did not exist.

        Args:
            place_ids: the thing's places.
            missing: what is raised where there is no such thing, so that the two answers are the same to a letter
                (SECURITY R1); a general sentence when left out.

        Raises:
            NotFound: none of the places is among the actor's.
        """
        if not any(self.sees(place_id) for place_id in place_ids):
            raise missing or NotFound(
                "There is no such thing among your places. Check the code, or ask your coordinator."
            )


SYSTEM = Actor(user_id=None, display_name="system", roles=frozenset({"administrator"}), everywhere=True)
RESIDENT = Actor(user_id=None, display_name="")
