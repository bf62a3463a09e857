"""Lists of people and labels from the command line."""

from __future__ import annotations

import uuid
from pathlib import Path

import click
from flask.cli import with_appcontext
from flask_babel import force_locale

from lims import labels as printing
from lims.auth.actors import SYSTEM
from lims.commands.output import json_option, say
from lims.errors import InvalidInput
from lims.extensions import db, vault
from lims.intake import refused_rows
from lims.intake.actions import lists, lots
from lims.intake.people_list import in_english, refused_csv
from lims.intake.people_rows import Reason
from lims.intake.queries import lists as list_queries
from lims.intake.queries import lots as lot_queries
from lims.intake.tube_labels import make_tube_labels
from lims.language import DEFAULT, LANGUAGES
from lims.places import queries as place_queries
from lims.places.models import Campaign

SHOWN_PROBLEMS = 20

campaign_option = click.option(
    "--campaign", "campaign_id", type=click.UUID, help="Id of the campaign; the only open one by default."
)


@click.group("import")
def import_group() -> None:
    """Import lists that others keep.

    Example: lims import people to-3.csv --commune 06655 --dry-run
    """


@import_group.command("people")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@campaign_option
@click.option("--commune", "commune_code", help="Code of the commune of rows that name none.")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.option(
    "--refused", type=click.Path(dir_okay=False, path_type=Path), help="Write the refused rows to this CSV."
)
@json_option
@with_appcontext
def import_people(
    file: Path,
    campaign_id: uuid.UUID | None,
    commune_code: str | None,
    dry_run: bool,
    refused: Path | None,
    as_json: bool,
) -> None:
    """Declare the people of FILE, a CSV or XLSX with a header in Vietnamese or English.

    Every row is declared, or refused with its line, column and reason; the same file again creates nothing twice.
    Exits with 1 when rows were refused.

    Example: lims import people to-3.csv --commune 06655 --refused to-mend.csv --json
    """
    campaign = _campaign(campaign_id)
    commune = (
        place_queries.get_commune(db.session(), code=commune_code, edition=campaign.province.edition)
        if commune_code
        else None
    )
    with click.progressbar(length=1, label="People", hidden=as_json) as bar:

        def progress(done: int, all_rows: int) -> None:
            bar.length = all_rows
            bar.update(done - bar.pos)

        summary = lists.import_people(
            actor=SYSTEM,
            client_id=uuid.uuid4(),
            campaign_id=campaign.id,
            commune_id=commune.id if commune else None,
            file_name=file.name,
            content=file.read_bytes(),
            dry_run=dry_run,
            progress=progress,
        )
    if summary["import_id"]:
        summary["problems"] = _open_refused(uuid.UUID(summary["import_id"]), refused)
    say(
        summary,
        as_json=as_json,
        sentence=f"{summary['rows_read']} rows: {summary['accepted']} declared, {summary['repeated']} declared"
        f" before, {summary['refused']} refused.",
    )
    if summary["refused"]:
        raise click.ClickException(_say_problems(summary["problems"], summary["refused"]))


@click.group("labels")
def labels_group() -> None:
    """Mint codes and print their labels.

    Example: lims labels mint --mode single --count 700 --pdf tubes.pdf
    """


@labels_group.command("mint")
@campaign_option
@click.option("--mode", type=click.Choice(["single", "mixed"]), required=True, help="What goes into a tube.")
@click.option("--count", type=click.IntRange(1, lots.MOST_TUBES), required=True, help="How many tubes.")
@click.option("--pdf", type=click.Path(dir_okay=False, path_type=Path), help="Write A4 sheets to this file.")
@json_option
@with_appcontext
def mint(campaign_id: uuid.UUID | None, mode: str, count: int, pdf: Path | None, as_json: bool) -> None:
    """Mint a lot of tube codes, and print it where --pdf says so.

    Example: lims labels mint --mode mixed --count 140 --pdf mixed.pdf --json
    """
    lot = lots.mint_tubes(
        actor=SYSTEM, client_id=uuid.uuid4(), campaign_id=_campaign(campaign_id).id, mode=mode, count=count
    )
    if pdf is not None:
        pdf.write_bytes(
            _print_lot(uuid.UUID(lot["lot_id"]), first=1, last=count, form="pdf", language=DEFAULT)
        )
    say(lot, as_json=as_json, sentence=f"Lot {lot['lot_id']}: {count} tubes, {mode}.")


@labels_group.command("print")
@click.argument("lot_id", type=click.UUID)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--first", type=click.IntRange(1), default=1, show_default=True, help="Number of the first label."
)
@click.option("--last", type=click.IntRange(1), help="Number of the last label; the lot's last by default.")
@click.option("--language", type=click.Choice(LANGUAGES), default=DEFAULT, show_default=True)
@with_appcontext
def print_labels(lot_id: uuid.UUID, file: Path, first: int, last: int | None, language: str) -> None:
    """Write labels of the lot LOT_ID to FILE: A4 sheets (.pdf) or a thermal printer's language (.zpl).

    Example: lims labels print 0198c1d2-5d3c-7cc5-8f3e-6a1b2c3d4e5f tubes.zpl --first 1 --last 500
    """
    form = file.suffix.lower().removeprefix(".")
    if form not in ("pdf", "zpl"):
        raise click.UsageError("Name the file .pdf or .zpl.")
    file.write_bytes(_print_lot(lot_id, first=first, last=last, form=form, language=language))
    click.echo(f"Wrote {file}.")


@labels_group.command("boxes")
@campaign_option
@click.option("--count", type=click.IntRange(1, lots.MOST_BOXES), required=True, help="How many boxes.")
@click.option("--pdf", type=click.Path(dir_okay=False, path_type=Path), help="Write A4 sheets to this file.")
@json_option
@with_appcontext
def mint_boxes(campaign_id: uuid.UUID | None, count: int, pdf: Path | None, as_json: bool) -> None:
    """Mint box codes, and print them where --pdf says so.

    Example: lims labels boxes --count 8 --pdf boxes.pdf
    """
    minted = lots.mint_boxes(
        actor=SYSTEM, client_id=uuid.uuid4(), campaign_id=_campaign(campaign_id).id, count=count
    )
    if pdf is not None:
        pdf.write_bytes(printing.box_sheet_pdf(printing.Label(code) for code in minted["boxes"]))
    say(minted, as_json=as_json, sentence="\n".join(minted["boxes"]))


def _campaign(campaign_id: uuid.UUID | None) -> Campaign:
    if campaign_id is not None:
        return place_queries.get_campaign(db.session(), campaign_id=campaign_id)
    found = place_queries.list_open_campaigns(db.session())
    if len(found) != 1:
        raise InvalidInput(
            "There are %(count)s open campaigns. Name one with --campaign.",
            field="campaign_id",
            count=len(found),
        )
    return found[0]


def _print_lot(lot_id: uuid.UUID, *, first: int, last: int | None, form: str, language: str) -> bytes:
    lot = lot_queries.get_lot(db.session(), actor=SYSTEM, lot_id=lot_id)
    most = (last or lot.tube_count) - first + 1
    found = lot_queries.list_tube_codes(db.session(), lot_id=lot_id, first=first, most=max(most, 0))
    if not found:
        raise InvalidInput(
            "The lot has no such labels: it ends with %(last)s.", field="first", last=lot.tube_count
        )
    with force_locale(language):
        made = make_tube_labels(lot, found)
    return printing.zpl(made) if form == "zpl" else printing.tube_sheet_pdf(made)


def _open_refused(import_id: uuid.UUID, file: Path | None) -> list[dict[str, object]]:
    """Return the reasons of a list just imported, and write its refused rows where wanted."""
    found = list_queries.get_import(db.session(), actor=SYSTEM, import_id=import_id)
    if found.refused_sealed is None:
        return []
    plain = vault().unseal_record(found.refused_sealed, record_id=found.id, column=lists.REFUSED_COLUMN)
    people = refused_rows.unpack(plain)
    if file is not None:
        file.write_bytes(refused_csv(people))
    return lists.list_problems(people)


def _say_problems(problems: list[dict[str, object]], refused: int) -> str:
    lines = [
        f"line {one['line']}: {in_english(Reason(str(one['column']), str(one['message']), one['parameters']))}"  # type: ignore[arg-type]
        for one in problems[:SHOWN_PROBLEMS]
    ]
    return "\n".join([f"{refused} rows were refused.", *lines])
