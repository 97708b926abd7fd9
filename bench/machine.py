"""What a bench runs on: without it no figure means anything."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.cores import usable
from bench.figures import Machine
from bench.quota import granted

GIB = 1024**3
ROOT = Path(__file__).resolve().parent.parent
UNKNOWN = "unknown"


def examine(precision: str) -> Machine:
    """Return this machine as it is now; `precision` is what the engine says of itself."""
    return Machine(
        cores=usable(),
        quota=granted(),
        processor=_processor(),
        memory_gib=round(psutil.virtual_memory().total / GIB, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        precision=precision,
        commit=_commit(),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def engine_precision(triton: str, model: str = "continent") -> str:
    """Ask a running Triton (gRPC, host:port) for the precision that its engine states.

    Raises:
        tritonclient.utils.InferenceServerException: it does not answer, or does not serve the model.
    """
    from tritonclient.grpc import InferenceServerClient  # noqa: PLC0415 - 0.3 s, and Kafka alone needs none

    with InferenceServerClient(triton) as client:
        config = client.get_model_config(model).config
    stated = config.parameters.get("precision")
    return str(stated.string_value) if stated is not None else UNKNOWN


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _commit() -> str:
    """The checkout's commit, marked when it has changes; what is installed without one has its version."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude", "*"],
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
        )
    except OSError:
        return version("pangaea")
    return done.stdout.strip() if done.returncode == 0 else version("pangaea")
