"""Reversal pairs; packing; teacher forcing equals decoding when the answers are right."""

import torch

from dlbook.sequence_modeling.seq2seq import (
    DIGITS,
    PAD,
    ReversalLoader,
    Seq2Seq,
    digit_loss,
    reversal_batch,
    whole_answers_right,
)
from dlbook.training import fit


def test_targets_are_backwards() -> None:
    source, target = reversal_batch(torch.tensor([3, 1, 5]), torch.Generator().manual_seed(0))
    for row, back, n in zip(source.tolist(), target.tolist(), [3, 1, 5], strict=True):
        assert back[:n] == row[:n][::-1]
        assert row[n:] == back[n:] == [PAD] * (5 - n)
        assert max(row[:n]) < DIGITS


def test_a_packed_sentence_does_not_depend_on_its_batch() -> None:
    torch.manual_seed(0)
    model = Seq2Seq(8)
    source, _ = reversal_batch(torch.tensor([2, 6]))
    alone = model.encode(source[:1, :2])
    torch.testing.assert_close(model.encode(source)[:, :1], alone)
    assert not torch.allclose(model.encode(source, packed=False)[:, :1], alone, atol=1e-3)


def test_it_learns_short_ones() -> None:
    torch.manual_seed(0)
    model = Seq2Seq(32)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    fit(model, ReversalLoader(3, 64, 150), digit_loss, optimizer, epochs=2, progress=False)
    assert whole_answers_right(model, 2, 100, torch.Generator().manual_seed(1)) > 0.7
    source, _ = reversal_batch(torch.tensor([2, 2]), torch.Generator().manual_seed(2))
    answer = model.answer(source)
    forced = model(torch.stack([source, answer])).argmax(dim=-1)
    assert torch.equal(forced, answer)
