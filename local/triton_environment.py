"""Triton's own Python environment: made on first use from a lock, apart from ours (it pins numpy below 2)."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from local import environment
from local.install import Meter, once, silent
from worker.errors import Refuse

LOCK = Path(__file__).parent / "locks" / "triton.txt"
PYTHONS = ((3, 11), (3, 12))
"""The versions for which the server brings a stub and numpy 1.26 has wheels."""

GLIBC = (2, 35)
_NEEDS_MIB = 1_200
_STEPS = 4
_WHOSE = "Triton's"
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
    return environment.place("triton", LOCK)


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
    environment.create(staged, python, whose=_WHOSE)
    meter("Triton: packages (150 MB)", 1, _STEPS)
    environment.fill(staged, LOCK, whose=_WHOSE)
    meter("Triton: backend", 3, _STEPS)
    made = Environment(staged, _made_from(staged))
    tritonserver = made.server.parent.parent
    version = f"{made.python[0]}.{made.python[1]}"
    backend = made.backends / "python"
    shutil.copytree(tritonserver / "backends" / "python", backend)
    shutil.copy2(tritonserver / "python_backend_stubs" / version / "triton_python_backend_stub", backend)
    _ensure_loads(made, version)
    meter("Triton: ready", _STEPS, _STEPS)


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
