"""Signing in for programs: a token for the Authorization header; and who a token speaks for."""

from __future__ import annotations

import uuid
from typing import Any

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field

from lims.auth.actions import PROGRAM_LASTS
from lims.auth.views import sign_in_user
from lims.security import current_actor, needs

auth_api = APIBlueprint("auth_api", __name__, url_prefix="/api/v1", tag="Signing in")


class Credentials(BaseModel):
    """A user name and its password."""

    username: str = Field(max_length=64)
    password: str = Field(max_length=200)


class Token(BaseModel):
    """A token to be sent as `Authorization: Bearer …`."""

    token: str
    expires_in_s: int


@auth_api.post("/sign-in")
@auth_api.input(Credentials)
@auth_api.output(Token)
@auth_api.doc(summary="Get a token for a program", responses=[422, 429])
def sign_in(json_data: Credentials) -> dict[str, object]:
    """Start a program's session."""
    token = sign_in_user(
        username=json_data.username,
        password=json_data.password,
        address=request.remote_addr or "",
        kind="program",
    )
    return {"token": token, "expires_in_s": int(PROGRAM_LASTS.total_seconds())}


class Myself(BaseModel):
    """Who a token speaks for, and what it may do: its roles' permissions, narrowed to its scopes."""

    user_id: uuid.UUID
    name: str
    roles: list[str]
    permissions: list[str]
    scopes: list[str] | None
    everywhere: bool
    place_ids: list[uuid.UUID]


@auth_api.get("/me")
@auth_api.output(Myself)
@auth_api.doc(summary="Who this token speaks for, and what it may do")
@needs("home")
def show_myself() -> dict[str, Any]:
    """Return the caller."""
    actor = current_actor()
    return {
        "user_id": actor.user_id,
        "name": actor.display_name,
        "roles": sorted(actor.roles),
        "permissions": sorted(actor.permissions),
        "scopes": None if actor.scopes is None else sorted(actor.scopes),
        "everywhere": actor.everywhere,
        "place_ids": sorted(actor.place_ids),
    }
