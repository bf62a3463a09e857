"""Settings, read once from the environment and frozen.

Nothing else in the product reads `os.environ`. `Settings.from_environment` refuses what would be unsafe in
production: `lims serve` cannot start without a secret key, and the demonstration has its own, open one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEMO_SECRET_KEY = "demonstration-only-secret-key-never-use-with-real-people"  # noqa: S105  (open on purpose)


class SettingsError(Exception):
    """A setting is missing or cannot be used; the message says which and what to do."""


@dataclass(frozen=True)
class Settings:
    """Everything the environment decides.

    Args:
        secret_key: root of all keys (cookies, encrypted columns, blind indexes, result codes).
        database_url: SQLAlchemy URL; `sqlite:///…` or `postgresql+psycopg://…`.
        instance_path: folder of the SQLite file, its lock file and gunicorn's control socket.
        demo: True where open demo passwords and invented people are welcome.
        base_url: where residents reach the portal, printed on slips as a QR; no trailing slash.
        secure_cookies: True when served over https: the cookie is then `__Host-` and Secure.
        trusted_proxies: number of proxies in front whose X-Forwarded headers are believed.
        upload_bytes: largest accepted request body.
    """

    secret_key: str
    database_url: str
    instance_path: Path
    demo: bool = False
    base_url: str = "http://127.0.0.1:8000"
    secure_cookies: bool = False
    trusted_proxies: int = 0
    upload_bytes: int = 20 * 1024 * 1024
    time_zone: str = "Asia/Ho_Chi_Minh"
    languages: tuple[str, ...] = ("vi", "en")
    extra: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Args:
            environment: variables to read, `os.environ` by default.

        Raises:
            SettingsError: without SECRET_KEY outside the demonstration, or with a value that is no number.
        """
        env = os.environ if environment is None else environment
        demo = env.get("DEMO", "") == "1"
        secret_key = env.get("SECRET_KEY", "")
        if not secret_key and not demo:
            raise SettingsError(
                "SECRET_KEY is not set. Make one with `openssl rand -hex 32`, keep it safe, and set it."
            )
        if secret_key and len(secret_key) < 32:
            raise SettingsError("SECRET_KEY is too short: it needs at least 32 characters.")
        instance_path = Path(env.get("LIMS_INSTANCE", "instance")).absolute()
        port = env.get("PORT", "8000")
        proxies = env.get("TRUSTED_PROXIES", "0")
        if not port.isdecimal() or not proxies.isdecimal():
            raise SettingsError("PORT and TRUSTED_PROXIES must be whole numbers.")
        base_url = env.get("BASE_URL", f"http://127.0.0.1:{port}").rstrip("/")
        return cls(
            secret_key=secret_key or DEMO_SECRET_KEY,
            database_url=env.get("DATABASE_URL", f"sqlite:///{instance_path / 'lims.sqlite'}"),
            instance_path=instance_path,
            demo=demo,
            base_url=base_url,
            secure_cookies=base_url.startswith("https://"),
            trusted_proxies=int(proxies),
        )

    @property
    def is_sqlite(self) -> bool:
        """True where the database is the embedded one."""
        return self.database_url.startswith("sqlite")
