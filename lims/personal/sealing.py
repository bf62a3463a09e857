"""Words of and about one person, sealed under that person's own key."""

from __future__ import annotations

from lims.intake.models import Person
from lims.vault import Vault


def seal_text(vault: Vault, person: Person, text: str, column: str) -> bytes | None:
    """Return a text sealed under a person's key, None for an empty one; a person without a key gets one.

    Args:
        vault: keyed work of this installation.
        person: not erased; held by the transaction.
        text: what is kept.
        column: `table.column` it will stand in.
    """
    if not text:
        return None
    if person.person_key is None:
        person.person_key = vault.new_person_key(person.id)
    return vault.seal(text, person_key=person.person_key, person_id=person.id, column=column)


def unseal_text(vault: Vault, person: Person, sealed: bytes | None, column: str) -> str:
    """Return what `seal_text` made; '' where there is nothing, or where the key was destroyed."""
    if sealed is None or person.person_key is None:
        return ""
    return vault.unseal(sealed, person_key=person.person_key, person_id=person.id, column=column)
