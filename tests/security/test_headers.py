"""ASVS 3.4 and 14.3: the same protection on every answer, whatever the status, and nothing kept by browsers."""

from __future__ import annotations

import pytest
from engines import make_app
from flask import request

NEVER = {"'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "http:", "https:", "blob:", "*"}
# The collectors' app and the page that checks certificates hold no data and are kept; they compile the reader of codes.
COMPILES = {"/field/vi", "/field/en", "/field/reader.js", "/verify"}
KEPT = COMPILES | {"/field/sw.js", "/field/vi/manifest.webmanifest", "/field/en/manifest.webmanifest"}


def _check(answer, *, is_static: bool = False) -> None:
    headers, path = answer.headers, answer.request.path
    policy = headers["Content-Security-Policy"]
    allowed = policy.replace(";", " ").split()
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "form-action 'self'" in policy
    assert NEVER.isdisjoint(allowed)
    assert not [word for word in allowed if "://" in word]
    assert allowed.count("'wasm-unsafe-eval'") == (path in COMPILES), path
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    if not is_static:
        assert headers["Cache-Control"] == ("no-cache" if path in KEPT else "no-store"), path
        assert "noindex" in headers["X-Robots-Tag"]


def _addresses(stage) -> list[str]:
    with stage.app.test_request_context():
        return [
            stage.app.url_for(rule.endpoint)
            for rule in stage.app.url_map.iter_rules()
            if not rule.arguments and "GET" in (rule.methods or set())
        ]


@pytest.mark.parametrize("role", [None, "health_worker", "supervisor", "administrator"])
def test_every_page_and_address_carries_the_headers(stage, role):
    client = stage.browser(role)
    seen = set()
    for address in _addresses(stage):
        answer = client.get(address)
        _check(answer)
        seen.add(answer.status_code)
    assert 200 in seen
    assert not {status for status in seen if status >= 500}


@pytest.mark.parametrize("path", sorted(KEPT))
def test_what_phones_keep_carries_the_headers_and_sets_no_cookie(stage, path):
    client = stage.browser("coordinator")
    answer = client.get(path)
    assert answer.status_code == 200
    _check(answer)
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    _check(again)


def test_every_refusal_carries_the_headers(stage):
    client, headers = stage.browser("technician"), stage.bearer("technician")
    answers = {
        404: client.get("/nothing"),
        405: client.post("/board", data={"csrf_token": stage.form_token()}),
        400: client.post("/language"),
        403: client.get("/accounts"),
        422: client.get("/search?q=%00"),
        413: stage.app.test_client().post("/api/v1/declarations", data="x" * (20 * 1024 * 1024 + 1)),
        302: stage.app.test_client().get("/home"),
        409: stage.app.test_client().post(
            f"/api/v1/pools/{stage.closed_pool}/close",
            json={"client_id": "5f1f5c3e-0000-4000-8000-000000000009"},
            headers=headers,
        ),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        _check(answer)


def test_a_crash_carries_the_headers_and_tells_nothing(stage, monkeypatch):
    def crash(*_args, **_kwargs):
        raise ZeroDivisionError("the password is 12345")

    monkeypatch.setattr("lims.pages.render_template", crash)
    answer = stage.app.test_client().get("/")
    assert answer.status_code == 500
    assert "12345" not in answer.text
    assert "Traceback" not in answer.text
    _check(answer)


def test_static_files_are_kept_only_under_their_version(stage):
    client = stage.app.test_client()
    for address, kept in (("/static/css/lims.css", "no-cache"), ("/static/css/lims.css?v=1", "max-age")):
        answer = client.get(address)
        _check(answer, is_static=True)
        assert kept in answer.headers["Cache-Control"]
        answer.close()


def test_over_https_the_cookie_is_the_hosts_own_and_the_browser_told_to_stay(tmp_path):
    app = make_app("sqlite:///:memory:", tmp_path, secure_cookies=True)
    answer = app.test_client().get("/health", base_url="https://example.test")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    from lims.auth.sessions import cookie_name

    with app.app_context():
        assert cookie_name() == "__Host-lims"
        assert app.config["SESSION_COOKIE_SECURE"]


@pytest.mark.parametrize("proxies", [1, 2, 3])
def test_behind_any_number_of_proxies_one_scheme_and_host_are_believed_and_one_address_a_proxy(
    tmp_path, proxies
):
    app = make_app("sqlite:///:memory:", tmp_path, trusted_proxies=proxies)
    invented, *true = (f"203.0.113.{number}" for number in range(proxies + 1))
    seen = {}
    app.before_request(lambda: seen.update(address=request.remote_addr, secure=request.is_secure))
    answer = app.test_client().get(
        "/health",
        headers={
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "tests.example",
            "X-Forwarded-For": ", ".join([invented, *true]),
        },
    )
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert seen == {"address": true[0], "secure": True}


def test_without_a_proxy_no_forwarded_header_is_believed(tmp_path):
    app = make_app("sqlite:///:memory:", tmp_path)
    answer = app.test_client().get("/health", headers={"X-Forwarded-Proto": "https"})
    assert "Strict-Transport-Security" not in answer.headers


def test_the_server_does_not_say_what_it_is_made_of_in_debug(stage):
    assert stage.app.debug is False
    assert "werkzeug.debug" not in repr(stage.app.wsgi_app)
