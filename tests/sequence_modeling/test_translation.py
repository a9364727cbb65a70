"""Batches keep to their budget; the schedule, the loss and averaging are the paper's."""

import pytest
import sacrebleu
import torch
from torch import nn

from dlbook.sequence_modeling.beam_search import Translator
from dlbook.sequence_modeling.rnn_translator import RNNTranslator
from dlbook.sequence_modeling.tokenizer import BPETokenizer
from dlbook.sequence_modeling.transformer import Transformer
from dlbook.sequence_modeling.translation import (
    PairBatches,
    bleu,
    chrf,
    mean_loss,
    noam,
    pad_batch,
    train_translator,
    translate,
    translation_loss,
)

DIGITS = "零一二三四五六七八九"


def digit_pairs(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """A tiny language: digits are read out from the last to the first."""
    draw = torch.Generator().manual_seed(seed)
    numbers = torch.randint(10, 100_000, (count,), generator=draw).tolist()
    return [(str(n), "".join(DIGITS[int(d)] for d in reversed(str(n)))) for n in numbers]


@pytest.fixture(scope="module")
def tokenizer() -> BPETokenizer:
    return BPETokenizer.train([text for pair in digit_pairs(500) for text in pair], 300)


def test_batches_hold_every_pair_once_within_the_budget(tokenizer: BPETokenizer) -> None:
    pairs = digit_pairs(300)
    batches = PairBatches(pairs, tokenizer, budget=200)
    seen = []
    for source, target in batches:
        assert source.numel() + target.numel() <= 200
        for s, t in zip(source.tolist(), target.tolist(), strict=True):
            assert t[0] == tokenizer.bos
            assert tokenizer.eos in s
            assert tokenizer.eos in t
            seen.append((tokenizer.decode(s), tokenizer.decode(t)))
    assert sorted(seen) == sorted(pairs)
    assert [*map(len, PairBatches([("1" * 200, "一")], tokenizer).pairs)] == []


def test_batches_are_shuffled_by_the_global_generator(tokenizer: BPETokenizer) -> None:
    batches = PairBatches(digit_pairs(100), tokenizer, budget=200)

    def order(seed: int) -> list[list[int]]:
        torch.manual_seed(seed)
        return [source.flatten().tolist() for source, _ in batches]

    assert order(0) == order(0)
    assert order(0) != order(1)


def test_noam_rises_to_its_peak_at_warmup_and_falls_with_the_root() -> None:
    rates = [noam(step, 512, 4000) for step in range(16_000)]
    assert max(range(16_000), key=rates.__getitem__) == 3999
    assert rates[3999] == pytest.approx(512**-0.5 * 4000**-0.5)
    assert rates[1999] == pytest.approx(rates[3999] / 2)
    assert rates[15_999] == pytest.approx(rates[3999] / 2)


def test_the_loss_ignores_padding_and_smooths_as_the_paper() -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(2, 3, 7), torch.tensor([[4, 5, 0], [3, 0, 0]])
    log_probs = logits.log_softmax(-1)
    real = [(0, 0), (0, 1), (1, 0)]
    by_hand = 0.0
    for b, i in real:
        smooth = torch.full((7,), 0.1 / 7)
        smooth[target[b, i]] += 0.9
        by_hand -= float(smooth @ log_probs[b, i]) / len(real)
    assert float(translation_loss(logits, target, smoothing=0.1)) == pytest.approx(
        by_hand, abs=1e-6
    )


@pytest.mark.parametrize(("architecture", "epochs"), [("transformer", 25), ("rnn", 60)])
def test_a_tiny_language_is_learnt_and_written(
    tokenizer: BPETokenizer, architecture: str, epochs: int
) -> None:
    torch.manual_seed(0)
    vocab = len(tokenizer)
    model = (
        Transformer(vocab, 32, 4, 64, 1, dropout=0.0)
        if architecture == "transformer"
        else RNNTranslator(vocab, 48, dropout=0.0)
    )
    batches = PairBatches(digit_pairs(500), tokenizer, budget=800)
    valid = digit_pairs(40, seed=9)
    averaged, history = train_translator(
        model,
        batches,
        PairBatches(valid, tokenizer),
        epochs=epochs,
        rate=lambda step: 3e-3 * min(1, (step + 1) / 50),
        smoothing=0.0,
        average=3,
    )
    assert history.valid_loss[-1] < 0.4 * history.valid_loss[0]
    assert len(history.step_loss) % epochs == 0
    sources, references = zip(*valid, strict=True)
    written = translate(averaged, tokenizer, sources, beam=3)
    assert bleu(written, references) > 60
    greedy = translate(averaged, tokenizer, sources[:5], beam=1)
    assert greedy == [translate(averaged, tokenizer, [s], beam=1)[0] for s in sources[:5]]


def test_the_returned_model_is_the_mean_of_the_last_epochs(tokenizer: BPETokenizer) -> None:
    torch.manual_seed(0)
    model = Transformer(len(tokenizer), 16, 2, 16, 1)
    valid = PairBatches(digit_pairs(10), tokenizer)
    seen: list[torch.Tensor] = []
    averaged, _ = train_translator(
        model,
        PairBatches(digit_pairs(30), tokenizer),
        valid,
        epochs=3,
        rate=lambda step: 1e-3,
        average=2,
        report=lambda line: seen.append(model.decoder_norm.weight.detach().clone()),
    )
    torch.testing.assert_close(averaged.decoder_norm.weight, (seen[1] + seen[2]) / 2)
    assert mean_loss(averaged, valid) > 0
    assert not averaged.training


def test_training_stops_after_so_many_steps_with_the_losses_of_the_long_run(
    tokenizer: BPETokenizer,
) -> None:
    """What a lesson replays is the beginning of what was recorded."""
    found = []
    for steps in (None, 5):
        torch.manual_seed(0)
        model = Transformer(len(tokenizer), 16, 2, 16, 1)
        batches = PairBatches(digit_pairs(60), tokenizer, budget=100)
        trained, history = train_translator(
            model, batches, batches, epochs=3, rate=lambda step: 1e-3, steps=steps
        )
        found.append(history.step_loss)
        assert not torch.equal(trained.decoder_norm.weight, torch.ones(16))
    assert found[1] == found[0][:5]
    assert len(found[0]) > 15


def test_every_group_of_an_optimizer_keeps_its_own_rate(tokenizer: BPETokenizer) -> None:
    model = Transformer(len(tokenizer), 16, 2, 16, 1)
    groups = [
        {"params": [*model.encoder.parameters()], "lr": 0.0},
        {"params": [*model.decoder.parameters()], "lr": 1e-2},
    ]
    before = [next(part.parameters()).clone() for part in (model.encoder, model.decoder)]
    optimizer = torch.optim.Adam(groups)
    batches = PairBatches(digit_pairs(20), tokenizer)
    train_translator(model, batches, batches, epochs=1, rate=lambda step: 0.5, optimizer=optimizer)
    after = [next(part.parameters()) for part in (model.encoder, model.decoder)]
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])
    assert optimizer.param_groups[1]["lr"] == 5e-3


def test_padding_of_the_source_changes_nothing_for_the_rnn(tokenizer: BPETokenizer) -> None:
    torch.manual_seed(0)
    model = RNNTranslator(len(tokenizer), 16).eval()
    source = pad_batch([[5, 6, 7], [8, 9, 10, 11, 12]])
    target = pad_batch([[1, 20, 21], [1, 22, 23]])
    alone = model(source[:1, :3], target[:1])
    torch.testing.assert_close(model(source, target)[:1], alone, atol=1e-6, rtol=1e-4)
    writer = model.writer(source)
    steps = [writer.step(target[:, i]) for i in range(3)]
    expected = model(source, target).log_softmax(-1)
    torch.testing.assert_close(torch.stack(steps, 1), expected, atol=1e-5, rtol=1e-4)


def test_scores_are_sacrebleus() -> None:
    references = ["開啟檔案總管並選取檔案。", "關閉視窗。"]
    assert bleu(references, references) == pytest.approx(100)
    assert chrf(references, references) == pytest.approx(100)
    worse = ["開啟檔案總管並選取視窗。", "關閉視窗。"]
    assert (
        bleu(worse, references)
        == sacrebleu.BLEU(tokenize="zh").corpus_score(worse, [references]).score
    )


def test_a_model_without_a_writer_cannot_translate(tokenizer: BPETokenizer) -> None:
    class Nameless(Translator):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(1, 1)

    with pytest.raises(NotImplementedError, match="Nameless 沒有 writer"):
        translate(Nameless(), tokenizer, ["1"])
