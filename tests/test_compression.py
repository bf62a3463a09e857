"""Static files travel compressed and are still asked for by ETag; pages with form tokens never are."""

from __future__ import annotations

import gzip
from pathlib import Path

import brotli
import pytest
from engines import make_app

STYLE, ENGINE = "/static/css/lims.css", "/static/vendor/zxing-wasm/reader/zxing_reader.wasm"
FONT = "/static/vendor/be-vietnam-pro/be-vietnam-pro-latin-400-normal.woff2"
PHONE = {"Accept-Encoding": "gzip, deflate, br, zstd"}


@pytest.fixture
def client(tmp_path):
    return make_app("sqlite:///:memory:", tmp_path).test_client()


def content(address: str) -> bytes:
    return (Path(__file__).parents[1] / address.removeprefix("/")).read_bytes()


def get(client, address, **headers):
    with client.get(
        address, headers={name.replace("_", "-"): value for name, value in headers.items()}
    ) as found:
        found.data  # noqa: B018  (read before it is closed)
        return found


@pytest.mark.parametrize("address", [STYLE, ENGINE, "/static/vendor/bootstrap-icons/sprite.svg", "/field/vi"])
def test_a_phone_gets_the_same_content_in_fewer_bytes(client, address):
    plain = get(client, address)
    assert "Content-Encoding" not in plain.headers
    for accepted, encoding, unpack in (
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("gzip", "gzip", gzip.decompress),
    ):
        packed = get(client, address, Accept_Encoding=accepted)
        assert packed.headers["Content-Encoding"] == encoding
        assert unpack(packed.data) == plain.data
        assert len(packed.data) < len(plain.data) / 2
        assert packed.headers["Vary"] == "Accept-Encoding"
        assert packed.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize("accepted", ["br", "gzip", "identity"])
def test_what_a_browser_has_is_not_sent_again_however_it_travelled(client, accepted):
    first = get(client, STYLE, Accept_Encoding=accepted)
    again = get(client, STYLE, Accept_Encoding=accepted, If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")
    assert "max-age=0" in again.headers["Cache-Control"]
    other = get(client, STYLE, Accept_Encoding=accepted, If_None_Match='"another"')
    assert other.status_code == 200


def test_a_part_of_a_file_is_a_part_of_it_as_it_is(client):
    part = get(client, STYLE, Range="bytes=10-19", **{"Accept_Encoding": "br"})
    assert part.status_code == 206
    assert "Content-Encoding" not in part.headers
    assert part.data == content(STYLE)[10:20]


def test_fonts_are_left_alone(client):
    assert "Content-Encoding" not in get(client, FONT, **PHONE).headers


@pytest.mark.parametrize("address", ["/sign-in", "/", "/nothing", "/static/nothing.css"])
def test_a_page_with_a_form_is_never_compressed(client, address):
    assert "Content-Encoding" not in get(client, address, **PHONE).headers


def test_no_view_with_a_form_is_marked_for_compression():
    """Who marks one more view must write here why nothing secret stands in it beside what a request brought."""
    root = Path(__file__).parents[1] / "lims"
    marked = {
        str(file.relative_to(root))
        for file in root.rglob("*.py")
        if "@compressed" in file.read_text() and file.name != "compression.py"
    }
    assert (
        marked
        <= {
            "field/views/app.py",  # the same for everybody, nothing from the request but the language
            "results/views/verifier.py",  # the same for everybody, nothing from the request, no form that is sent
            "field/api/devices.py",  # JSON for a phone with a token of its own, no cookie; nothing from the request
        }
    )


def test_the_engine_is_a_third_of_its_size(client):
    assert len(get(client, ENGINE, **PHONE).data) < 0.4 * len(content(ENGINE))
