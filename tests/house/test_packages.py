"""What is written down about the product's make-up is what is there: packages, pins, commands."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from lims.cli import main

ROOT = Path(__file__).resolve().parents[2]
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")


def _lines(section: str, key: str) -> list[str]:
    return [line.strip() for line in SETUP[section][key].splitlines() if line.strip()]


def test_every_folder_with_modules_is_listed_as_a_package():
    folders = {
        ".".join(file.parent.relative_to(ROOT).parts)
        for file in (ROOT / "lims").rglob("*.py")
        if "__pycache__" not in file.parts
    }
    assert folders | {"lims.static", "lims.templates", "lims.translations"} == set(
        _lines("options", "packages")
    )


def test_every_package_begins_with_what_is_in_it():
    silent = [
        str(file.relative_to(ROOT))
        for file in (ROOT / "lims").rglob("*.py")
        if "versions" not in file.parts
        and (text := file.read_text(encoding="utf-8"))
        and not text.startswith('"""')
    ]
    assert silent == []


def test_every_direct_requirement_is_pinned():
    direct = {re.split(r"[\[ ~=<>]", line)[0].lower() for line in _lines("options", "install_requires")}
    pins = [
        line
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    assert direct - {pin.split("==")[0].lower() for pin in pins} == set()


def _commands(command: click.Command, path: tuple[str, ...] = ("lims",)) -> list[tuple[str, click.Command]]:
    found = [(" ".join(path), command)]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None, f"{' '.join(path)} lists {name} and does not have it"
            found += _commands(below, (*path, name))
    return found


@pytest.mark.parametrize(
    ("path", "command"), _commands(main), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_shows_an_example_of_itself(path: str, command: click.Command):
    text = " ".join(command.get_help(click.Context(command, info_name=path)).split())
    assert re.search(rf"Example: .*\b{path} ", text + " "), f"{path} --help has no example that runs it"


def test_imports_point_one_way():
    checked = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--config", ROOT / "setup.cfg", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
