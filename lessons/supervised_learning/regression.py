# %% [markdown]
r"""
# 迴歸：從最小平方法到 MLP

**一句話**：迴歸（regression）是用已知的欄位猜一個數字；怎麼猜得準是一半的功夫，怎麼**老實地知道自己有多準**是另一半。

學完這一課，你能夠：

- 用三種方法解最小平方問題，說出各自快在哪裡、壞在哪裡；自己寫 ridge 與 lasso，答案和 scikit-learn 一致；
- 把一張真的表格，從「猜平均」一階一階做到集成的 MLP；
- 切資料、標準化、選特徵、調參數時不讓答案漏進來，並量出漏進來會虛胖多少。

| | |
| --- | --- |
| 先備 | [PyTorch 基礎](../foundations/pytorch_fundamentals.ipynb)：`MLP`、`TensorLoader`、`fit` |
| 作業 | ML 2021 HW1（用各州的調查預測 COVID-19 篩檢陽性率）；GenAI-ML 2025 HW5（文字加數值欄位的迴歸）；ML 2025 HW2 用的是同一類 COVID 資料 |
| 時間 | 兩核心 CPU 執行約 1 分鐘；讀與練習約 4 小時。GPU（full）未驗證 |
| 資料 | 共享單車 2011 年每小時租借量（CC BY 4.0）、芝加哥捷運 Clark/Lake 站 2001–2016（MIT）、201 國的 COVID-19 曲線（BSD）、中文評論（MIT），都隨課程附上 |
"""

# %%
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import display

from dlbook import datasets, lesson, measure, plotting

run = lesson.start(
    "supervised_learning/regression",
    quick={"hidden": 128, "epochs": 60, "members": 4, "repeats": 3},
    full={"hidden": 512, "epochs": 200, "members": 10, "repeats": 5},
)

# %% [markdown]
r"""
## 先看結果

華盛頓特區 2011 年，每小時租出幾輛共享單車？知道的是日期、時刻、是否上班日與天氣。下面用同樣的訓練資料配兩個模型：把欄位加權相加的**線性模型**，與兩層隱藏層的 **MLP**，畫出驗證集裡的一週。
"""

# %%
from dlbook.supervised_learning import bike_features, mlp_regressor, splits
from dlbook.supervised_learning.least_squares import ridge as fit_ridge
from dlbook.supervised_learning.standardize import Standardizer as Scale

bike = datasets.bikeshare()
bikers = {
    part: getattr(bike, part)["bikers"].to_numpy(float) for part in ("train", "valid", "test")
}
rng = np.random.default_rng(run.seed)


def bike_table(featurize):
    """一種特徵的三份陣列，以訓練資料標準化。"""
    tables = {part: featurize(getattr(bike, part)).to_numpy() for part in bikers}
    scale = Scale.fit(tables["train"])
    return {part: scale(table) for part, table in tables.items()}


plain, round_hours = bike_table(bike_features.as_numbers), bike_table(bike_features.circular)
line = fit_ridge(plain["train"], bikers["train"], 1.0)
first_net, _ = mlp_regressor.fit_mlp(
    round_hours["train"], bikers["train"], hidden=[64, 64], epochs=30, seed=run.seed
)
week = np.flatnonzero(bike.valid["day"].between(260, 266))  # 9 月 17 日（六）到 23 日（五）
hours = np.arange(len(week))
figure = plotting.line_chart(
    {
        "實際": (hours, bikers["valid"][week]),
        "線性模型": (hours, line(plain["valid"][week])),
        "MLP": (hours, first_net(round_hours["valid"][week])),
    },
    title="驗證集的一週：每小時租出幾輛單車",
    xlabel="九月的一週，每格一天",
    ylabel="輛",
)
axes = figure.axes[0]
axes.set_xticks(range(0, 168, 24), list("六日一二三四五"), ha="left")
axes.set_ylim(top=700)
axes.legend(loc="upper center", ncols=3)
plotting.show(
    figure,
    alt="實際的曲線在星期一到五各有早晚兩個尖峰；線性模型的線每天由低到高爬一次，沒有早上的尖峰；MLP 的線跟得上兩個尖峰。",
)
for name, predicted in [
    ("都猜訓練集的平均", np.full(len(bikers["valid"]), bikers["train"].mean())),
    ("線性模型", line(plain["valid"])),
    ("MLP", first_net(round_hours["valid"])),
]:
    print(f"整個驗證集的均方根誤差｜{name}：{splits.rmse(predicted, bikers['valid']):.1f} 輛")

# %% [markdown]
r"""
線性模型看不見早晚兩個尖峰，MLP 看得見。但這張圖只有在「驗證集真的沒看過」時才算數。這一課有一半在教怎麼預測得準，另一半在確保「沒看過」這三個字是真的。

## 直覺

### 最小平方：讓殘差的平方和最小

先看一個特徵。取訓練集裡上班日下午五點的資料，橫軸是氣溫。預測與實際的差叫**殘差**（residual）；左邊一律猜平均值，右邊猜一條直線：
"""

# %%
from dlbook.supervised_learning.regression_pictures import (
    budget_picture,
    descent_picture,
    residual_picture,
)

at_five = bike.train[(bike.train["hr"] == 17) & (bike.train["workingday"] == 1)]
celsius = at_five["temp"].to_numpy() * 47 - 8  # 原始資料把 −8 到 39 °C 縮成 0 到 1
rented = at_five["bikers"].to_numpy(float)
slope, intercept = np.polyfit(celsius, rented, 1)
plotting.show(
    residual_picture(celsius, rented, slope, intercept),
    alt="同一批資料的兩張散佈圖；每個點到預測線有一條垂直的線段。水平的平均線線段長，斜的直線線段明顯較短。",
)
print(f"氣溫每高 1 °C，大約多租出 {slope:.1f} 輛（{len(rented)} 天）")

# %% [markdown]
r"""
找直線的規則只有一句：讓這些線段長度的**平方和**最小。平方讓大錯特別貴，也讓答案有公式可解。

### 正則化：給權重一個預算

特徵多了，最小平方會連雜訊一起學。**正則化**（regularization）限制權重的大小：ridge 限制平方和，lasso 限制絕對值的和。下圖用兩個特徵（氣溫與濕度）示範；灰色是損失的等高線，藍色是預算的範圍，答案是範圍裡損失最小的點。
"""

# %%
from dlbook.supervised_learning.lasso import coordinate_descent

two = bike.train[["temp", "hum"]].to_numpy()
two = Scale.fit(two)(two)
target = (bikers["train"] - bikers["train"].mean()) / bikers["train"].std()
gram, correlation = two.T @ two / len(two), two.T @ target / len(two)
small = {
    "最小平方": np.linalg.solve(gram, correlation),
    "ridge": np.linalg.solve(gram + 1.5 * np.eye(2), correlation),
    "lasso": coordinate_descent(gram, correlation, 0.32, np.zeros(2), tolerance=1e-9)[0],
}
budgets = float(np.linalg.norm(small["ridge"])), float(np.abs(small["lasso"]).sum())
plotting.show(
    budget_picture(gram, correlation, small, budgets),
    alt="兩張等高線圖。左邊的圓與等高線相切在斜的方向，兩個權重都縮小但都不是 0；右邊的菱形碰在尖角上，濕度的權重剛好是 0。",
)
display(pd.DataFrame(small, index=["氣溫的權重", "濕度的權重"]).round(3))

# %% [markdown]
r"""
圓沒有角，碰到的點兩個權重都不是 0；菱形有角，角上有一個權重**剛好是 0**。所以 ridge 把每個權重縮小，lasso 順便替你選特徵。

### 洩漏：考題先看過

鄰近的兩個小時天氣一樣、人潮差不多。如果隨機把一小時分去訓練、下一小時分去考試，考的就不是「會不會預測」，而是「記不記得隔壁的答案」。所以這份資料以**整天**為單位切：每七天一塊，五塊裡三塊訓練、一塊驗證、一塊測試。
"""

# %%
figure, axes = plt.subplots(2, 1, figsize=(9.0, 2.6), sharex=True)
day_part = np.array(["訓練", "訓練", "驗證", "訓練", "測試"])[np.arange(70) // 7 % 5]
colour = {"訓練": plotting.COLORS[4], "驗證": plotting.COLORS[5], "測試": plotting.COLORS[1]}
random_part = rng.permutation(np.repeat(["訓練", "訓練", "驗證", "訓練", "測試"], 70 * 24 // 5))
for ax, parts, width, name in [
    (axes[0], day_part, 1, "以七天為一塊切"),
    (axes[1], random_part, 1 / 24, "每小時隨機切"),
]:
    for part, shade in colour.items():
        at = np.flatnonzero(parts == part) * width
        ax.bar(at, 1, width=width, align="edge", color=shade, label=part)
    ax.set_title(name, fontsize=11)
    ax.set_yticks([])
    ax.grid(visible=False)
axes[1].set_xlabel("第幾天（前 70 天）")
axes[0].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
plotting.show(
    figure,
    alt="兩條時間軸：上面每七天一整塊同色；下面每小時隨機上色，三種顏色細細交錯，每個測試的小時旁邊都是訓練的小時。",
)

# %% [markdown]
r"""
## 原理

### 最小平方與正規方程式

$X$ 的形狀是 $(N,D)$：$N$ 筆資料、$D$ 個特徵；目標 $y$ 是 $(N,)$，權重 $w$ 是 $(D,)$。截距（intercept）當成「永遠是 1」的那個特徵的權重。損失是均方誤差（mean squared error，MSE）

$$L(w)=\frac1N\|Xw-y\|^2,\qquad \nabla L(w)=\frac2N X^\top(Xw-y)\quad(D,).$$

梯度的由來：$L$ 是 $\frac1N\sum_n r_n^2$，$r=Xw-y$；$\partial r_n/\partial w_d=X_{nd}$，所以 $\partial L/\partial w_d=\frac2N\sum_n X_{nd}r_n$。
令梯度是 0，得到**正規方程式**（normal equations）

$$X^\top X\,w=X^\top y .$$

它說：殘差與每一個特徵都垂直。還有沒用到的線索，殘差就不會垂直。

### 條件數：為什麼要有第二種解法

條件數（condition number）$\kappa(X)$ 是最大與最小奇異值的比：特徵越相像，$\kappa$ 越大，輸入的捨入誤差就被放大 $\kappa$ 倍。算出 $X^\top X$ 會把它**平方**：$\kappa(X^\top X)=\kappa(X)^2$。float64 約有 16 位有效數字，$\kappa=10^8$ 時正規方程式就一位都不剩。

**QR 分解**不碰 $X^\top X$。把 $X$ 寫成 $QR$：$Q$ 的欄互相垂直且長度是 1，$R$ 是 $(D,D)$ 的上三角。垂直的變換不改變長度，所以

$$\|Xw-y\|^2=\|Rw-Q^\top y\|^2+\text{與 }w\text{ 無關的一項},$$

解 $Rw=Q^\top y$ 就好：上三角由最後一個未知數往前代。$Q$ 由一串鏡射（Householder reflection）得到，每一次鏡射把一欄對角線以下的部分變成 0：要把 $x$ 轉到第一軸上，鏡子的法向量是 $v\propto x+\mathrm{sign}(x_1)\lVert x\rVert e_1$，同號相加才不會相消。

（$y$ 不在 $X$ 張成的空間裡、殘差很大時，最小平方問題本身對 $X$ 的誤差也有 $\kappa^2$ 的一項，QR 也免不了。）

### 梯度下降與標準化

第三種解法不解方程式，沿負梯度走小步。損失沿著 $X^\top X/N$ 的各個特徵向量是獨立的拋物線，曲率是特徵值 $\lambda$ 的兩倍。學習率要小於 $1/\lambda_{\max}$ 才不會發散，而最平的方向每步只變成原來的 $1-2\eta\lambda_{\min}$ 倍：步數與 $\lambda_{\max}/\lambda_{\min}=\kappa(X)^2$ 成正比。

「日期」是 1 到 365，「氣溫」是 0 到 1，單位不同就讓 $\kappa$ 變得很大。**標準化**（standardization）把每一欄減去平均、除以標準差，這一部分的 $\kappa$ 就消失了。平均與標準差也是「從資料學來的」，所以**只能從訓練資料學**。

### ridge 與 lasso

ridge 最小化 $\|y-Xw\|^2+\alpha\|w\|^2$。梯度是 0 的條件變成

$$(X^\top X+\alpha I)\,w=X^\top y ,$$

對角線加了 $\alpha$，就算特徵重複也有唯一解。截距不該受罰，所以先把 $X$ 與 $y$ 各減去平均再解。

lasso 最小化 $\frac1{2N}\|y-Xw\|^2+\alpha\|w\|_1$。絕對值在 0 沒有導數，沒有公式解，但**一次只動一個權重**時有。固定其他權重，令 $g=\frac1N\|x_j\|^2$、$\rho=\frac1N x_j^\top(\text{不含 }j\text{ 的殘差})$，要最小化 $\frac g2w_j^2-\rho w_j+\alpha|w_j|$：

- 若 $w_j>0$，導數是 $gw_j-\rho+\alpha=0$，得 $w_j=(\rho-\alpha)/g$，這要 $\rho>\alpha$ 才說得通；
- 若 $w_j<0$，同理得 $w_j=(\rho+\alpha)/g$，要 $\rho<-\alpha$；
- 其餘 $|\rho|\le\alpha$，答案就是 $w_j=0$。

合起來叫**軟門檻**（soft threshold）。輪流更新每個權重直到不動，就是**座標下降**（coordinate descent）。

### 怎麼知道自己有多準

- **訓練集**學權重，**驗證集**做選擇（$\alpha$、特徵、在哪個 epoch 停），**測試集**只在最後算分數。拿測試集做選擇，它就變成了驗證集。
- **K-fold 交叉驗證**（cross-validation）：資料分成 $K$ 份，輪流拿一份驗證，每一筆都被當過一次考題。相像的資料（同一天、同一個人）要分在同一份；有時間先後的，只能用過去預測未來。
- 分數是從有限的測試資料算來的，換一批就不同。**自助法**（bootstrap）從測試資料裡重抽很多次，看分數晃多大；相像的資料要整群重抽。
"""

# %% [markdown]
r"""
## 從零實作

### 第一種解法：正規方程式

`Linear` 是這一課共用的線性模型；`add_ones` 加上截距那一欄。
"""

# %%
from dlbook.supervised_learning.least_squares import Linear, add_ones, solve_normal  # inline

# %%
x = np.array([[0.0], [1.0], [2.0]])
w = solve_normal(add_ones(x), np.array([1.0, 3.0, 5.0]))
print("三個點在 y = 2x + 1 上：斜率、截距 =", w.round(12))

# %% [markdown]
r"""
### 第二種解法：QR

鏡射的向量 $v$ 讓 $(I-2vv^\top)$ 把這一欄變成只剩第一個數。同樣的鏡射也作用在 $y$ 上，就不必把 $Q$ 存下來。
"""

# %%
from dlbook.supervised_learning.least_squares import householder  # inline

# %%
r, b = householder(np.array([[3.0, 1.0], [4.0, 2.0], [0.0, 2.0]]), np.array([1.0, 2.0, 3.0]))
print("R =", r.round(6).tolist(), "，Qᵀy =", b.round(6).tolist())

# %%
from dlbook.supervised_learning.least_squares import back_substitution, solve_qr  # inline

# %% [markdown]
r"""
### 對答案：和 NumPy 與 PyTorch 比

用單車的原樣欄位：
"""

# %%
from dlbook.supervised_learning.bike_features import WEATHER, as_numbers, weather_columns  # inline

# %%
x, y = add_ones(plain["train"]), bikers["train"]
answers = {"正規方程式": solve_normal(x, y), "QR": solve_qr(x, y)}
references = {
    "numpy": np.linalg.lstsq(x, y)[0],
    "torch": torch.linalg.lstsq(torch.tensor(x), torch.tensor(y[:, None])).solution[:, 0].numpy(),
}
gaps = {a: {b: np.abs(u - v).max() for b, v in references.items()} for a, u in answers.items()}
display(pd.DataFrame(gaps).map("{:.1e}".format))
run.claim(
    "兩種解法與 lstsq（NumPy、PyTorch）的係數最大差",
    max(gap for row in gaps.values() for gap in row.values()),
    at_most=1e-8,
    level="parity",
    source="numpy.linalg.lstsq、torch.linalg.lstsq；float64",
)

# %% [markdown]
r"""
這份資料兩種解法一樣準。把特徵換成 $1,t,t^2,\dots$（$t$ 在 0 到 1 之間，次數高了欄位就越來越像），真正的權重全是 1，看兩種解法差多少：
"""

# %%
t = np.linspace(0, 1, 200)
degrees, condition = range(1, 16), []
errors = {"正規方程式": [], "QR": []}
for degree in degrees:
    powers = t[:, None] ** np.arange(degree + 1)
    exact = np.ones(degree + 1)
    condition.append(np.linalg.cond(powers))
    for name, solve in [("正規方程式", solve_normal), ("QR", solve_qr)]:
        errors[name].append(np.abs(solve(powers, powers @ exact) - exact).max() + 1e-17)
eps = np.finfo(float).eps
figure = plotting.line_chart(
    {name: (condition, values) for name, values in errors.items()}
    | {
        "κ × 捨入誤差": (condition, np.array(condition) * eps),
        "κ² × 捨入誤差": (condition, np.array(condition) ** 2 * eps),
    },
    title="特徵越像，兩種解法差越多（每個點是一個次數）",
    xlabel="條件數 κ",
    ylabel="權重的最大誤差",
    logx=True,
    logy=True,
    markers=True,
)
figure.axes[0].set_ylim(1e-17, 1e4)
plotting.show(
    figure,
    alt="雙對數圖：正規方程式的誤差沿著 κ² 的虛線上升，很快超過 1；QR 的誤差沿著 κ 的虛線上升，始終低得多。",
)
at = 9
print(
    f"{at} 次：κ = {condition[at - 1]:.1e}，正規方程式錯 {errors['正規方程式'][at - 1]:.1e}，QR 錯 {errors['QR'][at - 1]:.1e}"
)
run.claim(
    f"{at} 次多項式，正規方程式的誤差是 QR 的幾倍（取 log10）",
    np.log10(errors["正規方程式"][at - 1] / errors["QR"][at - 1]),
    at_least=5.0,
    level="medium",
    source="κ(XᵀX) = κ(X)²；同一次執行",
)
times = measure.paired_times(
    lambda: np.linalg.qr(np.asarray(x)), lambda: np.linalg.solve(x.T @ x, x.T @ y), pairs=9
)
run.claim(
    "QR 分解的時間是正規方程式的幾倍（都用 LAPACK）",
    times.ratio,
    at_least=2.0,
    level="cost",
    source=f"{x.shape[0]:,} × {x.shape[1]} 的單車資料，交替量 9 對取中位數",
)

# %% [markdown]
r"""
準度要拿時間換。特徵不多、標準化過、加了 ridge 時，正規方程式夠用；要把病態的問題解準，用 QR。

### 第三種解法：隨機梯度下降（SGD）
"""

# %%
from dlbook.supervised_learning.least_squares import mse_gradient, solve_sgd  # inline

# %%
w = torch.linspace(-1, 1, x.shape[1], dtype=torch.float64, requires_grad=True)
(torch.tensor(x) @ w - torch.tensor(y)).square().mean().backward()
run.claim(
    "均方誤差的梯度與 autograd 的最大相對差",
    np.abs(mse_gradient(w.detach().numpy(), x, y) - w.grad.numpy()).max() / w.grad.abs().max(),
    at_most=1e-12,
    level="parity",
    source="torch.autograd；測試另比對 SGD 的每一步",
)

# %% [markdown]
r"""
只取「日期」與「氣溫」兩欄，同樣走兩個 epoch。左邊用原本的單位（只減平均），右邊標準化；學習率都是各自能承受的三成：
"""

# %%
raw = bike.train[["day", "temp"]].to_numpy(float)
target = bikers["train"] - bikers["train"].mean()
panels, distance = {}, {}
for name, table in [("原本的單位", raw - raw.mean(axis=0)), ("標準化", Scale.fit(raw)(raw))]:
    gram, correlation = table.T @ table / len(table), table.T @ target / len(table)
    rate = 0.3 / np.linalg.eigvalsh(gram)[-1]
    path = solve_sgd(table, target, lr=rate, epochs=2, batch_size=128, rng=np.random.default_rng(0))
    panels[f"{name}：κ² = {np.linalg.cond(gram):,.0f}"] = (gram, correlation, path)
    best = np.linalg.solve(gram, correlation)
    distance[name] = np.linalg.norm((path[-1] - best) / best)
plotting.show(
    descent_picture(panels),
    alt="左圖的路徑只沿著日期那一軸移動，氣溫的權重幾乎停在 0，離星號很遠；右圖的路徑由起點走到星號旁邊。",
)
print(
    "終點離最小平方解（相對，起點是 1.41）：",
    "、".join(f"{n} {d:.2f}" for n, d in distance.items()),
)
print("原本的單位反而走遠了：日期的權重先替氣溫扛了它的份，衝過了頭。")
print(
    f"標準化之後最大的格子是 {np.abs(x).max():.0f}：大雨或大雪在訓練集只有 {int(bike.train['weathersit'].eq(WEATHER[-1]).sum())} 小時，學習率得遷就這種列"
)
path = solve_sgd(x, y, lr=0.005, epochs=60, batch_size=128, rng=rng)
excess = np.mean((x @ path[-1] - y) ** 2) / np.mean((x @ answers["QR"] - y) ** 2) - 1
run.claim(
    "標準化後，SGD 的訓練損失比最小平方解多多少（比例）",
    excess,
    at_most=0.0005,
    level="medium",
    source="同一次執行的 QR 解；全部的原樣欄位",
)

# %% [markdown]
r"""
線性模型有公式，用不著 SGD。但換成 MLP 就沒有公式了，只剩第三種走得通；標準化的道理也跟著過去。

### 真資料的第一個驚喜

芝加哥捷運的表格形狀最像 HW1：目標是 Clark/Lake 站一天的進站人數（千人），特徵是 20 個站**十四天前**的人數、當天的天氣、四種球賽的賽程。直接解：
"""

# %%
chicago = datasets.chicago()
names = [name for name in chicago.features if name != "date"]
table = chicago.train[names].to_numpy(float)
try:
    solve_qr(add_ones(table), chicago.train["ridership"].to_numpy())
except ValueError as error:
    print("QR：", error)
copies = [
    (a, b)
    for i, a in enumerate(names)
    for b in names[i + 1 :]
    if (chicago.train[a] == chicago.train[b]).all()
]
print("內容完全相同的欄位：", sorted({name for pair in copies for name in pair}))
gap = chicago.train["temp_max"] - chicago.train["temp_min"] - chicago.train["temp_change"]
print(f"temp_change 與 temp_max − temp_min 最多差 {gap.abs().max():.0e}")
raw_condition = np.linalg.cond(Scale.fit(table)(table))
print(f"標準化之後，條件數仍有 {raw_condition:.0e}")

# %% [markdown]
r"""
四個棒球欄位一模一樣（來源的資料就是如此，主場和客場不可能同時發生，所以這幾欄不可信），溫差又能由高低溫算出來。解不唯一，`solve_qr` 拒絕回答；正規方程式則會悄悄給你一組被捨入誤差主宰的權重。先拿掉重複的四欄：
"""

# %%
redundant = {"WhiteSox_Home", "Cubs_Away", "Cubs_Home", "temp_change"}
columns = [name for name in names if name not in redundant]
rail = {part: getattr(chicago, part)[columns].to_numpy(float) for part in bikers}
rail_scale = Scale.fit(rail["train"])
rail = {part: rail_scale(table) for part, table in rail.items()}
riders = {part: getattr(chicago, part)["ridership"].to_numpy() for part in bikers}
years = chicago.train["date"].dt.year.to_numpy()
print(f"剩 {len(columns)} 欄，條件數 {np.linalg.cond(rail['train']):.0f}")

# %% [markdown]
r"""
### ridge：有公式的正則化
"""

# %%
from dlbook.supervised_learning.least_squares import ridge  # inline

# %%
from sklearn.linear_model import Lasso, Ridge

gap = 0.0
for alpha in (0.1, 10.0, 1000.0):
    ours = ridge(rail["train"], riders["train"], alpha)
    theirs = Ridge(alpha=alpha).fit(rail["train"], riders["train"])
    gap = max(
        gap, np.abs(ours.weights - theirs.coef_).max(), abs(ours.intercept - theirs.intercept_)
    )
run.claim(
    "ridge 與 scikit-learn 的係數最大差（三種 alpha）",
    gap,
    at_most=1e-8,
    level="parity",
    source="sklearn.linear_model.Ridge；芝加哥捷運，float64",
)

# %% [markdown]
r"""
### lasso：一次動一個權重

`residual[j]` 始終是「第 $j$ 個特徵與目前殘差的內積除以 $N$」；動了一個權重，用 $G=X^\top X/N$ 的一列就能更新全部，不必再碰 $N$ 筆資料。
"""

# %%
from dlbook.supervised_learning.lasso import coordinate_descent, soft_threshold  # inline

# %%
print(
    "軟門檻 t = 1：", {z: float(soft_threshold(z, 1.0)) + 0.0 for z in (-3.0, -0.5, 0.0, 0.5, 3.0)}
)

# %%
from dlbook.supervised_learning.lasso import largest_alpha, lasso_path  # inline

# %%
tested = [0.3, 0.1, 0.03]
models, _ = lasso_path(rail["train"], riders["train"], tested, tolerance=1e-10)
gap = 0.0
for alpha, ours in zip(tested, models):
    theirs = Lasso(alpha=alpha, tol=1e-10, max_iter=100_000).fit(rail["train"], riders["train"])
    gap = max(gap, np.abs(ours.weights - theirs.coef_).max())
run.claim(
    "lasso 與 scikit-learn 的係數最大差（三種 alpha）",
    gap,
    at_most=1e-6,
    level="parity",
    source="sklearn.linear_model.Lasso；芝加哥捷運，float64",
)

# %% [markdown]
r"""
把 $\alpha$ 由大到小掃一遍，看權重怎麼長出來。右邊是 ridge，當作對照：
"""

# %%
alphas = largest_alpha(rail["train"], riders["train"]) * np.logspace(0, -3, 25)
lassos, warm = lasso_path(rail["train"], riders["train"], alphas, tolerance=1e-5)
_, cold = lasso_path(rail["train"], riders["train"], alphas, warm=False, tolerance=1e-5)
penalties = np.logspace(6, 1, 25)
ridges = [ridge(rail["train"], riders["train"], alpha) for alpha in penalties]
figure, axes = plt.subplots(1, 2, figsize=(9.5, 4.0), sharey=True)
order = np.argsort(-np.abs(lassos[12].weights))[:4]
for ax, strengths, found, name in [
    (axes[0], alphas, lassos, "lasso"),
    (axes[1], penalties, ridges, "ridge"),
]:
    weights = np.stack([model.weights for model in found])
    ax.plot(strengths, weights, color="#bbbbbb", linewidth=0.8)
    for place, j in enumerate(order):
        style = ("-", "--", "-.", ":")[place]
        ax.plot(strengths, weights[:, j], style, color=plotting.COLORS[place], label=columns[j])
    ax.set_xscale("log")
    ax.invert_xaxis()
    ax.set_title(f"{name} 的路徑")
    ax.set_xlabel("alpha（往右越小）")
axes[0].set_ylabel("權重（千人／標準差）")
axes[0].legend(fontsize=9)
axes[0].set_ylim(-2, 4.5)
plotting.show(
    figure,
    alt="左圖 lasso：權重一個一個從 0 離開，最先出現的是 Clark_Lake 站自己；右圖 ridge：所有權重同時從 0 附近長出來，沒有一個剛好是 0。",
)
counts = [int(np.count_nonzero(model.weights)) for model in lassos]
print("alpha 由大到小，lasso 不是 0 的權重個數：", counts[::4])
print(
    "ridge 最小的權重：", f"{min(np.abs(m.weights).min() for m in ridges):.1e}", "（沒有一個是 0）"
)
run.claim(
    "熱啟動掃的輪數，是每次從 0 出發的幾倍",
    sum(warm) / sum(cold),
    at_most=0.6,
    level="cost",
    source=f"25 個 alpha，{sum(warm):,} 輪對 {sum(cold):,} 輪；直接數",
)

# %% [markdown]
r"""
相鄰的 $\alpha$ 答案相近，從上一個答案出發就省下很多輪：這叫**熱啟動**（warm start）。

### 標準化、切資料、誤差範圍

這三個工具都只有幾行，重點在它們**不看**什麼。`Standardizer` 不看訓練以外的資料；`k_folds` 不拆散一個群組；`walk_forward` 不看未來。
"""

# %%
from dlbook.supervised_learning.standardize import Standardizer  # inline

# %%
from dlbook.supervised_learning.splits import Fold, k_folds, rmse, walk_forward  # inline

# %%
days = np.array([1, 1, 1, 2, 2, 3, 3, 3])
for train, held_out in k_folds(days, 3, np.random.default_rng(0)):
    print("三天分三份｜訓練", days[train], "驗證", days[held_out])
for train, held_out in walk_forward(np.array([2011, 2012, 2012, 2013]), 2012):
    print("往前走　　｜訓練", train, "驗證", held_out)

# %%
from dlbook.supervised_learning.splits import bootstrap_rmse  # inline

# %% [markdown]
r"""
### 特徵選擇：一次加一欄

每次試著加入剩下的每一欄，留下讓驗證誤差降最多的。看起來要重解幾千次，其實只要存 $[X\ 1\ y]^\top[X\ 1\ y]$：任何一組欄位的解與誤差，都是這個小矩陣的一角。
"""

# %%
from dlbook.supervised_learning.selection import forward_selection, moments, squared_error  # inline

# %% [markdown]
r"""
### MLP 迴歸

和分類只差兩件事：最後一層一個輸出、損失換成均方誤差。目標也要標準化（不然第一步的梯度就大得嚇人），預測時再換回來。
"""

# %%
from dlbook.supervised_learning.mlp_regressor import FittedMLP, average, fit_mlp  # inline

# %% [markdown]
r"""
### 有 HW1 資料的人

HW1 的調查資料不能轉散布，這裡不附。有檔案的人用下面的函式讀進來，其餘的程式都能用。沒有的人可以看看它要的格式：這裡寫一份**替身**（數字是亂數，只用來試讀檔的程式）。
"""

# %%
from dlbook.supervised_learning.homework1 import (  # inline
    DAILY,
    DAYS,
    EARLIER_TARGETS,
    FEATURES,
    STATES,
    Homework1,
    read_homework1,
)

# %%
import tempfile
from pathlib import Path

from dlbook.supervised_learning.homework1 import write_stand_in

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "covid.train.csv"
    write_stand_in(path, 2_700, rng, test=False)
    homework = read_homework1(path)  # 有真檔案時，把路徑換成你的
print("x", homework.x.shape, "，前兩天的陽性率在第", EARLIER_TARGETS, "欄：",
      [homework.names[i] for i in EARLIER_TARGETS])  # fmt: skip

# %% [markdown]
r"""
作業的提示是「只用 40 州加前兩天的陽性率」（medium）與「再挑其他特徵、改架構與最佳化器、加 L2、找出範例程式的錯」（strong），門檻是 RMSE 2.030、1.284、0.880。下面的實驗走的就是這條路，只是換成可以附上的資料。
"""

# %% [markdown]
r"""
## 實驗

### 單車：一階一階往上

特徵先換四種樣子。前三種給線性模型，每一種多一點「人的知識」；最後一種給 MLP，把小時與日期繞成圓（23 點與 0 點相鄰），其餘讓它自己學。
"""

# %%
from dlbook.supervised_learning.bike_features import (  # inline
    MONTHS,
    calendar,
    circular,
    with_interactions,
)

# %% [markdown]
r"""
階梯：

- **不學**：猜訓練集的平均；
- **起手式**：線性（ridge），欄位原樣；
- **改良一**：小時、月份、星期變成 0/1，一個鐘頭一個權重；
- **改良二**：再加「小時 × 是否上班日」；
- **改良三**：改預測 $\ln(1+y)$，預測完換回來；
- **強**：MLP，一樣預測對數；
- **更強一**：用驗證集留下最好的 epoch（早停）；
- **更強二**：再加權重衰減（weight decay）；
- **更強三**：再加 one-cycle 學習率；
- **最強**：四個「更強三」的預測取平均（集成，ensemble）。

ridge 的 $\alpha$ 由驗證集選；線性模型沒有亂數，三個種子的分數相同。
"""

# %%
bikes = {f.__name__: bike_table(f) for f in (as_numbers, calendar, with_interactions, circular)}
logs = {part: np.log1p(count) for part, count in bikers.items()}


def best_ridge(table, target, back=lambda z: z):
    """在驗證集選 alpha；傳回各部分的預測。"""
    models = [ridge(table["train"], target["train"], alpha) for alpha in (0.1, 1, 10, 100)]
    best = min(models, key=lambda m: rmse(back(m(table["valid"])), bikers["valid"]))
    return {part: back(best(x)) for part, x in table.items()}


def log_mlp(seed, **options: Any):
    """預測 ln(1 + y) 的 MLP，圓形特徵。"""
    x = bikes["circular"]
    return fit_mlp(
        x["train"], logs["train"], hidden=[run.hidden, run.hidden], epochs=run.epochs, seed=seed,
        valid=(x["valid"], logs["valid"]), device=run.device, **options,
    )  # fmt: skip


seeds = [run.seed + 100 * i for i in range(run.repeats)]
tricks: dict[str, Any] = {"weight_decay": 0.3, "one_cycle": True}
plain_nets = [log_mlp(seed, early_stop=False)[0] for seed in seeds]
stopped_nets = [log_mlp(seed)[0] for seed in seeds]
decayed_nets = [log_mlp(seed, weight_decay=tricks["weight_decay"])[0] for seed in seeds]
teams = [[log_mlp(seed + i, **tricks)[0] for i in range(run.members)] for seed in seeds]


# %%
def counted(model):
    """對數的模型 → 各部分的輛數。"""
    return {part: np.expm1(model(x)) for part, x in bikes["circular"].items()}


def team_counts(team):
    """一隊網路：先換回輛數再平均。"""
    members = [counted(model) for model in team]
    return {part: np.mean([m[part] for m in members], axis=0) for part in bikers}


mean_only = {part: np.full(len(count), bikers["train"].mean()) for part, count in bikers.items()}
ladder = {
    "不學：猜平均": [mean_only],
    "起手式：線性，原樣": [best_ridge(bikes["as_numbers"], bikers)],
    "改良一：日曆變 0/1": [best_ridge(bikes["calendar"], bikers)],
    "改良二：小時×上班日": [best_ridge(bikes["with_interactions"], bikers)],
    "改良三：預測對數": [best_ridge(bikes["with_interactions"], logs, np.expm1)],
    "強：MLP": [counted(net) for net in plain_nets],
    "更強一：早停": [counted(net) for net in stopped_nets],
    "更強二：權重衰減": [counted(net) for net in decayed_nets],
    "更強三：one-cycle": [counted(team[0]) for team in teams],
    "最強：集成": [team_counts(team) for team in teams],
}
test_days = bike.test["day"].to_numpy()
rows = {}
for name, outputs in ladder.items():
    scores = [rmse(output["test"], bikers["test"]) for output in outputs]
    squared = np.mean([(output["test"] - bikers["test"]) ** 2 for output in outputs], axis=0)
    low, high = bootstrap_rmse(squared, test_days, np.random.default_rng(0))
    rows[name] = {
        "驗證": np.mean([rmse(output["valid"], bikers["valid"]) for output in outputs]),
        "測試": np.mean(scores),
        "種子的標準差": np.std(scores),
        "95% 下界": low,
        "95% 上界": high,
    }
table = pd.DataFrame(rows).T
table["比上一階少（%）"] = -100 * table["測試"].pct_change()
display(table.round(1))

# %%
margins: Any = [table["測試"] - table["95% 下界"], table["95% 上界"] - table["測試"]]
figure = plotting.bar_chart(
    dict(table["測試"]),
    title=f"單車的測試 RMSE（{run.repeats} 個種子的平均；線段是以天重抽的 95% 區間）",
    ylabel="輛（越低越好）",
    errors=margins,
    highlight="最強：集成",
    horizontal=True,
    fmt="   {:.1f}",
)
plotting.show(
    figure,
    alt="十階的測試 RMSE：" + "、".join(f"{n} {v:.1f}" for n, v in table["測試"].items()) + "。",
)
score = table["測試"]
by_name = {name.split("：")[0]: value for name, value in score.items()}
run.claim(
    "標準化後，訓練資料各欄的平均離 0 最多多少",
    max(np.abs(table["train"].mean(axis=0)).max() for table in bikes.values()),
    at_most=1e-9,
    level="parity",
    source="統計量只從訓練資料來；混進驗證或測試資料就不會是 0",
)
blind = bikes["with_interactions"] | {
    "test": np.full((1, bikes["with_interactions"]["test"].shape[1]), np.nan)
}
run.claim(
    "把測試資料藏起來，改良三的驗證預測最多改變多少",
    np.abs(
        best_ridge(blind, logs, np.expm1)["valid"] - ladder["改良三：預測對數"][0]["valid"]
    ).max(),
    at_most=0.0,
    level="parity",
    source="alpha 只用驗證資料選",
)
run.claim(
    "換特徵與目標（改良三）的測試 RMSE，比線性原樣少多少",
    1 - by_name["改良三"] / by_name["起手式"],
    at_least=0.5,
    level="medium",
    source="同一次執行；兩者都是線性模型",
)
run.claim(
    "MLP 集成的測試 RMSE，比 ridge（改良一）少多少",
    1 - by_name["最強"] / by_name["改良一"],
    at_least=0.42,
    level="strong",
    source="本課的門檻是 0.30；同一次執行的 ridge，one-hot 的小時、月份、星期",
)
run.claim(
    "MLP 集成的測試 RMSE，比手工最好的線性模型（改良三）少多少",
    1 - by_name["最強"] / by_name["改良三"],
    at_least=0.13,
    level="boss",
    source="同一次執行；「小時×上班日」與取對數都是人想出來的",
)
run.claim(
    "正則化、早停加集成，比單一的 MLP 少多少",
    1 - by_name["最強"] / by_name["強"],
    at_least=0.04,
    level="medium",
    source=f"消融：同樣的資料、特徵與寬度，{run.repeats} 個種子的平均",
)

# %% [markdown]
r"""
每一階的收穫都在表裡。三點值得停下來看：

- 從起手式到改良三，模型始終是線性的，換的只有特徵與目標。**懂資料的線性模型**把誤差砍掉一半以上。
- MLP 的三個「更強」一次只加一樣，各值多少看「比上一階少」那一欄；與「種子的標準差」差不多大的，不能當真。
- MLP 沒有人告訴它「小時 × 上班日」，自己學到了更多。它與改良一的差距很大，與改良三的差距就小得多；比較方法時，要看對手有沒有盡力。

線段是測試集的 95% 區間：相鄰兩階的線段重疊，不代表分不出高下（同一天兩個模型一起錯，差距比各自的分數穩定），但提醒你小數點後的數字別太認真。

### 早停

訓練久了，訓練誤差一直降，驗證誤差卻回頭。只用五分之一的訓練日，看得最清楚：
"""

# %%
few = bike.train["day"].to_numpy() % 5 == 0
x = bikes["circular"]
curves = {}
recipes: dict[str, dict[str, Any]] = {"沒有正則化": {}, "權重衰減": {"weight_decay": 1.0}}
for name, options in recipes.items():
    _, history = fit_mlp(
        x["train"][few], bikers["train"][few], hidden=[256, 256], epochs=100, seed=run.seed,
        valid=(x["valid"], bikers["valid"]), early_stop=False, **options,
    )  # fmt: skip
    spread = bikers["train"][few].std()
    curves[name] = (np.sqrt(history.epoch_loss) * spread, -np.array(history.score))
epochs = np.arange(1, 101)
figure = plotting.line_chart(
    {
        f"{part}（{name}）": (epochs, curve)
        for name, pair in curves.items()
        for part, curve in zip(("訓練", "驗證"), pair)
    },
    title=f"早停：{int(few.sum()):,} 小時訓練一個大網路",
    xlabel="epoch",
    ylabel="RMSE（輛）",
)
figure.axes[0].set_ylim(0, 100)
best_epoch = int(curves["沒有正則化"][1].argmin())
figure.axes[0].axvline(best_epoch + 1, color="#777777", linewidth=0.8)
plotting.show(
    figure,
    alt="訓練誤差一路下降到接近 0；沒有正則化的驗證誤差先降，過了直線標出的 epoch 之後慢慢回升；權重衰減的驗證誤差較低，也比較不回升。",
)
without = curves["沒有正則化"][1]
print(
    f"驗證誤差在第 {best_epoch + 1} 個 epoch 最低：{without.min():.1f} 輛；訓練到底是 {without[-1]:.1f} 輛"
)
with_decay = curves["權重衰減"][1]
print(f"權重衰減：最低 {with_decay.min():.1f} 輛，訓練到底 {with_decay[-1]:.1f} 輛")
run.claim(
    "訓練到底，權重衰減的驗證誤差是沒有正則化的幾倍",
    with_decay[-1] / without[-1],
    at_most=0.97,
    level="medium",
    source="消融：同一個網路與資料，只差權重衰減",
)
run.claim(
    "訓練到底，比停在最好的 epoch 多錯多少",
    without[-1] / without.min() - 1,
    at_least=0.05,
    level="medium",
    source="同一次訓練的驗證曲線",
)

# %% [markdown]
r"""
注意「最好的 epoch」是在驗證集上挑的，所以它的驗證誤差有點樂觀；真正的分數仍要看測試集。

### 量一量洩漏

把訓練與驗證的天合在一起，用 5-fold 估計誤差，再和測試集的真相比。兩種切法：每小時隨機，或七天一塊。三種模型：記性差的 ridge、記性好的最近鄰（3-nearest neighbours）與 MLP。測試集在這裡只拿來核對估計，不做任何選擇。
"""

# %%
from sklearn.neighbors import KNeighborsRegressor

known = pd.concat([bike.train, bike.valid], ignore_index=True)
known_y = known["bikers"].to_numpy(float)
block = (known["day"].to_numpy() - 1) // datasets.tabular.DAYS_A_BLOCK


def by_ridge(x, y, new):
    return ridge(x, y, 1.0)(new)


def by_neighbours(x, y, new):
    return KNeighborsRegressor(3, weights="distance").fit(x, y).predict(new)


def by_mlp(x, y, new):
    net, _ = fit_mlp(
        x, y, hidden=[run.hidden, run.hidden], epochs=40, seed=run.seed, device=run.device, **tricks
    )
    return net(new)


def trained(method, featurize, train, new):
    """標準化、訓練、預測；標準化只看訓練的那幾列。"""
    x = featurize(known).to_numpy()[train]
    scale = Standardizer.fit(x)
    return method(scale(x), known_y[train], scale(featurize(new).to_numpy()))


def cross_validated(method, featurize, groups):
    """5-fold 的 RMSE：每一列都由沒看過它那一群的模型預測。"""
    predicted = np.empty(len(known))
    for train, held_out in k_folds(groups, 5, np.random.default_rng(run.seed)):
        predicted[held_out] = trained(method, featurize, train, known.iloc[held_out])
    return rmse(predicted, known_y)


hour = np.arange(len(known))
rows = {}
for name, method, featurize in [
    ("ridge", by_ridge, calendar),
    ("最近鄰", by_neighbours, as_numbers),
    ("MLP", by_mlp, circular),
]:
    truth = rmse(trained(method, featurize, hour, bike.test), bikers["test"])
    rows[name] = {
        "隨機切": cross_validated(method, featurize, hour),
        "七天一塊": cross_validated(method, featurize, block),
        "測試集": truth,
    }
leak = pd.DataFrame(rows).T
leak["隨機切虛胖"] = 1 - leak["隨機切"] / leak["七天一塊"]
display(leak.round(3))

# %%
figure, ax = plt.subplots(figsize=(7.0, 4.0))
for place, kind in enumerate(["隨機切", "七天一塊", "測試集"]):
    bars = ax.bar(
        np.arange(3) + 0.27 * (place - 1), leak[kind], 0.25,
        color=plotting.COLORS[(1, 0, 6)[place]], hatch=("//", "", "")[place], label=kind,
    )  # fmt: skip
    ax.bar_label(bars, fmt="{:.0f}", padding=2)
ax.set_xticks(range(3), leak.index)
ax.set_ylabel("RMSE（輛）")
ax.set_xlabel("模型")
ax.set_title("5-fold 估的誤差與測試集的真相")
ax.grid(axis="x", visible=False)
ax.legend()
plotting.show(
    figure,
    alt="三種模型各三根長條：ridge 三根差不多高；最近鄰與 MLP 的「隨機切」明顯比另外兩根矮。",
)
run.claim(
    "隨機切讓 MLP 的誤差看起來少多少（比七天一塊）",
    leak.loc["MLP", "隨機切虛胖"],
    at_least=0.12,
    level="strong",
    source="同樣的資料與模型，只差怎麼切",
)
run.claim(
    "隨機切讓最近鄰的誤差看起來少多少（比七天一塊）",
    leak.loc["最近鄰", "隨機切虛胖"],
    at_least=0.12,
    level="medium",
    source="同樣的資料與模型，只差怎麼切",
)
run.claim(
    "隨機切讓 ridge 的誤差看起來少多少（比七天一塊）",
    leak.loc["ridge", "隨機切虛胖"],
    at_most=0.06,
    level="simple",
    source="對照：權重少、記不住個別一天的模型",
)
run.claim(
    "七天一塊的 5-fold 與測試 RMSE 的比（MLP）",
    leak.loc["MLP", "七天一塊"] / leak.loc["MLP", "測試集"],
    near=(1.0, 0.12),
    level="medium",
    source="測試集是另外的七天一塊，不在這 5-fold 裡",
)

# %% [markdown]
r"""
洩漏騙的是**記得住**的模型：ridge 記不住個別的一天，怎麼切都差不多；最近鄰與 MLP 記得「那天的前一個鐘頭」，隨機切就給了它們隔壁的答案。七天一塊的估計和測試集接近，但不會相同：每一 fold 只用五分之四的資料訓練，考的週也不一樣。
"""

# %% [markdown]
r"""
### 芝加哥：選特徵

HW1 的提示是「挑特徵」。這裡用**往前走**的驗證來挑：2009 到 2013，每一年都用之前的所有年預測，五年合計的誤差當分數，逐步向前選。2014 年與測試的 2015–2016 年都沒有參與。
"""

# %%
forward_folds = list(walk_forward(years, 2009))
chosen, curve = forward_selection(rail["train"], riders["train"], forward_folds, len(columns))
keep = int(np.argmin(curve)) + 1
selected = chosen[:keep]
tests = [
    rmse(ridge(rail["train"][:, chosen[:k]], riders["train"], 1.0)(rail["test"][:, chosen[:k]]),
         riders["test"])
    for k in range(1, len(columns) + 1)
]  # fmt: skip
figure, ax = plt.subplots(figsize=(7.5, 4.0))
sizes = range(1, len(columns) + 1)
ax.plot(sizes, curve, "o-", markersize=3, label="往前走的驗證（2009–2013）")
ax.plot(sizes, tests, "s--", markersize=3, label="測試（2015–2016，選的時候沒看）")
ax.axvline(keep, color="#777777", linewidth=0.8)
ax.set_title("逐步向前選：特徵越多，未必越準")
ax.set_xlabel("用了幾個特徵")
ax.set_ylabel("RMSE（千人）")
ax.legend()
plotting.show(
    figure,
    alt="兩條曲線都先快速下降再持平；驗證曲線在直線處最低，之後隨特徵變多慢慢上升；測試曲線整條較高。",
)
print("依序選到的前八個：", "、".join(columns[j] for j in chosen[:8]))
print(f"驗證誤差最低在 {keep} 個特徵；全部是 {len(columns)} 個")

# %%
own = [columns.index("Clark_Lake")]
sets = {"只用自己十四天前": own, "往前走選出來的": selected, "全部": list(range(len(columns)))}
flat = np.full(1, riders["train"].mean())
rows: dict[str, dict[str, Any]] = {
    "猜平均": {
        "特徵數": 0,
        "線性 2014": rmse(flat, riders["valid"]),
        "線性 測試": rmse(flat, riders["test"]),
    }
}
for name, picked in sets.items():
    x = {part: table[:, picked] for part, table in rail.items()}
    line = ridge(x["train"], riders["train"], 1.0)
    nets = [
        fit_mlp(x["train"], riders["train"], hidden=[64], epochs=40, seed=s, weight_decay=0.1)[0]
        for s in seeds
    ]
    scores = [rmse(net(x["test"]), riders["test"]) for net in nets]
    rows[name] = {
        "特徵數": len(picked),
        "線性 2014": rmse(line(x["valid"]), riders["valid"]),
        "線性 測試": rmse(line(x["test"]), riders["test"]),
        "MLP 2014": np.mean([rmse(net(x["valid"]), riders["valid"]) for net in nets]),
        "MLP 測試": np.mean(scores),
        "MLP 種子的標準差": np.std(scores),
    }
picks = pd.DataFrame(rows).T
display(picks.round(3))
run.claim(
    "只用自己十四天前的線性模型，測試 RMSE 比猜平均少多少",
    1 - picks.loc["只用自己十四天前", "線性 測試"] / picks.loc["猜平均", "線性 測試"],
    at_least=0.5,
    level="simple",
    source="同一次執行的平均值",
)
run.claim(
    "選過特徵的線性模型，2014 年的 RMSE 比用全部少多少",
    1 - picks.loc["往前走選出來的", "線性 2014"] / picks.loc["全部", "線性 2014"],
    at_least=0.06,
    level="medium",
    source="特徵由 2009–2013 選出；同一次執行的全部特徵",
)
run.claim(
    "選過特徵的 MLP，測試 RMSE 比用全部少多少",
    1 - picks.loc["往前走選出來的", "MLP 測試"] / picks.loc["全部", "MLP 測試"],
    at_least=0.01,
    level="simple",
    source=f"{run.repeats} 個種子的平均；測試集 2015–2016",
)

# %% [markdown]
r"""
最大的一步是「有沒有自己十四天前的人數」：只靠這一欄，誤差就比猜平均少了一半以上。HW1 的 medium 提示（只留 40 州與兩個 `tested_positive`）是同一個道理。

再往下選，幫助就小了，而且看模型、看年份：2014 年的線性模型與測試集的 MLP 看得出好處，測試集的線性模型幾乎沒差。這份表格有幾千天、只有幾十欄，多餘的欄位傷害有限；資料越少、欄位越多，選擇越要緊。

### COVID：什麼能預測，什麼不能

真的 COVID 資料：201 國（140 訓練、61 測試）疫情最初 84 天的每日新增確診。先看為什麼要取對數：
"""

# %%
covid = datasets.covid()
totals = {"train": covid.train_cases.cumsum(axis=1), "test": covid.test_cases.cumsum(axis=1)}
fates = {"train": covid.train_death_rate, "test": covid.test_death_rate}
figure, axes = plt.subplots(1, 2, figsize=(8.5, 3.4))
some = np.argsort(-totals["train"][:, -1])[:40]
for ax, scale in zip(axes, ("linear", "log")):
    curves = totals["train"][some].T + (scale == "log")  # 0 沒有對數，先加一
    ax.plot(np.arange(1, 85), curves, color=plotting.COLORS[0], alpha=0.4, linewidth=0.8)
    ax.set_yscale(scale)
    ax.set_xlabel("第幾天")
axes[0].set_title("累計確診：線性座標")
axes[1].set_title("對數座標：直線就是每天固定的倍數")
axes[0].set_ylabel("累計人數")
plotting.show(
    figure,
    alt="左圖幾乎全部的國家都貼在底部，只看得見最大的幾個；右圖用對數座標，四十條線都看得見，許多在最後幾週接近直線。",
)

# %% [markdown]
r"""
三個問題：七天後、十四天後的累計人數；以及死亡率（每個確診者有多少死亡）。前兩個用對數特徵（目前的累計、最近兩週各成長幾倍）配最小平方，和「不會再增加」、「照上週的倍數再長」比：
"""


# %%
def growth_features(total, horizon):
    """離最後一天還有 horizon 天時就知道的事：ln(1+累計)，與前兩週各自的增加。"""
    log = np.log1p(total[:, : total.shape[1] - horizon])
    return np.stack([log[:, -1], log[:, -1] - log[:, -8], log[:, -8] - log[:, -15]], axis=1)


rows = {}
for horizon in (7, 14):
    x = {part: growth_features(total, horizon) for part, total in totals.items()}
    y = {part: np.log1p(total[:, -1]) for part, total in totals.items()}
    w = solve_qr(add_ones(x["train"]), y["train"])
    guess = add_ones(x["test"]) @ w
    rows[f"{horizon} 天後"] = {
        "猜平均": rmse(np.full(61, y["train"].mean()), y["test"]),
        "不再增加": rmse(x["test"][:, 0], y["test"]),
        "照上週的倍數": rmse(x["test"][:, 0] + x["test"][:, 1] * horizon / 7, y["test"]),
        "最小平方（對數）": rmse(guess, y["test"]),
        "典型的倍數誤差": np.exp(np.median(np.abs(guess - y["test"]))),
    }
    forecast = {"guess": guess, "truth": y["test"]}
future = pd.DataFrame(rows).T
display(future.round(2))


# %%
from sklearn.ensemble import RandomForestRegressor


def curve_features(total):
    """整條曲線的摘要：五個時間點的 ln(1+累計)、有病例的天數、破百的天數。"""
    log = np.log1p(total)[:, [-1, -8, -15, -22, -29]]
    return np.column_stack([log, (total > 0).sum(axis=1), (total >= 100).sum(axis=1)])


x = {part: curve_features(total) for part, total in totals.items()}
scale = Standardizer.fit(x["train"])
fate = ridge(scale(x["train"]), fates["train"], 10.0)
forest = RandomForestRegressor(300, random_state=run.seed).fit(x["train"], fates["train"])
raw_fate = ridge(covid.train_cases, fates["train"], 10.0)
daily = Standardizer.fit(covid.train_cases)
scaled_fate = ridge(daily(covid.train_cases), fates["train"], 10.0)
guesses = {
    "猜訓練國家的平均": np.full(61, fates["train"].mean()),
    "ridge，對數的摘要": fate(scale(x["test"])),
    "隨機森林，對數的摘要": forest.predict(x["test"]),
    "ridge，84 天的原始人數": raw_fate(covid.test_cases),
    "ridge，84 天的人數，標準化": scaled_fate(daily(covid.test_cases)),
}
spread = np.mean((fates["test"] - fates["train"].mean()) ** 2)
deaths = pd.DataFrame(
    {
        name: {
            "RMSE（百分點）": 100 * rmse(guess, fates["test"]),
            "比猜平均好（R²）": 1 - rmse(guess, fates["test"]) ** 2 / spread,
        }
        for name, guess in guesses.items()
    }
).T
display(deaths.round(3))
figure, axes = plt.subplots(1, 2, figsize=(9.5, 4.0))
axes[0].plot(np.exp(forecast["truth"]), np.exp(forecast["guess"]), "o", markersize=4)
axes[0].set(xscale="log", yscale="log")
axes[0].set_title("十四天後的累計確診")
axes[1].plot(100 * fates["test"], 100 * guesses["ridge，對數的摘要"], "o", markersize=4)
axes[1].set_title("死亡率（%）")
for ax in axes:
    low, high = ax.get_xlim()
    ax.plot([low, high], [low, high], "--", color="#777777")
    ax.set_xlim(low, high)
    ax.set_xlabel("實際")
axes[0].set_ylabel("預測")
plotting.show(
    figure,
    alt="左圖的點散在對角虛線附近；右圖的點排成水平的一帶，預測幾乎不隨實際的死亡率改變。",
)
run.claim(
    "七天後的確診：對數最小平方的誤差是「不再增加」的幾倍",
    future.loc["7 天後", "最小平方（對數）"] / future.loc["7 天後", "不再增加"],
    at_most=0.5,
    level="medium",
    source="61 個沒看過的國家；ln 的 RMSE",
)
run.claim(
    "從曲線預測死亡率的 R²（對猜平均），ridge 與隨機森林較好的一個",
    deaths.loc[["ridge，對數的摘要", "隨機森林，對數的摘要"], "比猜平均好（R²）"].max(),
    at_most=0.1,
    level="medium",
    source="這是「不能預測」的主張：61 個沒看過的國家",
)

# %% [markdown]
r"""
- **能**：人數在對數尺度上接近直線，七天後的誤差遠小於「不再增加」，十四天就大得多。「典型的倍數誤差」說的是對數誤差的意義：差多少**倍**。
- **不能**：死亡率取決於年齡、醫療、篩檢量，確診曲線裡幾乎沒有這些資訊，ridge 只比猜平均好一點點，換成隨機森林也學不到（表）。
- **別這樣做**：直接拿 84 天的原始人數去迴歸，人數動輒上萬，$\alpha$ 罰不到它的權重，比猜平均還差得多；先標準化就不再是災難，只是沒用。

訓練與測試的國家不同，日期卻是同樣的 84 天：這裡問的是「換一個國家」，不是「預測明年的疫情」。

### 文字也是特徵

2025 年的 HW5 要用遊戲的簡介等文字加數值欄位預測評分。文字變成數字有很多方法；課程的多語向量模型 `pretrained.e5_small` 要另外下載，這一課沒有量它，改用離線就有的：數每個字與相鄰兩字出現幾次（TF-IDF），再用 PCA 壓成少少幾欄，最後交給 ridge。資料是中文評論，目標是好評 1、負評 0。
"""

# %%
from dlbook.supervised_learning.pca import PCA  # inline

# %%
from sklearn.feature_extraction.text import TfidfVectorizer

reviews = datasets.reviews()
counter = TfidfVectorizer(
    analyzer="char", ngram_range=(1, 2), max_features=1_000, sublinear_tf=True, dtype=np.float32
)
texts = {part: [r.text for r in getattr(reviews, part)] for part in ("train", "valid")}
liked = {part: np.array([float(r.label) for r in getattr(reviews, part)]) for part in texts}
text_x = {"train": counter.fit_transform(texts["train"]).toarray()}  # 字表只從訓練資料來
text_x["valid"] = counter.transform(texts["valid"]).toarray()
pca = PCA.fit(text_x["train"], 1_000)
projected = {part: pca(x) for part, x in text_x.items()}
kept = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000]
r2 = {"訓練": [], "驗證": []}
for k in kept:
    model = ridge(projected["train"][:, :k], liked["train"], 1.0)
    for name, part in [("訓練", "train"), ("驗證", "valid")]:
        residual = np.mean((model(projected[part][:, :k]) - liked[part]) ** 2)
        r2[name].append(1 - residual / np.var(liked[part]))
figure = plotting.line_chart(
    {name: (kept, values) for name, values in r2.items()},
    title="評論的好惡：PCA 留幾個方向",
    xlabel="方向的個數",
    ylabel="R²（1 是完美，0 是猜平均）",
    logx=True,
    markers=True,
)
plotting.show(
    figure,
    alt="橫軸是 PCA 的方向個數；訓練與驗證的 R² 都隨個數上升，後段兩條線的距離越拉越大，驗證趨平。",
)
explained = pca.variances[:100].sum() / pca.variances.sum()
print(
    f"100 個方向：佔變異的 {explained:.0%}，驗證 R² {r2['驗證'][kept.index(100)]:.2f}；全部 1,000 個：{r2['驗證'][-1]:.2f}"
)
run.claim(
    "100 個方向的驗證 R²",
    r2["驗證"][kept.index(100)],
    at_least=0.37,
    level="medium",
    source="猜平均是 0；1,222 篇沒看過的評論",
)

# %% [markdown]
r"""
PCA 不看答案，只找「變化最大」的方向；變化大的不一定和好惡有關，最前面的兩個方向就幾乎沒用，要留不少才夠。這裡留下全部反而略好，因為 ridge 已經在管過度擬合：PCA 省的是欄數，不是誤差。
"""

# %% [markdown]
r"""
## 看看哪裡錯

### 什麼時候錯

最強的模型（第一個種子），殘差依小時與星期平均。紅色是猜太少，藍色是猜太多：
"""

# %%
best = ladder["最強：集成"][0]["test"]
residual = bikers["test"] - best
when = pd.DataFrame(
    {"hr": bike.test["hr"], "weekday": bike.test["weekday"], "residual": residual, "day": test_days}
)
grid = when.pivot_table(index="weekday", columns="hr", values="residual")
figure = plotting.heatmap(
    grid,
    title="平均殘差（實際 − 預測，輛）",
    xlabel="小時",
    ylabel="星期",
    xticks=[str(h) for h in grid.columns],
    yticks=list("日一二三四五六"),
    diverging=True,
    colorbar="輛",
)
plotting.show(
    figure,
    alt="星期乘小時的殘差熱圖：深夜幾乎是白色；上下班尖峰與週末下午的格子顏色最深。",
)

# %%
by_day = when.groupby("day")["residual"]
worst = pd.DataFrame(
    {"平均殘差": by_day.mean(), "RMSE": by_day.agg(lambda r: np.sqrt(np.mean(r**2)))}
)
worst = worst.nlargest(6, "RMSE")
celsius = bike.test.assign(celsius=bike.test["temp"] * 47 - 8)  # 資料裡的 temp 是 0 到 1
info = celsius.groupby("day").agg(
    **{"假日": ("holiday", "max"), "最高溫（°C）": ("celsius", "max"), "濕度": ("hum", "mean")}
)
worst["日期"] = [
    (pd.Timestamp("2010-12-31") + pd.Timedelta(days=int(day))).strftime("%m-%d")
    for day in worst.index
]
display(worst.join(info).round(2))
dry = bike.test.groupby("day")["hum"].max() == 0
print(
    f"測試集裡整天濕度都是 0 的日子：{int(dry.sum())} 天；訓練集裡：{int((bike.train.groupby('day')['hum'].max() == 0).sum())} 天"
)
off = when[bike.test["holiday"].to_numpy() == 1].groupby("day")
for day, mean in off["residual"].mean().items():
    date = pd.Timestamp("2010-12-31") + pd.Timedelta(days=int(day))
    print(
        f"假日 {date:%m-%d}（星期{'一二三四五六日'[int(date.day_of_week)]}）：平均每小時比預測多 {mean:.0f} 輛"
    )
friday_8am = when[(when["hr"] == 8) & (when["weekday"] == 5)].groupby("day")["residual"].sum()
print(
    f"星期五早上八點的殘差，兩個假日佔 {friday_8am[list(off.groups)].sum() / friday_8am.sum():.0%}"
)
top = (when["residual"] ** 2).groupby(when["day"]).sum()
print(f"最差的 6 天（共 {len(top)} 天）佔全部平方誤差的 {top.nlargest(6).sum() / top.sum():.0%}")

# %% [markdown]
r"""
誤差集中在少數幾天，各有各的道理：

- 有一天整天的濕度都是 0，大氣不可能這樣，是感測器壞了。訓練集裡沒有這種日子，模型只能往沒看過的方向外推；
- 有的是假日。4 月 15 日（當地的解放日）與 11 月 11 日（退伍軍人節）都在星期五，租出的比預測多：政府放假，可能很多公司照常上班。熱圖裡星期五早上八點那一格的顏色，有一大部分來自這兩天（上面印出了比例）。特徵裡只有一個 `holiday`，一年沒有幾天，分不出這種差別；
- 有的是天氣：8 月 28 日那個週末颶風艾琳（Irene）經過，特徵裡卻只看得到當下這一小時的天氣，看不到前一晚的風雨。

模型沒見過、特徵沒記錄的事，加大網路也補不回來。先查資料（這一天的濕度該當成缺值），再換模型。

### 誤差範圍要以天計

同一天的 24 個小時一起錯，所以測試集有多少天，比有多少列要緊：一天的 24 列不是 24 個獨立的證據。把每小時當成獨立來重抽，區間會窄得過頭：
"""

# %%
squared = residual**2
intervals = {
    "以小時重抽": bootstrap_rmse(squared, np.arange(len(squared)), np.random.default_rng(0)),
    "以天重抽": bootstrap_rmse(squared, test_days, np.random.default_rng(0)),
}
for name, (low, high) in intervals.items():
    print(f"{name}：95% 區間 {low:.1f} 到 {high:.1f}，寬 {high - low:.1f} 輛")
widths = {name: high - low for name, (low, high) in intervals.items()}
run.claim(
    "以天重抽的區間，是以小時重抽的幾倍寬",
    widths["以天重抽"] / widths["以小時重抽"],
    at_least=1.7,
    level="medium",
    source="同一份殘差，2,000 次重抽",
)

# %% [markdown]
r"""
## 常見的坑

### 坑一：用測試集自己的統計量標準化

2021 HW1 的範例程式就是這樣：訓練、驗證、測試各自減自己的平均、除自己的標準差。測試資料裡「整體變高了」的訊息就被減掉了：
"""

# %%
every = chicago.train[columns], chicago.valid[columns], chicago.test[columns]
raw_train, _, raw_test = (table.to_numpy(float) for table in every)
line = ridge(rail["train"], riders["train"], 10.0)
both = Standardizer.fit(pd.concat(every).to_numpy(float))
peeking = ridge(both(raw_train), riders["train"], 10.0)
scores = {
    "訓練的統計量（正確）": rmse(line(rail["test"]), riders["test"]),
    "各用各的": rmse(line(Standardizer.fit(raw_test)(raw_test)), riders["test"]),
    "全部資料的統計量": rmse(peeking(both(raw_test)), riders["test"]),
}
raw_valid = every[1].to_numpy(float)
for name, table in [
    ("訓練的統計量", rail["valid"]),
    ("各用各的", Standardizer.fit(raw_valid)(raw_valid)),
]:
    print(f"{name}：驗證（2014）RMSE {rmse(line(table), riders['valid']):.3f} 千人")
for name, value in scores.items():
    print(f"{name}：測試 RMSE {value:.3f} 千人")
run.claim(
    "測試資料用自己的統計量標準化，RMSE 增加多少",
    scores["各用各的"] / scores["訓練的統計量（正確）"] - 1,
    at_least=0.3,
    level="medium",
    source="芝加哥 2015–2016；同一個模型",
)

# %% [markdown]
r"""
**症狀**：驗證與測試都系統性地偏（上面兩段時間都是）；只來一筆資料時，每一欄更會變成 0。「全部資料的統計量」在這裡幾乎沒差，但那是運氣：它讓測試資料影響了訓練，資料少或有離群值時就會露餡。**解法**：統計量只從訓練資料算，存起來一起用。

### 坑二：時間序列隨機切

芝加哥的訓練資料（2001–2013），兩種估計誤差的方式，哪一種比較接近 2015–2016 的真相？
"""


# %%
def pooled(folds):
    """各 fold 合計的 RMSE（ridge，全部特徵）。"""
    x, y = rail["train"], riders["train"]
    squared = [(ridge(x[a], y[a], 10.0)(x[b]) - y[b]) ** 2 for a, b in folds]
    return float(np.sqrt(np.concatenate(squared).mean()))


truth = scores["訓練的統計量（正確）"]
estimates = {
    "隨機 5-fold": pooled(k_folds(np.arange(len(years)), 5, rng)),
    "往前走（2009–2013）": pooled(forward_folds),
    "測試（2015–2016）": truth,
}
figure = plotting.bar_chart(
    estimates,
    title="芝加哥：誤差的兩種估計與真相",
    ylabel="RMSE（千人）",
    highlight="隨機 5-fold",
    horizontal=True,
)
plotting.show(figure, alt="隨機 5-fold 的長條最短，往前走的較長，測試集的最長。")
run.claim(
    "隨機 5-fold 的 RMSE 比測試低多少",
    1 - estimates["隨機 5-fold"] / truth,
    at_least=0.10,
    level="medium",
    source="芝加哥，ridge；測試集是之後的兩年",
)
run.claim(
    "往前走的估計，把隨機 5-fold 的落差補回幾成",
    (estimates["往前走（2009–2013）"] - estimates["隨機 5-fold"])
    / (truth - estimates["隨機 5-fold"]),
    at_least=0.4,
    level="medium",
    source="同上",
)

# %% [markdown]
r"""
**症狀**：交叉驗證漂亮，上線就退步。**解法**：只用過去預測未來。往前走也沒有完全猜中，因為世界還在變；這是它老實的地方。

### 坑三：預測了對數，卻忘了換回來

改良三預測的是 $\ln(1+y)$。忘了 `expm1`，或在對數上算 RMSE 再拿去和別人比，都會出事。就算換回來了，還有一個不容易發現的問題：
"""

# %%
x = bikes["with_interactions"]
log_line = ridge(x["train"], logs["train"], 1.0)
log_guess = log_line(x["valid"])
back = np.expm1(log_guess)
smear = np.mean(np.exp(logs["train"] - log_line(x["train"])))
smeared = np.exp(log_guess) * smear - 1
print(f"在對數上算的 RMSE：{rmse(log_guess, logs['valid']):.2f}（單位不是輛，看起來卻「很準」）")
print(f"忘了換回來，直接和輛數比：{rmse(log_guess, bikers['valid']):.1f} 輛")
print(f"換回來：{rmse(back, bikers['valid']):.1f} 輛")
spread = pd.Series(logs["train"] - log_line(x["train"])).groupby(bike.train["hr"]).std()
print(
    f"對數殘差的標準差：最大的一小時 {spread.max():.2f}（{spread.idxmax()} 點），最小 {spread.min():.2f}（{spread.idxmin()} 點）"
)
shortfall = 1 - back.sum() / bikers["valid"].sum()
print(
    f"總輛數：實際 {bikers['valid'].sum():,.0f}，預測 {back.sum():,.0f}，乘上修正 {smeared.sum():,.0f}"
)
run.claim(
    "對數模型換回來之後，總量少估多少",
    shortfall,
    at_least=0.025,
    level="medium",
    source="驗證集；對數的平均換回來是中位數附近，不是平均",
)

# %% [markdown]
r"""
**症狀**：分數的單位不對，或總量長期少估。對數的誤差換回來之後，右邊的尾巴比較長，所以 $e^{\text{對數的平均}}$ 落在中位數附近，比平均小。常見的修正是乘上訓練殘差的 $e^{r}$ 的平均（Duan 的 smearing，1983），但它假設各個小時的對數誤差一樣大。上面量到的並不一樣：深夜車少，相對誤差大，撐高了修正；總量卻多半來自誤差較小的白天。一個修正用在全部，這裡反而多估了。**解法**：先問要的是平均還是中位數；要平均就直接對輛數訓練，或分時段修正；分數永遠用原本的單位報。

### 坑四：在測試集上挑模型

從 COVID 的特徵裡亂抽 300 組、每組配一個 ridge 預測死亡率。把 61 個測試國家分成兩半：在前一半挑最好的一組，再看它在後一半的成績。重複 200 次不同的分法取平均：
"""


# %%
def many_features(total):
    """每四天一個 ln(1+累計) 與 ln(1+當天新增)。"""
    daily = np.diff(total, axis=1, prepend=0)
    return np.hstack([np.log1p(total)[:, ::4], np.log1p(daily)[:, ::4]])


x = {part: many_features(total) for part, total in totals.items()}
scale = Standardizer.fit(x["train"])
x = {part: scale(table) for part, table in x.items()}
squared = []
for _ in range(300):
    picked = rng.choice(x["train"].shape[1], 6, replace=False)
    model = ridge(x["train"][:, picked], fates["train"], 1.0)
    squared.append((model(x["test"][:, picked]) - fates["test"]) ** 2)
squared = np.stack(squared)
baseline = (fates["test"] - fates["train"].mean()) ** 2
ratios = []
for _ in range(200):
    first, second = np.array_split(rng.permutation(61), 2)
    winner = squared[:, first].mean(axis=1).argmin()
    ratios.append(
        [np.sqrt(squared[winner, half].mean() / baseline[half].mean()) for half in (first, second)]
    )
picked_on, fresh = np.mean(ratios, axis=0)
print(f"冠軍的 RMSE 是猜平均的幾倍：挑它的那一半 {picked_on:.3f}，沒看過的另一半 {fresh:.3f}")
run.claim(
    "在測試集上挑冠軍，虛胖幾個百分點（對猜平均的比）",
    100 * (fresh - picked_on),
    at_least=4.0,
    level="medium",
    source="300 組隨機特徵、200 種對分的平均",
)

# %% [markdown]
r"""
**症狀**：「我試了很多種，最好的這種進步很多」，換一批資料就縮水。**解法**：挑選只用驗證集；測試集在最後開一次。試得越多、驗證集越小，縮水越多。
"""

# %% [markdown]
r"""
## 練習

寫完執行下一格，就會告訴你對不對。
"""

# %%
from dlbook.exercises.supervised_learning.regression import fill_and_standardize  # exercise

# %%
from dlbook.exercises.supervised_learning.regression import ridge_by_rows  # exercise

# %%
from dlbook.exercises.supervised_learning.regression import balanced_group_folds  # exercise

# %%
from dlbook.exercises.supervised_learning.regression import honest_score  # exercise

# %%
from dlbook.exercises.supervised_learning.regression import family_importance  # exercise

# %% [markdown]
r"""
把它用在單車的線性模型上：拿掉一整家特徵、重新訓練，驗證誤差多多少？（還沒作答時，這裡用的是參考解答。）
"""

# %%
feature_names = list(with_interactions(bike.train).columns)
families = {
    "小時": [i for i, n in enumerate(feature_names) if n.endswith("點")],
    "小時×上班日": [i for i, n in enumerate(feature_names) if "×" in n],
    "月份": [i for i, n in enumerate(feature_names) if n.endswith(" 月")],
    "星期": [i for i, n in enumerate(feature_names) if n.startswith("星期")],
    "溫度": [i for i, n in enumerate(feature_names) if n in ("temp", "atemp", "temp²")],
    "濕度與天氣": [i for i, n in enumerate(feature_names) if n in ("hum", "hum²", *WEATHER)],
}
x = bikes["with_interactions"]
costs = family_importance(
    x["train"], bikers["train"], x["valid"], bikers["valid"], list(families.values()), 1.0
)
figure = plotting.bar_chart(
    dict(zip(families, map(float, costs))),
    title="拿掉一家特徵、重新訓練，驗證 RMSE 多多少",
    ylabel="輛",
    horizontal=True,
    fmt="{:.1f}",
)
plotting.show(
    figure,
    alt="拿掉各家特徵的代價："
    + "、".join(f"{n} {c:.1f} 輛" for n, c in zip(families, costs))
    + "。",
)

# %% [markdown]
r"""
### 想一想

1. `with_interactions` 裡有完全共線的欄位（24 個小時加起來永遠是 1）。為什麼 ridge 沒事，QR 會拒絕？預測會因此變差嗎？

<details><summary>參考答案</summary>

共線時有無限多組權重給出**同樣的預測**，QR 不知道選哪一組；$\alpha$ 很小時，ridge 接近長度最短的那一組，預測幾乎不變；但單一個權重沒有意義，不能拿來解釋。

</details>

2. 早停、權重衰減、集成，三者都能減少過度擬合。各自的代價是什麼？

<details><summary>參考答案</summary>

早停要切出驗證集（少了訓練資料），而且挑出來的分數偏樂觀；權重衰減多一個要調的數；集成要訓練、儲存、執行好幾個網路。

</details>

3. 單車的測試集是穿插在同一年裡的好幾個七天。如果要預測的是**明年**，這樣切對嗎？

<details><summary>參考答案</summary>

不對。現在的切法測的是「同一年、沒看過的週」，模型看得到前後的季節。要預測明年，就要像芝加哥那樣只用過去；而且只有一年的資料，趨勢根本學不到。切法要模仿實際使用的情境。

</details>
"""

# %% [markdown]
r"""
## 驗收

本課的主張與量測結果：
"""

# %%
lesson.finish(run)

# %% [markdown]
r"""
## 延伸閱讀

- Tibshirani，*Regression Shrinkage and Selection via the Lasso*，JRSS-B 58(1)，1996——lasso 的原始論文，菱形的那張圖就在裡面。
- Friedman、Hastie、Tibshirani，*Regularization Paths for Generalized Linear Models via Coordinate Descent*，J. Stat. Software 33(1)，2010——座標下降與熱啟動，scikit-learn 用的就是它。
- Kingma、Ba，*Adam*，[arXiv:1412.6980](https://arxiv.org/abs/1412.6980)；Loshchilov、Hutter，*Decoupled Weight Decay Regularization*，[arXiv:1711.05101](https://arxiv.org/abs/1711.05101)——`fit_mlp` 用的 AdamW。
- Kaufman 等人，*Leakage in Data Mining*，ACM TKDD 6(4)，2012——洩漏的分類與案例。
- Fanaee-T、Gama，*Event labeling combining ensemble detectors and background knowledge*，Progress in AI 2，2014——共享單車資料的出處，主題正是「特殊的日子」。
- 李宏毅，[機器學習 2021 春季班](https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php) HW1。
- 下一課：[分類](classification.ipynb)——目標從一個數字變成一個類別。
"""
