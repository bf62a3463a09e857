"""A small server for the phone's app: its page and files as they are, and an API that remembers what it was sent.

It speaks docs/field.md and can be told to be down, to forget answers, or to withdraw the phone. idb comes from the
product's vendored files.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, jsonify, render_template, request
from flask_babel import Babel
from playwright.sync_api import BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from lims import codes

ROOT = Path(__file__).parents[2]
NEXT_ENROLMENT = "Enrolment-of_the-next_day-1234567890-abcdefg"
ENROLMENT = "Enrolment-code_of-43-characters-1234567890a"
SERVER_KEY = "BPtQOI8pSY0Kk60l7Ew0A3udPMPMpHh+tv7aviswA+rIn3dlyp1iiOb/c09c0I86WSHPVLIbs5i1CsDSV3+gdHI="
POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:"


def code(letter: str, number: int) -> str:
    """Return a sound code."""
    body = f"{letter}{number:06d}"
    return body + codes.check_characters(body)


BADGE, OTHER_BADGE, COURIER = code("C", 1), code("C", 2), code("C", 9)
BOX = code("X", 1)
PEOPLE = [code("K", number) for number in range(1, 31)]
TUBES = [code("T", number) for number in range(1, 31)]
MIXED = [code("T", number) for number in range(101, 111)]


class Centre:
    """What the server was sent, and how it answers."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[str] = []
        self.slips: dict[str, dict[str, Any]] = {}
        self.enrolments: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.down = False
        self.unknown = False
        self.leave_out: set[str] = set()
        self.wrong_tubes: set[str] = set()
        self.clock = timedelta()
        self.day = datetime.now(UTC) + timedelta(hours=7)
        self.expires_at = datetime.now(UTC) + timedelta(hours=12)

    @property
    def texts(self) -> list[dict[str, Any]]:
        """What the slips say, in the order of arrival."""
        return [json.loads(slip["text"]) for slip in self.slips.values()]

    def kinds(self) -> list[str]:
        """The kinds of the slips in the order of arrival."""
        return [text["kind"] for text in self.texts]

    def device(self, enrolment: str) -> dict[str, Any]:
        """What an enrolment says."""
        return {
            "device": f"{'1' if enrolment == ENROLMENT else '2'}1111111-2222-4333-8444-555555555555",
            "server_key": SERVER_KEY,
            "expires_at": self.expires_at.isoformat(),
            "day": f"{self.day:%Y-%m-%d}",
            "team": "Tổ 3",
            "collector": {"name": "Lê Thị Thu", "badge": BADGE, "language": "vi"},
            "site": {"id": "s", "name": "Nhà văn hóa thôn 7"},
            "campaign": {"id": "c", "name": "Đợt tháng 8"},
            "server_time": self.now(),
        }

    def now(self) -> str:
        """The server's clock."""
        return (datetime.now(UTC) + self.clock).isoformat()

    def packet(self) -> dict[str, Any]:
        """The packet."""
        names = ["Nguyễn Văn An", "Trần Thị Bình", "Lê Hoà", "Phạm Đức Cường", "Hoàng Thị Dung"]
        people = [
            [PEOPLE[index], name, 1950 + index * 7, code("H", 1) if index < 3 else "", "open", 1]
            for index, name in enumerate(names)
        ]
        people.append([PEOPLE[5], "Vũ Thị Sáu", 1999, "", "sampled", 1])
        return {
            "v": 1,
            "device": {
                "team": "Tổ 3",
                "day": f"{self.day:%Y-%m-%d}",
                "expires_at": self.expires_at.isoformat(),
            },
            "campaign": {"id": "c", "name": "Đợt tháng 8", "mixed_tube_size": 10},
            "collectors": [[BADGE, "Lê Thị Thu"], [OTHER_BADGE, "Ngô Văn Hải"]],
            "couriers": [[COURIER, "Đỗ Văn Xe"]],
            "laboratories": [["l1", "CDC Quảng Ninh"]],
            "people": people,
            "people_left_out": False,
            "tubes": {"single": "".join(TUBES), "mixed": "".join(MIXED)},
        }

    def answer(self, slip: dict[str, Any]) -> dict[str, Any]:
        """The verdict on one slip."""
        said = json.loads(slip["text"])
        wrong = said.get("tube") in self.wrong_tubes
        return {
            "id": slip["id"],
            "verdict": "wrong" if wrong else "good",
            "code": "tube_reused" if wrong else "bound",
            "message": "Ống này đã dùng cho người khác." if wrong else "",
        }


def make_site(centre: Centre) -> Flask:
    """Make the little server."""
    app = Flask(
        "phone_site",
        root_path=str(ROOT),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.update(
        SEND_FILE_MAX_AGE_DEFAULT=0, BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "lims/translations")
    )
    Babel(app, locale_selector=lambda: "vi" if request.path.endswith("/vi") else "en")
    api = "/api/v1/field"

    @app.before_request
    def note() -> Any:
        if not request.path.startswith(api):
            return None
        centre.requests.append(request.path)
        if centre.down:
            return "", 503
        if centre.unknown and not request.path.endswith("enrolments"):
            return jsonify(code="sign_in_needed", message="Không rõ máy này.", field=""), 401
        return None

    @app.get("/field/<any(vi, en):language>")
    def page(language: str) -> str:
        other = "/field/en" if language == "vi" else "/field/vi"
        return render_template("field/app.html", language=language, other_language_url=other, version="1.0")

    @app.post(f"{api}/enrolments")
    def enrol() -> Any:
        centre.enrolments.append(request.json)
        if request.json["code"] not in (ENROLMENT, NEXT_ENROLMENT):
            return jsonify(code="not_found", message="Mã nhận máy không có ở đây.", field="code"), 404
        return centre.device(request.json["code"])

    @app.get(f"{api}/packet")
    def packet() -> Any:
        if request.headers.get("If-None-Match") == '"one"':
            return "", 304
        answer = jsonify(centre.packet() | {"server_time": centre.now()})
        answer.headers["ETag"] = '"one"'
        return answer

    @app.post(f"{api}/scans")
    def scans() -> Any:
        sent = request.json["slips"]
        centre.tokens.append(request.headers["Authorization"])
        centre.slips |= {slip["id"]: slip for slip in sent}
        verdicts = [centre.answer(slip) for slip in sent if slip["id"] not in centre.leave_out]
        device = {"status": "live", "expires_at": centre.expires_at.isoformat()}
        return {"server_time": centre.now(), "device": device, "verdicts": verdicts}

    @app.post(f"{api}/files")
    def files() -> Any:
        return {"device": None, "slips": 3, "good": 3, "again": 0, "wrong": 0, "verdicts": []}

    @app.get("/field/<any(sw, reader):script>.js")
    def worker(script: str) -> Response:
        content = 'import "/static/js/field/reader.js";' if script == "reader" else ""
        return Response(content, mimetype="text/javascript")

    @app.after_request
    def forbid_inline(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return app


@contextmanager
def serve(centre: Centre) -> Iterator[Centre]:
    """Serve on a free port of the loopback."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, make_site(centre), threaded=True)
    centre.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield centre
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def open_browser(**context: Any) -> Iterator[BrowserContext]:
    """A browser that fails the test on whatever a page complains of; skipped where there is no Chromium.

    A refused, lost or offline request is told by the browser itself and is part of these tests.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed: the phone's app is not tried in a browser")
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        opened = browser.new_context(locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh", **context)
        opened.on("console", lambda line: complaints.append(line.text))
        opened.on("weberror", lambda problem: complaints.append(str(problem.error)))
        yield opened
        browser.close()
    complaints = [line for line in complaints if "Failed to load resource" not in line]
    assert not complaints, "\n".join(complaints)


@contextmanager
def open_modules() -> Iterator[Page]:
    """A page beside the app's modules, to import them from."""
    with serve(Centre()) as centre, open_browser() as browser:
        page = browser.new_page()
        page.goto(f"{centre.url}/static/js/codes.js")
        yield page
