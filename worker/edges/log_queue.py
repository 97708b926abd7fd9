"""The way out for log lines: a bounded queue and one thread that writes, so that nobody waits for a reader.

A log collector that stops reading fills its pipe, and a write to a full pipe blocks: on the polling thread
that would be the end of the group's membership. Here it blocks the writing thread alone; when the queue is
full, lines are dropped and counted.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time

import orjson

from worker.edges.metrics import Metrics

FLUSH_SECONDS = 1.0
"""How long an end waits for its last lines."""

LOOK_SECONDS = 0.005


class LogQueue:
    """Lines on their way to a file descriptor, in order; safe for any thread.

    Args:
        handle: the descriptor that is written to, usually 2: standard error.
        limit: the most lines that wait.
        metrics: told how many wait and how many were dropped.
    """

    def __init__(self, handle: int, limit: int, metrics: Metrics) -> None:
        self._handle = handle
        self._metrics = metrics
        self._lines: queue.Queue[bytes] = queue.Queue(limit)
        self._count = threading.Lock()
        self._dropped = 0
        self._gone = False
        metrics.log_queue.set_function(self._lines.qsize)
        metrics.log_queue_limit.set(limit)
        threading.Thread(target=self._serve, name="log", daemon=True).start()

    def put(self, line: bytes) -> None:
        """Take one line, without its end; never blocks."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._drop()

    # What structlog calls, by level; which levels come this far is decided before.
    debug = info = warning = error = critical = put

    def flush(self, seconds: float = FLUSH_SECONDS) -> bool:
        """Wait until all that was put is written, at most so long; False when it is not.

        Takes no lock, so that a signal's handler may call it.
        """
        deadline = time.monotonic() + seconds
        while self._lines.unfinished_tasks:
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def close(self) -> None:
        """Write what is left. Where nobody takes it, nobody shall wait for later words either.

        Those of the command line are written without this queue, and would block for ever: they go nowhere.
        """
        if not self.flush() or self._gone:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._handle)
            os.close(nowhere)

    def _serve(self) -> None:
        while True:
            self._write(self._lines.get())
            if self._dropped and not self._gone and self._lines.empty():
                self._write(self._said())
            self._lines.task_done()

    def _write(self, line: bytes) -> None:
        data = memoryview(line + b"\n")
        try:
            while data:
                # Not through sys.stderr: its lock, held by a thread that is blocked, would stop the exit too.
                data = data[os.write(self._handle, data) :]
            self._gone = False
        except OSError:
            # Nobody is there to read it. A worker does not end for want of an audience.
            self._gone = True
            self._drop()

    def _drop(self) -> None:
        with self._count:
            self._dropped += 1
        self._metrics.log_lines_dropped.inc()

    def _said(self) -> bytes:
        """Return the line that tells of the dropped ones."""
        with self._count:
            count, self._dropped = self._dropped, 0
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return orjson.dumps(
            {"count": count, "event": "log_lines_dropped", "level": "warning", "timestamp": now}
        )


def standard_error() -> int:
    """Return the descriptor of standard error; of nowhere when the process was started without one.

    Then the number 2 is anybody's: some socket's, by now.
    """
    return sys.stderr.fileno() if sys.stderr is not None else os.open(os.devnull, os.O_WRONLY)
