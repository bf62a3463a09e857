"""static/js/field/session.js and packing.js: what a scan means without network, case by case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from field import phone_site
from field.phone_site import BADGE, BOX, COURIER, MIXED, OTHER_BADGE, PEOPLE, TUBES

K = PEOPLE
CARD = {"key": "d1", "declared": "d1", "name": "Lê Mới", "year": 1970, "attempt": 1}

# Steps as [name, …]; K… and T… codes are taken as the app takes them. Slips go into the journal as if they were kept.
RUN = """async ([packet, choice, steps]) => {
  const at = "/static/js/field/";
  const [sessions, packing, { Journal }, { Packet }] = await Promise.all(
    ["session", "packing", "journal", "packet"].map((name) => import(`${at}${name}.js`)));
  let facts = { packet: new Packet(packet), journal: new Journal() };
  let state = sessions.begin({ id: "s1", ...choice });
  let boxes = packing.beginPacking();
  let number = 0;
  const keep = ({ slip, about, id }, session) => {
    number += 1;
    const key = id ?? `id${number}`;
    const text = JSON.stringify({ id: key, at: "2021-08-16T01:42:00.000Z", offset_ms: 0, session, ...slip });
    const record = { id: key, number, device: "d", seq: number, text, signature: "", state: "unsent", verdict: null };
    facts.journal.add({ ...record, about });
  };
  const thingOf = (what) => typeof what !== "string" ? sessions.personOf(what)
    : what[0] === "T" ? sessions.tubeOf(what) : sessions.personOf(facts.packet.person(what));
  const done = {
    scan: (what) => sessions.take(state, thingOf(what), facts),
    undo: () => sessions.undo(state, facts),
    choose: (which) => sessions.choose(state, which),
    close: (count = null) => sessions.close(state, count, facts),
    hands: (badge) => sessions.changeHands(state, badge, number, facts),
    begin: (id) => ({ state: sessions.begin({ id, ...choice }), outcome: { verdict: "good" }, drafts: [] }),
    pack: (kind, code) => packing.pack(boxes, kind, code, { ...facts, openTube: state.tube, laboratory: null }),
    takeOut: () => packing.takeOut(boxes, facts),
    seal: () => packing.seal(boxes, facts),
    settle: (id, verdict) => (facts.journal.settle(id, verdict), { state, outcome: { verdict: "good" }, drafts: [] }),
    reload: () => {
      const kept = [...facts.journal.records.values()].map(({ slip, when, ...record }) => record);
      facts.journal = new Journal(JSON.parse(JSON.stringify(kept)));
      return { state: JSON.parse(JSON.stringify(state)), outcome: { verdict: "good" }, drafts: [] };
    },
  };
  return steps.map(([name, ...given]) => {
    const { state: next, outcome, drafts } = done[name](...given);
    for (const draft of drafts) keep(draft, next.id ?? null);
    if (["pack", "takeOut", "seal"].includes(name)) boxes = next;
    else state = next;
    const put = ({ msgid, parameters }) => msgid.replace(/%\\((\\w+)\\)s/g, (all, key) => parameters[key] ?? all);
    const fill = (words) => words?.plain ?? (words ? put(words) : "");
    return {
      verdict: outcome.verdict, title: fill(outcome.title), text: fill(outcome.text), quiet: outcome.quiet ?? false,
      slips: drafts.map(({ slip }) => slip), held: state.held?.key ?? null, tube: state.tube, badge: state.badge,
      next: fill(sessions.nextOf(state, facts)), household: sessions.householdOf(state, facts).map(({ key }) => key),
      box: boxes.box && facts.journal.box(boxes.box),
    };
  });
}"""

Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    packet = phone_site.Centre().packet()
    packet["campaign"]["mixed_tube_size"] = 3
    with phone_site.open_modules() as page:

        def steps(*taken: Any, mode: str = "single", first: str = "person", people: Any = None) -> Any:
            sent = [["scan", one] if isinstance(one, str | dict) else list(one) for one in taken]
            roster = packet | ({"people": people} if people else {})
            return page.evaluate(RUN, [roster, {"mode": mode, "first": first, "badge": BADGE}, sent])

        yield steps


def _kinds(step: dict[str, Any]) -> list[str]:
    return [slip["kind"] for slip in step["slips"]]


# ---- One person in a tube ----


def test_a_person_and_a_tube_are_bound_by_two_scans(run: Run) -> None:
    held, bound = run(K[0], TUBES[0])
    assert (held["verdict"], held["title"], held["next"]) == (
        "good",
        "Nguyễn Văn An · 1950",
        "Now scan the tube.",
    )
    assert bound["slips"] == [{"kind": "bind", "tube": TUBES[0], "declaration": K[0]}]
    assert (bound["verdict"], bound["title"]) == ("good", "Bound: Nguyễn Văn An · 1950")
    assert (bound["held"], bound["next"]) == (None, "Scan a person.")


def test_the_tube_may_come_first(run: Run) -> None:
    held, bound = run(TUBES[0], K[0], first="tube")
    assert (held["held"], held["next"]) == (TUBES[0], "Now scan the person.")
    assert bound["slips"] == [{"kind": "bind", "tube": TUBES[0], "declaration": K[0]}]


def test_the_wrong_first_is_stopped_and_binds_nothing(run: Run) -> None:
    (stopped,) = run(TUBES[0])
    assert (stopped["verdict"], stopped["held"], stopped["slips"]) == ("wrong", None, [])
    assert "Scan a person first" in stopped["text"]


@pytest.mark.parametrize(("again", "wanted"), [(K[0], K[0]), (K[1], K[1])])
def test_two_people_in_a_row_stop_until_the_right_one_is_scanned_again(
    run: Run, again: str, wanted: str
) -> None:
    _, stopped, chosen, bound = run(K[0], K[1], again, TUBES[0])
    assert (stopped["verdict"], stopped["slips"]) == ("wrong", [])
    assert (chosen["held"], chosen["next"]) == (wanted, "Now scan the tube.")
    assert bound["slips"][0]["declaration"] == wanted


def test_two_in_a_row_can_be_settled_by_a_button_and_nothing_else_goes_on(run: Run) -> None:
    steps = run(K[0], K[1], TUBES[0], K[2], ["choose", "second"], TUBES[0])
    assert [step["verdict"] for step in steps[1:4]] == ["wrong", "wrong", "wrong"]
    assert [step["slips"] for step in steps[1:4]] == [[], [], []]
    assert steps[-1]["slips"][0]["declaration"] == K[1]


def test_a_tube_used_for_somebody_else_is_refused_and_the_person_stays(run: Run) -> None:
    steps = run(K[0], TUBES[0], K[1], TUBES[1], K[2], TUBES[0], TUBES[2])
    assert steps[5]["verdict"] == "wrong"
    assert "was used for somebody else at 08:42. Take a new tube." in steps[5]["text"]
    assert steps[5]["held"] == K[2]
    assert steps[6]["slips"][0] == {"kind": "bind", "tube": TUBES[2], "declaration": K[2]}


def test_a_person_sampled_with_this_phone_is_refused(run: Run) -> None:
    steps = run(K[0], TUBES[0], K[1], TUBES[1], K[0])
    assert (steps[-1]["verdict"], steps[-1]["held"]) == ("wrong", None)
    assert "at 08:42 in tube" in steps[-1]["text"]


def test_a_person_asked_again_may_be_sampled_again(run: Run) -> None:
    anew = [[K[0], "Nguyễn Văn An", 1950, "", "open", 2]]
    keep = {"key": K[0], "declaration": K[0], "name": "Nguyễn Văn An", "year": 1950, "attempt": 1}
    steps = run(keep, TUBES[0], K[1], TUBES[1], K[0], TUBES[2], people=anew)
    assert steps[-1]["slips"][0] == {"kind": "bind", "tube": TUBES[2], "declaration": K[0]}


def test_the_pair_just_bound_seen_again_is_no_error(run: Run) -> None:
    steps = run(K[0], TUBES[0], TUBES[0], K[0], K[1], K[0], TUBES[0], TUBES[1])
    assert [step["verdict"] for step in steps[2:4]] == ["again", "again"]
    assert [step["quiet"] for step in steps[2:4]] == [True, True]
    assert [step["held"] for step in steps[2:4]] == [None, None]
    assert [(step["verdict"], step["held"]) for step in steps[5:7]] == [("again", K[1]), ("again", K[1])]
    assert "belongs to the person before" in steps[6]["text"]
    assert _kinds(steps[7]) == ["bind"]


def test_the_held_one_seen_again_stays_held(run: Run) -> None:
    steps = run(K[0], K[0], TUBES[0])
    assert (steps[1]["verdict"], steps[1]["quiet"], steps[1]["held"]) == ("again", True, K[0])
    assert _kinds(steps[2]) == ["bind"]


def test_somebody_the_roster_has_as_sampled_is_told_in_amber_and_allowed(run: Run) -> None:
    warned, bound = run(K[5], TUBES[0])
    assert (warned["verdict"], warned["held"]) == ("again", K[5])
    assert "has been sampled already. Check before you take a swab." in warned["text"]
    assert (bound["verdict"], _kinds(bound)) == ("good", ["bind"])
    _, late = run(TUBES[0], K[5], first="tube")
    assert (late["verdict"], _kinds(late)) == ("again", ["bind"])
    assert "sampled already" in late["text"]


def test_a_declaration_that_the_roster_does_not_know_is_taken_by_its_code(run: Run) -> None:
    held, bound = run(K[20], TUBES[0])
    assert held["title"].replace(" ", "") == K[20]
    assert _kinds(bound) == ["bind"]


def test_a_tube_of_the_other_mode_is_refused(run: Run) -> None:
    assert "for several people" in run(K[0], MIXED[0])[-1]["text"]
    assert "for one person" in run(TUBES[0], mode="mixed")[-1]["text"]


def test_undo_lets_a_held_one_go_and_then_takes_back_the_last_pair_by_a_slip(run: Run) -> None:
    steps = run(K[0], TUBES[0], K[1], ["undo"], ["undo"], ["undo"], K[0], TUBES[0])
    assert (steps[3]["slips"], steps[3]["held"]) == ([], None)
    assert steps[4]["slips"] == [{"kind": "undo", "undoes": "id1"}]
    assert (steps[5]["slips"], steps[5]["title"]) == ([], "There is nothing to take back.")
    assert _kinds(steps[7]) == ["bind"], "person and tube are free again"


def test_a_scan_the_server_did_not_take_leaves_the_person_free_and_the_tube_used(run: Run) -> None:
    refused = ["settle", "id1", {"verdict": "wrong", "message": "…"}]
    steps = run(K[0], TUBES[0], K[1], TUBES[1], refused, K[0], TUBES[0], TUBES[2])
    assert steps[5]["verdict"] == "good"
    assert steps[6]["verdict"] == "wrong"
    assert _kinds(steps[7]) == ["bind"]


def test_somebody_declared_on_the_spot_is_bound_by_the_declarations_id(run: Run) -> None:
    held, bound, again = run(CARD, TUBES[0], CARD)
    assert held["title"] == "Lê Mới · 1970"
    assert bound["slips"] == [{"kind": "bind", "tube": TUBES[0], "declared": "d1"}]
    assert (again["verdict"], again["quiet"]) == ("again", True)


def test_another_collectors_badge_takes_the_phone_and_what_was_half_done_is_gone(run: Run) -> None:
    steps = run(K[0], TUBES[0], K[1], ["hands", OTHER_BADGE], ["undo"], K[1], TUBES[1], ["undo"])
    assert (steps[3]["verdict"], steps[3]["badge"], steps[3]["held"]) == ("good", OTHER_BADGE, None)
    assert steps[4]["slips"] == [], "what the one before bound is not taken back by the next"
    assert _kinds(steps[7]) == ["undo"]


def test_a_badge_that_may_not_collect_here_is_stopped(run: Run) -> None:
    (stopped,) = run(["hands", COURIER])
    assert (stopped["verdict"], stopped["badge"]) == ("wrong", BADGE)
    (same,) = run(["hands", BADGE])
    assert (same["verdict"], same["quiet"]) == ("again", True)


def test_after_a_reload_everything_is_known_as_before(run: Run) -> None:
    steps = run(K[0], TUBES[0], K[1], ["reload"], TUBES[0], TUBES[1], K[0])
    assert steps[4]["verdict"] == "again", "the pair just bound"
    assert _kinds(steps[5]) == ["bind"]
    assert steps[6]["verdict"] == "wrong"


# ---- Several people in a tube ----


def test_a_mixed_tube_is_filled_and_the_next_tube_closes_it(run: Run) -> None:
    steps = run(MIXED[0], K[0], K[4], MIXED[1], K[20], mode="mixed")
    assert (steps[0]["tube"], steps[0]["next"]) == (MIXED[0], "Scan a person.")
    assert [step["text"] for step in steps[1:3]] == ["1 of 3", "2 of 3"]
    assert steps[3]["slips"] == [{"kind": "close", "tube": MIXED[0], "count": 2}]
    assert (steps[3]["tube"], steps[3]["verdict"]) == (MIXED[1], "good")
    assert steps[4]["slips"] == [{"kind": "bind", "tube": MIXED[1], "declaration": K[20]}]


def test_the_household_is_offered_after_one_of_them_and_only_who_is_still_missing(run: Run) -> None:
    steps = run(MIXED[0], K[0], K[1], ["undo"], K[4], mode="mixed")
    assert [step["household"] for step in steps] == [[], [K[1], K[2]], [K[2]], [], []]


def test_a_full_tube_takes_nobody_more(run: Run) -> None:
    steps = run(MIXED[0], K[0], K[1], K[2], K[3], MIXED[1], K[3], mode="mixed")
    assert steps[3]["next"] == "Full: scan the next tube."
    assert (steps[4]["verdict"], steps[4]["slips"]) == ("wrong", [])
    assert "is full with 3 people" in steps[4]["text"]
    assert steps[5]["slips"] == [{"kind": "close", "tube": MIXED[0], "count": 3}]
    assert _kinds(steps[6]) == ["bind"]


def test_people_before_a_tube_are_stopped(run: Run) -> None:
    assert "Scan a tube first" in run(K[0], mode="mixed")[0]["text"]


def test_somebody_already_in_the_tube_is_no_error_and_not_counted_twice(run: Run) -> None:
    steps = run(MIXED[0], K[0], K[0], MIXED[0], K[4], K[0], mode="mixed")
    assert [(step["verdict"], step["slips"]) for step in steps[2:4]] == [("again", []), ("again", [])]
    assert (steps[5]["verdict"], steps[5]["slips"]) == ("again", [])


def test_a_tube_is_closed_with_another_count_when_more_swabs_are_in_it_than_names(run: Run) -> None:
    more, fewer, many, none = (
        run(MIXED[0], K[0], K[1], ["close", count], mode="mixed")[-1] for count in (3, 1, 4, 0)
    )
    assert more["slips"] == [{"kind": "close", "tube": MIXED[0], "count": 3}]
    assert (more["verdict"], more["tube"]) == ("again", "")
    assert "2 people are bound" in fewer["text"] and fewer["slips"] == []
    assert "A tube holds 1 to 3 people" in many["text"] and "A tube holds" in none["text"]
    assert run(["close"], mode="mixed")[0]["text"] == "No tube is open. Scan a tube."


def test_a_closed_tube_is_not_opened_again_by_its_scan(run: Run) -> None:
    steps = run(MIXED[0], K[0], MIXED[1], MIXED[0], K[1], MIXED[0], mode="mixed")
    assert (steps[3]["verdict"], steps[3]["quiet"], steps[3]["tube"]) == ("again", True, MIXED[1])
    assert "was closed with 1 people. Take a new tube." in steps[5]["text"]


def test_undo_after_closing_opens_the_tube_again(run: Run) -> None:
    steps = run(MIXED[0], K[0], K[1], MIXED[1], ["undo"], K[2], MIXED[1], mode="mixed")
    assert (steps[4]["tube"], _kinds(steps[4])) == (MIXED[0], ["undo"])
    assert steps[5]["slips"][0]["tube"] == MIXED[0]
    assert steps[6]["slips"] == [{"kind": "close", "tube": MIXED[0], "count": 2}]


def test_a_tube_of_an_earlier_session_is_not_gone_on_with(run: Run) -> None:
    steps = run(MIXED[0], K[0], ["begin", "s2"], MIXED[0], mode="mixed")
    assert (steps[-1]["verdict"], steps[-1]["tube"]) == ("wrong", "")


def test_a_mixed_tube_can_be_filled_to_nothing_and_replaced_without_a_slip(run: Run) -> None:
    assert run(MIXED[0], MIXED[1], mode="mixed")[-1]["slips"] == []


# ---- Boxes ----


def test_tubes_are_packed_taken_out_sealed_and_handed_over(run: Run) -> None:
    steps = run(
        ["pack", "box", BOX],
        ["pack", "tube", TUBES[0]],
        ["pack", "tube", TUBES[1]],
        ["takeOut"],
        ["pack", "badge", COURIER],
        ["seal"],
        ["pack", "tube", TUBES[2]],
        ["pack", "badge", BADGE],
        ["pack", "badge", COURIER],
        ["pack", "box", BOX],
    )
    assert [_kinds(step) for step in steps] == [
        [], ["pack"], ["pack"], ["take_out"], [], ["seal"], [], [], ["hand_over"], []
    ]  # fmt: skip
    assert [step["verdict"] for step in steps[4:]] == ["wrong", "good", "wrong", "wrong", "good", "wrong"]
    assert steps[8]["slips"][0] == {"kind": "hand_over", "box": BOX, "courier": COURIER, "laboratory": None}
    assert steps[5]["box"]["tubes"] == [TUBES[0]]


def test_what_does_not_belong_into_a_box_is_stopped(run: Run) -> None:
    other = phone_site.code("X", 2)
    steps = run(
        ["pack", "tube", TUBES[0]],
        ["pack", "box", BOX],
        ["pack", "declaration", K[0]],
        ["pack", "tube", TUBES[0]],
        ["pack", "tube", TUBES[0]],
        ["pack", "box", other],
        ["pack", "tube", TUBES[0]],
        ["seal"],
        K[0],
        TUBES[0],
    )
    assert [step["verdict"] for step in steps] == (
        ["wrong", "good", "wrong", "good", "again", "good", "wrong", "wrong", "good", "wrong"]
    )
    assert "Take a new tube." in steps[9]["text"], "a packed tube takes no swab"


def test_a_tube_still_being_filled_is_not_packed(run: Run) -> None:
    steps = run(MIXED[0], K[0], ["pack", "box", BOX], ["pack", "tube", MIXED[0]], mode="mixed")
    assert "is still being filled" in steps[-1]["text"]
