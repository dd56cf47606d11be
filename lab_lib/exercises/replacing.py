"""The cell magic `%%replace FILE`: what a cell defines takes the place of what has the same name in a Python file.

`%load_ext lab_lib.exercises.replacing` loads it. Functions, classes, imports and assignments are definitions.
"""

import ast
import io
import re
from pathlib import Path
from typing import Any, NamedTuple

from lab_lib.checks.function_code import parsed
from lab_lib.errors import UsageError
from lab_lib.language import N_, _
from lab_lib.workspace.private_files import read_file, write_file

_MARKER = re.compile(r"^### (?:BEGIN|END) SOLUTION$", re.MULTILINE)
_OF_FILE = N_("Correct its name in line 1, fix it, or run the cell that writes it. Then run this cell again.")
_OF_CELL = N_("Fix that, and run the cell again. The file is as it was.")
_IMPORTS = ast.Import | ast.ImportFrom
_DEFINITIONS = N_("a function, a class, an import or `name = value`")


class Part(NamedTuple):
    """A statement at the top level, the names that it defines, and its lines, with the comment directly above."""

    node: ast.stmt
    names: set[str]
    start: int
    end: int


def load_ipython_extension(shell: Any) -> None:
    """Add the magic to this IPython shell."""
    shell.register_magic_function(replace, "cell")


def replace(line: str, cell: str) -> None:
    """Put the cell's definitions into the file, and print their names. UsageError, and no change, if that fails."""
    path = Path(line.strip())
    if path.suffix != ".py":  # a notebook can be read as Python too
        problem = _("wanted a Python file, as in `%%replace my_notifier.py`")
        raise _error(_("The cell"), 1, f"%%replace {line}", problem, _OF_CELL)
    text = read_file(path, lambda content: content.decode("utf-8-sig"), _OF_FILE)
    merged, said = merge(text, cell, path.name)
    if merged != text:
        write_file(path, merged)
    print(said)


def merge(text: str, cell: str, name: str) -> tuple[str, str]:
    """Return the text of the file `name` with the cell's definitions in it, and what has become of each."""
    written = _lines(f"\n{_MARKER.sub('', cell)}")  # line 1 is the magic's
    new = _definitions(written)
    if not new:
        return text, _(
            "{name} is as it was. Write {definitions} into this cell.", name=name, definitions=_(_DEFINITIONS)
        )
    lines = [*_lines(text), "\n", "\n"]
    known = {name for part in _parts(lines, name, _OF_FILE) for name in part.names}
    place = len(lines)  # of a new name: before what follows it in the cell
    for part in reversed(new):
        parts, code = _parts(lines, name, _OF_FILE), written[part.start : part.end]
        if same := [other for other in parts if other.names and other.names <= part.names]:
            place = same[-1].start
            lines[place : same[-1].end] = code
        elif _is_import(part):
            below = max((other.end for other in parts if _is_import(other)), default=0)
            lines[below:below] = code
        else:
            lines[place:place] = [*code, "\n", "\n"]
    names = [name for part in new for name in sorted(part.names)]
    replaced, added = [name for name in names if name in known], [name for name in names if name not in known]
    groups = (N_("replaced {names}"), replaced), (N_("added {names}"), added)
    said = _("; ").join(_(end, names=_(", ").join(group)) for end, group in groups if group)
    return f"{''.join(lines).rstrip()}\n", _(": ").join([name, said])


def _definitions(lines: list[str]) -> list[Part]:
    """Return the parts of the cell, imports first. UsageError for a statement, such as `if`, that defines nothing."""
    here = _("The cell")
    parts = [part for part in _parts(lines, here, _OF_CELL) if not isinstance(part.node, ast.Pass)]
    for part in parts:
        if not part.names:
            problem = _("wanted {definitions}", definitions=_(_DEFINITIONS))
            raise _error(here, part.node.lineno, lines[part.node.lineno - 1], problem, _OF_CELL)
    last = {frozenset(part.names): part for part in parts}  # of two definitions of a name, as in Python
    return sorted(last.values(), key=_is_import, reverse=True)


def _lines(text: str) -> list[str]:
    """Return the lines, as Python counts them."""
    return io.StringIO(f"{text.rstrip()}\n").readlines()


def _parts(lines: list[str], name: str, do: str) -> list[Part]:
    """Return the parts of the code. UsageError if it is not Python."""
    parts, above = list[Part](), 0
    try:
        body = parsed("".join(lines)).body
    except SyntaxError as error:
        raise _error(name, error.lineno, error.text or "", error.msg, do) from None
    for node in body:
        start = min(part.lineno for part in [node, *getattr(node, "decorator_list", [])]) - 1
        while start > above and lines[start - 1].startswith("#"):
            start -= 1
        above = node.end_lineno or 0
        parts.append(Part(node, _names(node), start, above))
    return parts


def _is_import(part: Part) -> bool:
    return isinstance(part.node, _IMPORTS)


def _names(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, _IMPORTS):
        return {name.asname or name.name for name in node.names}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    nodes = [node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    return {node.id for node in nodes if isinstance(node.ctx, ast.Store)}


def _error(name: str, number: int | None, text: str, problem: str, do: str) -> UsageError:
    """Return the error with the line that it is about, since JupyterLab does not number lines."""
    first = text.strip().partition("\n")[0]
    place = _("{name}, line {number} `{first}`", name=name, number=number, first=first) if number else name
    return UsageError(_("{place}: {problem}. {what_to_do}", place=place, problem=problem, what_to_do=_(do)))
