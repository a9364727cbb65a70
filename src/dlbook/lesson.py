"""The frame of a lesson: ``start`` prepares the run, ``claim`` records results, ``finish`` judges."""

import html
import math
import os
import random
import time
from typing import Any

import numpy as np
import torch

from dlbook import measure, plotting, progress
from dlbook.claims import Claim, Level, make_claim
from dlbook.display import in_notebook, show_html
from dlbook.errors import CourseError

PROFILES = ("quick", "full")
LARGEST_SEED = 2**32 - 1  # NumPy's


class ClaimsFailed(AssertionError):
    """At least one claim of the lesson did not pass; the message says which and by how much."""


class Run:
    """One run of a lesson: its seed, device and settings, and the claims made so far.

    The settings of the chosen profile are attributes: ``run.epochs``.
    """

    def __init__(
        self, name: str, profile: str, seed: int, device: torch.device, settings: dict[str, Any]
    ) -> None:
        self.name = name
        self.profile = profile
        self.seed = seed
        self.device = device
        self.settings = settings
        self.claims: list[Claim] = []
        self.started = time.perf_counter()
        if taken := [key for key in settings if key in vars(self) or hasattr(Run, key)]:
            raise ValueError(f"設定不能叫 {'、'.join(taken)}，這個名字 run 自己要用；請換一個。")

    def __getattr__(self, setting: str) -> Any:
        try:
            return self.__dict__["settings"][setting]
        except KeyError:
            known = "、".join(self.__dict__.get("settings", {}))
            message = f"設定檔 {self.__dict__.get('profile')} 沒有「{setting}」。現有：{known}。"
            raise AttributeError(message) from None

    def claim(
        self,
        name: str,
        value: Any,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        near: tuple[float, float] | None = None,
        level: Level,
        source: str = "",
    ) -> Claim:
        """Record a result and its bar, and show it; failing is reported by :func:`finish`.

        Args:
            name: what was measured, in words; unique in the lesson.
            value: one number (also a NumPy scalar or a tensor with one element).
            at_least: the value must be ≥ this (give exactly one of the three).
            at_most: the value must be ≤ this.
            near: (reference, tolerance); the value must be within tolerance of reference.
            level: simple, medium, strong, boss, parity or cost.
            source: where the bar comes from: a paper (``arXiv:…``), homework, a measured baseline.
        """
        claim = make_claim(
            name, value, at_least=at_least, at_most=at_most, near=near, level=level, source=source
        )
        if any(earlier.name == name for earlier in self.claims):
            if (
                not in_notebook()
            ):  # there, a cell may be run again; the runner sees a name used twice
                raise ValueError(f"主張「{name}」出現了兩次；每個主張要有自己的名字。")
            self.claims = [earlier for earlier in self.claims if earlier.name != name]
        self.claims.append(claim)
        colour = "#2a9d5c" if claim.passed else "#d1495b"
        html_text = f'<span style="color:{colour}">●</span> {html.escape(str(claim))}'
        show_html(str(claim), html_text, {"claim": claim.to_dict()})
        return claim


def start(name: str, *, quick: dict[str, Any], full: dict[str, Any]) -> Run:
    """Begin lesson ``name`` (``module/lesson``): seeds, device, threads, fonts, settings.

    ``DLBOOK_PROFILE`` picks ``quick`` (the default) or ``full``; ``DLBOOK_SEED``, ``DLBOOK_DEVICE``
    and ``DLBOOK_THREADS`` override seed 0, the CPU (``quick``) or first GPU (``full``), 1 thread.
    """
    profile = os.environ.get("DLBOOK_PROFILE", "quick")
    if profile not in PROFILES:
        raise CourseError(f"沒有「{profile}」這個設定檔。DLBOOK_PROFILE 只能是 quick 或 full。")
    if missing := quick.keys() ^ full.keys():
        raise ValueError(
            f"quick 與 full 的設定要同名，只出現在一邊的有：{'、'.join(sorted(missing))}。"
        )
    seed = _whole_number("DLBOOK_SEED", 0, least=0, most=LARGEST_SEED)
    torch.set_num_threads(_whole_number("DLBOOK_THREADS", 1, least=1, most=1024))
    seed_everything(seed)
    plotting.use_style()
    run = Run(name, profile, seed, _device(profile), quick if profile == "quick" else full)
    settings = "、".join(f"{key} = {value}" for key, value in run.settings.items())
    print(f"{name}｜設定檔 {profile}｜種子 {seed}｜裝置 {run.device}｜{settings}")
    return run


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and PyTorch."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def finish(run: Run) -> None:
    """Show the table of claims, seconds and peak memory.

    Raises:
        ClaimsFailed: once, naming every claim that did not pass, or that none was made.
    """
    seconds = time.perf_counter() - run.started
    peak_mb = measure.peak_memory_mb()
    failed = [claim for claim in run.claims if not claim.passed]
    passed = not failed and bool(run.claims)
    summary = f"{len(run.claims) - len(failed)}/{len(run.claims)} 項主張通過｜{seconds:.0f} 秒｜記憶體高峰 {peak_mb:.0f} MB"
    text = "\n".join([*(f"  {claim}" for claim in run.claims), summary])
    totals = {"seconds": round(seconds, 1), "peak_mb": round(peak_mb), "passed": passed}
    show_html(text, _table(run.claims, summary), {"finish": totals})
    _remember(run.name, passed, seconds)
    if not run.claims:
        raise ClaimsFailed(f"{run.name} 沒有任何主張；每一課至少要有一個。")
    if failed:
        raise ClaimsFailed(_explain(run, failed))


def _remember(name: str, passed: bool, seconds: float) -> None:
    """Save the result; where that can't be done, say so and go on."""
    try:
        progress.record_run(name, passed=passed, seconds=seconds)
    except progress.ProgressError as error:
        print(f"（這次的結果沒有存下來。{error}）")


def _explain(run: Run, failed: list[Claim]) -> str:
    lines = [f"{run.name}（設定檔 {run.profile}、種子 {run.seed}）有 {len(failed)} 項主張未通過："]
    for claim in failed:
        if not math.isfinite(claim.value):
            advice = "數值不是有限的數：往上找第一個出現 nan 或 inf 的儲存格"
        elif claim.level == "parity":
            advice = "與參考實作不同：你若改過上面的程式，先還原再逐段比對"
        elif claim.level == "cost":
            advice = "先確認電腦沒有同時在忙別的事，再跑一次"
        else:
            advice = "先看「實驗」一節的曲線，再確認資料與設定沒有被改過"
        lines.append(f"  ✗ {claim.name}：得到 {claim.value:.6g}，要求 {claim.bar}。{advice}。")
    return "\n".join(lines)


def _table(claims: list[Claim], summary: str) -> str:
    rows = "".join(
        f"<tr><td>{'✓' if c.passed else '✗'}</td><td style='text-align:left'>{html.escape(c.name)}</td>"
        f"<td>{c.measured}</td><td>{c.bar}</td><td>{c.level}</td>"
        f"<td style='text-align:left'>{html.escape(c.source)}</td></tr>"
        for c in claims
    )
    head = "".join(f"<th>{title}</th>" for title in ("", "主張", "測得", "要求", "等級", "依據"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><p>{summary}</p>"


def _whole_number(variable: str, default: int, *, least: int, most: int) -> int:
    text = os.environ.get(variable, str(default))
    if not text.isdecimal() or len(text) > 20 or not least <= int(text) <= most:
        raise CourseError(f"環境變數 {variable} 要是 {least} 到 {most} 的整數，現在是「{text}」。")
    return int(text)


def _device(profile: str) -> torch.device:
    default = "cuda" if profile == "full" and torch.cuda.is_available() else "cpu"
    name = os.environ.get("DLBOOK_DEVICE", default)
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise CourseError(
            f"用不了裝置「{name}」（{reason}）。請把環境變數 DLBOOK_DEVICE 設成 cpu，或不要設。"
        ) from error
    return device
