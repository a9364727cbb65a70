"""Chinese characters in twelve typefaces: few-shot learning, and from print to the brush."""

from dataclasses import dataclass

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from dlbook.datasets.arrays import arrays

FONT_TITLES = {
    "noto-sans": "黑體",
    "noto-serif": "宋體",
    "uming": "文鼎明體",
    "cwtex-ming": "cwTeX 明體",
    "cwtex-yen": "圓體",
    "cwtex-fs": "仿宋",
    "ukai": "文鼎楷體",
    "cwtex-kai": "cwTeX 楷書",
    "wenkai": "文楷",
    "seto": "手寫",
    "kouzan": "毛筆楷書",
    "gyosho": "毛筆行書",
}
PRINTED_FONTS = ("noto-sans", "noto-serif", "uming", "cwtex-ming", "cwtex-yen", "cwtex-fs")
RUNNING_FONT = "gyosho"


@dataclass(frozen=True)
class Hanzi:
    """``images[font, character]``: white ink 0–255 on black, 16 grey levels.

    ``train``, ``valid`` and ``test`` are positions of characters, of which none is in two parts.
    """

    images: UInt8[Tensor, "12 1000 28 28"]
    characters: str
    fonts: tuple[str, ...]
    train: Int64[Tensor, "700"]
    valid: Int64[Tensor, "100"]
    test: Int64[Tensor, "200"]

    def font(self, *names: str) -> UInt8[Tensor, "fonts 1000 28 28"]:
        """The images of some typefaces, in the order of ``names``."""
        return self.images[[self.fonts.index(name) for name in names]]


def hanzi() -> Hanzi:
    """The 1,000 most frequent characters of Taiwan's common ones, in 12 typefaces, most frequent first.

    Every character has ink in every typeface; ink is centred, and as large in one typeface as in
    the other. 700 characters are for training, 100 for validation, 200 for testing (a class seen
    in training is never tested: few-shot learning). For domain adaptation take ``PRINTED_FONTS``
    as the source and ``RUNNING_FONT``, written with a brush, as the target.

    Licences, by typeface: OFL-1.1 (noto-*, wenkai, seto); Arphic Public License (uming, ukai);
    GPL-2.0-or-later (cwtex-*); public domain (kouzan, gyosho).
    """
    data = arrays("hanzi")
    parts = torch.from_numpy(data["parts"])
    train, valid, test = ((parts == part).nonzero().flatten() for part in range(3))
    return Hanzi(
        images=torch.from_numpy(data["images"]),
        characters="".join(data["characters"].tolist()),
        fonts=tuple(data["fonts"].tolist()),
        train=train,
        valid=valid,
        test=test,
    )
