"""An installation gets its assays by command, in the names of two supervisors."""

from __future__ import annotations

import json
from contextvars import Context

import pytest
from click.testing import CliRunner, Result
from engines import SECRET_KEY

from lims.auth.actions import set_user_active
from lims.auth.actors import SYSTEM
from lims.cli import main
from lims.extensions import db
from lims.pooling.queries import assays as queries


@pytest.fixture
def lims(world, database_url, tmp_path):
    """Run a command on the database of the small world."""
    environment = {
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url,
        "LIMS_INSTANCE": str(tmp_path),
        "DEMO": "",
    }

    def run(*arguments: str) -> Result:
        # in a context of its own, as the application of the test is not that of the command
        return Context().run(CliRunner().invoke, main, list(arguments), env=environment)

    return run


def agreed() -> list[tuple[str, str]]:
    db.session.rollback()
    return [(assay.name, assay.status) for assay in queries.list_assays(db.session())]


def test_two_supervisors_install_the_assays_once_and_the_unconfirmed_one_stays_a_draft(lims, world):
    made = lims("assays", "install", "supervisor", "supervisor_2")
    assert made.exit_code == 0, made.output
    assert sorted(status for _, status in agreed()) == ["agreed", "agreed", "draft"]
    first = queries.list_agreed_assays(db.session())[0]
    assert (first.drafted_by_id, first.agreed_by_id) == (
        world.actor("supervisor").user_id,
        world.actor("supervisor_2").user_id,
    )
    again = lims("assays", "install", "supervisor", "supervisor_2", "--json")
    assert (again.exit_code, json.loads(again.stdout), len(agreed())) == (0, [], 3)


@pytest.mark.parametrize(
    ("drafter", "agreer", "why"),
    [
        ("supervisor", "Supervisor ", "two different"),
        ("supervisor", "nobody", "no open account nobody"),
        ("technician", "supervisor", "technician is not a supervisor's"),
        ("supervisor", "supervisor_2", "no open account supervisor_2"),
    ],
)
def test_one_person_a_stranger_another_role_or_a_closed_account_installs_nothing(
    lims, world, drafter, agreer, why
):
    if agreer == "supervisor_2":
        set_user_active(actor=SYSTEM, user_id=world.actor("supervisor_2").user_id, is_active=False)
    refused = lims("assays", "install", drafter, agreer)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert why in refused.stderr
    assert agreed() == []


def test_the_list_holds_names_versions_states_and_the_rules(lims):
    assert json.loads(lims("assays", "list", "--json").stdout) == []
    assert "lims assay install" in lims("assays", "list").stdout
    lims("assays", "install", "supervisor", "supervisor_2")
    listed = json.loads(lims("assays", "list", "--json").stdout)
    assert [(assay["name"], assay["status"]) for assay in listed] == agreed()
    assert all(assay["version"] == 1 and assay["definition"]["targets"] for assay in listed)
