"""A message as it leaves, and what became of it. Pure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Letter:
    """A message with all that a driver needs, and nothing more.

    Args:
        message_id: its key.
        channel: a word of `rules.CHANNELS`.
        attempt: 1 for the first.
        address: telephone in E.164, mailbox, or URL.
        text: what it says; for a webhook its JSON body.
        subject: of an e-mail.
        event: of a webhook.
        secret: what a webhook's body is signed with.
        webhook_id: the receiver, where it is a webhook.
        with_ids: messages to the same telephone that leave in this letter, too.
        letter_id: by which a receiver can drop repeats; None: the message's key.
    """

    message_id: uuid.UUID
    channel: str
    attempt: int
    address: str = field(repr=False)
    text: str
    subject: str = ""
    event: str = ""
    secret: str = field(default="", repr=False)
    webhook_id: uuid.UUID | None = None
    with_ids: tuple[uuid.UUID, ...] = ()
    letter_id: uuid.UUID | None = None

    @property
    def request_id(self) -> uuid.UUID:
        """Return what is the same for every attempt, and for no other letter."""
        return self.letter_id or self.message_id

    @property
    def message_ids(self) -> tuple[uuid.UUID, ...]:
        """Return the keys of all messages in this letter."""
        return (self.message_id, *self.with_ids)


@dataclass(frozen=True)
class Outcome:
    """What a driver said of a letter.

    Args:
        letter: which.
        is_sent: its receiver took it.
        is_known: it certainly was not taken; of no meaning where it was.
        provider_id: what the receiver calls it.
        error: why it was not taken, without keys, addresses or texts.
        drops_repeats: the same letter, sent twice, arrives once.
    """

    letter: Letter
    is_sent: bool
    is_known: bool = True
    provider_id: str = ""
    error: str = ""
    drops_repeats: bool = False


@dataclass(frozen=True)
class Receipt:
    """What a gateway says later.

    Args:
        provider_id: what it called the message; '' where it names only ours.
        request_id: our `Letter.request_id`, where it repeats it.
        is_delivered: True for delivered, False for not, None for neither yet.
        word: the gateway's own word.
    """

    provider_id: str
    request_id: uuid.UUID | None
    is_delivered: bool | None
    word: str
