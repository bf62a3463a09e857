"""A machine plays queueing, workers that take, send, fail, die or are slow, receipts and staff, in any order.

Whatever happens: towards people nothing leaves twice unless staff say so, nothing is forgotten, and nothing is said to
have been sent that was not. The model counts how often each message may have left; the table must agree.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from factories import MORNING, World
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from outbox.town import messages, wakeful_world
from sqlalchemy import delete

from lims import clock
from lims.auth.actors import RESIDENT, SYSTEM
from lims.extensions import db, vault
from lims.outbox import stations
from lims.outbox.actions.receipts import note_receipt
from lims.outbox.actions.receivers import add_on_call, add_webhook
from lims.outbox.actions.sending import find_lost, take_next
from lims.outbox.actions.settling import send_again, settle_message
from lims.outbox.letters import Letter, Outcome, Receipt
from lims.outbox.models import Message
from lims.outbox.queueing import Draft, queue_messages
from lims.outbox.rules import LEASE, LONGEST_DELAY, MOST_ATTEMPTS, STUCK
from lims.outbox.writing import Paper
from lims.tables import new_id
from lims.transaction import writing

# only other systems drop repeats by themselves
REPEATS = {"sms": False, "email": False, "webhook": True}


@dataclass
class Known:
    """What really happened to a message."""

    kind: str
    may_have_left: int = 0
    times_allowed: int = 1


@dataclass
class Hand:
    """A worker with a letter."""

    name: str
    letter: Letter | None = None


@dataclass
class Town:
    """Keys that messages refer to."""

    world: World
    on_call_id: uuid.UUID
    webhook_id: uuid.UUID
    nobody: set[uuid.UUID] = field(default_factory=set)


class Outbox(RuleBasedStateMachine):
    """The machine; `town` is set for each engine."""

    town: Town

    def __init__(self) -> None:
        super().__init__()
        with writing() as session:
            session.execute(delete(Message))
        self.now = MORNING
        self.known: dict[uuid.UUID, Known] = {}
        self.hands = [Hand("one-0"), Hand("two-0")]
        self.names = 0
        self.town.nobody.clear()

    def take(self, hand: Hand, *, done: Outcome | None = None, is_ending: bool = False) -> Letter | None:
        """Let a worker note what was and take what is next."""
        with clock.at(self.now):
            return take_next(
                actor=SYSTEM,
                worker=hand.name,
                paper=Paper(vault(), "https://portal.example.vn"),
                channels=list(REPEATS),
                lease=LEASE,
                done=done,
                is_ending=is_ending,
            )

    def hand_over(self, letter: Letter) -> None:
        """Give a letter to its receiver, as a driver does."""
        kind = {"email": "alert"}.get(letter.channel, letter.channel)
        for message_id in letter.message_ids:
            self.known.setdefault(message_id, Known(kind)).may_have_left += 1

    @rule(kind=st.sampled_from(["sms", "sms", "alert", "webhook"]), size=st.integers(1, 3))
    def queue(self, kind: str, size: int) -> None:
        """Write messages; several to people are of one household."""
        world, receiver = self.town.world, {"alert": self.town.on_call_id, "webhook": self.town.webhook_id}
        drafts = [
            Draft(
                kind=kind,
                channel={"alert": "email"}.get(kind, kind),
                template={"sms": "result_ready", "alert": "positive_result"}.get(kind, "result.released"),
                key=str(new_id()),
                subject_kind="result",
                subject_id=new_id(),
                campaign_id=world.campaign_id,
                laboratory_id=world.laboratory_id,
                commune_id=world.commune_id,
                receiver_id=receiver.get(kind) or new_id(),
                data={
                    "declaration": "K12345678",
                    "tube": "T12345678",
                    "laboratory": "QN01",
                    "commune": "06655",
                },
                telephone=b"home" if kind == "sms" else None,
            )
            for _ in range(size)
        ]
        with clock.at(self.now), writing() as session:
            queue_messages(session, drafts)
        for message in messages():
            self.known.setdefault(message.id, Known(message.kind))

    @rule(which=st.integers(0, 1))
    def take_one(self, which: int) -> None:
        """A free worker takes a letter."""
        hand = self.hands[which]
        if hand.letter is None:
            hand.letter = self.take(hand)

    @rule(which=st.integers(0, 1), said=st.sampled_from(["sent", "sent", "refused", "unclear"]))
    def finish(self, which: int, said: str) -> None:
        """A worker hands its letter over and notes what its driver said; if slow, others took it for lost meanwhile."""
        hand = self.hands[which]
        if hand.letter is None:
            return
        if said != "refused":
            self.hand_over(hand.letter)
        done = Outcome(
            hand.letter,
            is_sent=said == "sent",
            is_known=said != "unclear",
            provider_id=f"gateway-{hand.letter.request_id}",
            error="" if said == "sent" else said,
            drops_repeats=REPEATS[hand.letter.channel],
        )
        hand.letter = None
        self.take(hand, done=done, is_ending=True)

    @rule(which=st.integers(0, 1), handed_over=st.booleans())
    def die(self, which: int, handed_over: bool) -> None:
        """A worker dies with its letter, before or after it was handed over; another starts in its place."""
        hand = self.hands[which]
        if hand.letter is not None and handed_over:
            self.hand_over(hand.letter)
        self.names += 1
        self.hands[which] = Hand(f"new-{self.names}")

    @rule(minutes=st.sampled_from([1, 3, 65]))
    def wait(self, minutes: int) -> None:
        """Time passes: leases end, what failed is due again."""
        self.now += timedelta(minutes=minutes)

    @rule()
    def look_for_lost(self) -> None:
        """A worker takes from the dead what they had in hand."""
        with clock.at(self.now):
            find_lost(actor=SYSTEM, channels=REPEATS)

    @precondition(lambda self: any(one.may_have_left for one in self.known.values()))
    @rule(data=st.data(), delivered=st.booleans(), by_request=st.booleans())
    def say_later(self, data: st.DataObject, delivered: bool, by_request: bool) -> None:
        """The gateway says of a letter it got what became of it."""
        left = [key for key, one in self.known.items() if one.may_have_left and one.kind == "sms"]
        if not left:
            return
        key = data.draw(st.sampled_from(sorted(left)))
        message = next(one for one in messages() if one.id == key)
        request_id = message.letter_id or message.id
        receipt = Receipt(
            "" if by_request else f"gateway-{request_id}", request_id if by_request else None, delivered, "5"
        )
        with clock.at(self.now):
            note_receipt(actor=RESIDENT, receipt=receipt)

    @rule(data=st.data(), again=st.booleans())
    def decide(self, data: st.DataObject, again: bool) -> None:
        """Staff send once more what is stuck, or note that it arrived."""
        stuck = [one for one in messages() if one.status in STUCK]
        if not stuck:
            return
        chosen = data.draw(st.sampled_from(sorted(stuck, key=lambda one: one.id)))
        with clock.at(self.now):
            if not again:
                settle_message(actor=SYSTEM, message_id=chosen.id)
                return
            send_again(actor=SYSTEM, message_id=chosen.id)
        for one in messages(status="queued"):
            if one.id == chosen.id or (
                chosen.letter_id and one.id in {s.id for s in stuck} and one.attempts == 0
            ):
                self.known[one.id].times_allowed = self.known[one.id].may_have_left + 1

    @rule(data=st.data())
    def lose_telephone(self, data: st.DataObject) -> None:
        """A person is erased."""
        people = [one.person_id for one in messages(kind="sms") if one.person_id not in self.town.nobody]
        if people:
            self.town.nobody.add(data.draw(st.sampled_from(sorted(people))))

    @invariant()
    def nothing_leaves_twice(self) -> None:
        """Towards people and staff each message left at most as often as staff allowed."""
        for message in messages():
            one = self.known.setdefault(message.id, Known(message.kind))
            if one.kind != "webhook":
                assert one.may_have_left <= one.times_allowed, message.status
                # nor is it about to
                if message.status == "queued":
                    assert one.may_have_left < one.times_allowed, "waits to be sent although it may have left"

    @invariant()
    def the_table_says_what_is_so(self) -> None:
        """Nothing is said to be sent that did not leave; only other systems are never in doubt."""
        for message in messages():
            one = self.known[message.id]
            if message.status == "sent":
                assert one.may_have_left
            assert not (message.status == "unsure" and one.kind == "webhook")

    def teardown(self) -> None:
        """Healthy workers finish: nothing waits any more, nothing is in a dead worker's hand."""
        for _turn in range(MOST_ATTEMPTS):
            self.now += LONGEST_DELAY + LEASE
            self.look_for_lost()
            for which in (0, 1):
                for _letter in range(200):
                    if self.hands[which].letter is None:
                        self.take_one(which)
                    if self.hands[which].letter is None:
                        break
                    self.finish(which, "sent")
            if not messages(status="queued") and not messages(status="sending"):
                break
        self.nothing_leaves_twice()
        self.the_table_says_what_is_so()
        ended = Counter(one.status for one in messages())
        assert set(ended) <= {"sent", "delivered", "unsure", "given_up", "cancelled"}
        assert sum(ended.values()) == len(self.known), "none forgotten"
        for one in messages(status="cancelled"):
            assert one.person_id in self.town.nobody or one.template == "messages_stuck"


@pytest.fixture
def town(app) -> Town:
    world = wakeful_world()
    administrator = world.actor("administrator")
    entry = add_on_call(
        actor=administrator,
        place_id=world.laboratory_id,
        channel="email",
        address="truc@example.vn",
        label="Trực",
    )
    hook = add_webhook(
        actor=administrator,
        name="HIS",
        url="https://his.example.vn/",
        events=["result.released"],
        place_id=None,
    )
    return Town(world, uuid.UUID(entry["id"]), uuid.UUID(hook["id"]))


def test_no_order_of_events_sends_twice_forgets_or_lies(town, monkeypatch):
    monkeypatch.setattr(stations.answers, "is_due", lambda _session, _template, _subject_id: True)
    monkeypatch.setattr(
        stations.answers,
        "find_phone",
        lambda _session, _vault, person_id: "" if person_id in town.nobody else "+84912345678",
    )
    machine = type("OutboxHere", (Outbox,), {"town": town})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=6,
            stateful_step_count=25,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
    db.session.rollback()
