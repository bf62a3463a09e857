"""Answers that travel compressed: static files, and views that say so. docs/decisions/compression.md has the reasons.

Never a page that carries a form's token beside what a request brought: its size would tell the token (BREACH).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Flask, Response, after_this_request, request
from flask_compress import Compress

View = TypeVar("View", bound=Callable[..., Any])

# Text, and the scanner's engine; fonts and pictures are compressed already.
COMPRESSED = (
    "text/css",
    "text/html",
    "text/javascript",
    "application/json",
    "application/manifest+json",
    "application/wasm",
    "image/svg+xml",
)
ALGORITHMS = ("br", "gzip")
_compress = Compress()


def compressed(view: View) -> View:
    """Let a view's answer travel compressed where the caller can read it.

    Its ETag, if strong, is made another one for each way it travels, and is evaluated. A part of an answer (206) is
    sent as it is: its numbers count the bytes of the whole.

    Args:
        view: answers the same to whoever may see it: nothing that a request brought stands beside a secret in it.
    """

    @wraps(view)
    def compressing(*args: Any, **kwargs: Any) -> Any:
        if "Range" not in request.headers:
            after_this_request(_shrink)
        return view(*args, **kwargs)

    return cast(View, compressing)


def _shrink(response: Response) -> Response:
    return _compress.after_request(response)


def init_app(app: Flask) -> None:
    """Compress static files, and nothing else unasked."""
    app.config.update(
        COMPRESS_REGISTER=False,
        COMPRESS_MIMETYPES=COMPRESSED,
        COMPRESS_ALGORITHM=ALGORITHMS,
        COMPRESS_ALGORITHM_STREAMING=ALGORITHMS,
        # 5 makes the engine a twentieth smaller than 4 in 20 ms; 11 would take seconds for another eighth
        COMPRESS_BR_LEVEL=5,
        COMPRESS_LEVEL=6,
    )
    _compress.init_app(app)
    app.view_functions["static"] = compressed(app.view_functions["static"])
