"""A person who declares on two devices at the same moment is one person with one declaration."""

from __future__ import annotations

import threading

from sqlalchemy import func, select
from stating import declare, make_form

from lims.extensions import db
from lims.intake import registration
from lims.intake.models import Declaration, Person

CARD = {"identity_number": "022190001234"}
WAIT_S = 0.3


def test_the_same_person_declared_twice_at_one_moment_is_one_person_with_one_declaration(
    app, world, monkeypatch
):
    began = threading.Barrier(2, timeout=10)
    real = registration.mint_free
    codes = []

    def slow_mint(*args, **kwargs):
        # both have looked for the person and found nobody
        threading.Event().wait(WAIT_S)
        return real(*args, **kwargs)

    monkeypatch.setattr(registration, "mint_free", slow_mint)

    def declare_one() -> None:
        with app.app_context():
            began.wait()
            [verdict] = declare(world, make_form(**CARD))
            codes.append((verdict["verdict"], verdict["declaration_code"]))

    threads = [threading.Thread(target=declare_one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    assert sorted(verdict for verdict, _ in codes) == ["again", "good"]
    assert len({code for _, code in codes}) == 1
    for model in (Person, Declaration):
        assert db.session.scalar(select(func.count()).select_from(model)) == 1


def test_two_people_who_give_the_same_number_stay_two(world):
    verdicts = declare(world, make_form(**CARD), make_form(**CARD, name="Trần Văn Bình"))
    assert [verdict["verdict"] for verdict in verdicts] == ["good", "good"]
    assert db.session.scalar(select(func.count()).select_from(Person)) == 2
