"""Every permission is a scope that a program's token may be given, in words, or is withheld on purpose."""

from __future__ import annotations

from lims.auth.rules import PERMISSIONS
from lims.auth.scopes import SCOPES, WITHHELD

KNOWN = frozenset().union(*PERMISSIONS.values())


def test_every_permission_is_a_scope_or_withheld():
    assert sorted(KNOWN - SCOPES.keys() - WITHHELD) == []
    assert sorted((SCOPES.keys() | WITHHELD) - KNOWN) == []
    assert SCOPES.keys().isdisjoint(WITHHELD)
