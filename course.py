#!/usr/bin/env python3
"""課程的入口，只用標準函式庫；Makefile 的每個目標都呼叫它。

    python course.py setup              建立 .venv，安裝套件與小型資產
    python course.py run [課程…]        跑一課，驗證它的主張（預設 transformer_internals）
    python course.py test               跑全部檢查：風格、型別、分層、測試、筆記本、所有課程（先 make book，連網頁書一起測）
    python course.py test-assets        下載並測試所有預訓練模型（或一組：small、llm、speech）
    python course.py lab                開啟 JupyterLab，在 work/ 裡作答
    python course.py book               建立網頁書
    python course.py lock               更新 requirements.lock

setup 以外的命令會先確認 .venv 是最新的，不是就先做 setup。
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "dlbook-setup.txt"
DEFAULT_LESSON = "sequence_modeling/transformer_internals"
OLDEST_PYTHON = (3, 11)


def program(name: str, folder: Path = VENV) -> str:
    """A program installed in a virtual environment."""
    scripts, suffix = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
    return str(folder / scripts / (name + suffix))


def run(*command: str) -> int:
    """Run a command in the project's folder; its exit code."""
    return subprocess.call(command, cwd=ROOT)


def fingerprint() -> str:
    """Changes when the environment has to be set up again."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for path in (LOCK, ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def setup(extras: str = "dev,images,speech,tools") -> None:
    """Make .venv, install the locked versions, fetch the small assets."""
    print(f"建立環境 {VENV}（第一次約需數分鐘）…", flush=True)
    try:
        venv.create(VENV, with_pip=True, clear=STAMP.exists())
    except subprocess.CalledProcessError:
        sys.exit(
            "這個 Python 沒有 venv 或 pip。Debian／Ubuntu 請先執行 sudo apt install python3-venv。"
        )
    install(extras)
    if run(program("dlbook"), "assets", "get", "--tier", "small"):
        # One package that vanished must not keep a learner from all other lessons.
        print("有資產沒有下載成功（原因見上）；用得到它的課會再試一次，並說明怎麼取得。")
    STAMP.write_text(fingerprint(), encoding="utf-8")


def install(extras: str) -> None:
    """Install the project and its extras at the locked versions."""
    pip = [program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if run(*pip, "--constraint", str(LOCK), "--editable", f".[{extras}]"):
        sys.exit("安裝失敗（原因見上）。請確認網路連線，再執行一次 make setup。")


def ensure_setup() -> None:
    """Set up if .venv is missing or out of date."""
    if not STAMP.exists() or STAMP.read_text(encoding="utf-8") != fingerprint():
        setup()


def test() -> int:
    """Every check of the project; goes on after a failure and names what failed."""
    steps = {
        "程式風格": [program("ruff"), "check", "."],
        "程式排版": [program("ruff"), "format", "--check", "."],
        "型別": [program("ty"), "check", "--quiet"],
        "分層": [program("lint-imports"), "--no-cache"],
        "單元與對照測試": [program("python"), "-m", "pytest"],
        "筆記本與紀錄": [program("dlbook"), "build", "--check"],
        "所有課程": [program("dlbook"), "run", "--all"],
    }
    failed = []
    for name, command in steps.items():
        print(f"\n=== {name}：{' '.join([Path(command[0]).name, *command[1:]])}", flush=True)
        start = time.monotonic()
        if run(*command):
            failed.append(name)
        print(f"--- {name}：{time.monotonic() - start:.0f} 秒", flush=True)
    print(f"\n未通過：{'、'.join(failed)}" if failed else "\n全部通過。")
    return 1 if failed else 0


def check_assets(tier: str) -> int:
    """The tests that need pretrained weights, after fetching them."""
    command = ["-m", "pytest", "-m", "assets", "--assets", tier, "-rs"]
    return run(program("python"), *command)


def lock() -> int:
    """Resolve the newest versions in a fresh environment (torch stays) and write the lock file."""
    torch = re.search(r"^torch==.*$", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    if torch is None:
        sys.exit(f"{LOCK.name} 裡沒有 torch==…；先補上要用的版本。")
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "venv"
        venv.create(fresh, with_pip=True)
        python = program("python", fresh)
        if run(
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            torch[0],
            ".[dev,book,cluster,images,speech,tools]",
        ):
            return 1
        frozen = subprocess.check_output([python, "-m", "pip", "freeze"], text=True)
    lines = [re.sub(r"\+\w+$", "", x) for x in frozen.splitlines() if not x.startswith("dlbook")]
    header = "# python course.py lock 產生；setup 以 pip --constraint 使用。\n"
    LOCK.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"寫入 {LOCK.name}：{len(lines)} 個套件。")
    return 0


def main(arguments: list[str]) -> int:
    """Do one command; its exit code."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"需要 Python 3.11 以上，現在是 {sys.version.split()[0]}。")
    os.environ.setdefault("PYTHONUTF8", "1")
    command, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if command == "setup":
        setup()
        return 0
    if command == "lock":
        return lock()
    if command not in ("run", "test", "test-assets", "lab", "book"):
        print(__doc__)
        return 0 if command in ("help", "-h", "--help") else 2
    ensure_setup()
    if command == "test":
        return test()
    if command == "test-assets":
        return check_assets(rest[0] if rest else "all")
    if command == "run":
        return run(program("dlbook"), "run", *(rest or [DEFAULT_LESSON]))
    if command == "book":
        install("dev,images,speech,tools,book")
    return run(program("dlbook"), command, *rest)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
