"""What a phone's camera sees, for Chromium's fake camera: our labels as printed, lying on a table.

A video is JPEG pictures one after the other, which Chromium plays for ever at 30 a second; no other program makes it.
One browser has one video: `launch_arguments` gives what starts it.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from lims import labels
from lims.labels.paper import dots

CAMERA = (1280, 720)
TABLE = (120, 118, 112)
DPI = 600  # twice the dots in which labels are laid out, so that a module is whole pixels
BROWSER = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")
_WORDS = labels.SlipWords(
    title="Phiếu khai báo",
    collector_heading="Phần của người lấy mẫu",
    person_heading="Phần của bạn: giữ kín",
    born="Sinh năm",
    result_code="Mã tra cứu kết quả",
    advice="Quét mã để xem kết quả.",
)


def tube_label(code: str) -> Image.Image:
    """Return a tube's label as printed: its QR code, its words and its Code 128."""
    sheet = labels.A4_70
    place = (sheet.left_mm, sheet.top_mm, sheet.width_mm, sheet.height_mm)
    return _print(labels.tube_sheet_pdf([labels.Label(code, ("Lô QN-0421 · Cẩm Phả",))]), place)


def tube_bars(code: str) -> Image.Image:
    """Return the lower part of a tube's label, where only its Code 128 is."""
    label = tube_label(code)
    bars = round(label.height * (labels.A4_70.bar_height_mm + 0.6) / labels.A4_70.height_mm)
    return label.crop((0, label.height - bars, label.width, label.height))


def slip(code: str, result_code: str) -> Image.Image:
    """Return the corner of a declaration slip that a collector scans, with the declaration's QR code."""
    printed = labels.Slip(code, result_code, "Nguyễn Thị Ữ Ễ", 1987, ("Tổ 5, phường Cẩm Bình",))
    pdf = labels.declaration_slip_pdf(printed, words=_WORDS, base_url="https://xetnghiem.example.org")
    return _print(pdf, (0, 0, 60, 36))


def photograph(
    paper: Image.Image | None, *, size: tuple[int, int] = CAMERA, fill: float = 0.8
) -> Image.Image:
    """Lay a piece of paper on a table, in the middle of what the camera sees.

    Args:
        paper: what is printed; None for the table alone.
        size: of the picture, px.
        fill: how much of the picture's width or height the paper takes.
    """
    picture = Image.new("RGB", size, TABLE)
    if paper is not None:
        scale = fill * min(size[0] / paper.width, size[1] / paper.height)
        sized = paper.resize((round(paper.width * scale), round(paper.height * scale)), Image.Resampling.BOX)
        picture.paste(sized, ((size[0] - sized.width) // 2, (size[1] - sized.height) // 2))
    return picture


def write_video(pictures: Sequence[Image.Image], file: Path, *, frames_each: int = 15) -> Path:
    """Write pictures, all of one size, as a video that shows each for some frames, in turn."""
    with file.open("wb") as video:
        for picture in pictures:
            frame = io.BytesIO()
            picture.save(frame, format="JPEG", quality=90, subsampling="4:2:0")
            video.write(frame.getvalue() * frames_each)
    return file


def launch_arguments(pictures: Sequence[Image.Image], folder: Path, *, frames_each: int = 15) -> list[str]:
    """Return what starts a Chromium whose camera sees these pictures in turn, and may be used unasked.

    Args:
        pictures: of `photograph`.
        folder: where the video is written; it must stay while the browser runs.
        frames_each: how long each is seen; the video plays 30 frames a second.
    """
    video = write_video(pictures, folder.absolute() / "camera.mjpeg", frames_each=frames_each)
    return [
        *BROWSER,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    ]


def _print(pdf: bytes, place_mm: tuple[float, float, float, float]) -> Image.Image:
    """Rasterise a part of the first page: left, top, width and height."""
    left, top, width, height = (str(dots(length) * DPI // 300) for length in place_mm)
    part = ["-x", left, "-y", top, "-W", width, "-H", height]
    command = ["pdftoppm", "-r", str(DPI), "-f", "1", "-l", "1", *part, "-gray", "-"]
    return Image.open(io.BytesIO(subprocess.run(command, input=pdf, capture_output=True, check=True).stdout))
