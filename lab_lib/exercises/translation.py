"""Translate the lab's own notebooks and the source that they show.

A message is a paragraph, heading, list item or table row, and of code a comment, a docstring or what is printed. The
rest of code cannot differ between languages. What is not translated yet stays English.
"""

import ast
import inspect
import io
import json
import re
import tokenize
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from lab_lib import language
from lab_lib.aws.functions import source_files
from lab_lib.exercises.notebook_files import Cell, Notebook

Replace = Callable[[str], str]  # a message by its translation
_NO_TEXT = re.compile(r"\s*|\|[\W\d]*\||<!--.*-->")  # also a row of figures
_LINE = re.compile(r"(\| |#+ |(?=<))(.+?)( \||)")  # a row, a heading, or HTML
_ITEM = re.compile(r"( *(?:-|\d+\.) )(.+)")
# Texts in code: what a command does, a title for the site, and a remark in a row of a file.
_IN_CODE = re.compile(r'( {4}\S.*? {2,}|:caption: | {4}[\w,.]+,"?(?=[A-Z][^"]*\.[",]))(.+?)("?,+\w*|)')
_LITERAL = re.compile("""[a-z]*(?:\"+|')(.*?)["']+""", re.DOTALL)  # a string
_COMMENT = re.compile(r"# *(?!#)(\S.*)")  # nbgrader's marks begin with ###


def notebook(path: Path, name: str) -> Notebook:
    """Return one of the lab's own notebooks, solved, in the language of this name. The source of a cell is one text."""
    found: Notebook = json.loads(path.read_text("utf-8"))
    translate = language.translations(name).gettext
    for cell in found["cells"]:
        cell["source"] = "".join(cell["source"])
        if name != language.ENGLISH:
            cell["source"] = replaced(cell, translate)
    return found


def replaced(cell: Cell, replace: Replace) -> str:
    """Return the source of a cell with its messages replaced."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return in_markdown(source, replace)
    return in_code(source, replace)


def show_source(function: str, *names: str) -> Any:
    """Return the source of these Python functions, in the files of a Lambda function, for display."""
    from IPython.display import Code

    sources = {}
    for file in source_files(function):
        text = file.read_text("utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef):
                sources[node.name] = str(ast.get_source_segment(text, node))
    excerpt = "\n\n\n".join(sources[name] for name in names)
    translate = language.translations(language.used()).gettext
    return Code(in_code(excerpt, translate), language="python")  # type: ignore[no-untyped-call]


def in_markdown(text: str, replace: Replace) -> str:
    """Return a text with its messages replaced. The lines of a paragraph or list item are one message and one line."""
    lines = []
    paragraph = list[str]()
    begin = ""  # of the paragraph, if it is a list item
    in_fence = False

    def end_paragraph() -> None:
        if paragraph:
            lines.append(begin + replace(" ".join(paragraph)))
            paragraph.clear()

    for line in text.split("\n"):
        is_fence = line.startswith("```")
        if is_fence:
            in_fence = not in_fence
        is_code = is_fence or in_fence or (line.startswith("    ") and not paragraph)
        is_empty = _NO_TEXT.fullmatch(line)
        pattern = _IN_CODE if is_code else _LINE
        whole = pattern.fullmatch(line)
        if whole and not is_empty:
            end_paragraph()
            lines.append(whole[1] + replace(whole[2]) + whole[3])
        elif is_code or is_empty:
            end_paragraph()
            lines.append(line)
        elif item := _ITEM.fullmatch(line):
            end_paragraph()
            begin = item[1]
            paragraph.append(item[2])
        else:
            if not paragraph:
                begin = ""
            paragraph.append(line.strip())
    end_paragraph()
    return "\n".join(lines)


def in_code(source: str, replace: Replace) -> str:
    """Return code with its comments, its docstrings and the words that it prints replaced."""
    for position, text, margin in sorted(_texts(source), reverse=True):  # so the positions before stay right
        is_docstring = margin != ""
        new = in_markdown(inspect.cleandoc(text), replace) if is_docstring else replace(text)
        new = re.sub("\n(?=.)", margin or " ", new)
        source = source[:position] + new + source[position + len(text) :]
    return source


def _texts(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield the texts of code: where each begins, the text and, of a docstring, what begins its further lines."""
    code = re.sub("^%.*", lambda magic: " " * len(magic[0]), source)  # Python cannot parse a magic
    begins = [*accumulate(map(len, code.splitlines(keepends=True)), initial=0)]
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type != tokenize.COMMENT:
            continue
        comment = _COMMENT.fullmatch(token.string)
        if comment:
            line, column = token.start
            yield begins[line - 1] + column + comment.start(1), comment[1], ""
    for node, margin in _strings(ast.parse(code)):
        literal = _LITERAL.fullmatch(str(ast.get_source_segment(code, node)))
        if not literal:
            continue
        text = literal[1]
        without_places = re.sub(r"\{[^}]*\}", "", text)
        if re.search("[a-z]", without_places):
            begin = begins[node.lineno - 1] + node.col_offset
            yield begin + literal.start(1), text, margin


def _strings(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Yield the strings that are docstrings or printed, and what begins the further lines of a docstring."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(body=[ast.Expr(value=ast.Constant(value=str()) as docstring), *_]):
                yield docstring, "\n" + " " * docstring.col_offset
            case ast.Call(func=ast.Name(id="print")):
                for argument in node.args:
                    yield from _printed(argument)


def _printed(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Yield the strings of an argument, but for those in calls, such as the names of keys."""
    match node:
        case ast.JoinedStr() | ast.Constant(value=str()):
            yield node, ""
        case ast.Call() | ast.Subscript() | ast.Compare():
            return
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _printed(child)
