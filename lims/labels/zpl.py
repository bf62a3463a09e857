"""Labels of 40 x 20 mm for thermal printers that understand ZPL II.

Only codes travel as text, so nothing that a person typed can become a printer command. Other words go as a
picture: the printers' own font shows boxes for ễ ị ế.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from lims import codes
from lims.errors import InvalidInput
from lims.labels.paper import LEADING, REGULAR, font_file, printable
from lims.labels.sheets import Label
from lims.labels.symbols import MASK

WIDTH_MM, HEIGHT_MM = 40, 20
# Bars of 0.25 mm and QR modules of 0.5 mm, in whole dots: 203 dpi has 8 dots a millimetre, 300 dpi has 12.
RESOLUTIONS = (8, 12)
_TEXT_LEFT_MM, _TEXT_TOP_MM, _TEXT_WIDTH_MM, _TEXT_HEIGHT_MM = 16, 5, 23, 8.5
_TEXT_SIZE_MM = 2.4


def zpl(labels: Iterable[Label], *, dots_per_mm: int = 8) -> bytes:
    """Write labels in the printer's own language.

    Args:
        labels: in the order of printing.
        dots_per_mm: the printer's resolution, one of `RESOLUTIONS`.

    Returns:
        One format (`^XA … ^XZ`) a label, ASCII, one a line.

    Raises:
        InvalidInput: a label's code is not a sound one, or the resolution is another.
    """
    if dots_per_mm not in RESOLUTIONS:
        raise InvalidInput(
            "The printer's resolution must be 8 or 12 dots per millimetre.", field="dots_per_mm"
        )
    return "".join(_format(label, dots_per_mm=dots_per_mm) for label in labels).encode("ascii")


def _format(label: Label, *, dots_per_mm: int) -> str:
    code = codes.parse(label.code).text

    def at(x_mm: float, y_mm: float) -> str:
        return f"^FO{round(x_mm * dots_per_mm)},{round(y_mm * dots_per_mm)}"

    letter = round(3.25 * dots_per_mm)
    words = ""
    if label.lines:
        picture = text_graphic(
            "\n".join(label.lines),
            width=round(_TEXT_WIDTH_MM * dots_per_mm),
            height=round(_TEXT_HEIGHT_MM * dots_per_mm),
            size=round(_TEXT_SIZE_MM * dots_per_mm),
        )
        words = f"{at(_TEXT_LEFT_MM, _TEXT_TOP_MM)}{picture}^FS"
    return (
        f"^XA^PW{WIDTH_MM * dots_per_mm}^LL{HEIGHT_MM * dots_per_mm}^LH0,0"
        # Model 2, half a millimetre a module, level H, the mask of the other labels; "HA," asks for it again.
        f"{at(2, 0.75)}^BQN,2,{dots_per_mm // 2},H,{MASK}^FDHA,{code}^FS"
        f"{at(_TEXT_LEFT_MM, 1.25)}^A0N,{letter},{letter * 9 // 10}^FD{codes.grouped(code)}^FS"
        f"{words}"
        f"^BY{dots_per_mm // 4},2,{5 * dots_per_mm}{at(3.25, 14.5)}^BCN,{5 * dots_per_mm},N,N,N,A^FD{code}^FS"
        "^XZ\n"
    )


@lru_cache(maxsize=256)
def text_graphic(text: str, *, width: int, height: int, size: int) -> str:
    """Draw lines of text as a ZPL picture; remembered, as a lot's labels say the same.

    Args:
        text: lines parted by line breaks.
        width: of the space, in dots.
        height: of the space, in dots.
        size: largest font size in dots; smaller ones are taken until every line fits.

    Returns:
        A `^GFA` command. What does not fit at half the size is cut off.
    """
    lines = printable(text).split("\n")
    font = _fitting_font(lines, width=width, height=height, size=size)
    picture = Image.new("1", (-(-width // 8) * 8, height), 0)
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        draw.text((0, round(number * font.size * LEADING)), line, fill=1, font=font)
    row_bytes = picture.width // 8
    return f"^GFA,{row_bytes * height},{row_bytes * height},{row_bytes},{picture.tobytes().hex().upper()}"


def _fitting_font(lines: list[str], *, width: int, height: int, size: int) -> ImageFont.FreeTypeFont:
    for smaller in range(size, size // 2, -1):
        font = ImageFont.truetype(font_file(REGULAR), smaller)
        fits_down = len(lines) * smaller * LEADING <= height
        if fits_down and all(font.getlength(line[:200]) <= width for line in lines):
            break
    return font
