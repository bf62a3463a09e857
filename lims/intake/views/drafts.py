"""A declaration that is being filled in: kept sealed in the visitor's own form cookie, nowhere on the server.

So going back never loses a word, no half-filled form lies in the database, and the browser forgets it when it is
closed. Only values that passed their step are kept.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import uuid
import zlib
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from flask import session

from lims import codes
from lims.extensions import vault
from lims.intake.declaring import DeclarationForm

_COLUMN = "declaration.draft"


@dataclass(frozen=True)
class Draft:
    """What has been filled in so far; see `DeclarationForm` for the fields.

    Args:
        done: the code of the finished declaration; '' before.
        is_new: False where the person had declared before, and no result code is shown.
    """

    client_id: str
    campaign_id: str = ""
    name: str = ""
    birth_day: str = ""
    birth_month: str = ""
    birth_year: str = ""
    sex: str = ""
    identity_number: str = ""
    old_identity_number: str = ""
    phone: str = ""
    commune_code: str = ""
    address: str = ""
    symptoms: tuple[str, ...] = ()
    is_contact: str = ""
    declared_by: str = "self"
    household_code: str = ""
    done: str = ""
    is_new: bool = True

    @classmethod
    def fresh(cls, **kept: Any) -> Draft:
        """Return an empty draft with an id of its own, and a household of its own unless one is kept."""
        return cls(client_id=str(uuid.uuid4()), **{"household_code": codes.mint("household"), **kept})

    def next_member(self) -> Draft:
        """Return the draft of another person of the same household: what they share is kept."""
        return Draft.fresh(
            campaign_id=self.campaign_id,
            phone=self.phone,
            commune_code=self.commune_code,
            address=self.address,
            declared_by="relative" if self.declared_by == "self" else self.declared_by,
            household_code=self.household_code,
        )

    @property
    def birth_date(self) -> str:
        """Day, month and year as they were typed, joined; only what is known."""
        parts = (self.birth_day, self.birth_month, self.birth_year)
        return "/".join(part.strip() for part in parts if part.strip())

    def form(self, *, consent: bool, consent_version: str = "") -> DeclarationForm:
        """Return the declaration as it would be sent now."""
        same = (
            "name",
            "birth_date",
            "sex",
            "commune_code",
            "identity_number",
            "old_identity_number",
            "phone",
        )
        return DeclarationForm(
            client_id=uuid.UUID(self.client_id),
            **{name: getattr(self, name) for name in (*same, "address", "declared_by", "household_code")},
            symptoms=self.symptoms,
            is_contact=self.is_contact == "yes",
            consent=consent,
            consent_version=consent_version,
        )


def read_draft(key: str) -> Draft:
    """Return the draft kept in the visitor's cookie; a fresh one where there is none that can be opened.

    Args:
        key: which of the visitor's drafts, the page's endpoint.
    """
    try:
        sealed = base64.b85decode(session.get(key, ""))
        plain = vault().unseal_record(sealed, record_id=uuid.UUID(int=0), column=_COLUMN)
        values = json.loads(zlib.decompress(plain))
        return Draft(**{**values, "symptoms": tuple(values["symptoms"])})
    except (ValueError, IndexError, InvalidTag, TypeError, KeyError):
        # Nothing there, of an older version, or of another installation: it starts anew.
        return Draft.fresh()


def keep_draft(key: str, draft: Draft) -> None:
    """Keep a draft in the visitor's cookie, sealed: about 1 kB, at most 3 kB."""
    plain = zlib.compress(json.dumps(dataclasses.asdict(draft), ensure_ascii=False).encode(), 9)
    sealed = vault().seal_record(plain, record_id=uuid.UUID(int=0), column=_COLUMN)
    session[key] = base64.b85encode(sealed).decode()
