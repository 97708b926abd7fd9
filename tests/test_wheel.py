"""The wheel holds what the checkout holds: code, tables, templates, models, schemas and examples."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("pangaea.py", "worker", "local", "training", "bench", "triton_models", "schemas", "examples")


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel that is built here, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(line, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_every_committed_file_of_the_packages_is_in_the_wheel(contents: set[str]) -> None:
    """Whoever installs it has the tables behind the evidence, the pages' templates, locks and models."""
    line = ["git", "ls-files", "-z", "--", *SHIPPED]
    listed = subprocess.run(line, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    committed = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    assert {
        "worker/prepare/evidence/tables/earth.npz",
        "local/page/base.html.j2",
        "training/engines/nncf.lock.txt",
        "schemas/dataset.v1.json",
    } <= committed
    assert committed - contents == set()


def test_the_licences_are_in_the_wheel(contents: set[str]) -> None:
    """The project's own, and what it owes to others."""
    assert {name.rpartition("/")[2] for name in contents if "/licenses/" in name} == {"LICENSE", "NOTICE"}
