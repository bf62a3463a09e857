"""What intake asks the laboratory about its tubes: the laboratory answers, and intake never imports it.

A tube may be tested before its names arrive (DESIGN §3, rule 7). When a name is then bound, intake must know
whether the tube was already called, but imports point the other way. So `pooling` hands over the one question here
when it is imported:

    from lims.intake import late_names
    late_names.ask(queries.find_called_tubes)      # (session, tube_ids) -> the ids among them that were called

In the same way it asks which tubes a laboratory is about to test, as those do not go on to another one
(`ask_for_tubes_in_test`). Without a laboratory (tests of intake alone) no tube was ever tested, and none is in test.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection

from sqlalchemy.orm import Session

FindTested = Callable[[Session, Collection[uuid.UUID]], set[uuid.UUID]]
_asked: list[FindTested] = []
_asked_for_tubes_in_test: list[FindTested] = []


def ask(find_tested: FindTested) -> None:
    """Remember whom to ask which tubes were called; asking the same twice changes nothing.

    Args:
        find_tested: function of a session and tube ids, that returns those whose pool was called, in one statement.
    """
    if find_tested not in _asked:
        _asked.append(find_tested)


def forget(find_tested: FindTested) -> None:
    """Ask one no longer; tests take back what they registered."""
    _asked.remove(find_tested)


def find_tested(session: Session, *, tube_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of some tubes were already called; no statement where there are none to ask about."""
    if not tube_ids:
        return set()
    return set().union(*(find(session, tube_ids) for find in _asked))


def ask_for_tubes_in_test(find_in_test: FindTested) -> None:
    """Remember whom to ask which tubes are in a test that is not called; asking the same twice changes nothing.

    Args:
        find_in_test: function of a session and tube ids, that returns those a laboratory still needs, in one statement.
    """
    if find_in_test not in _asked_for_tubes_in_test:
        _asked_for_tubes_in_test.append(find_in_test)


def find_in_test(session: Session, *, tube_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of some tubes a laboratory still needs for a test; no statement where there are none."""
    if not tube_ids:
        return set()
    return set().union(*(find(session, tube_ids) for find in _asked_for_tubes_in_test))
