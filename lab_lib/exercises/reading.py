"""Read what a learner has written as an answer, in whatever form and language.

Parts of a text stand between commas, spaces, or words such as "and", also in Chinese. Width, quotes and filler words do
not count, and a number up to ten may be a word. A choice is named by its letter or its words in any language; a text
that names two, or one after "not", names none.
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
_NOT = re.compile(rf"[{_UNSURE}]|n['’]t\b|\b(?:not?|never|neither|except)\b")
_ARTICLE = re.compile(r"\ba +(?!(?:and|as|because|is|or|since)\b)(?=[a-z]{2})")  # "a" that names no choice
_AROUND = " '\"`()[]{}:“”‘’「」"
_NUMBERS = {}
for _words in (
    "zero one two three four five six seven eight nine ten",
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth",
    "零 一 二 三 四 五 六 七 八 九 十",
    "〇 一 两",
):
    for _number, _word in enumerate(_words.split()):
        _NUMBERS[_word] = _number
_FILLER = re.compile(
    "and|the|only|both|i|think|my|it|is|are|answer|rows?|lines?|numbers?|keys?|customers?|transactions?|dollars|yuan"
    "|[和与跟及]|以及|还有"
)


def plain(item: Any) -> Any:
    """Return a number as Decimal, and text without quotes around it."""
    text = normalize("NFKC", str(item)).strip(_AROUND)
    number = _NUMBERS.get(text.casefold(), text.lstrip("$€£¥#"))
    try:
        return Decimal(number)
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
    has_spaces = any(" " in str(part) for part in right)
    between = r"[,;、\n]+|\band\b" if has_spaces else r"[\s,;、&]+"
    if not re.search(_CHINESE, " ".join(map(str, right))):
        is_text = any(isinstance(part, str) for part in right)
        kept = _UNSURE if is_text else _UNSURE + "".join(_NUMBERS)
        between += f"|(?![{kept}]){_CHINESE}"
    parts = [part.strip(_AROUND) for part in re.split(between, text)]
    return [part for part in parts if part and not _FILLER.fullmatch(part.casefold())]


def named_letter(options: list[tuple[str, str]], said: str) -> str:
    """Return the letter that is named, by itself or by words of its text; "" if that is not one letter."""
    words = only_words(said[:LONGEST])
    is_long = len(words) > 3 or " " in words
    meant = set[str]()
    letters = [(letter, letter) for letter in "abcd"]  # each of them names itself
    for letter, option in letters + options:
        text = only_words(option)
        before, named, _after = f" {words} ".partition(f" {text} ")
        if named:
            is_denied = _NOT.search(before)
            meant.add("" if is_denied else letter)
        elif is_long and f" {words} " in f" {text} ":
            meant.add(letter)
    return meant.pop() if len(meant) == 1 else ""


def only_words(text: str) -> str:
    """Return the words of a text in small letters, with one space between two. A Chinese character is a word."""
    spaced = re.sub(_CHINESE, r" \g<0> ", normalize("NFKC", text).casefold())
    return " ".join(re.findall(r"\w+(?:['’]\w+)*", _ARTICLE.sub("", spaced)))
