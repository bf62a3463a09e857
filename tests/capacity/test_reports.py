"""Reports: the same figures on the page, in the PDF, in the workbook and for programs; as known then and now."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import subprocess
import uuid
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from factories import MORNING
from flask_babel import force_locale
from pooling import bench
from pooling.received import receive
from results import desk
from signing import bearer, sign_in
from sqlalchemy import select

from lims import clock
from lims.capacity.counting.folding import fold_all
from lims.capacity.models.reports import Report
from lims.capacity.reports import actions, files
from lims.capacity.reports.commands import report_group
from lims.capacity.reports.content import compare
from lims.capacity.reports.work import make_due
from lims.errors import AlreadyDone, InvalidInput, LimsError, NotAllowed, NotFound
from lims.extensions import db
from lims.outbox.actions.receivers import add_on_call
from lims.outbox.models import Message

DAY = clock.local(MORNING).date()
NEXT = MORNING + timedelta(days=1)


@pytest.fixture
def lab(world):
    bench.install(world)
    with clock.at(MORNING):
        run, _tubes = desk.run_tubes(world, 12)
        desk.verify_and_release(world, run)
        receive(world, 4)
        fold_all()
    return world


def read(world, role: str = "coordinator", **asked: Any) -> files.ReadReport:
    db.session.rollback()
    given = {"province_id": world.province_id, "kind": "daily", "day": DAY} | asked
    return files.read_report(db.session(), actor=world.actor(role), **given)


def keep(world, kind: str = "daily", day=DAY) -> dict[str, str]:
    return actions.make_report(
        actor=world.actor("coordinator"), province_id=world.province_id, kind=kind, day=day
    )


def test_a_report_counts_its_day_and_its_parts_add_up(lab):
    with clock.at(NEXT):
        content = read(lab).content
        empty = read(lab, day=DAY - timedelta(days=1))
    counts = content["counts"]
    assert (counts["collected"], counts["released"], counts["released_by_finding"]["not_detected"]) == (
        16,
        12,
        12,
    )
    assert sum(row["released"] for row in content["laboratories"]) == 12
    assert sum(row["collected"] for row in content["communes"]) == 16
    assert content["days"][-1]["collected"] == 16
    assert sum(content["standing"].values()) == 4
    assert content["pools"]["positive"] == 0
    assert content["pools"]["prevalence_high"] > 0
    assert empty.is_empty
    assert empty.content["pools"]["positive_percent"] is None


def test_what_becomes_known_later_changes_the_day_now_but_not_as_it_was_made(lab):
    with clock.at(NEXT):
        keep(lab)
        with clock.at(MORNING + timedelta(hours=2)):
            receive(lab, 3)  # scans of yesterday, handed in this morning
        db.session.rollback()
    from sqlalchemy import update

    from lims.transaction import writing
    from lims.uncounted import Uncounted

    with writing() as session:
        session.execute(update(Uncounted).values(recorded_at=NEXT))
    with clock.at(NEXT):
        fold_all()
        then, now = read(lab, known="then"), read(lab, known="now")
        assert (then.content["counts"]["collected"], now.content["counts"]["collected"]) == (16, 19)
        assert ("collected", 16, 19) in then.changed
        assert now.made_at is not None
        # whoever sees a part of the province gets what was known at the day's end, not the kept report of the whole
        assert read(lab, "supervisor", known="then").made_at is None


def test_nothing_is_kept_while_its_days_are_still_counted(lab):
    with clock.at(MORNING + timedelta(hours=3)):
        receive(lab, 5)
    with clock.at(NEXT):
        with pytest.raises(InvalidInput, match="still being counted"):
            keep(lab)
        make_due()
        assert read(lab, known="then").made_at is None, "the worker waits until it has counted"
        fold_all()
        make_due()
        kept = read(lab, known="then")
        assert kept.made_at is not None
        assert kept.content["counts"]["collected"] == 21


def test_an_amended_finding_is_a_change_and_is_said_in_the_files(lab, app):
    with clock.at(NEXT):
        keep(lab)
        before = read(lab).content
        after = copy.deepcopy(before)
        after["laboratories"][0]["detected"] += 1
        assert compare(before, after) == [("detected", 0, 1)]
        report = dataclasses.replace(read(lab, known="then"), changed=compare(before, after))
        with app.test_request_context(), force_locale("en"):
            workbook = openpyxl.load_workbook(
                io.BytesIO(files.write_xlsx(report, actor=lab.actor("coordinator")))
            )
    said = [str(cell.value) for row in workbook.worksheets[0].iter_rows() for cell in row if cell.value]
    assert "Changed since it was made: Detected: then 0, now 1" in said


def test_it_is_kept_once_and_only_when_its_days_are_over(lab):
    with clock.at(MORNING), pytest.raises(InvalidInput):
        keep(lab)
    with clock.at(NEXT):
        keep(lab)
        with pytest.raises(AlreadyDone):
            keep(lab)
        with pytest.raises(InvalidInput):
            keep(lab, "weekly")
        with pytest.raises(NotAllowed):
            actions.make_report(
                actor=lab.actor("supervisor"), province_id=lab.province_id, kind="daily", day=DAY
            )
        with pytest.raises(NotFound):
            actions.make_report(
                actor=lab.actor("coordinator"), province_id=uuid.uuid4(), kind="daily", day=DAY
            )
        with pytest.raises(InvalidInput):
            read(lab, day=DAY + timedelta(days=2))


def test_a_worker_makes_it_from_the_set_hour_on_and_tells_who_waits_for_it(lab):
    add_on_call(
        actor=lab.actor("coordinator"),
        place_id=lab.province_id,
        channel="email",
        address="ban@lims.example",
        label="Ban chỉ đạo",
        hears="reports",
    )
    actions.plan_reports(actor=lab.actor("coordinator"), province_id=lab.province_id, hour=9)
    with clock.at(NEXT.replace(hour=1)):  # 8:00 local
        assert make_due() == 0
    with clock.at(NEXT.replace(hour=2)):
        # the day's, and last week's, as nobody has made that yet
        assert make_due() == 2
        assert make_due() == 0
    kept = db.session.scalars(select(Report).where(Report.kind == "daily")).one()
    assert (kept.first_on, kept.made_by_id) == (DAY, None)
    texts = [
        row.data for row in db.session.scalars(select(Message).where(Message.template == "report_ready"))
    ]
    assert len(texts) == 2
    told = next(text for text in texts if "Daily report" in text["en"])
    assert "16 samples collected, 12 results released, 0 detected; 4 samples wait." in told["en"]
    db.session.rollback()
    actions.plan_reports(actor=lab.actor("coordinator"), province_id=lab.province_id, hour=0, is_active=False)
    with clock.at(NEXT + timedelta(days=1)):
        assert make_due() == 0


def test_page_workbook_pdf_api_and_command_say_the_same(lab, client, tmp_path, app):
    with clock.at(NEXT):
        sign_in(client, lab.actor("coordinator"))
        address = f"/reports/read?kind=daily&day={DAY}&province_id={lab.province_id}"
        page = client.get(address).text
        asked = {"province_id": str(lab.province_id), "day": DAY.isoformat()}
        content = client.get(
            "/api/v1/reports/read", query_string=asked, headers=bearer(lab.actor("coordinator"))
        ).json["content"]
        workbook = openpyxl.load_workbook(io.BytesIO(client.get(f"{address}&format=xlsx").data))
        pdf = client.get(f"{address}&format=pdf").data
        printed = app.test_cli_runner().invoke(
            report_group, ["daily", "--date", DAY.isoformat(), "--province", "22"]
        )
    summary = [[cell.value for cell in row] for row in workbook.worksheets[0].iter_rows()]
    assert any(row[1] == 16 for row in summary)
    assert printed.exit_code == 0, printed.output + str(printed.exception)
    assert json.loads(printed.output)["counts"] == content["counts"]
    assert content["counts"]["collected"] == 16
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf)
    text = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True
    ).stdout
    for row in content["laboratories"]:
        assert row["name"] in text
        assert row["name"] in page
    assert b"pdfaid:part" in pdf
    assert "06/08/2021" in page or DAY.strftime("%d/%m/%Y") in page


def test_bad_input_is_a_sentence(lab, client, app):
    sign_in(client, lab.actor("coordinator"))
    for query in (
        "day=25",
        "kind=hourly",
        f"province_id={uuid.uuid4()}",
        "known=later",
        "day=2999-01-01",
        "day=0001-01-01",
        "day=9999-12-31&kind=weekly",
    ):
        answer = client.get(f"/reports/read?{query}", follow_redirects=True)
        assert answer.status_code == 200
        flashes = answer.text.split('role="alert"')[1:]
        assert flashes, query
    runner = app.test_cli_runner()
    for arguments in (["--province", "99"], ["--date", "0001-01-01"], ["--out", "/nonexistent/report.json"]):
        refused = runner.invoke(report_group, ["daily", *arguments])
        assert refused.exit_code != 0
        assert isinstance(refused.exception, (SystemExit, LimsError)), "no traceback"
