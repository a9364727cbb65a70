"""The speaker networks: padding and batch mates have no say; without positions order has none."""

import pytest
import torch

from dlbook.sequence_modeling.speaker_data import pad_files
from dlbook.sequence_modeling.speaker_models import SpeakerNet, embed_files
from dlbook.sequence_modeling.speaker_training import RUNGS


@pytest.mark.parametrize("rung", list(RUNGS))
def test_a_file_gets_the_same_scores_whatever_it_is_batched_with(rung):
    torch.manual_seed(0)
    model = SpeakerNet(5, dim=16, **RUNGS[rung]).eval()
    short, long = torch.randn(6, 40), torch.randn(20, 40)
    alone = model(pad_files([short]))
    torch.testing.assert_close(model(pad_files([short, long]))[:1], alone, rtol=1e-4, atol=1e-5)
    together = embed_files(model, [long, short], batch_size=2)
    torch.testing.assert_close(together[1:], embed_files(model, [short]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "blind"),
    [
        ({"kind": "encoder"}, True),
        ({"kind": "encoder", "attentive": True}, True),
        ({"kind": "encoder", "positions": True}, False),
        ({"kind": "conformer"}, False),
    ],
)
def test_only_positions_or_convolution_tell_the_order_of_the_frames(settings, blind):
    torch.manual_seed(0)
    model, x = SpeakerNet(5, dim=16, **settings).eval(), torch.randn(12, 40)
    difference = (model(pad_files([x])) - model(pad_files([x.flip(0)]))).abs().max()
    assert (difference < 1e-5) == blind


def test_cosine_scores_are_cosines():
    torch.manual_seed(0)
    model = SpeakerNet(5, dim=16, cosine=True).eval()
    assert model(torch.randn(3, 9, 41)).abs().max() <= 1 + 1e-6
