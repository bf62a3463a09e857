"""Classes of people who are followed up, and what follows from a class. Pure.

F0 is a person in whom the virus was detected, F1 who was near an F0, F2 near an F1, F3 near an F2 (3638/QĐ-BYT of
30 July 2021 for F1 and F2).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from lims.errors import InvalidInput, Refused
from lims.intake.rules import SYMPTOMS

CLASSES = ("f0", "f1", "f2", "f3", "quarantined")
CLASSES_BY_HAND = ("quarantined", "f0", "f1", "f2", "f3")
# how it is known; "result" is a released result, all others are said by a person
KNOWN_BY = ("named", "household", "traced", "reported", "result")
KNOWN_BY_HAND = KNOWN_BY[:-1]
STATUSES = ("open", "ended")
END_REASONS = ("finished", "mistake", "moved", "died", "result_taken_back", "erased")
END_REASONS_BY_HAND = END_REASONS[:4]
# Samples that count as "this person was sampled": everything else was lost, rejected, taken back or is replaced.
COUNTED_SAMPLES = ("bound", "resulted")
# A first day further back is a slip of the finger: nobody is followed up for that long.
LONGEST_AGO_DAYS = 60
MOST_DECLARED = 200

_NEXT = {"f0": "f1", "f1": "f2", "f2": "f3"}


@dataclass(frozen=True)
class Known:
    """What the open follow-ups of a person say together, for the declaration of a test.

    Args:
        is_contact: one of them is of class F1.
        symptoms: words of `intake.rules.SYMPTOMS` in their order, reported in any of them.
    """

    is_contact: bool = False
    symptoms: tuple[str, ...] = ()

    def add(self, contact_class: str, symptoms: Collection[str]) -> Known:
        """Return what is known with one follow-up more."""
        both = {*self.symptoms, *symptoms}
        return Known(
            self.is_contact or contact_class == "f1", tuple(word for word in SYMPTOMS if word in both)
        )


def find_day_of_symptoms(*, today: date, sampled_on: date | None) -> date:
    """Return the day of the test for symptoms that are reported today.

    Args:
        today: the date in the campaign's time zone.
        sampled_on: the latest day on which a sample of the person was taken that was neither lost nor rejected.

    Returns:
        Today; tomorrow where a sample of today is there: it was taken without knowing of the symptoms.
    """
    return today if sampled_on is None or sampled_on < today else today + timedelta(days=1)


def class_of_contact(of_class: str) -> str:
    """Return the class of somebody who was near a person of a class.

    Raises:
        Refused: nobody is listed as a contact of this class.
    """
    if of_class not in _NEXT:
        raise Refused(
            "Contacts are listed of F0, F1 and F2 only. This person is %(state)s.", field="of", state=of_class
        )
    return _NEXT[of_class]


def check_since(since: date, *, today: date) -> date:
    """Return the first day of a follow-up: the last contact, or the first day of quarantine.

    Raises:
        InvalidInput: it is to come, or more than 60 days ago.
    """
    if since > today:
        raise InvalidInput(
            "The first day is to come. Write the day of the last contact, or of the quarantine's begin.",
            field="since",
        )
    if (today - since).days > LONGEST_AGO_DAYS:
        raise InvalidInput(
            "The first day is more than %(most)s days ago. Check the date.",
            field="since",
            most=LONGEST_AGO_DAYS,
        )
    return since
