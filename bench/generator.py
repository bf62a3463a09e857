"""Fills a migrated database with samples and all that hangs on them, and counts them, in the engine itself.

People, declarations, tubes, samples, pools, plates and results of 30 days in 177 communes, 354 sites and 8 laboratories
are written by INSERT … SELECT, and the summaries by GROUP BY, as folding ten million samples through Python would take
hours. At small sizes `check` shows that a recount of these rows gives these summaries:

    python bench/generator.py sqlite 10000 FILE
    python bench/generator.py postgresql 200000 ADDRESS
"""

from __future__ import annotations

import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from sqlalchemy import Connection, insert, text  # noqa: E402

from lims import clock, names  # noqa: E402
from lims.capacity.histograms import EDGES  # noqa: E402
from lims.capacity.measures import LEGS  # noqa: E402
from lims.extensions import db  # noqa: E402
from lims.places.models import Campaign, Laboratory, Place  # noqa: E402
from lims.pooling.models import Assay  # noqa: E402

DAYS, COMMUNES, SITES, LABORATORIES, WELLS = 30, 177, 354, 8, 93
BEGIN = 1_627_776_000  # 2021-08-01 00:00 UTC, 07:00 in Vietnam
PROVINCE, CAMPAIGN, ASSAY, LOT = (uuid.UUID(int=number) for number in (1, 2, 3, 4))
NOBODY = "0" * 32
# where samples of the last day stand, by the group that is pooled together
STAGES = ("at_the_site", "received", "pooled", "on_plate", "to_verify", "to_release", "")


@dataclass(frozen=True)
class Dialect:
    """How an engine says what the generator needs."""

    name: str

    def key(self, kind: int, number: str) -> str:
        """A key made of a kind's number and a row's."""
        if self.name == "sqlite":
            return f"('{kind:08x}' || printf('%024x', {number}))"
        return f"('{kind:08x}' || lpad(to_hex({number}), 24, '0'))::uuid"

    def constant(self, value: str) -> str:
        """A key as written here."""
        return f"'{value}'" if self.name == "sqlite" else f"'{value}'::uuid"

    def code(self, letter: str, number: str) -> str:
        """A printed code of nine characters."""
        if self.name == "sqlite":
            return f"('{letter}' || printf('%08d', {number}))"
        return f"('{letter}' || lpad(({number})::text, 8, '0'))"

    def well(self, number: str) -> str:
        """A place of a plate."""
        return f"printf('%03d', {number})" if self.name == "sqlite" else f"lpad(({number})::text, 3, '0')"

    def moment(self, seconds: str) -> str:
        """A moment, from seconds since 1970."""
        if self.name == "sqlite":
            return f"strftime('%Y-%m-%d %H:%M:%S.000000', {seconds}, 'unixepoch')"
        return f"to_timestamp({seconds})"

    def hour(self, seconds: str) -> str:
        """The hour's begin."""
        return self.moment(f"({seconds} / 3600 * 3600)")

    def day(self, seconds: str) -> str:
        """The local day."""
        if self.name == "sqlite":
            return f"date({seconds} + 25200, 'unixepoch')"
        return f"(to_timestamp({seconds} + 25200) at time zone 'UTC')::date"

    def hex(self, kind: int, number: str) -> str:
        """A key's digits, for the text of `counted`."""
        return (
            self.key(kind, number)
            if self.name == "sqlite"
            else f"replace({self.key(kind, number)}::text, '-', '')"
        )

    @property
    def series(self) -> str:
        """Numbers from 0 on; a statement's begin and its source."""
        if self.name == "sqlite":
            return "with recursive n(n) as (select 0 union all select n + 1 from n where n + 1 < :count) "
        return "with n as (select generate_series(0, :count - 1) as n) "

    def yes(self, truth: bool) -> str:
        """A truth value."""
        return str(int(truth)) if self.name == "sqlite" else str(truth).lower()

    @property
    def nothing(self) -> str:
        """One byte."""
        return "x'00'" if self.name == "sqlite" else "'\\x00'::bytea"


PERSON, DECLARATION, TUBE, SAMPLE, POOL, RUN, RESULT, LAB, SITE, COMMUNE = range(16, 26)


def fill(count: int) -> None:
    """Fill the empty database of the application with so many samples; a multiple of 300.

    No foreign key is checked and, on SQLite, no journal is written: `check` and the benchmark's own reads tell whether
    the rows are right, and a fill that breaks off is thrown away.
    """
    lite = db.engine.dialect.name == "sqlite"
    if lite:
        _say_outside("foreign_keys=off", "journal_mode=off", "synchronous=off", "cache_size=-400000")
    with db.engine.begin() as connection:
        if not lite:
            connection.exec_driver_sql("set local session_replication_role = replica")
            connection.exec_driver_sql("set local work_mem = '256MB'")
        _places(connection)
        _Filling(connection, Dialect(connection.dialect.name), count).fill()
    with db.engine.begin() as connection:
        connection.exec_driver_sql("analyze")
    if lite:
        _say_outside("journal_mode=wal")
    else:
        # what autovacuum does in the hours of a real day: pages seen by all, so that an index is enough
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("vacuum")
    # a connection that checks nothing is used by nobody else
    db.engine.dispose()


def _say_outside(*pragmas: str) -> None:
    """Say pragmas to the pool's one connection, outside of any transaction."""
    raw = db.engine.raw_connection()
    for pragma in pragmas:
        raw.cursor().execute(f"pragma {pragma}").fetchall()
    raw.close()


def _places(connection: Connection) -> None:
    def place(key: uuid.UUID, kind: str, code: str, name: str, parent: uuid.UUID | None) -> dict[str, object]:
        return {
            "id": key,
            "edition": "2021",
            "kind": kind,
            "code": code,
            "name": name,
            "name_key": names.sort_key(name),
            "name_folded": names.fold(name),
            "parent_id": parent,
            "province_id": PROVINCE,
            "is_open": True,
        }

    def key(kind: int, number: int) -> uuid.UUID:
        return uuid.UUID(hex=f"{kind:08x}{number:024x}")

    rows = [place(PROVINCE, "province", "22", "Quảng Ninh", None)]
    rows += [place(key(COMMUNE, n), "commune", f"{n:05}", f"Xã {n}", PROVINCE) for n in range(COMMUNES)]
    rows += [
        place(key(SITE, n), "site", f"S{n:05}", f"Điểm {n}", key(COMMUNE, n % COMMUNES)) for n in range(SITES)
    ]
    rows += [
        place(key(LAB, n), "laboratory", f"QN{n:02}", f"Phòng {n}", PROVINCE) for n in range(LABORATORIES)
    ]
    connection.execute(insert(Place), rows)
    connection.execute(
        insert(Laboratory),
        [
            {
                "place_id": key(LAB, n),
                "screening_per_day": 800,
                "confirmation_per_day": 50,
                "can_confirm": True,
            }
            for n in range(LABORATORIES)
        ],
    )
    now = clock.now()
    connection.execute(
        insert(Campaign),
        {"id": CAMPAIGN, "name": "Đợt", "province_id": PROVINCE, "starts_on": now.date(), "created_at": now},
    )
    connection.execute(
        insert(Assay), {"id": ASSAY, "name": "bench", "version": 1, "definition": {}, "created_at": now}
    )


class _Filling:
    """The statements, in an order that keeps every foreign key."""

    def __init__(self, connection: Connection, dialect: Dialect, count: int) -> None:
        self.connection, self.d, self.count = connection, dialect, count

    def run(self, statement: str, **values: object) -> None:
        began = time.perf_counter()
        self.connection.execute(text(statement), values)
        if (took := time.perf_counter() - began) > 5:
            print(f"  {' '.join(statement.split())[:60]} … {took:.0f} s", file=sys.stderr, flush=True)

    def insert(self, table: str, columns: dict[str, str], source: str) -> None:
        """Write rows of expressions over a source."""
        listed, chosen = ", ".join(columns), ", ".join(columns.values())
        self.run(f"insert into {table} ({listed}) select {chosen} from {source}")

    def fill(self) -> None:
        """Write everything."""
        self.plan()
        self.rows()
        self.counted()
        self.summaries()
        for table in ("bench_sample", "bench_pool", "bench_run", "bench_edge"):
            self.run(f"drop table {table}")

    def plan(self) -> None:
        """When everything happens to every sample, in seconds; what does not is NULL."""
        per_day = self.count // DAYS
        last = f"(n / {per_day} >= {DAYS - 1})"
        stage = f"(case when {last} then n / 10 % 7 else 6 end)"
        day = f"{BEGIN} + n / {per_day} * 86400"
        lab_time = f"{day} + 36000 + n / 10 % 7200"
        self.run(
            "create table bench_sample as "
            + self.d.series
            + f"""
            select n, n / 10 as g, n / 10 % {LABORATORIES} as lab, n / 10 % {SITES} as site,
                n / 10 % {SITES} % {COMMUNES} as commune, {stage} as stage,
                {day} + n * 41 % 36000 as collected,
                case when {stage} >= 1 then {lab_time} end as received,
                case when {stage} >= 2 then {lab_time} + 600 + n / 10 % 1800 end as pooled,
                case when {stage} >= 4 then {lab_time} + 15000 + n / 10 % 3600 end as tested,
                case when {stage} >= 5 then {lab_time} + 20400 + n / 10 % 1700 end as verified,
                case when {stage} >= 6 then {lab_time} + 23000 + n % 3600 end as released,
                case when n % 70 = 0 then 'detected' else 'not_detected' end as finding
            from n""",
            count=self.count,
        )
        self.run(
            f"""create table bench_pool as
            select g, lab, g / {WELLS * LABORATORIES} * {LABORATORIES} + g % {LABORATORIES} as run,
                g / {LABORATORIES} % {WELLS} as well, min(stage) as stage, min(pooled) as pooled,
                min(tested) as tested, max(case when n % 70 = 0 then 1 else 0 end) as positive
            from bench_sample where stage >= 2 group by g, lab"""
        )
        self.run(
            """create table bench_run as
            select run, lab, count(*) as wells, min(pooled) + 3600 as planned, min(pooled) + 14000 as entered
            from bench_pool group by run, lab"""
        )
        self.run("create table bench_edge (bucket integer, low integer, high integer)")
        self.connection.execute(
            text("insert into bench_edge values (:bucket, :low, :high)"),
            [
                {"bucket": n, "low": low * 60, "high": (EDGES[n + 1] * 60) if n + 1 < len(EDGES) else 10**9}
                for n, low in enumerate(EDGES)
            ],
        )

    def rows(self) -> None:
        """The product's own rows."""
        d = self.d
        campaign, now = d.constant(CAMPAIGN.hex), d.moment(str(BEGIN))
        declared = d.moment("collected - 3600")
        commune, site, lab = d.key(COMMUNE, "commune"), d.key(SITE, "site"), d.key(LAB, "lab")
        here = f"case when stage >= 1 then {lab} end"
        self.insert(
            "tube_lot",
            {
                "id": d.constant(LOT.hex),
                "campaign_id": campaign,
                "mode": "'single'",
                "tube_count": "1",
                "minted_at": now,
            },
            "(select 1 as one) as once",
        )
        self.insert(
            "person",
            {
                "id": d.key(PERSON, "n"),
                "name": "'Người'",
                "name_key": d.nothing,
                "name_folded": "'nguoi'",
                "birth_on": d.day("0"),
                "birth_precision": "'year'",
                "sex": "'female'",
                "commune_id": commune,
                "created_at": declared,
            },
            "bench_sample",
        )
        self.insert(
            "declaration",
            {
                "id": d.key(DECLARATION, "n"),
                "code": d.code("D", "n"),
                "campaign_id": campaign,
                "person_id": d.key(PERSON, "n"),
                "commune_id": commune,
                "status": "'sampled'",
                "resample_reason": "''",
                "attempt": "1",
                "symptoms": "'[]'",
                "has_symptoms": d.yes(False),
                "is_contact": d.yes(False),
                "declared_by": "'self'",
                "consent_version": "'1'",
                "consent_given": "'ticked'",
                "consented_at": declared,
                "client_id": d.key(DECLARATION, "n"),
                "created_at": declared,
            },
            "bench_sample",
        )
        self.insert(
            "tube",
            {
                "id": d.key(TUBE, "n"),
                "code": d.code("T", "n"),
                "lot_id": d.constant(LOT.hex),
                "campaign_id": campaign,
                "mode": "'single'",
                "status": "case when stage >= 1 then 'received' else 'used' end",
                "closed_count": "1",
                "place_id": site,
                "collected_at": d.moment("collected"),
                "laboratory_id": here,
                "received_at": d.moment("received"),
                "rack_position": "''",
                "rejection_reason": "''",
            },
            "bench_sample",
        )
        resulted = "case when stage >= 4 then {} else {} end"
        self.insert(
            "sample",
            {
                "id": d.key(SAMPLE, "n"),
                "campaign_id": campaign,
                "declaration_id": d.key(DECLARATION, "n"),
                "person_id": d.key(PERSON, "n"),
                "tube_id": d.key(TUBE, "n"),
                "slot": "1",
                "attempt": "1",
                "status": resulted.format("'resulted'", "'bound'"),
                "finding": resulted.format("finding", "null"),
                "place_id": site,
                "commune_id": commune,
                "sampled_on": d.day("collected"),
                "sampled_at": d.moment("collected"),
                "recorded_at": d.moment("collected"),
                "client_id": d.key(SAMPLE, "n"),
            },
            "bench_sample",
        )
        self.insert(
            "pool",
            {
                "id": d.key(POOL, "g"),
                "code": d.code("P", "g"),
                "campaign_id": campaign,
                "laboratory_id": lab,
                "purpose": "'screen'",
                "attempt": "1",
                "new_extraction": d.yes(False),
                "status": "case when stage >= 4 then 'resolved' when stage = 3 then 'on_plate' else 'closed' end",
                "finding": "case when stage < 4 then null when positive = 1 then 'detected' else 'not_detected' end",
                "size_limit": "10",
                "member_count": "10",
                "opened_at": d.moment("pooled"),
                "closed_at": d.moment("pooled"),
                "called_at": d.moment("tested"),
            },
            "bench_pool",
        )
        self.insert(
            "pool_member",
            {
                "pool_id": d.key(POOL, "g"),
                "tube_id": d.key(TUBE, "n"),
                "position": "n % 10 + 1",
                "in_test": f"case when stage >= 4 then {d.yes(False)} else {d.yes(True)} end",
                "added_at": d.moment("pooled"),
            },
            "bench_sample where stage >= 2",
        )
        self.insert(
            "run",
            {
                "id": d.key(RUN, "run"),
                "code": d.code("R", "run"),
                "campaign_id": campaign,
                "laboratory_id": lab,
                "assay_id": d.constant(ASSAY.hex),
                "size": "96",
                "status": "'verified'",
                "kit_lot": "''",
                "instrument": "''",
                "readings_version": "1",
                "planned_at": d.moment("planned"),
                "entered_at": d.moment("entered"),
            },
            "bench_run",
        )
        self.insert(
            "well",
            {"run_id": d.key(RUN, "run"), "position": d.well("well"), "pool_id": d.key(POOL, "g")},
            "bench_pool",
        )
        self.insert(
            "result",
            {
                "id": d.key(RESULT, "n"),
                "sample_id": d.key(SAMPLE, "n"),
                "version": "1",
                "status": "case when stage = 4 then 'preliminary' when stage = 5 then 'verified' else 'released' end",
                "finding": "finding",
                "pool_id": d.key(POOL, "g"),
                "run_id": d.key(RUN, f"g / {WELLS * LABORATORIES} * {LABORATORIES} + g % {LABORATORIES}"),
                "laboratory_id": lab,
                "created_at": d.moment("tested"),
                "verified_at": d.moment("verified"),
                "released_at": d.moment("released"),
                "look": "case when stage >= 6 and finding = 'detected' then 'ct' end",
                "hold_note": "''",
                "hold_end_note": "''",
                "amendment_reason": "''",
                "withdrawal_reason": "''",
            },
            "bench_sample where stage >= 4",
        )

    def counted(self) -> None:
        """What each thing was counted as."""
        d = self.d
        campaign, nowhere = d.constant(CAMPAIGN.hex), d.constant(NOBODY)
        lab, commune, site = d.key(LAB, "lab"), d.key(COMMUNE, "commune"), d.key(SITE, "site")
        here = d.hex(LAB, "lab")

        def said(measure: str, detail: str, at: str, where: str, number: str = "1") -> str:
            return f"""'["{measure}","' || {detail} || '",' || {at} || ',"' || {where} || '",' || {number} || ']'"""

        ways = [said("collected", "''", "collected", "''")]
        for measure, detail in (
            ("received", "''"),
            ("pooled", "''"),
            ("tested", "finding"),
            ("verified", "''"),
            ("released", "finding"),
        ):
            ways.append(
                f"case when {measure} is null then '' else ',' || {said(measure, detail, measure, here)} end"
            )
        stations = " ".join(f"when {n} then '{name}'" for n, name in enumerate(STAGES))
        common = {"kind": "''", "station": "''", "campaign_id": campaign, "team": "''"}
        self.insert(
            "counted",
            common
            | {
                "id": d.key(SAMPLE, "n"),
                "kind": "'sample'",
                "station": f"case stage {stations} end",
                "laboratory_id": f"case when stage >= 1 then {lab} else {nowhere} end",
                "commune_id": commune,
                "site_id": site,
                "collected_at": d.moment("collected"),
                "happened": "'[' || " + " || ".join(ways) + " || ']'",
            },
            "bench_sample",
        )
        self.insert(
            "counted",
            common
            | {
                "id": d.key(DECLARATION, "n"),
                "kind": "'declaration'",
                "laboratory_id": nowhere,
                "commune_id": commune,
                "site_id": nowhere,
                "collected_at": d.moment("collected - 3600"),
                "happened": f"'[' || {said('declared', chr(39) * 2, '(collected - 3600)', chr(39) * 2)} || ']'",
            },
            "bench_sample",
        )
        pool = said("pools_tested", "'10'", "tested", here)
        reactions = said("reactions", "'screen'", "entered", here, "wells")
        positive = said("pools_positive", "'10'", "tested", here)
        self.insert(
            "counted",
            common
            | {
                "id": d.key(POOL, "g"),
                "kind": "'pool'",
                "laboratory_id": lab,
                "commune_id": nowhere,
                "site_id": nowhere,
                "collected_at": d.moment("pooled"),
                "happened": f"case when tested is null then '[]' when positive = 1 then '[' || {pool} || ',' || "
                f"{positive} || ']' else '[' || {pool} || ']' end",
            },
            "bench_pool",
        )
        self.insert(
            "counted",
            common
            | {
                "id": d.key(RUN, "run"),
                "kind": "'run'",
                "laboratory_id": lab,
                "commune_id": nowhere,
                "site_id": nowhere,
                "collected_at": d.moment("planned"),
                "happened": f"'[' || {reactions} || ']'",
            },
            "bench_run",
        )

    def summaries(self) -> None:
        """The numbers: the fine ones from the samples, the others from the fine ones."""
        d = self.d
        lab, nowhere = d.key(LAB, "lab"), d.constant(NOBODY)
        commune, site = d.key(COMMUNE, "commune"), d.key(SITE, "site")
        of_sample = (commune, site, "bench_sample")
        whole = (nowhere, nowhere)
        for measure, detail, at, where, (at_commune, at_site, source), number in (
            ("declared", "''", "(collected - 3600)", nowhere, (commune, nowhere, "bench_sample"), "count(*)"),
            ("collected", "''", "collected", nowhere, of_sample, "count(*)"),
            ("received", "''", "received", lab, of_sample, "count(*)"),
            ("pooled", "''", "pooled", lab, of_sample, "count(*)"),
            ("tested", "finding", "tested", lab, of_sample, "count(*)"),
            ("verified", "''", "verified", lab, of_sample, "count(*)"),
            ("released", "finding", "released", lab, of_sample, "count(*)"),
            ("pools_tested", "'10'", "tested", lab, (*whole, "bench_pool"), "count(*)"),
            ("pools_positive", "'10'", "tested", lab, (*whole, "bench_pool where positive = 1"), "count(*)"),
            ("reactions", "'screen'", "entered", lab, (*whole, "bench_run"), "sum(wells)"),
        ):
            rows = f"(select * from {source}) as s where {at} is not null"
            places = {"laboratory_id": where, "commune_id": at_commune, "site_id": at_site}
            own = {"measure": f"'{measure}'", "detail": detail}
            self.sum_up("hour_count", {"hour_at": d.hour(at), **own}, places, rows, number)
            self.sum_up("day_count", {"day": d.day(at), **own, "known_on": d.day(at)}, places, rows, number)
        fine = {"laboratory_id": lab, "commune_id": commune, "site_id": site}
        for leg, (begin, end) in LEGS.items():
            rows = f"bench_sample join bench_edge on {end} - {begin} >= low and {end} - {begin} < high"
            own = {"day": d.day(end), "leg": f"'{leg}'", "bucket": "bucket", "known_on": d.day(end)}
            self.sum_up("leg_count", own, fine, rows, "count(*)")
        stations = " ".join(f"when {n} then '{name}'" for n, name in enumerate(STAGES))
        station = f"case stage {stations} end"
        lies = fine | {"laboratory_id": f"case when stage >= 1 then {lab} else {nowhere} end"}
        self.sum_up("level", {"station": station}, lies, "bench_sample where stage < 6", "count(*)")
        day = d.day(str(BEGIN + (DAYS - 1) * 86400))
        own = {"day": day, "measure": "'standing'", "detail": station, "known_on": day}
        self.sum_up("day_count", own, lies, "bench_sample where stage < 6", "count(*)")
        for table, own in (
            ("hour_count", ("hour_at", "measure", "detail")),
            ("day_count", ("day", "measure", "detail", "known_on")),
            ("leg_count", ("day", "leg", "bucket", "known_on")),
            ("level", ("station",)),
        ):
            key = ", ".join((*own, "campaign_id", "laboratory_id"))
            self.run(
                f"insert into {table} ({key}, grain, commune_id, site_id, team, number) "
                f"select {key}, 0, {nowhere}, {nowhere}, '', sum(number) from {table} where grain = 1 group by {key}"
            )

    def sum_up(self, table: str, own: dict[str, str], places: dict[str, str], rows: str, number: str) -> None:
        """Count rows by their place in a summary."""
        key = own | places
        inner = ", ".join(f"{expression} as {name}" for name, expression in key.items())
        amount = "1" if number == "count(*)" else number.removeprefix("sum(").removesuffix(")")
        listed = ", ".join(key)
        self.run(
            f"insert into {table} ({listed}, campaign_id, grain, team, number) "
            f"select {listed}, {self.d.constant(CAMPAIGN.hex)}, 1, '', sum(amount) "
            f"from (select {inner}, {amount} as amount from {rows}) as parts group by {listed}"
        )


def main() -> None:
    """Fill the database of an address, and check the summaries against a recount where it is small."""
    from engines import make_app

    from lims import database
    from lims.capacity.counting.recounting import recount
    from lims.transaction import open_snapshot

    engine, count, where = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    address = f"sqlite:///{where}" if engine == "sqlite" else where
    with make_app(address, Path(where).parent if engine == "sqlite" else Path("instance")).app_context():
        database.upgrade()
        began = time.perf_counter()
        fill(count)
        print(f"{count} samples in {time.perf_counter() - began:.0f} s")
        if count <= 20_000:
            with open_snapshot() as session:
                found = recount(session)
            print(
                "a recount gives the same"
                if found.holds
                else (list(found.stale), list(found.differences.items())[:5])
            )
            raise SystemExit(not found.holds)


if __name__ == "__main__":
    main()
