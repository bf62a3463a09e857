"""A file in place of telephones and mailboxes, one line of JSON a letter: for tests and for the demonstration."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lims import clock
from lims.outbox.letters import Letter, Receipt


class FileDriver:
    """Appends letters to a file, each whole and kept before the next; several workers may share it.

    Args:
        path: the file; made with its folder when the first letter comes, readable for its owner only.
    """

    name = "file"
    drops_repeats = False

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, letter: Letter) -> str:
        """Append a letter."""
        line = {
            "ids": [str(message_id) for message_id in letter.message_ids],
            "channel": letter.channel,
            "to": letter.address,
            "subject": letter.subject,
            "text": letter.text,
            "at": clock.now().isoformat(),
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            os.write(handle, (json.dumps(line, ensure_ascii=False) + "\n").encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        return f"file-{letter.request_id}"

    def parse_receipt(self, said: Mapping[str, Any]) -> Receipt | None:
        """Return None: files send no receipts."""
        return None

    def close(self) -> None:
        """Do nothing: the file is closed after each letter."""
