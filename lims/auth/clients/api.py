"""Programs' tokens for programs: list, make, revoke; asked for by an administrator's own session, never by a token
that was made here."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from lims import clock
from lims.auth import queries as auth_queries
from lims.auth import scopes as rules
from lims.auth.clients import actions, queries
from lims.auth.models import ApiClient
from lims.extensions import db
from lims.security import current_actor, needs

clients_api = APIBlueprint("clients_api", __name__, url_prefix="/api/v1", tag="Accounts and programs")
MOST = 100


class NewClient(BaseModel):
    """A program's token to be made."""

    name: str = Field(min_length=1, max_length=actions.LONGEST_NAME)
    username: str = Field(max_length=64, description="of a service account")
    scopes: list[str] = Field(min_length=1, max_length=len(rules.SCOPES), examples=[["see_laboratory"]])
    days: int = Field(ge=1, le=rules.LONGEST_DAYS)


class MadeClient(BaseModel):
    """The token; it is shown here and never again."""

    id: uuid.UUID
    token: str
    expires_at: datetime


class ClientOut(BaseModel):
    """A program and how its token stands: live, ending (within 14 days), ended or revoked."""

    id: uuid.UUID
    name: str
    username: str
    scopes: list[str]
    standing: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class ClientsAsked(BaseModel):
    """Programs made before one of them."""

    before: uuid.UUID | None = None


class ClientsOut(BaseModel):
    """At most 100 programs, the newest first, and what to ask for the next."""

    clients: list[ClientOut]
    next: uuid.UUID | None


def describe(client: ApiClient) -> dict[str, Any]:
    """Return a program as the API and the command tell it."""
    stands = rules.standing(now=clock.now(), expires_at=client.expires_at, revoked_at=client.revoked_at)
    return {
        "id": client.id,
        "name": client.name,
        "username": client.user.username,
        "scopes": client.scopes,
        "standing": stands,
        "created_at": client.created_at,
        "expires_at": client.expires_at,
        "last_used_at": client.last_used_at,
        "revoked_at": client.revoked_at,
    }


@clients_api.get("/clients")
@clients_api.input(ClientsAsked, location="query")
@clients_api.output(ClientsOut)
@clients_api.doc(summary="Programs and how their tokens stand")
@needs("manage_clients")
def list_clients(query_data: ClientsAsked) -> dict[str, Any]:
    """Return programs."""
    found = queries.list_clients(db.session(), before=query_data.before, most=MOST)
    following = found[-1].id if len(found) == MOST else None
    return {"clients": [describe(client) for client in found], "next": following}


@clients_api.post("/clients")
@clients_api.input(NewClient)
@clients_api.output(MadeClient)
@clients_api.doc(summary="Make a program's token", responses=[404, 409])
@needs("manage_clients")
def add_client(json_data: NewClient) -> dict[str, Any]:
    """Make a token."""
    user = auth_queries.get_user(db.session(), username=json_data.username)
    return actions.add_client(
        actor=current_actor(),
        name=json_data.name,
        user_id=user.id,
        scopes=json_data.scopes,
        days=json_data.days,
    )


@clients_api.post("/clients/<uuid:api_client_id>/revoke")
@clients_api.output(ClientOut)
@clients_api.doc(summary="End a program's token at once", responses=[404, 409])
@needs("manage_clients")
def revoke_client(api_client_id: uuid.UUID) -> dict[str, Any]:
    """Revoke a token."""
    actions.revoke_client(actor=current_actor(), api_client_id=api_client_id)
    return describe(queries.get_client(db.session(), api_client_id=api_client_id))
