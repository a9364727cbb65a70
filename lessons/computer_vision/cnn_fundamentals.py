# %% [markdown]
r"""
# 卷積神經網路：從一個迴圈到遷移學習

**一句話**：影像裡同一個花樣出現在哪裡都是同一個花樣，所以用同一小組權重掃過整張影像；標註不夠時，再借用未標註的影像，或借用別人練好的權重。

學完這一課，你能夠：

- 從三層迴圈寫起卷積，推出它的梯度，與 `F.conv2d` 對上答案；
- 算出一個網路的感受野、參數與乘加次數，說明 VGG、ResNet、深度可分離卷積各省了什麼；
- 寫出翻轉、旋轉、cutout、CutMix、RandAugment，量出哪一種有用；
- 每類只有 10 張標註時，用 pseudo-label 與 FixMatch 借用幾萬張未標註的影像；
- 載入真的 MobileNetV2，遷移到只有一百多張照片的新問題。

| | |
| --- | --- |
| 先備 | [訓練的技術](../supervised_learning/mlp_training.ipynb)：BatchNorm、mixup、AdamW 與學習率排程 |
| 作業 | ML 2021 HW3：food-11 食物影像分類與半監督學習；GenAI-ML 2025 Fall HW6：分辨 10 位動畫角色。兩份的影像都不能轉散布，這裡換成 FashionMNIST 與自由授權的照片去背圖 |
| 時間 | 兩核心 CPU 執行約 1 分鐘；讀與練習約 6 小時。GPU（full）未驗證 |
| 資料 | FashionMNIST（MIT）、MNIST（CC BY-SA 3.0）、Tux Paint 的照片去背圖（GPL-2.0-or-later）、15 張照片（授權見 `datasets.photos()`）；權重：torchvision 的 MobileNetV2（BSD-3-Clause） |
"""

# %%
import copy
import functools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import display
from sklearn.manifold import TSNE
from torch import nn
from torch.nn import functional as F

from dlbook import datasets, lesson, measure, plotting
from dlbook.computer_vision import cnn_pictures, cnn_study
from dlbook.datasets import CUTOUT_CLASSES, FASHION_CLASSES
from dlbook.foundations.mlp import MLP
from dlbook.supervised_learning.regularization import mixup, one_hot

run = lesson.start(
    "computer_vision/cnn_fundamentals",
    quick={
        "load_fashion": True, "permuted_images": 4_000, "permuted_epochs": 3, "semi_steps": 250,
        "photo_size": 224, "tune_epochs": 10, "tsne_images": 500,
    },
    full={
        "load_fashion": False, "permuted_images": 55_000, "permuted_epochs": 10,
        "semi_steps": 10_000, "photo_size": 224, "tune_epochs": 40, "tsne_images": 3_000,
    },
)  # fmt: skip

# %% [markdown]
r"""
## 先看結果

這一課的終點有兩個。第一個：自己寫的 `MobileNetV2` 載入 ImageNet 練好的權重，認得真的照片。
"""

# %%
from dlbook.computer_vision.mobilenet_v2 import load_mobilenet_v2, prepare_photo

mobilenet, photo_config = load_mobilenet_v2()
photos, imagenet_names = datasets.photos(), datasets.imagenet_classes()
shown = ["coffee", "chelsea", "camera", "china", "astronaut"]
photo_scores = {}
with torch.no_grad():
    for name in photos:
        photo_scores[name] = mobilenet(prepare_photo(photos[name].image, photo_config))[0]


def top1(name):
    """照片 ``name`` 最有把握的類別與機率。"""
    p, k = photo_scores[name].softmax(dim=0).max(dim=0)
    return f"{imagenet_names[int(k)].split(',')[0]} {float(p):.0%}"


plotting.show(
    cnn_pictures.photo_row(
        [photos[n].image for n in shown],
        [f"{photos[n].title}\n→ {top1(n)}" for n in shown],
        "同一個網路，1,000 個類別裡最有把握的答案",
    ),
    alt="五張照片與 MobileNetV2 的答案："
    + "；".join(f"{photos[n].title}是 {top1(n)}" for n in shown),
)

# %% [markdown]
r"""
前四張說對了；最後一張是太空人的人像，ImageNet 沒有「人」這一類，網路只好硬選一個。它只會在學過的類別裡挑，而且不會說「不知道」。

第二個終點：每類只給 10 張標註，其餘幾萬張影像沒有標註，能認到幾成？這是**預先測得**的（`python -m dlbook.computer_vision.cnn_study --part digits --seed 0`，`clothes` 與種子 1、2 也一樣），縮短的版本等一下現場跑：
"""

# %%
study = cnn_study.load_study()


def recorded(part, name, key="test"):
    """預先測得的一個數字，三個種子。"""
    runs = study[part].values()
    return np.array([run_of["results"][name][key] for run_of in runs])


ladders = {p: {n: recorded(p, n) for n in cnn_study.RUNGS} for p in cnn_study.LADDERS}
SIMPLE, MEDIUM, STRONG, BOSS = cnn_study.RUNGS
PART_NAMES = {"digits": "手寫數字", "clothes": "衣物"}
figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), sharey=True)
for ax, (part, title) in zip(
    axes, [("digits", "手寫數字（MNIST）"), ("clothes", "衣物（FashionMNIST）")]
):
    plotting.bar_chart(
        {name: 100 * values.mean() for name, values in ladders[part].items()},
        errors=[100 * values.std() for values in ladders[part].values()],
        title=title, ylabel="測試正確率（%）", highlight=BOSS, horizontal=True, fmt="{:.1f}", ax=ax,
    )  # fmt: skip
axes[1].yaxis.set_inverted(True)
figure.suptitle("每類 10 張標註，同一個 LeNet（預先測得，三個種子的平均與標準差）")
plotting.show(
    figure,
    alt="兩張橫條圖，四階的測試正確率。"
    + "".join(
        f"{PART_NAMES[part]}：{'；'.join(f'{n} {100 * v.mean():.1f}%' for n, v in rungs.items())}。"
        for part, rungs in ladders.items()
    ),
)
for part in cnn_study.PARTS:
    minutes = sum(r["seconds"] for r in study[part].values()) / 60
    print(
        f"預先測得｜{part}：{len(study[part])} 個種子，共 {minutes:.0f} 分鐘（{study['recorded']}）"
    )

# %% [markdown]
r"""
## 直覺

### 一小塊、一小塊地看

要找一條直的邊，不必看整張影像：左邊暗、右邊亮的一小塊就是。把 3×3 的權重（卷積核，kernel）放在影像的某一小塊上，逐項相乘再加起來，數字越大就越像。然後把同一組權重移到下一塊，再算一次。
"""

# %%
digits = datasets.mnist()
seven = digits.test_images[0].float() / 255
vertical_edge = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
strongest = int(F.conv2d(seven[None, None], vertical_edge[None, None]).argmax())
plotting.show(
    cnn_pictures.sliding_picture(seven, vertical_edge, strongest // 26, strongest % 26),
    alt="左起：手寫的 7，框出筆畫左緣的一小塊；那一小塊的 9 個數，左暗右亮；卷積核，左欄負、右欄正；輸出圖，筆畫的左緣是紅（正），右緣是藍（負）。",
)

# %% [markdown]
r"""
這樣做得到三樣好處：

- **參數少**：不管影像多大，一個卷積核就是 9 個數。
- **看過一次就到處都會**：在左上角學到的邊，在右下角也認得。
- **鄰近的像素一起看**：影像裡有意義的東西，本來就由鄰近的像素組成。

全連接層沒有這些假設。它的每一個權重只管一個位置，7 往右移兩格就要重學。
"""

# %%
side = 28
dense = (side * side) * (8 * side * side)
print(f"28×28 的影像 → 8 張 28×28 的圖：全連接要 {dense:,} 個權重，3×3 卷積要 {8 * 9} 個")

# %% [markdown]
r"""
## 原理

記號：一批 $N$ 張影像 $x\in\mathbb{R}^{N\times C\times H\times W}$，$C$ 是通道數（灰階 1，彩色 3，之後是特徵的張數）。

### 卷積

卷積核 $w\in\mathbb{R}^{O\times C\times K\times K}$，偏差 $b\in\mathbb{R}^{O}$，步幅（stride）$s$，四周補 $p$ 圈 0（padding）。輸出的第 $o$ 張、第 $(i,j)$ 格是

$$y_{n,o,i,j}=b_o+\sum_{c=1}^{C}\sum_{u=0}^{K-1}\sum_{v=0}^{K-1} w_{o,c,u,v}\;\tilde x_{n,c,\,si+u,\,sj+v},$$

$\tilde x$ 是補完邊的輸入。數學上的卷積會把核翻轉，這裡不翻，嚴格說叫互相關（cross-correlation）；核是學來的，翻不翻沒有差別。

- **輸出多大**：補完邊長 $H+2p$，核佔 $K$，剩下的每 $s$ 格停一次：$\lfloor (H+2p-K)/s\rfloor+1$。
- **分組**（groups）：通道分成 $G$ 組，各組互不往來，參數變成 $1/G$。$G=C$ 時每個通道各看各的，叫**深度卷積**（depthwise）。
- **成本**：參數 $OCK^2+O$；每一格輸出要 $CK^2$ 次乘加，共 $OH'W'\cdot CK^2$ 次。

### 卷積就是矩陣相乘

把每個視窗攤平成一欄，疊成矩陣 $X\in\mathbb{R}^{CK^2\times L}$（$L=H'W'$ 個位置），核攤平成 $W\in\mathbb{R}^{O\times CK^2}$，那麼 $Y=WX$。這一步叫 im2col。梯度照矩陣的規則走：令 $\delta=\partial\mathcal L/\partial Y$，

1. $\partial\mathcal L/\partial W=\delta X^\top$：每個視窗按它的梯度加權，再加總；
2. $\partial\mathcal L/\partial X=W^\top\delta$；
3. 同一個像素出現在好幾個視窗裡，所以 $\partial\mathcal L/\partial x$ 是把 $\partial\mathcal L/\partial X$ 的每一格**放回原位、重疊的相加**（col2im）。

### 感受野

一格輸出受多大一塊輸入影響，叫感受野（receptive field）。第 $\ell$ 層之後，感受野 $r_\ell$、相鄰兩格差 $j_\ell$ 個輸入像素：

$$r_\ell=r_{\ell-1}+(K_\ell-1)\,j_{\ell-1},\qquad j_\ell=j_{\ell-1}\,s_\ell,\qquad r_0=j_0=1.$$

兩層 3×3 看到 5×5，參數是 $2\cdot 9C^2=18C^2$，比一層 5×5 的 $25C^2$ 少，還多一次非線性。這就是 VGG（arXiv:1409.1556）的主張。

### 平移等變

令 $T_d$ 是往右移 $d$ 格。stride 1、不管邊緣時，卷積滿足 $f(T_dx)=T_df(x)$：先移再做，等於先做再移，叫**等變**（equivariance）。stride $s$ 只對 $s$ 的倍數成立。最後的全域平均池化把位置整個丟掉，答案才**不隨平移改變**（不變，invariance）。旋轉與縮放沒有這種保證，要靠資料增強來學。

### 捷徑

網路越深，梯度要穿過越多層。殘差區塊（arXiv:1512.03385）把輸出寫成 $y=x+f(x)$，於是

$$\frac{\partial\mathcal L}{\partial x}=\frac{\partial\mathcal L}{\partial y}\Big(I+\frac{\partial f}{\partial x}\Big).$$

$I$ 是捷徑：不管 $f$ 學成什麼樣子，梯度都有一條路直接回去。（實際的區塊相加之後還有一個 ReLU，等於再乘上 0 或 1。）

### 深度可分離卷積

普通卷積一次做兩件事：看鄰居、混通道。拆成兩步（arXiv:1704.04861）：每個通道各看各的 $K\times K$，再用 1×1 混合。乘加次數變成原本的

$$\frac{CK^2+OC}{OCK^2}=\frac1O+\frac1{K^2}.$$

### 標籤太少：pseudo-label 與 FixMatch

標註 $(x,y)$ 很少，未標註 $u$ 很多。讓模型先猜：$q=p(\cdot\mid \alpha(u))$，猜 $\hat y=\arg\max q$，只在把握 $\max q\ge\tau$ 時當真。損失是

$$\mathcal L=\underbrace{-\ln p(y\mid\alpha(x))}_{\text{標註}}+\frac1{|U|}\sum_u[\max q\ge\tau]\big(-\ln p(\hat y\mid\beta(u))\big).$$

$p(\cdot\mid x)$ 是模型給 $x$ 的各類機率；$\alpha$、$\beta$ 是猜的時候與練的時候用的增強；方括號裡成立就是 1，不成立就是 0。

- **pseudo-label**：猜的時候看原圖，練的時候看弱增強的圖，兩者幾乎一樣：猜對的多半早就會了，能多學的有限；猜錯的也被當真。
- **FixMatch**（arXiv:2001.07685）：猜的時候看**弱**增強 $\alpha$，練的時候看**強**增強 $\beta$。弱的看得清楚，猜得準；強的看不清楚，所以即使猜對了，還是有東西可學。

把握高不等於各類平均：模型會偏愛好認的類別，越猜越偏。知道各類一樣多的話，就把 $q$ 除以模型近來平均給每一類的機率，再正規化（distribution alignment，arXiv:1911.09785），才取把握。

### 遷移

ImageNet 有一百多萬張、1,000 類。練好的網路，前面幾層認邊與紋理，中間認零件，這些在別的照片上也用得到。新問題只有一百多張時，凍結整個網路、只練最後的線性分類器，要學的參數就少得多。
"""

# %% [markdown]
r"""
## 從零實作

### 第一塊：三種寫法的卷積

先照定義寫。三層迴圈：輸出的哪一張、哪一列、哪一行。
"""

# %%
from dlbook.computer_vision.convolution import output_size, check_shapes, conv2d_loops  # inline

# %%
x = torch.arange(16.0).reshape(1, 1, 4, 4)
print(conv2d_loops(x, torch.ones(1, 1, 3, 3))[0, 0].tolist(), "← 3×3 全是 1：九格的總和")
print("28 的影像，5×5、stride 2、補 2：", output_size(28, 5, stride=2, padding=2))

# %% [markdown]
r"""
再寫成矩陣相乘。`unfold` 只改步幅，不搬資料，就得到所有的視窗。
"""

# %%
from dlbook.computer_vision.convolution import im2col, conv2d_im2col  # inline

# %%
plotting.show(
    cnn_pictures.im2col_picture(im2col(x, (3, 3))[0], 4, 3),
    alt="左邊是 4×4 的輸入，編號 0 到 15，兩個 3×3 的視窗用橘框與紫紅框標出；右邊是 9×4 的矩陣，第一欄與第四欄正是這兩個視窗攤平的結果，中間的編號在好幾欄重複出現。",
)

# %% [markdown]
r"""
梯度照〈原理〉的三步：
"""

# %%
from dlbook.computer_vision.convolution import col2im, conv2d_gradients  # inline

# %% [markdown]
r"""
第三種寫法就是 `F.conv2d`。**對答案**：各種 stride、padding、groups，前向與梯度一起比。
"""

# %%
torch.manual_seed(run.seed)
largest = by_hand = 0.0
for kernel, stride, padding, groups in [(3, 1, 1, 1), (3, 2, 1, 2), (5, 2, 2, 4), (1, 1, 0, 1), (2, 3, 1, 2)]:  # fmt: skip
    x = torch.randn(2, 4, 9, 10, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(8, 4 // groups, kernel, kernel, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(8, dtype=torch.float64, requires_grad=True)
    theirs = F.conv2d(x, weight, bias, stride, padding, groups=groups)
    grad = torch.randn_like(theirs)
    right = torch.autograd.grad(theirs, (x, weight, bias), grad)
    for ours in (conv2d_loops, conv2d_im2col):
        y = ours(x, weight, bias, stride, padding, groups)
        found = torch.autograd.grad(y, (x, weight, bias), grad)
        pairs = [(y.detach(), theirs.detach()), *zip(found, right)]
        largest = max(largest, *(float((a - b).abs().max()) for a, b in pairs))
    if groups == 1:
        found = conv2d_gradients(x.detach(), weight.detach(), grad, stride, padding)
        by_hand = max(by_hand, *(float((a - b).abs().max()) for a, b in zip(found, right)))
run.claim(
    "卷積的迴圈與 im2col：輸出與梯度和 F.conv2d 的最大差",
    largest,
    at_most=1e-10,
    level="parity",
    source="F.conv2d，float64；五組 kernel、stride、padding、groups",
)
run.claim(
    "手推的卷積梯度與 autograd 的最大差",
    by_hand,
    at_most=1e-10,
    level="parity",
    source="torch.autograd，float64",
)

# %% [markdown]
r"""
三種寫法差多少時間？同一批影像：
"""

# %%
with torch.no_grad():
    x, weight = torch.randn(8, 8, 14, 14), torch.randn(16, 8, 3, 3)
    loops_vs_im2col = measure.paired_times(
        lambda: conv2d_loops(x, weight, padding=1), lambda: conv2d_im2col(x, weight, padding=1)
    )
    x, weight = torch.randn(32, 32, 28, 28), torch.randn(32, 32, 3, 3)
    im2col_vs_torch = measure.paired_times(
        lambda: conv2d_im2col(x, weight, padding=1), lambda: F.conv2d(x, weight, padding=1)
    )
print(f"im2col 的時間是 F.conv2d 的 {im2col_vs_torch.ratio:.1f} 倍（32 張 32×28×28）")
run.claim(
    "im2col 比三層迴圈快幾倍",
    loops_vs_im2col.ratio,
    at_least=20.0,
    level="cost",
    source="同一次執行交替量測 5 對，取中位數",
)
columns_bytes = im2col(x, (3, 3), padding=1).numel() / x.numel()
print(f"代價是記憶體：im2col 的矩陣是輸入的 {columns_bytes:.0f} 倍大")

# %% [markdown]
r"""
迴圈版要跑幾千次很小的運算，每一次都要付 Python 的固定成本；im2col 換成一次大的矩陣相乘。`F.conv2d` 更進一步：一小塊一小塊地算，不必真的存下整個展開的矩陣。以下都用 `nn.Conv2d`。

### 第二塊：池化與感受野

池化（pooling）把一小塊縮成一個數：取最大值（「這一帶有沒有」）或平均。它沒有參數；圖變小，後面的層一格就看得更廣。
"""

# %%
from dlbook.computer_vision.pooling import (
    pool_windows,
    max_pool2d,
    avg_pool2d,
    receptive_field,
    influence,
)  # inline

# %%
x = torch.arange(16.0).reshape(1, 1, 4, 4)
print(
    "2×2 的最大池化：", max_pool2d(x, 2)[0, 0].tolist(), "，平均：", avg_pool2d(x, 2)[0, 0].tolist()
)
print(
    "3×3、2×2 池化、3×3 之後的（感受野, 相鄰差幾格）：", receptive_field([(3, 1), (2, 2), (3, 1)])
)

# %% [markdown]
r"""
### 第三塊：卷積的 BatchNorm

全連接層的 BatchNorm 沿著批次算平均；卷積的同一個通道在每個位置用同一組權重，所以高與寬也一起算進去。
"""

# %%
from dlbook.computer_vision.batch_norm import BatchNorm2d  # inline

# %%
torch.manual_seed(run.seed)
x = torch.randn(4, 3, 8, 8, dtype=torch.float64, requires_grad=True)
theirs = F.max_pool2d(x, 3, 2, 1)
grad = torch.randn_like(theirs)
pooled = max_pool2d(x, 3, 2, 1)
pool_pairs = [(pooled, theirs), [torch.autograd.grad(y, x, grad)[0] for y in (pooled, theirs)]]
ours_norm, torch_norm = BatchNorm2d(3).double(), nn.BatchNorm2d(3).double()
norm_pairs = []
for _ in range(3):  # 三步：輸出、梯度，累積的統計量
    x = (3 * torch.randn(4, 3, 8, 8, dtype=torch.float64) + 1).requires_grad_()
    grad = torch.randn_like(x)
    outputs = ours_norm(x), torch_norm(x)
    norm_pairs += [outputs, [torch.autograd.grad(y, x, grad)[0] for y in outputs]]
norm_pairs += [(ours_norm.running_mean, torch_norm.running_mean)]
norm_pairs += [(ours_norm.running_var, torch_norm.running_var)]
norm_pairs += [(ours_norm.eval()(x), torch_norm.eval()(x))]
run.claim(
    "最大池化與 BatchNorm2d：輸出、梯度、統計量和 PyTorch 的最大差",
    max(float((a - b).detach().abs().max()) for a, b in pool_pairs + norm_pairs),
    at_most=1e-10,
    level="parity",
    source="F.max_pool2d、nn.BatchNorm2d，float64，訓練三步再評估",
)

# %% [markdown]
r"""
### 第四塊：四代網路，與一個很小的數字網路

LeNet 是「卷積、池化」兩輪再接全連接；VGG 只疊 3×3；ResNet 的每個區塊加上捷徑；最後一代把 3×3 卷積拆成深度可分離。後三代都用全域平均池化代替攤平。
"""

# %%
from dlbook.computer_vision.cnn_models import (
    lenet,
    conv_bn_relu,
    average_and_classify,
    vgg,
)  # inline

# %%
from dlbook.computer_vision.cnn_models import ResidualBlock, resnet  # inline

# %%
from dlbook.computer_vision.cnn_models import separable, depthwise_net, digit_cnn  # inline

# %%
from dlbook.computer_vision.complexity import count_parameters, count_macs, channels_last  # inline

# %%
plain_block, cheap_block = conv_bn_relu(64, 128), separable(64, 128)
shape = (64, 14, 14)
ratio = count_macs(cheap_block, shape) / count_macs(plain_block, shape)
print(
    f"64 → 128 通道：深度可分離的乘加是普通卷積的 {ratio:.3f}，公式 1/128 + 1/9 = {1 / 128 + 1 / 9:.3f}"
)
run.claim(
    "同樣 64 → 128 通道，深度可分離卷積的乘加是普通卷積的幾成",
    ratio,
    at_most=0.12,
    level="cost",
    source="arXiv:1704.04861 的 1/O + 1/K²；用前向掛勾數出來",
)

# %% [markdown]
r"""
`digit_cnn` 是給 MNIST 用的，事先訓練好（**預先測得**）。先確認真的是這段程式練出來的，再拿它來看感受野與等變。
"""

# %%
digit_net, digit_record = cnn_study.load_pretrained("digits")
print(
    f"{digit_record['command']}：{digit_record['parameters']:,} 個參數，{digit_record['epochs']} 個 epoch，{digit_record['seconds']:.0f} 秒"
)

# %%
from dlbook.computer_vision.fashion import (
    ImageData,
    as_images,
    fashion_data,
    digit_images,
    ViewLoader,
    train_images,
    class_scores,
    accuracy,
)  # inline

# %%
digit_data = digit_images()
_, again = cnn_study.train_pretrained("digits", 0, only=20)
run.claim(
    "數字網路：現場重練，前 20 步的損失與紀錄的最大差",
    np.abs(np.subtract(again.step_loss, digit_record["first_steps"])).max(),
    at_most=1e-2,
    level="parity",
    source="同樣的種子與程式；不同機器的捨入誤差會逐步放大，所以只比開頭",
)
digit_scores = class_scores(digit_net, digit_data.test_x)
run.claim(
    f"{count_parameters(digit_net):,} 個參數的卷積網路，MNIST 測試正確率",
    accuracy(digit_scores, digit_data.test_y),
    at_least=0.985,
    level="medium",
    source="課綱要求 30,000 個參數以內 98.5%；LeCun 1998 的 LeNet-5 是 99.05%",
)

# %%
steps = [("第 1 層", 1), ("第 1 次池化", 3), ("第 3 層", 4), ("第 2 次池化", 6), ("第 5 層", 7)]
geometry = [(3, 1), (3, 1), (2, 2), (3, 1), (3, 1), (2, 2), (3, 1)]
paddings = [1, 1, 0, 1, 1, 0, 1]


def field_box(depth):
    """前 ``depth`` 層之後，正中央那一格的感受野：（第一個像素, 邊長），橫直相同。"""
    jumps = [1, *(jump for _, jump in receptive_field(geometry))]
    outside = sum(p * jump for p, jump in zip(paddings[:depth], jumps))  # 補邊往外推了多少
    return 28 // jumps[depth] // 2 * jumps[depth] - outside, receptive_field(geometry)[depth - 1][0]


boxes = [field_box(depth) for _, depth in steps]
sample = digit_data.test_x[:200]
maps = {name: influence(digit_net[:depth], sample) for name, depth in steps}
plotting.show(
    cnn_pictures.fields_picture(
        maps, boxes, "正中央那一格，受哪些像素影響（梯度大小，200 張平均；方框是公式算的）"
    ),
    alt="五張圖，一層比一層大的亮斑："
    + "、".join(f"{n} {size}×{size}" for (n, _), (_, size) in zip(steps, boxes))
    + "。亮斑剛好填滿方框；越深的層，框裡中間亮、邊緣暗。",
)
touched = [(m > 0).any(dim=0).nonzero() for m in maps.values()]
measured = [(int(t.min()), int(t.max() - t.min()) + 1) for t in touched]
run.claim(
    "感受野：公式與用梯度量出來的，位置與邊長最多差幾個像素",
    np.abs(np.subtract(boxes, measured)).max(),
    near=(0, 0),
    level="parity",
    source="公式是 r ← r + (K − 1)·j；梯度不是 0 的像素就是看得到的像素",
)
start, size = boxes[-1]
middle = slice(start + size // 4, start + size // 4 + size // 2)
run.claim(
    "第 5 層的感受野，中央四分之一的面積佔了梯度的幾成",
    maps["第 5 層"][middle, middle].sum() / maps["第 5 層"].sum(),
    at_least=0.4,
    level="simple",
    source="平均分布的話是 0.25；有效的感受野，arXiv:1701.04128",
)

# %% [markdown]
r"""
方框是公式算的，亮的地方是量的，位置與邊長都一致。但框裡不是一樣亮：中間的像素有很多條路通到輸出，角落的只有一條。**有效**的感受野比公式小。

### 第五塊：平移等變，量量看
"""

# %%
from dlbook.computer_vision.equivariance import shift_gap  # inline

# %%
wide = F.pad(digit_data.test_x[:60], [20] * 4)  # 四周留空，平移時不會碰到邊
first_conv, whole = digit_net[0], digit_net[:7]
shifts = list(range(9))
with torch.no_grad():
    gaps = {
        "第 1 層（stride 1）": [shift_gap(first_conv, wide, d, 1, 12) for d in shifts],
        "到第 1 次池化（stride 2）": [shift_gap(digit_net[:3], wide, d, 2, 7) for d in shifts],
        "到第 5 層（stride 4）": [shift_gap(whole, wide, d, 4, 4) for d in shifts],
    }
    # 平均池化之後：用原本 28×28 的影像，移到邊上的像素就切掉
    moved = [F.pad(digit_data.test_x[:1_000], [d, 0, 0, 0])[..., :28] for d in range(5)]
    pooled = [whole(x).mean(dim=(2, 3)) for x in moved]
    gaps["全域平均池化之後（28×28）"] = [
        float((z - pooled[0]).norm() / pooled[0].norm()) for z in pooled
    ]
    answers = [digit_net(x).argmax(dim=1) for x in moved]
    framed = F.pad(digit_data.test_x[:1_000], [12] * 4)
    in_frame = accuracy(class_scores(digit_net, framed), digit_data.test_y[:1_000])
same_answer = [float((answer == answers[0]).double().mean()) for answer in answers]
figure = plotting.line_chart(
    {name: (range(len(values)), values) for name, values in gaps.items()},
    title="輸入往右移 d 格：先移再算，與先算再移，差多少",
    xlabel="平移 d（像素）",
    ylabel="相對差",
    markers=True,
)
figure.axes[0].set_ylim(top=0.62)
figure.axes[0].legend(ncols=2, loc="upper center")
plotting.show(
    figure,
    alt="四條線：第 1 層永遠是 0；到第 1 次池化，移偶數格是 0，奇數格大；到第 5 層，只有 4 的倍數是 0；全域平均池化之後，移 1 到 4 格都只差一點點，但不是 0。",
)
print("移 0 到 4 格，答案不變的比例：", np.round(same_answer, 3).tolist())
print(f"四周各補 12 格黑邊（52×52），正確率剩 {in_frame:.3f}")
run.claim(
    "第 1 層（stride 1）平移 1 格：先移再算與先算再移的相對差",
    gaps["第 1 層（stride 1）"][1],
    at_most=1e-5,
    level="parity",
    source="等變的定義；四周留空，不受補邊影響",
)
run.claim(
    "兩次池化（stride 4）：移 1 格的相對差比移 4 格大多少",
    gaps["到第 5 層（stride 4）"][1] - gaps["到第 5 層（stride 4）"][4],
    at_least=0.2,
    level="simple",
    source="arXiv:1904.11486：下取樣只保留 stride 的倍數",
)
run.claim(
    "全域平均池化之後：移 1 格，答案不變的比例",
    same_answer[1],
    at_least=0.98,
    level="simple",
    source="MNIST 測試集的前 1,000 張；不變，但不是百分之百",
)
run.claim(
    "四周補 12 格黑邊，正確率掉了多少",
    accuracy(digit_scores[:1_000], digit_data.test_y[:1_000]) - in_frame,
    at_least=0.3,
    level="simple",
    source="同樣的 1,000 張；平均池化把背景也平均進來",
)

# %% [markdown]
r"""
卷積等變，下取樣只剩倍數等變。全域平均池化把「在哪裡」丟掉，所以答案幾乎不變；前面有下取樣、邊緣又補了 0，特徵還是變了一些（訓練時的小幅平移也幫了忙）。

平均池化什麼大小的影像都吃得下，卻不表示都認得：四周補上黑邊，數字一樣大，正確率卻垮了，因為背景也一起平均進去，而訓練時沒見過這麼多背景。旋轉呢？
"""

# %%
from dlbook.computer_vision.affine import (
    affine_matrix,
    sample_bilinear,
    warp,
    random_affine,
)  # inline

# %%
torch.manual_seed(run.seed)
x = torch.randn(6, 2, 9, 11, dtype=torch.float64)
theta = torch.randn(6, 2, 3, dtype=torch.float64)
reference = F.grid_sample(
    x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False
)
run.claim(
    "仿射變換與 F.affine_grid 接 F.grid_sample 的最大差",
    (warp(x, theta) - reference).abs().max(),
    at_most=1e-10,
    level="parity",
    source="torch，float64；六個隨機矩陣",
)
angles = list(range(-90, 91, 15))
turned_accuracy = []
for angle in angles:
    n = torch.zeros(1_000)
    turned = warp(digit_data.test_x[:1_000], affine_matrix(n + angle, n + 1, n, n, n))
    turned_accuracy.append(accuracy(class_scores(digit_net, turned), digit_data.test_y[:1_000]))
plotting.show(
    plotting.line_chart(
        {"數字網路": (angles, 100 * np.array(turned_accuracy))},
        title="把測試的數字轉一個角度",
        xlabel="逆時針幾度",
        ylabel="正確率（%）",
        markers=True,
    ),
    alt="中間高、兩側低的曲線："
    + "、".join(f"{a} 度 {t:.0%}" for a, t in zip(angles, turned_accuracy) if a % 30 == 0)
    + "。",
)
run.claim(
    "順時針或逆時針轉 90 度，正確率至少掉了多少",
    turned_accuracy[angles.index(0)] - max(turned_accuracy[0], turned_accuracy[-1]),
    at_least=0.5,
    level="simple",
    source="MNIST 測試集的前 1,000 張；同一個模型，只轉影像",
)

# %% [markdown]
r"""
訓練時的增強轉到 ±10 度，模型在這附近很穩，再遠就不行了：卷積對旋轉沒有等變的保證。（何況有些數字轉了就是別的數字：6 與 9。）

### 第六塊：資料增強

mixup 在〈訓練的技術〉寫過；這裡加上影像專用的：cutout 挖掉一塊；CutMix 貼上另一張的一塊，標籤按面積混合；RandAugment 每張隨機抽兩種操作。測試時也可以增強（TTA）：原圖與鏡像各猜一次，再平均。
"""

# %%
from dlbook.computer_vision.augmentation import (
    Images,
    random_flip,
    random_crop,
    weak_augment,
    random_box,
    cutout,
    cutmix,
)  # inline

# %%
from dlbook.computer_vision.augmentation import (
    _signed,
    _geometric,
    brightness,
    contrast,
    posterize,
    blur,
    OPERATIONS,
    rand_augment,
    strong_augment,
    predict_tta,
)  # inline

# %%
data = fashion_data()
lesson.seed_everything(run.seed)
coat, others = data.train_x[:8], data.train_x[8:16]
views = {
    "原圖": coat,
    "翻轉＋裁切（弱）": weak_augment(coat),
    "仿射": random_affine(coat),
    "cutout": cutout(coat),
    "mixup": mixup(torch.cat([coat, others]), one_hot(data.train_y[:16]), 1.0)[0][:8],
    "CutMix": cutmix(torch.cat([coat, others]), one_hot(data.train_y[:16]))[0][:8],
    "RandAugment": rand_augment(coat),
    "強增強": strong_augment(coat),
}
figure, axes = plt.subplots(len(views), 6, figsize=(5.6, 6.2))
for row, (name, pictures) in zip(axes, views.items()):
    for ax, picture in zip(row, pictures):
        ax.imshow(picture[0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
    row[0].set_ylabel(name, rotation=0, ha="right", va="center")
figure.suptitle("同樣六張影像，每一種增強各一次")
plotting.show(
    figure,
    alt="八列六欄的衣物：原圖；左右翻轉與平移；轉幾度；挖掉一塊灰；兩張疊影；貼上另一張的一塊；亮度、傾斜、模糊等隨機組合；強增強是以上再挖一塊，人還認得出是什麼，但要多看一眼。",
)

# %% [markdown]
r"""
### 第七塊：少量標註的訓練

pseudo-label 與 FixMatch 是同一個迴圈，只差「猜的時候看什麼、練的時候看什麼」，就是 `unlabelled_views` 那幾行。
"""

# %%
from dlbook.computer_vision.semi_supervised import (
    View,
    choose_labelled,
    confident_guesses,
    consistency_loss,
    SemiHistory,
    unlabelled_views,
    draw,
    train_semi,
)  # inline

# %%
guess, sure = confident_guesses(torch.tensor([[4.0, 0.0, 0.0], [0.3, 0.0, 0.0]]), 0.9)
print("兩張未標註影像，猜", guess.tolist(), "，夠把握：", sure.tolist())
usual = torch.tensor([0.9, 0.05, 0.05])
guess, sure = confident_guesses(torch.tensor([[0.3, 0.0, 0.0]]), 0.9, usual)
print("模型近來九成都猜第 0 類，那麼第二張改猜", guess.tolist())

# %% [markdown]
r"""
### 第八塊：MobileNetV2

深度可分離卷積再加捷徑。普通的殘差區塊是「寬 → 窄 → 寬」，它反過來：「窄 → 寬 → 窄」，捷徑接在窄的地方，所以叫**反轉**的殘差。
"""

# %%
from dlbook.computer_vision.mobilenet_v2 import (
    STAGES,
    conv_bn_relu6,
    InvertedResidual,
    MobileNetV2,
    normalize_pixels,
)  # inline

# %% [markdown]
r"""
**對答案**：同一組權重搬進 transformers 的 MobileNetV2，比較 1,000 個分數與對輸入的梯度。
"""

# %%
from dlbook.computer_vision.mobilenet_reference import reference_mobilenet

mine = MobileNetV2().eval()
mine.load_state_dict(mobilenet.state_dict())
other = reference_mobilenet(mobilenet)
x = prepare_photo(photos["coffee"].image, photo_config)
a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
ours, theirs = mine(a), other(pixel_values=b).logits
gradients = [
    torch.autograd.grad(z.logsumexp(dim=1).sum(), v)[0] for z, v in ((ours, a), (theirs, b))
]
run.claim(
    "MobileNetV2：1,000 個分數與 transformers 的最大差",
    (ours - theirs).detach().abs().max(),
    at_most=1e-4,
    level="parity",
    source="transformers 的 MobileNetV2ForImageClassification，同一組權重，float32",
)
run.claim(
    "MobileNetV2：對輸入的梯度與 transformers 的最大差（除以最大的梯度）",
    (gradients[0] - gradients[1]).abs().max() / gradients[1].abs().max(),
    at_most=1e-3,
    level="parity",
    source="同上",
)
known = {"coffee": "espresso", "chelsea": "Egyptian cat", "camera": "tripod", "china": "palace"}
hits = sum(known[n] in imagenet_names[int(photo_scores[n].argmax())] for n in known)
print(
    f"參數 {count_parameters(mine):,}，一張 224×224 要 {count_macs(mine, (3, 224, 224)) / 1e6:.0f} M 次乘加"
)
run.claim(
    "四張有對應類別的照片，MobileNetV2 答對幾張",
    hits,
    at_least=4,
    level="simple",
    source="咖啡、貓、攝影師、宮殿；隨便猜答對一張的機率是千分之一",
)

# %% [markdown]
r"""
## 實驗

### 卷積的假設值多少

把每張影像的 784 個像素用**同一個**隨機順序打散。資訊一點都沒少，但鄰居不再是鄰居。同樣的資料、同樣的步數，卷積網路與全連接網路各練一次：
"""

# %%
order = torch.randperm(784, generator=torch.Generator().manual_seed(run.seed))


def scramble(x):
    """每張都用同一個順序打散像素。"""
    return x.flatten(1)[:, order].reshape(x.shape)


few = run.permuted_images
makers = {
    "卷積（digit_cnn）": digit_cnn,
    "全連接（128 格）": lambda: nn.Sequential(nn.Flatten(), MLP([784, 128, 10])),
}
scrambled = {}
for name, make in makers.items():
    for label, change in [("原圖", lambda x: x), ("打散像素", scramble)]:
        model, _ = train_images(
            make, change(digit_data.train_x[:few]), digit_data.train_y[:few],
            seed=run.seed, epochs=run.permuted_epochs, batch_size=64, device=run.device,
        )  # fmt: skip
        scores = class_scores(model, change(digit_data.valid_x))
        scrambled[name, label] = accuracy(scores, digit_data.valid_y)
table = pd.Series(scrambled).unstack()[["原圖", "打散像素"]]
table["參數"] = [count_parameters(makers[name]()) for name in table.index]
display(table.round(4))
conv_drop, dense_drop = (table.loc[n, "原圖"] - table.loc[n, "打散像素"] for n in makers)
run.claim(
    "消融：打散像素讓卷積掉的，比讓全連接掉的多多少",
    conv_drop - dense_drop,
    at_least=0.05,
    level="medium",
    source="MNIST 驗證集；資訊沒有變少，變的只有「鄰居」",
)
run.claim(
    "同樣的訓練量，卷積用更少的參數，比全連接多對多少",
    table.loc["卷積（digit_cnn）", "原圖"] - table.loc["全連接（128 格）", "原圖"],
    at_least=0.005,
    level="simple",
    source="MNIST 驗證集，同樣的影像與步數",
)

# %% [markdown]
r"""
全連接根本不在乎像素怎麼排，打散之後一樣；卷積靠的就是鄰居，一打散就垮了。這個「靠鄰居」的假設（歸納偏置，inductive bias）就是卷積贏的原因，也是它的限制：表格資料的欄位左右相鄰沒有意義，卷積就沒有道理。

### 四代網路

FashionMNIST，18,000 張訓練、5 個 epoch、不做增強（**預先測得**，`python -m dlbook.computer_vision.cnn_study --part architectures --seed 0`，再跑 1 與 2）：
"""

# %%
rows = {}
for name, make in cnn_study.ARCHITECTURES.items():
    model = make()
    rows[name] = {
        "參數": count_parameters(model),
        "乘加（百萬）": count_macs(model, (1, 28, 28)) / 1e6,
        "有權重的層": sum(isinstance(m, nn.Conv2d | nn.Linear) for m in model.modules()),
        "測試正確率": recorded("architectures", name).mean(),
        "標準差": recorded("architectures", name).std(),
        "最後的訓練損失": np.mean(
            [losses[-1] for losses in recorded("architectures", name, "loss")]
        ),
    }
display(pd.DataFrame(rows).T.round(4).astype({"參數": int, "有權重的層": int}))
plotting.show(
    cnn_pictures.tradeoff_picture(
        {n: (r["乘加（百萬）"], 100 * r["測試正確率"], 100 * r["標準差"]) for n, r in rows.items()},
        "算得多不多、準不準（預先測得，三個種子的平均與標準差）",
        "一張影像的乘加（百萬次，對數刻度）",
        "測試正確率（%）",
    ),
    alt="橫軸乘加、縱軸正確率的散布圖："
    + "；".join(
        f"{n} {r['乘加（百萬）']:.1f} 百萬次，{100 * r['測試正確率']:.1f}%" for n, r in rows.items()
    )
    + "。",
)
deep, plain = rows["很深，有捷徑"], rows["很深，沒有捷徑"]
run.claim(
    "同樣很深，有捷徑比沒有捷徑多對多少（預先測得）",
    deep["測試正確率"] - plain["測試正確率"],
    at_least=0.02,
    level="strong",
    source="消融：只拿掉捷徑；arXiv:1512.03385",
)
run.claim(
    "深度可分離比 VGG 省了幾成乘加",
    1 - rows["深度可分離"]["乘加（百萬）"] / rows["VGG"]["乘加（百萬）"],
    at_least=0.6,
    level="cost",
    source="用前向掛勾數出來；正確率見上表",
)
run.claim(
    "深度可分離比 VGG 少對多少（預先測得，三個種子的平均）",
    rows["VGG"]["測試正確率"] - rows["深度可分離"]["測試正確率"],
    at_most=0.02,
    level="cost",
    source="省乘加的代價",
)

# %% [markdown]
r"""
換成 VGG，正確率一下子提高；淺的 ResNet 用不到一半的乘加就差不多準；深度可分離再省，代價是一點正確率。最醒目的是那兩個很深的：一樣深、乘加幾乎一樣，只差捷徑。

為什麼沒有捷徑就練不好？不是過度擬合：它的**訓練**損失就比較高。剛初始化時，拿六批資料各算一次梯度，看兩件事：各區塊的梯度多大；換一批資料，梯度的方向一不一致（餘弦相似度）：
"""


# %%
def block_gradients(shortcut, batches=6):
    """剛初始化：每個區塊第一個卷積的梯度，一批資料一列，攤平。"""
    torch.manual_seed(run.seed)
    model = resnet(blocks=4, shortcut=shortcut)
    first = [next(layer.parameters()) for layer in model if isinstance(layer, ResidualBlock)]
    found = []
    for part in torch.arange(128 * batches).split(128):
        loss = F.cross_entropy(model(data.train_x[part]), data.train_y[part])
        found.append(torch.autograd.grad(loss, first))
    return [torch.stack([g.flatten() for g in block]) for block in zip(*found)]


def agreement(gradients):
    """任兩批的梯度的餘弦相似度的平均：1 是同一個方向，0 是互不相干。"""
    unit = F.normalize(gradients, dim=1)
    count = len(unit)
    return float(((unit @ unit.T).sum() - count) / (count * (count - 1)))


flow, direction = {}, {}
for name, shortcut in {"有捷徑": True, "沒有捷徑": False}.items():
    gradients = block_gradients(shortcut)
    flow[name] = [float(g.square().mean().sqrt()) for g in gradients]
    direction[name] = [agreement(g) for g in gradients]
spread = {name: max(values) / min(values) for name, values in flow.items()}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
for ax, values, title, ylabel in [
    (axes[0], flow, "梯度多大", "梯度的均方根（對數刻度）"),
    (axes[1], direction, "換一批資料，方向一致嗎", "餘弦相似度（六批，兩兩平均）"),
]:
    plotting.line_chart(
        {name: (range(1, 13), v) for name, v in values.items()},
        title=title, xlabel="第幾個區塊（1 最靠近輸入）", ylabel=ylabel,
        logy=ax is axes[0], markers=True, ax=ax,
    )  # fmt: skip
figure.suptitle("剛初始化時，損失對每個區塊的權重的梯度")
plotting.show(
    figure,
    alt="左圖，縱軸取對數：最大的區塊是最小的幾倍，"
    + "、".join(f"{n} {v:.0f}" for n, v in spread.items())
    + "。右圖，餘弦相似度的平均："
    + "、".join(f"{n} {np.mean(v):.2f}" for n, v in direction.items())
    + "；沒有捷徑的除了最後幾個區塊都貼著 0，有捷徑的一路高於它。",
)
print("最大的區塊是最小的幾倍：", "、".join(f"{n} {v:.0f}" for n, v in spread.items()))
run.claim(
    "各區塊梯度的最大與最小之比，沒有捷徑是有捷徑的幾倍",
    spread["沒有捷徑"] / spread["有捷徑"],
    at_least=1.5,
    level="medium",
    source="同樣的初始化方法、同樣的資料，只差捷徑",
)
run.claim(
    "各批梯度的餘弦相似度（12 個區塊平均），有捷徑比沒有捷徑高多少",
    np.mean(direction["有捷徑"]) - np.mean(direction["沒有捷徑"]),
    at_least=0.05,
    level="medium",
    source="同上；破碎的梯度，arXiv:1702.08591",
)

# %% [markdown]
r"""
左：沒有捷徑，各區塊的梯度大小懸殊。不過 AdamW 會把每個權重的梯度除以它自己近來的大小，所以大小還不是最要緊的。

右：更麻煩的是方向。沒有捷徑時，換一批資料，前面的區塊的梯度就指向幾乎不相干的方向，像雜訊一樣，一步一步互相抵消；有捷徑，各批的梯度就有共同的方向可走。這叫破碎的梯度（shattered gradients）。

### 練到 91%

寬一點的 ResNet（30 萬個參數），加上翻轉與平移 1 像素，練 14 個 epoch。這一個也是事先練好的檢查點（種子 0）；現場重跑前 20 步，確認是同一段程式。
"""

# %%
if run.load_fashion:
    fashion_net, fashion_record = cnn_study.load_pretrained("fashion")
    print(
        f"{fashion_record['command']}：{fashion_record['parameters']:,} 個參數，{fashion_record['epochs']} 個 epoch，{fashion_record['seconds']:.0f} 秒"
    )
    _, again = cnn_study.train_pretrained("fashion", 0, only=20)
    gap = np.abs(np.subtract(again.step_loss, fashion_record["first_steps"])).max()
    run.claim(
        "FashionMNIST 的網路：現場重練，前 20 步的損失與紀錄的最大差",
        gap,
        at_most=1e-2,
        level="parity",
        source="同樣的種子與程式；不同機器的捨入誤差會逐步放大，所以只比開頭",
    )
else:
    fashion_net, _ = cnn_study.train_pretrained("fashion", run.seed, device=run.device)
    fashion_net = fashion_net.cpu()  # 以下的圖都在 CPU 上算
_, fashion_zero = cnn_study.load_pretrained("fashion")  # 種子 0 的紀錄；1 與 2 在研究裡
fashion_scores = class_scores(fashion_net, data.test_x)
three = {
    key: np.array([fashion_zero[key], *(r["results"][key] for r in study["fashion"].values())])
    for key in ("test", "test_tta")
}
print(
    f"三個種子（預先測得）：{three['test'].round(4).tolist()}，加 TTA {three['test_tta'].round(4).tolist()}"
)
run.claim(
    "FashionMNIST 測試正確率",
    accuracy(fashion_scores, data.test_y),
    at_least=0.91,
    level="strong",
    source="課綱要求 .91；人工標註約 .835、官方排行榜上兩層卷積的網路 .876–.916（用 60,000 張）",
)
run.claim(
    "FashionMNIST 測試正確率，三個種子裡最低的（預先測得）",
    three["test"].min(),
    at_least=0.91,
    level="strong",
    source="records/computer_vision/cnn_fundamentals-study.json",
)
run.claim(
    "測試時增強（原圖與鏡像平均）多對幾點（三個種子的平均）",
    100 * (three["test_tta"] - three["test"]).mean(),
    at_least=0.1,
    level="simple",
    source="同一個模型，只多算一次鏡像；代價是推論時間加倍",
)

# %% [markdown]
r"""
### 哪一種增強有用

資料少，差別才看得出來：只用 2,000 張、同一個 ResNet、25 個 epoch（**預先測得**，`--part augmentations`，三個種子）。
"""

# %%
gains = {name: 100 * recorded("augmentations", name) for name in cnn_study.AUGMENTATIONS}
NOTHING, LEFT_RIGHT, UPSIDE_DOWN, FLIP_CROP, *_ = gains
HARSH = [name for name in gains if name.endswith(("cutout", "CutMix", "RandAugment"))]
more = {name: values - gains[NOTHING] for name, values in gains.items() if name != NOTHING}
plotting.show(
    plotting.bar_chart(
        {name: values.mean() for name, values in more.items()},
        errors=[values.std() for values in more.values()],
        title=f"比「{NOTHING}」（{gains[NOTHING].mean():.1f}%）多幾點（預先測得，三個種子）",
        ylabel="測試正確率多幾點",
        horizontal=True,
        fmt="{:+.1f}",
    ),
    alt="橫條圖：" + "；".join(f"{n} {v.mean():+.1f} 點" for n, v in more.items()) + "。",
)
run.claim(
    "翻轉與裁切讓 2,000 張的測試正確率多幾點（預先測得）",
    (gains[FLIP_CROP] - gains[NOTHING]).mean(),
    at_least=2.0,
    level="medium",
    source="消融：同樣的網路、步數與種子",
)
run.claim(
    "再加 cutout、CutMix 或 RandAugment，最好的一種比只有翻轉與裁切多幾點（是少，預先測得）",
    max((gains[name] - gains[FLIP_CROP]).mean() for name in HARSH),
    at_most=-1.0,
    level="medium",
    source="同樣的網路、步數與種子",
)
flip_gap = gains[LEFT_RIGHT] - gains[UPSIDE_DOWN]
print(f"左右翻轉比上下翻轉多幾點，三個種子：{flip_gap.round(2).tolist()}")
run.claim(
    "左右翻轉比上下翻轉多幾點（看不出來，預先測得）",
    flip_gap.mean(),
    near=(0.0, 0.6),
    level="simple",
    source="三個種子的平均；各自的標準差也是幾分之一點",
)

# %% [markdown]
r"""
三件事：

- **溫和的增強最划算**：翻轉加上平移或小角度的仿射，不花一張標註，就多了兩三點。
- **越強不是越好**。cutout、CutMix、RandAugment 疊上去，都不如只有翻轉與裁切。一個可能的原因是練得太短：論文裡的網路大得多，也練得久得多，這裡只有 25 個 epoch。但同樣的強增強，等一下放進 FixMatch 卻有用：要放對地方。
- **假的變化也可能有一點用**。測試集裡的衣服不會倒著放，上下翻轉卻也比什麼都不做好，與左右翻轉的差距在雜訊之內。真正會出事的是**改變答案**的增強，見〈常見的坑〉。

### 每類 10 張標註：四階

網路從頭到尾都是 LeNet，每一階只換一樣東西：

- **simple**：只用 100 張標註；
- **medium**：加弱增強（衣物是翻轉與裁切，數字只裁切）；
- **strong**：加 pseudo-label，借用其餘沒有標註的影像；
- **boss**：改用 FixMatch。

超參數在驗證集上挑。驗證集有幾千張，比標註多得多；真的只有 100 張標註時沒有這種餘裕，所以這裡的數字是樂觀的。
"""

# %%
gain_rows = {}
for part, rungs in ladders.items():
    means = pd.Series({name: 100 * values.mean() for name, values in rungs.items()})
    part_name = PART_NAMES[part]
    gain_rows[part_name, "測試正確率（%）"] = means
    gain_rows[part_name, "標準差"] = pd.Series({n: 100 * v.std() for n, v in rungs.items()})
    gain_rows[part_name, "比前一階多（點）"] = means.diff()
    gain_rows[part_name, "最後夠把握的猜對（%）"] = pd.Series(
        {n: 100 * recorded(part, n, "right")[:, -1].mean() for n in (STRONG, BOSS)}
    )
display(pd.DataFrame(gain_rows).reindex(list(cnn_study.RUNGS)).round(1))
for part, source in {"digits": digit_data, "clothes": data}.items():
    (few_x, _), (rest, _) = cnn_study.few_labels(source, 0)
    print(f"{PART_NAMES[part]}：標註 {len(few_x):,} 張，沒有標註 {len(rest):,} 張")
plotting.show(
    cnn_pictures.guesses_picture(
        {"手寫數字": study["digits"]["0"]["results"], "衣物": study["clothes"]["0"]["results"]},
        [STRONG, BOSS],
        "未標註影像的假標籤：夠把握的有多少、其中猜對多少（種子 0，預先測得）",
    ),
    alt="兩格，橫軸是步數。數字：夠把握的比例升到九成以上，猜對的比例都很高，FixMatch 更高。衣物：pseudo-label 夠把握的比例升得多，猜對的比例卻一路下降；FixMatch 較少把握，猜對的比例較高。",
)
run.claim(
    "數字：FixMatch 比它所加上的（只用標註加弱增強）多幾點（預先測得，三個種子的平均）",
    100 * (ladders["digits"][BOSS] - ladders["digits"][MEDIUM]).mean(),
    at_least=7.0,
    level="boss",
    source="課綱要求 5 點；同樣的標註、網路與步數，只多了未標註的損失（arXiv:2001.07685）",
)
run.claim(
    "數字：FixMatch 比 pseudo-label 多幾點（預先測得，三個種子的平均）",
    100 * (ladders["digits"][BOSS] - ladders["digits"][STRONG]).mean(),
    at_least=2.0,
    level="boss",
    source="消融：同一個迴圈，只差猜與練時看的影像",
)
run.claim(
    "數字：pseudo-label 比只用標註多幾點（預先測得，三個種子的平均）",
    100 * (ladders["digits"][STRONG] - ladders["digits"][MEDIUM]).mean(),
    at_least=5.0,
    level="strong",
    source="同樣的標註、網路與步數",
)
run.claim(
    "數字：弱增強比什麼都不做多幾點（預先測得，三個種子的平均）",
    100 * (ladders["digits"][MEDIUM] - ladders["digits"][SIMPLE]).mean(),
    at_least=5.0,
    level="medium",
    source="同樣的標註、網路與步數；HW3 的 medium 也是增強與換網路：44.9% → 52.8%",
)
run.claim(
    "衣物：FixMatch 比只用標註加弱增強多幾點（預先測得，三個種子的平均）",
    100 * (ladders["clothes"][BOSS] - ladders["clothes"][MEDIUM]).mean(),
    at_least=3.0,
    level="strong",
    source="同上；為什麼比數字少，見內文",
)

run.claim(
    "衣物：弱增強比什麼都不做多幾點（看不出來，預先測得）",
    100 * (ladders["clothes"][MEDIUM] - ladders["clothes"][SIMPLE]).mean(),
    near=(0.0, 1.5),
    level="medium",
    source="三個種子的平均；種子之間的標準差就有一兩點",
)

# %% [markdown]
r"""
同樣的程式，FixMatch 在數字上補回了大半的錯，在衣物上只補回一小部分；衣物的弱增強甚至看不出效果。說得通的解釋是**類別之間有沒有空隙**。FixMatch 的假設是：長得像的影像同一類，類別之間有一段沒什麼影像的地帶，決策邊界該從那裡過。手寫數字大致如此；衣物的襯衫、外套、套頭衫連成一片（等一下的 t-SNE 看得到），邊界該畫在哪裡，100 張標註說不清楚，未標註的影像也幫不上多少忙，猜錯的標籤還會越學越真。

HW3（food-11）的三個門檻是 44.9%、52.8%、82.1%：換網路與增強先拿一點，最大的一步來自未標註的影像，加上更好的網路。

現場跑縮短的版本（數字），步數比紀錄少得多：
"""

# %%
labelled, unlabelled = cnn_study.few_labels(digit_data, run.seed)
live = {}
for name in (MEDIUM, BOSS):
    options = cnn_study.RUNGS[name] | {"steps": run.semi_steps}
    model, history = train_semi(
        lenet, labelled, unlabelled, **options, weak=random_crop, seed=run.seed,
        every=run.semi_steps, device=run.device,
        evaluate=lambda m: accuracy(class_scores(m, digit_data.valid_x), digit_data.valid_y),
    )  # fmt: skip
    live[name] = history
    print(
        f"{name}：{run.semi_steps} 步（紀錄是 {cnn_study.RUNGS[name]['steps']:,} 步），驗證正確率 {history.score[-1]:.4f}"
    )
print(f"夠把握的佔 {live[BOSS].sure[-1]:.0%}，其中猜對 {live[BOSS].right[-1]:.1%}")
run.claim(
    "現場縮短的 FixMatch，比同樣步數、只用標註的多幾點（驗證集）",
    100 * (live[BOSS].score[-1] - live[MEDIUM].score[-1]),
    at_least=1.0,
    level="strong",
    source="同樣的標註與步數；步數少，未標註的好處還沒完全出來",
)
run.claim(
    "現場縮短的 FixMatch，夠把握的未標註影像裡猜對的比例",
    live[BOSS].right[-1],
    at_least=0.9,
    level="medium",
    source="隨便猜是 .10；答案只用來量，不進損失",
)

# %% [markdown]
r"""
### 遷移學習：127 張照片、9 個類別

HW3 不准用預訓練模型，HW6 則要微調一個。這裡的照片去背圖共 215 張，九類。**按「東西」切**：同一種東西（例如四張牛羚）全在同一邊，否則網路只要記得牛羚長怎樣就好。先看看資料：
"""

# %%
cut = datasets.cutouts()
one_each = [int((cut.labels[cut.train] == k).nonzero()[0]) for k in range(9)]
plotting.show(
    cnn_pictures.photo_row(
        [cut.images[cut.train[i]] for i in one_each],
        CUTOUT_CLASSES,
        "九類各一張（訓練集）",
        columns=9,
    ),
    alt="九張白底的照片：" + "、".join(CUTOUT_CLASSES) + "各一張。",
)
print(
    f"訓練 {len(cut.train)} 張、測試 {len(cut.test)} 張；{len(cut.groups.unique())} 種東西，沒有一種跨兩邊"
)

# %%
from dlbook.computer_vision.transfer import (
    STRENGTHS,
    layer_features,
    raw_pixels,
    linear_probe,
    fit_probe,
    separability,
)  # inline

# %%
BLOCKS = (1, 3, 6, 10, 13, 16, 18)
features = layer_features(
    mobilenet.to(run.device), cut.images, photo_config, run.photo_size, BLOCKS
)
torch.manual_seed(run.seed)
untrained = MobileNetV2().to(run.device)
for module in untrained.modules():  # 沒練過的 BatchNorm 統計量是 0 與 1，先用資料量一次
    if isinstance(module, nn.BatchNorm2d):
        module.momentum = None
random_features = layer_features(untrained.train(), cut.images[cut.train], photo_config, 128)
untrained.eval()
random_features = layer_features(untrained, cut.images, photo_config, 128)
UNTRAINED, SAME_SIZE = "沒練過的網路，128 像素", "練過的網路，128 像素"

sources = {
    "原始像素 16×16": raw_pixels(cut.images, 16),
    UNTRAINED: random_features[18],
    SAME_SIZE: layer_features(mobilenet, cut.images, photo_config, 128)[18],
}
sources |= {f"第 {block} 個區塊": features[block] for block in BLOCKS}
train_y, test_y = cut.labels[cut.train], cut.labels[cut.test]
probes, transfer_rows = {}, {}
for name, feature in sources.items():
    probe, strength, valid = fit_probe(feature[cut.train], train_y, cut.groups[cut.train])
    probes[name] = probe
    transfer_rows[name] = {
        "維度": feature.shape[1], "挑到的 C": strength, "交叉驗證": valid,
        "測試": probe.score(feature[cut.test].numpy(), test_y.numpy()),
    }  # fmt: skip
transfer_table = pd.DataFrame(transfer_rows).T
display(transfer_table.round(3))

# %%
LAST = "第 18 個區塊"
plotting.show(
    plotting.bar_chart(
        {name: 100 * value for name, value in transfer_table["測試"].items()},
        title=f"同樣的線性分類器，換不同的特徵（測試集 {len(test_y)} 張）",
        ylabel="測試正確率（%）",
        horizontal=True,
        highlight=LAST,
        fmt="{:.0f}",
    ),
    alt="橫條圖："
    + "；".join(f"{n} {100 * v:.0f}%" for n, v in transfer_table["測試"].items())
    + "。第 1 到第 18 個區塊，越深越好。",
)
run.claim(
    "MobileNetV2 的特徵比原始像素多對幾點（同樣的線性分類器，測試集）",
    100 * (transfer_rows[LAST]["測試"] - transfer_rows["原始像素 16×16"]["測試"]),
    at_least=30.0,
    level="strong",
    source="課綱要求 30 點；按東西切，正則化的強度用訓練集的交叉驗證挑",
)
run.claim(
    "練過的 MobileNetV2 比沒練過的多對幾點",
    100 * (transfer_rows[SAME_SIZE]["測試"] - transfer_rows[UNTRAINED]["測試"]),
    at_least=25.0,
    level="medium",
    source="消融：同樣的架構、同樣 128 像素的影像，差別只在權重",
)
run.claim(
    "最後的特徵比第 1 個區塊的多對幾點",
    100 * (transfer_rows[LAST]["測試"] - transfer_rows["第 1 個區塊"]["測試"]),
    at_least=15.0,
    level="medium",
    source="越深的特徵越接近「是什麼東西」（arXiv:1411.1792）",
)

# %% [markdown]
r"""
同樣的線性分類器，差的只是吃進去的特徵。沒練過的 MobileNetV2 與練過的差了一大截，所以功勞屬於權重，不屬於架構。

再進一步：**微調**（fine-tuning）。2025F HW6 就是微調一個 ResNet。127 張照片撐不起 350 萬個參數，所以凍結前面，只練最後兩個區塊與分類層。前段的輸出不變，算一次存起來就好。
"""

# %%
from dlbook.computer_vision.finetune import START, head_outputs, Tail, finetune  # inline

# %%
from sklearn.model_selection import GroupKFold

head = head_outputs(mobilenet.cpu(), cut.images, photo_config, run.photo_size)
train_groups = cut.groups[cut.train].numpy()
folds = list(GroupKFold(3).split(train_groups, groups=train_groups))


def tuned_accuracy(kept, tested, **options):
    """用 ``kept`` 微調，在 ``tested`` 上量；兩者都是照片的位置。"""
    tail = finetune(
        mobilenet, head[kept], cut.labels[kept], seed=run.seed, epochs=run.tune_epochs, **options
    )
    return accuracy(class_scores(tail, head[tested]), cut.labels[tested])


tuned = {}
for name, options in {"只練分類層": {"train_features": False}, "微調最後兩個區塊": {}}.items():
    validated = [tuned_accuracy(cut.train[a], cut.train[b], **options) for a, b in folds]
    tuned[name] = {
        "三折交叉驗證": np.mean(validated),
        "測試": tuned_accuracy(cut.train, cut.test, **options),
    }
display(pd.DataFrame(tuned).T.round(3))
p = tuned["微調最後兩個區塊"]["測試"]
error = 100 * np.sqrt(p * (1 - p) / len(cut.test))
difference = pd.DataFrame(tuned).T.diff().iloc[-1] * 100
print(f"微調多幾點：交叉驗證 {difference['三折交叉驗證']:+.1f}，測試 {difference['測試']:+.1f}")
print(f"測試集只有 {len(cut.test)} 張，正確率的標準誤就有 {error:.1f} 點")
run.claim(
    "微調最後兩個區塊，訓練集的三折交叉驗證正確率（按東西切）",
    tuned["微調最後兩個區塊"]["三折交叉驗證"],
    at_least=0.7,
    level="medium",
    source=f"原始像素的交叉驗證是 {transfer_rows['原始像素 16×16']['交叉驗證']:.2f}；每折只有約 85 張可練",
)

# %% [markdown]
r"""
微調與凍結都遠勝原始像素，但**誰比較好，這裡分不出來**：交叉驗證與測試集給的差距不一樣大，換一個種子又變（改一下 `run.seed` 再跑就看得到），而測試集的標準誤就有幾點。資料這麼少的時候，先凍結、練線性分類器，又快又穩，當作起點；資料夠了再往前解凍，學習率要小。

## 看看哪裡錯

### 濾波器與特徵圖

數字網路第一層的 8 個核，與一個 7 走過的每一層：
"""

# %%
kernels = digit_net.state_dict()["0.0.weight"][:, 0]
plotting.show(
    plotting.image_grid(
        [*kernels.numpy()],
        titles=[f"核 {i}" for i in range(8)],
        title="數字網路第一層學到的 8 個 3×3 卷積核（紅正藍負）",
        columns=4,
        size=1.1,
        limit=float(kernels.abs().max()),
    ),
    alt="八個 3×3 的核：有的一側紅一側藍，像某個方向的邊緣；有的紅藍交錯，看不出規律。",
)
with torch.no_grad():
    seen = digit_data.test_x[:1]
    layers = {"第 1 層": digit_net[:1], "第 2 層": digit_net[:2], "第 3 層": digit_net[:4], "第 4 層": digit_net[:5], "第 5 層": digit_net[:7]}  # fmt: skip
    maps = {name: net(seen)[0] for name, net in layers.items()}
plotting.show(
    cnn_pictures.maps_picture(digit_data.test_x[0, 0], maps),
    alt="手寫的 7 在五層的特徵圖，每層八張：前兩層是不同方向的筆畫邊緣，之後越來越小、越來越粗，最後只剩「這一帶有沒有某種零件」的幾塊亮斑。",
)
with torch.no_grad():
    first_filters = mobilenet.state_dict()["features.0.0.weight"]
    low, high = (
        first_filters.amin(dim=(1, 2, 3), keepdim=True),
        first_filters.amax(dim=(1, 2, 3), keepdim=True),
    )
    scaled = ((first_filters - low) / (high - low).clamp_min(1e-6)).permute(0, 2, 3, 1).numpy()
plotting.show(
    plotting.image_grid(
        [*scaled], title="MobileNetV2 第一層的 32 個彩色核（各自拉到 0–1）", columns=16, size=0.6
    ),
    alt="32 個 3×3 的彩色核：許多是一側淺綠、一側深紫的明暗邊緣，也有整塊偏紅、偏綠、偏藍的。",
)

# %% [markdown]
r"""
3×3 的核太小，單看權重不容易說出它在找什麼；看特徵圖就清楚些：有的亮在筆畫的上緣，有的亮在左緣，有的把背景也點亮。MobileNetV2 的第一層則有明暗的邊緣，也有整塊偏一種顏色的。邊緣與顏色到哪種照片上都用得到，這是特徵能夠遷移的原因之一。

### 一層一層，類別怎麼分開

FashionMNIST 的網路，取三個地方的輸出，用 t-SNE 壓到二維：
"""

# %%
some, some_y = data.test_x[: run.tsne_images], data.test_y[: run.tsne_images]
with torch.no_grad():
    layer_outputs = {
        "原始像素": some.flatten(1),
        "第 1 個區塊之後": F.adaptive_avg_pool2d(fashion_net[:2](some), 4).flatten(1),
        "第 3 個區塊、平均池化之後": fashion_net[:4](some).mean(dim=(2, 3)),
    }
neighbours = {name: separability(z, some_y) for name, z in layer_outputs.items()}
panels = {
    f"{name}\n最近鄰同類 {neighbours[name]:.0%}": TSNE(
        perplexity=30, init="pca", random_state=run.seed, max_iter=500
    ).fit_transform(z.numpy())
    for name, z in layer_outputs.items()
}
plotting.show(
    cnn_pictures.scatter_picture(
        panels, some_y, FASHION_CLASSES, "同樣的影像，在三個地方（t-SNE）"
    ),
    alt="三張散布圖，十種顏色：原始像素時上衣類混成一團；越往後，長褲、包包、鞋子各自成團，上衣類（T 恤、套頭衫、外套、襯衫）仍然黏在一起。",
)
run.claim(
    "最近鄰同類的比例：最後的特徵比原始像素高多少",
    neighbours["第 3 個區塊、平均池化之後"] - neighbours["原始像素"],
    at_least=0.05,
    level="medium",
    source="同一份測試影像，特徵空間裡的最近鄰；不靠 t-SNE 的圖",
)

# %% [markdown]
r"""
t-SNE 的團有多遠、多大沒有意義，只看誰和誰在一起；結論用「最近鄰同類的比例」來下。

### 分不開的類別
"""

# %%
from dlbook.supervised_learning.frame_errors import confusion, most_confused

predicted = fashion_scores.argmax(dim=1)
matrix = confusion(data.test_y, predicted, 10).double()
figure = plotting.heatmap(
    100 * matrix / matrix.sum(dim=1, keepdim=True),
    title="混淆矩陣（每一列加總是 100）",
    xlabel="模型說的",
    ylabel="答案",
    xticks=FASHION_CLASSES,
    yticks=FASHION_CLASSES,
    annotate="{:.0f}",
    colorbar="%",
)
recall = {FASHION_CLASSES[k]: float(matrix[k, k] / matrix[k].sum()) for k in range(10)}
worst_class = min(recall, key=lambda name: recall[name])
plotting.show(
    figure,
    alt=f"10×10 的混淆矩陣，對角線大多很亮，最暗的是{worst_class}（{recall[worst_class]:.0%}）；錯的幾乎都在上衣類之間，另外就是鞋子之間。",
)
tops = [FASHION_CLASSES.index(name) for name in ("T 恤", "套頭衫", "洋裝", "外套", "襯衫")]
errors = predicted != data.test_y
inside = torch.isin(data.test_y, torch.tensor(tops)) & torch.isin(predicted, torch.tensor(tops))
share = float(inside[errors].double().mean())
run.claim(
    "答錯的影像裡，錯在五種上衣之間的比例",
    share,
    at_least=0.7,
    level="simple",
    source="T 恤、套頭衫、洋裝、外套、襯衫；亂猜的話約兩成",
)
confident_wrong = fashion_scores.softmax(dim=1).max(dim=1).values * errors
worst = confident_wrong.topk(16).indices
plotting.show(
    cnn_pictures.thumbnails(
        data.test_x[worst],
        [
            f"{FASHION_CLASSES[int(data.test_y[i])]}→{FASHION_CLASSES[int(predicted[i])]}"
            for i in worst
        ],
        "最有把握的 16 個錯（答案→模型說的）",
    ),
    alt="十六張模型很有把握卻答錯的衣物：許多連人也分不出來，有幾張的標籤看起來就是錯的。",
)

# %% [markdown]
r"""
2025F HW6 特別要同學注意「長得像的角色」，道理相同：錯不是均勻的，集中在少數幾對。這裡的錯，一大半在上衣之間，28×28 的灰階，連有沒有釦子都看不清楚。FashionMNIST 的作者請人來認，正確率也只有八成多。

### 照片
"""

# %%
last_scores = probes[LAST].predict(features[18][cut.test].numpy())
wrong_photos = [i for i in range(len(test_y)) if last_scores[i] != int(test_y[i])]
shown_photos = wrong_photos[:8]
plotting.show(
    cnn_pictures.photo_row(
        [cut.images[cut.test[i]] for i in shown_photos],
        [
            f"{CUTOUT_CLASSES[int(test_y[i])]}\n→{CUTOUT_CLASSES[last_scores[i]]}"
            for i in shown_photos
        ],
        "線性分類器答錯的照片（答案→模型說的）",
        columns=4,
    ),
    alt="答錯的照片："
    + "；".join(
        f"{CUTOUT_CLASSES[int(test_y[i])]}當成{CUTOUT_CLASSES[last_scores[i]]}"
        for i in shown_photos
    )
    + "。",
)
with_animals = {4, 5}
both = [i for i in wrong_photos if {int(test_y[i]), int(last_scores[i])} == with_animals]
print(f"測試集答錯 {len(wrong_photos)} 張，其中 {len(both)} 張是有蹄動物與其他哺乳動物互換")

# %% [markdown]
r"""
## 常見的坑

### 坑一：忘了 `model.eval()`

訓練模式的 BatchNorm 用「這一批」的統計量。測試時若一批都是同一類（例如照資料夾一類一類地讀），統計量就歪了：
"""

# %%
training_mode = copy.deepcopy(fashion_net).train()
in_order = data.test_y[:2_000].argsort()  # 一類一類地讀
by_mode = {}
with torch.no_grad():
    for name, model in [("評估模式", fashion_net), ("訓練模式", training_mode)]:
        for label, index in [("打亂", torch.arange(2_000)), ("一類一類", in_order)]:
            scores = torch.cat([model(data.test_x[part]) for part in index.split(100)])
            by_mode[name, label] = accuracy(scores, data.test_y[index])
display(pd.Series(by_mode).unstack().round(4))
run.claim(
    "訓練模式、一類一類地讀，正確率掉了多少",
    by_mode["評估模式", "一類一類"] - by_mode["訓練模式", "一類一類"],
    at_least=0.1,
    level="simple",
    source="同一個模型、同樣的影像，只差 model.eval()",
)

# %% [markdown]
r"""
**症狀**：同一張影像的答案，隨「和誰同一批」而變；打亂時看起來還好，所以更難發現。**解法**：評估前 `model.eval()`，而且永遠搭配 `torch.no_grad()`。

### 坑二：預訓練模型的前處理不對

MobileNetV2 要的是 0–1、減 ImageNet 的平均、除標準差。少做一步不會報錯：
"""


# %%
def wrongly_prepared(change):
    """用改過的前處理算測試集的特徵，再交給同一個線性分類器。"""
    found = []
    with torch.no_grad():
        for part in cut.images[cut.test].split(4):
            x = F.interpolate(
                part / 255, size=(run.photo_size,) * 2, mode="bilinear", antialias=True
            )
            found.append(mobilenet.features(change(x)).mean(dim=(2, 3)))
    return probes[LAST].score(torch.cat(found).numpy(), test_y.numpy())


mistakes = {
    "忘了除以 255": lambda x: normalize_pixels(255 * x, photo_config),
    "忘了標準化": lambda x: x,
    "紅藍對調（BGR）": lambda x: normalize_pixels(x.flip(1), photo_config),
}
prepared = {"正確": transfer_rows[LAST]["測試"]}
prepared |= {name: wrongly_prepared(change) for name, change in mistakes.items()}
display(pd.DataFrame({"測試正確率": prepared}).round(3))
run.claim(
    "忘了除以 255，正確率掉了多少",
    prepared["正確"] - prepared["忘了除以 255"],
    at_least=0.2,
    level="simple",
    source="同樣的權重與分類器，只差前處理",
)

# %% [markdown]
r"""
**症狀**：不報錯，只是正確率低；小錯（紅藍對調）掉得少，最難察覺。**解法**：前處理跟著權重走，像 `photo_config` 一樣由載入權重的函式一起交出來；再用幾張知道答案的照片驗一次。

### 坑三：同一個東西跨了訓練與測試

把 215 張打亂再切，同一種東西就會兩邊都有：
"""

# %%
rng = np.random.default_rng(run.seed)
random_split, group_split = [], []
numbers = cut.groups.unique().numpy()
x_all, y_all = features[18].numpy(), cut.labels.numpy()
for _ in range(40):
    by_image = rng.permutation(len(y_all)) < len(cut.train)
    chosen = rng.permutation(numbers)[: round(0.6 * len(numbers))]
    by_thing = np.isin(cut.groups.numpy(), chosen)
    for kept, results in [(by_image, random_split), (by_thing, group_split)]:
        results.append(
            linear_probe(0.01).fit(x_all[kept], y_all[kept]).score(x_all[~kept], y_all[~kept])
        )
leak = np.mean(random_split) - np.mean(group_split)
print(f"40 次平均：打亂再切 {np.mean(random_split):.3f}，按東西切 {np.mean(group_split):.3f}")
run.claim(
    "打亂再切，把正確率高估多少",
    leak,
    at_least=0.01,
    level="simple",
    source="40 次隨機切分的平均；同樣的特徵與分類器",
)

# %% [markdown]
r"""
**症狀**：驗證很好，換一批新的東西就掉。**解法**：有群組（同一個東西、同一個人、同一支影片的影格）就按群組切。這裡的照片多半一種東西只有一兩張，所以高估得不多；一支影片切出來的影格，張張都像，會高估得多。

### 坑四：增強改變了答案

左右翻轉對衣服無害，對數字呢？同樣的 TTA：
"""

# %%
mirrored = accuracy(class_scores(digit_net, digit_data.test_x.flip(3)), digit_data.test_y)
both_views = torch.cat([predict_tta(digit_net, part) for part in digit_data.test_x.split(500)])
with_flip = accuracy(both_views, digit_data.test_y)
without = accuracy(digit_scores, digit_data.test_y)
print(f"數字：原圖 {without:.4f}，鏡像 {mirrored:.4f}，兩者平均 {with_flip:.4f}")
lost = []
for k in range(10):
    mine = digit_data.test_y == k
    plain, flipped = (
        accuracy(s[mine], digit_data.test_y[mine]) for s in (digit_scores, both_views)
    )
    lost.append(100 * (plain - flipped))
print("每個數字掉幾點：", "、".join(f"{k} {v:.1f}" for k, v in enumerate(lost)))
run.claim(
    "數字做左右翻轉的 TTA，正確率掉了多少",
    without - with_flip,
    at_least=0.015,
    level="simple",
    source="同一個模型；FashionMNIST 上同樣的 TTA 是加分的",
)

# %% [markdown]
r"""
**症狀**：加了增強反而變差，而且集中在某幾類：左右對稱的 0 與 8 沒有掉，2、5、9 掉得多。**解法**：每加一種，先自己看十張：人還答得出同樣的答案嗎？

## 練習

寫完執行下一格，就會告訴你對不對。
"""

# %%
from dlbook.exercises.computer_vision.cnn_fundamentals import trace_layers  # exercise

# %% [markdown]
r"""
用它看看本課的數字網路：每一層之後多大、看到多少。
"""

# %%
print(trace_layers(28, [(k, s, 1 if k == 3 else 0) for k, s in geometry]))

# %%
from dlbook.exercises.computer_vision.cnn_fundamentals import dilated_conv2d  # exercise

# %%
from dlbook.exercises.computer_vision.cnn_fundamentals import fuse_batch_norm  # exercise

# %% [markdown]
r"""
把數字網路第一層的 BatchNorm 收進卷積，輸出應該不變：
"""

# %%
state = digit_net.state_dict()
names = ("0.0.weight", "0.1.running_mean", "0.1.running_var", "0.1.weight", "0.1.bias")
fused = fuse_batch_norm(*(state[name] for name in names), 1e-5)
with torch.no_grad():
    gap = (F.conv2d(seen, *fused, padding=1).relu() - digit_net[0](seen)).abs().max()
print(f"收進去之前與之後的最大差：{float(gap):.1e}")

# %%
from dlbook.exercises.computer_vision.cnn_fundamentals import fixmatch_loss  # exercise

# %% [markdown]
r"""
最後一題是實驗：遮住數字的一塊，看數字網路的把握掉多少。
"""

# %%
from dlbook.exercises.computer_vision.cnn_fundamentals import occlusion_map  # exercise

# %%
figure, axes = plt.subplots(2, 6, figsize=(7.5, 2.9))
for k in range(6):
    picture, label = digit_data.test_x[k], int(digit_data.test_y[k])
    with torch.no_grad():
        drop = occlusion_map(lambda x: digit_net(x).softmax(dim=1), picture, label, 7, 3)
    axes[0, k].imshow(picture[0], cmap="gray")
    shown_map = axes[1, k].imshow(drop, vmin=-1, vmax=1, cmap=plotting.DIVERGING)
    axes[0, k].set_title(f"答案 {label}")
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
figure.colorbar(shown_map, ax=axes[1], label="機率少了多少")
figure.suptitle("遮住 7×7 的一塊，答案的機率掉多少（紅：掉得多）")
plotting.show(
    figure,
    alt="六個數字與各自的遮擋圖：7、2、0、4 遮住筆畫的某些地方時變紅，0 幾乎整圈都是；兩個 1 從頭到尾接近白色，遮住一塊仍然認得。",
)

# %% [markdown]
r"""
### 想一想

1. 1×1 的卷積看不到鄰居，為什麼有用？

<details><summary>參考答案</summary>

它在每個位置把 $C$ 個通道線性組合成 $O$ 個，等於每個像素各過一次同樣的全連接層。深度可分離卷積靠它混合通道；ResNet 與 MobileNet 靠它改變通道數，省下 $K^2$ 倍的計算。

</details>

2. 標註只有 100 張，卻用 2,000 張的驗證集挑超參數。誠實的做法是什麼？

<details><summary>參考答案</summary>

真的只有 100 張時，驗證也要從這 100 張裡出，例如五折交叉驗證，每折 20 張，雜訊很大。可以照論文的預設值、不調；或者多花一點錢標驗證集，並把它算進標註的成本。本課的驗證集只用來挑學習率、門檻這幾個數，但仍然使數字偏樂觀。

</details>

3. FixMatch 的門檻 $\tau$ 調低到 0，會發生什麼事？

<details><summary>參考答案</summary>

每一張都當真，包括猜錯的。一開始模型幾乎亂猜，錯的假標籤佔多數，模型把自己的錯學得更牢（確認偏誤，confirmation bias）。門檻讓好認的先進來，等模型變好，難的才跟著進來。

</details>

4. 為什麼在分類之前用全域平均池化，而不是攤平再接全連接？

<details><summary>參考答案</summary>

攤平之後，每個位置有自己的權重，參數多，而且東西移一格就換了一組權重。平均池化讓答案幾乎不隨平移改變，參數少，還吃得下任意大小的影像（認不認得是另一回事，見〈平移等變〉補黑邊的結果）。代價是丟掉「在哪裡」；物件偵測就不能這樣做。

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

- LeCun 等人，*Gradient-Based Learning Applied to Document Recognition*，Proc. IEEE 86(11)，1998——LeNet；卷積、池化、共享權重都在裡面。
- Dumoulin、Visin，*A guide to convolution arithmetic*，[arXiv:1603.07285](https://arxiv.org/abs/1603.07285)——stride、padding、轉置卷積的圖解。
- Simonyan、Zisserman，*Very Deep Convolutional Networks*（VGG），[arXiv:1409.1556](https://arxiv.org/abs/1409.1556)——為什麼只疊 3×3。
- He 等人，*Deep Residual Learning*，[arXiv:1512.03385](https://arxiv.org/abs/1512.03385)——捷徑；Balduzzi 等人，*The Shattered Gradients Problem*，[arXiv:1702.08591](https://arxiv.org/abs/1702.08591)——沒有捷徑時，梯度為什麼像雜訊。
- Howard 等人，*MobileNets*，[arXiv:1704.04861](https://arxiv.org/abs/1704.04861)；Sandler 等人，*MobileNetV2*，[arXiv:1801.04381](https://arxiv.org/abs/1801.04381)——深度可分離卷積與反轉的殘差。
- Luo 等人，*Understanding the Effective Receptive Field*，[arXiv:1701.04128](https://arxiv.org/abs/1701.04128)；Zhang，*Making Convolutional Networks Shift-Invariant Again*，[arXiv:1904.11486](https://arxiv.org/abs/1904.11486)——感受野與等變，量出來的樣子。
- Yun 等人，*CutMix*，[arXiv:1905.04899](https://arxiv.org/abs/1905.04899)；Cubuk 等人，*RandAugment*，[arXiv:1909.13719](https://arxiv.org/abs/1909.13719)——影像的增強。
- Sohn 等人，*FixMatch*，[arXiv:2001.07685](https://arxiv.org/abs/2001.07685)；Berthelot 等人，*ReMixMatch*，[arXiv:1911.09785](https://arxiv.org/abs/1911.09785)；Xie 等人，*Noisy Student*，[arXiv:1911.04252](https://arxiv.org/abs/1911.04252)——半監督學習；Noisy Student 是 HW3 投影片提示的另一條路。
- 李宏毅，[機器學習 2021 春季班](https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php) HW3：simple 44.9%、medium 52.8%、hard 82.1%；生成式 AI 與機器學習導論 2025 秋季班 HW6。
- 下一課：[RNN 與 LSTM](../sequence_modeling/rnn_lstm.ipynb)——影像看鄰居，序列看過去。
"""
