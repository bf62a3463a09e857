"""`pip install` of the wheel into an empty environment gives a working product, pages and styles included."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from lims import codes

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("lims", "static", "templates", "setup.cfg", "pyproject.toml", "README.md")

SHOW_PAGES = """
import lims
from lims import create_app
from lims.config import Settings

client = create_app(Settings.from_environment()).test_client()
page = client.get("/sign-in")
assert page.status_code == 200 and b'lang="vi"' in page.data, page.data
assert "Đăng nhập" in page.text, page.text
style = client.get("/static/css/lims.css")
assert style.status_code == 200 and len(style.data) > 1000
for vendored in ("bootstrap/bootstrap.min.css", "bootstrap-icons/sprite.svg", "fonts/jetbrains-mono/OFL.txt"):
    assert client.get(f"/static/vendor/{vendored}").status_code == 200, vendored
print(lims.__file__)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The wheel in an environment of its own; its dependencies are those of the tests, by a path file."""
    folder = tmp_path_factory.mktemp("packaging")
    source = folder / "source"
    source.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / part).exists():
            shutil.copy(ROOT / part, source / part)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)], folder)
    home = folder / "venv"
    venv.create(home, with_pip=False)
    packages = next(home.glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n", encoding="utf-8")
    wheel = next(folder.glob("lims-*.whl"))
    _run(
        [*pip, "--python", str(home / "bin/python"), "install", "--no-deps", "--no-index", str(wheel)], folder
    )
    return home


def _run(command: list[str], folder: Path) -> str:
    """Run a command outside the checkout with an empty home and next to no environment."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "SECRET_KEY": "a-secret-key-for-tests-only-0123456789",
        "LIMS_INSTANCE": str(folder / "instance"),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # where this machine's pip finds its packages
    environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_command_works_outside_the_checkout(installed, tmp_path):
    assert "tube" in _run([str(installed / "bin/lims"), "codes", "check", codes.mint("tube")], tmp_path)


def test_pages_styles_and_vietnamese_travel_in_the_wheel(installed, tmp_path):
    shown = _run([str(installed / "bin/python"), "-c", SHOW_PAGES], tmp_path)
    assert Path(shown.strip()).is_relative_to(installed)


def test_migrations_and_places_travel_in_the_wheel(installed, tmp_path):
    lims = str(installed / "bin/lims")
    assert "to 0" in _run([lims, "db", "upgrade"], tmp_path)
    assert "177 communes" in _run([lims, "places", "load", "22"], tmp_path)
    assert "0 faults" in _run([lims, "audit", "verify"], tmp_path)
