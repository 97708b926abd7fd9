"""Children that never outlive their parent, not even when it is killed with SIGKILL.

Run as a program, this file becomes the command that it is given (same process id), and leaves two guards:

* a watcher, detached, that kills the command's whole process group when either the parent or the command
  is gone, so that grandchildren (Triton's model processes) go too, and then removes what they would have;
* on Linux the kernel's own parent-death signal, should somebody kill the watcher as well.

It uses the standard library alone and starts in about 20 ms, since Python runs it isolated.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Leashed:
    """A child in its own process group, its output in a log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """The process id of the command itself, and the id of its process group."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether the command still runs."""
        return self.process.poll() is None

    def stop(self, *, grace: float) -> None:
        """Ask it to end, wait up to `grace` seconds, then kill whatever is left of its process group."""
        if self.alive and grace > 0:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(grace)
        self.kill()

    def kill(self) -> None:
        """Kill the whole process group at once."""
        kill_group(self.pid)
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def launch(
    name: str, command: list[str], *, log: Path, env: dict[str, str] | None = None, sweep: Path | None = None
) -> Leashed:
    """Start a command on the leash, its standard output and error appended to `log`.

    Once it is gone, the files are removed whose path begins with that of `sweep`.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*_prefix(own_group=True, sweep=sweep), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=env,
        )
    return Leashed(name, process, log)


def launch_here(command: list[str], *, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a command in the foreground, sharing the terminal, on a leash of its own."""
    return subprocess.Popen([*_prefix(own_group=False), *command], env=env)


def run(command: list[str], *, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end on the leash and return its output, decoded."""
    return subprocess.run(
        [*_prefix(own_group=True), *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        env=env,
    )


def kill_group(group: int) -> None:
    """Kill a process group, if there is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _prefix(*, own_group: bool, sweep: Path | None = None) -> list[str]:
    # The kernel sends the parent-death signal when the *thread* that started the child ends: only the main
    # thread lives as long as its process.
    by_kernel = sys.platform == "linux" and threading.current_thread() is threading.main_thread()
    flags = ("g" if own_group else "") + ("k" if by_kernel else "")
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), f"-{flags}", str(sweep or "")]


def _become(parent: int, flags: str, sweep: str, command: list[str]) -> None:
    """Turn this process into the command, the guards set."""
    if "k" in flags:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the guards were up
        sys.exit(1)
    if "g" in flags:
        own = os.getpid()
        middle = os.fork()
        if middle == 0:
            if os.fork() == 0:
                _watch(parent, own, sweep)
            os._exit(0)
        os.waitpid(middle, 0)
    for name in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_DFL)  # Python ignores SIGPIPE, and what is ignored is inherited
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201 - the log or the terminal
        os._exit(127)


def _watch(parent: int, group: int, sweep: str) -> None:
    """Wait until the parent or the group's leader is gone, then kill the group and sweep. Never returns."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    # Whatever else was inherited would keep somebody's pipe open.
    os.closerange(3, 256)
    _wait_for_either(parent, group)
    kill_group(group)
    if sweep:
        place = Path(sweep)
        for left in place.parent.glob(f"{place.name}*"):
            left.unlink(missing_ok=True)
    os._exit(0)


def _wait_for_either(*pids: int) -> None:
    try:
        watched = [os.pidfd_open(pid) for pid in pids]
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # no pidfd here: not Linux, or an old kernel
        while all(_exists(pid) for pid in pids):
            time.sleep(_POLL_S)
        return
    # A pidfd turns readable when its process has ended, reaped or not.
    select.select(watched, [], [])


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
