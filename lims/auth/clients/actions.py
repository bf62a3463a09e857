"""Programs with tokens of their own: the writes."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Collection

from sqlalchemy import update
from sqlalchemy.orm import Session

from lims import audit, clock, names
from lims.auth import scopes as rules
from lims.auth.actors import Actor
from lims.auth.clients import queries
from lims.auth.models import ApiClient, User
from lims.errors import AlreadyDone, NotFound, Refused
from lims.tables import new_id
from lims.transaction import action

# Tokens are known by it: a program's own is never looked for among the sessions, and a lost one is found by scanners.
PREFIX = "lims_client_"
LONGEST_NAME = 80


@action
def add_client(
    session: Session,
    *,
    actor: Actor,
    name: str,
    user_id: uuid.UUID,
    scopes: Collection[str],
    days: int,
) -> dict[str, str]:
    """Make a program's token. It is returned here and kept nowhere, so this is not answered twice by a client's id.

    Args:
        actor: who makes it.
        name: what the program is called on the list.
        user_id: the service account that it speaks for; its places hold for the program, too.
        scopes: words of `auth.scopes.SCOPES`, of which the account's roles have every one.
        days: for how long it works, 1 to 365.

    Returns:
        `id`, `token` and `expires_at` (ISO 8601).

    Raises:
        NotFound: there is no such account.
        Refused: the account is a person's, or closed.
        InvalidInput: a name, scopes or days that cannot be.
    """
    user = session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("There is no such account.", field="account")
    if not user.is_service:
        raise Refused(
            "%(username)s is a person's account. Make an account for the program first.",
            field="account",
            username=user.username,
        )
    if not user.is_active:
        raise Refused(
            "The account %(username)s is closed. Reopen it, or choose another.",
            field="account",
            username=user.username,
        )
    chosen = rules.check_scopes(scopes, roles={assignment.role for assignment in user.assignments})
    token = PREFIX + secrets.token_urlsafe(32)
    now = clock.now()
    client = ApiClient(
        id=new_id(),
        name=names.clean_name(name, field="name", longest=LONGEST_NAME),
        user_id=user.id,
        scopes=chosen,
        token_hash=hashlib.sha256(token.encode()).digest(),
        created_at=now,
        created_by_id=actor.user_id,
        expires_at=now + rules.check_days(days),
    )
    session.add(client)
    audit.note(session, "api_client", client.id, "created", account=str(user.id), scopes=chosen, days=days)
    return {"id": str(client.id), "token": token, "expires_at": client.expires_at.isoformat()}


@action
def revoke_client(session: Session, *, actor: Actor, api_client_id: uuid.UUID) -> None:
    """End a program's token at once.

    Raises:
        NotFound: there is no such program.
        AlreadyDone: its token was revoked before.
    """
    client = queries.get_client(session, api_client_id=api_client_id, lock=True)
    if client.revoked_at is not None:
        raise AlreadyDone("This token was revoked before. Nothing was changed.")
    client.revoked_at = clock.now()
    audit.note(session, "api_client", client.id, "revoked")


@action
def touch_client(session: Session, *, actor: Actor, api_client_id: uuid.UUID) -> None:
    """Remember that a token is in use; called at most every five minutes."""
    session.execute(update(ApiClient).where(ApiClient.id == api_client_id).values(last_used_at=clock.now()))
