"""Renew the pinned and hashed requirement files: `python -m training.lock` (what `make lock` runs).

Each larger file is resolved with the smaller one as its constraint, so that a package has one version
everywhere. No index address is written into them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from training.places import ROOT
from worker.errors import Refuse

PYTHON = "3.11"
TRITON = ("nvidia-pytriton==0.7.0", "numpy<2", "openvino==2026.4.1")

JOB = ("grpcio", "numpy", "orjson", "pillow", "tritonclient")
"""What does the job itself in `bench/peers`: the worker's own versions, so that only the plumbing differs."""

PEERS = {
    "requirements": ("faststream[confluent]", "sentry-arroyo", "confluent-kafka"),
    # Newer versions of Kafka's client it does not allow, and the others need them.
    "requirements-quix": ("quixstreams>=3",),
}
"""The environments of the peers: the file's name in `bench/peers`, and what it is for."""

NNCF = ("nncf==3.4.0", "onnx", "onnxruntime")
"""What quantises the backbone, in an environment of its own; ONNX is read by the version that we have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """One requirement file: the extras that it holds and the smaller file that it agrees with."""

    name: str
    extras: tuple[str, ...]
    smaller: str | None


LOCKS = (
    Lock(name="worker", extras=("claim-check",), smaller=None),
    Lock(name="demo", extras=("claim-check", "local", "models", "build"), smaller="worker"),
    Lock(name="dev", extras=("claim-check", "local", "models", "bench", "build", "dev"), smaller="demo"),
    Lock(
        name="train",
        extras=("claim-check", "local", "models", "bench", "build", "dev", "train"),
        smaller="dev",
    ),
    Lock(
        name="tables",
        extras=("claim-check", "local", "models", "bench", "build", "dev", "tables"),
        smaller="dev",
    ),
)

TELEMETRY = "openvino-telemetry"
"""Required by openvino, which works without it: locks leave it out, and are installed with --no-deps."""


def command(lock: Lock, root: Path) -> list[str]:
    """The uv command that writes one of the project's requirement files.

    >>> command(LOCKS[1], Path("."))[-4:]
    ['-c', 'requirements/worker.txt', '-o', 'requirements/demo.txt']
    """
    folder = root / "requirements"
    extras = [part for extra in lock.extras for part in ("--extra", extra)]
    constraint = ["-c", str(folder / f"{lock.smaller}.txt")] if lock.smaller else []
    output = ["-o", str(folder / f"{lock.name}.txt")]
    return [*_compile(), "--universal", str(root / "pyproject.toml"), *extras, *constraint, *output]


def triton_command(wanted: Path, output: Path) -> list[str]:
    """The uv command that writes the lock of Triton's own environment: three packages, none of theirs.

    Without dependencies, since one of them is a telemetry client; the three run without the others.
    """
    return [*_compile(), "--no-deps", str(wanted), "-o", str(output)]


def apart_command(wanted: Path, same: Path, output: Path) -> list[str]:
    """The uv command that writes the lock of an environment apart, with what is in `same` in its versions."""
    return [*_compile(), "--universal", str(wanted), "-c", str(same), "-o", str(output)]


def pins(lock: str, names: Collection[str]) -> str:
    r"""The lines of a lock that pin these packages, without their hashes.

    >>> pins("numpy==2.4.6 \\\n    --hash=sha256:00\nrich==15.0.0 \\\n    --hash=sha256:11\n", ["numpy"])
    'numpy==2.4.6\n'
    """
    lines = [line.removesuffix("\\").strip() for line in lock.splitlines() if "==" in line and line[0] != " "]
    return "".join(f"{line}\n" for line in lines if line.partition("==")[0] in names)


def main() -> None:
    """Write every file.

    Raises:
        Refuse: uv is missing, or a resolution failed.
    """
    if shutil.which("uv") is None:
        raise Refuse("locking needs uv: install it with pip install uv.")
    for lock in LOCKS:
        _run(command(lock, ROOT), lock.name)
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "triton.in"
        wanted.write_text("\n".join(TRITON) + "\n", encoding="utf-8")
        _run(triton_command(wanted, ROOT / "local" / "locks" / "triton.txt"), "triton")
        for name, packages in PEERS.items():
            wants = (*packages, "tritonclient[grpc]", *JOB)
            _lock_apart(ROOT / "bench" / "peers" / f"{name}.txt", wants, Path(folder), same="worker")
        _lock_apart(ROOT / "training" / "engines" / "nncf.lock.txt", NNCF, Path(folder), same="demo")


def _lock_apart(output: Path, wants: Collection[str], folder: Path, *, same: str) -> None:
    """Lock an environment apart; what it wants and `same` has by name, it gets in the version there."""
    shared, wanted = folder / "same.txt", folder / "wanted.in"
    smaller = (ROOT / "requirements" / f"{same}.txt").read_text(encoding="utf-8")
    shared.write_text(pins(smaller, wants), encoding="utf-8")
    wanted.write_text("\n".join(wants) + "\n", encoding="utf-8")
    _run(apart_command(wanted, shared, output), output.stem)


def _compile() -> list[str]:
    options = ["--quiet", "--generate-hashes", "--no-annotate", "--no-header", "--python-version", PYTHON]
    return ["uv", "pip", "compile", *options, "--no-emit-package", TELEMETRY]


def _run(line: list[str], name: str) -> None:
    done = subprocess.run(line, check=False, capture_output=True, text=True)
    if done.returncode:
        told = done.stderr.strip().splitlines() or ["it gave no reason"]
        raise Refuse(f"{name} could not be locked: {told[-1].strip().rstrip('.')}.")
    sys.stdout.write(f"locked {name}\n")


if __name__ == "__main__":
    try:
        main()
    except Refuse as refusal:
        sys.exit(f"training.lock: {refusal}")
