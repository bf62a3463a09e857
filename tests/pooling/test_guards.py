"""A pool's guards: a negative pool speaks for everybody in it, so nothing may join that would make that false."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.pooling.guards import (
    Elsewhere,
    Policy,
    PoolFacts,
    TubeFacts,
    add_all,
    judge_addition,
    must_be_alone,
)

HERE, THERE, CAMPAIGN, OTHER = (uuid.uuid4() for _ in range(4))
POLICY = Policy(CAMPAIGN, pool_size=10, symptomatic_alone=True, contacts_alone=False)


def tube(code: str = "T", **facts) -> TubeFacts:
    given_facts = {"people": frozenset({uuid.uuid4()}), "mode": "single", "status": "received"} | facts
    return TubeFacts(
        uuid.uuid4(),
        code,
        laboratory_id=facts.pop("laboratory_id", HERE),
        campaign_id=facts.pop("campaign_id", CAMPAIGN),
        **{k: v for k, v in given_facts.items() if k not in ("laboratory_id", "campaign_id")},
    )


def pool(*tubes: TubeFacts, status: str = "open", policy: Policy = POLICY) -> PoolFacts:
    return PoolFacts("P", status, HERE, policy, tubes)


def test_a_received_tube_joins_an_open_pool():
    assert judge_addition(pool(tube()), tube()).verdict == "good"


def test_the_same_tube_again_changes_nothing_even_in_a_closed_pool():
    one = tube()
    assert judge_addition(pool(one), one).verdict == "again"
    assert judge_addition(pool(one, status="closed"), one).verdict == "again"


@pytest.mark.parametrize(
    ("code", "inside", "scanned"),
    [
        ("pool_closed", pool(tube(), status="closed"), tube()),
        ("pool_closed", pool(tube(), status="resolved"), tube()),
        ("not_received", pool(), tube(status="used")),
        ("not_received", pool(), tube(status="boxed")),
        ("tube_rejected", pool(), tube(status="rejected")),
        ("tube_damaged", pool(), tube(status="damaged")),
        ("tube_discarded", pool(), tube(status="discarded")),
        ("tube_void", pool(), tube(status="void")),
        ("wrong_laboratory", pool(), tube(laboratory_id=THERE)),
        ("in_other_pool", pool(), tube(in_test=Elsewhere("P2", "Lan", "08:42"))),
        ("already_tested", pool(), tube(tested_in="P3")),
        ("other_campaign", pool(tube()), tube(campaign_id=OTHER)),
        ("alone_mixed", pool(tube()), tube(mode="mixed")),
        ("pool_holds_one_alone", pool(tube(mode="mixed")), tube()),
        ("alone_symptoms", pool(tube()), tube(has_symptoms=True)),
        ("pool_holds_one_alone", pool(tube(has_symptoms=True)), tube()),
        ("pool_full", pool(*(tube() for _ in range(10))), tube()),
    ],
)
def test_what_does_not_belong_is_refused_with_its_reason(code, inside, scanned):
    judgement = judge_addition(inside, scanned)
    assert (judgement.verdict, judgement.code) == ("wrong", code)
    assert judgement.message % judgement.parameters, "the sentence has all its parameters"


def test_who_holds_a_tube_is_named_with_the_time():
    judgement = judge_addition(pool(), tube(in_test=Elsewhere("P2", "Lan", "08:42")))
    sentence = judgement.message % judgement.parameters
    assert "Lan" in sentence and "08:42" in sentence and "P2" in sentence


def test_the_same_person_is_never_twice_in_a_pool():
    lan = frozenset({uuid.uuid4()})
    assert judge_addition(pool(tube(people=lan)), tube(people=lan)).code == "same_person"


def test_a_symptomatic_person_or_a_contact_is_alone_only_if_the_policy_says_so():
    together = replace(POLICY, symptomatic_alone=False)
    assert judge_addition(pool(tube(), policy=together), tube(has_symptoms=True)).verdict == "good"
    strict = replace(POLICY, contacts_alone=True)
    assert judge_addition(pool(tube(), policy=POLICY), tube(is_contact=True)).verdict == "good"
    assert judge_addition(pool(tube(), policy=strict), tube(is_contact=True)).code == "alone_contact"


def test_a_policy_above_twenty_is_still_twenty():
    large = replace(POLICY, pool_size=50)
    full = pool(*(tube() for _ in range(20)), policy=large)
    assert judge_addition(full, tube()).code == "pool_full"


people = st.sampled_from([frozenset({uuid.UUID(int=n)}) for n in range(12)])
tubes = st.builds(
    lambda people, mode, symptoms, contact, status, where: tube(
        people=people,
        mode=mode,
        has_symptoms=symptoms,
        is_contact=contact,
        status=status,
        laboratory_id=where,
    ),
    people,
    st.sampled_from(["single", "single", "single", "mixed"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["received", "received", "stored", "rejected", "used"]),
    st.sampled_from([HERE, HERE, HERE, THERE]),
)


@given(
    st.lists(tubes, max_size=40),
    st.builds(
        Policy,
        st.just(CAMPAIGN),
        st.integers(1, 20),
        symptomatic_alone=st.booleans(),
        contacts_alone=st.booleans(),
    ),
)
def test_whatever_is_scanned_in_whatever_order_a_pool_keeps_its_promises(scanned, policy):
    made, judgements = add_all(pool(policy=policy), scanned)
    assert len(judgements) == len(scanned)
    assert len(made.tubes) <= policy.pool_size
    assert len({person for member in made.tubes for person in member.people}) == len(made.tubes)
    assert all(
        member.laboratory_id == HERE and member.status in ("received", "stored") for member in made.tubes
    )
    if len(made.tubes) > 1:
        assert not any(must_be_alone(member, policy) for member in made.tubes)
