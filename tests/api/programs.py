"""Programs with tokens of their own, made as an administrator makes them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from factories import World

from lims.auth.actions import create_user
from lims.auth.clients.actions import add_client


@dataclass(frozen=True)
class Program:
    """A token as it was shown once, and what it belongs to."""

    id: uuid.UUID
    user_id: uuid.UUID
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What the program sends with each request."""
        return {"Authorization": f"Bearer {self.token}"}


def make_account(
    world: World, role: str, place_id: uuid.UUID | None, username: str = "hospital"
) -> uuid.UUID:
    """Return the account of a program."""
    made = create_user(
        actor=world.actor("administrator"),
        username=username,
        display_name="Hospital system",
        password_hash="",
        roles=[(role, place_id)],
        is_service=True,
    )
    return uuid.UUID(made["id"])


def make_program(
    world: World,
    *scopes: str,
    role: str = "supervisor",
    place_id: uuid.UUID | None = None,
    user_id: uuid.UUID | None = None,
    days: int = 30,
) -> Program:
    """Return a program of a role's account at a place, its laboratory by default, or of an account that is there."""
    account = user_id or make_account(world, role, place_id or world.laboratory_id)
    chosen: Sequence[str] = scopes or ("see_laboratory", "home")
    made = add_client(
        actor=world.actor("administrator"), name="Hospital system", user_id=account, scopes=chosen, days=days
    )
    return Program(uuid.UUID(made["id"]), account, made["token"])
