"""From keys to resources: what each type is read from, made by, and which people it tells of.

Knows neither HTTP nor SQL. A resource that the actor does not see is not there: reading it gives nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from lims.auth.actors import Actor
from lims.results.fhir.dialect import Dialect, Resource
from lims.results.fhir.queries import orders, people, places, reports, specimens
from lims.results.fhir.resources.patient import make_patient
from lims.results.fhir.resources.places import make_location, make_organization
from lims.results.fhir.resources.provenance import make_provenance
from lims.results.fhir.resources.report import make_observation, make_report
from lims.results.fhir.resources.request import make_request
from lims.results.fhir.resources.specimen import make_pool, make_specimen
from lims.results.fhir.search import Search, read_key
from lims.vault import Vault


@dataclass(frozen=True)
class Read:
    """A resource, and the person whom it tells of (None for pools and places)."""

    resource: Resource
    person_id: uuid.UUID | None
    gone: bool = False

    @property
    def address(self) -> str:
        """Type and id, as references write them."""
        return f"{self.resource['resourceType']}/{self.resource['id']}"


@dataclass(frozen=True)
class Reader:
    """Reads for one account.

    Args:
        session: reading session.
        actor: who asks.
        vault: keyed work of this installation.
        dialect: how we speak.
    """

    session: Session
    actor: Actor
    vault: Vault
    dialect: Dialect

    def read(self, kind: str, keys: Sequence[uuid.UUID]) -> list[Read]:
        """Return the resources of a type by their keys, in the order of these; unseen ones are not in it."""
        return READERS[kind](self, keys) if keys else []

    def search(self, search: Search) -> tuple[list[Read], str]:
        """Return a page of what is asked for, and where the next one begins ("" at the end)."""
        if search.kind == "Specimen":
            return self._search_specimens(search)
        keys = self._list(search)
        page = keys[: search.count]
        return self.read(search.kind, page), str(page[-1]) if len(keys) > search.count else ""

    def _list(self, search: Search) -> Sequence[uuid.UUID]:
        after = read_key(search.after)
        match search.kind:
            case "Patient" | "ServiceRequest":
                listed = people.list_people if search.kind == "Patient" else orders.list_orders
                return listed(
                    self.session,
                    actor=self.actor,
                    vault=self.vault,
                    dialect=self.dialect,
                    search=search,
                    after=after,
                )
            case "Location" | "Organization":
                return places.list_places(self.session, dialect=self.dialect, search=search, after=after)
            case "Provenance":
                return reports.list_releases(self.session, actor=self.actor, search=search, after=after)
            case _:
                return reports.list_reports(self.session, actor=self.actor, search=search, after=after)

    def _search_specimens(self, search: Search) -> tuple[list[Read], str]:
        """Samples first, then pools; the cursor says where among which."""
        part, _, key = search.after.rpartition(":")
        wanted: dict[str, Any] = {"actor": self.actor, "dialect": self.dialect, "search": search}
        most = search.count + 1
        after = read_key(key)
        samples = (
            [] if part == "pool" else specimens.list_samples(self.session, after=after, most=most, **wanted)
        )
        found = [("sample", key) for key in samples]
        if len(found) < most:
            left = after if part == "pool" else None
            listed = specimens.list_pools(self.session, after=left, most=most - len(found), **wanted)
            found += [("pool", key) for key in listed]
        page = found[: search.count]
        cursor = ":".join(map(str, page[-1])) if len(found) > search.count else ""
        return self.read("Specimen", [key for _, key in page]), cursor

    def include(self, found: Sequence[Read], names: Sequence[str]) -> list[Read]:
        """Return what some resources refer to by some names, once each and without themselves."""
        seen = {one.address for one in found}
        wanted: dict[str, dict[uuid.UUID, None]] = {}
        for one in found:
            for name in names:
                for address in _references(one.resource, name):
                    kind, _, text = address.partition("/")
                    key = read_key(text)
                    if address not in seen and kind in READERS and key:
                        wanted.setdefault(kind, {})[key] = None
        return [one for kind, keys in wanted.items() for one in self.read(kind, list(keys))]

    def read_everything(self, key: uuid.UUID) -> list[Read]:
        """Return a report with all that belongs to it, the report first; empty where the actor sees none."""
        found = self.read("DiagnosticReport", [key])
        if not found:
            return []
        found += self.read("Observation", [key])
        found += self.include(found, ("patient", "based-on", "specimen", "performer"))
        found += self.read("Provenance", reports.list_released_versions(self.session, sample_ids=[key]))
        return found + self.include(found, ("location",))


# Which elements a name of an include follows.
FOLLOWED = {
    "patient": ("subject",),
    "subject": ("subject",),
    "based-on": ("basedOn",),
    "specimen": ("specimen",),
    "result": ("result",),
    "performer": ("performer",),
    "parent": ("parent",),
    "request": ("request",),
    "location": ("locationReference",),
    "target": ("target",),
}


def _references(resource: Resource, name: str) -> list[str]:
    found = []
    for element in FOLLOWED[name]:
        values = resource.get(element, [])
        for value in values if isinstance(values, list) else [values]:
            if "reference" in value:
                found.append(value["reference"])
    return found


def _read_patients(reader: Reader, keys: Sequence[uuid.UUID]) -> list[Read]:
    found = people.read_people(reader.session, actor=reader.actor, vault=reader.vault, keys=keys)
    return [Read(make_patient(one, reader.dialect), one.id, gone=one.is_erased) for one in found]


def _read_requests(reader: Reader, keys: Sequence[uuid.UUID]) -> list[Read]:
    found = orders.read_orders(reader.session, actor=reader.actor, vault=reader.vault, keys=keys)
    return [Read(make_request(one, reader.dialect), one.person_id) for one in found]


def _read_specimens(reader: Reader, keys: Sequence[uuid.UUID]) -> list[Read]:
    samples = specimens.read_samples(reader.session, actor=reader.actor, keys=keys)
    found = [Read(make_specimen(one, reader.dialect), one.person_id) for one in samples]
    if len(found) < len(keys):
        pools = specimens.read_pools(reader.session, actor=reader.actor, keys=keys)
        found += [Read(make_pool(one, reader.dialect), None) for one in pools]
    return found


def _read_reports(reader: Reader, keys: Sequence[uuid.UUID]) -> list[Read]:
    found = reports.read_reports(reader.session, actor=reader.actor, keys=keys)
    return [Read(make_report(one, reader.dialect), one.person_id) for one in found]


def _read_observations(reader: Reader, keys: Sequence[uuid.UUID]) -> list[Read]:
    found = reports.read_reports(reader.session, actor=reader.actor, keys=keys)
    return [Read(make_observation(one, reader.dialect), one.person_id) for one in found]


def _read_provenances(reader: Reader, keys: Sequence[uuid.UUID]) -> list[Read]:
    found = reports.read_releases(reader.session, actor=reader.actor, keys=keys)
    return [Read(make_provenance(one, reader.dialect), one.person_id) for one in found]


def _read_locations(reader: Reader, keys: Sequence[uuid.UUID]) -> list[Read]:
    found = places.read_places(reader.session, keys=keys, laboratories=False)
    return [Read(make_location(one, reader.dialect), None) for one in found]


def _read_organizations(reader: Reader, keys: Sequence[uuid.UUID]) -> list[Read]:
    found = places.read_places(reader.session, keys=keys, laboratories=True)
    return [Read(make_organization(one, reader.dialect), None) for one in found]


READERS: dict[str, Callable[[Reader, Sequence[uuid.UUID]], list[Read]]] = {
    "Patient": _read_patients,
    "ServiceRequest": _read_requests,
    "Specimen": _read_specimens,
    "DiagnosticReport": _read_reports,
    "Observation": _read_observations,
    "Provenance": _read_provenances,
    "Location": _read_locations,
    "Organization": _read_organizations,
}
