"""Accounts for programs: list, make, close, open. For an administrator's own session; no program's token has it."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from pydantic import BaseModel, Field

from lims.auth import actions, passwords, queries
from lims.auth.api import auth_api
from lims.auth.models import User
from lims.auth.rules import ROLES
from lims.errors import InvalidInput, NotAllowed
from lims.extensions import db
from lims.places import queries as place_queries
from lims.security import current_actor, needs

MOST = 100
Role = Literal[ROLES]  # type: ignore[valid-type]


class RoleAtPlace(BaseModel):
    """A role and the place that it holds for, with everything below; without a place for everywhere."""

    role: Role
    place_id: uuid.UUID | None = None


class NewAccount(BaseModel):
    """An account; a program's has no password, it speaks by tokens."""

    username: str = Field(min_length=2, max_length=63)
    display_name: str = Field(min_length=1, max_length=120)
    password: str = Field(default="", max_length=passwords.LONGEST)
    roles: list[RoleAtPlace] = Field(min_length=1, max_length=20)
    is_service: bool = False


class MadeAccount(BaseModel):
    """The account that was made, and its badge; a program's is empty."""

    id: uuid.UUID
    badge_code: str


class AccountsAsked(BaseModel):
    """Accounts of a role, after a user name."""

    role: Role | None = None
    after: str = Field(default="", max_length=64)


class AccountOut(BaseModel):
    """An account and its roles."""

    id: uuid.UUID
    username: str
    display_name: str
    is_active: bool
    is_service: bool
    roles: list[RoleAtPlace]


class AccountsOut(BaseModel):
    """At most 100 accounts by user name, and what to ask for the next."""

    accounts: list[AccountOut]
    next: str | None


class AccountActive(BaseModel):
    """Whether an account is open."""

    active: bool


def _describe(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "username": user.username,
        "display_name": user.display_name,
        "is_active": user.is_active,
        "is_service": user.is_service,
        "roles": [{"role": one.role, "place_id": one.place_id} for one in user.assignments],
    }


@auth_api.get("/accounts")
@auth_api.input(AccountsAsked, location="query")
@auth_api.output(AccountsOut)
@auth_api.doc(summary="Accounts by user name")
@needs("manage_accounts")
def list_accounts(query_data: AccountsAsked) -> dict[str, Any]:
    """Return accounts."""
    found = queries.list_users(
        db.session(), role=query_data.role or "", after=query_data.after.strip().lower(), most=MOST
    )
    following = found[-1].username if len(found) == MOST else None
    return {"accounts": [_describe(user) for user in found], "next": following}


@auth_api.post("/accounts")
@auth_api.input(NewAccount)
@auth_api.output(MadeAccount)
@auth_api.doc(summary="Make an account", responses=[404])
@needs("manage_accounts")
def create_account(json_data: NewAccount) -> dict[str, Any]:
    """Make an account; sent twice, the second is told that the user name is taken."""
    for one in json_data.roles:
        if one.place_id is not None:
            place_queries.get_place(db.session(), place_id=one.place_id)
        elif one.role != "administrator":
            raise InvalidInput("Choose the place where this role works.", field="place_id")
    if not json_data.is_service:
        passwords.check_strength(json_data.password, username=json_data.username)
    return actions.create_user(
        actor=current_actor(),
        username=json_data.username,
        display_name=json_data.display_name,
        password_hash="" if json_data.is_service else passwords.hash_password(json_data.password),
        roles=[(one.role, one.place_id) for one in json_data.roles],
        is_service=json_data.is_service,
    )


@auth_api.post("/accounts/<uuid:user_id>/active")
@auth_api.input(AccountActive)
@auth_api.output(AccountOut)
@auth_api.doc(
    summary="Close an account, which ends its sessions and tokens at once, or open it", responses=[404, 409]
)
@needs("manage_accounts")
def set_account_active(user_id: uuid.UUID, json_data: AccountActive) -> dict[str, Any]:
    """Close or open an account."""
    if user_id == current_actor().user_id:
        raise NotAllowed("You cannot close your own account. Ask another administrator.")
    actions.set_user_active(actor=current_actor(), user_id=user_id, is_active=json_data.active)
    db.session.rollback()
    return _describe(queries.get_user(db.session(), user_id=user_id))
