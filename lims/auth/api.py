"""Signing in for programs: a token for the Authorization header."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field

from lims.auth.actions import PROGRAM_LASTS
from lims.auth.views import sign_in_user

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
