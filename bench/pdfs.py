"""A thousand result sheets, from released results to a PDF: alone, as a person takes one, and all as one file.

Prints one process's figures and their ratio to Typst's own compiling of a page that is the same each time but for one
word, which is what the drawing of any page costs:

    python bench/pdfs.py
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import typst

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from factories import make_world  # noqa: E402
from pooling import bench  # noqa: E402
from results import desk  # noqa: E402
from results.sheets.signer import give_keys, install_signer  # noqa: E402

from lims import create_app, database  # noqa: E402
from lims.config import Settings  # noqa: E402
from lims.extensions import db  # noqa: E402
from lims.labels.paper import REGULAR, font_file  # noqa: E402
from lims.results.certificates.actions.certificates import issue_certificates  # noqa: E402
from lims.results.sheets.preparing import draw, prepare_sheets  # noqa: E402
from lims.results.sheets.queries import list_results_with_sheet  # noqa: E402

SHEETS = 1_000
A_PLATE = 90
BARE = '#set page(paper: "a4")\n#set text(font: "Be Vietnam Pro")\nÂM TÍNH #sys.inputs.word'
WHEN = int(datetime(2021, 8, 16, tzinfo=UTC).timestamp())


def take(step: Callable[[], object]) -> float:
    """Return how long a step took, in seconds."""
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def compile_bare(folder: Path, pages: int) -> None:
    """Compile a page that is the same but for one word."""
    template = folder / "bare.typ"
    template.write_text(BARE, encoding="utf-8")
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[font_file(REGULAR).parent]
    )
    compiler = typst.Compiler(input=template, root=folder, font_paths=fonts, sys_inputs={"word": ""})
    for page in range(pages):
        compiler.compile(format="pdf", sys_inputs={"word": str(page)}, pdf_standards="a-2b", timestamp=WHEN)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            secret_key="b" * 40, database_url=f"sqlite:///{folder}/lims.sqlite", instance_path=Path(folder)
        )
        with create_app(settings).app_context():
            database.upgrade()
            world = make_world()
            bench.install(world)
            install_signer(world)
            for made in range(0, SHEETS, A_PLATE):
                run, _tubes = desk.run_tubes(world, min(A_PLATE, SHEETS - made), size=1)
                desk.verify_and_release(world, run)
            give_keys()
            coordinator = world.actor("coordinator")
            found = list_results_with_sheet(db.session(), actor=coordinator)
            signing = take(lambda: issue_certificates(actor=coordinator, result_ids=found))
            one_by_one = take(lambda: [draw(prepare_sheets(db.session(), result_ids=[key])) for key in found])
            together = take(lambda: draw(prepare_sheets(db.session(), result_ids=found)))
            bare = take(lambda: compile_bare(Path(folder), SHEETS))
    count = len(found)
    print(f"{count} certificates signed and kept   {signing:6.2f} s  {count / signing:7.0f} a second")
    print(f"{SHEETS} bare pages, one file each      {bare:6.2f} s  {SHEETS / bare:7.0f} a second")
    for name, taken in (("one file each", one_by_one), ("as one file", together)):
        print(
            f"{count} sheets, {name:<16}        {taken:6.2f} s  {count / taken:7.0f} a second"
            f"   {bare / SHEETS * count / taken:5.2f} of a bare page"
        )


if __name__ == "__main__":
    main()
