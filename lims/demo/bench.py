"""The laboratory's part of the demonstration: pools, plates, readings, review, verification, release."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from lims import clock
from lims.auth.actors import Actor
from lims.demo.cycler import simulate_readings
from lims.demo.cycler_file import write_instrument_file
from lims.demo.people import Invented
from lims.errors import AlreadyDone
from lims.extensions import db
from lims.intake.actions import storing
from lims.intake.queries.storages import list_storages
from lims.pooling.actions import extractions, kit_lots, pools, runs
from lims.pooling.handing_in import accept, hand_in
from lims.pooling.queries.assays import list_agreed_assays
from lims.pooling.queries.kit_lots import list_lots
from lims.pooling.queries.runs import get_rules
from lims.results.actions import release, review, verification
from lims.results.queries import results as result_queries

# a 96-well plate less the three controls of the usual assay
PLATE = 93
RACK = 96
KIT_LOT = "TN-2108"


@dataclass
class Bench:
    """What one laboratory does with one batch.

    Args:
        laboratory_id: where.
        technician: who pools, plates and reads.
        supervisor: who reviews, verifies and releases.
        dice: the source of chance.
        truth: tube code → the people whose swabs are in it.
        members: pool code → tube codes.
        plates: answers of `plan_run` of the plates at work.
        done: the same of all plates so far.
    """

    laboratory_id: uuid.UUID
    technician: Actor
    supervisor: Actor
    dice: random.Random
    truth: dict[str, list[Invented]] = field(default_factory=dict)
    members: dict[str, Sequence[str]] = field(default_factory=dict)
    plates: list[dict[str, Any]] = field(default_factory=list)
    done: list[dict[str, Any]] = field(default_factory=list)

    def pool(self, tube_codes: Sequence[str]) -> None:
        """Pool a rack as the product proposes."""
        answer = pools.propose_pools(
            actor=self.technician, laboratory_id=self.laboratory_id, tube_codes=tube_codes
        )
        self.members = {pool["pool"]: pool["tubes"] for pool in answer["pools"]}

    def plan(self) -> None:
        """Extract all pools at hand, a plate at a time, and fill plates with them."""
        self._keep_account_of_kits()
        waiting = list(self.members)
        self.plates = []
        for start in range(0, len(waiting), PLATE):
            extracted = extractions.make_extraction(
                actor=self.technician,
                laboratory_id=self.laboratory_id,
                pool_codes=waiting[start : start + PLATE],
                kit_lot="TC-0721",
                instrument="Máy tách chiết 1",
            )
            self.plates.append(
                runs.plan_run(
                    actor=self.technician,
                    laboratory_id=self.laboratory_id,
                    extraction_codes=[extracted["extraction"]],
                    kit_lot=KIT_LOT,
                    instrument="Máy PCR 1",
                )
            )
        self.done += self.plates

    def _keep_account_of_kits(self) -> None:
        """Add the kit's lot once."""
        session = db.session()
        assay = list_agreed_assays(session)[0]
        if not list_lots(session, laboratory_id=self.laboratory_id, assay_name=assay.name):
            kit_lots.add_kit_lot(
                actor=self.technician,
                laboratory_id=self.laboratory_id,
                assay_name=assay.name,
                lot=KIT_LOT,
                expires_on=clock.today() + timedelta(days=180),
                reactions=4800,
            )

    def put_away(self) -> None:
        """Put the tubes that were tested into the refrigerator, rack by rack."""
        session = db.session()
        if not list_storages(session, laboratory_id=self.laboratory_id):
            storing.add_storage(
                actor=self.technician,
                laboratory_id=self.laboratory_id,
                name="Tủ lạnh 1",
                temperature_c=4.0,
            )
        (storage, *_others) = list_storages(db.session(), laboratory_id=self.laboratory_id)
        tubes = [tube for members in self.members.values() for tube in members]
        for number, start in enumerate(range(0, len(tubes), RACK), start=1):
            storing.store_tubes(
                actor=self.technician,
                laboratory_id=self.laboratory_id,
                storage_id=storage.id,
                rack=f"{self.plates[0]['run'][1:4]}{number}",
                tube_codes=tubes[start : start + RACK],
            )

    def start(self) -> None:
        """Put the plates into the cycler."""
        for plate in self.plates:
            runs.start_run(actor=self.technician, run_code=plate["run"])

    def read(self) -> None:
        """Record what the cycler reads."""
        people = {
            pool: [who for tube in tubes for who in self.truth[tube]] for pool, tubes in self.members.items()
        }
        for plate in self.plates:
            kit = get_rules(db.session(), run_code=plate["run"])
            read = simulate_readings(
                wells=plate["wells"],
                targets=plate["targets"],
                infected_by_pool={
                    pool: sum(who.is_infected for who in them) for pool, them in people.items()
                },
                size_by_pool={pool: len(them) for pool, them in people.items()},
                dice=self.dice,
            )
            content = write_instrument_file(
                wells=plate["wells"],
                targets=[{"name": target.name, "dye": target.dye} for target in kit.targets],
                readings=read,
                size=plate["size"],
                dice=self.dice,
            )
            staged = hand_in(
                actor=self.technician,
                run_code=plate["run"],
                file_name=f"{plate['run']}.txt",
                content=content,
            )
            accept(actor=self.technician, file_id=uuid.UUID(staged["file"]))

    def review(self) -> None:
        """Look at the plates."""
        for plate in self.plates:
            review.review_run(actor=self.supervisor, run_code=plate["run"])
        self.put_away()

    def verify(self) -> None:
        """Verify negatives a plate at a time, all others one by one."""
        for plate in self.plates:
            verification.verify_run(actor=self.supervisor, run_code=plate["run"])
            for result_id in self._others(plate, "preliminary"):
                verification.verify_results(actor=self.supervisor, result_ids=[result_id])

    def release(self) -> None:
        """Release negatives a plate at a time, all others one by one."""
        for plate in self.plates:
            try:
                release.release_run(actor=self.supervisor, run_code=plate["run"])
            except AlreadyDone:
                # every well of this plate was positive: there is no negative to release
                continue
            finally:
                for result_id in self._others(plate, "verified"):
                    release.release_results(actor=self.supervisor, result_ids=[result_id], looked=True)

    def finish(self) -> None:
        """Verify and release what came to a plate later: negatives that waited for a sibling on another plate."""
        self.plates = [plate for plate in self.done if self._list_results(plate, "preliminary", "")]
        self.verify()
        self.release()

    def _others(self, plate: dict[str, Any], status: str) -> list[uuid.UUID]:
        return self._list_results(plate, status, "not_detected")

    def _list_results(self, plate: dict[str, Any], status: str, not_finding: str) -> list[uuid.UUID]:
        run = result_queries.get_run(db.session(), actor=self.supervisor, code=plate["run"])
        found = result_queries.list_results(
            db.session(),
            actor=self.supervisor,
            run_id=run.id,
            status=status,
            not_finding=not_finding,
            most=1000,
        )
        return [result.id for result in found]
