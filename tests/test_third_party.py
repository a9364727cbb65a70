"""THIRD_PARTY.md is generated from the registry, is fresh, and leaves nothing out."""

import re
import subprocess
import sys

from dlbook import assets
from dlbook.paths import checkout

ROOT = checkout()
TEXT = (ROOT / "THIRD_PARTY.md").read_text("utf-8")


def test_it_is_what_the_registry_gives() -> None:
    command = [sys.executable, "tools/third_party.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout


def test_every_asset_has_its_licence_origin_and_hash() -> None:
    for asset in assets.registry().values():
        section = TEXT.split(f"\n### {asset.name}\n")[1].split("\n#")[0]
        for part in (asset.origin, asset.purpose, asset.sha256, asset.citation, asset.hub):
            assert part in section
        for licence in re.split(r" AND | OR ", asset.licence):
            assert f"LICENSES/{licence}.txt" in section


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_licence_text_is_listed() -> None:
    for path in (ROOT / "src/dlbook/data/LICENSES").iterdir():
        assert path.name in TEXT


def test_every_model_says_what_it_costs() -> None:
    table = TEXT.split("## 預訓練模型")[1].split("###")[0]
    for asset in assets.registry().values():
        if asset.bundle is None and not asset.name.endswith(("-config", "-tokenizer")):
            assert asset.model is not None, asset.name
            assert asset.model.ram_mb > 0, asset.name
            assert f"| {asset.name} | {asset.tier} |" in table
