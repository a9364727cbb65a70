"""The prose of the course: Traditional characters that our font can draw, and Taiwan's terms."""

import re
from functools import cache
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from dlbook import assets
from dlbook.paths import checkout

HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")

# What is said elsewhere → what is said in Taiwan. Lookarounds spare words that only look alike.
TERMS = {
    r"(?<!演)算法": "演算法",
    r"數據(?!機)": "資料",
    r"概率": "機率",
    r"默認": "預設",
    r"信息": "資訊",
    r"視頻": "影片",
    r"網絡": "網路",
    r"優化": "最佳化",
    r"魯棒": "穩健",
    r"標量": "純量",
    r"矢量": "向量",
    r"噪聲": "雜訊",
    r"(?<!最)(?:高|低|提升|影像|文字|生成|資料)質量": "品質",
    r"支持(?!向量)": "支援",
    r"內存": "記憶體",
    r"緩存": "快取",
    r"硬盤": "硬碟",
    r"軟件": "軟體",
    r"硬件": "硬體",
    r"服務器": "伺服器",
    r"接口": "介面",
    r"變量": "變數",
    r"字符": "字元",
    r"字節": "位元組",
    r"數組": "陣列",
    r"隊列": "佇列",
    r"哈希": "雜湊",
    r"遞歸": "遞迴",
    r"回歸": "迴歸",
    r"調用": "呼叫",
    r"打印": "印出",
    r"代碼": "程式碼",
    r"源碼": "原始碼",
    r"編程": "程式設計",
    r"線程": "執行緒",
    r"進程": "行程",
    r"異步": "非同步",
    r"運行": "執行",
    r"加載": "載入",
    r"搜索": "搜尋",
    r"反饋": "回饋",
    r"過擬合": "過度擬合",
    r"採樣": "取樣",
    r"歸一化": "正規化",
    r"隨機數": "亂數",
    r"批量": "批次",
    r"用戶(?!端)": "使用者",
    r"創建": "建立",
    r"在線(?!上)": "線上",
    r"帶寬": "頻寬",
    r"鏈接": "連結",
    r"鏈式法則": "連鎖律",
    r"智能": "智慧",
    r"屏幕": "螢幕",
    r"交互": "互動",
    r"激活函數": "活化函數",
}
EXAMPLES = "演算法、數據機、支持向量機、用戶端、最佳化、機率"  # must all be let through


def texts() -> list[Path]:
    root = checkout()
    patterns = ("*.md", "book/*.py", "book/**/*.md", "lessons/*/*.py", "src/dlbook/**/*.py")
    patterns += ("src/dlbook/curriculum.toml", "src/dlbook/assets/registry.toml", "course.py")
    return sorted(path for pattern in patterns for path in root.glob(pattern))


@cache
def drawable() -> set[int]:
    return set(TTFont(assets.path("font-sans-tc")).getBestCmap())


def complaints(text: str) -> list[str]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if missing := "".join(c for c in HAN.findall(line) if ord(c) not in drawable()):
            found.append(f"{number}: 簡體字，或字型沒有的字：{missing}")
        for pattern, better in TERMS.items():
            if (match := re.search(pattern, line)) and better not in line:  # both: a glossary
                found.append(f"{number}: 「{match[0]}」在台灣說「{better}」：{line.strip()[:60]}")
    return found


@pytest.mark.parametrize("path", texts(), ids=lambda p: p.relative_to(checkout()).as_posix())
def test_prose_is_taiwans(path: Path):
    assert not complaints(path.read_text("utf-8"))


@pytest.mark.parametrize("text", ["这是简体字", "訓練算法", "數據很多", "支持 GPU", "過擬合了"])
def test_what_is_not_taiwans_is_found(text: str):
    assert complaints(text)


def test_words_that_only_look_alike_are_let_through():
    assert not complaints(EXAMPLES)
