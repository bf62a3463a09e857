"""A phone's hand-over file, brought in at a desk."""

from __future__ import annotations

from flask import render_template, request

from lims.errors import InvalidInput, LimsError
from lims.field.api.scans import LONGEST_FILE, read_file
from lims.field.views import field
from lims.language import say_error
from lims.security import needs


@field.route("/teams/files", methods=["GET", "POST"])
@needs("hand_in_scans")
def hand_in_file() -> str | tuple[str, int]:
    """Show the form, or hand a file in and show what became of it; the same file again changes nothing."""
    if request.method == "GET":
        return render_template("field/files.html")
    try:
        return render_template("field/files.html", handed=read_file(_sent_text()))
    except LimsError as error:
        return render_template("field/files.html", mistake=say_error(error)), error.status


def _sent_text() -> str:
    file = request.files.get("file")
    content = file.read(LONGEST_FILE) if file and file.filename else b""
    if not content:
        raise InvalidInput("Choose the file that the phone has saved.", field="file")
    return content.decode("utf-8", "replace")
