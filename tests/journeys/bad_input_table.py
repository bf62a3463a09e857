"""What is sent wrongly at each station, and what must be answered: one row a case.

Braces are filled from the stage (tests/security/stage.py): "{printed[0]}" is a printed tube, "{id}" a fresh id.
`field` is the input that the answer names; in a batch it is what the verdict is about. `says` is a part of the
English sentence: what happened or what to do. `keeps` names the discrepancy that keeps a scan; everything else
leaves no trace at all.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
# a discrepancy is counted, and so waits to be
BATCH = {"discrepancy", "event", "event_head", "uncounted"}


@dataclass(frozen=True)
class Case:
    """One wrong request.

    Args:
        station: where it happens.
        name: what is wrong.
        role: who sends it; None for a resident.
        path: address.
        send: the JSON body, raw text, or a page's form.
        status: HTTP status.
        code: word of the refusal or of the first verdict that is "wrong"; "" for a page.
        field: name of the input at fault; "" where the whole request is.
        says: a part of the English sentence.
        keeps: kind of discrepancy that keeps the scan.
        verdict: the answer is a batch with verdicts.
        page: a browser sends a form.
        step: the page's method.
        headers: more headers.
    """

    station: str
    name: str
    role: str | None
    path: str
    send: Any
    status: int
    code: str
    field: str
    says: str
    keeps: str = ""
    verdict: bool = False
    page: bool = False
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)


def api(
    station: str, name: str, role: str | None, path: str, send: Any, status: int, code: str, at: str, says: str,
    **more: Any,
) -> Case:  # fmt: skip
    """Return a request to the API that is refused as a whole."""
    return Case(station, name, role, f"/api/v1{path}", send, status, code, at, says, **more)


def verdict(
    station: str, name: str, role: str | None, path: str, send: Any, code: str, says: str, **more: Any
) -> Case:
    """Return a request to the API whose first item is judged "wrong"."""
    return Case(
        station, name, role, f"/api/v1{path}", send, 200, code, more.pop("at", ""), says, verdict=True, **more
    )


def page(
    station: str, name: str, role: str | None, path: str, send: Any, status: int, at: str, says: str
) -> Case:
    """Return a form of a page that is refused beside its field."""
    return Case(station, name, role, path, send, status, "", at, says, page=True)


def person(**changed: Any) -> dict[str, Any]:
    """Return a declaration of one person, with what is wrong in it; None leaves a field out."""
    declared: dict[str, Any] = {
        "client_id": "{id}",
        "name": "Nguyễn Văn An",
        "birth_date": "17/05/1990",
        "sex": "male",
        "commune_code": "06655",
        "phone": "0912345678",
        "consent": True,
    } | changed
    kept = {name: value for name, value in declared.items() if value is not None}
    return {"campaign_id": "{campaign_id}", "declarations": [kept]}


def scans(tube: Any, declaration: Any, **changed: Any) -> dict[str, Any]:
    """Return a batch of one scan of a collector."""
    scan = {"client_id": "{id}", "tube": tube, "declaration": declaration, "occurred_at": "{noon}"} | changed
    return {"session_id": "{session}", "place_id": "{site_id}", "scans": [scan]}


def once(**more: Any) -> dict[str, Any]:
    """Return a body with an id of its own."""
    return {"client_id": "{id}", **more}


def readings(*rows: tuple[str, str, Any]) -> dict[str, Any]:
    """Return typed readings."""
    return once(readings=[{"well": well, "target": target, "ct": ct} for well, target, ct in rows])


def zip_bomb() -> bytes:
    """Return a workbook of a few kB that unpacks to more than any list needs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        for number in range(12):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", b"0" * (32 << 20))
    return packed.getvalue()


def lists(content: bytes, name: str = "list.csv") -> dict[str, Any]:
    """Return the form that sends a list of people."""
    chosen = {"campaign_id": "{campaign_id}", "commune_id": "{commune_id}", "consent": "y"}
    chosen["consent_given"] = "signed_list"
    return {"client_id": "{id}", **chosen, "file": (content, name)}


COLLECT = ("collection", "collector", "/collections")
DECLARE = ("declaration", None, "/declarations")


def declare(case: str, at: str, says: str, **changed: Any) -> Case:
    """Return a declaration with one wrong value."""
    return verdict(
        "declaration", case, None, "/declarations", person(**changed), "invalid_input", says, at=at
    )


def collect(name: str, tube: str, declaration: str, code: str, says: str, **more: Any) -> Case:
    """Return a scan at the sampling point that is judged wrong."""
    sent = scans(tube, declaration, **more.pop("changed", {}))
    return verdict("collection", name, "collector", "/collections", sent, code, says, **more)


def pool(name: str, code_of_pool: str, tube: str, code: str, says: str) -> Case:
    """Return a tube scanned into a pool that is judged wrong."""
    sent = once(tubes=[tube])
    return verdict("pooling", name, "technician", f"/pools/{code_of_pool}/tubes", sent, code, says)


def read_run(name: str, at: str, says: str, *rows: tuple[str, str, Any]) -> Case:
    """Return readings of the running plate with a mistake."""
    path, sent = "/runs/{running_run}/readings", readings(*rows)
    return api("run", name, "technician", path, sent, 422, "readings_refused", at, says)


# fmt: off
CASES: tuple[Case, ...] = (
    # Declaration
    declare("a name without letters", "name", "needs letters", name="12345"),
    declare("no name", "name", "Write the full name", name="  "),
    declare("a name of 10 kB", "name", "at most 120 characters", name="a" * 10_240),
    declare("born in the future", "birth_date", "in the future", birth_date="17/05/2030"),
    declare("31 February", "birth_date", "Check the birth date", birth_date="31/02/1990"),
    declare("born in 1850", "birth_date", "before 1900", birth_date="1850"),
    declare("month before day", "birth_date", "Write the day first", birth_date="05/17/1990"),
    declare("a birth date in words", "birth_date", "is not a birth date", birth_date="hôm qua"),
    declare("letters in the telephone number", "phone", "", phone="09abc45678"),
    declare("no consent", "consent", "tick the consent", consent=False),
    declare("a commune of nowhere", "commune_code", "Choose the commune", commune_code="99999"),
    declare("a commune of another province", "commune_code", "Choose the commune", commune_code="07201"),
    declare("an unknown sex", "sex", "", sex="blue"),
    declare("a symptom that is none", "symptoms", "Choose from the list", symptoms=["happiness"]),
    declare("a household code with a wrong check", "household_code", "", household_code="H23456789"),
    declare("an address of 10 kB", "address", "Too long", address="b" * 10_240),
    declare("a resident who says to be staff", "declared_by", "Choose who", declared_by="health_worker"),
    api(*DECLARE[:1], "NUL in a name", *DECLARE[1:], person(name="An\x00h"), 422, "invalid_input",
        "declarations.0.name", "cannot be printed"),
    api(*DECLARE[:1], "an escape sequence in an address", *DECLARE[1:], person(address="\x1b[2J"), 422,
        "invalid_input", "declarations.0.address", "cannot be printed"),
    api(*DECLARE[:1], "a closed campaign", *DECLARE[1:], person() | {"campaign_id": "{closed_campaign}"}, 409,
        "refused", "campaign_id", "Choose one that is open"),
    api(*DECLARE[:1], "no such campaign", *DECLARE[1:], person() | {"campaign_id": "{id}"}, 404, "not_found",
        "campaign_id", ""),
    api(*DECLARE[:1], "no client id", *DECLARE[1:], person(client_id=None), 422, "invalid_input",
        "declarations.0.client_id", "is missing"),
    api(*DECLARE[:1], "a client id that is none", *DECLARE[1:], person(client_id="17"), 422, "invalid_input",
        "declarations.0.client_id", "Send an id"),
    api(*DECLARE[:1], "nobody", *DECLARE[1:], {"campaign_id": "{campaign_id}", "declarations": []}, 422,
        "invalid_input", "declarations", "at least 1"),
    api(*DECLARE[:1], "10,000 people at once", *DECLARE[1:],
        {"campaign_id": "{campaign_id}", "declarations": person()["declarations"] * 10_000}, 422, "invalid_input",
        "declarations", "Send the rest after them"),
    api(*DECLARE[:1], "a list instead of an object", *DECLARE[1:], [1, 2], 422, "invalid_input", "", "JSON object"),
    api(*DECLARE[:1], "half an object", *DECLARE[1:], '{"campaign_id": ', 400, "bad_request", "", "understood"),
    api(*DECLARE[:1], "100,000 brackets", *DECLARE[1:], "[" * 100_000, 422, "invalid_input", "", "JSON object"),
    api(*DECLARE[:1], "a body over the limit", *DECLARE[1:], "x" * (20 * 1024 * 1024 + 1), 413,
        "request_entity_too_large", "", "Split the file"),
    api(*DECLARE[:1], "reading instead of sending", *DECLARE[1:], None, 405, "method_not_allowed", "", "",
        method="GET"),
    api("declaration", "a card that is none", "health_worker", "/card-readings", {"text": "hello"}, 422,
        "invalid_input", "card", ""),
    page("declaration", "no name on the page", None, "/declare?step=who", {"name": "", "birth_year": "1990"}, 422,
         "name", "Write the full name"),
    page("declaration", "born on 31 February on the page", None, "/declare?step=who",
         {"name": "An", "birth_day": "31", "birth_month": "2", "birth_year": "1990"}, 422, "birth_year",
         "Check the birth date"),
    # Lists of people
    page("lists", "no file", "health_worker", "/lists", lists(b"", ""), 422, "file", "Choose a file"),
    page("lists", "an empty file", "health_worker", "/lists", lists(b""), 422, "file", "empty"),
    page("lists", "no consent", "health_worker", "/lists", lists(b"a") | {"consent": ""}, 422, "consent", "agreed"),
    page("lists", "a broken CSV", "health_worker", "/lists", lists(b'"Ho ten,\x01;;"\n"x'), 422, "file", ""),
    page("lists", "a CSV without a header", "health_worker", "/lists", lists(b"1,2,3\n4,5,6\n"), 422, "file", ""),
    page("lists", "a wrong encoding", "health_worker", "/lists", lists(b"\x81\x8d\x8f\x90\x9d\xff\xfe\x00"), 422,
         "file", ""),
    page("lists", "an XLSX that is none", "health_worker", "/lists", lists(b"PK\x03\x04nonsense", "l.xlsx"), 422,
         "file", ""),
    page("lists", "an old XLS", "health_worker", "/lists", lists(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9, "l.xls"),
         422, "file", "Save it as XLSX"),
    page("lists", "a page saved as a table", "health_worker", "/lists", lists(b"<html><table></table></html>"), 422,
         "file", "not a table"),
    page("lists", "a zip bomb", "health_worker", "/lists", lists(zip_bomb(), "l.xlsx"), 422, "file", "larger than"),
    page("lists", "a file over the limit", "health_worker", "/lists", lists(b"x" * (20 * 1024 * 1024 + 1)), 413, "",
         "too large"),
    page("lists", "NUL in the name of a file", "health_worker", "/lists", lists(b"a", "l\x01.csv"), 422, "",
         "cannot be printed"),
    # Labels
    api("labels", "no tubes", "health_worker", "/tube-lots", once(campaign_id="{campaign_id}", mode="single", count=0),
        422, "invalid_input", "count", "between 1 and"),
    api("labels", "a million tubes", "health_worker", "/tube-lots",
        once(campaign_id="{campaign_id}", mode="single", count=1_000_000), 422, "invalid_input", "count", "between 1"),
    api("labels", "a mode that is none", "health_worker", "/tube-lots",
        once(campaign_id="{campaign_id}", mode="double", count=5), 422, "invalid_input", "mode", "Choose single"),
    api("labels", "a count in words", "health_worker", "/box-labels", once(campaign_id="{campaign_id}", count="five"),
        422, "invalid_input", "count", "whole number"),
    api("labels", "half a box", "health_worker", "/box-labels", once(campaign_id="{campaign_id}", count=1.5), 422,
        "invalid_input", "count", "whole number"),
    api("labels", "a place of another province", "health_worker", "/tube-lots",
        once(campaign_id="{campaign_id}", mode="single", count=5, place_id="{other_site_id}"), 404, "not_found", "",
        "among your places"),
    # Collection
    collect("wrong check characters", "{misread}", "{open[0]}", "unreadable", "Read the label again"),
    collect("two characters swapped", "{swapped}", "{open[0]}", "unreadable", "Read the label again"),
    collect("the code of another kind", "{empty_box}", "{open[0]}", "unreadable", "is the code of a box"),
    collect("person and tube the wrong way round", "{open[0]}", "{printed[0]}", "unreadable", "declaration"),
    collect("a text that is no code", "https://example.test/", "{open[0]}", "unreadable", "not a code"),
    collect("a scan with the Vietnamese keyboard on", "Ă2345678Ư", "{open[0]}", "unreadable", "input method"),
    collect("a secret result code", "{result_code}", "{open[0]}", "unreadable", "secret result code"),
    collect("a tube never printed here", "{foreign_tube}", "{open[0]}", "unknown_code", "take another tube",
            keeps="unknown_code"),
    collect("a declaration never made here", "{printed[0]}", "{foreign_declaration}", "unknown_code",
            "declare anew", keeps="unknown_code"),
    collect("a used tube", "{used}", "{open[0]}", "tube_reused", "Take a new tube", keeps="tube_reused"),
    collect("a person sampled today", "{printed[0]}", "{sampled}", "sampled_twice", "Put tube",
            keeps="sampled_twice"),
    collect("an 11th member", "{full_mixed}", "{open[0]}", "tube_overfull", "Close it and take a new tube",
            keeps="tube_overfull"),
    collect("one more in a closed mixed tube", "{closed_mixed}", "{open[0]}", "tube_overfull", "Take a new tube",
            keeps="tube_overfull"),
    collect("a tube of another campaign", "{tube_of_another_campaign}", "{open[0]}", "other_campaign",
            "a tube of this campaign", keeps="other_campaign"),
    collect("a withdrawn declaration", "{printed[0]}", "{withdrawn}", "declaration_over", "declare anew"),
    collect("a rejected tube", "{rejected_tube}", "{open[0]}", "tube_gone", "Take a new tube"),
    collect("a scan of tomorrow", "{printed[0]}", "{open[0]}", "in_future", "device's clock",
            changed={"occurred_at": "{tomorrow}"}),
    collect("a scan before the campaign", "{printed[0]}", "{open[0]}", "before_campaign", "device's clock",
            changed={"occurred_at": "{before_campaign}"}),
    verdict("collection", "another session's mixed tube", "collector", "/collections",
            scans("{closed_mixed}", "{open[0]}") | {"session_id": "{id}"}, "other_session", "Take a new tube",
            keeps="other_session"),
    api("collection", "a time without its zone", "collector", "/collections",
        scans("{printed[0]}", "{open[0]}", occurred_at="2021-08-16T08:00:00"), 422, "invalid_input",
        "scans.0.occurred_at", "with its zone"),
    api("collection", "a time that is none", "collector", "/collections",
        scans("{printed[0]}", "{open[0]}", occurred_at="noon"), 422, "invalid_input", "scans.0.occurred_at",
        "with its zone"),
    api("collection", "10,000 scans at once", "collector", "/collections",
        scans("{printed[0]}", "{open[0]}") | {"scans": scans("{printed[0]}", "{open[0]}")["scans"] * 10_000}, 422,
        "invalid_input", "scans", "Send the rest after them"),
    api("collection", "a place of another province", "collector", "/collections",
        scans("{printed[0]}", "{open[0]}") | {"place_id": "{other_site_id}"}, 404, "not_found", "",
        "among your places"),
    api("collection", "NUL in a tube code", "collector", "/collections", scans("T\x00", "{open[0]}"), 422,
        "invalid_input", "scans.0.tube", "cannot be printed"),
    api("collection", "a number for a tube", "collector", "/collections", scans(17, "{open[0]}"), 422,
        "invalid_input", "scans.0.tube", "Send a text"),
    verdict("collection", "a single tube closed", "collector", "/tube-closings",
            {"session_id": "{session}", "closings": [{"client_id": "{id}", "tube": "{used}", "count": 1}]},
            "single_tube", "needs no closing"),
    verdict("collection", "a tube closed with 21 people", "collector", "/tube-closings",
            {"session_id": "{session}", "closings": [{"client_id": "{id}", "tube": "{closed_mixed}", "count": 21}]},
            "impossible_count", "Count the swabs"),
    verdict("collection", "a tube closed with fewer than bound", "collector", "/tube-closings",
            {"session_id": "{session}", "closings": [{"client_id": "{id}", "tube": "{closed_mixed}", "count": 1}]},
            "", "Count again"),
    verdict("collection", "a scan's id used for another tube", "collector", "/collections",
            scans("{printed[1]}", "{open[1]}", client_id="{scan_id}"), "client_id_reused", "Make a new id"),
    # Transport
    verdict("boxes", "a tube never printed here", "collector", "/boxes/{open_box}/tubes",
            once(place_id="{site_id}", tubes=["{foreign_tube}"]), "unknown_code", ""),
    verdict("boxes", "a tube without a person", "collector", "/boxes/{open_box}/tubes",
            once(place_id="{site_id}", tubes=["{printed[0]}"]), "no_names", "Send the scans first"),
    verdict("boxes", "a mixed tube not closed", "collector", "/boxes/{open_box}/tubes",
            once(place_id="{site_id}", tubes=["{full_mixed}"]), "not_closed", "Close tube"),
    verdict("boxes", "a tube of another box", "collector", "/boxes/{open_box}/tubes",
            once(place_id="{site_id}", tubes=["{tubes_of_sealed_box[0]}"]), "in_another_box", "Take it out there"),
    api("boxes", "a sealed box filled", "collector", "/boxes/{sealed_box}/tubes",
        once(place_id="{site_id}", tubes=["{used}"]), 409, "refused", "box", "Open it to pack more"),
    api("boxes", "an empty box sealed", "collector", "/boxes/{empty_box}/seal", once(), 409, "refused", "box",
        "Scan tubes into it first"),
    api("boxes", "a box sealed twice", "collector", "/boxes/{sealed_box}/seal", once(), 409, "already_done", "box",
        "already"),
    api("boxes", "a box dispatched twice", "collector", "/boxes/{sent_box}/dispatch",
        once(laboratory_id="{laboratory_id}", temperature_c=4), 409, "already_done", "box", "already"),
    api("boxes", "an open box dispatched", "collector", "/boxes/{open_box}/dispatch",
        once(laboratory_id="{laboratory_id}", temperature_c=4), 409, "wrong_state", "box", "Look at its record"),
    api("boxes", "300 °C", "collector", "/boxes/{sealed_box}/dispatch",
        once(laboratory_id="{laboratory_id}", temperature_c=300), 422, "invalid_input", "temperature_c",
        "between −90 and 60"),
    api("boxes", "a temperature in words", "collector", "/boxes/{sealed_box}/dispatch",
        once(laboratory_id="{laboratory_id}", temperature_c="cold"), 422, "invalid_input", "temperature_c",
        "Send a number"),
    api("boxes", "a laboratory that is none", "collector", "/boxes/{sealed_box}/dispatch",
        once(laboratory_id="{site_id}", temperature_c=4), 404, "not_found", "place_id", ""),
    api("boxes", "a tube's code for a box", "collector", "/boxes/{used}/seal", once(), 422, "invalid_input", "box",
        "is the code of a tube"),
    api("boxes", "a box never printed here", "collector", "/boxes/{foreign_box}/seal", once(), 404, "not_found",
        "box", ""),
    # Reception
    api("reception", "a box for another laboratory", "technician", "/boxes/{box_for_another}/receive",
        once(laboratory_id="{laboratory_id}", temperature_c=4), 409, "refused", "laboratory_id", "Call there"),
    api("reception", "a box received at a laboratory that is not one's own", "technician", "/boxes/{sent_box}/receive",
        once(laboratory_id="{confirming_id}", temperature_c=4), 404, "not_found", "", "among your places"),
    api("reception", "a box received twice", "technician", "/boxes/{received_box}/receive",
        once(laboratory_id="{laboratory_id}", temperature_c=4), 409, "already_done", "box", "already"),
    api("reception", "−120 °C", "technician", "/boxes/{sent_box}/receive",
        once(laboratory_id="{laboratory_id}", temperature_c=-120), 422, "invalid_input", "temperature_c",
        "between −90 and 60"),
    api("reception", "tubes of a box not yet received", "technician", "/boxes/{sent_box}/received-tubes",
        once(laboratory_id="{laboratory_id}", tubes=[{"code": "{used}"}]), 409, "refused", "box", ""),
    api("reception", "an unknown condition", "technician", "/received-tubes",
        once(laboratory_id="{laboratory_id}", tubes=[{"code": "{used}", "condition": "sad"}]), 422, "invalid_input",
        "condition", ""),
    verdict("reception", "a tube never printed here", "technician", "/received-tubes",
            once(laboratory_id="{laboratory_id}", tubes=[{"code": "{foreign_tube}"}]), "unknown_code", "Put it aside",
            keeps="unknown_code"),
    verdict("reception", "a tube of another laboratory", "technician", "/received-tubes",
            once(laboratory_id="{laboratory_id}", tubes=[{"code": "{tube_elsewhere}"}]), "at_another_laboratory",
            "another laboratory", keeps="tube_extra"),
    verdict("reception", "a rejected tube", "technician", "/received-tubes",
            once(laboratory_id="{laboratory_id}", tubes=[{"code": "{rejected_tube}"}]), "tube_gone", "Put it aside"),
    api("reception", "a box reconciled twice", "technician", "/boxes/{reconciled_box}/reconcile", once(), 409,
        "already_done", "box", "already"),
    api("reception", "a rejection without a reason", "technician", "/tube-rejections",
        once(tubes=["{waiting[0]}"], reason=""), 422, "invalid_input", "reason", "Choose the reason"),
    verdict("reception", "a rejection of a tube that is not there", "technician", "/tube-rejections",
            once(tubes=["{used}"], reason="leaked"), "", ""),
    # Pooling
    pool("a second tube too many", "{full_pool}", "{waiting[0]}", "pool_full", "open another"),
    pool("the same person twice", "{open_pool}", "{same_person}", "same_person", "another pool"),
    pool("a closed pool", "{closed_pool}", "{waiting[0]}", "pool_closed", "Open another pool"),
    pool("a void pool", "{void_pool}", "{waiting[0]}", "pool_closed", "Open another pool"),
    pool("a tube of another open pool", "{open_pool}", "{members[0]}", "in_other_pool", "Take it out"),
    pool("a mixed tube mixed again", "{open_pool}", "{mixed_received}", "alone_mixed", "pool of its own"),
    pool("a symptomatic person", "{open_pool}", "{symptomatic}", "alone_symptoms", "pool of its own"),
    pool("a tube of another laboratory", "{open_pool}", "{tube_elsewhere}", "wrong_laboratory", "another laboratory"),
    pool("a tube not received", "{open_pool}", "{used}", "not_received", "reception first"),
    pool("a rejected tube", "{open_pool}", "{rejected_tube}", "tube_rejected", "Put it aside"),
    pool("a tested tube", "{open_pool}", "{verified_tube}", "already_tested", "no second pool"),
    pool("a tube never printed here", "{open_pool}", "{foreign_tube}", "unknown_code", "Put it aside"),
    pool("a box for a tube", "{open_pool}", "{open_box}", "not_a_tube", "is the code of a box"),
    api("pooling", "a pool of another laboratory", "technician", "/pools/{pool_elsewhere}/close", once(), 404,
        "not_found", "pool", "Scan its label again"),
    api("pooling", "a pool closed twice", "technician", "/pools/{closed_pool}/close", once(), 409, "already_done",
        "pool", "already"),
    api("pooling", "10,000 tubes at once", "technician", "/pools/{open_pool}/tubes", once(tubes=["x"] * 10_000), 422,
        "invalid_input", "tubes", ""),
    api("pooling", "no tubes", "technician", "/pools/{open_pool}/tubes", once(tubes=[]), 422, "invalid_input",
        "tubes", ""),
    # Run
    api("run", "a plate of 17 wells", "technician", "/runs", once(laboratory_id="{laboratory_id}", size=17), 422,
        "invalid_input", "size", "96 or 384"),
    api("run", "a pool still open on a plate", "technician", "/runs",
        once(laboratory_id="{laboratory_id}", pools=["{open_pool}"]), 409, "wrong_state", "pools",
        "Look at its record"),
    api("run", "a pool of another laboratory on a plate", "technician", "/runs",
        once(laboratory_id="{laboratory_id}", pools=["{pool_elsewhere}"]), 409, "refused", "pools", "Put it aside"),
    api("run", "an unknown assay", "technician", "/runs", once(laboratory_id="{laboratory_id}", assay_id="{id}"), 404,
        "not_found", "assay_id", ""),
    api("run", "a run of another laboratory", "technician", "/runs/{run_elsewhere}/start", once(), 404, "not_found",
        "run", "label again"),
    api("run", "a run started twice", "technician", "/runs/{running_run}/start", once(), 409, "already_done", "run",
        "already"),
    read_run("a reading of an empty well", "readings", "send everything again", ("H1", "N", 30)),
    read_run("a reading of a well that no plate has", "readings", "send everything again", ("Z99", "N", 30)),
    read_run("an unknown target", "readings", "send everything again", ("A1", "XYZ", 30)),
    read_run("Ct −1", "readings", "send everything again", ("A1", "N", -1)),
    read_run("Ct 99", "readings", "send everything again", ("A1", "N", 99)),
    read_run("a Ct in letters", "readings", "send everything again", ("A1", "N", "abc")),
    read_run("controls missing", "readings", "send everything again",
             ("A1", "ORF1ab", None), ("A1", "N", None), ("A1", "IC", 27)),
    read_run("the same well twice", "readings", "send everything again", ("A1", "N", 30), ("A01", "N", 31)),
    api("run", "no readings at all", "technician", "/runs/{running_run}/readings", once(readings=[]), 422,
        "invalid_input", "readings", "send a file"),
    api("run", "a CSV without its header", "technician", "/runs/{running_run}/readings", once(csv="1;2;3\n"), 422,
        "invalid_input", "file", "header"),
    api("run", "readings of a reviewed run", "technician", "/runs/{reviewed_run}/readings",
        readings(("A1", "N", 30)), 409, "wrong_state", "run", "Look at its record"),
    api("run", "a run failed without a reason", "technician", "/runs/{running_run}/fail", once(reason=" "), 422,
        "invalid_input", "reason", "in a few words"),
    # Verification and release
    api("review", "a run reviewed before its readings", "technician", "/runs/{running_run}/review", once(), 409,
        "wrong_state", "run_code", ""),
    api("review", "a technician verifies", "technician", "/runs/{reviewed_run}/verify", once(), 403, "not_allowed",
        "", "Ask your coordinator"),
    api("review", "a run of another laboratory verified", "supervisor_confirming", "/runs/{reviewed_run}/verify",
        once(), 404, "not_found", "run", "Scan the plate's label again"),
    api("review", "an unreviewed run verified", "supervisor", "/runs/{imported_run}/verify", once(), 409,
        "wrong_state", "run_code", "Only a reviewed run"),
    api("review", "a run verified twice", "supervisor", "/runs/{verified_run}/verify", once(), 409, "already_done",
        "run_code", "already"),
    api("review", "an unverified run released", "supervisor", "/runs/{reviewed_run}/release", once(), 409,
        "already_done", "run_code", "Verify first"),
    api("review", "a pool's code for a run", "supervisor", "/runs/{open_pool}/verify", once(), 422, "invalid_input",
        "run_code", "is the code of a pool"),
    verdict("review", "an unverified result released", "supervisor", "/results/release",
            once(results=["{reviewed_result}"]), "", ""),
    verdict("review", "a held result released", "supervisor", "/results/release", once(results=["{held_result}"]),
            "held", ""),
    verdict("review", "a held result verified", "supervisor", "/results/verify", once(results=["{held_result}"]),
            "held", ""),
    api("review", "a result of nowhere released", "supervisor", "/results/release", once(results=["{id}"]), 404,
        "not_found", "results", ""),
    api("review", "an amendment without a reason", "supervisor", "/results/{released_result}/amend",
        once(finding="detected", reason=" "), 422, "invalid_input", "reason", "Write the reason"),
    api("review", "an amendment to a finding that is none", "supervisor", "/results/{released_result}/amend",
        once(finding="maybe", reason="curve"), 422, "invalid_input", "finding", "Choose one of the list"),
    api("review", "a withdrawal without a reason", "supervisor", "/results/{released_result}/withdraw",
        once(then="retest", reason=" "), 422, "invalid_input", "reason", "Write the reason"),
    api("review", "a withdrawal that leads nowhere", "supervisor", "/results/{released_result}/withdraw",
        once(then="burn", reason="exchanged"), 422, "invalid_input", "then", "choose one of the list"),
    api("review", "a hold ended without a word", "supervisor", "/results/unhold",
        once(results=["{held_result}"], note=" "), 422, "invalid_input", "note", "Write the reason"),
    api("review", "a list that is none", "supervisor", "/results/lists/verify", once(kind="street", key="x"), 422,
        "invalid_input", "kind", "Choose which kind"),
    api("review", "a tube's code for a household", "supervisor", "/results/lists/release",
        once(kind="household", key="{verified_tube}"), 422, "invalid_input", "key", "is the code of a tube"),
    api("review", "a hold without a reason", "supervisor", "/results/hold",
        once(results=["{verified_result}"], note=""), 422, "invalid_input", "note", "Write the reason"),
    api("review", "a reason of 10 kB", "supervisor", "/results/{released_result}/amend",
        once(finding="detected", reason="c" * 10_240), 422, "invalid_input", "reason", "at most 500"),
    # Reading
    api("reading", "a result code one character too short", None, "/results/read",
        {"result_code": "{short_result_code}", "birth_date": "1980"}, 422, "invalid_input", "result_code",
        "14 characters"),
    api("reading", "an unknown result code", None, "/results/read",
        {"result_code": "{foreign_result_code}", "birth_date": "1980"}, 404, "not_found", "result_code", "Check both"),
    api("reading", "a wrong birth date", None, "/results/read",
        {"result_code": "{result_code}", "birth_date": "1981"}, 404, "not_found", "result_code", "Check both"),
    api("reading", "a birth date that is none", None, "/results/read",
        {"result_code": "{result_code}", "birth_date": "yesterday"}, 422, "invalid_input", "birth_date", "birth date"),
    page("reading", "no birth year on the page", None, "/results", {"result_code": "{result_code}"}, 422,
         "birth_year", "year of birth"),
    page("reading", "a wrong birth year on the page", None, "/results",
         {"result_code": "{result_code}", "birth_year": "1981"}, 404, "result_code", "Check both"),
    # Everywhere
    api("sign-in", "a wrong password", None, "/sign-in", {"username": "collector", "password": "x"}, 422,
        "invalid_input", "password", "wrong"),
    api("sign-in", "nobody's name", None, "/sign-in", {"username": "nobody", "password": "x"}, 422, "invalid_input",
        "password", "wrong"),
    page("sign-in", "no password on the page", None, "/sign-in", {"username": "collector"}, 422, "password",
         "Enter your password"),
    api("everywhere", "an address that is none", "technician", "/nothing", {}, 404, "not_found", "", "no such page"),
    api("everywhere", "no token", None, "/pools", once(laboratory_id="{laboratory_id}"), 401, "sign_in_needed", "",
        "Sign in first"),
    api("everywhere", "an invented token", None, "/pools", once(laboratory_id="{laboratory_id}"), 401, "sign_in_needed",
        "", "Sign in first", headers={"Authorization": "Bearer " + "a" * 43}),
    api("everywhere", "an expired token", None, "/pools", once(laboratory_id="{laboratory_id}"), 401, "sign_in_needed",
        "", "Sign in first", headers={"Authorization": "Bearer {expired_token}"}),
    api("everywhere", "a browser's cookie as a token", None, "/pools", once(laboratory_id="{laboratory_id}"), 401,
        "sign_in_needed", "", "Sign in first", headers={"Authorization": "Bearer {browser_token}"}),
    api("everywhere", "a token as a browser's cookie", None, "/pools", once(laboratory_id="{laboratory_id}"), 401,
        "sign_in_needed", "", "Sign in first", headers={"Cookie": "lims-sign-in={program_token}"}),
    api("everywhere", "another role's work", "collector", "/pools", once(laboratory_id="{laboratory_id}"), 403,
        "not_allowed", "", "may not do this"),
    api("everywhere", "a query that is no number", "supervisor", "/results?most=many", None, 422, "invalid_input",
        "most", "whole number", method="GET"),
    api("everywhere", "a client id used for something else", "technician", "/pools/{open_pool}/close",
        {"client_id": "{used_id}"}, 409, "client_id_reused", "client_id", "Make a new id"),
    page("setting up", "a pool of 99", "coordinator", "/campaigns/new",
         {"client_id": "{id}", "name": "Đợt 2", "province_id": "{province_id}", "starts_on": "2021-09-01",
          "pool_size": "99", "mixed_tube_size": "10", "validity_hours": "72", "hold_limit_hours": "48",
          "positive_pool_strategy": "singles"}, 422,
         "pool_size", ""),
    page("setting up", "a short password", "administrator", "/accounts/new",
         {"display_name": "Lê Thị Bình", "username": "binh", "password": "short", "role": "administrator",
          "place_id": ""}, 422, "password", "at least"),
)
# fmt: on
