"""Codes on paper and on screen: label sheets, slips, thermal labels, and symbols for pages.

Codes and words that are translated already come in, bytes go out; nothing here knows a language, a database
or Flask. `symbols` makes modules, SVG and PNG; `paper` draws them on A4 in whole printer dots; `sheets`,
`slips` and `zpl` are what people print. docs/decisions/codes-and-labels.md says why it is done so.
"""

from lims.labels.sheets import (
    A4_8,
    A4_21,
    A4_70,
    SHEETS,
    Label,
    Sheet,
    box_sheet_pdf,
    pool_labels_pdf,
    tube_sheet_pdf,
)
from lims.labels.slips import Slip, SlipWords, declaration_slip_pdf, declaration_slips_pdf
from lims.labels.symbols import code128_modules, code128_svg, code_matrix, qr_matrix, qr_png, qr_svg
from lims.labels.zpl import zpl

__all__ = [
    "A4_8",
    "A4_21",
    "A4_70",
    "SHEETS",
    "Label",
    "Sheet",
    "Slip",
    "SlipWords",
    "box_sheet_pdf",
    "code128_modules",
    "code128_svg",
    "code_matrix",
    "declaration_slip_pdf",
    "declaration_slips_pdf",
    "pool_labels_pdf",
    "qr_matrix",
    "qr_png",
    "qr_svg",
    "tube_sheet_pdf",
    "zpl",
]
