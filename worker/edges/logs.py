"""Structured logs: one JSON object a line on standard error, with no personal data.

What may be logged of a photo is where it lies (topic, partition, offset), what became of it and how long it
took. Never its id, key, headers, bytes, or what its metadata says: an id is the sender's own words.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

import orjson
import structlog

from worker.edges.log_queue import LogQueue, standard_error
from worker.edges.metrics import Metrics
from worker.settings import LogSettings

Logger = structlog.typing.FilteringBoundLogger


class Log(NamedTuple):
    """The process's logger, and the queue through which its lines go out."""

    logger: Logger
    queue: LogQueue


def configure(settings: LogSettings, metrics: Metrics) -> Log:
    """Return the process's log; called once, by a composition root, which closes the queue at the end."""
    lines = LogQueue(standard_error(), settings.queue_lines, metrics)
    logger: Logger = structlog.wrap_logger(
        lines,
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
            ),
            structlog.processors.JSONRenderer(serializer=orjson.dumps, default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(settings.level),
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Library(logger)], force=True)
    # Pillow's warnings speak of what is inside a file.
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    # Python's own warnings would go to standard error past the queue.
    logging.captureWarnings(capture=True)
    return Log(logger, lines)


class _Library(logging.Handler):
    """Carries the warnings of libraries that use the standard library's logging into the same stream."""

    def __init__(self, logger: Logger) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        self._logger.warning("library", library=record.name, said=record.getMessage()[:500])
