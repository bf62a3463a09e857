"""The server as a process: it starts on an empty database, answers with several workers, and ends when it is asked."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx
import pytest
from servers import ServerProcess, running

from lims.config import DEMO_SECRET_KEY, SettingsError
from lims.demo import start
from lims.demo.province import ACCOUNTS, PASSWORD


@pytest.fixture
def server(database_url, tmp_path):
    """A demonstration on a fresh database."""
    with running(database_url, tmp_path) as process:
        yield process


def test_it_serves_the_demonstration_and_ends_cleanly(server, tmp_path):
    page = httpx.get(f"{server.url}/sign-in")
    assert page.status_code == 200
    assert 'lang="vi"' in page.text
    printed = server.log.read_text()
    assert server.url in printed
    assert PASSWORD in printed
    for account in ACCOUNTS:
        if account.shown:
            assert account.username in printed
            credentials = {"username": account.username, "password": PASSWORD}
            assert httpx.post(f"{server.url}/api/v1/sign-in", json=credentials).status_code == 200
    assert len(_children(server)) >= 2
    assert server.stop() == 0
    assert list(tmp_path.glob("*.ctl")) == []


def test_a_second_start_keeps_the_data(server):
    before = _laboratories(server)
    server.stop()
    server.start()
    assert _laboratories(server) == before != []


def test_production_refuses_the_database_of_the_demonstration(server, database_url, tmp_path):
    server.stop()
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "LIMS_INSTANCE": str(tmp_path),
        "SECRET_KEY": "k" * 40,
    }
    refused = subprocess.run(
        [sys.executable, "-m", "lims.cli", "serve"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "demonstration accounts" in refused.stderr


def test_another_database_than_its_own_is_for_demonstration_only_with_demo_1(tmp_path):
    folder = {"LIMS_INSTANCE": str(tmp_path)}
    own = start.read_settings(folder, port=8000)
    assert (own.demo, own.secret_key) == (True, DEMO_SECRET_KEY)
    other = start.read_settings({**folder, "DATABASE_URL": "postgresql+psycopg://x@127.0.0.1/x"}, port=8000)
    assert other.demo is False
    assert other.secret_key != DEMO_SECRET_KEY
    again = start.read_settings({**folder, "DATABASE_URL": "postgresql+psycopg://x@127.0.0.1/x"}, port=8000)
    assert again.secret_key == other.secret_key
    told = start.read_settings({**folder, "DATABASE_URL": "sqlite:////x", "DEMO": "1"}, port=8000)
    assert told.demo is True
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0


def test_a_database_with_real_accounts_is_not_served_as_a_demonstration(world, tmp_path):
    settings = start.read_settings({"LIMS_INSTANCE": str(tmp_path)}, port=8000)
    with pytest.raises(SettingsError, match="not the demonstration's"):
        start.prepare(settings, people=1)


def _children(server: ServerProcess) -> list[str]:
    pid = server._process.pid
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return children.read().split()


def _laboratories(server: ServerProcess) -> list[str]:
    token = httpx.post(
        f"{server.url}/api/v1/sign-in", json={"username": "coordinator", "password": PASSWORD}, timeout=20
    ).json()["token"]
    answer = httpx.get(f"{server.url}/api/v1/board", headers={"Authorization": f"Bearer {token}"}, timeout=20)
    return sorted(item["name"] for item in answer.json()["laboratories"])
