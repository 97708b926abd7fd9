"""Triton's own Python environment: made on first use from a lock, apart from ours (it pins numpy below 2)."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from local.home import home
from local.install import Meter, once, silent
from local.leash import run
from worker.errors import Refuse

LOCK = Path(__file__).parent / "locks" / "triton.txt"
PYTHONS = ((3, 11), (3, 12))
"""The versions for which the server brings a stub and numpy 1.26 has wheels."""

GLIBC = (2, 35)
_NEEDS_MIB = 1_200
_STEPS = 4
_WITHOUT = "or go on without it: --no-triton"


@dataclass(frozen=True, slots=True)
class Environment:
    """A made environment and the Python that it was made from."""

    root: Path
    python: tuple[int, int]

    @property
    def site(self) -> Path:
        """Its site-packages."""
        return self.root / "lib" / f"python{self.python[0]}.{self.python[1]}" / "site-packages"

    @property
    def server(self) -> Path:
        """The tritonserver program."""
        return self.site / "pytriton" / "tritonserver" / "bin" / "tritonserver"

    @property
    def backends(self) -> Path:
        """The backend directory."""
        return self.root / "backends"

    def variables(self, base: dict[str, str]) -> dict[str, str]:
        """The environment variables under which the server finds its libraries and its Python."""
        cleaned = {name: value for name, value in base.items() if not name.startswith("PYTHON")}
        libraries = [str(self.site / "nvidia_pytriton.libs"), str(_library_folder(self.root))]
        return cleaned | {
            # The stub embeds Python and finds this environment by the first `python3` in PATH; PYTHONPATH
            # alone it does not read, but the processes that a model may start do.
            "PATH": os.pathsep.join([str(self.root / "bin"), base.get("PATH", os.defpath)]),
            "PYTHONPATH": str(self.site),
            "PYTHONNOUSERSITE": "1",
            "LD_LIBRARY_PATH": os.pathsep.join(libraries),
            # The engines of the embedded stack run on the CPU, wherever it is.
            "CUDA_VISIBLE_DEVICES": "",
        }


def folder() -> Path:
    """Where the environment lies, made or not."""
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    return home() / f"triton-{lock}"


def fetch(meter: Meter = silent) -> Environment:
    """Return the environment, making it if it is not there; no network is touched if it is.

    Raises:
        Refuse: this machine cannot run Triton, the download failed, or the disk is full.
    """
    python = supported()
    root = once(folder(), lambda staged: _make(staged, python, meter), needs_mib=_NEEDS_MIB)
    made = _made_from(root)
    return Environment(root, made)


def supported() -> Path:
    """The Python that Triton's environment is made from, when this machine can run it.

    Raises:
        Refuse: another processor or system than Linux on x86-64, an old glibc, no fitting Python or no
            libpython.
    """
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise Refuse(
            f"the embedded Triton needs Linux on x86-64 and this is {platform.system()} on "
            f"{platform.machine()}: run it on such a machine and set PANGAEA_TRITON__URL, {_WITHOUT}."
        )
    name, version = platform.libc_ver()
    if name != "glibc" or tuple(int(part) for part in version.split(".")[:2]) < GLIBC:
        raise Refuse(
            f"the embedded Triton needs glibc {GLIBC[0]}.{GLIBC[1]} and this system has "
            f"{name or 'another C library'} {version}: use Debian 12, Ubuntu 22.04 or newer, {_WITHOUT}."
        )
    if sys.version_info[:2] in PYTHONS:
        return Path(sys.executable)
    for major, minor in PYTHONS:
        found = shutil.which(f"python{major}.{minor}")
        if found:
            return Path(found)
    raise Refuse(
        "the embedded Triton needs Python 3.11 or 3.12 and neither was found: "
        f"install one (it may stand beside this one), {_WITHOUT}."
    )


def _make(staged: Path, python: Path, meter: Meter) -> None:
    meter("Triton: environment", 0, _STEPS)
    _run([str(python), "-m", "venv", str(staged)], "made")
    meter("Triton: packages (150 MB)", 1, _STEPS)
    # Without dependencies: the lock holds all that a server needs; telemetry packages are not among it.
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    quick = ["--disable-pip-version-check", "--retries", "2", "--no-input"]
    _run([str(staged / "bin" / "python"), *install, *quick, "-r", str(LOCK)], "filled")
    meter("Triton: backend", 3, _STEPS)
    environment = Environment(staged, _made_from(staged))
    tritonserver = environment.server.parent.parent
    version = f"{environment.python[0]}.{environment.python[1]}"
    backend = environment.backends / "python"
    shutil.copytree(tritonserver / "backends" / "python", backend)
    shutil.copy2(tritonserver / "python_backend_stubs" / version / "triton_python_backend_stub", backend)
    _ensure_loads(environment, version)
    meter("Triton: ready", _STEPS, _STEPS)


def _run(command: list[str], verb: str) -> None:
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
    raise Refuse(f"Triton's environment could not be {verb}; {reason}.")


def _made_from(root: Path) -> tuple[int, int]:
    folder = next((root / "lib").glob("python3.*"))
    major, _, minor = folder.name.removeprefix("python").partition(".")
    return int(major), int(minor)


def _library_folder(root: Path) -> Path:
    """Where the Python that the environment was made from keeps its libpython, if it has one of its own."""
    return (root / "bin" / "python").resolve().parent.parent / "lib"


def _ensure_loads(environment: Environment, version: str) -> None:
    """The stub links to libpython, which a Python built without --enable-shared lacks."""
    name = f"libpython{version}.so.1.0"
    if (_library_folder(environment.root) / name).exists():
        return
    try:
        ctypes.CDLL(name)
    except OSError as error:
        raise Refuse(
            f"the embedded Triton needs the library {name}: install it (Debian, Ubuntu: apt install "
            f"libpython{version}) or use a Python that brings it, {_WITHOUT}."
        ) from error
