"""Every word that the database may hold can be said to a reader."""

from __future__ import annotations

import pytest

from lims.auth.rules import ROLES
from lims.intake import rules as intake
from lims.places.models import KINDS
from lims.pooling import rules as pooling
from lims.results import rules as results
from lims.words import WORDS

KEPT = {
    "roles": ROLES,
    "kinds of places": KINDS,
    "modes": intake.MODES,
    "sexes": intake.SEXES,
    "who declared": intake.DECLARED_BY,
    "symptoms": intake.SYMPTOMS,
    "rejections": intake.REJECTION_REASONS,
    "discrepancies": intake.DISCREPANCY_KINDS,
    "settlements": intake.SETTLEMENTS,
    "purposes": pooling.PURPOSES,
    "findings": pooling.FINDINGS,
    "hold reasons": results.HOLD_REASONS,
}


@pytest.mark.parametrize("kind", KEPT)
def test_every_fixed_word_can_be_said(kind):
    assert [word for word in KEPT[kind] if word not in WORDS] == []
