"""What follows in the laboratory when intake loses a tube, learns its count, or closes a sample.

Not actions: each is called in the transaction of intake's action, through `lims.intake.consequences`. Together they
see to it that nobody waits for a test that will never be made.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection

from sqlalchemy.orm import Session

from lims.intake import consequences
from lims.pooling.lost_tubes import take_out_lost_tubes
from lims.pooling.outcomes import Outcome, Resolution
from lims.pooling.resolution import close_resolved, late_outcomes, outcomes_after_loss
from lims.results.actions.review import ask_again, open_discordances, write_results
from lims.results.actions.withdrawing import take_back
from lims.results.queries import late_names as late
from lims.results.queries import waiting


def replace_gone_tubes(session: Session, tube_ids: Collection[uuid.UUID], reason: str) -> int:
    """End the tests that were to be made of some tubes, and ask whoever waited for them for a new sample.

    Pools not mixed yet lose the tubes; a result that waited for a confirmation of one is withdrawn; negative members
    of a positive pool that waited for the tubes' tests are reported.

    Args:
        session: writing session.
        tube_ids: tubes that cannot be tested any more.
        reason: why, a word of `lims.words`.

    Returns:
        How many people were asked for a new sample.
    """
    take_out_lost_tubes(session, tube_ids=tube_ids, reason=reason)
    asked = waiting.list_samples_that_need_their_tube(session, tube_ids=tube_ids)
    ask_again(session, [(sample_id, reason) for sample_id in asked])
    report(session, outcomes_after_loss(session, tube_ids=tube_ids))
    return len(asked)


def report_counted_tubes(session: Session, tube_ids: Collection[uuid.UUID], reason: str) -> int:
    """Report a test to a mixed tube's people whose count came after it (DESIGN §3, rule 7).

    The names were there before the test; only that they are all was not known. So no supervisor is asked, and the
    results wait for verification like all others.

    Args:
        session: writing session.
        tube_ids: mixed tubes that were counted.
        reason: not used.

    Returns:
        How many people were asked for a new sample.
    """
    samples = late.lock_samples_beyond_doubt(session, tube_ids=tube_ids)
    resolution = late_outcomes(session, samples=samples)
    report(session, resolution)
    return len(resolution.ask_again)


def withdraw_results_of_closed_samples(
    session: Session, sample_ids: Collection[uuid.UUID], reason: str
) -> int:
    """Withdraw what waits to be reported for samples that are to be replaced; a released result stays as told.

    Args:
        session: writing session.
        sample_ids: samples closed by name.
        reason: why, a word of `lims.words`.

    Returns:
        0: those who closed them asked the people.
    """
    result_ids = waiting.lock_unreleased_results(session, sample_ids=sample_ids)
    take_back(session, result_ids, reason=reason)
    close_resolved(session, waiting.list_pools_of_samples(session, sample_ids=sample_ids))
    return 0


def report(session: Session, resolution: Resolution) -> None:
    """Write results of runs that were reviewed before; whoever entered a run's readings does not verify them."""
    readers = waiting.find_readers(session, run_ids={outcome.run_id for outcome in resolution.outcomes})
    by_reader: defaultdict[uuid.UUID | None, list[Outcome]] = defaultdict(list)
    for outcome in resolution.outcomes:
        by_reader[readers[outcome.run_id]].append(outcome)
    for reader_id, outcomes in by_reader.items():
        write_results(session, outcomes=outcomes, entered_by_id=reader_id)
    ask_again(session, resolution.ask_again)
    open_discordances(session, resolution.discordant_pool_ids)
    session.flush()
    close_resolved(session, resolution.pool_ids)


consequences.follow("tubes_gone", replace_gone_tubes)
consequences.follow("tubes_counted", report_counted_tubes)
consequences.follow("samples_closed", withdraw_results_of_closed_samples)
