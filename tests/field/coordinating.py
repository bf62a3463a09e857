"""A coordinator at a desk: enrols through the actions, sends lists, and fills in the pages' forms."""

from __future__ import annotations

import re
import uuid
from typing import Any

from factories import World, make_user
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from lims import clock
from lims.extensions import db
from lims.field.actions.enrolments import enrol_collectors, enrol_list
from lims.field.enrolling import RefusedRow, read_collectors
from lims.transaction import writing


def enrol(world: World, role: str = "coordinator", **changed: Any) -> dict[str, Any]:
    """Enrol the world's collector for today, or whom and when `changed` says."""
    words = {
        "campaign_id": world.campaign_id,
        "place_id": world.site_id,
        "day": clock.today(),
        "team": "Tổ 1",
        "user_ids": [world.actor("collector").user_id],
    }
    return enrol_collectors(actor=world.actor(role), client_id=uuid.uuid4(), **words | changed)


def a_list(count: int, *, site: str = "") -> bytes:
    """Return a list of borrowed collectors in five teams, as CSV."""
    rows = "\n".join(f"Người Mượn {number},Đội {number % 5},{site}" for number in range(count))
    return f"Họ và tên,Tổ,Điểm lấy mẫu\n{rows}\n".encode()


def send_list(world: World, content: bytes, **changed: Any) -> tuple[list[dict[str, Any]], list[RefusedRow]]:
    """Enrol a list; return its verdicts, and the rows that could not be read."""
    rows, refused = read_collectors(content)
    words = {"campaign_id": world.campaign_id, "place_id": world.site_id, "day": clock.today(), "rows": rows}
    return enrol_list(actor=world.actor("coordinator"), client_id=uuid.uuid4(), **words | changed), refused


def add_collectors(world: World, count: int) -> list[uuid.UUID]:
    """Save more accounts that collect at the site and return their keys."""
    made = [make_user(f"lay_mau_{number}", "collector", world.site_id) for number in range(count)]
    with writing() as session:
        session.add_all(user for user, _ in made)
        session.flush()
        session.add_all(assignment for _, assignment in made)
        keys = [user.id for user, _ in made]
    db.session.rollback()
    return keys


class Desk:
    """A browser at a desk that sends forms with their token."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, address: str) -> TestResponse:
        """Open a page."""
        return self.client.get(address)

    def post(self, address: str, *, data: dict[str, object], shown_at: str = "") -> TestResponse:
        """Send the form of a page."""
        page = self.client.get(shown_at or address).text
        token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page)[-1]
        sent = {"csrf_token": token, "client_id": str(uuid.uuid4())} | data
        return self.client.post(address, data=sent, follow_redirects=True)
