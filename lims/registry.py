"""Which blueprints make up the product: pages and API, package by package."""

from __future__ import annotations

from apiflask import APIFlask

from lims.extensions import csrf


def register_blueprints(app: APIFlask) -> None:
    """Register all pages and all parts of the API.

    The API's blueprints are exempt from the form token's check because programs have none; `lims.security` asks for
    it where a browser's session is used.
    """
    from lims.auth.api import auth_api
    from lims.auth.views import auth
    from lims.pages import pages

    for blueprint in (pages, auth):
        blueprint.enable_openapi = False
        app.register_blueprint(blueprint)
    for api in (auth_api,):
        csrf.exempt(api)
        app.register_blueprint(api)
