"""`pangaea up` as its users meet it: a real child process, its ready line, its signals, its remains."""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from local import ports
from tests.local.processes import family, gone, pangaea, ready, until, up
from worker.topics import layout

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where glibc keeps it
LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


def names(processes: list[psutil.Process]) -> set[str]:
    """The programs that run, by name."""
    return {process.name() for process in processes}


def test_two_stacks_side_by_side_listen_on_loopback_only_and_leave_nothing(models: Path) -> None:
    """Both are ready at once, every socket of every process is on loopback, Ctrl-C and SIGKILL leave none."""
    with up("--models", str(models)) as first, up("--models", str(models), "--partitions", "3") as second:
        told = [ready(first), ready(second)]
        assert all(set(line) == {"kafka", "triton", "metrics", "logs"} for line in told)
        assert len({line[part] for line in told for part in line}) == 8
        assert all(Path(line["logs"], "kafka.log").is_file() for line in told)
        both = [family(first.pid), family(second.pid)]
        for members in both:
            assert {"java", "tritonserver"} <= names(members)
            assert any("stub" in name for name in names(members))
            listening = [
                connection.laddr
                for process in members
                for connection in process.net_connections(kind="inet")
                if connection.status == psutil.CONN_LISTEN
            ]
            assert len(listening) >= 5  # Kafka's three listeners, gRPC, metrics
            assert {address.ip for address in listening} <= set(LOOPBACK)
        admin = AdminClient({"bootstrap.servers": told[1]["kafka"]})
        topics = admin.list_topics(timeout=30).topics
        assert {topic.name for topic in layout(partitions=3)} <= set(topics)
        assert len(topics["photos"].partitions) == 3
        first.send_signal(signal.SIGINT)
        assert first.wait(30) == 0
        assert gone(both[0])
        assert set(both[1]) <= set(family(second.pid))  # the neighbour is untouched
        (server,) = (member for member in both[1] if member.name() == "tritonserver")
        region = re.findall(r"shm-region-prefix-name=(\S+)", " ".join(server.cmdline()))[0]
        assert list(SHARED_MEMORY.glob(f"{region}*"))
        second.kill()
        assert gone(both[1])
        assert until(lambda: not list(SHARED_MEMORY.glob(f"{region}*")))


def test_sigterm_ends_it_well_and_keeps_the_data(tmp_path: Path) -> None:
    """Exit code 0, nothing left running, and the log where --data said, for the next start."""
    data = tmp_path / "data"
    port = str(ports.choose(0, option="--kafka-port"))
    with up("--no-triton", "--data", str(data), "--kafka-port", port, "--partitions", "2") as process:
        told = ready(process)
        assert told["kafka"] == f"127.0.0.1:{port}"
        assert told["triton"] is None
        members = family(process.pid)
        process.terminate()
        assert process.wait(30) == 0
        assert gone(members)
    with up("--no-triton", "--data", str(data)) as again:
        admin = AdminClient({"bootstrap.servers": ready(again)["kafka"]})
        assert len(admin.list_topics(timeout=30).topics["photos"].partitions) == 2


def test_ctrl_c_in_the_middle_of_the_start_leaves_nothing(models: Path) -> None:
    """Before it is ready it ends with 130, and java and tritonserver with it."""
    with up("--models", str(models)) as process:
        assert until(lambda: "java" in names(family(process.pid)))
        members = family(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert gone(members)
        assert process.communicate() == ("", "")


def test_a_command_finds_the_stack_and_its_exit_code_is_returned(models: Path) -> None:
    """CMD sees both addresses, keeps its standard output for itself, and its code is the exit code."""
    script = (
        "import os, socket, sys\n"
        "for name in ('PANGAEA_KAFKA__BOOTSTRAP', 'PANGAEA_TRITON__URL'):\n"
        "    host, port = os.environ[name].split(':')\n"
        "    socket.create_connection((host, int(port)), timeout=10).close()\n"
        "print('reached both', *sys.argv[1:])\n"
        "sys.exit(7)\n"
    )
    done = pangaea("up", "--models", str(models), "--", sys.executable, "-c", script, "--flag", "-x")
    assert done.returncode == 7
    assert done.stdout == "reached both --flag -x\n"
    assert set(json.loads(done.stderr)) == {"kafka", "triton", "metrics", "logs"}


def test_a_command_that_a_signal_ends_counts_as_in_a_shell() -> None:
    """Killed by SIGTERM: 143; not found: 127."""
    assert pangaea("up", "--no-triton", "--", "sh", "-c", "kill -TERM $$").returncode == 143
    missing = pangaea("up", "--no-triton", "--", "/no/such/program")
    assert missing.returncode == 127
    assert "/no/such/program: No such file or directory" in missing.stderr


def test_sigkill_takes_the_command_along(tmp_path: Path) -> None:
    """CMD does not go on without its stack."""
    with up("--no-triton", "--", "sh", "-c", f"touch {tmp_path}/on; exec sleep 1000") as process:
        assert until((tmp_path / "on").exists, seconds=60)
        # The shell that has touched the file may not have become the command yet.
        assert until(lambda: {"java", "sleep"} <= names(family(process.pid)), seconds=60)
        members = family(process.pid)
        process.kill()
        assert gone(members)


def test_a_broker_that_ends_by_itself_ends_the_stack() -> None:
    """Somebody kills java: exit code 1 and one sentence that names the log."""
    with up("--no-triton") as process:
        ready(process)
        (java,) = (member for member in family(process.pid) if member.name() == "java")
        java.kill()
        assert process.wait(30) == 1
        told = process.communicate()[1]
        assert told.startswith("pangaea: Kafka ended by itself: ")
        assert "kafka.log" in told
        assert told.count("\n") == 1


def test_a_taken_port_is_one_sentence(models: Path) -> None:
    """Exit code 1, the port, the flag; no traceback, and Triton is not left behind."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = pangaea("up", "--models", str(models), "--kafka-port", str(port))
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr == (
            f"pangaea: port {port} is taken by another program: choose another with --kafka-port, "
            "or leave it out for a free one.\n"
        )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PANGAEA_HOME", "/dev/null/home", "cannot be written (Not a directory): mend its permissions"),
        ("HTTPS_PROXY", "http://127.0.0.1:9", "could not be downloaded"),
    ],
)
def test_a_start_that_cannot_fetch_is_one_sentence(
    tmp_path: Path, name: str, value: str, sentence: str
) -> None:
    """An unwritable home and a dead network: exit code 1 and one line, without a traceback."""
    env = {"PANGAEA_HOME": str(tmp_path), name: value, name.lower(): value}
    done = pangaea("up", "--no-triton", env=env)
    assert done.returncode == 1
    assert done.stderr.startswith("pangaea: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_wrong_address_is_a_usage_error() -> None:
    """--advertise without a port: exit code 2 before anything is started."""
    assert pangaea("up", "--advertise", "localhost").returncode == 2
