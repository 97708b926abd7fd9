"""A Python environment of its own, made from a hashed lock, for what cannot share ours."""

from __future__ import annotations

import hashlib
from pathlib import Path

from local.home import home
from local.leash import run
from worker.errors import Refuse

_INSTALL = ("-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:")
_QUICK = ("--disable-pip-version-check", "--retries", "2", "--no-input")


def place(name: str, lock: Path) -> Path:
    """Where the environment of this name and lock lies, made or not."""
    return home() / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"


def create(staged: Path, python: Path, *, whose: str) -> None:
    """Make an empty environment from this Python in an existing folder.

    Raises:
        Refuse: `whose` environment could not be made, and why.
    """
    _run([str(python), "-m", "venv", str(staged)], whose, "made")


def fill(staged: Path, lock: Path, *, whose: str) -> None:
    """Install what the lock names, and nothing that it does not.

    Raises:
        Refuse: `whose` environment could not be filled, and why.
    """
    # Without dependencies: the lock holds all that is needed; telemetry packages are not among it.
    _run([str(staged / "bin" / "python"), *_INSTALL, *_QUICK, "-r", str(lock)], whose, "filled")


def _run(command: list[str], whose: str, verb: str) -> None:
    done = run(command)
    if done.returncode == 0:
        return
    told = f"{done.stdout}\n{done.stderr}"
    if "No space left on device" in told:
        reason = f"the disk under {home()} is full: free some space, or point PANGAEA_HOME at a larger disk"
    elif "HASHES" in told or "hashes" in told:
        reason = "a package is not the locked one: try another mirror (pip's settings name it)"
    elif "No matching distribution" in told or "onnection" in told or "timed out" in told or "roxy" in told:
        reason = "a package could not be downloaded: check the network and pip's settings, and run it again"
    else:
        lines = [line for line in told.splitlines() if line.strip()] or ["no word"]
        reason = f"{lines[-1].strip().rstrip('.')}: mend that and run it again"
    raise Refuse(f"{whose} environment could not be {verb}; {reason}.")
