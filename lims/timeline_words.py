"""What is said of an event on a record page: its verb in words, with an icon and a tone, and its details. Pure."""

from __future__ import annotations

from typing import NamedTuple

from lims.msgid import N_


class Saying(NamedTuple):
    """How a verb is shown.

    Args:
        words: message id of what happened.
        icon: name in the icon sprite.
        tone: good, look, stop or empty.
    """

    words: str
    icon: str = "check"
    tone: str = ""


# By verb. A house test fails on a verb that is missing here.
SAID = {
    "added": Saying(N_("Added"), "plus-circle"),
    "agreed": Saying(N_("Agreed by a second person"), "check-all", "good"),
    "amended": Saying(N_("Result amended"), "pencil", "look"),
    "arrived": Saying(N_("Noted as arrived"), "check", "good"),
    "answered": Saying(N_("Answered"), "check", "good"),
    "asked": Saying(N_("Asked by the person"), "inbox"),
    "bound": Saying(N_("Sample taken"), "droplet", "good"),
    "boxed": Saying(N_("Packed into a box"), "box-seam"),
    "called": Saying(N_("Called by the assay's rules"), "check"),
    "capacity_set": Saying(N_("Capacity changed"), "pencil"),
    "certificate_issued": Saying(N_("Signed certificate issued"), "shield-check", "good"),
    "certificate_revoked": Saying(N_("Signed certificate revoked"), "slash-circle", "look"),
    "closed": Saying(N_("Closed"), "check"),
    "corrected": Saying(N_("Data corrected"), "pencil", "look"),
    "created": Saying(N_("Created"), "plus-circle"),
    "damaged": Saying(N_("Arrived damaged"), "exclamation-triangle", "stop"),
    "declared": Saying(N_("Declared"), "check", "good"),
    "dispatched": Saying(N_("Sent to the laboratory"), "truck"),
    "drafted": Saying(N_("Drafted"), "pencil"),
    "ended": Saying(N_("Ended"), "slash-circle"),
    "enrolled": Saying(N_("Phone enrolled"), "check-circle", "good"),
    "entered": Saying(N_("Result written"), "pencil"),
    "erased": Saying(N_("Identity erased"), "x-circle", "stop"),
    "export_begun": Saying(N_("Export begun"), "box-arrow-in-down"),
    "export_finished": Saying(N_("Export written whole"), "check-circle", "good"),
    "extracted": Saying(N_("Extracted"), "droplet-half"),
    "failed": Saying(N_("The run failed"), "x-circle", "stop"),
    "file_declined": Saying(N_("File left unused"), "slash-circle"),
    "file_received": Saying(N_("File handed in"), "inbox"),
    "file_refused": Saying(N_("File refused"), "x-circle", "stop"),
    "file_staged": Saying(N_("File read and matched to the plate"), "eye"),
    "handed_over": Saying(N_("Handed over to the courier"), "person-check"),
    "held": Saying(N_("Put on hold"), "pause-circle", "look"),
    "identities_erased": Saying(N_("Identities erased"), "x-circle", "stop"),
    "imported": Saying(N_("List of people taken in"), "inbox"),
    "key_installed": Saying(N_("Signing key in use"), "shield-check", "good"),
    "key_retired": Saying(N_("Signing key replaced; what it signed stays valid"), "arrow-repeat"),
    "key_revoked": Saying(N_("Signing key revoked, with all that it signed"), "slash-circle", "stop"),
    "late_binding": Saying(N_("Its name came after the test"), "person-check", "look"),
    "listed": Saying(N_("On a list of people again"), "list-check"),
    "ordered": Saying(N_("Ordered by another system"), "inbox"),
    "lost": Saying(N_("Lost"), "question-circle", "stop"),
    "limits_approved": Saying(N_("Limits of the control approved"), "check-all", "good"),
    "loaded": Saying(N_("Loaded"), "check"),
    "minted": Saying(N_("Codes minted"), "tags"),
    "missing": Saying(N_("Missing from its box"), "question-circle", "stop"),
    "named": Saying(N_("Its name came"), "person-check", "good"),
    "notified": Saying(N_("Told by a message"), "envelope", "good"),
    "opened": Saying(N_("Opened"), "box"),
    "opened_again": Saying(N_("A new sample was asked for"), "arrow-repeat", "look"),
    "packed": Saying(N_("Tubes packed"), "box-seam"),
    "password_set": Saying(N_("Password set"), "lock"),
    "planned": Saying(N_("Plate planned"), "check"),
    "plated": Saying(N_("Put on a plate"), "check"),
    "queued_again": Saying(N_("Queued to be sent again"), "arrow-repeat"),
    "put_back": Saying(N_("Put back to wait for another run"), "arrow-repeat", "look"),
    "put_away": Saying(N_("Put away"), "box-arrow-in-down"),
    "read": Saying(N_("Read by the person"), "eye", "good"),
    "readings_recorded": Saying(N_("Readings entered"), "pencil"),
    "received": Saying(N_("Received by the laboratory"), "inbox", "good"),
    "reconciled": Saying(N_("Counted and reconciled"), "check-circle", "good"),
    "registered": Saying(N_("Person registered"), "person-plus", "good"),
    "rejected": Saying(N_("Rejected"), "x-circle", "stop"),
    "released": Saying(N_("Result released"), "check-all", "good"),
    "reopened": Saying(N_("Opened again"), "arrow-repeat"),
    "resolved": Saying(N_("Every member is accounted for"), "check-circle", "good"),
    "result_code_issued": Saying(N_("Result code printed"), "tags"),
    "result_code_reissued": Saying(
        N_("A new result code was issued; the old one no longer works"), "arrow-repeat", "look"
    ),
    "restricted": Saying(N_("Only kept from now on"), "lock", "look"),
    "restriction_lifted": Saying(N_("Used again as before"), "check-circle", "good"),
    "resulted": Saying(N_("Sample has a result"), "check"),
    "retired": Saying(N_("Replaced by a newer version"), "arrow-repeat"),
    "reviewed": Saying(N_("Reviewed"), "check"),
    "revoked": Saying(N_("Token revoked"), "slash-circle", "stop"),
    "sampled": Saying(N_("Sampled"), "droplet", "good"),
    "scan_taken_back": Saying(N_("Scan undone"), "arrow-counterclockwise", "look"),
    "sealed": Saying(N_("Sealed"), "lock"),
    "second_swab_noted": Saying(N_("Kept as a second swab"), "droplet"),
    "settled": Saying(N_("Discrepancy settled"), "check-circle", "good"),
    "signed_in": Saying(N_("Signed in"), "person-check"),
    "signed_out": Saying(N_("Signed out"), "person"),
    "started": Saying(N_("Started"), "play-circle"),
    "stored": Saying(N_("Tested and kept"), "check", "good"),
    "superseded": Saying(N_("Replaced by a newer one"), "arrow-repeat", "look"),
    "taken_back": Saying(N_("Scan undone"), "arrow-counterclockwise", "look"),
    "taken_out": Saying(N_("Taken out of the box"), "box"),
    "telling_set": Saying(N_("What people are told was changed"), "pencil"),
    "told": Saying(N_("Told by the health station"), "person-check", "good"),
    "tubes_added": Saying(N_("Tubes added"), "plus-circle"),
    "tubes_removed": Saying(N_("Tubes taken out"), "box"),
    "unheld": Saying(N_("Taken off hold"), "play-circle"),
    "unpacked": Saying(N_("Tubes scanned"), "inbox"),
    "used": Saying(N_("Filled"), "droplet", "good"),
    "verified": Saying(N_("Verified by a second person"), "check", "good"),
    "void": Saying(N_("Made void"), "x-circle", "stop"),
    "voided": Saying(N_("Made void"), "x-circle", "stop"),
    "waits_again": Saying(N_("Its result was withdrawn; it waits for another"), "arrow-repeat", "look"),
    "withdrawn": Saying(N_("Result withdrawn"), "x-circle", "stop"),
}
# Where a verb says something else of one kind of thing.
SAID_OF = {
    ("declaration", "withdrawn"): Saying(N_("Declaration withdrawn"), "x-circle", "stop"),
    ("device", "withdrawn"): Saying(N_("Phone withdrawn"), "x-circle", "stop"),
    ("enrolment", "withdrawn"): Saying(N_("Enrolment withdrawn"), "x-circle", "stop"),
    ("run", "withdrawn"): Saying(N_("Run withdrawn"), "x-octagon", "stop"),
    ("kit_lot", "withdrawn"): Saying(N_("Kit lot withdrawn"), "x-octagon", "stop"),
    ("extraction", "failed"): Saying(N_("The extraction failed"), "x-circle", "stop"),
    ("data_request", "settled"): Saying(N_("Request decided"), "check-circle", "good"),
    ("discrepancy", "opened"): Saying(N_("Discrepancy found"), "exclamation-triangle", "look"),
}

# Details that are told, by name, in this order; a list is told by its length. The others are for programs.
NOTED = {
    "box": N_("box %(value)s"),
    "tube": N_("tube %(value)s"),
    "answers": N_("after pool %(value)s"),
    "pool": N_("pool %(value)s"),
    "run": N_("run %(value)s"),
    "extraction": N_("extraction %(value)s"),
    "lot": N_("lot %(value)s"),
    "rack": N_("rack %(value)s"),
    "storage": "%(value)s",
    "well": N_("well %(value)s"),
    "assay": N_("assay %(value)s"),
    "name": "%(value)s",
    "kind": "%(value)s",
    "purpose": "%(value)s",
    "mode": "%(value)s",
    "finding": "%(value)s",
    "before": N_("before: %(value)s"),
    "condition": "%(value)s",
    "hold": "%(value)s",
    "settlement": "%(value)s",
    "decision": "%(value)s",
    "reason": "%(value)s",
    "by": N_("declared by %(value)s"),
    "tubes": N_("%(value)s tubes"),
    "names": N_("%(value)s people in the tube"),
    "pools": N_("%(value)s pools"),
    "results": N_("%(value)s results"),
    "rows": N_("%(value)s rows"),
    "held": N_("%(value)s on hold"),
    "told": N_("%(value)s of them released before"),
    "suspicious": N_("%(value)s to be settled first"),
    "reactions": N_("%(value)s reactions"),
    "blocked": N_("%(value)s left waiting"),
    "scopes": N_("%(value)s scopes"),
    "days": N_("for %(value)s days"),
    "places": N_("%(value)s places"),
    "roles": N_("%(value)s roles"),
    "attempt": N_("attempt %(value)s"),
    "version": N_("version %(value)s"),
    "pool_size": N_("pools of up to %(value)s"),
    "screening_per_day": N_("screening: %(value)s reactions a day"),
    "confirmation_per_day": N_("confirmation: %(value)s reactions a day"),
    "temperature_c": N_("%(value)s °C"),
}
# Words of ours among the details; whatever else is told is a code, a number or somebody's own words.
SPOKEN = (
    "kind",
    "purpose",
    "mode",
    "finding",
    "before",
    "condition",
    "hold",
    "settlement",
    "decision",
    "reason",
    "by",
)
# Not worth telling: the first attempt, the first version, nothing on hold.
SILENT = {
    "attempt": 1,
    "version": 1,
    "held": 0,
    "blocked": 0,
    "told": 0,
    "suspicious": 0,
    "condition": "good",
}
