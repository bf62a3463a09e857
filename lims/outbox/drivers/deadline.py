"""A call by HTTP that ends in time, however slowly the other side answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

DEADLINE_SECONDS = 30.0
"""For a whole call, well within `rules.LEASE`: a message in a worker's hand must not count as lost."""

_HAS_SOCKET = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})


class Deadline:
    """Hangs up on a call that is not over in time.

    httpx limits each read alone, so that a byte every few seconds holds a call for ever. httpcore's trace extension
    tells which socket the call has; a timer shuts it down, and the call ends with an error of the transport.

    Args:
        seconds: from entering to hanging up; names are resolved outside.
    """

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._hang_up)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Begin to count."""
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Let the call be."""
        self._timer.cancel()
        with self._lock:
            self._socket = None

    @property
    def extensions(self) -> dict[str, Any]:
        """Return what httpx is given with the request."""
        return {"trace": self._see}

    def _see(self, event: str, info: Mapping[str, Any]) -> None:
        if event not in _HAS_SOCKET:
            return
        with self._lock:
            self._socket = info["return_value"].get_extra_info("socket")
            if self.is_over:
                self._shut()

    def _hang_up(self) -> None:
        with self._lock:
            self.is_over = True
            self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            # below TLS: the reading thread may be inside of it
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
