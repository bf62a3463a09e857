"""Who is told what of results, written in the transaction of the change; nothing is sent here (`lims.outbox`).

The commune's rapid-response team is told as well: a detected result that is released opens the person's case (F0), one
that is taken back closes it (`lims.intake.contacts.cases`).

Not actions: release, amendment, withdrawal and review call these. Each is a constant number of statements for one
result and for 5,000. People are told that a result is there, or is checked again; staff on call are told of positives
by codes; other systems are told which version, and fetch it with their own token. None of it holds a name, and none to
people or to other systems the finding.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from lims.intake.contacts.cases import close_cases, open_cases
from lims.outbox.queries.receivers import find_on_call, find_webhooks
from lims.outbox.queueing import Draft, cancel_messages, queue_messages
from lims.pooling.models import Pool
from lims.results import sending  # noqa: F401  (answers what the outbox asks)
from lims.results.certificates.revoking import revoke_certificates
from lims.results.obstacles import Standing
from lims.results.queries import announcing as queries


def announce_released(session: Session, standings: Sequence[Standing]) -> int:
    """Tell people, other systems and, of a positive, staff on call and the commune's team, that results were released.

    Args:
        session: the release's writing session.
        standings: results that were just released.

    Returns:
        How many messages were queued.
    """
    if not standings:
        return 0
    open_cases(session, sample_ids=[item.sample_id for item in standings if item.finding == "detected"])
    rows = queries.list_concerned(session, result_ids=[item.result_id for item in standings])
    drafts = _to_people(rows, lambda row: "result_amended" if row.is_next else "result_ready")
    drafts += _to_systems(session, rows, lambda row: "result.amended" if row.is_next else "result.released")
    drafts += _alert_of_results(session, [row for row in rows if row.finding == "detected"])
    return queue_messages(session, drafts)


def announce_taken_back(session: Session, result_ids: Collection[uuid.UUID], reason: str) -> int:
    """Revoke the certificates of released results that no longer hold, and tell everybody that they do not.

    What was still to be said of these versions is cancelled. A person is told even if the first message had not left:
    the result could be read on the portal and on paper.

    Args:
        session: the writing session of what takes them back.
        result_ids: versions that were released until now, and are superseded or withdrawn.
        reason: why, for the revocation.

    Returns:
        How many messages were queued.
    """
    if not result_ids:
        return 0
    revoke_certificates(session, result_ids=result_ids, reason=reason)
    cancel_messages(session, subject_ids=result_ids)
    rows = queries.list_concerned(session, result_ids=result_ids)
    close_cases(session, sample_ids=[row.sample_id for row in rows if row.finding == "detected"])
    drafts = _to_people(rows, lambda _row: "result_checked_again")
    drafts += _to_systems(session, rows, lambda _row: "result.withdrawn")
    return queue_messages(session, drafts)


def announce_positive_pools(session: Session, pools: Sequence[Pool]) -> int:
    """Alert staff on call for the laboratory and for the members' communes: one message each, for all pools of a run.

    Args:
        session: the review's writing session, the pools' findings flushed.
        pools: of several people, called detected.

    Returns:
        How many messages were queued.
    """
    if not pools:
        return 0
    runs = queries.map_runs_of_pools(session, pool_ids=[pool.id for pool in pools])
    communes = queries.map_communes_of_pools(session, pool_ids=[pool.id for pool in pools])
    laboratories = {run.laboratory_id for run in runs.values()}
    on_call = find_on_call(session, place_ids=laboratories.union(*communes.values()))
    if not on_call:
        return 0
    told: defaultdict[tuple[uuid.UUID, str, uuid.UUID], list[Pool]] = defaultdict(list)
    for pool in pools:
        run = runs[pool.id]
        for entry_id, channel in _entries(on_call, {run.laboratory_id, *communes[pool.id]}):
            told[entry_id, channel, run.id].append(pool)
    return queue_messages(
        session,
        [
            _alert_of_pools(entry_id, channel, runs[some[0].id], some)
            for (entry_id, channel, _run_id), some in told.items()
        ],
    )


def announce_second_tests(session: Session, sample_ids: Collection[uuid.UUID]) -> int:
    """Tell people that there is news of their sample: it is tested again, or a new one is asked for.

    Each is told once of a sample, and not at all where a result of it was released before: they are told that it is
    checked again. The words are the same for all, as they would give away what was found in a pool.

    Args:
        session: the writing session of what decides it.
        sample_ids: samples that wait for a second test or are replaced.

    Returns:
        How many messages were queued.
    """
    if not sample_ids:
        return 0
    rows = queries.list_waiting_samples(session, sample_ids=sample_ids)
    drafts = [
        _to_person(row, "second_test", f"second_test:{row.id}", subject_kind="sample")
        for row in rows
        if _may_be_told(row)
    ]
    return queue_messages(session, drafts, skips_told=True)


def _to_people(rows: Iterable[Any], template: Callable[[Any], str]) -> list[Draft]:
    return [_to_person(row, template(row), f"{template(row)}:{row.id}") for row in rows if _may_be_told(row)]


def _may_be_told(row: Any) -> bool:
    """Tell whether a person has a telephone, the campaign tells people, and their data may be used."""
    return row.tells_people and row.telephone is not None and row.restricted_at is None


def _to_person(row: Any, template: str, key: str, *, subject_kind: str = "result") -> Draft:
    return Draft(
        kind="sms",
        channel="sms",
        template=template,
        key=key,
        receiver_id=row.person_id,
        data={"declaration": row.declaration},
        quiet=(row.quiet_from_hour, row.quiet_until_hour),
        telephone=row.telephone,
        **_about(row) | {"subject_kind": subject_kind},
    )


def _to_systems(session: Session, rows: Sequence[Any], event: Callable[[Any], str]) -> list[Draft]:
    webhooks = find_webhooks(
        session, place_ids={row.laboratory_id for row in rows} | {row.commune_id for row in rows}
    )
    if not webhooks:
        return []
    return [
        Draft(
            kind="webhook",
            channel="webhook",
            template=event(row),
            key=f"{event(row)}:{row.id}:{webhook_id}",
            receiver_id=webhook_id,
            data={
                "result": str(row.id),
                "version": row.version,
                "tube": row.tube,
                "declaration": row.declaration,
                "laboratory": row.laboratory,
                "commune": row.commune,
            },
            **_about(row),
        )
        for row in rows
        for webhook_id, events in (webhooks[row.laboratory_id] | webhooks[row.commune_id]).items()
        if event(row) in events
    ]


def _alert_of_results(session: Session, rows: Sequence[Any]) -> list[Draft]:
    if not rows:
        return []
    places = {row.laboratory_id for row in rows} | {row.commune_id for row in rows}
    on_call = find_on_call(session, place_ids=places)
    if not on_call:
        return []
    return [
        Draft(
            kind="alert",
            channel=channel,
            template="positive_result",
            key=f"positive_result:{row.id}:{entry_id}",
            receiver_id=entry_id,
            data={"tube": row.tube, "laboratory": row.laboratory, "commune": row.commune},
            **_about(row),
        )
        for row in rows
        for entry_id, channel in _entries(on_call, {row.laboratory_id, row.commune_id})
    ]


def _about(row: Any) -> dict[str, Any]:
    return {
        "subject_kind": "result",
        "subject_id": row.id,
        "campaign_id": row.campaign_id,
        "laboratory_id": row.laboratory_id,
        "commune_id": row.commune_id,
    }


def _alert_of_pools(entry_id: uuid.UUID, channel: str, run: Any, pools: Sequence[Pool]) -> Draft:
    return Draft(
        kind="alert",
        channel=channel,
        template="positive_pools",
        key=f"positive_pools:{run.id}:{entry_id}",
        subject_kind="run",
        subject_id=run.id,
        campaign_id=run.campaign_id,
        laboratory_id=run.laboratory_id,
        commune_id=None,
        receiver_id=entry_id,
        data={"pools": [pool.code for pool in pools], "run": run.code, "laboratory": run.laboratory},
    )


def _entries(
    on_call: dict[uuid.UUID, Sequence[tuple[uuid.UUID, str]]], place_ids: Collection[uuid.UUID]
) -> list[tuple[uuid.UUID, str]]:
    """Return everybody on call for some places, each once."""
    return sorted({entry for place_id in place_ids for entry in on_call.get(place_id, ())})
