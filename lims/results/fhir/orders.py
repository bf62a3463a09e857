"""From the entries of a transaction to people and what is ordered for them. Pure.

Systems and codes are those of the dialect. What R4 allows and nothing here can keep is refused where it would
change the meaning of the order, and left where it would not (a photo, a marital status); docs/guides/exchange.md says
which.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import unquote

from lims.intake.declaring import DeclarationForm, Mistakes, Statement, check_declaration
from lims.msgid import N_
from lims.results.fhir.dialect import EXPOSURE, LOINC, ORDERABLE, PAPERS, SNOMED, SYMPTOMS, Dialect
from lims.results.fhir.problems import Problem, Unacceptable
from lims.results.fhir.search import read_key
from lims.results.fhir.transactions import TAKEN_IN, TYPE, check_transaction

LONGEST = 100

NUMBER = N_("A number needs its system and its value, of at most %(most)s characters.")
OWN_NUMBER = N_("Numbers of this system are given here, not sent in.")
TWICE = N_("The number %(value)s stands in the Bundle twice.")
ORDER_NUMBER = N_("An order needs a number of the sender's, so that it is never taken twice.")
PAPERS_TWO = N_("At most two identity papers are kept. Send the newest two.")
CONDITION = N_("Only identifier=system|value of the resource itself can be the condition.")
ACTIVE = N_("Only an active order is taken in.")
INTENT = N_("Only an order is taken in, no proposal and no plan.")
NEGATED = N_("An order not to do something is not taken in.")
TEST = N_("This test is not done here. Order one of these codes of LOINC: %(codes)s.")
SUBJECT = N_("The order is for a Patient of this Bundle, or for one that is here.")
ALONE = N_("No order of the Bundle is for this patient. Patients are taken in with an order.")
TWO_ORDERS = N_("Another order of the Bundle is for this person. One is enough: it is one swab.")
CAMPAIGN = N_("Say the campaign: a logical reference to its plan, with the system %(system)s.")
COMMUNE = N_("Say the commune: a logical reference to its location, with the system %(system)s.")
REASON = N_("This reason is not known here. Send one of the codes of the guide.")
# which element of the Patient a value of a declaration came from
ELEMENTS = {
    "name": "name",
    "birth_date": "birthDate",
    "sex": "gender",
    "identity_number": "identifier",
    "old_identity_number": "identifier",
    "phone": "telecom",
    "address": "address",
}


@dataclass(frozen=True)
class Patient:
    """Somebody who was sent in.

    Args:
        path: of the resource.
        index: of the entry.
        form: values as they were sent, without the order's.
        numbers: of other systems, with the path of each.
    """

    path: str
    index: int
    form: Mapping[str, Any]
    numbers: tuple[tuple[tuple[str, str], str], ...]


@dataclass(frozen=True)
class Order:
    """A test that is ordered.

    Args:
        path: of the ServiceRequest.
        index: of the entry.
        patient: who was sent in with it, None for one who is here.
        person_id: who is here already, if `patient` is None.
        numbers: of the order, with the path of each; one at least.
        campaign_id: campaign; None cannot be one.
        commune_code: where the person declares.
        household: what tells the household apart, "" for none.
        statement: checked values; None for somebody who is here already.
        symptoms: words of `intake.rules.SYMPTOMS`.
        is_contact: was exposed.
        content: what was sent, for its keyed hash.
    """

    path: str
    index: int
    patient: Patient | None
    person_id: uuid.UUID | None
    numbers: tuple[tuple[tuple[str, str], str], ...]
    campaign_id: uuid.UUID | None
    commune_code: str
    household: str
    statement: Statement | None
    symptoms: tuple[str, ...]
    is_contact: bool
    content: str = field(repr=False)


@dataclass(frozen=True)
class Transaction:
    """Everything of one Bundle.

    Args:
        number: system and value of the Bundle's identifier, None where it has none.
        orders: one for each ServiceRequest.
        size: entries of the Bundle.
        content: what was sent, for its keyed hash.
    """

    number: tuple[str, str] | None
    orders: tuple[Order, ...]
    size: int
    content: str = field(repr=False)


def read_transaction(body: object, *, dialect: Dialect, today: date) -> Transaction:
    """Read the orders of a Bundle.

    Args:
        body: as it was sent.
        dialect: systems and codes.
        today: the date in the campaign's time zone.

    Raises:
        Unacceptable: something in it is wrong; all of it is told.
    """
    entries = check_transaction(body)
    reading = _Reading(entries, dialect, today)
    orders = reading.read()
    if reading.found:
        raise Unacceptable(reading.found)
    identifier = body.get("identifier", {}) if isinstance(body, dict) else {}
    number = (identifier.get("system", ""), identifier["value"]) if identifier.get("value") else None
    return Transaction(number, tuple(orders), len(entries), _canonical(body))


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


class _Reading:
    """Goes through the entries once and remembers what is wrong."""

    def __init__(self, entries: Sequence[dict[str, Any]], dialect: Dialect, today: date) -> None:
        self.entries, self.dialect, self.today = entries, dialect, today
        self.found: list[Problem] = []
        self.patients: dict[str, Patient] = {}
        self._numbers: set[tuple[str, str, str]] = set()

    def refuse(self, issue: str, message: str, expression: str, **parameters: object) -> None:
        self.found.append(Problem(issue, message, expression, parameters))

    def read(self) -> list[Order]:
        for index, entry in enumerate(self.entries):
            kind = entry["resource"]["resourceType"]
            if kind not in TAKEN_IN:
                self.refuse("not-supported", TYPE, f"Bundle.entry[{index}].resource", kind=kind)
            elif kind == "Patient":
                self.patients[entry.get("fullUrl", f"entry {index}")] = self._read_patient(index, entry)
        orders = [
            order
            for index, entry in enumerate(self.entries)
            if entry["resource"]["resourceType"] == "ServiceRequest"
            and (order := self._read_order(index, entry)) is not None
        ]
        self._check_people(orders)
        return orders

    def _check_people(self, orders: Sequence[Order]) -> None:
        seen: set[object] = set()
        for order in orders:
            who = order.patient.index if order.patient else order.person_id
            if who in seen:
                self.refuse("duplicate", TWO_ORDERS, f"{order.path}.subject")
            seen.add(who)
        if self.found:
            return
        for patient in self.patients.values():
            if patient.index not in seen:
                self.refuse("business-rule", ALONE, patient.path)

    def _read_patient(self, index: int, entry: Mapping[str, Any]) -> Patient:
        path, sent = f"Bundle.entry[{index}].resource", entry["resource"]
        numbers = list(self._read_numbers("person", sent, path))
        self._check_condition(entry, index, [number for number, _ in numbers])
        papers, foreign = [], []
        for (system, value), where in numbers:
            name = self.dialect.find_system(system)
            if name in (*PAPERS, "identity"):
                papers.append((name, value))
            elif name:
                self.refuse("value", OWN_NUMBER, where)
            else:
                foreign.append(((system, value), where))
        papers.sort(key=lambda paper: (*PAPERS, "identity").index(paper[0]))
        if len(papers) > 2:
            self.refuse("too-long", PAPERS_TWO, f"{path}.identifier")
        form = _form(sent, [value for _, value in papers])
        return Patient(path, index, form, tuple(foreign))

    def _read_numbers(
        self, kind: str, sent: Mapping[str, Any], path: str
    ) -> Iterator[tuple[tuple[str, str], str]]:
        for place, identifier in enumerate(sent.get("identifier", [])):
            where = f"{path}.identifier[{place}]"
            system, value = identifier.get("system", ""), identifier.get("value", "").strip()
            if not system or not value or max(len(system), len(value)) > LONGEST:
                self.refuse("value", NUMBER, where, most=LONGEST)
            elif (kind, system, value) in self._numbers:
                self.refuse("duplicate", TWICE, where, value=value)
            else:
                self._numbers.add((kind, system, value))
                yield (system, value), where

    def _check_condition(
        self, entry: Mapping[str, Any], index: int, numbers: Sequence[tuple[str, str]]
    ) -> None:
        condition = entry["request"].get("ifNoneExist")
        if condition is None:
            return
        wanted = unquote(condition.removeprefix("?"))
        if wanted not in {f"identifier={system}|{value}" for system, value in numbers}:
            self.refuse("not-supported", CONDITION, f"Bundle.entry[{index}].request.ifNoneExist")

    def _read_order(self, index: int, entry: Mapping[str, Any]) -> Order | None:
        path, sent = f"Bundle.entry[{index}].resource", entry["resource"]
        before = len(self.found)
        numbers = tuple(self._read_numbers("order", sent, path))
        self._check_condition(entry, index, [number for number, _ in numbers])
        if not numbers and len(self.found) == before:
            self.refuse("required", ORDER_NUMBER, f"{path}.identifier")
        for (system, _), where in numbers:
            if self.dialect.find_system(system):
                self.refuse("value", OWN_NUMBER, where)
        self._check_meaning(sent, path)
        patient, person_id = self._read_subject(sent["subject"], path)
        symptoms, is_contact = self._read_reasons(sent, path)
        campaign = self._read_logical(sent, "basedOn", "campaign", CAMPAIGN, path)
        commune = self._read_logical(sent, "locationReference", "place", COMMUNE, path)
        form = patient.form if patient else None
        statement = self._check_form(form, patient, commune, symptoms, is_contact) if form else None
        if len(self.found) > before:
            return None
        household = sent.get("requisition", {})
        # the patient's place in the Bundle may differ from one sending to the next
        order = {name: value for name, value in sent.items() if name != "subject"}
        return Order(
            path=path,
            index=index,
            patient=patient,
            person_id=person_id,
            numbers=numbers,
            campaign_id=read_key(campaign),
            commune_code=commune,
            household="|".join(household.get(part, "") for part in ("system", "value")) if household else "",
            statement=statement,
            symptoms=symptoms,
            is_contact=is_contact,
            content=_canonical([order, dict(form) if form else str(person_id)]),
        )

    def _check_meaning(self, sent: Mapping[str, Any], path: str) -> None:
        if sent["status"] != "active":
            self.refuse("business-rule", ACTIVE, f"{path}.status")
        if sent["intent"] not in ("order", "original-order"):
            self.refuse("business-rule", INTENT, f"{path}.intent")
        if sent.get("doNotPerform"):
            self.refuse("business-rule", NEGATED, f"{path}.doNotPerform")
        if not _codes(sent.get("code", {}), LOINC) & {*ORDERABLE, self.dialect.codes["test"]}:
            self.refuse("code-invalid", TEST, f"{path}.code", codes=", ".join(ORDERABLE))

    def _read_subject(self, subject: Mapping[str, Any], path: str) -> tuple[Patient | None, uuid.UUID | None]:
        written = subject.get("reference", "")
        if written in self.patients:
            return self.patients[written], None
        kind, _, text = written.removeprefix(f"{self.dialect.base}/").partition("/")
        key = read_key(text) if kind == "Patient" else None
        if key is None:
            self.refuse("not-found", SUBJECT, f"{path}.subject.reference")
        return None, key

    def _read_reasons(self, sent: Mapping[str, Any], path: str) -> tuple[tuple[str, ...], bool]:
        by_code = {code: word for word, code in SYMPTOMS.items()}
        symptoms, is_contact = [], False
        for place, reason in enumerate(sent.get("reasonCode", [])):
            known = _codes(reason, SNOMED) & {*by_code, EXPOSURE}
            if not known:
                self.refuse("code-invalid", REASON, f"{path}.reasonCode[{place}]")
            is_contact |= EXPOSURE in known
            symptoms += [by_code[code] for code in known if code in by_code]
        return tuple(dict.fromkeys(symptoms)), is_contact

    def _read_logical(self, sent: Mapping[str, Any], element: str, name: str, message: str, path: str) -> str:
        """Return the value of the one logical reference by a system of ours."""
        system = self.dialect.systems[name]
        values = [
            str(one["identifier"]["value"])
            for one in sent.get(element, [])
            if one.get("identifier", {}).get("system") == system and "value" in one["identifier"]
        ]
        if len(values) != 1:
            self.refuse("required", message, f"{path}.{element}", system=system)
        return values[0] if values else ""

    def _check_form(
        self,
        form: Mapping[str, Any],
        patient: Patient | None,
        commune: str,
        symptoms: tuple[str, ...],
        is_contact: bool,
    ) -> Statement | None:
        whole = DeclarationForm(
            client_id=uuid.UUID(int=0),
            commune_code=commune,
            symptoms=symptoms,
            is_contact=is_contact,
            consent=True,
            declared_by="list",
            **form,
        )
        try:
            return check_declaration(whole, today=self.today)
        except Mistakes as mistakes:
            path = patient.path if patient else ""
            for one in mistakes.found:
                self.refuse("value", one.message, f"{path}.{ELEMENTS[one.field]}", **one.parameters)
            return None


def _codes(concept: Mapping[str, Any], system: str) -> set[str]:
    return {one["code"] for one in concept.get("coding", []) if one.get("system") == system and "code" in one}


def _form(sent: Mapping[str, Any], papers: Sequence[str]) -> dict[str, Any]:
    phones = [
        one.get("value", "") for one in sent.get("telecom", []) if one.get("system") in ("phone", "sms")
    ]
    gender = sent.get("gender", "")
    return {
        "name": _name(sent.get("name", [])),
        "birth_date": sent.get("birthDate", ""),
        "sex": gender if gender in ("female", "male") else "",
        "identity_number": papers[0] if papers else "",
        "old_identity_number": papers[1] if len(papers) > 1 else "",
        "phone": phones[0] if phones else "",
        "address": _address(sent.get("address", [])),
    }


def _name(names: Sequence[Mapping[str, Any]]) -> str:
    """Return the full name: the family's first, as it is written in Vietnam."""
    for name in sorted(names, key=lambda one: one.get("use") != "official"):
        written = name.get("text") or " ".join(
            part for part in (name.get("family"), *name.get("given", [])) if part
        )
        if written:
            return str(written)
    return ""


def _address(addresses: Sequence[Mapping[str, Any]]) -> str:
    for address in addresses:
        written = address.get("text") or ", ".join(part for part in address.get("line", []) if part)
        if written:
            return str(written)
    return ""
