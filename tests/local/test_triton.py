"""The embedded Triton: real, in an environment of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput

from local import triton_environment
from local.triton import Triton
from local.triton_log import explain
from tests.local.processes import family, gone, repository, runs, until
from worker.errors import Refuse


@pytest.fixture(scope="module")
def triton(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    """A running server."""
    with Triton.start(tmp_path_factory.mktemp("triton"), models) as server:
        yield server


def ask(url: str) -> list[int]:
    """Send two bytes to the model `echo` and return what comes back."""
    client = InferenceServerClient(url)
    try:
        image = InferInput("image", [1, 2], "UINT8")
        image.set_data_from_numpy(np.array([[7, 9]], dtype=np.uint8))
        answer = client.infer("echo", [image], client_timeout=10.0).as_numpy("back")
        assert answer is not None
        return [int(value) for value in answer[0]]
    finally:
        client.close()


def regions(server: Triton) -> list[Path]:
    """The shared memory that this server holds."""
    return list(Path("/dev/shm").glob(f"{server._region}*"))  # noqa: S108 - where glibc keeps it


def test_a_model_answers_over_grpc(triton: Triton) -> None:
    """Ready means that requests are answered."""
    assert ask(triton.url) == [7, 9]


def test_a_killed_server_leaves_nothing_and_comes_back_on_its_port(models: Path, tmp_path: Path) -> None:
    """SIGKILL of tritonserver alone takes its models along; restart serves under the same address."""
    with Triton.start(tmp_path, models) as server:
        stubs = family(server.pid)
        assert any("stub" in process.name() for process in stubs)
        assert regions(server)
        url = server.url
        os.kill(server.pid, signal.SIGKILL)
        assert gone(stubs)
        server.restart()
        assert server.url == url
        assert ask(url) == [7, 9]
        everything = [psutil.Process(server.pid), *family(server.pid)]
    assert gone(everything)
    assert until(lambda: not regions(server))


def test_an_orderly_stop_needs_no_force(models: Path, tmp_path: Path) -> None:
    """SIGTERM ends the server with code 0, so requests under way were answered."""
    with Triton.start(tmp_path, models) as server:
        assert server._child is not None
        server.stop()
        assert server._child.process.returncode == 0


def test_a_model_that_does_not_load_is_one_sentence(tmp_path: Path) -> None:
    """The model's name and its own reason come out of the log."""
    broken = repository(tmp_path / "models", 'raise ValueError("the file is not the one of the card")')
    with pytest.raises(
        Refuse, match=r"model echo: .*ValueError: the file is not the one of the card; its log is"
    ):
        Triton.start(tmp_path / "run", broken)
    left = [child for child in psutil.Process().children() if runs(child)]
    assert not [child for child in left if str(broken) in " ".join(child.cmdline())]


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    """An empty repository would start and serve nothing."""
    with pytest.raises(Refuse, match="holds no Triton model: make one with `pangaea models build"):
        Triton.start(tmp_path / "run", tmp_path)


def test_the_environment_holds_the_lock_and_no_telemetry(triton: Triton) -> None:
    """Three packages besides pip: OpenVINO's telemetry package is not there, and OpenVINO works without."""
    environment = triton_environment.fetch()
    installed = {path.name.partition("-")[0].lower() for path in environment.site.glob("*.dist-info")}
    assert installed - {"pip", "setuptools"} == {"numpy", "nvidia_pytriton", "openvino"}
    assert triton.alive
    script = (
        "import importlib.util as u, openvino; assert u.find_spec('openvino_telemetry') is None; "
        "print(openvino.Core().available_devices)"
    )
    told = subprocess.run(
        [environment.root / "bin" / "python", "-c", script], capture_output=True, text=True, check=True
    )
    assert "CPU" in told.stdout


def test_warm_use_touches_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A made environment is taken as it is, with no registry to be had."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9")
    assert triton_environment.fetch().server.is_file()


def test_a_failed_download_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no registry to be had: what failed, what to check, and nothing half-made left."""
    monkeypatch.setenv("PANGAEA_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    with pytest.raises(Refuse, match=r"a package could not be downloaded: check the network"):
        triton_environment.fetch()
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("machine", "libc", "reason"),
    [
        ("aarch64", ("glibc", "2.36"), "needs Linux on x86-64"),
        ("x86_64", ("glibc", "2.31"), r"needs glibc 2\.35 and this system has glibc 2\.31"),
        ("x86_64", ("", ""), r"needs glibc 2\.35 and this system has another C library"),
    ],
)
def test_a_machine_that_cannot_run_it_is_told_why(
    monkeypatch: pytest.MonkeyPatch, machine: str, libc: tuple[str, str], reason: str
) -> None:
    """Another processor, an old C library: one sentence, with going on without Triton as the mend."""
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.libc_ver", lambda: libc)
    with pytest.raises(Refuse, match=rf"{reason}.*--no-triton"):
        triton_environment.supported()


@pytest.mark.parametrize(
    ("log", "clause"),
    [
        (
            "tritonserver: error while loading shared libraries: libnuma.so.1: cannot open it",
            "the system library libnuma.so.1 is missing, install the package that holds it",
        ),
        (
            r'''E1121 life.cc:642] "failed to load 'fusion' version 1: Internal: wrong hash\n\nAt:\n /m"''',
            "model fusion: Internal: wrong hash",
        ),
        ("", "it ended without a word"),
    ],
)
def test_the_reason_is_read_from_the_log(tmp_path: Path, log: str, clause: str) -> None:
    """Each kind of failure yields one clause."""
    path = tmp_path / "triton.log"
    path.write_text(log, encoding="utf-8")
    assert explain(path) == clause


def test_two_servers_stand_side_by_side(triton: Triton, models: Path, tmp_path: Path) -> None:
    """A second server takes other ports and other shared memory."""
    with Triton.start(tmp_path, models) as other:
        assert ask(other.url) == ask(triton.url) == [7, 9]
    assert until(lambda: ask(triton.url) == [7, 9])
