"""隱馬可夫模型（HMM）與 Viterbi：把逐框的機率修成連貫的一串音素。

Viterbi, IEEE Trans. Information Theory 13(2), 1967；Rabiner, A Tutorial on Hidden Markov Models,
Proc. IEEE 77(2), 1989。網路的輸出除以先驗當作發射機率：Bourlard & Morgan, Connectionist Speech
Recognition, Kluwer, 1994。
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class HMM(NamedTuple):
    """K 個音素的馬可夫鏈，都是對數機率：第一框、轉移 ``[從, 到]``、以及任意一框的先驗。"""

    log_start: Float[Tensor, " K"]
    log_transition: Float[Tensor, "K K"]
    log_prior: Float[Tensor, " K"]


def count_hmm(sequences: Iterable[Int[Tensor, " frames"]], states: int) -> HMM:
    """從**訓練集**的標籤數出來；每個計數從 1 開始，沒看過的轉移才不會是負無限大。"""
    start = torch.ones(states, dtype=torch.float64)
    transition = torch.ones(states, states, dtype=torch.float64)
    prior = torch.ones(states, dtype=torch.float64)
    for labels in sequences:
        start[labels[0]] += 1
        pairs = labels[:-1] * states + labels[1:]
        transition += torch.bincount(pairs, minlength=states**2).reshape(states, states)
        prior += torch.bincount(labels, minlength=states)
    rows = transition / transition.sum(dim=1, keepdim=True)
    return HMM((start / start.sum()).log(), rows.log(), (prior / prior.sum()).log())


def viterbi(
    log_start: Float[Tensor, "*batch K"],
    log_transition: Float[Tensor, "*batch K K"],
    log_emission: Float[Tensor, "*batch T K"],
) -> Int[Tensor, "*batch T"]:
    """總分（起點 + 轉移 + 發射）最高的路徑。時間 O(T K²)，不必試過 Kᵀ 條。

    Raises:
        ValueError: 一框都沒有。
    """
    if log_emission.shape[-2] == 0:
        raise ValueError("log_emission 一框都沒有，沒有路徑可找。")
    first, *rest = log_emission.unbind(dim=-2)
    best = log_start + first  # best[k]：走到這一框、停在 k 的最高分
    came_from = []  # came_from[t][k]：那條路的上一站
    for emission in rest:
        score, previous = (best[..., :, None] + log_transition).max(dim=-2)
        best = score + emission
        came_from.append(previous)
    path = [best.argmax(dim=-1, keepdim=True)]
    for previous in reversed(came_from):  # 從終點沿著「上一站」走回去
        path.append(previous.gather(-1, path[-1]))
    return torch.cat(path[::-1], dim=-1)


WEIGHTS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
PRIOR_POWERS = (0.0, 0.5, 1.0)


def smooth(
    log_p: Float[Tensor, "T K"],
    hmm: HMM,
    weight: float | Float[Tensor, "*batch"],
    prior_power: float | Float[Tensor, "*batch"],
) -> Int[Tensor, "*batch T"]:
    """一句的逐框對數機率 log p(k|x) → 連貫的路徑；給好幾組旋鈕就一次走完，每組一條。

    每一步的分數是 log p(k|x) − prior_power × log p(k) + weight × log p(k|j)，j 是上一框的音素。
    兩個都是 0 就是逐框取最大；都是 1 就是教科書的 HMM。

    Raises:
        ValueError: ``weight`` 是負的。
    """
    weight, power = (torch.as_tensor(v, dtype=log_p.dtype) for v in (weight, prior_power))
    if (weight < 0).any():
        raise ValueError(f"weight 不能是負的，現在是 {weight.min().item():g}。")
    start, transition, prior = (part.to(log_p.dtype) for part in hmm)
    return viterbi(
        weight[..., None] * start,
        weight[..., None, None] * transition,
        log_p - power[..., None, None] * prior,
    )


def tune(
    log_ps: list[Float[Tensor, "T K"]], labels: list[Int[Tensor, " T"]], hmm: HMM
) -> tuple[tuple[float, float], Float[Tensor, "powers weights"]]:
    """在**驗證集**的句子上試 ``PRIOR_POWERS`` 與 ``WEIGHTS`` 的每一組。

    傳回（最好的 (weight, prior_power), 每一組的逐框正確率）。
    """
    power, weight = torch.meshgrid(torch.tensor(PRIOR_POWERS), torch.tensor(WEIGHTS), indexing="ij")
    paths = torch.cat([smooth(log_p, hmm, weight, power) for log_p in log_ps], dim=-1)
    accuracies = (paths == torch.cat(labels)).double().mean(dim=-1)
    best = int(accuracies.argmax())
    return (float(weight.flatten()[best]), float(power.flatten()[best])), accuracies
