"""What is on a PDF, by poppler and zxing: its words, fonts, pages, and what a scanner reads of it."""

from __future__ import annotations

import io
import subprocess

import zxingcpp
from PIL import Image


def _run(command: list[str], pdf: bytes) -> str:
    return subprocess.run(command, input=pdf, capture_output=True, check=True).stdout.decode()


def read_words(pdf: bytes) -> str:
    """Return the text, blanks and line ends as one blank, without the places where a long word may break."""
    return " ".join(_run(["pdftotext", "-layout", "-", "-"], pdf).replace("\u200b", "").split())


def read_facts(pdf: bytes) -> dict[str, str]:
    """Return what pdfinfo says."""
    lines = _run(["pdfinfo", "-"], pdf).splitlines()
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def list_fonts(pdf: bytes) -> dict[str, bool]:
    """Return the fonts and whether they are embedded."""
    lines = _run(["pdffonts", "-"], pdf).splitlines()[2:]
    return {line.split()[0].split("+")[-1]: line.split()[-5] == "yes" for line in lines}


def scan(pdf: bytes, *, dpi: int, page: int = 1) -> list[str]:
    """Return the texts of all QR codes that a scanner finds on a page, printed at a resolution."""
    command = ["pdftoppm", "-r", str(dpi), "-gray", "-f", str(page), "-l", str(page), "-"]
    drawn = subprocess.run(command, input=pdf, capture_output=True, check=True).stdout
    return [found.text for found in zxingcpp.read_barcodes(Image.open(io.BytesIO(drawn)))]
