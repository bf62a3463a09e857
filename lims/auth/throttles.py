"""How many failed tries are borne, per account, per address and for the whole portal, within which time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from lims.auth import actions, queries
from lims.auth.actors import RESIDENT
from lims.errors import LimsError, TooManyTries
from lims.extensions import db


@dataclass(frozen=True)
class Limit:
    """Most failures within a window.

    Args:
        name: what is counted, as "sign_in.account".
        failures: refused from this many on.
        window: how long failures count.
    """

    name: str
    failures: int
    window: timedelta


QUARTER = timedelta(minutes=15)
SIGN_IN_ACCOUNT = Limit("sign_in.account", 10, QUARTER)
SIGN_IN_ADDRESS = Limit("sign_in.address", 50, QUARTER)
# A village may stand behind one address: many people, few failures each.
READ_ADDRESS = Limit("read.address", 60, QUARTER)
READ_CODE = Limit("read.code", 10, QUARTER)
# Five hundred collectors may enrol behind one address in an hour; a code of 256 bits is not found by trying.
ENROL_ADDRESS = Limit("enrol.address", 60, QUARTER)


def _key(limit: Limit, value: str) -> str:
    return f"{limit.name}:{hashlib.sha256(value.encode()).hexdigest()[:32]}"


@contextmanager
def limited(tries: Mapping[Limit, str]) -> Iterator[None]:
    """Refuse when too many tries have failed; count one more when the code inside refuses.

    Args:
        tries: what each limit counts by (an account's name, an address, a code).

    Raises:
        TooManyTries: a limit is reached; nothing inside was run.
    """
    keys = {_key(limit, value): limit for limit, value in tries.items()}
    rows = queries.find_throttle(db.session(), keys=list(keys))
    actions.check_failures(rows, limits={key: limit.failures for key, limit in keys.items()}, window=QUARTER)
    try:
        yield
    except TooManyTries:
        raise
    except LimsError:
        actions.count_failures(actor=RESIDENT, keys=list(keys), window=QUARTER)
        raise
