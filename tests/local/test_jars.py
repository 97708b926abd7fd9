"""Kafka's jars, locked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from local import jars
from worker.errors import Refuse

NOWHERE = "http://127.0.0.1:9"


def test_the_lock_names_every_module_with_its_hash() -> None:
    """The broker, a log binding and forty more, each with a sha256."""
    locked = jars.locked()
    assert {"kafka_2.13", "kafka-server", "kafka-tools-api", "slf4j-simple"} <= {
        jar.artifact for jar in locked
    }
    assert all(len(jar.sha256) == 64 for jar in locked)


def test_fetched_jars_are_used_without_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warm start reaches for no registry: it works with none to be had."""
    place = jars.fetch()
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, NOWHERE)
    assert jars.fetch() == place
    assert len(jars.classpath(place)) == len(jars.locked())


@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_a_jar_that_is_not_the_locked_one_is_refused(tmp_path: Path, harm: str) -> None:
    """One byte more, or no file at all: Kafka is not started with it."""
    place = shutil.copytree(jars.fetch(), tmp_path / "jars")
    victim = place / jars.locked()[3].file
    if harm == "changed":
        with victim.open("ab") as handle:
            handle.write(b"!")
    else:
        victim.unlink()
    with pytest.raises(
        Refuse, match=rf"{victim.name} is not the jar that Kafka's lock names: delete the folder"
    ):
        jars.classpath(place)


def test_a_changed_lock_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """An update of the lock never meets the jars of the one before."""
    other = tmp_path / "kafka.lock.toml"
    other.write_text(jars.LOCK.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert jars.folder(other) != jars.folder()


def test_a_failed_download_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no registry to be had: what failed, what to check, and nothing half-made left."""
    monkeypatch.setenv("PANGAEA_HOME", str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, NOWHERE)
    with pytest.raises(Refuse, match=r"Kafka's \S+\.jar could not be downloaded .*: check the network"):
        jars.fetch()
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
