"""Whatever the pages do, programs can do: a form of the pages and an address of the API end in the same action.

The action is found by reading what a view calls. What has no address of the API stands below, with the reason.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

# Forms without an address of the API; each says why.
WITHOUT = {
    "auth.sign_out": "a browser's cookie ends; a program forgets its token",
    "auth.set_own_password": "a person's own password, typed twice, never through a program",
    "pages.set_language": "a browser's cookie; programs send Accept-Language",
    "field.enrol_list": "a list typed by people; programs enrol accounts by POST /teams/enrolments",
    "intake.print_slip": "paper; the code comes from POST /people/{code}/result-code",
    "intake.print_slips": "paper: slips for people without one, their codes on them alone",
    "personal.answer_request": "a first answer while a request is looked into; decided by its settlement",
    "personal.ask_for_own_data": "people ask with the ticket of their own page",
    "personal.take_own_data": "the same as POST /my-data, as a file, with the ticket of that page",
    "results.make_sheet": "paper",
    "results.make_sheet_of_person": "paper",
    "results.print_sheets": "paper",
    "results.take_sheet": "paper, with the ticket of the answer that was read",
    "results.note_told": "a health worker's list on paper and by telephone",
    "results.withdraw_kit_lot": "several runs at once, looked at one by one on the page",
}
# Forms and addresses that do the same by other functions.
SAME = {
    "auth.sign_in": "auth_api.sign_in",
    "capacity.plan_dispatch": "capacity_api.plan_dispatch",
    "exports.take_file": "exports_api.take_export_file",
    "field.hand_in_file": "field_api.hand_in_file",
    "intake.declare": "intake_api.declare_people",
    "intake.declare_for_others": "intake_api.declare_people",
    "intake.settle_discrepancy": "intake_api.settle_discrepancy",
    "results.read": "results_api.read_result",
    "personal.show_own_data": "personal_api.read_own_data",
}
# Called by many views beside what they do.
BESIDE = frozenset({"record_accesses"})


def _code_objects(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _code_objects(constant)


def actions_of(view: Callable[..., Any]) -> set[str]:
    """Return the actions that a function calls, also through functions of its own module."""
    found: set[str] = set()
    seen: set[Any] = set()
    waiting: list[Any] = [getattr(view, "__wrapped__", view)]
    while waiting:
        function = waiting.pop()
        while hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        if function in seen or not isinstance(function, types.FunctionType):
            continue
        seen.add(function)
        for code in _code_objects(function.__code__):
            for name in code.co_names:
                thing = function.__globals__.get(name)
                if isinstance(thing, types.ModuleType) and thing.__name__.startswith("lims."):
                    called = [getattr(thing, other, None) for other in code.co_names]
                else:
                    called = [thing]
                for one in called:
                    module = getattr(one, "__module__", "") or ""
                    if not callable(one) or not module.startswith("lims."):
                        continue
                    if _is_action(one):
                        found.add(f"{module}.{one.__name__}")
                    elif isinstance(one, types.FunctionType) and module == function.__module__:
                        waiting.append(one)
    return {name for name in found if name.rpartition(".")[2] not in BESIDE}


def _is_action(function: Any) -> bool:
    module = function.__module__
    return isinstance(function, types.FunctionType) and (
        ".actions" in module or module.endswith(".handing_in") or "_actions" in module
    )


def _forms(app) -> set[str]:
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith(("/api/", "/fhir"))
    }


def _mirrored(app) -> dict[str, set[str]]:
    """Return for each action the addresses of the API that end in it."""
    mirrored: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") and "POST" in (rule.methods or ()):
            for name in actions_of(app.view_functions[rule.endpoint]):
                mirrored.setdefault(name, set()).add(rule.endpoint)
    return mirrored


def test_every_form_of_the_pages_has_an_address_of_the_api_or_says_why_not(app):
    mirrored = _mirrored(app)
    lacking = [
        (endpoint, sorted(actions_of(app.view_functions[endpoint])))
        for endpoint in sorted(_forms(app) - WITHOUT.keys() - SAME.keys())
        if not any(name in mirrored for name in actions_of(app.view_functions[endpoint]))
    ]
    assert lacking == []


def test_what_stands_here_is_there_and_needed(app):
    forms, mirrored = _forms(app), _mirrored(app)
    there = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert sorted((WITHOUT.keys() | SAME.keys()) - forms) == []
    assert [name for name in SAME.values() if name not in there] == []
    needless = {
        endpoint
        for endpoint in WITHOUT
        if any(name in mirrored for name in actions_of(app.view_functions[endpoint]))
    }
    assert needless == set(), "these have an address of the API by now"


def test_a_form_without_one_would_be_seen(app):
    mirrored = _mirrored(app)
    assert mirrored["lims.places.actions.close_campaign"] == {"places_api.close_campaign"}
    called = actions_of(app.view_functions["auth.set_own_password"])
    assert called == {"lims.auth.actions.set_password"}
    assert not called & mirrored.keys(), "no program sets a password: nothing of the API ends in it"
