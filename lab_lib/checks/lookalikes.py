"""Make characters visible that cannot be seen, or look like others: found and wanted must never look the same."""

import re
import unicodedata

# A letter and the marks on it are one word. Each other character stands alone.
_PARTS = re.compile(r"[\w\u0300-\u036f]+|.", re.DOTALL)
_LOOKS_LATIN = ("CYRILLIC", "GREEK", "COMBINING", "ARMENIAN", "CHEROKEE")  # how the names of such characters begin
# The Cyrillic and Greek letters that look like Latin ones: a word of these alone is taken for a Latin word.
_TWINS = {
    *"\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425",
    *"\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458",
    *"\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bd\u03bf",
}


def visible(text: str, longest: int = 1_000) -> str:
    """Return the text, or its beginning, with the code of each odd character in its place, such as [U+0430].

    Odd are characters that cannot be seen, wide forms and other dashes of ASCII, and, in a word of Latin letters, those
    of a script with the same shapes. A name purely in another script stays as it is.
    """
    text = text if len(text) <= longest else f"{text[:longest]} …"
    return text if text.isascii() and text.isprintable() else "".join(map(_part, _PARTS.findall(text)))


def _part(part: str) -> str:
    letters = [letter for letter in part if letter.isalpha()]
    is_latin = any("LATIN" in unicodedata.name(letter, "") for letter in letters) or {*letters} <= _TWINS
    return "".join(f"[U+{ord(character):04X}]" if _is_odd(character, is_latin) else character for character in part)


def _is_odd(character: str, in_latin: bool) -> bool:
    if character.isascii() or not character.isprintable():
        return not character.isprintable()
    is_wide = character.isalnum() and unicodedata.normalize("NFKC", character).isascii()
    is_dash = unicodedata.category(character) == "Pd" or character == "\N{MINUS SIGN}"
    return is_wide or is_dash or (in_latin and unicodedata.name(character, "").startswith(_LOOKS_LATIN))
