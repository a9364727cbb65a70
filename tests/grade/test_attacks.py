"""Whatever a learner's code does, there is a score and a reason, and never an undeserved pass."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dlbook.grade import grading, sandbox
from dlbook.grade.score import Mark
from dlbook.paths import PACKAGE, checkout

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="沙箱只在 Linux 上")

EXERCISE = "foundations/environment_setup/matmul_intensity"
RIGHT = "    return 2 * m * k * n / (itemsize * (m * k + k * n + m * n))\n"
HEAD = "def matmul_intensity(m, k, n, itemsize):\n"
SECRET = PACKAGE / "exercises/foundations/environment_setup.py"
LIMITS = sandbox.Limits(cpu=5, wall=8, memory_mb=1000, processes=32)

# What a learner might try: the code, and what the reason says ("" where the answer is right).
ATTACKS = {
    "right": (HEAD + RIGHT, ""),
    "infinite loop": (HEAD + "    while True: pass\n", "時間|停下來"),
    "sleeps": (HEAD + "    import time; time.sleep(60)\n", "超過 8 秒"),
    "fork bomb": ("import os\n" + HEAD + "    while True: os.fork()\n", "."),
    "thread bomb": (
        "import threading, time\n"
        + HEAD
        + "    while True: threading.Thread(target=time.sleep, args=(99,)).start()\n",
        "RuntimeError|can't start|時間|停下來",
    ),
    "all the memory": (HEAD + "    return [0] * 10**10\n", "記憶體|MemoryError"),
    "a huge answer": (HEAD + "    return 'x' * 400_000_000\n", "MB|要傳回一個數|記憶體"),
    "prints without end": (HEAD + "    while True: print('x' * 10**6)\n", "時間|停下來"),
    "fills the disk": (
        HEAD + "    open('a', 'wb').write(b'x' * 10**9)\n",
        "OSError|File too large|No space|記憶體|異常結束",
    ),
    "sys.exit": ("import sys\n" + HEAD + "    sys.exit(0)\n", "SystemExit"),
    "os._exit": ("import os\n" + HEAD + "    os._exit(0)\n", "沒有交出結果|不完整"),
    "segfault": ("import ctypes\n" + HEAD + "    ctypes.string_at(0)\n", "異常結束|SIGSEGV"),
    "kills its parents": (
        "import os\n" + HEAD + "    [os.kill(p, 9) for p in (os.getppid(), -1)]\n    return 0\n",
        ".",
    ),
    "not Python": ("def matmul_intensity(:\n", "讀不懂"),
    "no such function": ("x = 1\n", "找不到 matmul_intensity"),
    "returns itself": (HEAD + "    return matmul_intensity\n", "普通的資料"),
    "a number that says yes to everything": (
        "class Yes(float):\n"
        "    __eq__ = __ge__ = __le__ = __gt__ = __lt__ = lambda a, b: True\n"
        "    __hash__ = float.__hash__\n" + HEAD + "    return Yes(1)\n",
        "普通的資料",
    ),
    "patches the verifier": (
        "import math, builtins\nmath.isclose = lambda *a, **k: True\n"
        "builtins.AssertionError = KeyError\n"
        "import dlbook.exercise\ndlbook.exercise.Exercise.objection = lambda *a: None\n"
        + HEAD
        + "    return 1.0\n",
        "強度是",
    ),
    "patches the codec": (
        "from dlbook.grade import codec\n"
        "codec._encode = lambda *a: {'eval': 'exit()'}\n" + HEAD + "    return 1.0\n",
        "不完整|被改過",
    ),
    "forges an answer that takes for ever to read": (
        "from dlbook.grade import codec\n"
        "entries = ', '.join('{\"int\": \"%d\"}' % (k * (2**61 - 1)) for k in range(80_000))\n"
        "codec.json = type('J', (), {'loads': lambda s: 1.0, 'dumps': lambda *a, **k: "
        '\'{"list": [{"list": ["output", {"set": [\' + entries + \']}]}]}\'})\n'
        + HEAD
        + "    return 1.0\n",
        "檢查你的答案花了太久",
    ),
    "forges more than can be held": (
        "from dlbook.grade import codec\n"
        "codec.json = type('J', (), {'loads': lambda s: 1.0, 'dumps': lambda *a, **k: "
        "'[' + '[],' * 30_000_000 + '[]]'})\n"
        "codec.MOST_STRUCTURE = 10**9\n" + HEAD + "    return 1.0\n",
        "不完整|被改過|記憶體",
    ),
    "odd characters in an error": (
        HEAD + "    raise ValueError('\\ud800 \\x1b[2J\\n' * 999)\n",
        "ValueError",
    ),
    "sees the rest of the course": (
        "import os\n"
        + HEAD
        + f"    found = set(os.listdir({str(checkout())!r})) - {{'.venv', 'src'}}\n"
        "    assert not found, found\n" + RIGHT,
        "",
    ),
    "answers for all": (
        "import os\n"
        "for fd in range(3, 200):\n"
        "    try: os.write(fd, b'[[\"output\", 1]]')\n"
        "    except OSError: pass\n" + HEAD + RIGHT,
        "不完整|被改過|找不到",
    ),
    "imports the solutions": (
        "import sys\n"
        f"sys.path.insert(0, {str(PACKAGE.parent)!r})\n"
        "for name in [m for m in sys.modules if m.startswith('dlbook')]: del sys.modules[name]\n"
        "from dlbook.exercises.foundations.environment_setup import matmul_intensity as m2\n"
        "matmul_intensity = m2.reference\n",
        "ModuleNotFoundError|ImportError|找不到",
    ),
    "reads the solutions": (
        HEAD + f"    open({str(SECRET)!r}).read()\n" + RIGHT,
        "FileNotFoundError|PermissionError",
    ),
    "searches the disk": (
        "import os\n" + HEAD + "    found = []\n"
        "    for top, folders, files in os.walk('/'):\n"
        "        if top == '/': folders[:] = set(folders) - {'proc', 'sys', 'usr'}\n"
        "        found += [os.path.join(top, f) for f in files if f.startswith('environment_setup.')]\n"
        "    assert not found, found\n" + RIGHT,
        "",
    ),
    "reads the grader's memory": (
        "import os\n"
        + HEAD
        + "    others = [p for p in os.listdir('/proc') if p.isdigit() and int(p) != os.getpid()]\n"
        "    for p in others:\n"
        "        try: open(f'/proc/{p}/mem', 'rb'); return 'open'\n"
        "        except OSError: pass\n"
        "    assert len(others) <= 1, others\n" + RIGHT,
        "",
    ),
    "goes on the net": (
        "import socket\n" + HEAD + "    socket.create_connection(('127.0.0.1', 1), 1)\n",
        "Network is unreachable|Connection refused|OSError",
    ),
    "writes into the course": (
        HEAD + f"    open({str(checkout() / 'README.md')!r}, 'a')\n" + RIGHT,
        "Read-only|PermissionError",
    ),
    "mounts the solutions back": (
        "import ctypes\n" + HEAD + "    libc = ctypes.CDLL(None)\n"
        f"    assert libc.umount({str(SECRET.parent.parent)!r}.encode()) != 0\n"
        "    assert libc.unshare(0x20000) != 0\n" + RIGHT,
        "",
    ),
    "mounts them back in a namespace of its own": (
        "import ctypes, os\n" + HEAD + "    libc = ctypes.CDLL(None)\n"
        "    libc.unshare(0x10020000)\n"
        f"    libc.umount2({str(SECRET.parent.parent)!r}.encode(), 2)\n"
        f"    assert not os.path.exists({str(SECRET)!r})\n" + RIGHT,
        "",
    ),
    "raises something odd": (
        "class E(BaseException):\n    def __str__(self): raise E\n" + HEAD + "    raise E\n",
        ".",
    ),
    "recursion without end": (HEAD + "    return matmul_intensity(m, k, n, itemsize)\n", "."),
    "leaves a thread behind": (
        "import threading, time\n"
        + HEAD
        + "    threading.Thread(target=time.sleep, args=(99,)).start()\n"
        + RIGHT,
        "",
    ),
}


if os.geteuid() == 0:  # an ordinary user may not set the limit, on this kernel
    ATTACKS["shared memory that no limit counts"] = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        + HEAD
        + "    assert libc.shmget(0, 100_000_000, 0o1600) < 0\n"
        + RIGHT,
        "",
    )


def notebook(answer: str) -> str:
    content = json.loads(
        (checkout() / "notebooks/foundations/environment_setup.ipynb").read_text("utf-8")
    )
    cells = content["cells"]
    content["cells"] = [
        cell | {"source": answer}
        for cell in cells
        if cell["metadata"].get("dlbook", {}).get("exercise") == EXERCISE
    ]
    return json.dumps(content)


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Mark]:
    """All attacks, graded in one go by two workers, as a teacher would."""
    if reason := sandbox.missing():
        pytest.skip(f"這台機器不能完全隔離：{reason}")
    folder = tmp_path_factory.mktemp("submissions")
    files = []
    for name, (answer, _) in ATTACKS.items():
        file = folder / f"{name}.ipynb"
        file.write_text(notebook(answer), "utf-8")
        files.append((name, file))
    scores = grading.grade(files, jobs=2, limits=LIMITS, seed=5)
    assert [score.student for score in scores] == list(ATTACKS)
    return {
        score.student: next(mark for mark in score.marks if mark.exercise == EXERCISE)
        for score in scores
    }


@pytest.mark.parametrize("name", ATTACKS)
def test_there_is_a_score_and_a_reason(marks: dict[str, Mark], name: str) -> None:
    import re

    mark, reason = marks[name], ATTACKS[name][1]
    if reason:
        assert mark.status == "wrong"
        assert re.search(reason, mark.reason), mark.reason
    else:
        assert (mark.status, mark.reason) == ("passed", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="已經是一般使用者")
def test_the_same_as_an_ordinary_user(tmp_path: Path) -> None:
    """Drop privileges, then run this very file again."""
    tmp_path.chmod(0o777)
    for parent in list(tmp_path.parents)[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)

    def drop() -> None:
        sandbox.become_ordinary([Path(sys.base_prefix), Path(sys.prefix), checkout()])

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__,
         f"--basetemp={tmp_path / 'run'}"],
        preexec_fn=drop, capture_output=True, text=True, timeout=500, check=False, cwd=checkout(),
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert done.stdout.count(".") >= len(ATTACKS) - 1
