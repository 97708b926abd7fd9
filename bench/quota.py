"""The share of the processors that a control group grants: what `--cpus` or a pod's limit leaves of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple


class _Hierarchy(NamedTuple):
    """Where the kernel shows control groups, which of them lies at the top there, and whether it is v2."""

    place: Path
    top: PurePosixPath
    unified: bool


def granted(root: Path = Path("/")) -> float | None:
    """Return how many processors' time this process may use (quota ÷ period); None: as much as there is.

    Every group above grants to those below: the least of them counts. `root` is where /proc and /sys are.
    Sources: the kernel's admin-guide/cgroup-v2.rst (`cpu.max`), scheduler/sched-bwc.rst (v1).
    """
    quotas = [quota for folder, unified in _folders(root) if (quota := _quota(folder, unified)) is not None]
    return min(quotas, default=None)


def _folders(root: Path) -> Iterator[tuple[Path, bool]]:
    """The folder of each group that this process is in, and of those above as far as they can be seen."""
    own = {
        "cpu" if "cpu" in controllers.split(",") else controllers: PurePosixPath(path)
        for _, controllers, path in (line.split(":", 2) for line in _lines(root / "proc/self/cgroup"))
    }
    for hierarchy in _hierarchies(root):
        # Of v2 there is one hierarchy, and it is listed without controllers.
        path = own.get("" if hierarchy.unified else "cpu")
        if path is None:
            continue
        # In a container the group at the top is often its own, whatever it is called outside.
        below = path.relative_to(hierarchy.top) if path.is_relative_to(hierarchy.top) else PurePosixPath()
        for part in (below, *below.parents):
            yield hierarchy.place / part, hierarchy.unified


def _hierarchies(root: Path) -> Iterator[_Hierarchy]:
    """Those that may have a quota; the format is that of proc(5), /proc/pid/mountinfo."""
    for line in _lines(root / "proc/self/mountinfo"):
        mount, _, more = line.partition(" - ")
        top, place = (_plain(field) for field in mount.split(" ")[3:5])
        kind, _, options = more.split(" ", 2)
        if kind == "cgroup2" or (kind == "cgroup" and "cpu" in options.split(",")):
            yield _Hierarchy(root / place.lstrip("/"), PurePosixPath(top), kind == "cgroup2")


def _quota(folder: Path, unified: bool) -> float | None:
    files = ["cpu.max"] if unified else ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
    words = [word for name in files for line in _lines(folder / name) for word in line.split()]
    # No file: the group at the very top has none. "max" and -1: no limit.
    if len(words) != 2 or not all(word.isdecimal() and int(word) for word in words):  # noqa: PLR2004 - a pair
        return None
    quota, period = map(int, words)
    return quota / period


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _plain(field: str) -> str:
    r"""Return a path of mountinfo as it is.

    >>> _plain(r"/a\040b")
    '/a b'
    """
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)
