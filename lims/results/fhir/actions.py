"""Orders that another system sends in become declarations, all of a Bundle or none."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from lims import audit, clock, inbox
from lims.auth.actors import Actor
from lims.errors import LimsError, NotFound
from lims.extensions import vault
from lims.inbox import Letter
from lims.intake.actions.declarations import get_open_campaign
from lims.intake.birth_dates import BirthDate
from lims.intake.declaring import Statement
from lims.intake.households import household_code_for
from lims.intake.models import Person
from lims.intake.registration import Entry, Registered, register_people
from lims.msgid import N_
from lims.names import fold
from lims.places import queries as place_queries
from lims.places.models import Campaign, Place
from lims.results.fhir.models import ForeignIdentifier
from lims.results.fhir.orders import Order, Transaction
from lims.results.fhir.problems import Problem, Unacceptable
from lims.results.fhir.queries.identifiers import COLUMN, find_known, foreign_index
from lims.results.fhir.queries.known import (
    list_taken,
    lock_people,
    map_person_keys,
    map_seen_declarations,
)
from lims.results.fhir.resources.moments import instant
from lims.tables import new_id
from lims.transaction import action

# Ids made from a sender's numbers: the same number is always the same id.
SPACE = uuid.UUID("7c9f0b5e-3f0a-5f57-9d43-1f1f2e0c9b52")

REUSED = N_(
    "The number was used before for something else. Give every order and every Bundle a number of its own."
)
SOMEBODY_ELSE = N_("This number belongs to a person of another name or birth date. Check both.")
TWO_PEOPLE = N_("These numbers belong to two people. Check them.")
NO_COMMUNE = N_("There is no such commune in the campaign's province among your places.")
NO_CAMPAIGN = N_("There is no such campaign. Ask its coordinator for its id.")
NO_PERSON = N_("There is no such patient among your places.")


@action
def accept_orders(session: Session, *, actor: Actor, transaction: Transaction) -> dict[str, Any]:
    """Take in the orders of a Bundle: people, declarations, and the numbers the sender knows them by.

    The same Bundle again is answered the same. An order whose number is known is not taken twice: its declaration is
    answered, whatever Bundle it comes in. People come as on a list: their result code is printed on their slip, and
    whoever sent the order has asked for their consent.

    Args:
        actor: the program; every commune must be among its places.
        transaction: as `orders.read_transaction` read it.

    Returns:
        `entries`: `status`, `kind`, `id` and `changed` of each entry of the Bundle, in its order.

    Raises:
        Unacceptable: nothing was written; everything that is wrong is told.
    """
    letter = _letter(actor, transaction)
    answered, reused = inbox.find_reused(session, [letter])
    if answered:
        answer: dict[str, Any] = answered[letter.client_id]
        return answer
    if reused and transaction.number:
        raise Unacceptable([Problem("conflict", REUSED, "Bundle.identifier")])
    taking = _Taking(session, actor, transaction.orders)
    answer = {"entries": taking.take(transaction.size)}
    if not reused:
        inbox.keep_answers(session, [(letter, answer)])
    return answer


def _letter(actor: Actor, transaction: Transaction) -> Letter:
    """Return what a Bundle is known again by: its own number, or the numbers of its orders."""
    numbers = transaction.number or sorted(
        number for order in transaction.orders for number, _ in order.numbers
    )
    key = uuid.uuid5(SPACE, f"{actor.user_id}|{numbers}")
    return Letter(key, "accept_orders", _keyed(transaction.content))


def _keyed(content: str) -> bytes:
    # Keyed: a plain hash of a name and a birth date could be found out by trying.
    return vault().digest(hashlib.sha256(content.encode()).hexdigest(), purpose="inbound-order")


class _Taking:
    """Takes the orders of one Bundle: looks everything up, refuses everything that is wrong, then writes."""

    def __init__(self, session: Session, actor: Actor, orders: Sequence[Order]) -> None:
        self.session, self.actor, self.orders = session, actor, orders
        self.found: list[Problem] = []
        self.answers: dict[int, dict[str, Any]] = {}

    def refuse(self, issue: str, message: str, expression: str, **parameters: object) -> None:
        self.found.append(Problem(issue, message, expression, parameters))

    def take(self, size: int) -> list[dict[str, Any]]:
        fresh = self._leave_out_known()
        campaigns = self._find_campaigns(fresh)
        communes = self._find_communes(fresh, campaigns)
        people = self._find_people(fresh)
        if self.found:
            raise Unacceptable(self.found)
        for campaign_id, campaign in campaigns.items():
            orders = [order for order in fresh if order.campaign_id == campaign_id]
            entries = [self._entry(order, communes[order.index], people.get(order.index)) for order in orders]
            registered = register_people(
                self.session,
                actor=self.actor,
                vault=vault(),
                campaign=campaign,
                entries=entries,
                with_result_codes=False,
            )
            self._keep_numbers(orders, registered)
            for order, outcome in zip(orders, registered, strict=True):
                audit.note(self.session, "declaration", outcome.declaration_id, "ordered")
                self._answer(order, outcome)
        return [self.answers[index] for index in range(size)]

    def _leave_out_known(self) -> list[Order]:
        """Answer the orders that were taken before, and return the others."""
        numbers = {number for order in self.orders for number, _ in order.numbers}
        known = find_known(self.session, vault=vault(), kind="order", numbers=numbers)
        seen = map_seen_declarations(
            self.session, actor=self.actor, declaration_ids={row.declaration_id for row in known.values()}
        )
        taken = list_taken(self.session, client_ids={_client_id(order) for order in self.orders})
        fresh = []
        for order in self.orders:
            met = [(known[number], where) for number, where in order.numbers if number in known]
            if not met and _client_id(order) in taken:
                self.refuse("conflict", REUSED, order.numbers[0][1])
            elif not met:
                fresh.append(order)
            for row, where in met:
                key = row.declaration_id
                if key is None or key not in seen or row.content_hash != _keyed(order.content):
                    self.refuse("conflict", REUSED, where)
                else:
                    self._answer(order, Registered(key, seen[key], False, row.person_id, False))
        return fresh

    def _find_campaigns(self, orders: Iterable[Order]) -> dict[uuid.UUID, Campaign]:
        found: dict[uuid.UUID, Campaign] = {}
        for order in orders:
            where = f"{order.path}.basedOn"
            if order.campaign_id is None:
                self.refuse("not-found", NO_CAMPAIGN, where)
            elif order.campaign_id not in found:
                try:
                    found[order.campaign_id] = get_open_campaign(self.session, campaign_id=order.campaign_id)
                except NotFound:
                    self.refuse("not-found", NO_CAMPAIGN, where)
                except LimsError as refusal:
                    self.refuse("business-rule", refusal.message, where, **refusal.parameters)
        return found

    def _find_communes(
        self, orders: Sequence[Order], campaigns: Mapping[uuid.UUID, Campaign]
    ) -> dict[int, Place]:
        """Return the commune of each order; one of another place is as unknown as one that there is not."""
        codes = {order.commune_code for order in orders}
        by_edition = {
            edition: place_queries.map_places(self.session, kind="commune", codes=codes, edition=edition)
            for edition in {campaign.province.edition for campaign in campaigns.values()}
        }
        found: dict[int, Place] = {}
        for order in orders:
            campaign = campaigns.get(order.campaign_id) if order.campaign_id else None
            if campaign is None:
                continue
            place = by_edition[campaign.province.edition].get(order.commune_code)
            if place and place.province_id == campaign.province_id and self.actor.sees(place.id):
                found[order.index] = place
            else:
                self.refuse("not-found", NO_COMMUNE, f"{order.path}.locationReference")
        return found

    def _find_people(self, orders: Sequence[Order]) -> dict[int, Person]:
        """Return who is known already, by the index of the order: by key, or by a number of the sender."""
        numbers = {number for order in orders if order.patient for number, _ in order.patient.numbers}
        known = find_known(self.session, vault=vault(), kind="person", numbers=numbers)
        named = {order.person_id for order in orders if order.person_id}
        people = lock_people(
            self.session,
            actor=self.actor,
            seen_ids=named,
            other_ids={row.person_id for row in known.values()},
        )
        found: dict[int, Person] = {}
        for order in orders:
            if order.patient is None:
                person = people.get(order.person_id) if order.person_id else None
                if person is None or person.erased_at is not None:
                    self.refuse("not-found", NO_PERSON, f"{order.path}.subject.reference")
                else:
                    found[order.index] = person
            else:
                person = self._match(order, known, people)
                if person is not None:
                    found[order.index] = person
        return found

    def _match(
        self,
        order: Order,
        known: Mapping[tuple[str, str], ForeignIdentifier],
        people: Mapping[uuid.UUID, Person],
    ) -> Person | None:
        """Return whose numbers a patient has: the name and the birth date must be that person's, too."""
        if order.patient is None or order.statement is None:
            return None
        met = [(known[number].person_id, where) for number, where in order.patient.numbers if number in known]
        if len({person_id for person_id, _ in met}) > 1:
            self.refuse("conflict", TWO_PEOPLE, f"{order.patient.path}.identifier")
            return None
        for person_id, where in met:
            person = people[person_id]
            born = BirthDate.of(person.birth_on, person.birth_precision)
            same_name = person.name_folded == fold(order.statement.name)
            if person.erased_at is not None or not (same_name and born.matches(order.statement.birth)):
                self.refuse("conflict", SOMEBODY_ELSE, where)
                return None
        return people[met[0][0]] if met else None

    def _entry(self, order: Order, commune: Place, person: Person | None) -> Entry:
        statement = order.statement
        if statement is None:
            if person is None:
                raise RuntimeError("an order without a patient was not refused")
            statement = _statement_of(person, order)
        if order.household:
            text = f"order|{order.campaign_id}|{order.household}"
            statement = replace(statement, household_code=household_code_for(vault(), text=text))
        return Entry(
            client_id=_client_id(order),
            statement=statement,
            commune_id=commune.id,
            person_id=person.id if person else None,
        )

    def _keep_numbers(self, orders: Sequence[Order], registered: Sequence[Registered]) -> None:
        keys = map_person_keys(self.session, person_ids={outcome.person_id for outcome in registered})
        wanted: list[tuple[str, tuple[str, str], Registered, bytes | None]] = []
        pairs = list(zip(orders, registered, strict=True))
        for order, outcome in pairs:
            content = _keyed(order.content)
            wanted += [("order", number, outcome, content) for number, _ in order.numbers]
        # all orders, then all people: rows of the same columns are one statement
        for order, outcome in pairs:
            numbers = order.patient.numbers if order.patient else ()
            wanted += [("person", number, outcome, None) for number, _ in numbers]
        persons = {number for kind, number, _, _ in wanted if kind == "person"}
        before = find_known(self.session, vault=vault(), kind="person", numbers=persons)
        rows = [
            self._row(kind, number, outcome, content, keys[outcome.person_id])
            for kind, number, outcome, content in wanted
            if kind == "order" or number not in before
        ]
        if rows:
            self.session.execute(insert(ForeignIdentifier), rows)

    def _row(
        self,
        kind: str,
        number: tuple[str, str],
        outcome: Registered,
        content: bytes | None,
        person_key: bytes | None,
    ) -> dict[str, Any]:
        system, value = number
        return {
            "id": new_id(),
            "kind": kind,
            "system": system,
            "value_index": foreign_index(vault(), kind=kind, value=value),
            "value_sealed": vault().seal(
                value, person_key=person_key, person_id=outcome.person_id, column=COLUMN
            )
            if person_key
            else None,
            "person_id": outcome.person_id,
            "declaration_id": outcome.declaration_id if kind == "order" else None,
            "content_hash": content,
            "sent_by_id": self.actor.user_id,
            "received_at": clock.now(),
        }

    def _answer(self, order: Order, outcome: Registered) -> None:
        """Answer an order and its patient."""
        answers = [(order.index, "ServiceRequest", outcome.declaration_id, outcome.is_new)]
        if order.patient:
            answers.append((order.patient.index, "Patient", outcome.person_id, outcome.is_new_person))
        for index, kind, key, is_new in answers:
            self.answers[index] = {
                "status": "201 Created" if is_new else "200 OK",
                "kind": kind,
                "id": str(key),
                "changed": instant(clock.now()),
            }


def _client_id(order: Order) -> uuid.UUID:
    """Return the id that an order's first number makes: the database takes it once."""
    (system, value), _ = order.numbers[0]
    return uuid.uuid5(SPACE, f"order|{system}|{value}")


def _statement_of(person: Person, order: Order) -> Statement:
    """Return what is stated of somebody who is here already."""
    return Statement(
        name=person.name,
        birth=BirthDate.of(person.birth_on, person.birth_precision),
        sex=person.sex,
        identity_numbers=(),
        phone="",
        address="",
        symptoms=order.symptoms,
        has_symptoms=bool(order.symptoms),
        is_contact=order.is_contact,
        declared_by="list",
        household_code="",
        warnings=(),
    )
