"""`pangaea doctor`: what the embedded stack needs of its surroundings, checked a line each."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from local import engines, jars, java, kafka, ports, triton_environment
from local.home import home
from local.install import MIB
from local.progress import shown
from local.stack import together
from worker.errors import PangaeaError, Refuse

Status = Literal["ok", "note", "fail"]
FETCH = "pangaea doctor --fetch"
_DISK_MIB = 2_000
_MEMORY_MIB = 2_000
_SHARED_MIB = 64


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do about it (None where nothing is)."""

    name: str
    status: Status
    found: str
    mend: str | None = None


def healthy(findings: list[Finding]) -> bool:
    """Whether nothing stands in the way; notes do not."""
    return all(finding.status != "fail" for finding in findings)


def fetch() -> list[Finding]:
    """Fetch the jars, make Triton's environment, build the engines, all at once; only failures are told."""
    failed: list[Finding] = []

    def guarded(name: str, part: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                part()
            except PangaeaError as error:
                failed.append(_failure(f"fetching {name}", error))

        return run

    with shown() as meter:
        together(
            [
                guarded("Kafka", lambda: kafka.fetch(meter)),
                guarded("Triton", lambda: triton_environment.fetch(meter)),
                guarded("engines", lambda: engines.build(meter)),
            ]
        )
    return failed


def examine() -> list[Finding]:
    """Look at everything; nothing is fetched, started or changed."""
    checks = (
        ("Python", _python),
        ("platform", _platform),
        ("disk", _disk),
        ("memory", _memory),
        ("shared memory", _shared_memory),
        ("ports", _ports),
        ("Java", _java),
        ("Kafka", _kafka),
        ("Triton", _triton),
        ("engines", _engines),
        ("model card", _card),
        ("broker", _broker),
        ("server", _server),
    )
    return [_attempt(name, check) for name, check in checks]


def show(findings: list[Finding], *, as_json: bool) -> None:
    """Print the findings, for people or for programs."""
    if as_json:
        answer = {"ok": healthy(findings), "findings": [asdict(finding) for finding in findings]}
        print(json.dumps(answer))  # noqa: T201 - it is what the command is for
        return
    from rich.console import Console  # noqa: PLC0415 - only here
    from rich.text import Text  # noqa: PLC0415 - likewise

    console = Console(highlight=False)
    colours = {"ok": "green", "note": "yellow", "fail": "red"}
    for finding in findings:
        line = Text(f"{finding.status:<5}", style=colours[finding.status])
        line.append(f"{finding.name:<15}{finding.found}", style="default")
        if finding.mend:
            line.append(f" → {finding.mend}", style="bold default")
        console.print(line, soft_wrap=True)


def _attempt(name: str, check: Callable[[str], Finding]) -> Finding:
    try:
        return check(name)
    except PangaeaError as error:
        return _failure(name, error)


def _failure(name: str, error: PangaeaError) -> Finding:
    """Turn the sentence of a refusal, `problem: mend.`, into a finding."""
    problem, _, mend = str(error).rstrip(".").rpartition(": ")
    return Finding(name, "fail", problem or mend, mend if problem else None)


def _python(name: str) -> Finding:
    return Finding(name, "ok", f"{sys.version.split()[0]} ({sys.executable})")


def _platform(name: str) -> Finding:
    python = triton_environment.supported()
    return Finding(name, "ok", f"Linux x86-64, glibc new enough, {python.name} for Triton")


def _disk(name: str) -> Finding:
    place = next(folder for folder in (home(), *home().parents) if folder.exists())
    free = shutil.disk_usage(place).free // MIB
    if not os.access(place, os.W_OK):
        return Finding(name, "fail", f"{place} cannot be written", "point PANGAEA_HOME at a folder of yours")
    if free < _DISK_MIB:
        return Finding(name, "note", f"{free} MiB free under {place}", f"{_DISK_MIB} MiB are comfortable")
    return Finding(name, "ok", f"{free // 1024} GiB free under {place}")


def _memory(name: str) -> Finding:
    import psutil  # noqa: PLC0415 - of the local extra

    free = psutil.virtual_memory().available // MIB
    if free < _MEMORY_MIB:
        return Finding(
            name, "note", f"{free} MiB free", f"close something: {_MEMORY_MIB} MiB are comfortable"
        )
    return Finding(name, "ok", f"{free / 1024:.1f} GiB free")


def _shared_memory(name: str) -> Finding:
    place = Path("/dev/shm")  # noqa: S108 - POSIX shared memory lives there, by glibc's choice
    if not place.is_dir():
        return Finding(name, "note", "there is no /dev/shm", "Triton needs one: mount a tmpfs there")
    free = shutil.disk_usage(place).free // MIB
    if free < _SHARED_MIB:
        return Finding(
            name, "note", f"{free} MiB free in {place}", "enlarge it (containers: --shm-size 256m)"
        )
    return Finding(name, "ok", f"{free} MiB free in {place}")


def _ports(name: str) -> Finding:
    return Finding(
        name, "ok", f"free ones on {ports.LOOPBACK}, e.g. {ports.choose(0, option='--kafka-port')}"
    )


def _java(name: str) -> Finding:
    return Finding(name, "ok", java.version())


def _kafka(name: str) -> Finding:
    place = jars.folder()
    if not place.is_dir():
        return Finding(name, "note", "not fetched yet (45 MB)", FETCH)
    version = jars.locked()[0].version
    return Finding(
        name, "ok", f"{version}, {len(jars.classpath(place))} jars with the locked hashes in {place}"
    )


def _triton(name: str) -> Finding:
    place = triton_environment.folder()
    if not place.is_dir():
        return Finding(name, "note", "environment not made yet (150 MB)", FETCH)
    return Finding(name, "ok", f"environment in {place}")


def _engines(name: str) -> Finding:
    built = sorted(home().glob("engines/cpu-*/continent/config.pbtxt"))
    if not built:
        return Finding(name, "note", "not built yet", FETCH)
    return Finding(name, "ok", f"built in {built[-1].parent.parent}")


def _card(name: str) -> Finding:
    from worker.settings import load  # noqa: PLC0415 - pydantic takes 0.1 s to load

    card = load().card
    if not card.is_file():
        return Finding(name, "fail", f"{card} is missing", "set PANGAEA_CARD, or reinstall Pangaea")
    return Finding(name, "ok", str(card))


def _broker(name: str) -> Finding:
    if "PANGAEA_KAFKA__BOOTSTRAP" not in os.environ:
        return Finding(name, "ok", "none set (PANGAEA_KAFKA__BOOTSTRAP): the embedded one is used")
    from worker.clients import topics  # noqa: PLC0415 - only when there is one to ask
    from worker.settings import load  # noqa: PLC0415 - likewise

    settings = load().kafka
    differences = topics.check(settings.bootstrap, kafka=settings)
    if differences:
        return Finding(
            name, "note", f"{settings.bootstrap} answers, {differences[0]}", "pangaea topics check lists all"
        )
    return Finding(name, "ok", f"{settings.bootstrap} answers and has every topic")


def _server(name: str) -> Finding:
    if "PANGAEA_TRITON__URL" not in os.environ:
        return Finding(name, "ok", "none set (PANGAEA_TRITON__URL): the embedded one is used")
    from tritonclient.grpc import InferenceServerClient, InferenceServerException  # noqa: PLC0415 - likewise

    from worker.settings import load  # noqa: PLC0415 - likewise

    settings = load().triton
    client = InferenceServerClient(settings.url)
    try:
        if client.is_model_ready(settings.model, client_timeout=2.0):
            return Finding(name, "ok", f"{settings.url} answers and model {settings.model} is ready")
        return Finding(
            name, "fail", f"{settings.url} has no model {settings.model} ready", "pangaea models build"
        )
    except InferenceServerException as error:
        raise Refuse(
            f"no Triton answers at {settings.url}: start it, or mend PANGAEA_TRITON__URL."
        ) from error
    finally:
        client.close()
