"""A4 paper for labels and slips: a PDF drawn in whole printer dots, with the fonts that carry Vietnamese.

One unit is a dot of 1/300 inch, counted from the top left corner. A bar is then always a whole number of
dots on a printer of 300, 600 or 1,200 dpi; bars of 1.5 dots cost half of all reads when measured. The page is
A4 to the nearest dot (2,480 x 3,508), for the same reason. Print at 100 %, never "fit to page".
"""

from __future__ import annotations

import io
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from lims.labels.symbols import runs

DOTS_PER_INCH = 300
WIDTH, HEIGHT = 2480, 3508
REGULAR, BOLD, MONO = "BeVietnamPro-Regular", "BeVietnamPro-Bold", "JetBrainsMono-Bold"
_FOLDERS = {REGULAR: "be-vietnam-pro", BOLD: "be-vietnam-pro", MONO: "jetbrains-mono"}
LEADING = 1.25
_ASCENT = 0.95

# reportlab writes streams as ASCII by default, in pure Python: a fifth of the time and of the file.
rl_config.useA85 = 0


def dots(millimetres: float) -> int:
    """The whole number of dots nearest to a length."""
    return round(millimetres * DOTS_PER_INCH / 25.4)


def font_file(name: str) -> Path:
    """Where a font is: beside the package when installed, else in the checkout's `static`.

    Args:
        name: `REGULAR` or `BOLD`, for words, or `MONO`, for codes.

    Returns:
        The path of the TrueType file.
    """
    package = Path(__file__).parents[1]
    installed = package / "static"
    static = installed if installed.is_dir() else package.parent / "static"
    return static / "vendor" / "fonts" / _FOLDERS[name] / f"{name}.ttf"


def printable(text: str) -> str:
    """Compose marks (the font has ữ, not u + horn + tilde); other control characters than line breaks go."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in composed)


def has_letter(letter: str, font: str) -> bool:
    """Tell whether a font has a letter, or the plain letter and the marks that it is made of."""
    _register_fonts()
    known = pdfmetrics.getFont(font).face.charToGlyph
    return ord(letter) in known or all(ord(part) in known for part in unicodedata.normalize("NFD", letter))


def text_width(text: str, font: str, size: float) -> float:
    """Width of one line, in the unit of `size`."""
    _register_fonts()
    return pdfmetrics.stringWidth(text, font, size)


def wrap(text: str, *, font: str, size: int, width: int) -> list[str]:
    """Break a text into lines.

    Args:
        text: printable text; a line break in it stays one.
        font: `REGULAR` or `BOLD`.
        size: font size in dots.
        width: of the column, in dots.

    Returns:
        The lines, broken between words, or inside a word that is wider than the column. No character is lost
        but spaces.
    """
    return [line for part in text.split("\n") for line in _wrap_part(part, font=font, size=size, width=width)]


def _wrap_part(text: str, *, font: str, size: int, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if text_width(joined, font, size) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        line = word
        while (wide := text_width(line, font, size)) > width and len(line) > 1:
            cut = min(len(line) - 1, int(len(line) * width / wide) + 4)
            while cut > 1 and text_width(line[:cut], font, size) > width:
                cut -= 1
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line] if line else lines


@lru_cache(maxsize=256)
def fit(
    text: str, *, font: str, sizes: tuple[int, ...], width: int, height: int
) -> tuple[int, tuple[str, ...]]:
    """Find the largest size at which a text fits into a space; remembered, as a lot's labels say the same.

    Args:
        text: any text.
        font: `REGULAR` or `BOLD`.
        sizes: font sizes in dots, the largest first.
        width: of the space, in dots.
        height: of the space, in dots.

    Returns:
        The size and the lines. What does not fit even at the smallest size is cut with an ellipsis.
    """
    # Nothing that fits on paper is longer; without the limit a name of 10 kB would be measured for seconds.
    shown = printable(text)[:1_000]
    for size in sizes:
        lines = wrap(shown, font=font, size=size, width=width)
        if len(lines) * size * LEADING <= height:
            return size, tuple(lines)
    room = max(int(height / (sizes[-1] * LEADING)), 1)
    return sizes[-1], (*lines[: room - 1], lines[room - 1][:-1] + "…")


class Paper:
    """A PDF being drawn. x and y are dots from the left and the top edge."""

    def __init__(self, *, title: str) -> None:
        _register_fonts()
        self._stream = io.BytesIO()
        points = 72 / DOTS_PER_INCH
        # invariant: the same labels give the same bytes, so a reprint can be compared with its first print.
        self._canvas = Canvas(
            self._stream,
            pagesize=(WIDTH * points, HEIGHT * points),
            pageCompression=1,
            invariant=1,
            initialFontName=REGULAR,
        )
        self._canvas.setTitle(printable(title))
        self._points = points
        self._start_page()

    def _start_page(self) -> None:
        self._canvas.scale(self._points, self._points)

    def bars(self, modules: str, *, x: int, y: int, module: int, height: int) -> None:
        """Draw Code 128 modules, `module` dots wide and `height` dots high each."""
        # A hundredth of a module is left out on both sides: PDF paints every dot that a shape touches, and an
        # edge that lies on the border of two dots may touch both once a printer has rounded it.
        stretches = " ".join(f"{start}.01 0 {length - 1}.98 1 re" for start, length in runs(modules))
        self._draw(f"q {module} 0 0 {height} {x} {HEIGHT - y - height} cm {stretches} f Q")

    def square(self, rows: tuple[str, ...], *, x: int, y: int, module: int) -> None:
        """Draw QR modules of `module` dots a side."""
        stretches = " ".join(
            f"{start} {-bottom} {length} 1 re"
            for bottom, row in enumerate(rows, start=1)
            for start, length in runs(row)
        )
        self._draw(f"q {module} 0 0 {module} {x} {HEIGHT - y} cm {stretches} f Q")

    def line(self, text: str, *, x: int, y: int, size: int, font: str = REGULAR) -> None:
        """Write one line whose top is at y."""
        self._canvas.setFont(font, size)
        self._canvas.drawString(x, HEIGHT - y - round(size * _ASCENT), text)

    def paragraph(
        self,
        text: str,
        *,
        x: int,
        y: int,
        width: int,
        height: int,
        sizes: tuple[int, ...],
        font: str = REGULAR,
    ) -> int:
        """Write a text into a space, as large as `sizes` allow.

        Returns:
            Where the next text may begin, in dots from the top.
        """
        size, lines = fit(text, font=font, sizes=sizes, width=width, height=height)
        for line in lines:
            self.line(line, x=x, y=y, size=size, font=font)
            y += round(size * LEADING)
        return y

    def cut(self, x1: int, y1: int, x2: int, y2: int) -> None:
        """Draw a dashed line to cut along."""
        self._draw(f"q 2 w [12 12] 0 d {x1} {HEIGHT - y1} m {x2} {HEIGHT - y2} l S Q")

    def next_page(self) -> None:
        """Go on with an empty page."""
        self._canvas.showPage()
        self._start_page()

    def finish(self) -> bytes:
        """Close the document.

        Returns:
            The PDF.
        """
        self._canvas.save()
        return self._stream.getvalue()

    def _draw(self, operators: str) -> None:
        self._canvas.addLiteral(operators)


@cache
def _register_fonts() -> None:
    for name in _FOLDERS:
        pdfmetrics.registerFont(TTFont(name, font_file(name)))
