"""A planned plate as the files that cyclers and liquid handlers read."""

from __future__ import annotations

from flask import Response

from lims.errors import NotFound
from lims.extensions import db
from lims.pooling.assays import read_definition
from lims.pooling.instruments.plate_files import list_formats, plan_of
from lims.pooling.queries import runs as queries
from lims.pooling.views import pooling
from lims.pooling.views.runs import get_run_of_actor
from lims.security import needs


@pooling.get("/runs/<run_code>/plate-files/<name>")
@needs("see_laboratory")
def download_plate_file(run_code: str, name: str) -> Response:
    """Send a plate's set-up file in one format."""
    run = get_run_of_actor(run_code)
    chosen = next((one for one in list_formats() if one.name == name), None)
    if chosen is None:
        raise NotFound("There is no such format. Choose one on the page of the run.", field="name")
    kit = read_definition(run.assay.definition)
    plate = queries.load_plate(db.session(), run_id=run.id)
    content = chosen.write(plan_of(kit, plate, run_code=run.code, size=run.size))
    response = Response(content, mimetype="application/octet-stream")
    response.headers.set("Content-Disposition", "attachment", filename=f"{run.code}-{chosen.file_name}")
    return response
