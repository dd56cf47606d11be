"""Judge the code of a function by reading it; nothing is run."""

import ast
import re
import warnings

from lab_lib.aws import functions
from lab_lib.checks.rules import Account, document
from lab_lib.language import _


def parsed(code: str | bytes) -> ast.Module:
    """Return the tree of the code. SyntaxError also for code that Python cannot read for another reason."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(code)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or _("it is nested too deep")) from None


@document
def code(account: Account, name: str) -> str:
    """Return why Lambda cannot import the handler of the function's settings from its files with Python 3, or ""."""
    settings, files = account.settings(name), account.ask(functions.code, name)
    handler, runtime = settings.get("Handler", ""), settings.get("Runtime", "")
    module, _dot, entry = handler.rpartition(".")
    path = module.replace(".", "/")
    file = f"{path}/__init__.py" if f"{path}/__init__.py" in files else f"{path}.py"
    if not runtime.startswith("python3."):
        return _("the runtime is {runtime}", runtime=runtime)
    if file not in files:
        return _("the handler is {handler}, and there is no {file}", handler=handler, file=file)
    try:
        parsed(files[file])
    except SyntaxError as error:
        return _("{file}, line {line}: {error}", file=file, line=error.lineno or 1, error=error.msg)
    if re.search(rf"^(async def |def |from .*\b|import .*\b)?{re.escape(entry)}\b", files[file], re.MULTILINE):
        return ""
    return _("the handler is {handler}, and {file} has no function {entry}", handler=handler, file=file, entry=entry)
