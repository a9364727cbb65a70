"""From Simplified to Traditional Chinese as it is written in Taiwan.

One Simplified character may stand for several Traditional ones (U+53D1: 發, 髮), so a converter
guesses, and guesses wrong where the words are rare: 于禁, a name, becomes 於禁, and 割髮 may come
out as 割發. Convert, then look for the words you know.

Never take "differs after conversion" for "is Simplified": conversion also changes correct
Taiwanese text, such as 損失函數 or 台灣. :func:`simplified_characters` looks at single characters,
and passes over those that Traditional text uses too.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opencc import OpenCC

SIMPLIFIED_IN_COMMON_USE_LIST = frozenset("儿么听坏虫")  # in Big5's first level all the same


def to_traditional(text: str) -> str:
    """Simplified text in Traditional characters and in the words of Taiwan (軟件 → 軟體)."""
    return _converter("s2twp").convert(text)


def simplified_characters(text: str) -> set[str]:
    """The characters of ``text`` that are written in Simplified Chinese only.

    Characters in common use in Taiwan (the first level of Big5) are never among them, though some,
    such as 后, 里 and 台, are Simplified forms of others: they are correct in Traditional text.
    """
    return {character for character in set(text) if _is_simplified(character)}


@cache
def _converter(name: str) -> "OpenCC":
    from opencc import OpenCC

    return OpenCC(name)


@cache
def _is_simplified(character: str) -> bool:
    if character in SIMPLIFIED_IN_COMMON_USE_LIST:
        return True
    return not _is_common(character) and _converter("s2t").convert(character) != character


def _is_common(character: str) -> bool:
    """One of the 5,401 characters of Big5's first level?"""
    try:
        return character.encode("big5") < b"\xc9"
    except UnicodeEncodeError:
        return False
