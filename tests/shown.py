"""What a notebook or a command shows to its reader, and the English in it where all the rest is Chinese."""

import base64
import html
import re
from collections.abc import Iterator
from typing import Any

from lab_lib import resources
from lab_lib.settings import SETTINGS

# What stays English. Beside it only code may be: a word with a digit, a sign, or a capital inside, and what stands in
# backticks; and in brackets behind its Chinese name, the console's English one.
STAYS_ENGLISH = """\
names in AWS: Lambda|CloudWatch|Python|Scan|Publish|Subscribe|Enabled|Runtime
names in AWS: Role|Environment|Code|Handler|Timeout
names in AWS: Description|Key|Size|Address|alerted|Invocations|Errors|Throttles|Type|Notification|Subject|Message
names in AWS: Timestamp|Signature|Sid|Effect|Allow|Principal|Action|Resource|Condition
names in AWS: sqs|sns|iam|logs|lambda|dynamodb|arn|aws
descriptions: Process data and send to DynamoDB tables|Update total, send notification for balance exceeding
what the handout's function publishes: Warning! Account balance is very high
what the functions say: it is not UTF-8 text
what AWS says: An error occurred (NotFound) when calling the Publish operation: Topic does not exist
what Python and IPython say: None|True|False|true|false|Writing|Overwriting
data that the cells send: Smith Street, London|Smith Street|River Road, Lima|Ana|Ben|Cleo|Dora|Emil|Break|ninety|a lot
data that the cells send: Good morning|Written by hand
code: from my_naive import add
the letters of answers: a|b|c|d
a unit: ms
"""
_NAMES = [resource.name for resource in resources.RESOURCES if resource.name]
_LISTED = [text for line in STAYS_ENGLISH.splitlines() for text in line.partition(": ")[2].split("|")]
_STAYS = [*SETTINGS, *_NAMES, *_LISTED]
# A word in small letters, or with a capital at its beginning only.
_WORD = re.compile(r"(?<![\w./\-`'\"=$@:])[A-Z]?[a-z]+(?![\w/(=@]|\.\w|-\w|:/)")
_ALLOWED = re.compile("|".join(rf"\b{re.escape(text)}\b" for text in _STAYS))
_CODE = re.compile(r"`[^`]*`|\([A-Z][\w ,-]*\)")
_TAGS, _ALT = re.compile(r"<[^>]*>"), re.compile(r' (?:alt|title|aria-label|placeholder)="([^"]*)"')
_NO_TEXT = re.compile(r"<(style|script|code|metadata|defs).*?</\1>|<!--.*?-->", re.DOTALL)
_WITHOUT_FONT = re.compile(r'class="lab-figure".*<p>')  # a figure, and below it the font to install
_DRAWN = re.compile(r'src="data:image/svg\+xml;base64,([^"]*)"')


def shown(notebook: dict[str, Any]) -> Iterator[str]:
    """Yield what is read in the outputs, also in pictures.

    Source code, which has LaTeX too, is left out, and a figure that is in English since the computer lacks a font.
    """
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {"text/plain": output.get("text", output.get("traceback", []))})
            page = "".join(data.get("text/html", data.get("text/plain", [])))
            if "text/latex" not in data and not _WITHOUT_FONT.search(page):
                yield from read(page)


def read(page: str) -> Iterator[str]:
    """Yield the words of HTML, the words for its pictures, and the words in them. Other text is yielded as it is."""
    yield html.unescape(_TAGS.sub("\n", _NO_TEXT.sub("", page)))
    yield from map(html.unescape, _ALT.findall(page))
    for drawn in _DRAWN.findall(page):
        yield html.unescape(_TAGS.sub("\n", _NO_TEXT.sub("", base64.b64decode(drawn).decode())))


def english(text: str) -> list[str]:
    """Return the English words in a Chinese text, each with its line, without what is allowed."""
    lines = [_CODE.sub("", _ALLOWED.sub("·", line)) for line in text.splitlines()]
    return [f"{word[0]}: {line}" for line in lines for word in _WORD.finditer(line)]
