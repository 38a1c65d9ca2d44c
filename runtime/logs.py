"""Logs on stderr: what happened, by name, with codes and numbers, and never what anybody sent."""

import logging
import sys
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from runtime.faults import place_of

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor


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
        log.log(record.levelno, "library", logger=record.name, **said)


class _Log:
    """The program's log. Its library is loaded with the first line: most commands never log, and
    that is a quarter of their start.
    """

    def __init__(self) -> None:
        self.chosen: tuple[LogLevel, LogFormat] | None = None

    def __getattr__(self, level: str) -> Callable[..., None]:
        """What writes a line of a level: the event's name, then codes and numbers by name."""
        import structlog  # see above

        if self.chosen is not None:
            self.settle(*self.chosen)
        write: Callable[..., None] = getattr(structlog.get_logger(), level)
        return write

    def settle(self, level: LogLevel, form: LogFormat) -> None:
        """Configure the library, which is loaded from now on."""
        import structlog  # see above

        self.chosen = None
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


log = _Log()


def configure_logs(level: LogLevel = LogLevel.INFO, form: LogFormat = LogFormat.JSON) -> None:
    """Lines on stderr, without tracebacks: those can quote values."""
    root = logging.getLogger()
    if not any(isinstance(handler, _OfLibraries) for handler in root.handlers):
        root.addHandler(_OfLibraries())
    if "structlog" in sys.modules:
        log.settle(level, form)
    else:
        log.chosen = (level, form)


def _counted(_logger: object, _method: str, event: "EventDict") -> "EventDict":
    LOGGED[(str(event["level"]), str(event["event"]))] += 1
    return event
