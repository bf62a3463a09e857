"""Lists and labels from the command line: JSON for scripts, exit 0 only when all of it was done."""

from __future__ import annotations

import json
from contextvars import Context

import pytest
from click.testing import CliRunner
from engines import SECRET_KEY
from sqlalchemy import func, select

from lims.cli import main
from lims.extensions import db
from lims.intake.models import Declaration, Tube

CSV = "Họ và tên,Năm sinh\nNguyễn Văn An,1980\nTrần Bình,1890\n"


@pytest.fixture
def lims(app, world, database_url, tmp_path):
    """Run a command on the small world and return click's result."""
    environment = {
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url,
        "LIMS_INSTANCE": str(tmp_path),
        "DEMO": "",
    }

    def run(*arguments):
        return Context().run(CliRunner().invoke, main, [str(one) for one in arguments], env=environment)

    return run


def count(model) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_list_is_imported_and_its_refused_rows_written(lims, tmp_path):
    (tmp_path / "to.csv").write_text(CSV)
    asked = ("import", "people", tmp_path / "to.csv", "--commune", "06655", "--json")
    preview = lims(*asked, "--dry-run")
    assert json.loads(preview.stdout)["accepted"] == 1 and count(Declaration) == 0
    done = lims(*asked, "--refused", tmp_path / "mend.csv")
    assert done.exit_code == 1
    assert "line 3: Năm sinh: The birth year 1890" in done.stderr
    assert "Trần Bình" in (tmp_path / "mend.csv").read_text("utf-8-sig")
    assert count(Declaration) == 1
    (tmp_path / "to.csv").write_text(CSV.replace("1890", "1990"))
    assert lims(*asked).exit_code == 0
    assert count(Declaration) == 2


def test_labels_are_minted_and_printed(lims, tmp_path):
    done = lims("labels", "mint", "--mode", "single", "--count", "3", "--pdf", tmp_path / "a.pdf", "--json")
    assert done.exit_code == 0 and count(Tube) == 3
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    lot = json.loads(done.stdout)["lot_id"]
    assert lims("labels", "print", lot, tmp_path / "a.zpl", "--last", "2").exit_code == 0
    assert (tmp_path / "a.zpl").read_text().count("^XA") == 2
    assert lims("labels", "print", lot, tmp_path / "a.zpl", "--first", "4").exit_code == 1
    assert lims("labels", "boxes", "--count", "2", "--pdf", tmp_path / "b.pdf").exit_code == 0


@pytest.mark.parametrize(
    "arguments", [("import", "people"), ("labels", "mint"), ("labels", "print"), ("labels", "boxes")]
)
def test_every_command_helps_with_an_example(lims, arguments):
    assert "Example:" in lims(*arguments, "--help").stdout
