"""Exports: every kind within places and permissions, counted, marked, whole or recognised as cut, written down."""

from __future__ import annotations

import hashlib
import io
import uuid
from datetime import timedelta

import pytest
from exports.files import make_readings, read_csv, read_ndjson, read_workbook, take
from pooling import bench
from pooling.received import receive
from results import desk
from signing import bearer, sign_in
from sqlalchemy import func, select
from statements import count_statements
from stating import declare, make_form

from lims import clock
from lims.errors import InvalidInput, NotAllowed, NotFound, Refused
from lims.exports.checking import check_file
from lims.exports.commands import exports_group
from lims.exports.models import Export
from lims.exports.queries import KINDS
from lims.exports.queries import kinds as kinds_module
from lims.exports.queries.kinds import Filters
from lims.exports.rules import KIND_WORDS, LINES_OF_A_SHEET, check_fits_sheet
from lims.exports.rules import KINDS as WORDS
from lims.exports.taking import count_export, take_export
from lims.exports.writing import Heading, Written, write_csv
from lims.extensions import db
from lims.intake.models import Person, PersonAccess
from lims.pooling.actions.runs import plan_run
from lims.transaction import writing

NAME = "Trịnh Xuân Bách"
PHONE = "0977123451"
NUMBER = "022090123451"


@pytest.fixture
def campaign(world):
    """People declared, tested, released: something of every kind."""
    bench.install(world)
    declare(
        world,
        make_form(name=NAME, phone=PHONE, identity_number=NUMBER, address="17 ngõ Bưởi"),
        make_form(name="=HYPERLINK(1)", birth_date="1980"),
    )
    made = desk.pool_up(world, receive(world, 3), size=1)
    planned = plan_run(actor=world.actor("technician"), laboratory_id=world.laboratory_id, pool_codes=made)
    bench.read(world, planned)
    desk.review_run(actor=world.actor("technician"), run_code=planned["run"])
    desk.verify_and_release(world, planned["run"])
    return world


def test_every_kind_has_its_words_its_columns_and_a_permission():
    assert set(KINDS) == set(WORDS) == set(KIND_WORDS)
    assert [kind.name for kind in KINDS.values() if len(set(kind.columns)) != len(kind.columns)] == []


@pytest.mark.parametrize("format", ["csv", "ndjson", "xlsx"])
def test_every_kind_is_written_whole_and_its_rows_are_those_counted(campaign, format):
    actors = [campaign.actor(role) for role in ("coordinator", "supervisor", "administrator")]
    for kind in KINDS.values():
        actor = next(one for one in actors if one.can(kind.permission))
        counted = count_export(actor=actor, kind=kind.name, filters=Filters())
        taken, content = take(actor, kind.name, format)
        assert taken.rows >= counted  # taking the events is one
        if format == "csv":
            names, rows, end = read_csv(content)
            assert end[:2] == ["#end", f"rows={taken.rows}"]
            marks = {row["export_mark"] for row in rows}
        elif format == "ndjson":
            about, rows, end = read_ndjson(content)
            names = list(about)
            assert (about["rows_expected"], end["rows"]) == (taken.rows, taken.rows)
            marks = {row["export_mark"] for row in rows}
        else:
            (names, *rows), about = read_workbook(content)
            assert (about["kind"], about["rows"]) == (kind.name, taken.rows)
            marks = {row[-1] for row in rows}
        assert len(rows) == taken.rows, kind.name
        assert all(actor.display_name in mark and str(taken.export_id) in mark for mark in marks)
        assert format == "ndjson" or tuple(names) == (*kind.columns, "export_mark")
        kept = db.session.get(Export, taken.export_id, populate_existing=True)
        assert (kept.rows_expected, kept.rows_written, kept.asked_by_id) == (
            taken.rows,
            taken.rows,
            actor.user_id,
        )
        if format == "xlsx":
            assert kept.sha256 == hashlib.sha256(content).digest()
        else:
            assert check_file(io.BytesIO(content)).sha256 == kept.sha256


def test_people_come_with_their_numbers_and_no_cell_is_a_formula(campaign):
    actor = campaign.actor("health_worker")
    _, rows, _ = read_csv(take(actor, "people", "csv")[1])
    by_name = {row["name"]: row for row in rows}
    assert by_name[NAME]["identity_numbers"] == NUMBER
    assert by_name[NAME]["phone"].replace(" ", "") == PHONE
    assert by_name[NAME]["address"] == "17 ngõ Bưởi"
    assert "'=HYPERLINK(1)" in by_name
    (_names, *cells), _ = read_workbook(take(actor, "people", "xlsx")[1])
    assert "=HYPERLINK(1)" in [row[1] for row in cells]  # a text cell, not a formula
    taken, content = take(actor, "people", "csv")
    assert content.startswith("\ufeff".encode())
    assert taken.file_name.startswith("people-")
    assert taken.file_name.endswith("-health-worker.csv")


def test_a_name_that_begins_like_a_formula_is_none_in_the_mark_either():
    mark = "=cmd|' /C calc'!A0 2021-08-16T07:00:00+07:00"
    heading = Heading("people", mark, ("code",), {}, clock.ZONE)
    _, (row,), _ = read_csv(b"".join(write_csv(heading, [[("P1",)]], Written())))
    assert row["export_mark"] == f"'{mark}"


def test_whose_data_were_taken_is_written_down_in_few_statements(campaign, monkeypatch):
    actor = campaign.actor("health_worker")
    people = count_export(actor=actor, kind="people", filters=Filters())
    take(actor, "people", "csv")
    rows = db.session.execute(select(PersonAccess.shown_by, PersonAccess.user_id)).all()
    assert len(rows) == people
    assert set(rows) == {("export", actor.user_id)}
    with count_statements() as few:
        take(actor, "people", "csv")
    receive(campaign, 40)
    with count_statements() as many:
        taken, _ = take(actor, "people", "csv")
    assert taken.rows >= people + 40
    assert len(many) == len(few)
    monkeypatch.setattr(kinds_module, "ROWS_AT_ONCE", 7)
    assert take(actor, "people", "csv")[0].rows == taken.rows


def test_a_restricted_person_is_counted_and_not_named(campaign):
    with writing() as session:
        person = session.scalars(select(Person).where(Person.name == NAME)).one()
        person.restricted_at = clock.now()
    actor = campaign.actor("coordinator")
    for kind in ("people", "declarations"):
        taken, content = take(actor, kind, "ndjson")
        _about, rows, _end = read_ndjson(content)
        assert len(rows) == taken.rows
        for word in (NAME, PHONE, NUMBER, "Bưởi"):
            assert word not in content.decode()


def test_a_role_takes_what_its_pages_show_and_nothing_else(campaign):
    health_worker, technician = campaign.actor("health_worker"), campaign.actor("technician")
    for actor, kind in ((technician, "people"), (technician, "commune_results"), (health_worker, "results")):
        with pytest.raises(NotAllowed):
            take_export(actor=actor, kind=kind, format="csv", filters=Filters())
    with pytest.raises(NotFound):
        take_export(actor=technician, kind="passwords", format="csv", filters=Filters())
    with pytest.raises(InvalidInput):
        take_export(actor=technician, kind="tubes", format="xls", filters=Filters())
    assert db.session.scalar(select(func.count()).select_from(Export)) == 0


def test_places_and_filters_narrow(campaign):
    elsewhere = campaign.actor("technician_confirming")
    for kind in ("samples", "tubes", "boxes", "pools", "runs", "readings", "calls", "results", "events"):
        assert take(elsewhere, kind)[0].rows == 0, kind
    technician = campaign.actor("technician")
    assert take(technician, "results")[0].rows == 3
    today = clock.today()
    narrowed = (
        (Filters(campaign_id=campaign.campaign_id), 3),
        (Filters(campaign_id=uuid.uuid4()), 0),
        (Filters(since=today, until=today), 3),
        (Filters(until=today - timedelta(days=1)), 0),
        (Filters(since=today + timedelta(days=1)), 0),
    )
    for filters, rows in narrowed:
        assert take(technician, "results", filters=filters)[0].rows == rows, filters
    with pytest.raises(InvalidInput):
        take(technician, "events", filters=Filters(campaign_id=campaign.campaign_id))


def test_the_released_results_of_a_commune_never_show_what_is_not_released(campaign):
    (tube,) = receive(campaign, 1)
    made = desk.pool_up(campaign, [tube], size=1)
    planned = plan_run(
        actor=campaign.actor("technician"), laboratory_id=campaign.laboratory_id, pool_codes=made
    )
    bench.read(campaign, planned, dict.fromkeys(made, "detected"))
    desk.review_run(actor=campaign.actor("technician"), run_code=planned["run"])
    _about, rows, _end = read_ndjson(take(campaign.actor("health_worker"), "commune_results")[1])
    assert [row["finding"] for row in rows] == ["not_detected"] * 3
    for kind in ("samples", "events"):
        taken, content = take(campaign.actor("health_worker"), kind)
        assert taken.rows
        assert b"detected" not in content, kind
        assert b"detected" in take(campaign.actor("technician"), kind)[1], kind


def test_an_empty_export_is_a_file_with_its_end(world):
    for format in ("csv", "ndjson", "xlsx"):
        taken, content = take(world.actor("technician"), "tubes", format)
        assert taken.rows == 0
        if format == "xlsx":
            assert read_workbook(content)[1]["rows"] == 0
        else:
            assert check_file(io.BytesIO(content)).rows == 0


def test_one_row(world):
    bench.install(world)
    make_readings(world, 1)
    for format in ("csv", "ndjson"):
        assert check_file(io.BytesIO(take(world.actor("technician"), "readings", format)[1])).rows == 1
    assert read_workbook(take(world.actor("technician"), "readings", "xlsx")[1])[1]["rows"] == 1


@pytest.mark.parametrize("rows", [65_536, 65_537])
def test_the_old_limit_of_spreadsheets_is_none(world, rows):
    bench.install(world)
    make_readings(world, rows)
    taken, content = take(world.actor("technician"), "readings", "csv")
    assert check_file(io.BytesIO(content)).rows == taken.rows == rows
    _, found, _ = read_csv(content)
    assert [int(row["version"]) for row in found] == list(range(1, rows + 1))


def test_a_workbook_beyond_the_old_limit_holds_every_row(world):
    bench.install(world)
    make_readings(world, 65_537)
    if db.engine.dialect.name == "sqlite":
        (_names, *rows), about = read_workbook(take(world.actor("technician"), "readings", "xlsx")[1])
        assert (len(rows), about["rows"]) == (65_537, 65_537)


def test_the_guard_knows_the_lines_of_a_sheet():
    check_fits_sheet(LINES_OF_A_SHEET - 1)
    with pytest.raises(Refused, match="CSV or NDJSON"):
        check_fits_sheet(LINES_OF_A_SHEET)


def test_a_workbook_that_could_not_hold_all_is_refused_before_it_begins(world):
    bench.install(world)
    make_readings(world, 10)
    actor = world.actor("technician")
    assert take(actor, "readings", "xlsx", sheet_lines=11)[0].rows == 10
    with pytest.raises(Refused, match="CSV or NDJSON"):
        take(actor, "readings", "xlsx", sheet_lines=10)
    assert db.session.scalar(select(func.count()).select_from(Export)) == 1


def test_a_million_rows_are_refused_as_a_workbook_and_counted_for_a_stream(world):
    if db.engine.dialect.name != "sqlite":
        pytest.skip("the count is the same statement")
    bench.install(world)
    make_readings(world, LINES_OF_A_SHEET)
    actor = world.actor("technician")
    with pytest.raises(Refused, match="CSV or NDJSON"):
        take_export(actor=actor, kind="readings", format="xlsx", filters=Filters())
    taken = take_export(actor=actor, kind="readings", format="csv", filters=Filters())
    assert taken.rows == LINES_OF_A_SHEET
    assert next(taken.pieces).startswith(b"\xef\xbb\xbfrun,version")
    taken.pieces.close()
    kept = db.session.get(Export, taken.export_id)
    assert (kept.finished_at, kept.sha256) == (None, None)


@pytest.mark.parametrize("format", ["csv", "ndjson"])
def test_a_file_that_was_cut_anywhere_or_changed_is_recognised(campaign, format):
    _taken, content = take(campaign.actor("coordinator"), "declarations", format)
    check_file(io.BytesIO(content))
    for length in range(0, len(content) - 2, 37):
        with pytest.raises(InvalidInput):
            check_file(io.BytesIO(content[:length]))
    lines = content.splitlines(keepends=True)
    without_one = b"".join(lines[:2] + lines[3:])
    for damaged in (without_one, content.replace(b"1980", b"1981", 1), b"", b"a,b\n1,2\n"):
        with pytest.raises(InvalidInput):
            check_file(io.BytesIO(damaged))


def test_a_stream_that_nobody_finishes_stays_in_the_list_as_cut(campaign, client, monkeypatch):
    monkeypatch.setattr(kinds_module, "ROWS_AT_ONCE", 1)
    taken = take_export(actor=campaign.actor("coordinator"), kind="people", format="csv", filters=Filters())
    next(taken.pieces)
    next(taken.pieces)
    taken.pieces.close()
    assert db.session.get(Export, taken.export_id).finished_at is None
    sign_in(client, campaign.actor("coordinator"))
    with client.session_transaction() as session:
        session["language"] = "en"
    assert "cut off" in client.get("/exports").text


def test_rows_written_meanwhile_are_not_in_the_file(campaign, monkeypatch):
    monkeypatch.setattr(kinds_module, "ROWS_AT_ONCE", 1)
    taken = take_export(
        actor=campaign.actor("coordinator"), kind="people", format="ndjson", filters=Filters()
    )
    pieces = [next(taken.pieces), next(taken.pieces)]
    declare(campaign, make_form(name="Người Đến Sau"))
    pieces += taken.pieces
    content = b"".join(pieces)
    assert check_file(io.BytesIO(content)).rows == taken.rows
    assert "Người Đến Sau" not in content.decode()


def test_the_page_counts_then_gives_the_file(campaign, client):
    sign_in(client, campaign.actor("health_worker"))
    client.application.config["WTF_CSRF_ENABLED"] = False
    with client.session_transaction() as session:
        session["language"] = "en"
    page = client.get("/exports?kind=people&format=csv").text
    people = count_export(actor=campaign.actor("health_worker"), kind="people", filters=Filters())
    assert f'data-rows="{people}"' in page
    answer = client.post("/exports/file", data={"kind": "people", "format": "csv"})
    assert answer.headers["X-Export-Rows"] == str(people)
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=people-")
    assert answer.is_streamed
    assert check_file(io.BytesIO(answer.data)).rows == people
    assert client.post("/exports/file", data={"kind": "results", "format": "csv"}).status_code == 403
    assert client.get("/exports?kind=people&since=x").status_code == 422
    assert "whole" in client.get("/exports").text


def test_programs_list_count_and_stream(campaign, client):
    headers = bearer(campaign.actor("supervisor"))
    listed = client.get("/api/v1/exports", headers=headers).json
    assert "results" in [kind["kind"] for kind in listed["kinds"]]
    assert "people" not in [kind["kind"] for kind in listed["kinds"]]
    assert client.get("/api/v1/exports/results/count", headers=headers).json == {"rows": 3}
    answer = client.post("/api/v1/exports/results", json={"format": "ndjson"}, headers=headers)
    assert answer.headers["X-Export-Rows"] == "3"
    assert check_file(io.BytesIO(answer.data)).rows == 3
    assert client.post("/api/v1/exports/people", json={}, headers=headers).status_code == 403
    assert client.post("/api/v1/exports/nothing", json={}, headers=headers).status_code == 404
    assert client.post("/api/v1/exports/results", json={"format": "xls"}, headers=headers).status_code == 422
    again = client.get("/api/v1/exports", headers=headers).json["exports"]
    assert [(one["kind"], one["rows_written"]) for one in again] == [("results", 3)]


def test_the_command_knows_a_whole_file_and_a_cut_one(campaign, app, tmp_path):
    _taken, content = take(campaign.actor("coordinator"), "people", "csv")
    file = tmp_path / "people.csv"
    file.write_bytes(content)
    runner = app.test_cli_runner()
    said = runner.invoke(exports_group, ["check", str(file)])
    assert (said.exit_code, "Written here by Coordinator" in said.output) == (0, True), said.output
    file.write_bytes(content[:-40])
    assert runner.invoke(exports_group, ["check", str(file)]).exit_code == 1
