"""E-mail to staff on call, by the standard library's SMTP client; a connection for each letter, as there are few.

The conversation is led by hand, because the moment decides: whatever fails before the text was handed over is known,
and a connection that breaks after it leaves nobody knowing.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP as SMTP_LINES
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from lims import clock
from lims.outbox.drivers import NotTaken, Unknown
from lims.outbox.letters import Letter, Receipt

TIMEOUT_SECONDS = 20.0


class SmtpDriver:
    """Sends e-mail.

    Args:
        url: `smtps://user:password@host:465`, or `smtp://…` with STARTTLS where the server offers it; a password is
            never sent without.
        sender: address that letters come from.
    """

    name = "smtp"
    drops_repeats = False

    def __init__(self, url: str, *, sender: str) -> None:
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "smtps"
        self._host = parts.hostname or ""
        self._port = parts.port or (465 if self._is_tls else 25)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = sender

    def send(self, letter: Letter) -> str:
        """Send an e-mail; its Message-ID is what it is called."""
        mail = self._write(letter)
        try:
            server = self._prepare(letter.address)
        except smtplib.SMTPResponseException as error:
            raise NotTaken(f"SMTP {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise NotTaken(type(error).__name__, is_down=True) from None
        try:
            code, _answer = server.data(mail.as_bytes(policy=SMTP_LINES))
        except smtplib.SMTPDataError as error:
            raise NotTaken(f"SMTP {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Unknown(type(error).__name__) from None
        finally:
            server.close()
        if code != 250:
            raise NotTaken(f"SMTP {code}")
        return str(mail["Message-ID"])

    def _write(self, letter: Letter) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, letter.address, letter.subject
        mail["Date"] = format_datetime(clock.local(clock.now()))
        mail["Message-ID"] = f"<{letter.request_id}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        # not every server takes 8 bits
        mail.set_content(letter.text, cte="quoted-printable")
        return mail

    def _prepare(self, address: str) -> smtplib.SMTP:
        """Return a connection on which only the text is still to be said; closed where anything before is refused."""
        server: smtplib.SMTP
        if self._is_tls:
            server = smtplib.SMTP_SSL(
                self._host, self._port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)
        try:
            self._introduce(server)
            for code, answer in (server.mail(self._sender), server.rcpt(address)):
                if code not in (250, 251):
                    raise smtplib.SMTPResponseException(code, answer)
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
        return server

    def _introduce(self, server: smtplib.SMTP) -> None:
        server.ehlo()
        if not self._is_tls and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        elif not self._is_tls and self._user:
            raise smtplib.SMTPNotSupportedError("no STARTTLS")
        if self._user:
            server.login(self._user, self._password)

    def parse_receipt(self, said: Mapping[str, Any]) -> Receipt | None:
        """Return None: e-mail sends no receipts here."""
        return None

    def close(self) -> None:
        """Do nothing: the connection is closed after each letter."""
