"""Every word that the database may hold can be said to a reader."""

from __future__ import annotations

import pytest
from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, SelectField

from lims.auth.rules import ROLES
from lims.intake import rules as intake
from lims.outbox import rules as outbox
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
    "what was seen of a positive": results.LOOKS,
    "kinds of messages": outbox.KINDS,
    "channels": outbox.CHANNELS,
    "what messages tell": outbox.TEMPLATES,
}


@pytest.mark.parametrize("kind", KEPT)
def test_every_fixed_word_can_be_said(kind):
    assert [word for word in KEPT[kind] if word not in WORDS] == []


def test_what_wtforms_says_by_itself_is_said_in_our_words(app):
    class Form(FlaskForm):
        number, day = IntegerField(), DateField()
        choice = SelectField(choices=["a"])

    with app.test_request_context(method="POST", data={"number": "7,5", "day": "hôm nay", "choice": "b"}):
        form = Form(meta={"csrf": False})
        assert not form.validate()
        said = [message for errors in form.errors.values() for message in errors]
    assert len(said) == 3
    assert [message for message in said if message not in WORDS] == []
