"""Every figure for others' dashboards: JSON and CSV say the same, filters narrow, bad input is a sentence."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from factories import MORNING
from pooling import bench
from pooling.received import receive
from results import desk
from signing import bearer

from lims import clock
from lims.capacity.commands import capacity_group
from lims.capacity.counting.folding import fold_all

KINDS = ("days", "hours", "legs", "standing", "laboratories", "waiting")


@pytest.fixture
def lab(world):
    bench.install(world)
    with clock.at(MORNING):
        yield world


@pytest.fixture
def ask(lab, client):
    """Ask as a coordinator, or as somebody else."""

    def ask_one(path: str, role: str = "coordinator", status: int = 200):
        answer = client.get(f"/api/v1/{path}", headers=bearer(lab.actor(role)))
        assert answer.status_code == status, answer.text
        return answer

    return ask_one


def work(lab) -> None:
    """Have two results released, five pooled, and three tubes received."""
    run, _tubes = desk.run_tubes(lab, 2)
    desk.verify_and_release(lab, run)
    desk.pool_up(lab, receive(lab, 5))
    receive(lab, 3)
    fold_all()


def test_json_and_csv_say_the_same(lab, ask):
    work(lab)
    for kind in KINDS:
        told = ask(f"figures/{kind}").json[kind]
        answer = ask(f"figures/{kind}?format=csv")
        assert answer.mimetype == "text/csv"
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) == len(told) > 0, kind
        for row, one in zip(rows, told, strict=True):
            plain = {name: value for name, value in one.items() if not isinstance(value, (list, dict))}
            assert {name: row[name] for name in plain if name in row} == {
                name: "" if value is None else str(value) for name, value in plain.items() if name in row
            }


def test_the_figures_are_those_of_the_board(lab, ask):
    work(lab)
    board = ask("board").json
    standing = {row["station"]: row["number"] for row in ask("figures/standing").json["standing"]}
    assert standing == board["stations"]
    assert sum(standing.values()) == board["waiting"] == len(ask("figures/waiting").json["waiting"]) == 8
    days = ask("figures/days").json["days"]
    released = sum(row["number"] for row in days if row["measure"] == "released")
    assert released == board["released_today"] == board["released"] == 2
    hours = ask("figures/hours").json["hours"]
    assert sum(row["number"] for row in hours if row["measure"] == "received") == sum(
        hour["received"] for hour in board["hours"]
    )
    legs = ask("figures/legs").json["legs"]
    assert [{name: leg[name] for name in board["legs"][0]} for leg in legs] == board["legs"]
    whole = next(leg for leg in legs if leg["name"] == "collected_released")
    assert whole["total"] == 2 == sum(bucket["number"] for bucket in whole["buckets"])


def test_the_command_prints_what_the_api_answers(lab, app, ask):
    work(lab)
    told = ask("board", "administrator").json
    printed = json.loads(CliRunner().invoke(capacity_group, ["status", "--json"], obj=None).output)
    assert {**printed, "at": "", "counted_until": ""} == {**told, "at": "", "counted_until": ""}
    assert "8 samples wait, 2 were released" in CliRunner().invoke(capacity_group, ["status"]).output


def test_filters_narrow_and_what_belongs_to_no_commune_is_said(lab, ask):
    work(lab)
    assert ask(f"board?laboratory_id={lab.confirming_id}").json["waiting"] == 0
    assert ask(f"board?commune_id={lab.other_commune_id}").json["waiting"] == 0
    own = ask(f"board?commune_id={lab.commune_id}").json
    assert (own["waiting"], own["narrowed"], own["positivity"]["from_pools"]) == (8, True, False)
    assert own["positivity"]["of_people"]["tested"] == 2
    used = {row["name"]: row["screening"]["used"] for row in own["laboratories"]}
    assert sum(used.values()) == 1, "the laboratory's load is that of all that comes to it"
    assert ask("board?team=nobody").json["waiting"] == 0


def test_a_past_day_shows_its_own_figures(lab, ask):
    with clock.at(MORNING - timedelta(days=1)):
        work(lab)
    past = ask(f"board?day={(MORNING - timedelta(days=1)).date()}").json
    assert (past["is_today"], past["released_today"], past["oldest"]) == (False, 2, None)
    assert ask("board").json["released_today"] == 0


def test_pages_of_waiting_samples_hold_each_once(lab, ask):
    receive(lab, 5)
    fold_all()
    seen: list[str] = []
    more = ""
    while rows := ask(f"figures/waiting?station=received&most=2{more}").json["waiting"]:
        seen += [row["tube"] for row in rows]
        after = rows[-1]
        moment = after["collected_at"].replace("+", "%2B")
        more = f"&after_at={moment}&after_id={after['sample_id']}"
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("board?day=2021-08-17", "day"),
        ("board?day=2019-01-01", "day"),
        ("figures/days?first_on=2021-08-16&last_on=2021-08-01", "last_on"),
        ("figures/days?first_on=2001-01-01&last_on=2021-08-01", "last_on"),
        ("figures/hours?since=2021-08-16T08:00&until=2021-08-16T07:00", "until"),
        ("figures/hours?since=0001-01-01T00:00&until=2021-08-16T07:00", "since"),
        ("figures/waiting?station=nowhere", "station"),
        ("figures/waiting?after_at=2021-08-16T08:00", "after_id"),
        ("figures/legs?known_on=yesterday", "known_on"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence_that_names_the_field(lab, ask, path, field):
    assert ask(path, status=422).json["field"].endswith(field)


def test_nothing_changed_is_an_answer_without_a_body(lab, client):
    work(lab)
    headers = bearer(lab.actor("coordinator"))
    first = client.get("/api/v1/board", headers=headers)
    with clock.at(MORNING + timedelta(seconds=30)):
        again = client.get("/api/v1/board", headers={**headers, "If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        receive(lab, 1)
        fold_all()
        changed = client.get("/api/v1/board", headers={**headers, "If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
