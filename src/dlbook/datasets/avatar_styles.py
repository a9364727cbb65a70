"""What can be asked of an avatar, style by style: attributes, their values, and DiceBear's options."""

from dataclasses import dataclass
from typing import Any

Options = dict[str, Any]


@dataclass(frozen=True)
class Value:
    """One value of an attribute, and the options that draw it."""

    title: str
    options: Options


def _colours(option: str, **colours: str) -> tuple[Value, ...]:
    return tuple(Value(title, {option: [colour]}) for title, colour in colours.items())


def _chance(part: str, title: str) -> tuple[Value, ...]:
    """Without and with a part."""
    option = f"{part}Probability"
    return (Value(f"沒有{title}", {option: 0}), Value(f"有{title}", {option: 100}))


def _variants(option: str, **choices: list[str]) -> tuple[Value, ...]:
    return tuple(Value(title, {option: variants}) for title, variants in choices.items())


def _numbered(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number:02}" for number in range(1, count + 1)]


_BACKGROUND = _colours(
    "backgroundColor", 藍底="#b6e3f4", 紫底="#c0aede", 粉底="#ffd5dc", 黃底="#ffeeb8"
)
_SKIN = _colours("skinColor", 淺膚色="#ffdbb4", 中膚色="#d08b5b", 深膚色="#7d4a26")
_HAIR = _colours(
    "hairColor", 黑髮="#2c222b", 棕髮="#8a5a33", 金髮="#e6c35c", 紅髮="#b5382a", 藍髮="#3f6fd1"
)
_GLASSES = _chance("glasses", "眼鏡")
_BEARD = _chance("beard", "鬍子")

Attributes = dict[str, tuple[Value, ...]]

# All six styles are CC0 1.0 (see data/LICENSES/CC0-1.0.txt).
AVATAR_STYLES: dict[str, Attributes] = {
    "lorelei": {
        "background": _BACKGROUND,
        "skin": _SKIN,
        "hair": _HAIR,
        "glasses": _GLASSES,
        "mouth": _variants("mouthVariant", 笑=_numbered("happy", 18), 不笑=_numbered("sad", 9)),
    },
    "pixel-art": {
        "background": _BACKGROUND,
        "skin": _SKIN,
        "hair": _HAIR,
        "length": _variants("hairVariant", 長髮=_numbered("long", 21), 短髮=_numbered("short", 24)),
        "glasses": _GLASSES,
        "mouth": _variants("mouthVariant", 笑=_numbered("happy", 13), 不笑=_numbered("sad", 10)),
    },
    "voxel-art": {
        "background": _BACKGROUND,
        "skin": _SKIN,
        "hair": _HAIR,
        "glasses": _GLASSES,
        "beard": _BEARD,
    },
    "open-peeps": {
        "background": _BACKGROUND,
        "skin": _SKIN,
        "clothing": _colours("clothingColor", 藍衣="#8fa7df", 綠衣="#78e185", 紅衣="#e78276"),
        "glasses": _chance("accessories", "眼鏡"),
        "beard": _chance("facialHair", "鬍子"),
    },
    "notionists": {
        "background": _BACKGROUND,
        "glasses": _GLASSES,
        "beard": _BEARD,
        "gesture": _chance("gesture", "手勢"),
    },
    "critters": {
        "background": _BACKGROUND,
        "body": _colours(
            "bodyColor", 藍色="#7dd3fc", 紅色="#fca5a5", 黃色="#fcd34d", 綠色="#6ee7b9"
        ),
        "top": _chance("top", "角或耳朵"),
        "pattern": _chance("pattern", "花紋"),
    },
}

# Off in every picture unless an attribute asks for it, so that attributes say all there is to say.
ALWAYS: Options = {
    "beardProbability": 0,
    "earringsProbability": 0,
    "frecklesProbability": 0,
    "hairAccessoriesProbability": 0,
    "hatProbability": 0,
    "maskProbability": 0,
}

_SHAVEN = ("variant25", "variant28", "variant34")

# Left out: hats instead of hair, shaven heads, an eye patch among the glasses.
FIXED: dict[str, Options] = {
    "lorelei": {"hairVariant": [v for v in _numbered("variant", 48) if v not in _SHAVEN]},
    "open-peeps": {
        "accessoriesVariant": [*(f"glasses{n}" for n in ("", 2, 3, 4, 5)), "sunglasses"],
    },
    "voxel-art": {
        "topProbability": 100,
        "topVariant": [
            *("short", "spiky", "bowl", "sideSwept", "curly", "mohawk", "buns", "ponytail", "bob"),
            *("shoulderLength", "longStraight", "longWavy", "partedLong", "braids", "twinTails"),
            *("afro", "halfShaved"),
        ],
    },
}
