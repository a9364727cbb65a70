"""逐時的氣溫預報：看過去 48 小時，預報接下來的 1 到 24 小時。

比較的基準：持續法、昨天同一時刻、平均日變化、線性迴歸（ridge）。氣溫的單位是 °C。
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlbook.datasets.tabular import Table
from dlbook.foundations.loaders import TensorLoader
from dlbook.training import History, fit

CONTEXT, HORIZON = 48, 24
FEATURES = ("temp", "dewp", "humid", "pressure", "u", "v", "hour_sin", "hour_cos")


@dataclass(frozen=True)
class Windows:
    """``x`` 是 [筆, 48, 特徵]（原始單位），``y`` 是 [筆, 24] 的氣溫，``hour`` 是預報時的鐘點（UTC）。"""

    x: Float[Tensor, "count context features"]
    y: Float[Tensor, "count horizon"]
    hour: Float[Tensor, " count"]

    @property
    def now(self) -> Float[Tensor, "count 1"]:
        """預報時的氣溫。"""
        return self.x[:, -1:, 0]

    def every(self, n: int) -> "Windows":
        """每 ``n`` 筆留一筆：相鄰的視窗只差一小時，幾乎一樣。"""
        return Windows(self.x[::n], self.y[::n], self.hour[::n])


def hourly(table: pd.DataFrame) -> pd.DataFrame:
    """一個機場的整點資料：缺的鐘點補上，缺的值用**之前**最近的一筆補（不能用之後的）。"""
    table = table.set_index("time").sort_index()
    table = table.reindex(pd.date_range(table.index[0], table.index[-1], freq="h"))
    celsius = table[["temp", "dewp"]].sub(32).mul(5 / 9)
    angle = np.deg2rad(table["wind_dir"])
    clock = 2 * np.pi * pd.DatetimeIndex(table.index).hour / 24
    columns = {
        "temp": celsius["temp"],
        "dewp": celsius["dewp"],
        "humid": table["humid"],
        "pressure": table["pressure"],
        "u": -table["wind_speed"] * np.sin(angle),
        "v": -table["wind_speed"] * np.cos(angle),
        "hour_sin": np.sin(clock),
        "hour_cos": np.cos(clock),
    }
    return pd.DataFrame(columns, index=table.index).ffill()


def make_windows(table: Table) -> dict[str, Windows]:
    """訓練、驗證、測試三份。一筆屬於哪一份，看**要預報的** 24 小時全在哪一份裡。"""
    whole = pd.concat([table.train, table.valid, table.test])
    starts = [table.train["time"].min(), table.valid["time"].min(), table.test["time"].min()]
    ends = [*starts[1:], whole["time"].max() + pd.Timedelta(hours=1)]
    parts: dict[str, list[tuple]] = {"train": [], "valid": [], "test": []}
    for _, airport in whole.groupby("origin"):
        frame = hourly(airport)
        values = torch.tensor(frame[list(FEATURES)].to_numpy(), dtype=torch.float32)
        hours = torch.tensor(pd.DatetimeIndex(frame.index).hour.to_numpy(), dtype=torch.float32)
        pieces = values.unfold(0, CONTEXT + HORIZON, 1).transpose(1, 2)
        first = frame.index[CONTEXT : CONTEXT + len(pieces)]  # 第一個要預報的時刻
        for part, start, end in zip(parts, starts, ends, strict=True):
            inside = (first >= start) & (first + pd.Timedelta(hours=HORIZON) <= end)
            chosen = torch.from_numpy(np.flatnonzero(inside))
            parts[part].append(
                (pieces[chosen, :CONTEXT], pieces[chosen, CONTEXT:, 0], hours[chosen + CONTEXT - 1])
            )
    return {
        part: Windows(*(torch.cat(list(each)) for each in zip(*found, strict=True)))
        for part, found in parts.items()
    }


def persistence(windows: Windows) -> Float[Tensor, "count horizon"]:
    """持續法：未來一直和現在一樣。"""
    return windows.now.expand(-1, HORIZON)


def seasonal(windows: Windows) -> Float[Tensor, "count horizon"]:
    """昨天同一時刻的氣溫。"""
    return windows.x[:, -HORIZON:, 0]


def daily_cycle(train: Windows) -> Callable[[Windows], Float[Tensor, "count horizon"]]:
    """現在的氣溫，加上訓練集裡「從這個鐘點起平均會變多少」。"""
    change = train.y - train.now
    table = torch.stack([change[train.hour == h].mean(dim=0) for h in range(24)])
    return lambda windows: windows.now + table[windows.hour.long()]


def flat_features(windows: Windows, mean: Tensor, std: Tensor) -> Float[Tensor, "count inputs"]:
    """整個視窗攤平，加上鐘點的 one-hot（裡面已經含有常數項）。"""
    x = ((windows.x - mean) / std).flatten(1)
    return torch.cat([x, nn.functional.one_hot(windows.hour.long(), 24).float()], dim=1)


def ridge_forecast(
    train: Windows, mean: Tensor, std: Tensor, penalty: float
) -> Callable[[Windows], Float[Tensor, "count horizon"]]:
    """線性迴歸：一次解出 24 個時距的權重，預報與現在的差。"""
    x = flat_features(train, mean, std).double()
    gram = x.T @ x + penalty * torch.eye(x.shape[1], dtype=torch.float64)
    weights = torch.linalg.solve(gram, x.T @ (train.y - train.now).double()).float()
    return lambda windows: windows.now + flat_features(windows, mean, std) @ weights


class Forecaster(nn.Module):
    """GRU 讀 48 小時，最後一步的 h 一次寫出 24 個時距的變化（與現在的差，標準化過的）。"""

    def __init__(self, features: int, hidden: int = 64, dropout: float = 0.2) -> None:
        super().__init__()
        self.layer = nn.GRU(features, hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, HORIZON)

    def forward(self, x: Float[Tensor, "batch context features"]) -> Float[Tensor, "batch horizon"]:
        h, _ = self.layer(x)
        return self.head(self.dropout(h[:, -1]))


def train_forecaster(
    train: Windows,
    valid: Windows,
    base: Callable[[Windows], Tensor],
    *,
    seed: int,
    epochs: int,
    lr: float = 3e-3,
    hidden: int = 64,
) -> tuple[Callable[[Windows], Float[Tensor, "count horizon"]], History]:
    """GRU 學 ``base`` 還差多少；留下驗證誤差最小的 epoch。標準化只用訓練集的統計量。"""
    torch.manual_seed(seed)
    mean, std = train.x.mean(dim=(0, 1)), train.x.std(dim=(0, 1))
    scale = (train.y - base(train)).std()
    model = Forecaster(len(FEATURES), hidden)

    def forecast(windows: Windows) -> Float[Tensor, "count horizon"]:
        with torch.no_grad():
            return base(windows) + scale * model((windows.x - mean) / std)

    loader = TensorLoader((train.x - mean) / std, (train.y - base(train)) / scale, 256)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=epochs * len(loader))
    history = fit(
        model, loader, nn.functional.mse_loss, optimizer, epochs=epochs, scheduler=schedule,
        clip=1.0, evaluate=lambda _: -error(forecast(valid), valid), progress=False,
    )  # fmt: skip
    return forecast, history


def error(
    forecast: Float[Tensor, "count horizon"], windows: Windows, hours: int | None = None
) -> float:
    """均方根誤差（RMSE），°C：24 個時距合起來；給了 ``hours`` 就只看 ``hours`` 小時之後。"""
    gaps = (forecast - windows.y).square()
    return float((gaps if hours is None else gaps[:, hours - 1]).mean().sqrt())
