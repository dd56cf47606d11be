"""Judge the code of a function by reading it; nothing is run."""

import ast
import warnings
from contextlib import suppress
from typing import NamedTuple

from lab_lib.errors import LabError

_EVENT_CONTEXT = 2  # arguments of a handler


class Fault(NamedTuple):
    """A fault of the code: what was found and wanted, what to do with the function {}, and whether in its code."""

    found: str
    wanted: str
    do: str
    in_code: bool


def parsed(code: str | bytes) -> ast.Module:
    """Return the tree of the code. SyntaxError also for code that Python cannot read for another reason."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(code)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or "it is nested too deep") from None


def fault(handler: str, files: dict[str, str], layers: list[str]) -> Fault | None:
    """Return the first fault of the files, or None. Code in layers is not read; LabError if the handler is there."""
    offered = _handlers(files)
    name_it = f"Set the handler of {{}} to {offered[0]}" if offered else "Define the function lambda_handler in {}"
    wanted = f"the handler {offered[0]}" if offered else "a function to call, such as lambda_handler"
    module, _, entry = handler.rpartition(".")
    path = module.replace(".", "/")
    file = f"{path}/__init__.py" if f"{path}/__init__.py" in files else f"{path}.py"
    if file not in files and layers:
        raise LabError(f"the handler {handler} may be in the layers {', '.join(layers)}")
    if file not in files:
        found = f"the handler is {handler}, and there is no {file}"
        return Fault(found, wanted, name_it, in_code=not offered)
    try:
        tree = parsed(files[file])
    except SyntaxError as error:
        found = f"{file}, line {error.lineno}: {error.msg}" if error.lineno else f"{file}: {error.msg}"
        broken = "Pasting has broken the indent. " if isinstance(error, IndentationError) else ""
        do = f"{broken}Correct the code of {{}} there"
        return Fault(found, "code that is Python 3", do, True)
    if entry not in _names(tree):
        return Fault(f"the handler is {handler}, and {file} has no function {entry}", wanted, name_it, not offered)
    if "urllib.unquote" in files[file]:
        found = f"urllib.unquote in {file}, which only Python 2 has"
        do = "In the code of {}, call unquote_plus of urllib.parse, without decode"
        return Fault(found, "code that is Python 3", do, True)
    if not layers and not any("boto" in text for text in files.values()):
        do = "Replace the code of {}, which may be an example, by the lab's"
        return Fault("code that calls no AWS service", "the lab's code", do, True)
    return None


def _handlers(files: dict[str, str]) -> list[str]:
    """Return the functions that may be meant as the handler: those named so, or the only one of two arguments."""
    found = []
    for path, text in files.items():
        with suppress(SyntaxError):
            defined = [each for each in parsed(text).body if isinstance(each, ast.FunctionDef)]
            named = [each.name for each in defined if len(each.args.args) == _EVENT_CONTEXT]
            found += [f"{path.removesuffix('.py')}.{name}" for name in named]
    return [each for each in found if "handler" in each.split(".")[-1]] or (found if len(found) == 1 else [])


def _names(tree: ast.Module) -> set[str]:
    """Return the names that a file defines, imports or assigns at its top level."""
    names = {getattr(node, "name", "") for node in tree.body}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names
