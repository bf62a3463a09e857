"""Odd requests to the API by hand: what schemathesis does not make, or made once and found."""

from __future__ import annotations

import uuid

import pytest
from factories import MORNING
from signing import bearer

from lims import clock
from lims.problems import MEDIA_TYPE

LABELS = "/api/v1/box-labels"


@pytest.fixture(autouse=True)
def at_morning():
    with clock.at(MORNING):
        yield


@pytest.fixture
def ask(app, world):
    """Return what sends a request as a coordinator or as another role."""
    client = app.test_client(use_cookies=False)

    def send(method: str, address: str, *, role: str = "coordinator", headers: dict | None = None, **more):
        spoken = {"Accept-Language": "en"} | bearer(world.actor(role)) | (headers or {})
        return client.open(address, method=method, headers=spoken, **more)

    return send


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 400, ""),
        (b"x", 400, ""),
        (b"\xff\xfe", 400, ""),
        (b"null", 422, "client_id"),
        (b"[" * 100_000, 422, ""),
        (b'{"client_id": "\\ud800"}', 422, "client_id"),
        (b'{"client_id": "\\u0000"}', 422, "client_id"),
        (b'{"client_id": "%b", "campaign_id": "%b", "count": 1e400}' % ((b"0" * 32,) * 2), 422, "count"),
        (b'{"client_id": "%b", "campaign_id": "%b", "count": NaN}' % ((b"0" * 32,) * 2), 422, "count"),
        (
            b'{"client_id": "%b", "campaign_id": "%b", "count": %d}' % (b"0" * 32, b"0" * 32, 2**70),
            422,
            "count",
        ),
    ],
    ids=repr,
)
def test_a_body_that_cannot_be_read_is_refused_by_name(ask, body, status, field):
    answer = ask("POST", LABELS, data=body, content_type="application/json")
    assert (answer.status_code, answer.mimetype) == (status, MEDIA_TYPE)
    assert answer.json["field"] == field
    assert answer.json["status"] == status
    assert answer.json["detail"] == answer.json["message"] != ""


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE"])
def test_a_refused_method_says_which_are_allowed(ask, method):
    answer = ask(method, LABELS)
    assert (answer.status_code, answer.mimetype, answer.headers["Allow"]) == (
        405,
        MEDIA_TYPE,
        "OPTIONS, POST",
    )


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/exports/tubes/count?since=0001-01-01&until=9999-12-31",
        "/api/v1/teams?day=9999-12-31",
        "/api/v1/teams?day=0001-01-01",
        "/api/v1/discrepancies?after=9999-12-31T23:59:59-14:00",
        "/api/v1/discrepancies?after=0001-01-01T00:00:00%2B14:00",
    ],
)
def test_days_at_the_ends_of_the_calendar_find_nothing_and_break_nothing(ask, address):
    answer = ask("GET", address, role="coordinator")
    assert answer.status_code == 200, answer.text


def test_a_campaign_in_a_year_that_no_calendar_follows_is_refused(ask, world):
    for starts_on, ends_on, field in (
        ("0001-01-01", None, "starts_on"),
        ("2021-08-01", "9999-12-31", "ends_on"),
    ):
        sent = {
            "client_id": str(uuid.uuid4()),
            "name": "Đợt thử",
            "province_id": str(world.province_id),
            "starts_on": starts_on,
            "ends_on": ends_on,
        }
        answer = ask("POST", "/api/v1/campaigns", json=sent)
        assert (answer.status_code, answer.json["field"]) == (422, field)


@pytest.mark.parametrize("header", ["Bearer", "Bearer \xff", "Basic eA==", "Device x", "x"])
def test_a_header_that_is_no_token_is_nobody(app, world, header):
    answer = app.test_client().get("/api/v1/me", headers={"Authorization": header})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
