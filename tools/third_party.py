"""Write THIRD_PARTY.md from the registry of assets.

python tools/third_party.py            rewrite THIRD_PARTY.md
python tools/third_party.py --check    exit 1 and show the difference if it is out of date
"""

import re
import sys

from readme import README, table, write_or_check

from dlbook import assets, paths
from dlbook.assets import Asset, readable_size

TARGET = README.with_name("THIRD_PARTY.md")
LICENCES = "src/dlbook/data/LICENSES"

HEAD = """# 第三方的資料、模型與字型

這個檔案由 `python tools/third_party.py` 從 [registry.toml](src/dlbook/assets/registry.toml) 產生，請不要手改。

課程的程式與課文採 MIT 授權；下列的資料、模型與字型各有自己的授權，條文都在
[src/dlbook/data/LICENSES](src/dlbook/data/LICENSES)。要轉載或改作其中任何一項，請依它的授權標示出處。
「隨附」的檔案由 `tools/` 裡的腳本製成，同一資料夾的 PROVENANCE.json 記著輸入與輸出的 sha256；其餘的檔案在用到時才下載，不隨課程散布。
"""

INSTALLED = """## 隨安裝的套件而來

| 名稱 | 授權 | 來源 |
| --- | --- | --- |
| digits | BSD-3-Clause | scikit-learn 的 `load_digits`；原始資料 UCI Optical Recognition of Handwritten Digits（CC BY 4.0） |
| avatars | CC0-1.0 | 以 dicebear-core 與 dicebear-styles（MIT）在本機繪製；六種畫風都是 CC0 1.0 |
"""

MATH_FONT = """### dl-math

網頁書的數學字型 [book/static/fonts](book/static/fonts/LICENSE.txt)：Latin Modern Math 的子集，由 `tools/make_math_font.py` 從 Debian 的 fonts-lmodern 製成並改名。授權 GUST Font License（LPPL 1.3c 的一種）。
"""


def document() -> str:
    """The whole file."""
    everything = list(assets.registry().values())
    models = [asset for asset in everything if asset.model]
    fonts = [asset for asset in everything if asset.name.startswith("font-")]
    data = [asset for asset in everything if asset not in models and asset not in fonts]
    parts = [
        HEAD,
        f"## 預訓練模型\n\n{model_table(models)}\n",
        *[details(asset) for asset in models],
        f"## 資料\n\n{data_table(data)}\n",
        *[details(asset) for asset in data],
        INSTALLED,
        "## 字型\n",
        *[details(asset) for asset in fonts],
        MATH_FONT,
        f"## 授權條文\n\n{licence_list(everything)}\n",
    ]
    return "\n".join(parts)


def model_table(models: list[Asset]) -> str:
    """Names, licences, sizes and memory in one place."""
    rows = []
    for asset in models:
        if (model := asset.model) is None:
            continue
        parameters = f"{model.parameters / 1e6:.1f} M"
        memory = f"{model.ram_mb:,} MB"
        row = (asset.name, asset.tier, parameters, readable_size(asset.size), memory, asset.licence)
        rows.append((*row, f"`{model.full}`" if model.full else "—"))
    head = ("名稱", "組", "參數", "下載", "載入後的記憶體", "授權", "full 設定檔用")
    return table(head, rows)


def data_table(data: list[Asset]) -> str:
    """Names, licences and sizes."""
    rows = [
        (
            asset.name,
            "隨附" if asset.bundle else asset.tier,
            readable_size(asset.size),
            asset.licence,
        )
        for asset in data
    ]
    return table(("名稱", "組", "大小", "授權"), rows)


def details(asset: Asset) -> str:
    """Origin, citation and content of one asset."""
    lines = [f"### {asset.name}\n", asset.purpose + "。", "", f"- 出處：{asset.origin}"]
    if asset.citation:
        lines.append(f"- 引用：{asset.citation}")
    if asset.hub:
        lines.append(f"- 模型庫：`{asset.hub}`")
    links = "、".join(f"[{name}]({LICENCES}/{name}.txt)" for name in terms(asset))
    lines += [f"- 授權：{links}", f"- sha256：`{asset.sha256}`", ""]
    return "\n".join(lines)


def terms(asset: Asset) -> list[str]:
    """The licences of an SPDX expression."""
    return re.split(r" AND | OR ", asset.licence)


def licence_list(everything: list[Asset]) -> str:
    """Each licence, and what is under it."""
    names = sorted({name for asset in everything for name in terms(asset)})
    lines = [
        f"- [{name}]({LICENCES}/{name}.txt)：{'、'.join(a.name for a in everything if name in terms(a))}"
        for name in names
    ]
    credits = sorted(
        path.name for path in (paths.DATA / "LICENSES").glob("*.txt") if path.stem not in names
    )
    links = "、".join(f"[{name}]({LICENCES}/{name})" for name in credits)
    return "\n".join([*lines, f"- 逐項的作者與出處：{links}"])


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, document(), "tools/third_party.py", sys.argv[1:]))
