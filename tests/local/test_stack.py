"""The stack as tests and benches use it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from local import runs
from local.stack import Options, Stack, together
from worker.errors import Refuse


def test_a_stack_of_kafka_alone_has_no_triton() -> None:
    """Asking for what was left out is refused with the mend."""
    with Stack.start(Options(triton=False, partitions=None)) as stack:
        assert stack.kafka.startswith("127.0.0.1:")
        with pytest.raises(Refuse, match="leave out --no-triton"):
            _ = stack.triton
        stack.check()
        stack.broker.kill()
        with pytest.raises(Refuse, match="Kafka ended by itself"):
            stack.check()


def test_a_failed_part_stops_the_other(tmp_path: Path) -> None:
    """A repository without models: the start is refused, and no process of it is left."""
    with pytest.raises(Refuse, match="holds no Triton model"):
        Stack.start(Options(models=tmp_path))


def test_parts_run_at_once_and_the_first_failure_does_not_wait() -> None:
    """A part that hangs does not hold back another's failure."""
    held = threading.Event()

    def fail() -> None:
        raise Refuse("no network: check it.")

    begun = time.monotonic()
    with pytest.raises(Refuse, match="no network"):
        together([lambda: held.wait(30), fail])
    assert time.monotonic() - begun < 10
    held.set()


def test_ended_runs_are_swept_and_living_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest few keep their logs, none its data, and a run that lives keeps everything."""
    monkeypatch.setenv("PANGAEA_HOME", str(tmp_path))
    living = runs.open_run()
    (living.folder / "kafka-data").mkdir()
    ended = []
    for number in range(runs.KEEP + 2):
        run = runs.open_run()
        (run.folder / "kafka-data").mkdir()
        (run.folder / "kafka.log").write_text(str(number), encoding="ascii")
        run.close()
        ended.append(run.folder)
    runs.open_run().close()
    assert (living.folder / "kafka-data").is_dir()
    left = [folder for folder in ended if folder.exists()]
    assert len(left) == runs.KEEP
    assert all((folder / "kafka.log").is_file() and not (folder / "kafka-data").exists() for folder in left)
    living.close()
