"""What the help of the commands shows can be typed as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from lims import codes
from lims.cli import main

# Nine characters, the first a prefix of ours, in one piece or in groups of three.
CODE = re.compile(
    rf"\b[{''.join(codes.PREFIXES.values())}][0-9A-Z]{{2}} ?[0-9A-Z]{{3}} ?[0-9A-Z]{{3}}\b", re.IGNORECASE
)


def every_command(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and all commands below it, with their names."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None, below
            yield from every_command(found, f"{name} {below}")


def example_codes() -> list[tuple[str, str]]:
    """Return every code in the help, with the command that shows it; what has fewer than two digits is words."""
    return [
        (name, found.group())
        for name, command in every_command(main, "lims")
        for found in CODE.finditer(f"{command.help}\n{command.epilog}")
        if sum(letter.isdigit() for letter in found.group()) > 1
    ]


def test_every_example_code_in_the_help_is_a_sound_one():
    shown = example_codes()
    assert {name for name, _ in shown} >= {"lims", "lims codes", "lims codes check"}
    for name, code in shown:
        assert codes.parse(code).text, name


def test_every_command_shows_an_example():
    without = [
        name
        for name, command in every_command(main, "lims")
        if not re.search(r"Example: .*\blims ", f"{command.help}\n{command.epilog}")
    ]
    assert without == []
