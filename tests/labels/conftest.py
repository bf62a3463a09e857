"""What is on the paper: pages rasterised by poppler and read by zxing, as a printer and a scanner would."""

import io
import subprocess

import pytest
import zxingcpp
from PIL import Image


def run(command, pdf):
    return subprocess.run(command, input=pdf, capture_output=True, check=True).stdout


@pytest.fixture
def rasterise(tmp_path):
    """Pages of a PDF as grey pictures."""

    def pages(pdf, dpi=300):
        run(["pdftoppm", "-r", str(dpi), "-gray", "-", str(tmp_path / "page")], pdf)
        found = sorted(tmp_path.glob("page*.pgm"))
        pictures = [Image.open(io.BytesIO(file.read_bytes())) for file in found]
        for file in found:
            file.unlink()
        return pictures

    return pages


@pytest.fixture
def words_in():
    """The text of a PDF, or of a part of its first page given as (left, top, width, height) in points."""

    def words(pdf, part=None):
        crop = []
        if part is not None:
            left, top, width, height = (str(round(length)) for length in part)
            crop = ["-x", left, "-y", top, "-W", width, "-H", height, "-l", "1"]
        return run(["pdftotext", *crop, "-", "-"], pdf).decode()

    return words


@pytest.fixture
def fonts_in():
    """The fonts of a PDF: name and whether it is embedded."""

    def fonts(pdf):
        lines = run(["pdffonts", "-"], pdf).decode().splitlines()[2:]
        return {line.split()[0].split("+")[-1]: line.split()[-5] == "yes" for line in lines}

    return fonts


@pytest.fixture
def scan():
    """Every symbol a scanner finds in a picture: {(format, text)}."""

    def symbols(picture):
        return {(str(found.format), found.text) for found in zxingcpp.read_barcodes(picture)}

    return symbols
