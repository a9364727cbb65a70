"""Make the bundled phoneme frames: telephone prompts in English, aligned with their transcripts.

    mkdir packages && cd packages
    apt-get download asterisk-core-sounds-en asterisk-core-sounds-en-wav   # Debian bookworm, 1.6.1-1
    pip install pocketsphinx==5.1.1             # the aligner, its acoustic model and its dictionary
    python tools/make_phonemes.py packages

The aligner knows which words are said, looks up their phones, and decides where each begins; it
hears the audio at twice its sampling rate, because its model was trained at 16 kHz.
"""

import argparse
import gzip
import re
import tempfile
import wave
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pocketsphinx
from bundling import DATA, find_package, record, unpack_debian, write_npz
from scipy.signal import resample_poly

from dlbook.datasets.phonemes import PHONES, Phonemes

OUTPUT = DATA / "phonemes"
TRANSCRIPTS = "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
SOUNDS = "usr/share/asterisk/sounds/en_US_f_Allison"
HOP, WINDOW = Phonemes.HOP, Phonemes.WINDOW
DIGITS = dict(
    zip(
        "0123456789",
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
        strict=True,
    )
)
SIGNS = {"*": " star ", "#": " pound ", **{sign: f" {name} " for sign, name in DIGITS.items()}}
LONG_SILENCE = 8  # frames
SILENCE_LEVEL = -12  # dB: a long "silence" louder than this below the speech holds speech
SAME_SENTENCE = 0.7  # transcripts as alike as this go to one part
SHARES = (0.7, 0.15, 0.15)  # of the frames, for training, validation and testing


@dataclass(frozen=True)
class Utterance:
    """What one prompt says and when; ``labels`` has a phone for every 10 ms."""

    name: str
    text: str
    samples: np.ndarray
    labels: np.ndarray


def transcripts(file: Path) -> dict[str, str]:
    """What each prompt says, word by word; prompts that say nothing are left out."""
    lines = gzip.decompress(file.read_bytes()).decode("utf-8", "replace").splitlines()
    pairs = [line.split(":", 1) for line in lines if ":" in line and not line.startswith(";")]
    said = {name.strip(): words_of(text) for name, text in pairs}
    return {name: text for name, text in said.items() if text}


def words_of(text: str) -> str:
    """Words as they are spoken: without remarks in brackets, digits and signs spelled out."""
    text = re.sub(r"\[.*?\]|\(.*?\)|<.*?>", " ", text.lower())
    text = re.sub(r"[*#\d]", lambda match: SIGNS[match.group()], text)
    words = re.sub(r"[^a-z' ]", " ", text).split()
    return " ".join(word.strip("'") for word in words if word.strip("'"))


def read_wav(file: Path) -> np.ndarray:
    """The samples, −1 to 1."""
    with wave.open(str(file)) as stream:
        if (stream.getframerate(), stream.getnchannels()) != (Phonemes.SAMPLE_RATE, 1):
            raise SystemExit(f"{file} isn't 8 kHz mono")
        return np.frombuffer(stream.readframes(stream.getnframes()), "<i2") / 32768


class Aligner:
    """Pocketsphinx, told the words."""

    def __init__(self) -> None:
        model = Path(pocketsphinx.get_model_path("en-us"))
        dictionary = model / "cmudict-en-us.dict"
        lines = dictionary.read_text("utf-8").splitlines()
        self.vocabulary = {line.split()[0] for line in lines if line}
        self.decoder = pocketsphinx.Decoder(
            hmm=str(model / "en-us"),
            dict=str(dictionary),
            lm=None,
            loglevel="FATAL",
            bestpath=False,
        )

    def listen(self, sound: bytes) -> None:
        """One pass over the audio."""
        self.decoder.start_utt()
        self.decoder.process_raw(sound, full_utt=True)
        self.decoder.end_utt()

    def labels(self, samples: np.ndarray, text: str) -> np.ndarray | None:
        """A phone for every frame; None when the words don't fit the audio."""
        if not set(text.split()) <= self.vocabulary:
            return None
        loud = np.clip(resample_poly(samples, 2, 1), -1, 1)
        sound = (loud * 32767).astype("<i2").tobytes()
        self.decoder.set_align_text(text)
        self.listen(sound)  # finds the words
        if self.decoder.hyp() is None:
            return None
        self.decoder.set_alignment()
        self.listen(sound)  # finds the phones in them
        phones = [phone for word in self.decoder.get_alignment() for phone in word]
        codes = [PHONES.index(phone.name if phone.name in PHONES else "SIL") for phone in phones]
        frames = np.repeat(codes, [phone.duration for phone in phones])
        return frames[: 1 + (len(samples) - WINDOW) // HOP].astype(np.uint8)


def loudness(samples: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Energy of every frame."""
    starts = HOP * np.arange(len(labels))[:, None]
    return np.square(samples[starts + np.arange(WINDOW)]).mean(1) + 1e-10


def hides_speech(samples: np.ndarray, labels: np.ndarray) -> bool:
    """Whether the aligner put speech into a silence: it was lost."""
    energy = loudness(samples, labels)
    quiet = labels == PHONES.index("SIL")
    bounds = np.flatnonzero(np.diff(quiet, prepend=False, append=False))
    runs = [slice(*pair) for pair in bounds.reshape(-1, 2) if pair[1] - pair[0] >= LONG_SILENCE]
    limit = energy[~quiet].mean() * 10 ** (SILENCE_LEVEL / 10)
    return any(energy[run].mean() > limit for run in runs)


def align_all(sounds: Path, said: dict[str, str]) -> list[Utterance]:
    """The prompts that could be aligned, in the order of their names."""
    aligner, utterances, dropped = Aligner(), [], Counter()
    for name, text in sorted(said.items()):
        file = sounds / f"{name}.wav"
        samples = read_wav(file) if file.is_file() else np.zeros(0)
        labels = aligner.labels(samples, text) if file.is_file() else None
        if labels is None:
            dropped["no recording, unknown word, or no alignment"] += 1
        elif hides_speech(samples, labels):
            dropped["speech in a silence"] += 1
        else:
            samples = samples[: HOP * (len(labels) - 1) + WINDOW]
            utterances.append(Utterance(name, text, samples, labels))
    print(f"{len(utterances)} utterances; left out: {dict(dropped)}")
    return utterances


def alike(one: str, other: str) -> bool:
    """Whether two transcripts are the same sentence, or nearly."""
    first, second = one.split(), other.split()
    if first == second or max(len(first), len(second)) < 3:
        return first == second
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    return matcher.real_quick_ratio() >= SAME_SENTENCE and matcher.ratio() >= SAME_SENTENCE


def group(texts: list[str]) -> np.ndarray:
    """A number for every utterance, the same for those linked by transcripts that are alike."""
    groups = np.arange(len(texts))
    for position, text in enumerate(texts):
        for earlier in range(position):
            if groups[earlier] != groups[position] and alike(text, texts[earlier]):
                groups[groups == groups[position]] = groups[earlier]
    return np.unique(groups, return_inverse=True)[1].astype(np.int16)


def deal(groups: np.ndarray, frames: np.ndarray, seed: int) -> np.ndarray:
    """0, 1 or 2 for every utterance: whole groups, until each part has its share of the frames."""
    weights = np.bincount(groups, frames) / frames.sum()
    order = np.random.default_rng(seed).permutation(len(weights))
    before = np.cumsum(weights[order]) - weights[order] / 2
    parts = np.empty(len(weights), np.uint8)
    parts[order] = np.searchsorted(np.cumsum(SHARES)[:2], before)
    return parts[groups]


def split(utterances: list[Utterance], groups: np.ndarray) -> np.ndarray:
    """The parts by the first seed with which every part has every phone and its share of frames."""
    frames = np.array([len(utterance.labels) for utterance in utterances])
    labels = np.concatenate([utterance.labels for utterance in utterances])
    for seed in range(10_000):
        parts = deal(groups, frames, seed)
        by_frame = np.repeat(parts, frames)
        counts = [np.bincount(labels[by_frame == part], minlength=len(PHONES)) for part in range(3)]
        shares = np.bincount(by_frame) / len(by_frame)
        if np.min(counts) > 0 and np.abs(shares - SHARES).max() < 0.01:
            print(f"seed {seed}, shares of the frames {shares.round(3)}")
            return parts
    raise SystemExit("no seed gives every part every phone")


def mulaw(samples: np.ndarray) -> np.ndarray:
    """µ-law in 8 bits: fine steps for soft sounds, coarse steps for loud ones."""
    squeezed = np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256)
    return np.round(127 * squeezed + 128).astype(np.uint8)


def main() -> None:
    """Write the bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path)
    folder = parser.parse_args().packages
    debs = [find_package(folder, f"asterisk-core-sounds-en{end}_") for end in ("", "-wav")]
    with tempfile.TemporaryDirectory() as temporary:
        words, sounds = (unpack_debian(deb, Path(temporary)) for deb in debs)
        utterances = align_all(sounds / SOUNDS, transcripts(words / TRANSCRIPTS))
    groups = group([utterance.text for utterance in utterances])
    write_npz(
        OUTPUT / "phonemes.npz",
        audio=mulaw(np.concatenate([utterance.samples for utterance in utterances])),
        labels=np.concatenate([utterance.labels for utterance in utterances]),
        frames=np.array([len(utterance.labels) for utterance in utterances], np.int32),
        names=np.array([utterance.name for utterance in utterances]),
        transcripts=np.array([utterance.text for utterance in utterances]),
        groups=groups,
        parts=split(utterances, groups),
    )
    record(OUTPUT, __file__, debs, ["pocketsphinx", "scipy"])


if __name__ == "__main__":
    main()
