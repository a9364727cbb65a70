"""Voices: who is speaking, and are these two the same?"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float32, Int64, UInt8
from torch import Tensor

from dlbook.datasets.arrays import arrays

SPEECH_SOURCES = ("Asterisk", "Menardi", "KLettres", "KTuberling")


@dataclass(frozen=True)
class Speakers:
    """Files one after another: ``codes`` holds all frames, ``frames`` how many each file has.

    ``speakers`` and ``languages`` are positions in ``speaker_names`` and ``language_names``,
    ``sources`` in ``SPEECH_SOURCES``. ``train``, ``valid`` and ``test`` are positions of files.
    ``trials`` are pairs of test files, for verification. ``dvectors`` (of length 1) are what the
    pretrained speaker encoder Resemblyzer makes of each file, to compare with.
    """

    HOP_SECONDS: ClassVar[float] = 0.016
    FLOOR: ClassVar[float] = -36.0
    STEP: ClassVar[float] = 0.25

    codes: UInt8[Tensor, "frames 40"]
    frames: Int64[Tensor, " files"]
    speakers: Int64[Tensor, " files"]
    languages: Int64[Tensor, " files"]
    sources: Int64[Tensor, " files"]
    names: tuple[str, ...]
    speaker_names: tuple[str, ...]
    language_names: tuple[str, ...]
    train: Int64[Tensor, " train"]
    valid: Int64[Tensor, " valid"]
    test: Int64[Tensor, " test"]
    trials: Int64[Tensor, "1200 2"]
    dvectors: Float32[Tensor, "files 256"]

    def log_mels(self) -> tuple[Float32[Tensor, "frames 40"], ...]:
        """The frames of every file in decibels: ``-36 + code / 4``."""
        decibels = self.FLOOR + self.STEP * self.codes.float()
        return decibels.split(self.frames.tolist())

    @property
    def same_speaker(self) -> Bool[Tensor, "1200"]:
        """The answer to each trial."""
        return self.speakers[self.trials[:, 0]] == self.speakers[self.trials[:, 1]]

    @property
    def same_language(self) -> Bool[Tensor, "1200"]:
        """Whether both files of each trial are in one language."""
        return self.languages[self.trials[:, 0]] == self.languages[self.trials[:, 1]]

    @property
    def speaks(self) -> Bool[Tensor, "languages 40"]:
        """Who speaks what: ``speaks[languages[file]]`` are the candidates once the language is known."""
        table = torch.zeros(len(self.language_names), len(self.speaker_names), dtype=torch.bool)
        table[self.languages, self.speakers] = True
        return table

    @property
    def shared(self) -> Bool[Tensor, " files"]:
        """Files in a language that several of the speakers speak: there it gives no one away."""
        return (self.speaks.sum(1) > 1)[self.languages]


def speakers() -> Speakers:
    """40 speakers, 2,898 files of .3 to 3 seconds (26 to 100 a speaker), 41.7 minutes, 23 languages.

    Log-mel energies in 40 bands from 100 to 3,600 Hz, in windows of 32 ms every 16 ms. Of each
    speaker's files 60 % are for training, 15 % for validation, 25 % for testing. The trials are
    1,200 pairs of test files: 15 of one speaker for each speaker, and as many of different ones, of
    which 189 are in one language.

    A classifier may answer right without hearing the voice:

    - By the language. 13 speakers are the only one of theirs, the others share it with a few: who
      knows nothing but the language of a file and names its most frequent speaker is right in 62 %. Look at ``shared`` files too
      (27 speakers, 10 languages), choose among ``speaks[languages[file]]`` only, and see
      the trials with ``same_language``. One speaker (``asterisk-allison``) speaks two languages.
    - By the microphone and the room. Nearly every speaker was recorded at one place, so voice and
      place can't be parted entirely. All was brought to 8 kHz, a common band, and one mean level;
      what is softer than 36 dB below it was raised to that floor. From the quietest 15 %
      of its frames alone, a linear classifier still names the speaker of a file in 47 % (from all
      frames: 78 %). Subtracting each file's mean spectrum takes the microphone away, and a part of
      the voice with it.
    - By the source: prompts, letters and names of things sound different. Who knows the source
      alone is right in 14 %; who knows source and language is right in 92 %.

    Which files are one voice was judged by pitch and by Resemblyzer, not by ear; -man and -woman in
    names mean a low and a high voice. What couldn't be told apart was left out.

    Licences: CC-BY-SA-3.0 (asterisk-allison, -june), CC-BY-3.0 (asterisk-carlo, -ivrvoice),
    CC BY-SA 3.0 Italy (menardi-paola: recordings made by Marco Menardi and his wife Paola Dal Zot,
    http://www.voip.ammdomus.it), GPL-2.0-or-later (klettres-*, ktuberling-*: KDE). Who made what:
    ``data/LICENSES/speech.txt``.
    """
    data = arrays("speakers")
    parts = torch.from_numpy(data["parts"])
    train, valid, test = ((parts == part).nonzero().flatten() for part in range(3))
    dvectors = torch.from_numpy(data["dvectors"]).float()
    return Speakers(
        codes=torch.from_numpy(data["codes"]),
        frames=torch.from_numpy(data["frames"]).long(),
        speakers=torch.from_numpy(data["speakers"]).long(),
        languages=torch.from_numpy(data["languages"]).long(),
        sources=torch.from_numpy(data["sources"]).long(),
        names=tuple(data["names"].tolist()),
        speaker_names=tuple(data["speaker_names"].tolist()),
        language_names=tuple(data["language_names"].tolist()),
        train=train,
        valid=valid,
        test=test,
        trials=torch.from_numpy(data["trials"]).long(),
        dvectors=dvectors / dvectors.norm(dim=1, keepdim=True),
    )
