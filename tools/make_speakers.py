"""Make the bundled speaker set: log-mel frames of 40 voices out of telephone prompts and games.

    mkdir packages && cd packages
    apt-get download asterisk-core-sounds-{en,es,fr,it,ru}-wav asterisk-prompt-it-menardi-wav \\
        klettres-data ktuberling-data                                     # Debian bookworm
    pip download --no-deps resemblyzer==0.1.4         # the speaker encoder that gives d-vectors
    pip install soundfile==0.14.0                     # reads Ogg Vorbis and Opus
    python tools/make_speakers.py packages

Which files are one voice was found out by pitch and by a pretrained speaker encoder: some folders
hold a man and a woman, and what couldn't be told apart is left out.
"""

import argparse
import hashlib
import re
import tempfile
from dataclasses import dataclass
from itertools import combinations, product
from math import gcd
from pathlib import Path

import numpy as np
import soundfile
import torch
from bundling import DATA, find_package, record, unpack_debian, write_npz
from scipy.signal import resample_poly
from voice_encoder import VoiceEncoder

OUTPUT = DATA / "speakers"
ASTERISK = "asterisk-core-sounds-{}-wav/usr/share/asterisk/sounds/{}"
MENARDI = "asterisk-prompt-it-menardi-wav/usr/share/asterisk/sounds/it_IT_f_Menardi"
KLETTRES = "klettres-data/usr/share/klettres/{}"
KTUBERLING = "ktuberling-data/usr/share/ktuberling/sounds/{}"
SOURCES = ("asterisk", "menardi", "klettres", "ktuberling")
NO_WORDS = r"beep|2tone|monkeys|weasels|confbridge-(join|leave)$|^silence/"
EXCLAMATIONS = r"(tux|say)-(angry|huh|idea|laugh|love|sick|stare|what|wow|zzz)"

RATE = 8_000
WINDOW, HOP = 256, 128  # 32 ms, every 16 ms
BANDS = 40
LOWEST, HIGHEST = 100.0, 3_600.0  # Hz: what every source has
STEP = 0.25  # dB from one code to the next
FLOOR = -36.0  # dB from the mean level of the speech: softer is raised to it, and hides the room
TRIM = -35.0  # dB below the loudest frame: what is softer at both ends is cut off
SHORTEST, LONGEST = 20, 188  # frames: .3 to 3 seconds
FILES = 100  # at most, for one speaker
SHARES = (0.6, 0.15, 0.25)  # of the files of each speaker
TRIALS = 15  # pairs of each kind for each speaker
DVECTOR_SCALE = 400  # codes per unit
SEED = 0


@dataclass(frozen=True)
class Voice:
    """Where one speaker's files are: those whose path under ``folder`` matches."""

    speaker: str
    language: str
    source: str
    folder: str
    taken: str = "."
    left: str = "^$"


def klettres(code: str, name: str = "", language: str = "", **files: str) -> Voice:
    """A voice of KLettres: letters and syllables."""
    speaker = f"klettres-{name or code}"
    return Voice(speaker, language or code, "klettres", KLETTRES.format(code), **files)


def ktuberling(code: str, name: str = "", language: str = "", **files: str) -> Voice:
    """A voice of KTuberling: names of things."""
    speaker = f"ktuberling-{name or code}"
    files["left"] = "|".join(filter(None, [EXCLAMATIONS, files.get("left")]))
    return Voice(speaker, language or code, "ktuberling", KTUBERLING.format(code), **files)


def asterisk(code: str, folder: str, speaker: str) -> Voice:
    """A voice of the Asterisk core sounds: telephone prompts."""
    return Voice(speaker, code, "asterisk", ASTERISK.format(code, folder), left=NO_WORDS)


WOMAN_CA = r"^(butterflies|egypt|moon|patata|robot|tv|xmas)_"
WOMAN_DA = r"tux|^xmas_"
WOMAN_RU = r"tux|^xmas_|^tv_(?!(bicycle|car|cyclist|train|tree)$)"
VOICES = (
    asterisk("en", "en_US_f_Allison", "asterisk-allison"),
    asterisk("es", "es_MX_f_Allison", "asterisk-allison"),
    asterisk("fr", "fr_CA_f_June", "asterisk-june"),
    asterisk("it", "it_IT_m_Carlo", "asterisk-carlo"),
    asterisk("ru", "ru_RU_f_IvrvoiceRU", "asterisk-ivrvoice"),
    Voice("menardi-paola", "it", "menardi", MENARDI, left=NO_WORDS),
    *map(klettres, ("ar", "cs")),
    klettres("da", left=r"^syllab/ad-2[1-7]"),
    klettres("de", "de-woman", taken=r"^alpha/", left=r"/sz"),
    klettres("de", "de-man", taken=r"^syllab/"),
    klettres("en"),
    klettres("en_GB", language="en"),
    *map(klettres, ("es", "fr", "he", "hu", "it", "lt", "ml")),
    klettres("nb", language="no"),
    *map(klettres, ("nds", "nl")),
    klettres("pt_BR", language="pt"),
    klettres("ru"),
    ktuberling("ca", "ca-woman", taken=WOMAN_CA),
    ktuberling("ca", "ca-man", left=WOMAN_CA),
    ktuberling("da", "da-woman", taken=WOMAN_DA),
    ktuberling("da", "da-man", left=WOMAN_DA),
    *map(ktuberling, ("de", "el")),
    ktuberling("en", left="^tv_"),
    ktuberling(
        "fr",
        taken=r"^(egypte|lune|noel|papillons|patate|pizzeria|robot)_",
        left=r"^patate_(cheveux|cravate)",
    ),
    *map(ktuberling, ("gl", "lt")),
    ktuberling("nn", language="no"),
    ktuberling("ru", "ru-woman", taken=WOMAN_RU),
    ktuberling("ru", "ru-man", left=WOMAN_RU),
    ktuberling("sl"),
    ktuberling("uk", left="^(butterflies|robot)"),
    ktuberling("wa"),
)


@dataclass(frozen=True)
class Clip:
    """One file: its samples without the silence around them, and its ``codes[frames, 40]``."""

    voice: Voice
    name: str
    samples: np.ndarray
    codes: np.ndarray


def mel(hertz: np.ndarray | float) -> np.ndarray:
    """Pitch as it is heard."""
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def mel_filters() -> np.ndarray:
    """Triangles equally wide in mel, [bands, frequencies of the transform]."""
    edges = 700 * (10 ** (np.linspace(mel(LOWEST), mel(HIGHEST), BANDS + 2) / 2595) - 1)
    frequencies = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (frequencies - low) / (centre - low), (high - frequencies) / (high - centre)
    return np.clip(np.minimum(rising, falling), 0, None)


FILTERS = mel_filters()


def read(file: Path) -> np.ndarray | None:
    """The samples at 8 kHz, both channels averaged; None if it was recorded with fewer than 16 kHz.

    Telephone prompts are at 8 kHz; a game's file at 8 kHz is by someone else than the others.
    """
    samples, rate = soundfile.read(file, dtype="float64", always_2d=True)
    if "ktuberling" in str(file) and rate < 16_000:
        return None
    divisor = gcd(rate, RATE)
    return resample_poly(samples.mean(1), RATE // divisor, rate // divisor)


def energies(samples: np.ndarray) -> np.ndarray:
    """Of every frame and band."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    window = np.hanning(WINDOW + 1)[:-1]
    return np.abs(np.fft.rfft(frames * window)) ** 2 @ FILTERS.T


def trim(samples: np.ndarray) -> np.ndarray | None:
    """Without the silence at both ends, three seconds at most; None if too short."""
    if len(samples) < WINDOW:
        return None
    level = 10 * np.log10(energies(samples).mean(1) + 1e-12)
    spoken = np.flatnonzero(level > level.max() + TRIM)
    frames = min(spoken[-1] + 1 - spoken[0], LONGEST)
    start = HOP * spoken[0]
    return samples[start : start + HOP * (frames - 1) + WINDOW] if frames >= SHORTEST else None


def encode(samples: np.ndarray) -> np.ndarray:
    """Log-mel energies as codes, equally loud for every file."""
    power = energies(samples)
    decibels = 10 * np.log10(power / power.mean() + 1e-12)
    return np.clip(np.round((decibels - FLOOR) / STEP), 0, 255).astype(np.uint8)


def clips_of(voice: Voice, root: Path) -> list[Clip]:
    """All usable files of one voice, each sound once, in a random order."""
    folder, clips, seen = root / voice.folder, [], set()
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).with_suffix("").as_posix()
        fits = re.search(voice.taken, name) and not re.search(voice.left, name)
        if file.suffix not in {".wav", ".ogg", ".opus"} or not fits:
            continue
        digest = hashlib.sha256(file.read_bytes()).digest()
        samples = None if digest in seen else read(file)
        seen.add(digest)
        samples = None if samples is None else trim(samples)
        if samples is not None:
            path = f"{Path(voice.folder).name}/{name}"
            clips.append(Clip(voice, path, samples, encode(samples)))
    order = np.random.default_rng(SEED).permutation(len(clips))
    return [clips[position] for position in order]


def choose(root: Path) -> list[Clip]:
    """At most ``FILES`` clips of every speaker, as many in each of the speaker's languages."""
    chosen = []
    for voice in VOICES:
        languages = sum(other.speaker == voice.speaker for other in VOICES)
        chosen += clips_of(voice, root)[: FILES // languages]
    return chosen


def split(clips: list[Clip]) -> np.ndarray:
    """0, 1 or 2 for every clip, in the same proportions for every voice (clips are in a random order)."""
    parts = []
    for voice in VOICES:
        count = sum(clip.voice is voice for clip in clips)
        train, valid = round(SHARES[0] * count), round(SHARES[1] * count)
        parts += [0] * train + [1] * valid + [2] * (count - train - valid)
    return np.array(parts, np.uint8)


def trials(speakers: np.ndarray, languages: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Pairs of test files, [pairs, 2]: half by one speaker; of the others, half in one language
    where the speaker has company in it."""
    rng = np.random.default_rng(SEED)
    tested, pairs = np.flatnonzero(parts == 2).tolist(), []
    for speaker in np.unique(speakers):
        own = [file for file in tested if speakers[file] == speaker]
        others = [file for file in tested if speakers[file] != speaker]
        same = list(combinations(own, 2))
        mixed = [tuple(sorted(pair)) for pair in product(own, others)]
        fresh = sorted(set(mixed) - set(pairs))
        near = [pair for pair in fresh if languages[pair[0]] == languages[pair[1]]]
        far = [pair for pair in fresh if languages[pair[0]] != languages[pair[1]]]
        count = TRIALS // 2 if near else 0
        for candidates, number in ((same, TRIALS), (near, count), (far, TRIALS - count)):
            drawn = rng.permutation(len(candidates))[:number]
            pairs += [candidates[position] for position in drawn]
    return np.array(pairs, np.int16)


def numbered(values: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The different values in the order of their first appearance, and a number for each value."""
    names = list(dict.fromkeys(values))
    return np.array(names), np.array([names.index(value) for value in values], np.uint8)


def main() -> None:
    """Write the bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path)
    folder = parser.parse_args().packages
    packages = sorted({voice.folder.split("/")[0] for voice in VOICES})
    debs = [find_package(folder, f"{package}_") for package in packages]
    wheel = find_package(folder, "Resemblyzer-")
    with tempfile.TemporaryDirectory() as temporary:
        for deb in debs:
            unpack_debian(deb, Path(temporary))
        clips = choose(Path(temporary))
    torch.set_num_threads(1)
    encoder = VoiceEncoder(wheel)
    dvectors = np.stack([encoder.embed(clip.samples) for clip in clips])
    speaker_names, speakers = numbered([clip.voice.speaker for clip in clips])
    language_names, languages = numbered([clip.voice.language for clip in clips])
    parts = split(clips)
    write_npz(
        OUTPUT / "speakers.npz",
        codes=np.concatenate([clip.codes for clip in clips]),
        dvectors=np.clip(np.round(dvectors * DVECTOR_SCALE), 0, 255).astype(np.uint8),
        frames=np.array([len(clip.codes) for clip in clips], np.int16),
        speakers=speakers,
        languages=languages,
        sources=np.array([SOURCES.index(clip.voice.source) for clip in clips], np.uint8),
        names=np.array([clip.name for clip in clips]),
        speaker_names=speaker_names,
        language_names=language_names,
        parts=parts,
        trials=trials(speakers, languages, parts),
    )
    record(OUTPUT, __file__, [*debs, wheel], ["scipy", "soundfile", "torch"])


if __name__ == "__main__":
    main()
