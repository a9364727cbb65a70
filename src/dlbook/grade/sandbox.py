"""Shut a process in: what it may see, use and reach. Linux only; called in a forked child.

With namespaces (as root, or as an ordinary user where the kernel lets users have their own) the
process sees the system and the folders it needs, read-only and without the hidden ones, a small
folder of its own, none of the other processes and no network. Memory is limited by process; System V
shared memory is closed only where the kernel lets us (as root). Without them only the limits and, for root, the other user remain:
``missing`` tells, so that the grader can say it.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 442, -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID = 1, 2
CAPABILITY_VERSION_3 = 0x20080522
NOBODY = 65534
# What programs need of the disk; nobody's work lies there.
SYSTEM = {
    "bin",
    "dev",
    "etc",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "nix",
    "proc",
    "sbin",
    "sys",
    "usr",
}

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Limits:
    """For one exercise: seconds of computing and of waiting; megabytes of memory of a process and of
    a file; processes."""

    cpu: int = 20
    wall: float = 40.0
    memory_mb: int = 2000
    file_mb: int = 32
    processes: int = 32


def namespaces() -> int:
    """The namespaces that a sandbox uses here."""
    flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
    return flags if os.geteuid() == 0 else flags | CLONE_NEWUSER


def missing() -> str | None:
    """Why full isolation can't be had on this machine; None when it can. Tried in a child."""
    with tempfile.TemporaryDirectory(prefix="dlbook-try-") as home:
        child = os.fork()
        if child == 0:
            _try(Path(home))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return os.strerror(code) if code else None


def _try(home: Path) -> None:
    """Enter, and end with the number of the error, 0 if there was none."""
    try:
        enter(home, [], [Path(sys.base_prefix), Path(sys.prefix)], Limits(), isolated=True)
        os._exit(0)
    except OSError as error:
        os._exit(error.errno or 1)
    finally:  # whatever else happened, this process must not go on as the grader
        os._exit(1)


def enter(
    home: Path,
    hidden: list[Path],
    needed: list[Path],
    limits: Limits,
    *,
    isolated: bool,
    user: int = NOBODY,
) -> None:
    """From here on the process is shut in. It must have no threads. Returns in a child of its own.

    ``needed`` are folders that the process must be able to read even as another user; ``user`` is
    who it becomes when started by root (the kernel counts processes by user).

    Raises:
        OSError: a step failed; the process must then not run anything of a learner's.
    """
    os.setsid()
    uid, gid = os.geteuid(), os.getegid()
    if isolated:
        _check(_libc.unshare(namespaces()), "unshare")
        if uid:
            _map_user(uid, gid)
        with contextlib.suppress(OSError):  # older kernels keep it from ordinary users
            Path("/proc/sys/kernel/shmall").write_text("0")  # memory that no limit counts
        _wait_for_a_child()  # the first child is process 1 of the new namespace: when it ends, all end
        _mount(home, hidden, needed)
    os.chdir(home)
    _limit(limits)
    if uid == 0:
        _become(user)
    elif isolated:
        _drop_capabilities()
    for option, value in (
        (PR_SET_NO_NEW_PRIVS, 1),
        (PR_SET_DUMPABLE, 0),
        (PR_SET_PDEATHSIG, signal.SIGKILL),
    ):
        _check(_libc.prctl(option, value, 0, 0, 0), "prctl")


def become_ordinary(needed: list[Path]) -> None:
    """For tests started as root: go on as a user without privileges who can read ``needed``."""
    _check(_libc.unshare(CLONE_NEWNS), "unshare")
    _call_mount("none", "/", None, MS_REC | MS_PRIVATE)
    _cover(needed, always=[])
    _become(NOBODY)


def _become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _drop_capabilities() -> None:
    """Give up what an owner of a user namespace may do in it: mounting, above all."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def _map_user(uid: int, gid: int) -> None:
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    Path("/proc/sys/user/max_user_namespaces").write_text("0")  # none inside this one


def _wait_for_a_child() -> None:
    """Go on in a child; the parent only waits and ends as it ended."""
    child = os.fork()
    if child == 0:
        return
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(status if status >= 0 else 128 - status)


def _mount(home: Path, hidden: list[Path], needed: list[Path]) -> None:
    """The system and what is needed, read-only, without the solutions; one small place to write."""
    _call_mount("none", "/", None, MS_REC | MS_PRIVATE)
    _call_mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV)
    _cover(needed, always=[*_own_folders(), Path("/dev/shm")])
    for folder in hidden:
        if folder.is_dir():
            _call_mount("tmpfs", str(folder), "tmpfs", MS_NOSUID, "size=4k,mode=0755")
    home.mkdir(parents=True, exist_ok=True)  # gone if it was in /tmp
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0, 0)
    size = ctypes.sizeof(attributes)
    result = _libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, b"/", AT_RECURSIVE, attributes, size)
    _check(result, "mount_setattr")
    _call_mount("tmpfs", str(home), "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=0777")


def _own_folders() -> list[Path]:
    """The folders at the top of the disk that don't belong to the system: homes, projects, /tmp."""
    return [
        path
        for path in sorted(Path("/").iterdir())
        if path.name not in SYSTEM and path.is_dir() and not path.is_symlink()
    ]


def _cover(needed: list[Path], always: list[Path]) -> None:
    """Cover folders with empty ones, and put back what is needed of them, and nothing else.

    Covered are ``always`` (where others leave files), and every folder that only its owner may enter
    and that holds something needed (Python in /root, say).
    """
    covered: dict[Path, list[Path]] = {folder: [] for folder in always if folder.is_dir()}
    for folder in dict.fromkeys(path.resolve() for path in needed):
        for ancestor in reversed(folder.parents):
            if ancestor in covered or not ancestor.stat().st_mode & 0o001:
                covered.setdefault(ancestor, []).append(folder)
                break
    for folder, inside in covered.items():
        handles = [os.open(path, os.O_PATH) for path in inside]
        _call_mount("tmpfs", str(folder), "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0755")
        for path, handle in zip(inside, handles, strict=True):
            path.mkdir(parents=True, exist_ok=True)
            _call_mount(f"/proc/self/fd/{handle}", str(path), None, MS_BIND | MS_REC)
            os.close(handle)


def _call_mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    encode = lambda text: None if text is None else text.encode()  # noqa: E731
    result = _libc.mount(encode(source), encode(target), encode(kind), flags, encode(data))
    _check(result, f"mount {target}")


def _limit(limits: Limits) -> None:
    mb = 1024 * 1024
    now = _virtual_memory()
    for what, most in (
        (resource.RLIMIT_CPU, limits.cpu),
        (resource.RLIMIT_AS, now + limits.memory_mb * mb),
        (resource.RLIMIT_FSIZE, limits.file_mb * mb),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_NOFILE, 128),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _virtual_memory() -> int:
    """Bytes of address space that the process has already (libraries, mostly)."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
