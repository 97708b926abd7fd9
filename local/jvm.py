"""The Java that runs Kafka's programs, and the one that is run before the first start: the formatter."""

from __future__ import annotations

import base64
import os
import shlex
import uuid
from pathlib import Path

from local import jars, warm
from local.java import java
from local.kafka_log import explain
from local.leash import run
from worker.errors import Refuse

HEAP = "-Xmx512m"


def command(scratch: Path) -> list[str]:
    """The beginning of every command line, the main class to follow; `scratch` takes temporary files.

    Kafka's own variable for further options of the virtual machine, `KAFKA_OPTS`, is heeded.

    Raises:
        Refuse: a jar is missing or was changed, the JRE is missing, or `KAFKA_OPTS` has an open quote.
    """
    return [
        str(java()),
        HEAP,
        "-cp",
        ":".join(str(jar) for jar in jars.classpath(jars.folder())),
        "-Djava.net.preferIPv4Stack=true",
        "-Djava.awt.headless=true",
        f"-Djava.io.tmpdir={scratch}",  # native compressors unpack there; /tmp may forbid programs
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
        # It prints its 300 settings, twice.
        "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config.AbstractConfig=warn",
        *_further(),
    ]


def _further() -> list[str]:
    try:
        return shlex.split(os.environ.get("KAFKA_OPTS", ""))
    except ValueError as exc:
        raise Refuse(f"KAFKA_OPTS: {str(exc).lower()}; write it as for a shell.", exit_code=2) from exc


def format_log(data: Path, settings: Path) -> None:
    """Give a new log folder its cluster id, with Kafka's own tool.

    Raises:
        Refuse: Java does not start, or the folder cannot be written.
    """
    # 16 bytes in base64, but never a hyphen, which the tool would take for an option.
    identity = base64.b64encode(uuid.uuid4().bytes, altchars=b"PQ").decode().rstrip("=")
    tool = [*command(settings.parent), *warm.option(), "kafka.tools.StorageTool", "format"]
    done = run([*tool, "-t", identity, "-c", str(settings)])
    log = settings.with_name("format.log")
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        raise Refuse(f"Kafka could not format {data}: {explain(log)}; its log is {log}.")
