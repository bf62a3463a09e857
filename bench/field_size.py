"""How many bytes a phone loads to have the collectors' app whole, and how many of them come compressed.

Run: python bench/field_size.py. Each file is asked for as a phone's browser asks, and what travels is counted: its
body as served, without headers. The app without the scanner's engine must stay under 400 kB, with it under 2 MB: on a
network of 1 Mbit/s that is 3 and 16 seconds.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from flask.testing import FlaskClient

from lims import create_app
from lims.config import DEMO_SECRET_KEY, Settings
from lims.field import shell

ENGINE = ("/static/vendor/zxing-wasm/", "/static/js/field/reader.js", "/field/reader.js")
LIMITS_KB = {"without the scanner's engine": 400, "with it": 2_000}
SERVICE_WORKER = "/field/sw.js"
PHONE = {"Accept-Encoding": "gzip, deflate, br, zstd"}


class Size(NamedTuple):
    """Bytes of a file, and how many of them travelled."""

    address: str
    content: int
    sent: int

    @property
    def is_engine(self) -> bool:
        """Whether it is asked for only by the scanner."""
        return self.address.startswith(ENGINE)


def measure(client: FlaskClient, address: str) -> Size:
    """Ask for a file as a program does, and as a phone does."""
    with client.get(address) as plain, client.get(address, headers=PHONE) as packed:
        return Size(address, len(plain.data), len(packed.data))


def show(name: str, content: int, sent: int, more: str = "") -> None:
    """Print one line."""
    print(f"{name:68} {content / 1000:9.1f} {sent / 1000:9.1f} {sent / content:6.2f}  {more}".rstrip())


def main() -> None:
    """Print a line a file, the largest first, and the sums beside their limits."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            secret_key=DEMO_SECRET_KEY,
            database_url="sqlite:///:memory:",
            instance_path=Path(folder),
            demo=True,
        )
        app = create_app(settings)
        with app.test_request_context():
            addresses = [SERVICE_WORKER, *shell.digests()]
        client = app.test_client()
        sizes = sorted((measure(client, address) for address in addresses), key=lambda size: -size.sent)
    print(f"{'file':68} {'kB':>9} {'sent kB':>9} {'ratio':>6}")
    for size in sizes:
        show(size.address, size.content, size.sent, "engine" if size.is_engine else "")
    for (name, limit), counted in zip(
        LIMITS_KB.items(), ([size for size in sizes if not size.is_engine], sizes), strict=True
    ):
        content, sent = sum(size.content for size in counted), sum(size.sent for size in counted)
        verdict = "within" if sent <= limit * 1000 else "OVER"
        show(f"{len(counted)} files {name}", content, sent, f"{verdict} {limit} kB")


if __name__ == "__main__":
    main()
