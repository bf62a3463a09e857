"""Where staff on call are reached, read from what was typed. Pure."""

from __future__ import annotations

import re

from lims.errors import InvalidInput

MAILBOX = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]{2,}")
LONGEST_MAILBOX = 200


def read_address(text: str, *, channel: str) -> str:
    """Return a telephone as E.164, or a mailbox as it is.

    Args:
        text: a Vietnamese number with 0, 84 or +84 in front, one of another country with its +, or a mailbox.
        channel: "sms" or "email".

    Raises:
        InvalidInput: it cannot be one.
    """
    text = text.strip()
    if channel == "email":
        # mail servers take letters without marks only (RFC 5321)
        if (
            len(text) > LONGEST_MAILBOX
            or not text.isascii()
            or not text.isprintable()
            or not MAILBOX.fullmatch(text)
        ):
            raise InvalidInput("This is not a mailbox. Write it as name@example.org.", field="address")
        return text
    digits = re.sub(r"[\s.\-()]", "", text)
    national = re.sub(r"^(\+?84|0084)0?(?=[0-9]{9,10}$)", "0", digits)
    if re.fullmatch(r"0[35789][0-9]{8}|02[0-9]{9}", national):
        return f"+84{national[1:]}"
    if re.fullmatch(r"\+(?!84)[1-9][0-9]{7,14}", digits):
        return digits
    raise InvalidInput(
        "This is not a telephone number. Write 10 digits, for example 0912 345 678.", field="address"
    )


def hint(address: str, *, channel: str) -> str:
    """Return so much of an address that its owner knows it and nobody else can use it."""
    if channel == "sms":
        return f"…{address[-3:]}"
    name, _at, domain = address.partition("@")
    return f"{name[0]}…@{domain}"[:40]
