"""Helpers: a trivial model repository, `pangaea up` as a child, and a look at what runs."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

CONFIG = """
name: "echo"
backend: "python"
max_batch_size: 8
input [{ name: "image" data_type: TYPE_UINT8 dims: [ 2 ] }]
output [{ name: "back" data_type: TYPE_UINT8 dims: [ 2 ] }]
instance_group [{ kind: KIND_CPU count: 1 }]
"""

MODEL = """
import triton_python_backend_utils as pb


class TritonPythonModel:
    def execute(self, requests):
        tensors = [pb.get_input_tensor_by_name(request, "image").as_numpy() for request in requests]
        return [pb.InferenceResponse([pb.Tensor("back", tensor)]) for tensor in tensors]
"""


def repository(folder: Path, code: str = MODEL) -> Path:
    """Write a repository of one python-backend model that gives back what it gets."""
    version = folder / "echo" / "1"
    version.mkdir(parents=True)
    (folder / "echo" / "config.pbtxt").write_text(CONFIG, encoding="utf-8")
    (version / "model.py").write_text(code, encoding="utf-8")
    return folder


def pangaea(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pangaea", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=dict(os.environ) | (env or {}),
    )


@contextmanager
def up(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `pangaea up` beside the test; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pangaea", "up", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as a terminal would have it: signals to this group are ours alone
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ready(process: subprocess.Popen[str], *, seconds: float = 60.0) -> dict[str, Any]:
    """Wait for the ready line of `pangaea up` and return it decoded."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], seconds)
    assert readable, "no ready line in time"
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    answer: dict[str, Any] = json.loads(line)
    return answer


def family(pid: int) -> list[psutil.Process]:
    """Every process under this one: java, tritonserver, the model stubs."""
    return psutil.Process(pid).children(recursive=True)


def until(condition: Callable[[], bool], *, seconds: float = 20.0) -> bool:
    """Poll until the condition holds or the time is over; whether it held."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def gone(processes: list[psutil.Process], *, seconds: float = 20.0) -> bool:
    """Whether all of these end within the time; a zombie that nobody has reaped counts as ended."""
    return until(lambda: not any(runs(process) for process in processes), seconds=seconds)


def runs(process: psutil.Process) -> bool:
    """Whether this very process still runs."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
