"""Roles and what each may do, as one table; and the short list of what is open to everybody. Pure.

A view names the permission it needs with `@needs("…")`; a test walks every route and fails on one that neither does
nor stands in `OPEN_ENDPOINTS`.
"""

from __future__ import annotations

from collections.abc import Mapping

# station → the permission word used by views, API and navigation alike
_EVERY_STAFF = frozenset({"home", "search"})
# A collector's phone: it may hand in scans, each signed by itself, and nothing else of what its collector may.
DEVICE = "device"

PERMISSIONS: Mapping[str, frozenset[str]] = {
    "health_worker": _EVERY_STAFF
    | {
        "declare_others",
        "see_people",
        "import_people",
        "reissue_result_code",
        "print_slips",
        "print_labels",
        "hand_in_scans",
        "see_commune_results",
        "handle_data_requests",
        "export_data",
    },
    "collector": _EVERY_STAFF | {"collect", "pack_boxes", "declare_others", "hand_in_scans"},
    "courier": _EVERY_STAFF | {"pack_boxes", "carry_boxes", "hand_in_scans"},
    "technician": _EVERY_STAFF
    | {
        "receive_boxes",
        "pool_tubes",
        "fill_plates",
        "record_readings",
        "see_laboratory",
        "pack_boxes",
        "carry_boxes",
        "export_data",
    },
    "supervisor": _EVERY_STAFF
    | {
        "see_laboratory",
        "receive_boxes",
        "pool_tubes",
        "fill_plates",
        "record_readings",
        "verify_results",
        "release_results",
        "amend_results",
        "settle_discrepancies",
        "pack_boxes",
        "carry_boxes",
        "see_board",
        "export_data",
        "manage_on_call",
        "see_messages",
        "exchange",
    },
    "coordinator": _EVERY_STAFF
    | {
        "see_people",
        "import_people",
        "declare_others",
        "reissue_result_code",
        "print_slips",
        "print_labels",
        "see_laboratory",
        "see_board",
        "reconcile",
        "settle_discrepancies",
        "manage_campaign",
        "manage_teams",
        "hand_in_scans",
        "see_commune_results",
        "handle_data_requests",
        "export_data",
        "manage_on_call",
        "see_messages",
        "exchange",
    },
    "administrator": _EVERY_STAFF
    | {
        "see_board",
        "reconcile",
        "manage_accounts",
        "manage_campaign",
        "print_labels",
        "see_laboratory",
        "export_data",
        "manage_clients",
        "manage_webhooks",
        "manage_on_call",
        "see_messages",
        "exchange",
    },
    DEVICE: frozenset({"use_field_app", "hand_in_scans"}),
}

ROLES: tuple[str, ...] = tuple(role for role in PERMISSIONS if role != DEVICE)

# Endpoints that ask for no permission. Keep it short; each line says why.
OPEN_ENDPOINTS: Mapping[str, str] = {
    "static": "styles, scripts and fonts",
    "pages.index": "the front page; staff are sent to their home",
    "pages.set_language": "anybody may choose a language",
    "pages.health": "load balancers ask whether this process answers",
    "auth.sign_in": "where a session begins",
    "auth.sign_out": "ends one's own session, if there is one",
    "intake.declare": "residents declare without an account",
    "results.read": "residents read with a result code and a birth date, limited in tries",
    "results.take_sheet": "people take their sheet with a result code and a birth date, limited in tries",
    "results.show_verifier": "anybody checks a sheet's certificate; holds no data of anybody",
    "personal.show_own_data": "people see what is kept of them with a result code and a birth date, limited in tries",
    "personal.take_own_data": "the same as a file; a ticket of half an hour that the page above gave",
    "personal.ask_for_own_data": "the same, to ask for something; with that ticket",
    "personal_api.read_own_data": "the same as the page, limited in the same way",
    "intake_api.show_consent_text": "the text that people agree to; holds no data",
    "intake_api.declare_people": "the same as the declaration page; the campaign must be open",
    "results_api.read_result": "the same as the reading page, limited in the same way",
    "auth_api.sign_in": "where a program gets its token",
    "field.app": "the collectors' app without any data; it is enrolled with a coordinator's QR",
    "field.start": "sends a phone to the app in its language",
    "field.service_worker": "what keeps the app on the phone; holds no data",
    "field.manifest": "how the app is installed; holds no data",
    "outbox_api.note_receipt": "SMS gateways have no account; they sign, or send a secret; wrong ones are limited",
    "field_api.enrol_device": "a phone has nothing but the coordinator's code; limited in tries",
    "openapi.spec": "the API's own description; holds no data",
    "clients.list_addresses": "the same for people to read",
    "fhir.show_capabilities": "what the FHIR server can do; holds no data",
}
