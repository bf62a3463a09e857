"""Is a file that was exported whole? Its end says how many rows there were and what they hash to. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from lims.errors import InvalidInput
from lims.exports.writing import END

_CSV_END = re.compile(rb'^"?' + END.encode() + rb'"?,"?rows=(\d+)"?,"?sha256=([0-9a-f]{64})"?\r?\n?$')


@dataclass(frozen=True)
class Whole:
    """A file that is as it was written: its rows, and the SHA-256 that the list of exports knows it by."""

    rows: int
    sha256: bytes


def check_file(lines: Iterable[bytes]) -> Whole:
    """Check a CSV or NDJSON file line by line, in constant memory.

    Args:
        lines: with their line ends, as a file opened in binary gives them.

    Raises:
        InvalidInput: it was cut off, changed, or is no export of ours.
    """
    digest, count = hashlib.sha256(), 0
    held: deque[bytes] = deque(maxlen=1)
    for line in lines:
        if held:
            digest.update(held[0])
            count += 1
        held.append(line)
    said = _read_end(held[0]) if held else None
    if said is None:
        raise InvalidInput(
            "This file has no end: it was cut off, or it is no export. Do not use it; export again.",
            field="file",
        )
    rows, sha256 = said
    # the first line says what the file is
    if rows != count - 1 or sha256 != digest.hexdigest():
        raise InvalidInput(
            "This file was changed: its end says %(count)s rows, and they are not these. Export again.",
            field="file",
            count=rows,
        )
    return Whole(rows, digest.digest())


def _read_end(line: bytes) -> tuple[int, str] | None:
    found = _CSV_END.match(line)
    if found:
        return int(found[1]), found[2].decode()
    try:
        said = json.loads(line)["end"]
        return int(said["rows"]), str(said["sha256"])
    except (ValueError, KeyError, TypeError):
        return None
