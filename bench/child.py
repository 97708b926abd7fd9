"""Instruments are processes of their own: how one is started, spoken to and heard, from both ends.

A line of JSON each way. The first that a child is told is its spec; each that it says has a `kind`. A child
whose standard input ends has lost its parent and ends too.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.surroundings import surroundings
from worker.errors import PangaeaError, Refuse

Document = dict[str, Any]

READY_SECONDS = 30.0
GRACE_SECONDS = 10.0
ALONE_SECONDS = 1.0
"""So long a child may take to end by itself when its input has ended, whatever it is at."""


class InstrumentError(Refuse):
    """An instrument, or the broker, failed: nothing is said of what was to be measured."""


class Child:
    """A running instrument, as its parent has it; leaving the `with` block ends it.

    Raises (from `hear`):
        InstrumentError: it ended, or said that it cannot go on, in one sentence.
    """

    def __init__(self, module: str, spec: Mapping[str, Any], *, log: Path) -> None:
        """Start `python -m module` with its spec; its standard error goes to the log."""
        self.name = module.rpartition(".")[2]
        self.progress: Document = {}
        self._log = log
        with log.open("ab") as errors:
            # A session of its own is, on Linux, a scheduling group of its own: the measured have theirs too.
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=surroundings(),
                start_new_session=True,
            )
        self._heard: queue.Queue[Document] = queue.Queue()
        threading.Thread(target=self._listen, name=self.name, daemon=True).start()
        self.tell(spec)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def tell(self, document: Mapping[str, Any]) -> None:
        """Say something to it; one that has ended is found out by `hear`."""
        assert self._process.stdin is not None  # noqa: S101 - for the type checker: it was opened as a pipe
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(document).encode() + b"\n")
            self._process.stdin.flush()

    def hear(self, kind: str, seconds: float) -> Document:
        """Return what it says of this kind, waiting so long; what it says of its progress is kept."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                said = self._heard.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise InstrumentError(
                    f"the {self.name} did not answer in {seconds:.0f} s: the machine is too busy, or its log"
                    f" {self._log} says why."
                ) from None
            if said["kind"] == kind:
                return said
            if said["kind"] == "error":
                raise InstrumentError(f"the {self.name} gave up: {said['why']}")

    def close(self, *, grace: float = GRACE_SECONDS) -> None:
        """End it: its input ends, and after so long without success it is killed."""
        assert self._process.stdin is not None  # noqa: S101 - as above
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # After an error, or Ctrl-C, nobody wants what it still might say.
        self.close(grace=GRACE_SECONDS if kind is None else 0.0)

    def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - as above
        for line in self._process.stdout:
            said: Document = json.loads(line)
            if said["kind"] == "progress":
                self.progress = said
            else:
                self._heard.put(said)
        self._heard.put({"kind": "error", "why": f"it ended, and its log {self._log} may say why."})


class Parent:
    """The parent, as a child has it: orders come in while it works."""

    def __init__(self) -> None:
        # Not sys.stdin: the interpreter cannot end while a thread waits inside its buffer.
        self._input = os.fdopen(os.dup(0), "rb", buffering=0)
        self._orders: queue.Queue[Document] = queue.Queue()
        self.changed = threading.Event()
        """Set from when an order, or the end, has come that was not yet taken."""
        self.gone = threading.Event()
        """Set when there will be no order any more."""
        threading.Thread(target=self._listen, name="parent", daemon=True).start()

    def say(self, kind: str, **more: object) -> None:
        """Say something."""
        sys.stdout.write(json.dumps({"kind": kind, **more}) + "\n")
        sys.stdout.flush()

    def order(self) -> Document | None:
        """Wait for the next order; None: there will be none any more."""
        order = self._orders.get()
        if self._orders.empty():
            self.changed.clear()
        return order or None

    def _listen(self) -> None:
        for line in self._input:
            self._orders.put(json.loads(line))
            self.changed.set()
        self._orders.put({})
        self.changed.set()
        self.gone.set()


def run(work: Callable[[Document, Parent], None], *, punctual: bool = False) -> None:
    """Be the child: take the spec and do the work; an error that was foreseen is told in its sentence.

    `punctual`: where the machine allows it, go before everything else that wants a core. It is for who
    does little and must do it on time: on a machine that is busy to the last core it would be late.
    """
    if punctual:
        # Before any thread is started: on Linux each has its own, and inherits it.
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(os.sched_get_priority_min(os.SCHED_RR)))
    parent = Parent()
    threading.Thread(target=_leave, args=(parent,), name="leave", daemon=True).start()
    spec = parent.order()
    if spec is None:
        return
    try:
        work(spec, parent)
    except PangaeaError as error:
        parent.say("error", why=str(error))
        sys.exit(1)


def _leave(parent: Parent) -> None:
    """End this process when its parent is gone: the work may hang, or never look."""
    parent.gone.wait()
    time.sleep(ALONE_SECONDS)
    os._exit(1)
