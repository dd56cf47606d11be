"""Read what a learner has written as an answer, in whatever form and language.

Parts of a text stand between commas, spaces, or words such as "and", also in Chinese. Width, quotes and filler words do
not count. A choice is named by its letter.
"""

import re
from collections.abc import Collection, Iterable
from decimal import Decimal
from itertools import islice
from typing import Any
from unicodedata import normalize

LONGEST = 1_000_000  # characters, and parts of a list, that are read
_CHINESE = "[\u3001-\u303f\u3400-\u9fff“”‘’]"  # NFKC makes the other punctuation ASCII
_UNSURE = "不没非或约除左"  # of "not", "or", "about" and "except"
_AROUND = " '\"`()[]{}:“”‘’「」"
_LETTER = re.compile(r"(?<![a-z])(?<![a-z]['’])[a-d](?![a-z])")  # \b takes Chinese for letters
_FILLER = re.compile(
    "and|the|only|both|i|think|my|it|is|are|answer|rows?|lines?|numbers?|keys?|customers?|transactions?|dollars|yuan"
    "|[和与跟及]|以及|还有"
)


def plain(item: Any) -> Any:
    """Return a number as Decimal, and text without quotes around it."""
    text = normalize("NFKC", str(item)).strip(_AROUND)
    try:
        return Decimal(text.lstrip("$€£¥#"))
    except ArithmeticError:
        return text


def as_text(answer: Any) -> str:
    """Return an answer as one text, with commas between its parts; "" if it is None."""
    if answer is None:
        return ""
    if isinstance(answer, dict):  # such as {"C1": 902, "C2": 0}
        answer = answer.values()
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        return str(answer)[:LONGEST]
    return ", ".join(map(str, islice(answer, LONGEST)))[:LONGEST]


def parts_of(answer: Any, right: Collection[Any]) -> list[str]:
    """Return what stands between commas or "and", or between spaces if no right part has one, without filler words.

    What is Chinese stands between parts too, unless a right one has some.
    """
    text = normalize("NFKC", as_text(answer))
    if len(right) == 1:
        text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)  # of a number such as 1,550
    between = r"[,;、\n]+|\band\b" if any(" " in str(part) for part in right) else r"[\s,;、&]+"
    if not re.search(_CHINESE, " ".join(map(str, right))):
        between += f"|(?![{_UNSURE}]){_CHINESE}"
    parts = [part.strip(_AROUND) for part in re.split(between, text)]
    return [part for part in parts if part and not _FILLER.fullmatch(part.casefold())]


def letters_of(said: str) -> set[str]:
    """Return the letters from a to d that stand alone in the text."""
    return {*_LETTER.findall(normalize("NFKC", said[:LONGEST]).casefold())}
