"""The identities of DESIGN §5 in words, and what a laboratory has free. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lims.msgid import N_


@dataclass(frozen=True)
class Fault:
    """A row in none or in two classes: a defect and an alarm.

    Args:
        identity: name of the identity.
        key: printed code, or the key where there is none.
        classes: names of the classes it is in; empty for none.
    """

    identity: str
    key: str
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Identity:
    """One equation: a whole and its classes, each counted by its own predicate.

    Args:
        name: word for programs.
        title: msgid of the whole.
        total: rows in all.
        classes: rows by class, in the order of the way.
        faults: rows in none or in two classes, at most the first 100.
        fault_count: how many there are.
    """

    name: str
    title: str
    total: int
    classes: Mapping[str, int]
    faults: Sequence[Fault] = field(default=())
    fault_count: int = 0

    @property
    def holds(self) -> bool:
        """Whether every row is in exactly one class."""
        return self.fault_count == 0 and sum(self.classes.values()) == self.total


TITLES: Mapping[str, str] = {
    "declarations": N_("Declared"),
    "samples": N_("Sampled"),
    "results": N_("Released"),
    "tubes": N_("Tubes printed"),
    "tubes_without_names": N_("Tubes without names"),
    "names_without_tubes": N_("Names without tubes"),
    "field_scans": N_("Sent by phones"),
}
CLASS_WORDS: Mapping[str, str] = {
    "scan_bound": N_("bound to a tube"),
    "scan_known_before": N_("known before, nothing changed"),
    "scan_taken_back": N_("taken back by the collector"),
    "scan_other_step": N_("other steps done"),
    "scan_kept": N_("kept as discrepancies"),
    "open": N_("to be sampled"),
    "sampled": N_("sampled"),
    "closed_without_sample": N_("closed without a sample (withdrawn, expired)"),
    "waiting": N_("waiting"),
    "held": N_("on hold"),
    "released": N_("released"),
    "closed_otherwise": N_("closed otherwise (lost, rejected, void, superseded)"),
    "told": N_("read by the person"),
    "not_yet_told": N_("not read yet"),
    "unused": N_("unused"),
    "void": N_("void"),
    "at_the_site": N_("at the site"),
    "on_the_road": N_("on the road"),
    "missing": N_("missing"),
    "waiting_at_laboratory": N_("waiting at the laboratory"),
    "in_test": N_("in test"),
    "sent_on": N_("sent on to another laboratory"),
    "done": N_("done"),
    "rejected": N_("rejected or damaged"),
    "not_received": N_("not at a laboratory yet"),
    "not_tested": N_("at a laboratory, not tested"),
    "tested": N_("tested, no result possible yet"),
    "tube_gone": N_("their tube is missing, damaged or rejected"),
    "tube_unused": N_("their tube was never used"),
}


def name_classes(flags: Mapping[str, int]) -> tuple[str, ...]:
    """Return the names of the classes a row is in."""
    return tuple(name for name, flag in flags.items() if flag)


@dataclass(frozen=True)
class Load:
    """What of a laboratory's day is used, planned and free, in reactions.

    Args:
        used: reactions whose readings were entered today.
        planned: reactions on plates that are planned or running.
        capacity: reactions a day.
    """

    used: int
    planned: int
    capacity: int

    @property
    def free(self) -> int:
        """Reactions left today; never below 0."""
        return max(0, self.capacity - self.used - self.planned)

    @property
    def percent(self) -> int:
        """Used and planned of the capacity, in whole percent; 0 where there is no capacity."""
        return round(100 * (self.used + self.planned) / self.capacity) if self.capacity else 0
