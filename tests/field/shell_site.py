"""The product served for a browser from this process, with one page of it replaced where a test wants a bare one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from apiflask import APIFlask
from werkzeug.serving import make_server


@contextmanager
def listening(app: APIFlask) -> Iterator[str]:
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
