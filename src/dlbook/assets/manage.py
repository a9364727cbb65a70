"""``dlbook assets``: list, get and verify."""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from dlbook.assets import (
    TIERS,
    Asset,
    AssetError,
    fetch,
    find,
    is_verified,
    readable_size,
    registry,
)

EVERYTHING = "all"


def print_json() -> None:
    """Every asset as an object."""
    entries = [
        {
            "name": asset.name,
            "tier": asset.tier,
            "size": asset.size,
            "sha256": asset.sha256,
            "licence": asset.licence,
            "present": is_verified(asset),
        }
        for asset in registry().values()
    ]
    print(json.dumps(entries, ensure_ascii=False, indent=1))


def print_table(console: Console) -> None:
    """Every asset: tier, size, licence, and whether it is here."""
    table = Table(show_edge=False, pad_edge=False)
    for name in ("資產", "組", "大小", "授權", "狀態", "用途"):
        table.add_column(name, overflow="fold", justify="right" if name == "大小" else "left")
    for asset in registry().values():
        state = "[green]已備妥[/green]" if is_verified(asset) else "尚未下載"
        row = (
            asset.name,
            asset.tier,
            readable_size(asset.size),
            asset.licence,
            state,
            asset.purpose,
        )
        table.add_row(*row)
    console.print(table)


def of_tier(tier: str) -> list[Asset]:
    """The assets of one tier, or of all; AssetError if there is no such tier."""
    if tier != EVERYTHING and tier not in TIERS:
        raise AssetError(f"沒有「{tier}」這一組資產；有 {'、'.join((*TIERS, EVERYTHING))}。")
    return [asset for asset in registry().values() if tier in (EVERYTHING, asset.tier)]


def get(names: Sequence[str], tier: str | None) -> None:
    """Fetch assets by name or tier, those that are not here yet."""
    if not names and tier is None:
        raise AssetError(
            "要下載哪些資產？例如 dlbook assets get --tier small；dlbook assets list 列出全部。"
        )
    wanted = [find(name) for name in names]
    wanted += of_tier(tier) if tier is not None else []
    missing = [asset for asset in wanted if not is_verified(asset)]
    if missing:
        sizes = "、".join(f"{asset.name} {readable_size(asset.size)}" for asset in missing)
        total = readable_size(sum(asset.size for asset in missing))
        print(f"需要下載 {len(missing)} 項，共 {total}：{sizes}。", flush=True)
    failures = []
    for asset in missing:  # one that can't be had doesn't keep the others away
        try:
            fetch(asset)
        except AssetError as error:
            failures.append(str(error))
    if failures:
        raise AssetError("\n".join(failures))
    print(f"{len(wanted)} 項資產都已備妥。")


def verify(console: Console) -> list[Asset]:
    """Hash every file that is here again; the damaged ones."""
    damaged = []
    for asset in registry().values():
        if not asset.local.exists():
            console.print(f"－ {asset.name}：尚未下載")
        elif is_verified(asset, thorough=True):
            console.print(f"[green]✓[/green] {asset.name}")
        else:
            damaged.append(asset)
            console.print(f"[red]✗ {asset.name}：內容不符[/red]（{asset.local}）{_remedy(asset)}")
    return damaged


def _remedy(asset: Asset) -> str:
    if asset.bundle is not None:
        return "請用 git checkout 還原，或重新安裝 dlbook。"
    return f"請執行 dlbook assets get {asset.name} 重新下載。"
