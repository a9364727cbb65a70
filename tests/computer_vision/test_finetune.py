"""Head and tail are the whole; only what is asked for is trained; the original stays as it was."""

import torch

from dlbook.computer_vision.finetune import START, Tail, finetune, head_outputs
from dlbook.computer_vision.mobilenet_v2 import MobileNetV2, normalize_pixels

CONFIG = {"image_mean": (0.485, 0.456, 0.406), "image_std": (0.229, 0.224, 0.225)}


def made() -> tuple[MobileNetV2, torch.Tensor]:
    torch.manual_seed(0)
    images = torch.randint(0, 256, (6, 3, 64, 64), dtype=torch.uint8)
    return MobileNetV2().eval(), images


def test_head_and_tail_are_the_whole_network() -> None:
    model, images = made()
    tail = Tail(model, 5).eval()
    with torch.no_grad():
        whole = model.features(normalize_pixels(images / 255, CONFIG)).mean(dim=(2, 3))
        pieces = tail.features(head_outputs(model, images, CONFIG, size=64)).mean(dim=(2, 3))
    torch.testing.assert_close(pieces, whole, atol=1e-4, rtol=1e-4)


def test_only_what_is_asked_for_is_trained() -> None:
    model, images = made()
    inputs, labels = head_outputs(model, images, CONFIG, size=64), torch.tensor([0, 1, 2, 0, 1, 2])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    frozen = finetune(model, inputs, labels, seed=0, epochs=2, train_features=False)
    tuned = finetune(model, inputs, labels, seed=0, epochs=2)
    moved = finetune(model, inputs, labels, seed=0, epochs=2, update_statistics=True)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    statistics = f"{START}.conv.1.0.weight", f"{START}.conv.1.1.running_mean"
    for name, same in zip(statistics, [(True, False, False), (True, True, False)], strict=True):
        original = model.features[START:].state_dict()[name]
        got = [torch.equal(t.features.state_dict()[name], original) for t in (frozen, tuned, moved)]
        assert got == list(same), name
    assert not tuned.training


def test_it_learns_its_training_pictures() -> None:
    model, _ = made()
    torch.manual_seed(0)
    inputs, labels = torch.randn(6, 160, 4, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    for layer in model.features[START:].modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, mode="fan_out")
    tail = finetune(model, inputs, labels, seed=0, epochs=40, lr=1e-3)
    assert (tail(inputs).argmax(dim=1) == labels).float().mean() > 0.8
