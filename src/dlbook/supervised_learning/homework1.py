"""讀 2021 HW1 的 CSV（需自行取得；資料不可轉散布，本課不附）。

作業的格式：第一欄是 id，接著 40 州的 0/1，再來三天、每天 18 項調查。訓練檔的最後一欄（第三天的
篩檢陽性率）是目標；測試檔沒有這一欄。
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy import ndarray

STATES, DAYS, DAILY = 40, 3, 18
FEATURES = STATES + DAYS * DAILY - 1  # 93：最後一欄是目標
EARLIER_TARGETS = (STATES + DAILY - 1, STATES + 2 * DAILY - 1)  # 57、75：前兩天的陽性率


@dataclass(frozen=True)
class Homework1:
    """``x`` (rows, 93)；``y`` (rows,)，測試檔沒有答案時是 None；``names`` 93 個欄名。"""

    x: ndarray
    y: ndarray | None
    names: list[str]


def read_homework1(path: Path | str) -> Homework1:
    """讀訓練檔（id 之外 94 欄）或測試檔（93 欄）。

    Raises:
        ValueError: 欄數不對、有空格或不是數字、州的欄位不是 0/1。
    """
    table = pd.read_csv(path)
    columns = table.shape[1] - 1
    if columns not in (FEATURES, FEATURES + 1):
        raise ValueError(
            f"{path} 除了 id 有 {columns} 欄；HW1 的訓練檔要有 {FEATURES + 1} 欄，測試檔 {FEATURES} 欄。"
        )
    numbers = table.iloc[:, 1:].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    if np.isnan(numbers).any():
        row, column = np.argwhere(np.isnan(numbers))[0]
        raise ValueError(f"{path} 第 {row + 1} 筆的「{table.columns[column + 1]}」不是數字。")
    if not np.isin(numbers[:, :STATES], (0, 1)).all():
        raise ValueError(f"{path} 的前 {STATES} 欄應該是州的 0/1；欄位的順序對嗎？")
    x, y = numbers[:, :FEATURES], numbers[:, FEATURES] if columns > FEATURES else None
    return Homework1(x, y, [str(name) for name in table.columns[1 : FEATURES + 1]])


def write_stand_in(path: Path | str, rows: int, rng: np.random.Generator, *, test: bool) -> None:
    """寫一份格式相同的替身，只用來試讀檔的程式：數字是亂數，分數沒有意義。"""
    states = np.eye(STATES, dtype=int)[rng.integers(0, STATES, rows)]
    surveys = rng.uniform(0, 100, (rows, DAYS * DAILY)).round(3)
    daily = [*(f"survey_{i}" for i in range(DAILY - 1)), "tested_positive"]
    names = [f"state_{i}" for i in range(STATES)]
    names += [name if day == 0 else f"{name}.{day}" for day in range(DAYS) for name in daily]
    table = pd.DataFrame(np.hstack([states, surveys]), columns=names)
    if test:
        table = table.iloc[:, :FEATURES]
    table.to_csv(path, index_label="id")
