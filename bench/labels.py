"""How fast 1,000 tube labels become a PDF, and how much of that each choice buys.

Run: python bench/labels.py [count]. It prints ratios, since seconds are the machine's:
the pipeline of lims.labels, the same without the table of QR codes, and the way the libraries' manuals show
(python-barcode's ImageWriter and qrcode's PIL image, placed with drawImage; reportlab's slow ASCII streams
are off for all of them).
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1]))

import qrcode
from barcode import Code128
from barcode.writer import ImageWriter
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from lims import codes
from lims.labels import A4_70, Label, symbols, tube_sheet_pdf, zpl
from lims.labels.paper import REGULAR

LINES = ("Lô QN-0421 · Cẩm Phả", "Ống gộp 10")


def print_as_pictures(labels: list[Label]) -> bytes:
    """The libraries' own images on reportlab pages."""
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=A4, initialFontName=REGULAR)
    for number, label in enumerate(labels):
        place = number % A4_70.places
        if number and place == 0:
            canvas.showPage()
        row, column = divmod(place, A4_70.columns)
        x, y = (5 + 40 * column) * mm, (297 - 8.5 - 20 * (row + 1)) * mm
        bars = Code128(label.code, writer=ImageWriter()).render({"write_text": False, "dpi": 203})
        square = qrcode.make(label.code, error_correction=qrcode.ERROR_CORRECT_H).get_image()
        canvas.drawImage(ImageReader(bars), x + 3 * mm, y + mm, 34 * mm, 4.5 * mm)
        canvas.drawImage(ImageReader(square), x + mm, y + 6 * mm, 13 * mm, 13 * mm)
        canvas.setFont(REGULAR, 7)
        for line, text in enumerate((codes.grouped(label.code), *label.lines)):
            canvas.drawString(x + 16 * mm, y + (16 - 3 * line) * mm, text)
    canvas.save()
    return stream.getvalue()


def print_without_table(labels: list[Label]) -> bytes:
    """The pipeline with each QR code computed by qrcode, its mask fixed."""
    with patch.object(symbols, "code_matrix", lambda code: symbols.qr_matrix(code, version=1, level="H")):
        return tube_sheet_pdf(labels)


def measure(pipeline: Callable[[list[Label]], bytes], labels: list[Label]) -> tuple[float, int]:
    """The best of three runs: processor seconds, and the size of what came out in bytes."""
    seconds = []
    for _ in range(3):
        started = time.process_time()
        size = len(pipeline(labels))
        seconds.append(time.process_time() - started)
    return min(seconds), size


def main() -> None:
    """Print a table of the pipelines."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    labels = [Label(code, LINES) for code in codes.mint_many("tube", count)]
    tube_sheet_pdf(labels[:1])
    pipelines = {
        "lims.labels, PDF": tube_sheet_pdf,
        "the same without the table": print_without_table,
        "pictures with drawImage": print_as_pictures,
        "lims.labels, ZPL": zpl,
    }
    measured = {name: measure(pipeline, labels) for name, pipeline in pipelines.items()}
    fastest = measured["lims.labels, PDF"][0]
    print(f"{count} labels of 40 x 20 mm")
    for name, (seconds, size) in measured.items():
        print(f"{name:28} {seconds / fastest:6.2f} x  {count / seconds:8.0f} labels/s  {size / 1024:8.0f} KB")


if __name__ == "__main__":
    main()
