"""Runs with curves for a browser: the real frame, macros, styles and scripts under the real policy, invented values."""

from __future__ import annotations

import logging
import math
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template_string
from flask_babel import Babel
from flask_wtf import CSRFProtect
from servers import frame_pages
from werkzeug.serving import make_server

from lims import codes, plates
from lims.security import POLICY

ROOT = Path(__file__).parents[2]
CYCLES = 45
TARGETS = [
    {"name": "N", "dye": "FAM", "role": "viral", "cutoff": 38, "threshold": 0.2},
    {"name": "ORF1ab", "dye": "VIC", "role": "viral", "cutoff": 38, "threshold": 0.25},
    {"name": "RP", "dye": "Cy5", "role": "internal", "cutoff": 35, "threshold": None},
]
WORDS = {
    "detected": "Detected",
    "not_detected": "Not detected",
    "inconclusive": "Inconclusive",
    "invalid": "Invalid",
}
CONTROLS = {"A01": "NTC", "B01": "PC"}
DETECTED, INCONCLUSIVE, EMPTY, WAITING = "C03", "D03", "E05", "G02"
PAGE = """{% extends "base.html" %}{% from "components/curves.html" import curves_panel, control_chart %}
{% block title %}Run{% endblock %}
{% block head %}<link rel="stylesheet" href="{{ url_for('static', filename='css/curves.css') }}">{% endblock %}
{% block main %}<h1>Run</h1>
{% if size %}{{ curves_panel(url, size) }}{% endif %}
{% for title, chart in charts.items() %}<section class="panel"><h2>{{ title }}</h2>
{{ control_chart(chart, id='chart-' ~ loop.index) }}</section>{% endfor %}
{% endblock %}
{% block scripts %}<script type="module" src="{{ url_for('static', filename='js/curves.js') }}"></script>
<script type="module" src="{{ url_for('static', filename='js/control_chart.js') }}"></script>{% endblock %}"""


def mint(kind: str, number: int) -> str:
    """Return the same right code for the same number."""
    body = f"{ {'pool': 'P', 'tube': 'T', 'plate': 'G'}[kind] }{number:06d}"
    return body + codes.check_characters(body)


def _curve(ct: float | None, top: float, dice: random.Random) -> list[float | None]:
    """Return a sigmoid that reaches 0.2 near its Ct, with noise; without a Ct the noise alone."""
    noise = [dice.gauss(0, 0.006) for _ in range(CYCLES)]
    if ct is None:
        return [round(value, 5) for value in noise]
    middle = ct + 1.6 * math.log(max(top / 0.2 - 1, 0.1))
    return [
        round(top / (1 + math.exp(-(cycle - middle) / 1.6)) + value, 5)
        for cycle, value in enumerate(noise, 1)
    ]


def make_run(size: int, *, curves: bool = True) -> dict[str, Any]:
    """Return what `/runs/<code>/curves.json` answers for a plate that is full but for one well."""
    dice = random.Random(size)
    wells: dict[str, Any] = {}
    drawn: dict[str, dict[str, list[float | None]]] = {target["name"]: {} for target in TARGETS}
    for number, name in enumerate(plates.well_names(size)):
        if name == EMPTY:
            continue
        control = CONTROLS.get(name)
        finding: str | None = "detected" if name == DETECTED or dice.random() < 0.08 else "not_detected"
        finding = {"A01": "not_detected", "B01": "detected", INCONCLUSIVE: "inconclusive", WAITING: None}.get(
            name, finding
        )
        viral = {"detected": dice.uniform(16, 34), "inconclusive": 39.2}.get(finding or "")
        values = {"N": viral, "ORF1ab": viral and round(viral + 0.8, 2), "RP": dice.uniform(23, 28)}
        if control == "NTC":
            values["RP"] = None
        readings = {
            target: {
                "ct": None if ct is None else round(ct, 2),
                "raw": "Undetermined" if ct is None else f"{ct:.4f}",
                "flags": ["BADROX", "NOISE"] if name == DETECTED and target == "N" else [],
            }
            for target, ct in values.items()
        }
        if name == WAITING:
            del readings["ORF1ab"]
        wells[name] = {
            "label": control or mint("pool", number),
            "control": control is not None,
            "finding": finding,
            "finding_word": WORDS.get(finding or "", ""),
            "reason": "" if finding is None else f"The reason of well {name}.",
            "url": "" if control else f"/pools/{mint('pool', number)}",
            "tubes": []
            if control
            else [
                {
                    "code": mint("tube", number * 10 + place),
                    "url": f"/tubes/{mint('tube', number * 10 + place)}",
                }
                for place in range(10)
            ],
            "readings": readings,
        }
        for target, top in (("N", 2.4), ("ORF1ab", 1.7), ("RP", 1.2)):
            if target in readings:
                drawn[target][name] = _curve(readings[target]["ct"], top, dice)
    drawn["N"][DETECTED][4] = None  # a cycle that the instrument did not read
    return {
        "size": size,
        "targets": TARGETS,
        "cycles": CYCLES if curves else 0,
        "first_cycle": 1,
        "quantity": "dRn" if curves else "",
        "wells": wells,
        "curves": drawn if curves else {},
    }


def make_chart(count: int = 24) -> dict[str, Any]:
    """Return a control's values: the fifth run warns, the last but one breaks a rule."""
    dice = random.Random(7)
    points = [
        {
            "run": mint("plate", number),
            "url": f"/runs/{mint('plate', number)}",
            "at": f"{1 + number}/8 14:03",
            "ct": round(dice.gauss(27, 0.3), 2),
            "rules": [],
            "warning": False,
        }
        for number in range(count)
    ]
    points[4] |= {"ct": 27.9, "rules": ["1-2s"], "warning": True}
    points[-2] |= {"ct": 25.6, "rules": ["1-3s"]}
    return {"points": points, "mean": 27.0, "sd": 0.4, "provisional": True}


CHARTS = {
    "Positive control, target N": make_chart(),
    "Only two runs": {**make_chart()} | {"points": make_chart()["points"][:2], "mean": None, "sd": None},
    "No run": {"points": [], "mean": None, "sd": None, "provisional": False},
}


def make_site(language: str = "en") -> Flask:
    """Return the pages /96, /384, /typed (no curves), /broken (no answer) and /charts."""
    app = Flask("curves", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.update(
        SECRET_KEY="only here",
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "lims" / "translations"),
    )
    Babel(app, default_locale=language)
    CSRFProtect(app)
    frame_pages(app)
    runs = {
        "96": make_run(96),
        "384": make_run(384),
        "typed": make_run(96, curves=False),
        "broken": {"size": 96},
    }

    @app.get("/<name>")
    def show(name: str) -> str:
        size = runs[name]["size"] if name in runs else 0
        return render_template_string(
            PAGE,
            url=f"/runs/{name}/curves.json",
            size=size,
            charts={} if size else CHARTS,
            language=language,
        )

    @app.get("/runs/<name>/curves.json")
    def answer(name: str) -> Any:
        return ("", 503) if name == "broken" else runs[name]

    @app.get("/pools/<code>")
    @app.get("/runs/<code>")
    def record(code: str) -> str:
        return f"<!doctype html><title>{code}</title>"

    @app.after_request
    def set_policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return app


@contextmanager
def listening(app: Flask) -> Iterator[str]:
    """Serve an application on the loopback until the block ends; yields its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
