"""Instruments end with their parent, however that ends, and do not wait for ever for a broker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psutil
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from bench import stand
from bench.child import GRACE_SECONDS
from bench.parts import kafka as part
from bench.parts.patience import Patience
from bench.parts.record import result
from local.kafka import Kafka
from local.stack import Stack
from tests.local.processes import family, gone, until
from worker.clients.publish import Publisher
from worker.errors import Refuse
from worker.settings import KafkaSettings, Settings

# The warm-up of the broker is three quarters of a minute, and not asked about here.
COMMAND = """
import sys
from bench import run
from bench.files import Files
run.warm = lambda place, meter: None
sys.exit(run.limit("512px", None, Files()))
"""

# The same measurement on a stack that runs on: so it is the instrument alone that may be left.
MEASUREMENT = """
import json, sys
from pathlib import Path
from bench import limit
from bench.machine import examine
from bench.stand import Stand
spec = json.loads(sys.argv[1])
place = Stand(**{**spec, "folder": Path(spec["folder"])}, machine=examine("unknown"))
limit.measure(place, mix="512px")
"""

HANGS = """
import time
from bench.child import run
run(lambda spec, parent: (parent.say("ready"), time.sleep(1000)))
"""


def test_ctrl_c_ends_the_command_at_once() -> None:
    """While a part is measured: broker, Triton and instrument are gone, without a grace; exit code 130."""
    with running(COMMAND) as command:
        started = measuring(command, "decode")
        lines = " ".join(map(_line, started))
        assert "kafka.Kafka" in lines
        assert "tritonserver" in lines
        began = time.monotonic()
        command.send_signal(signal.SIGINT)
        assert command.wait(60) == 128 + signal.SIGINT
        assert gone(started)
        assert time.monotonic() - began < GRACE_SECONDS


def test_sigkill_leaves_no_instrument(stack: Stack) -> None:
    """Who is killed cannot end anything: the engine, measured in a process that never looks, ends itself."""
    place = stand.of(stack)
    spec = {name: getattr(place, name) for name in ("kafka", "triton", "partitions", "parties")}
    with running(MEASUREMENT, json.dumps({**spec, "folder": str(place.folder)})) as measurement:
        started = measuring(measurement, "engine")
        measurement.kill()
        measurement.wait()
        # Who was only just started finds out when its imports are done, however busy the machine is.
        assert gone(started, seconds=60.0)


@contextmanager
def running(code: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python beside the test, in a session of its own; killed at the end if it still runs."""
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def measuring(process: subprocess.Popen[bytes], name: str) -> list[psutil.Process]:
    """All that it has started, as soon as this part is being measured."""

    def begun() -> bool:
        assert process.poll() is None
        return any(f"bench.parts.{name}" in _line(each) for each in family(process.pid))

    assert until(begun, seconds=120.0)
    return family(process.pid)


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def test_an_instrument_that_never_looks_ends_with_its_input() -> None:
    """Whatever it is at: when its standard input ends it is gone within moments."""
    child = subprocess.Popen([sys.executable, "-c", HANGS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin, child.stdout:
        child.stdin.write(b'{"of": "nothing"}\n')
        child.stdin.flush()
        assert b"ready" in child.stdout.readline()
        assert child.poll() is None
        child.stdin.close()
        assert child.wait(10) == 1


@pytest.fixture
def photos(kafka: Kafka) -> Iterator[KafkaSettings]:
    """A topic with one photo in it."""
    name = f"bench.test.{time.time_ns()}"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(60)
    settings = KafkaSettings(bootstrap=kafka.bootstrap, photos_topic=name, start="earliest")
    with Publisher(settings) as publisher:
        publisher.send(b"\xff\xd8 a photo")
    yield settings
    admin.delete_topics([name])[name].result(60)


def test_a_broker_that_gives_nothing_is_not_waited_for(
    photos: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a second photo never comes, reading at full speed and in transactions end in one sentence."""
    monkeypatch.setattr(part, "Patience", partial(Patience, 3.0))
    with pytest.raises(Refuse, match="given nothing for 3 s: see its log"):
        part._consumed(photos, 2, {})
    loop = part.Loop(kafka=photos, parties={}, lead=1, count=1, result=result(Settings()))
    with pytest.raises(Refuse, match="given nothing for 3 s: see its log"):
        part._transacted(loop, 1000.0)
