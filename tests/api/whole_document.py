"""schemathesis over the whole description of the API: what it found is returned, with the requests that show it.

The description is filled with examples first, the things of a stage, so that addresses and bodies name what is there.
"""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any

import schemathesis
from apiflask import APIFlask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from lims import clock

Document = dict[str, Any]
SEED = 2021
CLIENT_ID = re.compile(rb'("(?:client_id|opening_id)": ?")[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=")')
# One request of so many keeps the ids that were sent before.
SENT_AGAIN = 8
# No answer of the kind 5xx, and none that the description does not know.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
    "allow_header_conformance",
)


@dataclass
class Found:
    """What a run found: sentences, each with a request; how many requests there were, by status."""

    failures: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    # operations that gave an answer of the kind 2xx
    good: set[str] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)


class Speaking:
    """The application at a moment, as a caller reaches it who sends a token of its own choice with every request.

    schemathesis works in a thread of its own, which knows nothing of a clock held elsewhere.
    """

    def __init__(self, app: APIFlask, token_for: Callable[[str, str], str], moment: datetime) -> None:
        self.app = app
        self.token_for = token_for
        self.moment = moment
        self.sent = self.made = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        with clock.at(self.moment):
            token = self.token_for(environ["REQUEST_METHOD"], environ["PATH_INFO"])
            if token:
                environ["HTTP_AUTHORIZATION"] = token
            else:
                environ.pop("HTTP_AUTHORIZATION", None)
            # the client of the tests unpacks nothing
            environ.pop("HTTP_ACCEPT_ENCODING", None)
            self._renew_ids(environ)
            return self.app.wsgi_app(environ, start_response)

    def _renew_ids(self, environ: dict[str, Any]) -> None:
        """Give what is sent ids of its own, as senders do; schemathesis has one for all, which opens only one door."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.sent += 1
        if self.sent % SENT_AGAIN:
            body = CLIENT_ID.sub(lambda found: found[1] + self._next_id(), body)
        environ["wsgi.input"] = BytesIO(body)

    def _next_id(self) -> bytes:
        self.made += 1
        return str(uuid.UUID(int=self.made)).encode()


def filled(document: Mapping[str, Any], things: Mapping[str, Any]) -> Document:
    """Return a description whose arguments and fields have examples.

    Args:
        document: the description.
        things: examples by the name of an argument or a field, or, of one part of the API, "boxes.code"; a list for a
            field that is one.
    """
    made: Document = copy.deepcopy(dict(document))

    def fill(schema: dict[str, Any]) -> None:
        for name, one in schema.get("properties", {}).items():
            if name in things:
                one["examples"] = [things[name]]
            if name == "client_id":
                one.pop("examples", None)

    for schema in made["components"]["schemas"].values():
        fill(schema)
    for path, item in made["paths"].items():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                name = parameter["name"]
                of_address = f"{path.split('/')[3]}.{name}"
                key = of_address if of_address in things else name
                if key in things:
                    parameter["examples"] = {"there": {"value": things[key]}}
    return made


def run_document(
    app: APIFlask,
    document: Document,
    token_for: Callable[[str, str], str],
    *,
    examples: int,
    phases: tuple[str, ...] = ("examples", "coverage", "fuzzing"),
    checks: tuple[str, ...] = CHECKS,
    watch: Callable[[Any], None] | None = None,
) -> Found:
    """Send what schemathesis makes of a description.

    Args:
        app: the application, which must answer a crash with 500.
        document: its description, `filled` or as it is.
        token_for: the header Authorization for a method and an address; "" for none.
        examples: most random requests for each operation.
        phases: of schemathesis.
        checks: of schemathesis.
        watch: is called with every interaction.
    """
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "generation": {"deterministic": True, "max-examples": examples, "no-shrink": True},
            "checks": {"enabled": False} | {name: {"enabled": True} for name in checks},
            # nor ids out of answers: whoever closes a campaign that was listed ends the play for what comes after
            "phases": {
                name: {"enabled": name in phases, "extra-data-sources": {"responses": False}}
                for name in ("examples", "coverage", "fuzzing")
            }
            | {"stateful": {"enabled": False}},
            "continue-on-failure": True,
            "workers": 1,
        }
    )
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.app = Speaking(app, token_for, clock.now())
    schema.location = "/api/v1/openapi.json"
    found = Found()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            found.failures.append(f"{event.label}: {event.info.format()}")
        elif isinstance(event, events.ScenarioFinished):
            _note(found, event, watch)
    return found


def _note(found: Found, event: Any, watch: Callable[[Any], None] | None) -> None:
    recorder = event.recorder
    for case_id, interaction in recorder.interactions.items():
        if interaction.response is None:
            continue
        status = interaction.response.status_code
        found.statuses[status] = found.statuses.get(status, 0) + 1
        found.operations.add(recorder.label)
        if status < 300:
            found.good.add(recorder.label)
        if watch:
            watch(interaction)
        for check in recorder.checks.get(case_id, []):
            if check.failure_info is not None:
                failure = check.failure_info.failure
                request = interaction.request
                found.failures.append(
                    f"{recorder.label}: {failure.title}: {failure.message[:400]} | {request.method} {request.uri}"
                    f" {_body(request)} -> {status} {interaction.response.content[:200]!r}"
                )


def _body(request: Any) -> str:
    return repr(request.body)[:300]


def addresses(app: APIFlask) -> Callable[[str, str], str | None]:
    """Return what finds the permission that a method at an address needs, None for an open or unknown one."""
    adapter = app.url_map.bind("localhost")

    def permission(method: str, path: str) -> str | None:
        from werkzeug.exceptions import HTTPException
        from werkzeug.routing import RequestRedirect

        try:
            endpoint, _values = adapter.match(path, method=method)
        except (HTTPException, RequestRedirect):
            return None
        return getattr(app.view_functions[endpoint], "needed_permission", None)

    return permission


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield path, method and operation of a description."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                yield path, method, operation
