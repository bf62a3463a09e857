"""Certificates of real results, on both engines: one a version, revoked with it, good as long as the campaign says."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from pooling import bench
from results import desk
from results.sheets.signer import give_keys, install_signer
from results.test_withdrawal import withdraw
from sqlalchemy import func, select, update
from statements import count_statements

from lims import clock
from lims.audit import Event
from lims.auth.actors import RESIDENT
from lims.extensions import db
from lims.intake.models import Person, Sample
from lims.places.models import Campaign
from lims.results.actions.amendment import amend_result
from lims.results.certificates.actions import certificates as actions
from lims.results.certificates.actions.certificates import issue_certificates
from lims.results.certificates.actions.keys import revoke_key
from lims.results.certificates.examining import examine
from lims.results.certificates.models import Certificate, SigningKey
from lims.results.certificates.publishing import publish, write_revocations
from lims.results.certificates.queries.certificates import Issued
from lims.results.certificates.trust import Trust, read_trust
from lims.results.certificates.verifying import verify_list
from lims.results.models import Result
from lims.transaction import writing

WAIT_S = 0.4


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


@pytest.fixture
def trust(lab) -> Trust:
    return install_signer(lab)


def release(world, count: int = 1) -> tuple[str, list[str]]:
    """Return a run and its tubes, all negative and released."""
    run, tubes = desk.run_tubes(world, count, size=count)
    desk.verify_and_release(world, run)
    give_keys()
    return run, tubes


def issue(tube: str) -> Issued | None:
    key = desk.result_of(tube).id
    return issue_certificates(actor=RESIDENT, result_ids=[key]).get(key)


def examined(text: str, trust: Trust, **later: float) -> dict[str, Any]:
    """Return what a verifier finds who has the newest revocation list."""
    db.session.rollback()
    revoked = verify_list(write_revocations(db.session()).decode(), trust=trust)
    return examine(text, trust=trust, at=clock.now() + timedelta(**later), revoked=revoked)


def count_rows(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_released_result_has_one_certificate_that_everybody_gets(lab, trust):
    _run, (tube,) = release(lab)
    first = issue(tube)
    again = issue(tube)
    assert first == again
    assert count_rows(Certificate) == 1
    found = examined(first.text, trust)
    assert (found["reason"], found["schema_faults"], found["kid"]) == (None, [], first.kid)
    assert found["payload"]["t"][0]["ci"] == first.uvci


def test_it_says_how_many_were_tested_together(lab, trust):
    _run, tubes = release(lab, 10)
    entry = examined(issue(tubes[3]).text, trust)["payload"]["t"][0]
    assert entry["nm"].endswith("RT-PCR pool of 10")
    assert entry["tr"] == "260415000"


def test_nothing_is_issued_before_the_release(lab, trust):
    _run, (tube,) = desk.run_tubes(lab, 1)
    give_keys()
    assert issue(tube) is None
    assert count_rows(Certificate) == 0


def test_nothing_is_issued_of_an_unclear_finding_nor_without_a_key(lab):
    _run, (tube,) = release(lab)
    assert issue(tube) is None  # no key signs
    install_signer(lab)
    with writing() as session:
        session.execute(update(Result).values(finding="inconclusive"))
    assert issue(tube) is None
    assert count_rows(Certificate) == 0


def test_its_text_is_in_the_database_only_under_the_persons_key(lab, trust):
    _run, (tube,) = release(lab)
    text = issue(tube).text
    db.session.rollback()
    sealed = db.session.scalars(select(Certificate.text_sealed)).one()
    assert text.encode() not in sealed
    with writing() as session:
        session.execute(update(Person).values(person_key=None, erased_at=clock.now()))
    assert issue(tube) is None


@pytest.mark.parametrize("hours", [24, 72, 30 * 24])
def test_it_is_good_from_the_sampling_on_for_as_long_as_the_campaign_says(lab, trust, hours):
    _run, (tube,) = release(lab)
    with writing() as session:
        session.execute(update(Campaign).values(certificate_hours=hours))
        sampled_at = clock.now().replace(microsecond=0) - timedelta(hours=20)
        session.execute(update(Sample).values(sampled_at=sampled_at))
    certificate = issue(tube)
    assert certificate.expires_at == sampled_at + timedelta(hours=hours)
    at = certificate.expires_at
    assert examine(certificate.text, trust=trust, at=at)["valid"]
    assert examine(certificate.text, trust=trust, at=at + timedelta(seconds=1))["reason"] == "expired"
    with clock.at(at + timedelta(seconds=1)):
        assert (
            issue(tube) == certificate
        )  # none of a test that is out of date, and the old one stays what it was
    assert count_rows(Certificate) == 1


def test_of_a_sample_that_was_taken_too_long_ago_there_is_none(lab, trust):
    _run, (tube,) = release(lab)
    with clock.at(clock.now() + timedelta(hours=73)):
        assert issue(tube) is None


def test_it_never_outlives_its_signer_and_a_new_signer_gives_the_rest(lab, trust):
    _run, (tube,) = release(lab)
    with writing() as session:
        ends = clock.now().replace(microsecond=0) + timedelta(hours=2)
        session.execute(update(SigningKey).values(not_after=ends))
    first = issue(tube)
    assert first.expires_at == ends
    with clock.at(ends + timedelta(hours=1)):
        assert issue(tube) == first
        install_signer(lab)
        second = issue(tube)
        assert second.uvci != first.uvci
        assert second.expires_at > ends


def test_an_amended_results_certificate_is_revoked_and_the_next_version_has_its_own(lab, trust):
    _run, (tube,) = release(lab)
    first = issue(tube)
    assert examined(first.text, trust)["valid"]
    before = desk.result_of(tube)
    amend_result(
        actor=lab.actor("supervisor"), result_id=before.id, finding="not_detected", reason="Tên bộ sai"
    )
    assert examined(first.text, trust)["reason"] == "revoked"
    assert issue(tube) is None  # the amendment waits for its second person
    assert issue_certificates(actor=RESIDENT, result_ids=[before.id]) == {}
    desk.verify_and_release_one(lab, tube, role="supervisor_2")
    second = issue(tube)
    assert second.uvci != first.uvci
    assert examined(second.text, trust)["valid"]
    assert examined(first.text, trust)["reason"] == "revoked"
    verbs = db.session.scalars(select(Event.verb).where(Event.subject_id == before.id)).all()
    assert [verb for verb in verbs if verb.startswith("certificate")] == [
        "certificate_issued",
        "certificate_revoked",
    ]


def test_a_withdrawn_runs_certificates_are_revoked(lab, trust):
    run, tubes = release(lab, 3)
    _other, (spared,) = release(lab)
    texts = [issue(tube).text for tube in tubes]
    spared_text = issue(spared).text
    withdraw(lab, run)
    assert [examined(text, trust)["reason"] for text in texts] == ["revoked"] * 3
    assert examined(spared_text, trust)["valid"]
    assert [issue(tube) for tube in tubes] == [None] * 3


def test_a_corrected_name_gives_a_new_certificate_and_revokes_the_old_one(lab, trust):
    _run, (tube,) = release(lab)
    first = issue(tube)
    with writing() as session:
        session.execute(update(Person).values(name="Trần Thử Khác"))
    second = issue(tube)
    assert examined(first.text, trust)["reason"] == "revoked"
    assert examined(second.text, trust)["payload"]["nam"]["fn"] == "Trần"


def test_after_a_rotation_old_certificates_still_verify_and_new_ones_have_the_new_key(lab, trust):
    _run, (one, other) = release(lab, 2)
    old = issue(one)
    install_signer(lab)
    new = issue(other)
    assert old.kid != new.kid
    published = published_trust()
    for certificate in (old, new):
        assert examined(certificate.text, published)["kid"] == certificate.kid
        assert examined(certificate.text, published)["valid"]
    assert issue(one) == old


def published_trust() -> Trust:
    db.session.rollback()
    trust, unread = read_trust(publish(db.session()).certificates)
    assert unread == []
    return trust


def test_what_a_revoked_key_signed_verifies_no_more_with_the_list_or_with_the_new_trust(lab):
    _run, (one, other) = release(lab, 2)
    install_signer(lab)
    stolen = issue(one)
    install_signer(lab)  # rotated
    good = issue(other)
    before = published_trust()
    answer = revoke_key(actor=lab.actor("administrator"), kid=stolen.kid, reason="Máy chủ bị mất")
    assert answer == {"kid": stolen.kid, "state": "revoked", "certificates": 1}
    assert examined(stolen.text, before)["reason"] == "signer_revoked"
    assert examined(stolen.text, published_trust())["reason"] == "unknown_signer"
    assert examined(good.text, published_trust())["valid"]
    again = issue(one)  # whoever asks again gets one by the new key
    assert (again.kid, examined(again.text, published_trust())["valid"]) == (good.kid, True)


def at_once(app, *works) -> list[Any]:
    """Run some functions in threads that begin together; return their answers, an error raised in its place."""
    barrier = threading.Barrier(len(works), timeout=10)
    answers: list[Any] = [None] * len(works)

    def run(place: int, work) -> None:
        with app.app_context():
            barrier.wait()
            try:
                answers[place] = work()
            except Exception as error:
                answers[place] = error
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def test_asked_for_six_times_at_once_there_is_one(app, lab, trust):
    _run, (tube,) = release(lab)
    key = desk.result_of(tube).id
    db.session.rollback()
    answers = at_once(app, *[lambda: issue_certificates(actor=RESIDENT, result_ids=[key])] * 6)
    assert len({answer[key].text for answer in answers}) == 1
    assert count_rows(Certificate) == 1


def test_amended_while_it_is_issued_no_certificate_of_the_old_version_is_left(app, lab, trust, monkeypatch):
    """Whichever comes first: the issuing is slowed down between reading the result and saving the certificate."""
    _run, (tube,) = release(lab)
    key = desk.result_of(tube).id
    real = actions.write_certificate

    def slow(*args: Any, **kwargs: Any) -> str:
        threading.Event().wait(WAIT_S)
        return real(*args, **kwargs)

    monkeypatch.setattr(actions, "write_certificate", slow)
    supervisor = lab.actor("supervisor")

    def amend() -> object:
        threading.Event().wait(WAIT_S / 2)
        return amend_result(actor=supervisor, result_id=key, finding="not_detected", reason="Sai")

    issued, amended = at_once(app, lambda: issue_certificates(actor=RESIDENT, result_ids=[key]), amend)
    assert amended["version"] == 2
    assert examined(issued[key].text, trust)["reason"] == "revoked"
    db.session.rollback()
    live = db.session.scalars(select(Certificate).where(Certificate.revoked_at.is_(None))).all()
    assert live == []


def test_a_key_revoked_while_it_signs_leaves_no_certificate_that_counts(app, lab, trust, monkeypatch):
    _run, (tube,) = release(lab)
    key = desk.result_of(tube).id
    real = actions.write_certificate

    def slow(*args: Any, **kwargs: Any) -> str:
        threading.Event().wait(WAIT_S)
        return real(*args, **kwargs)

    monkeypatch.setattr(actions, "write_certificate", slow)
    administrator = lab.actor("administrator")
    db.session.rollback()
    kid = db.session.scalars(select(SigningKey.kid)).one().hex()

    def revoke() -> object:
        threading.Event().wait(WAIT_S / 2)
        return revoke_key(actor=administrator, kid=kid, reason="Mất")

    at_once(app, lambda: issue_certificates(actor=RESIDENT, result_ids=[key]), revoke)
    db.session.rollback()
    live = db.session.scalars(select(Certificate).where(Certificate.revoked_at.is_(None))).all()
    assert live == []


def test_many_are_issued_with_as_few_statements_as_one(lab, trust):
    _run, tubes = release(lab, 10)
    keys: list[uuid.UUID] = [desk.result_of(tube).id for tube in tubes]
    with count_statements() as one:
        issue_certificates(actor=RESIDENT, result_ids=keys[:1])
    with count_statements() as nine:
        issue_certificates(actor=RESIDENT, result_ids=keys[1:])
    assert len(nine) <= len(one) + 2
