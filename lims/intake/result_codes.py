"""The secret result code of a person: made from a client-made id, kept only as a keyed hash.

Because the code is derived by a keyed hash, a request that was repeated (a phone that lost the answer) is shown the
same code, although nothing in the database tells it. Whoever has the database without the key has neither.
"""

from __future__ import annotations

import uuid

from lims import codes
from lims.vault import Vault


def result_code_for(vault: Vault, *, client_id: uuid.UUID, declaration_id: uuid.UUID | None = None) -> str:
    """Return the result code that belongs to a request.

    Args:
        vault: keyed work of this installation.
        client_id: the request's id, made by its sender.
        declaration_id: where one request issues codes for many declarations (a batch of slips).

    Returns:
        14 characters.
    """
    text = f"{client_id}|{declaration_id}" if declaration_id else str(client_id)
    return codes.result_code_from(vault.digest(text, purpose="result-code-for"))


def hash_result_code(vault: Vault, code: str) -> bytes:
    """Return what is kept of a result code, 32 bytes.

    Args:
        vault: keyed work of this installation.
        code: 14 characters, normalised.
    """
    return vault.digest(code, purpose="result-code")
