"""Logs on stderr: what happened, by name, with codes and numbers, and never what anybody sent."""

import logging
import sys
from collections import Counter
from enum import StrEnum

import structlog
from structlog.typing import EventDict, Processor

from runtime.faults import place_of


class LogLevel(StrEnum):
    """From which level on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a line looks."""

    JSON = "json"
    TEXT = "text"


LOGGED: Counter[tuple[str, ...]] = Counter()
"""How often this process has logged what, by (level, event): for /metrics."""


class _OfLibraries(logging.Handler):
    """What libraries log: who, the type of the error and our place in it. Their messages and
    tracebacks quote what somebody sent.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Log that something was logged."""
        error = record.exc_info[1] if record.exc_info else None
        said = {"error": type(error).__name__, "at": place_of(error)} if error else {}
        structlog.get_logger().log(record.levelno, "library", logger=record.name, **said)


def configure_logs(level: LogLevel = LogLevel.INFO, form: LogFormat = LogFormat.JSON) -> None:
    """Lines on stderr, without tracebacks: those can quote values."""
    root = logging.getLogger()
    if not any(isinstance(handler, _OfLibraries) for handler in root.handlers):
        root.addHandler(_OfLibraries())
    plain: Processor = structlog.dev.ConsoleRenderer(
        colors=False, pad_event_to=24, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _counted,
            structlog.processors.TimeStamper(fmt="iso"),
            plain if form is LogFormat.TEXT else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.name)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _counted(_logger: object, _method: str, event: EventDict) -> EventDict:
    LOGGED[(str(event["level"]), str(event["event"]))] += 1
    return event
