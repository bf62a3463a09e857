"""Reconciliation: every class of DESIGN §5 as its own predicate, so that a row in none or in two of them is found.

Each identity is one statement that counts and one that names the rows at fault; the second is asked only if the
first found any.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, case, exists, func, literal, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from lims.auth.actors import Actor
from lims.capacity.rules import TITLES, Fault, Identity, name_classes
from lims.field.models import Device, Enrolment, FieldScan
from lims.intake.models import Box, Declaration, Discrepancy, Sample, Tube
from lims.places.models import Campaign
from lims.pooling.models import Pool, PoolMember
from lims.results.models import Result

MOST_FAULTS = 100
Condition = ColumnElement[bool]


@dataclass(frozen=True)
class _Equation:
    """An identity before it is counted.

    Args:
        name: key of `TITLES`.
        rows: selects nothing yet: the rows of the whole, joined as the predicates need.
        key: what names a row.
        classes: predicate of each class.
    """

    name: str
    rows: Select[tuple[()]]
    key: InstrumentedAttribute[Any]
    classes: Mapping[str, Condition]


def list_campaign_ids(session: Session, *, actor: Actor) -> list[uuid.UUID]:
    """Return the campaigns of the actor's provinces."""
    query = select(Campaign.id)
    if not actor.everywhere:
        query = query.where(Campaign.province_id.in_(actor.place_ids))
    return list(session.scalars(query))


def reconcile(session: Session, *, campaign_ids: Collection[uuid.UUID] | None = None) -> list[Identity]:
    """Count every identity of people and of tubes.

    Args:
        session: a reading session.
        campaign_ids: only these; None for all.

    Returns:
        The identities in the order of a sample's way.
    """
    return [
        _count(session, equation)
        for equation in (
            _declarations(campaign_ids),
            _samples(campaign_ids),
            _results(campaign_ids),
            _tubes(campaign_ids),
            _tubes_without_names(campaign_ids),
            _names_without_tubes(campaign_ids),
            _field_scans(campaign_ids),
        )
    ]


def _flag(condition: Condition) -> ColumnElement[int]:
    # a predicate on a missing joined row is NULL: the row is then not in that class
    return case((condition, 1), else_=0)


def _count(session: Session, equation: _Equation) -> Identity:
    flags = {name: _flag(condition) for name, condition in equation.classes.items()}
    counted = sum(flags.values(), start=literal(0, Integer))
    row = session.execute(
        equation.rows.with_only_columns(
            func.count().label("total"),
            func.coalesce(func.sum(case((counted != 1, 1), else_=0)), 0).label("fault_count"),
            *(func.coalesce(func.sum(flag), 0).label(f"class_{name}") for name, flag in flags.items()),
        )
    ).one()
    faults: list[Fault] = []
    if row.fault_count:
        faults = [
            Fault(equation.name, str(found.key), name_classes({name: getattr(found, name) for name in flags}))
            for found in session.execute(
                equation.rows.with_only_columns(
                    equation.key.label("key"), *(flag.label(name) for name, flag in flags.items())
                )
                .where(counted != 1)
                .limit(MOST_FAULTS)
            )
        ]
    return Identity(
        name=equation.name,
        title=TITLES[equation.name],
        total=row.total,
        classes={name: int(getattr(row, f"class_{name}")) for name in flags},
        faults=faults,
        fault_count=int(row.fault_count),
    )


def _of_campaigns(
    column: InstrumentedAttribute[uuid.UUID], campaign_ids: Collection[uuid.UUID] | None
) -> Condition:
    return literal(1) == 1 if campaign_ids is None else column.in_(campaign_ids)


def _declarations(campaign_ids: Collection[uuid.UUID] | None) -> _Equation:
    """Declared = open + sampled + closed without a sample."""
    standing = exists(
        select(Sample.id).where(
            Sample.declaration_id == Declaration.id,
            Sample.attempt == Declaration.attempt,
            Sample.status.in_(("bound", "resulted", "superseded", "lost", "rejected")),
        )
    )
    return _Equation(
        name="declarations",
        rows=select().select_from(Declaration).where(_of_campaigns(Declaration.campaign_id, campaign_ids)),
        key=Declaration.code,
        classes={
            "open": and_(Declaration.status == "open", ~standing),
            "sampled": and_(Declaration.status.in_(("sampled", "closed")), standing),
            "closed_without_sample": and_(Declaration.status.in_(("withdrawn", "expired")), ~standing),
        },
    )


def _samples(campaign_ids: Collection[uuid.UUID] | None) -> _Equation:
    """Sampled = waiting + held + released + closed otherwise."""
    return _Equation(
        name="samples",
        rows=select()
        .select_from(Sample)
        .join(Tube, Tube.id == Sample.tube_id)
        .outerjoin(Result, and_(Result.sample_id == Sample.id, Result.status != "superseded"))
        .where(_of_campaigns(Sample.campaign_id, campaign_ids)),
        key=Tube.code,
        classes={
            "waiting": or_(
                # what a withdrawn run said of it says nothing any more
                and_(Sample.status == "bound", or_(Result.id.is_(None), Result.status == "withdrawn")),
                and_(Sample.status == "resulted", Result.status.in_(("preliminary", "verified"))),
            ),
            "held": and_(Sample.status == "resulted", Result.status == "held"),
            "released": and_(Sample.status == "resulted", Result.status == "released"),
            "closed_otherwise": or_(
                and_(
                    Sample.status.in_(("void", "lost", "rejected", "superseded")),
                    or_(Result.id.is_(None), Result.status.in_(("released", "withdrawn"))),
                ),
                and_(Sample.status == "resulted", Result.status == "withdrawn"),
            ),
        },
    )


def _results(campaign_ids: Collection[uuid.UUID] | None) -> _Equation:
    """Released = told + not yet told."""
    return _Equation(
        name="results",
        rows=select()
        .select_from(Result)
        .join(Sample, Sample.id == Result.sample_id)
        .join(Tube, Tube.id == Sample.tube_id)
        .where(Result.status == "released", _of_campaigns(Sample.campaign_id, campaign_ids)),
        key=Tube.code,
        classes={
            "told": or_(Result.first_read_at >= Result.released_at, Result.told_at >= Result.released_at),
            "not_yet_told": and_(Result.first_read_at.is_(None), Result.told_at.is_(None)),
        },
    )


def _tubes(campaign_ids: Collection[uuid.UUID] | None) -> _Equation:
    """Printed = unused + at the site + on the road + missing + waiting + in test + sent on + done + rejected + void."""
    in_test = exists(select(PoolMember.tube_id).where(PoolMember.tube_id == Tube.id, PoolMember.in_test))
    was_tested = exists(
        select(PoolMember.tube_id)
        .join(Pool, Pool.id == PoolMember.pool_id)
        .where(PoolMember.tube_id == Tube.id, Pool.status.in_(("called", "resolved")))
    )
    named = exists(select(Sample.id).where(Sample.tube_id == Tube.id, Sample.status != "void"))
    waits = exists(select(Sample.id).where(Sample.tube_id == Tube.id, Sample.status == "bound"))
    here = and_(Tube.status.in_(("received", "stored")), Tube.received_at.is_not(None))
    # every name has its result or its end, and at least one test or one end was there
    finished = and_(named, ~waits)
    return _Equation(
        name="tubes",
        rows=select()
        .select_from(Tube)
        .outerjoin(Box, Box.id == Tube.box_id)
        .where(_of_campaigns(Tube.campaign_id, campaign_ids)),
        key=Tube.code,
        classes={
            "unused": and_(Tube.status == "printed", Tube.received_at.is_(None), ~waits),
            "at_the_site": and_(
                or_(Tube.status == "used", and_(Tube.status == "boxed", Box.status.in_(("open", "sealed")))),
                Tube.received_at.is_(None),
            ),
            "on_the_road": and_(
                Tube.status == "boxed",
                Tube.received_at.is_(None),
                Box.status.in_(("dispatched", "received", "reconciled")),
            ),
            "missing": Tube.status == "missing",
            "sent_on": and_(Tube.status == "boxed", Tube.received_at.is_not(None)),
            "waiting_at_laboratory": and_(here, not_(in_test), not_(finished)),
            "in_test": and_(here, in_test),
            "done": or_(and_(here, not_(in_test), finished), and_(Tube.status == "discarded", ~in_test)),
            "rejected": Tube.status.in_(("rejected", "damaged")),
            "void": and_(Tube.status == "void", ~waits, ~was_tested),
        },
    )


def _tubes_without_names(campaign_ids: Collection[uuid.UUID] | None) -> _Equation:
    """Tubes in use whose names are missing, wholly or in part: each stands somewhere."""
    bound = (
        select(func.count())
        .where(Sample.tube_id == Tube.id, Sample.status != "void")
        .correlate(Tube)
        .scalar_subquery()
    )
    expected = case((Tube.mode == "single", 1), else_=func.coalesce(Tube.closed_count, 1))
    tested = exists(
        select(PoolMember.tube_id)
        .join(Pool, Pool.id == PoolMember.pool_id)
        .where(PoolMember.tube_id == Tube.id, Pool.status.in_(("called", "resolved")))
    )
    return _Equation(
        name="tubes_without_names",
        rows=select()
        .select_from(Tube)
        .where(
            Tube.status.in_(("used", "boxed", "received", "stored", "missing")),
            bound < expected,
            _of_campaigns(Tube.campaign_id, campaign_ids),
        ),
        key=Tube.code,
        classes={
            "not_received": and_(Tube.received_at.is_(None), ~tested),
            "not_tested": and_(Tube.received_at.is_not(None), ~tested),
            "tested": tested,
        },
    )


def _names_without_tubes(campaign_ids: Collection[uuid.UUID] | None) -> _Equation:
    """Names that wait on a tube nobody can test: it is gone, or was never used."""
    return _Equation(
        name="names_without_tubes",
        rows=select()
        .select_from(Sample)
        .join(Tube, Tube.id == Sample.tube_id)
        .where(
            Sample.status == "bound",
            Tube.status.in_(("missing", "damaged", "rejected", "void", "printed", "discarded")),
            _of_campaigns(Sample.campaign_id, campaign_ids),
        ),
        key=Tube.code,
        classes={
            "tube_gone": Tube.status.in_(("missing", "damaged", "rejected", "discarded")),
            "tube_unused": Tube.status.in_(("printed", "void")),
        },
    )


def _field_scans(campaign_ids: Collection[uuid.UUID] | None) -> _Equation:
    """Sent by phones = bound + known before + taken back + other steps + kept as discrepancies."""
    standing = exists(select(Sample.id).where(Sample.client_id == FieldScan.id, Sample.status != "void"))
    taken = exists(select(Sample.id).where(Sample.client_id == FieldScan.id))
    is_bind = FieldScan.kind == "bind"
    good = FieldScan.verdict == "good"
    return _Equation(
        name="field_scans",
        rows=select()
        .select_from(FieldScan)
        .join(Device, Device.id == FieldScan.device_id)
        .join(Enrolment, Enrolment.id == Device.enrolment_id)
        .where(_of_campaigns(Enrolment.campaign_id, campaign_ids)),
        key=FieldScan.id,
        classes={
            "scan_bound": and_(is_bind, good, ~FieldScan.taken_back, taken),
            "scan_known_before": and_(FieldScan.verdict == "again", ~standing),
            "scan_taken_back": and_(is_bind, good, FieldScan.taken_back, ~standing),
            "scan_other_step": and_(~is_bind, good, ~taken),
            "scan_kept": and_(
                FieldScan.verdict == "wrong", FieldScan.answer["discrepancy"].as_string().is_not(None), ~taken
            ),
        },
    )


def count_open_discrepancies(session: Session, *, campaign_ids: Collection[uuid.UUID] | None = None) -> int:
    """Return how many discrepancies hold somebody up."""
    return (
        session.scalar(
            select(func.count()).where(
                Discrepancy.status == "open",
                Discrepancy.holds_results,
                _of_campaigns(Discrepancy.campaign_id, campaign_ids),  # type: ignore[arg-type]
            )
        )
        or 0
    )
