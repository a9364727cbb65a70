"""What a loader hands over: numbers and text, never an architecture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer


@dataclass
class Pretrained:
    """What a model class needs to become the pretrained model.

    ``config`` has the keys of the Hugging Face configuration; ``state`` maps the parameter names
    of the reference implementation to float32 tensors, that belong to the caller; tied weights
    appear once.
    """

    config: dict[str, Any]
    state: dict[str, torch.Tensor]


@dataclass
class TextModel(Pretrained):
    """A model that reads tokens; ``chat_template`` is a Jinja template, "" where there is none."""

    tokenizer: Tokenizer
    chat_template: str = ""


@dataclass
class SpeechRecogniser(Pretrained):
    """A Whisper.

    ``mel_filters`` (frequency bins, mel bands) turn a power spectrum into mel bands;
    ``generation`` has the token ids that steer decoding, named as in Hugging Face's generation
    configuration: ``lang_to_id``, ``task_to_id``, ``no_timestamps_token_id``, ``suppress_tokens``,
    ``begin_suppress_tokens``, ``alignment_heads``.
    """

    tokenizer: Tokenizer
    mel_filters: np.ndarray
    generation: dict[str, Any]


@dataclass
class SpeakerEncoder(Pretrained):
    """A network that tells voices apart; ``mel_filters`` (frequency bins, mel bands)."""

    mel_filters: np.ndarray


@dataclass
class Voice(Pretrained):
    """A VITS voice: ``onnx`` runs as it is, ``state`` is for a class of our own.

    ``phoneme_ids`` maps each IPA symbol to its row in the phoneme embedding.
    """

    onnx: Path
    phoneme_ids: dict[str, int]

    def encode(self, phonemes: str) -> list[int]:
        """IPA text as ids: start, every phoneme followed by a blank, end.

        Symbols that the voice doesn't know are left out.
        """
        known = [symbol for symbol in phonemes if symbol in self.phoneme_ids]
        spread = [symbol for phoneme in known for symbol in (phoneme, "_")]
        return [self.phoneme_ids[symbol] for symbol in ("^", "_", *spread, "$")]
