"""Whisper writes down what is said, the Piper voice is understood, voices are told apart."""

import numpy as np
import pytest
import torch
from transformers import WhisperFeatureExtractor

from dlbook import datasets, pretrained
from dlbook.pretrained import SpeechRecogniser, Voice

from . import hearing, vits

pytestmark = pytest.mark.assets("speech")

PROMPTS = ["vm-sorry", "conf-kicked", "vm-invalidpassword", "something-terribly-wrong"]
PHONEMES = "dˈiːp lˈɜːnɪŋ ɪz fˈʌn, ænd ɐtˈɛnʃən ɪz ˈɔːl juː nˈiːd."  # by espeak-ng, en-us
SENTENCE = "Deep learning is fun, and attention is all you need."


@pytest.fixture(scope="module")
def whisper() -> SpeechRecogniser:
    return pretrained.whisper_base()


@pytest.fixture(scope="module")
def listener(whisper: SpeechRecogniser) -> torch.nn.Module:
    return hearing.build_whisper(whisper)


@pytest.fixture(scope="module")
def joe() -> Voice:
    return pretrained.piper_voice()


def test_whisper_has_the_shape_of_the_paper_and_its_tokens(whisper: SpeechRecogniser) -> None:
    assert sum(tensor.numel() for tensor in whisper.state.values()) == 72_593_920
    assert whisper.config["vocab_size"] == 51_865 == whisper.tokenizer.get_vocab_size()
    steer = whisper.generation
    assert len(steer["lang_to_id"]) == 99
    assert (steer["lang_to_id"]["<|en|>"], steer["lang_to_id"]["<|zh|>"]) == (50_259, 50_260)
    assert steer["task_to_id"] == {"transcribe": 50_359, "translate": 50_358}
    assert steer["no_timestamps_token_id"] == 50_363
    assert [whisper.tokenizer.token_to_id(t) for t in ("<|0.00|>", "<|30.00|>")] == [50_364, 51_864]
    assert whisper.tokenizer.token_to_id("<|endoftext|>") == whisper.config["eos_token_id"]


def test_whispers_mel_filters_are_those_of_transformers(whisper: SpeechRecogniser) -> None:
    theirs = WhisperFeatureExtractor().mel_filters
    np.testing.assert_allclose(whisper.mel_filters, theirs, atol=1e-8)


def test_whisper_transcribes_telephone_prompts(whisper, listener) -> None:
    prompts = datasets.phonemes()
    errors = total = 0
    for name in PROMPTS:
        number = prompts.names.index(name)
        audio = hearing.resample(prompts.waveform(number), prompts.SAMPLE_RATE)
        heard = hearing.transcribe(listener, whisper, audio)
        errors += hearing.word_errors(heard, prompts.transcripts[number])
        total += len(hearing.words(prompts.transcripts[number]))
    assert total > 25
    assert errors / total <= 0.1


def test_the_voices_weights_speak_and_whisper_understands(
    joe: Voice, whisper, listener, monkeypatch
) -> None:
    assert sum(tensor.numel() for tensor in joe.state.values()) == 15_650_459
    waveform = vits.speak(vits.build(joe, monkeypatch), joe.encode(PHONEMES))
    audio = hearing.resample(waveform, joe.config["sampling_rate"])
    heard = hearing.transcribe(listener, whisper, audio)
    assert hearing.word_errors(heard, SENTENCE) == 0, heard


def test_the_weights_say_exactly_what_the_onnx_file_says(joe: Voice, monkeypatch) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason='needs: pip install -e ".[speech]"')
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(joe.onnx), options)
    ids = joe.encode(PHONEMES)
    inputs = {
        "input": np.array([ids]),
        "input_lengths": np.array([len(ids)]),
        "scales": np.array([0, 1, 0], np.float32),  # noise, length, noise of the durations
    }
    expected = session.run(None, inputs)[0].squeeze()
    found = vits.speak(vits.build(joe, monkeypatch), ids).numpy()
    assert abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_phonemes_become_ids_with_blanks_between(joe: Voice) -> None:
    ids = joe.phoneme_ids
    assert joe.encode("a☃b") == [ids[s] for s in ("^", "_", "a", "_", "b", "_", "$")]
    assert (ids["_"], ids["^"], ids["$"]) == (0, 1, 2)


def test_the_speaker_encoder_tells_two_voices_apart(joe: Voice, monkeypatch) -> None:
    model = pretrained.speaker_encoder()
    assert sum(tensor.numel() for tensor in model.state.values()) == 1_423_616
    encoder = hearing.VoiceEncoder()
    encoder.load_state_dict(model.state, strict=True)
    prompts = datasets.phonemes()
    clips = [prompts.waveform(prompts.names.index(name)) for name in PROMPTS]
    her = [hearing.resample(clip, prompts.SAMPLE_RATE) for clip in clips]
    network = vits.build(joe, monkeypatch)
    half = len(PHONEMES) // 2
    spoken = [vits.speak(network, joe.encode(text)) for text in (PHONEMES, PHONEMES[half:])]
    him = [hearing.resample(audio, joe.config["sampling_rate"]) for audio in spoken]
    voices = torch.stack([hearing.voice_of(encoder, model, audio) for audio in her + him])
    torch.testing.assert_close(voices.norm(dim=1), torch.ones(len(voices)))
    cosines = voices @ voices.T
    same = min(cosines[:4, :4].min(), cosines[4:, 4:].min())
    assert same > cosines[:4, 4:].max() + 0.1, cosines
