"""Kafka's jars, exactly those of the lock: fetched once, and their hashes checked at every start."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tomllib
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from local.home import home
from local.install import Meter, once, silent
from worker.errors import Refuse

LOCK = Path(__file__).parent / "locks" / "kafka.lock.toml"
"""Written by jgo's resolver (`jgo lock`): the newest Kafka that keeps its word after a kill.

Of 4.4.0 Maven Central lacks modules. 4.3.1, restarted after SIGKILL, takes partitions whose leader is not yet
elected for deleted and skips the commit markers of their transactions ("these partitions are likely deleted
already"), so that `read_committed` readers wait for ever: 2 of 8 restarts, against none of 22 with 4.2.1.
"""

_NEEDS_MIB = 200
_THREADS = 8
_ATTEMPTS = 3
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Jar:
    """One artifact of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        """Its file name in a Maven repository."""
        return f"{self.artifact}-{self.version}.jar"


def locked(lock: Path = LOCK) -> tuple[Jar, ...]:
    """Every jar that the lock names, in the lock's order.

    >>> locked()[0].artifact
    'kafka_2.13'
    """
    entries = tomllib.loads(lock.read_text(encoding="utf-8"))["dependencies"]
    return tuple(
        Jar(entry["groupId"], entry["artifactId"], entry["version"], entry["sha256"]) for entry in entries
    )


def folder(lock: Path = LOCK) -> Path:
    """Where the jars of this lock lie, fetched or not."""
    return home() / f"kafka-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"


def fetch(meter: Meter = silent, lock: Path = LOCK) -> Path:
    """Return the folder with the jars, fetched if they are not there; if they are, no network is touched.

    Raises:
        Refuse: the download failed, a jar is not the locked one, or the disk is full.
    """
    jars = locked(lock)
    return once(folder(lock), lambda staged: _download(jars, staged, meter), needs_mib=_NEEDS_MIB)


def classpath(place: Path, lock: Path = LOCK) -> list[Path]:
    """The jars of a fetched folder, each with the hash that the lock names (43 MB: 50 ms).

    Raises:
        Refuse: one is missing or was changed.
    """
    return [_checked(place / jar.file, jar) for jar in locked(lock)]


def _download(jars: tuple[Jar, ...], staged: Path, meter: Meter) -> None:
    import jgo.maven  # noqa: PLC0415 - 150 ms, and only the first start needs it
    import requests  # noqa: PLC0415 - jgo's own; its errors are the ones to name

    logging.getLogger("jgo").setLevel(logging.CRITICAL)  # it warns of what the hashes below decide
    scratch = staged / ".maven"
    maven = jgo.maven.MavenContext(repo_cache=scratch, timeout=_TIMEOUT_S)

    def fetch_one(jar: Jar) -> None:
        artifact = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                # A failed attempt leaves half a file, which resolve() would return as if it were whole.
                (scratch / artifact.component.path_prefix / jar.file).unlink(missing_ok=True)
                shutil.move(_checked(artifact.resolve(), jar), staged / jar.file)
            except (requests.RequestException, RuntimeError) as error:
                if attempt == _ATTEMPTS:
                    raise Refuse(
                        f"Kafka's {jar.file} could not be downloaded from Maven Central: "
                        "check the network (HTTPS_PROXY is honoured) and run the command again."
                    ) from error
            else:
                return

    meter("Kafka: jars", 0, len(jars))
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting = [pool.submit(fetch_one, jar) for jar in jars]
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                future.result()
                meter("Kafka: jars", done, len(jars))
        finally:
            pool.shutdown(cancel_futures=True)
    shutil.rmtree(scratch)


def _checked(path: Path, jar: Jar) -> Path:
    try:
        with path.open("rb") as handle:
            found = hashlib.file_digest(handle, "sha256").hexdigest()
    except FileNotFoundError:
        found = "missing"
    if found != jar.sha256:
        raise Refuse(
            f"{path} is not the jar that Kafka's lock names: delete the folder {path.parent} "
            "and run the command again to fetch it anew."
        )
    return path
