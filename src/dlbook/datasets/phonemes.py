"""Phoneme frames: telephone prompts in English, and which phone sounds at every 10 ms."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from jaxtyping import Float32, Int64, UInt8
from torch import Tensor

from dlbook.datasets.arrays import arrays

PHONE_CLASSES = {
    "靜音": ("SIL",),
    "母音": ("AA", "AE", "AH", "AO", "EH", "ER", "IH", "IY", "UH", "UW"),
    "雙母音": ("AW", "AY", "EY", "OW", "OY"),
    "半母音": ("L", "R", "W", "Y"),
    "鼻音": ("M", "N", "NG"),
    "擦音": ("DH", "F", "HH", "S", "SH", "TH", "V", "Z"),
    "塞音": ("B", "D", "G", "K", "P", "T"),
    "塞擦音": ("CH", "JH"),
}
PHONES = tuple(phone for phones in PHONE_CLASSES.values() for phone in phones)


@dataclass(frozen=True)
class Phonemes:
    """Utterances one after another: ``audio`` in µ-law, ``labels`` with a position in ``PHONES``.

    ``frames`` says how many labels each utterance has. Label ``t`` of an utterance is for its
    samples ``80·t`` to ``80·t + 200``: windows of 25 ms (``WINDOW``), 10 ms apart (``HOP``), which
    cover the utterance exactly. ``groups`` number what says the same; ``train``, ``valid`` and
    ``test`` are positions of utterances, and no group is in two of them.
    """

    SAMPLE_RATE: ClassVar[int] = 8_000
    WINDOW: ClassVar[int] = 200
    HOP: ClassVar[int] = 80

    audio: UInt8[Tensor, " samples"]
    labels: Int64[Tensor, " frames"]
    frames: Int64[Tensor, " utterances"]
    names: tuple[str, ...]
    transcripts: tuple[str, ...]
    groups: Int64[Tensor, " utterances"]
    train: Int64[Tensor, " train"]
    valid: Int64[Tensor, " valid"]
    test: Int64[Tensor, " test"]

    def waveform(self, utterance: int) -> Float32[Tensor, " samples"]:
        """The sound of one utterance, −1 to 1, 8,000 samples a second."""
        return decode_mulaw(self._audio_of[utterance])

    def phones(self, utterance: int) -> Int64[Tensor, " frames"]:
        """The label of every frame of one utterance."""
        return self._labels_of[utterance]

    @cached_property
    def _audio_of(self) -> tuple[Tensor, ...]:
        return self.audio.split((self.HOP * (self.frames - 1) + self.WINDOW).tolist())

    @cached_property
    def _labels_of(self) -> tuple[Tensor, ...]:
        return self.labels.split(self.frames.tolist())


def decode_mulaw(codes: UInt8[Tensor, " samples"]) -> Float32[Tensor, " samples"]:
    """Samples out of 8-bit µ-law (µ = 255): code 128 is 0, 1 is −1, 255 is 1."""
    squeezed = (codes.float() - 128) / 127
    return squeezed.sign() * (256 ** squeezed.abs() - 1) / 255


def phonemes() -> Phonemes:
    """490 utterances of one speaker, 16.6 minutes, 98,892 frames of 10 ms, 39 phones (``PHONES``).

    The phones are those of the CMU dictionary without stress. Nothing had to be folded: ZH never
    occurs, and pauses, breaths and noises are all SIL. 12 % of the frames are SIL, .1 % are OY.

    The labels come from a forced aligner (pocketsphinx): it was told the words, looked up their
    phones, and decided where each begins. No one checked them by ear. So a word that is spoken
    unlike the dictionary has wrong labels, a boundary is often a frame or two off, and some of
    the mistakes of a classifier are the aligner's; 100 % can't be reached. Utterances in which the
    aligner took speech for silence were left out.

    70 % of the frames are for training, 15 % for validation, 15 % for testing, in whole
    utterances. Utterances that say the same or nearly the same (``groups``, 415 of them) are in one
    part. Words do recur across parts ("press", "the pound key"), and the speaker is always the
    same: figures can't be compared with TIMIT's, whose 630 speakers say other sentences.

    Licence: CC-BY-SA-3.0, "Asterisk Core Sounds", © 2003–2010 Allison Smith (voice), Digium, Inc.;
    see ``data/LICENSES/speech.txt``. Changed here: µ-law in 8 bits, ends cut to whole frames.
    """
    data = arrays("phonemes")
    parts = torch.from_numpy(data["parts"])
    train, valid, test = ((parts == part).nonzero().flatten() for part in range(3))
    return Phonemes(
        audio=torch.from_numpy(data["audio"]),
        labels=torch.from_numpy(data["labels"]).long(),
        frames=torch.from_numpy(data["frames"]).long(),
        names=tuple(data["names"].tolist()),
        transcripts=tuple(data["transcripts"].tolist()),
        groups=torch.from_numpy(data["groups"]).long(),
        train=train,
        valid=valid,
        test=test,
    )
