"""All that the product leaves to chance, drawn from one seed, so that a history plays the same again."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from factories import MORNING

from lims import codes, tables

# Nanoseconds from one key to the next, at most: a few keys share a millisecond, and chance orders those.
BETWEEN_KEYS = 500_000


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """Draw printed codes, keys and clients' ids from a seed while the code inside runs.

    They decide the order wherever two things happened at the same moment: which tube comes first in a pool, and which
    pool first on a plate.

    Args:
        seed: the same one gives the same codes and keys, if the same is done.
    """
    chance = random.Random(seed)
    moment = int(MORNING.timestamp()) * 10**9

    def pass_time() -> int:
        nonlocal moment
        moment += chance.randrange(BETWEEN_KEYS)
        return moment

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "secrets", SimpleNamespace(randbelow=chance.randrange))
        patch.setattr(tables, "secrets", SimpleNamespace(randbits=chance.getrandbits))
        patch.setattr(tables, "time", SimpleNamespace(time_ns=pass_time))
        patch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=chance.getrandbits(128), version=4))
        yield
