"""Draw the app's icons from the mark, static/img/mark.svg, as PNG files that a phone's home screen takes.

Run it by hand when the mark changes: `python scripts/draw_icons.py`. The result is committed. A maskable icon is cut by
the phone to a circle or whatever it likes: its ground fills it, and the mark stays within the circle that is never cut.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

IMAGES = Path(__file__).resolve().parent.parent / "static" / "img"
UNITS = 32  # of the mark's drawing
FINER = 8  # drawn larger, then reduced: smooth edges
BLUE, WHITE, GREEN = "#1c5fb4", "#ffffff", "#7fd1a2"
DOT = "#98b7dd"  # white of 55 % on the blue
ICONS = {
    "app-192.png": (192, 1.0, True),
    "app-512.png": (512, 1.0, True),
    "app-maskable-512.png": (512, 0.8, False),
}


def draw(side: int, *, scale: float, rounded: bool) -> Image.Image:
    """Return an icon.

    Args:
        side: of the icon, px.
        scale: of the mark within it; 1 fills it as the mark does.
        rounded: corners as the mark has, transparent outside; else the ground fills the square.
    """
    unit = side * FINER / UNITS
    icon = Image.new("RGBA", (side * FINER, side * FINER), (0, 0, 0, 0))
    pen = ImageDraw.Draw(icon)
    pen.rounded_rectangle((0, 0, *icon.size), radius=8 * unit if rounded else 0, fill=BLUE)

    def at(*numbers: float) -> list[float]:
        return [((number - UNITS / 2) * scale + UNITS / 2) * unit for number in numbers]

    for x in (9, 16, 23):
        pen.ellipse(at(x - 2.4, 6.6, x + 2.4, 11.4), fill=DOT)
    pen.rectangle(at(9, 14, 23, 16.5), fill=WHITE)
    pen.pieslice(at(9, 9.5, 23, 23.5), 0, 180, fill=WHITE)
    pen.pieslice(at(10.5, 13, 21.5, 24), 0, 180, fill=GREEN)
    return icon.resize((side, side), Image.Resampling.LANCZOS)


def main() -> None:
    """Draw every icon."""
    for name, (side, scale, rounded) in ICONS.items():
        draw(side, scale=scale, rounded=rounded).save(IMAGES / name, optimize=True)


if __name__ == "__main__":
    main()
