"""Chinese paragraphs: a line break in the lesson's source must not show as a space."""

import re

_WIDE = r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef—…]"
_ENDS_WIDE = re.compile(_WIDE + r"$")
_PUNCTUATION = re.compile(r"[\u3001\u3002\uff01-\uff0f\uff1a\uff1b\uff1f「」『』（）〈〉《》—…]$")
_STARTS_WIDE = re.compile(_WIDE)
_STARTS_BLOCK = re.compile(r"(\s*([-*+]|\d+\.)\s)|[#>|<]|```|\$\$|\s{4}")
_OWN_LINE = re.compile(r"[#|<]|```|\$\$")


def unwrap(text: str) -> str:
    """Join the lines of a Markdown paragraph where Chinese meets Chinese.

    Markdown shows a line break as a space, which Chinese has none of. Lines that begin a block
    (lists, tables, headings, fences, HTML) and whatever is inside a fence stay as they are.
    """
    lines: list[str] = []
    in_code = in_formula = False
    for line in text.split("\n"):
        if lines and not (in_code or in_formula) and _joins(lines[-1], line):
            lines[-1] += line.lstrip()
        else:
            lines.append(line)
        if not in_formula:
            in_code ^= line.lstrip().startswith("```")
        if not in_code:
            in_formula ^= line.count("$$") % 2 == 1
    return "\n".join(lines)


def _joins(above: str, below: str) -> bool:
    if _OWN_LINE.match(above) or _STARTS_BLOCK.match(below) or not below.strip():
        return False
    if _PUNCTUATION.search(above):
        return True
    return bool(_ENDS_WIDE.search(above) and _STARTS_WIDE.match(below.lstrip()))
