"""Which blueprints make up the product: pages and API, package by package. One line each."""

from __future__ import annotations

from importlib import import_module

from apiflask import APIBlueprint, APIFlask
from flask import Blueprint

from lims.extensions import csrf

# modules that add their pages to a blueprint of another module
ADDING = ("lims.auth.accounts", "lims.auth.accounts_api")
# modules that give work to `lims worker`, of every night or of every few seconds
WORKING = (
    "lims.personal.retention",
    "lims.capacity.counting.work",
    "lims.capacity.alarms.work",
    "lims.capacity.reports.work",
)
PAGES = (
    "lims.pages:pages",
    "lims.auth.views:auth",
    "lims.auth.clients.views:clients",
    "lims.places.views:places",
    "lims.outbox.views:outbox",
    "lims.pooling.views:pooling",
    "lims.intake.views:intake",
    "lims.field.views:field",
    "lims.results.views:results",
    "lims.capacity.views:capacity",
    "lims.personal.views:personal",
    "lims.exports.views:exports",
)
APIS = (
    "lims.auth.api:auth_api",
    "lims.auth.clients.api:clients_api",
    "lims.places.api:places_api",
    "lims.outbox.api:outbox_api",
    "lims.pooling.api:pooling_api",
    "lims.intake.api:intake_api",
    "lims.field.api:field_api",
    "lims.results.api:results_api",
    "lims.capacity.api:capacity_api",
    "lims.personal.api:personal_api",
    "lims.exports.api:exports_api",
)

# Addresses for programs that are not part of the API's description: a standard describes them.
STANDARDS = ("lims.results.fhir.views:fhir",)


def register_blueprints(app: APIFlask) -> None:
    """Register all pages and all parts of the API.

    The API's blueprints are exempt from the form token's check because programs have none; `lims.security` asks for
    it where a browser's session is used.
    """
    for module in (*ADDING, *WORKING):
        import_module(module)
    for name in PAGES:
        pages = _load(name)
        pages.enable_openapi = False  # type: ignore[attr-defined]
        app.register_blueprint(pages)
    for name in APIS:
        api = _load(name)
        csrf.exempt(api)
        app.register_blueprint(api)
    for name in STANDARDS:
        standard = _load(name)
        standard.enable_openapi = False  # type: ignore[attr-defined]
        csrf.exempt(standard)
        app.register_blueprint(standard)


def _load(name: str) -> Blueprint | APIBlueprint:
    module, attribute = name.split(":")
    blueprint: Blueprint | APIBlueprint = getattr(import_module(module), attribute)
    return blueprint
