"""Makes the page that checks certificates: styles, scripts, words, lists and the reader of codes in one file.

The file may do nothing but what is written in it: its own policy names the hashes of its one script and one style, and
forbids every connection, so that what it reads cannot leave the device.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import force_locale, gettext
from markupsafe import Markup
from sqlalchemy.orm import Session

from lims import clock
from lims.language import LANGUAGES
from lims.results.certificates.publishing import publish, write_trust
from lims.results.certificates.queries.keys import get_revoked
from lims.results.certificates.refusals import REASONS
from lims.results.verifier.bundle import bundle
from lims.results.verifier.words import WORDS
from lims.security import POLICY

ENTRY, STYLE = "js/certificate/page.js", "css/certificate.css"
ENGINE = "vendor/zxing-wasm/reader/zxing_reader.wasm"
# Kept so long by a worker process while nothing changes; the page says how old its lists are.
KEPT = timedelta(minutes=10)
_KEY = "lims.verifier"


@dataclass(frozen=True)
class Page:
    """The file.

    Args:
        html: the whole of it.
        policy: of the answer that carries it.
        made_at: when its lists were.
        holds: tells whether the lists have changed since.
    """

    html: str
    policy: str
    made_at: datetime
    holds: object


def get_page(session: Session) -> Page:
    """Return the page with the lists of this moment; made anew when they change, and every ten minutes."""
    now = clock.now()
    revoked = get_revoked(session, now=now)
    holds = write_trust(session), revoked.certificates, revoked.kids
    kept: Page | None = current_app.extensions.get(_KEY)
    if kept is None or kept.holds != holds or not timedelta(0) <= now - kept.made_at < KEPT:
        published = publish(session)
        revocations = (published.revocations or b"").decode("ascii")
        kept = make_page(json.loads(published.document), revocations, made_at=now, holds=holds)
        current_app.extensions[_KEY] = kept
    return kept


def make_page(trust: Mapping[str, Any], revocations: str, *, made_at: datetime, holds: object = None) -> Page:
    """Return the page.

    Args:
        trust: the document of `certificates.publishing`.
        revocations: `LR1:…`, empty where nobody can sign it.
        made_at: aware moment of both.
        holds: what was asked for before it was made.
    """
    static = Path(current_app.static_folder or "")
    script, style = bundle(static / ENTRY), (static / STYLE).read_text(encoding="utf-8")
    allowed = {"script-src": f"{_hash(script)} 'wasm-unsafe-eval'", "style-src": _hash(style)}
    words = {language: _say_all(language) for language in LANGUAGES}
    html = current_app.jinja_env.get_template("results/verifier.html").render(
        own_policy=_own_policy(allowed),
        vietnamese=words["vi"],
        style=_element("style", style),
        script=_element("script", script, type="module"),
        data=[
            _data("words", words),
            _data("reasons", REASONS),
            _data(
                "published",
                {"made_at": int(made_at.timestamp()), "trust": trust, "revoked": revocations},
            ),
            _element("script", _pack(static / ENGINE), type="application/gzip", id="engine"),
        ],
    )
    policy = POLICY
    for name, sources in allowed.items():
        policy = policy.replace(f"{name} 'self'", f"{name} {sources}")
    return Page(html=html, policy=policy, made_at=made_at, holds=holds)


def _own_policy(allowed: Mapping[str, str]) -> str:
    """Return the policy that the file carries in itself: opened from a disk, it has no other."""
    named = "; ".join(f"{name} {sources}" for name, sources in allowed.items())
    return f"default-src 'none'; {named}; img-src data:; base-uri 'none'; form-action 'none'"


def _say_all(language: str) -> dict[str, str]:
    with force_locale(language):
        return {msgid: _say(msgid) for msgid in WORDS}


def _say(msgid: str) -> str:
    """Return the words of a msgid; its parameters are put in by the page's script."""
    return str(gettext(msgid))


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _data(name: str, content: object) -> Markup:
    """Return JSON for the page's script; nothing in it can end the element."""
    return _element(
        "script",
        json.dumps(content, ensure_ascii=False).replace("<", "\\u003c"),
        type="application/json",
        id=name,
    )


def _element(name: str, content: str, **attributes: str) -> Markup:
    if f"</{name}" in content.lower():
        raise ValueError(f"an element {name} would end within its content")
    given = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return Markup(f"<{name}{given}>{content}</{name}>")  # noqa: S704  (files of ours, and JSON without "<")


def _pack(file: Path) -> str:
    return base64.b64encode(gzip.compress(file.read_bytes(), mtime=0)).decode("ascii")
