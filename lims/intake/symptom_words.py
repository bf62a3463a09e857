"""Symptoms as lists of people have them, free text, read as the words the product keeps. Pure."""

from __future__ import annotations

import re

from lims.names import fold

_SIGNS = {
    "fever": ("sot", "fever"),
    "cough": ("ho", "cough"),
    "sore_throat": ("dau hong", "rat hong", "dau rat hong", "sore throat"),
    "short_breath": ("kho tho", "tuc nguc", "short of breath", "shortness of breath"),
    "loss_of_taste": ("mat vi giac", "mat khuu giac", "mat mui", "mat vi", "loss of taste", "loss of smell"),
    "fatigue": ("met", "met moi", "fatigue", "tired"),
}


def read_symptoms(text: str) -> tuple[str, ...]:
    """Return the words of `rules.SYMPTOMS` named in a free text, in their order.

    Args:
        text: as written; a bare "x" names none, though it says that there are some.
    """
    plain = f" {re.sub(r'[^a-z0-9]+', ' ', fold(text)).strip()} "
    return tuple(word for word, signs in _SIGNS.items() if any(f" {sign} " in plain for sign in signs))
