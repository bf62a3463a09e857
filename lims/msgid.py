"""Marks a text as a message id where it is written down but not yet raised or shown.

Rules keep their sentences as English message ids with parameters; whoever shows them translates them. This
mark does nothing at run time: it is there so that the catalogue's extractor, which knows `N_`, finds them.
"""

from __future__ import annotations


def N_(message: str) -> str:
    """Return the message id unchanged.

    Args:
        message: English msgid, with `%(name)s` parameters.
    """
    return message
