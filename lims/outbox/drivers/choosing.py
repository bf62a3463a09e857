"""Which driver serves which channel, by the settings."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from lims.config import Settings, SettingsError
from lims.outbox.drivers import Driver
from lims.outbox.drivers.http import HttpDriver
from lims.outbox.drivers.smtp import SmtpDriver
from lims.outbox.drivers.to_file import FileDriver
from lims.outbox.drivers.webhook import WebhookDriver
from lims.outbox.gateway import Gateway, read_gateway
from lims.vault import Vault

RECEIPTS_PATH = "/api/v1/receipts"


def receipt_secret(vault: Vault) -> str:
    """Return the secret that receipts come with, in a header: 256 bits, of this installation only."""
    return vault.digest("receipts", purpose="sms receipts").hex()


def receipt_url(settings: Settings) -> str:
    """Return the address that a gateway is told for its receipts."""
    return f"{settings.base_url}{RECEIPTS_PATH}"


def find_gateway(settings: Settings) -> Gateway | None:
    """Return the SMS gateway of the settings; None where there is none.

    Raises:
        SettingsError: its file cannot be read or used.
    """
    if settings.sms_gateway is None:
        return None
    return _read(settings.sms_gateway)


def _read(path: Path) -> Gateway:
    try:
        return read_gateway(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"SMS_GATEWAY: {path} cannot be used: {reason}.") from None


def choose_drivers(settings: Settings, vault: Vault) -> dict[str, Driver]:
    """Return the drivers by channel; a channel without one keeps its messages queued.

    Raises:
        SettingsError: a setting cannot be used.
    """
    drivers: dict[str, Driver] = {
        "webhook": WebhookDriver([ipaddress.ip_network(text) for text in settings.webhook_networks])
    }
    gateway = find_gateway(settings)
    if gateway is not None:
        drivers["sms"] = HttpDriver(
            gateway, receipt_url=receipt_url(settings), receipt_secret=receipt_secret(vault)
        )
    if settings.smtp_url:
        drivers["email"] = SmtpDriver(settings.smtp_url, sender=settings.mail_from)
    if settings.outbox_file is not None:
        kept = FileDriver(settings.outbox_file)
        drivers.setdefault("sms", kept)
        drivers.setdefault("email", kept)
    return drivers
