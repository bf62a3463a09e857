"""What the outbox asks the stations, without knowing them: imports point the other way.

The results package answers (`lims.results.sending`):

    from lims.outbox import stations
    stations.answer(is_due=…, find_phone=…)

and so does whoever has a template of its own:

    stations.answer_for("capacity_alarm", is_open)
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from lims.vault import Vault

# (session, template, the subject's key): does what the message tells still hold?
IsDue = Callable[[Session, str, uuid.UUID], bool]
# (session, vault, the person's key): the telephone in E.164; '' where there is none, or no longer
FindPhone = Callable[[Session, Vault, uuid.UUID], str]


@dataclass
class Answers:
    """Who answers; nobody in tests of the outbox alone, and then nothing is due.

    Args:
        is_due: asked for every message in the transaction that takes it in hand.
        find_phone: asked for every message to a person, at the same moment.
        of_template: who is asked in place of `is_due` about a template of their own.
    """

    is_due: IsDue = lambda _session, _template, _subject_id: False
    find_phone: FindPhone = lambda _session, _vault, _person_id: ""
    of_template: dict[str, IsDue] = field(default_factory=dict)


answers = Answers()


def answer(*, is_due: IsDue, find_phone: FindPhone) -> None:
    """Take over the answers."""
    answers.is_due, answers.find_phone = is_due, find_phone


def answer_for(template: str, is_due: IsDue) -> None:
    """Take over the answers about one template.

    Args:
        template: a word of `rules.TEMPLATES`.
        is_due: tells whether what it says still holds.
    """
    answers.of_template[template] = is_due


def is_due(session: Session, template: str, subject_id: uuid.UUID) -> bool:
    """Tell whether what a message says still holds."""
    return answers.of_template.get(template, answers.is_due)(session, template, subject_id)
