"""Judge the code of a function by reading it; nothing is run."""

import ast
import warnings


def parsed(code: str | bytes) -> ast.Module:
    """Return the tree of the code. SyntaxError also for code that Python cannot read for another reason."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(code)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or "it is nested too deep") from None


def fault(handler: str, files: dict[str, str]) -> str:
    """Return why Lambda cannot import the handler from these files, or ""."""
    module, _, entry = handler.rpartition(".")
    path = module.replace(".", "/")
    file = f"{path}/__init__.py" if f"{path}/__init__.py" in files else f"{path}.py"
    if file not in files:
        return f"the handler is {handler}, and there is no {file}"
    try:
        tree = parsed(files[file])
    except SyntaxError as error:
        return f"{file}, line {error.lineno}: {error.msg}" if error.lineno else f"{file}: {error.msg}"
    return "" if entry in _names(tree) else f"the handler is {handler}, and {file} has no function {entry}"


def _names(tree: ast.Module) -> set[str]:
    """Return the names that a file defines, imports or assigns at its top level."""
    names = {getattr(node, "name", "") for node in tree.body}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names
