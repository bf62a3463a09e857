"""The collectors' app as files: what a phone must keep to work a day without network, and which release that is.

The list is found, not written: it begins with what the page names and follows styles and modules to what they name. So
nobody who adds a module to the app has to think of phones that are offline.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from posixpath import dirname, join, normpath

from flask import current_app, url_for
from flask_babel import force_locale, gettext

import lims
from lims.language import LANGUAGES

STATIC = "/static/"
COLOUR = "#1c5fb4"  # of the mark
# What a worker of the page is loaded from: a service worker answers for it only under its own scope.
READER = f'import "{STATIC}js/field/reader.js";\n'

_IN_PAGE = re.compile(r"""\b(?:src|href)="([^"#?]+)""")
_IN_STYLE = re.compile(r"""\burl\(\s*["']?([^"'()#?]+)|@import\s*["']([^"']+)""")
_IN_SCRIPT = re.compile(r"""\b(?:from|import)\s*\(?\s*["'](\.{0,2}/[^"']+)["']|["'](/static/[^"'#?]+)["']""")
_NAMED = {".css": _IN_STYLE, ".js": _IN_SCRIPT}


def render_page(language: str) -> str:
    """Return the app's page in a language, the same for everybody.

    It is rendered without what other pages know of who is asking: nothing of it could be kept on a phone by mistake.
    """
    with force_locale(language):
        return current_app.jinja_env.get_template("field/app.html").render(
            language=language,
            other_language_url=page_url(next(other for other in LANGUAGES if other != language)),
            manifest_url=manifest_url(language),
            version=lims.__version__,
        )


def render_manifest(language: str) -> str:
    """Return what a browser needs to install the app in a language, as JSON."""
    with force_locale(language):
        manifest = {
            "id": "/field/",
            "name": f"{gettext('Sampling on the phone')} – {gettext('Pooled testing')}",
            "short_name": gettext("Sampling"),
            "lang": language,
            "start_url": page_url(language),
            "scope": "/field/",
            "display": "standalone",
            "orientation": "portrait",
            "background_color": "#ffffff",
            "theme_color": COLOUR,
            "icons": [
                _icon("app-192.png", 192, "any"),
                _icon("app-512.png", 512, "any"),
                _icon("app-maskable-512.png", 512, "maskable"),
            ],
        }
    return json.dumps(manifest, ensure_ascii=False, indent=1)


def render_service_worker() -> str:
    """Return the service worker's script, which names the release and every file of it."""
    files = digests()
    return current_app.jinja_env.get_template("field/sw.js").render(
        version=lims.__version__,
        release=release_of(files),
        pages=[page_url(language) for language in LANGUAGES],
        files=files,
    )


def page_url(language: str) -> str:
    """Return the address of the app in a language."""
    return url_for("field.app", language=language)


def manifest_url(language: str) -> str:
    """Return the address of the manifest in a language."""
    return url_for("field.manifest", language=language)


def digests() -> dict[str, str]:
    """Return every file of the app: address → digest, as a request's `integrity` wants it.

    Raises:
        FileNotFoundError: a page, style or module names a file of ours that is not there.
    """
    made = {page_url(language): render_page(language) for language in LANGUAGES}
    made |= {manifest_url(language): render_manifest(language) for language in LANGUAGES}
    made[url_for("field.service_worker", script="reader")] = READER
    files = _follow([address for text in made.values() for address in _statics(_IN_PAGE, text, "/")])
    files |= _follow(_statics(_IN_SCRIPT, READER, "/"))
    return {
        **{address: _integrity(text.encode()) for address, text in made.items()},
        **{address: _read(key).integrity for address, key in files.items()},
    }


def release_of(files: dict[str, str]) -> str:
    """Return what tells this release of the app from any other: 16 hexadecimal digits."""
    whole = json.dumps([lims.__version__, sorted(files.items())])
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


class _File:
    """What is asked of a static file, read once."""

    def __init__(self, address: str, content: bytes) -> None:
        self.integrity = _integrity(content)
        pattern = _NAMED.get(Path(address).suffix)
        self.names = tuple(_statics(pattern, content.decode(), address)) if pattern else ()


def _follow(addresses: Iterator[str] | list[str]) -> dict[str, tuple[str, Path, int, int]]:
    """Return these static files and all that they name: address → key of `_read`."""
    found: dict[str, tuple[str, Path, int, int]] = {}
    waiting = list(addresses)
    while waiting:
        address = waiting.pop()
        if address not in found:
            path = Path(current_app.static_folder or "") / address.removeprefix(STATIC)
            stat = path.stat()
            found[address] = (address, path, stat.st_mtime_ns, stat.st_size)
            waiting += _read(found[address]).names
    return found


def _read(key: tuple[str, Path, int, int]) -> _File:
    return _read_as_it_was(*key)


@lru_cache(maxsize=512)
def _read_as_it_was(address: str, path: Path, changed_ns: int, size: int) -> _File:
    """Read a file again only when it has changed; in production none does while the server runs."""
    return _File(address, path.read_bytes())


def _statics(pattern: re.Pattern[str], text: str, address: str) -> Iterator[str]:
    """Yield the addresses of our static files that a text names, which itself is at an address."""
    for match in pattern.finditer(text):
        named = next(name for name in match.groups() if name is not None)
        if not named.startswith("data:"):
            whole = normpath(join(dirname(address), named))
            if whole.startswith(STATIC):
                yield whole


def _integrity(content: bytes) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode()


def _icon(name: str, side: int, purpose: str) -> dict[str, str]:
    return {
        "src": f"{STATIC}img/{name}",
        "sizes": f"{side}x{side}",
        "type": "image/png",
        "purpose": purpose,
    }
