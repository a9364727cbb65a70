"""翻譯的階梯：每一級用同一份資料、同樣的訓練，事先跑好。

每一級要 20 到 40 分鐘（一個執行緒），所以一級一級跑，結果併進 ``records/sequence_modeling/transformer-ladder.json``，
參數存成檢查點（bfloat16 訓練、float16 存檔，分數用存檔後的參數算）::

    python -m dlbook.sequence_modeling.translation_study all
"""

import json
import math
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from dlbook import datasets, paths
from dlbook.sequence_modeling.back_translation import back_translate, hide_half
from dlbook.sequence_modeling.beam_search import Translator
from dlbook.sequence_modeling.byte_dropout import use_byte_dropout
from dlbook.sequence_modeling.rnn_translator import RNNTranslator
from dlbook.sequence_modeling.tokenizer import BPETokenizer
from dlbook.sequence_modeling.transformer import Transformer
from dlbook.sequence_modeling.translation import (
    Pair,
    PairBatches,
    TranslationHistory,
    bleu,
    chrf,
    train_translator,
    translate,
)
from dlbook.sequence_modeling.word_alignment import DictionaryTranslator, TranslationMemory
from dlbook.supervised_learning.muon import Muon

CHECKPOINTS = paths.PACKAGE / "checkpoints/sequence_modeling"
VOCAB, DIM, HEADS, LAYERS = 4000, 128, 4, 3
EPOCHS, BACK_EPOCHS, BUDGET, SEED = 18, 12, 2560, 0
DROPOUT = {"rnn": 0.2, "transformer": 0.1}  # 在驗證集上各練兩個 epoch 選的
ADAM_EPOCHS, ADAM_DROPOUT, PEAK, WARMUP = 25, 0.2, 2e-3, 400
ALPHAS = (1.0, 1.5, 2.0, 2.5)


@cache
def pairs(part: str) -> list[Pair]:
    """``train`` 是說明頁與介面文字的全部句對；``valid``、``test`` 只留 4 到 40 個英文字的句子。"""
    data = datasets.help_pairs()
    rows = data.train + data.interface if part == "train" else getattr(data.sentences(), part)
    return [(pair.english, pair.chinese) for pair in rows]


def load_tokenizer() -> BPETokenizer:
    """英文與中文共用的 BPE，從訓練句對學出來的合併存在檢查點旁邊。"""
    return BPETokenizer(json.loads((CHECKPOINTS / "transformer-bpe.json").read_text("utf-8")))


def noam_shaped(step: int) -> float:
    """先升到 PEAK，再照 1/√t 下降：與 Noam 同一個形狀，最高點另外選。"""
    t = step + 1
    return PEAK * min(t / WARMUP, (WARMUP / t) ** 0.5)


def cosine(total: int) -> Callable[[int], float]:
    """100 步升到 1，再沿餘弦降到 0。"""
    return lambda step: (
        min((step + 1) / 100, 1.0) * (1 + math.cos(math.pi * min(step / total, 1.0))) / 2
    )


def new_model(kind: str, vocab: int, dropout: float | None = None) -> Translator:
    """還沒訓練的 ``rnn`` 或 ``transformer``。"""
    dropout = DROPOUT[kind] if dropout is None else dropout
    model: Translator
    if kind == "rnn":
        model = RNNTranslator(vocab, DIM, dropout)
    else:
        model = Transformer(vocab, DIM, HEADS, 4 * DIM, LAYERS, dropout)
    use_byte_dropout(model)
    return model


def new_muon(model: Translator) -> Muon:
    """詞向量以外的矩陣用 Muon，其餘用 AdamW。"""
    named = list(model.named_parameters())
    matrices = [p for name, p in named if p.ndim == 2 and "embedding" not in name]
    others = [p for name, p in named if p.ndim != 2 or "embedding" in name]
    groups = [
        {"params": matrices, "lr": 0.02, "muon": True},
        {"params": others, "lr": 3e-3, "muon": False},
    ]
    return Muon(groups, lr=0.02, weight_decay=0.01)


def load_translator(name: str) -> Translator:
    """事先訓練好的模型：``rnn``、``transformer``，或中翻英的 ``reverse``；沒有檢查點時丟出 FileNotFoundError。"""
    file = CHECKPOINTS / f"transformer-{name}.safetensors"
    if not file.is_file():
        raise FileNotFoundError(
            f"沒有檢查點 {file.name}；用 python -m dlbook.sequence_modeling.translation_study {name} 產生。"
        )
    kind = "transformer" if name == "transformer" else "rnn"
    model = new_model(kind, len(load_tokenizer()))
    model.load_state_dict({key: value.float() for key, value in load_file(file).items()})
    return model.eval()


def train(
    kind: str,
    data: Sequence[Pair],
    *,
    reverse: bool = False,
    muon: bool = True,
    epochs: int = EPOCHS,
    steps: int | None = None,
) -> tuple[Translator, TranslationHistory]:
    """從頭訓練：Muon 與餘弦，或論文的 Adam 與 1/√t；``reverse`` 是中翻英，``steps`` 是最多走幾步。"""
    torch.manual_seed(SEED)
    tokenizer = load_tokenizer()
    sides = [[(b, a) for a, b in rows] if reverse else rows for rows in (data, pairs("valid"))]
    batches, valid = (PairBatches(rows, tokenizer, BUDGET) for rows in sides)
    model = new_model(kind, len(tokenizer), None if muon else ADAM_DROPOUT)
    total = epochs * sum(1 for _ in batches)
    return train_translator(
        model,
        batches,
        valid,
        epochs=epochs,
        steps=steps,
        rate=cosine(total) if muon else noam_shaped,
        optimizer=new_muon(model) if muon else None,
        average=1 if muon else 5,
        half=True,
        report=lambda line: print(line, flush=True),
    )


def first_losses(kind: str, data: Sequence[Pair], count: int) -> list[float]:
    """同樣的種子與設定從頭訓練 ``count`` 步，只看損失：確認紀錄是這段程式產生的。"""
    return train(kind, data, steps=count)[1].step_loss


def scores(outputs: dict[str, list[str]]) -> dict[str, dict[str, float]]:
    """驗證與測試的 BLEU 與 chrF。"""
    return {
        part: {
            "bleu": bleu(outputs[part], [target for _, target in pairs(part)]),
            "chrf": chrf(outputs[part], [target for _, target in pairs(part)]),
        }
        for part in outputs
    }


def best_alpha(model: Translator) -> float:
    """長度懲罰該多重：驗證集的 BLEU 最高的那一個。"""
    sources, references = map(list, zip(*pairs("valid"), strict=True))
    tokenizer = load_tokenizer()
    return max(
        ALPHAS,
        key=lambda alpha: bleu(translate(model, tokenizer, sources, alpha=alpha), references),
    )


def all_outputs(model: Translator, alpha: float, beam: int = 4) -> dict[str, list[str]]:
    """驗證與測試句子的譯文。"""
    tokenizer = load_tokenizer()
    return {
        part: translate(
            model, tokenizer, [source for source, _ in pairs(part)], beam=beam, alpha=alpha
        )
        for part in ("valid", "test")
    }


def baselines() -> dict[str, dict[str, Any]]:
    """不用神經網路的三條基準線。"""
    dictionary = DictionaryTranslator(pairs("train"), load_tokenizer())
    memory = TranslationMemory(pairs("train"))
    sources = {part: [source for source, _ in pairs(part)] for part in ("valid", "test")}
    systems = {
        "照抄英文": sources,
        "翻譯記憶": {part: memory.translate(rows) for part, rows in sources.items()},
        "字典": {part: [*map(dictionary.translate, rows)] for part, rows in sources.items()},
    }
    return {
        name: {"scores": scores(outputs), "test_outputs": outputs["test"]}
        for name, outputs in systems.items()
    }


def record_file() -> Path:
    return paths.checkout() / "records/sequence_modeling/transformer-ladder.json"


def keep(name: str, entry: dict[str, Any]) -> None:
    """併進紀錄檔。"""
    file = record_file()
    record = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    record[name] = entry
    file.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")


def run(
    name: str, kind: str, data: Sequence[Pair], checkpoint: str | None = None, **how: Any
) -> None:
    """訓練一級、存檔、計分、記下來。"""
    print(f"── {name}：{len(data)} 個句對", flush=True)
    model, history = train(kind, data, **how)
    save_rounded(model, checkpoint)
    alpha = best_alpha(model)
    outputs = all_outputs(model, alpha)
    keep(
        name,
        {
            "pairs": len(data),
            "parameters": sum(p.numel() for p in model.parameters()),
            "seconds": round(history.seconds),
            "steps": len(history.step_loss),
            "valid_loss": history.valid_loss,
            "first_steps": history.step_loss[:10],
            "alpha": alpha,
            "scores": scores(outputs),
            "greedy": scores(all_outputs(model, alpha, beam=1)),
            "test_outputs": outputs["test"],
        },
    )
    print(alpha, scores(outputs), flush=True)


def save_rounded(model: Translator, checkpoint: str | None) -> None:
    """把參數捨入到 float16，存成檢查點；不給名字就只捨入。"""
    state = {key: value.half() for key, value in model.state_dict().items()}
    if checkpoint:
        save_file(state, CHECKPOINTS / f"transformer-{checkpoint}.safetensors")
    model.load_state_dict({key: value.float() for key, value in state.items()})


def run_half(kept: Sequence[Pair], hidden: Sequence[str]) -> None:
    """藏起一半句對的英文，由中翻英的 RNN 補回來。"""
    model, _ = train("rnn", kept, reverse=True, epochs=BACK_EPOCHS)
    save_rounded(model, "reverse")
    synthetic = back_translate(model, load_tokenizer(), hidden)
    keep("反向翻譯的樣本", {"count": len(synthetic), "samples": synthetic[:200:10]})
    run("RNN（一半＋反向翻譯）", "rnn", [*kept, *synthetic], epochs=BACK_EPOCHS)


def stage(name: str) -> None:
    """跑一級。"""
    every = pairs("train")
    if name == "bpe":
        texts = [text for pair in every for text in pair]
        merges = BPETokenizer.train(texts, VOCAB).merges
        (CHECKPOINTS / "transformer-bpe.json").write_text(json.dumps(merges) + "\n", "utf-8")
    elif name == "baselines":
        for system, entry in baselines().items():
            keep(system, entry)
    elif name in ("rnn-adam", "transformer-adam"):
        kind = name.removesuffix("-adam")
        run(f"{TITLES[kind]}（Adam）", kind, every, muon=False, epochs=ADAM_EPOCHS)
    elif name in TITLES:
        run(TITLES[name], name, every, name)
    elif name in ("rnn-half", "transformer-half"):
        kind = name.removesuffix("-half")
        run(f"{TITLES[kind]}（一半）", kind, hide_half(every, SEED)[0])
    elif name == "back-translation":
        run_half(*hide_half(every, SEED))
    else:
        raise SystemExit(f"沒有 {name} 這一級；可以是 all 或 {'、'.join(STAGES)}")


TITLES = {"rnn": "RNN", "transformer": "Transformer"}
STAGES = (
    "bpe", "baselines", "rnn-adam", "transformer-adam", "rnn", "transformer",
    "rnn-half", "transformer-half", "back-translation",
)  # fmt: skip

if __name__ == "__main__":
    torch.set_num_threads(1)
    for argument in STAGES if sys.argv[1:] in ([], ["all"]) else sys.argv[1:]:
        stage(argument)
