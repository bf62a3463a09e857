"""Every way an action can be refused, as one small tree.

    LimsError                 something was refused; nothing was changed
    ├── InvalidInput          a value cannot be understood (names its field)
    ├── NotFound              no such thing, or not in the caller's places: the two look alike on purpose
    ├── Refused               understood, but the rules or the state say no
    │   ├── WrongState        the thing is not in a state that allows this
    │   ├── AlreadyDone       the same was done before; nothing to do
    │   └── ClientIdReused    a client-made id came back with other content
    ├── NotAllowed            the caller's roles do not include this
    ├── SignInNeeded          nobody is signed in, or no longer: a station keeps its scans and asks for it
    └── TooManyTries          slow down; carries the seconds to wait

A message is an English msgid with named parameters (`%(tube)s`), translated where it is shown, so that pure
modules can raise errors without knowing Flask. It says what happened, to which thing, and what to do next.
"""

from __future__ import annotations


class LimsError(Exception):
    """An action was refused and nothing was changed.

    Args:
        message: English msgid that names the thing and says what to do, with `%(name)s` parameters.
        field: name of the input at fault, as the form and the API call it; empty when it is no single one.
        parameters: values for the message's parameters.

    The class attribute `status` is the HTTP status and `code` the word a program can tell the error by.
    """

    status = 400
    code = "error"

    def __init__(self, message: str, *, field: str = "", **parameters: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.parameters = parameters

    def __str__(self) -> str:
        return self.message % self.parameters if self.parameters else self.message


class InvalidInput(LimsError):
    """A value cannot be understood; `field` names it."""

    status = 422
    code = "invalid_input"


class NotFound(LimsError):
    """There is no such thing among what the caller may see."""

    status = 404
    code = "not_found"


class Refused(LimsError):
    """The rules of the laboratory or the campaign say no."""

    status = 409
    code = "refused"


class WrongState(Refused):
    """The thing's state does not allow this step."""

    code = "wrong_state"


class AlreadyDone(Refused):
    """The same was done before; nothing is left to do."""

    code = "already_done"


class ClientIdReused(Refused):
    """A client-made id came back with other content."""

    code = "client_id_reused"


class NotAllowed(LimsError):
    """The caller's roles do not include this."""

    status = 403
    code = "not_allowed"


class SignInNeeded(LimsError):
    """Nobody is signed in, or the session has ended; what was sent may be sent again afterwards."""

    status = 401
    code = "sign_in_needed"


class TooManyTries(LimsError):
    """Too many failed tries; `wait_seconds` says for how long to stop."""

    status = 429
    code = "too_many_tries"

    def __init__(self, message: str, *, wait_seconds: int, field: str = "", **parameters: object) -> None:
        super().__init__(message, field=field, wait_seconds=wait_seconds, **parameters)
        self.wait_seconds = wait_seconds
