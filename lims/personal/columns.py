"""Every column that says something of a person: what for, for how long, and how it is kept. Pure.

Requirement R5 (SECURITY.md §1): a table's new column of text, bytes, JSON or a date stands here, as personal or as
not, or a test fails. `lims.personal.actions.erasing` erases what is personal of people who are tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# until when it is kept
CAMPAIGN = "until the campaign's term is over, or the person's erasure"
MONTH = "30 days, or until the campaign's term is over"
FIGURES = "for good, without a name: the figures of the campaign"
ACCOUNT = "as long as the account, and the records it signed"
# how
CLEAR = "in clear, as lists are sorted and searched by it"
SEALED = "encrypted under the person's own key (AES-256-GCM)"
RECORD = "encrypted under a key of the installation (AES-256-GCM)"
KEYED = "keyed hash (HMAC-SHA256): found by equality, never read"
HASHED = "hash of a secret: never read"
WORDS = "in clear; the page asks not to name anybody, and an erased name is cut out"


@dataclass(frozen=True)
class Personal:
    """Why a column is there.

    Args:
        purpose: what it is needed for.
        kept: until when.
        how: in clear, encrypted or hashed.
    """

    purpose: str
    kept: str
    how: str


PERSONAL: Mapping[str, Personal] = {
    # people who are tested
    "person.name": Personal("to find and to call the right person", CAMPAIGN, CLEAR),
    "person.name_key": Personal("the Vietnamese order of lists", CAMPAIGN, CLEAR),
    "person.name_folded": Personal("search without marks", CAMPAIGN, CLEAR),
    "person.birth_on": Personal(
        "the second fact of reading a result; afterwards the year alone, for figures", CAMPAIGN, CLEAR
    ),
    "person.person_key": Personal("opens what is sealed; destroyed by an erasure", CAMPAIGN, RECORD),
    "person.phone_sealed": Personal("to say that a result is ready, to call", CAMPAIGN, SEALED),
    "person.phone_index": Personal("search by telephone", CAMPAIGN, KEYED),
    "person.address_sealed": Personal("to find a person who was detected", CAMPAIGN, SEALED),
    "person.address_index": Personal("households", CAMPAIGN, KEYED),
    "person_identity.number_sealed": Personal("optional: to tell people of one name apart", CAMPAIGN, SEALED),
    "person_identity.number_index": Personal("search by number; nobody is there twice", CAMPAIGN, KEYED),
    "person_identity.bearer_index": Personal("nobody is there twice", CAMPAIGN, KEYED),
    "person_correction.before_sealed": Personal("what was corrected can be understood", CAMPAIGN, SEALED),
    "person_correction.fields": Personal("which fields were corrected; words", FIGURES, CLEAR),
    "declaration.symptoms": Personal("tested alone where the policy says so; figures", FIGURES, CLEAR),
    "declaration.household_code": Personal("lists by household", CAMPAIGN, CLEAR),
    "declaration.natural_key": Personal("the same list declares nobody twice", CAMPAIGN, KEYED),
    "declaration.consent_version": Personal("which text was agreed to", FIGURES, CLEAR),
    "follow_up.since": Personal("from when tests are due", FIGURES, CLEAR),
    "follow_up.symptoms": Personal("who has fever or a cough is tested first, and alone", CAMPAIGN, CLEAR),
    "follow_up.symptoms_on": Personal("the sample that is taken for it ends it", CAMPAIGN, CLEAR),
    "due_test.due_on": Personal("whom the team samples today", FIGURES, CLEAR),
    "data_request.note_sealed": Personal("what the person asks for", CAMPAIGN, SEALED),
    "data_request.answer_sealed": Personal("what the person was told", CAMPAIGN, SEALED),
    "result_code.code_hash": Personal("the person's secret", CAMPAIGN, KEYED),
    "certificate.text_sealed": Personal("the certificate, issued the same again", CAMPAIGN, SEALED),
    "certificate.revoked_reason": Personal("why it was revoked", FIGURES, WORDS),
    "foreign_identifier.value_sealed": Personal("the person's number in another system", CAMPAIGN, SEALED),
    "foreign_identifier.value_index": Personal("search by that number", CAMPAIGN, KEYED),
    "foreign_identifier.content_hash": Personal("the same order twice is one", CAMPAIGN, KEYED),
    "people_import.refused_sealed": Personal("rows to be mended by their sender", MONTH, RECORD),
    "people_import.file_name": Personal("to know one's own lists", CAMPAIGN, CLEAR),
    "people_import.file_sha256": Personal("the same list twice is seen", FIGURES, HASHED),
    "inbound.answer": Personal(
        "the same request is answered the same: codes, a list's name", CAMPAIGN, CLEAR
    ),
    "inbound.content_hash": Personal("the same request again is known", FIGURES, HASHED),
    "discrepancy.raw_sealed": Personal("the scan as it came, to settle it", CAMPAIGN, RECORD),
    "discrepancy.details": Personal("codes; what was typed wrongly, until it is erased", CAMPAIGN, CLEAR),
    "discrepancy.settled_note": Personal("why it was settled so", FIGURES, WORDS),
    "field_scan.raw_sealed": Personal("the scan as the phone signed it", CAMPAIGN, RECORD),
    "field_scan.content_hash": Personal("the same scan twice is one", CAMPAIGN, HASHED),
    "field_scan.answer": Personal("what the phone was told; what was typed wrongly", CAMPAIGN, CLEAR),
    "result.hold_note": Personal("why it was held", FIGURES, WORDS),
    "result.amendment_reason": Personal("why it was amended", FIGURES, WORDS),
    "result.hold_end_note": Personal("what was found out while it was held", FIGURES, WORDS),
    "result.withdrawal_reason": Personal("why it was withdrawn", FIGURES, WORDS),
    "message.last_error": Personal(
        "why a message did not go; a gateway may repeat the number", CAMPAIGN, CLEAR
    ),
    "message.provider_id": Personal("the gateway's receipt", CAMPAIGN, CLEAR),
    # staff
    "user_account.username": Personal("to sign in", ACCOUNT, CLEAR),
    "user_account.display_name": Personal("who did what, on release records", ACCOUNT, CLEAR),
    "user_account.password_hash": Personal("to sign in", ACCOUNT, "argon2id"),
    "user_account.badge_code": Personal("to sign a scan", ACCOUNT, CLEAR),
    "on_call.address_sealed": Personal("staff who are told of positives", "as long as on call", RECORD),
    "on_call.hint": Personal("the end of the address, for its owner", "as long as on call", CLEAR),
    "on_call.label": Personal("whose address it is, in the place's own words", "as long as on call", CLEAR),
}

# Columns that say nothing of a person: codes of things, words of ours, settings, what instruments said.
NOT_PERSONAL: Mapping[str, tuple[str, ...]] = {
    "alarm": ("numbers", "subject", "seen_note"),
    "alarm_threshold": ("limits",),
    "counted": ("kind", "station", "team", "happened"),
    "day_count": ("day", "measure", "detail", "known_on", "team"),
    "dispatch_overrule": ("reason",),
    "hour_count": ("measure", "detail", "team"),
    "laboratory_closure": ("reason",),
    "laboratory_hours": ("days",),
    "leg_count": ("day", "leg", "known_on", "team"),
    "level": ("station", "team"),
    "report": ("first_on", "content"),
    "scenario": ("name", "document"),
    "uncounted": ("subject_kind",),
    "amplification_curve": ("position", "target", "points"),
    "api_client": ("name", "scopes", "token_hash"),
    "assay": ("name", "definition"),
    "box": ("code",),
    "campaign": (
        "name",
        "starts_on",
        "ends_on",
        "detected_advice_vi",
        "detected_advice_en",
        "second_test_advice_vi",
        "second_test_advice_en",
    ),
    "certificate": ("uvci", "uvci_hash"),
    "control_limits": ("assay_name", "kit_lot", "instrument", "control", "target", "blocking"),
    "declaration": ("code", "resample_reason"),
    "device": ("token_hash", "public_key", "label", "app_version"),
    "enrolment": ("code_hash", "team", "day"),
    # no personal data in events, by a test of its own (tests/security/test_secrets.py)
    "event": ("subject_kind", "verb", "details", "previous_hash", "hash"),
    "event_head": ("hash",),
    "event_seal": ("previous_digest", "digest"),
    "event_sealed": ("event_hash",),
    "export": ("filters", "sha256"),
    "extraction": ("code", "kit_lot", "instrument", "failure"),
    "field_scan": ("tube_code", "declaration_code"),
    "file_import": (
        "format",
        "instrument",
        "started_at",
        "matched_by",
        "problems",
        "thresholds",
        "quantity",
        "column_map",
    ),
    "follow_up_schedule": ("valid_from", "days"),
    "foreign_identifier": ("system",),
    "inbound": ("kind",),
    "instrument": ("name", "column_map"),
    "kit_lot": ("assay_name", "lot", "expires_on", "withdrawn_reason"),
    "message": ("template", "key", "subject_kind", "data", "worker"),
    "place": ("edition", "code", "name", "name_key", "name_folded"),
    "pool": ("code",),
    "reading": ("position", "target", "raw_ct", "flags"),
    # an instrument's file knows tubes and pools by their codes, as the laboratory does
    "result_file": ("file_name", "sha256", "content"),
    "run": ("code", "kit_lot", "instrument", "failure", "withdrawal"),
    "sample": ("sampled_on",),
    "sign_in": ("token_hash",),
    "signing_key": ("name", "kid", "certificate", "root_certificate", "private_sealed", "end_reason"),
    "storage": ("name",),
    "throttle": ("key",),
    "tube": ("code", "rack_position", "rejection_reason"),
    "user_account": ("language",),
    "webhook": ("name", "url", "secret_sealed", "events"),
    "well": ("position", "control"),
    "well_call": ("position", "reason", "reason_parameters"),
}
