"""The account of processes, on processes whose cost is known."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench import accounts

WORKING = """
import subprocess, sys, time
def burn():
    while time.process_time() < 0.3:
        pass
if len(sys.argv) > 1:
    burn()
    held = bytearray(64 * 2**20)
    print("done", flush=True)
    sys.stdin.read()
else:
    # One that ends and is waited for, and one that goes on.
    subprocess.run([sys.executable, __file__, "child"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    pipe = subprocess.PIPE
    child = subprocess.Popen([sys.executable, __file__, "child"], stdin=pipe, stdout=pipe)
    child.stdout.readline()
    print("done", flush=True)
    sys.stdin.read()
    child.communicate()
"""


@pytest.fixture
def working(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing itself, with two children that burned 0.3 s each; one holds 64 MiB."""
    script = tmp_path_factory.mktemp("accounts") / "working.py"
    script.write_text(WORKING)
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        yield process
        process.communicate(timeout=10)


def test_a_tree_is_accounted_for(working: subprocess.Popen[bytes]) -> None:
    """Children that run and children that have ended count with their parent, and so does their memory."""
    usage = accounts.taken({"tree": (working.pid,)})["tree"]
    assert usage.cpu_seconds >= 0.6
    assert usage.memory_mib >= 64


def test_a_party_that_is_gone_costs_nothing(working: subprocess.Popen[bytes]) -> None:
    """A process that has ended in between gives no CPU back and breaks no account."""
    before = accounts.taken({"gone": (working.pid,)})
    working.communicate(timeout=10)
    after = accounts.taken({"gone": (working.pid,)})
    assert after["gone"] == accounts.Usage(0.0, 0.0)
    assert accounts.cpu_ms_each(before, after, 10) == {"gone": 0.0}


def test_figures_of_accounts() -> None:
    """CPU is the difference a photo; memory the highest that was seen; no photos, no figure."""
    first = {"worker": accounts.Usage(1.0, 100.0), "broker": accounts.Usage(5.0, 400.0)}
    middle = {"worker": accounts.Usage(1.5, 300.0), "broker": accounts.Usage(5.5, 400.0)}
    last = {"worker": accounts.Usage(2.0, 200.0), "broker": accounts.Usage(6.5, 410.0)}
    assert accounts.cpu_ms_each(first, last, 500) == {"worker": 2.0, "broker": 3.0}
    assert accounts.cpu_ms_each(first, last, 0) == {}
    assert accounts.peak_mib([first, middle, last]) == {"worker": 300.0, "broker": 410.0}
