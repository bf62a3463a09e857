"""Settings, read once from the environment and frozen.

Nothing else in the product reads `os.environ`. `Settings.from_environment` refuses what would be unsafe in
production: `lims serve` cannot start without a secret key, and the demonstration has its own, open one.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lims.outbox import sms_text

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
        sms_gateway: file that describes the SMS gateway (`lims.outbox.gateway`).
        smtp_url: mail server for alerts, `smtps://user:password@host:465` or `smtp://host`.
        mail_from: address that alerts come from.
        outbox_file: file that gets, in place of telephones and mailboxes, what has no gateway or server.
        webhook_networks: networks, as 10.0.0.0/8, in which webhooks may be although they are not public.
        fhir_systems: identifier systems by name, where they are not those of `lims.results.fhir.dialect`.
        fhir_codes: codes of LOINC and SNOMED CT by name, in the same way.
    """

    secret_key: str
    database_url: str
    instance_path: Path
    demo: bool = False
    base_url: str = "http://127.0.0.1:8000"
    secure_cookies: bool = False
    trusted_proxies: int = 0
    upload_bytes: int = 20 * 1024 * 1024
    sms_gateway: Path | None = None
    smtp_url: str = field(default="", repr=False)
    mail_from: str = ""
    outbox_file: Path | None = None
    webhook_networks: tuple[str, ...] = ()
    fhir_systems: Mapping[str, str] = field(default_factory=dict)
    fhir_codes: Mapping[str, str] = field(default_factory=dict)
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
            fhir_systems=_read_pairs(env, "FHIR_SYSTEMS"),
            fhir_codes=_read_pairs(env, "FHIR_CODES"),
            **_read_notification(env, base_url) | (_notify_nobody(env, instance_path) if demo else {}),
        )

    @property
    def is_sqlite(self) -> bool:
        """True where the database is the embedded one."""
        return self.database_url.startswith("sqlite")


def _read_pairs(env: Mapping[str, str], name: str) -> dict[str, str]:
    """Return a setting of the form "name=value, name=value".

    Raises:
        SettingsError: a part has no "=".
    """
    parts = [part.strip() for part in env.get(name, "").split(",") if part.strip()]
    if any("=" not in part for part in parts):
        raise SettingsError(
            f"{name} must be pairs such as cccd=https://example.org/cccd, with commas between."
        )
    return {key.strip(): value.strip() for key, _, value in (part.partition("=") for part in parts)}


def _notify_nobody(env: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """Return the settings of the demonstration's messages: its numbers are invented, and may be somebody's."""
    file = env.get("OUTBOX_FILE", "")
    return {
        "sms_gateway": None,
        "smtp_url": "",
        "outbox_file": Path(file).absolute() if file else folder / "outbox.jsonl",
    }


def _read_notification(env: Mapping[str, str], base_url: str) -> dict[str, Any]:
    """Return the settings of messages.

    Raises:
        SettingsError: one cannot be used, or the portal's address is too long for one SMS.
    """
    if not sms_text.fits(base_url):
        raise SettingsError(
            "BASE_URL is too long, or has letters outside the SMS alphabet: people's messages would need a second SMS. "
            "Use a shorter address."
        )
    smtp_url, mail_from = env.get("SMTP_URL", ""), env.get("MAIL_FROM", "")
    if smtp_url and (urlsplit(smtp_url).scheme not in ("smtp", "smtps") or not urlsplit(smtp_url).hostname):
        raise SettingsError("SMTP_URL must be smtp://host or smtps://user:password@host:465.")
    if smtp_url and "@" not in mail_from:
        raise SettingsError("MAIL_FROM must be the address that mails come from, as lims@example.org.")
    networks = tuple(part.strip() for part in env.get("WEBHOOK_NETWORKS", "").split(",") if part.strip())
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise SettingsError(f"WEBHOOK_NETWORKS: {network} is not a network such as 10.0.0.0/8.") from None
    gateway, file = env.get("SMS_GATEWAY", ""), env.get("OUTBOX_FILE", "")
    return {
        "sms_gateway": Path(gateway).absolute() if gateway else None,
        "smtp_url": smtp_url,
        "mail_from": mail_from,
        "outbox_file": Path(file).absolute() if file else None,
        "webhook_networks": networks,
    }
