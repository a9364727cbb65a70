"""The frame of a lesson: settings, seeds, and how it ends."""

import random

import numpy as np
import pytest
import torch

from dlbook import lesson
from dlbook.errors import CourseError


def start(**settings: object) -> lesson.Run:
    settings = settings or {"epochs": 3}
    return lesson.start("zoo/cats", quick=settings, full=settings)


def test_quick_is_the_default_and_full_is_chosen_by_the_environment(monkeypatch) -> None:
    run = lesson.start("zoo/cats", quick={"epochs": 1}, full={"epochs": 9})
    assert (run.profile, run.epochs, run.seed, run.device) == ("quick", 1, 0, torch.device("cpu"))
    assert torch.get_num_threads() == 1
    monkeypatch.setenv("DLBOOK_PROFILE", "full")
    assert lesson.start("zoo/cats", quick={"epochs": 1}, full={"epochs": 9}).epochs == 9


def test_an_unknown_profile_is_refused(monkeypatch) -> None:
    monkeypatch.setenv("DLBOOK_PROFILE", "fast")
    with pytest.raises(
        CourseError, match="沒有「fast」這個設定檔。DLBOOK_PROFILE 只能是 quick 或 full"
    ):
        start()


@pytest.mark.parametrize("variable", ["DLBOOK_SEED", "DLBOOK_THREADS"])
@pytest.mark.parametrize("text", ["-1", "1.5", "", "seven", "4294967296", "9" * 5000])
def test_a_bad_seed_or_thread_count_is_refused_with_its_range(monkeypatch, variable, text) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(CourseError, match=rf"{variable} 要是 [01] 到 \d+ 的整數，現在是「{text}」"):
        start()


@pytest.mark.parametrize("device", ["cuda:99", "toaster", ""])
def test_a_device_that_cannot_be_used_is_refused_with_a_way_out(monkeypatch, device) -> None:
    monkeypatch.setenv("DLBOOK_DEVICE", device)
    with pytest.raises(
        CourseError, match=f"用不了裝置「{device}」.*DLBOOK_DEVICE 設成 cpu"
    ) as caught:
        start()
    assert "\n" not in str(caught.value)


def draw() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), torch.rand(()).item()


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(monkeypatch) -> None:
    start()
    first = draw()
    start()
    assert draw() == first
    monkeypatch.setenv("DLBOOK_SEED", "1")
    start()
    assert all(a != b for a, b in zip(draw(), first, strict=True))


def test_the_largest_seed_works(monkeypatch) -> None:
    monkeypatch.setenv("DLBOOK_SEED", "4294967295")
    assert start().seed == 2**32 - 1


def test_settings_of_only_one_profile_are_named() -> None:
    with pytest.raises(ValueError, match="要同名，只出現在一邊的有：epochs、width"):
        lesson.start("zoo/cats", quick={"epochs": 1}, full={"width": 2})


@pytest.mark.parametrize("name", ["seed", "claims", "claim", "device"])
def test_a_setting_cannot_hide_behind_an_attribute_of_the_run(name) -> None:
    with pytest.raises(ValueError, match=f"設定不能叫 {name}"):
        start(**{name: 1})


def test_a_setting_that_does_not_exist_is_an_attribute_error_that_lists_those_that_do() -> None:
    run = start(epochs=1, width=2)
    with pytest.raises(AttributeError, match="設定檔 quick 沒有「epoch」。現有：epochs、width"):
        _ = run.epoch


def test_two_claims_of_one_name_are_refused_in_a_script() -> None:
    run = start()
    run.claim("正確率", 1, at_least=0, level="simple")
    with pytest.raises(ValueError, match="主張「正確率」出現了兩次"):
        run.claim("正確率", 2, at_least=0, level="simple")


def test_finish_passes_quietly_when_every_claim_passed(capsys) -> None:
    run = start()
    run.claim("正確率", 0.9, at_least=0.5, level="simple")
    lesson.finish(run)
    assert "1/1 項主張通過" in capsys.readouterr().out


def test_finish_raises_once_and_names_every_failure_with_its_bar_and_what_to_look_at() -> None:
    run = start()
    run.claim("好的", 1, at_least=0, level="simple")
    run.claim("學得慢", 0.25, at_least=0.5, level="boss")
    run.claim("爆掉", float("nan"), at_most=1, level="simple")
    run.claim("不相等", 2, near=(1, 0.1), level="parity")
    run.claim("太久", 3, at_most=2, level="cost")
    with pytest.raises(lesson.ClaimsFailed) as caught:
        lesson.finish(run)
    head, *lines = str(caught.value).splitlines()
    assert head == "zoo/cats（設定檔 quick、種子 0）有 4 項主張未通過："
    for line, words in zip(
        lines,
        [
            ("學得慢：得到 0.25，要求 ≥ 0.5", "曲線"),
            ("爆掉：得到 nan，要求 ≤ 1", "第一個出現 nan"),
            ("不相等：得到 2，要求 1 ± 0.1", "與參考實作不同"),
            ("太久：得到 3，要求 ≤ 2", "再跑一次"),
        ],
        strict=True,
    ):
        assert all(word in line for word in words)


def test_a_lesson_without_claims_fails() -> None:
    with pytest.raises(lesson.ClaimsFailed, match="沒有任何主張"):
        lesson.finish(start())
