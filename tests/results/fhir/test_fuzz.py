"""Whatever is asked of /fhir or sent to it is answered, or refused with an OperationOutcome; never a 5xx."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pooling import bench
from results import desk
from results.fhir.sent import DIALECT, make_bundle
from signing import bearer

from lims.results.fhir.search import COMMON, INCLUDES, PARAMETERS

EXAMPLES = 1_000
ANSWERS = {200, 400, 401, 403, 404, 405, 406, 409, 410, 413, 415, 422}
METHODS = ("GET", "GET", "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
ACCEPTED = (
    None,
    "*/*",
    "application/fhir+json",
    "application/json;q=0.5",
    "text/html",
    "application/fhir+xml",
    "x",
    "",
)
SENT_AS = ("application/fhir+json", "application/json", "application/x-www-form-urlencoded", "text/plain", "")

words = st.text(max_size=12) | st.sampled_from(
    [
        "x",
        "%00",
        "Patient/1",
        "|",
        "a|b",
        "||",
        ",",
        "urn:ietf:rfc3986|urn:uuid:1",
        "*",
        "Patient:link",
        "json",
    ]
)
moments = st.builds(
    "{}{}".format,
    st.sampled_from(["", "gt", "ge", "lt", "le", "sa", "eb", "ne", "ap", "xx"]),
    st.datetimes().map(lambda moment: moment.isoformat())
    | st.dates().map(lambda day: day.isoformat())
    | st.sampled_from(
        [
            "0001",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "9999-12",
            "2021-02-30",
            "2021-8-1",
            "2021-08-16T24:00:00Z",
            "2021-08-16T08:60Z",
            "2021-08-16T08:00:00+99:99",
            "٢٠٢١",
        ]
    ),
)
counts = st.integers().map(str) | st.sampled_from(["", "1e3", "²", "٣", "0x10"])
names = st.sampled_from(sorted({*COMMON, *(name for found in PARAMETERS.values() for name in found)}))
includes = st.builds(
    "{}:{}".format, st.sampled_from(sorted(INCLUDES)), st.sampled_from(sorted(sum(INCLUDES.values(), ())))
)
pairs = st.tuples(names | st.text(max_size=8), words | moments | counts | includes)
kinds = st.sampled_from(
    [*PARAMETERS, "Bundle", "metadata", "Encounter", "_search", "$everything", "..", "%2e"]
)
tails = st.sampled_from(["", "", "", "/_search", "/1", "/$everything", "/x/$everything", "/_history", "/"])


class Program:
    """A hospital's system; what it was answered is looked at."""

    def __init__(self, app: Any, world: Any) -> None:
        self.client = app.test_client(use_cookies=False)
        self.headers = bearer(world.actor("coordinator"))

    def send(self, address: str, *, method: str = "GET", **more: Any) -> None:
        """Send something and look at the answer."""
        headers = self.headers | {
            name: text for name, text in more.pop("headers", {}).items() if text is not None
        }
        answer = self.client.open(address, method=method, headers=headers, **more)
        assert answer.status_code in ANSWERS, (method, address, more, answer.text[:500])
        if method in ("HEAD", "OPTIONS"):
            return
        assert answer.mimetype == "application/fhir+json", (method, address, answer.status_code)
        told = answer.json
        if answer.status_code != 200:
            assert told["resourceType"] == "OperationOutcome"
            assert all(issue["details"]["text"] for issue in told["issue"])
        if answer.status_code == 405:
            assert answer.headers["Allow"]


@pytest.fixture
def program(app, world):
    bench.install(world)
    app.testing = False  # a crash must answer 500 and not end the example
    run, _tubes = desk.run_tubes(world, 10)
    desk.verify_and_release(world, run)
    made = Program(app, world)
    made.client.post("/fhir", json=make_bundle(world, range(1, 4)), headers=made.headers)
    return made


fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@fuzz
@given(
    kind=kinds,
    tail=tails,
    asked=st.lists(pairs, max_size=4),
    method=st.sampled_from(METHODS),
    accept=st.sampled_from(ACCEPTED),
    media_type=st.sampled_from(SENT_AS),
)
def test_whatever_is_asked_is_answered_or_refused(program, kind, tail, asked, method, accept, media_type):
    more: dict[str, Any] = {"query_string": asked}
    if method == "POST":
        more = {"data": dict(asked)} if media_type.endswith("urlencoded") else {"data": "{}"}
        more["content_type"] = media_type
    program.send(f"/fhir/{kind}{tail}", method=method, headers={"Accept": accept}, **more)


leaves = st.none() | st.booleans() | st.integers() | st.floats() | words | moments
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))]


def _changed(bundle: Any, place: tuple[Any, ...], value: Any, is_gone: bool) -> Any:
    """Return a bundle in which something else stands at a place, or nothing."""
    if not place:
        return value
    holder = bundle
    for key in place[:-1]:
        holder = holder[key]
    if is_gone:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return bundle


class _Somewhere:
    """A world without a database, whose bundles have the same places."""

    campaign_id, commune_code = DIALECT.systems["campaign"], "06655"


PLACES = _places(make_bundle(_Somewhere()))


@fuzz
@given(place=st.sampled_from(PLACES), value=values, is_gone=st.booleans())
def test_whatever_is_sent_in_is_taken_or_refused(program, world, place, value, is_gone):
    bundle = _changed(make_bundle(world), place, value, is_gone)
    program.send("/fhir", method="POST", data=json.dumps(bundle), content_type="application/fhir+json")
