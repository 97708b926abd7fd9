"""`python -m tests.faults.instants run`: the worker as it is, that falls asleep at a chosen instant.

A random kill rarely hits the few milliseconds in which a transaction is open. So this worker stops itself
(SIGSTOP) right there, once, when it finds the file that FAULTS_HOLD names: what it has produced lies on the
broker, and the offsets, or the commit, are not sent yet. What happens to it then – SIGKILL, or SIGCONT after
a while – is the test's to do. Or the commit is sent and done, and its answer is lost: to the worker its
producer is finished then, as librdkafka has it when a broker goes away at that instant.

FAULTS_CLOCK names a file with the seconds by which its wall clock is off: as the worker's own modules read
it. A library that hands Python's time to its C core, as gRPC's does, would see two clocks where there is one.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

HOLD, BEFORE, CLOCK = "FAULTS_HOLD", "FAULTS_BEFORE", "FAULTS_CLOCK"
OFFSETS, COMMIT, ANSWER, JOIN = "offsets", "commit", "answer", "join"


def _chosen(step: str) -> bool:
    """Whether this is the instant: then it is not another time."""
    here = Path(os.environ[HOLD])
    if step != os.environ[BEFORE] or not here.exists():
        return False
    here.unlink()
    return True


def _stop() -> None:
    """Stop the process before this thread does anything more.

    Sent to the process, the signal goes to another thread, and until that one runs this one would go on: on a
    busy machine it had committed by then.
    """
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


class Latecomer(confluent_kafka.Consumer):
    """A consumer whose process falls asleep before it joins its group."""

    def subscribe(self, *arguments: Any, **named: Any) -> None:
        """Join, perhaps after a long sleep."""
        if _chosen(JOIN):
            _stop()
        super().subscribe(*arguments, **named)


class Sleeper(confluent_kafka.Producer):
    """A producer whose process falls asleep before one of its transaction's last two steps.

    Only in a transaction that holds records, not in one that only moves offsets.
    """

    def begin_transaction(self) -> None:
        """Begin."""
        self._holds = 0
        super().begin_transaction()

    def produce(self, *arguments: Any, **named: Any) -> None:
        """Produce."""
        self._holds += 1
        super().produce(*arguments, **named)

    def send_offsets_to_transaction(self, *arguments: Any) -> None:
        """Send the offsets, perhaps after a long sleep."""
        if self._holds and _chosen(OFFSETS):
            self._sleep()
        super().send_offsets_to_transaction(*arguments)

    def commit_transaction(self, *arguments: Any) -> None:
        """Commit, perhaps after a long sleep, perhaps without hearing of it."""
        if self._holds and _chosen(COMMIT):
            self._sleep()
        lost = bool(self._holds) and _chosen(ANSWER)
        super().commit_transaction(*arguments)
        if lost:
            raise KafkaException(KafkaError(KafkaError._STATE, "the answer was lost", fatal=True))

    def _sleep(self) -> None:
        assert self.flush(5) == 0
        _stop()


class WrongClock(ModuleType):
    """The module `time` with a wall clock that is off by what a file says."""

    def __init__(self, file: Path) -> None:
        super().__init__("time")
        self.__dict__.update(vars(time))
        self.time = lambda: time.time() + float(file.read_text() or 0)


def main() -> None:
    """Put the sleeper, or the wrong clock, in place and enter by the front door."""
    if HOLD in os.environ:
        confluent_kafka.Producer = Sleeper  # type: ignore[misc]
        confluent_kafka.Consumer = Latecomer  # type: ignore[misc]
    importlib.import_module("worker.run")
    if CLOCK in os.environ:
        wrong = WrongClock(Path(os.environ[CLOCK]))
        for name, module in list(sys.modules.items()):
            if name.startswith("worker.") and getattr(module, "time", None) is time:
                vars(module)["time"] = wrong
    importlib.import_module("pangaea").main()


if __name__ == "__main__":
    main()
