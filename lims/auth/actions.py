"""Accounts, sessions and failed tries: the writes."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import NoReturn

from sqlalchemy import Executable, and_, bindparam, delete, or_, select, text, update
from sqlalchemy.orm import Session

from lims import audit, clock, codes
from lims.auth.actors import Actor
from lims.auth.models import ApiClient, Assignment, SignIn, Throttle, User
from lims.auth.queries import Counted
from lims.auth.rules import ROLES
from lims.errors import InvalidInput, NotFound, Refused, TooManyTries
from lims.names import clean_name
from lims.tables import Moment, new_id
from lims.transaction import action

BROWSER_LASTS = timedelta(hours=14)
PROGRAM_LASTS = timedelta(days=30)
SHORT_WINDOW = timedelta(minutes=15)
LONGEST_WINDOW = timedelta(days=1)
SWEPT_AT_ONCE = 20
# Counters that count for the longest window; the sweep leaves them that long.
LASTING = ("read.code_day",)
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


@action
def create_user(
    session: Session,
    *,
    actor: Actor,
    username: str,
    display_name: str,
    password_hash: str,
    roles: Sequence[tuple[str, uuid.UUID | None]],
    language: str = "vi",
    is_demo: bool = False,
    is_service: bool = False,
) -> dict[str, str]:
    """Create an account of staff, or of a program.

    Args:
        actor: who creates it.
        username: 2 to 63 letters a–z, digits, dot, dash or underscore; kept in lower case.
        display_name: shown on pages and release records.
        password_hash: of `passwords.hash_password`, made before the transaction as it is slow on purpose.
        roles: role words, each with the place it holds for, or None for everywhere.
        language: "vi" or "en".
        is_demo: True for the open demo accounts.
        is_service: True for a program's account: it has no password and no badge, and speaks by tokens alone.

    Returns:
        `id` and `badge_code` of the account; a program's badge is empty.

    Raises:
        InvalidInput: a name that cannot be one, is taken, or an unknown role.
    """
    username = username.strip().lower()
    if not USERNAME.fullmatch(username):
        raise InvalidInput(
            "The user name needs 2 to 63 letters a–z, digits, dots, dashes or underscores.", field="username"
        )
    if session.scalar(select(User.id).where(User.username == username)):
        raise InvalidInput(
            "The user name %(username)s is taken. Choose another.", field="username", username=username
        )
    unknown = [role for role, _ in roles if role not in ROLES]
    if unknown or not roles:
        raise InvalidInput("Choose at least one role.", field="roles")
    user = User(
        id=new_id(),
        username=username,
        display_name=clean_name(display_name, field="display_name"),
        password_hash="" if is_service else password_hash,
        badge_code=None if is_service else codes.mint("badge"),
        language=language,
        is_demo=is_demo,
        is_service=is_service,
        created_at=clock.now(),
    )
    session.add(user)
    session.flush()
    session.add_all(
        Assignment(id=new_id(), user_id=user.id, role=role, place_id=place) for role, place in roles
    )
    audit.note(session, "user", user.id, "created", roles=[role for role, _ in roles])
    return {"id": str(user.id), "badge_code": user.badge_code or ""}


@action
def set_user_active(session: Session, *, actor: Actor, user_id: uuid.UUID, is_active: bool) -> None:
    """Close or reopen an account; closing ends all its sessions and revokes its programs' tokens at once.

    Raises:
        NotFound: there is no such account.
        Refused: it is the last open account of an administrator.
    """
    user = session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("There is no such account.", field="user_id")
    if not is_active:
        _check_administrators_left(session, without=user_id)
        _end_sessions(session, user_id)
        _revoke_tokens(session, user_id)
    user.is_active = is_active
    audit.note(session, "user", user.id, "reopened" if is_active else "closed")


@action
def set_password(session: Session, *, actor: Actor, user_id: uuid.UUID, password_hash: str) -> None:
    """Set an account's password and end all its sessions.

    Raises:
        NotFound: there is no such account.
        Refused: it is a program's, which never signs in.
    """
    user = session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("There is no such account.", field="user_id")
    if user.is_service:
        raise Refused(
            "This is the account of a program: it has no password. Make a token for it.", field="user_id"
        )
    user.password_hash = password_hash
    _end_sessions(session, user_id)
    audit.note(session, "user", user.id, "password_set")


def _check_administrators_left(session: Session, *, without: uuid.UUID) -> None:
    """Refuse to close the last administrator; their rows are locked, as two may be closing each other."""
    open_ids = session.scalars(
        select(User.id)
        .where(
            User.is_active,
            User.id.in_(select(Assignment.user_id).where(Assignment.role == "administrator")),
        )
        .order_by(User.id)
        .with_for_update()
    ).all()
    if list(open_ids) == [without]:
        raise Refused("This is the last administrator. Make another administrator first.", field="user_id")


def _end_sessions(session: Session, user_id: uuid.UUID) -> None:
    session.execute(
        update(SignIn)
        .where(SignIn.user_id == user_id, SignIn.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


def _revoke_tokens(session: Session, user_id: uuid.UUID) -> None:
    """Revoke what an account's programs speak with; opening the account again does not wake it."""
    live = select(ApiClient).where(ApiClient.user_id == user_id, ApiClient.revoked_at.is_(None))
    for client in session.scalars(live.order_by(ApiClient.id).with_for_update(of=ApiClient)):
        client.revoked_at = clock.now()
        audit.note(session, "api_client", client.id, "revoked", reason="account_closed")


@action
def start_session(session: Session, *, actor: Actor, user_id: uuid.UUID, kind: str) -> str:
    """Start a session and return its token, which is kept nowhere else.

    Args:
        actor: who signs in.
        user_id: the account.
        kind: "browser" or "program".
    """
    token = secrets.token_urlsafe(32)
    now = clock.now()
    session.add(
        SignIn(
            id=new_id(),
            token_hash=hashlib.sha256(token.encode()).digest(),
            kind=kind,
            user_id=user_id,
            started_at=now,
            last_seen_at=now,
            expires_at=now + (BROWSER_LASTS if kind == "browser" else PROGRAM_LASTS),
        )
    )
    audit.note(session, "user", user_id, "signed_in", kind=kind)
    return token


@action
def end_session(session: Session, *, actor: Actor, token: str) -> None:
    """End the session of a token; nothing happens if there is none."""
    token_hash = hashlib.sha256(token.encode()).digest()
    found = session.scalars(select(SignIn).where(SignIn.token_hash == token_hash)).first()
    if found and found.ended_at is None:
        found.ended_at = clock.now()
        audit.note(session, "user", found.user_id, "signed_out")


@action
def touch_session(session: Session, *, actor: Actor, session_id: uuid.UUID) -> None:
    """Remember that a session is in use; called at most every five minutes."""
    session.execute(update(SignIn).where(SignIn.id == session_id).values(last_seen_at=clock.now()))


# Both statements are made once: making them costs more than running them, and a robot runs them all day.
@lru_cache(maxsize=16)
def _counting(number: int) -> Executable:
    """Return the statement that counts one more failure of some keys; the same text on both engines."""
    rows = ", ".join(f"(:key_{place}, :now, 1)" for place in range(number))
    return text(f"""
        INSERT INTO throttle (key, window_started_at, failures) VALUES {rows}
        ON CONFLICT (key) DO UPDATE SET
            failures = CASE WHEN throttle.window_started_at >= :counts_from THEN throttle.failures + 1 ELSE 1 END,
            window_started_at =
                CASE WHEN throttle.window_started_at >= :counts_from THEN throttle.window_started_at ELSE :now END
        RETURNING key, failures
    """).bindparams(  # noqa: S608  (only the number of rows is written into it)
        bindparam("now", type_=Moment()), bindparam("counts_from", type_=Moment())
    )


@lru_cache(maxsize=1)
def _sweeping() -> Executable:
    """Return the statement that deletes some counters that are over, the oldest first."""
    started = Throttle.window_started_at
    over = or_(
        started < bindparam("all_over_before", type_=Moment()),
        and_(*(Throttle.key.not_like(f"{name}:%") for name in LASTING)),
    )
    some = select(Throttle.key).where(started < bindparam("over_before", type_=Moment()), over)
    some = some.order_by(started).limit(SWEPT_AT_ONCE).with_for_update(skip_locked=True)
    return delete(Throttle).where(Throttle.key.in_(some))


@action
def count_failures(
    session: Session,
    *,
    actor: Actor,
    keys: Sequence[str],
    window: timedelta,
) -> dict[str, int]:
    """Count one failed try for each key; a counter older than the window starts again.

    One statement counts, however many processes count at once, and one more sweeps some counters that are over: what
    is counted is given back, as every try sweeps more than it leaves.

    Args:
        actor: who tried.
        keys: counters, hashed already (see `throttles`).
        window: how long these count.

    Returns:
        The failures of each key, this one included.
    """
    now = clock.now()
    rows = {f"key_{place}": key for place, key in enumerate(sorted(keys))}
    bounds = {"now": now, "counts_from": now - window}
    connection = session.connection()
    found = {row.key: row.failures for row in connection.execute(_counting(len(rows)), rows | bounds)}
    over = {"over_before": now - SHORT_WINDOW, "all_over_before": now - LONGEST_WINDOW}
    connection.execute(_sweeping(), over)
    return found


def check_failures(
    rows: Sequence[Counted], *, limits: Mapping[str, int], windows: Mapping[str, timedelta]
) -> None:
    """Refuse when a counter within its window has reached its limit.

    Args:
        rows: counters as read.
        limits: most failures by key; a key that is not here is not looked at.
        windows: how long a counter counts, by key.

    Raises:
        TooManyTries: says how many seconds to wait.
    """
    now = clock.now()
    for row in rows:
        age = now - row.window_started_at
        if row.key in limits and age <= windows[row.key] and row.failures >= limits[row.key]:
            refuse_try(int((windows[row.key] - age).total_seconds()) + 1)


def refuse_try(wait_seconds: int) -> NoReturn:
    """Say that there were too many tries.

    Raises:
        TooManyTries: always.
    """
    raise TooManyTries(
        "Too many tries. Wait %(wait_seconds)s seconds, then try again.", wait_seconds=wait_seconds
    )
