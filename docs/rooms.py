"""Draw the rooms of lab_lib, which are its packages and loose modules: `make docs`.

A room imports only rooms that stand below it, and each stands as high as it can.
"""

import ast
from html import escape
from itertools import groupby
from pathlib import Path
from textwrap import shorten

import grimp

PACKAGE, PICTURE = Path(__file__).parents[1] / "lab_lib", Path(__file__).with_suffix(".svg")
WIDTH, TALL, GAP = 960, 46, 8  # of the picture, of a room, and between rooms, in pixels
LETTER = 5.6  # pixels of a letter, on average


def floors() -> list[list[str]]:
    """Return the names of the rooms, a list for each floor, the highest floor first."""
    graph = grimp.build_graph("lab_lib", exclude_type_checking_imports=True)
    rooms = graph.find_children("lab_lib") - {"lab_lib.__main__"}

    def floor(room: str) -> int:
        importers = (other for other in rooms - {room} if is_imported(room, other))
        return max((1 + floor(other) for other in importers), default=0)

    def is_imported(room: str, importer: str) -> bool:
        return graph.direct_import_exists(importer=importer, imported=room, as_packages=True)

    by_floor = groupby(sorted(rooms, key=lambda room: (floor(room), room)), key=floor)
    return [[room.removeprefix("lab_lib.") for room in of_floor] for _, of_floor in by_floor]


def purpose(room: str) -> str:
    """Return the first sentence of a room's docstring."""
    module = PACKAGE / f"{room}.py"
    source = (module if module.exists() else PACKAGE / room / "__init__.py").read_text("utf-8")
    return str(ast.get_docstring(ast.parse(source))).split(".")[0]


def picture() -> str:
    """Return the picture as SVG."""
    drawn, top = list[str](), GAP
    for rooms in floors():
        width = (WIDTH - GAP) / len(rooms) - GAP
        for column, room in enumerate(rooms):
            left = GAP + column * (width + GAP)
            box = f'x="{left:g}" y="{top}" width="{width:g}" height="{TALL}" rx="4" fill="#f1f3f5" stroke="#1a1a1a"'
            words = escape(shorten(purpose(room), int(width / LETTER), placeholder="…"))
            middle = f'x="{left + width / 2:g}"'
            drawn.append(f'<rect {box}/><text {middle} y="{top + 19}" font-size="14" font-weight="bold">{room}</text>')
            drawn.append(f'<text {middle} y="{top + 36}" font-size="11">{words}</text>')
        top += TALL + GAP
    style = 'font-family="Arial, Helvetica, sans-serif" text-anchor="middle"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" {style}>'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#ffffff"/>', *drawn, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
