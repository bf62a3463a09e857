"""One batch of people on its way through all stations, by calling the actions as the product's users would."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lims import clock, codes
from lims.auth.actors import RESIDENT, Actor
from lims.capacity.counting.folding import fold_all
from lims.demo import follow_up
from lims.demo.bench import Bench
from lims.demo.people import Invented
from lims.demo.province import Setting
from lims.demo.stations import FOLLOW_UP_HOURS, FOLLOWED_UP, STATIONS
from lims.extensions import db
from lims.intake.actions import boxes, collections, declarations, lots, reception
from lims.intake.collecting import CollectionScan, TubeClosing
from lims.intake.declaring import DeclarationForm
from lims.intake.queries import lots as lot_queries
from lims.intake.receiving import ReceivedTube
from lims.places.models import Place

Invention = Sequence[Invented]
AT_ONCE = 500
MIXED = 10
HOUSEHOLD = 3
COLD_C = 4.5


@dataclass
class Team:
    """The people of one commune, with what becomes of them.

    Args:
        commune: where they live and are sampled.
        people: in the order of the queue.
        declared: declaration codes in the same order.
        tubes: tube code → its people, in the order of collection.
        box: code of the box they travel in.
    """

    commune: Place
    people: list[Invented] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)
    tubes: dict[str, list[Invented]] = field(default_factory=dict)
    box: str = ""


@dataclass
class Batch:
    """People who go the way together as far as a last station.

    Args:
        setting: where it is played.
        people: who.
        laboratory: code of the laboratory that tests them.
        communes: where they live.
        last: last station, a key of `stations.STATIONS`, or "followed_up".
        starts_at: when they declare.
        dice: the source of chance.
    """

    setting: Setting
    people: Invention
    laboratory: str
    communes: Sequence[Place]
    last: str
    starts_at: datetime
    dice: random.Random

    def __post_init__(self) -> None:
        self.teams = [Team(commune) for commune in self.communes]
        for number, person in enumerate(self.people):
            self.teams[number * len(self.teams) // len(self.people)].people.append(person)
        self.bench = Bench(
            laboratory_id=self.setting.laboratory_ids[self.laboratory],
            technician=self.actor(f"technician.{self.laboratory.lower()}"),
            supervisor=self.actor(f"supervisor.{self.laboratory.lower()}"),
            dice=self.dice,
        )

    def actor(self, username: str) -> Actor:
        """Return an account of the demonstration."""
        return self.setting.actors[username]

    def play(self) -> None:
        """Go from station to station until the last."""
        steps: dict[str, Callable[[], None]] = {
            "declared": self._declare,
            "sampled": self._collect,
            "boxed": self._pack,
            "dispatched": self._dispatch,
            "received": self._receive,
            "pooled": self._pool,
            "planned": self.bench.plan,
            "running": self.bench.start,
            "imported": self.bench.read,
            "reviewed": self.bench.review,
            "verified": self.bench.verify,
            "released": self.bench.release,
        }
        for station, hours in STATIONS.items():
            with clock.at(self.starts_at + timedelta(hours=hours)):
                steps[station]()
                # as the worker does while it happens, so that each day's figures are those of its own evening
                fold_all()
            if station == self.last:
                return
        if self.last == FOLLOWED_UP:
            follow_up.play(
                self.setting,
                self.bench,
                starts_at=self.starts_at + timedelta(hours=STATIONS["released"]),
                hours=FOLLOW_UP_HOURS,
            )

    def _new_id(self) -> uuid.UUID:
        return uuid.UUID(int=self.dice.getrandbits(128), version=4)

    def _declare(self) -> None:
        for team in self.teams:
            forms = [self._form(person, team.commune.code) for person in team.people]
            for start in range(0, 0 if not forms else len(forms), HOUSEHOLD * 3):
                if self.dice.random() < 0.3:
                    household = codes.mint("household")
                    for place in range(start, min(start + HOUSEHOLD, len(forms))):
                        forms[place] = self._in_household(forms[place], household)
            for start in range(0, len(forms), AT_ONCE):
                verdicts = declarations.declare_people(
                    actor=RESIDENT,
                    campaign_id=self.setting.campaign_id,
                    declarations=forms[start : start + AT_ONCE],
                )
                team.declared += [verdict["declaration_code"] for verdict in verdicts]

    def _form(self, person: Invented, commune_code: str) -> DeclarationForm:
        return DeclarationForm(
            client_id=self._new_id(),
            name=person.name,
            birth_date=person.birth_date,
            sex=person.sex,
            commune_code=commune_code,
            identity_number=person.identity_number,
            phone=person.phone,
            address=person.address,
            symptoms=person.symptoms,
            is_contact=person.is_contact,
            consent=True,
            declared_by="self" if person.identity_number else "relative",
        )

    @staticmethod
    def _in_household(form: DeclarationForm, household: str) -> DeclarationForm:
        return replace(form, household_code=household)

    def _collect(self) -> None:
        for team in self.teams:
            queue = list(zip(team.people, team.declared, strict=True))
            mixed, single = (queue[:MIXED], queue[MIXED:]) if len(queue) >= 3 * MIXED else ([], queue)
            if mixed:
                self._collect_mixed(team, mixed)
            self._collect_single(team, single)

    def _mint(self, team: Team, mode: str, count: int) -> Sequence[str]:
        site_id = self.setting.site_ids[team.commune.id]
        lot = lots.mint_tubes(
            actor=self.actor("coordinator"),
            campaign_id=self.setting.campaign_id,
            mode=mode,
            count=count,
            place_id=site_id,
        )
        return lot_queries.list_tube_codes(db.session(), lot_id=uuid.UUID(lot["lot_id"]), first=1, most=count)

    def _collect_mixed(self, team: Team, queue: Sequence[tuple[Invented, str]]) -> None:
        (tube,) = self._mint(team, "mixed", 1)
        session_id = self._new_id()
        self._scan(team, session_id, [(tube, declaration) for _, declaration in queue])
        collections.close_tubes(
            actor=self.actor("team"),
            session_id=session_id,
            closings=[TubeClosing(self._new_id(), tube, len(queue))],
        )
        team.tubes[tube] = [person for person, _ in queue]

    def _collect_single(self, team: Team, queue: Sequence[tuple[Invented, str]]) -> None:
        if not queue:
            return
        # printed labels come in lots larger than the queue
        tubes = self._mint(team, "single", len(queue) + 5)[: len(queue)]
        self._scan(
            team,
            self._new_id(),
            [(tube, declaration) for tube, (_, declaration) in zip(tubes, queue, strict=True)],
        )
        team.tubes |= {tube: [person] for tube, (person, _) in zip(tubes, queue, strict=True)}

    def _scan(self, team: Team, session_id: uuid.UUID, pairs: Sequence[tuple[str, str]]) -> None:
        collections.register_collections(
            actor=self.actor("team"),
            place_id=self.setting.site_ids[team.commune.id],
            session_id=session_id,
            scans=[
                CollectionScan(self._new_id(), tube, declaration, clock.now()) for tube, declaration in pairs
            ],
        )

    def _pack(self) -> None:
        minted = lots.mint_boxes(
            actor=self.actor("coordinator"), campaign_id=self.setting.campaign_id, count=len(self.teams)
        )
        for team, box in zip(self.teams, minted["boxes"], strict=True):
            team.box = box
            if team.tubes:
                boxes.pack_tubes(
                    actor=self.actor("team"),
                    box_code=box,
                    place_id=self.setting.site_ids[team.commune.id],
                    tube_codes=list(team.tubes),
                )

    def _dispatch(self) -> None:
        for team in self._sent():
            boxes.seal_box(actor=self.actor("team"), box_code=team.box)
            boxes.dispatch_box(
                actor=self.actor("courier"),
                box_code=team.box,
                laboratory_id=self.bench.laboratory_id,
                temperature_c=COLD_C,
            )

    def _sent(self) -> list[Team]:
        return [team for team in self.teams if team.tubes]

    def _receive(self) -> None:
        for number, team in enumerate(self._sent()):
            technician, laboratory_id = self.bench.technician, self.bench.laboratory_id
            reception.receive_box(
                actor=technician, box_code=team.box, laboratory_id=laboratory_id, temperature_c=COLD_C + 1
            )
            scanned = list(team.tubes)
            if number == 0 and len(scanned) > 5 and self.last == "pooled":
                # one tube is not where its list says, as happens
                team.tubes.pop(scanned.pop())
            reception.receive_tubes(
                actor=technician,
                laboratory_id=laboratory_id,
                box_code=team.box,
                tubes=[ReceivedTube(tube) for tube in scanned],
            )
            reception.reconcile_box(actor=technician, box_code=team.box)
        if self.last == "received":
            # a tube whose list has not come yet
            (nameless,) = self._mint(self.teams[0], "single", 1)
            reception.receive_tubes(
                actor=self.bench.technician,
                laboratory_id=self.bench.laboratory_id,
                tubes=[ReceivedTube(nameless)],
            )

    def _pool(self) -> None:
        for team in self._sent():
            self.bench.truth |= team.tubes
        self.bench.pool([tube for team in self._sent() for tube in team.tubes])
