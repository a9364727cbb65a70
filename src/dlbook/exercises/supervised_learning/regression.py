"""regression 的練習。"""

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from dlbook import datasets
from dlbook.exercise import exercise
from dlbook.supervised_learning.bike_features import as_numbers, calendar
from dlbook.supervised_learning.least_squares import ridge
from dlbook.supervised_learning.splits import rmse
from dlbook.supervised_learning.standardize import Standardizer


@exercise(
    stars=1,
    hints=[
        "np.nanmean、np.nanstd 會跳過缺值；只用在 train 上。",
        "缺的格子填訓練資料的平均，標準化之後就剛好是 0。",
        "標準差是 0 的欄位：把標準差換成 1，除出來就是 0 而不是 nan。",
    ],
)
def fill_and_standardize(
    train: Float[ndarray, "count features"], other: Float[ndarray, "rows features"]
) -> tuple[Float[ndarray, "count features"], Float[ndarray, "rows features"]]:
    """有缺值的標準化，不洩漏

    兩份資料都有缺值（`nan`）。把缺值填成該欄的平均，再標準化（減平均、除標準差），
    傳回（標準化的 train, 標準化的 other）。**所有統計量都只能從 `train` 有值的格子來**。
    `train` 裡整欄都一樣的，結果要是 0，不能是 `nan`。
    """
    mean, std = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    std = np.where(std > 0, std, 1.0)

    def apply(x: ndarray) -> ndarray:
        return (np.where(np.isnan(x), mean, x) - mean) / std

    return apply(train), apply(other)


@fill_and_standardize.cases
def _(rng: torch.Generator):
    cases = []
    for rows in (6, 30):
        train = torch.randn(rows, 4, generator=rng).double().numpy() * 3 + 10
        other = torch.randn(5, 4, generator=rng).double().numpy() * 2 + 14
        train[1, 0] = train[3, 2] = other[0, 1] = other[2, 0] = np.nan
        train[:, 3] = 7.0
        other[:, 3] = 7.0
        cases.append((train, other))
    return cases


@fill_and_standardize.verify
def _(case, output):
    train, other = case
    assert isinstance(output, tuple), "要傳回兩個陣列：(train, other)。"
    assert len(output) == 2, "要傳回兩個陣列：(train, other)。"
    first, second = (np.asarray(part, dtype=float) for part in output)
    assert first.shape == train.shape, f"train 的形狀應是 {train.shape}，你的是 {first.shape}。"
    assert second.shape == other.shape, f"other 的形狀應是 {other.shape}，你的是 {second.shape}。"
    assert not np.isnan(first[:, 3]).any(), "整欄都一樣的欄位，標準差是 0，除出了 nan。"
    assert not np.isnan(first).any(), "train 裡還有 nan：缺值沒有補。"
    assert not np.isnan(second).any(), "other 裡還有 nan：缺值也要補（用 train 的平均）。"
    mean, std = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    std = np.where(std > 0, std, 1.0)
    expected = [(np.where(np.isnan(x), mean, x) - mean) / std for x in (train, other)]
    filled = np.isnan(train)
    assert np.allclose(first[filled], 0), (
        "train 的缺值標準化之後應該是 0：要填該欄的平均，不是填 0 再標準化。"
    )
    assert np.allclose(first, expected[0]), (
        "train 不對：平均與標準差要從有值的格子算（補了之後才算，標準差會偏小）。"
    )
    assert np.allclose(second, expected[1]), (
        "other 不對：它要用 train 的平均與標準差，不能用自己的，也不能把兩份合起來算。"
    )


@fill_and_standardize.wrong("other 用自己的統計量")
def _(train, other):
    def own(x):
        std = np.nanstd(x, axis=0)
        return np.nan_to_num((x - np.nanmean(x, axis=0)) / np.where(std > 0, std, 1.0))

    return own(train), own(other)


@fill_and_standardize.wrong("統計量從兩份合起來的資料算")
def _(train, other):
    both = np.vstack([train, other])
    mean, std = np.nanmean(both, axis=0), np.nanstd(both, axis=0)
    std = np.where(std > 0, std, 1.0)
    return np.nan_to_num((train - mean) / std), np.nan_to_num((other - mean) / std)


@fill_and_standardize.wrong("先補 0 再標準化")
def _(train, other):
    train, other = np.nan_to_num(train), np.nan_to_num(other)
    scale = Standardizer.fit(train)
    return scale(train), scale(other)


@fill_and_standardize.wrong("忘了標準差是 0 的欄位")
def _(train, other):
    mean, std = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    with np.errstate(invalid="ignore"):
        return tuple((np.where(np.isnan(x), mean, x) - mean) / std for x in (train, other))


@exercise(
    stars=2,
    hints=[
        "α|w|² 也是平方和：把它寫成 |√α·I·w − 0|²，就是多了 D 筆假資料。",
        "在 X 底下接 √α·I，在 y 底下接 D 個 0，丟給 np.linalg.lstsq。",
        "截距不受罰：先把 X 與 y 各減去平均再解，最後 b = ȳ − x̄·w。",
    ],
)
def ridge_by_rows(
    x: Float[ndarray, "count features"], y: Float[ndarray, " count"], alpha: float
) -> tuple[Float[ndarray, " features"], float]:
    """用最小平方的程式解 ridge

    求讓 $\\|y-Xw-b\\|^2+\\alpha\\|w\\|^2$ 最小的 `(w, b)`（截距 `b` 不受罰），
    但不准用 ridge 的公式：**加上幾筆假資料**，讓一般的最小平方（`np.linalg.lstsq`）替你解出來。
    """
    x_mean, y_mean = x.mean(axis=0), y.mean()
    rows = np.vstack([x - x_mean, np.sqrt(alpha) * np.eye(x.shape[1])])
    target = np.concatenate([y - y_mean, np.zeros(x.shape[1])])
    w = np.linalg.lstsq(rows, target)[0]
    return w, float(y_mean - x_mean @ w)


@ridge_by_rows.cases
def _(rng: torch.Generator):
    def numbers(*shape: int) -> ndarray:
        return torch.randn(*shape, generator=rng).double().numpy()

    return [(numbers(20, 3) + 2, numbers(20) + 50, a) for a in (0.5, 9.0)] + [
        (numbers(4, 6) + 1, numbers(4) + 5, 2.0)
    ]


@ridge_by_rows.verify
def _(case, output):
    x, y, alpha = case
    assert isinstance(output, tuple), "要傳回 (w, b)。"
    assert len(output) == 2, "要傳回 (w, b)。"
    w, b = np.asarray(output[0], dtype=float), float(output[1])
    assert w.shape == (x.shape[1],), f"w 的形狀應是 {(x.shape[1],)}，你的是 {w.shape}。"
    right = ridge(x, y, alpha)
    assert not np.allclose(w, ridge(x, y, alpha**2).weights), (
        "罰得不對：接在下面的是 √alpha 倍的單位矩陣，平方之後才是 alpha。"
    )
    both = np.column_stack([x, np.ones(len(x))])
    punished = np.linalg.solve(both.T @ both + alpha * np.eye(x.shape[1] + 1), both.T @ y)
    assert not np.allclose(w, punished[:-1]), (
        "截距也受罰了：先把 X 與 y 減去平均，或讓假資料的截距那一欄是 0。"
    )
    assert np.allclose(w, right.weights), (
        f"w 不對：alpha = {alpha} 時第一個權重應是 {right.weights[0]:.4f}，你的是 {w[0]:.4f}。"
        "假資料的目標要是 0。"
    )
    assert np.isclose(b, right.intercept), (
        f"w 對了，截距應是 {right.intercept:.4f}，你的是 {b:.4f}：b = ȳ − x̄·w。"
    )


@ridge_by_rows.wrong("忘了開根號")
def _(x, y, alpha):
    return ridge_by_rows.reference(x, y, alpha**2)


@ridge_by_rows.wrong("截距也受罰")
def _(x, y, alpha):
    both = np.column_stack([x, np.ones(len(x))])
    w = np.linalg.solve(both.T @ both + alpha * np.eye(x.shape[1] + 1), both.T @ y)
    return w[:-1], float(w[-1])


@ridge_by_rows.wrong("截距忘了換回原本的原點")
def _(x, y, alpha):
    w, _ = ridge_by_rows.reference(x, y, alpha)
    return w, float(y.mean())


@exercise(
    stars=2,
    hints=[
        "先數每一群有幾筆：torch.unique(groups, return_inverse=True, return_counts=True)。",
        "由大群到小群，每次放進目前最少筆的那一份。",
        "最後用 fold_of_group[inverse] 把每一群的份號攤回每一筆。",
    ],
)
def balanced_group_folds(
    groups: Int[torch.Tensor, " count"], k: int
) -> Int[torch.Tensor, " count"]:
    """依群組的 K-fold，各份差不多大

    `groups` 是每一筆屬於哪一群（例如哪個病人），各群大小不一。傳回每一筆的份號（0 到 k−1）：
    **同一群要在同一份**，而且各份的筆數要盡量平均——由大群到小群，每次放進目前筆數最少的那一份。
    """
    _, inverse, counts = torch.unique(groups, return_inverse=True, return_counts=True)
    totals = torch.zeros(k, dtype=torch.long)
    fold_of_group = torch.zeros(len(counts), dtype=torch.long)
    for group in counts.argsort(descending=True):
        smallest = totals.argmin()
        fold_of_group[group] = smallest
        totals[smallest] += counts[group]
    return fold_of_group[inverse]


@balanced_group_folds.cases
def _(rng: torch.Generator):
    cases = []
    for k, number in [(3, 8), (5, 30)]:
        sizes = torch.randint(1, 12, (number,), generator=rng)
        sizes[:2] = 25
        sizes[k] = 25
        groups = torch.repeat_interleave(torch.arange(number) * 7 + 100, sizes)
        cases.append((groups[torch.randperm(len(groups), generator=rng)], k))
    return cases


@balanced_group_folds.verify
def _(case, output):
    groups, k = case
    assert isinstance(output, torch.Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == groups.shape, (
        f"每一筆要有一個份號，形狀應是 {tuple(groups.shape)}，你的是 {tuple(output.shape)}。"
    )
    found = sorted(set(output.tolist()))
    assert found == list(range(k)), f"份號應該是 0 到 {k - 1} 都有，你用了 {found}。"
    for group in groups.unique().tolist():
        folds = set(output[groups == group].tolist())
        assert len(folds) == 1, f"群組 {group} 被拆到 {sorted(folds)} 這幾份：同一群要在同一份。"
    sizes = torch.bincount(output, minlength=k)
    best = torch.bincount(balanced_group_folds.reference(groups, k), minlength=k)
    assert sizes.max() <= best.max(), (
        f"各份的筆數是 {sizes.tolist()}，不夠平均；由大群到小群放進最少的那一份，"
        f"會是 {best.tolist()}。"
    )


@balanced_group_folds.wrong("一筆一筆輪流發，群組被拆散")
def _(groups, k):
    return torch.arange(len(groups)) % k


@balanced_group_folds.wrong("群組輪流發，不管大小")
def _(groups, k):
    _, inverse = torch.unique(groups, return_inverse=True)
    return inverse % k


@balanced_group_folds.wrong("由小群放到大群，最後放大的就失衡")
def _(groups, k):
    _, inverse, counts = torch.unique(groups, return_inverse=True, return_counts=True)
    totals, fold = torch.zeros(k, dtype=torch.long), torch.zeros(len(counts), dtype=torch.long)
    for group in counts.argsort():
        fold[group] = totals.argmin()
        totals[fold[group]] += counts[group]
    return fold[inverse]


LEAKS = ("casual", "registered")


def _script(
    x, y, day, names, alphas, *, leak=False, all_rows=False, random=False, on_test=False, logs=False
):
    """題目裡的訓練程式；每個旗標是其中一個錯。"""
    keep = [i for i, name in enumerate(names) if leak or name not in LEAKS]
    x, days = x[:, keep], np.unique(day)
    ends = int(0.6 * len(days)), int(0.8 * len(days))
    part = np.searchsorted(ends, np.searchsorted(days, day), side="right")
    if random:
        part = np.random.default_rng(0).permutation(part)
    train, valid, test = (part == i for i in range(3))
    x = Standardizer.fit(x if all_rows else x[train])(x)
    models = {alpha: ridge(x[train], np.log1p(y[train]), alpha) for alpha in alphas}
    judge = test if on_test else valid
    best = min(alphas, key=lambda a: rmse(np.expm1(models[a](x[judge])), y[judge]))
    guess = models[best](x[test])
    truth = np.log1p(y[test]) if logs else y[test]
    return {"alpha": best, "rmse": rmse(guess if logs else np.expm1(guess), truth)}


@exercise(
    stars=3,
    hints=[
        "一行一行問：這一步用到了誰的資料？考試的時候真的知道嗎？",
        "有兩欄加起來就是答案。",
        "切的單位是「天」，而且要照時間：前六成的天訓練、接著兩成驗證、最後兩成測試。",
        "標準化只看訓練的列；alpha 看驗證的列；RMSE 的單位是輛。",
    ],
)
def honest_score(
    x: Float[ndarray, "count features"],
    y: Float[ndarray, " count"],
    day: Int[ndarray, " count"],
    names: list[str],
    alphas: list[float],
) -> dict[str, float]:
    """找出訓練程式裡的五個錯

    同學寫了下面這支程式預測單車的租借量，分數好得可疑。它有**五個**讓分數不可信的錯，
    請改寫成對的，傳回一樣的字典 `{"alpha": 選到的 alpha, "rmse": 測試的 RMSE（輛）}`。

    ```python
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    part = rng.choice([0, 1, 2], len(x), p=[0.6, 0.2, 0.2])   # 訓練、驗證、測試
    train, valid, test = (part == i for i in range(3))
    best = None
    for alpha in alphas:
        model = ridge(x[train], np.log1p(y[train]), alpha)
        error = rmse(model(x[test]), np.log1p(y[test]))
        if best is None or error < best[1]:
            best = alpha, error
    return {"alpha": best[0], "rmse": best[1]}
    ```

    規定：`x` 的欄名在 `names`（`casual` 是散客、`registered` 是會員，都是同一小時租出的輛數）。
    把 `day` 出現過的天由早到晚排好，共 `n` 天：前 `int(0.6 * n)` 天訓練，到第 `int(0.8 * n)` 天為止驗證，
    其餘測試。模型仍用 `ridge` 預測 `np.log1p(y)`，挑 alpha 也用輛數的 RMSE；挑好之後不必重新訓練。
    可以用上面的 `Standardizer`、`ridge`、`rmse`；標準化時整欄都一樣的欄位要能處理。
    """
    x = x[:, [i for i, name in enumerate(names) if name not in ("casual", "registered")]]
    days = np.unique(day)
    train = day < days[int(0.6 * len(days))]
    test = day >= days[int(0.8 * len(days))]
    valid = ~train & ~test
    x = Standardizer.fit(x[train])(x)

    def error(model, rows) -> float:
        return rmse(np.expm1(model(x[rows])), y[rows])

    models = {alpha: ridge(x[train], np.log1p(y[train]), alpha) for alpha in alphas}
    best = min(alphas, key=lambda alpha: error(models[alpha], valid))
    return {"alpha": best, "rmse": error(models[best], test)}


@honest_score.cases
def _(rng: torch.Generator):
    table = datasets.bikeshare().train
    alphas = [float(a) for a in np.logspace(-2, 4, 31)]
    names = [*as_numbers(table).columns, *LEAKS]
    cases = []
    for _ in range(60):
        start = int(torch.randint(1, 150, (1,), generator=rng))
        rows = table[(table["day"] >= start) & (table["day"] < start + 180)]
        x = np.column_stack([as_numbers(rows), rows[list(LEAKS)]]).astype(float)
        case = x, rows["bikers"].to_numpy(float), rows["day"].to_numpy(), names, alphas
        if _script(*case)["alpha"] != _script(*case, on_test=True)["alpha"]:
            cases.append(case)
        if len(cases) == 2:
            break
    return cases


@honest_score.verify
def _(case, output):
    assert isinstance(output, dict), '要傳回字典 {"alpha": …, "rmse": …}。'
    assert set(output) == {"alpha", "rmse"}, '字典要剛好有 "alpha" 與 "rmse" 兩個鍵。'
    got = float(output["rmse"])
    right = _script(*case)

    def matches(expected: dict[str, float]) -> bool:
        return bool(np.isclose(got, expected["rmse"], rtol=1e-6))

    assert got > 2, f"RMSE 是 {got:.3f}？單位應該是輛：用 expm1 換回來再和 y 比。"
    for flag, message in [
        ("leak", "還有答案藏在特徵裡：casual + registered 就是要預測的數字，這兩欄不能用。"),
        ("all_rows", "標準化看到了驗證與測試的列：平均與標準差只能從訓練的列來。"),
        ("on_test", "alpha 是在測試集上挑的：要用驗證的列挑，測試只算最後的分數。"),
    ]:
        assert not matches(_script(*case, **{flag: True})), message
    assert matches(right), (
        f"測試 RMSE 應是 {right['rmse']:.3f} 輛，你的是 {got:.3f}。"
        "檢查：有沒有照「天」切、早的訓練晚的測試、分界對不對？用了哪幾欄？alpha 看誰挑的？"
    )
    assert np.isclose(float(output["alpha"]), right["alpha"]), (
        f"alpha 應是 {right['alpha']:.4g}，你的是 {output['alpha']:.4g}：挑的時候比的是輛數的 RMSE。"
    )


@honest_score.wrong("留著散客與會員兩欄")
def _(*case):
    return _script(*case, leak=True)


@honest_score.wrong("用全部的列標準化")
def _(*case):
    return _script(*case, all_rows=True)


@honest_score.wrong("在測試集上挑 alpha")
def _(*case):
    return _script(*case, on_test=True)


@honest_score.wrong("每小時隨機切")
def _(*case):
    return _script(*case, random=True)


@honest_score.wrong("在對數上算 RMSE")
def _(*case):
    return _script(*case, logs=True)


@exercise(
    stars=3,
    hints=[
        "先用全部的欄位訓練一次，記下驗證 RMSE。",
        "對每一家：np.delete(x, 那一家的欄, axis=1)，兩份都要刪，再重新訓練。",
        "代價 = 拿掉之後的驗證 RMSE − 全部欄位的驗證 RMSE。",
    ],
)
def family_importance(
    train_x: Float[ndarray, "count features"],
    train_y: Float[ndarray, " count"],
    valid_x: Float[ndarray, "rows features"],
    valid_y: Float[ndarray, " rows"],
    families: list[list[int]],
    alpha: float,
) -> Float[ndarray, " families"]:
    """實驗－哪一家特徵最要緊

    特徵分成幾家（`families[i]` 是第 i 家的欄號，例如 24 個小時）。一次拿掉**一整家**、
    用 `ridge(…, alpha)` **重新訓練**，看驗證 RMSE 比用全部欄位時**多**了多少。
    傳回每一家的代價（拿掉反而變好就是負的）。可以用上面的 `ridge` 與 `rmse`。
    """

    def error(dropped: list[int]) -> float:
        x, new = (np.delete(table, dropped, axis=1) for table in (train_x, valid_x))
        return rmse(ridge(x, train_y, alpha)(new), valid_y)

    full = error([])
    return np.array([error(family) - full for family in families])


@family_importance.cases
def _(rng: torch.Generator):
    data = datasets.bikeshare()
    tables = [calendar(part).to_numpy() for part in (data.train, data.valid)]
    scale = Standardizer.fit(tables[0])
    train_x, valid_x = (scale(table) for table in tables)
    some = torch.randperm(len(train_x), generator=rng)[:2_000].numpy()
    names = list(calendar(data.train).columns)
    families = [
        [i for i, name in enumerate(names) if name.endswith(ending)] for ending in ("點", " 月")
    ]
    families.append([names.index(name) for name in ("temp", "atemp", "temp²")])
    families.append([names.index(name) for name in ("windspeed",)])
    y = data.train["bikers"].to_numpy(float)[some], data.valid["bikers"].to_numpy(float)
    return [(train_x[some], y[0], valid_x, y[1], families, 1.0)]


@family_importance.verify
def _(case, output):
    *_, families, _ = case
    got = np.asarray(output, dtype=float)
    assert got.shape == (len(families),), f"要 {len(families)} 個數，你的形狀是 {got.shape}。"
    right = family_importance.reference(*case)
    assert not np.allclose(got, -right), (
        "正負號反了：拿掉之後的 RMSE 減去全部欄位的 RMSE，拿掉要緊的一家應該是正的。"
    )
    assert not np.allclose(got, _only_zeroed(*case)), (
        "只把欄位變成 0，沒有重新訓練：其他欄位沒有機會接手，代價會被高估。"
    )
    worst = int(np.abs(got - right).argmax())
    assert np.allclose(got, right, atol=1e-6), (
        f"第 {worst} 家：拿掉它、重新訓練，驗證 RMSE 多 {right[worst]:.3f} 輛，你的是 {got[worst]:.3f}。"
        "一次只拿掉一家，下一家要從全部欄位重新開始。"
    )


def _only_zeroed(train_x, train_y, valid_x, valid_y, families, alpha):
    """不重新訓練，只把驗證資料的那一家變成 0。"""
    model = ridge(train_x, train_y, alpha)
    costs = []
    for family in families:
        blank = valid_x.copy()
        blank[:, family] = 0
        costs.append(rmse(model(blank), valid_y) - rmse(model(valid_x), valid_y))
    return np.array(costs)


@family_importance.wrong("只把欄位變成 0，沒有重新訓練")
def _(*case):
    return _only_zeroed(*case)


@family_importance.wrong("正負號反了")
def _(*case):
    return -family_importance.reference(*case)


@family_importance.wrong("越拿越多，沒有放回去")
def _(train_x, train_y, valid_x, valid_y, families, alpha):
    gone = [[*np.concatenate(families[: i + 1]).astype(int)] for i in range(len(families))]
    return family_importance.reference(train_x, train_y, valid_x, valid_y, gone, alpha)


@family_importance.wrong("量的是訓練誤差")
def _(train_x, train_y, valid_x, valid_y, families, alpha):
    return family_importance.reference(train_x, train_y, train_x, train_y, families, alpha)
