"""Bundles as another system sends them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from lims.results.fhir.dialect import make_dialect

DIALECT = make_dialect("http://127.0.0.1:8000", {}, {})
CCCD = DIALECT.systems["cccd"]
HOSPITAL = "https://hospital.example.org"


def make_patient(number: int, **more: Any) -> dict[str, Any]:
    """Return a Patient of the hospital's, plainly invented."""
    return {
        "resourceType": "Patient",
        "identifier": [
            {"system": CCCD, "value": f"0221900{number:05}"},
            {"system": f"{HOSPITAL}/patients", "value": f"BN{number:05}"},
        ],
        "name": [{"use": "official", "text": f"Nguyễn Thử {number}"}],
        "gender": "female" if number % 2 else "male",
        "birthDate": f"{1940 + number % 60}-03-17",
    } | more


def make_order(world: Any, number: int, subject: str, **more: Any) -> dict[str, Any]:
    """Return a ServiceRequest of the hospital's."""
    return {
        "resourceType": "ServiceRequest",
        "identifier": [{"system": f"{HOSPITAL}/orders", "value": f"CD{number:05}"}],
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]},
        "subject": {"reference": subject},
        "basedOn": [
            {"identifier": {"system": DIALECT.systems["campaign"], "value": str(world.campaign_id)}},
        ],
        "locationReference": [
            {"identifier": {"system": DIALECT.systems["place"], "value": world.commune_code}},
        ],
    } | more


def make_entry(resource: dict[str, Any], url: str, **request: str) -> dict[str, Any]:
    """Return an entry of a transaction."""
    asked = {"method": "POST", "url": resource["resourceType"]} | request
    return {"fullUrl": url, "resource": resource, "request": asked}


def make_bundle(world: Any, numbers: Iterable[int] = (1,), **more: Any) -> dict[str, Any]:
    """Return a transaction with a patient and an order for each number."""
    entries = []
    for number in numbers:
        patient, order = f"urn:uuid:{uuid.uuid4()}", f"urn:uuid:{uuid.uuid4()}"
        entries += [
            make_entry(make_patient(number), patient, ifNoneExist=f"identifier={CCCD}|0221900{number:05}"),
            make_entry(make_order(world, number, patient), order),
        ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries} | more
