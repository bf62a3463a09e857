"""The description of the API is true: valid OpenAPI 3.1; schemathesis finds no crash and no answer that it lacks."""

from __future__ import annotations

from collections.abc import Iterator

import jsonschema_rs
import pytest
import schemathesis
from api.things import program_token, staff_tokens, things_of
from api.whole_document import Found, filled, operations, run_document
from engines import ENGINES, Engines
from security.stage import NOON, Stage, staged

from lims import clock
from lims.auth.rules import OPEN_ENDPOINTS, PERMISSIONS
from lims.auth.scopes import WITHHELD
from lims.capacity.counting.folding import fold_all

ADDRESS = "/api/v1/openapi.json"
# Random requests for each operation, after the examples and the edges of every value.
EXAMPLES = 3


@pytest.fixture
def town(engines: Engines, tmp_path_factory: pytest.TempPathFactory, request) -> Iterator[Stage]:
    """A stage of its own, as these requests change it."""
    engine = request.param
    with staged(engines, engine, tmp_path_factory.mktemp("document")) as made, clock.at(NOON):
        with made.app.app_context():
            # as a worker would have done: what is not counted yet is in no report
            fold_all()
        yield made


@pytest.fixture
def document(client) -> dict:
    return client.get(ADDRESS).json


def check(found: Found, *, operations_in_all: int) -> None:
    assert not found.failures, "\n".join([f"{len(found.failures)} failures", *found.failures[:20]])
    assert len(found.operations) == operations_in_all, "every operation was called"


@pytest.mark.parametrize("town", ENGINES[-1:], indirect=True)
def test_staff_get_no_crash_and_no_undocumented_answer(town):
    document = town.app.test_client().get(ADDRESS).json
    found = run_document(town.app, filled(document, things_of(town)), staff_tokens(town), examples=EXAMPLES)
    check(found, operations_in_all=len(list(operations(document))))
    assert found.operations - found.good == set(), "ids hit: these answered nothing but refusals"


@pytest.mark.parametrize("town", ENGINES[:1], indirect=True)
def test_a_program_gets_no_crash_and_no_undocumented_answer(town):
    document = town.app.test_client().get(ADDRESS).json
    token = program_token(town)
    found = run_document(
        town.app,
        filled(document, things_of(town)),
        lambda _method, _path: token,
        examples=EXAMPLES,
        phases=("examples", "fuzzing"),
    )
    check(found, operations_in_all=len(list(operations(document))))
    assert found.statuses[200] > 100, "the token opens what its scopes name"


@pytest.mark.parametrize("town", ENGINES[:1], indirect=True)
def test_a_stranger_gets_no_crash_and_no_undocumented_answer(town):
    document = town.app.test_client().get(ADDRESS).json
    found = run_document(
        town.app,
        filled(document, things_of(town)),
        lambda _method, _path: "",
        examples=2,
        phases=("examples", "fuzzing"),
    )
    check(found, operations_in_all=len(list(operations(document))))
    open_ones = {
        f"{method.upper()} {path}"
        for path, method, one in operations(document)
        if not one.get("x-permission")
    }
    assert found.good <= open_ones


def test_the_description_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.meta.validate(schema | {"$defs": {}}), name
    ids = [operation["operationId"] for _path, _method, operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_a_description_that_is_wrong_is_seen(document):
    document["paths"]["/api/v1/me"]["get"]["responses"] = {"200": {"content": {}}}
    with pytest.raises(Exception, match="description"):
        schemathesis.openapi.from_dict(document).validate()


def test_every_operation_says_what_it_is_whom_it_hears_and_what_it_answers(document):
    lacking = []
    for path, method, operation in operations(document):
        said = bool(operation.get("summary")) and "security" in operation
        shaped = all(
            "schema" in content or "examples" in content
            for status, answer in operation["responses"].items()
            if status != "304"
            for content in answer.get("content", {"": {}}).values()
        )
        good = any(status.startswith("2") for status in operation["responses"])
        if not (said and shaped and good):
            lacking.append(f"{method} {path}")
    assert lacking == []


def test_every_operation_names_its_scope(document):
    known = frozenset().union(*PERMISSIONS.values())
    without = [
        operation["operationId"]
        for _path, _method, operation in operations(document)
        if operation.get("x-permission") not in known
    ]
    is_open = {name.replace("_api.", ".") for name in OPEN_ENDPOINTS}
    assert [name for name in without if name not in is_open] == []


def test_the_page_for_people_names_every_address_and_its_scope(client, document):
    page = client.get("/clients/addresses")
    assert page.status_code == 200
    lacking = [
        (method, path)
        for path, method, one in operations(document)
        if f"{method.upper()} {path}" not in page.text
        or (one.get("x-permission", "") not in WITHHELD and one.get("x-permission", "") not in page.text)
    ]
    assert lacking == []
