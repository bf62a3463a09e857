"""A hundred thousand guesses find nothing and lock nobody else out; a village behind one address reads undisturbed.

Guesses call `portal.read_result`, the layer under HTTP that the page and the API share, from two processes at once. To
keep the test near a minute an engine, 15,000 of the hundred thousand go that whole way; the others go to the lookup
alone, as if nothing limited them. LIMS_GUESSES=100000 sends all of them the whole way (three to four minutes).
"""

from __future__ import annotations

import math
import os
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from engines import make_app
from factories import MORNING
from results import desk
from results.test_portal import BORN, issue_code, lab  # noqa: F401  (a fixture)
from sqlalchemy import func, select

from lims import clock, codes
from lims.auth.models import Throttle
from lims.auth.throttles import QUARTER, READ_ADDRESS, network_of
from lims.errors import NotFound, TooManyTries
from lims.extensions import db, vault
from lims.intake.result_codes import hash_result_code
from lims.results import portal
from lims.results.queries import portal as queries

GUESSES = 100_000
WHOLE_WAY = int(os.environ.get("LIMS_GUESSES", "15000"))
ROBOT = "203.0.113.66"


def attempt(code: str, born: str, address: str) -> str:
    """Read a result in a request of its own; return what is told, or how it was refused."""
    db.session.rollback()
    try:
        return portal.read_result(result_code=code, birth_date=born, address=address).told.status
    except (NotFound, TooManyTries) as refusal:
        return refusal.code


def test_codes_hold_enough_entropy():
    """13 random characters of 23: 58.8 bits. Ten million live codes and a thousand guesses a second for 30 days meet
    one code with a chance of 0.05, and then still need its birth date, once, without knowing that they met it."""
    bits = (codes.RESULT_LENGTH - 1) * math.log2(len(codes.ALPHABET))
    assert bits == pytest.approx(58.8, abs=0.05)
    assert 1000 * 30 * 86_400 * 10_000_000 / 2**bits < 0.06


def guess(database_url: str, folder: Path, seed: int, known: list[str], count: int) -> Counter[str]:
    """Guess codes as one process of a server would meet it: every other try from one address, the rest from a crowd.

    A right code is read from the robot's own address in between.
    """
    dice, met = random.Random(seed), Counter[str]()
    with make_app(database_url, folder).app_context():
        for number in range(count):
            address = ROBOT if number % 2 else f"10.{dice.randrange(256)}.{dice.randrange(256)}.1"
            with clock.at(MORNING + timedelta(milliseconds=18 * number)):
                met[attempt(codes.mint_result_code(), BORN, address)] += 1
                if number % 5_000 == 0:
                    met[attempt(dice.choice(known), BORN, ROBOT)] += 1
        db.session.remove()
        db.engine.dispose()
    return met


def test_a_hundred_thousand_guesses_find_nothing_and_lock_nobody_out(lab, database_url, tmp_path):  # noqa: F811
    run, tubes = desk.run_tubes(lab, 20)
    known = [issue_code(tube) for tube in tubes]
    desk.verify_and_release(lab, run)
    each = WHOLE_WAY // 2
    db.session.remove()
    db.engine.dispose()  # no connection may be shared over the fork
    with ProcessPoolExecutor(2, get_context("fork")) as processes:
        asked = [processes.submit(guess, database_url, tmp_path, seed, known, each) for seed in (1, 2)]
        met = sum((one.result() for one in asked), Counter[str]())
    assert set(met) == {"not_found", "too_many_tries", "not_detected"}
    assert met["not_found"] + met["too_many_tries"] == 2 * each
    assert met["not_detected"] == 2 * math.ceil(each / 5_000)
    assert met["too_many_tries"] > each - 4 * READ_ADDRESS.failures
    for _ in range(GUESSES - WHOLE_WAY):
        code_hash = hash_result_code(vault(), codes.mint_result_code())
        assert queries.find_reader(db.session(), code_hash=code_hash) is None
    with clock.at(MORNING + timedelta(milliseconds=18 * each)):
        assert {attempt(code, BORN, ROBOT) for code in known} == {"not_detected"}
        assert {attempt(code, BORN, "198.51.100.9") for code in known} == {"not_detected"}


def test_three_hundred_phones_behind_one_address_read_within_an_hour(lab):  # noqa: F811
    run, tubes = desk.run_tubes(lab, 300)
    known = [issue_code(tube) for tube in tubes]
    desk.verify_and_release(lab, run)
    told: Counter[str] = Counter()
    for number, code in enumerate(known):
        with clock.at(MORNING + timedelta(seconds=12 * number)):
            # every third mistypes the year first, and a robot guesses all the while behind the same address
            if number % 3 == 0:
                attempt(code, "1981", "203.0.113.1")
            attempt(codes.mint_result_code(), BORN, "203.0.113.1")
            told[attempt(code, BORN, "203.0.113.1")] += 1
    assert told == {"not_detected": 300}


def test_what_was_counted_is_swept_by_later_tries(lab):  # noqa: F811
    with clock.at(MORNING):
        for _ in range(45):
            attempt(codes.mint_result_code(), BORN, ROBOT)
        assert db.session.scalar(select(func.count()).select_from(Throttle)) == 46
    with clock.at(MORNING + QUARTER + timedelta(seconds=1)):
        for _ in range(3):
            attempt(codes.mint_result_code(), BORN, "198.51.100.1")
        db.session.rollback()
        assert db.session.scalar(select(func.count()).select_from(Throttle)) == 4


def test_what_is_closed_for_a_day_is_not_swept_after_a_quarter_of_an_hour(lab):  # noqa: F811
    code = codes.mint_result_code()
    for quarter in range(2):
        with clock.at(MORNING + quarter * (QUARTER + timedelta(seconds=1))):
            for _ in range(10):
                attempt(code, BORN, ROBOT)
    with clock.at(MORNING + timedelta(hours=5)):
        for _ in range(5):
            attempt(codes.mint_result_code(), BORN, "198.51.100.1")
        assert attempt(code, BORN, "198.51.100.2") == "too_many_tries"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", ""),
    ],
)
def test_a_subscriber_of_ipv6_counts_once_however_many_addresses_they_have(address, network):
    assert network_of(address) == network
