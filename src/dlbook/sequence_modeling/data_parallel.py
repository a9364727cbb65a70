"""資料平行（data parallel）：幾個行程各算一份資料，把梯度平均，就等於一個行程算整批。

Li et al., PyTorch Distributed, arXiv:2006.15704。用 torchrun 開兩個行程::

    python -m torch.distributed.run --nproc-per-node 2 -m dlbook.sequence_modeling.data_parallel

印出每一步整批的平均損失；直接 ``python -m dlbook.sequence_modeling.data_parallel`` 則是一個行程。
"""

import argparse
import json
import os

import torch
import torch.distributed as dist
from jaxtyping import Int
from torch import Tensor, nn

from dlbook.sequence_modeling.gpt import GPT
from dlbook.sequence_modeling.poem_corpus import next_character_loss


@torch.no_grad()
def average_gradients(model: nn.Module) -> None:
    """每個行程的梯度換成所有行程的平均；只有一個行程時什麼都不做。"""
    if not dist.is_initialized():
        return
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad, op=dist.ReduceOp.SUM)
            parameter.grad /= dist.get_world_size()


def my_share(batch: Int[Tensor, "batch length"]) -> Int[Tensor, "share length"]:
    """這個行程的那一份；批次分不平時丟出 ValueError，否則平均就不等於整批的平均。"""
    if not dist.is_initialized():
        return batch
    world = dist.get_world_size()
    if len(batch) % world:
        raise ValueError(f"{len(batch)} 列無法平分給 {world} 個行程")
    return batch.chunk(world)[dist.get_rank()]


def train(
    model: nn.Module,
    tokens: Int[Tensor, "rows length"],
    *,
    steps: int,
    batch: int,
    lr: float = 1e-3,
    seed: int = 0,
) -> list[float]:
    """走 ``steps`` 步，每步 ``batch`` 列；傳回每步整批的平均損失，每個行程得到的都一樣。"""
    optimizer = torch.optim.AdamW(model.parameters(), lr)
    order = torch.Generator().manual_seed(seed)
    losses = []
    for _ in range(steps):
        rows = my_share(tokens[torch.randint(len(tokens), (batch,), generator=order)])
        loss = next_character_loss(model(rows[:, :-1]), rows[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        average_gradients(model)
        optimizer.step()
        mean = loss.detach().clone()
        if dist.is_initialized():
            dist.all_reduce(mean, op=dist.ReduceOp.SUM)
            mean /= dist.get_world_size()
        losses.append(mean.item())
    return losses


def main() -> None:
    """在亂數的 token 上練一個很小的 GPT，印出損失。"""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if "RANK" in os.environ:  # torchrun 設的
        dist.init_process_group("gloo")
    torch.manual_seed(0)
    tokens = torch.randint(50, (64, 17)).cumsum(1) % 50
    losses = train(GPT(50, 32, 2, 2, 16), tokens, steps=options.steps, batch=options.batch)
    if not dist.is_initialized() or dist.get_rank() == 0:
        print(json.dumps(losses))
    if dist.is_initialized():
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
