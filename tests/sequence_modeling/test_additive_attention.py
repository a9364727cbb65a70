"""Additive attention: the formula, its mask, and a translator that can overfit."""

import datetime

import torch
from torch.nn import functional as F

from dlbook.sequence_modeling.additive_attention import AdditiveAttention, AlignedTranslator
from dlbook.sequence_modeling.date_pairs import (
    DIGITS,
    FORMATS,
    LETTERS,
    TARGET_LENGTH,
    all_days,
    decode_target,
    encode_source,
    encode_target,
    written,
)


def test_is_the_formula_of_the_paper():
    torch.manual_seed(0)
    layer = AdditiveAttention(4, 6, 5).double()
    q, k = torch.randn(2, 4).double(), torch.randn(2, 3, 6).double()
    context, weights = layer(q, k)
    for b in range(2):
        scores = torch.stack(
            [
                layer.score.weight[0]
                @ torch.tanh(layer.query.weight @ q[b] + layer.key.weight @ key)
                for key in k[b]
            ]
        )
        torch.testing.assert_close(weights[b], scores.softmax(0), rtol=0, atol=1e-10)
        torch.testing.assert_close(context[b], scores.softmax(0) @ k[b], rtol=0, atol=1e-10)
    leaves = (q.requires_grad_(), k.requires_grad_())
    assert torch.autograd.gradcheck(lambda q, k: layer(q, k)[0], leaves)


def test_masked_positions_have_no_say():
    torch.manual_seed(0)
    layer, q, k = AdditiveAttention(4, 6, 5), torch.randn(1, 4), torch.randn(1, 5, 6)
    mask = torch.tensor([[True, True, True, False, False]])
    torch.testing.assert_close(layer(q, k, mask)[0], layer(q, k[:, :3])[0])


def test_padding_does_not_change_a_translation():
    torch.manual_seed(0)
    model = AlignedTranslator(10, 7, 8).eval()
    source = torch.tensor([[3, 4, 5]])
    scores, alignment = model(source, 4)
    padded, padded_alignment = model(F.pad(source, (0, 3)), 4)
    torch.testing.assert_close(padded, scores)
    torch.testing.assert_close(padded_alignment, F.pad(alignment, (0, 3)))
    _, summary = model.read(source)
    torch.testing.assert_close(model.read(F.pad(source, (0, 3)))[1], summary)


def test_without_attention_the_alignment_has_no_effect():
    torch.manual_seed(0)
    model, source = AlignedTranslator(10, 7, 8, attend=False), torch.tensor([[3, 4, 5]])
    before = model(source, 4)[0]
    torch.nn.init.normal_(model.attention.score.weight)
    torch.testing.assert_close(model(source, 4)[0], before)


def test_dates_in_all_formats():
    day = datetime.date(2024, 5, 2)
    texts = [written(day, style) for style in range(len(FORMATS))]
    assert texts == ["2024年5月2日", "May 2, 2024", "Thu, 2 May 2024", "5/2/2024", "週四，2024.5.2"]
    source = encode_source(texts)
    assert source.shape == (5, 15)
    assert ["".join(LETTERS[i - 1] for i in row if i) for row in source.tolist()] == texts
    target = encode_target([day])
    assert target.shape == (1, TARGET_LENGTH)
    assert decode_target(target[0]) == "2024-05-02"
    assert decode_target(torch.tensor([0, DIGITS.index("7") + 1])) == "?7"


def test_a_century_of_days():
    days = all_days()
    assert days[0] == datetime.date(1950, 1, 1)
    assert days[-1] == datetime.date(2049, 12, 31)
    assert len(days) == len(set(days)) == 36_525
