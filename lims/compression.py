"""Answers that travel compressed: static files, and views that say so. docs/decisions/compression.md has the reasons.

Never a page that carries a form's token beside what a request brought: its size would tell the token (BREACH).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

import brotli
from flask import Flask, Response, after_this_request, request

View = TypeVar("View", bound=Callable[..., Any])

# Text, and the scanner's engine; fonts and pictures are compressed already.
COMPRESSED = frozenset(
    {
        "text/css",
        "text/html",
        "text/javascript",
        "application/json",
        "application/manifest+json",
        "application/wasm",
        "image/svg+xml",
    }
)
# Brotli of 5 packs the engine in 20 ms; 11 would take three seconds for another eighth.
PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda content: brotli.compress(content, quality=5),
    "gzip": lambda content: gzip.compress(content, compresslevel=6, mtime=0),
}


def compressed(view: View) -> View:
    """Let a view's answer travel compressed where the caller can read it.

    A strong ETag becomes another one for each way the answer travels, and is evaluated before anything is packed.
    A part of a file (206) is sent as it is: its numbers count the bytes of the whole.

    Args:
        view: what it answers has no secret beside anything that the request brought.
    """

    @wraps(view)
    def compressing(*args: Any, **kwargs: Any) -> Any:
        after_this_request(_pack)
        return view(*args, **kwargs)

    return cast(View, compressing)


def _pack(response: Response) -> Response:
    response.vary.add("Accept-Encoding")
    way = request.accept_encodings.best_match(PACKERS)
    if way is None or response.status_code != 200 or response.mimetype not in COMPRESSED:
        return response
    etag, is_weak = response.get_etag()
    if etag is not None:
        response.set_etag(etag if is_weak else f"{etag}-{way}", weak=bool(is_weak))
        response.make_conditional(request)
    if response.status_code == 200:
        response.headers["Content-Encoding"] = way
        response.direct_passthrough = False
        content = response.get_data()
        response.close()  # the file it came from
        response.set_data(PACKERS[way](content))
    return response


def init_app(app: Flask) -> None:
    """Compress static files, and nothing else unasked."""
    static: Callable[..., Any] = app.view_functions["static"]
    app.view_functions["static"] = compressed(static)
