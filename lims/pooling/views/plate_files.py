"""A planned plate as the files that cyclers and liquid handlers read."""

from __future__ import annotations

from flask import Response, request

from lims.errors import InvalidInput, NotFound
from lims.extensions import db
from lims.pooling.assays import read_definition
from lims.pooling.instruments.plate_files import list_formats, plan_of
from lims.pooling.instruments.plate_files.pipetting import Transfer, write_transfers
from lims.pooling.queries import pools as pool_queries
from lims.pooling.queries import runs as queries
from lims.pooling.views import pooling
from lims.pooling.views.runs import get_run_of_actor
from lims.security import needs

WELL_VOLUME_UL = 200.0
"""Of a deep-well plate in which tubes are mixed before the extraction; the page lets it be changed."""
MOST_VOLUME_UL = 2000.0


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


@pooling.get("/runs/<run_code>/pipetting.csv")
@needs("see_laboratory")
def download_pipetting_list(run_code: str) -> Response:
    """Send the list by which a liquid handler fills the plate: each tube into the well of its pool, in equal parts."""
    run = get_run_of_actor(run_code)
    volume = request.args.get("volume_ul", WELL_VOLUME_UL, type=float)
    if not 0 < volume <= MOST_VOLUME_UL:
        raise InvalidInput("A well takes more than 0 and at most 2,000 µl.", field="volume_ul")
    transfers = [
        Transfer(
            row.tube,
            row.rack_position.rpartition("-")[0],
            row.rack_position.rpartition("-")[2],
            run.code,
            row.position,
            round(volume / row.member_count, 1),
        )
        for row in pool_queries.list_tubes_of_run(db.session(), run_id=run.id)
    ]
    response = Response(write_transfers(transfers), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=f"{run.code}-pipetting.csv")
    return response
