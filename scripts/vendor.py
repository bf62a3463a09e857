"""Fetch the pinned browser libraries and fonts into static/vendor/, and write VENDORED.json.

Run it by hand when a version changes: `python scripts/vendor.py`, or with the names of folders for these alone. It
needs npm, and the environment of the tests. The result is committed, so that neither `make run` nor a page ever asks
another host for a file. What others put into static/vendor/ by hand (a folder that is not in PACKAGES) keeps its entry
in VENDORED.json and only has its checksums written anew.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
LISTING = VENDOR / "VENDORED.json"

# The icons a template may name, one a line. One more is one line there and one run of this script;
# tests/house/test_vendor.py finds an icon that a template names and the sprite lacks.
ICONS = tuple((Path(__file__).parent / "vendored_icons.txt").read_text().split())


@dataclass(frozen=True)
class Package:
    """One package of the npm registry and the files of it that we ship.

    They land in their folder flat, except that what lies under one of `roots` keeps its layout from there on: modules
    import each other by relative addresses.
    """

    folder: str
    name: str
    version: str
    licence: str
    files: tuple[str, ...]
    roots: tuple[str, ...] = ()

    def place_of(self, file: str) -> Path:
        """Return where one of `files` lands within the package's folder."""
        path = Path(file)
        root = next((root for root in self.roots if path.is_relative_to(root)), path.parent)
        return path.relative_to(root)


def _font_files(family: str, subsets: tuple[str, ...], weights: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"files/{family}-{subset}-{weight}-normal.woff2" for subset in subsets for weight in weights)


PACKAGES = (
    Package(
        "bootstrap",
        "bootstrap",
        "5.3.9",
        "MIT",
        ("LICENSE", "dist/css/bootstrap.min.css", "dist/js/bootstrap.bundle.min.js"),
    ),
    Package("bootstrap-icons", "bootstrap-icons", "1.13.2", "MIT", ("LICENSE",)),
    Package(
        "be-vietnam-pro",
        "@fontsource/be-vietnam-pro",
        "5.3.0",
        "OFL-1.1",
        ("LICENSE", *_font_files("be-vietnam-pro", ("latin", "vietnamese"), (400, 500, 600, 700))),
    ),
    Package(
        "jetbrains-mono",
        "@fontsource/jetbrains-mono",
        "5.3.0",
        "OFL-1.1",
        ("LICENSE", *_font_files("jetbrains-mono", ("latin",), (400, 600))),
    ),
    Package("chart.js", "chart.js", "4.5.1", "MIT", ("LICENSE.md", "dist/chart.umd.min.js")),
    Package("idb", "idb", "8.0.4", "ISC", ("LICENSE", "build/index.js")),
    Package(
        "zxing-wasm",
        "zxing-wasm",
        "3.1.4",
        "MIT; the engine in it is zxing-cpp, Apache-2.0",
        ("LICENSE", "dist/es/share.js", "dist/es/reader/index.js", "dist/reader/zxing_reader.wasm"),
        roots=("dist/es", "dist"),
    ),
)


def build_sprite(icons: Path) -> str:
    """Join the icons of ICONS into one SVG of symbols.

    Args:
        icons: folder of the package's single icons, `name.svg` each.

    Returns:
        the text of the sprite; a symbol's id is the icon's name.

    Raises:
        FileNotFoundError: ICONS names an icon that the package does not have.
    """
    symbols = []
    for name in sorted(set(ICONS)):
        drawing = re.search(r"<svg[^>]*>(.*)</svg>", (icons / f"{name}.svg").read_text(), re.DOTALL)
        if drawing is None:
            raise ValueError(f"{name}.svg is not a drawing")
        paths = re.sub(r"\s*\n\s*", "", drawing[1])
        symbols.append(f'<symbol id="{name}" viewBox="0 0 16 16">{paths}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def fetch(package: Package, *, workplace: Path) -> None:
    """Put one package's files into its folder of static/vendor/, replacing what was there."""
    packed = subprocess.run(
        ["npm", "pack", "--silent", f"{package.name}@{package.version}"],
        cwd=workplace,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()[-1]
    unpacked = workplace / package.folder
    with tarfile.open(workplace / packed) as archive:
        archive.extractall(unpacked, filter="data")
    folder = VENDOR / package.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in package.files:
        place = folder / package.place_of(file)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(unpacked / "package" / file, place)
    if package.name == "bootstrap-icons":
        (folder / "sprite.svg").write_text(build_sprite(unpacked / "package" / "icons"))
    if package.name == "zxing-wasm":
        # the package holds zxing-cpp compiled, and not its licence; that of the tests' own zxing-cpp is the same
        (folder / "LICENSE-zxing-cpp").write_text(
            distribution("zxing-cpp").read_text("licenses/LICENSE") or ""
        )


def list_checksums(folder: Path) -> dict[str, str]:
    """Name and SHA-256 (hex) of every file under one folder of static/vendor/."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def write_listing() -> None:
    """Write VENDORED.json: what each folder is, under which licence, and its files' checksums."""
    listing = json.loads(LISTING.read_text()) if LISTING.exists() else {}
    for package in PACKAGES:
        listing[package.folder] = {
            "name": package.name,
            "version": package.version,
            "licence": package.licence,
        }
    for folder, entry in listing.items():
        entry["sha256"] = list_checksums(VENDOR / folder)
    LISTING.write_text(json.dumps(listing, indent=2, sort_keys=True) + "\n")


def main() -> None:
    """Fetch every package, or those whose folders are named, then write the listing."""
    wanted = frozenset(sys.argv[1:] or (package.folder for package in PACKAGES))
    with tempfile.TemporaryDirectory() as workplace:
        for package in PACKAGES:
            if package.folder in wanted:
                fetch(package, workplace=Path(workplace))
    write_listing()


if __name__ == "__main__":
    main()
