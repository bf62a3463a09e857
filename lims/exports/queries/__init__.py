"""Every kind of export by its word, in the order of a sample's way."""

from __future__ import annotations

from collections.abc import Mapping

from lims.errors import NotFound
from lims.exports.queries import custody, disclosure, laboratory, people, samples
from lims.exports.queries.kinds import Kind

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (*people.KINDS, *samples.KINDS, *laboratory.KINDS, *disclosure.KINDS, *custody.KINDS)
}


def get_kind(name: str) -> Kind:
    """Return a kind of export.

    Raises:
        NotFound: there is no such kind.
    """
    if name not in KINDS:
        raise NotFound("There is no such export. Choose one from the list.", field="kind")
    return KINDS[name]
