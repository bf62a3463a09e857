"""How many failed tries are borne, per account, per address and per code, within which time.

See docs/decisions/portal-throttle.md for why a right result code is never refused because of others.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from lims.auth import actions, queries
from lims.auth.actors import RESIDENT
from lims.errors import LimsError, TooManyTries
from lims.extensions import db

QUARTER = actions.SHORT_WINDOW
DAY = actions.LONGEST_WINDOW
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limit:
    """Most failures within a window.

    Args:
        name: what is counted, as "sign_in.account".
        failures: refused from this many on.
        window: how long failures count; a quarter of an hour, or a day for one that follows another.
        refuses_right: False where a right try passes whatever was counted, and only wrong ones are told to wait.
        then: counted once each time this one is reached, for whoever comes back every quarter of an hour.
    """

    name: str
    failures: int
    window: timedelta
    refuses_right: bool = True
    then: Limit | None = None


SIGN_IN_ACCOUNT = Limit("sign_in.account", 10, QUARTER)
SIGN_IN_ADDRESS = Limit("sign_in.address", 50, QUARTER)
# A village, or a whole mobile network, may stand behind one address. A code of 58.8 bits is not found by trying, so a
# right one is answered whatever was tried before it from there.
READ_ADDRESS = Limit("read.address", 60, QUARTER, refuses_right=False)
# A slip that was found tells the code, and a birth year is soon tried out: ten tries, twice a day.
READ_CODE_DAY = Limit(actions.LASTING[0], 2, DAY)
READ_CODE = Limit("read.code", 10, QUARTER, then=READ_CODE_DAY)
# Five hundred collectors may enrol behind one address in an hour; a code of 256 bits is not found by trying.
ENROL_ADDRESS = Limit("enrol.address", 60, QUARTER)


def reading_limits(*, code_hash: bytes, address: str) -> dict[Limit, str]:
    """Return what limits the tries of a result code.

    Args:
        code_hash: what is kept of the code, whether there is such a code or not.
        address: network address of the reader.
    """
    return {READ_CODE: code_hash.hex(), READ_ADDRESS: network_of(address)}


def network_of(address: str) -> str:
    """Return what one subscriber holds: an IPv4 address, or the first half of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _key(limit: Limit, value: str) -> str:
    return f"{limit.name}:{hashlib.sha256(value.encode()).hexdigest()[:32]}"


@contextmanager
def limited(tries: Mapping[Limit, str]) -> Iterator[None]:
    """Refuse when too many tries have failed; count one more when the code inside refuses.

    What is sent to the database depends on the counters alone, never on why the code inside refused. Tries of one
    moment may exceed a limit by the number of processes and threads.

    Args:
        tries: what each limit counts by (an account's name, an address, a code).

    Raises:
        TooManyTries: a limit is reached; nothing inside was run, or it refused.
    """
    keys = {_key(limit, value): limit for limit, value in tries.items()}
    after = {key: _key(limit.then, tries[limit]) for key, limit in keys.items() if limit.then}
    looked_at = keys | {after[key]: keys[key].then for key in after}
    actions.check_failures(
        queries.find_throttle(db.session(), keys=list(looked_at)),
        limits={key: limit.failures for key, limit in looked_at.items() if limit and limit.refuses_right},
        windows={key: limit.window for key, limit in looked_at.items() if limit},
    )
    try:
        yield
    except TooManyTries:
        raise
    except LimsError:
        _count(keys, after)
        raise


def _count(keys: Mapping[str, Limit], after: Mapping[str, str]) -> None:
    counted = actions.count_failures(actor=RESIDENT, keys=list(keys), window=QUARTER)
    reached = [key for key, limit in keys.items() if counted[key] == limit.failures]
    for key in reached:
        # one line each quarter of an hour, and nothing of whom it is about
        logger.warning("too many failed tries: %s", keys[key].name)
    following = [after[key] for key in reached if key in after]
    if following:
        actions.count_failures(actor=RESIDENT, keys=following, window=DAY)
    if any(counted[key] > limit.failures for key, limit in keys.items()):
        actions.refuse_try(int(QUARTER.total_seconds()))
