"""Codes of households: members of one carry the same, so that they are sampled and told together. Pure."""

from __future__ import annotations

from lims import codes
from lims.vault import Vault


def household_code_for(vault: Vault, *, text: str) -> str:
    """Return the code of a household that a list names, the same in every reading of the list.

    Args:
        vault: keyed work of this installation.
        text: what tells the household apart: its number as written, with its place.

    Returns:
        Nine characters that begin with H.
    """
    number = int.from_bytes(vault.digest(text, purpose="household"), "big")
    body = codes.PREFIXES["household"]
    for _ in range(codes.RANDOM_LENGTH):
        number, value = divmod(number, len(codes.ALPHABET))
        body += codes.ALPHABET[value]
    return body + codes.check_characters(body)
