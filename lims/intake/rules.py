"""What moves between declaration and the laboratory's door, and what the campaign allows. Pure."""

from __future__ import annotations

from lims.states import States

DECLARATION = States(
    "declaration",
    {
        "open": ("sampled", "withdrawn", "expired"),
        # back to open: a new sample was asked for (rejected tube, positive mixed tube, no clear finding)
        "sampled": ("closed", "open"),
        "closed": ("open",),
        "withdrawn": (),
        "expired": (),
    },
)
SAMPLE = States(
    "sample",
    {
        "bound": ("resulted", "void", "superseded", "lost", "rejected"),
        "resulted": ("bound", "superseded"),
        "void": (),
        "superseded": (),
        "lost": ("bound",),
        "rejected": (),
    },
)
TUBE = States(
    "tube",
    {
        "printed": ("used", "received", "void"),
        # back to printed: the collector took the scan back at the site
        "used": ("boxed", "received", "missing", "damaged", "rejected", "void", "printed"),
        "boxed": ("used", "received", "missing", "damaged", "rejected"),
        # boxed again: it goes on to a laboratory that may confirm
        "received": ("stored", "boxed", "damaged", "rejected", "discarded"),
        "stored": ("boxed", "damaged", "rejected", "discarded"),
        "discarded": (),
        "void": (),
        "missing": ("received", "rejected"),
        "damaged": ("discarded",),
        "rejected": ("discarded",),
    },
)
BOX = States(
    "box",
    {
        "open": ("sealed",),
        # received without a dispatch scan: the courier had no phone; better than a box nobody may open
        "sealed": ("open", "dispatched", "received"),
        "dispatched": ("received",),
        "received": ("reconciled",),
        "reconciled": (),
    },
)

STATES = (DECLARATION, SAMPLE, TUBE, BOX)

MODES = ("single", "mixed")
SEXES = ("female", "male", "unknown")
DECLARED_BY = ("self", "relative", "health_worker", "list")
SYMPTOMS = ("fever", "cough", "sore_throat", "short_breath", "loss_of_taste", "fatigue")
REJECTION_REASONS = (
    "leaked",
    "broken",
    "empty",
    "unlabelled",
    "too_warm",
    "too_old",
    "wrong_container",
    "other",
)
# Where a person's data is shown to somebody else; what that person is told of it on request.
ACCESSES = (
    "record",  # a page about the person
    "list",  # a list with the person's name
    "export",  # a file that was taken away
    "program",  # a program, by the API or by FHIR
    "paper",  # a slip, a list or a result that was printed
    "own",  # the person, or who acts for them
)
DISCREPANCY_KINDS = (
    "tube_reused",  # a used single tube was bound to somebody else
    "sampled_twice",  # a person was bound to a second tube on one day
    "tube_overfull",  # one more person than a mixed tube may hold
    "other_session",  # a mixed tube was filled by another collection session
    "unknown_code",  # a well-formed code that was never minted here
    "other_campaign",  # person and tube belong to different campaigns
    "tube_missing",  # in the box's list, not in the box
    "tube_extra",  # in the box, not in its list
    "too_warm",  # the box was outside its temperature
    "too_old",  # the tube was past its hold limit when it came
    "late_binding",  # a name came after the tube was tested
    "discordance",  # all members negative after a positive pool
    "scan_refused",  # a phone's scan that was kept and not let in
    "carry_over",  # a late positive beside a very strong neighbour
    "weak_positives",  # an unlikely number of weak positives on one plate
    "positivity_jump",  # far more positives than this laboratory, kit lot or plate had before
    "flat_curve",  # a Ct whose curve never leaves its baseline
    "control_drift",  # a control outside its chart's limits
)
# These hold the results of their tube and of their person until a supervisor has settled them (DESIGN §3, rule 6).
HOLDING_KINDS = frozenset(
    {
        "tube_reused",
        "sampled_twice",
        "tube_overfull",
        "other_session",
        "late_binding",
        "discordance",
        "other_campaign",
        "carry_over",
        "weak_positives",
        "positivity_jump",
        "flat_curve",
        "control_drift",
    }
)
SETTLEMENTS = ("accepted", "dismissed", "resample")
# The text that is agreed to now; every text there ever was stands in lims/intake/consent.py.
CONSENT_VERSION = "2026-11"
# How somebody agreed: ticked it, said so to a health worker, signed the list, or told whoever sent the list.
CONSENT_WAYS_OF_LISTS = ("asked_by_sender", "signed_list")
CONSENT_WAYS = ("ticked", "asked", *CONSENT_WAYS_OF_LISTS)
