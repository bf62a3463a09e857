"""Examples for the API's description out of a stage, and the tokens of its staff."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from api.whole_document import addresses
from security.stage import NOON, Stage

from lims.auth.actions import create_user
from lims.auth.clients.actions import add_client
from lims.auth.rules import DEVICE, PERMISSIONS, ROLES
from lims.auth.scopes import SCOPES
from lims.extensions import db
from lims.pooling.models import Assay

# Whose work an address is, where several roles have its permission: the one that sees most of the stage.
FIRST = ("coordinator", "supervisor", "technician", "collector", "administrator", "health_worker", "courier")


def things_of(stage: Stage) -> dict[str, Any]:
    """Return a thing of the stage by the name of the argument or field that names it."""
    things: dict[str, Any] = {
        name: str(stage.things.get(name) or getattr(stage.world, name))
        for name in (
            "laboratory_id", "campaign_id", "commune_id", "user_id", "request_id", "message_id", "on_call_id",
            "webhook_id", "api_client_id", "file_id", "lot_id", "import_id", "discrepancy_id", "kit_lot_id",
            "device_id", "enrolment_id", "assay_id", "storage_id", "province_id",
        )
    }  # fmt: skip
    return things | {
        "place_id": str(stage.world.site_id),
        # closing what everything belongs to, or withdrawing the phone that asks, would end the play
        "campaigns.campaign_id": str(stage.closed_campaign),
        "teams.device_id": str(stage.other_device_id),
        "user_ids": [str(stage.world.actor("collector").user_id)],
        # a day that is over: a report is kept of no other
        "day": (NOON - timedelta(days=1)).date().isoformat(),
        "team": "Tổ 1",
        "assay_name": "CDC N1 N2 RP",
        "expires_on": "2021-12-31",
        "rack": "R1",
        "q": "Nguyễn",
        "session_id": str(stage.session),
        "result_id": str(stage.verified_result),
        "pool_code": stage.open_pool,
        "run_code": stage.reviewed_run,
        "extraction_code": stage.extraction,
        "boxes.code": stage.open_box,
        "box": stage.sealed_box,
        "origin_id": str(stage.world.site_id),
        "people.code": stage.open[0],
        "tubes.code": stage.waiting[0],
        "channel": "sms",
        "address": "0912 000 222",
        "definition": _definition(stage),
        "content_base64": base64.b64encode("Họ và tên,Năm sinh\nTrần Thị Tám,1975\n".encode()).decode(),
        "lot": "L-2",
        "label": "Trực",
        "file_name": "danh-sach.csv",
        "consent_given": "signed_list",
        "starts_on": "2021-08-20",
        "name": "Mới",
        "export_kind": "tubes",
        "tubes": [stage.waiting[0]],
        "pools": [stage.closed_pool],
        "results": [str(stage.verified_result)],
        "username": "hospital",
        "scopes": ["home"],
        "commune_code": stage.world.commune_code if hasattr(stage.world, "commune_code") else "07201",
        "birth_date": "1980",
        "result_code": stage.result_code,
    }


def _definition(stage: Stage) -> dict[str, Any]:
    with stage.app.app_context():
        definition = db.session.get(Assay, stage.assay_id).definition
        db.session.remove()
    return dict(definition)


def program_token(stage: Stage) -> str:
    """Return the header of a program that has every scope, as one account with every role can give it."""
    administrator = stage.world.actor("administrator")
    at = {"technician": stage.world.laboratory_id, "supervisor": stage.world.laboratory_id}
    with stage.app.app_context():
        account = create_user(
            actor=administrator,
            username="everything",
            display_name="Everything",
            password_hash="",
            roles=[
                (role, None if role == "administrator" else at.get(role, stage.world.province_id))
                for role in ROLES
            ],
            is_service=True,
        )
        made = add_client(
            actor=administrator,
            name="Everything",
            user_id=uuid.UUID(account["id"]),
            scopes=list(SCOPES),
            days=30,
        )
    return f"Bearer {made['token']}"


def staff_tokens(stage: Stage) -> Callable[[str, str], str]:
    """Return what finds the header of somebody who may do what an address does."""
    permission_of = addresses(stage.app)

    def token_for(method: str, path: str) -> str:
        permission = permission_of(method, path)
        if permission is None:
            return stage.bearer("coordinator")["Authorization"] if path.startswith("/api/v1/") else ""
        if permission in PERMISSIONS[DEVICE] - PERMISSIONS["collector"]:
            return f"Device {stage.device_token}"
        role = next(role for role in FIRST if permission in PERMISSIONS[role])
        return stage.bearer(role)["Authorization"]

    return token_for
