"""Back-translation: no held-out text gets in; the Chinese side stays as people wrote it."""

import torch

from dlbook import datasets
from dlbook.datasets.help_pairs import HelpPage, HelpPair
from dlbook.sequence_modeling.back_translation import back_translate, hide_half, monolingual
from dlbook.sequence_modeling.tokenizer import BPETokenizer
from dlbook.sequence_modeling.transformer import Transformer


def test_monolingual_texts_are_new_and_come_from_training_pages_only() -> None:
    pages = [
        HelpPage("a", "A", ("已知。", "新的一句。", "新的一句。")),
        HelpPage("held", "B", ("測試頁的句子。",)),
        HelpPage("c", "C", ("也在測試裡。", "另一句。")),
    ]
    known = [HelpPair("Known.", "已知。", "a")]
    held = [HelpPair("x", "也在測試裡。", "held")]
    assert monolingual(pages, known, held) == ["新的一句。", "另一句。"]


def test_the_real_monolingual_texts_share_nothing_with_what_is_held_out() -> None:
    data = datasets.help_pairs()
    held = [*data.valid, *data.test]
    texts = monolingual(datasets.help_pages(), data.train, held)
    assert len(texts) > 2000
    assert not {pair.chinese for pair in held} & set(texts)


def test_hiding_half_loses_nothing() -> None:
    pairs = [(f"en{i}", f"中{i}") for i in range(11)]
    kept, hidden = hide_half(pairs, seed=3)
    assert (len(kept), len(hidden)) == (5, 6)
    assert sorted([target for _, target in kept] + hidden) == sorted(t for _, t in pairs)
    assert set(kept) <= set(pairs)
    assert hide_half(pairs, seed=3) == (kept, hidden)
    assert hide_half(pairs, seed=4) != (kept, hidden)


def test_synthetic_pairs_keep_the_human_side() -> None:
    torch.manual_seed(0)
    texts = ["開啟檔案", "關閉視窗"]
    tokenizer = BPETokenizer.train(texts * 3, 270)
    model = Transformer(len(tokenizer), 16, 2, 16, 1)
    pairs = back_translate(model, tokenizer, texts)
    assert {target for _, target in pairs} <= set(texts)
    assert all(source.strip() for source, _ in pairs)
