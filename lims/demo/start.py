"""Starting the demonstration: which database it may fill, how it is filled, what is printed."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lims import database
from lims.auth import queries as auth_queries
from lims.config import Settings, SettingsError
from lims.demo import campaign, keys
from lims.demo.province import ACCOUNTS, PASSWORD
from lims.extensions import db


def read_settings(environment: Mapping[str, str], *, port: int) -> Settings:
    """Return the settings of `lims run`.

    The demonstration's own SQLite file is for demonstration by itself; another database is only with DEMO=1. Without
    it a missing secret key is made once and kept beside the data, readable for nobody else.

    Args:
        environment: variables.
        port: where it will listen.

    Raises:
        lims.config.SettingsError: a value that cannot be used.
    """
    own = "DATABASE_URL" not in environment or not environment["DATABASE_URL"]
    values = {name: value for name, value in environment.items() if value or name != "DATABASE_URL"}
    values |= {"PORT": str(port), "DEMO": "1" if own or environment.get("DEMO") == "1" else ""}
    if values["DEMO"] != "1" and not values.get("SECRET_KEY"):
        values["SECRET_KEY"] = _kept_key(Path(values.get("LIMS_INSTANCE", "instance")))
    return Settings.from_environment(values)


def _kept_key(folder: Path) -> str:
    file = folder / "secret-key"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w") as made:
            made.write(secrets.token_hex(32))
    return file.read_text(encoding="ascii").strip()


def prepare(settings: Settings, *, people: int) -> None:
    """Bring the database up to date and fill it if it is empty and for demonstration.

    Args:
        settings: of `read_settings`.
        people: how many are invented.

    Raises:
        SettingsError: the database holds real accounts, which the demonstration's open key must not touch.
    """
    database.upgrade()
    users, demo_users = auth_queries.count_users(db.session()), auth_queries.count_demo_users(db.session())
    db.session.rollback()
    if not settings.demo:
        return
    if users == 0:
        campaign.play(people=people, prevalence=campaign.PREVALENCE, seed=campaign.SEED)
    elif demo_users == 0:
        raise SettingsError(
            "This database holds accounts that are not the demonstration's. Serve it with `lims serve`, "
            "or name another one in LIMS_INSTANCE or DATABASE_URL."
        )
    keys.make_keys()


@contextmanager
def sending(settings: Settings) -> Iterator[None]:
    """Let a worker send the demonstration's messages, into a file, while the server inside runs."""
    if not settings.demo:
        yield
        return
    known = {
        "DATABASE_URL": settings.database_url,
        "LIMS_INSTANCE": str(settings.instance_path),
        "SECRET_KEY": settings.secret_key,
        "BASE_URL": settings.base_url,
        "DEMO": "1",
    }
    worker = subprocess.Popen([sys.executable, "-m", "lims.cli", "worker"], env={**os.environ, **known})
    here = os.getpid()
    try:
        yield
    finally:
        # the server's processes, forked from this one, pass here, too
        if os.getpid() == here:
            worker.terminate()
            worker.wait()


def describe(settings: Settings) -> Iterator[str]:
    """Yield the lines that `make run` prints: the address, and a sign-in for every role."""
    yield ""
    yield f"  {settings.base_url}"
    yield ""
    if not settings.demo:
        yield "  No demonstration data: this database is not the demonstration's own. DEMO=1 loads them into an"
        yield "  empty one; `lims admin create NAME --name …` makes the first account of a real one."
        yield ""
        return
    yield f"  Demonstration. Password of all accounts: {PASSWORD}"
    for account in ACCOUNTS:
        if account.shown:
            yield f"    {account.username:<14} {account.name}"
    yield ""
