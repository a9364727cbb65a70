"""Listening with Whisper and with the speaker encoder: features and greedy decoding."""

import re

import torch
from scipy.signal import resample_poly
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import WhisperConfig, WhisperForConditionalGeneration

from dlbook.pretrained import SpeakerEncoder, SpeechRecogniser

SAMPLE_RATE = 16_000


def resample(audio: Tensor, rate: int) -> Tensor:
    """To 16 kHz."""
    return torch.from_numpy(resample_poly(audio.double().numpy(), SAMPLE_RATE, rate)).float()


def power_mel(audio: Tensor, filters: Tensor) -> Tensor:
    """(frames, bands): 25 ms windows, 10 ms apart."""
    window = torch.hann_window(400)
    spectrum = torch.stft(audio, 400, 160, window=window, return_complex=True).abs() ** 2
    return spectrum.T @ filters


def build_whisper(model: SpeechRecogniser) -> WhisperForConditionalGeneration:
    """transformers' Whisper with our weights, strictly."""
    network = WhisperForConditionalGeneration(WhisperConfig(**model.config))
    head = {"proj_out.weight": model.state["model.decoder.embed_tokens.weight"]}
    network.load_state_dict(model.state | head, strict=True)
    return network.eval()


def whisper_features(audio: Tensor, model: SpeechRecogniser) -> Tensor:
    """(1, 80, 3000): log-mels of 30 s."""
    padded = F.pad(audio, (0, 30 * SAMPLE_RATE - len(audio)))
    mel = power_mel(padded, torch.from_numpy(model.mel_filters))[:-1].clamp(min=1e-10).log10()
    return ((mel.clamp(min=mel.max() - 8) + 4) / 4).T[None]


@torch.inference_mode()
def transcribe(network, model: SpeechRecogniser, audio: Tensor, language: str = "en") -> str:
    """The likeliest token each time."""
    steer = model.generation
    prompt = [
        model.config["decoder_start_token_id"],
        steer["lang_to_id"][f"<|{language}|>"],
        steer["task_to_id"]["transcribe"],
        steer["no_timestamps_token_id"],
    ]
    encoded = network.model.encoder(whisper_features(audio, model))
    ids, past, written = torch.tensor([prompt]), None, []
    while len(written) < 60:
        out = network(
            encoder_outputs=encoded, decoder_input_ids=ids, past_key_values=past, use_cache=True
        )
        logits, past = out.logits[0, -1], out.past_key_values
        logits[steer["suppress_tokens"]] = -torch.inf
        if not written:
            logits[steer["begin_suppress_tokens"]] = -torch.inf
        ids = logits.argmax().view(1, 1)
        if ids.item() == model.config["eos_token_id"]:
            break
        written.append(int(ids))
    return model.tokenizer.decode(written).strip()


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z' ]", " ", text.lower().replace("-", " ")).split()


def word_errors(heard: str, said: str) -> int:
    """The edit distance between two texts, in words."""
    row = list(range(len(words(heard)) + 1))
    for i, a in enumerate(words(said), 1):
        above, row[0] = row[0], i
        for j, b in enumerate(words(heard), 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (a != b))
    return row[-1]


class VoiceEncoder(nn.Module):
    """Resemblyzer's network."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(40, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)

    def forward(self, mels: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(mels)
        return F.normalize(F.relu(self.linear(hidden[-1])), dim=1)


@torch.inference_mode()
def voice_of(network: VoiceEncoder, model: SpeakerEncoder, audio: Tensor) -> Tensor:
    """The embedding of one recording: the mean over its stretches of 1.6 s, half overlapping."""
    level = 10 ** (model.config["level_dbfs"] / 20)
    audio = audio * level / audio.square().mean().sqrt()
    length = model.config["num_frames"]
    mels = power_mel(audio, torch.from_numpy(model.mel_filters))
    mels = F.pad(mels, (0, 0, 0, max(0, length - len(mels))))
    return F.normalize(network(mels.unfold(0, length, length // 2).mT).mean(0), dim=0)
