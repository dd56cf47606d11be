"""The cell magic `%%replace FILE`: what a cell defines takes the place of what has the same name in a Python file.

`%load_ext lab_lib.exercises.replacing` loads it. Functions, classes, imports and assignments are definitions.
"""

import ast
import dataclasses
import io
import re
from itertools import takewhile
from pathlib import Path
from typing import Any

from lab_lib.checks.function_code import parsed
from lab_lib.errors import UsageError
from lab_lib.language import N_, _
from lab_lib.workspace.private_files import read_file, write_file

_MARKER = re.compile(r"^### (?:BEGIN|END) SOLUTION$", re.MULTILINE)
_OF_FILE = N_("Correct its name in line 1, fix it, or run the cell that writes it. Then run this cell again.")
_OF_CELL = N_("Fix that, and run the cell again. The file is as it was.")
_IMPORTS = ast.Import | ast.ImportFrom
_HEAD = _IMPORTS | ast.Expr  # what imports may stand below
_NO_FILE = N_("wanted a Python file, as in `%%replace my_notifier.py`")
_TWO_STATEMENTS = N_("two statements. Write each on a line of its own")
_REPLACED, _ADDED = N_("replaced {names}"), N_("added {names}")
_LINE, _NUMBER = N_("{name}, line {number} `{first}`"), N_("{name}, line {number}")
_DEFINITIONS = N_("a function, a class, an import or `name = value`")


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """A statement at the top level, its text, and what stands above it. The last part of a file has no statement."""

    node: ast.stmt | None = None
    text: str = ""
    comment: str = ""  # directly above the statement
    gap: str = ""  # blank lines, and comments that do not touch the statement

    @property
    def names(self) -> set[str]:
        """Return the names that the statement defines."""
        node = self.node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return {node.name}
        if isinstance(node, _IMPORTS):
            return {name.asname or name.name for name in node.names}
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        nodes = [node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        return {node.id for node in nodes if isinstance(node.ctx, ast.Store)}


def load_ipython_extension(shell: Any) -> None:
    """Add the magic to this IPython shell."""
    shell.register_magic_function(replace, "cell")


def replace(line: str, cell: str) -> None:
    """Put the cell's definitions into the file, and print their names. UsageError, and no change, if that fails."""
    path = Path(line.strip())
    if path.suffix != ".py":  # a notebook can be read as Python too
        raise _error(_("The cell"), 1, "", _(_NO_FILE), _OF_CELL)
    text = read_file(path, lambda content: content.decode("utf-8-sig"), _OF_FILE)
    merged, said = merge(text, cell, path.name)
    if merged != text:
        write_file(path, merged)
    print(said)


def merge(text: str, cell: str, name: str) -> tuple[str, str]:
    """Return the text of the file `name` with the cell's definitions in it, and what has become of each."""
    new = _definitions(cell)
    if not new:
        return text, _(
            "{name} is as it was. Write {definitions} into this cell.", name=name, definitions=_(_DEFINITIONS)
        )
    parts, following = _parts(text, name, _OF_FILE), dict[bool, Part]()
    known = {name for part in parts for name in part.names}
    for part in reversed(new):
        following[_is_import(part)] = _put(part, parts, following.get(_is_import(part)))
    names = [name for part in new for name in sorted(part.names)]
    replaced, added = ([name for name in names if (name in known) is wanted] for wanted in (True, False))
    groups = (_REPLACED, replaced), (_ADDED, added)
    said = _("; ").join(_(end, names=_(", ").join(group)) for end, group in groups if group)
    merged = "".join(part.gap + part.comment + part.text for part in parts)
    return f"{merged.rstrip()}\n", _(": ").join([name, said])


def _definitions(cell: str) -> list[Part]:
    """Return the parts of the cell that define something. UsageError for a statement, such as `if`, that cannot."""
    here, known = _("The cell"), set[str]()
    parts = _parts(f"\n{_MARKER.sub('', cell)}", here, _OF_CELL)  # line 1 is the magic's
    for part in parts:
        if part.node and not (part.names or isinstance(part.node, ast.Pass)):
            problem = _("wanted {definitions}", definitions=_(_DEFINITIONS))
            raise _error(here, part.node.lineno, part.text, problem, _OF_CELL)
        if part.node and (twice := sorted(part.names & known)):
            problem = _("{name} is there twice. Keep one", name=twice[0])
            raise _error(here, part.node.lineno, part.text, problem, _OF_CELL)
        known |= part.names
    return [part for part in parts if part.names]


def _parts(code: str, name: str, do: str) -> list[Part]:
    """Return the statements, and then what stands below the last one. UsageError if the code is not Python."""
    lines, end, parts = io.StringIO(f"{code.rstrip()}\n", newline=None).readlines(), 0, list[Part]()
    try:
        body = parsed("".join(lines)).body
    except SyntaxError as error:
        raise _error(name, error.lineno, error.text or "", error.msg, do) from None
    for node in body:
        start = min(part.lineno for part in [node, *getattr(node, "decorator_list", [])]) - 1
        if start < end:
            raise _error(name, end, lines[start], _(_TWO_STATEMENTS), do)
        above = start - len(list(takewhile(lambda line: line.startswith("#"), reversed(lines[end:start]))))
        texts = ["".join(lines[first:last]) for first, last in [(start, node.end_lineno), (above, start), (end, above)]]
        parts.append(Part(node, *texts))
        end = node.end_lineno or end
    return [*parts, Part(gap="".join(lines[end:]))]


def _error(name: str, number: int | None, text: str, problem: str, do: str) -> UsageError:
    """Return the error with the line that it is about, since JupyterLab does not number lines."""
    first = text.strip().partition("\n")[0]
    place = _(_LINE if first else _NUMBER, name=name, number=number, first=first) if number else name
    return UsageError(_("{place}: {problem}. {what_to_do}", place=place, problem=problem, what_to_do=_(do)))


def _put(new: Part, parts: list[Part], following: Part | None) -> Part:
    """Put the part where its names are defined last; one with new names before the `following` one of the cell."""
    same = [part for part in parts if part.names & new.names]
    if not same:
        top = len(list(takewhile(lambda part: isinstance(part.node, _HEAD), parts))) if _is_import(new) else len(parts)
        placed = dataclasses.replace(new, gap="" if _is_import(new) else "\n\n")
        parts.insert(parts.index(following) if following else top, placed)
        return placed
    last = same[-1]
    place, is_whole = parts.index(last), last.names <= new.names  # if not, its other names are still needed
    comment, gap = (new.comment or last.comment, last.gap) if is_whole else (new.comment, "")
    placed = dataclasses.replace(new, comment=comment, gap=gap)
    parts[place + (not is_whole) : place + 1] = [placed]
    return placed


def _is_import(part: Part) -> bool:
    return isinstance(part.node, _IMPORTS)
