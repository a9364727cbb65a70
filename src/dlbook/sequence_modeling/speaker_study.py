"""辨識語者的整道階梯，三個種子。

一個種子要跑十分鐘上下，所以事先跑好，存在 ``records/sequence_modeling/attention_mechanism-ladder.json``::

    python -m dlbook.sequence_modeling.speaker_study --seed 0   # 再跑 1 與 2，結果會併在一起
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from dlbook import datasets
from dlbook.paths import checkout
from dlbook.sequence_modeling.speaker_data import speaker_features
from dlbook.sequence_modeling.speaker_training import RUNGS, judge_model, train_speaker


def study_path() -> Path:
    """紀錄檔的位置。"""
    return checkout() / "records/sequence_modeling/attention_mechanism-ladder.json"


def load_study() -> dict[str, Any]:
    """讀出事先跑好的結果。"""
    return json.loads(study_path().read_text("utf-8"))


def run_rung(rung: str, seed: int) -> dict[str, Any]:
    """訓練一階、量一次測試集。"""
    data = datasets.speakers()
    files = speaker_features(data)
    model, history = train_speaker(files, data, rung, seed=seed)
    return {
        "seconds": round(history.seconds, 1),
        "parameters": sum(p.numel() for p in model.parameters()),
        "valid": round(history.best_score, 5),
        "losses": [round(x, 4) for x in history.epoch_loss],
    } | judge_model(model, files, data).to_dict()


def run_study(seed: int, rungs: list[str]) -> None:
    """跑一個種子，一階一階併進紀錄檔。"""
    for rung in rungs:
        result = run_rung(rung, seed)
        path = study_path()
        content = load_study() if path.exists() else {"runs": {}}
        content |= {
            "command": "python -m dlbook.sequence_modeling.speaker_study --seed 種子",
            "about": "1,740 個訓練檔、20 個 epoch；valid 是驗證正確率，其餘在測試集上只量一次。",
            "torch": torch.__version__,
            "recorded": datetime.now(UTC).date().isoformat(),
        }
        content["runs"].setdefault(str(seed), {})[rung] = result
        content["runs"] = dict(sorted(content["runs"].items()))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
        print(seed, rung, {k: v for k, v in result.items() if k != "losses"}, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rung", action="append", choices=list(RUNGS), help="預設是全部")
    torch.set_num_threads(1)
    arguments = parser.parse_args()
    run_study(arguments.seed, arguments.rung or list(RUNGS))
