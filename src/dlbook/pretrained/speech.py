"""Speech models: recognition (Whisper), synthesis (VITS), and who is speaking (GE2E)."""

import json
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer

from dlbook import assets
from dlbook.pretrained.ctranslate2 import read_whisper
from dlbook.pretrained.mel import mel_filters
from dlbook.pretrained.models import SpeakerEncoder, SpeechRecogniser, Voice
from dlbook.pretrained.piper import read_voice


def whisper_base() -> SpeechRecogniser:
    """Whisper base: transcribes 99 languages and translates them to English.

    72.6 M parameters, 6 + 6 layers, MIT, arXiv:2212.04356. Assets ``whisper-base`` (145 MB,
    float16), ``whisper-base-tokenizer`` and ``whisper-base-config``. It reads 30 s of sound at
    16 kHz as 3,000 frames of 80 log-mel bands.
    """
    config, state = read_whisper(assets.path("whisper-base"))
    tokenizer = Tokenizer.from_file(str(assets.path("whisper-base-tokenizer")))
    times = [f"<|{i / 50:.2f}|>" for i in range(1501)]  # every 20 ms of 30 s; the file lacks them
    tokenizer.add_tokens([AddedToken(time, normalized=False) for time in times])
    about = json.loads(assets.path("whisper-base-config").read_text("utf-8"))
    generation = _generation(about, tokenizer)
    return SpeechRecogniser(config, state, tokenizer, mel_filters(80), generation)


def piper_voice() -> Voice:
    """Piper's "joe", a VITS that speaks American English from IPA phonemes.

    15.7 M parameters, 22.05 kHz, arXiv:2106.06103; MIT, trained on CC0 recordings, starting from
    the voice "lessac". Assets ``piper-joe`` (63 MB, ONNX float32) and ``piper-joe-config``.
    ``state`` has VitsModel's names, with the weight norms folded in; the residual blocks of the
    decoder are HiFi-GAN's second kind, one list ``convs``. What only training needs (posterior
    encoder, discriminators, half of the duration predictor) isn't in it. Running ``onnx`` needs
    ``onnxruntime`` (the extra ``speech``).
    """
    return read_voice(assets.path("piper-joe"), assets.path("piper-joe-config"))


def speaker_encoder() -> SpeakerEncoder:
    """Resemblyzer's GE2E encoder: a voice becomes a direction in 256 dimensions.

    1.4 M parameters: an LSTM of three layers whose last hidden state passes ``linear``, ReLU and
    normalisation. Apache-2.0, arXiv:1710.10467. Asset ``resemblyzer`` (17 MB, float32). It reads
    160 frames (1.6 s) of 40 mel bands, of the power and not of its logarithm; ``config`` says how.
    """
    checkpoint = torch.load(assets.path("resemblyzer"), weights_only=True, map_location="cpu")
    state = dict(checkpoint["model_state"])
    config = {
        "sampling_rate": 16_000,
        "n_fft": 400,
        "hop_length": 160,
        "num_mel_bins": 40,
        "num_frames": 160,
        "level_dbfs": -30,
        "hidden_size": 256,
        "num_hidden_layers": 3,
        "similarity_weight": state.pop("similarity_weight").item(),
        "similarity_bias": state.pop("similarity_bias").item(),
    }
    return SpeakerEncoder(config, state, mel_filters(40))


def _generation(about: dict[str, Any], tokenizer: Tokenizer) -> dict[str, Any]:
    """The ids that steer decoding, by the names of Hugging Face's generation configuration."""
    languages = {tokenizer.id_to_token(id_): id_ for id_ in about["lang_ids"]}
    tasks = {name: tokenizer.token_to_id(f"<|{name}|>") for name in ("transcribe", "translate")}
    return {
        "lang_to_id": languages,
        "task_to_id": tasks,
        "no_timestamps_token_id": tokenizer.token_to_id("<|notimestamps|>"),
        "suppress_tokens": about["suppress_ids"],
        "begin_suppress_tokens": about["suppress_ids_begin"],
        "alignment_heads": about["alignment_heads"],
    }
