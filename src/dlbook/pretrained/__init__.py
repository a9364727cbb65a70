"""Real pretrained models, ready for our own classes: a config, a state dict and a tokenizer.

The architectures are built by the lesson that teaches them; here are only numbers and text.
"""

from dlbook.pretrained.embedding import e5_small, minilm
from dlbook.pretrained.hub import from_hub
from dlbook.pretrained.language import qwen_coder, smollm2
from dlbook.pretrained.models import (
    Pretrained,
    SpeakerEncoder,
    SpeechRecogniser,
    TextModel,
    Voice,
)
from dlbook.pretrained.speech import piper_voice, speaker_encoder, whisper_base
from dlbook.pretrained.vision import mobilenet_v2

__all__ = [
    "Pretrained",
    "SpeakerEncoder",
    "SpeechRecogniser",
    "TextModel",
    "Voice",
    "e5_small",
    "from_hub",
    "minilm",
    "mobilenet_v2",
    "piper_voice",
    "qwen_coder",
    "smollm2",
    "speaker_encoder",
    "whisper_base",
]
