"""Messages from the command line: the worker that sends them, what is stuck, how a gateway is described."""

from __future__ import annotations

import json
import signal
import threading
import uuid
from datetime import timedelta
from typing import Any

import click
from flask.cli import with_appcontext

from lims import clock
from lims.auth.actors import SYSTEM
from lims.commands.output import json_option, say
from lims.extensions import db, settings, vault
from lims.outbox.actions.settling import send_again as send_again_action
from lims.outbox.drivers.choosing import choose_drivers, receipt_secret, receipt_url
from lims.outbox.gateway import EXAMPLE
from lims.outbox.models import Message
from lims.outbox.queries import messages as queries
from lims.outbox.rules import LEASE, MESSAGE
from lims.outbox.worker import Worker
from lims.outbox.writing import Paper

SHOWN = 500


@click.command("worker")
@click.option("--once", is_flag=True, help="End when nothing more is due.")
@click.option(
    "--until-empty",
    is_flag=True,
    help="End when nothing is due and nothing is in the hand of another worker, alive or dead.",
)
@click.option(
    "--lease",
    default=int(LEASE.total_seconds()),
    show_default=True,
    type=click.IntRange(1, 3600),
    help="Seconds after which a message in hand counts as lost.",
)
@with_appcontext
def worker(once: bool, until_empty: bool, lease: int) -> None:
    """Send messages: to people, to staff on call, to other systems; every night, erase what is due.

    Several may run, on one machine or on many. SIGTERM ends it after the message in hand; after a crash nothing is
    forgotten and nothing is sent twice: what may have left is shown on the page of messages.

    Example: SMS_GATEWAY=/etc/lims/esms.json lims worker
    """
    drivers = choose_drivers(settings(), vault())
    missing = sorted({"sms", "email"} - drivers.keys())
    if missing:
        click.echo(f"No way to send {' and '.join(missing)}: these messages wait.", err=True)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    paper = Paper(vault(), settings().base_url)
    one = Worker(drivers, paper=paper, lease=timedelta(seconds=lease), stop=stop)
    try:
        sent = one.run(once=once, until_empty=until_empty)
    finally:
        for driver in drivers.values():
            driver.close()
    click.echo(f"{sent} messages sent.", err=True)


@click.group("outbox")
def outbox_group() -> None:
    """Look at messages, send one again, describe an SMS gateway.

    Example: lims outbox list --status given_up
    """


@outbox_group.command("list")
@click.option(
    "--status", type=click.Choice(MESSAGE.words), help="Without it: those that wait for a decision."
)
@json_option
@with_appcontext
def list_command(status: str | None, as_json: bool) -> None:
    """List messages, the oldest first; exit with 1 where some wait for a decision, so that a cron job mails them.

    Example: lims outbox list --json
    """
    found = queries.list_messages(db.session(), actor=SYSTEM, status=status or "", most=SHOWN)
    lines = [_describe(message) for message in found]
    say(
        lines,
        as_json=as_json,
        sentence=lambda: (
            "\n".join(
                f"{line['id']}  {line['status']:<10} {line['template']:<21} {line['created_at']}  {line['last_error']}"
                for line in lines
            )
            or "Nothing waits."
        ),
    )
    if lines and not status:
        raise SystemExit(1)


def _describe(message: Message) -> dict[str, Any]:
    return {
        "id": str(message.id),
        "kind": message.kind,
        "channel": message.channel,
        "template": message.template,
        "status": message.status,
        "attempts": message.attempts,
        "created_at": clock.local(message.created_at).isoformat(timespec="seconds"),
        "last_error": message.last_error,
    }


@outbox_group.command("again")
@click.argument("message", type=click.UUID)
@with_appcontext
def again(message: uuid.UUID) -> None:
    """Queue a message once more that was given up or may have arrived.

    Example: lims outbox again 01890000-0000-7000-8000-000000000000
    """
    answer = send_again_action(actor=SYSTEM, message_id=message)
    click.echo(f"{answer['message']} is {answer['status']}.")


@outbox_group.command("example")
def example() -> None:
    """Print a file for SMS_GATEWAY, for a gateway like eSMS; put in the keys, and make it readable for the server only.

    Example: lims outbox example > /etc/lims/esms.json
    """
    click.echo(json.dumps(EXAMPLE, ensure_ascii=False, indent=2))


@outbox_group.command("receipts")
@json_option
@with_appcontext
def receipts(as_json: bool) -> None:
    """Print where the gateway reports what became of messages, and the secret that it sends with that.

    The secret is a bearer token, or the password of any user's name. A gateway that signs its receipts needs none.

    Example: lims outbox receipts
    """
    address, secret = receipt_url(settings()), receipt_secret(vault())
    say(
        {"url": address, "secret": secret},
        as_json=as_json,
        sentence=lambda: f"POST {address}\nAuthorization: Bearer {secret}",
    )
