"""`pangaea up`: hold a stack until told to end, or for as long as a command runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TextIO

from local.leash import launch_here
from local.progress import shown
from local.signals import Signalled, raised
from local.stack import Options, Stack
from worker.errors import Refuse

_LOOK_S = 0.5
_GRACE_S = 10.0


def hold(options: Options, command: list[str]) -> int:
    """Start the stack, say so in one JSON line, hold it, stop it; return the exit code.

    Without a command it lasts until SIGINT, SIGTERM or SIGHUP, and the line goes to standard output. With
    one it lasts as long as the command, whose standard output stays its own: the line goes to standard error.

    Raises:
        Refuse: the stack did not start, or a part of it ended by itself.
    """
    ready = False
    try:
        with raised():
            with shown() as meter:
                stack = Stack.start(options, meter=meter)
            with stack:
                # Before the line is out: whoever reads it may end this process at once.
                ready = True
                _announce(stack, sys.stderr if command else sys.stdout)
                return _accompany(stack, command) if command else _wait(stack)
    except Signalled as asked:
        return 0 if ready else asked.exit_code


def ready_line(stack: Stack) -> str:
    """Where everything is, as one line of JSON."""
    alone = stack.server is None
    return json.dumps(
        {
            "kafka": stack.kafka,
            "triton": None if alone else stack.triton,
            "metrics": None if alone else stack.metrics,
            "logs": str(stack.logs),
        }
    )


def _announce(stack: Stack, stream: TextIO) -> None:
    print(ready_line(stack), file=stream, flush=True)


def _wait(stack: Stack) -> int:
    while True:
        time.sleep(_LOOK_S)  # a signal ends it
        stack.check()


def _accompany(stack: Stack, command: list[str]) -> int:
    env = dict(os.environ) | {"PANGAEA_KAFKA__BOOTSTRAP": stack.kafka}
    if stack.server is not None:
        env["PANGAEA_TRITON__URL"] = stack.triton
    process = launch_here(command, env=env)
    try:
        while True:
            try:
                return _exit_code(process.wait(_LOOK_S))
            except subprocess.TimeoutExpired:
                stack.check()
    except Signalled as asked:
        # A terminal has sent Ctrl-C to the command, too; a second one could cut its own cleaning up short.
        return _exit_code(_end(process, politely=asked.number != signal.SIGINT))
    except Refuse:
        _end(process, politely=True)
        raise


def _end(process: subprocess.Popen[bytes], *, politely: bool) -> int:
    """End the command: ask at once (or after a while, when it was asked already), then kill it."""
    for ask in (process.terminate, process.kill) if politely else (None, process.terminate, process.kill):
        if ask is not None:
            ask()
        try:
            return process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            continue
    return process.wait()


def _exit_code(returned: int) -> int:
    """A command that a signal ended counts as shells count it."""
    return 128 - returned if returned < 0 else returned
